import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import erf

from llmbook.mathematics import attention as reference
from llmbook.mathematics.vectors import embed
from llmbook.models.generation import adjusted_logits, generate
from llmbook.models.gpt import (
    GPT,
    GPTConfig,
    load,
    log_probabilities,
    next_token_loss,
    perplexity,
    save,
    start_from_counts,
    text_log_probabilities,
)
from llmbook.models.training import adamw, compiled_step, train, windows

TOLERANCE = {"rtol": 1e-4, "atol": 1e-5}
few = settings(max_examples=25, deadline=None)


def small_gpt(seed=0, vocab_size=11, length=16, spread=20.0, **sizes):
    """A GPT with weights large enough that its predictions differ from token to token."""
    keras.utils.set_random_seed(seed)
    sizes = {"d_model": 8, "num_heads": 2, "num_layers": 2} | sizes
    model = GPT(GPTConfig(vocab_size, length, **sizes))
    model.embedding.embeddings.assign(model.embedding.embeddings * spread)
    return model


@pytest.fixture(scope="module")
def gpt():
    return small_gpt()


def some_ids(batch=2, length=7, vocab_size=11, seed=0):
    return (
        np.random.default_rng(seed)
        .integers(1, vocab_size, (batch, length))
        .astype("int32")
    )


# --- The model ------------------------------------------------------------------------------------


def layer_norm(x, layer):
    gamma, beta = layer.gamma.numpy(), layer.beta.numpy()
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(
        x.var(-1, keepdims=True) + 1e-5
    ) * gamma + beta


def gpt_in_numpy(model, ids):
    """The same model from the book's NumPy functions, head by head: (T,) -> (T, V)."""
    embeddings = model.embedding.embeddings.numpy().astype("float64")
    x = embeddings[ids]  # (T, d_model)
    for block in model.blocks:
        h = layer_norm(x, block.attention_norm)
        w_query, w_key, w_value, w_output = (
            w.numpy() for w in block.attention.weights
        )
        contexts = []
        for columns in np.split(
            np.arange(x.shape[1]), block.attention.num_heads
        ):
            query = reference.rotary(h @ w_query[:, columns])
            key = reference.rotary(h @ w_key[:, columns])
            contexts.append(
                reference.scaled_dot_product_attention(
                    query,
                    key,
                    h @ w_value[:, columns],
                    mask=reference.causal_mask(len(ids)),
                )[0]
            )
        x = x + np.concatenate(contexts, axis=-1) @ w_output
        w_1, b_1, w_2, b_2 = (w.numpy() for w in block.feed_forward.weights)
        hidden = layer_norm(x, block.mlp_norm) @ w_1 + b_1
        x = x + hidden * (1 + erf(hidden / np.sqrt(2))) / 2 @ w_2 + b_2
    return layer_norm(x, model.norm) @ embeddings.T


@pytest.mark.equation("eq-gpt")
def test_logits_equal_a_pass_in_numpy(gpt):
    ids = some_ids()
    expected = np.stack([gpt_in_numpy(gpt, row) for row in ids])
    np.testing.assert_allclose(gpt(ids), expected, rtol=1e-4, atol=1e-4)


def test_parameters_are_counted_as_the_shapes_say(gpt):
    d, v = 8, 11
    block = (
        4 * d * d + 2 * 4 * d * d + 4 * d + d + 4 * d
    )  # attention, network, its biases, two norms
    assert gpt.count_params() == v * d + 2 * block + 2 * d


def test_no_prediction_depends_on_later_tokens(gpt):
    ids = some_ids()
    changed = ids.copy()
    changed[:, 4:] = 1 + changed[:, 4:] % 10
    difference = np.abs(gpt(ids).numpy() - gpt(changed).numpy()).max(
        axis=(0, 2)
    )
    assert (difference[:4] == 0).all()
    assert (difference[4:] > 0).all()


@pytest.mark.parametrize("padding", [(0, 3), (3, 0), (2, 2)])
def test_padding_on_either_side_changes_no_prediction(gpt, padding):
    ids = some_ids()
    padded = np.pad(ids, [(0, 0), padding])
    logits = gpt(padded)[:, padding[0] : padding[0] + 7]
    np.testing.assert_allclose(logits, gpt(ids), **TOLERANCE)
    _, weights = gpt(padded, return_weights=True)
    for layer_weights in weights:
        hidden = layer_weights.numpy()[..., padded[0] == 0]
        assert (hidden == 0).all()


