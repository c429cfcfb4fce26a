import json
from pathlib import Path

import pytest

from llmbook.corpora.sections import load_questions, load_sections, plain

ROOT = Path(__file__).parents[2]
QUESTIONS = ROOT / "data" / "book_questions.tsv"


@pytest.fixture(scope="module")
def book():
    return load_sections(ROOT / "chapters", leave_out=["12_question_answering"])


def test_every_question_has_a_section_that_stands_in_the_book(book):
    missing = {question.label for question in load_questions(QUESTIONS)}
    missing -= {section.label for section in book}
    assert not missing, (
        "renamed a section? rename it in data/book_questions.tsv"
    )


def test_at_least_sixty_questions_are_kept_for_the_test():
    parts = [question.part for question in load_questions(QUESTIONS)]
    assert parts.count("test") >= 60
    assert parts.count("validation") >= 30


def test_passages_hold_prose_without_marks(book):
    for section in book:
        for passage in section.passages:
            assert "$" not in passage
            assert "{cite}" not in passage
            assert "{ref}" not in passage
            assert "numref" not in passage
            assert ":header-rows:" not in passage
            assert "**" not in passage
            assert passage == " ".join(passage.split())


def notebook(path, *cells):
    cells = [{"cell_type": kind, "source": source} for kind, source in cells]
    path.write_text(json.dumps({"cells": cells}), encoding="utf-8")


def test_sections_end_where_a_heading_of_their_level_stands(tmp_path):
    prose = (
        "(chap-x)=\n# Title\n\nWhat this chapter is about.\n\n(sec-a)=\n## First\n\nOne paragraph that has at least four words.\n\n### Within\n\n"
        "Another paragraph that has words.\n\n## Unlabelled\n\nLost words that nobody can find.\n\n"
        "### Below\n\nLost as well, since it stands there.\n\n(sec-b)=\n## Second\n\nThe last one."
    )
    notebook(
        tmp_path / "01_x.ipynb",
        ("markdown", prose),
        ("code", "x = 1  # not prose"),
    )
    sections = load_sections(tmp_path, shortest=3)
    assert [(s.label, s.title, s.chapter) for s in sections] == [
        ("sec-a", "First", "01_x"),
        ("sec-b", "Second", "01_x"),
    ]
    assert sections[0].passages == [
        "One paragraph that has at least four words.",
        "Within Another paragraph that has words.",
    ]
    assert sections[1].passages == ["The last one."]


def test_markdown_pages_are_read_and_files_left_out(tmp_path):
    (tmp_path / "a.md").write_text(
        "(sec-a)=\n## A\n\nSome words.", encoding="utf-8"
    )
    (tmp_path / "b.md").write_text(
        "(sec-b)=\n## B\n\nSome words.", encoding="utf-8"
    )
    assert [s.label for s in load_sections(tmp_path)] == ["sec-a", "sec-b"]
    assert [s.label for s in load_sections(tmp_path, leave_out=["a"])] == [
        "sec-b"
    ]


PROSE = "Words that stand alone here."


@pytest.mark.parametrize(
    "code",
    [
        "```python\n# no heading\n```",
        "~~~\n# no heading\n~~~",
        "```{code-cell} python\n# no heading\n```",
        ":::{code-block} python\n# no heading\n:::",
        "````{math}\n```\n# no heading\n````",
        "1. first\n\n   ```python\n# no heading\n   ```",
        "> ```\n> # no heading\n# no heading\n> ```",
        "<!--\n# no heading\n-->",
        "% # no heading\n% and no prose",
    ],
)
def test_what_is_no_prose_ends_no_section(tmp_path, code):
    text = f"(sec-a)=\n## A\n\n{PROSE}\n\n{code}\n\n{PROSE}\n"
    (tmp_path / "a.md").write_text(text, encoding="utf-8")
    (section,) = load_sections(tmp_path, shortest=1)
    assert section.passages.count(PROSE) == 2
    assert "no" not in " ".join(section.passages).split()


