"""The two commands for a table of one's own, from end to end and on tables that are none."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from llmbook import classify

WORDS = {
    "sunny": ["warm", "bright", "dry"],
    "rainy": ["wet", "grey", "cold"],
    "多云": ["云", "阴", "雾"],
}
FILLER = ["today", "the", "sky", "morning", "is", "天气", "outside"]


def sentences(labels, seed):
    """Texts of filler around one word that gives the label away."""
    random = np.random.default_rng(seed)
    for label in labels:
        words = list(random.choice(FILLER, 6))
        words.insert(random.integers(7), random.choice(WORDS[label]))
        yield f"{' '.join(words)} {random.integers(1000)}"


def write(path, columns, rows, encoding="utf-8"):
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.writer(file)
        writer.writerows([columns, *rows])
    return path


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with a model of three labels, and what training printed."""
    folder = tmp_path_factory.mktemp("own")
    labels = [*WORDS] * 60
    rows = [
        [i, label, text]
        for i, (label, text) in enumerate(
            zip(labels, sentences(labels, 0), strict=True)
        )
    ]
    path = write(
        folder / "mine.csv", ["id", "sort", "words"], rows, "utf-8-sig"
    )
    options = ["--text", "words", "--label", "sort", "--epochs", "12"]
    with pytest.MonkeyPatch.context() as patch:
        lines = []
        patch.setattr("builtins.print", lambda *said, **_: lines.append(*said))
        assert (
            classify.main(["train", str(path), str(folder / "m"), *options])
            == 0
        )
    return folder / "m", lines


def test_a_table_of_three_labels_is_learned_and_the_rival_is_beside_it(trained):
    folder, lines = trained
    assert sorted(path.name for path in folder.iterdir()) == [
        "classifier.json",
        "labels.json",
        "model.weights.h5",
    ]
    assert json.loads((folder / "labels.json").read_text()) == {
        "labels": sorted(WORDS),
        "text": "words",
    }
    assert lines[0].startswith("180 rows read; dropped: 0 without")
    (report,) = [line for line in lines if line.startswith("Right on")]
    shares = [
        float(line.split("%")[0]) for line in report.splitlines() if "%" in line
    ]
    assert report.startswith("Right on 18 texts")
    assert shares[0] == pytest.approx(100 / 3, abs=0.1)
    assert min(shares[1:]) > 80


def test_a_second_table_is_labelled_row_by_row(trained, tmp_path, capsys):
    labels = [*WORDS] * 10
    rows = [[text, "kept, with a comma"] for text in sentences(labels, 1)]
    rows.append(["  ", "no text"])
    table = write(tmp_path / "others.csv", ["words", "note"], rows)
    out = tmp_path / "labelled.csv"
    assert classify.main(["label", str(trained[0]), str(table), str(out)]) == 0
    said = capsys.readouterr()
    assert said.out.startswith(f"31 rows written to {out}: ")
    assert said.out.endswith("; 1 without a text.\n")
    assert said.err == ""
    with out.open(encoding="utf-8", newline="") as file:
        header, *found = csv.reader(file)
    assert header == ["words", "note", "predicted", "probability"]
    assert [row[:2] for row in found] == rows
    right = [row[2] == label for row, label in zip(found, labels, strict=False)]
    assert np.mean(right) > 0.8
    assert found[-1][2:] == ["", ""]
    assert all(1 / 3 <= float(row[3]) <= 1 for row in found[:-1])


def test_nothing_is_overwritten_unless_asked_for(trained, tmp_path, capsys):
    table = write(tmp_path / "others.csv", ["words"], [["the sky is wet"]])
    before = table.read_bytes()
    arguments = ["label", str(trained[0]), str(table), str(table)]
    assert classify.main(arguments) == 2
    assert "exists: name another, or add --replace" in capsys.readouterr().err
    assert table.read_bytes() == before
    assert classify.main([*arguments, "--replace"]) == 0
    assert table.read_bytes() != before
    mine = trained[0].parent / "mine.csv"
    assert classify.main(["train", str(mine), str(trained[0])]) == 2
    assert "exists: name another" in capsys.readouterr().err


def test_a_bar_is_shown_in_a_terminal_alone(monkeypatch, capsys):
    classify._bar(3)(1)
    assert capsys.readouterr().out == ""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    classify._bar(3)(1)
    assert "1/3" in capsys.readouterr().out


