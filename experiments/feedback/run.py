"""What each kind of feedback teaches, answer by answer: chapter 8's recorded
curves.

    python experiments/feedback/run.py

Every method is tuned on validation records and one pretrained model, with so
many answers that its curve is on the rise. Its learning rate and one more
setting each stand on a ladder, which is climbed until the best rung has a worse
one on either side. What did best there is then run on test records,
with other pretrained models and seeds, at every number of answers. Each run is
stored in ``experiments/results/feedback.json`` when it is done; stop the script
when you like and start it again: what is there is not repeated, and at most one
run is lost. Pretrained models are kept in ``experiments/feedback/models``.
"""

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
TUNING_SEED, SEEDS, FURTHER = 0, (1, 2, 3), (4, 5)
RECORDS = {"validation": 128, "test": 256}
NUMBERS = (4, 16, 64, 320, 1024, 3200)  # of answers
CONTROLLED = 320  # critiques of every control
FREE = (6400, 12_800)  # scores, where a program gives them for nothing

# With how many answers a method is tuned, and what beside the learning rate.
EPOCHS = ("epochs", (3, 10, 40, 160))
BETA = ("beta", (0.02, 0.1, 0.5, 2.0))
UPDATES = ("updates", (1, 2, 4, 8))
GRIDS = {
    "sft": (16, EPOCHS),
    "ilf": (320, EPOCHS),
    "ilf_replay": (64, EPOCHS),
    "ilf_dialogue": (64, EPOCHS),
    "self_distillation": (320, ("steps", (20, 40, 80, 160))),
    "expert_iteration": (1024, EPOCHS),
    "dpo": (1024, BETA),
    "best_of_n": (1024, ("steps", (50, 100, 300, 600))),
    "grpo": (1024, BETA),
    "grpo_scores": (1024, UPDATES),
    "grpo_success": (1024, UPDATES),
    "grpo_ticks": (1024, UPDATES),
    "grpo_faults": (1024, UPDATES),
    "reinforce": (1024, BETA),
}
RATES = (1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 4e-3, 8e-3)

# Methods that need a batch of 64 drafts before they learn at all.
BATCH = 64
BATCHED = (
    "grpo_scores",
    "grpo_success",
    "grpo_ticks",
    "grpo_faults",
    "reinforce",
)
# What the text draws its conclusions from is run with further seeds.
CLOSER = (
    "sft",
    "ilf",
    "ilf_replay",
    "ilf_dialogue",
    "expert_iteration",
    "grpo_scores",
    "grpo_ticks",
    "dpo",
)
# The step of these was tuned with fewer answers; with most of them they are run
# with a smaller one, too.
SLOWED = ("grpo_scores", "grpo_ticks", "grpo_faults")
# A second method, after so many answers to a first.
STAGES = {
    "sft, then dpo": ("sft", 16, "dpo"),
    "sft, then grpo_scores": ("sft", 16, "grpo_scores"),
    "sft, then grpo": ("sft", 16, "grpo"),
    "ilf_replay, then grpo_scores": ("ilf_replay", 64, "grpo_scores"),
}
CONTROLS = {
    "another critique": ({"feedback": "another"}, {}),
    "another in every fifth": ({"feedback": "another in every fifth"}, {}),
    "words in no order": ({"feedback": "shuffled words"}, {}),
    "no words": ({"feedback": "no words"}, {}),
    "no refiner": ({"feedback": "none"}, {}),
    "no remedy": ({}, {"remedy": False}),
    "one fault a critique": ({}, {"limit": 1}),
    "held-out wording": ({}, {"wording": "held_out"}),
    "random selection": ({"rule": "first"}, {}),
}


