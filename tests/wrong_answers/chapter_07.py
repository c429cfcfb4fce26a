"""Answers to the exercises of chapter 7 that must be rejected."""

import numpy as np


def cache_of_the_query_heads(config, length):
    return 2 * config.num_layers * config.d_model * length * 4


def cache_of_keys_alone(config, length):
    heads = config.num_kv_heads or config.num_heads
    return (
        config.num_layers
        * heads
        * (config.d_model // config.num_heads)
        * length
        * 4
    )


def cache_of_one_layer(config, length):
    heads = config.num_kv_heads or config.num_heads
    return 2 * heads * (config.d_model // config.num_heads) * length * 4


def cache_that_counts_numbers(config, length):
    heads = config.num_kv_heads or config.num_heads
    return (
        2
        * config.num_layers
        * heads
        * (config.d_model // config.num_heads)
        * length
    )


def cache_with_heads_of_another_width(config, length):
    heads = config.num_kv_heads or config.num_heads
    return (
        2 * config.num_layers * heads * (config.d_model // heads) * length * 4
    )


def score_of_duplicates(weights, period):
    query = np.arange(period, weights.shape[-1])
    return weights[:, query, query - period].mean(axis=-1)


def score_one_too_far(weights, period):
    query = np.arange(period, weights.shape[-1])
    return weights[
        :, query, np.minimum(query - period + 2, weights.shape[-1] - 1)
    ].mean(axis=-1)


def score_of_all_positions(weights, period):
    query = np.arange(weights.shape[-1])
    return weights[:, query, np.maximum(query - period + 1, 0)].mean(axis=-1)


def score_of_the_second_copy_alone(weights, period):
    query = np.arange(period, 2 * period)
    return weights[:, query, query - period + 1].mean(axis=-1)


def score_of_all_heads_together(weights, period):
    query = np.arange(period, weights.shape[-1])
    return weights[:, query, query - period + 1].mean()


def score_of_the_transpose(weights, period):
    query = np.arange(period, weights.shape[-1])
    return weights[:, query - period + 1, query].mean(axis=-1)


def halves_left_as_they_are(weights, num_heads):
    return weights


def halves_of_all_heads_at_once(weights, num_heads):
    return np.concatenate([weights[0::2], weights[1::2]])


def halves_turned_the_other_way(weights, num_heads):
    halves = weights.reshape(num_heads, 2, -1, weights.shape[1])
    return halves.swapaxes(1, 2).reshape(weights.shape)


def halves_in_place(weights, num_heads):
    pairs = weights.reshape(num_heads, -1, 2, weights.shape[1])
    weights[:] = pairs.swapaxes(1, 2).reshape(weights.shape).copy()
    return weights


def halves_of_the_columns(weights, num_heads):
    return np.concatenate([weights[:, 0::2], weights[:, 1::2]], axis=1)


def log_softmax(logits):
    logits = logits - logits.max(axis=-1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))


def lens_without_the_norm(states, gain, embedding):
    return log_softmax((states * gain) @ embedding.T)


def lens_without_the_gain(states, gain, embedding):
    size = np.sqrt((states**2).mean(axis=-1, keepdims=True) + 1e-5)
    return log_softmax((states / size) @ embedding.T)


def lens_that_centres(states, gain, embedding):
    centred = states - states.mean(axis=-1, keepdims=True)
    size = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-5)
    return log_softmax((centred / size * gain) @ embedding.T)


def lens_that_overflows(states, gain, embedding):
    size = np.sqrt((states**2).mean(axis=-1, keepdims=True) + 1e-5)
    exponentials = np.exp((states / size * gain) @ embedding.T)
    return np.log(exponentials / exponentials.sum(axis=-1, keepdims=True))


def lens_that_stops_at_logits(states, gain, embedding):
    size = np.sqrt((states**2).mean(axis=-1, keepdims=True) + 1e-5)
    return (states / size * gain) @ embedding.T


def lens_of_probabilities(states, gain, embedding):
    size = np.sqrt((states**2).mean(axis=-1, keepdims=True) + 1e-5)
    return np.exp(log_softmax((states / size * gain) @ embedding.T))


WRONG = {
    "7.1": [
        cache_of_the_query_heads,
        cache_of_keys_alone,
        cache_of_one_layer,
        cache_that_counts_numbers,
        cache_with_heads_of_another_width,
    ],
    "7.2": [
        score_of_duplicates,
        score_one_too_far,
        score_of_all_positions,
        score_of_the_second_copy_alone,
        score_of_all_heads_together,
        score_of_the_transpose,
    ],
    "7.3": [
        halves_left_as_they_are,
        halves_of_all_heads_at_once,
        halves_turned_the_other_way,
        halves_in_place,
        halves_of_the_columns,
    ],
    "7.4": [
        lens_without_the_norm,
        lens_without_the_gain,
        lens_that_centres,
        lens_that_overflows,
        lens_that_stops_at_logits,
        lens_of_probabilities,
    ],
}
