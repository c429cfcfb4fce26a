"""The drawings of chapter 11: what ROUGE counts, how a pointer-generator finds
its next word, and how coverage fills up.
"""

from itertools import combinations, pairwise

import numpy as np

from llmbook.showing.sketch import Sketch


def rouge_bands(reference, summaries, scores):
    """Draw summaries above a reference, a line for each shared word.

    Parameters
    ----------
    reference : list of str
        Each word once.
    summaries : list of list of str
        Each word once.
    scores : list of Rouge
        Of the summaries.
    """
    said = "; ".join(
        f"{' '.join(words)}: ROUGE-1 {score.rouge1:.2f}, ROUGE-2 "
        f"{score.rouge2:.2f}, ROUGE-L {score.rouge_l:.2f}"
        for words, score in zip(summaries, scores, strict=True)
    )
    s = Sketch(
        "fig-rouge-bands",
        "What ROUGE counts",
        f"The reference {' '.join(reference)} below each of "
        f"{len(summaries)} summaries, with a line between the two places of "
        "each shared word. Solid lines do not cross and are counted by "
        "ROUGE-L, dashed ones are counted by ROUGE-1 alone. A broad band joins "
        f"two neighbours that are neighbours in both. {said}.",
        height=148 * len(summaries) + 20,
    )
    for k, (words, score) in enumerate(zip(summaries, scores, strict=True)):
        y = 6 + 148 * k
        above = _row(s, y, words, reference)
        below = _row(s, y + 84, reference, words)
        links = [
            (i, reference.index(word))
            for i, word in enumerate(words)
            if word in reference
        ]
        kept = _uncrossed(links)
        for i, j in links:
            if (i + 1, j + 1) in links:
                _band(s, above[i], above[i + 1], below[j], below[j + 1])
            kind = "stream" if (i, j) in kept else "back"
            s.arrow(above[i].bottom, below[j].top, kind=kind, tip=False)
        s.text(
            6,
            y + 126,
            f"ROUGE-1 {score.rouge1:.2f}, ROUGE-2 {score.rouge2:.2f}, "
            f"ROUGE-L {score.rouge_l:.2f}",
            "strong",
        )
    s.text(6, 148 * len(summaries) + 10, "solid: lines that do not cross")
    s.text(354, 148 * len(summaries) + 10, "band: a pair", anchor="end")
    return s


def _row(s, y, words, other):
    """Draw words in a row, those that the other text has coloured."""
    gap, boxes, x = 4, [], 6.0
    spare = 348 - gap * (len(words) - 1) - 8 * sum(map(len, words))
    for word in words:
        width = 8 * len(word) + spare / len(words)
        kind = "query" if word in other else "data"
        boxes.append(s.box(x, y, width, word, kind, 28))
        x += width + gap
    return boxes


def _uncrossed(links):
    """Return as many links as possible of which no two cross."""
    return max(
        (
            some
            for size in range(len(links) + 1)
            for some in combinations(sorted(links), size)
            if all(a[1] < b[1] for a, b in pairwise(some))
        ),
        key=len,
    )


def _band(s, one, two, first, second):
    """Draw a broad band from two neighbours to two neighbours."""
    middle = (one.x + two.x + two.width) / 2, one.bottom[1]
    end = (first.x + second.x + second.width) / 2, first.top[1]
    s.fan([middle], end, [1.0])


