r"""Label the words of a sentence: BIO tags, the best path through them, and an
attention tagger.

A *span* is ``(start, end, role)``, the end not included. In BIO tags the first
word of a span is ``B-role``, its others ``I-role``, and what lies outside of
all spans is ``O`` (Ramshaw and Marcus 1995, in the form of Sang and Veenstra
1999).

Shapes: ``B`` sentences of ``T`` words, ``N`` tags, ``H`` heads.
"""

from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from llmbook import checks
from llmbook.mathematics.losses import log_softmax
from llmbook.models.layers import Embedding, TransformerBlock
from llmbook.models.training import cosine, dataset, length_batches
from llmbook.text.tags import (
    OUTSIDE,
    allowed_steps,
    best_path,
    bio_tags,
    spans_of,
)
from llmbook.text.tokenizers import (
    PAD_ID,
    UNKNOWN_ID,
    Tokenizer,
    edged,
    pad,
)

# of the rotation: sentences are short, and distances of one word matter
_BASE = 100.0


class TaggingTokenizer(Tokenizer):
    """Six views of every word: itself, its neighbours, its last letters, its
    shape, its side.

    For ``door`` in "Tom opened the door .", asked about "opened", they are
    ``word:door``, ``last:the``, ``next:.``, ``end:oor``, ``shape:x`` and
    ``right``. A word that is not known still has the others. The last view is
    the predicate indicator (Zhou and Xu 2015; He et al. 2017, section 2.1),
    which also says on which side of the predicate a word stands. The "texts" of
    this tokenizer are examples with ``words`` and ``predicate``.
    """

    VIEWS = ("word", "last", "next", "end", "shape", "side")

    @staticmethod
    def listed(texts):
        """Return a list of examples.

        Raises
        ------
        TypeError
            If ``texts`` is something else.
        """
        examples = checks.items("texts", texts, "examples")
        for example in examples:
            checks.offers("texts", example, "words", "predicate")
        return examples

    def tokenize(self, text):
        """Return the tokens of all views in one list, word after word.

        Raises
        ------
        TypeError
            If ``text`` is no example of words and a predicate.
        ValueError
            If a word is empty, or the predicate is none of the words.
        """
        checks.example("text", text)
        words = [word.lower() for word in text.words]
        marked = edged(words)  # each word one further on
        tokens = []
        for position, word in enumerate(words):
            side = ("left", "predicate", "right")[
                1 + np.sign(position - text.predicate)
            ]
            around = (
                f"word:{word}",
                f"last:{marked[position]}",
                f"next:{marked[position + 2]}",
            )
            tokens += [
                *around,
                f"end:{word[-3:]}",
                _shape(text.words[position]),
                side,
            ]
        return tokens

    def pieces(self, text):
        """Return the words.

        Raises
        ------
        TypeError, ValueError
            As :meth:`tokenize` does.
        """
        checks.example("text", text)
        return list(text.words)

    def encode(self, text):
        """Return ids (T, 6), 1 where the vocabulary lacks a view."""
        ids = np.array(super().encode(text), dtype=np.int32)
        return ids.reshape(-1, len(self.VIEWS))  # (T, 6)


def _shape(word):
    """Say whether a word is capitalised, a number, punctuation or none of
    these.
    """
    if word[0].isdigit():
        return "shape:9"
    if not word[0].isalpha():
        return "shape:."
    return "shape:X" if word[0].isupper() else "shape:x"


