"""Power laws: how a loss falls as models, texts or computations grow."""

from typing import NamedTuple

import numpy as np

from llmbook import checks


class PowerLaw(NamedTuple):
    """A fitted law ``a · n ** -alpha``, and how far each point lies from it."""

    a: float
    alpha: float
    residuals: np.ndarray  # (N,): observed / predicted - 1

    def __call__(self, amount):
        """Return the loss that the law predicts."""
        return self.a * np.asarray(amount, float) ** -self.alpha


def fit_power_law(amounts, losses):
    r"""Fit a power law by least squares in the logarithms, where it is a
    straight line.

    .. math:: \log \mathcal{L} = \log a - \alpha \log n

    (Kaplan et al. 2020, Eq. 1.1 to 1.3, take this form, without a floor below
    the loss.)

    Parameters
    ----------
    amounts, losses : (N,) of float
        Positive, of at least two different amounts.

    Returns
    -------
    PowerLaw

    Raises
    ------
    ValueError
        If the arguments do not fit each other, are not positive, or hold a
        single amount.
    """
    amounts, losses = checks.measurements(amounts, losses)
    slope, intercept = np.polyfit(np.log(amounts), np.log(losses), deg=1)
    predicted = np.exp(intercept + slope * np.log(amounts))  # (N,)
    return PowerLaw(
        float(np.exp(intercept)), float(-slope), losses / predicted - 1
    )


def gpt_parameters(
    vocab_size, d_model, num_layers, hidden_dim=None, positions=0
):
    r"""Count the parameters of a GPT of the kind that
    :class:`llmbook.models.gpt.GPT` builds.

    .. math::

        N = \underbrace{V d}_{\text{embedding}}
          + \underbrace{P d}_{\text{positions}}
          + L\,\big(\underbrace{4 d^2}_{\text{attention}}
          + \underbrace{2 d\,d_h + d_h + d}_{\text{feed-forward}}
          + \underbrace{4 d}_{\text{norms}}\big)
          + \underbrace{2 d}_{\text{last norm}}

    with :math:`d_h = 4d` unless it is given. The output layer is the embedding
    once more, so it adds nothing; the attention has no biases, and the number
    of its heads does not matter.

    Parameters
    ----------
    vocab_size, d_model, num_layers : int
    hidden_dim : int, optional
        Width of the feed-forward network.
    positions : int
        Length of a learned table of positions; 0 for rotary ones, which have no
        parameters.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If a size is below 1, or ``positions`` negative.
    TypeError
        If one is not an integer.
    """
    checks.count("vocab_size", vocab_size)
    checks.count("d_model", d_model)
    hidden_dim = 4 * d_model if hidden_dim is None else hidden_dim
    checks.count("num_layers", num_layers)
    checks.count("hidden_dim", hidden_dim)
    checks.count("positions", positions, least=0)
    attention = 4 * d_model**2
    feed_forward = 2 * d_model * hidden_dim + hidden_dim + d_model
    norm = 2 * d_model
    block = attention + feed_forward + 2 * norm
    return (vocab_size + positions) * d_model + num_layers * block + norm


def training_flops(parameters, tokens):
    r"""Return about how many multiplications and additions training takes.

    .. math:: C = 6 N D

    Each parameter meets each token once on the way forward, in one
    multiplication and one addition, and twice on the way back: for the gradient
    of what came in and for its own. The dot products of attention are left out,
    which is fair as long as the text is not much longer than the model is wide.
    (Kaplan et al. 2020, section 2.1.)

    Parameters
    ----------
    parameters : int
        :math:`N`: those that multiply something. A table that is only looked up
        in costs nothing.
    tokens : int
        :math:`D`: how many tokens are read in training, every epoch counted.

    Raises
    ------
    ValueError
        If either is negative.
    TypeError
        If either is not a number.
    """
    checks.within("parameters", parameters, 0, np.inf, closed=False)
    checks.within("tokens", tokens, 0, np.inf, closed=False)
    return 6 * parameters * tokens
