"""Right answers to the exercises of chapter 16 that differ from the solutions."""

import numpy as np


def by_halving(alone, called, calls):
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if called - middle * calls >= alone:
            low = middle
        else:
            high = middle
    return low if called > alone else 0


def sign_by_sign(conversation):
    found = []
    for who, text in conversation:
        if who != "model" or len(text) < 2 or text[0] not in "CFP":
            continue
        inside = text[1:-1]
        is_plain = not any("A" <= sign <= "Z" for sign in inside)
        if text[-1] == "." and "." not in inside and is_plain:
            found.append([text[0], inside])
    return found


class Box:
    def __init__(self, tools, allowed, most):
        self.tools = {s: t for s, t in tools.items() if s in allowed}
        self.left = most

    def __call__(self, sign, text):
        tool = self.tools.get(sign)
        if tool is None or not self.left:
            return "no"
        self.left -= 1
        try:
            return tool(text)
        except ArithmeticError:
            return "error"


def by_means(alone, called):
    wrong, called = ~np.array(alone), np.array(called)
    first = wrong[called].mean() if called.any() else None
    return first, called[wrong].mean() if wrong.any() else None


RIGHT = {
    "16.1": [by_halving],
    "16.2": [sign_by_sign],
    "16.3": [Box],
    "16.4": [by_means],
}
