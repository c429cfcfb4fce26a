"""The signs that problems and solutions are written in, one token each, and
which problems are held out.
"""

import zlib

from llmbook import checks

SIGNS = ".0123456789+-*=>,"
"""Sign ``i`` has the id ``i + 1``; the first ends a solution, and id 0 is
padding.
"""
VOCAB_SIZE = len(SIGNS) + 1
END = 1
SPLITS = ("train", "test")


def encode(text):
    """Return the ids of a text, a list.

    Raises
    ------
    TypeError
        If it is no string.
    ValueError
        If it holds another sign.
    """
    checks.written_in("text", text, SIGNS)
    return [SIGNS.index(sign) + 1 for sign in text]


def decode(ids):
    """Return the text of ids, padding left out.

    Raises
    ------
    TypeError
        If they are not integers.
    ValueError
        If there is no such sign.
    """
    ids = checks.text_ids("ids", ids, VOCAB_SIZE)
    return "".join(SIGNS[index - 1] for index in ids if index)


def split_of(problem):
    """Return the split that a problem belongs to, by its check sum: every
    eighth is held out for the test.

    Raises
    ------
    TypeError
        If it is no string.
    """
    checks.text("problem", problem)
    return SPLITS[zlib.crc32(problem.encode()) % 8 == 0]
