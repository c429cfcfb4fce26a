"""Train the window model of chapter 1 with and without memory, three seeds
each.

    python experiments/window_model.py

Each run is stored in ``experiments/results/window_model.json`` when it is done;
a run that is there already is not repeated.
"""

import functools
import itertools
from pathlib import Path

import keras
import numpy as np

from llmbook.corpora.books import load_sanguo, split_book
from llmbook.models.window import WindowModel, start_from_counts, train
from llmbook.recording import Recording, with_defaults
from llmbook.text.tokenizers import CharTokenizer

RESULTS = Path(__file__).parent / "results" / "window_model.json"
MODEL = {"window": 4, "d_model": 96, "hidden_dim": 384}
TRAINING = {"epochs": 2, "learning_rate": 0.005}
AVERAGES = [[], [16, 128]]
SEEDS = [0, 1, 2]


@functools.cache
def texts():
    """Return the ids of the book's parts, and the size of the vocabulary."""
    book = split_book(load_sanguo())
    characters = CharTokenizer.fit([book.train], min_count=5)
    ids = {
        part: np.array(characters.encode(text))
        for part, text in book._asdict().items()
    }
    return ids, len(characters)


def run(seed, model, training):
    ids, vocab_size = texts()
    keras.utils.set_random_seed(seed)
    model = WindowModel(vocab_size, **model)
    start_from_counts(model, ids["train"], seed)
    train(model, ids["train"], **training)
    return {
        "validation": model.perplexity(ids["validation"]),
        "test": model.perplexity(ids["test"]),
    }


def main():
    recording = Recording(
        RESULTS,
        __file__,
        ("numpy", "keras", "tensorflow"),
        what="perplexity of the window model on the Three Kingdoms",
        model=MODEL,
        training=TRAINING,
    )
    for averages, seed in itertools.product(AVERAGES, SEEDS):
        recording.once(
            {"averages": averages, "seed": seed},
            run,
            model=with_defaults(WindowModel, averages=averages, **MODEL),
            training=with_defaults(train, seed=seed, **TRAINING),
        )


if __name__ == "__main__":
    main()
