"""Pages of the site on a phone: none is wider than its screen, so that none must be pushed about."""

import pytest
from accessibility import SITE, page_names
from browser import PHONE, serve

WIDTH = "document.documentElement.scrollWidth"


def widths(browser, site):
    """Return how wide each page of a site is on a phone."""
    page, found = browser.new_page(viewport=PHONE), {}
    with serve(site) as base:
        for name in page_names(site):
            page.goto(f"{base}/{name}")
            found[name] = page.evaluate(WIDTH)
    page.close()
    return found


def test_no_page_is_wider_than_a_phone(browser):
    if not (SITE / "index.html").is_file():
        pytest.fail("there is no built site: run `make book`", pytrace=False)
    found = widths(browser, SITE)
    assert len(found) > 20
    assert {n: w for n, w in found.items() if w > PHONE["width"]} == {}


def test_a_page_that_is_too_wide_is_found(browser, tmp_path):
    (tmp_path / "index.html").write_text(
        '<meta name="viewport" content="width=device-width"><p style="width: 500px">x</p>'
    )
    assert widths(browser, tmp_path)["index.html"] > PHONE["width"]
