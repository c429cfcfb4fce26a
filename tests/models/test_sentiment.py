import keras
import numpy as np
import pytest

from llmbook.corpora.reviews import Reviews
from llmbook.measures.sentiment import flips
from llmbook.models.classifier import AttentionClassifier, Classifier, train
from llmbook.models.sentiment import RawValueClassifier, attended, contributions
from llmbook.text.english import WordViewTokenizer
from llmbook.text.tokenizers import pad

TEXTS = ["a good film", "bad", "good good plot but bad acting", "the plot"]


@pytest.fixture(scope="module")
def classifier():
    keras.utils.set_random_seed(0)
    tokenizer = WordViewTokenizer.fit(TEXTS)
    model = RawValueClassifier(
        len(tokenizer), length=16, d_model=8, num_heads=2
    )
    for variable in (
        model.trainable_variables
    ):  # away from the small numbers it begins with
        variable.assign(np.random.default_rng(1).normal(size=variable.shape))
    return Classifier(model, tokenizer)


@pytest.mark.equation("eq-additive-logit")
def test_contributions_add_up_to_the_logit(classifier):
    ids = pad(classifier.encode(TEXTS))  # (B, T, N)
    parts = classifier.model.contributions(ids)  # (B, T)
    logits = classifier.model(ids).numpy()[:, 0]  # (B,)
    assert np.allclose(
        parts.sum(axis=1) + classifier.model.head.bias.numpy(),
        logits,
        atol=1e-4,
    )
    assert not parts[ids[:, :, 0] == 0].any()
    for one, row in zip(contributions(classifier, TEXTS), parts, strict=True):
        assert np.allclose(one, row[: len(one)], atol=1e-4)


def test_a_mixed_classifiers_contributions_add_up_too(classifier):
    model = AttentionClassifier(
        len(classifier.tokenizer), length=16, d_model=8, num_heads=2
    )
    mixed = Classifier(model, classifier.tokenizer)
    for variable in model.trainable_variables:
        variable.assign(np.random.default_rng(3).normal(size=variable.shape))
    given = contributions(mixed, TEXTS)
    bias = model.head.bias.numpy()[0]
    assert np.allclose(
        [row.sum() + bias for row in given], mixed.logits(TEXTS), atol=1e-4
    )


@pytest.mark.equation("eq-additive-logit")
def test_a_contribution_is_weight_times_word_times_output(classifier):
    model, ids = (
        classifier.model,
        pad(classifier.encode(TEXTS[:1])),
    )  # (1, T, N)
    x = model.embedding(ids)[0].numpy()  # (T, d_model)
    pooling = model.read(x[None], np.ones((1, len(x)), bool))[2][
        0
    ].numpy()  # (H, T)
    kernel = model.head.kernel.numpy()[:, 0]  # (d_model,)
    x = model.norm(x).numpy()  # (T, d_model)
    for t, found in enumerate(model.contributions(ids)[0]):
        by_head = [
            pooling[h, t]
            * (x[t, 4 * h : 4 * h + 4] @ kernel[4 * h : 4 * h + 4])
            for h in (0, 1)
        ]
        assert found == pytest.approx(sum(by_head), abs=1e-4)


def test_weights_see_the_context_and_values_do_not(classifier):
    """Of one head: a word among others is weighed anew, and is worth the same."""
    model = RawValueClassifier(
        len(classifier.tokenizer), length=16, d_model=8, num_heads=1
    )
    for mine, its in zip(
        model.variables, classifier.model.variables, strict=True
    ):
        mine.assign(
            np.random.default_rng(2).normal(size=mine.shape)
            if mine.shape != its.shape
            else its
        )
    first, second = (
        pad(classifier.encode([text]))[:, :, :1]
        for text in ("good film", "good acting")
    )  # (1, 2, 1): without bigrams the first word is the same in both
    mask = np.ones((1, 2), bool)
    weights = [
        model.read(model.embedding(ids), mask)[2].numpy()[0, 0]
        for ids in (first, second)
    ]  # (2,) each
    worth = [
        model.contributions(ids)[0] / w
        for ids, w in zip((first, second), weights, strict=True)
    ]
    assert abs(weights[0][0] - weights[1][0]) > 1e-3
    assert worth[0][0] == pytest.approx(worth[1][0], abs=1e-4)


def test_it_learns_which_word_decides():
    texts = [
        f"{name} is {word}" for name in "abcdefgh" for word in ("good", "bad")
    ]
    reviews = Reviews(texts, np.array([1, 0] * 8))
    tokenizer = WordViewTokenizer.fit(texts)
    keras.utils.set_random_seed(0)
    classifier = Classifier(
        RawValueClassifier(len(tokenizer), length=8, d_model=16), tokenizer
    )
    train(
        classifier,
        reviews,
        reviews,
        report=lambda _: None,
        epochs=30,
        learning_rate=1e-2,
        batch_size=8,
    )
    assert ((classifier.logits(texts) > 0) == reviews.labels).all()
    for text, parts in zip(
        texts, contributions(classifier, texts), strict=True
    ):
        assert np.abs(parts).argmax() == 2
        assert (parts[2] > 0) == ("good" in text)
    assert not np.array_equal(
        flips(classifier.logits, texts, [2] * 16), [False] * 16
    )


def test_attended_words_have_shares_that_add_up_to_one(classifier):
    for text, weights in zip(TEXTS, attended(classifier, TEXTS), strict=True):
        assert len(weights) == len(text.split())
        assert weights.sum() == pytest.approx(1, abs=1e-5)
    many = TEXTS * 40  # more than a batch
    assert np.allclose(
        attended(classifier, many)[-1],
        attended(classifier, TEXTS[-1:])[0],
        atol=1e-6,
    )
