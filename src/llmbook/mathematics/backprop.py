r"""Backward passes derived by hand, and the check that tells whether a
derivation is right.

A forward function maps inputs to an output; its backward function maps the
gradient of a loss with respect to that output, ``grad_output``, to the
gradients with respect to the inputs, each in the shape of its input. The
forward functions are those of :mod:`llmbook.mathematics.attention` and
:mod:`llmbook.mathematics.losses`; the few that a transformer block needs
besides stand here.
"""

import math

import numpy as np

from llmbook import checks
from llmbook.mathematics.attention import merge_heads, softmax, split_heads
from llmbook.mathematics.losses import sigmoid

_erf = np.vectorize(math.erf, otypes=[float])


def linear(x, weight, bias):
    """Return ``x @ weight + bias``, the same map at every position.

    Parameters
    ----------
    x : (..., d_in)
    weight : (d_in, d_out)
    bias : (d_out,)

    Returns
    -------
    (..., d_out)

    Raises
    ------
    ValueError
        If arrays are not of finite numbers, or their shapes do not fit.
    """
    x, weight, bias = checks.fit("... a, a b, b", x=x, weight=weight, bias=bias)
    return x @ weight + bias


def linear_backward(grad_output, x, weight):
    r"""Return the gradients of :func:`linear`.

    .. math::

        \bar X = \bar Y W^\top, \qquad \bar W = X^\top \bar Y, \qquad \bar b =
        \sum_i \bar Y_i

    where the rows :math:`i` run over all positions of the batch.

    Parameters
    ----------
    grad_output : (..., d_out)
    x : (..., d_in)
    weight : (d_in, d_out)

    Returns
    -------
    grad_x : (..., d_in)
    grad_weight : (d_in, d_out)
    grad_bias : (d_out,)

    Raises
    ------
    ValueError
        If ``grad_output`` does not have the shape of the output, arrays are
        not of finite numbers, or their shapes do not fit.
    """
    x, weight, grad_output = checks.fit(
        "... a, a b, ... b", x=x, weight=weight, grad_output=grad_output
    )
    checks.shape("grad_output", grad_output, (*x.shape[:-1], weight.shape[-1]))
    grad_x = grad_output @ weight.T  # (..., d_in)
    grad_rows = grad_output.reshape(-1, weight.shape[1])  # (N, d_out)
    grad_weight = x.reshape(-1, weight.shape[0]).T @ grad_rows  # (d_in, d_out)
    return grad_x, grad_weight, grad_rows.sum(axis=0)


def embedding(ids, table):
    """Return the rows of ``table`` that ``ids`` name.

    Parameters
    ----------
    ids : (...) of int
    table : (V, d_model)

    Returns
    -------
    (..., d_model)

    Raises
    ------
    ValueError
        If an id is not a row of the table, or this is not of finite numbers.
    TypeError
        If the ids are not integers.
    """
    table = checks.array("table", table, at_least=1)
    ids = checks.ids("ids", ids, len(table))
    return table[ids]


def embedding_backward(grad_output, ids, vocabulary_size):
    r"""Return the gradient of :func:`embedding` with respect to its table.

    .. math:: \bar E_v = \sum_{i:\, \mathrm{id}_i = v} \bar Y_i

    A token that stands twice receives both gradients; one that is absent
    receives none.

    Parameters
    ----------
    grad_output : (..., d_model)
    ids : (...) of int
    vocabulary_size : int

    Returns
    -------
    (V, d_model)

    Raises
    ------
    ValueError
        If ``grad_output`` is not of finite numbers in the shape of the output,
        or an id is not below ``vocabulary_size``.
    TypeError
        If ``ids`` or ``vocabulary_size`` are not integers.
    """
    vocabulary_size = checks.count("vocabulary_size", vocabulary_size)
    ids = checks.ids("ids", ids, vocabulary_size)
    grad_output = checks.array("grad_output", grad_output, at_least=1)
    checks.shape(
        "grad_output", grad_output, (*ids.shape, grad_output.shape[-1])
    )
    # (V, d_model)
    grad_table = np.zeros((vocabulary_size, grad_output.shape[-1]))
    np.add.at(grad_table, ids, grad_output)
    return grad_table


def erf(x):
    r"""Return the error function of every entry, which NumPy lacks.

    .. math:: \operatorname{erf}(x) = \frac{2}{\sqrt\pi} \int_0^x e^{-t^2} \, dt

    Raises
    ------
    ValueError
        If ``x`` is not of finite numbers.
    """
    x = checks.array("x", x)
    return _erf(x)


