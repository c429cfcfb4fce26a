"""The drawings of chapter 2: what attention does with queries, keys and
values.
"""

import math

from llmbook.showing.sketch import Box, Sketch


def compare_normalise_average(tokens, scores, weights, values, output):
    """Draw the whole of attention: one query, three keys, one average.

    Parameters
    ----------
    tokens : list of T_k str
    scores, weights : (T_k,)
    values : (T_k, d_v)
    output : (d_v,)
    """
    shares = ", ".join(
        f"{token} {weight:.2f}"
        for token, weight in zip(tokens, weights, strict=True)
    )
    s = Sketch(
        "fig-one-picture",
        "Attention in one picture",
        "From below: a query is compared with the keys of three tokens. The "
        "scores become weights that add up to 1, and the values are averaged "
        f"by them. Lines as thick as the weights: {shares}.",
        height=384,
    )
    xs = [24, 136, 248]
    middles = [x + 44 for x in xs]
    query = s.box(136, 340, 88, "query", "query", 30)
    for x, token, score in zip(xs, tokens, scores, strict=True):
        key = s.box(x, 262, 88, [token, "key"], "key", 44)
        s.arrow(query.top, key.bottom, kind="query", tip=False)
        s.text(x + 44, 246, f"score {score:.0f}", "strong", anchor="middle")
    s.text(6, 324, "compare", "strong")
    softmax = s.box(
        24, 196, 312, "normalise: softmax over the scores", height=30
    )
    for x in middles:
        s.arrow((x, 238), (x, softmax.y + 30))
    out = s.box(120, 8, 120, ["output", _pair(output)], "good", 44)
    for x, weight, value in zip(middles, weights, values, strict=True):
        s.arrow((x, 196), (x, 168))
        s.text(x + 8, 180, f"{weight:.2f}")
        source = s.box(x - 44, 124, 88, ["value", _pair(value)], "data", 44)
        s.arrow(
            source.top, out.bottom, kind="value", tip=False, strength=weight
        )
    s.text(6, 92, "average", "strong")
    return s


def three_steps(tokens, scores, exponentials, weights):
    """Draw the numbers of one query as they go through the softmax.

    Parameters
    ----------
    tokens : list of T_k str
    scores, exponentials, weights : (T_k,)
    """
    s = Sketch(
        "fig-three-steps",
        "From scores to weights",
        "Three rows of numbers, a column for each token: scores, their "
        "exponentials, and the weights, drawn as bars as well.",
        height=196,
    )
    rows = {"score s": scores, "exp(s)": exponentials, "weight": weights}
    xs = [122, 202, 282]
    for x, token in zip(xs, tokens, strict=True):
        s.text(x + 32, 14, token, "strong", anchor="middle")
    for i, (name, numbers) in enumerate(rows.items()):
        y = 30 + 48 * i
        s.text(6, y + 14, name, "strong")
        for x, number in zip(xs, numbers, strict=True):
            s.cells(x, y, [[number]], 64, 28, digits=3 if i else 0)
            if i < 2:
                s.arrow((x + 32, y + 28), (x + 32, y + 48))
    s.text(6, 68, "made positive", "learned")
    s.text(6, 116, "÷ their sum", "learned")
    for x, weight in zip(xs, weights, strict=True):
        s.bar(x, 166, 64, 10, weight)
    return s


