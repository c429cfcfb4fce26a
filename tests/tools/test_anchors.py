"""Links into a long chapter: the section that they name comes to the top of the window."""

import pytest
from browser import DESKTOP, PHONE, serve
from lighthouse import SITE, heaviest

# Below the header that stays in view and the room that the site leaves above a heading.
LOWEST = 200
SECTIONS = "[...document.querySelectorAll('article section section')].map(section => section.id)"
CLICK = """fragment => {
  scrollTo(0, 0);
  document.querySelector(`a[href="#${fragment}"]`).click();
}"""
# Where a section's heading stands once the page has come to rest, its figures loaded.
TOP = """async fragment => {
  const heading = document.getElementById(fragment).querySelector("h2, h3, h4");
  const top = () => heading.getBoundingClientRect().top;
  const frame = () => new Promise(done => requestAnimationFrame(done));
  for (let calm = 0, last = top(); calm < 10; last = top()) {
    await frame();
    calm = top() === last ? calm + 1 : 0;
  }
  // What ends the page cannot rise to the top: there it is enough to be in view.
  const below = document.documentElement.scrollHeight - innerHeight - scrollY;
  return below < 2 && 0 <= top() && top() < innerHeight ? 0 : top();
}"""


@pytest.fixture(scope="module")
def address():
    if not (SITE / "index.html").is_file():
        pytest.fail("there is no built site: run `make book`", pytrace=False)
    with serve(SITE) as base:
        yield f"{base}/{heaviest(SITE)}"


@pytest.mark.parametrize("window", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_every_section_is_found_by_its_address_and_by_a_click(
    browser, address, window
):
    page = browser.new_page(viewport=window)
    page.goto(address)
    places, fragments = {}, page.evaluate(SECTIONS)[::3]
    assert len(fragments) > 5
    for fragment in fragments:
        page.evaluate(CLICK, fragment)
        places[f"#{fragment}, by a click"] = page.evaluate(TOP, fragment)
    for fragment in fragments:
        page.goto("about:blank")
        page.goto(f"{address}#{fragment}")
        places[f"#{fragment}, by its address"] = page.evaluate(TOP, fragment)
    page.close()
    assert {
        name: top for name, top in places.items() if not 0 <= top <= LOWEST
    } == {}
