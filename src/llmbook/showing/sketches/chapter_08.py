"""The drawings of chapter 8: its world, what an annotator can answer to a
draft, and what each method makes of the answers.
"""

import textwrap

from llmbook.showing.sketch import Sketch


def world(record, draft, met):
    """Draw what a message is written from, and what it is measured by.

    Parameters
    ----------
    record, draft : str
    met : dict of str to bool
        Whether the draft meets each criterion.
    """
    kept = [name for name, is_met in met.items() if is_met]
    words = _lines(draft, 30)
    columns, wide = 4, 80
    rows = -(-len(met) // columns)
    low = 196 + 16 * len(words)
    s = Sketch(
        "fig-feedback-world",
        "A record, a writer, a hidden style and eight criteria",
        f"At the top a record: {record}. From it two ways lead down. On the "
        f"left a writer that sees the record alone writes a draft: {draft} On "
        "the right the house style, hidden, says what each criterion asks for. "
        f"Both meet at the bottom: of {len(met)} criteria the draft meets "
        f"{len(kept)}, which are green: {', '.join(kept)}.",
        height=low + 36 + 40 * rows,
    )
    s.box(8, 8, 344, ["record", *_lines(record, 48)], "data", 48)
    writer = s.box(8, 84, 226, ["writer", "sees the record alone"], "learned")
    style = s.box(252, 84, 100, ["house style", "hidden"], "frozen")
    page = s.box(8, 160, 226, ["draft", *words], "data")
    s.arrow((writer.top[0], 56), writer.top)
    s.arrow((style.top[0], 56), style.top)
    s.arrow(writer.bottom, page.top)
    s.arrow(page.bottom, (page.bottom[0], low + 24))
    s.arrow(style.bottom, (style.bottom[0], low + 24))
    s.text(132, low + 10, f"{len(kept)} of {len(met)} are met", "strong")
    for i, (name, is_met) in enumerate(met.items()):
        x, y = 8 + (wide + 8) * (i % columns), low + 30 + 40 * (i // columns)
        s.box(x, y, wide, name, "good" if is_met else "op", 32)
    return s


def four_answers(draft, answers):
    """Draw one draft and four kinds of answer to it, with what each says and
    costs.

    Parameters
    ----------
    draft : str
    answers : list of (str, str, float, float)
        The kind, the answer, its bits about the style and its seconds.
    """
    told = "; ".join(
        f"{kind}: {said}, {bits:.2f} bits in {seconds:g} seconds"
        for kind, said, bits, seconds in answers
    )
    s = Sketch(
        "fig-four-answers",
        "Four answers to one draft",
        f"A draft, {draft} Below it four bubbles, each with its bits about the "
        f"style and the seconds it takes. {told}. Only the critique says what "
        "to change.",
        height=386,
    )
    s.box(8, 8, 344, ["a draft", *_lines(draft, 44)], "data")
    s.text(352, 94, "about the style", "strong", anchor="end")
    y = 106
    for kind, said, bits, seconds in answers:
        lines = [kind, *_lines(said, 28)]
        bubble = s.box(8, y, 226, lines, "word")
        middle = bubble.right[1]
        s.text(352, middle - 8, f"{bits:.2f} bits", "strong", anchor="end")
        s.text(352, middle + 8, f"{seconds:g} s", anchor="end")
        y += bubble.height + 18
    return s


def leash():
    """Draw how a reward model is made and then pursued under a KL penalty."""
    s = Sketch(
        "fig-rlhf",
        "A reward model, and a policy on a leash",
        "Above, the first step: two drafts and the annotator's choice train a "
        "reward model. Below, the second step: the policy writes a draft, the "
        "reward model, now frozen, gives it a reward. A spring ties the policy "
        "to the frozen reference, and what it is stretched, beta times the "
        "divergence in nats, is taken off the reward. A dashed line leads what "
        "is left back to the policy, which alone is changed.",
        height=396,
    )
    s.text(8, 12, "first: fit what people choose", "strong")
    two = s.box(8, 26, 84, "two drafts", "data", 44)
    choice = s.box(120, 26, 96, ["annotator", "“the first”"], "word", 44)
    model = s.box(250, 26, 102, ["reward", "model"], "learned", 44)
    s.arrow(two.right, choice.left)
    s.arrow(choice.right, model.left)
    s.text(8, 112, "then: pursue it, and pay for every nat", "strong")
    policy = s.box(8, 134, 112, "policy", "learned", 40)
    draft = s.box(150, 134, 66, "draft", "data", 40)
    s.box(250, 134, 102, ["reward", "model"], "frozen", 44)
    s.arrow(policy.right, draft.left)
    s.arrow((216, 154), (250, 154))
    s.box(8, 264, 112, "reference", "frozen", 40)
    turns = [(64 + 10 * (-1) ** i, 186 + 8 * i) for i in range(9)]
    s.curve([(64, 174), *turns, (64, 264)])
    s.text(86, 214, "KL: how far the")
    s.text(86, 230, "leash is stretched")
    minus = s.box(216, 264, 136, "reward − β · KL", "op", 40)
    s.arrow((301, 178), (301, 264))
    s.arrow((206, 222), (260, 222), (260, 264))
    s.arrow(minus.bottom, (284, 340), (2, 340), (2, 154), (8, 154), kind="back")
    s.text(284, 356, "policy gradient", anchor="end")
    s.text(8, 382, "Only the policy changes. The reference holds it back.")
    return s


def pair_without_judge(winner, loser, beta, loss):
    """Draw what DPO reads of a pair of texts.

    Parameters
    ----------
    winner, loser : (float, float)
        The log-probability of each text under the policy and under the
        reference.
    beta, loss : float
    """
    rows = [("winner", *winner, "good"), ("loser", *loser, "data")]
    worth = [beta * (policy - kept) for _, policy, kept, _ in rows]
    margin = worth[0] - worth[1]
    told = "; ".join(
        f"{name}: {policy:.1f} under the policy, {kept:.1f} "
        f"under the reference, implied reward {gain:.2f}"
        for (name, policy, kept, _), gain in zip(rows, worth, strict=True)
    )
    s = Sketch(
        "fig-dpo",
        "DPO: two texts and two models, no judge",
        f"Two rows, one for each text. {told}. The difference of the two, "
        f"{margin:.2f}, gives the loss {loss:.3f}. A dashed line leads it "
        "back to the policy. There is no reward model.",
        height=262,
    )
    heads = ((8, "text"), (84, "policy"), (162, "reference"), (258, "implied"))
    for x, title in heads:
        s.text(x, 12, title, "strong")
    s.text(258, 28, f"reward, β = {beta:g}", "strong")
    for i, ((name, policy, kept, kind), gain) in enumerate(
        zip(rows, worth, strict=True)
    ):
        y = 44 + 54 * i
        text = s.box(8, y, 66, name, kind, 36)
        one = s.box(84, y, 66, f"{policy:.1f}", "learned", 36)
        other = s.box(168, y, 66, f"{kept:.1f}", "frozen", 36)
        reward = s.box(258, y, 94, f"{gain:.2f}", "op", 36)
        s.arrow(text.right, one.left, tip=False)
        s.text(159, y + 18, "−", anchor="middle")
        s.arrow(other.right, reward.left)
    end = s.box(
        148,
        168,
        204,
        [f"winner − loser: {margin:.2f}", f"loss −ln σ = {loss:.3f}"],
        "op",
    )
    s.arrow((305, 134), (305, 168))
    s.arrow(end.left, (117, 192), (117, 134), kind="back")
    s.text(8, 234, "The pair is ranked by the policy itself:")
    s.text(8, 250, "a text is worth what it gained on the reference.")
    return s


def one_round(draft, critique, refinement, scores):
    """Draw one round of imitation learning from language feedback.

    Parameters
    ----------
    draft, critique, refinement : str
    scores : (int, int)
        Of the draft and of the refinement.
    """
    steps = [
        ("1 sample", [f"draft: {scores[0]} of 8", *_lines(draft, 38)], "data"),
        ("2 criticise", ["the annotator", *_lines(critique, 38)], "word"),
        ("3 refine", ["refiner", "reads record, draft, critique"], "frozen"),
        (
            "4 select",
            [f"refinement: {scores[1]} of 8", *_lines(refinement, 38)],
            "good",
        ),
    ]
    s = Sketch(
        "fig-ilf-round",
        "ILF, one round",
        f"From above: the policy writes a draft, {draft} It scores {scores[0]} "
        f"of 8. The annotator says: {critique}. The refiner, which reads "
        f"record, draft and critique, writes: {refinement} That scores "
        f"{scores[1]} of 8. A dashed line goes back: the policy is trained to "
        "write the refinement when it sees the record alone.",
        height=106 + sum(46 + 16 * len(lines) for _, lines, _ in steps),
    )
    x, width = 50, 302
    policy = s.box(x, 8, width, ["policy", "reads the record"], "learned")
    before, box = policy, policy
    for label, lines, kind in steps:
        y = before.y + before.height + 30
        box = s.box(x, y, width, lines, kind)
        s.arrow((x + 100, y - 30), (x + 100, y))
        s.text(x + 110, y - 15, label, "strong")
        before = box
    s.arrow(box.left, (22, box.left[1]), (22, 32), policy.left, kind="back")
    end = box.y + box.height + 18
    s.text(8, end, "5 fine-tune: record in, refinement out", "strong")
    s.text(8, end + 18, "The critique is gone. What it asked for stays.")
    return s


def two_relatives():
    """Draw a dialogue and self-distillation as variants of a round of ILF."""
    columns = (
        (
            "dialogue",
            (
                (["draft"], "data"),
                (["critique"], "word"),
                (["refiner", "writes a new text"], "frozen"),
                (["accepted text"], "good"),
            ),
        ),
        (
            "self-distillation",
            (
                (["draft"], "data"),
                (["critique"], "word"),
                (["teacher", "has read the critique"], "frozen"),
                (["its chances", "word by word"], "op"),
            ),
        ),
    )
    s = Sketch(
        "fig-ilf-relatives",
        "Two relatives of ILF",
        "Two columns, each from a draft and a critique down to the policy. "
        "Left, a dialogue: the refiner writes a new text, a line leads back up "
        "to the critique until the annotator accepts, and the policy imitates "
        "the accepted text. Right, self-distillation: no new text is written. "
        "A teacher that has read the critique says at each word of the old "
        "draft what it would have written, and the policy is pulled towards "
        "that.",
        height=376,
    )
    for x, (title, steps) in zip((8, 184), columns, strict=True):
        s.text(x, 12, title, "strong")
        low = None
        for i, (lines, kind) in enumerate(steps):
            y = 28 + 68 * i
            box = s.box(x + 22, y, 146, lines, kind, 44)
            if low:
                s.arrow(low, box.top)
            low = box.bottom
        box = s.box(x + 22, 310, 146, "policy", "learned", 36)
        s.arrow(low, box.top, kind="back")
    s.arrow((30, 186), (12, 186), (12, 118), (30, 118))
    s.text(8, 364, "imitates the text")
    s.text(206, 364, "moves word by word")
    return s


def refiner_document(record, draft, critique, refinement):
    """Draw one document of pretraining, and which of its tokens are learned.

    Parameters
    ----------
    record, draft, critique, refinement : str
    """
    parts = (
        ("record", record, "frozen"),
        ("draft", draft, "learned"),
        ("critique", critique, "word"),
        ("refinement", refinement, "learned"),
    )
    s = Sketch(
        "fig-refiner-document",
        "A document of pretraining",
        "Four parts, one below the other: "
        + "; ".join(f"{name}: {text}" for name, text, _ in parts)
        + ". The draft and the refinement are predicted token by token, the "
        "record and the critique are only read.",
        height=26
        + sum(52 + 16 * len(_lines(text, 40)) for _, text, _ in parts),
    )
    y = 26
    s.text(8, 12, "blue: predicted token by token", "learned")
    for name, text, kind in parts:
        box = s.box(8, y, 344, [name, *_lines(text, 40)], kind)
        if name != "refinement":
            x = 176
            s.arrow((x, y + box.height), (x, y + box.height + 16), tip=True)
        y += box.height + 18
    return s


def family(methods):
    """Draw which answer each method learns from, and how it learns.

    Parameters
    ----------
    methods : dict of str to list of (str, str)
        By the kind of answer: methods, and the way each changes the policy.
    """
    ways = list(
        dict.fromkeys(way for found in methods.values() for _, way in found)
    )
    rows = sum(map(len, methods.values()))
    s = Sketch(
        "fig-feedback-family",
        "Which answer, which method, which update",
        "Three columns: kinds of answer, methods, and ways to change the "
        "policy. "
        + "; ".join(
            f"{kind}: "
            + ", ".join(f"{method}, which will {way}" for method, way in found)
            for kind, found in methods.items()
        )
        + ".",
        height=34 + 40 * rows,
    )
    for x, title in ((4, "answer"), (134, "method"), (272, "update")):
        s.text(x, 12, title, "strong")
    step = (40 * rows - 6) / len(ways)
    ends = {
        way: s.box(272, 26 + step * i + step / 2 - 20, 84, way, "learned", 40)
        for i, way in enumerate(ways)
    }
    y = 26
    for kind, found in methods.items():
        middle = y + 40 * len(found) / 2 - 20
        answer = s.box(4, middle, 116, kind, "data", height=32)
        for method, way in found:
            box = s.box(134, y, 124, method, "op", height=32)
            s.arrow(answer.right, box.left, tip=False)
            s.arrow(box.right, ends[way].left)
            y += 40
    return s


def diet(critiques, plain, replay):
    """Draw how many texts the last round imitates, without and with replay.

    Parameters
    ----------
    critiques : list of int
    plain, replay : list of float
        Texts in the last round, for each number of critiques.
    """
    most = max(*plain, *replay)
    said = "; ".join(
        f"{n:,} critiques: {a:,.0f} and {b:,.0f}"
        for n, a, b in zip(critiques, plain, replay, strict=True)
    )
    s = Sketch(
        "fig-ilf-diet",
        "What plain ILF has left to learn from",
        "Pairs of bars: the texts of the last round, without and with replay. "
        f"{said}. With replay the diet grows, without it only failures are "
        "left.",
        height=30 + 62 * len(critiques),
    )
    s.text(8, 12, "texts in the last round", "strong")
    for i, row in enumerate(zip(critiques, plain, replay, strict=True)):
        y = 26 + 62 * i
        number, *counts = row
        s.text(8, y + 22, f"{number:,} critiques")
        for j, (name, count) in enumerate(
            zip(("plain", "with replay"), counts, strict=True)
        ):
            s.text(112, y + 12 + 22 * j, name)
            s.bar(190, y + 4 + 22 * j, 116, 16, count / most)
            s.text(312, y + 12 + 22 * j, f"{count:,.0f}")
    return s


def _lines(text, width):
    # a mark stays on the line of the word before it
    return textwrap.wrap(text.replace(" !", "\u00a0!"), width)