@keras.saving.register_keras_serializable("llmbook")
class TaggingModel(keras.Model):
    r"""Score the tags of every word, and let one head say which word it belongs
    to.

    .. math::

        h_0 = \textstyle\sum_v E[\mathrm{id}_{t,v}], \qquad h_l =
        \mathrm{Block}_l(h_{l-1}), \qquad
        \mathrm{logits} = \mathrm{Norm}(h_L)\, W

    Attention knows positions by rotation, that is by distances alone. The
    weights of head 0 of the last block are an output too, so that they can be
    trained to point (Strubell et al. 2018, section 2.2).

    Parameters
    ----------
    vocab_size : int
    num_tags : int
        ``N``.
    d_model, num_heads, num_blocks : int
    dropout : float

    Raises
    ------
    TypeError
        If a number is none, or ids are not integers.
    ValueError
        If a number is out of its range, ``num_heads`` does not divide
        ``d_model``, or an id lies outside of the vocabulary.
    """

    def __init__(
        self,
        vocab_size,
        num_tags,
        d_model=64,
        num_heads=4,
        num_blocks=2,
        dropout=0.1,
        **kwargs,
    ):
        super().__init__(**kwargs)
        checks.sizes(
            d_model,
            num_heads=num_heads,
            vocab_size=vocab_size,
            num_tags=num_tags,
            num_blocks=num_blocks,
        )
        checks.shares(dropout=dropout)
        self.options = {
            "vocab_size": vocab_size,
            "num_tags": num_tags,
            "d_model": d_model,
            "num_heads": num_heads,
            "num_blocks": num_blocks,
            "dropout": dropout,
        }
        self.embedding = Embedding(
            vocab_size,
            d_model,
            embeddings_initializer=keras.initializers.RandomNormal(stddev=0.1),
        )
        self.blocks = [
            TransformerBlock(
                num_heads, rotary=True, rotary_base=_BASE, dropout=dropout
            )
            for _ in range(num_blocks)
        ]
        self.norm = keras.layers.LayerNormalization(epsilon=1e-5)
        self.logits = keras.layers.Dense(num_tags)
        self.dropout = keras.layers.Dropout(dropout)
        self.embedding.build()
        for layer in (*self.blocks, self.norm, self.logits):
            layer.build((None, None, d_model))
        self.built = True

    def call(self, ids, training=None):
        """Read sentences.

        Parameters
        ----------
        ids : (B, T, 6) of int
            See :class:`TaggingTokenizer`; 0 at padding.

        Returns
        -------
        dict
            ``tags``, logits (B, T, N); ``pointer`` (B, T, T), the weights of
            head 0 of the last block; ``weights``, a list of (B, H, T, T), one a
            block, if not ``training``.
        """
        ids = checks.known_ids("ids", ids, self.options["vocab_size"], 3)
        mask = ops.not_equal(ids[:, :, 0], PAD_ID)  # (B, T)
        x = ops.sum(self.embedding(ids), axis=2)  # (B, T, d_model)
        x, weights = self.dropout(x, training=training), []
        for block in self.blocks:
            x, found = block(
                x, mask=mask, return_weights=True, training=training
            )
            weights.append(found)
        return {
            "tags": self.logits(self.norm(x)),
            "pointer": weights[-1][:, 0],
        } | ({} if training else {"weights": weights})

    def get_config(self):
        """Return the arguments of the constructor."""
        return super().get_config() | self.options


class Reading(NamedTuple):
    """What a tagger makes of one example; see :meth:`Tagger.read`."""

    spans: list  # of (start, end, role)
    probabilities: np.ndarray  # (T, N)
    weights: list  # of (H, T, T), one a block


