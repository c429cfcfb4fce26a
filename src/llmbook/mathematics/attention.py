r"""Attention: softmax, masks, one head and many, the online form, and
positions.

Vectors are rows, any leading axes are batch axes, and a mask is boolean, True
where attention is allowed. Whatever would end in a NaN (a NaN or an infinity
given, an overflow, a query that may attend to nothing) raises ``ValueError``
instead.
"""

import math
import operator

import numpy as np


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
    """
    x = _numbers("x", x, at_least=1, finite=False)
    if x.shape[axis] == 0:
        raise ValueError(
            f"x must have at least one entry along axis {axis}, got shape"
            f" {x.shape}"
        )
    largest = x.max(axis=axis, keepdims=True)
    if not np.isfinite(largest).all():
        raise ValueError(
            f"x must have a finite largest entry along axis {axis}, "
            "got a NaN, an infinity or nothing but -inf"
        )
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
    length = _count("length", length)
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
    length = _count("length", length)
    lengths = np.asarray(lengths)
    if (
        lengths.dtype.kind not in "iu"
        or not ((lengths >= 0) & (lengths <= length)).all()
    ):
        raise ValueError(
            f"lengths must be integers from 0 to length = {length}, got"
            f" {lengths}"
        )
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
    query, key, value, mask = _checked(query, key, value, mask)
    weights = softmax(_scores(query, key, mask))  # (..., T_q, T_k)
    return weights @ value, weights  # (..., T_q, d_v), (..., T_q, T_k)


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
    x = _numbers("x", x, at_least=2)
    context = x if context is None else _numbers("context", context, at_least=2)
    w_query = _projection("w_query", w_query, rows=x.shape[-1])
    w_key = _projection(
        "w_key", w_key, rows=context.shape[-1], columns=w_query.shape[1]
    )
    w_value = _projection("w_value", w_value, rows=context.shape[-1])
    w_output = _projection("w_output", w_output, rows=w_value.shape[1])
    batch = _batch_shape(x=x, context=context)
    if mask is not None:
        # (..., T, T_k)
        mask = _mask(mask, (*batch, x.shape[-2], context.shape[-2]))
        # (..., 1, T, T_k), the same for every head
        mask = mask[..., None, :, :]

    query = _split_heads(x @ w_query, num_heads, "w_query")  # (..., H, T, d_k)
    # (..., H, T_k, d_k)
    key = _split_heads(context @ w_key, num_heads, "w_key")
    # (..., H, T_k, d_v)
    value = _split_heads(context @ w_value, num_heads, "w_value")
    # (..., H, T, d_v)
    heads, weights = scaled_dot_product_attention(query, key, value, mask)
    # (..., T, d_model), (..., H, T, T_k)
    return _merge_heads(heads) @ w_output, weights


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
    block_size = _count("block_size", block_size)
    query, key, value, mask = _checked(query, key, value, mask)
    largest, total, output = -np.inf, 0.0, 0.0
    for start in range(0, key.shape[-2], block_size):
        block = slice(start, start + block_size)
        block_mask = None if mask is None else mask[..., block]
        # (..., T_q, block_size)
        scores = _scores(query, key[..., block, :], block_mask)
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
    length = _count("length", length)
    # (T, d_model / 2)
    angles = np.arange(length)[:, None] * _frequencies("d_model", d_model, base)
    return np.stack([np.sin(angles), np.cos(angles)], axis=-1).reshape(
        length, -1
    )  # (T, d_model)


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
    ValueError
        If ``d`` is odd, ``positions`` do not fit the leading axes of ``x`` or
        hold no finite numbers, or ``base`` is not positive.
    """
    x = _numbers("x", x, at_least=2)
    # (d / 2,)
    frequencies = _frequencies("the last axis of x", x.shape[-1], base)
    positions = np.arange(x.shape[-2]) if positions is None else positions
    positions = _numbers("positions", positions, at_least=1)
    try:
        positions = np.broadcast_to(positions, x.shape[:-1])
    except ValueError:
        raise ValueError(
            f"positions must broadcast to shape {x.shape[:-1]}, got"
            f" {positions.shape}"
        ) from None
    angles = positions[..., None] * frequencies  # (..., T, d / 2)
    cosine, sine = (
        np.cos(angles).astype(x.dtype),
        np.sin(angles).astype(x.dtype),
    )
    first, second = np.split(x, 2, axis=-1)  # (..., T, d / 2) each
    return np.concatenate(
        [first * cosine - second * sine, first * sine + second * cosine],
        axis=-1,
    )


