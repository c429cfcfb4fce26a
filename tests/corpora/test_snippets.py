import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmbook.corpora.reviews import key, split
from llmbook.corpora.snippets import (
    Aspect,
    Snippets,
    classes,
    clean,
    load_aspects,
    load_snippets,
)

ASPECTS = "data/product_aspects.tsv"


def silent(_):
    pass


def write(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "mine.txt"
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize(
    ("source", "read", "counts"),
    [
        ("movies", 10_605, [5060, 562, 4981]),
        ("amazon", 3_708, [1214, 761, 1712]),
        ("tweets", 4_200, [987, 838, 2225]),
        ("news", 5_190, [1662, 2371, 1085]),
    ],
)
def test_packaged_snippets_are_counted(source, read, counts):
    messages = []
    snippets = load_snippets(source, report=messages.append)
    numbers = [
        int(n.replace(",", "")) for n in re.findall(r"[\d,]*\d", messages[0])
    ]
    assert numbers[0] == read
    assert sum(numbers[1:]) == read
    assert np.bincount(snippets.labels).tolist() == counts
    assert len({key(text) for text in snippets.texts}) == len(snippets.texts)
    assert np.abs(snippets.valence).max() <= 4
    assert not any(re.search("&#?[a-z0-9]+;", text) for text in snippets.texts)


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr("llmbook.packages.find_spec", lambda _: None)
    with pytest.raises(FileNotFoundError, match=r"requirements-data\.txt"):
        load_snippets()


def test_own_file_is_cleaned_and_counted(tmp_path):
    rows = [
        "1\t2\tGood &amp; cheap",
        "2\t1\tgood & cheap!",
        "3\t-3\tnot  good",
        "4\t0\t...",
    ]
    rows += ["5\t2\tso so", "6\t-2\tSo so.", '7\t-0.5\tthe "end']
    path = write(tmp_path, "\ufeffid\tsentiment\ttext\r\n" + "\r\n".join(rows))
    messages = []
    snippets = load_snippets(path=path, report=messages.append)
    assert snippets.texts == ["Good & cheap", "not good", 'the "end']
    assert snippets.valence.tolist() == [1.5, -3, -0.5]
    assert snippets.labels.tolist() == [2, 0, 1]
    assert (
        "1 without a letter or digit, 1 repeats, 2 of contradictory texts; 3 kept"
        in messages[0]
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "header"),
        ("id,sentiment,text\n", "header"),
        ("id\tsentiment\ttext\n", "at least one usable"),
        ("id\tsentiment\ttext\n1\t0\t!?\n", "at least one usable"),
        (
            "id\tsentiment\ttext\n1\t0\ta\n2\t0\n",
            "line 3: a row must have 3 fields, .*got 2",
        ),
        (
            "id\tsentiment\ttext\n1\t0\ta\tb\n",
            "line 2: a row must have 3 fields, .*got 4",
        ),
        (
            "id\tsentiment\ttext\n1\tgood\ta\n",
            "line 2: sentiment must be a number .* got 'good'",
        ),
        (
            "id\tsentiment\ttext\n1\t4.5\ta\n",
            "line 2: sentiment must be a number from -4 to 4",
        ),
        (
            "id\tsentiment\ttext\n1\tnan\ta\n",
            "line 2: sentiment must be a number",
        ),
    ],
)
def test_a_broken_file_is_refused_with_its_place(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        load_snippets(path=write(tmp_path, text), report=silent)


def test_other_encodings_missing_files_and_sources_are_refused(tmp_path):
    text = "id\tsentiment\ttext\n1\t1\tcafé\n"
    with pytest.raises(ValueError, match="UTF-8"):
        load_snippets(path=write(tmp_path, text, "latin-1"), report=silent)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        load_snippets(path=tmp_path / "nowhere.txt")
    with pytest.raises(ValueError, match="'books'"):
        load_snippets("books")


rows = st.lists(
    st.tuples(st.text("ab! ", max_size=3), st.sampled_from([-2, 0, 0.5, 3])),
    max_size=20,
)


@settings(max_examples=60, deadline=None)
@given(rows)
def test_clean_loses_no_row_silently(rows):
    snippets, dropped = clean(rows)
    assert len(snippets.texts) == len(snippets.valence)
    assert len(snippets.texts) + sum(dropped.values()) == len(rows)
    for text, valence in zip(*snippets, strict=True):
        same = [v for t, v in rows if key(t) == key(text)]
        assert valence == pytest.approx(np.mean(same))
        assert not (min(same) < -0.5 and max(same) > 0.5)


def test_classes_leave_the_margin_to_neutral():
    assert classes([-4, -0.6, -0.5, 0, 0.5, 0.6]).tolist() == [0, 0, 1, 1, 1, 2]
    assert classes([-0.6, 0.6], margin=1).tolist() == [1, 1]


def test_snippets_are_split_as_reviews_are_and_keep_their_valence():
    valence = np.tile([-2.0, 0.0, 3.0], 20)
    snippets = Snippets([f"text {i}" for i in range(60)], valence)
    parts = split(snippets, (0.5, 0.5))
    assert [np.bincount(part.labels).tolist() for part in parts] == [
        [10, 10, 10],
        [10, 10, 10],
    ]
    known = dict(zip(*snippets, strict=True))
    assert all(
        known[t] == v for part in parts for t, v in zip(*part, strict=True)
    )
    reviews = parts[0].polar()
    assert [known[t] > 0 for t in reviews.texts] == reviews.labels.astype(
        bool
    ).tolist()
    assert len(reviews.texts) == 20


def test_the_annotated_aspects_stand_in_the_product_reviews(pytestconfig):
    aspects = load_aspects(pytestconfig.rootpath / ASPECTS)
    products = set(load_snippets("amazon", report=silent).texts)
    assert {aspect.text for aspect in aspects} <= products
    assert len(set(aspects)) == len(aspects) == 73
    sides: dict = {}
    for aspect in aspects:
        sides.setdefault(aspect.text, set()).add(aspect.label)
    assert all(found == {0, 1} for found in sides.values()), (
        "each sentence has two sides"
    )


def test_own_aspects(tmp_path):
    path = write(
        tmp_path, "text\taspect\tsentiment\ngood screen\tscreen\tpositive\n"
    )
    assert load_aspects(path) == [Aspect("good screen", "screen", 1)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\tb\tc\n", "header"),
        ("text\taspect\tsentiment\n", "at least one aspect"),
        (
            "text\taspect\tsentiment\ngood\tscreen\tpositive\n",
            "line 2: aspect must be a part",
        ),
        (
            "text\taspect\tsentiment\ngood\t\tpositive\n",
            "line 2: aspect must be a part",
        ),
        (
            "text\taspect\tsentiment\ngood\tgood\tfine\n",
            "line 2: sentiment must be .* got 'fine'",
        ),
        (
            "text\taspect\tsentiment\ngood\tgood\n",
            "line 2: a row must have 3 fields",
        ),
    ],
)
def test_broken_aspects_are_refused_with_their_place(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        load_aspects(write(tmp_path, text))


def test_missing_aspects_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        load_aspects(tmp_path / "nowhere.tsv")
