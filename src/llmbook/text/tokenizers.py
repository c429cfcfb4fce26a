"""From text to numbers: tokenizers that learn their vocabulary from texts, and
padding.

Id 0 is padding and id 1 the unknown token in every vocabulary of the book, so
tokens that were learned begin at 2. These marks are for ids alone: a text that
writes ``<pad>`` or ``<unk>`` has written a word that no vocabulary knows.
"""

import contextlib
import functools
import importlib
import json
import logging
import re
import sys
import unicodedata
import warnings
from collections import Counter
from typing import ClassVar

import numpy as np

from llmbook import checks
from llmbook.files import read_json, whole
from llmbook.text.writing import MARKS, SPACED, SYMBOL, UNSPACED, pattern

PAD_ID, UNKNOWN_ID, END_ID = 0, 1, 2
PAD, UNKNOWN, END = "<pad>", "<unk>", "<end>"


def normalise(text):
    """Return the text in Unicode's form NFKC, with every run of white space
    made one space.

    Raises
    ------
    TypeError
        If ``text`` is not a string.
    """
    checks.text("text", text)
    return re.sub(r"\s+", " ", unicodedata.normalize("NFKC", text)).strip()


# a character or a word that could be taken for the mark of an edge
_LIKE_AN_EDGE = re.compile(r"\\*[\^$]")


def edged(units):
    r"""Return the characters or the words of a text between marks of its edges,
    ``^`` and ``$``.

    One that looks like such a mark has a backslash before it, and one more if
    it has some: what a text says is never taken for its edge.

    Parameters
    ----------
    units : sequence of str

    Raises
    ------
    TypeError
        If they are not strings.
    """
    units = checks.texts("units", units)
    own = [f"\\{x}" if _LIKE_AN_EDGE.fullmatch(x) else x for x in units]
    return ["^", *own, "$"]


class Known:
    """The tokens that have ids, the first of them marks that no text can write.

    Parameters
    ----------
    tokens : sequence of str
        In the order of their ids: the marks, then the rest.

    Raises
    ------
    TypeError
        If they are not strings.
    ValueError
        If they begin otherwise, or repeat.
    """

    RESERVED: ClassVar[tuple[str, ...]] = (PAD, UNKNOWN)

    def __init__(self, tokens):
        self.tokens = checks.texts("tokens", tokens)
        self.ids = {token: index for index, token in enumerate(self.tokens)}
        if tuple(self.tokens[: len(self.RESERVED)]) != self.RESERVED:
            raise ValueError(
                f"tokens must begin with {', '.join(self.RESERVED)}, got"
                f" {self.tokens[: len(self.RESERVED)]}"
            )
        if len(self.ids) != len(self.tokens):
            raise ValueError("tokens must be distinct, got repeats")

    def __len__(self):
        """Return V, the size of the vocabulary, the marks included."""
        return len(self.tokens)

    @classmethod
    def frequent(cls, found, min_count=1, max_size=None):
        """Return the marks, then the tokens that were found most often, ties in
        order of appearance.

        Parameters
        ----------
        found : iterable of str, or Counter of them
        min_count : int
            Tokens seen less often are left out.
        max_size : int, optional
            How many are returned at most, the marks included.

        Raises
        ------
        TypeError
            If ``found`` does not hold strings, or a number is not an integer.
        ValueError
            If ``min_count`` is below 1, or ``max_size`` leaves no room for the
            marks.
        """
        checks.count("min_count", min_count)
        if max_size is not None:
            checks.count("max_size", max_size)
            if max_size < len(cls.RESERVED):
                raise ValueError(
                    f"max_size must leave room for {cls.RESERVED}, got"
                    f" {max_size}"
                )
        counts = (
            found
            if isinstance(found, Counter)
            else Counter(checks.texts("found", found))
        )
        kept = [
            token
            for token, count in counts.most_common()
            if count >= min_count and token not in cls.RESERVED
        ]
        return [*cls.RESERVED, *kept][:max_size]

    def look_up(self, tokens, beyond=None):
        """Return the ids of the tokens of a text, 1 for an unknown one.

        Parameters
        ----------
        tokens : sequence of str
        beyond : dict of str to int, optional
            The ids of words that the vocabulary lacks.

        Raises
        ------
        TypeError
            If ``tokens`` does not hold strings, or ``beyond`` is no dictionary.
        """
        tokens = checks.texts("tokens", tokens)
        if beyond is not None:
            checks.kind("beyond", beyond, dict)
        others, first = beyond or {}, len(self.RESERVED)
        found = ((self.ids.get(token, 0), token) for token in tokens)
        return [
            index if index >= first else others.get(token, UNKNOWN_ID)
            for index, token in found
        ]


