import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import erf, log_softmax, softmax

from llmbook.mathematics import attention as reference
from llmbook.models.seq2seq import (
    EncoderDecoder,
    PointerGenerator,
    Seq2SeqConfig,
    decode,
    encode_pairs,
    repeated_attention,
    target_loss,
)
from llmbook.models.training import shuffled, train
from llmbook.text.tokenizers import END_ID, Vocabulary, pad

TOLERANCE = {"rtol": 1e-4, "atol": 1e-5}
few = settings(max_examples=20, deadline=None)
SOURCE = np.array(
    [[3, 4, 5, 6, 3], [5, 3, 0, 0, 0], [8, 4, 7, 2, 0]], "int32"
)  # (3, 5)
TARGET = np.array(
    [[2, 3, 6, 4, 2], [2, 7, 2, 0, 0], [2, 4, 4, 5, 2]], "int32"
)  # (3, 5)


def small(kind=EncoderDecoder, seed=0, spread=20.0, **sizes):
    """A model with weights large enough that its predictions differ from token to token."""
    keras.utils.set_random_seed(seed)
    sizes = {
        "d_model": 8,
        "encoder_heads": 2,
        "decoder_heads": 2,
        "decoder_layers": 2,
    } | sizes
    vocabularies = sizes.pop("source_size", 9), sizes.pop("target_size", 9)
    model = kind(Seq2SeqConfig(*vocabularies, **sizes))
    for embedding in {
        id(e): e for e in (model.source_embedding, model.target_embedding)
    }.values():
        embedding.embeddings.assign(embedding.embeddings * spread)
    model.bias.assign(np.random.default_rng(seed).normal(size=vocabularies[1]))
    return model


@pytest.fixture(scope="module")
def plain():
    return small()


@pytest.fixture(scope="module")
def pointer():
    return small(
        PointerGenerator, source_size=7, target_size=7, shared=True, extra=2
    )


# --- Vocabulary and arrays ------------------------------------------------------------------------


def test_a_vocabulary_puts_the_frequent_first_and_reads_back_what_it_wrote():
    vocabulary = Vocabulary.fit([["b", "a"], ["a", "c"]], max_size=5)
    assert vocabulary.tokens == ["<pad>", "<unk>", "<end>", "a", "b"]
    assert vocabulary.encode(["a", "c", "b"]) == [3, 1, 4]
    assert vocabulary.encode(["a", "c", "x"], words=["x", "c"]) == [3, 6, 5]
    assert vocabulary.decode([3, 6, 5, 2, 3], words=["x", "c"]) == [
        "a",
        "c",
        "x",
    ]
    assert vocabulary.decode([4, 9, 0, 3]) == ["b", "<unk>"]


@given(
    st.lists(st.text("abcdef", min_size=1, max_size=2), max_size=8),
    st.integers(1, 3),
)
@few
def test_copied_words_survive_the_way_there_and_back(tokens, min_count):
    vocabulary = Vocabulary.fit([["a", "b", "a"]], min_count)
    source, target, words = encode_pairs(
        [(tokens, tokens)], vocabulary, vocabulary, extra=99
    )
    assert vocabulary.decode(target[0, 1:], words[0]) == tokens
    assert (
        source[0, : len(tokens)].tolist()
        == target[0, 1 : len(tokens) + 1].tolist()
    )
    assert sorted(words[0]) == sorted(set(tokens) - set(vocabulary.tokens))


def test_pairs_become_arrays_with_ends_around_the_target_and_limits_kept():
    vocabulary = Vocabulary.fit([["a", "b"]])
    encoded = encode_pairs(
        [(["x", "a", "y", "z"], ["y", "z", "b"]), (["a"], [])],
        *(vocabulary, vocabulary),
        extra=1,
        lengths=(3, 2),
    )
    assert encoded.source.tolist() == [[5, 3, 1], [3, 0, 0]]
    assert encoded.target.tolist() == [[2, 1, 1, 2], [2, 2, 0, 0]]
    assert encoded.words == [["x"], []]
    assert encoded.take([1]).words == [[]]


