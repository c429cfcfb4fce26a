"""A valid call of each public function of ``llmbook.text``."""

from types import SimpleNamespace

import numpy as np

from llmbook.text.bpe import BPETokenizer
from llmbook.text.english import WordViewTokenizer
from llmbook.text.tokenizers import (
    PAD,
    UNKNOWN,
    CharTokenizer,
    NgramTokenizer,
    Vocabulary,
    WordTokenizer,
)

TEXTS = ["酒店很好 a good film", "not good"]
FEW = [PAD, UNKNOWN, "a", "b"]
CHARACTERS = CharTokenizer.fit(TEXTS)
VIEWS = NgramTokenizer.fit(TEXTS)
ENGLISH = WordViewTokenizer.fit(TEXTS, lexicon={"good": 1.9})
KNOWN = Vocabulary([PAD, UNKNOWN, "<end>", "a", "b"])
TAGGED = SimpleNamespace(words=["He", "ran"], spans=[(0, 1, "A0")])

CALLS = {
    "bpe.split_words": {"text": "in the beginning"},
    "bpe.count_pairs": {"words": [(("a", "b"), 2)]},
    "bpe.merge_pair": {"word": ["a", "b"], "pair": ("a", "b"), "merged": "ab"},
    "bpe.Chain": {"words": ["abc", "ab"]},
    "bpe.learn_merges": {
        "counts": {"low": 5, "lower": 2},
        "num_merges": 3,
        "min_count": 1,
    },
    "bpe.BPETokenizer": {"tokens": [*FEW, "ab"], "merges": [("a", "b")]},
    "bpe.BPETokenizer.fit": {
        "texts": TEXTS,
        "min_count": 1,
        "max_size": 30,
        "num_merges": 3,
    },
    "bpe.BPETokenizer.tokenize": {
        "self": BPETokenizer.fit(TEXTS, num_merges=3),
        "text": "good",
    },
    "english.words": {"text": "it isn't 1.5"},
    "english.clause": {"text": "good, but slow", "term": "slow"},
    "english.WordViewTokenizer": {
        "tokens": FEW,
        "lexicon": {"good": 1.9},
        "stem": 4,
    },
    "english.WordViewTokenizer.fit": {"texts": TEXTS, "min_count": 1},
    "english.WordViewTokenizer.views": {"self": ENGLISH, "text": "so good"},
    "english.WordViewTokenizer.tokenize": {"self": ENGLISH, "text": "so good"},
    "english.WordViewTokenizer.pieces": {"self": ENGLISH, "text": "so good"},
    "english.WordViewTokenizer.encode": {"self": ENGLISH, "text": "so good"},
    "english.WordViewTokenizer.decode": {
        "self": ENGLISH,
        "ids": np.array([[2, 3, 4, 5]]),
    },
    "tags.bio_tags": {"spans": [(0, 2, "ARG0")], "length": 3},
    "tags.spans_of": {"tags": ["B-ARG0", "I-ARG0", "O"]},
    "tags.allowed_steps": {"tags": ["O", "B-ARG0", "I-ARG0"]},
    "tags.best_path": {
        "scores": np.array([[0.0, 1.0], [1.0, 0.0]]),
        "allowed": np.ones((3, 2), bool),
    },
    "tags.span_f1": {
        "examples": [TAGGED, TAGGED],
        "predicted": [[(0, 1, "A0")], []],
    },
    "tokenizers.normalise": {"text": " ａ  b "},
    "tokenizers.edged": {"units": ["a", "$"]},
    "tokenizers.Known": {"tokens": FEW},
    "tokenizers.Known.frequent": {
        "found": ["a", "b", "a"],
        "min_count": 1,
        "max_size": 4,
    },
    "tokenizers.Known.look_up": {
        "self": KNOWN,
        "tokens": ["a", "c"],
        "beyond": {"c": 5},
    },
    "tokenizers.Tokenizer": {"tokens": FEW},
    "tokenizers.Tokenizer.from_state": lambda: {"state": CHARACTERS.state()},
    "tokenizers.Tokenizer.save": {"self": CHARACTERS, "path": "a.json"},
    "tokenizers.CharTokenizer": {"tokens": FEW},
    "tokenizers.CharTokenizer.fit": {
        "texts": TEXTS,
        "min_count": 1,
        "max_size": 5,
    },
    "tokenizers.CharTokenizer.listed": {"texts": TEXTS},
    "tokenizers.CharTokenizer.tokenize": {"self": CHARACTERS, "text": "很好"},
    "tokenizers.CharTokenizer.pieces": {"self": CHARACTERS, "text": "很好"},
    "tokenizers.CharTokenizer.encode": {"self": CHARACTERS, "text": "很好"},
    "tokenizers.CharTokenizer.decode": {"self": CHARACTERS, "ids": [2, 3, 0]},
    "tokenizers.words": {"text": "酒店很好", "search": False},
    "tokenizers.WordTokenizer": {"tokens": FEW, "stop_words": ["的"]},
    "tokenizers.WordTokenizer.tokenize": {
        "self": WordTokenizer.fit(TEXTS),
        "text": "很好",
    },
    "tokenizers.NgramTokenizer": {"tokens": FEW},
    "tokenizers.NgramTokenizer.views": {"self": VIEWS, "text": "很好"},
    "tokenizers.NgramTokenizer.tokenize": {"self": VIEWS, "text": "很好"},
    "tokenizers.NgramTokenizer.pieces": {"self": VIEWS, "text": "很好"},
    "tokenizers.NgramTokenizer.encode": {"self": VIEWS, "text": "很好"},
    "tokenizers.NgramTokenizer.decode": {
        "self": VIEWS,
        "ids": np.array([[2, 3, 4, 5], [6, 7, 8, 9]]),
    },
    "tokenizers.pad": {
        "sequences": [[2, 3], [4]],
        "length": 3,
        "truncate": "end",
    },
    "tokenizers.Vocabulary": {"tokens": [PAD, UNKNOWN, "<end>", "a"]},
    "tokenizers.Vocabulary.fit": {
        "sequences": [["a", "b"], ["a"]],
        "min_count": 1,
        "max_size": 9,
    },
    "tokenizers.Vocabulary.encode": {
        "self": KNOWN,
        "tokens": ["a", "c"],
        "words": ["c"],
    },
    "tokenizers.Vocabulary.decode": {
        "self": KNOWN,
        "ids": [3, 5, 2],
        "words": ["c"],
    },
    "writing.pattern": {"text": r"\p{L}+"},
    "writing.between_spaces": {"text": "a b"},
}
