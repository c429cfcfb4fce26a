"""One loop that runs any method at a given budget of annotations, and records
every figure.
"""

import random
import time

from llmbook import checks
from llmbook.feedback.annotator import Annotator
from llmbook.feedback.methods import METHODS


def draw_examination(task, number=256, split="test", seed=0):
    """Return held-out records to examine learners on, the same for every
    learner.

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If ``number`` is below 1, or there is no such split.
    """
    checks.offers("task", task, "draw")
    number = checks.count("number", number)
    checks.integer("seed", seed)
    rng = random.Random(seed)
    return [task.draw(rng, split) for _ in range(number)]


def answer(learner, records):
    """Return what a learner writes for records.

    Its random numbers are put back: being examined does not change what it
    learns.

    Returns
    -------
    drafts : list

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If there is no record.
    """
    checks.offers("learner", learner, "respond", "rng")
    records = checks.some("records", records, "records")
    state = learner.rng.getstate()
    drafts = learner.respond(records)
    learner.rng.setstate(state)
    return drafts


def grade(task, records, drafts):
    """Return how good drafts are: the share that is perfect, and the mean
    score.

    Returns
    -------
    figures : dict
        ``success`` and ``score``.

    Raises
    ------
    TypeError
        If the task cannot score, or records or drafts are none.
    ValueError
        If there is none, or not as many of both.
    """
    checks.offers("task", task, "score", "best_score")
    records = checks.some("records", records, "records")
    drafts = checks.items("drafts", drafts, "drafts")
    checks.as_many(records=records, drafts=drafts)
    scores = [task.score(*pair) for pair in zip(records, drafts, strict=True)]
    return {
        "success": sum(one == task.best_score for one in scores) / len(scores),
        "score": sum(scores) / len(scores),
    }


def examine(learner, records):
    """Return how a learner does on records: the :func:`grade` of its
    :func:`answer`.

    Returns
    -------
    figures : dict
        ``success`` and ``score``.

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If there is no record.
    """
    checks.offers("learner", learner, "respond", "rng", "task")
    records = checks.some("records", records, "records")
    return grade(learner.task, records, answer(learner, records))


def run(
    method,
    learner,
    records,
    annotations=None,
    seconds=None,
    seed=0,
    every_round=False,
    first=(),
    **options,
):
    """Let a learner learn from a fresh annotator by one method, until the
    budget is spent, and examine it.

    Parameters
    ----------
    method : str
        A key of :data:`llmbook.feedback.methods.METHODS`.
    learner : Learner
        It is reset first, and left as it is at the end.
    records : list
        What it is examined on.
    annotations, seconds : int or float, optional
        The budget; exactly one of the two.
    seed : int
        Of records, critiques, samples and batches.
    every_round : bool
        Whether the learner is examined after every round, too.
    first : sequence of (method, annotations, options)
        What the learner is taught before, each by a method and so many
        annotations of its own. The policy that comes of it is the reference
        of what follows.
    options
        Of the method.

    Returns
    -------
    result : dict
        ``success`` and ``score`` at the end, ``annotations`` (by kind) and
        ``annotator_seconds``, without those of ``first``, ``cpu_seconds`` of
        learning, and ``rounds``: the figures of each, with the annotations
        spent by then. Ready for JSON.

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If there is no such method, no record, or not exactly one budget.
    """
    checks.one_of("method", method, METHODS)
    checks.offers("learner", learner, "reset", "respond", "rng", "task")
    checks.some("records", records, "records")
    checks.flag("every_round", every_round)
    first = checks.lessons("first", first, METHODS)
    learner.reset(seed)
    rounds, cpu = [], time.process_time()
    for number, (earlier, paid, settings) in enumerate(first, 1):
        teacher = Annotator(learner.task, paid, seed=seed + 1000 * number)
        for _ in METHODS[earlier](learner, teacher, **settings):
            pass
        learner.settle()
    annotator = Annotator(learner.task, annotations, seconds, seed)
    for figures in METHODS[method](learner, annotator, **options):
        figures = {
            name: round(float(value), 4) for name, value in figures.items()
        }
        figures["spent"] = sum(annotator.spent.values())
        if every_round:
            paused = time.process_time()
            figures |= examine(learner, records)
            cpu += time.process_time() - paused
        rounds.append(figures)
    cpu = time.process_time() - cpu
    return {
        **examine(learner, records),
        "annotations": {
            kind: count for kind, count in annotator.spent.items() if count
        },
        "annotator_seconds": annotator.spent_seconds,
        "cpu_seconds": round(cpu, 1),
        "rounds": rounds,
    }
