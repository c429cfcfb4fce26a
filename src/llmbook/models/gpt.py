r"""A GPT: the decoder built from :mod:`llmbook.models.layers`, how it is
trained and how it writes.

Shapes: ``B`` sequences of ``T`` tokens over a vocabulary of ``V``. Id 0 is
padding, on either side of a sequence, and is masked wherever it stands.
"""

from dataclasses import dataclass
from functools import partial

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from llmbook import checks
from llmbook.mathematics import losses
from llmbook.mathematics.vectors import embed
from llmbook.models import lora, saving
from llmbook.models.generation import DECODE_SIGNATURE, decode
from llmbook.models.layers import (
    Embedding,
    KeyValueCache,
    RMSNorm,
    TransformerBlock,
    wide,
)
from llmbook.models.saving import Sized


@dataclass(frozen=True)
class GPTConfig:
    """The sizes of a :class:`GPT`.

    Parameters
    ----------
    vocab_size : int
        ``V``, the padding id 0 included.
    length : int
        The longest sequence it is meant to read.
    d_model, num_heads, num_layers : int
    dropout : float
    hidden_dim, num_kv_heads, rotary_base, norm, mlp
        As for :class:`llmbook.models.layers.TransformerBlock`; ``norm`` also
        stands before the logits.

    Raises
    ------
    TypeError
        If a size is not an integer, or another number is none.
    ValueError
        If a number is out of range, or ``norm`` or ``mlp`` is another.
    """

    vocab_size: int
    length: int = 128
    d_model: int = 128
    num_heads: int = 4
    num_layers: int = 4
    dropout: float = 0.0
    hidden_dim: int | None = None
    num_kv_heads: int | None = None
    rotary_base: float = 10000.0
    norm: str = "layer"
    mlp: str = "gelu"

    def __post_init__(self):
        sizes = ("vocab_size", "length", "d_model", "num_heads", "num_layers")
        for name in sizes:
            checks.count(name, getattr(self, name))
        checks.within("dropout", self.dropout, 0, 1)
        for name in ("hidden_dim", "num_kv_heads"):
            if getattr(self, name) is not None:
                checks.count(name, getattr(self, name))
        checks.base("rotary_base", self.rotary_base)
        checks.one_of("norm", self.norm, ("layer", "rms"))
        checks.one_of("mlp", self.mlp, ("gelu", "relu", "swiglu"))