def test_what_cannot_be_encoded_is_named():
    vocabulary = Vocabulary.fit([["a"]])
    with pytest.raises(ValueError, match="source_vocabulary"):
        encode_pairs(
            [(["a"], ["a"])], vocabulary, Vocabulary.fit([["a"]]), extra=1
        )
    with pytest.raises(ValueError, match="tokens"):
        Vocabulary(["a", "b", "c"])
    with pytest.raises(ValueError, match="distinct"):
        Vocabulary(["<pad>", "<unk>", "<end>", "a", "a"])


# --- The model ------------------------------------------------------------------------------------


def layer_norm(x, layer):
    gamma, beta = layer.gamma.numpy(), layer.beta.numpy()
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(
        x.var(-1, keepdims=True) + 1e-5
    ) * gamma + beta


def attend(layer, query, key, value, positions=True, causal=False):
    """One attention layer, head by head, by the book's NumPy functions."""
    query, key, value = (
        x @ projection.kernel.numpy().astype("float64")
        for x, projection in (
            (query, layer.query_projection),
            (key, layer.key_projection),
            (value, layer.value_projection),
        )
    )
    heads, weights = [], []
    for q, k, v in zip(
        *(np.split(x, layer.num_heads, -1) for x in (query, key, value)),
        strict=True,
    ):
        if positions:
            q, k = reference.rotary(q), reference.rotary(k)
        mask = reference.causal_mask(len(q)) if causal else None
        output, head_weights = reference.scaled_dot_product_attention(
            q, k, v, mask
        )
        heads.append(output)
        weights.append(head_weights)
    return np.concatenate(
        heads, -1
    ) @ layer.output_projection.kernel.numpy(), np.array(weights)


def feed_forward(block, x):
    x = layer_norm(x, block.mlp_norm)
    inner, outer = (
        block.feed_forward.hidden,
        block.feed_forward.output_projection,
    )
    h = x @ inner.kernel.numpy() + inner.bias.numpy()
    return (
        h * (1 + erf(h / np.sqrt(2))) / 2
    ) @ outer.kernel.numpy() + outer.bias.numpy()


def in_numpy(model, source, target):
    """Logits (T, V) and cross-attention (H, T, S) for one pair without padding."""
    tokens = model.source_embedding.embeddings.numpy().astype("float64")[
        source
    ]  # (S, d_model)
    x = tokens
    for block in model.encoder:
        read = layer_norm(x, block.attention_norm)
        x = x + attend(block.attention, read, read, read)[0]
        x = x + feed_forward(block, x)
    key = layer_norm(x, model.memory_norm)
    value = tokens if model.config.raw_values else key
    y = model.target_embedding.embeddings.numpy().astype("float64")[
        target
    ]  # (T, d_model)
    for block in model.decoder:
        read = layer_norm(y, block.attention_norm)
        y = y + attend(block.attention, read, read, read, causal=True)[0]
        read = layer_norm(y, block.cross_norm)
        change, weights = attend(
            block.cross_attention, read, key, value, positions=False
        )
        y = y + change
        y = y + feed_forward(block, y)
    y = layer_norm(y, model.norm)
    embeddings = model.target_embedding.embeddings.numpy()
    return y @ embeddings.T + model.bias.numpy(), weights


@pytest.mark.equation(
    "eq-encoder-decoder", "eq-cross-attention", "eq-raw-values"
)
@pytest.mark.parametrize("raw_values", [False, True])
def test_it_computes_what_the_numpy_functions_compute(raw_values):
    model = small(source_size=9, target_size=8, raw_values=raw_values)
    for source, target in zip(SOURCE, TARGET % 8, strict=True):
        source, target = source[source > 0], target[target > 0]
        logits, weights = in_numpy(model, source, target)
        assert np.allclose(
            model(source[None], target[None])[0], logits, **TOLERANCE
        )
        scores, found = model.score(source[None], target[None])
        expected = log_softmax(logits[:-1], -1)[
            np.arange(len(target) - 1), target[1:]
        ]
        assert np.allclose(scores[0], expected, **TOLERANCE)
        assert np.allclose(found[0], weights[:, :-1], **TOLERANCE)


