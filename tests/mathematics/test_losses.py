import subprocess
import sys

import keras
import numpy as np
import pytest
import scipy.optimize
import scipy.special
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import log_loss

from llmbook.mathematics.losses import (
    binary_cross_entropy,
    bits_per_character,
    cross_entropy,
    entropy,
    kl_divergence,
    log_softmax,
    logsumexp,
    perplexity,
    sigmoid,
)

few = settings(max_examples=60, deadline=None)


def softmax(logits):
    return scipy.special.softmax(logits, axis=-1)


def sample(shape, seed=0):
    """Logits of a shape, and a class for each of its positions."""
    rng = np.random.default_rng(seed)
    return rng.normal(scale=3, size=shape), rng.integers(
        shape[-1], size=shape[:-1]
    )


def central_difference(function, x, step=1e-6):
    gradient = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        ahead, behind = x.copy(), x.copy()
        ahead[index] += step
        behind[index] -= step
        gradient[index] = (function(ahead) - function(behind)) / (2 * step)
    return gradient


shapes = st.tuples(st.integers(1, 5), st.integers(1, 4), st.integers(2, 7))


@st.composite
def classified(draw):
    """Logits (B, T, V) between -30 and 30, and a class for each position."""
    shape = draw(shapes)
    logits = draw(hnp.arrays(float, shape, elements=st.floats(-30, 30)))
    return logits, draw(
        hnp.arrays(int, shape[:-1], elements=st.integers(0, shape[-1] - 1))
    )


@st.composite
def two_distributions(draw):
    """Two distributions over the same outcomes; some outcomes may be impossible under either."""
    size = draw(st.integers(2, 7))
    counts = hnp.arrays(float, size, elements=st.integers(0, 9)).filter(np.any)
    p, q = draw(counts), draw(counts)
    return p / p.sum(), q / q.sum()


# Logarithms of sums of exponentials


@pytest.mark.equation("eq-logsumexp")
@few
@given(classified(), st.integers(0, 2))
def test_logsumexp_is_that_of_scipy(example, axis):
    logits, _ = example
    np.testing.assert_allclose(
        logsumexp(logits, axis),
        scipy.special.logsumexp(logits, axis=axis),
        rtol=1e-13,
        atol=1e-13,
    )


@pytest.mark.equation("eq-logsumexp")
def test_log_softmax_is_that_of_scipy_where_exponentials_overflow():
    logits = np.array([[1000.0, 999.0, -1000.0], [-1000.0, -1001.0, -np.inf]])
    np.testing.assert_allclose(
        log_softmax(logits),
        scipy.special.log_softmax(logits, axis=-1),
        rtol=1e-13,
    )


@few
@given(classified(), st.floats(-1000, 1000))
def test_log_softmax_ignores_a_shift_and_is_normalised(example, shift):
    logits, _ = example
    np.testing.assert_allclose(
        log_softmax(logits + shift), log_softmax(logits), atol=1e-10
    )
    np.testing.assert_allclose(
        np.exp(log_softmax(logits)).sum(axis=-1), 1, rtol=1e-12
    )


@pytest.mark.parametrize("function", [logsumexp, log_softmax])
@pytest.mark.parametrize(
    "row", [[np.nan, 0.0], [np.inf, 0.0], [-np.inf, -np.inf]]
)
def test_a_row_without_a_finite_maximum_is_refused(function, row):
    with pytest.raises(ValueError, match="x must have a finite largest entry"):
        function(np.array([row]))


def test_sigmoid_is_that_of_scipy():
    x = np.array([-1000, -40.0, -1.0, 0.0, 1.0, 40.0, 1000.0])
    np.testing.assert_allclose(
        sigmoid(x), scipy.special.expit(x), rtol=1e-13, atol=1e-300
    )


def test_the_last_axis_is_that_of_the_classes_unless_another_is_named():
    logits, _ = sample((2, 3, 4))
    p, q = softmax(logits), softmax(-logits)
    for ours, reference in (
        (logsumexp(logits), scipy.special.logsumexp(logits, axis=2)),
        (log_softmax(logits), scipy.special.log_softmax(logits, axis=2)),
        (entropy(p), scipy.stats.entropy(p, axis=2)),
        (kl_divergence(p, q), scipy.stats.entropy(p, q, axis=2)),
    ):
        np.testing.assert_allclose(ours, reference, rtol=1e-12)


