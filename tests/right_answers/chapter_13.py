"""Other answers to the exercises of chapter 13 that must be accepted."""

import re

import numpy as np


def between_two_scores(scores, share):
    """Sort, and cut between two scores."""
    largest = np.sort(scores)[::-1]
    number = round(share * len(scores))
    return (largest[number - 1] + largest[number]) / 2


def text_by_text(logits, words):
    """Score one text at a time."""
    whole, losses = logits([" ".join(words)])[0], []
    for place in range(len(words)):
        changed = list(words)
        changed[place] = "□"
        losses.append(whole - logits([" ".join(changed)])[0])
    return losses


def column_by_column(accuracy):
    """Average the other rows of each column."""
    return [
        accuracy[i, i] - np.delete(accuracy[:, i], i).mean()
        for i in range(len(accuracy))
    ]


def by_a_pattern(words):
    """Find scopes in the whole text by a regular expression."""
    found, denied = [], False
    for word in words:
        if re.fullmatch(r"[.,;:!?]", word):
            denied = False
        elif re.fullmatch(r"not|no|never|.*n't", word):
            denied = True
        elif denied:
            word = "NOT_" + word
        found.append(word)
    return found


def one_text_at_a_time(logits, texts, explanations):
    """Compare the signs of two scores, text by text."""
    turns = 0
    for words, values in zip(texts, explanations, strict=True):
        before = logits([" ".join(words)])[0]
        place = np.argmax(values) if before > 0 else np.argmin(values)
        changed = list(words)
        changed[place] = "□"
        turns += (logits([" ".join(changed)])[0] > 0) != (before > 0)
    return turns / len(texts)


RIGHT = {
    "13.1": [between_two_scores],
    "13.2": [text_by_text],
    "13.3": [column_by_column],
    "13.4": [by_a_pattern],
    "13.5": [one_text_at_a_time],
}
