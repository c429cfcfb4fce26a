"""One model with two sets of adapters learns in the loop as two models would."""

import json
import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from llmbook.feedback.adapted import AdapterLearner
from llmbook.feedback.loop import draw_examination, run
from llmbook.feedback.methods.sft import imitate
from llmbook.feedback.tasks import shop
from llmbook.feedback.warm_up import documents, examine_refiner, warm_up
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
    model = small_model()
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


def test_the_reference_refines_and_the_policy_drafts(learner):
    records = draw_examination(learner.task, 3)
    drafts = learner.draft(records, temperature=0)
    critiques = [shop.Critique('Use "Hey", not "Hi".')] * 3
    refined = learner.refine(records, drafts, critiques)
    learner._assign(
        [
            2 * variable.numpy() + 0.3
            for variable in learner.model.trainable_variables
        ]
    )
    assert learner.draft(records, temperature=0) != drafts
    assert learner.refine(records, drafts, critiques) == refined
    with pytest.raises(RuntimeError), learner._as(learner.reference):
        raise RuntimeError  # whatever happens meanwhile, what was learned comes back
    assert learner.draft(records, temperature=0) != drafts


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


def test_batches_are_never_larger_than_said(learner):
    sizes = []

    def loss(model, batch):
        sizes.append(batch["ids"].shape[0])
        return tf.reduce_mean(log_probabilities(model, batch["ids"]))

    ids = np.ones((20, 5), "int32")
    for asked in (None, 4, 16):
        learner.train(loss, {"ids": ids}, 1, 1e-3, batch_size=asked)
    assert set(sizes) == {4, 8}


def test_pairs_of_critiques_or_comparisons_and_nothing_else(learner):
    with pytest.raises(ValueError, match="source must be one of"):
        run("dpo", learner, [], annotations=1, source="scores")


# --- the warm-up ----------------------------------------------------------------------------------


def test_the_answer_of_a_document_is_learned_and_no_more():
    tokenizer = Words()
    ids, weights = documents(tokenizer, seed=3)(step=5)
    assert ids.shape == weights.shape
    again = documents(tokenizer, seed=3)(step=5)
    np.testing.assert_array_equal(ids, again[0])
    for row, weight in zip(ids, weights, strict=True):
        learned = row[weight == 1]
        assert learned[-1] == tokenizer.end
        assert not weight[np.flatnonzero(row)[-1] + 1 :].any()
        text = tokenizer.decode(row[weight == 0])
        assert text.rstrip().endswith(("Revised:", "Rewritten:"))
        assert tokenizer.decode(learned).startswith(" ")


def test_a_warm_up_trains_adapters_of_the_upper_blocks():
    model = small_model(num_layers=11, d_model=8)
    losses = warm_up(
        model, Words(), steps=12, learning_rate=2e-2, jit_compile=False
    )
    assert losses[-3:].mean() < losses[:3].mean()
    assert {name.split(".")[0] for name in lora.adapters(model)} == {"block_10"}


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
    assert examine_refiner(learner, records) == 1
    assert examine_refiner(learner, records, "another") < 1
    assert examine_refiner(learner, records, "none") == 0
    assert read[1] == [*read[0][1:], read[0][0]]
    with pytest.raises(
        ValueError,
        match="feedback must be 'own', 'another' or 'none', got 'some'",
    ):
        examine_refiner(learner, records, "some")
