"""Train the GPT of chapter 6 from three seeds.

    python experiments/gpt_seeds.py

Each run is stored in ``experiments/results/gpt_seeds.json`` when it is done; a run that is there
already is not repeated, and one that was interrupted goes on from its checkpoint. The chapter reads
the recipe from there, and follows it live with the first seed.
"""

import tempfile
import time
from pathlib import Path

import keras
import numpy as np

from llmbook import gpt, vectors
from llmbook.books import load_sanguo, split_book
from llmbook.ngram import KneserNey
from llmbook.recording import Recording
from llmbook.text import CharTokenizer

RESULTS = Path(__file__).parent / "results" / "gpt_seeds.json"
RECIPE = {
    "model": {"length": 128, "d_model": 96, "num_heads": 4, "num_layers": 2, "dropout": 0.1},
    "batch": {"length": 128, "batch_size": 8},
    "training": {"steps": 2400, "learning_rate": 0.004, "warmup": 0.05, "weight_decay": 0.1},
    "counting_order": 4,
}
SEEDS = [0, 1, 2]


def run(seed, ids, vocab_size, counting, checkpoint):
    keras.utils.set_random_seed(seed)
    model = gpt.GPT(gpt.GPTConfig(vocab_size, **RECIPE["model"]))
    start = time.process_time()
    width = RECIPE["model"]["d_model"]
    embeddings = vectors.embed(ids["train"], vocab_size, width, 4, np.random.default_rng(seed))
    model.embedding.embeddings.assign(0.1 * embeddings / embeddings.std())
    batches = gpt.windows(ids["train"], seed=seed, **RECIPE["batch"])
    losses = gpt.train(model, batches, checkpoint=checkpoint, **RECIPE["training"])
    seconds = time.process_time() - start
    result = {"seed": seed, "loss": float(losses[-100:].mean()), "cpu_seconds": round(seconds, 1)}
    for part in ("validation", "test"):
        ours = gpt.text_log_probabilities(model, ids[part])  # (N - 1,)
        counted = counting.log_probabilities(ids[part])[1:]  # (N - 1,)
        both = np.logaddexp(ours, counted) - np.log(2)
        result[part] = float(np.exp(-ours.mean()))
        result[f"{part}_with_counts"] = float(np.exp(-both.mean()))
    return result


def main():
    recording = Recording(
        RESULTS,
        ("numpy", "keras", "tensorflow"),
        what="perplexity of the GPT of chapter 6 on the Three Kingdoms",
        recipe=RECIPE,
    )
    book = split_book(load_sanguo())
    characters = CharTokenizer.fit([book.train], min_count=2)
    ids = {part: np.array(characters.encode(text)) for part, text in book._asdict().items()}
    counting = KneserNey(RECIPE["counting_order"], len(characters)).fit(ids["train"])
    for seed in SEEDS:
        if not recording.holds(seed=seed):
            checkpoint = Path(tempfile.gettempdir()) / f"llmbook_gpt_seeds_{seed}.npz"
            found = recording.add(run(seed, ids, len(characters), counting, checkpoint))
            checkpoint.unlink()
            print(found, flush=True)


if __name__ == "__main__":
    main()
