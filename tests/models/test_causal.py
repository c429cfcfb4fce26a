"""Other causal models of Keras take the GPT's place in the loop of feedback."""

import json

import keras
import numpy as np
import pytest
from keras import ops

from llmbook.feedback.learner import Learner
from llmbook.feedback.loop import draw_examination, run
from llmbook.feedback.methods.sft import imitate
from llmbook.feedback.tasks import invitations
from llmbook.models import causal, generation, gpt

V = len(invitations.VOCABULARY)


def convolutional():
    """A functional model of plain Keras layers: causal convolutions."""
    ids = keras.Input((None,), dtype="int32")
    x = keras.layers.Embedding(V, 16)(ids)
    x = keras.layers.Conv1D(16, 4, padding="causal", activation="relu")(x)
    return keras.Model(ids, keras.layers.Dense(V)(x))


def kerashub_gpt2():
    """A randomly initialised GPT-2 of KerasHub, with ids alone as its input."""
    hub = pytest.importorskip(
        "keras_hub", reason="KerasHub is not installed: pip install keras-hub"
    )
    backbone = hub.models.GPT2Backbone(
        vocabulary_size=V,
        num_layers=1,
        num_heads=2,
        hidden_dim=16,
        intermediate_dim=32,
        max_sequence_length=96,
    )
    language_model = hub.models.GPT2CausalLM(
        backbone=backbone, preprocessor=None
    )
    ids = keras.Input((None,), dtype="int32")
    logits = language_model(
        {"token_ids": ids, "padding_mask": ops.not_equal(ids, 0)}
    )
    return keras.Model(ids, logits)


@pytest.mark.filterwarnings("ignore::UserWarning")  # KerasHub has some to give
@pytest.mark.parametrize("make", [convolutional, kerashub_gpt2])
def test_it_learns_in_the_loop(make):
    keras.utils.set_random_seed(0)
    learner = Learner(invitations.Invitations(), make(), causal.generate)
    before = learner.model.get_weights()
    records = draw_examination(learner.task, 8, "train")
    options = {"annotations": 8, "rounds": 1, "steps": 2}
    for method, kind in (("ilf", "critique"), ("dpo", "comparison")):
        result = run(method, learner, records[:2], **options)
        assert result["annotations"] == {kind: 8}
        assert json.loads(json.dumps(result)) == result
    assert (
        "loss" in result["rounds"][0]
    )  # a random model's drafts can at least be compared
    drafts = [learner.task.demonstrate(record) for record in records]
    losses = imitate(learner, records, drafts, steps=30, learning_rate=1e-2)
    assert losses[-1] < losses[0] - 0.5
    for new, old in zip(learner.reference.get_weights(), before, strict=True):
        np.testing.assert_array_equal(new, old)


def test_it_writes_what_the_compiled_cache_writes():
    keras.utils.set_random_seed(0)
    model = gpt.GPT(gpt.GPTConfig(20, 32, d_model=8, num_heads=2, num_layers=2))
    model.embedding.embeddings.assign(model.embedding.embeddings * 20)
    prompts = [[3, 4, 5], [7], [6, 2]]
    expected = generation.generate(model, prompts, 10, temperature=0, stop=9)
    np.testing.assert_array_equal(
        causal.generate(model, prompts, 10, 0, stop=9), expected
    )


def test_samples_follow_the_distribution_and_the_seed():
    table = np.log([[0.1, 0.2, 0.3, 0.4]])
    model = lambda ids: np.broadcast_to(table, (*ids.shape, 4))  # noqa: E731
    drawn = causal.generate(model, [[1]] * 4000, 1, seed=3)[:, 0]
    shares = np.bincount(drawn, minlength=4) / 4000
    np.testing.assert_allclose(shares, [0, 2 / 9, 3 / 9, 4 / 9], atol=0.03)
    np.testing.assert_array_equal(
        drawn, causal.generate(model, [[1]] * 4000, 1, seed=3)[:, 0]
    )
    with pytest.raises(ValueError, match="each at least one token"):
        causal.generate(model, [[1], []], 1)
