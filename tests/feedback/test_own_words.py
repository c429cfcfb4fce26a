"""What readers type, drafts and criticism of their own, is understood or refused by name; none of it is read as something else."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from letter_world import Tiny

from llmbook.feedback.learner import Learner
from llmbook.feedback.methods.ilf import select
from llmbook.feedback.tasks import invitations, removal, shop, wording

RECORD = invitations.Record(
    "anna", "boss", "lunch", "monday", "noon", "cafe", "ten"
)
TYPED = (
    "Dear Anna, please join the lunch on Monday at noon in the cafe. Thank you!"
)
DRAFT = invitations.render(RECORD, invitations.house_style(RECORD))
SALE = shop.Record(
    "Tom", "bike", 5, "May", 3, "The {item} is {price}. Come on {date}."
)
TASK = invitations.Invitations()
ODD = [
    "",
    "你好，请来吃午饭",
    "🎉",
    "word " * 2000,
    "a" * 10_000,
    "<end> <b>hi</b> $x$",
    "more formal please",
]


def test_a_typed_draft_is_read_as_its_words():
    assert wording.words_of(TYPED) == DRAFT
    assert TASK.score(RECORD, TYPED) == 8
    assert TASK.critique(random.Random(0), RECORD, TYPED).accepted
    assert TASK.encode(TYPED) == TASK.encode(DRAFT)
    wrong = TYPED.replace("Dear", "Hi")
    critique = TASK.critique(random.Random(0), RECORD, wrong)
    assert critique.edits == (("set", "greeting", "dear"),)
    assert TASK.follow(RECORD, wrong, critique.edits) == DRAFT
    assert TASK.compare(random.Random(0), RECORD, TYPED, wrong)


@pytest.mark.parametrize("text", ODD)
def test_a_text_that_is_no_invitation_has_no_score(text):
    with pytest.raises(ValueError, match="draft must be an invitation") as told:
        TASK.score(RECORD, text)
    assert len(str(told.value)) < 500
    for pair, name in (((text, TYPED), "first"), ((TYPED, text), "second")):
        with pytest.raises(ValueError, match=f"{name} must be an invitation"):
            TASK.compare(random.Random(0), RECORD, *pair)
    with pytest.raises(ValueError, match="draft must be a message about"):
        TASK.follow(RECORD, text, [])
    critique = TASK.critique(random.Random(0), RECORD, text)
    assert not critique.readable
    assert " ".join(critique.words) == "this is no invitation"


def test_words_of_a_model_that_are_no_invitation_score_nothing():
    assert TASK.score(RECORD, ("dear", "dear")) == 0
    assert TASK.score(RECORD, ()) == 0


@pytest.mark.parametrize("text", [text for text in ODD if text])
def test_the_refiner_refuses_words_that_it_never_read(text):
    for draft, words in ((DRAFT, text), (text, "start with dear")):
        with pytest.raises(ValueError, match="VOCABULARY, got '") as told:
            TASK.refine_prompt(RECORD, draft, words)
        assert len(str(told.value)) < 300
    with pytest.raises(ValueError, match="words must be of words"):
        removal.encode(text)


@pytest.mark.parametrize("words", ["Do not start with hi", ""])
def test_the_refiner_reads_a_typed_critique_word_by_word(words):
    prompt = TASK.refine_prompt(RECORD, DRAFT, words)
    listed = TASK.refine_prompt(RECORD, DRAFT, words.lower().split())
    assert prompt == listed
    assert invitations.UNKNOWN not in prompt


def test_a_critique_that_is_too_long_is_told_its_size():
    long = "start with dear and " * 30 + "drop the price"
    with pytest.raises(
        ValueError, match="draft and words must fit into a prom"
    ):
        TASK.refine_prompt(RECORD, DRAFT, long)


def test_a_critique_has_words():
    learner = Learner(
        TASK, Tiny(len(invitations.VOCABULARY)), lambda *_, **__: None
    )
    with pytest.raises(TypeError, match="critiques must have words, got str"):
        learner.refine([RECORD], [DRAFT], ["start with dear"])
    with pytest.raises(
        ValueError, match="records and drafts and critiques mus"
    ):
        learner.refine([RECORD], [DRAFT], [])


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.lists(st.sampled_from(wording.EDITS), min_size=1, max_size=4),
    st.sampled_from(wording.WORDINGS),
)
def test_criticism_is_read_as_it_was_said(seed, edits, which):
    said = wording.say(random.Random(seed), edits, which)
    assert wording.edits_of(said) == edits
    assert wording.edits_of(" ".join(said).capitalize()) == edits


@pytest.mark.parametrize(
    "words", [*ODD, "do not start with hi", "the greeting is wrong", "and"]
)
def test_criticism_of_other_words_has_no_known_meaning(words):
    with pytest.raises(ValueError, match="words must be phrasings") as told:
        wording.edits_of(words)
    assert len(str(told.value)) < 300


def test_nothing_to_change_means_no_edit():
    assert wording.edits_of("Nothing to change") == []
    assert wording.edits_of(invitations.ACCEPTED) == []


@pytest.mark.parametrize("text", ODD)
def test_the_shop_says_what_it_cannot_read(text):
    critique = shop.critique(random.Random(0), SALE, text)
    assert not critique.readable
    assert critique.words == "This is another message. Keep to the facts."
    with pytest.raises(ValueError, match="draft must be a message about"):
        shop.Shop(Characters()).follow(SALE, text, [])


class Characters:
    end = 0

    def encode(self, text):
        return [ord(letter) for letter in text]

    def decode(self, ids):
        return "".join(map(chr, ids))


@pytest.mark.parametrize(
    ("item", "body"),
    [
        ("bike (red)", "The {item} is {price}. Come on {date}."),
        (
            "C++ book",
            "Do you want the {item} (for {price})? It ends on {date}.",
        ),
        ("自行车", "The {item} costs {price} + tax. Pay by {date}."),
    ],
)
def test_the_shop_reads_sentences_of_your_own(item, body):
    record = SALE._replace(item=item, body=body)
    for message in (shop.original(record), shop.house_style(record)):
        assert shop.parse(record, shop.render(record, message)) == message
    assert (
        shop.score(record, shop.render(record, shop.house_style(record))) == 5
    )


@pytest.mark.parametrize("body", ["", "The {item}.", "{item} {price} {when}"])
def test_a_sentence_of_your_own_has_three_places(body):
    with pytest.raises(ValueError, match="the body of record must have the pl"):
        shop.score(SALE._replace(body=body), "Hi Tom!")


def test_one_of_no_candidates_cannot_be_selected():
    with pytest.raises(ValueError, match="candidates must hold at least one"):
        select([])
