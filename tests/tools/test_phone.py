"""Pages in windows of several widths: none is wider than a phone, nothing is cut off, nothing jumps while it loads."""

import pytest
from accessibility import SITE, page_names
from browser import DESKTOP, PHONE, serve
from lighthouse import heaviest

WIDTH = "document.documentElement.scrollWidth"
WINDOWS = [DESKTOP, {"width": 1440, "height": 900}, PHONE]
LARGEST_SHIFT = 0.02
WATCH = """
window.shift = 0;
new PerformanceObserver(list => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) shift += entry.value;
}).observe({type: "layout-shift", buffered: true});
"""
SETTLE = """async () => {
  if (document.readyState !== "complete") await new Promise(done => addEventListener("load", done));
  await new Promise(done => setTimeout(done, 300));
  return shift;
}"""
# What reaches beyond the text's column, and no box around it scrolls; and boxes that hide what does not fit.
CUT = """() => {
  const article = document.querySelector("article") ?? document.querySelector("main"), edge = article.getBoundingClientRect().right + 2;
  const scrolls = box => box && box !== article && (/auto|scroll/.test(getComputedStyle(box).overflowX) || scrolls(box.parentElement));
  const clips = box => box.scrollWidth > box.clientWidth + 2 && /hidden|clip/.test(getComputedStyle(box).overflowX);
  return [...article.querySelectorAll("pre, table, svg, img, .formula, dt.sig"), ...document.querySelectorAll(".prev-next-area a")]
    .filter(box => box.checkVisibility() && !box.closest(".spoken"))
    .filter(box => clips(box) || (article.contains(box) && box.getBoundingClientRect().right > edge && !scrolls(box)))
    .map(box => `${box.tagName} ${box.className.baseVal ?? box.className}: ${box.textContent.trim().slice(0, 40)}`);
}"""
LEAST_LETTER = 10  # pixels
# The drawings and plots whose smallest letters, not counting exponents, are below a size on the screen.
SMALL = """least => [...document.querySelectorAll("article svg:is(.plot, .sketch)")].flatMap(svg => {
  const height = part => parseFloat(getComputedStyle(part).fontSize);
  const texts = [...svg.querySelectorAll("text")].filter(text => text.textContent.trim());
  const formula = text => [...text.querySelectorAll("tspan")];
  const letters = texts.map(text => Math.max(...(formula(text).length ? formula(text) : [text]).map(height)));
  const smallest = Math.min(...letters) * svg.getScreenCTM().a;
  return smallest < least - 0.1 ? [`${svg.closest("figure")?.id}: ${smallest.toFixed(1)}`] : [];
})"""
# A link to a section of the page is pressed; where the section is then.
JUMP = """name => {
  const link = document.createElement("a");
  link.href = `#${name}`;
  document.body.append(link);
  link.click();
}"""
TOP = "name => document.getElementById(name).getBoundingClientRect().top"
SCROLLERS = """() => [...document.querySelectorAll("article :is(.plot-box, .formula)")]
  .filter(box => box.scrollWidth > box.clientWidth).map(box => box.tabIndex)"""
LONG_CODE = (
    '<!doctype html><meta name="viewport" content="width=device-width">'
    '<link rel="stylesheet" href="_static/site.css"><article class="bd-article">'
    '<div class="highlight"><pre style="width: 300px; overflow: auto">short\n'
    '<span class="line">{words}\n</span>\nend</pre></div></article>'
)


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


def looked_at():
    """Return the pages that are looked at: those that are read, and a module's."""
    if not (SITE / "index.html").is_file():
        pytest.fail("there is no built site: run `make book`", pytrace=False)
    modules = [n for n in page_names(SITE) if n.startswith("appendix/api/")]
    read = [n for n in page_names(SITE) if n not in modules]
    return [*read, *(n for n in modules if n.endswith("/attention.html"))]


@pytest.mark.parametrize("window", WINDOWS, ids=lambda w: str(w["width"]))
def test_nothing_jumps_or_is_cut_off(browser, window):
    names = looked_at()
    page = browser.new_page(viewport=window)
    page.add_init_script(WATCH)
    shifts, cut = {}, {}
    with serve(SITE) as base:
        for name in names:
            page.goto(f"{base}/{name}")
            shifts[name] = page.evaluate(SETTLE)
            cut[name] = page.evaluate(CUT)
    page.close()
    assert {n: s for n, s in shifts.items() if s > LARGEST_SHIFT} == {}
    assert {n: c for n, c in cut.items() if c} == {}


