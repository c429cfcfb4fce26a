"""The losses of learning from feedback: closed forms by hand, gradients by central differences."""

import math
import random

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from llmbook.feedback.learner import pack
from llmbook.feedback.methods.dpo import dpo_loss, pair_loss
from llmbook.feedback.methods.expert_iteration import best_share
from llmbook.feedback.methods.grpo import (
    group_advantages,
    grpo_loss,
    policy_loss,
)
from llmbook.feedback.methods.ilf import (
    another_critique,
    ilf_loss,
    refinement_weights,
    select,
)
from llmbook.feedback.methods.reward_model import (
    preference_loss,
    reward_loss,
    rewards,
)
from llmbook.feedback.methods.self_distillation import (
    distillation_loss,
    next_token_log_probs,
    self_distillation_loss,
)
from llmbook.feedback.methods.sft import imitation_loss, sft_loss

few = settings(max_examples=30, deadline=None)
seeds = st.integers(0, 2**32 - 1)


def normal(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape)


def gradient(function, x):
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = function(x)
    return tape.gradient(value, x).numpy()


def central_differences(function, x, step=1e-5):
    result = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        shift = np.zeros_like(x)
        shift[index] = step
        above, below = (
            float(function(tf.constant(x + sign * shift))) for sign in (1, -1)
        )
        result[index] = (above - below) / (2 * step)
    return result


def assert_gradient(function, x):
    np.testing.assert_allclose(
        gradient(function, x),
        central_differences(function, x),
        rtol=1e-6,
        atol=1e-8,
    )


# --- closed forms -----------------------------------------------------------------------


@pytest.mark.equation("eq-sft")
def test_sft_loss_is_the_mean_over_the_tokens_that_count():
    log_probs = np.log([[0.5, 0.25, 0.1], [0.2, 0.125, 0.3]])
    mask = np.array([[1.0, 1.0, 0.0], [0.0, 1.0, 0.0]])
    expected = (math.log(2) + math.log(4) + math.log(8)) / 3
    assert float(sft_loss(log_probs, mask)) == pytest.approx(expected)


@pytest.mark.equation("eq-dpo")
def test_dpo_loss_by_hand():
    # the margin is (ln 4 - ln 2) - (ln 1 - ln 2) = ln 4: -log σ(½ ln 4) = log(1 + ½)
    loss = dpo_loss(*(np.log([p]) for p in (4.0, 1.0, 2.0, 2.0)), beta=0.5)
    assert float(loss) == pytest.approx(math.log(1.5))


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


@pytest.mark.equation("eq-bradley-terry", "eq-reward-loss")
def test_reward_loss_is_the_likelihood_of_bradley_and_terry():
    strength = np.array(
        [3.0, 1.0]
    )  # the first of two wins with probability 3/4
    chosen, rejected = np.log(strength[:1]), np.log(strength[1:])
    assert float(reward_loss(chosen, rejected)) == pytest.approx(
        -math.log(3 / 4)
    )


def test_reward_is_read_where_the_draft_ends():
    class Fixed:
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


@pytest.mark.equation("eq-ilf-weights")
def test_refinement_weights_by_hand():
    np.testing.assert_allclose(
        refinement_weights([[0, math.log(3)]], 1.0), [[0.25, 0.75]]
    )
    np.testing.assert_allclose(
        refinement_weights([[0, math.log(3)]], 0.5), [[0.1, 0.9]]
    )
    np.testing.assert_allclose(
        refinement_weights([[1, 2, 2]], 0), [[0, 0.5, 0.5]]
    )
    np.testing.assert_allclose(
        refinement_weights([1, 2000, 3], 1e-3), [0, 1, 0]
    )


@pytest.mark.equation("eq-ilf")
def test_ilf_loss_by_hand_and_with_one_refinement():
    log_probs = np.log([[[0.5, 0.5], [0.25, 0.25]]])  # (B, K, T) = (1, 2, 2)
    mask = np.array([[[1.0, 1.0], [1.0, 0.0]]])
    expected = 0.75 * math.log(4) + 0.25 * math.log(4)
    assert float(
        ilf_loss(log_probs, mask, np.array([[0.75, 0.25]]))
    ) == pytest.approx(expected)
    one = float(ilf_loss(log_probs[:, :1], mask[:, :1], np.ones((1, 1))))
    assert one == pytest.approx(
        2 * float(sft_loss(log_probs[:, 0], mask[:, 0]))
    )


