"""Passages, questions and answers made from facts that are true: who pays and
speaks with what.

The facts are those of CLDR, the Unicode Consortium's repository of locale data,
as Babel carries them: which currency a territory adopted and gave up in which
year, and which of its official languages how many of its people speak. A
passage tells a few of them in sentences of varied wording; a question asks for
one part of one of them.
"""

import itertools
import random
import re
from collections import defaultdict
from typing import NamedTuple

import numpy as np
from babel import Locale
from babel.core import get_global

from llmbook import checks
from llmbook.text.writing import NAME, ONE, pattern

PARTS = ("place", "thing", "number")
WORDINGS = ("training", "validation", "test")
PATIENCE = 20_000  # facts, before a search among them is given up
_TOKEN = pattern(rf"{NAME}|{ONE}")

# What a relation can be told as, and asked for. Which wordings belong to which
# part of the data is said by name: those under "validation" and "test" are in
# no training passage.
STATEMENTS = {
    "introduced": {
        "training": [
            "In {number} {place} adopted the {thing}.",
            "The {thing} was introduced in {place} in {number}.",
            "{place} used the {thing} from {number} on.",
            "From {number} people in {place} paid with the {thing}.",
            "The {thing} became the money of {place} in {number}.",
            "In {place} the {thing} came into use in {number}.",
            "It was in {number} that the {thing} arrived in {place}.",
            "Banks in {place} first issued the {thing} in {number}.",
            "{place} introduced the {thing} as its money in {number}.",
            "From {number} on, the {thing} was the currency of {place}.",
            "The people of {place} received the {thing} in {number}.",
            "In {number} the {thing} was adopted by {place}.",
            (
                "The government of {place} made the {thing} legal tender in"
                " {number}."
            ),
            "The {thing}, which arrived in {number}, was the money of {place}.",
        ],
        "validation": [
            "Banks issued the {thing} in {place} from {number} on.",
            "In {number} the government of {place} introduced the {thing}.",
            "The {thing}, adopted in {number}, was the currency of {place}.",
            "It was in {place} that people first used the {thing} in {number}.",
        ],
        "test": [
            "The {thing}, introduced in {number}, was in use in {place}.",
            "People in {place} first paid with the {thing} in {number}.",
            "In {number} the {thing} became legal tender in {place}.",
            "{place} made the {thing} its currency in {number}.",
            "The {thing} arrived in {number} and was adopted by {place}.",
        ],
    },
    "withdrawn": {
        "training": [
            "{place} abandoned the {thing} in {number}.",
            "The {thing} was withdrawn in {place} in {number}.",
            "In {number} the {thing} ceased to be legal tender in {place}.",
            "Until {number} people in {place} could pay with the {thing}.",
            "The {thing} disappeared from {place} in {number}.",
            "In {place} the {thing} went out of use in {number}.",
            "It was in {number} that {place} gave up the {thing}.",
            "Banks in {place} stopped issuing the {thing} in {number}.",
            "{place} withdrew the {thing} in {number}.",
            (
                "After {number}, the {thing} was no longer the currency of"
                " {place}."
            ),
            "The people of {place} lost the {thing} in {number}.",
            "In {number} the {thing} was abandoned by {place}.",
            (
                "The government of {place} ended the use of the {thing} in"
                " {number}."
            ),
            (
                "The {thing}, which disappeared in {number}, was once the money"
                " of {place}."
            ),
        ],
        "validation": [
            "Banks in {place} issued the {thing} until {number}.",
            "In {number} the government of {place} withdrew the {thing}.",
            (
                "The {thing}, abandoned in {number}, was once the currency of"
                " {place}."
            ),
            (
                "It was in {place} that people stopped using the {thing} in"
                " {number}."
            ),
        ],
        "test": [
            (
                "The {thing}, withdrawn in {number}, was no longer in use in"
                " {place}."
            ),
            "People in {place} paid with the {thing} until {number}.",
            "In {number} {place} ended the use of the {thing}.",
            "{place} gave the {thing} up in {number}.",
            (
                "The {thing} went out of use in {number} and disappeared from"
                " {place}."
            ),
        ],
    },
    "spoken": {
        "training": [
            "In {place} {number} percent of the people speak {thing}.",
            (
                "{thing} is an official language of {place}, spoken by {number}"
                " percent."
            ),
            (
                "An official language of {place} is {thing}, known to {number}"
                " percent."
            ),
            (
                "{number} percent of the people of {place} speak {thing}, an"
                " official language."
            ),
            (
                "The state of {place} recognises {thing}, spoken by {number}"
                " percent of the people."
            ),
            "{thing} is spoken by {number} percent of the people in {place}.",
            "Of the people of {place}, {number} percent know {thing}.",
            (
                "In {place} the law is written in {thing}, which {number}"
                " percent speak."
            ),
            (
                "{thing}, the language of {number} percent, is official in"
                " {place}."
            ),
            "The schools of {place} teach {thing}, known to {number} percent.",
            (
                "{place} has {thing} as an official language, and {number}"
                " percent speak it."
            ),
            (
                "The share of people who speak {thing} in {place} is {number}"
                " percent."
            ),
        ],
        "validation": [
            "In {place}, {thing} is known to {number} percent of the people.",
            "{place} recognises {thing}, the language of {number} percent.",
            (
                "Of the people in {place}, the share that know {thing} is"
                " {number} percent."
            ),
        ],
        "test": [
            "Spoken by {number} percent, {thing} is official in {place}.",
            (
                "The people of {place} speak {thing}, and {number} percent"
                " know it."
            ),
            "{thing} is the language of {number} percent in {place}.",
            (
                "The law of {place} recognises {thing}, which {number} percent"
                " of the people know."
            ),
        ],
    },
}

