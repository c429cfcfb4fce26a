"""The shop: what is written can be read again, Ann's words say what is wrong, and no rule leaks."""

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmbook.feedback.tasks import shop

few = settings(max_examples=60, deadline=None)
seeds = st.integers(0, 2**32 - 1)
splits = st.sampled_from(["train", "test"])


class Characters:
    """A tokenizer that is easy to follow."""

    end = 1

    def encode(self, text):
        return [ord(character) for character in text]

    def decode(self, ids):
        return "".join(map(chr, ids))


TASK = shop.Shop(Characters())
FIELDS = shop.Message._fields


@few
@given(seeds, splits)
def test_a_message_is_read_as_it_was_written(seed, split):
    rng = random.Random(seed)
    record = shop.draw_record(rng, split)
    styles = [shop.original(record), shop.house_style(record)]
    for message in [*styles, shop.random_message(rng, record, wrong=0)]:
        assert shop.parse(record, shop.render(record, message)) == message


@few
@given(seeds, splits, st.sets(st.sampled_from(FIELDS)))
def test_the_score_counts_the_rules_that_are_kept(seed, split, kept):
    record = shop.draw_record(random.Random(seed), split)
    style = shop.house_style(record)._asdict()
    message = shop.original(record)._replace(
        **{field: style[field] for field in kept}
    )
    assert shop.score(record, shop.render(record, message)) == len(kept)
    assert {field for field, _ in shop.faults(record, message)} == set(
        FIELDS
    ) - kept


@few
@given(seeds, splits, st.integers(1, 5))
def test_following_every_critique_leads_to_the_house_style(seed, split, limit):
    rng = random.Random(seed)
    record = shop.draw_record(rng, split)
    text, critiques = shop.render(record, shop.original(record)), 0
    while not (said := shop.critique(rng, record, text, limit)).accepted:
        message = shop.parse(record, text)
        assert said.readable
        assert len(said.edits) <= limit
        for field, new in said.edits:  # the words alone say what is to be done
            assert f'"{new}"' in said.words
            old = getattr(message, field)
            assert not old or f'"{old}"' in said.words
        text, critiques = TASK.follow(record, text, said.edits), critiques + 1
    assert text == TASK.demonstrate(record)
    assert critiques == -(-len(FIELDS) // limit)


def test_a_message_with_other_facts_is_another_message():
    record = shop.Record("Tom", "kettle", 5, "May", 3, shop.BODIES["train"][0])
    right = "Hi Tom! The kettle is $5. Come on May 3."
    assert shop.render(record, shop.original(record)) == right
    house = "Dear Tom: The used kettle is 5 dollars. Come on 3 May. Best, Ann"
    assert TASK.demonstrate(record) == house
    wrong = ["Tom/Tim", "kettle/lamp", "$5/$15", "May/June", "3/13", "Come/Go"]
    for old, new in (change.split("/") for change in wrong):
        text = right.replace(old, new)
        assert text != right
        assert shop.score(record, text) == 0
        assert not shop.critique(random.Random(0), record, text).readable
    assert TASK.compare(random.Random(0), record, house, right)
    assert not TASK.compare(random.Random(0), record, right, house)


@few
@given(seeds)
def test_no_warm_up_document_shows_a_rule(seed):
    prompt, answer = shop.edit_document(random.Random(seed))
    text = f"{prompt} {answer}"
    assert not re.search(r"Dear|used|dollars|Best|Ann\b", text)
    assert not re.search(rf"\b\d+ ({'|'.join(shop.MONTHS)})\b", text)


@few
@given(seeds)
def test_a_warm_up_document_asks_for_what_its_answer_did(seed):
    prompt, answer = shop.edit_document(random.Random(seed), copies=0)
    draft, words = re.fullmatch(
        r"Draft: (.*)\nFeedback: (.*)\nRevised:", prompt
    ).groups()
    assert draft != answer
    for sentence in re.findall(r'[^"]*(?:"[^"]*"[^"]*?)+\.(?= |$)', words):
        assert any(
            quoted in answer for quoted in re.findall(r'"([^"]*)"', sentence)
        )
    copy_prompt, copied = shop.edit_document(random.Random(seed), copies=1)
    assert copy_prompt == shop.draft_prompt(copied)


def test_what_is_held_out_is_never_learned_from():
    for values in (shop.NAMES, shop.ITEMS, shop.BODIES):
        assert not set(values["train"]) & set(values["test"])
    with pytest.raises(
        ValueError, match="split must be 'train' or 'test', got 'dev'"
    ):
        shop.draw_record(random.Random(0), "dev")


def test_a_draft_stands_behind_its_prompt():
    record = shop.draw_record(random.Random(0))
    text = shop.render(record, shop.original(record))
    prompt = Characters().decode(TASK.draft_prompt(record))
    assert prompt == f"Message: {text}\nRewritten:"
    assert TASK.decode(TASK.encode(text)) == text
    refine = Characters().decode(TASK.refine_prompt(record, "Hi.", "No."))
    assert refine == "Draft: Hi.\nFeedback: No.\nRevised:"
