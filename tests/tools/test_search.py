"""The search page of the built site, served and opened from a disk."""

import gzip
import json
import random
from pathlib import Path

import pytest
from booksite import excerpts
from browser import serve
from docutils import nodes
from docutils.core import publish_doctree

SITE = Path(__file__).parents[2] / "_build" / "html"


@pytest.fixture(scope="module", params=["served", "from a disk"])
def hits(browser, request):
    """Search, and return each hit's text and address, and what went wrong."""
    page = browser.new_page()
    wrong = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on(
        "console",
        lambda said: wrong.append(said.text) if said.type == "error" else None,
    )

    def search(root):
        page.goto(f"{root}/search.html?q=temperature")
        page.wait_for_selector("ul.search > li p.context")
        page.wait_for_function(
            "document.querySelector('.search-summary').innerText"
        )
        found = page.eval_on_selector_all(
            "ul.search > li",
            "items => items.map(li => [li.querySelector('a').href,"
            " li.querySelector('p.context')?.innerText ?? ''])",
        )
        missing = []
        for address, _ in found:
            if "#" in address:
                page.goto(address)
                if not page.evaluate(
                    "document.getElementById("
                    "decodeURIComponent(location.hash.slice(1))) !== null"
                ):
                    missing.append(address)
        return found, missing, wrong

    if request.param == "from a disk":
        return search(SITE.as_uri())
    with serve(SITE) as root:
        return search(root)


def test_hits_show_what_their_section_says(hits):
    found, missing, wrong = hits
    assert wrong == []
    assert missing == []
    assert len(found) > 5
    for address, excerpt in found:
        assert excerpt, address
        assert "Contents" not in excerpt
        assert "#" in address, address
    said = [excerpt for _, excerpt in found if "temperature" in excerpt.lower()]
    assert len(said) > len(found) / 2


def test_excerpts_are_the_prose_of_each_section():
    doctree = publish_doctree(
        "A\n=\n\nOne.\n\nB\n-\n\nTwo *three*.\n\n.. raw:: html\n\n   <b>no</b>\n\n"
        ".. container:: output\n\n   no\n\nC\n-\n\nFour.\n\nFive.\n",
        settings_overrides={"doctitle_xform": False},
    )
    next(doctree.findall(nodes.container))["classes"] = ["cell_output"]
    assert excerpts.sections(doctree) == [
        ["a", "A", "One."],
        ["b", "B", "Two three."],
        ["c", "C", "Four. Five."],
    ]


def test_sections_are_cut_alike_until_all_are_small():
    rng = random.Random(0)
    long, short = ("".join(rng.choices("abcdefgh", k=k)) for k in (5000, 50))
    texts = {"a": [["i", "I", long]], "b": [["j", "J", short]]}

    def kept(**limits):
        text = excerpts.script(texts, **limits)
        pages = json.loads(text.removeprefix("const EXCERPTS = ")[:-2])
        (one,), (two,) = pages.values()
        return len(gzip.compress(text.encode())), len(one[2]), two

    size, letters, whole = kept(longest=5000, largest=1000)
    assert size <= 1000 < kept(longest=letters + 20, largest=9999)[0]
    assert whole == ["j", "J", short]
    assert kept(longest=60, largest=1000)[1] == 60


def test_no_excerpt_holds_markup():
    text = (SITE / "_static" / excerpts.NAME).read_text("utf-8")
    pages = json.loads(text.removeprefix("const EXCERPTS = ")[:-2])
    assert len(pages) > 20
    texts = [text for sections in pages.values() for _, _, text in sections]
    assert not any("</" in text and "attention-view" in text for text in texts)
