r"""A GPT: the decoder built from :mod:`llmbook.layers`, how it is trained and how it writes.

Shapes: ``B`` sequences of ``T`` tokens over a vocabulary of ``V``. Id 0 is padding, on either side
of a sequence, and is masked wherever it stands.
"""

import os
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from llmbook.layers import KeyValueCache, RMSNorm, TransformerBlock
from llmbook.vectors import embed


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
        As for :class:`llmbook.layers.TransformerBlock`; ``norm`` also stands before the logits.
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


@keras.saving.register_keras_serializable("llmbook")
class GPT(keras.Model):
    r"""Predict every next token from those before it.

    .. math::

        h_0 = E[\mathrm{ids}], \qquad h_l = \mathrm{Block}_l(h_{l-1}), \qquad
        \mathrm{logits} = \mathrm{Norm}(h_L)\, E^\top

    (Radford et al. 2018, Eq. 2, with pre-norm blocks and rotary positions). The embedding ``E``
    reads and writes: it is tied (Press and Wolf 2017).

    Parameters
    ----------
    config : GPTConfig
    """

    def __init__(self, config, **kwargs):
        super().__init__(**kwargs)
        self.config = config
        self.embedding = keras.layers.Embedding(
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
        norm = RMSNorm if config.norm == "rms" else keras.layers.LayerNormalization
        self.norm = norm(epsilon=1e-5, name="norm", dtype=self.dtype_policy)
        self.dropout = keras.layers.Dropout(config.dropout, dtype=self.dtype_policy)
        shape = (None, None, config.d_model)
        self.embedding.build()
        for layer in (*self.blocks, self.norm):
            layer.build(shape)
        self.built = True
        self.trace_anew()

    def trace_anew(self):
        """Forget the compiled graphs: to be called whenever a layer has been replaced by another.

        There is one graph for all batches and lengths, traced at its first use and then kept.
        """
        attention = self.blocks[0].attention
        shape = (None, attention.num_kv_heads, None, attention.d_k)
        stored = tf.TensorSpec(shape, attention.compute_dtype)
        cache = KeyValueCache(
            stored, stored, tf.TensorSpec((None, None), "bool"), tf.TensorSpec((), "int32")
        )
        self.read = tf.function(
            self.next_logits,
            input_signature=[tf.TensorSpec((None, None), "int32"), [cache] * len(self.blocks)],
            autograph=False,
        )
        self.decode = {
            use_cache: tf.function(
                partial(_decode, self, use_cache),
                input_signature=_DECODE_SIGNATURE,
                autograph=False,
            )
            for use_cache in (True, False)
        }
        self.score = tf.function(
            partial(log_probabilities, self), jit_compile=True, autograph=False
        )

    def call(self, ids, caches=None, return_weights=False, training=None):
        """Return the logits of every next token.

        Parameters
        ----------
        ids : (B, T) of int
        caches : list of KeyValueCache, optional
            What :meth:`empty_caches` or an earlier call returned: ``ids`` continue what was read
            then.
        return_weights : bool

        Returns
        -------
        logits : (B, T, V)
        weights : list of (B, H, T, T_k), one a layer
            If ``return_weights``.
        caches : list of KeyValueCache
            If caches were given.
        """
        x, weights, caches = self.hidden(ids, caches, training)
        logits = self.logits(x)  # (B, T, V)
        results = (logits, *[weights] * return_weights, *[caches] * (caches is not None))
        return results if len(results) > 1 else logits

    def hidden(self, ids, caches=None, training=None):
        """Return what the logits are made of, (B, T, d_model), then weights and caches."""
        mask = ops.not_equal(ids, 0)  # (B, T)
        x = self.dropout(self.embedding(ids), training=training)  # (B, T, d_model)
        weights, extended = [], []
        if caches:
            # Every layer has read the same tokens. Said so, the graph masks and turns them once.
            length, seen = caches[0].length, caches[0].mask
            caches = [cache._replace(length=length, mask=seen) for cache in caches]
        for block, cache in zip(self.blocks, caches or [None] * len(self.blocks), strict=True):
            x, block_weights, *cache = block(
                x, mask=mask, cache=cache, return_weights=True, training=training
            )
            weights.append(block_weights)
            extended += cache
        return self.norm(x), weights, extended if caches is not None else None

    def logits(self, x):
        """Map the last hidden vectors (..., d_model) to logits (..., V), in 32 bits at least."""
        embeddings = tf.cast(self.embedding.embeddings, x.dtype)  # (V, d_model)
        # As one product of matrices, which is quicker than many small ones.
        logits = tf.matmul(tf.reshape(x, (-1, x.shape[-1])), embeddings, transpose_b=True)
        logits = tf.reshape(logits, (*ops.shape(x)[:-1], -1))  # (..., V)
        return tf.cast(logits, "float32") if logits.dtype.size < 4 else logits

    def next_logits(self, ids, caches=None):
        """Return the logits (B, V) of what comes after ``ids`` (B, T), and the caches."""
        x, _, caches = self.hidden(ids, caches)  # (B, T, d_model)
        return self.logits(x[:, -1:])[:, 0], caches

    def empty_caches(self, batch_size, size):
        """Return one cache a layer, with room for ``size`` tokens of each sequence."""
        return [block.attention.empty_cache(batch_size, size) for block in self.blocks]

    def get_config(self):
        """Return the arguments of the constructor."""
        return {**super().get_config(), "config": asdict(self.config)}

    @classmethod
    def from_config(cls, config):
        """Make an untrained model of that configuration."""
        return cls(**{**config, "config": GPTConfig(**config["config"])})


def log_probabilities(model, ids, training=None):
    r"""The log-probability of every token after the first, :math:`\log p(x_{t+1} \mid x_1 \dots
    x_t)`.

    Parameters
    ----------
    model : GPT
    ids : (B, T) of int

    Returns
    -------
    (B, T - 1) tensor
        Zero where the token is padding. Gradients pass through it.
    """
    logits = model(ids[:, :-1], training=training)  # (B, T - 1, V)
    targets = ids[:, 1:]  # (B, T - 1)
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)  # (B, T - 1)
    return tf.where(targets == 0, 0.0, -losses)


