"""Right answers to the exercises of chapter 1 that differ from the solutions:
each must be accepted."""

import itertools
import math
from collections import Counter, deque

import numpy as np


def bigram_by_counters(tokens, left, right, k, vocab_size):
    pairs = Counter(itertools.pairwise(tokens))
    lefts = Counter(tokens[:-1])
    return (pairs[left, right] + k) / (lefts[left] + k * vocab_size)


def perplexity_in_bits(probabilities):
    return 2 ** -np.mean(np.log2(probabilities))


def perplexity_without_numpy(probabilities):
    if min(probabilities) == 0:
        return math.inf
    return math.exp(-sum(map(math.log, probabilities)) / len(probabilities))


def perplexity_by_roots(probabilities):
    return 1 / np.prod(np.array(probabilities) ** (1 / len(probabilities)))


def final_by_any(pieces, merges):
    pairs = itertools.pairwise(pieces)
    return not any(pair in merges for pair in pairs)


def final_by_lists(pieces, merges):
    merges = [list(merge) for merge in merges]
    return all(pieces[i : i + 2] not in merges for i in range(len(pieces) - 1))


def share_by_a_loop(p, q):
    best = None
    for hundredths in range(101):
        mixture = hundredths / 100 * p + (1 - hundredths / 100) * q
        if (mixture <= 0).any():
            continue
        value = np.exp(-np.log(mixture).mean())
        if best is None or value < best[0]:
            best = value, hundredths / 100
    return best[1]


def parameters_in_one_sum(v, n, d, h):
    return v * d + n * d * h + h + h * d + v


def cache_by_a_queue(tokens, reach):
    recent, shares = deque(maxlen=reach), []
    for token in tokens:
        share = recent.count(token) / len(recent) if recent else float("nan")
        shares.append(share)
        recent.append(token)
    return np.array(shares)


RIGHT = {
    "1.1": [bigram_by_counters],
    "1.2": [perplexity_in_bits, perplexity_without_numpy, perplexity_by_roots],
    "1.3": [final_by_any, final_by_lists],
    "1.4": [share_by_a_loop],
    "1.5": [parameters_in_one_sum],
    "1.6": [cache_by_a_queue],
}