def gelu(x):
    r"""Return the Gaussian error linear unit, each entry times the share of a
    Gaussian below it.

    .. math:: x\,\Phi(x), \qquad
        \Phi(x) = \tfrac12 \left( 1 + \operatorname{erf} \frac{x}{\sqrt2}
        \right)

    Source: Hendrycks and Gimpel 2016, section 2.

    Raises
    ------
    ValueError
        If ``x`` is not of finite numbers.
    """
    x = checks.array("x", x)
    return x * _gaussian_below(x)


def gelu_backward(grad_output, x):
    r"""Return the gradient of :func:`gelu`, in the shape of ``x``.

    .. math:: \bar x = \bar y \left[ \Phi(x) + x\,\varphi(x) \right], \qquad
        \varphi(x) = \frac{1}{\sqrt{2\pi}}\, e^{-x^2/2}

    Raises
    ------
    ValueError
        If ``grad_output`` does not have the shape of ``x``, or they are not of
        finite numbers.
    """
    grad_output, x = checks.fit("..., ...", grad_output=grad_output, x=x)
    checks.shape("grad_output", grad_output, x.shape)
    density = np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)  # (...)
    return grad_output * (_gaussian_below(x) + x * density)


def layer_norm(x, gain, bias, epsilon=1e-5):
    r"""Give every position mean ``bias`` and standard deviation ``gain`` across
    its features.

    .. math:: y = \gamma \odot \hat x + \beta, \qquad
        \hat x = \frac{x - \mu}{\sqrt{\sigma^2 + \varepsilon}}

    with :math:`\mu` and :math:`\sigma^2` the mean and variance of the
    position's own features (Ba, Kiros and Hinton 2016, Eq. 3).

    Parameters
    ----------
    x : (..., d_model)
    gain, bias : (d_model,)
    epsilon : float

    Returns
    -------
    (..., d_model)

    Raises
    ------
    TypeError
        If ``epsilon`` is not a number.
    ValueError
        If arrays are not of finite numbers, their shapes do not fit, or
        ``epsilon`` is negative.
    """
    x, gain, bias = checks.fit("... d, d, d", x=x, gain=gain, bias=bias)
    checks.within("epsilon", epsilon, 0, math.inf, closed=False)
    normalised, _ = _normalise(x, epsilon)  # (..., d_model)
    return gain * normalised + bias


def layer_norm_backward(grad_output, x, gain, epsilon=1e-5):
    r"""Return the gradients of :func:`layer_norm`.

    .. math:: \bar x = \frac{1}{\sqrt{\sigma^2 + \varepsilon}} \Big( \hat g
        - \operatorname{mean}(\hat g) - \hat x \operatorname{mean}(\hat g \odot
        \hat x) \Big),
        \qquad \hat g = \gamma \odot \bar y

    with the means over the features of one position.

    Parameters
    ----------
    grad_output : (..., d_model)
    x : (..., d_model)
    gain : (d_model,)
    epsilon : float

    Returns
    -------
    grad_x : (..., d_model)
    grad_gain, grad_bias : (d_model,)

    Raises
    ------
    ValueError
        If ``grad_output`` does not have the shape of ``x``, arrays are not of
        finite numbers, their shapes do not fit, or ``epsilon`` is negative.
    TypeError
        If ``epsilon`` is not a number.
    """
    grad_output, x, gain = checks.fit(
        "... d, ... d, d", grad_output=grad_output, x=x, gain=gain
    )
    checks.within("epsilon", epsilon, 0, math.inf, closed=False)
    checks.shape("grad_output", grad_output, x.shape)
    # (..., d_model), (..., 1)
    normalised, inverse_deviation = _normalise(x, epsilon)
    grad_normalised = grad_output * gain  # (..., d_model)
    along_mean = grad_normalised.mean(axis=-1, keepdims=True)  # (..., 1)
    # (..., 1)
    along_x = (grad_normalised * normalised).mean(axis=-1, keepdims=True)
    grad_x = inverse_deviation * (
        grad_normalised - along_mean - normalised * along_x
    )  # (..., d_model)
    grad_gain = sum_to_shape(grad_output * normalised, gain.shape)  # (d_model,)
    return grad_x, grad_gain, sum_to_shape(grad_output, gain.shape)


