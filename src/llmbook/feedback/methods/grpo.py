r"""Policy gradient with a group baseline and a KL penalty: GRPO.

.. math::

    \mathcal{J}(\theta) = \mathbb{E} \left[ \frac{1}{G} \sum_{i=1}^{G}
    \frac{1}{|y_i|} \sum_t \Big(
        \min\big( \rho_{i,t} A_i,\; \mathrm{clip}(\rho_{i,t}, 1-\varepsilon,
        1+\varepsilon) A_i
        \big)
        - \beta\, \mathbb{D}_{i,t} \Big) \right],
    \qquad A_i = \frac{r_i - \mathrm{mean}(r_1 \dots r_G)}{\mathrm{std}(r_1
    \dots r_G)}

with :math:`\rho_{i,t} = \pi_\theta(y_{i,t} \mid \cdot) /
\pi_{\mathrm{old}}(y_{i,t} \mid \cdot)` and the estimate :math:`\mathbb{D} =
\pi_{\mathrm{ref}} / \pi_\theta - \log(\pi_{\mathrm{ref}} / \pi_\theta) - 1` of
the divergence from the reference (Shao et al. 2024, Eq. 3 and 4). The reward is
a model's, learned from comparisons, or the annotator's own score.
"""

import numpy as np
from keras import ops

from llmbook.feedback.methods.dpo import compare_drafts
from llmbook.feedback.methods.reward_model import reward, train_reward_model
from llmbook.models.gpt import log_probabilities


def group_advantages(rewards, epsilon=1e-4):
    """Return the rewards (groups, G) in standard deviations from the mean of
    each group.
    """
    deviation = rewards - rewards.mean(axis=1, keepdims=True)  # (groups, G)
    return deviation / (rewards.std(axis=1, keepdims=True) + epsilon)


def grpo_loss(log_probs, old, reference, advantages, mask, beta, clip=0.2):
    r"""Return :math:`-\mathcal{J}`.

    Parameters
    ----------
    log_probs, old, reference : (B, T)
        Of the sampled tokens under the policy, under the policy that sampled
        them, and under the reference.
    advantages : (B,)
    mask : (B, T)
        1 at the tokens that were sampled.
    beta, clip : float

    Returns
    -------
    loss : ()
    """
    ratio = ops.exp(log_probs - old)  # (B, T)
    clipped = ops.clip(ratio, 1 - clip, 1 + clip)  # (B, T)
    gain = ops.minimum(
        ratio * advantages[:, None], clipped * advantages[:, None]
    )  # (B, T)
    log_ratio = reference - log_probs  # (B, T)
    divergence = ops.exp(log_ratio) - log_ratio - 1  # (B, T)
    objective = ops.sum((gain - beta * divergence) * mask, axis=1) / ops.sum(
        mask, axis=1
    )  # (B,)
    return -ops.mean(objective)


def policy_loss(model, batch, beta):
    """Return :func:`grpo_loss` of a model on ``ids`` (B, T) and what else the
    batch holds.
    """
    log_probs = log_probabilities(model, batch["ids"])  # (B, T - 1)
    return grpo_loss(
        log_probs,
        batch["old"],
        batch["reference"],
        batch["advantages"],
        batch["mask"],
        beta,
    )


def learn(
    learner,
    annotator,
    source="model",
    iterations=50,
    groups=8,
    group_size=8,
    updates=2,
    beta=0.1,
    learning_rate=3e-4,
    reward_steps=200,
    reward_learning_rate=3e-4,
):
    """Sample groups of drafts, reward them, and take steps of policy gradient
    on each batch.

    AdamW's moments go on from batch to batch, since the loss stays the same.
    They go on from an earlier run of the same learner, too.

    Parameters
    ----------
    learner : Learner
        Its policy writes the drafts, and is trained.
    annotator : Annotator
        Its whole budget buys comparisons or scores.
    source : {"model", "annotator"}
        Who rewards: a model that has learned from comparisons, or the
        annotator, whose scores suffice for so many whole batches.
    iterations : int
        How many batches, if a model rewards them.
    groups : int
        Records in a batch.
    group_size : int
        ``G``, drafts of each record.
    updates : int
        Steps on each batch, all of it at once.
    beta : float
        How dear it is to leave the reference.
    learning_rate : float
        Of the policy.
    reward_steps : int
        Of the reward model, in batches of 16 pairs.
    reward_learning_rate : float

    Yields
    ------
    figures : dict
        ``reward``, the mean over the batch.

    Raises
    ------
    ValueError
        If ``source`` is neither of the two.
    """
    size = groups * group_size
    if source == "model":
        records, pairs = compare_drafts(
            learner, annotator, annotator.left("comparison")
        )
        train_reward_model(
            learner, records, pairs, reward_steps, reward_learning_rate
        )
    elif source == "annotator":
        iterations = annotator.left("score") // size
    else:
        raise ValueError(
            f"source must be 'model' or 'annotator', got {source!r}"
        )
    for _ in range(iterations):
        records = [
            record
            for record in annotator.draw(groups)
            for _ in range(group_size)
        ]
        drafts = learner.draft(records)
        if source == "model":
            given = reward(learner, records, drafts)
        else:
            given = np.array(
                [
                    annotator.score(*z)
                    for z in zip(records, drafts, strict=True)
                ],
                float,
            )
        ids, mask = learner.examples(records, drafts)
        data = {
            "ids": ids,
            "mask": mask,
            "old": learner.log_probs(learner.model, ids),
            "reference": learner.log_probs(learner.reference, ids),
            "advantages": (
                group_advantages(given.reshape(groups, group_size))
                .ravel()
                .astype("float32")
            ),
        }
        learner.train(
            policy_loss,
            data,
            updates,
            learning_rate,
            batch_size=size,
            beta=beta,
            fresh=False,
        )
        yield {"reward": given.mean()}
