"""Supervised fine-tuning: what the annotator writes becomes likelier, token by token, and the prompt does not count."""

import math

import numpy as np
import pytest
from letter_world import (
    Apprentice,
    Listener,
    Pen,
    assert_is,
    batch_of,
    central_differences,
    distributions,
    gradient,
    log_prob,
    texts,
    token_log_probs,
    weights_of,
)

from llmbook.feedback.methods import sft
from llmbook.feedback.methods.sft import imitate, imitation_loss, sft_loss


@pytest.mark.equation("eq-sft")
def test_sft_loss_is_the_mean_over_the_tokens_that_count():
    log_probs = np.log([[0.5, 0.25, 0.1], [0.2, 0.125, 0.3]])
    mask = np.array([[1.0, 1.0, 0.0], [0.0, 1.0, 0.0]])
    expected = (math.log(2) + math.log(4) + math.log(8)) / 3
    assert float(sft_loss(log_probs, mask)) == pytest.approx(expected)
    slope = gradient(lambda x: sft_loss(x, mask), log_probs)
    np.testing.assert_allclose(
        slope,
        central_differences(
            lambda x: -(x[0, 0] + x[0, 1] + x[1, 1]) / 3, log_probs
        ),
        atol=1e-8,
    )


def test_the_loss_of_a_model_leaves_the_prompt_and_the_padding_out():
    ids, mask = batch_of("a>ab!", "c>b!.")

    def by_hand(table):
        first, second = (token_log_probs(table, row) for row in ids)
        return -(first[1:4].sum() + second[1:3].sum()) / 5

    assert_is(imitation_loss, by_hand, {"ids": ids, "mask": mask})


def test_a_step_makes_what_is_shown_likelier_and_the_rest_less_likely():
    learner = Apprentice()
    imitate(learner, ["a"], ["aa"], steps=1, learning_rate=1e-2)
    before, after = (
        log_prob(model, "a", "aa")
        for model in (learner.reference, learner.model)
    )
    assert after > before + 0.1
    before, after = (
        distributions(weights_of(model), learner.task.draft_prompt("a"))[-1]
        for model in (learner.reference, learner.model)
    )
    written = learner.task.encode("a!")
    assert (after > before).nonzero()[0].tolist() == sorted(written)


def test_what_is_imitated_is_the_draft_and_its_end_after_the_prompt():
    learner = Apprentice()
    records, drafts = ["a", "b"], ["ab", "c"]
    losses = imitate(learner, records, drafts, steps=3, learning_rate=0.01)
    (lesson,) = learner.lessons
    assert texts(lesson.data) == [("a>", "ab!"), ("b>", "c!")]
    assert (lesson.steps, lesson.learning_rate) == (3, 0.01)
    assert lesson.options == {}
    assert losses.shape == (3,)
    # a batch holds both equally often: the first loss is that of five tokens
    expected = log_prob(learner.reference, "a", "ab")
    expected += log_prob(learner.reference, "b", "c")
    assert losses[0] == pytest.approx(-expected / 5, rel=1e-5)
    assert losses[2] < losses[1] < losses[0]


def test_the_whole_budget_buys_demonstrations_and_no_drafts():
    pen = Pen("c")
    learner = Apprentice(pen)
    before = weights_of(learner.reference)
    figures = learner.practise(sft.learn, 5, learning_rate=1e-2)
    (lesson,) = learner.lessons
    assert learner.spent == {"demonstration": 5}
    assert pen.asked == []
    assert texts(lesson.data) == [
        (f"{record}>", f"{record}{record}!") for record in "abcab"
    ]
    assert figures == [{"loss": lesson.losses[-1]}]
    for record in "abc":
        perfect = 2 * record
        assert (
            log_prob(learner.model, record, perfect)
            > log_prob(learner.reference, record, perfect) + 1
        )
    np.testing.assert_array_equal(weights_of(learner.reference), before)


def test_the_recipe():
    learner = Listener()
    learner.practise(sft.learn, 1)
    (lesson,) = learner.lessons
    assert lesson.loss is imitation_loss
    assert (lesson.steps, lesson.learning_rate) == (240, 5e-4)
