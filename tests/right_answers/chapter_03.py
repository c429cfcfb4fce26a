"""Right answers to the exercises of chapter 3 that differ from the solutions:
each must be accepted."""

import math

import numpy as np
from scipy.optimize import minimize_scalar

from llmbook.mathematics.losses import binary_cross_entropy, cross_entropy


def loss_by_a_loop(logits, tokens, pad_id=0):
    total = count = 0
    for z, row in zip(logits, tokens, strict=True):
        for t, target in enumerate(row[1:]):
            if target != pad_id:
                total += np.log(np.exp(z[t]).sum()) - z[t, target]
                count += 1
    return total / count


def tags_by_the_larger(logits, tags):
    kink = np.maximum(logits, 0) - logits * tags
    return (kink + np.log1p(np.exp(-abs(logits)))).sum(axis=-1).mean()


def tags_by_the_library(logits, tags):
    return binary_cross_entropy(logits, tags) * logits.shape[-1]


def gradient_by_differences(logits, targets, smoothing):
    gradient = np.zeros_like(logits)
    for index in np.ndindex(logits.shape):
        step = np.zeros_like(logits)
        step[index] = 1e-5
        above, below = (
            cross_entropy(z, targets, label_smoothing=smoothing)
            for z in (logits + step, logits - step)
        )
        gradient[index] = (above - below) / 2e-5
    return gradient


def perplexity_of_lists(losses, num_tokens):
    total = sum(a * b for a, b in zip(losses, num_tokens, strict=True))
    return math.exp(total / sum(num_tokens))


def without_weight_in_one_fraction(p, w):
    return p / (p + w * (1 - p))


def temperature_by_scipy(logits, labels):
    found = minimize_scalar(
        lambda t: cross_entropy(logits / np.exp(t), labels),
        bounds=(math.log(0.01), math.log(100)),
        method="bounded",
    )
    return float(np.exp(found.x))


RIGHT = {
    "3.1": [loss_by_a_loop],
    "3.2": [tags_by_the_larger, tags_by_the_library],
    "3.3": [gradient_by_differences],
    "3.4": [perplexity_of_lists],
    "3.5": [without_weight_in_one_fraction],
    "3.6": [temperature_by_scipy],
}
