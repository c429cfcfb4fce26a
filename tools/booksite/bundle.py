"""Join the theme's styles and scripts into one file each, and leave out what no
page uses.

The theme alone loads two megabytes in two dozen files. Here a page loads
``_static/site.css`` and ``_static/site.js``. A rule of a style sheet stays if
some page has the classes, ids and elements of its selector, or some script the
words; an icon stays in its font if some rule that stayed shows it.
"""

import base64
import io
import logging
import re
from pathlib import Path

import tinycss2
from fontTools import subset
from fontTools.ttLib import TTFont

# What the pages need of Sphinx, the theme and its extensions, in the order in
# which it must come.
STYLES = [
    "basic.css",
    "styles/pydata-sphinx-theme.css",
    "styles/sphinx-book-theme.css",
    "pygments.css",
    "mystnb.*.css",
    "copybutton.css",
    "book.css",
    "welcome.css",
    "sketch.css",
]
SCRIPTS = [
    "documentation_options.js",
    "doctools.js",
    "sphinx_highlight.js",
    "clipboard.min.js",
    "book.js",
    "code.js",
    "cards.js",
]
# These change or measure the whole page, so they wait until it is drawn, and run
# one after another: none of them keeps the reader waiting for long.
LATE_SCRIPTS = [
    "copybutton.js",
    "scripts/sphinx-book-theme.js",
    "scripts/pydata-sphinx-theme.js",
]
LATE = "requestAnimationFrame(() => setTimeout(() => {\n%s\n}));\n"
SEARCH = ["searchtools.js", "language_data.js"]  # loaded by search.html alone
ICON_FONTS = {  # file: (family, weight)
    "vendor/fontawesome/webfonts/fa-solid-900.ttf": (
        "Font Awesome 6 Free",
        900,
    ),
    "vendor/fontawesome/webfonts/fa-brands-400.ttf": (
        "Font Awesome 6 Brands",
        400,
    ),
}


# it tells of each glyph it leaves out
logging.getLogger("fontTools").setLevel(logging.ERROR)


def bundle(app, exception):
    """Write the site's style sheet, script and fonts, once its pages are
    written.
    """
    if exception or app.builder.format != "html":
        return
    static = Path(app.outdir, "_static")
    # no page was out of date, so Sphinx copied no styles
    if not (static / "basic.css").exists():
        (static / "site.css").touch()
        return
    pages = "".join(
        path.read_text(encoding="utf-8")
        for path in Path(app.outdir).rglob("*.html")
    )
    script = joined(static, SCRIPTS, ";\n") + ";\n"
    script += "".join(LATE % joined(static, [name]) for name in LATE_SCRIPTS)
    # The theme seeks on each page what stands in the margin, by 24 names:
    # nothing does here.
    script = re.sub(r'\["marginnote",.*?\]', '["margin"]', script)
    # And it measures every box that may scroll, for which the whole page is
    # laid out: book.js measures those that come into view.
    script = re.sub(r'\["pre","\.nboutput.*?\]', '["none"]', script)
    words = names(pages) | set(
        re.findall(r"[\w-]+", script + joined(static, SEARCH))
    )
    site = used_rules(joined(static, STYLES), words)
    site = [rule for rule in site if not rule.startswith("@font-face")]
    site += icon_fonts(static, shown_characters(site))
    remove_all_but(static, [*SEARCH, *re.findall(r"_static/([^\"?]+)", pages)])
    (static / "site.css").write_text("\n".join(site), encoding="utf-8")
    (static / "site.js").write_text(script, encoding="utf-8")


def joined(static, patterns, separator="\n"):
    """Return the text of some static files, one after another."""
    paths = [
        path for pattern in patterns for path in sorted(static.glob(pattern))
    ]
    text = separator.join(path.read_text(encoding="utf-8") for path in paths)
    return re.sub(
        r"^(//# sourceMappingURL=.*|@charset .*?;)",
        "",
        text,
        flags=re.MULTILINE,
    )


