r"""Attention: softmax, masks, one head and many, the online form, and
positions.

Vectors are rows, any leading axes are batch axes, and a mask is boolean, True
where attention is allowed. Whatever would end in a NaN (a NaN or an infinity
given, an overflow, a query that may attend to nothing) raises ``ValueError``
instead.
"""

import math

import numpy as np

from llmbook import checks


def softmax(x, axis=-1):
    r"""Turn scores into positive weights that sum to 1 along ``axis``.

    .. math::

        \mathrm{softmax}(x)_i = \frac{e^{x_i - \max_j x_j}}{\sum_k e^{x_k -
        \max_j x_j}}

    Subtracting the maximum changes nothing, since it cancels, and keeps every
    exponent at or below 0, so that nothing overflows.

    Parameters
    ----------
    x : (...,) array
        Minus infinity is allowed and earns the weight 0.
    axis : int

    Returns
    -------
    weights : array of the shape of ``x``

    Raises
    ------
    ValueError
        If ``x`` is not of numbers, is empty along ``axis``, holds a NaN or plus
        infinity, or has nothing but minus infinities along ``axis``.
    TypeError
        If ``axis`` is not an integer.
    """
    x = checks.scores(x, axis)
    largest = x.max(axis=axis, keepdims=True)
    # -1e308 - 1e308 is -inf, whose exponential is rightly 0
    with np.errstate(over="ignore"):
        exponentials = np.exp(x - largest)
    return exponentials / exponentials.sum(axis=axis, keepdims=True)


def causal_mask(length):
    """Let each position see itself and what stands before it.

    Parameters
    ----------
    length : int, at least 1

    Returns
    -------
    mask : (T, T) of bool
        ``mask[i, j]`` is True where ``j <= i``.

    Raises
    ------
    TypeError
        If ``length`` is not an integer.
    ValueError
        If it is below 1.
    """
    length = checks.count("length", length)
    return np.tri(length, dtype=bool)


def padding_mask(lengths, length):
    """Mark the real tokens of sequences that were padded at their end to a
    common ``length``.

    Parameters
    ----------
    lengths : (..., ) of int
        How many tokens of each sequence are real, most often of shape ``(B,)``.
    length : int
        The common length ``T``.

    Returns
    -------
    mask : (..., T) of bool
        True for a real token. Attention needs it as a mask of the *keys*, the
        same for every query: ``padding_mask(lengths, length)[..., None, :]``,
        of shape ``(..., 1, T)``.

    Raises
    ------
    TypeError
        If ``length`` is not an integer.
    ValueError
        If ``length`` is below 1, or ``lengths`` are not integers between 0 and
        ``length``.
    """
    lengths, length = checks.lengths(lengths, length)
    return np.arange(length) < lengths[..., None]


def scaled_dot_product_attention(query, key, value, mask=None):
    r"""Compare each query with every key, and average the values by the weights
    that result.

    .. math::

        \mathrm{Attention}(Q, K, V) = \mathrm{softmax}\!\left(\frac{Q
        K^\top}{\sqrt{d_k}}\right) V

    Equation 1 of Vaswani et al. (2017), "Attention is all you need".

    Parameters
    ----------
    query : (..., T_q, d_k)
    key : (..., T_k, d_k)
    value : (..., T_k, d_v)
    mask : (..., T_q, T_k) of bool, optional
        True where attention is allowed; a shape that broadcasts to that of the
        weights will do.

    Returns
    -------
    output : (..., T_q, d_v)
    weights : (..., T_q, T_k)
        Each row sums to 1, and is exactly 0 where the mask is False.

    Raises
    ------
    ValueError
        If shapes do not fit, an array holds a NaN or an infinity, the scores
        overflow, the mask is not boolean or does not fit, or a query has no key
        that it may attend to.
    """
    query, key, value, mask = checks.attention(query, key, value, mask)
    weights = softmax(scaled_scores(query, key, mask))  # (..., T_q, T_k)
    return weights @ value, weights  # (..., T_q, d_v), (..., T_q, T_k)


def scaled_scores(query, key, mask=None):
    r"""Return the scores that a softmax turns into weights.

    .. math:: S_{ij} = \frac{q_i \cdot k_j}{\sqrt{d_k}}

    and minus infinity where the mask forbids attention (Vaswani et al. 2017,
    section 3.2.1).

    Parameters
    ----------
    query : (..., T_q, d_k)
    key : (..., T_k, d_k)
    mask : (..., T_q, T_k) of bool, optional

    Returns
    -------
    (..., T_q, T_k)

    Raises
    ------
    ValueError
        If shapes do not fit, an array holds a NaN or an infinity, the mask is
        not boolean, or a dot product overflows.
    """
    query, key, mask = checks.compared(query, key, mask)
    with np.errstate(over="ignore", invalid="ignore"):
        # (..., T_q, T_k)
        scores = query @ key.swapaxes(-2, -1) / math.sqrt(query.shape[-1])
    checks.overflow(scores)
    return scores if mask is None else np.where(mask, scores, -np.inf)


