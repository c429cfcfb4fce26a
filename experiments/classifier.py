"""Train the classifiers of chapter 5 with three seeds each and record how well
they do.

    python experiments/classifier.py

A run is one model and one seed, stored in
``experiments/results/classifier.json`` when it is done; a run that is there
already is not repeated. All choose their epoch on the validation texts, but for
the article's model, which is trained for ten epochs as the article says.
CPU-seconds belong to the machine that took them.
"""

import functools
from pathlib import Path

import keras
import numpy as np
from sklearn.metrics import roc_auc_score

from llmbook.corpora.reviews import load_reviews, split
from llmbook.mathematics.calibration import (
    expected_calibration_error,
    fit_temperature,
)
from llmbook.mathematics.losses import sigmoid
from llmbook.models.classifier import (
    AttentionClassifier,
    Classifier,
    build_classifier,
    build_keras_example,
    build_plain_classifier,
    fit,
    train,
)
from llmbook.recording import Recording, with_defaults
from llmbook.text.tokenizers import (
    CharTokenizer,
    NgramTokenizer,
    WordTokenizer,
    pad,
)

RESULTS = Path(__file__).parent / "results" / "classifier.json"
SEEDS = [0, 1, 2]
# the models of the chapter: with their block, and without
OURS = {"attention": {}, "no_attention": {"num_blocks": 0}}
# the others: what builds them, what they read, and how they are fitted; the
# article's, repaired, on characters as it is there, and on words
WORDS = {"max_size": 20_000}
OTHERS = {
    "keras_example": (
        (build_keras_example, WordTokenizer),
        (WORDS, {"length": 200, "epochs": 3, "choose": True}),
    ),
    "article": (
        (build_plain_classifier, CharTokenizer),
        ({}, {"length": 100, "epochs": 10, "choose": False}),
    ),
    "article_words": (
        (build_plain_classifier, WordTokenizer),
        (WORDS, {"length": 100, "epochs": 3, "choose": True}),
    ),
}
PAIR = ("attention", "keras_example")


@functools.cache
def parts():
    return split(load_reviews())


def recipe(kind, seed):
    """Return the options of a model, those of its parts if it is the
    average.
    """
    if kind == "average":
        return {member: recipe(member, seed) for member in PAIR}
    if kind in OURS:
        return {
            "vocabulary": with_defaults(NgramTokenizer.fit, min_count=2),
            "model": with_defaults(AttentionClassifier, **OURS[kind]),
            "training": with_defaults(fit, seed=seed),
        }
    (build, tokenizer), (vocabulary, training) = OTHERS[kind]
    return {
        "vocabulary": with_defaults(tokenizer.fit, **vocabulary),
        "model": with_defaults(build, seed=seed),
        "training": {"batch_size": 32} | training,
    }


def logits(kind, seed, vocabulary, model, training):
    """Train a model; return its logits on the validation and test texts."""
    if kind in OURS:
        return ours(seed, vocabulary, model, training)
    build, tokenizer = OTHERS[kind][0]
    tokenizer = tokenizer.fit(parts()[0].texts, **vocabulary)
    return fit_plainly(build(len(tokenizer), **model), tokenizer, **training)


def ours(seed, vocabulary, model, training):
    """Train one of the chapter's models as its notebook does."""
    train_part, validation, test = parts()
    tokenizer = NgramTokenizer.fit(train_part.texts, **vocabulary)
    classifier = Classifier(
        build_classifier(len(tokenizer), seed, **model), tokenizer
    )
    train(classifier, train_part, validation, **training)
    return classifier.logits(validation.texts), classifier.logits(test.texts)


def fit_plainly(model, tokenizer, length, epochs, choose, batch_size):
    """Fit with Adam, all texts padded to one length; keep the best epoch if
    there is one to be chosen, else the last.
    """
    ids = [
        pad([tokenizer.encode(text) for text in part.texts], length)
        for part in parts()
    ]
    labels = [part.labels for part in parts()]
    model.compile("adam", keras.losses.BinaryCrossentropy(from_logits=True))
    best, best_accuracy = None, -1.0
    for _ in range(epochs):
        model.fit(
            ids[0],
            labels[0][:, None],
            batch_size=batch_size,
            epochs=1,
            verbose=0,
        )
        logits = [
            model.predict(x, batch_size=256, verbose=0)[:, 0] for x in ids[1:]
        ]
        accuracy = np.mean((logits[0] > 0) == labels[1])
        if accuracy > best_accuracy or not choose:
            best, best_accuracy = logits, accuracy
    return best


def average(seed, members):
    """Average the log-odds of models, each scaled by its own temperature
    first.
    """
    found = [logits(kind, seed, **members[kind]) for kind in members]
    heat = [
        fit_temperature(validation, parts()[1].labels)
        for validation, _ in found
    ]
    return [
        sum(logits[part] / t for logits, t in zip(found, heat, strict=True))
        / len(found)
        for part in (0, 1)
    ]


def run(kind, seed, **recipe):
    """Return what the chapter tables, the temperature fitted on the validation
    texts.
    """
    validation, test = (
        average(seed, recipe)
        if kind == "average"
        else logits(kind, seed, **recipe)
    )
    labels = [part.labels for part in parts()]
    temperature = fit_temperature(validation, labels[1])
    return {
        "validation_accuracy": np.mean((validation > 0) == labels[1]),
        "accuracy": np.mean((test > 0) == labels[2]),
        "auc": roc_auc_score(labels[2], test),
        "ece": expected_calibration_error(sigmoid(test), labels[2]),
        "ece_scaled": expected_calibration_error(
            sigmoid(test / temperature), labels[2]
        ),
        "temperature": temperature,
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
        average_of=PAIR,
    )
    kinds = [*PAIR, "average", "no_attention", "article", "article_words"]
    for seed in SEEDS:
        for kind in kinds:
            recording.once(
                {"kind": kind, "seed": seed}, run, **recipe(kind, seed)
            )


if __name__ == "__main__":
    main()
