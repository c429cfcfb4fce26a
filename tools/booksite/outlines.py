"""Redraw MathJax's SVG of a formula with one path, where it has an element for
every letter.

A chapter may show thousands of letters in its formulas, and a phone would take
a second to lay out as many elements.
"""

import re
from xml.etree import ElementTree

SVG = "http://www.w3.org/2000/svg"
ElementTree.register_namespace("", SVG)
COORDINATES = {"M": 2, "L": 2, "H": 1, "V": 1, "Q": 4, "T": 2, "Z": 0}


def draw(source, breaks=()):
    """Return the HTML of a formula: one drawing, or several where a line may
    break between them.

    Parameters
    ----------
    source : str
        MathJax's drawing, in thousandths of the font's size.
    breaks : iterable of int
        Before which of the formula's outermost parts a line may break.
    """
    root = ElementTree.fromstring(source)
    left, top, width, height = numbers(root.get("viewBox"))
    parts = list(root[0][0])
    places = [0, *breaks, len(parts)]
    starts = [
        left,
        *(placed(parts[index])[0] for index in breaks),
        left + width,
    ]
    return "".join(
        drawing(
            parts[places[i] : places[i + 1]],
            starts[i],
            top,
            starts[i + 1] - starts[i],
            height,
        )
        for i in range(len(places) - 1)
    )


def drawing(parts, left, top, width, height):
    """Return some parts of a formula as one element, which names its width
    beside text; the style sheet makes it smaller where a page is narrow.
    """
    try:
        path = "".join(
            text for part in parts for text in outlines(part, (0, 0, 1, -1))
        )
        inside = f'<path d="{path}"/>'
    except NotImplementedError:  # rare: left as MathJax drew it
        inside = "".join(
            ElementTree.tostring(part, encoding="unicode") for part in parts
        )
        inside = (
            '<g transform="scale(1,-1)" stroke="currentColor"'
            f' stroke-width="0">{inside}</g>'
        )
    box = " ".join(f"{number:.0f}" for number in (left, top, width, height))
    size = f"--w:{em(width)};vertical-align:{em(-top - height)}"
    return (
        f'<svg aria-hidden="true" viewBox="{box}" style="{size}">{inside}</svg>'
    )


def em(thousandths):
    """Return a length, relative to the font's size."""
    return f"{thousandths / 1000:.4g}em"


def numbers(text):
    """Return the numbers of an attribute."""
    return [float(number) for number in re.findall(r"-?[\d.]+", text)]


def placed(element, place=(0, 0, 1, 1)):
    """Return where the inside of an element stands in the drawing, and its
    scale.

    ``place`` is the same of what is around the element: ``(x, y, horizontal,
    vertical)``.
    """
    x, y, wide, high = place
    for name, values in re.findall(
        r"(\w+)\(([^)]*)\)", element.get("transform", "")
    ):
        first, last = numbers(values)[0], numbers(values)[-1]
        if name == "translate":
            x, y = x + wide * first, y + high * last
        else:
            wide, high = wide * first, high * last
    return x, y, wide, high


def outlines(element, place, window=None):
    """Yield the outlines of all letters and lines of an element.

    ``place`` is where what is around it stands; nothing shows outside
    ``window``, two corners.

    Raises
    ------
    NotImplementedError
        If the element is of another kind, such as a letter that MathJax's fonts
        lack.
    """
    x, y, wide, high = place = placed(element, place)
    tag = element.tag.removeprefix(f"{{{SVG}}}")
    if tag not in ("g", "path", "rect", "svg") or element.get("fill"):
        raise NotImplementedError(tag)
    if tag == "path":
        yield moved(element.get("d"), place, window)
    elif tag == "rect":
        yield moved(
            "M{0} {1}H{2}V{3}H{0}Z".format(*edges(element)), place, window
        )
    elif tag == "svg":  # a stretched stroke, cut to its length
        left, low, right, top = edges(element)
        inner_left, inner_low, *_ = numbers(element.get("viewBox"))
        window = [
            sorted(round(x + wide * end) for end in (left, right)),
            sorted(round(y + high * end) for end in (low, top)),
        ]
        place = (
            x + wide * (left - inner_left),
            y + high * (low - inner_low),
            wide,
            high,
        )
    for child in element:
        yield from outlines(child, place, window)


def edges(element):
    """Return where an element with a size begins and ends: ``(x, y, x, y)``."""
    x, y, width, height = (
        float(element.get(key, 0)) for key in ("x", "y", "width", "height")
    )
    return x, y, x + width, y + height


def moved(path, place, window=None):
    """Return a path in its place, in whole numbers.

    All but its first point are relative, so that a letter is the same text
    wherever it stands, and pages compress well.
    """
    x, y, wide, high = place

    def point(across, up):
        found = round(x) + round(wide * across), round(y) + round(high * up)
        if window is None:
            return found
        return tuple(
            min(max(found[axis], window[axis][0]), window[axis][1])
            for axis in (0, 1)
        )

    texts, here, start, across, up = [], (0, 0), None, 0, 0
    for command, arguments in re.findall(r"([A-Z])([^A-Z]*)", path):
        values = numbers(arguments)
        if len(values) != COORDINATES.get(command):
            raise NotImplementedError(command)
        if command == "Z":
            texts.append("z")
            here = start
            continue
        if command in "HV":
            values = [values[0], up] if command == "H" else [across, values[0]]
        across, up = values[-2:]
        points = [point(*values[i : i + 2]) for i in range(0, len(values), 2)]
        steps = [end[axis] - here[axis] for end in points for axis in (0, 1)]
        if command in "HV":
            steps = [steps["HV".index(command)]]
        letter = command.lower() if start else command
        texts.append(letter + " ".join(map(str, steps)).replace(" -", "-"))
        here = points[-1]
        start = here if command == "M" else start
    return "".join(texts)
