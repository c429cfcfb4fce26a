"""Letters, marks, digits, emoji and signs of every script, through everything that cuts or compares texts."""

import re
import string
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer

from llmbook.corpora import facts, hsk, reviews
from llmbook.corpora.roles import real
from llmbook.measures import answers, ranking, summaries
from llmbook.text import bpe, english
from llmbook.text.tokenizers import _jieba, words
from llmbook.text.writing import ONE, SYMBOL, between_spaces, pattern

# A few letters with their marks of each of many scripts, and words of them.
SPACED = {
    "Latin": "abçéñßž",
    "decomposed Latin": ["e\u0301", "n\u0303", "o\u0308", "a"],
    "Cyrillic": "привеё",
    "Greek": "αβγώς",
    "Arabic": ["م", "رَ", "حِ", "ب", "ا"],
    "Hebrew": ["ש", "לֹ", "ו", "ם"],
    "Devanagari": ["मौ", "स", "अ", "च्छा", "है"],
    "Tamil": ["வ", "ண", "க்", "கம்"],
    "Hangul": "호텔방깨",
    "Armenian": "բարև",
    "Persian with a non-joiner": ["می\u200c", "خو", "اهم"],
}
UNSPACED = {
    "Chinese": "酒店很干净",
    "Japanese": "ホテルのへや",
    "Thai": ["ส", "วั", "ดี", "ค", "รั"],
    "Khmer": ["ស", "ណ្ឋា", "គា"],
}
EMOJI = ["👍", "👎🏽", "❤️", "👨‍👩‍👧", "🇨🇳", "★", "☹", "€", "→"]

spaced_words = st.sampled_from(list(SPACED.values())).flatmap(
    lambda letters: st.lists(
        st.sampled_from(list(letters)), min_size=1, max_size=6
    ).map("".join)
)
some_text = st.one_of(
    st.text(max_size=30),
    st.lists(
        st.one_of(
            spaced_words,
            st.sampled_from(EMOJI),
            st.sampled_from([c for s in UNSPACED.values() for c in s]),
            st.sampled_from(list("!?,.'- _")),
        ),
        max_size=12,
    ).map(" ".join),
)

# Each cuts a text, and may leave out nothing but white space.
CUTTERS = {
    "English": english.words,
    "merges": bpe.split_words,
    "facts": facts.tokenize,
    "roles": real.tokenise,
    "translation": hsk.english_tokens,
    "jieba": words,
}
cutters = pytest.mark.parametrize("cut", CUTTERS.values(), ids=list(CUTTERS))


def bare(text):
    """A text without white space, an apostrophe as the translations write it."""
    return "".join(text.replace("’", "'").lower().split())


@cutters
@settings(max_examples=100, deadline=None)
@given(text=some_text)
def test_cutting_leaves_out_nothing_but_spaces(cut, text):
    assert bare("".join(cut(text))) == bare(text)


@cutters
@settings(max_examples=60, deadline=None)
@given(listed=st.lists(spaced_words, min_size=1, max_size=4))
def test_a_word_of_any_script_is_one_token(cut, listed):
    tokens = [token.strip() for token in cut(" ".join(listed))]
    if cut in (words, hsk.english_tokens, english.words):  # by letters alone
        assert [bare(token) for token in tokens if token] == list(
            map(bare, listed)
        )
    assert set(map(bare, listed)) <= set(map(bare, tokens))


@cutters
@pytest.mark.parametrize("emoji", EMOJI)
def test_an_emoji_is_one_token_with_all_that_belongs_to_it(cut, emoji):
    assert emoji in [token.strip() for token in cut(f"good {emoji}")]


@pytest.mark.parametrize("text", ["a\x1fb", "a\x1cb c", "\x1f"])
@cutters
def test_what_python_takes_for_a_space_is_one(cut, text):
    kept = "".join(cut(text))
    assert bare(kept) == bare(text)


# --- as before, where it was right ------------------------------------------

ascii_text = st.text(alphabet=string.printable, max_size=40)


@settings(max_examples=300, deadline=None)
@given(text=ascii_text)
def test_english_is_cut_as_letters_a_to_z_would_have_it(text):
    assert english.words(text) == re.findall(
        r"[^\W_]+(?:['-][^\W_]+)*|[^\w\s]+|_+", text
    )
    assert facts.tokenize(text) == re.findall(r"\w+|[^\w\s]", text)
    assert real.tokenise(text) == re.findall(r"\w+(?:['-]\w+)*|[^\w\s]", text)
    assert hsk.english_tokens(text) == re.findall(
        r"[a-z]+(?:'[a-z]+)?|\d|[^\sa-z\d]", text.lower()
    )
    # the separators of old files are white space to Python, not to tokenizers
    if not re.search("[\x1c-\x1f]", text):
        assert bpe.split_words(text) == re.findall(
            r" ?\w+| ?[^\w\s]+|\s+", text
        )


@settings(max_examples=300, deadline=None)
@given(text=ascii_text)
def test_names_of_code_fall_into_the_parts_that_capitals_mark(text):
    parts = r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+"
    expected = []
    for piece in re.findall(r"[A-Za-z_]\w*|\d+|[^\s\w]", text):
        is_word = piece[0].isalnum() or piece[0] == "_"
        expected += re.findall(parts, piece) if is_word else [piece]
    assert summaries.tokens(text) == [part.lower() for part in expected]
    without_numbers = re.sub(r"\d", "", text)
    assert ranking.terms(without_numbers) == [
        ranking.stem(part.lower())
        for part in re.findall(parts, without_numbers)
        if part.lower() not in ranking.STOPWORDS_EN
    ]


