"""Counting language models: the next token's distribution from how often
n-grams occur in a text.

The n-grams of a text form a tree: below each n-gram hang the longer ones that
it begins. Here every depth of the tree is a :class:`Level`, a few sorted
arrays, so that half a million tokens are counted in a second and a held-out
text is scored without a loop over its tokens.
"""

import numpy as np

from llmbook import checks


class Level:
    """The distinct n-grams of one length in a text, each with its count,
    numbered in sorted order.

    An n-gram is its context, by the number that this has one level up, and its
    last token.

    Parameters
    ----------
    contexts, tokens : (N,) of int
        Where the n-grams of a text stand in it, one after the other: N of them,
        G distinct.
    vocab_size : int

    Attributes
    ----------
    numbers : (N,) of int
        Which of the G n-grams stands at each place.
    first : (G,) of int
        At which of the N places each n-gram stands first.
    counts : (G,) of int
    contexts : (G,) of int

    Raises
    ------
    TypeError
        If a number is not an integer.
    ValueError
        If one is negative, a token is not below ``vocab_size``, or there are
        not as many contexts as tokens.
    """

    def __init__(self, contexts, tokens, vocab_size):
        vocab_size = checks.count("vocab_size", vocab_size)
        contexts = checks.text_ids("contexts", contexts, 2**31)
        tokens = checks.text_ids("tokens", tokens, vocab_size)
        checks.as_many(contexts=contexts, tokens=tokens)
        self.vocab_size = vocab_size
        # The pair (context, token) as one integer: numbers of contexts are
        # small, so it fits 64 bits.
        self._codes, self.first, self.numbers, self.counts = np.unique(
            contexts * vocab_size + tokens,
            return_index=True,
            return_inverse=True,
            return_counts=True,
        )
        self.contexts = self._codes // vocab_size  # (G,)

    def find(self, contexts, tokens):
        """Return the numbers of n-grams, -1 where the text has none such or the
        context is -1.
        """
        codes = contexts * self.vocab_size + tokens
        numbers = np.minimum(
            np.searchsorted(self._codes, codes), len(self._codes) - 1
        )
        found = (self._codes[numbers] == codes) & (contexts >= 0)
        return np.where(found, numbers, -1)


class NGramModel:
    """What all counting models share; subclasses say how counts become
    probabilities.

    Parameters
    ----------
    order : int
        The length n of the n-grams: a token is predicted from the ``order - 1``
        before it.
    vocab_size : int
        ``V``; tokens are the integers below it.

    Raises
    ------
    ValueError
        If a parameter is below 1, or a text holds an integer outside of the
        vocabulary.
    TypeError
        If a parameter is not an integer, or a text holds anything else.
    """

    def __init__(self, order, vocab_size):
        self.order = checks.count("order", order)
        self.vocab_size = checks.count("vocab_size", vocab_size)
        self.levels = []

    def fit(self, ids):
        """Count the n-grams of a text up to the model's order.

        Parameters
        ----------
        ids : (T,) of int
            At least ``order`` tokens.

        Returns
        -------
        self
        """
        ids = checks.text_ids("ids", ids, self.vocab_size)
        if len(ids) < self.order:
            raise ValueError(
                f"ids must hold at least order={self.order} tokens, got"
                f" {len(ids)}"
            )
        self.levels = [Level(np.zeros_like(ids), ids, self.vocab_size)]
        for length in range(2, self.order + 1):
            contexts = self.levels[-1].numbers[:-1]  # (T - length + 1,)
            self.levels.append(
                Level(contexts, ids[length - 1 :], self.vocab_size)
            )
        self._estimate()
        return self

    def log_probabilities(self, ids):
        """Return the logarithm of each token's probability, given those before
        it in ``ids``.

        Parameters
        ----------
        ids : (T,) of int

        Returns
        -------
        (T,)
            ``-inf`` where the model holds the token to be impossible.
        """
        ids = checks.text_ids("ids", ids, self.vocab_size)
        # order times (T,)
        contexts = [numbers[:-1] for numbers in self._contexts(ids)]
        with np.errstate(divide="ignore"):
            return np.log(self.probabilities(contexts, ids))  # (T,)

    def perplexity(self, ids):
        """Return the perplexity of a text of at least one token; see
        :func:`perplexity`.
        """
        return perplexity(self.log_probabilities(ids))

    def distribution(self, context=()):
        """Return the probability of every token after ``context``, a sequence
        of ids: (V,).
        """
        context = checks.text_ids("context", context, self.vocab_size)
        context = context[-self.order :]
        # order times ()
        contexts = [numbers[-1] for numbers in self._contexts(context)]
        return self.probabilities(contexts, np.arange(self.vocab_size))  # (V,)

    def _contexts(self, ids):
        """Number, for each length from 0 up, the contexts that end before each
        place and the end.

        Returns a list of ``order`` arrays (T + 1,), -1 where the context is
        unseen or too short.
        """
        if not self.levels:
            raise ValueError(
                "the model has counted nothing yet: call fit(ids) first"
            )
        contexts = [np.zeros(len(ids) + 1, dtype=int)]
        for level in self.levels[:-1]:
            numbers = level.find(contexts[-1][:-1], ids)  # (T,)
            contexts.append(np.concatenate([[-1], numbers]))  # (T + 1,)
        return contexts

    def _estimate(self):
        """Prepare what :meth:`probabilities` needs once the levels are
        counted.
        """
        raise NotImplementedError

    def probabilities(self, contexts, tokens):
        """Return the probability of each token after its context, given for
        each length from 0.
        """
        raise NotImplementedError


