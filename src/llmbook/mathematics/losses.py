"""Loss functions and what belongs to them: entropy, divergence, perplexity,
calibration.

Losses are computed from logits, the scores before softmax or sigmoid, and never
from a probability that has already been rounded. Logarithms are natural: the
unit is the nat.
"""

import numpy as np


def logsumexp(x, axis=-1):
    r"""Return the logarithm of a sum of exponentials, without overflow.

    .. math::

        \log \sum_k e^{x_k} = m + \log \sum_k e^{x_k - m}, \qquad m = \max_k x_k

    Parameters
    ----------
    x : (..., V)
        Entries may be ``-inf``, but not all of them.
    axis : int

    Returns
    -------
    (...)

    Raises
    ------
    ValueError
        If the maximum along ``axis`` is not a finite number.
    """
    return np.squeeze(_logsumexp(np.asarray(x), axis), axis=axis)


def log_softmax(x, axis=-1):
    r"""Return the logarithm of the softmax, without ever forming the softmax.

    .. math:: \log p_k = x_k - \log \sum_j e^{x_j}

    Parameters
    ----------
    x : (..., V)
    axis : int

    Returns
    -------
    (..., V)

    Raises
    ------
    ValueError
        If the maximum along ``axis`` is not a finite number.
    """
    x = np.asarray(x)
    return x - _logsumexp(x, axis)


def sigmoid(x):
    r"""Return :math:`1 / (1 + e^{-x})`, without overflow, in the shape of
    ``x``.
    """
    return np.exp(-np.logaddexp(0.0, -np.asarray(x, dtype=float)))


def binary_cross_entropy(logits, targets):
    r"""Return the mean cross-entropy of independent yes-or-no questions.

    .. math::

        -\frac1N \sum_i \big[ y_i \log \sigma(z_i) + (1 - y_i) \log (1 -
        \sigma(z_i)) \big]

    Both logarithms are computed from the logit: :math:`-\log \sigma(z) = \log(1
    + e^{-z})`.

    Parameters
    ----------
    logits : (...)
        One score a question: the log-odds of "yes".
    targets : (...)
        0 or 1, or a probability between them.

    Returns
    -------
    float
        In nats.

    Raises
    ------
    ValueError
        If the shapes differ, a logit is not finite or a target lies outside [0,
        1].
    """
    logits = np.asarray(logits, dtype=float)
    targets = np.asarray(targets, dtype=float)
    if logits.shape != targets.shape or logits.size == 0:
        raise ValueError(
            "logits and targets must have one shape and hold at least one"
            f" entry, got {logits.shape} and {targets.shape}"
        )
    if not np.isfinite(logits).all():
        raise ValueError(
            f"logits must be finite, got {logits[~np.isfinite(logits)][0]}"
        )
    if not ((targets >= 0) & (targets <= 1)).all():
        raise ValueError(
            f"targets must lie in [0, 1], got {targets.min()} to"
            f" {targets.max()}"
        )
    if_yes = np.logaddexp(0.0, -logits)  # (...), -log σ(z)
    if_no = np.logaddexp(0.0, logits)  # (...), -log (1 - σ(z))
    return float(np.mean(targets * if_yes + (1 - targets) * if_no))


def cross_entropy(
    logits, targets, mask=None, label_smoothing=0.0, class_weights=None
):
    r"""Return the mean cross-entropy of choosing one class among ``V``.

    With the next token for the class, this is the loss of a language model.

    .. math::

        -\frac{1}{\sum_i w_{y_i}} \sum_i w_{y_i} \sum_k q_{ik} \log p_{ik},
        \qquad
        q_{ik} = (1 - \varepsilon)\, [k = y_i] + \frac{\varepsilon}{V}

    with :math:`p_i` the softmax of the logits at position :math:`i`,
    :math:`\varepsilon` the label smoothing (Szegedy et al. 2016, section 7) and
    :math:`w` the weights of the classes. The sums run over the positions that
    the mask allows.

    Parameters
    ----------
    logits : (..., V)
    targets : (...) of int
        The class, or the next token, at each position.
    mask : (...) of bool, optional
        True where a position counts. Whatever stands elsewhere is not looked
        at.
    label_smoothing : float
        The share of the target's probability that is spread over all classes.
    class_weights : (V,), optional
        What an example of each class counts.

    Returns
    -------
    float
        In nats.

    Raises
    ------
    ValueError
        If shapes do not match, no position counts, a target that counts is not
        in ``range(V)``, or the smoothing or a weight is out of range.
    TypeError
        If the targets are not integers or the mask is not boolean.
    """
    logits, targets = _counted_positions(logits, targets, mask)  # (N, V), (N,)
    num_classes = logits.shape[-1]
    if not 0 <= label_smoothing <= 1:
        raise ValueError(
            f"label_smoothing must lie in [0, 1], got {label_smoothing}"
        )
    log_probabilities = log_softmax(logits)  # (N, V)
    losses = -np.take_along_axis(log_probabilities, targets[:, None], axis=-1)[
        :, 0
    ]  # (N,)
    if label_smoothing:
        # (N,), the loss if all classes were right alike
        uniform = -log_probabilities.mean(axis=-1)
        # (N,)
        losses = (1 - label_smoothing) * losses + label_smoothing * uniform
    if class_weights is None:
        return float(losses.mean())
    weights = _checked_weights(class_weights, num_classes)[targets]  # (N,)
    if weights.sum() == 0:
        raise ValueError(
            "class_weights must be positive for some target, got 0 for all of"
            " them"
        )
    return float(np.average(losses, weights=weights))


