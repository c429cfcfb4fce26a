"""Fill the welcome page from what the book has recorded and printed, so that it
holds no number twice.

A line ``% name`` of the page becomes a part of it, ``{{ name }}`` a number:

- ``% demonstration``: drafts of one recorded run, critiques and what came of them;
- ``% map``: the map of the book, wide and narrow;
- ``% cards``: what a reader will have built, each with a number and its baseline;
- ``% page``: a page of the book and its parts.
"""

import ast
import difflib
import html
import json
import re
import statistics
from pathlib import Path

import nbformat

from llmbook.showing.sketches import welcome as draw

PAGE = "intro"
WORDS_A_MINUTE = 200
ROUTES = {"hour": "an hour", "weekend": "a weekend", "weeks": "eight weeks"}


class Book:
    """The records and the notebooks below a folder, each read once.

    Parameters
    ----------
    root : Path
    """

    def __init__(self, root):
        self.root, self.read, self._known = root, [], {}

    def record(self, name):
        """Return a recorded result."""
        return self._once(f"experiments/results/{name}.json", json.loads)

    def notebook(self, name):
        """Return a chapter's notebook."""
        return self._once(
            f"chapters/{name}.ipynb", lambda text: nbformat.reads(text, 4)
        )

    def printed(self, name, pattern):
        """Return the matches of a pattern in what a chapter's cells print.

        Raises
        ------
        ValueError
            If nothing that they print matches.
        """
        texts = [
            output.get("text") or output.get("data", {}).get("text/plain", "")
            for cell in self.notebook(name).cells
            for output in cell.get("outputs", [])
        ]
        found = re.findall(pattern, "\n".join(texts), re.MULTILINE)
        if not found:
            raise ValueError(
                f"a cell of {name} must print {pattern!r}, which the welcome"
                " page shows (tools/booksite/welcome.py); none does"
            )
        return found

    def _once(self, path, parse):
        if path not in self._known:
            file = self.root / path
            self.read.append(file)
            self._known[path] = parse(file.read_text(encoding="utf-8"))
        return self._known[path]


# --- the demonstration


def changed(before, after):
    """Return a text as HTML, with the words marked that another has not."""
    old, new = before.split(), after.split()
    parts = []
    for kind, _, _, start, end in difflib.SequenceMatcher(
        None, old, new, autojunk=False
    ).get_opcodes():
        words = escaped(" ".join(new[start:end]))
        if words:
            parts.append(words if kind == "equal" else f"<ins>{words}</ins>")
    return " ".join(parts)


def choices(name, question, options, chosen=None):
    """Return buttons of which one is pressed, and under them what belongs to
    it.

    They are radio buttons: a keyboard and a screen reader know them, and no
    script is needed.

    Parameters
    ----------
    name, question : str
    options : list of (str, str)
        What a button says, and what it shows, in HTML.
    chosen : int, optional
        Which one is pressed at first; by default none.
    """
    rows = [
        f'<div class="choice"><input type="radio" name="{name}"'
        f' id="{name}-{i}" aria-describedby="{name}-{i}-shows"'
        f"{' checked' if i == chosen else ''}>"
        f'<label for="{name}-{i}">{button}</label>'
        f'<p class="shows" id="{name}-{i}-shows">{shown}</p></div>'
        for i, (button, shown) in enumerate(options)
    ]
    return (
        f'<fieldset class="choices {name}"><legend>{question}</legend>\n'
        + "\n".join(rows)
        + "\n</fieldset>"
    )


def demonstration(record):
    """Return the HTML of one recorded run: a draft, critiques of it with what
    the model made of them, and the drafts of the rounds.
    """
    (run,) = record["runs"]
    best, draft = record["rules"], run["draft"]
    critiques = [
        (f"“{escaped(one['words'])}”", judged(draft, one, best))
        for one in run["critiques"]
    ]
    stages, before = [], draft
    for i, one in enumerate(run["rounds"]):
        button = f"round {i} <small>{one['score']:.1f} of {best}</small>"
        stages.append((button, judged(before, one["drafts"][0], best)))
        before = one["drafts"][0]["text"]
    lessons = f"rounds of {record['critiques_a_round']} such critiques"
    return "\n".join(
        [
            '<div class="demonstration">',
            '<p class="draft"><small>A model writes to a customer:</small>'
            f" {escaped(draft)}</p>",
            choices("critique", "Tell it what is wrong:", critiques),
            choices("round", f"Let it learn, in {lessons}:", stages, 0),
            '<p class="source">Recorded in the loop of <a href="chapters/'
            '09_real_feedback.html">chapter 9</a>, slips included. Below each '
            f"round: how many of the shop's {best} rules a message keeps, the "
            f"mean of {run['recipe']['examined']} messages about other "
            "things than it learned from.</p>",
            "</div>",
        ]
    )


