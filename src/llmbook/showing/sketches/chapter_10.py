"""The drawings of chapter 10: an encoder and a decoder, an alignment as lines,
two pasts of one translation, and a beam as a tree.
"""

from llmbook.showing.sketch import SMALL, Sketch, text_width


def encoder_decoder(source, target):
    """Draw an encoder that is run once, and a decoder that reads its memory.

    Parameters
    ----------
    source, target : list of str
        Tokens that are read, and those that are written, three of each.
    """
    s = Sketch(
        "fig-encoder-decoder",
        "An encoder and a decoder",
        "Two stacks of blocks side by side. The encoder on the left reads "
        f"{' '.join(source)}, each token reads all others, and its vectors "
        "are the memory. The decoder on the right has read what is written so "
        f"far, {' '.join(target[:-1])}. Its block has three parts: "
        "self-attention to the past alone, cross-attention, which takes keys "
        "and values from the memory, and a feed-forward network. It predicts "
        f"{target[-1]}.",
        height=366,
    )
    s.text(86, 12, "encoder, once", "strong", anchor="middle")
    s.text(268, 12, "decoder, at every step", "strong", anchor="middle")
    read = s.tokens(8, 326, source, 48)
    encoder = [
        s.box(14, y, 144, lines, "learned")
        for y, lines in (
            (250, ["self-attention", "reads all"]),
            (182, ["feed-forward", "token by token"]),
        )
    ]
    memory = s.box(14, 112, 144, ["memory", "S vectors"], "data")
    for low, high in zip(
        (read[1], encoder[0], encoder[1]), (*encoder, memory), strict=True
    ):
        s.arrow((86, low.top[1]), (86, high.bottom[1] + 2), kind="stream")
    past = s.tokens(196, 326, target[:-1], 66)
    decoder = [
        s.box(196, y, 144, lines, "learned")
        for y, lines in (
            (250, ["self-attention", "reads its past"]),
            (182, ["cross-attention", "reads the memory"]),
            (114, ["feed-forward", "token by token"]),
        )
    ]
    written = s.box(196, 46, 144, ["next token", target[-1]], "good")
    for low, high in zip((past[0], *decoder), (*decoder, written), strict=True):
        s.arrow((268, low.top[1]), (268, high.bottom[1] + 2), kind="stream")
    s.arrow(
        memory.top, (86, 84), (177, 84), (177, 206), decoder[1].left, kind="key"
    )
    s.text(92, 74, "keys, values")
    return s


def alignment_lines(source, target, weights, fields):
    """Draw which token of the source each written token reads most.

    Parameters
    ----------
    source, target : list of str
    weights : (T, S)
        Of the cross-attention.
    fields : list of T bool
        Which target tokens have something to point at; others get no line.
    """
    darkest = [int(row.argmax()) for row in weights]
    pairs = ", ".join(
        f"{word.strip()} to {source[at]}"
        for word, at, kept in zip(target, darkest, fields, strict=True)
        if kept
    )
    s = Sketch(
        "fig-alignment-lines",
        "An alignment as lines",
        "Tokens of the English expression above, characters of the Chinese "
        "one below; a line joins each written token with the character that "
        f"it reads most, the thicker the more: {pairs}.",
        height=176,
    )
    upper, lower = 28, 116
    starts = _row(s, target, upper)
    ends = _row(s, source, lower)
    for t, at in enumerate(darkest):
        if fields[t]:
            s.arrow(
                (starts[t], upper + 28),
                (ends[at], lower),
                kind="value",
                tip=False,
                strength=float(weights[t, at]) / 3,
            )
    s.text(8, 14, "is written", "strong")
    s.text(8, 160, "was read", "strong")
    return s


def _row(s, tokens, y):
    """Draw tokens over the whole width; return the middles of their boxes."""
    tokens = [token.strip() or "␣" for token in tokens]
    needed = [max(20, text_width(token, SMALL) + 8) for token in tokens]
    gap = max(1, (344 - sum(needed)) / max(1, len(tokens) - 1))
    x, middles = 8.0, []
    for token, width in zip(tokens, needed, strict=True):
        s.box(x, y, width, "", "data", height=28)
        s.text(x + width / 2, y + 14, token, anchor="middle")
        middles.append(x + width / 2)
        x += width + gap
    return middles


def two_pasts(reference, written):
    """Draw a decoder led by a teacher's hand, and one that runs free.

    Parameters
    ----------
    reference : list of str
        Four tokens that are right.
    written : list of str
        Four that a model wrote alone, of which one is wrong at least.
    """
    wrong = next(
        i
        for i, pair in enumerate(zip(reference, written, strict=True))
        if pair[0] != pair[1]
    )
    s = Sketch(
        "fig-two-pasts",
        "Teacher forcing and running free",
        "Two rows of steps. In training every step has the right past, "
        f"{' '.join(reference)}, whatever was predicted. Running free the past "
        f"is what was written, {' '.join(written)}: from the mistake in place "
        f"{wrong + 1} on, every step reads it.",
        height=258,
    )
    for y, title, past in (
        (30, "in training: the past is the teacher's", reference),
        (154, "in use: the past is its own", written),
    ):
        s.text(8, y - 16, title, "strong")
        boxes = s.tokens(8, y + 52, past, 78, gap=10)
        for i, word in enumerate(written):
            kind = "good" if word == reference[i] else "query"
            above = s.box(8 + 88 * i, y, 78, word, kind, height=28)
            if i:
                start = boxes[i - 1]
                spoiled = past is written and i > wrong
                s.arrow(
                    (start.top[0] + 20, start.y),
                    (above.bottom[0] - 20, above.bottom[1]),
                    kind="back" if spoiled else "flow",
                )
    s.text(352, 250, "dashed: the past holds a mistake", anchor="end")
    return s


def beam_tree(first, second, greedy, best):
    """Draw all texts of two tokens as a tree, with greedy's way and the best.

    Parameters
    ----------
    first : dict of str to float
        The probability of each first token.
    second : dict of str to dict
        Of each second token after a first.
    greedy, best : str
        Two tokens each.
    """
    whole = {a + b: first[a] * second[a][b] for a in first for b in second[a]}
    said = ", ".join(f"{text} {p:.2f}" for text, p in whole.items())
    s = Sketch(
        "fig-beam",
        "A beam of two as a tree",
        "A tree of two steps. Its branches carry probabilities, its leaves "
        f"their products: {said}. Greedy search goes to {greedy}, since the "
        f"first branch is the wider; a beam of two keeps both branches and "
        f"finds {best}.",
        height=240,
    )
    root = s.box(8, 104, 58, "start", "data", height=28)
    for i, (a, p) in enumerate(first.items()):
        y = 46 + 116 * i
        node = s.box(126, y, 48, a, "op", height=28)
        on_way = a == greedy[0]
        s.arrow(
            root.right,
            node.left,
            kind="stream" if on_way else "flow",
            tip=False,
        )
        s.text(82, y + (34 if i else -4), f"{p:.1f}")
        for j, (b, q) in enumerate(second[a].items()):
            text = a + b
            leaf = s.box(
                230,
                y - 34 + 60 * j,
                122,
                [text, f"{p:.1f} × {q:.1f} = {whole[text]:.2f}"],
                "good" if text == best else "data",
                height=48,
            )
            s.arrow(
                node.right,
                leaf.left,
                kind="stream" if text == greedy else "flow",
                tip=False,
            )
    s.text(8, 14, "thick: greedy", "strong")
    s.text(8, 232, "green: the likeliest", "good")
    return s
