"""Direct preference optimisation: the better draft rises above the worse, measured from a reference that stays."""

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
    batch_of,
    central_differences,
    gradient,
    log_prob,
    texts,
    token_log_probs,
    weights_of,
)

from llmbook.feedback.annotator import Annotator
from llmbook.feedback.methods import dpo
from llmbook.feedback.methods.dpo import (
    compare_drafts,
    dpo_loss,
    pair_examples,
    pair_loss,
    refine_drafts,
)
from llmbook.feedback.methods.reward_model import reward_loss

few = settings(max_examples=30, deadline=None)
seeds = st.integers(0, 2**32 - 1)


def normal(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape)


def loss_by_hand(chosen, rejected, reference_chosen, reference_rejected, beta):
    """Rafailov et al. 2023, Eq. 7, as it is printed."""
    margin = beta * (chosen - reference_chosen) - beta * (
        rejected - reference_rejected
    )
    return -np.log(1 / (1 + np.exp(-margin))).mean()


def changes(learner, record, *drafts):
    """How much likelier each draft has become than it is under the reference."""
    return [
        log_prob(learner.model, record, draft)
        - log_prob(learner.reference, record, draft)
        for draft in drafts
    ]


# --- the loss ---------------------------------------------------------------------------------


@pytest.mark.equation("eq-dpo")
def test_dpo_loss_by_hand():
    # the margin is (ln 4 - ln 2) - (ln 1 - ln 2) = ln 4: -log σ(½ ln 4) = log(1 + ½)
    loss = dpo_loss(*(np.log([p]) for p in (4.0, 1.0, 2.0, 2.0)), beta=0.5)
    assert float(loss) == pytest.approx(math.log(1.5))


@few
@given(seeds, st.floats(0.05, 2))
def test_dpo_loss_and_gradient_are_those_of_the_formula(seed, beta):
    values = normal(seed, 4, 3)
    assert float(dpo_loss(*values, beta)) == pytest.approx(
        loss_by_hand(*values, beta)
    )
    np.testing.assert_allclose(
        gradient(lambda x: dpo_loss(x[0], x[1], x[2], x[3], beta), values),
        central_differences(lambda x: loss_by_hand(*x, beta), values),
        rtol=1e-5,
        atol=1e-8,
    )


@few
@given(seeds, st.floats(0.05, 2))
def test_dpo_gradient_is_the_probability_of_being_wrong(seed, beta):
    """Rafailov et al. 2023, section 4: the weight of a pair is σ(r(y_l) - r(y_w))."""
    chosen, rejected, ref_chosen, ref_rejected = normal(seed, 4, 3)
    margin = beta * ((chosen - ref_chosen) - (rejected - ref_rejected))
    expected = -beta / (1 + np.exp(margin)) / 3
    actual = gradient(
        lambda x: dpo_loss(x, rejected, ref_chosen, ref_rejected, beta), chosen
    )
    np.testing.assert_allclose(actual, expected)


@pytest.mark.equation("eq-tilted")
@few
@given(seeds, st.floats(0.2, 2))
def test_dpo_loss_of_the_tilted_reference_is_that_of_its_reward(seed, beta):
    """Rafailov et al. 2023, Eq. 4 to 7: the best policy under a reward stands for that reward."""
    reward, reference = normal(seed, 2, 5)
    reference = reference - np.log(np.exp(reference).sum())
    tilted = reference + reward / beta
    tilted = tilted - np.log(np.exp(tilted).sum())
    pair = (tilted[:1], tilted[1:2], reference[:1], reference[1:2])
    expected = float(reward_loss(reward[:1], reward[1:2]))
    assert float(dpo_loss(*pair, beta)) == pytest.approx(expected)


@pytest.mark.equation("eq-rlhf")
@few
@given(seeds, st.floats(0.2, 2))
def test_nothing_beats_the_tilted_reference(seed, beta):
    """Reward less penalty has no slope at the tilted reference, and is beta ln Z there."""
    reward, reference = normal(seed, 2, 5)
    reference = reference - np.log(np.exp(reference).sum())

    def objective(logits):
        log_policy = tf.nn.log_softmax(logits)
        return tf.reduce_sum(
            tf.exp(log_policy) * (reward - beta * (log_policy - reference))
        )

    tilted = reference + reward / beta
    np.testing.assert_allclose(gradient(objective, tilted), 0, atol=1e-9)
    best = float(objective(tf.constant(tilted)))
    assert best == pytest.approx(beta * np.log(np.exp(tilted).sum()))
    for other in normal(seed + 1, 20, 5):
        assert float(objective(tf.constant(other))) <= best + 1e-9


