"""The drawings of chapter 4: what goes forward through a network, and what
comes back.
"""

from llmbook.showing.sketch import Sketch


def neuron(values, gradients):
    """Draw a neuron: values on the way up, gradients on the way down.

    Parameters
    ----------
    values : dict of str to float
        Of ``w``, ``x``, ``b``, the product ``wx``, the sum ``u``, the output
        ``y``, the target ``t`` and the loss ``L``.
    gradients : dict of str to float
        Of the same names, without ``t``.
    """
    s = Sketch(
        "fig-neuron",
        "A neuron, there and back",
        "Read from below. Solid arrows go up with the values: w and x are "
        "multiplied, b is added, then tanh and the squared error. Dashed "
        "arrows go down with the gradients, each the one above it times one "
        f"slope: from 1 at the loss to {gradients['w']:.2f} at w.",
        height=446,
    )
    loss = s.box(120, 8, 120, f"L = {values['L']:.3f}", "good", 32)
    square = s.box(120, 88, 120, ["(y − t)²", f"t = {values['t']:g}"])
    tanh = s.box(120, 182, 120, "tanh", height=32)
    plus = s.box(120, 262, 120, "+", height=32)
    times = s.box(120, 342, 120, "×", height=32)
    levels = [
        (times, plus, "wx"),
        (plus, tanh, "u"),
        (tanh, square, "y"),
        (square, loss, "L"),
    ]
    for low, high, name in levels:
        top, bottom = low.y, high.y + high.height
        _there_and_back(
            s, 180, top, bottom, f"{name} =", values[name], gradients[name]
        )
    s.box(6, 262, 78, f"b = {values['b']:g}", "learned", 32)
    s.arrow((84, 272), (120, 272))
    s.arrow((120, 286), (84, 286), kind="back")
    s.text(45, 306, f"{gradients['b']:.2f}", "word", anchor="middle")
    for x, name, kind in ((76, "w", "learned"), (200, "x", "data")):
        s.box(x, 408, 84, f"{name} = {values[name]:g}", kind, 32)
        inner = x + 66 if name == "w" else x + 18
        outer = x + 52 if name == "w" else x + 32
        s.arrow((inner, 408), (inner, 374))
        s.arrow((outer, 374), (outer, 408), kind="back")
        side = (outer - 7, "end") if name == "w" else (outer + 7, "start")
        s.text(side[0], 391, f"{gradients[name]:.2f}", "word", anchor=side[1])
    return s


def _there_and_back(s, x, low, high, name, value, gradient):
    """Draw a value that goes up and a gradient that comes down."""
    middle = (low + high) / 2
    s.arrow((x - 14, low), (x - 14, high))
    s.arrow((x + 14, high), (x + 14, low), kind="back")
    s.text(x - 22, middle, f"{name} {value:.3f}", anchor="end")
    s.text(x + 22, middle, f"{gradient:.2f}", "word")


def transformer(d_model, num_tokens, counts):
    """Draw a transformer with the shape of every array and its parameters.

    Parameters
    ----------
    d_model, num_tokens : int
    counts : dict of str to int
        Parameters: ``vectors``, ``attention``, ``norm`` (of one),
        ``network`` and ``output``.
    """
    s = Sketch(
        "fig-forward",
        "A transformer with shapes and parameters",
        "Read from below. A thick line, the residual stream, goes up from the "
        "embedding. Attention and the feed-forward network branch off, each "
        "behind a normalisation, and are added to it. At the top the output "
        f"layer gives {num_tokens} logits per position. Beside each box is the "
        "number of its parameters; the feed-forward network has the most.",
        height=588,
    )
    wide = f"(B, T, {d_model})"
    stream = 52

    def learned(y, name, count, height=32):
        box = s.box(112, y, 168, name, "learned", height)
        s.text(292, y + height / 2, f"{count:,}", "strong")
        return box

    s.text(354, 12, "parameters", "strong", anchor="end")
    s.box(112, 546, 168, ["token ids", "(B, T)"], "data", 38)
    s.arrow((196, 546), (196, 520))
    table = learned(
        480, ["token and", "position vectors"], counts["vectors"], 40
    )
    s.arrow(table.left, (stream, 500), (stream, 122), kind="stream", tip=False)
    s.frame(18, 158, 334, 302, "one block")
    for low, name, count in (
        (412, "causal attention", counts["attention"]),
        (262, "feed-forward", counts["network"]),
    ):
        norm = learned(low, "layer norm", counts["norm"])
        part = learned(low - 52, name, count)
        s.arrow((stream, low + 16), norm.left)
        s.arrow(norm.top, part.bottom)
        plus = s.plus(stream, low - 80)
        s.arrow(part.top, (196, low - 80), plus.right)
        s.text(204, low - 66, wide, "shape")
    last = learned(106, "layer norm", counts["norm"])
    s.arrow((stream, 122), last.left, kind="stream", tip=False)
    out = learned(58, "output layer", counts["output"])
    s.arrow(last.top, out.bottom)
    logits = s.box(124, 6, 144, ["logits", f"(B, T, {num_tokens})"], "good", 38)
    s.arrow(out.top, logits.bottom)
    s.text(8, 532, f"stream: {wide}", "learned")
    return s


