r"""A language model as a classifier: which of two words does it expect next?

The text stands in a prompt that ends where a word of judgement would follow,
and the score is

.. math:: s = \log \frac{p(\text{positive} \mid \text{prompt})}
    {p(\text{negative} \mid \text{prompt})}

(for choosing by the likelihood of answers: Brown et al. 2020, section 2.4).
Nothing is generated. Shapes: ``B`` texts, ``T`` tokens.
"""

import numpy as np
import tensorflow as tf

from llmbook import checks

PROMPT = "Review: {text}\nThe sentiment of this review is"
WORDS = (" negative", " positive")


class WordJudge:
    """A language model that answers with one of two words.

    Parameters
    ----------
    model : llmbook.models.gpt.GPT
        With or without adapters.
    tokenizer : llmbook.models.smollm.ChatTokenizer
    prompt : str
        Holds ``{text}`` once.
    words : (str, str)
        That for a negative text, and that for a positive one.

    Raises
    ------
    TypeError
        If an argument is something else.
    ValueError
        If ``prompt`` does not hold ``{text}`` once, there are not two words, or
        one is not a single token that the model knows.
    """

    def __init__(self, model, tokenizer, prompt=PROMPT, words=WORDS):
        checks.offers("model", model, "hidden", "embedding", "config")
        checks.offers("tokenizer", tokenizer, "encode")
        checks.text("prompt", prompt)
        words = checks.two_texts("words", words)
        if prompt.count("{text}") != 1:
            raise ValueError(f"prompt must hold {{text}} once, got {prompt!r}")
        answers = [tokenizer.encode(word) for word in words]
        if any(len(answer) != 1 for answer in answers):
            raise ValueError(
                f"words must be single tokens, got {words} as {answers}"
            )
        self.vocab_size = model.config.vocab_size
        self.answers = [answer[0] for answer in answers]
        checks.ids("words", self.answers, self.vocab_size)
        self.tokenizer = tokenizer
        self.before, self.after = prompt.split("{text}")
        compiled = tf.function(
            input_signature=[tf.TensorSpec((None, None), "int32")],
            autograph=False,
        )
        self.score = compiled(lambda ids: two_logits(model, ids, self.answers))
        self.state = compiled(
            lambda ids: tf.cast(model.hidden(ids)[0][:, -1], "float32")
        )

    def encode(self, texts, length=128):
        """Return the prompts of texts as ids, a list each.

        Where one would have more than ``length`` tokens, the end of its text is
        cut off, never the question after it.

        Raises
        ------
        TypeError
            If texts are not a list of strings, or ``length`` not an integer.
        ValueError
            If there is no text, ``length`` leaves no room for one, or the model
            does not know an id of the tokenizer.
        """
        texts = checks.some("texts", checks.texts("texts", texts), "texts")
        checks.count("length", length)
        after = self.tokenizer.encode(self.after)
        room = length - len(after)
        if room < 1:
            raise ValueError(
                f"length must be above the {len(after)} tokens after the text"
            )
        starts = [self.tokenizer.encode(self.before + text) for text in texts]
        prompts = [start[:room] + after for start in starts]
        return checks.prompts(prompts, self.vocab_size)

    def logits(self, texts, batch_size=32):
        """Return the scores (B,) of texts: the log-odds of the second word
        against the first.

        Raises
        ------
        TypeError, ValueError
            As :meth:`encode` does, or if ``batch_size`` is below 1.
        """
        z = self._by_length(self.score, texts, batch_size)  # (B, 2)
        return (z[:, 1] - z[:, 0]).astype(float)

    def states(self, texts, batch_size=32):
        """Return the model's last hidden state behind the prompt of each text,
        (B, d_model): what a linear probe reads.

        Raises
        ------
        TypeError, ValueError
            As :meth:`logits`.
        """
        return self._by_length(self.state, texts, batch_size)

    def _by_length(self, function, texts, batch_size):
        """Apply a function of ids to prompts, those of similar lengths
        together, and return its rows in the order of the texts.
        """
        checks.count("batch_size", batch_size)
        prompts = self.encode(texts)
        # (B,)
        order = np.argsort([len(prompt) for prompt in prompts], kind="stable")
        batches = np.split(order, range(batch_size, len(order), batch_size))
        rows = [
            function(pad_left([prompts[i] for i in batch])) for batch in batches
        ]
        return np.concatenate(rows)[np.argsort(order)]

    def batches(self, texts, labels, batch_size=16, length=40, seed=0):
        """Return a function of the step that draws texts, for
        :func:`llmbook.models.training.train`.

        It returns prompts (batch_size, length) of ids and their labels
        (batch_size,); those of a step depend on the seed and the step alone.

        Raises
        ------
        TypeError
            As :meth:`encode` does, or if labels are not integers.
        ValueError
            As :meth:`encode` does, or if there are not as many labels of 0 and
            1, or fewer texts than a batch holds.
        """
        prompts = pad_left(self.encode(texts, length), length)  # (B, length)
        labels = checks.text_ids("labels", labels, 2).astype("int32")  # (B,)
        checks.as_many(texts=prompts, labels=labels)
        checks.seed(seed)
        if checks.count("batch_size", batch_size) > len(labels):
            raise ValueError(
                f"texts must fill a batch of {batch_size}, got {len(labels)}"
            )

        def batch(step):
            chosen = np.random.default_rng((seed, step)).choice(
                len(labels), batch_size, False
            )
            return prompts[chosen], labels[chosen]

        return batch

    def loss(self, model, ids, labels, training=None):
        """Return the mean cross-entropy of the right one of the two words,
        against the other.

        Raises
        ------
        TypeError
            If labels that are known are not integers, or as :func:`two_logits`.
        ValueError
            If one is neither 0 nor 1, there are not as many as ids, or as
            :func:`two_logits`.
        """
        labels = checks.known_ids("labels", labels, 2, 1)  # (B,)
        z = two_logits(model, ids, self.answers, training)  # (B, 2)
        return tf.reduce_mean(
            tf.nn.sparse_softmax_cross_entropy_with_logits(labels, z)
        )


