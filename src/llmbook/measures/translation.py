"""Scores of translations, and translators that do not learn: what a model has
to beat.
"""

import functools
from collections import Counter
from typing import NamedTuple

import numpy as np
from sacrebleu.metrics import BLEU, CHRF
from sklearn.feature_extraction.text import TfidfVectorizer

from llmbook import checks
from llmbook.corpora.hsk import english_tokens, senses


class Scores(NamedTuple):
    """Of a set of translations, each against one reference."""

    bleu: float  # 0 to 100
    chrf: float  # 0 to 100
    exact: float  # share that equals its reference


def scores(hypotheses, references):
    r"""Return BLEU, chrF and the share of exact translations, in lower case.

    .. math::

        \mathrm{BLEU} = \min(1, e^{1 - r/c}) \Big(\prod_{n=1}^{4}
        p_n\Big)^{1/4}, \qquad
        \mathrm{chrF} = \frac{5 P R}{4 P + R}

    with :math:`p_n` the share of the hypotheses' n-grams that stand in their
    references, :math:`r` and :math:`c` the lengths of references and hypotheses
    (Papineni et al. 2002, section 2.3), and :math:`P` and :math:`R` the
    precision and recall of character n-grams up to 6 (Popović 2015). Both are
    sacrebleu's (Post 2018).

    Of texts without four tokens BLEU is 0, right or wrong: they have no
    4-grams.

    Parameters
    ----------
    hypotheses, references : lists of str
        Tokens, separated by spaces.

    Raises
    ------
    TypeError
        If one of them does not hold strings.
    ValueError
        If the lists are empty or differ in length.
    """
    hypotheses = checks.texts("hypotheses", hypotheses)
    references = checks.texts("references", references)
    if not hypotheses or len(hypotheses) != len(references):
        raise ValueError(
            "references must be as many as hypotheses and at least one, got"
            f" {len(references)} and {len(hypotheses)}"
        )
    bleu = BLEU(lowercase=True, tokenize="none", force=True)
    chrf = CHRF(lowercase=True)
    equal = [
        one.lower() == two.lower()
        for one, two in zip(hypotheses, references, strict=True)
    ]
    return Scores(
        bleu.corpus_score(hypotheses, [references]).score,
        chrf.corpus_score(hypotheses, [references]).score,
        float(np.mean(equal)),
    )


def nearest(queries, texts, ngrams=(1, 2)):
    """Return, for each query, the index of the text most like it in its
    characters' TF-IDF.

    Parameters
    ----------
    queries, texts : lists of str
    ngrams : (int, int)
        The shortest and the longest run of characters that is counted.

    Returns
    -------
    (M,) of int

    Raises
    ------
    TypeError
        If queries and texts are not lists of strings, or a length is not an
        integer.
    ValueError
        If there is no query, no text holds a character, or the lengths are not
        two that rise from 1 on.
    """
    queries = checks.some("queries", checks.texts("queries", queries))
    texts = checks.texts("texts", texts)
    if not any(texts):
        raise ValueError(f"texts must hold a character, got {texts[:3]}")
    ngrams = checks.two_that_rise("ngrams", ngrams)
    counter = TfidfVectorizer(analyzer="char", ngram_range=ngrams)
    known = counter.fit_transform(texts)  # (N, V)
    similarity = counter.transform(queries) @ known.T  # (M, N)
    return np.asarray(similarity.argmax(axis=1)).ravel()  # (M,)


def gloss_translation(sentence):
    """Translate a Sentence word by word: the first sense of each gloss, in the
    Chinese order.

    Raises
    ------
    TypeError
        If ``sentence`` is none.
    """
    checks.words_of("sentence", sentence, "glosses")
    found = [senses(gloss)[:1] for gloss in sentence.glosses]
    return " ".join(
        [
            *english_tokens(" ".join(sense for one in found for sense in one)),
            ".",
        ]
    )


def learned_dictionary(pairs):
    r"""Return for each source token the target token that it stands with most
    exclusively; of several, the one that was seen with it first.

    .. math:: \arg\max_y \frac{2\, n(x, y)}{n(x) + n(y)}

    with :math:`n` counting the pairs that hold a token, or both (the
    coefficient of Dice 1945).

    Parameters
    ----------
    pairs : list of (list of str, list of str)

    Raises
    ------
    TypeError
        If they are not lists of strings.
    ValueError
        If one is not of two.
    """
    pairs = [
        checks.two("pairs", checks.text_lists("pairs", pair))
        for pair in checks.items("pairs", pairs, "pairs of lists")
    ]
    together: dict[str, Counter] = {}
    of_source: Counter[str] = Counter()
    of_target: Counter[str] = Counter()
    for pair in pairs:
        # each token once, in its order: that of a set is another in every run
        source, target = (list(dict.fromkeys(side)) for side in pair)
        of_source.update(source)
        of_target.update(target)
        for token in source:
            together.setdefault(token, Counter()).update(target)

    def dice(x, y):
        return 2 * together[x][y] / (of_source[x] + of_target[y])

    return {
        x: max(counts, key=functools.partial(dice, x))
        for x, counts in together.items()
        if counts
    }