@pytest.mark.equation("eq-importance")
@few
@given(seeds)
def test_dividing_by_the_proposal_gives_the_expectation_under_the_target(seed):
    """Each text as often as its proposal has it: the corrected mean is the target's, exactly."""
    reward, log_policy = normal(seed, 2, 5)
    counts = np.random.default_rng(seed).integers(1, 20, 5)
    drawn = np.repeat(np.arange(5), counts)  # (n,)
    proposal = counts / counts.sum()
    weights = refinement_weights(
        reward[drawn] - np.log(proposal[drawn]), 1.0
    )  # (n,)
    target = refinement_weights(reward, 1.0)  # (5,)
    assert (weights * log_policy[drawn]).sum() == pytest.approx(
        (target * log_policy).sum()
    )
    equal = refinement_weights(reward[drawn], 1.0)
    per_text = np.bincount(drawn, equal)
    np.testing.assert_allclose(
        per_text, target * proposal / (target * proposal).sum()
    )


@pytest.mark.equation("eq-ilf-kl")
@few
@given(seeds)
def test_ilf_is_least_at_the_target_and_differs_from_the_divergence_by_its_entropy(
    seed,
):
    """Over all texts, each proposed once: the loss is KL(π*, π) + H(π*), with no gradient at π = π*."""
    reward, logits = normal(seed, 2, 6)
    target = refinement_weights(reward, 0.7)  # (K,)
    mask = np.ones((1, 6, 1))

    def loss(x):
        return ilf_loss(tf.nn.log_softmax(x)[None, :, None], mask, target[None])

    policy = np.exp(logits) / np.exp(logits).sum()
    divergence = (target * np.log(target / policy)).sum()
    entropy = -(target * np.log(target)).sum()
    assert float(loss(tf.constant(logits))) == pytest.approx(
        divergence + entropy
    )
    np.testing.assert_allclose(gradient(loss, np.log(target)), 0, atol=1e-12)


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


def test_group_advantages_are_standard_scores_of_the_group():
    advantages = group_advantages(np.array([[1.0, 3.0]]), epsilon=0)[0]
    np.testing.assert_allclose(advantages, [-1, 1])
    equal = group_advantages(np.array([[5.0, 5.0]]))
    np.testing.assert_array_equal(equal, 0)


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
    assert float(loss(tf.constant(log_probs))) == pytest.approx(-(2 - 1) / 2)


def test_grpo_gains_nothing_beyond_the_clip_but_always_pays_for_harm():
    old = np.zeros((2, 1))
    new = np.log([[1.5], [1.5]])  # both ratios beyond 1.2
    advantages, mask = np.array([1.0, -1.0]), np.ones((2, 1))
    slope = gradient(
        lambda x: grpo_loss(x, old, new, advantages, mask, beta=0.0), new
    )
    np.testing.assert_allclose(slope, [[0], [0.75]])


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


# --- gradients of the pure losses ---------------------------------------------------------


@few
@given(seeds)
def test_gradients_agree_with_central_differences(seed):
    a, b, c = 0.3 * normal(seed, 3, 2, 4)
    mask = np.array([[1.0, 1.0, 0.0, 1.0], [0.0, 1.0, 1.0, 0.0]])
    advantages = normal(seed + 1, 2)
    weights = refinement_weights(normal(seed + 2, 2, 1), 1.0)
    assert_gradient(lambda x: sft_loss(x, mask), a)
    assert_gradient(lambda x: ilf_loss(x[:, None], mask[:, None], weights), a)
    assert_gradient(lambda x: dpo_loss(x[0], x[1], b[0], b[1], 0.3), a)
    assert_gradient(lambda x: reward_loss(x[0], x[1]), a)
    assert_gradient(
        lambda x: grpo_loss(x, b, c, advantages, mask, 0.1, clip=0.5), a
    )
    teacher = tf.nn.log_softmax(normal(seed + 3, 2, 4, 3)).numpy()
    assert_gradient(
        lambda x: self_distillation_loss(tf.nn.log_softmax(x), teacher, mask),
        normal(seed + 4, 2, 4, 3),
    )


# --- gradients through a model --------------------------------------------------------------


