"""Checks of the exercises of chapter 6, a GPT from scratch."""

import numpy as np

from llmbook.exercises import exercise
from llmbook.mathematics.attention import softmax
from llmbook.models.gpt import GPT, GPTConfig, next_token_loss


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
    "four matrices, then two with their biases, then the norms; and which"
    " matrix is there twice without tying?",
)
def _(parameters):
    for vocab_size, d_model, num_layers in ((11, 4, 1), (50, 8, 3), (7, 16, 2)):
        config = GPTConfig(
            vocab_size, d_model=d_model, num_heads=2, num_layers=num_layers
        )
        tied = GPT(config).count_params()
        sizes = f"V = {vocab_size}, width {d_model}, {num_layers} blocks"
        for is_tied, expected in (
            (True, tied),
            (False, tied + vocab_size * d_model),
        ):
            found = parameters(vocab_size, d_model, num_layers, is_tied)
            assert found == expected, (
                f"{sizes}, {'tied' if is_tied else 'untied'}: {found:,}"
                f" parameters, and not {expected:,}."
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


@exercise(
    "6.5",
    "give the model the last tokens of the text, never more than its length,"
    " and append what it finds likeliest.",
)
def _(write_on):
    for prompt, new, length in (([3, 1], 9, 4), ([5, 2, 7, 1, 4], 3, 3)):
        read: list = []

        def next_logits(ids, read=read):
            read.append([int(i) for i in ids])
            place = np.arange(len(read[-1])) + 1
            logits = np.zeros(11)
            logits[1 + int(place @ read[-1]) % 10] = 1
            return logits

        found = [int(i) for i in write_on(next_logits, prompt, new, length)]
        longest = max(map(len, read), default=0)
        assert longest <= length, (
            f"the model of length {length} was given {longest} tokens."
        )
        text = list(prompt)
        for _ in range(new):
            text.append(int(next_logits(text[-length:]).argmax()))
        expected = text[len(prompt) :]
        assert found == expected, (
            f"the prompt {prompt} is continued by {found}, and not by"
            f" {expected}."
        )


@exercise(
    "6.6",
    "what a branch adds comes out of its `output_projection`: set all of its"
    " weights to zero, and set them back.",
)
def _(loss_without):
    model = GPT(GPTConfig(11, length=8, d_model=8, num_heads=2, num_layers=2))
    rng = np.random.default_rng(0)
    for weight in model.weights:
        if weight.dtype == "float32":
            weight.assign(rng.normal(0, 0.5, weight.shape))
    ids = rng.integers(1, 11, (4, 9))
    before = [weight.numpy() for weight in model.weights]
    whole = float(next_token_loss(model, ids))
    for layer in range(2):
        for part in ("attention", "feed_forward"):
            found = float(loss_without(model, ids, layer, part))
            assert all(
                np.array_equal(weight.numpy(), old)
                for weight, old in zip(model.weights, before, strict=True)
            ), "the model is another one afterwards: set its weights back."
            expected = _loss_of_plain_pass(model, ids, (layer, part))
            assert abs(found - whole) > 1e-6, (
                f"without {part} of block {layer} the loss is {found:.4f}, as"
                " with it: nothing was taken away."
            )
            assert abs(found - expected) < 1e-3, (
                f"without {part} of block {layer} the loss is {found:.4f}, and"
                f" not {expected:.4f}."
            )


def _loss_of_plain_pass(model, ids, removed):
    """Return the loss of the model without one branch."""
    x = model.embedding(ids[:, :-1])  # (B, T, d_model)
    for layer, block in enumerate(model.blocks):
        if removed != (layer, "attention"):
            x = x + block.attention(block.attention_norm(x))
        if removed != (layer, "feed_forward"):
            x = x + block.feed_forward(block.mlp_norm(x))
    logits = model.logits(model.norm(x)).numpy()  # (B, T, V)
    shares = softmax(logits)  # (B, T, V)
    asked = np.take_along_axis(shares, ids[:, 1:, None], axis=-1)  # (B, T, 1)
    return -float(np.log(asked).mean())