def test_padding_of_the_source_and_of_the_target_changes_nothing(plain):
    alone = plain(SOURCE[1:2, :2], TARGET[1:2, :3]).numpy()
    together = plain(SOURCE, TARGET).numpy()[1:2, :3]
    assert np.allclose(alone, together, **TOLERANCE)
    _, weights = plain.score(SOURCE, TARGET)
    assert np.all(weights.numpy()[1, :, :, 2:] == 0)


def test_a_later_token_of_the_target_changes_nothing_before_it(plain):
    changed = TARGET.copy()
    changed[:, 3] = 8
    before, after = (
        plain(SOURCE, TARGET).numpy(),
        plain(SOURCE, changed).numpy(),
    )
    assert np.allclose(before[:, :3], after[:, :3], **TOLERANCE)
    assert not np.allclose(before[:, 3], after[:, 3], **TOLERANCE)


def test_raw_values_carry_the_token_and_not_its_context():
    model = small(raw_values=True)
    value, key, _ = model.encode(SOURCE)
    assert np.allclose(value[0, 0], value[0, 4])  # the same token at two places
    assert not np.allclose(key[0, 0], key[0, 4], **TOLERANCE)


def test_a_shared_embedding_is_one():
    model = small(PointerGenerator, shared=True)
    assert model.source_embedding is model.target_embedding
    with pytest.raises(ValueError, match="source_size and target_size"):
        small(shared=True, target_size=8)
    with pytest.raises(ValueError, match="shared"):
        small(PointerGenerator)


# --- The pointer ----------------------------------------------------------------------------------

COPIED = np.array(
    [[3, 7, 5, 7, 3], [8, 4, 7, 0, 0]], "int32"
)  # 7 and 8: words beyond a size of 7


@pytest.mark.equation("eq-pointer-generator")
def test_the_pointer_adds_what_is_made_and_what_is_copied(pointer):
    target = np.array([[2, 7, 4, 2], [2, 8, 7, 2]], "int32")
    x, weights, _ = pointer.decode(target, pointer.encode(COPIED))
    found = np.exp(
        pointer.log_probabilities(x, weights, COPIED)
    )  # (B, T, V + extra)
    made = softmax(pointer.logits(x).numpy(), -1)
    gate, alpha = pointer.gate(x).numpy()[..., 0], weights.numpy().mean(1)
    for b, t in itertools.product(range(2), range(4)):
        expected = np.zeros(9)
        expected[:7] = gate[b, t] * made[b, t]
        for i, token in enumerate(COPIED[b]):
            expected[token] += (1 - gate[b, t]) * alpha[b, t, i]
        assert np.allclose(found[b, t], expected, **TOLERANCE)
        assert np.isclose(found[b, t].sum(), 1, atol=1e-5)


def test_the_short_way_to_the_targets_probability_agrees_with_the_long_one(
    pointer,
):
    target = np.array([[2, 7, 4, 2], [2, 8, 3, 5]], "int32")
    scores, _ = pointer.score(COPIED, target)
    x, weights, _ = pointer.decode(target[:, :-1], pointer.encode(COPIED))
    whole = pointer.log_probabilities(x, weights, COPIED)
    expected = np.take_along_axis(whole.numpy(), target[:, 1:, None], -1)[
        ..., 0
    ]
    assert np.allclose(scores, expected, **TOLERANCE)