QUESTIONS = {
    ("introduced", "thing"): {
        "training": [
            "Which currency did {place} adopt in {number}?",
            "What money was introduced in {place} in {number}?",
            "Which currency came into use in {place} in {number}?",
            "What did {place} use from {number} on?",
            "Which money did {place} introduce in {number}?",
            "What became legal tender in {place} in {number}?",
        ],
        "validation": [
            "Which currency was adopted by {place} in {number}?",
            "What arrived in {place} in {number}?",
        ],
        "test": [
            "What currency was introduced in {place} in {number}?",
            "Which money did {place} use from {number} on?",
        ],
    },
    ("introduced", "number"): {
        "training": [
            "When did {place} adopt the {thing}?",
            "In which year was the {thing} introduced in {place}?",
            "From when on did {place} use the {thing}?",
            "When did the {thing} come into use in {place}?",
            "In which year did {place} introduce the {thing}?",
            "When did the {thing} become legal tender in {place}?",
        ],
        "validation": [
            "In which year did {place} adopt the {thing}?",
            "When did the {thing} arrive in {place}?",
        ],
        "test": [
            "When was the {thing} introduced in {place}?",
            "From which year on did {place} use the {thing}?",
        ],
    },
    ("introduced", "place"): {
        "training": [
            "Where was the {thing} introduced in {number}?",
            "Which country adopted the {thing} in {number}?",
            "Where did the {thing} come into use in {number}?",
            "Which country used the {thing} from {number} on?",
            "Who introduced the {thing} in {number}?",
            "Where did the {thing} become legal tender in {number}?",
        ],
        "validation": [
            "Which country introduced the {thing} in {number}?",
            "Who adopted the {thing} in {number}?",
        ],
        "test": [
            "In which country was the {thing} introduced in {number}?",
            "Who used the {thing} from {number} on?",
        ],
    },
    ("withdrawn", "thing"): {
        "training": [
            "Which currency did {place} abandon in {number}?",
            "What money was withdrawn in {place} in {number}?",
            "Which currency went out of use in {place} in {number}?",
            "What did {place} use until {number}?",
            "Which money did {place} give up in {number}?",
            "What ceased to be legal tender in {place} in {number}?",
        ],
        "validation": [
            "Which currency was abandoned by {place} in {number}?",
            "What disappeared from {place} in {number}?",
        ],
        "test": [
            "What currency was withdrawn in {place} in {number}?",
            "Which money did {place} use until {number}?",
        ],
    },
    ("withdrawn", "number"): {
        "training": [
            "When did {place} abandon the {thing}?",
            "In which year was the {thing} withdrawn in {place}?",
            "Until when did {place} use the {thing}?",
            "When did the {thing} go out of use in {place}?",
            "In which year did {place} give up the {thing}?",
            "When did the {thing} cease to be legal tender in {place}?",
        ],
        "validation": [
            "In which year did {place} abandon the {thing}?",
            "When did the {thing} disappear from {place}?",
        ],
        "test": [
            "When was the {thing} withdrawn in {place}?",
            "Until which year did {place} use the {thing}?",
        ],
    },
    ("withdrawn", "place"): {
        "training": [
            "Where was the {thing} withdrawn in {number}?",
            "Which country abandoned the {thing} in {number}?",
            "Where did the {thing} go out of use in {number}?",
            "Which country used the {thing} until {number}?",
            "Who gave up the {thing} in {number}?",
            "Where did the {thing} cease to be legal tender in {number}?",
        ],
        "validation": [
            "Which country gave up the {thing} in {number}?",
            "Who abandoned the {thing} in {number}?",
        ],
        "test": [
            "In which country was the {thing} withdrawn in {number}?",
            "Who used the {thing} until {number}?",
        ],
    },
    ("spoken", "thing"): {
        "training": [
            "Which language is official in {place}?",
            "What language do {number} percent of the people of {place} speak?",
            "Which language do the schools of {place} teach?",
            "What do {number} percent of the people in {place} speak?",
            "Which language is known to {number} percent of {place}?",
        ],
        "validation": [
            "Which language is spoken by {number} percent in {place}?"
        ],
        "test": [
            (
                "What language is known to {number} percent of the people of"
                " {place}?"
            ),
            "Which official language do {number} percent of {place} speak?",
        ],
    },
    ("spoken", "number"): {
        "training": [
            "How many percent speak {thing} in {place}?",
            "What share of {place} speaks {thing}?",
            "How many percent of the people of {place} know {thing}?",
            "What is the share of people who speak {thing} in {place}?",
            "By how many percent is {thing} spoken in {place}?",
        ],
        "validation": ["How many percent of {place} speak {thing}?"],
        "test": [
            "What share of the people of {place} know {thing}?",
            "How many percent of the people in {place} speak {thing}?",
        ],
    },
    ("spoken", "place"): {
        "training": [
            "Where do {number} percent speak {thing}?",
            "Which country recognises {thing}, spoken by {number} percent?",
            "Where is {thing} the language of {number} percent?",
            "Where is {thing} spoken by {number} percent of the people?",
            "In which country do {number} percent know {thing}?",
        ],
        "validation": [
            "Which country has {thing} as the language of {number} percent?"
        ],
        "test": [
            "In which country do {number} percent of the people speak {thing}?",
            "Where is {thing} known to {number} percent?",
        ],
    },
}


