"""The site's own part: formulas drawn at build time, styles and fonts cut to what pages use."""

import io
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from bs4 import BeautifulSoup
from docutils import nodes
from fontTools.ttLib import TTFont
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))

from booksite import (
    bundle,
    callouts,
    formulas,
    llms,
    numbers,
    outlines,
    pages,
)

from llmbook.showing.sketch import Sketch


def test_a_formula_is_drawn_and_spoken():
    page = BeautifulSoup(
        formulas.typeset(r"\frac{a}{\sqrt{d_k}}", display=True), "html.parser"
    )
    shown, spoken = page.find("svg"), page.find("math")
    assert shown["aria-hidden"] == "true"
    assert [element.name for element in shown.find_all(True)] == ["path"]
    assert spoken.find("mfrac").find("msqrt").get_text() == "dk"


@pytest.mark.parametrize(
    "tex", [r"\nosuchcommand", "a_b_c", r"\frac{1}", r"\begin{aligned} a"]
)
def test_tex_that_cannot_be_read_raises(tex):
    with pytest.raises(ValueError, match=r"\w"):
        formulas.typeset(tex, display=False)


def test_a_formula_in_a_line_breaks_after_outer_relations_only():
    html = formulas.typeset("a = (b + c) = {d = e}", display=False)
    assert (
        html.count("<svg") == 4
    )  # two relations, one sum; not the relation in the group
    assert formulas.typeset("a = b", display=True).count("<svg") == 1


@pytest.mark.parametrize(
    ("behind", "mark", "left"),
    [(", so", ",", " so"), (").", ").", ""), ("-gram", "-", "gram")],
)
def test_a_mark_stays_with_the_last_piece_of_the_formula_before_it(
    behind, mark, left
):
    formula = nodes.math("", "a = b")
    text = nodes.paragraph("", "", formula, nodes.Text(behind))
    formulas.take_marks(None, text, "page")
    translator = SimpleNamespace(body=[])
    with pytest.raises(nodes.SkipNode):
        formulas.visit_inline(translator, formula)
    page = BeautifulSoup("".join(translator.body), "html.parser")
    unparted = page.select_one(".math > .unparted")
    assert [child.name for child in unparted.children] == ["svg", None]
    assert unparted.get_text() == mark
    assert len(page.select(".math > svg")) == 1
    assert text.children[1].astext() == left


@pytest.mark.parametrize(
    "behind", [nodes.Text(" is"), nodes.emphasis("", ", so")]
)
def test_what_is_no_mark_is_left_behind_a_formula(behind):
    formula = nodes.math("", "a")
    text = nodes.paragraph("", "", formula, behind)
    formulas.take_marks(None, text, "page")
    assert "mark" not in formula
    assert text.children[1] is behind


def test_a_sentence_keeps_its_marks_once(tmp_path):
    (tmp_path / "conf.py").write_text(
        'extensions = ["booksite.formulas"]\nhtml_math_renderer = "mathjax_at_build"\n'
    )
    (tmp_path / "index.rst").write_text(
        "T\n=\n\nWith :math:`a`, and (:math:`b = c`)."
    )
    folders = [str(tmp_path), str(tmp_path), str(tmp_path / "out")]
    with docutils_namespace():
        Sphinx(*folders, str(tmp_path / "trees"), "html", status=None).build()
    page = BeautifulSoup(
        (tmp_path / "out" / "index.html").read_text("utf-8"), "html.parser"
    )
    for spoken in page.select(".spoken"):
        spoken.decompose()
    assert page.select_one("section p").get_text() == "With , and ()."
    assert [mark.get_text() for mark in page.select(".unparted")] == [",", ")."]


def test_a_letter_is_the_same_text_wherever_it_stands():
    square = "M10 20H30V40H10Z"
    assert outlines.moved(square, (0, 0, 1, -1)) == "M10-20h20v-20h-20z"
    assert outlines.moved(square, (500.2, 300, 1, -1)) == "M510 280h20v-20h-20z"
    assert (
        outlines.moved("M0 0Q2 4 6 8T9 9", (0, 0, 0.5, 0.5))
        == "M0 0q1 2 3 4t1 0"
    )


def test_a_stretched_stroke_is_cut_to_its_length():
    window = [(12, 18), (0, 99)]
    assert (
        outlines.moved("M10 20H30V40H10Z", (0, 0, 1, 1), window)
        == "M12 20h6v20h-6z"
    )


