"""The engine beside central differences, the hand-derived passes, GradientTape and Keras."""

import subprocess
import sys

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from llmbook.mathematics import attention, backprop, losses, optim, transformer
from llmbook.mathematics.autodiff import Tensor
from llmbook.models.layers import TokenAndPositionEmbedding
from llmbook.models.layers import TransformerBlock as KerasBlock
from llmbook.showing.graphs import draw_graph

seeds = st.integers(0, 2**32 - 1)
twenty = settings(max_examples=20, deadline=None, derandomize=True)


def engine_gradients(function, inputs, grad_output=1.0):
    tensors = [Tensor(x) for x in inputs]
    output = function(*tensors)
    output.backward(np.broadcast_to(grad_output, output.shape))
    return [tensor.grad for tensor in tensors]


def assert_close(gradients, expected, tolerance=1e-12):
    for gradient, other in zip(gradients, expected, strict=True):
        assert gradient.shape == other.shape
        assert np.abs(gradient - other).max() <= tolerance * max(
            np.abs(other).max(), 1e-3
        )


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


def attention_inputs(rng):
    return [rng.normal(size=(2, length, 4)) for length in (3, 5, 5)]


@pytest.mark.equation("eq-attention-backward")
@twenty
@given(seeds)
def test_attention_beside_the_hand_derived_pass(seed):
    rng = np.random.default_rng(seed)
    inputs, grad_output = attention_inputs(rng), rng.normal(size=(2, 3, 4))
    mask = rng.random((2, 3, 5)) < 0.6
    mask[..., 0] = True
    _, weights = attention.scaled_dot_product_attention(*inputs, mask)
    by_hand = backprop.scaled_dot_product_attention_backward(
        grad_output, *inputs, weights
    )
    by_engine = engine_gradients(
        lambda *a: transformer.scaled_dot_product_attention(*a, mask)[0],
        inputs,
        grad_output,
    )
    assert_close(by_engine, by_hand)


@pytest.mark.equation("eq-layer-norm-backward")
@pytest.mark.equation("eq-gelu-backward")
@pytest.mark.equation("eq-softmax-backward")
@twenty
@given(seeds)
def test_functions_beside_the_hand_derived_passes(seed):
    rng = np.random.default_rng(seed)
    x, grad_output = 1 + 2 * rng.normal(size=(2, 4, 6))
    gain, bias = rng.normal(size=(2, 6))
    assert_close(
        engine_gradients(transformer.layer_norm, [x, gain, bias], grad_output),
        backprop.layer_norm_backward(grad_output, x, gain),
    )
    assert_close(
        engine_gradients(transformer.gelu, [x], grad_output),
        [backprop.gelu_backward(grad_output, x)],
    )
    assert_close(
        engine_gradients(transformer.softmax, [x], grad_output),
        [backprop.softmax_backward(grad_output, attention.softmax(x))],
    )


@pytest.mark.equation("eq-cross-entropy-backward")
@twenty
@given(seeds)
def test_cross_entropy_beside_the_hand_derived_pass(seed):
    rng = np.random.default_rng(seed)
    logits, targets = (
        500 * rng.normal(size=(2, 3, 5)),
        rng.integers(0, 5, (2, 3)),
    )
    loss = transformer.cross_entropy(Tensor(logits), targets)
    np.testing.assert_allclose(
        loss.data, losses.cross_entropy(logits, targets), rtol=1e-12
    )
    assert_close(
        engine_gradients(
            lambda z: transformer.cross_entropy(z, targets), [logits]
        ),
        [backprop.cross_entropy_backward(logits, targets)],
    )


@pytest.fixture
def float64():
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_dtype_policy(policy)


def keras_model(
    vocabulary_size, length, d_model, num_heads, num_blocks, pre_norm=True
):
    ids = keras.Input((None,), dtype="int32")
    x = TokenAndPositionEmbedding(
        vocabulary_size, length, d_model, mask_zero=False
    )(ids)
    for _ in range(num_blocks):
        x = KerasBlock(num_heads, causal=True, pre_norm=pre_norm)(x)
    x = keras.layers.LayerNormalization(epsilon=1e-5)(x)
    return keras.Model(
        ids, keras.layers.Dense(vocabulary_size, use_bias=False)(x)
    )


