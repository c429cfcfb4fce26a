"""The engine beside central differences, the hand-derived passes, GradientTape and Keras."""

import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from gradients import assert_close, engine_gradients
from hypothesis import given, settings
from hypothesis import strategies as st

from llmbook.mathematics import backprop
from llmbook.mathematics.autodiff import Tensor

seeds = st.integers(0, 2**32 - 1)
twenty = settings(max_examples=20, deadline=None, derandomize=True)


BINARY = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
}


@pytest.mark.equation("eq-broadcast-backward")
@pytest.mark.parametrize("operation", BINARY)
@twenty
@given(seeds, st.data())
def test_binary_operations_broadcast(operation, seed, data):
    rng = np.random.default_rng(seed)
    shape = data.draw(st.lists(st.integers(1, 3), min_size=1, max_size=3))
    a, b = (
        rng.uniform(
            0.5,
            2,
            tuple(n if data.draw(st.booleans()) else 1 for n in shape)[skip:],
        )
        for skip in (0, data.draw(st.integers(0, len(shape))))
    )
    grad_output = rng.normal(size=np.broadcast_shapes(a.shape, b.shape))
    function = BINARY[operation]
    gradients = engine_gradients(function, [a, b], grad_output)
    assert (
        backprop.check_gradient(function, [a, b], gradients, grad_output) < 1e-6
    )
    # A constant on either side changes nothing for the other.
    assert_close(
        engine_gradients(lambda a: function(a, b), [a], grad_output),
        gradients[:1],
        0,
    )
    assert_close(
        engine_gradients(lambda b: function(a, b), [b], grad_output),
        gradients[1:],
        0,
    )


UNARY = {
    "exp": (lambda x: x.exp(), tf.exp),
    "log": (lambda x: x.log(), tf.math.log),
    "tanh": (lambda x: x.tanh(), tf.tanh),
    "erf": (lambda x: x.erf(), tf.math.erf),
    "neg": (lambda x: -x, lambda x: -x),
    "pow": (lambda x: x**-1.5, lambda x: x**-1.5),
    "1/x": (lambda x: 1 / x, lambda x: 1 / x),
    "1-x": (lambda x: 1 - x, lambda x: 1 - x),
    "where": (lambda x: x.where(MASK, 2.0), lambda x: tf.where(MASK, x, 2.0)),
    "sum": (lambda x: x.sum(), tf.reduce_sum),
    "sum, axis": (lambda x: x.sum(axis=1), lambda x: tf.reduce_sum(x, 1)),
    "mean": (lambda x: x.mean(), tf.reduce_mean),
    "mean, axis": (lambda x: x.mean(axis=1), lambda x: tf.reduce_mean(x, 1)),
    "mean, axes": (
        lambda x: x.mean(axis=(0, 2), keepdims=True),
        lambda x: tf.reduce_mean(x, (0, 2), keepdims=True),
    ),
    "reshape": (lambda x: x.reshape(4, -1), lambda x: tf.reshape(x, (4, -1))),
    "swapaxes": (
        lambda x: x.swapaxes(0, 2),
        lambda x: tf.transpose(x, (2, 1, 0)),
    ),
    "slice": (lambda x: x[:, 1:], lambda x: x[:, 1:]),
    "rows": (
        lambda x: x[np.array([1, 1, 0])],
        lambda x: tf.gather(x, [1, 1, 0]),
    ),
    "constant @": (
        lambda x: np.ones((5, 3)) @ x,
        lambda x: np.ones((2, 5, 3)) @ x,
    ),
}
MASK = np.random.default_rng(1).random((2, 3, 4)) < 0.5


@pytest.mark.parametrize("operation", UNARY)
def test_other_operations_beside_the_tape(operation):
    ours, reference = UNARY[operation]
    x = np.random.default_rng(0).uniform(0.5, 2, (2, 3, 4))
    variable = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(variable)
        expected = reference(variable)
    grad_output = np.random.default_rng(2).normal(size=expected.shape)
    gradient = tf.convert_to_tensor(
        tape.gradient(expected, variable, tf.constant(grad_output))
    )
    np.testing.assert_allclose(
        ours(Tensor(x)).data, expected.numpy(), rtol=1e-13
    )
    assert_close(engine_gradients(ours, [x], grad_output), [gradient.numpy()])


@pytest.mark.equation("eq-broadcast-backward")
@twenty
@given(
    seeds,
    st.sampled_from(
        [((3, 4), (4, 2)), ((5, 3, 4), (4, 2)), ((3, 4), (5, 4, 2))]
    ),
)
def test_matmul_broadcasts(seed, shapes):
    rng = np.random.default_rng(seed)
    a, b = (rng.normal(size=shape) for shape in shapes)
    grad_output = rng.normal(size=(a @ b).shape)
    gradients = engine_gradients(lambda a, b: a @ b, [a, b], grad_output)
    assert (
        backprop.check_gradient(np.matmul, [a, b], gradients, grad_output)
        < 1e-6
    )


