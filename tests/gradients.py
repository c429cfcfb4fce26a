"""Gradients of the engine, and how near two lists of gradients are."""

import numpy as np

from llmbook.mathematics.autodiff import Tensor


def engine_gradients(function, inputs, grad_output=1.0):
    tensors = [Tensor(x) for x in inputs]
    output = function(*tensors)
    output.backward(np.broadcast_to(grad_output, output.shape))
    return [tensor.grad for tensor in tensors]


def assert_close(gradients, expected, tolerance=1e-12):
    for gradient, other in zip(gradients, expected, strict=True):
        assert gradient.shape == other.shape
        assert np.abs(gradient - other).max() <= tolerance * max(
            np.abs(other).max(), 1e-3
        )