@keras.saving.register_keras_serializable("llmbook")
class GPT(Sized, keras.Model):
    r"""Predict every next token from those before it.

    .. math::

        h_0 = E[\mathrm{ids}], \qquad h_l = \mathrm{Block}_l(h_{l-1}), \qquad
        \mathrm{logits} = \mathrm{Norm}(h_L)\, E^\top

    (Radford et al. 2018, Eq. 2, with pre-norm blocks and rotary positions). The
    embedding ``E`` reads and writes: it is tied (Press and Wolf 2017).

    Parameters
    ----------
    config : GPTConfig

    Raises
    ------
    TypeError
        If ``config`` is none, or ids are not integers.
    ValueError
        If the sizes do not fit each other, an id lies outside of the
        vocabulary, or caches have no room for more.
    """

    sizes = GPTConfig

    def __init__(self, config, **kwargs):
        super().__init__(**kwargs)
        checks.kind("config", config, GPTConfig)
        self.config = config
        self.embedding = Embedding(
            config.vocab_size,
            config.d_model,
            embeddings_initializer=keras.initializers.RandomNormal(stddev=0.02),
            name="embedding",
            dtype=self.dtype_policy,
        )
        self.blocks = [
            TransformerBlock(
                config.num_heads,
                config.hidden_dim,
                num_kv_heads=config.num_kv_heads,
                causal=True,
                rotary=True,
                rotary_base=config.rotary_base,
                dropout=config.dropout,
                norm=config.norm,
                mlp=config.mlp,
                name=f"block_{i}",
                dtype=self.dtype_policy,
            )
            for i in range(config.num_layers)
        ]
        norm = (
            RMSNorm if config.norm == "rms" else keras.layers.LayerNormalization
        )
        self.norm = norm(epsilon=1e-5, name="norm", dtype=self.dtype_policy)
        self.dropout = keras.layers.Dropout(
            config.dropout, dtype=self.dtype_policy
        )
        shape = (None, None, config.d_model)
        self.embedding.build()
        for layer in (*self.blocks, self.norm):
            layer.build(shape)
        self.built = True
        self.trace_anew()

    def trace_anew(self):
        """Forget the compiled graphs: to be called whenever a layer has been
        replaced by another.

        There is one graph for all batches and lengths, traced at its first use
        and then kept.
        """
        attention = self.blocks[0].attention
        shape = (None, attention.num_kv_heads, None, attention.d_k)
        stored = tf.TensorSpec(shape, attention.compute_dtype)
        cache = KeyValueCache(
            stored,
            stored,
            tf.TensorSpec((None, None), "bool"),
            tf.TensorSpec((), "int32"),
        )
        self._read = tf.function(
            self.next_logits,
            input_signature=[
                tf.TensorSpec((None, None), "int32"),
                [cache] * len(self.blocks),
            ],
            autograph=False,
        )
        self.decode = {
            use_cache: tf.function(
                partial(decode, self, use_cache),
                input_signature=DECODE_SIGNATURE,
                autograph=False,
            )
            for use_cache in (True, False)
        }
        self._score = tf.function(
            partial(log_probabilities, self), jit_compile=True, autograph=False
        )

    def call(self, ids, caches=None, return_weights=False, training=None):
        """Return the logits of every next token.

        Parameters
        ----------
        ids : (B, T) of int
        caches : list of KeyValueCache, optional
            What :meth:`empty_caches` or an earlier call returned: ``ids``
            continue what was read then.
        return_weights : bool

        Returns
        -------
        logits : (B, T, V)
        weights : list of (B, H, T, T_k), one a layer
            If ``return_weights``.
        caches : list of KeyValueCache
            If caches were given.

        Raises
        ------
        TypeError
            If ids are not integers, caches are none, or ``return_weights`` is
            no truth value.
        ValueError
            If ids are not (B, T), one lies outside of the vocabulary, or the
            caches are not of the layers or have no room for them.
        """
        checks.flag("return_weights", return_weights)
        x, weights, caches = self.hidden(ids, caches, training)
        logits = self.logits(x)  # (B, T, V)
        results = (
            logits,
            *[weights] * return_weights,
            *[caches] * (caches is not None),
        )
        return results if len(results) > 1 else logits

    def hidden(self, ids, caches=None, training=None):
        """Return what the logits are made of, (B, T, d_model), then weights and
        caches.

        Raises
        ------
        TypeError, ValueError
            As :meth:`call` does.
        """
        ids = checks.some_ids("ids", ids, self.config.vocab_size)  # (B, T)
        mask = ops.not_equal(ids, 0)  # (B, T)
        # (B, T, d_model)
        x = self.dropout(self.embedding(ids), training=training)
        weights, extended = [], []
        if caches:
            checks.caches_of_layers(caches, len(self.blocks))
            # Every layer has read the same tokens. Said so, the graph masks and
            # turns them once.
            length, seen = caches[0].length, caches[0].mask
            caches = [
                cache._replace(length=length, mask=seen) for cache in caches
            ]
        for block, cache in zip(
            self.blocks, caches or [None] * len(self.blocks), strict=True
        ):
            x, block_weights, *cache = block(
                x,
                mask=mask,
                cache=cache,
                return_weights=True,
                training=training,
            )
            weights.append(block_weights)
            extended += cache
        return self.norm(x), weights, extended if caches is not None else None

    def logits(self, x):
        """Map the last hidden vectors (..., d_model) to logits (..., V), in 32
        bits at least.

        Raises
        ------
        TypeError
            If they are no floats.
        ValueError
            If they are of another width.
        """
        checks.tensor("x", x)
        checks.width("x", x, self.config.d_model)
        x = tf.cast(x, wide(x.dtype))  # (..., d_model)
        embeddings = tf.cast(self.embedding.embeddings, x.dtype)  # (V, d_model)
        # As one product of matrices, which is quicker than many small ones.
        logits = tf.matmul(
            tf.reshape(x, (-1, x.shape[-1])), embeddings, transpose_b=True
        )
        logits = tf.reshape(logits, (*ops.shape(x)[:-1], -1))  # (..., V)
        return tf.cast(logits, "float32") if logits.dtype.size < 4 else logits

    def next_logits(self, ids, caches=None):
        """Return the logits (B, V) of what comes after ``ids`` (B, T), and the
        caches.

        Raises
        ------
        TypeError, ValueError
            As :meth:`call` does.
        """
        x, _, caches = self.hidden(ids, caches)  # (B, T, d_model)
        return self.logits(x[:, -1:])[:, 0], caches

    def read(self, ids, caches):
        """Return what :meth:`next_logits` does, by a compiled graph.

        Raises
        ------
        TypeError
            If ids are not integers.
        ValueError
            If they are not (B, T), one lies outside of the vocabulary, or the
            caches are not of the layers or have no room for them.
        """
        ids = checks.batch_ids("ids", ids, self.config.vocab_size)  # (B, T)
        checks.caches(caches, len(self.blocks), ids.shape)
        return self._read(ids.astype("int32"), caches)

    def score(self, ids):
        """Return :func:`log_probabilities` of ids (B, T), by a graph that XLA
        compiles for each shape.

        Raises
        ------
        TypeError
            If ids are not integers.
        ValueError
            If they are not (B, T), or one lies outside of the vocabulary.
        """
        ids = checks.batch_ids("ids", ids, self.config.vocab_size)  # (B, T)
        return self._score(ids.astype("int32"))

    def check(self, ids, *others):
        """Look at a batch before it reaches a graph, which would read past the
        table.

        Raises
        ------
        TypeError
            If ids are not integers.
        ValueError
            If they are not (B, T), one lies outside of the vocabulary, or there
            is nothing to be learned but padding.
        """
        ids = checks.batch_ids("ids", ids, self.config.vocab_size)  # (B, T)
        checks.learnable("ids", ids[:, 1:])

    def empty_caches(self, batch_size, size):
        """Return one cache a layer, with room for ``size`` tokens of each
        sequence.

        Raises
        ------
        TypeError
            If a number is not an integer.
        ValueError
            If one is below 1.
        """
        checks.known_counts(batch_size=batch_size, size=size)
        return [
            block.attention.empty_cache(batch_size, size)
            for block in self.blocks
        ]

    def get_config(self):
        """Return the arguments of the constructor, and what adapters there
        are.
        """
        return super().get_config() | {"adapters": lora.sizes(self)}

    @classmethod
    def from_config(cls, config):
        """Make an untrained model of that configuration.

        Raises
        ------
        TypeError
            If it is no dict, or a size is none.
        ValueError
            If it lacks something, or a size is out of its range.
        """
        checks.keys("config", config, "config")
        plain = {name: config[name] for name in config if name != "adapters"}
        model = super().from_config(plain)
        lora.add_empty(model, config.get("adapters"))
        return model