class Laboratory:
    """One learner, so that each loss is compiled once, and the models that it
    begins from.
    """

    def __init__(self):
        MODELS.mkdir(exist_ok=True)
        self.pretraining = with_defaults(
            pretrain, train, choices=CHOICES, **PRETRAINING
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
                checkpoint=MODELS / f"seed_{seed}_{steps}_steps.npz",
                report=_progress,
                **self.pretraining,
            )
            self.weights[seed] = model.get_weights()
            self.learner = self.learner or Learner(Invitations(), model)
        self.learner.task = Invitations(**task)
        self.learner.reset(seed, self.weights[seed])
        return self.learner

    def learn(self, method, seed, split, number, options, task, first=()):
        """Run a method, and return its figures."""
        learner = self.prepare(seed, task)
        result = run(
            method,
            learner,
            self.records[split],
            annotations=number,
            seed=seed,
            first=first,
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
            "rates": RATES,
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
                "shares of perfect invitations and mean scores after learning"
                " from so many answers; shares of drafts refined exactly as"
                " asked"
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
            number=GRIDS[method][0],
            options=with_defaults(METHODS[method], **options),
            task=with_defaults(Invitations),
        )

    def best_options(self, method):
        """Return the options that did best on validation."""
        name, values = GRIDS[method][1]

        def with_the_best_rate(value):
            return climb(
                RATES,
                2,
                lambda rate: self.trial(
                    method, {name: value, "learning_rate": rate}
                ),
            )

        return climb(values, 1, with_the_best_rate)["recipe"]["options"]

    def point(self, arm, number, seed):
        """Learn from so many answers, and be examined on test records."""
        method, first = arm, ()
        if arm in STAGES:
            earlier, paid, method = STAGES[arm]
            first = [(earlier, paid, self.best_options(earlier))]
        self.recording.once(
            {"kind": "curve", "arm": arm, "number": number, "seed": seed},
            self.laboratory.learn,
            method=method,
            split="test",
            options=self.best_options(method),
            task=with_defaults(Invitations),
            first=first,
        )

    def slowed(self, arm, seed):
        """Learn from most answers at the rate below the best one."""
        options = self.best_options(arm)
        rate = RATES[RATES.index(options["learning_rate"]) - 1]
        self.recording.once(
            {"kind": "smaller step", "arm": arm, "seed": seed},
            self.laboratory.learn,
            method=arm,
            split="test",
            number=NUMBERS[-1],
            options=options | {"learning_rate": rate},
            task=with_defaults(Invitations),
        )

    def control(self, change, seed):
        """Learn from critiques with one thing changed."""
        options, task = CONTROLS[change]
        self.recording.once(
            {"kind": "control", "change": change, "seed": seed},
            self.laboratory.learn,
            method="ilf_replay",
            split="test",
            number=CONTROLLED,
            options=self.best_options("ilf_replay") | options,
            task=with_defaults(Invitations, **task),
        )

    def everything(self):
        """Do every run, most wanted first."""
        for method in GRIDS:
            self.best_options(method)
        for seed in (*SEEDS, *FURTHER):
            self.recording.once(
                {"kind": "before", "seed": seed},
                self.laboratory.before,
                task=with_defaults(Invitations),
            )
            for feedback, wording in (
                ("own", "all"),
                ("another", "all"),
                ("none", "all"),
                ("own", "seen"),
                ("own", "held_out"),
            ):
                self.refiner(feedback, wording, seed)
            for arm, number in points(seed):
                self.point(arm, number, seed)
            for change in CONTROLS:
                self.control(change, seed)
        for seed in SEEDS:
            for arm in SLOWED:
                self.slowed(arm, seed)


def climb(ladder, foot, attempt):
    """Return the best trial on a ladder: the rung ``foot`` and the next are
    tried, and those beyond as long as the best is at the end of what was tried.
    """
    low, high = foot, foot + 2
    while True:
        found = [attempt(rung) for rung in ladder[low:high]]
        best = max(found, key=quality)
        if found[0] is best and low > 0:
            low -= 1
        elif found[-1] is best and high < len(ladder):
            high += 1
        else:
            return best


def quality(trial):
    """Return what trials are ranked by: the mean of success and of the score as
    a share of the best.

    Success alone moves by quarters, since the style has four manners and each
    is learned at a stroke; and where nothing succeeds yet it says nothing.
    """
    return (trial["success"] + trial["score"] / Invitations.best_score) / 2


def points(seed):
    """Return the arms and numbers of answers that are run with a seed."""
    if seed in FURTHER:
        return [(arm, n) for arm in CLOSER for n in (CONTROLLED, NUMBERS[-1])]
    found = [
        (arm, number)
        for arm in (*GRIDS, *STAGES)
        for number in NUMBERS
        if number >= least(arm)
    ]
    return found + [("grpo_scores", number) for number in FREE]


def least(arm):
    """Return how many answers an arm needs before it learns at all."""
    method = STAGES.get(arm, (arm,))[-1]
    return BATCH if method in BATCHED else 0


def main():
    Comparison(RESULTS, __file__, Laboratory()).everything()


if __name__ == "__main__":
    main()
