"""Calibration beside loops over bins, labels drawn from known probabilities, and SciPy's minimum."""

import numpy as np
import pytest
import scipy.optimize
import scipy.special
from hypothesis import given, settings
from hypothesis import strategies as st

from llmbook.mathematics.calibration import (
    expected_calibration_error,
    fit_temperature,
    reliability,
)
from llmbook.mathematics.losses import cross_entropy


def softmax(logits):
    return scipy.special.softmax(logits, axis=-1)


def sample(shape, seed=0):
    """Logits of a shape, and a class for each of its positions."""
    rng = np.random.default_rng(seed)
    return rng.normal(scale=3, size=shape), rng.integers(
        shape[-1], size=shape[:-1]
    )


@pytest.mark.equation("eq-ece")
def test_expected_calibration_error_by_hand():
    probabilities = np.array([0.95, 0.92, 0.55, 0.58, 0.3, 0.02])
    labels = np.array([1, 0, 1, 1, 0, 0])
    # Bins of width 0.1: (0.5, 0.6], (0.6, 0.7] and (0.9, 1.0] hold 2, 1 and 3 confidences.
    by_hand = (
        2 * abs(1 - 0.565) + 1 * abs(1 - 0.7) + 3 * abs(2 / 3 - 2.85 / 3)
    ) / 6
    assert expected_calibration_error(
        probabilities, labels, bins=10
    ) == pytest.approx(by_hand)


@pytest.mark.equation("eq-ece")
@pytest.mark.parametrize("bins", [1, 7, 15])
def test_expected_calibration_error_is_the_loop_over_bins(bins):
    logits, labels = sample((300, 4))
    probabilities = softmax(logits)
    confidence, correct = (
        probabilities.max(axis=1),
        probabilities.argmax(axis=1) == labels,
    )
    reference = 0.0
    for b in range(bins):
        inside = (confidence > b / bins) & (confidence <= (b + 1) / bins)
        if inside.any():
            reference += inside.mean() * abs(
                correct[inside].mean() - confidence[inside].mean()
            )
    assert expected_calibration_error(
        probabilities, labels, bins
    ) == pytest.approx(reference)


def test_the_probability_of_one_class_stands_for_two():
    rng = np.random.default_rng(0)
    p, labels = rng.random(200), rng.integers(2, size=200)
    both = np.stack([1 - p, p], axis=1)
    assert expected_calibration_error(p, labels) == expected_calibration_error(
        both, labels
    )
    assert expected_calibration_error(
        p, labels == 1
    ) == expected_calibration_error(p, labels)


def test_reliability_puts_every_example_in_one_bin():
    confidence, accuracy, counts = reliability(
        [0.0, 0.55, 0.6, 1.0], [0, 1, 1, 0], bins=5
    )
    np.testing.assert_array_equal(counts, [0, 0, 2, 0, 2])
    np.testing.assert_allclose(confidence, [np.nan, np.nan, 0.575, np.nan, 1.0])
    np.testing.assert_allclose(accuracy, [np.nan, np.nan, 1.0, np.nan, 0.5])
    _, _, counts = reliability(
        [0.75, 0.8], [1, 1], bins=4
    )  # a confidence on an edge is below it
    np.testing.assert_array_equal(counts, [0, 0, 1, 1])


def test_there_are_fifteen_bins_unless_told():
    rng = np.random.default_rng(0)
    p, labels = rng.random(200), rng.integers(2, size=200)
    assert [len(column) for column in reliability(p, labels)] == [15] * 3
    assert expected_calibration_error(p, labels) == pytest.approx(
        expected_calibration_error(p, labels, 15)
    )


def test_sampled_labels_are_calibrated():
    rng = np.random.default_rng(0)
    p = rng.random(100_000)
    assert expected_calibration_error(p, rng.random(len(p)) < p) < 0.01
    assert expected_calibration_error(np.ones(10), np.zeros(10, dtype=int)) == 1


@pytest.mark.parametrize(
    ("probabilities", "labels", "bins", "error", "message"),
    [
        ([0.5], [1], 0, ValueError, "bins must be at least 1, got 0"),
        (
            [1.5],
            [1],
            5,
            ValueError,
            "probabilities must be probabilities that sum to 1",
        ),
        (
            [[0.5, 0.6]],
            [1],
            5,
            ValueError,
            "probabilities must be probabilities that sum to 1",
        ),
        ([0.5], [2], 5, ValueError, r"labels must lie in range\(2\)"),
        ([0.5], [1, 0], 5, ValueError, r"labels must have shape \(1,\)"),
        ([0.5], [0.7], 5, TypeError, "labels must be integers"),
        ([], [], 5, ValueError, r"labels must have shape \(0,\) and an entry"),
        (
            [[[0.5, 0.5]]],
            [[1]],
            5,
            ValueError,
            r"probabilities must have the shape \(N,\) or",
        ),
    ],
)
def test_calibration_refuses(probabilities, labels, bins, error, message):
    with pytest.raises(error, match=message):
        expected_calibration_error(probabilities, labels, bins)


