"""Give a chapter the number of its file, where the contents would count on.

``chapters/20_resources`` is chapter 20, also after chapter 15: exercises, the
glossary and other chapters name chapters by these numbers.
"""

import re

from docutils import nodes

FILE = re.compile(r"chapters/(\d+)_")


def renumber(_app, env):
    """Put the number of its file first in each number of a chapter: sections,
    figures, tables and formulas. Returns the pages that have changed.
    """
    changed = []
    for page, title in env.titles.items():
        found = FILE.match(page)
        if found is None or "secnumber" not in title:
            continue
        number = int(found[1])
        if title["secnumber"][0] == number:
            continue
        title["secnumber"] = begin(title["secnumber"], number)
        for link in env.tocs[page].findall(nodes.reference):
            if link.get("secnumber"):
                link["secnumber"] = begin(link["secnumber"], number)
        of_sections = env.toc_secnumbers[page]
        of_figures = env.toc_fignumbers.get(page, {}).values()
        for numbers in (of_sections, *of_figures):
            for name, old in numbers.items():
                numbers[name] = old and begin(old, number)
        changed.append(page)
    return changed


def begin(numbers, first):
    """Return numbers such as (16, 2) with another one for the first."""
    return (first, *numbers[1:])


def setup(app):
    """Number the chapters when Sphinx has numbered them."""
    app.connect("env-get-updated", renumber, priority=900)