def softmax_backward(grad_output, weights, axis=-1):
    r"""Return the gradient with respect to the scores, given the weights that
    softmax returned.

    .. math:: \bar s_i = w_i \Big( \bar w_i - \sum_j \bar w_j w_j \Big)

    Parameters
    ----------
    grad_output, weights : (...)
    axis : int
        Along which the weights sum to 1.

    Returns
    -------
    (...), exactly 0 where the weight is 0: no gradient reaches what a mask
    forbids.

    Raises
    ------
    ValueError
        If ``grad_output`` does not have the shape of ``weights``, or they are
        not of finite numbers.
    TypeError
        If ``axis`` is not an integer.
    """
    grad_output, weights = checks.fit(
        "..., ...", grad_output=grad_output, weights=weights
    )
    checks.has_axis("axis", axis, weights.ndim)
    checks.shape("grad_output", grad_output, weights.shape)
    average = (grad_output * weights).sum(axis=axis, keepdims=True)  # (..., 1)
    return weights * (grad_output - average)


def binary_cross_entropy_backward(logits, targets):
    r"""Return the gradient of
    :func:`llmbook.mathematics.losses.binary_cross_entropy` by its logits.

    .. math:: \bar z_i = \frac{\sigma(z_i) - y_i}{N}

    Parameters
    ----------
    logits, targets : (...)

    Returns
    -------
    (...)

    Raises
    ------
    ValueError
        If ``targets`` does not have the shape of ``logits``, or they are not of
        finite numbers.
    """
    logits, targets = checks.fit("..., ...", logits=logits, targets=targets)
    checks.shape("targets", targets, np.shape(logits))
    return (sigmoid(logits) - targets) / np.size(logits)


def cross_entropy_backward(
    logits, targets, mask=None, label_smoothing=0.0, class_weights=None
):
    r"""Return the gradient of :func:`llmbook.mathematics.losses.cross_entropy`
    by its logits.

    .. math:: \bar z_i = \frac{w_{y_i}}{\sum_j w_{y_j}} (p_i - q_i)

    for positions that the mask allows, and 0 elsewhere; :math:`q_i` is the
    target as a distribution, smoothed or not.

    Parameters
    ----------
    logits : (..., V)
    targets : (...) of int
    mask, label_smoothing, class_weights
        As in the loss.

    Returns
    -------
    (..., V)

    Raises
    ------
    ValueError
        If shapes do not match, no position counts, a target that counts is not
        in ``range(V)``, or the smoothing or a weight is out of range.
    TypeError
        If the targets are not integers or the mask is not boolean.
    """
    logits, targets, mask, class_weights = checks.choices(
        logits, targets, mask, label_smoothing, class_weights
    )
    num_classes = logits.shape[-1]
    one_hot = np.eye(num_classes)[targets[mask]]  # (N, V)
    # (N, V)
    smoothed = (1 - label_smoothing) * one_hot + label_smoothing / num_classes
    shares = class_weights[targets[mask]]  # (N,)
    shares = shares / shares.sum()  # (N,)
    grad_logits = np.zeros_like(logits)  # (..., V)
    grad_logits[mask] = shares[:, None] * (softmax(logits[mask]) - smoothed)
    return grad_logits


def scaled_dot_product_attention_backward(
    grad_output, query, key, value, weights
):
    r"""Return the gradients of
    :func:`llmbook.mathematics.attention.scaled_dot_product_attention`.

    .. math:: \bar V = A^\top \bar Y, \qquad \bar A = \bar Y V^\top, \qquad
        \bar Q = \frac{\bar S K}{\sqrt{d_k}}, \qquad \bar K = \frac{\bar S^\top
        Q}{\sqrt{d_k}}

    where :math:`A` are the weights and :math:`\bar S` is
    :func:`softmax_backward` of :math:`\bar A`. The mask is not needed again:
    where it forbids attention the weight is 0.

    Parameters
    ----------
    grad_output : (..., T_q, d_v)
    query : (..., T_q, d_k)
    key : (..., T_k, d_k)
    value : (..., T_k, d_v)
    weights : (..., T_q, T_k)
        What the forward pass returned beside its output.

    Returns
    -------
    grad_query, grad_key, grad_value
        Each in the shape of its input.

    Raises
    ------
    ValueError
        If ``grad_output`` or ``weights`` has another shape than the forward
        pass gives it, other shapes do not fit, or arrays are not of finite
        numbers.
    """
    grad_output, query, key, value, weights = checks.fit(
        "... q v, ... q k, ... t k, ... t v, ... q t",
        grad_output=grad_output,
        query=query,
        key=key,
        value=value,
        weights=weights,
    )
    length_q, length_k = query.shape[-2], key.shape[-2]
    batch = np.broadcast_shapes(weights.shape[:-2], value.shape[:-2])
    expected = (*batch, length_q, value.shape[-1])
    checks.shape("weights", weights, (*weights.shape[:-2], length_q, length_k))
    checks.shape("grad_output", grad_output, expected)
    checks.broadcast(query.shape[:-2], weights.shape[:-2], "query", "weights")
    checks.broadcast(key.shape[:-2], weights.shape[:-2], "key", "weights")
    grad_value = weights.swapaxes(-1, -2) @ grad_output  # (..., T_k, d_v)
    grad_weights = grad_output @ value.swapaxes(-1, -2)  # (..., T_q, T_k)
    grad_weights = sum_to_shape(grad_weights, weights.shape)  # (..., T_q, T_k)
    grad_scores = softmax_backward(grad_weights, weights)  # (..., T_q, T_k)
    grad_scores = grad_scores / np.sqrt(query.shape[-1])  # (..., T_q, T_k)
    grad_query = grad_scores @ key  # (..., T_q, d_k)
    grad_key = grad_scores.swapaxes(-1, -2) @ query  # (..., T_k, d_k)
    return (
        sum_to_shape(grad_query, query.shape),
        sum_to_shape(grad_key, key.shape),
        sum_to_shape(grad_value, value.shape),
    )


