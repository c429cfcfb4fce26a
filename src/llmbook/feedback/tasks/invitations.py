"""A world small enough to know the truth in: invitations, a hidden house style,
and an annotator who has it in mind.

A **record** (who is invited, to what, when, where, at what price) asks for a
**message**. The house style says how a message should read, and depends on who
is invited; no model is ever shown it. The annotator knows it, and can say what
is wrong with a draft in words, score it, compare two drafts, or write the
perfect message. An **edit** is what such words mean: it lets us hold every
critique against the truth.

Pure Python. Everything random takes a ``random.Random``.
"""

import random
import re
from typing import NamedTuple

from llmbook import checks
from llmbook.feedback.tasks.wording import (
    ACCEPTED,
    EDITS,
    JOINS,
    PARTS,
    UNREADABLE,
    WORDINGS,
    phrasings,
    point_out,
    say,
    words_of,
)

VALUES = {
    field: words.split()
    for field, words in {
        "name": (
            "anna ben carl dora emil fay gus hana ivan jane kurt lena mia noah"
            " olga paul"
        ),
        "role": "boss client friend family",
        "event": (
            "lunch dinner meeting party concert workshop picnic tour game"
            " review"
        ),
        "day": "monday tuesday wednesday thursday friday saturday sunday",
        "time": "noon dawn dusk two three four five six seven",
        "place": "cafe park office library museum garden studio harbor",
        "price": "ten twenty thirty forty fifty sixty",
    }.items()
}
GREETINGS = {
    word: f"{word} {{name}} , "
    for word in ("dear", "hi", "hello", "hey", "greetings")
}
REQUESTS = {
    "please": "please join the",
    "come": "come to the",
    "must": "you must attend the",
    "expect": "we expect you at the",
    "miss": "do not miss the",
    "kindly": "kindly attend the",
}
CLOSINGS = {
    words: f" {words} !"
    for words in (
        "thank you",
        "see you",
        "best wishes",
        "kind regards",
        "take care",
    )
}
CHOICES = {
    "greeting": GREETINGS | {"none": ""},
    "request": REQUESTS,
    "closing": CLOSINGS | {"none": ""},
}
PREPOSITIONS = {"day": "on", "time": "at", "place": "in the"}
CRITERIA = (
    "greeting",
    "request",
    "day",
    "time",
    "place",
    "order",
    "price",
    "closing",
)
SPLITS = ("train", "validation", "test")


class Record(NamedTuple):
    """What a message is to be written from."""

    name: str
    role: str
    event: str
    day: str
    time: str
    place: str
    price: str


class Message(NamedTuple):
    """What a message says, apart from its words; ``parts`` are (part, value) as
    mentioned.
    """

    greeting: str
    request: str
    parts: tuple[tuple[str, str], ...]
    price: str | None
    closing: str


class Critique(NamedTuple):
    """What the annotator says of a draft.

    A learner reads ``words``. ``edits`` are what they mean, ``("set",
    "greeting", "dear")`` for one: they serve to measure, and no method may look
    at them.
    """

    words: tuple[str, ...]
    edits: tuple[tuple[str, ...], ...] = ()

    @property
    def accepted(self):
        """Whether the draft is as it should be."""
        return self.words == ACCEPTED

    @property
    def readable(self):
        """Whether the draft was a message about its record at all."""
        return self.words != UNREADABLE


# --- records and messages
# -------------------------------------------------------------------------


def split_of(record):
    """Return the split that a record belongs to by its name, event, day and
    place together.

    Raises
    ------
    TypeError
        If the record is none.
    ValueError
        If one of the four is not of :data:`VALUES`.
    """
    fields = {"name": 7, "event": 3, "day": 1, "place": 2}
    checks.kind("record", record, Record)
    checks.fields("record", record, fields, VALUES)
    total = sum(
        k * VALUES[field].index(getattr(record, field))
        for field, k in fields.items()
    )
    return ("test", "validation", "train", "train", "train")[total % 5]


def draw_record(rng, split="train"):
    """Draw a record of a split; a fifth of the combinations is for the test,
    one for validation.

    Raises
    ------
    TypeError
        If ``rng`` is no ``random.Random``.
    ValueError
        If there is no such split.
    """
    checks.kind("rng", rng, random.Random)
    checks.one_of("split", split, SPLITS)
    while True:
        record = Record(
            *(rng.choice(VALUES[field]) for field in Record._fields)
        )
        if split_of(record) == split:
            return record


