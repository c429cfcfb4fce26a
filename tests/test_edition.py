"""The PDF of the whole book: every chapter, formula and figure, links that hold, no code cut off."""

import re
from pathlib import Path

import edition
import pytest
import yaml
from bs4 import BeautifulSoup
from pypdf import PdfReader

ROOT = Path(__file__).parent.parent
TOC = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
NAMES = edition.contents(TOC)


def squeezed(text):
    return re.sub(r"\s", "", text)


@pytest.fixture(scope="module")
def articles():
    """The articles of the site's pages, in the order of the book."""
    if not (edition.SITE / "index.html").is_file():
        pytest.fail("there is no built site: run `make book`", pytrace=False)
    pages = [(edition.SITE / f"{name}.html").read_text(encoding="utf-8") for name in NAMES]
    return [BeautifulSoup(page, "html.parser").find("article") for page in pages]


@pytest.fixture(scope="module")
def printed(needs_browser, tmp_path_factory):
    """What was cut off, and the PDF as a reader of PDFs sees it."""
    path = tmp_path_factory.mktemp("edition") / "book.pdf"
    cut_off = edition.print_book(edition.SITE, TOC, path)
    return cut_off, PdfReader(path)


@pytest.fixture(scope="module")
def text(printed):
    return squeezed("".join(page.extract_text() for page in printed[1].pages))


def test_links_become_places_of_the_document_or_leave_it():
    names = ["intro", "chapters/01_a", "chapters/02_b"]
    assert edition.address("chapters/02_b", "01_a.html#x", names) == "#chapters-01_a--x"
    assert edition.address("chapters/02_b", "#x", names) == "#chapters-02_b--x"
    assert edition.address("chapters/02_b", "../intro.html", names) == "#intro--"
    assert (
        edition.address("chapters/02_b", "https://example.org/a", names) == "https://example.org/a"
    )
    assert edition.address("chapters/02_b", "../_sources/02_b.ipynb", names) == ""


def test_every_link_within_the_document_has_its_place(articles):
    page = BeautifulSoup(edition.whole_book(edition.SITE, TOC), "html.parser")
    anchors = {element["id"] for element in page.find_all(id=True)}
    targets = {link["href"][1:] for link in page.find_all("a", href=re.compile("^#"))}
    assert len(targets) > 100
    assert targets - anchors == set()


def test_every_chapter_begins_a_page_and_is_in_the_outline(printed, articles):
    _, pdf = printed
    titles = [entry.title for entry in pdf.outline if not isinstance(entry, list)]
    pages = [pdf.get_destination_page_number(e) for e in pdf.outline if not isinstance(e, list)]
    assert [squeezed(t) for t in titles] == [
        squeezed(article.find("h1").get_text().removesuffix("#")) for article in articles
    ]
    assert len(set(pages)) == len(articles)
    assert len(pdf.pages) > 10 * len(list((ROOT / "chapters").glob("*.ipynb")))


def test_nothing_is_cut_off_and_code_is_whole(printed, text, articles):
    cut_off, _ = printed
    assert cut_off == []
    for article in articles:
        cells = article.select(".cell_input pre")
        for cell in sorted(cells, key=lambda cell: max(map(len, cell.get_text().split("\n"))))[-5:]:
            longest = max(cell.get_text().split("\n"), key=len)
            assert squeezed(longest) in text


def test_every_figure_and_every_formula_is_in(printed, text, articles):
    figures = [i for a in articles for i in a.find_all("img") if not i["src"].endswith(".svg")]
    assert sum(len(page.images) for page in printed[1].pages) >= len(figures) > 10
    numbers = {n.get_text().strip("#¶") for a in articles for n in a.select(".eqno")}
    assert len(numbers) > 50
    assert [number for number in numbers if squeezed(number) not in text] == []
