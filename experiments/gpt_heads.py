"""Ablate the heads of the GPT of chapter 6: one at a time, two at once, and all
of a block.

    python experiments/gpt_heads.py

Each seed is one run, stored in ``experiments/results/gpt_heads.json`` when it
is done; a run that is there already is not repeated. The model is trained as
the first of ``gpt_seeds.py``.
"""

import itertools
from pathlib import Path

import numpy as np
from gpt_seeds import RECIPE, texts, train_from, untrained

from llmbook.models import gpt
from llmbook.models.inside import without_heads
from llmbook.models.training import train, windows
from llmbook.recording import Recording, with_defaults

RESULTS = Path(__file__).parent / "results" / "gpt_heads.json"
SEEDS, SCORED, WINDOWS = [0], 6000, 16


def on_previous(model, text, count):
    """Mean weight of each head on the token before, over some windows."""
    length = model.config.length
    rows = np.lib.stride_tricks.sliding_window_view(text, length)
    rows = rows[:: len(rows) // (count - 1)][:count]  # (count, T)
    _, weights = model(rows, return_weights=True)
    diagonals = [
        np.diagonal(layer, offset=-1, axis1=-2, axis2=-1) for layer in weights
    ]  # (count, H, T - 1) each
    return np.stack([d.mean(axis=(0, -1)) for d in diagonals])  # (L, H)


def run(seed, scored, count, model, batch, training):
    text = texts()[0]["validation"]
    model = untrained(seed, model)
    before = on_previous(model, text, count)
    train_from(__file__, model, seed, batch, training)
    layers, heads = model.config.num_layers, model.config.num_heads
    every = list(itertools.product(range(layers), range(heads)))

    def loss_without(*heads):
        with without_heads(model, heads):
            return float(np.log(gpt.perplexity(model, text[:scored])))

    whole = loss_without()
    block = [[head for head in every if head[0] == i] for i in range(layers)]
    return {
        "loss": whole,
        "on_previous_before": before,
        "on_previous": on_previous(model, text, count),
        "worth": [loss_without(head) - whole for head in every],
        "pairs": [
            [one, two, loss_without(one, two) - whole]
            for one, two in itertools.combinations(every, 2)
        ],
        "blocks": [loss_without(*heads) - whole for heads in block],
        "all": loss_without(*every) - whole,
    }


def main():
    recording = Recording(
        RESULTS,
        __file__,
        ("numpy", "keras", "tensorflow"),
        what=(
            "validation loss in nats on the first characters, and how much it"
            " rises without a head (in order of block and head), without two,"
            " without a block's, without all; on_previous: mean weight on the"
            " character before, by block and head, at the end and before"
            " training"
        ),
    )
    for seed in SEEDS:
        recording.once(
            {"seed": seed},
            run,
            scored=SCORED,
            count=WINDOWS,
            model=with_defaults(gpt.GPTConfig, **RECIPE["model"]),
            batch=with_defaults(windows, seed=seed, **RECIPE["batch"]),
            training=with_defaults(train, **RECIPE["training"]),
        )


if __name__ == "__main__":
    main()
