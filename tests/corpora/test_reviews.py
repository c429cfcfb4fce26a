import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmbook.corpora.reviews import (
    Reviews,
    clean,
    key,
    load_reviews,
    packaged_rows,
    split,
)


def silent(_):
    pass


@pytest.fixture(scope="module")
def reviews():
    return load_reviews(report=silent)


def write(tmp_path, text, name="mine.csv", encoding="utf-8"):
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    return path


def test_packaged_reviews_are_counted(reviews, capsys):
    assert len(packaged_rows()) == 35_124
    assert np.bincount(reviews.labels).tolist() == [9019, 8301]
    load_reviews()
    numbers = [
        int(n.replace(",", ""))
        for n in re.findall(r"[\d,]*\d", capsys.readouterr().out)
    ]
    read, *dropped, kept = numbers
    assert read == 35_124
    assert kept == 17_320
    assert sum(dropped) == read - kept


def test_packaged_reviews_hold_no_text_twice(reviews):
    assert len({key(text) for text in reviews.texts}) == len(reviews.texts)


def test_the_packages_pickle_is_never_opened(monkeypatch):
    import pickle

    monkeypatch.setattr(
        pickle, "load", lambda *_: pytest.fail("a pickle was opened")
    )
    monkeypatch.setattr(
        pickle, "loads", lambda *_: pytest.fail("a pickle was opened")
    )
    load_reviews(report=silent)


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr("llmbook.packages.find_spec", lambda _: None)
    with pytest.raises(FileNotFoundError, match=r"requirements-data\.txt"):
        load_reviews()


@pytest.mark.parametrize(
    ("name", "delimiter", "text"),
    [
        ("a.csv", ",", '"好，,\t很好"'),
        ("a.TSV", "\t", "好，, 很好"),
        ("a.tsv", "\t", "好，, 很好"),
    ],
)
def test_own_file(tmp_path, name, delimiter, text):
    rows = [
        ["label", "id", "text"],
        ["1", "7", text],
        ["neg", "8", "  很 差 "],
        [" POS", "9", "ｏｋ"],
    ]
    path = write(tmp_path, "\n".join(delimiter.join(row) for row in rows), name)
    texts, labels = load_reviews(path, report=silent)
    assert texts == ["好,, 很好", "很 差", "ok"]
    assert labels.tolist() == [1, 0, 1]


def test_byte_order_mark_and_windows_line_ends(tmp_path):
    path = write(tmp_path, "\ufefftext,label\r\n好,1\r\n差,0\r\n")
    assert load_reviews(str(path), report=silent).texts == ["好", "差"]


def test_every_dropped_row_is_counted(tmp_path):
    path = write(
        tmp_path,
        "text,label\n好,1\n好!,1\n好。,1\n差,0\n差,1\n差,0\n，。,0\n '',1\n行,1\n",
    )
    messages = []
    reviews = load_reviews(path, report=messages.append)
    assert reviews.texts == ["好", "行"]
    assert messages == [
        "9 rows read; dropped: 2 without a letter or digit, 2 repeats, 3 of texts under both labels; 2 kept."
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("text,stars\n好,1\n", "lacks \\['label'\\]"),
        ("", "lacks \\['text', 'label'\\]"),
        ("text,label\n", "at least one usable"),
        ("text,label\n。,1\n", "at least one usable"),
        ("text,label\n好,1\n行,2\n", "line 3: label must be one of .* got '2'"),
        ("text,label\n好,1,x\n", "line 2: a row must have 2 fields.* got 3"),
        ("text,label\n好\n", "line 2: a row must have 2 fields.* got 1"),
        ('text,label\n"好,1\n', "line 2: the quotes of a row must match"),
    ],
)
def test_bad_content_is_refused_with_its_place(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        load_reviews(write(tmp_path, text), report=silent)


def test_another_encoding_is_refused(tmp_path):
    with pytest.raises(ValueError, match="UTF-8"):
        load_reviews(write(tmp_path, "text,label\n很好,1\n", encoding="gbk"))


def test_missing_file_and_unknown_kind(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        load_reviews(tmp_path / "nowhere.csv")
    with pytest.raises(ValueError, match=r"\.xlsx"):
        load_reviews(tmp_path / "book.xlsx")


rows = st.lists(
    st.tuples(st.text("ab！ ", max_size=3), st.integers(0, 1)), max_size=30
)


@settings(max_examples=100, deadline=None)
@given(rows)
def test_clean_loses_no_row_silently_and_is_idempotent(rows):
    texts, labels, dropped = clean(rows)
    assert len(texts) == len(labels)
    assert len(texts) + sum(dropped.values()) == len(rows)
    found = {}
    for text, label in rows:
        found.setdefault(key(text), set()).add(label)
    assert {key(t): {y} for t, y in zip(texts, labels, strict=True)} == {
        k: s for k, s in found.items() if k and len(s) == 1
    }
    again = clean(list(zip(texts, labels.tolist(), strict=True)))
    assert again[0] == texts
    assert again[1].tolist() == labels.tolist()
    assert sum(again[2].values()) == 0


def test_split_of_the_packaged_reviews(reviews):
    parts = split(reviews)
    assert [len(part.texts) for part in parts] == [13_856, 1_732, 1_732]
    share = reviews.labels.mean()
    assert all(abs(part.labels.mean() - share) < 1e-3 for part in parts)
    assert sorted(t for part in parts for t in part.texts) == sorted(
        reviews.texts
    )
    label = dict(zip(reviews.texts, reviews.labels, strict=True))
    assert all(
        label[t] == y
        for part in parts
        for t, y in zip(part.texts, part.labels, strict=True)
    )


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.integers(0, 40), min_size=1, max_size=60), st.integers(0, 100)
)
def test_split_never_shares_a_text(numbers, seed):
    texts = [f"text {n}" for n in [*range(41), *numbers]]
    labels = np.array([n % 2 for n in [*range(41), *numbers]])
    parts = split(Reviews(texts, labels), (0.6, 0.2, 0.2), seed)
    keys = [{key(t) for t in part.texts} for part in parts]
    assert keys[0].isdisjoint(keys[1] | keys[2])
    assert keys[1].isdisjoint(keys[2])
    assert sum(len(part.texts) for part in parts) == len(texts)
    again = split(Reviews(texts, labels), (0.6, 0.2, 0.2), seed)
    assert [p.texts for p in again] == [p.texts for p in parts]


def test_split_by_another_seed_differs(reviews):
    assert split(reviews, seed=0)[2].texts != split(reviews, seed=1)[2].texts


@pytest.mark.parametrize(
    ("fractions", "message"),
    [
        ((0.5, 0.4), "sum to 1"),
        ((1.2, -0.2), "positive"),
        ((0.5, 0.5), "more texts"),
    ],
)
def test_split_refuses(fractions, message):
    with pytest.raises(ValueError, match=message):
        split(Reviews(["a", "b", "c"], np.array([0, 0, 1])), fractions)


def test_labels_may_be_a_list():
    texts, labels = [f"text {i}" for i in range(20)], [0, 1] * 10
    expected = split(Reviews(texts, np.array(labels)))
    for found, part in zip(
        split(Reviews(texts, labels)), expected, strict=True
    ):
        assert found.texts == part.texts
        assert found.labels.tolist() == part.labels.tolist()


def test_split_refuses_unequal_lengths():
    with pytest.raises(ValueError, match="2 texts, 1 labels"):
        split(Reviews(["a", "b"], np.array([0])))
