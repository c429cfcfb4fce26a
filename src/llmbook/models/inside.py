"""Look inside a GPT: what its heads attend to, what it loses without them, what
each layer expects.

Everything here works on any :class:`llmbook.models.gpt.GPT`. ``L`` is the
number of layers.
"""

from contextlib import contextmanager

import numpy as np

from llmbook import checks
from llmbook.mathematics.attention import softmax


def attention_weights(model, ids):
    """Return the attention weights of every head of every layer.

    Parameters
    ----------
    model : GPT
    ids : (B, T) of int

    Returns
    -------
    (B, L, H, T, T) array

    Raises
    ------
    TypeError
        If ``model`` is no GPT, or the ids are not integers.
    ValueError
        If they are not (B, T), or one lies outside of the vocabulary.
    """
    checks.offers("model", model, "config", "blocks")
    ids = checks.batch_ids("ids", ids, model.config.vocab_size)
    _, weights = model(ids, return_weights=True)
    return np.stack([layer.numpy() for layer in weights], axis=1)


def head_scores(weights, period):
    r"""Score every head for four things that heads are known to do, on a
    sequence said twice.

    With :math:`w_{t,s}` for the weight from position :math:`t` to position
    :math:`s`, a first copy of :math:`n` tokens and a mean over the positions
    :math:`t` of the second,

    .. math::

        \mathrm{previous} = \overline{w_{t,\,t-1}}, \qquad
        \mathrm{duplicate} = \overline{w_{t,\,t-n}}, \qquad
        \mathrm{induction} = \overline{w_{t,\,t-n+1}}, \qquad
        \mathrm{sink} = \overline{w_{t,\,0}}

    (the third: Olsson et al. 2022; the fourth: Xiao et al. 2024). The means go
    over :math:`t = n + 1, \dots, 2n - 1`, so that no two of the four look at
    the same weight.

    Parameters
    ----------
    weights : (..., L, H, T, T)
        Of ``T = 2 * period`` tokens; leading axes are averaged over.
    period : int
        ``n``, at least 3.

    Returns
    -------
    dict of str to (L, H) array

    Raises
    ------
    TypeError
        If ``period`` is not an integer.
    ValueError
        If ``period`` is below 3 or the weights are no finite numbers (..., L,
        H, T, T) of twice as many positions.
    """
    weights = checks.weights_of_repetition(weights, period)
    query = np.arange(period + 1, 2 * period)
    keys = {
        "previous": query - 1,
        "duplicate": query - period,
        "induction": query - period + 1,
        "sink": 0 * query,
    }
    scores = {}
    for name, key in keys.items():
        found = weights[..., query, key].mean(axis=-1)  # (..., L, H)
        # (L, H)
        scores[name] = found.reshape(-1, *found.shape[-2:]).mean(axis=0)
    return scores


def best_heads(scores, count):
    """Return the ``count`` heads with the largest of the scores (L, H), as
    (layer, head).

    Raises
    ------
    TypeError
        If ``count`` is not an integer.
    ValueError
        If the scores are no finite numbers (L, H), or there are not so many.
    """
    scores = checks.numbers("scores", scores, at_least=2)
    checks.within("count", checks.count("count", count), 1, scores.size)
    order = np.argsort(-scores, axis=None)[:count]
    return [tuple(map(int, np.unravel_index(i, scores.shape))) for i in order]


@contextmanager
def without_heads(model, heads):
    """Silence some heads for as long as the context lasts: what they add to the
    output is zero.

    A head's output reaches the model through its own rows of the output
    projection, which are set to zero, and set back at the end.

    Parameters
    ----------
    model : GPT
    heads : list of (layer, head)

    Raises
    ------
    TypeError
        If ``model`` is no GPT, or heads are not pairs of integers.
    ValueError
        If the model has no such head.
    """
    checks.offers("model", model, "config", "blocks")
    heads = checks.layers_and_heads(
        "heads", heads, model.config.num_layers, model.config.num_heads
    )
    kernels = {
        layer: model.blocks[layer].attention.output_projection.kernel
        for layer, _ in heads
    }
    whole = {layer: kernel.numpy() for layer, kernel in kernels.items()}
    silenced = {layer: kernel.copy() for layer, kernel in whole.items()}
    for layer, head in heads:
        width = model.blocks[layer].attention.d_k
        silenced[layer][width * head : width * (head + 1)] = 0  # (d_k, d_model)
    try:
        for layer, kernel in silenced.items():
            kernels[layer].assign(kernel)
        yield
    finally:
        for layer, kernel in whole.items():
            kernels[layer].assign(kernel)


@contextmanager
def with_matrices(model, change):
    """Put another matrix in the place of each of the blocks' own, for as long
    as the context lasts.

    Norms and the embedding stay as they are.

    Parameters
    ----------
    model : GPT
    change : callable
        Given a matrix with a row for each output and a column for each input,
        as files store them, returns one of the same shape.

    Raises
    ------
    TypeError
        If ``model`` is no GPT, or ``change`` no function.
    ValueError
        If it returns another shape.
    """
    checks.offers("model", model, "config", "blocks")
    checks.function("change", change)
    kernels = [
        weights
        for block in model.blocks
        for weights in block.weights
        if len(weights.shape) == 2
    ]
    whole = [kernel.numpy() for kernel in kernels]  # (inputs, outputs) each
    try:
        for kernel, matrix in zip(kernels, whole, strict=True):
            changed = np.asarray(change(matrix.T))
            checks.shape("what change returns", changed, matrix.T.shape)
            kernel.assign(changed.T)
        yield
    finally:
        for kernel, matrix in zip(kernels, whole, strict=True):
            kernel.assign(matrix)


def logit_lens(model, ids):
    r"""Read what every layer would predict, if it were the last.

    .. math::

        p_l = \mathrm{softmax}\big(\mathrm{Norm}(h_l)\, E^\top\big), \qquad l =
        0, \dots, L

    with the last norm and the embedding of the model for every layer
    (nostalgebraist 2020).

    Parameters
    ----------
    model : GPT
    ids : (T,) of int

    Returns
    -------
    (L + 1, V) array
        The probabilities of what follows the last of ``ids``; first those that
        the embedding alone gives, last those of the model.

    Raises
    ------
    TypeError
        If ``model`` is no GPT, or the ids are not integers.
    ValueError
        If they are no sequence or none, or one lies outside of the vocabulary.
    """
    checks.offers("model", model, "config", "blocks")
    ids = checks.text_ids("ids", ids, model.config.vocab_size)
    checks.filled("ids", ids)
    x = model.embedding(ids[None])  # (1, T, d_model)
    states = [x]
    for block in model.blocks:
        states.append(block(states[-1]))
    # (L + 1, d_model)
    last = np.concatenate([state[:, -1].numpy() for state in states])
    return softmax(model.logits(model.norm(last)).numpy())
