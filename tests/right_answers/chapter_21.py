"""Right answers to the exercises of chapter 21 that differ from the solutions."""

import math

from scipy.stats import binomtest, norm


def one_number_after_the_other(share, half_width):
    z, n = norm.ppf(0.975), 1
    while True:
        root = math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
        if z * root / (1 + z**2 / n) <= half_width:
            return n
        n += 1


def coin_of_scipy(first, second):
    differ = first != second
    if not differ.any():
        return 1.0
    return binomtest(int(first[differ].sum()), int(differ.sum())).pvalue


def slices(test, train, n):
    windows = [test[i:][:n] for i in range(len(test)) if len(test[i:]) >= n]
    found = [
        w for w in windows if w in [train[j:][:n] for j in range(len(train))]
    ]
    return len(found) / len(windows) if windows else 0


RIGHT = {
    "21.1": [one_number_after_the_other],
    "21.2": [slices],
    "21.4": [coin_of_scipy],
}
