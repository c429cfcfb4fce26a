"""Other answers to the exercises of chapter 8 that must be accepted."""

import itertools

import numpy as np
from scipy.special import softmax


def tilt_step_by_step(reference, reward, beta):
    """In odds to the best text, one text at a time."""
    best = max(range(len(reward)), key=lambda k: reward[k])
    odds = [
        reference[k] * np.exp((reward[k] - reward[best]) / beta)
        for k in range(len(reward))
    ]
    return [each / sum(odds) for each in odds]


def best_of_all_tuples(policy, reward, n):
    """Go through whatever may be drawn."""
    chances = np.zeros(len(policy))
    for drafts in itertools.product(range(len(policy)), repeat=n):
        chances[max(drafts, key=lambda k: reward[k])] += np.prod(
            policy[list(drafts)]
        )
    return chances


def best_of_pairs(policy, reward, n):
    """Compare every text with every other."""
    worse = (reward[None] < reward[:, None]) @ policy
    return (worse + policy) ** n - worse**n


RIGHT = {
    "8.1": [
        lambda better, worse: np.mean(np.logaddexp(0.0, -(better - worse))),
        lambda better, worse: np.mean(
            np.maximum(worse - better, 0)
            + np.log1p(np.exp(-np.abs(worse - better)))
        ),
    ],
    "8.2": [
        lambda reference, reward, beta: softmax(
            np.log(reference) + reward / beta
        ),
        tilt_step_by_step,
    ],
    "8.4": [best_of_all_tuples, best_of_pairs],
}
