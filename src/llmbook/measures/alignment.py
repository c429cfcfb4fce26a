"""Whether attention points where it should, measured against where chance
would.

A simple relative of the alignment error rate (Och and Ney 2003): a row has a
set of right columns, and there are none that are merely possible.
"""

from typing import NamedTuple

import numpy as np

from llmbook import checks


class Alignment(NamedTuple):
    """How often the largest weight of a row stands on a right column."""

    accuracy: float
    chance: float  # that of a column drawn at random
    rows: int  # rows that have a right column


def alignment_accuracy(weights, right):
    r"""Compare where attention is largest with where it should be.

    .. math::

        \frac{1}{N} \sum_t \mathbb{1}\big[\arg\max_i \alpha_{t,i} \in R_t\big],
        \qquad
        \mathrm{chance} = \frac{1}{N} \sum_t \frac{|R_t|}{S}

    over the :math:`N` rows of all heatmaps for which the set :math:`R_t` of
    right columns is not empty.

    Parameters
    ----------
    weights : list of (T, S)
        A heatmap each; columns beyond those of ``right`` are padding.
    right : list of (T', S') of bool
        True where the row should point; with at most as many rows and columns.

    Returns
    -------
    Alignment

    Raises
    ------
    TypeError
        If one of them is no list.
    ValueError
        If the lists differ in length, a heatmap is not of finite numbers, a
        pair does not fit, or no row has a right column.
    """
    weights = checks.some("weights", weights, "heatmaps")
    right = checks.items("right", right, "arrays")
    checks.as_many(weights=weights, right=right)
    hits, chances = [], []
    for heatmap, expected in zip(weights, right, strict=True):
        heatmap = checks.matrix("weights", heatmap)  # (T, S)
        expected = checks.as_array("right", expected)  # (T', S')
        if expected.dtype != bool:
            expected = checks.numbers("right", expected).astype(bool)
        if expected.ndim != 2:
            raise ValueError(
                f"right must hold matrices, got the shape {expected.shape}"
            )
        rows, columns = expected.shape
        if rows > heatmap.shape[0] or columns > heatmap.shape[1]:
            raise ValueError(
                f"right must fit {heatmap.shape}, got {expected.shape}"
            )
        counted = expected.any(axis=1)  # (T',)
        best = heatmap[:rows, :columns].argmax(axis=1)  # (T',)
        hits.append(expected[np.arange(rows), best][counted])
        chances.append(expected.mean(axis=1)[counted])
    hit, chance = np.concatenate(hits), np.concatenate(chances)
    if not len(hit):
        raise ValueError(
            "right must have a right column for some row, got none"
        )
    return Alignment(float(hit.mean()), float(chance.mean()), len(hit))


def same(queries, keys, ignored=()):
    """Return (T, S) of bool: whether two labels are equal and not among those
    ignored.

    Parameters
    ----------
    queries, keys : list of T and of S str
    ignored : list of str, or str
        A string stands for its characters.

    Raises
    ------
    TypeError
        If one of them does not hold strings.
    """
    queries = checks.texts("queries", queries)
    keys = checks.texts("keys", keys)
    if isinstance(ignored, str):
        ignored = list(ignored)
    ignored = checks.texts("ignored", ignored)
    return np.array(
        [
            [query == key and query not in ignored for key in keys]
            for query in queries
        ],
        bool,
    ).reshape(len(queries), len(keys))
