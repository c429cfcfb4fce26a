r"""Real English sentences with semantic roles, annotated twice by
``data/GUIDELINES.md``.

The sentences are English sides of the HSK sentences that the package
`hsk-sentences-audio` carries (CC BY-SA 4.0). :func:`draw` says which ones: a
random sample of those of six to fourteen words that hold a form of a verb of
the lexicon, and of these verbs a random one. None of them is among those that
had been looked at while grammar and rules were made (``data/seen.txt``); thirty
of these are annotated, too, and are for development. The annotations stand in
``data/sentences.tsv``, a line a sentence, in brackets: ``[ARG0 He] [V opened]
[ARG1 the door] .``
"""

import random
import re
from pathlib import Path
from typing import NamedTuple

from sklearn.metrics import cohen_kappa_score

from llmbook import checks
from llmbook.corpora.files import table
from llmbook.corpora.roles.grammar import Example
from llmbook.corpora.roles.lexicon import is_form_of_lexicon
from llmbook.files import read_json, read_text
from llmbook.packages import packaged_file
from llmbook.text.tags import bio_tags, span_f1
from llmbook.text.writing import NAME, ONE, pattern

PACKAGE = "hsk-sentences-audio==1.0.0"
ANNOTATIONS = Path(__file__).parent / "data" / "sentences.tsv"
ROLES = (
    "ARG0",
    "ARG1",
    "ARG2",
    "ARGM-TMP",
    "ARGM-LOC",
    "ARGM-MNR",
    "R-ARG0",
    "R-ARG1",
)
PARTS = ("development", "test")
COLUMNS = ["id", "part", "first", "second", "agreed"]
REJECTED = "REJECT"
SEEN = ANNOTATIONS.with_name("seen.txt")
_TOKEN = pattern(rf"{NAME}(?:['’-]{NAME})*|{ONE}")
DRAWN = 230
DEVELOPMENT = 30


class Sentence(NamedTuple):
    """A sentence as it was annotated twice and then settled; None where it was
    rejected.
    """

    name: str  # its id in the package
    part: str  # one of PARTS
    first: Example | None
    second: Example | None
    agreed: Example | None


def tokenise(text):
    """Return the words and punctuation marks of a text; "don't" and
    "well-known" are one word.

    Raises
    ------
    TypeError
        If it is no string.
    """
    checks.text("text", text)
    return _TOKEN.findall(text)


def draw(count=DRAWN, seed=14):
    """Return a random sample of the packaged sentences, each with a verb of the
    lexicon.

    Parameters
    ----------
    count, seed : int

    Returns
    -------
    list of (str, list of str, int)
        The sentence's id in the package, its words, and the position of the
        verb. A larger count only adds to the end; those in ``data/seen.txt``
        are left out.

    Raises
    ------
    FileNotFoundError
        If the package is not installed.
    TypeError
        If a number is not an integer.
    ValueError
        If ``count`` is below 1.
    """
    checks.count("count", count)
    checks.integer("seed", seed)
    path = packaged_file(PACKAGE, "data/sentences.json")
    rows = read_json(path)
    # the first of repeats
    names = {row["translation"]["en"]: row["id"] for row in reversed(rows)}
    found = []
    for text, name in sorted(names.items(), key=lambda item: item[1]):
        words = tokenise(text)
        verbs = [i for i, word in enumerate(words) if is_form_of_lexicon(word)]
        if 6 <= len(words) <= 14 and verbs:
            found.append((name, words, verbs))
    random.Random(seed).shuffle(found)
    seen = set(read_text(SEEN).split())
    return [
        (name, words, random.Random(f"{seed} {name}").choice(verbs))
        for name, words, verbs in found
        if name not in seen
    ][:count]


def parse(line):
    """Return the :class:`~llmbook.corpora.roles.grammar.Example` that a
    bracketed line writes.

    Raises
    ------
    TypeError
        If it is no string.
    ValueError
        If brackets do not match or are empty, a role is not known, or there is
        not one verb.
    """
    checks.text("line", line)
    words: list[str] = []
    spans, verbs = [], []
    for match in re.finditer(r"\[(\S+) ([^\[\]]+)\]|(\S+)", line):
        role, inside, word = match.groups()
        if word and re.search(r"[\[\]]", word):
            raise ValueError(
                "line must have brackets that match and hold a role and words,"
                f" got {line!r}"
            )
        start = len(words)
        words += [word] if word else inside.split()
        if role == "V":
            verbs.append((start, len(words)))
        elif role in ROLES:
            spans.append((start, len(words), role))
        elif role:
            raise ValueError(
                f"line must have roles that are V or one of {ROLES}, got"
                f" {role!r} in {line!r}"
            )
    if len(verbs) != 1 or verbs[0][1] - verbs[0][0] != 1:
        raise ValueError(
            f"line must have one verb of one word, marked [V …], got {line!r}"
        )
    return Example(tuple(words), verbs[0][0], tuple(spans))