class Tokenizer(Known):
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
        Tokenizer._kinds[_full_name(cls)] = cls

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
            If ``texts`` is a single string, or does not hold strings, or a
            number is not an integer.
        ValueError
            If there is no text, no token reaches ``min_count``, or a number is
            too small.
        """
        texts = cls.listed(texts)
        cutter = cls([PAD, UNKNOWN], **options)
        counts = Counter(
            token for text in texts for token in cutter.tokenize(text)
        )
        if len(cls.frequent(counts, min_count)) == len(cls.RESERVED):
            raise ValueError(
                f"texts must hold a token seen {min_count} times, got"
                f" {len(counts)} distinct ones"
            )
        return cls(cls.frequent(counts, min_count, max_size), **options)

    @staticmethod
    def listed(texts):
        """Return a list of what :meth:`tokenize` takes: of strings, unless a
        subclass says otherwise.

        Raises
        ------
        TypeError
            If ``texts`` is a single string, or does not hold strings.
        """
        return checks.texts("texts", texts)

    def tokenize(self, text):
        """Cut a text into tokens, known or not."""
        raise NotImplementedError

    def pieces(self, text):
        """Return what a reader should see at each position that :meth:`encode`
        makes.

        Raises
        ------
        TypeError
            If ``text`` is not a string.
        """
        return self.tokenize(text)

    def encode(self, text):
        """Return the ids of a text's tokens, 1 for an unknown one; none for an
        empty text.

        Raises
        ------
        TypeError
            If ``text`` is not a string.
        """
        return self.look_up(self.tokenize(text))

    def decode(self, ids):
        """Return the text of ids, padding left out, unknown tokens written
        ``<unk>``.

        Raises
        ------
        TypeError
            If ``ids`` are not integers.
        ValueError
            If one is no id of the vocabulary.
        """
        ids = checks.text_ids("ids", ids, len(self))
        return "".join(self.tokens[i] for i in ids if i != PAD_ID)

    def options(self):
        """Return what besides the tokens the tokenizer is constructed with, fit
        for JSON.
        """
        return {}

    def state(self):
        """Return all that the tokenizer is, fit for JSON."""
        return {
            "kind": _full_name(type(self)),
            "tokens": self.tokens,
            "options": self.options(),
        }

    @staticmethod
    def from_state(state):
        """Return the tokenizer that :meth:`state` described.

        The class is found by its full name: one of the library without an
        import, one of the reader's own once it has been defined.

        Raises
        ------
        ValueError
            If it describes none, or one of a class that is not known.
        """
        try:
            kind = _class_of(state["kind"])
            return kind(state["tokens"], **state["options"])
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"state must describe a tokenizer, it does not: {error!r}"
            ) from error

    def save(self, path):
        """Write the tokenizer as JSON.

        Raises
        ------
        TypeError
            If a token or an option is nothing that JSON can hold, or ``path``
            is none.
        ValueError
            If a token is no text: half of a pair of surrogates; or if ``path``
            is empty. What was at ``path`` stays.
        """
        checks.path("path", path)
        text = json.dumps(self.state(), ensure_ascii=False)
        try:
            data = text.encode("utf-8")
        except UnicodeEncodeError as error:
            raise ValueError(
                "tokens must be text, which UTF-8 can hold, got"
                f" {text[error.start : error.end]!r}"
            ) from error
        with whole(path, "wb") as file:
            file.write(data)

    @staticmethod
    def load(path):
        """Read what :meth:`save` wrote.

        Raises
        ------
        TypeError
            If ``path`` is neither a string nor a path.
        FileNotFoundError
            If there is no such file.
        ValueError
            If it holds no tokenizer.
        """
        try:
            return Tokenizer.from_state(read_json(path))
        except ValueError as error:
            raise ValueError(
                f"path must hold a tokenizer, {str(path)!r} does not: {error}"
            ) from error


def _full_name(kind):
    return f"{kind.__module__}.{kind.__qualname__}"


def _class_of(name):
    """Return the class of a full name, the library's module imported."""
    checks.text("kind", name)
    module = name.rpartition(".")[0]
    if module.startswith("llmbook."):
        with contextlib.suppress(ImportError):
            importlib.import_module(module)
    if name not in Tokenizer._kinds:
        raise ValueError(
            f"kind must be the name of a class that is defined, got {name!r}:"
            " import the module that defines it first"
        )
    return Tokenizer._kinds[name]


