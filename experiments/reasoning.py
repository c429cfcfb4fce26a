"""Steps, many answers, and a program as judge: the recorded runs of chapter 15.

    python experiments/reasoning.py

Three seeds each: what a GPT learns from solutions in three forms; and what
policies that are right a third of the time learn from a checker, by methods of
``llmbook.feedback``. Each run is stored in ``results/reasoning.json`` when it
is done; a run that is there already is not repeated. The policies that learning
begins from are kept in ``experiments/reasoning_models``.
"""

import functools
import random
from collections import Counter
from pathlib import Path

import numpy as np

from llmbook.feedback.loop import draw_examination
from llmbook.feedback.methods.sft import imitate
from llmbook.models.gpt import GPT
from llmbook.reasoning import answers, calculator, countdown, policy
from llmbook.reasoning.calculator import Calculator
from llmbook.reasoning.countdown import Countdown
from llmbook.recording import Recording

RESULTS = Path(__file__).parent / "results" / "reasoning.json"
MODELS = Path(__file__).parent / "reasoning_models"
SEEDS = (0, 1, 2)
STEPS = 800  # of teaching in each form
COUNTS = (2, 3, 4, 5, 6, 8)  # operations; up to five were taught
# How the policies are taught that learning from a checker begins from.
TEACHING = {
    "calculator": {"least": 0.3, "every": 10},
    "countdown": {"least": 0.35, "every": 100},
    "tries": {"least": 0.3, "every": 250, "most": 1000},
}
UPDATES = {"calculator": 200, "countdown": 200, "tries": 100}
BATCH = 128
ON_POLICY = {"updates": 1, "groups": 16, "group_size": 8, "beta": 0.0}
RATE = {"learning_rate": 5e-4}
HIGH_RATE = {"learning_rate": 2e-3}
REINFORCE = {"batch_size": BATCH, "beta": 0.0}
SAMPLED = {"rounds": 1, "steps": 200} | RATE

OPTIONS = {
    "GRPO": ("grpo_success", ON_POLICY | RATE),
    "GRPO, KL": ("grpo_success", ON_POLICY | RATE | {"beta": 0.1}),
    "GRPO, high rate": ("grpo_success", ON_POLICY | HIGH_RATE),
    "imitation of right answers": (
        "reinforce",
        REINFORCE | RATE | {"baseline": 0.0},
    ),
    "REINFORCE": ("reinforce", REINFORCE | RATE),
    "steps rewarded": ("grpo_ticks", ON_POLICY | RATE | {"scale": 1.0}),
    "checked samples": ("expert_iteration", SAMPLED | {"least": 1.0}),
    "unchecked samples": ("expert_iteration", SAMPLED | {"least": 0.0}),
}
# Which arms learn in which game, and from which judge.
ARMS = {
    "calculator": {
        arm: (*OPTIONS[arm], {"by": "answer"})
        for arm in (
            "GRPO",
            "steps rewarded",
            "imitation of right answers",
            "GRPO, high rate",
            "REINFORCE",
        )
    },
    "countdown": {
        arm: (*OPTIONS[arm], {})
        for arm in (
            "GRPO",
            "GRPO, KL",
            "checked samples",
            "unchecked samples",
        )
    },
    "tries": {
        "sloppy judge": (*OPTIONS["GRPO"], {"by": "any"}),
        "strict judge": (*OPTIONS["GRPO"], {"by": "last"}),
    },
}


# --- solutions in three forms -------------------------------------------------


def forms(seed, form, steps, problems):
    """Teach solutions in a form; examine it greedily by number of operations.

    Returns the share of right answers and of right solutions for each, and the
    mean loss of every hundred steps.
    """
    task = Calculator(2, 5, form)
    model, losses = policy.teach(task, seed, steps)
    found = {"answers": [], "solutions": []}
    for count in COUNTS:
        longer = Calculator(count, count, form)
        drawn = draw_examination(longer, problems, "test", seed=count)
        written = policy.Solver(longer, model).draft(drawn, 0.0)
        found["answers"].append(
            np.mean(
                [
                    calculator.judge(*pair, by="answer")
                    for pair in zip(drawn, written, strict=True)
                ]
            )
        )
        found["solutions"].append(
            np.mean(
                [
                    longer.demonstrate(problem) == text
                    for problem, text in zip(drawn, written, strict=True)
                ]
            )
        )
    return found | {"losses": losses.reshape(-1, 100).mean(axis=1)}


# --- policies, and what they write --------------------------------------------


