"""Cuts of a score into classes, the macro-averaged F1, and words hidden, beside scikit-learn and enumeration."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from llmbook.measures.sentiment import (
    HIDDEN,
    cut,
    fit_cuts,
    flips,
    hide,
    macro_f1,
)
from llmbook.text.english import WordViewTokenizer
from llmbook.text.tokenizers import UNKNOWN_ID

TEXTS = ["a good film", "bad", "good good plot but bad acting", "the plot"]


def test_hiding_a_word_hides_all_of_its_views():
    tokenizer = WordViewTokenizer.fit(TEXTS)
    assert hide("a good, film", 1) == f"a {HIDDEN} , film"
    ids = tokenizer.encode(hide("a good film", 1))
    assert ids[1].tolist() == [UNKNOWN_ID] * 3
    assert ids[2, 1] == UNKNOWN_ID, "the bigram of the word after knew it too"


def test_flips_compares_signs():
    def logits(texts):
        return np.array([1.0 if "good" in text else -1.0 for text in texts])

    assert flips(
        logits, ["a good film", "good good", "bad"], [1, 0, 0]
    ).tolist() == [
        True,
        False,
        False,
    ]


@pytest.mark.equation("eq-macro-f1")
@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=30
    )
)
def test_macro_f1_is_that_of_scikit_learn(pairs):
    labels, predictions = np.array(pairs).T
    expected = f1_score(
        labels, predictions, average="macro", labels=[0, 1, 2], zero_division=0
    )
    assert macro_f1(labels, predictions) == pytest.approx(expected)


def test_cuts_are_found_where_they_are():
    scores = np.linspace(-3, 3, 61)
    labels = np.where(scores > 1.05, 2, np.where(scores < -0.05, 0, 1))
    low, high = fit_cuts(scores, labels, candidates=60)
    assert macro_f1(labels, cut(scores, low, high)) == 1
    assert cut([-1, 0, 1], -0.5, 0.5).tolist() == [0, 1, 2]


def test_no_pair_of_candidates_is_better_than_the_cuts():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 90)
    scores = labels + rng.normal(size=90)
    best = macro_f1(labels, cut(scores, *fit_cuts(scores, labels, 10)))
    grid = np.quantile(scores, np.linspace(0, 1, 11))
    assert best == max(
        macro_f1(labels, cut(scores, a, b))
        for a in grid
        for b in grid
        if a <= b
    )


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ([0, 1], "0, 1 and 2"),
        ([0, 1, 1], "0, 1 and 2"),
        ([0, 1, 3], r"labels must lie in range\(3\)"),
    ],
)
def test_cuts_need_every_class(labels, said):
    with pytest.raises(ValueError, match=said):
        fit_cuts([0.1, 0.2, 0.3], labels)
