"""Checks of the exercises of chapter 6, a GPT from scratch."""

import numpy as np

from llmbook.exercises import exercise
from llmbook.models.layers import MultiHeadAttention


@exercise(
    "6.1",
    "sort the probabilities, likeliest first: how much do those before a token"
    " hold?",
)
def _(nucleus):
    cases = [
        ([0.5, 0.3, 0.15, 0.05], 0.7, {0, 1}),
        ([0.05, 0.15, 0.3, 0.5], 0.7, {2, 3}),
        ([0.5, 0.3, 0.15, 0.05], 0.4, {0}),
        ([0.125, 0.5, 0.375], 0.5, {1}),
        ([0.25, 0.25, 0.5], 1.0, {0, 1, 2}),
    ]
    for probabilities, top_p, expected in cases:
        kept = {int(token) for token in nucleus(np.array(probabilities), top_p)}
        shown = f"of {probabilities}, with top_p = {top_p},"
        mass = sum(probabilities[token] for token in kept)
        assert mass >= top_p - 1e-9, (
            f"{shown} the kept tokens {kept} hold only {mass:.2f}."
        )
        assert len(kept) <= len(expected), (
            f"{shown} {kept} is kept: fewer tokens would do."
        )
        assert kept == expected, f"{shown} {kept} is kept, and not {expected}."


@exercise(
    "6.2",
    "add up the probabilities in order: the number falls into one token's"
    " stretch.",
)
def _(draw):
    logits = np.log([0.2, 0.5, 0.3])
    for temperature in (1.0, 0.5):
        shares = np.array([0.2, 0.5, 0.3]) ** (1 / temperature)
        ends = np.cumsum(shares / shares.sum())
        for uniform in np.linspace(0.001, 0.999, 50):
            token, expected = (
                int(draw(logits, temperature, uniform)),
                int((ends <= uniform).sum()),
            )
            assert token == expected, (
                f"at temperature {temperature} the number {uniform:.3f} draws"
                f" token {token}, not {expected}."
            )
    assert int(draw(np.array([1000.0, 999.0, 0.0]), 1.0, 0.9)) == 1, (
        "large logits overflow."
    )


@exercise(
    "6.3",
    "one number for each layer, sequence, head of keys, position and entry."
    " Twice?",
)
def _(cache_bytes):
    for layers, heads, d_k, length, rows in (
        (2, 4, 24, 128, 1),
        (30, 3, 64, 2048, 8),
        (1, 1, 2, 3, 4),
    ):
        attention = MultiHeadAttention(heads, head_dim=d_k, causal=True)
        attention.build((None, None, 8))
        cache = attention.empty_cache(rows, length)
        expected = layers * (
            cache.keys.numpy().nbytes + cache.values.numpy().nbytes
        )
        found = cache_bytes(layers, heads, d_k, length, rows)
        assert found == expected, (
            f"{layers} layers of {heads} heads of width {d_k}, {rows} sequences"
            f" of {length}: {found:,} bytes, but the library's caches hold"
            f" {expected:,}."
        )


@exercise(
    "6.4",
    "add the log-probabilities of first and second token, for every pair.",
)
def _(best_pair):
    rng = np.random.default_rng(0)
    tables = [(np.log([0.6, 0.4]), np.log([[0.5, 0.5], [0.99, 0.01]]))]
    for _ in range(20):
        raw = rng.random(5), rng.random((5, 5)) ** 3
        tables.append(
            tuple(np.log(x / x.sum(axis=-1, keepdims=True)) for x in raw)
        )
    for first, second in tables:
        pair = tuple(int(token) for token in best_pair(first, second))
        found = first[pair[0]] + second[pair]
        best = max(
            first[i] + second[i, j]
            for i in range(len(first))
            for j in range(len(first))
        )
        assert found >= best - 1e-12, (
            f"the pair {pair} has probability {np.exp(found):.3f}, another"
            f" {np.exp(best):.3f}."
        )
