"""The built site, crawled: no broken link, nothing loaded from elsewhere, nothing left unfinished.

`make book` builds the site that is crawled here. Each check is a function from pages to a list of
complaints, and is itself tried on small pages that it must complain of.
"""

import gzip
import os
import random
import re
from functools import cached_property
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).parents[2]
SITE = ROOT / "_build" / "html"
SOURCES = [
    "_config.yml",
    "_toc.yml",
    "intro.md",
    "references.bib",
    "appendix/*.md",
    "appendix/*.json",
    "assets/*",
    "chapters/*.ipynb",
    "chapters/*.md",
    "src/llmbook/**/*.py",
    "tools/booksite/**/*.py",
    "tools/booksite/**/*.html",
]
BUDGET = 500_000  # bytes of a page and all it loads, compressed

VOID = {
    "area",
    "base",
    "br",
    "col",
    "embed",
    "hr",
    "img",
    "input",
    "link",
    "meta",
    "source",
    "track",
    "wbr",
}
VERBATIM = {
    "code",
    "pre",
    "script",
    "style",
    "kbd",
    "math",
    "title",
}  # text in these is no prose
# Attributes that make the browser load something; of <link> only these relations do.
LOADED = {
    ("script", "src"), ("img", "src"), ("img", "srcset"), ("source", "src"), ("source", "srcset"),
    ("iframe", "src"), ("embed", "src"), ("object", "data"), ("video", "src"), ("video", "poster"),
    ("audio", "src"), ("track", "src"), ("input", "src"), ("link", "href"), ("use", "href"),
    ("image", "href"),
}  # fmt: skip
LOADED_RELATIONS = {
    "stylesheet",
    "icon",
    "preload",
    "modulepreload",
    "prefetch",
    "manifest",
}
LINKED = LOADED | {("a", "href"), ("area", "href"), ("form", "action")}
UNRENDERED = re.compile(
    r"\\[(\[]"  # \( or \[
    r"|\\(?:begin|frac|sum|mathrm|text|sqrt|left)\b"
    r"|\$\$"
    r"|\$[^$\n]*[\\^_{][^$\n]*\$"  # a dollar sign alone may be money
    r"|\{[a-z:-]+\}`"  # a role of MyST
    r"|^:::|^```\{",
    re.MULTILINE,
)


class Page(HTMLParser):
    """A page as the checks see it: its elements with their attributes, and its prose."""

    def __init__(self, path, site):
        super().__init__()
        self.path, self.site = path, site
        self.elements = []  # (tag, attributes, whether inside <article>)
        self.prose = []
        self._open = []
        self.feed(path.read_text(encoding="utf-8"))

    @property
    def name(self):
        """The page's path in the site."""
        return self.path.relative_to(self.site).as_posix()

    @cached_property
    def anchors(self):
        """The fragments that a link to this page may carry."""
        named = [
            attributes.get(key)
            for tag, attributes, _ in self.elements
            for key in (["id", "name"] if tag == "a" else ["id"])
        ]
        return [name for name in named if name]

    def handle_starttag(self, tag, attrs):
        self.elements.append(
            (
                tag,
                {key: value or "" for key, value in attrs},
                "article" in self._open,
            )
        )
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append(
            (
                tag,
                {key: value or "" for key, value in attrs},
                "article" in self._open,
            )
        )

    def handle_endtag(self, tag):
        if tag in self._open:
            while self._open.pop() != tag:
                pass

    def handle_data(self, data):
        if not VERBATIM.intersection(self._open):
            self.prose.append(data)

    def references(self, kinds):
        """Yield the addresses that some kinds of attribute name."""
        for tag, attributes, _ in self.elements:
            if tag == "link" and not LOADED_RELATIONS.intersection(
                attributes.get("rel", "").split()
            ):
                continue
            for key, value in attributes.items():
                if (tag, key) in kinds:
                    yield from addresses(key, value)

    def target(self, address):
        """Return the file of the site that an address names, or None if it leaves the site."""
        parts = urlsplit(address)
        if parts.scheme or parts.netloc:
            return None
        path = unquote(parts.path)
        file = (
            (self.path.parent / path).resolve() if path else self.path.resolve()
        )
        return file / "index.html" if file.is_dir() else file


