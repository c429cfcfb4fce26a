"""Figures of the book: attention heatmaps and learning curves, in Chinese and
English.

Importing this module sets the book's look: figures as wide as the page's
column at most, line styles that differ in more than colour, and a font with
Chinese characters behind Matplotlib's own. Notebooks show figures as SVG, whose
letters are text: dark on white, or light on black where a notebook is read in
the dark. The site gives them the page's colours, on dark pages, too.
"""

import importlib

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from cycler import cycler
from IPython import get_ipython
from IPython.core.pylabtools import print_figure
from matplotlib import font_manager
from matplotlib.figure import Figure

from llmbook import checks
from llmbook.packages import packaged_file
from llmbook.showing.labels import VISIBLE, drawn

# Colours after Okabe and Ito, told apart by the colour-blind, the last one
# darker, to be seen on white; the line styles tell them apart in greyscale.
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#666666", "#B07A00"]
LINES = ["-", "--", "-.", ":", (0, (5, 1)), (0, (1, 1))]
FONT_PACKAGE = "pylopdf-fonts-zh-cn==0.1.1"
# light to dark, monotone in lightness: it survives greyscale
SEQUENTIAL = "Blues"
# Letters upon a heatmap: these two stay as they are on light and dark pages.
ON_LIGHT, ON_DARK = "#010101", "#fefefe"
COLUMN = 6.3  # inches, the page's width at 110 pixels an inch
LETTERS = 10  # points, of tokens beside a heatmap
# Where a notebook is read in the dark: the lightness of all colours turned
# round, of pictures and of what is written upon them twice, so that they stay.
DARK = f"""@media (prefers-color-scheme: dark) {{
#figure_1, image, [style*="{ON_LIGHT}"], [style*="{ON_DARK}"] {{
filter: invert(1) hue-rotate(180deg) }} }}
"""


def _chinese_fonts():
    """Register the Chinese font of the data package; return its name in a list,
    or none.
    """
    try:
        path = packaged_file(FONT_PACKAGE, "NotoSansSC-Regular.otf")
    except FileNotFoundError:
        return []
    font_manager.fontManager.addfont(path)
    return [font_manager.FontProperties(fname=path).get_name()]


mpl.rcParams.update(
    {
        "font.family": ["DejaVu Sans", *_chinese_fonts()],
        "font.size": 10,
        "axes.titlesize": 11,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.prop_cycle": cycler(color=COLOURS) + cycler(linestyle=LINES),
        "axes.facecolor": "none",
        # as wide as a phone shows it with letters of ten pixels
        "figure.figsize": (5.7, 3.5),
        "figure.dpi": 110,
        "figure.facecolor": "white",
        "savefig.facecolor": "white",
        "legend.frameon": False,
        "image.cmap": SEQUENTIAL,
        "image.interpolation": "none",  # a pixel a value
        "svg.fonttype": "none",  # letters are text
        "svg.hashsalt": "llmbook",  # the same ids at every run
    }
)


def _as_svg(figure):
    """Return a figure as SVG, without the time of drawing, for light and dark
    notebooks.
    """
    text = print_figure(
        figure, "svg", bbox_inches="tight", metadata={"Date": None}
    )
    return text.replace("</style>", f"{DARK}</style>", 1)


def _show_as_svg(shell):
    """Let a notebook show figures as SVG."""
    # its import would put other formats in place
    importlib.import_module("matplotlib_inline.backend_inline")
    formatters = shell.display_formatter.formatters
    formatters["image/png"].pop(Figure, None)
    formatters["image/svg+xml"].for_type(Figure, _as_svg)


if get_ipython():
    _show_as_svg(get_ipython())