def test_reading_in_pieces_with_caches_equals_reading_at_once(gpt):
    ids = np.pad(some_ids(), [(0, 0), (2, 0)])
    caches, pieces = gpt.empty_caches(2, 9), []
    for piece in np.split(ids, [4, 5, 7], axis=1):
        logits, caches = gpt(piece, caches=caches)
        pieces.append(logits.numpy())
    np.testing.assert_allclose(
        np.concatenate(pieces, axis=1), gpt(ids), **TOLERANCE
    )


def test_dropout_acts_in_training_alone():
    model, ids = small_gpt(dropout=0.5), some_ids()
    np.testing.assert_array_equal(model(ids), model(ids))
    assert np.abs(model(ids, training=True) - model(ids)).max() > 0.01


def test_a_start_from_counts_knows_the_frequencies_and_adds_nothing_in_its_blocks():
    shares = np.arange(31) / np.arange(31).sum()
    text = np.random.default_rng(0).choice(31, 20_000, p=shares)
    model = start_from_counts(small_gpt(vocab_size=31, d_model=16), text)
    vectors = embed(text, 31, 16, 2, np.random.default_rng(0))
    embeddings = model.embedding.embeddings.numpy()
    np.testing.assert_allclose(
        embeddings, 0.1 * vectors / vectors.std(), rtol=1e-4, atol=1e-6
    )
    ids = some_ids(vocab_size=31)
    hidden = model.hidden(ids)[0]
    np.testing.assert_allclose(
        hidden, model.norm(model.embedding(ids)), **TOLERANCE
    )
    # The shift of the last norm brings the logits as near to the frequencies as vectors allow.
    target = np.log(np.bincount(text, minlength=31) + 1)
    target -= target.mean()
    error = target - embeddings @ model.norm.beta.numpy()
    assert (error**2).sum() < (target**2).sum()
    np.testing.assert_allclose(embeddings.T @ error, 0, atol=1e-4)


def test_a_top_p_of_one_excludes_nothing_however_sure_the_model_is():
    logits = np.array([[40.0, 0.0, -1.0]])
    assert np.isfinite(adjusted_logits(logits, top_k=2)).sum() == 2


# --- Probabilities and loss -----------------------------------------------------------------------


def test_log_probabilities_are_those_of_the_softmax(gpt):
    ids = some_ids()
    ids[0, 5:] = 0
    found = log_probabilities(gpt, ids).numpy()
    for row, scores in zip(ids, found, strict=True):
        probabilities = reference.softmax(gpt_in_numpy(gpt, row[row > 0]))
        expected = np.log(
            [
                probabilities[t, token]
                for t, token in enumerate(row[row > 0][1:])
            ]
        )
        np.testing.assert_allclose(
            scores[: len(expected)], expected, **TOLERANCE
        )
        assert (scores[len(expected) :] == 0).all()


def test_loss_is_the_weighted_mean(gpt):
    ids = some_ids()
    ids[1, 3:] = 0
    scores = log_probabilities(gpt, ids).numpy()
    np.testing.assert_allclose(
        next_token_loss(gpt, ids), -scores.sum() / (6 + 2), **TOLERANCE
    )
    weights = np.zeros((2, 7), "float32")
    weights[0, 3], weights[1, 1] = 1, 3
    expected = -(scores[0, 2] + 3 * scores[1, 0]) / 4
    np.testing.assert_allclose(
        next_token_loss(gpt, ids, weights), expected, **TOLERANCE
    )


def test_an_indifferent_model_has_the_vocabulary_as_its_perplexity():
    model = small_gpt(spread=0.0)
    assert perplexity(model, some_ids(1, 50)[0]) == pytest.approx(11, rel=1e-5)


