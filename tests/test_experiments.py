"""The recorded results: each bound to its recipe and to its code, each in the table with what it cost."""

import csv
import hashlib
import importlib.util
import inspect
import json
import re
import shutil
import sys
from pathlib import Path

import pytest
import records
import tensorflow as tf

from llmbook import fingerprint, recording
from llmbook.feedback.warm_up import ADAPTERS
from llmbook.measures.summaries import tokens

ROOT = Path(__file__).parents[1]
EXPERIMENTS = ROOT / "experiments"
WELCOME = (ROOT / "tools/booksite/welcome.py").read_text(encoding="utf-8")
RECORDS = [pytest.param(path, id=path.stem) for path in records.records()]
SCRIPTS = sorted({records.script_of(path) for path in records.records()})


def runs_of(name, **identity):
    results = json.loads((records.RESULTS / f"{name}.json").read_text())
    return [
        run
        for run in results["runs"]
        if all(run.get(key) == value for key, value in identity.items())
    ]


@pytest.mark.parametrize("path", RECORDS)
def test_a_record_is_bound_to_the_code_that_is_there(path):
    assert not records.stale_runs(path), records.advice(path)


@pytest.mark.parametrize("path", RECORDS)
def test_every_run_names_its_recipe_and_its_versions(path):
    results = json.loads(path.read_text())
    assert results["what"]
    assert results["runs"]
    for run in results["runs"]:
        assert isinstance(run["recipe"], dict)
        assert run["versions"]


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(path, id=path.relative_to(ROOT).as_posix())
        for path in SCRIPTS
        if EXPERIMENTS in path.parents
    ],
)
def test_a_script_asks_for_the_runs_that_are_recorded(script, monkeypatch):
    """With the recipes that are recorded, too: another is refused."""
    asked = []
    once = recording.Recording.once

    def ask(self, identity, function, **options):
        def never(**arguments):
            raise AssertionError(f"{identity} is not recorded")

        never.__signature__ = inspect.signature(function)
        asked.append(once(self, identity, never, **options))
        return asked[-1]

    monkeypatch.setattr(recording.Recording, "once", ask)
    # TensorFlow refuses once it runs, and nothing is timed here.
    for name in ("intra", "inter"):
        setter = f"set_{name}_op_parallelism_threads"
        monkeypatch.setattr(tf.config.threading, setter, lambda threads: None)
    monkeypatch.syspath_prepend(script.parent)
    monkeypatch.delitem(sys.modules, "run", raising=False)
    spec = importlib.util.spec_from_file_location("the_script", script)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.main()
    (path,) = [
        path for path in records.records() if records.script_of(path) == script
    ]
    assert [run for run in runs_of(path.stem) if run not in asked] == []


@pytest.mark.parametrize(
    ("file", "run"),
    [
        (ADAPTERS, ("warm_up", {"seed": 0})),
        (
            records.RESULTS / "sentiment_lora.npz",
            ("sentiment_llm", {"kind": "lora", "seed": 0}),
        ),
    ],
)
def test_stored_adapters_are_those_of_the_run_that_made_them(file, run):
    name, identity = run
    (found,) = runs_of(name, **identity)
    content = hashlib.sha256(file.read_bytes()).hexdigest()
    assert found["adapters_sha256"] == content


def test_the_texts_that_were_judged_are_those_recorded():
    path = EXPERIMENTS / "judged_summaries.tsv"
    with path.open(encoding="utf-8", newline="") as file:
        judged = list(csv.DictReader(file, delimiter="\t"))
    texts = {
        writer: [one["text"] for one in judged if one["writer"] == writer]
        for writer in ("network", "template", "reference", "SmolLM2")
    }
    assert [len(found) for found in texts.values()] == [30, 30, 10, 24]
    (network,) = runs_of("summaries", kind="pointer", seed=0)
    assert set(texts["network"]) <= set(network["summaries"])
    (smollm,) = runs_of("summaries", kind="smollm")
    assert texts["SmolLM2"] == [
        " ".join(case["answer"].split()) for case in smollm["cases"]
    ]
    for one in judged:
        if one["writer"] == "template":
            first, *rest = tokens(one["name"].split(".")[-1])
            assert one["text"].split() == [first, "the", *rest, "of", "a"]


