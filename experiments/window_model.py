"""Train the window model of chapter 1 with and without memory, three seeds
each.

    python experiments/window_model.py

Each run is stored in ``experiments/results/window_model.json`` when it is done;
a run that is there already is not repeated.
"""

import time
from pathlib import Path

import keras
import numpy as np

from llmbook.corpora.books import load_sanguo, split_book
from llmbook.models.window import WindowModel, start_from_counts, train
from llmbook.recording import Recording
from llmbook.text.tokenizers import CharTokenizer

RESULTS = Path(__file__).parent / "results" / "window_model.json"
MODEL = {"window": 4, "d_model": 96, "hidden_dim": 384}
TRAINING = {"epochs": 2, "learning_rate": 0.005}
AVERAGES = [[], [16, 128]]
SEEDS = [0, 1, 2]


def run(averages, seed, vocab_size, ids):
    keras.utils.set_random_seed(seed)
    model = WindowModel(vocab_size, averages=averages, **MODEL)
    start = time.process_time()
    train(
        start_from_counts(model, ids["train"], seed),
        ids["train"],
        seed=seed,
        **TRAINING,
    )
    return {
        "averages": averages,
        "seed": seed,
        "validation": model.perplexity(ids["validation"]),
        "test": model.perplexity(ids["test"]),
        "cpu_seconds": round(time.process_time() - start, 1),
    }


def main():
    recording = Recording(
        RESULTS,
        ("numpy", "keras", "tensorflow"),
        what="perplexity of the window model on the Three Kingdoms",
        model=MODEL,
        training=TRAINING,
    )
    book = split_book(load_sanguo())
    characters = CharTokenizer.fit([book.train], min_count=5)
    ids = {
        part: np.array(characters.encode(text))
        for part, text in book._asdict().items()
    }
    for averages in AVERAGES:
        for seed in SEEDS:
            if not recording.holds(averages=averages, seed=seed):
                print(
                    recording.add(run(averages, seed, len(characters), ids)),
                    flush=True,
                )


if __name__ == "__main__":
    main()
