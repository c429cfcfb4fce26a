"""A valid call of each public function of ``llmbook.measures``."""

from functools import cache

import numpy as np

from llmbook.corpora.docstrings import Pair
from llmbook.corpora.facts import Example, Fact
from llmbook.corpora.hsk import Sentence
from llmbook.corpora.roles.grammar import Example as Tagged
from llmbook.measures import ranking, summaries

PAIR = Pair(
    "llmbook",
    "a.py",
    "Reader.get_name",
    "Return the name of the reader.",
    "Gives the name. The reader of the book has a name of two words.",
)
OTHER = PAIR._replace(name="set_size", summary="Set the size of the page.")
FACT = Fact("introduced", "France", "Euro", "1999")
EXAMPLE = Example(
    ["When", "did", "France", "adopt", "the", "Euro", "?"],
    ["In", "1999", "France", "adopted", "the", "Euro", "."],
    (1, 1),
    FACT,
    "number",
    [(0, 6)],
    False,
)
SENTENCE = Sentence("很好", "Very good.", ["很", "好"], ["very", "good"])
SCORES = np.array([[3.0, 1.0, 2.0], [0.5, 0.1, 0.9]])
COUNTER = cache(lambda: summaries.body_counter([PAIR, OTHER]))


def scorer(texts):
    """Scores (B,) of texts."""
    return np.array([len(text) - 8.0 for text in texts])


CALLS = {
    "alignment.alignment_accuracy": {
        "weights": [np.eye(2)],
        "right": [np.eye(2, dtype=bool)],
    },
    "alignment.same": {
        "queries": ["a", "b"],
        "keys": ["a", "c"],
        "ignored": ["b"],
    },
    "answers.exact": {"prediction": "Euro", "answer": "euro"},
    "answers.overlap_f1": {"prediction": "the Euro", "answer": "euro"},
    "answers.overlap_answer": {"example": EXAMPLE},
    "ranking.stem": {"word": "weights"},
    "ranking.terms": {"text": "the maxSize of 酒店"},
    "ranking.TermTokenizer": {"tokens": ["<pad>", "<unk>", "name"]},
    "ranking.TermTokenizer.tokenize": {
        "self": ranking.TermTokenizer(["<pad>", "<unk>", "name"]),
        "text": "the name",
    },
    "ranking.BM25": {
        "documents": ["cats and dogs", "weights move"],
        "k1": 1.5,
        "b": 0.75,
    },
    "ranking.BM25.scores": {
        "self": ranking.BM25(["cats and dogs", "weights move"]),
        "queries": ["dogs", "birds"],
    },
    "ranking.standardised": {"scores": SCORES},
    "ranking.weighted_fusion": {
        "first": SCORES,
        "second": SCORES**2,
        "weight": 0.5,
    },
    "ranking.reciprocal_rank_fusion": {"*0": SCORES, "*1": SCORES**2, "k": 60},
    "ranking.right_ranks": {"scores": SCORES, "right": np.array([0, 2])},
    "ranking.recall_at": {"ranks": np.array([1.0, 2.0]), "k": 1},
    "ranking.mean_reciprocal_rank": {"ranks": np.array([1.0, 2.0])},
    "ranking.best_weight": {
        "first": SCORES,
        "second": SCORES**2,
        "right": np.array([0, 2]),
        "weights": (0.0, 0.5, 1.0),
    },
    "roles.label": {"example": Tagged(("Tom", "opened", "it"), 1, ())},
    "roles.actor": {
        "example": Tagged(("Tom", "opened", "it"), 1, ((0, 1, "ARG0"),))
    },
    "roles.bare": {"text": "by the cat"},
    "sentiment.hide": {"text": "a good film", "position": 1},
    "sentiment.flips": {
        "logits": scorer,
        "texts": ["a good film", "bad"],
        "positions": [1, 0],
    },
    "sentiment.cut": {"scores": np.array([-1.0, 2.0]), "low": 0.0, "high": 1.0},
    "sentiment.fit_cuts": {
        "scores": np.array([-1.0, 0.0, 1.0, 2.0]),
        "labels": np.array([0, 1, 1, 2]),
        "candidates": 4,
    },
    "sentiment.macro_f1": {
        "labels": np.array([0, 1, 2]),
        "predictions": np.array([0, 2, 2]),
    },
    "summaries.tokens": {"text": "Returns getName(max_size)"},
    "summaries.name_tokens": {"pair": PAIR},
    "summaries.source_tokens": {"pair": PAIR},
    "summaries.summary_tokens": {"pair": PAIR},
    "summaries.rouge": {
        "hypotheses": [["the", "name"], ["a"]],
        "references": [["a", "name"], ["a"]],
    },
    "summaries.sentences": {"body": "One two three. Four five six."},
    "summaries.lead": {"pair": PAIR},
    "summaries.name_and_lead": {"pair": PAIR, "words": 9},
    "summaries.text_rank": lambda: {
        "pair": PAIR,
        "counter": COUNTER(),
        "damping": 0.85,
        "rounds": 30,
    },
    "summaries.oracle": {"pair": PAIR},
    "summaries.body_counter": {"pairs": [PAIR, OTHER]},
    "summaries.nearest_summaries": lambda: {
        "pairs": [PAIR],
        "training": [PAIR, OTHER],
        "counter": COUNTER(),
    },
    "summaries.unsupported": {
        "summary": ["reader", "elephant"],
        "source": ["readers"],
    },
    "summaries.contradictions": {"summary": ["get"], "source": ["set"]},
    "summaries.repeats": {"summary": ["a", "b", "a", "b"], "size": 2},
    "translation.scores": {
        "hypotheses": ["the name", "a"],
        "references": ["a name", "a"],
    },
    "translation.nearest": {
        "queries": ["很好"],
        "texts": ["很好", "不好"],
        "ngrams": (1, 2),
    },
    "translation.gloss_translation": {"sentence": SENTENCE},
    "translation.learned_dictionary": {"pairs": [(["很", "好"], ["very"])]},
}
