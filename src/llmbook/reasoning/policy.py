"""Policies that write solutions: a small GPT, taught from right ones, and what
it writes to many problems.
"""

import itertools
import random

import keras
import numpy as np

from llmbook import checks
from llmbook.feedback.annotator import Annotator
from llmbook.feedback.learner import Learner, pack
from llmbook.feedback.methods import METHODS
from llmbook.models import gpt, training
from llmbook.reasoning import signs

CONFIG = gpt.GPTConfig(
    vocab_size=signs.VOCAB_SIZE,
    length=64,
    d_model=64,
    num_heads=4,
    num_layers=2,
)


class Solver(Learner):
    """A learner of problems that a program checks.

    Its AdamW forgets the squares of gradients within some fifty steps, as it
    does in the training of language models, and not within a thousand: a
    policy gradient that grows all at once then takes no step that is many
    times its learning rate.

    Raises
    ------
    TypeError
        If an argument lacks what the learner asks of it.
    """

    beta_2 = 0.98


def examples(task, seed=0, batch_size=64):
    """Return a function of the step that draws problems with right solutions.

    Parameters
    ----------
    task : Calculator or Countdown
    seed, batch_size : int

    Returns
    -------
    batch : callable
        ``batch(step)`` returns ids (B, T), and 1 or 0 for how much each token
        counts as a target, (B, T): those of the solution and its end do.

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If ``batch_size`` is below 1.
    """
    checks.offers("task", task, "example", "encode", "end")
    checks.integer("seed", seed)
    batch_size = checks.count("batch_size", batch_size)
    length = task.draft_prompt_length + task.draft_length

    def batch(step):
        rng = random.Random(f"{seed} {step}")
        drawn = [task.example(rng) for _ in range(batch_size)]
        prompts = [task.draft_prompt(problem) for problem, _ in drawn]
        written = [[*task.encode(text), task.end] for _, text in drawn]
        ids, mask = pack(prompts, written, length)  # (B, T), (B, T - 1)
        return ids, np.pad(mask, [(0, 0), (1, 0)])  # (B, T)

    return batch


def _beginner(seed):
    checks.seed(seed)
    keras.utils.set_random_seed(seed)
    return gpt.GPT(CONFIG)


def teach(
    task, seed=0, steps=1200, batch_size=64, learning_rate=3e-3, **options
):
    """Return a GPT that was trained on right solutions, and the losses
    (steps,).

    Parameters
    ----------
    task : Calculator or Countdown
    seed : int
        Of the weights and the examples.
    steps, batch_size : int
    learning_rate : float
    options
        Of :func:`llmbook.models.training.train`.

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If a number is out of its range.
    """
    batch = examples(task, seed, batch_size)
    model = _beginner(seed)
    losses = training.train(
        model,
        gpt.next_token_loss,
        batch,
        steps,
        learning_rate,
        weight_decay=0.0,
        **options,
    )
    return model, losses


def teach_until(
    task, problems, least=0.3, seed=0, every=10, most=2500, learning_rate=3e-3
):
    """Teach a GPT from right solutions at a constant rate until enough of its
    samples are right.

    Parameters
    ----------
    task : Calculator or Countdown
    problems : list of str
        To each the model writes one solution, every so many steps.
    least : float
        Which share of them has to be right.
    seed : int
    every : int
        Steps, of 64 examples, between two examinations.
    most : int
        Steps after which it ends in any case.
    learning_rate : float
        Reached after 50 steps.

    Returns
    -------
    learner : Solver
        Its policy is the model.
    steps : int
        How many it took.

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If a number is out of its range, or there is no problem.
    """
    problems = checks.problems("problems", problems, signs.SIGNS)
    checks.within("least", least, 0, 1)
    every, most = checks.count("every", every), checks.count("most", most)
    batch, model = examples(task, seed), _beginner(seed)
    # A cosine as long as this is a constant on the way.
    optimizer = training.adamw(
        model, 50_000, learning_rate, warmup=0.001, weight_decay=0.0
    )
    step = training.compiled_step(model, gpt.next_token_loss, optimizer)
    learner = Solver(task, model)
    steps = 0
    while steps < most:
        for _ in range(every):
            step(*batch(steps))
            steps += 1
        right = [
            task.score(*pair)
            for pair in zip(problems, learner.draft(problems), strict=True)
        ]
        if np.mean(right) >= least:
            break
    learner.reset(seed, model.get_weights())
    return learner, steps


def sample(learner, problems, number, temperature=1.0):
    """Return what the learner's policy writes to each problem, so many times.

    Returns
    -------
    list of lists of str

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If there is no problem, or a number is out of its range.
    """
    checks.offers("learner", learner, "draft")
    problems = checks.problems("problems", problems, signs.SIGNS)
    number = checks.count("number", number)
    written = learner.draft(
        [problem for problem in problems for _ in range(number)], temperature
    )
    return [
        written[start : start + number]
        for start in range(0, len(written), number)
    ]


def practise(
    learner, method, annotations, seed=0, look=None, every=20, **options
):
    """Let a learner learn from its task's checker by a method of feedback, and
    look at it on the way.

    Parameters
    ----------
    learner : Learner
        Is reset first, and left as it is at the end.
    method : str
        A key of :data:`llmbook.feedback.methods.METHODS`.
    annotations : int
        How many solutions the checker may judge.
    seed : int
        Of problems, samples and batches.
    look : callable, optional
        ``look(learner, done)`` is called before the first round and after
        every so many; ``done`` says how many were done. The learner's random
        numbers are put back afterwards.
    every : int
    options
        Of the method.

    Returns
    -------
    list of dict
        The figures of each round, the first of them before any; where it was
        looked at, ``look`` is among them.

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If there is no such method, or a number is out of its range.
    """
    checks.one_of("method", method, METHODS)
    checks.offers("learner", learner, "reset", "rng", "task")
    every = checks.count("every", every)
    if look is not None:
        checks.takes("look", look, (learner, 0))
    learner.reset(seed)
    annotator = Annotator(learner.task, annotations, seed=seed)
    rounds = []
    learned = METHODS[method](learner, annotator, **options)
    for number, figures in enumerate(itertools.chain([{}], learned)):
        if look is not None and number % every == 0:
            state = learner.rng.getstate()
            figures = figures | {"look": look(learner, number)}
            learner.rng.setstate(state)
        rounds.append(figures)
    return rounds
