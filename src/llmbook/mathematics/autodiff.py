"""Reverse-mode automatic differentiation on arrays, in one class.

A :class:`Tensor` remembers which tensors it was computed from and, for each of
them, how to turn the gradient with respect to itself into the gradient with
respect to that input (the vector-Jacobian product). :meth:`Tensor.backward`
walks the graph from the result to the inputs and adds up: the reverse mode of
Baydin et al. 2018, section 3.2.
"""

import numpy as np

from llmbook import checks
from llmbook.mathematics.backprop import erf, sum_to_shape


class Tensor:
    r"""An array that knows how it was computed.

    Operations between tensors, arrays and numbers give tensors, and broadcast
    as NumPy does. Only tensors are differentiated by: arrays and numbers are
    constants and stand in no graph.

    .. math::

        \bar x = \sum_{y:\, x \to y} \bar y \, \frac{\partial y}{\partial x}

    Parameters
    ----------
    data : array_like
        Kept in float64.
    name : str
        What a drawing of the graph calls it.

    Attributes
    ----------
    data : array
    grad : array of the same shape, or None
        The gradient of the tensor that :meth:`backward` was last called on.
    inputs : list of (Tensor, function)
        What it was computed from, each with its vector-Jacobian product.

    Raises
    ------
    ValueError
        If ``data`` is not of real numbers, or by an operation whose shapes do
        not fit.
    """

    # so that NumPy leaves ``array * tensor`` to the tensor
    __array_ufunc__ = None

    def __init__(self, data, name=""):
        data = checks.array("data", data, finite=False)
        self.data = np.asarray(data, dtype=float)
        self.name = name
        self.grad = None
        self.inputs = []

    def __repr__(self):
        name = f", name={self.name!r}" if self.name else ""
        return f"Tensor(shape={self.shape}{name})"

    @property
    def shape(self):
        """The shape of the array."""
        return self.data.shape

    def backward(self, grad_output=None):
        """Set the gradient of every tensor in the graph, this one's included.

        Gradients of an earlier call are replaced, not added to.

        Parameters
        ----------
        grad_output : array, optional
            The gradient with respect to this tensor: 1 if it is a single
            number, else required.

        Raises
        ------
        ValueError
            If ``grad_output`` is missing or does not have the shape of the
            tensor.
        """
        grad_output = 1.0 if grad_output is None else grad_output
        checks.shape(
            "grad_output", checks.array("grad_output", grad_output), self.shape
        )
        grad_output = np.array(grad_output, dtype=float)
        order = self.graph()
        for tensor in order:
            tensor.grad = np.zeros(tensor.shape)
        self.grad = grad_output
        for tensor in reversed(order):
            for source, product in tensor.inputs:
                source.grad += sum_to_shape(product(tensor.grad), source.shape)

    def graph(self):
        """Return every tensor that this one was computed from: inputs first,
        itself last.
        """
        order, seen, stack = [], set(), [(self, False)]
        # a loop, since a deep graph would exhaust Python's recursion
        while stack:
            tensor, inputs_done = stack.pop()
            if inputs_done:
                order.append(tensor)
            elif id(tensor) not in seen:
                seen.add(id(tensor))
                stack.append((tensor, True))
                stack.extend((source, False) for source, _ in tensor.inputs)
        return order

    def __add__(self, other):
        return _result(
            "+",
            self.data + _data(other),
            (self, lambda g: g),
            (other, lambda g: g),
        )

    def __mul__(self, other):
        a, b = self.data, _data(other)
        return _result(
            "×", a * b, (self, lambda g: g * b), (other, lambda g: g * a)
        )

    def __pow__(self, exponent):
        """Raise to a constant power."""
        if isinstance(exponent, Tensor):
            raise TypeError(
                "exponent must be a number, got a Tensor: use exp and log"
            )
        exponent = checks.real("exponent", exponent)
        x = self.data
        return _result(
            f"^{exponent:g}",
            x**exponent,
            (self, lambda g: g * exponent * x ** (exponent - 1)),
        )

    def __matmul__(self, other):
        """Multiply matrices, the last two axes; leading axes broadcast."""
        return _matmul(self, other)

    def __rmatmul__(self, other):
        return _matmul(other, self)

    __radd__, __rmul__ = __add__, __mul__

    def __neg__(self):
        return self * -1

    def __sub__(self, other):
        return self + -_constant(other)

    def __rsub__(self, other):
        return -self + other

    def __truediv__(self, other):
        return self * _constant(other) ** -1.0

    def __rtruediv__(self, other):
        return self**-1.0 * other

    def exp(self):
        """Return the exponential of every entry."""
        y = np.exp(self.data)
        return _result("exp", y, (self, lambda g: g * y))

    def log(self):
        """Return the natural logarithm of every entry."""
        x = self.data
        return _result("log", np.log(x), (self, lambda g: g / x))

    def tanh(self):
        """Return the hyperbolic tangent of every entry."""
        y = np.tanh(self.data)
        return _result("tanh", y, (self, lambda g: g * (1 - y**2)))

    def erf(self):
        """Return the error function of every entry."""
        x = self.data
        return _result(
            "erf",
            erf(x),
            (self, lambda g: g * 2 / np.sqrt(np.pi) * np.exp(-(x**2))),
        )

    def where(self, mask, otherwise):
        """Return the entries where ``mask`` is True, and the number
        ``otherwise`` elsewhere.
        """
        data = np.where(mask, self.data, otherwise)
        return _result("where", data, (self, lambda g: np.where(mask, g, 0.0)))

    def sum(self, axis=None, keepdims=False):
        """Sum over one axis, several or (None) all."""
        shape = np.sum(self.data, axis=axis, keepdims=True).shape
        data = self.data.sum(axis=axis, keepdims=keepdims)
        return _result(
            "sum",
            data,
            (self, lambda g: np.broadcast_to(g.reshape(shape), self.shape)),
        )

    def mean(self, axis=None, keepdims=False):
        """Average over one axis, several or (None) all."""
        total = self.sum(axis, keepdims)
        return total * (total.data.size / self.data.size)

    def reshape(self, *shape):
        """Return the same entries in another shape."""
        return _result(
            "reshape",
            self.data.reshape(*shape),
            (self, lambda g: g.reshape(self.shape)),
        )

    def swapaxes(self, first, second):
        """Exchange two axes."""
        return _result(
            "swapaxes",
            self.data.swapaxes(first, second),
            (self, lambda g: g.swapaxes(first, second)),
        )

    def __getitem__(self, index):
        """Select entries as NumPy does; one that is selected twice receives
        both gradients.
        """

        def product(g):
            grad = np.zeros(self.shape)
            np.add.at(grad, index, g)
            return grad

        return _result("[ ]", self.data[index], (self, product))


def _matmul(left, right):
    a, b = _data(left), _data(right)
    checks.matrices(a, b)
    return _result(
        "@",
        a @ b,
        (left, lambda g: g @ b.swapaxes(-1, -2)),
        (right, lambda g: a.swapaxes(-1, -2) @ g),
    )


def _constant(x):
    """Return a tensor as it is, anything else as an array of floats: a small
    integer would wrap round when it is negated.
    """
    if isinstance(x, Tensor):
        return x
    return np.asarray(checks.array("other", x, finite=False), dtype=float)


def _data(x):
    return x.data if isinstance(x, Tensor) else _constant(x)


def _result(name, data, *inputs):
    """Return a tensor, with those of its inputs that are tensors themselves."""
    tensor = Tensor(data, name)
    tensor.inputs = [
        (source, product)
        for source, product in inputs
        if isinstance(source, Tensor)
    ]
    return tensor
