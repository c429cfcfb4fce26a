"""Typical wrong answers to the exercises of chapter 9."""

import re

ASKED = r'Write "([^"]*)" instead of "([^"]*)"'


def _new_alone(words, text):
    asked = re.findall(ASKED, words)
    return sum(new in text for new, _ in asked) / len(asked)


def _old_anywhere(words, text):
    asked = re.findall(ASKED, words)
    return sum(new in text and old not in text for new, old in asked) / len(
        asked
    )


def _all_or_nothing(words, text):
    asked = re.findall(ASKED, words)
    return float(
        all(
            new in text and old not in text.replace(new, "")
            for new, old in asked
        )
    )


def _the_new_taken_out(words, text):
    asked = re.findall(ASKED, words)
    met = [
        new in text and old not in text.replace(new, "") for new, old in asked
    ]
    return sum(met) / len(met)


def _in_place(kernel, down, up, alpha):
    kernel += alpha / down.shape[1] * down @ up
    return kernel


WRONG = {
    "9.1": [
        lambda shapes, rank: sum(d_in * d_out for d_in, d_out in shapes),
        lambda shapes, rank: sum(rank * d_in * d_out for d_in, d_out in shapes),
        lambda shapes, rank: rank * sum(shapes[0]),
    ],
    "9.2": [
        lambda kernel, down, up, alpha: kernel + alpha * down @ up,
        lambda kernel, down, up, alpha: kernel + down @ up,
        lambda kernel, down, up, alpha: (
            kernel + alpha / up.shape[1] * down @ up
        ),
        _in_place,
    ],
    "9.3": [_new_alone, _old_anywhere, _all_or_nothing, _the_new_taken_out],
}
