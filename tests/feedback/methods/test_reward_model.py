"""The reward model: better drafts come to be worth more than worse ones, and the best of N is the best of them."""

import math

import numpy as np
import pytest
import tensorflow as tf
from letter_world import (
    END,
    REWARD,
    Apprentice,
    Letters,
    Listener,
    Pen,
    assert_is,
    batch_of,
    central_differences,
    gradient,
    texts,
    weights_of,
)

from llmbook.feedback.learner import pack
from llmbook.feedback.methods import reward_model
from llmbook.feedback.methods.reward_model import (
    best_of,
    preference_loss,
    reward,
    reward_loss,
    rewards,
    train_reward_model,
)

PAIRS = [("aa", "bb"), ("b", "c"), ("a", "cc"), ("ab", "cb")]
RECORDS = ["a", "b", "c", "a"]


def reward_by_hand(table, ids):
    """What the model says of the token of rewards after the end of the draft."""
    read = ids[: list(ids).index(END) + 1]
    return table[read].mean(axis=0)[REWARD]


def worth(table, record, draft):
    ids = Letters().encode(f"{record}>{draft}!")
    return reward_by_hand(table, ids)


def loss_by_hand(better, worse):
    return np.log(1 + np.exp(worse - better)).mean()


@pytest.fixture
def learner():
    """One whose policy is no longer what it was."""
    learner = Apprentice()
    learner.model.table.assign(learner.model.table[::-1] / 2)
    return learner


# --- the loss ---------------------------------------------------------------------------------


@pytest.mark.equation("eq-bradley-terry", "eq-reward-loss")
def test_reward_loss_is_the_likelihood_of_bradley_and_terry():
    strength = np.array(
        [3.0, 1.0]
    )  # the first of two wins with probability 3/4
    chosen, rejected = np.log(strength[:1]), np.log(strength[1:])
    assert float(reward_loss(chosen, rejected)) == pytest.approx(
        -math.log(3 / 4)
    )


def test_reward_loss_by_hand_with_its_gradient():
    pairs = np.random.default_rng(0).standard_normal((2, 5))
    assert float(reward_loss(*pairs)) == pytest.approx(loss_by_hand(*pairs))
    np.testing.assert_allclose(
        gradient(lambda x: reward_loss(x[0], x[1]), pairs),
        central_differences(lambda x: loss_by_hand(*x), pairs),
        rtol=1e-6,
    )


def test_reward_is_read_where_the_draft_ends():
    class Fixed:
        trainable_variables = ()

        def __call__(self, ids):
            return (
                tf.one_hot(ids, 5, dtype="float64")
                * tf.cast(ids[..., None], "float64")
                * 10
            )

    ids, mask = pack([[1], [1, 1]], [[3, 2], [4]], length=5)
    assert ids.tolist() == [[1, 3, 2, 0, 0], [1, 1, 4, 0, 0]]
    assert mask.tolist() == [[1, 1, 0, 0], [0, 1, 0, 0]]
    assert rewards(Fixed(), ids, mask, 2).numpy().tolist() == [20, 0]
    assert rewards(Fixed(), ids, mask, 4).numpy().tolist() == [0, 40]


def test_the_loss_of_a_model_on_pairs_by_hand():
    ids, mask = batch_of("a>aa!", "a>b!.", "c>c!.", "c>ab!")

    def by_hand(table):
        first, second, third, fourth = (reward_by_hand(table, z) for z in ids)
        return loss_by_hand(np.array([first, third]), [second, fourth])

    pairs = {"ids": ids.reshape(2, 2, -1), "mask": mask.reshape(2, 2, -1)}
    assert_is(preference_loss, by_hand, pairs, token=REWARD)


# --- its training -----------------------------------------------------------------------------


def test_training_raises_the_reward_of_the_better_over_that_of_the_worse(
    learner,
):
    untouched = [weights_of(learner.model), weights_of(learner.reference)]
    losses = train_reward_model(learner, RECORDS, PAIRS, 60, 2e-2)
    assert losses.shape == (60,)
    assert losses[-1] < losses[0] - 0.1
    for record, (better, worse) in zip(RECORDS, PAIRS, strict=True):
        before, after = (
            worth(table, record, better) - worth(table, record, worse)
            for table in (untouched[1], weights_of(learner.reward_model))
        )
        assert after > before + 0.1
    for table, model in zip(
        untouched, (learner.model, learner.reference), strict=True
    ):
        np.testing.assert_array_equal(weights_of(model), table)