def multi_head_attention_backward(
    grad_output, x, w_query, w_key, w_value, w_output, num_heads, weights
):
    r"""Return the gradients of
    :func:`llmbook.mathematics.attention.multi_head_attention` attending to
    itself.

    .. math::

        \bar X = \bar Q W_Q^\top + \bar K W_K^\top + \bar V W_V^\top, \qquad
        \bar W_Q = X^\top \bar Q, \quad \bar W_K = X^\top \bar K, \quad \bar W_V
        = X^\top \bar V

    The input is used three times, so its gradient is a sum of three. Queries,
    keys and values are computed again rather than kept: two products the more,
    three arrays the fewer.

    Parameters
    ----------
    grad_output : (..., T, d_out)
    x : (..., T, d_model)
    w_query, w_key : (d_model, H * d_k)
    w_value : (d_model, H * d_v)
    w_output : (H * d_v, d_out)
    num_heads : int
    weights : (..., H, T, T)
        What the forward pass returned beside its output.

    Returns
    -------
    grad_x, grad_w_query, grad_w_key, grad_w_value, grad_w_output
        Each in the shape of its input.

    Raises
    ------
    ValueError
        If ``grad_output`` or ``weights`` has another shape than the forward
        pass gives it, other shapes do not fit, or arrays are not of finite
        numbers.
    TypeError
        If ``num_heads`` is not an integer.
    """
    grad_output, x, w_query, w_key, w_value, w_output, weights = checks.fit(
        "... t o, ... t m, m k, m k, m v, v o, ... h t t",
        grad_output=grad_output,
        x=x,
        w_query=w_query,
        w_key=w_key,
        w_value=w_value,
        w_output=w_output,
        weights=weights,
    )
    num_heads = checks.heads(
        "the columns of w_query", w_query.shape[1], num_heads
    )
    checks.shape(
        "weights",
        weights,
        (*weights.shape[:-3], num_heads, *weights.shape[-2:]),
    )
    expected = (*x.shape[:-1], w_output.shape[1])
    checks.shape("grad_output", grad_output, expected)
    projections = (w_query, w_key, w_value)
    # (..., H, T, d_k), (..., H, T, d_k), (..., H, T, d_v)
    query, key, value = (split_heads(x @ w, num_heads) for w in projections)
    heads = merge_heads(weights @ value)  # (..., T, H * d_v)
    grad_heads, grad_w_output, _ = linear_backward(grad_output, heads, w_output)
    grad_heads = split_heads(grad_heads, num_heads)  # (..., H, T, d_v)
    grads = scaled_dot_product_attention_backward(
        grad_heads, query, key, value, weights
    )
    grad_x, grad_projections = 0.0, []
    for grad, w in zip(grads, projections, strict=True):
        # (..., T, d_model), (d_model, H * d)
        grad_input, grad_w, _ = linear_backward(merge_heads(grad), x, w)
        grad_x = grad_x + grad_input  # (..., T, d_model)
        grad_projections.append(grad_w)
    return grad_x, *grad_projections, grad_w_output


