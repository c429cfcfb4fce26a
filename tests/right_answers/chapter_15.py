"""Right answers to the exercises of chapter 15 that differ from the solutions."""

import math

from scipy.stats import binom

from llmbook.reasoning import countdown


def some_of_them(p, size):
    return sum(
        math.comb(size, k) * p**k * (1 - p) ** (size - k)
        for k in range(1, size)
    )


def tail_of_scipy(p, votes):
    return binom.sf(votes // 2, votes, p)


def found_among_all(problem, line):
    return line in countdown.lines(problem[:3]) and line.endswith(
        f"={problem[4:-1]}"
    )


RIGHT = {
    "15.1": [some_of_them],
    "15.2": [tail_of_scipy],
    "15.3": [found_among_all],
}