class CharTokenizer(Tokenizer):
    """One token a character, spaces and line ends included, so that decoding is
    exact.
    """

    def tokenize(self, text):
        """Return the characters of the text.

        Raises
        ------
        TypeError
            If ``text`` is not a string.
        """
        checks.text("text", text)
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


# What jieba would cut into pieces: a word of a script that puts spaces between
# words, unless it is English alone; a letter with its marks; an emoji.
_WHOLE = pattern(
    rf"((?<![A-Za-z])[A-Za-z]*+(?=[[\p{{L}}\p{{M}}]--\p{{ASCII}}--{UNSPACED}]){MARKS}"
    rf"(?:{SPACED})*+|(?=[{UNSPACED}--\p{{Han}}])\X|{SYMBOL})"
)


def words(text, search=False):
    """Cut a text into words with jieba, white space left out.

    Words of other scripts are cut by their spaces, and letters of scripts
    without spaces, Chinese apart, one by one.

    Parameters
    ----------
    text : str
    search : bool
        Whether to have, before a long word, the short ones in it, as a search
        engine does.

    Raises
    ------
    TypeError
        If ``text`` is not a string, or ``search`` neither True nor False.
    """
    checks.text("text", text)
    checks.flag("search", search)
    return list(_words(text, search))


# texts are cut once to learn a vocabulary, and then encoded
@functools.lru_cache(maxsize=2**15)
def _words(text, search):
    cut = _jieba().lcut_for_search if search else _jieba().lcut
    found: list[str] = []
    for index, piece in enumerate(_WHOLE.split(text)):
        found += [piece] if index % 2 else cut(piece)
    return tuple(word for word in found if word and not word.isspace())


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
        self.stop_words = frozenset(checks.texts("stop_words", stop_words))

    def tokenize(self, text):
        """Return the words of the text that are not stop words.

        Raises
        ------
        TypeError
            If ``text`` is not a string.
        """
        checks.text("text", text)
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
    spaces; ``^`` and ``$`` stand for the edges of the text (:func:`edged`).
    """

    VIEWS = ("1", "2", "3", "word")

    def views(self, text):
        """Return one list of :attr:`VIEWS` tokens for each character of the
        text.

        Raises
        ------
        TypeError
            If ``text`` is not a string.
        """
        checks.text("text", text)
        segmented = words(text.lower())
        characters = "".join(segmented)
        marked = edged(list(characters))
        return [
            [
                f"1:{character}",
                f"2:{''.join(marked[i + 1 : i + 3])}",
                f"3:{''.join(marked[i : i + 3])}",
                f"word:{word}",
            ]
            for i, (character, word) in enumerate(
                zip(characters, _repeat(segmented), strict=True)
            )
        ]

    def tokenize(self, text):
        """Return the tokens of all views in one list.

        Raises
        ------
        TypeError
            If ``text`` is not a string.
        """
        return [token for position in self.views(text) for token in position]

    def pieces(self, text):
        """Return the characters of the text.

        Raises
        ------
        TypeError
            If ``text`` is not a string.
        """
        checks.text("text", text)
        return list("".join(words(text.lower())))

    def encode(self, text):
        """Return ids (T, 4), a row for each character, 1 where the vocabulary
        lacks a view.
        """
        ids = np.array(super().encode(text), dtype=np.int32)
        return ids.reshape(-1, len(self.VIEWS))  # (T, 4)

    def decode(self, ids):
        """Return the text that the first view of ids stands for.

        Raises
        ------
        TypeError
            If ``ids`` are not integers.
        ValueError
            If they are not of the shape (T, 4), or one is no id of the
            vocabulary.
        """
        ids = checks.rows_of_ids("ids", ids, len(self), len(self.VIEWS))
        first = (self.tokens[i] for i in ids[:, 0] if i != PAD_ID)
        return "".join(token.removeprefix("1:") for token in first)


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
    TypeError
        If the sequences are not lists or arrays of integers, or ``length`` is
        not an integer.
    ValueError
        If there is no sequence, if they differ in their further axes, if
        ``length`` is not positive, or ``truncate`` is neither.
    """
    sequences = checks.id_sequences("sequences", sequences)
    if truncate not in ("start", "end"):
        raise ValueError(f"truncate must be 'start' or 'end', got {truncate!r}")
    if length is None:
        length = max(1, *map(len, sequences))
    length = checks.count("length", length)
    shape: tuple[int, ...] = next(
        (sequence.shape[1:] for sequence in sequences if len(sequence)), ()
    )
    # (B, T, …)
    ids = np.full((len(sequences), length, *shape), PAD_ID, dtype=np.int32)
    for row, sequence in zip(ids, sequences, strict=True):
        kept = sequence[:length] if truncate == "end" else sequence[-length:]
        if len(kept):
            row[: len(kept)] = kept
        else:
            row[0] = UNKNOWN_ID
    return ids


