"""GRPO: what did better than its group becomes likelier, no further than the clip and the reference allow."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from letter_world import (
    END,
    REWARD,
    Apprentice,
    Listener,
    Pen,
    assert_is,
    batch_of,
    central_differences,
    distributions,
    gradient,
    log_prob,
    sample,
    texts,
    token_log_probs,
    weights_of,
)

from llmbook.feedback.methods import grpo
from llmbook.feedback.methods.grpo import (
    group_advantages,
    grpo_loss,
    policy_loss,
)
from llmbook.feedback.methods.reward_model import preference_loss

few = settings(max_examples=30, deadline=None)
seeds = st.integers(0, 2**32 - 1)


def normal(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape)


def loss_by_hand(log_probs, old, reference, advantages, mask, beta, clip=0.2):
    """Shao et al. 2024, Eq. 3 and 4, token by token."""
    texts = []
    for now, then, first, advantage, marks in zip(
        log_probs, old, reference, advantages, mask, strict=True
    ):
        tokens = []
        for p, p_old, p_ref in zip(
            now[marks == 1], then[marks == 1], first[marks == 1], strict=True
        ):
            ratio = np.exp(p) / np.exp(p_old)
            kept = min(max(ratio, 1 - clip), 1 + clip)
            distance = np.exp(p_ref) / np.exp(p) - (p_ref - p) - 1
            gain = min(ratio * advantage, kept * advantage)
            tokens.append(gain - beta * distance)
        texts.append(sum(tokens) / len(tokens))
    return -sum(texts) / len(texts)


# --- the loss ---------------------------------------------------------------------------------


def test_group_advantages_are_standard_scores_of_the_group():
    advantages = group_advantages(np.array([[1.0, 3.0]]), epsilon=1e-12)[0]
    np.testing.assert_allclose(advantages, [-1, 1])
    equal = group_advantages(np.array([[5.0, 5.0]]))
    np.testing.assert_array_equal(equal, 0)
    # a group that differs by a hair learns from it by a hair
    nearly = group_advantages(np.array([[1.0, 1.0 + 2e-6]]))
    np.testing.assert_allclose(nearly, [[-0.0099, 0.0099]], atol=1e-4)


@few
@given(seeds)
def test_advantages_have_the_sign_of_the_reward_within_its_group(seed):
    rewards = normal(seed, 3, 4) + 10 * normal(seed + 1, 3, 1)
    advantages = group_advantages(rewards)
    for group, given_ in zip(rewards, advantages, strict=True):
        np.testing.assert_array_equal(
            np.sign(given_), np.sign(group - group.mean())
        )
        assert given_.mean() == pytest.approx(0, abs=1e-9)
        assert given_.std() == pytest.approx(1, rel=1e-2)


@pytest.mark.equation("eq-group-advantage")
@few
@given(seeds, st.floats(0.25, 4))
def test_with_a_scale_advantages_are_differences_from_the_mean(seed, scale):
    rewards = normal(seed, 3, 4)
    advantages = group_advantages(rewards, scale=scale)
    for group, found in zip(rewards, advantages, strict=True):
        expected = [(reward - sum(group) / 4) / scale for reward in group]
        np.testing.assert_allclose(found, expected)


def test_with_a_scale_a_group_counts_as_its_rewards_differ():
    """One right of eight, and four: standardised, the first moves its right text more."""
    one, four = np.eye(1, 8)[0], np.repeat([1.0, 0.0], 4)
    scaled = group_advantages(np.stack([one, four]), scale=1.0)
    standard = group_advantages(np.stack([one, four]))
    np.testing.assert_allclose(scaled[:, 0], [7 / 8, 1 / 2])
    np.testing.assert_allclose(standard[:, 0], [np.sqrt(7), 1], rtol=1e-3)
    assert abs(scaled[0]).sum() < abs(scaled[1]).sum()


def test_the_update_of_a_group_follows_the_expected_reward():
    """All nine texts of two tokens, each with its probability: the direction of a scaled group is that of the gradient
    of the expected reward, by central differences."""
    rng = np.random.default_rng(3)
    logits = rng.standard_normal((2, 3))
    every = np.array([[i, j] for i in range(3) for j in range(3)])  # (9, 2)
    rewards = rng.integers(0, 2, 9).astype(float)

    def chances(logits):  # (9,)
        rows = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        return rows[0, every[:, 0]] * rows[1, every[:, 1]]

    wanted = central_differences(lambda x: chances(x) @ rewards, logits)
    # each text as often as it is likely, in a group of many
    counts = np.round(20_000 * chances(logits)).astype(int)
    drawn = np.repeat(np.arange(9), counts)
    advantages = group_advantages(rewards[drawn][None], scale=1.0)[0]
    summed = np.bincount(drawn, advantages, minlength=9)  # (9,)

    def loss(x):
        rows = tf.nn.log_softmax(x)
        log_probs = tf.stack(
            [tf.gather(rows[t], every[:, t]) for t in (0, 1)], 1
        )
        old = tf.stop_gradient(log_probs)
        return grpo_loss(log_probs, old, old, summed, np.ones((9, 2)), 0.0)

    found = -gradient(loss, logits) * 9 * 2 / len(drawn)
    np.testing.assert_allclose(found, wanted, atol=1e-3)


@few
@given(seeds)
def test_grpo_loss_and_gradient_are_those_of_the_formula(seed):
    """Ratios on both sides of both clips, advantages of both signs."""
    log_probs, old, reference = 0.3 * normal(seed, 3, 4, 5) - 1
    mask = np.array(
        [[1, 1, 1, 1, 1], [1, 0, 0, 0, 0], [0, 1, 1, 0, 0], [0, 0, 1, 1, 1]],
        float,
    )
    rest = (old, reference, normal(seed + 1, 4), mask, 0.1, 0.3)
    assert float(grpo_loss(log_probs, *rest)) == pytest.approx(
        loss_by_hand(log_probs, *rest)
    )
    np.testing.assert_allclose(
        gradient(lambda x: grpo_loss(x, *rest), log_probs),
        central_differences(lambda x: loss_by_hand(x, *rest), log_probs, 1e-7),
        rtol=1e-5,
        atol=1e-7,
    )


@pytest.mark.equation("eq-grpo")
def test_grpo_on_policy_is_the_policy_gradient():
    """Where no step has been taken yet, the gradient is -A / |y| a token, and the penalty has none."""
    log_probs = normal(0, 2, 3)
    mask = np.array([[1.0, 1.0, 1.0], [1.0, 0.0, 0.0]])
    advantages = np.array([2.0, -1.0])

    def loss(x):
        return grpo_loss(x, log_probs, log_probs, advantages, mask, beta=0.1)

    expected = -(advantages[:, None] * mask / mask.sum(1, keepdims=True)) / 2
    np.testing.assert_allclose(gradient(loss, log_probs), expected)
    assert float(loss(log_probs)) == pytest.approx(-(2 - 1) / 2)


def test_grpo_gains_nothing_beyond_the_clip_but_always_pays_for_harm():
    old = np.zeros((2, 1))
    new = np.log([[1.5], [1.5]])  # both ratios beyond 1.2
    advantages, mask = np.array([1.0, -1.0]), np.ones((2, 1))
    slope = gradient(
        lambda x: grpo_loss(x, old, new, advantages, mask, beta=0.0), new
    )
    np.testing.assert_allclose(slope, [[0], [0.75]])


def test_the_clip_stands_a_fifth_from_one():
    zero, one = np.zeros((1, 1)), np.ones((1, 1))
    for ratio, advantage, slope in (
        (1.19, 1, True),
        (1.21, 1, False),
        (0.81, -1, True),
        (0.79, -1, False),
    ):
        x = np.log([[ratio]])
        found = gradient(
            lambda x, a=advantage: grpo_loss(
                x, zero, zero, a * one[0], one, beta=0.0
            ),
            x,
        )
        assert found.any() == slope


@few
@given(seeds)
def test_grpo_penalty_is_unbiased_for_the_divergence(seed):
    """Weighted by the policy, the estimate's mean is KL(π, π_ref), and it is never negative."""
    policy, reference = (
        x - np.log(np.exp(x).sum()) for x in normal(seed, 2, 5)
    )  # (V,) each
    zero = np.zeros(5)
    estimate = np.array(
        [
            float(
                grpo_loss(
                    p[None, None],
                    p[None, None],
                    r[None, None],
                    zero[:1],
                    np.ones((1, 1)),
                    1.0,
                )
            )
            for p, r in zip(policy, reference, strict=True)
        ]
    )
    assert (estimate >= -1e-12).all()
    divergence = (np.exp(policy) * (policy - reference)).sum()
    assert (np.exp(policy) * estimate).sum() == pytest.approx(divergence)


