"""BPE against the algorithm as it is told, counted anew at every step, and the tokenizers library."""

import itertools
import json
import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Regex, models, pre_tokenizers, trainers
from tokenizers import Tokenizer as LibraryTokenizer

from llmbook.corpora.books import load_sanguo, load_web_bible
from llmbook.text.bpe import (
    PATTERN,
    BPETokenizer,
    Chain,
    count_pairs,
    learn_merges,
    merge_pair,
    split_words,
)
from llmbook.text.tokenizers import PAD, UNKNOWN, Tokenizer

# Few letters make many ties and many repeats of one letter: the cases that are easily got wrong.
TEXTS = st.lists(
    st.text(alphabet="aab ,\n玄德", min_size=1, max_size=30),
    min_size=1,
    max_size=6,
)


def library(texts, vocab_size, min_frequency=0):
    """Train the tokenizers library in the same way; return it and its merges."""
    tokenizer = LibraryTokenizer(models.BPE(unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(PATTERN), "isolated")
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=min_frequency,
        special_tokens=[PAD, UNKNOWN],
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    merges = json.loads(tokenizer.to_str())["model"]["merges"]
    return tokenizer, [tuple(pair) for pair in merges]


def recounted(texts, num_merges):
    """Algorithm 1 of Sennrich et al.: count all pairs, join the best everywhere, begin again."""
    words = [list(word) for text in texts for word in split_words(text)]
    age = sorted({character for word in words for character in word})
    merges = []
    while len(merges) < num_merges:
        pairs = Counter(
            pair for word in words for pair in itertools.pairwise(word)
        )
        if not pairs:
            break
        best = min(
            pairs,
            key=lambda pair: (
                -pairs[pair],
                age.index(pair[0]),
                age.index(pair[1]),
            ),
        )
        merges.append(best)
        age.append("".join(best))
        for word in words:
            for i in range(len(word) - 1):
                if tuple(word[i : i + 2]) == best:
                    word[i : i + 2] = ["".join(best)]
    return merges


def test_a_few_merges_by_hand():
    # low x 5, lower x 2, newest x 6, widest x 3, the example of Sennrich et al.: "es" occurs 9 times
    counts = {"low": 5, "lower": 2, "newest": 6, "widest": 3}
    assert learn_merges(counts, 4) == [
        ("e", "s"),
        ("es", "t"),
        ("l", "o"),
        ("lo", "w"),
    ]


def test_of_equally_frequent_pairs_the_one_of_older_tokens_is_joined():
    # Characters are older than what is made of them, in the order of their code points; the left token counts first.
    assert learn_merges({"zy": 1, "xz": 1, "xy": 1}, 3) == [
        ("x", "y"),
        ("x", "z"),
        ("z", "y"),
    ]
    # Once "xy" is made, "xyz" and "yab" hold four pairs that occur once each: the merged token comes last.
    assert learn_merges({"xy": 2, "xyz": 1, "yab": 1}, 4) == [
        ("x", "y"),
        ("a", "b"),
        ("y", "ab"),
        ("xy", "z"),
    ]


@settings(max_examples=80, deadline=None)
@given(TEXTS)
def test_no_token_is_made_twice(texts):
    """What stands between two edges of tokens is always cut in the same way."""
    made = [
        "".join(pair) for pair in BPETokenizer.fit(texts, num_merges=99).merges
    ]
    assert len(set(made)) == len(made)


def test_pairs_are_counted_with_the_words():
    assert count_pairs([("a", "b", "a", "b"), 2] for _ in "x") == {
        ("a", "b"): 4,
        ("b", "a"): 2,
    }


@pytest.mark.parametrize(
    ("word", "merged"),
    [
        ("aaa", ("aa", "a")),
        ("aaaa", ("aa", "aa")),
        ("baab", ("b", "aa", "b")),
        ("", ()),
    ],
)
def test_merging_goes_from_left_to_right(word, merged):
    assert merge_pair(word, ("a", "a"), "aa") == merged


@settings(max_examples=80, deadline=None)
@given(TEXTS, st.integers(0, 25))
def test_merges_are_those_of_the_algorithm_as_it_is_told(texts, num_merges):
    assert BPETokenizer.fit(texts, num_merges=num_merges).merges == recounted(
        texts, num_merges
    )


@settings(max_examples=80, deadline=None)
@given(TEXTS, st.integers(0, 25), st.text(alphabet="ab ,\n玄德z", max_size=40))
def test_merges_ids_and_encodings_are_those_of_the_library(
    texts, num_merges, text
):
    ours = BPETokenizer.fit(texts, num_merges=num_merges)
    theirs, merges = library(texts, len(ours))
    assert merges == ours.merges
    assert theirs.get_vocab() == ours.ids
    assert theirs.encode(text).ids == ours.encode(text)


@pytest.mark.parametrize("book", ["bible", "sanguo"])
def test_merges_of_a_book_are_those_of_the_library(book):
    texts = (
        [verse.text for verse in load_web_bible()[:6000]]
        if book == "bible"
        else load_sanguo()[:30]
    )
    ours = BPETokenizer.fit(texts, num_merges=500)
    theirs, merges = library(texts, len(ours))
    assert len(merges) == 500
    assert merges == ours.merges
    assert theirs.get_vocab() == ours.ids
    assert theirs.encode(texts[-1]).ids == ours.encode(texts[-1])
    assert ours.decode(ours.encode(texts[-1])) == texts[-1]


@settings(max_examples=60, deadline=None)
@given(TEXTS, st.integers(1, 4))
def test_rare_neighbours_are_left_apart_as_in_the_library(texts, min_count):
    ours = BPETokenizer.fit(texts, min_count=min_count)
    theirs, _ = library(texts, 1000, min_frequency=min_count)
    assert theirs.get_vocab() == ours.ids


@settings(max_examples=60, deadline=None)
@given(TEXTS, st.integers(0, 9), st.integers(0, 9))
def test_the_vocabulary_keeps_within_its_size(texts, room, num_merges):
    smallest = 2 + len(set("".join(texts)))
    ours = BPETokenizer.fit(texts, max_size=smallest + room)
    assert smallest <= len(ours) <= smallest + room
    assert ours.merges == BPETokenizer.fit(texts, num_merges=room).merges
    both = BPETokenizer.fit(
        texts, max_size=smallest + room, num_merges=num_merges
    )
    assert both.merges == ours.merges[:num_merges]
    with pytest.raises(
        ValueError, match=f"max_size must leave room for the {smallest - 2}"
    ):
        BPETokenizer.fit(texts, max_size=smallest - 1)


def joined_as_it_is_told(word, merges):
    """Look at all pairs, join the oldest one wherever it stands, begin again."""
    ranks = {pair: rank for rank, pair in enumerate(merges)}
    tokens = tuple(word)
    while ranks.keys() & set(itertools.pairwise(tokens)):
        pair = min(
            itertools.pairwise(tokens),
            key=lambda pair: ranks.get(pair, len(ranks)),
        )
        tokens = merge_pair(tokens, pair, "".join(pair))
    return tokens


@st.composite
def any_merges(draw):
    """Merges in any order, of tokens that were made in several ways."""
    made, merges = ["a", "b"], []
    for _ in range(draw(st.integers(0, 8))):
        pair = tuple(draw(st.sampled_from(made)) for _ in range(2))
        made.append("".join(pair))
        merges.append(pair)
    return draw(st.permutations(list(dict.fromkeys(merges))))


@settings(max_examples=300, deadline=None)
@given(any_merges(), st.text("ab", max_size=30))
def test_a_word_is_joined_as_the_algorithm_tells_it(merges, word):
    tokenizer = BPETokenizer([PAD, UNKNOWN], merges)
    expected = joined_as_it_is_told(word, merges)
    assert tokenizer.tokenize(word) == list(expected)


def test_a_book_without_separators_is_one_word_to_us_and_to_the_library():
    text = re.sub(r"[\W_]+", "", "".join(load_sanguo()[:3]))
    assert split_words(text) == [text]
    ours = BPETokenizer.fit([text], num_merges=400)
    theirs, merges = library([text], len(ours))
    assert merges == ours.merges
    assert theirs.encode(text).ids == ours.encode(text)
    start = text[:1500]
    assert ours.tokenize(start) == list(
        joined_as_it_is_told(start, ours.merges)
    )


@given(st.lists(st.text("abc", min_size=1, max_size=5), max_size=4), st.data())
def test_a_chain_joins_within_words_alone(words, data):
    chain, expected = Chain(words), [list(word) for word in words]
    for _ in range(data.draw(st.integers(0, 6))):
        places = [p for p in range(len(chain.tokens)) if chain.pair(p)]
        if places:
            place = data.draw(st.sampled_from(places))
            before = "".join(chain.tokens[:place])  # its letters tell where
            chain.join(place)
            left = len(before)
            for word in expected:
                size = len("".join(word))
                if left < size:
                    index = [
                        len("".join(word[:i])) for i in range(len(word))
                    ].index(left)
                    word[index : index + 2] = ["".join(word[index : index + 2])]
                    break
                left -= size
    assert [t for t in chain.tokens if t] == [t for w in expected for t in w]
    assert chain.pair(-1) is None


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=60))
def test_cutting_loses_nothing(text):
    assert "".join(split_words(text)) == text
    assert (
        "".join(BPETokenizer.fit(["abc ab"], num_merges=3).tokenize(text))
        == text
    )


