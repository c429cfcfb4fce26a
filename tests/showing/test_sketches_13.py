"""The drawings of chapter 13: what they say follows from what they are given."""

import re

import pytest

from llmbook.showing.sketches import chapter_13 as draw


def written(sketch):
    """Return the texts of a drawing, in their order."""
    return re.findall(r"<text[^>]*>([^<]*)</text>", sketch.svg())


def filled(sketch):
    """Return, for each filled bar, where it begins, its length and its kind."""
    return [
        (float(x), float(width), kind)
        for x, width, kind in re.findall(
            r'<rect x="([\d.]+)"[^>]*width="([\d.]+)"[^>]*class="filled (\w+)',
            sketch.svg(),
        )
    ]


def test_blame_lies_left_of_the_line_and_praise_right_of_it():
    sketch = draw.words_that_change_sides(
        ["unpredictable"], {"films": [2.0], "cars": [-1.0]}
    )
    (x, longer, kind), (y, shorter, other) = filled(sketch)
    assert (kind, other) == ("good", "word")
    assert y + shorter == pytest.approx(x)
    assert longer == pytest.approx(2 * shorter)
    said = written(sketch)
    assert {"unpredictable", "films", "cars", "+2.0", "−1.0"} <= set(said)


def test_the_logit_is_the_sum_of_what_words_give():
    said = written(
        draw.adding_up(["a", "b"], [1.0, -2.0], [0.5, 0.25], [0.5, -0.5])
    )
    assert said.count("+0.00") == 1
    assert said.count("+0.50") == said.count("−0.50") == 1


def test_two_cuts_make_three_classes():
    said = written(draw.two_cuts(-0.25, 0.5, [("dull", -1.0), ("fine", 1.0)]))
    assert {"negative", "neutral", "positive", "−0.25", "+0.50"} <= set(said)
    assert said.index("1. dull") < said.index("2. fine")
