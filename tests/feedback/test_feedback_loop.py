"""Every method runs in the one loop at its budget, with a stand-in for the model: figures, costs and controls."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from llmbook.feedback.annotator import SECONDS, Annotator, BudgetSpent, shares
from llmbook.feedback.learner import Learner, pack
from llmbook.feedback.loop import draw_examination, run
from llmbook.feedback.methods import METHODS
from llmbook.feedback.methods.ilf import criticise, refinements
from llmbook.feedback.methods.reward_model import reward, train_reward_model
from llmbook.feedback.methods.sft import imitate
from llmbook.feedback.tasks import invitations


@keras.saving.register_keras_serializable("tests")
class Short(keras.Model):
    """A causal model that sees the last three tokens and the first nine, where the record stands."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.embedding = keras.layers.Embedding(len(invitations.VOCABULARY), 16)
        self.hidden = keras.layers.Dense(96, activation="relu")
        self.output_layer = keras.layers.Dense(len(invitations.VOCABULARY))

    def get_config(self):
        return {}

    def call(self, ids, training=None):
        x = self.embedding(ids)  # (B, T, d)
        length = tf.shape(ids)[1]
        padded = tf.pad(x, [[0, 0], [3, 9], [0, 0]])  # (B, 3 + T + 9, d)
        views = [padded[:, k : k + length] for k in (1, 2, 3)]
        for place in range(9):
            seen = tf.cast(tf.range(length) >= place, x.dtype)[
                :, None
            ]  # (T, 1)
            views.append(padded[:, 3 + place : 4 + place] * seen)  # (B, T, d)
        return self.output_layer(
            self.hidden(tf.concat(views, axis=-1))
        )  # (B, T, V)


def generate(model, prompts, max_new, temperature, stop, seed):
    """Write token by token, without a cache: the plainest thing that keeps the contract."""
    rng = np.random.default_rng(seed)
    rows = [list(prompt) for prompt in prompts]
    for _ in range(max_new):
        length = max(map(len, rows))
        ids = np.array(
            [row + [0] * (length - len(row)) for row in rows]
        )  # (B, T)
        logits = model(ids).numpy()  # (B, T, V)
        for scores, row, prompt in zip(logits, rows, prompts, strict=True):
            last = scores[len(row) - 1]
            noise = rng.gumbel(size=last.shape) if temperature else 0
            ended = row[-1] in (stop, 0) and len(row) > len(prompt)
            row.append(
                0
                if ended
                else int(np.argmax(last / (temperature or 1) + noise))
            )
    return np.array(
        [row[len(prompt) :] for row, prompt in zip(rows, prompts, strict=True)]
    )


@pytest.fixture(scope="module")
def learner():
    """A learner whose model writes messages, some perfect: it was shown a few hundred."""
    keras.utils.set_random_seed(0)
    model = Short()
    model(np.zeros((1, 4), "int32"))
    learner = Learner(invitations.Invitations(), model, generate)
    records = draw_examination(learner.task, 600, "train")
    messages = [
        invitations.render(
            record,
            invitations.house_style(record)
            if k % 2
            else invitations.random_message(learner.rng, record),
        )
        for k, record in enumerate(records)
    ]
    imitate(learner, records, messages, steps=300, learning_rate=5e-3)
    learner.reset(weights=model.get_weights())
    return learner


# --- the budget ---------------------------------------------------------------------------


def test_every_answer_is_paid_and_the_budget_ends():
    annotator = Annotator(invitations.Invitations(), annotations=4)
    (record,) = annotator.draw(1)
    perfect = annotator.demonstrate(record)
    assert annotator.score(record, perfect) == 8
    assert annotator.critique(record, perfect).accepted
    assert annotator.compare(record, perfect, ("nonsense",))
    assert annotator.spent == {
        "critique": 1,
        "demonstration": 1,
        "comparison": 1,
        "score": 1,
    }
    assert annotator.spent_seconds == pytest.approx(182.5 + 195.5 + 61.5 + 61.5)
    assert annotator.left("critique") == 0
    with pytest.raises(BudgetSpent, match="no critique is left"):
        annotator.critique(record, perfect)


