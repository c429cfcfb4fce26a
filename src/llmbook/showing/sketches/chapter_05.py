"""The drawings of chapter 5: a leak between two parts of the data, the four
views of a character, and the test of an explanation by deletion.
"""

from llmbook.showing.sketch import Sketch


def leak(leaky, clean):
    """Draw a repeated review on both sides of a split, and on one side only.

    Parameters
    ----------
    leaky, clean : float
        The accuracies on the two test parts.
    """
    s = Sketch(
        "fig-leak",
        "A leak between training and test",
        "Above, five lines of which two are the same review A are split: one "
        "copy of A falls into training, the other into the test, where the "
        f"accuracy is {leaky:.0%}. Below, the copy is removed before the "
        f"split: A is in training alone, and the accuracy is {clean:.0%}.",
        height=346,
    )
    _split(s, 4, "split the lines", "ABACD", "ABC", [2, 4], leaky)
    _split(s, 180, "remove repeats, then split", "ABCD", "ABC", [3], clean)
    return s


def _split(s, y, title, lines, training, tested, accuracy):
    """Draw lines, and below them the part that each of them falls into."""
    s.text(6, y + 8, title, "strong")
    kinds = ["query" if line == "A" else "data" for line in lines]
    above = [
        s.box(24 + 66 * i, y + 22, 52, line, kind, 28)
        for i, (line, kind) in enumerate(zip(lines, kinds, strict=True))
    ]
    s.frame(6, y + 82, 190, 76)
    s.frame(206, y + 82, 148, 76)
    s.text(16, y + 144, f"training: {len(training)}")
    s.text(216, y + 144, f"test: accuracy {accuracy:.0%}")
    trained = [i for i in range(len(lines)) if i not in tested]
    for x, i in [
        *zip((14, 74, 134), trained, strict=True),
        *zip((214, 280)[: len(tested)], tested, strict=True),
    ]:
        below = s.box(x, y + 94, 54, lines[i], kinds[i], 28)
        s.arrow(above[i].bottom, below.top)


def four_views(text, position, views, ids, vectors):
    """Draw how the views of one character are looked up and added.

    Parameters
    ----------
    text : str
        At most eight characters.
    position : int
        Of the character that is embedded.
    views : list of 4 str
    ids : (4,)
    vectors : (4, 3)
        The first numbers of their embeddings.
    """
    s = Sketch(
        "fig-four-views",
        "Four views of one character",
        f"The character {text[position]} of {text} is looked up four times, as "
        f"{', '.join(views)}. Each view has an id and a row of the table; the "
        "four rows are added, number by number, and their sum is the vector "
        "of this position.",
        height=306,
    )
    for i, character in enumerate(text):
        kind = "query" if i == position else "data"
        s.box(12 + 36 * i, 4, 32, character, kind, 28)
    chosen = 12 + 36 * position + 16
    xs = [6, 118, 190]
    for x, name in zip(xs, ["view", "id", "its row of E"], strict=True):
        s.text(x, 68, name, "strong")
    s.arrow((chosen, 32), (chosen, 58))
    for i, (view, number) in enumerate(zip(views, ids, strict=True)):
        y = 80 + 38 * i
        s.box(6, y, 98, view, "query", 28)
        s.arrow((104, y + 14), (116, y + 14))
        s.text(120, y + 14, str(number), "shape")
        s.arrow((166, y + 14), (188, y + 14))
        s.cells(190, y + 2, [vectors[i]], 50, 24, digits=3)
        s.text(344, y + 14, "…")
        if i:
            s.text(265, y - 5, "+", "strong", anchor="middle")
    s.arrow((265, 224), (265, 252))
    s.cells(190, 254, [vectors.sum(axis=0)], 50, 24, digits=3)
    s.text(344, 266, "…")
    s.text(178, 266, f"x at {text[position]}", "strong", anchor="end")
    s.text(265, 292, "their sum", anchor="middle")
    return s


def deletion_test(groups, hole):
    """Draw a review that loses characters, and the probability that is left.

    Parameters
    ----------
    groups : dict of str to list of (str, float)
        For each ranking the texts, more and more of whose characters are holes,
        and the probability of the first answer.
    hole : str
    """
    said = "; ".join(
        f"by {name}: {', '.join(f'{p:.2f}' for _, p in rows)}"
        for name, rows in groups.items()
    )
    rows = sum(map(len, groups.values()))
    s = Sketch(
        "fig-deletion-test",
        "The deletion test",
        "A review whose most important characters become holes, row by row, "
        f"and the probability that is left of the first answer, {said}.",
        height=26 * rows + 34 * len(groups),
    )
    y = 0
    for name, found in groups.items():
        s.text(6, y + 16, f"deleted by {name}", "strong")
        y += 30
        for text, p in found:
            for i, character in enumerate(text):
                kind = "word" if character == hole else ""
                s.text(6 + 14 * i, y + 10, character, kind)
            s.bar(248, y + 4, 72, 12, p)
            s.text(328, y + 10, f"{p:.2f}")
            y += 26
        y += 4
    return s
