"""The counting models against their formulas, evaluated token by token over lists and sets."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmbook.mathematics.ngram import (
    AddK,
    KneserNey,
    Mixture,
    NGramModel,
    perplexity,
    sample,
)

VOCABULARY = 4
TEXTS = st.lists(st.integers(0, VOCABULARY - 1), min_size=4, max_size=60)
MODELS = [
    AddK(1, VOCABULARY),
    AddK(3, VOCABULARY, 0.1),
    KneserNey(1, VOCABULARY, 0.5),
    KneserNey(3, VOCABULARY, 0.75),
]
model_of = st.sampled_from(MODELS)


def grams(text, length):
    return [tuple(text[i : i + length]) for i in range(len(text) - length + 1)]


def add_k(text, context, token, order, k):
    context = tuple(context[len(context) - order + 1 :])
    if len(context) < order - 1:
        return 1 / VOCABULARY
    followed = [gram for gram in grams(text, order) if gram[:-1] == context]
    if not followed:
        return 1 / VOCABULARY
    return (followed.count((*context, token)) + k) / (
        len(followed) + k * VOCABULARY
    )


def count(text, gram, order):
    """The count of an n-gram of full length; of a shorter one, how many tokens precede it."""
    if len(gram) == order:
        return grams(text, order).count(gram)
    return len(
        {longer for longer in grams(text, len(gram) + 1) if longer[1:] == gram}
    )


def discount_for(text, length, order):
    """The three discounts of n-grams of one length, written out."""
    n = Counter(count(text, gram, order) for gram in set(grams(text, length)))
    y = n[1] / (n[1] + 2 * n[2])
    estimates = {
        1: 1 - 2 * y * n[2] / n[1],
        2: 2 - 3 * y * n[3] / n[2],
        3: 3 - 4 * y * n[4] / n[3],
    }
    return {j: max(estimate, 0) for j, estimate in estimates.items()}


def kneser_ney(text, context, token, order, discount):
    context = tuple(context[max(0, len(context) - order + 1) :])
    lower = (
        kneser_ney(text, context[1:], token, order, discount)
        if context
        else 1 / VOCABULARY
    )
    counts = {v: count(text, (*context, v), order) for v in range(VOCABULARY)}
    if sum(counts.values()) == 0:
        return lower
    by_count = (
        discount_for(text, len(context) + 1, order)
        if discount is None
        else dict.fromkeys((1, 2, 3), discount)
    )
    taken = {
        v: min(by_count[min(c, 3)], c) if c else 0 for v, c in counts.items()
    }
    share = (counts[token] - taken[token]) / sum(counts.values())
    return share + sum(taken.values()) / sum(counts.values()) * lower


def test_a_bigram_counted_by_hand():
    # a b a b a c: after a come b, b, c; after b come a, a; after c nothing
    a, b, c = range(3)
    model = AddK(2, 3, k=1).fit([a, b, a, b, a, c])
    assert model.distribution([a]) == pytest.approx([1 / 6, 3 / 6, 2 / 6])
    assert model.distribution([c]) == pytest.approx([1 / 3, 1 / 3, 1 / 3])
    counted = AddK(2, 3, k=0).fit([a, b, a, b, a, c])
    assert counted.distribution([a]) == pytest.approx([0, 2 / 3, 1 / 3])
    assert counted.distribution([c]) == pytest.approx([1 / 3, 1 / 3, 1 / 3])
    assert counted.log_probabilities([a, a])[1] == -math.inf
    assert counted.perplexity([a, a]) == math.inf
    assert AddK(2, 3).fit([a, b, a]).k == 1


def test_a_kneser_ney_bigram_counted_by_hand():
    # distinct bigrams: ab ba ac, so a, b and c each have one predecessor: shares of 1/3
    a, b, c = range(3)
    model = KneserNey(2, 3, discount=0.5).fit([a, b, a, b, a, c])
    unigram = 0.5 / 3 + 1.5 / 3 * (1 / 3)
    assert model.distribution() == pytest.approx([unigram] * 3)
    left_over = (0.5 + 0.5) / 3
    expected = [
        left_over * unigram,
        1.5 / 3 + left_over * unigram,
        0.5 / 3 + left_over * unigram,
    ]
    assert model.distribution([a]) == pytest.approx(expected)
    assert model.distribution([c]) == pytest.approx([unigram] * 3)


def test_a_token_of_one_phrase_is_not_a_common_one():
    # 2 follows 0 four times and nothing else; 1 is as frequent after four different tokens
    text = [0, 2, 0, 2, 0, 2, 0, 2, 1, 3, 1, 4, 1, 5, 1]
    model = KneserNey(2, 6, discount=0.5).fit(text)
    assert text.count(1) == text.count(2)
    assert model.distribution()[1] > 2 * model.distribution()[2]


@pytest.mark.equation("eq-add-k")
@settings(max_examples=60, deadline=None)
@given(TEXTS, TEXTS, st.integers(1, 4), st.sampled_from([0.01, 1.0]))
def test_add_k_is_its_formula(text, scored, order, k):
    model = AddK(order, VOCABULARY, k).fit(text)
    expected = [
        add_k(text, scored[:i], token, order, k)
        for i, token in enumerate(scored)
    ]
    assert np.allclose(
        np.exp(model.log_probabilities(scored)), expected, rtol=1e-12
    )


@pytest.mark.equation("eq-kneser-ney")
@settings(max_examples=60, deadline=None)
@given(TEXTS, TEXTS, st.integers(1, 4), st.sampled_from([0, 0.3, 0.75, 1]))
def test_kneser_ney_is_its_formula(text, scored, order, discount):
    model = KneserNey(order, VOCABULARY, discount).fit(text)
    expected = [
        kneser_ney(text, scored[:i], token, order, discount)
        for i, token in enumerate(scored)
    ]
    assert np.allclose(
        np.exp(model.log_probabilities(scored)), expected, rtol=1e-12
    )


def test_the_estimated_discounts_are_their_formula(monkeypatch):
    monkeypatch.setattr(__name__ + ".VOCABULARY", 31)
    rng = np.random.default_rng(1)
    draws = rng.zipf(1.4, 4000)
    # 30 stands at the beginning alone: no token precedes it
    text = [30, *(draws[draws <= 30] - 1).tolist()[:400]]
    model = KneserNey(2, 31).fit(text)
    assert all(0 < discount_for(text, 2, 2)[j] < j for j in (1, 2, 3))
    assert (
        discount_for(text, 1, 2)[2] == 0
    )  # the estimate is negative here, and cut off
    scored = [*text[50:70], 30]
    expected = [
        kneser_ney(text, scored[:i], token, 2, None)
        for i, token in enumerate(scored)
    ]
    assert np.allclose(
        np.exp(model.log_probabilities(scored)), expected, rtol=1e-12
    )


def test_the_estimated_discounts_by_hand():
    # Counts of 1, 2 and 3, one token each, and none of 4: with n1 / (n1 + 2 n2) = 1/3, the discounts are 1/3, 1 and 3.
    model = KneserNey(1, 4).fit([0, 1, 1, 2, 2, 2])
    left_over = (1 / 3 + 1 + 3) / 6
    assert np.allclose(
        model.distribution(),
        [left_over / 4 + share for share in (1 / 9, 1 / 6, 0, 0)],
        rtol=1e-12,
    )


@pytest.mark.parametrize(
    "text", [[1, 1, 2, 2, 2], [0, 2, 2, 2], [0, 1, 1], [0, 1, 1, 2, 2, 2, 2]]
)
def test_discounts_need_counts_of_one_two_and_three(text):
    with pytest.raises(ValueError, match="occur once, twice and three times"):
        KneserNey(1, 4).fit(text)


@settings(max_examples=60, deadline=None)
@given(TEXTS, TEXTS, model_of)
def test_probabilities_sum_to_one_and_none_is_zero(text, context, model):
    distribution = model.fit(text).distribution(context)
    assert distribution.shape == (VOCABULARY,)
    assert (distribution > 0).all()
    assert math.isclose(distribution.sum(), 1, rel_tol=1e-12)


@settings(max_examples=60, deadline=None)
@given(TEXTS, TEXTS, model_of)
def test_scoring_a_text_is_reading_each_distribution(text, scored, model):
    model.fit(text)
    one_by_one = [
        model.distribution(scored[:i])[token] for i, token in enumerate(scored)
    ]
    assert np.allclose(
        np.exp(model.log_probabilities(scored)), one_by_one, rtol=1e-12
    )


@pytest.mark.equation("eq-factorisation")
@settings(max_examples=20, deadline=None)
@given(TEXTS, model_of)
def test_all_texts_of_one_length_share_the_probability_of_one(text, model):
    model.fit(text)
    every = np.stack(
        np.meshgrid(*[np.arange(VOCABULARY)] * 3), axis=-1
    ).reshape(-1, 3)
    total = sum(math.exp(model.log_probabilities(row).sum()) for row in every)
    assert math.isclose(total, 1, rel_tol=1e-9)


@pytest.mark.equation("eq-perplexity-of-text")
@settings(max_examples=30, deadline=None)
@given(TEXTS, TEXTS, model_of)
def test_perplexity_is_the_inverse_geometric_mean(text, scored, model):
    model.fit(text)
    product = math.prod(
        model.distribution(scored[:i])[t] for i, t in enumerate(scored)
    )
    assert math.isclose(
        model.perplexity(scored), product ** (-1 / len(scored)), rel_tol=1e-9
    )


def test_perplexity_is_computed_in_full_precision_and_may_be_infinite():
    surprise = np.float32(0.1)
    assert perplexity(np.full(7, -surprise)) == pytest.approx(
        math.exp(surprise), rel=1e-12
    )
    assert perplexity([-1000.0]) == math.inf


def test_a_model_that_knows_nothing_is_torn_between_all_tokens():
    model = AddK(1, 7, k=1e12).fit([0, 1])
    assert model.perplexity([2, 3, 4]) == pytest.approx(7)


def test_samples_follow_the_distribution_and_repeat_with_the_seed():
    model = KneserNey(2, 3, 0.5).fit([0, 1, 0, 1, 0, 2])
    rng = np.random.default_rng(0)
    drawn = [sample(model, 1, rng, context=[0])[0] for _ in range(4000)]
    shares = np.bincount(drawn, minlength=3) / 4000
    assert (
        np.abs(shares - model.distribution([0])).max() < 0.03
    )  # four standard errors
    twice = [sample(model, 20, np.random.default_rng(5)) for _ in range(2)]
    assert twice[0] == twice[1]
    assert len(twice[0]) == 20


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: KneserNey(0, 5), "order must be at least 1, got 0"),
        (lambda: AddK(2, 0), "vocab_size must be at least 1, got 0"),
        (lambda: AddK(2, 5, k=-1), r"k must lie in \[0, inf\), got -1"),
        (
            lambda: KneserNey(2, 5, discount=1.5),
            r"discount must lie in \[0, 1\], got 1.5",
        ),
        (lambda: AddK(3, 5).fit([0, 1]), "at least order=3 tokens, got 2"),
        (
            lambda: AddK(1, 5).fit([0, 5]),
            r"ids must lie in range\(5\)",
        ),
        (lambda: AddK(1, 5).fit([-1, 2]), "got -1 to 2"),
        (lambda: AddK(1, 5).fit([[0, 1]]), "one sequence of integers"),
        (lambda: KneserNey(2, 5).fit([0, 1, 2, 3]), "give a discount"),
        (
            lambda: AddK(1, 5).fit([0]).perplexity([]),
            "at least one token, got none",
        ),
        (
            lambda: AddK(1, 5).fit([0]).distribution([7]),
            "context must lie in range",
        ),
        (lambda: KneserNey(2, 5, 0.5).distribution(), "call fit"),
    ],
)
def test_bad_input_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_an_abstract_model_estimates_nothing():
    with pytest.raises(NotImplementedError):
        NGramModel(1, 2).fit([0])


@pytest.mark.equation("eq-mixture")
@settings(max_examples=30, deadline=None)
@given(TEXTS, TEXTS, st.floats(0, 1))
def test_a_mixture_averages_probabilities(text, scored, share):
    first, second = (
        m.fit(text)
        for m in (AddK(2, VOCABULARY), KneserNey(3, VOCABULARY, 0.5))
    )
    mixture = Mixture(first, second, share)
    p, q = (
        np.exp(model.log_probabilities(scored)) for model in (first, second)
    )
    expected = share * p + (1 - share) * q
    assert np.allclose(np.exp(mixture.log_probabilities(scored)), expected)
    p, q = (model.distribution(scored) for model in (first, second))
    expected = share * p + (1 - share) * q
    assert np.allclose(mixture.distribution(scored), expected, rtol=1e-12)
    # never worse than the same mixture of surprises: the logarithm is concave
    bound = first.perplexity(scored) ** share * second.perplexity(scored) ** (
        1 - share
    )
    assert mixture.perplexity(scored) <= bound * (1 + 1e-9)


def test_tokens_that_are_no_integers_are_named():
    with pytest.raises(TypeError, match="ids must be integers, got float64"):
        AddK(1, 5).fit([0.5, 1.0])


def test_a_share_out_of_range_is_named():
    with pytest.raises(ValueError, match=r"share must lie in \[0, 1\], got 2"):
        Mixture(None, None, 2)