def next_token_loss(model, ids, weights=None, training=None):
    r"""Mean cross-entropy of the next token, in nats.

    .. math:: -\frac{\sum_t w_{t} \log p(x_t \mid x_1 \dots x_{t-1})}{\sum_t w_t}

    Parameters
    ----------
    model : GPT
    ids : (B, T) of int
    weights : (B, T) of float, optional
        ``w``: how much each token counts as a target; by default 1, at padding 0.

    Returns
    -------
    () tensor
    """
    weights = tf.cast(ids != 0, "float32") if weights is None else weights
    weights = weights[:, 1:]  # (B, T - 1)
    total = tf.reduce_sum(weights * log_probabilities(model, ids, training))
    return -total / tf.reduce_sum(weights)


def start_from_counts(model, ids, seed=0):
    """Give an untrained model what counting the text tells, and blocks that do nothing yet.

    The vectors are those of :func:`llmbook.vectors.embed`; the shift of the last norm is the one
    that brings the logits closest, by least squares, to the logarithms of the tokens' frequencies;
    and every block's outputs start at zero, so that what it adds grows from nothing.

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
    """
    vocab_size, width = model.config.vocab_size, model.config.d_model
    vectors = embed(ids, vocab_size, width, 2, np.random.default_rng(seed))  # (V, d_model)
    vectors = 0.1 * vectors / vectors.std()  # (V, d_model)
    frequency = np.log(np.bincount(ids, minlength=vocab_size) + 1.0)  # (V,)
    shift = np.linalg.lstsq(vectors, frequency - frequency.mean(), rcond=None)[0]  # (d_model,)
    model.embedding.embeddings.assign(vectors)
    model.norm.beta.assign(shift)
    for block in model.blocks:
        for part in (block.attention, block.feed_forward):
            part.output_projection.kernel.assign(tf.zeros_like(part.output_projection.kernel))
    return model