class Tagger:
    """From words to the spans of roles: a tokenizer, the tags, a model.

    Parameters
    ----------
    examples : list with ``words``, ``predicate`` and ``spans``
        Vocabulary and tags are learned from them.
    seed : int
        Of the model's first weights, and of training.
    min_count : int
        Tokens seen less often in the examples are unknown.
    options
        Those of :class:`TaggingModel`.

    Raises
    ------
    TypeError
        If examples are none, or a number is not an integer.
    ValueError
        If there is no example, a word is empty, a predicate or a span lies
        outside of its sentence, or spans overlap.
    """

    def __init__(self, examples, seed=0, min_count=2, **options):
        self.seed = checks.seed(seed)
        examples = checks.examples("examples", examples, with_spans=True)
        roles = sorted(
            {role for example in examples for _, _, role in example.spans}
        )
        self.tags = [
            OUTSIDE,
            *(f"{edge}-{role}" for role in roles for edge in "BI"),
        ]
        self.tokenizer = TaggingTokenizer.fit(examples, min_count)
        self.allowed = allowed_steps(self.tags)
        keras.utils.set_random_seed(seed)
        self.model = TaggingModel(
            len(self.tokenizer), len(self.tags), **options
        )

    def read(self, examples):
        """Return one :class:`Reading` for each example, whatever its spans are.

        The tags are the best path that BIO allows.

        Raises
        ------
        TypeError
            If examples are none.
        ValueError
            If there is no example, a word is empty, or a predicate lies outside
            of its sentence.
        """
        examples = checks.examples("examples", examples)
        order = np.argsort(
            [len(example.words) for example in examples], kind="stable"
        )
        readings: list = [None] * len(examples)
        for start in range(0, len(order), 256):
            batch = order[start : start + 256]
            # (b, T, 6)
            ids = pad([self.tokenizer.encode(examples[i]) for i in batch])
            found = self.model(ids, training=False)
            # (b, T, N)
            scores = log_softmax(np.asarray(found["tags"], dtype=float))
            weights = [np.asarray(block) for block in found["weights"]]
            for row, i in enumerate(batch):
                n = len(examples[i].words)
                path = best_path(scores[row, :n], self.allowed)  # (T,)
                spans = spans_of([self.tags[tag] for tag in path])
                heads = [block[row, :, :n, :n] for block in weights]
                readings[i] = Reading(spans, np.exp(scores[row, :n]), heads)
        return readings

    def predict(self, examples):
        """Return the spans of each example, a list of (start, end, role).

        Raises
        ------
        TypeError, ValueError
            As :meth:`read` does.
        """
        return [reading.spans for reading in self.read(examples)]