def test_the_loss_of_a_model_by_hand():
    ids, mask = batch_of("a>aa!", "a>b!.", "c>c!.", "c>ab!")
    shift = 0.1 * normal(3, 2, 4, 4)
    start = np.array([token_log_probs(np.zeros((10, 10)), row) for row in ids])
    batch = {
        "ids": ids,
        "mask": mask,
        "old": start + shift[0],
        "reference": start + shift[1],
        "advantages": np.array([1.0, -1.0, 0.5, -0.5]),
    }

    def by_hand(table):
        log_probs = np.array([token_log_probs(table, row) for row in ids])
        rest = (batch["old"], batch["reference"], batch["advantages"])
        return loss_by_hand(log_probs, *rest, mask, 0.3)

    assert_is(policy_loss, by_hand, batch, beta=0.3)


# --- the loop ---------------------------------------------------------------------------------

DRAFTS = ["aa", "ab", "b", "a", "bb", "c", "cc", "", "c", "a", "c", "ab"]
SCORES = np.array([[2, 1, 0], [0, 2, 0], [2, 0, 1], [1, 0, 1]], float)
OPTIONS = {"groups": 2, "group_size": 3, "learning_rate": 3e-2}


def test_the_batches_are_what_they_are_called():
    """Two of two groups of three drafts, rewarded by the annotator's scores."""
    pen = Pen(*DRAFTS)
    learner = Apprentice(pen, "abca")
    table = weights_of(learner.reference)
    figures = learner.practise(
        grpo.learn, 14, source="score", updates=3, beta=0.2, **OPTIONS
    )
    assert learner.spent == {"score": 12}  # whole batches, what is left is left
    assert pen.read(learner.model) == [f"{z}>" for z in "aaabbbcccaaa"]
    assert {asked.temperature for asked in pen.asked} == {1.0}
    assert len(learner.lessons) == 2
    for k, lesson in enumerate(learner.lessons):
        assert lesson.loss is policy_loss
        assert texts(lesson.data) == [
            (f"{record}>", f"{draft}!")
            for record, draft in zip(
                ["aaabbb", "cccaaa"][k], DRAFTS[6 * k : 6 * k + 6], strict=True
            )
        ]
        assert (lesson.steps, lesson.learning_rate) == (3, 3e-2)
        options = {"batch_size": 6, "beta": 0.2, "fresh": False}
        assert lesson.options == options
        for name, whose in (("old", lesson.before), ("reference", table)):
            for row, marks, found in zip(
                lesson.data["ids"],
                lesson.data["mask"] == 1,
                lesson.data[name],
                strict=True,
            ):
                expected = token_log_probs(whose, row)
                np.testing.assert_allclose(
                    found[marks], expected[marks], rtol=1e-4
                )
        scores = SCORES[2 * k : 2 * k + 2]
        deviation = scores - scores.mean(axis=1, keepdims=True)
        expected = deviation / (scores.std(axis=1, keepdims=True) + 1e-4)
        np.testing.assert_allclose(
            lesson.data["advantages"], expected.ravel(), rtol=1e-5
        )
        divergence = (lesson.data["old"] - lesson.data["reference"]) * (
            lesson.data["mask"]
        )
        assert figures[k] == pytest.approx(
            {
                "reward": scores.mean(),
                "divergence": divergence.sum() / 6,
            },
            abs=1e-6,
        )
    assert abs(figures[0]["divergence"]) < 1e-6
    assert abs(figures[1]["divergence"]) > 1e-3
    # when the second began, the policy that sampled was no longer the reference
    assert np.abs(learner.lessons[1].before - table).max() > 0.05
    np.testing.assert_array_equal(weights_of(learner.reference), table)


