"""The drawings of chapter 6: what they say follows from what they are given."""

import re

import numpy as np
import pytest

from llmbook.showing.sketches import chapter_06 as draw

COUNTS = {"embedding": 1200, "attention": 70, "network": 130}


def written(sketch):
    """Return the texts of a drawing, in their order."""
    return re.findall(r"<text[^>]*>([^<]*)</text>", sketch.svg())


def bars(sketch):
    """Return how long the filled part of each bar is."""
    return [
        float(width)
        for width in re.findall(
            r'<rect[^>]*width="([\d.]+)"[^>]*class="filled', sketch.svg()
        )
    ]


@pytest.mark.parametrize("num_layers", [1, 3])
def test_the_whole_gpt_has_two_branches_in_each_block(num_layers):
    sketch = draw.whole_gpt(num_layers, 16, COUNTS)
    said = written(sketch)
    assert said.count("70") == said.count("130") == num_layers
    assert said.count("1,200") == 1  # the table is tied
    assert sketch.svg().count('class="box plus"') == 2 * num_layers
    assert "16 numbers wide" in said


def test_one_table_has_a_row_and_a_logit_for_each_token():
    rows = np.array([[0.1, 0.2, 0.3], [-1.0, 0.0, 1.0]])
    said = written(draw.one_table(["三", "马"], rows, 1, [-2.0, 7.25]))
    for text in ("三", "马", "0.30", "−1.00", "−2.0", "7.2"):
        assert text in said


def test_a_window_s_targets_are_its_input_moved_by_one():
    said = written(draw.windows_of_text([90, 10], 8, 100, list("abcd")))
    letters = [text for text in said if len(text) == 1]
    assert letters == list("abbccd")  # input over target
    assert "2 windows × 8 = 16 questions per step" in said


def test_a_checkpoint_lists_its_parts_and_goes_on_with_the_next_step():
    said = written(draw.checkpoint({"weights": 1234, "seeds": 2}, 3))
    assert {"weights", "1,234", "seeds", "2", "3", "4"} <= set(said)


def test_bars_of_the_sampling_parameters_are_shares_of_the_largest():
    stages = {
        "as it is": ([0.4, 0.2, 0.1, 0.1, 0.0, 0.0], 2699),
        "top-k, k = 1": ([0.8, 0.0, 0.0, 0.0, 0.0, 0.0], 1),
    }
    sketch = draw.knobs_in_order(list("abcdef"), stages)
    assert bars(sketch)[:4] == [12, 6, 3, 3]
    assert bars(sketch)[6:] == [24, 0, 0, 0, 0, 0]
    assert "2,699" in written(sketch)
    assert "a full bar is 0.80" in written(sketch)


def test_a_loop_is_marked_both_times():
    svg = draw.greedy_loop(list("xabcyabcz"), 1, 5, 3).svg()
    assert svg.count('class="box query"') == 3
    assert svg.count('class="box key"') == 3
    assert svg.count('class="box data"') == 3


def test_cached_steps_compute_one_position_each():
    sketch = draw.cache_steps(2, 3)
    said = written(sketch)
    assert "computed: 9" in said  # 2 + 3 + 4
    assert "computed: 4" in said  # 2 + 1 + 1
    dark = sketch.svg().count("fill-opacity:0.850")
    pale = sketch.svg().count("fill-opacity:0.150")
    assert (dark, pale) == (9 + 4, 2 + 3)
