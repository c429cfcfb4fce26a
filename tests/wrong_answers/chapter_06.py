"""Answers to the exercises of chapter 6 that must be rejected."""

import numpy as np

from llmbook.models.gpt import next_token_loss


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


def parameters_that_are_always_tied(vocab_size, d_model, num_layers, tied):
    block = 12 * d_model**2 + 9 * d_model
    return vocab_size * d_model + num_layers * block + 2 * d_model


def parameters_without_biases(vocab_size, d_model, num_layers, tied):
    tables = (2 - tied) * vocab_size * d_model
    return tables + num_layers * (12 * d_model**2 + 4 * d_model) + 2 * d_model


def parameters_without_the_last_norm(vocab_size, d_model, num_layers, tied):
    tables = (2 - tied) * vocab_size * d_model
    return tables + num_layers * (12 * d_model**2 + 9 * d_model)


def parameters_untied_the_wrong_way(vocab_size, d_model, num_layers, tied):
    tables = (1 + tied) * vocab_size * d_model
    return tables + num_layers * (12 * d_model**2 + 9 * d_model) + 2 * d_model


def greedy_pair(first, second):
    token = int(np.argmax(first))
    return token, int(np.argmax(second[token]))


def pair_without_the_first(first, second):
    return np.unravel_index(np.argmax(second), second.shape)


def pair_of_products(first, second):
    return np.unravel_index(np.argmax(first[:, None] * second), second.shape)


def pair_along_the_wrong_axis(first, second):
    return np.unravel_index(np.argmax(first + second), second.shape)


def write_without_a_window(next_logits, ids, new, length):
    ids = list(ids)
    start = len(ids)
    for _ in range(new):
        ids.append(int(np.argmax(next_logits(ids))))
    return ids[start:]


def write_from_the_beginning(next_logits, ids, new, length):
    ids = list(ids)
    start = len(ids)
    for _ in range(new):
        ids.append(int(np.argmax(next_logits(ids[:length]))))
    return ids[start:]


def write_with_the_prompt(next_logits, ids, new, length):
    ids = list(ids)
    for _ in range(new):
        ids.append(int(np.argmax(next_logits(ids[-length:]))))
    return ids


def write_without_appending(next_logits, ids, new, length):
    likeliest = int(np.argmax(next_logits(list(ids)[-length:])))
    return [likeliest] * new


def write_with_one_token_too_few(next_logits, ids, new, length):
    ids = list(ids)
    start = len(ids)
    for _ in range(new):
        ids.append(int(np.argmax(next_logits(ids[1 - length :]))))
    return ids[start:]


def _without(weights, measure):
    """Measure with weights at zero, and set them back."""
    old = [weight.numpy() for weight in weights]
    for weight in weights:
        weight.assign(0 * weight)
    found = measure()
    for weight, value in zip(weights, old, strict=True):
        weight.assign(value)
    return found


def loss_with_everything(model, ids, layer, part):
    return float(next_token_loss(model, ids))


def loss_without_the_kernel_alone(model, ids, layer, part):
    weights = getattr(model.blocks[layer], part).output_projection.weights[:1]
    return _without(weights, lambda: float(next_token_loss(model, ids)))


def loss_without_the_same_layer(model, ids, layer, part):
    weights = getattr(model.blocks[0], part).output_projection.weights
    return _without(weights, lambda: float(next_token_loss(model, ids)))


def loss_without_setting_back(model, ids, layer, part):
    for weight in getattr(model.blocks[layer], part).output_projection.weights:
        weight.assign(0 * weight)
    return float(next_token_loss(model, ids))


def loss_without_the_whole_block(model, ids, layer, part):
    block = model.blocks[layer]
    weights = (
        block.attention.output_projection.weights
        + block.feed_forward.output_projection.weights
    )
    return _without(weights, lambda: float(next_token_loss(model, ids)))


def loss_as_perplexity(model, ids, layer, part):
    weights = getattr(model.blocks[layer], part).output_projection.weights
    return _without(weights, lambda: float(np.exp(next_token_loss(model, ids))))


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
    "6.3": [
        parameters_that_are_always_tied,
        parameters_without_biases,
        parameters_without_the_last_norm,
        parameters_untied_the_wrong_way,
    ],
    "6.4": [
        greedy_pair,
        pair_without_the_first,
        pair_of_products,
        pair_along_the_wrong_axis,
    ],
    "6.5": [
        write_without_a_window,
        write_from_the_beginning,
        write_with_the_prompt,
        write_without_appending,
        write_with_one_token_too_few,
    ],
    "6.6": [
        loss_with_everything,
        loss_without_the_kernel_alone,
        loss_without_the_same_layer,
        loss_without_setting_back,
        loss_without_the_whole_block,
        loss_as_perplexity,
    ],
}
