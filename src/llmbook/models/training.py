"""Training: one compiled step, its optimizer and schedule, and the batches it
is given.
"""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from llmbook import checks
from llmbook.files import whole
from llmbook.models import saving


def shuffled(encoded, batch_size, seed=0):
    """Return a function of the step that gives a batch: every pair once before
    one comes again.

    For :func:`llmbook.models.training.train`. The batches depend on ``seed``
    and the step alone.

    Parameters
    ----------
    encoded : Encoded
    batch_size : int
    seed : int

    Raises
    ------
    TypeError
        If a number is not an integer, or ``encoded`` has no pairs.
    ValueError
        If there are fewer pairs than a batch holds, or not as many sources as
        targets.
    """
    checks.offers("encoded", encoded, "source", "target")
    checks.as_many(sources=encoded.source, targets=encoded.target)
    checks.count("batch_size", batch_size)
    checks.seed(seed)
    steps = len(encoded.source) // batch_size
    if steps < 1:
        raise ValueError(
            f"encoded must hold {batch_size} pairs at least, got"
            f" {len(encoded.source)}"
        )

    def batch(step):
        epoch, start = step // steps, step % steps * batch_size
        order = np.random.default_rng((seed, epoch)).permutation(
            len(encoded.source)
        )
        chosen = order[start : start + batch_size]
        return encoded.source[chosen], encoded.target[chosen]

    return batch


def length_batches(lengths, batch_size, random, noise=8):
    """Yield the batches of one epoch, sequences of similar length together:
    padding is little.

    The sequences are sorted by their length plus a little noise and cut into
    batches, which come in random order.

    Parameters
    ----------
    lengths : (N,) of int
        Of all sequences.
    batch_size : int
    random : numpy.random.Generator
    noise : float
        The most that is added to a length, or taken from it.

    Yields
    ------
    (b,) of int
        Which sequences form a batch.

    Raises
    ------
    TypeError
        If lengths or ``batch_size`` are not integers, ``random`` is no
        generator, or ``noise`` no number.
    ValueError
        If a length is negative, there is none, ``batch_size`` is below 1, or
        ``noise`` is negative.
    """
    lengths = checks.text_ids("lengths", checks.some("lengths", lengths), 2**31)
    checks.count("batch_size", batch_size)
    checks.kind("random", random, np.random.Generator)
    checks.within("noise", noise, 0, np.inf, closed=False)
    return _length_batches(lengths, batch_size, random, noise)


def _length_batches(lengths, batch_size, random, noise):
    # (N,)
    order = np.argsort(lengths + random.uniform(-noise, noise, len(lengths)))
    batches = [
        order[start : start + batch_size]
        for start in range(0, len(order), batch_size)
    ]
    random.shuffle(batches)
    yield from batches


def dataset(epoch, count, signature):
    """Return the batches of a generator as a data set of TensorFlow's.

    Parameters
    ----------
    epoch : callable
        Without arguments; yields the batches of one epoch.
    count : int
        How many these are.
    signature : nested tf.TensorSpec
        Of a batch.

    Raises
    ------
    TypeError
        If ``epoch`` is no function, ``count`` no integer, or the signature not
        of specifications.
    ValueError
        If ``count`` is below 1.
    """
    checks.function("epoch", epoch)
    checks.count("count", count)
    for part in checks.some("signature", tf.nest.flatten(signature)):
        checks.kind("signature", part, tf.TypeSpec)
    batches = tf.data.Dataset.from_generator(epoch, output_signature=signature)
    known = batches.apply(tf.data.experimental.assert_cardinality(count))
    return known.prefetch(2)


