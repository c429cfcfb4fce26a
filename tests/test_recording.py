"""Runs that are stored once, with what they follow from, and never under another recipe."""

import functools
import json
import platform
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmbook import recording
from llmbook.recording import Recording, rounded, with_defaults

SCRIPT = "RATE = 2\n"


@pytest.fixture
def path(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    return tmp_path / "results.json"


def begin(path, **description):
    script = str(path.with_name("script.py"))
    description = {"what": "a number a seed"} | description
    return Recording(path, script, ("numpy",), **description)


def loss(seed, rate=0.5, sizes=(1, 2)):
    return {"loss": seed + rate, "total": np.float32(sum(sizes))}


def stored(path):
    return json.loads(path.read_text())["runs"]


def test_a_run_is_in_the_file_at_once_with_all_that_it_follows_from(path):
    run = begin(path).once({"kind": "a", "seed": 1}, loss, rate=0.25)
    assert isinstance(run.pop("cpu_seconds"), float)
    assert run.pop("code") == recording.code_of(path.with_name("script.py"))
    assert run == {
        "kind": "a",
        "seed": 1,
        "loss": 1.25,
        "total": 3.0,
        "recipe": {"rate": 0.25, "sizes": [1, 2]},
        "versions": {
            "python": platform.python_version(),
            "numpy": np.__version__,
        },
    }
    results = json.loads(path.read_text())
    assert results["script"] == "script.py"
    assert results["what"] == "a number a seed"
    assert len(results["runs"]) == 1


def test_the_cpu_seconds_are_those_of_the_function(path, monkeypatch):
    clock = iter([10.0, 12.34])
    monkeypatch.setattr(recording.time, "process_time", lambda: next(clock))
    assert begin(path).once({"seed": 1}, loss)["cpu_seconds"] == 2.3


def test_a_second_start_repeats_no_run(path):
    first = begin(path).once({"seed": 0, "sizes": (1, 2)}, loss)

    def never(seed, sizes, rate=0.5):
        raise AssertionError("it is there")

    again = begin(path)
    assert again.once({"seed": 0, "sizes": (1, 2)}, never) == first
    with pytest.raises(AssertionError):
        again.once({"seed": 1, "sizes": (1, 2)}, never)
    again.once({"seed": 1, "sizes": (1, 2)}, loss)
    assert [run["seed"] for run in stored(path)] == [0, 1]
    assert again.runs(seed=1) == [stored(path)[1]]
    assert again.runs(seed=1, sizes=[3]) == []


@pytest.mark.parametrize(
    ("options", "entry", "values"),
    [
        ({"rate": 0.75}, "rate", ("0.5", "0.75")),
        ({"sizes": (1, 3)}, "sizes", ("[1, 2]", "[1, 3]")),
        ({"extra": {"steps": 9}}, "extra", ("'nothing'", "{'steps': 9}")),
    ],
)
def test_a_run_of_another_recipe_is_refused(path, options, entry, values):
    begin(path).once({"seed": 0}, loss)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=entry) as raised:
        begin(path).once({"seed": 0}, loss, **options)
    for part in (str(path), "'seed': 0", *values):
        assert part in str(raised.value)
    assert path.read_bytes() == before


def test_what_differs_deep_inside_is_named_by_its_path(path):
    def train(training):
        return {}

    begin(path).once({"seed": 0}, train, training={"steps": 100, "rate": 1})
    with pytest.raises(ValueError, match=re.escape("'training.steps'")):
        begin(path).once({"seed": 0}, train, training={"steps": 9, "rate": 1})


def test_another_default_of_the_library_is_another_recipe(path):
    def fit(fitting):
        return {}

    begin(path).once({"seed": 0}, fit, fitting=with_defaults(loss))
    loss.__defaults__, before = (0.5, (1, 4)), loss.__defaults__
    try:
        with pytest.raises(ValueError, match=re.escape("'fitting.sizes'")):
            begin(path).once({"seed": 0}, fit, fitting=with_defaults(loss))
    finally:
        loss.__defaults__ = before


@pytest.mark.parametrize(
    ("description", "entry"),
    [({"steps": 999}, "steps"), ({"what": "another"}, "what"), ({}, "steps")],
)
def test_a_file_of_another_description_is_refused(path, description, entry):
    begin(path, steps=100).once({"seed": 0}, loss)
    with pytest.raises(ValueError, match=f"'{entry}'.*description"):
        begin(path, **description)
    assert begin(path, steps=100).results["steps"] == 100


def test_looking_writes_nothing(path):
    begin(path)
    assert not path.exists()


def test_being_killed_while_writing_leaves_the_file_whole(path, monkeypatch):
    begin(path).once({"seed": 0}, loss)
    before = path.read_bytes()

    def killed(*paths):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(recording.os, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            begin(path).once({"seed": 1}, loss)
    assert path.read_bytes() == before
    assert begin(path).runs(seed=1) == []


def test_a_figure_that_is_no_number_is_refused(path):
    with pytest.raises(ValueError, match="nan"):
        begin(path).once({"seed": 0}, lambda seed: {"loss": float("nan")})
    assert not path.exists()


def test_the_defaults_of_outer_functions_stand_before_those_of_inner():
    def inner(x, steps=10, rate=0.1, clip=1.0, report=None, stop=()):
        pass

    def outer(x, rate=0.2, loss=inner, **options):
        pass

    assert with_defaults(outer, inner) == {
        "steps": 10,
        "rate": 0.2,
        "clip": 1.0,
    }
    assert with_defaults(outer, inner, rate=0.3, stop=None) == {
        "steps": 10,
        "rate": 0.3,
        "clip": 1.0,
        "stop": None,
    }
    assert with_defaults(functools.partial(outer, rate=0.4)) == {"rate": 0.4}


FIGURES = st.recursive(
    st.booleans() | st.integers(-9, 9) | st.floats(-1e9, 1e9) | st.text(),
    lambda inside: st.lists(inside) | st.dictionaries(st.text(), inside),
)


@given(FIGURES)
def test_rounding_keeps_six_digits_at_whatever_depth(value):
    assert rounded(rounded(value)) == rounded(value)
    assert rounded([value, {"inside": (value,)}]) == [
        rounded(value),
        {"inside": [rounded(value)]},
    ]
    if isinstance(value, float):
        assert rounded(value) == pytest.approx(value, rel=5e-6)
    elif not isinstance(value, list | dict):
        assert rounded(value) is value


def test_figures_of_numpy_become_plain_numbers():
    found = rounded(
        {"a": np.float32(1 / 3), "b": np.array([1, 2]), "c": np.True_}
    )
    assert found == {"a": 0.333333, "b": [1, 2], "c": True}
    assert [type(found[name]) for name in "abc"] == [float, list, bool]
