"""A reader changes an early cell: "Run all" reaches the end and names what no longer holds, while a test of the
book with the same change fails.
"""

import copy
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

CHAPTERS = Path(__file__).parents[2] / "chapters"
TOLD = "After your change this no longer holds: "
CHANGES = {
    "02_attention": (
        "query = np.array([1.0, 2.0])",
        "query = np.array([2.0, -1.0])",
        "scores == [2, 1, 0]",
    ),
    "03_loss": (
        "tosses = np.array([1, 1, 0, 1, 1, 1, 0, 1, 0, 1])",
        "tosses = np.array([0, 1, 0, 0, 1, 0, 0, 1, 0, 1])",
        "likelihood(0.7, tosses) > max(",
    ),
    "04_forward_backward": (
        "x, w, b, t = 2.0, -0.5, 0.3, 1.0",
        "x, w, b, t = 2.0, 3.0, 0.3, 1.0",
        "",
    ),
}


def changed(name, old, new):
    """Return a notebook with a change, as a reader would make it."""
    notebook = nbformat.read(CHAPTERS / f"{name}.ipynb", as_version=4)
    (cell,) = (
        cell
        for cell in notebook.cells
        if cell.cell_type == "code" and old in cell.source
    )
    cell.source = cell.source.replace(old, new)
    return notebook


def run_all(notebook):
    """Run every cell in a kernel of its own."""
    resources = {"metadata": {"path": str(CHAPTERS)}}
    NotebookClient(
        notebook, timeout=600, kernel_name="python3", resources=resources
    ).execute()


@pytest.mark.parametrize("name", CHANGES)
def test_a_reader_s_change_is_told_and_the_notebook_reaches_its_end(
    name, monkeypatch
):
    old, new, claim = CHANGES[name]
    monkeypatch.delenv("LLMBOOK_CLAIMS", raising=False)
    notebook = changed(name, old, new)
    run_all(notebook)
    printed = "".join(
        output.get("text", "")
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
    )
    assert TOLD + claim in printed
    last = [cell for cell in notebook.cells if cell.cell_type == "code"][-1]
    assert last.execution_count is not None


@pytest.mark.parametrize("name", CHANGES)
def test_the_same_change_fails_the_book_s_own_test(name, monkeypatch):
    old, new, _ = CHANGES[name]
    monkeypatch.setenv("LLMBOOK_CLAIMS", "strict")
    with pytest.raises(CellExecutionError, match="AssertionError"):
        run_all(copy.deepcopy(changed(name, old, new)))
