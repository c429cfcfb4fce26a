"""The model that learns from feedback, its frozen beginning, and what every
method does with them.

Any causal Keras model will do that maps token ids (B, T) to logits (B, T, V).
Methods differ in their loss and in what they ask the annotator; drawing drafts,
refining them, and taking steps down a loss are the same for all and stand here.
"""

import random

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from llmbook import checks
from llmbook.models import generation, gpt


class Learner:
    """A policy that writes drafts, the frozen model that it began as, and the
    steps that change it.

    Parameters
    ----------
    task : object
        Says how records, drafts and words of criticism are read and written;
        :class:`llmbook.feedback.tasks.invitations.Invitations` is one, and
        lists what a task has.
    model : keras.Model
        Maps ids (B, T) to logits (B, T, V). It is trained in place.
    generate : callable
        ``generate(model, prompts, max_new, temperature=…, stop=…, seed=…)``
        continues lists of ids as :func:`llmbook.models.generation.generate`
        does, which it is by default: (B, max_new), padded.
    reference : keras.Model, optional
        The policy before it learns, never trained: it refines drafts, and
        penalties measure the distance from it. By default a copy of ``model``;
        of a model with adapters it may be the same model without them.

    Attributes
    ----------
    jit_compile : bool
        Whether XLA compiles losses and steps: some seconds at first, less at
        every step.
    beta_2 : float
        How slowly AdamW forgets the squares of gradients.
    respond : callable
        How a list of records is answered when the learner is examined:
        greedily, unless a method says otherwise.

    Raises
    ------
    TypeError
        If an argument lacks what the learner asks of it.
    """

    jit_compile = True
    beta_2 = 0.999

    def __init__(
        self, task, model, generate=generation.generate, reference=None
    ):
        checks.learner(task, model, generate, reference)
        self.task, self.model, self.generate = task, model, generate
        self.reference = reference or copy_of(model)
        self._reward_model = None
        self._first_reference = None  # until a policy settles
        self._compiled, self._steps = {}, {}
        self._beginning = self._trainable()
        self.reset()

    def _trainable(self):
        return [variable.numpy() for variable in self.model.trainable_variables]

    def reset(self, seed=0, weights=None):
        """Forget what was learned; with ``weights``, begin from these weights
        instead.

        Raises
        ------
        TypeError
            If an argument is of another type.
        ValueError
            If the weights are not those of the model.
        """
        seed = checks.integer("seed", seed)
        if self._first_reference is not None:
            self.reference.set_weights(self._first_reference)
            self._first_reference = None
        if weights is not None:
            checks.weights("weights", weights, self.model)
            self.reference.set_weights(weights)
            self.model.set_weights(weights)
            self._beginning = self._trainable()
        for variable, value in zip(
            self.model.trainable_variables, self._beginning, strict=True
        ):
            variable.assign(value)
        for _, optimizer in self._steps.values():
            _forget(optimizer)
        self.rng = random.Random(seed)
        self.respond = self._respond_greedily

    def settle(self):
        """Make the policy the reference: what is learned next is measured
        against it, and drafts are refined by it.
        """
        if self._first_reference is None:
            self._first_reference = self.reference.get_weights()
        self.reference.set_weights(self.model.get_weights())

    @property
    def reward_model(self):
        """A second model of the same make, which begins as the reference and
        may learn to score.
        """
        if self._reward_model is None:
            self._reward_model = copy_of(self.reference)
        return self._reward_model

    # --- writing
    # ------------------------------------------------------------------------

    def _write(self, model, prompts, temperature):
        """Return what a model writes after prompts, without the end, a few
        hundred at a time.
        """
        written = []
        for start in range(0, len(prompts), 512):
            rows = self.generate(
                model,
                prompts[start : start + 512],
                self.task.draft_length,
                temperature=temperature,
                stop=self.task.end,
                seed=self.rng.randrange(2**31),
            )
            written += [
                self.task.decode(until(row, self.task.end))
                for row in rows.tolist()
            ]
        return written

    def draft(self, records, temperature=1.0):
        """Return a draft for each record, sampled from the policy.

        Raises
        ------
        TypeError
            If an argument is of another type.
        ValueError
            If a record is none of the task's, or the temperature is negative.
        """
        records = checks.items("records", records, "records")
        checks.within("temperature", temperature, 0, np.inf, closed=False)
        return self._write(
            self.model,
            [self.task.draft_prompt(r) for r in records],
            temperature,
        )

    def refine(self, records, drafts, critiques, temperature=1.0):
        """Return each draft refined by the frozen model, which reads the words
        of its critique.

        Raises
        ------
        TypeError
            If an argument is of another type.
        ValueError
            If there are not as many of each, the task cannot read one, or the
            temperature is negative.
        """
        records, drafts, critiques = checks.criticised(
            records, drafts, critiques
        )
        checks.within("temperature", temperature, 0, np.inf, closed=False)
        checks.offers("task", self.task, "refine_prompt")
        prompts = [
            self.task.refine_prompt(record, draft, critique.words)
            for record, draft, critique in zip(
                records, drafts, critiques, strict=True
            )
        ]
        return self._write(self.reference, prompts, temperature)

    def _respond_greedily(self, records):
        return self.draft(records, temperature=0.0)

    # --- reading
    # ------------------------------------------------------------------------

    def examples(self, records, drafts):
        """Return drafts after their prompts, as arrays that the losses read.

        Returns
        -------
        ids : (n, T) of int32, zero after the end
        mask : (n, T - 1) of float32
            1 where the *next* token is the draft's: see
            :func:`llmbook.models.gpt.log_probabilities`.

        Raises
        ------
        TypeError
            If an argument is of another type.
        ValueError
            If there are not as many of each, or the task cannot read one.
        """
        records = checks.items("records", records, "records")
        drafts = checks.items("drafts", drafts, "drafts")
        checks.as_many(records=records, drafts=drafts)
        prompts = [self.task.draft_prompt(record) for record in records]
        length = self.task.draft_prompt_length + self.task.draft_length
        return pack(
            prompts, [self.completion(draft) for draft in drafts], length
        )

    def completion(self, draft):
        """Return the ids of a draft and of its end, cut to what fits.

        A draft that fills its place was cut off: the policy did not write its
        end, and is neither to imitate nor to avoid one.

        Raises
        ------
        TypeError
            If an argument is of another type.
        ValueError
            If the task cannot read it.
        """
        ids = [*self.task.encode(draft), self.task.end]
        return ids[: self.task.draft_length]

    def evaluate(self, function, model, *arrays, batch_size=64):
        """Return ``function(model, *arrays)``, computed in batches of rows
        without a gradient.

        Every batch has one shape, so that the function is compiled once: the
        last is filled up, and cut again.

        Raises
        ------
        TypeError
            If an argument is of another type.
        ValueError
            If there are no rows, or not as many in each array.
        """
        checks.rows("arrays", arrays)
        checks.takes("function", function, (model, *arrays))
        checks.offers("model", model, "trainable_variables")
        batch_size = checks.count("batch_size", batch_size)
        key = (function, id(model))
        if key not in self._compiled:
            self._compiled[key] = tf.function(
                lambda *parts: function(model, *parts),
                jit_compile=self.jit_compile,
                autograph=False,
            )
        results = []
        for start in range(0, len(arrays[0]), batch_size):
            rows = np.arange(start, start + batch_size).clip(
                max=len(arrays[0]) - 1
            )
            results.append(
                self._compiled[key](*(array[rows] for array in arrays)).numpy()
            )
        return np.concatenate(results)[: len(arrays[0])]

    def log_probs(self, model, ids):
        """Return :func:`llmbook.models.gpt.log_probabilities` of many rows, (n,
        T - 1).

        Raises
        ------
        TypeError
            If an argument is of another type.
        ValueError
            If ids are not (n, T), or there is none.
        """
        ids = checks.filled("ids", checks.batch_ids("ids", ids, 2**31))
        checks.batch(model, [ids])
        return self.evaluate(gpt.log_probabilities, model, ids)

    # --- learning
    # ------------------------------------------------------------------------

    def train(
        self,
        loss,
        data,
        steps,
        learning_rate,
        batch_size=32,
        model=None,
        fresh=True,
        **constants,
    ):
        """Take AdamW steps down a loss, over batches drawn without replacement
        epoch by epoch.

        The gradient of each variable is clipped to length 1 for itself, and a
        weight decay of 0.01 takes in norms and embeddings: Keras's AdamW with
        ``clipnorm``, as it comes. :func:`llmbook.models.training.train` clips
        the gradient as a whole and spares them. It matters little in lessons of
        some hundred steps at rates up to ``1e-3``, where decay takes away less
        than a hundredth of a weight, and the recorded comparison of the methods
        rests on it, the same for all.

        Parameters
        ----------
        loss : callable
            ``loss(model, batch, **constants)`` returns a scalar; ``batch`` is a
            dict with the keys of ``data``.
        data : dict of arrays
            All of the same first dimension, ``n > 0``.
        steps, batch_size : int
        learning_rate : float
        model : keras.Model, optional
            What is trained; by default the policy.
        fresh : bool
            Whether AdamW's moments start from zero, as they should when the
            data or the loss has changed.
        constants
            Numbers that the loss depends on, such as ``beta``.

        Returns
        -------
        losses : (steps,)

        Raises
        ------
        TypeError
            If an argument is of another type.
        ValueError
            If ``data`` is empty or its arrays differ in length, or a number is
            out of its range.
        """
        model = self.model if model is None else model
        checks.offers("model", model, "trainable_variables")
        checks.lesson(steps, learning_rate, batch_size, fresh)
        checks.takes("loss", loss, (model, data), constants)
        size = checks.rows_of_data("data", data)
        step, optimizer = self._step(loss, model)
        constants = {
            name: tf.constant(value) for name, value in constants.items()
        }
        if fresh:
            _forget(optimizer)
        optimizer.learning_rate = learning_rate
        rows = _row_batches(self.rng, size, batch_size)
        losses = []
        for _ in range(steps):
            batch = next(rows)
            losses.append(
                step(
                    {name: values[batch] for name, values in data.items()},
                    constants,
                )
            )
        return np.array([float(value) for value in losses])

    def _step(self, loss, model):
        key = (loss, id(model))
        if key not in self._steps:
            optimizer = keras.optimizers.AdamW(
                1e-3, weight_decay=0.01, clipnorm=1.0, beta_2=self.beta_2
            )
            optimizer.build(model.trainable_variables)

            @tf.function(jit_compile=self.jit_compile, autograph=False)
            def step(batch, constants):
                with tf.GradientTape() as tape:
                    value = loss(model, batch, **constants)
                gradients = tape.gradient(value, model.trainable_variables)
                optimizer.apply(gradients, model.trainable_variables)
                return value

            self._steps[key] = step, optimizer
        return self._steps[key]


