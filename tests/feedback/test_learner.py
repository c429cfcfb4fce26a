"""The learner that all methods share: what it writes and reads, and the steps that it takes."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from letter_world import (
    Apprentice,
    Critique,
    Letters,
    Pen,
    Tiny,
    sample,
    texts,
    token_log_probs,
    weights_of,
)

from llmbook.feedback.learner import Learner, copy_of, pack, until
from llmbook.feedback.methods.sft import imitate
from llmbook.mathematics.optim import Adam

# --- texts and ids ----------------------------------------------------------------------------


def test_until_the_first_stop():
    assert until([3, 4, 1, 5, 1], 1) == [3, 4]
    assert until([3, 4], 1) == [3, 4]
    assert until([1, 3], 1) == []
    assert until([], 1) == []


def test_packed_rows_are_prompt_completion_padding():
    ids, mask = pack([[7, 3], [8, 3, 4]], [[5, 1], [1]], 6)
    assert ids.tolist() == [[7, 3, 5, 1, 0, 0], [8, 3, 4, 1, 0, 0]]
    assert mask.tolist() == [[0, 1, 1, 0, 0], [0, 0, 1, 0, 0]]
    assert (ids.dtype, mask.dtype) == (np.int32, np.float32)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.lists(st.integers(1, 9), min_size=1, max_size=4),
            st.lists(st.integers(1, 9), max_size=4),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_what_the_mask_marks_is_the_completion(rows):
    prompts, completions = zip(*rows, strict=True)
    ids, mask = pack(prompts, completions, 9)
    for row, marks, (prompt, completion) in zip(ids, mask, rows, strict=True):
        assert row[1:][marks == 1].tolist() == completion
        assert row[row != 0].tolist() == prompt + completion


def test_there_are_as_many_completions_as_prompts():
    with pytest.raises(ValueError, match="prompts and completions must be as"):
        pack([[1], [2]], [[3]], 4)


def test_a_row_holds_a_prompt_and_its_completion():
    with pytest.raises(
        ValueError, match=r"length must hold .* got 4 for 2 and"
    ):
        pack([[1, 2]], [[3, 4, 5]], 4)
    with pytest.raises(ValueError, match="prompts must not be empty"):
        pack([[]], [[3]], 4)


def test_examples_are_drafts_and_their_ends_after_their_prompts():
    """A draft that fills its place was cut off, and has no end."""
    learner = Apprentice()
    ids, mask = learner.examples(["a", "b", "c"], ["ab", "", "aaaa"])
    assert texts({"ids": ids, "mask": mask}) == [
        ("a>", "ab!"),
        ("b>", "!"),
        ("c>", "aaa"),
    ]
    assert ids.shape == (3, 5)
    assert mask.shape == (3, 4)
    assert learner.completion("aaaa") == Letters().encode("aaa")
    assert learner.completion("aa") == Letters().encode("aa!")


# --- writing ----------------------------------------------------------------------------------


def test_the_policy_drafts_and_the_reference_refines():
    pen = Pen("ab", "c", "bb")
    learner = Apprentice(pen)
    assert learner.draft(["a", "b"]) == ["ab", "c"]
    assert learner.refine(["a"], ["ab"], [Critique("a")]) == ["bb"]
    assert pen.read(learner.model) == ["a>", "b>"]
    assert pen.read(learner.reference) == ["a>ab!a?"]
    assert {asked.temperature for asked in pen.asked} == {1.0}
    learner.draft(["a"], temperature=0.5)
    learner.refine(["a"], ["ab"], [Critique("a")], temperature=0.25)
    assert [z.temperature for z in pen.asked[-2:]] == [0.5, 0.25]
    learner.respond(["a"])  # greedily, unless a method says otherwise
    assert pen.asked[-1].temperature == 0


def test_many_prompts_are_written_in_turn_with_new_numbers_each_time():
    calls = []

    def generate(model, prompts, max_new, temperature, stop, seed):
        calls.append((len(prompts), max_new, stop, seed))
        return np.array([[*prompt[:1], stop, 5] for prompt in prompts])

    records = [*"abcab"] * 120
    learner = Apprentice(generate)
    assert learner.draft(records) == records  # what stands after the end is cut
    assert [z[:3] for z in calls] == [(512, 3, 1), (88, 3, 1)]
    learner.draft(["a"])
    seeds = [z[3] for z in calls]
    assert len(set(seeds)) == 3
    learner.reset()
    learner.draft(records)
    assert [z[3] for z in calls[3:]] == seeds[:2]
    learner.reset(seed=1)
    learner.draft(["a"])
    assert calls[-1][3] not in seeds


# --- beginning --------------------------------------------------------------------------------


def test_a_copy_is_equal_and_another():
    model = Tiny(seed=4)
    model.table.assign(model.table * 2)
    copy = copy_of(model)
    np.testing.assert_array_equal(copy.table, model.table)
    model.table.assign(model.table + 1)
    assert (copy.table.numpy() != model.table.numpy()).all()


def test_the_reference_is_a_copy_unless_it_is_given():
    learner = Apprentice()
    assert learner.reference is not learner.model
    np.testing.assert_array_equal(
        weights_of(learner.reference), weights_of(learner.model)
    )
    other = Tiny(seed=2)
    learner = Learner(Letters(), Tiny(), sample, reference=other)
    assert learner.reference is other


def test_reset_forgets_what_was_learned():
    learner = Apprentice()
    table = weights_of(learner.model)
    learner.respond = None
    imitate(learner, ["a"], ["aa"], 2, 1e-2)
    assert (weights_of(learner.model) != table).any()
    learner.reset()
    np.testing.assert_array_equal(weights_of(learner.model), table)
    assert learner.respond(["a"]) == learner.draft(["a"], temperature=0)


def test_reset_may_begin_from_other_weights():
    learner = Apprentice()
    other = Tiny(seed=2)
    learner.reset(weights=other.get_weights())
    for _ in range(2):
        for model in (learner.model, learner.reference):
            np.testing.assert_array_equal(weights_of(model), weights_of(other))
        imitate(learner, ["a"], ["aa"], 1, 1e-2)
        learner.reset()


def test_the_reward_model_begins_as_the_reference_and_is_one():
    learner = Apprentice()
    learner.model.table.assign(learner.model.table + 1)
    reward_model = learner.reward_model
    np.testing.assert_array_equal(
        weights_of(reward_model), weights_of(learner.reference)
    )
    assert reward_model not in (learner.model, learner.reference)
    assert learner.reward_model is reward_model


# --- reading ----------------------------------------------------------------------------------


def test_evaluation_goes_in_batches_of_one_shape_and_loses_no_row():
    learner, seen = Apprentice(), []

    def function(model, x, y):
        seen.append((x.shape[0], y.shape[0]))
        return x + tf.reduce_sum(y, axis=-1)

    x, y = np.arange(7.0), np.arange(14.0).reshape(7, 2)
    found = learner.evaluate(function, learner.model, x, y, batch_size=3)
    np.testing.assert_array_equal(found, x + y.sum(axis=1))
    learner.evaluate(function, learner.model, x, y, batch_size=3)
    assert seen == [(3, 3)]  # compiled once


def test_evaluation_is_that_of_the_model_it_is_given():
    """And of the weights that it has now, not of those it was compiled with."""
    learner = Apprentice()
    ids = np.random.default_rng(0).integers(1, 10, (70, 5)).astype("int32")
    for model, shift in (
        (learner.model, 0),
        (learner.reference, 1),
        (learner.model, 2),
    ):
        model.table.assign(model.table + shift * np.eye(10))
        found = learner.log_probs(model, ids)
        assert found.shape == (70, 4)
        expected = [token_log_probs(weights_of(model), row) for row in ids]
        np.testing.assert_allclose(found, expected, rtol=1e-4)


# --- the steps --------------------------------------------------------------------------------


class Two(keras.Model):
    """Two vectors, called as those of a norm and of an embedding; what a loss of them is, and its slope, the data tell."""

    def __init__(self):
        super().__init__()
        self.first, self.second = (
            self.add_weight(shape=(3,), initializer="ones", name=name)
            for name in ("gamma", "embeddings")
        )

    def get_config(self):
        return {}

    def call(self, ids):
        return ids

    def vectors(self):
        return [z.numpy().astype(float) for z in (self.first, self.second)]


def slope_loss(model, batch, scale=1.0):
    """Its gradient is ``scale`` times the mean of the batch."""
    first = tf.reduce_mean(batch["first"], axis=0) * model.first
    second = tf.reduce_mean(batch["second"], axis=0) * model.second
    return scale * tf.reduce_sum(first + second)


@pytest.fixture
def two():
    learner = Learner(Letters(), Two(), sample)
    learner.jit_compile = False
    return learner


SLOPES = [np.array([0.3, -0.2, 0.1]), np.array([3.0, 4.0, 0.0])]


def data_of(slopes):
    return {
        name: np.tile(slope, (4, 1)).astype("float32")
        for name, slope in zip(("first", "second"), slopes, strict=True)
    }


def clipped(slopes):
    """Each shortened to length 1 where it is longer, apart from the other."""
    return [slope / max(1, np.linalg.norm(slope)) for slope in slopes]


def test_a_step_is_one_of_adamw_with_each_variable_clipped_for_itself(two):
    """The short gradient stays as it is although the long one is cut, and everything decays.

    Adam would hide a constant factor, so gradients grow from lesson to lesson; the moments go on.
    """
    expected = [np.ones(3), np.ones(3)]
    by_hand = Adam(expected, weight_decay=0.01)
    for scale, learning_rate in ((1.0, 0.1), (0.1, 0.05), (5.0, 0.1)):
        by_hand.learning_rate = learning_rate
        options = {"fresh": False, "scale": scale}
        two.train(slope_loss, data_of(SLOPES), 2, learning_rate, **options)
        for _ in range(2):
            by_hand.step(clipped([scale * slope for slope in SLOPES]))
        for found, vector in zip(two.model.vectors(), expected, strict=True):
            np.testing.assert_allclose(found, vector, rtol=1e-5)


def test_moments_start_anew_unless_they_are_to_go_on(two):
    """After steps one way, a first step the other way is a full one if it is fresh, and a short one if not."""
    turned = data_of([-slope for slope in SLOPES])
    moved = []
    for options in ({}, {"fresh": False}):
        two.reset()
        two.train(slope_loss, data_of(SLOPES), 5, 0.1)
        before = two.model.vectors()[0]
        two.train(slope_loss, turned, 1, 0.1, **options)
        moved.append(two.model.vectors()[0] - before * (1 - 0.1 * 0.01))
    np.testing.assert_allclose(moved[0], 0.1 * np.sign(SLOPES[0]), rtol=1e-4)
    # the moments still point where the first steps went
    assert (moved[1] * np.sign(SLOPES[0]) < 0).all()


def test_a_reset_forgets_the_moments_too(two):
    """A lesson whose moments may go on begins anew after a reset."""
    moved = []
    for _ in range(2):
        two.reset()
        two.train(slope_loss, data_of(SLOPES), 3, 0.1, fresh=False)
        moved.append(two.model.vectors())
    np.testing.assert_array_equal(moved[0], moved[1])
    assert len(two._steps) == 1


def test_a_policy_settles_as_reference_until_the_reset(two):
    start = two.reference.get_weights()
    two.train(slope_loss, data_of(SLOPES), 3, 0.1)
    two.settle()
    for one, other in zip(
        two.reference.get_weights(), two.model.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(one, other)
    two.reset()
    for one, other in zip(two.reference.get_weights(), start, strict=True):
        np.testing.assert_array_equal(one, other)


def test_norms_and_embeddings_decay_like_everything_else(two):
    """Where the loss says nothing, every variable shrinks by the rate times 0.01 a step."""
    two.train(slope_loss, data_of(SLOPES), 3, 0.5, scale=0.0)
    for vector in two.model.vectors():
        np.testing.assert_allclose(vector, (1 - 0.5 * 0.01) ** 3, rtol=1e-6)


def test_the_loss_of_every_step_comes_back(two):
    losses = two.train(slope_loss, data_of(SLOPES), 3, 0.01)
    assert losses.shape == (3,)
    assert losses[0] == pytest.approx(0.2 + 7)
    assert losses[0] > losses[1] > losses[2]
    assert two.train(slope_loss, data_of(SLOPES), 0, 0.01).shape == (0,)


def test_another_model_may_be_trained_and_the_policy_stays(two):
    other = copy_of(two.model)
    two.train(slope_loss, data_of(SLOPES), 1, 0.1, model=other)
    assert (other.vectors()[0] != 1).all()
    assert (two.model.vectors()[0] == 1).all()
    two.train(slope_loss, data_of(SLOPES), 1, 0.1)
    for one, two_ in zip(other.vectors(), two.model.vectors(), strict=True):
        np.testing.assert_array_equal(one, two_)


def test_constants_are_those_of_the_call(two):
    """Not those that the loss was compiled with."""
    found = [
        two.train(slope_loss, data_of(SLOPES), 1, 1e-9, scale=scale)[0]
        for scale in (1.0, 2.0, 0.5)
    ]
    np.testing.assert_allclose(found, [7.2, 14.4, 3.6], rtol=1e-5)


def drawn(n, batch_size, steps, seed=0):
    """Which rows each batch held: row k is 2^k, and the loss is the sum of the batch."""
    learner = Learner(Letters(), Two(), sample)
    learner.jit_compile = False
    learner.reset(seed)

    def loss(model, batch):
        assert batch["x"].shape[0] == batch_size
        return tf.reduce_sum(batch["x"]) + 0.0 * tf.reduce_sum(model.first)

    x = 2.0 ** np.arange(n, dtype="float32")
    with pytest.warns(UserWarning, match="Gradients do not exist"):
        sums = learner.train(loss, {"x": x}, steps, 0.0, batch_size=batch_size)
    return sums


@pytest.mark.parametrize(("n", "batch_size"), [(6, 2), (5, 2), (3, 8), (4, 4)])
def test_an_epoch_has_each_row_once(n, batch_size):
    """As many batches as there are rows are ``batch_size`` epochs."""
    sums = drawn(n, batch_size, n)
    assert sums.sum() == batch_size * (2**n - 1)


def test_a_batch_within_an_epoch_has_no_row_twice_and_the_order_is_drawn():
    sums = drawn(6, 3, 20).astype(int)
    for first, second in zip(sums[::2], sums[1::2], strict=True):
        assert int(first).bit_count() == 3
        assert first ^ second == 2**6 - 1  # the rest
    assert len(set(sums[::2].tolist())) > 3
    np.testing.assert_array_equal(sums, drawn(6, 3, 20))
    assert (drawn(6, 3, 20, seed=1) != sums).any()


def test_batches_have_32_rows_unless_told_otherwise(two):
    sizes = []

    def loss(model, batch):
        sizes.append(batch["first"].shape[0])
        return slope_loss(model, batch)

    two.train(loss, data_of(SLOPES), 1, 0.1)
    assert sizes == [32]


@pytest.mark.parametrize(
    ("data", "lengths"),
    [
        ({"ids": np.zeros((0, 4))}, r"\{0\}"),
        ({"ids": np.zeros((3, 4)), "mask": np.zeros((2, 3))}, r"\{2, 3\}"),
        ({}, r"set\(\)"),
    ],
)
def test_training_wants_rows_as_many_of_each(data, lengths):
    with pytest.raises(
        ValueError, match=f"one positive length, got lengths {lengths}"
    ):
        Apprentice().train(lambda model, batch: 0.0, data, 1, 1e-3)
