"""llmbook.mathematics.attention against closed forms, loops and the properties that define it."""

import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from llmbook.mathematics.attention import (
    causal_mask,
    frequencies,
    merge_heads,
    multi_head_attention,
    online_softmax_attention,
    padding_mask,
    rotary,
    scaled_dot_product_attention,
    scaled_scores,
    sinusoidal_positions,
    softmax,
    split_heads,
)

few = settings(max_examples=40, deadline=None)
seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(1, 6)


def draw(seed, *shape, scale=1.0):
    return scale * np.random.default_rng(seed).standard_normal(shape)


def triple(seed, batch, t_q, t_k, d_k, d_v):
    rng = np.random.default_rng(seed)
    shapes = (t_q, d_k), (t_k, d_k), (t_k, d_v)
    return tuple(rng.standard_normal((*batch, *shape)) for shape in shapes)


def loop_attention(query, key, value, mask):
    """The definition, number by number, with math.exp: the independent reference."""
    (t_q, d_k), (t_k, d_v) = query.shape, value.shape
    output, weights = np.zeros((t_q, d_v)), np.zeros((t_q, t_k))
    for i in range(t_q):
        scores = [
            sum(query[i, a] * key[j, a] for a in range(d_k)) / math.sqrt(d_k)
            for j in range(t_k)
        ]
        terms = [
            math.exp(s) if mask[i, j] else 0.0 for j, s in enumerate(scores)
        ]
        for j in range(t_k):
            weights[i, j] = terms[j] / math.fsum(terms)
            output[i] += weights[i, j] * value[j]
    return output, weights


def random_mask(seed, t_q, t_k):
    """Any mask that leaves each query a key."""
    rng = np.random.default_rng(seed)
    mask = rng.random((t_q, t_k)) < 0.5
    mask[np.arange(t_q), rng.integers(t_k, size=t_q)] = True
    return mask


# softmax


@pytest.mark.equation("eq-softmax")
def test_softmax_of_logarithms_is_normalisation():
    np.testing.assert_allclose(
        softmax(np.log([1.0, 2.0, 5.0])), [0.125, 0.25, 0.625], rtol=1e-15
    )


@few
@given(
    hnp.arrays(
        float,
        hnp.array_shapes(max_dims=3, max_side=5),
        elements=st.floats(-1e308, 1e308),
    ),
    st.data(),
)
def test_softmax_is_a_distribution_however_large_the_logits(x, data):
    axis = data.draw(st.integers(-x.ndim, x.ndim - 1))
    weights = softmax(x, axis=axis)
    assert ((weights >= 0) & (weights <= 1)).all()
    np.testing.assert_allclose(weights.sum(axis=axis), 1, rtol=1e-12)


@few
@given(seeds, st.floats(-1e6, 1e6))
def test_softmax_ignores_a_common_shift(seed, shift):
    x = draw(seed, 4, 5)
    np.testing.assert_allclose(softmax(x + shift), softmax(x), rtol=1e-8)


def test_softmax_keeps_the_dtype_and_takes_integers():
    assert softmax(np.zeros(3, np.float32)).dtype == np.float32
    np.testing.assert_array_equal(softmax([0, 0]), [0.5, 0.5])


def test_softmax_gives_minus_infinity_no_weight():
    np.testing.assert_array_equal(softmax([0.0, -np.inf]), [1.0, 0.0])


@pytest.mark.parametrize(
    "bad",
    [
        *([np.nan, 0.0], [np.inf, 0.0], [-np.inf, -np.inf]),
        *([], ["a"], 1.0, [1j], [True]),
    ],
)
def test_softmax_refuses_what_would_be_nan(bad):
    with pytest.raises(ValueError, match=r"^x must"):
        softmax(bad)


def test_a_batch_of_none_has_no_weights_to_give():
    assert softmax(np.ones((0, 3))).shape == (0, 3)


