"""Ranking documents by the words they share with a query, fusing rankings, and
scoring them.
"""

import functools
import math
import unicodedata
import warnings

import numpy as np
import snowballstemmer
from scipy.stats import rankdata

from llmbook import checks
from llmbook.text.tokenizers import Tokenizer, words
from llmbook.text.writing import NUMBER, PART, SYMBOL, pattern

with warnings.catch_warnings():
    # in a notebook its progress bars, never shown, miss a widget
    warnings.simplefilter("ignore")
    import bm25s
    from bm25s.stopwords import STOPWORDS_EN


WEIGHTS = tuple(tenth / 10 for tenth in range(11))


# A number, an emoji or a sign, a word or a part of a name of code.
TERM = pattern(rf"{NUMBER}|{SYMBOL}|{PART}")
_ACCENTS = pattern(r"(?<=\p{Latin})\p{Mn}++")


def stem(word):
    """Return an English word, in lower case, without its ending (Porter 2001,
    "Snowball").

    Raises
    ------
    TypeError
        If ``word`` is not a string.
    """
    checks.text("word", word)
    return _stem(word)


@functools.lru_cache(maxsize=2**16)
def _stem(word):
    return _stemmer().stemWord(word)


@functools.cache
def _stemmer():
    return snowballstemmer.stemmer("english")


def terms(text):
    """Return the stems of a text's words: ``batchSize`` and ``batch_sizes``
    give batch, size.

    English stop words are left out, those that bm25s lists. Latin letters lose
    their accents, a number keeps its sign and its decimal point, an emoji is a
    term, and Chinese is cut as a search engine cuts it.

    Raises
    ------
    TypeError
        If ``text`` is not a string.
    """
    checks.text("text", text)
    plain = _ACCENTS.sub("", unicodedata.normalize("NFD", text))
    found = TERM.findall(unicodedata.normalize("NFC", plain))
    cut = [
        word.lower()
        for term in found
        for word in ([term] if term.isascii() else words(term, search=True))
    ]
    return [stem(word) for word in cut if word not in STOPWORDS_EN]


class TermTokenizer(Tokenizer):
    """One token a term; see :func:`terms`."""

    def tokenize(self, text):
        """Return the terms of the text.

        Raises
        ------
        TypeError
            If ``text`` is not a string.
        """
        return terms(text)


class BM25:
    r"""Score documents by the terms they share with a query, rare terms
    counting more.

    .. math::

        \mathrm{score}(q, d) = \sum_{t \in q} \log\!\left(1 + \frac{N - n_t +
        0.5}{n_t + 0.5}\right)
        \cdot \frac{f_{t,d}}{f_{t,d} + k_1 \left(1 - b + b\, |d| /
        \overline{|d|}\right)}

    with :math:`f_{t,d}` the count of term ``t`` in document ``d`` and
    :math:`n_t` the number of documents that hold it (Robertson and Zaragoza
    2009, Eq. 3.15, with Lucene's logarithm, which is never negative). The
    sparse matrix of these terms is that of the library ``bm25s``.

    Parameters
    ----------
    documents : sequence of str
    k1 : float
        How soon a term that stands again counts less.
    b : float
        How much long documents are held back, from 0 to 1.

    Raises
    ------
    TypeError
        If ``documents`` is not a list of strings, or a constant not a number.
    ValueError
        If no document holds a term, or a constant is out of range.
    """

    def __init__(self, documents, k1=1.5, b=0.75):
        documents = checks.texts("documents", documents)
        checks.within("k1", k1, 0, math.inf, closed=False)
        checks.within("b", b, 0, 1)
        corpus = [terms(document) for document in documents]
        if not any(corpus):
            raise ValueError(
                f"documents must hold a term, got {len(corpus)} without any"
            )
        self.index = bm25s.BM25(method="lucene", k1=k1, b=b)
        self.index.index(corpus, show_progress=False)
        self.num_documents = len(corpus)

    def scores(self, queries):
        """Return the score of every document for every query, (Q, N).

        Raises
        ------
        TypeError
            If ``queries`` is not a list of strings.
        """
        queries = checks.texts("queries", queries)
        rows = [self._row(query) for query in queries]
        return np.array(rows).reshape(-1, self.num_documents)  # (Q, N)

    def _row(self, query):
        known = [term for term in terms(query) if term in self.index.vocab_dict]
        return (
            self.index.get_scores(known)
            if known
            else np.zeros(self.num_documents, "float32")
        )


