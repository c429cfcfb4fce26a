"""The tagger beside what it must learn."""

from types import SimpleNamespace
from typing import NamedTuple

import keras
import numpy as np
import pytest

from llmbook.models.tagging import (
    Tagger,
    TaggingModel,
    TaggingTokenizer,
    _batches,
    pointing_accuracy,
    pointing_targets,
    train,
)
from llmbook.text.tags import bio_tags, span_f1
from llmbook.text.tokenizers import PAD_ID


class Example(NamedTuple):
    words: tuple
    predicate: int
    spans: tuple


HE_OPENED = Example(
    ("He", "opened", "the", "door", "."), 1, ((0, 1, "ARG0"), (2, 4, "ARG1"))
)


def test_every_word_has_six_views_and_an_unknown_word_keeps_what_is_around_it():
    tokenizer = TaggingTokenizer.fit([HE_OPENED])
    views = ["word:door", "last:the", "next:.", "end:oor", "shape:x", "right"]
    assert tokenizer.tokenize(HE_OPENED)[18:24] == views
    assert tokenizer.tokenize(HE_OPENED)[5::6] == [
        "left",
        "predicate",
        "right",
        "right",
        "right",
    ]
    ids = tokenizer.encode(
        Example(("He", "strengthened", "the", "9", "."), 1, ())
    )  # (5, 6)
    assert ids.shape == (5, 6)
    assert ids[1, 0] == 1
    assert (ids[1, 1:] == tokenizer.encode(HE_OPENED)[1, 1:]).all()
    assert ids[3, 4] == 1, "there was no number"
    assert tokenizer.pieces(HE_OPENED) == list(HE_OPENED.words)


def test_the_pointing_head_should_point_from_roles_to_the_predicate():
    assert pointing_targets(HE_OPENED).tolist() == [1, 1, 1, 1, 4]
    weights = np.eye(5)  # every word points to itself
    assert pointing_accuracy([HE_OPENED], [weights]) == 0
    weights[[0, 2]] = np.eye(5)[1]
    assert pointing_accuracy([HE_OPENED], [weights]) == pytest.approx(2 / 3)


@pytest.fixture(scope="module")
def trained():
    examples = [
        Example((who, verb, what, "."), 1, ((0, 1, "ARG0"), (2, 3, "ARG1")))
        for who in ("Tom", "Ann", "Bob")
        for verb in ("sees", "hears", "knows")
        for what in ("us", "them", "him", "her")
    ]
    examples += [
        Example(
            (e.words[2], "is", "known", "by", e.words[0], "."),
            2,
            ((0, 1, "ARG1"), (3, 5, "ARG0")),
        )
        for e in examples[::3]
    ]
    tagger = Tagger(
        examples, d_model=16, num_heads=2, num_blocks=2, dropout=0.0
    )
    history = train(
        tagger,
        examples,
        epochs=30,
        batch_size=8,
        learning_rate=1e-2,
        unknown=0.1,
        frequent=2,
    )
    return tagger, examples, history


def test_it_learns_a_tiny_language_and_one_head_learns_to_point(trained):
    tagger, examples, history = trained
    readings = tagger.read(examples)
    assert span_f1(examples, [reading.spans for reading in readings]) > 0.95
    assert (
        pointing_accuracy(
            examples, [reading.weights[-1][0] for reading in readings]
        )
        > 0.95
    )
    assert history["loss"][-1] < history["loss"][0]


def test_a_sentence_is_read_alike_alone_and_beside_longer_ones(trained):
    tagger, examples, _ = trained
    together = tagger.read([examples[0], examples[-1]])
    alone = tagger.read([examples[0]])
    np.testing.assert_allclose(
        together[0].probabilities, alone[0].probabilities, atol=1e-5
    )
    np.testing.assert_allclose(
        together[0].weights[1], alone[0].weights[1], atol=1e-5
    )


def test_only_distances_matter_to_the_model(trained):
    """Words put before the sentence, masked as padding is, leave it as it was."""
    tagger, examples, _ = trained
    ids = tagger.tokenizer.encode(examples[0])[None]  # (1, 4, 6)
    moved = np.concatenate(
        [np.zeros((1, 3, 6), np.int32), ids], axis=1
    )  # (1, 7, 6)
    plain, shifted = tagger.model(ids)["tags"], tagger.model(moved)["tags"]
    np.testing.assert_allclose(plain[0], shifted[0, 3:], atol=1e-4)


