"""How questions, calls, results and answers are written: one sign a token.

Five signs are **special tokens**, written here as capitals. Three begin a call
of a tool, ``C`` calculate, ``F`` find and ``P`` pay; ``A`` begins an answer;
``R`` begins a result, which the program writes and the model reads. A full stop
ends each of them, and a **transcript** is a sequence of such turns:
``Ftea.R37.A37.``

What a user, a tool or anybody else has written is **plain**: it has no special
token, and :func:`encode` refuses it otherwise.
"""

from typing import NamedTuple

from llmbook import checks

END, CALLS, ANSWER, RESULT = ".", "CFP", "A", "R"
SPECIAL = END + CALLS + ANSWER + RESULT
PLAIN = " 0123456789abcdefghijklmnopqrstuvwxyz+-*?"
SIGNS = SPECIAL + PLAIN
"""Sign ``i`` has the id ``i + 1``; id 0 is padding."""
VOCAB_SIZE = len(SIGNS) + 1
END_ID = 1
NAMES = {
    "C": "calculate",
    "F": "find",
    "P": "pay",
    "A": "answer",
    "R": "result",
}


class Turn(NamedTuple):
    """What one party writes at a time: its special token, and plain text."""

    sign: str
    text: str


def plain(text):
    """Return a text in plain signs: in lower case, others left out.

    Raises
    ------
    TypeError
        If it is no string.
    """
    checks.text("text", text)
    return "".join(sign for sign in text.lower() if sign in PLAIN)


def encode(text):
    """Return the ids of a plain text, a list.

    Raises
    ------
    TypeError
        If it is no string.
    ValueError
        If it holds another sign.
    """
    checks.written_in("text", text, PLAIN)
    return encode_transcript(text)


def encode_transcript(transcript):
    """Return the ids of a transcript, a list.

    Raises
    ------
    TypeError
        If it is no string.
    ValueError
        If it holds another sign.
    """
    checks.written_in("transcript", transcript, SIGNS)
    return [SIGNS.index(sign) + 1 for sign in transcript]


def decode(ids):
    """Return the signs of ids, padding left out.

    Raises
    ------
    TypeError
        If they are not integers.
    ValueError
        If there is no such sign.
    """
    ids = checks.text_ids("ids", ids, VOCAB_SIZE)
    return "".join(SIGNS[index - 1] for index in ids if index)


def read(turn):
    """Return the :class:`Turn` that a text is; None if it is none that a model
    may write: a call or an answer, plain text, and the end.

    Raises
    ------
    TypeError
        If it is no string.
    """
    checks.text("turn", turn)
    sign, text, end = turn[:1], turn[1:-1], turn[1:][-1:]
    if not sign or sign not in CALLS + ANSWER or end != END:
        return None
    return Turn(sign, text) if {*text} <= {*PLAIN} else None


def turns(transcript):
    """Return the turns of a transcript, a list of strings, each with its end;
    the last may lack it.

    Raises
    ------
    TypeError
        If it is no string.
    """
    checks.text("transcript", transcript)
    *whole, rest = transcript.split(END)
    return [turn + END for turn in whole] + [rest] * bool(rest)


def calls(transcript):
    """Return the calls of a transcript, a list of :class:`Turn`.

    Raises
    ------
    TypeError
        If it is no string.
    """
    found = [read(turn) for turn in turns(transcript)]
    return [turn for turn in found if turn and turn.sign in CALLS]


def answer(transcript):
    """Return the answer that a transcript ends on; None if it has none.

    Raises
    ------
    TypeError
        If it is no string.
    """
    last = read((["", *turns(transcript)])[-1])
    return last.text if last and last.sign == ANSWER else None


def of_model(transcript):
    """Return for each sign of a transcript whether the model wrote it, a list.

    The program writes results, and never the last turn: a model that writes a
    result itself is stopped there.

    Raises
    ------
    TypeError
        If it is no string.
    """
    parts = turns(transcript)
    return [
        not turn.startswith(RESULT) or i + 1 == len(parts)
        for i, turn in enumerate(parts)
        for _ in turn
    ]


def shown(transcript):
    """Return a transcript with the names of special tokens written out:
    ``<find>tea<end>``.

    Raises
    ------
    TypeError
        If it is no string.
    """
    checks.text("transcript", transcript)
    names = {sign: f"<{name}>" for sign, name in NAMES.items()}
    return "".join({**names, END: "<end>"}.get(s, s) for s in transcript)
