"""The drawings of chapter 9: what LoRA adds to a model, where it sits, and a
message before and after.
"""

from llmbook.showing.sketch import Sketch


def low_rank(d_in, d_out, rank):
    """Draw a frozen weight matrix and the two thin ones beside it.

    Parameters
    ----------
    d_in, d_out, rank : int
    """
    thin, whole = rank * (d_in + d_out), d_in * d_out
    s = Sketch(
        "fig-lora",
        "A large matrix, and two thin ones beside it",
        f"From left to right, x takes two paths. Above, the frozen matrix W, "
        f"{d_in} by {d_out}, {whole:,} numbers. Below, A, {d_in} by {rank}, "
        f"and then B, {rank} by {d_out}, together {thin:,} numbers. The two "
        "results are added and give y.",
        height=262,
    )
    high, long = 84, 84 * 2
    x = s.box(8, 96, 34, "x", "data", 30)
    w = s.box(84, 14, long, ["W, frozen", f"{whole:,} numbers"], "frozen", high)
    down = s.box(84, 144, 26, "A", "learned", high)
    up = s.box(150, 173, long - 66, "B", "learned", 26)
    plus = s.plus(292, 111)
    y = s.box(318, 96, 34, "y", "data", 30)
    s.text(w.centre[0], 108, f"{d_in} × {d_out}", "shape", anchor="middle")
    s.text(84, 238, f"{d_in} × {rank}", "shape")
    s.text(up.centre[0], 210, f"{rank} × {d_out}", "shape", anchor="middle")
    s.text(150, 238, f"A and B: {thin:,} numbers", "learned")
    s.arrow(x.right, (62, 111), (62, w.left[1]), w.left)
    s.arrow(x.right, (62, 111), (62, down.left[1]), down.left)
    s.arrow(down.right, up.left)
    s.arrow(w.right, (292, w.right[1]), plus.top)
    s.arrow(up.right, (292, up.right[1]), plus.bottom)
    s.arrow(plus.right, y.left)
    s.text(8, 254, f"trained: {thin / whole:.1%} as many numbers as W has")
    return s


def where_adapters_sit(blocks, first, parts):
    """Draw a model's blocks, those with adapters coloured, and one opened.

    Parameters
    ----------
    blocks : int
    first : int
        The first block with adapters.
    parts : dict of str to list of str
        The linear layers of each part of a block.
    """
    layers = [name for names in parts.values() for name in names]
    s = Sketch(
        "fig-adapters",
        "Where the adapters sit",
        f"At the left a column of {blocks} blocks. The lower {first} are "
        f"frozen, the upper {blocks - first} have adapters. At the right one "
        "of these is opened: "
        + "; ".join(f"{part} with {', '.join(z)}" for part, z in parts.items())
        + ". Each of these layers has an adapter beside it.",
        height=336,
    )
    s.text(8, 14, "the words written so far: out", "strong")
    height = 282 / blocks
    for k in range(blocks):
        kind = "learned" if k >= first else "frozen"
        s.box(8, 28 + height * (blocks - 1 - k), 96, [], kind, height)
    s.text(8, 324, "the words read: in", "strong")
    s.arrow((104, 80), (142, 80))
    s.frame(146, 28, 206, 282)
    s.text(158, 46, "one of the upper blocks", "strong")
    y = 62
    for part, names in parts.items():
        s.text(158, y + 8, part)
        for name in names:
            s.box(158, y + 20, 104, [name], "frozen", 24)
            s.box(268, y + 20, 20, [], "learned", 24)
            s.arrow((262, y + 32), (268, y + 32), tip=False)
            y += 27
        y += 32
    s.text(294, 132, "adapter", "learned")
    s.text(
        352,
        324,
        f"{blocks - first} × {len(layers)} = {(blocks - first) * len(layers)}",
        "learned",
        anchor="end",
    )
    return s


def message_before_and_after(typed, house, dependent):
    """Draw what the five rules make of a message.

    Parameters
    ----------
    typed, house : dict of str to str
        The parts of a message as it is typed and as Ann has it.
    dependent : sequence of str
        The parts whose rule depends on the record.
    """
    told = "; ".join(
        f"{field}: {typed[field] or 'nothing'} becomes {house[field]}"
        for field in typed
    )
    s = Sketch(
        "fig-five-rules",
        "A message before and after, rule by rule",
        f"Five rows. {told}. The rules of {', '.join(dependent)} depend on the "
        "record and are blue.",
        height=48 + 44 * len(typed),
    )
    s.text(78, 14, "as typed", "strong")
    s.text(222, 14, "as Ann has it", "strong")
    for i, field in enumerate(typed):
        y = 28 + 44 * i
        kind = "learned" if field in dependent else "good"
        s.text(8, y + 8, field, "strong")
        s.text(8, y + 24, "depends" if kind == "learned" else "always", kind)
        before = s.box(78, y, 118, [typed[field] or "–"], "data", 32)
        after = s.box(222, y, 130, [house[field]], kind, 32)
        s.arrow(before.right, after.left)
    s.text(8, 34 + 44 * len(typed), "blue: depends on the customer", "learned")
    s.text(352, 34 + 44 * len(typed), "green: always", "good", anchor="end")
    return s


def one_model(blocks):
    """Draw who speaks when, with one model and two sets of adapters.

    Parameters
    ----------
    blocks : int
    """
    steps = (
        ("1 draft", "learned", "writes a draft"),
        ("2 refine", "shipped", "reads draft and critique"),
        ("3 train", "learned", "imitates the refinement"),
    )
    s = Sketch(
        "fig-two-adapters",
        "One model, two sets of adapters",
        f"One frozen model of {blocks} blocks at the top. Below it three "
        "steps. "
        + " ".join(
            f"{step}: with the {which} adapters, {does}."
            for step, which, does in steps
        )
        + " Only the third changes anything, and only the learned adapters.",
        height=276,
    )
    s.box(8, 8, 344, ["SmolLM2, frozen", f"{blocks} blocks"], "frozen", 48)
    for i, (step, which, does) in enumerate(steps):
        y = 84 + 62 * i
        kind = "learned" if which == "learned" else "data"
        s.text(8, y + 22, step, "strong")
        box = s.box(72, y, 122, [f"{which}", "adapters"], kind, 44)
        s.arrow(box.right, (214, y + 22))
        s.text(218, y + 22, does)
    s.arrow((133, 56), (133, 84), tip=False)
    s.text(8, 266, "Only step 3 changes numbers: the learned ones.", "learned")
    return s
