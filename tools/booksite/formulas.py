"""Set the formulas while the site is built: MathJax's output is in the page,
its scripts are not.

MathJax comes from the package ``sphinx-mathjax-offline`` and runs inside V8
(``mini-racer``). Each formula becomes one drawing, with MathML beside it for
screen readers. TeX that MathJax cannot read is a warning, and so ends the
build.
"""

import atexit
import json
import re
from functools import cache
from importlib.metadata import distribution

from docutils.nodes import SkipNode, Text, math
from py_mini_racer import MiniRacer
from sphinx.locale import _
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number, wrap_displaymath

from booksite import outlines

LOGGER = logging.getLogger(__name__)
PACKAGE = distribution("sphinx-mathjax-offline")
MATHJAX = PACKAGE.locate_file("sphinx-mathjax-offline/static/mathjax")
COMPONENTS = [
    "loader.js",
    "core.js",
    "adaptors/liteDOM.js",
    "input/tex-full.js",
    "output/svg.js",
    "output/svg/fonts/tex.js",
]
MARKS = re.compile(r"[.,;:!?)\]’”%-]+")
PROGRAM = """
const adaptor = MathJax._.adaptors.liteAdaptor.liteAdaptor();
MathJax._.handlers.html_ts.RegisterHTMLHandler(adaptor);
const input = new MathJax._.input.tex_ts.TeX({
  packages: ["base", "ams", "boldsymbol", "cancel", "color", "mathtools", "newcommand"],
  formatError: (jax, error) => { throw error; },
});
const font = new MathJax._.output.svg.fonts.tex_ts.TeXFont();
const output = new MathJax._.output.svg_ts.SVG({font, fontCache: "none"});
const page = MathJax._.mathjax.mathjax.document("", {InputJax: input, OutputJax: output});
const visitor = new MathJax._.core.MmlTree.SerializedMmlVisitor.SerializedMmlVisitor();

// A formula within a line may break after its outermost operators and relations, as in TeX.
const {BIN, REL} = MathJax._.core.MmlTree.MmlNode.TEXCLASS;
function breaks(item) {
  const parts = item.root.childNodes[0].childNodes;
  const isBreak = (part) => part.isKind("mo") && [BIN, REL].includes(part.texClass);
  return parts.slice(0, -1).flatMap((part, index) => isBreak(part) ? [index + 1] : []);
}

function typeset(tex, display) {
  try {
    const item = new page.options.MathItem(tex, input, display);
    item.start.node = adaptor.body(page.document);
    item.setMetrics(16, 8, 1280, 1e6, 1);
    item.convert(page);
    return JSON.stringify({
      svg: adaptor.innerHTML(item.typesetRoot),
      breaks: display ? [] : breaks(item),
      mathml: visitor.visitTree(item.root),
    });
  } catch (error) {
    return JSON.stringify({error: error.message});
  }
}
"""


@cache
def mathjax():
    """Start MathJax, once a build."""
    engine = MiniRacer()
    # left to the interpreter's own end, it may wait for ever
    atexit.register(engine.close)
    engine.eval(
        "var MathJax = {loader: {load: []}, startup: {typeset: false}}; 0"
    )
    for component in COMPONENTS:
        engine.eval((MATHJAX / component).read_text(encoding="utf-8") + ";0")
    engine.eval(PROGRAM + "0")
    return engine


@cache
def typeset(tex, display):
    """Return the HTML of a formula.

    Raises
    ------
    ValueError
        If MathJax cannot read ``tex``; the message is MathJax's.
    """
    result = json.loads(mathjax().call("typeset", tex, display))
    if "error" in result:
        raise ValueError(result["error"])
    mathml = re.sub(r"\n\s*", "", result["mathml"])
    shown = outlines.draw(result["svg"], result["breaks"])
    return f'{shown}<span class="spoken">{mathml}</span>'


def _typeset_node(node, tex, display):
    try:
        return typeset(tex, display)
    except ValueError as error:
        LOGGER.warning(
            "formula not understood: %s: %s", error, tex, location=node
        )
        return ""


def visit_inline(translator, node):
    """Write a formula within a line, which does not part it from a mark behind
    it.
    """
    html = _typeset_node(node, node.astext(), display=False)
    if mark := node.get("mark"):
        before, drawn, after = html.rpartition("<svg")
        drawn += after.replace("</svg>", f"</svg>{mark}</span>", 1)
        html = f'{before}<span class="unparted">{drawn}'
    translator.body.append(f'<span class="math">{html}</span>')
    raise SkipNode


def take_marks(app, doctree, docname):
    """Give each formula within a line the marks of punctuation behind it, and
    take them away from the text.
    """
    for node in list(doctree.findall(math)):
        text = node.next_node(siblings=True, descend=False)
        if isinstance(text, Text) and (found := MARKS.match(text)):
            node["mark"] = found[0]
            node.parent.replace(text, Text(text[found.end() :]))


def visit_display(translator, node):
    """Write a formula on a line of its own, numbered at the right, scrolling
    where too wide.
    """
    tex = (
        node.astext()
        if node["nowrap"]
        else wrap_displaymath(node.astext(), None, False)
    )
    html = _typeset_node(node, tex, display=True)
    translator.body.append(translator.starttag(node, "div", CLASS="math"))
    # book.js makes boxes of this class reachable by keyboard whenever they
    # scroll.
    translator.body.append(
        f'<div class="formula pst-scrollable-table-container">{html}</div>'
    )
    if node["number"]:
        translator.body.append(
            f'<span class="eqno">({get_node_equation_number(translator, node)})'
        )
        translator.add_permalink_ref(node, _("Link to this equation"))
        translator.body.append("</span>")
    translator.body.append("</div>\n")
    raise SkipNode


def setup(app):
    """Register the renderer that ``html_math_renderer`` names."""
    app.add_html_math_renderer(
        "mathjax_at_build",
        inline_renderers=(visit_inline, None),
        block_renderers=(visit_display, None),
    )
    app.connect(
        "doctree-resolved", take_marks, priority=900
    )  # after all others
