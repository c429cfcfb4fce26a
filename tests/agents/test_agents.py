"""Agents: what the loss counts, and that they learn from the score of what
came of their calls."""

import random

import numpy as np
import pytest
from agents.scripted import Scripted
from letter_world import Tiny

from llmbook.agents import grammar, loop, policy
from llmbook.agents.market import KINDS, Market, Question
from llmbook.feedback.methods import METHODS
from llmbook.models import gpt
from llmbook.reasoning.policy import practise

TEA = Question("price of tea?", "price", "37", {"tea": "37", "nut": "12"})


def test_results_are_not_in_the_loss():
    ids, mask = policy.packed(Market(), [TEA], ["Ftea.R37.A37."], 40)
    assert grammar.decode(ids[0]) == "price of tea?Ftea.R37.A37."
    counted = grammar.decode(ids[0, 1:][mask[0] == 1])
    assert counted == "Ftea.A37."
    assert grammar.decode(ids[0, 1:][mask[0] == 0]) == "rice of tea?R37."


def test_batches_depend_on_seed_and_step_alone():
    first, again, other = (
        policy.examples(Market(), seed, 4) for seed in (0, 0, 1)
    )
    ids, weights = first(7)
    np.testing.assert_array_equal(ids, again(7)[0])
    assert (ids != first(8)[0]).any()
    assert (ids != other(7)[0]).any()
    assert ids.shape == weights.shape
    assert not weights[:, 0].any()
    for row, counts in zip(ids, weights, strict=True):
        text = grammar.decode(row)
        _question, rest = text.split("?")
        own = grammar.of_model(rest)
        assert grammar.decode(row[counts == 1]) == "".join(
            sign for sign, mine in zip(rest, own, strict=True) if mine
        )


class Undecided(Scripted):
    """Calls or answers at once, half of the time each; its weights are those
    of a table of logits, and learning goes by them."""

    def __init__(self):
        super().__init__({})
        self.rng = random.Random(0)

    def _decode(self, ids, max_new, *settings):
        self.scripts = {"": self._turn}
        return super()._decode(ids, max_new)

    def _turn(self, text):
        _question, transcript = text.split("?")
        if transcript or self.rng.random() < 0.5:
            return "A7." if "R" not in transcript else "A37."
        return "Ftea."


class Watched(policy.Agent):
    """An agent whose pen is a script, and whose policy is a table."""

    def runs(self, records, temperature=1.0):
        return loop.run(
            self.pen,
            [record.text for record in records],
            [record.toolbox(self.strict) for record in records],
            self.limits,
        )


class Teas(Market):
    """Nothing but one question."""

    def draw(self, rng, split="train"):
        return TEA


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("grpo_scores", {"groups": 2, "group_size": 8, "updates": 1}),
        ("reinforce", {"batch_size": 16}),
        ("expert_iteration", {"rounds": 1, "least": 0.5}),
        ("sft", {"steps": 40}),
    ],
)
def test_calls_that_help_become_likelier(method, options):
    assert method in METHODS
    agent = Watched(Teas(), Tiny(size=grammar.VOCAB_SIZE))
    agent.jit_compile, agent.pen = False, Undecided()
    texts = ["Ftea.R37.A37.", "A7."]
    ids, mask = agent.examples([TEA, TEA], texts)

    def lead():
        """How much likelier the call is than the guess, at its first sign."""
        found = agent.log_probs(agent.model, ids)
        first = mask.argmax(axis=1)
        return found[0, first[0]] - found[1, first[1]]

    before = lead()
    practise(agent, method, 64, learning_rate=0.05, **options)
    assert lead() > before + 0.5


def test_a_dear_call_becomes_rarer():
    """A price above what a call is worth turns the lesson round."""
    agent = Watched(Teas(price=1.0), Tiny(size=grammar.VOCAB_SIZE))
    agent.jit_compile, agent.pen = False, Undecided()
    agent.pen._turn = lambda text: (
        "A37." if "R" in text or agent.pen.rng.random() < 0.5 else "Ftea."
    )
    ids, mask = agent.examples([TEA], ["Ftea.R37.A37."])
    at = mask.argmax(axis=1)[0]
    before = agent.log_probs(agent.model, ids)[0, at]
    practise(
        agent,
        "grpo_scores",
        64,
        learning_rate=0.05,
        groups=2,
        group_size=8,
        updates=1,
    )
    assert agent.log_probs(agent.model, ids)[0, at] < before - 0.1


def test_stored_agents_write_the_same(tmp_path):
    agent, losses = policy.teach(Market(), 3, 2, jit_compile=False)
    assert losses.shape == (2,)
    assert losses[0] > 1
    assert isinstance(agent.model, gpt.GPT)
    path = tmp_path / "agent.npz"
    policy.save(agent, path)
    again = policy.load(Market(), path)
    for old, new in zip(
        agent.model.get_weights(), again.model.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(old.astype("float16"), new)
    np.testing.assert_array_equal(
        again.model.get_weights()[0], again.reference.get_weights()[0]
    )
    np.savez(path, np.zeros(3))
    with pytest.raises(ValueError, match="path"):
        policy.load(Market(), path)


def test_limits_and_lengths_agree():
    agent = policy.Agent(Market(), gpt.GPT(policy.CONFIG))
    assert agent.limits.signs == Market.draft_length
    records = [Market([kind]).draw(random.Random(0)) for kind in KINDS]
    for text in agent.draft(records):
        assert 0 < len(text) <= Market.draft_length
    longest = Market.draft_prompt_length + 60 + agent.limits.turn
    assert longest <= policy.CONFIG.length