def test_a_step_moves_what_did_better_than_its_group_up_and_the_rest_down():
    learner = Apprentice(Pen("aa", "bb"))
    options = OPTIONS | {"groups": 1, "group_size": 2, "updates": 1}
    learner.practise(grpo.learn, 2, source="score", **options)
    for draft, sign in (("aa", 1), ("bb", -1)):
        before, after = (
            log_prob(model, "a", draft)
            for model in (learner.reference, learner.model)
        )
        assert sign * (after - before) > 0.01


def test_what_a_batch_taught_still_moves_the_policy_in_the_next():
    """The second batch has nothing to teach: its drafts are equal, and nothing holds the policy to the reference."""
    learner = Apprentice(Pen("aa", "bb", "b", "b"))
    options = OPTIONS | {"groups": 1, "group_size": 2, "updates": 1}
    learner.practise(grpo.learn, 4, source="score", beta=0.0, **options)
    second = learner.lessons[1]
    assert (second.data["advantages"] == 0).all()
    decayed = second.before * (1 - 3e-2 * 0.01)
    assert np.abs(weights_of(learner.model) - decayed).max() > 1e-3


def test_scores_teach_the_policy_to_score():
    """Sampled anew each time: what it writes comes to earn more."""
    learner = Apprentice(sample, "a")
    figures = learner.practise(
        grpo.learn,
        320,
        source="score",
        groups=1,
        group_size=16,
        updates=4,
        learning_rate=0.2,
    )
    rewards = [z["reward"] for z in figures]
    assert len(rewards) == 20
    assert np.mean(rewards[-5:]) > np.mean(rewards[:5]) + 0.3


