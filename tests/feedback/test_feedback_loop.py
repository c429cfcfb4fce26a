"""Every method runs in the one loop at its budget: figures, costs, and what an examination is."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from letter_world import Apprentice, Pen, sample, weights_of

from llmbook.feedback import loop
from llmbook.feedback.annotator import SECONDS
from llmbook.feedback.loop import answer, draw_examination, examine, grade, run
from llmbook.feedback.methods import METHODS
from llmbook.feedback.methods.sft import imitate
from llmbook.feedback.tasks import invitations

# --- the examination --------------------------------------------------------------------------


def test_examination_records_are_held_out_and_the_same_each_time():
    task = invitations.Invitations()
    records = draw_examination(task, 20)
    assert records == draw_examination(task, 20)
    assert records != draw_examination(task, 20, seed=1)
    assert {invitations.split_of(record) for record in records} == {"test"}
    assert len(draw_examination(task)) == 256
    others = draw_examination(task, 20, "validation")
    assert {invitations.split_of(z) for z in others} == {"validation"}


def test_an_examination_is_the_share_that_is_perfect_and_the_mean_score():
    learner = Apprentice(Pen("aa", "a", "cc", "ba"))  # 2, 0, 2 and 1 of 2
    assert examine(learner, [*"abca"]) == {"success": 0.5, "score": 1.25}
    assert {asked.temperature for asked in learner.generate.asked} == {0.0}
    drafts = answer(learner, [*"abca"])
    assert grade(learner.task, [*"abca"], drafts) == examine(learner, [*"abca"])


def test_an_answer_puts_the_random_numbers_back():
    learner = Apprentice(sample)
    state = learner.rng.getstate()
    learner.respond = learner.draft
    first = answer(learner, [*"abc"] * 20)
    assert learner.rng.getstate() == state
    assert answer(learner, [*"abc"] * 20) == first
    scores = map(learner.task.score, [*"abc"] * 20, first)
    assert examine(learner, [*"abc"] * 20)["score"] == sum(scores) / 60


# --- every method -----------------------------------------------------------------------------

KIND = {
    "sft": "demonstration",
    "ilf": "critique",
    "ilf_replay": "critique",
    "ilf_dialogue": "critique",
    "self_distillation": "critique",
    "expert_iteration": "score",
    "best_of_n": "comparison",
    "grpo": "comparison",
    "grpo_scores": "score",
    "grpo_success": "success",
    "grpo_ticks": "ticks",
    "grpo_faults": "faults",
    "reinforce": "score",
    "dpo": "comparison",
}
SMALL = {
    "best_of_n": {"number": 3, "steps": 4},
    "grpo": {"iterations": 2, "groups": 2, "group_size": 3, "reward_steps": 4},
    "grpo_scores": {"groups": 1, "group_size": 5},
    "grpo_success": {"groups": 1, "group_size": 5},
    "grpo_ticks": {"groups": 1, "group_size": 5},
    "grpo_faults": {"groups": 1, "group_size": 5},
    "reinforce": {"batch_size": 5},
}


@pytest.fixture(scope="module")
def compiled():
    """A learner whose losses XLA compiles, as it does in chapter 8, and whose drafts are perfect now and then."""
    learner = Apprentice(sample)
    learner.jit_compile = True
    imitate(learner, [*"abc"], ["aa", "bb", "cc"], 20, 0.1)
    learner.reset(weights=learner.model.get_weights())
    return learner


@pytest.mark.parametrize("method", METHODS)
def test_every_method_spends_its_budget_and_reports(compiled, method):
    reference = weights_of(compiled.reference)
    options = SMALL.get(method, {"steps": 4})
    result = run(
        method,
        compiled,
        [*"abcabc"],
        annotations=20,
        seed=1,
        every_round=True,
        **options,
    )
    assert result["annotations"] == {KIND[method]: 20}
    assert result["annotator_seconds"] == pytest.approx(
        20 * SECONDS[KIND[method]]
    )
    assert result["rounds"][-1]["spent"] == 20
    assert 0 <= result["success"] <= 1
    assert 0 <= result["score"] <= 2
    assert json.loads(json.dumps(result)) == result
    assert (weights_of(compiled.reference) == reference).all()
    policy_moved = (weights_of(compiled.model) != reference).any()
    assert policy_moved == (method != "best_of_n")


@pytest.mark.parametrize(
    ("method", "imitated"), [("ilf", 1), ("ilf_replay", 2)]
)
def test_replay_is_in_the_name(method, imitated):
    """Of two drafts one is accepted, the other is refined."""
    learner = Apprentice(Pen("aa", "c", "bb"))
    options = {"rounds": 1, "candidates": 1}
    result = run(method, learner, [*"a"], annotations=2, **options)
    assert result["rounds"][0]["imitated"] == imitated


def test_a_dialogue_has_turns():
    learner = Apprentice(Pen("c", "aa"), "a")
    result = run("ilf_dialogue", learner, [*"a"], annotations=4, turns=2)
    assert result["rounds"][-1]["accepted"] == 2


def test_what_is_taught_first_becomes_the_reference_of_what_follows(compiled):
    """And is paid apart; the next run begins where the first one did."""
    reference = weights_of(compiled.reference)
    first = [("sft", 6, {"steps": 8, "learning_rate": 0.1})]
    options = {"groups": 1, "group_size": 5, "updates": 1}
    result = run(
        "grpo_scores", compiled, [*"ab"], annotations=5, first=first, **options
    )
    assert result["annotations"] == {"score": 5}
    settled = weights_of(compiled.reference)
    assert np.abs(settled - reference).max() > 0.05
    assert np.abs(weights_of(compiled.model) - settled).max() < 0.05
    compiled.reset()
    assert (weights_of(compiled.reference) == reference).all()
    assert (weights_of(compiled.model) == reference).all()


@pytest.mark.parametrize("method", ["ilf", "dpo"])
def test_the_same_seed_gives_the_same_run(compiled, method):
    learner, results = compiled, []
    for seed in (5, 5, 6):
        learner.task = type(learner.task)()  # its records from the first
        options = {"steps": 3, "learning_rate": 0.1}
        results.append(
            run(
                method,
                learner,
                [*"abcabc"],
                seconds=1500.0,
                seed=seed,
                **options,
            )
        )
        del results[-1]["cpu_seconds"]
    assert results[0] == results[1]
    assert results[0] != results[2]


# --- the loop itself --------------------------------------------------------------------------


@pytest.fixture
def scripted(monkeypatch):
    """A method that takes a score and a critique in its first round, and another score in its second.

    By its clock, which is returned, each round takes a second.
    """
    clock = SimpleNamespace(now=5.0)

    def learn(learner, annotator):
        learner.model.table.assign(learner.model.table + 1)
        learner.draft([*"ab"])
        annotator.score("a", "aa")
        annotator.critique("a", "aa")
        clock.now += 1
        yield {"loss": 1 / 3}
        annotator.score("a", "aa")
        clock.now += 1
        yield {"loss": 2, "kept": 0}

    monkeypatch.setitem(loop.METHODS, "scripted", learn)
    monkeypatch.setattr(loop.time, "process_time", lambda: clock.now)
    return clock


def test_a_run_resets_the_learner_and_reports_what_each_round_took(scripted):
    learner = Apprentice(Pen("aa", "bb", "b", "cc"))
    table = weights_of(learner.model)
    for _ in range(2):
        result = run("scripted", learner, [*"ac"], annotations=3, seed=7)
        np.testing.assert_allclose(weights_of(learner.model), table + 1, 1e-6)
        assert result == {
            "success": 0.5,
            "score": 1.0,
            "annotations": {"critique": 1, "score": 2},
            "annotator_seconds": 182.5 + 2 * 61.5,
            "cpu_seconds": 2.0,
            "rounds": [
                {"loss": 0.3333, "spent": 2},
                {"loss": 2.0, "kept": 0.0, "spent": 3},
            ],
        }


def test_every_round_is_examined_if_asked_for_and_that_is_no_learning(
    scripted, monkeypatch
):
    learner = Apprentice(Pen("aa", "bb", "aa", "c"))
    answer = learner.draft

    def slowly(*arguments, **options):
        scripted.now += 10 if "temperature" in options else 0
        return answer(*arguments, **options)

    monkeypatch.setattr(learner, "draft", slowly)
    result = run("scripted", learner, [*"ac"], annotations=3, every_round=True)
    assert result["rounds"] == [
        {"loss": 0.3333, "spent": 2, "success": 0.5, "score": 1.5},
        {"loss": 2.0, "kept": 0.0, "spent": 3, "success": 0.5, "score": 1.0},
    ]
    assert (result["success"], result["score"]) == (0.5, 1.5)
    assert result["cpu_seconds"] == 2.0  # of 32


def test_being_examined_does_not_change_what_is_learned():
    results = []
    for every_round in (False, True):
        learner = Apprentice(sample)
        options = {"annotations": 12, "seed": 2, "rounds": 3, "steps": 3}
        results.append(
            run("ilf", learner, [*"abca"], every_round=every_round, **options)
        )
    once, often = results
    assert len(often["rounds"]) == 3
    assert any("loss" in figures for figures in once["rounds"])
    for alone, examined in zip(once["rounds"], often["rounds"], strict=True):
        assert alone.items() <= examined.items()
    assert (once["success"], once["score"]) == (
        often["success"],
        often["score"],
    )


def test_an_unknown_method_is_named():
    with pytest.raises(ValueError, match=r"method must be 'sft', .*got 'ppo'"):
        run("ppo", Apprentice(), [], annotations=1)
