"""Complete each page: light and sized figures, a description, what folds are
called.
"""

import ast
import html
import itertools
import re
from pathlib import Path
from unicodedata import east_asian_width

from docutils import nodes
from pictures import on_white
from PIL import Image
from sphinx.transforms.post_transforms import SphinxPostTransform

from booksite import plots

DESCRIPTION_LENGTH = 160
SHORTEST = 34  # characters of code that the narrowest phone shows in a line


# What stands on a fold, by the cell's tag: closed, and open.
FOLDS = {
    "solution": ("Show the solution", "Hide the solution"),
    "setup": ("Imports and data",) * 2,
    "plot": ("How this figure is drawn",) * 2,
    "sketch": ("How this figure is drawn",) * 2,
    "table": ("How this table is made",) * 2,
    "records": ("Where these numbers come from",) * 2,
    "cases": ("All cases",) * 2,
    # last: a solution is such a cell as well
    "hide-cell": ("Show the answer", "Hide the answer"),
}


class NameFoldedCells(SphinxPostTransform):
    """Say on the fold of a cell what is inside."""

    default_priority = 190  # before MyST-NB folds the cells, at 199
    formats = ("html",)

    def run(self):
        """Rename the folds of one document."""
        for cell in self.document.findall(nodes.container):
            tags = [name for name in FOLDS if f"tag_{name}" in cell["classes"]]
            if "tag_check" in cell["classes"]:
                source = next(cell.findall(nodes.literal_block)).astext()
                cell["prompt_show"] = cell["prompt_hide"] = checked(source)
            elif tags:
                cell["prompt_show"], cell["prompt_hide"] = FOLDS[tags[0]]


class FoldHints(SphinxPostTransform):
    """Fold the hint of an exercise that nobody has tried yet, and leave out
    that it has not been tried.
    """

    default_priority = 190
    formats = ("html",)

    def run(self):
        """Replace what the stubs of one document printed."""
        for output in list(self.document.findall(nodes.literal_block)):
            hint = re.fullmatch(
                r"Exercise [\d.]+: not yet\..*?\nHint: (.+)",
                output.astext().strip(),
                re.DOTALL,
            )
            if hint:
                text = html.escape(hint[1]).replace("$", "&#36;")
                fold = (
                    '<details class="hint"><summary>A hint</summary>'
                    f"<p>{text}</p></details>"
                )
                output.replace_self(nodes.raw("", fold, format="html"))


def checked(source):
    """Return the name of a fold of claims, which says how many they are."""
    claims = sum(
        isinstance(node, ast.Assert) for node in ast.walk(ast.parse(source))
    )
    return f"Checked here: {claims} statement{'s' * (claims != 1)} ✓"


def complete_page(app, pagename, templatename, context, doctree):
    """Rewrite a page's body and add what its head needs."""
    if doctree is None:
        return
    context["book_description"] = description(doctree)
    body = context["body"]
    # The fold's own words name it; a second name, for screen readers only,
    # would differ.
    body = body.replace(
        '<summary aria-label="Toggle hidden content">', "<summary>"
    )
    # Only a list item may stand in a list.
    body = body.replace('role="doc-biblioentry"', 'role="listitem"')
    # Names, punctuation and spaces of code look like plain text, and are a
    # third of all elements.
    body = re.sub(r'<span class="(?:n|p|w)">([^<]*)</span>', r"\1", body)
    body = re.sub(
        r'(<div class="highlight"><pre>)(.*?)(</pre>)',
        lambda code: code[1] + lines(code[2]) + code[3],
        body,
        flags=re.DOTALL,
    )
    body = without_repeats(body)
    images = {name: path for path, name in app.builder.images.items()}
    numbers = itertools.count(1)
    context["body"] = re.sub(
        r"<img\b[^>]*>",
        lambda tag: lighten(tag[0], images, app, f"plot-{next(numbers)}"),
        body,
    )


