"""Every backward pass beside GradientTape and central differences, over random shapes and masks."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from llmbook.mathematics.attention import (
    causal_mask,
    multi_head_attention,
    padding_mask,
    scaled_dot_product_attention,
    softmax,
)
from llmbook.mathematics.backprop import (
    binary_cross_entropy_backward,
    check_gradient,
    cross_entropy_backward,
    embedding,
    embedding_backward,
    gelu,
    gelu_backward,
    layer_norm,
    layer_norm_backward,
    linear,
    linear_backward,
    multi_head_attention_backward,
    numerical_gradient,
    scaled_dot_product_attention_backward,
    softmax_backward,
    sum_to_shape,
)
from llmbook.mathematics.losses import binary_cross_entropy, cross_entropy

TAPE, DIFFERENCES = 1e-12, 1e-6

sizes = st.integers(1, 4)
seeds = st.integers(0, 2**32 - 1)
twenty = settings(max_examples=20, deadline=None, derandomize=True)


def tape_gradients(function, inputs, grad_output):
    """What GradientTape finds for a function written in TensorFlow."""
    inputs = [tf.constant(x, tf.float64) for x in inputs]
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        output = function(*inputs)
    weights = tf.broadcast_to(
        tf.constant(grad_output, tf.float64), output.shape
    )
    return [
        tf.convert_to_tensor(g).numpy()
        for g in tape.gradient(output, inputs, weights)
    ]


def assert_equals_tape(gradients, function, inputs, grad_output=1.0):
    for gradient, expected in zip(
        gradients, tape_gradients(function, inputs, grad_output), strict=True
    ):
        assert gradient.shape == expected.shape
        assert np.abs(gradient - expected).max() <= TAPE * max(
            np.abs(expected).max(), 1e-3
        )


def tape_attention(query, key, value, mask):
    scores = tf.matmul(query, key, transpose_b=True) / np.sqrt(query.shape[-1])
    scores = tf.where(mask, scores, tf.constant(-np.inf, tf.float64))
    return tf.matmul(tf.nn.softmax(scores), value)


def draw_mask(rng, shape, kind):
    """A causal, a padding or a random mask; every query may attend to some key."""
    if kind == "causal" and shape[-1] == shape[-2]:
        return np.broadcast_to(causal_mask(shape[-1]), shape)
    if kind == "padding":
        lengths = rng.integers(1, shape[-1] + 1, shape[:-2])
        return np.broadcast_to(
            padding_mask(lengths, shape[-1])[..., None, :], shape
        )
    mask = rng.random(shape) < 0.5
    mask[..., 0] = True
    return mask


masks = st.sampled_from(["causal", "padding", "random"])


@pytest.mark.equation("eq-linear-backward")
@twenty
@given(seeds, sizes, sizes, sizes)
def test_linear(seed, length, d_in, d_out):
    rng = np.random.default_rng(seed)
    x, weight, bias = (
        rng.normal(size=(2, length, d_in)),
        rng.normal(size=(d_in, d_out)),
        rng.normal(size=d_out),
    )
    grad_output = rng.normal(size=(2, length, d_out))
    gradients = linear_backward(grad_output, x, weight)
    assert_equals_tape(
        gradients, lambda x, w, b: x @ w + b, [x, weight, bias], grad_output
    )
    assert (
        check_gradient(linear, [x, weight, bias], gradients, grad_output)
        < DIFFERENCES
    )


@pytest.mark.equation("eq-embedding-backward")
@twenty
@given(seeds, sizes, st.integers(1, 6), sizes)
def test_embedding(seed, length, vocabulary_size, d_model):
    rng = np.random.default_rng(seed)
    table, ids = (
        rng.normal(size=(vocabulary_size, d_model)),
        rng.integers(0, vocabulary_size, (3, length)),
    )
    grad_output = rng.normal(size=(3, length, d_model))
    gradient = embedding_backward(grad_output, ids, vocabulary_size)
    assert_equals_tape(
        [gradient], lambda table: tf.gather(table, ids), [table], grad_output
    )
    assert (
        check_gradient(embedding, [ids, table], [None, gradient], grad_output)
        < DIFFERENCES
    )


@pytest.mark.equation("eq-gelu")
@pytest.mark.equation("eq-gelu-backward")
@twenty
@given(seeds, sizes, sizes)
def test_gelu(seed, rows, columns):
    rng = np.random.default_rng(seed)
    x, grad_output = (
        3 * rng.normal(size=(rows, columns)),
        rng.normal(size=(rows, columns)),
    )

    def tape_gelu(x):  # tf.nn.gelu rounds the root of 2 to float32
        return x * (1 + tf.math.erf(x / np.sqrt(2))) / 2

    np.testing.assert_allclose(gelu(x), tf.nn.gelu(x).numpy(), atol=1e-7)
    np.testing.assert_allclose(
        gelu(x), tape_gelu(tf.constant(x)).numpy(), atol=1e-14
    )
    gradient = gelu_backward(grad_output, x)
    assert_equals_tape([gradient], tape_gelu, [x], grad_output)
    assert check_gradient(gelu, [x], [gradient], grad_output) < DIFFERENCES


@pytest.mark.equation("eq-layer-norm")
@pytest.mark.equation("eq-layer-norm-backward")
@twenty
@given(seeds, sizes, st.integers(3, 8))
def test_layer_norm(seed, length, d_model):
    rng = np.random.default_rng(seed)
    x, grad_output = 1 + 3 * rng.normal(size=(2, 2, length, d_model))
    gain, bias = rng.normal(size=(2, d_model))

    def tape_layer_norm(x, gain, bias):
        mean, variance = tf.nn.moments(x, [-1], keepdims=True)
        return tf.nn.batch_normalization(x, mean, variance, bias, gain, 1e-5)

    np.testing.assert_allclose(
        layer_norm(x, gain, bias),
        tape_layer_norm(x, gain, bias).numpy(),
        atol=1e-12,
    )
    gradients = layer_norm_backward(grad_output, x, gain)
    assert_equals_tape(gradients, tape_layer_norm, [x, gain, bias], grad_output)
    assert (
        check_gradient(layer_norm, [x, gain, bias], gradients, grad_output)
        < DIFFERENCES
    )


def test_a_position_without_variance_gets_the_bias_and_a_finite_gradient():
    x, gain, bias = np.full((1, 4), 7.0), np.ones(4), np.arange(4.0)
    np.testing.assert_array_equal(layer_norm(x, gain, bias), [bias])
    grad_output = np.array([[1.0, 0.0, 0.0, -1.0]])
    gradients = layer_norm_backward(grad_output, x, gain)
    np.testing.assert_allclose(gradients[0], grad_output / np.sqrt(1e-5))


@pytest.mark.equation("eq-softmax-backward")
@twenty
@given(seeds, sizes, st.integers(1, 6), st.sampled_from([0, 1, -1]))
def test_softmax(seed, rows, columns, axis):
    rng = np.random.default_rng(seed)
    scores, grad_output = 2 * rng.normal(size=(2, rows, columns))
    gradient = softmax_backward(grad_output, softmax(scores, axis), axis)
    assert_equals_tape(
        [gradient], lambda x: tf.nn.softmax(x, axis), [scores], grad_output
    )
    assert (
        check_gradient(
            lambda x: softmax(x, axis), [scores], [gradient], grad_output
        )
        < DIFFERENCES
    )


@pytest.mark.equation("eq-cross-entropy-backward")
@twenty
@given(
    seeds,
    sizes,
    st.integers(2, 6),
    st.sampled_from([0.0, 0.1, 1.0]),
    st.booleans(),
)
def test_cross_entropy(seed, length, num_classes, label_smoothing, weighted):
    rng = np.random.default_rng(seed)
    logits, targets = (
        3 * rng.normal(size=(2, length, num_classes)),
        rng.integers(0, num_classes, (2, length)),
    )
    mask = rng.random((2, length)) < 0.5
    mask[0, 0] = True
    class_weights = rng.random(num_classes) + 0.1 if weighted else None
    options = {
        "mask": mask,
        "label_smoothing": label_smoothing,
        "class_weights": class_weights,
    }

    def tape_cross_entropy(logits):
        smoothed = (1 - label_smoothing) * np.eye(num_classes)[
            targets
        ] + label_smoothing / num_classes
        losses = tf.nn.softmax_cross_entropy_with_logits(smoothed, logits)
        shares = mask * (class_weights[targets] if weighted else 1.0)
        return tf.reduce_sum(losses * shares) / shares.sum()

    # What stands where the mask is False may be anything.
    gradient = cross_entropy_backward(
        logits, np.where(mask, targets, -1), **options
    )
    assert_equals_tape([gradient], tape_cross_entropy, [logits])
    assert (
        check_gradient(
            lambda z: cross_entropy(z, targets, **options), [logits], [gradient]
        )
        < DIFFERENCES
    )
    assert (gradient[~mask] == 0).all()


def test_unless_told_all_positions_and_classes_count_and_nothing_is_smoothed():
    logits, targets = np.log([[1.0, 3.0], [1.0, 1.0]]), np.array([0, 1])
    np.testing.assert_allclose(
        cross_entropy_backward(logits, targets),
        [[-0.375, 0.375], [0.25, -0.25]],
    )


@pytest.mark.equation("eq-cross-entropy-backward")
@twenty
@given(seeds, st.integers(1, 8))
def test_binary_cross_entropy(seed, length):
    rng = np.random.default_rng(seed)
    logits, targets = 5 * rng.normal(size=(2, length)), rng.random((2, length))
    gradient = binary_cross_entropy_backward(logits, targets)
    assert_equals_tape(
        [gradient],
        lambda z: tf.reduce_mean(
            tf.nn.sigmoid_cross_entropy_with_logits(tf.constant(targets), z)
        ),
        [logits],
    )
    assert (
        check_gradient(
            lambda z: binary_cross_entropy(z, targets), [logits], [gradient]
        )
        < DIFFERENCES
    )


@pytest.mark.equation("eq-attention-backward")
@twenty
@given(seeds, sizes, sizes, sizes, sizes, masks)
def test_scaled_dot_product_attention(seed, queries, keys, d_k, d_v, kind):
    rng = np.random.default_rng(seed)
    query, key = (
        rng.normal(size=(2, 3, queries, d_k)),
        rng.normal(size=(2, 3, keys, d_k)),
    )
    value, grad_output = (
        rng.normal(size=(2, 3, keys, d_v)),
        rng.normal(size=(2, 3, queries, d_v)),
    )
    mask = draw_mask(rng, (2, 3, queries, keys), kind)
    _, weights = scaled_dot_product_attention(query, key, value, mask)
    inputs = [query, key, value]
    gradients = scaled_dot_product_attention_backward(
        grad_output, *inputs, weights
    )
    assert_equals_tape(
        gradients, lambda *a: tape_attention(*a, mask), inputs, grad_output
    )
    error = check_gradient(
        lambda *a: scaled_dot_product_attention(*a, mask)[0],
        inputs,
        gradients,
        grad_output,
    )
    assert error < DIFFERENCES
    unseen = ~mask.any(axis=-2)  # (2, 3, T_k), keys that no query may attend to
    assert (gradients[1][unseen] == 0).all()
    assert (gradients[2][unseen] == 0).all()


@pytest.mark.equation("eq-broadcast-backward")
def test_attention_of_broadcast_inputs():
    rng = np.random.default_rng(0)
    query, key, value = (
        rng.normal(size=(3, 1, 2, 4)),
        rng.normal(size=(5, 4)),
        rng.normal(size=(2, 5, 3)),
    )
    _, weights = scaled_dot_product_attention(query, key, value)
    grad_output = rng.normal(size=(3, 2, 2, 3))
    gradients = scaled_dot_product_attention_backward(
        grad_output, query, key, value, weights
    )
    error = check_gradient(
        lambda *a: scaled_dot_product_attention(*a)[0],
        [query, key, value],
        gradients,
        grad_output,
    )
    assert error < DIFFERENCES


@pytest.mark.equation("eq-broadcast-backward")
@pytest.mark.parametrize(
    "batches",
    [
        ((), (3,), ()),
        ((), (), (3,)),
        ((3,), (), (2, 1)),
        ((1,), (3,), (2, 1)),
        ((2, 3), (), ()),
    ],
)
def test_attention_backward_gives_each_input_a_gradient_of_its_shape(batches):
    rng = np.random.default_rng(0)
    inputs = [
        rng.normal(size=(*batch, *shape))
        for batch, shape in zip(batches, [(2, 4), (5, 4), (5, 3)], strict=True)
    ]
    output, weights = scaled_dot_product_attention(*inputs)
    grad_output = rng.normal(size=output.shape)
    gradients = scaled_dot_product_attention_backward(
        grad_output, *inputs, weights
    )
    error = check_gradient(
        lambda *a: scaled_dot_product_attention(*a)[0],
        inputs,
        gradients,
        grad_output,
    )
    assert error < DIFFERENCES


@pytest.mark.equation("eq-multi-head-backward")
@twenty
@given(seeds, sizes, sizes, st.integers(1, 3), st.integers(1, 3), masks)
def test_multi_head_attention(seed, length, d_model, num_heads, d_k, kind):
    rng = np.random.default_rng(seed)
    d_v = 3
    x, grad_output = rng.normal(size=(2, 2, length, d_model))
    w_query, w_key = rng.normal(size=(2, d_model, num_heads * d_k))
    w_value, w_output = (
        rng.normal(size=(d_model, num_heads * d_v)),
        rng.normal(size=(num_heads * d_v, d_model)),
    )
    mask = draw_mask(rng, (2, length, length), kind)
    inputs = [x, w_query, w_key, w_value, w_output]

    def tape_multi_head(x, w_query, w_key, w_value, w_output):
        def split(z):
            return tf.transpose(
                tf.reshape(z, (2, length, num_heads, -1)), (0, 2, 1, 3)
            )

        heads = tape_attention(
            split(x @ w_query),
            split(x @ w_key),
            split(x @ w_value),
            mask[:, None],
        )
        return (
            tf.reshape(tf.transpose(heads, (0, 2, 1, 3)), (2, length, -1))
            @ w_output
        )

    _, weights = multi_head_attention(*inputs, num_heads, mask)
    gradients = multi_head_attention_backward(
        grad_output, *inputs, num_heads, weights
    )
    assert_equals_tape(gradients, tape_multi_head, inputs, grad_output)
    error = check_gradient(
        lambda *a: multi_head_attention(*a, num_heads, mask)[0],
        inputs,
        gradients,
        grad_output,
    )
    assert error < DIFFERENCES


@pytest.mark.equation("eq-broadcast-backward")
@twenty
@given(seeds, st.lists(sizes, min_size=1, max_size=3), st.data())
def test_sum_to_shape(seed, shape, data):
    kept = data.draw(
        st.lists(st.booleans(), min_size=len(shape), max_size=len(shape))
    )
    skipped = data.draw(st.integers(0, len(shape)))
    small = tuple(
        size if keep else 1 for size, keep in zip(shape, kept, strict=True)
    )[skipped:]
    grad = np.random.default_rng(seed).normal(size=shape)
    expected = tape_gradients(
        lambda x: tf.broadcast_to(x, shape), [np.zeros(small)], grad
    )[0]
    np.testing.assert_allclose(sum_to_shape(grad, small), expected, atol=1e-12)
    assert sum_to_shape(grad, small).shape == small


@pytest.mark.equation("eq-central-difference")
def test_numerical_gradient_of_a_cubic():
    x = np.array([[1.0, -2.0, 0.5]])
    # The central difference of x³ is 3x² + h², whatever x is.
    np.testing.assert_allclose(
        numerical_gradient(lambda x: x**3, [x], 0, np.ones_like(x), step=0.1),
        3 * x**2 + 0.01,
        rtol=1e-12,
    )
    np.testing.assert_array_equal(x, [[1.0, -2.0, 0.5]])


def test_differences_are_divided_by_the_step_that_was_taken():
    """At a million the nearest numbers are so far apart that a step of 1e-5 is rounded."""
    gradient = numerical_gradient(lambda x: 2 * x, [np.array(1e6)], 0)
    assert gradient == pytest.approx(2, rel=1e-12)


def test_the_steps_are_small_unless_told():
    x, ones = np.array([0.0, 1.0]), np.ones(2)
    gradient = numerical_gradient(np.exp, [x], 0, ones)
    np.testing.assert_allclose(gradient, np.exp(x), rtol=1e-9)
    assert check_gradient(np.exp, [x], [np.exp(x)], ones) < 1e-9
    # Of a cubic, a step h is off by h².
    error = check_gradient(lambda x: x**3, [x], [3 * x**2], ones, step=0.1)
    assert error == pytest.approx(0.01 / 3.01)


def weighted_sum(a, b):
    return 2 * a.sum() + 3 * b.sum()


def off(gradient, by):
    """The same but for one entry."""
    return gradient + by * np.array([0, 1, 0, 0])


TWOS, THREES = np.full(4, 2.0), np.full(4, 3.0)


@pytest.mark.parametrize(
    ("gradients", "error"),
    [
        ((TWOS, THREES), 0),
        ((off(TWOS, 0.5), THREES), 0.5 / 2.5),
        ((off(TWOS, -0.5), THREES), 0.5 / 2.0),
        ((TWOS, off(THREES, -6)), 6 / 3),
        ((-TWOS, THREES + 0.3), 4 / 2),
        ((TWOS + 0.4, None), 0.4 / 2.4),
        ((None, 0 * THREES), 1),
    ],
)
def test_an_error_is_the_worst_of_all_inputs_beside_the_largest_entry(
    gradients, error
):
    found = check_gradient(weighted_sum, [np.ones(4), np.ones(4)], gradients)
    assert found == pytest.approx(error, abs=1e-8)


@pytest.mark.parametrize(
    ("slope", "claim", "error"),
    [(2e-3, 1e-3, 0.5), (1e-3, 1.5e-3, 1 / 3), (2e-6, 1e-6, 1e-3)],
)
def test_small_gradients_are_compared_on_their_own_scale_to_a_thousandth(
    slope, claim, error
):
    found = check_gradient(
        lambda x: slope * x, [np.zeros(1)], [np.array([claim])], np.ones(1)
    )
    assert found == pytest.approx(error, rel=1e-6)


def test_check_gradient_sees_one_wrong_entry():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3, 4))
    grad_output = rng.normal(size=(3, 4))
    gradient = gelu_backward(grad_output, x)
    assert check_gradient(gelu, [x], [gradient], grad_output) < 1e-8
    gradient[1, 2] += 0.01
    assert check_gradient(gelu, [x], [gradient], grad_output) > 1e-3


x = np.ones((2, 3))


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (
            lambda: linear_backward(np.ones((2, 5)), x, np.ones((3, 4))),
            "grad_output",
        ),
        (lambda: embedding(np.array([0, 2]), x), "ids"),
        (lambda: embedding(np.array([-1]), x), "ids"),
        (
            lambda: embedding_backward(np.ones((3, 4)), np.array([0, 1]), 5),
            "grad_output",
        ),
        (lambda: gelu_backward(np.ones(3), x), "grad_output"),
        (lambda: layer_norm_backward(np.ones(3), x, np.ones(3)), "grad_output"),
        (lambda: softmax_backward(np.ones(3), x), "grad_output"),
        (lambda: binary_cross_entropy_backward(x, np.ones(3)), "targets"),
        (lambda: cross_entropy_backward(x, np.array([0])), "targets"),
        (lambda: cross_entropy_backward(x, np.array([0, 3])), "targets"),
        (lambda: cross_entropy_backward(x, np.array([-1, 0])), "targets"),
        (
            lambda: cross_entropy_backward(
                x, np.array([0, 1]), np.array([True])
            ),
            "mask",
        ),
        (
            lambda: cross_entropy_backward(
                x, np.array([0, 1]), np.array([False, False])
            ),
            "mask",
        ),
        (
            lambda: scaled_dot_product_attention_backward(
                x, x, x, x, np.ones((3, 2))
            ),
            "weights",
        ),
        (
            lambda: scaled_dot_product_attention_backward(
                x[0], x, x, x, np.ones((2, 2))
            ),
            "grad_output",
        ),
        (
            lambda: multi_head_attention_backward(
                x[0], x, *[np.eye(3)] * 4, 1, np.ones((1, 2, 2))
            ),
            "grad_output",
        ),
        (lambda: sum_to_shape(x, (2,)), "shape must broadcast"),
        (lambda: sum_to_shape(x, (4, 2, 3)), "shape must broadcast"),
        (lambda: sum_to_shape(x[:1], (2, 3)), "shape must broadcast"),
        (lambda: numerical_gradient(gelu, [x], 0), "grad_output"),
        (lambda: check_gradient(gelu, [x], []), "gradients"),
        (lambda: check_gradient(gelu, [x], [None]), "gradients must hold"),
        (lambda: check_gradient(gelu, [x], [x, x]), "gradients must hold"),
        (lambda: check_gradient(gelu, [x], [np.ones(3)], x), r"gradients\[0\]"),
    ],
)
def test_bad_input_is_named(call, name):
    with pytest.raises(ValueError, match=name):
        call()
