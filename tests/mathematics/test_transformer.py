"""The transformer on the engine beside the hand-derived passes and Keras."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from gradients import assert_close, engine_gradients
from hypothesis import given, settings
from hypothesis import strategies as st

from llmbook.mathematics import attention, backprop, losses, optim, transformer
from llmbook.mathematics.autodiff import Tensor
from llmbook.models.layers import TokenAndPositionEmbedding
from llmbook.models.layers import TransformerBlock as KerasBlock

seeds = st.integers(0, 2**32 - 1)
twenty = settings(max_examples=20, deadline=None, derandomize=True)


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


@pytest.mark.equation("eq-logsumexp")
def test_scores_of_thousands_do_not_overflow():
    x = 1000 * np.random.default_rng(0).normal(size=(3, 5))
    np.testing.assert_allclose(
        transformer.softmax(Tensor(x)).data, attention.softmax(x), atol=1e-12
    )


def test_scores_without_a_finite_largest_entry_are_refused():
    nothing = Tensor([[0.0, 1.0], [-np.inf, -np.inf]])
    with pytest.raises(ValueError, match="x must have a finite largest entry"):
        transformer.softmax(nothing)


@pytest.mark.equation("eq-layer-norm")
def test_a_position_without_variance_gets_the_bias():
    x, gain, bias = np.full((2, 4), 7.0), np.ones(4), np.arange(4.0)
    found = transformer.layer_norm(*map(Tensor, (x, gain, bias)))
    np.testing.assert_array_equal(found.data, [bias, bias])


@pytest.mark.equation("eq-pre-norm")
@pytest.mark.equation("eq-post-norm")
@pytest.mark.parametrize("residual", [True, False])
@pytest.mark.parametrize("norm", ["pre", "post", None])
def test_a_block_is_its_parts_in_their_order(norm, residual):
    rng = np.random.default_rng(0)
    block = transformer.TransformerBlock(
        rng, 6, 2, d_hidden=5, norm=norm, residual=residual
    )
    for parameter in block.parameters:  # so that no two of them are alike
        parameter.data += rng.normal(size=parameter.shape)
    x, mask = rng.normal(size=(2, 3, 6)), attention.causal_mask(3)
    values = [parameter.data for parameter in block.parameters]
    assert len(values) == (12 if norm else 8)  # what has no use learns nothing
    (w_query, w_key, w_value, w_output, *_, w_1, b_1, w_2, b_2) = values
    assert w_1.shape == (6, 5)
    norms = [p.data for p in (*block.attention_norm, *block.mlp_norm)]

    def attend(x):
        return attention.multi_head_attention(
            x, w_query, w_key, w_value, w_output, 2, mask
        )[0]

    def feed_forward(x):
        return backprop.gelu(x @ w_1 + b_1) @ w_2 + b_2

    y = x
    for part, (gain, bias) in (
        (attend, norms[:2]),
        (feed_forward, norms[2:]),
    ):
        normalised = backprop.layer_norm(y, gain, bias)
        change = part(normalised if norm == "pre" else y)
        y = y + change if residual else change
        y = backprop.layer_norm(y, gain, bias) if norm == "post" else y
    np.testing.assert_allclose(block(Tensor(x), mask).data, y, rtol=1e-10)
    output, weights = block.attend(Tensor(x))
    expected = attention.multi_head_attention(x, *values[:4], 2)
    np.testing.assert_allclose(output.data, expected[0], rtol=1e-10)
    np.testing.assert_allclose(weights.data, expected[1], rtol=1e-10)


def test_weights_begin_at_the_size_that_keeps_what_passes_through():
    rng = np.random.default_rng(0)
    block = transformer.TransformerBlock(rng, 64, 2)
    assert block.hidden[0].shape == (64, 256)
    wide, narrow = (w.data for w in (block.output[0], block.hidden[0]))
    assert wide.std() == pytest.approx(256**-0.5, rel=0.05)
    assert narrow.std() == pytest.approx(64**-0.5, rel=0.05)
    x = rng.normal(size=(500, 64))
    assert (x @ narrow).std() == pytest.approx(1, rel=0.05)
    model = transformer.LanguageModel(rng, 100, 90, 64, 2, num_blocks=3)
    assert len(model.blocks) == 3
    assert model.tokens.data.std() == pytest.approx(0.1, rel=0.05)
    assert model.positions.data.std() == pytest.approx(0.1, rel=0.05)
    assert model.w_logits.data.std() == pytest.approx(64**-0.5, rel=0.05)
    block = model.blocks[0]
    for tensor in (block.attention_norm[0], model.last_norm[0]):
        np.testing.assert_array_equal(tensor.data, 1)
    for tensor in (block.mlp_norm[1], block.hidden[1], model.last_norm[1]):
        np.testing.assert_array_equal(tensor.data, 0)


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


def test_a_model_has_one_block_unless_told():
    sizes = (np.random.default_rng(0), 11, 8, 12, 3)
    assert len(transformer.LanguageModel(*sizes).blocks) == 1
    assert len(transformer.LanguageModel(*sizes, num_blocks=2).blocks) == 2


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


def trained(**options):
    """A model after one batch, twice, with gradient descent at a rate of 0.5."""
    model = transformer.LanguageModel(np.random.default_rng(0), 5, 8, 8, 2)
    sgd = optim.SGD([parameter.data for parameter in model.parameters], 0.5)
    batch = np.random.default_rng(1).integers(0, 5, (3, 9))
    return model, batch, transformer.train(model, sgd, [batch] * 2, **options)


def test_a_step_of_training_is_backward_clip_rate_step():
    model, batch, (losses_, norms) = trained()
    fresh = transformer.LanguageModel(np.random.default_rng(0), 5, 8, 8, 2)
    for seen, length in zip(losses_, norms, strict=True):
        loss = fresh.loss(batch)
        loss.backward()
        assert seen == pytest.approx(float(loss.data), rel=1e-12)
        gradients = [parameter.grad for parameter in fresh.parameters]
        square = sum((gradient**2).sum() for gradient in gradients)
        assert length == pytest.approx(square**0.5, rel=1e-12)
        for parameter, gradient in zip(
            fresh.parameters, gradients, strict=True
        ):
            parameter.data -= 0.5 * gradient
    for ours, other in zip(model.parameters, fresh.parameters, strict=True):
        np.testing.assert_allclose(ours.data, other.data, rtol=1e-9, atol=1e-12)


def test_clipping_shortens_the_step_and_not_the_norm_that_is_told():
    _, _, (_, norms) = trained()
    start = transformer.LanguageModel(np.random.default_rng(0), 5, 8, 8, 2)
    model, _, (_, clipped) = trained(
        max_norm=0.1, schedule=lambda step: {1: 0.5, 2: 0.0}[step]
    )
    assert clipped[0] == norms[0] > 0.1
    moved = sum(
        ((p.data - old.data) ** 2).sum()
        for p, old in zip(model.parameters, start.parameters, strict=True)
    )
    assert moved**0.5 == pytest.approx(0.5 * 0.1, rel=1e-9)


def model_loss_of_first_batch(ids):
    model = transformer.LanguageModel(np.random.default_rng(0), 5, 8, 8, 2)
    batch = next(
        transformer.random_pieces(ids, 8, 4, 1, np.random.default_rng(1))
    )
    return model.loss(batch).data


@pytest.mark.parametrize(
    ("sizes", "options", "message"),
    [
        ((4, 3), {}, "num_heads must divide d_model, 4, got 3"),
        ((4, 2), {"norm": "both"}, "norm must be 'pre', 'post' or None"),
    ],
)
def test_a_block_that_is_none_is_named(sizes, options, message):
    with pytest.raises(ValueError, match=message):
        transformer.TransformerBlock(
            np.random.default_rng(0), *sizes, **options
        )


@pytest.mark.parametrize(
    ("ids", "error", "message"),
    [
        (np.zeros((1, 9), int), ValueError, "at most length=8 positions"),
        (np.zeros(3, int), ValueError, r"shape \(B, T\)"),
        ([[0, -1]], ValueError, "range"),
        ([[0, 5]], ValueError, "range"),
        ([[0.5]], TypeError, "integers"),
    ],
)
def test_ids_that_a_model_cannot_read_are_named(ids, error, message):
    model = transformer.LanguageModel(np.random.default_rng(0), 5, 8, 8, 2)
    with pytest.raises(error, match=message):
        model(ids)


@pytest.mark.parametrize("norm", ["pre", "post", None])
@pytest.mark.parametrize("residual", [True, False])
def test_every_variant_trains(norm, residual):
    model = transformer.LanguageModel(
        np.random.default_rng(0), 5, 8, 8, 2, norm=norm, residual=residual
    )
    sgd = optim.SGD([parameter.data for parameter in model.parameters], 0.1)
    batch = np.random.default_rng(1).integers(0, 5, (3, 9))
    losses_, _ = transformer.train(model, sgd, [batch] * 5)
    assert losses_[-1] < losses_[0]


@pytest.mark.parametrize("row", [[-np.inf] * 3, [np.nan, 0, 0], [np.inf, 0, 0]])
def test_a_row_without_a_largest_number_is_refused(row):
    x = Tensor(np.array([[0.0, 1.0, 2.0], row]))
    with pytest.raises(ValueError, match="x must have a finite largest entry"):
        transformer.softmax(x)
    with pytest.raises(ValueError, match="logits must have a finite largest"):
        transformer.cross_entropy(x, [0, 1])


def test_a_softmax_may_rule_out_all_but_one():
    found = transformer.softmax(Tensor(np.array([-np.inf, 5.0, -np.inf])))
    np.testing.assert_array_equal(found.data, [0, 1, 0])