def multi_head_attention(
    x, w_query, w_key, w_value, w_output, num_heads, mask=None, context=None
):
    r"""Attend with ``num_heads`` heads side by side, each in its own projection
    of the tokens.

    .. math::

        \mathrm{head}_h = \mathrm{Attention}(X W^Q_h, C W^K_h, C W^V_h), \qquad
        \mathrm{MultiHead}(X) = [\mathrm{head}_1, \dots, \mathrm{head}_H]\, W^O

    Section 3.2.2 of Vaswani et al. (2017). Head ``h`` owns the ``h``-th of
    ``num_heads`` equal slices of the columns of ``w_query``, ``w_key`` and
    ``w_value``.

    Parameters
    ----------
    x : (..., T, d_model)
    w_query, w_key : (d_model, H * d_k)
    w_value : (d_model, H * d_v)
    w_output : (H * d_v, d_model)
    num_heads : int
    mask : (..., T, T_k) of bool, optional
        Without an axis for the heads, which share it. True where attention is
        allowed.
    context : (..., T_k, d_model), optional
        What is attended to: ``x`` itself (self-attention) unless given
        (cross-attention).

    Returns
    -------
    output : (..., T, d_model)
    weights : (..., H, T, T_k)

    Raises
    ------
    TypeError
        If ``num_heads`` is not an integer.
    ValueError
        If shapes do not fit, ``num_heads`` does not divide the columns, or as
        for :func:`scaled_dot_product_attention`.
    """
    context = x if context is None else context  # self-attention
    x, context, w_query, w_key, w_value, w_output, num_heads, mask = (
        checks.multi_head_attention(
            x, context, w_query, w_key, w_value, w_output, num_heads, mask
        )
    )
    query = split_heads(x @ w_query, num_heads)  # (..., H, T, d_k)
    key = split_heads(context @ w_key, num_heads)  # (..., H, T_k, d_k)
    value = split_heads(context @ w_value, num_heads)  # (..., H, T_k, d_v)
    # (..., H, T, d_v), (..., H, T, T_k)
    heads, weights = scaled_dot_product_attention(query, key, value, mask)
    return merge_heads(heads) @ w_output, weights  # (..., T, d_model), …


def split_heads(x, num_heads):
    """Cut every vector into ``num_heads`` slices of one width, a head each.

    Parameters
    ----------
    x : (..., T, H * d)
    num_heads : int

    Returns
    -------
    (..., H, T, d)

    Raises
    ------
    TypeError
        If ``num_heads`` is not an integer.
    ValueError
        If it does not divide the width, or ``x`` is not of finite numbers.
    """
    x = checks.array("x", x, at_least=2)
    num_heads = checks.heads("the last axis of x", x.shape[-1], num_heads)
    slices = x.reshape(*x.shape[:-1], num_heads, -1)  # (..., T, H, d)
    return slices.swapaxes(-3, -2)


def merge_heads(x):
    """Lay the slices of all heads side by side: :func:`split_heads` undone.

    Parameters
    ----------
    x : (..., H, T, d)

    Returns
    -------
    (..., T, H * d)

    Raises
    ------
    ValueError
        If ``x`` is not of finite numbers, or has fewer axes.
    """
    x = checks.array("x", x, at_least=3)
    slices = x.swapaxes(-3, -2)  # (..., T, H, d)
    return slices.reshape(*slices.shape[:-2], -1)


def online_softmax_attention(query, key, value, mask=None, block_size=64):
    r"""Compute attention block by block of keys, without ever holding all the
    weights.

    A running maximum :math:`m`, sum :math:`\ell` and numerator :math:`o` are
    kept for each query. When a block of keys with scores :math:`s_j` and values
    :math:`v_j` arrives,

    .. math::

        m' = \max(m, \max_j s_j), \qquad
        \ell' = e^{m - m'} \ell + \sum_j e^{s_j - m'}, \qquad
        o' = e^{m - m'} o + \sum_j e^{s_j - m'} v_j ,

    and after the last one the output is :math:`o / \ell`. Milakov and
    Gimelshein (2018), "Online normalizer calculation for softmax", for the sum;
    Dao et al. (2022), "FlashAttention", for the whole. Memory grows as ``T_q *
    block_size`` in place of ``T_q * T_k``.

    Parameters
    ----------
    query : (..., T_q, d_k)
    key : (..., T_k, d_k)
    value : (..., T_k, d_v)
    mask : (..., T_q, T_k) of bool, optional
        As for :func:`scaled_dot_product_attention`.
    block_size : int
        How many keys are looked at together.

    Returns
    -------
    output : (..., T_q, d_v)

    Raises
    ------
    TypeError
        If ``block_size`` is not an integer.
    ValueError
        If ``block_size`` is below 1, or as for
        :func:`scaled_dot_product_attention`.
    """
    block_size = checks.count("block_size", block_size)
    query, key, value, mask = checks.attention(query, key, value, mask)
    largest, total, output = -np.inf, 0.0, 0.0
    for start in range(0, key.shape[-2], block_size):
        block = slice(start, start + block_size)
        block_mask = None if mask is None else mask[..., block]
        # (..., T_q, block_size)
        scores = scaled_scores(query, key[..., block, :], block_mask)
        # (..., T_q, 1)
        raised = np.maximum(largest, scores.max(axis=-1, keepdims=True))
        # while no key was allowed, e^-inf is 0
        shift = np.where(np.isneginf(raised), 0, raised)
        shrink = np.exp(largest - shift)  # (..., T_q, 1)
        terms = np.exp(scores - shift)  # (..., T_q, block_size)
        # (..., T_q, 1)
        total = total * shrink + terms.sum(axis=-1, keepdims=True)
        # (..., T_q, d_v)
        output = output * shrink + terms @ value[..., block, :]
        largest = raised
    return output / total


