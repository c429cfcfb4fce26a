"""Train the GPT of chapter 6, and the best single model of chapter 1, from
three seeds each.

    python experiments/gpt_seeds.py

Each run is stored in ``experiments/results/gpt_seeds.json`` when it is done; a
run that is there already is not repeated, and a GPT that was interrupted goes
on from its checkpoint. The chapter reads the recipe from there, and follows it
live with the first seed. The recipe was chosen on the validation text. Both
models are also mixed with counting, at the share that is best there.
"""

import functools
import json
import tempfile
from pathlib import Path

import keras
import numpy as np

from llmbook.corpora.books import load_sanguo, split_book
from llmbook.mathematics.ngram import KneserNey, perplexity
from llmbook.models import gpt, window
from llmbook.models.training import train, windows
from llmbook.recording import Recording, with_defaults
from llmbook.text.tokenizers import CharTokenizer

FOLDER = Path(__file__).parent / "results"
RESULTS = FOLDER / "gpt_seeds.json"
RECIPE = {
    "model": {"length": 128, "d_model": 128, "num_heads": 4, "num_layers": 2},
    "batch": {"length": 128, "batch_size": 8},
    "training": {"steps": 1000, "learning_rate": 0.004, "warmup": 0.05},
    "counting_order": 5,
}
# the recipe of chapter 1
WINDOW = json.loads((FOLDER / "window_model.json").read_text())
SEEDS = [0, 1, 2]
SHARES = [round(0.1 * tenths, 1) for tenths in range(1, 10)]


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


@functools.cache
def counted(order):
    """Return the log-probabilities that counting gives to each token but the
    first.
    """
    ids, vocab_size = texts()
    counting = KneserNey(order, vocab_size).fit(ids["train"])
    return {
        part: counting.log_probabilities(ids[part])[1:]
        for part in ("validation", "test")
    }


def untrained(seed, sizes):
    """Return a GPT that starts from the counts of the training text."""
    ids, vocab_size = texts()
    keras.utils.set_random_seed(seed)
    model = gpt.GPT(gpt.GPTConfig(vocab_size, **sizes))
    return gpt.start_from_counts(model, ids["train"], seed)


def train_from(script, model, seed, batch, training):
    """Train a model on the training text, for a script that may be interrupted
    and started again.
    """
    stem = Path(script).stem
    checkpoint = Path(tempfile.gettempdir()) / f"llmbook_{stem}_{seed}.npz"
    train(
        model,
        gpt.next_token_loss,
        windows(texts()[0]["train"], **batch),
        checkpoint=checkpoint,
        **training,
    )
    checkpoint.unlink()


def gpt_run(seed, model, batch, training, counting_order):
    model = untrained(seed, model)
    train_from(__file__, model, seed, batch, training)
    ids, _ = texts()
    found = {
        part: gpt.text_log_probabilities(model, ids[part])
        for part in ("validation", "test")
    }
    return figures(found, counting_order)


def window_run(seed, model, training, counting_order):
    """Do the same with the model with memory of chapter 1."""
    ids, vocab_size = texts()
    keras.utils.set_random_seed(seed)
    model = window.WindowModel(vocab_size, **model)
    window.start_from_counts(model, ids["train"], seed)
    window.train(model, ids["train"], **training)
    found = {
        part: model.log_probabilities(ids[part])[1:]
        for part in ("validation", "test")
    }
    return figures(found, counting_order)


def mixed(ours, counted, share):
    """Perplexity of a mixture, from the log-probabilities that both give to
    each token.
    """
    return perplexity(
        np.log(share * np.exp(ours) + (1 - share) * np.exp(counted))
    )


def figures(found, counting_order):
    """Return what is tabled, of the log-probabilities that a model gives."""
    counts = counted(counting_order)
    validated = [
        mixed(found["validation"], counts["validation"], share)
        for share in SHARES
    ]
    share = SHARES[np.argmin(validated)]
    return {
        "validation": perplexity(found["validation"]),
        "test": perplexity(found["test"]),
        "share": share,
        "test_with_counts": mixed(found["test"], counts["test"], share),
    }


def main():
    recording = Recording(
        RESULTS,
        __file__,
        ("numpy", "keras", "tensorflow"),
        what=(
            "perplexity on the Three Kingdoms, and that of the mixture with"
            " Kneser-Ney"
        ),
        recipe=RECIPE,
    )
    order = RECIPE["counting_order"]
    for seed in SEEDS:
        recording.once(
            {"kind": "GPT", "seed": seed},
            gpt_run,
            model=with_defaults(gpt.GPTConfig, **RECIPE["model"]),
            batch=with_defaults(windows, seed=seed, **RECIPE["batch"]),
            training=with_defaults(train, **RECIPE["training"]),
            counting_order=order,
        )
    for seed in SEEDS:
        recording.once(
            {"kind": "window with memory", "seed": seed},
            window_run,
            model=WINDOW["model"] | {"averages": [16, 128]},
            training=with_defaults(
                window.train, seed=seed, **WINDOW["training"]
            ),
            counting_order=order,
        )


if __name__ == "__main__":
    main()