class Fact(NamedTuple):
    """One thing that is true of a territory."""

    relation: str  # "introduced", "withdrawn" or "spoken"
    place: str  # a territory
    thing: str  # a currency or a language
    number: str  # a year, or a share of the people in percent


class Example(NamedTuple):
    """A question, a passage, and where in it the answer stands."""

    question: list[str]
    passage: list[str]
    # first and last token of the answer; None: it is not there
    answer: tuple[int, int] | None
    fact: Fact  # the fact that was asked for
    asked: str  # the part of it that was asked for, one of PARTS
    sentences: list[tuple[int, int]]  # first and last token of each sentence
    has_twin: bool  # whether the passage tells the opposite of the fact too

    @property
    def answer_text(self):
        """The answer as a string, empty if there is none."""
        return text_of(self.passage, self.answer)


def load_facts():
    """Return the facts of CLDR: currencies that were legal tender, and official
    languages.

    Of a currency's name a bracket such as "(1924–1994)" is dropped: it would
    give the answer away. Facts that then look the same are kept once.

    Returns
    -------
    list of Fact
    """
    english = Locale("en")
    facts = []
    for code, spells in get_global("territory_currencies").items():
        for currency, start, end, tender in spells:
            if (
                not tender
                or currency not in english.currencies
                or not _is_territory(code)
            ):
                continue
            name = re.sub(r" ?\(.*?\)", "", english.currencies[currency])
            for relation, date in [("introduced", start), ("withdrawn", end)]:
                if date:
                    facts.append(
                        Fact(
                            relation,
                            english.territories[code],
                            name,
                            str(date[0]),
                        )
                    )
    for code, spoken in get_global("territory_languages").items():
        for language, about in spoken.items():
            if (
                about["official_status"] == "official"
                and language in english.languages
            ):
                percent = str(round(about["population_percent"]))
                if _is_territory(code):
                    place = english.territories[code]
                    facts.append(
                        Fact(
                            "spoken",
                            place,
                            english.languages[language],
                            percent,
                        )
                    )
    return list(dict.fromkeys(facts))


