"""Put a bar beneath a chapter's title: how long it runs, how it is run, how many
exercises it has, and a switch for all of its code.
"""

import json
import math
import re
from html import escape
from pathlib import Path

from docutils import nodes

from booksite.tables import RUN_TIMES

EXERCISE = re.compile(r"Exercise \d+\.\d+")
SWITCH = (
    '<span class="code-switch pst-js-only" role="group" aria-label="All code">'
    'All code: <button type="button" value="show">show</button>'
    ' <button type="button" value="hide">hide</button></span>'
)


def duration(seconds):
    """Return a time in words: seconds, or minutes once there are two.

    >>> duration(20.4), duration(150)
    ('20 s', '3 min')
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{math.ceil(seconds / 60)} min"


def run_time(run):
    """Return how long a notebook ran, and on what; empty without a record."""
    if not run:
        return ""
    cores = re.search(r"(\d+) cores?", run["machine"])
    return duration(run["seconds"]) + (f" on {cores[0]}" if cores else "")


def bar(name, run, exercises, source):
    """Return the bar of a chapter, as HTML.

    ``name`` is that of the notebook's file, ``run`` its record, ``exercises``
    their number and the anchor of the first, ``source`` where the page's
    download lies.
    """
    count, anchor = exercises
    words = f"{count} exercise{'s' * (count != 1)}"
    parts = [
        run_time(run),
        f"<code>make lab</code> → <code>{escape(name)}</code>",
        f'<a href="{escape(source)}" download>download</a>'
        " (needs the book's environment)",
        f'<a href="#{anchor}">{words}</a>' if count else "",
        SWITCH,
    ]
    items = "".join(f"<li>{part}</li>" for part in parts if part)
    return f'<ul class="chapter-bar">{items}</ul>'


def exercises(doctree):
    """Return how many exercises a chapter has, and the first one's anchor."""
    found = [
        section["ids"][0]
        for section in doctree.findall(nodes.section)
        if EXERCISE.match(section.next_node(nodes.title).astext())
    ]
    return len(found), found[0] if found else ""


def add_bar(app, pagename, templatename, context, doctree):
    """Put the bar of a notebook beneath its title."""
    if doctree is None or not context.get("sourcename", "").endswith(".ipynb"):
        return
    path = Path(app.srcdir, RUN_TIMES).with_suffix(".json")
    records = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    name = pagename.rpartition("/")[2]
    html = bar(
        f"{name}.ipynb",
        records.get(name),
        exercises(doctree),
        context["pathto"](f"_sources/{context['sourcename']}", 1),
    )
    context["body"] = context["body"].replace("</h1>", f"</h1>\n{html}", 1)


def setup(app):
    """Connect this part to Sphinx."""
    app.connect("html-page-context", add_bar)