@pytest.mark.parametrize("size", [2, 9, 16, 17, 18, 24, 25, 26, 61])
def test_every_token_of_a_text_is_scored_once_in_its_window(gpt, size):
    ids = some_ids(1, size)[0]
    scores = text_log_probabilities(gpt, ids, batch_size=2)
    assert scores.shape == (size - 1,)
    for t in {1, size // 2, *range(max(1, size - 9), size)}:
        start = (
            0 if t <= 16 else (t - 9) // 8 * 8
        )  # windows of 16 begin at every 8th token
        expected = log_probabilities(gpt, ids[None, start : t + 1]).numpy()[
            0, -1
        ]
        assert scores[t - 1] == pytest.approx(expected, abs=1e-4)
    assert perplexity(gpt, ids) == pytest.approx(
        np.exp(-scores.mean()), rel=1e-5
    )


# --- Training -------------------------------------------------------------------------------------


def test_windows_are_pieces_of_the_text_that_depend_on_seed_and_step_alone():
    batch = windows(np.arange(100), length=9, batch_size=4, seed=1)
    first = batch(3)
    assert first.shape == (4, 10)
    np.testing.assert_array_equal(np.diff(first), 1)
    np.testing.assert_array_equal(
        windows(np.arange(100), 9, 4, seed=1)(3), first
    )
    assert (batch(4) != first).any()
    assert (windows(np.arange(100), 9, 4, seed=2)(3) != first).any()
    starts = np.concatenate([batch(step)[:, 0] for step in range(300)])
    assert starts.min() == 0
    assert starts.max() == 90


def test_training_learns_a_text_by_heart_and_writes_it():
    model, text = (
        small_gpt(d_model=16, num_layers=1),
        np.tile([3, 7, 2, 9, 5], 20),
    )
    reports = []
    losses = train(
        model,
        windows(text, 15, 8),
        120,
        learning_rate=1e-2,
        every=50,
        report=lambda *report: reports.append(report),
    )
    assert losses.shape == (120,)
    assert losses[0] > 2
    assert (
        losses[-10:].mean() < 0.4
    )  # the first token of a window cannot be known
    assert [done for done, _ in reports] == [50, 100, 120]
    assert reports[0][1] == pytest.approx(losses[:50].mean(), rel=1e-4)
    written = generate(model, [[3, 7]], 10, temperature=0)
    np.testing.assert_array_equal(written, [[2, 9, 5, 3, 7, 2, 9, 5, 3, 7]])


def test_training_goes_on_after_an_interruption_to_the_same_loss(tmp_path):
    text, path = some_ids(1, 200)[0], tmp_path / "gpt.npz"
    options = {"steps": 8, "every": 3, "jit_compile": False}
    without = small_gpt(dropout=0.2, num_layers=1)
    expected = train(without, windows(text, 15, 4), **options)

    class Killed(Exception):
        pass

    def batch_that_dies(step):
        if step == 5:
            raise Killed
        return windows(text, 15, 4)(step)

    with pytest.raises(Killed):
        train(
            small_gpt(dropout=0.2, num_layers=1),
            batch_that_dies,
            checkpoint=path,
            **options,
        )
    steps_run = []
    again = small_gpt(seed=5, dropout=0.2, num_layers=1)

    def batch(step):
        steps_run.append(step)
        return windows(text, 15, 4)(step)

    losses = train(again, batch, checkpoint=path, **options)
    assert steps_run == [3, 4, 5, 6, 7]
    np.testing.assert_array_equal(losses, expected)
    for weight, other in zip(again.weights, without.weights, strict=True):
        np.testing.assert_array_equal(weight, other)


def test_a_checkpoint_of_another_training_is_refused(tmp_path):
    text, path = some_ids(1, 200)[0], tmp_path / "gpt.npz"
    train(
        small_gpt(num_layers=1),
        windows(text, 15, 4),
        2,
        checkpoint=path,
        jit_compile=False,
    )
    for model, steps in [(small_gpt(), 2), (small_gpt(num_layers=1), 3)]:
        with pytest.raises(
            ValueError, match="checkpoint must be of this model and of"
        ):
            train(
                model,
                windows(text, 15, 4),
                steps,
                checkpoint=path,
                jit_compile=False,
            )


def test_a_loss_of_ones_own_receives_the_whole_batch():
    received = []

    def loss(model, ids, weights, training):
        received.append((ids.shape, weights.shape, training))
        return next_token_loss(model, ids, weights, training)

    ids, weights = some_ids(), np.ones((2, 7), "float32")
    train(
        small_gpt(num_layers=1),
        lambda step: (ids, weights),
        1,
        loss=loss,
        jit_compile=False,
    )
    assert received == [((2, 7), (2, 7), True)]


def test_gradients_are_clipped_and_the_rate_warms_up_and_falls():
    """One weight vector pulled by a constant gradient: Adam moves it by the rate at each step."""
    model = small_gpt(num_layers=1)

    def loss(model, ids, training):
        others = tf.add_n([tf.reduce_sum(v) for v in model.trainable_variables])
        return 1000.0 * tf.reduce_sum(model.norm.beta) + 0.0 * others

    betas = []

    def batch(step):
        betas.append(model.norm.beta.numpy().copy())
        return some_ids()

    train(
        model,
        batch,
        21,
        learning_rate=0.1,
        warmup=0.2,
        loss=loss,
        jit_compile=False,
    )
    rates = -np.diff(betas, axis=0)[:, 0]  # (20,)
    expected = [
        0.1 * t / 4
        if t < 4
        else 0.1 * (0.05 + 0.95 * (1 + np.cos(np.pi * (t - 4) / 17)) / 2)
        for t in range(20)
    ]
    np.testing.assert_allclose(rates, expected, rtol=1e-2, atol=1e-4)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_adam_squares_the_whole_gradient_of_a_token_that_occurs_often(
    jit_compile,
):
    """A sparse gradient would be squared row by row, before the rows of one token are summed."""
    model, ids = (
        small_gpt(num_layers=1),
        np.array([[3, 3, 3, 5, 3, 2, 3]], "int32"),
    )
    table = model.embedding.embeddings.value
    with tf.GradientTape() as tape:
        loss = next_token_loss(model, ids)
    gradient = tf.convert_to_tensor(
        tape.gradient(loss, table)
    ).numpy()  # (V, d_model)
    optimizer = adamw(model, 100, 0.01, clip=1e9)
    compiled_step(model, optimizer, jit_compile=jit_compile)(ids)
    (second,) = (
        v for v in optimizer.variables if v.path.endswith("embeddings_velocity")
    )
    np.testing.assert_allclose(
        second, (1 - optimizer.beta_2) * gradient**2, **TOLERANCE
    )


# --- Decoding -------------------------------------------------------------------------------------


def nucleus(probabilities, top_p):
    """The fewest likeliest tokens that together have a probability of top_p."""
    order = np.argsort(-probabilities, kind="stable")
    count = int(np.searchsorted(np.cumsum(probabilities[order]), top_p)) + 1
    return set(order[:count].tolist())


@pytest.mark.equation("eq-nucleus")
@few
@given(
    st.integers(0, 2**16),
    st.integers(1, 8),
    st.floats(0.05, 0.99),
    st.floats(0.3, 3),
)
def test_adjusted_logits_exclude_what_the_definitions_say(
    seed, top_k, top_p, temperature
):
    logits = (
        np.random.default_rng(seed).normal(size=(3, 8)).astype("float32") * 2
    )
    scaled = logits.astype("float64") / temperature
    np.testing.assert_allclose(
        adjusted_logits(logits, temperature), scaled, rtol=1e-5
    )

    by_rank = adjusted_logits(logits, temperature, top_k=top_k).numpy()
    for row, kept in zip(scaled, by_rank, strict=True):
        assert set(np.flatnonzero(np.isfinite(kept))) == set(
            np.argsort(-row)[:top_k]
        )
        np.testing.assert_allclose(
            kept[np.isfinite(kept)], row[np.isfinite(kept)], rtol=1e-5
        )

    by_mass = adjusted_logits(logits, temperature, top_p=top_p).numpy()
    for row, kept in zip(reference.softmax(scaled), by_mass, strict=True):
        assert set(np.flatnonzero(np.isfinite(kept))) == nucleus(row, top_p)

    both = adjusted_logits(
        logits, temperature, top_k=top_k, top_p=top_p
    ).numpy()
    for row, kept, first in zip(both, by_rank, by_rank, strict=True):
        assert set(np.flatnonzero(np.isfinite(row))) == nucleus(
            reference.softmax(first), top_p
        )
        assert np.isfinite(kept[np.isfinite(row)]).all()


@pytest.mark.equation("eq-repetition-penalty")
def test_repetition_penalty_makes_seen_tokens_less_likely():
    logits, seen = (
        np.array([[2.0, -2.0, 1.0, -1.0]]),
        np.array([[True, True, False, False]]),
    )
    found = adjusted_logits(logits, repetition_penalty=2.0, seen=seen)
    np.testing.assert_allclose(found, [[1.0, -4.0, 1.0, -1.0]])


PROMPTS = ([3, 4, 5], [7], [9, 9, 2, 8, 1])


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"temperature": 0},
        {"top_k": 3, "seed": 4},
        {"top_p": 0.8, "temperature": 1.5},
        {"repetition_penalty": 1.5},
        {"stop": 4},
    ],
)
def test_cached_and_uncached_generation_give_the_same_tokens(gpt, options):
    cached = generate(gpt, PROMPTS, 11, **options)
    np.testing.assert_array_equal(
        cached, generate(gpt, PROMPTS, 11, use_cache=False, **options)
    )
    assert cached.shape == (3, 11)
    if "stop" not in options:
        assert (cached > 0).all()


