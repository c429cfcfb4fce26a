"""Measure what the key-value cache saves in generation, on one thread.

    python experiments/gpt_cache.py

Each length is one run, stored in ``experiments/results/gpt_cache.json`` when it
is done; a run that is there already is not repeated. Chapter 6 reads the
ratios: the seconds belong to the machine that took them. The model is of the
chapter's sizes but untrained, which changes no time.
"""

import statistics
import time
from pathlib import Path

import keras
import tensorflow as tf

from llmbook.models.generation import generate
from llmbook.models.gpt import GPT, GPTConfig
from llmbook.recording import Recording

RESULTS = Path(__file__).parent / "results" / "gpt_cache.json"
LENGTHS, ROWS, REPEATS, SEED = [25, 50, 100, 200], [1, 8], 7, 0
SIZES = {
    "vocab_size": 2699,
    "length": 256,
    "d_model": 128,
    "num_heads": 4,
    "num_layers": 2,
}


def seconds(model, rows, new):
    """Return the median CPU-seconds with a cache and without, measured in
    turns.
    """
    prompts, times = [[2, 3, 4, 5]] * rows, {True: [], False: []}
    for _ in range(REPEATS):
        for use_cache, taken in times.items():
            start = time.process_time()
            generate(model, prompts, new, use_cache=use_cache)
            taken.append(time.process_time() - start)
    return [round(statistics.median(taken), 4) for taken in times.values()]


def main():
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    recording = Recording(
        RESULTS,
        ("numpy", "keras", "tensorflow"),
        what="median CPU-seconds to continue a prompt of 4 tokens, one thread",
        sizes=SIZES,
        seed=SEED,
        repeats=REPEATS,
    )
    keras.utils.set_random_seed(SEED)
    model = GPT(GPTConfig(**SIZES))
    for use_cache in (True, False):
        generate(model, [[2, 3]], 2, use_cache=use_cache)  # traces the graph
    for rows in ROWS:
        for new in LENGTHS:
            if not recording.holds(rows=rows, new=new):
                cached, uncached = seconds(model, rows, new)
                found = {
                    "rows": rows,
                    "new": new,
                    "cached": cached,
                    "uncached": uncached,
                }
                print(recording.add(found), flush=True)


if __name__ == "__main__":
    main()