def test_a_letter_that_the_fonts_lack_stays_as_mathjax_drew_it():
    page = BeautifulSoup(
        formulas.typeset(r"\text{水} = a", display=True), "html.parser"
    )
    assert page.find("svg").find("text").get_text() == "水"
    assert "水" in page.find("math").get_text()


def test_only_rules_that_may_match_stay():
    css = """
    .used, .gone { color: red }  .gone { color: red }  #here > p.used:hover { color: red }
    a:not(.gone) { color: red }  [data-x] { color: red }
    @media print { .gone { color: red } .used { color: blue } }  @media print { .gone { top: 0 } }
    @font-face { font-family: x }
    """
    kept = bundle.used_rules(css, {"used", "here", "p", "a"})
    assert [rule.partition("{")[0].strip() for rule in kept] == [
        ".used",
        "#here > p.used:hover",
        "a:not(.gone)",
        "[data-x]",
        "@media print",
        "@font-face",
    ]
    assert ".gone" not in kept[4]


def test_words_of_the_text_keep_no_rule():
    page = '<p class="lead big" id="top">a note in the margin</p><script>x.add("open")</script>'
    assert bundle.names(page) >= {"p", "lead", "big", "top", "open"}
    assert not bundle.names(page) & {"note", "margin", "class"}


def test_characters_on_the_page_are_found():
    rules = [
        'a::before{content:"\\f0c9"}',
        'b{--icon-tip: "\\2b x"}',
        'c{font-family:"no"}',
    ]
    assert bundle.shown_characters(rules) == {"\uf0c9", "+", "x"}


def test_a_font_keeps_the_letters_asked_for():
    fonts = formulas.MATHJAX / "output/chtml/fonts/woff-v2"
    data = (fonts / "MathJax_Main-Regular.woff").read_bytes()
    small = bundle.subset_font(data, {"a", "α", "水"})
    assert set(TTFont(io.BytesIO(small)).getBestCmap()) == {ord("a")}
    assert len(small) < len(data) / 10


def test_a_fold_of_claims_says_how_many_they_are():
    one = "assert x == 1"
    more = "for x in y:\n    assert x\nassert y"
    assert pages.checked(one) == "Checked here: 1 statement ✓"
    assert pages.checked(more) == "Checked here: 2 statements ✓"


def test_a_drawing_becomes_part_of_the_page_without_its_style(tmp_path):
    drawing = Sketch("fig-a", "A box", "One box.", height=60)
    drawing.box(0, 0, 80, "box", "learned")
    own, other = tmp_path / "own.svg", tmp_path / "other.svg"
    own.write_text(drawing.svg(), encoding="utf-8")
    other.write_text("<svg></svg>")
    inlined = pages.inlined("<img src='own.svg'/>", own, "plot-1")
    assert inlined.startswith("<svg")
    assert 'class="box learned"' in inlined
    assert "<style>" not in inlined
    tag = "<img src='other.svg'/>"
    assert pages.inlined(tag, other, "plot-2") == tag


def test_a_chinese_line_is_as_wide_as_it_looks():
    line = "却说刘璝曰：主公去了而不少年为物\n"
    assert pages.width(line.strip()) == 32
    assert "class" not in pages.lines(line)
    assert "class" in pages.lines(2 * line.strip())


def test_a_long_line_of_code_is_an_element_with_colours_of_its_own():
    long = "a docstring's line that no phone shows whole"
    code = f'<span></span>x\n<span class="sd">"""{long}\n\n{long}"""</span>\n'
    written = pages.lines(code)
    soup = BeautifulSoup(written, "html.parser")
    plain = BeautifulSoup(code, "html.parser")
    assert soup.get_text() == plain.get_text()
    found = soup.select(".line")
    assert [line.get_text() for line in found] == [
        f'"""{long}\n',
        f'{long}"""\n',
    ]
    assert all(line.select(".sd") for line in found)
    assert written.count("<span") == written.count("</span>")


def test_a_description_ends_at_a_word():
    text = "word " * 60
    described = pages.description(nodes.section("", nodes.paragraph("", text)))
    assert len(described) <= pages.DESCRIPTION_LENGTH + 2
    assert set(described.split()) == {"word", "…"}
    assert pages.description(nodes.section()) == ""


def test_a_script_that_several_outputs_bring_stands_on_the_page_once():
    first, second = (
        "<style>a {}</style>\n<script>\nf()\n</script>",
        "<script>g()</script>",
    )
    body = f"<p>1</p>{first}<p>2</p>{first}{second}<p>3</p>"
    assert (
        pages.without_repeats(body)
        == f"<p>1</p>{first}<p>2</p>\n{second}<p>3</p>"
    )


