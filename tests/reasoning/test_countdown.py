"""Countdown: the checker agrees with Python's arithmetic, and the blind guesser with counting."""

import itertools
import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmbook.reasoning import countdown, signs
from llmbook.reasoning.countdown import Countdown

few = settings(max_examples=60, deadline=None)
seeds = st.integers(0, 2**32 - 1)


def right_by_hand(problem, line):
    """Whether a line solves a problem, by Python's own arithmetic."""
    digits, target = problem[:3], int(problem[4:-1])
    parts = line.split("=")
    if len(parts) != 3 or not re.fullmatch(r"\d[+*-]\d", parts[0]):
        return False
    if not re.fullmatch(r"\d+[+*-]\d", parts[1]) or not parts[2].isdigit():
        return False
    first = eval(parts[0])
    used = [*re.findall(r"\d", parts[0]), parts[1][-1]]
    return (
        parts[1][:-2] == str(first)
        and 0 <= first <= 99
        and parts[2] == str(eval(f"({parts[0]}){parts[1][-2:]}"))
        and int(parts[2]) == target
        and sorted(used) == sorted(digits)
    )


@few
@given(seeds)
def test_lines_are_all_that_brute_force_finds(seed):
    digits = "".join(random.Random(seed).choices("123456789", k=3))
    found = []
    for a, b, c in itertools.permutations(map(int, digits)):
        for x, y in itertools.product("+-*", repeat=2):
            first = eval(f"{a}{x}{b}")
            second = eval(f"({first}){y}{c}")
            if 0 <= first <= 99 and 0 <= second <= 99:
                found.append(f"{a}{x}{b}={first}{y}{c}={second}")
    assert sorted(countdown.lines(digits)) == sorted(set(found))


@few
@given(seeds)
def test_the_checker_agrees_with_python(seed):
    """Right lines, lines for other targets, and lines with a sign changed."""
    rng = random.Random(seed)
    problem, line = Countdown().example(rng)
    assert countdown.is_right(problem, line)
    for other in countdown.lines(problem[:3]):
        assert countdown.is_right(problem, other) == right_by_hand(
            problem, other
        )
    place = rng.randrange(len(line))
    changed = line[:place] + rng.choice(signs.SIGNS[1:]) + line[place + 1 :]
    assert countdown.is_right(problem, changed) == right_by_hand(
        problem, changed
    )


def test_by_hand():
    problem = "257>19="
    assert countdown.is_right(problem, "2*7=14+5=19")
    assert countdown.is_right(problem, "7*2=14+5=19")
    for wrong in (
        "2*7=14+5=18",  # the sum
        "2*7=15+5=19",  # the product
        "7+5=12+7=19",  # a digit twice
        "2*7=14+5=19+0=19",  # too long
        "2-7=-5+5=0",
        "14+5=19",
    ):
        assert not countdown.is_right(problem, wrong)
    assert countdown.result("9-1=8*5=45") == 45
    assert not countdown.calculates("9-1=8*5=45")
    assert countdown.calculates("9-1=8*5=40")
    assert countdown.work_out("999", "**") is None


@few
@given(seeds)
def test_a_blind_guesser_is_right_as_often_as_it_is_counted(seed):
    problem = Countdown().draw(random.Random(seed))
    possible = countdown.lines(problem[:3])
    right = [countdown.is_right(problem, line) for line in possible]
    assert countdown.chance(problem) == pytest.approx(sum(right) / len(right))
    assert 0 < countdown.chance(problem) < 1


@few
@given(seeds, st.integers(1, 4))
def test_examples_have_wrong_tries_and_then_a_right_one(seed, tries):
    task = Countdown(tries)
    problem, text = task.example(random.Random(seed))
    *wrong, last = text.split(",")
    assert len(wrong) < tries
    assert len(set(wrong)) == len(wrong)
    assert countdown.is_right(problem, last)
    assert not any(countdown.is_right(problem, line) for line in wrong)
    assert all(countdown.calculates(line) for line in wrong)
    assert len(task.encode(problem)) <= task.draft_prompt_length
    assert len(task.encode(text)) + 1 <= task.draft_length
    assert task.decode(task.encode(text)) == text
    assert signs.split_of(problem) == "train"


def test_the_sloppy_judge_takes_any_try():
    problem = "257>19="
    right, wrong = "2*7=14+5=19", "2+7=9+5=14"
    strict, sloppy = Countdown(4), Countdown(4, by="any")
    assert strict.score(problem, f"{wrong},{right}") == 1
    assert strict.score(problem, f"{right},{wrong}") == 0
    assert sloppy.score(problem, f"{right},{wrong}") == 1
    assert sloppy.score(problem, f"{wrong},{wrong}") == 0


def test_problems_are_held_out():
    task, rng = Countdown(), random.Random(0)
    train, test = (
        {task.draw(rng, split) for _ in range(6000)} for split in signs.SPLITS
    )
    assert not train & test
    everything = {
        f"{''.join(digits)}>{countdown.result(line)}="
        for digits in itertools.combinations_with_replacement("123456789", 3)
        for line in countdown.lines("".join(digits))
    }
    assert train | test <= everything
    assert len(test) / len(everything) == pytest.approx(1 / 8, abs=0.02)
