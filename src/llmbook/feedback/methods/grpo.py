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
a model's, learned from comparisons, or the annotator's own score. Where the
annotator ticks criteria one by one, every criterion is a reward of its own, and
counts where the draft decides it (the idea of Wu et al. 2023).
"""

import numpy as np
from keras import ops

from llmbook import checks
from llmbook.feedback.methods.dpo import compare_drafts
from llmbook.feedback.methods.reward_model import reward, train_reward_model
from llmbook.models.gpt import log_probabilities


def group_advantages(rewards, epsilon=1e-4, scale=None):
    """Return how far the rewards (groups, G) are from the mean of each group,
    in standard deviations of the group or in units of ``scale``.

    Raises
    ------
    TypeError
        If ``epsilon`` or ``scale`` is not a number.
    ValueError
        If the rewards have another shape or are no finite numbers, or one of
        the two is not positive.
    """
    rewards = checks.matrix("rewards", rewards)
    checks.positive(epsilon=epsilon)
    deviation = rewards - rewards.mean(axis=1, keepdims=True)  # (groups, G)
    if scale is not None:
        checks.positive(scale=scale)
        return deviation / scale
    return deviation / (rewards.std(axis=1, keepdims=True) + epsilon)


def grpo_loss(log_probs, old, reference, advantages, mask, beta, clip=0.2):
    r"""Return :math:`-\mathcal{J}`.

    Parameters
    ----------
    log_probs, old, reference : (B, T)
        Of the sampled tokens under the policy, under the policy that sampled
        them, and under the reference.
    advantages : (B,) or (B, T)
        Of whole texts, or token by token.
    mask : (B, T)
        1 at the tokens that were sampled.
    beta, clip : float

    Returns
    -------
    loss : ()

    Raises
    ------
    TypeError
        If ``beta`` or ``clip`` are not numbers.
    ValueError
        If shapes do not fit, or a value is no finite number; if one of the two
        is negative.
    """
    checks.grpo(log_probs, old, reference, advantages, mask)
    checks.known_weights(beta=beta, clip=clip)
    if len(advantages.shape) == 1:
        advantages = advantages[:, None]  # (B, 1)
    ratio = ops.exp(log_probs - old)  # (B, T)
    clipped = ops.clip(ratio, 1 - clip, 1 + clip)  # (B, T)
    gain = ops.minimum(ratio * advantages, clipped * advantages)  # (B, T)
    log_ratio = reference - log_probs  # (B, T)
    divergence = ops.exp(log_ratio) - log_ratio - 1  # (B, T)
    objective = ops.sum((gain - beta * divergence) * mask, axis=1) / ops.sum(
        mask, axis=1
    )  # (B,)
    return -ops.mean(objective)


def policy_loss(model, batch, beta):
    """Return :func:`grpo_loss` of a model on ``ids`` (B, T) and what else the
    batch holds.

    Raises
    ------
    TypeError
        If model or batch are none.
    ValueError
        If the batch lacks something, or ``beta`` is negative.
    """
    checks.batch_for(
        model, batch, "ids", "old", "reference", "advantages", "mask"
    )
    checks.known_weights(beta=beta)
    log_probs = log_probabilities(model, batch["ids"])  # (B, T - 1)
    return grpo_loss(
        log_probs,
        batch["old"],
        batch["reference"],
        batch["advantages"],
        batch["mask"],
        beta,
    )


def token_advantages(
    learner, records, drafts, ticks, mask, group_size, scale=None
):
    """Return advantages token by token from the ticks of criteria.

    Each criterion's ticks become advantages within their group, as rewards do,
    and count at the tokens where the draft decides it. A draft that is no
    message has no such places: all its tokens count as missing everything.

    Parameters
    ----------
    learner : Learner
        Its task knows the places of criteria.
    records, drafts : list
        Group by group.
    ticks : list of dict or None
        ``{criterion: met}`` of each draft; None of one that is no message.
    mask : (B, T)
        1 at the tokens of the drafts.
    group_size : int
    scale : float, optional
        As for :func:`group_advantages`.

    Returns
    -------
    advantages : (B, T)

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If there are not as many of each, or they are no whole groups.
    """
    checks.offers("learner", learner, "task")
    checks.ticked(records, drafts, ticks, mask, group_size)
    names = next((list(met) for met in ticks if met), [])
    met = np.array(
        [[bool(row and row[name]) for name in names] for row in ticks], float
    )  # (B, C)
    grouped = met.reshape(-1, group_size, len(names)).swapaxes(1, 2)
    scaled = group_advantages(grouped.reshape(-1, group_size), scale=scale)
    scaled = scaled.reshape(grouped.shape).swapaxes(1, 2).reshape(met.shape)
    advantages = np.zeros(mask.shape, "float32")  # (B, T)
    for row, given in enumerate(ticks):
        start = int(mask[row].argmax())
        if given is None:
            advantages[row, mask[row] == 1] = scaled[row].sum()
            continue
        places = learner.task.places(records[row], drafts[row])
        for name, value in zip(names, scaled[row], strict=True):
            advantages[row, start + np.array(places[name])] += value
    return advantages


SOURCES = {
    "model": "comparison",
    "score": "score",
    "success": "success",
    "ticks": "ticks",
    "faults": "faults",
}
"""Who rewards, and what is asked of the annotator for it."""


def _ask(annotator, source, record, draft):
    """Return the annotator's answer about a draft, as a number or as ticks."""
    if source == "score":
        return annotator.score(record, draft)
    if source == "success":
        return float(annotator.approve(record, draft))
    if source == "ticks":
        return annotator.tick(record, draft)
    named = annotator.name_faults(record, draft)
    if named is None:
        return None
    places = annotator.task.places(record, draft)
    return {name: name not in named for name in places}


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
    scale=None,
):
    r"""Sample groups of drafts, reward them, and take steps of policy gradient
    on each batch.

    AdamW's moments go on from batch to batch, since the loss stays the same.

    Parameters
    ----------
    learner : Learner
        Its policy writes the drafts, and is trained.
    annotator : Annotator
        Its whole budget buys what the source needs.
    source : {"model", "score", "success", "ticks", "faults"}
        Who rewards: a model that has learned from comparisons; or the
        annotator, by scores, by saying which drafts are perfect, by ticking
        the criteria that are met, or by naming faults. The annotator's
        answers suffice for so many whole batches.
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
    scale : float, optional
        By what a deviation from the group's mean is divided; by default by the
        standard deviation of its group. With 1 a group counts the more, the
        more its rewards differ (Liu et al. 2025, section 3.2).

    Yields
    ------
    figures : dict
        ``reward``, the mean over the batch: of ticks, how many are met; and
        ``divergence``, how far the policy is from the reference, in nats a
        draft: the mean of :math:`\log (\pi_\theta / \pi_{\mathrm{ref}})` over
        the batch.

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If ``source`` is none of those, a number is out of its range, or
        the budget pays no comparison.
    """
    checks.method(
        learner,
        annotator,
        learning_rate,
        iterations=iterations,
        groups=groups,
        group_size=group_size,
        updates=updates,
        reward_steps=reward_steps,
    )
    checks.known_weights(beta=beta, reward_learning_rate=reward_learning_rate)
    checks.one_of("source", source, tuple(SOURCES))
    size = groups * group_size
    left = annotator.left(SOURCES[source])
    if source == "model":
        checks.paid(left)
        records, pairs = compare_drafts(learner, annotator, left)
        train_reward_model(
            learner, records, pairs, reward_steps, reward_learning_rate
        )
    else:
        iterations = left // size
    for _ in range(iterations):
        records = [
            record
            for record in annotator.draw(groups)
            for _ in range(group_size)
        ]
        drafts = learner.draft(records)
        ids, mask = learner.examples(records, drafts)
        if source == "model":
            given = reward(learner, records, drafts)
        else:
            given = [
                _ask(annotator, source, *pair)
                for pair in zip(records, drafts, strict=True)
            ]
        if source in ("ticks", "faults"):
            advantages = token_advantages(
                learner, records, drafts, given, mask, group_size, scale
            )  # (B, T - 1)
            given = [sum(met.values()) if met else 0 for met in given]
        else:
            grouped = np.reshape(given, (groups, group_size)).astype(float)
            advantages = group_advantages(grouped, scale=scale).ravel()  # (B,)
        old = learner.log_probs(learner.model, ids)  # (B, T - 1)
        reference = learner.log_probs(learner.reference, ids)  # (B, T - 1)
        data = {
            "ids": ids,
            "mask": mask,
            "old": old,
            "reference": reference,
            "advantages": advantages.astype("float32"),
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
        yield {
            "reward": np.mean(given),
            "divergence": ((old - reference) * mask).sum(axis=1).mean(),
        }
