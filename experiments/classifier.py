"""Train the classifiers of chapter 5, all by one protocol, with three seeds
each.

    python experiments/classifier.py

What a token is (characters, n-grams, words) is crossed with what reads the
tokens: pooling alone, or a block of attention before it. The plain model, which
has neither positions nor a residual, is trained on characters. Every model sees
the same texts for the same three epochs of ``fit`` with its defaults, and keeps
the epoch that is best on the validation texts. Units differ in the share of
views that the embedding drops; the first seed tries the other share as well.

A run is stored in ``experiments/results/classifier.json`` when it is done, its
logits on the test texts in ``classifier.npz`` beside it; a run that is there
already is not repeated. The figures are those of the stored logits.
"""

import functools
from pathlib import Path

import keras
import numpy as np
from sklearn.metrics import roc_auc_score

from llmbook.corpora.reviews import load_reviews, split
from llmbook.files import whole
from llmbook.mathematics.calibration import (
    expected_calibration_error,
    fit_temperature,
)
from llmbook.mathematics.losses import sigmoid
from llmbook.models.classifier import (
    AttentionClassifier,
    build_classifier,
    build_plain_classifier,
    fit,
    predict,
)
from llmbook.models.saving import arrays
from llmbook.recording import Recording, with_defaults
from llmbook.text.tokenizers import (
    CharTokenizer,
    NgramTokenizer,
    WordTokenizer,
)

RESULTS = Path(__file__).parent / "results" / "classifier.json"
LOGITS = RESULTS.with_suffix(".npz")
SEEDS = [0, 1, 2]
LENGTH = 160
# what a token is, and how its vocabulary is made
UNITS = {
    "characters": (CharTokenizer, {}),
    "n-grams": (NgramTokenizer, {"min_count": 2}),
    "words": (WordTokenizer, {"max_size": 20_000}),
}
# what reads the tokens: so many blocks before the pooling
READERS = {"pooling": 0, "block": 1}
# of the views of a position, one or four, the share dropped in training; and
# another share, which is tried with the first seed
VIEW_DROPOUT = {"characters": 0.2, "n-grams": 0.5, "words": 0.2}
OTHER_VIEW_DROPOUT = {"characters": 0.5, "n-grams": 0.2, "words": 0.5}


class Best(keras.callbacks.Callback):
    """Keep the logits of the epoch that is best on the validation texts."""

    def __init__(self, sequences, labels):
        super().__init__()
        self.sequences, self.labels, self.accuracy = sequences, labels, -1.0

    def on_epoch_end(self, epoch, logs=None):
        """Look at the validation texts, and at the test texts if it is best."""
        validation, test = self.sequences
        logits = predict(self.model, validation)[:, 0]  # (N,)
        accuracy = np.mean((logits > 0) == self.labels)
        if accuracy > self.accuracy:
            self.accuracy, self.validation = accuracy, logits
            self.test = predict(self.model, test)[:, 0]  # (N,)


@functools.cache
def parts():
    return split(load_reviews())


@functools.cache
def encoded(unit):
    """Return the size of a unit's vocabulary, and the ids of each part."""
    kind, options = UNITS[unit]
    tokenizer = kind.fit(parts()[0].texts, **options)
    return len(tokenizer), [
        [tokenizer.encode(text)[:LENGTH] for text in part.texts]
        for part in parts()
    ]


def run(unit, reader, seed, vocabulary, model, training):
    """Train a model; return what the chapter tables, the temperature fitted on
    the validation texts.
    """
    size, (sequences, *others) = encoded(unit)
    build = build_plain_classifier if reader == "plain" else build_classifier
    network = build(size, seed=seed, **model)
    labels = [part.labels for part in parts()]
    best = Best(others, labels[1])
    fit(network, sequences, labels[0], callbacks=[best], **training)
    test = keep(model_name(unit, reader, seed, **model), best.test)
    temperature = fit_temperature(best.validation, labels[1])
    return {
        "validation_accuracy": best.accuracy,
        "accuracy": np.mean((test > 0) == labels[2]),
        "auc": roc_auc_score(labels[2], test),
        "ece": expected_calibration_error(sigmoid(test), labels[2]),
        "ece_scaled": expected_calibration_error(
            sigmoid(test / temperature), labels[2]
        ),
        "temperature": temperature,
    }


def model_name(unit, reader, seed, view_dropout=None, **_):
    """Return by which name the logits of a run are stored."""
    kind = reader if view_dropout is None else f"{reader} {view_dropout}"
    return f"{unit}, {kind}, {seed}"


def keep(name, logits):
    """Store logits (N,) beside those that are there; return them as stored."""
    stored = arrays(LOGITS, "logits") if LOGITS.exists() else {}
    stored[name] = logits.astype("float16")
    with whole(LOGITS, "wb") as file:
        np.savez_compressed(file, **stored)
    return stored[name].astype(float)


def recipe(unit, reader, seed, view_dropout):
    """Return the options of a run."""
    kind, options = UNITS[unit]
    model = (
        with_defaults(build_plain_classifier)
        if reader == "plain"
        else with_defaults(
            AttentionClassifier,
            num_blocks=READERS[reader],
            view_dropout=view_dropout,
            length=LENGTH,
        )
    )
    model.pop("seed", None)
    return {
        "vocabulary": with_defaults(kind.fit, **options),
        "model": model,
        "training": with_defaults(fit, seed=seed),
    }


def main():
    recording = Recording(
        RESULTS,
        __file__,
        ("tensorflow", "keras", "numpy", "scikit-learn", "jieba"),
        what=(
            "accuracy and AUC on the test texts; ECE before and after"
            " temperature scaling"
        ),
    )

    def once(unit, reader, seed, view_dropout=None):
        identity = {"unit": unit, "reader": reader, "seed": seed}
        if view_dropout is not None:
            identity["view_dropout"] = view_dropout
        return recording.once(
            identity, run, **recipe(unit, reader, seed, view_dropout)
        )

    for seed in SEEDS:
        for unit in UNITS:
            for reader in READERS:
                once(unit, reader, seed, VIEW_DROPOUT[unit])
        once("characters", "plain", seed)
    for unit, share in OTHER_VIEW_DROPOUT.items():
        once(unit, "block", SEEDS[0], share)


if __name__ == "__main__":
    main()
