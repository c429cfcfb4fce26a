"""The fair comparison of ways to learn from feedback: chapter 8's recorded
results.

    python experiments/feedback/run.py

Every method is tuned by the same number of trials, a grid of two values for
each of two settings, on validation records and one pretrained model. What did
best there is then run on test records with three other pretrained models and
seeds. Each run is stored in ``experiments/results/feedback.json`` when it is
done; stop the script when you like and start it again: what is there is not
repeated, and at most one run is lost. Pretrained models are kept in
``experiments/feedback/models``.
"""

import itertools
import time
from pathlib import Path

from llmbook.feedback.annotator import SECONDS
from llmbook.feedback.learner import Learner
from llmbook.feedback.loop import draw_examination, examine, run
from llmbook.feedback.pretraining import CONFIG, examine_refiner, pretrain
from llmbook.feedback.tasks.invitations import CHOICES, Invitations
from llmbook.recording import load, store, versions

RESULTS = Path(__file__).parents[1] / "results" / "feedback.json"
MODELS = Path(__file__).parent / "models"

PRETRAINING_STEPS = 700
TUNING_SEED, SEEDS = 0, (1, 2, 3)  # of pretraining and of learning alike
RECORDS = {"validation": 128, "test": 256}
BUDGETS = (300, 150, 60)
EQUAL_TIME = 300 * SECONDS["critique"]  # seconds of the annotator

GRIDS = {
    "ilf_replay": {"rounds": (6, 10), "learning_rate": (5e-4, 1e-3)},
    "ilf_dialogue": {"rounds": (3, 6), "learning_rate": (5e-4, 1e-3)},
    "ilf": {"rounds": (6, 10), "learning_rate": (5e-4, 1e-3)},
    "expert_iteration": {"rounds": (6, 12), "share": (0.05, 0.2)},
    "dpo": {"beta": (0.1, 0.5), "learning_rate": (2e-4, 5e-4)},
    "sft": {"steps": (120, 240), "learning_rate": (5e-4, 1e-3)},
    "grpo": {"beta": (0.05, 0.3), "learning_rate": (1e-4, 3e-4)},
    "grpo_scores": {"updates": (2, 4), "learning_rate": (3e-4, 1e-3)},
    "best_of_n": {"steps": (100, 300), "number": (16, 64)},
    "self_distillation": {"steps": (40, 80), "learning_rate": (3e-4, 1e-3)},
}
CRITICISED = {"ilf", "ilf_replay", "ilf_dialogue", "self_distillation"}
ABLATIONS = {
    "another critique": ("ilf_replay", {"feedback": "another"}, {}),
    "no critique": ("ilf_replay", {"feedback": "none"}, {}),
    "another critique, no replay": ("ilf", {"feedback": "another"}, {}),
    "no critique, no replay": ("ilf", {"feedback": "none"}, {}),
    "random selection": ("ilf_replay", {"rule": "first"}, {}),
    "one fault a critique": ("ilf_replay", {}, {"limit": 1}),
    "held-out wording": ("ilf_replay", {}, {"wording": "held_out"}),
}


def trials(method):
    """Return the options of a method's trials: every point of its grid."""
    grid = GRIDS[method]
    return [
        dict(zip(grid, values, strict=True))
        for values in itertools.product(*grid.values())
    ]


def best_trial(runs, method):
    """Return the options that did best on validation: by success, then by
    score.
    """
    return max(
        (
            runs[f"tune/{method}/{trial}"]
            for trial in range(len(trials(method)))
        ),
        key=lambda result: (result["success"], result["score"]),
    )["options"]


def jobs():
    """Yield every run as (key, function of laboratory and results so far), most
    wanted first.
    """
    for feedback in ("own", "another", "none"):
        for seed in (TUNING_SEED, *SEEDS):
            yield f"refiner/{feedback}/{seed}", _refiner(seed, feedback, {})
    yield from tuned_at_equal_time(GRIDS)
    for name, seed in itertools.product(ABLATIONS, SEEDS):
        method, options, task = ABLATIONS[name]
        yield (
            f"ablation/{name}/{seed}",
            _final(method, seed, {"annotations": 300}, options, task),
        )
    for seed in SEEDS:
        yield (
            f"refiner/held-out wording/{seed}",
            _refiner(seed, "own", {"wording": "held_out"}),
        )
        yield (
            f"refiner/seen wording/{seed}",
            _refiner(seed, "own", {"wording": "seen"}),
        )
        yield (
            f"before/{seed}",
            lambda laboratory, runs, seed=seed: laboratory.before(seed),
        )
    for method, seed in itertools.product(("ilf", "ilf_replay"), SEEDS):
        rounds = {"every_round": True}
        yield (
            f"round by round/{method}/{seed}",
            _final(method, seed, {"annotations": 300}, rounds),
        )
    for method, budget, seed in itertools.product(GRIDS, BUDGETS, SEEDS):
        # 300 critiques are the equal time
        if budget < 300 or method not in CRITICISED:
            key = f"{budget} annotations/{method}/{seed}"
            yield key, _final(method, seed, {"annotations": budget})


