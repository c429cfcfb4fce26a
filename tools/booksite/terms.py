"""Link the first use of each glossary term in each chapter to its definition.

Authors write plain words; the glossary alone says which of them are terms. A
term is found whole, in small or capital letters, in the singular or with an s,
and the longest term wins. Headings, code, formulas, links and citations are
left as they are.
"""

import re

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.transforms.post_transforms import SphinxPostTransform

CHAPTERS = "chapters/"
LEFT_ALONE = (
    nodes.title,
    nodes.literal,
    nodes.literal_block,
    nodes.math,
    nodes.math_block,
    nodes.reference,
    nodes.raw,
    nodes.comment,
    nodes.caption,
    pending_xref,
)


def pattern(terms):
    """Return the expression that finds any of the terms, the longest first."""
    longest_first = sorted(terms, key=len, reverse=True)
    words = "|".join(
        re.escape(term).replace(r"\ ", r"\s+") for term in longest_first
    )
    return re.compile(rf"(?<![\w-])({words})s?(?![\w-])", re.IGNORECASE)


def definitions(env):
    """Return where each term, in small letters, is defined: ``(document,
    anchor)``.
    """
    return {
        name.lower(): (docname, anchor)
        for name, _, kind, docname, anchor, _ in env.get_domain(
            "std"
        ).get_objects()
        if kind == "term"
    }


def find(node):
    """Yield the texts beneath a node in which terms may be linked."""
    for child in node.children:
        if isinstance(child, nodes.Text):
            yield child
        elif not isinstance(child, LEFT_ALONE):
            yield from find(child)


def link_first_uses(document, places, address):
    """Replace the first use of each definition in a document by a link to it.

    ``places`` maps terms to their definitions, ``address`` gives a definition's
    link.
    """
    expression, linked = pattern(places), set()
    for text in list(find(document)):
        parts, end = [], 0
        for match in expression.finditer(text):
            place = places[" ".join(match[1].lower().split())]
            if place not in linked:
                linked.add(place)
                parts += [
                    nodes.Text(text[end : match.start()]),
                    link(match[0], address(place)),
                ]
                end = match.end()
        if parts:
            text.parent.replace(text, [*parts, nodes.Text(text[end:])])


def link(words, address):
    """Return the node of a link to a definition."""
    return nodes.reference(
        "", words, internal=True, refuri=address, classes=["term"]
    )


class LinkTerms(SphinxPostTransform):
    """Link the terms of one chapter."""

    default_priority = 15  # once references are resolved, at 10
    formats = ("html",)

    def run(self):
        """Do so if the document is a chapter."""
        places = definitions(self.env)
        if not places or not self.env.docname.startswith(CHAPTERS):
            return

        def address(place):
            document, anchor = place
            return f"{self.app.builder.get_relative_uri(self.env.docname, document)}#{anchor}"

        link_first_uses(self.document, places, address)


def setup(app):
    """Connect this part to Sphinx."""
    app.add_post_transform(LinkTerms)
