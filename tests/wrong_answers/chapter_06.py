"""Answers to the exercises of chapter 6 that must be rejected."""

import numpy as np


def nucleus_by_threshold(probabilities, top_p):
    return np.flatnonzero(probabilities >= 1 - top_p)


def nucleus_of_one_too_many(probabilities, top_p):
    order = np.argsort(-probabilities)
    return order[: int((np.cumsum(probabilities[order]) <= top_p).sum()) + 1]


def nucleus_that_falls_short(probabilities, top_p):
    order = np.argsort(-probabilities)
    return order[np.cumsum(probabilities[order]) <= top_p]


def nucleus_of_ranks(probabilities, top_p):
    total = np.cumsum(np.sort(probabilities)[::-1])
    return np.arange(int((total < top_p).sum()) + 1)


def draw_the_likeliest(logits, temperature, uniform):
    return int(np.argmax(logits))


def draw_at_temperature_one(logits, temperature, uniform):
    weights = np.exp(logits - logits.max())
    return int((np.cumsum(weights / weights.sum()) <= uniform).sum())


def draw_with_temperature_upside_down(logits, temperature, uniform):
    weights = np.exp((logits - logits.max()) * temperature)
    return int((np.cumsum(weights / weights.sum()) <= uniform).sum())


def draw_that_overflows(logits, temperature, uniform):
    with np.errstate(all="ignore"):
        weights = np.exp(logits / temperature)
        return int((np.cumsum(weights / weights.sum()) <= uniform).sum())


def bytes_of_the_keys_alone(num_layers, num_kv_heads, d_k, length, batch_size):
    return 4 * num_layers * num_kv_heads * d_k * length * batch_size


def bytes_as_numbers(num_layers, num_kv_heads, d_k, length, batch_size):
    return 2 * num_layers * num_kv_heads * d_k * length * batch_size


def bytes_of_the_weights(num_layers, num_kv_heads, d_k, length, batch_size):
    return 4 * num_layers * num_kv_heads * length**2 * batch_size


def greedy_pair(first, second):
    token = int(np.argmax(first))
    return token, int(np.argmax(second[token]))


def pair_without_the_first(first, second):
    return np.unravel_index(np.argmax(second), second.shape)


def pair_of_products(first, second):
    return np.unravel_index(np.argmax(first[:, None] * second), second.shape)


def pair_along_the_wrong_axis(first, second):
    return np.unravel_index(np.argmax(first + second), second.shape)


WRONG = {
    "6.1": [
        nucleus_by_threshold,
        nucleus_of_one_too_many,
        nucleus_that_falls_short,
        nucleus_of_ranks,
    ],
    "6.2": [
        draw_the_likeliest,
        draw_at_temperature_one,
        draw_with_temperature_upside_down,
        draw_that_overflows,
    ],
    "6.3": [bytes_of_the_keys_alone, bytes_as_numbers, bytes_of_the_weights],
    "6.4": [
        greedy_pair,
        pair_without_the_first,
        pair_of_products,
        pair_along_the_wrong_axis,
    ],
}
