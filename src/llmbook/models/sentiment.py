r"""Sentiment: a classifier whose attention is its explanation, and thresholds
for its scores.

Shapes: ``B`` texts, ``T`` words, ``H`` heads.
"""

import keras
import numpy as np
from keras import ops

from llmbook import checks
from llmbook.models.classifier import AttentionClassifier
from llmbook.models.layers import token_mask
from llmbook.text.tokenizers import pad


@keras.saving.register_keras_serializable("llmbook")
class RawValueClassifier(AttentionClassifier):
    r"""A classifier whose attention chooses among the words themselves.

    With :math:`x_t` the embedded word at position :math:`t` and :math:`h_t`
    what the blocks made of it in its context, the weights come from the
    context, and the values do not:

    .. math::

        z = b + \sum_t c_t, \qquad c_t = \sum_h \alpha_{h,t}\; v_t^{(h)} \cdot
        w^{(h)}, \qquad
        \alpha_h = \mathrm{softmax}_t(h_t \cdot u_h), \qquad v_t =
        \mathrm{Norm}(x_t)

    where :math:`v^{(h)}` and :math:`w^{(h)}` are the parts of a value and of
    the output's weights that belong to head :math:`h` (the pooling of Yang et
    al. 2016, Eqs. 6 and 7, with other values). The logit is a sum over words,
    so :math:`c_t` is what word :math:`t` gave to it: see :meth:`contributions`.

    The parameters are those of
    :class:`llmbook.models.classifier.AttentionClassifier`.
    """

    def read(self, x, mask, training=None):
        """Read embedded texts, as
        :meth:`llmbook.models.classifier.AttentionClassifier.read` does.
        """
        checks.tensor("x", x, 3)
        checks.width("x", x, self.arguments["d_model"])
        checks.boolean("mask", mask, 2)
        checks.positions("x", x.shape[1], self.length)
        raw = self.dropout(x, training=training)  # (B, T, d_model)
        # (B, T, d_model)
        context = raw + self.positions(ops.arange(ops.shape(x)[1]))
        attention = []
        for block in self.blocks:
            context, weights = block(
                context, mask=mask, return_weights=True, training=training
            )
            attention.append(weights)
        pooled, pooling = self.pooling(
            self.norm(context),
            value=self.norm(raw),
            mask=mask,
            return_weights=True,
        )
        return (
            self.head(self.dropout(pooled, training=training)),
            attention,
            pooling,
        )

    def contributions(self, ids):
        """Return what each word of texts (B, T) or (B, T, N) gave to its logit.

        Returns
        -------
        (B, T)
            Zero at padding. With the bias of ``head`` they add up to the
            logits.

        Raises
        ------
        TypeError
            If ids are not integers.
        ValueError
            If they have other axes or more positions than ``length``, or one
            lies outside of the vocabulary.
        """
        x = self.embedding(ids=ids)  # (B, T, d_model)
        _, _, pooling = self.read(x, token_mask(ids))  # (B, H, T)
        return _parts(pooling, self.norm(x), self.head.kernel)


def _parts(pooling, value, kernel):
    """Return the parts (B, T) of a logit, from weights (B, H, T) and values
    (B, T, d_model) of a pooling and the weights (d_model, 1) of the output.
    """
    parts = (*np.shape(value)[:2], pooling.shape[1], -1)
    value = np.reshape(value, parts)  # (B, T, H, d_model / H)
    kernel = np.reshape(kernel, parts[2:])  # (H, d_model / H)
    return np.einsum("bht,bthd,hd->bt", pooling, value, kernel)


def _mixed_contributions(model, ids):
    """Return the parts (B, T) of the logit of a classifier that pools what its
    blocks have mixed, each by the position that it was pooled from.
    """
    mask = token_mask(ids)  # (B, T)
    x = model.embedding(ids)  # (B, T, d_model)
    _, _, pooling = model.read(x, mask)  # (B, H, T)
    x = x + model.positions(ops.arange(ops.shape(x)[1]))  # (B, T, d_model)
    for block in model.blocks:
        x = block(x, mask=mask)  # (B, T, d_model)
    return _parts(pooling, model.norm(x), model.head.kernel)


def contributions(classifier, texts):
    """Return, text by text, what each of its words gave to the logit: a list of
    (T,).

    Of a :class:`RawValueClassifier` that is what the word gave. Of any other
    :class:`llmbook.models.classifier.AttentionClassifier` it is what was pooled
    at the word's position, where the blocks have mixed it with other words.

    Parameters
    ----------
    classifier : llmbook.models.classifier.Classifier
    texts : list of str

    Raises
    ------
    TypeError
        If the classifier is of another class, or texts are no list of strings.
    ValueError
        If there is no text.
    """
    checks.offers("classifier", classifier, "model", "encode")
    model = classifier.model
    checks.kind("classifier.model", model, AttentionClassifier)
    if isinstance(model, RawValueClassifier):
        return _by_text(classifier, texts, model.contributions)
    return _by_text(
        classifier, texts, lambda ids: _mixed_contributions(model, ids)
    )


def attended(classifier, texts):
    """Return, text by text, the weight of each of its words in the pooling: a
    list of (T,).

    Weights are averaged over the heads. ``classifier`` may be of any
    :class:`llmbook.models.classifier.AttentionClassifier`.

    Raises
    ------
    TypeError
        If the classifier is none, or texts are no list of strings.
    ValueError
        If there is no text.
    """
    checks.offers("classifier", classifier, "model", "encode")
    model = classifier.model

    def weights(ids):
        # (B, H, T)
        pooling = model.read(model.embedding(ids), token_mask(ids))[2]
        return np.mean(pooling, axis=1)

    return _by_text(classifier, texts, weights)


def _by_text(classifier, texts, measure, batch_size=128):
    """Apply a function of ids that returns (B, T) to texts, and cut off what is
    padding.
    """
    sequences, found = classifier.encode(texts), []
    for start in range(0, len(sequences), batch_size):
        batch = sequences[start : start + batch_size]
        rows = measure(pad(batch))  # (b, T)
        found += [
            row[: len(sequence)]
            for row, sequence in zip(rows, batch, strict=True)
        ]
    return found