def render(record, message):
    """Return the words of a message about a record, a tuple.

    Raises
    ------
    TypeError
        If record or message are none.
    ValueError
        If the message has a part or an option that is not known.
    """
    checks.kind("record", record, Record)
    checks.message("message", message, Message, CHOICES, PREPOSITIONS)
    text = CHOICES["greeting"][message.greeting].format(name=record.name)
    text += f"{REQUESTS[message.request]} {record.event}"
    text += (
        "".join(
            f" {PREPOSITIONS[part]} {value}" for part, value in message.parts
        )
        + " ."
    )
    text += f" it costs {message.price} ." if message.price else ""
    return tuple((text + CHOICES["closing"][message.closing]).split())


_PART = rf" (?P<preposition>{'|'.join(PREPOSITIONS.values())}) (?P<value>\w+)"
_MESSAGE = re.compile(
    rf"((?P<greeting>{'|'.join(GREETINGS)}) (?P<name>\w+) , )?"
    rf"(?P<request>{'|'.join(REQUESTS.values())}) (?P<event>\w+)"
    rf"(?P<parts>( ({'|'.join(PREPOSITIONS.values())}) \w+)*) \."
    rf"( it costs (?P<price>\w+) \.)?( (?P<closing>{'|'.join(CLOSINGS)}) !)?"
)


def parse(record, draft):
    """Return the message that a draft renders, or None if it is no message
    about this record.

    Parameters
    ----------
    record : Record
    draft : str or list of str
        A text as somebody types it, or its words.

    Raises
    ------
    TypeError
        If they are none.
    """
    checks.kind("record", record, Record)
    words = words_of(draft, "draft")
    found = _MESSAGE.fullmatch(" ".join(words))
    if (
        found is None
        or found["name"] not in (None, record.name)
        or found["event"] != record.event
    ):
        return None
    part_of = {preposition: part for part, preposition in PREPOSITIONS.items()}
    request_of = {text: request for request, text in REQUESTS.items()}
    parts = tuple(
        (part_of[part["preposition"]], part["value"])
        for part in re.finditer(_PART, found["parts"])
    )
    facts = (
        parts if found["price"] is None else (*parts, ("price", found["price"]))
    )
    if len(dict(facts)) < len(facts) or any(
        value not in VALUES[fact] for fact, value in facts
    ):
        return None
    return Message(
        found["greeting"] or "none",
        request_of[found["request"]],
        parts,
        found["price"],
        found["closing"] or "none",
    )


def random_message(rng, record, missing=0.25, wrong=0.08, choices=CHOICES):
    """Draw a message in no style at all: parts in any order, some missing, some
    values wrong.

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If a share is not in [0, 1], or choices are none of ours.
    """
    checks.kind("rng", rng, random.Random)
    checks.kind("record", record, Record)
    checks.within("missing", missing, 0, 1)
    checks.within("wrong", wrong, 0, 1)
    checks.options("choices", choices, CHOICES)

    def value_of(fact):
        value = getattr(record, fact)
        others = [other for other in VALUES[fact] if other != value]
        return rng.choice(others) if rng.random() < wrong else value

    order = rng.sample(PARTS, len(PARTS))
    return Message(
        greeting=rng.choice(list(choices["greeting"])),
        request=rng.choice(list(choices["request"])),
        parts=tuple(
            (part, value_of(part)) for part in order if rng.random() >= missing
        ),
        price=value_of("price") if rng.random() < 0.5 else None,
        closing=rng.choice(list(choices["closing"])),
    )


# --- edits
# ----------------------------------------------------------------------------


def apply_edits(record, message, edits):
    """Return the message after edits, one after the other; a part that is added
    comes last.

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If an edit is not known, or swaps parts that the message lacks.
    """
    checks.kind("record", record, Record)
    checks.kind("message", message, Message)
    edits = checks.edits("edits", edits, EDITS)
    for operation, target, *value in edits:
        if operation == "set":
            message = message._replace(**{target: value[0]})
        elif target == "price":
            message = message._replace(
                price=None if operation == "drop" else record.price
            )
        elif operation == "swap":
            parts = list(message.parts)
            first, second = (
                _position(message, part) for part in (target, value[0])
            )
            parts[first], parts[second] = parts[second], parts[first]
            message = message._replace(parts=tuple(parts))
        else:  # add or fix
            facts = dict(message.parts) | {target: getattr(record, target)}
            message = message._replace(parts=tuple(facts.items()))
    return message


def _position(message, part):
    names = [name for name, _ in message.parts]
    checks.mentioned("edits", part, names)
    return names.index(part)


def criterion_of(edit):
    """Return the criterion that an edit is about.

    Raises
    ------
    TypeError
        If it is not of strings.
    ValueError
        If it is not known.
    """
    (edit,) = checks.edits("edit", [edit], EDITS)
    return "order" if edit[0] == "swap" else edit[1]


