"""Read tables: values separated by commas or tabs, in lines of text.

All corpora are read by these functions, so that they agree. In a ``.csv`` a
field that begins with a quote ends with the next single one, and may hold
commas, doubled quotes and line ends (RFC 4180). Where tabs separate, nothing is
quoted: a quote is a quote, and a field holds neither tabs nor line ends. Lines
end with a line feed, a carriage return or both, and with nothing else; empty
lines are passed over. A field may be of any length.
"""

import csv
import io
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from llmbook import checks
from llmbook.files import decoded, existing

DELIMITERS = {".csv": ",", ".tsv": "\t"}
LONGEST_FIELD = 2**31 - 1  # the most that the csv module can be told


class Place(NamedTuple):
    """Where a row stands; as a string, the beginning of a message."""

    name: str  # that of the file
    text: str
    line: int  # from 1
    start: int  # of the row, in characters of the text
    mark: int  # bytes before the text

    def __str__(self):
        """Name the file, the byte and the line."""
        byte = self.mark + len(self.text[: self.start].encode())
        return f"{self.name}, byte {byte}, line {self.line}"


def rows(data, name, delimiter):
    """Yield the place and the fields of each row, the header's too.

    Parameters
    ----------
    data : bytes
        Text in UTF-8.
    name : str
        That of the file, for places.
    delimiter : {",", tab}

    Raises
    ------
    TypeError
        If ``data`` are no bytes, or ``name`` is not a string.
    ValueError
        If the text is not UTF-8, or a quote is not closed, or closed within a
        field; line and byte are named. If ``delimiter`` is another.
    """
    checks.kind("data", data, bytes)
    checks.text("name", name)
    checks.one_of("delimiter", delimiter, DELIMITERS.values())
    text = decoded(data, name)
    mark = len(data) - len(text.encode())
    lines = io.StringIO(text, newline="")  # ends of lines as they are
    starts = [0]
    for written in lines:
        starts.append(starts[-1] + len(written))
    lines.seek(0)
    reader = csv.reader(
        lines,
        delimiter=delimiter,
        quoting=csv.QUOTE_MINIMAL if delimiter == "," else csv.QUOTE_NONE,
        strict=True,
    )
    while True:
        line = reader.line_num + 1
        if line > len(starts) - 1:
            return
        place = Place(name, text, line, starts[line - 1], mark)
        try:
            with _any_length():
                fields = next(reader)
        except csv.Error as error:
            raise ValueError(
                f"{place}: the quotes of a row must match: {error}"
            ) from error
        if fields:
            yield place, fields


@contextmanager
def _any_length():
    """Let the csv module read a field of any length, and it alone: the limit is
    one for the whole process.
    """
    before = csv.field_size_limit(LONGEST_FIELD)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def delimiter_of(path):
    """Return what separates the fields of a file, by the end of its name.

    Raises
    ------
    TypeError
        If ``path`` is neither a string nor a path.
    ValueError
        If it ends in neither .csv nor .tsv.
    """
    checks.path("path", path)
    kind = Path(path).suffix.lower()
    if kind not in DELIMITERS:
        raise ValueError(
            f"path must end in .csv or .tsv, got {Path(path).name!r}"
        )
    return DELIMITERS[kind]


def header(path):
    """Return the names of the columns of a file, its first row.

    Raises
    ------
    TypeError
        If ``path`` is neither a string nor a path.
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is neither .csv nor .tsv, not UTF-8, or holds no row, or if the
        quotes of the first row do not match.
    """
    path = existing(path)
    found = rows(path.read_bytes(), path.name, delimiter_of(path))
    for _, fields in found:
        return fields
    raise ValueError(f"path must hold a header, {path.name} is empty")


def table(path, columns, delimiter="\t", others=False):
    """Return the place and the fields of each row of a file with a header.

    Parameters
    ----------
    path : str or Path
    columns : sequence of str
        Those that are asked for; the fields are in this order.
    delimiter : {",", tab}
    others : bool
        Whether the file may have other columns, and these in any order.

    Returns
    -------
    list of (Place, list of str)

    Raises
    ------
    TypeError
        If ``path`` is neither a string nor a path, or ``columns`` are not
        strings.
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is not UTF-8, lacks a column, has one twice or others that
        it may not have, if quotes do not match, or if a row has another number
        of fields than the header; line and byte are named.
    """
    path, columns = existing(path), checks.texts("columns", columns)
    found = rows(path.read_bytes(), path.name, delimiter)
    place, names = next(found, (path.name, []))
    missing = [column for column in columns if column not in names]
    if missing or not (others or names == columns):
        raise ValueError(
            f"path must hold the columns {columns}, {path.name} lacks"
            f" {missing} and has the header {_brief(names)}"
        )
    if len(set(names)) < len(names):
        raise ValueError(
            f"{place}: a header must name each column once, got {_brief(names)}"
        )
    order = [names.index(column) for column in columns]
    chosen = []
    for place, fields in found:
        if len(fields) != len(names):
            raise ValueError(
                f"{place}: a row must have {len(names)} fields, as the header,"
                f" got {len(fields)}{_hint(delimiter, fields)}"
            )
        chosen.append((place, [fields[index] for index in order]))
    return chosen


def _brief(fields, most=120):
    """Return a list as a message shows it, cut where it is too long for one."""
    shown = str([field[:most] for field in fields[:most]])
    return shown if len(shown) <= most else f"{shown[:most]}…"


def _hint(delimiter, fields):
    if delimiter == ",":
        return ": a text that holds a comma must stand in quotes"
    if any(field.startswith('"') for field in fields):
        return ": where tabs separate, quotes join nothing"
    return ""
