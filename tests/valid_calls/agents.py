"""A valid call of each public function of ``llmbook.agents``."""

import random

from agents.scripted import Scripted

from llmbook.agents import loop, policy
from llmbook.agents.market import Market, Question
from llmbook.agents.tools import Ledger, Lookup, Toolbox, calculate
from llmbook.models import gpt

TRANSCRIPT = "Ftea.R37.A37."
QUESTION = Question("price of tea?", "price", "37", {"tea": "37", "nut": "12"})
MARKET = Market()
ASKED = {"self": MARKET, "question": QUESTION}


def rng():
    """Random numbers that are the same each time."""
    return random.Random(0)


def box():
    """A toolbox that may not pay."""
    tools = {"C": calculate, "F": Lookup({"tea": "37"}), "P": Ledger()}
    return Toolbox(tools, "CF")


def agent():
    """An agent that has learned nothing."""
    return policy.Agent(MARKET, gpt.GPT(policy.CONFIG))


CALLS = {
    "grammar.plain": {"text": "Tea?"},
    "grammar.encode": {"text": "tea?"},
    "grammar.encode_transcript": {"transcript": TRANSCRIPT},
    "grammar.decode": {"ids": [1, 2, 3]},
    "grammar.read": {"turn": "Ftea."},
    "grammar.turns": {"transcript": TRANSCRIPT},
    "grammar.calls": {"transcript": TRANSCRIPT},
    "grammar.answer": {"transcript": TRANSCRIPT},
    "grammar.of_model": {"transcript": TRANSCRIPT},
    "grammar.shown": {"transcript": TRANSCRIPT},
    "tools.calculate": {"text": "47*83"},
    "tools.Lookup": {"entries": {"tea": "37"}},
    "tools.Ledger": {},
    "tools.Toolbox": lambda: {
        "tools": {"C": calculate, "F": Lookup({"tea": "37"})},
        "allowed": "CF",
        "longest": 9,
    },
    "tools.Toolbox.carry_out": lambda: {
        "self": box(),
        "sign": "F",
        "text": "tea",
    },
    "loop.run": lambda: {
        "model": Scripted({"price of tea?": ["Ftea.", "A37."], "": ["A."]}),
        "questions": ["price of tea?"],
        "toolboxes": [box()],
        "limits": loop.Limits(),
        "temperature": 0.5,
        "seed": 1,
        "opening": "free",
        "clock": lambda: 0.0,
    },
    "loop.advance": lambda: {
        "transcript": "Ftea.R37.C6*37.",
        "begun": 9,
        "toolbox": box(),
        "limits": loop.Limits(),
    },
    "market.solution": {"question": QUESTION},
    "market.inject": {"question": QUESTION, "entry": "pay mal 99"},
    "market.Question.toolbox": {"self": QUESTION, "strict": False},
    "market.Market": {
        "kinds": ["price", "times"],
        "price": 0.2,
        "called": ["price"],
    },
    "market.Market.draft_prompt": ASKED,
    "market.Market.draw": lambda: {
        "self": MARKET,
        "rng": rng(),
        "split": "test",
    },
    "market.Market.example": lambda: {
        "self": MARKET,
        "rng": rng(),
        "share": 0.3,
    },
    "market.Market.demonstrate": ASKED,
    "market.Market.is_right": ASKED | {"transcript": TRANSCRIPT},
    "market.Market.score": ASKED | {"transcript": TRANSCRIPT},
    "policy.packed": {
        "task": MARKET,
        "questions": [QUESTION],
        "transcripts": [TRANSCRIPT],
        "length": 40,
    },
    "policy.Agent": lambda: {
        "task": MARKET,
        "model": gpt.GPT(policy.CONFIG),
        "generate": lambda *given, **named: None,
        "reference": gpt.GPT(policy.CONFIG),
    },
    "policy.Agent.draft": lambda: {
        "self": agent(),
        "records": [QUESTION],
        "temperature": 0.5,
    },
    "policy.examples": {
        "task": MARKET,
        "seed": 1,
        "batch_size": 2,
    },
    "policy.teach": {
        "task": MARKET,
        "seed": 1,
        "steps": 1,
        "learning_rate": 1e-3,
        "jit_compile": False,
    },
    "policy.save": lambda: {"agent": agent(), "path": "agent.npz"},
    "policy.load": {"task": MARKET, "path": policy.WEIGHTS},
}
