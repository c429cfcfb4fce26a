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


def _ngrams(text, n):
    return [tuple(text[i : i + n]) for i in range(len(text) - n + 1)]


def _share(asked, seen):
    return sum(gram in seen for gram in asked) / max(1, len(asked))


def each_n_gram_once(test, train, n):
    return _share(set(_ngrams(test, n)), _ngrams(train, n))


def share_of_the_training_text(test, train, n):
    return _share(_ngrams(train, n), _ngrams(test, n))


def single_tokens(test, train, n):
    return _share(test, train)


def last_n_gram_forgotten(test, train, n):
    return _share(_ngrams(test, n)[:-1], _ngrams(train, n))


def in_any_order(test, train, n):
    return _share(
        list(map(sorted, _ngrams(test, n))),
        list(map(sorted, _ngrams(train, n))),
    )


def as_one_string(test, train, n):
    return _share(list(map("".join, _ngrams(test, n))), "".join(train))


def without_a_case_for_short_texts(test, train, n):
    asked = _ngrams(test, n)
    return sum(gram in _ngrams(train, n) for gram in asked) / len(asked)


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
    "21.2": [
        stub,
        each_n_gram_once,
        share_of_the_training_text,
        single_tokens,
        last_n_gram_forgotten,
        in_any_order,
        as_one_string,
        without_a_case_for_short_texts,
    ],
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
