"""A shop with a house style that it never wrote down, as a task for a real
language model.

Ann's shop writes to its customers; the model is to rewrite a message as Ann
would have it. She knows it when she sees it, and has five rules: how to address
a customer, to say that a thing is used, to write out "dollars", to put the day
before the month, and how to sign. No model is told them. Ann reads drafts and
says, in words, what she would change, at most a few things at a time.

``tests`` hold names, items and sentences that learning never sees. Pure Python:
a tokenizer is given to :class:`Shop`.
"""

import random
import re
from typing import NamedTuple

from llmbook import checks

_words = str.split
NAMES = {
    "train": _words(
        "Tom Mia Leo Eva Max Ida Sam Zoe Ben Amy Jack Lucy Omar Nina Paul Rosa"
    ),
    "test": _words("Kate Hugo Ella Ivan Ruth Finn"),
}
ITEMS = {
    "train": _words(
        "kettle lamp bike chair desk radio clock table jacket tent guitar"
        " mirror carpet camera printer sofa"
    ),
    "test": _words("violin ladder teapot drone wardrobe scooter"),
}
SLOTS = ("item", "price", "date")  # of each sentence below
BODIES = {
    "train": (
        "The {item} is {price}. Come on {date}.",
        "Your {item} costs {price}. It is ready on {date}.",
        "We fixed the {item} for {price}. Collect it on {date}.",
        "The {item} for {price} arrives on {date}.",
        "I sold the {item} for {price}. Delivery is on {date}.",
        "My offer for the {item} is {price}. It ends on {date}.",
        "On {date} you can see the {item}. The price is {price}.",
        "You owe me {price} for the {item}. Pay by {date}.",
        "Nobody wanted the {item} for {price}. Try again after {date}.",
        "This {item} was {price}. We close on {date}.",
        "Please bring {price} on {date}. The {item} is yours.",
        "A friend paid {price} for the {item} on {date}.",
        "If you like the {item} for {price}, write to me before {date}.",
        "We have the {item} here until {date}. It costs {price}.",
    ),
    "test": (
        "You can have the {item} for {price}. Call me on {date}.",
        "The {item} now sells for {price}. The sale ends on {date}.",
    ),
}
MONTHS = _words(
    "January February March April May June July August September October"
    " November December"
)


class Record(NamedTuple):
    """What a message is about."""

    name: str
    item: str
    amount: int
    month: str
    day: int
    body: str


class Message(NamedTuple):
    """How it is said: the five things that the house style is about, as they
    stand in the text.
    """

    greeting: str
    item: str
    price: str
    date: str
    closing: str


class Critique(NamedTuple):
    """What Ann says of a draft.

    A learner reads ``words``. ``edits``, pairs of a field and what it should
    be, serve to measure.
    """

    words: str
    edits: tuple[tuple[str, str], ...] = ()

    @property
    def accepted(self):
        """Whether the draft is as it should be."""
        return self.words == ACCEPTED

    @property
    def readable(self):
        """Whether the draft still said what it has to say."""
        return self.words != UNREADABLE


ACCEPTED = "This is fine. Change nothing."
UNREADABLE = "This is another message. Keep to the facts."


# --- messages
# ----------------------------------------------------------------------------


def draw_record(rng, split="train"):
    """Draw what a message is about; names, items and sentences are those of the
    split.

    Raises
    ------
    TypeError
        If ``rng`` is no ``random.Random``.
    ValueError
        If there is no such split.
    """
    checks.kind("rng", rng, random.Random)
    checks.one_of("split", split, tuple(NAMES))
    return Record(
        name=rng.choice(NAMES[split]),
        item=rng.choice(ITEMS[split]),
        amount=rng.randint(2, 99),
        month=rng.choice(MONTHS),
        day=rng.randint(1, 28),
        body=rng.choice(BODIES[split]),
    )


def original(record):
    """Return the message as it comes in.

    Raises
    ------
    TypeError
        If the record is none.
    """
    checks.kind("record", record, Record)
    return Message(
        greeting=f"Hi {record.name}!",
        item=record.item,
        price=f"${record.amount}",
        date=f"{record.month} {record.day}",
        closing="",
    )


def house_style(record):
    """Return the message as Ann would have it.

    Raises
    ------
    TypeError
        If the record is none.
    """
    checks.kind("record", record, Record)
    return Message(
        greeting=f"Dear {record.name}:",
        item=f"used {record.item}",
        price=f"{record.amount} dollars",
        date=f"{record.day} {record.month}",
        closing="Best, Ann",
    )


def render(record, message):
    """Return the text of a message.

    Raises
    ------
    TypeError
        If record or message are none.
    ValueError
        If the record's sentence has not the places of item, price and date.
    """
    checks.kind("record", record, Record)
    checks.kind("message", message, Message)
    checks.slots("the body of record", record.body, SLOTS)
    greeting, *slots, closing = message
    body = record.body.format(**dict(zip(SLOTS, slots, strict=True)))
    return f"{greeting} {body} {closing}".strip()


