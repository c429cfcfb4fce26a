r"""A text classifier whose one block of attention reads characters, n-grams and
words.

Shapes: ``B`` texts, ``T`` positions, ``H`` heads, ``C`` logits, one or one per
class, ``N`` views of a position, of which
:class:`llmbook.text.tokenizers.NgramTokenizer` has four and other tokenizers
one.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from llmbook import checks
from llmbook.corpora.reviews import Reviews
from llmbook.files import existing, in_place_of, read_json, whole
from llmbook.mathematics.attention import softmax
from llmbook.mathematics.calibration import fit_temperature
from llmbook.mathematics.losses import (
    binary_cross_entropy,
    cross_entropy,
    sigmoid,
)
from llmbook.models import saving
from llmbook.models.layers import (
    AttentionPooling,
    Embedding,
    TransformerBlock,
    ViewEmbedding,
    small_normal,
    token_mask,
)
from llmbook.models.training import (
    LazyAdam,
    cosine,
    dataset,
    length_batches,
)
from llmbook.text.tokenizers import UNKNOWN, Tokenizer, normalise, pad

ABOUT, WEIGHTS = "classifier.json", "model.weights.h5"


@keras.saving.register_keras_serializable("llmbook")
class AttentionClassifier(keras.Model):
    """Embedded views and positions, a block of self-attention, pooling by
    attention, one logit or one per class.

    Parameters
    ----------
    vocab_size : int
    length : int
        Positions a text may have.
    d_model, num_heads, num_blocks : int
    dropout : float
        In the block, and of what enters and leaves it.
    view_dropout : float
        The share of views that the embedding drops in training.
    outputs : int
        How many logits ``C`` a text gets: one, the log-odds of a positive
        text, or one per class.

    Raises
    ------
    TypeError
        If a number is none, or ids are not integers.
    ValueError
        If a number is out of its range, ``num_heads`` does not divide
        ``d_model``, an id lies outside of the vocabulary, or a text has more
        positions than ``length``.
    """

    def __init__(
        self,
        vocab_size,
        length=160,
        d_model=64,
        num_heads=4,
        num_blocks=1,
        dropout=0.3,
        view_dropout=0.5,
        outputs=1,
        **kwargs,
    ):
        super().__init__(**kwargs)
        checks.sizes(
            d_model, num_heads=num_heads, vocab_size=vocab_size, length=length
        )
        checks.count("num_blocks", num_blocks, least=0)
        checks.count("outputs", outputs)
        checks.shares(dropout=dropout, view_dropout=view_dropout)
        self.arguments = {
            "vocab_size": vocab_size,
            "length": length,
            "d_model": d_model,
            "num_heads": num_heads,
            "num_blocks": num_blocks,
            "dropout": dropout,
            "view_dropout": view_dropout,
            "outputs": outputs,
        }
        self.length = length
        self.embedding = ViewEmbedding(vocab_size, d_model, view_dropout)
        self.positions = Embedding(length, d_model, small_normal())
        self.blocks = [
            TransformerBlock(num_heads, hidden_dim=2 * d_model, dropout=dropout)
            for _ in range(num_blocks)
        ]
        self.norm = keras.layers.LayerNormalization(epsilon=1e-5)
        self.pooling = AttentionPooling(num_heads)
        self.dropout = keras.layers.Dropout(dropout)
        self.head = keras.layers.Dense(outputs)
        # creates the weights, while the seed is fresh
        self(np.ones((1, 1), dtype="int32"))

    def call(self, ids, training=None):
        """Map ids (B, T) or (B, T, N) of int to logits (B, C): by default one,
        the log-odds of a positive text.
        """
        x = self.embedding(ids=ids, training=training)  # (B, T, d_model)
        return self.read(x, token_mask(ids), training)[0]

    def read(self, x, mask, training=None):
        """Read embedded texts.

        Parameters
        ----------
        x : (B, T, d_model)
        mask : (B, T) of bool
            True at tokens, False at padding.

        Returns
        -------
        logits : (B, C)
        attention : list of (B, H, T, T), one a block
        pooling : (B, H, T)

        Raises
        ------
        TypeError
            If ``x`` or ``mask`` are no tensors.
        ValueError
            If they have other axes or widths, ``mask`` is not of booleans, or
            there are more positions than ``length``.
        """
        keys, values, attention = self.mix(x, mask, training)
        pooled, pooling = self.pooling(
            keys, value=values, mask=mask, return_weights=True
        )
        logits = self.head(self.dropout(pooled, training=training))  # (B, C)
        return logits, attention, pooling

    def mix(self, x, mask, training=None):
        """Return what the pooling of :meth:`read` is given.

        Returns
        -------
        keys : (B, T, d_model)
            What its weights are computed from.
        values : (B, T, d_model)
            What it averages; here the same.
        attention : list of (B, H, T, T), one a block

        Raises
        ------
        TypeError, ValueError
            As :meth:`read`.
        """
        checks.tensor("x", x, 3)
        checks.width("x", x, self.arguments["d_model"])
        checks.boolean("mask", mask, 2)
        checks.positions("x", x.shape[1], self.length)
        x = x + self.positions(ops.arange(ops.shape(x)[1]))  # (B, T, d_model)
        x = self.dropout(x, training=training)  # (B, T, d_model)
        x, attention = self._apply_blocks(x, mask, training)
        x = self.norm(x)  # (B, T, d_model)
        return x, x, attention

    def _apply_blocks(self, x, mask, training):
        attention = []
        for block in self.blocks:
            x, weights = block(
                x, mask=mask, return_weights=True, training=training
            )  # (B, T, d_model) and (B, H, T, T)
            attention.append(weights)
        return x, attention

    def get_config(self):
        """Return the arguments of the constructor."""
        return self.arguments


def build_classifier(vocab_size, seed=0, **options):
    """Return an :class:`AttentionClassifier` with fresh weights, the same for
    the same seed.

    The seed is set for all of Keras, dropout included. ``options`` are those of
    the class.

    Raises
    ------
    TypeError, ValueError
        As the class does, or if ``seed`` is none.
    """
    checks.seed(seed)
    keras.utils.set_random_seed(seed)
    return AttentionClassifier(vocab_size, **options)


def build_plain_classifier(vocab_size, d_model=64, num_heads=4, seed=0):
    """Return the plainest classifier with attention, as one logit.

    Embedding, self-attention, the mean over the tokens, one unit: no positions,
    no residual, no normalisation.

    Raises
    ------
    TypeError
        If a number is not an integer.
    ValueError
        If a number is out of its range, or ``num_heads`` does not divide
        ``d_model``.
    """
    checks.sizes(d_model, num_heads=num_heads, vocab_size=vocab_size)
    checks.seed(seed)
    keras.utils.set_random_seed(seed)
    ids = keras.Input((None,), dtype="int32")  # (B, T)
    # (B, T, d_model)
    x = keras.layers.Embedding(vocab_size, d_model, mask_zero=True)(ids)
    # (B, T, d_model)
    x = keras.layers.MultiHeadAttention(num_heads, d_model // num_heads)(x, x)
    pooled = keras.layers.GlobalAveragePooling1D()(x)  # (B, d_model)
    return keras.Model(ids, keras.layers.Dense(1)(pooled))  # (B, 1)


def train(
    classifier, training, validation, report=print, callbacks=(), **options
):
    """Train a classifier's model, keep its best epoch, and fit its temperature.

    The epoch with the highest validation accuracy is kept, and the temperature
    is fitted on the same texts; it stays at 1 where these are too few or too
    easy to tell it.

    Parameters
    ----------
    classifier : Classifier
        Changed in place.
    training, validation : llmbook.corpora.reviews.Reviews
        Their labels are 0 and 1, or those of the model's classes from 0.
    report : callable
        Receives one line an epoch, and one if the temperature could not be
        fitted.
    callbacks : sequence of keras.callbacks.Callback
        Further ones of the training.
    options
        Those of :func:`fit`: ``epochs``, ``learning_rate``, ``seed`` and so on.

    Returns
    -------
    dict of str to list
        ``loss``, ``validation_loss`` and ``validation_accuracy``, epoch by
        epoch.

    Raises
    ------
    TypeError
        If ``classifier`` is none, a part holds no reviews, or an option is
        unknown or of a wrong type.
    ValueError
        If a part holds no text, or not as many labels of its classes as texts,
        or an option is out of its range.
    """
    checks.kind("classifier", classifier, Classifier)
    checks.takes("report", report, ("a line",))
    callbacks = checks.items("callbacks", callbacks)
    outputs = classifier.model.head.units
    training = _part("training", training, max(outputs, 2))
    validation = _part("validation", validation, max(outputs, 2))
    watch = _Watch(classifier, validation, report)
    answers = (
        training.labels if outputs == 1 else np.eye(outputs)[training.labels]
    )  # (B,) or (B, C)
    fit(
        classifier.model,
        classifier.encode(training.texts),
        answers,
        callbacks=[watch, *callbacks],
        **options,
    )
    classifier.model.set_weights(watch.weights)
    try:
        classifier.temperature = fit_temperature(
            watch.logits, validation.labels
        )
    except ValueError as error:
        classifier.temperature = 1.0
        report(f"The temperature stays at 1: {error}.")
    return watch.history


def _part(name, reviews, classes):
    """Return reviews with labels that are an array of classes, one a text."""
    checks.offers(name, reviews, "texts", "labels")
    texts = checks.texts(f"{name}.texts", reviews.texts)
    labels = checks.as_array(f"{name}.labels", reviews.labels)
    if not texts or not set(np.unique(labels).tolist()) <= set(range(classes)):
        raise ValueError(
            f"{name} must hold texts with labels 0 to {classes - 1}, got"
            f" {len(texts)} texts with labels {np.unique(labels).tolist()[:5]}"
        )
    checks.as_many(texts=texts, labels=labels)
    return Reviews(texts, labels.astype(int))


def fit(
    model,
    sequences,
    labels,
    epochs=3,
    batch_size=64,
    learning_rate=2e-3,
    warmup=0.1,
    label_smoothing=0.05,
    seed=0,
    callbacks=(),
):
    """Fit a model of one logit, or of one per class, to sequences of ids, in
    batches of similar length.

    The learning rate rises for the first ``warmup`` of the steps, then falls as
    a cosine.

    Parameters
    ----------
    model : keras.Model
        Maps ids (B, T) or (B, T, N) to logits (B, 1) or (B, C).
    sequences : list of (T,) or (T, N) ids
    labels : (B,) or (B, C)
        0, 1 or a probability between them, or one of each class.
    epochs, batch_size : int
    learning_rate, warmup, label_smoothing : float
    seed : int
        Of the order of the texts.
    callbacks : sequence of keras.callbacks.Callback

    Raises
    ------
    TypeError
        If ``model`` cannot be fitted, sequences are not of integers, another
        number is none, or callbacks are no callbacks of Keras.
    ValueError
        If there is no sequence, one has other views than the rest or more
        positions than the model, an id lies outside of the vocabulary, there
        are not as many labels in [0, 1], the probabilities of the classes do
        not sum to 1, or a number is out of its range.
    """
    checks.offers("model", model, "compile", "fit")
    sequences = checks.sequences("sequences", sequences, *_limits(model))
    labels = checks.answers("labels", labels, len(sequences))  # (B, 1 or C)
    checks.fitting(epochs, batch_size, learning_rate, warmup, label_smoothing)
    checks.seed(seed)
    callbacks = checks.each("callbacks", callbacks, keras.callbacks.Callback)
    random = np.random.default_rng(seed)
    lengths = np.array([len(sequence) for sequence in sequences])  # (B,)

    def epoch():
        for batch in length_batches(lengths, batch_size, random):
            answers = labels[batch].astype("float32")  # (b, 1 or C)
            yield pad([sequences[i] for i in batch]), answers

    views = np.shape(pad(sequences[:1]))[2:]  # () or (N,)
    signature = (
        tf.TensorSpec((None, None, *views), tf.int32),
        tf.TensorSpec((None, labels.shape[1]), tf.float32),
    )
    batches = dataset(epoch, -(-len(sequences) // batch_size), signature)
    steps = epochs * len(batches)
    rate = cosine(learning_rate, steps, round(warmup * steps))
    loss = (
        keras.losses.BinaryCrossentropy
        if labels.shape[1] == 1
        else keras.losses.CategoricalCrossentropy
    )
    model.compile(
        optimizer=LazyAdam(rate, beta_2=0.98),
        loss=loss(from_logits=True, label_smoothing=label_smoothing),
        steps_per_execution=16,
        # batches come in many shapes, and XLA would compile each of them
        jit_compile=False,
    )
    model.fit(
        batches,
        epochs=epochs,
        verbose=0,
        callbacks=callbacks,
        shuffle=False,
    )


def predict(model, sequences):
    """Return the logits (B, C) of sequences of ids, in batches of similar
    length.

    Parameters
    ----------
    model : keras.Model
        Maps ids (B, T) or (B, T, N) to logits (B, C).
    sequences : list of (T,) or (T, N) ids

    Raises
    ------
    TypeError
        If ``model`` is none, or sequences are not of integers.
    ValueError
        If there is no sequence, one has other views than the rest or more
        positions than the model, or an id lies outside of the vocabulary.
    """
    checks.offers("model", model, "trainable_variables")
    checks.sequences("sequences", sequences, *_limits(model))
    order = np.argsort([len(sequence) for sequence in sequences], kind="stable")
    logits = []
    for start in range(0, len(order), 128):
        batch = order[start : start + 128]
        ids = pad([sequences[i] for i in batch])  # (b, T) or (b, T, N)
        logits.append(model(ids, training=False).numpy())  # (b, C)
    return np.concatenate(logits)[np.argsort(order)]  # (B, C)


def _limits(model):
    """Return how many ids a model knows, and how many positions."""
    layers = getattr(model, "layers", ())
    names = ("input_dim", "vocab_size")
    sizes = [
        getattr(layer, name)
        for layer in layers
        for name in names
        if hasattr(layer, name)
    ]
    return (*sizes, 2**31)[0], getattr(model, "length", np.inf)


class _Watch(keras.callbacks.Callback):
    """Evaluate each epoch, report it in one line, remember the best one's
    weights and logits.
    """

    def __init__(self, classifier, validation, report):
        super().__init__()
        self.classifier, self.validation, self.report = (
            classifier,
            validation,
            report,
        )
        self.history: dict[str, list[float]] = {
            "loss": [],
            "validation_loss": [],
            "validation_accuracy": [],
        }

    def on_epoch_end(self, epoch, logs):
        labels = self.validation.labels  # (N,)
        logits = self.classifier.logits(self.validation.texts)  # (N,) or (N, C)
        if logits.ndim == 1:
            found, loss = logits > 0, binary_cross_entropy(logits, labels)
        else:
            found, loss = logits.argmax(axis=1), cross_entropy(logits, labels)
        accuracy, loss = float(np.mean(found == labels)), float(loss)
        if accuracy > max(self.history["validation_accuracy"], default=-1):
            self.weights, self.logits = self.model.get_weights(), logits
        for name, value in zip(
            self.history, (logs["loss"], loss, accuracy), strict=True
        ):
            self.history[name].append(value)
        self.report(
            f"epoch {epoch + 1}: loss {logs['loss']:.2f}, "
            f"validation loss {loss:.2f}, validation accuracy {accuracy:.2f}"
        )


class Explanation(NamedTuple):
    """What a classifier made of one text, position by position; see
    :meth:`Classifier.explain`.
    """

    tokens: list[str]
    probability: float
    attention: list[np.ndarray]
    pooling: np.ndarray
    rollout: np.ndarray
    gradient: np.ndarray
    integrated: np.ndarray


class Classifier:
    """From text to probability: a tokenizer, a model and a temperature.

    Parameters
    ----------
    model : AttentionClassifier
        What a text has beyond the model's ``length`` is cut off.
    tokenizer : llmbook.text.tokenizers.Tokenizer
    temperature : float
        Divides the logits, so that probabilities mean what they say (chapter
        3).

    Raises
    ------
    TypeError
        If one of these is something else.
    ValueError
        If ``temperature`` is not positive and finite, or the tokenizer knows
        more tokens than the model.
    """

    def __init__(self, model, tokenizer, temperature=1.0):
        checks.offers("model", model, "length", "embedding", "read", "head")
        checks.kind("tokenizer", tokenizer, Tokenizer)
        checks.positive(temperature=checks.finite("temperature", temperature))
        num_ids, _ = _limits(model)
        if len(tokenizer) > num_ids:
            raise ValueError(
                f"tokenizer must know at most the model's {num_ids} tokens, got"
                f" {len(tokenizer)}"
            )
        self.model, self.tokenizer, self.temperature = (
            model,
            tokenizer,
            temperature,
        )

    def encode(self, texts):
        """Return a list of ids (T,) or (T, N), one a text, normalised and cut
        to the length.

        Raises
        ------
        TypeError
            If ``texts`` is a single string or holds anything but strings.
        ValueError
            If there is no text.
        """
        texts = checks.texts("texts", texts)
        if not texts:
            raise ValueError("texts must hold at least one text, got none")
        return [
            self.tokenizer.encode(normalise(text))[: self.model.length]
            for text in texts
        ]

    def logits(self, texts):
        """Return the log-odds (B,) of a positive text, or the logits (B, C) of
        the classes, before the temperature.

        Raises
        ------
        TypeError, ValueError
            As :meth:`encode` does.
        """
        logits = predict(self.model, self.encode(texts))  # (B, C)
        return logits[:, 0] if logits.shape[1] == 1 else logits

    def predict_proba(self, texts):
        """Return the probabilities (B, 2) of a negative and a positive text, or
        those (B, C) of the classes, as scikit-learn does.

        A text is normalised first; beyond the model's ``length`` it is not
        read; one without any token counts as a single unknown one.

        Raises
        ------
        TypeError, ValueError
            As :meth:`encode` does.
        """
        logits = self.logits(texts) / self.temperature  # (B,) or (B, C)
        if logits.ndim > 1:
            return softmax(logits)  # (B, C)
        positive = sigmoid(logits)  # (B,)
        return np.stack([1 - positive, positive], axis=1)  # (B, 2)

    def explain(self, text, steps=32):
        r"""Return what the model looked at in a text, and what moved its
        answer.

        With :math:`z` the logit, :math:`x_t` the embedded token at position
        :math:`t` and :math:`s` a factor that shrinks all of them together,

        .. math::

            \text{gradient}_t = \sum_i x_{t,i} \frac{\partial z}{\partial
            x_{t,i}}, \qquad
            \text{integrated}_t = \sum_i x_{t,i} \int_0^1
                \left. \frac{\partial z}{\partial x_{t,i}} \right|_{s x} ds

        (Shrikumar et al. 2017, section 2; Sundararajan et al. 2017, Eq. 1).
        Both are above zero where a token speaks for a positive text. The second
        adds up, over the tokens, to the change of the logit from a text of
        zeros; the integral is a sum of ``steps`` midpoints.

        Returns
        -------
        Explanation
            ``tokens``, T of them, readable; ``probability`` that the text is
            positive; ``attention``, a list of (H, T, T), one a block;
            ``pooling`` (H, T); ``rollout``, see :func:`rollout`, ``gradient``
            and ``integrated`` (T,).

        Raises
        ------
        TypeError
            If ``text`` is not a string, or ``steps`` not an integer.
        ValueError
            If ``steps`` is below 1, or the model has several classes.
        """
        checks.text("text", text)
        checks.count("steps", steps)
        checks.one_logit(self.model.head.units)
        ids = pad(self.encode([text]))  # (1, T) or (1, T, N)
        x, mask = (
            self.model.embedding(ids),
            ops.convert_to_tensor(token_mask(ids)),
        )
        logits, attention, pooling = self.model.read(x, mask)
        attention = [weights[0].numpy() for weights in attention]
        pooling = pooling[0].numpy()  # (H, T)
        factors = (
            np.arange(steps, dtype="float32")[:, None, None] + 0.5
        ) / steps
        # (steps, T, d_model)
        along = self._slope(factors * x, ops.repeat(mask, steps, axis=0))
        return Explanation(
            tokens=self.tokenizer.pieces(normalise(text))[: self.model.length]
            or [UNKNOWN],
            probability=float(sigmoid(logits[0, 0] / self.temperature)),
            attention=attention,
            pooling=pooling,
            rollout=rollout(attention, pooling),
            gradient=ops.sum(x[0] * self._slope(x, mask)[0], axis=-1).numpy(),
            integrated=ops.sum(x[0] * ops.mean(along, axis=0), axis=-1).numpy(),
        )

    def _slope(self, x, mask):
        """Return the derivative (B, T, d_model) of each text's logit by its
        embedded tokens.
        """
        with tf.GradientTape() as tape:
            tape.watch(x)
            logits, _, _ = self.model.read(x, mask)
        return tape.gradient(logits, x)

    def save(self, folder):
        """Write the classifier to a folder as JSON and HDF5; neither can hold
        code.

        Both files are whole before they take the place of what was there.

        Raises
        ------
        TypeError
            If ``folder`` is no path.
        ValueError
            If the class of the model or of the tokenizer would not be found
            again, or a token is no text.
        OSError
            If the files cannot be written.
        """
        checks.path("folder", folder)
        module, name = saving.name_of(self.model)
        about = {
            "module": module,
            "class": name,
            "model": self.model.get_config(),
            "temperature": float(self.temperature),
            "tokenizer": self.tokenizer.state(),
        }
        Classifier._from(about)
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        with in_place_of(folder / WEIGHTS, ".weights.h5") as weights:
            self.model.save_weights(weights)
            about["weights"] = saving.digest(weights)
            with whole(folder / ABOUT) as file:
                file.write(json.dumps(about, ensure_ascii=False))

    @classmethod
    def load(cls, folder):
        """Read what :meth:`save` wrote, in whatever process.

        Raises
        ------
        TypeError
            If ``folder`` is no path.
        FileNotFoundError
            If the folder or one of its files is missing.
        ValueError
            If they are damaged, of two savings, or do not hold a classifier.
        """
        checks.path("folder", folder)
        folder = Path(folder)
        path = existing(folder / ABOUT, "folder")
        try:
            about: dict[str, Any] = read_json(path)
            classifier = cls._from(about)
            weights = existing(folder / WEIGHTS, "folder")
            if about["weights"] != saving.digest(weights):
                raise ValueError(
                    f"{WEIGHTS} is not what {ABOUT} was saved with"
                )
            classifier.model.load_weights(weights)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"folder must hold a classifier, {folder} does not: {error!r}"
            ) from error
        return classifier

    @classmethod
    def _from(cls, about):
        """Return what :meth:`save` describes, with other weights."""
        kind = saving.class_of(about["module"], about["class"])
        model = kind.from_config(about["model"])
        tokenizer = Tokenizer.from_state(about["tokenizer"])
        return cls(model, tokenizer, about["temperature"])


def rollout(attention, pooling):
    r"""Follow attention from the pooled vector back through the blocks to the
    tokens.

    .. math:: r = \bar\alpha \prod_{l = L}^{1} \tfrac12 (I + \bar A_l)

    with :math:`\bar A_l` the mean over the heads of block :math:`l`, the
    identity for its residual path, and :math:`\bar\alpha` the mean over the
    heads of the pooling (Abnar and Zuidema 2020, section 3, Eq. 1).

    Parameters
    ----------
    attention : list of (H, T, T), one a block
    pooling : (H, T)

    Returns
    -------
    (T,), summing to 1

    Raises
    ------
    TypeError
        If ``attention`` is no list.
    ValueError
        If the weights are no numbers, or their shapes do not fit.
    """
    attention, pooling = checks.weights_of_blocks(attention, pooling)
    share = pooling.mean(axis=0)  # (T,)
    for weights in reversed(attention):
        share = (share + share @ weights.mean(axis=0)) / 2  # (T,)
    return share
