"""Results and examples, as a terminal and as a page show them."""

import html
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from llmbook.showing.tables import cards, table

ROWS = [
    {"model": "counts", "accuracy": (0.8132, 0.0), "tokens": 12000},
    {"model": "attention | 注意", "accuracy": (0.9061, 0.012), "tokens": 7},
    {"model": "both", "accuracy": (0.9062, 0.004), "tokens": None},
]
SCORES = table(
    ROWS,
    caption="Accuracy, mean ± spread of three seeds.",
    name="tab-scores",
    formats={"accuracy": ".3f"},
    best={"accuracy": max, "tokens": min},
)


def test_a_terminal_shows_aligned_text_with_a_star_at_what_is_best():
    head, rule, *lines = repr(SCORES).splitlines()
    assert head.split() == ["model", "accuracy", "tokens"]
    assert set(rule) <= {"-", " "}
    assert lines[0].split() == ["counts", "0.813", "±", "0.000", "12,000"]
    # what reads alike is best alike
    assert lines[1].endswith("0.906 ± 0.012*        7*")
    assert lines[2].split() == ["both", "0.906", "±", "0.004*", "–"]


def test_the_page_gets_a_caption_a_label_header_cells_and_bold_ties():
    lines = SCORES._repr_markdown_().splitlines()
    assert lines[0] == (
        "```{list-table} Accuracy, mean ± spread of three seeds."
    )
    assert ":name: tab-scores" in lines
    assert ":header-rows: 1" in lines
    assert ":stub-columns: 1" in lines
    assert r"* - attention \| 注意" in lines
    assert sum("**" in line for line in lines) == 3


def test_a_notebook_gets_html_with_the_caption():
    text = SCORES._repr_html_()
    assert "<caption>Accuracy, mean" in text
    assert text.count("<th>") + text.count("<th ") == 3


@given(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1))
def test_a_text_is_never_markup(text):
    shown = table(
        [{"text": "first"}, {"text": text}], caption="One.", name="tab-one"
    )
    cell = re.search(r"\* - (.*)\n```$", shown._repr_markdown_()).group(1)
    assert html.unescape(MarkdownIt().renderInline(cell)) == text
    card = cards([{"a": text}])._repr_html_()
    assert html.escape(text).replace("$", "&#36;") in card


def test_numbers_of_numpy_are_numbers():
    shown = repr(
        table(
            [{"n": "a", "x": np.float32(0.25), "y": np.int64(1234)}],
            caption="One.",
            name="tab-one",
        )
    )
    assert "0.250" in shown
    assert "1,234" in shown


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"rows": []}, ValueError, "rows"),
        ({"rows": [{"a": 1}, {"b": 1}]}, ValueError, "same keys"),
        ({"rows": [{"a": [1]}]}, TypeError, "value of 'a'"),
        ({"rows": ["a"]}, TypeError, "each of rows"),
        ({"caption": None}, TypeError, "caption"),
        ({"name": "scores"}, ValueError, "tab-scores"),
        ({"best": {"c": max}}, ValueError, "best"),
        ({"formats": {"c": ".1f"}}, ValueError, "formats"),
    ],
)
def test_what_is_no_table_is_refused(change, error, words):
    given = {"rows": [{"a": 1}], "caption": "One.", "name": "tab-one"} | change
    with pytest.raises(error, match=words):
        table(given.pop("rows"), **given)


def test_a_card_marks_what_went_and_what_came():
    shown = cards(
        [{"draft": "Dear Ms Li, 再见", "answer": "Dear Mr Li, 再会"}],
        compare=("draft", "answer"),
    )
    assert shown._repr_html_() == (
        '<div class="examples">\n<dl class="example">'
        "<dt>draft</dt><dd>Dear <del>Ms</del> Li, 再<del>见</del></dd>"
        "<dt>answer</dt><dd>Dear <ins>Mr</ins> Li, 再<ins>会</ins></dd>"
        "</dl>\n</div>"
    )
    assert repr(shown) == "draft: Dear Ms Li, 再见\nanswer: Dear Mr Li, 再会"


@given(st.text(), st.text())
def test_the_marked_texts_are_the_texts(old, new):
    shown = cards([{"a": old, "b": new}], compare=("a", "b"))._repr_html_()
    texts = re.findall(r"<dd>(.*?)</dd>", shown, re.DOTALL)
    for text, marked in zip((old, new), texts, strict=True):
        plain = html.unescape(re.sub(r"</?(ins|del)>", "", marked))
        assert plain == html.unescape(
            html.escape(text.replace("\n", "⏎").replace("\t", "⇥"))
        )


@pytest.mark.parametrize(
    ("examples", "compare", "error"),
    [
        ([], None, ValueError),
        ("text", None, TypeError),
        ([{"a": 1}], None, TypeError),
        ([{"a": "x"}], ("a", "b"), ValueError),
    ],
)
def test_what_is_no_example_is_refused(examples, compare, error):
    with pytest.raises(error):
        cards(examples, compare)


def test_a_card_of_something_else_than_strings_is_of_the_wrong_type():
    with pytest.raises(TypeError, match="the text 'a' must be"):
        cards([{"a": 3}])
    raised = cards.__doc__.partition("Raises")[2]
    assert "not a string" not in raised.partition("TypeError")[0]