def tuned_at_equal_time(methods):
    """Yield the trials of each method, then its runs with what did best in
    them.
    """
    for method in methods:
        for trial, options in enumerate(trials(method)):
            yield f"tune/{method}/{trial}", _tuning(method, options)
    for method, seed in itertools.product(methods, SEEDS):
        yield (
            f"equal time/{method}/{seed}",
            _final(method, seed, {"seconds": EQUAL_TIME}),
        )


def _refiner(seed, feedback, task):
    return lambda laboratory, runs: laboratory.refiner(seed, feedback, task)


def _tuning(method, options):
    budget = {"seconds": EQUAL_TIME}
    return lambda laboratory, runs: laboratory.learn(
        method, TUNING_SEED, "validation", budget, options, {}
    )


def _final(method, seed, budget, options=(), task=()):
    return lambda laboratory, runs: laboratory.learn(
        method,
        seed,
        "test",
        budget,
        best_trial(runs, method) | dict(options),
        dict(task),
    )


class Laboratory:
    """One learner, so that each loss is compiled once, and the models that it
    begins from.

    ``name`` is that of the models' files, ``choices`` are those of the world
    they come from.
    """

    def __init__(self, name="seed", choices=CHOICES):
        MODELS.mkdir(exist_ok=True)
        self.name, self.choices = name, choices
        self.weights = {}
        self.learner = None
        self.records = {
            split: draw_examination(Invitations(), number, split)
            for split, number in RECORDS.items()
        }

    def prepare(self, seed, task):
        """Return the learner as the pretrained model of a seed, with a task of
        these options.
        """
        if seed not in self.weights:
            checkpoint = (
                MODELS / f"{self.name}_{seed}_{PRETRAINING_STEPS}_steps.npz"
            )
            options = {
                "choices": self.choices,
                "checkpoint": checkpoint,
                "report": _progress,
            }
            model = pretrain(seed, PRETRAINING_STEPS, **options)
            self.weights[seed] = model.get_weights()
            self.learner = self.learner or Learner(Invitations(), model)
        self.learner.task = Invitations(**task)
        self.learner.reset(seed, self.weights[seed])
        return self.learner

    def learn(self, method, seed, split, budget, options, task):
        """Run a method, and return its figures with all that they depend on."""
        learner = self.prepare(seed, task)
        result = run(
            method, learner, self.records[split], seed=seed, **budget, **options
        )
        setting = {
            "method": method,
            "seed": seed,
            "split": split,
            "budget": budget,
        }
        return setting | {"options": options, "task": task} | result

    def refiner(self, seed, feedback, task):
        """Return how often the pretrained model does what a critique asks
        for.
        """
        learner = self.prepare(seed, task)
        return {"seed": seed, "exact": examine_refiner(learner, 256, feedback)}

    def before(self, seed):
        """Return how the pretrained model does before it learns."""
        return {
            "seed": seed,
            **examine(self.prepare(seed, {}), self.records["test"]),
        }


def _progress(steps, loss):
    print(f"  pretraining: {steps} steps, loss {loss:.3f}", flush=True)


def settings():
    """Return what the results depend on beside the code."""
    return {
        "model": vars(CONFIG) | {"pretraining_steps": PRETRAINING_STEPS},
        "records": RECORDS,
        "grids": GRIDS,
        "seconds_an_annotation": SECONDS,
        "versions": versions("numpy", "tensorflow", "keras"),
    }


def record(path, todo, laboratory):
    """Do those runs of a list of jobs that ``path`` does not hold yet, and
    store each.
    """
    results = load(path, {})
    results["settings"] = settings()
    runs, todo = results["runs"], list(todo)
    for number, (key, job) in enumerate(todo, 1):
        if key in runs:
            continue
        start = time.process_time()
        runs[key] = job(laboratory, runs)
        runs[key]["cpu_seconds_in_all"] = round(time.process_time() - start, 1)
        store(path, results)
        figure = runs[key].get("success", runs[key].get("exact"))
        print(f"[{number}/{len(todo)}] {key}: {figure:.3f}", flush=True)


if __name__ == "__main__":
    record(RESULTS, jobs(), Laboratory())
