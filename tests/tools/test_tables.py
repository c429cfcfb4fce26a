"""The appendix's tables: formulas, run times and licences that stand elsewhere already."""

import re
from pathlib import Path

import pytest
from booksite import tables

ROOT = Path(__file__).parents[2]
RUN = {
    "seconds": 12.4,
    "cpu_seconds": 20.6,
    "peak_megabytes": 1234,
    "machine": "a chip, 2 cores",
    "date": "2026-11-25",
}


def test_a_row_of_the_cheat_sheet_gets_the_formula_of_its_label():
    text = (
        "| what | formula | at |\n|---|---|---|\n| a | eq-a |\n| b | eq-b |\n"
    )
    filled, unknown = tables.cheat_sheet(text, {"eq-a": "p(x | y) = \\|z\\|"})
    assert (
        "| a | {eq}`eq-a` | $\\displaystyle p(x \\vert  y) = \\Vert z\\Vert $ |"
        in filled
    )
    assert unknown == ["eq-b"]


def test_the_cheat_sheet_names_equations_of_the_chapters_each_once():
    text = (
        (ROOT / tables.CHEAT_SHEET)
        .with_suffix(".md")
        .read_text(encoding="utf-8")
    )
    labels = [label for _, label in tables.ROW.findall(text)]
    assert len(labels) == len(set(labels)) > 30
    known = tables.formulas(ROOT / "chapters")
    assert set(labels) <= set(known)
    assert known["eq-sgd"] == r"\theta_t = \theta_{t-1} - \eta \, g_t"


def test_run_times_are_added_up_and_their_machine_named():
    table = tables.run_times({"02_b": RUN, "01_a": RUN | {"seconds": 3.0}})
    assert table.index("01_a") < table.index("02_b")
    assert "| {doc}`/chapters/02_b` | 12 | 21 | 1.2 | 2026-11-25 |" in table
    assert "| all | 15 | 41 |" in table
    assert table.endswith("Measured on: a chip, 2 cores.")


def test_mutants_are_added_up_by_group_and_equivalent_ones_do_not_count():
    figures = {"mutants": 12, "tried": 10, "killed": 6, "equivalent": 2}
    told = {"let live": 2, "group": "toys", "date": "2026-11-25"}
    more = {"mutants": 5, "tried": 5, "killed": 5, "equivalent": 0}
    table = tables.mutants(
        {
            "llmbook.toys.bear": figures | told,
            "llmbook.toys.doll": more
            | told
            | {"let live": 0, "date": "2026-11-26"},
        }
    )
    assert "| toys.bear | 12 | 10 | 2 | 2 | 6 | 75.0 % |" in table
    assert "| toys.doll | 5 | 5 | 0 | 0 | 5 | 100.0 % |" in table
    assert "| **toys** | 17 | 15 | 2 | 2 | 11 | 84.6 % |" in table
    assert table.endswith("Tried on 2026-11-25 and 2026-11-26.")


@pytest.mark.parametrize("name", ["numpy", "pytest", "keras", "Sphinx"])
def test_a_licence_is_found_in_a_packages_metadata(name):
    assert re.search("MIT|BSD|Apache", tables.licence(name))


def test_every_pinned_package_has_a_row():
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    table = tables.licences(text)
    assert table.count("\n") - 1 == len(
        re.findall(r"^[\w.-]+==", text, re.MULTILINE)
    )
    assert tables.licence("no-such-package-at-all") == "not installed here"
