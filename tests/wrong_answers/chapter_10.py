from collections import Counter

import numpy as np


def stub(*arguments):
    raise NotImplementedError


def attend(scores, value):
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    return weights @ value, weights


def no_scale(query, key, value, kept):
    return attend(np.where(kept, query @ key.T, -np.inf), value)


def scale_of_one_size(query, key, value, kept):
    return attend(np.where(kept, query @ key.T / 2, -np.inf), value)


def no_mask(query, key, value, kept):
    return attend(query @ key.T / np.sqrt(query.shape[1]), value)


def mask_after_the_softmax(query, key, value, kept):
    _, weights = attend(query @ key.T / np.sqrt(query.shape[1]), value)
    return (weights * kept) @ value, weights * kept


def mask_turned_round(query, key, value, kept):
    return attend(
        np.where(kept, -np.inf, query @ key.T / np.sqrt(query.shape[1])), value
    )


def softmax_over_queries(query, key, value, kept):
    scores = np.where(kept, query @ key.T / np.sqrt(query.shape[1]), -1e9)
    weights = np.exp(scores) / np.exp(scores).sum(0, keepdims=True).clip(1e-30)
    return weights @ value, weights


def ngrams(tokens, n):
    return Counter(tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1))


def not_clipped(output, reference, n):
    have, want = ngrams(output, n), ngrams(reference, n)
    return sum(count for gram, count in have.items() if gram in want) / max(
        1, have.total()
    )


def recall(output, reference, n):
    have, want = ngrams(output, n), ngrams(reference, n)
    return (have & want).total() / max(1, want.total())


def distinct(output, reference, n):
    have, want = set(ngrams(output, n)), set(ngrams(reference, n))
    return len(have & want) / max(1, len(have))


def divided_by_nothing(output, reference, n):
    have, want = ngrams(output, n), ngrams(reference, n)
    return (have & want).total() / have.total()


def beam(log_p, length, width):
    """The right search, for wrong widths."""
    found = [(0.0, ())]
    for _ in range(length):
        found = sorted(
            (
                (score + change, (*prefix, token))
                for score, prefix in found
                for token, change in log_p(prefix).items()
            ),
            reverse=True,
        )[:width]
    return found[0][1]


def greedy(log_p, length, width):
    return beam(log_p, length, 1)


def exhaustive(log_p, length, width):
    return beam(log_p, length, None)


def exhaustive_if_wide(log_p, length, width):
    return beam(log_p, length, None if width > 1 else 1)


def one_too_wide(log_p, length, width):
    return beam(log_p, length, width + 1)


def least_likely(log_p, length, width):
    found = [(0.0, ())]
    for _ in range(length):
        found = sorted(
            (score + change, (*prefix, token))
            for score, prefix in found
            for token, change in log_p(prefix).items()
        )[:width]
    return found[0][1]


def only_the_last_step(log_p, length, width):
    found = [(0.0, ())]
    for _ in range(length):
        found = sorted(
            (
                (change, (*prefix, token))
                for _, prefix in found
                for token, change in log_p(prefix).items()
            ),
            reverse=True,
        )[:width]
    return found[0][1]


def pruned_apart(log_p, length, width):
    found = [(0.0, ())]
    for _ in range(length):
        found = [
            (score + change, (*prefix, token))
            for score, prefix in found
            for token, change in sorted(
                log_p(prefix).items(), key=lambda item: -item[1]
            )[:width]
        ]
    return max(found)[1]


def pruned_by_the_last_step(log_p, length, width):
    found = [(0.0, 0.0, ())]
    for _ in range(length):
        found = sorted(
            (
                (change, score + change, (*prefix, token))
                for _, score, prefix in found
                for token, change in log_p(prefix).items()
            ),
            reverse=True,
        )[:width]
    return max(found, key=lambda hypothesis: hypothesis[1])[2]


def first_right_column(weights, right):
    counted = right.any(1)
    hits = right.argmax(1) == weights.argmax(1)
    return hits[counted].mean(), right[counted].mean()


def all_rows(weights, right):
    hits = right[np.arange(len(right)), weights.argmax(1)]
    return hits.mean(), right.mean()


def chance_over_all_rows(weights, right):
    counted = right.any(1)
    return right[np.arange(len(right)), weights.argmax(1)][
        counted
    ].mean(), right.mean()


def mass(weights, right):
    counted = right.any(1)
    return (weights * right).sum(1)[counted].mean(), right[counted].mean()


def uniform(weights, right):
    counted = right.any(1)
    hits = right[np.arange(len(right)), weights.argmax(1)]
    return hits[counted].mean(), 1 / right.shape[1]


WRONG = {
    "10.1": [
        stub,
        no_scale,
        scale_of_one_size,
        no_mask,
        mask_after_the_softmax,
        mask_turned_round,
        softmax_over_queries,
    ],
    "10.2": [stub, not_clipped, recall, distinct, divided_by_nothing],
    "10.3": [
        stub,
        greedy,
        least_likely,
        only_the_last_step,
        exhaustive,
        exhaustive_if_wide,
        pruned_apart,
        pruned_by_the_last_step,
        one_too_wide,
    ],
    "10.4": [
        stub,
        first_right_column,
        all_rows,
        chance_over_all_rows,
        mass,
        uniform,
    ],
}
