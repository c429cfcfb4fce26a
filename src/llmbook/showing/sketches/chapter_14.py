"""The drawings of chapter 14: roles of two verbs, a lattice of tags, and a head
that points.
"""

from llmbook.showing.sketch import SMALL, Sketch, text_width


def asked_twice(examples):
    """Draw one sentence, and below it the roles of each of its verbs.

    Parameters
    ----------
    examples : list of llmbook.corpora.roles.grammar.Example
        Of one sentence.
    """
    tokens = examples[0].words
    said = "; ".join(
        f"asked about {e.words[e.predicate]}: "
        + ", ".join(f"{role} {' '.join(tokens[a:b])}" for a, b, role in e.spans)
        for e in examples
    )
    s = Sketch(
        "fig-asked-twice",
        "One sentence, two verbs, other roles",
        f"The same sentence in two rows, under each its brackets; {said}.",
        height=96 * len(examples),
    )
    widths = [text_width(token, SMALL) + 7 for token in tokens]
    starts = [
        (s.width - sum(widths)) / 2 + sum(widths[:i])
        for i in range(len(tokens) + 1)
    ]
    for row, example in enumerate(examples):
        y = 14 + 96 * row
        verb = example.predicate
        s.text(6, y, f"asked about “{tokens[verb]}”", "learned")
        for i, token in enumerate(tokens):
            kind = "learned" if i == verb else ""
            middle = starts[i] + widths[i] / 2
            s.text(middle, y + 24, token, kind, anchor="middle")
        s.bar(starts[verb] + 2, y + 34, widths[verb] - 4, 4, 1)
        for a, b, role in example.spans:
            s.brace(starts[a] + 3, y + 34, starts[b] - starts[a] - 6, "")
            # the name of a short pronoun's role is wider than the pronoun
            lower = 68 if role.startswith("R-") else 52
            middle = (starts[a] + starts[b]) / 2
            s.text(middle, y + lower, role, "strong", anchor="middle")
    return s


def lattice(tags, probabilities, path, allowed):
    """Draw the tags of each word, the steps between them, and the best path.

    Parameters
    ----------
    tags : list of N str
    probabilities : (T, N)
    path : (T,) of int
        The best path that is allowed.
    allowed : (N, N) of bool
        Which tag may follow which.
    """
    length, number = len(probabilities), len(tags)
    product = 1.0
    for row, tag in zip(probabilities, path, strict=True):
        product *= row[tag]
    best = " ".join(tags[tag] for tag in path)
    s = Sketch(
        "fig-lattice",
        "The best path through a lattice of tags",
        "A column for each word, a box for each tag with its probability. Thin "
        "lines are steps that are allowed, dotted ones are forbidden. Thick, "
        f"the best path that is allowed: {best}, {product:.2f}.",
        height=64 * number + 62,
    )
    xs = [24 + 128 * t for t in range(length)]
    boxes = []
    for t, x in enumerate(xs):
        s.text(x + 28, 12, f"word {t + 1}", "strong", anchor="middle")
        boxes.append(
            [
                s.box(
                    x,
                    28 + 64 * i,
                    56,
                    [tag, f"{probabilities[t][i]:.1f}"],
                    "good" if path[t] == i else "data",
                    44,
                )
                for i, tag in enumerate(tags)
            ]
        )
    for t in range(length - 1):
        for i in range(number):
            for j in range(number):
                chosen = (path[t], path[t + 1]) == (i, j)
                s.arrow(
                    boxes[t][i].right,
                    boxes[t + 1][j].left,
                    kind="flow" if allowed[i][j] else "forbidden",
                    tip=False,
                    strength=0.35 if chosen else None,
                )
    numbers = " × ".join(
        f"{row[tag]:.1f}" for row, tag in zip(probabilities, path, strict=True)
    )
    s.text(
        180,
        64 * number + 44,
        f"{best}: {numbers} = {product:.2f}",
        "good",
        anchor="middle",
    )
    return s


def taught_head(tokens, verb, in_role):
    """Draw where each word should point: to the verb, or to itself.

    Parameters
    ----------
    tokens : list of T str
    verb : int
        The position of the verb that is meant.
    in_role : (T,) of bool
        Which words belong to one of its roles.
    """
    pointing = [t for t, on in zip(tokens, in_role, strict=True) if on]
    s = Sketch(
        "fig-taught-head",
        "What the head is taught",
        f"A sentence in two columns. The words {', '.join(pointing)} have a "
        f"role; from each a line goes to the verb {tokens[verb]}. From every "
        "other word a line goes straight to itself.",
        height=30 + 30 * len(tokens),
    )
    s.text(70, 12, "a word …", "strong", anchor="middle")
    s.text(290, 12, "… points to", "strong", anchor="middle")
    for t, token in enumerate(tokens):
        y = 26 + 30 * t
        s.box(20, y, 100, token, "learned" if in_role[t] else "data", 24)
        s.box(240, y, 100, token, "good" if t == verb else "data", 24)
    for t, on in enumerate(in_role):
        target = verb if on else t
        s.arrow(
            (120, 38 + 30 * t),
            (240, 38 + 30 * target),
            kind="value" if on else "forbidden",
            tip=False,
            strength=0.2 if on else None,
        )
    return s


def filled_gaps(examples, gap):
    """Draw which words fill the gap of the same inner clause in sentences.

    Parameters
    ----------
    examples : list of llmbook.corpora.roles.grammar.Example
        Each a sentence, asked about the verb of the inner clause; its first
        span is what fills the gap.
    gap : str
        The role that the clause lacks.
    """
    fillers = [" ".join(e.words[slice(*e.spans[0][:2])]) for e in examples]
    told = "; ".join(
        f"in {' '.join(e.words)}, {filler} fills it"
        for e, filler in zip(examples, fillers, strict=True)
    )
    s = Sketch(
        "fig-filled-gaps",
        "Who fills the gap",
        f"Sentences with the same inner clause, which begins with an empty "
        f"place, the {gap}; {told}.",
        height=104 * len(examples),
    )
    for row, example in enumerate(examples):
        inner = example.words.index("to")
        shown = [*example.words[:inner], f"{gap} ?", *example.words[inner:]]
        widths = [text_width(word) + 16 for word in shown]
        y, x, boxes = 52 + 104 * row, 8, []
        for place, (word, width) in enumerate(zip(shown, widths, strict=True)):
            kind = "data" if place < inner else "learned"
            boxes.append(
                s.box(x, y, width, word, "frozen" if place == inner else kind)
            )
            x += width + 4
        start, end, _ = example.spans[0]
        middle = (boxes[start].top[0] + boxes[end - 1].top[0]) / 2
        to = boxes[inner].top
        s.arrow(
            (middle, y), (middle, y - 26), (to[0], y - 26), to, kind="value"
        )
        s.text((middle + to[0]) / 2, y - 38, "fills", anchor="middle")
    return s
