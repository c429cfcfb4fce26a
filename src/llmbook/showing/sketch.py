"""The book's drawings: boxes, arrows, tokens and matrices as SVG, on drawsvg.

A drawing says *what* it draws, by classes; ``sketch.css`` says how that looks
in light, in dark and in print. Square boxes are data, round ones operations, a
bubble is what a person says. Blue is learned, orange a person's words or a
gradient, green what is right; a solid line is now, a dashed one goes back, a
dotted one is frozen or forbidden, and a thick one is the residual stream.

Lengths are units of the page: a drawing for every screen is at most
:data:`NARROW` wide, one for the page's column :data:`WIDE`.

Where a reader's own words need more room than a drawing has, it is drawn all
the same: their letters become smaller, then the words end in an ellipsis, and
what lies outside makes the drawing larger. What is so changed has the class
``squeezed``, which the book's own drawings never have.
"""

import functools
import html
import re
from contextlib import contextmanager
from importlib.resources import files
from typing import NamedTuple

import drawsvg
from matplotlib import font_manager

from llmbook import checks

NARROW, WIDE = 360, 680
LARGE, SMALL = 14, 12  # the two sizes of letters
LEAST = 9  # to which they shrink before words are shortened
MINUS = re.compile(r"(?<![\w.)\[])-(?=\.?\d)")  # a hyphen before a number
DARK = 0.65  # a cell's shade from which letters on it have the paper's colour
KINDS = ("op", "data", "learned", "frozen", "word", "good", "query", "key")
LINES = ("flow", "back", "stream", "forbidden", "query", "key", "value")


class Box(NamedTuple):
    """A rectangle that arrows can leave and reach at the middle of a side."""

    x: float
    y: float
    width: float
    height: float

    @property
    def top(self):
        """The middle of the upper side, (x, y)."""
        return self.x + self.width / 2, self.y

    @property
    def bottom(self):
        """The middle of the lower side, (x, y)."""
        return self.x + self.width / 2, self.y + self.height

    @property
    def left(self):
        """The middle of the left side, (x, y)."""
        return self.x, self.y + self.height / 2

    @property
    def right(self):
        """The middle of the right side, (x, y)."""
        return self.x + self.width, self.y + self.height / 2

    @property
    def centre(self):
        """The middle, (x, y)."""
        return self.x + self.width / 2, self.y + self.height / 2


class _Link(drawsvg.DrawingParentElement):
    """An ``a`` of SVG 2, whose address has no name space."""

    TAG_NAME = "a"


