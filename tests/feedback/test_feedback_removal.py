"""The published toy task: what is asked, and what is right."""

import random

import pytest

from llmbook.feedback.tasks import invitations, removal


def test_the_grid_is_the_published_one():
    assert len(removal.CELLS) == 27
    assert removal.CONSTANT_CELLS == ((1, 1), (2, 2), (3, 3))


def test_a_task_by_hand():
    assert removal.sentence(["snob", "friend"]) == (
        "you",
        "are",
        "a",
        "snob",
        ",",
        "a",
        "friend",
        ".",
    )


@pytest.mark.parametrize("cell", removal.CELLS)
def test_answers_lack_exactly_what_was_named(cell):
    rng = random.Random(str(cell))
    for _ in range(20):
        prompt, answer = removal.draw(rng, *cell)
        assert invitations.UNKNOWN not in prompt + answer
        text = " ".join(removal.decode(prompt))
        shown, critique = text.removesuffix(" <refine>").split(" <end> ")
        named = {word for word in critique.split() if word in removal.NAMES}
        words = [
            word
            for word in shown.split()
            if word in (*removal.NAMES, removal.KIND)
        ]
        assert len(words) == cell[0] + 1
        assert len(named) == cell[1]
        kept = [word for word in words if word not in named]
        assert removal.KIND in kept
        assert removal.decode(answer) == (*removal.sentence(kept), "<end>")
        assert len(prompt) <= removal.LONGEST_PROMPT
        assert len(answer) <= removal.LONGEST_SENTENCE


def test_constant_cells_have_one_answer():
    rng = random.Random(0)
    for cell in removal.CONSTANT_CELLS:
        assert len({tuple(removal.draw(rng, *cell)[1]) for _ in range(20)}) == 1


def test_other_cells_are_refused():
    with pytest.raises(ValueError, match="must be one of CELLS"):
        removal.draw(random.Random(0), 2, 3)
