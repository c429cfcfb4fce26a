"""Keep the letters of a plot legible on a phone.

Panels that stand side by side, each with a scale of its own, are put one below
the other by the style sheet, which this module tells how far each has to go. A
plot that would still be shown too small has a least width, and scrolls.
"""

import itertools
import math
import re
from xml.etree import ElementTree as ET

from llmbook.showing.sketch import text_width

SVG = "{http://www.w3.org/2000/svg}"
PIXELS = 110 / 72  # of the page for a point of Matplotlib
LEGIBLE = 10  # pixels, the least height of a letter
BAR = 0.2  # a colour bar is narrower, as a share of its height
FONT_SIZE = re.compile(r"font-size: ([\d.]+)px")
ANCHOR = re.compile(r"text-anchor: (\w+)")
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def arrange(root):
    """Return the attributes of the box in which a plot is shown, and mark the
    panels that move on a phone.

    Parameters
    ----------
    root : Element
        The SVG as Matplotlib writes it, in points.

    Returns
    -------
    dict of str to str
    """
    _, _, width, height = map(float, root.get("viewBox").split())
    smallest = min(map(size, texts(root)), default=LEGIBLE)
    scale = min(PIXELS, LEGIBLE / smallest)  # pixels a point
    style = {"--least": f"{scale * width:.0f}px"}
    pieces = cut(root)
    if len(pieces) > 1:
        broadest = max(right - left for left, right, _ in pieces)
        for row, (left, _, axes) in enumerate(pieces):
            for part in axes:
                part.set("class", "panel")
                part.set(
                    "style", f"--x: {-left:.1f}px; --y: {row * height:.1f}px"
                )
        style |= {
            "--least-piece": f"{scale * broadest:.0f}px",
            "--most": f"{PIXELS * broadest:.0f}px",
            "--across": f"{width / broadest:.3f}",
            "--shape": f"{broadest:.1f} / {height * len(pieces):.1f}",
        }
    return {
        # book.js lets a keyboard reach boxes of this class
        "class": f"plot-box{' panels' * (len(pieces) > 1)}"
        " pst-scrollable-table-container",
        "style": "; ".join(f"{key}: {value}" for key, value in style.items()),
    }


def cut(root):
    """Return the pieces into which a plot can be cut from top to bottom:
    ``(left, right, axes)``, in points; one, where its panels belong together.
    """
    width = float(root.get("viewBox").split()[2])
    panels = panels_of(root.find(f"{SVG}g"))
    if not all(has_scale(axes[0]) for axes in panels[1:]):
        return [(0, width, panels)]
    cuts = [0]
    for before, after in itertools.pairwise(panels):
        (_, right), (left, _) = extent(before), extent(after)
        if right > left:
            return [(0, width, panels)]
        cuts.append((right + left) / 2)
    return list(zip(cuts, [*cuts[1:], width], panels, strict=True))


def panels_of(figure):
    """Return the axes of a plot, each with its colour bar; all in one, where
    something belongs to several, such as a legend, or axes are hidden.
    """
    panels, parts = [], list(figure)[1:]  # the first is the ground
    for part in parts:
        if part.find(f".//{SVG}path") is None or "axes" not in part.get("id"):
            return [parts]
    for part in sorted(parts, key=frame):  # Matplotlib draws colour bars last
        left, top, right, bottom = frame(part)
        if panels and right - left < BAR * (bottom - top):
            panels[-1].append(part)
        else:
            panels.append([part])
    return panels


def frame(axes):
    """Return the rectangle of axes: left, top, right, bottom."""
    numbers = [*map(float, NUMBER.findall(axes.find(f".//{SVG}path").get("d")))]
    xs, ys = numbers[::2], numbers[1::2]
    return min(xs), min(ys), max(xs), max(ys)


def has_scale(axes):
    """Tell whether axes have numbers or names at their left."""
    return any(
        next(group.iter(f"{SVG}text"), None) is not None
        for group in axes.iter(f"{SVG}g")
        if group.get("id", "").startswith("ytick")
    )


def extent(panel):
    """Return how far a panel reaches, with all that is written: left, right."""
    reached = [frame(axes)[::2] for axes in panel]
    reached += [ends(text) for axes in panel for text in texts(axes)]
    return min(map(min, reached)), max(map(max, reached))


def texts(element):
    """Return the elements that put a text in its place: the text itself, or
    the group of a formula.
    """
    return [
        part
        for part in element.iter()
        if "transform" in part.attrib
        and next(part.iter(f"{SVG}text"), None) is not None
    ]


def size(text):
    """Return the height of a text's letters, not of its exponents, in points."""
    found = FONT_SIZE.findall(ET.tostring(text, encoding="unicode"))
    return max(map(float, found))


def ends(text):
    """Return how far a text reaches, turned as it is: left, right."""
    numbers = [*map(float, NUMBER.findall(text.get("transform")))]
    if text.get("transform").startswith("rotate"):
        angle, x = numbers[:2]
    else:  # translate(x y) rotate(angle)
        x, angle = numbers[0], sum(numbers[2:])
    words = "".join(map(str.strip, text.itertext()))
    length = text_width(words, size(text))
    anchor = ANCHOR.search(text.get("style", ""))
    begin = -length * {"middle": 0.5, "end": 1}.get(anchor and anchor[1], 0)
    cosine = math.cos(math.radians(angle))
    sine = math.sin(math.radians(angle))
    corners = [
        x + along * cosine - down * sine
        for along in (begin, begin + length)
        for down in (-0.8 * size(text), 0.2 * size(text))
    ]
    return min(corners), max(corners)
