"""A reader's text is shown as it reads, whatever it would mean as markup."""

import re
import warnings
from html.parser import HTMLParser

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from matplotlib.text import Text

from llmbook.showing.labels import NOTHING, VISIBLE, as_html, drawn, fenced
from llmbook.showing.plotting import (
    attention_grid,
    attention_heatmap,
    learning_curves,
)
from llmbook.showing.viewer import attention_view

MARKUP = [
    "$$",
    "$5 and $6",
    r"\$5",
    r"$\frac{1}$",
    "_nolegend_",
    "_",
    "a_b^c",
    "<b>bold</b>",
    "&amp;",
    "👍🏽",
    "मौसम",
    "a\tb",
    "\x00",
    "\ud83d",
    "{x}",
    "%s",
    "酒店",
    "",
]
some_text = st.one_of(
    st.sampled_from(MARKUP),
    st.text(max_size=12),
    st.text("$\\_{}^a", max_size=9),
)


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def painted(text):
    """Return what Matplotlib paints for a text of a figure: its characters, and whether they are mathematics."""
    shown, is_math = Text(text=text)._preprocess_math(text)
    return shown.removeprefix(NOTHING), is_math


@settings(max_examples=300, deadline=None)
@given(some_text)
@example("\\$")
def test_matplotlib_paints_the_text_and_no_mathematics(text):
    shown, is_math = painted(drawn(text))
    assert not is_math
    back = re.sub(
        r"\[U\+([0-9A-F]{4,6})\]", lambda found: chr(int(found[1], 16)), shown
    )
    assert back == text


@settings(max_examples=15, deadline=None)
@given(st.lists(some_text, min_size=2, max_size=3, unique=True))
def test_figures_with_any_labels_can_be_drawn(labels):
    size = len(labels)
    weights = np.full((size, size), 1 / size)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # of a glyph that no font has
        # of labels that are longer than the figure is wide
        warnings.filterwarnings("ignore", message="constrained_layout")
        attention_heatmap(weights, labels, title=labels[0]).figure.canvas.draw()
        attention_grid(
            np.stack([weights] * size), labels, titles=labels
        ).canvas.draw()
        ax = learning_curves(
            {label: [1, 2] for label in labels},
            xlabel=labels[0],
            ylabel=labels[1],
            baselines=dict.fromkeys(labels, 1),
        )
        ax.figure.canvas.draw()
    plt.close("all")
    legend = [
        painted(text.get_text())[0] for text in ax.get_legend().get_texts()
    ]
    shown = [painted(drawn(label))[0] for label in labels if drawn(label)]
    assert legend == shown


def test_ends_of_lines_are_seen_at_the_axes():
    ax = attention_heatmap(np.eye(3), ["a", "\n", "\t"])
    assert [t.get_text() for t in ax.get_yticklabels()] == [
        "a",
        VISIBLE["\n"],
        VISIBLE["\t"],
    ]


def test_an_emoji_is_named_by_its_code_point():
    assert drawn("so 👍") == "so [U+1F44D]"
    assert drawn("很好 café – …") == "很好 café – …"
    with pytest.raises(ValueError, match="labels must be strings, got 3"):
        drawn(3)


class Shown(HTMLParser):
    """The text of HTML outside of what MathJax is told to ignore, and all of it."""

    def __init__(self, source):
        super().__init__()
        self.all, self.open, self.ignoring = "", 0, 0
        self.formulas = ""
        self.feed(source)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.ignoring += "mathjax_ignore" in dict(attributes).get("class", "")

    def handle_endtag(self, tag):
        self.ignoring = 0

    def handle_data(self, data):
        self.all += data
        self.formulas += "" if self.ignoring else data


@settings(max_examples=300, deadline=None)
@given(some_text)
def test_html_shows_the_token_and_no_formula(text):
    shown = Shown(as_html(text))
    seen = "".join(VISIBLE.get(character, character) for character in text)
    assert shown.all == (seen or "∅")
    assert not re.search(r"[$\\]", shown.formulas)
    assert "<b>" not in as_html(text)


@pytest.mark.parametrize("text", MARKUP)
def test_the_viewer_shows_any_token(text):
    page = attention_view(np.eye(2), [text, "a"], title=text)._repr_html_()
    assert as_html(text) in page
    assert "<b>" not in page


@settings(max_examples=200, deadline=None)
@given(st.text("`~ab\n ", max_size=30))
def test_code_stays_in_its_fence(text):
    text = text.rstrip("\n") + "\n"
    tokens = MarkdownIt().parse(fenced(text, "python"))
    assert [(t.type, t.info, t.content) for t in tokens] == [
        ("fence", "python", text)
    ]


@pytest.mark.parametrize(
    ("titles", "message"),
    [
        (["one"], "heads and titles must be as many, got 2 heads, 1 titles"),
        (["a", "b", "c"], "got 2 heads, 3 titles"),
        ([], "got 2 heads, 0 titles"),
        ("ab", "titles must be a list of strings, got str"),
        (["a", 3], "titles must be strings, got 3"),
    ],
)
def test_each_head_has_a_title(titles, message):
    with pytest.raises(ValueError, match=message):
        attention_grid(np.full((2, 2, 2), 0.5), ["a", "b"], titles=titles)


def test_a_curve_has_as_many_steps_as_values():
    with pytest.raises(ValueError, match="3 steps, 2 values"):
        learning_curves({"loss": ([1, 2, 3], [4, 5])})
