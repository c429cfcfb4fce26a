"""Train GPTs of several widths, depths and amounts of text, to see what each does to the loss.

    python experiments/gpt_scaling.py

Each run is stored in ``experiments/results/gpt_scaling.json`` when it is done; a run that is there
already is not repeated. All runs read equally many tokens, so with less text they read it more
often. The loss of a run is the lowest on the validation text that it passed through: with little
text it rises again while the text is learned by heart.
"""

import time
from pathlib import Path

import keras
import numpy as np

from llmbook import gpt
from llmbook.books import load_sanguo, split_book
from llmbook.recording import Recording
from llmbook.text import CharTokenizer

RESULTS = Path(__file__).parent / "results" / "gpt_scaling.json"
BATCH, LENGTH, STEPS, EVERY, SEED = 16, 64, 1500, 150, 0
BASE = {"d_model": 48, "num_layers": 2, "share": 1.0}
RUNS = [
    *({"d_model": width} for width in (8, 16, 24, 32, 48, 64)),
    *({"num_layers": depth} for depth in (1, 4)),
    *({"share": share} for share in (1 / 16, 1 / 8, 1 / 4, 1 / 2)),
]


def run(sizes, ids, vocab_size):
    keras.utils.set_random_seed(SEED)
    config = gpt.GPTConfig(vocab_size, LENGTH, sizes["d_model"], 4, sizes["num_layers"])
    model = gpt.GPT(config)
    text = ids["train"][: int(sizes["share"] * len(ids["train"]))]
    curve = []

    def report(step, loss):
        held_out = -gpt.text_log_probabilities(model, ids["validation"]).mean()
        curve.append([step, round(loss, 4), round(float(held_out), 4)])

    start = time.process_time()
    batches = gpt.windows(text, LENGTH, BATCH, SEED)
    gpt.train(model, batches, STEPS, learning_rate=4e-3, every=EVERY, report=report)
    return sizes | {
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
        what="validation loss in nats a character; curve: step, training loss, validation loss",
        batch={"batch_size": BATCH, "length": LENGTH, "steps": STEPS},
    )
    book = split_book(load_sanguo())
    characters = CharTokenizer.fit([book.train], min_count=2)
    ids = {part: np.array(characters.encode(text)) for part, text in book._asdict().items()}
    for sizes in (BASE | changed for changed in RUNS):
        if not recording.holds(**sizes):
            found = recording.add(run(sizes, ids, len(characters)))
            print({k: v for k, v in found.items() if k != "curve"}, flush=True)


if __name__ == "__main__":
    main()