def two_roads(places, attention, made, gate, mixed, posterior):
    """Draw one step of a pointer-generator, its numbers beside its roads.

    Parameters
    ----------
    places : list of S str
        The source.
    attention : (S,)
    made : dict of str to float
        The probabilities of the vocabulary.
    gate : float
    mixed, posterior : dict of str to float
        The probability of each word, and how much of it comes from copying.
    """
    copied = {
        word: sum(
            w for w, x in zip(attention, places, strict=True) if x == word
        )
        for word in made
    }
    said = ", ".join(
        f"{word} {p:.3f}, of which {posterior[word]:.0%} by copying"
        for word, p in mixed.items()
    )
    s = Sketch(
        "fig-pointer-roads",
        "Two roads and a gate",
        "One step of a pointer-generator. On the left, copying: the attention "
        f"weights over the source {' '.join(places)} are added up by word and "
        f"multiplied by 1 - g = {1 - gate:.2f}. On the right, generating: the "
        f"probabilities of the vocabulary are multiplied by g = {gate:.2f}. "
        f"Both are added: {said}.",
        height=166 + 34 * len(made) + 34 * len(made),
    )
    s.text(6, 12, "copy", "strong")
    s.text(354, 12, "generate", "strong", anchor="end")
    s.tokens(6, 26, places, 44, 0)
    s.cells(6, 54, [attention], 44, 26, 2, [attention])
    vocabulary = s.box(210, 26, 144, ["vocabulary", f"{len(made)} words"])
    y = 108
    s.text(72, 92, "added up by word", anchor="middle")
    s.arrow(vocabulary.bottom, (vocabulary.bottom[0], y))
    for k, word in enumerate(made):
        low = y + 30 * k
        for x, p in ((6, copied[word]), (222, made[word])):
            s.box(x, low, 38, word, "data", 26)
            s.bar(x + 42, low + 5, 52, 16, p)
            s.text(x + 100, low + 13, f"{p:.2f}")
    low = y + 30 * len(made)
    plus = s.plus(180, low + 40)
    s.arrow((66, low), (66, low + 40), plus.left, kind="flow")
    s.arrow((282, low), (282, low + 40), plus.right, kind="flow")
    s.text(76, low + 26, f"× (1 − g) = {1 - gate:.2f}", "learned")
    s.text(272, low + 26, f"× g = {gate:.2f}", "learned", anchor="end")
    s.arrow(plus.bottom, (180, low + 74))
    s.text(6, low + 64, "next word", "strong")
    s.text(354, low + 64, "by copying", "strong", anchor="end")
    for k, (word, p) in enumerate(mixed.items()):
        at = low + 78 + 30 * k
        s.box(6, at, 52, word, "good", 26)
        s.bar(66, at + 5, 170, 16, p)
        s.text(244, at + 13, f"{p:.3f}", "strong")
        s.text(354, at + 13, f"{posterior[word]:.2f}", anchor="end")
    return s


def coverage_fills(places, weights, charges):
    """Draw what each step attends to, what was covered before, and the price.

    Parameters
    ----------
    places : list of S str
    weights : (T, S)
    charges : (T,)
        What each step pays.
    """
    weights = np.asarray(weights)  # (T, S)
    before = np.cumsum(weights, axis=0) - weights  # (T, S)
    said = "; ".join(
        f"step {t + 1} pays {charge:.1f}" for t, charge in enumerate(charges)
    )
    s = Sketch(
        "fig-coverage",
        "Coverage fills up",
        f"A row for each of {len(weights)} steps, with the attention to the "
        f"places {', '.join(places)} on the left, and in the middle the "
        "coverage, which is the sum of the rows before. A step pays for each "
        f"place the smaller of the two numbers: {said}.",
        height=62 + 38 * len(weights),
    )
    width = 132 / len(places)
    left, middle = 54, 194
    s.text(left, 12, "attention", "strong")
    s.text(middle, 12, "coverage before", "strong")
    s.text(354, 12, "pays", "strong", anchor="end")
    for i, place in enumerate(places):
        for x in (left, middle):
            s.text(x + width * (i + 0.5), 34, place, anchor="middle")
    for t, (row, past) in enumerate(zip(weights, before, strict=True)):
        y = 50 + 38 * t
        s.text(6, y + 14, f"step {t + 1}")
        s.cells(left, y, [row], width, 28, 1, [0.7 * row])
        filled = [0.7 * np.minimum(past, 1)]
        s.cells(middle, y, [past], width, 28, 1, filled)
        s.text(354, y + 14, f"{charges[t]:.1f}", "word", anchor="end")
    return s