def test_llms_txt_lists_the_parts_with_their_pages():
    parts = [
        ("Foundations", [("Loss", "chapters/03_loss.html", "One number.")])
    ]
    assert llms.summary("A book", "About it.", parts) == (
        "# A book\n\n> About it.\n\n## Foundations\n\n- [Loss](chapters/03_loss.html): One number.\n"
    )


def test_the_sites_llms_txt_names_every_page_of_the_contents():
    root = Path(__file__).parents[2]
    file = root / "_build" / "html" / llms.NAME
    if not file.is_file():
        pytest.fail("there is no built site: run `make book`", pytrace=False)
    text = file.read_text(encoding="utf-8")
    addresses = re.findall(r"\]\(([^)]+)\): \S", text)
    toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    files = [
        chapter["file"] for part in toc["parts"] for chapter in part["chapters"]
    ]
    appendix = root / "_build" / "html" / "appendix"
    modules = (appendix / "api").rglob("*.html")
    of_modules = {f"appendix/{p.relative_to(appendix)}" for p in modules}
    assert addresses[: len(files)] == [f"{name}.html" for name in files]
    assert sorted(addresses[len(files) :]) == sorted(of_modules)
    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    assert text.startswith(f"# {config['title']}\n\n> ")


def test_a_chapter_has_on_its_page_the_number_of_its_file():
    site = Path(__file__).parents[2] / "_build" / "html" / "chapters"
    for path in sorted(site.glob("*.html")):
        page = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        number = page.select_one("article h1 .section-number").get_text()
        assert int(number.strip(" .")) == int(path.stem[:2])


def test_the_readme_of_the_tools_names_every_file():
    tools = Path(__file__).parents[2] / "tools"
    readme = (tools / "README.md").read_text(encoding="utf-8")
    files = [*tools.glob("*.py"), *tools.glob("booksite/[!_]*.py")]
    assert [path.name for path in files if f"`{path.name}`" not in readme] == []


def test_a_remark_has_the_word_of_its_kind(tmp_path):
    (tmp_path / "conf.py").write_text(
        'extensions = ["myst_parser", "booksite.callouts"]'
    )
    remarks = "".join(
        f"```{{{kind}}}\nOne *step*.\n```\n" for kind in callouts.KINDS
    )
    (tmp_path / "index.md").write_text(
        f"# Title\n\n{remarks}", encoding="utf-8"
    )
    app = Sphinx(
        tmp_path,
        tmp_path,
        tmp_path / "out",
        tmp_path / "trees",
        "html",
        status=None,
        warningiserror=True,
    )
    app.build()
    page = BeautifulSoup(
        (tmp_path / "out/index.html").read_text("utf-8"), "html.parser"
    )
    found = {
        kind: page.select_one(f".callout.{kind} p").get_text()
        for kind in callouts.KINDS
    }
    assert found == callouts.KINDS
    assert len(page.select(".callout em")) == 4


def test_a_number_that_the_contents_count_gives_way_to_that_of_the_file():
    link = nodes.reference(secnumber=(2, 1))
    contents = nodes.bullet_list("", link, nodes.reference())
    env = SimpleNamespace(
        titles={
            "chapters/01_first": nodes.title(secnumber=(1,)),
            "chapters/20_last": nodes.title(secnumber=(2,)),
            "chapters/21_draft": nodes.title(),
            "intro": nodes.title(secnumber=(3,)),
        },
        tocs={"chapters/20_last": contents},
        toc_secnumbers={"chapters/20_last": {"": (2,), "#a": (2, 1), "#b": ()}},
        toc_fignumbers={"chapters/20_last": {"figure": {"fig-a": (2, 7)}}},
    )
    assert numbers.renumber(None, env) == ["chapters/20_last"]
    assert env.titles["chapters/01_first"]["secnumber"] == (1,)
    assert env.titles["chapters/20_last"]["secnumber"] == (20,)
    assert "secnumber" not in env.titles["chapters/21_draft"]
    assert env.titles["intro"]["secnumber"] == (3,)
    assert link["secnumber"] == (20, 1)
    assert env.toc_secnumbers == {
        "chapters/20_last": {"": (20,), "#a": (20, 1), "#b": ()}
    }
    assert env.toc_fignumbers["chapters/20_last"]["figure"]["fig-a"] == (20, 7)
    assert numbers.renumber(None, env) == []
