"""Vectors of tokens from the company they keep: co-occurrence, PPMI, and a
truncated SVD.
"""

import numpy as np

from llmbook import checks


def followers(ids, vocab_size, window):
    r"""Count how often token b stands at most ``window`` places after token a.

    .. math::

        C_{ab} = \sum_{\delta=1}^{\text{window}} \#\{t : x_t = a,\; x_{t+\delta}
        = b\}

    Parameters
    ----------
    ids : (T,) of int
        A text, below ``vocab_size``.
    vocab_size : int
    window : int

    Returns
    -------
    counts : (V, V)

    Raises
    ------
    ValueError
        If ``window`` or ``vocab_size`` is below 1, or an id lies outside of the
        vocabulary.
    TypeError
        If one is not an integer.
    """
    window = checks.count("window", window)
    vocab_size = checks.count("vocab_size", vocab_size)
    ids = checks.text_ids("ids", ids, vocab_size)
    counts = np.zeros(vocab_size**2)
    for distance in range(1, window + 1):
        pairs = ids[:-distance] * vocab_size + ids[distance:]  # (T - distance,)
        counts += np.bincount(pairs, minlength=vocab_size**2)
    return counts.reshape(vocab_size, vocab_size)  # (V, V)


def ppmi(counts, smoothing=0.75):
    r"""Return the positive pointwise mutual information of tokens and their
    neighbours.

    .. math::

        \mathrm{PPMI}_{ab} = \max\left(0,\; \log \frac{p(a, b)}{p(a)\,
        p_\alpha(b)}\right), \qquad
        p_\alpha(b) \propto p(b)^\alpha

    Raising the neighbours' shares to a power :math:`\alpha < 1` makes rare ones
    less surprising. (Levy, Goldberg and Dagan 2015, Eqs. 3 and 4.)

    Parameters
    ----------
    counts : (V, V)
        Of a token, a row, together with a neighbour, a column: see
        :func:`followers`.
    smoothing : float
        :math:`\alpha`; 1 is none.

    Returns
    -------
    (V, V)
        0 where two tokens never meet.

    Raises
    ------
    ValueError
        If there are no counts, or negative ones.
    TypeError
        If ``smoothing`` is not a number.
    """
    (counts,) = checks.fit("v w", counts=counts)
    checks.finite("smoothing", smoothing)
    if not counts.size or counts.min() < 0 or counts.sum() == 0:
        raise ValueError("counts must be non-negative and not all zero")
    joint = counts / counts.sum()  # (V, V)
    token = joint.sum(axis=1, keepdims=True)  # (V, 1)
    neighbour = joint.sum(axis=0) ** smoothing  # (V,)
    expected = token * (neighbour / neighbour.sum())  # (V, V)
    # Where two tokens meet no more often than expected, the ratio stays 1 and
    # its logarithm 0.
    ratio = np.divide(
        joint, expected, out=np.ones_like(joint), where=joint > expected
    )
    return np.log(ratio)


def truncated_svd(matrix, rank, rng, iterations=4):
    r"""Return the largest singular values of a matrix and their left vectors,
    approximately.

    The matrix is applied again and again to random vectors, a few more than
    wanted: what it stretches most comes to dominate them. In the small space
    they span, the decomposition is cheap. (Halko, Martinsson and Tropp 2011,
    Algorithms 4.4 and 5.1.)

    Parameters
    ----------
    matrix : (V, W)
    rank : int
        How many; fewer than ``min(V, W)``.
    rng : numpy.random.Generator
    iterations : int
        More of them separate singular values that are close to each other.

    Returns
    -------
    vectors : (V, rank)
        Orthonormal columns, signs arbitrary but for each repeated run the same.
    values : (rank,)
        From the largest down.

    Raises
    ------
    ValueError
        If ``rank`` or ``iterations`` is out of range, or ``matrix`` is none of
        finite numbers.
    TypeError
        If a number is not an integer, or ``rng`` is no generator.
    """
    (matrix,) = checks.fit("v w", matrix=matrix)
    rank = checks.integer("rank", rank)
    checks.within("rank", rank, 1, min(matrix.shape) - 1)
    checks.offers("rng", rng, "standard_normal")
    checks.count("iterations", iterations, least=0)
    columns = min(rank + 10, *matrix.shape)
    basis, _ = np.linalg.qr(
        matrix @ rng.standard_normal((matrix.shape[1], columns))
    )
    for _ in range(iterations):
        basis, _ = np.linalg.qr(matrix.T @ basis)  # (W, columns)
        basis, _ = np.linalg.qr(matrix @ basis)  # (V, columns)
    vectors, values, _ = np.linalg.svd(basis.T @ matrix, full_matrices=False)
    return basis @ vectors[:, :rank], values[:rank]


def embed(ids, vocab_size, d_model, window, rng):
    r"""Return a vector for each token of a text: rows of :math:`U
    \sqrt{\Sigma}` of its PPMI.

    What stands before a token and what stands after it are kept apart: the
    matrix that is decomposed has a column for each token on either side.

    Parameters
    ----------
    ids : (T,) of int
    vocab_size, d_model, window : int
    rng : numpy.random.Generator

    Returns
    -------
    (V, d_model)
        A token that does not occur has the vector 0.

    Raises
    ------
    TypeError
        If a number is not an integer, or ``rng`` is no generator.
    ValueError
        If a number is out of range, or ``ids`` are fewer than two.
    """
    checks.count("d_model", d_model)
    checks.items_at_least("ids", ids, 2)
    after = followers(ids, vocab_size, window)  # (V, V)
    company = np.concatenate([ppmi(after), ppmi(after.T)], axis=1)  # (V, 2 V)
    vectors, values = truncated_svd(company, d_model, rng)
    return vectors * np.sqrt(values)


def nearest(vectors, index, count):
    """Return the tokens whose vectors point most nearly the same way as that of
    token ``index``.

    Parameters
    ----------
    vectors : (V, d)
    index : int
    count : int

    Returns
    -------
    indices : (count,) of int
        Without ``index`` itself, the nearest first.
    cosines : (count,)

    Raises
    ------
    TypeError
        If ``index`` or ``count`` is not an integer.
    ValueError
        If ``vectors`` are not of finite numbers, ``index`` names none of them,
        or ``count`` is negative.
    """
    (vectors,) = checks.fit("v d", vectors=vectors)
    vectors = checks.numbers("vectors", vectors)
    checks.ids("index", checks.integer("index", index), len(vectors))
    count = checks.count("count", count, least=0)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)  # (V, 1)
    directions = np.divide(
        vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0
    )
    cosines = directions @ directions[index]  # (V,)
    cosines[index] = -np.inf
    indices = np.argsort(-cosines, kind="stable")[:count]
    return indices, cosines[indices]