def one_rule(x, uses, total):
    """Draw a number that is used twice, and the two gradients that add up.

    Parameters
    ----------
    x : float
    uses : list of (str, float, float)
        Each use: its formula, its value, and its slope at x.
    total : float
        The gradient of x.
    """
    s = Sketch(
        "fig-one-rule",
        "One rule",
        f"The number x = {x:g} is used twice, and the results are added to "
        "give the loss. Backwards, each operation multiplies the 1 that "
        "arrives by its own slope. Where the two paths meet again, at x, "
        f"their gradients are added: {total:g}.",
        height=272,
    )
    s.box(120, 8, 120, f"L = {sum(use[1] for use in uses):g}", "good", 32)
    for side, (formula, value, slope) in zip((-1, 1), uses, strict=True):
        middle, inner, outer = 180 + 94 * side, 180 + 12 * side, 180 + 28 * side
        s.box(middle - 70, 108, 140, [formula, f"= {value:g}"])
        near, far = middle - 10 * side, middle + 10 * side
        s.arrow((near, 108), (near, 86), (inner, 86), (inner, 40))
        s.arrow((outer, 40), (outer, 70), (far, 70), (far, 108), kind="back")
        s.arrow((inner, 224), (inner, 182), (near, 182), (near, 156))
        s.arrow((far, 156), (far, 200), (outer, 200), (outer, 224), kind="back")
        edge = 180 + 174 * side
        anchor = "start" if side < 0 else "end"
        s.text(edge, 92, "1 arrives", "word", anchor=anchor)
        sent = f"1 × {slope:g} = {slope:g}"
        s.text(edge, 218, sent, "word", anchor=anchor)
    s.box(110, 224, 140, [f"x = {x:g}", f"gradient {total:g}"], "data")
    return s


def linear_backward(rows, d_in, d_out):
    """Draw the two products of a linear layer's way back, true to shape."""
    s = Sketch(
        "fig-linear-backward",
        "A product of matrices, backwards",
        "Three rows of rectangles. Forward: X, N by d_in, times W, d_in by "
        "d_out, is Y. Backward: the gradient of Y times W transposed has the "
        "shape of X, and X transposed times the gradient of Y has the shape "
        "of W. Each product has just one order that fits.",
        height=378,
    )
    u = 17
    n, i, o = u * rows, u * d_in, u * d_out

    def product(y, said, first, second, result):
        s.text(6, y, said, "strong")
        x = 20
        for sign, (name, shape, (high, wide), kind) in zip(
            ("", "×", "="), (first, second, result), strict=True
        ):
            if sign:
                s.text(x - 15, y + 16 + n / 2, sign, "strong", size=14)
            box = s.box(x, y + 14, wide, name, kind, high)
            if kind == "key":  # a gradient; its bar is missing in typefaces
                middle, height = box.centre
                bar = [(middle - 5, height - 9), (middle + 5, height - 9)]
                s.curve(bar, "macron")
            s.text(x + wide / 2, y + 24 + high, shape, "shape",
                   anchor="middle")  # fmt: skip
            x += wide + 34
        return x

    product(
        12, "forward",
        ("X", "N × d_in", (n, i), "data"),
        ("W", "d_in × d_out", (i, o), "learned"),
        ("Y", "N × d_out", (n, o), "data"),
    )  # fmt: skip
    product(
        126, "backward, to X",
        ("Y", "N × d_out", (n, o), "key"),
        ("Wᵀ", "d_out × d_in", (o, i), "learned"),
        ("X", "N × d_in", (n, i), "key"),
    )  # fmt: skip
    product(
        262, "backward, to W",
        ("Xᵀ", "d_in × N", (i, n), "data"),
        ("Y", "N × d_out", (n, o), "key"),
        ("W", "d_in × d_out", (i, o), "key"),
    )  # fmt: skip
    return s


