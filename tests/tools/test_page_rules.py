"""The rules of a page that a notebook can be held to before it is built."""

import ast
import re
from pathlib import Path

import nbformat
import pytest
from booksite import callouts

CHAPTERS = Path(__file__).parents[2] / "chapters"
NOTEBOOKS = sorted(CHAPTERS.glob("*.ipynb"))
FOLDED = {"hide-input", "hide-cell", "remove-input", "remove-cell"}
CLAIMS = {"check", "solution"}
every_notebook = pytest.mark.parametrize(
    "notebook",
    [
        pytest.param(nbformat.read(path, as_version=4), id=path.stem)
        for path in NOTEBOOKS
    ],
)


def code(notebook):
    """Yield each code cell with its number, its tags and its syntax tree."""
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type == "code":
            python = re.sub(r"^%.*$", "", cell.source, flags=re.MULTILINE)
            tags = set(cell.metadata.get("tags", ()))
            yield number, cell, tags, ast.parse(python)


@every_notebook
def test_no_line_is_wider_than_a_page(notebook):
    wide = [
        (number, line)
        for number, cell, _, _ in code(notebook)
        for line in cell.source.splitlines()
        if len(line) > 80
    ]
    assert not wide


@every_notebook
def test_a_shown_cell_has_at_most_25_lines(notebook):
    assert not {
        number: len(cell.source.splitlines())
        for number, cell, tags, _ in code(notebook)
        if not tags & FOLDED and len(cell.source.splitlines()) > 25
    }


@every_notebook
def test_claims_are_in_cells_of_their_own(notebook):
    assert not [
        number
        for number, _, tags, tree in code(notebook)
        if not tags & CLAIMS
        and any(isinstance(node, ast.Assert) for node in ast.walk(tree))
    ]


@every_notebook
def test_every_claim_is_an_assert(notebook):
    """Others are neither counted nor, where a reader plays, told."""
    assert not [
        number
        for number, cell, _, _ in code(notebook)
        if "testing.assert_" in cell.source
    ]


@every_notebook
def test_a_cell_of_claims_claims(notebook):
    """What is folded under "Checked here: n statements" holds some."""
    assert not [
        number
        for number, _, tags, tree in code(notebook)
        if "check" in tags
        and not any(isinstance(node, ast.Assert) for node in ast.walk(tree))
    ]


def widths(tree):
    """Return the formats of f-strings that pad a value to a column's width."""
    specs = [
        ast.unparse(node.format_spec)
        for node in ast.walk(tree)
        if isinstance(node, ast.FormattedValue) and node.format_spec
    ]
    return [
        spec
        for spec in specs
        if re.search(r"^f?['\"](?:.?[<>^])?[+ ]?[1-9{]", spec)
    ]


@every_notebook
def test_no_table_is_printed_as_text(notebook):
    """A table is one of `showing.tables`, not columns of f-strings."""
    assert not {
        number: widths(tree)
        for number, _, _, tree in code(notebook)
        if widths(tree)
    }


@every_notebook
def test_every_figure_and_table_has_a_number_that_the_text_before_it_names(
    notebook,
):
    text, lacking = "", []
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown":
            text += cell.source
            continue
        shown = {key for out in cell.outputs for key in out.get("data", {})}
        if shown & {"image/png", "image/svg+xml"}:
            form = cell.metadata.get("mystnb", {})
            figure = form.get("figure", {})
            # a drawing says in itself what is to be seen
            drawing = "sketch" in cell.metadata.get("tags", ())
            if not (
                figure.get("caption")
                and figure.get("name")
                and (drawing or form.get("image", {}).get("alt"))
            ):
                lacking.append((number, "caption, name or alternative text"))
            names = [figure.get("name", "")]
        else:
            names = re.findall(r'name="(tab-[\w-]+)"', cell.source)
        for name in names:
            if f"{{numref}}`{name}`" not in text:
                lacking.append((number, f"{name} is not referred to before"))
    assert not lacking


@every_notebook
def test_at_most_four_remarks_stand_apart(notebook):
    texts = [c.source for c in notebook.cells if c.cell_type == "markdown"]
    kinds = "|".join(callouts.KINDS)
    assert (
        len(
            re.findall(
                rf"^`{{3,}}\{{(?:{kinds})\}}", "\n".join(texts), re.MULTILINE
            )
        )
        <= 4
    )


def test_no_two_chapters_give_a_figure_or_a_table_the_same_name():
    names = [
        name
        for path in NOTEBOOKS
        for cell in nbformat.read(path, as_version=4).cells
        if cell.cell_type == "code"
        for name in (
            cell.metadata.get("mystnb", {}).get("figure", {}).get("name"),
            *re.findall(r'name="(tab-[\w-]+)"', cell.source),
        )
        if name
    ]
    assert sorted(names) == sorted(set(names))


@every_notebook
def test_no_drawing_of_the_book_is_squeezed(notebook):
    """Its words fit; only where a reader puts in longer ones they shrink."""
    assert not [
        number
        for number, cell, _, _ in code(notebook)
        for output in cell.outputs
        if "squeezed" in output.get("data", {}).get("image/svg+xml", "")
    ]
