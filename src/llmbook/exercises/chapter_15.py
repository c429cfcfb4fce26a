"""Checks of the exercises of chapter 15, reasoning with answers that can be
checked.
"""

import itertools
import random

import numpy as np

from llmbook.exercises import exercise
from llmbook.reasoning import countdown
from llmbook.reasoning.answers import pass_at_k


@exercise("15.1", "Which groups have no reward above their mean?")
def informative(answer):
    """Compare with all groups, each with its probability."""
    for p, size in [(0.3, 2), (0.5, 3), (0.9, 4), (0.0, 5), (1.0, 3)]:
        expected = sum(
            np.prod([p if right else 1 - p for right in group])
            for group in itertools.product((True, False), repeat=size)
            if len({*group}) == 2
        )
        found = answer(p, size)
        assert np.isclose(found, expected), (
            f"of {size} samples that are right with probability {p}, some and"
            f" not all are right with probability {expected:.4f}, got"
            f" {found:.4f}"
        )


@exercise("15.2", "Sum the chances of every number of right votes that wins.")
def majority(answer):
    """Compare with all outcomes of the votes."""
    for p, votes in [(0.6, 3), (0.4, 3), (0.5, 5), (0.9, 1), (0.55, 9)]:
        expected = sum(
            np.prod([p if right else 1 - p for right in outcome])
            for outcome in itertools.product((True, False), repeat=votes)
            if sum(outcome) > votes / 2
        )
        found = answer(p, votes)
        assert np.isclose(found, expected), (
            f"{votes} votes that are right with probability {p}: the majority"
            f" is right with probability {expected:.4f}, got {found:.4f}"
        )


@exercise(
    "15.3",
    "Take the line apart with a regular expression; then check digits, both"
    " results, the range and the target, each by itself.",
)
def solves(answer):
    """Compare with the book's checker on right lines and on spoiled ones."""
    rng = random.Random(0)
    for _ in range(60):
        problem, line = countdown.Countdown().example(rng)
        for text in (
            line,
            *rng.sample(countdown.lines(problem[:3]), 3),
            *_spoiled(rng, problem, line),
        ):
            expected = countdown.is_right(problem, text)
            found = answer(problem, text)
            assert bool(found) == expected, (
                f"{text!r} {'solves' if expected else 'does not solve'}"
                f" {problem!r}, got {found}"
            )


def _spoiled(rng, problem, line):
    """Yield lines with one fault each."""
    place = rng.randrange(len(line))
    yield line[:place] + rng.choice("0123456789+-*=") + line[place + 1 :]
    a, first, rest = line[0], line.split("=")[1], line.split("=")[2]
    yield f"{line[:3]}={first}={rest}"
    yield f"{a}+{a}={2 * int(a)}+{a}={3 * int(a)}"  # a digit three times
    yield line.rsplit("=", 1)[0] + f"={countdown.target_of(problem) + 1}"
    # the last result forced to the target
    wrong = rng.choice(countdown.lines(problem[:3]))
    yield wrong.rsplit("=", 1)[0] + f"={countdown.target_of(problem)}"
    # below zero on the way
    low, middle, high = problem[:3]
    if int(low) < int(high):
        below = int(low) - int(high)
        yield f"{low}-{high}={below}+{middle}={below + int(middle)}"


@exercise("15.4", "Compute both curves at every k, and look for the first k.")
def crossing(answer):
    """Compare with a search through the estimates of the library."""
    rng = np.random.default_rng(0)
    n = 16
    for _ in range(12):
        before = rng.binomial(n, rng.uniform(0, 1, 20))
        after = np.where(rng.random(20) < 0.5, before, rng.integers(0, 2) * n)
        _compare(answer, before, after, n)
    _compare(answer, np.full(4, 8), np.array([n, n, n, 0]), n)
    _compare(answer, np.full(4, 4), np.full(4, 8), n)


def _compare(answer, before, after, n):
    """Assert that an answer is the first k at which ``after`` is behind."""
    behind = [
        k
        for k in range(1, n + 1)
        if pass_at_k(after, n, k).mean()
        < pass_at_k(before, n, k).mean() - 1e-12
    ]
    expected = behind[0] if behind else None
    found = answer(before, after, n)
    assert found == expected, (
        f"right of {n} before: {before.tolist()}, after: {after.tolist()}: the"
        f" curve after training is first below the one before at k ="
        f" {expected}, got {found}"
    )
