"""Typical wrong answers to the exercises of chapter 11."""

from difflib import SequenceMatcher

import numpy as np


def stub(*arguments):
    raise NotImplementedError


def shared_words(summary, reference):
    shared = sum(
        min(summary.count(w), reference.count(w)) for w in set(summary)
    )
    return 2 * shared / (len(summary) + len(reference))


def without_gaps(summary, reference):
    runs = [
        length
        for length in range(len(summary) + 1)
        for i in range(len(summary) - length + 1)
        for j in range(len(reference) - length + 1)
        if summary[i : i + length] == reference[j : j + length]
    ]
    return 2 * max(runs) / (len(summary) + len(reference))


def longest(summary, reference):
    table = np.zeros((len(summary) + 1, len(reference) + 1))
    for i, one in enumerate(summary):
        for j, other in enumerate(reference):
            longer = max(table[i, j + 1], table[i + 1, j])
            table[i + 1, j + 1] = table[i, j] + 1 if one == other else longer
    return table[-1, -1]


def recall_only(summary, reference):
    return longest(summary, reference) / len(reference)


def not_divided(summary, reference):
    return 2 * longest(summary, reference)


def first_that_fits(summary, reference):
    place, length = 0, 0
    for word in summary:
        if word in reference[place:]:
            place = reference.index(word, place) + 1
            length += 1
    return 2 * length / (len(summary) + len(reference))


def longest_block_first(summary, reference):
    matcher = SequenceMatcher(None, summary, reference, autojunk=False)
    length = sum(block.size for block in matcher.get_matching_blocks())
    return 2 * length / (len(summary) + len(reference))


def last_place_only(gate, made, attention, source, size):
    mixed = np.zeros(size)
    mixed[: len(made)] = gate * made
    mixed[source] += (1 - gate) * attention
    return mixed


def gate_turned_round(gate, made, attention, source, size):
    mixed = np.zeros(size)
    mixed[: len(made)] = (1 - gate) * made
    np.add.at(mixed, source, gate * attention)
    return mixed


def no_gate(gate, made, attention, source, size):
    mixed = np.zeros(size)
    mixed[: len(made)] = made
    np.add.at(mixed, source, attention)
    return mixed


def too_small(gate, made, attention, source, size):
    mixed = gate * made
    np.add.at(mixed, source, (1 - gate) * attention)
    return mixed


def with_itself(weights):
    return np.minimum(weights, np.cumsum(weights, axis=0)).sum()


def the_step_before_alone(weights):
    return np.minimum(weights[1:], weights[:-1]).sum()


def along_the_source(weights):
    before = np.cumsum(weights, axis=1) - weights
    return np.minimum(weights, before).sum()


def mean(weights):
    before = np.cumsum(weights, axis=0) - weights
    return np.minimum(weights, before).mean()


def runs(words, n):
    return [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]


def old_share(summary, source, n):
    return sum(run in runs(source, n) for run in runs(summary, n)) / max(
        1, len(runs(summary, n))
    )


def distinct_runs(summary, source, n):
    written = set(runs(summary, n))
    return len(written - set(runs(source, n))) / max(1, len(written))


def of_the_source(summary, source, n):
    new = sum(run not in runs(source, n) for run in runs(summary, n))
    return new / max(1, len(runs(source, n)))


def divided_by_nothing(summary, source, n):
    return sum(run not in runs(source, n) for run in runs(summary, n)) / len(
        runs(summary, n)
    )


def within_the_text(summary, source, n):
    text = " ".join(source)
    new = [" ".join(run) not in text for run in runs(summary, n)]
    return sum(new) / max(1, len(new))


WRONG = {
    "11.1": [
        stub,
        shared_words,
        without_gaps,
        recall_only,
        not_divided,
        first_that_fits,
        longest_block_first,
    ],
    "11.2": [stub, last_place_only, gate_turned_round, no_gate, too_small],
    "11.3": [stub, with_itself, the_step_before_alone, along_the_source, mean],
    "11.4": [
        stub,
        old_share,
        distinct_runs,
        of_the_source,
        divided_by_nothing,
        within_the_text,
    ],
}