@settings(max_examples=200, deadline=None)
@given(text=st.text("酒店房间很干净，。 \nab1.-%", max_size=30))
def test_chinese_and_english_are_cut_as_jieba_cuts_them(text):
    assert words(text) == [
        word for word in _jieba().lcut(text) if not word.isspace()
    ]
    assert words(text, search=True) == [
        word for word in _jieba().lcut_for_search(text) if not word.isspace()
    ]


@settings(max_examples=200, deadline=None)
@given(ascii_text, ascii_text)
def test_rouge_of_english_is_that_of_the_library(one, other):
    if not one.split() or not other.split():
        return
    ours = summaries.rouge([one.split()], [other.split()])
    theirs = RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=True)
    found = theirs.score(" ".join(other.split()), " ".join(one.split()))
    assert ours == tuple(
        found[name].fmeasure for name in ("rouge1", "rouge2", "rougeL")
    )


@given(st.text(string.ascii_letters + "  \n,.", max_size=40))
def test_words_are_counted_by_their_spaces(text):
    assert between_spaces(text) == text.split()


# --- terms, scores and keys -------------------------------------------------

scripts = pytest.mark.parametrize(
    "letters", [*SPACED.values(), *UNSPACED.values()], ids=[*SPACED, *UNSPACED]
)


@scripts
def test_documents_of_any_script_are_found(letters):
    letters = list(letters)
    word = "".join(letters)
    ranker = ranking.BM25([f"xyz {word} abcd", "nothing of that"])
    found, nothing = ranker.scores([word])[0]
    assert found > 0 == nothing


@scripts
def test_equal_words_of_any_script_have_a_rouge_of_one(letters):
    listed = ["".join(letters), "xyz"]
    assert summaries.rouge([listed], [listed]) == (1, 1, 1)
    assert summaries.rouge([["".join(letters)]], [["xyz"]]).rouge1 == 0


@pytest.mark.parametrize("emoji", EMOJI)
def test_emoji_are_found_scored_and_kept(emoji):
    assert ranking.terms(f"the {emoji}") == [emoji]
    assert summaries.tokens(f"the {emoji}") == ["the", emoji]
    assert summaries.rouge([[emoji]], [[emoji]]).rouge1 == 1
    assert reviews.is_worded(emoji)


@settings(max_examples=100, deadline=None)
@given(spaced_words)
def test_composed_and_decomposed_letters_are_the_same(word):
    forms = [unicodedata.normalize(form, word) for form in ("NFC", "NFD")]
    for function in (reviews.key, ranking.terms, summaries.tokens):
        assert function(forms[0]) == function(forms[1])
    assert answers.exact(*forms)
    assert answers.overlap_f1(*forms) == 1
    assert summaries.rouge([forms[:1]], [forms[1:]]).rouge1 == 1


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("café naïve", ["cafe", "naiv"]),
        ("résumés", ["resum"]),
        ("version 1.5, not 15", ["version", "1.5", "15"]),
        ("from -1 to +1", ["from", "-1", "+1"]),
        ("x-1 2019-05-01", ["x", "1", "2019", "05", "01"]),
        ("ПриветМир", ["привет", "мир"]),
        ("注意力机制", ["注意", "注意力", "机制"]),
        ("", []),
    ],
)
def test_terms_by_hand(text, terms):
    without_stop_words = [t for t in terms if t not in ranking.STOPWORDS_EN]
    assert ranking.terms(text) == without_stop_words


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("服务👍", "服务👎"),
        ("service 👍🏻", "service 👎🏻"),
        ("food :)", "food :("),
        ("food:-)", "food:-("),
        ("so <3", "so </3"),
        ("^_^", "T_T"),
        ("评分 1.5", "评分 15"),
        ("1,5", "15"),
        ("+1 star", "-1 star"),
        ("1 star", "-1 star"),
        ("5/5", "55"),
        ("9:30", "930"),
        ("50% off", "50 off"),
        ("★★★★★", "★"),
        ("5 > 3", "5 < 3"),
        ("a $5 meal", "a €5 meal"),
        ("क", "की"),
        ("résumé", "resume"),
        ("C++", "C"),
        ("C#", "C"),
        ("food :\u2011)", "food :\u2011("),
        ("1٫5", "15"),
        ("1·5", "15"),
        ("10–15", "1015"),
        (".5", "5"),
        ("-.5", ".5"),
        ("5‰", "5"),
        ("٥٪", "٥"),
    ],
)
def test_texts_that_say_different_things_have_different_keys(one, other):
    assert reviews.key(one) != reviews.key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Good!", "good"),
        ("good - really", "good, really..."),
        ("很好~", "“很好”。"),
        ("STRASSE", "straße"),
        ("ＯＫ", "ok"),
        ("e\u0301", "é"),
        ("❤️", "❤"),
        ("so_so", "so so"),
    ],
)
def test_texts_that_say_the_same_have_one_key(one, other):
    assert reviews.key(one) == reviews.key(other)


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("一二三四。五六七！八九十？", ["一二三四。", "五六七！", "八九十？"]),
        ("Привет мир мой. Как дела мир?", ["Привет мир мой.", "Как дела мир?"]),
        ("no. One two three. go", ["One two three."]),
        ("no", ["no"]),
    ],
)
def test_sentences_of_any_script(body, found):
    assert summaries.sentences(body) == found


@given(some_text)
def test_characters_as_they_are_seen_make_up_the_text(text):
    assert "".join(pattern(ONE).findall(text)) == re.sub(r"\s", "", text)


def test_the_signs_of_keyboards_are_no_symbols():
    assert pattern(SYMBOL).findall("a+b=c<d>e|f~g^h`i$") == []
