"""The recorded comparison: every ladder is climbed to its best rung, and nothing is lost or changed by a kill."""

import importlib.util
import json
import math
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmbook.feedback.methods import METHODS

EXPERIMENT = Path(__file__).parents[2] / "experiments" / "feedback" / "run.py"


@pytest.fixture(scope="module")
def experiment():
    spec = importlib.util.spec_from_file_location(
        "feedback_experiment", EXPERIMENT
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Pretence:
    """A laboratory that answers by a rule at once; raises at the run it is told to."""

    def __init__(self, dies_at=None):
        self.calls, self.dies_at = 0, dies_at

    def settings(self):
        return {}

    def _figure(self, *setting):
        self.calls += 1
        if self.calls == self.dies_at:
            raise KeyboardInterrupt
        return sum(map(ord, repr(setting))) % 97 / 97

    def learn(self, method, seed, split, number, options, task, first=()):
        setting = (method, seed, split, number, options, task, first)
        figure = self._figure(*setting)
        return {"success": figure, "score": 8 * figure}

    def refine(self, seed, task, examination):
        return {"exact": self._figure(seed, task, examination)}

    def before(self, seed, task):
        return {"success": self._figure(seed, task)}


def play(experiment, path, dies_at=None):
    laboratory = Pretence(dies_at)
    experiment.Comparison(path, EXPERIMENT, laboratory).everything()
    return laboratory.calls


def without_costs(path):
    runs = json.loads(path.read_text())["runs"]
    return [
        {name: run[name] for name in run if name != "cpu_seconds"}
        for run in runs
    ]


@settings(max_examples=60, deadline=None)
@given(st.permutations(range(7)), st.integers(0, 5))
def test_the_best_rung_has_a_worse_one_on_either_side(
    experiment, heights, foot
):
    """Or is the last of the ladder; and no rung is tried without need."""
    tried = []

    def attempt(rung):
        tried.append(rung)
        return {"success": 0.0, "score": heights[rung], "rung": rung}

    best = experiment.climb(range(7), foot, attempt)["rung"]
    assert {best - 1, best, best + 1} & set(range(7)) <= set(tried)
    for neighbour in (best - 1, best + 1):
        if 0 <= neighbour < 7:
            assert heights[neighbour] < heights[best]
    assert set(tried) == set(range(min(tried), max(tried) + 1))


def test_every_method_is_tuned_apart_from_the_seeds_that_count(experiment):
    assert set(experiment.GRIDS) == set(METHODS)
    assert experiment.TUNING_SEED not in (
        *experiment.SEEDS,
        *experiment.FURTHER,
    )
    numbers = {number for number, _ in experiment.GRIDS.values()}
    assert max(numbers) <= max(experiment.NUMBERS)


def test_a_kill_loses_one_run_and_changes_no_result(
    experiment, tmp_path, monkeypatch
):
    monkeypatch.setattr(experiment, "SEEDS", (1,))
    monkeypatch.setattr(experiment, "FURTHER", ())
    monkeypatch.setattr(experiment, "NUMBERS", (320,))
    monkeypatch.setattr(experiment, "STAGES", {})
    monkeypatch.setattr(experiment, "FREE", ())
    monkeypatch.setattr(experiment, "SLOWED", ("ilf_replay",))
    monkeypatch.setattr(
        experiment,
        "GRIDS",
        {"sft": experiment.GRIDS["sft"]}
        | {"ilf_replay": experiment.GRIDS["ilf_replay"]},
    )
    path = tmp_path / "whole.json"
    whole = play(experiment, path)
    expected = without_costs(path)
    assert len(expected) == whole

    path = tmp_path / "interrupted.json"
    with pytest.raises(KeyboardInterrupt):
        play(experiment, path, dies_at=20)
    assert len(without_costs(path)) == 19
    assert play(experiment, path) == whole - 19
    assert without_costs(path) == expected
    assert play(experiment, path) == 0


def test_the_runs_are_those_of_the_record(experiment):
    """Every point of every curve, over as many seeds as the script says."""
    recorded = json.loads(experiment.RESULTS.read_text("utf-8"))["runs"]
    seeds = (*experiment.SEEDS, *experiment.FURTHER)
    assert Counter(
        (run["arm"], run["number"], run["seed"])
        for run in recorded
        if run["kind"] == "curve"
    ) == Counter(
        (*point, seed) for seed in seeds for point in experiment.points(seed)
    )
    assert Counter(
        (run["change"], run["seed"])
        for run in recorded
        if run["kind"] == "control"
    ) == Counter((change, z) for change in experiment.CONTROLS for z in seeds)


class Told(Pretence):
    """Scores fall on all sides of one trial."""

    def learn(self, method, seed, split, number, options, task, first=()):
        away = abs(math.log(options["epochs"] / 40)) + abs(
            math.log(options["learning_rate"] / 2e-3)
        )
        return {"success": 0.0, "score": 8.0 - away}


def test_points_use_the_options_that_did_best_on_validation(
    experiment, tmp_path
):
    path = tmp_path / "told.json"
    comparison = experiment.Comparison(path, EXPERIMENT, Told())
    best = comparison.best_options("ilf_replay")
    assert (best["epochs"], best["learning_rate"]) == (40, 2e-3)
    comparison.point("ilf_replay", 16, 1)
    comparison.control("random selection", 2)
    (point,) = comparison.recording.runs(kind="curve")
    assert point["recipe"]["options"] == best
    assert point["number"] == 16
    assert point["recipe"]["split"] == "test"
    (control,) = comparison.recording.runs(kind="control")
    assert control["recipe"]["options"] == best | {"rule": "first"}
    for trial in comparison.recording.runs(kind="tuning"):
        assert trial["recipe"]["split"] == "validation"


def test_a_second_method_follows_the_first_with_the_best_of_both(
    experiment, tmp_path
):
    path = tmp_path / "stages.json"
    comparison = experiment.Comparison(path, EXPERIMENT, Pretence())
    comparison.point("sft, then dpo", 64, 1)
    (point,) = comparison.recording.runs(kind="curve")
    assert point["arm"] == "sft, then dpo"
    assert point["recipe"]["method"] == "dpo"
    assert point["recipe"]["options"] == comparison.best_options("dpo")
    ((method, paid, options),) = point["recipe"]["first"]
    assert (method, paid) == ("sft", 16)
    assert options == comparison.best_options("sft")
