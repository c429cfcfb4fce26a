"""The PDF of the whole book: every chapter, formula and figure, links that hold, no code cut off."""

import re
from pathlib import Path

import edition
import pypdfium2
import pytest
import yaml
from bs4 import BeautifulSoup
from pypdfium2.raw import FPDF_PAGEOBJ_IMAGE

ROOT = Path(__file__).parents[2]
TOC = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
NAMES = edition.contents(TOC)


def squeezed(text):
    return re.sub(r"\s", "", text)


@pytest.fixture(scope="module")
def articles():
    """The articles of the site's pages, in the order of the book."""
    if not (edition.SITE / "index.html").is_file():
        pytest.fail("there is no built site: run `make book`", pytrace=False)
    pages = [
        (edition.SITE / f"{name}.html").read_text(encoding="utf-8")
        for name in NAMES
    ]
    return [
        BeautifulSoup(page, "html.parser").find("article") for page in pages
    ]


@pytest.fixture(scope="module")
def printed(needs_browser, tmp_path_factory):
    """What was cut off, and the PDF as Chromium's own reader of PDFs sees it."""
    path = tmp_path_factory.mktemp("edition") / "book.pdf"
    cut_off = edition.print_book(edition.SITE, TOC, path)
    with pypdfium2.PdfDocument(path) as pdf:
        yield cut_off, pdf


@pytest.fixture(scope="module")
def text(printed):
    return squeezed(
        "".join(page.get_textpage().get_text_range() for page in printed[1])
    )


def test_links_become_places_of_the_document_or_leave_it():
    names = ["intro", "chapters/01_a", "chapters/02_b"]
    assert (
        edition.address("chapters/02_b", "01_a.html#x", names)
        == "#chapters-01_a--x"
    )
    assert edition.address("chapters/02_b", "#x", names) == "#chapters-02_b--x"
    assert (
        edition.address("chapters/02_b", "../intro.html", names) == "#intro--"
    )
    assert (
        edition.address("chapters/02_b", "https://example.org/a", names)
        == "https://example.org/a"
    )
    assert (
        edition.address("chapters/02_b", "../_sources/02_b.ipynb", names) == ""
    )


def test_what_is_folded_is_open_but_for_checks(tmp_path):
    (tmp_path / "a.html").write_text(
        '<article><div class="cell tag_check"><details id="x"></details></div><div class="cell tag_plot"><details id="y"></details></div></article>'
    )
    made = BeautifulSoup(edition.section(tmp_path, "a", ["a"]), "html.parser")
    assert [fold["id"] for fold in made.select("details[open]")] == ["a--y"]


def test_every_link_within_the_document_has_its_place(articles):
    page = BeautifulSoup(edition.whole_book(edition.SITE, TOC), "html.parser")
    anchors = {element["id"] for element in page.find_all(id=True)}
    targets = {
        link["href"][1:] for link in page.find_all("a", href=re.compile("^#"))
    }
    assert len(targets) > 100
    assert targets - anchors == set()
    parts = " ".join(map(str, page.select("svg")))
    referred = set(re.findall(r'(?:url\(|href=")#([^)"]+)', parts))
    assert len(referred) > 10
    assert referred - anchors == set()


def test_every_chapter_begins_a_page_and_is_in_the_outline(printed, articles):
    _, pdf = printed
    entries = [entry for entry in pdf.get_toc(max_depth=1) if entry.level == 0]
    pages = [entry.get_dest().get_index() for entry in entries]
    assert [squeezed(entry.get_title()) for entry in entries] == [
        squeezed(article.find("h1").get_text().removesuffix("#"))
        for article in articles
    ]
    assert len(set(pages)) == len(articles)
    assert len(pdf) > 10 * len(list((ROOT / "chapters").glob("*.ipynb")))


def test_nothing_is_cut_off_and_code_is_whole(printed, text, articles):
    cut_off, _ = printed
    assert cut_off == []
    for article in articles:
        cells = article.select(".cell:not(.tag_check) .cell_input pre")
        for cell in sorted(
            cells, key=lambda cell: max(map(len, cell.get_text().split("\n")))
        )[-5:]:
            longest = max(cell.get_text().split("\n"), key=len)
            assert squeezed(longest) in text


def test_every_figure_and_every_formula_is_in(printed, text, articles):
    figures = [
        i
        for a in articles
        for i in a.select("img:not([src$='.svg']), .plot image")
    ]
    shown = [
        image
        for page in printed[1]
        for image in page.get_objects([FPDF_PAGEOBJ_IMAGE])
    ]
    assert len(shown) >= len(figures) > 10
    labels = {
        label.get_text()
        for article in articles
        for label in article.select(".plot text[transform^='rotate(-0']")
    }
    assert [label for label in labels if squeezed(label) not in text] == []
    numbers = {
        n.get_text().strip("#¶") for a in articles for n in a.select(".eqno")
    }
    assert len(numbers) > 50
    assert [number for number in numbers if squeezed(number) not in text] == []
