"""The drawings of chapter 1: counting, cutting and guessing with a window."""

import itertools

import numpy as np

from llmbook.showing.sketch import LARGE, SMALL, Sketch, text_width


def loop_of_writing(context, shares, drawn):
    """Draw how a language model writes: guess, draw, append, again.

    Parameters
    ----------
    context : list of str
        The tokens so far.
    shares : dict of str to float
        The probability of each token that may come next.
    drawn : str
        The one that is taken.
    """
    said = ", ".join(f"{t} {share:.2f}" for t, share in shares.items())
    s = Sketch(
        "fig-loop",
        "The loop of writing",
        f"The text so far, {' '.join(context)}, goes into the model, which "
        f"gives each token a probability: {said}. One token is drawn, {drawn}, "
        "and a dashed line takes it back to the end of the text.",
        height=172 + 22 * len(shares),
    )
    width = 64
    row = s.tokens(16, 12, context, width)
    end = row[-1].x + width + 6
    new = s.box(end, 12, width, drawn, "good", 28)
    s.text(end + width + 12, 26, "… and again")
    model = s.box(16, 74, 2 * width + 6, "language model", "learned", 32)
    s.arrow((model.centre[0], 40), model.top)
    s.arrow(model.bottom, (model.centre[0], 128))
    s.text(16, 142, "a probability for every token:", "strong")
    for i, (token, share) in enumerate(shares.items()):
        y = 160 + 22 * i
        s.text(62, y + 7, token, anchor="end")
        kind = "good" if token == drawn else "learned"
        s.bar(70, y, 120, 14, share, kind)
        s.text(198, y + 7, f"{share:.2f}")
        if token == drawn:
            s.text(246, y + 7, "one is drawn", "good")
            s.arrow((340, y + 7), (348, y + 7), (348, 58), kind="back", tip=0)
    s.arrow((348, 58), (new.centre[0], 58), new.bottom, kind="back")
    return s


def table_as_graph(shares):
    """Draw a table of followers as a graph.

    Parameters
    ----------
    shares : dict of (str, str) to float
        The probability of the second token after the first.
    """
    said = "; ".join(
        f"from {left} to {right} {share:.2f}"
        for (left, right), share in shares.items()
    )
    s = Sketch(
        "fig-table-graph",
        "A table of followers as a graph",
        f"A box for each token, an arrow for each pair that occurs: {said}.",
        height=214,
    )
    places = {
        "I": (16, 60),
        "drink": (124, 60),
        "tea": (268, 16),
        "coffee": (268, 108),
        ",": (142, 170),
    }
    boxes = {
        token: s.box(x, y, 76 if token != "," else 40, token, "data", 32)
        for token, (x, y) in places.items()
    }

    def label(x, y, left, right):
        s.text(x, y, f"{shares[left, right]:.2f}", "strong", anchor="middle")

    s.arrow(boxes["I"].right, boxes["drink"].left)
    label(108, 62, "I", "drink")
    s.arrow((200, 70), (234, 70), (234, 32), boxes["tea"].left)
    label(214, 50, "drink", "tea")
    s.arrow((200, 82), (234, 82), (234, 124), boxes["coffee"].left)
    label(214, 106, "drink", "coffee")
    s.arrow((344, 32), (352, 32), (352, 186), boxes[","].right)
    label(260, 176, "tea", ",")
    s.arrow(boxes[","].left, (54, 186), boxes["I"].bottom)
    label(96, 176, ",", "I")
    return s


def four_rows(tokens, ids, vectors):
    """Draw one line of text as tokens, ids and vectors, place by place.

    Parameters
    ----------
    tokens : list of T str
    ids : (T,) of int
    vectors : (T, 3)
        The first numbers of each token's vector.
    """
    text = "".join(tokens)
    s = Sketch(
        "fig-four-rows",
        "From text to vectors",
        f"Four rows, one below the other: the text {text}, its tokens, their "
        "ids and the first three numbers of each token's vector. Each token "
        "keeps its place from row to row.",
        height=284,
    )
    step = 280 / len(tokens)
    s.text(16, 24, "text", "strong")
    s.box(72, 10, 276, text, "data", 28)
    for name, y in (("tokens", 84), ("ids", 138), ("vectors", 222)):
        s.text(16, y, name, "strong")
    for i, (token, number, vector) in enumerate(
        zip(tokens, ids, vectors, strict=True)
    ):
        x = 72 + i * step
        width = step - 8
        middle = x + width / 2
        s.arrow((middle, 38), (middle, 68))
        s.box(x, 70, width, token, "data", 28)
        s.arrow((middle, 98), (middle, 122))
        s.cells(x, 126, [[str(int(number))]], width, 24)
        s.arrow((middle, 150), (middle, 180))
        column = s.cells(x, 184, [[value] for value in vector], width, 24)
        s.text(middle, column.y + column.height + 10, "⋮", anchor="middle")
    return s


