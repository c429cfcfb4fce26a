"""A decoder-only transformer on the engine of
:mod:`llmbook.mathematics.autodiff`.

Only the forward pass stands here: the engine derives the backward pass. The
layers are those of :mod:`llmbook.models.layers`, without the options, and take
the same weights.
"""

import math

import numpy as np

from llmbook import checks
from llmbook.mathematics.attention import causal_mask
from llmbook.mathematics.autodiff import Tensor
from llmbook.mathematics.optim import clip_by_global_norm


def softmax(x):
    """Return the softmax along the last axis; the maximum cancels, so it may
    count as a constant.

    Parameters
    ----------
    x : Tensor (..., V)

    Raises
    ------
    TypeError
        If ``x`` is no Tensor.
    ValueError
        If it is empty, holds a NaN or plus infinity, or has nothing but minus
        infinities along the last axis.
    """
    checks.kind("x", x, Tensor)
    checks.scores(x.data, -1)
    exponentials = (x - x.data.max(axis=-1, keepdims=True)).exp()  # (..., V)
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def cross_entropy(logits, targets):
    r"""Return the mean of :math:`-\log p_y`, by the logarithm of a sum of
    exponentials.

    Parameters
    ----------
    logits : Tensor (..., V)
    targets : (...) of int

    Returns
    -------
    Tensor ()

    Raises
    ------
    TypeError
        If ``logits`` is no Tensor, or ``targets`` are not integers.
    ValueError
        If shapes do not fit, a target lies outside of ``range(V)``, or the
        largest logit of a position is not a finite number.
    """
    checks.kind("logits", logits, Tensor)
    targets = checks.classes("targets", targets, logits.data)
    checks.scores(logits.data, -1, "logits")
    logits = logits.reshape(-1, logits.shape[-1])  # (N, V)
    shifted = logits - logits.data.max(axis=-1, keepdims=True)  # (N, V)
    log_sums = shifted.exp().sum(axis=-1).log()  # (N,)
    return (log_sums - shifted[np.arange(targets.size), targets.ravel()]).mean()


def gelu(x):
    r"""Return :math:`x\,\Phi(x)`, as :func:`llmbook.mathematics.backprop.gelu`,
    of a tensor of any shape.

    Raises
    ------
    TypeError
        If ``x`` is no Tensor.
    """
    checks.kind("x", x, Tensor)
    return x * (1 + (x / math.sqrt(2)).erf()) / 2


def layer_norm(x, gain, bias, epsilon=1e-5):
    """Normalise each position across its features, as
    :func:`llmbook.mathematics.backprop.layer_norm`.

    Parameters
    ----------
    x : Tensor (..., d_model)
    gain, bias : Tensor (d_model,)
    epsilon : float

    Raises
    ------
    TypeError
        If one is no Tensor, or ``epsilon`` is not a number.
    ValueError
        If shapes do not fit, or ``epsilon`` is negative.
    """
    checks.kinds(Tensor, x=x, gain=gain, bias=bias)
    checks.within("epsilon", epsilon, 0, math.inf, closed=False)
    checks.fit("... d, d, d", x=x.data, gain=gain.data, bias=bias.data)
    centred = x - x.mean(axis=-1, keepdims=True)  # (..., d_model)
    variance = (centred**2).mean(axis=-1, keepdims=True)  # (..., 1)
    return gain * centred * (variance + epsilon) ** -0.5 + bias


def scaled_dot_product_attention(query, key, value, mask=None):
    """Attend, as
    :func:`llmbook.mathematics.attention.scaled_dot_product_attention`.

    Parameters
    ----------
    query : Tensor (..., T_q, d_k)
    key : Tensor (..., T_k, d_k)
    value : Tensor (..., T_k, d_v)
    mask : (..., T_q, T_k) of bool, optional
        True where attention is allowed.

    Returns
    -------
    output : Tensor (..., T_q, d_v)
    weights : Tensor (..., T_q, T_k)

    Raises
    ------
    TypeError
        If query, key or value is no Tensor.
    ValueError
        If shapes do not fit, a number is not finite, the mask is not boolean,
        or a query has no key that it may attend to.
    """
    checks.kinds(Tensor, query=query, key=key, value=value)
    checks.attention(query.data, key.data, value.data, mask)
    # (..., T_q, T_k)
    scores = query @ key.swapaxes(-1, -2) / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores.where(mask, -np.inf)  # (..., T_q, T_k)
    weights = softmax(scores)  # (..., T_q, T_k)
    return weights @ value, weights


