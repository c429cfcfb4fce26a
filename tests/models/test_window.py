"""The window model against its equation in NumPy, and what training must and must not change."""

import keras
import numpy as np
import pytest

from llmbook.mathematics.ngram import AddK
from llmbook.models.window import (
    WindowModel,
    start_from_counts,
    token_losses,
    train,
)


@pytest.fixture(params=[(), (1,), (2, 4)], ids=str)
def model(request):
    keras.utils.set_random_seed(3)
    model = WindowModel(11, 3, d_model=4, hidden_dim=6, averages=request.param)
    model.output_bias.assign(np.linspace(-1, 1, 11))
    model.hidden_layer.bias.assign(np.linspace(-1, 1, 6))
    return model


def reference(model, before):
    """The logits after a text, by the formula, in float64."""
    embeddings = model.input_layer.embeddings.numpy().astype(float)  # (V, d)
    vectors = [embeddings[i] for i in before]
    parts = vectors[-3:]
    for m in model.averages:
        parts.append(sum(vectors[-3 - m : -3]) / m * np.sqrt(m) / 2)
    x = np.concatenate(parts)
    before = (
        x @ model.hidden_layer.kernel.numpy() + model.hidden_layer.bias.numpy()
    )
    h = np.maximum(before, 0)
    return (
        h @ model.projection.kernel.numpy() @ embeddings.T
        + model.output_bias.numpy()
    )


@pytest.mark.equation("eq-window-model")
def test_the_logits_are_those_of_the_equation(model):
    ids = np.random.default_rng(0).integers(0, 11, (2, 12))
    logits = np.array(model(ids))  # (B, T, V)
    first = model.reach  # the first place that has all of its context
    expected = [
        [reference(model, row[:end]) for end in range(first, 13)] for row in ids
    ]
    assert logits.shape == np.shape(expected)
    assert np.allclose(logits, expected, atol=1e-5)


def test_the_surprise_is_the_negative_logarithm_of_the_softmax():
    logits = np.random.default_rng(0).normal(scale=5, size=(2, 3, 7))
    targets = np.array([[0, 6, 3], [1, 1, 2]])
    shares = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    expected = -np.log(
        [[shares[b, t, targets[b, t]] for t in range(3)] for b in range(2)]
    )
    assert np.allclose(token_losses(logits, targets), expected, atol=1e-6)


def test_a_text_is_scored_token_by_token(model):
    ids = np.random.default_rng(1).integers(1, 11, 9)
    one_by_one = [
        np.log(model.distribution(ids[:i])[token])
        for i, token in enumerate(ids)
    ]
    assert np.allclose(
        model.log_probabilities(ids, batch_size=4), one_by_one, atol=1e-5
    )
    assert np.isclose(
        model.perplexity(ids), np.exp(-np.mean(one_by_one)), rtol=1e-5
    )
    assert np.isclose(model.distribution([]).sum(), 1, atol=1e-12)
    with pytest.raises(ValueError, match="at least one token"):
        model.perplexity([])


def test_it_sees_what_it_should_and_nothing_else(model):
    text = np.random.default_rng(2).integers(1, 11, 12)

    def sees(place):
        changed = text.copy()
        changed[place] = text[place] % 10 + 1
        return not np.allclose(
            model.distribution(text), model.distribution(changed), atol=1e-8
        )

    assert [sees(-back) for back in range(1, 12)] == [
        b <= model.reach for b in range(1, 12)
    ]


def test_an_average_knows_what_but_not_where():
    keras.utils.set_random_seed(0)
    model = WindowModel(11, 1, d_model=4, hidden_dim=6, averages=(4,))
    text, shuffled, other = [3, 4, 5, 6, 1], [6, 4, 3, 5, 1], [3, 4, 5, 7, 1]
    assert np.allclose(
        model.distribution(text), model.distribution(shuffled), atol=1e-7
    )
    assert not np.allclose(
        model.distribution(text), model.distribution(other), atol=1e-5
    )


def test_it_comes_back_from_a_file(model, tmp_path):
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    contexts = np.random.default_rng(0).integers(0, 11, (5, 12))
    assert np.array_equal(again(contexts), model(contexts))


def test_training_learns_what_two_tokens_back_decide():
    # A token repeats the one two places back, or with a chance of 1 in 10 any of ten.
    rng = np.random.default_rng(0)
    ids = [1, 2]
    while len(ids) < 6000:
        ids.append(ids[-2] if rng.random() < 0.9 else int(rng.integers(1, 11)))
    keras.utils.set_random_seed(0)
    model = WindowModel(11, window=3, d_model=8, hidden_dim=32)
    losses = []
    train(
        model,
        ids[:5000],
        6,
        0.02,
        after_epoch=lambda epoch, loss: losses.append((epoch, loss)),
        length=16,
        batch_size=8,
    )
    # the entropy of that source: 0.91 for the repeat, 0.01 for each of the nine others
    floor = np.exp(-0.91 * np.log(0.91) - 9 * 0.01 * np.log(0.01))
    assert [epoch for epoch, _ in losses] == [1, 2, 3, 4, 5, 6]
    assert floor * 0.9 < model.perplexity(ids[5000:]) < floor * 1.25
    assert model.perplexity(ids[5000:]) < 0.5 * AddK(2, 11).fit(
        ids[:5000]
    ).perplexity(ids[5000:])


def test_before_training_a_model_knows_the_frequencies():
    ids = np.random.default_rng(0).zipf(1.6, 5000) % 40
    keras.utils.set_random_seed(0)
    model = start_from_counts(WindowModel(40, 3, d_model=8, hidden_dim=16), ids)
    frequency = (np.bincount(ids, minlength=40) + 1) / (len(ids) + 40)
    assert np.allclose(model.distribution(ids[:5]), frequency, rtol=0.05)
    model.projection.kernel.assign(np.zeros((16, 8)))
    assert np.allclose(model.distribution(ids[:5]), frequency, rtol=1e-5)


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="must be at least 1, got 11, 0, 4, 6"):
        WindowModel(11, 0, 4, 6)
    with pytest.raises(ValueError, match=r"got 11, 3, 4, 6 and \(0,\)"):
        WindowModel(11, 3, 4, 6, averages=(0,))
    with pytest.raises(
        ValueError, match="at least length \\* batch_size = 1024 tokens, got 3"
    ):
        train(WindowModel(11, 3, 4, 6), [1, 2, 3], 1, 0.01)
