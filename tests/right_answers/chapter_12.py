"""Other answers to the exercises of chapter 12 that must be accepted."""

import numpy as np


def pairs_one_by_one(start, end, longest):
    """Try each pair of places."""
    pairs = [
        (s, e)
        for s in range(len(start))
        for e in range(s, min(s + longest, len(end)))
    ]
    return max(pairs, key=lambda pair: start[pair[0]] + end[pair[1]])


def crossed_off(prediction, answer):
    """Cross each shared word off the answer."""
    said, left = prediction.lower().split(), answer.lower().split()
    total, shared = len(said) + len(left), 0
    for word in said:
        if word in left:
            left.remove(word)
            shared += 1
    return 1 if total == 0 else 2 * shared / total


def from_precision_and_recall(prediction, answer):
    """Take the harmonic mean of precision and recall."""
    said, wanted = prediction.lower().split(), answer.lower().split()
    if not said or not wanted:
        return float(said == wanted)
    shared = sum(min(said.count(w), wanted.count(w)) for w in set(said))
    if shared == 0:
        return 0.0
    precision, recall = shared / len(said), shared / len(wanted)
    return 2 * precision * recall / (precision + recall)


def over_the_frequency(frequency, length, mean_length, k1, b):
    """Divide both sides of the fraction by the frequency."""
    if not frequency:
        return 0.0
    held_back = k1 * (1 + b * (length / mean_length - 1))
    return 1 / (1 + held_back / frequency)


def document_by_document(rankings, k):
    """Sort all documents by what each earns."""
    documents = sorted({d for ranking in rankings for d in ranking})
    return sorted(
        documents,
        key=lambda d: (
            -sum(
                1 / (k + list(ranking).index(d) + 1)
                for ranking in rankings
                if d in ranking
            )
        ),
    )


def by_cumulated_sums(margins, answerable, right, price):
    """Give the answers one after the other, the largest margin first."""
    order = np.argsort(-margins)  # (N,)
    good = (answerable & right)[order]
    # an answer gains 1 or costs the price; where silence was right, 1 more
    gains = np.where(good, 1, -price - ~answerable[order])  # (N,)
    earned = np.concatenate([[0], np.cumsum(gains)])  # (N + 1,)
    cuts = [margins.max() + 1, *margins[order]]
    number = earned.argmax()
    below = margins.min() - 1 if number == len(margins) else cuts[number + 1]
    return (min(cuts[number], margins.max() + 1) + below) / 2


RIGHT = {
    "12.1": [pairs_one_by_one],
    "12.2": [crossed_off, from_precision_and_recall],
    "12.3": [over_the_frequency],
    "12.4": [document_by_document],
    "12.5": [by_cumulated_sums],
}
