"""Probes: pairs of sentences that differ in one word of degree or denial, made
from lists.
"""

from typing import NamedTuple

import numpy as np

from llmbook import checks

SUBJECTS = ("The film", "The acting", "The story", "The dialogue")
ADJECTIVES = {
    1: (
        "good",
        "great",
        "wonderful",
        "brilliant",
        "charming",
        "funny",
        "moving",
        "clever",
    ),
    0: (
        "bad",
        "awful",
        "terrible",
        "boring",
        "dull",
        "tedious",
        "predictable",
        "silly",
    ),
}
CHANGES = {
    "negated": ("not", "never", "hardly"),
    "stronger": ("very", "extremely"),
    "weaker": ("slightly", "somewhat"),
}


class Probe(NamedTuple):
    """A sentence with its label, 0 negative or 1 positive, and what became of
    it.
    """

    kind: str  # a key of CHANGES
    plain: str
    changed: str
    label: int


def probes():
    """Return all probes: every adjective with every change, the subjects in
    turn.
    """
    found = []
    for label, adjectives in ADJECTIVES.items():
        for i, adjective in enumerate(adjectives):
            start = f"{SUBJECTS[i % len(SUBJECTS)]} is"
            for kind, changes in CHANGES.items():
                found += [
                    Probe(
                        kind,
                        f"{start} {adjective}.",
                        f"{start} {change} {adjective}.",
                        label,
                    )
                    for change in changes
                ]
    return found


def pass_rates(logits, questions=None):
    """Ask a classifier the probes, and return how often each kind came out
    right.

    Parameters
    ----------
    logits : callable
        Maps a list of texts to scores (B,), the higher the more positive.
    questions : list of Probe, optional
        By default all of them.

    Returns
    -------
    dict of str to float
        ``plain``: the sentence has the sign of its label; ``negated``: denied,
        its score moves towards the other side; ``turned``: it moves so far that
        the sign is the other, from the right one; ``stronger``, ``weaker``: the
        score moves away from zero, or towards it and on.

    Raises
    ------
    TypeError
        If ``logits`` is no function, or ``questions`` are no probes.
    ValueError
        If there is none, or ``logits`` does not return a number for each text.
    """
    checks.function("logits", logits)
    questions = probes() if questions is None else questions
    questions = checks.listed("questions", questions, "plain", "changed")
    for question in questions:
        checks.offers("questions", question, "kind", "label")
    texts = [p.plain for p in questions] + [p.changed for p in questions]
    z = checks.numbers("logits", logits(texts))
    checks.shape("logits", z.ravel(), (len(texts),))
    side = np.array([1 if p.label else -1 for p in questions])  # (P,)
    # (P,) each: above 0 is right for the plain one
    before, after = side * z.reshape(2, -1)
    kind = np.array([p.kind for p in questions])
    moved = np.where(kind == "stronger", after > before, after < before)
    rates = {"plain": np.mean(before > 0)}
    rates |= {name: np.mean(moved[kind == name]) for name in CHANGES}
    rates["turned"] = np.mean(
        (before > 0) & (after < 0), where=kind == "negated"
    )
    return {name: float(rate) for name, rate in rates.items()}