def possible_edits(record, message, choices=CHOICES):
    """Return every edit that changes the message, as ``{criterion: [edit,
    …]}``.

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If choices are none of ours.
    """
    checks.kind("record", record, Record)
    checks.kind("message", message, Message)
    checks.options("choices", choices, CHOICES)
    facts = dict(message.parts) | (
        {"price": message.price} if message.price else {}
    )
    edits: list[tuple] = [
        ("set", name, option)
        for name, options in choices.items()
        for option in options
        if option != getattr(message, name)
    ]
    for fact in (*PARTS, "price"):
        if fact not in facts:
            edits.append(("add", fact))
        elif facts[fact] != getattr(record, fact):
            edits.append(("fix", fact))
    if message.price:
        edits.append(("drop", "price"))
    for (first, _), (second, _) in zip(
        message.parts, message.parts[1:], strict=False
    ):
        edits.append(("swap", second, first))
    grouped: dict[str, list[tuple]] = {}
    for edit in edits:
        grouped.setdefault(criterion_of(edit), []).append(edit)
    return grouped


# --- the house style and who knows it
# -------------------------------------------------------------


def house_style(record):
    """Return the one message that the house style asks for.

    Raises
    ------
    TypeError
        If the record is none.
    """
    checks.kind("record", record, Record)
    formal = record.role in ("boss", "client")
    pays = record.role in ("client", "friend")
    order = ("day", "time", "place") if formal else ("place", "day", "time")
    return Message(
        greeting="dear" if formal else "hi",
        request="please" if formal else "come",
        parts=tuple((part, getattr(record, part)) for part in order),
        price=record.price if pays else None,
        closing="thank you" if formal else "see you",
    )


def criteria(record, message, style=None):
    """Return which of the eight criteria a message meets; missing parts are in
    no wrong order.

    ``style`` is the message that is wanted, by default that of the house style.

    Raises
    ------
    TypeError
        If record or message are none.
    """
    checks.kind("message", message, Message)
    style = house_style(record) if style is None else style
    checks.kind("style", style, Message)
    mentioned = [part for part, _ in message.parts]
    met = {
        name: getattr(message, name) == getattr(style, name)
        for name in (*CHOICES, "price")
    }
    met |= {part: (part, value) in message.parts for part, value in style.parts}
    met["order"] = mentioned == [
        part for part, _ in style.parts if part in mentioned
    ]
    return met


def score(record, draft):
    """Return how many of the eight criteria a draft meets; 0 if a model's words
    are no message at all.

    Parameters
    ----------
    record : Record
    draft : list of str or str
        The words of a model, or a text as somebody types it.

    Raises
    ------
    TypeError
        If they are none.
    ValueError
        If it is a text that is no message about this record: it has no score.
    """
    return _score("draft", record, draft)


def _score(name, record, draft):
    message = parse(record, words_of(draft, name))
    if message is None and isinstance(draft, str):
        raise ValueError(
            f"{name} must be an invitation as this world knows them, such as"
            f" {' '.join(render(record, house_style(record)))!r}, got"
            f" {draft[:200]!r}"
        )
    return 0 if message is None else sum(criteria(record, message).values())


def faults(record, message, style=None):
    """Return an edit for every criterion that the message does not meet.

    ``style`` is as for :func:`criteria`.

    Raises
    ------
    TypeError
        If record or message are none.
    """
    checks.kind("record", record, Record)
    checks.kind("message", message, Message)
    style = house_style(record) if style is None else style
    met = criteria(record, message, style)
    rank = {part: place for place, (part, _) in enumerate(style.parts)}
    wanted: set[tuple] = {
        ("set", name, getattr(style, name)) for name in CHOICES
    }
    wanted |= {("add", part) for part in PARTS} | {
        ("fix", part) for part in PARTS
    }
    wanted |= (
        {("add", "price"), ("fix", "price")}
        if style.price
        else {("drop", "price")}
    )
    wanted |= {
        ("swap", a, b) for a in PARTS for b in PARTS if rank[a] < rank[b]
    }
    return [
        next(edit for edit in edits if edit in wanted)
        for name, edits in possible_edits(record, message).items()
        if not met[name]
    ]


