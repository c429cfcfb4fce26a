"""Real sentences in Chinese and English, with a gloss of every Chinese word.

The sentences were written for learners (levels 1 to 6 of the examination HSK);
the glosses are a dictionary's. They travel in the package
``hsk-sentences-audio``, which is found, never imported.
"""

import random
import re
from typing import NamedTuple

from llmbook import checks
from llmbook.corpora.reviews import key
from llmbook.files import existing, read_json
from llmbook.packages import packaged_file
from llmbook.text.writing import ONE, SPACED, UNSPACED, pattern

PACKAGE = "hsk-sentences-audio==1.0.0"
_REMARK = pattern(rf"\(.*?\)|\[.*?\]|{UNSPACED}+")
_UNTRANSLATED = pattern(r"^placeholder|^PH$|\p{Han}")
_ENGLISH = pattern(rf"(?:{SPACED})+(?:'(?:{SPACED})+)?|{ONE}")


class Sentence(NamedTuple):
    """A Chinese sentence, its words, what a dictionary says of each, and an
    English translation.
    """

    chinese: str
    english: str
    words: list[str]
    glosses: list[str]  # one a word, as the dictionary has it; some are empty


def load_sentences(path=None, report=print):
    """Return the sentences that have a translation, each Chinese text once.

    Dropped are those whose English is a placeholder or holds Chinese, and
    repeats that differ in punctuation alone.

    Parameters
    ----------
    path : str or Path, optional
        Another file of the same form: a JSON list of objects with ``chinese``,
        ``translation.en`` and ``tokens``, each token with ``word`` and
        ``gloss_en``.
    report : callable
        Receives one sentence that counts what was read, dropped and kept.

    Returns
    -------
    list of Sentence

    Raises
    ------
    TypeError
        If ``path`` is neither a string nor a path, or ``report`` no function.
    FileNotFoundError
        If there is no such file, or the package is not installed.
    ValueError
        If the file is not JSON in UTF-8 or not of that form (the entry is
        named).
    """
    checks.function("report", report)
    path = existing(
        packaged_file(PACKAGE, "data/sentences.json") if path is None else path
    )
    entries = read_json(path)
    if not isinstance(entries, list):
        raise ValueError(
            f"path must hold a list, {path.name} holds a"
            f" {type(entries).__name__}"
        )
    sentences = [
        _sentence(entry, index, path.name)
        for index, entry in enumerate(entries)
    ]
    usable = [
        sentence for sentence in sentences if _is_translated(sentence.english)
    ]
    kept = {key(sentence.chinese): sentence for sentence in reversed(usable)}
    report(
        f"{len(sentences):,} sentences read; dropped:"
        f" {len(sentences) - len(usable)} without a translation,"
        f" {len(usable) - len(kept)} repeats; {len(kept):,} kept."
    )
    return list(reversed(kept.values()))


def _sentence(entry, index, name):
    try:
        tokens = entry["tokens"]
        sentence = Sentence(
            entry["chinese"],
            entry["translation"]["en"],
            [token["word"] for token in tokens],
            [token["gloss_en"] for token in tokens],
        )
    except (KeyError, TypeError) as error:
        raise ValueError(
            f"{name}, entry {index}: must have chinese, translation.en and"
            f" tokens, each with word and gloss_en; it fails with {error!r}"
        ) from error
    texts = [
        sentence.chinese,
        sentence.english,
        *sentence.words,
        *sentence.glosses,
    ]
    if not all(isinstance(text, str) for text in texts):
        raise ValueError(f"{name}, entry {index}: every field must be a string")
    return sentence


def _is_translated(english):
    return not _UNTRANSLATED.search(english)


def split(sentences, validation=200, test=400, seed=7):
    """Split sentences at random; none of a held-out part has an English text
    that training has.

    Parameters
    ----------
    sentences : list of Sentence
    validation, test : int
        How many are drawn; those whose translation stands in training are then
        left out.
    seed : int

    Returns
    -------
    training, validation, test : lists of Sentence

    Raises
    ------
    ValueError
        If nothing is left to train on, or ``seed`` is out of its range.
    TypeError
        If ``sentences`` are none, or a number is not an integer.
    """
    sentences = checks.items("sentences", sentences, "sentences")
    for sentence in sentences:
        checks.offers("sentences", sentence, "english")
    checks.integer("validation", validation)
    checks.integer("test", test)
    checks.seed(seed)
    if min(validation, test) < 0 or validation + test >= len(sentences):
        raise ValueError(
            f"validation and test must leave some of {len(sentences)} sentences"
            f" to train on, got {validation} and {test}"
        )
    order = random.Random(seed).sample(sentences, len(sentences))
    training = order[validation + test :]
    known = {sentence.english for sentence in training}
    held_out = [
        [sentence for sentence in part if sentence.english not in known]
        for part in (order[test : test + validation], order[:test])
    ]
    return training, *held_out


def english_tokens(text):
    """Cut an English text into lower-case words, single digits and
    punctuation.

    Raises
    ------
    TypeError
        If ``text`` is not a string.
    """
    checks.text("text", text)
    return _ENGLISH.findall(text.lower().replace("’", "'"))


def senses(gloss):
    """Return the short senses of a dictionary's gloss, without remarks,
    articles and "to".

    Raises
    ------
    TypeError
        If ``gloss`` is not a string.
    """
    checks.text("gloss", gloss)
    plain = _REMARK.sub("", gloss)
    parts = (
        re.sub(r"^(to|a|an|the) ", "", part.strip())
        for part in re.split(r"[;/,]", plain)
    )
    return [part for part in parts if part]


def glossed_tokens(sentence, most_senses=2, most_words=2):
    """Return each Chinese word, followed by the first words of its first
    senses.

    Returns
    -------
    tokens : list of str
    owner : list of int
        The word that each token belongs to.

    Raises
    ------
    TypeError
        If ``sentence`` has no words and glosses, or a number is not an integer.
    ValueError
        If a number is negative.
    """
    checks.words_of("sentence", sentence, "words", "glosses")
    checks.count("most_senses", most_senses, least=0)
    checks.count("most_words", most_words, least=0)
    tokens, owner = [], []
    for index, (word, gloss) in enumerate(
        zip(sentence.words, sentence.glosses, strict=True)
    ):
        found = [word]
        for sense in senses(gloss)[:most_senses]:
            found += english_tokens(sense)[:most_words]
        tokens += found
        owner += [index] * len(found)
    return tokens, owner