def parse(record, draft):
    """Return the message that a draft renders, or None if it does not say what
    it has to say.

    Raises
    ------
    TypeError
        If record or draft are none.
    ValueError
        If the record's sentence has not the places of item, price and date.
    """
    checks.kind("record", record, Record)
    checks.text("draft", draft)
    checks.slots("the body of record", record.body, SLOTS)
    name, item, amount, month, day = (
        rf"(?<!\w){re.escape(str(value))}(?!\w)" for value in record[:-1]
    )
    slots = {
        "item": rf"(?P<item>[^.!?]*?{item}[^.!?]*?)",
        "price": rf"(?P<price>[^.!?]*?{amount}[^.!?]*?)",
        "date": (
            rf"(?P<date>[^.!?]*?({month}[^.!?]*?{day}|{day}[^.!?]*?{month}))"
        ),
    }
    body = re.escape(record.body)
    for slot, expression in slots.items():
        body = body.replace(re.escape(f"{{{slot}}}"), expression)
    pattern = rf"(?P<greeting>[^.!?]*{name}\W?) {body}( (?P<closing>.+))?"
    found = re.fullmatch(pattern, draft.strip())
    return found and Message(*(found[field] or "" for field in Message._fields))


# --- Ann
# ----------------------------------------------------------------------------


def faults(record, message):
    """Return an edit, (field, what it should be), for every rule that the
    message breaks.

    Raises
    ------
    TypeError
        If record or message are none.
    """
    checks.kind("message", message, Message)
    wanted = house_style(record)._asdict().items()
    return [
        (field, value)
        for field, value in wanted
        if getattr(message, field) != value
    ]


def apply_edits(message, edits):
    """Return the message after edits.

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If there is no such field.
    """
    checks.kind("message", message, Message)
    edits = checks.values_of_fields("edits", edits, Message._fields)
    return message._replace(**dict(edits))


REPLACE = (
    'Write "{new}" instead of "{old}".',
    'Change "{old}" to "{new}".',
    '"{old}" should be "{new}".',
    'It should be "{new}", not "{old}".',
    'Use "{new}", not "{old}".',
)
ADD = (
    'Put "{new}" at the end.',
    'Add "{new}" at the end.',
    'End with "{new}".',
)


def say(rng, message, edits):
    """Return words that ask for edits of a message.

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If there is no such field.
    """
    checks.kind("rng", rng, random.Random)
    checks.kind("message", message, Message)
    edits = checks.values_of_fields("edits", edits, Message._fields)
    sentences = []
    for field, new in edits:
        old = getattr(message, field)
        sentences.append(
            rng.choice(REPLACE if old else ADD).format(old=old, new=new)
        )
    return " ".join(sentences)


def critique(rng, record, draft, limit=3):
    """Say what is wrong with a draft: at most ``limit`` of the rules that it
    breaks.

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If ``limit`` is below 1.
    """
    checks.kind("rng", rng, random.Random)
    checks.count("limit", limit)
    message = parse(record, draft)
    if message is None:
        return Critique(UNREADABLE)
    found = faults(record, message)
    if not found:
        return Critique(ACCEPTED)
    named = tuple(rng.sample(found, min(limit, len(found))))
    return Critique(say(rng, message, named), named)


def score(record, draft):
    """Return how many of the five rules a draft keeps; 0 if it is another
    message, which :func:`critique` tells from one that keeps no rule.

    Raises
    ------
    TypeError
        If record or draft are none.
    """
    message = parse(record, draft)
    return (
        0
        if message is None
        else len(Message._fields) - len(faults(record, message))
    )


# --- what a refiner is warmed up on: neighbours of the rules, and none of them
# --------------------

_SALUTATIONS = _words("Hi Hello Hey Greetings Welcome Morning Howdy")
_KINDS = _words(
    "old blue big best small green second red nice round heavy little"
)
_UNITS = _words("euros pounds coins francs points tokens")
_DATES = (
    "{m} {d}",
    "{m}-{d}",
    "{d}/{m}",
    "the {d} of {m}",
    "day {d} of {m}",
    "{d}-{m}",
)
_CLOSINGS = _words(
    "Cheers Yours Regards Love Thanks Bye Kisses Warmly Faithfully Hugs Peace"
    " Later"
)
_SENDERS = (
    *NAMES["train"],
    *_words("Liz Bob Jo Dan Sue Pat Kim Ray Meg Hal Roy Ada"),
)


