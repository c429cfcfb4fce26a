"""The stored notebooks: in normal form, up to date with their code and with the library, and described for every reader."""

import ast
import base64
import io
import json
import re
from pathlib import Path

import nbformat
import notebooks
import numpy as np
import pytest
from nbformat.v4 import (
    new_code_cell,
    new_markdown_cell,
    new_notebook,
    new_output,
)
from PIL import Image

from llmbook import fingerprint

CHAPTERS = [pytest.param(path, id=path.stem) for path in notebooks.notebooks()]
TESTS = Path(__file__).parents[1]


def code_cells(path):
    return [
        cell for cell in notebooks.read(path).cells if cell.cell_type == "code"
    ]


@pytest.mark.parametrize("path", CHAPTERS)
def test_it_is_stored_in_normal_form(path):
    assert notebooks.normal_form(notebooks.read(path)) == path.read_text(
        encoding="utf-8"
    )


@pytest.mark.parametrize("path", CHAPTERS)
def test_its_outputs_follow_from_its_code_and_from_the_library(path):
    assert not notebooks.is_stale(path), (
        f"{path.name} is out of date: run `make execute`"
    )


@pytest.mark.parametrize("path", CHAPTERS)
def test_its_outputs_are_those_of_its_last_run(path):
    notebook = notebooks.read(path)
    assert notebook.metadata["llmbook"]["seal"] == notebooks.seal(notebook)


@pytest.mark.parametrize("path", CHAPTERS)
def test_it_was_run_once_from_top_to_bottom(path):
    cells = code_cells(path)
    assert [cell.execution_count for cell in cells] == list(
        range(1, len(cells) + 1)
    )


@pytest.mark.parametrize("path", CHAPTERS)
def test_no_cell_ends_in_an_error(path):
    assert [
        cell.source
        for cell in code_cells(path)
        if any(o.output_type == "error" for o in cell.outputs)
    ] == []


@pytest.mark.parametrize("path", CHAPTERS)
def test_every_figure_says_what_is_to_be_seen_and_has_a_caption(path):
    for cell in code_cells(path):
        images = [
            output
            for output in cell.outputs
            if "image/png" in output.get("data", {})
        ]
        if images:
            assert len(images) == 1, f"one figure a cell:\n{cell.source}"
            described = cell.metadata.get("mystnb", {})
            assert len(described.get("image", {}).get("alt", "")) >= 30, (
                cell.source
            )
            assert described.get("figure", {}).get("caption"), cell.source
            assert described["figure"].get("name", "").startswith("fig-"), (
                cell.source
            )


@pytest.mark.parametrize("path", CHAPTERS)
def test_it_has_the_shape_of_a_chapter(path):
    prose = [
        cell.source
        for cell in notebooks.read(path).cells
        if cell.cell_type == "markdown"
    ]
    assert re.match(r"(\([\w-]+\)=\n)?# \w", prose[0]), (
        "a title, with a label or without"
    )
    opening, whole = "\n".join(prose[:2]), "\n".join(prose)
    assert "You will be able to" in opening
    assert re.search(r"Runs in about \d+ s", opening)
    for heading in (
        "What can go wrong",
        "What to remember",
        "Exercises",
        "Sources",
    ):
        assert re.search(rf"^## {heading}", whole, re.MULTILINE), heading


def equation_labels():
    for path in notebooks.notebooks():
        for cell in notebooks.read(path).cells:
            if cell.cell_type == "markdown":
                yield from re.findall(r"\$\$\s*\((eq-[\w-]+)\)", cell.source)


def marked_equations():
    for path in TESTS.rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and ast.unparse(node.func) == "pytest.mark.equation"
            ):
                yield from (argument.value for argument in node.args)


def test_every_equation_has_a_test_that_names_its_label():
    labels = list(equation_labels())
    assert len(labels) == len(set(labels)), "an equation label is used twice"
    assert set(labels) - set(marked_equations()) == set()


def test_every_equation_that_a_test_names_is_in_the_book():
    assert set(marked_equations()) - set(equation_labels()) == set()


def section_labels():
    for path in notebooks.notebooks():
        for cell in notebooks.read(path).cells:
            if cell.cell_type == "markdown":
                yield from re.findall(
                    r"^\(([\w-]+)\)=$", cell.source, re.MULTILINE
                )


def test_the_page_of_notation_places_every_equation_and_no_other():
    page = (TESTS.parent / "appendix" / "notation.md").read_text(
        encoding="utf-8"
    )
    assert set(re.findall(r"\{eq\}`([\w-]+)`", page)) == set(equation_labels())


@pytest.mark.parametrize("name", ["notation", "errata"])
def test_an_appendix_refers_to_sections_that_exist(name):
    page = (TESTS.parent / "appendix" / f"{name}.md").read_text(
        encoding="utf-8"
    )
    assert "@" not in page
    assert set(re.findall(r"\{ref\}`([\w-]+)`", page)) <= set(section_labels())