ROWS = "".join(f"text {i},{'ab'[i % 2]}\n" for i in range(40))
GOOD = "text,label\n" + ROWS
# what is wrong with a table, and what the one line must say
MALFORMED = {
    "empty": ("", "is empty"),
    "empty lines": ("\n\n", "is empty"),
    "no rows": ("text,label\n", "at least two labels"),
    "one column": (
        "text\nfine\n",
        "a column 'label' in its first row, got text",
    ),
    "another name": (
        GOOD.replace("text,", "review,", 1),
        "a column 'text' in its first row, got review, label; name another by --text",
    ),
    "no header": (ROWS, "a column 'text' in its first row, got text 0, a"),
    "semicolons": (
        GOOD.replace(",", ";"),
        "a column 'text' in its first row, got text;label",
    ),
    "one label": (GOOD.replace(",b", ",a"), "at least two labels"),
    "a label with one text": (
        GOOD + "other,c\n",
        "10 different texts of each label, got 1 of 'c'",
    ),
    "a label with repeats": (
        GOOD + "other,c\n" * 20,
        "10 different texts of each label, got 1 of 'c'",
    ),
    "no label in a row": (
        GOOD + "other,\n",
        "line 42: the label must not be empty",
    ),
    "a quote that is not closed": (
        GOOD + '"other,a\n',
        "quotes of a row must match",
    ),
    "a quote within a field": (
        GOOD + '"oth"er,a\n',
        "quotes of a row must match",
    ),
    "a comma too many": (
        GOOD + "other, text,a\n",
        "line 42: a row must have 2 fields",
    ),
    "zeros": (GOOD + "other\0,a\n", "a zero in line 42"),
    "GBK": (
        (GOOD + "很好,a\n").encode("gb18030"),
        "must be UTF-8, mine.csv is not: invalid start byte in line 42",
    ),
    "GBK, told": (
        (GOOD + "很好,a\n").encode("gb18030"),
        "seems to be GBK: save it as UTF-8",
    ),
    "UTF-16": (
        GOOD.encode("utf-16"),
        "begins as UTF-16 does: save it as UTF-8",
    ),
    "a column twice": (
        GOOD.replace("label", "label,text", 1)
        .replace("\n", ",x\n")
        .replace("text,x", "text", 1),
        "name each column once",
    ),
    "a million characters": (
        GOOD + "好" * 1_000_000 + ",a\n",
        "line 42: a text must have at most 100,000 characters, got 1,000,000",
    ),
    "a million characters in the header": (
        "好" * 1_000_000 + "\n",
        "a column 'text' in its first row, got",
    ),
}


def one_line(capsys):
    said = capsys.readouterr()
    assert said.err.startswith("llmbook.classify: error: ")
    assert said.err.count("\n") == 1
    assert len(said.err) < 400
    return said.err


@pytest.mark.parametrize(
    ("content", "message"), MALFORMED.values(), ids=list(MALFORMED)
)
def test_a_malformed_table_ends_with_one_line_and_status_2(
    content, message, tmp_path, capsys
):
    path = tmp_path / "mine.csv"
    path.write_bytes(
        content if isinstance(content, bytes) else content.encode()
    )
    assert classify.main(["train", str(path), str(tmp_path / "m")]) == 2
    assert message in one_line(capsys)
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "nowhere.csv", "m"], "must name an existing file"),
        (["train", ".", "m"], "must name an existing file"),
        (["train", "mine.txt", "m"], "must end in .csv or .tsv"),
        (["train", "mine.csv", "no/where"], "in a folder that can be written"),
        (["train", "mine.csv", "mine.txt", "--replace"], "must not be a file"),
        (["train", "mine.csv", "m", "--held-out", "1"], "held-out"),
        (["train", "mine.csv", "m", "--epochs", "0"], "epochs must be"),
        (["label", "nowhere", "mine.csv", "out.csv"], "labels.json"),
        (["label", "half", "mine.csv", "out.csv"], "a model of train"),
        (["label", "whole", "mine.csv", "out.csv"], "classifier.json"),
        (["label", "whole", "mine.csv", "out.txt"], "output must end in .csv"),
        (["label", "whole", "other.csv", "out.csv"], "column 'text'"),
        (["label", "whole", "done.csv", "out.csv"], "the column 'predicted'"),
    ],
)
def test_wrong_arguments_end_with_one_line_and_status_2(
    arguments, message, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    Path("mine.csv").write_text(GOOD)
    Path("mine.txt").write_text(GOOD)
    Path("other.csv").write_text("review\nfine\n")
    Path("done.csv").write_text("text,predicted\nfine,a\n")
    for folder, content in (
        ("half", {"labels": "a"}),
        ("whole", {"labels": ["a", "b"], "text": "text"}),
    ):
        Path(folder).mkdir()
        Path(folder, "labels.json").write_text(json.dumps(content))
    assert classify.main(arguments) == 2
    assert message in one_line(capsys)


def test_a_table_that_may_not_be_read_is_named(tmp_path, monkeypatch, capsys):
    path = tmp_path / "mine.csv"
    path.write_text(GOOD)

    def forbidden(self):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "read_bytes", forbidden)
    assert classify.main(["train", str(path), str(tmp_path / "m")]) == 2
    assert one_line(capsys).endswith("mine.csv: Permission denied\n")


def test_it_is_a_command(tmp_path):
    """In a process of its own, which does not load TensorFlow to refuse a table."""
    run = subprocess.run(
        [
            sys.executable,
            "-X",
            "importtime",
            "-m",
            "llmbook.classify",
            "train",
            "no.csv",
            "m",
        ],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert run.returncode == 2
    assert run.stderr.splitlines()[-1].startswith("llmbook.classify: error: ")
    assert "tensorflow" not in run.stderr
