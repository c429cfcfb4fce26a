"""Ways to teach SmolLM2 a house style, at one budget of Ann's time: chapter 9's
recorded results.

    python experiments/real_feedback/run.py

Every arm begins with the adapters that ship with the book. Each run is stored
in ``experiments/results/real_feedback.json`` when it is done; stop the script
when you like and start it again: at most one run is lost.
"""

import itertools
from pathlib import Path

from llmbook.feedback.adapted import AdapterLearner
from llmbook.feedback.annotator import SECONDS
from llmbook.feedback.loop import draw_examination, run
from llmbook.feedback.tasks.shop import Shop
from llmbook.feedback.warm_up import ADAPTERS
from llmbook.models import lora, smollm
from llmbook.recording import Recording

RESULTS = Path(__file__).parents[1] / "results" / "real_feedback.json"
SEEDS = (1, 2, 3)
EXAMINED = 32
ROUNDS, CRITIQUES = 3, 24  # a round
# of Ann's time, for every arm
BUDGET = {"seconds": ROUNDS * CRITIQUES * SECONDS["critique"]}
STEPS = 12  # a round, of 8 messages each
TRAINING = {"learning_rate": 5e-4}
ROUND = TRAINING | {"rounds": ROUNDS, "steps": STEPS}
ILF = ROUND | {"candidates": 1, "replay": True}
ARMS = {
    "ILF": ("ilf", ILF),
    "demonstrations": ("sft", TRAINING | {"steps": ROUNDS * STEPS}),
    "ILF, shuffled feedback": ("ilf", ILF | {"feedback": "another"}),
    "ILF, no feedback": ("ilf", ILF | {"feedback": "none"}),
    "best of scored drafts": ("expert_iteration", ROUND),
    "DPO, refinement over draft": ("dpo", ROUND | {"source": "critiques"}),
}


def load_learner():
    """Return a learner that has been warmed up, and what it computes in."""
    dtype = smollm.fast_dtype()
    model, tokenizer = smollm.load(dtype=dtype)
    lora.load(model, ADAPTERS)
    return AdapterLearner(Shop(tokenizer), model), dtype


def main():
    recording = Recording(
        RESULTS,
        ("tensorflow", "keras", "numpy"),
        examined=EXAMINED,
        budget=BUDGET,
        critiques_a_round=CRITIQUES,
    )
    learner, dtype = load_learner()
    records = draw_examination(learner.task, EXAMINED)
    for arm, seed in itertools.product(ARMS, SEEDS):
        if recording.holds(arm=arm, seed=seed):
            continue
        method, options = ARMS[arm]
        every_round = arm == "ILF"
        result = run(
            method,
            learner,
            records,
            seed=seed,
            every_round=every_round,
            **BUDGET,
            **options,
        )
        result["example"] = learner.respond(records[:1])[0]
        recording.add(
            {"arm": arm, "seed": seed, "dtype": dtype, "options": options}
            | result
        )
        print(
            arm,
            seed,
            result["success"],
            result["score"],
            result["cpu_seconds"],
            flush=True,
        )


if __name__ == "__main__":
    main()
