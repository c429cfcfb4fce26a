import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from llmbook.corpora.docstrings import Pair
from llmbook.measures import summaries
from llmbook.measures.summaries import (
    body_counter,
    contradictions,
    lead,
    name_and_lead,
    nearest_summaries,
    oracle,
    repeats,
    rouge,
    source_tokens,
    summary_tokens,
    text_rank,
    tokens,
    unsupported,
)

few = settings(max_examples=25, deadline=None)
BODY = "Stops at once: nothing is read. The buffer holds max_size bytes of the stream. See also."
PAIR = Pair(
    "p",
    "io.py",
    "io.Reader.readMaxSize",
    "Read max_size bytes of the stream.",
    BODY,
)


def test_names_of_code_are_cut_into_their_words():
    assert tokens("Returns getName(max_size), HTTPServer2 3.5!") == [
        *("returns", "get", "name", "(", "max", "size", ")", ","),
        *("http", "server", "2", "3", ".", "5", "!"),
    ]
    assert source_tokens(PAIR)[:7] == [
        "reader",
        "read",
        "max",
        "size",
        "<body>",
        "stops",
        "at",
    ]
    assert summary_tokens(PAIR) == [
        "read",
        "max",
        "size",
        "bytes",
        "of",
        "the",
        "stream",
    ]
    long = PAIR._replace(body="b " * 90)
    assert (len(source_tokens(long)), len(lead(long))) == summaries.LENGTHS


def longest_common_subsequence(a, b):
    table = np.zeros((len(a) + 1, len(b) + 1), int)
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            table[i + 1, j + 1] = (
                table[i, j] + 1
                if x == y
                else max(table[i, j + 1], table[i + 1, j])
            )
    return table[-1, -1]


@pytest.mark.equation("eq-rouge")
@given(
    *[
        st.lists(
            st.sampled_from(["cat", "dog", "sun", "top"]),
            min_size=2,
            max_size=7,
        )
    ]
    * 2
)
@few
def test_rouge_is_what_its_formula_says(summary, reference):
    def f(shared, a, b):
        return 2 * shared / (a + b) if a + b else 0.0

    def pairs(words):
        return [*itertools.pairwise(words)]

    found = rouge([summary], [reference])
    one, two = (
        f(sum(min(x.count(w), y.count(w)) for w in set(x)), len(x), len(y))
        for x, y in ((summary, reference), (pairs(summary), pairs(reference)))
    )
    common = longest_common_subsequence(summary, reference)
    assert np.allclose(
        found, [one, two, f(common, len(summary), len(reference))]
    )


def test_rouge_refuses_what_cannot_be_scored():
    with pytest.raises(ValueError, match="references"):
        rouge([["a"]], [])


def test_the_extractive_baselines_pick_what_they_say():
    assert lead(PAIR) == ["stops", "at", "once", ":"]
    assert name_and_lead(PAIR, words=2) == [
        "read",
        "max",
        "size",
        "stops",
        "at",
    ]
    assert oracle(PAIR) == tokens(
        "The buffer holds max_size bytes of the stream."
    )


@pytest.mark.equation("eq-text-rank")
def test_text_rank_finds_the_stationary_distribution():
    bodies = [
        "A cat sat here. A cat and a dog sat there. The dog ran off. Nobody knows why.",
        "Rain fell. Snow fell too. The sun shone.",
    ]
    counter = TfidfVectorizer().fit(bodies)
    for body in bodies:
        candidates = summaries.sentences(body)
        rank = summaries._ranks(candidates, counter, 0.85, 200)
        vectors = counter.transform(candidates).toarray()
        similarity = vectors @ vectors.T * (1 - np.eye(len(candidates)))
        rows = similarity.sum(1, keepdims=True)
        step = np.divide(
            similarity,
            rows,
            out=np.full_like(similarity, 1 / len(rows)),
            where=rows > 0,
        )
        google = 0.15 / len(candidates) + 0.85 * step
        values, vectors = np.linalg.eig(google.T)
        expected = np.real(vectors[:, np.argmax(np.real(values))])
        assert np.allclose(rank, expected / expected.sum(), atol=1e-6)
        pair = Pair("", "", "f", "", body)
        assert text_rank(pair, counter) == tokens(
            candidates[int(rank.argmax())]
        )


def test_the_nearest_summary_is_that_of_the_most_similar_source():
    training = [
        Pair(
            "p",
            "m",
            "load",
            "Load a model.",
            "Reads the weights of a model from a file.",
        ),
        Pair(
            "p",
            "m",
            "draw",
            "Draw a line.",
            "Puts ink between two points of the canvas.",
        ),
    ]
    asked = [
        Pair("p", "m", "restore", "", "The model is read back from its file.")
    ]
    counter = body_counter(training)
    assert nearest_summaries(asked, training, counter) == [
        ["load", "a", "model"]
    ]


def test_unsupported_words_are_those_of_no_form_in_the_source():
    source = ["computing", "the", "weighted", "mean", "of", "arrays"]
    assert unsupported(
        ["computes", "the", "weights", "of", "a", "matrix"], source
    ) == ["matrix"]
    assert unsupported(["return", "this", "(", "3", ")", "mean"], source) == []


def test_unsupported_words_are_seen_in_every_script():
    said = ["मौसम", "привет", "naïve", "酒店", "ความ", "的", "हम", "x2", "！"]
    assert unsupported(said, ["मौसमी", "nothing"]) == said[1:5]


def test_sentences_end_as_their_script_ends_them():
    for text in (
        "One two three. Four five six! Seven eight nine",
        "मौसम बहुत अच्छा है। हम बाहर जाते हैं। यह सब ठीक है",
        "كيف حالك اليوم يا صديقي؟ أنا بخير والحمد لله دائما۔ نعم هذا صحيح",
        "今天天气很好。我们出去玩！你来不来",
    ):
        assert len(summaries.sentences(text)) == 3


@pytest.mark.parametrize(
    ("summary", "source", "found"),
    [
        ("gets the name", "set the name", [("get", "set")]),
        ("set the name", "gets the name", [("set", "get")]),
        ("get the name", "get or set it", []),
        ("get and set", "set", []),
        (
            "first row",
            "the last columns",
            [("first", "last"), ("row", "column")],
        ),
    ],
)
def test_contradictions_are_opposites_across_summary_and_source(
    summary, source, found
):
    assert contradictions(summary.split(), source.split()) == found


def test_repeats_are_runs_that_come_twice():
    assert repeats(
        ["the", "result", "of", "the", "result", "of", "the", "sum"]
    ) == [
        ("of", "the"),
        ("result", "of"),
        ("the", "result"),
    ]
    assert repeats(["a", "b", "c"]) == []
