"""Checks of the exercises of chapter 3, loss functions."""

import numpy as np

from llmbook.exercises import exercise
from llmbook.mathematics.calibration import fit_temperature
from llmbook.mathematics.losses import cross_entropy, sigmoid


@exercise(
    "3.1",
    "The last position has nothing to predict and the first token is nobody's"
    " target; the mask belongs to the targets, not to the inputs.",
)
def next_token_loss(answer):
    """Compare with a loop over the positions of two texts."""
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(2, 5, 7))  # (B, T, V)
    tokens = np.array([[2, 3, 4, 5, 6], [3, 2, 6, 0, 0]])  # (B, T)
    surprises = [
        cross_entropy(logits[b, t][None], [tokens[b, t + 1]])
        for b, length in enumerate([5, 3])
        for t in range(length - 1)
    ]
    _compare(
        answer(logits, tokens),
        np.mean(surprises),
        "the loss of two texts, one padded,",
    )
    # (B, T)
    padded_with_six = np.where(tokens == 0, 6, np.where(tokens == 6, 1, tokens))
    surprises = [
        cross_entropy(logits[b, t][None], [padded_with_six[b, t + 1]])
        for b, length in enumerate([5, 3])
        for t in range(length - 1)
    ]
    found = answer(logits, padded_with_six, pad_id=6)
    _compare(found, np.mean(surprises), "with pad_id=6, the loss of two texts")


@exercise(
    "3.2",
    "Each tag is a question of its own, so no softmax; and the surprise at a"
    " tag is a softplus of its logit, which np.logaddexp computes.",
)
def tag_loss(answer):
    """Compare with logarithms of probabilities, then at logits where those
    fail.
    """
    logits = np.array([[1.0, -2.0, 0.5], [0.0, 3.0, -1.0]])  # (N, V)
    tags = np.array([[1, 0, 1], [0, 0, 0]])  # (N, V)
    surprises = -np.log(
        np.where(tags == 1, sigmoid(logits), 1 - sigmoid(logits))
    )  # (N, V)
    _compare(
        answer(logits, tags),
        surprises.sum(axis=1).mean(),
        "the loss of two examples",
    )
    extreme = np.array([[1000.0, -1000.0, 1000.0]])  # (1, V)
    with np.errstate(all="ignore"):
        found = answer(extreme, np.array([[1, 0, 0]]))
    _compare(
        found,
        1000.0,
        "for logits (1000, -1000, 1000) and tags (1, 0, 0) the loss",
    )


@exercise(
    "3.3",
    "Prediction less target holds for every target distribution; write down the"
    " smoothed one, and count the positions.",
)
def smoothed_gradient(answer):
    """Compare with central differences of the loss."""
    rng = np.random.default_rng(0)
    # (N, V), (N,)
    logits, targets = rng.normal(size=(3, 4)), np.array([1, 3, 0])
    for smoothing in [0.0, 0.2]:
        expected = np.zeros_like(logits)  # (N, V)
        for index in np.ndindex(logits.shape):
            step = np.zeros_like(logits)
            step[index] = 1e-6
            ahead, behind = (
                cross_entropy(
                    logits + sign * step, targets, label_smoothing=smoothing
                )
                for sign in (1, -1)
            )
            expected[index] = (ahead - behind) / 2e-6
        found = np.asarray(answer(logits, targets, smoothing), dtype=float)
        assert found.shape == logits.shape, (
            f"the gradient must have the shape of the logits, {logits.shape},"
            f" got {found.shape}."
        )
        worst = np.abs(found - expected).max()
        assert worst < 1e-7, (
            f"with smoothing {smoothing} the gradient is off by up to"
            f" {worst:.3g} from central differences."
        )


@exercise(
    "3.4",
    "Perplexity is the exponential of the mean surprise of a token, "
    "and a long document has more tokens.",
)
def corpus_perplexity(answer):
    """Compare with documents of different lengths."""
    found = answer(np.array([2.0, 4.0]), np.array([300, 100]))
    _compare(
        found,
        np.exp(2.5),
        "for losses (2, 4) over (300, 100) tokens the perplexity",
    )
    found = answer(np.array([np.log(50)]), np.array([7]))
    _compare(found, 50.0, "for one document of loss log 50 the perplexity")


@exercise(
    "3.5",
    "A weight multiplies the odds p / (1 - p), not the probability; "
    "divide it out there, and go back.",
)
def without_weight(answer):
    """Compare with odds divided by hand."""
    found = np.asarray(answer(np.array([0.5, 0.9, 0.2]), 1.0), dtype=float)
    assert np.allclose(found, [0.5, 0.9, 0.2]), (
        f"a weight of 1 must change nothing, got {found}."
    )
    _compare(
        answer(np.array([0.5]), 19.0),
        0.05,
        "for p = 0.5 and weight 19 the probability",
    )
    _compare(
        answer(np.array([0.2]), 0.25),
        0.5,
        "for p = 0.2 and weight 1/4 the probability",
    )


@exercise(
    "3.6",
    "The loss of z / τ has one valley: evaluate it at many temperatures on a"
    " logarithmic scale, on both sides of 1, and close in on the lowest.",
)
def best_temperature(answer):
    """Compare with the library on models that are too sure, and not enough."""
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(400, 3))  # (N, V)
    noise = rng.gumbel(size=logits.shape)  # (N, V)
    labels = (1.5 * logits + noise).argmax(axis=-1)  # (N,)
    for factor, name in [(12.0, "too sure"), (0.1, "not sure enough")]:
        expected = fit_temperature(factor * logits, labels)
        found = np.squeeze(
            np.asarray(answer(factor * logits, labels), dtype=float)
        )
        assert found.ndim == 0, (
            "the temperature must be a single number, got the shape"
            f" {found.shape}."
        )
        assert np.isclose(found, expected, rtol=0.015), (
            f"for logits that are {name} the loss is not smallest at"
            f" {found:.4g}."
        )


def _compare(found, expected, what):
    found = np.squeeze(np.asarray(found, dtype=float))
    assert found.ndim == 0, (
        f"{what} must be a single number, got the shape {found.shape}."
    )
    assert np.isclose(found, expected, rtol=1e-6), (
        f"{what} is off: it came out as {found:.6g}."
    )