class AddK(NGramModel):
    r"""Pretend to have seen every n-gram k more times than it was.

    .. math:: p(w \mid h) = \frac{c(hw) + k}{c(h) + k V}

    ``k = 1`` is Laplace's rule and ``k = 0`` the relative frequency, which
    gives a new n-gram no probability at all. A context that never occurred
    tells nothing: all tokens are then equally likely. So are they at the
    beginning of a text, before the context is long enough. (Jurafsky and
    Martin, Speech and Language Processing, section 3.6.)

    Parameters
    ----------
    order, vocab_size : int
        See :class:`NGramModel`.
    k : float
        Not negative.
    """

    def __init__(self, order, vocab_size, k=1.0):
        super().__init__(order, vocab_size)
        checks.within("k", k, 0, np.inf, closed=False)
        self.k = k

    def _estimate(self):
        top = self.levels[-1]
        # (G + 1,): number -1, an unseen n-gram, counts 0
        self._counts = np.append(top.counts, 0)
        # of the contexts, likewise
        self._totals = np.append(_sums(self.levels, top.counts), 0)

    def probabilities(self, contexts, tokens):
        """Return relative frequencies after ``k`` was added to all counts."""
        counts = self._counts[self.levels[-1].find(contexts[-1], tokens)]
        totals = self._totals[contexts[-1]]
        uniform = np.full(np.shape(counts), 1 / self.vocab_size)
        denominator = totals + self.k * self.vocab_size
        return np.divide(
            counts + self.k, denominator, out=uniform, where=totals > 0
        )


class KneserNey(NGramModel):
    r"""Take a discount off every count, and hand what is left over to the
    shorter context.

    .. math::

        p(w \mid h) = \frac{c(hw) - D(c(hw))}{\sum_v c(hv)} + \gamma(h)\, p(w
        \mid h'), \qquad
        \gamma(h) = \frac{\sum_v D(c(hv))}{\sum_v c(hv)}

    where :math:`h'` is :math:`h` without its first token. For n-grams of full
    length :math:`c` is the count; for shorter ones it is the number of distinct
    tokens that precede them, so that a token known from a single phrase is not
    taken for a common one. Below the single tokens lies the uniform
    distribution, so nothing is impossible. A context never seen passes
    everything on. (Kneser and Ney 1995; in this, the interpolated form, Chen
    and Goodman 1999, section 3.)

    Parameters
    ----------
    order, vocab_size : int
        See :class:`NGramModel`.
    discount : float, optional
        ``D`` for every count, between 0 and 1. By default three discounts for
        each length, for counts of 1, of 2 and of 3 or more, estimated from
        :math:`n_j`, the number of n-grams counted j times:

        .. math::

            D_j = j - (j + 1)\, \frac{n_1}{n_1 + 2 n_2}\, \frac{n_{j+1}}{n_j}

        (the modified form, Chen and Goodman 1999, Eq. 17).

    Raises
    ------
    ValueError
        If ``discount`` is not in that range, or, in ``fit``, if a text is too
        short to estimate the discounts: no n-gram of some length occurs once,
        or twice, or three times.
    """

    def __init__(self, order, vocab_size, discount=None):
        super().__init__(order, vocab_size)
        if discount is not None:
            checks.within("discount", discount, 0, 1)
        self.discount = discount

    def _estimate(self):
        self._shares, self._left_over = [], []
        for depth, level in enumerate(self.levels):
            counts = level.counts
            # how many distinct tokens precede each n-gram
            if depth + 1 < self.order:
                longer = self.levels[depth + 1]
                counts = np.bincount(
                    level.numbers[longer.first + 1], minlength=len(counts)
                )
            discounts = self._discounts(counts)  # (G,)
            # (C,): one for each context
            totals = _sums(self.levels[: depth + 1], counts)
            taken = _sums(self.levels[: depth + 1], discounts)  # (C,)
            # a context that nothing followed passes on all it has
            everything = np.ones(len(totals))
            left_over = np.divide(
                taken, totals, out=everything, where=totals > 0
            )  # (C,)
            shares = (counts - discounts) / np.maximum(totals, 1)[
                level.contexts
            ]  # (G,)
            # number -1, an unseen n-gram, has none
            self._shares.append(np.append(shares, 0))
            # and an unseen context passes on all
            self._left_over.append(np.append(left_over, 1))

    def _discounts(self, counts):
        """Return what is taken off each count: nothing off 0."""
        if self.discount is not None:
            return np.where(counts > 0, self.discount, 0.0)
        # n[j]: how many are counted j times
        n = np.bincount(np.minimum(counts, 5), minlength=6)
        if (n[1:4] == 0).any():
            raise ValueError(
                "ids must hold n-grams of every length that occur once, twice"
                " and three times, for the discounts to be estimated; of one"
                f" length there are {n[1:4].tolist()}: give a discount"
            )
        j = np.arange(1, 4)
        # (3,)
        estimates = j - (j + 1) * n[1] / (n[1] + 2 * n[2]) * n[j + 1] / n[j]
        # no count may become negative
        discounts = np.append(0, np.clip(estimates, 0, j))
        return discounts[np.minimum(counts, 3)]

    def probabilities(self, contexts, tokens):
        """Return the formula, from the shortest context to the longest."""
        probabilities = np.full(np.shape(tokens), 1 / self.vocab_size)
        for level, shares, left_over, context in zip(
            self.levels, self._shares, self._left_over, contexts, strict=True
        ):
            probabilities = (
                shares[level.find(context, tokens)]
                + left_over[context] * probabilities
            )
        return probabilities


