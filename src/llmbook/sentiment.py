r"""Sentiment: a classifier whose attention is its explanation, and thresholds for its scores.

Shapes: ``B`` texts, ``T`` words, ``H`` heads.
"""

import keras
import numpy as np
from keras import ops

from llmbook.classifier import AttentionClassifier, token_mask
from llmbook.english import words
from llmbook.snippets import NEGATIVE, NEUTRAL, POSITIVE
from llmbook.text import pad

HIDDEN = "□"  # in the place of a word that is hidden: the texts do not hold it


@keras.saving.register_keras_serializable("llmbook")
class RawValueClassifier(AttentionClassifier):
    r"""A classifier whose attention chooses among the words themselves.

    With :math:`x_t` the embedded word at position :math:`t` and :math:`h_t` what the blocks made of
    it in its context, the weights come from the context, and the values do not:

    .. math::

        z = b + \sum_t c_t, \qquad c_t = \sum_h \alpha_{h,t}\; v_t^{(h)} \cdot w^{(h)}, \qquad
        \alpha_h = \mathrm{softmax}_t(h_t \cdot u_h), \qquad v_t = \mathrm{Norm}(x_t)

    where :math:`v^{(h)}` and :math:`w^{(h)}` are the parts of a value and of the output's weights
    that belong to head :math:`h` (the pooling of Yang et al. 2016, Eqs. 6 and 7, with other
    values). The logit is a sum over words, so :math:`c_t` is what word :math:`t` gave to it: see
    :meth:`contributions`.

    The parameters are those of :class:`llmbook.classifier.AttentionClassifier`.
    """

    def read(self, x, mask, training=None):
        """Read embedded texts, as :meth:`llmbook.classifier.AttentionClassifier.read` does."""
        raw = self.dropout(x, training=training)  # (B, T, d_model)
        context = raw + self.positions(ops.arange(ops.shape(x)[1]))  # (B, T, d_model)
        attention = []
        for block in self.blocks:
            context, weights = block(context, mask=mask, return_weights=True, training=training)
            attention.append(weights)
        pooled, pooling = self.pooling(
            self.norm(context), value=self.norm(raw), mask=mask, return_weights=True
        )
        return self.head(self.dropout(pooled, training=training)), attention, pooling

    def contributions(self, ids):
        """Return what each word of texts (B, T) or (B, T, N) gave to its logit.

        Returns
        -------
        (B, T)
            Zero at padding. With the bias of ``head`` they add up to the logits.
        """
        x = self.embedding(ids)  # (B, T, d_model)
        _, _, pooling = self.read(x, token_mask(ids))  # (B, H, T)
        parts = (*np.shape(x)[:2], pooling.shape[1], -1)
        value = np.reshape(self.norm(x), parts)  # (B, T, H, d_model / H)
        kernel = np.reshape(self.head.kernel, parts[2:])  # (H, d_model / H)
        return np.einsum("bht,bthd,hd->bt", pooling, value, kernel)


def contributions(classifier, texts):
    """Return, text by text, what each of its words gave to the logit: a list of (T,).

    Parameters
    ----------
    classifier : llmbook.classifier.Classifier
        Of a :class:`RawValueClassifier`.
    texts : list of str
    """
    return _by_text(classifier, texts, classifier.model.contributions)


def attended(classifier, texts):
    """Return, text by text, the weight of each of its words in the pooling: a list of (T,).

    Weights are averaged over the heads. ``classifier`` may be of any
    :class:`llmbook.classifier.AttentionClassifier`.
    """
    model = classifier.model

    def weights(ids):
        pooling = model.read(model.embedding(ids), token_mask(ids))[2]  # (B, H, T)
        return np.mean(pooling, axis=1)

    return _by_text(classifier, texts, weights)


def _by_text(classifier, texts, measure, batch_size=128):
    """Apply a function of ids that returns (B, T) to texts, and cut off what is padding."""
    sequences, found = classifier.encode(texts), []
    for start in range(0, len(sequences), batch_size):
        batch = sequences[start : start + batch_size]
        rows = measure(pad(batch))  # (b, T)
        found += [row[: len(sequence)] for row, sequence in zip(rows, batch, strict=True)]
    return found


def hide(text, position):
    """Return a text with the word at ``position`` hidden, as if it were one never seen before."""
    cut = words(text)
    cut[position] = HIDDEN
    return " ".join(cut)


def flips(logits, texts, positions):
    """Hide one word of each text and return whether that turns the answer round.

    Parameters
    ----------
    logits : callable
        Maps a list of texts to scores (B,), positive for positive texts.
    texts : list of str
    positions : (B,) of int
        Which word of each text is hidden, counted as :func:`llmbook.english.words` cuts it.

    Returns
    -------
    (B,) of bool
    """
    whole = [" ".join(words(text)) for text in texts]
    hidden = [hide(text, position) for text, position in zip(texts, positions, strict=True)]
    return (logits(whole) > 0) != (logits(hidden) > 0)


def cut(scores, low, high):
    """Return the classes of scores (B,): negative below ``low``, positive above ``high``."""
    scores = np.asarray(scores)
    return np.where(scores > high, POSITIVE, np.where(scores < low, NEGATIVE, NEUTRAL))


def fit_cuts(scores, labels, candidates=40):
    r"""Find the two cuts that turn scores into three classes with the highest macro-F1.

    .. math:: F_1 = \frac{2\, TP}{2\, TP + FP + FN}, \qquad
        \text{macro-}F_1 = \tfrac13 \textstyle\sum_c F_1^{(c)}

    (the mean of the classes' scores, not the score of their means: Opitz and Burst 2019).

    Parameters
    ----------
    scores : (B,)
    labels : (B,) of int
        0 negative, 1 neutral, 2 positive; all must occur.
    candidates : int
        How many quantiles of the scores are tried for each cut.

    Returns
    -------
    low, high : float

    Raises
    ------
    ValueError
        If a class is missing, or scores and labels differ in number.
    """
    scores, labels = np.asarray(scores), np.asarray(labels)
    if scores.shape != labels.shape or set(np.unique(labels)) != {NEGATIVE, NEUTRAL, POSITIVE}:
        raise ValueError(
            "labels must be one of 0, 1 and 2 for each score, each occurring, got "
            f"{scores.shape} scores and {labels.shape} labels, among them {np.unique(labels)}"
        )
    grid = np.quantile(scores, np.linspace(0, 1, candidates + 1))
    pairs = [(low, high) for i, low in enumerate(grid) for high in grid[i:]]
    return max(pairs, key=lambda pair: macro_f1(labels, cut(scores, *pair)))


def macro_f1(labels, predictions):
    """Return the mean of the F1 of the three classes; of a class that never occurs it is 0."""
    pairs = np.bincount(3 * labels + predictions, minlength=9).reshape(3, 3)
    total = pairs.sum(axis=0) + pairs.sum(axis=1)  # (3,): 2 TP + FP + FN
    return float(np.mean(2 * pairs.diagonal() / np.maximum(total, 1)))
