"""Power laws: how a loss falls as models, texts or computations grow."""

from typing import NamedTuple

import numpy as np


class PowerLaw(NamedTuple):
    """A fitted law ``a · n ** -alpha``, and how far each point lies from it."""

    a: float
    alpha: float
    residuals: np.ndarray  # (N,): observed / predicted - 1

    def __call__(self, amount):
        """Return the loss that the law predicts."""
        return self.a * np.asarray(amount, float) ** -self.alpha


def fit_power_law(amounts, losses):
    r"""Fit a power law by least squares in the logarithms, where it is a straight line.

    .. math:: \log \mathcal{L} = \log a - \alpha \log n

    (Kaplan et al. 2020, Eq. 1.1 to 1.3, take this form, without a floor below the loss.)

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
        If the arguments do not fit each other, are not positive, or hold a single amount.
    """
    amounts, losses = np.asarray(amounts, float), np.asarray(losses, float)
    if amounts.shape != losses.shape or amounts.ndim != 1:
        raise ValueError(
            f"amounts and losses must be two lists of one length, got shapes {amounts.shape} and "
            f"{losses.shape}"
        )
    if len(set(amounts.tolist())) < 2 or not (amounts > 0).all() or not (losses > 0).all():
        raise ValueError("amounts and losses must be positive, with at least two different amounts")
    slope, intercept = np.polyfit(np.log(amounts), np.log(losses), deg=1)
    predicted = np.exp(intercept + slope * np.log(amounts))  # (N,)
    return PowerLaw(float(np.exp(intercept)), float(-slope), losses / predicted - 1)