def task_of(game, **options):
    """Return the task of a game."""
    if game == "calculator":
        return Calculator(**options)
    return Countdown(tries=4 if game == "tries" else 1, **options)


@functools.cache
def learner_of(game):
    """Return one learner for all policies of a game: its steps are compiled
    once.
    """
    return policy.Solver(task_of(game), GPT(policy.CONFIG))


def base(game, seed):
    """Return a learner whose policy is right a third of the time, and how many
    steps made it: it is taught, or read if it was taught before.

    One that writes several tries is taught for so many steps at most, since it
    stays below that share for long.
    """
    path = MODELS / f"{game}_{seed}.npz"
    task = task_of(game)
    if not path.exists():
        problems = draw_examination(task, 256, "train", seed=100 + seed)
        taught, steps = policy.teach_until(
            task, problems, **TEACHING[game], seed=seed
        )
        MODELS.mkdir(exist_ok=True)
        weights = taught.model.get_weights()
        named = {f"{i:03}": values for i, values in enumerate(weights)}
        np.savez(path, **named, steps=steps)
    stored = dict(np.load(path))
    steps = int(stored.pop("steps"))
    learner = learner_of(game)
    learner.task = task
    learner.reset(seed, list(stored.values()))
    return learner, steps


def examined(game, problems, written):
    """Return what solutions, several to each problem, are worth, as lists with
    an entry for each problem.
    """
    pairs = list(zip(problems, written, strict=True))
    length = task_of(game).draft_length  # of a text that was cut off
    if game == "calculator":
        judges = {
            "right": calculator.judge,
            "right_answer": functools.partial(calculator.judge, by="answer"),
            "right_displays": calculator.right_displays,
        }
    else:
        judges = {
            "right": countdown.judge,
            "any_right": functools.partial(countdown.judge, by="any"),
            "calculates": lambda _, text: all(
                countdown.calculates(line) for line in text.split(",")
            ),
            "on_target": lambda problem, text: (
                countdown.result(text.split(",")[-1])
                == countdown.target_of(problem)
            ),
            "tries": lambda _, text: text.count(",") + 1,
            "finished": lambda _, text: len(text) < length,
            # lines, and those of them that calculate
            "lines": lambda _, text: sum(
                countdown.result(line) is not None for line in text.split(",")
            ),
            "calculated": lambda _, text: sum(
                map(countdown.calculates, text.split(","))
            ),
        }
    found = {
        name: [sum(judge(z, text) for text in texts) for z, texts in pairs]
        for name, judge in judges.items()
    }
    found["different"] = [len(set(texts)) for texts in written]
    return found


def look(learner, done, game, problems):
    """Return shares of four samples to each held-out problem."""
    written = policy.sample(learner, problems, 4)
    found = examined(game, problems, written)
    return {
        name: np.mean(values) / 4
        for name, values in found.items()
        if name != "different"
    }


def report(learner, game, number, problems, temperature=1.0):
    """Return what the policy is worth: samples, greedy solutions and votes."""
    drawn = draw_examination(task_of(game), problems, "test", seed=1)
    written = policy.sample(learner, drawn, number, temperature)
    figures = examined(game, drawn, written)
    greedily = examined(game, drawn, policy.sample(learner, drawn, 1, 0.0))
    figures["greedy"] = np.mean(greedily["right"])
    if game == "calculator":
        figures["greedy_answer"] = np.mean(greedily["right_answer"])
        figures["vote"] = [
            answers.vote_at_k(
                [[text[-1:] for text in texts] for texts in written],
                [calculator.solve(problem, "answer") for problem in drawn],
                k,
                np.random.default_rng(0),
            ).mean()
            for k in (1, 2, 4, 8, 16, 32)
        ]
    figures["examples"] = [
        [problem, texts[0]]
        for problem, texts in zip(drawn[:12], written, strict=False)
    ]
    return figures


def before(game, seed, number, problems):
    """Return what the policy is worth before it learns from a checker."""
    learner, steps = base(game, seed)
    return {"steps": steps} | report(learner, game, number, problems)


def learn(game, seed, method, options, task, scores, every, number, problems):
    """Learn from a checker by a method; look at held-out problems on the
    way, and report at the end.
    """
    learner, _ = base(game, seed)
    learner.task = task_of(game, **task)
    drawn = draw_examination(learner.task, problems, "test", seed=2)
    rounds = policy.practise(
        learner,
        method,
        scores,
        seed,
        look=functools.partial(look, game=game, problems=drawn),
        every=every,
        **options,
    )
    learner.task = task_of(game)
    return {
        "reward": [z["reward"] for z in rounds if "reward" in z],
        "curve": [z["look"] for z in rounds if "look" in z],
    } | report(learner, game, number, problems)


