import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from llmbook.mathematics import attention as reference
from llmbook.mathematics.backprop import gelu
from llmbook.models.layers import (
    AttentionPooling,
    Embedding,
    FeedForward,
    Linear,
    MultiHeadAttention,
    RMSNorm,
    SwiGLU,
    TokenAndPositionEmbedding,
    TransformerBlock,
    ViewEmbedding,
    masked_softmax,
    rotate,
    token_mask,
)

TOLERANCE = {"rtol": 1e-5, "atol": 1e-5}
few = settings(max_examples=15, deadline=None)


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def kernels(layer):
    names = ("query", "key", "value", "output")
    return [
        getattr(layer, f"{name}_projection").kernel.numpy() for name in names
    ]


def heads_of(x, w, num_heads):
    """(B, T, d) @ (d, H * d_k) -> (B, H, T, d_k)."""
    projected = x @ w
    return projected.reshape(*x.shape[:2], num_heads, -1).transpose(0, 2, 1, 3)


def norm_in_numpy(layer, x):
    """A norm by its formula, with an epsilon of 1e-5."""
    if isinstance(layer, RMSNorm):
        mean_square = (x**2).mean(axis=-1, keepdims=True)
        return x / np.sqrt(mean_square + 1e-5) * layer.scale.numpy()
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = (centred**2).mean(axis=-1, keepdims=True)
    scaled = centred / np.sqrt(variance + 1e-5)
    return scaled * layer.gamma.numpy() + layer.beta.numpy()


def attention_in_numpy(layer, query, value, key, mask=None):
    """An attention layer by the book's NumPy functions: output and weights."""
    w_query, w_key, w_value, w_output = kernels(layer)
    query = heads_of(query, w_query, layer.num_heads)
    key = heads_of(key, w_key, layer.num_kv_heads)
    value = heads_of(value, w_value, layer.num_kv_heads)
    if layer.rotary:
        query, key = (
            reference.rotary(z, base=layer.rotary_base) for z in (query, key)
        )
    group = layer.num_heads // layer.num_kv_heads
    key, value = (np.repeat(z, group, axis=1) for z in (key, value))
    context, weights = reference.scaled_dot_product_attention(
        query, key, value, mask=mask
    )  # (B, H, T_q, d_k), (B, H, T_q, T_k)
    merged = context.transpose(0, 2, 1, 3).reshape(
        len(context), context.shape[2], -1
    )
    return merged @ w_output, weights


def feed_forward_in_numpy(kind, layer, x):
    weights = [weight.numpy() for weight in layer.weights]
    if kind == "swiglu":
        gate, up, down = weights
        z = x @ gate
        return z / (1 + np.exp(-z)) * (x @ up) @ down
    w_1, b_1, w_2, b_2 = weights
    hidden = x @ w_1 + b_1
    hidden = gelu(hidden) if kind == "gelu" else np.maximum(hidden, 0)
    return hidden @ w_2 + b_2


def randomise(layer, seed=0):
    """Away from ones and zeros, so that no two weights are alike."""
    rng = np.random.default_rng(seed)
    for weight in layer.weights:
        weight.assign(weight + 0.5 * rng.normal(size=weight.shape))


def keras_twin(layer, query, value):
    """Keras's own layer with the same weights."""
    twin = keras.layers.MultiHeadAttention(
        layer.num_heads, layer.d_k, use_bias=False
    )
    twin(query, value)
    w_query, w_key, w_value, w_output = kernels(layer)
    heads = (layer.num_heads, layer.d_k)
    twin.set_weights(
        [w.reshape(-1, *heads) for w in (w_query, w_key, w_value)]
        + [w_output.reshape(*heads, -1)]
    )
    return twin


# --- MultiHeadAttention against independent references ------------------------------------------


@few
@given(
    st.integers(1, 3),
    st.integers(1, 6),
    st.sampled_from([1, 2, 4]),
    st.booleans(),
)
def test_self_attention_equals_the_numpy_function(
    batch, length, num_heads, causal
):
    layer = MultiHeadAttention(num_heads, causal=causal)
    x = normal(batch, length, 8)
    output, weights = layer(x, return_weights=True)
    mask = reference.causal_mask(length) if causal else None
    expected = reference.multi_head_attention(
        x, *kernels(layer), num_heads, mask=mask
    )
    np.testing.assert_allclose(output, expected[0], **TOLERANCE)
    np.testing.assert_allclose(weights, expected[1], **TOLERANCE)


def test_self_attention_with_padding_equals_the_numpy_function():
    layer, x = MultiHeadAttention(2), normal(3, 5, 8)
    mask = reference.padding_mask([5, 2, 1], 5)  # (B, T)
    expected, expected_weights = reference.multi_head_attention(
        x, *kernels_after(layer, x), 2, mask=mask[:, None]
    )
    output, weights = layer(x, mask=mask, return_weights=True)
    np.testing.assert_allclose(output, expected, **TOLERANCE)
    np.testing.assert_allclose(weights, expected_weights, **TOLERANCE)


def kernels_after(layer, *inputs):
    layer(*inputs)
    return kernels(layer)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("padded", [False, True])
def test_self_attention_equals_keras(causal, padded):
    layer, x = MultiHeadAttention(4, causal=causal), normal(3, 6, 16)
    mask = (
        reference.padding_mask([6, 3, 1], 6)
        if padded
        else np.ones((3, 6), bool)
    )
    output, weights = layer(x, mask=mask, return_weights=True)
    twin = keras_twin(layer, x, x)
    expected, expected_weights = twin(
        x,
        x,
        attention_mask=mask[:, None],
        use_causal_mask=causal,
        return_attention_scores=True,
    )
    np.testing.assert_allclose(output, expected, **TOLERANCE)
    np.testing.assert_allclose(weights, expected_weights, **TOLERANCE)


def test_cross_attention_equals_keras_with_an_explicit_mask():
    layer, query, value = (
        MultiHeadAttention(2, head_dim=3),
        normal(2, 4, 8),
        normal(2, 5, 6),
    )
    mask = np.random.default_rng(1).random((2, 4, 5)) < 0.6
    mask[..., 0] = True
    output, weights = layer(query, value, mask=mask, return_weights=True)
    expected, expected_weights = keras_twin(layer, query, value)(
        query, value, attention_mask=mask, return_attention_scores=True
    )
    np.testing.assert_allclose(output, expected, **TOLERANCE)
    np.testing.assert_allclose(weights, expected_weights, **TOLERANCE)


def test_gradients_equal_those_of_keras():
    layer, x = MultiHeadAttention(2, causal=True), tf.constant(normal(2, 5, 8))
    layer(x)
    twin = keras_twin(layer, x, x)

    def gradients(attend, variables):
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(attend(x) ** 2)
        return tape.gradient(loss, [x, *[v.value for v in variables]])

    ours = gradients(layer, layer.trainable_variables)
    theirs = gradients(
        lambda x: twin(x, x, use_causal_mask=True), twin.trainable_variables
    )
    for gradient, expected in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(
            gradient, tf.reshape(expected, gradient.shape), **TOLERANCE
        )


