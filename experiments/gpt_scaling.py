"""Train GPTs of several widths, depths and amounts of text, to see what each
does to the loss.

    python experiments/gpt_scaling.py

Each run is stored in ``experiments/results/gpt_scaling.json`` when it is done;
a run that is there already is not repeated. All runs read equally many tokens,
so with less text they read it more often. The loss of a run is the lowest on
the validation text that it passed through: with little text it rises again
while the text is learned by heart.
"""

import functools
import itertools
from pathlib import Path

import keras
import numpy as np

from llmbook.corpora.books import load_sanguo, split_book
from llmbook.models import gpt
from llmbook.models.training import train, windows
from llmbook.recording import Recording, with_defaults
from llmbook.text.tokenizers import CharTokenizer

RESULTS = Path(__file__).parent / "results" / "gpt_scaling.json"
WIDTHS, DEPTHS, SHARES = (8, 16, 32, 64), (1, 3), (1 / 16, 1 / 8, 1 / 4, 1 / 2)
RUNS = [
    *(
        (width, depth, 1.0)
        for width, depth in itertools.product(WIDTHS, DEPTHS)
    ),
    *((32, 1, share) for share in SHARES),
]
MODEL = {"length": 64, "num_heads": 4}
BATCH = {"length": 64, "batch_size": 16}
TRAINING = {"steps": 600, "learning_rate": 0.004, "warmup": 0.05, "every": 100}
SEED = 0


@functools.cache
def texts():
    """Return the ids of the training and the validation text, and the size of
    the vocabulary.
    """
    book = split_book(load_sanguo())
    characters = CharTokenizer.fit([book.train], min_count=5)
    train, validation = (np.array(characters.encode(text)) for text in book[:2])
    return train, validation, len(characters)


def run(share, seed, model, batch, training):
    text = texts()[0]
    text = text[: int(share * len(text))]
    return trained_on(text, seed, model, batch, training)


def trained_on(text, seed, model, batch, training):
    """Return the figures of a model that read this part of the text."""
    _, validation, vocab_size = texts()
    keras.utils.set_random_seed(seed)
    model = gpt.GPT(gpt.GPTConfig(vocab_size, **model))
    gpt.start_from_counts(model, text, seed)
    curve = []

    def report(step, loss):
        held_out = -gpt.text_log_probabilities(model, validation).mean()
        curve.append([step, loss, held_out])

    batches = windows(text, **batch)
    train(model, gpt.next_token_loss, batches, report=report, **training)
    return {
        "parameters": model.count_params(),
        "tokens": len(text),
        "loss": min(held_out for _, _, held_out in curve),
        "curve": curve,
    }


def main():
    recording = Recording(
        RESULTS,
        __file__,
        ("numpy", "keras", "tensorflow"),
        what=(
            "validation loss in nats a character; curve: step, training loss,"
            " validation loss"
        ),
    )
    for width, depth, share in RUNS:
        sizes = {"d_model": width, "num_layers": depth}
        recording.once(
            sizes | {"share": share},
            run,
            seed=SEED,
            model=with_defaults(gpt.GPTConfig, **MODEL | sizes),
            batch=with_defaults(windows, seed=SEED, **BATCH),
            training=with_defaults(train, **TRAINING),
        )


if __name__ == "__main__":
    main()
