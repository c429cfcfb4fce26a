"""The drawings of chapter 9: what they say follows from what they are given."""

import re

from llmbook.showing.sketches import chapter_09 as draw


def written(sketch):
    """Return the texts of a drawing, in their order."""
    return re.findall(r"<text[^>]*>([^<]*)</text>", sketch.svg())


def test_the_numbers_of_an_adapter_are_counted():
    said = written(draw.low_rank(100, 200, 4))
    assert {"20,000 numbers", "A and B: 1,200 numbers"} <= set(said)
    assert {"100 × 200", "100 × 4", "4 × 200"} <= set(said)
    assert "trained: 6.0% as many numbers as W has" in said


def test_every_layer_of_the_upper_blocks_has_an_adapter():
    parts = {"attention": ["q", "k"], "network": ["gate"]}
    sketch = draw.where_adapters_sit(12, 4, parts)
    svg = sketch.svg()
    assert svg.count('class="box learned"') == 8 + 3
    assert svg.count('class="box frozen"') == 4 + 3
    assert {"q", "k", "gate", "8 × 3 = 24"} <= set(written(sketch))


def test_each_part_of_a_message_is_a_row_in_the_colour_of_its_rule():
    sketch = draw.message_before_and_after(
        {"greeting": "Hi", "closing": ""},
        {"greeting": "Dear", "closing": "Ann"},
        ["greeting"],
    )
    said = written(sketch)
    assert said.index("Hi") < said.index("Dear") < said.index("–")
    assert sketch.svg().count('class="box learned"') == 1
    assert sketch.svg().count('class="box good"') == 1
    assert "closing: nothing becomes Ann" in sketch.svg()


def test_the_refiner_speaks_with_the_adapters_that_are_shipped():
    sketch = draw.one_model(30)
    assert written(sketch).count("adapters") == 3
    assert sketch.svg().count('class="box learned"') == 2
    assert sketch.svg().count('class="box data"') == 1
    assert "2 refine: with the shipped adapters" in sketch.svg()
