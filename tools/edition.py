"""Print the whole book into one PDF, from the built site, with the machine's
own Chromium.

    python tools/edition.py [SITE [PDF]]

The pages of the site become the sections of one document, in the order of the
contents, with links between them kept. Code is wrapped; a formula or a table
that is wider than the paper is made smaller. What is folded is open, but for
the cells that check what the text claims.
"""

import argparse
import sys
from pathlib import Path
from urllib.parse import urldefrag, urljoin

import yaml
from browser import open_browser, serve
from bs4 import BeautifulSoup

ROOT = Path(__file__).resolve().parent.parent
SITE = ROOT / "_build" / "html"
PDF = ROOT / "_build" / "from-attention-to-feedback.pdf"
REFERENCE = "appendix/api_"
WIDTH = 680  # pixels of A4 between margins of 15 mm
MARGIN = {"top": "16mm", "bottom": "18mm", "left": "15mm", "right": "15mm"}
FOOTER = (
    '<div style="width: 100%; font-size: 8px; text-align: center; color:'
    ' #56606d"><span class="pageNumber"></span></div>'
)
STYLE = """
html { font-size: 13px; }
body { max-width: none; background: #fff; }
section.chapter { break-before: page; }
h1, h2, h3, dt { break-after: avoid; }
figure, .math, tr, .attention-view { break-inside: avoid; }
pre, code { white-space: pre-wrap !important; overflow-wrap: anywhere; }
pre { break-inside: auto !important; }
.highlight, .highlight pre, .formula, .scroll, .text_html, .pst-scrollable-table-container {
  overflow: visible !important; max-height: none !important;
}
a.headerlink, button.copybtn { display: none; }
td, th { overflow-wrap: break-word; }
"""
# Makes what is too wide smaller; returns what is cut off all the same.
FIT = """() => {
  for (const box of document.querySelectorAll(".formula, table, .scroll")) {
    const room = box.parentElement.clientWidth, width = box.scrollWidth;
    if (width > room) box.style.zoom = Math.max(0.4, 0.98 * room / width);
  }
  const edge = document.documentElement.clientWidth + 1;
  return [...document.querySelectorAll("article pre, article .formula, article table, article img, article .plot")]
    .filter(box => box.getBoundingClientRect().right > edge)
    .map(box => box.textContent.trim().slice(0, 60));
}"""


def contents(toc):
    """Return the names of the documents to print, in order: all but the
    library's reference.
    """
    chapters = [
        chapter["file"] for part in toc["parts"] for chapter in part["chapters"]
    ]
    return [
        toc["root"],
        *(name for name in chapters if not name.startswith(REFERENCE)),
    ]


def section(site, name, names):
    """Return one page's article, its anchors and addresses made those of the
    whole document.
    """
    page = BeautifulSoup(
        (site / f"{name}.html").read_text(encoding="utf-8"), "html.parser"
    )
    article = page.find("article")
    for element in article.find_all(id=True):
        element["id"] = anchor(name, element["id"])
    for part in article.select("svg *"):
        refer(part, name)
    for link in article.find_all("a", href=True):
        link["href"] = address(name, link["href"], names)
        if not link["href"]:
            del link["href"]
    for image in article.find_all("img", src=True):
        image["src"] = urljoin(f"{name}.html", image["src"])
        del image["loading"]
    for fold in article.select("details:not(.tag_check details)"):
        fold["open"] = ""
    return (
        f'<section class="chapter" id="{anchor(name, "")}">{article}</section>'
    )


def refer(part, name):
    """Let a part of a figure refer to the parts of its page, which have got
    other names: to markers, patterns, and where it is cut off.
    """
    for key, value in part.attrs.items():
        if key == "href" and value.startswith("#"):
            part[key] = f"#{anchor(name, value[1:])}"
        elif isinstance(value, str):
            part[key] = value.replace("url(#", f"url(#{anchor(name, '')}")


def anchor(name, fragment):
    """Return the anchor, in the whole document, of a place of a page."""
    return f"{name.replace('/', '-')}--{fragment}"


def address(name, target, names):
    """Return where a link of a page leads to: elsewhere, a place of the
    document, or nowhere.
    """
    page, fragment = urldefrag(urljoin(f"{name}.html", target))
    page = page.removesuffix(".html")
    if page in names:
        return f"#{anchor(page, fragment)}"
    return target if ":" in page else ""


def whole_book(site, toc):
    """Return the HTML of the whole book."""
    names = contents(toc)
    sections = "\n".join(section(site, name, names) for name in names)
    return (
        '<!doctype html><html lang="en" data-theme="light"><head><meta'
        ' charset="utf-8"><title>From Attention to Feedback</title><link'
        ' rel="stylesheet"'
        f' href="_static/site.css"><style>{STYLE}</style></head><body><main'
        ' class="bd-content bd-main"><div'
        f' class="bd-article">{sections}</div></main></body></html>'
    )


def print_book(site, toc, pdf):
    """Write the PDF; return what is cut off at the edge of the paper, which
    should be nothing.
    """
    with serve(site) as base, open_browser() as browser:
        page = browser.new_page(viewport={"width": WIDTH, "height": 1000})
        page.emulate_media(media="print", color_scheme="light")
        # a page of the site, so that addresses are relative to it
        page.goto(f"{base}/search.html")
        page.set_content(
            whole_book(site, toc), wait_until="load", timeout=120_000
        )
        page.evaluate("document.fonts.ready")
        cut_off = page.evaluate(FIT)
        page.pdf(
            path=pdf,
            format="A4",
            margin=MARGIN,
            print_background=True,
            display_header_footer=True,
            header_template="<span></span>",
            footer_template=FOOTER,
            outline=True,
            tagged=True,
        )
    return cut_off


def main():
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("site", nargs="?", type=Path, default=SITE)
    parser.add_argument("pdf", nargs="?", type=Path, default=PDF)
    arguments = parser.parse_args()
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    cut_off = print_book(arguments.site, toc, arguments.pdf)
    if cut_off:
        sys.exit("cut off at the edge of the paper:\n" + "\n".join(cut_off))
    print(f"The book in one file: {arguments.pdf}")


if __name__ == "__main__":
    main()