def test_words_beyond_the_vocabulary_are_read_as_unknown(pointer):
    other = np.where(COPIED >= 7, 15 - COPIED, COPIED)  # 7 and 8 change places
    for one, two in zip(
        pointer.encode(COPIED), pointer.encode(other), strict=True
    ):
        assert np.allclose(one, two)


# --- Loss and training ----------------------------------------------------------------------------


@pytest.mark.equation("eq-coverage")
def test_repeated_attention_is_the_overlap_with_what_was_read_before():
    weights = (
        np.random.default_rng(0).dirichlet(np.ones(4), 6).astype("float32")
    )  # (T, S)
    expected = [
        np.minimum(weights[t], weights[:t].sum(0)).sum() for t in range(6)
    ]
    assert np.allclose(repeated_attention(weights), expected, **TOLERANCE)
    assert np.allclose(repeated_attention(np.eye(3, dtype="float32")), 0)


def test_the_loss_is_a_mean_over_the_tokens_that_are_known(plain):
    target = np.where(TARGET == 6, 1, TARGET)
    scores, weights = (x.numpy() for x in plain.score(SOURCE, target))
    counted = target[:, 1:] > 1
    assert counted.sum() == 9
    assert np.isclose(
        target_loss(plain, SOURCE, target), -scores[counted].mean(), atol=1e-5
    )
    repeated = repeated_attention(weights.mean(1)).numpy()
    expected = (-scores + 0.5 * repeated)[counted].mean()
    assert np.isclose(
        target_loss(plain, SOURCE, target, coverage=0.5), expected, atol=1e-5
    )


@pytest.mark.parametrize("kind", [EncoderDecoder, PointerGenerator])
def test_it_learns_to_reverse_what_it_has_not_seen(kind):
    """The pointer reverses words that it has no vector for."""
    copies = kind is PointerGenerator
    letters = "abcdefgh"
    texts = [
        "".join(letters) for letters in itertools.product(letters, repeat=3)
    ]
    np.random.default_rng(0).shuffle(texts)
    vocabulary = Vocabulary.fit([list(letters[: 4 if copies else 8])])
    pairs = [(list(text), list(text[::-1])) for text in texts]
    encoded = encode_pairs(pairs, vocabulary, vocabulary, extra=4 * copies)
    size = len(vocabulary)
    keras.utils.set_random_seed(0)
    model = kind(
        Seq2SeqConfig(
            size, size, 32, 2, 1, 1, 1, 0.0, shared=True, extra=4 * copies
        )
    )
    train(
        model,
        target_loss,
        shuffled(encoded.take(range(400)), 50),
        steps=200,
        learning_rate=1e-2,
        jit_compile=False,
    )
    held_out = encoded.take(range(400, 512))
    ids, _ = decode(model, held_out.source, 6)
    written = [
        "".join(vocabulary.decode(*x))
        for x in zip(ids, held_out.words, strict=True)
    ]
    right = [
        one == text[::-1]
        for one, text in zip(written, texts[400:], strict=True)
    ]
    assert np.mean(right) > 0.8, written[:5]


# --- Decoding -------------------------------------------------------------------------------------


def all_targets(size, longest):
    """Every target of at most so many tokens, the end included."""
    for length in range(1, longest + 1):
        for words in itertools.product(range(3, size), repeat=length - 1):
            yield [*words, END_ID]


def score_of(model, source, ids):
    target = np.array([[END_ID, *(i for i in ids if i)]], "int32")
    return float(np.sum(model.score(source[None], target)[0]))