class Vocabulary(Known):
    """The known tokens of sequences that are already cut into tokens.

    Parameters
    ----------
    tokens : sequence of str
        In the order of their ids: padding, unknown, end, then the rest.

    Raises
    ------
    TypeError
        If they are not strings.
    ValueError
        If they begin otherwise, or repeat.
    """

    RESERVED = (PAD, UNKNOWN, END)

    @classmethod
    def fit(cls, sequences, min_count=1, max_size=None):
        """Learn a vocabulary: the most frequent tokens first, ties in order of
        appearance.

        Parameters
        ----------
        sequences : iterable of lists of str
        min_count : int
            Tokens seen less often are left out.
        max_size : int, optional
            The size of the vocabulary at most, the three marks included.

        Raises
        ------
        TypeError
            If ``sequences`` does not hold lists of strings, or a number is not
            an integer.
        ValueError
            If a number is too small.
        """
        found = [
            token
            for sequence in checks.items("sequences", sequences, "lists")
            for token in checks.texts("sequences", sequence)
        ]
        return cls(cls.frequent(found, min_count, max_size))

    def encode(self, tokens, words=()):
        """Return the ids of tokens; one that is unknown but stands in ``words``
        has an id there.

        Parameters
        ----------
        tokens : sequence of str
        words : sequence of str
            Words beyond the vocabulary, whose ids follow on its last.

        Raises
        ------
        TypeError
            If one of them does not hold strings.
        """
        tokens = checks.texts("tokens", tokens)
        beyond = enumerate(checks.texts("words", words), start=len(self))
        return self.look_up(tokens, {word: index for index, word in beyond})

    def decode(self, ids, words=()):
        """Return the tokens of ids, up to the first end or padding; one beyond
        vocabulary and ``words`` is unknown.

        Raises
        ------
        TypeError
            If ``ids`` are not integers, or ``words`` does not hold strings.
        ValueError
            If an id is negative.
        """
        known = [*self.tokens, *checks.texts("words", words)]
        tokens = []
        for index in checks.text_ids("ids", ids, sys.maxsize):
            if index in (PAD_ID, END_ID):
                break
            tokens.append(known[index] if index < len(known) else UNKNOWN)
        return tokens
