"""English words, several views of each, and a lexicon of what words
feel like.
"""

import re

import numpy as np

from llmbook import checks
from llmbook.text import writing
from llmbook.text.tokenizers import Tokenizer, edged

_WORD = writing.pattern(
    rf"{writing.WORD}(?:['’-]{writing.WORD})*|[^{writing.SPACE}\p{{L}}\p{{N}}_]+|_+"
)
_BORDER = re.compile(
    r"[,;:.!?()]+|\s-+\s|\b(?:but|although|though|however|while|when|yet)\b",
    re.IGNORECASE,
)


def words(text):
    """Cut an English text into words and runs of punctuation, case kept, spaces
    left out.

    Raises
    ------
    TypeError
        If ``text`` is not a string.
    """
    checks.text("text", text)
    return _WORD.findall(text)


def clause(text, term):
    """Return the part of a text in which a term first stands, between marks and
    conjunctions.

    Parameters
    ----------
    text, term : str

    Raises
    ------
    TypeError
        If one of them is not a string.
    ValueError
        If the term is empty or not in the text.
    """
    checks.text("text", text)
    checks.text("term", term)
    place = text.find(term)
    if place < 0 or not term:
        raise ValueError(f"term must be a part of the text, got {term!r}")
    borders = [
        (0, 0),
        *(match.span() for match in _BORDER.finditer(text)),
        (len(text),) * 2,
    ]
    start = max(end for _, end in borders if end <= place)
    stop = min(begin for begin, _ in borders if begin >= place + len(term))
    return text[start:stop].strip()


class WordViewTokenizer(Tokenizer):
    """Up to four views of every word: itself, the bigram it ends, its stem, its
    valence.

    For the word ``boring`` of ``hardly boring`` they are ``word:boring``,
    ``2:hardly boring``, ``stem:bori`` and, if a lexicon is given,
    ``valence:-1``. The stem is no more than the first ``stem`` letters. Lower
    case; ``^`` begins a text (:func:`llmbook.text.tokenizers.edged`).

    Parameters
    ----------
    tokens : sequence of str
    lexicon : dict of str to float, optional
        The valence of words. It brings in what people said of words outside of
        the texts, so a model that uses it is to be compared with others that
        may.
    stem : int
        How many letters a stem has.

    Raises
    ------
    TypeError
        If the tokens are not strings, the lexicon is no dict of numbers, or
        ``stem`` is not an integer.
    ValueError
        If the tokens begin otherwise or repeat, or ``stem`` is below 1.
    """

    def __init__(self, tokens, lexicon=None, stem=4):
        super().__init__(tokens)
        self.lexicon = checks.valences("lexicon", lexicon)
        self.stem = checks.count("stem", stem)

    @property
    def _num_views(self):
        return 3 if self.lexicon is None else 4

    def views(self, text):
        """Return one list of tokens for each word of the text."""
        cut = [word.lower() for word in words(text)]
        rows = [
            [f"word:{word}", f"2:{before} {word}", f"stem:{word[: self.stem]}"]
            for before, word in zip(edged(cut)[:-2], cut, strict=True)
        ]
        if self.lexicon is not None:
            for row, word in zip(rows, cut, strict=True):
                row.append(f"valence:{round(self.lexicon.get(word, 0))}")
        return rows

    def tokenize(self, text):
        """Return the tokens of all views in one list."""
        return [token for views in self.views(text) for token in views]

    def pieces(self, text):
        """Return the words of the text."""
        return words(text)

    def encode(self, text):
        """Return ids (T, N), a row for each word, 1 where the vocabulary lacks
        a view.
        """
        ids = np.array(super().encode(text), dtype=np.int32)
        return ids.reshape(-1, self._num_views)  # (T, N)

    def decode(self, ids):
        """Return the words that the first view of ids stands for, a space
        between them.

        Raises
        ------
        TypeError
            If ``ids`` are not integers.
        ValueError
            If they are not of the shape (T, N), or one is no id of the
            vocabulary.
        """
        ids = checks.rows_of_ids("ids", ids, len(self), self._num_views)
        return " ".join(
            self.tokens[i].removeprefix("word:") for i in ids[:, 0] if i != 0
        )

    def options(self):
        """Return the lexicon and the length of a stem."""
        return {"lexicon": self.lexicon, "stem": self.stem}
