"""The rules for roles beside sentences worked out by hand, and over the grammar's."""

from types import SimpleNamespace

import pytest

from llmbook.corpora.roles import real
from llmbook.corpora.roles.grammar import generate
from llmbook.measures import roles
from llmbook.text.tags import bio_tags


@pytest.fixture(scope="module")
def written():
    return generate(3000, 5)


@pytest.mark.parametrize(
    "line",
    [
        "[ARG0 Tom] [V opened] [ARG1 the door] [ARGM-TMP yesterday] .",
        "[ARG1 The door] [V opened] .",
        "[ARG1 The door] was [V opened] [ARG0 by Tom] .",
        "[ARG0 She] [V gave] [ARG2 him] [ARG1 the letter] .",
        "[ARG0 She] has [ARGM-TMP already] [V given] [ARG1 a letter] [ARG2 to him] .",
        "[ARG0 He] [V went] [ARGM-LOC to the park] [ARGM-MNR by bus] .",
        "[ARG0 The girl] [R-ARG0 who] [V read] [ARG1 the book] .",
        "[ARG0 They] [V want] [ARG1 to read the book] .",
        "[ARGM-TMP At night] , [ARG0 Tom] [V reads] [ARG1 a book] .",
    ],
)
def test_rules_on_plain_sentences(line):
    example = real.parse(line)
    assert tuple(roles.label(example)) == example.spans


def test_rules_give_spans_that_can_be_tagged(written):
    for example in written:
        bio_tags(roles.label(example), len(example.words))


@pytest.mark.parametrize(
    ("words", "predicate", "error", "named"),
    [
        ([], 0, ValueError, "words"),
        (["Tom", "ran"], 2, ValueError, "predicate"),
        (["Tom", "ran"], -1, ValueError, "predicate"),
        (["Tom", "ran"], "1", TypeError, "predicate"),
        (["", "ran"], 1, ValueError, "words"),
    ],
)
def test_what_is_no_example_is_named(words, predicate, error, named):
    example = SimpleNamespace(words=words, predicate=predicate)
    with pytest.raises(error, match=f"{named} must"):
        roles.label(example)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("By the two old men .", "two old men"),
        ("I'll", "i"),
        ("She’s", "she"),
        ("My sister's cat", "my sister's cat"),
        ("A", ""),
    ],
)
def test_of_an_answer_count_the_words_that_say_who(text, left):
    assert roles.bare(text) == left


def test_the_actor_is_arg0_and_nobody_where_there_is_none():
    passive = real.parse("[ARG1 The letter] was [V read] [ARG0 by the men] .")
    assert roles.actor(passive) == "men"
    assert roles.actor(real.parse("[ARG1 The door] [V opened] .")) is None
