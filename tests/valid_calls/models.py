"""A valid call of each public function of ``llmbook.models``, with the smallest models that have all their parts."""

from functools import cache
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import tensorflow as tf
from small_gguf import small_model, write
from small_models import small_gpt

from llmbook.corpora.facts import Example
from llmbook.corpora.reviews import Reviews
from llmbook.corpora.sections import Section
from llmbook.models import (
    classifier,
    generation,
    gguf,
    gpt,
    judge,
    layers,
    lora,
    reader,
    retrieval,
    saving,
    sentiment,
    seq2seq,
    smollm,
    tagging,
    training,
    window,
)
from llmbook.text.tokenizers import CharTokenizer, Vocabulary

RNG = np.random.default_rng(0)
IDS = np.array([[1, 2, 3], [4, 5, 0]])  # (B, T)
TEXT = RNG.integers(1, 11, 40)  # (N,)
X = tf.constant(RNG.normal(size=(2, 3, 4)), "float32")  # (B, T, d_model)
MASK = np.array([[True, True, True], [True, True, False]])  # (B, T)
LOGITS = RNG.normal(size=(2, 11))  # (B, V)
HEADS = np.full((1, 2, 6, 6), 1 / 6)  # (L, H, T, T)
TEXTS = ["ab c", "b a", "c", "a"]
LABELS = np.array([0, 1, 0, 1])
REVIEWS = Reviews(TEXTS, LABELS)
CHARACTERS = CharTokenizer.fit(TEXTS)
SMALL = {"d_model": 4, "num_heads": 2, "num_blocks": 1, "dropout": 0.1}
STEP = {"steps": 1, "jit_compile": False}
SENTENCES = [
    SimpleNamespace(words=["He", "ran"], predicate=1, spans=[(0, 1, "A0")]),
    SimpleNamespace(words=["It", "is", "he"], predicate=1, spans=[]),
]
KNOWN = Vocabulary(["<pad>", "<unk>", "<end>", "a", "b", "c"])
PAIRS = [(["a", "b"], ["b", "z"]), (["z"], ["a"])]
SECTIONS = [
    Section("a", "Attention", "01", ["Queries meet keys.", "Keys meet."]),
    Section("b", "Words", "02", ["Words are counted."]),
]
ANONYMOUS = reader.Encoder(["who", "runs", "?"], 3)
EXAMPLES = [
    Example(
        ["Who", "runs", "?"],
        ["Tom", "runs", "."],
        (0, 0),
        None,
        "thing",
        [(0, 2)],
        False,
    ),
    Example(["Who", "?"], ["Tom", "."], None, None, "thing", [(0, 1)], False),
]
CHAT = smollm.ChatTokenizer(
    ["<|x|>", "<|im_start|>", "<|im_end|>", *"adeimnrstuyhpĠĊ", "as"],
    [("a", "s")],
    ["<|x|>", "<|im_start|>", "<|im_end|>"],
)


def silent(*_):
    """Say nothing."""


class Unfitted:
    """A model that is told how to be fitted, and is not: that would take a second."""

    def compile(self, **options):
        """Be compiled."""

    def fit(self, *batches, **options):
        """Be fitted."""
        return SimpleNamespace(history={})


def rng():
    """A generator that is the same each time."""
    return np.random.default_rng(0)


@cache
def once(make, *arguments):
    """What is made once, whoever asks for it."""
    return make(*arguments)


@cache
def first_weights(model):
    """The weights that a model had before a call changed them."""
    return model.get_weights()


def fresh(make):
    """A model that is made once, and has its first weights again."""
    model = once(make)
    model.set_weights(first_weights(model))
    return model


def new_gpt():
    """A GPT, new each time."""
    return small_gpt(vocab_size=len(CHAT), length=64, num_layers=1)


def plain_gpt():
    """A GPT that is made once, without the adapters that a call gave it."""
    model = once(new_gpt)
    if lora.adapters(model):
        lora.merge(model)
    return model


def writing_gpt():
    """A GPT whose graph for writing is made: no call has to wait for it."""
    model = new_gpt()
    generation.generate(model, [[1]], 1)
    model.score(IDS)
    return model


def adapted_gpt():
    """A GPT with adapters, new each time."""
    model = new_gpt()
    lora.add_adapters(model, rank=2)
    return model


def attentive():
    """A classifier's model."""
    return classifier.AttentionClassifier(
        len(CHARACTERS), length=6, view_dropout=0.1, **SMALL
    )


def raw_values():
    """A classifier's model whose attention explains it."""
    return sentiment.RawValueClassifier(len(CHARACTERS), length=6, **SMALL)


def of(make):
    """The classifier of a model."""
    return classifier.Classifier(fresh(make), CHARACTERS, 1.5)


