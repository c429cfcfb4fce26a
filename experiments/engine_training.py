"""Train the small transformers of chapter 4 with several seeds, rates and
places of the norm, and without norms or residual connections.

    python experiments/engine_training.py

A run is stored in ``experiments/results/engine_training.json`` when it is done;
a run that is there already is not repeated. What is recorded is the training
loss of the last 20 steps.
"""

import functools
from pathlib import Path

import numpy as np

from llmbook.corpora.books import load_web_bible
from llmbook.mathematics.optim import SGD, Adam, warmup_cosine
from llmbook.mathematics.transformer import (
    LanguageModel,
    TransformerBlock,
    random_pieces,
    train,
)
from llmbook.recording import Recording, with_defaults
from llmbook.text.tokenizers import CharTokenizer

RESULTS = Path(__file__).parent / "results" / "engine_training.json"
MODEL = {"length": 32, "d_model": 32, "num_heads": 4}
OPTIMISERS = {  # the class, its options, the rates
    "gradient descent": (SGD, {}, (0.5, 1.0, 2.0, 4.0)),
    "momentum": (SGD, {"momentum": 0.9}, (0.1, 0.2, 0.4, 0.8)),
    "Adam": (Adam, {"weight_decay": 0.01}, (0.003, 0.01, 0.02, 0.04)),
}
RATES = {"steps": 200, "batch_size": 16}
NORMS = {"steps": 150, "batch_size": 4}
NORMS_RATES = (0.001, 0.003, 0.01)  # do not fall
PLACES = [  # the norm, with residual connections, steps of warm-up
    ("pre", True, 0),
    ("post", True, 0),
    ("post", True, 50),
    ("pre", False, 0),
    (None, True, 0),
]


@functools.cache
def genesis():
    """Return the ids of the chapters that chapter 4 trains on, and the size of
    the vocabulary.
    """
    text = "\n".join(
        v.text for v in load_web_bible() if v.book == 1 and v.chapter <= 45
    )
    tokenizer = CharTokenizer.fit([text])
    return np.array(tokenizer.encode(text)), len(tokenizer)


def run(seed, model, optimiser, options, steps, batch_size, schedule, clipping):
    ids, vocab_size = genesis()
    model_rng, piece_rng = map(np.random.default_rng, (seed, seed + 1))
    model = LanguageModel(model_rng, vocab_size, **model)
    arrays = [parameter.data for parameter in model.parameters]
    losses, _ = train(
        model,
        OPTIMISERS[optimiser][0](arrays, **options),
        random_pieces(ids, MODEL["length"], batch_size, steps, piece_rng),
        functools.partial(warmup_cosine, **schedule),
        **clipping,
    )
    return {"loss": losses[-20:].mean()}


def norms(recording, norm, residual, warmup_steps, rate, seed):
    """Six blocks, a rate that does not fall, no clipping."""
    identity = {"norm": norm, "residual": residual, "rate": rate}
    identity |= {"warmup_steps": warmup_steps, "seed": seed}
    recording.once(
        {"kind": "norms"} | identity,
        run,
        model=with_defaults(
            LanguageModel,
            TransformerBlock,
            norm=norm,
            residual=residual,
            num_blocks=6,
            **MODEL,
        ),
        optimiser="Adam",
        options=with_defaults(Adam, learning_rate=rate),
        schedule={
            "peak": rate,
            "warmup_steps": warmup_steps,
            "total_steps": NORMS["steps"],
            "final": rate,
        },
        clipping={},
        **NORMS,
    )


def rates(recording, optimiser, rate, seed):
    """One block, warm-up and cosine, clipping at 1."""
    kind, options, _ = OPTIMISERS[optimiser]
    identity = {"optimiser": optimiser, "rate": rate, "seed": seed}
    recording.once(
        {"kind": "rates"} | identity,
        run,
        model=with_defaults(LanguageModel, TransformerBlock, **MODEL),
        options=with_defaults(kind, learning_rate=rate, **options),
        schedule=with_defaults(
            warmup_cosine,
            peak=rate,
            warmup_steps=RATES["steps"] // 10,
            total_steps=RATES["steps"],
        ),
        clipping={"max_norm": 1.0},
        **RATES,
    )


def main():
    recording = Recording(
        RESULTS,
        __file__,
        ("numpy",),
        what="training loss in nats a character, mean of the last 20 steps",
    )
    for seed in range(3):
        for place in PLACES:
            for rate in NORMS_RATES:
                norms(recording, *place, rate, seed)
    for seed in range(3):
        for optimiser, (_, _, values) in OPTIMISERS.items():
            for rate in values:
                rates(recording, optimiser, rate, seed)


if __name__ == "__main__":
    main()