def random_message(rng, record, wrong=0.3):
    """Draw a message in some style in which no rule of the house is kept, with
    some facts wrong.

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If ``wrong`` is not in [0, 1].
    """
    checks.kind("record", record, Record)
    checks.within("wrong", wrong, 0, 1)
    other = draw_record(rng)._replace(body=record.body)

    def fact(field):
        return getattr(other if rng.random() < wrong else record, field)

    price = rng.choice(("${n}", "{n} {unit}", "{unit} {n}", "€{n}"))
    kind = f"{rng.choice(_KINDS)} " if rng.random() < 0.7 else ""
    return Message(
        greeting=(
            f"{rng.choice(_SALUTATIONS)} {fact('name')}{rng.choice('!,;?')}"
        ),
        item=kind + fact("item"),
        price=price.format(n=fact("amount"), unit=rng.choice(_UNITS)),
        date=rng.choice(_DATES).format(m=fact("month"), d=fact("day")),
        closing=(
            f"{rng.choice(_CLOSINGS)}, {rng.choice(_SENDERS)}"
            if rng.random() < 0.8
            else ""
        ),
    )


def edit_document(rng, copies=0.12):
    """Draw a document to warm up on: a draft, one to three edits in words, and
    the edited draft.

    A share ``copies`` of the documents asks for a message instead, and answers
    with the message as it came in.

    Returns
    -------
    prompt : str
    answer : str

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If ``copies`` is not in [0, 1].
    """
    checks.within("copies", copies, 0, 1)
    record = draw_record(rng)
    if rng.random() < copies:
        text = render(record, original(record))
        return draft_prompt(text), text
    message = (
        original(record) if rng.random() < 0.5 else random_message(rng, record)
    )
    other = random_message(rng, record)
    changes = [  # nothing is only taken away
        (field, new)
        for field, new in other._asdict().items()
        if new and new != getattr(message, field)
    ]
    edits = rng.sample(changes, min(rng.choice((1, 2, 3, 3, 3)), len(changes)))
    answer = render(record, apply_edits(message, edits))
    return (
        refine_prompt(render(record, message), say(rng, message, edits)),
        answer,
    )


# --- as a model reads it
# --------------------------------------------------------------------------


def draft_prompt(text):
    """Return the text that asks for a message to be rewritten.

    Raises
    ------
    TypeError
        If it is no string.
    """
    checks.text("text", text)
    return f"Message: {text}\nRewritten:"


def refine_prompt(draft, words):
    """Return the text that asks for a draft to be refined.

    Raises
    ------
    TypeError
        If draft or words are no strings.
    """
    checks.text("draft", draft)
    checks.text("words", words)
    return f"Draft: {draft}\nFeedback: {words}\nRevised:"


class Shop:
    """The shop as the task of :mod:`llmbook.feedback.loop`.

    Parameters
    ----------
    tokenizer : object
        With ``encode``, ``decode`` and ``end``, as
        :class:`llmbook.models.smollm.ChatTokenizer` has.
    limit : int
        How many rules a critique names at most.

    Raises
    ------
    TypeError
        If the tokenizer lacks one of them, or ``limit`` is not an integer.
    ValueError
        If it is below 1.
    """

    best_score = len(Message._fields)
    # how many tokens each may have at most, the end counted
    draft_prompt_length, draft_length, refine_prompt_length = 34, 30, 96

    def __init__(self, tokenizer, limit=3):
        checks.offers("tokenizer", tokenizer, "encode", "decode", "end")
        self.limit = checks.count("limit", limit)
        self.tokenizer, self.end = tokenizer, tokenizer.end

    draw = staticmethod(draw_record)
    score = staticmethod(score)

    def encode(self, text):
        """Return the ids of a draft, as it stands behind a prompt.

        Raises
        ------
        TypeError
            If it is no string.
        """
        checks.text("text", text)
        return self.tokenizer.encode(f" {text}")

    def decode(self, ids):
        """Return the draft of ids."""
        return self.tokenizer.decode(ids).strip()

    def draft_prompt(self, record):
        """Return the ids that ask for a message.

        Raises
        ------
        TypeError
            If the record is none.
        """
        return self.tokenizer.encode(
            draft_prompt(render(record, original(record)))
        )

    def refine_prompt(self, record, draft, words):
        """Return the ids that ask for a refinement.

        Raises
        ------
        TypeError
            If draft or words are no strings.
        """
        return self.tokenizer.encode(refine_prompt(draft, words))

    def critique(self, rng, record, draft):
        """Return a :class:`Critique` of a draft.

        Raises
        ------
        TypeError
            If an argument is of another type.
        """
        return critique(rng, record, draft, self.limit)

    def compare(self, rng, record, first, second):
        """Return whether the first of two drafts is better; between equals a
        coin decides.

        Raises
        ------
        TypeError
            If an argument is of another type.
        """
        checks.kind("rng", rng, random.Random)
        checks.text("first", first)
        checks.text("second", second)
        difference = score(record, first) - score(record, second)
        return difference > 0 or (difference == 0 and rng.random() < 0.5)

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
            If the draft is no message about the record, or there is no such
            field.
        """
        message = parse(record, draft)
        checks.readable("draft", draft, message)
        return render(record, apply_edits(message, edits))
