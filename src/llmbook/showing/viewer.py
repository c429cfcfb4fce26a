r"""See where attention looks, in the page itself: choose a layer and a head,
pick a token.

An :class:`AttentionView` is a table of weights, shaded as a heatmap, with a few
kilobytes of script and style that make it explorable by mouse, touch and
keyboard. It asks nothing of the network, and without scripts the table stands
as it is.
"""

import html
from functools import cache
from importlib.resources import files
from itertools import groupby

import numpy as np

from llmbook import checks
from llmbook.showing.labels import as_html

DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
ONE_DIGIT, END, ZEROS = 47, 62, 63  # see encode
LARGEST_TABLE = 16_384
LARGEST_DATA = 60_000


def attention_view(
    weights,
    tokens,
    key_tokens=None,
    *,
    layer=0,
    head=0,
    token=0,
    digits=2,
    title="Attention",
):
    r"""Return a view of attention weights that the reader explores.

    It shows one layer and head at a time. Picking token :math:`i` shows where
    it looks, the row :math:`w_{i,\cdot}`, and who looks at it, the column
    :math:`w_{\cdot,i}`. The darkest shade is the largest weight of the head
    shown.

    Parameters
    ----------
    weights : (T_q, T_k), (H, T_q, T_k) or (L, H, T_q, T_k)
        Of one head, of the heads of a layer, or of several layers; between 0
        and 1.
    tokens : list of T_q str
        The queries; also the keys, if ``key_tokens`` is not given.
    key_tokens : list of T_k str, optional
        The keys of a cross-attention: the source sentence.
    layer, head, token : int
        What is shown first; ``token`` is a query.
    digits : int
        Decimals kept and shown, from 1 to 3: two are enough for a sentence.
    title : str
        Names the view for screen readers.

    Returns
    -------
    AttentionView
        The last expression of a cell shows it.

    Raises
    ------
    TypeError
        If ``title`` is not a string.
    ValueError
        If the tokens are not strings; if ``weights`` does not fit them or holds
        what is not between 0 and 1; if ``layer``, ``head``, ``token`` or
        ``digits`` is not an integer or out of range; if a head has more than
        16,384 weights, or the weights together take more than 60 kB.
    """
    crossing = key_tokens is not None
    tokens = checks.labels("tokens", tokens)
    key_tokens = checks.labels("key_tokens", key_tokens) if crossing else tokens
    checks.text("title", title)
    weights = _layers_and_heads(weights, tokens, key_tokens)  # (L, H, T_q, T_k)
    if digits not in (1, 2, 3):
        raise ValueError(f"digits must be 1, 2 or 3, got {digits!r}")
    chosen = {"layer": layer, "head": head, "token": token}
    for (name, index), size in zip(chosen.items(), weights.shape, strict=False):
        if not isinstance(index, int | np.integer):
            raise ValueError(f"{name} must be an integer, got {index!r}")
        if not 0 <= index < size:
            raise ValueError(
                f"{name} must be between 0 and {size - 1}, got {index!r}"
            )
    data = encode(
        np.rint(weights * 10**digits).astype(int).reshape(-1, len(key_tokens))
    )
    if len(data) > LARGEST_DATA:
        raise ValueError(
            f"weights must take at most {LARGEST_DATA} bytes as stored, got"
            f" {len(data)}: show fewer layers, heads, tokens or digits"
        )
    return AttentionView(
        weights, tokens, key_tokens, crossing, chosen, digits, title, data
    )


def _layers_and_heads(weights, tokens, key_tokens):
    """Return the weights with all four axes, (L, H, T_q, T_k), once they fit
    the tokens.
    """
    weights = checks.numbers("weights", weights, finite=False)
    if weights.ndim not in (2, 3, 4) or weights.shape[-2:] != (
        len(tokens),
        len(key_tokens),
    ):
        raise ValueError(
            f"weights must have the shape ([[layers,] heads,] {len(tokens)},"
            f" {len(key_tokens)}) of the query and key tokens, got"
            f" {weights.shape}"
        )
    if not weights.size:
        raise ValueError(
            "weights must hold at least one weight, got the shape"
            f" {weights.shape}"
        )
    if not ((weights >= 0) & (weights <= 1 + 1e-6)).all():
        raise ValueError(
            f"weights must be between 0 and 1, got {weights.min()} to"
            f" {weights.max()} (or a value that is not a number)"
        )
    if len(tokens) * len(key_tokens) > LARGEST_TABLE:
        raise ValueError(
            f"tokens must make at most {LARGEST_TABLE} pairs of query and key, "
            f"got {len(tokens)} by {len(key_tokens)}"
        )
    return weights.reshape((1,) * (4 - weights.ndim) + weights.shape)