class TransformerBlock:
    r"""Attention, then a feed-forward network, each with a residual path and a
    normalisation.

    .. math:: \text{pre-norm: } x + f(\mathrm{LN}(x)), \qquad
        \text{post-norm: } \mathrm{LN}(x + f(x))

    Pre-norm: Xiong et al. 2020; post-norm: Vaswani et al. 2017, section 3.1.

    Parameters
    ----------
    rng : numpy Generator
        Draws the weights, with the variance 1 / d_in that keeps the size of
        what passes through.
    d_model, num_heads : int
    d_hidden : int, optional
        Width of the feed-forward network, 4 ``d_model`` if left out.
    norm : {"pre", "post", None}
    residual : bool
        False leaves the residual paths out, to see what becomes of the
        gradient.

    Attributes
    ----------
    parameters : list of Tensor
        Query, key, value, output; gain and bias of both norms, if there are
        any; both layers of the network: the order in which
        :class:`llmbook.models.layers.TransformerBlock` lists its weights.

    Raises
    ------
    TypeError
        If ``rng`` is no generator, a size is not an integer, or ``residual``
        neither True nor False.
    ValueError
        If a size is below 1, ``num_heads`` does not divide ``d_model`` or
        ``norm`` is none of these.
    """

    def __init__(
        self, rng, d_model, num_heads, d_hidden=None, norm="pre", residual=True
    ):
        checks.offers("rng", rng, "normal")
        checks.heads("d_model", checks.count("d_model", d_model), num_heads)
        checks.one_of("norm", norm, ("pre", "post", None))
        checks.flag("residual", residual)
        d_hidden = 4 * d_model if d_hidden is None else d_hidden
        checks.count("d_hidden", d_hidden)
        self.num_heads, self.norm, self.residual = num_heads, norm, residual
        self.w_query, self.w_key, self.w_value, self.w_output = (
            _weight(rng, d_model, d_model) for _ in range(4)
        )
        self.attention_norm = (
            Tensor(np.ones(d_model)),
            Tensor(np.zeros(d_model)),
        )
        self.mlp_norm = (Tensor(np.ones(d_model)), Tensor(np.zeros(d_model)))
        self.hidden = (
            _weight(rng, d_model, d_hidden),
            Tensor(np.zeros(d_hidden)),
        )
        self.output = (
            _weight(rng, d_hidden, d_model),
            Tensor(np.zeros(d_model)),
        )
        norms = (*self.attention_norm, *self.mlp_norm) if norm else ()
        self.parameters = [
            *(self.w_query, self.w_key, self.w_value, self.w_output),
            *(*norms, *self.hidden, *self.output),
        ]

    def __call__(self, x, mask=None):
        """Map a Tensor (B, T, d_model) to another, under a mask (..., T, T) of
        bool.
        """
        # (B, T, d_model)
        x = self._add(x, lambda x: self.attend(x, mask)[0], self.attention_norm)
        return self._add(x, self.feed_forward, self.mlp_norm)

    def attend(self, x, mask=None):
        """Return the attention's output (B, T, d_model) and its weights (B, H,
        T, T).
        """
        query, key, value = (
            self._split(x @ w) for w in (self.w_query, self.w_key, self.w_value)
        )  # (B, H, T, d_k)
        # (B, H, T, d_k)
        heads, weights = scaled_dot_product_attention(query, key, value, mask)
        return heads.swapaxes(-2, -3).reshape(*x.shape) @ self.w_output, weights

    def feed_forward(self, x):
        """Return the network's output (B, T, d_model), position by position."""
        (w_hidden, b_hidden), (w_output, b_output) = self.hidden, self.output
        return gelu(x @ w_hidden + b_hidden) @ w_output + b_output

    def _add(self, x, sublayer, norm):
        # (B, T, d_model)
        change = sublayer(layer_norm(x, *norm) if self.norm == "pre" else x)
        x = x + change if self.residual else change  # (B, T, d_model)
        return layer_norm(x, *norm) if self.norm == "post" else x

    def _split(self, x):
        """(B, T, d_model) to (B, H, T, d_k)."""
        return x.reshape(*x.shape[:-1], self.num_heads, -1).swapaxes(-2, -3)