def attention_heatmap(
    weights,
    tokens,
    key_tokens=None,
    title=None,
    ax=None,
    vmax=None,
    annotate=None,
    colourbar=None,
):
    """Draw attention weights: a row a query, a column a key, darker where the
    weight is larger.

    Parameters
    ----------
    weights : (T_q, T_k)
        Non-negative; a row of an attention sums to 1.
    tokens : list of T_q str
        The queries, written at the rows; also the keys, if ``key_tokens`` is
        not given.
    key_tokens : list of T_k str, optional
        The keys, written at the columns: the source sentence of a
        cross-attention.
    title : str, optional
    ax : matplotlib Axes, optional
        Where to draw; a new figure fitted to the number of tokens if left out.
    vmax : float, optional
        The weight drawn darkest: the largest one if left out.
    annotate : bool, optional
        Write each weight into its cell; by default where there are at most
        eight rows and columns.
    colourbar : bool, optional
        By default where the weights are not written.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    TypeError
        If ``vmax`` is not a number.
    ValueError
        If ``weights`` is not a matrix of finite, non-negative numbers, or does
        not fit the tokens; if tokens or the title are not strings; if ``vmax``
        is not positive.
    """
    # (T_q, T_k)
    weights = checks.numbers("weights", weights, finite=False)
    tokens = checks.labels("tokens", tokens)
    key_tokens = (
        tokens
        if key_tokens is None
        else checks.labels("key_tokens", key_tokens)
    )
    if vmax is not None:
        checks.real("vmax", vmax)
        checks.positive(vmax=vmax)
    if weights.shape != (len(tokens), len(key_tokens)):
        raise ValueError(
            f"weights must have the shape ({len(tokens)}, {len(key_tokens)}) of"
            f" the query and key tokens, got {weights.shape}"
        )
    if not np.isfinite(weights).all() or (weights < 0).any():
        raise ValueError(
            "weights must be finite and non-negative, got NaN, infinite or"
            " negative entries"
        )
    if annotate is None:
        annotate = max(weights.shape) <= 8
    if ax is None:
        _, ax = plt.subplots(figsize=_heatmap_size(weights.shape, tokens))
    image = ax.imshow(
        weights, vmin=0, vmax=vmax or max(weights.max(), 1e-12), aspect="equal"
    )
    _label_axes(ax, tokens, key_tokens)
    if annotate:
        _write_weights(ax, image, weights)
    if colourbar if colourbar is not None else not annotate:
        ax.figure.colorbar(image, ax=ax, shrink=0.8, label="attention weight")
    if title:
        ax.set_title(drawn(title, "title"))
    return ax


