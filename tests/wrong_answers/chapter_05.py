import numpy as np

from llmbook.corpora.reviews import key
from llmbook.mathematics.losses import sigmoid


def stub(*arguments, **options):
    raise NotImplementedError


def texts_compared(training_texts, test_texts):
    return np.mean([text in set(training_texts) for text in test_texts])


def share_of_the_training_texts(training_texts, test_texts):
    found = {key(text) for text in test_texts}
    return np.mean([key(text) in found for text in training_texts])


def repeats_in_the_test_counted_once(training_texts, test_texts):
    training, test = (
        {key(text) for text in texts} for texts in (training_texts, test_texts)
    )
    return len(training & test) / len(test)


def contained(training_texts, test_texts):
    return np.mean(
        [any(key(t) in key(s) for s in training_texts) for t in test_texts]
    )


def containing(training_texts, test_texts):
    return np.mean(
        [any(key(s) in key(t) for s in training_texts) for t in test_texts]
    )


def letters_in_any_order(training_texts, test_texts):
    seen = {"".join(sorted(key(text))) for text in training_texts}
    return np.mean(["".join(sorted(key(text))) in seen for text in test_texts])


def plain_mean(x, mask):
    return x.mean(axis=1)


def divided_by_the_length(x, mask):
    return np.where(mask[:, :, None], x, 0).mean(axis=1)


def padding_times_zero(x, mask):
    return (x * mask[:, :, None]).sum(axis=1) / np.maximum(
        mask.sum(axis=1, keepdims=True), 1
    )


def nothing_divided_by_nothing(x, mask):
    return np.where(mask[:, :, None], x, 0).sum(axis=1) / mask.sum(
        axis=1, keepdims=True
    )


def probabilities_averaged(logits, temperatures):
    return sigmoid(logits / temperatures[:, None]).mean(axis=0)


def averaged_before_scaling(logits, temperatures):
    return sigmoid(logits.mean(axis=0) / temperatures.mean())


def multiplied(logits, temperatures):
    return sigmoid((logits * temperatures[:, None]).mean(axis=0))


def no_probability(logits, temperatures):
    return (logits / temperatures[:, None]).mean(axis=0)


def lowest_first(predict, ids, score, share, unknown=1):
    text = np.full_like(ids, unknown)
    best = np.argsort(score)[: round(share * len(ids))]
    text[best] = ids[best]
    return predict(text)


def deletion(predict, ids, score, share, unknown=1):
    text = ids.copy()
    text[np.argsort(-score)[: round(share * len(ids))]] = unknown
    return predict(text)


def moved_together(predict, ids, score, share, unknown=1):
    count = round(share * len(ids))
    best = np.sort(np.argsort(-score)[:count])
    return predict(
        np.concatenate([ids[best], np.full(len(ids) - count, unknown)])
    )


def in_place(predict, ids, score, share, unknown=1):
    ids[np.argsort(-score)[round(share * len(ids)) :]] = unknown
    return predict(ids)


def rounded_down(predict, ids, score, share, unknown=1):
    best = np.argsort(-score)[: int(share * len(ids))]
    text = np.full_like(ids, unknown)
    text[best] = ids[best]
    return predict(text)


def rounded_up(predict, ids, score, share, unknown=1):
    best = np.argsort(-score)[: int(np.ceil(share * len(ids)))]
    text = np.full_like(ids, unknown)
    text[best] = ids[best]
    return predict(text)


def always_one(predict, ids, score, share, unknown=1):
    best = np.argsort(-score)[: round(share * len(ids))]
    text = np.ones_like(ids)
    text[best] = ids[best]
    return predict(text)


def drawn(one, other, times, paired=True):
    random = np.random.default_rng(1)
    found = []
    for _ in range(times):
        chosen = random.integers(len(one), size=len(one))
        again = chosen if paired else random.integers(len(one), size=len(one))
        found.append(one[chosen].mean() - other[again].mean())
    return np.array(found)


def unpaired(one, other, times=1000):
    return np.percentile(drawn(one, other, times, False), [2.5, 97.5])


def turned_round(one, other, times=1000):
    return np.percentile(-drawn(one, other, times), [2.5, 97.5])


def middle_90(one, other, times=1000):
    return np.percentile(drawn(one, other, times), [5, 95])


def extremes(one, other, times=1000):
    found = drawn(one, other, times)
    return found.min(), found.max()


def single_texts(one, other, times=1000):
    return np.percentile(one.astype(float) - other, [2.5, 97.5])


def without_replacement(one, other, times=1000):
    random = np.random.default_rng(1)
    found = []
    for _ in range(times):
        chosen = random.permutation(len(one))
        found.append(one[chosen].mean() - other[chosen].mean())
    return np.percentile(found, [2.5, 97.5])


WRONG = {
    "5.1": [
        stub,
        texts_compared,
        share_of_the_training_texts,
        repeats_in_the_test_counted_once,
        contained,
        containing,
        letters_in_any_order,
    ],
    "5.2": [
        stub,
        plain_mean,
        divided_by_the_length,
        padding_times_zero,
        nothing_divided_by_nothing,
    ],
    "5.3": [
        stub,
        probabilities_averaged,
        averaged_before_scaling,
        multiplied,
        no_probability,
    ],
    "5.4": [
        stub,
        lowest_first,
        deletion,
        moved_together,
        in_place,
        always_one,
        rounded_down,
        rounded_up,
    ],
    "5.5": [
        stub,
        unpaired,
        turned_round,
        middle_90,
        extremes,
        single_texts,
        without_replacement,
    ],
}