def _is_territory(code):
    return (
        len(code) == 2 and code.isalpha() and code in Locale("en").territories
    )


def split_places(facts, held_out=(40, 60), seed=5):
    """Split facts by territory: no place of one part is told of in another.

    Parameters
    ----------
    facts : list of Fact
    held_out : pair of int
        How many territories validation and test receive.
    seed : int

    Returns
    -------
    dict of str to list of Fact
        By ``"training"``, ``"validation"``, ``"test"``.

    Raises
    ------
    ValueError
        If there are not more territories than are held out, or a number is out
        of its range.
    TypeError
        If ``facts`` are none, or a number is not an integer.
    """
    facts = checks.listed("facts", facts, "place")
    held_out = [
        checks.count("held_out", number, least=0)
        for number in checks.two("held_out", held_out)
    ]
    checks.seed(seed)
    places = sorted({fact.place for fact in facts})
    if len(places) <= sum(held_out):
        raise ValueError(
            f"facts must tell of more than {sum(held_out)} places, got"
            f" {len(places)}"
        )
    random.Random(seed).shuffle(places)
    test = set(places[: held_out[1]])
    validation = set(places[held_out[1] : sum(held_out)])
    parts = defaultdict(list)
    for fact in facts:
        part = (
            "test"
            if fact.place in test
            else "validation"
            if fact.place in validation
            else None
        )
        parts[part or "training"].append(fact)
    return dict(parts)


def tokenize(text):
    """Cut a text into words, numbers and marks.

    Raises
    ------
    TypeError
        If ``text`` is not a string.
    """
    checks.text("text", text)
    return _TOKEN.findall(text)


def text_of(tokens, span):
    """Return the text of the tokens from the first to the last of ``span``; ""
    for None.

    Raises
    ------
    TypeError
        If ``tokens`` are not strings, or ``span`` is not of integers.
    ValueError
        If ``span`` is not of two.
    """
    tokens = checks.texts("tokens", tokens)
    if span is not None:
        span = [
            checks.integer("span", place) for place in checks.two("span", span)
        ]
    return "" if span is None else " ".join(tokens[span[0] : span[1] + 1])


def template_words():
    """Return the words, in lower case, of all that is told and asked in
    training, sorted.
    """
    templates = [
        t for wordings in STATEMENTS.values() for t in wordings["training"]
    ]
    templates += [
        t for wordings in QUESTIONS.values() for t in wordings["training"]
    ]
    return sorted(
        {
            word.lower()
            for template in templates
            for word in tokenize(re.sub(r"{\w+}", "", template))
        }
    )


