"""Typical wrong answers to the exercises of chapter 1: each must be rejected."""

import math
from itertools import pairwise

import numpy as np


def by_all_tokens(tokens, left, right, k, vocab_size):
    pairs = list(pairwise(tokens))
    return (pairs.count((left, right)) + k) / (len(pairs) + k * vocab_size)


def counting_the_last_token(tokens, left, right, k, vocab_size):
    pairs = list(pairwise(tokens))
    return (pairs.count((left, right)) + k) / (
        tokens.count(left) + k * vocab_size
    )


def smoothing_only_above(tokens, left, right, k, vocab_size):
    after = [b for a, b in pairwise(tokens) if a == left]
    return (after.count(right) + k) / (len(after) + k)


def with_its_own_vocabulary(tokens, left, right, k, vocab_size):
    after = [b for a, b in pairwise(tokens) if a == left]
    return (after.count(right) + k) / (len(after) + k * len(set(tokens)))


def of_the_product(probabilities):
    return math.prod(probabilities) ** (-1 / len(probabilities))


def arithmetic_mean(probabilities):
    return 1 / np.mean(probabilities)


def in_bits(probabilities):
    with np.errstate(divide="ignore"):
        return np.exp(-np.mean(np.log2(probabilities)))


def without_the_mean(probabilities):
    with np.errstate(divide="ignore"):
        return np.exp(-np.sum(np.log(probabilities)))


def never_infinite(probabilities):
    return np.exp(-np.mean(np.log(np.maximum(probabilities, 1e-12))))


def in_any_order(pieces, merges):
    return not any(
        {a, b} == set(merge) for a, b in pairwise(pieces) for merge in merges
    )


def not_only_neighbours(pieces, merges):
    return not any(a in pieces and b in pieces for a, b in merges)


def first_pair_only(pieces, merges):
    return tuple(pieces[:2]) not in merges


def by_joined_texts(pieces, merges):
    return not {a + b for a, b in pairwise(pieces)} & {a + b for a, b in merges}


def mixing_logarithms(p, q):
    shares = np.linspace(0, 1, 101)[:, None]
    with np.errstate(all="ignore"):
        surprise = -(shares * np.log(p) + (1 - shares) * np.log(q)).mean(axis=1)
    return shares[np.nan_to_num(surprise, nan=np.inf).argmin(), 0]


def of_the_mean_probability(p, q):
    return float(np.mean(p) > np.mean(q))


def share_of_the_second(p, q):
    shares = np.linspace(0, 1, 101)[:, None]
    with np.errstate(divide="ignore"):
        return shares[
            np.log((1 - shares) * p + shares * q).mean(axis=1).argmax(), 0
        ]


def always_half(p, q):
    return 0.5


def untied(vocab_size, window, d_model, hidden_dim):
    return (
        2 * vocab_size * d_model
        + (window * d_model + 1) * hidden_dim
        + hidden_dim * d_model
    )


def without_biases(vocab_size, window, d_model, hidden_dim):
    return (
        vocab_size * d_model
        + window * d_model * hidden_dim
        + hidden_dim * d_model
    )


def one_place(vocab_size, window, d_model, hidden_dim):
    return (
        vocab_size * (d_model + 1)
        + (d_model + 1) * hidden_dim
        + hidden_dim * d_model
    )


def shares_of_the_whole_text(tokens, reach):
    shares = [tokens.count(token) / len(tokens) for token in tokens]
    return [math.nan, *shares[1:]]


def shares_without_a_reach(tokens, reach):
    return [math.nan] + [
        tokens[:t].count(tokens[t]) / t for t in range(1, len(tokens))
    ]


def shares_with_the_token_itself(tokens, reach):
    cut = [tokens[max(0, t + 1 - reach) : t + 1] for t in range(len(tokens))]
    shares = [
        recent.count(token) / len(recent)
        for token, recent in zip(tokens, cut, strict=True)
    ]
    return [math.nan, *shares[1:]]


def shares_of_the_reach(tokens, reach):
    cut = [tokens[max(0, t - reach) : t] for t in range(len(tokens))]
    shares = [
        recent.count(token) / reach
        for token, recent in zip(tokens, cut, strict=True)
    ]
    return [math.nan, *shares[1:]]


WRONG = {
    "1.1": [
        by_all_tokens,
        counting_the_last_token,
        smoothing_only_above,
        with_its_own_vocabulary,
    ],
    "1.2": [
        of_the_product,
        arithmetic_mean,
        in_bits,
        without_the_mean,
        never_infinite,
    ],
    "1.3": [
        in_any_order,
        not_only_neighbours,
        first_pair_only,
        by_joined_texts,
    ],
    "1.4": [
        mixing_logarithms,
        of_the_mean_probability,
        share_of_the_second,
        always_half,
    ],
    "1.5": [untied, without_biases, one_place],
    "1.6": [
        shares_of_the_whole_text,
        shares_without_a_reach,
        shares_with_the_token_itself,
        shares_of_the_reach,
    ],
}
