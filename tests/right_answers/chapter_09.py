"""Other answers to the exercises of chapter 9 that must be accepted."""

import re


def place_by_place(words, text):
    """Look for every old one that lies inside of no new one."""
    asked = re.findall(r'Write "([^"]*)" instead of "([^"]*)"', words)

    def spans(part):
        return [found.span() for found in re.finditer(re.escape(part), text)]

    met = [
        bool(spans(new))
        and all(
            any(start <= a and b <= end for start, end in spans(new))
            for a, b in spans(old)
        )
        for new, old in asked
    ]
    return sum(met) / len(met)


RIGHT = {"9.3": [place_by_place]}
