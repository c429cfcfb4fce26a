"""The published toy task, remove the named words, by models of four sizes, for
chapter 8.

    python experiments/feedback/removal.py

Each run trains one model and is stored in ``experiments/results/removal.json``
when it is done. Stop the script when you like: what is there is not repeated.
"""

import itertools
import random
from pathlib import Path

import keras
import numpy as np

from llmbook.feedback.learner import until
from llmbook.feedback.tasks import removal
from llmbook.models import generation, gpt
from llmbook.models.training import train
from llmbook.recording import Recording, with_defaults

RESULTS = Path(__file__).parents[1] / "results" / "removal.json"
WIDTHS, STEPS, SEEDS = (8, 16, 32, 64), (1600, 600), (1, 2, 3)
MODEL = {
    "length": removal.LONGEST_PROMPT + removal.LONGEST_SENTENCE,
    "num_heads": 4,
    "num_layers": 2,
}
TRAINING = {"learning_rate": 6e-3, "weight_decay": 0.01}
BATCH_SIZE, EXAMPLES = 32, 20  # examples of each cell


def documents(seed, batch_size, length):
    """Return a function of the step that draws tasks with answers, and which
    tokens are answers.
    """

    def batch(step):
        rng = random.Random(f"{seed} {step}")
        ids = np.zeros((batch_size, length), "int32")  # (B, T)
        weights = np.zeros((batch_size, length), "float32")  # (B, T)
        for row in range(batch_size):
            prompt, answer = removal.draw(rng, *rng.choice(removal.CELLS))
            stop = len(prompt) + len(answer)
            ids[row, :stop] = prompt + answer
            weights[row, len(prompt) : stop] = 1
        return ids, weights

    return batch


def run(seed, model, batch_size, training, examples):
    """Train a model, and return how many of the answers to new tasks are
    exactly right.
    """
    keras.utils.set_random_seed(seed)
    config = gpt.GPTConfig(len(removal.VOCABULARY), **model)
    model = gpt.GPT(config)
    # (V, d_model), as in llmbook.feedback.pretraining
    table = model.embedding.embeddings
    table.assign(
        keras.random.normal(table.shape, stddev=config.d_model**-0.5, seed=seed)
    )
    batches = documents(seed, batch_size, config.length)
    train(model, gpt.next_token_loss, batches, **training)
    rng = random.Random("examination")
    cells = [cell for cell in removal.CELLS for _ in range(examples)]
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
    ).reshape(len(removal.CELLS), examples)  # (cells, examples)
    names = map(str, removal.CELLS)
    varied = [cell not in removal.CONSTANT_CELLS for cell in removal.CELLS]
    return {
        "parameters": model.count_params(),
        "exact": right[varied].mean(),
        "exact_with_constant_cells": right.mean(),
        "grid": dict(zip(names, right.mean(axis=1), strict=True)),
    }


def main():
    recording = Recording(
        RESULTS,
        __file__,
        ("numpy", "tensorflow", "keras"),
        what="shares of exact answers: of all cells, and of each",
    )
    for steps, width, seed in itertools.product(STEPS, WIDTHS, SEEDS):
        recording.once(
            {"d_model": width, "steps": steps, "seed": seed},
            run,
            model=with_defaults(gpt.GPTConfig, d_model=width, **MODEL),
            batch_size=BATCH_SIZE,
            training=with_defaults(train, steps=steps, **TRAINING),
            examples=EXAMPLES,
        )


if __name__ == "__main__":
    main()