class AttentionView:
    """An explorable view of attention weights, as :func:`attention_view`
    returns it.

    A notebook shows its HTML; elsewhere its text says what it holds.
    """

    def __init__(
        self, weights, tokens, key_tokens, crossing, chosen, digits, title, data
    ):
        self.weights, self.tokens, self.key_tokens = weights, tokens, key_tokens
        self.crossing, self.chosen, self.digits = crossing, chosen, digits
        self.title, self.data = title, data

    def __repr__(self):
        layers, heads, queries, keys = self.weights.shape
        return (
            f"<AttentionView: {layers} {_plural('layer', layers)} of {heads} "
            f"{_plural('head', heads)}, {queries} queries, {keys} keys>"
        )

    def _repr_html_(self):
        shape = ",".join(map(str, self.weights.shape))
        chosen = "".join(
            f' data-{name}="{index}"' for name, index in self.chosen.items()
        )
        cross = " data-cross" if self.crossing else ""
        title = html.escape(self.title)
        return (
            '<attention-view class="attention-view"'
            f' data-shape="{shape}"{chosen}{cross}'
            f' data-digits="{self.digits}" data-weights="{self.data}">'
            '<div class="scroll" tabindex="0" role="region"'
            f' aria-label="{title}">'
            f"{self._table()}</div></attention-view>\n{assets()}"
        )

    def _table(self):
        """Return the heatmap of the head shown first, as a table."""
        layer, head = self.chosen["layer"], self.chosen["head"]
        weights = self.weights[layer, head].round(self.digits)  # (T_q, T_k)
        largest = max(weights.max(), 10.0**-self.digits)
        columns = "".join(
            f"<th scope=col>{as_html(token)}</th>" for token in self.key_tokens
        )
        rows = "".join(
            f"<tr><th scope=row>{as_html(token)}</th>"
            f"{self._cells(row, largest)}</tr>\n"
            for token, row in zip(self.tokens, weights, strict=True)
        )
        return (
            f"<table><caption>Layer {layer}, head {head}: a row attends, a"
            " column is attended to; "
            f"darkest: {self._written(largest)}</caption>"
            f"<thead><tr><td></td>{columns}</tr></thead><tbody>{rows}</tbody></table>"
        )

    def _cells(self, row, largest):
        return "".join(
            f"<td style=--w:{100 * weight / largest:.0f}>"
            f"{self._written(weight)}</td>"
            for weight in row
        )

    def _written(self, weight):
        return f"{weight:.{self.digits}f}".removeprefix("0")


def encode(rows):
    """Write rows of whole numbers from 0 to 1,006 as text: small ones and zeros
    take least room.

    The digits are those of base64. One below 47 is the number itself; ``47 +
    a`` and another ``b`` are ``47 + 64 a + b``; 62 says that the rest of the
    row is zero; 63 and another ``b`` are ``b + 1`` zeros.

    Parameters
    ----------
    rows : (R, T_k) of int

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If they are not rows of integers, or a number is out of range.
    """
    rows = checks.as_array("rows", rows)
    if rows.ndim != 2 or (rows.size and rows.dtype.kind not in "iu"):
        raise ValueError(
            f"rows must be (R, T_k) of integers, got {rows.shape} of"
            f" {rows.dtype}"
        )
    limit = ONE_DIGIT + (END - ONE_DIGIT) * len(DIGITS)
    if rows.size and not 0 <= rows.min() <= rows.max() < limit:
        raise ValueError(
            f"rows must be between 0 and {limit - 1}, got {rows.min()} to"
            f" {rows.max()}"
        )
    return "".join(
        DIGITS[code] for row in rows.tolist() for code in _row_codes(row)
    )


def _row_codes(row):
    """Yield the digits of one row."""
    kept = max((i + 1 for i, value in enumerate(row) if value), default=0)
    for value, run in groupby(row[:kept]):
        length = len(list(run))
        if value == 0:
            for start in range(0, length, len(DIGITS)):
                yield from _zeros(min(len(DIGITS), length - start))
        else:
            yield from _digits(value) * length
    if kept < len(row):
        yield END


def _zeros(length):
    return [ZEROS, length - 1] if length > 2 else [0] * length


def _digits(value):
    if value < ONE_DIGIT:
        return [value]
    high, low = divmod(value - ONE_DIGIT, len(DIGITS))
    return [ONE_DIGIT + high, low]


@cache
def assets():
    """Return the style and the script of the views, as HTML: the same for all
    of a page.
    """
    package = files("llmbook.showing")
    style, script = (
        (package / f"viewer.{kind}").read_text(encoding="utf-8")
        for kind in ("css", "js")
    )
    return f"<style>\n{style}</style>\n<script>\n{script}</script>"


def _plural(noun, count):
    return noun if count == 1 else f"{noun}s"