def test_dpo_loss_survives_margins_that_overflow():
    values = [np.array([x]) for x in (-1e4, 1e4, 0.0, 0.0)]
    assert float(dpo_loss(*values, beta=1.0)) == pytest.approx(2e4)


def test_the_loss_of_a_model_counts_the_drafts_and_nothing_else():
    """The prompts of a pair differ here, since equal ones would cancel whether they count or not."""
    ids, mask = batch_of("a>aa!", "bc>b!", "c>c!.", "b>ab!")
    reference = normal(6, 2, 2)

    def by_hand(table):
        sums = [
            sum(token_log_probs(table, row)[start:stop])
            for row, start, stop in zip(
                ids, (1, 2, 1, 1), (4, 4, 3, 4), strict=True
            )
        ]
        return loss_by_hand(
            np.array([sums[0], sums[2]]),
            np.array([sums[1], sums[3]]),
            reference[:, 0],
            reference[:, 1],
            0.4,
        )

    pairs = {"ids": ids.reshape(2, 2, -1), "mask": mask.reshape(2, 2, -1)}
    pairs |= {"reference": reference}
    assert_is(pair_loss, by_hand, pairs, beta=0.4)

    def with_likelihood(table):
        """The better drafts, of three tokens and of two, as each of both."""
        better = [
            np.mean(token_log_probs(table, row)[start:stop])
            for row, start, stop in ((ids[0], 1, 4), (ids[2], 1, 3))
        ]
        return by_hand(table) - 0.7 * np.mean(better)

    assert_is(pair_loss, with_likelihood, pairs, beta=0.4, likelihood=0.7)


def test_a_step_moves_the_better_draft_up_and_the_worse_down():
    learner = Apprentice()
    ids, mask = pair_examples(learner, ["a"], [("aa", "bb")])
    reference = [[log_prob(learner.reference, "a", z) for z in ("aa", "bb")]]
    data = {
        "ids": ids,
        "mask": mask,
        "reference": np.array(reference, "float32"),
    }
    losses = learner.train(pair_loss, data, 1, 1e-2, beta=0.3)
    assert losses == pytest.approx(math.log(2))  # as long as nothing has moved
    up, down = changes(learner, "a", "aa", "bb")
    assert up > 0.01
    assert down < -0.01


# --- the pairs --------------------------------------------------------------------------------


def test_the_better_of_two_drafts_of_the_policy_comes_first():
    pen = Pen("ab", "b", "cc", "aa", "a", "c")
    learner = Apprentice(pen)
    annotator = Annotator(learner.task, 5)
    records, pairs = compare_drafts(learner, annotator, 3)
    assert records == ["a", "b", "c"]
    assert pairs == [("aa", "ab"), ("b", "a"), ("cc", "c")]
    assert pen.read(learner.model) == ["a>", "b>", "c>"] * 2
    assert {asked.temperature for asked in pen.asked} == {1.0}
    assert annotator.spent["comparison"] == 3
    assert annotator.left("comparison") == 2


def test_a_refinement_comes_before_its_draft_and_only_faults_are_refined():
    pen = Pen("aa", "", "ab", "b", "cc", "aa")  # four drafts, two refinements
    learner = Apprentice(pen, "abca")
    annotator = Annotator(learner.task, 5)
    records, pairs = refine_drafts(learner, annotator, 4)
    assert records == ["c", "a"]
    assert pairs == [("cc", "ab"), ("aa", "b")]
    assert pen.read(learner.model) == ["a>", "b>", "c>", "a>"]
    assert pen.read(learner.reference) == ["c>ab!c?", "a>b!a?"]
    assert annotator.spent["critique"] == 4


def test_pairs_are_rows_of_two_the_better_first():
    learner = Apprentice()
    ids, mask = pair_examples(learner, ["a", "b"], [("aa", "b"), ("c", "ab")])
    assert ids.shape == (2, 2, 5)
    assert mask.shape == (2, 2, 4)
    assert texts({"ids": ids, "mask": mask}) == [
        ("a>", "aa!"),
        ("a>", "b!"),
        ("b>", "c!"),
        ("b>", "ab!"),
    ]


# --- the loop ---------------------------------------------------------------------------------


