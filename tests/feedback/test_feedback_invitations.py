"""The world of invitations: what the annotator says never contradicts what the scorer knows."""

import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmbook.feedback.tasks import invitations as W
from llmbook.feedback.tasks import wording

few = settings(max_examples=60, deadline=None)
seeds = st.integers(0, 2**32 - 1)


def situation(seed):
    rng = random.Random(seed)
    record = W.draw_record(rng)
    return rng, record, W.random_message(rng, record)


RECORD = W.Record("anna", "boss", "lunch", "monday", "noon", "cafe", "ten")
TEXT = "dear anna , please join the lunch on monday at noon in the cafe . thank you !"
PERFECT = TEXT.split()


def test_perfect_message_by_hand():
    assert W.render(RECORD, W.house_style(RECORD)) == tuple(PERFECT)
    assert W.score(RECORD, PERFECT) == 8
    friend = RECORD._replace(role="friend")
    assert " ".join(W.render(friend, W.house_style(friend))) == (
        "hi anna , come to the lunch in the cafe on monday at noon . it costs ten . see you !"
    )


@pytest.mark.parametrize(
    ("draft", "missed"),
    [
        (
            "hi anna , please join the lunch on monday at noon in the cafe . thank you !",
            ["greeting"],
        ),
        (
            "dear anna , come to the lunch on monday at noon in the cafe . thank you !",
            ["request"],
        ),
        (
            "dear anna , please join the lunch on friday at noon in the cafe . thank you !",
            ["day"],
        ),
        (
            "dear anna , please join the lunch at noon in the cafe . thank you !",
            ["day"],
        ),
        (
            "dear anna , please join the lunch on monday in the cafe at noon . thank you !",
            ["order"],
        ),
        (
            "dear anna , please join the lunch on monday at noon in the cafe . it costs ten . thank you !",
            ["price"],
        ),
        (
            "dear anna , please join the lunch on monday at noon in the cafe .",
            ["closing"],
        ),
        (
            "come to the lunch in the cafe at noon .",
            ["greeting", "request", "day", "order", "closing"],
        ),
    ],
)
def test_criteria_by_hand(draft, missed):
    met = W.criteria(RECORD, W.parse(RECORD, draft.split()))
    assert [name for name in W.CRITERIA if not met[name]] == missed
    assert W.score(RECORD, draft.split()) == 8 - len(missed)


@pytest.mark.parametrize(
    "draft",
    [
        "",
        "nonsense",
        "dear ben , please join the lunch on monday .",  # another's name
        "please join the dinner on monday .",  # another event
        "please join the lunch on monday on friday .",  # a day twice
        "please join the lunch on cafe .",  # no day
        "please join the lunch . it costs seven .",  # no price
        "please join the lunch on monday",  # no end
        "please join the lunch . thank you ! thank you !",
    ],
)
def test_what_is_no_message_scores_zero(draft):
    assert W.parse(RECORD, draft.split()) is None
    assert W.score(RECORD, draft.split()) == 0
    critique = W.critique(random.Random(0), RECORD, draft.split())
    assert critique.words == wording.UNREADABLE
    assert not critique.readable
    assert not critique.accepted


@few
@given(seeds)
def test_parsing_inverts_rendering(seed):
    _, record, message = situation(seed)
    words = W.render(record, message)
    assert W.parse(record, words) == message
    assert W.decode(W.encode(words)) == words
    assert W.UNKNOWN not in W.encode(words)


def test_annotator_never_contradicts_scorer_over_ten_thousand_drafts():
    rng = random.Random(0)
    for _ in range(10_000):
        record = W.draw_record(rng)
        message = W.random_message(rng, record)
        found = W.faults(record, message)
        assert len(found) == 8 - W.score(record, W.render(record, message))
        for turn in itertools.count():
            words = W.render(record, message)
            critique = W.critique(rng, record, words, limit=1 + turn % 3)
            assert critique.accepted == (W.score(record, words) == 8)
            if critique.accepted:
                break
            message = W.apply_edits(record, message, critique.edits)
            assert W.score(record, W.render(record, message)) >= W.score(
                record, words
            )
            assert turn < 12
        assert message == W.house_style(record)


@few
@given(seeds)
def test_faults_are_one_a_missed_criterion(seed):
    _, record, message = situation(seed)
    met = W.criteria(record, message)
    named = [W.criterion_of(edit) for edit in W.faults(record, message)]
    assert sorted(named) == sorted(name for name in W.CRITERIA if not met[name])


@few
@given(seeds)
def test_every_possible_edit_changes_its_criterion_alone(seed):
    _, record, message = situation(seed)
    for edits in W.possible_edits(record, message).values():
        for edit in edits:
            changed = W.apply_edits(record, message, [edit])
            assert changed != message
            name = W.criterion_of(edit)
            if name in ("greeting", "request", "closing", "price"):
                assert changed == message._replace(
                    **{name: getattr(changed, name)}
                )
            else:
                assert changed == message._replace(parts=changed.parts)


