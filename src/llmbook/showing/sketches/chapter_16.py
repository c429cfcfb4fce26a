"""The drawings of chapter 16: the loop of an agent, the grammar of a call, when
a call pays, and the boundary of trust.
"""

from llmbook.showing.sketch import Sketch, text_width


def agent_loop(question, call, result, answer, limits):
    """Draw the loop: the model writes a turn, the program carries it out.

    Parameters
    ----------
    question, call, result, answer : str
        Of one run.
    limits : list of str
        What ends the loop besides an answer.
    """
    s = Sketch(
        "fig-agent-loop",
        "The loop of an agent",
        f"From above: the question {question} goes to the model, which writes "
        f"a turn. An answer such as {answer} leaves the loop at the right. A "
        f"call such as {call} goes down to the program, which looks at the "
        "whitelist and at its limits and runs the tool. A dashed line takes "
        f"the result {result} back to the model, which reads everything again.",
        height=372,
    )
    asked = s.box(84, 8, 188, [question, "a user's question"], "data")
    model = s.box(84, 84, 188, ["think", "the model writes a turn"], "learned")
    turn = s.box(84, 160, 188, [call, "call"], "data")
    program = s.box(
        84, 236, 188, ["the program", "whitelist, limits, tool"], "op"
    )
    out = s.box(284, 160, 68, [answer, "answer"], "good")
    s.arrow(asked.bottom, model.top)
    s.arrow(model.bottom, turn.top)
    s.arrow(model.right, (318, model.right[1]), out.top)
    s.arrow(turn.bottom, program.top)
    s.arrow(
        program.left,
        (56, program.left[1]),
        (56, model.left[1]),
        model.left,
        kind="back",
    )
    s.text(6, 176, result, "strong")
    s.text(6, 192, "result")
    s.text(84, 306, "Besides an answer, the loop ends at:")
    for i in range(0, len(limits), 2):
        s.text(84, 326 + 9 * i, ", ".join(limits[i : i + 2]))
    return s


def grammar_of_a_call(turns):
    """Draw a transcript sign by sign, and who wrote each turn.

    Parameters
    ----------
    turns : list of (list of str, str, str)
        The signs of each turn, what it is, and who wrote it: ``"user"``,
        ``"model"`` or ``"program"``.
    """
    s = Sketch(
        "fig-grammar",
        "Who writes which token",
        "A transcript, a turn in each row: "
        + "; ".join(
            f"{what}, by the {who}: {' '.join(signs)}"
            for signs, what, who in turns
        )
        + ". The loss counts what the model wrote, and nothing else.",
        height=26 + 56 * len(turns),
    )
    kinds = {"user": "word", "model": "learned", "program": "frozen"}
    s.text(352, 10, "in the loss", "strong", anchor="end")
    for i, (signs, what, who) in enumerate(turns):
        y = 34 + 56 * i
        s.text(8, y - 6, f"{what}, written by the {who}")
        x = 8.0
        for sign in signs:
            width = text_width(sign) + 12.5
            kind = "data" if who == "user" else kinds[who]
            s.box(x, y + 4, width, [sign], kind, 22)
            x += width + 1.5
        counts = "yes" if who == "model" else "no"
        s.text(
            352, y + 15, counts, "good" if who == "model" else "", anchor="end"
        )
    return s


def when_a_call_pays(rows, price):
    """Draw for some kinds of question the accuracy alone, and with a call less
    its price.

    Parameters
    ----------
    rows : list of (str, float, float, float)
        Kind, accuracy alone, accuracy with calls, calls.
    price : float
    """
    s = Sketch(
        "fig-when",
        "When a call pays",
        f"A row for each kind of question, a call costs {price:g}: "
        + "; ".join(
            f"{kind}: alone {alone:.2f}, with calls {called:.2f} less "
            f"{price * calls:.2f}"
            for kind, alone, called, calls in rows
        )
        + ".",
        height=40 + 52 * len(rows),
    )
    s.text(352, 10, "worth a call?", "strong", anchor="end")
    for i, (kind, alone, called, calls) in enumerate(rows):
        y = 28 + 52 * i
        worth = called - price * calls
        s.text(8, y + 20, kind, "strong")
        s.bar(70, y, 160, 16, alone, "learned")
        s.text(236, y + 8, f"alone {alone:.2f}")
        s.bar(70, y + 20, 160, 16, max(0.0, worth), "word")
        s.text(236, y + 28, f"call {worth:.2f}")
        pays = worth > alone
        s.text(
            352,
            y + 18,
            "yes" if pays else "no",
            "good" if pays else "",
            anchor="end",
        )
    return s


def trust(question, entry, attempt, allowed):
    """Draw the boundary of trust: what decides about calls, and what is read.

    Parameters
    ----------
    question, entry, attempt : str
        What the user asked, what a stranger wrote, and the call that the model
        writes after it.
    allowed : list of str
        The tools on the whitelist.
    """
    s = Sketch(
        "fig-trust",
        "The boundary of trust",
        f"Inside a frame, the program: it makes the whitelist, here "
        f"{' and '.join(allowed)}, from the user's question {question}, before "
        f"anything is read. Outside: a stranger's entry, {entry}, goes to the "
        f"model, which writes the call {attempt}. A dotted arrow from the call "
        "ends at the frame: the call is refused.",
        height=360,
    )
    s.frame(8, 8, 344, 148, "trusted: code and user")
    user = s.box(20, 36, 190, [question, "the user asks"], "data")
    white = s.box(
        20, 104, 190, [" · ".join(allowed), "whitelist, made first"], "good"
    )
    s.arrow(user.bottom, white.top)
    refused = s.box(228, 36, 120, ["refused", "no tool runs"], "op")
    model = s.box(20, 204, 190, ["the model", "reads all of it"], "learned")
    stranger = s.box(20, 296, 190, [entry, "a stranger's entry"], "word")
    call = s.box(228, 204, 120, [attempt, "call"], "data")
    s.text(222, 312, "data to the user,")
    s.text(222, 328, "tokens to the model")
    s.arrow(stranger.top, model.bottom)
    s.arrow(model.right, call.left)
    s.arrow(call.top, refused.bottom, kind="forbidden")
    return s
