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
    bias = classifier.model.head.bias.numpy()[0]
    given = contributions(classifier, TEXTS)
    assert [len(row) for row in given] == [len(text.split()) for text in TEXTS]
    assert np.allclose(
        [row.sum() + bias for row in given], classifier.logits(TEXTS), atol=1e-4
    )


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


def test_a_model_of_several_classes_has_no_contributions(classifier):
    model = AttentionClassifier(
        len(classifier.tokenizer), length=16, d_model=8, outputs=3
    )
    with pytest.raises(ValueError, match="one logit to be explained, got 3"):
        contributions(Classifier(model, classifier.tokenizer), TEXTS)


@pytest.mark.equation("eq-additive-logit")
def test_a_contribution_is_weight_times_word_times_output(classifier):
    model = classifier.model
    ids = pad(classifier.encode(TEXTS[:1]))  # (1, T, N)
    x = model.embedding(ids)[0].numpy()  # (T, d_model)
    mask = np.ones((1, len(x)), bool)
    pooling = model.read(x[None], mask)[2][0].numpy()  # (H, T)
    kernel = model.head.kernel.numpy()[:, 0]  # (d_model,)
    x = model.norm(x).numpy()  # (T, d_model)
    for t, found in enumerate(contributions(classifier, TEXTS[:1])[0]):
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
    texts = ["good film", "good acting"]
    mask = np.ones((1, 2), bool)
    values, weights = [], []
    for text in texts:
        # (1, 2, 1): without bigrams the first word is the same in both
        ids = pad(classifier.encode([text]))[:, :, :1]
        x = model.embedding(ids)  # (1, 2, d_model)
        values.append(model.mix(x, mask)[1][0, 0].numpy())  # (d_model,)
        weights.append(model.read(x, mask)[2][0, 0, 0].numpy())
    assert abs(weights[0] - weights[1]) > 1e-3
    assert np.allclose(*values, atol=1e-5)


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
