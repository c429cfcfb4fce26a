"""Results as tables and examples of text as cards: HTML and a numbered table
on the page, aligned text in a terminal.
"""

import difflib
import html
import re
from numbers import Integral

from tabulate import tabulate

from llmbook import checks
from llmbook.showing.labels import as_text

MARKUP = re.compile(r"([!-/:-@\[-`{-~])")  # what Markdown may take for a sign


class Table:
    """A table of results; made by :func:`table`."""

    def __init__(self, header, cells, best, caption, name):
        self.header = header
        self.cells = cells
        self.best = best
        self.caption = caption
        self.name = name

    def __repr__(self):
        rows = [
            [
                cell + ("*" if (row, column) in self.best else "")
                for column, cell in enumerate(cells)
            ]
            for row, cells in enumerate(self.cells)
        ]
        return _tabulated(self.header, rows, "simple")

    def _repr_html_(self):
        text = _tabulated(self.header, self.cells, "html")
        caption = f"<caption>{html.escape(self.caption)}</caption>"
        return text.replace("<table>", f"<table>\n{caption}", 1)

    def _repr_markdown_(self):
        """The page's form, a directive of MyST, which numbers the table."""
        lines = [
            f"```{{list-table}} {self.caption}",
            f":name: {self.name}",
            ":class: results",
            ":header-rows: 1",
            ":stub-columns: 1",
            "",
        ]
        for row, cells in enumerate([self.header, *self.cells], start=-1):
            for column, cell in enumerate(cells):
                text = MARKUP.sub(r"\\\1", cell)
                if (row, column) in self.best:
                    text = f"**{text}**"
                lines.append(f"{'  ' if column else '* '}- {text}".rstrip())
        return "\n".join([*lines, "```"])


def _tabulated(header, rows, form):
    align = ["left", *["right"] * (len(header) - 1)]
    return tabulate(rows, header, form, disable_numparse=True, colalign=align)


def table(rows, *, caption, name, formats=None, best=None):
    """Return results as a table: the output of a cell.

    On the page it has a caption, a number, a header row and a header column; in
    a terminal it is aligned text, where a star follows what is best.

    Parameters
    ----------
    rows : list of dict
        One dictionary per row, all with the same keys: the headers of the
        columns. The first column names the row. A value is a text, a number,
        None (nothing to say: a dash) or ``(mean, spread)``, shown as
        0.97 ± 0.01.
    caption : str
        What the table shows, with data, seeds and the meaning of ±. Markdown.
    name : str
        The label that the text refers to, ``tab-…``.
    formats : dict, optional
        A format of Python for the numbers of a column, such as
        ``{"accuracy": ".1%"}``; ``.3f`` where there is none, ``,d`` for whole
        numbers.
    best : dict, optional
        The columns whose best value is to be marked, with its ties: ``max`` or
        ``min`` for each.

    Returns
    -------
    Table

    Raises
    ------
    ValueError
        If there is no row, if the rows have different keys, if the label does
        not begin with ``tab-``, or if ``formats`` or ``best`` name an unknown
        column.
    TypeError
        If an argument is of another kind.
    """
    formats, best = formats or {}, best or {}
    checks.table(rows, caption, name, formats, best)
    header = list(rows[0])
    cells = [
        [_shown(row[key], formats.get(key)) for key in header] for row in rows
    ]
    marked = {
        (row, header.index(key))
        for key, choose in best.items()
        for row in _best(rows, cells, key, header.index(key), choose)
    }
    return Table(header, cells, marked, caption, name)


def _shown(value, form):
    if value is None:
        return "–"
    if isinstance(value, str):
        return as_text(value)
    if isinstance(value, tuple):
        return " ± ".join(_shown(part, form) for part in value)
    if form is None:
        form = ",d" if isinstance(value, Integral) else ".3f"
    return format(value, form)


def _best(rows, cells, key, column, choose):
    """Return the rows that show the best number of a column."""
    numbers = {
        row: each[key][0] if isinstance(each[key], tuple) else each[key]
        for row, each in enumerate(rows)
        if each[key] is not None
    }
    winner = choose(numbers, key=numbers.get)
    shown = cells[winner][column].split(" ± ")[0]
    return [
        row for row in numbers if cells[row][column].split(" ± ")[0] == shown
    ]


class Cards:
    """Examples of text; made by :func:`cards`."""

    def __init__(self, examples, compare):
        self.examples = examples
        self.compare = compare

    def __repr__(self):
        return "\n\n".join(
            "\n".join(
                f"{name}: {as_text(text)}" for name, text in example.items()
            )
            for example in self.examples
        )

    def _repr_html_(self):
        return "\n".join(
            [
                '<div class="examples">',
                *map(self._card, self.examples),
                "</div>",
            ]
        )

    def _card(self, example):
        shown = {name: _escaped(text) for name, text in example.items()}
        if self.compare:
            old, new = self.compare
            shown[old], shown[new] = _differences(example[old], example[new])
        rows = [
            f"<dt>{html.escape(name)}</dt><dd>{text}</dd>"
            for name, text in shown.items()
        ]
        return f'<dl class="example">{"".join(rows)}</dl>'


def cards(examples, compare=None):
    """Return examples of text as cards: the output of a cell.

    Parameters
    ----------
    examples : list of dict
        One dictionary per card: the name of each text, and the text.
    compare : (str, str), optional
        Two of the names. What the second text has not of the first is marked as
        gone, what the first has not of the second as new.

    Returns
    -------
    Cards

    Raises
    ------
    ValueError
        If there is no example, or one lacks a text that is to be compared.
    TypeError
        If ``examples`` are no dictionaries of strings.
    """
    checks.cards(examples, compare)
    return Cards(examples, compare)


def _escaped(text):
    # A dollar by its number, so that no page takes it for a formula.
    return html.escape(as_text(text)).replace("$", "&#36;")


def _differences(old, new):
    """Return two texts as HTML, word by word (Chinese by the character)."""
    before, after = (
        re.findall(r"\s+|[⺀-鿿]|[^\W⺀-鿿]+|.", text, re.DOTALL)
        for text in (old, new)
    )
    left, right = [], []
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    for kind, a, b, c, d in matcher.get_opcodes():
        gone, come = "".join(before[a:b]), "".join(after[c:d])
        if kind == "equal":
            left.append(_escaped(gone))
            right.append(_escaped(come))
            continue
        if gone:
            left.append(f"<del>{_escaped(gone)}</del>")
        if come:
            right.append(f"<ins>{_escaped(come)}</ins>")
    return "".join(left), "".join(right)