def norm_backward(normalised, arriving, centred, remaining):
    """Draw what layer normalisation takes out of a gradient.

    Parameters
    ----------
    normalised, arriving, centred, remaining : (d_model,)
        The normalised input; the gradient that arrives; the same without its
        mean; and what remains when the part along the input is gone as well.
    """
    s = Sketch(
        "fig-norm-backward",
        "Layer normalisation, backwards",
        "Rows of numbers, a column for each feature. From the gradient that "
        "arrives first the mean is subtracted, then the part along the "
        "normalised input. The two columns on the right show the mean and the "
        "part along the input of each row: first the one becomes 0, then the "
        "other.",
        height=254,
    )
    s.text(270, 12, "mean", "strong", anchor="middle")
    s.text(326, 12, "along x̂", "strong", anchor="middle")
    s.text(6, 38, "input x̂", "strong")
    s.cells(76, 26, [normalised], 40, 24)
    rows = (
        ("arriving", "", arriving),
        ("less", "its mean", centred),
        ("less part", "along x̂", remaining),
    )
    for i, (name, more, row) in enumerate(rows):
        y = 82 + 62 * i
        s.text(6, y + 6, name, "strong")
        s.text(6, y + 21, more)
        s.cells(76, y, [row], 40, 24)
        shares = (row.mean(), (row * normalised).mean())
        for x, share in zip((248, 304), shares, strict=True):
            gone = abs(share) < 5e-3
            s.text(
                x + 22,
                y + 12,
                f"{abs(share) if gone else share:.2f}",
                "good" if gone else "word",
                size=14,
                anchor="middle",
            )
        if i < 2:
            s.arrow((156, y + 24), (156, y + 62))
    s.text(6, 244, "times r, this is the gradient of x", "good")
    return s


def tape(rows, sources):
    """Draw the list of tensors that the engine goes through, first to last.

    Parameters
    ----------
    rows : list of (str, float, float)
        Name, value and gradient of each tensor, inputs first.
    sources : list of list of int
        For each tensor the rows that it was computed from.
    """
    s = Sketch(
        "fig-graph",
        "The tape of the neuron",
        f"A list of {len(rows)} tensors, one below the other, in topological "
        "order: every tensor comes after those it was computed from, to which "
        "lines on the left join it. The forward pass goes down the list, the "
        "backward pass up; each row has its value and its gradient.",
        height=52 + 42 * len(rows),
    )
    s.text(222, 12, "value", "strong", anchor="end")
    s.text(316, 12, "gradient", "word", anchor="end")
    height = 42
    for row, inputs in enumerate(sources):
        for source in inputs:
            low, high = 40 + height * source, 40 + height * row
            lane = 100 - 15 * (row - source)
            s.arrow(
                (110, low + 5), (lane, low + 5), (lane, high - 5),
                (110, high - 5),
            )  # fmt: skip
    for row, (name, value, gradient) in enumerate(rows):
        y = 40 + height * row
        given = not sources[row]
        s.box(110, y - 14, 56, name, "data" if given else "op", 28)
        s.text(222, y, f"{value:.3g}", anchor="end")
        s.text(316, y, f"{gradient:.3g}", "word", anchor="end")
    last = 40 + height * (len(rows) - 1)
    s.arrow((18, 40), (18, last))
    s.text(6, last + 26, "forward")
    s.arrow((344, last), (344, 40), kind="back")
    s.text(354, last + 26, "backward", "word", anchor="end")
    return s


