"""The drawings of the welcome page: the map of the book, and what a reader will
have built.
"""

import math
from typing import NamedTuple

from llmbook.showing.sketch import NARROW, WIDE, Box, Sketch

CARD = 210  # the width of a card's drawing

# number: name, what is in it, the chapters that it stands on
CHAPTERS: dict[int, tuple[str, str, tuple[int, ...]]] = {
    1: ("Language models", "tokens, counts, perplexity", ()),
    2: ("Attention", "weights, masks, heads", (1,)),
    3: ("Loss functions", "entropy, calibration", (2,)),
    4: ("Forward, backward", "gradients, an engine", (3,)),
    5: ("A text classifier", "reviews, end to end", (3,)),
    6: ("A GPT from scratch", "training, sampling", (4, 5)),
    7: ("Inside a real model", "its heads, its limits", (6,)),
    8: ("Language feedback", "seven methods, one price", (6,)),
    9: ("A model, by words", "critiques, then yours", (7, 8)),
    10: ("Translation", "two texts, aligned", (5, 7)),
    11: ("Summarisation", "copying what matters", (5, 7)),
    12: ("Question answering", "find, then point", (5, 7)),
    13: ("Sentiment", "classes and reasons", (5, 7)),
    14: ("Semantic roles", "who did what to whom", (5, 7)),
    15: ("Reasoning", "a program as judge", (8,)),
    16: ("Agents", "calling tools, and when", (15,)),
    20: ("Tools", "what to reach for next", ()),
    21: ("Outlook", "open questions, measured", ()),
}
APPLICATIONS = range(10, 15)
# the chapters of three ways through the book
ROUTES = {
    "hour": {2, 8},
    "weekend": {1, 2, 3, 5, 6, 7, 8},
    "weeks": set(CHAPTERS),
}


class Chapter(NamedTuple):
    """A chapter's page, and the time that it takes."""

    address: str
    minutes: int  # to read its text
    seconds: float | None  # to run its notebook


def book_map(chapters):
    """Draw the book: a box for each chapter, a link to its page.

    Parameters
    ----------
    chapters : dict
        By number, a :class:`Chapter` each.
    """
    s = Sketch("map", "The map of the book", _said(), width=WIDE, height=558)
    left, middle, right, width = 4, 232, 460, 214
    places = {
        1: (left, 4),
        2: (middle, 4),
        3: (right, 4),
        4: (left, 100),
        5: (middle, 100),
        6: (left, 196),
        7: (middle, 196),
        8: (left, 292),
        9: (middle, 292),
        15: (left, 388),
        16: (middle, 388),
        20: (left, 484),
        21: (middle, 484),
    }
    frame = s.frame(right, 100, width, 354, "applications")
    boxes = {}
    for number, (x, y) in places.items():
        name, about, _ = CHAPTERS[number]
        lines = [f"{number}  {name}", about, _times(chapters[number])]
        with s.link(chapters[number].address, _routes(number)):
            boxes[number] = s.box(x, y, width, lines, _kind(number))
    for i, number in enumerate(APPLICATIONS):
        name, _, _ = CHAPTERS[number]
        lines = [f"{number}  {name}", _times(chapters[number])]
        with s.link(chapters[number].address, _routes(number)):
            s.box(right + 9, 126 + 65 * i, width - 18, lines, height=56)
    for start, end in ((1, 2), (2, 3), (6, 7), (8, 9), (15, 16)):
        s.arrow(boxes[start].right, boxes[end].left)
    for start, end in ((4, 6), (6, 8), (7, 9), (8, 15)):
        s.arrow(boxes[start].bottom, boxes[end].top)
    for end in (4, 5):
        _turn(s, boxes[3], boxes[end], 84)
    _turn(s, boxes[5], boxes[6], 180)
    for start in (5, 7):
        s.arrow(boxes[start].right, (frame.x, boxes[start].right[1]))
    return s


def book_column(chapters):
    """Draw the map for a narrow page: the chapters one below the other.

    Parameters
    ----------
    chapters : dict
        As for :func:`book_map`.
    """
    s = Sketch(
        "map-column",
        "The map of the book, in one column",
        _said(),
        width=NARROW,
        height=58 * len(CHAPTERS) + 4,
    )
    for i, (number, (name, _, before)) in enumerate(CHAPTERS.items()):
        needed = " and ".join(map(str, before))
        times = _times(chapters[number])
        below = f"stands on {needed} · {times}" if before else times
        lines = [f"{number}  {name}", below]
        with s.link(chapters[number].address, _routes(number)):
            s.box(4, 4 + 58 * i, NARROW - 8, lines, _kind(number), 48)
    return s


def counter(word, shares):
    """Draw what follows a word, and how often.

    Parameters
    ----------
    word : str
    shares : dict
        The share of each follower.
    """
    s = _card("counter", f"What follows {word!r}", _list(shares))
    source = s.box(4, 38, 62, word, "data")
    for i, (follower, share) in enumerate(shares.items()):
        y = 24 + 44 * i
        s.arrow(source.right, (98, y + 8))
        s.text(104, y, follower, "strong")
        s.bar(104, y + 10, 98, 10, share)
    return s


