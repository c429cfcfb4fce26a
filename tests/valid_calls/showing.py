"""A valid call of each public function of ``llmbook.showing``."""

import numpy as np

from llmbook.showing.tables import cards, table
from llmbook.showing.viewer import attention_view

HALVES = np.full((2, 2), 0.5)
TEXTS = [{"old": "a b", "new": "a c"}]

CALLS = {
    "labels.drawn": {"text": "$5"},
    "labels.as_text": {"text": "a\tb"},
    "labels.as_html": {"text": "$5"},
    "labels.fenced": {"text": "x = 1\n", "language": "python"},
    "plotting.attention_heatmap": {
        "weights": HALVES,
        "tokens": ["a", "b"],
        "key_tokens": ["c", "d"],
        "title": "head 0",
        "vmax": 1.0,
    },
    "plotting.attention_grid": {
        "weights": np.stack([HALVES, HALVES]),
        "tokens": ["a", "b"],
        "key_tokens": ["c", "d"],
        "titles": ["one", "two"],
        "columns": 2,
    },
    "plotting.learning_curves": {
        "curves": {"loss": [2.0, 1.0], "rate": ([1, 5], [0.1, 0.2])},
        "xlabel": "step",
        "ylabel": "loss",
        "baselines": {"chance": 3.0},
    },
    "sketch.Sketch": {
        "name": "a",
        "title": "Title",
        "text": "What is to be seen",
        "width": 300,
        "height": 200,
    },
    "sketch.stylesheet": {},
    "sketch.text_width": {"text": "text", "size": 14},
    "source.Source": {"text": "x = 1\n"},
    "source.show": {"obj": attention_view, "docstring": False},
    "tables.Table": lambda: vars(table([{"a": 1}], caption="A", name="tab-a")),
    "tables.table": {
        "rows": [{"model": "a", "score": 0.5}, {"model": "b", "score": None}],
        "caption": "Scores",
        "name": "tab-scores",
        "formats": {"score": ".1f"},
        "best": {"score": max},
    },
    "tables.Cards": lambda: vars(cards(TEXTS)),
    "tables.cards": {"examples": TEXTS, "compare": ("old", "new")},
    "viewer.attention_view": {
        "weights": np.stack([HALVES, HALVES]),
        "tokens": ["a", "b"],
        "key_tokens": ["c", "d"],
        "layer": 0,
        "head": 1,
        "token": 1,
        "digits": 2,
        "title": "Attention",
    },
    "viewer.AttentionView": lambda: vars(attention_view(HALVES, ["a", "b"])),
    "viewer.encode": {"rows": np.array([[0, 1], [100, 7]])},
    "viewer.assets": {},
}
