r"""A reader that answers by pointing: where in the passage the answer begins,
and where it ends.

Shapes: ``B`` examples, ``T`` positions of question, separator and passage
together, ``N`` views of a position: the word, which side it stands on, how it
is written, whether the question says it.
"""

from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from llmbook import checks
from llmbook.corpora.facts import text_of, tokenize
from llmbook.measures.answers import exact, overlap_f1
from llmbook.models import training
from llmbook.models.layers import (
    Embedding,
    TransformerBlock,
    ViewEmbedding,
    token_mask,
)
from llmbook.text.tokenizers import pad

SEPARATOR_ID = 2
FIRST_WORD_ID = 3
POSITIONS = ("rotary", "learned", "none")
# of the rotation: passages are short, and distances of one word matter
_BASE = 100.0


class Encoded(NamedTuple):
    """Questions with their passages, as a model reads them."""

    ids: np.ndarray  # (B, T, N) of int
    # (B, 2) of int: first and last position of the answer; no answer: separator
    spans: np.ndarray
    # (B,) of int: where the passage's first token is the next position
    separators: np.ndarray

    def take(self, indices):
        """Return the examples that stand at ``indices``, in that order."""
        return Encoded(*(field[indices] for field in self))


class Encoder:
    """From words to ids, names and numbers made anonymous.

    A word of ``words`` has an id of its own. Any other takes one of
    ``num_slots`` slots, the same wherever it stands in one example and another
    in the next: a slot says that two words are the same, never which word it
    is. So a name never seen is no harder than one that was.

    Parameters
    ----------
    words : sequence of str
        In lower case.
    num_slots : int

    Raises
    ------
    TypeError
        If words are not strings, or ``num_slots`` is not an integer.
    ValueError
        If a word stands twice or is not in lower case, or there is no slot.
    """

    def __init__(self, words, num_slots=64):
        self.words = checks.texts("words", words)
        self.num_slots = checks.count("num_slots", num_slots)
        self.word_ids = {
            word: FIRST_WORD_ID + i for i, word in enumerate(self.words)
        }
        lower = {word.lower() for word in self.words}
        if len(lower) < len(self.words) or lower != self.word_ids.keys():
            raise ValueError(
                "words must be distinct and in lower case, got"
                f" {len(self.words)}, of which {len(lower & set(self.words))}"
                " are"
            )
        self.first_slot = FIRST_WORD_ID + len(self.words)
        self.first_view = self.first_slot + num_slots

    @property
    def vocab_size(self):
        """Words, slots and the values of the other three views."""
        return self.first_view + 8

    def encode(self, examples, length=None, seed=0, hide=0.0):
        """Encode examples, slots dealt out at random.

        Parameters
        ----------
        examples : sequence of llmbook.corpora.facts.Example
        length : int, optional
            ``T``; by default that of the longest.
        seed : int
        hide : float
            The share of the known words that is made anonymous in each example,
            so that a word of unknown meaning is nothing new.

        Returns
        -------
        Encoded

        Raises
        ------
        TypeError
            If examples are none, or a number is none.
        ValueError
            If there is no example, question or passage holds no word, an answer
            lies outside of its passage, an example is longer than ``length`` or
            holds more unknown words than slots, or ``hide`` is no share.
        """
        examples = checks.questions_of_passages("examples", examples)
        if length is not None:
            checks.count("length", length)
        checks.seed(seed)
        checks.within("hide", hide, 0, 1)
        rng = np.random.default_rng(seed)
        rows, spans, separators = [], [], []
        for example in examples:
            rows.append(self._row(example.question, example.passage, rng, hide))
            separator = len(example.question)
            start, end = example.answer or (-1, -1)
            spans.append((separator + 1 + start, separator + 1 + end))
            separators.append(separator)
        longest = max(map(len, rows))
        if length is not None and longest > length:
            raise ValueError(
                f"length must be at least {longest} for these examples, got"
                f" {length}"
            )
        places = (np.array(x, dtype="int32") for x in (spans, separators))
        return Encoded(pad(rows, length), *places)

    def _row(self, question, passage, rng, hide):
        """Return the views (T, N) of one example."""
        words = [word.lower() for word in (*question, *passage)]
        known = {
            word
            for word in words
            if word in self.word_ids and rng.random() >= hide
        }
        unknown = dict.fromkeys(word for word in words if word not in known)
        if len(unknown) > self.num_slots:
            raise ValueError(
                f"a passage must hold at most {self.num_slots} unknown words,"
                f" got {len(unknown)}"
            )
        slots = dict(
            zip(unknown, rng.permutation(self.num_slots), strict=False)
        )
        ids = self.word_ids | {
            word: self.first_slot + slot for word, slot in slots.items()
        }
        places = [ids[word] for word in words]
        shapes = [_shape(word) for word in (*question, *passage)]
        separator = len(question)
        asked = {word for word in words[:separator] if word in slots}
        views = [
            [*places[:separator], SEPARATOR_ID, *places[separator:]],
            [0] * (separator + 1) + [1] * len(passage),
            [*shapes[:separator], 0, *shapes[separator:]],
            [0] * (separator + 1)
            + [word in asked for word in words[separator:]],
        ]
        first = self.first_view
        # (T, N)
        return np.array(views).T + np.array([0, first, first + 2, first + 6])

    def shuffle_slots(self, ids, rng):
        """Deal the slots of each example out anew.

        Parameters
        ----------
        ids : (B, T, N) of int
        rng : numpy.random.Generator

        Returns
        -------
        (B, T, N) of int

        Raises
        ------
        TypeError
            If ids are not integers, or ``rng`` is no generator.
        ValueError
            If they have other axes, or one lies outside of the vocabulary.
        """
        ids = checks.view_ids("ids", ids, self.vocab_size)
        checks.kind("rng", rng, np.random.Generator)
        first = ids[:, :, 0] - self.first_slot  # (B, T)
        is_slot = (first >= 0) & (first < self.num_slots)  # (B, T)
        deals = rng.permuted(
            np.tile(np.arange(self.num_slots), (len(ids), 1)), axis=1
        )
        # (B, T)
        dealt = np.take_along_axis(deals, np.where(is_slot, first, 0), axis=1)
        ids = ids.copy()
        ids[:, :, 0] = np.where(is_slot, self.first_slot + dealt, ids[:, :, 0])
        return ids


