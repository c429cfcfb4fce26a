"""Columns of numbers stand to the right in tables of results."""

import pytest
from booksite import columns
from docutils import nodes
from docutils.core import publish_doctree

TABLE = """
.. list-table:: A caption
   :class: {kind}
   :header-rows: 1
   :stub-columns: 1

   * - model
     - accuracy
     - verdict
   * - 12
     - -0.97 ± 0.01
     - right-hand
   * - 13
     - –
     - 5
"""


def marked(kind):
    doctree = publish_doctree(TABLE.format(kind=kind))
    columns.set_right(None, doctree, "page")
    return [
        cell.astext()
        for cell in doctree.findall(nodes.entry)
        if "number" in cell["classes"]
    ]


def test_a_column_of_numbers_is_marked_and_neither_text_nor_names_of_rows():
    assert marked("results") == ["accuracy", "−0.97 ± 0.01", "–"]


def test_tables_of_the_text_are_left_as_they_are():
    assert marked("other") == []


@pytest.mark.parametrize(
    "text",
    [
        *("1", "-0.5", "−0.5", "+1.2", "1,024", "2e-06", "4.7%", "4.7 %"),
        *("0.97 ± 0.01", "0.28 to 0.61", "+0.01 (-0.02 to +0.04)"),
    ],
)
def test_what_counts_as_a_number(text):
    assert columns.are_numbers([text, "–"])


@pytest.mark.parametrize("texts", [["–", "–"], ["1", "one"], ["1 to"], [""]])
def test_what_does_not(texts):
    assert not columns.are_numbers(texts)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        *(("-0.5 ± 0.1", "−0.5 ± 0.1"), ("2.0e-06", "2.0·10⁻⁶")),
        *(("-2e+05", "−2·10⁵"), ("3", "3"), ("–", "–")),
    ],
)
def test_numbers_are_written_as_they_are_printed(text, shown):
    assert columns.written(text) == shown