def test_what_a_note_fences_in_is_prose(tmp_path):
    for fence in ("```", "~~~~", ":::"):
        text = f"(sec-a)=\n## A\n\n{fence}{{note}}\n{PROSE}\n{fence}\n\n{PROSE}"
        (tmp_path / "a.md").write_text(text, encoding="utf-8")
        (section,) = load_sections(tmp_path, shortest=1)
        assert section.passages == [PROSE, PROSE]


@pytest.mark.parametrize("label", ["sec-a", "sec:a", "sec.a", "sec a", "节"])
def test_a_label_is_whatever_stands_in_its_brackets(tmp_path, label):
    text = f"({label})= \n##\tA title\n\n{PROSE}"
    (tmp_path / "a.md").write_text(text, encoding="utf-8")
    (section,) = load_sections(tmp_path)
    assert section[:2] == (label, "A title")
    assert section.passages == [PROSE]


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        (
            "see {ref}`the next chapter <chap-x>`, {eq}`eq-y`",
            "see the next chapter,",
        ),
        ("**bold** and *slanted* `code`", "bold and slanted code"),
        ("a [link](http://x.y) here", "a link here"),
        ("before\n\n$$ x = 1 $$ (eq-x)\n\nafter", "before after"),
        ("width $d_k$ is 2 * 3", "width d_k is 2 * 3"),
        (
            "{numref}`tab-x` counts. {numref}`fig-y` draws what {numref}`tab-x`"
            " counts",
            "The table counts. The figure draws what the table counts",
        ),
        (":name: tab-x\n:header-rows: 1\n\nrole", "role"),
    ],
)
def test_plain_leaves_what_is_read(markdown, text):
    assert plain(markdown).replace(" ,", ",") == text


def test_a_folder_must_hold_sections_with_labels_of_their_own(tmp_path):
    with pytest.raises(FileNotFoundError, match="folder"):
        load_sections(tmp_path / "missing")
    with pytest.raises(ValueError, match="folder"):
        load_sections(tmp_path)
    (tmp_path / "a.md").write_text("(sec-a)=\n## A\n\nSome words.")
    (tmp_path / "b.md").write_text("(sec-a)=\n## B\n\nSome words.")
    with pytest.raises(ValueError, match="sec-a"):
        load_sections(tmp_path)
    (tmp_path / "b.md").unlink()
    for broken in ["{", "{}", '{"cells": [1]}']:
        (tmp_path / "c.ipynb").write_text(broken)
        with pytest.raises(ValueError, match=r"c\.ipynb"):
            load_sections(tmp_path)


HEADER = b"part\tlabel\tquestion\n"


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"", "columns"),
        (b"part\tquestion\n", "columns"),
        (HEADER, "hold questions"),
        (HEADER + b"test\tsec-a\n", "line 2"),
        (HEADER + b"test\tsec-a\t\n", "line 2"),
        (HEADER + b"train\tsec-a\tWhy?\n", "line 2"),
        (HEADER + b"test\tsec-a\tWhy?\nvalidation\tsec-b\tWhy?\n", "differ"),
        (HEADER + b"test\tsec-a\t\xff?\n", "UTF-8"),
    ],
)
def test_a_broken_file_of_questions_is_refused(tmp_path, content, named):
    path = tmp_path / "questions.tsv"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=named):
        load_questions(path)


def test_a_missing_file_of_questions_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        load_questions(tmp_path / "nowhere.tsv")


@pytest.mark.parametrize("piece", ["[", "[a](", "[a](b", "[[a](b"])
def test_what_begins_many_links_is_read_in_one_pass(piece):
    """How often a link is looked for is bounded by the text, not its square."""
    text = piece * 400_000
    assert plain(text) == text
    assert plain(f"{text} [a](b)").endswith(" a")