def _frequencies(name, width, base):
    """The angle by which a step turns each of the ``width / 2`` pairs: 1
    radian, then less.
    """
    width = _count(name, width)
    if width % 2:
        raise ValueError(
            f"{name} must be even, since entries are taken in pairs, got"
            f" {width}"
        )
    if not base > 0:
        raise ValueError(f"base must be positive, got {base}")
    return base ** (-np.arange(0, width, 2) / width)


def _split_heads(x, num_heads, name):
    """(..., T, H * d) -> (..., H, T, d)."""
    num_heads = _count("num_heads", num_heads)
    width, remainder = divmod(x.shape[-1], num_heads)
    if remainder:
        raise ValueError(
            f"num_heads must divide the columns of {name}, {x.shape[-1]}, got"
            f" {num_heads}"
        )
    return x.reshape(*x.shape[:-1], num_heads, width).swapaxes(-3, -2)


def _merge_heads(x):
    """(..., H, T, d) -> (..., T, H * d)."""
    x = x.swapaxes(-3, -2)
    return x.reshape(*x.shape[:-2], x.shape[-2] * x.shape[-1])


def _scores(query, key, mask):
    """Scaled dot products, -inf where the mask is False: (..., T_q, T_k)."""
    # reported below, by name
    with np.errstate(over="ignore", invalid="ignore"):
        # (..., T_q, T_k)
        scores = query @ key.swapaxes(-2, -1) / math.sqrt(query.shape[-1])
    if not np.isfinite(scores).all():
        raise ValueError(
            "query and key are too large: their dot products overflow"
        )
    return scores if mask is None else np.where(mask, scores, -np.inf)


def _checked(query, key, value, mask):
    """Return the arguments of attention as arrays that fit, the mask in the
    weights' shape.
    """
    query = _numbers("query", query, at_least=2)
    key = _numbers("key", key, at_least=2)
    value = _numbers("value", value, at_least=2)
    if query.shape[-1] != key.shape[-1] or query.shape[-1] == 0:
        raise ValueError(
            "query and key must have the same width d_k >= 1, "
            f"got shapes {query.shape} and {key.shape}"
        )
    if key.shape[-2] != value.shape[-2] or key.shape[-2] == 0:
        raise ValueError(
            "key and value must have the same length T_k >= 1, "
            f"got shapes {key.shape} and {value.shape}"
        )
    batch = _batch_shape(query=query, key=key, value=value)
    if mask is not None:
        mask = _mask(mask, (*batch, query.shape[-2], key.shape[-2]))
    return query, key, value, mask


def _batch_shape(**arrays):
    try:
        return np.broadcast_shapes(
            *(array.shape[:-2] for array in arrays.values())
        )
    except ValueError:
        shapes = ", ".join(
            f"{name} {array.shape}" for name, array in arrays.items()
        )
        raise ValueError(
            f"leading axes must broadcast together, got {shapes}"
        ) from None


def _mask(mask, shape):
    mask = np.asarray(mask)
    if mask.dtype != bool:
        raise ValueError(
            f"mask must be boolean, True where allowed, got dtype {mask.dtype}"
        )
    try:
        mask = np.broadcast_to(mask, shape)
    except ValueError:
        raise ValueError(
            f"mask must broadcast to shape {shape}, got {mask.shape}"
        ) from None
    if not mask.any(axis=-1).all():
        row = tuple(int(i) for i in np.argwhere(~mask.any(axis=-1))[0])
        raise ValueError(
            "mask must allow every query at least one key, got none for query"
            f" {row}"
        )
    return mask


def _projection(name, matrix, rows, columns=None):
    matrix = _numbers(name, matrix, at_least=2)
    if (
        matrix.ndim != 2
        or matrix.shape[0] != rows
        or columns not in (None, matrix.shape[1])
    ):
        wanted = f"({rows}, {'any' if columns is None else columns})"
        raise ValueError(f"{name} must have shape {wanted}, got {matrix.shape}")
    return matrix


def _numbers(name, array, at_least, finite=True):
    """Return ``array`` as one of floats, of so many axes or more; integers
    become float64.
    """
    array = np.asarray(array)
    if array.dtype.kind not in "fiu":
        raise ValueError(
            f"{name} must be an array of real numbers, got dtype {array.dtype}"
        )
    if array.ndim < at_least:
        raise ValueError(
            f"{name} must have at least {at_least} axes, got shape"
            f" {array.shape}"
        )
    if finite and not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite, got a NaN or an infinity")
    return array if array.dtype.kind == "f" else array.astype(float)


def _count(name, number):
    try:
        number = operator.index(number)
    except TypeError:
        raise TypeError(f"{name} must be an integer, got {number!r}") from None
    if number < 1:
        raise ValueError(f"{name} must be at least 1, got {number}")
    return number
