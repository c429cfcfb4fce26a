"""The drawings of chapter 5: what they say follows from what they are given."""

import re

import numpy as np
import pytest

from llmbook.showing.sketches import chapter_05 as draw

VECTORS = np.array(
    [[0.1, 0.2, 0.3], [0.01, 0.02, 0.03], [0.5, -0.2, 0.0], [0.0, 0.0, -0.4]]
)


def written(sketch):
    """Return the texts of a drawing, in their order."""
    return re.findall(r"<text[^>]*>([^<]*)</text>", sketch.svg())


def test_the_way_begins_with_the_line_and_counts_its_steps():
    sketch = draw.way("很好。", list("很好。"), ["很", "好"])
    said = written(sketch)
    assert said[0] == "raw line: 很好。"
    assert "segment: 很 好" in said
    assert [word for word in said if word.isdigit()] == [
        "1",
        "2",
        "2",
        "3",
        "4",
    ]


def test_what_is_new_in_the_better_model_is_green():
    svg = draw.two_models().svg()
    assert len(re.findall(r'class="box good"', svg)) == 5
    assert svg.count('class="box plus"') == 2
    assert svg.count('class="stream"') == 2
    said = written(draw.two_models())
    assert said.count("self-attention") == said.count("one unit") == 2


def test_pooling_has_one_row_of_weights_and_attention_a_square():
    square = np.array([[0.5, 0.5], [0.25, 0.75]])
    said = written(draw.pooling(["不", "好"], square, np.array([0.1, 0.9])))
    numbers = [word for word in said if word.startswith("0.")]
    assert numbers == ["0.50", "0.50", "0.25", "0.75", "0.10", "0.90"]


def test_paths_of_a_rollout_are_as_thick_as_their_shares():
    weights = np.array([[0.8, 0.2], [0.4, 0.6]])
    sketch = draw.rollout(["不", "好"], weights, [0.3, 0.7], [0.35, 0.65])
    said = written(sketch)
    assert [word for word in said if word.startswith("0.")] == [
        "0.30",
        "0.70",
        "0.35",
        "0.65",
    ]
    widths = [
        float(width)
        for width in re.findall(r"stroke-width:([\d.]+)", sketch.svg())
    ]
    shares = [0.3, 0.7, *(weights / 2).ravel()]
    assert widths == pytest.approx([0.6 + 9 * share for share in shares])
    assert sketch.svg().count('class="stream"') == 2


def test_a_leak_has_its_accuracies_and_one_review_on_both_sides():
    said = written(draw.leak(0.96, 0.86))
    assert [word for word in said if word.startswith("test")] == [
        "test: accuracy 96%",
        "test: accuracy 86%",
    ]
    # two lines and two places above, one of each below
    assert said.count("A") == 4 + 2


def test_four_views_are_added_number_by_number():
    views = ["1:好", "2:好$", "3:不好$", "word:不好"]
    said = written(draw.four_views("不好", 1, views, [27, 3, 2, 1], VECTORS))
    assert [word for word in said if word in views] == views
    for number in ("27", "0.610", "0.020", "−0.070"):
        assert number in said


def test_a_deletion_test_shows_holes_and_what_is_left():
    groups = {"size": [("不好", 0.9), ("□好", 0.4)], "sign": [("不□", 0.25)]}
    sketch = draw.deletion_test(groups, "□")
    said = written(sketch)
    assert said.count("□") == 2
    assert [word for word in said if word.startswith("0.")] == [
        "0.90",
        "0.40",
        "0.25",
    ]
    widths = [
        float(width)
        for width in re.findall(
            r'<rect[^>]*width="([\d.]+)"[^>]*class="filled', sketch.svg()
        )
    ]
    assert widths == pytest.approx([72 * p for p in (0.9, 0.4, 0.25)])
