"""Checks of the exercises of chapter 10, machine translation."""

import itertools
import math

import numpy as np

from llmbook.exercises import exercise


@exercise(
    "10.1",
    "Scale by the root of d_k, exclude the padding before the softmax, sum over"
    " the source.",
)
def cross_attention(answer):
    """Compare with a loop over the tokens that are kept; put rubbish at the
    padding.
    """
    rng = np.random.default_rng(0)
    query, key, value = (
        rng.normal(size=(3, 6)),
        rng.normal(size=(5, 6)),
        rng.normal(size=(5, 2)),
    )
    kept = np.array([True, False, True, True, False])
    key[~kept], value[~kept] = 1e3, 1e3
    output, weights = (np.asarray(x) for x in answer(query, key, value, kept))
    assert output.shape == (
        3,
        2,
    ), f"the output must have shape (3, 2), it has {output.shape}"
    assert weights.shape == (
        3,
        5,
    ), f"the weights must have shape (3, 5), they have {weights.shape}"
    for t in range(3):
        exponentials = [
            math.exp(query[t] @ key[i] / math.sqrt(6)) if kept[i] else 0.0
            for i in range(len(key))
        ]
        expected = np.array(exponentials) / sum(exponentials)
        assert np.allclose(weights[t], expected), (
            f"row {t} of the weights must be {expected.round(3)}, not"
            f" {weights[t].round(3)}"
        )
        assert np.allclose(output[t], expected @ value), (
            f"row {t} is not the mean of the values"
        )


@exercise(
    "10.2",
    "Count both lists' n-grams, take the smaller count of each, divide by the"
    " output's.",
)
def clipped_precision(answer):
    """Count by hand, with a repeated word and a text that is too short."""
    for output, reference, n, expected in [
        ("the the the cat", "the cat sat", 1, 2 / 4),
        ("the cat sat on", "the cat sat", 2, 2 / 3),
        ("a b a b", "a b c a b", 2, 2 / 3),
        ("a b", "a b c", 2, 1.0),
        ("a", "a b", 2, 0.0),
    ]:
        found = answer(output.split(), reference.split(), n)
        assert np.isclose(found, expected), (
            f"for {output!r} against {reference!r} and n = {n} it must be"
            f" {expected:.3f}, it is {found!r}"
        )


@exercise(
    "10.3",
    "Continue every hypothesis by every token, sort all of them, keep the best"
    " few.",
)
def beam(answer):
    """Compare beams of four widths that find four different texts."""

    def log_p(prefix):
        rng = np.random.default_rng([2655, *map(ord, prefix)])
        return dict(zip("ABC", np.log(rng.dirichlet(np.ones(3))), strict=True))

    def total(text):
        return sum(log_p(text[:i])[token] for i, token in enumerate(text))

    best = "".join(max(itertools.product("ABC", repeat=4), key=total))
    for width, expected in [(1, "CAAA"), (2, "CACB"), (3, "CCBC"), (81, best)]:
        found = answer(log_p, 4, width)
        assert "".join(found) == expected, (
            f"a beam of {width} must find {tuple(expected)}, not {found!r}"
        )


@exercise("10.4", "Leave out rows without a right column, in both figures.")
def alignment_and_chance(answer):
    """Compare with a count by hand."""
    weights = np.array(
        [[0.4, 0.6, 0.0], [0.5, 0.2, 0.3], [0.1, 0.8, 0.1], [1.0, 0.0, 0.0]]
    )
    right = np.array([[1, 1, 0], [0, 0, 1], [0, 1, 0], [0, 0, 0]], dtype=bool)
    accuracy, chance = answer(weights, right)
    assert np.isclose(accuracy, 2 / 3), (
        f"two of three rows point right, it returned {accuracy!r}"
    )
    assert np.isclose(chance, 4 / 9), (
        f"chance is (2/3 + 1/3 + 1/3) / 3, it returned {chance!r}"
    )
