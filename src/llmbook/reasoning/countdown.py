"""Countdown on a pocket calculator: reach a number with three digits.

A **problem** such as ``257>19=`` gives digits, in order, and a target. A
**line** uses each digit once, works from left to right, and stays between 0 and
99: ``2*7=14+5=19``. Many lines may be right, and no key is needed: a program
checks what is written. A solution may hold several tries, parted by commas;
the last is the answer.

Pure Python. Everything random takes a ``random.Random``.
"""

import functools
import itertools
import random
import re

from llmbook import checks
from llmbook.reasoning import signs

JUDGES = ("last", "any")
LARGEST = 99
_LINE = re.compile(r"(\d)([+*-])(\d)=(\d{1,2})([+*-])(\d)=(\d{1,2})")
_PROBLEM = re.compile(r"[1-9]{3}>\d{1,2}=")


def work_out(digits, operations):
    """Return the line that takes digits in this order with these operations;
    None if it leaves the range from 0 to 99.

    Parameters
    ----------
    digits : str
        Three of them.
    operations : str
        Two of ``+-*``.

    Raises
    ------
    TypeError
        If they are no strings.
    ValueError
        If they are others.
    """
    checks.problem("digits", digits, re.compile(r"\d{3}"), "257")
    checks.problem("operations", operations, re.compile(r"[+*-]{2}"), "*+")
    a, b, c = map(int, digits)
    first = _apply(a, operations[0], b)
    second = _apply(first, operations[1], c)
    if not (0 <= first <= LARGEST and 0 <= second <= LARGEST):
        return None
    return f"{a}{operations[0]}{b}={first}{operations[1]}{c}={second}"


def _apply(left, sign, right):
    return {"+": left + right, "-": left - right, "*": left * right}[sign]


def lines(digits):
    """Return every line that three digits allow, a tuple, each once.

    Raises
    ------
    TypeError
        If they are no string.
    ValueError
        If they are no three digits.
    """
    checks.problem("digits", digits, re.compile(r"\d{3}"), "257")
    return _lines(digits)


@functools.cache
def _lines(digits):
    found = (
        work_out("".join(order), "".join(operations))
        for order in itertools.permutations(digits)
        for operations in itertools.product("+-*", repeat=2)
    )
    return tuple(dict.fromkeys(line for line in found if line is not None))


def result(line):
    """Return the number that a line ends on; None if it is no line.

    Raises
    ------
    TypeError
        If it is no string.
    """
    checks.text("line", line)
    found = _LINE.fullmatch(line)
    return None if found is None else int(found[7])


def is_right(problem, line):
    """Return whether a line uses the digits, calculates rightly and ends on the
    target.

    Raises
    ------
    TypeError
        If problem or line are no strings.
    ValueError
        If the problem is none.
    """
    checks.problem("problem", problem, _PROBLEM, "257>19=")
    checks.text("line", line)
    found = _LINE.fullmatch(line)
    if found is None or sorted(found[1] + found[3] + found[6]) != sorted(
        problem[:3]
    ):
        return False
    right = work_out(found[1] + found[3] + found[6], found[2] + found[5])
    return right == line and result(line) == target_of(problem)


def calculates(line):
    """Return whether a line's arithmetic is right, whatever its digits and its
    end.

    Raises
    ------
    TypeError
        If it is no string.
    """
    checks.text("line", line)
    found = _LINE.fullmatch(line)
    return found is not None and line == work_out(
        found[1] + found[3] + found[6], found[2] + found[5]
    )


def target_of(problem):
    """Return the number that is to be reached.

    Raises
    ------
    TypeError
        If the problem is no string.
    ValueError
        If it is none.
    """
    checks.problem("problem", problem, _PROBLEM, "257>19=")
    return int(problem[4:-1])


def chance(problem):
    """Return how often a blind guesser is right who takes any line that the
    digits allow, each as often as any other.

    Raises
    ------
    TypeError
        If the problem is no string.
    ValueError
        If it is none.
    """
    target, possible = target_of(problem), lines(problem[:3])
    return sum(result(line) == target for line in possible) / len(possible)


def judge(problem, text, by="last"):
    """Return whether a solution is right.

    Parameters
    ----------
    problem, text : str
    by : {"last", "any"}
        Whether the last try counts, the answer; or, which is a sloppy judge,
        any try that was written.

    Raises
    ------
    TypeError
        If problem or text are no strings.
    ValueError
        If the problem is none, or there is no such judge.
    """
    checks.text("text", text)
    checks.one_of("by", by, JUDGES)
    tries = text.split(",")
    counted = tries[-1:] if by == "last" else tries
    return any(is_right(problem, line) for line in counted)


class Countdown:
    """The game as a task of :mod:`llmbook.feedback.loop`, with a program for
    an annotator.

    Parameters
    ----------
    tries : int
        How many lines a solution may have; from 1 to 4. The examples have that
        many at most, the last of them right and the others wrong, drawn
        blindly.
    by : {"last", "any"}
        Who scores: see :func:`judge`. A score is 0 or 1.

    Raises
    ------
    TypeError
        If a number is not an integer.
    ValueError
        If it is out of its range, or there is no such judge.
    """

    best_score, end = 1, signs.END
    draft_prompt_length = 7

    def __init__(self, tries=1, by="last"):
        self.tries = checks.count("tries", tries)
        checks.one_of("tries", tries, range(1, 5))
        checks.one_of("by", by, JUDGES)
        self.by = by
        # the longest line is 9*9=81+9=90, and a comma or the end follows it
        self.draft_length = 12 * tries

    encode = staticmethod(signs.encode)
    decode = staticmethod(signs.decode)
    draft_prompt = staticmethod(signs.encode)

    def draw(self, rng, split="train"):
        """Draw a problem of a split, by a line that solves it.

        Raises
        ------
        TypeError
            If ``rng`` is no ``random.Random``.
        ValueError
            If there is no such split.
        """
        return self._draw(rng, split)[0]

    def _draw(self, rng, split):
        checks.kind("rng", rng, random.Random)
        checks.one_of("split", split, signs.SPLITS)
        while True:
            digits = "".join(sorted(rng.choices("123456789", k=3)))
            line = rng.choice(lines(digits))
            problem = f"{digits}>{result(line)}="
            if signs.split_of(problem) == split:
                return problem, line

    def example(self, rng):
        """Draw a training problem with a solution, two strings.

        Raises
        ------
        TypeError
            If ``rng`` is no ``random.Random``.
        """
        problem, line = self._draw(rng, "train")
        wrong = [
            other
            for other in lines(problem[:3])
            if result(other) != target_of(problem)
        ]
        count = min(rng.randrange(self.tries), len(wrong))
        return problem, ",".join([*rng.sample(wrong, count), line])

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
