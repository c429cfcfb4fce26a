import hashlib
import json
import re

import pytest

from llmbook.corpora import docstrings
from llmbook.corpora.docstrings import (
    PACKAGES,
    Pair,
    load_docstrings,
    pairs_of,
    split_by_module,
    summary_and_body,
)

PROSE = "It looks at every value once, and remembers the largest that it has met so far."


def silent(_):
    pass


@pytest.fixture(scope="module")
def babel():
    return load_docstrings(["babel"], report=silent)


def test_every_packaged_pair_is_prose_of_the_promised_length(babel):
    assert len(babel) > 30
    for pair in babel:
        assert pair.package == "babel"
        assert 3 <= len(pair.summary.split()) <= 18
        assert len(pair.body.split()) >= 10
        assert not re.search(r"[`*\n]|>>>|:param", pair.summary + pair.body)
    assert len({pair.summary.lower() for pair in babel}) == len(babel)


def test_the_pairs_are_the_same_in_every_python():
    """Chapters 11 and 12 and their records stand on these very pairs."""
    said = []
    pairs = load_docstrings(report=said.append)
    assert said == [
        "39,628 docstrings; 12,173 with a summary and prose; 1,891 repeats"
        " dropped; 10,282 kept."
    ]
    digest = hashlib.sha256(json.dumps(pairs).encode()).hexdigest()
    assert digest == (
        "44b6499b6605f09d79307c1df50aa9138fe60a4aad9eb046c27e04201c9397b2"
    ), "is what requirements.txt names installed? Are all builds alike?"


def test_modules_are_read_in_the_order_of_their_names(tmp_path, monkeypatch):
    """A capital comes before a small letter, on every system."""
    modules = [
        "B.py",
        "a.py",
        "a/Z.py",
        "a/b.py",
        "distutils/c.py",
        "windows_lib_diagnostics.py",
    ]
    for number, module in enumerate(modules):
        path = tmp_path / module
        path.parent.mkdir(exist_ok=True)
        summary = f"Return the value number {number}."
        path.write_text(
            f'def f():\n    """{summary}\n\n    {number} {PROSE}"""'
        )
    monkeypatch.setattr(docstrings, "_root", lambda package: tmp_path)
    pairs = load_docstrings(["p"], report=silent)
    assert [pair.module for pair in pairs] == [
        "B.py",
        "a/Z.py",
        "a/b.py",
        "a.py",
    ]


def test_the_report_counts_what_was_dropped_and_kept(capsys, babel):
    load_docstrings(["babel"])
    numbers = [
        int(n.replace(",", ""))
        for n in re.findall(r"[\d,]*\d", capsys.readouterr().out)
    ]
    found, pairs, repeats, kept = numbers
    assert found >= pairs == repeats + kept
    assert kept == len(babel)


def test_every_package_is_pinned_by_the_book():
    from importlib.metadata import packages_distributions
    from pathlib import Path

    pinned = (
        (Path(__file__).parents[2] / "requirements.txt").read_text().lower()
    )
    distributions = packages_distributions()
    for package in PACKAGES:
        assert any(
            f"\n{name.lower().replace('_', '-')}==" in pinned
            for name in distributions[package]
        ), package


@pytest.mark.parametrize(
    "ending",
    [
        "Parameters\n----------\nx : int\n    The values that are to be looked at, one by one.",
        "Args:\n    x: The values that are to be looked at, one by one.",
        ":param x: the values that are to be looked at, one by one",
        ">>> largest([1, 2])\n2",
        "Call arguments:\n    x: the values",
        ".. versionadded:: 1.0",
        "```python\nlargest(x)\n```",
        "- the first of the values that are given\n- the second of the values",
        "    indented = code",
    ],
)
def test_prose_ends_where_something_else_begins(ending):
    found = summary_and_body(
        f"Return the largest value.\n\n{PROSE}\n\n{ending}\n"
    )
    assert found == ("Return the largest value.", PROSE)


def test_marks_and_roles_leave_their_words():
    docstring = f"Return the *largest* of ``x``.\n\nHere :func:`~a.largest` is meant. {PROSE}"
    assert summary_and_body(docstring) == (
        "Return the largest of x.",
        f"Here a.largest is meant. {PROSE}",
    )


@pytest.mark.parametrize(
    "docstring",
    [
        "Return the largest value.",
        "Return the largest value.\n\nToo short a body.",
        f"Largest.\n\n{PROSE}",
        f"{'word ' * 19}\n\n{PROSE}",
        f"Args: the values to look at\n\n{PROSE}",
        f"(c) by somebody\n\n{PROSE}",
        "",
    ],
)
def test_a_docstring_without_summary_or_prose_gives_nothing(docstring):
    assert summary_and_body(docstring) == ("", "")


def test_names_are_dotted_and_files_that_are_no_python_are_passed_over(
    tmp_path,
):
    path = tmp_path / "module.py"
    docstring = f'"""Return the largest value.\n\n{PROSE}\n"""'
    path.write_text(f"class A:\n    def f(self):\n        {docstring!s}\n")
    assert [pair.name for pair in pairs_of(path)] == ["A.f"]
    path.write_text("def broken(:\n")
    assert pairs_of(path) == []
    path.write_bytes(b"\xff\xfe\x00")
    assert pairs_of(path) == []


def test_a_package_that_is_missing_is_named():
    with pytest.raises(FileNotFoundError, match="no_such_package"):
        load_docstrings(["no_such_package"], report=silent)


def test_parts_share_no_module_and_no_body():
    pairs = [
        Pair(
            "p",
            f"m{i // 3}",
            f"f{i}",
            "A summary of it.",
            f"{i} " + f"word{i} goes on " * 5,
        )
        for i in range(300)
    ]
    copy = pairs[0]._replace(summary="Another summary of it.")
    pairs += [copy._replace(module=f"copy{i}") for i in range(100)]
    parts = split_by_module(pairs)
    modules = [{pair.module for pair in part} for part in parts.values()]
    assert sum(map(len, modules)) == len(set().union(*modules))
    assert all(parts.values())
    if any(pair.body == copy.body for pair in parts["training"]):
        assert not any(
            pair.body == copy.body
            for pair in parts["validation"] + parts["test"]
        )
    assert split_by_module(pairs[::-1]).keys() == parts.keys()


@pytest.mark.parametrize("shares", [(0, 0.1), (0.5, 0.5)])
def test_shares_must_leave_something(shares):
    with pytest.raises(ValueError, match="shares"):
        split_by_module([], shares)
