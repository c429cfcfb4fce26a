from collections import Counter

import pytest
from babel import Locale
from hypothesis import given, settings
from hypothesis import strategies as st

from llmbook.corpora.facts import (
    QUESTIONS,
    STATEMENTS,
    Example,
    Fact,
    fill,
    fitting,
    load_facts,
    make_examples,
    split_places,
    tell,
    template_words,
    tokenize,
    with_passage,
)


@pytest.fixture(scope="module")
def facts():
    return load_facts()


def test_facts_are_those_that_are_known(facts):
    assert Fact("introduced", "France", "Euro", "1999") in facts
    assert Fact("withdrawn", "France", "French Franc", "2002") in facts
    assert any(fact[:3] == ("spoken", "Japan", "Japanese") for fact in facts)
    names = set(Locale("en").territories.values())
    assert {fact.place for fact in facts} <= names
    assert not any(
        "(" in fact.thing for fact in facts if fact.relation != "spoken"
    )
    assert len(set(facts)) == len(facts)


def test_places_are_in_one_part_alone(facts):
    parts = split_places(facts)
    places = {
        name: {fact.place for fact in part} for name, part in parts.items()
    }
    assert sum(len(part) for part in parts.values()) == len(facts)
    assert (len(places["validation"]), len(places["test"])) == (40, 60)
    assert not places["training"] & (places["validation"] | places["test"])
    assert not places["validation"] & places["test"]
    with pytest.raises(ValueError, match="places"):
        split_places(facts[:3])


def test_no_wording_is_in_two_parts():
    for wordings in (*STATEMENTS.values(), *QUESTIONS.values()):
        templates = [
            template for part in wordings.values() for template in part
        ]
        assert len(set(templates)) == len(templates)


def test_every_word_of_a_test_wording_is_known_from_training():
    known = set(template_words())
    for wordings in (*STATEMENTS.values(), *QUESTIONS.values()):
        for template in wordings["test"]:
            said, _ = fill(template, Fact("", "1", "1", "1"))
            assert {word.lower() for word in said if word != "1"} <= known, (
                template
            )


@settings(max_examples=30, deadline=None)
@given(
    st.integers(0, 10**6),
    st.sampled_from(["training", "validation", "test"]),
    st.integers(3, 8),
)
def test_the_answer_stands_where_it_is_said_to(seed, part, num_sentences):
    facts = load_facts()
    for example in make_examples(
        facts, 5, seed, part, part, num_sentences, unanswerable=0.3
    ):
        expected = " ".join(tokenize(getattr(example.fact, example.asked)))
        assert example.answer is None or example.answer_text == expected
        starts = [start for start, _ in example.sentences]
        ends = [end for _, end in example.sentences]
        assert starts == [0, *(end + 1 for end in ends[:-1])]
        assert all(example.passage[end] == "." for end in ends)
        assert ends[-1] == len(example.passage) - 1
        assert example.question[-1] == "?"
        assert len(example.sentences) == num_sentences, (
            "length must not tell if there is an answer"
        )
        if example.has_twin:
            said = " ".join(example.passage)
            assert said.count(
                " ".join(tokenize(example.fact.thing))
            ) >= 1 + bool(example.answer)


def test_what_would_have_two_answers_is_not_asked():
    twice = [
        Fact("introduced", "Peru", "Sol", year) for year in ("1863", "1985")
    ]
    asked = Counter(
        example.asked
        for example in make_examples(twice, 100, 0, num_sentences=2)
    )
    assert set(asked) == {
        "place",
        "thing",
    }  # with the year the other two are clear


def test_examples_depend_on_the_seed_alone(facts):
    assert make_examples(facts, 20, 3) == make_examples(facts, 20, 3)
    assert make_examples(facts, 20, 3) != make_examples(facts, 20, 4)


def test_parts_are_asked_for_as_often_as_told(facts):
    examples = make_examples(facts, 400, 0, asked=("number", "number", "place"))
    share = sum(example.asked == "number" for example in examples) / 400
    assert abs(share - 2 / 3) < 4 * (2 / 9 / 400) ** 0.5
    assert {example.asked for example in examples} == {"number", "place"}