def cooler(game, seed, temperature, number, problems):
    """Return what the policy is worth before it learns, at another
    temperature.
    """
    learner, _ = base(game, seed)
    return report(learner, game, number, problems, temperature)


# --- without a checker, and by others' lines ----------------------------------


def agreed(seed, drawn, each, number, problems):
    """Imitate for every problem the line that the policy writes most often,
    as many times as it drew: a vote in the place of the checker.
    """
    learner, _ = base("countdown", seed)
    asked = draw_examination(learner.task, drawn, "train", seed=3)
    texts = [
        Counter(lines).most_common(1)[0][0]
        for lines in policy.sample(learner, asked, each)
    ]
    imitate(learner, asked, texts, SAMPLED["steps"], SAMPLED["learning_rate"])
    return {
        "agreed_right": sum(map(countdown.is_right, asked, texts)) / drawn
    } | report(learner, "countdown", number, problems)


class Written(Countdown):
    """Problems with lines that were written before."""

    def __init__(self, pairs):
        super().__init__()
        self.pairs = pairs

    def example(self, rng):
        """Draw one of the problems with its line."""
        return rng.choice(self.pairs)


def any_right(rng, problem):
    """Draw one of the right lines of a problem."""
    return rng.choice(
        [
            line
            for line in countdown.lines(problem[:3])
            if countdown.is_right(problem, line)
        ]
    )


def students(seed, drawn, each, steps, temperature, number, problems):
    """Teach two new models: one from the right lines of a policy that learned
    from a checker, one from as many random right lines for the same problems.

    The policy itself is asked at a higher temperature besides.
    """
    learner, _ = base("countdown", seed)
    method, options = OPTIONS["GRPO"]
    policy.practise(
        learner, method, UPDATES["countdown"] * BATCH, seed, **options
    )
    found = {
        "hotter": report(learner, "countdown", number, problems, temperature)
    }
    asked = draw_examination(learner.task, drawn, "train", seed=3)
    shown = [
        (problem, line)
        for problem, lines in zip(
            asked, policy.sample(learner, asked, each), strict=True
        )
        for line in lines
        if countdown.is_right(problem, line)
    ]
    rng = random.Random(seed)
    others = [(problem, any_right(rng, problem)) for problem, _ in shown]
    for source, pairs in (("policy", shown), ("random", others)):
        student, _ = policy.teach(Written(pairs), seed, steps)
        learner.reset(seed, student.get_weights())
        found[source] = {
            "shown": len(pairs),
            "different_shown": len(set(pairs)),
        } | report(learner, "countdown", number, problems)
    return found


def main():
    recording = Recording(
        RESULTS,
        __file__,
        ("numpy", "keras", "tensorflow"),
        what=(
            "right of so many samples to each held-out problem, by a strict"
            " judge and by others, before and after learning from a checker;"
            " shares of right answers after teaching in three forms"
        ),
        counts=COUNTS,
    )

    def written_out(seed):
        for form in calculator.FORMS:
            recording.once(
                {"kind": "form", "form": form, "seed": seed},
                forms,
                steps=STEPS,
                problems=300,
            )

    def learned(game, seed, arms, number):
        recording.once(
            {"kind": "base", "game": game, "seed": seed},
            before,
            number=number,
            problems=128,
        )
        for arm in arms:
            method, options, task = ARMS[game][arm]
            recording.once(
                {"kind": "learned", "game": game, "arm": arm, "seed": seed},
                learn,
                method=method,
                options=options,
                task=task,
                scores=UPDATES[game] * BATCH,
                every=40,
                number=number,
                problems=128,
            )

    for seed in SEEDS:
        written_out(seed)
        learned("calculator", seed, ARMS["calculator"], 32)
        learned("countdown", seed, ARMS["countdown"], 64)
        learned("tries", seed, ARMS["tries"], 16)
        recording.once(
            {"kind": "students", "seed": seed},
            students,
            drawn=512,
            each=16,
            steps=STEPS,
            temperature=1.5,
            number=64,
            problems=128,
        )
        recording.once(
            {"kind": "agreed", "seed": seed},
            agreed,
            drawn=1600,
            each=16,
            number=64,
            problems=128,
        )
        recording.once(
            {"kind": "cooler", "game": "calculator", "seed": seed},
            cooler,
            temperature=0.5,
            number=32,
            problems=128,
        )


if __name__ == "__main__":
    main()
