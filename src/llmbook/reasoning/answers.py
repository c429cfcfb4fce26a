r"""What many answers to one problem are worth: pass@k, and the vote.

Of ``n`` answers to a problem ``c`` are right. How often would at least one of
``k`` be right? Taking ``k`` of the ``n`` without putting back is an unbiased
estimate (Chen et al. 2021, Eq. 1):

.. math::

    \mathrm{pass@}k = 1 - \binom{n - c}{k} \Big/ \binom{n}{k}

Pure NumPy.
"""

from collections import Counter

import numpy as np

from llmbook import checks


def pass_at_k(right, n, k):
    """Return for each problem the estimate of pass@k.

    Parameters
    ----------
    right : (P,) of int
        How many of the answers to each problem are right.
    n : int
        How many answers each problem has.
    k : int
        Of how many one is to be right, at most ``n``.

    Returns
    -------
    (P,) array

    Raises
    ------
    TypeError
        If a number is not an integer.
    ValueError
        If counts are not from 0 to ``n``, or ``k`` is not from 1 to ``n``.
    """
    right = checks.right_of("right", right, n)
    k = checks.at_most_of("k", k, n)
    # the share of draws that miss, factor by factor: (n - c - i) / (n - i)
    drawn = np.arange(k)  # (k,)
    missed = (n - right[:, None] - drawn) / (n - drawn)  # (P, k)
    return 1 - missed.clip(min=0).prod(axis=1)


def vote(answers):
    """Return the most frequent answer; of equally frequent ones the first.
    Answers that are None have no vote, and without any vote it is None.

    Raises
    ------
    TypeError
        If answers are no list of strings and None.
    """
    answers = checks.each("answers", answers, str, type(None))
    counted = Counter(answer for answer in answers if answer is not None)
    return counted.most_common(1)[0][0] if counted else None


def vote_at_k(answers, wanted, k, rng, draws=20):
    """Return for each problem how often the vote of ``k`` answers is right,
    over random choices of ``k`` of its answers.

    Parameters
    ----------
    answers : list of lists of str or None
        Of each problem.
    wanted : list of str
        The right answer to each.
    k : int
    rng : numpy.random.Generator
    draws : int
        How many choices there are.

    Returns
    -------
    (P,) array

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If there are not as many of each, no problem, or fewer than ``k``
        answers.
    """
    wanted = checks.some("wanted", checks.texts("wanted", wanted), "strings")
    answers = checks.answers_of_problems("answers", answers, wanted, k)
    checks.kind("rng", rng, np.random.Generator)
    draws = checks.count("draws", draws)
    return np.array(
        [
            np.mean(
                [
                    vote([given[i] for i in rng.permutation(len(given))[:k]])
                    == answer
                    for _ in range(draws)
                ]
            )
            for given, answer in zip(answers, wanted, strict=True)
        ]
    )


def mean_and_error(values):
    """Return the mean of what problems gave, and its standard error.

    Parameters
    ----------
    values : (P,)
        At least two.

    Returns
    -------
    mean, error : float

    Raises
    ------
    ValueError
        If they are no finite numbers, or fewer than two.
    """
    values = checks.vector("values", values)
    checks.items_at_least("values", values, 2)
    error = values.std(ddof=1) / np.sqrt(len(values))
    return float(values.mean()), float(error)