def merge_trees(words, merges):
    """Draw how neighbours become one, a tree for each word.

    Parameters
    ----------
    words : list of str
    merges : list of (str, str)
        In the order in which they were learned.
    """
    order = ", then ".join("+".join(pair) for pair in merges)
    s = Sketch(
        "fig-merges",
        "Merges as trees",
        f"Words as rows of letters. The merges {order} join neighbours, each "
        "one floor higher, with the number of the merge beside it.",
        height=48 + 40 * len(merges) + 22,
    )
    letters = sum(map(len, words))
    step = 334 / (letters + len(words) - 1)
    x, ground = 16 + step / 2, 40 * len(merges) + 36
    for word in words:
        row = [(letter, x + i * step, ground) for i, letter in enumerate(word)]
        for letter, place, y in row:
            s.text(place, y, letter, "strong", LARGE, "middle")
        for number, pair in enumerate(merges, start=1):
            joined = []
            while row:
                if tuple(node[0] for node in row[:2]) != pair:
                    joined.append(row.pop(0))
                    continue
                left, right = row.pop(0), row.pop(0)
                token = left[0] + right[0]
                y = ground - 40 * number
                middle = (left[1] + right[1]) / 2
                for _, place, low in (left, right):
                    s.arrow(
                        (place, low - 12),
                        (place, y + 18),
                        (middle, y + 18),
                        (middle, y + 11),
                        tip=False,
                    )
                half = text_width(token) / 2
                s.text(middle, y, token, "learned", LARGE, "middle")
                s.text(middle + half + 4, y - 6, str(number))
                joined.append((token, middle, y))
            row = joined
        x += (len(word) + 1) * step
    return s


def ladder(rungs):
    """Draw how Kneser-Ney hands on what it saves, context by context.

    Parameters
    ----------
    rungs : list of (str, float, float)
        From the longest context to none: the context, the share that is given
        out there, and what is handed one step down.
    """
    said = "; ".join(
        f"{context} hands on {saved:.2f}" for context, _, saved in rungs
    )
    s = Sketch(
        "fig-ladder",
        "The ladder of back-off",
        "From top to bottom, contexts that lose their first token at each "
        f"step. What a context saves goes one step down: {said}. The last step "
        "is the uniform distribution.",
        height=66 * len(rungs) + 44,
    )
    for i, (context, spent, saved) in enumerate(rungs):
        y = 12 + 66 * i
        s.box(16, y, 122, context, "data", 30)
        s.bar(150, y + 8, 110, 14, spent)
        s.text(268, y + 15, f"{spent:.2f} given")
        s.arrow((77, y + 30), (77, y + 64), label=f"{saved:.2f} of it saved")
    s.box(
        16, 12 + 66 * len(rungs), 250, "all tokens alike, 1 / V each", "op", 28
    )
    return s


def window_model(tokens, window, averages, sizes):
    """Draw the window model from its tokens to its scores.

    Parameters
    ----------
    tokens : list of str
        The tokens of the window.
    window : int
    averages : sequence of int
    sizes : dict
        ``d_model``, ``hidden_dim`` and ``vocab_size``.
    """
    width, hidden, vocabulary = (
        sizes[name] for name in ("d_model", "hidden_dim", "vocab_size")
    )
    parts = window + len(averages)
    s = Sketch(
        "fig-window-model",
        "The window model",
        f"From below: {len(averages)} averages of earlier tokens and the "
        f"{window} tokens of the window, a vector of {width} numbers each, lie "
        f"side by side. They become {hidden} features, a guess of {width} "
        f"numbers and {vocabulary:,} scores, one for each token.",
        height=352,
    )
    step = 328 / parts
    names = [str(m) for m in reversed(averages)] + tokens
    for i, name in enumerate(names):
        x = 16 + i * step
        average = i < len(averages)
        s.box(x, 284, step - 6, name, "data", 28)
        s.arrow((x + step / 2 - 3, 284), (x + step / 2 - 3, 256))
        label = "mean" if average else "vector"
        s.cells(x, 228, [[None]], step - 6, 26, shade=[[0.25]])
        s.text(x + step / 2 - 3, 241, label, anchor="middle")
        s.arrow((x + step / 2 - 3, 228), (x + step / 2 - 3, 200), tip=False)
    before = len(averages) * step
    s.brace(16, 316, before - 6, "tokens before")
    s.brace(16 + before, 316, window * step - 6, "the window")
    joined = f"input x: {parts} × {width} = {parts * width:,}"
    chain = [
        s.box(16, 170, 322, joined, "data", 30),
        s.box(66, 116, 222, f"hidden layer: {hidden}", "learned", 30),
        s.box(66, 62, 222, f"guess: {width}", "learned", 30),
        s.box(16, 8, 322, f"logits: {vocabulary:,}, one per token", "data", 30),
    ]
    for lower, upper in itertools.pairwise(chain):
        s.arrow(lower.top, upper.bottom)
    s.text(186, 50, "compared with all of E")
    return s


