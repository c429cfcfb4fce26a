r"""Policy gradient with a baseline: REINFORCE.

.. math::

    \nabla_\theta \, \mathbb{E}_{y \sim \pi_\theta} [R(x, y)] =
    \mathbb{E}_{y \sim \pi_\theta} \big[ (R(x, y) - b) \, \nabla_\theta \log
    \pi_\theta(y \mid x) \big]

for every baseline :math:`b` that does not depend on :math:`y` (Williams 1992).
Here it is the mean reward of the other drafts of the batch, and the reward
holds the price of leaving the reference, :math:`-\beta \log (\pi_\theta(y \mid
x) / \pi_{\mathrm{ref}}(y \mid x))` (Ouyang et al. 2022, section 3.1). A batch
serves for one step: afterwards its drafts are no longer the policy's own. The
feedback is a number for each draft.
"""

import numpy as np
from keras import ops

from llmbook import checks
from llmbook.models.gpt import log_probabilities


def leave_one_out(rewards):
    """Return the rewards (B,) less the mean of the others, B at least 2.

    Raises
    ------
    ValueError
        If they are no finite numbers, or fewer than two.
    """
    rewards = checks.vector("rewards", rewards)
    checks.items_at_least("rewards", rewards, 2)
    n = len(rewards)
    others = (rewards.sum() - rewards) / (n - 1)  # (B,)
    return rewards - others


def reinforce_loss(log_probs, advantages, mask):
    """Return the loss whose gradient is the policy gradient, with minus before.

    Parameters
    ----------
    log_probs, mask : (B, T)
        Of the sampled tokens, and 1 where they are.
    advantages : (B,)
        Reward less baseline; no gradient is wanted of it.

    Returns
    -------
    loss : ()

    Raises
    ------
    ValueError
        If shapes do not fit, or a value is no finite number.
    """
    checks.tensors(
        "B T, B, B T", log_probs=log_probs, advantages=advantages, mask=mask
    )
    text = ops.sum(log_probs * mask, axis=-1)  # (B,)
    return -ops.mean(advantages * text)


def policy_loss(model, batch):
    """Return :func:`reinforce_loss` of a model on ``ids`` (B, T), ``mask`` (B,
    T - 1) and ``advantages`` (B,).

    Raises
    ------
    TypeError
        If model or batch are none.
    ValueError
        If the batch lacks something.
    """
    checks.batch_for(model, batch, "ids", "advantages", "mask")
    return reinforce_loss(
        log_probabilities(model, batch["ids"]),
        batch["advantages"],
        batch["mask"],
    )


def learn(
    learner,
    annotator,
    batch_size=64,
    beta=0.1,
    learning_rate=3e-4,
    baseline=None,
):
    """Sample a batch of drafts, have them scored, take a step, repeat.

    Parameters
    ----------
    learner : Learner
        Its policy writes the drafts, and is trained.
    annotator : Annotator
        Its budget buys scores for so many whole batches.
    batch_size : int
        Drafts of a batch, each for a record of its own.
    beta : float
        How dear it is to leave the reference.
    learning_rate : float
    baseline : float, optional
        What a reward is compared with; by default the mean of the others. With
        0, and with scores of 0 and 1, drafts that succeed are imitated and
        others do not count.

    Yields
    ------
    figures : dict
        ``reward``, the mean score of the batch.

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If a number is out of its range.
    """
    checks.method(learner, annotator, learning_rate)
    checks.count("batch_size", batch_size, least=2)
    checks.known_weights(beta=beta)
    if baseline is not None:
        checks.finite("baseline", baseline)
    for _ in range(annotator.left("score") // batch_size):
        records = annotator.draw(batch_size)
        drafts = learner.draft(records)
        scores = np.array(
            [annotator.score(*z) for z in zip(records, drafts, strict=True)],
            float,
        )  # (B,)
        ids, mask = learner.examples(records, drafts)
        log_ratio = learner.log_probs(learner.model, ids) - learner.log_probs(
            learner.reference, ids
        )  # (B, T - 1)
        rewards = scores - beta * (log_ratio * mask).sum(axis=-1)  # (B,)
        advantages = (
            leave_one_out(rewards) if baseline is None else rewards - baseline
        )  # (B,)
        data = {
            "ids": ids,
            "mask": mask,
            "advantages": advantages.astype("float32"),
        }
        learner.train(
            policy_loss,
            data,
            1,
            learning_rate,
            batch_size=batch_size,
            fresh=False,
        )
        yield {"reward": scores.mean()}
