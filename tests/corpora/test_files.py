"""Every reader of files against one table of odd files: they agree, and what they cannot read they say, and where."""

import csv
import gzip
import json
import re
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmbook.corpora import (
    books,
    docstrings,
    hsk,
    lexicon,
    reviews,
    sections,
    snippets,
)
from llmbook.corpora.files import rows, table
from llmbook.corpora.roles import real
from llmbook.files import decoded, read_json, read_text
from llmbook.text.tokenizers import CharTokenizer, Tokenizer


def silent(_):
    pass


class Reader(NamedTuple):
    """How a file with one text is written, and how the text is read from it."""

    name: str  # of the file
    write: object  # maps a text to the file's content, a string
    read: object  # maps a path to the text
    columns: tuple = ()  # of a table
    delimiter: str = "\t"
    quoted: bool = False  # whether a field may hold line ends
    headed: bool = True


def quoted(text):
    return '"' + text.replace('"', '""') + '"'


READERS = {
    "reviews, csv": Reader(
        "a.csv",
        lambda text: f"text,label\n{quoted(text)},1\n",
        lambda path: reviews.load_reviews(path, report=silent).texts[0],
        ("text", "label"),
        ",",
        True,
    ),
    "reviews, tsv": Reader(
        "a.tsv",
        lambda text: f"text\tlabel\n{text}\t1\n",
        lambda path: reviews.load_reviews(path, report=silent).texts[0],
        ("text", "label"),
    ),
    "snippets": Reader(
        "a.txt",
        lambda text: f"id\tsentiment\ttext\n1\t2\t{text}\n",
        lambda path: snippets.load_snippets(path=path, report=silent).texts[0],
        ("id", "sentiment", "text"),
    ),
    "aspects": Reader(
        "a.tsv",
        lambda text: f"text\taspect\tsentiment\n{text}\t{text}\tpositive\n",
        lambda path: snippets.load_aspects(path)[0].term,
        ("text", "aspect", "sentiment"),
    ),
    "lexicon": Reader(
        "a.txt",
        lambda text: f"{text}\t1.5\n",
        lambda path: next(iter(lexicon.load_lexicon(path))),
        ("word", "valence"),
        headed=False,
    ),
    "questions": Reader(
        "a.tsv",
        lambda text: f"part\tlabel\tquestion\ntest\tsec-a\t{text}\n",
        lambda path: sections.load_questions(path)[0].question,
        ("part", "label", "question"),
    ),
    "roles": Reader(
        "a.tsv",
        lambda text: (
            "id\tpart\tfirst\tsecond\tagreed\n"
            f"{text}\ttest\t[V run]\t[V run]\t[V run]\n"
        ),
        lambda path: real.load(path)[0].name,
        ("id", "part", "first", "second", "agreed"),
    ),
    "bible": Reader(
        "a.csv.gz",
        lambda text: f"field,field,field,field,field\n1,1,1,1,{quoted(text)}\n",
        lambda path: books.load_web_bible(path)[0].text,
        ("id", "book", "chapter", "verse", "text"),
        ",",
        True,
    ),
    "novel": Reader(
        "a.json",
        lambda text: json.dumps([text], ensure_ascii=False),
        lambda path: books.load_sanguo(path)[0],
    ),
    "sentences": Reader(
        "a.json",
        lambda text: json.dumps(
            [
                {
                    "chinese": text,
                    "translation": {"en": "Good."},
                    "tokens": [{"word": "好", "gloss_en": "good"}],
                }
            ],
            ensure_ascii=False,
        ),
        lambda path: hsk.load_sentences(path, report=silent)[0].chinese,
    ),
    "tokenizer": Reader(
        "a.json",
        lambda text: json.dumps(
            CharTokenizer(["<pad>", "<unk>", text]).state(), ensure_ascii=False
        ),
        lambda path: Tokenizer.load(path).tokens[2],
    ),
    "page": Reader(
        "a.md",
        lambda text: f"(sec-a)=\n## A\n\n{text}\n",
        lambda path: sections.load_sections(path.parent)[0].passages[0],
    ),
    "notebook": Reader(
        "a.ipynb",
        lambda text: json.dumps(
            {
                "cells": [
                    {
                        "cell_type": "markdown",
                        "source": f"(sec-a)=\n## A\n\n{text}\n",
                    }
                ]
            },
            ensure_ascii=False,
        ),
        lambda path: sections.load_sections(path.parent)[0].passages[0],
    ),
}


