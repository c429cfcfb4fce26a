"""Summaries that programmers wrote: the first line of a docstring, and the
prose that follows it.

The packages are those that the book installs anyway, in pinned versions. Each
is built for several Pythons and systems; what is read of it is in all builds,
so the pairs are the same on every machine. Files are read and parsed, never
imported.
"""

import ast
import gc
import hashlib
import inspect
import re
from collections import Counter
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from llmbook import checks
from llmbook.files import existing
from llmbook.text.writing import (
    MARKS,
    NAME,
    UNSPACED,
    WORD,
    between_spaces,
    pattern,
)

# By the names they are imported by. Their licences are BSD, MIT, Apache-2.0,
# PSF and MPL-2.0.
PACKAGES = (
    *(
        "babel",
        "docutils",
        "fontTools",
        "huggingface_hub",
        "hypothesis",
        "IPython",
        "keras",
    ),
    *(
        "matplotlib",
        "numpy",
        "scipy",
        "sklearn",
        "sphinx",
        "sqlalchemy",
        "tensorflow",
        "tornado",
    ),
)
# Folders and files, by their names, that are not read: tests, what a package
# has taken over from another, and what is not in all of its builds.
LEFT_OUT = {
    "tests",
    "test",
    "testing",
    "_vendor",
    "vendored",
    "externals",
    "__pycache__",
    "locale",
    "distutils",  # of NumPy, for Python 3.11 alone
    "windows_lib_diagnostics.py",  # of TensorFlow, on Windows alone
}

SUMMARY_WORDS = (3, 18)
BODY_WORDS = 10
# Where prose ends: an underlined heading, one with a colon, a directive, a
# field, or code.
END_OF_PROSE = re.compile(
    r"^[^\n]+\n *(?:-{3,}|={3,}|~{3,})\s*$|^\.\. |^>>>|^```"
    r"|^ *:(?:param|returns?|rtype|type|raises?)\b"
    r"|^(?:args|arguments|parameters?|params|returns?|raises|yields|inputs?|outputs?|attributes|"
    r"examples?|usage|notes?|references?|see also|call arguments|(?:in|out)put"
    r" shape|methods) *:+",
    re.MULTILINE | re.IGNORECASE,
)
# A word of prose, between the marks that may stand around it; a single letter
# that is not English is of a formula.
PLAIN_WORD = pattern(
    rf"[(\"'`]*(?:[A-Za-z'-]+|(?:[\p{{L}}'’-]{MARKS}){{2,}}|{UNSPACED})"
    r"[`)\"'.,;:?!]*"
)
WORDS, NAMES = pattern(WORD), pattern(NAME)


class Pair(NamedTuple):
    """A docstring in two: its first line, and the prose that follows."""

    package: str
    module: str  # the file's path in the package, "optimizers/adam.py"
    name: str  # of what is described, "Adam.update_step"
    summary: str
    body: str


