r"""See where attention looks, in the page itself: choose a layer and a head,
pick a token.

An :class:`AttentionView` is two columns of tokens, joined by lines as thick as
the weights, with a few kilobytes of script and style that make it explorable by
mouse, touch and keyboard. It asks nothing of the network. Without scripts the
lines of one token stand as they are, and so does the table of all weights.
"""

import html
import re
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
THICKEST = 12  # pixels of a line of weight 1
NAMED = 3  # tokens in the sentence


def attention_view(
    weights,
    tokens,
    key_tokens=None,
    *,
    heads=None,
    layer=0,
    head=0,
    token=0,
    digits=2,
    title="Attention",
):
    r"""Return a view of attention weights that the reader explores.

    It shows one layer and head at a time. Picking query :math:`i` shows where
    it looks, the row :math:`w_{i,\cdot}`; picking key :math:`j` shows who looks
    at it, the column :math:`w_{\cdot,j}`. Lines are as thick as the weights. In
    grey, every other query is joined to the key that it looks at most.

    Parameters
    ----------
    weights : (T_q, T_k), (H, T_q, T_k) or (L, H, T_q, T_k)
        Of one head, of the heads of a layer, or of several layers; between 0
        and 1.
    tokens : list of T_q str
        The queries; also the keys, if ``key_tokens`` is not given.
    key_tokens : list of T_k str, optional
        The keys of a cross-attention: the source sentence.
    heads : list of H str, optional
        Names of the heads, the same in all layers: what each looks for.
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
        If tokens or ``heads`` are not strings; if ``weights`` does not fit them
        or holds what is not between 0 and 1; if ``layer``, ``head``, ``token``
        or ``digits`` is not an integer or out of range; if a head has more than
        16,384 weights, or the weights together take more than 60 kB.
    """
    tokens = checks.labels("tokens", tokens)
    if key_tokens is None:
        key_tokens = tokens
    key_tokens = checks.labels("key_tokens", key_tokens)
    checks.text("title", title)
    weights = _layers_and_heads(weights, tokens, key_tokens)  # (L, H, T_q, T_k)
    if heads is not None:
        heads = checks.labels("heads", heads)
        if len(heads) != weights.shape[1]:
            raise ValueError(
                f"heads must name {weights.shape[1]}"
                f" {_plural('head', weights.shape[1])}, got {len(heads)}"
                f" {_plural('name', len(heads))}"
            )
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
    units = np.rint(weights * 10**digits).astype(int)  # (L, H, T_q, T_k)
    data = encode(units.reshape(-1, len(key_tokens)))
    if len(data) > LARGEST_DATA:
        raise ValueError(
            f"weights must take at most {LARGEST_DATA} bytes as stored, got"
            f" {len(data)}: show fewer layers, heads, tokens or digits"
        )
    return AttentionView(
        units, tokens, key_tokens, heads, chosen, digits, title, data
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
        self, units, tokens, key_tokens, heads, chosen, digits, title, data
    ):
        # (L, H, T_q, T_k), whole numbers of the last digit shown
        self.units = units
        self.tokens, self.key_tokens = tokens, key_tokens
        self.heads, self.chosen, self.digits = heads, chosen, digits
        self.title, self.data = title, data

    def __repr__(self):
        layers, heads, queries, keys = self.units.shape
        return (
            f"<AttentionView: {layers} {_plural('layer', layers)} of {heads} "
            f"{_plural('head', heads)}, {queries} queries, {keys} keys>"
        )

    def _repr_html_(self):
        shape = ",".join(map(str, self.units.shape))
        title = html.escape(self.title)
        return (
            '<attention-view class="attention-view mathjax_ignore" role="group"'
            f' aria-label="{title}" data-shape="{shape}"'
            f' data-digits="{self.digits}" data-weights="{self.data}">'
            '<form method="dialog" autocomplete="off">'
            f"{self._controls()}<output>{self._sentence()}</output>\n"
            "<details><summary>as numbers</summary>"
            '<div class="scroll" tabindex="0" role="region"'
            f' aria-label="{title}, as numbers">{self._table()}</div></details>'
            f"{self._stage()}</form></attention-view>\n{assets()}"
        )

    def _shown(self):
        """Return the weights of the head shown first, (T_q, T_k)."""
        return self.units[self.chosen["layer"], self.chosen["head"]]

    def _controls(self):
        """Return what chooses the layer and the head, where there is a
        choice.
        """
        layers, heads, queries, keys = self.units.shape
        choices = []
        if layers > 1:
            options = "".join(
                f"<option{' selected' * (i == self.chosen['layer'])}>{i}"
                for i in range(layers)
            )
            choices.append(
                f"<label>Layer <select name=layer>{options}</select></label>"
            )
        if heads > 1 or self.heads:
            radios = "".join(
                f"<label>{_radio('head', i, i == self.chosen['head'])}<canvas"
                f" width={keys} height={queries}></canvas><span>"
                f"{self._head(i)}</span></label>"
                for i in range(heads)
            )
            choices.append(
                "<div class=heads role=radiogroup aria-label=Head>"
                f"{radios}</div>"
            )
        return f"<div class=controls>{''.join(choices)}</div>\n"

    def _head(self, index):
        return html.escape(self.heads[index] if self.heads else f"head {index}")

    def _place(self):
        """Return which layer and head are shown, as far as there are several,
        before a colon.
        """
        layers, heads = self.units.shape[:2]
        parts = [f"layer {self.chosen['layer']}"] * (layers > 1)
        if heads > 1 or self.heads:
            parts.append(self._head(self.chosen["head"]))
        place = ", ".join(filter(None, parts))
        return f"{place[0].upper()}{place[1:]}: " if place else ""

    def _sentence(self):
        """Return what the view shows first, in words."""
        token = self.chosen["token"]
        row = self._shown()[token].tolist()  # (T_k,)
        found = sorted(
            (k for k, unit in enumerate(row) if unit), key=lambda k: -row[k]
        )
        named = [
            f"{as_html(self.key_tokens[k])} ({k + 1}) {self._written(row[k])}"
            for k in found[:NAMED]
        ]
        if len(found) > NAMED:
            rest = len(found) - NAMED
            named.append(f"and {rest} {_plural('other', rest)}")
        return (
            f"{self._place()}{as_html(self.tokens[token])} (query {token + 1})"
            f" looks at {', '.join(named) or 'nothing'}."
        )

    def _stage(self):
        """Return the two columns of tokens and the lines between them."""
        token = self.chosen["token"]
        queries = "".join(
            f"<label>{_radio('query', i, i == token)}<small></small>"
            f"<span>{as_html(text)}</span></label>"
            for i, text in enumerate(self.tokens)
        )
        keys = "".join(
            f'<label style="--w:{self._percent(unit)}">{_radio("key", i)}<span>'
            f"{as_html(text)}</span>"
            f"<small>{self._written(unit) if unit else ''}</small></label>"
            for i, (text, unit) in enumerate(
                zip(self.key_tokens, self._shown()[token], strict=True)
            )
        )
        rows = max(len(self.tokens), len(self.key_tokens))
        looking = _side("queries, which look", "looks", "query", queries)
        seen = _side("keys, which are looked at", "is looked at", "key", keys)
        return (
            f'\n<div class="stage query" tabindex="0">{looking}\n'
            f'<svg viewBox="0 0 1 {rows}" style="--rows:{rows}"'
            ' preserveAspectRatio="none" aria-hidden="true">'
            f"{self._lines()}</svg>\n{seen}</div>\n"
        )

    def _lines(self):
        """Return a line for each weight of the chosen token, and beneath, a
        grey one from each other token to where it looks most.
        """
        token, units = self.chosen["token"], self._shown()  # (T_q, T_k)
        quiet = [
            self._line(q, row.argmax(), row.max())
            for q, row in enumerate(units)
            if q != token and row.any()
        ]
        loud = [
            self._line(token, k, unit, " class=on")
            for k, unit in enumerate(units[token])
            if unit
        ]
        return "".join(quiet + loud)

    def _line(self, query, key, unit, kind=""):
        width = max(THICKEST * unit / 10**self.digits, 0.5)
        return (
            f'<path{kind} d="M0 {query}.5L1 {key}.5"'
            f' stroke-width="{width:.1f}"/>'
        )

    def _table(self):
        """Return the heatmap of the head shown first, as a table."""
        units = self._shown()  # (T_q, T_k)
        largest = max(units.max(), 1)
        columns = "".join(
            f"<th scope=col>{as_html(token)}</th>" for token in self.key_tokens
        )
        rows = "".join(
            f"<tr><th scope=row>{as_html(token)}</th>"
            f"{self._cells(row, largest)}</tr>\n"
            for token, row in zip(self.tokens, units, strict=True)
        )
        return (
            f"<table><caption>{self._place()}a row looks, a column is looked"
            f" at; darkest: {self._written(largest)}</caption>"
            f"<thead><tr><td></td>{columns}</tr></thead><tbody>{rows}</tbody></table>"
        )

    def _cells(self, row, largest):
        return "".join(
            f"<td style=--w:{100 * unit / largest:.0f}>"
            f"{self._written(unit)}</td>"
            for unit in row
        )

    def _percent(self, unit):
        return f"{100 * unit / 10**self.digits:g}"

    def _written(self, unit):
        return f"{unit / 10**self.digits:.{self.digits}f}".removeprefix("0")


def _side(name, verb, role, labels):
    return (
        f'<div class=side role=radiogroup aria-label="{name}">'
        f"<strong>{verb} <i>({role})</i></strong>{labels}</div>"
    )


def _radio(name, index, checked=False):
    return f"<input type=radio name={name} value={index}{' checked' * checked}>"


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
    of a page, without comments and indents.
    """
    package = files("llmbook.showing")
    style, script = (
        re.sub(
            r"^\s+|^//.*\n|  //.*$",
            "",
            (package / f"viewer.{kind}").read_text(encoding="utf-8"),
            flags=re.MULTILINE,
        )
        for kind in ("css", "js")
    )
    return f"<style>\n{style}</style>\n<script>\n{script}</script>"


def _plural(noun, count):
    return noun if count == 1 else f"{noun}s"
