"""A valid call of each public function of ``llmbook.mathematics``."""

import numpy as np

from llmbook.mathematics import cache, ngram, optim, transformer
from llmbook.mathematics.autodiff import Tensor

RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 3, 4))  # (B, T, d)
W = RNG.normal(size=(4, 4))
VECTOR = RNG.normal(size=4)
WEIGHTS = np.full((2, 3, 3), 1 / 3)
HEADS = np.full((2, 2, 3, 3), 1 / 3)  # (B, H, T, T)
CAUSAL = np.tri(3, dtype=bool)
LOGITS = RNG.normal(size=(3, 4))
TARGETS = np.array([0, 3, 1])
CHANCES = np.array([[0.7, 0.3], [0.2, 0.8], [0.6, 0.4]])
TEXT = RNG.integers(0, 5, 200)
COUNTS = RNG.integers(0, 9, (6, 6))


def tensor(*shape):
    """A Tensor of random numbers."""
    return Tensor(np.random.default_rng(1).normal(size=shape))


def rng():
    """A generator that is the same each time."""
    return np.random.default_rng(0)


def square(x):
    """The square of every entry."""
    return x**2


def language_model(**options):
    """A small model on the engine."""
    return transformer.LanguageModel(rng(), 5, 8, 4, 2, **options)


def training():
    """What the engine's training is told."""
    model = language_model()
    arrays = [parameter.data for parameter in model.parameters]
    return {
        "model": model,
        "optimiser": optim.Adam(arrays, 0.01),
        "batches": [TEXT[:8].reshape(2, 4)],
        "max_norm": 1.0,
    }


