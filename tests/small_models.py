"""A small GPT, and ids for it to read."""

import keras
import numpy as np

from llmbook.models.gpt import GPT, GPTConfig


def small_gpt(seed=0, vocab_size=11, length=16, spread=20.0, **sizes):
    """A GPT with weights large enough that its predictions differ from token to token."""
    keras.utils.set_random_seed(seed)
    sizes = {"d_model": 8, "num_heads": 2, "num_layers": 2} | sizes
    model = GPT(GPTConfig(vocab_size, length, **sizes))
    model.embedding.embeddings.assign(model.embedding.embeddings * spread)
    return model


def some_ids(batch=2, length=7, vocab_size=11, seed=0):
    return (
        np.random.default_rng(seed)
        .integers(1, vocab_size, (batch, length))
        .astype("int32")
    )
