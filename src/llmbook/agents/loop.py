"""The loop of an agent: the model writes a turn, the program carries it out and
writes the result, until there is an answer or a limit is reached.
"""

import time
from typing import NamedTuple

import numpy as np
from keras import ops

from llmbook import checks
from llmbook.agents import grammar
from llmbook.agents.tools import Toolbox
from llmbook.models import generation

OPENINGS = ("free", "answer", "call")


class Limits(NamedTuple):
    """Where a run ends, whatever the model wants.

    ``calls`` at most; ``signs`` of a transcript, those of results counted;
    ``turn``, the signs of a single turn; and ``seconds``, looked at between
    turns.
    """

    calls: int = 4
    signs: int = 40
    turn: int = 12
    seconds: float = 600.0


class Run(NamedTuple):
    """What came of a question: the transcript, and why it ended
    (``"answered"``, ``"malformed"``, or the limit that was reached).
    """

    transcript: str
    ended: str


def run(
    model,
    questions,
    toolboxes,
    limits=None,
    temperature=0.0,
    seed=0,
    opening="free",
    clock=time.monotonic,
):
    """Let a model answer questions with the help of tools, all in step.

    Parameters
    ----------
    model : GPT
    questions : list of str
        Plain texts.
    toolboxes : list of Toolbox
        One for each.
    limits : Limits, optional
    temperature : float
        0 takes the likeliest sign each time.
    seed : int
    opening : {"free", "answer", "call"}
        Whether the model chooses how to begin, or has to answer at once, or
        has to begin with a call, the likeliest one.
    clock : callable
        Returns seconds.

    Returns
    -------
    list of Run

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If there is no question or not a toolbox for each, a question is not
        plain or empty, or a number is out of its range.
    """
    checks.offers("model", model, "config", "decode", "next_logits")
    questions = checks.problems("questions", questions, grammar.PLAIN)
    toolboxes = checks.each("toolboxes", toolboxes, Toolbox)
    checks.as_many(questions=questions, toolboxes=toolboxes)
    limits = checks.limits("limits", Limits() if limits is None else limits)
    checks.within("temperature", temperature, 0, np.inf, closed=False)
    seed = checks.seed(seed)
    checks.one_of("opening", opening, OPENINGS)
    checks.takes("clock", clock, ())

    prompts = [checks.some("questions", grammar.encode(q)) for q in questions]
    written = [""] * len(questions)
    if opening == "answer":
        written = [grammar.ANSWER] * len(questions)
    if opening == "call":
        written = [*_likeliest_calls(model, prompts)]
    ended = [""] * len(questions)
    start = clock()
    for number in range(limits.calls + 1):
        going = [i for i, reason in enumerate(ended) if not reason]
        if not going:
            break
        if clock() - start > limits.seconds:
            ended = [reason or "seconds" for reason in ended]
            break
        # (G, turn)
        rows = generation.generate(
            model,
            [prompts[i] + grammar.encode_transcript(written[i]) for i in going],
            limits.turn,
            temperature=temperature,
            stop=grammar.END_ID,
            seed=(seed + number) % 2**31,
        )
        for i, row in zip(going, rows, strict=True):
            new = grammar.decode(row)
            begun = len(written[i]) if number else 0  # where the turn begins
            written[i], ended[i] = advance(
                written[i] + new,
                begun,
                toolboxes[i],
                limits._replace(calls=limits.calls - number),
            )
    return [Run(*pair) for pair in zip(written, ended, strict=True)]


def advance(transcript, begun, toolbox, limits):
    """Look at the turn that a model has just written, and carry it out.

    Parameters
    ----------
    transcript : str
        With the new turn at its end.
    begun : int
        How many signs stood before that turn: they are not read again, so
        that nothing in them, results above all, becomes a call.
    toolbox : Toolbox
    limits : Limits
        ``calls`` is how many are left.

    Returns
    -------
    transcript : str
        With the result of a call, cut to what fits; or cut itself.
    ended : str
        Why the run ends, or nothing if it goes on.

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If a number is out of its range.
    """
    checks.text("transcript", transcript)
    begun = checks.count("begun", begun, least=0)
    checks.kind("toolbox", toolbox, Toolbox)
    limits = checks.limits("limits", limits)
    turn = grammar.read(transcript[begun:])
    room = limits.signs - len(transcript)
    if room < 0:
        return transcript[: limits.signs], "signs"
    if turn is None:
        return transcript, "malformed"
    if turn.sign == grammar.ANSWER:
        return transcript, "answered"
    if limits.calls == 0:
        return transcript, "calls"
    if room < 3:  # the signs around a result, and one for the model
        return transcript, "signs"
    result = toolbox.carry_out(turn.sign, turn.text)[: room - 3]
    return f"{transcript}{grammar.RESULT}{result}{grammar.END}", ""


def _likeliest_calls(model, prompts):
    """Return the special token that begins the likeliest call of each."""
    longest = max(map(len, prompts))
    ids = np.array([[0] * (longest - len(p)) + p for p in prompts], "int32")
    logits, _ = model.next_logits(ids)  # (B, V)
    of_calls = grammar.encode_transcript(grammar.CALLS)
    best = ops.convert_to_numpy(logits)[:, of_calls].argmax(axis=1)  # (B,)
    return [grammar.CALLS[i] for i in best]
