"""Checks of the exercises of chapter 13, sentiment analysis."""

import itertools

import numpy as np

from llmbook.exercises import exercise


@exercise(
    "13.1",
    "It is the quantile of the scores below which the share of negative texts"
    " lies.",
)
def threshold_for(answer):
    """Count what lies above the threshold, with scores that are far from
    zero.
    """
    scores = np.random.default_rng(0).normal(3.0, 2.0, size=200)  # (N,)
    for share in (0.5, 0.2, 0.9):
        found = answer(scores.copy(), share)
        above = np.mean(scores > found)
        assert abs(above - share) < 0.01, (
            f"for share {share}, {above:.2f} of the scores lie above what it"
            " returned"
        )


def _scores(texts):
    """Score texts by a few words: "not" turns the word after it."""
    worth = {"good": 2.0, "great": 4.0, "bad": -3.0, "awful": -1.0}
    return np.array(
        [
            sum(
                worth.get(word, 0.0) * (-1 if before == "not" else 1)
                for before, word in itertools.pairwise(["", *text.split()])
            )
            for text in texts
        ]
    )


@exercise(
    "13.2",
    "Score the whole text once, then each text with one word replaced by the"
    " mark.",
)
def leave_one_out(answer):
    """Ask about words that occur twice, and about gaps that would close."""
    for words, expected in [
        (["a", "good", "film"], [0, 2, 0]),
        (["not", "bad"], [6, 3]),
        (["good", "but", "awful", "good"], [2, 0, -1, 2]),
        (["good", "but", "not", "good"], [2, 0, -4, -2]),
        (["not", "a", "good", "film"], [0, 0, 2, 0]),
    ]:
        found = np.asarray(answer(_scores, list(words)))
        assert found.shape == (len(words),), (
            f"{words} need one number a word, got {found.shape}"
        )
        assert np.allclose(found, expected), (
            f"for {words}, expected {expected}, got {found}"
        )


@exercise(
    "13.3",
    "For each column, take the diagonal and subtract the mean of its other"
    " entries.",
)
def shift_cost(answer):
    """Compare with a small table worked by hand, which is not symmetric."""
    # (D, D)
    accuracy = np.array([[0.9, 0.6, 0.7], [0.5, 0.8, 0.6], [0.7, 0.7, 0.9]])
    found = np.asarray(answer(accuracy.copy()))
    assert found.shape == (3,), (
        f"the result must have shape (3,), it has {found.shape}"
    )
    assert np.allclose(found, [0.3, 0.15, 0.25]), (
        f"expected 0.3, 0.15, 0.25, got {found.round(3)}"
    )
    pair = np.asarray(answer(np.array([[1.0, 0.25], [0.5, 0.75]])))
    assert np.allclose(pair, [0.5, 0.5]), (
        f"for two domains, expected 0.5 and 0.5, got {pair}"
    )


@exercise(
    "13.4",
    "Keep a flag: a negation raises it, a mark of punctuation lowers it.",
)
def mark_negation(answer):
    """Mark sentences in which the scope ends at each mark, does not end, and
    begins twice; with words that only look like negations.
    """
    for text, expected in [
        ("it is good .", "it is good ."),
        ("it is not very good .", "it is not NOT_very NOT_good ."),
        ("not good , but fun", "not NOT_good , but fun"),
        ("fun , never dull", "fun , never NOT_dull"),
        ("no plot ; isn't it sad ?", "no NOT_plot ; isn't NOT_it NOT_sad ?"),
        ("not good", "not NOT_good"),
        ("no fun and not bad .", "no NOT_fun NOT_and not NOT_bad ."),
        ("don't go : awful", "don't NOT_go : awful"),
        ("never dull ! see it", "never NOT_dull ! see it"),
        ("not bad ? buy . run", "not NOT_bad ? buy . run"),
        ("nothing is noble", "nothing is noble"),
        ("another knot of notes", "another knot of notes"),
    ]:
        found = answer(text.split())
        assert list(found) == expected.split(), (
            f"for {text!r}, expected {expected!r}, got {found}"
        )


@exercise(
    "13.5",
    "Multiply an explanation by the sign of the score: its largest entry is the"
    " word that speaks most for the answer.",
)
def turned(answer):
    """Test explanations of single texts, then of all of them."""

    def logits(texts):
        return _scores(texts) - 0.5

    cases = [
        ("a good film", [0, 2, 0], 1),
        ("good and great", [2, 0, 4], 0),
        ("bad but good", [-3, 0, 2], 1),
        ("awful", [-1], 0),
        ("bad but great", [-5, 0, 4], 1),
        ("good or good", [1, 0, 2], 0),
        ("not so good", [3, 5, 2], 0),
    ]
    texts = [text.split() for text, *_ in cases]
    explained = [np.array(values, float) for _, values, _ in cases]
    expected = [turns for *_, turns in cases]
    for words, values, turns in zip(texts, explained, expected, strict=True):
        found = answer(logits, [list(words)], [values.copy()])
        assert np.isclose(found, turns), (
            f"with {values.tolist()} for {words}, expected {turns}, got {found}"
        )
    found = answer(logits, texts, explained)
    assert np.isclose(found, np.mean(expected)), (
        f"of all {len(texts)} texts {np.mean(expected):.3f} turn, not {found}"
    )
