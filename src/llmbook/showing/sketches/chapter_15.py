"""The drawings of chapter 15: solutions in three forms, the loop of a checker,
a group and its advantages, and what judges see.
"""

import itertools

from llmbook.showing.sketch import Sketch


def three_forms(problem, solutions, needed):
    """Draw one problem solved in three forms, and what a character takes.

    Parameters
    ----------
    problem : str
    solutions : list of (str, str)
        Of each form its name and the solution.
    needed : list of str
        What has to be found for one character in that form.
    """
    s = Sketch(
        "fig-three-forms",
        "One problem, three forms of solution",
        f"The problem {problem} on top; below it "
        + "; ".join(
            f"{name}: {text}, where one character takes {what}"
            for (name, text), what in zip(solutions, needed, strict=True)
        )
        + ".",
        height=52 + 84 * len(solutions),
    )
    s.box(8, 8, 344, problem, "data")
    kinds = ["frozen"] * (len(solutions) - 1) + ["good"]
    rows = zip(solutions, needed, kinds, strict=True)
    for i, ((name, text), what, kind) in enumerate(rows):
        y = 56 + 84 * i
        s.text(8, y + 8, name, "strong")
        s.box(8, y + 18, 344, text, kind)
        s.text(8, y + 64, f"one character takes {what}")
    return s


def checker_loop(problem, group, size):
    """Draw one update: problem, samples, checker, advantages, policy.

    Parameters
    ----------
    problem : str
    group : (int, int)
        How many of the samples are right, and how many there are.
    size : int
        How many problems an update has.
    """
    right, number = group
    s = Sketch(
        "fig-checker-loop",
        "Reinforcement with a program as judge",
        f"From above: {size} problems such as {problem}; the policy writes "
        f"{number} solutions to each; a program checks them, here {right} of "
        f"{number} are right; each gets the advantage over its group's mean; a "
        "dashed line goes back to the policy: what is above the mean becomes "
        "likelier, what is below less likely. No person and no model of a "
        "person takes part.",
        height=392,
    )
    steps = [
        ([f"{size} problems", f"such as {problem}"], "data"),
        (["policy", f"writes {number} solutions to each"], "learned"),
        (["a program checks", f"here {right} of {number} are right"], "good"),
        (["advantage", "reward less the group's mean"], "op"),
        (["one step of policy gradient"], "op"),
    ]
    boxes, y = [], 8
    for lines, kind in steps:
        boxes.append(s.box(60, y, 292, lines, kind))
        y += boxes[-1].height + 26
    for above, below in itertools.pairwise(boxes):
        s.arrow(above.bottom, below.top)
    last, policy = boxes[-1], boxes[1]
    s.arrow(
        last.left,
        (28, last.left[1]),
        (28, policy.left[1]),
        policy.left,
        kind="back",
    )
    s.text(60, y + 2, "The checker needs no example of a solution.")
    return s


def group(texts, rewards, advantages):
    """Draw the samples of a group, what they earn and where they are pushed.

    Parameters
    ----------
    texts : list of str
    rewards : list of float
    advantages : list of float
    """
    mean = sum(rewards) / len(rewards)
    s = Sketch(
        "fig-group",
        "A group and its advantages",
        f"{len(texts)} solutions to one problem, a row each, with reward and "
        "advantage: "
        + "; ".join(
            f"{text} {reward:g}, {a:+.2f}"
            for text, reward, a in zip(texts, rewards, advantages, strict=True)
        )
        + f". The mean reward is {mean:.2f}.",
        height=34 + 34 * len(texts),
    )
    s.text(8, 12, f"mean reward {mean:.2f}", "strong")
    s.text(352, 12, "advantage", "strong", anchor="end")
    most = max(map(abs, advantages)) or 1.0
    rows = zip(texts, rewards, advantages, strict=True)
    for i, (text, reward, a) in enumerate(rows):
        y = 26 + 34 * i
        s.box(8, y, 206, text, "good" if reward > mean else "frozen", 28)
        length = 40 * abs(a) / most
        kind = "good" if a > 0 else "word"
        if length:
            s.bar(264 - (a < 0) * length, y + 6, length, 16, 1, kind)
        s.text(352, y + 14, f"{a:+.2f}", anchor="end")
    return s


def judges(problem, wanted, written, verdicts):
    """Draw one solution beside the right one, and what each judge says.

    Parameters
    ----------
    problem, wanted, written : str
        Solutions of as many steps; the characters that differ are marked.
    verdicts : list of (str, bool)
        The judge, and whether it takes the solution for right.
    """
    s = Sketch(
        "fig-judges",
        "One solution and its judges",
        f"The problem {problem} The right solution is {wanted}, the policy "
        f"wrote {written}. "
        + " ".join(
            f"{judge}: {'right' if right else 'wrong'}."
            for judge, right in verdicts
        ),
        height=120 + 44 * len(verdicts),
    )
    s.text(8, 12, problem, "strong")
    width = min(20.0, 280 / max(len(wanted), len(written)))
    for label, text, y in (("right", wanted, 30), ("written", written, 66)):
        s.text(8, y + 12, label)
        differs = [[float(a != b) for a, b in zip(text, wanted, strict=False)]]
        s.cells(66, y, [list(text)], width, 24, shade=differs)
    for i, (judge, right) in enumerate(verdicts):
        y = 108 + 44 * i
        box = s.box(8, y, 226, judge, "op", 32)
        s.arrow(box.right, (262, y + 16))
        answer = "right" if right else "wrong"
        s.box(264, y, 88, answer, "good" if right else "word", 32)
    return s


def tries(problem, text, right, verdicts):
    """Draw a solution of several tries, and what two judges make of it.

    Parameters
    ----------
    problem : str
    text : list of str
        The tries.
    right : list of bool
        Which are right.
    verdicts : list of (str, bool)
        The judge, and whether it takes the whole for right.
    """
    s = Sketch(
        "fig-tries",
        "A solution of several tries",
        f"The problem {problem} and {len(text)} tries, one below the other: "
        + "; ".join(
            f"{line}, {'right' if ok else 'wrong'}"
            for line, ok in zip(text, right, strict=True)
        )
        + ". "
        + " ".join(
            f"{judge}: {'right' if ok else 'wrong'}." for judge, ok in verdicts
        ),
        height=40 + 36 * len(text) + 42 * len(verdicts),
    )
    s.text(8, 12, problem, "strong")
    for i, (line, ok) in enumerate(zip(text, right, strict=True)):
        y = 28 + 36 * i
        s.box(8, y, 226, line, "good" if ok else "frozen", 28)
        s.text(248, y + 14, "right" if ok else "wrong")
    for i, (judge, ok) in enumerate(verdicts):
        y = 40 + 36 * len(text) + 42 * i
        box = s.box(8, y, 226, judge, "op", 32)
        s.arrow(box.right, (262, y + 16))
        s.box(
            264, y, 88, "right" if ok else "wrong", "good" if ok else "word", 32
        )
    return s
