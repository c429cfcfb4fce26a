"""Checks of the exercises of chapter 16, agents."""

import itertools
import random

import numpy as np

from llmbook.exercises import exercise


@exercise("16.1", "At the price that is looked for, both ways earn the same.")
def dearest(answer):
    """Compare with a search through prices."""
    cases = [
        (0.2, 1.0, 1),
        (0.2, 1.0, 2),
        (0.9, 0.5, 1),
        (0.0, 0.75, 3),
        (1.0, 1.0, 2),
    ]
    for alone, called, calls in cases:
        price = answer(alone, called, calls)
        message = (
            f"right alone {alone}, with {calls} calls {called}: got a price of"
            f" {price}"
        )
        assert price >= 0, message
        earned = called - price * calls
        if called > alone:
            assert np.isclose(earned, alone), (
                f"{message}, at which calling earns {earned:.3f}"
            )
        else:
            assert price == 0, message


@exercise(
    "16.2", "Match a whole turn of the model, from its first sign to its last."
)
def calls_of(answer):
    """Compare with calls that were put into conversations one by one."""
    rng = random.Random(0)
    turns = {
        "Ftea.": ("F", "tea"),
        "C47*83.": ("C", "47*83"),
        "Pmal 99.": ("P", "mal 99"),
        "F.": ("F", ""),
        "A37.": None,
        "R37.": None,
        "Ftea": None,
        "37.Pmal 99.": None,
        "Ftea.Pmal 99.": None,
        "FteaPmal 99.": None,
        "ftea.": None,
        "Fsee\nme.": ("F", "see\nme"),
        "": None,
    }
    for _ in range(60):
        conversation = [
            (rng.choice(["user", "model", "program"]), rng.choice([*turns]))
            for _ in range(5)
        ]
        expected = [
            turns[text]
            for who, text in conversation
            if who == "model" and turns[text]
        ]
        found = [tuple(call) for call in answer(conversation)]
        assert found == expected, (
            f"the model's calls in {conversation} are {expected}, got {found}"
        )


@exercise("16.3", "Look at the whitelist first, then count, then run the tool.")
def boxed(answer):
    """Follow every sequence of four calls, and which tools were reached."""
    for allowed, most in itertools.product(("", "F", "FX", "CFX"), (0, 1, 2)):
        for signs in itertools.product("CFPX", repeat=4):
            _compare_box(answer, allowed, most, signs)


def _compare_box(answer, allowed, most, signs):
    """Assert that a box does what it should with these calls."""
    reached: list[str] = []
    expected: list[str] = []
    runs: list[str] = []

    def tool(sign):
        def run(text):
            reached.append(sign)
            if sign == "C":
                raise ZeroDivisionError
            return text + sign

        return run

    carry_out = answer({sign: tool(sign) for sign in "CFP"}, allowed, most)
    found = [carry_out(sign, "7") for sign in signs]
    for sign in signs:
        if sign in allowed and sign != "X" and len(runs) < most:
            runs.append(sign)
            expected.append("error" if sign == "C" else f"7{sign}")
        else:
            expected.append("no")
    about = f"allowed {allowed!r}, at most {most}, calls {signs}"
    assert found == expected, f"{about}: should give {expected}, got {found}"
    assert reached == runs, (
        f"{about}: the tools {runs} should be run, and {reached} were"
    )


@exercise("16.4", "Count questions that are both: wrong alone, and called.")
def helpful(answer):
    """Compare with counting, over all answers to three questions."""
    for alone in itertools.product((True, False), repeat=3):
        for called in itertools.product((True, False), repeat=3):
            wrong = [not right for right in alone]
            both = int(sum(np.logical_and(wrong, called)))
            expected = [
                both / sum(called) if any(called) else None,
                both / sum(wrong) if any(wrong) else None,
            ]
            found = list(answer([*alone], [*called]))
            assert len(found) == 2, f"two shares are wanted, got {found}"
            for want, got in zip(expected, found, strict=True):
                same = (
                    got is want
                    if want is None
                    else np.isclose(float("nan") if got is None else got, want)
                )
                assert same, (
                    f"right alone {alone}, called {called}: the shares are"
                    f" {expected}, got {found}"
                )
