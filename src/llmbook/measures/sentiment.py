"""Sentiment without learning: thresholds for scores, their F1, and words that
are hidden.
"""

import numpy as np

from llmbook import checks
from llmbook.corpora.snippets import NEGATIVE, NEUTRAL, POSITIVE
from llmbook.text.english import words

HIDDEN = "□"  # in the place of a word that is hidden: the texts do not hold it


def hide(text, position):
    """Return a text with the word at ``position`` hidden, as if it were one
    never seen before.

    Raises
    ------
    TypeError
        If ``text`` is not a string, or ``position`` not an integer.
    ValueError
        If there is no such word.
    """
    cut = words(text)
    position = checks.count("position", position, least=0)
    if position >= len(cut):
        raise ValueError(
            f"position must be one of {len(cut)} words, got {position}"
        )
    cut[position] = HIDDEN
    return " ".join(cut)


def flips(logits, texts, positions):
    """Hide one word of each text and return whether that turns the answer
    round.

    Parameters
    ----------
    logits : callable
        Maps a list of texts to scores (B,), positive for positive texts.
    texts : list of str
    positions : (B,) of int
        Which word of each text is hidden, counted as
        :func:`llmbook.text.english.words` cuts it.

    Returns
    -------
    (B,) of bool

    Raises
    ------
    TypeError
        If ``logits`` cannot be called, ``texts`` does not hold strings, or
        ``positions`` not integers.
    ValueError
        If texts and positions differ in number, or a text has no such word.
    """
    checks.function("logits", logits)
    texts = checks.texts("texts", texts)
    positions = checks.places("positions", positions, map(words, texts))
    whole = [" ".join(words(text)) for text in texts]
    hidden = [
        hide(text, position)
        for text, position in zip(texts, positions, strict=True)
    ]
    return (logits(whole) > 0) != (logits(hidden) > 0)


def cut(scores, low, high):
    """Return the classes of scores (B,): negative below ``low``, positive above
    ``high``.

    Raises
    ------
    TypeError
        If ``low`` or ``high`` is not a number.
    ValueError
        If the scores are not finite numbers.
    """
    scores = checks.numbers("scores", scores)
    checks.real("low", low)
    checks.real("high", high)
    return np.where(
        scores > high, POSITIVE, np.where(scores < low, NEGATIVE, NEUTRAL)
    )


def fit_cuts(scores, labels, candidates=40):
    r"""Find the two cuts that turn scores into three classes with the highest
    macro-F1.

    .. math:: F_1 = \frac{2\, TP}{2\, TP + FP + FN}, \qquad
        \text{macro-}F_1 = \tfrac13 \textstyle\sum_c F_1^{(c)}

    (the mean of the classes' scores, not the score of their means: Opitz and
    Burst 2019).

    Parameters
    ----------
    scores : (B,)
    labels : (B,) of int
        0 negative, 1 neutral, 2 positive; all must occur.
    candidates : int
        How many quantiles of the scores are tried for each cut.

    Returns
    -------
    low, high : float

    Raises
    ------
    TypeError
        If the labels or ``candidates`` are not integers.
    ValueError
        If the scores are not finite numbers, a class is missing, scores and
        labels differ in number, or there is no candidate.
    """
    scores = checks.vector("scores", scores)
    labels = checks.ids("labels", labels, POSITIVE + 1)
    candidates = checks.count("candidates", candidates)
    if scores.shape != labels.shape or set(np.unique(labels)) != {
        NEGATIVE,
        NEUTRAL,
        POSITIVE,
    }:
        raise ValueError(
            "labels must be one of 0, 1 and 2 for each score, each occurring,"
            f" got {scores.shape} scores and {labels.shape} labels, among them"
            f" {np.unique(labels)}"
        )
    grid = np.quantile(scores, np.linspace(0, 1, candidates + 1))
    pairs = [(low, high) for i, low in enumerate(grid) for high in grid[i:]]
    return max(pairs, key=lambda pair: macro_f1(labels, cut(scores, *pair)))


def macro_f1(labels, predictions):
    """Return the mean of the F1 of the three classes; of a class that never
    occurs it is 0.

    Raises
    ------
    TypeError
        If labels or predictions are not integers.
    ValueError
        If one is not 0, 1 or 2, or they are not (B,) each, at least one.
    """
    labels = checks.text_ids("labels", labels, POSITIVE + 1)
    predictions = checks.text_ids("predictions", predictions, POSITIVE + 1)
    checks.as_many(labels=labels, predictions=predictions)
    checks.some("labels", labels)
    pairs = np.bincount(3 * labels + predictions, minlength=9).reshape(3, 3)
    total = pairs.sum(axis=0) + pairs.sum(axis=1)  # (3,): 2 TP + FP + FN
    return float(np.mean(2 * pairs.diagonal() / np.maximum(total, 1)))