def addresses(key, value):
    """Return the addresses in the value of an attribute."""
    if key == "srcset":
        return [
            candidate.split()[0]
            for candidate in value.split(",")
            if candidate.strip()
        ]
    return [value]


def style_addresses(css):
    """Return the addresses that a style sheet loads."""
    found = re.findall(
        r"""url\(\s*["']?([^"')]+)|@import\s+["']([^"']+)""", css
    )
    return [url or imported for url, imported in found]


def read_site(site):
    """Read the pages of a site."""
    return [
        Page(path, site)
        for path in sorted(site.rglob("*.html"))
        if "_static" not in path.parts
    ]


def broken_links(pages):
    """Complain of links to a file or to an anchor that is not there."""
    anchors = {page.path.resolve(): set(page.anchors) for page in pages}
    complaints = []
    for page in pages:
        for address in page.references(LINKED):
            file, fragment = (
                page.target(address),
                unquote(urlsplit(address).fragment),
            )
            if file is None:
                continue
            if not file.is_file():
                complaints.append(f"{page.name}: {address}: no such file")
            elif fragment and file in anchors and fragment not in anchors[file]:
                complaints.append(f"{page.name}: {address}: no such anchor")
    return complaints


def repeated_anchors(pages):
    """Complain of an id that two elements of a page bear: a link to it is ambiguous."""
    return [
        f"{page.name}: #{anchor} stands {page.anchors.count(anchor)} times"
        for page in pages
        for anchor in sorted(set(page.anchors))
        if page.anchors.count(anchor) > 1
    ]


def is_elsewhere(address):
    """Tell whether loading an address asks another host."""
    parts = urlsplit(address.strip())
    return bool(parts.netloc) or parts.scheme in ("http", "https", "ftp")


def external_resources(pages):
    """Complain of scripts, styles, fonts, pictures and frames that another host would serve."""
    complaints = []
    for page in pages:
        loaded = list(page.references(LOADED))
        text = page.path.read_text(encoding="utf-8")
        for style in re.findall(
            r"<style[^>]*>(.*?)</style>|style=\"([^\"]*)\"", text, re.DOTALL
        ):
            loaded += style_addresses("".join(style))
        for script in re.findall(
            r"<script[^>]*>(.*?)</script>", text, re.DOTALL
        ):
            loaded += re.findall(
                r"""(?:import|fetch|importScripts)\s*\(?\s*["'`]([^"'`]+)""",
                script,
            )
        complaints += [
            f"{page.name}: loads {address}"
            for address in loaded
            if is_elsewhere(address)
        ]
    for site in {page.site for page in pages}:
        for sheet in site.rglob("*.css"):
            found = style_addresses(sheet.read_text(encoding="utf-8"))
            complaints += [
                f"{sheet.name}: loads {address}"
                for address in found
                if is_elsewhere(address)
            ]
    return complaints


def missing_alternatives(pages):
    """Complain of pictures whose alternative text is missing, or is the file's name."""
    complaints = []
    for page in pages:
        for tag, attributes, in_article in page.elements:
            if tag != "img":
                continue
            text, source = attributes.get("alt"), attributes.get("src", "")
            decorative = text == "" and not in_article
            if text is None or (
                not decorative and is_no_description(text, source)
            ):
                complaints.append(
                    f"{page.name}: {source}: alternative text {text!r}"
                )
    return complaints


def is_no_description(text, source):
    """Tell whether an alternative text says nothing: it is empty, short, or the file's path."""
    return (
        len(text.split()) < 2
        or text == source
        or bool(re.search(r"\.(png|svg|webp|jpe?g)$", text))
    )


def leftover_errors(pages):
    """Complain of tracebacks, of what a cell wrote to stderr, and of Sphinx's own error messages."""
    bad = {"traceback", "stderr", "system-message", "problematic"}
    return [
        f"{page.name}: an element of class {' '.join(sorted(found))}"
        for page in pages
        for _, attributes, _ in page.elements
        if (found := bad.intersection(attributes.get("class", "").split()))
    ]


def unrendered_markup(pages):
    """Complain of formulas and roles that readers would see as markup."""
    complaints = []
    for page in pages:
        prose = "".join(page.prose)
        complaints += [
            f"{page.name}: …{prose[m.start() : m.end() + 20]!r}"
            for m in UNRENDERED.finditer(prose)
        ]
        complaints += [
            f"{page.name}: a formula in error"
            for tag, _, _ in page.elements
            if tag == "merror"
        ]
    return complaints