def windows(ids, length, batch_size, seed=0):
    """Return a function of the step that draws windows of ``length + 1`` tokens of a text.

    The windows of a step depend on ``seed`` and the step alone, so that an interrupted training can
    go on with those it would have seen.

    Parameters
    ----------
    ids : (N,) of int
        The text.
    length, batch_size, seed : int

    Raises
    ------
    ValueError
        If the text is shorter than a window.
    """
    ids = np.asarray(ids, "int32")
    if len(ids) <= length:
        raise ValueError(f"ids must hold more than length={length} tokens, got {len(ids)}")

    def batch(step):
        starts = np.random.default_rng((seed, step)).integers(0, len(ids) - length, batch_size)
        return ids[starts[:, None] + np.arange(length + 1)]  # (B, T + 1)

    return batch


def train(
    model,
    batch,
    steps,
    learning_rate=3e-3,
    warmup=0.1,
    weight_decay=0.1,
    clip=1.0,
    loss=next_token_loss,
    checkpoint=None,
    every=100,
    report=None,
    jit_compile=True,
):
    """Minimise a loss by AdamW, in one compiled step: warm-up, cosine decay, clipped gradients.

    Parameters
    ----------
    model : GPT
        Is changed.
    batch : function
        Of the step, 0 … ``steps - 1``; returns the arguments of ``loss`` after the model, one array
        or a tuple, in shapes that stay the same.
    steps : int
    learning_rate : float
        The highest, reached after the share ``warmup`` of the steps; the cosine then takes it to a
        twentieth (Loshchilov and Hutter 2017, Eq. 5).
    weight_decay : float
        Of all matrices but the embedding.
    clip : float
        The largest norm of the gradient, all variables together (Pascanu et al. 2013, algorithm 1).
    loss : function
        Of the model, a batch, and ``training``.
    checkpoint : path, optional
        A file that is written every ``every`` steps and at the end. If it exists, training goes on
        from it, to the same result as if it had never stopped.
    report : function, optional
        Is called with the number of steps done and the mean loss of the last ``every`` of them.
    jit_compile : bool
        Whether XLA compiles the step: some seconds at first, less at every step.

    Returns
    -------
    (steps,) array
        The loss of every step.

    Raises
    ------
    ValueError
        If ``checkpoint`` is of another model or another number of steps.
    """
    optimizer = adamw(model, steps, learning_rate, warmup, weight_decay, clip)
    step = compiled_step(model, optimizer, loss, jit_compile)
    state = [*model.variables, *optimizer.variables]
    losses = np.zeros(steps, "float32")
    done = 0 if checkpoint is None else _restore(checkpoint, state, losses)
    while done < steps:
        inputs = batch(done)
        losses[done] = step(*(inputs if isinstance(inputs, tuple) else (inputs,)))
        done += 1
        if done % every == 0 or done == steps:
            if report is not None:
                report(done, float(losses[max(0, done - every) : done].mean()))
            if checkpoint is not None:
                _store(checkpoint, state, losses, done)
    return losses


def adamw(model, steps, learning_rate, warmup=0.1, weight_decay=0.1, clip=1.0):
    """Return the optimizer that :func:`train` describes, with its state made."""
    warmup_steps = int(warmup * steps)
    optimizer = keras.optimizers.AdamW(
        keras.optimizers.schedules.CosineDecay(
            0.0,
            decay_steps=steps - warmup_steps,
            alpha=0.05,
            warmup_target=learning_rate,
            warmup_steps=warmup_steps,
        ),
        weight_decay=weight_decay,
        beta_2=0.98,
        global_clipnorm=clip,
    )
    optimizer.exclude_from_weight_decay(var_names=["embeddings", "bias", "gamma", "beta"])
    optimizer.build(model.trainable_variables)
    return optimizer


def compiled_step(model, optimizer, loss=next_token_loss, jit_compile=True):
    """Return a function of a batch that changes the model by one step and returns the loss."""
    variables = model.trainable_variables

    @tf.function(jit_compile=jit_compile, autograph=False)
    def step(*inputs):
        with tf.GradientTape() as tape:
            value = loss(model, *inputs, training=True)
        optimizer.apply(tape.gradient(value, variables), variables)
        return value

    return step


