r"""The layers of every model in the book: one attention layer, one block, and
what stands around.

Shapes: ``B`` batch, ``T`` length (``T_q``, ``T_k`` where they differ), ``H``
heads, ``H_kv`` heads of keys and values, ``d_model`` width, ``d_k`` width of a
head. Masks are boolean and True where attention is allowed. A mask that Keras
attached to an input (``Embedding(mask_zero=True)`` does) always counts,
together with whatever is passed explicitly.
"""

from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from llmbook import checks
from llmbook.text.tokenizers import PAD_ID

_ATTENTION_OPTIONS = (
    "num_heads",
    "head_dim",
    "num_kv_heads",
    "causal",
    "rotary",
    "rotary_base",
    "dropout",
)


class KeyValueCache(NamedTuple):
    """The keys and values that an attention layer has computed, kept for the
    queries to come.

    :meth:`MultiHeadAttention.empty_cache` makes one of fixed size for a causal
    layer, which fills it step by step; :meth:`MultiHeadAttention.remember`
    makes a finished one, to be attended to again and again.
    """

    keys: Any  # (B, H_kv, S, d_k)
    values: Any  # (B, H_kv, S, d_k)
    # (B, S) of bool, False at padding and where nothing is yet; None: all may
    # be seen
    mask: Any
    length: Any  # () of int32: how many positions are filled


