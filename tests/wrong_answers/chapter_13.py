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


def deletes(logits, words):
    texts = [" ".join(words)]
    texts += [
        " ".join([*words[:i], *words[i + 1 :]]) for i in range(len(words))
    ]
    scores = logits(texts)
    return scores[0] - scores[1:]


def first_occurrence(logits, words):
    scores = logits([mark(words, words.index(word)) for word in words])
    return logits([" ".join(words)])[0] - scores


def every_occurrence(logits, words):
    whole = " ".join(words)
    texts = [
        " ".join("□" if other == word else other for other in words)
        for word in words
    ]
    return logits([whole])[0] - logits(texts)


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


MARKS = (".", ",", ";", ":", "!", "?")


def is_negation(word):
    return word in ("not", "no", "never") or word.endswith("n't")


def scoped(words, negation=is_negation, marks=MARKS):
    found, denied = [], False
    for word in words:
        if word in marks or negation(word):
            denied = word not in marks
            found.append(word)
        else:
            found.append(f"NOT_{word}" if denied else word)
    return found


def second_toggles(words):
    found, denied = [], False
    for word in words:
        if word in MARKS or is_negation(word):
            denied = not denied if word not in MARKS else False
            found.append(word)
        else:
            found.append(f"NOT_{word}" if denied else word)
    return found


def second_gets_the_prefix(words):
    found, denied = [], False
    for word in words:
        denied = denied and word not in MARKS
        found.append(f"NOT_{word}" if denied else word)
        denied = denied or is_negation(word)
    return found


def colons_forgotten(words):
    return scoped(words, marks=".,;?!")


def shouts_forgotten(words):
    return scoped(words, marks=".,;:?")


def stops_forgotten(words):
    return scoped(words, marks=",;:?!")


def questions_forgotten(words):
    return scoped(words, marks=".,;:!")


def nothing_denies(words):
    return scoped(words, lambda w: is_negation(w) or w.startswith("no"))


def endings_deny(words):
    return scoped(words, lambda w: w.endswith(("not", "no", "never", "n't")))


def judged(logits, texts, places):
    whole = np.sign(logits([" ".join(words) for words in texts]))
    hidden = [
        mark(words, place) for words, place in zip(texts, places, strict=True)
    ]
    return whole, logits(hidden)


def sign_forgotten(logits, texts, explanations):
    whole, hidden = judged(logits, texts, map(np.argmax, explanations))
    return np.mean(whole != np.sign(hidden))


def largest_size(logits, texts, explanations):
    sizes_ = [np.argmax(np.abs(values)) for values in explanations]
    whole, hidden = judged(logits, texts, sizes_)
    return np.mean(whole != np.sign(hidden))


def speaking_for(logits, texts, explanations):
    whole = np.sign(logits([" ".join(words) for words in texts]))
    return [
        int(np.argmax(side * values))
        for side, values in zip(whole, explanations, strict=True)
    ]


def falls_at_all(logits, texts, explanations):
    places = speaking_for(logits, texts, explanations)
    before = logits([" ".join(words) for words in texts])
    whole, hidden = judged(logits, texts, places)
    return np.mean(whole * (before - hidden) > 0)


def counted_not_shared(logits, texts, explanations):
    places = speaking_for(logits, texts, explanations)
    whole, hidden = judged(logits, texts, places)
    return np.sum(whole != np.sign(hidden))


def word_deleted(logits, texts, explanations):
    places = speaking_for(logits, texts, explanations)
    whole, _ = judged(logits, texts, places)
    shorter = [
        " ".join([*words[:place], *words[place + 1 :]])
        for words, place in zip(texts, places, strict=True)
    ]
    return np.mean(whole != np.sign(logits(shorter)))


def word_hidden_everywhere(logits, texts, explanations):
    places = speaking_for(logits, texts, explanations)
    whole, _ = judged(logits, texts, places)
    hidden = [
        " ".join("□" if word == words[place] else word for word in words)
        for words, place in zip(texts, places, strict=True)
    ]
    return np.mean(whole != np.sign(logits(hidden)))


WRONG = {
    "13.1": [stub, zero, median_always, share_below],
    "13.2": [
        stub,
        alone,
        turned,
        sizes,
        one_number,
        deletes,
        first_occurrence,
        every_occurrence,
    ],
    "13.3": [stub, by_rows, with_itself, mean_only, best_of_others],
    "13.4": [
        stub,
        next_word_only,
        never_ends,
        without_contractions,
        marks_the_negation,
        second_toggles,
        second_gets_the_prefix,
        colons_forgotten,
        shouts_forgotten,
        stops_forgotten,
        questions_forgotten,
        nothing_denies,
        endings_deny,
    ],
    "13.5": [
        stub,
        sign_forgotten,
        largest_size,
        falls_at_all,
        counted_not_shared,
        word_deleted,
        word_hidden_everywhere,
    ],
}
