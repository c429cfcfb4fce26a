"""Write into each page what its links lead to, for the cards that ``cards.js``
shows: an opened file may not fetch another.

A link to a term carries its definition, one to a source the source's entry, one
to a figure or table of another page the caption, in ``data-card``. A formula of
another page stands once, at the end of the page, in a ``template``. What is on
the page itself, the script copies from there.
"""

import html
import posixpath
import re
from pathlib import Path

from bs4 import BeautifulSoup

GLOSSARY = "appendix/glossary.html"
SOURCES = "appendix/bibliography.html"
LINK = re.compile(
    r'<a class="([^"]*\binternal)" href="([^"#]*)#([^"]+)"'
    r'(?: (?:title|data-card)="([^"]*)")?>'
)
FORMULA = re.compile(
    r'<div class="math[^"]*" id="(equation-[^"]+)">\s*'
    r'<div class="formula[^"]*">(.*?)</div>',
    re.DOTALL,
)
CAPTION = re.compile(
    r'<figure[^>]* id="([^"]+)">(?:(?!</figure>).)*?<figcaption>(.*?)</figcaption>'
    r'|<table[^>]* id="([^"]+)">\s*<caption>(.*?)</caption>',
    re.DOTALL,
)
TEMPLATE = re.compile(r"<template data-for=.*?</template>\n", re.DOTALL)


def plain(markup):
    """Return the text of some HTML, without the signs of its permanent links."""
    soup = BeautifulSoup(markup, "html.parser")
    for link in soup.select("a.headerlink"):
        link.decompose()
    return " ".join(soup.get_text().split())


def definitions(page):
    """Return the definition of each term of the glossary's page, by anchor."""
    found = {}
    for definition in BeautifulSoup(page, "html.parser").select("dd"):
        said = plain(str(definition))
        term = definition.find_previous_sibling()
        while term is not None and term.name == "dt":
            found[term.get("id")] = said
            term = term.find_previous_sibling()
    return found


def captions(page):
    """Return the caption of each figure and table of a page, by anchor."""
    return {
        figure or table: plain(caption or title)
        for figure, caption, table, title in CAPTION.findall(page)
    }


def with_cards(name, page, texts, formulas):
    """Return a page whose links carry their cards.

    ``texts`` and ``formulas`` are what other pages have, by
    ``(page, anchor)``.
    """
    page, wanted = TEMPLATE.sub("", page), {}

    def link(match):
        kinds, address, anchor, said = match.groups()
        other = posixpath.normpath(
            posixpath.join(posixpath.dirname(name), address)
        )
        place = (other, anchor)
        if address and place in formulas:
            wanted[f"{address}#{anchor}"] = formulas[place]
        is_source = address and other == SOURCES and said
        text = said if is_source else html.escape(texts.get(place, ""))
        if not address or not text:
            return match[0]
        return (
            f'<a class="{kinds}" href="{address}#{anchor}" data-card="{text}">'
        )

    page = LINK.sub(link, page)
    templates = "".join(
        f'<template data-for="{target}">{formula}</template>\n'
        for target, formula in sorted(wanted.items())
    )
    head, end, rest = page.rpartition("</body>")
    return head + templates + end + rest


def add_cards(app, exception):
    """Put the cards into all pages, once all are written."""
    if exception or app.builder.format != "html":
        return
    pages = {
        path.relative_to(app.outdir).as_posix(): path.read_text("utf-8")
        for path in Path(app.outdir).rglob("*.html")
    }
    texts, formulas = {}, {}
    for name, page in pages.items():
        found = definitions(page) if name == GLOSSARY else captions(page)
        texts.update({(name, anchor): text for anchor, text in found.items()})
        for anchor, formula in FORMULA.findall(page):
            formulas[name, anchor] = formula
    for name, page in pages.items():
        text = with_cards(name, page, texts, formulas)
        if text != page:
            Path(app.outdir, name).write_text(text, "utf-8")


def setup(app):
    """Connect this part to Sphinx, before the bundle reads the pages."""
    app.connect("build-finished", add_cards, priority=800)
