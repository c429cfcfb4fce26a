"""Train the classifiers of chapter 13 with three seeds each and record how well
they do.

    python experiments/sentiment.py

A run is one model and one seed, stored in
``experiments/results/sentiment.json`` when it is done; a run that is there
already is not repeated. English models learn from movie snippets and are tested
on others, on product reviews and on tweets; the Chinese one of chapter 5 learns
from reviews of one domain and is tested on all three. CPU-seconds belong to the
machine that took them.
"""

import functools
import itertools
from pathlib import Path

import keras
import numpy as np
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from llmbook.corpora.domains import by_domain
from llmbook.corpora.lexicon import load_lexicon
from llmbook.corpora.probes import pass_rates
from llmbook.corpora.reviews import load_reviews, split
from llmbook.corpora.snippets import load_snippets
from llmbook.mathematics.losses import sigmoid
from llmbook.measures.sentiment import flips
from llmbook.models.classifier import (
    AttentionClassifier,
    Classifier,
    build_classifier,
    fit,
    train,
)
from llmbook.models.sentiment import RawValueClassifier, attended, contributions
from llmbook.recording import Recording, with_defaults
from llmbook.text.english import WordViewTokenizer, words
from llmbook.text.tokenizers import NgramTokenizer

RESULTS = Path(__file__).parent / "results" / "sentiment.json"
FRACTIONS = (0.7, 0.1, 0.2)
MODELS = {
    "raw": (RawValueClassifier, False),
    "raw_lexicon": (RawValueClassifier, True),
    "plain": (AttentionClassifier, False),
    "plain_lexicon": (AttentionClassifier, True),
}
VOCABULARY = {"min_count": 2}
SIZES = {"length": 64, "view_dropout": 0.3}
TRAINING = {"epochs": 3, "label_smoothing": 0.0}
PER_DOMAIN = {"training": 2000, "test": 500}
SEEDS = [0, 1, 2]


@functools.cache
def parts(source):
    return split(load_snippets(source, report=lambda line: None), FRACTIONS)


def polarity(scores, labels):
    return {
        "accuracy": np.mean((scores > 0) == labels),
        "auc": roc_auc_score(labels, scores),
    }


def english(kind, seed, vocabulary, model, training):
    """Train on movie snippets, their valence as soft labels, and measure all
    that is tabled.
    """
    build, knows_lexicon = MODELS[kind]
    train_part, validation, test = parts("movies")
    lexicon = load_lexicon() if knows_lexicon else None
    tokenizer = WordViewTokenizer.fit(
        train_part.texts, lexicon=lexicon, **vocabulary
    )
    keras.utils.set_random_seed(seed)
    classifier = Classifier(build(len(tokenizer), **model), tokenizer)
    targets = sigmoid(train_part.valence)  # (N,)
    fit(
        classifier.model,
        classifier.encode(train_part.texts),
        targets,
        **training,
    )

    found = {}
    for source, part in [
        ("validation", validation),
        ("test", test),
        ("amazon", parts("amazon")[2]),
        ("tweets", parts("tweets")[2]),
    ]:
        reviews = part.polar()
        figures = polarity(classifier.logits(reviews.texts), reviews.labels)
        found |= {
            f"{source}_{measure}": value for measure, value in figures.items()
        }
    found["spearman"] = spearmanr(classifier.logits(test.texts), test.valence)[
        0
    ]
    found |= {
        f"probe_{probed}": rate
        for probed, rate in pass_rates(classifier.logits).items()
    }
    return found | masking(classifier, test.polar().texts, seed)


def masking(classifier, texts, seed):
    """Return the share of answers that turn when the word that a ranking names
    is hidden.
    """
    side = np.sign(classifier.logits(texts))
    chance = np.random.default_rng(seed)
    parts_of = contributions(classifier, texts)
    rankings = {
        "random": [chance.random(len(words(text))) for text in texts],
        "attended": attended(classifier, texts),
        "contribution": [s * c for s, c in zip(side, parts_of, strict=True)],
    }
    return {
        f"flips_{name}": (
            flips(
                classifier.logits, texts, [np.argmax(r) for r in ranking]
            ).mean()
        )
        for name, ranking in rankings.items()
    }


@functools.cache
def domains():
    """Return, for each domain, reviews to learn from and reviews to be tested
    on.
    """
    counts = PER_DOMAIN["training"], PER_DOMAIN["test"]
    return by_domain(load_reviews(report=lambda line: None), *counts)


def chinese(kind, seed, vocabulary, model, training):
    """Train chapter 5's classifier on reviews of one domain and test it
    on all.
    """
    train_part, choosing = split(domains()[kind][0], (0.9, 0.1))
    tokenizer = NgramTokenizer.fit(train_part.texts, **vocabulary)
    classifier = Classifier(
        build_classifier(len(tokenizer), seed, **model), tokenizer
    )
    train(
        classifier,
        train_part,
        choosing,
        report=lambda line: None,
        **training,
    )
    found = {}
    for target, (_, test) in domains().items():
        figures = polarity(classifier.logits(test.texts), test.labels)
        found |= {
            f"{target}_{measure}": value for measure, value in figures.items()
        }
    return found


def main():
    recording = Recording(
        RESULTS,
        __file__,
        (
            "tensorflow",
            "keras",
            "numpy",
            "scikit-learn",
            "jieba",
            "vaderSentiment",
        ),
        what=(
            "accuracy and AUC on test texts; shares of answers that turn;"
            " shares of probes passed"
        ),
        recipe={"sizes": SIZES, "training": TRAINING, "per_domain": PER_DOMAIN},
    )
    for kind, seed in itertools.product(MODELS, SEEDS):
        recording.once(
            {"kind": kind, "seed": seed},
            english,
            vocabulary=with_defaults(WordViewTokenizer.fit, **VOCABULARY),
            model=with_defaults(AttentionClassifier, **SIZES),
            training=with_defaults(fit, seed=seed, **TRAINING),
        )
    for kind, seed in itertools.product(domains(), SEEDS):
        recording.once(
            {"kind": kind, "seed": seed},
            chinese,
            vocabulary=with_defaults(NgramTokenizer.fit, **VOCABULARY),
            model=with_defaults(AttentionClassifier),
            training=with_defaults(fit, seed=seed, epochs=5),
        )


if __name__ == "__main__":
    main()
