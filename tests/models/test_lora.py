import keras
import numpy as np
import pytest
import tensorflow as tf

from llmbook.models import lora
from llmbook.models.generation import generate, stream
from llmbook.models.gpt import GPT, GPTConfig, next_token_loss
from llmbook.models.training import train

TOLERANCE = {"rtol": 1e-4, "atol": 1e-5}
LLAMA = {"num_kv_heads": 1, "hidden_dim": 12, "norm": "rms", "mlp": "swiglu"}
IDS = np.array([[3, 7, 2, 9, 5], [4, 4, 8, 1, 6]], "int32")


def small_gpt(seed=0, **options):
    keras.utils.set_random_seed(seed)
    model = GPT(
        GPTConfig(
            11, 32, d_model=8, num_heads=2, num_layers=3, **LLAMA | options
        )
    )
    model.embedding.embeddings.assign(model.embedding.embeddings * 20)
    return model


def adapted_gpt(seed=0, targets=lora.EVERY_LINEAR, **options):
    """A model whose adapters do something: both of their matrices are random."""
    model = small_gpt()
    lora.add_adapters(model, 2, targets=targets, seed=seed, **options)
    rng = np.random.default_rng(seed)
    for adapter in lora.adapters(model).values():
        adapter.up.assign(rng.normal(0, 0.3, adapter.up.shape))
    return model


def some_adapter(activation="silu", use_bias=True, dtype="float64"):
    rng = np.random.default_rng(0)
    dense = keras.layers.Dense(
        5, activation, use_bias, bias_initializer="random_normal", dtype=dtype
    )
    dense.build((None, 6))
    return lora.LowRankAdapter(
        dense, rng.normal(size=(6, 2)), rng.normal(size=(2, 5)), 0.7
    )


# --- The layer ------------------------------------------------------------------------------------


@pytest.mark.equation("eq-lora")
@pytest.mark.parametrize("activation", [None, "silu"])
@pytest.mark.parametrize("use_bias", [False, True])
def test_an_adapter_adds_the_product_of_its_matrices_to_the_kernel(
    activation, use_bias
):
    adapter = some_adapter(activation, use_bias)
    x = np.random.default_rng(1).normal(size=(3, 4, 6))
    kernel = (
        adapter.dense.kernel.numpy()
        + 0.7 * adapter.down.numpy() @ adapter.up.numpy()
    )
    expected = x @ kernel + (adapter.dense.bias.numpy() if use_bias else 0)
    if activation:
        expected = expected / (1 + np.exp(-expected))
    np.testing.assert_allclose(adapter(x), expected, rtol=1e-10)


def test_it_is_the_adapter_that_keras_has_built_in():
    adapter = some_adapter(dtype="float32")
    twin = keras.layers.Dense(5, "silu")
    twin.build((None, 6))
    twin.kernel.assign(adapter.dense.kernel)
    twin.bias.assign(adapter.dense.bias)
    twin.enable_lora(2, lora_alpha=1.4)
    twin.lora_kernel_a.assign(adapter.down)
    twin.lora_kernel_b.assign(adapter.up)
    x = np.random.default_rng(1).normal(size=(3, 6)).astype("float32")
    np.testing.assert_allclose(adapter(x), twin(x), **TOLERANCE)


def test_gradients_are_those_of_central_differences():
    adapter = some_adapter()
    x = np.random.default_rng(1).normal(size=(3, 6))

    def loss():
        return tf.reduce_sum(tf.sin(adapter(x)))

    for variable in (adapter.down, adapter.up):
        with tf.GradientTape() as tape:
            value = loss()
        gradient, matrix, step = (
            tape.gradient(value, variable).numpy(),
            variable.numpy(),
            1e-6,
        )
        for index in np.ndindex(matrix.shape):
            values = []
            for sign in (1, -1):
                moved = matrix.copy()
                moved[index] += sign * step
                variable.assign(moved)
                values.append(float(loss()))
            variable.assign(matrix)
            assert gradient[index] == pytest.approx(
                (values[0] - values[1]) / 2 / step, abs=1e-7
            )


