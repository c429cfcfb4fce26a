"""The drawings of chapter 6: how a GPT is put together, how it is trained,
and how it writes.
"""

from llmbook.showing.sketch import Sketch


def whole_gpt(num_layers, d_model, counts):
    """Draw a GPT as one upright stream to which branches are added.

    Parameters
    ----------
    num_layers, d_model : int
    counts : dict of str to int
        Parameters of the ``embedding``, of one ``attention`` and of one
        ``network``, each of these two with the norm before it.
    """
    s = Sketch(
        "fig-gpt-whole",
        "The whole GPT",
        "Read from below. Token ids become vectors, and a thick line, the "
        f"residual stream, carries them up through {num_layers} blocks. In "
        "each block two branches read the stream and are added to it: causal "
        "attention, then a feed-forward network. At the top the stream is "
        "normalised and compared with the rows of the embedding matrix, which "
        "gives the logits.",
        height=186 + 156 * num_layers,
    )
    stream, top, bottom = 52, 78, 108 + 156 * num_layers
    s.box(6, 6, 208, ["logits", "one per token, at each place"], "good", 40)
    last = s.box(6, top, 208, "norm, then compare with E", "learned", 30)
    s.arrow((110, top), (110, 46))
    s.arrow((stream, bottom), (stream, top + 30), kind="stream")
    for layer in range(num_layers):
        y = bottom - 156 * (layer + 1)
        s.frame(20, y + 8, 334, 144, f"block {layer + 1}")
        for low, name, count in (
            (y + 118, "causal attention", counts["attention"]),
            (y + 56, "feed-forward", counts["network"]),
        ):
            part = s.box(96, low - 19, 178, f"norm, {name}", "learned", 34)
            s.arrow((stream, low + 20), (185, low + 20), part.bottom)
            plus = s.plus(stream, low - 28, 9)
            s.arrow(part.top, (185, low - 28), plus.right)
            s.text(280, low - 2, f"{count:,}", "strong")
    start = s.box(6, bottom, 208, "row of E for each id", "learned", 30)
    s.text(224, bottom + 15, f"{counts['embedding']:,}", "strong")
    s.text(224, last.y + 15, "the same E", "strong")
    ids = s.box(6, bottom + 46, 208, "token ids", "data", 28)
    s.arrow(ids.top, start.bottom)
    s.text(354, 12, "parameters", "strong", anchor="end")
    s.text(224, bottom + 60, f"{d_model} numbers wide", "learned")
    return s


def one_table(tokens, rows, read, logits):
    """Draw the embedding matrix, read by a row and written by all rows.

    Parameters
    ----------
    tokens : list of R str
    rows : (R, 3)
        The first numbers of their embeddings.
    read : int
        Which of the tokens is read.
    logits : (R,)
        What the last vector gives to each of them.
    """
    s = Sketch(
        "fig-gpt-tied",
        "One table, used twice",
        f"The embedding matrix has a row for each token. On the left, "
        f"{tokens[read]} is read: its row is copied into the stream. On the "
        "right, the last vector is multiplied with every row, and each "
        "product is the logit of that row's token.",
        height=116 + 30 * len(tokens),
    )
    s.text(6, 12, "reading", "strong")
    s.text(354, 12, "writing", "strong", anchor="end")
    s.text(182, 40, "embedding matrix E", "strong", anchor="middle")
    for i, (token, row, logit) in enumerate(
        zip(tokens, rows, logits, strict=True)
    ):
        y = 56 + 30 * i
        chosen = i == read
        s.box(84, y, 32, token, "query" if chosen else "data", 26)
        s.cells(120, y + 1, [row], 44, 24, shade=[[0.25 * chosen] * 3])
        s.text(256, y + 13, "…")
        s.arrow((274, y + 13), (300, y + 13))
        s.text(354, y + 13, f"{logit:.1f}", "good", anchor="end")
    y = 56 + 30 * read + 13
    low = 70 + 30 * len(tokens)
    s.arrow((84, y), (40, y), (40, low))
    s.box(6, low, 130, ["into the stream", "one row"], "data", 40)
    out = s.box(214, low, 140, ["last vector h", "times every row"], "data", 40)
    s.arrow((out.x + 73, low), (out.x + 73, 56 + 30 * len(tokens)))
    s.text(354, 40, "logits", "good", anchor="end")
    return s


