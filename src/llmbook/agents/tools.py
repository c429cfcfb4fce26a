"""Tools, and the box that carries out calls: a whitelist, and limits of size.

A **tool** is a function from a text to a text. What it gets was written by a
model and what it returns may have been written by anybody: both are data. A
:class:`Toolbox` has the tools of one question, and runs no other.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

from llmbook import checks
from llmbook.agents import grammar

DONE, REFUSED, FAILED = "ok", "no", "error"
_SUM = re.compile(r"(\d{1,4})([+*-])(\d{1,4})")


def calculate(text):
    """Return the result of one operation on two numbers of at most four
    digits, such as ``47*83``.

    The text is read by a pattern, and never by Python's ``eval``.

    Raises
    ------
    TypeError
        If it is no string.
    ValueError
        If it is no such operation.
    """
    checks.problem("text", text, _SUM, "47*83")
    ((left, sign, right),) = _SUM.findall(text)
    a, b = int(left), int(right)
    return str({"+": a + b, "-": a - b, "*": a * b}[sign])


class Lookup:
    """A search tool over a list of entries: the entry of a name, or nothing.

    Parameters
    ----------
    entries : dict of str
        The text of each name.

    Raises
    ------
    TypeError
        If they are no dictionary of strings.
    """

    def __init__(self, entries):
        self.entries = checks.entries("entries", entries)

    def __call__(self, text):
        """Return the entry, or ``none``.

        Raises
        ------
        TypeError
            If ``text`` is no string.
        """
        checks.text("text", text)
        return self.entries.get(text, "none")


class Ledger:
    """A tool with an effect: it pays, and keeps what was paid."""

    def __init__(self):
        self.paid: list[str] = []

    def __call__(self, text):
        """Pay, and return ``ok``.

        Raises
        ------
        TypeError
            If ``text`` is no string.
        """
        checks.text("text", text)
        self.paid.append(text)
        return DONE


class Carried(NamedTuple):
    """A call and what became of it."""

    sign: str
    text: str
    result: str
    allowed: bool


class Toolbox:
    """The tools of one question. It carries out calls of the whitelist alone,
    and keeps a log of all.

    Parameters
    ----------
    tools : dict of callable
        By the special token that calls them.
    allowed : str
        The whitelist: special tokens of tools that may be called.
    longest : int
        How many signs of a result the model is shown.

    Raises
    ------
    TypeError
        If tools are no functions, ``allowed`` is no string, or ``longest`` no
        integer.
    ValueError
        If there is no such special token, a tool of the whitelist is missing,
        or ``longest`` is below 1.
    """

    def __init__(self, tools, allowed=grammar.CALLS, longest=18):
        self.tools: dict[str, Callable] = checks.tools(
            "tools", tools, grammar.CALLS
        )
        checks.text("allowed", allowed)
        self.allowed = checks.some_of("allowed", [*allowed], tuple(self.tools))
        self.longest = checks.count("longest", longest)
        self.log: list[Carried] = []

    def carry_out(self, sign, text):
        """Return the result of a call, plain and short.

        A call outside of the whitelist is refused before its tool is looked
        at; a tool that raises an error has failed, and the model may go on.

        Raises
        ------
        TypeError
            If an argument is no string.
        ValueError
            If there is no such special token.
        """
        checks.one_of("sign", sign, tuple(grammar.CALLS))
        checks.text("text", text)
        is_allowed = sign in self.allowed
        if not is_allowed:
            result = REFUSED
        else:
            try:
                result = grammar.plain(self.tools[sign](text))
            except Exception:  # whatever a tool does, the loop goes on
                result = FAILED
        result = result[: self.longest]
        self.log.append(Carried(sign, text, result, is_allowed))
        return result
