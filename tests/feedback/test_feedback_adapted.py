"""One model with two sets of adapters learns in the loop as two models would."""

import json
import re

import keras
import numpy as np
import pytest
import tensorflow as tf
from letter_world import Critique, Letters, Pen, Tiny, weights_of

from llmbook.feedback import warm_up
from llmbook.feedback.adapted import AdapterLearner
from llmbook.feedback.loop import draw_examination, run
from llmbook.feedback.methods.sft import imitate
from llmbook.feedback.tasks import shop
from llmbook.models import lora
from llmbook.models.gpt import GPT, GPTConfig, log_probabilities


class Words:
    """Every word and mark is a token, numbered as it is first met; the end is 1."""

    end = 1

    def __init__(self):
        self.words = ["", ""]

    def encode(self, text):
        found = re.findall(r" ?\w+| ?\W", text)
        self.words += [
            word for word in dict.fromkeys(found) if word not in self.words
        ]
        return [self.words.index(word) for word in found]

    def decode(self, ids):
        return "".join(self.words[i] for i in ids if i < len(self.words))


def small_model(seed=0, **options):
    keras.utils.set_random_seed(seed)
    sizes = {"d_model": 16, "num_heads": 2, "num_layers": 2} | options
    model = GPT(
        GPTConfig(800, 256, norm="rms", mlp="swiglu", hidden_dim=16, **sizes)
    )
    model.embedding.embeddings.assign(model.embedding.embeddings * 10)
    return model


@pytest.fixture
def learner():
    model = small_model(num_layers=1)
    lora.add_adapters(model, 4, targets=lora.EVERY_LINEAR)
    return AdapterLearner(shop.Shop(Words()), model)


def test_the_reference_stays_what_the_policy_was(learner):
    records = draw_examination(learner.task, 6, "train")
    perfect = [learner.task.demonstrate(record) for record in records]
    ids, mask = learner.examples(records, perfect)
    before = log_probabilities(learner.model, ids).numpy()  # (n, T - 1)
    frozen = [v.numpy() for v in learner.model.variables if not v.trainable]
    losses = imitate(learner, records, perfect, steps=40, learning_rate=2e-2)
    assert losses[-1] < losses[0] - 0.1
    np.testing.assert_allclose(
        learner.log_probs(learner.reference, ids), before, atol=1e-4
    )
    after = learner.log_probs(learner.model, ids)
    np.testing.assert_allclose(
        after, log_probabilities(learner.model, ids), atol=1e-4
    )
    assert ((after - before) * mask).sum() > 1
    for old, variable in zip(
        frozen,
        (v for v in learner.model.variables if not v.trainable),
        strict=True,
    ):
        np.testing.assert_array_equal(old, variable)
    learner.reset()
    np.testing.assert_allclose(
        learner.log_probs(learner.model, ids), before, atol=1e-4
    )


# --- with the smallest of models --------------------------------------------------------------


class Adapted(Tiny):
    """A frozen table, and what is added to it, which alone is trained."""

    def __init__(self):
        super().__init__()
        self.frozen = self.add_weight(
            shape=self.table.shape, initializer="ones", trainable=False
        )

    def call(self, ids, training=None):
        return super().call(ids) + tf.gather(self.frozen, ids)


@pytest.fixture
def small():
    return AdapterLearner(Letters(), Adapted(), Pen("ab", "c", "bb"))


def test_the_policy_drafts_at_its_temperature_and_refinements_are_the_likeliest(
    small,
):
    tables = []
    write = small.generate

    def generate(model, *arguments, **options):
        tables.append(weights_of(model))
        return write(model, *arguments, **options)

    small.generate = generate
    start = weights_of(small.model)
    small.model.table.assign(small.model.table + 1)
    assert small.draft(["a", "b"]) == ["ab", "c"]
    assert small.refine(["a"], ["ab"], [Critique("a")]) == ["bb"]
    small.draft(["a"], temperature=0)
    small.refine(["a"], ["ab"], [Critique("a")], temperature=0.5)
    assert [z.prompt for z in write.asked] == [
        "a>",
        "b>",
        "a>ab!a?",
        "a>",
        "a>ab!a?",
    ]
    assert [z.temperature for z in write.asked] == [0.7, 0.7, 0.0, 0.0, 0.5]
    for table, learned in zip(tables, (True, False, True, False), strict=True):
        np.testing.assert_allclose(table, start + learned, rtol=1e-6)
    np.testing.assert_allclose(weights_of(small.model), start + 1, rtol=1e-6)


def test_what_was_learned_comes_back_whatever_happens_meanwhile(small):
    start = small.model.table.numpy()
    learned = start + 1
    small.model.table.assign(learned)
    with small.acting_as(small.model) as model:
        assert model is small.model
        np.testing.assert_array_equal(model.table, learned)
    with small.acting_as(small.reference) as model:
        assert model is small.model
        np.testing.assert_array_equal(model.table, start)
    np.testing.assert_array_equal(small.model.table, learned)
    with pytest.raises(RuntimeError), small.acting_as(small.reference):
        raise RuntimeError
    np.testing.assert_array_equal(small.model.table, learned)


