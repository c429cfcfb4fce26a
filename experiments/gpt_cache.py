"""Measure what the key-value cache saves in generation, on one thread.

    python experiments/gpt_cache.py

Each length is one run, stored in ``experiments/results/gpt_cache.json`` when it
is done; a run that is there already is not repeated. Chapter 6 reads the
ratios: the seconds belong to the machine that took them. The model is of the
chapter's sizes but untrained, which changes no time.
"""

import functools
import itertools
import statistics
import time
from pathlib import Path

import keras
import tensorflow as tf

from llmbook.models.generation import generate
from llmbook.models.gpt import GPT, GPTConfig
from llmbook.recording import Recording, with_defaults

RESULTS = Path(__file__).parent / "results" / "gpt_cache.json"
LENGTHS, ROWS, REPEATS, SEED = [25, 50, 100, 200], [1, 8], 7, 0
SIZES = with_defaults(
    GPTConfig,
    vocab_size=2699,
    length=256,
    d_model=128,
    num_heads=4,
    num_layers=2,
)


@functools.cache
def untrained(seed, **sizes):
    """Return a model whose graphs have been traced."""
    keras.utils.set_random_seed(seed)
    model = GPT(GPTConfig(**sizes))
    for use_cache in (True, False):
        generate(model, [[2, 3]], 2, use_cache=use_cache)
    return model


def run(rows, new, sizes, seed, repeats):
    """Return the median CPU-seconds with a cache and without, measured in
    turns.
    """
    model = untrained(seed, **sizes)
    prompts, times = [[2, 3, 4, 5]] * rows, {True: [], False: []}
    for _ in range(repeats):
        for use_cache, taken in times.items():
            start = time.process_time()
            generate(model, prompts, new, use_cache=use_cache)
            taken.append(time.process_time() - start)
    return {
        "cached": statistics.median(times[True]),
        "uncached": statistics.median(times[False]),
    }


def main():
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    recording = Recording(
        RESULTS,
        __file__,
        ("numpy", "keras", "tensorflow"),
        what="median CPU-seconds to continue a prompt of 4 tokens, one thread",
    )
    options = {"sizes": SIZES, "seed": SEED, "repeats": REPEATS}
    for rows, new in itertools.product(ROWS, LENGTHS):
        recording.once({"rows": rows, "new": new}, run, **options)


if __name__ == "__main__":
    main()
