"""Optimisers, learning-rate schedule and gradient clipping, on plain arrays.

An optimiser is given the parameters once and then, step after step, the
gradients in their order. It changes the arrays in place.
"""

import math

import numpy as np

from llmbook import checks


class SGD:
    r"""Stochastic gradient descent, with momentum and decoupled weight decay if
    asked for.

    .. math:: v_t = \mu v_{t-1} - \eta g_t, \qquad
        \theta_t = (1 - \eta\lambda)\,\theta_{t-1} + v_t

    Momentum as in Eqs. 1 and 2 of Sutskever et al. 2013; decay as in Loshchilov
    and Hutter 2019.

    Parameters
    ----------
    parameters : list of float arrays
        Changed in place by :meth:`step`.
    learning_rate : float
        :math:`\eta`; may be set anew before each step, as a schedule does.
    momentum : float
        :math:`\mu`; 0 leaves plain gradient descent.
    weight_decay : float
        :math:`\lambda`.

    Raises
    ------
    ValueError
        If a number is out of range.
    TypeError
        If a parameter is not an array of floats, which could not be changed in
        place.
    """

    def __init__(
        self, parameters, learning_rate, momentum=0.0, weight_decay=0.0
    ):
        self.parameters = checks.float_arrays(parameters)
        checks.within("learning_rate", learning_rate, 0, math.inf, closed=False)
        checks.within("momentum", momentum, 0, 1, closed=False)
        checks.within("weight_decay", weight_decay, 0, math.inf, closed=False)
        self.learning_rate, self.momentum = learning_rate, momentum
        self.weight_decay = weight_decay
        self.velocities = [
            np.zeros_like(parameter) for parameter in self.parameters
        ]

    def step(self, gradients):
        """Take one step; ``ValueError`` if the gradients do not fit the
        parameters.
        """
        checks.same_shapes(gradients, self.parameters)
        decay = 1 - self.learning_rate * self.weight_decay
        for parameter, gradient, velocity in zip(
            self.parameters, gradients, self.velocities, strict=True
        ):
            velocity *= self.momentum
            velocity -= self.learning_rate * gradient
            parameter *= decay
            parameter += velocity


class Adam:
    r"""Adam (Kingma and Ba 2015); with weight decay AdamW (Loshchilov and
    Hutter 2019).

    .. math::

        m_t &= \beta_1 m_{t-1} + (1 - \beta_1)\, g_t, \qquad
        v_t = \beta_2 v_{t-1} + (1 - \beta_2)\, g_t^2 \\
        \theta_t &= (1 - \eta\lambda)\,\theta_{t-1}
        - \eta\, \frac{\sqrt{1 - \beta_2^t}}{1 - \beta_1^t}\,
        \frac{m_t}{\sqrt{v_t} + \varepsilon}

    This is the order of operations at the end of section 2 of Kingma and Ba,
    which Keras follows.

    Parameters
    ----------
    parameters : list of float arrays
        Changed in place by :meth:`step`.
    learning_rate : float
        :math:`\eta`; may be set anew before each step, as a schedule does.
    beta_1, beta_2 : float
        How much of the running means of :math:`g` and :math:`g^2` is kept at
        each step.
    epsilon : float
    weight_decay : float
        :math:`\lambda`.

    Raises
    ------
    ValueError
        If a number is out of range.
    TypeError
        If a parameter is not an array of floats, which could not be changed in
        place.
    """

    def __init__(
        self,
        parameters,
        learning_rate=1e-3,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-7,
        weight_decay=0.0,
    ):
        self.parameters = checks.float_arrays(parameters)
        checks.within("learning_rate", learning_rate, 0, math.inf, closed=False)
        checks.within("beta_1", beta_1, 0, 1, closed=False)
        checks.within("beta_2", beta_2, 0, 1, closed=False)
        checks.within("epsilon", epsilon, 0, math.inf, closed=False)
        checks.within("weight_decay", weight_decay, 0, math.inf, closed=False)
        self.learning_rate = learning_rate
        self.beta_1, self.beta_2 = beta_1, beta_2
        self.epsilon, self.weight_decay = epsilon, weight_decay
        self.steps = 0
        self.means = [np.zeros_like(parameter) for parameter in self.parameters]
        self.squares = [
            np.zeros_like(parameter) for parameter in self.parameters
        ]

    def step(self, gradients):
        """Take one step; ``ValueError`` if the gradients do not fit the
        parameters.
        """
        checks.same_shapes(gradients, self.parameters)
        self.steps += 1
        # both running means start at 0 and are too small at first
        correction = math.sqrt(1 - self.beta_2**self.steps)
        correction /= 1 - self.beta_1**self.steps
        rate = self.learning_rate * correction
        decay = 1 - self.learning_rate * self.weight_decay
        for parameter, gradient, mean, square in zip(
            self.parameters, gradients, self.means, self.squares, strict=True
        ):
            mean += (1 - self.beta_1) * (gradient - mean)
            square += (1 - self.beta_2) * (gradient**2 - square)
            parameter *= decay
            parameter -= rate * mean / (np.sqrt(square) + self.epsilon)


