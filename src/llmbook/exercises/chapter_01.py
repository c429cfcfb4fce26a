"""Checks of the exercises of chapter 1, what a language model is."""

import math

import numpy as np

from llmbook.exercises import exercise
from llmbook.mathematics.cache import frequencies
from llmbook.text.bpe import BPETokenizer


@exercise(
    "1.1",
    "divide by how often the left token was followed by anything, then smooth"
    " both",
)
def _(bigram):
    tokens = list("ababaca")
    for left, right, k, size, expected in (
        ("a", "b", 0, 3, 2 / 3),
        ("a", "b", 1, 3, 3 / 6),
        ("b", "c", 1, 3, 1 / 5),
        ("z", "a", 0.5, 3, 1 / 3),
        ("a", "b", 1, 7, 3 / 10),
    ):
        found = bigram(tokens, left, right, k, size)
        assert np.isclose(found, expected), (
            f"in {' '.join(tokens)!r} with k = {k} and V = {size},"
            f" p({right} | {left}) came out as {found:.4f}."
        )
    total = sum(bigram(tokens, "a", right, 0.1, 3) for right in "abc")
    assert np.isclose(total, 1), (
        f"the probabilities of all that may follow add up to {total:.4f}."
    )


@exercise(
    "1.2",
    "a product of many small numbers is 0 to a computer: what is a sum"
    " instead?",
)
def _(perplexity):
    for probabilities, expected in (
        ([0.25] * 7, 4),
        ([0.5, 0.125], 4),
        ([1.0], 1),
        ([0.001] * 5000, 1000),
    ):
        found = perplexity(probabilities)
        name = (
            f"{len(probabilities)} tokens, the first of probability"
            f" {probabilities[0]}"
        )
        assert np.isclose(found, expected), f"{name}: it returns {found:.4g}."
    with np.errstate(all="ignore"):
        impossible = perplexity([0.5, 0.0])
    assert impossible == math.inf, (
        f"with an impossible token it returns {impossible}, not inf."
    )


@exercise(
    "1.3", "a merge applies where its two tokens are neighbours, in that order"
)
def _(is_final):
    merges = [("a", "b"), ("ab", "c"), ("c", "a")]
    for pieces, expected in (
        (["ab", "a", "c"], True),
        (["a", "b", "a"], False),
        (["b", "a"], True),
        (["ab", "c"], False),
        (["abc"], True),
        (["a", "bc"], True),
        (["a", "c", "b"], True),
        (["b", "b", "c", "a"], False),
        ([], True),
    ):
        found = is_final(pieces, merges)
        assert bool(found) == expected, f"for {pieces} it returns {found}."
    texts = ["low low lower lowest newest newest"]
    tokenizer = BPETokenizer.fit(texts, num_merges=6)
    for word in ("lowest", "newer", "wet"):
        found = is_final(tokenizer.tokenize(word), tokenizer.merges)
        assert found, (
            f"the library cut {word!r} into {tokenizer.tokenize(word)}, and"
            " that is final."
        )


@exercise(
    "1.4",
    "mix the probabilities token by token, then compare means of logarithms",
)
def _(best_share):
    rng = np.random.default_rng(0)
    p, q = rng.uniform(0.01, 0.6, (2, 400))  # (T,) each
    for name, first, second in (
        ("two random models", p, q),
        ("two models in the other order", q, p),
        ("a model and a better one", p, np.minimum(2 * p, 1)),
        (
            "models that each hold a token to be impossible",
            [0.0, 0.8, 0.5],
            [0.4, 0.0, 0.2],
        ),
    ):
        found = best_share(np.array(first), np.array(second))
        shares = np.linspace(0, 1, 101)
        with np.errstate(divide="ignore"):
            surprise = [
                -np.log(s * np.array(first) + (1 - s) * np.array(second)).mean()
                for s in shares
            ]
        assert np.ndim(found) == 0, (
            f"for {name} it returns an array, not one number."
        )
        expected = shares[int(np.argmin(surprise))]
        assert np.isclose(found, expected), (
            f"for {name} it returns {float(found):.2f}, and another share does"
            " better."
        )


@exercise(
    "1.5",
    "four arrays: the vectors, the hidden layer with its bias, W_p, the output"
    " bias",
)
def _(window_parameters):
    from llmbook.models.window import WindowModel

    for sizes in ((50, 1, 4, 6), (50, 3, 4, 6), (20, 3, 8, 6), (20, 3, 8, 10)):
        found, expected = (
            window_parameters(*sizes),
            WindowModel(*sizes).count_params(),
        )
        assert found == expected, (
            f"for V, window, d_model, hidden_dim = {sizes} it returns {found}; "
            f"a built model has {expected}."
        )


@exercise(
    "1.6",
    "cut out what was read, at most the last reach tokens, and count in it",
)
def _(cache_shares):
    tokens = list("ababacbba")
    for reach in (1, 2, 5, 100):
        found = cache_shares(tokens, reach)
        ids = ["abc".index(token) for token in tokens]
        expected = frequencies(ids, 1, reach)
        assert np.shape(found) == np.shape(expected), (
            f"for {len(tokens)} tokens it returns the shape {np.shape(found)}."
        )
        for t, (one, other) in enumerate(zip(found, expected, strict=True)):
            assert np.isclose(one, other, equal_nan=True), (
                f"in {' '.join(tokens)!r} with a reach of {reach}, token {t}"
                f" has the share {one:.3f}."
            )
