"""A valid call of each public function of ``llmbook.corpora``."""

from collections import Counter
from datetime import datetime
from pathlib import Path

import numpy as np

from llmbook.corpora.docstrings import Pair
from llmbook.corpora.facts import Fact, make_examples
from llmbook.corpora.hsk import Sentence
from llmbook.corpora.probes import probes
from llmbook.corpora.reviews import Reviews
from llmbook.corpora.roles import grammar, real
from llmbook.corpora.snippets import Snippets

ROOT = Path(__file__).parents[2]
PAIRS = [
    Pair("p", f"{i}.py", "f", "Return the name.", f"word {i} " * 9)
    for i in range(8)
]
REVIEWS = Reviews(
    [f"酒店 {i}" for i in range(8)]
    + [f"作者 {i}" for i in range(8)]
    + [f"电脑 {i}" for i in range(8)],
    np.array([0, 1] * 12),
)
SNIPPETS = Snippets(["good", "bad", "so"], np.array([2.0, -2.0, 0.0]))
FACTS = [
    Fact(relation, f"Place {i}", f"Coin {i % 7}", str(1900 + i))
    for i in range(110)
    for relation in ("introduced", "withdrawn")
]
SENTENCE = Sentence("很好", "Very good.", ["很", "好"], ["very", "good; nice"])


WORDS = grammar.words("the old book")
READ = grammar.clause([(grammar.words("read"), "V"), (WORDS, "ARG1")], "ARG0")
EXAMPLE = grammar.Example(("He", "ran"), 1, ((0, 1, "ARG0"),))
ANNOTATED = real.Sentence("1", "test", EXAMPLE, EXAMPLE, EXAMPLE)


def logits(texts):
    """Scores (B,) of texts."""
    return np.array([len(text) - 20.0 for text in texts])


def silent(_):
    """Take a sentence and say nothing."""