# --- On a model -----------------------------------------------------------------------------------


@pytest.mark.parametrize("targets", [lora.QUERY_AND_VALUE, lora.EVERY_LINEAR])
def test_a_model_is_at_first_what_it_was(targets):
    model = small_gpt()
    expected = model(IDS).numpy()
    lora.add_adapters(model, 2, targets=targets)
    np.testing.assert_allclose(model(IDS), expected, **TOLERANCE)


def test_the_matrices_alone_are_trainable_and_are_counted():
    model = small_gpt()
    _, before = lora.count_parameters(model)
    assert before == model.count_params()
    lora.add_adapters(model, 2, targets=lora.EVERY_LINEAR, first_block=1)
    shapes = [(8, 8), (8, 4), (8, 4), (8, 8), (8, 12), (8, 12), (12, 8)]
    added = 2 * sum(2 * (d_in + d_out) for d_in, d_out in shapes)
    assert lora.count_parameters(model) == (added, before + added)
    assert len(lora.adapters(model)) == 2 * len(shapes)
    assert all(
        name.startswith(("block_1.", "block_2."))
        for name in lora.adapters(model)
    )


def test_training_moves_the_adapters_and_nothing_else():
    model = small_gpt()
    frozen = [weight.numpy() for weight in model.weights]
    lora.add_adapters(model, 2)
    losses = train(
        model,
        next_token_loss,
        lambda step: IDS,
        30,
        0.03,
        weight_decay=0.0,
        jit_compile=False,
    )
    assert losses[-1] < losses[0] - 0.5
    for adapter in lora.adapters(model).values():
        assert np.abs(adapter.up).max() > 0
    lora.merge(model)
    moved = [
        not np.allclose(weight, before, atol=1e-7)
        for weight, before in zip(model.weights, frozen, strict=True)
    ]
    names = [
        weight.path
        for weight, moves in zip(model.weights, moved, strict=True)
        if moves
    ]
    assert len(names) == 6
    assert all(
        "query_projection" in name or "value_projection" in name
        for name in names
    )


@pytest.mark.parametrize("options", [{}, {"mlp": "gelu", "norm": "layer"}])
def test_merging_changes_no_prediction_and_leaves_a_plain_model(
    options, tmp_path
):
    model = small_gpt(**options)
    targets = lora.QUERY_AND_VALUE if options else lora.EVERY_LINEAR
    lora.add_adapters(model, 2, targets=targets)
    for adapter in lora.adapters(model).values():
        adapter.up.assign(
            np.random.default_rng(0).normal(0, 0.3, adapter.up.shape)
        )
    adapted = model(IDS).numpy()
    plain = small_gpt(**options)
    assert np.abs(plain(IDS) - adapted).max() > 0.1
    taken = lora.merge(model)
    np.testing.assert_allclose(model(IDS), adapted, rtol=1e-3, atol=1e-4)
    assert lora.adapters(model) == {}
    assert [w.path for w in model.trainable_variables] == [
        w.path for w in plain.trainable_variables
    ]
    lora.unmerge(model, taken)
    assert lora.adapters(model).keys() == taken.keys()
    np.testing.assert_allclose(model(IDS), adapted, rtol=1e-3, atol=1e-4)
    assert len(model.trainable_variables) == 2 * len(taken)
    for name, adapter in taken.items():
        np.testing.assert_allclose(
            adapter.dense.kernel, lora._dense(plain, name).kernel, **TOLERANCE
        )


