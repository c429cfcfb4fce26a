import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmbook.text.english import WordViewTokenizer, clause, words
from llmbook.text.tokenizers import PAD, UNKNOWN, Tokenizer

LEXICON = {"hardly": -0.4, "boring": -1.3, "good": 1.9}


def test_words_and_punctuation():
    assert words("It isn't half-bad, is it?!") == [
        "It",
        "isn't",
        "half-bad",
        ",",
        "is",
        "it",
        "?!",
    ]
    assert words(" a_b  :-) ") == ["a", "_", "b", ":-)"]
    assert words("") == []


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=40))
def test_words_lose_nothing_but_spaces(text):
    assert "".join(words(text)) == "".join(text.split())
    assert words(" ".join(words(text))) == words(text) or "_" in text


def test_views_of_a_word():
    plain, knowing = (
        WordViewTokenizer([PAD, UNKNOWN]),
        WordViewTokenizer([PAD, UNKNOWN], LEXICON),
    )
    assert plain.views("Hardly boring") == [
        ["word:hardly", "2:^ hardly", "stem:hard"],
        ["word:boring", "2:hardly boring", "stem:bori"],
    ]
    assert [row[3] for row in knowing.views("Hardly boring plot")] == [
        "valence:0",
        "valence:-1",
        "valence:0",
    ]
    assert (
        WordViewTokenizer([PAD, UNKNOWN], stem=2).views("boring")[0][2]
        == "stem:bo"
    )


def test_encode_has_a_row_for_each_word_and_a_column_for_each_view():
    tokenizer = WordViewTokenizer.fit(
        ["good good plot", "bad plot"], lexicon=LEXICON
    )
    ids = tokenizer.encode("good unseen")
    assert ids.shape == (2, 4)
    assert [tokenizer.tokens[i] for i in ids[:, 0]] == ["word:good", UNKNOWN]
    assert ids[1, 1] == 1
    assert tokenizer.encode("").shape == (0, 4)
    assert WordViewTokenizer.fit(["good plot"]).encode("").shape == (0, 3)
    assert tokenizer.decode(np.vstack([ids, [0, 0, 0, 0]])) == f"good {UNKNOWN}"
    assert tokenizer.pieces("Good plot") == ["Good", "plot"]


def test_a_stored_tokenizer_is_the_same(tmp_path):
    tokenizer = WordViewTokenizer.fit(["good plot"], lexicon=LEXICON, stem=3)
    tokenizer.save(tmp_path / "t.json")
    again = Tokenizer.load(tmp_path / "t.json")
    assert again.state() == tokenizer.state()
    assert np.array_equal(
        again.encode("good film"), tokenizer.encode("good film")
    )


def test_the_clause_of_a_term():
    text = "great battery life, perfect size, but it is slow; the screen (large) - and bright - is good"
    assert clause(text, "battery") == "great battery life"
    assert clause(text, "size") == "perfect size"
    assert clause(text, "slow") == "it is slow"
    assert clause("I hate apex but love amazon", "amazon") == "love amazon"
    assert clause("although butter is cheap", "butter") == "butter is cheap"
    with pytest.raises(ValueError, match="'price'"):
        clause(text, "price")


def test_a_circumflex_is_a_word_and_no_beginning():
    tokenizer = WordViewTokenizer([PAD, UNKNOWN])
    assert tokenizer.views("good")[0][1] == "2:^ good"
    assert tokenizer.views("^ good")[1][1] == "2:\\^ good"
    assert tokenizer.views("\\^ good")[1][1] == "2:\\\\^ good"