@pytest.mark.equation("eq-chain-rule")
def test_a_tensor_used_twice_receives_both_gradients():
    x = Tensor(3.0)
    y = x * x + 2 * x
    y.backward()
    assert x.grad == 2 * 3 + 2
    y.backward()
    assert x.grad == 8  # replaced, not doubled


@pytest.mark.equation("eq-chain-rule")
@twenty
@given(seeds)
def test_random_graphs(seed):
    """Graphs of random shape, in which tensors are used any number of times."""
    choices = np.random.default_rng(seed).integers(0, 1000, (12, 3))

    def compute(a, b):
        nodes = [a, b]
        for kind, first, second in choices:
            x, y = nodes[first % len(nodes)], nodes[second % len(nodes)]
            tanh = x.tanh() if isinstance(x, Tensor) else np.tanh(x)
            nodes.append([x + y, x * y, tanh, x - 0.5 * y][kind % 4])
            if kind % 5 == 0:
                nodes[-1] = nodes[-1] * nodes[-1]
        total = sum(nodes) * 0.1
        return total.tanh() if isinstance(total, Tensor) else np.tanh(total)

    a, b = np.array(0.3), np.array(-0.2)
    gradients = engine_gradients(compute, [a, b])
    assert backprop.check_gradient(compute, [a, b], gradients) < 1e-6


def test_what_is_not_a_float_becomes_one():
    x = Tensor([1, 2])
    assert x.data.dtype == float
    small = np.array([1, 2], np.uint8)
    for y in (x - small, small - x, x / small - 1, small / x - 1):
        np.testing.assert_array_equal(y.data, [0, 0])


def test_a_gradient_is_an_array_of_its_own_even_of_a_number():
    x = Tensor(3.0)
    given = np.array(2.0)
    y = x * x
    y.backward(given)
    assert isinstance(x.grad, np.ndarray)
    assert x.grad == 12
    y.grad += 1
    assert given == 2


def test_the_graph_lists_inputs_first_and_each_tensor_once():
    x = Tensor(1.0)
    y = x + 1
    z = y * x + y
    order = z.graph()
    assert len(order) == len(set(map(id, order))) == 4
    position = {id(tensor): i for i, tensor in enumerate(order)}
    for tensor in order:
        assert all(
            position[id(source)] < position[id(tensor)]
            for source, _ in tensor.inputs
        )
    assert order[-1] is z


def test_a_deep_graph_needs_no_recursion():
    x = y = Tensor(0.0)
    for _ in range(5000):
        y = y + 1
    y.backward()
    assert x.grad == 1


@pytest.mark.equation("eq-residual-jacobian")
def test_a_residual_path_adds_the_identity_to_the_jacobian():
    rng = np.random.default_rng(0)
    x, weight, grad_output = (
        rng.normal(size=(3, 1, 4)),
        rng.normal(size=(4, 4)),
        rng.normal(size=4),
    )
    plain = engine_gradients(
        lambda x: (x @ weight).tanh(), [x[0]], grad_output
    )[0]
    residual = engine_gradients(
        lambda x: x + (x @ weight).tanh(), [x[0]], grad_output
    )[0]
    np.testing.assert_allclose(residual, grad_output + plain, rtol=1e-12)


MATRIX = Tensor(np.ones((2, 3)))


@pytest.mark.parametrize(
    ("call", "error", "name"),
    [
        (lambda: Tensor([1.0, 2.0]).backward(), ValueError, "grad_output"),
        (lambda: Tensor([1.0, 2.0]).backward([1.0]), ValueError, "grad_output"),
        (lambda: MATRIX.backward(np.ones((3, 2))), ValueError, "grad_output"),
        (lambda: MATRIX.backward(np.ones(6)), ValueError, "grad_output"),
        (lambda: Tensor([1.0]) @ Tensor([1.0]), ValueError, "two axes"),
        (lambda: Tensor([1.0, 2.0]) @ MATRIX, ValueError, "two axes"),
        (lambda: MATRIX @ np.ones(3), ValueError, "two axes"),
        (lambda: Tensor(2.0) ** Tensor(2.0), TypeError, "exponent"),
        (lambda: Tensor(2.0) ** np.ones(2), TypeError, "exponent"),
        (
            lambda: Tensor(np.ones(2)) + Tensor(np.ones(3)),
            ValueError,
            "broadcast",
        ),
    ],
)
def test_bad_input_is_named(call, error, name):
    with pytest.raises(error, match=name):
        call()


def test_a_tensor_says_its_shape_and_name():
    assert repr(Tensor([1.0, 2.0], "v")) == "Tensor(shape=(2,), name='v')"


def test_the_mathematics_leaves_tensorflow_alone():
    code = (
        "import sys, llmbook.mathematics.attention, llmbook.mathematics.losses, llmbook.mathematics.backprop, llmbook.mathematics.autodiff, "
        "llmbook.mathematics.optim, llmbook.mathematics.transformer; sys.exit('tensorflow' in sys.modules)"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], check=False).returncode
        == 0
    )
