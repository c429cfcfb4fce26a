"""Whether attention points where it should, measured against where chance
would.

A simple relative of the alignment error rate (Och and Ney 2003): a row has a
set of right columns, and there are none that are merely possible.
"""

from typing import NamedTuple

import numpy as np


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
    ValueError
        If the lists differ in length, a pair does not fit, or no row has a
        right column.
    """
    if len(weights) != len(right):
        raise ValueError(
            f"right must have one array a heatmap, got {len(right)},"
            f" {len(weights)}"
        )
    hits, chances = [], []
    for heatmap, expected in zip(weights, right, strict=True):
        heatmap, expected = np.asarray(heatmap), np.asarray(expected, bool)
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
    """
    return np.array(
        [
            [query == key and query not in ignored for key in keys]
            for query in queries
        ],
        bool,
    ).reshape(len(queries), len(keys))