def log_probabilities(model, ids, training=None):
    r"""The log-probability of every token after the first, :math:`\log
    p(x_{t+1} \mid x_1 \dots x_t)`.

    Parameters
    ----------
    model : GPT
    ids : (B, T) of int

    Returns
    -------
    (B, T - 1) tensor
        Zero where the token is padding. Gradients pass through it.

    Raises
    ------
    TypeError
        If ``model`` is no model, or ids that are known are not integers.
    ValueError
        If they are not (B, T), or one lies outside of the vocabulary.
    """
    checks.offers("model", model, "trainable_variables")
    ids = checks.some_ids("ids", ids)  # (B, T)
    logits = model(ids[:, :-1], training=training)  # (B, T - 1, V)
    targets = ids[:, 1:]  # (B, T - 1)
    size = checks.vocabulary_of("model", logits, targets.shape)
    checks.known_ids("ids", targets, size)
    # (B, T - 1)
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)
    return tf.where(targets == 0, 0.0, -losses)


def next_token_loss(model, ids, weights=None, training=None):
    r"""Mean cross-entropy of the next token, in nats.

    .. math::

        -\frac{\sum_t w_{t} \log p(x_t \mid x_1 \dots x_{t-1})}{\sum_t w_t}

    Parameters
    ----------
    model : GPT
    ids : (B, T) of int
    weights : (B, T) of float, optional
        ``w``: how much each token counts as a target; by default 1, at padding
        0.

    Returns
    -------
    () tensor

    Raises
    ------
    TypeError, ValueError
        As :func:`log_probabilities` does, or if weights that are known are no
        numbers of at least 0, one a token, with a target among them.
    """
    checks.offers("model", model, "trainable_variables")
    ids = checks.some_ids("ids", ids)  # (B, T)
    weights = ids != 0 if weights is None else weights  # (B, T)
    weights = checks.target_weights("weights", weights, ids.shape)
    weights = tf.cast(weights, "float32")[:, 1:]  # (B, T - 1)
    total = tf.reduce_sum(weights * log_probabilities(model, ids, training))
    return -total / tf.reduce_sum(weights)