def twins(seed, norm="pre", num_blocks=1):
    """The same model on the engine and in Keras, with the same weights."""
    sizes = (11, 8, 12, 3, num_blocks)
    ours = transformer.LanguageModel(
        np.random.default_rng(seed), *sizes, norm=norm
    )
    theirs = keras_model(*sizes, pre_norm=norm == "pre")
    theirs.set_weights([parameter.data.copy() for parameter in ours.parameters])
    return ours, theirs


@pytest.mark.equation("eq-pre-norm")
@pytest.mark.equation("eq-post-norm")
@pytest.mark.parametrize("norm", ["pre", "post"])
@pytest.mark.usefixtures("float64")
def test_the_model_equals_keras_in_logits_and_gradients(norm):
    ours, theirs = twins(0, norm, num_blocks=2)
    ids = np.random.default_rng(1).integers(0, 11, (4, 9))
    loss = ours.loss(ids)
    loss.backward()
    with tf.GradientTape() as tape:
        logits = theirs(ids[:, :-1])
        expected = tf.reduce_mean(
            tf.nn.sparse_softmax_cross_entropy_with_logits(ids[:, 1:], logits)
        )
    gradients = tape.gradient(expected, theirs.trainable_variables)
    np.testing.assert_allclose(
        ours(ids[:, :-1]).data, logits.numpy(), atol=1e-6
    )
    # tf.nn.gelu rounds the root of 2 to float32, about 2e-8 of its value.
    for parameter, gradient in zip(ours.parameters, gradients, strict=True):
        gradient = tf.convert_to_tensor(gradient).numpy()
        assert (
            np.abs(parameter.grad - gradient).max()
            < 1e-6 * np.abs(gradient).max()
        )


@pytest.mark.usefixtures("float64")
def test_the_engine_trains_a_block_as_keras_does():
    ours, theirs = twins(2)
    rng = np.random.default_rng(3)
    # Keras keeps its constants in float32, so these are numbers that float32 holds exactly.
    options = {"beta_1": 7 / 8, "beta_2": 1023 / 1024, "weight_decay": 1 / 64}
    adam = optim.Adam([p.data for p in ours.parameters], 1 / 128, **options)
    keras_adam = keras.optimizers.AdamW(1 / 128, **options)
    curves = []
    for _ in range(50):
        ids = (
            np.cumsum(rng.integers(1, 3, (4, 9)), axis=1) % 11
        )  # each token follows by 1 or 2
        loss = ours.loss(ids)
        loss.backward()
        adam.step([p.grad for p in ours.parameters])
        with tf.GradientTape() as tape:
            losses_ = tf.nn.sparse_softmax_cross_entropy_with_logits(
                ids[:, 1:], theirs(ids[:, :-1])
            )
            expected = tf.reduce_mean(losses_)
        # The gradient of an embedding is a list of rows, in which a token may stand twice. Adam in
        # Keras squares the rows as they come, so they are added up first.
        gradients = tape.gradient(expected, theirs.trainable_variables)
        gradients = [tf.convert_to_tensor(gradient) for gradient in gradients]
        keras_adam.apply(gradients, theirs.trainable_variables)
        curves.append((float(loss.data), float(expected)))
    ours_curve, keras_curve = np.array(curves).T
    assert np.abs(ours_curve - keras_curve).max() < 1e-6
    assert ours_curve[-1] < 0.6 * ours_curve[0]


def test_a_causal_model_does_not_look_ahead():
    model = transformer.LanguageModel(
        np.random.default_rng(0), 7, 6, 8, 2, num_blocks=2
    )
    ids = np.random.default_rng(1).integers(0, 7, (1, 6))
    changed = ids.copy()
    changed[0, 4:] = (changed[0, 4:] + 1) % 7
    np.testing.assert_array_equal(
        model(ids).data[:, :4], model(changed).data[:, :4]
    )
    assert (model(ids).data[:, 4:] != model(changed).data[:, 4:]).all()


