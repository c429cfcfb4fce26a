r"""From one sequence to another: an encoder, a decoder that attends to it, and
a pointer.

Shapes: ``B`` pairs, ``S`` tokens of the source, ``T`` of the target, ``V_s``
and ``V_t`` the sizes of their vocabularies. Id 0 is padding, 1 an unknown
token, and 2 the end of a sequence, which also stands before every target, as
what its first word follows.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from llmbook import checks
from llmbook.models.layers import Embedding, KeyValueCache, TransformerBlock
from llmbook.models.saving import Sized
from llmbook.text.tokenizers import (
    END_ID,
    PAD_ID,
    UNKNOWN_ID,
    Vocabulary,
    pad,
)


class Encoded(NamedTuple):
    """Pairs of sequences as arrays, and the words of each source that the
    vocabulary lacks.
    """

    source: np.ndarray  # (N, S) of int32
    target: np.ndarray  # (N, T) of int32: the end, the target, the end, padding
    words: list[list[str]]

    def take(self, indices):
        """Return the pairs that stand at ``indices``."""
        return Encoded(
            self.source[indices],
            self.target[indices],
            [self.words[i] for i in indices],
        )


def encode_pairs(
    pairs, source_vocabulary, target_vocabulary, extra=0, lengths=(None, None)
):
    """Turn pairs of token sequences into arrays.

    Parameters
    ----------
    pairs : list of (list of str, list of str)
        Source and target.
    source_vocabulary, target_vocabulary : Vocabulary
    extra : int
        How many words of a source may have ids of their own beyond the
        vocabulary, to be copied by a :class:`PointerGenerator`; both
        vocabularies must then be the same.
    lengths : pair of int, optional
        ``S``, and ``T`` without what stands around the target; by default those
        of the longest.

    Returns
    -------
    Encoded

    Raises
    ------
    TypeError
        If ``pairs`` does not hold pairs of lists of strings, a vocabulary is
        none, or a number is not an integer.
    ValueError
        If there is no pair, ``extra`` is negative or used with two
        vocabularies, or a length is below 1.
    """
    pairs = checks.token_pairs("pairs", pairs)
    checks.kind("source_vocabulary", source_vocabulary, Vocabulary)
    checks.kind("target_vocabulary", target_vocabulary, Vocabulary)
    checks.count("extra", extra, least=0)
    lengths = checks.two_lengths("lengths", lengths)
    if extra and source_vocabulary is not target_vocabulary:
        raise ValueError(
            "source_vocabulary and target_vocabulary must be one to copy with"
            " extra"
        )
    sources, targets, words = [], [], []
    for source, target in pairs:
        source, target = source[: lengths[0]], target[: lengths[1]]
        ids = source_vocabulary.encode(source)
        unknown = dict.fromkeys(
            token
            for token, index in zip(source, ids, strict=True)
            if index == UNKNOWN_ID
        )
        words.append(list(unknown)[:extra])
        sources.append(source_vocabulary.encode(source, words[-1]))
        targets.append(
            [END_ID, *target_vocabulary.encode(target, words[-1]), END_ID]
        )
    longest = None if lengths[1] is None else lengths[1] + 2
    return Encoded(pad(sources, lengths[0]), pad(targets, longest), words)


@dataclass(frozen=True)
class Seq2SeqConfig:
    """The sizes of an :class:`EncoderDecoder`.

    Parameters
    ----------
    source_size, target_size : int
        ``V_s`` and ``V_t``.
    d_model : int
    encoder_heads, decoder_heads : int
        With one head in the decoder its attention to the source is a single
        heatmap.
    encoder_layers, decoder_layers : int
    dropout : float
    raw_values : bool
        Whether what the decoder reads from the source are the tokens' own
        embeddings, found by keys that know the context; otherwise both are what
        the encoder made of them.
    shared : bool
        Whether source and target have one vocabulary, and one embedding.
    extra : int
        Words of each source that a :class:`PointerGenerator` can copy without
        knowing them.

    Raises
    ------
    TypeError
        If a size is not an integer, ``dropout`` no number, or ``raw_values`` or
        ``shared`` no truth value.
    ValueError
        If a number is out of its range, or two sizes of vocabulary are to be
        shared.
    """

    source_size: int
    target_size: int
    d_model: int = 64
    encoder_heads: int = 4
    decoder_heads: int = 1
    encoder_layers: int = 2
    decoder_layers: int = 1
    dropout: float = 0.1
    raw_values: bool = False
    shared: bool = False
    extra: int = 0

    def __post_init__(self):
        checks.sizes(
            self.d_model,
            encoder_heads=self.encoder_heads,
            decoder_heads=self.decoder_heads,
            source_size=self.source_size,
            target_size=self.target_size,
        )
        checks.count("encoder_layers", self.encoder_layers, least=0)
        checks.count("decoder_layers", self.decoder_layers)
        checks.within("dropout", self.dropout, 0, 1)
        checks.count("extra", self.extra, least=0)
        checks.flag("raw_values", self.raw_values)
        checks.flag("shared", self.shared)
        if self.shared and self.source_size != self.target_size:
            raise ValueError(
                "source_size and target_size must be equal to be shared, "
                f"got {self.source_size} and {self.target_size}"
            )


class Memory(NamedTuple):
    """What the decoder attends to."""

    value: Any  # (B, S, d_model): what is mixed
    key: Any  # (B, S, d_model): what the queries are compared with
    mask: Any  # (B, S) of bool


@keras.saving.register_keras_serializable("llmbook")
class EncoderDecoder(Sized, keras.Model):
    r"""Read a source, then write a target token by token, attending to the
    source at every step.

    .. math::

        M = \mathrm{Norm}(\mathrm{Encoder}(E_s[x])), \qquad
        h = \mathrm{Decoder}(E_t[y_{<t}], M), \qquad
        p(y_t \mid y_{<t}, x) = \mathrm{softmax}(\mathrm{Norm}(h_t)\, E_t^\top +
        b)

    (Vaswani et al. 2017, section 3.1, with pre-norm blocks, rotary positions
    and a tied output).

    Parameters
    ----------
    config : Seq2SeqConfig

    Raises
    ------
    TypeError
        If ``config`` is none, or ids are not integers.
    ValueError
        If an id lies outside of its vocabulary and the words beyond it, or
        caches have no room for more.
    """

    sizes = Seq2SeqConfig

    def __init__(self, config, **kwargs):
        super().__init__(**kwargs)
        checks.kind("config", config, Seq2SeqConfig)
        self.config = config
        self.source_embedding = self._embedding(
            config.source_size, "source_embedding"
        )
        self.target_embedding = self.source_embedding
        if not config.shared:
            self.target_embedding = self._embedding(
                config.target_size, "target_embedding"
            )
        common = {"rotary": True, "dropout": config.dropout}
        self.encoder = [
            TransformerBlock(
                config.encoder_heads, name=f"encoder_{i}", **common
            )
            for i in range(config.encoder_layers)
        ]
        self.decoder = [
            TransformerBlock(
                config.decoder_heads,
                causal=True,
                cross_attention=True,
                name=f"decoder_{i}",
                **common,
            )
            for i in range(config.decoder_layers)
        ]
        self.memory_norm, self.norm = (
            keras.layers.LayerNormalization(epsilon=1e-5, name=name)
            for name in ("memory_norm", "norm")
        )
        self.dropout = keras.layers.Dropout(config.dropout)
        self.bias = self.add_weight((config.target_size,), "zeros", name="bias")
        shape = (None, None, config.d_model)
        for layer in (
            *self.encoder,
            *self.decoder,
            self.memory_norm,
            self.norm,
        ):
            layer.build(shape)
        self.built = True
        self._trace()

    def _embedding(self, size, name):
        initializer = keras.initializers.RandomNormal(stddev=0.05)
        embedding = Embedding(size, self.config.d_model, initializer, name=name)
        embedding.build()
        return embedding

    def _trace(self):
        """Make the compiled graphs for decoding, one for all batches and
        lengths.
        """
        ids = tf.TensorSpec((None, None), "int32")
        rows, number = (
            tf.TensorSpec((None,), "int32"),
            tf.TensorSpec((), "int32"),
        )
        heads = self.config.decoder_heads
        stored = tf.TensorSpec(
            (None, heads, None, self.config.d_model // heads)
        )
        cache = KeyValueCache(
            stored, stored, tf.TensorSpec((None, None), "bool"), number
        )
        caches = [(cache, cache) for _ in self.decoder]
        self._begin = tf.function(
            self.caches, input_signature=[ids, number], autograph=False
        )
        self._step = tf.function(
            self.next_log_probabilities,
            input_signature=[ids, rows, rows, caches],
            autograph=False,
        )

    @property
    def num_sources(self):
        """How many ids a source may have, those of its own words included."""
        return self.config.source_size + self.config.extra

    @property
    def num_targets(self):
        """How many ids a target may have, those of the source's own words
        included.
        """
        return self.config.target_size + self.config.extra

    def check(self, source, target, *others):
        """Look at a batch before it reaches a graph, which would read past the
        tables.

        Raises
        ------
        TypeError
            If ids are not integers.
        ValueError
            If they have other axes, one lies outside of its vocabulary and the
            words beyond it, or no target holds a known token to be learned.
        """
        checks.batch_ids("source", source, self.num_sources)
        target = checks.batch_ids("target", target, self.num_targets)
        checks.learnable("target", target[:, 1:] > UNKNOWN_ID)

    def begin(self, source, size):
        """Return what :meth:`caches` does, by a compiled graph.

        Raises
        ------
        TypeError
            If ids or ``size`` are not integers.
        ValueError
            If the ids have other axes or one lies outside of the vocabulary and
            the words beyond it, or ``size`` is below 1.
        """
        source = checks.batch_ids("source", source, self.num_sources)  # (B, S)
        checks.known_counts(size=size)
        return self._begin(source.astype("int32"), size)

    def step(self, source, tokens, parents, caches):
        """Return what :meth:`next_log_probabilities` does, by a compiled graph.

        Raises
        ------
        TypeError
            If ids are not integers.
        ValueError
            If shapes do not fit, an id lies outside of its vocabulary and the
            words beyond it, a parent is no row, or a cache has no room.
        """
        source = checks.batch_ids("source", source, self.num_sources)  # (R, S)
        tokens = checks.text_ids("tokens", tokens, self.num_targets)  # (R,)
        parents = checks.text_ids("parents", parents, len(source))  # (R,)
        checks.as_many(rows=source, tokens=tokens, parents=parents)
        caches = checks.pairs_of_caches(caches, len(self.decoder))
        for past, _ in caches:
            checks.room(past, len(source), 1)
        return self._step(
            *(ids.astype("int32") for ids in (source, tokens, parents)), caches
        )

    def call(self, source, target, training=None):
        """Return the logits (B, T, V_t) of what follows each token of
        ``target`` (B, T).

        Raises
        ------
        TypeError, ValueError
            As :meth:`encode` and :meth:`decode` do.
        """
        x, _, _ = self.decode(
            target, self.encode(source, training), training=training
        )
        return self.logits(x)

    def encode(self, source, training=None):
        """Read sources (B, S) of int; return a :class:`Memory`.

        Raises
        ------
        TypeError
            If the ids are not integers.
        ValueError
            If they have other axes, or one lies outside of the vocabulary and
            the words beyond it.
        """
        source = checks.some_ids("source", source, self.num_sources)  # (B, S)
        mask = ops.not_equal(source, PAD_ID)  # (B, S)
        tokens = self.source_embedding(
            self.known(source, self.config.source_size)
        )
        x = self.dropout(tokens, training=training)  # (B, S, d_model)
        for block in self.encoder:
            x = block(x, mask=mask, training=training)  # (B, S, d_model)
        key = self.memory_norm(x)  # (B, S, d_model)
        return Memory(tokens if self.config.raw_values else key, key, mask)

    def decode(self, target, memory=None, caches=None, training=None):
        """Read targets so far.

        Parameters
        ----------
        target : (B, T) of int
        memory : Memory, optional
            Or else ``caches``, which hold it.
        caches : list of pairs of KeyValueCache, optional
            What :meth:`caches` or an earlier call returned: ``target``
            continues what was read then.

        Returns
        -------
        x : (B, T, d_model)
            What the logits are made of.
        weights : (B, H, T, S)
            Of the last block's attention to the source.
        caches : list of pairs of KeyValueCache
            If caches were given, else empty.

        Raises
        ------
        TypeError
            If the ids are not integers.
        ValueError
            If they have other axes, one lies outside of the vocabulary and the
            words beyond it, or caches have no room for them.
        """
        target = checks.some_ids("target", target, self.num_targets)  # (B, T)
        checks.to_attend_to(memory, caches, target)
        if caches:
            caches = checks.pairs_of_caches(caches, len(self.decoder))
        mask = ops.not_equal(target, PAD_ID)  # (B, T)
        read = self.target_embedding(
            self.known(target, self.config.target_size)
        )
        x = self.dropout(read, training=training)  # (B, T, d_model)
        source = {} if memory is None else memory._asdict()
        source = {
            "value_mask" if name == "mask" else name: x
            for name, x in source.items()
        }
        extended: list = []
        for block, cache in zip(
            self.decoder, caches or [None] * len(self.decoder), strict=True
        ):
            x, (_, weights), *cache = block(
                x,
                mask=mask,
                cache=cache,
                return_weights=True,
                training=training,
                **source,
            )
            extended += cache
        return self.norm(x), weights, extended

    def logits(self, x):
        """Map the decoder's vectors (..., d_model) to logits (..., V_t).

        Raises
        ------
        TypeError
            If they are no tensor of floats.
        ValueError
            If they are of another width.
        """
        checks.tensor("x", x)
        checks.width("x", x, self.config.d_model)
        return (
            tf.matmul(x, self.target_embedding.embeddings, transpose_b=True)
            + self.bias
        )

    def known(self, ids, size):
        """Replace the ids of words beyond a vocabulary of that size by the
        unknown one.

        Raises
        ------
        TypeError
            If ids that are known, or ``size``, are not integers.
        ValueError
            If an id is negative, or ``size`` below 1.
        """
        checks.count("size", size)
        ids = checks.known_ids("ids", ids, 2**31)
        return ops.where(ids < size, ids, UNKNOWN_ID)

    def log_probabilities(self, x, weights, source):
        """Return the log-probabilities (B, T, V_t) of the next tokens.

        Raises
        ------
        TypeError, ValueError
            As :meth:`logits` does.
        """
        return tf.nn.log_softmax(self.logits(x))

    def target_log_probabilities(self, x, weights, source, targets):
        """Return the log-probability of each of ``targets`` (B, T).

        Raises
        ------
        TypeError
            If targets that are known are not integers, or as :meth:`logits`.
        ValueError
            If one lies outside of the vocabulary, or as :meth:`logits`.
        """
        targets = checks.some_ids("targets", targets, self.config.target_size)
        checks.tensor("x", x, 3)
        checks.known_shape("targets", targets, x.shape[:2])
        return -tf.nn.sparse_softmax_cross_entropy_with_logits(
            targets, self.logits(x)
        )

    def score(self, source, target, training=None):
        r"""Tell how likely each token of a target is after those before it.

        Parameters
        ----------
        source : (B, S) of int
        target : (B, T) of int

        Returns
        -------
        log_probabilities : (B, T - 1)
            :math:`\log p(y_t \mid y_1 \dots y_{t-1}, x)` of every token but the
            first.
        weights : (B, H, T - 1, S)
            What the last block attended to when it foretold each of them.

        Raises
        ------
        TypeError, ValueError
            As :meth:`encode` and :meth:`decode` do.
        """
        target = checks.some_ids("target", target, self.num_targets)  # (B, T)
        x, weights, _ = self.decode(
            target[:, :-1], self.encode(source, training), training=training
        )
        scores = self.target_log_probabilities(
            x, weights, source, target[:, 1:]
        )  # (B, T - 1)
        return scores, weights

    def caches(self, source, size):
        """Read sources (B, S); return the caches that decoding up to ``size``
        tokens needs.

        Raises
        ------
        TypeError, ValueError
            As :meth:`begin` does.
        """
        memory = self.encode(source)
        return [
            (
                block.attention.empty_cache(ops.shape(source)[0], size),
                block.cross_attention.remember(*memory),
            )
            for block in self.decoder
            if block.cross_attention  # of a decoder, each has it
        ]

    def next_log_probabilities(self, source, tokens, parents, caches):
        """Read one more token of each row.

        Parameters
        ----------
        source : (R, S) of int
        tokens : (R,) of int
        parents : (R,) of int
            The row whose past each token continues.
        caches : list of pairs of KeyValueCache
            Of ``R`` rows.

        Returns
        -------
        log_probabilities : (R, V)
        caches : list of pairs of KeyValueCache

        Raises
        ------
        TypeError, ValueError
            As :meth:`step` does.
        """
        tokens = checks.known_ids("tokens", tokens, self.num_targets, 1)  # (R,)
        caches = checks.pairs_of_caches(caches, len(self.decoder))
        rows = caches[0][0].keys.shape[0] or 2**31  # R, if it is known
        parents = checks.known_ids("parents", parents, rows, 1)  # (R,)
        caches = [(_rows(past, parents), memory) for past, memory in caches]
        # (R, 1, d_model)
        x, weights, caches = self.decode(tokens[:, None], caches=caches)
        return self.log_probabilities(x, weights, source)[:, 0], caches


def _rows(cache, rows):
    """Return a cache with its rows picked anew, as a beam's survivors
    need it.
    """
    keys, values, mask = (tf.gather(x, rows) for x in cache[:3])
    return KeyValueCache(keys, values, mask, cache.length)


@keras.saving.register_keras_serializable("llmbook")
class PointerGenerator(EncoderDecoder):
    r"""An :class:`EncoderDecoder` that can also copy a token of its source.

    .. math::

        p(w) = g_t\, p_{\mathrm{vocabulary}}(w) + (1 - g_t) \sum_{i : x_i = w}
        \alpha_{t,i},
        \qquad g_t = \sigma(u \cdot h_t + c)

    with the attention to the source :math:`\alpha_t`, averaged over the heads
    of the last block, as the pointer (See et al. 2017, Eq. 8 and 9, where the
    gate looks at more). A word of the source that the vocabulary lacks has an
    id of its own beyond it (:func:`encode_pairs`), and can be copied like any
    other.

    Parameters
    ----------
    config : Seq2SeqConfig
        With ``shared``.

    Raises
    ------
    TypeError
        If ``config`` is none, or ids are not integers.
    ValueError
        If ``config`` is not shared, or as for :class:`EncoderDecoder`.
    """

    def __init__(self, config, **kwargs):
        checks.kind("config", config, Seq2SeqConfig)
        if not config.shared:
            raise ValueError(
                "config must be shared: what is copied must be a word of the"
                " target"
            )
        super().__init__(config, **kwargs)
        self.gate = keras.layers.Dense(1, "sigmoid", name="gate")
        self.gate.build((None, None, config.d_model))

    def log_probabilities(self, x, weights, source):
        """Return the log-probabilities (B, T, V_t + extra) of the next
        tokens.

        Raises
        ------
        TypeError
            If vectors or weights are no tensors, or ids no integers.
        ValueError
            If they have other axes, or an id lies outside of the vocabulary and
            the words beyond it.
        """
        source = checks.some_ids("source", source, self.num_sources)  # (B, S)
        checks.tensor("x", x, 3)
        checks.tensor("weights", weights, 4)
        checks.same_rows(x=x, weights=weights, source=source)
        gate = self.gate(x)  # (B, T, 1)
        made = gate * tf.nn.softmax(self.logits(x))  # (B, T, V_t)
        pointer = (1 - gate) * tf.reduce_mean(weights, axis=1)  # (B, T, S)
        size = self.config.target_size + self.config.extra
        batch, length = tf.shape(source)[0], tf.shape(source)[1]
        row = tf.repeat(tf.range(batch)[:, None], length, axis=1)  # (B, S)
        copied = tf.scatter_nd(
            tf.stack([row, source], axis=-1),
            tf.transpose(pointer, (0, 2, 1)),
            (batch, size, tf.shape(x)[1]),
        )  # (B, V_t + extra, T)
        # (B, T, V_t + extra)
        made = tf.pad(made, [[0, 0], [0, 0], [0, self.config.extra]])
        return tf.math.log(made + tf.transpose(copied, (0, 2, 1)) + _TINY)

    def target_log_probabilities(self, x, weights, source, targets):
        """Return the log-probability of each of ``targets`` (B, T), without
        that of all others.

        Raises
        ------
        TypeError, ValueError
            As :meth:`log_probabilities` does.
        """
        source = checks.some_ids("source", source, self.num_sources)  # (B, S)
        targets = checks.some_ids("targets", targets, self.num_targets)
        checks.tensor("x", x, 3)
        checks.tensor("weights", weights, 4)
        checks.same_rows(x=x, weights=weights, source=source, targets=targets)
        gate = self.gate(x)[..., 0]  # (B, T)
        # (B, T)
        is_known = tf.cast(targets < self.config.target_size, "float32")
        made = (
            gate
            * is_known
            * tf.exp(
                super().target_log_probabilities(
                    x,
                    weights,
                    source,
                    self.known(targets, self.config.target_size),
                )
            )
        )  # (B, T)
        # (B, T, S)
        same = tf.cast(source[:, None, :] == targets[:, :, None], "float32")
        copied = (1 - gate) * tf.reduce_sum(
            tf.reduce_mean(weights, axis=1) * same, axis=-1
        )
        return tf.math.log(made + copied + _TINY)


_TINY = 1e-9  # the probability of what can neither be made nor copied


def target_loss(model, source, target, coverage=0.0, training=None):
    r"""Mean cross-entropy of the targets' tokens, in nats, teacher forcing: the
    past is as given.

    .. math::

        -\frac{1}{N} \sum_t \log p(y_t \mid y_{<t}, x)
        + \frac{\lambda}{N} \sum_t \sum_i \min\Big(\alpha_{t,i}, \sum_{t' < t}
        \alpha_{t',i}\Big)

    The second sum is large where attention returns to what it has already read
    (the coverage loss of See et al. 2017, Eq. 12). Padding and unknown tokens
    do not count.

    Parameters
    ----------
    model : EncoderDecoder
    source : (B, S) of int
    target : (B, T) of int
    coverage : float
        :math:`\lambda`.

    Returns
    -------
    () tensor

    Raises
    ------
    TypeError
        If ids that are known are not integers, or ``coverage`` no number.
    ValueError
        If they have other axes, or one lies outside of its vocabulary and the
        words beyond it.
    """
    checks.kind("model", model, EncoderDecoder)
    checks.within("coverage", coverage, 0, np.inf, closed=False)
    target = checks.some_ids("target", target, model.num_targets)  # (B, T)
    scores, weights = model.score(source, target, training)  # (B, T - 1)
    counted = tf.cast(target[:, 1:] > UNKNOWN_ID, "float32")  # (B, T - 1)
    losses = -scores  # (B, T - 1)
    if coverage:
        # (B, T - 1)
        losses += coverage * repeated_attention(tf.reduce_mean(weights, axis=1))
    return tf.reduce_sum(counted * losses) / tf.reduce_sum(counted)


def repeated_attention(weights):
    r"""Tell how much of each step's attention goes where earlier steps looked.

    .. math:: \sum_i \min\Big(\alpha_{t,i}, \sum_{t' < t} \alpha_{t',i}\Big)

    (See et al. 2017, Eq. 10 and 12).

    Parameters
    ----------
    weights : (..., T, S)

    Returns
    -------
    (..., T)
        From 0, nothing seen before, to 1.

    Raises
    ------
    TypeError
        If weights are no tensor of floats.
    ValueError
        If they have a single axis.
    """
    checks.tensor("weights", weights, 2, 3, 4)
    seen = tf.cumsum(weights, axis=-2, exclusive=True)  # (..., T, S)
    return tf.reduce_sum(tf.minimum(weights, seen), axis=-1)


def decode(
    model,
    source,
    max_new,
    width=1,
    length_penalty=0.0,
    no_repeat=0,
    batch_size=256,
):
    r"""Write the likeliest target that a beam finds: of width 1, the likeliest
    token each time.

    At every step each of ``width`` hypotheses is continued by every token, and
    the ``width`` likeliest of all continuations go on; a hypothesis that has
    ended waits. At last the one with the highest :math:`\log p /
    \mathrm{length}^{\alpha}` is taken (Wu et al. 2016, section 7, with a plain
    power).

    Parameters
    ----------
    model : EncoderDecoder
    source : (B, S) of int
    max_new : int
        The most tokens that are written, the end included.
    width : int
    length_penalty : float
        :math:`\alpha`: 0 compares probabilities as they are, which favours
        short targets; 1 the mean log-probability of a token.
    no_repeat : int
        If positive, no run of that many tokens may come twice in a target
        (Paulus et al. 2018).
    batch_size : int
        Sources that are read at a time.

    Returns
    -------
    ids : (B, max_new) of int32
        Padding after the end.
    log_probabilities : (B,)
        Of the whole target.

    Raises
    ------
    TypeError
        If ``model`` is no :class:`EncoderDecoder`, ids are not integers, or a
        number is none.
    ValueError
        If there is no source, an id lies outside of the vocabulary and the
        words beyond it, ``max_new``, ``width`` or ``batch_size`` is not
        positive, or ``length_penalty`` or ``no_repeat`` is negative.
    """
    checks.kind("model", model, EncoderDecoder)
    for name, value, least in (
        ("max_new", max_new, 1),
        ("width", width, 1),
        ("no_repeat", no_repeat, 0),
        ("batch_size", batch_size, 1),
    ):
        checks.count(name, value, least)
    if checks.finite("length_penalty", length_penalty) < 0:
        raise ValueError(
            f"length_penalty must be at least 0, got {length_penalty}"
        )
    source = checks.batch_ids("source", source, model.num_sources)
    source = checks.filled("source", source).astype("int32")  # (B, S)
    found = [
        _beam(
            model,
            source[i : i + batch_size],
            max_new,
            width,
            length_penalty,
            no_repeat,
        )
        for i in range(0, len(source), batch_size)
    ]
    ids, scores = zip(*found, strict=True)
    return np.concatenate(ids), np.concatenate(scores)


def _beam(model, source, max_new, width, length_penalty, no_repeat):
    batch = len(source)
    source = np.repeat(source, width, axis=0)  # (B · W, S)
    caches = model.begin(source, max_new)
    first_row = np.arange(batch)[:, None] * width  # (B, 1)
    ids = np.zeros((batch * width, max_new), "int32")
    tokens, parents = (
        np.full(batch * width, END_ID, "int32"),
        np.arange(batch * width),
    )
    finished = np.zeros(batch * width, bool)
    scores = np.full(
        (batch, width), -np.inf
    )  # the rows of a source begin equal: one of them counts
    scores[:, 0] = 0
    for position in range(max_new):
        log_p, caches = model.step(
            source, tokens, parents.astype("int32"), caches
        )
        log_p = log_p.numpy()  # (B · W, V)
        log_p[:, [PAD_ID, UNKNOWN_ID]] = -np.inf
        if no_repeat:
            _forbid_repeats(log_p, ids[:, :position], no_repeat)
        log_p[finished] = -np.inf
        log_p[finished, PAD_ID] = 0
        total = (scores.reshape(-1, 1) + log_p).reshape(batch, -1)  # (B, W · V)
        best = np.argpartition(-total, width - 1)[:, :width]  # (B, W)
        scores = np.take_along_axis(total, best, axis=1)  # (B, W)
        parents = (first_row + best // log_p.shape[1]).ravel()  # (B · W,)
        tokens = (best % log_p.shape[1]).ravel().astype("int32")  # (B · W,)
        ids = ids[parents]
        ids[:, position] = tokens
        finished = finished[parents] | (tokens == END_ID)
        if finished.all():
            break
    lengths = np.maximum((ids != PAD_ID).sum(axis=1), 1).reshape(batch, width)
    winner = (scores / lengths**length_penalty).argmax(axis=1)  # (B,)
    return ids[first_row[:, 0] + winner], scores[np.arange(batch), winner]


def _forbid_repeats(log_p, written, size):
    """Exclude, in each row, the tokens that would end a run of ``size`` tokens
    already there.
    """
    for row, past in zip(log_p, written.tolist(), strict=True):
        last = past[len(past) - size + 1 :]
        for start in range(len(past) - size + 1):
            if past[start : start + size - 1] == last:
                row[past[start + size - 1]] = -np.inf