class Sketch:
    """One drawing, shown as SVG by a notebook and put into its page by the
    site.

    Parameters
    ----------
    name : str
        Begins with a letter; different for each drawing of the book, since the
        names of its parts are made from it.
    title, text : str
        What a screen reader says: what it is, and what is to be seen.
    width, height : float

    Raises
    ------
    ValueError
        If the title or the text is empty, it is wider than :data:`WIDE`, or a
        size not positive.
    TypeError
        If one is not a string, or a size not a number.
    """

    def __init__(self, name, title, text, width=NARROW, height=400):
        for argument, value in (("name", name), ("title", title)):
            checks.text(argument, value)
        checks.text("text", text)
        checks.positive(width=width, height=height)
        if not title.strip() or not text.strip():
            raise ValueError("title and text must say what is to be seen")
        if width > WIDE:
            raise ValueError(f"width must be at most {WIDE}, got {width}")
        self.name, self.width, self.height = name, width, height
        self.left = self.top = 0
        self.drawing = drawsvg.Drawing(
            width,
            height,
            id_prefix=name,
            class_="sketch",
            role="img",
            aria_labelledby=f"{name}-title {name}-text",
            font_size=LARGE,
        )
        self._into = self.drawing
        for tag, part, said in (
            ("title", "title", title),
            ("desc", "text", text),
        ):
            said = html.escape(MINUS.sub("−", said), quote=False)
            self._add(drawsvg.Raw(f'<{tag} id="{name}-{part}">{said}</{tag}>'))
        self._tips = {}

    @contextmanager
    def link(self, address, kind=""):
        """Make a link of what is drawn meanwhile.

        The drawing is a group then, and no picture, so that a keyboard and a
        screen reader reach its links.

        Parameters
        ----------
        address : str
        kind : str
            Classes by which a page may tell links apart.
        """
        self.drawing.svg_args["role"] = "group"
        outer, self._into = self._into, _Link(href=address, class_=kind or None)
        try:
            yield
        finally:
            inner, self._into = self._into, outer
            self._add(inner)

    def box(self, x, y, width, lines, kind="op", height=None):
        """Draw a box with centred lines; the first is its name, the others are
        small.

        Parameters
        ----------
        x, y : float
            The upper left corner.
        width : float
        lines : str or list of str
        kind : str
            One of :data:`KINDS`.
        height : float, optional
            By default what the lines need.

        Returns
        -------
        Box

        Raises
        ------
        ValueError
            If ``kind`` is none of these.
        """
        if kind not in KINDS:
            raise ValueError(f"kind must be one of {KINDS}, got {kind!r}")
        lines = [lines] if isinstance(lines, str) else lines
        height = height or 16 + 16 * len(lines)
        box = Box(*_rounded(x, y, width, height))
        classes = f"box {kind}" + " squeezed" * self._reach(box)
        round_ = {"data": 0, "query": 0, "key": 0, "word": 12}.get(kind, 7)
        self._add(drawsvg.Rectangle(*box, rx=round_, class_=classes))
        if kind == "word":  # the tail of the bubble
            low = y + height - 1
            tail = (x + 18, low, x + 14, low + 12, x + 34, low)
            self._add(drawsvg.Lines(*tail, class_="box word tail"))
        first = y + height / 2 - 8 * (len(lines) - 1)
        for i, line in enumerate(lines):
            self.text(
                x + width / 2,
                first + 16 * i,
                line,
                size=SMALL if i else LARGE,
                anchor="middle",
                room=width - 12,
            )
        return box

    def text(self, x, y, text, kind="", size=SMALL, anchor="start", room=None):
        """Write one line, its middle at the height ``y``.

        Parameters
        ----------
        x, y : float
        text : str
        kind : str
            ``"shape"`` for shapes of arrays, ``"said"`` for a person's words,
            ``"strong"``, ``"learned"``, ``"good"``, ``"word"`` for a colour.
        size : float
        anchor : {"start", "middle", "end"}
        room : float, optional
            How long the line may be; by default, as the drawing has room.
        """
        before, behind = x - self.left + 1, self.left + self.width - x + 1
        middle = 2 * min(before, behind)
        within = {"start": behind, "middle": middle, "end": before}[anchor]
        wanted = MINUS.sub("−", text), size
        text, size = _fitting(*wanted, within if room is None else room)
        small = "small" if size == SMALL else ""
        squeezed = "squeezed" if (text, size) != wanted else ""
        classes = " ".join(filter(None, (small, squeezed, kind)))
        self._add(
            drawsvg.Text(
                text,
                size,
                *_rounded(x, y + 0.36 * size),
                text_anchor=anchor,
                class_=classes or None,
            )
        )

    def arrow(self, *points, kind="flow", tip=True, label="", strength=None):
        """Draw a line through points, with round corners and a tip at its end.

        Parameters
        ----------
        points : (x, y), two or more
        kind : str
            One of :data:`LINES`.
        tip : bool
        label : str
            Is written beside the middle of the last piece.
        strength : float, optional
            Between 0 and 1: draws a line as thick, as a weight of attention.

        Raises
        ------
        ValueError
            If ``kind`` is none of these, or there are fewer than two points.
        """
        if kind not in LINES:
            raise ValueError(f"kind must be one of {LINES}, got {kind!r}")
        if len(points) < 2:
            raise ValueError(f"points must be two or more, got {len(points)}")
        extra = {}
        if tip:
            extra["marker_end"] = self._tip(kind)
        if strength is not None:
            extra["style"] = f"stroke-width:{0.6 + 9 * strength:.2f}"
        path = drawsvg.Path(class_=kind, **extra).M(*_rounded(*points[0]))
        for before, corner, after in zip(
            points, points[1:], points[2:], strict=False
        ):
            path.L(*_rounded(*_towards(corner, before)))
            path.Q(*_rounded(*corner, *_towards(corner, after)))
        self._add(path.L(*_rounded(*points[-1])))
        if label:
            (x0, y0), (x1, y1) = points[-2:]
            beside = (x0 + x1) / 2 + 7, (y0 + y1) / 2
            if y0 == y1:
                beside = (x0 + x1) / 2 - text_width(label, SMALL) / 2, y0 - 9
            self.text(*beside, label)

    def plus(self, x, y, radius=10):
        """Draw the place where a branch is added; return its :class:`Box`."""
        self._add(drawsvg.Circle(x, y, radius, class_="box plus"))
        cross = drawsvg.Path(class_="cross").M(x - 5, y).h(10)
        self._add(cross.M(x, y - 5).v(10))
        return Box(x - radius, y - radius, 2 * radius, 2 * radius)

    def frame(self, x, y, width, height, label=""):
        """Draw a dashed frame around what belongs together or is repeated."""
        self._add(drawsvg.Rectangle(x, y, width, height, rx=10, class_="frame"))
        if label:
            self.text(x + width - 10, y + 14, label, anchor="end")
        return Box(x, y, width, height)

    def number(self, x, y, number):
        """Put the number of a step in a dark disc."""
        self._add(drawsvg.Circle(x, y, 10, class_="step"))
        self.text(x, y, str(number), kind="on", anchor="middle")

    def tokens(self, x, y, tokens, width, gap=6, kind="data", height=28):
        """Draw tokens in a row, a box each; return the list of boxes."""
        return [
            self.box(x + i * (width + gap), y, width, token, kind, height)
            for i, token in enumerate(tokens)
        ]

    def cells(self, x, y, values, width=34, height=24, digits=2, shade=None):
        """Draw a matrix, its numbers in cells; return its :class:`Box`.

        Parameters
        ----------
        x, y : float
        values : (R, C)
            Numbers, written with so many ``digits`` after the point; strings
            are written as they are, and None leaves a cell empty.
        width, height : float
            Of a cell.
        digits : int
        shade : (R, C), optional
            Between 0 and 1: how much of the colour of what is learned a cell
            has.
        """
        size = len(values[0]) * width, len(values) * height
        box = Box(x, y, *size)
        self._reach(box)
        for i, row in enumerate(values):
            for j, value in enumerate(row):
                corner = _rounded(x + j * width, y + i * height)
                cell = (*corner, *_rounded(width, height))
                self._add(drawsvg.Rectangle(*cell, class_="cell"))
                if shade is not None:
                    depth = f"fill-opacity:{float(shade[i][j]):.3f}"
                    self._add(
                        drawsvg.Rectangle(*cell, class_="shade", style=depth)
                    )
                if value is not None:
                    written = (
                        value
                        if isinstance(value, str)
                        else f"{value:.{digits}f}"
                    )
                    middle = corner[0] + width / 2, corner[1] + height / 2
                    dark = shade is not None and shade[i][j] > DARK
                    kind = "cellnumber on" if dark else "cellnumber"
                    self.text(*middle, written, kind=kind, anchor="middle")
        return box

    def fan(self, sources, target, weights, kind="value"):
        """Draw lines from points to one point, as thick as weights."""
        for source, weight in zip(sources, weights, strict=True):
            self.arrow(
                source, target, kind=kind, tip=False, strength=float(weight)
            )

    def brace(self, x, y, width, label, below=True):
        """Draw a bracket along a width, with a label in its middle."""
        step = 6 if below else -6
        x, y, width = _rounded(x, y, width)
        path = drawsvg.Path(class_="flow").M(x, y).v(step).h(width).v(-step)
        self._add(path)
        self.text(x + width / 2, y + 2.6 * step, label, anchor="middle")

    def bar(self, x, y, width, height, share, kind="learned"):
        """Draw a bar that fills a share of its length; return its box."""
        frame = _rounded(x, y, width, height)
        self._add(drawsvg.Rectangle(*frame, class_="cell"))
        filled = max(0.0, min(1.0, float(share))) * width
        self._add(
            drawsvg.Rectangle(
                *_rounded(x, y, filled, height), class_=f"filled {kind}"
            )
        )
        return Box(x, y, width, height)

    def curve(self, points, kind="flow"):
        """Draw a line through many points, without corners or a tip."""
        path = drawsvg.Path(class_=kind).M(*_rounded(*points[0]))
        for point in points[1:]:
            path.L(*_rounded(*point))
        self._add(path)

    def svg(self, alone=True):
        """Return the drawing as SVG; ``alone`` it brings its own style, in the
        site's page it takes the page's.
        """
        text = self.drawing.as_svg(header="")
        text = text.replace('xmlns:xlink="http://www.w3.org/1999/xlink"\n', "")
        if alone:
            style = f"<style>\n{stylesheet()}{_ALONE}</style>\n<defs>"
            text = text.replace("<defs>", style, 1)
        return text

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"image/svg+xml": self.svg(), "text/plain": repr(self)}

    def __repr__(self):
        return f"Sketch({self.name!r})"

    def _add(self, element):
        self._into.append(element)

    def _reach(self, box):
        """Make the drawing larger if a box lies outside; tell whether so."""
        x, y, width, height = _rounded(*box)
        right = max(self.left + self.width, x + width)
        low = max(self.top + self.height, y + height)
        left, top = min(self.left, x), min(self.top, y)
        size = right - left, low - top
        if size == (self.width, self.height):
            return False
        self.left, self.top = left, top
        self.width, self.height = size
        self.drawing.width, self.drawing.height = size
        self.drawing.view_box = (left, top, *size)
        return True

    def _tip(self, kind):
        if kind not in self._tips:
            tip = drawsvg.Marker(
                0,
                0,
                8,
                8,
                orient="auto",
                refX=7,
                refY=4,
                markerWidth=8,
                markerHeight=8,
                viewBox="0 0 8 8",
                markerUnits="userSpaceOnUse",
                id=f"{self.name}-tip-{kind}",
            )
            head = drawsvg.Path(class_=f"tip {kind}")
            tip.append(head.M(0, 0.5).L(8, 4).L(0, 7.5).Z())
            self.drawing.append_def(tip)
            self._tips[kind] = tip
        return self._tips[kind]