def _store(path, state, losses, done):
    """Write a checkpoint so that a kill in the middle leaves the one before it whole."""
    values = {f"variable_{i}": variable.numpy() for i, variable in enumerate(state)}
    unfinished = Path(f"{path}.unfinished")
    with unfinished.open("wb") as file:
        np.savez(file, losses=losses, done=done, **values)
    os.replace(unfinished, path)


def _restore(path, state, losses):
    """Read a checkpoint into the variables and losses; return how many steps were done."""
    if not Path(path).exists():
        return 0
    with np.load(path, allow_pickle=False) as stored:
        shapes = [stored[name].shape for name in stored.files[2:]]
        if shapes != [variable.shape for variable in state] or len(stored["losses"]) != len(losses):
            raise ValueError(
                f"checkpoint must be of this model and of {len(losses)} steps, {str(path)!r} is of "
                f"another model or of {len(stored['losses'])} steps"
            )
        for i, variable in enumerate(state):
            variable.assign(stored[f"variable_{i}"])
        losses[:] = stored["losses"]
        return int(stored["done"])


def perplexity(model, ids, batch_size=16):
    r"""The perplexity of a text: among how many tokens the model is as good as torn.

    .. math:: \exp\Big(-\frac{1}{N - 1} \sum_{t=2}^{N} \log p(x_t \mid x_{t - c} \dots x_{t-1})\Big)

    The text is read in windows of ``config.length`` that overlap by half, so that all tokens but
    those of the first window have a context ``c`` of at least half that length.

    Parameters
    ----------
    model : GPT
    ids : (N,) of int
        At least two tokens.
    batch_size : int
        How many windows are read at a time.
    """
    return float(np.exp(-text_log_probabilities(model, ids, batch_size).mean()))


