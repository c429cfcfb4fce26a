r"""What is written, in any script: words with their marks, numbers, emoji,
signs and smileys.

These are the pieces of the patterns by which the library cuts and compares
texts. Python's own ``\w`` leaves out the marks that Hindi, Arabic or Thai write
on a letter, and ``[a-z]`` leaves out all but English; the library ``regex``
knows the properties that Unicode gives each character, and which of them are
seen as one (Unicode Standard Annexes 29 and 44).
"""

import regex

from llmbook import checks

# White space, within brackets: four separators of old files count in Python.
SPACE = r"\s\x1c-\x1f"
# What is written on a letter or digit: accents and vowel signs, the ring of a
# keycap, and the two characters that join or part the letters of a word.
MARKS = r"[\p{M}\u200c\u200d]*+"
# Letters and digits, the first of them no mark.
WORD = rf"(?:[\p{{L}}\p{{N}}]{MARKS})++"
# The same, and underscores, as in names of code.
NAME = rf"(?:[\p{{L}}\p{{N}}_]{MARKS})++"
# Whatever is seen as one character and is no white space: a letter with its
# marks, a flag, a family of emoji.
ONE = rf"(?![{SPACE}])\X"
# An emoji or a sign beyond those of English keyboards.
SYMBOL = r"(?=[[\p{S}\p{Co}]--\p{ASCII}])\X"
# A number with its sign and its decimal points: -1, 3.14, version 1.2.3.
NUMBER = (
    r"(?:(?<![\p{L}\p{M}\p{N})\]])[-+\u2212])?"
    rf"\p{{Nd}}{MARKS}(?:\p{{Nd}}{MARKS})*+(?:[.\u066b]\p{{Nd}}++)*+"
)
# Scripts that put no spaces between words.
UNSPACED = (
    r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Bopomofo}\p{Thai}\p{Lao}\p{Khmer}"
    r"\p{Myanmar}\p{Tibetan}]"
)
# A letter of a script that does.
SPACED = rf"[\p{{L}}--{UNSPACED}]{MARKS}"
_NOSE = r"[-\u2010\u2011'^o]?"
# A smile, a frown or a heart of punctuation: :-) (: ;P </3 ^_^ T_T
SMILEY = (
    rf"[:;=]{_NOSE}[()\[\]{{}}/\\|*DdPp3]|[()\[\]{{}}]{_NOSE}[:;=]|</?3"
    r"|\^_*\^|[Tt]_+[Tt]|-_+-|>_+<"
)

_CAPITAL = rf"[\p{{Lu}}\p{{Lt}}]{MARKS}"
_SMALL = rf"\p{{Ll}}{MARKS}"
# The parts of a name of code, and of whatever else: getHTMLText has three.
PART = (
    rf"(?:{_CAPITAL})+(?!\p{{Ll}})|(?:{_CAPITAL})?(?:{_SMALL})+"
    rf"|(?:[\p{{L}}--[\p{{Lu}}\p{{Lt}}\p{{Ll}}]]{MARKS})+"
    rf"|\p{{Nd}}+|[\p{{N}}--\p{{Nd}}]+"
)


def pattern(text):
    """Return the compiled pattern of a regular expression made of these
    pieces.

    Raises
    ------
    TypeError
        If ``text`` is not a string.
    """
    checks.text("text", text)
    return regex.compile(text, regex.VERSION1)


_BETWEEN_SPACES = pattern(rf"{UNSPACED}{MARKS}|(?:(?![{SPACE}]|{UNSPACED}).)++")


def between_spaces(text):
    """Return what stands between the spaces of a text, and each character of a
    script without spaces by itself: the words that are counted.

    Raises
    ------
    TypeError
        If ``text`` is not a string.
    """
    checks.text("text", text)
    return _BETWEEN_SPACES.findall(text)
