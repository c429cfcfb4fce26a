"""Train the model of ``gpt_scaling.py`` that is given less and less text on
parts of the text that are drawn at random.

    python experiments/gpt_shares.py

Each run is stored in ``experiments/results/gpt_shares.json`` when it is done; a
run that is there already is not repeated. ``gpt_scaling.py`` takes a share from
the front of the novel. Here the text is cut into 128 pieces, which are put in
random order, and a share is the first of them: so it comes from all over the
novel, and every share holds the smaller ones.
"""

from pathlib import Path

import numpy as np
from gpt_scaling import BATCH, MODEL, SEED, SHARES, TRAINING, texts, trained_on

from llmbook.models.gpt import GPTConfig
from llmbook.models.training import train, windows
from llmbook.recording import Recording, with_defaults

RESULTS = Path(__file__).parent / "results" / "gpt_shares.json"
PIECES, DRAW = 128, 0
SIZES = {"d_model": 32, "num_layers": 1}


def run(share, draw, pieces, seed, model, batch, training):
    order = np.random.default_rng(draw).permutation(pieces)
    cut = np.array_split(texts()[0], pieces)
    text = np.concatenate([cut[i] for i in order[: int(share * pieces)]])
    return trained_on(text, seed, model, batch, training)


def main():
    recording = Recording(
        RESULTS,
        __file__,
        ("numpy", "keras", "tensorflow"),
        what=(
            "validation loss in nats a character; curve: step, training loss,"
            " validation loss"
        ),
    )
    for share in reversed(SHARES):
        recording.once(
            {"draw": DRAW, "share": share},
            run,
            pieces=PIECES,
            seed=SEED,
            model=with_defaults(GPTConfig, **MODEL | SIZES),
            batch=with_defaults(windows, seed=SEED, **BATCH),
            training=with_defaults(train, **TRAINING),
        )


if __name__ == "__main__":
    main()