def text_log_probabilities(model, ids, batch_size=16):
    """Return the log-probability of each token of a text but the first, (N - 1,).

    Raises
    ------
    ValueError
        If ``ids`` is not one text, (N,), of at least two tokens.
    """
    ids = np.asarray(ids, "int32")
    if ids.ndim != 1 or len(ids) < 2:
        raise ValueError(f"ids must be one text of at least two tokens, got shape {ids.shape}")
    length = model.config.length
    half = length // 2
    count = max(0, -(-(len(ids) - 1 - length) // half)) + 1  # windows
    rows = -(-count // batch_size) * batch_size  # whole batches: XLA compiles a single shape
    padded = np.zeros((rows - 1) * half + length + 1, "int32")
    padded[: len(ids)] = ids
    read = padded[np.arange(rows)[:, None] * half + np.arange(length + 1)]  # (rows, length + 1)
    batches = np.split(read, rows // batch_size)
    scores = np.concatenate([model.score(batch).numpy() for batch in batches])  # (rows, length)
    first, later = scores[0], scores[1:, length - half :]  # the later half is new in each window
    return np.concatenate([first, later.reshape(-1)])[: len(ids) - 1]


def adjusted_logits(logits, temperature=1.0, top_k=0, top_p=1.0, repetition_penalty=1.0, seen=None):
    """Change a distribution over the next token before it is sampled from.

    In this order: tokens already ``seen`` are made less likely, their logits divided by
    ``repetition_penalty`` if they are positive and multiplied by it if not (Keskar et al. 2019,
    section 4.1); all logits are divided by ``temperature``; all but the ``top_k`` likeliest tokens
    are excluded (Fan et al. 2018); and then all but the fewest likeliest that together have a
    probability of ``top_p`` (Holtzman et al. 2020, Eq. 2 and 3).

    Parameters
    ----------
    logits : (B, V)
    temperature : float
        Above 0.
    top_k : int
        0 excludes none.
    top_p : float
        1 excludes none.
    repetition_penalty : float
        1 punishes none.
    seen : (B, V) of bool, optional

    Returns
    -------
    (B, V) tensor
        Minus infinity where a token is excluded.
    """
    logits = tf.convert_to_tensor(logits, "float32")
    if seen is not None:
        punished = tf.where(logits > 0, logits / repetition_penalty, logits * repetition_penalty)
        logits = tf.where(seen, punished, logits)  # (B, V)
    logits = logits / temperature

    def exclude():
        ranked = tf.sort(logits, direction="DESCENDING")  # (B, V)
        rank = tf.range(tf.shape(logits)[-1])
        kept = (rank < top_k) | (top_k == 0)  # (V,)
        ranked = tf.where(kept, ranked, -np.inf)
        probabilities = tf.nn.softmax(ranked)  # (B, V)
        before = tf.cumsum(probabilities, axis=-1, exclusive=True)  # (B, V)
        kept = kept & ((before < top_p) | (top_p >= 1) | (rank == 0))  # (B, V)
        least = tf.reduce_min(tf.where(kept, ranked, np.inf), axis=-1, keepdims=True)  # (B, 1)
        return tf.where(logits < least, -np.inf, logits)

    return tf.cond(tf.not_equal(top_k, 0) | (top_p < 1), exclude, lambda: logits)


_DECODE_SIGNATURE = [
    tf.TensorSpec((None, None), "int32"),  # prompts
    tf.TensorSpec((), "int32"),  # max_new
    tf.TensorSpec((), "float32"),  # temperature
    tf.TensorSpec((), "int32"),  # top_k
    tf.TensorSpec((), "float32"),  # top_p
    tf.TensorSpec((), "float32"),  # repetition_penalty
    tf.TensorSpec((), "int32"),  # stop
    tf.TensorSpec((), "int32"),  # seed
]


def _decode(
    model, use_cache, prompts, max_new, temperature, top_k, top_p, repetition_penalty, stop, seed
):
    """Continue left-padded prompts (B, P): (B, P + max_new), zeros after ``stop``."""
    rows, start = tf.shape(prompts)[0], tf.shape(prompts)[1]
    vocab_size = model.config.vocab_size
    end = start + max_new

    def next_logits(ids, caches):
        """Logits after the last of ``ids``, (B, V); without caches ``ids`` are the whole text."""
        logits, extended = model.next_logits(ids, caches if use_cache else None)  # (B, V)
        return logits, extended if use_cache else caches

    def pick(logits, position, seen):
        """Sample: the largest of the logits, each disturbed by Gumbel noise (Gumbel 1954)."""
        greedy = temperature <= 0
        logits = tf.where(tf.range(vocab_size) == 0, -np.inf, logits)  # padding is no token
        logits = adjusted_logits(
            logits, tf.where(greedy, 1.0, temperature), top_k, top_p, repetition_penalty, seen
        )
        uniform = tf.random.stateless_uniform((rows, vocab_size), (seed, position), 1e-9, 1.0)
        noise = tf.where(greedy, 0.0, -tf.math.log(-tf.math.log(uniform)))  # (B, V)
        return tf.argmax(logits + noise, axis=-1, output_type=tf.int32)  # (B,)

    def step(position, ids, logits, seen, finished, caches):
        token = tf.where(finished, 0, pick(logits, position, seen))  # (B,)
        ids = tf.tensor_scatter_nd_update(
            ids, tf.stack([tf.range(rows), tf.fill([rows], position)], axis=1), token
        )
        seen |= tf.one_hot(token, vocab_size, True, False)
        finished |= token == stop
        written = token[:, None] if use_cache else ids[:, : position + 1]
        logits, caches = next_logits(written, caches)
        return position + 1, ids, logits, seen, finished, caches

    logits, caches = next_logits(prompts, model.empty_caches(rows, end) if use_cache else [])
    seen = tf.reduce_any(tf.one_hot(prompts, vocab_size, True, False), axis=1)  # (B, V)
    ids = tf.pad(prompts, [[0, 0], [0, max_new]])  # (B, P + max_new)
    finished = tf.zeros((rows,), "bool")
    state = (start, ids, logits, seen, finished, caches)
    going_on = lambda position, ids, logits, seen, finished, caches: (  # noqa: E731
        (position < end) & ~tf.reduce_all(finished)
    )
    return tf.while_loop(going_on, step, state)[1]


def generate(
    model,
    prompts,
    max_new,
    temperature=1.0,
    top_k=0,
    top_p=1.0,
    repetition_penalty=1.0,
    stop=None,
    use_cache=True,
    seed=0,
):
    """Continue prompts, token by token, each drawn from the model's distribution.

    Parameters
    ----------
    model : GPT
    prompts : list of sequences of int, or (B, P) of int
        Each at least one token; they may differ in length.
    max_new : int
        How many tokens are written at most.
    temperature : float
        0 takes the likeliest token each time.
    top_k, top_p, repetition_penalty
        See :func:`adjusted_logits`.
    stop : int, optional
        The token after which a sequence ends.
    use_cache : bool
        Whether keys and values of what was read are kept, or all is computed again for each token.
        The tokens are the same but for rounding.
    seed : int

    Returns
    -------
    (B, max_new) array of int32
        Without the prompts; 0 after ``stop``.

    Raises
    ------
    ValueError
        If there is no prompt, one is empty, a number is out of its range, or prompt and
        continuation are together longer than ``config.length``.
    """
    _check_decoding(temperature, top_k, top_p, repetition_penalty)
    if len(prompts) == 0 or min(len(prompt) for prompt in prompts) == 0:
        raise ValueError("prompts must hold at least one prompt, and each at least one token")
    longest = max(len(prompt) for prompt in prompts)
    if max_new < 1 or longest + max_new > model.config.length:
        raise ValueError(
            f"max_new must be at least 1 and, after a prompt of {longest}, fit the model's length "
            f"of {model.config.length}, got {max_new}"
        )
    ids = np.array([[0] * (longest - len(prompt)) + list(prompt) for prompt in prompts], "int32")
    decoded = model.decode[use_cache](
        ids,
        max_new,
        temperature,
        top_k,
        top_p,
        repetition_penalty,
        -1 if stop is None else stop,
        seed,
    )
    return decoded.numpy()[:, longest:]


def stream(model, prompt, max_new, stop=None, pick=np.argmax):
    """Continue one prompt, and yield each token as soon as it is known.

    Parameters
    ----------
    model : GPT
    prompt : sequence of int
        At least one token.
    max_new : int
        How many tokens are written at most.
    stop : int, optional
        The token that ends the text; it is not yielded.
    pick : callable
        Chooses a token, given the logits of all, (V,); by default the likeliest.

    Yields
    ------
    int
    """
    ids, caches = list(prompt), model.empty_caches(1, len(prompt) + max_new)
    for _ in range(max_new):
        logits, caches = model.read(np.array([ids], "int32"), caches)  # (1, V)
        logits = logits.numpy()[0]  # (V,)
        logits[0] = -np.inf  # padding is no token
        token = int(pick(logits))
        if token == stop:
            return
        yield token
        ids = [token]


def _check_decoding(temperature, top_k, top_p, repetition_penalty):
    for name, value, fits, range_ in (
        ("temperature", temperature, temperature >= 0, "at least 0"),
        ("top_k", top_k, top_k >= 0, "at least 0"),
        ("top_p", top_p, 0 < top_p <= 1, "above 0 and at most 1"),
        ("repetition_penalty", repetition_penalty, repetition_penalty > 0, "above 0"),
    ):
        if not fits:
            raise ValueError(f"{name} must be {range_}, got {value}")


def save(model, path):
    """Write a model to a ``.keras`` file: a zip of JSON and HDF5, without pickle."""
    model.save(path)


def load(path):
    """Read what :func:`save` wrote.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it holds something else.
    """
    if not Path(path).exists():
        raise FileNotFoundError(f"path must be a file that save wrote, got {str(path)!r}")
    model = keras.models.load_model(path, compile=False)
    if not isinstance(model, GPT):
        raise ValueError(f"path must hold a GPT, {str(path)!r} holds a {type(model).__name__}")
    return model