@pytest.mark.parametrize(
    ("kind", "number"),
    [("critique", 300), ("comparison", 890), ("demonstration", 280)],
)
def test_time_buys_more_of_what_is_quick(kind, number):
    annotator = Annotator(
        invitations.Invitations(), seconds=300 * SECONDS["critique"]
    )
    assert annotator.left(kind) == number


def test_a_budget_is_one_of_the_two():
    for budget in ({}, {"annotations": 1, "seconds": 1}):
        with pytest.raises(ValueError, match="either annotations or seconds"):
            Annotator(invitations.Invitations(), **budget)
    with pytest.raises(ValueError, match="must not be negative"):
        Annotator(invitations.Invitations(), annotations=-1)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 20))
def test_shares_are_equal_and_spend_all(total, rounds):
    parts = shares(total, rounds)
    assert sum(parts) == total
    assert all(part > 0 for part in parts)
    if parts:
        assert max(parts) - min(parts) <= 1
        assert len(parts) == min(total, rounds)


def test_a_round_must_be():
    with pytest.raises(ValueError, match="rounds must be at least 1"):
        shares(10, 0)


# --- the learner --------------------------------------------------------------------------


def test_examples_mark_the_draft_and_its_end():
    task = invitations.Invitations()
    (record,) = draw_examination(task, 1)
    prompt, draft = task.draft_prompt(record), ("come", "to", "the")
    ids, mask = pack([prompt], [[*task.encode(draft), task.end]], 20)
    assert task.decode(ids[0, 1:][mask[0] == 1]) == (*draft, "<end>")


