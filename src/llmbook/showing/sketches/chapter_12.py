"""The drawings of chapter 12: a span as a cell of a grid, names as slots, a
table with a diagonal, and a search engine in front of a reader.
"""

import numpy as np

from llmbook.showing.sketch import Sketch


def start_end_grid(tokens, sums, chosen):
    """Draw the sums of both scores for all pairs of a first and a last token.

    Parameters
    ----------
    tokens : list of T str
    sums : (T, T)
        By first and last token.
    chosen : (int, int)
        First and last token of the best span.
    """
    largest = np.unravel_index(np.argmax(sums), np.shape(sums))
    s = Sketch(
        "fig-qa-grid",
        "Start and end as a grid",
        f"A grid with a row for each first and a column for each last token of "
        f"{' '.join(tokens)}. Below the diagonal the end comes before the "
        "start: these cells are empty, but for a cross at the largest sum of "
        f"the whole grid, first {tokens[largest[0]]} and last "
        f"{tokens[largest[1]]}. Of the other cells the largest is marked: "
        f"first {tokens[chosen[0]]} and last {tokens[chosen[1]]}.",
        height=262,
    )
    left, top, width, height = 76, 50, 39, 28
    s.text(left, 12, "last token", "strong")
    s.text(6, 32, "first token", "strong")
    values = [
        [value if j >= i else None for j, value in enumerate(row)]
        for i, row in enumerate(np.asarray(sums).tolist())
    ]
    if largest[1] < largest[0]:
        values[largest[0]][largest[1]] = "×"
    shade = np.zeros(np.shape(sums))
    shade[tuple(chosen)] = 0.6
    s.cells(left, top, values, width, height, digits=1, shade=shade)
    for i, token in enumerate(tokens):
        s.text(6, top + height * (i + 0.5), token)
        middle = left + width * (i + 0.5)
        # long words in two rows, so that neighbours do not touch
        s.text(middle, 28 if i % 2 else 40, token, anchor="middle")
    return s


def retrieve_then_read(question, count, retrieved, given, found, answer):
    """Draw a search engine in front of a reader, with what is right after each.

    Parameters
    ----------
    question, answer : str
    count : int
        Sentences in the library.
    retrieved : float
        The share of questions whose sentence is among those found.
    given, found : float
        The shares answered rightly, with the passage given and with it found.
    """
    s = Sketch(
        "fig-qa-pipeline",
        "Retrieve, then read",
        f"From above: a question and a library of {count} sentences go into a "
        "retriever, BM25, which hands four sentences to the reader, and the "
        f"reader points at the answer. The right sentence is among the four in "
        f"a share of {retrieved:.2f} of the questions. The answer is exact in "
        f"{found:.2f} of them; with the passage given it would be {given:.2f}.",
        height=330,
    )
    asked = s.box(8, 8, 344, question, "word", 34)
    shelf = s.box(4, 76, 122, [f"{count} sentences", "the library"], "data")
    engine = s.box(150, 76, 130, ["retrieve", "BM25, the top four"])
    s.arrow((215, asked.y + 34), engine.top)
    s.arrow(shelf.right, engine.left)
    four = s.box(150, 152, 130, "four sentences", "data", 34)
    s.arrow(engine.bottom, four.top)
    s.text(8, 162, "the right one", "strong")
    s.text(8, 178, f"among them: {retrieved:.2f}", "strong")
    reader = s.box(150, 214, 130, ["read", "point at a span"], "learned")
    s.arrow(four.bottom, reader.top)
    # the question reaches the reader, too
    s.arrow((330, asked.y + 34), (330, 238), reader.right)
    end = s.box(150, 290, 130, answer, "good", 34)
    s.arrow(reader.bottom, end.top)
    s.text(8, 290, f"exact: {found:.2f}", "strong")
    s.text(8, 306, f"passage given: {given:.2f}")
    return s


def names_become_slots(tokens, slots, renamed):
    """Draw a question, what the reader sees of it, and another question that
    looks the same to it.

    Parameters
    ----------
    tokens, renamed : list of T str
        The question with its own names and with invented ones.
    slots : list of T (int or None)
        The slot of each token, None for a word that the reader knows.
    """
    names = [
        f"{token} and {other} share slot {slot}"
        for token, slot, other in zip(tokens, slots, renamed, strict=True)
        if slot is not None
    ]
    s = Sketch(
        "fig-qa-slots",
        "Names become slots",
        "Three columns with a row for each token: a question, what the reader "
        "sees of it, and the same question about invented names. Known words "
        f"stay as they are; {'; '.join(names)}.",
        height=34 + 30 * len(tokens),
    )
    heads = {63: "as written", 180: "as read", 297: "invented names"}
    for x, head in heads.items():
        s.text(x, 12, head, "strong", anchor="middle")
    for i, (token, slot, other) in enumerate(
        zip(tokens, slots, renamed, strict=True)
    ):
        y = 28 + 30 * i
        hidden = slot is not None
        read = f"slot {slot}" if hidden else token
        left = s.box(6, y, 114, token, "key" if hidden else "data", 24)
        seen = s.box(132, y, 96, read, "learned" if hidden else "data", 24)
        right = s.box(240, y, 114, other, "key" if hidden else "data", 24)
        if hidden:
            s.arrow(left.right, seen.left)
            s.arrow(right.left, seen.right)
    return s


def table_with_a_diagonal(queries, similarities):
    """Draw the similarities of a batch: each query with each document.

    Parameters
    ----------
    queries : list of B str
        A name for each pair.
    similarities : (B, B)
        Of each query (row) with each document (column).
    """
    count = len(queries)
    s = Sketch(
        "fig-qa-diagonal",
        "A dual encoder's table",
        f"A table of {count} rows, a query each, and {count} columns, a "
        "document each, with their similarities. The diagonal, where query and "
        f"document belong together, is shaded: {', '.join(queries)}.",
        height=92 + 32 * count,
    )
    left, top, width = 130, 66, 226 / count
    s.box(left, 4, 226, "documents, one vector each", "learned", 28)
    s.text(4, 52, "queries", "strong")
    for i, query in enumerate(queries):
        s.text(4, top + 32 * (i + 0.5), f"{i + 1}. {query}")
        s.text(left + width * (i + 0.5), 52, f"{i + 1}.", anchor="middle")
    s.cells(left, top, similarities, width, 32, shade=0.45 * np.eye(count))
    s.text(
        left,
        top + 32 * count + 16,
        "shaded: belong together",
        "learned",
    )
    return s