def test_raw_values_are_mixed_by_weights_of_other_keys():
    query, key, value = (
        normal(2, 3, 8),
        normal(2, 5, 6, seed=1),
        normal(2, 5, 4, seed=2),
    )
    layer = MultiHeadAttention(2)
    output, weights = layer(query, value=value, key=key, return_weights=True)
    w_query, w_key, w_value, w_output = kernels(layer)
    context, expected = reference.scaled_dot_product_attention(
        heads_of(query, w_query, 2),
        heads_of(key, w_key, 2),
        heads_of(value, w_value, 2),
    )
    np.testing.assert_allclose(weights, expected, **TOLERANCE)
    merged = context.transpose(0, 2, 1, 3).reshape(2, 3, 8)
    np.testing.assert_allclose(output, merged @ w_output, **TOLERANCE)


@pytest.mark.parametrize("num_kv_heads", [1, 2, 4])
@pytest.mark.parametrize("rotary", [False, True])
def test_grouped_query_and_rotary_attention_equal_numpy(num_kv_heads, rotary):
    layer = MultiHeadAttention(
        4,
        head_dim=6,
        num_kv_heads=num_kv_heads,
        causal=True,
        rotary=rotary,
        rotary_base=100.0,
    )
    x = normal(2, 7, 8)
    output, weights = layer(x, return_weights=True)
    w_query, w_key, w_value, w_output = kernels(layer)
    assert w_key.shape == w_value.shape == (8, num_kv_heads * 6)
    query, key, value = (
        heads_of(x, w, n)
        for w, n in zip(
            (w_query, w_key, w_value),
            (4, num_kv_heads, num_kv_heads),
            strict=True,
        )
    )
    if rotary:
        query, key = (reference.rotary(z, base=100.0) for z in (query, key))
    key, value = (np.repeat(z, 4 // num_kv_heads, axis=1) for z in (key, value))
    context, expected = reference.scaled_dot_product_attention(
        query, key, value, mask=reference.causal_mask(7)
    )
    np.testing.assert_allclose(weights, expected, **TOLERANCE)
    merged = context.transpose(0, 2, 1, 3).reshape(2, 7, 24)
    np.testing.assert_allclose(output, merged @ w_output, **TOLERANCE)


@pytest.mark.parametrize("options", [{}, {"rotary_base": 10000.0}])
def test_the_base_of_rotary_positions_is_ten_thousand_unless_told(options):
    layer, x = MultiHeadAttention(1, rotary=True, **options), normal(1, 9, 8)
    _, weights = layer(x, return_weights=True)
    query, key = (
        reference.rotary(x @ w, base=10000.0) for w in kernels(layer)[:2]
    )
    expected = reference.softmax(query @ key.transpose(0, 2, 1) / np.sqrt(8))
    np.testing.assert_allclose(weights[:, 0], expected, **TOLERANCE)
    np.testing.assert_allclose(rotate(x), reference.rotary(x), **TOLERANCE)


def test_heads_of_a_width_of_their_own_need_not_divide_the_models():
    layer, x = MultiHeadAttention(3, head_dim=4), normal(1, 2, 8)
    output = layer(x)
    expected, _ = attention_in_numpy(layer, x, x, x)
    np.testing.assert_allclose(output, expected, **TOLERANCE)
    assert [w.shape for w in kernels(layer)] == [(8, 12)] * 3 + [(12, 8)]


# --- Properties -----------------------------------------------------------------------------------


@few
@given(st.integers(0, 2**16), st.booleans(), st.booleans())
def test_rows_of_the_weights_sum_to_one_and_forbidden_keys_get_exactly_zero(
    seed, causal, rotary
):
    rng = np.random.default_rng(seed)
    mask = rng.random((2, 5, 5)) < 0.5
    weights = MultiHeadAttention(2, causal=causal, rotary=rotary)(
        normal(2, 5, 8, seed=seed) * 10, mask=mask, return_weights=True
    )[1].numpy()
    allowed = np.broadcast_to(
        (mask & np.tri(5, dtype=bool) if causal else mask)[:, None],
        weights.shape,
    )
    np.testing.assert_allclose(weights.sum(-1), allowed.any(-1), **TOLERANCE)
    assert (weights[~allowed] == 0).all()
    assert (weights >= 0).all()


@few
@given(st.permutations(range(6)))
def test_without_positions_permuted_tokens_permute_the_outputs(order):
    layer, x = MultiHeadAttention(2), normal(1, 6, 8)
    np.testing.assert_allclose(
        layer(x[:, order]), layer(x).numpy()[:, order], **TOLERANCE
    )


def test_rotary_positions_see_the_order_but_only_distances():
    x = normal(1, 6, 8)
    layer = MultiHeadAttention(2, rotary=True)
    assert np.abs(layer(x[:, ::-1]).numpy()[:, ::-1] - layer(x)).max() > 1e-3
    query, key = normal(6, 8), normal(6, 8, seed=1)
    here = rotate(query) @ np.transpose(rotate(key))
    there = rotate(query, start=40) @ np.transpose(rotate(key, start=40))
    np.testing.assert_allclose(here, there, rtol=1e-4, atol=1e-4)


@few
@given(st.integers(0, 5))
def test_a_causal_layer_lets_no_token_see_the_future(position):
    layer, x = MultiHeadAttention(2, causal=True, rotary=True), normal(1, 6, 8)
    changed = x.copy()
    changed[:, position] += 1
    difference = np.abs(layer(changed).numpy() - layer(x).numpy()).max(
        axis=(0, 2)
    )
    assert (difference[:position] == 0).all()
    assert difference[position] > 0


@pytest.mark.parametrize("num_kv_heads", [1, 2])
def test_padding_content_changes_nothing_at_all(num_kv_heads):
    layer, x = (
        MultiHeadAttention(2, num_kv_heads=num_kv_heads, rotary=True),
        normal(2, 6, 8),
    )
    mask = reference.padding_mask([6, 3], 6)
    changed = np.where(mask[..., None], x, 1000.0).astype("float32")
    before, after = (
        layer(x, mask=mask).numpy(),
        layer(changed, mask=mask).numpy(),
    )
    assert np.abs(before - after)[mask].max() == 0


def test_huge_logits_do_not_overflow():
    layer, x = MultiHeadAttention(1), normal(1, 4, 8) * 1e6
    output, weights = layer(
        x, mask=np.array([[True, True, True, False]]), return_weights=True
    )
    assert np.isfinite(output).all()
    assert (weights.numpy()[..., 3] == 0).all()
    np.testing.assert_allclose(weights.numpy().sum(-1), 1, **TOLERANCE)


@pytest.mark.parametrize("jit", [False, True])
def test_a_query_that_may_see_nothing_gets_zeros_and_finite_gradients(jit):
    layer, x = MultiHeadAttention(2), tf.constant(normal(2, 3, 8))
    layer(x)
    mask = tf.constant([[True, False, True], [False, False, False]])

    @tf.function(jit_compile=jit)
    def run(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            output, weights = layer(x, mask=mask, return_weights=True)
            loss = tf.reduce_sum(output**2)
        return output, weights, tape.gradient(loss, x)

    output, weights, gradient = run(x)
    assert (output.numpy()[1] == 0).all()
    assert (weights.numpy()[1] == 0).all()
    assert np.abs(output[0]).max() > 0
    assert np.isfinite(gradient).all()


MASKS = {
    "(B, T)": (2, 5),
    "(1, T)": (1, 5),
    "(B, T, T)": (2, 5, 5),
    "(1, T, T)": (1, 5, 5),
    "(B, 1, T)": (2, 1, 5),
    "(B, T, 1)": (2, 5, 1),
    "(1, 1, T)": (1, 1, 5),
}


@pytest.mark.parametrize("shape", MASKS)
@pytest.mark.parametrize("causal", [False, True])
def test_masks_of_every_shape_forbid_what_they_say(shape, causal):
    x, mask = (
        normal(2, 5, 8),
        np.random.default_rng(3).random(MASKS[shape]) < 0.6,
    )
    allowed = np.broadcast_to(
        mask[:, None] if mask.ndim == 2 else mask, (2, 5, 5)
    )
    allowed = (allowed & np.tri(5, dtype=bool) if causal else allowed)[:, None]
    assert not allowed.all()
    layer = MultiHeadAttention(2, causal=causal)
    free = MultiHeadAttention(2)
    free(x), layer(x)
    free.set_weights(layer.get_weights())
    weights = np.where(allowed, free(x, return_weights=True)[1], 0)
    total = weights.sum(axis=-1, keepdims=True)
    expected = weights / np.where(total > 0, total, 1)
    found = layer(x, mask=mask, return_weights=True)[1]
    np.testing.assert_allclose(found, expected, **TOLERANCE)
    block = TransformerBlock(2, causal=causal)
    _, weights = block(x, mask=mask, return_weights=True)
    np.testing.assert_array_equal(
        weights.numpy() > 0, np.broadcast_to(allowed, weights.shape)
    )


def test_a_mask_is_as_long_as_the_batch_whatever_the_number_of_heads():
    x, mask = normal(3, 5, 8), np.ones((3, 5, 5), dtype=bool)
    layer = MultiHeadAttention(2)
    np.testing.assert_array_equal(layer(x, mask=mask), layer(x))
    with pytest.raises(ValueError, match="mask"):
        layer(x, mask=mask[:2])
    with pytest.raises(ValueError, match="mask must have shape"):
        layer.remember(x, mask=mask)  # of pairs, where one of keys is due


def test_a_block_has_all_its_weights_once_it_is_built():
    built, called = TransformerBlock(2), TransformerBlock(2)
    built.build((None, 5, 8))
    called(normal(3, 5, 8))
    shapes = [weight.shape for weight in built.weights]
    assert shapes == [weight.shape for weight in called.weights]


def test_a_gated_layer_has_its_three_matrices_once_it_is_built():
    layer = SwiGLU(16)
    layer.build((None, 5, 8))
    assert [weight.shape for weight in layer.weights] == [
        (8, 16),
        (8, 16),
        (16, 8),
    ]


def test_masks_of_the_other_sequence_may_have_every_shape():
    x, value = normal(2, 5, 8), normal(2, 3, 6)
    block = TransformerBlock(2, cross_attention=True)
    for shape in ((2, 3), (1, 3), (2, 5, 3), (1, 5, 3), (2, 1, 3)):
        mask = np.random.default_rng(4).random(shape) < 0.6
        _, (_, weights) = block(
            x, value=value, value_mask=mask, return_weights=True
        )
        allowed = mask[:, None] if mask.ndim == 2 else mask
        np.testing.assert_array_equal(
            weights.numpy() > 0,
            np.broadcast_to(allowed[:, None], weights.shape),
        )


# --- Masks that Keras attaches --------------------------------------------------------------------


def embedded(ids, width=8):
    return keras.layers.Embedding(10, width, mask_zero=True)(np.array(ids))


def test_an_attached_mask_counts_and_is_passed_on():
    x = embedded([[3, 4, 0], [5, 0, 0]])
    layer = MultiHeadAttention(2)
    output = layer(x)
    np.testing.assert_array_equal(output._keras_mask, [[1, 1, 0], [1, 0, 0]])
    explicit = layer(
        x.numpy(), mask=np.array([[True, True, False], [True, False, False]])
    )
    np.testing.assert_array_equal(output, explicit)


@pytest.mark.parametrize("layer", [FeedForward(16), SwiGLU(16), RMSNorm()])
def test_what_works_position_by_position_passes_an_attached_mask_on(layer):
    output = layer(embedded([[3, 4, 0], [5, 0, 0]]))
    np.testing.assert_array_equal(output._keras_mask, [[1, 1, 0], [1, 0, 0]])


def test_an_attached_and_an_explicit_mask_both_count():
    x = embedded([[3, 4, 0]])
    layer = MultiHeadAttention(2)
    later = np.array(
        [[[False, True, True]] * 3]
    )  # (B, T_q, T_k): not the first
    output, weights = layer(x, mask=later, return_weights=True)
    np.testing.assert_allclose(
        weights.numpy(), np.broadcast_to([0, 1, 0], weights.shape)
    )
    np.testing.assert_array_equal(output._keras_mask, [[1, 1, 0]])


def test_attached_and_explicit_padding_both_count():
    layer, x = MultiHeadAttention(2), embedded([[3, 4, 0, 6]])
    explicit = np.array([[False, True, True, True]])
    _, weights = layer(x, mask=explicit, return_weights=True)
    np.testing.assert_array_equal(
        weights.numpy() > 0, np.broadcast_to([0, 1, 0, 1], weights.shape)
    )
    _, weights = layer(normal(1, 2, 8), x, mask=explicit, return_weights=True)
    np.testing.assert_array_equal(
        weights.numpy() > 0, np.broadcast_to([0, 1, 0, 1], weights.shape)
    )


def test_every_mask_counts_in_pooling():
    layer, plain = AttentionPooling(2), normal(1, 4, 8)
    x, value = embedded([[3, 4, 5, 0]]), embedded([[0, 4, 5, 6]])
    explicit = np.array([[True, True, False, True]])
    for inputs, mask, seen in [
        ((x,), None, [1, 1, 1, 0]),
        ((plain, value), None, [0, 1, 1, 1]),
        ((x, plain), None, [1, 1, 1, 0]),
        ((x, value), None, [0, 1, 1, 0]),
        ((plain,), explicit, [1, 1, 0, 1]),
        ((x,), explicit, [1, 1, 0, 0]),
        ((x, value), explicit, [0, 1, 0, 0]),
    ]:
        output, weights = layer(*inputs, mask=mask, return_weights=True)
        np.testing.assert_array_equal(
            weights.numpy() > 0, np.broadcast_to(seen, weights.shape)
        )
        assert getattr(output, "_keras_mask", None) is None
    both = np.concatenate([plain, plain + 1])
    output, weights = layer(both, mask=explicit, return_weights=True)
    np.testing.assert_array_equal(
        weights.numpy() > 0, np.broadcast_to(explicit[:, None], (2, 2, 4))
    )


def test_a_block_passes_on_the_padding_that_it_was_told():
    first, second, x = TransformerBlock(2), TransformerBlock(2), normal(2, 4, 8)
    mask = reference.padding_mask([4, 2], 4)
    once = first(x, mask=mask)
    np.testing.assert_array_equal(once._keras_mask, mask)
    np.testing.assert_array_equal(second(once), second(once.numpy(), mask=mask))
    # Who sees whom says nothing of padding.
    pairs = np.tri(4, dtype=bool)[None]
    assert getattr(first(x, mask=pairs), "_keras_mask", None) is None
    padded = embedded([[3, 4, 5, 0]])
    np.testing.assert_array_equal(
        first(padded, mask=pairs)._keras_mask, [[1, 1, 1, 0]]
    )


def test_masks_of_values_and_of_keys_count_in_cross_attention():
    query = normal(1, 2, 8)
    layer = MultiHeadAttention(2)
    value, key = embedded([[3, 4, 0]]), embedded([[0, 4, 5]])
    for inputs, hidden in [
        ((value,), [2]),
        ((value, key), [0, 2]),
        ((normal(1, 3, 8), key), [0]),
    ]:
        output, weights = layer(query, *inputs, return_weights=True)
        assert (weights.numpy()[..., hidden] == 0).all()
        assert (np.delete(weights.numpy(), hidden, axis=-1) > 0).all()
        assert getattr(output, "_keras_mask", None) is None


def test_a_mask_passes_through_a_whole_model():
    ids = keras.Input((None,), dtype="int32")
    x = TokenAndPositionEmbedding(10, 8, 16)(ids)
    x = TransformerBlock(2)(x)
    x = TransformerBlock(4, pre_norm=False)(x)
    model = keras.Model(ids, [AttentionPooling(2)(x), AttentionPooling(4)(x)])
    short = model(np.array([[4, 5]]))
    for padded in ([[4, 5, 0]], [[4, 5, 0, 0, 0]]):
        for output, expected in zip(
            model(np.array(padded)), short, strict=True
        ):
            np.testing.assert_allclose(output, expected, **TOLERANCE)
    model.layers[1].token.embeddings.assign(
        tf.tensor_scatter_nd_update(
            model.layers[1].token.embeddings, [[0]], [tf.fill([16], 9.0)]
        )
    )
    for output, expected in zip(
        model(np.array([[4, 5, 0]])), short, strict=True
    ):
        np.testing.assert_allclose(output, expected, **TOLERANCE)
    for output in model(np.array([[0, 0]])):
        assert (output.numpy() == 0).all()


# --- The cache ------------------------------------------------------------------------------------


@pytest.mark.parametrize("num_kv_heads", [1, 2])
@pytest.mark.parametrize("jit", [False, True])
def test_step_by_step_with_a_cache_equals_all_at_once(num_kv_heads, jit):
    layer, x = (
        MultiHeadAttention(
            2, num_kv_heads=num_kv_heads, causal=True, rotary=True
        ),
        normal(2, 7, 8),
    )
    expected = layer(x).numpy()

    @tf.function(jit_compile=jit)
    def decode(x):
        first, cache = layer(x[:, :3], cache=layer.empty_cache(2, 9))

        def step(i, cache, outputs):
            output, cache = layer(tf.gather(x, [i], axis=1), cache=cache)
            return (
                i + 1,
                cache,
                outputs + output * tf.one_hot(i, 7)[None, :, None],
            )

        _, cache, outputs = tf.while_loop(
            lambda i, *_: i < 7,
            step,
            (tf.constant(3), cache, tf.zeros((2, 7, 8))),
        )
        return tf.concat([first, outputs[:, 3:]], axis=1), cache

    output, cache = decode(tf.constant(x))
    np.testing.assert_allclose(output, expected, **TOLERANCE)
    assert int(cache.length) == 7
    np.testing.assert_array_equal(cache.mask, [[True] * 7 + [False] * 2] * 2)


def test_the_cache_remembers_padding():
    layer, x = MultiHeadAttention(2, causal=True, rotary=True), normal(1, 6, 8)
    alone = layer(
        x[:, 2:]
    ).numpy()  # the tokens without the two that pad them on the left
    mask = np.array([[False, False, True, True]])
    _, cache = layer(x[:, :4], mask=mask, cache=layer.empty_cache(1, 6))
    output, cache = layer(x[:, 4:], cache=cache)
    np.testing.assert_allclose(output, alone[:, 2:], **TOLERANCE)
    np.testing.assert_array_equal(
        cache.mask, [[False, False, True, True, True, True]]
    )


def test_a_memory_is_attended_to_without_being_computed_again():
    layer, query, value = (
        MultiHeadAttention(2),
        normal(2, 3, 8),
        normal(2, 5, 6),
    )
    mask = reference.padding_mask([5, 2], 5)
    expected = layer(query, value, mask=mask)
    memory = layer.remember(value, mask=mask)
    output, same = layer(query, cache=memory)
    np.testing.assert_allclose(output, expected, **TOLERANCE)
    np.testing.assert_array_equal(same.keys, memory.keys)
    narrower = np.array([[True, False, False, False, False]] * 2)
    _, weights, _ = layer(
        query, mask=narrower, cache=memory, return_weights=True
    )
    np.testing.assert_allclose(weights.numpy()[..., 0], 1, **TOLERANCE)
    later = np.array([[False, True, True, True, True]] * 2)
    _, weights, _ = layer(query, mask=later, cache=memory, return_weights=True)
    np.testing.assert_array_equal(
        weights.numpy() > 0,
        np.broadcast_to((mask & later)[:, None, None], weights.shape),
    )


# --- TransformerBlock -----------------------------------------------------------------------------


@pytest.mark.parametrize("pre_norm", [True, False])
def test_a_block_is_its_parts_with_residuals(pre_norm):
    block, x = (
        TransformerBlock(2, hidden_dim=12, causal=True, pre_norm=pre_norm),
        normal(2, 5, 8),
    )
    output, weights = block(x, return_weights=True)
    norm, attend, norm_2, mlp = (
        block.attention_norm,
        block.attention,
        block.mlp_norm,
        block.feed_forward,
    )
    if pre_norm:
        middle = x + attend(norm(x))
        expected = middle + mlp(norm_2(middle))
    else:
        middle = norm(x + attend(x))
        expected = norm_2(middle + mlp(middle))
    np.testing.assert_allclose(output, expected, **TOLERANCE)
    np.testing.assert_allclose(
        weights,
        attend(norm(x) if pre_norm else x, return_weights=True)[1],
        **TOLERANCE,
    )


@pytest.mark.parametrize("pre_norm", [True, False])
@pytest.mark.parametrize("norm", ["layer", "rms"])
@pytest.mark.parametrize("mlp", ["gelu", "relu", "swiglu"])
def test_a_block_of_three_parts_is_its_formula(pre_norm, norm, mlp):
    block = TransformerBlock(
        4,
        hidden_dim=12,
        head_dim=6,
        num_kv_heads=1,
        causal=True,
        rotary=True,
        rotary_base=50.0,
        cross_attention=True,
        pre_norm=pre_norm,
        norm=norm,
        mlp=mlp,
        dtype="float64",
    )
    rng = np.random.default_rng(0)
    x, value, key = (
        rng.normal(size=shape) for shape in ((2, 5, 8), (2, 3, 7), (2, 3, 9))
    )
    block(x, value=value, key=key)
    randomise(block)
    cross = block.cross_attention
    assert [w.shape for w in kernels(cross)] == [
        (8, 24),
        (9, 6),
        (7, 6),
        (24, 8),
    ]
    found, weights = block(x, value=value, key=key, return_weights=True)

    told = []

    def attend(y):
        mask = reference.causal_mask(5)
        change, seen = attention_in_numpy(block.attention, y, y, y, mask)
        told.append(seen)
        return change

    def attend_across(y):
        change, seen = attention_in_numpy(cross, y, value, key)
        told.append(seen)
        return change

    def feed_forward(y):
        return feed_forward_in_numpy(mlp, block.feed_forward, y)

    for part, layer in (
        (attend, block.attention_norm),
        (attend_across, block.cross_norm),
        (feed_forward, block.mlp_norm),
    ):
        x = x + part(norm_in_numpy(layer, x) if pre_norm else x)
        x = x if pre_norm else norm_in_numpy(layer, x)
    # Keras rounds the root of 2 to float32 within its GELU.
    np.testing.assert_allclose(found, x, rtol=1e-5, atol=1e-6)
    for ours, expected in zip(weights, told, strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-6)


def test_the_network_of_a_block_is_four_times_as_wide_unless_told():
    block, x = TransformerBlock(2), normal(1, 3, 8)
    block(x)
    assert block.feed_forward.hidden.kernel.shape == (8, 32)
    randomise(block)
    y = (
        x
        + attention_in_numpy(
            block.attention, *[norm_in_numpy(block.attention_norm, x)] * 3
        )[0]
    )
    change = feed_forward_in_numpy(
        "gelu", block.feed_forward, norm_in_numpy(block.mlp_norm, y)
    )
    np.testing.assert_allclose(block(x), y + change, **TOLERANCE)
    gated = TransformerBlock(2, mlp="swiglu")
    gated(x)
    assert [w.shape for w in gated.feed_forward.weights] == [
        (8, 32),
        (8, 32),
        (32, 8),
    ]


@pytest.mark.parametrize("norm", ["layer", "rms"])
def test_every_norm_of_a_block_has_an_epsilon_of_a_hundred_thousandth(norm):
    block = TransformerBlock(
        2, norm=norm, cross_attention=True, dtype="float64"
    )
    x = 1e-3 * np.random.default_rng(0).normal(size=(2, 3, 8))
    block(x, value=x)
    for layer in (block.attention_norm, block.cross_norm, block.mlp_norm):
        np.testing.assert_allclose(layer(x), norm_in_numpy(layer, x), rtol=1e-6)
        assert (layer(0 * x).numpy() == 0).all()


@pytest.mark.parametrize("pre_norm", [True, False])
def test_a_block_passes_masks_to_its_attention(pre_norm):
    block = TransformerBlock(2, pre_norm=pre_norm)
    x = embedded([[3, 4, 0]])
    output, weights = block(x, return_weights=True)
    assert (weights.numpy()[..., 2] == 0).all()
    np.testing.assert_array_equal(output._keras_mask, [[1, 1, 0]])
    _, weights = block(
        x.numpy(), mask=np.array([[True, False, True]]), return_weights=True
    )
    assert (weights.numpy()[..., 1] == 0).all()
    _, weights = block(x, mask=np.eye(3, dtype=bool)[None], return_weights=True)
    np.testing.assert_array_equal(weights[0, 0], np.diag([1, 1, 0]))


def test_a_block_with_cross_attention_sees_the_other_sequence_and_its_mask():
    block = TransformerBlock(2, causal=True, cross_attention=True)
    x, value = normal(1, 3, 8), embedded([[3, 4, 0]], width=6)
    output, (own, cross) = block(x, value=value, return_weights=True)
    np.testing.assert_array_equal(
        own.numpy() > 0, np.broadcast_to(np.tri(3) > 0, own.shape)
    )
    assert (cross.numpy()[..., 2] == 0).all()
    explicit = block(
        x, value=value.numpy(), value_mask=np.array([[True, True, False]])
    )
    np.testing.assert_array_equal(output, explicit)
    both = block(
        x,
        value=value,
        value_mask=np.array([[True, False, True]]),
        return_weights=True,
    )
    assert (both[1][1].numpy()[..., 0] == 1).all()


def test_a_block_decodes_with_a_cache_and_a_memory():
    block = TransformerBlock(2, causal=True, rotary=True, cross_attention=True)
    x, value = normal(2, 5, 8), normal(2, 4, 6)
    expected = block(x, value=value)
    cache = (
        block.attention.empty_cache(2, 5),
        block.cross_attention.remember(value),
    )
    outputs = []
    for i in range(5):
        output, cache = block(x[:, i : i + 1], cache=cache)
        outputs.append(output)
    np.testing.assert_allclose(
        np.concatenate(outputs, axis=1), expected, **TOLERANCE
    )
    output, weights, _ = block(
        x[:, :1], cache=cache_of(block, value), return_weights=True
    )
    assert [w.shape[-1] for w in weights] == [5, 4]


def cache_of(block, value):
    return block.attention.empty_cache(2, 5), block.cross_attention.remember(
        value
    )


def test_dropout_acts_in_training_alone():
    block, x = TransformerBlock(2, dropout=0.5), normal(1, 4, 8)
    np.testing.assert_array_equal(block(x), block(x))
    assert np.abs(block(x, training=True) - block(x)).max() > 0
    plain = TransformerBlock(2)
    np.testing.assert_array_equal(plain(x, training=True), plain(x))


def test_weights_are_dropped_in_training_alone():
    """A value for each token shows in the output what became of its weight."""
    x = np.eye(32, dtype="float32")[None]  # (1, T, T)
    layer = MultiHeadAttention(1, dropout=0.25)
    layer.build(x.shape)
    layer.set_weights([np.zeros((32, 32)), *[np.eye(32)] * 3])
    np.testing.assert_allclose(layer(x), np.full((1, 32, 32), 1 / 32))
    keras.utils.set_random_seed(0)
    output, weights = layer(x, return_weights=True, training=True)
    dropped = output.numpy() == 0
    assert abs(dropped.mean() - 0.25) < 0.06  # four standard errors
    np.testing.assert_allclose(output[~dropped], 1 / (32 * 0.75), rtol=1e-5)
    # What is told are the weights before any was dropped.
    np.testing.assert_allclose(weights, np.full((1, 1, 32, 32), 1 / 32))


@pytest.mark.parametrize(
    "part", ["attention", "cross_attention", "feed_forward"]
)
def test_what_a_part_adds_is_dropped_in_training_alone(part):
    block = TransformerBlock(2, dropout=0.5, cross_attention=True)
    x, value = normal(4, 16, 8), normal(4, 16, 8, seed=1)
    block(x, value=value)
    for other in ("attention", "cross_attention", "feed_forward"):
        if other != part:  # the others add nothing
            for weight in getattr(block, other).output_projection.weights:
                weight.assign(np.zeros(weight.shape))
    change = block(x, value=value).numpy() - x
    assert (change != 0).mean() > 0.99
    keras.utils.set_random_seed(0)
    trained = block(x, value=value, training=True).numpy() - x
    assert abs((trained == 0).mean() - 0.5) < 0.09  # four standard errors
    if part == "feed_forward":  # of attention, weights are dropped as well
        kept = trained != 0
        np.testing.assert_allclose(
            trained[kept], 2 * change[kept], rtol=1e-3, atol=1e-5
        )


def test_the_weights_of_both_attentions_are_dropped():
    block = TransformerBlock(2, dropout=0.5, cross_attention=True)
    assert block.attention.dropout == block.cross_attention.dropout == 0.5


# --- The smaller layers ---------------------------------------------------------------------------


def test_masked_softmax_is_softmax_over_what_is_allowed():
    scores = normal(3, 4) * 5
    np.testing.assert_allclose(
        masked_softmax(scores), reference.softmax(scores), **TOLERANCE
    )
    allowed = np.array([True, False, True, True])
    weights = masked_softmax(tf.constant(scores), allowed).numpy()
    np.testing.assert_allclose(
        weights[:, allowed], reference.softmax(scores[:, allowed]), **TOLERANCE
    )
    assert (weights[:, 1] == 0).all()


@pytest.mark.parametrize("start", [0, 3])
def test_rotate_equals_the_numpy_function(start):
    x = normal(2, 5, 6)
    expected = reference.rotary(x, positions=start + np.arange(5), base=500.0)
    np.testing.assert_allclose(
        rotate(tf.constant(x), start, 500.0), expected, **TOLERANCE
    )


@pytest.mark.parametrize("shape", [(2, 5), (2, 3, 5), (0, 3, 5), (2, 3, 4, 5)])
@pytest.mark.parametrize(
    "options", [{}, {"activation": "gelu", "use_bias": False}]
)
def test_a_linear_layer_equals_keras_dense(shape, options):
    ours, theirs = Linear(7, **options), keras.layers.Dense(7, **options)
    x = normal(*shape)
    theirs.build(x.shape)
    ours.build(x.shape)
    ours.set_weights(
        [normal(*w.shape, seed=i) for i, w in enumerate(theirs.get_weights())]
    )
    theirs.set_weights(ours.get_weights())
    unknown = tf.TensorSpec([None] * (x.ndim - 1) + [5], "float32")
    compiled = tf.function(ours, input_signature=[unknown])
    for call in ours, compiled:
        np.testing.assert_allclose(call(x), theirs(x), **TOLERANCE)
    assert ours.compute_output_shape(x.shape) == (*x.shape[:-1], 7)
    with tf.GradientTape(persistent=True) as tape:
        sums = [tf.reduce_sum(layer(x) ** 2) for layer in (ours, theirs)]
    slopes = [
        tape.gradient(total, layer.kernel)
        for total, layer in zip(sums, (ours, theirs), strict=True)
    ]
    np.testing.assert_allclose(*slopes, rtol=1e-4, atol=1e-4)


def test_feed_forward_and_swiglu_compute_their_formulas():
    x = normal(2, 3, 4).astype("float64")
    mlp = FeedForward(8, "relu", dtype="float64")
    mlp(x)
    w_1, b_1, w_2, b_2 = (v.numpy() for v in mlp.trainable_variables)
    np.testing.assert_allclose(mlp(x), np.maximum(x @ w_1 + b_1, 0) @ w_2 + b_2)
    swiglu = SwiGLU(8, dtype="float64")
    swiglu(x)
    gate, up, down = (
        layer.kernel.numpy() for layer in (swiglu.gate, swiglu.up, swiglu.down)
    )
    silu = x @ gate / (1 + np.exp(-x @ gate))
    np.testing.assert_allclose(swiglu(x), (silu * (x @ up)) @ down)


def test_rms_norm_divides_by_the_root_mean_square():
    x = normal(2, 3, 4).astype("float64") * 7
    norm = RMSNorm(epsilon=1e-12, dtype="float64")
    norm(x)
    norm.scale.assign([1.0, 2.0, 3.0, 4.0])
    expected = x / np.sqrt((x**2).mean(-1, keepdims=True)) * [1, 2, 3, 4]
    np.testing.assert_allclose(norm(x), expected)


def test_rms_norm_of_zeros_is_zero():
    norm = RMSNorm()
    assert (norm(np.zeros((2, 4), "float32")).numpy() == 0).all()
    tiny = np.full((1, 4), 1e-3, "float32")
    np.testing.assert_allclose(
        norm(tiny), tiny / np.sqrt(1e-6 + 1e-5), rtol=1e-5
    )


def test_embedding_adds_token_and_position():
    layer = TokenAndPositionEmbedding(10, 5, 4)
    output = layer(np.array([[7, 2, 7]]))
    tokens, positions = (
        layer.token.embeddings.numpy(),
        layer.position.embeddings.numpy(),
    )
    np.testing.assert_allclose(output[0], tokens[[7, 2, 7]] + positions[:3])
    masked = layer(
        np.array([[7, 0, 2, 0, 0]])
    )  # as long as there are positions
    np.testing.assert_array_equal(masked._keras_mask, [[1, 0, 1, 0, 0]])
    unmasked = TokenAndPositionEmbedding(10, 5, 4, mask_zero=False)(
        np.array([[7, 0]])
    )
    assert getattr(unmasked, "_keras_mask", None) is None


def test_attention_pooling_is_attention_with_a_learned_query_a_head():
    x, value = normal(2, 4, 6), normal(2, 4, 8, seed=1)
    mask = reference.padding_mask([4, 2], 4)
    layer = AttentionPooling(2)
    output, weights = layer(x, value=value, mask=mask, return_weights=True)
    query = layer.query.numpy()  # (d', H)
    for h in range(2):
        scores = np.where(mask, x @ query[:, h], -np.inf)
        expected = reference.softmax(scores)
        np.testing.assert_allclose(weights[:, h], expected, **TOLERANCE)
        pooled = np.einsum(
            "bt,btd->bd", expected, value[..., 4 * h : 4 * h + 4]
        )
        np.testing.assert_allclose(
            output[:, 4 * h : 4 * h + 4], pooled, **TOLERANCE
        )
    assert layer(x, value=value).shape == (2, 8)
    one = AttentionPooling()
    _, weights = one(x, return_weights=True)
    assert weights.shape == (2, 1, 4)
    np.testing.assert_allclose(
        weights[:, 0],
        reference.softmax(x @ one.query.numpy()[:, 0]),
        **TOLERANCE,
    )


@pytest.mark.equation("eq-view-embedding")
def test_view_embedding_adds_rows():
    layer = ViewEmbedding(9, 3)
    ids = np.array([[[2, 3], [4, 4]]])
    x = layer(ids).numpy()
    table = layer.table.embeddings.numpy()
    assert np.allclose(x[0, 0], table[2] + table[3])
    assert np.allclose(x[0, 1], 2 * table[4])
    assert np.allclose(layer(ids[:, :, 0]).numpy()[0], table[[2, 4]])
    again = ViewEmbedding.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()


def test_view_embedding_drops_whole_views():
    layer = ViewEmbedding(5, 4, dropout=0.5)
    keras.utils.set_random_seed(0)
    ids = np.full((1, 200, 1), 3)
    x = layer(ids, training=True).numpy()[0]
    kept = np.abs(x).sum(axis=1) > 0
    assert 60 < kept.sum() < 140
    assert np.allclose(
        x[kept], 2 * layer.table.embeddings.numpy()[3], atol=1e-6
    )


def test_views_begin_small():
    layer = ViewEmbedding(2000, 16)
    layer(np.array([[1]]))
    assert layer.table.embeddings.numpy().std() == pytest.approx(0.02, rel=0.05)


def test_token_mask_reads_the_first_view():
    ids = np.array([[[2, 1], [1, 2], [0, 0], [3, 0], [0, 3]]])
    expected = [[True, True, False, True, False]]
    assert token_mask(ids).tolist() == expected
    assert token_mask(ids[:, :, 0]).tolist() == expected


# --- Serialisation and errors ---------------------------------------------------------------------

OPTIONS = [
    (
        MultiHeadAttention,
        {
            "num_heads": 4,
            "head_dim": 6,
            "num_kv_heads": 2,
            "causal": True,
            "rotary": True,
            "rotary_base": 99.0,
            "dropout": 0.1,
        },
    ),
    (
        TransformerBlock,
        {
            "num_heads": 4,
            "hidden_dim": 10,
            "num_kv_heads": 2,
            "causal": True,
            "rotary": True,
            "dropout": 0.1,
            "pre_norm": False,
            "norm": "rms",
            "mlp": "swiglu",
        },
    ),
    (
        TransformerBlock,
        {
            "num_heads": 2,
            "head_dim": 6,
            "num_kv_heads": 1,
            "rotary": True,
            "rotary_base": 99.0,
            "cross_attention": True,
            "norm": "layer",
            "mlp": "swiglu",
        },
    ),
    (Linear, {"units": 5, "activation": "relu", "use_bias": False}),
    (FeedForward, {"hidden_dim": 5, "activation": "relu"}),
    (SwiGLU, {"hidden_dim": 5}),
    (RMSNorm, {"epsilon": 0.1}),
    (Embedding, {"input_dim": 9, "output_dim": 4, "mask_zero": True}),
    (
        TokenAndPositionEmbedding,
        {"vocab_size": 9, "length": 3, "d_model": 4, "mask_zero": False},
    ),
    (ViewEmbedding, {"vocab_size": 9, "d_model": 4, "dropout": 0.3}),
    (AttentionPooling, {"num_heads": 2}),
]
# Each option alone, away from its default.
OPTIONS += [
    (layer_type, {"num_heads": 4, name: value})
    for layer_type, options in (
        (
            MultiHeadAttention,
            {
                "head_dim": 6,
                "num_kv_heads": 2,
                "causal": True,
                "rotary": True,
                "rotary_base": 99.0,
                "dropout": 0.1,
            },
        ),
        (
            TransformerBlock,
            {
                "hidden_dim": 10,
                "head_dim": 6,
                "num_kv_heads": 2,
                "causal": True,
                "rotary": True,
                "rotary_base": 99.0,
                "cross_attention": True,
                "dropout": 0.1,
                "pre_norm": False,
                "norm": "rms",
                "mlp": "relu",
            },
        ),
    )
    for name, value in options.items()
]


def inputs_of(layer):
    """What a layer can be called with: its first argument, and others by name."""
    if isinstance(layer, Embedding | TokenAndPositionEmbedding | ViewEmbedding):
        return np.array([[3, 4, 0], [1, 0, 0]]), {}
    crosses = getattr(layer, "cross_attention", None) is not None
    value = {"value": normal(2, 5, 8, seed=1)} if crosses else {}
    return normal(2, 3, 8), value


@pytest.mark.parametrize(("layer_type", "options"), OPTIONS)
def test_a_layer_comes_back_from_its_config(layer_type, options):
    layer = layer_type(**options)
    assert options.items() <= layer.get_config().items()
    again = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(layer)
    )
    assert again.get_config() == layer.get_config()
    x, others = inputs_of(layer)
    layer(x, **others), again(x, **others)
    randomise(layer)
    again.set_weights(layer.get_weights())
    output, expected = again(x, **others), layer(x, **others)
    np.testing.assert_array_equal(output, expected)
    assert hasattr(output, "_keras_mask") == hasattr(expected, "_keras_mask")


DEFAULTS = [
    (
        MultiHeadAttention(4),
        {
            "head_dim": None,
            "num_kv_heads": 4,
            "causal": False,
            "rotary": False,
            "rotary_base": 10000.0,
            "dropout": 0.0,
        },
    ),
    (
        TransformerBlock(4),
        {
            "hidden_dim": None,
            "head_dim": None,
            "num_kv_heads": 4,
            "causal": False,
            "rotary": False,
            "rotary_base": 10000.0,
            "cross_attention": False,
            "dropout": 0.0,
            "pre_norm": True,
            "norm": "layer",
            "mlp": "gelu",
        },
    ),
    (FeedForward(4), {"activation": "gelu"}),
    (RMSNorm(), {"epsilon": 1e-5}),
    (AttentionPooling(), {"num_heads": 1}),
    (TokenAndPositionEmbedding(9, 3, 4), {"mask_zero": True}),
    (ViewEmbedding(9, 4), {"dropout": 0.0}),
]


@pytest.mark.parametrize(("layer", "options"), DEFAULTS)
def test_the_defaults_are_as_documented(layer, options):
    assert options.items() <= layer.get_config().items()


def test_a_model_comes_back_from_its_file(tmp_path):
    ids = keras.Input((None,), dtype="int32")
    x = TokenAndPositionEmbedding(10, 8, 16)(ids)
    model = keras.Model(
        ids, AttentionPooling(2)(TransformerBlock(2, rotary=True)(x))
    )
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    batch = np.array([[3, 4, 0], [1, 0, 0]])
    np.testing.assert_array_equal(again(batch), model(batch))


def test_mixed_precision_keeps_masks_exact():
    layer = MultiHeadAttention(2, dtype="mixed_float16")
    x = normal(1, 3, 8)
    output, weights = layer(
        x, mask=np.array([[True, True, False]]), return_weights=True
    )
    assert output.dtype == "float16"
    assert (weights.numpy()[..., 2] == 0).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: MultiHeadAttention(0),
            "num_heads must be a positive integer, got 0",
        ),
        (
            lambda: MultiHeadAttention(2.0),
            "num_heads must be a positive integer, got 2.0",
        ),
        (
            lambda: MultiHeadAttention(4, num_kv_heads=3),
            "num_kv_heads must divide num_heads=4, got 3",
        ),
        (
            lambda: MultiHeadAttention(3)(normal(1, 2, 8)),
            "num_heads=3 must divide .* got 8",
        ),
        (
            lambda: MultiHeadAttention(1, head_dim=3, rotary=True)(
                normal(1, 2, 8)
            ),
            "even head_dim, got 3",
        ),
        (
            lambda: MultiHeadAttention(2)(
                normal(2, 3, 8), mask=np.ones((2, 4), bool)
            ),
            r"\(2, 3\), got \(2, 4\)",
        ),
        (
            lambda: MultiHeadAttention(2)(
                normal(2, 3, 8), mask=np.ones((3, 3), bool)
            ),
            r"\(2, 3\), got \(3, 3\)",
        ),
        (
            lambda: MultiHeadAttention(2)(
                normal(2, 3, 8), mask=np.ones((2, 3, 2), bool)
            ),
            r"\(2, 3, 3\), got",
        ),
        (
            lambda: MultiHeadAttention(2)(
                normal(2, 3, 8), mask=np.ones((3,), bool)
            ),
            r"got \(3,\)",
        ),
        (
            lambda: MultiHeadAttention(2)(
                normal(2, 3, 8), mask=np.ones((2, 3))
            ),
            "mask must be boolean",
        ),
        (
            lambda: TransformerBlock(2, norm="batch"),
            "norm must be 'layer' or 'rms'",
        ),
        (lambda: TransformerBlock(2, mlp="tanh"), "mlp must be"),
        (
            lambda: AttentionPooling(2)(
                normal(2, 3, 8), mask=np.ones((2, 4), bool)
            ),
            r"\(2, 3\), got \(2, 4\)",
        ),
        (
            lambda: TransformerBlock(2)(normal(1, 2, 8), value=normal(1, 2, 8)),
            "value must be given to",
        ),
        (
            lambda: TransformerBlock(2, cross_attention=True)(normal(1, 2, 8)),
            "value must be given to",
        ),
        (
            lambda: TokenAndPositionEmbedding(5, 2, 4)(np.array([[1, 2, 3]])),
            "at most length=2 .* got 3",
        ),
        (
            lambda: AttentionPooling(3)(normal(1, 2, 8)),
            "num_heads=3 must divide the width, got 8",
        ),
        (lambda: FeedForward(-1), "hidden_dim must be a positive integer"),
        (
            lambda: TransformerBlock(2, hidden_dim=0),
            "hidden_dim must be a positive integer, got 0",
        ),
        (
            lambda: MultiHeadAttention(2, rotary_base=-1.0),
            r"rotary_base must be positive, got -1\.0",
        ),
        (lambda: ViewEmbedding(None, 4), "vocab_size must be a positive"),
        (lambda: RMSNorm(epsilon=-1.0), r"epsilon must lie in \[0, inf\)"),
    ],
)
def test_bad_input_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


