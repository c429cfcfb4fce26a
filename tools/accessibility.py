"""Look for obstacles to accessibility on every page of the built site, in light
and in dark.

axe-core looks; a line a page says how many violations it found, by their
weight. A serious or critical one makes the command fail.
"""

import sys
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from browser import DESKTOP, open_browser, serve, set_mode

SITE = Path(__file__).resolve().parent.parent / "_build" / "html"
WEIGHTS = ["critical", "serious", "moderate", "minor"]


def page_names(site):
    """Return the addresses of a site's pages, but of those that only send the
    reader on.
    """
    paths = [
        path
        for path in sorted(site.rglob("*.html"))
        if "_static" not in path.parts
        and 'http-equiv="refresh"' not in path.read_text("utf-8").lower()
    ]
    return [path.relative_to(site).as_posix() for path in paths]


# Sections out of sight are laid out late, and their boxes get the keyboard only
# then; two frames later all of them have it.
LAID_OUT = """() => {
  delete document.documentElement.dataset.lazy;
  return new Promise((done) =>
    requestAnimationFrame(() => requestAnimationFrame(done)));
}"""


def violations(page):
    """Return what axe-core finds on an open page: ``(weight, rule, first
    element)``.
    """
    page.evaluate(LAID_OUT)
    found = Axe().run(page).response["violations"]
    return [(v["impact"], v["id"], v["nodes"][0]["html"][:120]) for v in found]


def look(site, names):
    """Yield ``(page, mode, violations)`` for each of the pages in each mode."""
    with serve(site) as base, open_browser() as browser:
        page = browser.new_page(viewport=DESKTOP)
        for name in names:
            page.goto(f"{base}/{name}")
            for mode in ("light", "dark"):
                set_mode(page, mode)
                yield name, mode, violations(page)


def main():
    """Run the command line."""
    bad = 0
    for name, mode, found in look(SITE, page_names(SITE)):
        counts = {
            weight: sum(v[0] == weight for v in found) for weight in WEIGHTS
        }
        bad += counts["critical"] + counts["serious"]
        print(
            f"{name} {mode}: "
            + ", ".join(f"{n} {weight}" for weight, n in counts.items())
        )
        for weight, rule, element in found:
            print(f"  {weight}: {rule}: {element}")
    print(f"{bad} serious or critical violations")
    sys.exit(bad > 0)


if __name__ == "__main__":
    main()
