"""Make the refiner of chapter 9: the adapters that ship with the book, and how
the warm-up went.

    python experiments/real_feedback/warm_up.py

Trains SmolLM2 on edits of a shop's messages, in some minutes; writes the
adapters into the library, and the losses with what the refiner then can do to
``experiments/results/warm_up.json``.
"""

import time
from pathlib import Path

from llmbook.feedback import warm_up
from llmbook.feedback.adapted import AdapterLearner
from llmbook.feedback.loop import draw_examination, examine
from llmbook.feedback.tasks import shop
from llmbook.models import lora, smollm
from llmbook.recording import Recording

RESULTS = Path(__file__).parents[1] / "results" / "warm_up.json"
SEED, STEPS = 0, 80
EXAMINED = 32


def main():
    recording = Recording(
        RESULTS,
        ("tensorflow", "keras", "numpy"),
        figures=(
            f"shares of {EXAMINED} held-out messages; losses in nats a token"
        ),
    )
    if recording.holds(seed=SEED):
        return
    dtype = smollm.fast_dtype()
    model, tokenizer = smollm.load(dtype=dtype)
    start = time.process_time()
    losses = warm_up.warm_up(
        model,
        tokenizer,
        SEED,
        STEPS,
        every=5,
        report=_progress,
        jit_compile=False,
    )
    cpu = time.process_time() - start
    lora.save(model, warm_up.ADAPTERS)
    learner = AdapterLearner(shop.Shop(tokenizer), model)
    records = draw_examination(learner.task, EXAMINED)
    run = {
        "seed": SEED,
        "dtype": dtype,
        "cpu_seconds": round(cpu),
        "refiner": {
            feedback: warm_up.examine_refiner(learner, records, feedback)
            for feedback in ("own", "another", "none")
        },
        "policy": examine(learner, records),
        "losses": [round(float(loss), 4) for loss in losses],
    }
    print({**run, "losses": None})
    recording.add(run)


def _progress(step, loss):
    print(f"step {step}: {loss:.3f}", flush=True)


if __name__ == "__main__":
    main()
