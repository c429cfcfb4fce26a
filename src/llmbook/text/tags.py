"""BIO tags: the spans of a sentence as one label a word, and the best path
through scores of labels.
"""

import numpy as np
from seqeval.metrics import f1_score

from llmbook import checks

OUTSIDE = "O"


def bio_tags(spans, length):
    """Return the tags of a sentence, from the spans of its roles.

    Parameters
    ----------
    spans : iterable of (int, int, str)
        Start, end (not included) and role; in any order, without overlap.
    length : int
        ``T``, the number of words.

    Returns
    -------
    list of T str

    Raises
    ------
    TypeError
        If a span is none, or ``length`` is not an integer.
    ValueError
        If a span is empty, reaches outside of the sentence, or overlaps
        another; or if ``length`` is negative.
    """
    length = checks.count("length", length, least=0)
    spans = checks.spans(spans)
    tags = [OUTSIDE] * length
    for start, end, role in spans:
        if not 0 <= start < end <= length:
            raise ValueError(
                f"spans must lie within the {length} words and hold at least"
                f" one, got {(start, end, role)}"
            )
        if set(tags[start:end]) != {OUTSIDE}:
            raise ValueError(f"spans must not overlap, got {sorted(spans)}")
        tags[start:end] = [f"B-{role}"] + [f"I-{role}"] * (end - start - 1)
    return tags


def spans_of(tags):
    """Return the spans that BIO tags describe, from left to right.

    An ``I-`` that continues nothing begins a span, as in the evaluation of
    CoNLL and in seqeval.

    Raises
    ------
    TypeError
        If the tags are not strings.
    ValueError
        If a tag is neither ``O`` nor begins with ``B-`` or ``I-``.
    """
    tags = checks.tags(tags)
    spans: list[tuple[int, int, str]] = []
    last = OUTSIDE
    for position, tag in enumerate(tags):
        if tag[:2] == "I-" and last[2:] == tag[2:]:
            start, _, role = spans.pop()
            spans.append((start, position + 1, role))
        elif tag != OUTSIDE:
            spans.append((position, position + 1, tag[2:]))
        last = tag
    return spans


def allowed_steps(tags):
    """Return which tag may follow which: an ``I-`` only a ``B-`` or ``I-`` of
    its own role.

    Parameters
    ----------
    tags : list of N str

    Returns
    -------
    (N + 1, N) of bool
        Row ``i``, column ``j``: whether ``tags[j]`` may follow ``tags[i]``. The
        last row is that of the sentence's beginning.

    Raises
    ------
    TypeError
        If the tags are not strings.
    """
    tags = checks.texts("tags", tags)
    return np.array(
        [
            [tag[:2] != "I-" or before[2:] == tag[2:] for tag in tags]
            for before in [*tags, OUTSIDE]
        ]
    )


def best_path(scores, allowed):
    r"""Return the sequence of tags with the highest sum of scores, among those
    allowed.

    .. math::

        \delta_t(j) = s_t(j) + \max_{i :\, i \to j} \delta_{t-1}(i)

    and then back along the maxima (Viterbi 1967; here every step that is
    allowed costs nothing).

    Parameters
    ----------
    scores : (T, N)
        Log-probabilities, or anything that adds up.
    allowed : (N + 1, N) of bool
        See :func:`allowed_steps`.

    Returns
    -------
    (T,) of int

    Raises
    ------
    ValueError
        If the shapes do not fit, there is no word, or no path is allowed.
    """
    scores, allowed = checks.tag_scores(scores, allowed)
    price = np.where(allowed, 0.0, -np.inf)  # (N + 1, N)
    best = scores[0] + price[-1]  # (N,)
    back = []
    for score in scores[1:]:
        reached = best[:, None] + price[:-1]  # (N, N)
        back.append(reached.argmax(axis=0))  # (N,)
        best = score + reached.max(axis=0)  # (N,)
    checks.passable("allowed", best)
    path = [int(best.argmax())]
    for step in reversed(back):
        path.append(int(step[path[-1]]))
    return np.array(path[::-1])


def span_f1(examples, predicted):
    """Return the F1 of whole spans: one counts if its role and both its ends
    are right (seqeval).

    Parameters
    ----------
    examples : list with ``words`` and ``spans``
    predicted : list of list of (start, end, role)

    Returns
    -------
    float

    Raises
    ------
    TypeError
        If an example has no words or spans, or a span is none.
    ValueError
        If there are not as many ``predicted`` as ``examples``, or as
        :func:`bio_tags`.
    """
    examples = checks.items("examples", examples)
    predicted = [
        checks.spans(spans, "predicted")
        for spans in checks.items("predicted", predicted, "spans")
    ]
    for example in examples:
        checks.offers("examples", example, "words", "spans")
    checks.as_many(examples=examples, predicted=predicted)
    lengths = [len(example.words) for example in examples]
    gold = [
        bio_tags(example.spans, n)
        for example, n in zip(examples, lengths, strict=True)
    ]
    found = [
        bio_tags(spans, n) for spans, n in zip(predicted, lengths, strict=True)
    ]
    return float(f1_score(gold, found))
