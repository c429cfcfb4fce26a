"""Write files whole: a kill in the middle, or a full disk, leaves what was
there before. And read text: in UTF-8, or with a word on what is wrong, and
where.
"""

import codecs
import json
import os
import re
from contextlib import contextmanager
from pathlib import Path

# What other encodings begin with; that of UTF-32 begins as that of UTF-16.
MARKS = {
    "UTF-32": (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE),
    "UTF-16": (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE),
}


@contextmanager
def whole(path, mode="w"):
    """Open a file for writing that takes its place once it is written.

    Until then it stands beside it, as ``path.unfinished``, where a process that
    is killed leaves it; the next one overwrites it.

    Parameters
    ----------
    path : path
    mode : str
        ``"w"`` for text in UTF-8, ``"wb"`` for bytes.

    Yields
    ------
    file

    Raises
    ------
    OSError
        If the folder cannot be written or the disk is full; it names the file.
    """
    text = {} if "b" in mode else {"encoding": "utf-8", "newline": "\n"}
    with in_place_of(path) as unfinished, unfinished.open(mode, **text) as file:
        yield file


@contextmanager
def in_place_of(path, suffix=""):
    """Name a file to be written that takes another's place afterwards, as
    :func:`whole` does, for a library that wants a path.

    Parameters
    ----------
    path : path
    suffix : str
        How the name must end.

    Yields
    ------
    Path

    Raises
    ------
    OSError
        As :func:`whole`.
    """
    unfinished = Path(f"{path}.unfinished{suffix}")
    try:
        yield unfinished
        os.replace(unfinished, path)
    except BaseException as error:
        unfinished.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename is None:
            if error.errno is None:  # of a library: it has a message alone
                raise OSError(f"{path} cannot be written: {error}") from error
            error.filename = str(path)
        raise


def existing(path, name="path"):
    """Return the path of a file that exists.

    Parameters
    ----------
    path : str or Path
    name : str
        What the caller calls it.

    Raises
    ------
    TypeError
        If it is neither a string nor a path.
    FileNotFoundError
        If there is no such file.
    """
    if not isinstance(path, str | os.PathLike):
        raise TypeError(
            f"{name} must be a string or a Path, got {type(path).__name__}"
        )
    try:
        is_file = Path(path).is_file()
    except ValueError:  # a zero byte stands in it
        is_file = False
    if not is_file:
        raise FileNotFoundError(
            f"{name} must name an existing file, got {str(path)!r}"
        )
    return Path(path)


def read_text(path):
    """Return the text of a file in UTF-8, without the mark that Windows puts
    before it.

    Raises
    ------
    TypeError
        If ``path`` is neither a string nor a path.
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not in UTF-8: the first byte that is not, its line and, where
        it can be told, the encoding are named.
    """
    path = existing(path)
    return decoded(path.read_bytes(), path.name)


def decoded(data, name):
    """Return the text that bytes are in UTF-8.

    Parameters
    ----------
    data : bytes
    name : str
        That of the file, for the error.

    Raises
    ------
    ValueError
        As :func:`read_text`.
    """
    mark = codecs.BOM_UTF8 if data.startswith(codecs.BOM_UTF8) else b""
    body = data[len(mark) :]
    try:
        text = body.decode("utf-8")
        start = text.find("\0")  # UTF-16 without its mark, or no text at all
        problem = "a zero"
    except UnicodeDecodeError as error:
        text, start, problem = "", error.start, error.reason
    if start >= 0:
        start = len(text[:start].encode()) if text else start
        line = 1 + len(re.findall(rb"\r\n?|\n", body[:start]))
        raise ValueError(
            f"path must be UTF-8, {name} is not: {problem} in line {line}, byte"
            f" {len(mark) + start}{_other_encoding(data)}"
        )
    return text


def _other_encoding(data):
    """Name the encoding that bytes seem to have, as the end of a sentence."""
    for encoding, marks in MARKS.items():
        if data.startswith(marks):
            return f"; it begins as {encoding} does: save it as UTF-8"
    try:
        text = data.decode("gb18030")
    except UnicodeDecodeError:
        return ""
    beyond = re.findall(r"[^\x00-\x7f]", text)
    chinese = re.findall(r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]", text)
    is_chinese = beyond and len(chinese) > 0.9 * len(beyond)
    return "; it seems to be GBK: save it as UTF-8" if is_chinese else ""


def read_json(path):
    """Return the value that a file of JSON holds.

    Raises
    ------
    TypeError
        If ``path`` is neither a string nor a path.
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not in UTF-8, or not JSON (line and byte are named), or if an
        object has a key twice.
    """
    path = existing(path)
    data = path.read_bytes()
    text = decoded(data, path.name)
    try:
        return json.loads(text, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        mark = len(data) - len(text.encode())
        byte = mark + len(text[: error.pos].encode())
        raise ValueError(
            f"path must hold JSON, {path.name} does not: line {error.lineno},"
            f" byte {byte}: {error.msg}"
        ) from error
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f"path must hold JSON, {path.name} does not: {error}"
        ) from error


def _object(pairs):
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {twice!r} stands twice in an object")
    return found