@pytest.mark.equation("eq-softmax-jacobian")
@few
@given(seeds, sizes)
def test_the_jacobian_of_softmax(seed, size):
    """diag(p) - p^T p, against central differences of the library's softmax."""
    x, step = draw(seed, size), 1e-5
    weights = softmax(x)
    numeric = [
        (softmax(x + e) - softmax(x - e)) / (2 * step)
        for e in step * np.eye(size)
    ]
    jacobian = np.diag(weights) - np.outer(weights, weights)
    np.testing.assert_allclose(jacobian, np.transpose(numeric), atol=1e-9)


# masks


def test_causal_mask_is_lower_triangular():
    expected = [[j <= i for j in range(4)] for i in range(4)]
    np.testing.assert_array_equal(causal_mask(4), expected)
    assert causal_mask(4).dtype == bool


def test_padding_mask_marks_real_tokens():
    expected = [[True, True, False], [False, False, False], [True, True, True]]
    np.testing.assert_array_equal(padding_mask([2, 0, 3], 3), expected)
    assert padding_mask([[1, 2]], 4).shape == (1, 2, 4)


@pytest.mark.parametrize(
    "make", [causal_mask, lambda length: padding_mask([1], length)]
)
def test_mask_lengths_are_whole_and_positive(make):
    with pytest.raises(TypeError, match=r"length must be an integer, got 2\.5"):
        make(2.5)
    with pytest.raises(ValueError, match="length must be at least 1, got 0"):
        make(0)


@pytest.mark.parametrize("lengths", [[4], [-1], [1.5], ["2"]])
def test_padding_mask_refuses_impossible_lengths(lengths):
    with pytest.raises(
        ValueError, match="lengths must be integers from 0 to length = 3, got"
    ):
        padding_mask(lengths, 3)


# scaled dot-product attention


@pytest.mark.equation("eq-weighted-average")
@pytest.mark.equation("eq-attention")
@pytest.mark.equation("eq-mask")
@few
@given(seeds, sizes, sizes, sizes, sizes)
def test_attention_is_its_definition(seed, t_q, t_k, d_k, d_v):
    query, key, value = triple(seed, (), t_q, t_k, d_k, d_v)
    mask = random_mask(seed, t_q, t_k)
    expected_output, expected_weights = loop_attention(query, key, value, mask)
    output, weights = scaled_dot_product_attention(query, key, value, mask)
    np.testing.assert_allclose(
        weights, expected_weights, rtol=1e-11, atol=1e-15
    )
    np.testing.assert_allclose(output, expected_output, rtol=1e-11, atol=1e-14)


def test_attention_without_a_mask_allows_everything():
    query, key, value = triple(0, (), 3, 4, 2, 5)
    everything = np.ones((3, 4), bool)
    for free, masked in zip(
        scaled_dot_product_attention(query, key, value),
        scaled_dot_product_attention(query, key, value, everything),
        strict=True,
    ):
        np.testing.assert_array_equal(free, masked)


@few
@given(seeds, hnp.array_shapes(max_dims=3, max_side=3))
def test_leading_axes_are_independent_problems(seed, batch):
    query, key, value = triple(seed, batch, 2, 3, 4, 5)
    output, weights = scaled_dot_product_attention(query, key, value)
    assert output.shape == (*batch, 2, 5)
    for index in np.ndindex(batch):
        one_output, one_weights = scaled_dot_product_attention(
            query[index], key[index], value[index]
        )
        np.testing.assert_allclose(
            output[index], one_output, rtol=1e-12, atol=1e-15
        )
        np.testing.assert_allclose(
            weights[index], one_weights, rtol=1e-12, atol=1e-15
        )


@few
@given(seeds, st.sampled_from([1.0, 1e3, 1e100]))
def test_rows_sum_to_one_and_outputs_stay_within_the_values(seed, scale):
    query, key, value = triple(seed, (2,), 4, 5, 3, 2)
    output, weights = scaled_dot_product_attention(
        scale * query, scale * key, value
    )
    np.testing.assert_allclose(weights.sum(axis=-1), 1, rtol=1e-12)
    assert (output <= value.max(axis=-2, keepdims=True) + 1e-12).all()
    assert (output >= value.min(axis=-2, keepdims=True) - 1e-12).all()


