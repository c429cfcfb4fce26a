"""The drawings of chapter 7: a real model, its weights, its heads and its
price.
"""

import textwrap

from llmbook.showing.sketch import Sketch


def four_changes(plain, real):
    """Draw a block of the book's GPT beside one of SmolLM2.

    Parameters
    ----------
    plain, real : GPTConfig
    """
    s = Sketch(
        "fig-four-changes",
        "A block of the book's GPT beside one of SmolLM2",
        "Two columns with the same parts. Numbers mark the four that differ: "
        "the norm, the network, the heads of keys and values, and the base of "
        "the rotations. The residual stream passes by all of them, and two "
        "branches are added to it.",
        height=372,
    )
    columns = {"the book's GPT": plain, "SmolLM2": real}
    for x, (name, config) in zip((6, 192), columns.items(), strict=True):
        new = config is real
        keys = config.num_kv_heads or config.num_heads
        norm = "RMS norm" if new else "layer norm"
        wide = "SwiGLU" if new else "GELU"
        hidden = config.hidden_dim or 4 * config.d_model
        s.text(x + 88, 12, name, "strong", anchor="middle")
        stream = x + 8
        s.frame(x, 24, 162, 330, f"one block, × {config.num_layers}")
        boxes = [
            (
                [f"{wide} network", f"{config.d_model} → {hidden:,}"],
                48,
                80,
                "learned",
            ),
            ([norm], 32, 140, "learned"),
            (
                [
                    "attention",
                    f"{config.num_heads} queries, {keys} keys",
                    f"base {config.rotary_base:,.0f}",
                ],
                64,
                210,
                "learned",
            ),
            ([norm], 32, 286, "learned"),
        ]
        drawn = [
            s.box(x + 24, y, 132, lines, kind, height)
            for lines, height, y, kind in boxes
        ]
        s.arrow((stream, 366), (stream, 28), kind="stream")
        for network, before, y in (
            (drawn[0], drawn[1], 62),
            (drawn[2], drawn[3], 192),
        ):
            leaves = before.y + before.height + 12
            middle = network.top[0]
            s.arrow((stream, leaves), (middle, leaves), before.bottom)
            s.arrow(before.top, network.bottom)
            s.arrow(network.top, (middle, y), (stream + 10, y))
            s.plus(stream, y)
        if new:
            for number, y in ((2, 84), (1, 144), (3, 230), (4, 262), (1, 290)):
                s.number(x + 158, y, number)
    return s


def two_norms(vector, layer, rms):
    """Draw a vector of two entries, and what either norm makes of it.

    Parameters
    ----------
    vector, layer, rms : (2,)
    """
    s = Sketch(
        "fig-two-norms",
        "Layer norm and RMS norm of one vector",
        "Three arrows from the origin. RMS norm shortens the vector and keeps "
        "its direction. Layer norm subtracts the mean first: the arrow turns "
        "onto the line where the entries add up to zero.",
        height=236,
    )
    unit, x0, y0 = 42, 96, 196
    s.arrow((20, y0), (226, y0))
    s.arrow((x0, 226), (x0, 14))
    line = [(x0 - 70, y0 - 70), (x0 + 30, y0 + 30)]
    s.arrow(*line, kind="forbidden", tip=False)
    s.text(6, 108, "entries add")
    s.text(6, 122, "up to 0")
    names = {
        "the vector": (vector, "flow"),
        "layer norm": (layer, "key"),
        "RMS norm": (rms, "value"),
    }
    for i, (name, (entries, kind)) in enumerate(names.items()):
        tip = x0 + unit * entries[0], y0 - unit * entries[1]
        s.arrow((x0, y0), tip, kind=kind)
        y = 34 + 46 * i
        s.arrow((246, y), (270, y), kind=kind)
        s.text(276, y, name, "strong")
        written = ", ".join(f"{entry:.2f}" for entry in entries)
        s.text(276, y + 16, f"({written})")
    return s


def gate(switch, up, product):
    """Draw how one wide vector lets another pass, entry by entry.

    Parameters
    ----------
    switch, up, product : (hidden,)
        ``silu(x W_g)``, ``x W_u``, and their product.
    """
    s = Sketch(
        "fig-gate",
        "The gate of SwiGLU",
        "Two wide vectors are computed from the same input. One is a switch, "
        "by which the other is multiplied entry by entry: an entry near zero "
        "stops, one below zero turns the sign.",
        height=196,
    )
    rows = {
        "switch": ("silu(x W_g)", switch, "query"),
        "content": ("x W_u", up, "key"),
        "passes": ("product", product, "good"),
    }
    width = 240 / len(up)
    for i, (name, (formula, entries, kind)) in enumerate(rows.items()):
        y = 12 + 64 * i
        s.box(6, y, 92, [name, formula], kind, 44)
        s.cells(112, y + 8, [entries], width, 28)
        if i < 2:
            sign = "×" if i == 0 else "="
            for j in range(len(up)):
                s.text(
                    112 + (j + 0.5) * width,
                    y + 50,
                    sign,
                    "strong",
                    anchor="middle",
                )
    return s