def test_greedy_generation_takes_the_likeliest_token_each_time(gpt):
    for prompt, written in zip(
        PROMPTS, generate(gpt, PROMPTS, 11, temperature=0), strict=True
    ):
        ids = list(prompt)
        for token in written:
            logits = gpt(np.array([ids]))[0, -1].numpy()
            assert token == 1 + logits[1:].argmax()
            ids.append(token)
    np.testing.assert_array_equal(
        generate(gpt, PROMPTS, 11, top_k=1),
        generate(gpt, PROMPTS, 11, temperature=0),
    )


def test_samples_follow_the_distribution_and_the_seed(gpt):
    prompts = np.tile([[3, 4]], (4000, 1))
    drawn = generate(gpt, prompts, 1, temperature=1.3)[:, 0]
    logits = gpt(np.array([[3, 4]]))[0, -1].numpy() / 1.3
    expected = reference.softmax(np.where(np.arange(11) == 0, -np.inf, logits))
    frequencies = np.bincount(drawn, minlength=11) / 4000
    assert np.abs(frequencies - expected).max() < 4 * np.sqrt(0.25 / 4000)
    again = generate(gpt, prompts, 1, temperature=1.3)[:, 0]
    np.testing.assert_array_equal(again, drawn)
    assert (
        generate(gpt, prompts, 1, temperature=1.3, seed=1)[:, 0] != drawn
    ).any()