@pytest.mark.parametrize("unknown", [0.0, 1.0])
def test_an_epoch_holds_every_example_once_and_hides_rare_words(
    trained, unknown
):
    tagger, examples, _ = trained
    words = [
        token for token in tagger.tokenizer.tokens if token.startswith("word:")
    ]
    rare = [tagger.tokenizer.ids[token] for token in words[4:]]
    found, seen = [], set()
    for ids, wanted, counts in _batches(
        tagger, examples, 7, unknown, frequent=4
    ):
        assert np.array_equal(counts["tags"], ids[:, :, 0] != PAD_ID)
        assert np.array_equal(counts["pointer"], counts["tags"])
        seen |= set(ids[:, :, 0].numpy().flat)
        for tags, places, length in zip(
            wanted["tags"].numpy(),
            wanted["pointer"].numpy(),
            np.sum(counts["tags"], 1),
            strict=True,
        ):
            n = int(length)
            found.append(
                ([tagger.tags[tag] for tag in tags[:n]], places[:n].tolist())
            )
    expected = [
        (bio_tags(e.spans, len(e.words)), pointing_targets(e).tolist())
        for e in examples
    ]
    assert sorted(found) == sorted(expected)
    assert seen.isdisjoint(rare) if unknown else seen.issuperset(rare)


@pytest.mark.equation("eq-pointing-loss")
def test_the_loss_is_the_formula(trained):
    tagger, examples, _ = trained
    example = examples[0]
    ids = tagger.tokenizer.encode(example)[None]
    found = tagger.model(ids)
    wanted = [tagger.tags.index(tag) for tag in bio_tags(example.spans, 4)]
    logits = np.asarray(found["tags"][0], dtype=float)  # (T, N)
    log_p = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    pointed = np.asarray(found["pointer"][0])[
        np.arange(4), pointing_targets(example)
    ]  # (T,)
    expected = -(log_p[np.arange(4), wanted] + 0.5 * np.log(pointed)).mean()
    targets = {
        "tags": np.array([wanted]),
        "pointer": pointing_targets(example)[None],
    }
    weights = {name: np.ones((1, 4)) for name in targets}
    tagger.model.compile(
        loss=tagger.model.loss,
        loss_weights={"tags": 1.0, "pointer": 0.5},
        optimizer="sgd",
    )
    loss = tagger.model.compute_loss(
        x=ids,
        y=targets,
        y_pred={k: found[k] for k in targets},
        sample_weight=weights,
    )
    assert float(loss) == pytest.approx(expected, rel=1e-3)


def test_the_same_seed_gives_the_same_tagger():
    examples = [HE_OPENED, HE_OPENED._replace(predicate=0)]
    taggers = [
        Tagger(examples, seed=3, min_count=1, d_model=8, num_heads=2)
        for _ in range(2)
    ]
    first, second = (
        tagger.read(examples)[0].probabilities for tagger in taggers
    )
    np.testing.assert_array_equal(first, second)


def test_the_model_is_rebuilt_from_its_configuration():
    model = TaggingModel(11, 3, d_model=8, num_heads=2, num_blocks=1)
    again = TaggingModel.from_config(model.get_config())
    ids = np.ones((1, 2, 6), np.int32)
    assert keras.ops.shape(again(ids)["tags"]) == (1, 2, 3)
    assert [v.shape for v in again.variables] == [
        v.shape for v in (model(ids), model)[1].variables
    ]


@pytest.mark.parametrize(
    "examples",
    [[], [HE_OPENED._replace(predicate=5)], [HE_OPENED._replace(predicate=-1)]],
)
def test_examples_without_a_predicate_are_named(examples):
    with pytest.raises(ValueError, match=r"examples must|predicate must"):
        Tagger(examples)


def test_marks_of_edges_are_words_like_others():
    tokenizer = TaggingTokenizer(["<pad>", "<unk>"])
    words = SimpleNamespace(words=["^", "ran", "$"], predicate=1)
    alone = SimpleNamespace(words=["ran"], predicate=0)
    around = [tokenizer.tokenize(e)[-6:][:3] for e in (words, alone)]
    assert tokenizer.tokenize(words)[6:9] == [
        *("word:ran", "last:\\^", "next:\\$")
    ]
    assert around[0] == ["word:$", "last:ran", "next:$"]
    assert around[1] == ["word:ran", "last:^", "next:$"]
