"""Summaries of docstrings: cut into words, scored, written without learning,
and checked.
"""

import re
import unicodedata
from collections import Counter
from functools import cache
from typing import NamedTuple

import numpy as np
from rouge_score.rouge_scorer import RougeScorer
from rouge_score.tokenizers import DefaultTokenizer
from sklearn.feature_extraction.text import TfidfVectorizer

from llmbook import checks
from llmbook.text.tokenizers import words
from llmbook.text.writing import (
    MARKS,
    ONE,
    PART,
    SYMBOL,
    UNSPACED,
    WORD,
    between_spaces,
    pattern,
)

NAME_END = "<body>"  # stands between a function's name and its docstring's body
# tokens of a source that are read, and of a summary that are written
LENGTHS = (48, 16)

# A part of a name of code, or a mark; underscores only part names.
_PIECE = pattern(rf"{PART}|(?!_){ONE}")
# Words that say something: of four letters, or of two in unspaced scripts.
_TELLING = pattern(
    rf"(?:[\p{{L}}--{UNSPACED}]{MARKS}){{4,}}"
    rf"|(?:[\p{{L}}&&{UNSPACED}]{MARKS}){{2,}}"
)
# What is counted of a text: words of two letters, numbers and emoji.
_COUNTED = pattern(rf"(?:[\p{{L}}\p{{N}}_]{MARKS}){{2,}}|{UNSPACED}|{SYMBOL}")

OPPOSITES = (
    *(
        ("get", "set"),
        ("add", "remove"),
        ("create", "delete"),
        ("open", "close"),
    ),
    *(
        ("start", "stop"),
        ("start", "end"),
        ("first", "last"),
        ("read", "write"),
    ),
    *(
        ("encode", "decode"),
        ("minimum", "maximum"),
        ("min", "max"),
        ("lower", "upper"),
    ),
    *(
        ("row", "column"),
        ("left", "right"),
        ("horizontal", "vertical"),
        ("before", "after"),
    ),
    *(
        ("load", "save"),
        ("enable", "disable"),
        ("input", "output"),
        ("forward", "backward"),
    ),
)
# Words that say nothing by themselves, which a summary may use without finding
# them in its source.
_FREE = """
a about all an and any are as at be been being by can could do does for from
given has have how if
in into is it its may more most no not of on one only or other out over own
return returns same
should so some such than that the their them then there these they this those to
two under up use
used uses using via was were what when where whether which while who will with
within without would
you your class function method object objects value values type helper base
instance based new get
set compute computes create creates make makes perform performs represent
represents provide
provides convert converts wrapper
"""
FREE_WORDS = frozenset(_FREE.split())


def tokens(text):
    """Cut a text into lower-case words, numbers and marks; names of code into
    their parts.

    ``"Returns getName(max_size)"`` becomes ``returns get name ( max size )``.
    Chinese words are those of jieba.

    Raises
    ------
    TypeError
        If ``text`` is not a string.
    """
    checks.text("text", text)
    pieces = _PIECE.findall(unicodedata.normalize("NFC", text))
    return [
        word.lower()
        for piece in pieces
        for word in ([piece] if piece.isascii() else words(piece))
    ]


def name_tokens(pair):
    """Return the words of a pair's name, without those of the modules around
    it.

    Raises
    ------
    TypeError
        If ``pair`` is none.
    """
    checks.words_of("pair", pair, "name")
    return tokens(" ".join(pair.name.split(".")[-2:]))[-8:]


def source_tokens(pair):
    """Return what a summariser reads: the name's words, a mark, the body's
    words.

    Raises
    ------
    TypeError
        If ``pair`` is none.
    """
    checks.words_of("pair", pair, "name", "body")
    return [*name_tokens(pair), NAME_END, *tokens(pair.body)][: LENGTHS[0]]


def summary_tokens(pair):
    """Return the words of a pair's summary, without the full stop.

    Raises
    ------
    TypeError
        If ``pair`` is none.
    """
    checks.words_of("pair", pair, "summary")
    return tokens(pair.summary.rstrip("."))


class Rouge(NamedTuple):
    """Means over summaries of the F-measures of words, pairs of words and the
    longest sequence.
    """

    rouge1: float
    rouge2: float
    rouge_l: float


@cache
def _scorer():
    return RougeScorer(["rouge1", "rouge2", "rougeL"], tokenizer=_Words())