def lines(code):
    """Return highlighted code whose long lines are elements, closed and whole,
    so that each may wrap with an indent of its own.

    A colour that goes on over several lines, as a docstring's, is taken up
    anew in each.
    """
    written, opened = [], []
    for line in re.findall(r"[^\n]*\n|[^\n]+", code):
        text = "".join(opened) + line
        for tag in re.findall(r"<span[^>]*>|</span>", line):
            if tag == "</span>":
                opened.pop()
            else:
                opened.append(tag)
        text += "</span>" * len(opened)
        shown = html.unescape(re.sub(r"<[^>]*>", "", line))
        is_long = width(shown) > SHORTEST
        written.append(f'<span class="line">{text}</span>' if is_long else text)
    return "".join(written)


def width(text):
    """Return how many letters wide a text is: a Chinese one takes two."""
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def description(doctree):
    """Return the page's first paragraph, cut at a word to the length that
    search engines show.
    """
    paragraphs = (
        paragraph
        for paragraph in doctree.findall(nodes.paragraph)
        if "used-in" not in paragraph.parent.get("classes", ())
    )
    paragraph = next(paragraphs, None)
    text = " ".join(paragraph.astext().split()) if paragraph else ""
    if len(text) <= DESCRIPTION_LENGTH:
        return text
    return text[:DESCRIPTION_LENGTH].rpartition(" ")[0] + " …"


def without_repeats(body):
    """Drop the styles and scripts that an earlier output of the page brought,
    word for word.
    """
    seen = set()

    def once(found):
        is_new = found[0] not in seen
        seen.add(found[0])
        return found[0] if is_new else ""

    return re.sub(r"<(style|script)>.*?</\1>", once, body, flags=re.DOTALL)


def lighten(tag, images, app, name):
    """Return an ``img`` tag with its size, loaded after what is in view; a PNG
    becomes WebP, a drawing or a plot an element of the page.

    Lossless WebP shows the same pixels in 40 % of the bytes. ``images`` maps
    the names under which Sphinx stores the figures to where they come from;
    ``name`` is no other figure's of the page.
    """
    address = re.search(r'src="[^"]*?([^"/]+)"', tag)
    file = address[1] if address else ""
    if file not in images:
        return tag
    if file.endswith(".svg"):
        return inlined(tag, Path(app.srcdir, images[file]), name)
    if not file.endswith(".png"):
        return tag
    target = Path(app.outdir, app.builder.imagedir, file).with_suffix(".webp")
    target.parent.mkdir(parents=True, exist_ok=True)
    with Image.open(Path(app.srcdir, images[file])) as image:
        width, height = image.size
        on_white(image).save(target, lossless=True, quality=80)
    # no page shows the PNG: Sphinx need not copy it
    app.builder.images.pop(images[file], None)
    tag = re.sub(
        r'\s(width|height|style|loading)="[^"]*"',
        "",
        tag.replace(file, target.name),
    )
    return tag.replace(
        "<img", f'<img loading="lazy" width="{width}" height="{height}"', 1
    )


def inlined(tag, path, name):
    """Return a drawing of the book as an element of the page, without its own
    style, so that it takes the page's: colours, letters, light and dark; a plot
    likewise.

    Any other SVG stays an ``img``.
    """
    text = path.read_text(encoding="utf-8")
    if plots.is_plot(text):
        said = re.search(r'alt="([^"]*)"', tag)
        return plots.inlined(text, html.unescape(said[1]), name)
    if 'class="sketch"' not in text:
        return tag
    drawing = text[text.index("<svg") :]
    return re.sub(r"<style>.*?</style>\s*", "", drawing, flags=re.DOTALL)


TOGGLE = '<summary><span class="toctree-toggle"'


def name_toggles(app, pagename, templatename, context, doctree):
    """Say what the toggles of the sidebar do: the theme gives them no name."""
    make = context.get("generate_toctree_html")
    if make is None:
        return

    def named(kind, *args, **options):
        made = make(kind, *args, **options)
        if kind == "raw":  # not text yet
            return made
        name = '<summary aria-label="Show or hide its modules"'
        return str(made).replace(TOGGLE, name + TOGGLE[len("<summary") :])

    context["generate_toctree_html"] = named


def setup(app):
    """Connect this part to Sphinx."""
    app.add_post_transform(NameFoldedCells)
    app.add_post_transform(FoldHints)
    app.connect("html-page-context", complete_page)
    # after the theme, whose function it changes
    app.connect("html-page-context", name_toggles, priority=900)