def translator(kind=seq2seq.EncoderDecoder):
    """A model from sequence to sequence that can copy two words."""
    sizes = {"d_model": 8, "encoder_heads": 2, "encoder_layers": 1}
    return kind(seq2seq.Seq2SeqConfig(6, 6, shared=True, extra=2, **sizes))


def decoded():
    """What a model's decoder says of a batch."""
    model = once(translator)
    x, weights, _ = model.decode(IDS, model.encode(IDS))
    return {"x": x, "weights": weights}


def pointer():
    """A model that copies."""
    return translator(seq2seq.PointerGenerator)


def reading():
    """A model that points."""
    return reader.SpanReader(ANONYMOUS.vocab_size, **SMALL)


def dual_encoder():
    """A model of vectors."""
    return retrieval.DualEncoder(11, **SMALL)


def index():
    """Sections that are found by words and by vectors."""
    return retrieval.SectionIndex(SECTIONS, vectors_of, 0.5)


def vectors_of(texts):
    """Vectors (N, 2)."""
    return np.array([[len(text), 1.0] for text in texts])


def tagger():
    """A tagger of two tags."""
    return tagging.Tagger(SENTENCES, min_count=1, **SMALL)


def untrained():
    """A tagger that is told how to be trained, and is not."""
    tagger = tagging.Tagger(SENTENCES, min_count=1, **SMALL)
    tagger.model = Unfitted()
    return tagger


def windowed():
    """A model of windows."""
    return window.WindowModel(11, 2, 4, 5, (2,))


def window_mean(model, ids, training=None):
    """A loss that any model has."""
    return tf.reduce_mean(model(ids))


def word_judge():
    """A model that answers with one of two letters."""
    return judge.WordJudge(once(writing_gpt), CHAT, "is {text} a", ("d", "e"))


def layer_of(kind, *arguments, **options):
    """A layer, with weights for vectors of width 4."""
    layer = kind(*arguments, **options)
    layer.build((None, None, 4))
    return layer


def causal_attention():
    """A layer that can continue."""
    return layer_of(layers.MultiHeadAttention, 2, causal=True)


def crossing_block():
    """A block that attends to another sequence."""
    return layer_of(layers.TransformerBlock, 2, cross_attention=True)


def saved(name, save, *arguments):
    """The path of something that is saved where the test works."""
    if not Path(name).exists():
        save(*arguments, name)
    return name


def saved_gpt():
    """The file of a model."""
    return saved("gpt.keras", saving.save, once(writing_gpt))


def saved_adapters():
    """The file of adapters."""
    return saved("adapters.npz", lora.save, once(adapted_gpt))


def saved_classifier():
    """The folder of a classifier."""
    return saved("classifier", of(attentive).save)


def trained_reader():
    """A checkpoint that needs no further step: to compile one takes a second."""
    return saved(
        "reader.npz",
        lambda path: reader.train(
            fresh(reading),
            ANONYMOUS,
            ANONYMOUS.encode(EXAMPLES),
            batch_size=2,
            checkpoint=path,
            **STEP,
        ),
    )


def trained_windows():
    """A checkpoint that needs no further step."""
    batch = training.windows(TEXT, 5, 2)
    return saved(
        "windows.npz",
        lambda path: training.train(
            fresh(windowed), window_mean, batch, checkpoint=path, **STEP
        ),
    )


def weight_file():
    """A file of weights as SmolLM2's."""
    if not Path("small.gguf").exists():
        write("small.gguf", *small_model())
    return "small.gguf"


def beam():
    """What a step of a beam is told."""
    model = once(translator)
    return {
        "source": IDS,
        "tokens": np.array([2, 2]),
        "parents": np.array([0, 1]),
        "caches": model.begin(IDS, 4),
    }


def merged():
    """A model whose adapters are taken out, and these."""
    model = plain_gpt()
    lora.add_adapters(model, rank=2)
    return {"model": model, "taken": lora.merge(model)}


def step():
    """What a compiled step is made of."""
    model = fresh(windowed)
    return {
        "model": model,
        "loss": window_mean,
        "optimizer": training.adamw(model, 2, 0.01),
        "jit_compile": False,
    }


