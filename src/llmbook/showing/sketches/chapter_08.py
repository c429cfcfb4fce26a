"""The drawings of chapter 8: what an annotator can answer to a draft, and one
round of learning from words.
"""

import textwrap

from llmbook.showing.sketch import Sketch


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