def critique(rng, record, draft, limit=2, wording="all", remedy=True):
    """Say what is wrong with a draft, a text or its words: at most ``limit`` of
    its faults, in varied words; without a remedy, which criteria are not met
    and no more.

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If ``limit`` is below 1, or there is no such wording.
    """
    checks.kind("rng", rng, random.Random)
    checks.count("limit", limit)
    checks.one_of("wording", wording, WORDINGS)
    message = parse(record, draft)
    if message is None:
        return Critique(UNREADABLE)
    found = faults(record, message)
    if not found:
        return Critique(ACCEPTED)
    named = tuple(rng.sample(found, min(limit, len(found))))
    if not remedy:
        return Critique(point_out(map(criterion_of, named)), named)
    return Critique(say(rng, named, wording), named)


def tick(record, draft):
    """Return which criteria a draft meets, a dict; None if it is no message.

    Raises
    ------
    TypeError
        If record or draft are none.
    """
    message = parse(record, draft)
    return None if message is None else criteria(record, message)


def name_faults(rng, record, draft, limit=2):
    """Return the criteria that a :func:`critique` is about, a tuple of names;
    None if the draft is no message.

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If ``limit`` is below 1.
    """
    found = critique(rng, record, draft, limit, remedy=False)
    return tuple(map(criterion_of, found.edits)) if found.readable else None


def places(record, draft):
    """Return where in a draft each criterion is decided, ``{criterion: [index,
    …]}``.

    These are the words that belong to it; if there are none, the word that
    stands in their stead, which is the end (``len(draft)``) after the last.
    The order of the parts is decided at their prepositions.

    Raises
    ------
    TypeError
        If record or draft are none.
    ValueError
        If the draft is no message about its record.
    """
    message = parse(record, draft)
    checks.readable("draft", draft, message)
    greeting = CHOICES["greeting"][message.greeting].format(name=record.name)
    sizes = [
        ("greeting", len(greeting.split())),
        ("request", len(REQUESTS[message.request].split()) + 1),
    ]
    for part, _ in message.parts:
        sizes += [("order", len(PREPOSITIONS[part].split())), (part, 1)]
    sizes += [
        ("stop", 1),
        ("price", 4 if message.price else 0),
        ("closing", len(CLOSINGS.get(message.closing, "").split())),
    ]
    found: dict[str, list[int]] = {}
    start = 0
    for name, size in sizes:
        found.setdefault(name, []).extend(range(start, start + max(size, 1)))
        start += size
    stop = found.pop("stop")
    return {name: found.get(name, stop) for name in CRITERIA}


def compare(rng, record, first, second):
    """Return whether the first of two drafts is the better one; between equals
    a coin decides.

    Raises
    ------
    TypeError, ValueError
        If ``rng`` is no ``random.Random``, or as :func:`score`.
    """
    checks.kind("rng", rng, random.Random)
    difference = _score("first", record, first) - _score(
        "second", record, second
    )
    return difference > 0 or (difference == 0 and rng.random() < 0.5)


# --- as a model reads it
# --------------------------------------------------------------------------

PAD, UNKNOWN, RECORD, MESSAGE, END, REFINE, REWARD = range(7)
_SPECIAL = (
    "<pad>",
    "<unk>",
    "<record>",
    "<message>",
    "<end>",
    "<refine>",
    "<reward>",
)


def _every_word():
    for values in VALUES.values():
        yield from values
    for texts in (
        *(options.values() for options in CHOICES.values()),
        PREPOSITIONS.values(),
    ):
        for text in texts:
            yield from text.replace("{name}", "").split()
    yield from ("it", "costs", ".", *ACCEPTED, *UNREADABLE, *JOINS)
    for edit in EDITS:
        for phrase in phrasings(edit):
            yield from phrase.split()


VOCABULARY = tuple(dict.fromkeys((*_SPECIAL, *_every_word())))
_ID = {word: index for index, word in enumerate(VOCABULARY)}
# the annotator names criteria, one of which, "order", no model has read
_SAID = {*VOCABULARY, *CRITERIA}


def encode(words, name="words"):
    """Return the ids of words, or of a text as somebody types it, a list.

    Raises
    ------
    TypeError
        If they are neither.
    ValueError
        If there is a word that no model has read; ``name`` is what the message
        calls them.
    """
    words = words_of(words, name)
    checks.known_words(name, words, _SAID)
    return [_ID.get(word, UNKNOWN) for word in words]


def decode(ids):
    """Return the words of ids, a tuple.

    Raises
    ------
    TypeError
        If they are not integers.
    ValueError
        If there is no such word.
    """
    ids = checks.text_ids("ids", ids, len(VOCABULARY))
    return tuple(VOCABULARY[index] for index in ids)


def draft_prompt(record):
    """Return the ids that ask for a message: the record, then ``<message>``.

    Raises
    ------
    TypeError
        If the record is none.
    ValueError
        If a word of it is none that a model has read.
    """
    checks.kind("record", record, Record)
    return [RECORD, *encode(record, "record"), MESSAGE]