def windows_of_text(starts, length, total, tokens):
    """Draw where the windows of a batch are cut, and one of them twice.

    Parameters
    ----------
    starts : (B,) of int
    length : int
        Of a window: how many tokens are predicted in it.
    total : int
        How many tokens the text has.
    tokens : list of str
        The first of one window.
    """
    s = Sketch(
        "fig-gpt-windows",
        "A batch of windows",
        f"A bar is the whole text of {total:,} characters, with "
        f"{len(starts)} marks where windows begin. Below, the beginning of "
        "one window in two rows: the input, and the target, which is the same "
        "text one character later.",
        height=204,
    )
    s.text(6, 12, f"the novel, {total:,} characters", "strong")
    s.bar(6, 24, 348, 14, 0)
    places = [6 + 348 * start / total for start in starts]
    for place in places:
        s.arrow((place, 20), (place, 42), kind="query", tip=False)
    s.arrow((places[0], 44), (places[0], 62), (30, 62), (30, 82), kind="query")
    s.text(36, 72, f"one window: {length} questions", "learned")
    size = 30
    shown = len(tokens) - 1
    s.text(6, 98, "input", "strong")
    s.text(6, 156, "target", "strong")
    for i in range(shown):
        x = 62 + (size + 4) * i
        given = s.box(x, 84, size, tokens[i], "data", 28)
        asked = s.box(x, 142, size, tokens[i + 1], "good", 28)
        s.arrow(given.bottom, asked.top)
    s.text(
        6,
        188,
        f"{len(starts)} windows × {length} = {len(starts) * length:,} questions"
        " per step",
    )
    return s


def checkpoint(numbers, step):
    """Draw what a checkpoint holds, each part with how many numbers.

    Parameters
    ----------
    numbers : dict of str to int
    step : int
        How many steps were done.
    """
    s = Sketch(
        "fig-gpt-checkpoint",
        "What a checkpoint holds",
        "A file with its parts: "
        + ", ".join(f"{name} {count:,}" for name, count in numbers.items())
        + f". From it and the number of steps done, {step}, training goes on "
        "as if it had not stopped.",
        height=92 + 34 * len(numbers),
    )
    s.text(120, 12, f"gpt.npz after step {step}", "strong")
    frame = s.frame(104, 24, 250, 14 + 34 * len(numbers))
    for i, (name, count) in enumerate(numbers.items()):
        y = 32 + 34 * i
        s.box(112, y, 158, name, "learned" if "weight" in name else "data", 28)
        s.text(346, y + 14, f"{count:,}", "strong", anchor="end")
    middle = frame.y + frame.height / 2
    s.box(6, middle - 20, 64, ["step", str(step)], "op", 40)
    s.arrow((70, middle), (104, middle))
    low = frame.y + frame.height
    s.box(6, low + 8, 64, ["step", str(step + 1)], "op", 40)
    s.arrow((229, low), (229, low + 28), (70, low + 28))
    s.text(236, low + 16, "and on")
    return s