def test_imitation_learns_what_it_is_shown_and_reset_forgets_it(learner):
    learner.reset()
    before = learner.model.get_weights()
    records = draw_examination(learner.task, 8, "train")
    drafts = [("come", "to", "the", record.event) for record in records]
    losses = imitate(learner, records, drafts, steps=150, learning_rate=1e-2)
    assert losses[-1] < 0.1 * losses[0]
    assert learner.draft(records, temperature=0)[0][:3] == drafts[0][:3]
    learner.reset()
    for old, new in zip(before, learner.model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_reward_model_learns_to_tell_drafts_apart(learner):
    learner.reset()
    records = draw_examination(learner.task, 24, "train")
    pairs = [(("see", "you", "!"), ("see", "you"))] * 24
    train_reward_model(learner, records, pairs, steps=60, learning_rate=1e-2)
    better, worse = (
        reward(learner, records, list(side))
        for side in zip(*pairs, strict=True)
    )
    assert better.shape == (24,)
    assert (better > worse).all()


def test_evaluation_in_batches_is_that_of_each_row(learner):
    ids = np.random.default_rng(0).integers(1, 50, (7, 6)).astype("int32")
    whole = learner.log_probs(learner.model, ids)
    assert whole.shape == (7, 5)
    single = np.concatenate(
        [learner.log_probs(learner.model, ids[i : i + 1]) for i in range(7)]
    )
    np.testing.assert_allclose(whole, single, atol=1e-5)


def test_training_wants_data(learner):
    with pytest.raises(ValueError, match="one positive length"):
        learner.train(
            lambda model, batch: 0.0, {"ids": np.zeros((0, 4))}, 1, 1e-3
        )


def test_refinements_are_chosen_among_as_many_as_asked(learner):
    learner.reset()
    annotator = Annotator(learner.task, annotations=5)
    annotated = criticise(learner, annotator, annotator.draw(5))
    assert len(refinements(learner, annotated, 3)) == 5
    assert refinements(learner, [], 3) == []


# --- the loop -----------------------------------------------------------------------------

KIND = {
    "sft": "demonstration",
    "ilf": "critique",
    "ilf_replay": "critique",
    "ilf_dialogue": "critique",
    "self_distillation": "critique",
    "expert_iteration": "score",
    "best_of_n": "comparison",
    "grpo": "comparison",
    "grpo_scores": "score",
    "dpo": "comparison",
}
SMALL = {
    "best_of_n": {"number": 3, "steps": 4},
    "grpo": {"iterations": 2, "groups": 2, "group_size": 3, "reward_steps": 4},
    "grpo_scores": {"groups": 1, "group_size": 5},
}


@pytest.mark.parametrize("method", METHODS)
def test_every_method_spends_its_budget_and_reports(learner, method):
    records = draw_examination(learner.task, 6)
    options = SMALL.get(method, {"steps": 4})
    result = run(
        method,
        learner,
        records,
        annotations=20,
        seed=1,
        every_round=True,
        **options,
    )
    assert result["annotations"] == {KIND[method]: 20}
    assert result["annotator_seconds"] == pytest.approx(
        20 * SECONDS[KIND[method]]
    )
    assert result["rounds"][-1]["spent"] == 20
    assert 0 <= result["success"] <= 1
    assert 0 <= result["score"] <= 8
    assert json.loads(json.dumps(result)) == result
    assert any(
        (old != new).any()
        for old, new in zip(
            learner.reference.get_weights(),
            learner.model.get_weights(),
            strict=True,
        )
    ) == (method != "best_of_n")


def test_grpo_asks_the_annotator_for_whole_batches(learner):
    options = {"groups": 2, "group_size": 4}
    records = draw_examination(learner.task, 2)
    result = run("grpo_scores", learner, records, annotations=20, **options)
    assert result["annotations"] == {"score": 16}
    assert len(result["rounds"]) == 2
    with pytest.raises(ValueError, match="source must be"):
        run("grpo", learner, [], annotations=1, source="reader")


@pytest.mark.parametrize("feedback", ["another", "none"])
def test_controls_of_ilf_spend_the_same(learner, feedback):
    records = draw_examination(learner.task, 2)
    options = {"feedback": feedback, "steps": 2}
    result = run("ilf", learner, records, annotations=12, **options)
    assert result["annotations"] == {"critique": 12}
    with pytest.raises(ValueError, match="feedback must be"):
        run("ilf", learner, records, annotations=1, feedback="some")


def test_being_examined_does_not_change_what_is_learned(learner):
    records = draw_examination(learner.task, 4)
    options = {"annotations": 12, "seed": 2, "rounds": 3, "steps": 3}
    once, often = (
        run("ilf", learner, records, every_round=every_round, **options)
        for every_round in (False, True)
    )
    assert len(often["rounds"]) == 3
    assert any("loss" in figures for figures in once["rounds"])
    for alone, examined in zip(once["rounds"], often["rounds"], strict=True):
        assert alone.items() <= examined.items()
    assert (once["success"], once["score"]) == (
        often["success"],
        often["score"],
    )


@pytest.mark.parametrize("method", ["ilf", "dpo"])
def test_the_same_seed_gives_the_same_run(learner, method):
    records = draw_examination(learner.task, 4)
    results = [
        run(method, learner, records, seconds=1500.0, seed=seed, steps=3)
        for seed in (5, 5, 6)
    ]
    for result in results:
        del result["cpu_seconds"]
    assert results[0] == results[1]
    assert results[0] != results[2]


def test_demonstrations_teach(learner):
    """From a model that is half right, a hundred perfect messages make it more likely to be right."""
    records = draw_examination(learner.task, 100, "train")
    perfect = [learner.task.demonstrate(record) for record in records]
    learner.reset()
    ids, mask = learner.examples(records, perfect)
    before = (learner.log_probs(learner.model, ids) * mask).sum() / mask.sum()
    result = run(
        "sft",
        learner,
        records[:4],
        annotations=100,
        steps=60,
        learning_rate=1e-3,
    )
    after = (learner.log_probs(learner.model, ids) * mask).sum() / mask.sum()
    assert after > before + 0.1
    assert result["annotations"] == {"demonstration": 100}


def test_examination_records_are_held_out_and_the_same_each_time():
    task = invitations.Invitations()
    records = draw_examination(task, 20)
    assert records == draw_examination(task, 20)
    assert {invitations.split_of(record) for record in records} == {"test"}


def test_an_unknown_method_is_named(learner):
    with pytest.raises(ValueError, match="method must be one of"):
        run("ppo", learner, [], annotations=1)