def refine_prompt(record, draft, words):
    """Return the ids that ask for a refinement: record, draft, critique, then
    ``<refine>``.

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If there is a word that no model has read.
    """
    asked = [*draft_prompt(record), *encode(draft, "draft"), END]
    return [*asked, *encode(words), REFINE]


def edit_document(rng, split="train", wording="seen", choices=CHOICES):
    """Draw a document to pretrain on: a record, a draft in no style, edits in
    words, the edited draft.

    The edits go in every direction, so reading such documents teaches what
    words of criticism mean and nothing about the house style. With fewer
    ``choices`` they come from a smaller world.

    Returns
    -------
    ids : list of int
    learned : list of bool
        True for the tokens to be predicted: both messages, and not the record
        nor the words between.

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If there is no such split or wording, or choices are none of ours.
    """
    checks.one_of("wording", wording, WORDINGS)
    checks.options("choices", choices, CHOICES)
    record = draw_record(rng, split)
    message = random_message(rng, record, choices=choices)
    possible = possible_edits(record, message, choices)
    about = rng.sample(
        sorted(possible), rng.choice((1, 2, 2)) if rng.random() > 0.05 else 0
    )
    edits = [rng.choice(possible[name]) for name in about]
    draft = render(record, message)
    words = say(rng, edits, wording) if edits else ACCEPTED
    prompt = refine_prompt(record, draft, words)
    refined = [
        *encode(render(record, apply_edits(record, message, edits))),
        END,
    ]
    start = len(draft_prompt(record))
    learned = [
        start <= place <= start + len(draft) for place in range(len(prompt))
    ]
    return prompt + refined, learned + [True] * len(refined)


class Invitations:
    """The world as the task of :mod:`llmbook.feedback.loop`: what a learner may
    ask for, and how it reads and writes.

    Parameters
    ----------
    limit : int
        How many faults a critique names at most.
    wording : {"all", "seen", "held_out"}
        Which phrasings the annotator uses; see
        :func:`llmbook.feedback.tasks.wording.phrasings`.
    remedy : bool
        Whether a critique says what to change, and not only what is wrong.

    Raises
    ------
    TypeError
        If ``limit`` is not an integer.
    ValueError
        If it is below 1, or there is no such wording.
    """

    best_score = len(CRITERIA)
    end, reward = END, REWARD
    # how many tokens each may have at most, ``<end>`` counted
    draft_prompt_length, draft_length, refine_prompt_length = 9, 25, 49

    def __init__(self, limit=2, wording="all", remedy=True):
        self.limit = checks.count("limit", limit)
        checks.one_of("wording", wording, WORDINGS)
        checks.flag("remedy", remedy)
        self.wording, self.remedy = wording, remedy

    draw = staticmethod(draw_record)
    score = staticmethod(score)
    compare = staticmethod(compare)
    tick = staticmethod(tick)
    places = staticmethod(places)
    decode = staticmethod(decode)
    draft_prompt = staticmethod(draft_prompt)

    def encode(self, draft):
        """Return the ids of a draft, a list.

        Raises
        ------
        TypeError
            If it is neither a text nor a list of words.
        ValueError
            If there is a word that no model has read.
        """
        return encode(draft, "draft")

    def refine_prompt(self, record, draft, words):
        """Return what :func:`refine_prompt` does.

        Raises
        ------
        TypeError
            If an argument is of another type.
        ValueError
            If there is a word that no model has read, or draft and words are
            longer together than any that a model has read.
        """
        ids = refine_prompt(record, draft, words)
        checks.at_most("draft and words", ids, self.refine_prompt_length)
        return ids

    def critique(self, rng, record, draft):
        """Return a :class:`Critique` of a draft.

        Raises
        ------
        TypeError
            If an argument is of another type.
        """
        return critique(
            rng, record, draft, self.limit, self.wording, self.remedy
        )

    def name_faults(self, rng, record, draft):
        """Return the criteria that a :class:`Critique` would be about.

        Raises
        ------
        TypeError
            If an argument is of another type.
        """
        return name_faults(rng, record, draft, self.limit)

    def demonstrate(self, record):
        """Return the message as the house style has it.

        Raises
        ------
        TypeError
            If the record is none.
        """
        return render(record, house_style(record))

    def follow(self, record, draft, edits):
        """Return the draft after edits: what a refinement should have been.

        Raises
        ------
        TypeError
            If an argument is of another type.
        ValueError
            If the draft is no message about the record, or an edit is not
            known.
        """
        message = parse(record, draft)
        checks.readable("draft", draft, message)
        return render(record, apply_edits(record, message, edits))
