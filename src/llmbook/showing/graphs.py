"""Draw the graph that the engine of :mod:`llmbook.mathematics.autodiff`
differentiates.
"""

import matplotlib.pyplot as plt

import llmbook.showing.plotting  # noqa: F401  sets the book's fonts
from llmbook import checks
from llmbook.showing.labels import drawn


def draw_graph(tensor, ax=None):
    """Draw what a tensor was computed from, left to right, one box a tensor.

    A box holds the operation or the name, and below it the value and the
    gradient of a single number, the shape of an array. What was given has a
    square box, what was computed a round one.

    Parameters
    ----------
    tensor : llmbook.mathematics.autodiff.Tensor
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    TypeError
        If ``tensor`` is none.
    """
    checks.offers("tensor", tensor, "graph", "inputs", "data", "grad", "name")
    places = _layout(tensor)
    columns = 1 + max(x for x, _ in places.values())
    rows = 1 + max(abs(y) for _, y in places.values()) * 2
    if ax is None:
        _, ax = plt.subplots(figsize=(min(1.5 * columns, 11), 0.9 * rows + 0.4))
    for node in tensor.graph():
        for source, _ in node.inputs:
            arrow = {
                "arrowstyle": "->",
                "color": "#666666",
                "shrinkA": 26,
                "shrinkB": 26,
            }
            ax.annotate(
                "", places[id(node)], places[id(source)], arrowprops=arrow
            )
        style = "round" if node.inputs else "square"
        box = {
            "boxstyle": f"{style},pad=0.35",
            "facecolor": "white",
            "edgecolor": "black",
        }
        ax.text(
            *places[id(node)],
            drawn(_label(node)),
            ha="center",
            va="center",
            fontsize=8,
            bbox=box,
        )
    ax.set_xlim(-0.5, columns - 0.5)
    ax.set_ylim(-rows / 2, rows / 2)
    ax.set_axis_off()
    return ax


def _layout(tensor):
    """Return a place for each tensor: its longest path from an input, and a row
    there.
    """
    depths: dict[int, int] = {}
    columns: dict[int, list[int]] = {}
    for node in tensor.graph():
        depths[id(node)] = 1 + max(
            (depths[id(source)] for source, _ in node.inputs), default=-1
        )
    uses: dict[int, int] = {}
    for node in tensor.graph():
        for source, _ in node.inputs:
            uses.setdefault(id(source), depths[id(node)] - 1)
            uses[id(source)] = min(uses[id(source)], depths[id(node)] - 1)
    for node in tensor.graph():
        # What was given stands right before its first use rather than far to
        # the left.
        depth = depths[id(node)] if node.inputs else uses.get(id(node), 0)
        columns.setdefault(depth, []).append(id(node))
    return {
        node: (depth, (len(nodes) - 1) / 2 - row)
        for depth, nodes in columns.items()
        for row, node in enumerate(nodes)
    }


def _label(node):
    if node.data.ndim:
        return f"{node.name}\n{node.shape}".strip()
    gradient = "" if node.grad is None else f"\ngrad {node.grad:.3g}"
    return f"{node.name}\n{node.data:.3g}{gradient}".strip()
