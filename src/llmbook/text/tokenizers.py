"""From text to numbers: tokenizers that learn their vocabulary from texts, and
padding.

Id 0 is padding and id 1 the unknown token in every vocabulary of the book, so
tokens that were learned begin at 2.
"""

import functools
import json
import logging
import re
import unicodedata
import warnings
from collections import Counter
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

PAD_ID, UNKNOWN_ID = 0, 1
PAD, UNKNOWN = "<pad>", "<unk>"


def normalise(text):
    """Return the text in Unicode's form NFKC, with every run of white space
    made one space.

    Raises
    ------
    TypeError
        If ``text`` is not a string.
    """
    if not isinstance(text, str):
        raise TypeError(f"text must be a string, got {type(text).__name__}")
    return re.sub(r"\s+", " ", unicodedata.normalize("NFKC", text)).strip()


class Tokenizer:
    """A vocabulary and the way to reach it; subclasses say how a text is cut by
    :meth:`tokenize`.

    Parameters
    ----------
    tokens : sequence of str
        The known tokens, in the order of their ids: padding, unknown, then the
        rest.
    """

    _kinds: ClassVar[dict[str, type["Tokenizer"]]] = {}

    def __init_subclass__(cls):
        Tokenizer._kinds[cls.__name__] = cls

    def __init__(self, tokens):
        if list(tokens[:2]) != [PAD, UNKNOWN]:
            raise ValueError(
                f"tokens must begin with {PAD} and {UNKNOWN}, got"
                f" {list(tokens[:2])}"
            )
        self.tokens = list(tokens)
        self.ids = {token: index for index, token in enumerate(self.tokens)}
        if len(self.ids) != len(self.tokens):
            raise ValueError("tokens must be distinct, got repeats")

    @classmethod
    def fit(cls, texts, min_count=1, max_size=None, **options):
        """Learn a vocabulary: the most frequent tokens first, ties in order of
        appearance.

        Parameters
        ----------
        texts : iterable of str
        min_count : int
            Tokens seen less often are left out, and so become unknown.
        max_size : int, optional
            The size of the vocabulary at most, padding and unknown included.
        options
            What the subclass is constructed with.

        Raises
        ------
        TypeError
            If ``texts`` is a single string.
        ValueError
            If there is no text, or no token reaches ``min_count``.
        """
        if isinstance(texts, str):
            raise TypeError(
                "texts must be a list of strings, got a single string"
            )
        cutter = cls([PAD, UNKNOWN], **options)
        counts = Counter(
            token for text in texts for token in cutter.tokenize(text)
        )
        frequent = [
            token for token, count in counts.most_common() if count >= min_count
        ]
        if not frequent:
            raise ValueError(
                f"texts must hold a token seen {min_count} times, got"
                f" {len(counts)} distinct ones"
            )
        return cls([PAD, UNKNOWN, *frequent][:max_size], **options)

    def __len__(self):
        """Return V, the size of the vocabulary, with padding and unknown."""
        return len(self.tokens)

    def tokenize(self, text):
        """Cut a text into tokens, known or not."""
        raise NotImplementedError

    def pieces(self, text):
        """Return what a reader should see at each position that :meth:`encode`
        makes.
        """
        return self.tokenize(text)

    def encode(self, text):
        """Return the ids of a text's tokens, 1 for an unknown one; none for an
        empty text.
        """
        return [
            self.ids.get(token, UNKNOWN_ID) for token in self.tokenize(text)
        ]

    def decode(self, ids):
        """Return the text of ids, padding left out, unknown tokens written
        ``<unk>``.
        """
        return "".join(self.tokens[i] for i in ids if i != PAD_ID)

    def options(self):
        """Return what besides the tokens the tokenizer is constructed with, fit
        for JSON.
        """
        return {}

    def state(self):
        """Return all that the tokenizer is, fit for JSON."""
        return {
            "kind": type(self).__name__,
            "tokens": self.tokens,
            "options": self.options(),
        }

    @staticmethod
    def from_state(state):
        """Return the tokenizer that :meth:`state` described; ``ValueError`` if
        it is none.
        """
        try:
            return Tokenizer._kinds[state["kind"]](
                state["tokens"], **state["options"]
            )
        except (KeyError, TypeError) as error:
            raise ValueError(
                f"state must describe one of {sorted(Tokenizer._kinds)}, not a"
                f" tokenizer: {error!r}"
            ) from error

    def save(self, path):
        """Write the tokenizer as JSON."""
        Path(path).write_text(
            json.dumps(self.state(), ensure_ascii=False), encoding="utf-8"
        )

    @staticmethod
    def load(path):
        """Read what :meth:`save` wrote: ``ValueError`` if it is something
        else.
        """
        try:
            state = json.loads(Path(path).read_text(encoding="utf-8"))
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise ValueError(
                f"path must hold a tokenizer as JSON, {str(path)!r} does not:"
                f" {error}"
            ) from error
        return Tokenizer.from_state(state)


