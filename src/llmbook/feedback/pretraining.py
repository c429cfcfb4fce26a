"""A GPT that writes invitations and follows words of criticism, and knows no
house style.
"""

import random

import keras
import numpy as np

from llmbook import checks
from llmbook.feedback.tasks import invitations
from llmbook.models import gpt, training

DOCUMENT_LENGTH = (
    invitations.Invitations.refine_prompt_length
    + invitations.Invitations.draft_length
)
CONFIG = gpt.GPTConfig(
    vocab_size=len(invitations.VOCABULARY),
    length=DOCUMENT_LENGTH,
    d_model=64,
    num_heads=4,
    num_layers=2,
)


def documents(seed=0, batch_size=48, choices=invitations.CHOICES):
    """Return a function of the step that draws documents to pretrain on.

    Returns
    -------
    batch : callable
        ``batch(step)`` returns the ids (B, T) of
        :func:`llmbook.feedback.tasks.invitations.edit_document`, and 1 or 0 for
        how much each token counts as a target (B, T).

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If ``batch_size`` is below 1, or choices are none of the task's.
    """
    checks.integer("seed", seed)
    batch_size = checks.count("batch_size", batch_size)
    checks.options("choices", choices, invitations.CHOICES)

    def batch(step):
        rng = random.Random(f"{seed} {step}")
        ids = np.zeros((batch_size, DOCUMENT_LENGTH), "int32")  # (B, T)
        weights = np.zeros((batch_size, DOCUMENT_LENGTH), "float32")  # (B, T)
        for row in range(batch_size):
            document, learned = invitations.edit_document(rng, choices=choices)
            ids[row, : len(document)] = document
            weights[row, : len(document)] = learned
        return ids, weights

    return batch


def pretrain(
    seed=0,
    steps=700,
    learning_rate=6e-3,
    weight_decay=0.01,
    choices=invitations.CHOICES,
    **options,
):
    """Return a GPT trained on documents with these choices; options go to
    :func:`llmbook.models.training.train`.

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If a number is out of its range, or choices are none of the task's.
    """
    checks.seed(seed)
    batch = documents(seed, choices=choices)
    keras.utils.set_random_seed(seed)
    model = gpt.GPT(CONFIG)
    # In a model this narrow, token vectors of length 1 are not drowned by what
    # the blocks add.
    table = model.embedding.embeddings  # (V, d_model)
    table.assign(
        keras.random.normal(table.shape, stddev=CONFIG.d_model**-0.5, seed=seed)
    )
    training.train(
        model,
        gpt.next_token_loss,
        batch,
        steps,
        learning_rate=learning_rate,
        weight_decay=weight_decay,
        **options,
    )
    return model


def examine_refiner(learner, number=256, feedback="own", split="test", seed=0):
    """Return how often the frozen model refines a draft to exactly what its
    critique asks for.

    Parameters
    ----------
    learner : Learner
        Its task's wording is that of the critiques.
    number : int
        How many drafts, in no style.
    feedback : {"own", "another", "none"}
        Whether the model reads the critique of the draft, that of the next, or
        nothing at all.
    split : str
    seed : int

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If ``feedback`` is none of the three, ``number`` is below 1, or there is
        no such split.
    """
    checks.offers("learner", learner, "task", "refine")
    number = checks.count("number", number)
    checks.one_of("feedback", feedback, ("own", "another", "none"))
    checks.integer("seed", seed)
    rng, task = random.Random(seed), learner.task
    cases: list[tuple] = []
    while len(cases) < number:
        record = task.draw(rng, split)
        draft = invitations.render(
            record, invitations.random_message(rng, record)
        )
        critique = task.critique(rng, record, draft)
        if not critique.accepted:
            cases.append((record, draft, critique))
    records, drafts, critiques = zip(*cases, strict=True)
    read = {
        "own": critiques,
        "another": (*critiques[1:], critiques[0]),
        "none": [invitations.Critique(())] * number,
    }[feedback]
    refined = learner.refine(records, drafts, read, temperature=0.0)
    return sum(
        text == task.follow(record, draft, critique.edits)
        for text, (record, draft, critique) in zip(refined, cases, strict=True)
    ) / len(cases)
