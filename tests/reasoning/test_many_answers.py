"""Many answers: pass@k against enumeration, the vote by hand and against its exact value."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmbook.reasoning.answers import (
    mean_and_error,
    pass_at_k,
    vote,
    vote_at_k,
)


@pytest.mark.equation("eq-pass-at-k")
@settings(deadline=None)
@given(st.integers(1, 7), st.data())
def test_pass_at_k_is_what_all_choices_give(n, data):
    c, k = data.draw(st.integers(0, n)), data.draw(st.integers(1, n))
    is_right = [True] * c + [False] * (n - c)
    chosen = list(itertools.combinations(is_right, k))
    expected = sum(map(any, chosen)) / len(chosen)
    assert pass_at_k([c], n, k)[0] == pytest.approx(expected)


def test_pass_at_k_is_unbiased_and_the_power_is_not():
    """Over all outcomes of n answers that are right with probability p."""
    n, k, p = 8, 4, 0.3
    chances = [
        math.comb(n, c) * p**c * (1 - p) ** (n - c) for c in range(n + 1)
    ]
    found = pass_at_k(np.arange(n + 1), n, k)
    wanted = 1 - (1 - p) ** k
    assert chances @ found == pytest.approx(wanted)
    plugged_in = 1 - (1 - np.arange(n + 1) / n) ** k
    assert chances @ plugged_in < wanted - 0.01


def test_pass_at_k_of_large_numbers():
    found = pass_at_k([1, 10, 0, 10_000], 10_000, 5000)
    expected = 1 - math.comb(9990, 5000) / math.comb(10_000, 5000)
    np.testing.assert_allclose(found, [0.5, expected, 0, 1])


def test_the_vote():
    assert vote(["3", "4", "4"]) == "4"
    assert vote(["3", "4"]) == "3"
    assert vote([None, None, "7"]) == "7"
    assert vote([None]) is None


def test_votes_are_those_of_all_choices():
    """Three right answers of five: a vote of three is right unless two of the wrong ones are alike and chosen."""
    answers = ["1", "1", "1", "2", "2"]
    expected = np.mean(
        [
            vote(list(chosen)) == "1"
            for chosen in itertools.permutations(answers, 3)
        ]
    )
    rng = np.random.default_rng(0)
    found = vote_at_k([answers], ["1"], 3, rng, draws=4000)
    assert found[0] == pytest.approx(expected, abs=0.03)
    assert vote_at_k([answers], ["1"], 5, rng) == [1]
    one = vote_at_k([answers], ["1"], 1, rng, draws=4000)
    assert one[0] == pytest.approx(0.6, abs=0.03)


def test_mean_and_error():
    mean, error = mean_and_error([0, 1, 1, 0])
    assert mean == 0.5
    assert error == pytest.approx(np.sqrt(1 / 3) / 2)