def test_comparisons_teach_what_was_liked_from_a_reference_that_stays():
    learner = Apprentice(Pen("aa", "b", "b", "cc", "c", "ab"), "abcc")
    table = weights_of(learner.reference)
    figures = learner.practise(
        dpo.learn, 3, rounds=2, beta=0.5, steps=60, learning_rate=2e-2
    )
    first, second = learner.lessons
    assert learner.spent == {"comparison": 3}
    assert figures == [{"loss": z.losses[-1]} for z in learner.lessons]
    pairs = [("a", "aa", "b"), ("b", "b", "c"), ("c", "cc", "ab")]
    said = [
        (f"{record}>", f"{draft}!") for record, *pair in pairs for draft in pair
    ]
    assert texts(first.data) == said[:2]
    assert texts(second.data) == said  # of all rounds so far
    for lesson in learner.lessons:
        assert lesson.loss is pair_loss
        assert (lesson.steps, lesson.learning_rate) == (60, 2e-2)
        assert lesson.options == {
            "batch_size": 16,
            "beta": 0.5,
            "likelihood": 0.0,
        }
        expected = [
            [log_prob(learner.reference, record, draft) for draft in pair]
            for record, *pair in pairs[: len(lesson.data["ids"])]
        ]
        np.testing.assert_allclose(
            lesson.data["reference"], expected, rtol=1e-5
        )
    # the second lesson began with a policy that had moved, and yet so
    assert np.abs(second.before - table).max() > 0.1
    np.testing.assert_array_equal(weights_of(learner.reference), table)
    assert first.losses[0] == pytest.approx(math.log(2))
    for pair in pairs:
        better, worse = changes(learner, *pair)
        assert better > worse + 0.1


def test_a_short_memory_learns_from_the_latest_pairs_alone():
    learner = Apprentice(Pen("aa", "b", "b", "c", "cc", "ab"), "abcc")
    learner.practise(dpo.learn, 3, rounds=3, memory=2)
    said = [
        *(("a>", "aa!"), ("a>", "b!"), ("b>", "b!"), ("b>", "c!")),
        *(("c>", "cc!"), ("c>", "ab!")),
    ]
    read = [texts(lesson.data) for lesson in learner.lessons]
    assert read == [said[:2], said[:4], said[2:]]


def test_the_likelihood_is_part_of_a_lesson():
    learner = Apprentice(Pen("b", "c", "aa", "bb"))
    learner.practise(dpo.learn, 2, rounds=1, source="critiques", likelihood=0.5)
    (lesson,) = learner.lessons
    assert lesson.options == {"batch_size": 16, "beta": 0.3, "likelihood": 0.5}


def test_critiques_teach_the_refinement_rather_than_the_draft():
    learner = Apprentice(Pen("b", "c", "aa", "bb"))
    figures = learner.practise(
        dpo.learn,
        2,
        rounds=1,
        steps=30,
        learning_rate=2e-2,
        source="critiques",
    )
    assert learner.spent == {"critique": 2}
    assert figures[0]["loss"] < 0.6
    for pair in (("a", "aa", "b"), ("b", "bb", "c")):
        better, worse = changes(learner, *pair)
        assert better > worse + 0.1


def test_a_round_without_pairs_teaches_nothing():
    """The first two drafts are perfect, the third is refined."""
    learner = Apprentice(Pen("aa", "bb", "a", "cc"))
    rounds = learner.practise(
        dpo.learn, 3, rounds=3, steps=2, source="critiques"
    )
    assert rounds[:2] == [{"pairs": 0}] * 2
    (lesson,) = learner.lessons
    assert texts(lesson.data) == [("c>", "cc!"), ("c>", "a!")]
    assert rounds[2] == {"loss": lesson.losses[-1]}


def test_the_recipe():
    learner = Listener(Pen("aa", "b"))
    learner.practise(dpo.learn, 5)
    assert learner.spent == {"comparison": 5}
    assert len(learner.lessons) == 3  # rounds
    for lesson in learner.lessons:
        assert (lesson.steps, lesson.learning_rate) == (120, 2e-4)
        assert lesson.options == {
            "batch_size": 16,
            "beta": 0.3,
            "likelihood": 0.0,
        }


def test_pairs_come_from_comparisons_or_critiques():
    with pytest.raises(
        ValueError,
        match="source must be 'comparisons' or 'critiques', got 'scores'",
    ):
        Apprentice().practise(dpo.learn, 1, source="scores")