def _shape(word):
    """0 for lower case and marks, 1 for a capital, 2 for a number, 3 for all
    capitals.
    """
    if word.isdigit():
        return 2
    if word.isupper() and len(word) > 1:
        return 3
    return int(word[0].isupper())


@keras.saving.register_keras_serializable("llmbook")
class SpanReader(keras.Model):
    r"""Blocks of self-attention over question and passage, then two pointers.

    .. math::

        p_{\mathrm{start}} = \mathrm{softmax}(X u_{\mathrm{start}}), \qquad
        p_{\mathrm{end}} = \mathrm{softmax}(X u_{\mathrm{end}})

    over the separator and the passage, with :math:`X` the last block's vectors,
    normalised (Devlin et al. 2019, section 4.2). Pointing at the separator says
    that there is no answer. The embeddings are multiplied by the root of their
    width (Vaswani et al. 2017, section 3.4), so that slots, which are chance
    vectors at first, are told apart soon.

    Parameters
    ----------
    vocab_size : int
    d_model, num_heads, num_blocks : int
    positions : {"rotary", "learned", "none"}
        Rotations in every attention, a learned vector for each position, or
        nothing.
    length : int
        How many positions have vectors, where they are learned.
    dropout : float

    Raises
    ------
    TypeError
        If a number is none, or ids are not integers.
    ValueError
        If ``positions`` is none of these, a number is out of its range,
        ``num_heads`` does not divide ``d_model``, an id lies outside of the
        vocabulary, there are more positions than learned ones, or not as many
        separators as rows.
    """

    def __init__(
        self,
        vocab_size,
        d_model=64,
        num_heads=4,
        num_blocks=2,
        positions="rotary",
        length=160,
        dropout=0.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        checks.one_of("positions", positions, POSITIONS)
        checks.sizes(
            d_model,
            num_heads=num_heads,
            vocab_size=vocab_size,
            num_blocks=num_blocks,
            length=length,
        )
        checks.shares(dropout=dropout)
        self.arguments = {
            "vocab_size": vocab_size,
            "d_model": d_model,
            "num_heads": num_heads,
            "num_blocks": num_blocks,
            "positions": positions,
            "length": length,
            "dropout": dropout,
        }
        self.embedding, self.scale = (
            ViewEmbedding(vocab_size, d_model),
            d_model**0.5,
        )
        self.positions = None
        if positions == "learned":
            self.positions = Embedding(length, d_model)
        self.blocks = [
            TransformerBlock(
                num_heads,
                2 * d_model,
                rotary=positions == "rotary",
                rotary_base=_BASE,
                dropout=dropout,
            )
            for _ in range(num_blocks)
        ]
        self.norm = keras.layers.LayerNormalization(epsilon=1e-5)
        self.pointers = keras.layers.Dense(2)
        # creates the weights
        self(np.ones((1, 2, 4), "int32"), np.zeros(1, "int32"))

    def call(self, ids, separators, return_weights=False, training=None):
        """Point.

        Parameters
        ----------
        ids : (B, T, N) of int
        separators : (B,) of int
            What stands before cannot be pointed at.
        return_weights : bool

        Returns
        -------
        logits : (B, 2, T)
            Of the first and of the last token, −1e9 where neither can be.
        weights : list of (B, H, T, T), one a block
            If ``return_weights``.

        Raises
        ------
        TypeError
            If ids or separators are not integers, or ``return_weights`` is no
            truth value.
        ValueError
            If they have other axes, an id lies outside of the vocabulary, or a
            separator outside of the positions.
        """
        ids = checks.known_ids("ids", ids, self.arguments["vocab_size"], 3)
        checks.flag("return_weights", return_weights)
        separators = checks.known_ids(
            "separators", separators, ids.shape[1], 1
        )  # (B,)
        checks.known_shape("separators", separators, ids.shape[:1])
        mask = token_mask(ids)  # (B, T)
        x = self.embedding(ids, training=training)  # (B, T, d_model)
        if self.positions is not None:
            checks.positions("ids", ids.shape[1], self.arguments["length"])
            # (B, T, d_model)
            x = x + self.positions(ops.arange(ops.shape(ids)[1]))[None]
        x = self.scale * x  # (B, T, d_model)
        weights = []
        for block in self.blocks:
            x, attention = block(
                x, mask=mask, return_weights=True, training=training
            )
            weights.append(attention)
        # (B, 2, T)
        logits = ops.transpose(self.pointers(self.norm(x)), (0, 2, 1))
        first = ops.cast(separators, "int32")[:, None]  # (B, 1)
        allowed = ops.arange(ops.shape(ids)[1]) >= first  # (B, T)
        allowed = ops.logical_and(allowed, mask)[:, None]  # (B, 1, T)
        logits = ops.where(allowed, logits, -1e9)  # (B, 2, T)
        return (logits, weights) if return_weights else logits

    def get_config(self):
        """Return the arguments of the constructor."""
        return self.arguments


def span_loss(model, ids, spans, separators, training=None):
    r"""Return the mean surprise at both ends of the right span.

    .. math:: L = -\log p_{\mathrm{start}}(s) - \log p_{\mathrm{end}}(e)

    Parameters
    ----------
    model : SpanReader
    ids : (B, T, N) of int
    spans : (B, 2) of int
    separators : (B,) of int

    Raises
    ------
    TypeError
        If ``model`` is no :class:`SpanReader`, or spans that are known are not
        integers, or as the model.
    ValueError
        If one lies outside of the positions, or as the model.
    """
    checks.kind("model", model, SpanReader)
    ids = checks.known_ids("ids", ids, 2**31, 3)  # (B, T, N)
    spans = checks.known_ids("spans", spans, ids.shape[1], 2)  # (B, 2)
    checks.known_shape("spans", spans, (ids.shape[0], 2))
    # (B, 2, T)
    logits = model(ids, separators=separators, training=training)
    # (B, 2)
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(spans, logits)
    return tf.reduce_mean(tf.reduce_sum(losses, axis=1))


def build_reader(encoder, seed=0, **options):
    """Return a :class:`SpanReader` with fresh weights, the same for the same
    seed.

    Raises
    ------
    TypeError, ValueError
        As the class does, or if ``encoder`` or ``seed`` is none.
    """
    checks.kind("encoder", encoder, Encoder)
    checks.seed(seed)
    keras.utils.set_random_seed(seed)
    return SpanReader(encoder.vocab_size, **options)


def train(
    model,
    encoder,
    encoded,
    steps=1200,
    batch_size=32,
    learning_rate=4e-3,
    weight_decay=0.05,
    seed=0,
    **options,
):
    """Train on encoded examples, slots dealt out anew at every step.

    What a step draws depends on ``seed`` and the step alone, so that an
    interrupted training can go on with what it would have seen.

    Parameters
    ----------
    model : SpanReader
        Is changed.
    encoder : Encoder
    encoded : Encoded
    steps, batch_size, seed : int
    learning_rate, weight_decay : float
    options
        The others of :func:`llmbook.models.training.train`: ``report``,
        ``checkpoint`` and so on.

    Returns
    -------
    (steps,) array
        The loss of every step.

    Raises
    ------
    TypeError, ValueError, OSError
        As :func:`llmbook.models.training.train` does, or if the encoder knows
        more ids than the model, or ``encoded`` is of other ones, or of answers
        outside of its positions.
    """
    encoded = _checked(model, encoder, encoded)
    checks.count("batch_size", batch_size)
    checks.seed(seed)

    def batches():
        rng = np.random.default_rng(seed)
        while True:
            chosen = encoded.take(rng.integers(0, len(encoded.ids), batch_size))
            ids = encoder.shuffle_slots(chosen.ids, rng)  # (B, T, N)
            yield ids, chosen.spans, chosen.separators

    drawn = enumerate(batches())

    def batch(step):
        # one that goes on from a checkpoint passes over what it has read
        return next(found for number, found in drawn if number == step)

    return training.train(
        model,
        span_loss,
        batch,
        steps,
        learning_rate,
        weight_decay=weight_decay,
        **options,
    )


def _checked(model, encoder, encoded):
    """Return encoded examples whose numbers a model and an encoder know."""
    checks.kind("model", model, SpanReader)
    checks.kind("encoder", encoder, Encoder)
    checks.kind("encoded", encoded, Encoded)
    if encoder.vocab_size > model.arguments["vocab_size"]:
        raise ValueError(
            "encoder must know at most the model's"
            f" {model.arguments['vocab_size']} ids, got {encoder.vocab_size}"
        )
    ids = checks.view_ids("encoded.ids", encoded.ids, encoder.vocab_size)
    length = ids.shape[1]
    spans = checks.rows_of_ids("encoded.spans", encoded.spans, length, 2)
    separators = checks.text_ids(
        "encoded.separators", encoded.separators, length
    )
    checks.as_many(ids=ids, spans=spans, separators=separators)
    return Encoded(*(x.astype("int32") for x in (ids, spans, separators)))


def span_logits(model, encoded, batch_size=128):
    """Return the logits (B, 2, T) of encoded examples.

    Raises
    ------
    TypeError
        If an argument is something else.
    ValueError
        If there is no example, an id lies outside of the vocabulary, or
        ``batch_size`` is below 1.
    """
    checks.kind("model", model, SpanReader)
    checks.kind("encoded", encoded, Encoded)
    checks.filled("encoded.ids", encoded.ids)
    checks.count("batch_size", batch_size)
    starts = range(0, len(encoded.ids), batch_size)
    parts = [encoded.take(slice(start, start + batch_size)) for start in starts]
    return np.concatenate(
        [model(part.ids, part.separators).numpy() for part in parts]
    )


def best_spans(logits, separators, longest=9):
    r"""Return the best span of each passage, its score, and that of having no
    answer.

    .. math::

        (s, e) = \arg\max_{s \le e < s + n} z_{\mathrm{start}, s} +
        z_{\mathrm{end}, e}

    within the passage, with ``n = longest``; the score of no answer is the same
    sum at the separator (Devlin et al. 2019, section 4.3).

    Parameters
    ----------
    logits : (B, 2, T)
    separators : (B,) of int
    longest : int
        Tokens that an answer has at most.

    Returns
    -------
    spans : (B, 2) of int
        In tokens of the passage, which begins after the separator.
    scores, null_scores : (B,)

    Raises
    ------
    TypeError
        If separators or ``longest`` are not integers.
    ValueError
        If shapes do not fit, a separator is none of the positions before the
        last, a logit is not finite, or ``longest`` is below 1.
    """
    logits, separators = checks.pointers(logits, separators)
    checks.count("longest", longest)
    length = logits.shape[2]
    first, last = np.arange(length)[:, None], np.arange(length)
    possible = (last >= first) & (last < first + longest)  # (T, T)
    in_passage = np.arange(length) > separators[:, None]  # (B, T)
    starts = np.where(in_passage, logits[:, 0], -np.inf)  # (B, T)
    sums = np.where(
        possible, starts[:, :, None] + logits[:, 1, None, :], -np.inf
    )  # (B, T, T)
    flat = sums.reshape(len(sums), -1)  # (B, T · T)
    best = flat.argmax(axis=1)  # (B,)
    # (B, 2)
    spans = np.stack(np.divmod(best, length), axis=1) - separators[:, None] - 1
    rows = np.arange(len(logits))
    null_scores = logits[rows, :, separators].sum(axis=1)  # (B,)
    return spans, flat[rows, best], null_scores


class Outcome(NamedTuple):
    """How a reader did, example by example."""

    spans: np.ndarray  # (N, 2) of int, in tokens of the passage
    exact: np.ndarray  # (N,) of bool: the best span is the answer
    f1: np.ndarray  # (N,)
    # (N,) of bool: the best span is in the sentence that tells the fact
    in_sentence: np.ndarray
    # (N,): the score of the best span less that of no answer
    margins: np.ndarray


def outcome(model, encoder, examples):
    """Return the :class:`Outcome` of a :class:`SpanReader` on examples.

    Raises
    ------
    TypeError
        If an argument is something else.
    ValueError
        As :meth:`Encoder.encode` does.
    """
    checks.kind("model", model, SpanReader)
    checks.kind("encoder", encoder, Encoder)
    encoded = encoder.encode(examples)
    spans, scores, nulls = best_spans(
        span_logits(model, encoded), encoded.separators
    )
    texts = [
        text_of(e.passage, span)
        for e, span in zip(examples, spans, strict=True)
    ]
    pairs = [
        (text, e.answer_text) for text, e in zip(texts, examples, strict=True)
    ]
    in_sentence = [
        any(
            start <= span[0] <= end and e.answer and start <= e.answer[0] <= end
            for start, end in e.sentences
        )
        for e, span in zip(examples, spans, strict=True)
    ]
    return Outcome(
        spans,
        np.array([exact(*pair) for pair in pairs]),
        np.array([overlap_f1(*pair) for pair in pairs]),
        np.array(in_sentence),
        scores - nulls,
    )


class Answer(NamedTuple):
    """What a reader found."""

    text: str  # empty if the reader says that there is no answer
    # first and last token of the best span, whether it is believed or not
    span: tuple[int, int]
    margin: float  # by how much the span's score exceeds that of no answer


class Reader:
    """From question and passage, as strings, to an answer.

    Parameters
    ----------
    model : SpanReader
    encoder : Encoder
    threshold : float
        The margin that an answer must exceed.

    Raises
    ------
    TypeError
        If one of these is something else.
    ValueError
        If the encoder knows more ids than the model, or ``threshold`` is a NaN.
    """

    def __init__(self, model, encoder, threshold=0.0):
        checks.kind("model", model, SpanReader)
        checks.kind("encoder", encoder, Encoder)
        checks.within("threshold", threshold, -np.inf, np.inf)
        if encoder.vocab_size > model.arguments["vocab_size"]:
            raise ValueError(
                "encoder must know at most the model's"
                f" {model.arguments['vocab_size']} ids, got"
                f" {encoder.vocab_size}"
            )
        self.model, self.encoder, self.threshold = model, encoder, threshold

    def read(self, question, passage):
        """Return the :class:`Answer` to a question from a passage.

        Raises
        ------
        TypeError
            If one is not a string.
        ValueError
            If one holds no word, or they hold more unknown words than slots.
        """
        checks.text("question", question)
        checks.text("passage", passage)
        tokens = {"question": tokenize(question), "passage": tokenize(passage)}
        for name, words in tokens.items():
            if not words:
                raise ValueError(
                    f"{name} must hold at least one word, got an empty one"
                )
        return self.answers([_Unanswered(**tokens)])[0]

    def answers(self, examples):
        """Return the :class:`Answer` to each
        :class:`llmbook.corpora.facts.Example`.

        Raises
        ------
        TypeError, ValueError
            As :meth:`Encoder.encode` does.
        """
        examples = checks.questions_of_passages("examples", examples)
        encoded = self.encoder.encode(examples)
        spans, scores, nulls = best_spans(
            span_logits(self.model, encoded), encoded.separators
        )
        answers = []
        for example, span, margin in zip(
            examples, spans.tolist(), scores - nulls, strict=True
        ):
            text = (
                text_of(example.passage, span)
                if margin > self.threshold
                else ""
            )
            answers.append(Answer(text, tuple(span), float(margin)))
        return answers


class _Unanswered(NamedTuple):
    """A question and a passage whose answer nobody has told."""

    question: list[str]
    passage: list[str]
    answer: None = None


def best_threshold(margins, is_answered, right):
    """Return the threshold of the margin at which most questions are dealt with
    rightly.

    A question is dealt with rightly if its answer is in the passage and is
    given, or is not and none is.

    Parameters
    ----------
    margins : (N,)
    is_answered : (N,) of bool
        Whether the passage holds an answer.
    right : (N,) of bool
        Whether the best span is it.

    Returns
    -------
    float
        Halfway between two margins, or below or above them all.

    Raises
    ------
    TypeError
        If ``is_answered`` or ``right`` are not of booleans.
    ValueError
        If there is no question, a margin is not finite, or there are not as
        many of each.
    """
    margins, is_answered, right = checks.margins(margins, is_answered, right)
    values = np.unique(margins)  # (K,)
    # (K + 2,)
    ends = np.concatenate([[values[0] - 1], values, [values[-1] + 1]])
    candidates = (ends[:-1] + ends[1:]) / 2  # (K + 1,)
    is_given = margins[:, None] > candidates  # (N, K + 1)
    rightly = np.where(
        is_given, (is_answered & right)[:, None], ~is_answered[:, None]
    )
    return float(candidates[rightly.sum(axis=0).argmax()])