def knobs_in_order(tokens, stages):
    """Draw a distribution after each of the sampling parameters in turn.

    Parameters
    ----------
    tokens : list of 6 str
        The likeliest.
    stages : dict of str to ((6,), int)
        After each stage the probabilities of these tokens, and how many tokens
        of the whole vocabulary are possible.
    """
    said = "; ".join(
        f"{name}: {possible:,} tokens possible, {tokens[0]} {shares[0]:.2f}"
        for name, (shares, possible) in stages.items()
    )
    s = Sketch(
        "fig-gpt-order",
        "The sampling parameters in their order",
        "Rows from above, one for each step before a token is drawn, with bars "
        f"for the six likeliest tokens. {said}.",
        height=42 + 50 * len(stages) + 34,
    )
    left, width = 146, 28
    for i, token in enumerate(tokens):
        s.text(left + 12 + width * i, 12, token, "strong", anchor="middle")
    s.text(354, 12, "possible", anchor="end")
    highest = max(max(shares) for shares, _ in stages.values())
    for row, (name, (shares, possible)) in enumerate(stages.items()):
        y = 26 + 50 * row
        s.box(6, y, 132, name, "op", 30)
        s.arrow((72, y + 30), (72, y + 50))
        for i, share in enumerate(shares):
            s.bar(left + width * i, y + 9, 24, 12, share / highest)
        s.text(354, y + 14, f"{possible:,}", "strong", anchor="end")
    y = 26 + 50 * len(stages)
    s.box(6, y, 132, "draw one", "good", 30)
    s.text(146, y + 14, f"a full bar is {highest:.2f}")
    return s


def greedy_loop(tokens, first, second, length):
    """Draw a run of tokens that a greedy text writes again.

    Parameters
    ----------
    tokens : list of str
        A piece of the text.
    first, second : int
        Where the run begins, both times.
    length : int
        Of the run.
    """
    per_row, size = 12, 28
    rows = -(-len(tokens) // per_row)
    run = "".join(tokens[first : first + length])
    s = Sketch(
        "fig-gpt-loop",
        "The loop of greedy decoding",
        f"A greedy text, character by character. The run {run} is written "
        "twice, both times coloured: what was written has made the same "
        "continuation the likeliest once more.",
        height=44 * rows + 34,
    )
    for i, token in enumerate(tokens):
        inside = any(start <= i < start + length for start in (first, second))
        again = second <= i < second + length
        kind = "key" if again else "query" if inside else "data"
        x, y = 6 + 29 * (i % per_row), 6 + 44 * (i // per_row)
        s.box(x, y, size - 1, token, kind, size)
        if again:
            s.curve([(x + 1, y + size + 4), (x + 26, y + size + 4)], "key")
    y = 44 * rows + 6
    s.bar(6, y + 4, 14, 12, 1)
    s.text(26, y + 10, "first")
    s.bar(76, y + 4, 14, 12, 1, "word")
    s.text(96, y + 10, "again, underlined, by greedy choice")
    return s


def cache_steps(prompt, new):
    """Draw which positions are computed at each step, without and with a cache.

    Parameters
    ----------
    prompt, new : int
        How many tokens are given, and how many are written.
    """
    without = sum(prompt + t for t in range(new))
    with_cache = prompt + new - 1
    s = Sketch(
        "fig-gpt-cache-steps",
        "A key–value cache, step by step",
        f"Two panels with a row for each of {new} steps and a square for each "
        f"position, after a prompt of {prompt}. Without a cache every position "
        f"is computed again at every step, {without} in all. With a cache the "
        "prompt is computed once and then one position per step, "
        f"{with_cache} in all; the others are kept.",
        height=78 + 30 * new,
    )
    size = 118 / (prompt + new - 1)
    for x, name, total, cached in (
        (58, "without a cache", without, False),
        (228, "with a cache", with_cache, True),
    ):
        s.text(x, 12, name, "strong")
        for step in range(new):
            length = prompt + step
            kept = length - 1 if cached and step else 0
            shade = [[0.15] * kept + [0.85] * (length - kept)]
            y = 28 + 30 * step
            s.cells(x, y, [[None] * length], size, size, shade=shade)
        s.text(x, 44 + 30 * new, f"computed: {total}", "learned")
    for step in range(new):
        s.text(6, 28 + 30 * step + size / 2, f"step {step + 1}")
    s.text(6, 66 + 30 * new, "full: computed now; pale: keys and values kept")
    return s
