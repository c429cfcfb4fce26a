"""Answers to the exercises of chapter 7 that must be rejected."""

import numpy as np

from llmbook.models import inside
from llmbook.models.gpt import log_probabilities


def bytes_of_all_rows_alike(blocks):
    step = np.abs(blocks).max() / 127
    return step * np.rint(blocks / step)


def bytes_between_least_and_largest(blocks):
    least = blocks.min(axis=1, keepdims=True)
    step = np.maximum(np.ptp(blocks, axis=1, keepdims=True) / 255, 1e-30)
    return step * np.rint((blocks - least) / step) + least


def bytes_cut_off(blocks):
    step = np.maximum(np.abs(blocks).max(axis=1, keepdims=True) / 127, 1e-30)
    return step * np.trunc(blocks / step)


def bytes_of_the_largest_alone(blocks):
    step = np.maximum(blocks.max(axis=1, keepdims=True) / 127, 1e-30)
    return step * np.clip(np.rint(blocks / step), -128, 127)


def bytes_that_divide_by_zero(blocks):
    step = np.abs(blocks).max(axis=1, keepdims=True) / 127
    return step * np.rint(blocks / step)


def bytes_that_stay_steps(blocks):
    step = np.maximum(np.abs(blocks).max(axis=1, keepdims=True) / 127, 1e-30)
    return np.rint(blocks / step)


def bytes_of_seven_bits(blocks):
    step = np.maximum(np.abs(blocks).max(axis=1, keepdims=True) / 63, 1e-30)
    return step * np.rint(blocks / step)


def bytes_untouched(blocks):
    return blocks


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


def _worth(model, ids, silence, reduce):
    config = model.config
    whole = reduce(log_probabilities(model, ids).numpy())
    worth = np.zeros((config.num_layers, config.num_heads))
    for layer, head in np.ndindex(worth.shape):
        with inside.without_heads(model, silence(layer, head, config)):
            found = reduce(log_probabilities(model, ids).numpy())
        worth[layer, head] = whole - found
    return worth


def worth_with_the_sign_turned(model, ids):
    return -_worth(model, ids, lambda i, h, config: [(i, h)], np.mean)


def worth_in_sums(model, ids):
    return _worth(model, ids, lambda i, h, config: [(i, h)], np.sum)


def worth_of_the_last_token(model, ids):
    last = lambda scored: scored[:, -1].mean()  # noqa: E731
    return _worth(model, ids, lambda i, h, config: [(i, h)], last)


def worth_of_the_others(model, ids):
    def silence(layer, head, config):
        return [(layer, h) for h in range(config.num_heads) if h != head]

    return _worth(model, ids, silence, np.mean)


def worth_with_layers_and_heads_exchanged(model, ids):
    return _worth(model, ids, lambda i, h, config: [(i, h)], np.mean).T


def worth_that_is_not_put_back(model, ids):
    worth = _worth(model, ids, lambda i, h, config: [(i, h)], np.mean)
    kernel = model.blocks[0].attention.output_projection.kernel
    kernel.assign(0 * kernel)
    return worth


def worth_of_heads_one_after_the_other(model, ids):
    def silence(layer, head, config):
        n = layer * config.num_heads + head + 1
        return [divmod(k, config.num_heads) for k in range(n)]

    return _worth(model, ids, silence, np.mean)


def weights_by(header, ids, end, first=0, with_end=True, closes=True):
    found, speaks = np.zeros(len(ids)), False
    for place in range(len(ids)):
        if speaks:
            is_end = ids[place] == end
            found[place] = with_end or not is_end
            speaks = not (is_end and closes)
        begun = ids[max(0, place + 1 - len(header)) : place + 1]
        if begun == header:
            speaks = True
            found[place + 1 - first : place + 1] = 1
    return found


def weights_without_the_end(ids, header, end):
    return weights_by(header, ids, end, with_end=False)


def weights_with_the_header(ids, header, end):
    return weights_by(header, ids, end, first=len(header))


def weights_that_never_close(ids, header, end):
    return weights_by(header, ids, end, closes=False)


def weights_of_the_last_answer(ids, header, end):
    found = weights_by(header, ids, end)
    starts = np.flatnonzero(np.diff(found, prepend=0) > 0)
    found[: starts[-1] if len(starts) else 0] = 0
    return found


def weights_by_the_role_alone(ids, header, end):
    return weights_by(header[1:], ids, end)


def weights_of_all_tokens(ids, header, end):
    return np.ones(len(ids))


def weights_one_too_early(ids, header, end):
    return np.append(weights_by(header, ids, end)[1:], 0)


WRONG = {
    "7.1": [
        bytes_of_all_rows_alike,
        bytes_between_least_and_largest,
        bytes_cut_off,
        bytes_of_the_largest_alone,
        bytes_that_divide_by_zero,
        bytes_that_stay_steps,
        bytes_of_seven_bits,
        bytes_untouched,
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
    "7.5": [
        worth_with_the_sign_turned,
        worth_in_sums,
        worth_of_the_last_token,
        worth_of_the_others,
        worth_with_layers_and_heads_exchanged,
        worth_that_is_not_put_back,
        worth_of_heads_one_after_the_other,
    ],
    "7.6": [
        weights_without_the_end,
        weights_with_the_header,
        weights_that_never_close,
        weights_of_the_last_answer,
        weights_by_the_role_alone,
        weights_of_all_tokens,
        weights_one_too_early,
    ],
}