def make_examples(
    facts,
    count,
    seed,
    statements="training",
    questions="training",
    num_sentences=4,
    unanswerable=0.0,
    twins=0.7,
    withdrawn=1.0,
    asked=PARTS,
    longest=None,
):
    """Draw questions with passages in which everything but the answer is made
    to mislead.

    Beside the fact that is asked for, a passage tells its twin (the same
    currency in the same territory, the opposite event), another fact of the
    same territory, and one of the same thing elsewhere, as far as there are
    any; the rest is drawn at random. What a question says of its fact fits no
    other fact of the passage.

    Parameters
    ----------
    facts : list of Fact
    count : int
    seed : int
    statements, questions : {"training", "validation", "test"}
        Whose wordings are used.
    num_sentences : int
    unanswerable : float
        The share of passages in which another fact, drawn at random, stands for
        the one asked for: as many sentences as in the others, and among them
        its twin.
    twins : float
        The share of questions about currencies that are drawn from facts with a
        twin.
    withdrawn : float
        The share of the questions about withdrawals that is kept. Below 1 the
        two facts of a pair of twins are asked for unequally often, so that a
        verb tells something by itself, and not only together with that of the
        question.
    asked : sequence of str
        Parts of a fact, of which one is drawn for each question; what stands
        here more often is asked for more often.
    longest : int, optional
        Tokens that question and passage may have together; what is longer is
        drawn anew.

    Returns
    -------
    list of Example

    Raises
    ------
    ValueError
        If a part has no such name, if there are fewer than two sentences or
        more than facts, if a number is out of its range, or if nothing that is
        drawn fits: ``longest`` is too short, or the facts are too few.
    TypeError
        If ``facts`` are none, or a number is none.
    """
    facts = checks.listed("facts", facts, "relation", *PARTS)
    asked = checks.texts("asked", asked)
    checks.count("count", count, least=0)
    checks.seed(seed)
    checks.integer("num_sentences", num_sentences)
    checks.within("unanswerable", unanswerable, 0, 1)
    checks.within("twins", twins, 0, 1)
    checks.within("withdrawn", withdrawn, 0, 1)
    if longest is not None:
        checks.count("longest", longest)
    if not asked or set(asked) - set(PARTS):
        raise ValueError(
            f"asked must hold parts of {PARTS} alone, got {asked!r}"
        )
    for name, part in [("statements", statements), ("questions", questions)]:
        checks.one_of(name, part, WORDINGS)
    if not 2 <= num_sentences <= len(set(facts)):
        raise ValueError(
            "num_sentences must be at least 2 and at most as many as facts,"
            f" {len(set(facts))}, got {num_sentences}"
        )
    rng = random.Random(seed)
    world = _World(facts)
    examples: list[Example] = []
    in_vain = 0
    while len(examples) < count:
        checks.patience(in_vain, PATIENCE, "facts and longest")
        in_vain += 1
        fact = rng.choice(facts)
        if fact.relation != "spoken" and world.twinned and rng.random() < twins:
            fact = rng.choice(world.twinned)
        if (
            fact.relation == "withdrawn"
            and withdrawn < 1
            and rng.random() >= withdrawn
        ):
            continue
        part = rng.choice(asked)
        template = rng.choice(QUESTIONS[fact.relation, part][questions])
        told = world.company(fact, num_sentences, rng)
        if any(
            other != fact and _fits(other, fact, template) for other in told
        ):
            continue
        if rng.random() < unanswerable:
            told = world.without(fact, told, template, rng)
        rng.shuffle(told)
        example = _example(fact, part, template, told, statements, rng)
        if (
            longest is None
            or len(example.question) + len(example.passage) <= longest
        ):
            examples.append(example)
            in_vain = 0
    return examples


class _World:
    """Facts, found by what they share."""

    def __init__(self, facts):
        self.facts = facts
        self.of_place, self.of_thing = defaultdict(list), defaultdict(list)
        for fact in facts:
            self.of_place[fact.place].append(fact)
            self.of_thing[fact.relation, fact.thing].append(fact)
        self.twinned = [fact for fact in facts if self.twins(fact)]

    def twins(self, fact):
        """Return the facts of the same thing and place and another relation."""
        return [
            other
            for other in self.of_place[fact.place]
            if other.thing == fact.thing and other.relation != fact.relation
        ]

    def company(self, fact, size, rng):
        """Return ``size`` facts, the given one first, the most misleading ones
        next.
        """
        told = [fact, *self.twins(fact)[:1]]
        for similar in (
            self.of_place[fact.place],
            self.of_thing[fact.relation, fact.thing],
        ):
            others = [other for other in similar if other not in told]
            told += rng.sample(others, min(1, len(others)))
        while len(told) < size:
            told.append(self._drawn(rng, lambda other: other not in told))
        return told[:size]

    def without(self, fact, told, template, rng):
        """Return what is told, another fact in the place of the one that
        answers.
        """
        other = self._drawn(
            rng,
            lambda one: one not in told and not _fits(one, fact, template),
        )
        return [other if one == fact else one for one in told]

    def _drawn(self, rng, is_wanted):
        """Return a fact drawn at random, of those that are wanted."""
        for in_vain in itertools.count():
            checks.patience(in_vain, PATIENCE, "facts")
            other = rng.choice(self.facts)
            if is_wanted(other):
                return other