def test_it_learns_from_the_pairs_the_better_first(learner):
    train_reward_model(learner, RECORDS[:2], PAIRS[:2], 3, 0.01)
    (lesson,) = learner.lessons
    assert texts(lesson.data) == [
        ("a>", "aa!"),
        ("a>", "bb!"),
        ("b>", "b!"),
        ("b>", "c!"),
    ]
    assert lesson.data["ids"].shape == (2, 2, 5)
    assert (lesson.steps, lesson.learning_rate) == (3, 0.01)
    assert lesson.model is learner.reward_model
    assert lesson.options["batch_size"] == 16


def test_every_training_begins_anew_as_the_reference(learner):
    """Four pairs fill a batch of sixteen evenly, so that the first loss is known."""
    table = weights_of(learner.reference)
    pairs = zip(RECORDS, PAIRS, strict=True)
    gaps = [
        worth(table, z, one) - worth(table, z, two) for z, (one, two) in pairs
    ]
    expected = loss_by_hand(np.array(gaps), 0)
    for _ in range(2):
        losses = train_reward_model(learner, RECORDS, PAIRS, 20, 2e-2)
        assert losses[0] == pytest.approx(expected, rel=1e-5)
        assert losses[-1] < expected - 0.05


def test_the_reward_of_drafts_is_what_the_reward_model_says_of_one_token(
    learner,
):
    table = np.random.default_rng(3).standard_normal((10, 10))
    learner.reward_model.table.assign(table)
    given = reward(learner, ["a", "b", "c"], ["aa", "c", ""])
    expected = [worth(table, *z) for z in (("a", "aa"), ("b", "c"), ("c", ""))]
    np.testing.assert_allclose(given, expected, rtol=1e-5)


# --- the best of N ----------------------------------------------------------------------------


def test_the_best_of_several_drafts_is_the_one_of_most_reward():
    pen = Pen("bb", "ab", "aa", "cc", "b", "bc")
    learner = Apprentice(pen)
    likes_a = np.zeros((10, 10))
    likes_a[learner.task.encode("abc"), REWARD] = 2, 1, -1
    learner.reward_model.table.assign(likes_a)
    assert best_of(learner, ["a", "b"], 3) == ["aa", "b"]
    assert pen.read(learner.model) == ["a>"] * 3 + ["b>"] * 3
    assert {asked.temperature for asked in pen.asked} == {1.0}


def test_no_draft_is_better_than_the_best_of_n():
    drafts = [
        "".join(pair)
        for pair in np.random.default_rng(0).choice([*"abc"], (40, 2))
    ]
    learner = Apprentice(Pen(*drafts))
    for seed in range(5):
        table = np.random.default_rng(seed).standard_normal((10, 10))
        learner.reward_model.table.assign(table)
        best = best_of(learner, RECORDS, 10)
        for k, (record, draft) in enumerate(zip(RECORDS, best, strict=True)):
            group = drafts[10 * k : 10 * k + 10]
            assert draft in group
            assert worth(table, record, draft) == max(
                worth(table, record, other) for other in group
            )


def test_the_budget_buys_comparisons_and_the_answers_are_the_best_of_n():
    pen = Pen("aa", "b", "b", "bb", "a", "cc", "c", "aa")
    learner = Apprentice(pen)
    before = weights_of(learner.model)
    figures = learner.practise(
        reward_model.learn, 4, steps=30, learning_rate=1e-2, number=5
    )
    (lesson,) = learner.lessons
    assert learner.spent == {"comparison": 4}
    assert texts(lesson.data) == [
        ("a>", "aa!"),
        ("a>", "a!"),
        ("b>", "b!"),
        ("b>", "cc!"),
        ("c>", "c!"),
        ("c>", "b!"),
        ("a>", "aa!"),
        ("a>", "bb!"),
    ]
    assert (lesson.steps, lesson.learning_rate) == (30, 1e-2)
    assert figures == [{"loss": lesson.losses[-1]}]
    np.testing.assert_array_equal(weights_of(learner.model), before)

    pen.asked.clear()
    (answer,) = learner.respond(["a"])
    assert pen.read(learner.model) == ["a>"] * 5
    table = weights_of(learner.reward_model)
    drafts = ["aa", "b", "b", "bb", "a"]
    assert answer == max(drafts, key=lambda draft: worth(table, "a", draft))
    learner.reset()  # and greedy again
    pen.asked.clear()
    learner.respond(["a"])
    assert [asked.temperature for asked in pen.asked] == [0.0]


def test_the_recipe():
    learner = Listener(pen := Pen("aa", "b"))
    learner.practise(reward_model.learn, 1)
    (lesson,) = learner.lessons
    assert lesson.loss is preference_loss
    assert (lesson.steps, lesson.learning_rate) == (200, 3e-4)
    pen.asked.clear()
    learner.respond(["b"])
    assert len(pen.asked) == 64
