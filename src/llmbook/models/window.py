"""The smallest neural language model: the next token from a few tokens before
it.

Three layers, after Bengio et al. 2003: the input layer looks up a vector for
each token of a window, the hidden layer combines them, the output layer gives
each token of the vocabulary a score. What lies before the window comes in as
averages, which know what was there but not where.
"""

import keras
import numpy as np
from keras import ops

from llmbook import checks
from llmbook.mathematics.ngram import perplexity
from llmbook.mathematics.vectors import embed
from llmbook.models.layers import Embedding
from llmbook.models.training import compiled_step, cosine
from llmbook.text.tokenizers import PAD_ID


@keras.saving.register_keras_serializable("llmbook")
class WindowModel(keras.Model):
    r"""Predict each token of a text from a window of those before it.

    .. math::

        x = [e_{t-n} \dots e_{t-1}], \qquad
        h = \mathrm{ReLU}(x W_h + b_h), \qquad
        \mathrm{logits} = h W_p E^\top + b_o

    (Bengio et al. 2003, section 2, with ReLU for tanh). The rows of :math:`E`
    are the vectors of the input layer; the output layer compares with the same
    ones (Press and Wolf 2017). For each number :math:`m` in ``averages``, the
    sum of the vectors of the :math:`m` tokens before the window, divided by
    :math:`2 \sqrt{m}` to keep its size, stands in :math:`x` as one vector more.

    Parameters
    ----------
    vocab_size : int
        ``V``, the padding id 0 included.
    window : int
        How many tokens the model sees one by one.
    d_model : int
        Width of the tokens' vectors.
    hidden_dim : int
    averages : sequence of int
        How many tokens before the window are averaged.

    Raises
    ------
    TypeError
        If any of these numbers is not an integer, or ids are none.
    ValueError
        If one is below 1, or an id lies outside of the vocabulary.
    """

    def __init__(
        self, vocab_size, window, d_model, hidden_dim, averages=(), **kwargs
    ):
        super().__init__(**kwargs)
        averages = tuple(
            checks.integer("averages", number)
            for number in checks.items("averages", averages, "integers")
        )
        for name, number in (
            ("vocab_size", vocab_size),
            ("window", window),
            ("d_model", d_model),
            ("hidden_dim", hidden_dim),
        ):
            checks.integer(name, number)
        if min(vocab_size, window, d_model, hidden_dim, *averages) < 1:
            raise ValueError(
                "vocab_size, window, d_model, hidden_dim and averages must be"
                f" at least 1, got {vocab_size}, {window}, {d_model},"
                f" {hidden_dim} and {averages}"
            )
        self.window, self.averages = window, averages
        self.config = {
            "vocab_size": vocab_size,
            "window": window,
            "d_model": d_model,
            "hidden_dim": hidden_dim,
            "averages": self.averages,
        }
        # how far back it sees
        self.reach = window + max(self.averages, default=0)
        self.input_layer = Embedding(
            vocab_size,
            d_model,
            embeddings_initializer=keras.initializers.RandomNormal(stddev=0.3),
            name="input_layer",
        )
        self.hidden_layer = keras.layers.Dense(
            hidden_dim, activation="relu", name="hidden_layer"
        )
        self.projection = keras.layers.Dense(
            d_model,
            use_bias=False,
            kernel_initializer=keras.initializers.RandomNormal(stddev=0.02),
            name="projection",
        )
        self.output_bias = self.add_weight(
            shape=(vocab_size,), initializer="zeros", name="bias"
        )
        self.input_layer.build()
        self.hidden_layer.build(
            (None, None, (window + len(self.averages)) * d_model)
        )
        self.projection.build((None, None, hidden_dim))
        self.built = True

    def call(self, ids):
        """Map ids (B, reach - 1 + T) to logits (B, T, V) of what follows each
        of the last T.
        """
        x = self.look_up(ids)  # (B, T, (window + averages) * d_model)
        h = self.hidden_layer(x)  # (B, T, hidden_dim)
        guess = self.projection(h)  # (B, T, d_model)
        return (
            ops.matmul(guess, ops.transpose(self.input_layer.embeddings))
            + self.output_bias
        )

    def look_up(self, ids):
        """Lay the vectors of each window, and the averages before it, side by
        side.

        Raises
        ------
        TypeError
            If ids are not integers.
        ValueError
            If they are not (B, reach - 1 + T) with T at least 1, or one lies
            outside of the vocabulary.
        """
        ids = checks.some_ids("ids", ids, self.config["vocab_size"])
        checks.at_least_as_long("ids", ids.shape[1], self.reach)
        vectors = self.input_layer(ids)  # (B, reach - 1 + T, d_model)
        length = ops.shape(ids)[1]
        places = length - self.reach + 1  # T
        parts = []
        for steps in range(self.window, 0, -1):
            first = self.reach - steps
            parts.append(vectors[:, first : first + places])  # (B, T, d_model)
        for m in self.averages:
            # How far behind the window's first token each id stands: 1 to m are
            # averaged.
            behind = (
                ops.arange(places)[:, None]
                + (self.reach - self.window)
                - ops.arange(length)
            )
            # (T, reach - 1 + T)
            weights = ops.cast((behind >= 1) & (behind <= m), "float32")
            # (B, T, d_model)
            parts.append(ops.matmul(weights / (2 * m**0.5), vectors))
        return ops.concatenate(parts, axis=-1)

    def log_probabilities(self, ids, batch_size=1024):
        """Return the logarithm of each token's probability, given those before
        it in ``ids``.

        Parameters
        ----------
        ids : (T,) of int
        batch_size : int
            How many tokens are scored at a time.

        Returns
        -------
        (T,)

        Raises
        ------
        TypeError
            If the ids or ``batch_size`` are not integers.
        ValueError
            If the ids are no sequence, one lies outside of the vocabulary, or
            ``batch_size`` is below 1.
        """
        checks.count("batch_size", batch_size)
        padded = self._padded("ids", ids)  # (reach + T,)
        parts = [np.zeros(0)]
        for start in range(0, len(padded) - self.reach, batch_size):
            piece = padded[start : start + self.reach + batch_size]
            logits = self(piece[None, :-1])  # (1, batch, V)
            parts.append(
                ops.convert_to_numpy(
                    -token_losses(logits, piece[None, self.reach :])
                )[0]
            )
        return np.concatenate(parts)  # (T,)

    def perplexity(self, ids):
        """Return the perplexity of a text of at least one token.

        Raises
        ------
        TypeError, ValueError
            As :meth:`log_probabilities` does, or if there is no token.
        """
        return perplexity(self.log_probabilities(ids))

    def distribution(self, context=()):
        """Return the probability of every token after ``context``, a sequence
        of ids: (V,).

        Raises
        ------
        TypeError
            If they are not integers.
        ValueError
            If they are no sequence, or one lies outside of the vocabulary.
        """
        # (reach,)
        seen = self._padded("context", context)[-self.reach :]
        probabilities = ops.convert_to_numpy(
            ops.softmax(self(seen[None])[0, 0])
        ).astype(float)
        # to the last digit of float64
        return probabilities / probabilities.sum()

    def _padded(self, name, ids):
        """Return padding and then the ids of a text, (reach + T,)."""
        ids = checks.text_ids(name, ids, self.config["vocab_size"])  # (T,)
        return np.concatenate([np.full(self.reach, PAD_ID), ids]).astype(
            "int32"
        )

    def get_config(self):
        """Return the arguments of the constructor."""
        return {**super().get_config(), **self.config}


