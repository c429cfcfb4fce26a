"""Measure what a backward pass costs beside the forward pass, in CPU time on
one thread.

    python experiments/backward_cost.py

Each part is one run, stored in ``experiments/results/backward_cost.json`` when
it is done; a run that is there already is not repeated. Chapter 4 reads the
ratios: the seconds belong to the machine that took them.
"""

import os
import statistics
import time
from pathlib import Path

# Read once, when NumPy is imported: with one thread, CPU time is wall time.
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np

from llmbook.mathematics.backprop import linear, linear_backward
from llmbook.mathematics.transformer import LanguageModel
from llmbook.recording import Recording

RESULTS = Path(__file__).parent / "results" / "backward_cost.json"
REPEATS = 15


def seconds(function, *arguments):
    """Return the CPU time of a call and its result."""
    start = time.process_time()
    result = function(*arguments)
    return time.process_time() - start, result


def medians(forward, backward, repeats):
    """Return the median CPU times, after one call that warms up."""
    times = []
    for _ in range(repeats + 1):
        there, result = seconds(forward)
        back, _ = seconds(backward, result)
        times.append((there, back))
    there, back = map(statistics.median, zip(*times[1:], strict=True))
    return {"forward": there, "backward": back, "ratio": back / there}


def linear_layer(rows, width, repeats):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((rows, width))
    w, b = rng.standard_normal((width, width)), rng.standard_normal(width)
    return medians(
        lambda: linear(x, w, b), lambda y: linear_backward(y, x, w), repeats
    )


def engine(vocabulary_size, length, d_model, num_heads, batch_size, repeats):
    rng = np.random.default_rng(0)
    model = LanguageModel(rng, vocabulary_size, length, d_model, num_heads)
    ids = rng.integers(0, vocabulary_size, (batch_size, length + 1))
    return medians(
        lambda: model.loss(ids), lambda loss: loss.backward(), repeats
    )


def main():
    recording = Recording(
        RESULTS,
        __file__,
        ("numpy",),
        what="median CPU-seconds of one pass, float64, one thread",
    )
    recording.once(
        {"part": "linear layer"},
        linear_layer,
        rows=2048,
        width=512,
        repeats=REPEATS,
    )
    recording.once(
        {"part": "transformer on the engine"},
        engine,
        vocabulary_size=66,
        length=32,
        d_model=256,
        num_heads=4,
        batch_size=16,
        repeats=REPEATS,
    )


if __name__ == "__main__":
    main()
