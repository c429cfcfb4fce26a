"""The bar and the cards of a page: what stands in them, and how they answer pointer, keys and taps."""

import pytest
from accessibility import SITE, violations
from booksite import cards, head
from browser import DESKTOP, PHONE, set_mode
from bs4 import BeautifulSoup
from docutils import nodes

CHAPTER = SITE / "chapters" / "02_attention.html"
TERM = "article a.term[data-card]"
CARD = ".link-card"
GLOSSARY = (
    '<dl><dt id="term-a">a<a class="headerlink" href="#term-a">#</a></dt>'
    '<dt id="term-b">b</dt><dd><p>One &amp; the\nsame.</p></dd></dl>'
)
PAGE = (
    '<a class="term reference internal" href="../appendix/glossary.html#term-b">b</a>'
    '<a class="reference internal" href="../appendix/bibliography.html#id2" title="A &amp; B">[AB]</a>'
    '<a class="reference internal" href="02.html#equation-x">(2.1)</a>'
    '<a class="reference internal" href="#fig-x">Fig. 1</a></body>'
)
PLACES = {("appendix/glossary.html", "term-b"): 'a "b" & c'}
FORMULAS = {("chapters/02.html", "equation-x"): "<svg></svg>"}


def test_a_definition_belongs_to_all_terms_before_it():
    assert cards.definitions(GLOSSARY) == {
        "term-a": "One & the same.",
        "term-b": "One & the same.",
    }


def test_captions_of_figures_and_tables_are_found():
    page = (
        '<figure class="f" id="fig-a"><svg></svg></figure>'
        '<figure id="fig-b"><svg></svg><figcaption><p>Fig. 1 <b>B.</b>'
        '<a class="headerlink" href="#fig-b">#</a></p></figcaption></figure>'
        '<table class="t" id="tab-a"><caption>Table 1 A.</caption></table>'
    )
    assert cards.captions(page) == {
        "fig-b": "Fig. 1 B.",
        "tab-a": "Table 1 A.",
    }


def test_links_carry_what_they_lead_to():
    written = cards.with_cards("chapters/01.html", PAGE, PLACES, FORMULAS)
    soup = BeautifulSoup(written, "html.parser")
    term, source, equation, figure = soup.select("a")
    assert term["data-card"] == 'a "b" & c'
    assert source["data-card"] == "A & B"
    assert not source.has_attr("title")
    assert soup.template["data-for"] == equation["href"]
    assert soup.template.svg
    assert not figure.has_attr("data-card")


def test_a_page_that_was_not_built_anew_gets_the_present_cards():
    once = cards.with_cards("chapters/01.html", PAGE, PLACES, FORMULAS)
    assert cards.with_cards("chapters/01.html", once, PLACES, FORMULAS) == once
    changed = dict.fromkeys(PLACES, "new")
    again = cards.with_cards("chapters/01.html", once, changed, {})
    assert 'data-card="new"' in again
    assert "<template" not in again


def test_the_bar_of_a_chapter_says_how_it_is_run():
    run = {"seconds": 20.4, "machine": "AMD, 2 cores, 24 GiB"}
    html = head.bar("02_a.ipynb", run, (5, "e-1"), "../_sources/02_a.ipynb")
    items = BeautifulSoup(html, "html.parser").select("li")
    assert [item.get_text() for item in items] == [
        "20 s on 2 cores",
        "make lab → 02_a.ipynb",
        "download (needs the book's environment)",
        "5 exercises",
        "All code: show hide",
    ]
    without = head.bar("a.ipynb", None, (0, ""), "a.ipynb")
    assert "exercise" not in without
    assert "cores" not in without


@pytest.mark.parametrize(
    ("seconds", "words"), [(9.6, "10 s"), (99.4, "99 s"), (121, "3 min")]
)
def test_a_time_is_said_in_seconds_or_minutes(seconds, words):
    assert head.duration(seconds) == words


def test_exercises_are_counted_by_their_titles():
    titles = ["Exercises", "Exercise 2.1 – heat", "Exercise 2.2 – cold"]
    sections = [
        nodes.section("", nodes.title("", title), ids=[f"s{i}"])
        for i, title in enumerate(titles)
    ]
    document = nodes.section("", nodes.title("", "Title"), *sections, ids=["t"])
    assert head.exercises(document) == (2, "s1")


@pytest.fixture
def page(browser):
    """A chapter as a file, not served: a card may need no server."""
    if not CHAPTER.is_file():
        pytest.fail("there is no built site: run `make book`", pytrace=False)
    opened = browser.new_page(viewport=DESKTOP)
    opened.goto(CHAPTER.as_uri())
    yield opened
    opened.close()


def test_a_card_opens_under_the_pointer_and_waits_for_it(page):
    term = page.locator(TERM).first
    height = "document.documentElement.scrollHeight"
    before = page.evaluate(height)
    term.hover()
    page.wait_for_selector(CARD)
    assert page.locator(CARD).inner_text() == term.get_attribute("data-card")
    assert term.get_attribute("aria-describedby") == "link-card"
    assert page.evaluate(height) == before
    page.hover(CARD)
    page.wait_for_timeout(400)
    assert page.locator(CARD).count() == 1
    page.mouse.move(2, 450)
    page.wait_for_selector(CARD, state="detached")


@pytest.mark.parametrize(
    ("link", "inside"),
    [
        ('article a.internal[href^="#equation-"]', "svg"),
        ('article a.internal[href^="#fig-"]', "figcaption"),
    ],
)
def test_a_card_opens_by_the_keyboard_and_closes_by_escape(page, link, inside):
    page.keyboard.press("Tab")  # what has the focus then shows it
    page.locator(link).first.focus()
    assert page.locator(f"{CARD} {inside}").count() >= 1
    box = page.locator(CARD).bounding_box()
    assert box["y"] >= 0
    assert box["y"] + box["height"] <= DESKTOP["height"]
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))
    for mode in ("light", "dark"):
        set_mode(page, mode)
        assert [v for v in violations(page) if v[0] != "minor"] == []
    page.keyboard.press("Escape")
    assert page.locator(CARD).count() == 0


def test_a_first_tap_opens_the_card_and_a_second_follows_the_link(browser):
    context = browser.new_context(viewport=PHONE, has_touch=True)
    page = context.new_page()
    page.goto(CHAPTER.as_uri())
    term = page.locator(TERM).first
    term.tap()
    box = page.locator(CARD).bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= PHONE["width"]
    assert page.url.endswith("02_attention.html")
    term.tap()
    page.wait_for_url("**/glossary.html#term-*")
    context.close()


def test_a_card_is_not_printed(page):
    page.locator(TERM).first.hover()
    page.wait_for_selector(CARD)
    page.emulate_media(media="print")
    assert not page.locator(CARD).is_visible()


def test_all_code_is_shown_or_hidden_and_the_choice_is_remembered(page):
    folds = "[...document.querySelectorAll('.cell:not(.tag_solution) > details.hide')].filter(f => f.open).length"
    shown = "[...document.querySelectorAll('.cell:not(.tag_solution) .cell_input')].filter(c => c.checkVisibility()).length"
    as_written = page.evaluate(shown)
    assert page.evaluate(folds) == 0
    page.click(".code-switch [value=show]")
    assert page.evaluate(folds) > 10
    page.reload()
    page.wait_for_function(f"{folds} > 10")
    page.click(".code-switch [value=hide]")
    assert page.evaluate(shown) == 0
    page.click(".code-switch [value=hide]")
    assert page.evaluate(shown) == as_written