def weight(page):
    """Return the bytes, compressed, of a page and of every file that it may load."""
    files = set()
    waiting = [
        page.path.resolve(),
        *(page.target(a) for a in page.references(LOADED)),
    ]
    while waiting:
        file = waiting.pop()
        if file is None or file in files or not file.is_file():
            continue
        files.add(file)
        if file.suffix == ".css":
            found = style_addresses(file.read_text(encoding="utf-8"))
            waiting += [
                file.parent / address
                for address in found
                if not urlsplit(address).scheme
            ]
    return sum(len(gzip.compress(file.read_bytes())) for file in files)


def overweight(pages):
    """Complain of pages beyond the budget."""
    weights = {page.name: weight(page) for page in pages}
    return [
        f"{name}: {size / 1000:.0f} kB"
        for name, size in weights.items()
        if size > BUDGET
    ]


CHECKS = [
    broken_links,
    repeated_anchors,
    external_resources,
    missing_alternatives,
    leftover_errors,
    unrendered_markup,
    overweight,
]


def why_not_current(site, root):
    """Return why a site does not show the sources as they are, or an empty text if it does."""
    stamp = site / "_static" / "site.css"
    if not stamp.is_file():
        return f"there is no built site in {site.name}: run `make book`"
    sources = [
        path
        for pattern in SOURCES
        for path in root.glob(pattern)
        if path.is_file()
    ]
    newer = [
        path for path in sources if path.stat().st_mtime > stamp.stat().st_mtime
    ]
    if newer:
        names = ", ".join(
            sorted(path.relative_to(root).as_posix() for path in newer)
        )
        return f"the built site is older than {names}: run `make book`"
    return ""


@pytest.fixture(scope="module")
def pages():
    """The pages of the book, as `make book` built them."""
    problem = why_not_current(SITE, ROOT)
    if problem:
        pytest.fail(problem, pytrace=False)
    return read_site(SITE)


@pytest.mark.parametrize("check", CHECKS)
def test_site(check, pages):
    complaints = check(pages)
    assert not complaints, "\n".join(complaints)


def test_every_notebook_can_be_downloaded(pages):
    notebooks = [
        page
        for page in pages
        if (ROOT / page.name).with_suffix(".ipynb").is_file()
    ]
    assert notebooks
    for page in notebooks:
        targets = {
            file.name
            for address in page.references(LINKED)
            if (file := page.target(address))
        }
        assert Path(page.name).with_suffix(".ipynb").name in targets, page.name


def test_the_hint_of_every_exercise_is_folded(pages):
    for page in pages:
        notebook = (ROOT / page.name).with_suffix(".ipynb")
        if notebook.is_file():
            stubs = notebook.read_text(encoding="utf-8").count(": not yet. ")
            folds = [
                a.get("class")
                for tag, a, _ in page.elements
                if tag == "details" and a.get("class") == "hint"
            ]
            assert len(folds) == stubs, page.name


def test_every_page_describes_itself(pages):
    for page in pages:
        if (ROOT / page.name).with_suffix(".md").is_file():
            meta = {
                a.get("name") or a.get("property")
                for tag, a, _ in page.elements
                if tag == "meta"
            }
            assert {"description", "og:title", "og:description"} <= meta, (
                page.name
            )


# Each check can fail: small pages that it must complain of, and their sound neighbours.

