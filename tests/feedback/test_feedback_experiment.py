"""The recorded comparison: the same number of trials for all, and nothing lost or changed by a kill."""

import importlib.util
import json
from collections import Counter
from pathlib import Path

import pytest

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

    def learn(
        self, method, seed, split, budget, options, task, every_round=False
    ):
        setting = (method, seed, split, budget, options, task, every_round)
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


def test_every_method_has_the_same_number_of_trials(experiment):
    assert set(experiment.GRIDS) == set(METHODS)
    assert {len(experiment.trials(method)) for method in METHODS} == {4}
    assert experiment.TUNING_SEED not in experiment.SEEDS


def test_a_kill_loses_one_run_and_changes_no_result(experiment, tmp_path):
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


def test_the_runs_are_those_of_the_record(experiment, tmp_path):
    path = tmp_path / "pretended.json"
    play(experiment, path)
    kinds = Counter(run["kind"] for run in without_costs(path))
    recorded = without_costs(experiment.RESULTS)
    assert kinds == Counter(run["kind"] for run in recorded)


def test_finals_use_the_options_that_did_best_on_validation(
    experiment, tmp_path
):
    figures = iter([(0.5, 7), (0.8, 6), (0.8, 7), (0.1, 8), (0.9, 8)])

    class Told(Pretence):
        def learn(self, *setting, **options):
            return dict(zip(("success", "score"), next(figures), strict=True))

    comparison = experiment.Comparison(
        tmp_path / "told.json", EXPERIMENT, Told()
    )
    third = experiment.trials("ilf")[2]
    best = comparison.best_trial("ilf")
    assert {name: best[name] for name in third} == third
    identity = {"kind": "equal time", "method": "ilf", "seed": 1}
    comparison.final(identity, "ilf", experiment.EQUAL_TIME, {"rule": "first"})
    (final,) = comparison.recording.runs(kind="equal time")
    assert final["success"] == 0.9
    assert final["recipe"]["options"] == best | {"rule": "first"}
    assert final["recipe"]["split"] == "test"
