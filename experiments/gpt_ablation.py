"""Train the GPT of chapter 6 with one choice of its recipe changed at a time,
from three seeds each.

    python experiments/gpt_ablation.py

Each run is stored in ``experiments/results/gpt_ablation.json`` when it is done;
a run that is there already is not repeated, and one that was interrupted goes
on from its checkpoint. A run has the steps, the batches, the learning rate and
the seeds of ``gpt_seeds.py``, whose runs of the unchanged recipe are what
these are compared with, seed by seed.
"""

import tempfile
from pathlib import Path

import keras
import tensorflow as tf
from gpt_seeds import RECIPE, SEEDS, texts

from llmbook.models import gpt
from llmbook.models.layers import Embedding, small_normal
from llmbook.models.training import train, windows
from llmbook.recording import Recording, with_defaults

RESULTS = Path(__file__).parent / "results" / "gpt_ablation.json"
AS_IT_IS = {
    "start": "counts",
    "positions": "rotary",
    "tied": True,
    "depth": RECIPE["model"]["num_layers"],
    "heads": RECIPE["model"]["num_heads"],
    "dropout": 0.0,
}
VARIANTS = [
    {"start": "random"},
    {"positions": "none"},
    {"positions": "learned"},
    {"depth": 1},
    {"heads": 1},
    {"heads": 8},
    {"tied": False},
    {"dropout": 0.1},
    {"without": "attention"},
    {"without": "feed_forward"},
]
OPTIONS = ("start", "positions", "tied", "without")
NORMS = {"attention": "attention_norm", "feed_forward": "mlp_norm"}
EVERY, BEGINNING = 125, 6000


class Places(keras.layers.Layer):
    """Add a learned vector for each position."""

    def __init__(self, length, d_model):
        super().__init__()
        self.table = Embedding(length, d_model, small_normal())
        self.table.build()

    def call(self, x, training=None):
        """Map vectors (B, T, d_model) to vectors of the same shape."""
        return x + self.table(tf.range(tf.shape(x)[1]))


class Untied(gpt.GPT):
    """A GPT whose output layer has a matrix of its own."""

    def __init__(self, config):
        super().__init__(config)
        self.output_layer = Embedding(
            config.vocab_size, config.d_model, small_normal()
        )
        self.output_layer.build()

    def logits(self, x):
        """Map the last hidden vectors (..., d_model) to logits (..., V)."""
        return tf.tensordot(x, self.output_layer.embeddings, [[-1], [1]])


def leave_out(model, part):
    """Leave a part of every block, whose output starts at zero, as it is."""
    for block in model.blocks:
        for name in part, NORMS[part]:
            getattr(block, name).trainable = False


def model_of(seed, text, start, positions, tied, without, config):
    """Return an untrained GPT with these choices."""
    keras.utils.set_random_seed(seed)
    model = (gpt.GPT if tied else Untied)(config)
    if positions == "learned":
        # The dropout of the embeddings, idle here, is where x passes first.
        model.dropout = Places(config.length, config.d_model)
    for block in model.blocks:
        block.attention.rotary = positions == "rotary"
    if start == "counts":
        gpt.start_from_counts(model, text, seed)
        if not tied:
            model.output_layer.embeddings.assign(model.embedding.embeddings)
    if without:
        leave_out(model, without)
    return model


def run(seed, start, positions, tied, model, batch, training, without=None):
    ids, vocab_size = texts()
    config = gpt.GPTConfig(vocab_size, **model)
    model = model_of(
        seed, ids["train"], start, positions, tied, without, config
    )
    curve = []

    def report(step, loss):
        beginning = ids["validation"][:BEGINNING]
        curve.append([step, loss, gpt.perplexity(model, beginning)])

    checkpoint = Path(tempfile.gettempdir()) / "llmbook_gpt_ablation.npz"
    train(
        model,
        gpt.next_token_loss,
        windows(ids["train"], **batch),
        checkpoint=checkpoint,
        report=report,
        **training,
    )
    checkpoint.unlink()
    return {
        "parameters": sum(
            int(tf.size(weights)) for weights in model.trainable_variables
        ),
        "validation": gpt.perplexity(model, ids["validation"]),
        "test": gpt.perplexity(model, ids["test"]),
        "curve": curve,
    }


def main():
    recording = Recording(
        RESULTS,
        __file__,
        ("numpy", "keras", "tensorflow"),
        what=(
            "perplexity on the Three Kingdoms; curve: step, training loss,"
            f" perplexity on the first {BEGINNING} characters of validation"
        ),
        as_it_is=AS_IT_IS,
    )
    for change in VARIANTS:
        choices = AS_IT_IS | change
        sizes = RECIPE["model"] | {
            "num_layers": choices["depth"],
            "num_heads": choices["heads"],
            "dropout": choices["dropout"],
        }
        for seed in SEEDS:
            recording.once(
                {"change": change, "seed": seed},
                run,
                **{name: choices[name] for name in OPTIONS if name in choices},
                model=with_defaults(gpt.GPTConfig, **sizes),
                batch=with_defaults(windows, seed=seed, **RECIPE["batch"]),
                training=with_defaults(
                    train, every=EVERY, **RECIPE["training"]
                ),
            )


if __name__ == "__main__":
    main()