@pytest.mark.equation("eq-length-penalty")
@pytest.mark.parametrize("kind", [EncoderDecoder, PointerGenerator])
@pytest.mark.parametrize("alpha", [0, 1])
def test_a_wide_beam_finds_the_best_of_all_targets(kind, alpha):
    model = small(
        kind, seed=3, source_size=5, target_size=5, shared=True, spread=5.0
    )
    source = np.array([[3, 4, 3], [4, 0, 0]], "int32")
    ids, scores = decode(model, source, 4, width=40, length_penalty=alpha)
    # Targets that have not ended within the limit compete too.
    candidates = [
        *all_targets(5, 4),
        *map(list, itertools.product((3, 4), repeat=4)),
    ]
    targets = pad([[END_ID, *ids] for ids in candidates])  # (N, 5)
    lengths = np.array([len(ids) for ids in candidates])  # (N,)
    for row, target, score in zip(source, ids, scores, strict=True):
        every = model.score(np.tile(row, (len(targets), 1)), targets)[
            0
        ].numpy()  # (N, 4)
        every = np.where(targets[:, 1:] > 0, every, 0).sum(axis=1)  # (N,)
        best = (every / lengths**alpha).argmax()
        assert [i for i in target.tolist() if i] == candidates[best]
        assert np.isclose(score, every[best], **TOLERANCE)


@pytest.mark.parametrize("kind", [EncoderDecoder, PointerGenerator])
@pytest.mark.parametrize("width", [1, 3])
def test_the_cache_and_the_whole_give_one_probability(kind, width):
    extra = 2 * (kind is PointerGenerator)
    size = 9 - extra
    model = small(
        kind, source_size=size, target_size=size, shared=True, extra=extra
    )
    ids, scores = decode(model, SOURCE, 6, width=width, batch_size=2)
    for source, target, score in zip(SOURCE, ids, scores, strict=True):
        assert np.isclose(score, score_of(model, source, target), **TOLERANCE)


def test_greedy_takes_the_likeliest_token_each_time(plain):
    ids, _ = decode(plain, SOURCE, 5)
    for source, target in zip(SOURCE, ids, strict=True):
        written = [END_ID]
        for token in target:
            logits = plain(source[None], np.array([written], "int32"))[
                0, -1
            ].numpy()
            logits[:2] = -np.inf
            assert token == (
                logits.argmax()
                if written[-1] != END_ID or len(written) == 1
                else 0
            )
            written += [int(token)] if token else []


def test_a_length_penalty_turns_the_choice_to_longer_targets():
    model = small(seed=1, spread=6.0)
    model.bias.assign(
        model.bias + np.eye(9)[END_ID] * 4
    )  # ending at once is likeliest
    lengths = [
        (decode(model, SOURCE, 6, width=6, length_penalty=alpha)[0] > 0).sum(1)
        for alpha in (0, 1, 3)
    ]
    assert (np.diff(lengths, axis=0) >= 0).all()
    assert lengths[2].sum() > lengths[0].sum()


def test_no_run_of_tokens_comes_twice_when_forbidden(plain):
    plain.bias.assign(np.eye(9)[3] * 30 + np.eye(9)[4] * 29)
    free = decode(plain, SOURCE, 12)[0]
    assert (free == 3).sum(1).max() > 6
    for size, ids in (
        (n, decode(plain, SOURCE, 12, width=2, no_repeat=n)[0])
        for n in (1, 2, 3)
    ):
        for row in ids.tolist():
            row = [i for i in row if i]
            runs = [
                tuple(row[i : i + size]) for i in range(len(row) - size + 1)
            ]
            assert len(runs) == len(set(runs))


@pytest.mark.parametrize(
    ("name", "value"),
    [("max_new", 0), ("width", 0), ("length_penalty", -1), ("no_repeat", -1)],
)
def test_numbers_out_of_range_are_named(plain, name, value):
    with pytest.raises(
        ValueError, match=f"{name} must be at least .*, got {value}"
    ):
        decode(plain, SOURCE, **{"max_new": 3, name: value})


def test_all_batches_share_one_graph(plain):
    decode(plain, SOURCE, 3)
    before = plain._step.experimental_get_tracing_count()
    decode(plain, SOURCE[:1, :3], 7, width=4)
    assert plain._step.experimental_get_tracing_count() == before == 1
    assert isinstance(plain.begin(SOURCE, tf.constant(3)), list)