@pytest.mark.parametrize("window", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_letters_of_figures_are_legible(browser, window):
    names, small = looked_at(), {}
    page = browser.new_page(viewport=window)
    with serve(SITE) as base:
        for name in names:
            page.goto(f"{base}/{name}")
            small[name] = page.evaluate(SMALL, LEAST_LETTER)
    page.close()
    assert {n: s for n, s in small.items() if s} == {}


def test_small_letters_are_found_but_exponents_are_none(browser, tmp_path):
    file = tmp_path / "index.html"
    file.write_text(
        '<article><figure id="a"><svg class="plot" viewBox="0 0 90 9" width="90"><text style="font-size: 9px">x</text></svg></figure>'
        '<figure id="b"><svg class="plot" viewBox="0 0 90 9" width="90"><text><tspan style="font-size: 12px">2</tspan>'
        '<tspan style="font-size: 7px">3</tspan></text></svg></figure></article>'
    )
    page = browser.new_page()
    page.goto(file.as_uri())
    assert page.evaluate(SMALL, LEAST_LETTER) == ["a: 9.0"]
    page.close()


def test_a_jump_lands_where_it_leads(browser):
    """Though sections out of sight are not laid out when a page is entered."""
    page = browser.new_page(viewport=DESKTOP)
    with serve(SITE) as base:
        address = f"{base}/{heaviest(SITE)}"
        page.goto(address)
        assert page.evaluate("'lazy' in document.documentElement.dataset")
        names = page.evaluate(
            "[...document.querySelectorAll('article section > section')].map(section => section.id)"
        )
        for name in (names[1], names[len(names) // 2], names[-6]):
            page.goto("about:blank")
            page.goto(address)
            page.evaluate(JUMP, name)
            page.wait_for_timeout(300)
            assert 0 <= page.evaluate(TOP, name) <= 100
        page.goto("about:blank")
        page.goto(f"{address}#{names[-6]}")
        page.wait_for_timeout(300)
        assert 0 <= page.evaluate(TOP, names[-6]) <= 100
    page.close()


def test_the_keyboard_reaches_what_scrolls(browser):
    page = browser.new_page(viewport=PHONE)
    with serve(SITE) as base:
        page.goto(f"{base}/chapters/02_attention.html#sec-three-tokens")
        page.wait_for_timeout(500)
        found = page.evaluate(SCROLLERS)
    page.close()
    assert {0} == set(found)


def test_a_jump_and_a_cut_are_found(browser, tmp_path):
    (tmp_path / "index.html").write_text(
        '<article style="width: 300px"><p id="a">x</p><table style="width: 500px; height: 400px"><tr><td style="background: red">x</table>'
        '<pre style="overflow: hidden; width: 100px">a line that is much too long for its box</pre></article>'
    )
    page = browser.new_page(viewport=DESKTOP)
    page.add_init_script(WATCH)
    page.goto((tmp_path / "index.html").as_uri())
    assert page.evaluate(SETTLE) == 0
    # Only what was painted can jump, and a busy machine paints late.
    page.evaluate(
        "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
    )
    page.evaluate('document.getElementById("a").style.height = "500px"')
    page.wait_for_function("largest => shift > largest", arg=LARGEST_SHIFT)
    assert [found.split()[0] for found in page.evaluate(CUT)] == [
        "TABLE",
        "PRE",
    ]
    page.close()


def test_long_lines_wrap_and_their_mark_is_not_copied(browser, tmp_path):
    style = SITE / "_static" / "site.css"
    (tmp_path / "_static").mkdir()
    (tmp_path / "_static" / "site.css").write_bytes(style.read_bytes())
    file = tmp_path / "index.html"
    for window in (DESKTOP, PHONE):
        heights = []
        for words in ("word ", "word " * 60):
            file.write_text(LONG_CODE.format(words=words), encoding="utf-8")
            page = browser.new_page(viewport=window)
            page.goto(file.as_uri())
            code = page.locator("pre")
            copied = code.evaluate(
                "pre => getSelection().selectAllChildren(pre) || String(getSelection()).trim()"
            )
            assert copied == f"short\n{words}\n\nend"
            assert code.evaluate("pre => pre.scrollWidth <= pre.clientWidth")
            heights.append(code.evaluate("pre => pre.scrollHeight"))
            page.close()
        assert heights[1] > 1.2 * heights[0]


@pytest.mark.parametrize("window", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_lines_that_need_not_wrap_stand_where_they_stood(
    browser, tmp_path, window
):
    style = SITE / "_static" / "site.css"
    (tmp_path / "_static").mkdir()
    (tmp_path / "_static" / "site.css").write_bytes(style.read_bytes())
    heights = []
    for code in (LONG_CODE, LONG_CODE.replace('class="line"', "")):
        file = tmp_path / "index.html"
        file.write_text(code.format(words="word"), encoding="utf-8")
        page = browser.new_page(viewport=window)
        page.goto(file.as_uri())
        heights.append(page.locator("pre").evaluate("pre => pre.scrollHeight"))
        page.close()
    assert heights[0] == heights[1]
