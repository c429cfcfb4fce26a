"""Make a plot of a notebook part of its page: its ground, its letters and its
ink are the page's own, in light and in dark.

A notebook stores a plot as Matplotlib draws it, dark on white, so that it can
be read wherever the notebook is opened. Pictures within a plot, such as the
colours of a heatmap, stay as they are, and so do the numbers upon them.
"""

import colorsys
import re
from xml.etree import ElementTree as ET

from booksite import panels
from llmbook.showing.plotting import ON_DARK, ON_LIGHT

SVG = "{http://www.w3.org/2000/svg}"
LINK = "{http://www.w3.org/1999/xlink}href"
INK, PAPER = (236, 239, 243), (20, 24, 30)  # of a dark page
CONTRAST = 5  # at least, of a colour on dark paper
COLOUR = re.compile(r"#[0-9a-f]{6}\b")
FONT = re.compile(r"font-family: [^;]*;? ?")

ET.register_namespace("", SVG.strip("{}"))


def is_plot(text):
    """Tell whether an SVG was drawn by Matplotlib."""
    return '<g id="figure_1">' in text


def inlined(text, said, name):
    """Return a plot as an element of the page, in the box in which it may
    scroll.

    Parameters
    ----------
    text : str
        The SVG that the notebook stores.
    said : str
        What the plot shows, for those who do not see it.
    name : str
        Begins the plot's ids, so that no other plot of the page has them.

    Returns
    -------
    str
    """
    root = ET.fromstring(text)
    remove(root, "metadata")
    remove(root, "defs")  # a style for every element of the page
    box = ET.Element("div", panels.arrange(root))
    remove(root.find(f"{SVG}g"), "g")  # the white ground
    used = set(re.findall(r'(?:url\(|href=")#([^)"]+)', text))
    for element in root.iter():
        complete(element, used, name)
    unwrap(root)
    for side in ("width", "height"):
        points = float(root.get(side).removesuffix("pt"))
        root.set(side, f"{points * panels.PIXELS:.0f}")
    root.set("class", "plot")
    root.set("role", "img")
    root.set("fill", "currentColor")
    root.set("stroke-linejoin", "round")
    title = ET.Element(f"{SVG}title")
    title.text = said
    root.insert(0, title)
    ET.SubElement(box, "div").append(root)
    return re.sub(r">\s+<", "><", ET.tostring(box, encoding="unicode"))


def remove(parent, tag):
    """Remove the first child of this name."""
    parent.remove(parent.find(SVG + tag))


def complete(element, used, name):
    """Give an element the page's letters and colours, and ids of its own."""
    if element.get("id") in used:
        element.set("id", f"{name}-{element.get('id')}")
    else:
        element.attrib.pop("id", None)
    if LINK in element.attrib:
        link = "".join(element.attrib.pop(LINK).split())
        element.set("href", re.sub("^#", f"#{name}-", link))
    for key, value in element.items():
        if key != "href":
            value = FONT.sub("", value).replace("url(#", f"url(#{name}-")
            element.set(key, COLOUR.sub(lambda c: themed(c[0]), value))


def unwrap(parent):
    """Put what stands in bare groups in their place."""
    for element in list(parent):
        unwrap(element)
        if element.tag == f"{SVG}g" and not element.attrib:
            place = list(parent).index(element)
            parent[place : place + 1] = list(element)


def themed(colour):
    """Return a colour as CSS that suits light and dark pages: black is the
    page's ink.
    """
    if colour == "#000000":
        return "currentColor"
    if colour in (ON_DARK, ON_LIGHT):
        return colour
    return f"light-dark({colour}, {at_night(colour)})"


def at_night(colour):
    """Return what stands for a colour on a dark page: for a grey the same share
    of ink on paper, for others the hue itself, as light as it must be.
    """
    rgb = [int(colour[place : place + 2], 16) for place in (1, 3, 5)]
    if max(rgb) - min(rgb) < 16:
        return as_hex(mixed(INK, PAPER, sum(rgb) / 3 / 255))
    hue, lightness, saturation = colorsys.rgb_to_hls(*(c / 255 for c in rgb))
    while contrast(rgb, PAPER) < CONTRAST:
        lightness += 0.01
        light = colorsys.hls_to_rgb(hue, lightness, saturation)
        rgb = [round(255 * c) for c in light]
    return as_hex(rgb)


def mixed(first, second, share):
    """Return two colours mixed, with this share of the second."""
    return [
        round(a + share * (b - a)) for a, b in zip(first, second, strict=True)
    ]


def as_hex(rgb):
    """Return a colour's red, green and blue, 0 to 255, as CSS."""
    return "#{:02x}{:02x}{:02x}".format(*rgb)


def contrast(first, second):
    """Return how much two colours stand out from each other, from 1 to 21, as
    the accessibility guidelines (WCAG 2) define it.
    """
    dark, light = sorted(map(luminance, (first, second)))
    return (light + 0.05) / (dark + 0.05)


def luminance(rgb):
    """Return the relative luminance of a colour in sRGB."""
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in (part / 255 for part in rgb)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