def table():
    """Return the rows of the table of experiments, as lists of cells."""
    text = (EXPERIMENTS / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `.*\|$", text, re.MULTILINE)
    return [[cell.strip() for cell in row.split("|")[1:-1]] for row in rows]


def test_the_table_holds_every_script_and_every_file_of_results():
    scripts, _, files, _ = zip(*table(), strict=True)
    named = {ROOT / script.strip("`").split()[0] for script in scripts}
    assert named == set(SCRIPTS)
    assert set(EXPERIMENTS.rglob("*.py")) <= named
    stored = {path.name for path in records.RESULTS.iterdir()}
    assert set(re.findall(r"`([^`]+)`", " ".join(files))) == stored


@pytest.mark.parametrize("row", table(), ids=lambda row: row[0])
def test_a_row_of_the_table_tells_which_chapter_reads_the_file_and_its_cost(
    row,
):
    _, chapters, files, hours = row
    first = re.findall(r"`([^`]+)`", files)[0]
    readers = [
        str(int(path.name[:2]))
        for path in sorted((ROOT / "chapters").glob("*.ipynb"))
        if re.search(rf'[/"]{first}', path.read_text(encoding="utf-8"))
    ]
    if not readers and f'record("{Path(first).stem}")' in WELCOME:
        readers = ["welcome"]
    assert chapters.split(", ") == readers
    spent = records.cpu_hours(records.RESULTS / first)
    assert hours == (f"{spent:.2f}" if spent else "–")


# The tool itself.


@pytest.fixture
def record(tmp_path, monkeypatch):
    """A record of two runs, in a copy of the library that may be changed."""
    package = tmp_path / "src" / "llmbook"
    shutil.copytree(
        fingerprint.PACKAGE,
        package,
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    monkeypatch.setattr(fingerprint, "PACKAGE", package)
    folder = tmp_path / "experiments"
    (folder / "results").mkdir(parents=True)
    for name in ("window_model.py", "results/window_model.json"):
        shutil.copy(EXPERIMENTS / name, folder / name)
    path = folder / "results" / "window_model.json"
    results = json.loads(path.read_text())
    results.pop("adopted", None)
    for run in results["runs"]:
        run["code"] = recording.code_of(folder / "window_model.py")
    path.write_text(json.dumps(results))
    assert records.stale_runs(path) == []
    return path


def replace(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


CHANGES = [
    ("experiments/window_model.py", '"epochs": 2', '"epochs": 3'),
    ("experiments/window_model.py", "min_count=5", "min_count=6"),
    ("src/llmbook/models/window.py", "batch_size=16", "batch_size=32"),
    ("src/llmbook/text/tokenizers.py", "PAD_ID, ", "PAD_ID, NO_ID, "),
    (
        "src/llmbook/corpora/books.py",
        "SANGUO_PACKAGE = ",
        "SANGUO_PACKAGE = 0 or ",
    ),
]


@pytest.mark.parametrize(("file", "old", "new"), CHANGES)
def test_a_changed_constant_or_default_makes_a_record_stale(
    record, file, old, new
):
    replace(record.parents[2] / file, old, new)
    assert len(records.stale_runs(record)) == 6
    assert f"python {record.parents[1] / 'window_model.py'}" in records.advice(
        record
    )


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("experiments/window_model.py", "def run(", "# trains\ndef run("),
        (
            "src/llmbook/models/window.py",
            "\n\n\n",
            "\n\n\ndef f(x): pass\n\n\n",
        ),
        ("src/llmbook/models/lora.py", "rank=8", "rank=16"),
    ],
)
def test_what_a_script_does_not_reach_leaves_its_record_fresh(
    record, file, old, new
):
    replace(record.parents[2] / file, old, new)
    assert records.stale_runs(record) == []


def test_an_adopted_record_says_when_and_why_and_keeps_what_made_it(record):
    before = json.loads(record.read_text())
    replace(record.parents[2] / CHANGES[0][0], *CHANGES[0][1:])
    records.adopt(record, "an epoch more changes nothing")
    after = json.loads(record.read_text())
    (adopted,) = after.pop("adopted")
    assert after == before
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", adopted["date"])
    assert adopted["because"] == "an epoch more changes nothing"
    assert adopted["runs"] == 6
    assert records.stale_runs(record) == []
    replace(record.parents[2] / CHANGES[1][0], *CHANGES[1][1:])
    assert len(records.stale_runs(record)) == 6
    records.adopt(record, "nor does a rarer character")
    assert len(json.loads(record.read_text())["adopted"]) == 2
    replace(record.parents[2] / CHANGES[2][0], *CHANGES[2][1:])
    records.adopt(record, "nor does a rarer character")
    assert len(json.loads(record.read_text())["adopted"]) == 2
    assert records.stale_runs(record) == []


def test_a_run_that_came_later_is_not_adopted_with_the_others(record):
    replace(record.parents[2] / CHANGES[0][0], *CHANGES[0][1:])
    records.adopt(record, "an epoch more changes nothing")
    results = json.loads(record.read_text())
    results["runs"].append(results["runs"][0] | {"seed": 9, "code": "other"})
    record.write_text(json.dumps(results))
    assert [run["seed"] for run in records.stale_runs(record)] == [9]