def test_what_was_compiled_before_sees_the_adapters_and_their_merging():
    """A graph keeps the layers it was traced with: without a new trace it would go on without them."""
    model = small_gpt()
    prompt = [[3, 7, 2]]
    before = generate(model, prompt, 12, temperature=0)
    lora.add_adapters(model, 2, targets=lora.EVERY_LINEAR)
    np.testing.assert_array_equal(
        generate(model, prompt, 12, temperature=0), before
    )
    for adapter in lora.adapters(model).values():
        adapter.up.assign(
            np.random.default_rng(0).normal(0, 1, adapter.up.shape)
        )
    after = generate(model, prompt, 12, temperature=0)
    assert (after != before).any()
    taken = lora.merge(model)
    np.testing.assert_array_equal(
        generate(model, prompt, 12, temperature=0), after
    )
    lora.unmerge(model, taken)
    for adapter in taken.values():
        adapter.up.assign(np.zeros(adapter.up.shape))
    np.testing.assert_array_equal(
        generate(model, prompt, 12, temperature=0), before
    )


def test_in_16_bits_what_is_trained_has_32():
    keras.utils.set_random_seed(0)
    model = GPT(
        GPTConfig(11, 32, d_model=8, num_heads=2, num_layers=2, **LLAMA),
        dtype="bfloat16",
    )
    lora.add_adapters(model, 2, targets=lora.EVERY_LINEAR)
    assert {variable.dtype for variable in model.trainable_variables} == {
        "float32"
    }
    assert model(IDS).dtype == "float32"
    losses = train(
        model,
        next_token_loss,
        lambda step: IDS,
        40,
        0.03,
        weight_decay=0.0,
        jit_compile=False,
    )
    assert losses[-1] < losses[0] - 0.1
    written = generate(model, [[3, 7]], 5, temperature=0)[0]
    np.testing.assert_array_equal(list(stream(model, [3, 7], 5)), written)


# --- Files ----------------------------------------------------------------------------------------


def test_saved_adapters_make_the_same_model_of_another_copy(tmp_path):
    model, path = adapted_gpt(first_block=1, alpha=3), tmp_path / "adapters.npz"
    lora.save(model, path)
    copy = small_gpt()
    lora.load(copy, path)
    np.testing.assert_array_equal(copy(IDS), model(IDS))
    assert lora.count_parameters(copy) == lora.count_parameters(model)
    assert path.stat().st_size < 20_000


def test_files_that_are_none_or_another_models_are_refused(tmp_path):
    path = tmp_path / "file.npz"
    with pytest.raises(
        FileNotFoundError,
        match=r"path must name an existing file, got .*file",
    ):
        lora.load(small_gpt(), path)
    np.savez(path, scale=np.float32(1), nonsense=np.zeros(3))
    with pytest.raises(ValueError, match="path must hold adapters"):
        lora.load(small_gpt(), path)
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(ValueError, match="path must hold adapters"):
        lora.load(small_gpt(), path)
    np.savez(path, scale=np.array([{}], dtype=object))
    with pytest.raises(ValueError, match="path must hold adapters"):
        lora.load(small_gpt(), path)
    lora.save(adapted_gpt(), path)
    with pytest.raises(ValueError, match=r"\(8, r\) and \(r, 16\), got"):
        lora.load(small_gpt(hidden_dim=16), path)
    with pytest.raises(ValueError, match="model must have no adapters yet"):
        lora.load(adapted_gpt(), path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rank": 0}, "rank must be at least 1, got 0"),
        (
            {"first_block": 3},
            "first_block must be one of the 3 blocks, from 0, got 3",
        ),
        ({"targets": ["attention"]}, r"block_0\.attention is none"),
        (
            {"targets": ["attention.rotary"]},
            r"block_0\.attention\.rotary is none",
        ),
        ({"targets": ["mlp_norm.scale"]}, r"block_0\.mlp_norm\.scale is none"),
    ],
)
def test_bad_requests_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        lora.add_adapters(small_gpt(), **options)


def test_a_model_without_adapters_has_nothing_to_merge_or_save(tmp_path):
    for action in (
        lora.merge,
        lambda model: lora.save(model, tmp_path / "file.npz"),
    ):
        with pytest.raises(
            ValueError, match="model must have adapters, it has none"
        ):
            action(small_gpt())