def test_swap_puts_the_first_named_first():
    message = W.parse(
        RECORD,
        ["please", "join", "the", "lunch", "at", "noon", "on", "monday", "."],
    )
    swapped = W.apply_edits(RECORD, message, [("swap", "day", "time")])
    assert [part for part, _ in swapped.parts] == ["day", "time"]


@few
@given(seeds)
def test_comparison_agrees_with_scores(seed):
    rng, record, message = situation(seed)
    drafts = [
        W.render(record, message),
        W.render(record, W.random_message(rng, record)),
    ]
    scores = [W.score(record, draft) for draft in drafts]
    answers = {W.compare(rng, record, *drafts) for _ in range(40)}
    assert answers == (
        {True, False} if scores[0] == scores[1] else {scores[0] > scores[1]}
    )


@pytest.mark.parametrize(
    ("draft", "expected"),
    [
        (
            TEXT,
            {
                "greeting": "dear anna ,",
                "request": "please join the lunch",
                "day": "monday",
                "time": "noon",
                "place": "cafe",
                "order": "on at in the",
                "price": "thank",
                "closing": "thank you !",
            },
        ),
        (
            "come to the lunch at noon . it costs ten .",
            {
                "greeting": "come",
                "request": "come to the lunch",
                "day": ".",
                "time": "noon",
                "place": ".",
                "order": "at",
                "price": "it costs ten .",
                "closing": "END",
            },
        ),
        (
            "you must attend the lunch .",
            {
                "greeting": "you",
                "request": "you must attend the lunch",
                **dict.fromkeys(("day", "time", "place", "order"), "."),
                "price": "END",
                "closing": "END",
            },
        ),
    ],
)
def test_where_each_criterion_is_decided(draft, expected):
    words = tuple(draft.split())
    found = W.places(RECORD, words)
    assert {
        name: " ".join([*words, "END"][i] for i in where)
        for name, where in found.items()
    } == expected


@few
@given(seeds)
def test_an_edit_changes_words_where_its_criterion_is_decided(seed):
    """What comes before the first of its places stays as it is."""
    _, record, message = situation(seed)
    words = W.render(record, message)
    places = W.places(record, words)
    assert set(places) == set(W.CRITERIA)
    for name, edits in W.possible_edits(record, message).items():
        for edit in edits:
            edited = W.render(record, W.apply_edits(record, message, [edit]))
            first = next(
                i
                for i, (old, new) in enumerate(
                    itertools.zip_longest(words, edited)
                )
                if old != new
            )
            assert first >= min(places[name])


def test_places_are_those_of_a_message():
    with pytest.raises(ValueError, match="draft must be a message"):
        W.places(RECORD, ("come", "to", "the", "dinner", "."))


@few
@given(seeds)
def test_ticks_and_named_faults_agree_with_the_score(seed):
    rng, record, message = situation(seed)
    words = W.render(record, message)
    met = W.tick(record, words)
    assert sum(met.values()) == W.score(record, words)
    named = W.name_faults(rng, record, words)
    missed = [name for name in met if not met[name]]
    assert set(named) <= set(missed)
    assert len(named) == min(2, len(missed))
    assert W.tick(record, ()) is None
    assert W.name_faults(rng, record, ()) is None


def test_without_a_remedy_a_critique_only_points_out():
    task = W.Invitations(remedy=False)
    draft = W.render(RECORD, W.house_style(RECORD)._replace(greeting="hi"))
    said = task.critique(random.Random(0), RECORD, draft)
    assert said.words == ("the", "greeting", "is", "wrong")
    assert said.edits == (("set", "greeting", "dear"),)
    assert " ".join(wording.point_out(("day", "order"))) == (
        "the day is wrong and the order is wrong"
    )


def test_no_record_is_in_two_splits_and_all_are_met():
    rng = random.Random(1)
    for split in W.SPLITS:
        assert {W.split_of(W.draw_record(rng, split)) for _ in range(300)} == {
            split
        }
    every = [
        W.split_of(RECORD._replace(name=name, event=event))
        for name in W.VALUES["name"]
        for event in W.VALUES["event"]
    ]
    assert {split: every.count(split) for split in W.SPLITS} == {
        "train": 96,
        "validation": 32,
        "test": 32,
    }


def test_templates_expand():
    assert wording.expand("(a|b) c (d|e)") == [
        "a c d",
        "a c e",
        "b c d",
        "b c e",
    ]
    assert wording.expand("a") == ["a"]


@pytest.mark.parametrize("edit", wording.EDITS)
def test_phrasings_are_many_distinct_and_split(edit):
    seen, held_out = (
        set(wording.phrasings(edit, which)) for which in ("seen", "held_out")
    )
    every = wording.phrasings(edit)
    assert len(set(every)) == len(every) >= 8
    assert seen | held_out == set(every)
    assert not seen & held_out
    assert len(held_out) >= 2


def test_a_phrasing_means_one_edit():
    every = [
        phrase for edit in wording.EDITS for phrase in wording.phrasings(edit)
    ]
    assert len(set(every)) == len(every)


