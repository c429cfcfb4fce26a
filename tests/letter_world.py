"""A world of three letters, a model of one table, and a pen: all that a method of feedback needs, small enough to
check by hand.

A record is a letter and asks for that letter twice: of ``a`` the perfect draft is ``aa``. A prompt for a draft reads
``a>``, one for a refinement ``a>bb!a?``: record, draft and its end, the words of the critique.
"""

import itertools
from types import SimpleNamespace
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from llmbook.feedback.annotator import Annotator
from llmbook.feedback.learner import Learner

LETTERS = (
    ".!$>?+~abc"  # the ids from 0: padding, end, reward, then what is written
)
PAD, END, REWARD = range(3)
SIZE = len(LETTERS)  # V


class Critique(NamedTuple):
    words: str
    accepted = property(lambda self: self.words == "+")
    readable = property(lambda self: self.words != "~")


class Letters:
    """The task: records come in the order given, over and over; a critique names the letter that is wanted."""

    best_score, end, reward = 2, END, REWARD
    draft_prompt_length, draft_length, refine_prompt_length = 2, 3, 7

    def __init__(self, records="abc"):
        self._records = itertools.cycle(records)

    def draw(self, rng, split="train"):
        return next(self._records)

    def score(self, record, draft):
        return draft.count(record) if self.is_message(draft) else 0

    def is_message(self, draft):
        return 0 < len(draft) < self.draft_length

    def tick(self, record, draft):
        if not self.is_message(draft):
            return None
        return {"first": draft[0] == record, "last": draft[1:] == record}

    def name_faults(self, rng, record, draft):
        met = self.tick(record, draft)
        return met and tuple(name for name in met if not met[name])

    def places(self, record, draft):
        return {"first": [0], "last": [1]}

    def critique(self, rng, record, draft):
        if not self.is_message(draft):
            return Critique("~")
        return Critique("+" if draft == 2 * record else record)

    def compare(self, rng, record, first, second):
        return self.score(record, first) > self.score(record, second)

    def demonstrate(self, record):
        return 2 * record

    def encode(self, text):
        return [LETTERS.index(letter) for letter in text]

    def decode(self, ids):
        return "".join(LETTERS[index] for index in ids)

    def draft_prompt(self, record):
        return self.encode(f"{record}>")

    def refine_prompt(self, record, draft, words):
        return self.encode(f"{record}>{draft}!{words}?")


# --- a model, and the same by hand ----------------------------------------------------------


class Tiny(keras.Model):
    """A causal model of one table: the logits are the mean of the rows of all tokens so far.

    It begins at random, but for a liking for letters and ends.
    """

    def __init__(self, size=SIZE, seed=1, dtype="float32"):
        super().__init__(dtype=dtype)
        self.size, self.seed = size, seed
        table = np.random.default_rng(seed).standard_normal((size, size))
        table[:, [END, *range(SIZE - 3, SIZE)]] += 3
        self.table = self.add_weight(
            shape=(size, size),
            initializer=lambda shape, dtype: tf.constant(table, dtype),
            dtype=dtype,
        )

    def get_config(self):
        return {"size": self.size, "seed": self.seed}

    def call(self, ids, training=None):
        rows = tf.gather(self.table, ids)  # (B, T, V)
        count = tf.range(1, tf.shape(ids)[1] + 1)[:, None]  # (T, 1)
        return tf.cumsum(rows, axis=1) / tf.cast(count, rows.dtype)


def weights_of(model):
    """A copy of the model's table in 64 bits."""
    return model.table.numpy().astype(float)


def distributions(table, ids):
    """The log-probabilities (T, V) of what follows each of the ids (T,), in NumPy."""
    logits = np.array(
        [table[ids[: place + 1]].mean(axis=0) for place in range(len(ids))]
    )
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


def token_log_probs(table, ids):
    """The log-probability (T - 1,) of every token after the first, in NumPy."""
    before = distributions(table, ids[:-1])
    return before[np.arange(len(ids) - 1), ids[1:]]


def log_prob(model, record, draft):
    """The log-probability of a draft and its end after the record's prompt, in NumPy."""
    ids = Letters().encode(f"{record}>{draft}!")
    return token_log_probs(weights_of(model), ids)[1:].sum()


# --- who writes, and who learns --------------------------------------------------------------


