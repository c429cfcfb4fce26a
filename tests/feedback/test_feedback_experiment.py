"""The recorded comparison: the same number of trials for all, and nothing lost or changed by a kill."""

import importlib.util
import json
from pathlib import Path

import pytest

from llmbook.feedback.methods import METHODS

EXPERIMENT = Path(__file__).parents[2] / "experiments" / "feedback" / "run.py"


@pytest.fixture
def experiment(tmp_path, monkeypatch):
    """The script, with results in a folder of its own."""
    spec = importlib.util.spec_from_file_location(
        "feedback_experiment", EXPERIMENT
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "RESULTS", tmp_path / "feedback.json")
    return module


class Pretence:
    """A laboratory that answers by a rule at once; raises at the run it is told to."""

    calls = 0
    dies_at = None

    def _figure(self, *setting):
        Pretence.calls += 1
        if Pretence.calls == Pretence.dies_at:
            raise KeyboardInterrupt
        return sum(map(ord, repr(setting))) % 97 / 97

    def learn(self, method, seed, split, budget, options, task):
        figure = self._figure(method, seed, split, budget, options, task)
        return {"success": figure, "score": 8 * figure, "options": options}

    def refiner(self, seed, feedback, task):
        return {"exact": self._figure(seed, feedback, task)}

    def before(self, seed):
        return {"success": self._figure(seed)}


def play(experiment, dies_at=None):
    Pretence.calls, Pretence.dies_at = 0, dies_at
    experiment.record(experiment.RESULTS, experiment.jobs(), Pretence())
    return Pretence.calls


def without_costs(path):
    runs = json.loads(path.read_text())["runs"]
    return {
        key: {
            name: value
            for name, value in run.items()
            if name != "cpu_seconds_in_all"
        }
        for key, run in runs.items()
    }


def test_every_method_has_the_same_number_of_trials(experiment):
    assert set(experiment.GRIDS) == set(METHODS)
    assert {len(experiment.trials(method)) for method in METHODS} == {4}
    keys = [key for key, _ in experiment.jobs()]
    assert len(keys) == len(set(keys))
    assert experiment.TUNING_SEED not in experiment.SEEDS


def test_a_kill_loses_one_run_and_changes_no_result(
    experiment, monkeypatch, tmp_path
):
    whole = play(experiment)
    expected = without_costs(experiment.RESULTS)
    assert len(expected) == whole == len(list(experiment.jobs()))

    monkeypatch.setattr(experiment, "RESULTS", tmp_path / "interrupted.json")
    with pytest.raises(KeyboardInterrupt):
        play(experiment, dies_at=20)
    assert len(without_costs(experiment.RESULTS)) == 19
    assert play(experiment) == whole - 19
    assert without_costs(experiment.RESULTS) == expected
    assert play(experiment) == 0


def test_finals_use_the_options_that_did_best_on_validation(experiment):
    runs = {
        f"tune/ilf/{trial}": {
            "success": success,
            "score": score,
            "options": {"trial": trial},
        }
        for trial, (success, score) in enumerate(
            [(0.5, 7), (0.8, 6), (0.8, 7), (0.1, 8)]
        )
    }
    assert experiment.best_trial(runs, "ilf") == {"trial": 2}
