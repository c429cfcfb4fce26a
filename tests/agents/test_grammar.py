"""The grammar of calls: what is read, and who writes which sign."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmbook.agents import grammar

few = settings(max_examples=100, deadline=None)
plain = st.text(grammar.PLAIN, max_size=12)
anything = st.text(grammar.SIGNS, max_size=30)


@few
@given(anything)
def test_ids_and_signs_are_one_to_one(text):
    ids = grammar.encode_transcript(text)
    assert grammar.decode([0, *ids, 0]) == text
    assert all(0 < index < grammar.VOCAB_SIZE for index in ids)
    assert len(set(grammar.SIGNS)) == len(grammar.SIGNS)


@few
@given(st.text(max_size=20))
def test_plain_text_holds_no_special_token(text):
    cleaned = grammar.plain(text)
    assert not {*cleaned} & {*grammar.SPECIAL}
    special = {*grammar.encode_transcript(grammar.SPECIAL)}
    assert not {*grammar.encode(cleaned)} & special
    assert grammar.plain(cleaned) == cleaned


def test_letters_are_no_token():
    """The capital of a call is a token; what a stranger writes is letters."""
    assert grammar.plain("Pmal 99.") == "pmal 99"
    with pytest.raises(ValueError, match="text must be written"):
        grammar.encode("Pmal 99.")


@few
@given(anything)
def test_turns_are_read_as_a_pattern_reads_them(text):
    inside = re.escape(grammar.PLAIN)
    found = re.fullmatch(rf"([CFPA])([{inside}]*)\.", text)
    assert grammar.read(text) == (found and tuple(found.groups()))
    assert "".join(grammar.turns(text)) == text


def test_a_transcript_by_hand():
    text = "Ftea.R37.C6*37.R222.A222."
    assert grammar.turns(text) == ["Ftea.", "R37.", "C6*37.", "R222.", "A222."]
    assert grammar.calls(text) == [("F", "tea"), ("C", "6*37")]
    assert grammar.answer(text) == "222"
    mine = "".join(
        s if own else "_"
        for s, own in zip(text, grammar.of_model(text), strict=True)
    )
    assert mine == "Ftea.____C6*37._____A222."
    assert grammar.shown("Ftea.") == "<find>tea<end>"


@pytest.mark.parametrize("text", ["", "R37.", "37", "A37", "Ftea.R37.", "Q7."])
def test_no_answer(text):
    assert grammar.answer(text) is None


def test_a_result_that_the_model_writes_is_its_own():
    assert all(grammar.of_model("Ftea."))
    assert all(grammar.of_model("R37."))
    assert grammar.of_model("Ftea.R3") == 7 * [True]


@few
@given(st.lists(st.tuples(st.sampled_from("CFP"), plain, plain)), plain)
def test_what_was_written_is_read_again(steps, answer):
    text = "".join(f"{sign}{call}.R{result}." for sign, call, result in steps)
    text += f"A{answer}."
    assert grammar.calls(text) == [step[:2] for step in steps]
    assert grammar.answer(text) == answer
    own = sum(len(call) + 2 for _, call, _ in steps) + len(answer) + 2
    assert sum(grammar.of_model(text)) == own


def test_every_sign_has_an_id_of_its_own():
    ids = grammar.encode_transcript(grammar.SIGNS)
    assert ids == [*range(1, grammar.VOCAB_SIZE)]
    assert grammar.encode_transcript(grammar.END) == [grammar.END_ID]


def test_a_turn_may_hold_every_plain_sign():
    turn = grammar.read(f"A{grammar.PLAIN}.")
    assert turn == grammar.Turn("A", grammar.PLAIN)