class LazyAdam(keras.optimizers.Adam):
    """Adam that updates only the rows of a table of embeddings that the batch
    looked up.

    A batch sees some ten thousand of the rows; Adam would shift every one of
    them, and their moments, at every step. Rows not seen keep their moments as
    they are (the "lazy" form of TensorFlow Addons). Everything else is updated
    as by Adam.

    Raises
    ------
    ValueError
        If ``learning_rate`` is neither a number nor a schedule.
    """

    def update_step(self, gradient, variable, learning_rate):
        """Apply one gradient, sparse or dense."""
        if not isinstance(gradient, tf.IndexedSlices):
            super().update_step(gradient, variable, learning_rate)
            return
        rows, place = tf.unique(gradient.indices)
        slope = tf.math.unsorted_segment_sum(
            gradient.values, place, tf.size(rows)
        )
        index = self._get_variable_index(variable)
        momentum, velocity = (
            self._momentums[index].value,
            self._velocities[index].value,
        )
        mean = (
            self.beta_1 * tf.gather(momentum, rows) + (1 - self.beta_1) * slope
        )
        square = (
            self.beta_2 * tf.gather(velocity, rows)
            + (1 - self.beta_2) * slope**2
        )
        momentum.scatter_update(tf.IndexedSlices(mean, rows))
        velocity.scatter_update(tf.IndexedSlices(square, rows))
        step = tf.cast(self.iterations + 1, slope.dtype)
        mean, square = (
            mean / (1 - self.beta_1**step),
            square / (1 - self.beta_2**step),
        )
        change = mean / (tf.sqrt(square) + self.epsilon)
        variable.scatter_sub(tf.IndexedSlices(learning_rate * change, rows))


def windows(ids, length, batch_size, seed=0):
    """Return a function of the step that draws windows of ``length + 1`` tokens
    of a text.

    The windows of a step depend on ``seed`` and the step alone, so that an
    interrupted training can go on with those it would have seen.

    Parameters
    ----------
    ids : (N,) of int
        The text.
    length, batch_size, seed : int

    Raises
    ------
    TypeError
        If the ids are not integers, or another number is none.
    ValueError
        If the text is no sequence or shorter than a window, an id is negative,
        or another number is below 1.
    """
    ids = checks.text_ids("ids", ids, 2**31).astype("int32")
    checks.count("length", length)
    checks.count("batch_size", batch_size)
    checks.seed(seed)
    if len(ids) <= length:
        raise ValueError(
            f"ids must hold more than length={length} tokens, got {len(ids)}"
        )

    def batch(step):
        starts = np.random.default_rng((seed, step)).integers(
            0, len(ids) - length, batch_size
        )
        return ids[starts[:, None] + np.arange(length + 1)]  # (B, T + 1)

    return batch


def train(
    model,
    loss,
    batch,
    steps,
    learning_rate=3e-3,
    warmup=0.1,
    weight_decay=0.1,
    clip=1.0,
    checkpoint=None,
    every=100,
    report=None,
    jit_compile=True,
):
    """Minimise a loss by AdamW, in one compiled step: warm-up, cosine decay,
    clipped gradients.

    Parameters
    ----------
    model : keras.Model
        Is changed.
    loss : function
        Of the model, a batch, and ``training``; returns one number, such as
        :func:`llmbook.models.gpt.next_token_loss`.
    batch : function
        Of the step, 0 … ``steps - 1``; returns the arguments of ``loss`` after
        the model, one array or a tuple, in shapes that stay the same.
    steps : int
    learning_rate : float
        The highest, reached after the share ``warmup`` of the steps; the cosine
        then takes it to a twentieth (Loshchilov and Hutter 2017, Eq. 5).
    weight_decay : float
        Of all matrices but the embedding.
    clip : float
        The largest norm of the gradient, all variables together (Pascanu et al.
        2013, algorithm 1).
    checkpoint : path, optional
        A file that is written every ``every`` steps and at the end. If it
        exists, training goes on from it, to the same result as if it had never
        stopped.
    report : function, optional
        Is called with the number of steps done and the mean loss of the last
        ``every`` of them.
    jit_compile : bool
        Whether XLA compiles the step: some seconds at first, less at every
        step.

    Returns
    -------
    (steps,) array
        The loss of every step.

    Raises
    ------
    TypeError
        If ``model`` is no model of Keras, or an argument is no function, number
        or path where one is needed.
    ValueError
        If a number is out of its range, a batch holds ids that the model does
        not know, or ``checkpoint`` is damaged, of another model or of another
        number of steps.
    OSError
        If the checkpoint cannot be read or written.
    """
    checks.training(model, loss, batch, steps, every, report, checkpoint)
    optimizer = adamw(model, steps, learning_rate, warmup, weight_decay, clip)
    step = compiled_step(model, loss, optimizer, jit_compile)
    state = [*model.variables, *optimizer.variables]
    losses = np.zeros(steps, "float32")
    done = 0 if checkpoint is None else _restore(checkpoint, state, losses)
    while done < steps:
        inputs = batch(done)
        inputs = inputs if isinstance(inputs, tuple) else (inputs,)
        checks.batch(model, inputs)
        losses[done] = step(*inputs)
        done += 1
        if done % every == 0 or done == steps:
            if report is not None:
                report(done, float(losses[max(0, done - every) : done].mean()))
            if checkpoint is not None:
                _store(checkpoint, state, losses, done)
    return losses


