"""The texts that the book reads, each loaded by a module of its own, or written
by rules.
"""
