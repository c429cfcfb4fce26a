"""A memory for any language model: what the text itself has said so far.

A text repeats its own words. A cache counts the n-grams of the text that is
being read, gives the token after the present context the share with which it
has followed it there, and mixes that with the probability of a model that knows
only its training text (Kuhn and De Mori 1990).
"""

from collections import Counter

import numpy as np

from llmbook import checks
from llmbook.mathematics.ngram import perplexity

SHARES = np.linspace(0, 1, 51)


class Cache:
    r"""Mix a model with the relative frequencies of the text being read.

    .. math::

        p(w \mid h) = (1 - \lambda)\, p_{\text{model}}(w \mid h) + \lambda\,
        \frac{c_{\text{read}}(hw)}{c_{\text{read}}(h)}

    where :math:`c_{\text{read}}` counts in the last ``reach`` tokens, and in
    the context :math:`h` of the fraction the last ``order - 1`` tokens count.
    If these have not occurred there, the model speaks alone. A cache is a model
    too, and another cache can be put over it.

    Parameters
    ----------
    model : object
        With the methods ``log_probabilities`` and ``distribution``.
    order : int
        1 counts single tokens, 2 pairs.
    share : float
        :math:`\lambda`, between 0 and 1; see :func:`best_share`.
    reach : int, optional
        How many tokens back the cache looks; by default all that was read.

    Raises
    ------
    TypeError
        If ``order`` or ``reach`` is not an integer, ``share`` no number, or
        ``model`` has not both methods.
    ValueError
        If ``order`` is below 1, ``share`` out of range, or ``reach`` below
        ``order``.
    """

    def __init__(self, model, order, share, reach=None):
        checks.offers("model", model, "log_probabilities", "distribution")
        checks.within("share", share, 0, 1)
        self.order, self.reach = _sizes(order, reach)
        self.model, self.share = model, share

    def log_probabilities(self, ids):
        """Return the logarithm of each token's probability, given those before
        it in ``ids``: (T,).
        """
        base = np.exp(self.model.log_probabilities(ids))  # (T,)
        read = frequencies(ids, self.order, self.reach)  # (T,)
        with np.errstate(divide="ignore"):
            return np.log(mixed(base, read, self.share))

    def perplexity(self, ids):
        """Return the perplexity of a text of at least one token."""
        return perplexity(self.log_probabilities(ids))

    def distribution(self, context=()):
        """Return the probability of every token after ``context``: (V,)."""
        base = self.model.distribution(context)  # (V,)
        recent = list(context)[-self.reach :] if self.reach else list(context)
        asked = tuple(recent[len(recent) - self.order + 1 :])
        counts = np.zeros(len(base))
        for gram in _grams(recent, self.order):
            counts[gram[-1]] += gram[:-1] == asked
        if not counts.any():
            return base
        return mixed(base, counts / counts.sum(), self.share)


def frequencies(ids, order, reach=None):
    """Return how often each token has followed its context, as a share of what
    followed it, in the part of the text that lies before.

    Parameters
    ----------
    ids : (T,) of int
    order : int
        1 takes no context, 2 the token before.
    reach : int, optional
        Only n-grams that lie within the last ``reach`` tokens are counted.

    Returns
    -------
    (T,)
        Not a number where the context has not occurred.

    Raises
    ------
    TypeError
        If ``order``, ``reach`` or an id is not an integer.
    ValueError
        If ``order`` is below 1 or ``reach`` below ``order``, or if the ids are
        no sequence or one is negative.
    """
    order, reach = _sizes(order, reach)
    ids = checks.text_ids("ids", ids, 2**31).tolist()
    grams = _grams(ids, order)
    counts: Counter[tuple[int, ...]] = Counter()
    contexts: Counter[tuple[int, ...]] = Counter()
    shares = np.full(len(ids), np.nan)
    for start, gram in enumerate(grams):
        # the n-gram whose first token is now too far back
        old = -1 if reach is None else start + order - 2 - reach
        if old >= 0:
            counts[grams[old]] -= 1
            contexts[grams[old][:-1]] -= 1
        if contexts[gram[:-1]]:
            shares[start + order - 1] = counts[gram] / contexts[gram[:-1]]
        counts[gram] += 1
        contexts[gram[:-1]] += 1
    return shares


def mixed(probabilities, shares, share):
    """Return a mixture of two models, and the first alone where the second is
    not a number.

    Parameters
    ----------
    probabilities, shares : (T,)
        What two models give to the same tokens.
    share : float
        Of the second, between 0 and 1.

    Raises
    ------
    TypeError
        If ``share`` is no number.
    ValueError
        If ``share`` does not lie in [0, 1], a probability is negative or
        infinite, or there are not as many of both.
    """
    probabilities, shares = checks.opinions(probabilities, shares)
    checks.within("share", share, 0, 1)
    mixture = (1 - share) * probabilities + share * shares
    return np.where(np.isnan(shares), probabilities, mixture)


def best_share(probabilities, shares):
    """Return the part of a mixture that suits a text best.

    Parameters
    ----------
    probabilities, shares : (T,)
        What two models give to each token of a text; the second may be not a
        number.

    Returns
    -------
    float
        The part of the second, among 0, 0.02, …, 1, with which :func:`mixed`
        has the lowest perplexity.

    Raises
    ------
    ValueError
        If a probability is negative or infinite, or if there is none or not as
        many of both.
    """
    probabilities, shares = checks.opinions(probabilities, shares)
    checks.some("probabilities", probabilities)
    with np.errstate(divide="ignore"):
        surprises = [
            -np.log(mixed(probabilities, shares, part)).mean()
            for part in SHARES
        ]
    return float(SHARES[np.argmin(surprises)])


def _grams(ids, order):
    """Return the n-grams of a text, as tuples, in their order."""
    return list(zip(*(ids[i:] for i in range(order)), strict=False))


def _sizes(order, reach):
    """Check order and reach, and return them as integers."""
    order = checks.count("order", order)
    return order, reach if reach is None else checks.count(
        "reach", reach, order
    )
