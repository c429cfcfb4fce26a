"""The book as data: its labelled sections, cut into passages, and questions
written for it.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from llmbook import checks
from llmbook.corpora.files import table
from llmbook.files import read_json, read_text

QUESTION_COLUMNS = ["part", "label", "question"]
PARTS = ("validation", "test")
LABELLED_HEADING = re.compile(
    r"^(?:\(([^()\n]+)\)=[ \t]*\n+)?(#{1,6})[ \t]+(.*)$", re.MULTILINE
)
# of code or a directive, also within a quotation or a list
FENCE = re.compile(
    r"^(?:[ \t>]|[-*+] |\d+[.)] )*(`{3,}|~{3,}|:{3,})[ \t]*([^`]*?)[ \t]*$"
)
# directives that hold no prose
NO_PROSE = re.compile(
    r"\{(?:code|code-block|code-cell|sourcecode|literalinclude|parsed-literal"
    r"|math|mermaid|raw|tikz|eval-rst)\}"
)
NOTES = re.compile(r"<!--.*?-->|^%[^\n]*", re.DOTALL | re.MULTILINE)
# what is written for the page and not for the eye, and what is left of it
Replacement = str | Callable[[re.Match[str]], str]
MARKUP: list[tuple[re.Pattern[str], Replacement]] = [
    (re.compile(r"\$\$.*?\$\$(?: *\([\w-]+\))?", re.DOTALL), " "),
    (
        re.compile(
            r"^```.*$|^\([^()\n]+\)=[ \t]*$|^[|:+-]{3,}.*$|^:[\w-]+:.*$",
            re.MULTILINE,
        ),
        "",
    ),
    (
        re.compile(r"(^|[.!?]\s+)?\{numref\}`(fig|tab)-[^`]*`", re.MULTILINE),
        lambda found: _named(*found.groups()),
    ),
    (
        re.compile(
            r"\{(?:eq|cite|ref|doc|math)\}`(?:([^`<]*?) *<[^`>]*>|[^`]*)`"
        ),
        r"\1",
    ),
    (re.compile(r"\[([^\[\]]*)\]\([^)\[]*\)"), r"\1"),
    (re.compile(r"\\[a-zA-Z]+|[\\${}]"), " "),
    (re.compile(r"\*\*|`|(?<![\w*])\*(?=\w)|(?<=[\w.!?])\*(?![\w*])"), ""),
    (re.compile(r"\s+"), " "),
]


def _named(opening, kind):
    """Return how a reference to a numbered figure or table reads."""
    the = "the" if opening is None else f"{opening}The"
    return f"{the} {'figure' if kind == 'fig' else 'table'}"


class Section(NamedTuple):
    """A labelled section of the book."""

    label: str
    title: str
    chapter: str  # the file's name without its ending
    passages: list[str]  # its paragraphs


class Question(NamedTuple):
    """A question about the book, and the label of the section that
    answers it.
    """

    part: str  # "validation" or "test"
    label: str
    question: str


def load_sections(folder, leave_out=(), shortest=12):
    """Return the labelled sections of the chapters in a folder, in their order.

    A heading without a label belongs to the section it stands in, if it is of a
    lower level; else it ends it, and what follows (exercises, sources) is left
    out, since nothing could refer to it. A chapter's opening is left out too:
    it says what will be answered, and answers nothing.

    Parameters
    ----------
    folder : str or Path
        Holds notebooks (``.ipynb``) and pages (``.md``).
    leave_out : sequence of str
        Files, by their names without ending, that are not read.
    shortest : int
        Paragraphs of fewer words are joined to the one before.

    Returns
    -------
    list of Section

    Raises
    ------
    TypeError
        If ``folder`` is neither a string nor a path, ``leave_out`` does not
        hold strings, or ``shortest`` is not an integer.
    FileNotFoundError
        If there is no such folder.
    ValueError
        If a notebook cannot be read, if two sections have one label, or if
        there is no section.
    """
    checks.path("folder", folder)
    leave_out = checks.texts("leave_out", leave_out)
    checks.count("shortest", shortest, least=0)
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(
            f"folder must be an existing folder, got {str(folder)!r}"
        )
    sections = []
    for path in sorted([*folder.glob("*.ipynb"), *folder.glob("*.md")]):
        if path.stem not in leave_out:
            sections += _sections_of(path.stem, _prose(path), shortest)
    labels = [section.label for section in sections]
    repeated = {label for label in labels if labels.count(label) > 1}
    if repeated:
        raise ValueError(
            f"labels must differ, these stand twice: {sorted(repeated)}"
        )
    if not sections:
        raise ValueError(
            f"folder must hold a labelled section, {str(folder)!r} holds none"
        )
    return sections


def _prose(path):
    """Return the Markdown of a file, of a notebook that of its cells."""
    if path.suffix == ".md":
        return _without_code(read_text(path))
    try:
        cells = read_json(path)["cells"]
        markdown = [
            _without_code("".join(cell["source"]))
            for cell in cells
            if cell["cell_type"] == "markdown"
        ]
    except (KeyError, TypeError) as error:
        raise ValueError(
            f"{path.name} must be a notebook, it is not: {error!r}"
        ) from error
    return "\n\n".join(markdown)


def _without_code(markdown):
    """Return Markdown without its blocks of code and its comments, in which
    ``#`` begins no heading; what other directives fence in is prose.
    """
    kept: list[str] = []
    fences: list[tuple[str, bool]] = []  # open ones, and whether they hold code
    for line in re.split(r"\r\n?|\n", markdown):
        found = FENCE.match(line)
        fence, about = found.groups() if found else ("", "")
        is_code = bool(fences) and fences[-1][1]
        if fences and fence.startswith(fences[-1][0]) and not about:
            fences.pop()
            kept.append("")
        elif is_code:
            continue
        elif fence:
            is_prose = about.startswith("{") and not NO_PROSE.match(about)
            fences.append((fence, not is_prose))
            kept.append("```")
        else:
            kept.append(line)
    return NOTES.sub("", "\n".join(kept))


def _sections_of(chapter, prose, shortest):
    headings = list(LABELLED_HEADING.finditer(prose))
    ends = [heading.start() for heading in headings] + [len(prose)]
    sections, level = [], 0
    for heading, end in zip(headings, ends[1:], strict=True):
        label, marks, title = heading.groups()
        if len(marks) == 1:
            level = 0
        elif label:
            sections.append(Section(label, plain(title), chapter, []))
            level = len(marks)
        elif len(marks) <= level:
            level = 0  # whatever stands here cannot be referred to
        if level:
            own = prose[heading.end() : end]
            text = own if label else f"{title}\n\n{own}"
            sections[-1].passages.extend(_passages(text, shortest))
    return [section for section in sections if section.passages]


def _passages(text, shortest):
    passages: list[str] = []
    for paragraph in re.split(r"\n\s*\n", text):
        words = plain(paragraph)
        if passages and words and len(passages[-1].split()) < shortest:
            passages[-1] += f" {words}"
        elif words:
            passages.append(words)
    return passages


def plain(markdown):
    """Return a text without marks, formulas and references, on one line.

    Raises
    ------
    TypeError
        If ``markdown`` is not a string.
    """
    checks.text("markdown", markdown)
    for pattern, replacement in MARKUP:
        markdown = pattern.sub(replacement, markdown)
    return markdown.strip()


def load_questions(path):
    """Return the questions of a file of tab-separated values with a header.

    Parameters
    ----------
    path : str or Path
        UTF-8, with the columns ``part`` (validation or test), ``label`` and
        ``question``.

    Returns
    -------
    list of Question

    Raises
    ------
    TypeError
        If ``path`` is neither a string nor a path.
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not UTF-8, has other columns, or a row (whose line is named)
        lacks a field or belongs to another part; if a question stands twice; if
        there is none.
    """
    questions: dict[str, Question] = {}
    for place, row in table(path, QUESTION_COLUMNS):
        if not all(row) or row[0] not in PARTS:
            raise ValueError(
                f"{place}: a row must have a part of {PARTS}, a label and a"
                f" question, got {row}"
            )
        question = Question(*row)
        if question.question in questions:
            raise ValueError(
                f"{place}: questions must differ, {row[2]!r} stands twice"
            )
        questions[question.question] = question
    if not questions:
        raise ValueError(
            f"path must hold questions, {Path(path).name} has none"
        )
    return list(questions.values())
