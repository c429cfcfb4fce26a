import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmbook.mathematics.scaling import (
    fit_power_law,
    gpt_parameters,
    training_flops,
)
from llmbook.models.gpt import GPT, GPTConfig


@pytest.mark.equation("eq-power-law")
@given(st.floats(0.1, 100), st.floats(0.01, 2))
def test_an_exact_power_law_is_found(a, alpha):
    amounts = np.array([10.0, 50.0, 200.0, 3000.0])
    law = fit_power_law(amounts, a * amounts**-alpha)
    assert law.a == pytest.approx(a, rel=1e-6)
    assert law.alpha == pytest.approx(alpha, rel=1e-6)
    np.testing.assert_allclose(law.residuals, 0, atol=1e-9)
    assert law(7.0) == pytest.approx(a * 7.0**-alpha, rel=1e-6)


def test_noise_is_left_in_the_residuals_and_no_other_line_lies_closer():
    amounts = np.array([1.0, 2.0, 4.0, 8.0, 16.0])
    losses = 3 * amounts**-0.3 * np.exp([0.02, -0.03, 0.01, 0.03, -0.02])
    law = fit_power_law(amounts, losses)
    np.testing.assert_allclose(losses, law(amounts) * (1 + law.residuals))
    squares = (np.log1p(law.residuals) ** 2).sum()
    for change in (1.01, 0.99):
        for a, alpha in (
            (law.a * change, law.alpha),
            (law.a, law.alpha * change),
        ):
            assert (np.log(losses / (a * amounts**-alpha)) ** 2).sum() > squares


@pytest.mark.parametrize(
    ("amounts", "losses", "message"),
    [
        ([1, 2], [1, 2, 3], "two lists of one length"),
        ([[1, 2]], [[1, 2]], "two lists of one length"),
        ([2, 2], [1, 2], "at least two different amounts"),
        ([0, 2], [1, 2], "must be positive"),
        ([1, 2], [1, -2], "must be positive"),
        ([1, 2], [1, 0], "must be positive"),
    ],
)
def test_bad_input_is_named(amounts, losses, message):
    with pytest.raises(ValueError, match=message):
        fit_power_law(amounts, losses)


@pytest.mark.equation("eq-parameters")
@settings(max_examples=6, deadline=None)
@given(
    st.integers(2, 50),
    st.sampled_from([1, 2]),
    st.integers(1, 3),
    st.integers(1, 8),
)
def test_parameters_are_those_of_a_built_model(
    vocab_size, num_heads, num_layers, half
):
    d_model = 2 * half * num_heads
    config = GPTConfig(
        vocab_size, d_model=d_model, num_heads=num_heads, num_layers=num_layers
    )
    assert (
        gpt_parameters(vocab_size, d_model, num_layers)
        == GPT(config).count_params()
    )


@pytest.mark.equation("eq-parameters")
@pytest.mark.parametrize("hidden_dim", [None, 5])
def test_parameters_by_hand(hidden_dim):
    width = hidden_dim or 8
    attention, norm = 4 * 2 * 2, 2 * 2
    feed_forward = 2 * width + width + width * 2 + 2
    block = attention + feed_forward + 2 * norm
    assert (
        gpt_parameters(3, 2, 3, hidden_dim, positions=7)
        == 3 * 2 + 7 * 2 + 3 * block + norm
    )
    config = GPTConfig(
        3, d_model=2, num_heads=1, num_layers=3, hidden_dim=hidden_dim
    )
    assert (
        gpt_parameters(3, 2, 3, hidden_dim)
        == 3 * 2 + 3 * block + norm
        == GPT(config).count_params()
    )


@pytest.mark.parametrize(
    ("name", "layers", "width", "length", "billions"),
    # Brown et al. 2020, Table 2.1; the published figures are rounded.
    [
        ("small", 12, 768, 2048, 0.125),
        ("XL", 24, 2048, 2048, 1.3),
        ("175B", 96, 12288, 2048, 175),
    ],
)
def test_parameters_are_those_published_for_gpt_3(
    name, layers, width, length, billions
):
    count = gpt_parameters(50257, width, layers, positions=length)
    assert count / 1e9 == pytest.approx(billions, rel=0.02)


@pytest.mark.equation("eq-training-flops")
def test_compute_is_that_published_for_gpt_3():
    # Brown et al. 2020, Table D.1: 174,600 M parameters, 300 B tokens, 3.14e23 flops
    assert training_flops(174_600e6, 300e9) == pytest.approx(3.14e23, rel=0.005)


def test_what_is_not_trained_costs_nothing():
    assert training_flops(0, 5) == training_flops(5, 0) == 0


@pytest.mark.equation("eq-training-flops")
def test_a_matrix_product_costs_six_operations_a_weight_and_token():
    tokens, d_in, d_out = 5, 3, 4
    forward = tokens * d_out * d_in * 2  # output = x @ w
    grad_x = tokens * d_in * d_out * 2  # grad_x = grad_output @ w.T
    grad_w = d_in * d_out * tokens * 2  # grad_w = x.T @ grad_output
    assert training_flops(d_in * d_out, tokens) == forward + grad_x + grad_w


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: gpt_parameters(0, 1, 1),
            "vocab_size must be at least 1, got 0",
        ),
        (lambda: gpt_parameters(1, 0, 1), "d_model must be at least 1, got 0"),
        (
            lambda: gpt_parameters(1, 1, 0),
            "num_layers must be at least 1, got 0",
        ),
        (
            lambda: gpt_parameters(1, 1, 1, hidden_dim=0),
            "hidden_dim must be at least 1",
        ),
        (
            lambda: gpt_parameters(1, 1, 1, positions=-1),
            "positions must be at least 0, got -1",
        ),
        (
            lambda: training_flops(-1, 5),
            r"parameters must lie in \[0, inf\), got -1",
        ),
        (
            lambda: training_flops(5, -1),
            r"tokens must lie in \[0, inf\), got -1",
        ),
    ],
)
def test_bad_sizes_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
