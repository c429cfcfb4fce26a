"""Sums on a calculator whose display shows the last digit only.

A **problem** such as ``7+5*3-2=`` is worked out from left to right: 7 + 5 = 12,
of which the display keeps 2; 2 * 3 = 6; 6 - 2 = 4. A **solution** says no more
than the last display (``4``), or all displays (``264``), or each step with the
operation that it carries out (``7+5=2*3=6-2=4``). A program checks it: the last
display alone, or every step.

Pure Python. Everything random takes a ``random.Random``.
"""

import random
import re
from typing import NamedTuple

from llmbook import checks
from llmbook.reasoning import signs

FORMS = ("answer", "displays", "steps")
JUDGES = ("solution", "answer", "anywhere")
_STEP = re.compile(r"([+*-])(\d)=(\d)")
_PROBLEM = re.compile(r"\d([+*-]\d)+=")


class Step(NamedTuple):
    """What is pressed, and what the display shows then: ``("+", 5, 2)``."""

    sign: str
    operand: int
    display: int


def press(display, sign, operand):
    """Return the next display.

    Raises
    ------
    TypeError
        If a number is not an integer.
    ValueError
        If there is no such sign.
    """
    display = checks.integer("display", display)
    operand = checks.integer("operand", operand)
    checks.one_of("sign", sign, "+-*")
    exact = {
        "+": display + operand,
        "-": display - operand,
        "*": display * operand,
    }
    return exact[sign] % 10


def work_out(problem):
    """Return the steps of a problem, a list of :class:`Step`.

    Raises
    ------
    TypeError
        If it is no string.
    ValueError
        If it is no problem.
    """
    checks.problem("problem", problem, _PROBLEM, "7+5*3-2=")
    display, steps = int(problem[0]), []
    for sign, operand in re.findall(r"([+*-])(\d)", problem):
        display = press(display, sign, int(operand))
        steps.append(Step(sign, int(operand), display))
    return steps


def solve(problem, form="steps"):
    """Return the right solution in a form.

    Raises
    ------
    TypeError
        If the problem is no string.
    ValueError
        If it is no problem, or there is no such form.
    """
    checks.one_of("form", form, FORMS)
    steps = work_out(problem)
    if form == "answer":
        return str(steps[-1].display)
    if form == "displays":
        return "".join(str(step.display) for step in steps)
    return problem[0] + "".join(
        f"{step.sign}{step.operand}={step.display}" for step in steps
    )


def read(text):
    """Return the first number and the steps that a solution writes; None if it
    is not written in steps.

    Raises
    ------
    TypeError
        If it is no string.
    """
    checks.text("text", text)
    if re.fullmatch(rf"\d({_STEP.pattern})+", text) is None:
        return None
    steps = [
        Step(sign, int(operand), int(display))
        for sign, operand, display in _STEP.findall(text)
    ]
    return int(text[0]), steps


def right_steps(problem, text):
    """Return for each step of a solution whether it is right by itself.

    It is right if it copies its operation from the problem and its display
    follows from the display written before, whether that is right or not.

    Returns
    -------
    list of bool or None
        None of a text that is not written in as many steps as the problem has.

    Raises
    ------
    TypeError
        If problem or text are no strings.
    ValueError
        If the problem is none.
    """
    wanted, written = work_out(problem), read(text)
    if written is None or len(written[1]) != len(wanted):
        return None
    display, found = written[0], []
    for want, step in zip(wanted, written[1], strict=True):
        found.append(
            step == (*want[:2], press(display, step.sign, step.operand))
        )
        display = step.display
    found[0] = found[0] and text[0] == problem[0]
    return found


def right_displays(problem, text):
    """Return whether a solution in steps shows every display that is right,
    whatever else it writes.

    Raises
    ------
    TypeError
        If problem or text are no strings.
    ValueError
        If the problem is none.
    """
    wanted, written = work_out(problem), read(text)
    return written is not None and [step.display for step in written[1]] == [
        step.display for step in wanted
    ]


