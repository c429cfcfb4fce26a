r"""Direct preference optimisation: raise the better draft above the worse, as
far as the reference allows.

.. math::

    \mathcal{L}_{\mathrm{DPO}}(\theta) = -\mathbb{E}_{(x, y_w, y_l)} \left[ \log
    \sigma \left(
        \beta \log \frac{\pi_\theta(y_w \mid x)}{\pi_{\mathrm{ref}}(y_w \mid x)}
        - \beta \log \frac{\pi_\theta(y_l \mid x)}{\pi_{\mathrm{ref}}(y_l \mid
        x)} \right) \right]

(Rafailov et al. 2023, Eq. 7). The loss looks at the difference alone: both
drafts may become unlikely. Against that, the mean negative log-probability of
the better draft's tokens may be added (Pang et al. 2024, section 2),

.. math::

    \mathcal{L} = \mathcal{L}_{\mathrm{DPO}} - \lambda \, \mathbb{E}_{(x, y_w)}
    \left[ \frac{\log \pi_\theta(y_w \mid x)}{|y_w|} \right].

The feedback is which of two drafts is the better one; or it is words, and a
draft's refinement is taken to be better than the draft.
"""

from keras import ops

from llmbook import checks
from llmbook.feedback.annotator import shares
from llmbook.feedback.methods.ilf import criticise, refinements
from llmbook.models.gpt import log_probabilities


def dpo_loss(chosen, rejected, reference_chosen, reference_rejected, beta):
    """Return the loss of pairs whose log-probabilities, as whole texts, are
    given.

    Parameters
    ----------
    chosen, rejected, reference_chosen, reference_rejected : (B,)
        Of the better and the worse draft, under the policy and under the
        reference.
    beta : float
        How dear it is to leave the reference.

    Returns
    -------
    loss : ()

    Raises
    ------
    TypeError
        If ``beta`` is not a number.
    ValueError
        If shapes do not fit, or a value is no finite number; if ``beta`` is
        negative.
    """
    checks.tensors(
        "B, B, B, B",
        chosen=chosen,
        rejected=rejected,
        reference_chosen=reference_chosen,
        reference_rejected=reference_rejected,
    )
    checks.known_weights(beta=beta)
    # (B,)
    margin = (chosen - reference_chosen) - (rejected - reference_rejected)
    # -log σ(z) = softplus(-z), without overflow
    return ops.mean(ops.softplus(-beta * margin))


def pair_loss(model, batch, beta, likelihood=0.0):
    """Return :func:`dpo_loss` of a model on pairs, ``ids`` (B, 2, T), the
    better draft first, and ``likelihood`` times the mean loss of its tokens.

    Raises
    ------
    TypeError
        If model or batch are none.
    ValueError
        If the batch lacks something, or ``beta`` or ``likelihood`` is negative.
    """
    checks.batch_for(model, batch, "ids", "mask", "reference")
    checks.known_weights(beta=beta, likelihood=likelihood)
    length = batch["ids"].shape[-1]
    log_probs = log_probabilities(
        model, ops.reshape(batch["ids"], (-1, length))
    )  # (2B, T - 1)
    # (B, 2, T - 1)
    log_probs = ops.reshape(log_probs, (-1, 2, length - 1)) * batch["mask"]
    # (B, 2)
    policy, reference = ops.sum(log_probs, axis=-1), batch["reference"]
    loss = dpo_loss(
        policy[:, 0], policy[:, 1], reference[:, 0], reference[:, 1], beta
    )
    tokens = ops.sum(batch["mask"][:, 0], axis=-1)  # (B,)
    return loss - likelihood * ops.mean(policy[:, 0] / tokens)


def compare_drafts(learner, annotator, number):
    """Draw two drafts for each of ``number`` records and have them compared.

    Returns
    -------
    records : list
    pairs : list of (better draft, worse draft)

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If ``number`` is negative.
    """
    checks.drafts_of(learner, annotator)
    records = annotator.draw(number)
    pairs = []
    for record, *pair in zip(
        records, learner.draft(records), learner.draft(records), strict=True
    ):
        pairs.append(
            tuple(pair if annotator.compare(record, *pair) else reversed(pair))
        )
    return records, pairs


