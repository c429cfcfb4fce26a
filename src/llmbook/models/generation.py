"""Generation: how a model writes, token by token, and the choices at each of
them.
"""

import numpy as np
import tensorflow as tf

from llmbook import checks


def adjusted_logits(
    logits,
    temperature=1.0,
    top_k=0,
    top_p=1.0,
    repetition_penalty=1.0,
    seen=None,
):
    """Change a distribution over the next token before it is sampled from.

    In this order: tokens already ``seen`` are made less likely, their logits
    divided by ``repetition_penalty`` if they are positive and multiplied by it
    if not (Keskar et al. 2019, section 4.1); all logits are divided by
    ``temperature``; all but the ``top_k`` likeliest tokens are excluded (Fan et
    al. 2018); and then all but the fewest likeliest that together have a
    probability of ``top_p`` (Holtzman et al. 2020, Eq. 2 and 3).

    Parameters
    ----------
    logits : (B, V)
    temperature : float
        Above 0.
    top_k : int
        0 excludes none. Tokens as likely as the last of those kept are kept as
        well.
    top_p : float
        1 excludes none.
    repetition_penalty : float
        1 punishes none.
    seen : (B, V) of bool, optional

    Returns
    -------
    (B, V) tensor
        Minus infinity where a token is excluded.

    Raises
    ------
    TypeError
        If a number is none.
    ValueError
        If a number is out of its range, a row of logits holds a NaN, an
        infinity or nothing but -inf, or shapes do not fit.
    """
    checks.next_logits(logits, seen)
    checks.decoding(temperature, top_k, top_p, repetition_penalty, greedy=False)
    logits = tf.convert_to_tensor(logits, "float32")
    if seen is not None:
        punished = tf.where(
            logits > 0, logits / repetition_penalty, logits * repetition_penalty
        )
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
        least = tf.reduce_min(
            tf.where(kept, ranked, np.inf), axis=-1, keepdims=True
        )  # (B, 1)
        return tf.where(logits < least, -np.inf, logits)

    return tf.cond(
        tf.not_equal(top_k, 0) | (top_p < 1), exclude, lambda: logits
    )


DECODE_SIGNATURE = [
    tf.TensorSpec((None, None), "int32"),  # prompts
    tf.TensorSpec((), "int32"),  # max_new
    tf.TensorSpec((), "float32"),  # temperature
    tf.TensorSpec((), "int32"),  # top_k
    tf.TensorSpec((), "float32"),  # top_p
    tf.TensorSpec((), "float32"),  # repetition_penalty
    tf.TensorSpec((), "int32"),  # stop
    tf.TensorSpec((), "int32"),  # seed
]


