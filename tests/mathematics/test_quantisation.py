"""Rounding to levels, against its definition, weight by weight."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmbook.mathematics.quantisation import round_to_levels

WEIGHTS = np.random.default_rng(0).normal(size=(6, 64)).astype("float32")


@pytest.mark.equation("eq-quantised")
@pytest.mark.parametrize("bits", [1, 2, 3, 4, 8])
@pytest.mark.parametrize("group", [8, 32, 64])
def test_each_weight_goes_to_the_nearest_level_of_its_block(bits, group):
    found = round_to_levels(WEIGHTS, bits, group)
    blocks = zip(
        WEIGHTS.reshape(-1, group), found.reshape(-1, group), strict=True
    )
    for block, rounded in blocks:
        least = float(np.float16(block.min()))
        step = float(
            np.float16((block.max() - block.min()) / np.float32(2**bits - 1))
        )
        levels = [least + q * step for q in range(2**bits)]
        nearest = [
            min(levels, key=lambda level, w=w: abs(level - w)) for w in block
        ]
        np.testing.assert_allclose(rounded, nearest, atol=1e-5)
        assert len(set(rounded.tolist())) <= 2**bits


@given(st.integers(2, 8), st.sampled_from([4, 16, 32]), st.integers(0, 99))
def test_what_was_rounded_stays_as_it_is(bits, group, seed):
    weights = np.random.default_rng(seed).normal(size=(3, 32))
    once = round_to_levels(weights, bits, group)
    np.testing.assert_allclose(
        round_to_levels(once, bits, group), once, rtol=0, atol=2e-3
    )


def test_a_block_of_equal_weights_stays():
    np.testing.assert_array_equal(
        round_to_levels(np.full((2, 8), 0.5), 3, 4), np.full((2, 8), 0.5)
    )


def test_a_group_must_divide_the_last_axis():
    with pytest.raises(ValueError, match="multiple of group, 5, got 64"):
        round_to_levels(WEIGHTS, 4, 5)
    with pytest.raises(ValueError, match="bits"):
        round_to_levels(WEIGHTS, 0, 8)