# Binary cross-entropy


@pytest.mark.equation("eq-binary-cross-entropy")
def test_binary_cross_entropy_is_that_of_scikit_learn_and_keras():
    rng = np.random.default_rng(0)
    logits, targets = rng.normal(scale=3, size=50), rng.integers(2, size=50)
    loss = binary_cross_entropy(logits, targets)
    assert loss == pytest.approx(
        log_loss(targets, scipy.special.expit(logits)), rel=1e-12
    )
    keras_loss = keras.losses.BinaryCrossentropy(from_logits=True)(
        targets, logits
    )
    assert loss == pytest.approx(float(keras_loss), rel=1e-6)


def test_binary_cross_entropy_of_soft_targets_is_their_expected_loss():
    logits = np.array([0.7, -2.0])
    assert binary_cross_entropy(logits, [0.3, 0.3]) == pytest.approx(
        0.3 * binary_cross_entropy(logits, [1, 1])
        + 0.7 * binary_cross_entropy(logits, [0, 0])
    )


@pytest.mark.equation("eq-softplus")
@pytest.mark.parametrize(
    ("logit", "target", "loss"),
    [
        (1000, 0, 1000),
        (-1000, 1, 1000),
        (1000, 1, 0),
        (40, 1, np.exp(-40)),
        (-40, 0, np.exp(-40)),
    ],
)
def test_binary_cross_entropy_keeps_its_precision_at_extreme_logits(
    logit, target, loss
):
    assert binary_cross_entropy([logit], [target]) == pytest.approx(
        loss, rel=1e-12, abs=1e-300
    )


@few
@given(hnp.arrays(float, 6, elements=st.floats(-700, 700)))
def test_binary_cross_entropy_is_categorical_cross_entropy_of_two_classes(
    logits,
):
    targets = np.array([0, 1, 1, 0, 1, 0])
    pairs = np.stack([np.zeros_like(logits), logits], axis=-1)
    loss = binary_cross_entropy(logits, targets)
    assert loss >= 0
    assert loss == pytest.approx(
        cross_entropy(pairs, targets), rel=1e-12, abs=1e-12
    )


@pytest.mark.equation("eq-loss-gradient")
def test_gradient_of_binary_cross_entropy_is_probability_less_target():
    logits, targets = np.array([-3.0, 0.1, 2.0]), np.array([1.0, 0.0, 0.25])
    gradient = central_difference(
        lambda z: binary_cross_entropy(z, targets), logits
    )
    np.testing.assert_allclose(
        gradient, (sigmoid(logits) - targets) / 3, atol=1e-9
    )


@pytest.mark.parametrize(
    ("logits", "targets", "message"),
    [
        ([0.0, 1.0], [1], "logits and targets must have one shape"),
        ([], [], "at least one entry"),
        ([np.inf], [1], "logits must be finite, got inf"),
        ([0.0], [2], r"targets must lie in \[0, 1\], got 2"),
        ([0.0], [np.nan], r"targets must lie in \[0, 1\]"),
    ],
)
def test_binary_cross_entropy_refuses(logits, targets, message):
    with pytest.raises(ValueError, match=message):
        binary_cross_entropy(logits, targets)


# Categorical cross-entropy


@pytest.mark.equation("eq-next-token-loss")
def test_cross_entropy_of_the_next_token_is_the_loop_over_positions():
    logits, targets = sample((2, 5, 7))
    losses = [
        -np.log(softmax(logits[b, t])[targets[b, t]])
        for b in range(2)
        for t in range(5)
    ]
    assert cross_entropy(logits, targets) == pytest.approx(
        np.mean(losses), rel=1e-12
    )


@pytest.mark.equation("eq-cross-entropy")
def test_cross_entropy_is_that_of_scikit_learn_and_keras():
    logits, targets = sample((50, 4))
    loss = cross_entropy(logits, targets)
    assert loss == pytest.approx(
        log_loss(targets, softmax(logits), labels=range(4)), rel=1e-12
    )
    keras_loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)(
        targets, logits
    )
    assert loss == pytest.approx(float(keras_loss), rel=1e-6)