class Mixture:
    r"""Two models at once: the average of their probabilities, token by token.

    .. math::

        p(w \mid h) = \lambda\, p_1(w \mid h) + (1 - \lambda)\, p_2(w \mid h)

    Parameters
    ----------
    first, second : objects
        Models of the same vocabulary, with the methods ``log_probabilities``
        and ``distribution``.
    share : float
        :math:`\lambda`, between 0 and 1.

    Raises
    ------
    ValueError
        If ``share`` is out of range.
    TypeError
        If it is not a number, or ``first`` or ``second`` has not both methods.
    """

    def __init__(self, first, second, share):
        checks.within("share", share, 0, 1)
        for name, model in (("first", first), ("second", second)):
            checks.offers(name, model, "log_probabilities", "distribution")
        self.first, self.second, self.share = first, second, share

    def log_probabilities(self, ids):
        """Return the logarithm of each token's probability, given those before
        it: (T,).
        """
        first, second = (
            np.exp(m.log_probabilities(ids)) for m in (self.first, self.second)
        )
        with np.errstate(divide="ignore"):
            # (T,)
            return np.log(self.share * first + (1 - self.share) * second)

    def perplexity(self, ids):
        """Return the perplexity of a text of at least one token."""
        return perplexity(self.log_probabilities(ids))

    def distribution(self, context=()):
        """Return the probability of every token after ``context``: (V,)."""
        first, second = (
            m.distribution(context) for m in (self.first, self.second)
        )
        return self.share * first + (1 - self.share) * second


def perplexity(log_probabilities):
    r"""Return the perplexity of a text: among how many tokens a model is as
    good as torn.

    .. math:: \exp\Big(-\frac{1}{T} \sum_{t=1}^{T} \log p(x_t \mid x_{<t})\Big)

    Parameters
    ----------
    log_probabilities : (T,)
        Of each token, as ``log_probabilities`` of a model returns them; at
        least one.

    Raises
    ------
    ValueError
        If there is none, or one is a NaN.
    """
    log_probabilities = checks.without_nan(
        "log_probabilities", log_probabilities
    )
    if log_probabilities.size == 0:
        raise ValueError(
            "ids, and so log_probabilities, must be of at least one token, got"
            " none"
        )
    with np.errstate(over="ignore"):
        return float(np.exp(-np.mean(log_probabilities, dtype=float)))


def sample(model, length, rng, context=()):
    """Let a model write: draw each token from the distribution that those
    before it give.

    Parameters
    ----------
    model : object with a method ``distribution``
        A counting model, or any other that maps the ids of a context to
        probabilities (V,).
    length : int
        How many tokens to draw.
    rng : numpy.random.Generator
    context : sequence of int
        What the text begins with.

    Returns
    -------
    list of int
        The drawn tokens, without the context.

    Raises
    ------
    TypeError
        If ``model`` or ``rng`` is none, or ``length`` or ``context`` is not of
        integers.
    ValueError
        If ``length`` or a token of ``context`` is negative.
    """
    checks.offers("model", model, "distribution")
    checks.count("length", length, least=0)
    checks.offers("rng", rng, "choice")
    ids = checks.text_ids("context", context, 2**31).tolist()
    for _ in range(length):
        probabilities = model.distribution(ids)  # (V,)
        ids.append(int(rng.choice(len(probabilities), p=probabilities)))
    return ids[len(context) :]


def _sums(levels, values):
    """Add up values (G,) of the last level's n-grams that share a context:
    (C,), C contexts.
    """
    contexts = len(levels[-2].counts) if len(levels) > 1 else 1
    return np.bincount(levels[-1].contexts, weights=values, minlength=contexts)
