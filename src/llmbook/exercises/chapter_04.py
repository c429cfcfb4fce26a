"""Checks of the exercises of chapter 4, forward and backward."""

import numpy as np

from llmbook.exercises import exercise
from llmbook.mathematics.autodiff import Tensor
from llmbook.mathematics.backprop import numerical_gradient


@exercise(
    "4.1",
    "Follow the derivation of layer normalisation and leave the mean out; ask"
    " which direction of x the normalisation takes away, and where ε stands.",
)
def rms_norm_backward(answer):
    """Compare with central differences, for several shapes and values of ε."""
    rng = np.random.default_rng(0)
    for shape, epsilon in [
        ((2, 3, 5), 1e-5),
        ((4, 5), 0.5),
        ((5,), 0.1),
        ((2, 1, 3, 5), 1e-3),
    ]:
        x, grad_output = rng.normal(size=(2, *shape))  # (..., d_model)
        gain = rng.normal(size=5)  # (d_model,)

        def rms_norm(x, gain, epsilon=epsilon):
            return (
                gain
                * x
                / np.sqrt((x**2).mean(axis=-1, keepdims=True) + epsilon)
            )

        found = answer(grad_output, x, gain, epsilon)
        assert isinstance(found, tuple | list), (
            "expected two gradients, those of x and of gain"
        )
        assert len(found) == 2, (
            f"expected two gradients, those of x and of gain, got {len(found)}"
        )
        for index, name in enumerate(["x", "gain"]):
            expected = numerical_gradient(
                rms_norm, [x, gain], index, grad_output
            )
            _compare(
                found[index],
                expected,
                f"the gradient of {name} for x of shape {shape}",
            )


@exercise(
    "4.2",
    "The sigmoid is a hyperbolic tangent in disguise, moved and stretched;"
    " compare their values at minus infinity, zero and plus infinity.",
)
def sigmoid(answer):
    """Compare value and gradient with the closed form, at ordinary and at large
    inputs.
    """
    x = Tensor([[-1000.0, -3.0, -0.5], [0.0, 2.0, 1000.0]])
    with np.errstate(all="ignore"):
        y = answer(x)
        assert isinstance(y, Tensor), (
            f"expected a Tensor, got {type(y).__name__}"
        )
        _compare(y.data, _sigmoid(x.data), "the sigmoid")
        grad_output = np.array([[1.0, 2.0, -1.0], [3.0, 1.0, 1.0]])
        y.backward(grad_output)
    assert x.grad is not None, (
        "the result is not connected to x: compute it from x, not x.data"
    )
    expected = grad_output * _sigmoid(x.data) * _sigmoid(-x.data)
    _compare(x.grad, expected, "the gradient")


@exercise(
    "4.3",
    "Along each eigenvector the loss is a bowl of its own, whose curvature is"
    " the eigenvalue; all of them must converge.",
)
def largest_rate(answer):
    """Try matrices whose eigenvalues are known, diagonal and rotated."""
    rng = np.random.default_rng(0)
    rotation = np.linalg.qr(rng.normal(size=(3, 3)))[0]  # (3, 3)
    for eigenvalues, axes in [
        ([4.0], np.eye(1)),
        ([1.0, 10.0, 3.0], np.eye(3)),
        ([0.5, 2.0, 8.0], rotation),
    ]:
        matrix = axes @ np.diag(eigenvalues) @ axes.T
        expected = 2 / max(eigenvalues)
        found = answer(matrix)
        _compare(found, expected, f"the rate for eigenvalues {eigenvalues}")


@exercise(
    "4.4",
    "The mean of all examples is not the mean of the pieces' means unless the"
    " pieces are equal: how many examples speak in each?",
)
def accumulate(answer):
    """Compare with the gradient of a whole batch, cut into equal and unequal
    pieces.
    """
    rng = np.random.default_rng(0)
    # (B, …), each example's own gradient
    examples = rng.normal(size=(10, 2, 3))
    for sizes in [[5, 5], [4, 4, 2], [10], [1, 9], [2, 3]]:
        batch = examples[: sum(sizes)]  # (B, …)
        pieces = np.split(batch, np.cumsum(sizes)[:-1])
        means = [piece.mean(axis=0) for piece in pieces]  # (2, 3) each
        given = [mean.copy() for mean in means]
        found = answer(given, sizes)
        _compare(
            found, batch.mean(axis=0), f"the gradient from pieces of {sizes}"
        )
        unchanged = all(
            (a == b).all() for a, b in zip(given, means, strict=True)
        )
        assert unchanged, (
            "the gradients that were given have been changed in place"
        )


@exercise(
    "4.5",
    "Compare the two arrays once, and let both rules use the result: where a is"
    " taken the gradient goes to a, elsewhere to b. The engine adds up what was"
    " broadcast.",
)
def maximum(answer):
    """Compare value and gradients, with broadcasting, a tie, a shared input and
    operations before and after.
    """
    a = Tensor([[1.0, -2.0, 0.5], [3.0, 0.0, 2.0]])
    b = Tensor([0.0, 3.0, 2.0])  # a tie in the last row, with a
    larger = answer(a, b)
    assert isinstance(larger, Tensor), (
        f"expected a Tensor, got {type(larger).__name__}"
    )
    _compare(larger.data, np.maximum(a.data, b.data), "the maximum")
    grad_output = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    (larger * 1.0).backward(grad_output)
    for name, tensor, expected in [
        ("a", a, [[1.0, 0.0, 0.0], [4.0, 0.0, 6.0]]),
        ("b", b, [0.0, 7.0, 3.0]),
    ]:
        assert tensor.grad is not None, (
            f"the result is not connected to {name}: is {name} among its"
            " inputs?"
        )
        _compare(tensor.grad, expected, f"the gradient of {name}")
    x = Tensor([-1.5, 0.5, 2.0])
    answer(x * x, x + 1).sum().backward()  # both of one tensor
    _compare(x.grad, [-3.0, 1.0, 4.0], "the gradient of max(x², x + 1)")


def _sigmoid(x):
    return np.exp(-np.logaddexp(0.0, -x))


def _compare(found, expected, what):
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape, (
        f"{what} has the shape {found.shape}, expected {expected.shape}"
    )
    assert np.isfinite(found).all(), f"{what} holds a NaN or an infinity"
    error = np.abs(found - expected).max()
    assert error < 1e-6 * max(np.abs(expected).max(), 1), (
        f"{what} is off by {error:.3g}"
    )
