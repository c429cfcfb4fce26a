"""Checks of the exercises of chapter 12, question answering."""

import itertools
import math

import numpy as np

from llmbook.exercises import exercise


@exercise(
    "12.1",
    "Add start[:, None] and end[None, :], and rule out all pairs but s <= e < s"
    " + n.",
)
def best_span(answer):
    """Compare with trying every pair."""
    rng = np.random.default_rng(0)
    for longest in (1, 2, 4):
        for _ in range(20):
            # (T,) each, mostly negative
            start, end = rng.normal(size=(2, 6)) - 3
            pairs = [
                (s, e)
                for s, e in itertools.product(range(6), repeat=2)
                if s <= e < s + longest
            ]
            expected = max(
                pairs, key=lambda pair: start[pair[0]] + end[pair[1]]
            )
            found = tuple(int(place) for place in answer(start, end, longest))
            assert found[0] <= found[1], (
                f"the answer ends before it begins: {found}"
            )
            assert found[1] < found[0] + longest, (
                f"{found} has more than {longest} tokens"
            )
            assert found == expected, (
                f"the sum is larger at {expected} than at {found}"
            )


@exercise(
    "12.2",
    "Count each word: the shared ones are a Counter of one & a Counter of the"
    " other.",
)
def word_f1(answer):
    """Take repeats on either side, parts of words, case, no overlap and
    nothing at all.
    """
    for prediction, right, expected in [
        ("French Franc", "French Franc", 1),
        ("the french franc", "French Franc", 0.8),
        ("Franc", "French Franc", 2 / 3),
        ("franc franc", "French Franc", 0.5),
        ("Franc", "franc franc", 2 / 3),
        ("franc franc franc", "Franc Franc", 0.8),
        ("Sol", "Soles", 0),
        ("Soles", "Sol", 0),
        ("1999", "French Franc", 0),
        ("", "French Franc", 0),
        ("", "", 1),
    ]:
        found = answer(prediction, right)
        assert np.isclose(found, expected), (
            f"for {prediction!r} and {right!r} it must be {expected:.3f}, not"
            f" {found!r}"
        )


@exercise(
    "12.3",
    "The length only enters by its ratio to the mean; b says how much of it"
    " counts.",
)
def term_weight(answer):
    """Compare with the formula, and ask for its properties."""
    for frequency, length, mean, k1, b in [
        (1, 10, 10, 1.5, 0.75),
        (3, 20, 10, 1.2, 0.5),
    ]:
        expected = frequency / (frequency + k1 * (1 - b + b * length / mean))
        found = answer(frequency, length, mean, k1, b)
        assert math.isclose(found, expected), (
            f"expected {expected:.4f}, got {found!r}"
        )
    assert answer(0, 10, 10, 1.5, 0.75) == 0, (
        "a term that does not occur weighs nothing"
    )
    assert math.isclose(answer(2, 99, 10, 1.5, 0), answer(2, 1, 10, 1.5, 0)), (
        "with b = 0 length must not count"
    )
    assert math.isclose(answer(2, 99, 10, 1.5, 0), 2 / 3.5), (
        "with b = 0, k1 = 1.5 and two occurrences it must be 2 / 3.5"
    )
    assert math.isclose(answer(7, 99, 10, 0, 0.5), answer(1, 5, 10, 0, 0.5)), (
        "with k1 = 0 only whether the term occurs may count"
    )


@exercise(
    "12.4", "Ranks begin at 1, and what a ranking does not hold adds nothing."
)
def fuse(answer):
    """Compare with sums by hand, with documents that one ranking lacks."""
    found = list(answer([["a", "b", "c"], ["b", "d", "a"]], 60))
    assert found[:2] == [
        "b",
        "a",
    ], f"b (ranks 2, 1) comes before a (1, 3); got {found}"
    assert sorted(found) == [
        "a",
        "b",
        "c",
        "d",
    ], f"each document must stand once, got {found}"
    # At k = 0 a first place is worth more than two thirds; with a large k it is
    # not.
    rankings = [["x", "y", "z"], ["w", "v", "y"], ["u", "t", "y"]]
    found = list(answer(rankings, 0))
    assert found[0] == "y", (
        f"with k = 0, y earns 1/2 + 1/3 + 1/3 and is first; got {found}"
    )
    pair = [["p", "q", "r", "s"], ["o", "n", "q"]]
    assert next(iter(answer(pair, 0))) in (
        "p",
        "o",
    ), "with k = 0 a first place outweighs 1/2 + 1/3"
    assert next(iter(answer(pair, 60))) == "q", (
        "with k = 60 two middling places outweigh a first"
    )


def _earned(threshold, margins, answerable, right, price):
    """Return what a threshold earns: 1 for each question that is dealt with
    rightly, and less than nothing for each wrong answer.
    """
    given = margins > threshold  # (N,)
    rightly = np.where(given, answerable & right, ~answerable)  # (N,)
    return rightly.sum() - price * (given & ~rightly).sum()


@exercise(
    "12.5",
    "Try every margin as a threshold, and one below them all; keep the one that"
    " earns most.",
)
def priced_threshold(answer):
    """Compare what the threshold earns with the most that any earns."""
    rng = np.random.default_rng(0)
    for price in (0, 1, 4, 4, 20):
        margins = rng.normal(size=40).round(3)  # (N,)
        answerable = rng.random(40) < 0.6 + 0.2 * np.sign(margins)  # (N,)
        right = rng.random(40) < 0.7 + 0.2 * np.sign(margins)  # (N,)
        case = margins, answerable, right, price
        tries = [margins.min() - 1, *margins]
        most = max(_earned(threshold, *case) for threshold in tries)
        found = answer(*(x.copy() for x in case[:3]), price)
        earned = _earned(found, *case)
        assert earned >= most - 1e-9, (
            f"at price {price} its threshold earns {earned}, another {most}"
        )