def shared_keys(num_heads, num_kv_heads, megabytes):
    """Draw the query heads that share a head of keys and values.

    Parameters
    ----------
    num_heads, num_kv_heads : int
    megabytes : dict of str to float
        The size of the cache, without sharing and with it.
    """
    s = Sketch(
        "fig-shared-keys",
        "Heads of queries share keys and values",
        f"{num_heads} heads of queries below, {num_kv_heads} heads of keys and "
        "values above; lines show who shares which. Two bars compare the "
        "cache without sharing and with it.",
        height=208,
    )
    group = num_heads // num_kv_heads
    step = 348 / num_heads
    for g in range(num_kv_heads):
        middle = 6 + step * group * (g + 0.5)
        box = s.box(middle - 54, 10, 108, ["keys, values", f"{g}"], "key", 44)
        for h in range(group * g, group * (g + 1)):
            x = 6 + step * (h + 0.5)
            s.arrow((x, 96), box.bottom, kind="query", tip=False)
            s.box(x - 16, 96, 32, f"q{h}", "query", 26)
    largest = max(megabytes.values())
    for i, (name, size) in enumerate(megabytes.items()):
        y = 142 + 32 * i
        s.text(6, y + 9, name, "strong")
        s.bar(120, y, 150, 18, size / largest)
        s.text(354, y + 9, f"{size:,.0f} MB", anchor="end")
    return s


def block_of_weights(steps, scale, minimum):
    """Draw a block of 32 weights as the file has it, and its first weight.

    Parameters
    ----------
    steps : list of 32 int
    scale, minimum : float
    """
    first = steps[0] * scale + minimum
    s = Sketch(
        "fig-block-of-weights",
        "A block of 32 weights in four bits each",
        "Two rows of sixteen whole numbers from 0 to 15, the bluer the "
        "larger, beside them the scale and the minimum that all share. Below, "
        f"the first weight: {steps[0]} times the scale plus the minimum gives "
        f"{first:.4f}.",
        height=206,
    )
    rows = [[str(q) for q in steps[:16]], [str(q) for q in steps[16:]]]
    shade = [[q / 20 for q in half] for half in (steps[:16], steps[16:])]
    s.text(6, 12, "steps q: 32 numbers of 4 bits", "strong")
    s.cells(6, 26, rows, 21.7, 26, shade=shade)
    s.text(6, 104, "scale d, 16 bits", "strong")
    s.cells(124, 92, [[scale]], 70, 24, digits=4)
    s.text(6, 136, "minimum m, 16 bits", "strong")
    s.cells(140, 124, [[minimum]], 70, 24, digits=4)
    s.text(354, 104, "32 · 4 + 2 · 16", anchor="end")
    s.text(354, 120, "= 160 bits", anchor="end")
    s.text(354, 136, "= 5 per weight", "learned", anchor="end")
    s.arrow((17, 78), (17, 90), tip=False)
    low = minimum < 0
    said = f"{steps[0]} · {scale:.4f} {'−' if low else '+'} {abs(minimum):.4f}"
    s.text(6, 180, "the first weight:", "strong")
    s.text(124, 180, said)
    s.box(280, 164, 74, f"{first:.3f}", "good", 32)
    return s


def conversation(messages):
    """Draw a conversation as one text with marks, and who writes what.

    Parameters
    ----------
    messages : list of (str, str)
        Role and text; the last, the assistant's, has no text yet.
    """
    writers = {
        "system": "by the program",
        "user": "by a person",
        "assistant": "by the model",
    }
    kinds = {"system": "data", "user": "word", "assistant": "learned"}
    wrapped = [textwrap.wrap(text, 44) or ["…"] for _, text in messages]
    s = Sketch(
        "fig-conversation",
        "A conversation is one text",
        "From top to bottom the messages of the system, the user and the "
        "assistant, each between two special tokens. The last is still open: "
        "the model writes what comes there, up to the closing token.",
        height=sum(98 + 16 * len(lines) for lines in wrapped),
    )
    y = 6
    for (role, _), lines in zip(messages, wrapped, strict=True):
        low = y + 34
        end = low + 14 + 16 * len(lines)
        s.box(6, y, 116, "<|im_start|>", "op", 26)
        s.text(132, y + 13, f"{role} ↵", "strong")
        s.text(354, y + 13, writers[role], anchor="end")
        s.box(6, low, 348, "", kinds[role], end - low)
        for i, line in enumerate(lines):
            s.text(18, low + 15 + 16 * i, line)
        closing = "frozen" if role == "assistant" else "op"
        s.box(250, end + 8, 104, "<|im_end|>", closing, 26)
        y = end + 50
    return s


