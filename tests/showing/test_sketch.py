"""Drawings: words fit, names do not clash, the style is the page's or its own."""

import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmbook.showing import sketch
from llmbook.showing.sketch import NARROW, WIDE, Sketch, text_width

SVG = "{http://www.w3.org/2000/svg}"


def a_sketch(name="fig-trial", **size):
    return Sketch(name, "A trial", "Two boxes and an arrow.", **size)


def parsed(drawing, alone=False):
    return ET.fromstring(drawing.svg(alone))


def test_it_says_what_it_is_and_what_is_to_be_seen():
    root = parsed(Sketch("fig-a", "Keys & values", "a < b", height=50))
    named = {element.get("id"): element.text for element in root.iter()}
    assert root.get("role") == "img"
    said = [named[name] for name in root.get("aria-labelledby").split()]
    assert said == ["Keys & values", "a < b"]


@pytest.mark.parametrize(("title", "text"), [("", "seen"), ("named", " ")])
def test_a_drawing_without_words_is_refused(title, text):
    with pytest.raises(ValueError, match="title and text"):
        Sketch("fig-a", title, text)


def test_a_drawing_wider_than_the_column_is_refused():
    with pytest.raises(ValueError, match=f"at most {WIDE}, got 700"):
        a_sketch(width=700)


def written(drawing):
    """Return each text of a drawing, its letters' size, and whether it is squeezed."""
    return [
        (
            text.text,
            int(text.get("font-size")),
            "squeezed" in text.get("class", ""),
        )
        for text in parsed(drawing).findall(f"{SVG}text")
    ]


def test_words_that_do_not_fit_their_box_become_smaller_and_then_fewer():
    drawing = a_sketch()
    for width in (130, 120, 60):
        drawing.box(0, 0, width, ["policy", "trained each round"])
    (_, whole), (_, small), (_, short) = zip(
        written(drawing)[::2], written(drawing)[1::2], strict=True
    )
    assert whole == ("trained each round", 12, False)
    assert small == ("trained each round", 11, True)
    assert short[0].endswith("…")
    assert "trained each round".startswith(short[0][:-1])
    assert short[1:] == (sketch.LEAST, True)
    assert text_width(short[0], sketch.LEAST) <= 48


@pytest.mark.parametrize("anchor", ["start", "middle", "end"])
def test_words_do_not_leave_the_drawing(anchor):
    drawing = a_sketch(width=100)
    drawing.text(50, 10, "short", anchor=anchor)
    drawing.text(50, 30, "longer than half of it", anchor=anchor)
    short, long = written(drawing)
    assert short == ("short", 12, False)
    room = 102 if anchor == "middle" else 51
    assert text_width(long[0], long[1]) <= room
    assert long[2]


@pytest.mark.parametrize(
    ("box", "view"),
    [
        ((10, 10, 50, 30), "0 0 100 50"),
        ((80, 10, 50, 30), "0 0 130.0 50"),
        ((-20, 10, 50, 60), "-20.0 0 120.0 70.0"),
    ],
)
def test_a_box_outside_makes_the_drawing_larger(box, view):
    drawing = a_sketch(width=100, height=50)
    drawing.box(*box[:3], "a", height=box[3])
    root = parsed(drawing)
    assert root.get("viewBox") == view
    assert root.get("width") == view.split()[2]
    squeezed = "squeezed" in root.find(f"{SVG}rect").get("class")
    assert squeezed == (view != "0 0 100 50")
    assert written(drawing) == [("a", 14, False)]


def test_more_cells_than_fit_are_all_drawn():
    drawing = a_sketch(width=100, height=30)
    drawing.cells(0, 0, [list(range(9))], width=30, digits=0)
    assert [text for text, *_ in written(drawing)] == list("012345678")
    assert parsed(drawing).get("width") == "270.0"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        *(("-0.5", "−0.5"), ("u = -2", "u = −2"), ("(-.5)", "(−.5)")),
        *(("1e-8", "1e-8"), ("x[-1]", "x[-1]"), ("LM2-135M", "LM2-135M")),
    ],
)
def test_a_hyphen_before_a_number_is_a_minus_sign(text, shown):
    drawing = Sketch("fig-trial", text, text)
    drawing.text(0, 0, text)
    assert written(drawing) == [(shown, 12, False)]
    said = {element.text for element in parsed(drawing) if element.get("id")}
    assert said == {shown}


@given(st.text(st.characters(categories=("L", "N", "P")), max_size=20))
def test_a_text_is_as_wide_as_its_characters_together(text):
    assert text_width(text, 10) == pytest.approx(
        sum(text_width(character, 10) for character in text)
    )


