"""A learner whose policy and reference are one large model with two sets of
adapters.

Where :class:`llmbook.feedback.learner.Learner` keeps two models, this one keeps
two sets of adapters beside the same frozen weights: those it began with, and
those it learns. To write or read as the reference it puts the first in the
place of the second, and back. So it needs the memory of one model, and compiles
every graph once.
"""

from contextlib import contextmanager

from llmbook import checks
from llmbook.feedback.learner import Learner
from llmbook.models import generation

BEGINNING = "the adapters that the learner began with"


class AdapterLearner(Learner):
    """A model with adapters that learns from feedback; its reference is the
    same, unlearned.

    There is no second model that could learn a reward, so the methods that
    need one, best of N and GRPO on comparisons, ask for a
    :class:`llmbook.feedback.learner.Learner`.

    Parameters
    ----------
    task : object
        As for :class:`llmbook.feedback.learner.Learner`.
    model : keras.Model
        Its trainable variables, a few beside many frozen ones, are what it
        learns; see :mod:`llmbook.models.lora`.
    generate : callable
        As for :class:`llmbook.feedback.learner.Learner`.
    batch_size : int
        The largest batch that it trains on.
    temperature : float
        Of drafts. Refinements are the likeliest: a small refiner, sampled,
        makes slips.

    Raises
    ------
    TypeError
        If an argument lacks what the learner asks of it.
    ValueError
        If a number is out of its range.
    """

    jit_compile = False  # XLA multiplies numbers of 16 bits as if they had 32

    def __init__(
        self,
        task,
        model,
        generate=generation.generate,
        batch_size=8,
        temperature=0.7,
    ):
        self.batch_size = checks.count("batch_size", batch_size)
        checks.within("temperature", temperature, 0, float("inf"), closed=False)
        self.temperature = temperature
        super().__init__(task, model, generate, reference=model)
        self.reference = BEGINNING

    @contextmanager
    def acting_as(self, model):
        """Be the reference, if ``model`` is it, for as long as the context
        lasts.

        Parameters
        ----------
        model : keras.Model or str
            The policy, which is left as it is, or :attr:`reference`: then the
            model has the adapters that it began with, and gets those that it
            learned back at the end, whatever happens meanwhile.

        Yields
        ------
        model : keras.Model
            The model to be used.
        """
        if model is not BEGINNING:
            yield model
            return
        learned = self._trainable()
        self._assign(self._beginning)
        try:
            yield self.model
        finally:
            self._assign(learned)

    def _assign(self, values):
        for variable, value in zip(
            self.model.trainable_variables, values, strict=True
        ):
            variable.assign(value)

    def _write(self, model, prompts, temperature):
        with self.acting_as(model) as model:
            return super()._write(model, prompts, temperature)

    def draft(self, records, temperature=None):
        """Return a draft for each record, sampled from the policy."""
        return super().draft(
            records, self.temperature if temperature is None else temperature
        )

    def refine(self, records, drafts, critiques, temperature=0.0):
        """Return each draft refined by the reference, which reads the words of
        its critique.
        """
        return super().refine(records, drafts, critiques, temperature)

    def evaluate(self, function, model, *arrays, batch_size=None):
        """Return ``function(model, *arrays)``, computed in batches of rows
        without a gradient.
        """
        with self.acting_as(model) as model:
            return super().evaluate(
                function,
                model,
                *arrays,
                batch_size=batch_size or self.batch_size,
            )

    def train(
        self,
        loss,
        data,
        steps,
        learning_rate,
        batch_size=None,
        model=None,
        fresh=True,
        **constants,
    ):
        """Take steps down a loss as the base class does, in batches no larger
        than its own.

        Parameters and returns are those of
        :meth:`llmbook.feedback.learner.Learner.train`.
        """
        batch_size = min(batch_size or self.batch_size, self.batch_size)
        return super().train(
            loss,
            data,
            steps,
            learning_rate,
            batch_size,
            model,
            fresh,
            **constants,
        )