def train(
    tagger,
    examples,
    epochs=3,
    batch_size=64,
    learning_rate=4e-3,
    pointing=0.5,
    unknown=0.3,
    frequent=150,
    callbacks=(),
):
    r"""Train a tagger, and one of its heads to point.

    .. math::

        L = -\frac{1}{T} \sum_t \left( \log p_t(y_t) + \lambda \log a_{t, g(t)}
        \right)

    with :math:`a` the weights of the pointing head and :math:`g(t)` where it
    should point: from a word of a role to the predicate, from any other word to
    itself (after Strubell et al. 2018, who let a head point to each word's
    syntactic parent).

    Parameters
    ----------
    tagger : Tagger
        Changed in place.
    examples : list with ``words``, ``predicate`` and ``spans``
    epochs, batch_size : int
    learning_rate : float
        Rises over the first tenth of the steps, then falls as a cosine.
    pointing : float
        :math:`\lambda`; 0 leaves the head to itself.
    unknown : float
        How often a word that is not among the ``frequent`` ones is made
        unknown, so that the model learns to do without.
    frequent : int
    callbacks : sequence of keras.callbacks.Callback

    Returns
    -------
    dict of str to list of float
        The losses, epoch by epoch.

    Raises
    ------
    TypeError
        If ``tagger`` or examples are none, a number is none, or callbacks are
        no callbacks of Keras.
    ValueError
        If there is no example, a word is empty, a predicate or a span lies
        outside of its sentence, spans overlap, a role is unknown to the tagger,
        or a number is out of its range.
    """
    checks.kind("tagger", tagger, Tagger)
    examples = checks.examples(
        "examples", examples, with_spans=True, tags=tagger.tags
    )
    checks.fitting(epochs, batch_size, learning_rate)
    checks.within("pointing", pointing, 0, np.inf, closed=False)
    checks.within("unknown", unknown, 0, 1)
    checks.count("frequent", frequent, least=0)
    callbacks = checks.each("callbacks", callbacks, keras.callbacks.Callback)
    batches = _batches(tagger, examples, batch_size, unknown, frequent)
    steps = epochs * len(batches)
    rate = cosine(learning_rate, steps, steps // 10)
    mean = {"reduction": "mean_with_sample_weight"}
    tagger.model.compile(
        optimizer=keras.optimizers.Adam(rate, beta_2=0.98, global_clipnorm=1.0),
        loss={
            "tags": keras.losses.SparseCategoricalCrossentropy(
                from_logits=True, **mean
            ),
            "pointer": keras.losses.SparseCategoricalCrossentropy(**mean),
        },
        loss_weights={"tags": 1.0, "pointer": pointing},
        steps_per_execution=8,
        # batches come in many shapes, and XLA would compile each of them
        jit_compile=False,
    )
    keras.utils.set_random_seed(tagger.seed)
    options = {
        "epochs": epochs,
        "verbose": 0,
        "callbacks": callbacks,
        "shuffle": False,
    }
    return tagger.model.fit(batches, **options).history


def pointing_targets(example):
    """Return where the supervised head should point: (T,) of int.

    Raises
    ------
    TypeError, ValueError
        As :class:`Tagger` does of an example.
    """
    checks.example("example", example, with_spans=True)
    targets = np.arange(len(example.words), dtype=np.int32)  # (T,)
    for start, end, _ in example.spans:
        targets[start:end] = example.predicate
    return targets


def pointing_accuracy(examples, weights):
    """Return how often a head's largest weight, at a word of a role, stands on
    the predicate.

    Parameters
    ----------
    examples : list with ``words``, ``predicate`` and ``spans``
    weights : list of (T, T), one an example

    Raises
    ------
    TypeError
        If examples are none.
    ValueError
        If there are not as many weights as examples, of the examples' lengths,
        or no example has a span.
    """
    examples, weights = checks.heads_of_examples(examples, weights)
    hits = [
        head[start:end].argmax(axis=-1) == example.predicate
        for example, head in zip(examples, weights, strict=True)
        for start, end, _ in example.spans
    ]
    return float(np.mean(np.concatenate(hits)))


def _batches(tagger, examples, batch_size, unknown, frequent):
    """Return a data set of batches of similar length: ids, what is wanted, what
    counts.
    """
    index = {tag: i for i, tag in enumerate(tagger.tags)}
    lengths = np.array([len(example.words) for example in examples])  # (E,)
    tags = [
        [index[tag] for tag in bio_tags(example.spans, length)]
        for example, length in zip(examples, lengths, strict=True)
    ]
    columns = (
        # (E, T, 6)
        pad([tagger.tokenizer.encode(example) for example in examples]),
        pad(tags),  # (E, T)
        pad([pointing_targets(example) for example in examples]),  # (E, T)
    )
    rare = _rare_words(tagger.tokenizer, frequent)
    random = np.random.default_rng(tagger.seed)

    def epoch():
        for batch in length_batches(lengths, batch_size, random, noise=2):
            ids, tags, targets = (
                column[batch, : lengths[batch].max()] for column in columns
            )
            # (B, T, 6)
            hidden = rare[ids] & (random.random(ids.shape) < unknown)
            counts = (ids[:, :, 0] != PAD_ID).astype("float32")  # (B, T)
            yield (
                np.where(hidden, UNKNOWN_ID, ids),
                {"tags": tags, "pointer": targets},
                {"tags": counts, "pointer": counts},
            )

    table = {
        dtype: {
            name: tf.TensorSpec((None, None), dtype)
            for name in ("tags", "pointer")
        }
        for dtype in ("int32", "float32")
    }
    signature = (
        tf.TensorSpec((None, None, 6), "int32"),
        table["int32"],
        table["float32"],
    )
    return dataset(epoch, -(-len(examples) // batch_size), signature)


def _rare_words(tokenizer, frequent):
    """Return which tokens are words, or neighbours, beyond the most frequent:
    (V,) of bool.
    """
    rare = np.zeros(len(tokenizer), dtype=bool)  # (V,)
    for view in ("word:", "last:", "next:"):
        found = [token for token in tokenizer.tokens if token.startswith(view)]
        rare[[tokenizer.ids[token] for token in found[frequent:]]] = True
    return rare
