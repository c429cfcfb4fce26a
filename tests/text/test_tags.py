"""BIO tags beside seqeval, the best path beside enumeration."""

import itertools
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval.metrics import f1_score
from seqeval.metrics.sequence_labeling import get_entities

from llmbook.text.tags import (
    allowed_steps,
    best_path,
    bio_tags,
    span_f1,
    spans_of,
)

TAGS = ["O", "B-A", "I-A", "B-B", "I-B"]


class Example(NamedTuple):
    words: tuple
    predicate: int
    spans: tuple


HE_OPENED = Example(
    ("He", "opened", "the", "door", "."), 1, ((0, 1, "ARG0"), (2, 4, "ARG1"))
)


@st.composite
def spans(draw):
    length = draw(st.integers(1, 8))
    cuts = (
        draw(
            st.lists(
                st.integers(0, length), min_size=2, max_size=6, unique=True
            ).map(sorted)
        )
        if length > 1
        else [0, 1]
    )
    pairs = list(itertools.pairwise(cuts))[:: draw(st.integers(1, 2))]
    return length, [(a, b, draw(st.sampled_from("AB"))) for a, b in pairs]


def test_the_tags_of_a_sentence_worked_by_hand():
    assert bio_tags(HE_OPENED.spans, 5) == [
        "B-ARG0",
        "O",
        "B-ARG1",
        "I-ARG1",
        "O",
    ]


@given(spans())
@settings(max_examples=60, deadline=None)
def test_spans_survive_being_written_as_tags(drawn):
    length, wanted = drawn
    tags = bio_tags(wanted, length)
    assert spans_of(tags) == wanted


@given(st.lists(st.sampled_from(TAGS), min_size=1, max_size=9))
@settings(max_examples=100, deadline=None)
def test_any_tags_are_read_as_seqeval_reads_them(tags):
    assert spans_of(tags) == [
        (a, b + 1, role) for role, a, b in get_entities(tags)
    ]


@pytest.mark.parametrize(
    "bad",
    [[(1, 1, "A")], [(-1, 1, "A")], [(2, 4, "A")], [(0, 2, "A"), (1, 3, "B")]],
)
def test_spans_that_are_none_are_named(bad):
    with pytest.raises(ValueError, match="spans must"):
        bio_tags(bad, 3)


def test_a_tag_that_is_none_is_named():
    with pytest.raises(ValueError, match="'X-A'"):
        spans_of(["O", "X-A"])


@given(spans(), spans())
@settings(max_examples=40, deadline=None)
def test_f1_is_twice_the_hits_over_all_spans(first, second):
    length = max(first[0], second[0])
    example = Example(("w",) * length, 0, tuple(first[1]))
    hits = len(set(first[1]) & set(second[1]))
    total = len(first[1]) + len(second[1])
    assert span_f1([example], [second[1]]) == pytest.approx(2 * hits / total)
    tags = [bio_tags(s[1], length) for s in (first, second)]
    assert span_f1([example], [second[1]]) == pytest.approx(
        f1_score([tags[0]], [tags[1]])
    )


@pytest.mark.equation("eq-viterbi")
@given(st.integers(1, 4), st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_the_best_path_is_the_best_of_all_that_are_allowed(length, seed):
    scores = np.random.default_rng(seed).normal(
        size=(length, len(TAGS))
    )  # (T, N)
    allowed = allowed_steps(TAGS)

    def fits(path):
        return all(
            allowed[i, j] for i, j in itertools.pairwise([len(TAGS), *path])
        )

    paths = filter(fits, itertools.product(range(len(TAGS)), repeat=length))
    best = max(
        paths,
        key=lambda path: sum(scores[t, tag] for t, tag in enumerate(path)),
    )
    assert tuple(best_path(scores, allowed)) == best


def test_an_inside_follows_its_own_role_only():
    allowed = allowed_steps(TAGS)
    found = {
        (before, tag)
        for i, before in enumerate([*TAGS, "start"])
        for j, tag in enumerate(TAGS)
        if not allowed[i, j]
    }
    assert found == {
        (b, t)
        for t in ("I-A", "I-B")
        for b in [*TAGS, "start"]
        if b[2:] != t[2:] or b == "start"
    }


@pytest.mark.parametrize(
    ("scores", "allowed"),
    [
        (np.zeros((0, 5)), allowed_steps(TAGS)),
        (np.zeros((3, 4)), allowed_steps(TAGS)),
        (np.zeros(5), allowed_steps(TAGS)),
    ],
)
def test_shapes_that_do_not_fit_are_named(scores, allowed):
    with pytest.raises(
        ValueError, match=r"scores must have the shape \(T, N\)"
    ):
        best_path(scores, allowed)


def test_tags_that_nothing_lets_through_are_named():
    with pytest.raises(ValueError, match="allowed must let a path through"):
        best_path(np.zeros((2, 2)), np.zeros((3, 2), bool))
    stuck = np.array([[False, False], [False, False], [True, True]])
    with pytest.raises(ValueError, match="allowed"):
        best_path(np.zeros((2, 2)), stuck)
    assert best_path(np.zeros((1, 2)), stuck).tolist() == [0]
