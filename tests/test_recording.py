import json
import platform

import numpy as np
import pytest

from llmbook import recording
from llmbook.recording import Recording


@pytest.fixture
def path(tmp_path):
    return tmp_path / "results.json"


def begin(path):
    return Recording(path, ("numpy",), what="a number a seed")


def test_what_is_added_is_in_the_file_at_once(path):
    run = {"seed": 0, "sizes": [1, 2], "loss": 0.5}
    assert begin(path).add(run) == run
    assert json.loads(path.read_text()) == {
        "runs": [run],
        "what": "a number a seed",
        "versions": {
            "python": platform.python_version(),
            "numpy": np.__version__,
        },
    }


def test_a_second_start_knows_which_runs_are_there(path):
    begin(path).add({"seed": 0, "sizes": [1, 2], "loss": 0.5})
    again = begin(path)
    assert again.holds(seed=0)
    assert again.holds(seed=0, sizes=[1, 2])
    assert not again.holds(seed=0, sizes=[1])
    assert not again.holds(seed=1)
    assert not again.holds(seed=0, width=8)
    again.add({"seed": 1})
    assert [run["seed"] for run in json.loads(path.read_text())["runs"]] == [
        0,
        1,
    ]


def test_looking_writes_nothing(path):
    begin(path)
    assert not path.exists()


def test_being_killed_while_writing_leaves_the_file_whole(path, monkeypatch):
    results = begin(path)
    results.add({"seed": 0})
    before = path.read_bytes()

    def killed(*paths):
        raise KeyboardInterrupt

    monkeypatch.setattr(recording.os, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        results.add({"seed": 1})
    assert path.read_bytes() == before
    assert not begin(path).holds(seed=1)