@keras.saving.register_keras_serializable("llmbook")
class MultiHeadAttention(keras.layers.Layer):
    r"""Let every query attend to the keys it may see, in several heads, and mix
    the values.

    .. math::

        \mathrm{head}_h = \mathrm{softmax}\!\left(\frac{Q_h
        K_h^\top}{\sqrt{d_k}}\right) V_h,
        \qquad \mathrm{output} = [\mathrm{head}_1 \dots \mathrm{head}_H]\, W_O

    with :math:`Q_h = X_q W_{Q,h}`, :math:`K_h = X_k W_{K,h}`, :math:`V_h = X_v
    W_{V,h}` and without biases (Vaswani et al. 2017, Eq. 1 and section 3.2.2).
    The projections are the sublayers ``query_projection``, ``key_projection``,
    ``value_projection`` and ``output_projection``; their kernels are the
    matrices of :func:`llmbook.mathematics.attention.multi_head_attention`.

    Parameters
    ----------
    num_heads : int
        ``H``.
    head_dim : int, optional
        ``d_k``; by default ``d_model / H``, which must then be whole.
    num_kv_heads : int, optional
        ``H_kv``, a divisor of ``H``: heads of queries share heads of keys and
        values in groups (Ainslie et al. 2023).
    causal : bool
        Whether position ``i`` sees keys ``0 … i`` alone.
    rotary : bool
        Whether queries and keys are rotated by their positions (Su et al.
        2021); see :func:`rotate`.
    rotary_base : float
        The base of the rotation's frequencies.
    dropout : float
        The share of the weights that is dropped in training.

    Raises
    ------
    TypeError
        If ``rotary_base`` or ``dropout`` is not a number, ``causal`` or
        ``rotary`` no truth value, or vectors are no tensors of floats.
    ValueError
        If a count is not a positive integer or does not divide what it must,
        ``rotary_base`` is not positive, ``dropout`` no share, a mask is not
        boolean or has a wrong shape, or a cache has no room for what is to be
        added.
    """

    def __init__(
        self,
        num_heads,
        head_dim=None,
        num_kv_heads=None,
        causal=False,
        rotary=False,
        rotary_base=10000.0,
        dropout=0.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.num_heads = _positive("num_heads", num_heads)
        self.head_dim = (
            None if head_dim is None else _positive("head_dim", head_dim)
        )
        self.num_kv_heads = _positive(
            "num_kv_heads", num_heads if num_kv_heads is None else num_kv_heads
        )
        if self.num_heads % self.num_kv_heads:
            raise ValueError(
                f"num_kv_heads must divide num_heads={num_heads}, got"
                f" {num_kv_heads}"
            )
        checks.base("rotary_base", rotary_base)
        checks.within("dropout", dropout, 0, 1)
        checks.flag("causal", causal)
        checks.flag("rotary", rotary)
        self.causal, self.dropout = causal, dropout
        self.rotary, self.rotary_base = rotary, rotary_base
        self.weight_dropout = keras.layers.Dropout(
            dropout, dtype=self.dtype_policy
        )

    def build(self, query_shape, value_shape=None, key_shape=None):
        """Create the four projections for queries, values and keys of the given
        shapes.
        """
        d_model = query_shape[-1]
        if self.head_dim is None and d_model % self.num_heads:
            raise ValueError(
                f"num_heads={self.num_heads} must divide the width of the"
                f" queries, got {d_model}"
            )
        self.d_k = self.head_dim or d_model // self.num_heads
        if self.rotary and self.d_k % 2:
            raise ValueError(
                f"rotary positions need an even head_dim, got {self.d_k}"
            )
        value_width = (value_shape or query_shape)[-1]
        key_width = key_shape[-1] if key_shape else value_width
        self.query_projection = self._projection(
            "query", d_model, self.num_heads * self.d_k
        )
        self.key_projection = self._projection(
            "key", key_width, self.num_kv_heads * self.d_k
        )
        self.value_projection = self._projection(
            "value", value_width, self.num_kv_heads * self.d_k
        )
        self.output_projection = self._projection(
            "output", self.num_heads * self.d_k, d_model
        )

    def _projection(self, name, width, units):
        linear = Linear(
            units,
            use_bias=False,
            dtype=self.dtype_policy,
            name=f"{name}_projection",
        )
        linear.build((None, width))
        return linear

    def call(
        self,
        query,
        value=None,
        key=None,
        mask=None,
        cache=None,
        return_weights=False,
        training=None,
    ):
        """Attend.

        Parameters
        ----------
        query : (B, T_q, d_model)
        value : (B, T_k, d), optional
            What is mixed; by default the queries themselves (self-attention).
        key : (B, T_k, d'), optional
            What the queries are compared with; by default the values.
        mask : (B, T_k) or (B, T_q, T_k) of bool, optional
            True where attention is allowed: at tokens that are not padding, or
            query by query. A query that may see no key at all has weights of
            zero and an output of zero.
        cache : KeyValueCache, optional
            A causal layer takes the queries for the continuation of what is
            cached, adds their keys and values to it, and remembers their
            ``mask`` of shape (B, T_q). Any other layer attends to the cache as
            it stands.
        return_weights : bool

        Returns
        -------
        output : (B, T_q, d_model)
        weights : (B, H, T_q, T_k), each row summing to 1
            If ``return_weights``. With a cache, ``T_k`` is its size.
        cache : KeyValueCache
            If a cache was given.
        """
        checks.tensor("query", query, 3)
        if cache is not None:
            checks.offers("cache", cache, "keys", "values", "mask", "length")
        checks.flag("return_weights", return_weights)
        padding = _checked_padding(mask)
        start = 0
        if cache is None:
            memory = self.remember(
                query if value is None else value, key, padding
            )
        elif self.causal:
            start = cache.length
            memory = _extend(cache, self.remember(query, None, padding, start))
        else:
            memory = cache._replace(mask=_both(cache.mask, padding))

        # (B, H, T_q, d_k)
        queries = _split(self.query_projection(query), self.num_heads)
        if self.rotary:
            # (B, H, T_q, d_k)
            queries = rotate(queries, start, self.rotary_base)
        allowed = self._allowed(
            queries, memory, mask if padding is None else None, start
        )
        context, weights = self._attend(queries, memory, allowed, training)
        output = self.output_projection(_merge(context))  # (B, T_q, d_model)
        results = (
            output,
            *[weights] * return_weights,
            *[memory] * (cache is not None),
        )
        return results if len(results) > 1 else output

    def remember(self, value, key=None, mask=None, start=0):
        """Compute the keys and values of a sequence, to be attended to by any
        number of queries.

        Parameters
        ----------
        value : (B, T_k, d)
        key : (B, T_k, d'), optional
            By default the values.
        mask : (B, T_k) of bool, optional
            True at tokens, False at padding.
        start : int or () of int32
            The position of the first of them.

        Returns
        -------
        KeyValueCache
            With ``length`` equal to ``start + T_k`` and ``S = T_k``.
        """
        key = value if key is None else key
        checks.tensor("value", value, 3)
        checks.tensor("key", key, 3)
        checks.known_ids("start", start, 2**31, 0)
        if mask is not None:
            checks.boolean("mask", mask)
        length = ops.shape(key)[1]
        _check_shape("value", value, (*ops.shape(key)[:2], value.shape[2]))
        _check_shape("mask", mask, (ops.shape(key)[0], length))
        # (B, T_k)
        mask = _both(mask, _both(_attached_mask(value), _attached_mask(key)))
        # (B, H_kv, T_k, d_k)
        keys = _split(self.key_projection(key), self.num_kv_heads)
        # (B, H_kv, T_k, d_k)
        values = _split(self.value_projection(value), self.num_kv_heads)
        if self.rotary:
            keys = rotate(keys, start, self.rotary_base)  # (B, H_kv, T_k, d_k)
        end = ops.convert_to_tensor(start + length, "int32")
        return KeyValueCache(keys, values, mask, end)

    def empty_cache(self, batch_size, size):
        """Return a :class:`KeyValueCache` for ``batch_size`` sequences of up to
        ``size`` tokens.

        Raises
        ------
        TypeError
            If a number is not an integer.
        ValueError
            If one is below 1.
        """
        checks.known_counts(batch_size=batch_size, size=size)
        shape = (batch_size, self.num_kv_heads, size, self.d_k)
        zeros = ops.zeros(shape, self.compute_dtype)  # (B, H_kv, S, d_k)
        return KeyValueCache(
            zeros,
            zeros,
            ops.zeros((batch_size, size), "bool"),
            ops.zeros((), "int32"),
        )

    def _allowed(self, queries, memory, mask, start):
        """Join padding, mask and causality: (B or 1, T_q or 1, T_k) of bool, or
        None.
        """
        length_q, length_k = ops.shape(queries)[2], ops.shape(memory.keys)[2]
        _check_shape("mask", mask, (ops.shape(queries)[0], length_q, length_k))
        allowed = _both(
            mask, None if memory.mask is None else memory.mask[:, None, :]
        )
        if self.causal:
            position = start + ops.arange(length_q)  # (T_q,)
            allowed = _both(
                allowed, (ops.arange(length_k) <= position[:, None])[None]
            )
        return allowed

    def _attend(self, queries, memory, allowed, training):
        """Return the mixed values (B, H, T_q, d_k) and the weights (B, H, T_q,
        T_k).
        """
        length_q, length_k = ops.shape(queries)[2], ops.shape(memory.keys)[2]
        # Heads that share keys stand together like further queries, G of them:
        # no key is repeated in memory.
        together = self.num_heads // self.num_kv_heads * length_q  # G
        grouped = (-1, self.num_kv_heads, together)
        apart = (-1, self.num_heads, length_q)
        # (B, H_kv, G, d_k)
        queries = ops.reshape(queries, (*grouped, self.d_k)) * self.d_k**-0.5
        # (B, H_kv, G, T_k)
        scores = ops.einsum("bhqd,bhkd->bhqk", queries, memory.keys)
        scores = ops.reshape(scores, (*apart, length_k))  # (B, H, T_q, T_k)
        weights = masked_softmax(
            scores, None if allowed is None else allowed[:, None]
        )  # (B, H, T_q, T_k)
        kept = self.weight_dropout(weights, training=training)
        kept = ops.reshape(kept, (*grouped, length_k))  # (B, H_kv, G, T_k)
        context = ops.matmul(kept, memory.values)  # (B, H_kv, G, d_k)
        # (B, H, T_q, d_k)
        return ops.reshape(context, (*apart, self.d_k)), weights

    def compute_mask(self, query, previous_mask):
        """Return the mask of the queries: an explicit ``mask`` speaks of the
        keys.
        """
        return _attached_mask(query)

    def get_config(self):
        """Return the arguments of the constructor."""
        return super().get_config() | {
            name: getattr(self, name) for name in _ATTENTION_OPTIONS
        }


@keras.saving.register_keras_serializable("llmbook")
class TransformerBlock(keras.layers.Layer):
    r"""Attention, then a feed-forward network at every position, each added to
    what came in.

    .. math::

        x \leftarrow x + \mathrm{Attention}(\mathrm{Norm}(x)), \qquad
        x \leftarrow x + \mathrm{MLP}(\mathrm{Norm}(x))

    is the pre-norm form (Xiong et al. 2020), which trains without much care; a
    model of such blocks ends with one more norm. The post-norm form of Vaswani
    et al. 2017, :math:`x \leftarrow \mathrm{Norm}(x + f(x))`, is
    ``pre_norm=False``.

    Parameters
    ----------
    num_heads : int
    hidden_dim : int, optional
        Width of the feed-forward network, by default ``4 d_model``.
    head_dim, num_kv_heads, causal, rotary, rotary_base
        As for :class:`MultiHeadAttention`; cross-attention takes the first two
        only.
    cross_attention : bool
        Whether a second attention, to another sequence, stands between the two.
    dropout : float
        The share dropped, in training, of the attention's weights and of what
        each part adds.
    pre_norm : bool
    norm : {"layer", "rms"}
        :class:`keras.layers.LayerNormalization` or :class:`RMSNorm`.
    mlp : {"gelu", "relu", "swiglu"}
        :class:`FeedForward` with that activation, or :class:`SwiGLU`.

    Raises
    ------
    TypeError
        If ``cross_attention`` or ``pre_norm`` is no truth value, or as for
        :class:`MultiHeadAttention`.
    ValueError
        If ``norm`` or ``mlp`` is none of these, a sequence to attend to is
        missing or not expected, ``hidden_dim`` is no positive integer, or as
        for :class:`MultiHeadAttention`.
    """

    def __init__(
        self,
        num_heads,
        hidden_dim=None,
        head_dim=None,
        num_kv_heads=None,
        causal=False,
        rotary=False,
        rotary_base=10000.0,
        cross_attention=False,
        dropout=0.0,
        pre_norm=True,
        norm="layer",
        mlp="gelu",
        **kwargs,
    ):
        super().__init__(**kwargs)
        checks.one_of("norm", norm, _NORMS)
        checks.one_of("mlp", mlp, ("gelu", "relu", "swiglu"))
        checks.flag("cross_attention", cross_attention)
        checks.flag("pre_norm", pre_norm)
        if hidden_dim is not None:
            _positive("hidden_dim", hidden_dim)
        self.hidden_dim, self.pre_norm, self.norm, self.mlp = (
            hidden_dim,
            pre_norm,
            norm,
            mlp,
        )
        shared = {"dropout": dropout, "dtype": self.dtype_policy}
        self.attention = MultiHeadAttention(
            num_heads,
            head_dim=head_dim,
            num_kv_heads=num_kv_heads,
            causal=causal,
            rotary=rotary,
            rotary_base=rotary_base,
            name="attention",
            **shared,
        )
        self.attention_norm = self._norm("attention_norm")
        self.cross_attention = None
        if cross_attention:
            self.cross_attention = MultiHeadAttention(
                num_heads,
                head_dim,
                num_kv_heads,
                name="cross_attention",
                **shared,
            )
            self.cross_norm = self._norm("cross_norm")
        self.mlp_norm = self._norm("mlp_norm")
        self.residual_dropout = keras.layers.Dropout(
            dropout, dtype=self.dtype_policy
        )

    def _norm(self, name):
        return _NORMS[self.norm](
            epsilon=1e-5, dtype=self.dtype_policy, name=name
        )

    def build(self, x_shape, value_shape=None, key_shape=None):
        """Create all weights for inputs of the given shapes."""
        hidden_dim = self.hidden_dim or 4 * x_shape[-1]
        self.attention.build(x_shape)
        if self.cross_attention is not None:
            self.cross_attention.build(
                x_shape, value_shape or x_shape, key_shape
            )
            self.cross_norm.build(x_shape)
        options = {"dtype": self.dtype_policy, "name": "feed_forward"}
        if self.mlp == "swiglu":
            self.feed_forward = SwiGLU(hidden_dim, **options)
        else:
            self.feed_forward = FeedForward(hidden_dim, self.mlp, **options)
        for layer in (self.attention_norm, self.mlp_norm, self.feed_forward):
            layer.build(x_shape)

    def call(
        self,
        x,
        value=None,
        key=None,
        mask=None,
        value_mask=None,
        cache=None,
        return_weights=False,
        training=None,
    ):
        """Apply the block.

        Parameters
        ----------
        x : (B, T, d_model)
        value, key : (B, T_k, d), optional
            With ``cross_attention``: what it mixes, and what the queries are
            compared with (by default the values).
        mask : (B, T) or (B, T, T) of bool, optional
            Of ``x``.
        value_mask : (B, T_k) or (B, T, T_k) of bool, optional
            Of ``value``.
        cache : KeyValueCache, optional
            Of the self-attention. With ``cross_attention`` a pair: that, and
            what the cross-attention's ``remember`` returned, in place of
            ``value``.
        return_weights : bool

        Returns
        -------
        x : (B, T, d_model)
        weights : (B, H, T, T_k)
            If ``return_weights``: of the self-attention; with
            ``cross_attention`` a pair.
        cache
            If a cache was given: what takes its place for the tokens to come.
        """
        checks.tensor("x", x, 3)
        checks.flag("return_weights", return_weights)
        crosses = self.cross_attention is not None
        missing = crosses and value is None and cache is None
        if missing or (value is not None and not crosses):
            raise ValueError(
                "value must be given to a block with cross_attention, and to no"
                " other"
            )
        own_cache, memory = (
            cache if crosses and cache is not None else (cache, None)
        )
        x, weights, cache = self._attend(
            x,
            self.attention_norm,
            self.attention,
            training,
            mask=mask,
            cache=own_cache,
        )
        if crosses:
            x, cross_weights, memory = self._attend(
                x,
                self.cross_norm,
                self.cross_attention,
                training,
                value=value,
                key=key,
                mask=value_mask,
                cache=memory,
            )
            weights, cache = (weights, cross_weights), cache and (cache, memory)
        # (B, T, d_model)
        change = self.feed_forward(self.mlp_norm(x) if self.pre_norm else x)
        x = self._add(x, change, self.mlp_norm, training)
        results = (
            x,
            *[weights] * return_weights,
            *[cache] * (cache is not None),
        )
        return results if len(results) > 1 else x

    def _attend(self, x, norm, attention, training, **inputs):
        query = norm(x) if self.pre_norm else x  # (B, T, d_model)
        change, weights, *cache = attention(
            query, return_weights=True, training=training, **inputs
        )
        return (
            self._add(x, change, norm, training),
            weights,
            cache[0] if cache else None,
        )

    def _add(self, x, change, norm, training):
        # (B, T, d_model)
        x = x + self.residual_dropout(change, training=training)
        return x if self.pre_norm else norm(x)

    def compute_mask(self, x, previous_mask):
        """Return the padding mask of ``x``, attached or explicit."""
        is_padding = previous_mask is not None and len(previous_mask.shape) == 2
        return previous_mask if is_padding else _attached_mask(x)

    def get_config(self):
        """Return the arguments of the constructor."""
        names = ("hidden_dim", "pre_norm", "norm", "mlp")
        config = {name: getattr(self, name) for name in names}
        config["cross_attention"] = self.cross_attention is not None
        config |= {
            name: getattr(self.attention, name) for name in _ATTENTION_OPTIONS
        }
        return super().get_config() | config


@keras.saving.register_keras_serializable("llmbook")
class Linear(keras.layers.Dense):
    r"""A linear map of every vector of a sequence, as one product of two
    matrices.

    .. math:: \mathrm{output} = \sigma(x W + b)

    The numbers are those of :class:`keras.layers.Dense`, which however works
    out shapes around every product of a sequence: where one token is read at a
    time, that takes longer than the product.

    Raises
    ------
    TypeError
        If vectors are no tensors of floats.
    ValueError
        If ``units`` is no positive integer, or ``activation`` unknown.
    """

    def call(self, x, training=None):
        """Map (..., d) to (..., units)."""
        checks.tensor("x", x)
        _, *lengths, width = ops.shape(x)
        # (N, units)
        y = super().call(ops.reshape(x, (-1, width)), training=training)
        return ops.reshape(y, (-1, *lengths, self.units))


@keras.saving.register_keras_serializable("llmbook")
class FeedForward(keras.layers.Layer):
    r"""The network that a block applies at every position.

    .. math:: \mathrm{output} = \sigma(x W_1 + b_1)\, W_2 + b_2

    (Vaswani et al. 2017, Eq. 2, there with ReLU).

    Parameters
    ----------
    hidden_dim : int
        Width of the hidden layer.
    activation : str
        Any activation of Keras: ``"gelu"`` (Hendrycks and Gimpel 2016),
        ``"relu"``, …

    Raises
    ------
    TypeError
        If vectors are no tensors of floats.
    ValueError
        If ``hidden_dim`` is no positive integer.
    """

    def __init__(self, hidden_dim, activation="gelu", **kwargs):
        super().__init__(**kwargs)
        self.hidden_dim, self.activation = (
            _positive("hidden_dim", hidden_dim),
            activation,
        )
        self.supports_masking = True

    def build(self, x_shape):
        """Create the two linear maps."""
        options = {"dtype": self.dtype_policy}
        self.hidden = Linear(
            self.hidden_dim, self.activation, name="hidden", **options
        )
        self.output_projection = Linear(
            x_shape[-1], name="output_projection", **options
        )
        self.hidden.build(x_shape)
        self.output_projection.build((*x_shape[:-1], self.hidden_dim))

    def call(self, x):
        """Map (…, d_model) to (…, d_model)."""
        checks.tensor("x", x)
        return self.output_projection(self.hidden(x))

    def get_config(self):
        """Return the arguments of the constructor."""
        return super().get_config() | {
            "hidden_dim": self.hidden_dim,
            "activation": self.activation,
        }


@keras.saving.register_keras_serializable("llmbook")
class SwiGLU(keras.layers.Layer):
    r"""A feed-forward network whose hidden layer is gated by a second one.

    .. math::

        \mathrm{output} = \left(\mathrm{silu}(x W_g) \odot x W_u\right) W_d

    (Shazeer 2020, Eq. 6).

    Parameters
    ----------
    hidden_dim : int

    Raises
    ------
    TypeError
        If vectors are no tensors of floats.
    ValueError
        If ``hidden_dim`` is no positive integer.
    """

    def __init__(self, hidden_dim, **kwargs):
        super().__init__(**kwargs)
        self.hidden_dim = _positive("hidden_dim", hidden_dim)
        self.supports_masking = True

    def build(self, x_shape):
        """Create the three linear maps, without biases."""
        options = {"use_bias": False, "dtype": self.dtype_policy}
        self.gate = Linear(self.hidden_dim, "silu", name="gate", **options)
        self.up = Linear(self.hidden_dim, name="up", **options)
        self.down = Linear(x_shape[-1], name="down", **options)
        for layer in (self.gate, self.up):
            layer.build(x_shape)
        self.down.build((*x_shape[:-1], self.hidden_dim))

    def call(self, x):
        """Map (…, d_model) to (…, d_model)."""
        checks.tensor("x", x)
        return self.down(self.gate(x) * self.up(x))

    def get_config(self):
        """Return the arguments of the constructor."""
        return super().get_config() | {"hidden_dim": self.hidden_dim}


@keras.saving.register_keras_serializable("llmbook")
class RMSNorm(keras.layers.Layer):
    r"""Divide every vector by its root mean square, then scale its entries.

    .. math::

        \mathrm{output} = g \odot x \Big/ \sqrt{\tfrac{1}{d}\textstyle\sum_i
        x_i^2 + \epsilon}

    (Zhang and Sennrich 2019, Eq. 4).

    In float16, whose squares end at 255, the mean is computed in 32 bits.

    Parameters
    ----------
    epsilon : float

    Raises
    ------
    TypeError
        If ``epsilon`` is not a number, or vectors are no tensors of floats.
    ValueError
        If it is negative.
    """

    def __init__(self, epsilon=1e-5, **kwargs):
        super().__init__(**kwargs)
        checks.within("epsilon", epsilon, 0, np.inf, closed=False)
        self.epsilon = epsilon
        self.supports_masking = True

    def build(self, x_shape):
        """Create the scale ``g``, at first all ones."""
        self.scale = self.add_weight((x_shape[-1],), "ones", name="scale")

    def call(self, x):
        """Map (…, d) to (…, d)."""
        checks.tensor("x", x)
        wider = ops.cast(x, wide(x.dtype))  # (…, d)
        # (…, 1)
        mean_square = ops.mean(ops.square(wider), axis=-1, keepdims=True)
        unit = wider * ops.rsqrt(mean_square + self.epsilon)  # (…, d)
        return ops.cast(unit, x.dtype) * self.scale  # (…, d)

    def get_config(self):
        """Return the arguments of the constructor."""
        return super().get_config() | {"epsilon": self.epsilon}


_NORMS = {"layer": keras.layers.LayerNormalization, "rms": RMSNorm}


def wide(dtype):
    """Return a type of numbers that sums of products do not leave: float32 for
    float16, which ends at 65504, and any other type itself.

    Raises
    ------
    TypeError
        If ``dtype`` is neither a type nor the name of one.
    ValueError
        If it is no type of numbers.
    """
    checks.text("dtype", getattr(dtype, "name", dtype))
    dtype = keras.backend.standardize_dtype(dtype)
    return "float32" if dtype == "float16" else dtype


@keras.saving.register_keras_serializable("llmbook")
class Embedding(keras.layers.Embedding):
    """A table of vectors that refuses ids for which it has no row.

    Keras alone counts a negative id from the table's end, and a graph compiled
    by XLA reads past it, both without a word. Here Keras's own ``fit`` and
    ``predict`` do without XLA, and the processor refuses an id in their graphs.
    Whoever compiles a graph with XLA checks the ids first.

    The parameters are those of :class:`keras.layers.Embedding`.

    Raises
    ------
    TypeError
        If a size is not an integer, or ids are none.
    ValueError
        If a size is below 1, or an id has no row.
    """

    def __init__(self, input_dim, output_dim, *arguments, **options):
        checks.count("input_dim", input_dim)
        checks.count("output_dim", output_dim)
        super().__init__(input_dim, output_dim, *arguments, **options)
        self.supports_jit = False

    def call(self, ids):
        """Map ids (...) of int to vectors (..., d_model)."""
        ids = checks.known_ids("ids", ids, self.input_dim)
        table = ops.convert_to_tensor(self.embeddings)  # (V, d_model)
        vectors = tf.gather(table, ops.cast(ids, "int32"))  # (..., d_model)
        return ops.cast(vectors, self.compute_dtype)


@keras.saving.register_keras_serializable("llmbook")
class TokenAndPositionEmbedding(keras.layers.Layer):
    """Add the learned vector of each token and that of its position.

    Parameters
    ----------
    vocab_size : int
        ``V``, the padding id 0 included.
    length : int
        The longest sequence that has positions.
    d_model : int
    mask_zero : bool
        Whether id 0 is padding, which the output's Keras mask then says to
        every layer after this one.

    Raises
    ------
    TypeError
        If ids are not integers, or ``mask_zero`` is no truth value.
    ValueError
        If a size is no positive integer, ids are not (B, T), a sequence is
        longer than ``length`` or an id lies outside of the vocabulary.
    """

    def __init__(self, vocab_size, length, d_model, mask_zero=True, **kwargs):
        super().__init__(**kwargs)
        self.vocab_size = _positive("vocab_size", vocab_size)
        self.length, self.d_model = (
            _positive("length", length),
            _positive("d_model", d_model),
        )
        checks.flag("mask_zero", mask_zero)
        self.mask_zero = mask_zero
        self.token = Embedding(
            vocab_size,
            d_model,
            mask_zero=mask_zero,
            name="token",
            dtype=self.dtype_policy,
        )
        self.position = keras.layers.Embedding(
            length, d_model, name="position", dtype=self.dtype_policy
        )

    def build(self, ids_shape):
        """Create both tables."""
        self.token.build(ids_shape)
        self.position.build(ids_shape)

    def call(self, ids):
        """Map ids (B, T) of int to vectors (B, T, d_model)."""
        ids = checks.some_ids("ids", ids, self.vocab_size)  # (B, T)
        length = ops.shape(ids)[1]
        checks.positions("ids", length, self.length)
        # (B, T, d_model)
        return self.token(ids) + self.position(ops.arange(length))[None]

    def compute_mask(self, ids, previous_mask=None):
        """True at tokens, False at padding; None without ``mask_zero``."""
        return self.token.compute_mask(ids)

    def get_config(self):
        """Return the arguments of the constructor."""
        names = ("vocab_size", "length", "d_model", "mask_zero")
        return super().get_config() | {
            name: getattr(self, name) for name in names
        }


@keras.saving.register_keras_serializable("llmbook")
class AttentionPooling(keras.layers.Layer):
    r"""Average the vectors of a sequence by learned weights: one learned query
    a head.

    .. math::

        \alpha_h = \mathrm{softmax}(x\, u_h), \qquad
        \mathrm{output}_h = \textstyle\sum_t \alpha_{h,t}\, v_{t,h}

    where :math:`v_{t,h}` is the ``h``-th of ``H`` equal parts of the vector at
    ``t`` (for one head: Yang et al. 2016, Eq. 6).

    Parameters
    ----------
    num_heads : int
        ``H``, a divisor of the width.

    Raises
    ------
    TypeError
        If vectors are no tensors of floats.
    ValueError
        If the width is no multiple of ``num_heads``, or a mask has a wrong
        shape.
    """

    def __init__(self, num_heads=1, **kwargs):
        super().__init__(**kwargs)
        self.num_heads = _positive("num_heads", num_heads)

    def build(self, x_shape, value_shape=None):
        """Create the queries ``u``."""
        width = (value_shape or x_shape)[-1]
        if width % self.num_heads:
            raise ValueError(
                f"num_heads={self.num_heads} must divide the width, got {width}"
            )
        self.query = self.add_weight(
            (x_shape[-1], self.num_heads), "glorot_uniform", name="query"
        )

    def call(self, x, value=None, mask=None, return_weights=False):
        """Pool.

        Parameters
        ----------
        x : (B, T, d')
            What the weights are computed from.
        value : (B, T, d), optional
            What is averaged; by default ``x``.
        mask : (B, T) of bool, optional
            True at tokens. A sequence of padding alone gives zeros.
        return_weights : bool

        Returns
        -------
        output : (B, d)
        weights : (B, H, T), each row summing to 1
            If ``return_weights``.
        """
        value = x if value is None else value
        checks.tensor("x", x, 3)
        checks.tensor("value", value, 3)
        checks.flag("return_weights", return_weights)
        mask = _both(
            _checked_padding(mask),
            _both(_attached_mask(x), _attached_mask(value)),
        )
        length, width = ops.shape(value)[1:]
        _check_shape("mask", mask, (ops.shape(x)[0], length))
        # (B, H, T)
        scores = ops.transpose(ops.matmul(x, self.query), (0, 2, 1))
        weights = masked_softmax(
            scores, None if mask is None else mask[:, None]
        )  # (B, H, T)
        parts = ops.reshape(
            value, (-1, length, self.num_heads, width // self.num_heads)
        )
        output = ops.reshape(
            ops.einsum("bht,bthd->bhd", weights, parts), (-1, width)
        )  # (B, d)
        return (output, weights) if return_weights else output

    def compute_mask(self, x, previous_mask):
        """Return None: positions are gone."""
        return None

    def get_config(self):
        """Return the arguments of the constructor."""
        return super().get_config() | {"num_heads": self.num_heads}


def masked_softmax(scores, allowed=None):
    """Softmax over the last axis, of what is allowed alone.

    Parameters
    ----------
    scores : (..., T)
    allowed : broadcast to (..., T), of bool, optional

    Returns
    -------
    (..., T)
        Exactly zero where it is not allowed; a row with nothing allowed is all
        zeros.

    Raises
    ------
    TypeError
        If scores are no tensor of floats, or ``allowed`` is none.
    ValueError
        If ``allowed`` is not of booleans, or does not broadcast.
    """
    checks.tensor("scores", scores)
    scores = ops.convert_to_tensor(scores)
    if allowed is None:
        return tf.nn.softmax(scores)
    checks.boolean("allowed", allowed)
    checks.broadcasts("allowed", allowed, scores.shape)
    # (..., T)
    weights = tf.nn.softmax(ops.where(allowed, scores, scores.dtype.min))
    # A row with nothing allowed has equal scores, and so equal weights, which
    # this takes back.
    return weights * ops.cast(
        ops.any(allowed, axis=-1, keepdims=True), weights.dtype
    )


def rotate(x, start=0, base=10000.0):
    r"""Rotate each vector by angles that grow with its position: dot products
    see distances.

    .. math::

        x_i \mapsto x_i \cos\theta_i - x_{i + d/2} \sin\theta_i, \qquad
        x_{i + d/2} \mapsto x_i \sin\theta_i + x_{i + d/2} \cos\theta_i

    with :math:`\theta_i = t \cdot \mathrm{base}^{-2i/d}` at position ``t``, for
    ``i < d/2`` (Su et al. 2021, Eq. 15; the halves of a vector are paired, as
    by :func:`llmbook.mathematics.attention.rotary`).

    Parameters
    ----------
    x : (..., T, d), d even
    start : int or () of int32
        The position of the first vector.
    base : float

    Returns
    -------
    (..., T, d)

    Raises
    ------
    TypeError
        If ``x`` is no tensor of floats, ``start`` no integer, or ``base`` no
        number.
    ValueError
        If ``d`` is odd, ``x`` has a single axis, ``start`` is negative, or
        ``base`` is not positive.
    """
    checks.tensor("x", x, 2, 3, 4)
    checks.known_ids("start", start, 2**31, 0)
    checks.waves("the last axis of x", x.shape[-1], base)
    half = x.shape[-1] // 2
    frequencies = ops.convert_to_tensor(
        base ** (-np.arange(half) / half), "float32"
    )  # (d/2,)
    # (T,)
    positions = ops.cast(start + ops.arange(ops.shape(x)[-2]), "float32")
    angles = positions[:, None] * frequencies  # (T, d/2)
    cos, sin = (
        ops.cast(ops.cos(angles), x.dtype),
        ops.cast(ops.sin(angles), x.dtype),
    )
    first, second = ops.split(x, 2, axis=-1)  # (..., T, d/2)
    return ops.concatenate(
        [first * cos - second * sin, first * sin + second * cos], axis=-1
    )


def _split(x, num_heads):
    """(B, T, H · d_k) → (B, H, T, d_k)."""
    length, width = ops.shape(x)[1:]
    return ops.transpose(
        ops.reshape(x, (-1, length, num_heads, width // num_heads)),
        (0, 2, 1, 3),
    )


def _merge(x):
    """(B, H, T, d_k) → (B, T, H · d_k)."""
    _, num_heads, length, d_k = ops.shape(x)
    return ops.reshape(
        ops.transpose(x, (0, 2, 1, 3)), (-1, length, num_heads * d_k)
    )


def _extend(cache, new):
    """Write the keys, values and mask of ``new`` into ``cache``, behind what it
    holds.
    """
    checks.room(cache, new.keys.shape[0], new.keys.shape[2])
    mask = (
        ops.ones_like(new.keys[:, 0, :, 0], "bool")
        if new.mask is None
        else new.mask
    )  # (B, T)
    return KeyValueCache(
        ops.slice_update(cache.keys, (0, 0, cache.length, 0), new.keys),
        ops.slice_update(cache.values, (0, 0, cache.length, 0), new.values),
        ops.slice_update(cache.mask, (0, cache.length), mask),
        new.length,
    )


def _attached_mask(x):
    """The mask that Keras attached to a tensor, or None."""
    return getattr(x, "_keras_mask", None)


def _both(mask, other):
    """Allowed by both masks, where None allows all."""
    if mask is None or other is None:
        return other if mask is None else mask
    return ops.logical_and(mask, other)


def _checked_padding(mask):
    """Return ``mask`` if it is (B, T), None if it is (B, T_q, T_k) or None."""
    if mask is None:
        return None
    checks.boolean("mask", mask)
    if len(mask.shape) not in (2, 3):
        raise ValueError(
            "mask must have shape (B, T_k) or (B, T_q, T_k), got"
            f" {tuple(mask.shape)}"
        )
    return mask if len(mask.shape) == 2 else None


def _check_shape(name, x, expected):
    """Raise ``ValueError`` if ``x`` has dimensions too few or too many, or one
    that is known and neither 1 nor the expected one.
    """
    if x is None:
        return
    fits = len(x.shape) == len(expected) and all(
        have in (1, None, want)
        for have, want in zip(x.shape, expected, strict=True)
        if isinstance(want, int)
    )
    if not fits:
        raise ValueError(
            f"{name} must have shape {tuple(expected)}, got {tuple(x.shape)}"
        )


def _positive(name, value):
    if not isinstance(value, int | np.integer) or value < 1:
        raise ValueError(f"{name} must be a positive integer, got {value!r}")
    return int(value)


@keras.saving.register_keras_serializable("llmbook")
class ViewEmbedding(keras.layers.Layer):
    r"""Add the embeddings of all views of a position.

    .. math:: x_t = \sum_{n=1}^N E_{i_{t,n}}

    In training each view of each position is dropped by itself, so that no rare
    n-gram is relied on alone.

    Parameters
    ----------
    vocab_size, d_model : int
    dropout : float
        The share of views that is dropped in training.

    Raises
    ------
    TypeError
        If ids are not integers, or ``dropout`` is no number.
    ValueError
        If a size is no positive integer, ``dropout`` no share, or ids have
        other axes or lie outside of the vocabulary.
    """

    def __init__(self, vocab_size, d_model, dropout=0.0, **kwargs):
        super().__init__(**kwargs)
        self.vocab_size = _positive("vocab_size", vocab_size)
        self.d_model = _positive("d_model", d_model)
        self.table = Embedding(vocab_size, d_model, small_normal())
        checks.within("dropout", dropout, 0, 1)
        self.dropout = keras.layers.Dropout(
            dropout, noise_shape=(None, None, None, 1)
        )

    def call(self, ids, training=None):
        """Map ids (B, T) or (B, T, N) of int to vectors (B, T, d_model)."""
        ids = checks.known_ids("ids", ids, self.vocab_size, 2, 3)
        if len(ids.shape) == 2:
            ids = ids[:, :, None]  # (B, T, 1)
        # (B, T, N, d_model)
        views = self.dropout(self.table(ids), training=training)
        return ops.sum(views, axis=2)  # (B, T, d_model)

    def get_config(self):
        """Return the arguments of the constructor."""
        names = {"vocab_size": self.vocab_size, "d_model": self.d_model}
        return super().get_config() | names | {"dropout": self.dropout.rate}


def small_normal():
    """Vectors so small that the first steps of training, not their chance
    values, place them.
    """
    return keras.initializers.RandomNormal(stddev=0.02)


def token_mask(ids):
    """Return the (B, T) of bool that is True where ids (B, T) or (B, T, N) hold
    no padding.

    Raises
    ------
    TypeError
        If ids that are known are not integers.
    ValueError
        If they have other axes, or one is negative.
    """
    ids = checks.known_ids("ids", ids, 2**31, 2, 3)
    return (ids if len(ids.shape) == 2 else ids[:, :, 0]) != PAD_ID
