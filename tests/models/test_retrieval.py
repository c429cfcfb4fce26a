import keras
import numpy as np
import pytest
import tensorflow as tf

from llmbook.corpora.sections import Section
from llmbook.measures.ranking import (
    BM25,
    TermTokenizer,
    recall_at,
    right_ranks,
    standardised,
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
        train(model, np.ones((8, 2), int), np.ones((7, 2), int), batch_size=4)
    with pytest.raises(ValueError, match="batch of 9"):
        train(model, np.ones((8, 2), int), np.ones((8, 2), int), batch_size=9)
    with pytest.raises(ValueError, match=r"queries must lie in range\(9\)"):
        train(model, np.full((8, 2), 9), np.ones((8, 2), int), batch_size=4)
    with pytest.raises(ValueError, match=r"documents must lie in .* -1 to 1"):
        train(model, np.ones((2, 2), int), np.array([[1, -1], [1, 1]]))
    with pytest.raises(TypeError, match="queries must be integers"):
        train(model, np.ones((8, 2)), np.ones((8, 2), int), batch_size=4)


def test_texts_are_embedded_one_by_one_as_together():
    tokenizer = TermTokenizer.fit(DOCUMENTS[:3])
    model = build_dual_encoder(len(tokenizer), d_model=16)
    together = embed(model, tokenizer, DOCUMENTS[:3], length=8, batch_size=2)
    for text, vector in zip(DOCUMENTS[:3], together, strict=True):
        single = model(tf.constant([tokenizer.encode(text)])).numpy()[0]
        np.testing.assert_allclose(single, vector, atol=1e-6)


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
    with pytest.raises(ValueError, match="vectors must be given to the index"):
        SectionIndex(SECTIONS).vector_scores(["the sea"])
