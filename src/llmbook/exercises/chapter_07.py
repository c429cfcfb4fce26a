"""Checks of the exercises of chapter 7, inside a real language model."""

import numpy as np

from llmbook.exercises import exercise


@exercise(
    "7.1", "a key and a value, in each layer, for each head that has its own"
)
def _(cache_bytes):
    from llmbook.models.gpt import GPTConfig

    cases = {
        "9 heads of 64 that share 3 of keys and values, 30 layers, "
        "100 tokens": (
            GPTConfig(
                10, d_model=576, num_heads=9, num_layers=30, num_kv_heads=3
            ),
            100,
            30 * 100 * 2 * 192 * 4,
        ),
        "2 heads of 4 with keys and values of their own, 1 layer, 7 tokens": (
            GPTConfig(10, d_model=8, num_heads=2, num_layers=1),
            7,
            7 * 2 * 8 * 4,
        ),
    }
    for name, (config, length, expected) in cases.items():
        found = cache_bytes(config, length)
        assert found == expected, (
            f"for {name}, it says {found} bytes, not {expected}."
        )


@exercise(
    "7.2",
    "from position t, the same token was at t - period; what came after it?",
)
def _(induction_score):
    period, length = 5, 17
    query, heads = np.arange(length), {}
    for name, offset in {
        "induction": period - 1,
        "duplicate": period,
        "previous": 1,
    }.items():
        weights = np.zeros((length, length))
        weights[query, np.maximum(query - offset, 0)] = 1
        heads[name] = weights
    heads["uniform"] = np.tri(length) / np.arange(1, length + 1)[:, None]
    found = np.asarray(induction_score(np.stack(list(heads.values())), period))
    assert found.shape == (4,), (
        f"for 4 heads the scores have shape {found.shape}."
    )
    uniform = (1 / np.arange(period + 1, length + 1)).mean()
    for name, score, expected in zip(
        heads, found, (1, 0, 0, uniform), strict=True
    ):
        assert np.isclose(score, expected), (
            f"the {name} head scores {score:.3f}, not {expected:.3f}."
        )


@exercise(
    "7.3",
    "within each head: first the rows 0, 2, 4, …, then the rows 1, 3, 5, …",
)
def _(to_halves):
    rng = np.random.default_rng(0)
    for num_heads, d_k in (1, 4), (3, 8):
        weights, x = (
            rng.normal(size=(num_heads * d_k, 6)),
            rng.normal(size=(5, 6)),
        )  # x: (T, d)
        given = weights.copy()
        found = np.asarray(to_halves(weights, num_heads))
        assert (weights == given).all(), (
            "it changes the weights it is given: make new ones."
        )
        assert found.shape == weights.shape, (
            f"the result has shape {found.shape}."
        )
        neighbours = (x @ weights.T).reshape(5, num_heads, d_k)
        halves = (x @ found.T).reshape(5, num_heads, d_k)
        expected = np.concatenate(
            [neighbours[..., 0::2], neighbours[..., 1::2]], axis=-1
        )
        for head in range(num_heads):
            assert np.allclose(halves[:, head], expected[:, head]), (
                f"with {num_heads} heads of {d_k}, the rows of head {head} are"
                " not in order."
            )


@exercise(
    "7.4",
    "divide by the root of the mean square, multiply by the gain; then"
    " logsumexp",
)
def _(lens):
    rng = np.random.default_rng(0)
    states, gain = (
        rng.normal(size=(4, 6)) * [[0.1], [1], [10], [1000]],
        rng.uniform(0.5, 2, 6),
    )
    for scale in (1.0, 1000.0):
        embedding = scale * rng.normal(size=(9, 6))
        with np.errstate(all="ignore"):
            found = np.asarray(lens(states.copy(), gain, embedding))
        assert found.shape == (
            4,
            9,
        ), f"the result has shape {found.shape}, not (4, 9)."
        assert np.isfinite(found).all(), (
            f"with logits of about {scale:.0f} it is not finite."
        )
        assert np.allclose(np.exp(found).sum(-1), 1), (
            "the exponentials of a row do not add up to 1."
        )
        scaled = (
            states / np.sqrt((states**2).mean(-1, keepdims=True) + 1e-5) * gain
        )
        logits = scaled @ embedding.T
        difference = found - found[:, :1] - (logits - logits[:, :1])
        assert np.abs(difference).max() < 1e-3 * scale, (
            "differences within a row are off by up to"
            f" {np.abs(difference).max():.3g} from those of the logits."
        )