@pytest.mark.equation("eq-likelihood")
def test_the_counts_maximise_the_likelihood():
    targets = np.repeat([0, 1, 2], [5, 3, 2])
    frequencies = np.array([0.5, 0.3, 0.2])
    best = scipy.optimize.minimize(
        lambda z: cross_entropy(np.tile(z, (10, 1)), targets),
        np.zeros(3),
        tol=1e-10,
    )
    np.testing.assert_allclose(softmax(best.x), frequencies, atol=1e-5)
    assert best.fun == pytest.approx(entropy(frequencies), abs=1e-9)


@few
@given(classified(), st.floats(-1000, 1000))
def test_cross_entropy_is_not_negative_and_ignores_a_shift(example, shift):
    logits, targets = example
    loss = cross_entropy(logits, targets)
    assert loss >= 0
    assert cross_entropy(logits + shift, targets) == pytest.approx(
        loss, rel=1e-9, abs=1e-9
    )


@pytest.mark.equation("eq-loss-gradient")
@few
@given(classified(), st.floats(0, 1))
def test_gradient_of_cross_entropy_is_probability_less_target(
    example, smoothing
):
    logits, targets = example
    gradient = central_difference(
        lambda z: cross_entropy(z, targets, None, smoothing), logits
    )
    num_classes = logits.shape[-1]
    wanted = (1 - smoothing) * np.eye(num_classes)[
        targets
    ] + smoothing / num_classes
    np.testing.assert_allclose(
        gradient, (softmax(logits) - wanted) / targets.size, atol=1e-7
    )


def test_cross_entropy_is_finite_where_the_probability_underflows():
    assert cross_entropy([[0.0, 1000.0]], [0]) == pytest.approx(1000, rel=1e-12)
    assert cross_entropy([[0.0, -np.inf]], [0]) == 0


@pytest.mark.equation("eq-masked-loss")
@few
@given(classified(), st.data())
def test_masked_positions_change_nothing(example, data):
    logits, targets = example
    mask = data.draw(hnp.arrays(bool, targets.shape).filter(np.any))
    loss = cross_entropy(logits, targets, mask)
    assert loss == pytest.approx(
        cross_entropy(logits[mask], targets[mask]), rel=1e-12
    )
    noise, ids = logits.copy(), targets.copy()
    noise[~mask] = np.nan
    ids[~mask] = -100
    assert cross_entropy(noise, ids, mask) == loss


def test_a_mask_is_the_sample_weight_of_scikit_learn():
    logits, targets = sample((40, 3))
    mask = np.arange(40) % 3 > 0
    reference = log_loss(
        targets, softmax(logits), labels=range(3), sample_weight=mask
    )
    assert cross_entropy(logits, targets, mask) == pytest.approx(
        reference, rel=1e-12
    )


@pytest.mark.equation("eq-label-smoothing")
@pytest.mark.parametrize("smoothing", [0.0, 0.1, 1.0])
def test_label_smoothing_is_that_of_keras(smoothing):
    logits, targets = sample((50, 4))
    keras_loss = keras.losses.CategoricalCrossentropy(
        from_logits=True, label_smoothing=smoothing
    )
    reference = float(keras_loss(np.eye(4)[targets], logits))
    assert cross_entropy(
        logits, targets, label_smoothing=smoothing
    ) == pytest.approx(reference, rel=1e-5)


@pytest.mark.equation("eq-label-smoothing")
def test_the_best_logits_under_smoothing_give_the_smoothed_target():
    best = scipy.optimize.minimize(
        lambda z: cross_entropy(z[None], [2], label_smoothing=0.1),
        np.zeros(5),
        tol=1e-10,
    )
    np.testing.assert_allclose(
        softmax(best.x), [0.02, 0.02, 0.92, 0.02, 0.02], atol=1e-5
    )


@pytest.mark.equation("eq-class-weights")
def test_class_weights_are_the_sample_weights_of_scikit_learn():
    logits, targets = sample((60, 3))
    weights = np.array([0.5, 4.0, 0.0])
    reference = log_loss(
        targets,
        softmax(logits),
        labels=range(3),
        sample_weight=weights[targets],
    )
    assert cross_entropy(
        logits, targets, class_weights=weights
    ) == pytest.approx(reference, rel=1e-12)


def test_no_position_at_all_is_named():
    with pytest.raises(ValueError, match="targets must not be empty"):
        cross_entropy(np.zeros((0, 3)), [])


