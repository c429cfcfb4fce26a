"""Answers to the exercises of chapter 8 that must be rejected."""

import numpy as np

from llmbook.feedback.tasks import invitations


def loss_overflows(better, worse):
    return -np.log(1 / (1 + np.exp(worse - better))).mean()


def loss_the_wrong_way_round(better, worse):
    return np.logaddexp(0, better - worse).mean()


def loss_summed(better, worse):
    return np.logaddexp(0, worse - better).sum()


def tilt_overflows(reference, reward, beta):
    weights = reference * np.exp(reward / beta)
    return weights / weights.sum()


def tilt_without_reference(reference, reward, beta):
    weights = np.exp((reward - reward.max()) / beta)
    return weights / weights.sum()


def tilt_with_beta_upside_down(reference, reward, beta):
    exponent = np.log(reference) + reward * beta
    weights = np.exp(exponent - exponent.max())
    return weights / weights.sum()


def tilt_unnormalised(reference, reward, beta):
    exponent = np.log(reference) + reward / beta
    return np.exp(exponent - exponent.max())


def tilt_of_clipped_rewards(reference, reward, beta):
    weights = reference * np.exp(np.clip(reward / beta, -700, 700))
    return weights / weights.sum()


def tilt_without_what_overflows(reference, reward, beta):
    return np.nan_to_num(tilt_overflows(reference, reward, beta))


def any_fault(record, message):
    found = invitations.faults(record, message)
    return found[-1] if found else None


def no_answer_to_perfection(record, message):
    found = sorted(
        invitations.faults(record, message),
        key=lambda edit: invitations.criterion_of(edit) != "greeting",
    )
    return found[0]


def greeting_only(record, message):
    found = [
        e
        for e in invitations.faults(record, message)
        if invitations.criterion_of(e) == "greeting"
    ]
    return found[0] if found else None


WRONG = {
    "8.1": [loss_overflows, loss_the_wrong_way_round, loss_summed],
    "8.2": [
        tilt_overflows,
        tilt_without_reference,
        tilt_with_beta_upside_down,
        tilt_unnormalised,
        tilt_of_clipped_rewards,
        tilt_without_what_overflows,
    ],
    "8.3": [any_fault, no_answer_to_perfection, greeting_only],
    "8.4": [
        lambda policy, reward, n: policy**n / (policy**n).sum(),
        lambda policy, reward, n: 1 - (1 - policy) ** n,
        lambda policy, reward, n: np.eye(len(policy))[reward.argmax()],
        lambda policy, reward, n: np.diff(np.cumsum(policy) ** n, prepend=0),
        lambda policy, reward, n: np.diff(
            np.cumsum(policy[np.argsort(reward)]) ** n, prepend=0
        ),
    ],
}
