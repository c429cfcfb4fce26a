"""Fill tables of the appendix from what the book holds already, so that it
holds nothing twice.

- A row ``| name | eq-attention |`` of the cheat sheet gets the formula that a chapter so labels.
- ``% run times`` becomes the table of what each notebook took when it was last run.
- ``% mutants`` becomes the table of the mutants of the code that tests have killed.
- ``% licences`` becomes the table of the installed packages that ``requirements.txt`` pins.
"""

import json
import re
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

import nbformat
from sphinx.util import logging

LOGGER = logging.getLogger(__name__)
CHEAT_SHEET = "appendix/cheatsheet"
RUN_TIMES = "appendix/run_times"
TESTING = "appendix/testing"
LICENCES = "appendix/licences"
EQUATION = re.compile(r"\$\$(.+?)\$\$\s*\((eq-[\w-]+)\)", re.DOTALL)
ROW = re.compile(r"^\| (.+?) \| (eq-[\w-]+) \|$", re.MULTILINE)


def prose(folder):
    """Yield the text cells of a folder's notebooks, in order, each with its
    notebook's path.
    """
    for path in sorted(folder.glob("*.ipynb")):
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "markdown":
                yield path, cell.source


def formulas(folder):
    """Return the TeX of each labelled equation of a folder's notebooks."""
    return {
        label: " ".join(tex.split()).rstrip(" .,:")
        for _, text in prose(folder)
        for tex, label in EQUATION.findall(text)
    }


def in_a_cell(tex):
    r"""Return TeX with ``\vert`` for the bars, which would end a table's cell,
    and less room.
    """
    return (
        tex.replace(r"\|", r"\Vert ")
        .replace("|", r"\vert ")
        .replace(r"\qquad", r"\quad")
    )


def cheat_sheet(text, known):
    """Fill the rows of the cheat sheet; return its text, and the labels that no
    chapter has.
    """
    unknown = []

    def row(match):
        name, label = match.groups()
        if label not in known:
            unknown.append(label)
            return match[0]
        return (
            f"| {name} | {{eq}}`{label}` | $\\displaystyle"
            f" {in_a_cell(known[label])}$ |"
        )

    return ROW.sub(row, text), unknown


def run_times(records):
    """Return the table of run times, one row a notebook, and a sentence for
    each machine.
    """
    rows = [
        f"| {{doc}}`/chapters/{name}` | {run['seconds']:.0f} |"
        f" {run['cpu_seconds']:.0f} | {run['peak_megabytes'] / 1000:.1f} |"
        f" {run['date']} |"
        for name, run in sorted(records.items())
    ]
    total = sum(run["seconds"] for run in records.values())
    cpu = sum(run["cpu_seconds"] for run in records.values())
    machines = sorted({run["machine"] for run in records.values()})
    return "\n".join(
        [
            "| chapter | seconds | CPU-seconds | peak memory, GB | run on |",
            "|---|--:|--:|--:|---|",
            *rows,
            f"| all | {total:.0f} | {cpu:.0f} | | |",
            "",
            "Measured on: " + "; ".join(machines) + ".",
        ]
    )


def mutants(records):
    """Return the table of the mutants, one row a module and one a group, and
    when they were tried.
    """
    groups = {}
    for name, figures in records.items():
        groups.setdefault(figures["group"], {})[name] = figures
    counts = "mutants", "tried", "equivalent", "let live", "killed"
    rows = []
    for group, modules in groups.items():
        total = {
            kind: sum(figures[kind] for figures in modules.values())
            for kind in counts
        }
        for name, figures in [
            *modules.items(),
            (f"**{group}**", total),
        ]:
            score = 100 * figures["killed"]
            score /= figures["tried"] - figures["equivalent"]
            numbers = " | ".join(str(figures[kind]) for kind in counts)
            rows.append(
                f"| {name.removeprefix('llmbook.')} | {numbers} | {score:.1f} % |"
            )
    dates = sorted({figures["date"] for figures in records.values()})
    return "\n".join(
        [
            "| module | mutants | tried | equivalent | let live | killed | score |",
            "|---|--:|--:|--:|--:|--:|--:|",
            *rows,
            "",
            f"Tried on {' and '.join(dates)}.",
        ]
    )


def licence(package):
    """Return what an installed package's metadata say of its licence, in a few
    words.
    """
    try:
        data = metadata(package)
    except PackageNotFoundError:
        return "not installed here"
    classified = [
        classifier.rpartition(" :: ")[2]
        for classifier in data.get_all("Classifier") or []
        if classifier.startswith("License ::")
        and classifier != "License :: OSI Approved"
    ]
    first_line = (data.get("License") or "").strip().partition("\n")[0]
    said = data.get("License-Expression") or ", ".join(classified) or first_line
    return said if said and len(said) < 90 else "see the package"


def licences(requirements):
    """Return the table of the packages pinned in the text of a requirements
    file.
    """
    pins = re.findall(r"^([\w.-]+)==([\w.+-]+)", requirements, re.MULTILINE)
    rows = [
        f"| {name} | {version} | {licence(name)} |" for name, version in pins
    ]
    return "\n".join(
        ["| package | version | licence |", "|---|---|---|", *rows]
    )


def fill(app, docname, source):
    """Fill the tables of a page."""
    root = Path(app.srcdir)
    if docname == CHEAT_SHEET:
        source[0], unknown = cheat_sheet(source[0], formulas(root / "chapters"))
        for label in unknown:
            LOGGER.warning(
                "no chapter has an equation %s", label, location=docname
            )
        for path in (root / "chapters").glob("*.ipynb"):
            app.env.note_dependency(str(path))
    if docname == RUN_TIMES:
        path = root / "appendix" / "run_times.json"
        records = (
            json.loads(path.read_text(encoding="utf-8"))
            if path.is_file()
            else {}
        )
        chapters = {file.stem for file in (root / "chapters").glob("*.ipynb")}
        shown = {name: run for name, run in records.items() if name in chapters}
        source[0] = source[0].replace("% run times", run_times(shown))
        app.env.note_dependency(str(path))
    if docname == TESTING:
        path = root / "mutation" / "results.json"
        records = json.loads(path.read_text(encoding="utf-8"))
        source[0] = source[0].replace("% mutants", mutants(records))
        app.env.note_dependency(str(path))
    if docname == LICENCES:
        path = root / "requirements.txt"
        source[0] = source[0].replace(
            "% licences", licences(path.read_text(encoding="utf-8"))
        )
        app.env.note_dependency(str(path))


def setup(app):
    """Connect this part to Sphinx."""
    app.connect("source-read", fill)
