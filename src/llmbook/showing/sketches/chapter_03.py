"""The drawings of chapter 3: what a loss is made of and what it does."""

from llmbook.showing.sketch import Sketch


def from_tosses_to_loss(tosses, p, product, log_sum):
    """Draw how the probabilities of ten tosses become one loss.

    Parameters
    ----------
    tosses : (N,) of int
        1 is heads.
    p : float
        The model's probability of heads.
    product : float
        The likelihood.
    log_sum : float
        Its logarithm.
    """
    count = len(tosses)
    s = Sketch(
        "fig-tosses",
        "From tosses to a loss",
        f"A row of {count} tosses with the probability of each. Their product "
        f"is the likelihood, {product:.6f}; the logarithm makes it a sum, "
        f"{log_sum:.2f}; its sign turned and divided by {count}, it is "
        f"the loss, {-log_sum / count:.3f} nats.",
        height=306,
    )
    step = 34
    for i, toss in enumerate(tosses):
        x = 12 + step * i
        s.box(x, 12, 28, "H" if toss else "T", "good" if toss else "data", 28)
        s.text(x + 14, 54, f"{p if toss else 1 - p:.1f}", anchor="middle")
    s.brace(12, 64, step * count - 6, "multiply")
    for y, lines, kind, change in [
        (
            96,
            ["likelihood", f"{product:.6f}"],
            "data",
            "logarithm: × becomes +",
        ),
        (170, ["log-likelihood", f"{log_sum:.2f}"], "data", "× −1, ÷ N"),
        (
            244,
            ["loss", f"{-log_sum / count:.3f} nats per toss"],
            "learned",
            "",
        ),
    ]:
        box = s.box(84, y, 192, lines, kind)
        if change:
            s.arrow(box.bottom, (180, y + 74))
            s.text(190, y + 60, change)
    return s


def moved_by_one(tokens):
    """Draw a sentence over itself, moved by one place.

    Parameters
    ----------
    tokens : list of T str
    """
    s = Sketch(
        "fig-moved",
        "The text is its own answer",
        "Two rows of tokens. Below, the inputs: the sentence without its last "
        "token. Above each, its target: the token that follows. Green lines "
        "join each target with the same token as the next input.",
        height=158,
    )
    inputs, targets = tokens[:-1], tokens[1:]
    gap = 14
    width = (336 - gap * (len(inputs) - 1)) / len(inputs)
    above = s.tokens(12, 26, targets, width, gap, "good")
    below = s.tokens(12, 104, inputs, width, gap)
    for source, target in zip(below, above, strict=True):
        s.arrow(source.top, target.bottom)
    for target, source in zip(above, below[1:], strict=False):
        start = target.x + target.width, target.y + target.height
        s.arrow(start, (source.x, source.y), kind="value", tip=False)
    s.text(12, 12, "targets: what is to be guessed", "good")
    s.text(12, 146, "inputs: what is read")
    return s


def three_losses():
    """Draw three outputs on one vector, each with its question and loss."""
    s = Sketch(
        "fig-three-losses",
        "One vector, three questions",
        "From one vector three layers lead to three outputs: one sigmoid for "
        "yes or no, V sigmoids for labels that may hold together, a softmax "
        "for one class of many. Each has a loss of its own.",
        height=296,
    )
    vector = s.box(12, 254, 336, "the network's vector", "data", 30)
    for i, (question, answers, output, loss) in enumerate(
        [
            ("yes or no?", "one answer", "one sigmoid", "binary"),
            ("which tags?", "any number", "V sigmoids", "sum of binary"),
            ("which one?", "exactly one", "softmax", "categorical"),
        ]
    ):
        x = 12 + 116 * i
        asked = s.box(x, 12, 104, [question, answers], "good")
        cost = s.box(x, 94, 104, ["loss", loss])
        layer = s.box(x, 176, 104, ["output", output], "learned")
        s.arrow((layer.centre[0], vector.y), layer.bottom)
        s.arrow(layer.top, cost.bottom)
        s.arrow(asked.bottom, cost.top, tip=False)
    return s


def two_roads(logits, naive, stable):
    """Draw two ways from two logits to the loss of the second class.

    Parameters
    ----------
    logits : (2,)
    naive, stable : float
        The loss by way of the probability, and from the logits.
    """
    first, second = (f"{z:.0f}" for z in logits)
    s = Sketch(
        "fig-two-roads",
        "Two roads from logits to the loss",
        f"From the logits {first} and {second}, the left road goes through the "
        "probability, which rounds to zero, and ends in infinity. The right "
        f"road takes the logarithm of the sum and ends at {stable:.0f}.",
        height=306,
    )
    start = s.box(80, 12, 200, f"logits ({first}, {second})", "data", 30)
    s.text(88, 62, "by the probability", "strong", anchor="middle")
    s.text(272, 62, "from the logits", "strong", anchor="middle")
    left = [
        (["softmax", "exp, then divide"], "op"),
        (["probability 0", "rounded: digits lost"], "data"),
        ([f"−log 0 = {naive:.0f}".replace("inf", "∞")], "key"),
    ]
    right = [
        (["logsumexp", "largest logit first"], "op"),
        (["log Σ exp = 0", "no digit lost"], "data"),
        ([f"0 − ({second}) = {stable:.0f}"], "good"),
    ]
    for x, road in ((12, left), (196, right)):
        middle = x + 76
        s.arrow((middle, start.y + 30), (middle, 52), tip=False)
        above = 72
        for i, (lines, kind) in enumerate(road):
            box = s.box(x, 88 + 78 * i, 152, lines, kind)
            s.arrow((middle, above), box.top)
            above = box.y + box.height
    return s


