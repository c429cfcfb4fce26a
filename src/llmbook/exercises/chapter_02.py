"""Checks of the exercises of chapter 2, the mathematics of attention."""

import tracemalloc

import numpy as np

from llmbook.exercises import exercise
from llmbook.mathematics.attention import (
    causal_mask,
    scaled_dot_product_attention,
    sinusoidal_positions,
)


@exercise(
    "2.1",
    "make the largest score of each row 0 before you divide",
)
def _(soften):
    scores = np.array([[2.0, 1.0, 0.0], [3.0, 3.0, -1.0]])  # (2, 3)
    for temperature in (1.0, 0.5, 4.0):
        weights = np.asarray(soften(scores, temperature))
        assert weights.shape == scores.shape, (
            f"the weights have shape {weights.shape}."
        )
        assert np.allclose(weights.sum(axis=-1), 1), (
            "the weights of a row do not add up to 1."
        )
        ratio, expected = weights[0, 0] / weights[0, 1], np.exp(1 / temperature)
        assert np.isclose(ratio, expected), (
            f"at temperature {temperature}, the scores 2 and 1 give weights of"
            f" ratio {ratio:.3f}, not {expected:.3f}."
        )
    for temperature in (1e-4, 1e-308):
        with np.errstate(all="ignore"):
            cold = np.asarray(soften(scores, temperature))
        assert np.isfinite(cold).all(), (
            f"at temperature {temperature} it overflows."
        )
        assert np.allclose(cold, [[1.0, 0.0, 0.0], [0.5, 0.5, 0.0]]), (
            "near temperature 0 the largest score of a row should take"
            " everything, equal ones sharing."
        )


@exercise(
    "2.2",
    "how far behind the query may the key lie at most, and may it lie ahead?",
)
def _(window_mask):
    for length, width in (5, 2), (6, 1), (4, 3), (3, 9):
        mask = np.asarray(window_mask(length, width))
        assert mask.dtype == bool, f"the mask has dtype {mask.dtype}, not bool."
        assert mask.shape == (
            length,
            length,
        ), f"length {length}: the mask has shape {mask.shape}."
        assert not (mask & ~causal_mask(length)).any(), (
            "a query may look ahead."
        )
        assert mask.diagonal().all(), "a query may not look at itself."
        for query in range(length):
            where = f"with width {width}, the query at position {query}"
            seen, expected = int(mask[query].sum()), min(query + 1, width)
            assert seen == expected, (
                f"{where} sees {seen} tokens, not {expected}."
            )
            latest = mask[query, query + 1 - expected : query + 1]
            assert latest.all(), f"{where} does not see the latest tokens."


@exercise(
    "2.3",
    "with k = -distance, the equation of the shift is (sin, cos) @ a 2 x 2"
    " block",
)
def _(shift_matrix):
    for d_model, distance in (2, 1), (8, 1), (8, 3), (6, 0):
        matrix = np.asarray(shift_matrix(d_model, distance))
        assert matrix.shape == (
            d_model,
            d_model,
        ), f"the matrix has shape {matrix.shape}, not {(d_model, d_model)}."
        positions = sinusoidal_positions(40, d_model)  # (T, d_model)
        moved = positions @ matrix
        if distance and np.allclose(moved[:-distance], positions[distance:]):
            raise AssertionError(f"it looks {distance} places ahead, not back.")
        error = np.abs(moved[distance:] - positions[: 40 - distance]).max()
        assert error < 1e-9, (
            f"with d_model {d_model} and distance {distance}, row t differs"
            f" from the encoding of t - {distance} by up to {error:.2g}."
        )