def test_comparisons_buy_a_reward_model_that_rewards_the_batches():
    pen = Pen("aa", "b", "b", "cc", *DRAFTS)
    learner = Apprentice(pen, "abca")
    figures = learner.practise(
        grpo.learn,
        2,
        iterations=2,
        reward_steps=5,
        reward_learning_rate=4e-2,
        **OPTIONS,
    )
    assert learner.spent == {"comparison": 2}
    taught, *lessons = learner.lessons
    assert taught.loss is preference_loss
    assert taught.model is learner.reward_model
    assert (taught.steps, taught.learning_rate) == (5, 4e-2)
    assert texts(taught.data) == [
        ("a>", "aa!"),
        ("a>", "b!"),
        ("b>", "b!"),
        ("b>", "cc!"),
    ]
    table = weights_of(learner.reward_model)
    assert len(lessons) == 2
    for lesson, round_ in zip(lessons, figures, strict=True):
        assert lesson.model is learner.model
        given_ = []
        for row in lesson.data["ids"]:
            read = row[: row.tolist().index(END) + 1]
            given_.append(table[read].mean(axis=0)[REWARD])
        assert round_["reward"] == pytest.approx(np.mean(given_), rel=1e-4)
        np.testing.assert_allclose(
            lesson.data["advantages"],
            group_advantages(np.reshape(given_, (2, 3))).ravel(),
            rtol=1e-3,
            atol=1e-4,
        )


def test_the_recipe():
    learner = Listener(Pen("aa", "b", "ab"))
    figures = learner.practise(grpo.learn, 1)
    taught, *lessons = learner.lessons
    assert (taught.steps, taught.learning_rate) == (200, 3e-4)
    assert len(figures) == len(lessons) == 50
    assert lessons[0].data["ids"].shape == (64, 5)
    prompts = [prompt for prompt, _ in texts(lessons[0].data)]
    assert prompts[:16] == ["b>"] * 8 + ["c>"] * 8
    assert (lessons[0].steps, lessons[0].learning_rate) == (2, 3e-4)
    options = {"batch_size": 64, "beta": 0.1, "fresh": False}
    assert lessons[0].options == options


@pytest.mark.parametrize("source", ["ticks", "faults"])
def test_ticks_count_where_the_draft_decides_them(source):
    """By hand: both criteria are met by ``aa``, the first by ``ab``, none by ``b`` and by what is no message."""
    drafts = ["aa", "ab", "b", ""]
    learner = Apprentice(Pen(*drafts), "a")
    options = OPTIONS | {"groups": 1, "group_size": 4, "beta": 0.0}
    figures = learner.practise(grpo.learn, 4, source=source, **options)
    assert learner.spent == {source: 4}
    assert [z["reward"] for z in figures] == [3 / 4]
    first, last = (
        group_advantages(np.array([met], float))[0]
        for met in ([1, 1, 0, 0], [1, 0, 0, 0])
    )
    expected = np.zeros((4, 4))  # from the second letter of ``a>…`` on
    expected[:3, 1], expected[:3, 2] = first[:3], last[:3]
    expected[3, 1] = first[3] + last[3]
    (lesson,) = learner.lessons
    np.testing.assert_allclose(lesson.data["advantages"], expected, rtol=1e-5)


def test_a_tick_moves_its_own_letter_alone():
    """Half of each draft is right: that half becomes likelier, the other less likely."""
    learner = Apprentice(Pen("ab", "ba"), "a")
    options = OPTIONS | {"groups": 1, "group_size": 2, "updates": 1}
    learner.practise(grpo.learn, 2, source="ticks", beta=0.0, **options)
    first = [
        distributions(weights_of(model), learner.task.encode("a>"))[-1]
        for model in (learner.reference, learner.model)
    ]
    a, b = learner.task.encode("ab")
    assert first[1][a] - first[0][a] > 0.01
    assert first[1][b] - first[0][b] < -0.01


def test_success_is_a_reward_of_one():
    learner = Apprentice(Pen("aa", "ab", "b", "aa"), "a")
    options = OPTIONS | {"groups": 1, "group_size": 4}
    figures = learner.practise(grpo.learn, 4, source="success", **options)
    assert learner.spent == {"success": 4}
    assert [z["reward"] for z in figures] == [0.5]
    np.testing.assert_allclose(
        learner.lessons[0].data["advantages"], [1, -1, -1, 1], rtol=1e-3
    )


def test_rewards_are_a_model_s_or_the_annotator_s():
    with pytest.raises(
        ValueError,
        match="source must be 'model', 'score', 'success', 'ticks' or 'faults', got 'reader'",
    ):
        Apprentice().practise(grpo.learn, 1, source="reader")