def judged(before, draft, best):
    """Return a draft as HTML, what has changed marked, and its verdict."""
    verdict = (
        f"keeps {draft['kept']} of {best} rules"
        if draft["faithful"]
        else "gets a fact wrong, so that no rule counts"
    )
    return f"{changed(before, draft['text'])} <small>{verdict}</small>"


def escaped(text):
    """Return a text as HTML."""
    return html.escape(text, quote=False)


# --- the map


def words(text):
    """Return the number of words of a text in Markdown, formulas left out."""
    text = re.sub(r"\$\$.*?\$\$|\$[^$]*\$|```.*?```", " ", text, flags=re.S)
    return len(re.findall(r"[^\W\d_][\w'’-]*", text))


def chapters(book):
    """Return each chapter by its number: where it is, and the time it takes."""
    times = json.loads(
        (book.root / "appendix/run_times.json").read_text(encoding="utf-8")
    )
    found = {}
    for path in sorted((book.root / "chapters").glob("[0-9]*")):
        if path.suffix == ".ipynb":
            cells = book.notebook(path.stem).cells
            text = "\n".join(
                cell.source for cell in cells if cell.cell_type == "markdown"
            )
        elif path.suffix == ".md":
            text = path.read_text(encoding="utf-8")
        else:
            continue
        found[int(path.name[:2])] = draw.Chapter(
            f"chapters/{path.stem}.html",
            round(words(text) / WORDS_A_MINUTE),
            times.get(path.stem, {}).get("seconds"),
        )
    return found


def book_map(book):
    """Return the HTML of the map: the ways through it, wide, and narrow."""
    known = chapters(book)
    ways = "".join(
        f'<label><input type="radio" name="way" value="{way}">{name}</label>'
        for way, name in ROUTES.items()
    )
    return (
        '<div class="book-map"><fieldset class="ways"><legend>I have</legend>'
        f"{ways}</fieldset>\n"
        f'<div class="wide">{svg(draw.book_map(known))}</div>\n'
        f'<div class="narrow">{svg(draw.book_column(known))}</div></div>'
    )


def svg(drawing):
    """Return a drawing as an element of the page, without empty lines, which
    would end it.
    """
    text = drawing.svg(alone=False)
    return "\n".join(line for line in text.splitlines() if line.strip())


# --- what a reader will have built


def mean(record, figure, **identity):
    """Return the mean of a figure over the recorded runs of an identity."""
    values = [
        run[figure]
        for run in record["runs"]
        if all(run.get(key) == value for key, value in identity.items())
    ]
    return statistics.mean(values)


def cards(book):
    """Return the HTML of six cards, one for each thing that is built."""
    made = (
        counter(book),
        attention(book),
        classifier(book),
        language_model(book),
        real_model(book),
        taught_model(book),
    )
    return "\n".join(['<div class="built">', *made, "</div>"])


def counter(book):
    """Return the card of counting: its perplexity."""
    name = "01_concepts"
    ((word, said),) = book.printed(name, r"^after '(drink)': (.+)$")
    followers = re.findall(r"(\w+) (\d)/(\d)", said)
    shares = {token: int(part) / int(all_) for token, part, all_ in followers}
    ((order, counted),) = book.printed(
        name, r"^Kneser–Ney of order (\d), test perplexity: ([\d.]+)$"
    )
    (alone,) = book.printed("06_gpt", r"^unigram +([\d.]+)$")
    return card(
        draw.counter(word, shares),
        name,
        "A model that counts",
        counted,
        f"perplexity with counts of {order} characters; {alone} with single "
        "ones",
    )


def attention(book):
    """Return the card of attention by hand: the largest weight."""
    name = "02_attention"
    found = book.printed(name, r"^(\S): [\d.]+ / [\d.]+ = ([\d.]+)$")
    weights = {token: float(weight) for token, weight in found}
    token = max(weights, key=weights.get)
    return card(
        draw.attention(weights),
        name,
        "Attention by hand",
        f"{weights[token]:.1%}",
        f"of a token's attention goes to {token}; equal shares are "
        f"{1 / len(weights):.1%}",
    )


def classifier(book):
    """Return the card of the classifier: its accuracy."""
    name = "05_classifier"
    (linear,) = book.printed(name, r"^accuracy: linear ([\d.]+), ours")
    accuracy = mean(
        book.record("classifier"),
        "accuracy",
        unit="n-grams",
        reader="block",
        view_dropout=0.5,
    )
    return card(
        draw.classifier(),
        name,
        "A classifier of reviews",
        f"{accuracy:.1%}",
        f"right on new reviews; a linear model has {float(linear):.1%}",
    )