def warmup_cosine(step, peak, warmup_steps, total_steps, final=0.0):
    r"""Return the learning rate of a step: up in a line, then down along half a
    cosine.

    .. math::

        \eta(t) = \begin{cases} \eta_{\max}\, t / t_w & t \le t_w \\
        \eta_{\min} + \tfrac12 (\eta_{\max} - \eta_{\min})
        \left(1 + \cos \pi \frac{t - t_w}{t_{\text{end}} - t_w}\right) & t > t_w
        \end{cases}

    Warm-up: Goyal et al. 2017, section 2.2. Cosine: Loshchilov and Hutter 2017,
    Eq. 5.

    Parameters
    ----------
    step : int
        Counted from 1 for the first update; beyond ``total_steps`` the rate
        stays at ``final``.
    peak : float
        The rate at the end of the warm-up.
    warmup_steps : int
        0 begins at the peak.
    total_steps : int
    final : float

    Raises
    ------
    ValueError
        If ``warmup_steps`` does not lie in [0, total_steps), ``step`` is
        negative or a rate not finite.
    TypeError
        If one is not a number.
    """
    checks.finite("peak", peak)
    checks.finite("final", final)
    checks.schedule(step, warmup_steps, total_steps)
    if step < warmup_steps:
        return peak * step / warmup_steps
    progress = min((step - warmup_steps) / (total_steps - warmup_steps), 1.0)
    return final + (peak - final) * (1 + math.cos(math.pi * progress)) / 2


def clip_by_global_norm(gradients, max_norm):
    r"""Shorten all gradients together, keeping their direction, where their
    joint norm is too long.

    .. math::

        \hat g = g \cdot \min\!\left(1, \frac{c}{\lVert g \rVert}\right), \qquad
        \lVert g \rVert = \sqrt{\textstyle\sum_k \lVert g_k \rVert^2}

    Source: Pascanu, Mikolov and Bengio 2013, Algorithm 1.

    Parameters
    ----------
    gradients : list of arrays
    max_norm : float
        :math:`c`; infinity clips nothing.

    Returns
    -------
    clipped : list of arrays
    norm : float
        The norm before clipping.

    Raises
    ------
    ValueError
        If ``max_norm`` is not positive, the gradients are not of numbers, or
        their norm is not finite: a NaN has no direction to keep.
    TypeError
        If ``max_norm`` is not a number, or ``gradients`` cannot be listed.
    """
    gradients = [
        checks.array("gradients", gradient, finite=False)
        for gradient in checks.items("gradients", gradients, "arrays")
    ]
    checks.positive(max_norm=max_norm)
    norm = math.sqrt(
        sum(float(np.sum(np.square(gradient))) for gradient in gradients)
    )
    checks.finite_norm(norm)
    scale = 1.0 if norm <= max_norm else max_norm / norm
    return [gradient * scale for gradient in gradients], norm
