r"""Find the document that answers: by shared words, by learned vectors, and by
both.

Shapes: ``Q`` queries, ``N`` documents, ``B`` pairs of a batch, ``T`` positions.
"""

import warnings
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from llmbook import checks
from llmbook.corpora.sections import Section
from llmbook.measures.ranking import BM25, standardised, weighted_fusion
from llmbook.models import training
from llmbook.models.layers import (
    AttentionPooling,
    Embedding,
    TransformerBlock,
)
from llmbook.text.tokenizers import PAD_ID, UNKNOWN_ID, Tokenizer, pad

with warnings.catch_warnings():
    # in a notebook its progress bars, never shown, miss a widget
    warnings.simplefilter("ignore")


@keras.saving.register_keras_serializable("llmbook")
class DualEncoder(keras.Model):
    r"""One network that turns queries and documents into vectors of length 1,
    compared by angle.

    .. math:: \mathrm{score}(q, d) = f(q) \cdot f(d)

    Embedding, blocks of self-attention with rotary positions, pooling by
    attention.

    Parameters
    ----------
    vocab_size, d_model, num_heads, num_blocks : int
    dropout : float
    word_dropout : float
        The share of words made unknown in training.

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
        d_model=96,
        num_heads=4,
        num_blocks=1,
        dropout=0.1,
        word_dropout=0.15,
        **kwargs,
    ):
        super().__init__(**kwargs)
        checks.sizes(
            d_model,
            num_heads=num_heads,
            vocab_size=vocab_size,
            num_blocks=num_blocks,
        )
        checks.shares(dropout=dropout)
        checks.within("word_dropout", word_dropout, 0, 1)
        self.arguments = {
            "vocab_size": vocab_size,
            "d_model": d_model,
            "num_heads": num_heads,
            "num_blocks": num_blocks,
            "dropout": dropout,
            "word_dropout": word_dropout,
        }
        self.embedding = Embedding(
            vocab_size, d_model, keras.initializers.RandomNormal(stddev=0.1)
        )
        self.blocks = [
            TransformerBlock(
                num_heads, hidden_dim=2 * d_model, rotary=True, dropout=dropout
            )
            for _ in range(num_blocks)
        ]
        self.norm = keras.layers.LayerNormalization(epsilon=1e-5)
        self.pooling = AttentionPooling()
        self.word_dropout = word_dropout
        self(np.ones((1, 2), "int32"))  # creates the weights

    def call(self, ids, training=None):
        """Map ids (B, T) of int to vectors (B, d_model) of length 1."""
        ids = checks.some_ids("ids", ids, self.arguments["vocab_size"])
        mask = ids != PAD_ID  # (B, T)
        if training:
            # (B, T)
            drop = tf.random.uniform(tf.shape(ids)) < self.word_dropout
            # (B, T)
            ids = ops.where(ops.logical_and(mask, drop), UNKNOWN_ID, ids)
        x = self.embedding(ids)  # (B, T, d_model)
        for block in self.blocks:
            x = block(x, mask=mask, training=training)  # (B, T, d_model)
        pooled = self.pooling(self.norm(x), x, mask=mask)  # (B, d_model)
        return ops.normalize(pooled, axis=-1)  # (B, d_model)

    def get_config(self):
        """Return the arguments of the constructor."""
        return self.arguments


def contrastive_loss(queries, documents, temperature=0.05):
    r"""Return the mean surprise at which document belongs to which query, and
    the other way.

    .. math::

        L = -\frac{1}{2B} \sum_{i=1}^B \left[
        \log \frac{e^{q_i \cdot d_i / \tau}}{\sum_j e^{q_i \cdot d_j / \tau}} +
        \log \frac{e^{q_i \cdot d_i / \tau}}{\sum_j e^{q_j \cdot d_i / \tau}}
        \right]

    The other documents of the batch serve as wrong answers (Karpukhin et al.
    2020, Eq. 2; both ways and with a temperature as by Radford et al. 2021,
    figure 3).

    Parameters
    ----------
    queries, documents : (B, d)
        Vectors of length 1; those in one row belong together.
    temperature : float

    Raises
    ------
    TypeError
        If vectors are no tensors of floats, or ``temperature`` is not a number.
    ValueError
        If vectors are not (B, d) or not as many on both sides, or
        ``temperature`` is not positive and finite.
    """
    for name, x in (("queries", queries), ("documents", documents)):
        checks.tensor(name, x, 2)
        checks.known_shape(name, x, queries.shape)
    checks.positive(temperature=checks.finite("temperature", temperature))
    # (B, B)
    logits = ops.matmul(queries, ops.transpose(documents)) / temperature
    right = ops.arange(ops.shape(logits)[0])  # (B,)
    both = [logits, ops.transpose(logits)]
    losses = [
        tf.nn.sparse_softmax_cross_entropy_with_logits(right, rows)
        for rows in both
    ]
    return ops.mean(ops.stack(losses))


def pair_loss(model, queries, documents, training=None):
    """Return the :func:`contrastive_loss` of ids (B, T_q) and (B, T_d).

    Raises
    ------
    TypeError, ValueError
        As :class:`DualEncoder` does, or if ``model`` is none, or there are not
        as many of both.
    """
    checks.kind("model", model, DualEncoder)
    return contrastive_loss(
        model(ids=queries, training=training),
        model(ids=documents, training=training),
    )


def build_dual_encoder(vocab_size, seed=0, **options):
    """Return a :class:`DualEncoder` with fresh weights, the same for the same
    seed.

    Raises
    ------
    TypeError, ValueError
        As the class does, or if ``seed`` is none.
    """
    checks.seed(seed)
    keras.utils.set_random_seed(seed)
    return DualEncoder(vocab_size, **options)


def train(
    model,
    queries,
    documents,
    epochs=4,
    batch_size=128,
    learning_rate=5e-3,
    seed=0,
    **options,
):
    """Train on pairs, each batch drawn from a random order of all of them.

    Parameters
    ----------
    model : DualEncoder
        Is changed.
    queries : (P, T_q) of int
    documents : (P, T_d) of int
        The one in a row belongs to the query in the same row.
    epochs, batch_size, seed : int
    learning_rate : float
    options
        The others of :func:`llmbook.models.training.train`: ``report``,
        ``every`` and so on.

    Returns
    -------
    (steps,) array
        The loss of every step.

    Raises
    ------
    TypeError
        If ``model`` is no :class:`DualEncoder`, ids are not integers, or as
        :func:`llmbook.models.training.train` does.
    ValueError
        If there are fewer pairs than a batch holds, or not as many queries as
        documents, an id lies outside of the vocabulary, or as
        :func:`llmbook.models.training.train` does.
    OSError
        If a checkpoint cannot be read or written.
    """
    checks.kind("model", model, DualEncoder)
    checks.fitting(epochs, batch_size, learning_rate)
    checks.seed(seed)
    vocab_size = model.arguments["vocab_size"]
    queries, documents = (
        checks.batch_ids(name, ids, vocab_size).astype("int32")
        for name, ids in (("queries", queries), ("documents", documents))
    )  # (P, T_q), (P, T_d)
    if len(queries) != len(documents):
        raise ValueError(
            f"documents must be as many as queries, {len(queries)}; got"
            f" {len(documents)}"
        )
    if len(queries) < batch_size:
        raise ValueError(
            f"queries must fill a batch of {batch_size}, got {len(queries)}"
        )
    rng = np.random.default_rng(seed)
    steps_per_epoch = len(queries) // batch_size
    order = np.concatenate(
        [
            rng.permutation(len(queries))[: steps_per_epoch * batch_size]
            for _ in range(epochs)
        ]
    ).reshape(-1, batch_size)  # (steps, B)

    def batch(step):
        return queries[order[step]], documents[order[step]]

    # XLA takes several times as long here: it is slow at the random numbers of
    # dropout.
    options = {"learning_rate": learning_rate, "jit_compile": False} | options
    return training.train(model, pair_loss, batch, len(order), **options)


def embed(model, tokenizer, texts, length, batch_size=256):
    """Return the vectors (N, d_model) of texts, of which ``length`` tokens are
    read.

    Raises
    ------
    TypeError
        If an argument is something else.
    ValueError
        If there is no text, the tokenizer knows more tokens than the model, or
        a number is below 1.
    """
    checks.kind("model", model, DualEncoder)
    checks.kind("tokenizer", tokenizer, Tokenizer)
    checks.count("length", length)
    checks.count("batch_size", batch_size)
    texts = checks.some("texts", checks.texts("texts", texts))
    ids = pad([tokenizer.encode(text) for text in texts], length)  # (N, T)
    starts = range(0, len(ids), batch_size)
    return np.concatenate(
        [model(ids[s : s + batch_size]).numpy() for s in starts]
    )


class Hit(NamedTuple):
    """A section that was found, and what of it answers best."""

    section: Section
    passage: str
    score: float


class SectionIndex:
    """Find the sections of the book that answer a question, and in each the
    best passage.

    Words are compared twice, with whole sections and with single passages,
    since an answer may stand in one sentence or be what a section is about;
    vectors with single passages. A title counts as part of each passage.

    Parameters
    ----------
    sections : list of Section
    vectors : callable, optional
        Turns a list of texts into vectors (N, d) of length 1; without it words
        alone decide.
    weight : float
        That of the vectors, as in
        :func:`~llmbook.measures.ranking.weighted_fusion`.

    Raises
    ------
    TypeError
        If sections are none, ``vectors`` is no function, or ``weight`` no
        number.
    ValueError
        If there is no section, one has no passage, ``weight`` does not lie in
        [0, 1] or is given without vectors, or these are not as many as the
        passages.
    """

    def __init__(self, sections, vectors=None, weight=0.0):
        sections = checks.sections("sections", sections)
        checks.within("weight", weight, 0, 1)
        if vectors is not None:
            checks.function("vectors", vectors)
        if weight and vectors is None:
            raise ValueError(
                f"weight must be 0 where there are no vectors, got {weight}"
            )
        self.sections, self.vectors, self.weight = sections, vectors, weight
        self.passages = [
            (section, p) for section in sections for p in section.passages
        ]
        counts = [len(section.passages) for section in sections]
        # (N,): of each section
        self.starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
        self.whole = BM25(
            [" ".join([s.title, s.title, *s.passages]) for s in sections]
        )
        self.texts = [
            f"{section.title}. {passage}" for section, passage in self.passages
        ]
        self.single = BM25(self.texts)
        # (P, d)
        self.passage_vectors = self._vectors_of(self.texts) if vectors else None

    def word_scores(self, questions):
        """Return how well each section fits each question by its words, (Q,
        N).

        Raises
        ------
        TypeError
            If questions are not a list of strings.
        ValueError
            If there is none.
        """
        questions = checks.some(
            "questions", checks.texts("questions", questions)
        )
        single = self._best(self.single.scores(questions))  # (Q, N)
        return standardised(self.whole.scores(questions)) + standardised(single)

    def vector_scores(self, questions):
        """Return how well the best passage of each section fits by its vector,
        (Q, N).

        Raises
        ------
        TypeError
            If questions are not a list of strings.
        ValueError
            If there is none, or the index was made without vectors.
        """
        questions = checks.some(
            "questions", checks.texts("questions", questions)
        )
        if self.passage_vectors is None:
            raise ValueError("vectors must be given to the index, got none")
        return self._best(self._vectors_of(questions) @ self.passage_vectors.T)

    def _vectors_of(self, texts):
        vectors = checks.numbers("vectors", self.vectors(texts), at_least=2)
        checks.as_many(texts=texts, vectors=vectors)
        return vectors  # (N, d)

    def scores(self, questions):
        """Return words and vectors weighted, (Q, N).

        Raises
        ------
        TypeError, ValueError
            As :meth:`word_scores` does.
        """
        words = self.word_scores(questions)
        if not self.weight:
            return words
        return weighted_fusion(
            self.vector_scores(questions), words, self.weight
        )

    def ask(self, question, top=3):
        """Return the ``top`` best :class:`Hit` objects for a question, the best
        first.

        Raises
        ------
        TypeError
            If the question is not a string, or ``top`` not an integer.
        ValueError
            If the question holds no term that any section holds, or ``top`` is
            below 1.
        """
        checks.text("question", question)
        checks.count("top", top)
        by_passage = self.single.scores([question])[0]  # (P,)
        if not by_passage.any():
            raise ValueError(
                f"question must share a word with the book, got {question!r}"
            )
        scores = self.scores([question])[0]  # (N,)
        hits = []
        for place in np.argsort(-scores)[:top]:
            start = self.starts[place]
            own = by_passage[start : start + len(self.sections[place].passages)]
            passage = self.sections[place].passages[int(own.argmax())]
            hits.append(
                Hit(self.sections[place], passage, float(scores[place]))
            )
        return hits

    def _best(self, scores):
        """(Q, P) to (Q, N): the best passage of each section."""
        return np.maximum.reduceat(scores, self.starts, axis=1)
