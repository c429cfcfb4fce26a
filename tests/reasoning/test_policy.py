"""Policies: what they are shown, what they write, and how they learn from a checker by the methods of feedback."""

import random

import numpy as np
import pytest
from letter_world import Tiny, sample, weights_of

from llmbook.feedback.learner import Learner
from llmbook.feedback.methods import METHODS
from llmbook.reasoning import policy, signs
from llmbook.reasoning.calculator import Calculator
from llmbook.reasoning.countdown import Countdown

TASKS = [
    Calculator(2, 5),
    Calculator(2, 5, "displays"),
    Calculator(4, 4, "answer"),
    Countdown(),
    Countdown(4),
]


@pytest.mark.parametrize("task", TASKS)
def test_only_solutions_and_their_end_are_learned(task):
    ids, weights = policy.examples(task, seed=3, batch_size=16)(5)
    assert ids.shape == weights.shape
    for row, counts in zip(ids, weights, strict=True):
        text = signs.decode(row)
        asked = signs.decode(row[(counts == 0) & (row != 0)])
        written = signs.decode(row[counts == 1])
        assert asked + written == text
        assert written.endswith(signs.decode([signs.END]))
        assert signs.split_of(asked) == "train"
        if task.best_score == 1 and getattr(task, "form", "steps") == "steps":
            assert task.score(asked, written[:-1]) == 1


def test_batches_depend_on_seed_and_step_alone():
    first, again, other = (
        policy.examples(Countdown(), seed, 4) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first(7)[0], again(7)[0])
    assert (first(7)[0] != first(8)[0]).any()
    assert (first(7)[0] != other(7)[0]).any()


class Copier:
    """A pen that writes the right solution with a probability, else nonsense."""

    def __init__(self, task, chance):
        self.task, self.chance = task, chance
        self.rng = random.Random(0)

    def __call__(self, model, prompts, max_new, temperature, stop, seed):
        rows = np.zeros((len(prompts), max_new), int)
        for row, prompt in zip(rows, prompts, strict=True):
            text = self.task.demonstrate(signs.decode(prompt))
            if self.rng.random() > self.chance:
                text = "9"
            written = [*signs.encode(text), stop]
            row[: len(written)] = written
        return rows


def learner_of(task, pen):
    learner = Learner(task, Tiny(size=signs.VOCAB_SIZE), pen)
    learner.jit_compile = False
    return learner


def test_samples_stand_beside_their_problem():
    task = Calculator(2, 2)
    learner = learner_of(task, Copier(task, 1.0))
    problems = [task.draw(random.Random(seed)) for seed in range(3)]
    written = policy.sample(learner, problems, 4)
    assert written == [4 * [task.demonstrate(p)] for p in problems]


def test_practice_looks_without_changing_what_is_learned():
    task = Calculator(1, 1, by="answer")
    seen = []

    def look(learner, done):
        seen.append(learner.rng.random())
        return done

    ends = []
    for looks in (None, look):
        learner = learner_of(task, sample)
        rounds = policy.practise(
            learner,
            "reinforce",
            32,
            seed=2,
            look=looks,
            every=2,
            batch_size=8,
            beta=0.0,
            learning_rate=0.1,
        )
        ends.append(weights_of(learner.model))
    np.testing.assert_array_equal(*ends)
    assert ["look" in z for z in rounds] == [True, False, True, False, True]
    assert [z.get("look") for z in rounds[::2]] == [0, 2, 4]
    assert ["reward" in z for z in rounds] == [False, True, True, True, True]


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("grpo_success", {"groups": 2, "group_size": 4, "scale": 1.0}),
        ("grpo_ticks", {"groups": 2, "group_size": 4}),
        ("reinforce", {"batch_size": 8, "baseline": 0.0}),
        ("expert_iteration", {"rounds": 1, "least": 1.0}),
    ],
)
def test_the_checker_teaches_by_methods_of_feedback(method, options):
    """Right solutions, half of what is written, become likelier."""
    assert method in METHODS
    task = Calculator(1, 1)
    learner = learner_of(task, Copier(task, 0.5))
    problems = [task.draw(random.Random(seed)) for seed in range(8)]
    solutions = [task.demonstrate(problem) for problem in problems]
    ids, mask = learner.examples(problems, solutions)

    def likelihood():
        return (learner.log_probs(learner.model, ids) * mask).sum()

    before = likelihood()
    policy.practise(learner, method, 64, learning_rate=0.05, **options)
    assert likelihood() > before + 1


def test_teaching_ends_where_it_is_told_to():
    task = Calculator(1, 1, "answer")
    problems = [task.draw(random.Random(seed)) for seed in range(64)]
    learner, steps = policy.teach_until(
        task, problems, least=0.0, every=2, most=50
    )
    assert steps == 2
    np.testing.assert_array_equal(
        learner.reference.get_weights()[0], learner.model.get_weights()[0]
    )
    _, steps = policy.teach_until(task, problems, least=1.0, every=2, most=4)
    assert steps == 4


@pytest.mark.parametrize(
    ("kind", "beta_2"), [(Learner, 0.999), (policy.Solver, 0.98)]
)
def test_a_solver_forgets_squares_of_gradients_sooner(kind, beta_2):
    task = Calculator(1, 1)
    learner = kind(task, Tiny(size=signs.VOCAB_SIZE), Copier(task, 0.5))
    learner.jit_compile = False
    policy.practise(learner, "reinforce", 8, batch_size=8)
    ((_, optimizer),) = learner._steps.values()
    assert optimizer.beta_2 == beta_2
