"""The stored notebooks: in normal form, up to date with their code and with the library, and described for every reader."""

import ast
import base64
import io
import json
import random
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import notebooks
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lock import alone
from nbformat.v4 import (
    new_code_cell,
    new_markdown_cell,
    new_notebook,
    new_output,
)
from pictures import on_white
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
            if {"image/png", "image/svg+xml"} & set(output.get("data", {}))
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


@given(
    colour=st.tuples(*[st.integers(0, 255)] * 3),
    opacity=st.integers(0, 255),
    mode=st.sampled_from(["RGBA", "LA", "PA"]),
)
def test_what_is_transparent_shows_white_paper(colour, opacity, mode):
    image = Image.new("RGBA", (2, 1), (*colour, opacity)).convert(mode)
    seen = np.array(image.convert("RGBA"), float)[0, 0]
    expected = 255 + (seen[:3] - 255) * seen[3] / 255
    shown = np.asarray(on_white(image))[0, 0]
    assert np.abs(shown - expected).max() <= 1


def test_greys_of_sixteen_bits_stay_apart():
    greys = np.arange(0, 2**16, 2**8, dtype=np.uint16)[None]  # (1, 256)
    file = io.BytesIO()
    Image.fromarray(greys).save(file, "PNG")
    shown = np.asarray(on_white(Image.open(file)))[0]  # (256, 3)
    np.testing.assert_array_equal(shown, np.arange(256)[:, None].repeat(3, 1))


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_a_drawing_on_a_transparent_ground_keeps_its_lines(mode):
    image = Image.new("LA", (9, 9), (0, 0))
    image.putpixel((4, 4), (0, 255))
    file = io.BytesIO()
    if mode == "P":  # whose first colour is transparent, and black
        pixels = Image.new("P", (9, 9), 0)
        pixels.putpalette([0, 0, 0, 0, 0, 0])
        pixels.putpixel((4, 4), 1)
        pixels.save(file, "PNG", transparency=0)
    else:
        image.convert(mode).save(file, "PNG")
    compact = notebooks.compact_png(base64.b64encode(file.getvalue()).decode())
    stored = Image.open(io.BytesIO(base64.b64decode(compact))).convert("L")
    expected = np.full((9, 9), 255)
    expected[4, 4] = 0
    np.testing.assert_array_equal(np.asarray(stored), expected)


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


# Notebooks that fail, and runs that are stopped.


@pytest.fixture
def book(tmp_path):
    """A folder with the tool and no notebook yet."""
    (tmp_path / "tools").mkdir()
    (tmp_path / "chapters").mkdir()
    (tmp_path / "appendix").mkdir()
    for name in ("notebooks.py", "lock.py", "pictures.py"):
        shutil.copy(TESTS.parent / "tools" / name, tmp_path / "tools")
    return tmp_path


def add(book, name, *sources):
    path = book / "chapters" / f"{name}.ipynb"
    nbformat.write(notebook_of(*sources), path)
    return path