@settings(max_examples=50, deadline=None)
@given(TEXTS, st.integers(0, 25))
def test_what_was_trained_on_comes_back_whole(texts, num_merges):
    tokenizer = BPETokenizer.fit(texts, num_merges=num_merges)
    for text in texts:
        assert tokenizer.decode(tokenizer.encode(text)) == text


def test_a_character_never_seen_is_unknown():
    tokenizer = BPETokenizer.fit(["ab ab"], num_merges=1)
    assert tokenizer.decode(tokenizer.encode("abz")) == "ab<unk>"


def test_it_comes_back_from_a_file(tmp_path):
    tokenizer = BPETokenizer.fit(["玄德玄德 ab ab abc"], num_merges=3)
    tokenizer.save(tmp_path / "bpe.json")
    again = Tokenizer.load(tmp_path / "bpe.json")
    assert isinstance(again, BPETokenizer)
    assert (again.tokens, again.merges) == (tokenizer.tokens, tokenizer.merges)
    assert again.encode("玄德 abc") == tokenizer.encode("玄德 abc")


def test_bad_input_is_named():
    with pytest.raises(TypeError, match="texts must be a list of strings"):
        BPETokenizer.fit("ab", num_merges=1)
    with pytest.raises(
        ValueError, match="num_merges must be at least 0, got -1"
    ):
        BPETokenizer.fit(["ab"], num_merges=-1)
    with pytest.raises(ValueError, match="at least one character, got none"):
        BPETokenizer.fit([""], num_merges=1)