def two_heads(tokens, previous, induction, places):
    """Draw how two heads, in two layers, copy what came next the last time.

    Parameters
    ----------
    tokens : list of str
        The last one has occurred before, as one of those between the first and
        the last but one.
    previous : float
        The weight with which the token that followed looks one step back.
    induction : float
        The weight with which the last looks at the token that followed.
    places : dict of str to (int, int)
        Layer and head of ``"previous"`` and ``"induction"``.
    """
    first = tokens.index(tokens[-1])
    s = Sketch(
        "fig-two-heads",
        "Induction, by two heads in two layers",
        f"In an earlier layer {tokens[first + 1]} looks one step back and "
        f"notes that it follows {tokens[first]}. In a later layer the second "
        f"{tokens[-1]} looks for a token that follows {tokens[-1]}, finds it, "
        f"and predicts {tokens[first + 1]}.",
        height=268,
    )
    gap, width = 8, (348 - 8 * (len(tokens) - 1)) / len(tokens)
    lower = s.tokens(6, 232, tokens, width, gap)
    noted = lower[first + 1]
    note = s.box(noted.x - 6, 138, width + 12, [tokens[first + 1]], "key", 28)
    s.arrow(noted.top, note.bottom)
    s.arrow(
        lower[first].top,
        (lower[first].top[0], 196),
        (noted.top[0] - 10, 196),
        (noted.top[0] - 10, 166),
        kind="key",
    )
    layer, head = places["previous"]
    s.text(6, 102, f"layer {layer}, head {head}:", "strong")
    s.text(6, 118, f"one step back: {previous:.2f}")
    s.text(
        noted.x - 12,
        152,
        f"“I follow {tokens[first]}”",
        "said",
        anchor="end",
    )
    last = lower[-1]
    out = s.box(last.x, 66, width, [tokens[-1]], "query", 28)
    s.arrow(last.top, out.bottom, kind="query")
    s.arrow(out.left, (note.top[0], out.left[1]), note.top, kind="back")
    layer, head = places["induction"]
    s.text(6, 44, f"layer {layer}, head {head}:", "strong")
    s.text(6, 60, f"“who follows {tokens[-1]}?”, weight {induction:.2f}")
    found = s.box(last.x - 20, 8, width + 20, tokens[first + 1], "good", 30)
    s.arrow(out.top, (out.top[0], found.y + 30))
    s.text(last.x - 28, 22, "predicts", "good", anchor="end")
    return s


def silenced(num_heads, d_k, head):
    """Draw how a head is taken away: its rows of the output projection are
    zero.
    """
    s = Sketch(
        "fig-silenced",
        "A head is ablated",
        f"The outputs of {num_heads} heads lie side by side. Each is "
        f"multiplied by its own {d_k} rows of the output projection. The rows "
        f"of head {head} are zero, so nothing of it reaches the stream.",
        height=214,
    )
    step = 348 / num_heads
    s.text(6, 12, "outputs of the heads, side by side", "strong")
    s.text(6, 82, "their rows of W_O", "strong")
    total = s.box(96, 172, 168, "added to the stream", "data", 32)
    for h in range(num_heads):
        off = h == head
        x = 6 + step * h
        top = s.box(x + 2, 26, step - 4, f"{h}", "query", 28)
        rows = s.box(
            x + 2,
            96,
            step - 4,
            "0" if off else "W",
            "frozen" if off else "learned",
            36,
        )
        s.arrow(top.bottom, (top.bottom[0], 70), tip=False)
        if not off:
            s.arrow(
                rows.bottom,
                (rows.bottom[0], 152),
                (total.top[0], 152),
                total.top,
                tip=h == num_heads // 2,
            )
    return s


