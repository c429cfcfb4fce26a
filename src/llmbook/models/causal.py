"""Write with any causal model of Keras: one of KerasHub's, or one of your own.

What :func:`llmbook.models.generation.generate` does for the book's GPT with a
cache, compiled, this does for whatever maps ids (B, T) to logits (B, T, V), the
plain way. So such a model can learn from feedback as the GPT does:
``Learner(task, model, causal.generate)``.
"""

import numpy as np

from llmbook import checks


def generate(model, prompts, max_new, temperature=1.0, stop=None, seed=0):
    """Continue prompts, token by token, each drawn from the model's
    distribution.

    Parameters
    ----------
    model : callable
        Maps ids (B, T) of int32 to logits (B, T, V); what it says at a position
        must depend on that position and those before it alone.
    prompts : list of sequences of int
        Each at least one token; they may differ in length.
    max_new : int
        How many tokens are written at most.
    temperature : float
        0 takes the likeliest token each time.
    stop : int, optional
        The token after which a sequence ends.
    seed : int

    Returns
    -------
    (B, max_new) array of int32
        Without the prompts; 0 after ``stop``.

    Raises
    ------
    TypeError
        If ``model`` cannot be called, a number is none, or a prompt is no
        sequence of integers.
    ValueError
        If there is no prompt, one is empty, an id lies outside of the
        vocabulary, a number is out of its range, or the model says a NaN, or
        something else than logits.
    """
    prompts = checks.prompts(prompts, 2**31)
    checks.function("model", model)
    checks.decoding(temperature)
    max_new, seed = checks.count("max_new", max_new), checks.seed(seed)
    sizes = np.array([len(prompt) for prompt in prompts])  # (B,)
    rng, rows = np.random.default_rng(seed), np.arange(len(prompts))
    # (B, T), zeros on the right
    ids = np.zeros((len(prompts), sizes.max() + max_new), "int32")
    for row, prompt in zip(ids, prompts, strict=True):
        row[: len(prompt)] = prompt
    # how many ids the model knows, as it says of a row of padding
    said = model(np.zeros_like(ids[:1]))  # (1, T, V)
    vocab_size = checks.vocabulary_of("model", said, ids[:1].shape)
    checks.ids("prompts", ids, vocab_size)
    checks.stop(stop, vocab_size)
    written = np.zeros((len(prompts), max_new), "int32")  # (B, max_new)
    ended = np.zeros(len(prompts), "bool")  # (B,)
    for step in range(max_new):
        # (B, V)
        logits = np.array(model(ids), "float64")[rows, sizes + step - 1]
        checks.next_logits(logits)
        logits[:, 0] = -np.inf  # padding is no token
        if temperature > 0:
            logits = logits / temperature + rng.gumbel(size=logits.shape)
        token = np.where(ended, 0, logits.argmax(axis=-1))  # (B,)
        written[:, step] = ids[rows, sizes + step] = token
        ended |= token == stop
        if ended.all():
            break
    return written