def refine_drafts(learner, annotator, number):
    """Draw a draft for each of ``number`` records, have it criticised, and
    refine it once.

    Returns
    -------
    records : list
        Those whose draft was a message and had a fault.
    pairs : list of (refinement, draft)

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If ``number`` is negative.
    """
    checks.drafts_of(learner, annotator)
    annotated = criticise(learner, annotator, annotator.draw(number))
    faulty = [z for z in annotated if not z[2].accepted and z[2].readable]
    refined = refinements(learner, faulty, 1)
    pairs = [
        (text, draft)
        for (_, draft, _), text in zip(faulty, refined, strict=True)
    ]
    return [record for record, _, _ in faulty], pairs


SOURCES = {
    "comparisons": ("comparison", compare_drafts),
    "critiques": ("critique", refine_drafts),
}


def pair_examples(learner, records, pairs):
    """Return pairs of drafts as ids (n, 2, T) and mask (n, 2, T - 1).

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If there are not as many records, one is no pair, or the task cannot
        read a draft.
    """
    checks.offers("learner", learner, "examples")
    records, pairs = checks.compared_drafts(records, pairs)
    drafts = [draft for pair in pairs for draft in pair]
    ids, mask = learner.examples(
        [record for record in records for _ in range(2)], drafts
    )
    return ids.reshape(len(pairs), 2, -1), mask.reshape(len(pairs), 2, -1)


def learn(
    learner,
    annotator,
    rounds=3,
    beta=0.3,
    steps=120,
    learning_rate=2e-4,
    source="comparisons",
    likelihood=0.0,
    memory=None,
):
    """Each round, pair drafts of the policy, and learn from all pairs so far,
    or from the latest.

    Parameters
    ----------
    learner : Learner
        Its policy writes the drafts, and is trained.
    annotator : Annotator
        Its whole budget buys what ``source`` says, in equal parts for the
        rounds.
    rounds : int
    beta : float
        As for :func:`dpo_loss`.
    steps : int
        Of training in each round, in batches of 16 pairs.
    learning_rate : float
    source : {"comparisons", "critiques"}
        Which pairs: two drafts that the annotator compared, or the refinement
        of a draft by the annotator's words, and the draft.
    likelihood : float
        As for :func:`pair_loss`.
    memory : int, optional
        How many rounds back the pairs are learned from, 1 for those of the
        round alone; by default all.

    Yields
    ------
    figures : dict
        ``loss``, that of the last step; or ``pairs``, 0, where there are none.

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If ``source`` is none of ``SOURCES``, or a number is out of its range.
    """
    memory = rounds if memory is None else memory
    checks.method(
        learner,
        annotator,
        learning_rate,
        rounds=rounds,
        steps=steps,
        memory=memory,
    )
    checks.known_weights(beta=beta, likelihood=likelihood)
    checks.one_of("source", source, SOURCES)
    kind, pair = SOURCES[source]
    found: list[tuple[list, list]] = []
    for number in shares(annotator.left(kind), rounds):
        found.append(pair(learner, annotator, number))
        records = [record for old, _ in found[-memory:] for record in old]
        pairs = [two for _, old in found[-memory:] for two in old]
        if not pairs:
            yield {"pairs": 0}
            continue
        ids, mask = pair_examples(learner, records, pairs)
        flat = learner.log_probs(
            learner.reference, ids.reshape(-1, ids.shape[-1])
        )
        reference = (flat.reshape(mask.shape) * mask).sum(-1)  # (n, 2)
        data = {"ids": ids, "mask": mask, "reference": reference}
        losses = learner.train(
            pair_loss,
            data,
            steps,
            learning_rate,
            batch_size=16,
            beta=beta,
            likelihood=likelihood,
        )
        yield {"loss": losses[-1]}
