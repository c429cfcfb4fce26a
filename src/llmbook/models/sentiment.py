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
    so :math:`c_t` is what word :math:`t` gave to it: see :func:`contributions`.

    The parameters are those of
    :class:`llmbook.models.classifier.AttentionClassifier`.
    """

    def mix(self, x, mask, training=None):
        """Return what the pooling is given, as
        :meth:`llmbook.models.classifier.AttentionClassifier.mix` does.
        """
        checks.tensor("x", x, 3)
        checks.width("x", x, self.arguments["d_model"])
        checks.boolean("mask", mask, 2)
        checks.positions("x", x.shape[1], self.length)
        raw = self.dropout(x, training=training)  # (B, T, d_model)
        # (B, T, d_model)
        context = raw + self.positions(ops.arange(ops.shape(x)[1]))
        context, attention = self._apply_blocks(context, mask, training)
        return self.norm(context), self.norm(raw), attention


def contributions(classifier, texts):
    """Return, text by text, what each of its words gave to the logit: a list of
    (T,).

    With the bias of the model's ``head`` they add up to the logit. Of a
    :class:`RawValueClassifier` each is what the word itself gave. Of any other
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
        If there is no text, or the model has several classes.
    """
    checks.offers("classifier", classifier, "model", "encode")
    model = classifier.model
    checks.kind("classifier.model", model, AttentionClassifier)
    checks.one_logit(model.head.units)

    def parts(ids):
        mask = token_mask(ids)  # (B, T)
        # (B, T, d_model) both
        keys, values, _ = model.mix(model.embedding(ids), mask)
        _, pooling = model.pooling(
            keys, value=values, mask=mask, return_weights=True
        )  # (B, H, T)
        by_head = (*np.shape(values)[:2], pooling.shape[1], -1)
        values = np.reshape(values, by_head)  # (B, T, H, d_model / H)
        # (H, d_model / H)
        kernel = np.reshape(model.head.kernel, by_head[2:])
        # (B, T)
        return np.einsum("bht,bthd,hd->bt", pooling, values, kernel)

    return _by_text(classifier, texts, parts)


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
