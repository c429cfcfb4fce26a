"""Optimisers, schedule and clipping beside Keras, step by step, and beside closed forms."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from llmbook.mathematics.optim import (
    SGD,
    Adam,
    clip_by_global_norm,
    warmup_cosine,
)

seeds = st.integers(0, 2**32 - 1)
twenty = settings(max_examples=20, deadline=None, derandomize=True)
SHAPES = [(3, 2), (4,), (1,)]
# Keras keeps its constants in float32: these are numbers that float32 holds exactly.
EXACT = {"beta_1": 7 / 8, "beta_2": 1023 / 1024, "epsilon": 2.0**-20}
PAIRS = {
    "SGD": (SGD, keras.optimizers.SGD, {}, 1e-13),
    "momentum": (SGD, keras.optimizers.SGD, {"momentum": 0.875}, 1e-13),
    "SGD, decay": (
        SGD,
        keras.optimizers.SGD,
        {"momentum": 0.5, "weight_decay": 0.125},
        1e-13,
    ),
    "Adam": (Adam, keras.optimizers.Adam, EXACT, 1e-13),
    "AdamW": (
        Adam,
        keras.optimizers.AdamW,
        {**EXACT, "weight_decay": 0.125},
        1e-13,
    ),
    "Adam, default constants": (Adam, keras.optimizers.Adam, {}, 1e-4),
}


@pytest.mark.equation("eq-sgd")
@pytest.mark.equation("eq-momentum")
@pytest.mark.equation("eq-adam")
@pytest.mark.equation("eq-weight-decay")
@pytest.mark.parametrize("pair", PAIRS)
def test_twenty_steps_as_keras(pair):
    ours, theirs, options, tolerance = PAIRS[pair]
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=shape) for shape in SHAPES]
    variables = [keras.Variable(array, dtype="float64") for array in arrays]
    optimiser, reference = (
        ours(arrays, 0.125, **options),
        theirs(0.125, **options),
    )
    for step in range(20):
        rate = 2.0 ** -(3 + step % 4)  # the rate may change from step to step
        optimiser.learning_rate = rate
        reference.learning_rate = rate
        gradients = [
            rng.normal(size=shape) * 10.0 ** rng.integers(-3, 3)
            for shape in SHAPES
        ]
        optimiser.step(gradients)
        reference.apply(
            [tf.constant(gradient) for gradient in gradients], variables
        )
        for array, variable in zip(arrays, variables, strict=True):
            scale = max(1.0, np.abs(variable.numpy()).max())
            assert np.abs(array - variable.numpy()).max() < tolerance * scale


def test_the_constants_of_adam_are_those_of_keras_unless_told():
    ours, theirs = Adam([np.ones(1)]), keras.optimizers.Adam().get_config()
    names = ("learning_rate", "beta_1", "beta_2", "epsilon")
    assert [getattr(ours, name) for name in names] == pytest.approx(
        [theirs[name] for name in names]
    )
    assert ours.weight_decay == 0
    plain = SGD([np.ones(1)], 0.1)
    assert (plain.momentum, plain.weight_decay) == (0, 0)


@pytest.mark.equation("eq-adam")
@twenty
@given(seeds)
def test_adam_is_the_published_algorithm(seed):
    """Algorithm 1 of Kingma and Ba, whose ε goes to 0 alike."""
    rng = np.random.default_rng(seed)
    parameter = rng.normal(size=5)
    expected, mean, square = parameter.copy(), np.zeros(5), np.zeros(5)
    adam = Adam([parameter], 0.1, epsilon=0)
    for t in range(1, 11):
        gradient = rng.normal(size=5)
        adam.step([gradient])
        mean = 0.9 * mean + 0.1 * gradient
        square = 0.999 * square + 0.001 * gradient**2
        expected -= (
            0.1 * (mean / (1 - 0.9**t)) / np.sqrt(square / (1 - 0.999**t))
        )
        np.testing.assert_allclose(parameter, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.equation("eq-adam")
@twenty
@given(
    st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=4), st.floats(1e-4, 1.0)
)
def test_the_first_step_of_adam_is_the_learning_rate(gradient, learning_rate):
    parameter = np.zeros(len(gradient))
    Adam([parameter], learning_rate, epsilon=0).step([np.array(gradient)])
    np.testing.assert_allclose(parameter, -learning_rate, rtol=1e-9)


@pytest.mark.equation("eq-momentum")
def test_momentum_under_a_constant_gradient_reaches_its_terminal_speed():
    parameter = np.zeros(1)
    optimiser = SGD([parameter], 0.1, momentum=0.9)
    for _ in range(300):
        before = parameter.copy()
        optimiser.step([np.ones(1)])
    np.testing.assert_allclose(parameter - before, -0.1 / (1 - 0.9), rtol=1e-9)


@pytest.mark.equation("eq-convergence")
@twenty
@given(st.floats(0.1, 10.0), st.floats(0.01, 3.0))
def test_gradient_descent_on_a_parabola(curvature, learning_rate):
    parameter = np.ones(1)
    sgd = SGD([parameter], learning_rate)
    for _ in range(10):
        sgd.step([curvature * parameter])
    np.testing.assert_allclose(
        parameter, (1 - learning_rate * curvature) ** 10, rtol=1e-9, atol=1e-12
    )
    assert (abs(parameter[0]) < 1) == (learning_rate < 2 / curvature)


@pytest.mark.equation("eq-noise-floor")
def test_noise_floor_of_gradient_descent_on_a_parabola():
    rng = np.random.default_rng(0)
    curvature, learning_rate, noise = 2.0, 0.1, 0.5
    parameter = np.zeros(20_000)  # so many independent runs
    sgd = SGD([parameter], learning_rate)
    for _ in range(100):
        sgd.step(
            [curvature * parameter + noise * rng.normal(size=parameter.shape)]
        )
    expected = (
        learning_rate * noise**2 / (curvature * (2 - learning_rate * curvature))
    )
    np.testing.assert_allclose(np.mean(parameter**2), expected, rtol=0.05)


@pytest.mark.parametrize(
    ("optimiser", "options"),
    [(SGD, {"momentum": 0.0}), (Adam, {"beta_1": 0.0, "beta_2": 0.0})],
)
def test_at_a_rate_of_zero_nothing_moves(optimiser, options):
    parameter = np.arange(3.0)
    still = optimiser([parameter], 0.0, weight_decay=0.5, **options)
    still.step([np.ones(3)])
    np.testing.assert_array_equal(parameter, np.arange(3.0))


@pytest.mark.equation("eq-weight-decay")
@pytest.mark.parametrize("optimiser", [SGD, Adam])
def test_decay_is_decoupled_from_the_gradient(optimiser):
    parameter = np.full(3, 2.0)
    optimiser([parameter], 0.1, weight_decay=0.5).step([np.zeros(3)])
    np.testing.assert_allclose(parameter, 2.0 * (1 - 0.1 * 0.5))


@pytest.mark.equation("eq-warmup-cosine")
@twenty
@given(
    st.integers(0, 20),
    st.integers(1, 50),
    st.floats(1e-4, 1.0),
    st.floats(0, 1),
)
def test_schedule_as_keras(warmup_steps, cosine_steps, peak, share):
    total = warmup_steps + cosine_steps
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0 if warmup_steps else peak,
        cosine_steps,
        alpha=share,
        warmup_target=peak if warmup_steps else None,
        warmup_steps=warmup_steps,
    )
    for step in range(0, total + 3):
        ours = warmup_cosine(step, peak, warmup_steps, total, share * peak)
        np.testing.assert_allclose(
            ours, float(schedule(step)), rtol=1e-4, atol=1e-6 * peak
        )


@pytest.mark.equation("eq-warmup-cosine")
def test_schedule_by_hand():
    rates = [warmup_cosine(step, 1.0, 2, 6) for step in range(8)]
    np.testing.assert_allclose(
        rates,
        [0, 0.5, 1, (1 + 0.5**0.5) / 2, 0.5, (1 - 0.5**0.5) / 2, 0, 0],
        atol=1e-15,
    )


@twenty
@given(st.integers(0, 20), st.integers(1, 50))
def test_a_schedule_is_exact_at_its_borders(warmup_steps, cosine_steps):
    total = warmup_steps + cosine_steps
    options = {"warmup_steps": warmup_steps, "total_steps": total}
    assert warmup_cosine(warmup_steps, 0.3, **options) == 0.3
    assert warmup_cosine(0, 0.3, **options) == (0 if warmup_steps else 0.3)
    for step in (total, total + 1, 10 * total):
        assert warmup_cosine(step, 0.3, **options) == 0
        assert warmup_cosine(step, 0.3, **options, final=0.1) == 0.1


@pytest.mark.equation("eq-clip")
@twenty
@given(seeds, st.floats(0.01, 10.0))
def test_clipping_as_tensorflow(seed, max_norm):
    rng = np.random.default_rng(seed)
    gradients = [rng.normal(size=shape) for shape in SHAPES]
    clipped, norm = clip_by_global_norm(gradients, max_norm)
    expected, expected_norm = tf.clip_by_global_norm(
        [tf.constant(gradient) for gradient in gradients], max_norm
    )
    np.testing.assert_allclose(norm, float(expected_norm), rtol=1e-6)
    for ours, theirs in zip(clipped, expected, strict=True):
        np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-6)
    assert np.sqrt(sum((g**2).sum() for g in clipped)) <= max_norm * (1 + 1e-12)


@pytest.mark.parametrize("max_norm", [5.0, 5.1, np.inf])
def test_gradients_that_are_short_enough_are_left_alone(max_norm):
    gradients = [np.array([3.0]), np.array([[4.0, 0.0]])]
    clipped, norm = clip_by_global_norm(gradients, max_norm)
    assert norm == 5
    for ours, given_ in zip(clipped, gradients, strict=True):
        np.testing.assert_array_equal(ours, given_)


def test_zero_gradients_are_left_alone():
    clipped, norm = clip_by_global_norm([np.zeros(3)], 1.0)
    assert norm == 0
    np.testing.assert_array_equal(clipped[0], np.zeros(3))


one = [np.ones(2)]


@pytest.mark.parametrize(
    ("call", "error", "name"),
    [
        (lambda: SGD(one, -1.0), ValueError, "learning_rate"),
        (lambda: SGD(one, np.inf), ValueError, "learning_rate"),
        (lambda: SGD(one, 0.1, momentum=1.0), ValueError, "momentum"),
        (lambda: SGD(one, 0.1, momentum=-0.1), ValueError, "momentum"),
        (lambda: SGD([np.array([1j])], 0.1), TypeError, "parameters"),
        (lambda: SGD(one, 0.1, weight_decay=-1.0), ValueError, "weight_decay"),
        (lambda: SGD([[1.0]], 0.1), TypeError, "parameters"),
        (lambda: SGD([np.array([1])], 0.1), TypeError, "parameters"),
        (lambda: SGD(one, 0.1).step([np.ones(3)]), ValueError, "gradients"),
        (lambda: SGD(one, 0.1).step([]), ValueError, "gradients"),
        (lambda: Adam(one, float("nan")), ValueError, "learning_rate"),
        (lambda: Adam(one, beta_1=1.0), ValueError, "beta_1"),
        (lambda: Adam(one, beta_2=-0.1), ValueError, "beta_2"),
        (lambda: Adam(one, beta_2=1.0), ValueError, "beta_2"),
        (lambda: Adam(one, epsilon=-1.0), ValueError, "epsilon"),
        (lambda: Adam(one, weight_decay=-1.0), ValueError, "weight_decay"),
        (lambda: Adam(one).step([np.ones(3)]), ValueError, "gradients"),
        (lambda: warmup_cosine(1, 0.1, 5, 5), ValueError, "warmup_steps"),
        (lambda: warmup_cosine(1, 0.1, -1, 5), ValueError, "warmup_steps"),
        (lambda: warmup_cosine(-1, 0.1, 1, 5), ValueError, "step must"),
        (lambda: clip_by_global_norm(one, 0.0), ValueError, "max_norm"),
        (lambda: clip_by_global_norm(one, np.nan), ValueError, "max_norm"),
        (
            lambda: clip_by_global_norm([np.array([np.inf])], 1.0),
            ValueError,
            "gradients",
        ),
        (
            lambda: clip_by_global_norm([np.array([np.nan])], 1.0),
            ValueError,
            "gradients",
        ),
    ],
)
def test_bad_input_is_named(call, error, name):
    with pytest.raises(error, match=name):
        call()


SHARES = [-0.1, 1.0, np.nan]
AMOUNTS = [-0.1, np.inf, np.nan]


@pytest.mark.parametrize(
    ("optimiser", "option", "values"),
    [
        (SGD, "learning_rate", AMOUNTS),
        (SGD, "momentum", SHARES),
        (SGD, "weight_decay", AMOUNTS),
        (Adam, "learning_rate", AMOUNTS),
        (Adam, "beta_1", SHARES),
        (Adam, "beta_2", SHARES),
        (Adam, "epsilon", AMOUNTS),
        (Adam, "weight_decay", AMOUNTS),
    ],
)
def test_amounts_are_finite_and_shares_below_one(optimiser, option, values):
    for value in values:
        with pytest.raises(ValueError, match=option):
            optimiser(one, **({"learning_rate": 0.1} | {option: value}))
    optimiser(one, **({"learning_rate": 0.1} | {option: 0.0}))