def shapes(length_q, length_k, d_k, d_v):
    """Draw the matrices of attention as rectangles, true to their shapes."""
    s = Sketch(
        "fig-shapes",
        "The shapes of attention",
        "The queries, T_q by d_k, times the transposed keys, d_k by T_k, give "
        "scores of T_q by T_k. The softmax keeps that shape. Times the values, "
        "T_k by d_v, it gives the output, T_q by d_v.",
        height=312,
    )
    u = 15
    heights = u * length_q, u * length_k

    def matrix(x, y, rows, columns, name, shape, kind):
        box = s.box(x, y, columns, name, kind, rows)
        s.text(x + columns / 2, y + rows + 12, shape, "shape", anchor="middle")
        return box

    matrix(16, 12, heights[0], u * d_k, "Q", "T_q × d_k", "query")
    s.text(100, 12 + heights[0] / 2, "×", "strong", size=14)
    matrix(122, 12, u * d_k, heights[1], "Kᵀ", "d_k × T_k", "key")
    s.text(222, 12 + heights[0] / 2, "=", "strong", size=14)
    scores = matrix(246, 12, *heights, "scores", "T_q × T_k", "data")
    s.arrow(
        (scores.centre[0], 12 + heights[0] + 22),
        (scores.centre[0], 176),
        label="/ √d_k",
    )
    s.text(scores.x - 14, 150, "softmax", "strong", anchor="end")
    matrix(246, 180, *heights, "weights", "T_q × T_k", "learned")
    s.text(228, 180 + heights[0] / 2, "×", "strong", size=14, anchor="end")
    matrix(136, 180, heights[1], u * d_v, "V", "T_k × d_v", "good")
    s.arrow((128, 180 + heights[0] / 2), (98, 180 + heights[0] / 2))
    matrix(16, 180, heights[0], u * d_v, "output", "T_q × d_v", "data")
    return s


def asked_and_shown(asker, asks, shower, shows, passes):
    """Draw what a pronoun asks for, what a noun shows, and what it passes on.

    Parameters
    ----------
    asker, shower : str
        Two tokens.
    asks, shows : dict of str to float
        Feature by feature: the entries of the query and of the key.
    passes : dict of str to float
        The entries of the value.
    """
    score = sum(asks[name] * shows[name] for name in asks)
    s = Sketch(
        "fig-asked-shown",
        "What is asked, what is shown, what is passed on",
        f"The token {asker} asks, with its query, for a noun that is animate. "
        f"The token {shower} shows with its key that it is one: the products "
        f"add up to a score of {score:.0f}. What it passes on is another "
        "vector, its value.",
        height=262,
    )
    s.box(16, 12, 110, [asker, "asks"], "query", 44)
    s.box(234, 12, 110, [shower, "shows"], "key", 44)
    for i, name in enumerate(asks):
        y = 74 + 34 * i
        s.cells(48, y, [[asks[name]]], 46, 26, digits=0)
        s.cells(266, y, [[shows[name]]], 46, 26, digits=0)
        s.text(180, y + 13, f"× {name} ×", anchor="middle")
        s.arrow((98, y + 13), (120, y + 13), tip=False)
        s.arrow((240, y + 13), (262, y + 13), tip=False)
    s.box(126, 150, 108, f"score {score:.0f}", "data", 30)
    s.arrow((71, 142), (71, 165), (126, 165), kind="query")
    s.arrow((289, 142), (289, 165), (234, 165), kind="key")
    s.text(16, 202, f"passed on by {shower}, if it is looked at:", "good")
    width = 328 / len(passes)
    for i, (name, number) in enumerate(passes.items()):
        s.cells(16 + i * width, 214, [[number]], width, 24, digits=0)
        middle = 16 + (i + 0.5) * width
        s.text(middle, 250, name, anchor="middle")
    return s


def growing_sums(widths, spreads):
    """Draw how the scores of random vectors spread as these grow wider.

    Parameters
    ----------
    widths : list of int
        ``d_k``.
    spreads : list of float
        The standard deviation of the dot products at each width.
    """
    s = Sketch(
        "fig-growing-sums",
        "A dot product of more and more terms",
        "A bell for each width: the wider the vectors, the wider the bell of "
        "their dot products. Its standard deviation is the root of the width.",
        height=64 * len(widths) + 24,
    )
    for i, (width, spread) in enumerate(zip(widths, spreads, strict=True)):
        base = 56 + 64 * i
        s.arrow((92, base), (348, base), tip=False)
        bell = [
            (220 + x, base - 44 * math.exp(-((x / spread / 4) ** 2) / 2))
            for x in range(-126, 127, 3)
        ]
        s.curve(bell, "query")
        s.text(6, base - 26, f"d_k = {width}", "strong")
        s.text(6, base - 8, f"deviation {spread:.1f}")
    s.text(220, 64 * len(widths) + 8, "q · k", anchor="middle")
    return s


