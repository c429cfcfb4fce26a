"""Right answers to the exercises of chapter 2 that differ from the solutions:
each must be accepted."""

import numpy as np

from llmbook.mathematics.attention import sinusoidal_positions, softmax


def soften_by_hand(scores, temperature):
    terms = np.exp((scores - scores.max(-1, keepdims=True)) / temperature)
    return terms / terms.sum(-1, keepdims=True)


def window_of_triangles(length, width):
    return np.tri(length, dtype=bool) & ~np.tri(length, k=-width, dtype=bool)


def window_as_lists(length, width):
    return [[0 <= i - j < width for j in range(length)] for i in range(length)]


def shift_by_least_squares(d_model, distance):
    positions = sinusoidal_positions(200, d_model)
    return np.linalg.lstsq(
        positions[distance:], positions[: 200 - distance], rcond=None
    )[0]


def merge_to_a_list(first, second):
    largest = np.maximum(first[0], second[0])
    one, other = np.exp(first[0] - largest), np.exp(second[0] - largest)
    sums = (one * a + other * b for a, b in zip(first, second, strict=True))
    return [largest, *list(sums)[1:]]


def future_of_zeros(attend, x):
    before = attend(x)
    for t in range(1, len(x)):
        changed = x.copy()
        changed[t:] = 0
        if not np.allclose(attend(changed)[:t], before[:t]):
            return True
    return False


def future_by_prefixes(attend, x):
    whole = attend(x)
    return any(
        not np.allclose(attend(x[:t]), whole[:t], atol=1e-9)
        for t in range(1, len(x))
    )


def local_by_gathering(query, key, value, width):
    latest = np.arange(len(query))[:, None] - np.arange(width)  # (T, width)
    near = np.maximum(latest, 0)
    scores = np.einsum("td,twd->tw", query, key[near])
    scores = np.where(latest >= 0, scores / np.sqrt(key.shape[-1]), -np.inf)
    return np.einsum("tw,twd->td", softmax(scores), value[near])


def local_as_a_list(query, key, value, width):
    outputs = []
    for t in range(len(query)):
        first = max(0, t - width + 1)
        scores = [query[t] @ key[j] for j in range(first, t + 1)]
        weights = softmax(np.array(scores) / len(query[t]) ** 0.5)
        outputs.append(weights @ value[first : t + 1])
    return outputs


RIGHT = {
    "2.1": [soften_by_hand],
    "2.2": [window_of_triangles, window_as_lists],
    "2.3": [shift_by_least_squares],
    "2.4": [merge_to_a_list],
    "2.5": [future_of_zeros, future_by_prefixes],
    "2.6": [local_by_gathering, local_as_a_list],
}