def test_random_pieces_are_consecutive_and_reach_both_ends():
    batches = list(
        transformer.random_pieces(
            np.arange(6), 3, 40, 2, np.random.default_rng(0)
        )
    )
    assert [batch.shape for batch in batches] == [(40, 4), (40, 4)]
    assert (np.diff(batches[0], axis=1) == 1).all()
    assert set(batches[0][:, 0]) == {0, 1, 2}
    with pytest.raises(ValueError, match="ids"):
        next(
            transformer.random_pieces(
                np.arange(3), 3, 1, 1, np.random.default_rng(0)
            )
        )


def test_train_follows_schedule_and_clipping():
    ids = np.arange(60) % 5  # every token has one successor
    runs = []
    for max_norm in (np.inf, 0.5):
        model = transformer.LanguageModel(np.random.default_rng(0), 5, 8, 8, 2)
        start = [parameter.data.copy() for parameter in model.parameters]
        sgd = optim.SGD([parameter.data for parameter in model.parameters], 1.0)
        pieces = transformer.random_pieces(
            ids, 8, 4, 60, np.random.default_rng(1)
        )
        losses_, norms = transformer.train(
            model, sgd, pieces, lambda step: 0.1 * (step > 1), max_norm
        )
        assert losses_.shape == norms.shape == (60,)
        assert losses_[-1] < 0.7 * losses_[0]
        runs.append(losses_)
        assert any(
            (p.data != old).any()
            for p, old in zip(model.parameters, start, strict=True)
        )
    assert runs[0][0] == runs[1][0]
    assert runs[0][0] == pytest.approx(float(model_loss_of_first_batch(ids)))
    assert (
        runs[0][2] != runs[1][2]
    )  # clipping tells from the first step that is not of length 0


def model_loss_of_first_batch(ids):
    model = transformer.LanguageModel(np.random.default_rng(0), 5, 8, 8, 2)
    batch = next(
        transformer.random_pieces(ids, 8, 4, 1, np.random.default_rng(1))
    )
    return model.loss(batch).data


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


@pytest.mark.parametrize(
    ("call", "error", "name"),
    [
        (lambda: Tensor([1.0, 2.0]).backward(), ValueError, "grad_output"),
        (lambda: Tensor([1.0, 2.0]).backward([1.0]), ValueError, "grad_output"),
        (lambda: Tensor([1.0]) @ Tensor([1.0]), ValueError, "two axes"),
        (lambda: Tensor(2.0) ** Tensor(2.0), TypeError, "exponent"),
        (
            lambda: Tensor(np.ones(2)) + Tensor(np.ones(3)),
            ValueError,
            "broadcast",
        ),
        (
            lambda: transformer.TransformerBlock(
                np.random.default_rng(0), 4, 3
            ),
            ValueError,
            "num_heads",
        ),
        (
            lambda: transformer.TransformerBlock(
                np.random.default_rng(0), 4, 2, norm="both"
            ),
            ValueError,
            "norm",
        ),
    ],
)
def test_bad_input_is_named(call, error, name):
    with pytest.raises(error, match=name):
        call()


def test_repr_and_drawing():
    x = Tensor(2.0, "x")
    vector = Tensor([1.0, 2.0], "vector")
    loss = (x * vector).sum() + x
    assert repr(vector) == "Tensor(shape=(2,), name='vector')"
    loss.backward()
    ax = draw_graph(loss)
    labels = [text.get_text() for text in ax.texts]
    assert "x\n2\ngrad 4" in labels
    assert "vector\n(2,)" in labels
    edges = sum(len(tensor.inputs) for tensor in loss.graph())
    assert (
        len(labels) == len(loss.graph()) + edges
    )  # an arrow is an annotation without text
    positions = [text.get_position() for text in ax.texts if text.get_text()]
    assert len(set(positions)) == len(positions)
    plt.close(ax.figure)
    _, own = plt.subplots()
    assert draw_graph(loss, own) is own
    plt.close(own.figure)


def test_the_mathematics_leaves_tensorflow_alone():
    code = (
        "import sys, llmbook.mathematics.attention, llmbook.mathematics.losses, llmbook.mathematics.backprop, llmbook.mathematics.autodiff, "
        "llmbook.mathematics.optim, llmbook.mathematics.transformer; sys.exit('tensorflow' in sys.modules)"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], check=False).returncode
        == 0
    )