def sum_to_shape(grad, shape):
    r"""Return the gradient of a broadcast: sum over the axes along which an
    array was repeated.

    .. math:: y_{ij} = x_j \;\Rightarrow\; \bar x_j = \sum_i \bar y_{ij}

    Parameters
    ----------
    grad : array
        The gradient with respect to the broadcast array.
    shape : tuple of int
        The shape before the broadcast.

    Raises
    ------
    ValueError
        If an array of that shape does not broadcast to the shape of ``grad``,
        or this is not of numbers.
    TypeError
        If ``shape`` is not of integers.
    """
    grad = checks.array("grad", grad, finite=False)
    checks.broadcast(shape, grad.shape)
    if grad.shape == shape:
        return grad
    grad = grad.sum(axis=tuple(range(grad.ndim - len(shape))))
    repeated = tuple(
        axis
        for axis, size in enumerate(shape)
        if size == 1 and grad.shape[axis] > 1
    )
    return grad.sum(axis=repeated, keepdims=True)


def numerical_gradient(function, inputs, index, grad_output=1.0, step=1e-5):
    r"""Return a gradient by central differences, at the price of two calls an
    entry.

    .. math::

        \frac{\partial L}{\partial x_i} \approx \frac{L(x + h e_i) - L(x - h
        e_i)}{2h}, \qquad L = \sum \bar y \odot f(x)

    The error of the formula is of order :math:`h^2`, that of rounding of order
    :math:`10^{-16} / h`.

    Parameters
    ----------
    function : callable
    inputs : sequence of arrays
        What ``function`` is called with.
    index : int
        Which of the inputs to differentiate by.
    grad_output : array or float
        In the shape of the function's output.
    step : float

    Returns
    -------
    array in the shape of ``inputs[index]``

    Raises
    ------
    ValueError
        If ``grad_output`` does not have the shape of the output, there is no
        such input, a number is not finite or ``step`` not positive.
    TypeError
        If ``function`` does not take the inputs, or a number is none.
    """
    checks.positive(step=checks.finite("step", step))
    inputs = checks.items("inputs", inputs, "arrays")
    checks.takes("function", function, inputs)
    checks.ids("index", checks.integer("index", index), len(inputs))
    checks.numbers(f"inputs[{index}]", inputs[index])
    checks.array("grad_output", grad_output)
    x = np.array(inputs[index], dtype=float)
    checks.shape("grad_output", grad_output, np.shape(function(*inputs)))

    def loss_with(entry, number):
        moved = x.copy()
        moved[entry] = number
        inputs[index] = moved
        return np.sum(grad_output * function(*inputs))

    gradient = np.empty_like(x)
    for entry, number in np.ndenumerate(x):
        above, below = number + step, number - step
        gradient[entry] = (
            loss_with(entry, above) - loss_with(entry, below)
        ) / (above - below)
    return gradient


def check_gradient(function, inputs, gradients, grad_output=1.0, step=1e-5):
    """Return how far gradients are from central differences, relative to the
    largest entry of each.

    Parameters
    ----------
    function : callable
        Of all ``inputs``, returning one array or number.
    inputs : sequence of arrays
    gradients : sequence of arrays or None
        What is claimed for each input; None for one that is not differentiated
        by, such as ids or a mask.
    grad_output : array or float
        The gradient with respect to the function's output, which the backward
        pass was given.
    step : float

    Returns
    -------
    float
        The largest error of any entry. Gradients below a thousandth are
        compared on that scale, where rounding rules.

    Raises
    ------
    ValueError
        If the numbers of inputs and gradients differ, a gradient does not have
        the shape of its input, no gradient is given, ``grad_output`` does not
        have the shape of the output, or numbers are not finite.
    TypeError
        If ``function`` does not take the inputs, or a number is none.
    """
    checks.gradients_of(gradients, inputs)
    errors = []
    for index, gradient in enumerate(gradients):
        if gradient is not None:
            expected = numerical_gradient(
                function, inputs, index, grad_output, step
            )
            scale = max(np.abs(expected).max(), np.abs(gradient).max(), 1e-3)
            errors.append(np.abs(gradient - expected).max() / scale)
    return float(max(errors))


def _gaussian_below(x):
    return (1 + erf(x / np.sqrt(2))) / 2


def _normalise(x, epsilon):
    """Return ``x`` at mean 0 and variance 1 across its features, and what it
    was multiplied by.
    """
    centred = x - x.mean(axis=-1, keepdims=True)  # (..., d_model)
    variance = (centred**2).mean(axis=-1, keepdims=True)  # (..., 1)
    inverse_deviation = 1 / np.sqrt(variance + epsilon)  # (..., 1)
    return centred * inverse_deviation, inverse_deviation
