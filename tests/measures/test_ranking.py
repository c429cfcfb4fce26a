"""BM25, fusion and ranks beside their formulas and scikit-learn."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import label_ranking_average_precision_score

from llmbook.measures.ranking import (
    BM25,
    best_weight,
    mean_reciprocal_rank,
    recall_at,
    reciprocal_rank_fusion,
    right_ranks,
    standardised,
    terms,
    weighted_fusion,
)

DOCUMENTS = [
    "the cat sat on a mat",
    "cats chase mice and more mice",
    "a dog barks",
    "",
]


matrices = arrays(float, (4, 6), elements=st.integers(-3, 3).map(float))


def test_terms_are_stems_without_stop_words():
    assert terms("The batchSize of batch_sizes, HTTPServer2") == [
        *("batch", "size", "batch", "size"),
        *("http", "server", "2"),
    ]
    assert terms("the of and") == []
    assert (
        terms("Äpfel 张飞") == ["äpfel", "张飞"]
        or len(terms("Äpfel 张飞")) >= 2
    )


@pytest.mark.equation("eq-bm25")
@pytest.mark.parametrize(
    ("k1", "b"), [(1.5, 0.75), (0.9, 0.4), (1.2, 0.0), (1.2, 0.9)]
)
def test_bm25_is_its_formula(k1, b):
    corpus = [terms(document) for document in DOCUMENTS]
    mean_length = np.mean([len(document) for document in corpus])
    query = "cats and mice mice barks unknownword"
    expected = []
    for document in corpus:
        score = 0.0
        for term in terms(query):
            holding = sum(term in other for other in corpus)
            frequency = document.count(term)
            rarity = math.log(
                1 + (len(corpus) - holding + 0.5) / (holding + 0.5)
            )
            held_back = k1 * (1 - b + b * len(document) / mean_length)
            score += rarity * frequency / (frequency + held_back)
        expected.append(score)
    np.testing.assert_allclose(
        BM25(DOCUMENTS, k1, b).scores([query])[0], expected, rtol=1e-5
    )


def test_bm25_gives_nothing_for_what_no_document_holds():
    scores = BM25(DOCUMENTS).scores(["zebra", "the", "", "cat"])
    assert scores.shape == (4, 4)
    assert not scores[:3].any()
    assert scores[3, 0] > 0
    with pytest.raises(ValueError, match="documents"):
        BM25(["the", ""])


@pytest.mark.equation("eq-reciprocal-rank")
@settings(max_examples=40, deadline=None)
@given(matrices)
def test_reciprocal_rank_fusion_is_its_formula(scores):
    other = scores[:, ::-1]
    expected = np.zeros_like(scores)
    for matrix in (scores, other):
        above = (matrix[:, None, :] > matrix[:, :, None]).sum(axis=2)  # (Q, N)
        equal = (matrix[:, None, :] == matrix[:, :, None]).sum(
            axis=2
        )  # (Q, N), itself included
        expected += 1 / (60 + 1 + above + (equal - 1) / 2)
    np.testing.assert_allclose(reciprocal_rank_fusion(scores, other), expected)


@settings(max_examples=40, deadline=None)
@given(matrices, st.floats(0.1, 10), st.floats(-5, 5))
def test_standardised_scores_forget_scale_and_offset(scores, scale, offset):
    found = standardised(scores)
    np.testing.assert_allclose(
        standardised(scale * scores + offset), found, atol=1e-6
    )
    np.testing.assert_allclose(found.mean(axis=1), 0, atol=1e-9)
    varied = scores.std(axis=1) > 0
    np.testing.assert_allclose(found[varied].std(axis=1), 1)
    assert not found[~varied].any()


@settings(max_examples=40, deadline=None)
@given(
    st.floats(1e-3, 1e6),
    st.lists(st.integers(-1, 1), min_size=2, max_size=2000),
    st.sampled_from([np.float32, np.float64]),
)
def test_scores_that_differ_by_rounding_are_equal(value, steps, dtype):
    value, steps = dtype(value), np.array(steps, dtype)
    row = value + steps * np.spacing(value)  # next to each other
    assert not standardised(row[None]).any()


def test_marks_fall_from_latin_letters_alone():
    assert terms("cafe\u0301 e" + "\u0301" * 20_000) == ["cafe", "e"]
    assert terms("मौसम") == ["मौसम"]
    assert terms("й") != terms("и")


@settings(max_examples=40, deadline=None)
@given(matrices, st.lists(st.integers(0, 5), min_size=4, max_size=4))
def test_ranks_without_ties_are_those_of_scikit_learn(scores, right):
    scores = scores + np.linspace(0, 0.5, 6)  # no two are equal
    truth = np.zeros_like(scores)
    truth[np.arange(4), right] = 1
    ranks = right_ranks(scores, right)
    expected = label_ranking_average_precision_score(truth, scores)
    assert mean_reciprocal_rank(ranks) == pytest.approx(expected)
    top = np.argsort(-scores, axis=1)[:, :3]
    assert recall_at(ranks, 3) == np.mean(
        [r in row for r, row in zip(right, top, strict=True)]
    )


def test_a_constant_score_earns_no_rank():
    assert right_ranks(np.zeros((1, 5)), [0]).tolist() == [3.0]


def test_fusion_at_its_ends_is_one_scorer_alone():
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(2, 4, 6))
    np.testing.assert_allclose(
        weighted_fusion(first, second, 1.0), standardised(first)
    )
    np.testing.assert_allclose(
        weighted_fusion(first, second, 0.0), standardised(second)
    )
    with pytest.raises(ValueError, match="weight"):
        weighted_fusion(first, second, 1.5)


def test_the_best_weight_prefers_the_scorer_that_is_right():
    right = np.arange(6)
    good, bad = np.eye(6), -np.eye(6)
    assert best_weight(good, bad, right) > 0.5
    assert best_weight(bad, good, right) < 0.5
    assert (
        best_weight(good, good, right) == 0.5
    )  # all are equally good: the middle one
