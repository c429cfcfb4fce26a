"""Answers to the exercises of chapter 2 that must be rejected."""

import numpy as np

from llmbook.mathematics.attention import (
    causal_mask,
    scaled_dot_product_attention,
    softmax,
)


def temperature_multiplies(scores, temperature):
    return softmax(scores * temperature)


def temperature_overflows(scores, temperature):
    terms = np.exp(scores / temperature)
    return terms / terms.sum(axis=-1, keepdims=True)


def temperature_over_the_wrong_axis(scores, temperature):
    return softmax(scores / temperature, axis=0)


def temperature_without_a_shift(scores, temperature):
    return softmax(scores / temperature)


def temperature_after_the_softmax(scores, temperature):
    return softmax(scores) / temperature


def window_of_one_more(length, width):
    positions = np.arange(length)
    return (positions[:, None] - positions <= width) & causal_mask(length)


def window_to_both_sides(length, width):
    positions = np.arange(length)
    return np.abs(positions[:, None] - positions) < width


def window_of_integers(length, width):
    positions = np.arange(length)
    return (
        (positions[:, None] - positions < width) & causal_mask(length)
    ).astype(int)


def window_at_the_start(length, width):
    return causal_mask(length) & (np.arange(length) < width)


def shift_ahead(d_model, distance):
    return shift_back(d_model, -distance)


def shift_back(d_model, distance):
    matrix = np.zeros((d_model, d_model))
    for i in range(0, d_model, 2):
        angle = distance / 10000 ** (i / d_model)
        matrix[i : i + 2, i : i + 2] = [
            [np.cos(angle), np.sin(angle)],
            [-np.sin(angle), np.cos(angle)],
        ]
    return matrix


def shift_in_halves(d_model, distance):
    order = [*range(0, d_model, 2), *range(1, d_model, 2)]
    return shift_back(d_model, distance)[np.ix_(order, order)]


def shift_by_one_frequency(d_model, distance):
    return np.kron(np.eye(d_model // 2), shift_back(2, distance))


def merge_by_adding(first, second):
    return (
        np.maximum(first[0], second[0]),
        first[1] + second[1],
        first[2] + second[2],
    )


def merge_by_averaging(first, second):
    return tuple((a + b) / 2 for a, b in zip(first, second, strict=True))


def merge_without_a_maximum(first, second):
    one, other = np.exp(first[0]), np.exp(second[0])
    largest = np.maximum(first[0], second[0])
    total = (one * first[1] + other * second[1]) / np.exp(largest)
    return (
        largest,
        total,
        (one * first[2] + other * second[2]) / np.exp(largest),
    )


def merge_with_the_first_as_reference(first, second):
    growth = np.exp(second[0] - first[0])
    return (
        first[0],
        first[1] + growth * second[1],
        first[2] + growth * second[2],
    )


def merge_that_cannot_go_on(first, second):
    largest = np.maximum(first[0], second[0])
    one, other = np.exp(first[0] - largest), np.exp(second[0] - largest)
    total = one * first[1] + other * second[1]
    average = (one * first[2] + other * second[2]) / total
    return largest, np.ones_like(total), average


def future_of_the_first_token_alone(attend, x):
    changed = x.copy()
    changed[1:] += 1
    return bool(np.abs(attend(changed)[0] - attend(x)[0]).max() > 1e-9)


def future_seen_in_any_change(attend, x):
    changed = x.copy()
    changed[-1] += 1
    return bool(np.abs(attend(changed) - attend(x)).max() > 1e-9)


def future_that_spoils_its_input(attend, x):
    before = attend(x)
    x[-1] += 1
    return bool(np.abs(attend(x)[:-1] - before[:-1]).max() > 1e-9)


def never(attend, x):
    return False


def local_by_a_mask(query, key, value, width):
    return scaled_dot_product_attention(
        query, key, value, ~window_of_too_far(len(query), width)
    )[0]


def window_of_too_far(length, width):
    positions = np.arange(length)
    behind = positions[:, None] - positions
    return (behind < 0) | (behind >= width)


def local_by_a_boolean_mask(query, key, value, width):
    forbidden = window_of_too_far(len(query), width)  # (T, T), boolean
    return local(query, key, value, width) + 0 * forbidden.sum()


def local(query, key, value, width, scale=True, ahead=0):
    output = np.empty((len(query), value.shape[-1]))
    for t in range(len(query)):
        latest = slice(max(0, t - width + 1), t + 1 + ahead)
        scores = key[latest] @ query[t]
        weights = softmax(scores / np.sqrt(key.shape[-1]) if scale else scores)
        output[t] = weights @ value[latest]
    return output


def local_without_the_root(query, key, value, width):
    return local(query, key, value, width, scale=False)


def local_that_looks_ahead(query, key, value, width):
    return local(query, key, value, width, ahead=1)


def local_of_one_more(query, key, value, width):
    return local(query, key, value, width + 1)


def local_in_blocks(query, key, value, width):
    cuts = range(0, len(query), width)
    return np.concatenate(
        [
            local(*(x[c : c + width] for x in (query, key, value)), width)
            for c in cuts
        ]
    )


def local_with_repeated_keys(query, key, value, width):
    latest = np.arange(len(query))[:, None] - np.arange(width)  # (T, width)
    latest = np.maximum(latest, 0)
    scores = np.einsum("td,twd->tw", query, key[latest])
    weights = softmax(scores / np.sqrt(key.shape[-1]))
    return np.einsum("tw,twd->td", weights, value[latest])


def local_by_the_width_of_the_values(query, key, value, width):
    scaled = query * np.sqrt(query.shape[-1] / value.shape[-1])
    return local(scaled, key, value, width)


WRONG = {
    "2.1": [
        temperature_multiplies,
        temperature_overflows,
        temperature_over_the_wrong_axis,
        temperature_after_the_softmax,
        temperature_without_a_shift,
    ],
    "2.2": [
        window_of_one_more,
        window_to_both_sides,
        window_of_integers,
        window_at_the_start,
    ],
    "2.3": [shift_ahead, shift_in_halves, shift_by_one_frequency],
    "2.4": [
        merge_by_adding,
        merge_by_averaging,
        merge_that_cannot_go_on,
        merge_without_a_maximum,
        merge_with_the_first_as_reference,
    ],
    "2.5": [
        future_of_the_first_token_alone,
        future_seen_in_any_change,
        future_that_spoils_its_input,
        never,
    ],
    "2.6": [
        local_by_a_mask,
        local_by_a_boolean_mask,
        local_without_the_root,
        local_that_looks_ahead,
        local_of_one_more,
        local_in_blocks,
        local_with_repeated_keys,
        local_by_the_width_of_the_values,
    ],
}
