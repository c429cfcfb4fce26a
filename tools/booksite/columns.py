"""Set columns of numbers to the right in tables of results, so that units stand
below units, and write them with minus signs and powers of ten. Of a list-table
Sphinx cannot be told how a column is set.
"""

import re

from docutils import nodes

NUMBER = r"[+−-]?\d[\d,.]*(e[+-]?\d+)?\s?%?"
NUMBERS = re.compile(
    rf"{NUMBER}( (±|to) {NUMBER}| \({NUMBER} to {NUMBER}\))?|–"
)
EXPONENT = re.compile(r"e([+-]?\d+)")
RAISED = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def are_numbers(texts):
    """Tell whether a column's texts are numbers or dashes, one a number."""
    return all(map(NUMBERS.fullmatch, texts)) and any(
        text != "–" for text in texts
    )


def written(text):
    """Return numbers with signs and powers of ten as they are printed."""
    text = EXPONENT.sub(
        lambda found: "·10" + str(int(found[1])).translate(RAISED), text
    )
    return text.replace("-", "−")


def set_right(app, doctree, docname):
    """Mark the cells of columns of numbers for the style sheet."""
    for table in doctree.findall(nodes.table):
        if "results" not in table["classes"]:
            continue
        rows = [
            list(row.findall(nodes.entry)) for row in table.findall(nodes.row)
        ]
        for column in list(zip(*rows, strict=True))[1:]:
            if are_numbers([cell.astext() for cell in column[1:]]):
                for cell in column:
                    cell["classes"].append("number")
                cells = [
                    text for c in column[1:] for text in c.findall(nodes.Text)
                ]
                for text in cells:
                    text.parent.replace(text, nodes.Text(written(text)))


def setup(app):
    """Connect this part to Sphinx."""
    app.connect("doctree-resolved", set_right)