CAUSAL = {
    "causal.generate": lambda: {
        "model": once(writing_gpt),
        "prompts": [[1, 2], [3]],
        "max_new": 2,
        "temperature": 0.5,
        "stop": 3,
        "seed": 1,
    },
}
CLASSIFIER = {
    "classifier.AttentionClassifier": {
        "vocab_size": 9,
        "length": 5,
        "view_dropout": 0.1,
        **SMALL,
    },
    "classifier.AttentionClassifier.call": lambda: {
        "self": once(attentive),
        "ids": IDS,
    },
    "classifier.AttentionClassifier.read": lambda: {
        "self": once(attentive),
        "x": X,
        "mask": MASK,
    },
    "classifier.AttentionClassifier.mix": lambda: {
        "self": once(attentive),
        "x": X,
        "mask": MASK,
    },
    "classifier.build_classifier": {"vocab_size": 9, "seed": 1, **SMALL},
    "classifier.build_plain_classifier": {
        "vocab_size": 9,
        "d_model": 4,
        "num_heads": 2,
        "seed": 1,
    },
    "classifier.predict": lambda: {
        "model": once(attentive),
        "sequences": [[2, 3], [4]],
    },
    "classifier.train": lambda: {
        "classifier": of(attentive),
        "training": REVIEWS,
        "validation": REVIEWS,
        "report": silent,
        "epochs": 1,
    },
    "classifier.fit": lambda: {
        "model": Unfitted(),
        "sequences": [[2, 3], [4]],
        "labels": [0, 1],
        "epochs": 1,
        "batch_size": 2,
        "learning_rate": 0.01,
        "warmup": 0.1,
        "label_smoothing": 0.1,
        "seed": 1,
        "callbacks": [],
    },
    "classifier.Classifier": lambda: {
        "model": once(attentive),
        "tokenizer": CHARACTERS,
        "temperature": 1.5,
    },
    "classifier.Classifier.encode": lambda: {
        "self": of(attentive),
        "texts": TEXTS,
    },
    "classifier.Classifier.logits": lambda: {
        "self": of(attentive),
        "texts": TEXTS,
    },
    "classifier.Classifier.predict_proba": lambda: {
        "self": of(attentive),
        "texts": TEXTS,
    },
    "classifier.Classifier.explain": lambda: {
        "self": of(attentive),
        "text": "ab",
        "steps": 2,
    },
    "classifier.Classifier.save": lambda: {
        "self": of(attentive),
        "folder": "new",
    },
    "classifier.Classifier.load": lambda: {"folder": saved_classifier()},
    "classifier.rollout": {"attention": [HEADS[0]], "pooling": HEADS[0, 0]},
}
GENERATION = {
    "generation.adjusted_logits": {
        "logits": LOGITS,
        "temperature": 0.5,
        "top_k": 2,
        "top_p": 0.5,
        "repetition_penalty": 1.5,
        "seen": LOGITS > 1,
    },
    "generation.decode": lambda: {
        "model": once(writing_gpt),
        "use_cache": True,
        "prompts": IDS[:, :2],
        "max_new": 2,
        "temperature": 0.5,
        "top_k": 2,
        "top_p": 0.5,
        "repetition_penalty": 1.5,
        "stop": 3,
        "seed": 1,
    },
    "generation.generate": lambda: {
        "model": once(writing_gpt),
        "prompts": [[1, 2], [3]],
        "max_new": 2,
        "temperature": 0.5,
        "top_k": 2,
        "top_p": 0.5,
        "repetition_penalty": 1.5,
        "stop": 3,
        "use_cache": True,
        "seed": 1,
    },
    "generation.stream": lambda: {
        "model": once(writing_gpt),
        "prompt": [1, 2],
        "max_new": 2,
        "stop": 3,
        "pick": np.argmax,
    },
}
GGUF = {
    "gguf.read": lambda: {"path": weight_file()},
    "gguf.dequantise": {
        "tensor": gguf.StoredTensor((1,), gguf.F32, np.zeros(4, np.uint8))
    },
}
GPT = {
    "gpt.GPTConfig": {
        "vocab_size": 11,
        "length": 8,
        "d_model": 8,
        "num_heads": 2,
        "num_layers": 1,
        "dropout": 0.1,
        "hidden_dim": 8,
        "num_kv_heads": 1,
        "rotary_base": 100.0,
        "norm": "rms",
        "mlp": "relu",
    },
    "gpt.GPT": {"config": gpt.GPTConfig(9, 8, 4, 2, 1)},
    "gpt.GPT.call": lambda: {
        "self": once(writing_gpt),
        "ids": IDS,
        "caches": once(writing_gpt).empty_caches(2, 4),
        "return_weights": True,
    },
    "gpt.GPT.hidden": lambda: {
        "self": once(writing_gpt),
        "ids": IDS,
        "caches": once(writing_gpt).empty_caches(2, 4),
    },
    "gpt.GPT.logits": lambda: {
        "self": once(writing_gpt),
        "x": tf.ones((2, 3, 8)),
    },
    "gpt.GPT.next_logits": lambda: {
        "self": once(writing_gpt),
        "ids": IDS,
        "caches": once(writing_gpt).empty_caches(2, 4),
    },
    "gpt.GPT.read": lambda: {
        "self": once(writing_gpt),
        "ids": IDS,
        "caches": once(writing_gpt).empty_caches(2, 4),
    },
    "gpt.GPT.score": lambda: {"self": once(writing_gpt), "ids": IDS},
    "gpt.GPT.check": lambda: {"self": once(writing_gpt), "ids": IDS},
    "gpt.GPT.empty_caches": lambda: {
        "self": once(writing_gpt),
        "batch_size": 2,
        "size": 3,
    },
    "gpt.GPT.from_config": lambda: {"config": once(writing_gpt).get_config()},
    "gpt.log_probabilities": lambda: {"model": once(writing_gpt), "ids": IDS},
    "gpt.next_token_loss": lambda: {
        "model": once(writing_gpt),
        "ids": IDS,
        "weights": np.ones((2, 3)),
    },
    "gpt.start_from_counts": lambda: {
        "model": new_gpt(),
        "ids": TEXT,
        "seed": 1,
    },
    "gpt.perplexity": lambda: {
        "model": once(writing_gpt),
        "ids": TEXT,
        "batch_size": 1,
    },
    "gpt.text_log_probabilities": lambda: {
        "model": once(writing_gpt),
        "ids": TEXT,
        "batch_size": 1,
    },
    "gpt.save": lambda: {"model": once(writing_gpt), "path": "new.keras"},
    "gpt.load": lambda: {"path": saved_gpt()},
}
INSIDE = {
    "inside.attention_weights": lambda: {
        "model": once(writing_gpt),
        "ids": IDS,
    },
    "inside.head_scores": {"weights": HEADS, "period": 3},
    "inside.best_heads": {"scores": HEADS[0, :, 0], "count": 2},
    "inside.without_heads": lambda: {
        "model": once(writing_gpt),
        "heads": [(0, 1)],
    },
    "inside.with_matrices": lambda: {
        "model": once(writing_gpt),
        "change": lambda matrix: matrix,
    },
    "inside.logit_lens": lambda: {"model": once(writing_gpt), "ids": TEXT[:4]},
}
JUDGE = {
    "judge.WordJudge": lambda: {
        "model": once(writing_gpt),
        "tokenizer": CHAT,
        "prompt": "is {text} a",
        "words": ("d", "e"),
    },
    "judge.WordJudge.encode": lambda: {
        "self": once(word_judge),
        "texts": ["sad"],
        "length": 12,
    },
    "judge.WordJudge.logits": lambda: {
        "self": once(word_judge),
        "texts": ["sad", "mad"],
        "batch_size": 2,
    },
    "judge.WordJudge.states": lambda: {
        "self": once(word_judge),
        "texts": ["sad", "mad"],
        "batch_size": 2,
    },
    "judge.WordJudge.batches": lambda: {
        "self": once(word_judge),
        "texts": ["sad", "mad"],
        "labels": [0, 1],
        "batch_size": 2,
        "length": 12,
        "seed": 1,
    },
    "judge.WordJudge.loss": lambda: {
        "self": once(word_judge),
        "model": once(writing_gpt),
        "ids": IDS,
        "labels": np.array([0, 1]),
    },
    "judge.two_logits": lambda: {
        "model": once(writing_gpt),
        "ids": IDS,
        "answers": [1, 2],
    },
    "judge.pad_left": {"sequences": [[1, 2], [3]], "length": 3},
}
LAYERS = {
    "layers.MultiHeadAttention": {
        "num_heads": 2,
        "head_dim": 2,
        "num_kv_heads": 1,
        "causal": True,
        "rotary": True,
        "rotary_base": 100.0,
        "dropout": 0.1,
    },
    "layers.MultiHeadAttention.call": lambda: {
        "self": once(causal_attention),
        "query": X,
        "value": X,
        "key": X,
        "mask": MASK,
        "return_weights": True,
    },
    "layers.MultiHeadAttention.remember": lambda: {
        "self": once(causal_attention),
        "value": X,
        "key": X,
        "mask": MASK,
        "start": 1,
    },
    "layers.MultiHeadAttention.empty_cache": lambda: {
        "self": once(causal_attention),
        "batch_size": 2,
        "size": 3,
    },
    "layers.TransformerBlock": {
        "num_heads": 2,
        "hidden_dim": 8,
        "head_dim": 2,
        "num_kv_heads": 1,
        "causal": True,
        "rotary": True,
        "rotary_base": 100.0,
        "cross_attention": True,
        "dropout": 0.1,
        "pre_norm": False,
        "norm": "rms",
        "mlp": "relu",
    },
    "layers.TransformerBlock.call": lambda: {
        "self": once(crossing_block),
        "x": X,
        "value": X,
        "key": X,
        "mask": MASK,
        "value_mask": MASK,
        "return_weights": True,
    },
    "layers.Linear": {"units": 3, "activation": "relu", "use_bias": True},
    "layers.Linear.call": lambda: {
        "self": once(layer_of, layers.Linear, 3),
        "x": X,
    },
    "layers.FeedForward": {"hidden_dim": 8, "activation": "relu"},
    "layers.FeedForward.call": lambda: {
        "self": once(layer_of, layers.FeedForward, 8),
        "x": X,
    },
    "layers.SwiGLU": {"hidden_dim": 8},
    "layers.SwiGLU.call": lambda: {
        "self": once(layer_of, layers.SwiGLU, 8),
        "x": X,
    },
    "layers.RMSNorm": {"epsilon": 1e-5},
    "layers.RMSNorm.call": lambda: {
        "self": once(layer_of, layers.RMSNorm),
        "x": X,
    },
    "layers.wide": {"dtype": "float16"},
    "layers.Embedding": {"input_dim": 6, "output_dim": 4, "mask_zero": True},
    "layers.Embedding.call": lambda: {
        "self": once(layer_of, layers.Embedding, 6, 4),
        "ids": IDS,
    },
    "layers.TokenAndPositionEmbedding": {
        "vocab_size": 6,
        "length": 3,
        "d_model": 4,
        "mask_zero": True,
    },
    "layers.TokenAndPositionEmbedding.call": lambda: {
        "self": once(layer_of, layers.TokenAndPositionEmbedding, 6, 3, 4),
        "ids": IDS,
    },
    "layers.AttentionPooling": {"num_heads": 2},
    "layers.AttentionPooling.call": lambda: {
        "self": once(layer_of, layers.AttentionPooling, 2),
        "x": X,
        "value": X,
        "mask": MASK,
        "return_weights": True,
    },
    "layers.masked_softmax": {"scores": X, "allowed": MASK[:, :, None]},
    "layers.rotate": {"x": X, "start": 1, "base": 100.0},
    "layers.ViewEmbedding": {"vocab_size": 6, "d_model": 4, "dropout": 0.1},
    "layers.ViewEmbedding.call": lambda: {
        "self": once(layers.ViewEmbedding, 6, 4),
        "ids": IDS,
    },
    "layers.small_normal": {},
    "layers.token_mask": {"ids": IDS},
}
LORA = {
    "lora.LowRankAdapter": lambda: {
        "dense": once(layer_of, keras.layers.Dense, 3),
        "down": np.ones((4, 2)),
        "up": np.ones((2, 3)),
        "scale": 0.5,
    },
    "lora.LowRankAdapter.call": lambda: {
        "self": lora.LowRankAdapter(
            once(layer_of, keras.layers.Dense, 3),
            np.ones((4, 2)),
            np.ones((2, 3)),
            0.5,
        ),
        "x": X,
    },
    "lora.add_adapters": lambda: {
        "model": plain_gpt(),
        "rank": 2,
        "alpha": 1.0,
        "targets": lora.QUERY_AND_VALUE,
        "first_block": 0,
        "seed": 1,
    },
    "lora.sizes": lambda: {"model": once(adapted_gpt)},
    "lora.add_empty": lambda: {
        "model": plain_gpt(),
        "sizes": {
            "ranks": {"block_0.attention.query_projection": 2},
            "scale": 0.5,
        },
    },
    "lora.adapters": lambda: {"model": once(adapted_gpt)},
    "lora.count_parameters": lambda: {"model": once(adapted_gpt)},
    "lora.merge": lambda: {"model": adapted_gpt()},
    "lora.unmerge": merged,
    "lora.save": lambda: {"model": once(adapted_gpt), "path": "new.npz"},
    "lora.load": lambda: {"model": plain_gpt(), "path": saved_adapters()},
}
READER = {
    "reader.Encoder": {"words": ["who", "runs"], "num_slots": 3},
    "reader.Encoder.encode": {
        "self": ANONYMOUS,
        "examples": EXAMPLES,
        "length": 9,
        "seed": 1,
        "hide": 0.1,
    },
    "reader.Encoder.shuffle_slots": lambda: {
        "self": ANONYMOUS,
        "ids": ANONYMOUS.encode(EXAMPLES).ids,
        "rng": rng(),
    },
    "reader.SpanReader": {
        "vocab_size": 9,
        "positions": "learned",
        "length": 7,
        **SMALL,
    },
    "reader.SpanReader.call": lambda: {
        "self": once(reading),
        "ids": ANONYMOUS.encode(EXAMPLES).ids,
        "separators": np.array([3, 2]),
        "return_weights": True,
    },
    "reader.span_loss": lambda: {
        "model": once(reading),
        "ids": ANONYMOUS.encode(EXAMPLES).ids,
        "spans": np.array([[4, 4], [2, 2]]),
        "separators": np.array([3, 2]),
    },
    "reader.build_reader": {"encoder": ANONYMOUS, "seed": 1, **SMALL},
    "reader.train": lambda: {
        "model": fresh(reading),
        "encoder": ANONYMOUS,
        "encoded": ANONYMOUS.encode(EXAMPLES),
        "batch_size": 2,
        "learning_rate": 0.01,
        "weight_decay": 0.1,
        "seed": 1,
        "checkpoint": trained_reader(),
        **STEP,
    },
    "reader.span_logits": lambda: {
        "model": once(reading),
        "encoded": ANONYMOUS.encode(EXAMPLES),
        "batch_size": 2,
    },
    "reader.best_spans": {
        "logits": RNG.normal(size=(2, 2, 5)),
        "separators": [1, 2],
        "longest": 2,
    },
    "reader.outcome": lambda: {
        "model": once(reading),
        "encoder": ANONYMOUS,
        "examples": EXAMPLES,
    },
    "reader.Reader": lambda: {
        "model": once(reading),
        "encoder": ANONYMOUS,
        "threshold": 0.5,
    },
    "reader.Reader.read": lambda: {
        "self": reader.Reader(once(reading), ANONYMOUS),
        "question": "Who runs?",
        "passage": "Tom runs.",
    },
    "reader.Reader.answers": lambda: {
        "self": reader.Reader(once(reading), ANONYMOUS),
        "examples": EXAMPLES,
    },
    "reader.best_threshold": {
        "margins": np.array([1.0, 2.0]),
        "is_answered": [True, False],
        "right": [True, False],
    },
}
RETRIEVAL = {
    "retrieval.DualEncoder": {"vocab_size": 11, "word_dropout": 0.1, **SMALL},
    "retrieval.DualEncoder.call": lambda: {
        "self": once(dual_encoder),
        "ids": IDS,
    },
    "retrieval.contrastive_loss": {
        "queries": X[0],
        "documents": X[1],
        "temperature": 0.5,
    },
    "retrieval.pair_loss": lambda: {
        "model": once(dual_encoder),
        "queries": IDS,
        "documents": IDS[:, :2],
    },
    "retrieval.build_dual_encoder": {"vocab_size": 11, "seed": 1, **SMALL},
    "retrieval.train": lambda: {
        "model": fresh(dual_encoder),
        "queries": IDS,
        "documents": IDS[:, :2],
        "epochs": 1,
        "batch_size": 2,
        "jit_compile": False,
    },
    "retrieval.embed": lambda: {
        "model": once(dual_encoder),
        "tokenizer": CHARACTERS,
        "texts": TEXTS,
        "length": 3,
        "batch_size": 2,
    },
    "retrieval.SectionIndex": {
        "sections": SECTIONS,
        "vectors": vectors_of,
        "weight": 0.5,
    },
    "retrieval.SectionIndex.word_scores": lambda: {
        "self": once(index),
        "questions": ["keys?"],
    },
    "retrieval.SectionIndex.vector_scores": lambda: {
        "self": once(index),
        "questions": ["keys?"],
    },
    "retrieval.SectionIndex.scores": lambda: {
        "self": once(index),
        "questions": ["keys?"],
    },
    "retrieval.SectionIndex.ask": lambda: {
        "self": once(index),
        "question": "keys?",
        "top": 1,
    },
}
SAVING = {
    "saving.Sized": {},
    "saving.Sized.from_config": lambda: {
        "self": gpt.GPT,
        "config": once(writing_gpt).get_config(),
    },
    "saving.save": lambda: {"model": once(writing_gpt), "path": "new.keras"},
    "saving.load": lambda: {"*0": saved_gpt(), "*1": gpt.GPT},
    "saving.name_of": lambda: {"model": once(writing_gpt)},
    "saving.class_of": {"module": "llmbook.models.gpt", "name": "llmbook>GPT"},
    "saving.import_own": {"module": "llmbook.models.gpt"},
    "saving.digest": lambda: {"path": Path(weight_file())},
    "saving.arrays": lambda: {"path": saved_adapters(), "what": "adapters"},
}
SENTIMENT = {
    "sentiment.RawValueClassifier": {"vocab_size": 9, "length": 5, **SMALL},
    "sentiment.RawValueClassifier.mix": lambda: {
        "self": once(raw_values),
        "x": X,
        "mask": MASK,
    },
    "sentiment.contributions": lambda: {
        "classifier": of(raw_values),
        "texts": TEXTS,
    },
    "sentiment.attended": lambda: {
        "classifier": of(attentive),
        "texts": TEXTS,
    },
}
SEQ2SEQ = {
    "seq2seq.encode_pairs": {
        "pairs": PAIRS,
        "source_vocabulary": KNOWN,
        "target_vocabulary": KNOWN,
        "extra": 1,
        "lengths": (3, 3),
    },
    "seq2seq.Seq2SeqConfig": {
        "source_size": 6,
        "target_size": 6,
        "d_model": 8,
        "encoder_heads": 2,
        "decoder_heads": 1,
        "encoder_layers": 1,
        "decoder_layers": 1,
        "dropout": 0.1,
        "raw_values": True,
        "shared": True,
        "extra": 1,
    },
    "seq2seq.EncoderDecoder": {
        "config": seq2seq.Seq2SeqConfig(6, 6, d_model=8, encoder_layers=1)
    },
    "seq2seq.EncoderDecoder.check": lambda: {
        "self": once(translator),
        "source": IDS,
        "target": IDS,
    },
    "seq2seq.EncoderDecoder.begin": lambda: {
        "self": once(translator),
        "source": IDS,
        "size": 2,
    },
    "seq2seq.EncoderDecoder.step": lambda: {"self": once(translator), **beam()},
    "seq2seq.EncoderDecoder.call": lambda: {
        "self": once(translator),
        "source": IDS,
        "target": IDS,
    },
    "seq2seq.EncoderDecoder.encode": lambda: {
        "self": once(translator),
        "source": IDS,
    },
    "seq2seq.EncoderDecoder.decode": lambda: {
        "self": once(translator),
        "target": IDS,
        "memory": once(translator).encode(IDS),
    },
    "seq2seq.EncoderDecoder.logits": lambda: {
        "self": once(translator),
        "x": tf.ones((2, 3, 8)),
    },
    "seq2seq.EncoderDecoder.known": lambda: {
        "self": once(translator),
        "ids": IDS,
        "size": 4,
    },
    "seq2seq.EncoderDecoder.log_probabilities": lambda: {
        "self": once(translator),
        "source": IDS,
        **decoded(),
    },
    "seq2seq.EncoderDecoder.target_log_probabilities": lambda: {
        "self": once(translator),
        "source": IDS,
        "targets": IDS,
        **decoded(),
    },
    "seq2seq.EncoderDecoder.score": lambda: {
        "self": once(translator),
        "source": IDS,
        "target": IDS,
    },
    "seq2seq.EncoderDecoder.caches": lambda: {
        "self": once(translator),
        "source": IDS,
        "size": 2,
    },
    "seq2seq.EncoderDecoder.next_log_probabilities": lambda: {
        "self": once(translator),
        **beam(),
    },
    "seq2seq.PointerGenerator": {
        "config": seq2seq.Seq2SeqConfig(
            6, 6, d_model=8, encoder_layers=1, shared=True
        )
    },
    "seq2seq.PointerGenerator.log_probabilities": lambda: {
        "self": once(pointer),
        "source": IDS,
        **decoded(),
    },
    "seq2seq.PointerGenerator.target_log_probabilities": lambda: {
        "self": once(pointer),
        "source": IDS,
        "targets": IDS,
        **decoded(),
    },
    "seq2seq.target_loss": lambda: {
        "model": once(pointer),
        "source": IDS,
        "target": IDS,
        "coverage": 0.5,
    },
    "seq2seq.repeated_attention": {"weights": tf.ones((2, 3, 4)) / 4},
    "seq2seq.decode": lambda: {
        "model": once(pointer),
        "source": IDS,
        "max_new": 3,
        "width": 2,
        "length_penalty": 0.5,
        "no_repeat": 2,
        "batch_size": 2,
    },
}
SMOLLM = {
    "smollm.ChatTokenizer": {
        "tokens": ["a", "b", "ab", "<|im_start|>", "<|im_end|>"],
        "merges": [("a", "b")],
        "special": ["<|im_start|>", "<|im_end|>"],
    },
    "smollm.ChatTokenizer.encode": {"self": CHAT, "text": "as"},
    "smollm.ChatTokenizer.decode": {"self": CHAT, "ids": [1, 3, 4]},
    "smollm.ChatTokenizer.spell": {"self": CHAT, "ids": [1, 3, 4]},
    "smollm.ChatTokenizer.chat": {
        "self": CHAT,
        "messages": [("system", "is"), ("user", "as")],
    },
    "smollm.load": lambda: {"path": weight_file(), "dtype": "float32"},
    "smollm.fast_dtype": {},
    "smollm.packaged_file": {},
    "smollm.config_of": lambda: {"metadata": gguf.read(weight_file()).metadata},
    "smollm.halves_from_pairs": {"weights": np.ones((8, 3)), "num_heads": 2},
    "smollm.answer": lambda: {
        "model": once(writing_gpt),
        "tokenizer": CHAT,
        "conversations": [[("system", "is"), ("user", "as")]],
        "max_new": 2,
        "temperature": 0.5,
        "top_k": 2,
    },
    "smollm.stream": lambda: {
        "model": once(writing_gpt),
        "tokenizer": CHAT,
        "messages": [("system", "is"), ("user", "as")],
        "max_new": 2,
        "pick": np.argmax,
    },
}
TAGGING = {
    "tagging.TaggingTokenizer": {"tokens": ["<pad>", "<unk>", "word:he"]},
    "tagging.TaggingTokenizer.fit": {"texts": SENTENCES, "min_count": 1},
    "tagging.TaggingTokenizer.listed": {"texts": SENTENCES},
    "tagging.TaggingTokenizer.tokenize": lambda: {
        "self": once(tagger).tokenizer,
        "text": SENTENCES[0],
    },
    "tagging.TaggingTokenizer.pieces": lambda: {
        "self": once(tagger).tokenizer,
        "text": SENTENCES[0],
    },
    "tagging.TaggingTokenizer.encode": lambda: {
        "self": once(tagger).tokenizer,
        "text": SENTENCES[0],
    },
    "tagging.TaggingModel": {"vocab_size": 9, "num_tags": 3, **SMALL},
    "tagging.TaggingModel.call": lambda: {
        "self": once(tagger).model,
        "ids": np.ones((2, 3, 6), int),
    },
    "tagging.Tagger": {
        "examples": SENTENCES,
        "seed": 1,
        "min_count": 1,
        **SMALL,
    },
    "tagging.Tagger.read": lambda: {
        "self": once(tagger),
        "examples": SENTENCES,
    },
    "tagging.Tagger.predict": lambda: {
        "self": once(tagger),
        "examples": SENTENCES,
    },
    "tagging.train": lambda: {
        "tagger": once(untrained),
        "examples": SENTENCES,
        "epochs": 1,
        "batch_size": 2,
        "learning_rate": 0.01,
        "pointing": 0.5,
        "unknown": 0.1,
        "frequent": 2,
        "callbacks": [],
    },
    "tagging.pointing_targets": {"example": SENTENCES[0]},
    "tagging.pointing_accuracy": {
        "examples": SENTENCES,
        "weights": [np.eye(2), np.eye(3)],
    },
}
TRAINING = {
    "training.shuffled": {
        "encoded": seq2seq.encode_pairs(PAIRS, KNOWN, KNOWN),
        "batch_size": 2,
        "seed": 1,
    },
    "training.length_batches": lambda: {
        "lengths": [3, 1, 2],
        "batch_size": 2,
        "random": rng(),
        "noise": 0.5,
    },
    "training.dataset": {
        "epoch": lambda: iter([np.zeros(2)]),
        "count": 1,
        "signature": tf.TensorSpec((None,), "float32"),
    },
    "training.LazyAdam": {"learning_rate": 0.01},
    "training.windows": {"ids": TEXT, "length": 3, "batch_size": 2, "seed": 1},
    "training.train": lambda: {
        "model": fresh(windowed),
        "loss": window_mean,
        "batch": training.windows(TEXT, 5, 2),
        "learning_rate": 0.01,
        "warmup": 0.1,
        "weight_decay": 0.1,
        "clip": 1.0,
        "checkpoint": trained_windows(),
        "every": 1,
        "report": silent,
        **STEP,
    },
    "training.cosine": {
        "learning_rate": 0.01,
        "steps": 5,
        "warmup_steps": 1,
        "first": 0.001,
        "last": 0.1,
    },
    "training.adamw": lambda: {
        "model": once(windowed),
        "steps": 5,
        "learning_rate": 0.01,
        "warmup": 0.1,
        "weight_decay": 0.1,
        "clip": 1.0,
    },
    "training.compiled_step": step,
}
WINDOW = {
    "window.WindowModel": {
        "vocab_size": 6,
        "window": 2,
        "d_model": 4,
        "hidden_dim": 5,
        "averages": (2, 3),
    },
    "window.WindowModel.call": lambda: {
        "self": once(windowed),
        "ids": TEXT[:10].reshape(2, 5),
    },
    "window.WindowModel.look_up": lambda: {
        "self": once(windowed),
        "ids": TEXT[:10].reshape(2, 5),
    },
    "window.WindowModel.log_probabilities": lambda: {
        "self": once(windowed),
        "ids": TEXT,
        "batch_size": 50,
    },
    "window.WindowModel.perplexity": lambda: {
        "self": once(windowed),
        "ids": TEXT,
    },
    "window.WindowModel.distribution": lambda: {
        "self": once(windowed),
        "context": [1, 2],
    },
    "window.token_losses": {
        "logits": tf.ones((2, 3, 6)),
        "targets": IDS,
    },
    "window.start_from_counts": lambda: {
        "model": fresh(windowed),
        "ids": TEXT,
        "seed": 1,
    },
    "window.train": lambda: {
        "model": fresh(windowed),
        "ids": TEXT,
        "epochs": 1,
        "learning_rate": 0.01,
        "length": 4,
        "batch_size": 10,
        "after_epoch": silent,
    },
}
CALLS = (
    CAUSAL
    | CLASSIFIER
    | GENERATION
    | GGUF
    | GPT
    | INSIDE
    | JUDGE
    | LAYERS
    | LORA
    | READER
    | RETRIEVAL
    | SAVING
    | SENTIMENT
    | SEQ2SEQ
    | SMOLLM
    | TAGGING
    | TRAINING
    | WINDOW
)