# on a ground of its own: a notebook's may be dark where the reader's system,
# which alone decides of a picture's colours, is light
_ALONE = """svg.sketch { color-scheme: light dark; background: var(--paper);
  font-family: "Noto Sans", "Segoe UI", "Liberation Sans", Arial, sans-serif; }
"""


@functools.cache
def stylesheet():
    """Return ``sketch.css``, the style of all drawings."""
    return (files("llmbook.showing") / "sketch.css").read_text("utf-8")


def text_width(text, size=LARGE):
    """Return how wide a text is at most, in the usual sans-serif faces.

    Measured in DejaVu Sans, which is wider than they are; a character that it
    lacks, such as a Chinese one, counts as a square.

    Raises
    ------
    TypeError
        If ``text`` is not a string, or ``size`` not a number.
    ValueError
        If ``size`` is not finite.
    """
    checks.text("text", text)
    checks.finite("size", size)
    return size * sum(map(_advance, text))


@functools.cache
def _advance(character):
    """Return the width of a character as a share of the letters' size."""
    font = font_manager.get_font(font_manager.findfont("DejaVu Sans"))
    if not font.get_char_index(ord(character)):
        return 1.0
    font.set_size(100, 72)
    return font.load_char(ord(character)).linearHoriAdvance / 65536 / 100


def _fitting(text, size, room):
    """Return a text that fits a room, and the size of its letters."""
    if text_width(text, size) <= room:
        return text, size
    size = max(LEAST, int(size * room / text_width(text, size)))
    if text_width(text, size) > room:
        while text and text_width(f"{text}…", size) > room:
            text = text[:-1]
        text += "…"
    return text, size


def _rounded(*numbers):
    """Return coordinates as every machine writes them."""
    return [round(float(number), 2) for number in numbers]


def _towards(corner, point, radius=8):
    """Return the point ``radius`` away from a corner, on the way to another."""
    (x, y), (u, v) = corner, point
    distance = ((u - x) ** 2 + (v - y) ** 2) ** 0.5 or 1.0
    part = min(radius, distance / 2) / distance
    return x + part * (u - x), y + part * (v - y)
