"""An annotator whose time is counted: whatever it is asked is paid from one
budget.
"""

import itertools
import random

from llmbook import checks

SECONDS = {
    "critique": 182.5,
    "demonstration": 195.5,
    "comparison": 61.5,
    "score": 61.5,
    "success": 61.5,
    "ticks": 61.5,
    "faults": 182.5,
}
"""Median seconds of an annotation: Scheurer et al. 2023 report those of a
critique, of a demonstration and of a comparison of two summaries. They asked
for nothing else. We price a score, a success and a row of ticks like a
comparison, and faults that are named without a remedy like a critique.
"""


class BudgetSpent(Exception):
    """An annotation was asked for that the budget no longer pays."""


class Annotator:
    """Answers about a task until a budget is spent, and keeps count.

    Parameters
    ----------
    task : object
        As of :class:`llmbook.feedback.tasks.invitations.Invitations`.
    annotations : int, optional
        How many answers of any kind the budget pays.
    seconds : float, optional
        How much of the annotator's time the budget pays, at :data:`SECONDS`.
        Exactly one of the two is to be given.
    seed : int
    split : str
        Where records are drawn from.

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If not exactly one budget is given, or if it is negative.
    BudgetSpent
        By any answer beyond the budget.
    """

    def __init__(
        self, task, annotations=None, seconds=None, seed=0, split="train"
    ):
        if (annotations is None) == (seconds is None):
            raise ValueError(
                "give either annotations or seconds, "
                f"got annotations={annotations}, seconds={seconds}"
            )
        checks.budget(annotations, seconds)
        checks.offers("task", task, "draw")
        checks.integer("seed", seed)
        checks.text("split", split)
        self.task, self.annotations, self.seconds, self.split = (
            task,
            annotations,
            seconds,
            split,
        )
        self.rng = random.Random(seed)
        self.spent = dict.fromkeys(SECONDS, 0)

    @property
    def spent_seconds(self):
        """The time that all answers so far have taken."""
        return sum(SECONDS[kind] * count for kind, count in self.spent.items())

    def left(self, kind):
        """Return how many more answers of a kind the budget pays.

        Raises
        ------
        ValueError
            If there is no such kind.
        """
        checks.one_of("kind", kind, SECONDS)
        if self.annotations is not None:
            return self.annotations - sum(self.spent.values())
        return int((self.seconds - self.spent_seconds) // SECONDS[kind])

    def _pay(self, kind):
        if self.left(kind) < 1:
            raise BudgetSpent(
                f"no {kind} is left in the budget; spent: {self.spent}"
            )
        self.spent[kind] += 1

    def draw(self, number):
        """Return new records, a list; they cost nothing.

        Raises
        ------
        TypeError
            If ``number`` is not an integer.
        ValueError
            If it is below 0.
        """
        number = checks.count("number", number, least=0)
        return [self.task.draw(self.rng, self.split) for _ in range(number)]

    def critique(self, record, draft):
        """Return what is wrong with a draft, in words.

        Raises
        ------
        TypeError, ValueError
            As the task does, of what it cannot read.
        """
        self._pay("critique")
        return self.task.critique(self.rng, record, draft)

    def demonstrate(self, record):
        """Return a message as it should be.

        Raises
        ------
        TypeError, ValueError
            As the task does, of what it cannot read.
        """
        self._pay("demonstration")
        return self.task.demonstrate(record)

    def compare(self, record, first, second):
        """Return whether the first of two drafts is the better one.

        Raises
        ------
        TypeError, ValueError
            As the task does, of what it cannot read.
        """
        self._pay("comparison")
        return self.task.compare(self.rng, record, first, second)

    def score(self, record, draft):
        """Return how good a draft is, a number.

        Raises
        ------
        TypeError, ValueError
            As the task does, of what it cannot read.
        """
        self._pay("score")
        return self.task.score(record, draft)

    def approve(self, record, draft):
        """Return whether a draft is perfect.

        Raises
        ------
        TypeError, ValueError
            As the task does, of what it cannot read.
        """
        self._pay("success")
        return self.task.score(record, draft) == self.task.best_score

    def tick(self, record, draft):
        """Return for each criterion whether a draft meets it, a dict; None if
        it is no message.

        Raises
        ------
        TypeError, ValueError
            As the task does, of what it cannot read.
        """
        self._pay("ticks")
        return self.task.tick(record, draft)

    def name_faults(self, record, draft):
        """Return the criteria that a critique would be about, and not what to
        do: a tuple; None if the draft is no message.

        Raises
        ------
        TypeError, ValueError
            As the task does, of what it cannot read.
        """
        self._pay("faults")
        return self.task.name_faults(self.rng, record, draft)


def shares(total, rounds):
    """Return what each round may spend of the total: as equal as whole numbers
    are, none zero.

    Raises
    ------
    TypeError
        If a number is not an integer.
    ValueError
        If ``total`` is negative or ``rounds`` not positive.
    """
    total, rounds = (
        checks.count("total", total, least=0),
        checks.count("rounds", rounds),
    )
    bounds = [total * k // rounds for k in range(rounds + 1)]
    return [
        stop - start
        for start, stop in itertools.pairwise(bounds)
        if stop > start
    ]
