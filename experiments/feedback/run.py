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
import operator
from pathlib import Path

from llmbook.feedback.annotator import SECONDS
from llmbook.feedback.learner import Learner
from llmbook.feedback.loop import draw_examination, examine, run
from llmbook.feedback.methods import METHODS
from llmbook.feedback.pretraining import CONFIG, examine_refiner, pretrain
from llmbook.feedback.tasks.invitations import CHOICES, Invitations
from llmbook.models.training import train
from llmbook.recording import Recording, with_defaults

RESULTS = Path(__file__).parents[1] / "results" / "feedback.json"
MODELS = Path(__file__).parent / "models"

PRETRAINING = {"steps": 700}
TUNING_SEED, SEEDS = 0, (1, 2, 3)  # of pretraining and of learning alike
RECORDS = {"validation": 128, "test": 256}
NUMBER, FEWER = 300, (150, 60)  # annotations
EQUAL_TIME = {"seconds": NUMBER * SECONDS["critique"]}  # of the annotator

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


class Laboratory:
    """One learner, so that each loss is compiled once, and the models that it
    begins from.

    ``name`` is that of the models' files, ``choices`` are those of the world
    they come from.
    """

    def __init__(self, name="seed", choices=CHOICES):
        MODELS.mkdir(exist_ok=True)
        self.name = name
        self.pretraining = with_defaults(
            pretrain, train, choices=choices, **PRETRAINING
        )
        del self.pretraining["seed"]  # that of the run
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
            steps = self.pretraining["steps"]
            model = pretrain(
                seed,
                checkpoint=MODELS / f"{self.name}_{seed}_{steps}_steps.npz",
                report=_progress,
                **self.pretraining,
            )
            self.weights[seed] = model.get_weights()
            self.learner = self.learner or Learner(Invitations(), model)
        self.learner.task = Invitations(**task)
        self.learner.reset(seed, self.weights[seed])
        return self.learner

    def learn(
        self, method, seed, split, budget, options, task, every_round=False
    ):
        """Run a method, and return its figures."""
        learner = self.prepare(seed, task)
        result = run(
            method,
            learner,
            self.records[split],
            seed=seed,
            every_round=every_round,
            **budget,
            **options,
        )
        result["training_cpu_seconds"] = result.pop("cpu_seconds")
        return result

    def refine(self, seed, task, examination):
        """Return how often the pretrained model does what a critique asks
        for.
        """
        learner = self.prepare(seed, task)
        return {"exact": examine_refiner(learner, **examination)}

    def before(self, seed, task):
        """Return how the pretrained model does before it learns."""
        return examine(self.prepare(seed, task), self.records["test"])

    def settings(self):
        """Return what all runs have in common."""
        return {
            "model": vars(CONFIG),
            "pretraining": self.pretraining,
            "records": RECORDS,
            "grids": GRIDS,
            "seconds_an_annotation": SECONDS,
        }


def _progress(steps, loss):
    print(f"  pretraining: {steps} steps, loss {loss:.3f}", flush=True)


class Comparison:
    """The runs of a laboratory, and the recording that keeps them."""

    def __init__(self, path, script, laboratory):
        self.laboratory = laboratory
        self.recording = Recording(
            path,
            script,
            ("numpy", "tensorflow", "keras"),
            what=(
                "shares of perfect invitations and mean scores after learning;"
                " shares of drafts refined exactly as asked"
            ),
            settings=laboratory.settings(),
        )

    def refiner(self, feedback, wording, seed):
        """Examine a pretrained model as a refiner."""
        self.recording.once(
            {
                "kind": "refiner",
                "feedback": feedback,
                "wording": wording,
                "seed": seed,
            },
            self.laboratory.refine,
            task=with_defaults(Invitations, wording=wording),
            examination=with_defaults(examine_refiner, feedback=feedback),
        )

    def trial(self, method, options):
        """Learn with the options of a trial, on validation records."""
        return self.recording.once(
            {"kind": "tuning", "method": method, "trial": options},
            self.laboratory.learn,
            seed=TUNING_SEED,
            split="validation",
            budget=EQUAL_TIME,
            options=with_defaults(METHODS[method], **options),
            task=with_defaults(Invitations),
        )

    def final(self, identity, method, budget, options=(), task=(), **rounds):
        """Learn with the options that did best in the trials, but for those
        that are given, and be examined on test records.
        """
        self.recording.once(
            identity,
            self.laboratory.learn,
            method=method,
            split="test",
            budget=budget,
            options=self.best_trial(method) | dict(options),
            task=with_defaults(Invitations, **dict(task)),
            **rounds,
        )

    def best_trial(self, method):
        """Return the options that did best on validation: by success, then by
        score.
        """
        found = [self.trial(method, options) for options in trials(method)]
        best = max(found, key=operator.itemgetter("success", "score"))
        return best["recipe"]["options"]

    def at_equal_time(self, methods):
        """Do the trials of each method, then its runs with what did best in
        them.
        """
        for method in methods:
            self.best_trial(method)
        for method, seed in itertools.product(methods, SEEDS):
            self.final(
                {"kind": "equal time", "method": method, "seed": seed},
                method,
                EQUAL_TIME,
            )

    def everything(self):
        """Do every run, most wanted first."""
        for feedback in ("own", "another", "none"):
            for seed in (TUNING_SEED, *SEEDS):
                self.refiner(feedback, "all", seed)
        self.at_equal_time(GRIDS)
        budget = {"annotations": NUMBER}
        for change, seed in itertools.product(ABLATIONS, SEEDS):
            self.final(
                {"kind": "ablation", "change": change, "seed": seed},
                ABLATIONS[change][0],
                budget,
                *ABLATIONS[change][1:],
            )
        for seed in SEEDS:
            self.refiner("own", "held_out", seed)
            self.refiner("own", "seen", seed)
            self.recording.once(
                {"kind": "before", "seed": seed},
                self.laboratory.before,
                task=with_defaults(Invitations),
            )
        for method, seed in itertools.product(("ilf", "ilf_replay"), SEEDS):
            self.final(
                {"kind": "round by round", "method": method, "seed": seed},
                method,
                budget,
                every_round=True,
            )
        for method in GRIDS:
            # 300 critiques are the equal time
            numbers = FEWER if method in CRITICISED else (NUMBER, *FEWER)
            for number, seed in itertools.product(numbers, SEEDS):
                self.final(
                    {
                        "kind": "equal number",
                        "number": number,
                        "method": method,
                        "seed": seed,
                    },
                    method,
                    {"annotations": number},
                )


def main():
    Comparison(RESULTS, __file__, Laboratory()).everything()


if __name__ == "__main__":
    main()
