"""Every exercise of the book: its folded solution passes its check, and typical wrong answers do not."""

import importlib.util
import re
from pathlib import Path

import nbformat
import numpy as np
import pytest

from llmbook.exercises import check, examine

ROOT = Path(__file__).parent.parent
SOLUTIONS = [
    pytest.param(cell.source, id=f"{path.stem}-{cell.id}")
    for path in sorted((ROOT / "chapters").glob("*.ipynb"))
    for cell in nbformat.read(path, 4).cells
    if "solution" in cell.metadata.get("tags", [])
]


def answers(kind):
    for path in sorted((ROOT / "tests" / f"{kind}_answers").glob("*.py")):
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for name, given in getattr(module, kind.upper()).items():
            for number, answer in enumerate(given):
                yield pytest.param(name, answer, id=f"{name}-{number}")


@pytest.mark.parametrize("source", SOLUTIONS)
def test_the_solution_is_accepted(source, capsys):
    exec(compile(source, "<solution>", "exec"), {"__name__": "__main__"})
    printed = capsys.readouterr().out
    assert re.search(
        r"^Exercise \d+\.\d+: correct\.$", printed, re.MULTILINE
    ), printed
    assert "not yet" not in printed


@pytest.mark.parametrize(("name", "answer"), list(answers("wrong")))
def test_a_wrong_answer_is_rejected_with_a_reason_and_a_hint(
    name, answer, capsys
):
    check(name, answer)
    printed = capsys.readouterr().out
    assert f"Exercise {name}: not yet." in printed
    assert "\nHint: " in printed


@pytest.mark.parametrize(("name", "answer"), list(answers("right")))
def test_another_right_answer_is_accepted(name, answer):
    with np.errstate(all="ignore"):
        assert examine(name, answer) is None


def test_every_exercise_of_a_chapter_has_wrong_answers_and_a_solution():
    posed, solved, tried = (
        set(),
        set(),
        {parameter.values[0] for parameter in answers("wrong")},
    )
    for path in sorted((ROOT / "chapters").glob("*.ipynb")):
        for cell in nbformat.read(path, 4).cells:
            posed |= set(
                re.findall(
                    r"^### Exercise (\d+\.\d+)", cell.source, re.MULTILINE
                )
            )
            if "solution" in cell.metadata.get("tags", []):
                solved |= set(re.findall(r'check\("(\d+\.\d+)"', cell.source))
    assert posed == solved == tried


def test_an_unknown_exercise_is_named():
    with pytest.raises(ValueError, match=r"99\.1"):
        examine("99.1", None)
    for name in ("one", "2.99", 2.1, None, ["2.1"], b"2.1"):
        for ask in (examine, check):
            with pytest.raises(ValueError, match="name must be that of an"):
                ask(name, None)


def test_the_stub_and_a_crash_are_explained():
    def stub(*arguments):
        raise NotImplementedError

    def crash(*arguments):
        raise KeyError("x")

    assert "still the stub" in examine("2.1", stub)
    assert "KeyError" in examine("2.1", crash)