def start(book, *names):
    return subprocess.Popen(
        [sys.executable, "tools/notebooks.py", "execute", *names],
        cwd=book,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def outputs(path):
    return [
        output.get("text", output.output_type)
        for cell in code_cells(path)
        for output in cell.outputs
    ]


def test_one_bad_notebook_stops_no_other(book):
    broken = book / "chapters" / "01_broken.ipynb"
    broken.write_text('{"cells": [')
    other = book / "chapters" / "02_list.ipynb"
    other.write_text("[1, 2]")
    error = add(book, "03_error", "print('computed')", "x = 0\n1 / x")
    before = error.read_bytes()
    add(book, "04_syntax", "print('computed')", "print(")
    magic = add(book, "05_magic", "%env\nprint('ran')", "!echo shell")
    plain = add(book, "06_plain", "print('ran')")
    process = start(book)
    said, errors = process.communicate()
    assert process.returncode == 1
    assert "Traceback" not in errors
    assert errors.strip().splitlines()[-1] == (
        "FAILED: 01_broken.ipynb, 02_list.ipynb, 03_error.ipynb,"
        " 04_syntax.ipynb"
    )
    assert "01_broken.ipynb is not a notebook: " in said
    assert "02_list.ipynb is not a notebook: " in said
    assert (
        "03_error.ipynb: code cell 2, which begins 'x = 0', failed:"
        " ZeroDivisionError: division by zero" in said
    )
    assert "04_syntax.ipynb: code cell 2, which begins 'print('" in said
    assert broken.read_text() == '{"cells": ['
    assert error.read_bytes() == before
    kept = book / "_build" / "failed" / error.name
    assert outputs(kept) == ["computed\n", "error"]
    assert outputs(magic)[-1].split() == ["shell"]
    assert outputs(plain) == ["ran\n"]
    records = json.loads((book / "appendix" / "run_times.json").read_text())
    assert set(records) == {"05_magic", "06_plain"}


def test_a_notebook_that_is_edited_while_it_runs_is_not_overwritten(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(notebooks, "FAILED", tmp_path / "failed")
    path = tmp_path / "sample.ipynb"
    edit = f"with open({str(path)!r}, 'w') as file:\n    file.write('mine');"
    nbformat.write(notebook_of("print('computed')", edit), path)
    with pytest.raises(notebooks.Failure, match=r"sample\.ipynb was edited"):
        notebooks.execute(path)
    assert path.read_text() == "mine"
    assert outputs(tmp_path / "failed" / path.name) == ["computed\n"]


def test_a_kernel_that_dies_is_a_failure_like_another(tmp_path, monkeypatch):
    monkeypatch.setattr(notebooks, "FAILED", tmp_path / "failed")
    path = tmp_path / "sample.ipynb"
    nbformat.write(notebook_of("1", "import os\nos._exit(1)"), path)
    with pytest.raises(notebooks.Failure, match=r"cell 2, .*: Kernel died"):
        notebooks.execute(path)


def test_a_kill_at_any_moment_leaves_whole_notebooks_and_a_second_run_ends_it(
    book,
):
    paths = [add(book, f"0{i}", f"print({i})") for i in (1, 2)]
    before = {path: path.read_bytes() for path in paths}
    moment = random.Random(1)
    for _ in range(2):
        process = start(book)
        assert process.stdout.readline().endswith(": running\n")
        time.sleep(moment.uniform(0, 4))
        process.kill()
        process.communicate()
        for path in paths:
            if path.read_bytes() != before[path]:
                notebook = notebooks.read(path)
                assert notebook.metadata["llmbook"]["seal"] == notebooks.seal(
                    notebook
                )
    process = start(book)
    _, errors = process.communicate()
    assert process.returncode == 0, errors
    assert [outputs(path) for path in paths] == [["1\n"], ["2\n"]]
    records = json.loads((book / "appendix" / "run_times.json").read_text())
    assert set(records) == {"01", "02"}
    assert list(book.rglob("*.unfinished")) == []


def test_two_runs_at_once_do_not_mix(book):
    path = add(book, "01_plain", "print('ran')")
    with alone(book / "_build" / "execute.lock", "The first run"):
        second = start(book)
        assert (
            second.stdout.readline() == "Another run of the notebooks is under"
            " way: waiting until it is done\n"
        )
        assert outputs(path) == []
    said, _ = second.communicate()
    assert said.startswith("01_plain.ipynb: running\n")
    assert outputs(path) == ["ran\n"]


@pytest.mark.parametrize("reason", ["No space left on device", "Read-only"])
def test_a_disk_that_takes_nothing_is_told_in_one_line(
    tmp_path, monkeypatch, reason
):
    def full(path):
        raise OSError(28, reason, str(path))

    path = tmp_path / "sample.ipynb"
    nbformat.write(notebook_of("1"), path)
    before = path.read_bytes()
    monkeypatch.setattr(notebooks, "LOCK", tmp_path / "execute.lock")
    monkeypatch.setattr(notebooks, "whole", full)
    monkeypatch.setattr(sys, "argv", ["notebooks.py", "execute", str(path)])
    with pytest.raises(SystemExit) as stopped:
        notebooks.main()
    assert stopped.value.code == f"{path}: {reason}"
    assert path.read_bytes() == before


def test_a_build_folder_that_cannot_be_made_is_told_in_one_line(book):
    (book / "_build").write_text("a file")
    said, errors = start(book).communicate()
    assert re.fullmatch(r".*_build: .+\n", errors), errors
    assert said == ""