class CharTokenizer(Tokenizer):
    """One token a character, spaces and line ends included, so that decoding is
    exact.
    """

    def tokenize(self, text):
        """Return the characters of the text."""
        return list(text)


@functools.cache
def _jieba():
    """Return jieba's segmenter, its prefix dictionary made from its word list.

    Left to itself, jieba keeps that dictionary in a file of the shared
    temporary folder, unmarshals whatever it later finds there, and reports on
    stderr. Building it takes about a second, so it is built, once a process.
    """
    with warnings.catch_warnings():
        # jieba 0.42 imports pkg_resources and writes regular expressions the
        # old way
        warnings.simplefilter("ignore")
        import jieba
        import jieba.finalseg
    jieba.setLogLevel(logging.ERROR)
    segmenter = jieba.Tokenizer()
    segmenter.FREQ, segmenter.total = segmenter.gen_pfdict(
        segmenter.get_dict_file()
    )
    segmenter.initialized = True
    return segmenter


def words(text):
    """Cut a text into words with jieba, white space left out."""
    return list(_words(text))


# texts are cut once to learn a vocabulary, and then encoded
@functools.lru_cache(maxsize=2**15)
def _words(text):
    return tuple(word for word in _jieba().lcut(text) if not word.isspace())


class WordTokenizer(Tokenizer):
    """One token a word, in lower case; jieba finds where words end, as Chinese
    has no spaces.

    Parameters
    ----------
    tokens : sequence of str
    stop_words : iterable of str
        Words to leave out, compared as words: before they become numbers.
    """

    def __init__(self, tokens, stop_words=()):
        super().__init__(tokens)
        self.stop_words = frozenset(stop_words)

    def tokenize(self, text):
        """Return the words of the text that are not stop words."""
        return [
            word for word in words(text.lower()) if word not in self.stop_words
        ]

    def options(self):
        """Return the stop words, sorted."""
        return {"stop_words": sorted(self.stop_words)}


class NgramTokenizer(Tokenizer):
    """Four views of every character: itself, the bigram and the trigram it
    stands in, and its word.

    For the character ``店`` of ``酒店很好`` they are ``1:店``, ``2:店很``,
    ``3:酒店很`` and ``word:酒店``: the prefix keeps a word apart from a
    bigram of the same characters. Adding their embeddings tells attention, at
    each position, what a character means in its place (fastText's subword
    vectors turned round: Bojanowski et al. 2017, Eq. 2). Lower case, without
    spaces; ``^`` and ``$`` stand for the edges of the text.
    """

    VIEWS = ("1", "2", "3", "word")

    def views(self, text):
        """Return one list of :attr:`VIEWS` tokens for each character of the
        text.
        """
        segmented = words(text.lower())
        characters = "".join(segmented)
        edged = f"^{characters}$"
        return [
            [
                f"1:{character}",
                f"2:{edged[i + 1 : i + 3]}",
                f"3:{edged[i : i + 3]}",
                f"word:{word}",
            ]
            for i, (character, word) in enumerate(
                zip(characters, _repeat(segmented), strict=True)
            )
        ]

    def tokenize(self, text):
        """Return the tokens of all views in one list."""
        return [token for position in self.views(text) for token in position]

    def pieces(self, text):
        """Return the characters of the text."""
        return list("".join(words(text.lower())))

    def encode(self, text):
        """Return ids (T, 4), a row for each character, 1 where the vocabulary
        lacks a view.
        """
        ids = np.array(super().encode(text), dtype=np.int32)
        return ids.reshape(-1, len(self.VIEWS))  # (T, 4)

    def decode(self, ids):
        """Return the text that the first view of ids stands for."""
        first = super().decode(np.asarray(ids)[:, 0])
        return first.replace("1:", "")


