"""Training of any model: its batches, its optimisers, its schedule, and how it goes on after an interruption."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from small_models import small_gpt, some_ids

from llmbook.models.generation import generate
from llmbook.models.gpt import next_token_loss
from llmbook.models.seq2seq import encode_pairs
from llmbook.models.training import (
    LazyAdam,
    adamw,
    compiled_step,
    length_batches,
    shuffled,
    train,
    windows,
)
from llmbook.text.tokenizers import Vocabulary

TOLERANCE = {"rtol": 1e-4, "atol": 1e-5}


def test_windows_are_pieces_of_the_text_that_depend_on_seed_and_step_alone():
    batch = windows(np.arange(100), length=9, batch_size=4, seed=1)
    first = batch(3)
    assert first.shape == (4, 10)
    np.testing.assert_array_equal(np.diff(first), 1)
    np.testing.assert_array_equal(
        windows(np.arange(100), 9, 4, seed=1)(3), first
    )
    assert (batch(4) != first).any()
    assert (windows(np.arange(100), 9, 4, seed=2)(3) != first).any()
    starts = np.concatenate([batch(step)[:, 0] for step in range(300)])
    assert starts.min() == 0
    assert starts.max() == 90


def test_a_text_without_a_window_is_named():
    with pytest.raises(
        ValueError, match="ids must hold more than length=9 tokens, got 9"
    ):
        windows(np.arange(9), 9, 1)


def test_training_learns_a_text_by_heart_and_writes_it():
    model, text = (
        small_gpt(d_model=16, num_layers=1),
        np.tile([3, 7, 2, 9, 5], 20),
    )
    reports = []
    losses = train(
        model,
        next_token_loss,
        windows(text, 15, 8),
        120,
        learning_rate=1e-2,
        every=50,
        report=lambda *report: reports.append(report),
    )
    assert losses.shape == (120,)
    assert losses[0] > 2
    assert (
        losses[-10:].mean() < 0.4
    )  # the first token of a window cannot be known
    assert [done for done, _ in reports] == [50, 100, 120]
    assert reports[0][1] == pytest.approx(losses[:50].mean(), rel=1e-4)
    written = generate(model, [[3, 7]], 10, temperature=0)
    np.testing.assert_array_equal(written, [[2, 9, 5, 3, 7, 2, 9, 5, 3, 7]])


def test_training_goes_on_after_an_interruption_to_the_same_loss(tmp_path):
    text, path = some_ids(1, 200)[0], tmp_path / "gpt.npz"
    options = {"steps": 8, "every": 3, "jit_compile": False}
    without = small_gpt(dropout=0.2, num_layers=1)
    expected = train(without, next_token_loss, windows(text, 15, 4), **options)

    class Killed(Exception):
        pass

    def batch_that_dies(step):
        if step == 5:
            raise Killed
        return windows(text, 15, 4)(step)

    with pytest.raises(Killed):
        train(
            small_gpt(dropout=0.2, num_layers=1),
            next_token_loss,
            batch_that_dies,
            checkpoint=path,
            **options,
        )
    steps_run = []
    again = small_gpt(seed=5, dropout=0.2, num_layers=1)

    def batch(step):
        steps_run.append(step)
        return windows(text, 15, 4)(step)

    losses = train(again, next_token_loss, batch, checkpoint=path, **options)
    assert steps_run == [3, 4, 5, 6, 7]
    np.testing.assert_array_equal(losses, expected)
    for weight, other in zip(again.weights, without.weights, strict=True):
        np.testing.assert_array_equal(weight, other)


def training_to_kill(checkpoint=None):
    """Train a small model for a while; return the model, its losses, and how many steps were run."""
    steps = []

    def batch(step):
        steps.append(step)
        return windows(some_ids(1, 200)[0], 15, 4)(step)

    model = small_gpt(dropout=0.2, num_layers=1)
    losses = train(
        model,
        next_token_loss,
        batch,
        steps=30,
        every=1,
        checkpoint=checkpoint,
        jit_compile=False,
    )
    return model, losses, len(steps)


def test_a_training_that_is_killed_at_any_moment_goes_on_to_the_same_end(
    tmp_path,
):
    expected, losses, _ = training_to_kill()
    path = tmp_path / "gpt.npz"
    call = f"test_training.training_to_kill({str(path)!r}); input()"
    process = subprocess.Popen(
        [sys.executable, "-c", f"import test_training; {call}"],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        cwd=Path(__file__).parent,
        stdin=subprocess.PIPE,
    )
    while not path.exists():
        assert process.poll() is None
        time.sleep(0.01)
    time.sleep(random.uniform(0, 0.2))
    process.kill()
    process.communicate()
    assert process.returncode
    again, continued, run = training_to_kill(path)
    assert run < 30
    np.testing.assert_array_equal(continued, losses)
    for weight, other in zip(again.weights, expected.weights, strict=True):
        np.testing.assert_array_equal(weight, other)
    assert os.listdir(tmp_path) == ["gpt.npz"]


def test_a_checkpoint_of_another_training_is_refused(tmp_path):
    text, path = some_ids(1, 200)[0], tmp_path / "gpt.npz"
    train(
        small_gpt(num_layers=1),
        next_token_loss,
        windows(text, 15, 4),
        2,
        checkpoint=path,
        jit_compile=False,
    )
    for model, steps in [(small_gpt(), 2), (small_gpt(num_layers=1), 3)]:
        with pytest.raises(
            ValueError, match="checkpoint must be of this model and of"
        ):
            train(
                model,
                next_token_loss,
                windows(text, 15, 4),
                steps,
                checkpoint=path,
                jit_compile=False,
            )


def test_a_loss_of_ones_own_receives_the_whole_batch():
    received = []

    def loss(model, ids, weights, training):
        received.append((ids.shape, weights.shape, training))
        return next_token_loss(model, ids, weights, training)

    ids, weights = some_ids(), np.ones((2, 7), "float32")
    train(
        small_gpt(num_layers=1),
        loss,
        lambda step: (ids, weights),
        1,
        jit_compile=False,
    )
    assert received == [((2, 7), (2, 7), True)]


def test_gradients_are_clipped_and_the_rate_warms_up_and_falls():
    """One weight vector pulled by a constant gradient: Adam moves it by the rate at each step."""
    model = small_gpt(num_layers=1)

    def loss(model, ids, training):
        others = tf.add_n([tf.reduce_sum(v) for v in model.trainable_variables])
        return 1000.0 * tf.reduce_sum(model.norm.beta) + 0.0 * others

    betas = []

    def batch(step):
        betas.append(model.norm.beta.numpy().copy())
        return some_ids()

    train(
        model,
        loss,
        batch,
        21,
        learning_rate=0.1,
        warmup=0.2,
        jit_compile=False,
    )
    rates = -np.diff(betas, axis=0)[:, 0]  # (20,)
    expected = [
        0.1 * t / 4
        if t < 4
        else 0.1 * (0.05 + 0.95 * (1 + np.cos(np.pi * (t - 4) / 17)) / 2)
        for t in range(20)
    ]
    np.testing.assert_allclose(rates, expected, rtol=1e-2, atol=1e-4)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_adam_squares_the_whole_gradient_of_a_token_that_occurs_often(
    jit_compile,
):
    """A sparse gradient would be squared row by row, before the rows of one token are summed."""
    model, ids = (
        small_gpt(num_layers=1),
        np.array([[3, 3, 3, 5, 3, 2, 3]], "int32"),
    )
    table = model.embedding.embeddings.value
    with tf.GradientTape() as tape:
        loss = next_token_loss(model, ids)
    gradient = tf.convert_to_tensor(
        tape.gradient(loss, table)
    ).numpy()  # (V, d_model)
    optimizer = adamw(model, 100, 0.01, clip=1e9)
    compiled_step(model, next_token_loss, optimizer, jit_compile)(ids)
    (second,) = (
        v for v in optimizer.variables if v.path.endswith("embeddings_velocity")
    )
    np.testing.assert_allclose(
        second, (1 - optimizer.beta_2) * gradient**2, **TOLERANCE
    )


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.integers(0, 90), min_size=1, max_size=70),
    st.integers(1, 20),
    st.integers(0, 5),
)
def test_every_text_stands_in_one_batch(lengths, batch_size, seed):
    batches = list(
        length_batches(
            np.array(lengths), batch_size, np.random.default_rng(seed)
        )
    )
    assert len(batches) == -(-len(lengths) // batch_size)
    assert all(len(batch) <= batch_size for batch in batches)
    assert sorted(np.concatenate(batches)) == list(range(len(lengths)))


@pytest.mark.parametrize("noise", [2, 8])
def test_batches_hold_similar_lengths_in_an_order_of_their_own(noise):
    lengths = np.random.default_rng(0).integers(1, 100, 400)

    def epoch(random):
        return [
            lengths[batch].tolist()
            for batch in length_batches(lengths, 20, random, noise)
        ]

    random = np.random.default_rng(3)
    first, second = epoch(random), epoch(random)
    assert all(np.ptp(batch) <= 2 * noise + 8 for batch in first)
    assert first != second
    assert [max(batch) for batch in first] != sorted(
        max(batch) for batch in first
    )
    assert epoch(np.random.default_rng(3)) == first


def step(optimizer, variable, gradient):
    optimizer.apply([gradient], [variable])


def test_lazy_adam_is_adam_on_the_rows_it_sees():
    start = np.random.default_rng(0).normal(size=(6, 3)).astype("float32")
    lazy, dense = keras.Variable(start), keras.Variable(start)
    ours, theirs = (
        LazyAdam(0.1, epsilon=1e-7),
        keras.optimizers.Adam(0.1, epsilon=1e-7),
    )
    for seed in range(4):
        values = (
            np.random.default_rng(seed).normal(size=(4, 3)).astype("float32")
        )
        rows = [1, 4, 1, 2]  # row 1 twice: its gradients add up
        full = np.zeros_like(start)
        np.add.at(full, rows, values)
        step(
            ours,
            lazy,
            tf.IndexedSlices(values, tf.constant(rows), tf.constant([6, 3])),
        )
        step(theirs, dense, tf.constant(full))
    assert np.allclose(lazy.numpy(), dense.numpy(), atol=1e-5)
    assert np.array_equal(lazy.numpy()[[0, 3, 5]], start[[0, 3, 5]])


def test_lazy_adam_leaves_unseen_rows_and_their_moments():
    lazy = keras.Variable(np.ones((3, 2), "float32"))
    optimizer = LazyAdam(0.1)
    slices = [
        tf.IndexedSlices(
            tf.ones((1, 2)), tf.constant([row]), tf.constant([3, 2])
        )
        for row in (0, 1)
    ]
    step(optimizer, lazy, slices[0])
    after = lazy.numpy()[0].copy()
    step(optimizer, lazy, slices[1])
    assert np.array_equal(lazy.numpy()[0], after)
    dense = keras.Variable(np.ones((2, 2), "float32"))
    other = LazyAdam(0.1)
    step(other, dense, tf.ones((2, 2)))
    assert np.allclose(dense.numpy(), 0.9, atol=1e-4)


def test_an_epoch_gives_every_pair_once():
    vocabulary = Vocabulary.fit([list("abcdefg")])
    encoded = encode_pairs(
        [([c], [c]) for c in "abcdefg"], vocabulary, vocabulary
    )
    batch = shuffled(encoded, 2, seed=1)
    epochs = [
        [int(i) for step in range(3) for i in batch(3 * e + step)[0][:, 0]]
        for e in range(2)
    ]
    assert all(len(set(epoch)) == 6 for epoch in epochs)
    assert epochs[0] != epochs[1]
    assert np.array_equal(batch(4)[1], shuffled(encoded, 2, seed=1)(4)[1])
    with pytest.raises(ValueError, match="at least, got 7"):
        shuffled(encoded, 8)