def decode(
    model,
    use_cache,
    prompts,
    max_new,
    temperature,
    top_k,
    top_p,
    repetition_penalty,
    stop,
    seed,
):
    """Continue left-padded prompts (B, P): (B, P + max_new), zeros after
    ``stop``.

    This is what :func:`generate` compiles; there a ``stop`` of -1 is none.

    Raises
    ------
    TypeError
        If ``model`` is no GPT, or a number that is known is none.
    ValueError
        If prompts that are known are not (B, P), or a number is out of its
        range.
    """
    checks.offers("model", model, "config", "next_logits", "empty_caches")
    checks.flag("use_cache", use_cache)
    prompts = checks.some_ids("prompts", prompts, model.config.vocab_size)
    checks.known_counts(max_new=max_new)
    checks.decoding(temperature, top_k, top_p, repetition_penalty)
    checks.known_integers(stop=stop)
    checks.known_ids("seed", seed, 2**31, 0)
    rows, start = tf.shape(prompts)[0], tf.shape(prompts)[1]
    vocab_size = model.config.vocab_size
    end = start + max_new

    def next_logits(ids, caches):
        """Logits after the last of ``ids``, (B, V); without caches ``ids`` are
        the whole text.
        """
        # (B, V)
        logits, extended = model.next_logits(ids, caches if use_cache else None)
        return logits, extended if use_cache else caches

    def pick(logits, position, seen):
        """Sample: the largest of the logits, each disturbed by Gumbel noise
        (Gumbel 1954).
        """
        greedy = temperature <= 0
        # padding is no token
        logits = tf.where(tf.range(vocab_size) == 0, -np.inf, logits)
        logits = adjusted_logits(
            logits,
            tf.where(greedy, 1.0, temperature),
            top_k,
            top_p,
            repetition_penalty,
            seen,
        )
        uniform = tf.random.stateless_uniform(
            (rows, vocab_size), (seed, position), 1e-9, 1.0
        )
        # (B, V)
        noise = tf.where(greedy, 0.0, -tf.math.log(-tf.math.log(uniform)))
        return tf.argmax(logits + noise, axis=-1, output_type=tf.int32)  # (B,)

    def step(position, ids, logits, seen, finished, caches):
        token = tf.where(finished, 0, pick(logits, position, seen))  # (B,)
        ids = tf.tensor_scatter_nd_update(
            ids,
            tf.stack([tf.range(rows), tf.fill([rows], position)], axis=1),
            token,
        )
        seen |= tf.one_hot(token, vocab_size, True, False)
        finished |= token == stop
        written = token[:, None] if use_cache else ids[:, : position + 1]
        logits, caches = next_logits(written, caches)
        return position + 1, ids, logits, seen, finished, caches

    logits, caches = next_logits(
        prompts, model.empty_caches(rows, end) if use_cache else []
    )
    # (B, V)
    seen = tf.reduce_any(tf.one_hot(prompts, vocab_size, True, False), axis=1)
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
    """Continue prompts, token by token, each drawn from the model's
    distribution.

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
        Whether keys and values of what was read are kept, or all is computed
        again for each token. The tokens are the same but for rounding.
    seed : int

    Returns
    -------
    (B, max_new) array of int32
        Without the prompts; 0 after ``stop``.

    Raises
    ------
    TypeError
        If a number is none, or a prompt is no sequence of integers.
    ValueError
        If there is no prompt, one is empty, an id lies outside of the
        vocabulary, a number is out of its range, or prompt and continuation are
        together longer than ``config.length``.
    """
    checks.offers("model", model, "config", "decode")
    checks.flag("use_cache", use_cache)
    prompts = checks.prompts(prompts, model.config.vocab_size)
    max_new = checks.continuation(max_new, prompts, model.config.length)
    checks.decoding(temperature, top_k, top_p, repetition_penalty)
    checks.stop(stop, model.config.vocab_size)
    seed = checks.seed(seed)
    longest = max(len(prompt) for prompt in prompts)
    ids = np.array(
        [[0] * (longest - len(prompt)) + prompt for prompt in prompts],
        "int32",
    )
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
        Chooses a token, given the logits of all, (V,); by default the
        likeliest.

    Yields
    ------
    int

    Raises
    ------
    TypeError
        If a number is none, the prompt is no sequence of integers, or ``pick``
        returns no integer.
    ValueError
        If the prompt is empty, an id lies outside of the vocabulary, what
        ``pick`` returns among them, or prompt and continuation are together
        longer than ``config.length``.
    """
    checks.offers("model", model, "config", "read", "empty_caches")
    (prompt,) = checks.prompts([prompt], model.config.vocab_size, "prompt")
    max_new = checks.continuation(max_new, [prompt], model.config.length)
    checks.stop(stop, model.config.vocab_size)
    checks.function("pick", pick)
    return _stream(model, prompt, max_new, stop, pick)


def _stream(model, ids, max_new, stop, pick):
    caches = model.empty_caches(1, len(ids) + max_new)
    for _ in range(max_new):
        logits, caches = model.read(np.array([ids], "int32"), caches)  # (1, V)
        logits = logits.numpy()[0]  # (V,)
        logits[0] = -np.inf  # padding is no token
        token = checks.integer("what pick returns", pick(logits))
        checks.ids("what pick returns", token, len(logits))
        if token == stop:
            return
        yield token
        ids = [token]
