import json
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmbook.text.tokenizers import (
    PAD_ID,
    UNKNOWN_ID,
    CharTokenizer,
    NgramTokenizer,
    Tokenizer,
    WordTokenizer,
    edged,
    normalise,
    pad,
    words,
)

TEXTS = ["这家酒店很好", "酒店很差，不好", "OK，服务好 很好"]
KINDS = [CharTokenizer, WordTokenizer, NgramTokenizer]


def test_normalise_by_hand():
    assert normalise("  ＡＢＣ　１２\t\n很　好 ") == "ABC 12 很 好"
    with pytest.raises(TypeError, match="int"):
        normalise(3)


@settings(max_examples=100, deadline=None)
@given(st.text())
def test_normalise_is_idempotent(text):
    assert normalise(normalise(text)) == normalise(text)


@pytest.mark.parametrize("kind", KINDS)
def test_ids_are_ranked_by_frequency(kind):
    tokenizer = kind.fit(TEXTS)
    counts = Counter(t for text in TEXTS for t in tokenizer.tokenize(text))
    assert len(tokenizer) == len(counts) + 2
    assert [counts[t] for t in tokenizer.tokens[2:]] == sorted(
        counts.values(), reverse=True
    )
    assert all(tokenizer.ids[t] == i for i, t in enumerate(tokenizer.tokens))


@pytest.mark.parametrize("kind", KINDS)
def test_min_count_and_max_size(kind):
    full, rare, small = (
        kind.fit(TEXTS),
        kind.fit(TEXTS, min_count=2),
        kind.fit(TEXTS, max_size=5),
    )
    counts = Counter(t for text in TEXTS for t in full.tokenize(text))
    assert set(rare.tokens[2:]) == {t for t, n in counts.items() if n > 1}
    assert small.tokens == full.tokens[:5]


@pytest.mark.parametrize("kind", KINDS)
def test_unknown_and_empty(kind):
    tokenizer = kind.fit(TEXTS)
    assert set(np.ravel(tokenizer.encode("嗯"))) == {UNKNOWN_ID}
    assert len(tokenizer.encode("")) == 0


@pytest.mark.parametrize("kind", KINDS)
def test_saved_and_loaded(kind, tmp_path):
    options = {"stop_words": ["很"]} if kind is WordTokenizer else {}
    tokenizer = kind.fit(TEXTS, **options)
    tokenizer.save(tmp_path / "tokenizer.json")
    again = Tokenizer.load(tmp_path / "tokenizer.json")
    assert type(again) is kind
    assert again.state() == tokenizer.state()
    assert np.array_equal(
        again.encode("酒店很好嗯"), tokenizer.encode("酒店很好嗯")
    )


@pytest.mark.parametrize("kind", KINDS)
def test_fit_refuses(kind):
    with pytest.raises(TypeError, match="single string"):
        kind.fit("这家酒店")
    with pytest.raises(ValueError, match="0 distinct"):
        kind.fit([])
    with pytest.raises(ValueError, match="seen 99 times"):
        kind.fit(TEXTS, min_count=99)


def test_tokens_are_checked():
    with pytest.raises(ValueError, match="begin with"):
        CharTokenizer(["a", "b"])
    with pytest.raises(ValueError, match="distinct"):
        CharTokenizer(["<pad>", "<unk>", "a", "a"])
    with pytest.raises(NotImplementedError):
        Tokenizer(["<pad>", "<unk>"]).tokenize("a")


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '{"kind": "X", "tokens": [], "options": {}}', "\x80"],
)
def test_load_refuses_what_is_no_tokenizer(tmp_path, content):
    path = tmp_path / "tokenizer.json"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(ValueError, match="tokenizer"):
        Tokenizer.load(path)
    with pytest.raises(FileNotFoundError):
        Tokenizer.load(tmp_path / "nowhere.json")


@settings(max_examples=100, deadline=None)
@given(st.text(min_size=1))
def test_characters_are_decoded_exactly(text):
    tokenizer = CharTokenizer.fit([text])
    ids = tokenizer.encode(text)
    assert tokenizer.decode([*ids, PAD_ID]) == text
    assert PAD_ID not in ids
    assert UNKNOWN_ID not in ids
    assert (
        CharTokenizer.from_state(
            json.loads(json.dumps(tokenizer.state()))
        ).encode(text)
        == ids
    )


@settings(max_examples=50, deadline=None)
@given(st.text("酒店很好不差服务的 ，a1", max_size=40))
def test_words_lose_nothing_but_spaces(text):
    assert "".join(words(text)).replace(" ", "") == text.replace(" ", "")