def cosine(learning_rate, steps, warmup_steps, first=0.0, last=0.0):
    """Return a schedule: up in a line to ``learning_rate``, then down along
    half a cosine (Loshchilov and Hutter 2017, Eq. 5).

    Parameters
    ----------
    learning_rate : float
        The highest, reached after ``warmup_steps``.
    steps, warmup_steps : int
        Of the whole training, and of its rise.
    first, last : float
        The rate at the beginning, and the share of the highest that is left at
        the end.

    Returns
    -------
    keras.optimizers.schedules.CosineDecay

    Raises
    ------
    TypeError
        If a number of steps is not an integer, or a rate no number.
    ValueError
        If a number is out of its range, or the warm-up takes all steps.
    """
    checks.rates(learning_rate, steps, warmup_steps, first, last)
    return keras.optimizers.schedules.CosineDecay(
        first,
        decay_steps=max(1, steps - warmup_steps),  # of no steps, too
        alpha=last,
        warmup_target=learning_rate,
        warmup_steps=warmup_steps,
    )


def adamw(model, steps, learning_rate, warmup=0.1, weight_decay=0.1, clip=1.0):
    """Return the optimizer that :func:`train` describes, with its state
    made.

    Raises
    ------
    TypeError
        If ``model`` is no model of Keras, or a number is none.
    ValueError
        If a number is out of its range.
    """
    checks.optimizer(model, steps, warmup, weight_decay, clip)
    optimizer = keras.optimizers.AdamW(
        cosine(learning_rate, steps, int(warmup * steps), last=0.05),
        weight_decay=weight_decay,
        beta_2=0.98,
        global_clipnorm=clip,
    )
    optimizer.exclude_from_weight_decay(
        var_names=["embeddings", "bias", "gamma", "beta"]
    )
    optimizer.build(model.trainable_variables)
    return optimizer


def compiled_step(model, loss, optimizer, jit_compile=True):
    """Return a function of a batch that changes the model by one step and
    returns the loss.

    Raises
    ------
    TypeError
        If ``model`` or ``optimizer`` is none, ``loss`` no function, or
        ``jit_compile`` no truth value.
    """
    checks.offers("model", model, "trainable_variables")
    checks.function("loss", loss)
    checks.kind("optimizer", optimizer, keras.optimizers.Optimizer)
    checks.flag("jit_compile", jit_compile)
    variables = model.trainable_variables

    @tf.function(jit_compile=jit_compile, autograph=False)
    def step(*inputs):
        with tf.GradientTape() as tape:
            value = loss(model, *inputs, training=True)
        optimizer.apply(tape.gradient(value, variables), variables)
        return value

    return step


def _store(path, state, losses, done):
    """Write a checkpoint so that a kill in the middle leaves the one before it
    whole.
    """
    values = {
        f"variable_{i}": variable.numpy() for i, variable in enumerate(state)
    }
    with whole(path, "wb") as file:
        np.savez(file, losses=losses, done=done, **values)


def _restore(path, state, losses):
    """Read a checkpoint into the variables and losses; return how many steps
    were done.
    """
    if not Path(path).exists():
        return 0
    stored = saving.arrays(path, "the state of a training", "checkpoint")
    try:
        found = stored["losses"]
        values = [stored[f"variable_{i}"] for i in range(len(stored) - 2)]
        done = int(stored["done"])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"checkpoint must hold the state of a training, {str(path)!r} does"
            f" not: {error!r}"
        ) from error
    shapes = [value.shape for value in values]
    if (
        shapes != [variable.shape for variable in state]
        or found.shape != losses.shape
        or not 0 <= done <= len(losses)
    ):
        raise ValueError(
            f"checkpoint must be of this model and of {len(losses)} steps,"
            f" {str(path)!r} is of another model or of {found.size} steps"
        )
    for variable, value in zip(state, values, strict=True):
        variable.assign(value)
    losses[:] = found
    return done
