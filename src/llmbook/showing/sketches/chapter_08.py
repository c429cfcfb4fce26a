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
        The kind, the answer, its bits about the draft and its seconds.
    """
    told = "; ".join(
        f"{kind}: {said}, {bits:.2f} bits in {seconds:g} seconds"
        for kind, said, bits, seconds in answers
    )
    s = Sketch(
        "fig-four-answers",
        "Four answers to one draft",
        f"A draft, {draft} Below it four bubbles, each with its bits about the "
        f"draft and the seconds it takes. {told}. Only the critique says what "
        "to change.",
        height=386,
    )
    s.box(8, 8, 344, ["a draft", *_lines(draft, 44)], "data")
    s.text(352, 94, "about the draft", "strong", anchor="end")
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


def _lines(text, width):
    # a mark stays on the line of the word before it
    return textwrap.wrap(text.replace(" !", "\u00a0!"), width)
