import numpy as np

from llmbook.mathematics.autodiff import Tensor


def stub(*arguments, **options):
    raise NotImplementedError


def _rms(x, epsilon):
    return np.sqrt((x**2).mean(axis=-1, keepdims=True) + epsilon)


def scale_as_a_constant(grad_output, x, gain, epsilon=1e-5):
    r = _rms(x, epsilon)
    return grad_output * gain / r, (grad_output * x / r).reshape(
        -1, len(gain)
    ).sum(axis=0)


def mean_left_in(grad_output, x, gain, epsilon=1e-5):
    r = _rms(x, epsilon)
    g, y = grad_output * gain, x / r
    grad_x = (
        g - g.mean(-1, keepdims=True) - y * (g * y).mean(-1, keepdims=True)
    ) / r
    return grad_x, (grad_output * y).reshape(-1, len(gain)).sum(axis=0)


def gain_not_summed(grad_output, x, gain, epsilon=1e-5):
    r = _rms(x, epsilon)
    g, y = grad_output * gain, x / r
    return (g - y * (g * y).mean(-1, keepdims=True)) / r, grad_output * y


def gain_forgotten(grad_output, x, gain, epsilon=1e-5):
    r = _rms(x, epsilon)
    y = x / r
    grad_x = (grad_output - y * (grad_output * y).mean(-1, keepdims=True)) / r
    return grad_x, (grad_output * y).reshape(-1, len(gain)).sum(axis=0)


def epsilon_ignored(grad_output, x, gain, epsilon=1e-5):
    r = _rms(x, 0.0)
    g, y = grad_output * gain, x / r
    grad_x = (g - y * (g * y).mean(-1, keepdims=True)) / r
    return grad_x, (grad_output * y).reshape(-1, len(gain)).sum(axis=0)


def one_gradient_only(grad_output, x, gain, epsilon=1e-5):
    return gain_forgotten(grad_output, x, gain, epsilon)[:1]


def overflows(x):
    return 1 / (1 + (-x).exp())


def other_side_overflows(x):
    return x.exp() / (x.exp() + 1)


def not_a_tensor(x):
    return 0.5 * (1 + np.tanh(0.5 * x.data))


def not_connected(x):
    return Tensor(0.5 * (1 + np.tanh(0.5 * x.data)))


def not_halved(x):
    return 0.5 * (1 + x.tanh())


def clipped(x):
    inside = x.where(np.abs(x.data) < 2, 2.0)
    return 1 / (1 + (-inside).exp())


def from_the_largest_entry(A):
    return 2 / np.max(A)


def without_overshoot(A):
    return 1 / np.linalg.eigvalsh(A).max()


def from_the_flattest(A):
    return 2 / np.linalg.eigvalsh(A).min()


def from_the_trace(A):
    return 2 / np.trace(A)


def mean_of_means(gradients, sizes):
    return sum(gradients) / len(gradients)


def sum_of_means(gradients, sizes):
    return sum(gradients)


def weights_not_divided(gradients, sizes):
    return sum(
        gradient * size for gradient, size in zip(gradients, sizes, strict=True)
    )


def always_of_ten(gradients, sizes):
    return weights_not_divided(gradients, sizes) / 10


def in_place(gradients, sizes):
    total = gradients[0]
    total *= sizes[0] / sum(sizes)
    for gradient, size in zip(gradients[1:], sizes[1:], strict=True):
        total += gradient * size / sum(sizes)
    return total


def of_arrays(a, b):
    return np.maximum(a.data, b.data)


def maximum_not_connected(a, b):
    return Tensor(np.maximum(a.data, b.data))


def _largest(a, b, to_a, to_b):
    result = Tensor(np.maximum(a.data, b.data), "max")
    result.inputs = [(a, to_a), (b, to_b)]
    return result


def gradient_to_both(a, b):
    return _largest(a, b, lambda g: g, lambda g: g)


def gradient_to_the_smaller(a, b):
    first = a.data >= b.data
    return _largest(a, b, lambda g: g * ~first, lambda g: g * first)


def tie_counted_twice(a, b):
    return _largest(
        a, b, lambda g: g * (a.data >= b.data), lambda g: g * (b.data >= a.data)
    )


def tie_to_b(a, b):
    return _largest(
        a, b, lambda g: g * (a.data > b.data), lambda g: g * (b.data >= a.data)
    )


def one_input_forgotten(a, b):
    result = Tensor(np.maximum(a.data, b.data), "max")
    result.inputs = [(a, lambda g: g * (a.data >= b.data))]
    return result


def arriving_gradient_forgotten(a, b):
    first = a.data >= b.data
    return _largest(a, b, lambda g: 1.0 * first, lambda g: 1.0 * ~first)


def rows_only(grad_output, x, gain, epsilon=1e-5):
    r = np.sqrt((x**2).mean(axis=1, keepdims=True) + epsilon)
    g, y = grad_output * gain, x / r
    grad_x = (g - y * (g * y).mean(axis=1, keepdims=True)) / r
    return grad_x, (grad_output * y).sum(axis=0)


WRONG = {
    "4.1": [
        stub,
        scale_as_a_constant,
        mean_left_in,
        gain_not_summed,
        gain_forgotten,
        epsilon_ignored,
        one_gradient_only,
        rows_only,
    ],
    "4.2": [
        stub,
        overflows,
        other_side_overflows,
        not_a_tensor,
        not_connected,
        not_halved,
        clipped,
    ],
    "4.3": [
        stub,
        from_the_largest_entry,
        without_overshoot,
        from_the_flattest,
        from_the_trace,
    ],
    "4.4": [
        stub,
        mean_of_means,
        sum_of_means,
        weights_not_divided,
        always_of_ten,
        in_place,
    ],
    "4.5": [
        stub,
        of_arrays,
        maximum_not_connected,
        gradient_to_both,
        gradient_to_the_smaller,
        tie_counted_twice,
        tie_to_b,
        one_input_forgotten,
        arriving_gradient_forgotten,
    ],
}
