"""The published toy task, remove the named words, by models of four sizes, for
chapter 8.

    python experiments/feedback/removal.py

Each run trains one model and is stored in ``experiments/results/removal.json``
when it is done. Stop the script when you like: what is there is not repeated.
"""

import itertools
import random
import time
from pathlib import Path

import keras
import numpy as np

from llmbook.feedback.learner import until
from llmbook.feedback.tasks import removal
from llmbook.models import generation, gpt, training
from llmbook.recording import load, store, versions

RESULTS = Path(__file__).parents[1] / "results" / "removal.json"
WIDTHS, STEPS, SEEDS = (8, 16, 32, 64), (1600, 600), (1, 2, 3)
BATCH_SIZE, EXAMPLES, LEARNING_RATE = 32, 20, 6e-3  # examples of each cell
LENGTH = removal.LONGEST_PROMPT + removal.LONGEST_SENTENCE


def documents(seed):
    """Return a function of the step that draws tasks with answers, and which
    tokens are answers.
    """

    def batch(step):
        rng = random.Random(f"{seed} {step}")
        ids = np.zeros((BATCH_SIZE, LENGTH), "int32")  # (B, T)
        weights = np.zeros((BATCH_SIZE, LENGTH), "float32")  # (B, T)
        for row in range(BATCH_SIZE):
            prompt, answer = removal.draw(rng, *rng.choice(removal.CELLS))
            stop = len(prompt) + len(answer)
            ids[row, :stop] = prompt + answer
            weights[row, len(prompt) : stop] = 1
        return ids, weights

    return batch


def run(width, steps, seed):
    """Train a model, and return how many of the answers to new tasks are
    exactly right.
    """
    keras.utils.set_random_seed(seed)
    config = gpt.GPTConfig(
        len(removal.VOCABULARY), LENGTH, width, num_heads=4, num_layers=2
    )
    model = gpt.GPT(config)
    # (V, d_model), as in llmbook.feedback.pretraining
    table = model.embedding.embeddings
    table.assign(
        keras.random.normal(table.shape, stddev=width**-0.5, seed=seed)
    )
    start = time.process_time()
    training.train(
        model,
        gpt.next_token_loss,
        documents(seed),
        steps,
        learning_rate=LEARNING_RATE,
        weight_decay=0.01,
    )
    rng = random.Random("examination")
    cells = [cell for cell in removal.CELLS for _ in range(EXAMPLES)]
    prompts, answers = zip(
        *(removal.draw(rng, *cell) for cell in cells), strict=True
    )
    written = generation.generate(
        model,
        prompts,
        removal.LONGEST_SENTENCE,
        temperature=0,
        stop=removal.END,
    ).tolist()
    right = np.array(
        [
            until(row, removal.END) == answer[:-1]
            for row, answer in zip(written, answers, strict=True)
        ]
    ).reshape(len(removal.CELLS), EXAMPLES)  # (cells, examples)
    grid = dict(
        zip(
            map(str, removal.CELLS),
            right.mean(axis=1).round(3).tolist(),
            strict=True,
        )
    )
    varied = [cell not in removal.CONSTANT_CELLS for cell in removal.CELLS]
    return {
        "d_model": width,
        "parameters": model.count_params(),
        "steps": steps,
        "seed": seed,
        "exact": round(float(right[varied].mean()), 4),
        "exact_with_constant_cells": round(float(right.mean()), 4),
        "grid": grid,
        "cpu_seconds": round(time.process_time() - start, 1),
    }


def main():
    results = load(RESULTS, {})
    results["settings"] = {
        "batch_size": BATCH_SIZE,
        "examples_a_cell": EXAMPLES,
        "learning_rate": LEARNING_RATE,
        "versions": versions("numpy", "tensorflow", "keras"),
    }
    todo = list(itertools.product(STEPS, WIDTHS, SEEDS))
    for number, (steps, width, seed) in enumerate(todo, 1):
        key = f"width {width}, {steps} steps, seed {seed}"
        if key in results["runs"]:
            continue
        results["runs"][key] = run(width, steps, seed)
        store(RESULTS, results)
        print(
            f"[{number}/{len(todo)}] {key}:"
            f" {results['runs'][key]['exact']:.3f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