def standardised(scores):
    """Return scores (Q, N) with mean 0 and deviation 1 in each row, zeros in a
    row of equals, be it but for rounding.

    Raises
    ------
    ValueError
        If the scores are not finite numbers of that shape.
    """
    given = checks.matrix("scores", scores)
    rounding = np.finfo(given.dtype).eps
    scores = given.astype(float)
    deviation = scores.std(axis=1, keepdims=True)  # (Q, 1)
    largest = np.abs(scores).max(axis=1, keepdims=True)  # (Q, 1)
    distinct = deviation > 8 * rounding * largest  # (Q, 1)
    centred = scores - scores.mean(axis=1, keepdims=True)  # (Q, N)
    return np.where(distinct, centred / np.where(distinct, deviation, 1), 0)


def weighted_fusion(first, second, weight):
    r"""Return :math:`w\, \tilde s_1 + (1 - w)\, \tilde s_2`, both standardised,
    (Q, N).

    Raises
    ------
    TypeError
        If ``weight`` is not a number.
    ValueError
        If ``weight`` is not between 0 and 1, or the scores are not finite
        numbers of one shape.
    """
    first = checks.matrix("first", first)
    second = checks.matrix("second", second)
    checks.shape("second", second, first.shape)
    checks.within("weight", weight, 0, 1)
    return weight * standardised(first) + (1 - weight) * standardised(second)


def reciprocal_rank_fusion(*scores, k=60):
    r"""Return a score that only depends on the ranks that each scorer gives.

    .. math:: \mathrm{score}(d) = \sum_i \frac{1}{k + r_i(d)}

    with ranks from 1 (Cormack, Clarke and Büttcher 2009). Equal scores share
    their mean rank.

    Parameters
    ----------
    scores : arrays (Q, N)
    k : float

    Raises
    ------
    TypeError
        If ``k`` is not a number.
    ValueError
        If there are no scores, or they are not finite numbers of one shape, or
        ``k`` is not positive.
    """
    matrices = [
        checks.matrix("scores", matrix)
        for matrix in checks.some("scores", scores, "matrices")
    ]
    for matrix in matrices:
        checks.shape("scores", matrix, matrices[0].shape)
    checks.within("k", k, 0, math.inf, closed=False)
    checks.positive(k=k)
    return sum(1 / (k + rankdata(-matrix, axis=1)) for matrix in matrices)


def right_ranks(scores, right):
    """Return the rank, from 1, of the right document of each query.

    Documents of the same score as the right one count as half before it.

    Parameters
    ----------
    scores : (Q, N)
    right : (Q,) of int

    Returns
    -------
    (Q,)

    Raises
    ------
    TypeError
        If ``right`` does not hold integers.
    ValueError
        If the scores are not finite numbers of that shape, or ``right`` does
        not name a document for each query.
    """
    scores = checks.matrix("scores", scores)
    right = checks.ids("right", right, scores.shape[1])
    checks.shape("right", right, scores.shape[:1])
    # (Q, 1)
    own = np.take_along_axis(scores, right[:, None], axis=1)
    return (
        1 + (scores > own).sum(axis=1) + ((scores == own).sum(axis=1) - 1) / 2
    )


def recall_at(ranks, k):
    """Return the share of queries whose right document is among the first
    ``k``.

    Raises
    ------
    TypeError
        If ``k`` is not a number.
    ValueError
        If ``ranks`` are not finite numbers (Q,), at least one.
    """
    ranks = checks.vector("ranks", ranks)
    checks.real("k", k)
    return float(np.mean(ranks <= k))


def mean_reciprocal_rank(ranks):
    """Return the mean of one over the rank of the right document.

    Raises
    ------
    ValueError
        If ``ranks`` are not finite numbers (Q,) from 1 on, at least one.
    """
    ranks = checks.vector("ranks", ranks)
    checks.within("ranks", ranks.min(), 1, math.inf)
    return float(np.mean(1 / ranks))


def best_weight(first, second, right, weights=WEIGHTS):
    """Return the weight of :func:`weighted_fusion` with the best mean
    reciprocal rank.

    To be called with validation queries alone. Of equally good weights the
    middle one is taken.

    Raises
    ------
    TypeError
        If ``right`` does not hold integers.
    ValueError
        If a weight is not between 0 and 1 or there is none, the scores are not
        finite numbers (Q, N) of one shape, or ``right`` does not name a
        document for each query.
    """
    weights = checks.vector("weights", weights).tolist()
    checks.within("weights", min(weights), 0, 1)
    checks.within("weights", max(weights), 0, 1)
    values = [
        mean_reciprocal_rank(
            right_ranks(weighted_fusion(first, second, w), right)
        )
        for w in weights
    ]
    best = [
        w
        for w, value in zip(weights, values, strict=True)
        if value >= max(values) - 1e-12
    ]
    return float(best[len(best) // 2])
