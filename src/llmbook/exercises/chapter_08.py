"""Checks of the exercises of chapter 8, fine-tuning from language feedback."""

import itertools
import math
import random

import numpy as np

from llmbook.exercises import exercise
from llmbook.feedback.tasks import invitations


@exercise(
    "8.1",
    "-ln σ(z) is ln(1 + e^-z); NumPy has a function that adds two exponentials"
    " safely",
)
def _(preference_loss):
    loss = preference_loss(np.array([np.log(3.0)]), np.array([0.0]))
    assert np.isclose(loss, np.log(4 / 3)), (
        "a draft three times as strong should cost ln(4/3) = 0.2877, got"
        f" {float(loss):.4f}."
    )
    both = preference_loss(np.array([np.log(3.0), 1.0]), np.array([0.0, 1.0]))
    assert np.isclose(both, (np.log(4 / 3) + np.log(2)) / 2), (
        "it is not the mean over the pairs."
    )
    with np.errstate(all="ignore"):
        far = preference_loss(np.array([-5000.0, 5000.0]), np.array([0.0, 0.0]))
    assert np.isclose(far, 2500), (
        f"rewards 5000 apart should cost 2500 on average, got {far}."
    )


@exercise(
    "8.2",
    "work with logarithms, and take the largest exponent out before you"
    " exponentiate",
)
def _(tilt):
    reference, reward = (
        np.array([0.5, 0.25, 0.25]),
        np.array([0.0, np.log(2), np.log(4)]),
    )
    policy = np.asarray(tilt(reference, reward, 1.0))
    assert policy.shape == (3,), f"the policy has shape {policy.shape}."
    assert np.isclose(policy.sum(), 1), (
        f"the policy adds up to {policy.sum():.3f}, not 1."
    )
    assert np.allclose(policy, [0.25, 0.25, 0.5]), (
        f"at β = 1 it should be [0.25, 0.25, 0.5] here, got {policy}."
    )
    sharp = np.asarray(tilt(reference, reward, 0.5))
    assert np.allclose(sharp, np.array([2, 4, 16]) / 22), (
        "a smaller β should trust rewards more."
    )
    with np.errstate(all="ignore"):
        far = np.asarray(tilt(reference, np.array([3000.0, 2999.0, 0.0]), 1.0))
    assert np.isfinite(far).all(), "with rewards of 3000 it overflows."
    expected = np.array([2 * math.e, 1, 0]) / (2 * math.e + 1)
    assert np.allclose(far, expected), (
        f"with rewards of 3000, 2999 and 0 it should be {expected}, got {far}."
    )


@exercise(
    "8.3",
    "world.faults lists the edits; world.criterion_of tells what an edit is"
    " about",
)
def _(first_fault):
    rng = random.Random(0)
    for _ in range(200):
        record = invitations.draw_record(rng)
        message = invitations.random_message(rng, record)
        found = invitations.faults(record, message)
        about = [invitations.criterion_of(edit) for edit in found]
        expected = found[about.index("greeting") if "greeting" in about else 0]
        named = first_fault(record, message)
        assert named == expected, (
            f"of {found} it should name {expected}, not {named}."
        )
    perfect = first_fault(record, invitations.house_style(record))
    assert perfect is None, (
        f"of a perfect message it should say None, not {perfect}."
    )


@exercise(
    "8.4",
    "the best of n drafts is text y or worse if all of them are; how likely is"
    " that, and how likely is it for the text just below y?",
)
def _(best_of):
    cases = [
        ([0.5, 0.3, 0.2], [0.0, 1.0, 2.0], 2),
        ([0.5, 0.3, 0.2], [1.0, -2.0, 0.5], 3),
        ([0.1, 0.2, 0.3, 0.4], [7.0, 3.0, 5.0, 1.0], 4),
        ([0.25, 0.75], [3.0, 2.0], 1),
    ]
    for policy, reward, n in cases:
        expected = np.zeros(len(policy))  # (K,)
        for drafts in itertools.product(range(len(policy)), repeat=n):
            best = max(drafts, key=reward.__getitem__)
            expected[best] += math.prod(policy[draft] for draft in drafts)
        found = np.asarray(best_of(np.array(policy), np.array(reward), n))
        assert found.shape == expected.shape, f"it has the shape {found.shape}."
        assert np.allclose(found, expected), (
            f"of {n} drafts from {policy} with rewards {reward} the best is"
            f" distributed as {expected}, not {found}."
        )
