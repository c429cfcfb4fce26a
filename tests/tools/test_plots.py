import io
import re
from xml.etree import ElementTree as ET

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from booksite import pages, plots
from notebooks import compact_svg

from llmbook.showing import plotting

SVG = "{http://www.w3.org/2000/svg}"
WHITE, DARK = (255, 255, 255), plots.PAPER


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def stored(figure):
    """What a notebook stores of a figure."""
    file = io.StringIO()
    figure.savefig(
        file, format="svg", bbox_inches="tight", metadata={"Date": None}
    )
    return compact_svg(file.getvalue())


def curves():
    ax = plotting.learning_curves({"train": [3, 2], "held out": [4, 3]})
    ax.bar([1, 2], [1, 2], hatch="//")
    return stored(ax.figure)


def heatmap():
    weights = np.array([[0.9, 0.1], [0.4, 0.6]])  # (T, T)
    return stored(plotting.attention_heatmap(weights, ["酒店", "好"]).figure)


def shown(text, name="plot-1"):
    box = ET.fromstring(plots.inlined(text, "Two falling curves.", name))
    return box.find(f".//{SVG}svg")


def rgb(colour):
    return [round(255 * part) for part in mpl.colors.to_rgb(colour)]


def colours(root):
    """The colours of a plot on a page, as pairs for light and dark."""
    text = ET.tostring(root, encoding="unicode")
    return set(re.findall(r"light-dark\((#\w+), (#\w+)\)", text))


def test_the_same_figure_is_stored_the_same_twice():
    assert curves() == curves()
    assert "dc:date" not in curves()


def test_a_plot_on_a_page_has_no_ground_of_its_own():
    text = curves()
    assert "fill: #ffffff" in text  # in the notebook it stands on white
    root = shown(text)
    assert "#fff" not in ET.tostring(root, encoding="unicode")
    assert root.find(f".//{SVG}style") is None


def test_a_plot_says_what_it_shows():
    root = shown(curves())
    assert root.get("role") == "img"
    assert root[0].tag == f"{SVG}title"
    assert root[0].text == "Two falling curves."


def test_two_plots_of_a_page_share_no_id_and_refer_to_their_own():
    for name in ("plot-1", "plot-2"):
        text = plots.inlined(curves(), "Two curves.", name)
        ids = re.findall(r' id="([^"]+)"', text)
        assert len(set(ids)) == len(ids) > 2
        assert all(each.startswith(f"{name}-") for each in ids)
        assert set(re.findall(r'(?:url\(|href=")#([^)"]+)', text)) == set(ids)


def test_ink_and_letters_are_the_pages():
    text = plots.inlined(curves(), "Two curves.", "plot-1")
    assert "stroke: currentColor" in text
    assert "font-family" not in text
    assert "#000000" not in text
    letters = {element.text for element in shown(curves()).iter(f"{SVG}text")}
    assert {"epoch", "loss", "train", "held out"} <= letters


def test_series_are_seen_on_light_and_on_dark_pages():
    for colour in map(str.lower, plotting.COLOURS):
        assert plots.contrast(rgb(colour), WHITE) >= 3
        assert plots.contrast(rgb(plots.at_night(colour)), DARK) >= 5
    used = {light for light, _ in colours(shown(curves()))}
    assert {colour.lower() for colour in plotting.COLOURS[:2]} <= used


def test_a_grey_is_as_far_from_the_ground_in_the_dark():
    assert plots.at_night("#ffffff") == plots.as_hex(plots.PAPER)
    assert plots.at_night("#000000") == plots.as_hex(plots.INK)
    greys = [plots.at_night(f"#{g:02x}{g:02x}{g:02x}") for g in (50, 120, 200)]
    ratios = [plots.contrast(rgb(grey), DARK) for grey in greys]
    assert ratios == sorted(ratios, reverse=True)


def test_contrast_is_that_of_the_guidelines():
    assert plots.contrast((0, 0, 0), WHITE) == pytest.approx(21)
    assert plots.contrast((119, 119, 119), WHITE) == pytest.approx(4.48, 0.001)


def test_the_cells_of_a_heatmap_and_their_numbers_keep_their_colours():
    root = shown(heatmap())
    (image,) = root.iter(f"{SVG}image")
    assert image.get("href").startswith("data:image/png;base64,iVBOR")
    assert (image.get("width"), image.get("height")) == ("2", "2")
    inks = {
        element.text: element.get("style")
        for element in root.iter(f"{SVG}text")
    }
    assert f"fill: {plotting.ON_DARK}" in inks["0.90"]
    assert f"fill: {plotting.ON_LIGHT}" in inks["0.10"]
    assert "fill" not in inks["酒店"]


def test_coordinates_are_stored_short_and_words_whole():
    figure, ax = plt.subplots()
    ax.plot(np.linspace(0, 1, 50) ** 3)
    ax.set_title("0.123456")
    text = stored(figure)
    assert ">0.123456<" in text
    paths = "".join(re.findall(r' d="([^"]*)"', text))
    assert re.search(r"\.\d\d\b", paths)
    assert not re.search(r"\.\d{3}", paths)


def test_a_page_takes_the_alternative_text(tmp_path):
    path = tmp_path / "plot.svg"
    path.write_text(curves(), encoding="utf-8")
    tag = '<img alt="Loss &lt; 1 &amp; falling" src="plot.svg"/>'
    box = ET.fromstring(pages.inlined(tag, path, "plot-3"))
    assert box.find(f".//{SVG}title").text == "Loss < 1 & falling"