def among(choose=lambda reader: True):
    """Parametrise a test by those of the readers that are chosen."""
    chosen = {
        name: reader for name, reader in READERS.items() if choose(reader)
    }
    return pytest.mark.parametrize("reader", chosen.values(), ids=list(chosen))


every = among()
every_table = among(lambda reader: reader.columns)
every_headed = among(lambda reader: reader.columns and reader.headed)
every_json = among(lambda reader: reader.name.endswith(("json", "ipynb")))


def put(tmp_path, reader, content):
    """Write a file's content, bytes or a string, and return its path."""
    data = content.encode() if isinstance(content, str) else content
    path = tmp_path / reader.name
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def same(found, text):
    """Compare as the loaders normalise: spaces apart."""
    return "".join(found.split()) == "".join(text.split())


# --- what every reader reads ------------------------------------------------

GOOD = "很好 café 👍"


@every
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["", "byte order mark"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["lf", "crlf", "cr"])
def test_marks_and_ends_of_lines_of_all_systems_are_read(
    tmp_path, reader, mark, end
):
    if reader.name == "a.md":  # Markdown's lines no longer end in "\\r"
        end = end.replace("\r", "\n") if end == "\r" else end
    content = mark + reader.write(GOOD).replace("\n", end)
    assert reader.read(put(tmp_path, reader, content)) == GOOD


@every
@pytest.mark.parametrize(
    "character", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\x1e"]
)
def test_what_ends_lines_in_python_alone_ends_none(tmp_path, reader, character):
    text = f"not{character}good"
    found = reader.read(put(tmp_path, reader, reader.write(text)))
    assert same(found, text)


@every
@pytest.mark.parametrize("text", ['"good" place', 'a "good', '"', "a,b ; c"])
def test_quotes_are_characters(tmp_path, reader, text):
    if text == '"' and reader.name in ("a.csv", "a.tsv", "a.txt"):
        text = '"x'  # without a letter a review says nothing
    assert reader.read(put(tmp_path, reader, reader.write(text))) == text


@every
def test_a_text_may_have_a_million_characters(tmp_path, reader):
    before = csv.field_size_limit()
    text = "long " * 200_000 + "end"
    assert same(reader.read(put(tmp_path, reader, reader.write(text))), text)
    assert csv.field_size_limit() == before


@every_table
def test_empty_lines_are_passed_over(tmp_path, reader):
    if reader.quoted:
        content = reader.write(GOOD).replace("\n", "\n\n")
    else:
        content = reader.write(GOOD).replace("\n", "\r\n\r\n")
    assert reader.read(put(tmp_path, reader, content)) == GOOD


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.lists(
            st.text('ab,"\n\r\t\u2028é', max_size=6), min_size=2, max_size=2
        ),
        max_size=4,
    )
)
def test_what_the_csv_module_writes_is_read(tmp_path_factory, fields):
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows([["x", "y"], *fields])
    found = table(path, ["y", "x"], ",", others=True)
    assert [(x, y) for _, (y, x) in found] == [tuple(row) for row in fields]


# --- what none reads --------------------------------------------------------


@every
def test_a_file_in_gbk_is_called_so_with_its_first_byte(tmp_path, reader):
    content = reader.write("这家酒店的服务很好")
    data = content.encode("gbk")
    first = len(content.partition("这")[0].encode())
    line = 1 + content[: content.index("这")].count("\n")
    with pytest.raises(
        ValueError, match=f"UTF-8.*line {line}, byte {first};.*GBK"
    ):
        reader.read(put(tmp_path, reader, data))


