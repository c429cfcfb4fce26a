"""The cache against its formula, evaluated token by token over lists."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmbook.mathematics.cache import Cache, best_share, frequencies, mixed
from llmbook.mathematics.ngram import AddK

VOCABULARY = 4
TEXTS = st.lists(st.integers(0, VOCABULARY - 1), max_size=40)
ORDERS = st.integers(1, 3)
REACHES = st.one_of(st.none(), st.integers(3, 12))
MODEL = AddK(2, VOCABULARY, 0.5).fit([0, 1, 2, 3, 0, 1, 1, 2, 0, 0, 3])


def share_of(read, token, order, reach):
    """The share with which ``token`` followed the present context in ``read``."""
    read = read if reach is None else read[-reach:]
    context = read[len(read) - order + 1 :]
    if len(read) < order - 1:
        return math.nan
    followers = [
        read[i + order - 1]
        for i in range(len(read) - order + 1)
        if read[i : i + order - 1] == context
    ]
    return followers.count(token) / len(followers) if followers else math.nan


@given(TEXTS, ORDERS, REACHES)
def test_frequencies_are_shares_of_what_was_read(text, order, reach):
    expected = [
        share_of(text[:t], token, order, reach) for t, token in enumerate(text)
    ]
    np.testing.assert_allclose(frequencies(text, order, reach), expected)


@pytest.mark.equation("eq-cache")
@given(TEXTS, ORDERS, REACHES, st.floats(0, 1))
def test_a_cache_gives_the_mixture_and_its_two_methods_agree(
    text, order, reach, share
):
    cache = Cache(MODEL, order, share, reach)
    logarithms = cache.log_probabilities(text)
    for t, token in enumerate(text):
        model = MODEL.distribution(text[:t])[token]
        read = share_of(text[:t], token, order, reach)
        expected = (
            model if math.isnan(read) else (1 - share) * model + share * read
        )
        assert math.isclose(np.exp(logarithms[t]), expected, abs_tol=1e-12)
        distribution = cache.distribution(text[:t])
        assert math.isclose(distribution[token], expected, abs_tol=1e-12)
        assert math.isclose(distribution.sum(), 1)


def test_a_cache_over_a_cache_is_a_model():
    text = [0, 1, 0, 1, 0, 1, 0, 1]
    single = Cache(MODEL, 1, 0.2)
    both = Cache(single, 2, 0.5)
    np.testing.assert_allclose(
        both.distribution(text),
        0.5 * single.distribution(text) + 0.5 * np.eye(VOCABULARY)[0],
    )
    assert both.perplexity(text) < MODEL.perplexity(text)


def test_the_best_share_is_the_one_of_the_lowest_perplexity():
    one, two = np.array([0.1, 0.8, 0.5]), np.array([0.6, 0.1, math.nan])
    shares = np.linspace(0, 1, 51)
    surprises = [-np.log(mixed(one, two, part)).sum() for part in shares]
    assert best_share(one, two) == shares[np.argmin(surprises)]
    assert 0 < best_share(one, two) < 1


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((0, 0.5), ValueError, "order must be at least 1, got 0"),
        ((2, 1.5), ValueError, r"share must lie in \[0, 1\], got 1.5"),
        ((2, 0.5, 1), ValueError, "reach must be at least 2, got 1"),
        ((1, 0.5, "all"), TypeError, "reach must be an integer, got 'all'"),
    ],
)
def test_bad_input_is_named(arguments, error, message):
    with pytest.raises(error, match=message):
        Cache(MODEL, *arguments)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_a_context_is_forgotten_with_its_n_gram(order):
    text = 4 * [0, 100, 0, 200, 0, 100, 0, 100, 3]
    found = frequencies(text, order, 4)
    expected = [
        share_of(text[:t], token, order, 4) for t, token in enumerate(text)
    ]
    np.testing.assert_allclose(found, expected)


@pytest.mark.parametrize("share", [-0.5, 1.5])
def test_a_share_lies_between_0_and_1(share):
    with pytest.raises(ValueError, match="share"):
        mixed([0.5], [0.5], share)