class LanguageModel:
    """Token and position vectors, blocks that look back only, a last norm, and
    logits.

    Parameters
    ----------
    rng : numpy Generator
    vocabulary_size : int
    length : int
        The longest text that has positions.
    d_model, num_heads, num_blocks : int
    options
        ``d_hidden``, ``norm``, ``residual`` of :class:`TransformerBlock`.

    Attributes
    ----------
    parameters : list of Tensor
        Tokens, positions, the blocks', the last norm's, the output layer's.

    Raises
    ------
    TypeError
        If ``rng`` is no generator, a size is not an integer, or ids are not.
    ValueError
        If a size is below 1, ``num_heads`` does not divide ``d_model``, or ids
        have another shape, are too long or lie outside of the vocabulary.
    """

    def __init__(
        self,
        rng,
        vocabulary_size,
        length,
        d_model,
        num_heads,
        num_blocks=1,
        **options,
    ):
        checks.offers("rng", rng, "normal")
        checks.count("vocabulary_size", vocabulary_size)
        checks.count("length", length)
        checks.heads("d_model", checks.count("d_model", d_model), num_heads)
        checks.count("num_blocks", num_blocks, least=0)
        self.tokens = Tensor(0.1 * rng.normal(size=(vocabulary_size, d_model)))
        self.positions = Tensor(0.1 * rng.normal(size=(length, d_model)))
        self.blocks = [
            TransformerBlock(rng, d_model, num_heads, **options)
            for _ in range(num_blocks)
        ]
        self.last_norm = (Tensor(np.ones(d_model)), Tensor(np.zeros(d_model)))
        self.w_logits = _weight(rng, d_model, vocabulary_size)
        self.parameters = [
            *(self.tokens, self.positions),
            *(
                parameter
                for block in self.blocks
                for parameter in block.parameters
            ),
            *(*self.last_norm, self.w_logits),
        ]

    def __call__(self, ids):
        """Return the logits (B, T, V) of the token after each of ``ids`` (B,
        T).
        """
        ids = checks.batch_ids("ids", ids, len(self.tokens.data))
        checks.positions("ids", ids.shape[1], len(self.positions.data))
        length = ids.shape[1]
        x = self.tokens[ids] + self.positions[:length]  # (B, T, d_model)
        for block in self.blocks:
            x = block(x, causal_mask(length))  # (B, T, d_model)
        return layer_norm(x, *self.last_norm) @ self.w_logits

    def loss(self, ids):
        """Return the mean cross-entropy of every next token of ``ids`` (B, T +
        1), a Tensor ().
        """
        ids = checks.batch_ids("ids", ids, len(self.tokens.data))
        checks.filled("ids", ids[:, 1:])
        return cross_entropy(self(ids[:, :-1]), ids[:, 1:])


def random_pieces(ids, length, size, steps, rng):
    """Yield batches of pieces of a text that begin anywhere.

    Parameters
    ----------
    ids : (N,) of int
    length : int
        ``T``; a piece is one longer, so that each of its first ``T`` tokens has
        a next one.
    size : int
        ``B``.
    steps : int
        How many batches.
    rng : numpy Generator

    Yields
    ------
    (B, T + 1) of int

    Raises
    ------
    ValueError
        If the text is not longer than a piece, or a number is out of range.
    TypeError
        If a number is not an integer, or ``rng`` is no generator.
    """
    checks.text_ids("ids", ids, 2**31)
    ids = checks.as_array("ids", ids)
    checks.count("length", length)
    checks.count("size", size)
    checks.count("steps", steps, least=0)
    checks.offers("rng", rng, "integers")
    if len(ids) <= length:
        raise ValueError(
            f"ids must be longer than length = {length}, got {len(ids)}"
        )
    for _ in range(steps):
        starts = rng.integers(0, len(ids) - length, size)  # (B,)
        yield ids[starts[:, None] + np.arange(length + 1)]


def train(model, optimiser, batches, schedule=None, max_norm=math.inf):
    """Take a step for each batch: forward, backward, clip, set the rate, step.

    Parameters
    ----------
    model : LanguageModel
    optimiser : llmbook.mathematics.optim.SGD or llmbook.mathematics.optim.Adam
        Of the arrays of the model's parameters, in their order.
    batches : iterable of (B, T + 1) of int
    schedule : function of the step, optional
        The learning rate of steps 1, 2, …; if left out it stays what it is.
    max_norm : float
        Where to clip the norm of the gradient.

    Returns
    -------
    losses, norms : (steps,)
        Before each step; the norms before clipping.

    Raises
    ------
    TypeError
        If ``model`` or ``optimiser`` is none, ``batches`` cannot be iterated,
        ``schedule`` is no function, or a batch is not of integers.
    ValueError
        If a batch has another shape, ``max_norm`` is not positive, or the norm
        of a gradient not finite.
    """
    checks.offers("model", model, "loss", "parameters")
    checks.offers("optimiser", optimiser, "step", "learning_rate")
    checks.offers("batches", batches, "__iter__")
    if schedule is not None:
        checks.function("schedule", schedule)
    losses, norms = [], []
    for step, ids in enumerate(batches, start=1):
        checks.batch_ids("batches", ids, 2**31)
        loss = model.loss(ids)  # ()
        loss.backward()
        gradients, norm = clip_by_global_norm(
            [p.grad for p in model.parameters], max_norm
        )
        if schedule is not None:
            optimiser.learning_rate = schedule(step)
        optimiser.step(gradients)
        losses.append(float(loss.data))
        norms.append(norm)
    return np.array(losses), np.array(norms)


def _weight(rng, d_in, d_out):
    return Tensor(rng.normal(size=(d_in, d_out)) / math.sqrt(d_in))
