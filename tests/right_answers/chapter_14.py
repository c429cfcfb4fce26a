"""Other answers to the exercises of chapter 14 that must be accepted."""

from collections import Counter

import numpy as np

from llmbook.corpora.roles.grammar import attach, clause, join, words


def with_the_role_of_the_span(tags):
    """Keep the role of the span that is open."""
    repaired, is_open = [], None
    for tag in tags:
        kind, _, role = tag.partition("-")
        if kind == "I" and role != is_open:
            kind = "B"
        repaired.append(f"{kind}-{role}" if role else kind)
        is_open = role or None
    return repaired


def numbered_sentences(gold, found):
    """Put the number of its sentence into each span."""
    wanted, said = (
        {(i, *span) for i, spans in enumerate(side) for span in spans}
        for side in (gold, found)
    )
    hits = len(wanted & said)
    if not hits:
        return 0.0, 0.0, 0.0
    precision, recall = hits / len(said), hits / len(wanted)
    return precision, recall, 2 * precision * recall / (precision + recall)


def from_a_table(first, second):
    """Read kappa off the table of both passes."""
    labels = sorted({*first, *second})
    counts = Counter(zip(first, second, strict=True))
    # (N, N)
    table = np.array([[counts[a, b] for b in labels] for a in labels])
    table = table / table.sum()
    chance = table.sum(axis=0) @ table.sum(axis=1)
    return (table.trace() - chance) / (1 - chance) if chance < 1 else np.nan


def with_a_frame_for_it(subject, verb, thing):
    """Join the words before the noun at the end."""
    parts = [(words("who"), "R-ARG0"), (verb, "V"), (thing, "ARG1")]
    noun = attach(subject, clause(parts, "ARG0"))
    return join(join(words("it"), words("was")), noun)


RIGHT = {
    "14.1": [with_the_role_of_the_span],
    "14.2": [numbered_sentences],
    "14.3": [from_a_table],
    "14.4": [with_a_frame_for_it],
}
