"""Pages of the site as axe-core sees them; `make accessibility` looks at all."""

import accessibility
import pytest
from browser import serve, set_mode

NAMES = [
    "intro.html",
    "chapters/02_attention.html",
    "appendix/glossary.html",
    "search.html",
]


def test_axe_finds_nothing_serious(needs_browser):
    if not (accessibility.SITE / "index.html").is_file():
        pytest.fail("there is no built site: run `make book`", pytrace=False)
    found = [
        (name, mode, violation)
        for name, mode, violations in accessibility.look(
            accessibility.SITE, NAMES
        )
        for violation in violations
        if violation[0] in ("serious", "critical")
    ]
    assert found == []


def test_an_obstacle_is_found(browser, tmp_path):
    (tmp_path / "index.html").write_text(
        '<!doctype html><html lang="en"><title>x</title><main><h1>x</h1><button></button></main></html>'
    )
    (tmp_path / "old.html").write_text(
        '<meta http-equiv="Refresh" content="0; url=index.html">'
    )
    assert accessibility.page_names(tmp_path) == ["index.html"]
    with serve(tmp_path) as base:
        page = browser.new_page()
        page.goto(base)
        set_mode(page, "dark")
        assert page.evaluate("document.documentElement.dataset.theme") == "dark"
        assert [
            (weight, rule) for weight, rule, _ in accessibility.violations(page)
        ] == [("critical", "button-name")]
        page.close()
