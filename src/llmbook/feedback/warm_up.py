"""Make a refiner of a real model: adapters that learn to follow edits in words,
and no house rule.

The documents are those of :func:`llmbook.feedback.tasks.shop.edit_document`.
What comes of it is shipped with the book:
``experiments/real_feedback/warm_up.py`` made it, and makes it again.
"""

import random
from pathlib import Path

import numpy as np

from llmbook import checks
from llmbook.feedback.learner import pack
from llmbook.feedback.tasks.shop import (
    Critique,
    edit_document,
    original,
    parse,
    render,
)
from llmbook.models import gpt, lora, training

ADAPTERS = Path(__file__).with_name("refiner.npz")
"""The adapters that the warm-up made, as :func:`llmbook.models.lora.load` reads
them.
"""
# the blocks before it, a third of SmolLM2, are left as they are
FIRST_BLOCK = 10
LENGTH = 96  # tokens of a document; the few longer ones are passed over


def documents(tokenizer, seed=0, batch_size=8):
    """Return a function of the step that draws documents to warm up on.

    Returns
    -------
    batch : callable
        ``batch(step)`` returns ids (B, T), and 1 or 0 for how much each token
        counts as a target, (B, T): those of the answer and its end do.

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If ``batch_size`` is below 1.
    """
    checks.offers("tokenizer", tokenizer, "encode", "end")
    checks.integer("seed", seed)
    batch_size = checks.count("batch_size", batch_size)

    def batch(step):
        rng = random.Random(f"{seed} {step}")
        prompts: list[list[int]] = []
        answers: list[list[int]] = []
        while len(prompts) < batch_size:
            prompt, answer = edit_document(rng)
            prompt = tokenizer.encode(prompt)
            answer = [*tokenizer.encode(f" {answer}"), tokenizer.end]
            if len(prompt) + len(answer) <= LENGTH:
                prompts.append(prompt)
                answers.append(answer)
        ids, mask = pack(prompts, answers, LENGTH)  # (B, T), (B, T - 1)
        return ids, np.pad(mask, ((0, 0), (1, 0)))

    return batch


def warm_up(
    model,
    tokenizer,
    seed=0,
    steps=80,
    learning_rate=1e-3,
    weight_decay=0.0,
    **options,
):
    """Put adapters on a model and train them on such documents; return the
    losses (steps,).

    Parameters
    ----------
    model : GPT
        SmolLM2, or another of at least as many blocks. Is changed.
    tokenizer : ChatTokenizer
    seed : int
    steps : int
    learning_rate, weight_decay : float
    options
        Of :func:`llmbook.models.training.train`.

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If a number is out of its range, or the model has too few blocks.
    """
    batch = documents(tokenizer, seed)
    lora.add_adapters(
        model, targets=lora.EVERY_LINEAR, first_block=FIRST_BLOCK, seed=seed
    )
    return training.train(
        model,
        gpt.next_token_loss,
        batch,
        steps,
        learning_rate,
        weight_decay=weight_decay,
        **options,
    )


def examine_refiner(learner, records, feedback="own", seed=0):
    """Return what the refiner makes of messages as they came in: how far it
    does what Ann asks for.

    Parameters
    ----------
    learner : AdapterLearner
    records : list
    feedback : {"own", "another", "none"}
        Whether it reads the critique of the message, that of the next, or "Make
        this better."
    seed : int
        Of the critiques.

    Returns
    -------
    figures : dict
        Shares: ``exact``, the messages that are what was asked for and nothing
        else; ``followed``, the edits that were made; ``facts``, the messages
        that still say all that they have to say.

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If ``feedback`` is none of the three, or there is no record.
    """
    checks.offers("learner", learner, "task", "refine")
    records = checks.some("records", records, "records")
    checks.one_of("feedback", feedback, ("own", "another", "none"))
    checks.integer("seed", seed)
    rng, task = random.Random(seed), learner.task
    drafts = [render(record, original(record)) for record in records]
    critiques = [
        task.critique(rng, *pair) for pair in zip(records, drafts, strict=True)
    ]
    read = {
        "own": critiques,
        "another": [*critiques[1:], critiques[0]],
        "none": [Critique("Make this better.")] * len(records),
    }[feedback]
    refined = learner.refine(records, drafts, read)
    wanted = [
        task.follow(record, draft, critique.edits)
        for record, draft, critique in zip(
            records, drafts, critiques, strict=True
        )
    ]
    made = [
        new in text
        for text, critique in zip(refined, critiques, strict=True)
        for _, new in critique.edits
    ]
    same = sum(a == b for a, b in zip(refined, wanted, strict=True))
    facts = sum(
        parse(*pair) is not None for pair in zip(records, refined, strict=True)
    )
    return {
        "exact": same / len(records),
        "followed": sum(made) / len(made),
        "facts": facts / len(records),
    }
