"""What a method does unless told is what the recorded comparison says of it."""

import inspect
import json
from pathlib import Path

import pytest

from llmbook.feedback.methods import METHODS

ROOT = Path(__file__).parents[3]
RECORD = json.loads(
    (ROOT / "experiments" / "results" / "feedback.json").read_text("utf-8")
)


def defaults(method):
    """Return the options of a method that have a default."""
    parameters = inspect.signature(METHODS[method]).parameters.values()
    return {
        each.name: each.default
        for each in parameters
        if each.default is not inspect.Parameter.empty
    }


@pytest.mark.parametrize("method", METHODS)
def test_what_was_not_tuned_is_as_recorded(method):
    own, (_, grid) = defaults(method), RECORD["settings"]["grids"][method]
    recorded = [
        run["recipe"]["options"]
        for run in RECORD["runs"]
        if run.get("method") == method and run["kind"] == "tuning"
    ]
    assert recorded
    for options in recorded:
        tuned = {name: own[name] for name in (grid[0], "learning_rate")}
        assert own == defaults_of_none(own) | options | tuned


def defaults_of_none(options):
    """Return the options that do nothing unless given, which are not recorded."""
    return {name: None for name, value in options.items() if value is None}


@pytest.mark.parametrize("method", METHODS)
def test_no_winner_stands_at_the_end_of_what_was_tried(method):
    """The neighbours of the best were tried, but where the ladder ends."""
    name, values = RECORD["settings"]["grids"][method][1]
    trials = [
        run
        for run in RECORD["runs"]
        if run.get("method") == method and run["kind"] == "tuning"
    ]
    best = max(trials, key=lambda run: run["success"] + run["score"] / 8)
    best = best["trial"]
    for tuned, ladder in (
        (name, values),
        ("learning_rate", RECORD["settings"]["rates"]),
    ):
        tried = {
            run["trial"][tuned]
            for run in trials
            if tuned == name or run["trial"][name] == best[name]
        }
        rung = ladder.index(best[tuned])
        assert set(ladder[max(0, rung - 1) : rung + 2]) <= tried