CALLS = {
    "books.load_sanguo": {"path": None},
    "books.load_web_bible": {"path": None},
    "books.split_book": {
        "chapters": ["a", "b", "c", "d"],
        "validation": 1,
        "test": 1,
    },
    "cldr.generate": {"count": 3, "seed": 0, "years": (1950, 2049)},
    "cldr.date_expression": {
        "when": datetime(1987, 11, 23),
        "skeleton": "yMMMd",
        "numerals": True,
    },
    "cldr.quantity_expression": {
        "chinese": "3天",
        "english": "3 days",
        "numerals": False,
    },
    "cldr.skeletons": {},
    "docstrings.load_docstrings": {
        "packages": ["tokenizers"],
        "report": silent,
    },
    "docstrings.pairs_of": {
        "path": ROOT / "tools" / "records.py",
        "package": "p",
        "module": "m",
        "counts": Counter(),
    },
    "docstrings.summary_and_body": {
        "docstring": "Return it.\n\n" + "word " * 20
    },
    "docstrings.split_by_module": {
        "pairs": PAIRS,
        "shares": (0.2, 0.2),
        "shingle": 5,
    },
    "domains.domain_of": {"text": "酒店很好"},
    "domains.by_domain": {
        "reviews": REVIEWS,
        "training": 4,
        "test": 2,
        "seed": 0,
    },
    "facts.load_facts": {},
    "facts.split_places": {"facts": FACTS, "held_out": (40, 60), "seed": 5},
    "facts.tokenize": {"text": "in 1999"},
    "facts.text_of": {"tokens": ["in", "1999"], "span": (0, 1)},
    "facts.template_words": {},
    "facts.make_examples": {
        "facts": FACTS,
        "count": 3,
        "seed": 0,
        "statements": "training",
        "questions": "training",
        "num_sentences": 4,
        "unanswerable": 0.5,
        "twins": 0.7,
        "withdrawn": 1.0,
        "asked": ("place", "number"),
        "longest": 90,
    },
    "facts.fill": {"template": "{place} in {number}.", "fact": FACTS[0]},
    "facts.tell": {"facts": FACTS, "seed": 0, "statements": "training"},
    "facts.fitting": {
        "example": make_examples(FACTS, 1, 0)[0],
        "facts": FACTS,
    },
    "facts.with_passage": {
        "example": make_examples(FACTS, 1, 0)[0],
        "sentences": ["In 1999 France adopted the Euro."],
    },
    "files.delimiter_of": {"path": "a.csv"},
    "files.header": {"path": ROOT / "data" / "product_aspects.tsv"},
    "files.rows": {"data": b"x,y\n1,2\n", "name": "a.csv", "delimiter": ","},
    "files.table": {
        "path": ROOT / "data" / "product_aspects.tsv",
        "columns": ["text", "aspect"],
        "delimiter": "\t",
        "others": True,
    },
    "hsk.load_sentences": {"path": None, "report": silent},
    "hsk.split": {
        "sentences": [SENTENCE] * 5,
        "validation": 1,
        "test": 1,
        "seed": 7,
    },
    "hsk.english_tokens": {"text": "It isn't 15."},
    "hsk.senses": {"gloss": "good; to be well"},
    "hsk.glossed_tokens": {
        "sentence": SENTENCE,
        "most_senses": 2,
        "most_words": 2,
    },
    "lexicon.load_lexicon": {"path": None},
    "probes.probes": {},
    "probes.pass_rates": {"logits": logits, "questions": probes()},
    "reviews.Reviews.take": {"self": REVIEWS, "indices": [0, 3]},
    "reviews.load_reviews": {
        "path": ROOT / "tests" / "valid_calls" / "some.csv",
        "report": silent,
    },
    "reviews.packaged_rows": {},
    "reviews.file_rows": {"path": ROOT / "tests" / "valid_calls" / "some.csv"},
    "reviews.key": {"text": "Good :)"},
    "reviews.is_worded": {"text": "Good"},
    "reviews.clean": {"rows": [("good", 1), ("bad", 0)]},
    "reviews.split": {
        "reviews": REVIEWS,
        "fractions": (0.5, 0.25, 0.25),
        "seed": 42,
    },
    "roles.grammar.words": {"text": "the book"},
    "roles.grammar.join": {"*0": WORDS, "*1": READ},
    "roles.grammar.attach": {"head": WORDS, "modifier": READ},
    "roles.grammar.clause": {
        "parts": [(grammar.words("read"), "V"), (WORDS, "ARG1")],
        "subject": "ARG0",
        "gap": "ARG2",
    },
    "roles.grammar.Grammar": {
        "seed": 0,
        "held_out": True,
        "longer": False,
        "relatives": ["subject_relative"],
    },
    "roles.grammar.Grammar.sentence": lambda: {"self": grammar.Grammar(0)},
    "roles.grammar.examples": {"phrase": READ},
    "roles.grammar.generate": {
        "count": 2,
        "seed": 0,
        "longest": 20,
        "wanted": grammar.is_passive_relative,
        "longer": False,
    },
    "roles.grammar.corpus": {"count": 9, "held": 1},
    "roles.grammar.is_passive_relative": {"example": EXAMPLE},
    "roles.lexicon.spaced": {"text": "a b"},
    "roles.lexicon.barred": {"text": "a|b c"},
    "roles.lexicon.verb": {"base": "read"},
    "roles.lexicon.plural": {"noun": "city"},
    "roles.lexicon.is_form_of_lexicon": {"word": "reads"},
    "roles.lexicon.classes": {"word": "reads"},
    "roles.real.tokenise": {"text": "It isn't."},
    "roles.real.draw": {"count": 2, "seed": 14},
    "roles.real.parse": {"line": "[ARG0 He] [V ran] ."},
    "roles.real.load": {"path": None},
    "roles.real.examples": {"sentences": [ANNOTATED], "part": "test"},
    "roles.real.agreement": {"sentences": [ANNOTATED, ANNOTATED]},
    "sections.load_sections": {
        "folder": ROOT / "tests" / "valid_calls",
        "leave_out": ["none"],
        "shortest": 12,
    },
    "sections.plain": {"markdown": "**bold** $x$"},
    "sections.load_questions": {"path": ROOT / "data" / "book_questions.tsv"},
    "snippets.classes": {"valence": np.array([1.0, -1.0]), "margin": 0.5},
    "snippets.Snippets.take": {"self": SNIPPETS, "indices": [0, 2]},
    "snippets.Snippets.polar": {"self": SNIPPETS},
    "snippets.load_snippets": {
        "source": "news",
        "path": None,
        "report": silent,
    },
    "snippets.read_rows": {"path": ROOT / "tests" / "valid_calls" / "some.txt"},
    "snippets.clean": {"rows": [("good", 1.0), ("bad", -1.0)]},
    "snippets.load_aspects": {"path": ROOT / "data" / "product_aspects.tsv"},
}