def attention(weights):
    """Draw one token that gathers from all, by its weights.

    Parameters
    ----------
    weights : dict
        The weight of each token.
    """
    s = _card("attention", "A token gathers from all tokens", _list(weights))
    tops = []
    for i, (token, weight) in enumerate(weights.items()):
        box = s.box(12 + 66 * i, 54, 54, [token, f"{weight:.3f}"], "data")
        tops.append(box.top)
    average = s.box(64, 4, 82, "average", "learned", 26)
    s.fan(tops, average.bottom, weights.values())
    return s


def classifier():
    """Draw a review that is read and judged."""
    s = _card(
        "classifier",
        "A classifier",
        "A review goes through attention and becomes a judgement.",
    )
    review = s.box(4, 36, 62, "review", "word")
    reader = s.box(84, 36, 76, "attention", "learned")
    judged = s.box(176, 36, 30, "±", "good")
    s.arrow(review.right, reader.left)
    s.arrow(reader.right, judged.left)
    return s


def learning(perplexities):
    """Draw a perplexity that falls, on a logarithmic axis.

    Parameters
    ----------
    perplexities : list
        After equally many steps each.
    """
    first, last = perplexities[0], perplexities[-1]
    s = _card(
        "learning",
        "A perplexity that falls",
        f"Validation: from {first:.0f} to {last:.0f}.",
    )
    logs = [math.log(p) for p in perplexities]
    low, high = min(logs), max(logs)
    step = 150 / (len(logs) - 1)
    points = [
        (20 + step * i, 82 - 66 * (value - low) / (high - low))
        for i, value in enumerate(logs)
    ]
    s.curve([(20, 8), (20, 92), (202, 92)])
    s.curve(points, "query")
    s.text(26, 12, f"{first:.0f}")
    s.text(202, 30, "validation", anchor="end")
    s.text(points[-1][0] + 6, points[-1][1], f"{last:.0f}", "learned")
    return s


def layers(number):
    """Draw the blocks of a model, one upon the other.

    Parameters
    ----------
    number : int
    """
    s = _card(
        "layers",
        "A real model, opened",
        f"{number} blocks, one upon the other, from a text to the next token.",
    )
    for i in range(number):
        s.bar(12, 4 + 96 / number * i, 86, 64 / number, 1)
    s.arrow((110, 98), (110, 6), kind="stream")
    s.text(122, 16, "next token", "strong")
    s.text(122, 52, f"{number} blocks")
    s.text(122, 90, "a text", "strong")
    return s


def rounds(kept, best):
    """Draw how many rules are kept after every round.

    Parameters
    ----------
    kept : list of float
    best : int
        All rules.
    """
    s = _card(
        "rounds",
        "Rules kept, round by round",
        f"Of {best}: " + ", ".join(f"{score:.1f}" for score in kept),
    )
    for i, score in enumerate(kept):
        y = 8 + 25 * i
        s.text(4, y + 6, f"round {i}")
        s.bar(62, y, 110, 12, score / best, "good")
        s.text(180, y + 6, f"{score:.1f}", "strong")
    return s


def page():
    """Draw a page of the book with the parts that a reader meets."""
    s = Sketch(
        "page",
        "A page and its parts",
        "From above: the chapter's goals; a sentence of the text; a cell of "
        "code with what it printed; a fold that says how many statements are "
        "checked; a figure and the fold of its code; an exercise.",
        height=356,
    )
    s.frame(4, 4, 320, 348)
    parts = [
        (16, 32, "You will be able to …", "op"),
        (56, 32, "the text makes a claim", "op"),
        (96, 32, "code, then what it printed", "data"),
        (142, 32, "Checked here: n statements ✓", "good"),
        (188, 62, "a figure", "data"),
        (256, 32, "How this figure is drawn", "frozen"),
        (304, 36, "an exercise and its check", "learned"),
    ]
    for number, (y, height, words, kind) in enumerate(parts, start=1):
        s.box(28, y, 272, words, kind, height)
        s.number(342, y + height / 2, number)
    return s


def _card(name, title, text):
    return Sketch(f"card-{name}", title, text, width=CARD, height=104)


def _list(shares):
    """Return shares in words."""
    return ", ".join(f"{name}: {share:.2f}" for name, share in shares.items())


def _said():
    """Return which chapter stands on which, in words."""
    return (
        "A box for each chapter, a link to it. 2 stands on 1, 3 on 2; 4 and 5 "
        "stand on 3; 6 stands on both; 7 and 8 stand on 6, and 9 on both. The "
        "applications, 10 to 14, stand on 5 and 7; 15 stands on 8, and 16 on "
        "15. 20 and 21 close the book."
    )


def _kind(number):
    """Return the kind of a chapter's box: words are orange, as everywhere."""
    return "word" if number in (8, 9) else "op"


def _routes(number):
    return " ".join(name for name, way in ROUTES.items() if number in way)


def _times(chapter):
    run = f" · {chapter.seconds:.0f} s" if chapter.seconds is not None else ""
    return f"{chapter.minutes} min{run}"


def _turn(s, start: Box, end: Box, y):
    """Draw an arrow from the bottom of a box to the top of another, along a
    height between them.
    """
    s.arrow(
        start.bottom, (start.bottom[0], y), (end.top[0], y), (end.top[0], end.y)
    )
