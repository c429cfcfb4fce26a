"""Alignment read from heatmaps, beside counts by hand and chance."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmbook.measures.alignment import alignment_accuracy, same

few = settings(max_examples=25, deadline=None)


def test_alignment_counts_the_largest_weights_that_stand_right():
    weights = [np.array([[0.7, 0.3, 0.0], [0.1, 0.9, 0.0], [0.5, 0.5, 0.0]])]
    right = [np.array([[1, 0], [1, 0], [0, 0]], bool)]
    assert alignment_accuracy(weights, right) == (0.5, 0.5, 2)


@given(st.integers(0, 99))
@few
def test_uniform_guessing_is_right_as_often_as_chance_says(seed):
    rng = np.random.default_rng(seed)
    right = [rng.random((5, 4)) < 0.5 for _ in range(400)]
    found = alignment_accuracy([rng.random((5, 4)) for _ in right], right)
    assert abs(found.accuracy - found.chance) < 0.06


def test_labels_are_compared_and_misfits_named():
    assert same(["M", "-"], ["M", "-", "d"], "-").tolist() == [
        [True, False, False],
        [False] * 3,
    ]
    with pytest.raises(ValueError, match="weights and right must be as many"):
        alignment_accuracy([np.eye(2)], [])
    with pytest.raises(ValueError, match="must fit"):
        alignment_accuracy([np.eye(2)], [np.eye(3, dtype=bool)])
    with pytest.raises(ValueError, match="some row"):
        alignment_accuracy([np.eye(2)], [np.zeros((2, 2), bool)])
