r"""Where text becomes a label: it is shown as it reads, never as markup.

To Matplotlib ``$…$`` is mathematics and a label that begins with ``_`` is not
to be shown; to a notebook, HTML is tags and entities, and ``$…$`` again a
formula. A reader's tokens may hold any of these.
"""

import html
import re
from functools import cache

import matplotlib as mpl
from matplotlib import font_manager

from llmbook import checks

VISIBLE = {" ": "␣", "\n": "⏎", "\t": "⇥"}
NOTHING = "\u200b"  # a space without width, which every font of the book has


def drawn(text, name="text"):
    r"""Return what Matplotlib draws as the given text, in titles, at axes and
    in legends.

    A character that none of the fonts has, an emoji say, is written by its code
    point, ``[U+1F44D]``.

    Parameters
    ----------
    text : str
    name : str
        What the caller calls it.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If it is not a string.
    """
    if not isinstance(text, str):
        raise ValueError(f"{name} and labels must be strings, got {text!r}")
    known = _code_points(tuple(mpl.rcParams["font.family"]))
    shown = "".join(
        character
        if character == "\n" or ord(character) in known
        else f"[U+{ord(character):04X}]"
        for character in text
    )
    # an escaped dollar is a dollar, in a text without mathematics
    literal = shown.replace("$", r"\$")
    return NOTHING + literal if literal.startswith("_") else literal


@cache
def _code_points(families):
    """Return the characters that fonts have."""
    paths = [font_manager.findfont(family) for family in families]
    fonts = [font_manager.get_font(path) for path in paths]
    return frozenset().union(*(font.get_charmap() for font in fonts))


def as_text(text):
    """Return a text in one line, its ends of lines and tabs made visible.

    Parameters
    ----------
    text : str

    Returns
    -------
    str

    Raises
    ------
    TypeError
        If it is not a string.
    """
    checks.text("text", text)
    return text.replace("\n", VISIBLE["\n"]).replace("\t", VISIBLE["\t"])


def as_html(text):
    """Return HTML that shows a token, its spaces and ends of lines made
    visible.

    Parameters
    ----------
    text : str

    Returns
    -------
    str

    Raises
    ------
    TypeError
        If it is not a string.
    """
    checks.text("text", text)
    shown = html.escape("".join(VISIBLE.get(each, each) for each in text))
    if re.search(r"[$\\]", shown):  # no formula to MathJax
        return f'<span class="tex2jax_ignore mathjax_ignore">{shown}</span>'
    return shown or "∅"


def fenced(text, language):
    """Return Markdown that shows a text as code, whatever fences it holds.

    Parameters
    ----------
    text, language : str

    Returns
    -------
    str

    Raises
    ------
    TypeError
        If one is not a string.
    """
    checks.text("text", text)
    checks.text("language", language)
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}{fence}\n"
