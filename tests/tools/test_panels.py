import io
from xml.etree import ElementTree as ET

import matplotlib.pyplot as plt
import numpy as np
import pytest
from booksite import panels

from llmbook.showing import plotting

SVG = panels.SVG


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def drawn(figure):
    """A figure as SVG, cut off nowhere."""
    file = io.StringIO()
    figure.savefig(file, format="svg")
    return ET.fromstring(file.getvalue())


def two(**options):
    """Two panels side by side, the second with a long label and a slanted name."""
    figure, axes = plt.subplots(
        1, 2, figsize=(7, 3), layout="constrained", **options
    )
    axes[0].plot([1, 100])
    axes[1].semilogy([1, 1e4])
    axes[1].set(ylabel="a share", title="酒店")
    axes[1].set_xticks([0, 1], ["a long name", "b"], rotation=60)
    return figure, axes


def tight(figure, ax):
    """Where Matplotlib says that axes with their letters begin and end, in points."""
    box = ax.get_tightbbox(figure.canvas.get_renderer())
    return box.x0 * 72 / figure.dpi, box.x1 * 72 / figure.dpi


def test_a_cut_goes_between_what_matplotlib_has_drawn():
    figure, axes = two()
    root = drawn(figure)
    (_, end, _), (start, _, _) = panels.cut(root)
    assert end == start
    assert tight(figure, axes[0])[1] < end < tight(figure, axes[1])[0]


def test_a_panel_reaches_as_far_as_matplotlib_says():
    figure, axes = two()
    found = panels.panels_of(drawn(figure).find(f"{SVG}g"))
    for panel, ax in zip(found, axes, strict=True):
        assert panels.extent(panel) == pytest.approx(tight(figure, ax), abs=4)


def test_panels_that_belong_together_are_not_cut():
    assert len(panels.cut(drawn(two()[0]))) == 2
    assert len(panels.cut(drawn(two(sharey=True)[0]))) == 1
    figure, axes = two()
    figure.legend(*axes[0].get_legend_handles_labels(), title="both")
    assert len(panels.cut(drawn(figure))) == 1
    figure, axes = two()
    axes[1].set_axis_off()
    assert len(panels.cut(drawn(figure))) == 1
    figure, axes = plt.subplots(2, 1, layout="constrained")
    assert len(panels.cut(drawn(figure))) == 1
    assert len(panels.cut(drawn(plt.subplots()[0]))) == 1


def test_a_colour_bar_goes_with_the_panel_at_its_left():
    figure = plotting.attention_grid(
        np.full((2, 9, 9), 1 / 9), list("abcdefghi")
    )
    found = panels.cut(drawn(figure))
    assert [len(axes) for _, _, axes in found] == [1, 2]


def test_a_colour_bar_of_the_first_panel_stays_with_it():
    figure, axes = plt.subplots(1, 2, figsize=(7.2, 3), layout="constrained")
    image = axes[0].imshow(np.eye(9), aspect="auto")
    figure.colorbar(image, ax=axes[0])
    axes[1].plot([1, 3, 2])
    found = panels.cut(drawn(figure))
    assert [len(parts) for _, _, parts in found] == [2, 1]


def test_the_box_says_where_each_panel_goes():
    root = drawn(two()[0])
    box = panels.arrange(root)
    assert "panels" in box["class"].split()
    (_, _, first), (left, _, second) = panels.cut(root)
    assert first[0].get("style") == "--x: 0.0px; --y: 0.0px"
    assert second[0].get("style") == f"--x: {-left:.1f}px; --y: 216.0px"
    assert {first[0].get("class"), second[0].get("class")} == {"panel"}


def test_the_least_width_is_that_of_legible_letters():
    figure, ax = plt.subplots(figsize=(5, 3))
    ax.tick_params(labelsize=8)
    ax.semilogy([1, 1e4])  # exponents do not count
    box = panels.arrange(drawn(figure))
    assert box["style"] == f"--least: {360 * 10 / 8:.0f}px"
    assert "panels" not in box["class"].split()
    ax.tick_params(labelsize=6)  # shown as it was drawn, at most
    assert panels.arrange(drawn(figure))["style"] == "--least: 550px"