def _forget(optimizer):
    """Let the optimiser's moments start from zero."""
    for variable in optimizer.variables:
        variable.assign(ops.zeros_like(variable))


def until(ids, stop):
    """Return the list ``ids`` up to the first ``stop``, which is left out.

    Raises
    ------
    TypeError
        If they are not integers.
    ValueError
        If they are no sequence, or one is negative.
    """
    ids = checks.text_ids("ids", ids, 2**31).tolist()
    return ids[: ids.index(stop)] if stop in ids else ids


def copy_of(model):
    """Return a model of the same configuration and weights.

    Raises
    ------
    TypeError
        If it is none.
    """
    checks.offers("model", model, "get_config", "get_weights")
    copy = type(model).from_config(model.get_config())
    copy(ops.zeros((1, 1), dtype="int32"))  # builds it
    copy.set_weights(model.get_weights())
    return copy


def pack(prompts, completions, length):
    """Return prompts with completions, padded ids (n, T), and the completions'
    mask (n, T - 1).

    Raises
    ------
    TypeError
        If they are not lists of integers.
    ValueError
        If there are not as many of each, a prompt is empty, or ``length`` is
        below that of a prompt with its completion.
    """
    length = checks.count("length", length)
    prompts, completions = checks.completed(prompts, completions, length)
    ids = np.zeros((len(prompts), length), dtype="int32")  # (n, T)
    mask = np.zeros((len(prompts), length - 1), dtype="float32")  # (n, T - 1)
    for row, (prompt, completion) in enumerate(
        zip(prompts, completions, strict=True)
    ):
        stop = len(prompt) + len(completion)
        ids[row, :stop] = [*prompt, *completion]
        mask[row, len(prompt) - 1 : stop - 1] = 1
    return ids, mask


def _row_batches(rng, n, batch_size):
    """Yield index arrays (batch_size,) for ever, each row once an epoch as far
    as that goes.
    """
    queue: list[int] = []
    while True:
        while len(queue) < batch_size:
            queue += rng.sample(range(n), n)
        yield np.array(queue[:batch_size])
        del queue[:batch_size]
