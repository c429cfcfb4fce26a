import keras
import numpy as np
import pytest
from hypothesis import settings
from scipy.special import erf
from small_models import small_gpt, some_ids

from llmbook.mathematics import attention as reference
from llmbook.mathematics.vectors import embed
from llmbook.models.gpt import (
    load,
    log_probabilities,
    next_token_loss,
    perplexity,
    save,
    start_from_counts,
    text_log_probabilities,
)

TOLERANCE = {"rtol": 1e-4, "atol": 1e-5}
few = settings(max_examples=25, deadline=None)


@pytest.fixture(scope="module")
def gpt():
    return small_gpt()


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


@pytest.mark.equation("eq-answer-loss")
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


def test_bad_texts_are_named(gpt):
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
        FileNotFoundError, match="path must name an existing file"
    ):
        load(tmp_path / "nothing.keras")
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(
        tmp_path / "other.keras"
    )
    with pytest.raises(ValueError, match="path must hold a GPT"):
        load(tmp_path / "other.keras")
