"""Loss functions and what belongs to them: entropy, divergence, perplexity.

Losses are computed from logits, the scores before softmax or sigmoid, and never
from a probability that has already been rounded. Logarithms are natural: the
unit is the nat.
"""

import numpy as np

from llmbook import checks


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
    TypeError
        If ``axis`` is not an integer.
    """
    x = checks.scores(x, axis)
    maximum = x.max(axis=axis, keepdims=True)  # (..., 1)
    total = np.exp(x - maximum).sum(axis=axis, keepdims=True)  # (..., 1)
    return np.squeeze(maximum + np.log(total), axis=axis)


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
    TypeError
        If ``axis`` is not an integer.
    """
    x = checks.scores(x, axis)
    return x - np.expand_dims(logsumexp(x, axis), axis)


def sigmoid(x):
    r"""Return :math:`1 / (1 + e^{-x})`, without overflow, in the shape of
    ``x``.

    Raises
    ------
    ValueError
        If ``x`` is not of numbers, or holds a NaN.
    """
    x = checks.without_nan("x", x)
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
    logits, targets = checks.questions(logits, targets)
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
    logits, targets, mask, class_weights = checks.choices(
        logits, targets, mask, label_smoothing, class_weights
    )
    logits, targets = logits[mask], targets[mask]  # (N, V), (N,)
    log_probabilities = log_softmax(logits)  # (N, V)
    losses = -log_probabilities[np.arange(len(targets)), targets]  # (N,)
    if label_smoothing:
        # (N,), the loss if all classes were right alike
        uniform = -log_probabilities.mean(axis=-1)
        # (N,)
        losses = (1 - label_smoothing) * losses + label_smoothing * uniform
    return float(np.average(losses, weights=class_weights[targets]))


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
    TypeError
        If ``axis`` is not an integer.
    """
    p = checks.distribution("probabilities", probabilities, axis)
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
        If either is not a distribution along ``axis``, or their shapes do not
        fit.
    TypeError
        If ``axis`` is not an integer.
    """
    p = checks.distribution("p", p, axis)
    q = checks.distribution("q", q, axis)
    checks.fit("..., ...", p=p, q=q)
    return (_times_log(p, p) - _times_log(p, q)).sum(axis=axis)


def perplexity(loss):
    r"""Return :math:`e^{\text{loss}}`: among how many equal tokens a model
    seems to choose.

    Parameters
    ----------
    loss : float or (...)
        Mean cross-entropy a token, in nats.

    Raises
    ------
    ValueError
        If it is not of numbers, or holds a NaN.
    """
    loss = checks.without_nan("loss", loss)
    # beyond the largest float it is inf, as it should be
    with np.errstate(over="ignore"):
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
        If either count is not positive, or ``loss`` is a NaN.
    TypeError
        If a count is not a number.
    """
    loss = checks.without_nan("loss", loss)
    checks.positive(num_tokens=num_tokens, num_characters=num_characters)
    return loss / np.log(2) * num_tokens / num_characters


def _times_log(p, q):
    """Return p log q, which is 0 where p is 0, whatever q is."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(p > 0, p * np.log(q), 0.0)