# The tool itself.


@pytest.fixture
def library(tmp_path, monkeypatch):
    """A package ``llmbook`` with a module."""
    monkeypatch.setattr(fingerprint, "PACKAGE", tmp_path)
    (tmp_path / "__init__.py").write_text("")
    (tmp_path / "lower.py").write_text("def f(x):\n    return 2 * x\n")
    return tmp_path


def notebook_of(*sources):
    return new_notebook(
        cells=[new_markdown_cell("# Title"), *map(new_code_cell, sources)]
    )


def test_the_fingerprint_ignores_comments_and_prose(library):
    before = notebooks.fingerprint(notebook_of("from llmbook import lower"))
    changed = notebook_of("from llmbook import lower  # the lower module")
    changed.cells[0].source = "# Another title"
    assert notebooks.fingerprint(changed) == before


def test_the_fingerprint_sees_a_change_of_the_library(library):
    notebook = notebook_of("from llmbook import lower", "lower.f(1)")
    before = notebooks.fingerprint(notebook)
    (library / "lower.py").write_text("def f(x):\n    return 3 * x\n")
    assert notebooks.fingerprint(notebook) != before


def test_the_fingerprint_sees_a_change_of_the_notebook(library):
    assert notebooks.fingerprint(notebook_of("x = 1")) != notebooks.fingerprint(
        notebook_of("x = 2")
    )


def test_a_notebook_runs_into_a_normal_form_that_a_second_run_repeats(tmp_path):
    path = tmp_path / "sample.ipynb"
    source = "import sys\nprint('seen', file=sys.stderr)\nprint(1)\nprint(2)"
    nbformat.write(notebook_of(source), path)
    assert notebooks.is_stale(path)
    took = notebooks.execute(path)
    assert took["seconds"] > 0
    assert took["cpu_seconds"] > 0
    assert 10 < took["peak_megabytes"] < 2000  # Python and a kernel
    first = path.read_bytes()
    assert not notebooks.is_stale(path)
    edited = notebooks.read(path)
    assert edited.metadata["llmbook"]["seal"] == notebooks.seal(edited)
    edited.cells[1].outputs[0]["text"] = "1\n3\n"
    assert edited.metadata["llmbook"]["seal"] != notebooks.seal(edited)
    assert [
        output["text"] for output in notebooks.read(path).cells[1].outputs
    ] == ["1\n2\n"]
    notebooks.execute(path)
    assert path.read_bytes() == first


def test_what_a_run_took_is_kept_apart_and_replaced_by_the_next(tmp_path):
    file = tmp_path / "run_times.json"
    notebooks.record(Path("01_a.ipynb"), {"seconds": 2.0}, file)
    notebooks.record(Path("02_b.ipynb"), {"seconds": 3.0}, file)
    notebooks.record(Path("01_a.ipynb"), {"seconds": 4.0}, file)
    records = json.loads(file.read_text(encoding="utf-8"))
    assert {name: run["seconds"] for name, run in records.items()} == {
        "01_a": 4.0,
        "02_b": 3.0,
    }
    assert "cores" in records["01_a"]["machine"]


def test_every_notebook_has_its_run_recorded_and_no_other():
    records = json.loads(notebooks.RUN_TIMES.read_text(encoding="utf-8"))
    assert set(records) == {path.stem for path in notebooks.notebooks()}
    assert all(run["peak_megabytes"] < 4000 for run in records.values())


def test_figures_are_stored_with_a_palette_and_look_the_same():
    gradient = np.linspace(0, 255, 128).astype(np.uint8)
    pixels = np.stack(
        [np.tile(gradient, (32, 1))] * 2 + [np.full((32, 128), 200, np.uint8)],
        -1,
    )
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    compact = notebooks.compact_png(base64.b64encode(file.getvalue()).decode())
    image = Image.open(io.BytesIO(base64.b64decode(compact)))
    assert image.mode == "P"
    assert (
        np.abs(np.asarray(image.convert("RGB")).astype(int) - pixels).max() <= 2
    )
    assert notebooks.compact_png(compact) == compact


def test_the_normal_form_keeps_tags_and_descriptions_only():
    notebook = notebook_of("1")
    notebook.cells[1].metadata = {
        "tags": ["solution"],
        "scrolled": True,
        "mystnb": {"image": {"alt": "text"}},
    }
    notebook.cells[1].outputs = [
        new_output("stream", name="stderr", text="noise")
    ]
    normal = nbformat.reads(notebooks.normal_form(notebook), 4)
    assert normal.cells[1].metadata == {
        "tags": ["solution"],
        "mystnb": {"image": {"alt": "text"}},
    }
    assert normal.cells[1].outputs == []
