"""Mutation testing: what is changed, what is not, how a verdict is found, and the figures that stand in the book."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

pytest.importorskip("resource", reason="Windows forks no processes")
import mutation

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "mutation"
TARGETS = tomllib.loads((FOLDER / "targets.toml").read_text(encoding="utf-8"))
MODULES = {
    name: tests
    for group in TARGETS["groups"].values()
    for name, tests in group["modules"].items()
}

TOY = '''"""A module. 1 + 1"""


def last(numbers, places: "1" = 1, *, start=0):
    """Return -1."""
    if len(numbers) < 1:
        raise ValueError(f"numbers must have one, got {len(numbers) - 1}")
    total: "2" = start
    while total < places:
        total = total + 1
    return numbers[-total]


class Box:
    def __repr__(self):
        return "box" * 2
'''

TOY_TEST = """import pytest
from toy import last


def test_last():
    assert last([5, 7]) == 7


def test_nothing():
    with pytest.raises(ValueError):
        last([])
"""

TOY_TARGETS = """folder = "."
patience = 1
preload = []
operators = ["NumberReplacer", "ReplaceBinaryOperator_Add_Sub", "ReplaceComparisonOperator_Lt_LtE"]

[groups.toys]
"at least" = 80
modules.toy = ["test_toy.py"]
"""


def at(text):
    """Where a text first stands in the toy."""
    before = TOY[: TOY.index(text)]
    return before.count("\n") + 1, len(before) - before.rfind("\n") - 1


@pytest.mark.parametrize("text", ["1:", "-total", "0):", "= 1, *", "= start"])
def test_what_the_code_does_is_a_subject(text):
    spans = mutation.spans_without_subject(TOY)
    assert mutation.is_subject(
        (at(text)[0], at(text)[1] + 2 * text.startswith("=")), spans
    )


@pytest.mark.parametrize(
    "text", ["- 1}", '"1"', '"2"', "*, start", "2\n", "places:"]
)
def test_messages_annotations_and_representations_are_no_subjects(text):
    spans = mutation.spans_without_subject(TOY)
    assert not mutation.is_subject(at(text), spans)


def test_columns_count_characters_as_the_mutator_does():
    source = "def f(x='é', y=1): return x, y\n"
    spans = mutation.spans_without_subject(source)
    assert mutation.is_subject((1, source.index("1")), spans)
    assert not mutation.is_subject((1, source.index("1") + 1), spans)


def test_equal_bytecode_is_seen_through_another_spelling():
    one, same, other = (
        mutation.compiled(f"def f(x):\n    {body}")
        for body in (
            "return not x is None",
            "return (\n    x is not None)",
            "return x is None",
        )
    )
    assert one == same != other
    assert mutation.compiled("def f(:") is None


def test_a_difference_is_told_without_its_margin():
    assert mutation.difference("a\n  b  c\nd\n", "a\n  b d\nd\n") == (
        "b c",
        "b d",
    )


def run(folder, *options):
    """Run the tool on the toy and return its exit status, its figures and what it printed."""
    done = subprocess.run(
        [
            sys.executable,
            str(ROOT / "tools" / "mutation.py"),
            "--folder",
            str(folder / "mutation"),
            *options,
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={"PATH": "", "PYTHONPATH": str(folder)},
    )
    results = json.loads((folder / "mutation" / "results.json").read_text())
    return done.returncode, results["toy"], done.stdout


def test_survivors_are_found_tried_again_and_given_their_reason(tmp_path):
    (tmp_path / "mutation").mkdir()
    (tmp_path / "mutation" / "targets.toml").write_text(TOY_TARGETS)
    reasons = tmp_path / "mutation" / "survivors.toml"
    reasons.write_text("")
    (tmp_path / "toy.py").write_text(TOY)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    tests = tmp_path / "test_toy.py"
    tests.write_text(TOY_TEST)

    status, figures, printed = run(tmp_path)
    # of `len(numbers) < 1` +1 and <=; of start +1, -1; of places +1, -1; of `total + 1` +1, -1 (never ends)
    # and minus (never ends); of `total < places` <=
    assert "toy: 11 mutants" in printed
    assert figures["mutants"] == 11
    survivors = figures["mutants"] - figures["killed"]
    assert survivors == figures["without a reason"] > 0
    assert status == 1
    assert 'now = "if len(numbers) < 2:"' in printed
    assert (tmp_path / "toy.py").read_text() == TOY

    # a new test: only the survivors are tried again
    tests.write_text(
        TOY_TEST
        + "\n\ndef test_more():\n    assert last([5]) == 5\n"
        + "    assert last([5, 7], 2) == 5\n    assert last([5, 7], start=2) == 5\n"
    )
    status, figures, printed = run(tmp_path)
    assert f"toy: {survivors} mutants" in printed
    assert 'now = "if len(numbers) < 2:"' not in printed
    left = figures["without a reason"]
    assert figures["mutants"] - figures["killed"] == left < survivors

    # what is left gets its reason, and nothing is tried again
    entry = printed.partition("[[survivor]]")[2].partition("#")[0]
    reasons.write_text(
        f'[[survivor]]{entry}\nkind = "equivalent"\nreason = "…"\n'
    )
    _, figures, printed = run(tmp_path)
    assert "mutants, tests of" not in printed
    assert figures["equivalent"] == 1
    assert figures["without a reason"] == left - 1

    # afresh, all are tried
    assert "toy: 11 mutants" in run(tmp_path, "--afresh")[2]


def test_a_test_that_fails_on_the_code_as_it_is_is_named(tmp_path):
    (tmp_path / "mutation").mkdir()
    (tmp_path / "mutation" / "targets.toml").write_text(TOY_TARGETS)
    (tmp_path / "mutation" / "survivors.toml").write_text("")
    (tmp_path / "toy.py").write_text(TOY)
    (tmp_path / "test_toy.py").write_text("def test_wrong():\n    assert 0\n")
    done = subprocess.run(
        [
            sys.executable,
            str(ROOT / "tools" / "mutation.py"),
            "--folder",
            str(tmp_path / "mutation"),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={"PATH": "", "PYTHONPATH": str(tmp_path)},
    )
    assert done.returncode == 1
    assert "test_toy.py::test_wrong on the code as it is" in done.stderr


def test_every_module_of_the_mathematics_and_every_method_is_a_target():
    for package in ("mathematics", "feedback/methods"):
        for path in (ROOT / "src" / "llmbook" / package).glob("[!_]*.py"):
            name = f"llmbook.{package.replace('/', '.')}.{path.stem}"
            assert MODULES[name]
    assert MODULES["llmbook.models.layers"]
    for tests in MODULES.values():
        assert all((ROOT / test).exists() for test in tests)


RESULTS = json.loads((FOLDER / "results.json").read_text(encoding="utf-8"))
REASONS = tomllib.loads((FOLDER / "survivors.toml").read_text("utf-8"))


@pytest.mark.parametrize("group", TARGETS["groups"])
def test_the_recorded_scores_reach_their_aims(group):
    aim = TARGETS["groups"][group]
    total = {"tried": 0, "killed": 0, "equivalent": 0}
    for name in aim["modules"]:
        assert RESULTS[name]["group"] == group
        assert RESULTS[name]["without a reason"] == 0
        for kind in total:
            total[kind] += RESULTS[name][kind]
    assert mutation.score(total) >= aim["at least"]


def test_every_survivor_has_a_reason_that_is_a_sentence():
    reasons = REASONS["survivor"]
    for entry in reasons:
        assert entry["module"] in MODULES
        assert entry["kind"] in ("equivalent", "let live")
        assert len(entry["reason"].split()) > 3
    keys = mutation.read_reasons(FOLDER / "survivors.toml")
    assert len(keys) == len(reasons)
    for name, figures in RESULTS.items():
        listed = sum(entry["module"] == name for entry in reasons)
        assert listed <= figures["equivalent"] + figures["let live"]
