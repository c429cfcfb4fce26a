"""Checks of the exercises of chapter 21, trends and challenges."""

import numpy as np
from scipy.stats import binomtest

from llmbook.exercises import exercise


@exercise(
    "21.1",
    "The width falls as n grows, so double n until it is enough, then halve the"
    " gap.",
)
def questions_needed(answer):
    """Compare with a search through all numbers of questions."""
    for share, half_width in [
        (0.5, 0.1),
        (0.8, 0.05),
        (0.9, 0.03),
        (0.5, 0.02),
        (0.3, 0.5),
    ]:
        found = answer(share, half_width)
        assert found == int(found), (
            f"it should be a whole number, it is {found}"
        )
        expected = _fewest(share, half_width)
        assert found == expected, (
            f"for a share of {share} and half a width of {half_width} it needs"
            f" {expected} questions, got {found}: with {int(found)} the"
            f" interval is {_width(share, max(int(found), 1)):.5f} wide"
        )


def _width(share, n, z=1.96):
    """Return the width of Wilson's interval by the chapter's formula."""
    root = np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return 2 * z * root / (1 + z**2 / n)


def _fewest(share, half_width):
    """Try one number of questions after the other."""
    n = 1
    while _width(share, n) > 2 * half_width:
        n += 1
    return n


@exercise(
    "21.2",
    "List the n-grams of both texts as tuples; those of the training text may"
    " be a set, those of the test may not.",
)
def leaked(answer):
    """Compare with a search for every n-gram, token by token."""
    rng = np.random.default_rng(0)
    words = np.array(["a", "b", "ab", "c"])
    cases = [
        (["a", "b", "c"], ["b", "c", "d"], 2),
        (["a", "b"], ["a", "b", "a", "b"], 3),
        (["a", "b", "c"], ["a"], 2),
        (["ab", "c"], ["a", "bc"], 2),
    ] + [
        (words[rng.integers(4, size=9)].tolist(), drawn.tolist(), n)
        for n in (1, 2, 3)
        for drawn in words[rng.integers(4, size=(3, 12))]
    ]
    for test, train, n in cases:
        places = range(len(test) - n + 1)
        hits = [
            any(
                test[i : i + n] == train[j : j + n]
                for j in range(len(train) - n + 1)
            )
            for i in places
        ]
        expected = sum(hits) / len(hits) if hits else 0.0
        found = answer(list(test), list(train), n)
        assert np.isclose(found, expected), (
            f"{sum(hits)} of the {len(hits)} n-grams of {test} stand in"
            f" {train}, with n = {n}: expected {expected:.4f}, got {found:.4f}"
        )


@exercise(
    "21.3",
    "A step ends in success or in an unnoticed failure; leave the noticed ones"
    " out.",
)
def chain(answer):
    """Compare with the series over the number of tries, and with the chain
    without a checker.
    """
    for p, d, n in [
        (0.9, 0.0, 10),
        (0.9, 0.5, 10),
        (0.99, 0.9, 100),
        (0.6, 1.0, 5),
    ]:
        step = sum(p * ((1 - p) * d) ** tries for tries in range(200))
        found = answer(p, d, n)
        assert np.isclose(found, step**n), (
            f"for p = {p}, d = {d} and {n} steps, expected {step**n:.4f}, got"
            f" {found:.4f}"
        )


@exercise(
    "21.4",
    "Only questions count that one of the two answered rightly and the other"
    " did not; under chance either is as likely.",
)
def told_apart(answer):
    """Compare with SciPy's test of a coin, and with two models that agree."""
    rng = np.random.default_rng(0)
    for both, won, lost, neither in [
        (30, 10, 0, 10),
        (50, 20, 10, 20),
        (5, 3, 9, 3),
        (20, 0, 0, 20),
        (0, 1, 0, 0),
        (40, 6, 6, 8),
    ]:
        first = np.repeat([1, 1, 0, 0], [both, won, lost, neither])
        second = np.repeat([1, 0, 1, 0], [both, won, lost, neither])
        order = rng.permutation(len(first))
        first, second = first[order].astype(bool), second[order].astype(bool)
        found = answer(first.copy(), second.copy())
        differ = won + lost
        expected = binomtest(won, differ).pvalue if differ else 1.0
        assert np.isclose(found, expected), (
            f"where the first alone is right {won} times and the second alone"
            f" {lost} times, expected p = {expected:.4f}, got {found:.4f}"
        )