def load(path=None):
    """Return the annotated sentences.

    Parameters
    ----------
    path : str or Path, optional
        A UTF-8 file of tab-separated values with the columns ``id``, ``part``,
        ``first``, ``second`` and ``agreed``; the last three hold bracketed
        lines, or REJECT where the marked word is no verb. By default the book's
        own.

    Returns
    -------
    list of Sentence

    Raises
    ------
    TypeError
        If ``path`` is none.
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not UTF-8, lacks a column, or has a line that is not as above,
        is about other words than the others, or repeats an id; the message
        names the line.
    """
    path = ANNOTATIONS if path is None else path
    sentences: dict[str, Sentence] = {}
    for place, row in table(path, COLUMNS):
        try:
            sentence = _sentence(row)
            if sentence.name in sentences:
                raise ValueError(
                    f"id must not be repeated, got {sentence.name!r} again"
                )
        except ValueError as error:
            raise ValueError(f"{place}: {error}") from error
        sentences[sentence.name] = sentence
    return list(sentences.values())


def _sentence(row):
    name, part, *lines = row
    if part not in PARTS:
        raise ValueError(f"part must be one of {PARTS}, got {part!r}")
    passes = [None if line == REJECTED else parse(line) for line in lines]
    if (
        len(
            {
                (example.words, example.predicate)
                for example in passes
                if example
            }
        )
        > 1
    ):
        raise ValueError(
            f"all passes must be about the same words and verb, got {lines}"
        )
    return Sentence(name, part, *passes)


def examples(sentences, part):
    """Return the settled examples of a part, those rejected left out.

    Raises
    ------
    TypeError
        If ``sentences`` are none.
    ValueError
        If there is no such part.
    """
    sentences = checks.each("sentences", sentences, Sentence)
    checks.one_of("part", part, PARTS)
    return [s.agreed for s in sentences if s.part == part and s.agreed]


def agreement(sentences):
    r"""Return how far two passes agree.

    Cohen's kappa compares the observed agreement :math:`p_o` with the one to
    expect if both passes chose at random, each with its own frequencies,

    .. math:: \kappa = \frac{p_o - p_e}{1 - p_e}

    (Cohen 1960, Eq. 1).

    Returns
    -------
    dict
        ``kappa_verb``, of rejecting or not; of the sentences that neither pass
        rejected, ``count``, ``kappa_words``, of the BIO tags of the words other
        than the verb, ``span_f1`` of the second pass against the first, and
        ``identical``, the share of sentences without any difference. A kappa is
        None where both passes know one choice alone: by chance, too, they would
        agree.

    Raises
    ------
    TypeError
        If ``sentences`` are none.
    ValueError
        If there is none that neither pass rejected.
    """
    sentences = checks.each("sentences", sentences, Sentence)
    both = [s for s in sentences if s.first and s.second]
    checks.some("sentences", both, "those that neither pass rejected")
    verb = [
        [getattr(s, name) is not None for s in sentences]
        for name in ("first", "second")
    ]
    tags = [_tags(s.first for s in both), _tags(s.second for s in both)]
    return {
        "kappa_verb": _kappa(*verb),
        "count": len(both),
        "kappa_words": _kappa(*tags),
        "span_f1": span_f1(
            [s.first for s in both], [s.second.spans for s in both]
        ),
        "identical": sum(s.first == s.second for s in both) / len(both),
    }


def _kappa(first, second):
    if len({*first, *second}) < 2:
        return None
    return float(cohen_kappa_score(first, second))


def _tags(examples):
    """Return the tags of all words that are not the verb, in one list."""
    return [
        tag
        for example in examples
        for position, tag in enumerate(
            bio_tags(example.spans, len(example.words))
        )
        if position != example.predicate
    ]
