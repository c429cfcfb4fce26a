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
    own, tuned = defaults(method), RECORD["settings"]["grids"][method]
    recorded = [
        run["recipe"]["options"]
        for run in RECORD["runs"]
        if run.get("method") == method and run["kind"] == "tuning"
    ]
    assert recorded
    for options in recorded:
        assert own == options | {name: own[name] for name in tuned}


@pytest.mark.parametrize("method", METHODS)
def test_what_was_tuned_is_near_what_was_tried(method):
    for name, tried in RECORD["settings"]["grids"][method].items():
        assert min(tried) <= defaults(method)[name] <= max(tried)