def attention_grid(
    weights, tokens, key_tokens=None, titles=None, columns=4, annotate=False
):
    """Draw the heatmaps of several heads side by side, on one scale.

    Parameters
    ----------
    weights : (H, T_q, T_k)
    tokens, key_tokens : as in :func:`attention_heatmap`
    titles : list of H str, optional
        "head 0", "head 1", … if left out.
    columns : int
        Heads a row.
    annotate : bool
        Write each weight into its cell.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    TypeError
        If ``columns`` is not an integer.
    ValueError
        If ``weights`` does not have three axes and a head, or holds a NaN or an
        infinity, if there is not a title for each head, or ``columns`` is below
        1, or what :func:`attention_heatmap` raises.
    """
    weights = checks.numbers("weights", weights)  # (H, T_q, T_k)
    if weights.ndim != 3 or not weights.size:
        raise ValueError(
            "weights must have the shape (heads, queries, keys), got"
            f" {weights.shape}"
        )
    tokens = checks.labels("tokens", tokens)
    heads = len(weights)
    titles = (
        [f"head {head}" for head in range(heads)]
        if titles is None
        else checks.labels("titles", titles)
    )
    checks.as_many(heads=weights, titles=titles)
    columns = min(checks.count("columns", columns), heads)
    rows = -(-heads // columns)
    width, height = _heatmap_size(weights.shape[1:], tokens)
    scale = min(1.0, COLUMN / (columns * width))
    figure, axes = plt.subplots(
        rows,
        columns,
        figsize=(columns * width * scale, rows * height * scale),
        squeeze=False,
        layout="constrained",
    )
    for ax in axes.flat[heads:]:
        ax.set_axis_off()
    for ax, head, title in zip(axes.flat[:heads], weights, titles, strict=True):
        attention_heatmap(
            head,
            tokens,
            key_tokens,
            title,
            ax,
            vmax=weights.max(),
            annotate=annotate,
            colourbar=False,
        )
    for ax in axes[:, 1:].flat:
        ax.set_ylabel("")
    for ax in axes[:-1].flat:
        ax.set_xlabel("")
    if not annotate:
        figure.colorbar(
            axes[0, 0].images[0], ax=axes, shrink=0.6, label="attention weight"
        )
    _fit_letters(figure, axes.flat[:heads])
    return figure


def learning_curves(
    curves, xlabel="epoch", ylabel="loss", baselines=None, ax=None
):
    """Draw one line for each named series, and a level line for each named
    baseline.

    Parameters
    ----------
    curves : dict of str to sequence of float
        The values after steps 1, 2, …; or to a pair ``(steps, values)`` of
        sequences.
    xlabel, ylabel : str
    baselines : dict of str to float, optional
        What the curves are to be compared with.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    TypeError
        If ``curves`` or ``baselines`` is no dict, or a value no number.
    ValueError
        If ``curves`` is empty, a label is not a string, a series is not one of
        numbers, or has not as many steps as values.
    """
    checks.kind("curves", curves, dict)
    if not curves:
        raise ValueError("curves must hold at least one named series, got none")
    checks.kind("baselines", baselines, dict, type(None))
    series = {name: _steps_and_values(name, s) for name, s in curves.items()}
    if ax is None:
        _, ax = plt.subplots(figsize=(5.3, 3.3), layout="constrained")
    for label, (steps, values) in series.items():
        ax.plot(steps, values, label=drawn(label))
    for label, level in (baselines or {}).items():
        checks.real(f"baselines[{label!r}]", level)
        ax.axhline(level, color="#666666", linewidth=0.8, linestyle=":")
        ax.annotate(
            drawn(label),
            (1, level),
            xycoords=("axes fraction", "data"),
            xytext=(4, 0),  # beside the axes, where no curve is
            textcoords="offset points",
            va="center",
        )
    ax.set_xlabel(drawn(xlabel, "xlabel"))
    ax.set_ylabel(drawn(ylabel, "ylabel"))
    ax.legend()
    return ax


def _steps_and_values(name, series):
    """Return the steps (N,) and values (N,) of a named series."""
    steps, values = series if isinstance(series, tuple) else (None, series)
    values = checks.numbers(
        f"curves[{name!r}]", values, 1, finite=False
    )  # (N,)
    if steps is None:
        steps = np.arange(1, len(values) + 1)  # (N,)
    steps = checks.numbers(f"the steps of {name!r}", steps, 1)  # (N,)
    checks.as_many(steps=steps, values=values)
    return steps, values


def _fit_letters(figure, axes):
    """Write the tokens beside some heatmaps so small that their lines do not
    meet, but not below seven points.
    """
    figure.draw_without_rendering()  # lays them out
    for ax in axes:
        cell = ax.get_window_extent().height / len(ax.get_yticks())
        points = 72 * cell / figure.dpi
        size = min(LETTERS, max(7, 0.9 * points))
        ax.tick_params(labelsize=size)


def _heatmap_size(shape, tokens):
    """Inches that give every token the room that its label needs, in the
    column's width where they can.
    """
    rows, columns = shape
    labels = 0.09 * max(map(_display_width, _one_line(tokens)), default=0)
    cell = np.clip((COLUMN - labels - 0.8) / columns, 0.17, 0.42)
    return max(2.2, cell * columns + labels + 0.8), max(
        2.0, cell * rows + labels + 0.4
    )


def _one_line(tokens):
    """Return tokens as labels, ends of lines made visible."""
    return [
        drawn(token.replace("\n", VISIBLE["\n"]).replace("\t", VISIBLE["\t"]))
        for token in tokens
    ]


def _display_width(text):
    """Columns of a text, a Chinese character taking two."""
    return sum(2 if ord(character) > 0x2E80 else 1 for character in text)


def _label_axes(ax, tokens, key_tokens):
    tokens, key_tokens = _one_line(tokens), _one_line(key_tokens)
    slanted = any(_display_width(token) > 3 for token in key_tokens)
    ax.set_xticks(
        range(len(key_tokens)),
        key_tokens,
        rotation=60 if slanted else 0,
        ha="right" if slanted else "center",
        rotation_mode="anchor" if slanted else "default",
        fontsize=LETTERS,
    )
    ax.set_yticks(range(len(tokens)), tokens, fontsize=LETTERS)
    ax.set_xlabel("key: attended to")
    ax.set_ylabel("query: attends")
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)


def _write_weights(ax, image, weights):
    """Write each weight into its cell, light on dark and dark on light."""
    for (row, column), weight in np.ndenumerate(weights):
        red, green, blue, _ = image.cmap(image.norm(weight))
        dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.55
        ax.text(
            column,
            row,
            f"{weight:.2f}",
            ha="center",
            va="center",
            fontsize=8,
            color=ON_DARK if dark else ON_LIGHT,
        )
