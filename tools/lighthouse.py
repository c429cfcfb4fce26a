"""Have Lighthouse judge the heaviest chapter of the built site, as a desktop
and as a phone.

Lighthouse is a program of Node: the system packages ``nodejs`` and ``npm``, and
``chromium``, are what it needs; npm fetches it, in the version named here, the
first time.
"""

import json
import subprocess
import sys
from pathlib import Path

from browser import MISSING, QUIET, find_browser, serve

SITE = Path(__file__).resolve().parent.parent / "_build" / "html"
LIGHTHOUSE = "lighthouse@12.8.2"
CATEGORIES = ["performance", "accessibility"]
AIMS = {
    "desktop": {"performance": 95, "accessibility": 100},
    "mobile": {"performance": 80, "accessibility": 100},
}


def heaviest(site):
    """Return the address of the chapter with the largest page."""
    page = max(
        (site / "chapters").glob("*.html"), key=lambda path: path.stat().st_size
    )
    return page.relative_to(site).as_posix()


def judge(url, form, browser):
    """Return Lighthouse's scores of a page, from 0 to 100."""
    command = ["npx", "--yes", LIGHTHOUSE, url, "--output=json", "--quiet"]
    command += [
        f"--only-categories={','.join(CATEGORIES)}",
        f"--chrome-path={browser}",
    ]
    command += [f"--chrome-flags=--headless {' '.join(QUIET)}"]
    command += ["--preset=desktop"] if form == "desktop" else []
    run = subprocess.run(command, check=True, capture_output=True, text=True)
    found = json.loads(run.stdout)["categories"]
    return {name: round(100 * found[name]["score"]) for name in CATEGORIES}


def main():
    """Run the command line."""
    browser = find_browser()
    if browser is None:
        sys.exit(MISSING)
    name, missed = heaviest(SITE), False
    with serve(SITE) as base:
        for form, aims in AIMS.items():
            scores = judge(f"{base}/{name}", form, browser)
            for category, aim in aims.items():
                print(
                    f"{name}, {form}: {category} {scores[category]}, asked for"
                    f" {aim}"
                )
                missed |= scores[category] < aim
    sys.exit(missed)


if __name__ == "__main__":
    main()
