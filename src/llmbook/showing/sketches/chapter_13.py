"""The drawings of chapter 13: a logit that adds up, clauses, two cuts, and
words that change sides.
"""

import textwrap

from llmbook.showing.sketch import Sketch


def adding_up(words, worth, weights, contributions):
    """Draw how worth times weight, word by word, adds up to a logit.

    Parameters
    ----------
    words : list of T str
    worth, weights, contributions : (T,)
    """
    logit = sum(contributions)
    s = Sketch(
        "fig-adding-up",
        "A logit that adds up",
        "A row for each word: what it is worth, how much it counts, drawn as a "
        f"bar as well, and their product. The products add up to {logit:+.2f}.",
        height=76 + 48 * len(words),
    )
    heads = {114: "worth", 206: "counts", 304: "gives"}
    for x, head in heads.items():
        s.text(x, 14, head, "strong", anchor="middle")
    rows = zip(words, worth, weights, contributions, strict=True)
    for i, (word, value, weight, given) in enumerate(rows):
        y = 30 + 48 * i
        s.text(6, y + 14, word, "strong")
        s.cells(84, y, [[f"{value:+.1f}"]], 60, 28)
        s.text(160, y + 14, "×", "strong", anchor="middle")
        s.cells(176, y, [[weight]], 60, 28)
        s.bar(176, y + 31, 60, 8, weight)
        s.text(252, y + 14, "=", "strong", anchor="middle")
        s.cells(268, y, [[f"{given:+.2f}"]], 72, 28)
    low = 30 + 48 * len(words)
    s.text(250, low + 18, "sum: the logit", anchor="end")
    s.box(268, low + 2, 72, f"{logit:+.2f}", "good", 32)
    return s


def sentence_and_clauses(sentence, terms):
    """Draw a sentence that judges several things, and the clause of each.

    Parameters
    ----------
    sentence : str
    terms : list of (str, str, bool)
        Each term, its clause, and whether it is praised.
    """
    lines = textwrap.wrap(sentence, 46)
    low = 24 + 18 * len(lines)
    s = Sketch(
        "fig-clauses",
        "One sentence, several judgements",
        "Above the whole sentence, below it the clause of each term, with what "
        "is said of the term: "
        + "; ".join(f"{term} {_verdict(good)}" for term, _, good in terms)
        + ".",
        height=low + 64 * len(terms) + 14,
    )
    for i, line in enumerate(lines):
        s.text(180, 14 + 18 * i, line, anchor="middle")
    for i, (term, clause, good) in enumerate(terms):
        y = low + 16 + 64 * i
        s.text(6, y + 14, _verdict(good), "good" if good else "word")
        s.box(
            84,
            y,
            270,
            [term, f"“{clause}”"],
            "good" if good else "data",
            height=44,
        )
    return s


def _verdict(good):
    return "praised" if good else "blamed"


def two_cuts(low, high, examples):
    """Draw one score, cut twice into three classes.

    Parameters
    ----------
    low, high : float
        The cuts.
    examples : list of (str, float)
        Short texts and their scores.
    """
    s = Sketch(
        "fig-two-cuts",
        "One score, two cuts",
        f"A line of scores. Below {low:.2f} a text is called negative, above "
        f"{high:.2f} positive, and neutral between. Texts stand at their "
        "scores: "
        + "; ".join(f"{text}, {score:+.2f}" for text, score in examples)
        + ".",
        height=88 + 44 * len(examples),
    )
    scores = [low, high, *(score for _, score in examples)]
    least, most = min(scores), max(scores)

    def place(score):
        return 24 + 304 * (score - least) / (most - least)

    axis, bottom = 32, 50 + 24 * len(examples)
    s.arrow((8, axis), (352, axis))
    for cut, anchor, shift in ((low, "end", 4), (high, "start", -4)):
        x = place(cut)
        s.arrow((x, axis - 10), (x, bottom), kind="forbidden", tip=False)
        s.text(x + shift, bottom + 14, f"{cut:+.2f}", "shape", anchor=anchor)
    middles = (
        (8 + place(low)) / 2,
        (place(low) + place(high)) / 2,
        (place(high) + 352) / 2,
    )
    names = (("negative", "word"), ("neutral", ""), ("positive", "good"))
    for x, (name, kind) in zip(middles, names, strict=True):
        s.text(x, 12, name, kind, anchor="middle")
    for i, (text, score) in enumerate(examples):
        s.number(place(score), 58 + 24 * i, i + 1)
        s.text(6, bottom + 42 + 20 * i, f"{i + 1}. {text}")
    return s


def words_that_change_sides(words, worth):
    """Draw what words are worth in two domains, on both sides of a line.

    Parameters
    ----------
    words : list of N str
    worth : dict of str to (N,)
        Of two domains, by their names.
    """
    most = max(abs(value) for values in worth.values() for value in values)
    said = [
        f"{word} "
        + " and ".join(
            f"{values[i]:+.1f} in {domain}" for domain, values in worth.items()
        )
        for i, word in enumerate(words)
    ]
    s = Sketch(
        "fig-changing-sides",
        "Words that change sides",
        "Two bars for each word, one for each domain, to the left of a line if "
        f"the word is blame there and to the right if it is praise: "
        f"{'; '.join(said)}.",
        height=34 + 58 * len(words),
    )
    axis, reach = 206, 86
    s.text(axis - 8, 12, "blame", "word", anchor="end")
    s.text(axis + 8, 12, "praise", "good")
    s.arrow((axis, 24), (axis, 30 + 58 * len(words)), tip=False)
    for i, word in enumerate(words):
        s.text(4, 52 + 58 * i, word, "strong")
        for j, (domain, values) in enumerate(worth.items()):
            y, value = 30 + 58 * i + 26 * j, float(values[i])
            length = reach * abs(value) / most
            praise = value > 0
            x = axis if praise else axis - length
            s.bar(x, y, length, 18, 1, "good" if praise else "word")
            # beside the line, on the free side
            side = axis + (-6 if praise else 6)
            anchor = "end" if praise else "start"
            s.text(side, y + 9, domain, anchor=anchor)
            end = x + length + 4 if praise else x - 4
            anchor = "start" if praise else "end"
            s.text(end, y + 9, f"{value:+.1f}", "shape", anchor=anchor)
    return s
