"""Other answers to the exercises of chapter 5 that must be accepted."""

from collections import Counter

import numpy as np

from llmbook.corpora.reviews import key


def leaks_counted(training_texts, test_texts):
    """Count the copies of each test text, and add up those seen."""
    copies = Counter(map(key, test_texts))
    seen = set(map(key, training_texts))
    return sum(n for text, n in copies.items() if text in seen) / sum(
        copies.values()
    )


def text_by_text(x, mask):
    """Average each text by itself."""
    return np.array(
        [
            rows[keep].mean(axis=0) if keep.any() else np.zeros(x.shape[2])
            for rows, keep in zip(x, mask.astype(bool), strict=True)
        ]
    )


def by_odds(logits, temperatures):
    """Multiply odds, each to the power of its share."""
    odds = np.exp(logits.T / (temperatures * len(temperatures))).prod(axis=1)
    return odds / (1 + odds)


def one_after_the_other(predict, ids, score, share, unknown=1):
    """Put back the best that is left, as often as asked."""
    text, left = np.full(len(ids), unknown), list(range(len(ids)))
    for _ in range(round(share * len(ids))):
        best = max(left, key=lambda t: score[t])
        left.remove(best)
        text[best] = ids[best]
    return predict(text)


def counts_of_draws(one, other, times=1000):
    """Draw how often each text counts."""
    counts = np.random.default_rng(5).multinomial(
        len(one), np.full(len(one), 1 / len(one)), times
    )
    ahead = one.astype(int) - other.astype(int)
    return tuple(np.quantile(counts @ ahead / len(one), [0.025, 0.975]))


def list_of_two(one, other, times=1000):
    """Draw with Python's own means, and sort."""
    random = np.random.default_rng(6)
    found = sorted(
        one[chosen].mean() - other[chosen].mean()
        for chosen in (
            random.integers(len(one), size=len(one)) for _ in range(times)
        )
    )
    return [found[int(0.025 * times)], found[int(0.975 * times) - 1]]


RIGHT = {
    "5.1": [leaks_counted],
    "5.2": [text_by_text],
    "5.3": [by_odds],
    "5.4": [one_after_the_other],
    "5.5": [counts_of_draws, list_of_two],
}