def _repeat(segmented):
    return [word for word in segmented for _ in word]


def pad(sequences, length=None, truncate="end"):
    """Stack sequences of ids into one array, the shorter ones filled up with
    padding at their end.

    A sequence without any token becomes a single unknown token: a row of
    nothing but padding would leave attention nothing to attend to, and its
    softmax 0/0.

    Parameters
    ----------
    sequences : list of sequences of int, or of arrays (T, …)
    length : int, optional
        T of the result; without it, that of the longest sequence.
    truncate : {"end", "start"}
        Which end of a sequence longer than ``length`` is cut off.

    Returns
    -------
    ids : (B, T, …) of int32

    Raises
    ------
    ValueError
        If there is no sequence, if ``length`` is not positive, or ``truncate``
        is neither.
    """
    if len(sequences) == 0:
        raise ValueError("sequences must hold at least one sequence, got none")
    if truncate not in ("start", "end"):
        raise ValueError(f"truncate must be 'start' or 'end', got {truncate!r}")
    if length is None:
        length = max(1, *map(len, sequences))
    if length < 1:
        raise ValueError(f"length must be at least 1, got {length}")
    shape: tuple[int, ...] = next(
        (np.shape(s)[1:] for s in sequences if len(s)), ()
    )
    # (B, T, …)
    ids = np.full((len(sequences), length, *shape), PAD_ID, dtype=np.int32)
    for row, sequence in zip(ids, sequences, strict=True):
        kept: Any = (
            sequence[:length] if truncate == "end" else sequence[-length:]
        )
        if len(kept):
            row[: len(kept)] = kept
        else:
            row[0] = UNKNOWN_ID
    return ids


END, END_ID = "<end>", 2


class Vocabulary:
    """The known tokens of sequences that are already cut into tokens.

    Parameters
    ----------
    tokens : sequence of str
        In the order of their ids: padding, unknown, end, then the rest.

    Raises
    ------
    ValueError
        If they begin otherwise, or repeat.
    """

    def __init__(self, tokens):
        self.tokens = list(tokens)
        self.ids = {token: index for index, token in enumerate(self.tokens)}
        if self.tokens[:3] != [PAD, UNKNOWN, END] or len(self.ids) != len(
            self.tokens
        ):
            raise ValueError(
                f"tokens must be distinct and begin with {PAD}, {UNKNOWN},"
                f" {END}, got {self.tokens[:3]} first and {len(self.ids)}"
                f" distinct of {len(self.tokens)}"
            )

    @classmethod
    def fit(cls, sequences, min_count=1, max_size=None):
        """Learn a vocabulary: the most frequent tokens first, ties in order of
        appearance.
        """
        counts = Counter(token for sequence in sequences for token in sequence)
        frequent = [
            token for token, count in counts.most_common() if count >= min_count
        ]
        return cls([PAD, UNKNOWN, END, *frequent][:max_size])

    def __len__(self):
        """Return the number of tokens, the three special ones included."""
        return len(self.tokens)

    def encode(self, tokens, words=()):
        """Return the ids of tokens; one that is unknown but stands in ``words``
        has an id there.

        Parameters
        ----------
        tokens : sequence of str
        words : sequence of str
            Words beyond the vocabulary, whose ids follow on its last.
        """
        beyond = {word: len(self) + index for index, word in enumerate(words)}
        return [
            self.ids.get(token, beyond.get(token, UNKNOWN_ID))
            for token in tokens
        ]

    def decode(self, ids, words=()):
        """Return the tokens of ids, up to the first end or padding."""
        known = [*self.tokens, *words]
        tokens = []
        for index in ids:
            if index in (PAD_ID, END_ID):
                break
            tokens.append(known[index] if index < len(known) else UNKNOWN)
        return tokens