def test_evaluation_is_of_the_policy_or_of_what_it_was(small):
    """In batches of its own size."""
    ids = np.random.default_rng(0).integers(1, 10, (11, 5)).astype("int32")
    sizes = []

    def log_probs(model, ids):
        sizes.append(ids.shape[0])
        return log_probabilities(model, ids)

    start = small.evaluate(log_probs, small.model, ids)
    small.model.table.assign(small.model.table[::-1])
    moved = small.evaluate(log_probs, small.model, ids)
    assert np.abs(moved - start).max() > 0.1
    again = small.evaluate(log_probs, small.reference, ids)
    np.testing.assert_array_equal(again, start)
    assert sizes == [8]
    small.evaluate(
        lambda model, x: log_probs(model, x), small.model, ids, batch_size=3
    )
    assert sizes[1:] == [3]


def test_batches_are_never_larger_than_said(small):
    for asked, size in ((None, 8), (4, 4), (16, 8)):
        sizes = []

        def loss(model, batch, sizes=sizes):
            sizes.append(batch["ids"].shape[0])
            return tf.reduce_mean(log_probabilities(model, batch["ids"]))

        ids = np.ones((20, 5), "int32")
        small.train(loss, {"ids": ids}, 1, 1e-3, batch_size=asked)
        assert sizes == [size]


def test_constants_models_and_moments_are_handed_on(small):
    def loss(model, batch, scale):
        return scale * tf.reduce_sum(model.table * batch["x"][0])

    data = {"x": np.ones((1, 10, 10), "float32")}
    other = Adapted()
    start, frozen = weights_of(small.model), small.model.frozen.numpy()
    small.train(loss, data, 1, 0.1, model=other, scale=1.0)
    np.testing.assert_array_equal(weights_of(small.model), start)
    assert (weights_of(other) < start).all()
    small.train(loss, data, 5, 0.1, scale=1.0)
    np.testing.assert_array_equal(small.model.frozen, frozen)
    before = weights_of(small.model)
    small.train(loss, data, 1, 0.1, scale=-1.0, fresh=False)
    assert (
        weights_of(small.model) < before
    ).all()  # the moments still point down
    before = weights_of(small.model)
    small.train(loss, data, 1, 0.1, scale=-1.0)
    assert (weights_of(small.model) > before).all()


# --- in the loop ------------------------------------------------------------------------------

OPTIONS = {
    "sft": {},
    "ilf": {"rounds": 2, "candidates": 1, "replay": True},
    "expert_iteration": {"rounds": 2},
    "dpo": {"rounds": 2, "source": "critiques"},
}


@pytest.mark.parametrize("method", OPTIONS)
def test_it_runs_in_the_loop(learner, method):
    """Drafts are the messages as typed, so that there is something to criticise."""
    learner._write = lambda model, prompts, temperature: [
        re.search(
            r"(?:Message|Draft): (.*)\n", learner.task.tokenizer.decode(prompt)
        )[1]
        for prompt in prompts
    ]
    records = draw_examination(learner.task, 2)
    seconds = 6 * 182.5
    result = run(
        method, learner, records, seconds=seconds, steps=3, **OPTIONS[method]
    )
    assert result["annotator_seconds"] <= seconds
    assert sum(result["annotations"].values()) >= 5
    assert all("loss" in figures for figures in result["rounds"])
    assert json.loads(json.dumps(result)) == result


# --- the warm-up ----------------------------------------------------------------------------------


def test_the_answer_of_a_document_is_learned_and_no_more():
    tokenizer = Words()
    ids, weights = warm_up.documents(tokenizer, seed=3)(step=5)
    assert ids.shape == weights.shape
    again = warm_up.documents(tokenizer, seed=3)(step=5)
    np.testing.assert_array_equal(ids, again[0])
    for row, weight in zip(ids, weights, strict=True):
        learned = row[weight == 1]
        assert learned[-1] == tokenizer.end
        assert not weight[np.flatnonzero(row)[-1] + 1 :].any()
        text = tokenizer.decode(row[weight == 0])
        assert text.rstrip().endswith(("Revised:", "Rewritten:"))
        assert tokenizer.decode(learned).startswith(" ")


def test_a_warm_up_trains_adapters_of_the_upper_blocks(monkeypatch):
    monkeypatch.setattr(warm_up, "FIRST_BLOCK", 1)
    model = small_model(d_model=8)
    losses = warm_up.warm_up(
        model, Words(), steps=12, learning_rate=2e-2, jit_compile=False
    )
    assert losses[-3:].mean() < losses[:3].mean()
    assert {name.split(".")[0] for name in lora.adapters(model)} == {"block_1"}


def test_the_refiner_is_examined_by_what_it_was_asked_for(learner):
    records = draw_examination(learner.task, 4)
    read = []

    def refine(records, drafts, critiques):
        read.append([critique.words for critique in critiques])
        return [
            learner.task.follow(*pair, critique.edits)
            for *pair, critique in zip(records, drafts, critiques, strict=True)
        ]

    learner.refine = refine
    assert warm_up.examine_refiner(learner, records) == {
        "exact": 1,
        "followed": 1,
        "facts": 1,
    }
    another = warm_up.examine_refiner(learner, records, "another")
    assert another["exact"] < 1
    nothing = warm_up.examine_refiner(learner, records, "none")
    assert nothing == {"exact": 0, "followed": 0, "facts": 1}
    assert read[1] == [*read[0][1:], read[0][0]]
    with pytest.raises(
        ValueError,
        match="feedback must be 'own', 'another' or 'none', got 'some'",
    ):
        warm_up.examine_refiner(learner, records, "some")