@every
@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_other_encodings_of_unicode_are_called_so(tmp_path, reader, encoding):
    data = reader.write(GOOD).encode(encoding)
    with pytest.raises(ValueError, match=f"byte 0; .*{encoding.upper()}"):
        reader.read(put(tmp_path, reader, data))


@every
@pytest.mark.parametrize(
    "data",
    [
        lambda content: content.encode("utf-16-le"),
        lambda content: content.replace("gut", "caf\0").encode(),
        lambda content: content.replace("gut", "café ol").encode(
            "latin-1", "ignore"
        ),
        lambda content: content.encode()[:-1] + b"\xe5\xa5",
    ],
    ids=["utf-16 without its mark", "a zero", "latin-1", "half a character"],
)
def test_what_is_no_utf_8_is_refused_with_line_and_byte(tmp_path, reader, data):
    with pytest.raises(ValueError, match=r"UTF-8.*in line \d+, byte \d+"):
        reader.read(put(tmp_path, reader, data(reader.write("gut"))))


@every
def test_an_empty_file_is_refused(tmp_path, reader):
    with pytest.raises(ValueError, match="must"):
        reader.read(put(tmp_path, reader, ""))


@every_table
def test_a_row_that_is_cut_short_is_refused_with_its_line(tmp_path, reader):
    content = reader.write("good")
    cut = content[: content.rindex(reader.delimiter)]
    line = 1 + cut.count("\n")
    with pytest.raises(ValueError, match=rf"a\..*byte \d+, line {line}"):
        reader.read(put(tmp_path, reader, cut))


@every_headed
def test_a_row_of_another_width_is_refused_with_its_line(tmp_path, reader):
    wide = reader.write("good").rstrip() + reader.delimiter + "more\n"
    with pytest.raises(ValueError, match="line 2: "):
        reader.read(put(tmp_path, reader, wide))


@among(
    lambda reader: reader.columns and reader.headed and reader.name[-1] != "z"
)
def test_a_column_that_lacks_or_stands_twice_is_named(tmp_path, reader):
    content = reader.write("good")
    header, body = content.split("\n", 1)
    first, second = reader.columns[:2]
    twice = header.replace(first, second, 1)
    lacks = header.replace(first, "other", 1)
    more = f"{header}{reader.delimiter}{first}"
    for wrong, message in [
        (twice, rf"lacks \['{first}'\]"),
        (lacks, rf"lacks \['{first}'\]"),
        (more, "must (name|hold)"),
    ]:
        path = put(tmp_path, reader, f"{wrong}\n{body}")
        with pytest.raises(ValueError, match=message):
            reader.read(path)


@among(lambda reader: reader.quoted)
def test_a_quote_that_never_closes_is_refused_with_its_line(tmp_path, reader):
    content = reader.write("one").replace('"one"', '"one') + "two,1\n"
    with pytest.raises(ValueError, match=r"byte .*, line 2: the quotes"):
        reader.read(put(tmp_path, reader, content))


@every_json
@pytest.mark.parametrize(
    "content",
    ["{", "[", "nul", '["a" "b"]', '{"a": 1, "a": 2}', "[" * 100_000, "3"],
)
def test_broken_json_is_refused(tmp_path, reader, content):
    with pytest.raises(ValueError, match=r"a\.(json|ipynb)"):
        reader.read(put(tmp_path, reader, content))


@every_json
def test_json_that_is_cut_short_is_refused_with_its_byte(tmp_path, reader):
    content = reader.write("很好")
    for size in range(1, len(content.encode()) - 1, 7):
        path = put(tmp_path, reader, content.encode()[:size])
        with pytest.raises(ValueError, match=r"line 1, byte \d+"):
            reader.read(path)


