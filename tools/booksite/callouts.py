"""Four kinds of remarks that stand apart from the text, each with an icon and a
word, at most four a chapter: ``{by-hand}``, ``{careful}``, ``{elsewhere}``
(other books, other libraries) and ``{try-it}``.
"""

from docutils import nodes
from docutils.parsers.rst.directives.admonitions import BaseAdmonition

KINDS = {
    "by-hand": "By hand",
    "careful": "Careful",
    "elsewhere": "Elsewhere",
    "try-it": "Try it",
}


class Callout(BaseAdmonition):
    """A remark whose kind is the directive's name."""

    node_class = nodes.admonition

    def run(self):
        """Return the remark, its title the word of its kind."""
        self.arguments = [KINDS[self.name]]
        self.options = {"class": ["callout", self.name]}
        return super().run()


def setup(app):
    """Register a directive for each kind."""
    for kind in KINDS:
        app.add_directive(kind, Callout)
