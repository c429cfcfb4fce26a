"""Typical wrong answers to the exercises of chapter 12."""

from collections import Counter

import numpy as np


def two_argmaxes(start, end, longest):
    return start.argmax(), end.argmax()


def no_limit(start, end, longest):
    sums = np.triu(np.ones((len(start), len(start)))) * 1.0
    sums = np.where(sums > 0, start[:, None] + end[None, :], -np.inf)
    return np.unravel_index(sums.argmax(), sums.shape)


def zeros_for_minus_infinity(start, end, longest):
    first, last = np.arange(len(start))[:, None], np.arange(len(end))
    possible = (first <= last) & (last < first + longest)
    sums = (start[:, None] + end) * possible
    return np.unravel_index(sums.argmax(), sums.shape)


def sets_of_words(prediction, answer):
    first, second = set(prediction.lower().split()), set(answer.lower().split())
    total = len(first) + len(second)
    return 2 * len(first & second) / total if total else 1.0


def case_counts(prediction, answer):
    first, second = Counter(prediction.split()), Counter(answer.split())
    total = first.total() + second.total()
    return 2 * (first & second).total() / total if total else 1.0


def precision(prediction, answer):
    first, second = (
        Counter(prediction.lower().split()),
        Counter(answer.lower().split()),
    )
    return (
        (first & second).total() / max(1, first.total())
        if first or second
        else 1.0
    )


def words_in_the_answer(prediction, answer):
    first, second = prediction.lower().split(), answer.lower().split()
    total = len(first) + len(second)
    shared = sum(word in first for word in second)
    return 2 * shared / total if total else 1.0


def words_of_the_prediction(prediction, answer):
    return words_in_the_answer(answer, prediction)


def parts_of_words(prediction, answer):
    first, second = prediction.lower(), Counter(answer.lower().split())
    shared = sum(
        min(count, first.count(word)) for word, count in second.items()
    )
    total = len(first.split()) + second.total()
    return 2 * shared / total if total else 1.0


def empty_is_zero(prediction, answer):
    first = Counter(prediction.lower().split())
    second = Counter(answer.lower().split())
    total = max(1, first.total() + second.total())
    return 2 * (first & second).total() / total


def b_always_half(frequency, length, mean_length, k1, b):
    return frequency / (frequency + k1 * (0.5 + 0.5 * length / mean_length))


def b_upside_down(frequency, length, mean_length, k1, b):
    return frequency / (frequency + k1 * (b + (1 - b) * length / mean_length))


def as_robertson_has_it(frequency, length, mean_length, k1, b):
    held_back = k1 * (1 - b + b * length / mean_length)
    return frequency * (k1 + 1) / (frequency + held_back)


def length_upside_down(frequency, length, mean_length, k1, b):
    return frequency / (frequency + k1 * (1 - b + b * mean_length / length))


def b_everywhere(frequency, length, mean_length, k1, b):
    return frequency / (frequency + k1 * b * length / mean_length)


def ranks_from_zero(rankings, k):
    scores = Counter()
    for ranking in rankings:
        for rank, document in enumerate(ranking):
            scores[document] += 1 / (k + rank + 1e-9)
    return [document for document, _ in scores.most_common()]


def counts_alone(rankings, k):
    scores = Counter(document for ranking in rankings for document in ranking)
    return [document for document, _ in scores.most_common()]


def best_rank_alone(rankings, k):
    best = {}
    for ranking in rankings:
        for rank, document in enumerate(ranking):
            best[document] = min(rank, best.get(document, rank))
    return sorted(best, key=best.get)


def at_zero(margins, answerable, right, price):
    return 0.0


def always_silent(margins, answerable, right, price):
    return margins.max()


def best_of(margins, earns):
    return max([margins.min() - 1, *margins], key=lambda t: earns(margins > t))


def price_forgotten(margins, answerable, right, price):
    return best_of(
        margins,
        lambda given: np.sum(np.where(given, answerable & right, ~answerable)),
    )


def wrong_answers_alone(margins, answerable, right, price):
    return best_of(
        margins, lambda given: -price * np.sum(given & ~(answerable & right))
    )


def silence_earns_nothing(margins, answerable, right, price):
    good = answerable & right
    return best_of(
        margins,
        lambda given: np.sum(given & good) - price * np.sum(given & ~good),
    )


WRONG = {
    "12.1": [two_argmaxes, no_limit, zeros_for_minus_infinity],
    "12.2": [
        sets_of_words,
        case_counts,
        precision,
        words_in_the_answer,
        words_of_the_prediction,
        parts_of_words,
        empty_is_zero,
    ],
    "12.3": [
        length_upside_down,
        b_everywhere,
        b_always_half,
        b_upside_down,
        as_robertson_has_it,
        lambda f, *rest: f,
    ],
    "12.4": [ranks_from_zero, counts_alone, best_rank_alone],
    "12.5": [
        at_zero,
        price_forgotten,
        wrong_answers_alone,
        silence_earns_nothing,
        always_silent,
    ],
}