def entropy(probabilities, axis=-1):
    r"""Return the entropy of a distribution: how uncertain its outcome is, in
    nats.

    .. math:: H(p) = -\sum_k p_k \log p_k, \qquad 0 \log 0 = 0

    Shannon 1948, section 6.

    Parameters
    ----------
    probabilities : (..., V)
    axis : int

    Returns
    -------
    (...)

    Raises
    ------
    ValueError
        If the entries are not probabilities that sum to 1 along ``axis``.
    """
    p = _checked_distribution("probabilities", probabilities, axis)
    return -_times_log(p, p).sum(axis=axis)


def kl_divergence(p, q, axis=-1):
    r"""Return the divergence of ``q`` from ``p``: the nats lost by expecting
    ``q`` under ``p``.

    .. math:: \mathrm{KL}(p \,\|\, q) = \sum_k p_k \log \frac{p_k}{q_k} \ge 0

    Kullback and Leibler 1951, section 2.

    Parameters
    ----------
    p, q : (..., V)
    axis : int

    Returns
    -------
    (...)
        ``inf`` where ``q`` rules out what ``p`` allows.

    Raises
    ------
    ValueError
        If either is not a distribution along ``axis``.
    """
    p = _checked_distribution("p", p, axis)
    q = _checked_distribution("q", q, axis)
    return (_times_log(p, p) - _times_log(p, q)).sum(axis=axis)


def perplexity(loss):
    r"""Return :math:`e^{\text{loss}}`: among how many equal tokens a model
    seems to choose.

    Parameters
    ----------
    loss : float or (...)
        Mean cross-entropy a token, in nats.
    """
    return np.exp(loss)


def bits_per_character(loss, num_tokens, num_characters):
    r"""Return a loss per token as bits per character, the same scale for every
    tokenizer.

    .. math::

        \frac{\text{loss}}{\log 2} \cdot \frac{\text{tokens}}{\text{characters}}

    Parameters
    ----------
    loss : float
        Mean cross-entropy a token, in nats.
    num_tokens, num_characters : int
        How many of each the text has.

    Raises
    ------
    ValueError
        If either count is not positive.
    """
    if num_tokens <= 0 or num_characters <= 0:
        raise ValueError(
            f"num_tokens and num_characters must be positive, got {num_tokens}"
            f" and {num_characters}"
        )
    return loss / np.log(2) * num_tokens / num_characters


def _logsumexp(x, axis):
    maximum = np.max(x, axis=axis, keepdims=True)  # (..., 1)
    if not np.isfinite(maximum).all():
        raise ValueError(
            "x must have a finite maximum along axis, got"
            f" {maximum[~np.isfinite(maximum)][0]}"
        )
    return maximum + np.log(
        np.sum(np.exp(x - maximum), axis=axis, keepdims=True)
    )  # (..., 1)


def _times_log(p, q):
    """Return p log q, which is 0 where p is 0, whatever q is."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(p > 0, p * np.log(q), 0.0)


def _counted_positions(logits, targets, mask):
    """Check the arguments of a cross-entropy and return the positions that
    count, in one row.
    """
    logits = np.asarray(logits, dtype=float)
    targets = np.asarray(targets)
    if mask is None:
        mask = np.ones(targets.shape, dtype=bool)
    mask = np.asarray(mask)
    if mask.dtype != bool:
        raise TypeError(
            "mask must be boolean, True where a position counts, got"
            f" {mask.dtype}"
        )
    if mask.shape != targets.shape or logits.shape[:-1] != targets.shape:
        raise ValueError(
            "logits, targets and mask must have shapes (..., V), (...) and"
            f" (...), got {logits.shape}, {targets.shape} and {mask.shape}"
        )
    if not mask.any():
        raise ValueError("mask must be True for some position, got none")
    logits = logits[mask]  # (N, V)
    return logits, _checked_classes("targets", targets[mask], logits.shape)


def _checked_classes(name, classes, shape):
    """Return ``classes`` as an array of ids that index the last axis of
    ``shape``.
    """
    classes = np.asarray(classes)
    if not np.issubdtype(classes.dtype, np.integer) and classes.dtype != bool:
        raise TypeError(f"{name} must be integers, got {classes.dtype}")
    if classes.shape != shape[:-1] or classes.size == 0:
        raise ValueError(
            f"{name} must have shape {shape[:-1]} and an entry, got"
            f" {classes.shape}"
        )
    if classes.min() < 0 or classes.max() >= shape[-1]:
        raise ValueError(
            f"{name} must lie in range({shape[-1]}), got {classes.min()} to"
            f" {classes.max()}"
        )
    return classes.astype(int)


def _checked_matrix(name, values):
    if values.ndim != 2:
        raise ValueError(
            f"{name} must have the shape (N,) or (N, V), got {values.shape}"
        )
    return values


def _checked_weights(class_weights, num_classes):
    weights = np.asarray(class_weights, dtype=float)
    if (
        weights.shape != (num_classes,)
        or not (np.isfinite(weights) & (weights >= 0)).all()
    ):
        raise ValueError(
            f"class_weights must be {num_classes} numbers that are not"
            f" negative, got {weights}"
        )
    return weights


def _checked_distribution(name, values, axis):
    values = np.asarray(values, dtype=float)
    if not (values >= 0).all() or not np.allclose(
        values.sum(axis=axis), 1, atol=1e-4
    ):
        raise ValueError(
            f"{name} must be probabilities that sum to 1 along axis {axis}, got"
            f" sums {np.unique(values.sum(axis=axis))[:3]} and a least entry"
            f" {values.min()}"
        )
    return values
