"""A model that writes what a script says, to test a loop without learning."""

from types import SimpleNamespace

import numpy as np

from llmbook.agents import grammar


class Array(np.ndarray):
    """An array that answers as a tensor does."""

    def numpy(self):
        return np.asarray(self)


class Scripted:
    """Writes the next turn of a script, chosen by the question before it.

    A script is a list of turns, or a function from all that was read (the
    question and the transcript) to a turn.
    """

    def __init__(self, scripts):
        self.scripts = scripts
        self.config = SimpleNamespace(vocab_size=grammar.VOCAB_SIZE, length=200)
        self.decode = {True: self._decode}
        self.seen = []

    def _decode(self, ids, max_new, *settings):
        rows = np.zeros((len(ids), ids.shape[1] + max_new), int)
        for row, given in zip(rows, ids, strict=True):
            text = grammar.decode(given)
            self.seen.append(text)
            question = next(q for q in self.scripts if text.startswith(q))
            script = self.scripts[question]
            if callable(script):
                turn = script(text)
            else:
                read = grammar.turns(text[len(question) :])
                turn = script[sum(t.startswith("R") for t in read)]
            new = grammar.encode_transcript(turn)[:max_new]
            row[ids.shape[1] : ids.shape[1] + len(new)] = new
        return rows.view(Array)

    def next_logits(self, ids, caches=None):
        logits = np.zeros((len(ids), grammar.VOCAB_SIZE))
        logits[:, grammar.encode_transcript("A")] = 9.0
        logits[:, grammar.encode_transcript("F")] = 1.0
        return logits, caches