def test_words_leave_no_file_behind(monkeypatch):
    from llmbook.text import tokenizers

    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        tokenizers._jieba.cache_clear()
        tokenizers._words.cache_clear()
        assert words("这家酒店很好") == ["这家", "酒店", "很", "好"]
        assert list(Path(folder).iterdir()) == []


def test_stop_words_are_compared_as_words():
    tokenizer = WordTokenizer.fit(TEXTS, stop_words=["很", "，"])
    assert tokenizer.tokenize("酒店很好，很新") == ["酒店", "好", "新"]
    assert "，" not in tokenizer.tokens


def test_views_by_hand():
    tokenizer = NgramTokenizer.fit(["酒店 很好"])
    assert tokenizer.views("酒店 很好") == [
        ["1:酒", "2:酒店", "3:^酒店", "word:酒店"],
        ["1:店", "2:店很", "3:酒店很", "word:酒店"],
        ["1:很", "2:很好", "3:店很好", "word:很"],
        ["1:好", "2:好$", "3:很好$", "word:好"],
    ]
    assert tokenizer.views("A") == [["1:a", "2:a$", "3:^a$", "word:a"]]


@settings(max_examples=50, deadline=None)
@given(st.text("酒店很好不差服务的 ，aB1", max_size=30))
def test_views_agree_with_each_other(text):
    tokenizer = NgramTokenizer.fit(["酒店很好", text])
    views = tokenizer.views(text)
    ids = tokenizer.encode(text)
    characters = text.lower().replace(" ", "")
    assert ids.shape == (len(characters), 4)
    assert ids.dtype == np.int32
    assert tokenizer.decode(ids) == characters if characters else ids.size == 0
    for i, (one, two, three, word) in enumerate(views):
        assert one == f"1:{characters[i]}"
        assert two[2] == characters[i]
        assert three[3] == characters[i]
        assert characters[i] in word[5:]


def test_pad_by_hand():
    assert pad([[5, 6, 7], [], [8]]).tolist() == [
        [5, 6, 7],
        [1, 0, 0],
        [8, 0, 0],
    ]
    assert pad([[5, 6, 7], [8]], length=2).tolist() == [[5, 6], [8, 0]]
    assert pad([[5, 6, 7], [8]], length=2, truncate="start").tolist() == [
        [6, 7],
        [8, 0],
    ]
    assert pad([[]]).tolist() == [[1]]


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.lists(st.integers(1, 9), max_size=6), min_size=1, max_size=5),
    st.integers(1, 8),
)
def test_pad_keeps_what_fits(sequences, length):
    ids = pad(sequences, length)
    assert ids.shape == (len(sequences), length)
    for row, sequence in zip(ids, sequences, strict=True):
        kept = sequence[:length] or [UNKNOWN_ID]
        assert row[: len(kept)].tolist() == kept
        assert (row[len(kept) :] == PAD_ID).all()


def test_pad_of_views():
    ids = pad(
        [np.array([[2, 3, 4, 5]]), np.zeros((0, 4), int), np.full((3, 4), 6)]
    )
    assert ids.shape == (3, 3, 4)
    assert ids[1].tolist() == [[1] * 4, [0] * 4, [0] * 4]
    assert ids[0].tolist() == [[2, 3, 4, 5], [0] * 4, [0] * 4]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([],), "at least one"),
        (([[1]], 0), "at least 1"),
        (([[1]], 3, "middle"), "'start' or 'end'"),
    ],
)
def test_pad_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        pad(*arguments)


@given(
    st.lists(st.sampled_from(["^", "$", "\\", "a"]), max_size=6),
    st.lists(st.sampled_from(["^", "$", "\\", "a"]), max_size=6),
)
def test_what_a_text_says_is_never_taken_for_its_edge(one, other):
    """Views differ wherever what stands around a place differs."""

    def around(text):
        places = [None, *text, "an edge"]
        return [tuple(places[i : i + 3]) for i in range(len(text))]

    tokenizer = NgramTokenizer(["<pad>", "<unk>"])
    views = [tokenizer.views("".join(text)) for text in (one, other)]
    seen = {}
    for text, found in zip((one, other), views, strict=True):
        for place, (_, bigram, trigram, _) in zip(
            around(text), found, strict=True
        ):
            assert seen.setdefault(trigram, place) == place
            assert seen.setdefault(bigram, place[1:]) == place[1:]


def test_edges_are_marked_as_ever_where_no_unit_looks_like_one():
    assert edged(["a", "b"]) == ["^", "a", "b", "$"]
    assert edged([]) == ["^", "$"]
    assert edged(["$", "\\^", "\\", "$5", "^^"]) == [
        *("^", "\\$", "\\\\^", "\\", "$5", "^^", "$")
    ]


def test_views_of_different_numbers_are_named():
    with pytest.raises(ValueError, match="sequences must be an array: its row"):
        pad([[[1], [2, 3]]])
