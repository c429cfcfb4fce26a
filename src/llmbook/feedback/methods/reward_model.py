r"""A reward model learned from comparisons, and the best of N drafts by it.

.. math::

    \mathcal{L}_{\mathrm{RM}}(\phi) = -\mathbb{E}_{(x, y_w, y_l)} \big[ \log
    \sigma(r_\phi(x, y_w) -
    r_\phi(x, y_l)) \big]

the likelihood of the annotator's choices if they follow Bradley and Terry
(1952): Rafailov et al. 2023, Eq. 1 and 2; Ouyang et al. 2022, Eq. 1. Here the
reward is what the model says of one reserved token where the draft ends, so
that a causal language model scores without a layer of its own. The feedback is
which of two drafts is the better one.
"""

import numpy as np
from keras import ops

from llmbook import checks
from llmbook.feedback.methods.dpo import compare_drafts, pair_examples


def reward_loss(chosen, rejected):
    """Return the loss of the rewards (B,) of the better and of the worse
    drafts.

    Raises
    ------
    ValueError
        If shapes do not fit, or a value is no finite number.
    """
    checks.tensors("B, B", chosen=chosen, rejected=rejected)
    return ops.mean(ops.softplus(rejected - chosen))


def rewards(model, ids, mask, token):
    """Return the reward (B,) of rows of ids (B, T): the logit of ``token`` at
    the end of the draft.

    The end is the last token that the mask (B, T - 1) counts, as
    :meth:`Learner.examples` gives it.

    Raises
    ------
    TypeError
        If ids are not integers, or an argument is of another type.
    ValueError
        If ids are not (B, T), or the mask does not fit.
    """
    checks.offers("model", model, "trainable_variables")
    checks.some_ids("ids", ids)
    checks.known_token(token)
    checks.mask_of_targets(ids, mask)
    logits = ops.take(model(ids), token, axis=-1)  # (B, T)
    positions = ops.arange(1, ids.shape[-1])  # (T - 1,)
    last = ops.max(ops.cast(mask, "int32") * positions, axis=-1)  # (B,)
    return ops.take_along_axis(logits, last[:, None], axis=-1)[:, 0]


def preference_loss(model, batch, token):
    """Return :func:`reward_loss` of a model on pairs, ``ids`` (B, 2, T), the
    better first.

    Raises
    ------
    TypeError
        If model or batch are none.
    ValueError
        If the batch lacks something, or ``token`` is negative.
    """
    checks.batch_for(model, batch, "ids", "mask")
    checks.known_token(token)
    length = batch["ids"].shape[-1]
    ids = ops.reshape(batch["ids"], (-1, length))  # (2B, T)
    mask = ops.reshape(batch["mask"], (-1, length - 1))  # (2B, T - 1)
    pair = ops.reshape(rewards(model, ids, mask, token), (-1, 2))  # (B, 2)
    return reward_loss(pair[:, 0], pair[:, 1])


def train_reward_model(learner, records, pairs, steps, learning_rate):
    """Train the learner's reward model on pairs of drafts. It begins anew, as
    the reference.

    Parameters
    ----------
    learner : Learner
    records : list
    pairs : list of (better draft, worse draft)
        One for each record.
    steps : int
        In batches of 16 pairs.
    learning_rate : float

    Returns
    -------
    losses : (steps,)

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If there is no pair, there are not as many records, the task cannot read
        a draft, or a number is out of its range.
    """
    checks.offers("learner", learner, "reward_model", "reference", "train")
    learner.reward_model.set_weights(learner.reference.get_weights())
    ids, mask = pair_examples(learner, records, pairs)
    return learner.train(
        preference_loss,
        {"ids": ids, "mask": mask},
        steps,
        learning_rate,
        batch_size=16,
        model=learner.reward_model,
        token=learner.task.reward,
    )


def reward(learner, records, drafts):
    """Return the reward (n,) that the learner's reward model gives each
    draft.

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If there is no draft, there are not as many records, or the task cannot
        read one.
    """
    checks.offers("learner", learner, "reward_model", "evaluate", "examples")
    checks.some("drafts", drafts, "drafts")
    ids, mask = learner.examples(records, drafts)
    token = np.full(len(ids), learner.task.reward)
    return learner.evaluate(
        _rewards_by_row, learner.reward_model, ids, mask, token
    )


def _rewards_by_row(model, ids, mask, token):
    return rewards(model, ids, mask, token[0])


def best_of(learner, records, number):
    """Draw ``number`` drafts for each record, and return those that the reward
    model likes best.

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If there is no record, the task cannot read one, or ``number`` is below
        1.
    """
    checks.offers("learner", learner, "reward_model", "draft")
    records = checks.some("records", records, "records")
    number = checks.count("number", number)
    repeated = [record for record in records for _ in range(number)]
    drafts = learner.draft(repeated)
    # (n,)
    best = reward(learner, repeated, drafts).reshape(-1, number).argmax(axis=1)
    return [drafts[row * number + column] for row, column in enumerate(best)]


def learn(learner, annotator, steps=200, learning_rate=3e-4, number=64):
    """Learn a reward model from comparisons; answer with the best of ``number``
    drafts by it. The policy stays as it is.

    Parameters
    ----------
    learner : Learner
        Its reward model is trained, and it responds with the best of several
        drafts from then on.
    annotator : Annotator
        Its whole budget buys comparisons.
    steps : int
        Of training, in batches of 16 pairs.
    learning_rate : float
    number : int
        ``N``, how many drafts are drawn for an answer.

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
    checks.method(learner, annotator, learning_rate, steps=steps, number=number)
    number_compared = annotator.left("comparison")
    checks.paid(number_compared)
    records, pairs = compare_drafts(learner, annotator, number_compared)
    losses = train_reward_model(learner, records, pairs, steps, learning_rate)
    learner.respond = lambda records: best_of(learner, records, number)
    yield {"loss": losses[-1]}