def test_the_share_of_unanswerable_questions_is_as_asked(facts):
    examples = make_examples(facts, 600, 0, unanswerable=0.25)
    share = sum(example.answer is None for example in examples) / 600
    assert abs(share - 0.25) < 4 * (0.25 * 0.75 / 600) ** 0.5
    assert all(example.answer for example in make_examples(facts, 50, 0))


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"statements": "tests"}, "statements"),
        ({"questions": "x"}, "questions"),
        ({"num_sentences": 1}, "num_sentences"),
        ({"asked": ("number", "year")}, "asked"),
        ({"asked": ()}, "asked"),
    ],
)
def test_what_cannot_be_asked_for_is_named(facts, options, named):
    with pytest.raises(ValueError, match=named):
        make_examples(facts, 1, 0, **options)


def test_withdrawals_can_be_asked_for_less_often(facts):
    def share(withdrawn):
        examples = make_examples(facts, 600, 0, withdrawn=withdrawn)
        relations = Counter(example.fact.relation for example in examples)
        return relations["withdrawn"] / (
            relations["withdrawn"] + relations["introduced"]
        )

    assert share(0.0) == 0
    assert 0.2 < share(0.4) < 0.35
    assert 0.4 < share(1.0) < 0.55


@pytest.mark.parametrize(
    ("few", "options", "named"),
    [
        (None, {"longest": 5}, "facts and longest"),
        (20, {"num_sentences": 21}, "num_sentences must be at least 2 and at"),
        (1, {}, "num_sentences"),
        (2, {"num_sentences": 2, "unanswerable": 1.0}, "facts must let"),
    ],
)
def test_what_cannot_be_drawn_is_said_and_not_looked_for_for_ever(
    facts, few, options, named
):
    with pytest.raises(ValueError, match=named):
        make_examples(facts[:few], 2, 0, **options)


def test_facts_that_are_never_asked_for_are_too_few(facts):
    withdrawn = [fact for fact in facts if fact.relation == "withdrawn"]
    with pytest.raises(ValueError, match="facts and longest must let"):
        make_examples(withdrawn, 2, 0, withdrawn=0.0)


def test_a_fact_told_by_itself_is_in_a_wording_of_its_part(facts):
    told = tell(facts[:60], seed=2, statements="validation")
    assert told == tell(facts[:60], seed=2, statements="validation")
    for fact, sentence in zip(facts[:60], told, strict=True):
        wordings = STATEMENTS[fact.relation]["validation"]
        assert sentence in [" ".join(fill(one, fact)[0]) for one in wordings]
    assert len({sentence.split()[0] for sentence in told}) > 2


def test_a_question_fits_the_facts_of_which_all_it_says_is_true():
    cyprus = [
        Fact("spoken", "Cyprus", "Greek", "95"),
        Fact("spoken", "Cyprus", "Turkish", "23"),
    ]
    other = Fact("spoken", "Peru", "Quechua", "15")
    asked = [
        "Which",
        "language",
        "do",
        "the",
        "schools",
        "of",
        "Cyprus",
        "teach",
        "?",
    ]
    example = Example(asked, [], None, cyprus[0], "thing", [], False)
    assert fitting(example, [*cyprus, other]) == cyprus
    # said by the question, the number leaves one
    asked = [
        "Which",
        "language",
        "do",
        "95",
        "percent",
        "of",
        "Cyprus",
        "speak",
        "?",
    ]
    example = example._replace(question=asked)
    assert fitting(example, [*cyprus, other]) == cyprus[:1]


def test_another_passage_is_cut_at_its_sentences(facts):
    example = make_examples(facts, 1, seed=0)[0]
    other = with_passage(example, ["Banks opened .", "In 1999 they closed ."])
    assert other.question == example.question
    assert other.answer is None
    assert [other.passage[a : b + 1] for a, b in other.sentences] == [
        ["Banks", "opened", "."],
        ["In", "1999", "they", "closed", "."],
    ]