@pytest.mark.equation("eq-temperature")
@pytest.mark.parametrize("scale", [0.001, 0.5, 1.0, 40.0])
def test_fit_temperature_is_the_minimum_that_scipy_finds(scale):
    logits, labels = sample((200, 5), seed=3)
    logits[np.arange(0, 200, 2), labels[::2]] += (
        4  # half of the examples are mostly right
    )
    logits *= scale
    temperature = fit_temperature(logits, labels)
    best = scipy.optimize.minimize_scalar(
        lambda log_t: cross_entropy(logits / np.exp(log_t), labels),
        bounds=(np.log(temperature) - 3, np.log(temperature) + 3),
        method="bounded",
        options={"xatol": 1e-9},
    )
    assert temperature == pytest.approx(np.exp(best.x), rel=1e-5)


def mixed(seed, scale=1.0):
    """Logits that are right more often than not, and not always."""
    logits, labels = sample((40, 5), seed)
    logits[np.arange(0, 40, 2), labels[::2]] += 4
    return scale * logits, labels


@pytest.mark.equation("eq-temperature")
@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**16), st.sampled_from([1e-3, 0.3, 1.0, 50.0]))
def test_the_loss_is_level_at_the_fitted_temperature(seed, scale):
    """Its slope in the inverse temperature, by the probabilities of SciPy."""
    logits, labels = mixed(seed, scale)
    p = softmax(logits / fit_temperature(logits, labels))  # (N, V)
    one_hot = np.eye(5)[labels]  # (N, V)
    slope = ((p - one_hot) * logits).sum(axis=-1).mean()
    assert abs(slope) < 1e-9 * scale


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**16), st.floats(1e-3, 1e3))
def test_the_temperature_of_scaled_logits_is_scaled(seed, scale):
    logits, labels = mixed(seed)
    assert fit_temperature(scale * logits, labels) == pytest.approx(
        scale * fit_temperature(logits, labels), rel=1e-9
    )


@pytest.mark.equation("eq-temperature")
def test_fit_temperature_finds_the_temperature_that_made_the_labels():
    rng = np.random.default_rng(0)
    logits = rng.normal(scale=2, size=20_000)
    labels = (rng.random(len(logits)) < scipy.special.expit(logits)).astype(int)
    assert fit_temperature(3 * logits, labels) == pytest.approx(3, rel=0.05)
    before = expected_calibration_error(scipy.special.expit(3 * logits), labels)
    after = expected_calibration_error(scipy.special.expit(logits), labels)
    assert after < 0.01 < 0.1 < before


def test_fit_temperature_of_binary_logits_is_that_of_two_classes():
    logits, labels = np.array([2.0, 1.0, -1.0, 0.5]), np.array([1, 1, 0, 0])
    pairs = np.stack([np.zeros(4), logits], axis=1)
    assert fit_temperature(logits, labels) == fit_temperature(pairs, labels)


@pytest.mark.parametrize(
    ("logits", "labels", "error", "message"),
    [
        (
            [2.0, -1.0],
            [1, 0],
            ValueError,
            "labels must contradict some of the logits",
        ),
        ([2.0, -1.0], [0, 1], ValueError, "logits must favour the labels"),
        ([0.0, 0.0], [0, 1], ValueError, "logits must favour the labels"),
        ([1.0] * 5, [1, 1, 0, 0, 0], ValueError, "logits must favour"),
        ([np.inf, 0.0], [0, 1], ValueError, "logits must be finite, got inf"),
        ([1.0, 0.0], [0, 2], ValueError, r"labels must lie in range\(2\)"),
        ([1.0, 0.0], [0.5, 1.0], TypeError, "labels must be integers"),
        (
            [[[1.0, 0.0]]],
            [[1]],
            ValueError,
            r"logits must have the shape \(N,\) or",
        ),
    ],
)
def test_fit_temperature_refuses(logits, labels, error, message):
    with pytest.raises(error, match=message):
        fit_temperature(logits, labels)
