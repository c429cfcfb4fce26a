"""Calibration: whether a classifier is right as often as it is sure, and the
temperature that mends it.
"""

import numpy as np

from llmbook import checks
from llmbook.mathematics.losses import log_softmax


def reliability(probabilities, labels, bins=15):
    r"""Compare, bin by bin of confidence, how sure a classifier is with how
    often it is right.

    Confidence is the probability of the class predicted. The bins divide [0, 1]
    evenly and are closed on the right (Guo et al. 2017, section 2).

    Parameters
    ----------
    probabilities : (N,) or (N, V)
        The probability of class 1, or of every class.
    labels : (N,) of int
    bins : int

    Returns
    -------
    confidence, accuracy : (bins,)
        Their means in each bin; NaN in an empty one.
    counts : (bins,) of int

    Raises
    ------
    ValueError
        If shapes do not match, the entries are not probabilities, a label is
        not a class or ``bins`` is not positive.
    TypeError
        If the labels are not integers.
    """
    bins = checks.count("bins", bins)
    probabilities, labels = checks.labelled_probabilities(probabilities, labels)
    confidences = probabilities.max(axis=-1)  # (N,)
    correct = probabilities.argmax(axis=-1) == labels  # (N,)

    edges = np.linspace(0, 1, bins + 1)  # (bins + 1,)
    index = np.searchsorted(edges[1:-1], confidences, side="left")  # (N,)
    counts = np.bincount(index, minlength=bins)  # (bins,)
    with np.errstate(invalid="ignore"):  # an empty bin has no mean
        # (bins,)
        confidence = np.bincount(index, confidences, minlength=bins) / counts
        # (bins,)
        accuracy = np.bincount(index, correct, minlength=bins) / counts
    return confidence, accuracy, counts


def expected_calibration_error(probabilities, labels, bins=15):
    r"""Return the mean distance between confidence and accuracy.

    .. math::

        \mathrm{ECE} = \sum_b \frac{n_b}{N} \, | \text{accuracy}_b -
        \text{confidence}_b |

    over the bins of :func:`reliability`; Guo et al. 2017, Eq. 3.

    Parameters
    ----------
    probabilities : (N,) or (N, V)
        The probability of class 1, or of every class.
    labels : (N,) of int
    bins : int

    Returns
    -------
    float
        Between 0 (calibrated) and 1.

    Raises
    ------
    ValueError, TypeError
        As :func:`reliability` does.
    """
    # (bins,) each
    confidence, accuracy, counts = reliability(probabilities, labels, bins)
    return float(
        np.nansum(counts * np.abs(accuracy - confidence)) / counts.sum()
    )


def fit_temperature(logits, labels):
    r"""Return the temperature that gives ``logits / temperature`` the least
    cross-entropy.

    In :math:`\beta = 1 / \tau` the loss is convex, so its slope

    .. math::

        \frac{dL}{d\beta} = \frac1N \sum_i \Big( \sum_k p_{ik} z_{ik} - z_{i
        y_i} \Big)

    rises, and bisection finds where it crosses zero. The method is Guo et al.
    2017, section 4.2.

    Parameters
    ----------
    logits : (N,) or (N, V)
        The log-odds of class 1, or a score for every class, on examples not
        trained on.
    labels : (N,) of int

    Returns
    -------
    float
        Above 1 if the model is too sure of itself, below 1 if it is not sure
        enough. Dividing by it changes no prediction.

    Raises
    ------
    ValueError
        If shapes do not match, a logit is not finite, a label is not a class,
        or no temperature is best: logits that are all right want 0, logits no
        better than chance want infinity.
    TypeError
        If the labels are not integers.
    """
    logits, labels = checks.labelled_logits(logits, labels)  # (N, V), (N,)
    chosen = np.take_along_axis(logits, labels[:, None], axis=-1)[:, 0]  # (N,)

    def slope(beta):
        probabilities = np.exp(log_softmax(beta * logits))  # (N, V)
        return np.mean((probabilities * logits).sum(axis=-1) - chosen)

    if slope(0.0) >= 0:
        raise ValueError(
            "logits must favour the labels, got logits no better than chance"
        )
    if np.all(logits.max(axis=-1) == chosen):
        raise ValueError(
            "labels must contradict some of the logits, got logits that are all"
            " right"
        )
    low = high = 1.0 / logits.std()
    while slope(low) > 0:
        low /= 2
    while slope(high) < 0:
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) < 0 else (low, middle)
    return float(2 / (low + high))
