"""The drawings of chapter 5: the way from a raw line to an answer, a leak
between two parts of the data, the four views of a character, two models side by
side, pooling beside attention, and the test of an explanation by deletion.
"""

from itertools import pairwise

from llmbook.showing.sketch import NARROW as WIDTH
from llmbook.showing.sketch import Sketch


def way(line, characters, words):
    """Draw the way of a review through the chapter, from a raw line to an
    answer.

    Parameters
    ----------
    line : str
    characters : list of str
        The first of its tokens.
    words : list of str
        The first words that it is cut into.
    """
    s = Sketch(
        "fig-classifier-way",
        "From a raw line to an answer",
        "Seven steps from top to bottom: a raw line is cleaned, cut into "
        "characters and words, turned into ids, padded; a block of attention "
        "and a pooling turn it into one logit, and a temperature into a "
        "probability. Only the model in the middle is learned.",
        height=456,
    )
    steps = [
        ([f"raw line: {line}"], "data", ""),
        (["clean", "one copy of each text, split"], "op", "1"),
        ([f"segment: {' '.join(words)}", " ".join(characters)], "op", "2"),
        (["ids and padding", "T positions of 4 ids each"], "op", "2"),
        (["model", "embed, attend, pool: one logit z"], "learned", "3"),
        (["temperature", "z / τ, then the sigmoid"], "op", "4"),
        (["probability of a positive review"], "good", ""),
    ]
    y, before = 4, None
    for lines, kind, number in steps:
        height = 28 if len(lines) == 1 else 48
        box = s.box(44, y, 272, lines, kind, height)
        if before is not None:
            s.arrow(before.bottom, box.top)
        if number:
            s.number(22, box.centre[1], number)
        before, y = box, y + height + 24
    return s


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


def two_models():
    """Draw the plain classifier and the better one, differences in green."""
    s = Sketch(
        "fig-two-models",
        "The plain model and the better one",
        "Two columns of boxes, from below to above. Left: ids, embedding, "
        "self-attention, mean over the tokens, one unit. Right, with what is "
        "new in green: four views of each character, their sum, positions, a "
        "block of norm, self-attention and feed-forward network whose results "
        "are added to the stream, pooling by attention, one unit.",
        height=452,
    )
    s.text(84, 12, "plain", "strong", anchor="middle")
    s.text(272, 12, "better", "strong", anchor="middle")
    plain = [
        ("ids", "data", 416),
        ("embedding", "learned", 368),
        ("self-attention", "learned", 238),
        ("mean", "op", 72),
        ("one unit", "learned", 28),
    ]
    better = [
        ("ids of 4 views", "good", 416),
        ("embed and add", "good", 368),
        ("+ positions", "good", 324),
        ("self-attention", "learned", 238),
        ("feed-forward", "good", 150),
        ("pooling", "good", 72),
        ("one unit", "learned", 28),
    ]
    for x, width, column in ((14, 140, plain), (202, 140, better)):
        boxes = [s.box(x, y, width, name, kind, 28) for name, kind, y in column]
        for low, high in pairwise(boxes):
            s.arrow(low.top, high.bottom)
    s.frame(182, 116, 172, 190)
    for y, branch in ((216, 290), (128, 194)):
        # beside the branch, the stream goes on as it is
        s.arrow((272, branch), (192, branch), (192, y), (262, y), kind="stream")
        s.plus(272, y, 9)
    s.text(278, 290, "norm", "good")
    s.text(278, 194, "norm", "good")
    return s


def pooling(tokens, self_weights, pooled_weights):
    """Draw the weights of self-attention beside those of a pooling.

    Parameters
    ----------
    tokens : list of T str
    self_weights : (T, T)
    pooled_weights : (T,)
    """
    said = ", ".join(
        f"{token} {weight:.2f}"
        for token, weight in zip(tokens, pooled_weights, strict=True)
    )
    s = Sketch(
        "fig-pooling",
        "Self-attention and pooling",
        f"Above, self-attention of {len(tokens)} tokens: each has a query, so "
        "the weights fill a square. Below, pooling: one learned query per head,"
        f" so the weights are one row: {said}.",
        height=88 + 30 * len(tokens) + 96,
    )
    size, x = 46, 118
    top = 40
    s.text(6, 12, "self-attention: a query of every token", "strong")
    for i, token in enumerate(tokens):
        s.text(x + size * (i + 0.5), 30, token, anchor="middle")
        s.text(x - 10, top + 30 * i + 15, token, anchor="end")
    s.cells(x, top, self_weights, size, 30, shade=self_weights)
    y = top + 30 * len(tokens) + 34
    s.text(6, y, "pooling: one learned query", "strong")
    s.box(6, y + 14, 92, "query", "learned", 30)
    s.arrow((98, y + 29), (x - 2, y + 29))
    s.cells(x, y + 14, [pooled_weights], size, 30, shade=[pooled_weights])
    s.text(x, y + 60, "one vector, not one per token")
    return s


def rollout(tokens, weights, pooled, shares):
    """Draw the paths of a rollout through one block and its residual.

    Parameters
    ----------
    tokens : list of T str
    weights : (T, T)
        Of the block.
    pooled : (T,)
        Of the pooling.
    shares : (T,)
        What the rollout gives each token.
    """
    found = ", ".join(
        f"{token} {share:.2f}"
        for token, share in zip(tokens, shares, strict=True)
    )
    s = Sketch(
        "fig-rollout",
        "Rollout: paths through a block and its residual",
        "Tokens at the bottom, positions after the block in the middle, the "
        "pooled vector on top. Half of each position comes straight from its "
        "own token, along the stream, and half by attention; lines are as "
        f"thick as their share. The tokens' shares are {found}.",
        height=322,
    )
    step = (WIDTH - 24) / len(tokens)
    xs = [12 + step * (i + 0.5) for i in range(len(tokens))]
    top = s.box(126, 4, 108, "pooled", "good", 28)
    for x, weight in zip(xs, pooled, strict=True):
        middle = s.box(x - 26, 112, 52, "", "data", 24)
        s.arrow(
            middle.top, top.bottom, kind="value", tip=False, strength=weight
        )
        s.text(x + 30, 104, f"{weight:.2f}")
    for i, x in enumerate(xs):
        for j, source in enumerate(xs):
            s.arrow(
                (source - 8, 252),
                (x - 8, 136),
                kind="value",
                tip=False,
                strength=weights[i][j] / 2,
            )
        s.arrow((x + 14, 252), (x + 14, 136), kind="stream", tip=False)
    for x, token, share in zip(xs, tokens, shares, strict=True):
        s.box(x - 26, 252, 52, token, "query", 28)
        s.text(x, 296, f"{share:.2f}", "strong", anchor="middle")
    s.text(6, 316, "rollout: the share of each token, over all paths")
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