def broadcast(bias, gradients):
    """Draw a bias that is copied to every row, and the sum on the way back.

    Parameters
    ----------
    bias : (d,)
    gradients : (N, d)
        What arrives at each copy.
    """
    rows, width = len(gradients), 46
    s = Sketch(
        "fig-broadcast",
        "Broadcasting, and its sum",
        f"Left: a bias of {len(bias)} numbers is copied to {rows} rows. Right: "
        "a gradient arrives at each copy, and the gradient of the bias is the "
        "sum of each column.",
        height=84 + 28 * rows + 40,
    )
    d = len(bias)
    left, right = 10, 350 - width * d
    top = 92
    s.text(left, 12, "forward: copied", "strong")
    s.text(right, 12, "backward: added", "word")
    s.cells(left, 26, [bias], width, 28, digits=0)
    s.arrow((left + width * d / 2, 54), (left + width * d / 2, top))
    s.cells(left, top, [bias] * rows, width, 28, digits=0)
    s.cells(right, 26, [gradients.sum(axis=0)], width, 28, digits=0)
    s.arrow(
        (right + width * d / 2, top), (right + width * d / 2, 54), kind="back"
    )
    s.cells(right, top, gradients, width, 28, digits=0)
    end = top + 28 * rows + 16
    s.text(left, end, f"one use per row: {rows}")
    s.text(right, end, "added by column")
    return s


def training_step(parts):
    """Draw one step of training as a ring.

    Parameters
    ----------
    parts : list of (str, str, str)
        Six: name, what it makes, and the kind of its box, clockwise.
    """
    s = Sketch(
        "fig-training-step",
        "One training step",
        "A ring of six boxes: "
        + ", ".join(name for name, _, _ in parts)
        + ". From the last an arrow leads back to the first, with the next "
        "batch.",
        height=244,
    )
    places = [(8, 10), (128, 10), (248, 10), (248, 180), (128, 180), (8, 180)]
    boxes = [
        s.box(x, y, 104, [name, made], kind, 54)
        for (x, y), (name, made, kind) in zip(places, parts, strict=True)
    ]
    ends = [
        (boxes[0].right, boxes[1].left, "flow"),
        (boxes[1].right, boxes[2].left, "flow"),
        (boxes[2].bottom, boxes[3].top, "back"),
        (boxes[3].left, boxes[4].right, "back"),
        (boxes[4].left, boxes[5].right, "back"),
        (boxes[5].top, boxes[0].bottom, "flow"),
    ]
    for start, end, kind in ends:
        s.arrow(start, end, kind=kind)
    for i, box in enumerate(boxes, start=1):
        y = box.y + box.height + 14 if box.y < 100 else box.y - 14
        shift = 16 if i in (1, 3, 4, 6) else 0
        s.number(box.centre[0] - shift, y, i)
    s.text(76, 126, "next batch")
    s.text(284, 126, "gradients", "word", anchor="end")
    return s


def norm_places():
    """Draw a block's two additions with the norm before and after."""
    s = Sketch(
        "fig-norm-places",
        "Pre-norm and post-norm",
        "Two columns, read from below. On the left, pre-norm: the thick "
        "residual stream goes straight up, and the norm is on the branch. On "
        "the right, post-norm: the norm is on the stream itself, after each "
        "addition, so that nothing passes it untouched.",
        height=396,
    )
    for left, name, said in (
        (0, "pre-norm", "the stream is untouched"),
        (184, "post-norm", "every norm is on the way"),
    ):
        stream, branch = left + 34, left + 64
        s.text(left + 84, 12, name, "strong", anchor="middle")
        s.text(left + 84, 30, said, anchor="middle")
        s.arrow((stream, 384), (stream, 48), kind="stream")
        for low, part in ((370, "attention"), (206, "feed-forward")):
            if name == "pre-norm":
                norm = s.box(branch, low - 40, 106, "norm", "learned", 30)
                op = s.box(branch, low - 86, 106, part, "learned", 30)
                s.arrow((stream, low - 6), (branch + 53, low - 6), norm.bottom)
                s.arrow(norm.top, op.bottom)
                plus = s.plus(stream, low - 112)
                s.arrow(op.top, (branch + 53, low - 112), plus.right)
            else:
                op = s.box(branch, low - 60, 106, part, "learned", 30)
                s.arrow((stream, low - 6), (branch + 53, low - 6), op.bottom)
                plus = s.plus(stream, low - 86)
                s.arrow(op.top, (branch + 53, low - 86), plus.right)
                s.box(left + 8, low - 138, 60, "norm", "learned", 30)
    return s
