"""Measure what attention costs in CPU time as sequences grow, naive and online,
on one thread.

    python experiments/attention_cost.py

Each length is one run, stored in ``experiments/results/attention_cost.json``
when it is done; a run that is there already is not repeated. Chapter 2 reads
the ratios: the seconds belong to the machine that took them.
"""

import os
import statistics
import time
from pathlib import Path

# Read once, when NumPy is imported: with one thread, CPU time is wall time.
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np

from llmbook.mathematics.attention import (
    online_softmax_attention,
    scaled_dot_product_attention,
)
from llmbook.recording import Recording

RESULTS = Path(__file__).parent / "results" / "attention_cost.json"
LENGTHS = [128, 256, 512, 1024, 2048, 4096]
OPTIONS = {"width": 64, "seed": 0, "repeats": 7}


def seconds(repeats, function, *arguments):
    """Return the median CPU time of a call, after one that warms up."""
    function(*arguments)
    times = []
    for _ in range(repeats):
        start = time.process_time()
        function(*arguments)
        times.append(time.process_time() - start)
    return statistics.median(times)


def run(length, width, seed, repeats):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((3, length, width)).astype(np.float32)
    matrices = rng.standard_normal((4, width, width)).astype(np.float32)
    return {
        "projections": seconds(
            repeats, lambda: [x[0] @ matrix for matrix in matrices]
        ),
        "naive": seconds(repeats, scaled_dot_product_attention, *x),
        "online": seconds(repeats, online_softmax_attention, *x),
    }


def main():
    recording = Recording(
        RESULTS,
        __file__,
        ("numpy",),
        what="median CPU-seconds of one call, float32, one head, one thread",
    )
    for length in LENGTHS:
        recording.once({"length": length}, run, **OPTIONS)


if __name__ == "__main__":
    main()
