"""The drawings of chapter 4: what they say follows from what they are given."""

import numpy as np
import pytest

from llmbook.showing.sketches import chapter_04 as draw

VALUES = {"w": -0.5, "x": 2, "b": 0.3, "wx": -1, "u": -0.7, "y": -0.6}
VALUES |= {"t": 1, "L": 2.57}
GRADIENTS = {"w": -4.07, "x": 1.02, "b": -2.04, "wx": -2.04, "u": -2.04}
GRADIENTS |= {"y": -3.21, "L": 1.0}
COUNTS = {"vectors": 120, "attention": 256, "norm": 16}
COUNTS |= {"network": 552, "output": 80}
PARTS = [(name, "made", "op") for name in ("a", "b", "c", "d", "e", "f")]
DRAWINGS = {
    "neuron": (
        lambda: draw.neuron(VALUES, GRADIENTS),
        ["u = −0.700", "−4.07", "1.02", "t = 1"],
    ),
    "transformer": (
        lambda: draw.transformer(8, 10, COUNTS),
        ["552", "256", "(B, T, 8)", "(B, T, 10)"],
    ),
    "one rule": (
        lambda: draw.one_rule(3.0, [("2x", 6, 2), ("x²", 9, 6)], 8.0),
        ["L = 15", "1 × 6 = 6", "gradient 8"],
    ),
    "linear": (lambda: draw.linear_backward(4, 3, 5), ["N × d_in", "Xᵀ"]),
    "norm": (
        lambda: draw.norm_backward(
            np.array([1.0, -1.0]),
            np.array([3.0, 1.0]),
            np.array([1.0, -1.0]),
            np.zeros(2),
        ),
        ["3.00", "2.00", "0.00"],
    ),
    "tape": (
        lambda: draw.tape([("x", 3.0, 6.0), ("×", 9.0, 1.0)], [[], [0, 0]]),
        ["9", "6", "×"],
    ),
    "broadcast": (
        lambda: draw.broadcast(np.arange(3), np.array([[1, 4, 0], [2, 5, 1]])),
        ["3", "9"],
    ),
    "step": (lambda: draw.training_step(PARTS), ["a", "f", "6"]),
    "places": (draw.norm_places, ["pre-norm", "post-norm"]),
}


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_drawing_says_what_it_was_given(name):
    make, said = DRAWINGS[name]
    svg = make().svg()
    for words in said:
        assert f">{words}<" in svg
    assert make().svg() == svg


def test_gradients_bear_a_bar():
    svg = draw.linear_backward(4, 3, 5).svg()
    assert svg.count('class="macron"') == svg.count('class="box key"') == 4


def test_drawings_bear_names_of_their_own():
    names = [make().name for make, _ in DRAWINGS.values()]
    assert len(set(names)) == len(names)
