"""Agents: a language model that calls tools, and the program that carries its
calls out.

:mod:`~llmbook.agents.grammar` says how calls, results and answers are written,
and who writes which sign; :mod:`~llmbook.agents.tools` holds the tools, their
whitelist and their limits; :mod:`~llmbook.agents.loop` lets a model think,
call, observe and answer. :mod:`~llmbook.agents.market` is a task of
:mod:`llmbook.feedback.loop` in which a call sometimes helps, and
:mod:`~llmbook.agents.policy` teaches agents and lets them learn from a reward.
"""
