"""The calculator: its checkers agree with plain arithmetic, step by step."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmbook.reasoning import calculator, signs
from llmbook.reasoning.calculator import Calculator

few = settings(max_examples=60, deadline=None)
seeds = st.integers(0, 2**32 - 1)


def by_hand(problem):
    """The displays of a problem, by Python's own arithmetic on the whole sum."""
    found = []
    for stop in range(3, len(problem), 2):
        value = problem[0]
        for place in range(1, stop, 2):
            value = f"({value}{problem[place : place + 2]})"
        found.append(eval(value) % 10)
    return found


@few
@given(seeds, st.integers(1, 8))
def test_displays_are_last_digits_of_python(seed, count):
    problem = Calculator(count, count).draw(random.Random(seed))
    steps = calculator.work_out(problem)
    assert [step.display for step in steps] == by_hand(problem)
    assert calculator.solve(problem, "answer") == str(by_hand(problem)[-1])
    assert calculator.solve(problem, "displays") == "".join(
        map(str, by_hand(problem))
    )


def test_the_example_of_the_book():
    assert calculator.solve("7+5*3-2=") == "7+5=2*3=6-2=4"
    assert calculator.solve("7+5*3-2=", "displays") == "264"
    assert calculator.press(2, "-", 9) == 3


@few
@given(seeds)
def test_a_right_solution_passes_every_judge_and_one_changed_sign_does_not(
    seed,
):
    rng = random.Random(seed)
    task = Calculator(2, 5)
    problem, text = task.example(rng)
    for by in calculator.JUDGES:
        assert calculator.judge(problem, text, by)
    assert set(task.tick(problem, text).values()) == {True}
    assert calculator.right_displays(problem, text)
    place = rng.randrange(len(text))
    others = [sign for sign in signs.SIGNS[1:] if sign != text[place]]
    wrong = text[:place] + rng.choice(others) + text[place + 1 :]
    assert not calculator.judge(problem, wrong)
    found = calculator.right_steps(problem, wrong)
    assert found is None or False in found


@few
@given(seeds)
def test_a_solution_is_right_if_all_its_steps_are(seed):
    """Digits and operations changed at random: the two checkers agree."""
    rng = random.Random(seed)
    problem, text = Calculator(3, 3).example(rng)
    written = "".join(
        rng.choice("0123456789" if sign in "0123456789" else "+-*")
        if sign != "=" and rng.random() < 0.1
        else sign
        for sign in text
    )
    steps = calculator.right_steps(problem, written)
    assert calculator.judge(problem, written) == all(steps)


def test_a_step_is_judged_by_itself():
    """A wrong display is one wrong step; what follows from it is right."""
    problem = "7+5*3-2="
    slip, copied = "7+5=3*3=9-2=7", "7+5=2*4=8-2=6"
    assert calculator.right_steps(problem, slip) == [False, True, True]
    assert calculator.right_steps(problem, copied) == [True, False, True]
    assert calculator.right_steps(problem, "8+5=3*3=9-2=7")[0] is False
    assert calculator.right_steps(problem, "7+5=2*3=6") is None
    # right displays, and operands that were not asked for
    unfaithful = "7+5=2*8=6-2=4"
    assert calculator.judge(problem, unfaithful, "answer")
    assert calculator.right_displays(problem, unfaithful)
    assert not calculator.judge(problem, unfaithful)
    # a sloppy judge takes the right digit wherever it stands
    assert calculator.judge(problem, "4", "anywhere")
    assert calculator.judge(problem, "7+5=4*3=2-2=0", "anywhere")
    assert not calculator.judge(problem, "7+5=1*3=3-2=1", "anywhere")


@few
@given(seeds, st.integers(1, 6))
def test_places_part_a_solution_into_its_steps(seed, count):
    task = Calculator(count, count)
    problem, text = task.example(random.Random(seed))
    places = task.places(problem, text)
    assert list(places) == list(task.tick(problem, text))
    assert [i for step in places.values() for i in step] == list(
        range(len(text) + 1)
    )
    shown = ["".join(f"{text}."[i] for i in step) for step in places.values()]
    assert all(
        step[-2 - (i + 1 == count)] == "=" for i, step in enumerate(shown)
    )


def test_places_of_what_is_not_written_in_steps():
    with pytest.raises(ValueError, match="text must be"):
        Calculator(3, 3).places("7+5*3-2=", "4")


@few
@given(seeds, st.integers(1, 8), st.sampled_from(calculator.FORMS))
def test_solutions_are_as_long_as_the_task_says(seed, count, form):
    task = Calculator(1, count, form)
    problem, text = task.example(random.Random(seed))
    assert len(task.encode(problem)) <= task.draft_prompt_length
    assert len(task.encode(text)) + 1 <= task.draft_length
    assert task.decode(task.encode(text)) == text
    longest = Calculator(count, count, form)
    problem, text = longest.example(random.Random(seed))
    assert len(problem) == longest.draft_prompt_length
    assert len(text) + 1 == longest.draft_length


def test_no_problem_is_in_both_splits():
    task, rng = Calculator(1, 1), random.Random(0)
    train, test = (
        {task.draw(rng, split) for _ in range(2000)} for split in signs.SPLITS
    )
    assert not train & test
    assert len(train | test) == 243  # all there are
    assert 0.08 < len(test) / 243 < 0.17


def test_a_blind_guess_of_the_answer_is_worth_ten_percent():
    task, rng = Calculator(4, 4), random.Random(0)
    found = [task.demonstrate(task.draw(rng))[-1] for _ in range(4000)]
    most = max(map(found.count, "0123456789"))
    assert 0.1 < most / 4000 < 0.25