def sliding_window(characters, window, ends):
    """Draw a window that slides past what it would need to know.

    Parameters
    ----------
    characters : list of str
        A stretch of text; the first is the one that matters later.
    window : int
    ends : list of int
        Before which character the window stands, in each row.
    """
    first, last = characters[0], characters[-1]
    s = Sketch(
        "fig-sliding",
        "The window slides past",
        f"The same stretch of text in {len(ends)} rows, a window of {window} "
        f"characters further right in each. The first character, {first}, is "
        f"inside it at first, and far outside when {last} has to be guessed.",
        height=66 * len(ends) + 8,
    )
    step = 328 / len(characters)
    for row, end in enumerate(ends):
        y = 30 + 66 * row
        seen = end - window <= 0
        fact = f"{first} is in sight" if seen else f"{first} is out of sight"
        s.text(16, y - 14, fact, "good" if seen else "word")
        for i, character in enumerate(characters):
            x = 16 + step * i
            inside = end - window <= i < end
            kind = "learned" if inside else "data"
            if i < end:
                s.box(x, y, step - 1, character, kind, 26)
            elif i == end:
                s.box(x, y, step - 1, "?", "good", 26)
        s.brace(
            16 + step * max(end - window, 0),
            y + 28,
            step * min(window, end),
            "",
        )
    return s


def unrolled(tokens, letters="h"):
    """Draw a recurrent network, one step for each token.

    Parameters
    ----------
    tokens : list of str
        What is read, in order.
    letters : str
        The name of the state.
    """
    s = Sketch(
        "fig-recurrent",
        "A recurrent network, step by step",
        "The same box for each token, from left to right. A thick line, the "
        "state, goes through all of them; above each box the scores of the "
        "next token come out.",
        height=168,
    )
    step = 328 / len(tokens)
    for i, token in enumerate(tokens):
        x = 30 + i * step
        cell = s.box(
            x, 66, step - 34, f"{letters}{_below(i + 1)}", "learned", 36
        )
        s.box(x, 130, step - 34, token, "data", 28)
        s.arrow((cell.centre[0], 130), cell.bottom)
        s.arrow(cell.top, (cell.centre[0], 34))
        s.text(cell.centre[0], 22, "next?", anchor="middle")
        if i:
            s.arrow((x - 34, 84), (x, 84), kind="stream")
    return s


def asked_twice(words, weights):
    """Draw one story under several questions: each word as blue as the weight
    that the question puts on it.

    Parameters
    ----------
    words : list of T str
    weights : dict of str to (T,)
        What each question looks at.
    """
    found = "; ".join(
        f"{question} looks at {words[int(np.argmax(row))]}"
        for question, row in weights.items()
    )
    lines = _wrapped(words)
    block = 24 * len(lines) + 34
    s = Sketch(
        "fig-recall",
        "The same story, asked twice",
        f"The {len(words)} words of a story, once for each question, the "
        f"bluer, the more weight: {found}.",
        height=block * len(weights),
    )
    for i, (question, row) in enumerate(weights.items()):
        s.text(16, 14 + i * block, f"asked {question}", "strong")
        shares = iter(row)
        for j, line in enumerate(lines):
            x = 16
            for word in line:
                y, width = 26 + i * block + 24 * j, _room(word)
                s.cells(x, y, [[word]], width, 22, shade=[[next(shares)]])
                x += width + 2
    return s


def _wrapped(words, width=328):
    """Return words in lines that are no wider than the drawing."""
    lines: list[list[str]] = [[]]
    left = width
    for word in words:
        if _room(word) > left:
            lines.append([])
            left = width
        lines[-1].append(word)
        left -= _room(word) + 2
    return lines


def _room(word):
    """Return the width of a word's cell."""
    return text_width(word, SMALL) + 10


def _below(number):
    """Return a number in lowered digits."""
    return "".join(chr(0x2080 + int(digit)) for digit in str(number))
