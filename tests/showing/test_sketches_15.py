"""The drawings of chapter 15: what they say follows from what they are given."""

import re

from llmbook.showing.sketches import chapter_15 as draw


def written(sketch):
    """Return the texts of a drawing, in their order."""
    return re.findall(r"<text[^>]*>([^<]*)</text>", sketch.svg())


def test_three_forms_have_their_solutions():
    said = written(
        draw.three_forms(
            "7+5*3-2=",
            [("answer", "4"), ("steps", "7+5=2*3=6-2=4")],
            ["all three operations", "one operation"],
        )
    )
    assert "7+5=2*3=6-2=4" in said
    assert "one character takes one operation" in said


def test_the_loop_says_how_many_are_right():
    sketch = draw.checker_loop("7+5*3-2=", (3, 8), 16)
    assert "here 3 of 8 are right" in written(sketch)
    assert "16 problems such as 7+5*3-2=" in sketch.svg()


def test_a_group_has_a_bar_for_each_advantage_that_is_not_zero():
    sketch = draw.group(["a", "b", "c"], [1, 0, 0.5], [0.5, -0.5, 0.0])
    assert len(re.findall('class="filled', sketch.svg())) == 2
    assert written(sketch)[-1] == "+0.00"
    assert "mean reward 0.50" in written(sketch)
    same = draw.group(["a", "b"], [1, 1], [0.0, 0.0])
    assert not re.findall('class="filled', same.svg())


def test_characters_that_differ_are_shaded():
    sketch = draw.judges(
        "7+5*3-2=",
        "7+5=2*3=6-2=4",
        "7+5=2*8=6-2=4",
        [("the last digit", True), ("every character", False)],
    )
    depths = re.findall(r"fill-opacity:([\d.]+)", sketch.svg())
    assert sum(float(depth) for depth in depths) == 1
    assert written(sketch)[-3:] == ["right", "every character", "wrong"]


def test_tries_are_marked():
    sketch = draw.tries(
        "257>19=",
        ["2*7=14+5=19", "2+7=9+5=14"],
        [True, False],
        [("any try", True), ("the last try", False)],
    )
    said = written(sketch)
    assert said.index("2*7=14+5=19") + 1 == said.index("right")
    assert said[-1] == "wrong"
