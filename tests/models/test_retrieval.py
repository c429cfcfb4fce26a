import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import label_ranking_average_precision_score

from llmbook.corpora.sections import Section
from llmbook.measures.ranking import (
    BM25,
    TermTokenizer,
    best_weight,
    mean_reciprocal_rank,
    recall_at,
    reciprocal_rank_fusion,
    right_ranks,
    standardised,
    terms,
    weighted_fusion,
)
from llmbook.models.retrieval import (
    DualEncoder,
    SectionIndex,
    build_dual_encoder,
    contrastive_loss,
    embed,
    train,
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


@pytest.mark.equation("eq-contrastive")
def test_the_contrastive_loss_is_cross_entropy_both_ways():
    rng = np.random.default_rng(0)
    first, second = (
        rng.normal(size=(5, 3)).astype("float32") for _ in range(2)
    )
    logits = first @ second.T / 0.2
    same = np.arange(5)
    entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    expected = (entropy(same, logits) + entropy(same, logits.T)) / 2
    np.testing.assert_allclose(
        contrastive_loss(first, second, 0.2), expected, rtol=1e-5
    )


def test_pairs_that_match_cost_less_than_pairs_that_do_not():
    vectors = np.eye(4, dtype="float32")
    assert (
        contrastive_loss(vectors, vectors)
        < 1e-6
        < contrastive_loss(vectors, vectors[::-1])
    )


def test_vectors_have_length_one_and_ignore_padding():
    model = build_dual_encoder(50, seed=1, d_model=16)
    ids = np.array([[5, 6, 7], [8, 9, 0]])
    vectors = model(ids).numpy()
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    padded = np.pad(ids, ((0, 0), (0, 4)))
    np.testing.assert_allclose(model(padded).numpy(), vectors, atol=1e-6)
    assert not np.allclose(
        model(ids[:, ::-1]).numpy()[0], vectors[0]
    )  # order counts


def test_words_are_dropped_in_training_alone():
    model = build_dual_encoder(50, d_model=16, dropout=0.0, word_dropout=0.5)
    ids = np.arange(2, 34).reshape(1, 32)
    assert np.allclose(model(ids), model(ids))
    assert not np.allclose(model(ids, training=True), model(ids, training=True))


def test_a_dual_encoder_is_rebuilt_from_its_config():
    model = build_dual_encoder(50, d_model=16, num_blocks=2)
    again = DualEncoder.from_config(model.get_config())
    assert [w.shape for w in again.weights] == [w.shape for w in model.weights]


def test_training_brings_pairs_together():
    rng = np.random.default_rng(0)
    queries = rng.integers(2, 40, size=(64, 3)).astype("int32")
    documents = queries + 40  # another vocabulary: nothing is shared
    model = build_dual_encoder(90, d_model=16, dropout=0.0, word_dropout=0.0)
    losses = train(
        model,
        queries,
        documents,
        epochs=40,
        batch_size=32,
        learning_rate=1e-2,
    )
    assert losses.shape == (80,)
    ranks = right_ranks(
        model(queries).numpy() @ model(documents).numpy().T, np.arange(64)
    )
    assert recall_at(ranks, 1) > 0.9
    repeated = build_dual_encoder(90, d_model=16, dropout=0.0, word_dropout=0.0)
    same = train(
        repeated,
        queries,
        documents,
        epochs=40,
        batch_size=32,
        learning_rate=1e-2,
        jit_compile=False,
    )
    np.testing.assert_allclose(same[:5], losses[:5], rtol=1e-4)


def test_what_cannot_be_trained_on_is_named():
    model = build_dual_encoder(9, d_model=8)
    with pytest.raises(ValueError, match="documents"):
        train(model, np.ones((8, 2)), np.ones((7, 2)), 1, batch_size=4)
    with pytest.raises(ValueError, match="batch of 9"):
        train(model, np.ones((8, 2)), np.ones((8, 2)), 1, batch_size=9)


def test_texts_are_embedded_one_by_one_as_together():
    tokenizer = TermTokenizer.fit(DOCUMENTS[:3])
    model = build_dual_encoder(len(tokenizer), d_model=16)
    together = embed(model, tokenizer, DOCUMENTS[:3], length=8, batch_size=2)
    for text, vector in zip(DOCUMENTS[:3], together, strict=True):
        single = model(tf.constant([tokenizer.encode(text)])).numpy()[0]
        np.testing.assert_allclose(single, vector, atol=1e-6)


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


SECTIONS = [
    Section(
        "sec-a",
        "Cats",
        "01",
        ["The cat sat on a mat.", "It chases mice at night."],
    ),
    Section(
        "sec-b",
        "Dogs",
        "01",
        ["A dog barks.", "Dogs chase cats.", "It sleeps at night."],
    ),
    Section("sec-c", "Fish", "02", ["A fish swims in the sea."]),
]


def test_a_question_finds_its_section_and_passage():
    index = SectionIndex(SECTIONS)
    hits = index.ask("Do dogs chase?", top=2)
    assert [hit.section.label for hit in hits] == ["sec-b", "sec-a"]
    assert hits[0].passage == "Dogs chase cats."
    assert hits[0].score > hits[1].score
    assert index.ask("swimming fish")[0].passage == "A fish swims in the sea."
    assert len(index.ask("fish", top=9)) == 3


def test_the_score_of_a_section_is_that_of_its_best_passage():
    index = SectionIndex(SECTIONS)
    questions = ["cats at night", "barking dogs"]
    single = index.single.scores(questions)
    best = np.stack(
        [single[:, :2].max(1), single[:, 2:5].max(1), single[:, 5]], axis=1
    )
    whole = BM25(
        [" ".join([s.title, s.title, *s.passages]) for s in SECTIONS]
    ).scores(questions)
    expected = standardised(best) + standardised(whole)
    np.testing.assert_allclose(index.word_scores(questions), expected)
    np.testing.assert_allclose(index.scores(questions), expected)


def test_vectors_take_part_by_their_weight():
    def sea(texts):
        """Point along one axis at water, along the other at all else."""
        wet = np.array(
            ["fish" in text.lower() or "water" in text for text in texts]
        )
        return np.stack([wet, ~wet], axis=1).astype(float)

    index = SectionIndex(SECTIONS, sea, weight=1.0)
    np.testing.assert_allclose(index.vector_scores(["water"]), [[0, 0, 1]])
    np.testing.assert_allclose(
        index.scores(["water"]), standardised([[0, 0, 1]])
    )
    assert index.ask("water for a cat", top=1)[0].section.label == "sec-c"
    index.weight = 0.5
    words = index.word_scores(["water for a cat"])
    expected = 0.5 * standardised([[0, 0, 1]]) + 0.5 * standardised(words)
    np.testing.assert_allclose(index.scores(["water for a cat"]), expected)


def test_what_cannot_be_asked_is_named():
    with pytest.raises(ValueError, match="sections"):
        SectionIndex([])
    with pytest.raises(ValueError, match="weight"):
        SectionIndex(SECTIONS, weight=0.3)
    with pytest.raises(ValueError, match="zebra"):
        SectionIndex(SECTIONS).ask("zebra?")
