import json
import os
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmbook.corpora.hsk import (
    Sentence,
    english_tokens,
    glossed_tokens,
    load_sentences,
    senses,
    split,
)
from llmbook.measures.translation import (
    gloss_translation,
    learned_dictionary,
    nearest,
    scores,
)

few = settings(max_examples=25, deadline=None)
ENTRY = {
    "chinese": "他走了。",
    "translation": {"en": "He left."},
    "tokens": [
        {"word": "他", "gloss_en": "(third person) he; him"},
        {"word": "走", "gloss_en": "to walk; to go/to leave"},
        {"word": "了", "gloss_en": ""},
    ],
}


def stored(tmp_path, content):
    path = tmp_path / "sentences.json"
    path.write_text(
        content if isinstance(content, str) else json.dumps(content),
        encoding="utf-8",
    )
    return path


# --- The sentences --------------------------------------------------------------------------------


def test_the_packaged_sentences_are_read_and_cleaned():
    said = []
    sentences = load_sentences(report=said.append)
    assert len(sentences) > 4200
    assert "kept" in said[0]
    assert len({sentence.chinese for sentence in sentences}) == len(sentences)
    assert not [s for s in sentences if "placeholder" in s.english.lower()]
    assert all(
        "".join(s.words) in "".join(filter(str.isalnum, s.chinese))
        for s in sentences[:50]
    )


def test_placeholders_chinese_translations_and_repeats_are_dropped(tmp_path):
    entries = [
        ENTRY,
        ENTRY | {"chinese": "他走了！", "translation": {"en": "He has left!"}},
        ENTRY | {"chinese": "好", "translation": {"en": "placeholder-p1"}},
        ENTRY | {"chinese": "近", "translation": {"en": "It is 近."}},
    ]
    said = []
    sentences = load_sentences(stored(tmp_path, entries), said.append)
    assert [sentence.english for sentence in sentences] == ["He left."]
    assert said == [
        "4 sentences read; dropped: 2 without a translation, 1 repeats; 1 kept."
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "must hold JSON"),
        ("{}", "must hold a list"),
        ([1], "entry 0"),
        ([ENTRY, {"chinese": "好"}], "entry 1.*tokens"),
        ([ENTRY | {"tokens": [{"word": "他"}]}], "entry 0.*gloss_en"),
        ([ENTRY | {"chinese": None}], "entry 0: every field must be a string"),
    ],
)
def test_a_broken_file_is_refused_and_the_place_named(
    tmp_path, content, message
):
    with pytest.raises(ValueError, match=message):
        load_sentences(stored(tmp_path, content))


def test_a_file_that_is_not_there_or_not_text_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        load_sentences(tmp_path / "nowhere.json")
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match=r"bytes\.json"):
        load_sentences(tmp_path / "bytes.json")


def test_no_held_out_translation_stands_in_training():
    sentences = [
        Sentence(str(i), f"E{i % 30}", [str(i)], [""]) for i in range(60)
    ]
    training, validation, test = split(sentences, 10, 10)
    known = {sentence.english for sentence in training}
    assert len(training) == 40
    assert not known & {sentence.english for sentence in validation + test}
    assert split(sentences, 10, 10, seed=8)[0] != training
    with pytest.raises(ValueError, match="leave some of 60"):
        split(sentences, 30, 30)


def test_glosses_become_short_senses_and_tokens():
    sentence = Sentence(
        "他走了。",
        "He left.",
        ["他", "走", "了"],
        [t["gloss_en"] for t in ENTRY["tokens"]],
    )
    assert senses(sentence.glosses[1]) == ["walk", "go", "leave"]
    assert senses("(archaic) 𠮷 [ji2]") == []
    tokens, owner = glossed_tokens(sentence)
    assert tokens == ["他", "he", "him", "走", "walk", "go", "了"]
    assert owner == [0, 0, 0, 1, 1, 1, 2]
    assert gloss_translation(sentence) == "he walk ."
    assert english_tokens("Don’t pay $12!") == [
        "don't",
        "pay",
        "$",
        "1",
        "2",
        "!",
    ]


# --- Scores and baselines -------------------------------------------------------------------------