def two_masks(real, causal):
    """Draw padding and causal masks as grids, and what both allow.

    Parameters
    ----------
    real : (T,) of bool
    causal : (T, T) of bool
    """
    both = causal & real
    s = Sketch(
        "fig-two-masks",
        "Two masks and what both allow",
        "Three grids, a row for each query, a column for each key; filled "
        "where attention is allowed. Padding forbids the last columns, the "
        "causal mask the upper triangle; together they allow what both allow.",
        height=158,
    )
    grids = {
        "padding": [list(real)] * len(real),
        "causal": causal,
        "both": both,
    }
    size = 16
    for i, (name, grid) in enumerate(grids.items()):
        x = 6 + 122 * i
        shade = [[0.85 if allowed else 0.0 for allowed in row] for row in grid]
        empty = [[None] * len(row) for row in grid]
        box = s.cells(x, 26, empty, size, size, shade=shade)
        s.text(box.centre[0], 12, name, "strong", anchor="middle")
        if i < 2:
            sign = "&" if i == 0 else "="
            s.text(
                x + 112, 26 + box.height / 2, sign, "strong", anchor="middle"
            )
    s.text(6, 26 + size * len(real) + 18, "rows ask, columns are looked at")
    return s


def mask_before_and_after(before, after):
    """Draw one row of weights, masked before and after the softmax.

    Parameters
    ----------
    before, after : (T,)
        The row's weights, with zeros where the future is hidden.
    """
    s = Sketch(
        "fig-mask-late",
        "A mask before and after the softmax",
        "Two rows of weights of the same query. Masked before the softmax they "
        f"add up to 1; masked after it they add up to {sum(after):.2f}, since "
        "the forbidden scores have been in the sum.",
        height=148,
    )
    width = 328 / len(before)
    for i, (name, row) in enumerate(
        {"mask, then softmax": before, "softmax, then mask": after}.items()
    ):
        y = 24 + 66 * i
        total = sum(row)
        s.text(16, y - 10, name, "strong")
        kind = "good" if abs(total - 1) < 1e-9 else "word"
        s.text(344, y - 10, f"sum {total:.2f}", kind, anchor="end")
        s.cells(16, y, [row], width, 28, shade=[[w * 0.5 for w in row]])
    return s


def split_attend_merge(d_model, num_heads):
    """Draw how the width of a model is cut into heads and put together."""
    s = Sketch(
        "fig-split-merge",
        "Split, attend, merge",
        f"A vector of width {d_model} is cut into {num_heads} slices. Each "
        "head makes a map of weights of its own; their outputs are laid side "
        "by side and multiplied by the last matrix.",
        height=306,
    )
    part = 328 / num_heads
    s.box(16, 266, 328, [f"x, T × {d_model}"], "data", 30)
    out = s.box(16, 8, 328, [f"output, T × {d_model}"], "good", 30)
    s.box(16, 62, 328, ["W_O mixes the heads"], "learned", 30)
    s.arrow((180, 62), out.bottom)
    for h in range(num_heads):
        x = 16 + part * h
        middle = x + part / 2
        s.arrow((middle, 266), (middle, 236))
        s.box(x + 4, 206, part - 8, f"d = {d_model // num_heads}", "query", 30)
        s.arrow((middle, 206), (middle, 186))
        size = (part - 30) / 4
        shade = [
            [0.9 if (i * (h + 2) + j * 3) % 4 == 0 else 0.12 for j in range(4)]
            for i in range(4)
        ]
        grid = [[None] * 4 for _ in range(4)]
        box = s.cells(x + 15, 186 - 4 * size, grid, size, size, shade=shade)
        s.arrow((middle, box.y), (middle, 92))
        s.text(middle + 6, 108, f"head {h + 1}")
    return s


