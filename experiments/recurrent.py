"""Train a recurrent network on the book of chapter 1, three seeds, and give it
the counting models as partners.

    python experiments/recurrent.py

Each run is stored in ``experiments/results/recurrent.json`` when it is done; a
run that is there already is not repeated. What of a mixture is chosen is chosen
on the validation text.
"""

import functools
from pathlib import Path

import keras
import numpy as np
from keras import ops
from window_model import texts

from llmbook.mathematics import cache, vectors
from llmbook.mathematics.ngram import KneserNey, perplexity
from llmbook.models.training import compiled_step, cosine
from llmbook.models.window import token_losses
from llmbook.recording import Recording

RESULTS = Path(__file__).parent / "results" / "recurrent.json"
# how far back the caches go: as far as chapter 1's averages, or to the start
REACHES = {"near": 132, "far": None}
RECURRENT = {"d_model": 96, "hidden_dim": 192}
FITTING = {"epochs": 2, "learning_rate": 0.005, "length": 64, "batch_size": 32}
SEEDS = [0, 1, 2]


@functools.cache
def counted():
    """Return the probabilities that Kneser-Ney counts give to each text."""
    ids, vocab_size = texts()
    model = KneserNey(5, vocab_size).fit(ids["train"])
    return {
        part: np.exp(model.log_probabilities(ids[part]))
        for part in ("validation", "test")
    }


@functools.cache
def read(part, order, reach):
    """Return what a cache gives to each token of a text."""
    return cache.frequencies(texts()[0][part], order, reach)


def with_caches(probabilities, reach):
    """Put a cache of single tokens and one of pairs over probabilities of the
    validation and of the test text, with the best shares on the first.
    """
    for order in (1, 2):
        shares = {part: read(part, order, reach) for part in probabilities}
        best = cache.best_share(
            probabilities["validation"], shares["validation"]
        )
        probabilities = {
            part: cache.mixed(p, shares[part], best)
            for part, p in probabilities.items()
        }
    return probabilities


def with_partners(neural):
    """Return the test perplexity of a network alone and with each partner."""
    counts = counted()
    share = cache.best_share(neural["validation"], counts["validation"])
    both = {p: cache.mixed(neural[p], counts[p], share) for p in neural}
    found = {"alone": neural, "counts": both}
    for name, reach in REACHES.items():
        found[f"{name} caches"] = with_caches(neural, reach)
        found[f"counts and {name} caches"] = with_caches(both, reach)
    return {
        name: perplexity(np.log(probabilities["test"]))
        for name, probabilities in found.items()
    }


def recurrent(seed, model, training):
    ids, vocab_size = texts()
    keras.utils.set_random_seed(seed)
    network = build(vocab_size, ids["train"], seed, **model)
    fit(network, ids["train"], seed, **training)
    scored = {part: np.exp(score(network, ids[part])) for part in counted()}
    return {"parameters": network.count_params()} | with_partners(scored)


def build(vocab_size, ids, seed, d_model, hidden_dim):
    """Return vectors, a gated recurrent layer and a score for each token, begun
    from counts as the window model is.
    """
    start = vectors.embed(
        ids, vocab_size, d_model, 2, np.random.default_rng(seed)
    )  # (V, d_model)
    frequency = np.bincount(ids, minlength=vocab_size) + 1.0  # (V,)
    network = keras.Sequential(
        [
            keras.layers.Embedding(vocab_size, d_model),
            keras.layers.GRU(hidden_dim, return_sequences=True),
            keras.layers.Dense(d_model, use_bias=False),
            keras.layers.Dense(vocab_size),
        ]
    )
    network.build((None, None))
    start = 0.1 * start / start.std()
    network.layers[0].set_weights([start])
    bias = np.log(frequency / frequency.sum())
    network.layers[-1].set_weights([start.T, bias])
    return network


def piece_loss(network, pieces, training=None):
    """Return the mean surprise at what follows each token of the pieces."""
    return ops.mean(token_losses(network(pieces[:, :-1]), pieces[:, 1:]))


def fit(network, ids, seed, epochs, learning_rate, length, batch_size):
    """Train on pieces of the text, each begun with an empty state."""
    starts = np.arange(0, len(ids) - length, length)
    steps = len(starts) // batch_size
    rate = cosine(
        learning_rate, epochs * steps, steps // 10, first=learning_rate / 10
    )
    optimizer = keras.optimizers.Adam(rate, clipnorm=1.0)
    optimizer.build(network.trainable_variables)
    step = compiled_step(network, piece_loss, optimizer, jit_compile=False)
    rng = np.random.default_rng(seed)
    for _ in range(epochs):
        order = rng.permutation(starts)[: steps * batch_size]
        for first in order.reshape(steps, batch_size):
            step(ids[first[:, None] + np.arange(length + 1)].astype("int32"))


def score(network, ids, length=64, context=128):
    """Return the log-probability of each token of a text, each after at least
    ``context`` tokens or the beginning of the text, with padding before: (T,).
    """
    *below, decide = network.layers
    rows = -(-len(ids) // length)
    padded = np.zeros(context + rows * length, dtype="int32")
    padded[context : context + len(ids)] = ids
    starts = length * np.arange(rows)
    pieces = padded[starts[:, None] + np.arange(context + length)]
    scores = []
    for batch in np.array_split(pieces, -(-rows // 64)):
        features = batch[:, :-1]
        for layer in below:
            features = layer(features)  # (B, context + length - 1, width)
        logits = decide(features[:, -length:])  # (B, length, V)
        scores.append(-token_losses(logits, batch[:, -length:]))
    return np.concatenate(scores).reshape(-1)[: len(ids)].astype(float)


def main():
    recording = Recording(
        RESULTS,
        __file__,
        ("numpy", "keras", "tensorflow"),
        what="test perplexity of a recurrent network on the Three Kingdoms,"
        " alone and with partners",
        reaches=REACHES,
    )
    for seed in SEEDS:
        recording.once(
            {"seed": seed},
            recurrent,
            model=RECURRENT,
            training=FITTING,
        )


if __name__ == "__main__":
    main()