CALLS = {
    "attention.softmax": {"x": LOGITS, "axis": -1},
    "attention.causal_mask": {"length": 3},
    "attention.padding_mask": {"lengths": [1, 3], "length": 3},
    "attention.scaled_dot_product_attention": {
        "query": X,
        "key": X,
        "value": X,
        "mask": CAUSAL,
    },
    "attention.scaled_scores": {"query": X, "key": X, "mask": CAUSAL},
    "attention.multi_head_attention": {
        "x": X,
        "w_query": W,
        "w_key": W,
        "w_value": W,
        "w_output": W,
        "num_heads": 2,
        "mask": CAUSAL,
        "context": X,
    },
    "attention.split_heads": {"x": X, "num_heads": 2},
    "attention.merge_heads": {"x": HEADS},
    "attention.online_softmax_attention": {
        "query": X,
        "key": X,
        "value": X,
        "mask": CAUSAL,
        "block_size": 2,
    },
    "attention.sinusoidal_positions": {
        "length": 3,
        "d_model": 4,
        "base": 100.0,
    },
    "attention.rotary": {"x": X, "positions": np.arange(3.0), "base": 100.0},
    "attention.frequencies": {"width": 4, "base": 100.0},
    "autodiff.Tensor": {"data": X, "name": "x"},
    "autodiff.Tensor.backward": lambda: {
        "self": tensor(3) * 2,
        "grad_output": np.ones(3),
    },
    "backprop.linear": {"x": X, "weight": W, "bias": VECTOR},
    "backprop.linear_backward": {"grad_output": X, "x": X, "weight": W},
    "backprop.embedding": {"ids": [[0, 2]], "table": W},
    "backprop.embedding_backward": {
        "grad_output": X,
        "ids": np.array([[0, 1, 2], [2, 1, 0]]),
        "vocabulary_size": 3,
    },
    "backprop.erf": {"x": X},
    "backprop.gelu": {"x": X},
    "backprop.gelu_backward": {"grad_output": X, "x": X},
    "backprop.layer_norm": {
        "x": X,
        "gain": VECTOR,
        "bias": VECTOR,
        "epsilon": 1e-5,
    },
    "backprop.layer_norm_backward": {
        "grad_output": X,
        "x": X,
        "gain": VECTOR,
        "epsilon": 1e-5,
    },
    "backprop.softmax_backward": {
        "grad_output": WEIGHTS,
        "weights": WEIGHTS,
        "axis": -1,
    },
    "backprop.binary_cross_entropy_backward": {
        "logits": VECTOR,
        "targets": np.array([0.0, 1.0, 0.5, 1.0]),
    },
    "backprop.cross_entropy_backward": {
        "logits": LOGITS,
        "targets": TARGETS,
        "mask": np.array([True, True, False]),
        "label_smoothing": 0.1,
        "class_weights": np.ones(4),
    },
    "backprop.scaled_dot_product_attention_backward": {
        "grad_output": X,
        "query": X,
        "key": X,
        "value": X,
        "weights": WEIGHTS,
    },
    "backprop.multi_head_attention_backward": {
        "grad_output": X,
        "x": X,
        "w_query": W,
        "w_key": W,
        "w_value": W,
        "w_output": W,
        "num_heads": 2,
        "weights": HEADS,
    },
    "backprop.sum_to_shape": {
        "grad": np.arange(24).reshape(2, 3, 4),
        "shape": (3, 4),
    },
    "backprop.numerical_gradient": {
        "function": square,
        "inputs": [VECTOR],
        "index": 0,
        "grad_output": VECTOR,
        "step": 1e-5,
    },
    "backprop.check_gradient": {
        "function": square,
        "inputs": [VECTOR],
        "gradients": [2 * VECTOR * VECTOR],
        "grad_output": VECTOR,
        "step": 1e-5,
    },
    "calibration.reliability": {
        "probabilities": CHANCES,
        "labels": np.array([0, 1, 1]),
        "bins": 1,
    },
    "calibration.expected_calibration_error": {
        "probabilities": CHANCES,
        "labels": np.array([0, 1, 1]),
        "bins": 5,
    },
    "calibration.fit_temperature": {
        "logits": np.array([2.0, -1.0, 3.0, -2.0]),
        "labels": np.array([1, 0, 1, 1]),
    },
    "losses.logsumexp": {"x": LOGITS, "axis": -1},
    "losses.log_softmax": {"x": LOGITS, "axis": -1},
    "losses.sigmoid": {"x": LOGITS},
    "losses.binary_cross_entropy": {
        "logits": VECTOR,
        "targets": np.array([0.0, 1.0, 0.5, 1.0]),
    },
    "losses.cross_entropy": {
        "logits": LOGITS,
        "targets": TARGETS,
        "mask": np.array([True, True, False]),
        "label_smoothing": 0.1,
        "class_weights": np.ones(4),
    },
    "losses.entropy": {"probabilities": CHANCES, "axis": -1},
    "losses.kl_divergence": {"p": CHANCES, "q": CHANCES[::-1], "axis": -1},
    "losses.perplexity": {"loss": 2.0},
    "losses.bits_per_character": {
        "loss": 2.0,
        "num_tokens": 3,
        "num_characters": 4,
    },
    "cache.Cache": {
        "model": ngram.AddK(2, 5).fit(TEXT),
        "order": 2,
        "share": 0.5,
        "reach": 8,
    },
    "cache.Cache.distribution": {
        "self": cache.Cache(ngram.AddK(2, 5).fit(TEXT), 1, 0.5),
        "context": [1, 2],
    },
    "cache.frequencies": {"ids": TEXT[:9], "order": 1, "reach": 8},
    "cache.mixed": {
        "probabilities": np.array([0.5, 0.25]),
        "shares": np.array([0.0, 1.0]),
        "share": 0.5,
    },
    "cache.best_share": {
        "probabilities": np.array([0.5, 0.25]),
        "shares": np.array([0.0, 1.0]),
    },
    "ngram.Level": {
        "contexts": np.array([0, 0, 0]),
        "tokens": np.array([1, 2, 1]),
        "vocab_size": 3,
    },
    "ngram.NGramModel": {"order": 2, "vocab_size": 5},
    "ngram.NGramModel.fit": lambda: {"self": ngram.AddK(2, 5), "ids": TEXT},
    "ngram.NGramModel.log_probabilities": {
        "self": ngram.AddK(2, 5).fit(TEXT),
        "ids": TEXT[:9],
    },
    "ngram.NGramModel.perplexity": {
        "self": ngram.KneserNey(2, 5, 0.5).fit(TEXT),
        "ids": TEXT[:9],
    },
    "ngram.NGramModel.distribution": {
        "self": ngram.KneserNey(2, 5, 0.5).fit(TEXT),
        "context": TEXT[:3],
    },
    "ngram.AddK": {"order": 2, "vocab_size": 5, "k": 0.5},
    "ngram.KneserNey": {"order": 2, "vocab_size": 5, "discount": 0.5},
    "ngram.Mixture": {
        "first": ngram.AddK(2, 5).fit(TEXT),
        "second": ngram.AddK(1, 5).fit(TEXT),
        "share": 0.5,
    },
    "ngram.perplexity": {"log_probabilities": np.log([0.5, 0.25])},
    "ngram.sample": lambda: {
        "model": ngram.AddK(2, 5).fit(TEXT),
        "length": 3,
        "rng": rng(),
        "context": [1, 2],
    },
    "optim.SGD": lambda: {
        "parameters": [np.ones(3)],
        "learning_rate": 0.1,
        "momentum": 0.5,
        "weight_decay": 0.1,
    },
    "optim.SGD.step": lambda: {
        "self": optim.SGD([np.ones(3)], 0.1),
        "gradients": [np.ones(3)],
    },
    "optim.Adam": lambda: {
        "parameters": [np.ones(3)],
        "learning_rate": 0.1,
        "beta_1": 0.9,
        "beta_2": 0.99,
        "epsilon": 1e-7,
        "weight_decay": 0.1,
    },
    "optim.Adam.step": lambda: {
        "self": optim.Adam([np.ones(3)], 0.1),
        "gradients": [np.ones(3)],
    },
    "optim.warmup_cosine": {
        "step": 3,
        "peak": 0.1,
        "warmup_steps": 2,
        "total_steps": 9,
        "final": 0.01,
    },
    "optim.clip_by_global_norm": {
        "gradients": [np.ones(3), np.ones(2)],
        "max_norm": 1.0,
    },
    "quantisation.round_to_levels": {"weights": W, "bits": 4, "group": 2},
    "scaling.fit_power_law": {
        "amounts": np.array([1.0, 10.0, 100.0]),
        "losses": np.array([4.0, 3.0, 2.0]),
    },
    "scaling.gpt_parameters": {
        "vocab_size": 5,
        "d_model": 4,
        "num_layers": 2,
        "hidden_dim": 8,
        "positions": 7,
    },
    "scaling.training_flops": {"parameters": 10, "tokens": 20},
    "transformer.softmax": lambda: {"x": tensor(2, 3)},
    "transformer.cross_entropy": lambda: {
        "logits": tensor(3, 4),
        "targets": TARGETS,
    },
    "transformer.gelu": lambda: {"x": tensor(2, 3)},
    "transformer.layer_norm": lambda: {
        "x": tensor(2, 4),
        "gain": tensor(4),
        "bias": tensor(4),
        "epsilon": 1e-5,
    },
    "transformer.scaled_dot_product_attention": lambda: {
        "query": tensor(3, 4),
        "key": tensor(3, 4),
        "value": tensor(3, 4),
        "mask": CAUSAL,
    },
    "transformer.TransformerBlock": lambda: {
        "rng": rng(),
        "d_model": 4,
        "num_heads": 2,
        "d_hidden": 8,
        "norm": "pre",
        "residual": True,
    },
    "transformer.LanguageModel": lambda: {
        "rng": rng(),
        "vocabulary_size": 5,
        "length": 8,
        "d_model": 4,
        "num_heads": 2,
        "num_blocks": 1,
    },
    "transformer.LanguageModel.__call__": lambda: {
        "self": language_model(),
        "ids": TEXT[:6].reshape(2, 3),
    },
    "transformer.LanguageModel.loss": lambda: {
        "self": language_model(),
        "ids": TEXT[:6].reshape(2, 3),
    },
    "transformer.random_pieces": lambda: {
        "ids": TEXT,
        "length": 4,
        "size": 2,
        "steps": 2,
        "rng": rng(),
    },
    "transformer.train": training,
    "vectors.followers": {"ids": TEXT, "vocab_size": 5, "window": 2},
    "vectors.ppmi": {"counts": COUNTS, "smoothing": 0.75},
    "vectors.truncated_svd": lambda: {
        "matrix": COUNTS,
        "rank": 2,
        "rng": rng(),
        "iterations": 2,
    },
    "vectors.embed": lambda: {
        "ids": TEXT,
        "vocab_size": 5,
        "d_model": 2,
        "window": 2,
        "rng": rng(),
    },
    "vectors.nearest": {"vectors": W, "index": 1, "count": 2},
}
