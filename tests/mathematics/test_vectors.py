"""Counts of followers against a double loop, PPMI against its formula, the SVD against NumPy's own."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmbook.mathematics.vectors import (
    embed,
    followers,
    nearest,
    ppmi,
    truncated_svd,
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=30), st.integers(1, 6))
def test_followers_are_counted_within_the_window(ids, window):
    expected = np.zeros((5, 5))
    for i, left in enumerate(ids):
        for j, right in enumerate(ids):
            expected[left, right] += 0 < j - i <= window
    assert np.array_equal(followers(ids, 5, window), expected)


def test_a_text_of_one_token_or_none_has_no_followers():
    for ids in ([], [1]):
        assert np.array_equal(followers(ids, 2, 3), np.zeros((2, 2)))


@pytest.mark.equation("eq-ppmi")
@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 9), min_size=9, max_size=9).filter(any),
    st.sampled_from([0.75, 1.0]),
)
def test_ppmi_is_its_formula(entries, smoothing):
    counts = np.reshape(entries, (3, 3))
    total = counts.sum()
    smoothed = sum(column.sum() ** smoothing for column in counts.T)
    result = ppmi(counts, smoothing)
    for a in range(3):
        for b in range(3):
            expected = 0.0
            if counts[a, b]:
                share = counts[:, b].sum() ** smoothing / smoothed
                expected = math.log(
                    counts[a, b] / total / (counts[a].sum() / total * share)
                )
            assert math.isclose(result[a, b], max(0, expected), abs_tol=1e-12)


def test_neighbours_are_smoothed_by_three_quarters_unless_told():
    counts = np.array([[4, 1], [1, 0]])
    assert np.allclose(ppmi(counts), ppmi(counts, 0.75), rtol=1e-12)
    assert not np.allclose(ppmi(counts), ppmi(counts, 1.0))


def test_independent_tokens_tell_nothing_of_each_other():
    assert np.allclose(ppmi(np.outer([1, 2, 3], [1, 2, 3]), smoothing=1), 0)


def test_the_truncated_svd_is_that_of_numpy():
    rng = np.random.default_rng(0)
    matrix = rng.standard_normal((60, 8)) @ rng.standard_normal((8, 40))
    matrix += 0.01 * rng.standard_normal((60, 40))
    vectors, values = truncated_svd(matrix, 6, rng)
    exact_vectors, exact_values, _ = np.linalg.svd(matrix)
    assert np.allclose(values, exact_values[:6], rtol=1e-9)
    assert np.allclose(vectors.T @ vectors, np.eye(6), atol=1e-12)
    alignment = np.abs(
        np.sum(vectors * exact_vectors[:, :6], axis=0)
    )  # signs are arbitrary
    assert np.allclose(alignment, 1, atol=1e-9)


def test_embeddings_span_what_the_decomposition_of_both_sides_spans():
    ids = np.random.default_rng(1).integers(0, 12, 400)
    after = followers(ids, 12, 2)
    company = np.hstack([ppmi(after), ppmi(after.T)])  # (V, 2 V)
    vectors = embed(ids, 12, 11, 2, np.random.default_rng(0))
    left, values, _ = np.linalg.svd(company)
    expected = (
        left[:, :11] * values[:11] @ left[:, :11].T
    )  # free of the arbitrary signs
    assert np.allclose(vectors @ vectors.T, expected, atol=1e-9)


def test_tokens_of_the_same_company_are_nearest():
    # 1 and 2 stand between the same neighbours, 3 and 4 likewise; 0 does not occur
    rng = np.random.default_rng(0)
    ids = np.concatenate(
        [
            [5, rng.choice([1, 2]), 6, 7, rng.choice([3, 4]), 8]
            for _ in range(300)
        ]
    )
    vectors = embed(ids, 9, 5, 1, rng)
    assert nearest(vectors, 1, 1)[0] == [2]
    assert nearest(vectors, 3, 1)[0] == [4]
    assert np.allclose(vectors[0], 0)


@given(st.integers(0, 5), st.integers(1, 5))
@settings(max_examples=30, deadline=None)
def test_nearest_is_the_order_of_cosines(index, count):
    vectors = np.random.default_rng(3).standard_normal((6, 3))
    indices, cosines = nearest(vectors, index, count)
    by_hand = {
        i: v
        @ vectors[index]
        / np.linalg.norm(v)
        / np.linalg.norm(vectors[index])
        for i, v in enumerate(vectors)
        if i != index
    }
    assert (
        indices.tolist()
        == sorted(by_hand, key=by_hand.get, reverse=True)[:count]
    )
    assert np.allclose(cosines, [by_hand[i] for i in indices])


def test_of_equal_cosines_the_first_token_is_nearer_and_zero_is_near_none():
    vectors = np.array([[1.0, 0], [0, 2], [3, 0], [5, 0], [0, 0], [-1, 0]])
    indices, cosines = nearest(vectors, 0, 5)
    assert indices.tolist() == [2, 3, 1, 4, 5]
    assert cosines.tolist() == [1, 1, 0, 0, -1]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: followers([0, 1], 2, 0), "window must be at least 1, got 0"),
        (
            lambda: followers([0, 2], 2, 1),
            r"ids must lie in range\(2\)",
        ),
        (lambda: followers([1, -1], 2, 1), "got -1 to 1"),
        (lambda: followers([[0, 1]], 2, 1), "ids must be one sequence"),
        (lambda: ppmi(np.zeros((2, 2))), "not all zero"),
        (lambda: ppmi([[1, -1], [0, 1]]), "non-negative"),
        (
            lambda: truncated_svd(np.eye(3), 3, None),
            r"rank must lie in \[1, 2\], got 3",
        ),
        (
            lambda: truncated_svd(np.eye(3), 0, None),
            r"rank must lie in \[1, 2\], got 0",
        ),
    ],
)
def test_bad_input_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