def token_losses(logits, targets):
    r"""Return the surprise at each token.

    .. math:: -\log p_y = \log \sum_k e^{z_k} - z_y

    Parameters
    ----------
    logits : (B, T, V)
    targets : (B, T) of int

    Returns
    -------
    (B, T)

    Raises
    ------
    TypeError
        If logits are no tensor of floats, or targets that are known are not
        integers.
    ValueError
        If shapes do not fit, or a target lies outside of the vocabulary.
    """
    checks.tensor("logits", logits, 3)
    targets = checks.some_ids("targets", targets, logits.shape[-1])  # (B, T)
    checks.known_shape("targets", targets, logits.shape[:2])
    of_targets = ops.take_along_axis(logits, targets[..., None], axis=-1)[
        ..., 0
    ]  # (B, T)
    return ops.logsumexp(logits, axis=-1) - of_targets


def _piece_loss(model, pieces, training=None):
    """Return the mean surprise at what follows the first ``reach`` tokens."""
    logits = model(pieces[:, :-1])  # (B, T, V)
    return ops.mean(token_losses(logits, pieces[:, model.reach :]))


def start_from_counts(model, ids, seed=0):
    """Set a model's vectors and output bias to what counting the text tells;
    return the model.

    Parameters
    ----------
    model : WindowModel
        Not yet trained.
    ids : (T,) of int
    seed : int
        Of the decomposition that makes the vectors: see
        :func:`llmbook.mathematics.vectors.embed`.

    Raises
    ------
    TypeError
        If ``model`` is no :class:`WindowModel`, or the ids are not integers.
    ValueError
        If they are no sequence, one lies outside of the vocabulary, or the text
        tells nothing: all its tokens keep the same company.
    """
    checks.kind("model", model, WindowModel)
    checks.seed(seed)
    vocab_size, d_model = model.input_layer.embeddings.shape
    # (V, d_model)
    vectors = embed(ids, vocab_size, d_model, 2, np.random.default_rng(seed))
    checks.spread("ids", vectors)
    model.input_layer.embeddings.assign(0.1 * vectors / vectors.std())
    frequency = np.bincount(ids, minlength=vocab_size) + 1.0  # (V,)
    model.output_bias.assign(np.log(frequency / frequency.sum()))
    return model


