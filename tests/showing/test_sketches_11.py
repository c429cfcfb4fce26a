"""The drawings of chapter 11: what they say follows from what they are given."""

import re

import numpy as np

from llmbook.measures.summaries import Rouge
from llmbook.showing.sketches import chapter_11 as draw


def written(sketch):
    """Return the texts of a drawing, in their order."""
    return re.findall(r"<text[^>]*>([^<]*)</text>", sketch.svg())


def lines(sketch, kind):
    """Return how many lines of a kind a drawing has."""
    return len(re.findall(rf'<path[^>]*class="{kind}"', sketch.svg()))


def test_rouge_l_counts_the_lines_that_do_not_cross():
    reference = ["the", "weighted", "sum", "of", "all", "values"]
    summary = ["return", "the", "sum", "of", "values"]
    other = ["values", "of", "the", "sum", "return"]
    scores = [Rouge(0.72, 0.22, 0.73), Rouge(0.71, 0.0, 0.36)]
    one = draw.rouge_bands(reference, [summary], scores[:1])
    assert (lines(one, "stream"), lines(one, "back")) == (4, 0)
    assert lines(one, "value") == 1  # the pair "sum of"
    two = draw.rouge_bands(reference, [other], scores[1:])
    assert (lines(two, "stream"), lines(two, "back")) == (2, 2)
    assert lines(two, "value") == 0
    assert any("ROUGE-L 0.36" in text for text in written(two))


def test_the_roads_of_a_pointer_generator_have_the_numbers_given():
    sketch = draw.two_roads(
        ["a", "b", "a"],
        [0.5, 0.2, 0.3],
        {"a": 0.1, "b": 0.2, "the": 0.7},
        0.25,
        {"a": 0.625, "b": 0.2, "the": 0.175},
        {"a": 0.96, "b": 0.75, "the": 0.0},
    )
    said = written(sketch)
    assert {"0.80", "0.625", "0.175", "0.96"} <= set(said)
    assert "× (1 − g) = 0.75" in said
    assert "× g = 0.25" in said


def test_coverage_is_the_sum_of_the_steps_before():
    weights = np.array([[0.2, 0.8], [0.0, 1.0], [0.5, 0.5]])
    said = written(draw.coverage_fills(["x", "y"], weights, [0.0, 0.8, 0.7]))
    rows = said[said.index("step 3") + 1 :]
    assert rows == ["0.5", "0.5", "0.2", "1.8", "0.7"]