HEAD = '<link rel="stylesheet" href="_static/site.css">'
SOUND = [
    '<p id="here">It costs $5, or $7 with tea.</p><a href="#here">up</a>',
    '<a href="other.html#there">next</a><a href="https://example.org/x">out</a>',
    '<article><img src="map.webp" alt="A heatmap of two tokens"></article><img src="map.webp" alt="">',
    "<pre>$x_1$ and \\frac</pre><code>\\(x\\)</code><math><mtext>\\text</mtext></math>",
    '<a href="map%2Ewebp">coded</a><form action="other.html"></form>',
]
FAULTY = [
    (broken_links, '<a href="gone.html">x</a>'),
    (broken_links, '<a href="other.html#gone">x</a>'),
    (broken_links, '<a href="#gone">x</a>'),
    (broken_links, '<img src="gone.png" alt="A figure">'),
    (broken_links, '<script src="_static/gone.js"></script>'),
    (repeated_anchors, '<p id="a">1</p><p id="a">2</p>'),
    (external_resources, '<script src="https://cdn.example/x.js"></script>'),
    (external_resources, '<script src="//cdn.example/x.js"></script>'),
    (external_resources, '<link rel="stylesheet" href="https://cdn.example/x.css">'),
    (external_resources, '<link rel="preload" as="font" href="https://cdn.example/x.woff">'),
    (external_resources, '<img alt="A remote figure" src="http://cdn.example/x.png">'),
    (external_resources, '<img alt="A remote figure" src="map.webp" srcset="https://cdn.example/x.png 2x">'),
    (external_resources, '<iframe src="https://cdn.example/"></iframe>'),
    (external_resources, "<style>@import 'https://cdn.example/x.css';</style>"),
    (external_resources, '<p style="background: url(https://cdn.example/x.png)">x</p>'),
    (external_resources, '<script>import("https://cdn.example/x.mjs")</script>'),
    (missing_alternatives, '<img src="map.webp">'),
    (missing_alternatives, '<article><img src="map.webp" alt=""></article>'),
    (missing_alternatives, '<img src="map.webp" alt="map.webp">'),
    (missing_alternatives, '<img src="map.webp" alt="../_images/a b.png">'),
    (leftover_errors, '<div class="output traceback highlight-ipythontb"></div>'),
    (leftover_errors, '<div class="output stderr highlight-myst-ansi"></div>'),
    (leftover_errors, '<aside class="system-message"></aside>'),
    (unrendered_markup, "<p>so $x_1$ is</p>"),
    (unrendered_markup, "<p>so \\(x\\) is</p>"),
    (unrendered_markup, "<p>so $$ x = 1 $$</p>"),
    (unrendered_markup, "<p>\\begin{aligned} x</p>"),
    (unrendered_markup, "<p>see {ref}`sec-masks`</p>"),
    (unrendered_markup, "<merror>x</merror>"),
    (overweight, '<img src="heavy.webp" alt="A heavy figure">'),
    (overweight, '<link rel="stylesheet" href="_static/heavy.css">'),
]  # fmt: skip


def small_site(folder, body):
    """Write a site of two pages, one with a body of our choice, and read it."""
    noise = random.Random(0).randbytes(BUDGET + 1000)  # does not compress
    static = folder / "_static"
    static.mkdir()
    (folder / "map.webp").write_bytes(b"map")
    (folder / "heavy.webp").write_bytes(noise)
    (static / "site.css").write_text("p { color: black }")
    (static / "heavy.css").write_text("@font-face { src: url(../heavy.webp) }")
    (folder / "index.html").write_text(HEAD + body, encoding="utf-8")
    (folder / "other.html").write_text(
        HEAD + '<p id="there">x</p>', encoding="utf-8"
    )
    return read_site(folder)


@pytest.mark.parametrize(("check", "body"), FAULTY)
def test_check_complains(check, body, tmp_path):
    assert check(small_site(tmp_path, body))


@pytest.mark.parametrize("body", SOUND)
@pytest.mark.parametrize("check", CHECKS)
def test_check_is_silent_on_sound_pages(check, body, tmp_path):
    assert check(small_site(tmp_path, body)) == []


def test_external_fonts_of_a_style_sheet_are_found(tmp_path):
    pages = small_site(tmp_path, "<p>x</p>")
    (tmp_path / "_static" / "site.css").write_text(
        '@font-face { src: url("//cdn.example/x.woff") }'
    )
    assert external_resources(pages) == ["site.css: loads //cdn.example/x.woff"]


def test_a_missing_site_is_named(tmp_path):
    assert "run `make book`" in why_not_current(tmp_path / "html", tmp_path)


def test_a_site_older_than_its_sources_is_named(tmp_path):
    small_site(tmp_path, "")
    (tmp_path / "intro.md").write_text("# Welcome")
    os.utime(tmp_path / "_static" / "site.css", (1, 1))
    assert "older than intro.md" in why_not_current(tmp_path, tmp_path)
    os.utime(tmp_path / "intro.md", (0, 0))
    assert why_not_current(tmp_path, tmp_path) == ""