def test_nothing_is_written_after_stop(gpt):
    written = generate(
        gpt, np.tile([[3]], (50, 1)), 12, stop=4, temperature=2.0
    )
    ended = 0
    for row in written:
        stops = np.flatnonzero(row == 4)
        if len(stops):
            ended += 1
            assert (row[: stops[0]] > 0).all()
            assert (row[stops[0] + 1 :] == 0).all()
    assert 10 < ended < 50


def test_a_strong_repetition_penalty_repeats_nothing(gpt):
    written = generate(gpt, [[3]], 9, temperature=0, repetition_penalty=1e6)
    assert len({3, *written[0].tolist()}) == 10


@pytest.mark.parametrize(
    ("prompts", "max_new", "options", "message"),
    [
        ([], 1, {}, "prompts must hold at least one"),
        ([[3], []], 1, {}, "each at least one token"),
        (
            [[3]],
            16,
            {},
            "after a prompt of 1, fit the model's length of 16, got 16",
        ),
        ([[3]], 0, {}, "max_new must be at least 1"),
        (
            [[3]],
            2,
            {"temperature": -1},
            "temperature must be at least 0, got -1",
        ),
        ([[3]], 2, {"top_k": -2}, "top_k must be at least 0, got -2"),
        ([[3]], 2, {"top_p": 0}, "top_p must be above 0 and at most 1, got 0"),
        (
            [[3]],
            2,
            {"repetition_penalty": 0},
            "repetition_penalty must be above 0, got 0",
        ),
    ],
)
def test_bad_requests_are_named(gpt, prompts, max_new, options, message):
    with pytest.raises(ValueError, match=message):
        generate(gpt, prompts, max_new, **options)


def test_bad_texts_are_named(gpt):
    with pytest.raises(
        ValueError, match="ids must hold more than length=9 tokens, got 9"
    ):
        windows(np.arange(9), 9, 1)
    with pytest.raises(
        ValueError, match="ids must be one text of at least two tokens"
    ):
        perplexity(gpt, [3])


# --- Files ----------------------------------------------------------------------------------------


def test_a_saved_model_comes_back(gpt, tmp_path):
    save(gpt, tmp_path / "gpt.keras")
    again = load(tmp_path / "gpt.keras")
    assert again.config == gpt.config
    np.testing.assert_array_equal(again(some_ids()), gpt(some_ids()))


def test_other_files_are_refused(tmp_path):
    with pytest.raises(
        FileNotFoundError, match="path must be a file that save wrote"
    ):
        load(tmp_path / "nothing.keras")
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(
        tmp_path / "other.keras"
    )
    with pytest.raises(ValueError, match="path must hold a GPT"):
        load(tmp_path / "other.keras")
