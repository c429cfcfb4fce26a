"""The drawings of chapter 21: what they say follows from what they are given."""

import re

import pytest

from llmbook.showing.sketches import chapter_21 as draw


def written(sketch):
    """Return the texts of a drawing, in their order."""
    return re.findall(r"<text[^>]*>([^<]*)</text>", sketch.svg())


def filled(sketch):
    """Return the widths of the filled bars."""
    found = re.findall(
        r'<rect[^>]*width="([\d.]+)"[^>]*class="filled', sketch.svg()
    )
    return [float(width) for width in found]


def test_questions_answered_alike_are_what_is_left():
    said = written(draw.paired({(10, 0): 0.002, (20, 10): 0.099}, 500))
    assert "490 alike" in said
    assert "470 alike" in said
    assert [word for word in said if word.startswith("p =")] == [
        "p = 0.002",
        "p = 0.099",
    ]


def test_each_way_has_its_share():
    ways = [("one", "done once", 0.25), ("many", "done often", 0.5)]
    sketch = draw.three_ways(ways)
    assert filled(sketch) == pytest.approx([24, 48])
    assert [word for word in written(sketch) if "%" in word] == ["25%", "50%"]


def test_a_chain_is_a_power():
    sketch = draw.chains([1, 2], [0.9, 0.5])
    bar = 276 / 2 - 8
    shares = [0.9, 0.81, 0.5, 0.25]
    assert filled(sketch) == pytest.approx([bar * p for p in shares], abs=0.01)
    assert "0.81" in written(sketch)
