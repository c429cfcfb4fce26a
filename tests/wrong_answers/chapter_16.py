import math


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


WRONG = {
    "16.1": [
        stub,
        normal_interval,
        whole_width,
        one_more_question,
        one_question_less,
        ninety_percent,
    ],
    "16.2": [stub, put_back, expected_number],
    "16.3": [stub, no_checker, one_more_try, forgotten_failures],
}