class Pen:
    """Writes the texts it is given, in their order and over and over, whatever the model; remembers what was asked."""

    def __init__(self, *texts):
        self.texts, self.asked = itertools.cycle(texts), []

    def __call__(self, model, prompts, max_new, temperature, stop, seed):
        self.asked += [
            SimpleNamespace(
                model=model,
                prompt=Letters().decode(prompt),
                temperature=temperature,
            )
            for prompt in prompts
        ]
        rows = np.zeros((len(prompts), max_new), int)
        for row in rows:
            written = [*Letters().encode(next(self.texts)), stop]
            row[: len(written)] = written
        return rows

    def read(self, model):
        """What the model was asked to continue, so far."""
        return [asked.prompt for asked in self.asked if asked.model is model]


def sample(model, prompts, max_new, temperature, stop, seed):
    """Write token by token as the model would, without a cache: the plainest thing that keeps the contract."""
    rng, table = np.random.default_rng(seed), model.table.numpy()
    rows = np.zeros((len(prompts), max_new), int)
    for row, prompt in zip(rows, prompts, strict=True):
        ids = list(prompt)
        for place in range(max_new):
            logits = table[ids].mean(axis=0)
            noise = temperature * rng.gumbel(size=len(logits))
            row[place] = np.argmax(logits + noise)
            if row[place] == stop:
                break
            ids.append(row[place])
    return rows


class Apprentice(Learner):
    """A learner in the world of letters that keeps a record of its lessons: what it was trained on, and how."""

    jit_compile = False

    def __init__(self, pen=sample, records="abc"):
        super().__init__(Letters(records), Tiny(), pen)
        self.lessons = []

    def train(self, loss, data, steps, learning_rate, **options):
        model = options.get("model") or self.model
        before = weights_of(model)
        losses = self._take(loss, data, steps, learning_rate, **options)
        self.lessons.append(
            SimpleNamespace(
                model=model,
                before=before,
                loss=loss,
                data=data,
                steps=steps,
                learning_rate=learning_rate,
                options=options,
                losses=losses,
            )
        )
        return losses

    def _take(self, *lesson, **options):
        return super().train(*lesson, **options)

    def practise(self, learn, annotations, **options):
        """Let a method spend so many annotations; return the figures of its rounds."""
        annotator = Annotator(self.task, annotations)
        figures = list(learn(self, annotator, **options))
        self.spent = {k: n for k, n in annotator.spent.items() if n}
        return figures


class Listener(Apprentice):
    """An apprentice that hears every lesson and learns nothing, where only the recipe counts."""

    def _take(self, loss, data, steps, learning_rate, **options):
        return np.zeros(steps)


def texts(data):
    """What a lesson's rows say: (what does not count, what does), of which only the former leaves padding out."""
    ids = data["ids"].reshape(-1, data["ids"].shape[-1])
    mask = data["mask"].reshape(-1, data["mask"].shape[-1])
    counted = np.pad(mask, [(0, 0), (1, 0)]) == 1
    return [
        (
            Letters().decode(row[~counts & (row != PAD)]),
            Letters().decode(row[counts]),
        )
        for row, counts in zip(ids, counted, strict=True)
    ]


def batch_of(*rows):
    """Rows of equal length as ids (B, T), and 1 where the next token stands after the prompt, (B, T - 1)."""
    ids = np.array([[LETTERS.index(z) for z in row] for row in rows], "int32")
    mask = [
        [
            float(place > row.index(">") and row[place] != ".")
            for place in range(1, len(row))
        ]
        for row in rows
    ]
    return ids, np.array(mask)


# --- gradients ---------------------------------------------------------------------------------


def gradient(function, x):
    """The gradient by the tape."""
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = function(x)
    return tf.convert_to_tensor(tape.gradient(value, x)).numpy()


def central_differences(function, x, step=1e-5):
    """The gradient of a function of NumPy by central differences."""
    result = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        shift = np.zeros_like(x)
        shift[index] = step
        result[index] = (function(x + shift) - function(x - shift)) / (2 * step)
    return result


def model_gradient(loss, batch, **constants):
    """A loss of Tiny in 64 bits on a batch: the table, the value and the gradient by the tape."""
    model = Tiny(dtype="float64")
    with tf.GradientTape() as tape:
        value = loss(model, batch, **constants)
    slope = tf.convert_to_tensor(tape.gradient(value, model.table))
    return model.table.numpy(), float(value), slope.numpy()


def assert_is(loss, by_hand, batch, **constants):
    """A loss of a model and its gradient are those of a formula of the table in NumPy."""
    table, value, slope = model_gradient(loss, batch, **constants)
    np.testing.assert_allclose(value, by_hand(table), rtol=1e-10)
    np.testing.assert_allclose(
        slope, central_differences(by_hand, table), rtol=1e-5, atol=1e-8
    )
    assert np.abs(slope).max() > 1e-3