def test_what_is_forbidden_stays_so_beside_scores_however_low():
    query, key, value = [[1e6]], [[-1e6], [1.0]], [[2.0], [9.0]]
    mask = [[True, False]]
    output, weights = scaled_dot_product_attention(query, key, value, mask)
    np.testing.assert_array_equal(weights, [[1, 0]])
    np.testing.assert_array_equal(output, [[2]])
    np.testing.assert_array_equal(
        online_softmax_attention(query, key, value, mask), [[2]]
    )


def test_scores_are_scaled_and_minus_infinity_where_forbidden():
    query, key, _ = triple(1, (2,), 3, 4, 5, 1)
    expected = np.einsum("bqd,bkd->bqk", query, key) / math.sqrt(5)
    np.testing.assert_allclose(scaled_scores(query, key), expected, rtol=1e-12)
    mask = random_mask(1, 3, 4)
    scores = scaled_scores(query, key, mask)
    np.testing.assert_array_equal(
        scores == -np.inf, ~mask & np.ones_like(scores, bool)
    )
    np.testing.assert_allclose(scores[:, mask], expected[:, mask], rtol=1e-12)


@pytest.mark.equation("eq-permutation")
@few
@given(seeds, st.permutations(range(5)))
def test_permuting_the_tokens_permutes_the_outputs(seed, order):
    x = draw(seed, 5, 3)
    order = np.array(order)
    output, weights = scaled_dot_product_attention(x, x, x)
    moved_output, moved_weights = scaled_dot_product_attention(
        x[order], x[order], x[order]
    )
    np.testing.assert_allclose(
        moved_output, output[order], rtol=1e-12, atol=1e-14
    )
    np.testing.assert_allclose(
        moved_weights, weights[np.ix_(order, order)], rtol=1e-12, atol=1e-15
    )


@few
@given(seeds, st.integers(1, 5))
def test_a_future_token_changes_nothing_before_it(seed, t):
    x = draw(seed, 6, 3)
    changed = x.copy()
    changed[t:] = draw(seed + 1, 6 - t, 3, scale=100.0)
    before, _ = scaled_dot_product_attention(x, x, x, causal_mask(6))
    after, _ = scaled_dot_product_attention(
        changed, changed, changed, causal_mask(6)
    )
    assert np.abs(after[:t] - before[:t]).max() == 0
    assert np.abs(after[t:] - before[t:]).max() > 0


@few
@given(seeds, st.lists(st.integers(1, 6), min_size=1, max_size=4))
def test_the_content_of_padding_changes_the_output_by_exactly_nothing(
    seed, lengths
):
    x = draw(seed, len(lengths), 6, 3)
    real = padding_mask(lengths, 6)  # (B, T)
    changed = np.where(real[..., None], x, draw(seed + 1, *x.shape, scale=1e6))
    before, _ = scaled_dot_product_attention(x, x, x, real[:, None, :])
    after, weights = scaled_dot_product_attention(
        changed, changed, changed, real[:, None, :]
    )
    assert np.abs(after - before)[real].max() == 0
    assert (
        weights[np.broadcast_to(~real[:, None, :], weights.shape)] == 0
    ).all()


@pytest.mark.equation("eq-score-variance")
@pytest.mark.parametrize("d_k", [1, 9, 100])
def test_scaling_gives_the_scores_of_random_vectors_variance_one(d_k):
    """Read the scores off the weights: their logarithms, up to a constant a row."""
    query, key = draw(0, 800, d_k), draw(1, 800, d_k)
    _, weights = scaled_dot_product_attention(query, key, key)
    scores = np.log(weights) - np.log(weights).mean(axis=-1, keepdims=True)
    assert scores.var() == pytest.approx(1, rel=0.1)


