import math

from scipy.stats import binomtest, chi2, fisher_exact


def stub(*arguments, **options):
    raise NotImplementedError


def normal_interval(share, half_width):
    return math.ceil(1.0 * share * (1 - share) / half_width**2)  # z forgotten


def whole_width(share, half_width):
    return math.ceil(4 * 1.96**2 * share * (1 - share) / half_width**2)


def _fewest(share, half_width, z=1.96):
    n = 1
    while True:
        root = math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
        if 2 * z * root / (1 + z**2 / n) <= 2 * half_width:
            return n
        n += 1


def one_more_question(share, half_width):
    return _fewest(share, half_width) + 1


def one_question_less(share, half_width):
    return _fewest(share, half_width) - 1


def ninety_percent(share, half_width):
    return _fewest(share, half_width, 1.645)


def put_back(k, n, c):
    return 1 - (1 - c / n) ** k


def expected_number(k, n, c):
    return k * c / n


def no_checker(p, d, n):
    return p**n


def one_more_try(p, d, n):
    return (p + (1 - p) * d * p) ** n


def forgotten_failures(p, d, n):
    return (1 - (1 - p) * (1 - d)) ** n


def _differ(first, second):
    return int((first & ~second).sum()), int((second & ~first).sum())


def one_sided(first, second):
    won, lost = _differ(first, second)
    return binomtest(won, won + lost or 1, alternative="greater").pvalue


def chi_squared(first, second):
    won, lost = _differ(first, second)
    return float(chi2.sf((won - lost) ** 2 / max(won + lost, 1), 1))


def unpaired(first, second):
    n = len(first)
    table = [[first.sum(), n - first.sum()], [second.sum(), n - second.sum()]]
    return float(fisher_exact(table)[1])


def of_all_questions(first, second):
    won, _ = _differ(first, second)
    return binomtest(won, len(first)).pvalue


def without_a_case_for_agreement(first, second):
    won, lost = _differ(first, second)
    return binomtest(won, won + lost).pvalue


WRONG = {
    "21.1": [
        stub,
        normal_interval,
        whole_width,
        one_more_question,
        one_question_less,
        ninety_percent,
    ],
    "21.2": [stub, put_back, expected_number],
    "21.3": [stub, no_checker, one_more_try, forgotten_failures],
    "21.4": [
        stub,
        one_sided,
        chi_squared,
        unpaired,
        of_all_questions,
        without_a_case_for_agreement,
    ],
}
