"""The glossary: each term defined once, and linked from its first use in each chapter."""

import re
from collections import Counter
from pathlib import Path

import notebooks
import pytest
from booksite import terms
from bs4 import BeautifulSoup
from docutils import nodes

ROOT = Path(__file__).parents[2]
GLOSSARY = ROOT / "appendix" / "glossary.md"
PLACES = {
    "attention": ("glossary", "term-attention"),
    "self-attention": ("glossary", "term-self-attention"),
    "attention head": ("glossary", "term-head"),
    "head": ("glossary", "term-head"),
}


def linked(*children):
    """Return, as pairs, the links that a paragraph of these children gets."""
    document = nodes.section(
        "", nodes.title("", "On attention"), nodes.paragraph("", "", *children)
    )
    before = document.astext()
    terms.link_first_uses(document, PLACES, lambda place: place[1])
    assert document.astext() == before
    return [
        (node.astext(), node["refuri"])
        for node in document.findall(nodes.reference)
        if node["classes"]
    ]


def test_the_first_use_of_a_term_is_linked_and_the_title_is_not():
    text = nodes.Text(
        "Attention is attention; Heads, attention heads and headings."
    )
    assert linked(text) == [
        ("Attention", "term-attention"),
        ("Heads", "term-head"),
    ]


def test_the_longest_term_wins_and_words_are_whole():
    assert linked(
        nodes.Text("a self-attention, a re-attention, an attention\nhead")
    ) == [
        ("self-attention", "term-self-attention"),
        ("attention\nhead", "term-head"),
    ]


def test_code_formulas_and_links_stay_as_they_are():
    reference = nodes.reference("", "attention", refuri="x")
    literal, math = nodes.literal("", "attention"), nodes.math("", "attention")
    assert linked(
        literal,
        math,
        reference,
        nodes.emphasis("", "", nodes.Text("attention")),
    ) == [("attention", "term-attention")]


def glossary_entries():
    """Return the terms of the glossary, those with one definition together."""
    body = re.search(
        r"```\{glossary\}\n(.*?)```",
        GLOSSARY.read_text(encoding="utf-8"),
        re.DOTALL,
    )[1]
    return [
        [line for line in entry.splitlines() if not line.startswith(" ")]
        for entry in re.split(r"\n\n", body.strip())
    ]


def markdown(path):
    """Return the texts of a notebook's cells of prose, or that of a page."""
    if path.suffix == ".md":
        return [path.read_text(encoding="utf-8")]
    return [
        cell.source
        for cell in notebooks.read(path).cells
        if cell.cell_type == "markdown"
    ]


def prose():
    """Return the text of all chapters."""
    paths = [*notebooks.notebooks(), *(ROOT / "chapters").glob("*.md")]
    return "\n".join(text for path in paths for text in markdown(path))


def test_every_term_is_defined_once_and_in_order():
    entries = glossary_entries()
    repeated = [
        term
        for term, count in Counter(
            t.lower() for e in entries for t in e
        ).items()
        if count > 1
    ]
    assert repeated == []
    first = [entry[0].lower() for entry in entries]
    assert first == sorted(first)


def test_every_term_is_used_in_the_book():
    text = prose()
    assert [
        entry
        for entry in glossary_entries()
        if not terms.pattern(entry).search(text)
    ] == []


@pytest.mark.parametrize(
    "path", [pytest.param(path, id=path.stem) for path in notebooks.notebooks()]
)
def test_each_definition_is_linked_once_from_a_chapter(path):
    page = ROOT / "_build" / "html" / "chapters" / f"{path.stem}.html"
    if not page.is_file():
        pytest.fail("there is no built page: run `make book`", pytrace=False)
    article = BeautifulSoup(
        page.read_text(encoding="utf-8"), "html.parser"
    ).find("article")
    targets = Counter(link["href"] for link in article.select("a.term"))
    assert len(targets) > 10
    assert set(targets.values()) == {1}
    assert all(
        target.startswith("../appendix/glossary.html#term-")
        for target in targets
    )