def push_and_pull(tokens, prediction, target):
    """Draw prediction less target, token by token, as bars that sum to zero.

    Parameters
    ----------
    tokens : list of V str
    prediction : (V,)
    target : int
        The token that came.
    """
    s = Sketch(
        "fig-push-pull",
        "Prediction less target",
        "A bar for each token. Those that did not come have short bars to the "
        "right, their probability: descent lowers their logits. The target has "
        "one long bar to the left: descent raises its logit. Together the bars "
        "sum to zero.",
        height=26 * len(tokens) + 58,
    )
    middle, scale = 210, 125
    s.text(middle - 8, 14, "descent raises", "good", anchor="end")
    s.text(middle + 8, 14, "descent lowers", "word")
    for k, token in enumerate(tokens):
        y = 30 + 26 * k
        slope = float(prediction[k]) - (k == target)
        length = abs(slope) * scale
        s.text(6, y + 8, token, "strong" if k == target else "")
        if slope < 0:
            s.bar(middle - length, y, length, 16, 1, "good")
            s.text(middle + 8, y + 8, f"{slope:.2f}")
        else:
            s.bar(middle, y, length, 16, 1, "word")
            s.text(middle + length + 8, y + 8, f"+{slope:.2f}")
    low = 30 + 26 * len(tokens)
    s.arrow((middle, 26), (middle, low), tip=False)
    s.text(middle, low + 14, "p − q; the sum is 0", anchor="middle")
    return s


def what_counts(tokens, mask, losses):
    """Draw a padded batch, the losses of its places, and two means of them.

    Parameters
    ----------
    tokens : (B, T) of str
    mask : (B, T) of bool
        True where a place counts.
    losses : (B, T)
    """
    total, places, kept = losses.sum(), mask.size, int(mask.sum())
    s = Sketch(
        "fig-what-counts",
        "What counts in a padded batch",
        f"Two grids: the tokens of {len(tokens)} rows, text in blue, padding "
        f"empty; and the loss at each place. Their sum is {total:.1f}. Divided "
        f"by all {places} places the loss is {total / places:.2f}, by the "
        f"{kept} places of text {losses[mask].sum() / kept:.2f}.",
        height=244,
    )
    shade = 0.3 * mask
    width = 336 / mask.shape[1]
    s.text(12, 12, "tokens", "strong")
    s.cells(12, 24, tokens, width, 26, shade=shade)
    s.text(12, 96, "loss at each place", "strong")
    box = s.cells(12, 108, losses, width, 26, shade=shade)
    low = box.y + box.height
    s.arrow((92, low), (92, low + 24))
    s.arrow((268, low), (268, low + 24))
    flattering, honest = total / places, losses[mask].sum() / kept
    s.box(12, low + 26, 160, [f"{flattering:.2f}", f"÷ {places}: all"], "key")
    s.box(188, low + 26, 160, [f"{honest:.2f}", f"÷ {kept}: the text"], "good")
    return s


def one_bin(confidence, right, share):
    """Draw one bin of a reliability diagram, taken apart.

    Parameters
    ----------
    confidence : float
        The mean confidence of the bin's predictions.
    right : (n,) of int
        1 for each prediction that was right.
    share : float
        The share of all predictions that fall into the bin.
    """
    accuracy = float(sum(right)) / len(right)
    gap = abs(accuracy - confidence)
    s = Sketch(
        "fig-one-bin",
        "One bin of a reliability diagram",
        f"{len(right)} predictions, {sum(right)} of them right. Two bars: a "
        f"mean confidence of {confidence:.1f}, an accuracy of {accuracy:.1f}. "
        f"The gap, {gap:.1f}, times the bin's share, {share:.1f}, is what it "
        f"adds to the calibration error, {gap * share:.2f}.",
        height=216,
    )
    s.text(12, 28, "the predictions", "strong")
    for i, hit in enumerate(right):
        kind = "good" if hit else "key"
        s.box(146 + 40 * i, 12, 34, "✓" if hit else "✗", kind, 30)
    for y, name, value, kind in [
        (64, "confidence", confidence, "learned"),
        (98, "accuracy", accuracy, "good"),
    ]:
        s.text(12, y + 10, name, "strong")
        s.bar(146, y, 160, 20, value, kind)
        s.text(314, y + 10, f"{value:.1f}")
    low, high = sorted((confidence, accuracy))
    s.brace(146 + 160 * low, 124, 160 * (high - low), f"gap {gap:.1f}")
    s.box(
        12,
        162,
        336,
        [
            f"{share:.1f} × {gap:.1f} = {gap * share:.2f}",
            "share of the bin × gap: its part of the error",
        ],
        "data",
    )
    return s
