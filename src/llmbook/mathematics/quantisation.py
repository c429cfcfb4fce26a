"""Quantisation: weights stored in a few bits, by the blocks of neighbours that
share a scale and a minimum.

This is the scheme of the types with a minimum in GGML's specification of its
formats, such as Q4_1; the formats with a K store scale and minimum in few bits
as well.
"""

import numpy as np

from llmbook import checks


def round_to_levels(weights, bits, group):
    r"""Round every weight to one of the levels between the least and the
    largest of its block.

    A block is ``group`` neighbours along the last axis. Its levels are

    .. math::

        d\, q + m, \quad q \in \{0, \dots, 2^b - 1\}, \qquad
        m = \min_i w_i, \quad d = \frac{\max_i w_i - m}{2^b - 1}

    with the scale :math:`d` and the minimum :math:`m` in 16 bits, so that a
    weight takes :math:`b + 32 / \mathrm{group}` bits. With 4 bits and blocks of
    32 these are the blocks ``Q4_1`` of llama.cpp, and what was rounded so stays
    as it is.

    Parameters
    ----------
    weights : (..., N)
    bits : int
        From 1 to 16.
    group : int
        Divides ``N``.

    Returns
    -------
    array of float32, of the same shape

    Raises
    ------
    TypeError
        If ``bits`` or ``group`` is not an integer.
    ValueError
        If a number is out of its range, the weights are not finite, or ``N`` is
        not a multiple of ``group``.
    """
    weights = checks.numbers("weights", weights, at_least=1)
    checks.within("bits", checks.count("bits", bits), 1, 16)
    checks.multiple("weights.shape[-1]", weights.shape[-1], "group", group)
    blocks = weights.reshape(-1, group).astype("float32")  # (N, group)
    minimum = blocks.min(axis=1, keepdims=True)  # (N, 1)
    largest = blocks.max(axis=1, keepdims=True)  # (N, 1)
    scale = (largest - minimum) / (2**bits - 1)  # (N, 1)
    scale, minimum = (
        number.astype("float16").astype("float32")
        for number in (scale, minimum)
    )
    with np.errstate(divide="ignore", invalid="ignore"):  # a block of equals
        steps = np.rint((blocks - minimum) / scale)  # (N, group)
    steps = np.clip(np.nan_to_num(steps), 0, 2**bits - 1)  # (N, group)
    return (steps * scale + minimum).reshape(weights.shape)
