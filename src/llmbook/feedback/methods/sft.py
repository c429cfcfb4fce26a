r"""Supervised fine-tuning: imitate what the annotator writes.

.. math::

    \mathcal{L}_{\mathrm{SFT}}(\theta) = -\frac{1}{N} \sum_{(x, y)} \sum_t \log
    \pi_\theta(y_t \mid
    x, y_{<t})

over demonstrations :math:`y` of :math:`N` tokens in all (Ouyang et al. 2022,
section 3.1). Every other method of this package that picks texts to imitate
ends in this loss.
"""

import math

from keras import ops

from llmbook import checks
from llmbook.models.gpt import log_probabilities


def sft_loss(log_probs, mask):
    """Return the mean negative log-probability of the tokens that the mask
    marks.

    Parameters
    ----------
    log_probs, mask : (B, T)

    Returns
    -------
    loss : ()

    Raises
    ------
    ValueError
        If shapes do not fit, or a value is no finite number.
    """
    checks.tensors("B T, B T", log_probs=log_probs, mask=mask)
    return -ops.sum(log_probs * mask) / ops.sum(mask)


def imitation_loss(model, batch):
    """Return :func:`sft_loss` of a model on ``ids`` (B, T) with ``mask`` (B, T
    - 1).

    Raises
    ------
    TypeError
        If model or batch are none.
    ValueError
        If the batch lacks something.
    """
    checks.batch_for(model, batch, "ids", "mask")
    return sft_loss(log_probabilities(model, batch["ids"]), batch["mask"])


def imitate(learner, records, drafts, steps, learning_rate, epochs=None):
    """Train the learner to write these drafts for these records.

    Parameters
    ----------
    learner : Learner
        Its policy is trained.
    records, drafts : list
        As many of each.
    steps : int
        In batches of 32.
    learning_rate : float
    epochs : int, optional
        No more passes over the texts than these: a few texts are learned by
        heart otherwise, their facts along with their manners.

    Returns
    -------
    losses : (steps,)

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If there is no text, there are not as many records, the task cannot read
        one, or a number is out of its range.
    """
    checks.offers("learner", learner, "examples", "train")
    checks.passes(epochs)
    checks.count("steps", steps, least=0)
    drafts = checks.items("drafts", drafts, "drafts")
    if epochs is not None:
        steps = min(steps, math.ceil(epochs * len(drafts) / 32))
    ids, mask = learner.examples(records, drafts)
    return learner.train(
        imitation_loss, {"ids": ids, "mask": mask}, steps, learning_rate
    )


def learn(learner, annotator, steps=240, learning_rate=5e-4, epochs=None):
    """Spend the budget on demonstrations, and imitate them, in one round.

    Parameters
    ----------
    learner : Learner
        Its policy is trained.
    annotator : Annotator
        Its whole budget buys demonstrations.
    steps : int
        Of training, in batches of 32.
    learning_rate : float
    epochs : int, optional
        As for :func:`imitate`.

    Yields
    ------
    figures : dict
        ``loss``, that of the last step.

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If a number is out of its range, or the budget pays no answer.
    """
    checks.method(learner, annotator, learning_rate, steps=steps)
    number = annotator.left("demonstration")
    checks.paid(number)
    records = annotator.draw(number)
    drafts = [annotator.demonstrate(record) for record in records]
    losses = imitate(learner, records, drafts, steps, learning_rate, epochs)
    yield {"loss": losses[-1]}