def names(pages):
    """Return the elements, classes and ids of some pages, and the words of
    their scripts.
    """
    elements = re.findall(r"<([\w-]+)", pages)
    values = re.findall(r"\b(?:class|id)=\"([^\"]*)\"", pages)
    scripts = re.findall(r"<script\b.*?</script>", pages, re.DOTALL)
    return set(elements) | set(
        re.findall(r"[\w-]+", " ".join(values + scripts))
    )


def used_rules(css, words):
    """Return the rules of a style sheet, as texts, without the selectors that
    match no page.
    """
    nodes = tinycss2.parse_stylesheet(
        css, skip_comments=True, skip_whitespace=True
    )
    return [text for node in nodes if (text := used_rule(node, words))]


def used_rule(node, words):
    """Return the text of a rule, with the selectors that may match; empty if
    none does.
    """
    if node.type == "qualified-rule":
        kept = [
            tinycss2.serialize(one).strip()
            for one in selectors(node)
            if matches(one, words)
        ]
        return (
            f"{','.join(kept)}{{{tinycss2.serialize(node.content).strip()}}}"
            if kept
            else ""
        )
    if node.at_keyword in ("media", "supports"):
        inner = "".join(used_rules(tinycss2.serialize(node.content), words))
        return (
            f"@{node.at_keyword}{tinycss2.serialize(node.prelude)}{{{inner}}}"
            if inner
            else ""
        )
    return node.serialize()


def selectors(rule):
    """Yield the selectors of a rule, each as a list of tokens."""
    selector = []
    for token in rule.prelude:
        if token == ",":
            yield selector
            selector = []
        else:
            selector.append(token)
    yield selector


def matches(selector, words):
    """Tell whether the classes, ids and elements that a selector names are all
    words of the site.

    What stands in brackets (attributes, ``:not(...)``) is not looked at: the
    selector then stays.
    """
    before = None
    for token in selector:
        is_name = token.type == "hash" or (
            token.type == "ident" and before != ":"
        )
        if is_name and token.value not in words:
            return False
        before = token
    return True


def shown_characters(rules):
    """Return the characters that some rules put on the page, themselves or by a
    variable.
    """
    texts = re.findall(
        r'(?:content|--[\w-]*icon[\w-]*):\s*"((?:\\.|[^"\\])*)"', "".join(rules)
    )
    return {
        character
        for text in texts
        for character in re.sub(
            r"\\([0-9a-fA-F]{1,6}) ?", lambda m: chr(int(m[1], 16)), text
        )
    }


def subset_font(data, characters):
    """Return a font, as WOFF, with the glyphs of some characters alone."""
    options = subset.Options(
        flavor="woff", hinting=False, layout_features=[], notdef_outline=True
    )
    font = TTFont(io.BytesIO(data))
    subsetter = subset.Subsetter(options)
    subsetter.populate(text="".join(sorted(characters)))
    subsetter.subset(font)
    font.flavor = "woff"
    written = io.BytesIO()
    font.save(written)
    return written.getvalue()


def icon_fonts(static, characters):
    """Return the rules of the icons' fonts: so small that they stand in the
    style sheet itself.
    """
    rules = []
    for name, (family, weight) in ICON_FONTS.items():
        data = base64.b64encode(
            subset_font((static / name).read_bytes(), characters)
        ).decode()
        source = f"src:url(data:font/woff;base64,{data})"
        rules.append(
            f'@font-face{{font-family:"{family}";font-weight:{weight};{source}}}'
        )
    return rules


def remove_all_but(static, kept):
    """Remove the static files that no page loads: their text is in the joined
    ones.
    """
    for path in static.rglob("*"):
        if path.is_file() and path.relative_to(static).as_posix() not in kept:
            path.unlink()


def setup(app):
    """Connect this part to Sphinx, after what else is done at the end of a
    build.
    """
    app.connect("build-finished", bundle, priority=900)