@pytest.mark.equation("eq-nadaraya-watson")
@few
@given(seeds, st.floats(0.2, 3))
def test_kernel_smoothing_is_attention(seed, bandwidth):
    """A Gaussian kernel around x is a softmax of dot products of (x, 1) and (x_j, -x_j^2 / 2)."""
    x, points, y = draw(seed, 4), draw(seed + 1, 6), draw(seed + 2, 6)
    query = math.sqrt(2) * np.stack([x, np.ones(4)], axis=-1) / bandwidth**2
    key = np.stack([points, -(points**2) / 2], axis=-1)
    output, _ = scaled_dot_product_attention(query, key, y[:, None])
    for i in range(4):
        kernel = [
            math.exp(-((x[i] - p) ** 2) / (2 * bandwidth**2)) for p in points
        ]
        assert output[i, 0] == pytest.approx(
            np.dot(kernel, y) / sum(kernel), rel=1e-9, abs=1e-12
        )


class Counted(float):
    """A number that counts the multiplications it takes part in."""

    multiplications = 0

    def __mul__(self, other):
        Counted.multiplications += 1
        return Counted(float(self) * other)

    def __add__(self, other):
        return Counted(float(self) + other)


@pytest.mark.equation("eq-attention-cost")
@pytest.mark.parametrize(
    ("length", "d_model", "num_heads"), [(1, 2, 1), (5, 4, 2), (7, 6, 3)]
)
def test_the_multiplications_of_attention(length, d_model, num_heads):
    counted = np.vectorize(Counted, otypes=[object])
    x = counted(draw(0, length, d_model))
    w_query, w_key, w_value, w_output = counted(draw(1, 4, d_model, d_model))
    Counted.multiplications = 0
    query, key, value = x @ w_query, x @ w_key, x @ w_value
    heads, held = [], 0
    for head in np.split(np.arange(d_model), num_heads):
        weights = query[:, head] @ key[:, head].T
        held += weights.size
        heads.append(weights @ value[:, head])
    np.concatenate(heads, axis=-1) @ w_output
    assert (
        Counted.multiplications
        == 4 * length * d_model**2 + 2 * length**2 * d_model
    )
    assert held == num_heads * length**2


def test_attention_keeps_float32():
    query, key, value = (
        a.astype(np.float32) for a in triple(0, (), 3, 3, 4, 4)
    )
    output, weights = scaled_dot_product_attention(
        query, key, value, causal_mask(3)
    )
    assert output.dtype == weights.dtype == np.float32


a34, a54, a56 = np.ones((3, 4)), np.ones((5, 4)), np.ones((5, 6))
BAD = {
    "query must have at least 2 axes, got shape (4,)": (a34[0], a54, a56),
    "value must be an array of real numbers, got dtype <U1": (a34, a54, [["a"]]),
    "key must be finite, got a NaN or an infinity": (a34, a54 * np.nan, a56),
    "value must be finite, got a NaN or an infinity": (a34, a54, a56 * np.inf),
    "query and key must have the same width d_k >= 1, got shapes (3, 4) and (5, 6)": (a34, a56, a56),
    "query and key must have the same width d_k >= 1, got shapes (3, 0) and (5, 0)": (a34[:, :0], a54[:, :0], a56),
    "key and value must have the same length T_k >= 1, got shapes (5, 4) and (3, 4)": (a34, a54, a34),
    "key and value must have the same length T_k >= 1, got shapes (0, 4) and (0, 6)": (a34, a54[:0], a56[:0]),
    "leading axes must broadcast together, got query (2, 3, 4), key (3, 5, 4), value (5, 6)": (
        np.stack([a34] * 2), np.stack([a54] * 3), a56,
    ),
    "query and key are too large: their dot products overflow": (a34 * 1e200, a54 * 1e200, a56),
    "mask must be boolean, True where allowed, got dtype float64": (a34, a54, a56, np.ones((3, 5))),
    "mask must be boolean, True where allowed, got dtype int64": (a34, a54, a56, np.ones((3, 5), np.int64)),
    "mask must broadcast to shape (3, 5), got (5, 3)": (a34, a54, a56, np.ones((5, 3), bool)),
    "mask must broadcast to shape (3, 5), got (2, 3, 5)": (a34, a54, a56, np.ones((2, 3, 5), bool)),
    "mask must allow every query at least one key, got none for query (1,)": (
        a34, a54, a56, np.array([[True], [False], [True]]) & np.ones((3, 5), bool),
    ),
}  # fmt: skip


