"""Reasoning with answers that can be checked: two tasks whose judge is a
program, policies that write solutions, and measures of many answers.

:mod:`~llmbook.reasoning.calculator` and :mod:`~llmbook.reasoning.countdown` are
tasks of :mod:`llmbook.feedback.loop`: the program that checks a solution is
what scores it, so that the methods of :mod:`llmbook.feedback.methods` learn
from it as they do from a person. :mod:`~llmbook.reasoning.policy` makes the
models, :mod:`~llmbook.reasoning.signs` says how they read, and
:mod:`~llmbook.reasoning.answers` measures many answers to one problem.
"""