def start_from_counts(model, ids, seed=0):
    """Give an untrained model what counting the text tells, and blocks that do
    nothing yet.

    The vectors are those of :func:`llmbook.mathematics.vectors.embed`; the
    shift of the last norm is the one that brings the logits closest, by least
    squares, to the logarithms of the tokens' frequencies; and every block's
    outputs start at zero, so that what it adds grows from nothing.

    Parameters
    ----------
    model : GPT
        Is changed; its ``norm`` must be the layer norm.
    ids : (N,) of int
        The text.
    seed : int
        Of the decomposition that makes the vectors.

    Returns
    -------
    GPT
        The model.

    Raises
    ------
    TypeError
        If ``model`` is no GPT or the ids are not integers.
    ValueError
        If the norm is another, an id lies outside of the vocabulary, or the
        text tells nothing: all its tokens keep the same company.
    """
    checks.kind("model", model, GPT)
    seed = checks.seed(seed)
    checks.one_of("model.config.norm", model.config.norm, ("layer",))
    vocab_size, width = model.config.vocab_size, model.config.d_model
    # (V, d_model)
    vectors = embed(ids, vocab_size, width, 2, np.random.default_rng(seed))
    checks.spread("ids", vectors)
    vectors = 0.1 * vectors / vectors.std()  # (V, d_model)
    frequency = np.log(np.bincount(ids, minlength=vocab_size) + 1.0)  # (V,)
    shift = np.linalg.lstsq(vectors, frequency - frequency.mean(), rcond=None)[
        0
    ]  # (d_model,)
    model.embedding.embeddings.assign(vectors)
    model.norm.beta.assign(shift)
    for block in model.blocks:
        for part in (block.attention, block.feed_forward):
            part.output_projection.kernel.assign(
                tf.zeros_like(part.output_projection.kernel)
            )
    return model


def perplexity(model, ids, batch_size=16):
    r"""The perplexity of a text: among how many tokens the model is as good as
    torn.

    .. math::

        \exp\Big(-\frac{1}{N - 1} \sum_{t=2}^{N} \log p(x_t \mid x_{t - c} \dots
        x_{t-1})\Big)

    The text is read in windows of ``config.length`` that overlap by half, so
    that all tokens but those of the first window have a context ``c`` of at
    least half that length.

    Parameters
    ----------
    model : GPT
    ids : (N,) of int
        At least two tokens.
    batch_size : int
        How many windows are read at a time.

    Raises
    ------
    TypeError, ValueError
        As :func:`text_log_probabilities` does.
    """
    surprise = -text_log_probabilities(model, ids, batch_size).mean()
    return float(losses.perplexity(surprise))


def text_log_probabilities(model, ids, batch_size=16):
    """Return the log-probability of each token of a text but the first, (N -
    1,).

    Raises
    ------
    TypeError
        If ``model`` is no GPT, the ids are not integers, or ``batch_size`` is
        none.
    ValueError
        If ``ids`` is not one text, (N,), of at least two tokens, one of them
        lies outside of the vocabulary, or ``batch_size`` is below 1.
    """
    checks.kind("model", model, GPT)
    checks.count("batch_size", batch_size)
    ids = checks.text_ids("ids", ids, model.config.vocab_size)
    if len(ids) < 2:
        raise ValueError(
            "ids must be one text of at least two tokens, got shape"
            f" {ids.shape}"
        )
    length = model.config.length
    half = max(1, length // 2)
    count = max(0, -(-(len(ids) - 1 - length) // half)) + 1  # windows
    # whole batches: XLA compiles a single shape
    rows = -(-count // batch_size) * batch_size
    padded = np.zeros((rows - 1) * half + length + 1, "int32")
    padded[: len(ids)] = ids
    # (rows, length + 1)
    read = padded[np.arange(rows)[:, None] * half + np.arange(length + 1)]
    batches = np.split(read, rows // batch_size)
    # (rows, length)
    scores = np.concatenate([model.score(batch).numpy() for batch in batches])
    # the later half is new in each window
    first, later = scores[0], scores[1:, length - half :]
    return np.concatenate([first, later.reshape(-1)])[: len(ids) - 1]


def save(model, path):
    """Write a model, with its adapters if it has some, to a ``.keras`` file, by
    :func:`llmbook.models.saving.save`.

    Raises
    ------
    TypeError
        If ``model`` is no GPT, or ``path`` no path.
    ValueError
        If the path ends otherwise.
    OSError
        If the file cannot be written.
    """
    checks.kind("model", model, GPT)
    saving.save(model, path)


def load(path):
    """Read what :func:`save` wrote.

    Raises
    ------
    TypeError
        If ``path`` is no path.
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is damaged or holds something else.
    """
    return saving.load(path, GPT)
