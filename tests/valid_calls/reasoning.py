"""A valid call of each public function of ``llmbook.reasoning``."""

import random

import numpy as np
from letter_world import Tiny

from llmbook.feedback.learner import Learner
from llmbook.reasoning import signs
from llmbook.reasoning.calculator import Calculator
from llmbook.reasoning.countdown import Countdown

PROBLEM, TEXT = "7+5*3-2=", "7+5=2*3=6-2=4"
GAME, LINE = "257>19=", "2*7=14+5=19"
SUM = {"problem": PROBLEM, "text": TEXT}
ONE = Calculator(1, 1)


def rng():
    """Random numbers that are the same each time."""
    return random.Random(0)


def write(model, prompts, max_new, temperature, stop, seed):
    """A pen that gives one answer to everything."""
    rows = np.zeros((len(prompts), max_new), int)
    rows[:, :6] = [*signs.encode("1+1=2"), stop]
    return rows


def learner():
    """A learner of sums with one operation."""
    return Learner(ONE, Tiny(size=signs.VOCAB_SIZE), write)


CALLS = {
    "signs.encode": {"text": PROBLEM},
    "signs.decode": {"ids": signs.encode(PROBLEM)},
    "signs.split_of": {"problem": PROBLEM},
    "calculator.press": {"display": 7, "sign": "+", "operand": 5},
    "calculator.work_out": {"problem": PROBLEM},
    "calculator.solve": {"problem": PROBLEM, "form": "displays"},
    "calculator.read": {"text": TEXT},
    "calculator.right_steps": SUM,
    "calculator.right_displays": SUM,
    "calculator.judge": SUM | {"by": "answer"},
    "calculator.Calculator": {
        "least": 2,
        "most": 3,
        "form": "displays",
        "by": "anywhere",
    },
    "calculator.Calculator.draw": lambda: {
        "self": ONE,
        "rng": rng(),
        "split": "test",
    },
    "calculator.Calculator.example": lambda: {"self": ONE, "rng": rng()},
    "calculator.Calculator.demonstrate": {"self": ONE, "problem": PROBLEM},
    "calculator.Calculator.score": SUM | {"self": ONE},
    "calculator.Calculator.tick": SUM | {"self": ONE},
    "calculator.Calculator.places": SUM | {"self": ONE},
    "countdown.work_out": {"digits": "275", "operations": "*+"},
    "countdown.lines": {"digits": "257"},
    "countdown.result": {"line": LINE},
    "countdown.is_right": {"problem": GAME, "line": LINE},
    "countdown.calculates": {"line": LINE},
    "countdown.target_of": {"problem": GAME},
    "countdown.chance": {"problem": GAME},
    "countdown.judge": {"problem": GAME, "text": LINE, "by": "any"},
    "countdown.Countdown": {"tries": 2, "by": "any"},
    "countdown.Countdown.draw": lambda: {
        "self": Countdown(),
        "rng": rng(),
        "split": "test",
    },
    "countdown.Countdown.example": lambda: {"self": Countdown(), "rng": rng()},
    "countdown.Countdown.score": {
        "self": Countdown(),
        "problem": GAME,
        "text": LINE,
    },
    "answers.pass_at_k": {"right": np.array([1, 2]), "n": 4, "k": 2},
    "answers.vote": {"answers": ["3", "4", "4"]},
    "answers.vote_at_k": lambda: {
        "answers": [["3", "4", "4"]],
        "wanted": ["4"],
        "k": 2,
        "rng": np.random.default_rng(0),
        "draws": 3,
    },
    "answers.mean_and_error": {"values": np.array([0.0, 1.0, 1.0])},
    "policy.Solver": lambda: {
        "task": ONE,
        "model": Tiny(size=signs.VOCAB_SIZE),
        "generate": write,
        "reference": Tiny(size=signs.VOCAB_SIZE),
    },
    "policy.examples": {"task": ONE, "seed": 1, "batch_size": 2},
    "policy.teach": {
        "task": ONE,
        "seed": 1,
        "steps": 1,
        "batch_size": 2,
        "learning_rate": 1e-3,
        "jit_compile": False,
    },
    "policy.teach_until": {
        "task": ONE,
        "problems": ["1+1=", "2+3="],
        "least": 0.0,
        "seed": 1,
        "every": 1,
        "most": 1,
        "learning_rate": 1e-3,
    },
    "policy.sample": lambda: {
        "learner": learner(),
        "problems": ["1+1=", "2+3="],
        "number": 2,
        "temperature": 0.5,
    },
    "policy.practise": lambda: {
        "learner": learner(),
        "method": "reinforce",
        "annotations": 4,
        "seed": 1,
        "look": lambda learner, done: 1.0,
        "every": 2,
        "batch_size": 2,
    },
}