@pytest.mark.parametrize("message", BAD)
def test_attention_names_what_does_not_fit(message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        scaled_dot_product_attention(*BAD[message])


# many heads


def projections(seed, d_model, d_k, d_v, num_heads):
    rng = np.random.default_rng(seed)
    shapes = (
        (d_model, num_heads * d_k),
        (d_model, num_heads * d_k),
        (d_model, num_heads * d_v),
        (num_heads * d_v, d_model),
    )
    return tuple(rng.standard_normal(shape) for shape in shapes)


@pytest.mark.equation("eq-projections")
@pytest.mark.equation("eq-multi-head")
@few
@given(seeds, st.integers(1, 4), sizes, sizes, st.booleans())
def test_multi_head_is_a_sum_over_heads(seed, num_heads, d_k, d_v, cross):
    """Concatenating and projecting equals adding up what each head projects alone."""
    x, context = draw(seed, 2, 5, 6), draw(seed + 1, 2, 4, 6)
    context = context if cross else x
    w_query, w_key, w_value, w_output = projections(
        seed, 6, d_k, d_v, num_heads
    )
    mask = random_mask(seed, 5, context.shape[1])
    expected = 0
    _, weights = multi_head_attention(
        x,
        w_query,
        w_key,
        w_value,
        w_output,
        num_heads,
        mask,
        context if cross else None,
    )
    for h in range(num_heads):
        k, v = slice(h * d_k, (h + 1) * d_k), slice(h * d_v, (h + 1) * d_v)
        head, head_weights = scaled_dot_product_attention(
            x @ w_query[:, k],
            context @ w_key[:, k],
            context @ w_value[:, v],
            mask,
        )
        expected = expected + head @ w_output[v]
        np.testing.assert_allclose(
            weights[:, h], head_weights, rtol=1e-10, atol=1e-14
        )
    output, _ = multi_head_attention(
        x,
        w_query,
        w_key,
        w_value,
        w_output,
        num_heads,
        mask,
        context if cross else None,
    )
    np.testing.assert_allclose(output, expected, rtol=1e-9, atol=1e-11)


@pytest.mark.equation("eq-projections")
@few
@given(seeds, st.integers(1, 4), sizes)
def test_cross_attention_takes_a_context_of_another_width(
    seed, num_heads, width
):
    rng = np.random.default_rng(seed)
    x, context = draw(seed, 2, 5, 7), draw(seed + 1, 2, 3, width)
    w_query = rng.standard_normal((7, num_heads * 2))
    w_key = rng.standard_normal((width, num_heads * 2))
    w_value = rng.standard_normal((width, num_heads * 4))
    w_output = rng.standard_normal((num_heads * 4, 7))
    output, weights = multi_head_attention(
        x, w_query, w_key, w_value, w_output, num_heads, context=context
    )
    heads, expected = scaled_dot_product_attention(
        *(
            split_heads(y @ w, num_heads)
            for y, w in ((x, w_query), (context, w_key), (context, w_value))
        )
    )
    np.testing.assert_allclose(weights, expected, rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(
        output, merge_heads(heads) @ w_output, rtol=1e-9, atol=1e-11
    )


def test_a_head_is_a_slice_of_the_columns():
    x = draw(0, 2, 3, 6)
    heads = split_heads(x, 2)
    np.testing.assert_array_equal(heads[:, 0], x[..., :3])
    np.testing.assert_array_equal(heads[:, 1], x[..., 3:])
    np.testing.assert_array_equal(merge_heads(heads), x)
    with pytest.raises(ValueError, match=r"num_heads must divide .* 6, got 4"):
        split_heads(x, 4)


@few
@given(seeds, hnp.array_shapes(min_dims=0, max_dims=3, max_side=3))
def test_leading_axes_stay_where_they_are_when_heads_are_split(seed, batch):
    x = draw(seed, *batch, 4, 6)
    heads = split_heads(x, 3)
    assert heads.shape == (*batch, 3, 4, 2)
    for index in np.ndindex(batch):
        np.testing.assert_array_equal(
            heads[index], [x[index][:, h : h + 2] for h in (0, 2, 4)]
        )
    np.testing.assert_array_equal(merge_heads(heads), x)


def test_multi_head_takes_a_mask_a_sequence():
    x = draw(3, 2, 4, 6)
    mask = padding_mask([2, 4], 4)[:, None, :]
    output, weights = multi_head_attention(
        x, *projections(3, 6, 3, 3, 2), 2, mask
    )
    assert output.shape == (2, 4, 6)
    assert weights.shape == (2, 2, 4, 4)
    assert (weights[0, :, :, 2:] == 0).all()
    assert (weights[1] > 0).all()


def test_multi_head_names_what_does_not_fit():
    x = np.ones((5, 6))
    w_query, w_key, w_value, w_output = good = projections(0, 6, 2, 2, 3)
    cases = {
        "num_heads must divide the columns of w_query, 6, got 4": (x, *good, 4),
        "num_heads must divide the columns of w_value, 4, got 3": (x, w_query, w_key, w_value[:, :4], w_output[:4], 3),
        "num_heads must be at least 1, got 0": (x, *good, 0),
        "x must have at least 2 axes, got shape (6,)": (x[0], *good, 3),
        "w_query must have shape (6, any), got (5, 6)": (x, w_query[:5], w_key, w_value, w_output, 3),
        "w_key must have shape (6, 6), got (6, 4)": (x, w_query, w_key[:, :4], w_value, w_output, 3),
        "w_value must have shape (6, any), got (1, 6, 6)": (x, w_query, w_key, w_value[None], w_output, 3),
        "w_output must have shape (6, any), got (4, 6)": (x, w_query, w_key, w_value, w_output[:4], 3),
        "mask must broadcast to shape (5, 5), got (3, 5, 5)": (x, *good, 3, np.ones((3, 5, 5), bool)),
        "mask must allow every query at least one key, got none for query (0,)": (x, *good, 3, np.zeros((5, 5), bool)),
        "x must be finite, got a NaN or an infinity": (x * np.nan, *good, 3),
        "w_value must have shape (4, any), got (6, 6)": (
            x, w_query, w_key[:4], w_value, w_output, 3, None, x[:, :4],
        ),
        "w_key must have shape (4, 6), got (6, 6)": (x, *good, 3, None, x[:, :4]),
        "leading axes must broadcast together, got x (2, 5, 6), context (3, 5, 6)": (
            np.stack([x] * 2), *good, 3, None, np.stack([x] * 3),
        ),
    }  # fmt: skip
    for message, arguments in cases.items():
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            multi_head_attention(*arguments)
    with pytest.raises(
        TypeError, match=r"num_heads must be an integer, got 2\.0"
    ):
        multi_head_attention(x, *good, 2.0)


# the online form


@pytest.mark.equation("eq-online-softmax")
@few
@given(
    seeds,
    sizes,
    st.integers(1, 9),
    st.integers(1, 10),
    st.booleans(),
    st.sampled_from([1.0, 1e3]),
)
def test_online_attention_equals_the_naive_form(
    seed, t_q, t_k, block_size, masked, scale
):
    query, key, value = triple(seed, (2,), t_q, t_k, 3, 4)
    mask = random_mask(seed, t_q, t_k) if masked else None
    expected, _ = scaled_dot_product_attention(scale * query, key, value, mask)
    output = online_softmax_attention(
        scale * query, key, value, mask, block_size
    )
    np.testing.assert_allclose(output, expected, rtol=1e-10, atol=1e-12)


def test_online_attention_survives_blocks_without_an_allowed_key():
    query, key, value = triple(0, (), 2, 6, 3, 3)
    mask = np.zeros((2, 6), bool)
    mask[0, 5] = mask[1, 0] = (
        True  # three blocks of two: the first two are empty for query 0
    )
    np.testing.assert_array_equal(
        online_softmax_attention(query, key, value, mask, 2), value[[5, 0]]
    )


def test_online_attention_keeps_float32_and_broadcasts():
    query, key, value = (
        a.astype(np.float32) for a in triple(0, (), 3, 5, 4, 4)
    )
    output = online_softmax_attention(
        query, np.stack([key] * 2), value, block_size=2
    )
    assert output.dtype == np.float32
    assert output.shape == (2, 3, 4)


def test_online_attention_holds_no_square_array():
    import tracemalloc

    query, key, value = triple(0, (), 1024, 1024, 16, 16)

    def peak(function):
        tracemalloc.start()
        function(query, key, value)
        (_, most) = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    square = 8 * 1024**2
    assert peak(scaled_dot_product_attention) > square
    assert (
        peak(lambda *qkv: online_softmax_attention(*qkv, block_size=32))
        < square / 4
    )


@pytest.mark.parametrize("message", BAD)
def test_online_attention_names_what_does_not_fit(message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        online_softmax_attention(*BAD[message])


def test_online_attention_checks_its_block_size():
    query, key, value = triple(0, (), 2, 2, 2, 2)
    with pytest.raises(
        ValueError, match="block_size must be at least 1, got 0"
    ):
        online_softmax_attention(query, key, value, block_size=0)
    with pytest.raises(
        TypeError, match="block_size must be an integer, got None"
    ):
        online_softmax_attention(query, key, value, block_size=None)


# positions


@pytest.mark.equation("eq-sinusoidal")
def test_sinusoidal_positions_are_their_formula():
    positions = sinusoidal_positions(7, 6)
    for t in range(7):
        for i in range(3):
            angle = t / 10000 ** (2 * i / 6)
            assert positions[t, 2 * i] == pytest.approx(
                math.sin(angle), abs=1e-15
            )
            assert positions[t, 2 * i + 1] == pytest.approx(
                math.cos(angle), abs=1e-15
            )


@few
@given(st.integers(0, 50), st.integers(0, 50), st.integers(1, 8))
def test_sinusoidal_dot_products_depend_on_distance_only(s, t, pairs):
    positions = sinusoidal_positions(51, 2 * pairs)
    distances = sum(
        math.cos((t - s) / 10000 ** (i / pairs)) for i in range(pairs)
    )
    assert positions[s] @ positions[t] == pytest.approx(distances, abs=1e-12)


@pytest.mark.equation("eq-sinusoidal-shift")
@few
@given(st.integers(0, 20), st.integers(-20, 20), st.integers(1, 8))
def test_a_step_of_sinusoidal_positions_is_a_rotation(t, k, pairs):
    t = t + abs(k)
    positions = sinusoidal_positions(t + abs(k) + 1, 2 * pairs)
    for i in range(pairs):
        cosine, sine = (
            f(k / 10000 ** (i / pairs)) for f in (math.cos, math.sin)
        )
        (a, b), moved = (
            positions[t, 2 * i : 2 * i + 2],
            positions[t + k, 2 * i : 2 * i + 2],
        )
        np.testing.assert_allclose(
            moved, [a * cosine + b * sine, b * cosine - a * sine], atol=1e-12
        )


@pytest.mark.equation("eq-rotary")
@few
@given(seeds, st.integers(1, 4), st.floats(2, 1e6))
def test_rotary_is_multiplication_by_a_rotation_matrix(seed, pairs, base):
    d = 2 * pairs
    x = draw(seed, 3, 5, d)
    turned = rotary(x, base=base)
    for t in range(5):
        matrix = np.zeros((d, d))
        for i in range(pairs):
            c, s = (
                math.cos(t / base ** (2 * i / d)),
                math.sin(t / base ** (2 * i / d)),
            )
            j = i + pairs
            matrix[i, i], matrix[i, j], matrix[j, i], matrix[j, j] = c, -s, s, c
        np.testing.assert_allclose(
            turned[:, t], x[:, t] @ matrix.T, rtol=1e-12, atol=1e-12
        )


@pytest.mark.equation("eq-rotary-distance")
@few
@given(seeds, st.integers(-1000, 1000), st.integers(-20, 20), st.integers(1, 4))
def test_rotary_dot_products_depend_on_distance_only(seed, t, distance, pairs):
    query, key = draw(seed, 2, 1, 2 * pairs)
    here = rotary(query, [t + distance]) @ rotary(key, [t]).T
    at_the_origin = rotary(query, [distance]) @ key.T
    np.testing.assert_allclose(here, at_the_origin, rtol=1e-9, atol=1e-11)


@few
@given(seeds)
def test_rotary_keeps_lengths_and_leaves_position_zero_alone(seed):
    x = draw(seed, 2, 6, 8)
    turned = rotary(x)
    np.testing.assert_allclose(
        np.linalg.norm(turned, axis=-1), np.linalg.norm(x, axis=-1), rtol=1e-12
    )
    np.testing.assert_array_equal(turned[:, 0], x[:, 0])


def test_rotary_takes_positions_of_each_sequence():
    x = draw(0, 2, 3, 4)
    positions = np.array([[0, 1, 2], [5, 6, 7]])
    turned = rotary(x, positions)
    np.testing.assert_array_equal(turned[0], rotary(x[0]))
    np.testing.assert_array_equal(turned[1], rotary(x[1], [5, 6, 7]))
    assert rotary(x.astype(np.float32)).dtype == np.float32


def test_integers_are_turned_as_floats_are():
    x = np.array([[3, 1, 4, 1], [5, 9, 2, 6]])
    np.testing.assert_array_equal(rotary(x), rotary(x.astype(float)))


@pytest.mark.equation("eq-rotary")
def test_the_frequencies_fall_from_one_radian_and_have_a_base_of_10000():
    np.testing.assert_allclose(frequencies(4), [1, 0.01], rtol=1e-15)
    np.testing.assert_allclose(frequencies(4, 16.0), [1, 0.25], rtol=1e-15)
    np.testing.assert_allclose(frequencies(6, 8.0), [1, 0.5, 0.25], rtol=1e-15)
    x = draw(0, 5, 4)
    np.testing.assert_array_equal(rotary(x), rotary(x, base=10000.0))
    angles = np.arange(5) * 0.01
    np.testing.assert_allclose(
        sinusoidal_positions(5, 4)[:, 2], np.sin(angles), atol=1e-15
    )


def test_positions_name_what_does_not_fit():
    cases = {
        "d_model must be even, since entries are taken in pairs, got 3": (
            sinusoidal_positions,
            2,
            3,
        ),
        "length must be at least 1, got 0": (sinusoidal_positions, 0, 4),
        "base must be positive, got -1": (sinusoidal_positions, 2, 4, -1),
        "base must be positive, got 0": (sinusoidal_positions, 2, 4, 0),
        "width must be even, since entries are taken in pairs, got 5": (
            frequencies,
            5,
        ),
        "the last axis of x must be even, since entries are taken in pairs, got 3": (
            rotary,
            np.ones((2, 3)),
        ),
        "x must have at least 2 axes, got shape (4,)": (rotary, np.ones(4)),
        "positions must broadcast to shape (2,), got (3,)": (
            rotary,
            np.ones((2, 4)),
            [0, 1, 2],
        ),
        "positions must be finite, got a NaN or an infinity": (
            rotary,
            np.ones((2, 4)),
            [0, np.nan],
        ),
        "base must be positive, got nan": (
            rotary,
            np.ones((2, 4)),
            None,
            math.nan,
        ),
    }
    for message, (function, *arguments) in cases.items():
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            function(*arguments)
    with pytest.raises(TypeError, match="d_model must be an integer"):
        sinusoidal_positions(2, 4.0)


def test_importing_attention_leaves_tensorflow_out():
    import subprocess
    import sys

    code = "import sys, llmbook.mathematics.attention; print('tensorflow' in sys.modules or 'keras' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