def test_held_out_phrasings_use_no_word_that_pretraining_lacks():
    words = {
        which: {
            word
            for edit in wording.EDITS
            for phrase in wording.phrasings(edit, which)
            for word in phrase.split()
        }
        for which in ("seen", "held_out")
    }
    assert words["held_out"] <= words["seen"]


@few
@given(seeds)
def test_an_edit_document_is_what_it_says(seed):
    rng = random.Random(seed)
    ids, learned = W.edit_document(rng)
    words = " ".join(W.decode(ids))
    prompt, rest = words.split(" <message> ")
    draft, rest = rest.split(" <end> ", 1)
    _, refined = rest.split(" <refine> ")
    record = W.Record(*prompt.split()[1:])
    assert W.parse(record, draft.split()) is not None
    assert W.parse(record, refined.removesuffix(" <end>").split()) is not None
    marked = [
        word for word, mark in zip(W.decode(ids), learned, strict=True) if mark
    ]
    assert " ".join(marked) == f"{draft} <end> {refined}"
    task = W.Invitations
    assert len(ids) <= task.refine_prompt_length + task.draft_length


def test_lengths_of_the_task_are_reached_and_never_exceeded():
    rng = random.Random(3)
    longest = {"draft": 0, "critique": 0}
    for _ in range(3000):
        record = W.draw_record(rng)
        draft = W.render(
            record, W.random_message(rng, record, missing=0, wrong=0)
        )
        longest["draft"] = max(longest["draft"], len(draft) + 1)
        longest["critique"] = max(
            longest["critique"], len(W.critique(rng, record, draft).words)
        )
    every = [
        len(p.split())
        for edit in wording.EDITS
        for p in wording.phrasings(edit)
    ]
    task = W.Invitations
    assert longest["draft"] == task.draft_length
    assert len(W.draft_prompt(record)) == task.draft_prompt_length
    ending = 2 * max(every) + 1 + 1
    assert task.draft_prompt_length + task.draft_length + longest[
        "critique"
    ] + 1 <= (task.refine_prompt_length)
    assert (
        task.refine_prompt_length
        <= task.draft_prompt_length + task.draft_length + ending
    )


@pytest.mark.parametrize("seed", range(3))
def test_the_same_seed_draws_the_same_document(seed):
    assert W.edit_document(random.Random(seed)) == W.edit_document(
        random.Random(seed)
    )


def test_another_wording_says_the_same():
    rng = random.Random(0)
    draft = ["come", "to", "the", "lunch", "."]
    for which in wording.WORDINGS:
        task = W.Invitations(limit=1, wording=which)
        critique = task.critique(rng, RECORD, draft)
        (edit,) = critique.edits
        assert " ".join(critique.words) in wording.phrasings(edit, which)
        assert (
            task.score(RECORD, task.follow(RECORD, draft, critique.edits)) >= 3
        )


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="split must be 'train'"):
        W.draw_record(random.Random(0), "dev")
    with pytest.raises(ValueError, match="wording must be 'seen'"):
        wording.phrasings(wording.EDITS[0], "new")
    with pytest.raises(ValueError, match="edit must be one of"):
        wording.phrasings(("set", "greeting", "yo"))


def test_the_smaller_world_holds_the_house_style_and_is_closed_under_its_edits():
    """Three options a choice: documents of that world never leave it, and reach the style from it."""
    small = {
        name: {option: W.CHOICES[name][option] for option in options}
        for name, options in {
            "greeting": ("dear", "hi", "none"),
            "request": ("please", "come", "must"),
            "closing": ("thank you", "see you", "none"),
        }.items()
    }
    assert {
        name: len(options) for name, options in small.items()
    } == dict.fromkeys(W.CHOICES, 3)
    rng, met = random.Random(0), {name: set() for name in small}
    for _ in range(500):
        ids, _ = W.edit_document(rng, choices=small)
        words = W.decode(ids)
        record = W.Record(*words[1:8])
        draft, refined = (
            words[9 : words.index("<end>")],
            words[words.index("<refine>") + 1 : -1],
        )
        for text in (draft, refined, W.render(record, W.house_style(record))):
            for name, options in met.items():
                options.add(getattr(W.parse(record, text), name))
    assert met == {name: set(options) for name, options in small.items()}


@pytest.mark.equation("eq-refiner-posterior")
@few
@given(seeds)
def test_by_bayes_rule_the_words_of_a_critique_leave_one_text(seed):
    """Every wanted text, with every way to ask for it: of those that fit the words, one remains."""
    rng, record, message = situation(seed)
    edits = [
        edit
        for group in W.possible_edits(record, message).values()
        for edit in group
    ]
    said = W.say(rng, [rng.choice(edits)], "seen")
    prior = dict.fromkeys(edits, 1 / len(edits))
    likelihood = {
        edit: wording.phrasings(edit, "seen").count(" ".join(said))
        / len(wording.phrasings(edit, "seen"))
        for edit in edits
    }
    evidence = sum(prior[edit] * likelihood[edit] for edit in edits)
    posterior = {
        edit: prior[edit] * likelihood[edit] / evidence for edit in edits
    }
    assert sum(posterior.values()) == pytest.approx(1)
    assert max(posterior.values()) == pytest.approx(1)
