"""Semantic roles: sentences that a grammar writes, sentences that people wrote,
and rules.
"""
