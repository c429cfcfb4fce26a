"""Train GPTs of several widths, depths and amounts of text, to see what each
does to the loss.

    python experiments/gpt_scaling.py

Each run is stored in ``experiments/results/gpt_scaling.json`` when it is done;
a run that is there already is not repeated. All runs read equally many tokens,
so with less text they read it more often. The loss of a run is the lowest on
the validation text that it passed through: with little text it rises again
while the text is learned by heart.
"""

import itertools
import time
from pathlib import Path

import keras
import numpy as np

from llmbook.corpora.books import load_sanguo, split_book
from llmbook.models import gpt, training
from llmbook.recording import Recording
from llmbook.text.tokenizers import CharTokenizer

RESULTS = Path(__file__).parent / "results" / "gpt_scaling.json"
WIDTHS, DEPTHS, SHARES = (8, 16, 32, 64), (1, 3), (1 / 16, 1 / 8, 1 / 4, 1 / 2)
RUNS = [
    *(
        (width, depth, 1.0)
        for width, depth in itertools.product(WIDTHS, DEPTHS)
    ),
    *((32, 1, share) for share in SHARES),
]
BATCH = {"length": 64, "batch_size": 16}
TRAINING = {"steps": 600, "learning_rate": 0.004, "warmup": 0.05, "every": 100}
SEED = 0


def run(width, depth, text, validation, vocab_size):
    keras.utils.set_random_seed(SEED)
    config = gpt.GPTConfig(
        vocab_size, BATCH["length"], width, num_heads=4, num_layers=depth
    )
    start = time.process_time()
    model = gpt.start_from_counts(gpt.GPT(config), text, SEED)
    curve = []

    def report(step, loss):
        held_out = -gpt.text_log_probabilities(model, validation).mean()
        curve.append([step, round(loss, 4), round(float(held_out), 4)])

    training.train(
        model,
        training.windows(text, seed=SEED, **BATCH),
        report=report,
        **TRAINING,
    )
    return {
        "parameters": model.count_params(),
        "tokens": len(text),
        "loss": min(held_out for _, _, held_out in curve),
        "curve": curve,
        "seed": SEED,
        "cpu_seconds": round(time.process_time() - start, 1),
    }


def main():
    recording = Recording(
        RESULTS,
        ("numpy", "keras", "tensorflow"),
        what=(
            "validation loss in nats a character; curve: step, training loss,"
            " validation loss"
        ),
        batch=BATCH,
        training=TRAINING,
    )
    book = split_book(load_sanguo())
    characters = CharTokenizer.fit([book.train], min_count=5)
    train, validation = (np.array(characters.encode(text)) for text in book[:2])
    for width, depth, share in RUNS:
        sizes = {"d_model": width, "num_layers": depth, "share": share}
        if not recording.holds(**sizes):
            text = train[: int(share * len(train))]
            found = run(width, depth, text, validation, len(characters))
            recording.add(sizes | found)
            print(
                sizes,
                found["parameters"],
                found["loss"],
                found["cpu_seconds"],
                flush=True,
            )


if __name__ == "__main__":
    main()