class _Words:
    """Cut texts for ``rouge-score`` as it does itself, but not into English
    alone: it drops what is no ``[a-z0-9]``.
    """

    _word = pattern(rf"{WORD}|{SYMBOL}")

    _english = DefaultTokenizer(use_stemmer=True)

    def tokenize(self, text):
        """Return the stems of English words, other words, and emoji."""
        found = self._word.findall(unicodedata.normalize("NFC", text.lower()))
        return [
            token
            for word in found
            for token in (
                self._english.tokenize(word) if word.isascii() else [word]
            )
        ]


def rouge(hypotheses, references):
    r"""Score summaries, word lists each, by what they share with one reference
    each.

    .. math::

        R = \frac{\text{shared}}{\text{in the reference}}, \qquad
        P = \frac{\text{shared}}{\text{in the summary}}, \qquad F = \frac{2 P
        R}{P + R}

    where what is shared are words, pairs of words, or the longest common
    subsequence (Lin 2004), words compared by their stems. The figures are those
    of Google's ``rouge-score``.

    Parameters
    ----------
    hypotheses, references : lists of lists of str

    Raises
    ------
    TypeError
        If one of them does not hold lists of strings.
    ValueError
        If the lists are empty or differ in length.
    """
    hypotheses = checks.text_lists("hypotheses", hypotheses)
    references = checks.text_lists("references", references)
    if not hypotheses or len(hypotheses) != len(references):
        raise ValueError(
            "references must be as many as hypotheses and at least one, got"
            f" {len(references)} and {len(hypotheses)}"
        )
    found = [
        _scorer().score(" ".join(reference), " ".join(hypothesis))
        for hypothesis, reference in zip(hypotheses, references, strict=True)
    ]
    return Rouge(
        *(
            float(np.mean([one[k].fmeasure for one in found]))
            for k in ("rouge1", "rouge2", "rougeL")
        )
    )


# --- Summaries without learning
# -------------------------------------------------------------------


def sentences(body):
    """Return the sentences of a text that have more than two words, or all of
    it.

    Raises
    ------
    TypeError
        If ``body`` is not a string.
    """
    checks.text("body", body)
    found = re.split(r"(?<=[.!?:।॥؟۔։።])\s+|(?<=[。！？：])\s*", body)
    long = [one for one in found if len(between_spaces(one)) > 2]
    return long[:12] or [body]


def lead(pair):
    """Return the first sentence.

    Raises
    ------
    TypeError
        If ``pair`` is none.
    """
    checks.words_of("pair", pair, "body")
    return tokens(sentences(pair.body)[0])[: LENGTHS[1]]


def name_and_lead(pair, words=9):
    """Return the words of the function's own name and the first words of the
    first sentence.

    Raises
    ------
    TypeError
        If ``pair`` is none, or ``words`` not an integer.
    ValueError
        If ``words`` is negative.
    """
    checks.words_of("pair", pair, "name", "body")
    words = checks.count("words", words, least=0)
    return [
        *tokens(pair.name.split(".")[-1]),
        *tokens(sentences(pair.body)[0])[:words],
    ]


def text_rank(pair, counter, damping=0.85, rounds=30):
    r"""Return the sentence on which a walk from sentence to similar sentence is
    found most often.

    .. math::

        r_i = \frac{1 - d}{n} + d \sum_j \frac{s_{ji}}{\sum_k s_{jk}}\, r_j

    (Mihalcea and Tarau 2004, Eq. 2, with the similarity of TF-IDF vectors).

    Parameters
    ----------
    pair : llmbook.corpora.docstrings.Pair
    counter : TfidfVectorizer
        Fitted on training bodies.
    damping : float
    rounds : int

    Raises
    ------
    TypeError
        If ``pair`` is none, ``counter`` of another class, or a number none.
    ValueError
        If ``damping`` is not between 0 and 1, or ``rounds`` negative.
    """
    checks.words_of("pair", pair, "body")
    checks.kind("counter", counter, TfidfVectorizer)
    checks.within("damping", damping, 0, 1)
    rounds = checks.count("rounds", rounds, least=0)
    candidates = sentences(pair.body)
    return tokens(
        candidates[int(_ranks(candidates, counter, damping, rounds).argmax())]
    )[: LENGTHS[1]]