@few
@given(classified(), st.floats(0.01, 100), st.floats(0, 1))
def test_equal_class_weights_change_nothing(example, weight, smoothing):
    logits, targets = example
    weights = np.full(logits.shape[-1], weight)
    assert cross_entropy(
        logits, targets, None, smoothing, weights
    ) == pytest.approx(
        cross_entropy(logits, targets, None, smoothing), rel=1e-9
    )


def test_whole_weights_repeat_examples():
    logits, targets = sample((20, 2))
    repeats = np.array([1, 3])[targets]
    repeated = cross_entropy(
        np.repeat(logits, repeats, axis=0),
        np.repeat(targets, repeats),
        None,
        0.2,
    )
    assert cross_entropy(logits, targets, None, 0.2, [1, 3]) == pytest.approx(
        repeated, rel=1e-12
    )


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (
            {"targets": [0, 3]},
            ValueError,
            r"targets must lie in range\(3\), got 0 to 3",
        ),
        (
            {"targets": [-1, 0]},
            ValueError,
            r"targets must lie in range\(3\), got -1 to 0",
        ),
        (
            {"targets": [0]},
            ValueError,
            r"logits, targets and mask must have shapes",
        ),
        (
            {"targets": [0.0, 1.0]},
            TypeError,
            "targets must be integers, got float64",
        ),
        ({"mask": [1, 0]}, TypeError, "mask must be boolean"),
        (
            {"mask": [True]},
            ValueError,
            "logits, targets and mask must have shapes",
        ),
        (
            {"mask": [False, False]},
            ValueError,
            "mask must be True for some position",
        ),
        (
            {"label_smoothing": 1.5},
            ValueError,
            r"label_smoothing must lie in \[0, 1\], got 1.5",
        ),
        (
            {"label_smoothing": -0.1},
            ValueError,
            r"label_smoothing must lie in \[0, 1\], got -0.1",
        ),
        (
            {"class_weights": [1, 2]},
            ValueError,
            "class_weights must be 3 numbers",
        ),
        (
            {"class_weights": [1, -2, 1]},
            ValueError,
            "class_weights must be 3 numbers",
        ),
        (
            {"class_weights": [1, np.inf, 1]},
            ValueError,
            "class_weights must be 3 numbers",
        ),
        (
            {"class_weights": [0, 0, 1]},
            ValueError,
            "class_weights must be positive for some",
        ),
        (
            {"logits": np.full((2, 3), np.nan)},
            ValueError,
            "logits must have a finite largest entry",
        ),
    ],
)
def test_cross_entropy_refuses(change, error, message):
    arguments = {"logits": np.zeros((2, 3)), "targets": [0, 1]} | change
    with pytest.raises(error, match=message):
        cross_entropy(**arguments)


@pytest.mark.equation("eq-binary-over-labels")
def test_the_sum_over_labels_is_that_of_keras_and_no_likelihood_of_one_class():
    logits = np.random.default_rng(0).normal(scale=3, size=(8, 5))
    tags = np.random.default_rng(1).integers(2, size=(8, 5))
    keras_loss = keras.losses.BinaryCrossentropy(from_logits=True)(
        tags.astype(float), logits
    )
    p = scipy.special.expit(logits)
    summed = -(tags * np.log(p) + (1 - tags) * np.log(1 - p)).sum(axis=1).mean()
    assert 5 * binary_cross_entropy(logits, tags) == pytest.approx(
        summed, rel=1e-12
    )
    assert 5 * float(keras_loss) == pytest.approx(summed, rel=1e-6)
    # Equal belief in the right class among 1,000: the likelihood says log 1,000, the sum 1 more.
    one_hot = np.arange(1000) == 0
    sum_over_labels = 1000 * binary_cross_entropy(
        np.full(1000, -np.log(999)), one_hot
    )
    assert cross_entropy(np.zeros((1, 1000)), [0]) == pytest.approx(
        np.log(1000)
    )
    assert sum_over_labels == pytest.approx(np.log(1000) + 1, abs=1e-3)


# Entropy, divergence, perplexity


