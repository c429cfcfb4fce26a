"""Checks of the exercises of chapter 5, the text classifier."""

import numpy as np

from llmbook.exercises import exercise
from llmbook.mathematics.losses import sigmoid


@exercise(
    "5.1", "Compare keys, not texts, and divide by the number of test texts."
)
def leaked_share(answer):
    """Count by hand, with repeats that differ in what does not matter, and with
    texts that are no repeats: a part of another, and its letters in another
    order.
    """
    training = ["很好!", "OK，不错", "太 差", "太差", "房间不大", "好不"]
    test = ["很好", "ok 不错。", "一般", "很好", "不大", "很好吃", "不好"]
    found = answer(training, test)
    assert np.isclose(found, 3 / 7), (
        f"three of seven test texts have leaked, it returned {found!r}"
    )
    assert answer(["很好"], ["不好"]) == 0, "without a leak it must return 0"


@exercise(
    "5.2",
    "Sum only where the mask is True, and divide by the tokens, not by the"
    " length.",
)
def masked_mean(answer):
    """Compare with a loop, then put rubbish at the padding."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3, 5, 2))  # (B, T, d)
    mask = np.array(
        [[1, 1, 0, 0, 0], [0, 1, 1, 1, 0], [1, 1, 1, 1, 1]], dtype=bool
    )  # (B, T)
    expected = [
        text[keep].mean(axis=0) for text, keep in zip(x, mask, strict=True)
    ]
    found = np.asarray(answer(x.copy(), mask))
    assert found.shape == (
        3,
        2,
    ), f"the result must have shape (3, 2), it has {found.shape}"
    assert np.allclose(found, expected), "it is not the mean over the tokens"
    x[~mask] = np.inf
    with np.errstate(all="ignore"):
        assert np.allclose(answer(x.copy(), mask), expected), (
            "what stands at the padding counts"
        )
        nothing = answer(x, np.zeros_like(mask))
    assert np.array_equal(nothing, np.zeros((3, 2))), (
        "a text without a token must give zeros"
    )


@exercise(
    "5.3",
    "Divide each row by its own temperature, average, and only then take the"
    " sigmoid.",
)
def average(answer):
    """Compare with the formula, with temperatures that differ."""
    logits = np.array([[2.0, -1.0, 0.5, 4.0], [6.0, 3.0, -3.0, 4.0]])  # (M, N)
    expected = sigmoid((logits[0] / 2 + logits[1] / 0.5) / 2)  # (N,)
    found = np.asarray(answer(logits, np.array([2.0, 0.5])))
    assert found.shape == (4,), (
        f"the result must have shape (4,), it has {found.shape}"
    )
    assert np.allclose(found, expected), (
        f"expected {expected.round(3)}, got {found.round(3)}"
    )


@exercise(
    "5.4",
    "Sort by falling score, and start from a copy that is all unknown tokens.",
)
def insertion(answer):
    """Look at the text that ``predict`` receives."""
    ids, score = (
        np.array([7, 8, 9, 10, 11]),
        np.array([0.1, 0.9, -2.0, 0.5, 0.3]),
    )  # (T,)
    for share, expected in [
        (0, [1, 1, 1, 1, 1]),
        (0.25, [1, 8, 1, 1, 1]),
        (0.35, [1, 8, 1, 10, 1]),
        (0.4, [1, 8, 1, 10, 1]),
        (0.6, [1, 8, 1, 10, 11]),
        (1, [7, 8, 9, 10, 11]),
    ]:
        found = answer(
            lambda text: np.asarray(text).tolist(), ids, score, share
        )
        assert found == expected, (
            f"for share {share}, predict must receive {expected}, not {found}"
        )
    assert ids.tolist() == [
        7,
        8,
        9,
        10,
        11,
    ], "the reader's ids must not be changed"
    found = answer(
        lambda text: np.asarray(text).tolist(), ids, score, 0.2, unknown=5
    )
    assert found == [5, 8, 5, 5, 5], f"with unknown=5, predict received {found}"


@exercise(
    "5.5",
    "Draw one set of indices each time, and use it for both models; then take"
    " the 2.5th and the 97.5th percentile of the differences.",
)
def paired_interval(answer):
    """Compare with the normal approximation of a paired difference, for two
    models that are mostly right on the same texts.
    """
    one = np.arange(2000) % 10 < 8  # (N,), right on 80 %
    other = one.copy()
    other[::20] = False  # of these, one is right
    other[9::40] = True  # and the other here
    ahead = one.astype(float) - other  # (N,)
    error = ahead.std() / np.sqrt(len(ahead))
    expected = ahead.mean() - 1.96 * error, ahead.mean() + 1.96 * error
    found = np.asarray(answer(one.copy(), other.copy(), 4000), dtype=float)
    assert found.shape == (2,), (
        f"the result must be two numbers, low and high, it is {found!r}"
    )
    assert np.allclose(found, expected, rtol=0, atol=0.25 * error), (
        f"expected about {expected[0]:+.4f} to {expected[1]:+.4f}, got"
        f" {found[0]:+.4f} to {found[1]:+.4f}"
    )
    same = np.asarray(answer(one.copy(), one.copy(), 100), dtype=float)
    assert np.array_equal(same, [0, 0]), (
        f"a model minus itself must be 0 in every draw, got {same}"
    )
