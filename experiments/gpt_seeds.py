"""Train the GPT of chapter 6, and the best single model of chapter 1, from
three seeds each.

    python experiments/gpt_seeds.py

Each run is stored in ``experiments/results/gpt_seeds.json`` when it is done; a
run that is there already is not repeated, and a GPT that was interrupted goes
on from its checkpoint. The chapter reads the recipe from there, and follows it
live with the first seed. The recipe was chosen on the validation text. Both
models are also mixed with counting, at the share that is best there.
"""

import json
import tempfile
import time
from pathlib import Path

import keras
import numpy as np

from llmbook.corpora.books import load_sanguo, split_book
from llmbook.mathematics.ngram import KneserNey, perplexity
from llmbook.models import gpt, training, window
from llmbook.recording import Recording
from llmbook.text.tokenizers import CharTokenizer

FOLDER = Path(__file__).parent / "results"
RESULTS = FOLDER / "gpt_seeds.json"
RECIPE = {
    "model": {"length": 128, "d_model": 128, "num_heads": 4, "num_layers": 2},
    "batch": {"length": 128, "batch_size": 8},
    "training": {"steps": 1000, "learning_rate": 0.004, "warmup": 0.05},
    "counting_order": 5,
}
# the recipe of chapter 1
WINDOW = json.loads((FOLDER / "window_model.json").read_text())
SEEDS = [0, 1, 2]
SHARES = [round(0.1 * tenths, 1) for tenths in range(1, 10)]


def trained_gpt(seed, ids, vocab_size):
    """Return a function that scores a text, one log-probability for each token
    but the first.
    """
    model = gpt.GPT(gpt.GPTConfig(vocab_size, **RECIPE["model"]))
    gpt.start_from_counts(model, ids, seed)
    checkpoint = Path(tempfile.gettempdir()) / f"llmbook_gpt_seeds_{seed}.npz"
    batches = training.windows(ids, seed=seed, **RECIPE["batch"])
    training.train(model, batches, checkpoint=checkpoint, **RECIPE["training"])
    checkpoint.unlink()
    return lambda text: gpt.text_log_probabilities(model, text)


def trained_window(seed, ids, vocab_size):
    """Return the same of the model with memory of chapter 1."""
    model = window.WindowModel(
        vocab_size, averages=[16, 128], **WINDOW["model"]
    )
    window.start_from_counts(model, ids, seed)
    window.train(model, ids, seed=seed, **WINDOW["training"])
    return lambda text: model.log_probabilities(text)[1:]


def mixed(ours, counted, share):
    """Perplexity of a mixture, from the log-probabilities that both give to
    each token.
    """
    return perplexity(
        np.log(share * np.exp(ours) + (1 - share) * np.exp(counted))
    )


def run(train, seed, ids, vocab_size, counted):
    keras.utils.set_random_seed(seed)
    start = time.process_time()
    score = train(seed, ids["train"], vocab_size)
    seconds = time.process_time() - start
    scores = {part: score(ids[part]) for part in counted}
    share = min(
        SHARES,
        key=lambda share: mixed(
            scores["validation"], counted["validation"], share
        ),
    )
    return {
        "validation": perplexity(scores["validation"]),
        "test": perplexity(scores["test"]),
        "share": share,
        "test_with_counts": mixed(scores["test"], counted["test"], share),
        "cpu_seconds": round(seconds, 1),
    }


def main():
    recording = Recording(
        RESULTS,
        ("numpy", "keras", "tensorflow"),
        what=(
            "perplexity on the Three Kingdoms, and that of the mixture with"
            " Kneser-Ney"
        ),
        recipe=RECIPE,
    )
    book = split_book(load_sanguo())
    characters = CharTokenizer.fit([book.train], min_count=5)
    ids = {
        part: np.array(characters.encode(text))
        for part, text in book._asdict().items()
    }
    counting = KneserNey(RECIPE["counting_order"], len(characters)).fit(
        ids["train"]
    )
    counted = {
        p: counting.log_probabilities(ids[p])[1:]
        for p in ("validation", "test")
    }
    for name, train in (
        ("GPT", trained_gpt),
        ("window with memory", trained_window),
    ):
        for seed in SEEDS:
            if not recording.holds(model=name, seed=seed):
                found = run(train, seed, ids, len(characters), counted)
                print(
                    recording.add({"model": name, "seed": seed} | found),
                    flush=True,
                )


if __name__ == "__main__":
    main()
