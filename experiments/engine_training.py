"""Train the small transformers of chapter 4 with several seeds, rates and
places of the norm.

    python experiments/engine_training.py

A run is stored in ``experiments/results/engine_training.json`` when it is done;
a run that is there already is not repeated. What is recorded is the training
loss of the last 20 steps.
"""

import time
from pathlib import Path

import numpy as np

from llmbook.corpora.books import load_web_bible
from llmbook.mathematics.optim import SGD, Adam, warmup_cosine
from llmbook.mathematics.transformer import LanguageModel, random_pieces, train
from llmbook.recording import Recording
from llmbook.text.tokenizers import CharTokenizer

RESULTS = Path(__file__).parent / "results" / "engine_training.json"
LENGTH, WIDTH, HEADS = 32, 32, 4
OPTIMISERS = {
    "gradient descent": (lambda p, rate: SGD(p, rate), (0.5, 1.0, 2.0, 4.0)),
    "momentum": (
        lambda p, rate: SGD(p, rate, momentum=0.9),
        (0.1, 0.2, 0.4, 0.8),
    ),
    "Adam": (
        lambda p, rate: Adam(p, rate, weight_decay=0.01),
        (0.003, 0.01, 0.02, 0.04),
    ),
}


def genesis():
    """Return the ids of the chapters that chapter 4 trains on, and the size of
    the vocabulary.
    """
    text = "\n".join(
        v.text for v in load_web_bible() if v.book == 1 and v.chapter <= 45
    )
    tokenizer = CharTokenizer.fit([text])
    return np.array(tokenizer.encode(text)), len(tokenizer)


def rate_run(ids, vocab_size, optimiser, rate, seed, steps=200):
    """One block, warm-up and cosine, clipping at 1."""
    model = LanguageModel(
        np.random.default_rng(seed), vocab_size, LENGTH, WIDTH, HEADS
    )
    chosen = OPTIMISERS[optimiser][0]([p.data for p in model.parameters], rate)
    pieces = random_pieces(
        ids, LENGTH, 16, steps, np.random.default_rng(seed + 1)
    )
    return train(
        model,
        chosen,
        pieces,
        lambda s: warmup_cosine(s, rate, steps // 10, steps),
        1.0,
    )


def norm_run(ids, vocab_size, norm, warmup_steps, seed, steps=150, rate=0.003):
    """Six blocks, a rate that does not fall, no clipping."""
    model = LanguageModel(
        np.random.default_rng(seed),
        vocab_size,
        LENGTH,
        WIDTH,
        HEADS,
        num_blocks=6,
        norm=norm,
    )
    adam = Adam([p.data for p in model.parameters], rate)
    pieces = random_pieces(
        ids, LENGTH, 4, steps, np.random.default_rng(seed + 1)
    )
    return train(
        model,
        adam,
        pieces,
        lambda s: warmup_cosine(s, rate, warmup_steps, steps, rate),
    )


def main():
    recording = Recording(
        RESULTS,
        ("numpy",),
        what="training loss in nats a character, mean of the last 20 steps",
    )
    rates = [
        {"part": "rates", "optimiser": name, "rate": rate, "seed": seed}
        for seed in range(3)
        for name, (_, values) in OPTIMISERS.items()
        for rate in values
    ]
    norms = [
        {
            "part": "norms",
            "norm": norm,
            "warmup_steps": warmup_steps,
            "seed": seed,
        }
        for seed in range(5)
        for norm, warmup_steps in (("pre", 0), ("post", 0), ("post", 50))
    ]
    ids, vocab_size = genesis()
    for run in norms + rates:
        if recording.holds(**run):
            continue
        settings = {
            name: value for name, value in run.items() if name != "part"
        }
        start = time.process_time()
        losses, _ = (norm_run if run["part"] == "norms" else rate_run)(
            ids, vocab_size, **settings
        )
        run["loss"] = round(float(losses[-20:].mean()), 4)
        run["cpu_seconds"] = round(time.process_time() - start, 1)
        print(recording.add(run), flush=True)


if __name__ == "__main__":
    main()