def train(
    model,
    ids,
    epochs,
    learning_rate,
    length=64,
    batch_size=16,
    seed=0,
    after_epoch=None,
):
    """Fit a :class:`WindowModel` to a text, by Adam with a warm-up and a cosine
    to zero.

    Parameters
    ----------
    model : WindowModel
    ids : (T,) of int
    epochs : int
    learning_rate : float
        The highest, reached after a tenth of the first epoch.
    length, batch_size : int
        A step takes so many pieces of so many tokens, from anywhere in the
        text.
    seed : int
        Of the order of the pieces.
    after_epoch : callable, optional
        Called with the number of each finished epoch, from 1, and its mean
        loss.

    Raises
    ------
    TypeError
        If ``model`` is no :class:`WindowModel`, or an argument is no number,
        integers or function where one is needed.
    ValueError
        If the text is no sequence or too short for one step, an id lies outside
        of the vocabulary, or a number is out of its range.
    """
    checks.kind("model", model, WindowModel)
    padded = model._padded("ids", ids)  # (reach + T,)
    checks.count("length", length)
    checks.fitting(epochs, batch_size, learning_rate)
    checks.seed(seed)
    if after_epoch is not None:
        checks.takes("after_epoch", after_epoch, (1, 0.0))
    if len(ids) < length * batch_size:
        raise ValueError(
            "ids must hold at least length * batch_size ="
            f" {length * batch_size} tokens, got {len(ids)}"
        )
    starts = np.arange(0, len(ids) - length + 1, length)
    steps = len(starts) // batch_size
    rate = cosine(
        learning_rate, epochs * steps, steps // 10, first=learning_rate / 10
    )
    optimizer = keras.optimizers.Adam(rate)
    optimizer.build(model.trainable_variables)
    step = compiled_step(model, _piece_loss, optimizer, jit_compile=False)
    rng = np.random.default_rng(seed)
    for epoch in range(1, epochs + 1):
        order = rng.permutation(starts)[: steps * batch_size].reshape(
            steps, batch_size
        )
        window = np.arange(model.reach + length)
        losses = [
            float(step(padded[first[:, None] + window])) for first in order
        ]
        if after_epoch is not None:
            after_epoch(epoch, float(np.mean(losses)))