def language_model(book):
    """Return the card of the GPT: its perplexity."""
    name = "06_gpt"
    found = book.printed(name, r"^step +\d+: loss .+ perplexity (\d+)$")
    _, *learning = map(float, found)  # the first is off every scale
    (counted,) = book.printed(name, r"^counts +([\d.]+)$")
    perplexity = mean(book.record("gpt_seeds"), "test", kind="GPT")
    return card(
        draw.learning(learning),
        name,
        "A GPT from scratch",
        f"{perplexity:.1f}",
        f"perplexity on chapters that it has not read; counting has {counted}",
    )


def real_model(book):
    """Return the card of the real model: what a few heads are worth."""
    name = "07_real_llm"
    (blocks,) = book.printed(name, r"^llama.block_count +(\d+)$")
    ((heads, lost),) = book.printed(
        name, r"^lost without the (\d+) best induction heads: ([\d.]+),"
    )
    (others,) = book.printed(name, r"^without \d+ others.+mean ([\d.]+)$")
    return card(
        draw.layers(int(blocks)),
        name,
        "A real model, opened",
        lost,
        f"nats lost per token of a repeated text without {heads} heads that we "
        f"find; {others} without {heads} others",
    )


def taught_model(book):
    """Return the card of the model taught by words: the rules that it keeps."""
    record, demonstrated = (
        book.record(name) for name in ("real_feedback", "demonstration")
    )
    own, another = (
        mean(record, "score", kind=kind)
        for kind in ("ILF", "ILF, another's style")
    )
    (run,) = demonstrated["runs"]
    best = demonstrated["rules"]
    return card(
        draw.rounds([one["score"] for one in run["rounds"]], best),
        "09_real_feedback",
        "A model taught by words",
        f"{own:.1f}",
        f"of {best} rules kept after {len(run['rounds']) - 1} rounds; "
        f"{another:.1f} with critiques in another message's style",
    )


def card(drawing, chapter, title, number, said):
    """Return the HTML of one card."""
    return (
        f'<div class="built-card">{svg(drawing)}\n'
        f'<p class="built-title"><a href="chapters/{chapter}.html">{title}</a>'
        f"</p>\n<p><strong>{number}</strong> {said}</p></div>"
    )


# --- how it is tested


def claims(book):
    """Return how many statements the cells of the chapters assert."""
    return sum(
        isinstance(node, ast.Assert)
        for path in sorted((book.root / "chapters").glob("*.ipynb"))
        for cell in book.notebook(path.stem).cells
        if "check" in cell.metadata.get("tags", [])
        for node in ast.walk(ast.parse(cell.source))
    )


def facts(book):
    """Return the numbers of the page by name."""
    path = book.root / "mutation/results.json"
    mutants = json.loads(path.read_text(encoding="utf-8")).values()
    killed = sum(one["killed"] for one in mutants)
    counted = sum(one["tried"] - one["equivalent"] for one in mutants)
    runs = sum(
        len(book.record(file.stem)["runs"])
        for file in sorted((book.root / "experiments/results").glob("*.json"))
    )
    return {
        "chapters": len(chapters(book)),
        "claims": claims(book),
        "mutants": f"{counted:,}",
        "killed": f"{killed / counted:.0%}",
        "runs": runs,
    }


def filled(text, book):
    """Return the text of the page with its parts and numbers.

    Raises
    ------
    KeyError
        If it asks for a number that there is not.
    """
    parts = {
        "demonstration": lambda: demonstration(book.record("demonstration")),
        "map": lambda: book_map(book),
        "cards": lambda: cards(book),
        "page": lambda: svg(draw.page()),
    }
    numbers = facts(book)
    text = re.sub(
        r"\{\{ (\w+) \}\}", lambda found: str(numbers[found[1]]), text
    )
    return re.sub(
        rf"^% ({'|'.join(parts)})$",
        lambda found: f"```{{raw}} html\n{parts[found[1]]()}\n```",
        text,
        flags=re.MULTILINE,
    )


def fill(app, docname, source):
    """Fill the welcome page."""
    if docname != PAGE:
        return
    book = Book(Path(app.srcdir))
    source[0] = filled(source[0], book)
    for path in (
        __file__,
        draw.__file__,
        *book.read,
        book.root / "appendix/run_times.json",
        book.root / "mutation/results.json",
    ):
        app.env.note_dependency(str(path))


def setup(app):
    """Connect this part to Sphinx."""
    app.connect("source-read", fill)
