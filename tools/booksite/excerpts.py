"""Write what each section says, for the search page to show beside its hits."""

import bisect
import gzip
import json
from pathlib import Path

from docutils import nodes

NAME = "excerpts.js"
# letters of a section, fewer if all sections together would be larger: then
# the search page stays under half a megabyte, however the book grows
LONGEST = 4000
LARGEST = 285_000  # bytes, compressed
UNREAD = {"cell_output", "tag_hide-input", "tag_hide-cell"}
UNSEEN = (nodes.raw, nodes.comment, nodes.math, nodes.math_block, nodes.title)


def sections(doctree):
    """Return the id, the title and the text of each section of a page."""
    found = []
    for section in doctree.findall(nodes.section):
        words = [
            said(block)
            for child in section.children
            if not isinstance(child, nodes.section)
            for block in child.findall(nodes.TextElement)
            if not isinstance(block, nodes.Inline)
        ]
        title = next(section.findall(nodes.title)).astext()
        text = " ".join(" ".join(words).split())
        found.append([section["ids"][0], title, text])
    return found


def said(block):
    """Return what a reader reads of a paragraph, a cell or the like."""
    return "".join(
        text.astext() for text in block.findall(nodes.Text) if is_read(text)
    )


def is_read(text):
    """Tell whether a text is prose or shown code, and no markup, output or
    code under a fold.
    """
    node = text.parent
    while node is not None:
        if isinstance(node, UNSEEN) or UNREAD & set(node.get("classes", ())):
            return False
        node = node.parent
    return True


def write(app, exception):
    """Write the file when the site is built."""
    if exception or app.builder.format != "html":
        return
    texts = {
        app.builder.get_target_uri(name): sections(app.env.get_doctree(name))
        for name in sorted(app.env.found_docs)
    }
    Path(app.outdir, "_static", NAME).write_text(script(texts), "utf-8")


def script(texts, longest=LONGEST, largest=LARGEST):
    """Return the script of all pages' sections, with as many letters of each
    as keep it small.
    """

    def cut(length):
        pages = {
            page: [[id_, title, text[:length]] for id_, title, text in found]
            for page, found in texts.items()
        }
        return f"const EXCERPTS = {json.dumps(pages, ensure_ascii=False)};\n"

    def size(length):
        return len(gzip.compress(cut(length).encode()))

    fitting = bisect.bisect(range(1, longest + 1), largest, key=size)
    return cut(fitting)


def setup(app):
    """Connect this part to Sphinx."""
    app.connect("build-finished", write)