@contextmanager
def _uncollected():
    """Stop the garbage collector: in syntax trees it finds nothing, and takes
    half of the time.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@_uncollected()
def load_docstrings(packages=PACKAGES, report=print):
    """Return the docstrings of functions and classes that have a summary and
    some prose.

    A summary has 3 to 18 words; a body 10 or more, up to the first heading,
    list or code. Of pairs with the same summary, or whose bodies begin alike,
    the first is kept.

    Parameters
    ----------
    packages : sequence of str
        Importable names.
    report : callable
        Receives one sentence that counts what was found, dropped and kept.

    Returns
    -------
    list of Pair

    Raises
    ------
    FileNotFoundError
        If a package is not installed.
    TypeError
        If ``packages`` are not strings, or ``report`` is no function.
    ValueError
        If one is no name.
    """
    packages = checks.texts("packages", packages)
    checks.function("report", report)
    pairs: list[Pair] = []
    counts: Counter[str] = Counter()
    for package in packages:
        root = _root(package)
        modules = [path.relative_to(root) for path in root.rglob("*.py")]
        # Windows would sort paths without regard to case
        for module in sorted(modules, key=lambda module: module.parts):
            if not LEFT_OUT & set(module.parts):
                name = module.as_posix()
                pairs += pairs_of(root / module, package, name, counts)
    kept = _distinct(pairs)
    report(
        f"{counts['docstrings']:,} docstrings; {len(pairs):,} with a summary"
        f" and prose; {len(pairs) - len(kept):,} repeats dropped; {len(kept):,}"
        " kept."
    )
    return kept


def _root(package):
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError(
            f"packages must be installed, {package} is not: run `make book`, or"
            f" `pip install {package}` in the version of requirements.txt"
        )
    return Path(spec.submodule_search_locations[0])


def pairs_of(path, package="", module="", counts=None):
    """Return the pairs of one file of Python, none if it is no Python; count
    its docstrings.

    Raises
    ------
    TypeError
        If ``path`` is neither a string nor a path, a name not a string, or
        ``counts`` no Counter.
    FileNotFoundError
        If there is no such file.
    """
    path = existing(path)
    checks.text("package", package)
    checks.text("module", module)
    if counts is not None:
        checks.kind("counts", counts, Counter)
    counts = Counter() if counts is None else counts
    try:
        tree = ast.parse(path.read_bytes())  # in the encoding that it says
    except (SyntaxError, UnicodeDecodeError, ValueError):
        return []
    pairs = []
    for name, docstring in _documented(tree):
        counts["docstrings"] += 1
        summary, body = summary_and_body(docstring)
        if summary:
            pairs.append(Pair(package, module, name, summary, body))
    return pairs


def _documented(tree, prefix=""):
    """Yield the dotted name and the docstring of every function and class in a
    tree.
    """
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            docstring = ast.get_docstring(node)
            if docstring:
                yield prefix + node.name, docstring
            if isinstance(node, ast.ClassDef):
                yield from _documented(node, f"{prefix}{node.name}.")


def summary_and_body(docstring):
    """Return the first paragraph and the prose after it, two empty strings if
    one is no good.

    Parameters
    ----------
    docstring : str

    Returns
    -------
    summary, body : str
        On one line each, without back quotes and asterisks.

    Raises
    ------
    TypeError
        If ``docstring`` is not a string.
    """
    checks.text("docstring", docstring)
    first, _, rest = inspect.cleandoc(docstring).partition("\n\n")
    end = END_OF_PROSE.search(rest)
    paragraphs = re.split(r"\n\s*\n", rest[: end.start()] if end else rest)
    prose = [paragraph for paragraph in paragraphs if _is_prose(paragraph)]
    summary, body = _plain(first), _plain(" ".join(prose))
    fewest, most = SUMMARY_WORDS
    num_words = len(between_spaces(summary))
    is_summary = fewest <= num_words <= most and summary[0].isalpha()
    if (
        not is_summary
        or END_OF_PROSE.search(first)
        or len(between_spaces(body)) < BODY_WORDS
    ):
        return "", ""
    return summary, body


def _is_prose(paragraph):
    """Tell prose from lists, tables, formulas and indented code."""
    lines = [line for line in paragraph.splitlines() if line.strip()]
    if not lines or any(
        re.match(r"\s|[-*+|:>#.]|\d+[.)] ", line) for line in lines
    ):
        return False
    words = between_spaces(paragraph)
    plain = [word for word in words if PLAIN_WORD.fullmatch(word)]
    return len(plain) >= 0.6 * len(words)


def _plain(text):
    # :func:`name <target>`
    text = re.sub(r":[a-z:]+:`~?([^`<]*?)(?: *<[^`>]*>)?`", r"\1", text)
    return " ".join(re.sub(r"[`*]+", "", text).split())


def _distinct(pairs):
    seen: set[str] = set()
    kept = []
    for pair in pairs:
        keys = {_letters(pair.summary), _letters(pair.body)[:120]}
        if not keys & seen:
            kept.append(pair)
        seen |= keys
    return kept


def _letters(text):
    return "".join(WORDS.findall(text.lower()))


def split_by_module(pairs, shares=(0.08, 0.08), shingle=5):
    """Split pairs by module, and drop from validation and test what is much
    like training.

    A module falls into a part by a hash of its name. A body of validation or
    test is dropped if half of its runs of five words stand in training bodies.

    Parameters
    ----------
    pairs : list of Pair
    shares : pair of float
        Of the modules, for validation and for test.
    shingle : int
        Words in a run.

    Returns
    -------
    dict of str to list of Pair
        By ``"training"``, ``"validation"``, ``"test"``.

    Raises
    ------
    ValueError
        If the shares are not two, not positive or leave nothing to train on, or
        ``shingle`` is below 1.
    TypeError
        If ``pairs`` are none, or a number is none.
    """
    pairs = checks.listed("pairs", pairs, "package", "module", "body", least=0)
    shares = [
        checks.finite("shares", share) for share in checks.two("shares", shares)
    ]
    checks.count("shingle", shingle)
    if min(shares) <= 0 or sum(shares) >= 1:
        raise ValueError(
            f"shares must be positive with a sum below 1, got {tuple(shares)}"
        )
    parts: dict[str, list[Pair]] = {
        "training": [],
        "validation": [],
        "test": [],
    }
    for pair in pairs:
        place = (
            int(
                hashlib.sha256(
                    f"{pair.package}/{pair.module}".encode()
                ).hexdigest(),
                16,
            )
            % 1000
        )
        is_test = place < 1000 * shares[1]
        is_validation = not is_test and place < 1000 * sum(shares)
        parts[
            "test" if is_test else "validation" if is_validation else "training"
        ].append(pair)
    known = {
        run for pair in parts["training"] for run in _runs(pair.body, shingle)
    }
    for name in ("validation", "test"):
        parts[name] = [
            pair
            for pair in parts[name]
            if _share(pair.body, known, shingle) < 0.5
        ]
    return parts


def _runs(text, length):
    words = NAMES.findall(text.lower())
    return {
        tuple(words[i : i + length]) for i in range(len(words) - length + 1)
    }


def _share(text, known, length):
    runs = _runs(text, length)
    return len(runs & known) / max(1, len(runs))
