"""Self-distillation: token by token, the policy becomes what the reference is after it has read the critique."""

import math

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from letter_world import (
    Apprentice,
    Listener,
    Pen,
    assert_is,
    central_differences,
    distributions,
    gradient,
    weights_of,
)

from llmbook.feedback.methods import self_distillation
from llmbook.feedback.methods.self_distillation import (
    distillation_loss,
    next_token_log_probs,
    self_distillation_loss,
)

IDS = np.array(
    [[7, 3, 8, 9, 1], [8, 3, 9, 1, 0], [9, 3, 1, 0, 0]], dtype="int32"
)


def normal(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape)


def log_softmax(x):
    return x - np.log(np.exp(x).sum(axis=-1, keepdims=True))


def loss_by_hand(student, teacher, mask):
    """The mean over the tokens of the divergence of student from teacher, one by one."""
    found = [
        sum(
            math.exp(p) * (p - q)
            for p, q in zip(student[place], teacher[place], strict=True)
        )
        for place in zip(*np.nonzero(mask), strict=True)
    ]
    return sum(found) / len(found)


# --- the loss ---------------------------------------------------------------------------------


@pytest.mark.equation("eq-self-distillation")
def test_self_distillation_loss_is_a_divergence():
    student, teacher = np.array([[[0.5, 0.5]]]), np.array([[[0.25, 0.75]]])
    expected = 0.5 * math.log(2) + 0.5 * math.log(2 / 3)
    loss = self_distillation_loss(
        np.log(student), np.log(teacher), np.ones((1, 1))
    )
    assert float(loss) == pytest.approx(expected)
    same = self_distillation_loss(
        np.log(student), np.log(student), np.ones((1, 1))
    )
    assert float(same) == pytest.approx(0)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_loss_and_its_gradient_are_those_of_the_formula(seed):
    logits, teacher = normal(seed, 2, 2, 3, 4)
    teacher = log_softmax(teacher)
    mask = np.array([[1.0, 1.0, 0.0], [0.0, 1.0, 0.0]])

    def loss(x):
        return self_distillation_loss(tf.nn.log_softmax(x), teacher, mask)

    def by_hand(x):
        return loss_by_hand(log_softmax(x), teacher, mask)

    assert float(loss(logits)) == pytest.approx(by_hand(logits))
    np.testing.assert_allclose(
        gradient(loss, logits),
        central_differences(by_hand, logits),
        rtol=1e-5,
        atol=1e-8,
    )


def test_next_token_distributions_are_taken_at_their_positions():
    learner = Apprentice()
    positions = np.array([[0, 2], [1, 1], [3, 0]], "int32")
    found = next_token_log_probs(learner.model, IDS, positions).numpy()
    table = weights_of(learner.model)
    for row, column in np.ndindex(3, 2):
        expected = distributions(table, IDS[row])[positions[row, column]]
        np.testing.assert_allclose(found[row, column], expected, rtol=1e-5)


def test_the_loss_of_a_model_by_hand():
    batch = {
        "ids": IDS,
        "positions": np.array([[1, 2, 3], [1, 2, 3], [1, 2, 3]], "int32"),
        "mask": np.array([[1.0, 1.0, 1.0], [1.0, 1.0, 0.0], [1.0, 0.0, 0.0]]),
        "teacher": log_softmax(normal(7, 3, 3, 10)),
    }

    def by_hand(table):
        student = [distributions(table, row)[1:4] for row in IDS]
        return loss_by_hand(np.array(student), batch["teacher"], batch["mask"])

    assert_is(distillation_loss, by_hand, batch)


# --- the loop ---------------------------------------------------------------------------------


def divergences(learner, table, read):
    """For every token of every draft, by hand: how far what ``table`` says of it is from what the reference says that
    has read the critique.
    """
    task, reference = learner.task, weights_of(learner.reference)
    found = []
    for prompt, critical, draft in read:
        for place in range(len(draft)):
            student, teacher = (
                distributions(whose, task.encode(text + draft[:place]))[-1]
                for whose, text in ((table, prompt), (reference, critical))
            )
            found.append((np.exp(student) * (student - teacher)).sum())
    return found


def test_the_teacher_is_the_reference_that_has_read_draft_and_critique():
    """Two rounds of two: a fault, an accepted draft; no message at all, another fault. Batches hold all equally often."""
    pen = Pen("b", "bb", "", "ab")
    learner = Apprentice(pen, "abca")
    table = weights_of(learner.reference)
    figures = learner.practise(
        self_distillation.learn, 4, rounds=2, steps=30, learning_rate=3e-2
    )
    first, second = learner.lessons
    assert learner.spent == {"critique": 4}
    assert pen.read(learner.model) == ["a>", "b>", "c>", "a>"]
    assert {asked.temperature for asked in pen.asked} == {1.0}
    read = [("a>", "a>b!a?", "b!"), ("b>", "b>bb!+?", "bb!")]
    for lesson, seen in (
        (first, read),
        (second, [*read, ("a>", "a>ab!a?", "ab!")]),
    ):
        assert lesson.loss is distillation_loss
        assert lesson.options == {}
        assert (lesson.steps, lesson.learning_rate) == (30, 3e-2)
        data = lesson.data
        assert data["mask"].sum(axis=1).tolist() == [len(z[2]) for z in seen]
        found = []
        for ids, positions, marks, teacher in zip(
            data["ids"],
            data["positions"],
            data["mask"] == 1,
            data["teacher"],
            strict=True,
        ):
            student = distributions(lesson.before, ids)[positions[marks]]
            found += (
                (np.exp(student) * (student - teacher[marks]))
                .sum(axis=1)
                .tolist()
            )
        np.testing.assert_allclose(
            found,
            divergences(learner, lesson.before, seen),
            rtol=1e-4,
            atol=1e-6,
        )
        before, now = (
            np.mean(divergences(learner, whose, seen))
            for whose in (lesson.before, weights_of(learner.model))
        )
        assert now < before
    assert first.losses[0] == pytest.approx(
        np.mean(divergences(learner, table, read)), rel=1e-4
    )
    assert first.losses[-1] < 0.5 * first.losses[0]
    assert figures == [
        {"loss": first.losses[-1], "criticised": 2},
        {"loss": second.losses[-1], "criticised": 3},
    ]
    # the second lesson began with a policy that had moved, and its teacher had not
    assert np.abs(second.before - table).max() > 0.1
    np.testing.assert_array_equal(weights_of(learner.reference), table)


def test_a_round_without_messages_teaches_nothing():
    learner = Apprentice(Pen("", "bb"))
    figures = learner.practise(self_distillation.learn, 2, rounds=2, steps=1)
    (lesson,) = learner.lessons
    assert figures[0] == {"criticised": 0}
    assert figures[1] == {"loss": lesson.losses[-1], "criticised": 1}


def test_the_recipe():
    learner = Listener(Pen("b"))
    learner.practise(self_distillation.learn, 12)
    assert [len(z.data["ids"]) for z in learner.lessons] == [2, 4, 6, 8, 10, 12]
    assert {(z.steps, z.learning_rate) for z in learner.lessons} == {(40, 3e-4)}