def bleu_by_hand(hypotheses, references):
    matched, total = Counter(), Counter()
    for hypothesis, reference in zip(hypotheses, references, strict=True):
        for n in range(1, 5):
            h, r = (
                Counter(
                    tuple(x.split()[i : i + n])
                    for i in range(len(x.split()) - n + 1)
                )
                for x in (hypothesis, reference)
            )
            matched[n] += (h & r).total()
            total[n] += h.total()
    length_h, length_r = (
        sum(len(x.split()) for x in xs) for xs in (hypotheses, references)
    )
    precision = np.prod([matched[n] / total[n] for n in range(1, 5)]) ** 0.25
    return 100 * precision * min(1, np.exp(1 - length_r / length_h))


@pytest.mark.equation("eq-bleu")
@given(
    st.lists(
        st.lists(st.sampled_from("ab"), min_size=6, max_size=9),
        min_size=2,
        max_size=4,
    )
)
@few
def test_bleu_is_what_its_formula_says(texts):
    references = [" ".join(text) for text in texts]
    hypotheses = [" ".join(text[:-1]) for text in texts]
    assert np.isclose(
        scores(hypotheses, references).bleu,
        bleu_by_hand(hypotheses, references),
    )


@pytest.mark.equation("eq-chrf")
@given(
    *[st.lists(st.sampled_from(["abc", "abd", "cab"]), min_size=3, max_size=5)]
    * 2
)
@few
def test_chrf_is_what_its_formula_says(hypothesis, reference):
    precisions, recalls = [], []
    for n in range(1, 7):
        h, r = (
            Counter(
                "".join(words)[i : i + n]
                for i in range(len("".join(words)) - n + 1)
            )
            for words in (hypothesis, reference)
        )
        precisions.append((h & r).total() / h.total())
        recalls.append((h & r).total() / r.total())
    p, r = np.mean(precisions), np.mean(recalls)
    expected = 100 * 5 * p * r / (4 * p + r) if p + r else 0
    assert np.isclose(
        scores([" ".join(hypothesis)], [" ".join(reference)]).chrf, expected
    )


@pytest.mark.equation("eq-exact")
def test_independent_tokens_are_all_right_as_often_as_the_power_says():
    rng = np.random.default_rng(0)
    for p, length in [(0.95, 10), (0.8, 3)]:
        right = rng.random((40_000, length)) < p
        assert abs(right.all(axis=1).mean() - p**length) < 0.01


def test_scores_know_right_from_wrong():
    assert scores(["A b c d"], ["a b c d"]) == (
        pytest.approx(100),
        pytest.approx(100),
        1.0,
    )
    wrong = scores(["x y z w"], ["a b c d"])
    assert wrong.exact == 0
    assert wrong.chrf < 1
    with pytest.raises(ValueError, match="references"):
        scores([], [])


def test_the_nearest_text_shares_the_most():
    assert nearest(["abcd", "zz"], ["zzz", "abce", "xy"]).tolist() == [1, 0]


def test_a_dictionary_is_learned_from_what_stands_together():
    pairs = [
        (["猫", "大"], ["big", "cat"]),
        (["猫"], ["cat"]),
        (["大", "狗"], ["big", "dog"]),
    ]
    assert learned_dictionary(pairs) == {"猫": "cat", "大": "big", "狗": "dog"}


def test_of_equally_exclusive_tokens_the_first_is_taken():
    assert learned_dictionary([(["韩", "元"], [" South", " won"])]) == {
        "韩": " South",
        "元": " South",
    }
    assert learned_dictionary([(["元"], ["b", "a", "b"])]) == {"元": "b"}


@pytest.mark.parametrize("seed", ["1", "2", "3"])
def test_the_dictionary_is_the_same_under_every_hash_seed(seed):
    pairs = [(list("韩国元人民币"), ["South", "Korean", "won", "Chinese"])]
    program = (
        "from llmbook.measures.translation import learned_dictionary\n"
        f"print(ascii(learned_dictionary({pairs!r})))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        check=True,
    )
    assert run.stdout.decode().strip() == ascii(learned_dictionary(pairs))
