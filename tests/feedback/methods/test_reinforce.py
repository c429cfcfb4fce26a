"""REINFORCE: its gradient is that of the expected reward, whatever the baseline."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from letter_world import Apprentice, Pen, log_prob, sample, texts, weights_of

from llmbook.feedback.methods import reinforce
from llmbook.feedback.methods.reinforce import (
    leave_one_out,
    policy_loss,
    reinforce_loss,
)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-8, 8), min_size=2, max_size=9))
def test_the_baseline_is_the_mean_of_the_others(rewards):
    rewards = np.array(rewards)
    expected = [
        reward - np.delete(rewards, i).mean()
        for i, reward in enumerate(rewards)
    ]
    np.testing.assert_allclose(leave_one_out(rewards), expected, atol=1e-9)


@pytest.mark.parametrize("baseline", [0.0, 2.5])
def test_its_expected_gradient_is_that_of_the_expected_reward(baseline):
    """All texts of two tokens of an alphabet of three, each weighted by its probability."""
    rng = np.random.default_rng(0)
    logits = tf.Variable(rng.standard_normal((2, 3)), dtype="float64")
    every = np.array(list(itertools.product(range(3), repeat=2)))  # (9, 2)
    rewards = rng.uniform(0, 8, 9)

    def log_probs():  # (9, 2)
        rows = keras.ops.log_softmax(logits, axis=-1)
        return tf.stack([tf.gather(rows[t], every[:, t]) for t in (0, 1)], 1)

    with tf.GradientTape() as tape:
        chances = tf.exp(tf.reduce_sum(log_probs(), axis=1))
        expected_reward = tf.reduce_sum(chances * rewards)
    expected = tape.gradient(expected_reward, logits)

    chances = np.exp(log_probs().numpy().sum(axis=1))  # (9,)
    with tf.GradientTape() as tape:
        loss = reinforce_loss(
            log_probs(), 9 * chances * (rewards - baseline), np.ones((9, 2))
        )
    found = -tape.gradient(loss, logits)
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_a_batch_is_scored_and_serves_for_one_step():
    pen = Pen("aa", "b", "c", "bb")  # scores of 2 and 1, 0 and 2
    learner = Apprentice(pen, "abab")
    learner.task.score = lambda record, draft: {"aa": 2, "b": 1, "bb": 2}.get(
        draft, 0
    )
    figures = learner.practise(
        reinforce.learn, 5, batch_size=2, beta=0.0, learning_rate=1e-2
    )
    assert learner.spent == {"score": 4}  # whole batches
    assert figures == [{"reward": 1.5}, {"reward": 1.0}]
    first, second = learner.lessons
    for lesson in (first, second):
        assert lesson.loss is policy_loss
        assert (lesson.steps, lesson.learning_rate) == (1, 1e-2)
        assert lesson.options == {"batch_size": 2, "fresh": False}
    assert texts(first.data) == [("a>", "aa!"), ("b>", "b!")]
    np.testing.assert_allclose(first.data["advantages"], [1, -1])
    np.testing.assert_allclose(second.data["advantages"], [-2, 2])


def test_leaving_the_reference_costs():
    """In the second batch the policy has moved, and drafts that became likelier earn less."""
    learner = Apprentice(Pen("aa", "bb", "aa", "bb"), "a")
    beta = 0.5
    learner.practise(
        reinforce.learn, 4, batch_size=2, beta=beta, learning_rate=0.1
    )
    before = learner.lessons[1].before
    policy = type(learner.model)()
    policy.table.assign(before)
    earned = np.array(
        [
            score
            - beta
            * (
                log_prob(policy, "a", draft)
                - log_prob(learner.reference, "a", draft)
            )
            for draft, score in (("aa", 2), ("bb", 0))
        ]
    )
    assert earned[0] < 2
    np.testing.assert_allclose(
        learner.lessons[1].data["advantages"],
        leave_one_out(earned),
        rtol=1e-4,
    )


def test_scores_teach_the_policy_to_score():
    learner = Apprentice(sample, "a")
    figures = learner.practise(
        reinforce.learn, 960, batch_size=16, learning_rate=0.2
    )
    rewards = [z["reward"] for z in figures]
    assert len(rewards) == 60
    assert np.mean(rewards[-5:]) > np.mean(rewards[:5]) + 0.3
    assert (weights_of(learner.reference) != weights_of(learner.model)).any()


def test_without_a_baseline_what_succeeds_is_imitated():
    """Scores of 0 and 1: the gradient is that of imitation, by the share that succeeded."""
    learner = Apprentice(Pen("aa", "b", "cc", "a"), "abca")
    learner.task.score = lambda record, draft: int(draft == 2 * record)
    learner.practise(
        reinforce.learn,
        4,
        batch_size=4,
        beta=0.0,
        baseline=0.0,
        learning_rate=1e-2,
    )
    (lesson,) = learner.lessons
    np.testing.assert_array_equal(lesson.data["advantages"], [1, 0, 1, 0])
    for record, draft in (("a", "aa"), ("c", "cc")):
        assert log_prob(learner.model, record, draft) > log_prob(
            learner.reference, record, draft
        )


def test_a_baseline_may_be_any_number():
    learner = Apprentice(Pen("aa", "a"), "ab")
    learner.practise(reinforce.learn, 2, batch_size=2, beta=0.0, baseline=0.5)
    np.testing.assert_allclose(
        learner.lessons[0].data["advantages"], [1.5, -0.5]
    )
