"""Checks of the exercises of chapter 7, inside a real language model."""

import numpy as np

from llmbook.exercises import exercise


@exercise(
    "7.1",
    "the largest magnitude of a row becomes 127 steps; what is a step of a row"
    " of zeros?",
)
def _(to_bytes):
    rng = np.random.default_rng(0)
    blocks = rng.normal(size=(5, 32)) * [[1], [0.01], [30], [1], [0]]
    blocks[3] = np.abs(blocks[3])  # no negative weight
    given = blocks.copy()
    with np.errstate(all="ignore"):
        found = np.asarray(to_bytes(blocks), dtype=float)
    assert (blocks == given).all(), (
        "it changes the weights it is given: make new ones."
    )
    assert found.shape == blocks.shape, f"the result has shape {found.shape}."
    assert np.isfinite(found).all(), "a row of zeros does not stay finite."
    step = np.abs(blocks).max(axis=1, keepdims=True) / 127  # (N, 1)
    for row, (block, rounded, d) in enumerate(
        zip(blocks, found, step[:, 0], strict=True)
    ):
        if d == 0:
            assert (rounded == 0).all(), "a row of zeros does not stay zero."
            continue
        worst = np.abs(rounded - d * np.rint(block / d)).max() / d
        assert worst < 0.1, (
            f"row {row}: a weight lies {worst:.2f} steps from its level, a step"
            f" being {d:.3g}."
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


@exercise(
    "7.5",
    "one head at a time within `inside.without_heads`, and the same text each"
    " time",
)
def _(worth_of_heads):
    import keras

    from llmbook.models.gpt import GPT, GPTConfig

    keras.utils.set_random_seed(7)
    model = GPT(GPTConfig(11, 16, d_model=12, num_heads=3, num_layers=2))
    for weights in model.weights:
        weights.assign(weights * 4)
    ids = np.array([[3, 7, 2, 9, 5, 3, 7, 2], [4, 4, 8, 1, 6, 10, 1, 3]])
    before = [weights.numpy() for weights in model.weights]
    found = np.asarray(worth_of_heads(model, ids))
    for old, weights in zip(before, model.weights, strict=True):
        assert (old == weights.numpy()).all(), (
            "afterwards the model has other weights than before."
        )
    assert found.shape == (2, 3), (
        f"for 2 layers of 3 heads the result has shape {found.shape}."
    )
    whole = _mean_log_probability(model, ids)
    for layer, block in enumerate(model.blocks):
        kernel = block.attention.output_projection.kernel
        rows = kernel.numpy()
        for head in range(3):
            kernel.assign(
                np.where(np.arange(12)[:, None] // 4 == head, 0, rows)
            )
            expected = whole - _mean_log_probability(model, ids)
            kernel.assign(rows)
            assert np.isclose(found[layer, head], expected, atol=1e-4), (
                f"without head {head} of layer {layer} a token loses"
                f" {expected:.4f} nats on average, it says"
                f" {found[layer, head]:.4f}."
            )


@exercise(
    "7.6",
    "walk along the ids and remember who speaks: the header of the assistant"
    " opens, the end closes, and the end is the assistant's too",
)
def _(answer_weights):
    header, end = [1, 7, 3], 2
    # of each token, by whom it is: a template, the assistant (1), or another
    said = {
        "one answer": (
            [1, 6, 3, 9, 8, 2, 3, *header, 5, 4, 2, 3],
            [10, 11, 12],
        ),
        "two answers": (
            [
                *(1, 6, 3, 8, 2, 3, *header, 9, 2, 3),
                *(1, 6, 3, 4, 2, 3, *header, 5, 5, 2, 3),
            ],
            [9, 10, 21, 22, 23],
        ),
        "an empty answer": ([1, 6, 3, 8, 2, 3, *header, 2, 3], [9]),
        "an answer without its end": (
            [1, 6, 3, 8, 2, 3, *header, 9, 4],
            [9, 10],
        ),
        "a user who writes the assistant's role": (
            [1, 6, 3, 7, 3, 9, 2, 3, *header, 4, 2, 3],
            [11, 12],
        ),
        "no answer": ([1, 6, 3, 9, 8, 2, 3, *header], []),
    }
    for name, (ids, places) in said.items():
        found = np.asarray(answer_weights(list(ids), list(header), end), float)
        assert found.shape == (len(ids),), (
            f"{name}: for {len(ids)} tokens the weights have shape"
            f" {found.shape}."
        )
        expected = np.isin(np.arange(len(ids)), places).astype(float)
        wrong = np.flatnonzero(found != expected)
        assert not len(wrong), (
            f"{name}: token {wrong[0]} weighs {found[wrong[0]]:g}, of"
            f" {' '.join(map(str, ids))}."
        )


def _mean_log_probability(model, ids):
    """Of the tokens after the first of each row, from the logits."""
    logits = model(ids[:, :-1]).numpy().astype(float)  # (B, T - 1, V)
    total = np.log(np.exp(logits).sum(axis=-1))  # (B, T - 1)
    right = np.take_along_axis(logits, ids[:, 1:, None], axis=-1)[..., 0]
    return (right - total).mean()