def taps(beginning, said):
    """Draw the residual stream, tapped after some layers.

    Parameters
    ----------
    beginning : str
    said : list of (int, str, float)
        The layer, the likeliest token there, and the probability of what is
        said in the end.
    """
    s = Sketch(
        "fig-taps",
        "The logit lens taps the stream",
        f"The stream runs from the embedding, below, to layer {said[-1][0]}. "
        "At some layers the last norm and the embedding read it: a token "
        "beside each tap, and a bar for the probability of the final choice.",
        height=64 + 34 * len(said),
    )
    s.text(6, 12, beginning, "said")
    s.text(92, 32, "reads", "strong")
    s.text(190, 32, "final choice", "strong")
    low = 52 + 34 * len(said)
    s.arrow((50, low), (50, 26), kind="stream")
    for i, (layer, token, probability) in enumerate(reversed(said)):
        y = 46 + 34 * i
        s.text(36, y + 12, str(layer), anchor="end")
        s.arrow((50, y + 12), (88, y + 12))
        s.box(90, y, 84, token, "good" if i == 0 else "data", 26)
        s.bar(190, y + 5, 110, 16, probability)
        s.text(354, y + 13, f"{probability:.2f}", anchor="end")
    return s


def walking_weights(megabytes, texts):
    """Draw what has to be fetched for one token, and for several texts.

    Parameters
    ----------
    megabytes : dict of str to float
        What all weights take, in each form.
    texts : int
        How many texts are written at once.
    """
    s = Sketch(
        "fig-walking-weights",
        "What a token costs",
        "Bars for the weights, unpacked and as stored. All of them go from "
        f"memory to the processor for every token; {texts} texts written "
        "together share one passage.",
        height=214,
    )
    largest = max(megabytes.values())
    for i, (name, size) in enumerate(megabytes.items()):
        y = 10 + 34 * i
        s.text(6, y + 10, name, "strong")
        s.bar(132, y, 140, 20, size / largest)
        s.text(354, y + 10, f"{size:,.0f} MB", anchor="end")
    memory = s.box(6, 108, 112, ["memory", "all weights"], "learned", 60)
    processor = s.box(226, 108, 128, ["processor", "multiplies"], "op", 60)
    s.arrow(memory.right, processor.left, kind="stream")
    s.text(172, 122, "every", anchor="middle")
    s.text(172, 156, "weight", anchor="middle")
    s.text(6, 196, f"1 text: one token; {texts} texts: {texts} tokens", "good")
    s.text(354, 196, "per passage", "good", anchor="end")
    return s


def answer_tape(tokens, counted, losses):
    """Draw the tokens of a conversation, and which of them count in the loss.

    Parameters
    ----------
    tokens : list of str
        Without the first, which nothing predicts.
    counted : list of int
        1 where the loss counts a token as a target, else 0.
    losses : list of float
        Of each token, in nats.
    """
    rows = -(-len(tokens) // 5)
    s = Sketch(
        "fig-answer-tape",
        "The mask of the loss under a conversation",
        f"The {len(tokens)} tokens of a conversation in reading order. Under "
        "each stand its loss and its weight. The tokens of the question weigh "
        f"0, and the {sum(counted)} of the answer, its end among them, 1.",
        height=26 + 72 * rows,
    )
    s.text(6, 10, "token, its loss in nats, and how much it counts")
    for i, (token, count, loss) in enumerate(
        zip(tokens, counted, losses, strict=True)
    ):
        x, y = 6 + 70 * (i % 5), 26 + 72 * (i // 5)
        s.box(x, y, 64, token, "learned" if count else "frozen", 28)
        kind = "learned" if count else ""
        s.text(x + 32, y + 38, f"{loss:.2f}", kind, anchor="middle")
        weight = f"× {count:.0f}"
        s.text(x + 32, y + 53, weight, kind, anchor="middle")
    return s


def three_stages(stages):
    """Draw the way from a text to a model that answers and is corrected.

    Parameters
    ----------
    stages : list of (str, str, str, str)
        What each is called, what it reads, what is asked for in its loss, and
        what the model does afterwards.
    """
    s = Sketch(
        "fig-three-stages",
        "From pretraining to feedback",
        "Three stages from top to bottom, and the same weights go through all "
        "of them. "
        + " ".join(
            f"{name}: it reads {read}, and then {does}."
            for name, read, _, does in stages
        ),
        height=112 * len(stages) - 20,
    )
    before = None
    for i, (name, read, asked, does) in enumerate(stages):
        y = 6 + 112 * i
        s.number(16, y + 14, i + 1)
        stage = s.box(36, y, 150, [name, read], "learned", 76)
        s.text(200, y + 20, "loss on", "strong")
        s.text(200, y + 36, asked)
        s.text(200, y + 58, does, "good")
        if before:
            s.arrow(before.bottom, stage.top, kind="stream")
        before = stage
    return s