TABLES = {
    "a table": lambda: Embedding(5, 4),
    "tokens and positions": lambda: TokenAndPositionEmbedding(5, 9, 4),
    "views": lambda: ViewEmbedding(5, 4),
}


@pytest.mark.parametrize("table", TABLES)
@few
@given(ids=st.lists(st.integers(-7, 7), min_size=1, max_size=8))
def test_a_table_refuses_ids_that_it_has_no_row_for(table, ids):
    layer, outside = TABLES[table](), [i for i in ids if not 0 <= i < 5]
    if not outside:
        assert layer(np.array([ids])).shape == (1, len(ids), 4)
        return
    with pytest.raises(
        ValueError, match=rf"range\(5\), got {min(ids)} to {max(ids)}"
    ):
        layer(np.array([ids]))


def test_a_table_takes_no_fractions_for_ids():
    with pytest.raises(TypeError, match="ids must be integers, got float32"):
        Embedding(5, 4)(np.array([[1.0, 2.5]], "float32"))


def test_a_graph_reads_what_the_table_reads():
    table, ids = Embedding(5, 4), np.array([[1, 4, 0]])
    in_a_graph = tf.function(table)
    np.testing.assert_array_equal(in_a_graph(ids), table(ids))


@pytest.mark.parametrize("wrong", [-1, 5, 10**6])
def test_what_keras_itself_predicts_is_of_known_ids(wrong):
    model = keras.Sequential([Embedding(5, 4)])
    found = model.predict(np.array([[1, 4]]), verbose=0)
    np.testing.assert_array_equal(found[0], model.layers[0].embeddings[1::3])
    with pytest.raises(
        tf.errors.InvalidArgumentError, match=rf"= {wrong} is not in \[0, 5\)"
    ):
        model.predict(np.array([[1, wrong]]), verbose=0)


