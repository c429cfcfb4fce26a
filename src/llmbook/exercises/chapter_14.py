"""Checks of the exercises of chapter 14, semantic role labelling."""

import numpy as np
from sklearn.metrics import cohen_kappa_score

from llmbook.corpora.roles.grammar import examples, words
from llmbook.exercises import exercise


@exercise(
    "14.1",
    "Look at the tag before: an inside is legal after a begin or inside of its"
    " role.",
)
def repaired(answer):
    """Compare with what the CoNLL evaluation makes of broken tags."""
    for tags, expected in [
        (["O", "I-A", "I-A", "O"], ["O", "B-A", "I-A", "O"]),
        (["I-A", "I-B", "I-B"], ["B-A", "B-B", "I-B"]),
        (["B-A", "I-B", "I-A"], ["B-A", "B-B", "B-A"]),
        (["B-A", "I-A", "B-A", "I-A"], ["B-A", "I-A", "B-A", "I-A"]),
        (["O", "I-ARGM-TMP"], ["O", "B-ARGM-TMP"]),
        (["B-ARG0", "I-R-ARG0"], ["B-ARG0", "B-R-ARG0"]),
        (["B-ARGM-LOC", "I-ARGM-TMP"], ["B-ARGM-LOC", "B-ARGM-TMP"]),
        ([], []),
    ]:
        given = list(tags)
        found = answer(given)
        assert list(found) == expected, (
            f"{tags} should become {expected}, not {found}"
        )
        assert given == tags, "the tags that it was given must not be changed"


@exercise(
    "14.2",
    "Count over all sentences together; a span is right if all three entries"
    " are.",
)
def scored(answer):
    """Compare with counts by hand, sentences without spans included."""
    gold = [[(0, 1, "A"), (2, 4, "B")], [(0, 2, "A")], []]
    found = [
        [(0, 1, "A"), (2, 3, "B")],
        [(0, 2, "B"), (3, 4, "C")],
        [(1, 2, "A")],
    ]
    expected = (1 / 5, 1 / 3, 2 / 8)
    result = answer(gold, found)
    assert len(result) == 3, (
        f"it must return precision, recall and F1, it returned {result!r}"
    )
    assert np.allclose(result, expected), (
        f"expected {np.round(expected, 3)}, got {result}"
    )
    assert np.allclose(answer(gold, gold), 1), (
        "a perfect prediction must get 1, 1, 1"
    )
    assert np.allclose(answer(gold, [[], [], []]), 0), (
        "predicting nothing must get 0, 0, 0"
    )
    for spans in ([], [(0, 1, "A")]):
        assert np.allclose(answer([[]], [spans]), 0), (
            "with nothing to find it must get 0, 0, 0"
        )
    # the same span in several sentences
    span = (0, 1, "A")
    result = answer([[span], [span]], [[span], []])
    assert np.allclose(result, (1, 1 / 2, 2 / 3)), (
        "one of two sentences with the same span was missed: expected"
        f" 1, 0.5, 0.667, got {result}"
    )
    assert np.allclose(answer([[span], []], [[], [span]]), 0), (
        "a span found in another sentence is not right"
    )


@exercise(
    "14.3",
    "Each pass has its own frequencies; chance is the sum of their products.",
)
def kappa(answer):
    """Compare with scikit-learn."""
    first, second = list("OOOABAOOAB"), list("OOAABOOOAA")
    expected = cohen_kappa_score(first, second)
    found = answer(first, second)
    assert np.isclose(found, expected), (
        f"expected {expected:.3f}, got {found!r}"
    )
    rng = np.random.default_rng(0)
    for _ in range(5):
        first, second = rng.choice(
            list("OAB"), (2, 40), p=[0.6, 0.3, 0.1]
        ).tolist()
        expected = cohen_kappa_score(first, second)
        assert np.isclose(answer(first, second), expected), (
            "it differs for other passes"
        )
    assert np.isclose(answer(["A", "O"], ["A", "O"]), 1), (
        "full agreement must give 1"
    )
    assert np.isclose(answer(["A", "O"], ["O", "A"]), -1), (
        "full disagreement about two labels, each half of the time, gives -1"
    )
    assert np.isnan(answer(["O", "O"], ["O", "O"])), (
        "with one label throughout it must be nan: nothing is left to judge"
    )


@exercise(
    "14.4",
    "The noun stands outside of the clause: leave a gap, and let attach"
    " fill it.",
)
def cleft(answer):
    """Look at the frame of the verb, for a subject of one word and of three."""
    for who, rest in [("Tom", "the book"), ("the old man", "it")]:
        phrase = answer(words(who), words("read"), words(rest))
        expected = ("it", "was", *who.split(), "who", "read", *rest.split())
        assert phrase.words == expected, (
            f"the words are {phrase.words}, expected {expected}"
        )
        found = examples(phrase)
        assert len(found) == 1, (
            f"there is one verb with roles, it made {len(found)} frames"
        )
        spans = {
            role: " ".join(phrase.words[start:end])
            for start, end, role in found[0].spans
        }
        wanted = {"ARG0": who, "R-ARG0": "who", "ARG1": rest}
        assert spans == wanted, f"the roles are {spans}, expected {wanted}"
        assert phrase.words[found[0].predicate] == "read", (
            "the frame must be that of the verb"
        )
        assert not phrase.gaps, "no gap may remain"