@exercise(
    "2.4",
    "bring both halves to one maximum before you add; the larger one is safe",
)
def _(merge):
    rng = np.random.default_rng(0)
    query, key, value = rng.standard_normal((3, 6, 4))  # (T, d) each
    for scale in (1.0, 3000.0):
        first, second = (
            _summary(scale * query, key[part], value[part])
            for part in (slice(0, 2), slice(2, 6))
        )
        _, whole, average = _summary(scale * query, key, value)
        expected = average / whole
        for halves in ((first, second), (second, first)):
            with np.errstate(all="ignore"):
                largest, total, numerator = map(np.asarray, merge(*halves))
                error = np.abs(numerator / total - expected).max()
            assert np.isfinite([total.max(), numerator.max()]).all(), (
                f"with scores of about {scale:.0f} a sum overflows."
            )
            assert np.allclose(largest, np.maximum(first[0], second[0])), (
                "m is not the larger of the two maxima."
            )
            assert np.allclose(total, whole), (
                "l is not the sum of the exponentials of all keys, so that the"
                " result could not be merged again."
            )
            assert error < 1e-9, (
                "o / l differs from the attention over all keys by "
                f"{error:.2g}."
            )


def _summary(query, key, value):
    """The state (m, l, o) of the online softmax after these keys."""
    scores = query @ key.T / np.sqrt(query.shape[-1])  # (T_q, T_k)
    largest = scores.max(axis=-1, keepdims=True)  # (T_q, 1)
    terms = np.exp(scores - largest)  # (T_q, T_k)
    return largest, terms.sum(axis=-1, keepdims=True), terms @ value


@exercise(
    "2.5",
    "change all tokens from a position on, compare what stands before; try"
    " them all",
)
def _(sees_the_future):
    x = np.random.default_rng(0).standard_normal((6, 4))  # (T, d)

    def under(mask):
        def attend(x):  # of any length: a prefix may be tried as well
            fits = None if mask is None else mask[: len(x), : len(x)]
            return scaled_dot_product_attention(x, x, x, fits)[0]

        return attend

    def masked_late(x):
        weights = scaled_dot_product_attention(x, x, x)[1]  # (T, T)
        return (weights * causal_mask(len(x))) @ x

    one_ahead = causal_mask(6)
    one_ahead[2, 3] = True
    strict = np.tri(6, k=-1, dtype=bool)
    strict[0, 0] = True
    cases = {
        "plain attention without a mask": (under(None), True),
        "causal attention": (under(causal_mask(6)), False),
        "attention that never looks at itself, only back": (
            under(strict),
            False,
        ),
        "attention masked after the softmax": (masked_late, True),
        "causal attention in which token 2 also sees token 3": (
            under(one_ahead),
            True,
        ),
        "a function that reverses the sequence": (lambda x: x[::-1], True),
        "a function that adds 1 to every token": (lambda x: x + 1, False),
    }
    original = x.copy()
    for name, (attend, expected) in cases.items():
        found = sees_the_future(attend, x)
        assert (x == original).all(), "it changes x itself: work on a copy."
        assert isinstance(found, bool | np.bool), (
            f"it returns {type(found).__name__}, not a bool."
        )
        assert found == expected, (
            f"for {name} it says {bool(found)}, not {expected}."
        )


@exercise(
    "2.6",
    "a query needs the scores of at most width keys: go through the queries one"
    " by one, or gather the latest keys of each",
)
def _(local_attention):
    rng = np.random.default_rng(0)
    for length, width in (7, 3), (6, 1), (4, 9):
        query, key = rng.standard_normal((2, length, 4))  # (T, d_k) each
        value = rng.standard_normal((length, 3))  # (T, d_v)
        near = causal_mask(length) & ~np.tri(length, k=-width, dtype=bool)
        expected, _ = scaled_dot_product_attention(query, key, value, near)
        found = np.asarray(local_attention(query, key, value, width))
        assert found.shape == expected.shape, (
            f"for {length} tokens and values of width 3 the output has shape"
            f" {found.shape}."
        )
        error = np.abs(found - expected).max(axis=-1)  # (T,)
        assert error.max() < 1e-9, (
            f"with width {width} the output at position {error.argmax()}"
            f" differs by {error.max():.2g} from attention under the mask."
        )
    length = 2000
    query, key, value = rng.standard_normal((3, length, 4))  # (T, d) each
    tracemalloc.start()
    try:
        local_attention(query, key, value, 8)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < length**2, (
        f"for {length:,} tokens and a width of 8 it asks for"
        f" {peak / 1e6:.0f} MB: somewhere it holds a number for every pair of"
        " tokens."
    )
