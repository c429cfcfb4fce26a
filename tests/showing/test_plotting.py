import itertools
import warnings

import matplotlib as mpl
import matplotlib.pyplot as plt
import nbclient
import nbformat
import numpy as np
import pytest

from llmbook import packages
from llmbook.showing import plotting

TOKENS = ["酒店", "is", "很", "good"]


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.fixture
def weights():
    return np.random.default_rng(0).dirichlet(
        np.ones(4), size=(3, 4)
    )  # (H, T_q, T_k)


def test_a_heatmap_shows_the_weights_with_tokens_on_both_axes(weights):
    ax = plotting.attention_heatmap(
        weights[0], TOKENS, key_tokens=list("abcd"), title="head 0"
    )
    np.testing.assert_array_equal(ax.images[0].get_array(), weights[0])
    assert [label.get_text() for label in ax.get_yticklabels()] == TOKENS
    assert [label.get_text() for label in ax.get_xticklabels()] == list("abcd")
    assert ax.get_title() == "head 0"


def test_small_heatmaps_write_their_weights_and_large_ones_have_a_colour_bar(
    weights,
):
    small = plotting.attention_heatmap(weights[0], TOKENS)
    assert {text.get_text() for text in small.texts} == {
        f"{weight:.2f}" for weight in weights[0].flat
    }
    large = plotting.attention_heatmap(np.eye(9), list("abcdefghi"))
    assert len(large.texts) == 0
    assert len(large.figure.axes) == 2


def test_the_grid_draws_every_head_on_one_scale(weights):
    figure = plotting.attention_grid(weights, TOKENS, columns=2)
    images = [
        ax.images[0] for ax in figure.axes if ax.images and ax.get_title()
    ]
    assert [ax.get_title() for ax in figure.axes[:3]] == [
        "head 0",
        "head 1",
        "head 2",
    ]
    assert {image.norm.vmax for image in images} == {weights.max()}
    for image, head in zip(images, weights, strict=True):
        np.testing.assert_array_equal(image.get_array(), head)


def test_chinese_and_english_are_drawn_without_a_missing_glyph(weights):
    with warnings.catch_warnings():
        warnings.simplefilter(
            "error"
        )  # Matplotlib warns of each glyph that its fonts lack
        plotting.attention_heatmap(
            weights[0], TOKENS, title="注意力 attention"
        ).figure.canvas.draw()


def test_the_colours_are_monotone_in_lightness():
    red, green, blue, _ = mpl.colormaps[plotting.SEQUENTIAL](
        np.linspace(0, 1, 64)
    ).T
    lightness = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    assert (np.diff(lightness) < 0).all()


def test_learning_curves_draw_series_and_baselines():
    ax = plotting.learning_curves(
        {"train": [3, 2], "validation": ([10, 20], [4, 3])},
        baselines={"chance": 1.0},
    )
    np.testing.assert_array_equal(ax.lines[0].get_xydata(), [[1, 3], [2, 2]])
    np.testing.assert_array_equal(ax.lines[1].get_xydata(), [[10, 4], [20, 3]])
    assert list(ax.lines[2].get_ydata()) == [1.0, 1.0]
    assert ax.lines[0].get_linestyle() != ax.lines[1].get_linestyle()


def test_the_name_of_a_baseline_stands_where_no_curve_is():
    ax = plotting.learning_curves({"a": [3, 2, 2]}, baselines={"chance": 2.0})
    ax.figure.draw_without_rendering()
    (name,) = ax.texts
    box, axes = name.get_window_extent(), ax.get_window_extent()
    assert axes.x1 < box.x0 < box.x1 < ax.figure.bbox.x1
    middle = ax.transData.transform((0, 2.0))[1]
    assert (box.y0 + box.y1) / 2 == pytest.approx(middle, abs=3)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (np.ones((3, 4)), r"\(4, 4\).*\(3, 4\)"),
        (np.full((4, 4), np.nan), "NaN"),
        (-np.ones((4, 4)), "non-negative"),
    ],
)
def test_bad_weights_are_named(bad, message):
    with pytest.raises(ValueError, match=message):
        plotting.attention_heatmap(bad, TOKENS)


def test_a_grid_without_heads_and_curves_without_series_are_named(weights):
    with pytest.raises(ValueError, match="heads, queries, keys"):
        plotting.attention_grid(weights[0], TOKENS)
    with pytest.raises(ValueError, match="at least one"):
        plotting.learning_curves({})


def test_without_the_font_package_matplotlibs_own_font_is_left(monkeypatch):
    monkeypatch.setattr(packages, "find_spec", lambda name: None)
    assert plotting._chinese_fonts() == []


def test_a_notebook_shows_a_figure_as_svg():
    source = (
        "from llmbook.showing import plotting\n"
        "plotting.learning_curves({'loss': [2, 1]});"
    )
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source)]
    )
    nbclient.execute(notebook, kernel_name="python3")
    (figure,) = notebook.cells[0].outputs
    assert set(figure.data) == {"image/svg+xml", "text/plain"}
    assert ">epoch</text>" in figure.data["image/svg+xml"]
    assert "dc:date" not in figure.data["image/svg+xml"]
    assert plotting.DARK in figure.data["image/svg+xml"]


def test_a_grid_is_no_wider_than_the_column(weights):
    figure = plotting.attention_grid(np.repeat(weights, 2, axis=0), TOKENS)
    assert figure.get_figwidth() <= plotting.COLUMN + 1e-9


def luminance(rgb):
    """Relative luminance of sRGB from 0 to 1, as WCAG 2 defines it."""
    linear = np.where(
        rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4
    )
    return linear @ [0.2126, 0.7152, 0.0722]


def test_series_are_seen_where_a_notebook_is_read_in_the_dark():
    grey = np.array([0.213, 0.715, 0.072])  # hue-rotate, as CSS defines it
    half_turn = 2 * grey - np.eye(3)
    for colour in plotting.COLOURS:
        turned = half_turn @ (1 - np.array(mpl.colors.to_rgb(colour)))
        assert (luminance(turned.clip(0, 1)) + 0.05) / 0.05 >= 3
    assert "hue-rotate(180deg)" in plotting.DARK


def test_the_letters_of_a_grid_do_not_meet(weights):
    tokens = [f"word {i}" for i in range(10)]
    many = np.full((3, 10, 10), 0.1)
    figure = plotting.attention_grid(many, tokens, columns=3)
    renderer = figure.canvas.get_renderer()
    for ax in figure.axes[:3]:
        boxes = [
            label.get_window_extent(renderer) for label in ax.get_yticklabels()
        ]
        for above, below in itertools.pairwise(boxes):
            assert above.y0 >= below.y1 - 1


def test_a_grid_names_its_axes_once_a_row_and_a_column():
    figure = plotting.attention_grid(
        np.full((4, 9, 9), 1 / 9), list("abcdefghi"), columns=2
    )
    assert [bool(ax.get_ylabel()) for ax in figure.axes[:4]] == [
        True,
        False,
    ] * 2
    assert [bool(ax.get_xlabel()) for ax in figure.axes[:4]] == [
        False,
        False,
        True,
        True,
    ]


def test_a_heatmap_of_a_sentence_is_no_wider_than_the_column():
    tokens = [f"word {i}" for i in range(20)]
    ax = plotting.attention_heatmap(np.full((20, 20), 0.05), tokens)
    assert ax.figure.get_figwidth() <= plotting.COLUMN + 1e-9
