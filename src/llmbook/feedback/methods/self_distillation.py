r"""Self-distillation from feedback: token by token, become what the model is
after reading the critique.

.. math::

    \mathcal{L}(\theta) = \mathbb{E}_{x,\; y \sim \pi_\theta,\; f} \Big[
    \frac{1}{|y|} \sum_t
    \mathrm{KL} \big(
        \pi_\theta(\cdot \mid x, y_{<t}) \;\|\; \pi_{\mathrm{ref}}(\cdot \mid x,
        y, f, y_{<t}) \big)
        \Big]

The draft :math:`y` is the policy's own; the teacher has read it with the
critique :math:`f` and says what it would write at every place of it (SDPO:
Hübotter et al. 2026). Their teacher is the policy itself; ours is the frozen
reference, since training on drafts alone would make the policy forget how to
read criticism.
"""

import numpy as np
from keras import ops

from llmbook import checks
from llmbook.feedback.annotator import shares
from llmbook.feedback.learner import pack


def self_distillation_loss(student, teacher, mask):
    """Return the mean divergence of the student's next-token distributions from
    the teacher's.

    Parameters
    ----------
    student, teacher : (B, L, V)
        Log-probabilities; no gradient is wanted of the teacher's.
    mask : (B, L)

    Returns
    -------
    loss : ()

    Raises
    ------
    ValueError
        If shapes do not fit, or a value is no finite number.
    """
    checks.tensors(
        "B L V, B L V, B L", student=student, teacher=teacher, mask=mask
    )
    # (B, L)
    divergence = ops.sum(ops.exp(student) * (student - teacher), axis=-1)
    return ops.sum(divergence * mask) / ops.sum(mask)


def next_token_log_probs(model, ids, positions):
    """Return the log-probabilities (B, L, V) of what follows the positions (B,
    L) of ids (B, T).

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If ids are not (B, T), or positions none of theirs.
    """
    checks.offers("model", model, "trainable_variables")
    checks.some_ids("ids", ids)
    checks.some_positions("positions", positions, ids)
    # (B, L, V)
    logits = ops.take_along_axis(model(ids), positions[..., None], axis=1)
    return ops.log_softmax(logits, axis=-1)


def distillation_loss(model, batch):
    """Return :func:`self_distillation_loss` of a model on what the batch
    holds.

    Raises
    ------
    TypeError
        If model or batch are none.
    ValueError
        If the batch lacks something.
    """
    checks.batch_for(model, batch, "ids", "positions", "teacher", "mask")
    # (B, L, V)
    student = next_token_log_probs(model, batch["ids"], batch["positions"])
    return self_distillation_loss(student, batch["teacher"], batch["mask"])


def _aligned(prompts, completions, prompt_length, length):
    """Return ids (n, T), positions (n, L) before the tokens of completions, and
    mask (n, L).
    """
    ids, _ = pack(prompts, completions, prompt_length + length)
    starts = np.array([len(prompt) - 1 for prompt in prompts])  # (n,)
    positions = starts[:, None] + np.arange(length)  # (n, L)
    sizes = np.array([len(completion) for completion in completions])  # (n,)
    return (
        ids,
        positions.astype("int32"),
        (np.arange(length) < sizes[:, None]).astype("float32"),
    )


def learn(learner, annotator, rounds=6, steps=40, learning_rate=3e-4):
    """Each round, have drafts criticised, and distil what the reference says
    once it has read the critiques.

    Parameters
    ----------
    learner : Learner
        Its policy writes the drafts, and is trained on all of them so far.
    annotator : Annotator
        Its whole budget buys critiques, in equal parts for the rounds. A draft
        that was no message teaches nothing.
    rounds : int
    steps : int
        Of training in each round, in batches of 32.
    learning_rate : float

    Yields
    ------
    figures : dict
        ``loss``, that of the last step, and ``criticised``, the drafts so far
        that were messages; if none were, the latter alone.

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If a number is out of its range.
    """
    checks.method(learner, annotator, learning_rate, rounds=rounds, steps=steps)
    task, seen = learner.task, []
    for number in shares(annotator.left("critique"), rounds):
        records = annotator.draw(number)
        for record, draft in zip(records, learner.draft(records), strict=True):
            critique = annotator.critique(record, draft)
            if critique.readable:
                seen.append((record, draft, critique.words))
        if not seen:
            yield {"criticised": 0}
            continue
        completions = [learner.completion(draft) for _, draft, _ in seen]
        asked = [task.draft_prompt(record) for record, _, _ in seen]
        criticised = [task.refine_prompt(*triple) for triple in seen]
        ids, positions, _ = _aligned(
            criticised,
            completions,
            task.refine_prompt_length,
            task.draft_length,
        )
        teacher = learner.evaluate(
            next_token_log_probs, learner.reference, ids, positions
        )
        ids, positions, mask = _aligned(
            asked, completions, task.draft_prompt_length, task.draft_length
        )
        data = {
            "ids": ids,
            "positions": positions,
            "mask": mask,
            "teacher": teacher,
        }
        losses = learner.train(distillation_loss, data, steps, learning_rate)
        yield {"loss": losses[-1], "criticised": len(seen)}