def _ranks(candidates, counter, damping, rounds):
    vectors = counter.transform(candidates)  # (n, V)
    similarity = (vectors @ vectors.T).toarray()  # (n, n)
    np.fill_diagonal(similarity, 0)
    total = similarity.sum(axis=1, keepdims=True)  # (n, 1)
    step = np.where(
        total > 0, similarity / np.maximum(total, 1e-9), 1 / len(candidates)
    )
    rank = np.full(len(candidates), 1 / len(candidates))  # (n,)
    for _ in range(rounds):
        rank = (1 - damping) / len(candidates) + damping * rank @ step
    return rank


def oracle(pair):
    """Return the sentence most like the reference, which no summariser is
    allowed to know.

    Raises
    ------
    TypeError
        If ``pair`` is none.
    """
    checks.words_of("pair", pair, "body", "summary")
    candidates = [
        tokens(sentence)[: LENGTHS[1]] for sentence in sentences(pair.body)
    ]
    reference = " ".join(summary_tokens(pair))
    return max(
        candidates,
        key=lambda words: (
            _scorer().score(reference, " ".join(words))["rougeL"].fmeasure
        ),
    )


def body_counter(pairs):
    """Return a TfidfVectorizer fitted on the names and bodies of pairs.

    Raises
    ------
    TypeError
        If ``pairs`` does not hold pairs.
    ValueError
        If there is none.
    """
    pairs = checks.listed("pairs", pairs, "name", "body")
    counter = TfidfVectorizer(
        sublinear_tf=True,
        stop_words="english",
        tokenizer=_COUNTED.findall,
        token_pattern=None,
    )
    return counter.fit([" ".join(source_tokens(pair)) for pair in pairs])


def nearest_summaries(pairs, training, counter):
    """Return, for each pair, the summary of the training pair with the most
    similar source.

    Raises
    ------
    TypeError
        If ``pairs`` or ``training`` does not hold pairs, or ``counter`` is of
        another class.
    ValueError
        If there is no pair.
    """
    pairs = checks.listed("pairs", pairs, "name", "body")
    training = checks.listed("training", training, "name", "body", "summary")
    checks.kind("counter", counter, TfidfVectorizer)
    known, asked = (
        counter.transform([" ".join(source_tokens(pair)) for pair in part])
        for part in (training, pairs)
    )
    best = np.asarray((asked @ known.T).argmax(axis=1)).ravel()  # (N,)
    return [summary_tokens(training[i]) for i in best]


# --- What ROUGE does not see
# ----------------------------------------------------------------------


def unsupported(summary, source):
    """Return the words of a summary that stand in its source in no form, and
    are not free.

    Words are compared by their first five letters, so that *computes* supports
    *computing*. Free are :data:`FREE_WORDS`, words of fewer than four letters,
    and marks; a Chinese word may have two.

    Raises
    ------
    TypeError
        If one of them does not hold strings.
    """
    summary = checks.texts("summary", summary)
    source = checks.texts("source", source)
    roots = {word[:5] for word in source}
    return [
        word
        for word in summary
        if _TELLING.fullmatch(word)
        and word not in FREE_WORDS
        and word[:5] not in roots
    ]


def contradictions(summary, source):
    """Return the pairs of opposites of which the summary has one word and the
    source the other.

    ``("get", "set")`` is found if the summary has *get* and not *set*, and the
    source *set* and not *get*: words of :data:`OPPOSITES`, with or without an
    *s* at the end.

    Raises
    ------
    TypeError
        If one of them does not hold strings.
    """
    summary = checks.texts("summary", summary)
    source = checks.texts("source", source)
    said, read = (
        {re.sub(r"s$", "", word) for word in words}
        for words in (summary, source)
    )
    return [
        (one, other)
        for a, b in OPPOSITES
        for one, other in ((a, b), (b, a))
        if one in said
        and other not in said
        and other in read
        and one not in read
    ]


def repeats(summary, size=2):
    """Return the runs of ``size`` words that a summary has more than once.

    Raises
    ------
    TypeError
        If ``summary`` does not hold strings, or ``size`` is not an integer.
    ValueError
        If ``size`` is below 1.
    """
    summary = checks.texts("summary", summary)
    size = checks.count("size", size)
    runs = [
        tuple(summary[i : i + size]) for i in range(len(summary) - size + 1)
    ]
    return sorted(run for run, count in Counter(runs).items() if count > 1)
