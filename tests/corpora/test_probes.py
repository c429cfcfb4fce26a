import numpy as np

from llmbook.corpora.probes import CHANGES, Probe, pass_rates, probes


def test_every_probe_differs_in_its_change_alone():
    found = probes()
    assert len(found) == len(set(found)) == 16 * 7
    for probe in found:
        words = probe.changed.split()
        (change,) = [word for word in words if word in CHANGES[probe.kind]]
        words.remove(change)
        assert " ".join(words) == probe.plain
    assert np.mean([probe.label for probe in found]) == 0.5


def score(text):
    """Judge as one should: the sign of the adjective, its size by degree, turned when denied."""
    size = (
        1.0
        + ("very" in text or "extremely" in text)
        - 0.5 * ("slightly" in text)
    )
    sign = 1 if "good" in text else -1
    return sign * size * (-1 if " not " in text else 1)


QUESTIONS = [
    Probe(kind, f"It is {adjective}.", f"It is {change} {adjective}.", label)
    for adjective, label in [("good", 1), ("bad", 0)]
    for kind, change in [
        ("negated", "not"),
        ("stronger", "very"),
        ("weaker", "slightly"),
    ]
]


def test_a_perfect_judge_passes_and_its_opposite_fails():
    def right(texts):
        return [score(text) for text in texts]

    def wrong(texts):
        return [-score(text) for text in texts]

    assert set(pass_rates(right, QUESTIONS).values()) == {1.0}
    assert set(pass_rates(wrong, QUESTIONS).values()) == {0.0}


def test_moving_is_less_than_turning():
    def timid(texts):
        return [
            abs(score(t))
            * (0.5 if " not " in t else 1)
            * (1 if "good" in t else -1)
            for t in texts
        ]

    rates = pass_rates(timid, QUESTIONS)
    assert rates["negated"] == 1
    assert rates["turned"] == 0


def test_a_judge_that_says_the_same_always_passes_nothing_but_one_side():
    assert pass_rates(lambda texts: np.ones(len(texts))) == {
        "plain": 0.5,
        "negated": 0,
        "stronger": 0,
        "weaker": 0,
        "turned": 0,
    }
