"""Expert iteration: the best drafts of all rounds are imitated, and nothing else is."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from letter_world import (
    Apprentice,
    Listener,
    Pen,
    log_prob,
    sample,
    texts,
    weights_of,
)

from llmbook.feedback.methods import expert_iteration
from llmbook.feedback.methods.expert_iteration import best_share
from llmbook.feedback.methods.sft import imitation_loss


def test_best_share():
    assert best_share([3, 8, 5, 8, 1], 0.4) == [1, 3]
    assert best_share([3, 8], 0.1) == [1]
    assert best_share([1, 2, 3], 1) == [2, 1, 0]
    for share in (0, 1.5):
        with pytest.raises(
            ValueError, match=rf"share must be in \(0, 1\], got {share}"
        ):
            best_share([1], share)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 8), min_size=1, max_size=30), st.floats(0.01, 1))
def test_nothing_that_is_left_out_is_better_than_what_is_kept(scores, share):
    kept = best_share(scores, share)
    assert len(set(kept)) == len(kept) == max(1, round(share * len(scores)))
    left_out = set(range(len(scores))) - set(kept)
    assert max((scores[i] for i in left_out), default=-1) <= min(
        scores[i] for i in kept
    )


def test_the_best_of_all_rounds_are_imitated():
    """Two rounds of two; what was best in the first is still among the best half in the second."""
    pen = Pen("aa", "a", "c", "b")  # scores of 2, 0, 1 and 0
    learner = Apprentice(pen, "abca")
    table = weights_of(learner.reference)
    figures = learner.practise(
        expert_iteration.learn,
        4,
        rounds=2,
        share=0.5,
        steps=5,
        learning_rate=1e-2,
    )
    first, second = learner.lessons
    assert learner.spent == {"score": 4}
    assert pen.read(learner.model) == ["a>", "b>", "c>", "a>"]
    assert {asked.temperature for asked in pen.asked} == {1.0}
    assert texts(first.data) == [("a>", "aa!")]
    assert texts(second.data) == [("a>", "aa!"), ("c>", "c!")]
    assert figures == [
        {"loss": first.losses[-1], "kept_score": 2.0},
        {"loss": second.losses[-1], "kept_score": 1.5},
    ]
    for lesson in learner.lessons:
        assert lesson.loss is imitation_loss
        assert (lesson.steps, lesson.learning_rate) == (5, 1e-2)
    for record, draft in (("a", "aa"), ("c", "c")):
        assert (
            log_prob(learner.model, record, draft)
            > log_prob(learner.reference, record, draft) + 0.1
        )
    np.testing.assert_array_equal(weights_of(learner.reference), table)


def test_scores_teach_the_policy_to_score():
    """Sampled anew in each round: what it keeps gets better, and so does what it writes."""
    learner = Apprentice(sample, "a")
    figures = learner.practise(
        expert_iteration.learn, 400, rounds=10, steps=20, learning_rate=3e-2
    )
    kept = [z["kept_score"] for z in figures]
    assert kept == sorted(kept)
    assert kept[-1] > kept[0] + 1
    scores = [
        learner.task.score("a", draft) for draft in learner.draft(["a"] * 40)
    ]
    assert np.mean(scores) > 1


def test_the_recipe():
    learner = Listener(Pen("aa"), "a")
    learner.practise(expert_iteration.learn, 60)
    assert [len(z.data["ids"]) for z in learner.lessons] == [1, 2, 3, 4, 5, 6]
    assert {(z.steps, z.learning_rate) for z in learner.lessons} == {(40, 5e-4)}


def test_whatever_reaches_a_score_is_imitated():
    pen = Pen("c", "aa", "b", "cc")  # scores of 0, 0, 1, 2
    learner = Apprentice(pen, "abbc")
    figures = learner.practise(
        expert_iteration.learn, 4, rounds=2, least=1.0, steps=5
    )
    assert figures[0] == {"kept": 0}  # nothing to learn from yet
    (lesson,) = learner.lessons
    assert texts(lesson.data) == [("b>", "b!"), ("c>", "cc!")]
    assert figures[1]["kept_score"] == 1.5


def test_without_a_check_everything_is_imitated():
    learner = Listener(Pen("c", "aa", "b", "cc"), "abbc")
    learner.practise(expert_iteration.learn, 4, rounds=1, least=0.0)
    assert [text for _, text in texts(learner.lessons[0].data)] == [
        "c!",
        "aa!",
        "b!",
        "cc!",
    ]
