"""Agents that learn: taught from transcripts, and from the score of what came
of their calls, by the methods of ``llmbook.feedback``.
"""

import random
from pathlib import Path

import keras
import numpy as np

from llmbook import checks
from llmbook.agents import grammar, loop
from llmbook.agents.market import Question
from llmbook.feedback.learner import pack
from llmbook.files import whole
from llmbook.models import gpt, saving, training
from llmbook.reasoning.policy import Solver

CONFIG = gpt.GPTConfig(
    vocab_size=grammar.VOCAB_SIZE,
    length=96,
    d_model=64,
    num_heads=4,
    num_layers=2,
    rotary_base=100.0,  # texts are short, and the next word matters
)
WEIGHTS = Path(__file__).with_name("agent.npz")
"""An agent that was taught and has not learned from any reward:
``experiments/agents.py`` made it, and makes it again.
"""


def packed(task, questions, transcripts, length):
    """Return questions with transcripts, padded ids (n, T), and a mask (n,
    T - 1): 1 where the next token is one that the model itself wrote.

    Results are read, and neither imitated nor blamed on the model.

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If there are not as many of each, or ``length`` is too short for one.
    """
    checks.offers("task", task, "draft_prompt")
    questions = checks.items("questions", questions, "questions")
    transcripts = checks.texts("transcripts", transcripts)
    checks.as_many(questions=questions, transcripts=transcripts)
    prompts = [task.draft_prompt(question) for question in questions]
    written = [grammar.encode_transcript(text) for text in transcripts]
    ids, mask = pack(prompts, written, length)  # (n, T), (n, T - 1)
    for row, prompt, text in zip(mask, prompts, transcripts, strict=True):
        start = len(prompt) - 1
        row[start : start + len(text)] *= grammar.of_model(text)
    return ids, mask


class Agent(Solver):
    """A learner whose drafts are transcripts: what its policy wrote, and what
    the tools of each question returned.

    Attributes
    ----------
    strict : bool
        Whether its toolboxes have the whitelist of the question: see
        :meth:`llmbook.agents.market.Question.toolbox`.
    opening : {"free", "answer", "call"}
        How a transcript begins: see :func:`llmbook.agents.loop.run`.
    limits : Limits

    Raises
    ------
    TypeError
        If an argument lacks what the learner asks of it.
    """

    strict = True
    opening = "free"
    # so long that a busy machine changes nothing that is learned or measured
    limits = loop.Limits(seconds=1e6)

    def draft(self, records, temperature=1.0):
        """Return a transcript for each question, sampled from the policy with
        its tools.

        Raises
        ------
        TypeError
            If an argument is of another type.
        ValueError
            If there is no question, or the temperature is negative.
        """
        return [found.transcript for found in self.runs(records, temperature)]

    def runs(self, records, temperature=1.0):
        """Return a :class:`~llmbook.agents.loop.Run` for each question.

        Raises
        ------
        TypeError
            If an argument is of another type.
        ValueError
            If there is no question, or the temperature is negative.
        """
        records = checks.some(
            "records", checks.each("records", records, Question)
        )
        return [
            found
            for start in range(0, len(records), 512)
            for found in loop.run(
                self.model,
                [z.text for z in records[start : start + 512]],
                [z.toolbox(self.strict) for z in records[start : start + 512]],
                self.limits,
                temperature,
                seed=self.rng.randrange(2**31),
                opening=self.opening,
            )
        ]

    def examples(self, records, drafts):
        """Return transcripts after their questions, and the mask of what the
        policy wrote: see :func:`packed`.

        Raises
        ------
        TypeError
            If an argument is of another type.
        ValueError
            If there are not as many of each.
        """
        length = self.task.draft_prompt_length + self.task.draft_length
        return packed(self.task, records, drafts, length)


def examples(task, seed=0, batch_size=64):
    """Return a function of the step that draws questions with transcripts, for
    :func:`llmbook.models.training.train`.

    Parameters
    ----------
    task : Market
    seed, batch_size : int

    Returns
    -------
    batch : callable
        ``batch(step)`` returns ids (B, T), and 1 or 0 for how much each token
        counts as a target, (B, T).

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If a number is below 1.
    """
    checks.offers("task", task, "example", "draft_prompt")
    checks.integer("seed", seed)
    batch_size = checks.count("batch_size", batch_size)
    length = task.draft_prompt_length + task.draft_length

    def batch(step):
        rng = random.Random(f"{seed} {step}")
        drawn = [task.example(rng) for _ in range(batch_size)]
        questions, transcripts = map(list, zip(*drawn, strict=True))
        # (B, T), (B, T - 1)
        ids, mask = packed(task, questions, transcripts, length)
        return ids, np.pad(mask, [(0, 0), (1, 0)])  # (B, T)

    return batch


def teach(task, seed=0, steps=2000, learning_rate=3e-3, **options):
    """Return an agent that was taught from transcripts, and the losses
    (steps,).

    Parameters
    ----------
    task : Market
    seed : int
        Of the weights and the examples.
    steps : int
        Of 64 examples.
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
    checks.seed(seed)
    batch = examples(task, seed)
    keras.utils.set_random_seed(seed)
    model = gpt.GPT(CONFIG)
    losses = training.train(
        model,
        gpt.next_token_loss,
        batch,
        steps,
        learning_rate,
        weight_decay=0.0,
        **options,
    )
    return Agent(task, model), losses


def save(agent, path):
    """Write the weights of an agent, in 16 bits.

    Raises
    ------
    TypeError
        If it is none, or the path is none.
    ValueError
        If the path is empty.
    OSError
        If the file cannot be written.
    """
    checks.kind("agent", agent, Agent)
    checks.path("path", path)
    weights = {
        f"{i:03}": values.astype("float16")
        for i, values in enumerate(agent.model.get_weights())
    }
    with whole(path, "wb") as file:
        np.savez_compressed(file, **weights)


def load(task, path=WEIGHTS):
    """Return an agent with stored weights, by default those that the library
    ships.

    Raises
    ------
    TypeError
        If the task lacks something, or the path is none.
    FileNotFoundError
        If there is no such file.
    ValueError
        If the path is empty, or the file holds no weights of an agent.
    """
    stored = saving.arrays(path, "the weights of an agent")
    agent = Agent(task, gpt.GPT(CONFIG))
    weights = [stored[name].astype("float32") for name in sorted(stored)]
    checks.weights("path", weights, agent.model)
    agent.reset(weights=weights)
    return agent
