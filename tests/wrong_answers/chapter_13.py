import numpy as np


def stub(*arguments, **options):
    raise NotImplementedError


def zero(scores, share):
    return 0.0


def median_always(scores, share):
    return np.median(scores)


def share_below(scores, share):
    return np.quantile(scores, share)


def mark(words, position):
    return " ".join([*words[:position], "□", *words[position + 1 :]])


def alone(logits, words):
    return logits(words)


def turned(logits, words):
    whole = logits([" ".join(words)])[0]
    return logits([mark(words, i) for i in range(len(words))]) - whole


def sizes(logits, words):
    return np.abs(turned(logits, words))


def one_number(logits, words):
    return -turned(logits, words).sum()


def by_rows(accuracy):
    return shift(accuracy.T)


def shift(accuracy):
    others = (accuracy.sum(axis=0) - accuracy.diagonal()) / (len(accuracy) - 1)
    return accuracy.diagonal() - others


def with_itself(accuracy):
    return accuracy.diagonal() - accuracy.mean(axis=0)


def mean_only(accuracy):
    return shift(accuracy).mean()


def best_of_others(accuracy):
    return accuracy.diagonal() - np.where(
        np.eye(len(accuracy)), 0, accuracy
    ).max(axis=0)


def next_word_only(words):
    return [
        f"NOT_{word}" if before in ("not", "never", "no", "isn't") else word
        for before, word in zip(["", *words[:-1]], words, strict=True)
    ]


def never_ends(words):
    found, denied = [], False
    for word in words:
        found.append(f"NOT_{word}" if denied else word)
        denied = (
            denied or word in ("not", "never", "no") or word.endswith("n't")
        )
    return found


def without_contractions(words):
    found, denied = [], False
    for word in words:
        denied = denied and word not in list(".,;:?!")
        found.append(f"NOT_{word}" if denied else word)
        denied = denied or word in ("not", "never", "no")
    return found


def marks_the_negation(words):
    found, denied = [], False
    for word in words:
        denied = (
            denied or word in ("not", "never", "no") or word.endswith("n't")
        ) and (word not in list(".,;:?!"))
        found.append(f"NOT_{word}" if denied else word)
    return found


WRONG = {
    "13.1": [stub, zero, median_always, share_below],
    "13.2": [stub, alone, turned, sizes, one_number],
    "13.3": [stub, by_rows, with_itself, mean_only, best_of_others],
    "13.4": [
        stub,
        next_word_only,
        never_ends,
        without_contractions,
        marks_the_negation,
    ],
}