@pytest.mark.parametrize("steps", [(3, 2), (1,) * 5, (5,)])
def test_a_cache_without_room_is_refused(steps):
    layer = MultiHeadAttention(2, causal=True)
    layer.build((None, None, 8))
    cache = layer.empty_cache(2, 4)
    for count in steps[:-1]:
        _, cache = layer(normal(2, count, 8), cache=cache)
    held = sum(steps[:-1])
    with pytest.raises(
        ValueError,
        match=f"room for {steps[-1]} tokens more, .* 4 tokens that holds {held}",
    ):
        layer(normal(2, steps[-1], 8), cache=cache)


@pytest.mark.parametrize(("held", "new"), [(1, 3), (3, 1)])
def test_a_cache_of_other_rows_is_refused(held, new):
    layer = MultiHeadAttention(2, causal=True)
    layer.build((None, None, 8))
    with pytest.raises(
        ValueError, match=f"caches must be of {new} rows, got one of {held}"
    ):
        layer(normal(new, 1, 8), cache=layer.empty_cache(held, 4))


@pytest.mark.parametrize("shape", [(4,), (1, 2, 3, 4)])
def test_ids_of_other_axes_are_refused(shape):
    ids = np.ones(shape, int)
    for read in (ViewEmbedding(5, 4), token_mask):
        with pytest.raises(ValueError, match="ids must have 2 or 3 axes"):
            read(ids)


def test_rms_norm_of_large_numbers_in_sixteen_bits():
    """Their squares leave float16, which ends at 65504."""
    x = normal(2, 8) * 10000
    found = RMSNorm(dtype="float16")(x.astype("float16"))
    assert found.dtype == "float16"
    np.testing.assert_allclose(found, RMSNorm()(x), rtol=2e-3)


def test_a_block_computes_in_the_precision_it_is_given():
    block = TransformerBlock(2, dropout=0.1, dtype="float64")
    x = np.random.default_rng(0).standard_normal((2, 5, 8))  # (B, T, d_model)
    output = block(x, training=True)
    assert keras.backend.standardize_dtype(output.dtype) == "float64"
