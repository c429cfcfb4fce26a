"""Whether an answer is right: exactly, or in its words; and a baseline that
reads no grammar.
"""

import unicodedata
from collections import Counter

from llmbook import checks
from llmbook.corpora.facts import template_words
from llmbook.text.writing import between_spaces


def exact(prediction, answer):
    """Tell whether two strings are the same but for case and spaces.

    Raises
    ------
    TypeError
        If one is not a string.
    """
    checks.text("prediction", prediction)
    checks.text("answer", answer)
    return _words(prediction) == _words(answer)


def _words(text):
    """Return the words that are compared; each character is one where no
    spaces part them.
    """
    return between_spaces(unicodedata.normalize("NFC", text).casefold())


def overlap_f1(prediction, answer):
    r"""Return the harmonic mean of precision and recall of the words, repeats
    counted.

    .. math:: F_1 = \frac{2\,|P \cap A|}{|P| + |A|}

    (Rajpurkar et al. 2016, section 6.1). Two empty strings agree.

    Raises
    ------
    TypeError
        If one is not a string.
    """
    checks.text("prediction", prediction)
    checks.text("answer", answer)
    predicted, right = Counter(_words(prediction)), Counter(_words(answer))
    total = predicted.total() + right.total()
    return 2 * (predicted & right).total() / total if total else 1.0


def overlap_answer(example):
    """Answer without learning: take the sentence that shares most words, and in
    it what fits.

    What fits is a run of numbers or of capitalised words, whichever the
    question's first words ask for, that the question does not say. Of the
    sentences with such a run, the one with most different words of the question
    is taken, and in it the first run.

    Parameters
    ----------
    example : Example

    Returns
    -------
    pair of int, or None
        First and last token of the answer in the passage; None if no sentence
        has such a run.

    Raises
    ------
    TypeError
        If ``example`` is none.
    """
    checks.words_of("example", example, "question", "passage")
    checks.offers("example", example, "sentences")
    said = {token.lower() for token in example.question}
    wants_number = bool(
        {"when", "year", "many", "share"} & {*_opening(example.question)}
    )
    known = set(template_words())

    def fits(token):
        is_name = token[:1].isupper() and token.lower() not in known
        return token.lower() not in said and (
            token.isdigit() if wants_number else is_name
        )

    best, most = None, -1
    for start, end in example.sentences:
        tokens = example.passage[start : end + 1]
        first = next((i for i, token in enumerate(tokens) if fits(token)), None)
        shared = len({token.lower() for token in tokens} & said)
        if first is not None and shared > most:
            last = first
            while last + 1 < len(tokens) and fits(tokens[last + 1]):
                last += 1
            best, most = (start + first, start + last), shared
    return best


def _opening(question, length=5):
    return [token.lower() for token in question[:length]]