def judge(problem, text, by="solution"):
    """Return whether a solution is right.

    Parameters
    ----------
    problem, text : str
    by : {"solution", "answer", "anywhere"}
        Whether every sign counts; or only the last, the answer; or, which is a
        sloppy judge, whether the right digit occurs anywhere in the text.

    Raises
    ------
    TypeError
        If problem or text are no strings.
    ValueError
        If the problem is none, or there is no such judge.
    """
    checks.text("text", text)
    checks.one_of("by", by, JUDGES)
    answer = solve(problem, "answer")
    if by == "anywhere":
        return answer in text
    if by == "answer":
        return text.endswith(answer)
    return text == solve(problem)


class Calculator:
    """The sums as a task of :mod:`llmbook.feedback.loop`, with a program for
    an annotator.

    Parameters
    ----------
    least, most : int
        How many operations a problem has; from 1 to 8.
    form : {"steps", "displays", "answer"}
        In which :meth:`example` and :meth:`demonstrate` solve it.
    by : {"solution", "answer", "anywhere"}
        Who scores: see :func:`judge`. A score is 0 or 1.

    Raises
    ------
    TypeError
        If a number is not an integer.
    ValueError
        If it is out of its range, or there is no such form or judge.
    """

    best_score, end = 1, signs.END

    def __init__(self, least=4, most=4, form="steps", by="solution"):
        self.least = checks.count("least", least)
        self.most = checks.count("most", most, least=least)
        checks.one_of("most", most, range(1, 9))
        checks.one_of("form", form, FORMS)
        checks.one_of("by", by, JUDGES)
        self.form, self.by = form, by
        # how many tokens each may have at most, the end counted
        self.draft_prompt_length = 2 * most + 2
        self.draft_length = {
            "answer": 2,
            "displays": most + 1,
            "steps": 4 * most + 2,
        }[form]

    encode = staticmethod(signs.encode)
    decode = staticmethod(signs.decode)
    draft_prompt = staticmethod(signs.encode)
    tick_names = tuple(f"step {number}" for number in range(1, 9))

    def draw(self, rng, split="train"):
        """Draw a problem of a split.

        Raises
        ------
        TypeError
            If ``rng`` is no ``random.Random``.
        ValueError
            If there is no such split.
        """
        checks.kind("rng", rng, random.Random)
        checks.one_of("split", split, signs.SPLITS)
        while True:
            count = rng.randint(self.least, self.most)
            problem = str(rng.randint(1, 9))
            problem += "".join(
                rng.choice("+-*") + str(rng.randint(1, 9)) for _ in range(count)
            )
            if signs.split_of(f"{problem}=") == split:
                return f"{problem}="

    def example(self, rng):
        """Draw a training problem with its solution, two strings.

        Raises
        ------
        TypeError
            If ``rng`` is no ``random.Random``.
        """
        problem = self.draw(rng)
        return problem, self.demonstrate(problem)

    def demonstrate(self, problem):
        """Return the right solution.

        Raises
        ------
        TypeError
            If the problem is no string.
        ValueError
            If it is no problem.
        """
        return solve(problem, self.form)

    def score(self, problem, text):
        """Return 1 if the judge takes a solution for right, and 0 if not.

        Raises
        ------
        TypeError
            If problem or text are no strings.
        ValueError
            If the problem is none.
        """
        return int(judge(problem, text, self.by))

    def tick(self, problem, text):
        """Return which steps are right, ``{"step 1": True, …}``; None if the
        text is not written in as many steps.

        Raises
        ------
        TypeError
            If problem or text are no strings.
        ValueError
            If the problem is none.
        """
        found = right_steps(problem, text)
        return found and dict(zip(self.tick_names, found, strict=False))

    def places(self, problem, text):
        """Return which tokens of a solution decide each step, ``{"step 1": [0,
        …]}``; the end belongs to the last.

        Raises
        ------
        TypeError
            If problem or text are no strings.
        ValueError
            If the problem is none, or the text is not written in its steps.
        """
        checks.readable("text", text, self.tick(problem, text))
        bounds = [0, *range(5, len(text), 4), len(text) + 1]
        return {
            name: list(range(start, stop))
            for name, start, stop in zip(
                self.tick_names, bounds, bounds[1:], strict=False
            )
        }
