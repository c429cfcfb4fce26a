"""Checks of the exercises of chapter 11, summarisation."""

import numpy as np

from llmbook.exercises import exercise


@exercise(
    "11.1",
    "Keep the order, allow gaps; divide twice the length by both lengths.",
)
def rouge_l(answer):
    """Compare with sequences counted by hand."""
    for summary, reference, expected in [
        ("the sum of values", "the weighted sum of all values", 2 * 4 / 10),
        ("b a", "a b", 2 * 1 / 4),
        ("a a a", "a b a", 2 * 2 / 6),
        ("a b c d", "c d a b", 2 * 2 / 8),
        ("e a b c d", "a b c d e", 2 * 4 / 10),  # not the first that fits
        ("p q r x y", "x y z p a q b r", 2 * 3 / 13),  # not the longest run
        ("x", "y z", 0.0),
    ]:
        found = answer(summary.split(), reference.split())
        assert np.isclose(found, expected), (
            f"for {summary!r} against {reference!r} it must be {expected:.3f},"
            f" it is {found!r}"
        )


@exercise(
    "11.2",
    "A word that occurs twice in the source is copied from both places: add"
    " them up.",
)
def pointer_generator(answer):
    """Add by hand, with a repeated word and one beyond the vocabulary."""
    made, attention = np.array([0.1, 0.6, 0.3]), np.array([0.5, 0.2, 0.2, 0.1])
    source = np.array([1, 4, 1, 0])
    expected = [
        0.25 * 0.1 + 0.75 * 0.1,
        0.25 * 0.6 + 0.75 * 0.7,
        0.25 * 0.3,
        0.0,
        0.75 * 0.2,
    ]
    found = np.asarray(answer(0.25, made.copy(), attention.copy(), source, 5))
    assert found.shape == (5,), (
        f"the result must have shape (5,), it has {found.shape}"
    )
    assert np.isclose(found.sum(), 1), (
        f"the probabilities must sum to 1, not {found.sum():.3f}"
    )
    assert np.allclose(found, expected), (
        f"expected {np.round(expected, 3)}, got {found.round(3)}"
    )


@exercise(
    "11.3",
    "Compare each step with the sum of the steps before it, itself left out.",
)
def coverage_loss(answer):
    """Compare with a loop."""
    weights = np.random.default_rng(0).dirichlet(np.ones(4), 5)  # (T, S)
    expected = sum(
        np.minimum(weights[t], weights[:t].sum(axis=0)).sum() for t in range(5)
    )
    assert np.isclose(answer(np.eye(3)), 0), (
        "steps that look at new places must cost nothing"
    )
    found = answer(weights.copy())
    assert np.isclose(found, expected), (
        f"expected {expected:.4f}, got {found!r}"
    )


@exercise(
    "11.4", "Count the runs of the summary, each as often as it occurs there."
)
def new_share(answer):
    """Count by hand, with repeats and a summary that is too short."""
    source = ["the", "sum", "of", "the", "values", "of", "x"]
    for summary, n, expected in [
        ("the mean of x", 1, 1 / 4),
        ("the mean of x", 2, 2 / 3),
        ("a mean a mean", 2, 1.0),
        ("the sum the sum", 2, 1 / 3),
        ("sum", 2, 0.0),
        ("he value", 1, 1.0),  # parts of words are other words
        ("he sum", 2, 1.0),
    ]:
        found = answer(summary.split(), source, n)
        assert np.isclose(found, expected), (
            f"for {summary!r} and n = {n} it must be {expected:.3f}, it is"
            f" {found!r}"
        )