def three_attentions():
    """Draw where queries and keys come from: self, causal, cross."""
    s = Sketch(
        "fig-three-attentions",
        "Self-attention, causal attention, cross-attention",
        "Three pairs of rows joined by lines. Self: every token looks at every "
        "token of its own sequence. Causal: at itself and those before it. "
        "Cross: every token looks at every token of another sequence.",
        height=304,
    )
    spots = [Box(146 + 64 * i, 0, 30, 24) for i in range(3)]
    for n, (name, said) in enumerate(
        {
            "self": "its own sequence",
            "causal": "what came before",
            "cross": "another sequence",
        }.items()
    ):
        y = 10 + 100 * n
        keys = "source" if name == "cross" else "the same"
        s.text(6, y + 12, f"keys: {keys}")
        s.text(6, y + 36, name, "strong")
        s.text(6, y + 52, said)
        s.text(6, y + 76, "queries")
        for j, spot in enumerate(spots):
            s.box(spot.x, y, 30, "k", "key", 24)
            s.box(spot.x, y + 64, 30, "q", "query", 24)
            for i, other in enumerate(spots):
                if name != "causal" or i <= j:
                    start = (spot.x + 15, y + 64)
                    s.arrow(start, (other.x + 15, y + 24), tip=False)
    return s


def order_is_lost(first, second):
    """Draw two sentences of the same tokens as the same set.

    Parameters
    ----------
    first, second : list of str
        The same tokens in two orders.
    """
    s = Sketch(
        "fig-bag",
        "Two sentences, one bag",
        f"The sentences {' '.join(first)} and {' '.join(second)} hold the same "
        "tokens. Without positions attention sees the bag of them and gives "
        "every token the same output in both.",
        height=178,
    )
    for x, words, said in (
        (16, first, "dog bites man"),
        (200, second, "man bites dog"),
    ):
        row = s.tokens(x, 12, words, 44)
        s.text(x + 72, 54, said, anchor="middle")
        s.arrow((x + 72, 66), (180, 104))
        assert len(row) == len(first)
    s.frame(88, 106, 184, 58)
    for i, word in enumerate(sorted(first)):
        s.box(104 + 54 * i, 121, 44, word, "data", 28)
    s.text(280, 135, "one bag")
    return s


def clock_hands(frequencies, steps=5):
    """Draw sinusoidal positions as the hands of a fast and a slow clock.

    Parameters
    ----------
    frequencies : sequence of float
        By how many radians each clock's hand turns at a step.
    steps : int
        How many positions are drawn.
    """
    s = Sketch(
        "fig-clocks",
        "Positions as the hands of clocks",
        "A row of dials for each frequency, a column for each position. The "
        "first hand turns fast, the last hardly moves.",
        height=30 + 72 * len(frequencies),
    )
    for t in range(steps):
        s.text(110 + 55 * t, 12, f"t = {t}", "strong", anchor="middle")
    for row, theta in enumerate(frequencies):
        y = 58 + 72 * row
        s.text(6, y - 8, "turns by")
        s.text(6, y + 8, f"{theta:.2g} a step")
        for t in range(steps):
            _dial(s, 110 + 55 * t, y, 23, [(t * theta, "query")])
    return s