@pytest.mark.equation("eq-entropy")
@few
@given(two_distributions())
def test_entropy_is_that_of_scipy_and_largest_when_uniform(pair):
    p, _ = pair
    assert entropy(p) == pytest.approx(scipy.stats.entropy(p), abs=1e-12)
    assert -1e-15 <= entropy(p) <= np.log(len(p)) + 1e-12


@pytest.mark.equation("eq-kl-divergence")
@few
@given(two_distributions())
def test_kl_divergence_is_that_of_scipy_and_not_negative(pair):
    p, q = pair
    assert kl_divergence(p, q) == pytest.approx(
        scipy.stats.entropy(p, q), abs=1e-12
    )
    assert kl_divergence(p, q) >= -1e-15
    assert kl_divergence(p, p) == 0


@pytest.mark.equation("eq-kl-divergence")
@few
@given(classified())
def test_cross_entropy_is_entropy_and_divergence(example):
    logits, targets = example
    q = softmax(logits[0, 0])
    p = np.bincount(targets[:, 0], minlength=len(q)) / len(targets)
    loss = cross_entropy(
        np.tile(logits[0, 0], (len(targets), 1)), targets[:, 0]
    )
    assert loss == pytest.approx(
        entropy(p) + kl_divergence(p, q), rel=1e-9, abs=1e-9
    )
    assert loss >= entropy(p) - 1e-9  # Gibbs's inequality


def test_entropy_and_divergence_along_an_axis():
    p, q = softmax(sample((4, 3), 1)[0]), softmax(sample((4, 3), 2)[0])
    np.testing.assert_allclose(
        entropy(p.T, axis=0), [entropy(row) for row in p]
    )
    np.testing.assert_allclose(
        kl_divergence(p.T, q.T, axis=0),
        scipy.stats.entropy(p, q, axis=1),
        rtol=1e-12,
    )


def test_divergence_is_infinite_where_the_possible_is_ruled_out():
    assert kl_divergence([0.5, 0.5], [1.0, 0.0]) == np.inf
    assert kl_divergence([1.0, 0.0], [0.5, 0.5]) == pytest.approx(np.log(2))


@pytest.mark.parametrize("values", [[0.5, 0.6], [1.5, -0.5], [np.nan, 1.0]])
def test_entropy_and_divergence_refuse_what_is_no_distribution(values):
    with pytest.raises(
        ValueError, match="probabilities must be probabilities that sum to 1"
    ):
        entropy(values)
    with pytest.raises(
        ValueError, match="q must be probabilities that sum to 1"
    ):
        kl_divergence([0.5, 0.5], values)


def test_a_distribution_may_be_rounded_and_not_wrong():
    rounded = [0.3333, 0.3333, 0.3333]
    assert entropy(rounded) == pytest.approx(np.log(3), abs=1e-3)
    with pytest.raises(ValueError, match="sum to 1"):
        entropy([0.333, 0.333, 0.333])


@pytest.mark.equation("eq-loss-perplexity")
def test_perplexity_of_a_uniform_model_is_the_number_of_tokens():
    assert perplexity(
        cross_entropy(np.zeros((9, 50)), np.arange(9))
    ) == pytest.approx(50)
    np.testing.assert_allclose(perplexity(np.log([2.0, 8.0])), [2, 8])


@pytest.mark.equation("eq-bits-per-character")
def test_bits_per_character():
    assert bits_per_character(np.log(2), 10, 10) == pytest.approx(1)
    assert bits_per_character(np.log(256), 30, 120) == pytest.approx(2)
    with pytest.raises(
        ValueError,
        match="num_characters must be positive, got 0",
    ):
        bits_per_character(1.0, 3, 0)
    with pytest.raises(ValueError, match="num_tokens must be positive, got 0"):
        bits_per_character(1.0, 0, 3)


def test_losses_leave_tensorflow_alone():
    code = "import sys, llmbook.mathematics.losses; assert not {'tensorflow', 'keras'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_loss_beyond_all_floats_has_an_infinite_perplexity():
    assert perplexity(1000.0) == np.inf
    np.testing.assert_array_equal(perplexity([0, np.inf]), [1, np.inf])


@pytest.mark.parametrize("mask", [None, []])
def test_no_position_at_all_is_said_of_the_targets(mask):
    with pytest.raises(ValueError, match="targets must not be empty"):
        cross_entropy(np.zeros((0, 3)), [], mask=mask)
