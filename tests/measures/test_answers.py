"""Scores of answers beside scikit-learn, and the overlap that reads without learning."""

from collections import Counter
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from llmbook.corpora.facts import load_facts, make_examples, text_of
from llmbook.measures.answers import exact, overlap_answer, overlap_f1


@pytest.fixture(scope="module")
def facts():
    return load_facts()


def test_exact_ignores_case_and_spaces_alone():
    assert exact("French  franc", "French Franc")
    assert not exact("Franc", "French Franc")


@given(st.text("ab ", max_size=6), st.text("ab ", max_size=6))
def test_f1_is_that_of_scikit_learn_over_the_counted_words(prediction, answer):
    predicted, right = Counter(prediction.split()), Counter(answer.split())
    y_true, y_pred = [], []
    for word in predicted | right:
        shared = min(predicted[word], right[word])
        y_true += (
            [1] * shared
            + [0] * (predicted[word] - shared)
            + [1] * (right[word] - shared)
        )
        y_pred += (
            [1] * shared
            + [1] * (predicted[word] - shared)
            + [0] * (right[word] - shared)
        )
    expected = f1_score(y_true, y_pred) if y_true else 1.0
    assert overlap_f1(prediction, answer) == pytest.approx(expected)


def test_overlap_finds_what_a_single_matching_sentence_tells(facts):
    examples = [
        e for e in make_examples(facts, 200, 0, twins=0) if not e.has_twin
    ]
    right = [
        exact(text_of(e.passage, overlap_answer(e)), e.answer_text)
        for e in examples
    ]
    assert sum(right) > 0.6 * len(examples)
    example = examples[0]._replace(
        question=["Who", "?"], passage=["nobody", "."], sentences=[(0, 1)]
    )
    assert overlap_answer(example) is None


def test_an_empty_token_is_no_answer():
    example = SimpleNamespace(
        question=["Which", "is", "it"], passage=["", "Ann"], sentences=[(0, 1)]
    )
    assert overlap_answer(example) == (1, 1)