def test_chinese_characters_are_squares():
    assert text_width("我喝茶", 14) == 3 * 14


def test_an_arrow_goes_from_side_to_side_with_round_corners():
    drawing = a_sketch()
    left = drawing.box(0, 0, 80, "a")
    right = drawing.box(200, 100, 80, "b")
    drawing.arrow(left.bottom, (40, 116), right.left, kind="back")
    path = parsed(drawing).findall(f"{SVG}path")[-1]
    numbers = [float(n) for n in re.findall(r"-?[\d.]+", path.get("d"))]
    assert numbers[:2] == list(left.bottom)
    assert numbers[-2:] == list(right.left)
    assert path.get("d").count("Q") == 1
    assert path.get("class") == "back"
    assert path.get("marker-end") == "url(#fig-trial-tip-back)"


def test_the_thickness_of_a_line_grows_with_its_weight():
    drawing = a_sketch()
    drawing.fan([(0, 0), (0, 50)], (100, 25), [0.1, 0.9])
    widths = [
        float(path.get("style").split(":")[1])
        for path in parsed(drawing).findall(f"{SVG}path")
    ]
    assert widths[1] - widths[0] == pytest.approx(9 * 0.8)


def test_cells_hold_the_numbers_of_an_array():
    drawing = a_sketch()
    box = drawing.cells(10, 20, [[0.665, "x"], [None, 1]], width=40, height=20)
    texts = [text.text for text in parsed(drawing).findall(f"{SVG}text")]
    assert texts == ["0.67", "x", "1.00"] or texts == ["0.66", "x", "1.00"]
    assert box == (10, 20, 80, 40)


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda s: s.box(0, 0, 50, "a", "blue"), "kind must be one of"),
        (lambda s: s.arrow((0, 0), (1, 1), kind="up"), "kind must be one of"),
        (lambda s: s.arrow((0, 0)), "points must be two or more, got 1"),
    ],
)
def test_bad_input_is_named(draw, message):
    with pytest.raises(ValueError, match=message):
        draw(a_sketch())


def test_names_of_parts_begin_with_the_drawings_name():
    drawing = a_sketch("fig-other")
    drawing.arrow((0, 0), (10, 10))
    ids = re.findall(r' id="([^"]+)"', drawing.svg())
    assert len(ids) == len(set(ids)) == 3
    assert all(name.startswith("fig-other-") for name in ids)


def test_it_brings_its_style_when_alone_and_takes_the_pages_otherwise():
    drawing = a_sketch()
    drawing.box(0, 0, 50, "a", "learned")
    assert "light-dark(" in drawing.svg()
    assert "<style>" not in drawing.svg(alone=False)
    bundle = drawing._repr_mimebundle_()
    assert bundle["image/svg+xml"] == drawing.svg()
    ET.fromstring(drawing.svg())


def test_shapes_have_classes_and_no_colours():
    drawing = a_sketch()
    for i, kind in enumerate(sketch.KINDS):
        drawing.box(0, 40 * i, 80, kind, kind)
    for i, kind in enumerate(sketch.LINES):
        drawing.arrow((100, 40 * i), (200, 40 * i), kind=kind)
    text = drawing.svg(alone=False)
    assert not re.search(r'(fill|stroke)="(?!none)', text)
    style = sketch.stylesheet()
    for kind in {*sketch.KINDS, *sketch.LINES} - {"op", "flow"}:
        assert re.search(rf"\.{kind}\b", style), kind


def test_the_same_drawing_is_the_same_text():
    first, second = (a_sketch(height=100) for _ in range(2))
    for drawing in (first, second):
        drawing.tokens(0, 0, ["我", "喝", "茶"], 40)
        drawing.brace(0, 40, 132, "three tokens")
        drawing.bar(0, 80, 100, 8, 0.4)
        drawing.number(200, 50, 1)
        drawing.plus(250, 50)
        drawing.frame(0, 0, NARROW, 100, "once")
        drawing.curve([(0, 0), (5, 5), (9, 1)])
    assert first.svg() == second.svg()


def test_a_link_holds_what_is_drawn_meanwhile():
    drawing = a_sketch()
    with drawing.link("other.html", "way"):
        drawing.box(0, 0, 80, "a")
    drawing.box(100, 0, 80, "b")
    root = parsed(drawing)
    (link,) = root.findall(f"{SVG}a")
    assert (link.get("href"), link.get("class")) == ("other.html", "way")
    assert [text.text for text in link.findall(f"{SVG}text")] == ["a"]
    assert [text.text for text in root.findall(f"{SVG}text")] == ["b"]
    # what is a picture to a screen reader has no links in it
    assert root.get("role") == "group"
    assert parsed(a_sketch()).get("role") == "img"
