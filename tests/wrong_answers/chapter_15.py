import math
import re

import numpy as np

from llmbook.reasoning import countdown
from llmbook.reasoning.answers import pass_at_k


def stub(*arguments, **options):
    raise NotImplementedError


def any_right(p, size):
    return 1 - (1 - p) ** size


def one_right(p, size):
    return size * p * (1 - p) ** (size - 1)


def variance(p, size):
    return p * (1 - p) * size


def any_vote(p, votes):
    return 1 - (1 - p) ** votes


def share(p, votes):
    return p


def ties_too(p, votes):
    return sum(
        math.comb(votes, k) * p**k * (1 - p) ** (votes - k)
        for k in range(votes // 2, votes + 1)
    )


def only_the_end(problem, line):
    return line.endswith(f"={problem[4:-1]}")


def arithmetic_alone(problem, line):
    return countdown.calculates(line) and only_the_end(problem, line)


def digits_and_end(problem, line):
    found = re.fullmatch(r"(\d)[+*-](\d)=\d{1,2}[+*-](\d)=(\d{1,2})", line)
    return (
        found is not None
        and sorted("".join(found.group(1, 2, 3))) == sorted(problem[:3])
        and found[4] == problem[4:-1]
    )


def evaluated_without_its_results(problem, line):
    found = re.fullmatch(r"(\d)([+*-])(\d)=-?\d+([+*-])(\d)=-?\d+", line)
    if found is None:
        return False
    a, x, b, y, c = found.groups()
    digits = sorted(a + b + c) == sorted(problem[:3])
    return digits and eval(f"({a}{x}{b}){y}{c}") == int(problem[4:-1])


def by_the_mean(before, after, n):
    for k in range(1, n + 1):
        if 1 - (1 - after.mean() / n) ** k < 1 - (1 - before.mean() / n) ** k:
            return k
    return None


def last_crossing(before, after, n):
    behind = [
        k
        for k in range(1, n + 1)
        if pass_at_k(after, n, k).mean() < pass_at_k(before, n, k).mean()
    ]
    return behind[-1] if behind else None


def zero_if_never(before, after, n):
    behind = [
        pass_at_k(after, n, k).mean() < pass_at_k(before, n, k).mean()
        for k in range(1, n + 1)
    ]
    return int(np.argmax(behind)) + 1


WRONG = {
    "15.1": [stub, any_right, one_right, variance],
    "15.2": [stub, any_vote, share, lambda p, votes: ties_too(p, votes + 1)],
    "15.3": [
        stub,
        only_the_end,
        arithmetic_alone,
        digits_and_end,
        evaluated_without_its_results,
    ],
    "15.4": [stub, by_the_mean, last_crossing, zero_if_never],
}
