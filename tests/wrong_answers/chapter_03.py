import numpy as np

from llmbook.mathematics.attention import softmax
from llmbook.mathematics.losses import cross_entropy, sigmoid


def stub(*arguments, **options):
    raise NotImplementedError


def targets_not_moved(logits, tokens, pad_id=0):
    return cross_entropy(logits, tokens, tokens != pad_id)


def padding_counted(logits, tokens, pad_id=0):
    return cross_entropy(logits[:, :-1], tokens[:, 1:])


def mask_of_the_inputs(logits, tokens, pad_id=0):
    return cross_entropy(
        logits[:, :-1], tokens[:, 1:], tokens[:, :-1] != pad_id
    )


def pad_id_ignored(logits, tokens, pad_id=0):
    return cross_entropy(logits[:, :-1], tokens[:, 1:], tokens[:, 1:] != 0)


def moved_the_wrong_way(logits, tokens, pad_id=0):
    return cross_entropy(logits[:, 1:], tokens[:, :-1], tokens[:, 1:] != pad_id)


def mean_of_the_means(logits, tokens, pad_id=0):
    return np.mean(
        [
            cross_entropy(z[:-1], x[1:], x[1:] != pad_id)
            for z, x in zip(logits, tokens, strict=True)
        ]
    )


def without_brackets(logits, tags):
    p = sigmoid(logits)
    return (
        (-(tags * np.log(p)) + (1 - tags) * np.log(1 - p)).sum(axis=-1).mean()
    )


def from_probabilities(logits, tags):
    p = 1 / (1 + np.exp(-logits))
    return -(tags * np.log(p) + (1 - tags) * np.log(1 - p)).sum(axis=-1).mean()


def clipped(logits, tags):
    p = np.clip(sigmoid(logits), 1e-7, 1 - 1e-7)
    return -(tags * np.log(p) + (1 - tags) * np.log(1 - p)).sum(axis=-1).mean()


def mean_over_tags(logits, tags):
    return (
        tags * np.logaddexp(0, -logits) + (1 - tags) * np.logaddexp(0, logits)
    ).mean()


def softmax_of_tags(logits, tags):
    return -(tags * np.log(softmax(logits))).sum(axis=-1).mean()


def unreduced(logits, tags):
    return (
        tags * np.logaddexp(0, -logits) + (1 - tags) * np.logaddexp(0, logits)
    ).sum(axis=-1)


def not_smoothed(logits, targets, smoothing):
    return (softmax(logits) - np.eye(logits.shape[1])[targets]) / len(targets)


def not_averaged(logits, targets, smoothing):
    size = logits.shape[1]
    return (
        softmax(logits)
        - (1 - smoothing) * np.eye(size)[targets]
        - smoothing / size
    )


def uphill(logits, targets, smoothing):
    return -not_averaged(logits, targets, smoothing) / len(targets)


def spread_over_the_others(logits, targets, smoothing):
    size = logits.shape[1]
    one_hot = np.eye(size)[targets]
    wanted = (1 - smoothing) * one_hot + smoothing / (size - 1) * (1 - one_hot)
    return (softmax(logits) - wanted) / len(targets)


def of_one_position(logits, targets, smoothing):
    return not_averaged(logits, targets, smoothing)[0]


def without_the_weight_twice(p, w):
    odds = p / (1 - p) / w**2
    return odds / (1 + odds)


def scaled(temperatures, loss):
    """Return an answer to 3.6 that takes the lowest of some losses."""

    def best(logits, labels):
        return min(temperatures, key=lambda t: loss(logits / t, labels))

    return best


def brier(logits, labels):
    return ((softmax(logits) - np.eye(3)[labels]) ** 2).sum(axis=1).mean()


def confidence_against_accuracy(logits, labels):
    right = logits.argmax(axis=1) == labels
    return abs(softmax(logits).max(axis=1).mean() - right.mean())


def error_rate(logits, labels):
    return np.mean(logits.argmax(axis=1) != labels)


FINE = np.geomspace(0.01, 100, 1000)


WRONG = {
    "3.1": [
        stub,
        targets_not_moved,
        padding_counted,
        mask_of_the_inputs,
        pad_id_ignored,
        moved_the_wrong_way,
        mean_of_the_means,
    ],
    "3.2": [
        stub,
        without_brackets,
        from_probabilities,
        clipped,
        mean_over_tags,
        softmax_of_tags,
        unreduced,
    ],
    "3.3": [
        stub,
        not_smoothed,
        not_averaged,
        uphill,
        spread_over_the_others,
        of_one_position,
    ],
    "3.4": [
        stub,
        lambda losses, num_tokens: np.exp(np.mean(losses)),
        lambda losses, num_tokens: np.average(
            np.exp(losses), weights=num_tokens
        ),
        lambda losses, num_tokens: np.exp(
            np.sum(losses * num_tokens) / len(losses)
        ),
        lambda losses, num_tokens: 2 ** np.average(losses, weights=num_tokens),
        lambda losses, num_tokens: np.exp(losses),
    ],
    "3.5": [
        stub,
        lambda p, w: p / w,
        lambda p, w: p / (1 - p) / w,
        lambda p, w: p * w / (1 - p + p * w),
        lambda p, w: p - np.log(w),
        without_the_weight_twice,
    ],
    "3.6": [
        stub,
        lambda logits, labels: 1.0,
        scaled(FINE[FINE >= 1], cross_entropy),
        scaled(FINE[FINE <= 1], cross_entropy),
        scaled([0.01, 0.1, 1.0, 10.0, 100.0], cross_entropy),
        scaled(FINE, brier),
        scaled(FINE, confidence_against_accuracy),
        scaled(FINE, error_rate),
        lambda logits, labels: 1 / scaled(FINE, cross_entropy)(logits, labels),
        lambda logits, labels: softmax(
            logits / scaled(FINE, cross_entropy)(logits, labels)
        ),
    ],
}