class Tiny(keras.Model):
    """A causal model of one matrix: logits from the mean of the embeddings so far, in float64."""

    def __init__(self, vocabulary=5, width=3):
        super().__init__(dtype="float64")
        initial = keras.initializers.RandomNormal(seed=1, stddev=1.0)
        self.kernel = self.add_weight(
            shape=(vocabulary, width), initializer=initial, dtype="float64"
        )

    def call(self, ids, training=None):
        embedded = tf.gather(self.kernel, ids)  # (B, T, d)
        count = tf.range(1, tf.shape(ids)[1] + 1, dtype="float64")[:, None]
        return (
            tf.cumsum(embedded, axis=1) / count @ tf.transpose(self.kernel)
        )  # (B, T, V)


IDS = np.array(
    [[1, 2, 3, 4], [1, 4, 2, 0], [1, 3, 3, 2], [1, 2, 0, 0]], dtype="int32"
)
MASK = np.array([[0, 1, 1], [0, 1, 0], [0, 1, 1], [1, 0, 0]], dtype="float64")
PAIRS = {"ids": IDS.reshape(2, 2, 4), "mask": MASK.reshape(2, 2, 3)}
LOG_PROBS = -np.abs(normal(5, 4, 3))
CASES = {
    "sft": (imitation_loss, {"ids": IDS, "mask": MASK}, {}),
    "dpo": (pair_loss, PAIRS | {"reference": normal(6, 2, 2)}, {"beta": 0.4}),
    "reward": (preference_loss, PAIRS, {"token": 2}),
    "grpo": (
        policy_loss,
        {
            "ids": IDS,
            "mask": MASK,
            "old": LOG_PROBS,
            "reference": LOG_PROBS - 0.2,
            "advantages": np.array([1.0, -1.0, 0.5, -0.5]),
        },
        {"beta": 0.1},
    ),
    "self_distillation": (
        distillation_loss,
        {
            "ids": IDS,
            "positions": np.array([[1, 2]] * 4),
            "teacher": tf.nn.log_softmax(normal(7, 4, 2, 5)).numpy(),
            "mask": MASK[:, 1:],
        },
        {},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_gradient_through_a_model_agrees_with_central_differences(name):
    loss, batch, constants = CASES[name]
    model = Tiny()
    start = model.kernel.numpy()

    def value(kernel):
        model.kernel.assign(kernel)
        return loss(model, batch, **constants)

    with tf.GradientTape() as tape:
        result = loss(model, batch, **constants)
    actual = tf.convert_to_tensor(tape.gradient(result, model.kernel)).numpy()
    np.testing.assert_allclose(
        actual, central_differences(value, start), rtol=1e-5, atol=1e-8
    )
    assert np.abs(actual).max() > 1e-3


def test_next_token_distributions_are_taken_at_their_positions():
    model, positions = Tiny(), np.array([[0, 2], [1, 1], [2, 3], [3, 0]])
    actual = next_token_log_probs(model, IDS, positions).numpy()
    np.testing.assert_allclose(np.exp(actual).sum(-1), 1)
    logits = model(IDS).numpy()
    for row, column in np.ndindex(4, 2):
        expected = logits[row, positions[row, column]]
        np.testing.assert_allclose(
            actual[row, column] - actual[row, column, 0], expected - expected[0]
        )


# --- choosing -----------------------------------------------------------------------------


def test_selection():
    assert select(["a", "b", "b", "c"]) == "b"
    assert select(["a", "b"]) == "a"
    assert select(["a", "b", "b"], "first") == "a"
    with pytest.raises(ValueError, match="rule must be"):
        select(["a"], "best")


def test_best_share():
    assert best_share([3, 8, 5, 8, 1], 0.4) == [1, 3]
    assert best_share([3, 8], 0.1) == [1]
    for share in (0, 1.5):
        with pytest.raises(ValueError, match="share must be"):
            best_share([1], share)


def test_critiques_are_dealt_out_anew():
    annotated = [(i, f"draft {i}", f"critique {i}") for i in range(50)]
    dealt = another_critique(random.Random(0), annotated)
    assert [pair[:2] for pair in dealt] == [pair[:2] for pair in annotated]
    assert sorted(z[2] for z in dealt) == sorted(z[2] for z in annotated)
    assert sum(x == y for x, y in zip(dealt, annotated, strict=True)) < 10