def turned_alike(offsets, distance, theta):
    """Draw a query and a key that rotary positions turn, at two places.

    Parameters
    ----------
    offsets : sequence of int
        Where the key stands.
    distance : int
        How much further on the query stands.
    theta : float
        By how many radians a step turns both.
    """
    angle = 0.9
    s = Sketch(
        "fig-turned-alike",
        "Two hands, turned alike",
        "Dials with two hands, the query's and the key's. At another place in "
        "the text both are turned further, by the same angle: the angle "
        "between them stays.",
        height=188,
    )
    for i, offset in enumerate(offsets):
        x = 76 + 104 * i
        hands = [
            ((offset + distance) * theta + angle, "query", 0.35),  # thick
            (offset * theta, "key"),
        ]
        _dial(s, x, 74, 44, hands)
        s.text(
            x, 14, f"query at {offset + distance}", "learned", anchor="middle"
        )
        s.text(x, 136, f"key at {offset}", "word", anchor="middle")
        s.text(x, 156, "same angle", anchor="middle")
    return s


def blocks_pass(states):
    """Draw the online softmax: three numbers that every block of keys changes.

    Parameters
    ----------
    states : list of (score, value, m, l, o)
        One for each key that was read.
    """
    s = Sketch(
        "fig-blocks",
        "The online softmax",
        "Keys come one at a time from the left. After each, three numbers are "
        "kept: the largest score so far, the sum of exponentials and the "
        "numerator. Their quotient is the attention over what was read.",
        height=226,
    )
    for i, (score, value, m, total, o) in enumerate(states):
        x = 10 + 118 * i
        s.box(
            x + 6,
            10,
            92,
            [f"score {score:.0f}", f"value {value:.0f}"],
            "key",
            46,
        )
        s.arrow((x + 52, 56), (x + 52, 82))
        lines = [f"m = {m:.0f}", f"ℓ = {total:.3f}", f"o = {o:.3f}"]
        box = s.box(x, 84, 104, lines, "learned", 68)
        if i + 1 < len(states):
            s.arrow(box.right, (box.x + 118, box.right[1]))
        s.arrow(box.bottom, (x + 52, 180))
        s.text(x + 52, 196, f"o / ℓ = {o / total:.2f}", "good", anchor="middle")
    s.text(10, 216, "the weights themselves are never kept")
    return s


def cost_as_areas(lengths, d_model):
    """Draw the two terms of the cost as areas, at several lengths.

    Parameters
    ----------
    lengths : sequence of int
    d_model : int
    """
    s = Sketch(
        "fig-areas",
        "Two terms of the cost",
        "A column for each length: the share of multiplications that goes into "
        "projections and the share that goes into scores and averages. They "
        "are equal where the length is twice the width.",
        height=240,
    )
    step = 320 / len(lengths)
    for i, length in enumerate(lengths):
        projections = 4 * length * d_model**2
        attending = 2 * length**2 * d_model
        share = attending / (projections + attending)
        x = 24 + step * i
        high = 150 * share
        s.box(x, 26, step - 20, "", "data", 150)
        if high > 1:
            s.box(x, 176 - high, step - 20, "", "learned", high)
        middle = x + (step - 20) / 2
        s.text(middle, 14, f"{share:.0%}", "learned", anchor="middle")
        s.text(middle, 192, f"{length:,}", "strong", anchor="middle")
    s.text(180, 210, f"length T, at width {d_model}", anchor="middle")
    s.text(24, 226, "blue: scores and averages", "learned")
    s.text(344, 226, "empty: projections", anchor="end")
    return s


def _pair(vector):
    return (
        "("
        + ", ".join(f"{x:.2f}".rstrip("0").rstrip(".") for x in vector)
        + ")"
    )


def _dial(s, x, y, radius, hands):
    """Draw a clock face with hands at angles, in radians from the right."""
    circle = [
        (x + radius * math.cos(a / 10), y + radius * math.sin(a / 10))
        for a in range(64)
    ]
    s.curve(circle)
    for angle, kind, *strength in hands:
        end = (
            x + 0.9 * radius * math.cos(angle),
            y - 0.9 * radius * math.sin(angle),
        )
        s.arrow((x, y), end, kind=kind, strength=next(iter(strength), None))
