"""The drawings of chapter 10: what they say follows from what they are given."""

import re

import numpy as np

from llmbook.showing.sketches import chapter_10 as draw


def written(sketch):
    """Return the texts of a drawing, in their order."""
    return re.findall(r"<text[^>]*>([^<]*)</text>", sketch.svg())


def test_the_encoder_and_the_decoder_have_their_tokens():
    said = written(draw.encoder_decoder(["三", "月", "五"], ["Mar", "4", "5"]))
    assert {"三", "月", "五", "Mar", "4", "5"} <= set(said)
    assert said.count("self-attention") == 2
    assert said.count("cross-attention") == 1


def test_a_line_goes_from_each_written_token_to_what_it_reads_most():
    weights = np.array([[0.1, 0.8, 0.1], [0.6, 0.2, 0.2], [0.2, 0.2, 0.6]])
    sketch = draw.alignment_lines(
        ["二", "月", "日"], ["Feb", ",", "2"], weights, [True, False, True]
    )
    assert sketch.svg().count('class="value"') == 2
    assert "Feb to 月, 2 to 日" in sketch.svg()
    drawn = [text for text in written(sketch) if text.strip()]
    assert drawn[:6] == ["Feb", ",", "2", "二", "月", "日"]


def test_more_tokens_than_fit_make_the_drawing_wider():
    sketch = draw.alignment_lines(["二"] * 40, ["x"], np.ones((1, 40)), [True])
    assert written(sketch).count("二") == 40
    assert sketch.width > 40 * 20


def test_after_the_mistake_alone_the_past_is_spoiled():
    sketch = draw.two_pasts(["a", "b", "c", "d"], ["a", "x", "c", "d"])
    assert "mistake in place 2" in sketch.svg()
    # two steps follow the mistake, in one of the two rows
    assert sketch.svg().count('class="back"') == 2


def test_the_leaves_of_a_beam_are_products():
    first = {"A": 0.6, "B": 0.4}
    second = {"A": {"A": 0.5, "B": 0.5}, "B": {"A": 0.9, "B": 0.1}}
    sketch = draw.beam_tree(first, second, "AA", "BA")
    said = written(sketch)
    for text in ("0.6 × 0.5 = 0.30", "0.4 × 0.9 = 0.36", "0.4 × 0.1 = 0.04"):
        assert text in said
    assert sketch.svg().count('class="stream"') == 2
    assert sketch.svg().count('class="box good"') == 1
