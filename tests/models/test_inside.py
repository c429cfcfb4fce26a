import keras
import numpy as np
import pytest

from llmbook.models.gpt import GPT, GPTConfig
from llmbook.models.inside import (
    attention_weights,
    best_heads,
    head_scores,
    logit_lens,
    with_matrices,
    without_heads,
)

IDS = np.array([[3, 7, 2, 9, 5], [4, 4, 8, 1, 6]], "int32")


@pytest.fixture(scope="module")
def gpt():
    keras.utils.set_random_seed(0)
    model = GPT(GPTConfig(11, 16, d_model=12, num_heads=3, num_layers=2))
    model.embedding.embeddings.assign(model.embedding.embeddings * 20)
    return model


def a_head(offset, length):
    """A head that attends to the position ``offset`` behind, or to the first."""
    weights = np.zeros((length, length))
    for query in range(length):
        weights[query, max(0, query - offset)] = 1
    return weights


@pytest.mark.equation("eq-head-scores")
def test_each_score_is_one_for_the_head_it_is_for_and_zero_for_the_others():
    n = 6
    heads = {"previous": 1, "duplicate": n, "induction": n - 1, "sink": 2 * n}
    weights = np.stack([a_head(offset, 2 * n) for offset in heads.values()])[
        None
    ]  # (1, 4, T, T)
    scores = head_scores(np.stack([weights, weights]), n)
    for i, name in enumerate(heads):
        np.testing.assert_array_equal(scores[name], np.eye(4)[[i]])
    half = head_scores(np.stack([weights, 0 * weights]), n)
    np.testing.assert_array_equal(half["induction"], [[0, 0, 0.5, 0]])


def test_weights_that_are_not_of_two_copies_are_refused():
    with pytest.raises(ValueError, match=r"2 \* period positions"):
        head_scores(np.zeros((1, 4, 12, 12)), 5)


def test_the_best_heads_come_first():
    scores = np.array([[0.1, 0.9, 0.2], [0.8, 0.3, 0.0]])
    assert best_heads(scores, 3) == [(0, 1), (1, 0), (1, 1)]


def test_attention_weights_are_of_all_layers_and_heads(gpt):
    weights = attention_weights(gpt, IDS)
    assert weights.shape == (2, 2, 3, 5, 5)
    np.testing.assert_allclose(weights.sum(-1), 1, rtol=1e-5)
    _, layers = gpt(IDS, return_weights=True)
    np.testing.assert_array_equal(weights[:, 1], layers[1])


def test_a_layer_without_any_head_adds_nothing_and_all_comes_back(gpt):
    before, kernel = (
        gpt(IDS).numpy(),
        gpt.blocks[0].attention.output_projection.kernel.numpy(),
    )
    with without_heads(gpt, [(0, 0), (0, 1), (0, 2)]):
        x = gpt.embedding(IDS)
        attention = gpt.blocks[0].attention
        np.testing.assert_array_equal(attention(x), 0 * x)
    with without_heads(gpt, [(0, 1)]):
        silenced = gpt.blocks[0].attention.output_projection.kernel.numpy()
        np.testing.assert_array_equal(
            silenced[[0, 3, 8, 11]], kernel[[0, 3, 8, 11]]
        )
        np.testing.assert_array_equal(silenced[4:8], 0)
        assert np.abs(gpt(IDS) - before).max() > 1e-3
    np.testing.assert_array_equal(gpt(IDS), before)
    with pytest.raises(KeyError), without_heads(gpt, [(1, 0)]):
        raise KeyError
    np.testing.assert_array_equal(gpt(IDS), before)


@pytest.mark.equation("eq-logit-lens")
def test_the_lens_ends_with_what_the_model_predicts_and_begins_with_the_embedding(
    gpt,
):
    found = logit_lens(gpt, IDS[0])
    assert found.shape == (3, 11)
    logits = gpt(IDS[:1])[0, -1].numpy()
    np.testing.assert_allclose(
        found[-1], np.exp(logits) / np.exp(logits).sum(), rtol=1e-4
    )
    table, gamma = gpt.embedding.embeddings.numpy(), gpt.norm.gamma.numpy()
    x = table[5]
    first = ((x - x.mean()) / np.sqrt(x.var() + 1e-5) * gamma) @ table.T
    np.testing.assert_allclose(
        found[0], np.exp(first) / np.exp(first).sum(), rtol=1e-4
    )


def test_other_matrices_stand_in_the_blocks_for_a_while(gpt):
    before = [weights.numpy() for weights in gpt.weights]
    seen = []

    def halve(matrix):
        seen.append(matrix.shape)
        return matrix / 2

    with with_matrices(gpt, halve):
        changed = [weights.numpy() for weights in gpt.weights]
    for weights, old, new in zip(gpt.weights, before, changed, strict=True):
        matrix = old.ndim == 2 and len(old) != gpt.config.vocab_size
        np.testing.assert_array_equal(new, old / 2 if matrix else old)
        np.testing.assert_array_equal(weights.numpy(), old)
    wide = gpt.blocks[0].feed_forward
    assert len(seen) == sum(
        len(w.shape) == 2 for block in gpt.blocks for w in block.weights
    )
    assert wide.weights[0].shape[::-1] in seen  # a row for each output


def test_matrices_of_another_shape_are_refused_and_all_comes_back(gpt):
    before = gpt(IDS).numpy()
    with (
        pytest.raises(ValueError, match="what change returns must have the sh"),
        with_matrices(gpt, lambda matrix: matrix[1:]),
    ):
        pass
    np.testing.assert_array_equal(gpt(IDS).numpy(), before)
