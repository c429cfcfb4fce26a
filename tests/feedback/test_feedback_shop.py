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
@given(seeds, splits, st.integers(1, 5), st.sampled_from(list(shop.REPLACE)))
def test_following_every_critique_leads_to_the_house_style(
    seed, split, limit, wording
):
    """The words alone say what is to be done, if they quote."""
    rng = random.Random(seed)
    record = shop.draw_record(rng, split)
    text, critiques = shop.render(record, shop.original(record)), 0
    while not (
        said := shop.critique(rng, record, text, limit, wording, unquoted=0)
    ).accepted:
        message = shop.parse(record, text)
        assert said.readable
        assert len(said.edits) <= limit
        for field, new in said.edits:
            assert f'"{new}"' in said.words
            old = getattr(message, field)
            assert not old or f'"{old}"' in said.words
        followed = TASK.follow(record, text, said.edits)
        assert shop.follow_quotes(text, said.words) == followed
        text, critiques = followed, critiques + 1
    assert text == TASK.demonstrate(record)
    assert critiques == -(-len(FIELDS) // limit)


def test_a_message_with_other_facts_is_another_message():
    record = shop.Record("Tom", "kettle", 5, "May", 3, shop.BODIES["train"][0])
    right = "Hi Tom! The kettle is $5. Come on May 3."
    assert shop.render(record, shop.original(record)) == right
    house = "Hello Tom! The used kettle is 5 dollars. Come on 3 May. Ciao, Ann"
    assert TASK.demonstrate(record) == house
    new = record._replace(regular=False)
    dear = (
        "Dear Tom, The restored kettle is 5 dollars. Come on 3 May. Best, Ann"
    )
    assert TASK.demonstrate(new) == dear
    assert shop.render(new, shop.original(new)) == right.replace("Hi", "For")
    assert shop.DEPENDENT == ("greeting", "item", "closing")
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
    rules = r"Hello|Dear|used|restored|dollars|Ciao|Best|Ann\b"
    assert not re.search(rules, text)
    assert not re.search(rf"\b\d+ ({'|'.join(shop.MONTHS)})\b", text)


@few
@given(seeds)
def test_a_warm_up_document_asks_for_what_its_answer_did(seed):
    prompt, answer = shop.edit_document(random.Random(seed), copies=0)
    draft, words = re.fullmatch(
        r"Draft: (.*)\nFeedback: (.*)\nRevised:", prompt
    ).groups()
    assert draft != answer
    for sentence in re.findall(r'(?:"[^"]*"|[^".])+', words):
        quoted = re.findall(r'"([^"]*)"', sentence)
        assert not quoted or any(part in answer for part in quoted)
    if '"' not in words:  # a word of the answer is in every sentence, or a mark
        assert not any(text in words for text in (draft, answer))
    copy_prompt, copied = shop.edit_document(random.Random(seed), copies=1)
    assert copy_prompt == shop.draft_prompt(copied)


def test_words_that_quote_nothing_name_what_is_to_be():
    record = shop.Record(
        "Tom", "kettle", 50, "May", 3, shop.BODIES["train"][0], regular=False
    )
    typed, house = shop.original(record), shop.house_style(record)
    for seed in range(20):
        rng = random.Random(seed)
        for field, words in {
            "greeting": ("Dear", "comma"),
            "item": ("restored",),
            "price": ("dollars",),
            "date": ("day", "a space"),
            "closing": ("Best", "Ann"),
        }.items():
            edits = [(field, getattr(house, field))]
            wording = rng.choice(list(shop.UNQUOTED))
            said = shop.say(rng, typed, edits, wording, unquoted=1)
            assert '"' not in said
            assert all(word in said for word in words)
            assert shop.follow_quotes("A draft.", said) == "A draft."
    for date, first in (("3-May", "day"), ("May-3", "month")):
        said = shop.say(rng, typed, [("date", date)], "train", 1)
        assert re.search(f"the {first} first|with the {first}", said)
        assert "hyphen" in said
    # where a fact is to change, it has to be quoted
    for field, new in {
        "greeting": "Dear Ann,",
        "item": "used bike",
        "price": "5 dollars",
        "date": "4 May",
    }.items():
        assert '"' in shop.say(rng, typed, [(field, new)], unquoted=1)


def test_what_ann_says_the_refiner_has_never_read():
    spoken = [shop.REPLACE, shop.ADD]
    for field in FIELDS:
        spoken.append({w: said[field] for w, said in shop.UNQUOTED.items()})
    for ways in spoken:
        assert set(ways) == {"train", "test", "free"}
        sentences = [sentence for said in ways.values() for sentence in said]
        assert len(sentences) == len(set(sentences))


def test_a_share_of_what_ann_says_quotes_nothing():
    rng, quoting, sentences = random.Random(0), 0, 0
    for _ in range(300):
        record = shop.draw_record(rng)
        text = shop.render(record, shop.original(record))
        said = shop.critique(rng, record, text, 1)
        quoting, sentences = quoting + ('"' in said.words), sentences + 1
    assert 0.57 < quoting / sentences < 0.77


def test_a_critique_of_another_draft_keeps_its_style_and_takes_the_facts():
    known = shop.Record("Tom", "kettle", 5, "May", 3, shop.BODIES["train"][0])
    new = shop.Record(
        "Mia", "lamp", 50, "June", 7, shop.BODIES["train"][1], regular=False
    )
    typed = [shop.render(z, shop.original(z)) for z in (known, new)]
    critique = shop.critique(random.Random(0), new, typed[1], 5)
    said = critique.about(random.Random(1), known, typed[0])
    assert dict(said.edits) == {
        "greeting": "Dear Tom,",
        "item": "restored kettle",
        "price": "5 dollars",
        "date": "3 May",
        "closing": "Best, Ann",
    }
    assert [field for field, _ in said.edits] == [z for z, _ in critique.edits]
    followed = TASK.follow(known, typed[0], said.edits)
    assert shop.score(known, followed) == 2  # price and date
    again = said.about(random.Random(2), known, followed)
    assert again.accepted
    assert again.edits == ()
    with pytest.raises(ValueError, match="draft must be a message about"):
        critique.about(random.Random(1), known, typed[1])


@pytest.mark.parametrize("split", list(shop.NAMES))
def test_every_other_customer_is_a_regular_one(split):
    rng = random.Random(0)
    drawn = {shop.draw_record(rng, split)[::6] for _ in range(500)}
    names = shop.NAMES[split]
    assert drawn == {(name, i % 2 == 0) for i, name in enumerate(names)}


def test_style_counts_whatever_the_facts_are():
    record = shop.Record(
        "Tom", "kettle", 50, "May", 3, shop.BODIES["train"][0], regular=False
    )
    perfect = TASK.demonstrate(record)
    kept = dict.fromkeys(FIELDS, True)
    assert shop.style(record, perfect) == kept
    wrong = (
        "Dear Mia, The restored lamp is 7 dollars. Come on 4 June. Best, Ann"
    )
    assert shop.style(record, wrong) == kept
    assert not any(
        shop.style(record, shop.render(record, shop.original(record))).values()
    )
    for old, new, field in (
        ("Dear Mia,", "Hello Mia!", "greeting"),
        ("Dear Mia,", "So: Dear Mia,", "greeting"),
        ("restored", "used", "item"),
        ("7 dollars", "dollars", "price"),
        ("4 June", "June 4", "date"),
        ("Best, Ann", "Ciao, Ann", "closing"),
        ("Best, Ann", "Best, Ann Best, Ann", "closing"),
    ):
        changed = wrong.replace(old, new)
        assert shop.style(record, changed) == kept | {field: False}
    other = record._replace(regular=True)
    assert shop.measure([record], [perfect])["facts"] == 1
    assert shop.measure([record], [wrong])["facts"] == 0
    assert shop.measure([record, other], [perfect, wrong]) == {
        "exact": 0.5,
        "facts": 0.5,
        "score": 2.5,
        "style": 0.7,
        "dependent": 0.5,
        "constant": 1.0,
        "greeting": 0.5,
        "item": 0.5,
        "price": 1.0,
        "date": 1.0,
        "closing": 0.5,
    }


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