def sinusoidal_positions(length, d_model, base=10000.0):
    r"""Give each position a vector of sines and cosines, from fast to slow.

    .. math::

        P_{t, 2i} = \sin(t\, \theta_i), \qquad P_{t, 2i + 1} = \cos(t\,
        \theta_i), \qquad
        \theta_i = b^{-2i / d_{\mathrm{model}}}

    Section 3.5 of Vaswani et al. (2017).

    Parameters
    ----------
    length : int
    d_model : int, even
    base : float, positive
        The ``b`` of the formula: no wave is longer than ``2 * pi * b``
        positions.

    Returns
    -------
    positions : (T, d_model)

    Raises
    ------
    TypeError
        If ``length`` or ``d_model`` is not an integer.
    ValueError
        If either is below 1, ``d_model`` is odd or ``base`` is not positive.
    """
    length = checks.count("length", length)
    d_model = checks.waves("d_model", d_model, base)
    # (T, d_model / 2)
    angles = np.arange(length)[:, None] * frequencies(d_model, base)
    waves = np.stack([np.sin(angles), np.cos(angles)], axis=-1)
    return waves.reshape(length, d_model)


def rotary(x, positions=None, base=10000.0):
    r"""Turn each pair of entries of a query or key by an angle proportional to
    its position.

    .. math::

        y_i = x_i \cos t\theta_i - x_{i + d/2} \sin t\theta_i, \qquad
        y_{i + d/2} = x_i \sin t\theta_i + x_{i + d/2} \cos t\theta_i, \qquad
        \theta_i = b^{-2i/d}

    Su et al. (2021), "RoFormer", Section 3.2.2. They pair neighbours, entries
    ``2i`` and ``2i + 1``; here, as in most of today's code, entry ``i`` is
    paired with entry ``i + d / 2`` ("rotate half"). The two differ by a fixed
    order of the columns of the projections that make queries and keys.

    Parameters
    ----------
    x : (..., T, d), d even
        Queries or keys.
    positions : (..., T), optional
        Positions, whole or not; 0, 1, …, T - 1 unless given.
    base : float, positive
        The ``b`` of the formula.

    Returns
    -------
    turned : (..., T, d), of the dtype of ``x``

    Raises
    ------
    TypeError
        If ``base`` is not a number.
    ValueError
        If ``d`` is odd, ``positions`` do not fit the leading axes of ``x`` or
        hold no finite numbers, or ``base`` is not positive.
    """
    x, positions = checks.rotation(x, positions, base)
    # (..., T, d / 2)
    angles = positions[..., None] * frequencies(x.shape[-1], base)
    cosine = np.cos(angles).astype(x.dtype)  # (..., T, d / 2)
    sine = np.sin(angles).astype(x.dtype)  # (..., T, d / 2)
    first, second = np.split(x, 2, axis=-1)  # (..., T, d / 2) each
    return np.concatenate(
        [first * cosine - second * sine, first * sine + second * cosine],
        axis=-1,
    )


def frequencies(width, base=10000.0):
    r"""Return by how much one step turns each pair of entries.

    .. math:: \theta_i = b^{-2i / d}, \qquad i = 0, \dots, d / 2 - 1

    Parameters
    ----------
    width : int, even
        ``d``.
    base : float, positive
        ``b``.

    Returns
    -------
    (d / 2,)
        In radians: 1, then less and less (Vaswani et al. 2017, section 3.5).

    Raises
    ------
    TypeError
        If ``width`` is not an integer.
    ValueError
        If it is below 1 or odd, or ``base`` is not positive.
    """
    width = checks.waves("width", width, base)
    return base ** (-np.arange(0, width, 2) / width)