def two_logits(model, ids, answers, training=None):
    """Return the logits (B, 2) of two tokens after prompts (B, T) that are
    padded on the left.

    Those of the vocabulary's other tokens are not computed: the difference does
    not need them. It is small beside the logits, so they have 32 bits even if
    the model has 16.

    Raises
    ------
    TypeError
        If ``model`` is no GPT, or ids or answers that are known are not
        integers.
    ValueError
        If ids are not (B, T), answers are not two, or one of them lies outside
        of the vocabulary.
    """
    checks.offers("model", model, "hidden", "embedding", "config")
    answers = checks.two("answers", answers)
    checks.ids("answers", answers, model.config.vocab_size)
    hidden, _, _ = model.hidden(ids, training=training)  # (B, T, d_model)
    rows = tf.gather(model.embedding.embeddings, answers)  # (2, d_model)
    last, rows = tf.cast(hidden[:, -1], "float32"), tf.cast(rows, "float32")
    return tf.matmul(last, rows, transpose_b=True)  # (B, 2)


def pad_left(sequences, length=None):
    """Stack sequences of ids into (B, T) of int32, the shorter ones filled with
    0 before them.

    Raises
    ------
    TypeError
        If they are not of integers, or ``length`` is none.
    ValueError
        If there is none, one is empty, or one is longer than ``length``.
    """
    sequences = checks.prompts(sequences, 2**31, "sequences")
    longest = max(map(len, sequences))
    length = longest if length is None else checks.count("length", length)
    if longest > length:
        raise ValueError(f"length must be at least {longest}, got {length}")
    ids = np.zeros((len(sequences), length), "int32")  # (B, T)
    for row, sequence in zip(ids, sequences, strict=True):
        row[length - len(sequence) :] = sequence
    return ids
