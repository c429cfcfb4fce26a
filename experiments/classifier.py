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
import time
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
    Classifier,
    build_article_model,
    build_classifier,
    build_keras_example,
    train,
)
from llmbook.recording import Recording
from llmbook.text.tokenizers import (
    CharTokenizer,
    NgramTokenizer,
    WordTokenizer,
    pad,
)

RESULTS = Path(__file__).parent / "results" / "classifier.json"
SEEDS = [0, 1, 2]


def attention(parts, seed, **options):
    """Train the chapter's model as its notebook does; return validation and
    test logits.
    """
    training, validation, test = parts
    tokenizer = NgramTokenizer.fit(training.texts, min_count=2)
    classifier = Classifier(
        build_classifier(len(tokenizer), seed, **options), tokenizer
    )
    train(classifier, training, validation, seed=seed)
    return classifier.logits(validation.texts), classifier.logits(test.texts)


def no_attention(parts, seed):
    """Leave out the block: pooled n-gram embeddings."""
    return attention(parts, seed, num_blocks=0)


def article(parts, seed):
    """Train the article's model, repaired, on characters."""
    tokenizer = CharTokenizer.fit(parts[0].texts)
    model = build_article_model(len(tokenizer), seed=seed)
    return fit_plainly(
        model, tokenizer, parts, length=100, epochs=10, choose=False
    )


def article_words(parts, seed):
    """Train the article's model, repaired, on words, and keep its best
    epoch.
    """
    tokenizer = WordTokenizer.fit(parts[0].texts, max_size=20_000)
    model = build_article_model(len(tokenizer), seed=seed)
    return fit_plainly(model, tokenizer, parts, length=100, epochs=3)


def keras_example(parts, seed):
    """Train the Keras example's transformer on words, with its sizes, and keep
    its best epoch.
    """
    tokenizer = WordTokenizer.fit(parts[0].texts, max_size=20_000)
    model = build_keras_example(len(tokenizer), seed=seed)
    return fit_plainly(model, tokenizer, parts, length=200, epochs=3)


def fit_plainly(model, tokenizer, parts, length, epochs, choose=True):
    """Fit with Adam and batches of 32 texts, all padded to one length."""
    ids = [
        pad([tokenizer.encode(text) for text in part.texts], length)
        for part in parts
    ]
    model.compile("adam", keras.losses.BinaryCrossentropy(from_logits=True))
    best, best_accuracy = None, -1.0
    for _ in range(epochs):
        model.fit(
            ids[0], parts[0].labels[:, None], batch_size=32, epochs=1, verbose=0
        )
        logits = [
            model.predict(x, batch_size=256, verbose=0)[:, 0] for x in ids[1:]
        ]
        accuracy = np.mean((logits[0] > 0) == parts[1].labels)
        if accuracy > best_accuracy or not choose:
            best, best_accuracy = logits, accuracy
    return best


def scores(validation, test, parts):
    """Return what the chapter tables, the temperature fitted on the validation
    texts.
    """
    temperature = fit_temperature(validation, parts[1].labels)
    return {
        "validation_accuracy": np.mean((validation > 0) == parts[1].labels),
        "accuracy": np.mean((test > 0) == parts[2].labels),
        "auc": roc_auc_score(parts[2].labels, test),
        "ece": expected_calibration_error(sigmoid(test), parts[2].labels),
        "ece_scaled": expected_calibration_error(
            sigmoid(test / temperature), parts[2].labels
        ),
        "temperature": temperature,
    }


MODELS = {
    "attention": attention,
    "no_attention": no_attention,
    "keras_example": keras_example,
    "article": article,
    "article_words": article_words,
}
PAIR = ("attention", "keras_example")


@functools.cache
def parts():
    return split(load_reviews())


@functools.cache
def logits(name, seed):
    """Train one model; return its logits on the validation and test texts, and
    the CPU-seconds.
    """
    start = time.process_time()
    validation, test = MODELS[name](parts(), seed)
    return validation, test, time.process_time() - start


def average(seed):
    """Average the log-odds of two models, each scaled by its own temperature
    first.
    """
    members = [logits(name, seed) for name in PAIR]
    heat = [
        fit_temperature(validation, parts()[1].labels)
        for validation, _, _ in members
    ]
    validation, test = (
        sum(member[part] / t for member, t in zip(members, heat, strict=True))
        / len(members)
        for part in (0, 1)
    )
    return validation, test, sum(member[2] for member in members)


def run(name, seed):
    validation, test, seconds = (
        average(seed) if name == "average" else logits(name, seed)
    )
    found = {
        key: round(float(x), 4)
        for key, x in scores(validation, test, parts()).items()
    }
    return (
        {"model": name, "seed": seed} | found | {"cpu_seconds": round(seconds)}
    )


def main():
    recording = Recording(
        RESULTS,
        ("tensorflow", "keras", "numpy", "scikit-learn", "jieba"),
        what=(
            "accuracy and AUC on the test texts; ECE before and after"
            " temperature scaling"
        ),
        average_of=PAIR,
    )
    for seed in SEEDS:
        for name in [
            *PAIR,
            "average",
            "no_attention",
            "article",
            "article_words",
        ]:
            if not recording.holds(model=name, seed=seed):
                print(recording.add(run(name, seed)), flush=True)


if __name__ == "__main__":
    main()