def test_a_gzip_file_that_is_cut_short_or_none_is_refused(tmp_path):
    whole = gzip.compress(READERS["bible"].write("good " * 100).encode())
    path = tmp_path / "a.csv.gz"
    for data in (whole[:-4], whole[: len(whole) // 2], whole[:5], b"text"):
        path.write_bytes(data)
        with pytest.raises(ValueError, match=r"whole gzip file, a\.csv\.gz"):
            books.load_web_bible(path)


@pytest.mark.parametrize(
    "read",
    [
        reviews.file_rows,
        snippets.read_rows,
        snippets.load_aspects,
        sections.load_questions,
        Tokenizer.load,
        read_text,
        read_json,
    ],
)
@pytest.mark.parametrize("wrong", [None, 3, b"a.csv", float("nan"), ["a.csv"]])
def test_what_is_no_path_is_refused_by_type(read, wrong):
    with pytest.raises(TypeError, match="path must be"):
        read(wrong)


@among(lambda reader: reader.name not in ("a.md", "a.ipynb"))
def test_a_missing_file_and_a_folder_are_named(tmp_path, reader):
    (tmp_path / reader.name).mkdir()
    for path in (tmp_path / f"nowhere_{reader.name}", tmp_path / reader.name):
        with pytest.raises(FileNotFoundError, match=re.escape(path.name)):
            reader.read(path)


# --- single ones ------------------------------------------------------------


def test_quotes_join_nothing_where_tabs_separate(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text('text\tlabel\n"a\tb"\t1\n')
    with pytest.raises(ValueError, match="got 3: where tabs separate, quotes"):
        reviews.load_reviews(path)


def test_a_comma_outside_of_quotes_is_explained(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("text,label\na,b,1\n")
    with pytest.raises(ValueError, match="got 3: a text that holds a comma"):
        reviews.load_reviews(path)


def test_places_count_the_lines_and_bytes_of_the_file():
    data = '\ufeffx,y\n"é\n\n",1\r\n3,4\n'.encode()
    found = [(str(place), fields) for place, fields in rows(data, "a.csv", ",")]
    assert found == [
        ("a.csv, byte 3, line 1", ["x", "y"]),
        ("a.csv, byte 7, line 2", ["é\n\n", "1"]),
        ("a.csv, byte 17, line 5", ["3", "4"]),
    ]
    assert data[17:20] == b"3,4"


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=30), st.binary(min_size=1, max_size=4), st.booleans())
def test_the_byte_that_is_named_is_the_first_that_is_no_utf_8(text, end, mark):
    data = (b"\xef\xbb\xbf" if mark else b"") + text.encode() + end
    try:
        expected = data.decode("utf-8").removeprefix("\ufeff" if mark else "")
    except UnicodeDecodeError as error:
        expected = error.start
    if isinstance(expected, str) and "\0" not in expected:
        assert decoded(data, "a.txt").lstrip("\ufeff") == expected.lstrip(
            "\ufeff"
        )
    else:
        with pytest.raises(ValueError, match=r"a\.txt") as raised:
            decoded(data, "a.txt")
        byte = int(re.search(r"byte (\d+)", str(raised.value))[1])
        assert byte == (
            expected if isinstance(expected, int) else data.index(b"\0")
        )


def test_a_key_that_stands_twice_is_named(tmp_path):
    path = tmp_path / "a.json"
    path.write_text('[{"a": 1, "b": 2, "a": 3}]')
    with pytest.raises(
        ValueError, match=r"a\.json does not: the key 'a' stands"
    ):
        read_json(path)


def test_python_is_read_in_the_encoding_that_it_says(tmp_path):
    path = tmp_path / "a.py"
    code = (
        'def f():\n    """Return the réply of all.\n\n    It is a long reply of'
        ' many words, and each of them counts."""\n'
    )
    for data in (
        code.encode(),
        b"\xef\xbb\xbf" + code.encode(),
        b"# coding: latin-1\n" + code.encode("latin-1"),
    ):
        path.write_bytes(data)
        (pair,) = docstrings.pairs_of(path)
        assert pair.summary == "Return the réply of all."


def test_a_text_file_is_read_without_its_mark(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes("\ufeffa\r\nb".encode())
    assert read_text(str(path)) == "a\r\nb"