def _fits(other, fact, template):
    """Tell whether what a question says of a fact is true of another one
    too.
    """
    said = [part for part in PARTS if f"{{{part}}}" in template]
    return other.relation == fact.relation and all(
        getattr(other, part) == getattr(fact, part) for part in said
    )


def _example(fact, asked, template, told, statements, rng):
    passage: list[str] = []
    sentences, answer = [], None
    for other in told:
        tokens, spans = fill(
            rng.choice(STATEMENTS[other.relation][statements]), other
        )
        if other == fact:
            answer = tuple(len(passage) + end for end in spans[asked])
        sentences.append((len(passage), len(passage) + len(tokens) - 1))
        passage += tokens
    has_twin = any(
        (other.place, other.thing) == (fact.place, fact.thing)
        and other.relation != fact.relation
        for other in told
    )
    return Example(
        fill(template, fact)[0],
        passage,
        answer,
        fact,
        asked,
        sentences,
        has_twin,
    )


def tell(facts, seed=0, statements="training"):
    """Return each fact as a sentence of its own, in a wording drawn for it.

    Parameters
    ----------
    facts : list of Fact
    seed : int
    statements : {"training", "validation", "test"}
        Whose wordings are used.

    Returns
    -------
    list of str
        In the order of the facts.

    Raises
    ------
    TypeError
        If ``facts`` are none, or ``seed`` is not an integer.
    ValueError
        If there is no fact, or ``seed`` or ``statements`` is none.
    """
    facts = checks.listed("facts", facts, "relation", *PARTS)
    checks.seed(seed)
    checks.one_of("statements", statements, WORDINGS)
    rng = np.random.default_rng(seed)
    return [
        " ".join(
            fill(str(rng.choice(STATEMENTS[fact.relation][statements])), fact)[
                0
            ]
        )
        for fact in facts
    ]


def with_passage(example, sentences):
    """Return an example with other sentences as its passage.

    Where its answer is in them is not known: ``answer`` is None.

    Parameters
    ----------
    example : Example
    sentences : sequence of str

    Returns
    -------
    Example

    Raises
    ------
    TypeError
        If ``example`` is none, or ``sentences`` are not strings.
    """
    checks.kind("example", example, Example)
    passage: list[str] = []
    places = []
    for tokens in map(tokenize, checks.texts("sentences", sentences)):
        places.append((len(passage), len(passage) + len(tokens) - 1))
        passage += tokens
    return example._replace(passage=passage, sentences=places, answer=None)


def fitting(example, facts):
    """Return those of some facts of which all is true that a question says.

    Parameters
    ----------
    example : Example
    facts : list of Fact

    Returns
    -------
    list of Fact
        The one that the question was made from, if it is there, and others of
        which the question might be asked as well.

    Raises
    ------
    TypeError
        If ``example`` is none, or ``facts`` are none.
    ValueError
        If there is no fact.
    """
    checks.kind("example", example, Example)
    facts = checks.listed("facts", facts, "relation", *PARTS)
    question = f" {' '.join(example.question)} "
    told = {
        part: f" {' '.join(tokenize(getattr(example.fact, part)))} "
        for part in PARTS
        if part != example.asked
    }
    said = [part for part, words in told.items() if words in question]
    return [
        fact
        for fact in facts
        if fact.relation == example.fact.relation
        and all(
            getattr(fact, part) == getattr(example.fact, part) for part in said
        )
    ]


def fill(template, fact):
    """Return the tokens of a filled template, and the first and last token of
    each part in it.

    Raises
    ------
    TypeError
        If ``template`` is not a string, or ``fact`` is none.
    """
    checks.text("template", template)
    checks.words_of("fact", fact, *PARTS)
    tokens: list[str] = []
    spans = {}
    for piece in re.split(r"({\w+})", template):
        part = piece.strip("{}")
        words = tokenize(
            getattr(fact, part) if piece.startswith("{") else piece
        )
        if piece.startswith("{"):
            spans[part] = (len(tokens), len(tokens) + len(words) - 1)
        tokens += words
    return tokens, spans
