"""A shop with a house style that it never wrote down, as a task for a real
language model.

Ann's shop writes to its customers; the model is to rewrite a message as Ann
would have it. She knows it when she sees it, and has five rules: how to greet a
customer, what to call a thing, to write out "dollars", to put the day before
the month, and how to sign. Three of them depend on the record: to a customer
who is new Ann is formal. No model is told them. Ann reads drafts and says, in
words, what she would change, at most a few things at a time. A part of what she
says quotes nothing.

The split ``test`` holds names, items and sentences that learning never sees,
and ways to say a change that no refiner was warmed up on. Pure Python: a
tokenizer is given to :class:`Shop`.
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
    regular: bool = True


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
    be, and ``regular``, for which customers she said it, serve to measure.
    """

    words: str
    edits: tuple[tuple[str, str], ...] = ()
    regular: bool = True

    @property
    def accepted(self):
        """Whether the draft is as it should be."""
        return self.words == ACCEPTED

    @property
    def readable(self):
        """Whether the draft still said what it has to say."""
        return self.words != UNREADABLE

    def about(self, rng, record, draft):
        """Return this critique said of another draft: of the same fields, in
        the style that it asked for, with the facts of that draft's record.

        Raises
        ------
        TypeError
            If an argument is of another type.
        ValueError
            If the draft is no message about the record.
        """
        checks.kind("rng", rng, random.Random)
        message = parse(record, draft)
        checks.readable("draft", draft, message)
        style = _filled(self.regular, record)
        edits = tuple(
            (field, getattr(style, field))
            for field, _ in self.edits
            if getattr(style, field) != getattr(message, field)
        )
        words = say(rng, message, edits) if edits else ACCEPTED
        return Critique(words, edits, self.regular)


ACCEPTED = "This is fine. Change nothing."
UNREADABLE = "This is another message. Keep to the facts."


# --- messages
# ----------------------------------------------------------------------------


def draw_record(rng, split="train"):
    """Draw what a message is about; names, items and sentences are those of the
    split, and every other name is that of a regular customer.

    Raises
    ------
    TypeError
        If ``rng`` is no ``random.Random``.
    ValueError
        If there is no such split.
    """
    checks.kind("rng", rng, random.Random)
    checks.one_of("split", split, tuple(NAMES))
    name = rng.choice(NAMES[split])
    return Record(
        name=name,
        item=rng.choice(ITEMS[split]),
        amount=rng.choice((rng.randint(2, 9), rng.randint(10, 99))),
        month=rng.choice(MONTHS),
        day=rng.randint(1, 28),
        body=rng.choice(BODIES[split]),
        regular=NAMES[split].index(name) % 2 == 0,
    )


def original(record):
    """Return the message as it comes in: it begins with "Hi" if the customer is
    a regular one, and with "For" if not.

    Raises
    ------
    TypeError
        If the record is none.
    """
    checks.kind("record", record, Record)
    return Message(
        greeting=f"{'Hi' if record.regular else 'For'} {record.name}!",
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
    return _filled(record.regular, record)


HOUSE = {
    True: Message(
        greeting="Hello {name}!",
        item="used {item}",
        price="{amount} dollars",
        date="{day} {month}",
        closing="Ciao, Ann",
    ),
    False: Message(
        greeting="Dear {name},",
        item="restored {item}",
        price="{amount} dollars",
        date="{day} {month}",
        closing="Best, Ann",
    ),
}
"""The house style, for regular customers and for new ones."""
DEPENDENT = tuple(
    field
    for field in Message._fields
    if getattr(HOUSE[True], field) != getattr(HOUSE[False], field)
)
"""The fields whose rule depends on the record."""


def _filled(regular, record):
    return Message(
        *(rule.format(**record._asdict()) for rule in HOUSE[regular])
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
        rf"(?<!\w){re.escape(str(value))}(?!\w)" for value in record[:5]
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


REPLACE = {
    "train": (
        'Write "{new}" instead of "{old}".',
        'Change "{old}" to "{new}".',
        '"{old}" should be "{new}".',
        'It should be "{new}", not "{old}".',
        'Use "{new}", not "{old}".',
    ),
    "test": (
        'Say "{new}" instead of "{old}".',
        'Replace "{old}" by "{new}".',
        '"{old}" has to be "{new}".',
    ),
    "free": (
        'Please make "{old}" into "{new}".',
        'I would rather read "{new}" than "{old}".',
        'Where you have "{old}" I want "{new}".',
    ),
}
ADD = {
    "train": (
        'Put "{new}" at the end.',
        'Add "{new}" at the end.',
        'End with "{new}".',
    ),
    "test": (
        'Write "{new}" at the end.',
        'Close with "{new}".',
    ),
    "free": (
        '"{new}" is missing at the end.',
        'Please finish with "{new}".',
    ),
}
UNQUOTED: dict[str, dict[str, tuple[str, ...]]] = {
    "train": {
        "greeting": (
            "Begin with {word} and put {mark} after the name.",
            "The greeting should be {word}, with {mark}.",
            "Greet with {word} and {mark}.",
        ),
        "item": (
            "Say that the {fact} is {word}.",
            "Mention that it is {word}.",
        ),
        "price": (
            "Give the price in {word}.",
            "The price should be in {word}.",
        ),
        "date": (
            "Write the {first} first, then {mark} and the {second}.",
            "The date starts with the {first}, then comes {mark}.",
        ),
        "closing": (
            "Sign with {word} as {name}.",
            "End with {word} from {name}.",
        ),
    },
    "test": {
        "greeting": (
            "Start with {word} and {mark}.",
            "It should greet with {word}, with {mark}.",
        ),
        "item": (
            "Tell them that the {fact} is {word}.",
            "Do mention that the {fact} is {word}.",
        ),
        "price": (
            "Put the price in {word}.",
            "I want the price in {word}.",
        ),
        "date": (
            "Put the {first} first, then {mark} and the {second}.",
            "The date should start with the {first}, then {mark}.",
        ),
        "closing": (
            "Close with {word} as {name}.",
            "Sign it with {word}, from {name}.",
        ),
    },
    "free": {
        "greeting": (
            "The tone is wrong: I want {word}, and {mark} behind the name.",
            "For this customer it is {word}, with {mark}.",
        ),
        "item": (
            "Nobody is told that the {fact} is {word}.",
            "You forgot that this is a {word} {fact}.",
        ),
        "price": (
            "Spell the price out, in {word}.",
            "I count in {word}, as a word.",
        ),
        "date": (
            "The {first} goes in front, then {mark}, then the {second}.",
            "I put the {first} first, {mark}, and then the {second}.",
        ),
        "closing": (
            "The signature is missing: {word}, and my name, {name}.",
            "I am {name}, and I close with {word}.",
        ),
    },
}
_PARTS = {  # of what a field should be; a fact must be that of the draft
    "greeting": r"(?P<word>\w+) (?P<fact>\w+)(?P<mark>[!,;?])",
    "item": r"(?P<word>\w+) (?P<fact>\w+)",
    "price": r"(?P<fact>\d+) (?P<word>\w+)",
    "date": r"(?P<fact>\w+)(?P<mark>[ /-])(?P<other>\w+)",
    "closing": r"(?P<word>\w+), (?P<name>\w+)",
}
_MARKS = {
    "!": "an exclamation mark",
    ",": "a comma",
    ";": "a semicolon",
    "?": "a question mark",
    " ": "a space",
    "/": "a slash",
    "-": "a hyphen",
}


def _unquoted(rng, field, old, new, wording):
    """Return words for an edit that quote nothing, or None if there are
    none.
    """
    found = re.fullmatch(_PARTS[field], new)
    parts = found.groupdict() if found else {}
    facts = [parts[name] for name in ("fact", "other") if name in parts]
    if not found or not set(facts) <= set(re.findall(r"\d+|[A-Za-z]+", old)):
        return None
    if field == "date":
        days = "day", "month"
        parts["first"], parts["second"] = (
            days if facts[0].isdigit() else reversed(days)
        )
    if "mark" in parts:
        parts["mark"] = _MARKS[parts["mark"]]
    return rng.choice(UNQUOTED[wording][field]).format(**parts)


def say(rng, message, edits, wording="test", unquoted=1 / 3):
    """Return words that ask for edits of a message.

    Parameters
    ----------
    rng : random.Random
    message : Message
    edits : sequence of (field, what it should be)
    wording : {"train", "test", "free"}
        That of the refiner's warm-up, Ann's, which is near to it, or a freer
        one.
    unquoted : float
        The share of the edits that are asked for without a quotation, if they
        leave the facts alone.

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If there is no such field or wording, or the share is not in [0, 1].
    """
    checks.kind("rng", rng, random.Random)
    checks.kind("message", message, Message)
    edits = checks.values_of_fields("edits", edits, Message._fields)
    checks.one_of("wording", wording, tuple(REPLACE))
    checks.within("unquoted", unquoted, 0, 1)
    sentences = []
    for field, new in edits:
        old = getattr(message, field)
        words = rng.random() < unquoted and _unquoted(
            rng, field, old, new, wording
        )
        quoted = rng.choice((REPLACE if old else ADD)[wording])
        sentences.append(words or quoted.format(old=old, new=new))
    return " ".join(sentences)


def critique(rng, record, draft, limit=3, wording="test", unquoted=1 / 3):
    """Say what is wrong with a draft: at most ``limit`` of the rules that it
    breaks, a share of them unquoted.

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If ``limit`` is below 1, there is no such wording, or the share is not
        in [0, 1].
    """
    checks.kind("rng", rng, random.Random)
    checks.count("limit", limit)
    checks.one_of("wording", wording, tuple(REPLACE))
    checks.within("unquoted", unquoted, 0, 1)
    message = parse(record, draft)
    if message is None:
        return Critique(UNREADABLE)
    found = faults(record, message)
    if not found:
        return Critique(ACCEPTED)
    named = tuple(rng.sample(found, min(limit, len(found))))
    words = say(rng, message, named, wording, unquoted)
    return Critique(words, named, record.regular)


def follow_quotes(draft, words):
    """Return a draft after what a critique quotes: a refiner of a few regular
    expressions.

    Of two quotations in a sentence the one that the draft contains gives way to
    the other; a single one is put at the end. A sentence that quotes nothing
    changes nothing.

    Raises
    ------
    TypeError
        If an argument is no string.
    """
    checks.text("draft", draft)
    checks.text("words", words)
    for sentence in re.findall(r'(?:"[^"]*"|[^".])+', words):
        quoted = re.findall(r'"([^"]*)"', sentence)
        if len(quoted) == 1:
            draft = f"{draft} {quoted[0]}"
        elif len(quoted) == 2:
            new, old = sorted(quoted, key=lambda text: text in draft)
            draft = draft.replace(old, new, 1)
    return draft


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


_FORMS = {  # of facts, whichever they are
    "name": r"\w+",
    "item": r"\w+",
    "amount": r"\d+",
    "month": f"(?:{'|'.join(MONTHS)})",
    "day": r"\d+",
}


def style(record, draft):
    """Return of each of the five rules whether a draft keeps it, whatever the
    draft says.

    A rule counts by its form, so that a message about another thing may keep
    all of them: :func:`parse` tells whether the facts are right.

    Returns
    -------
    kept : dict of str to bool

    Raises
    ------
    TypeError
        If record or draft are none.
    """
    checks.text("draft", draft)
    checks.kind("record", record, Record)
    rules = HOUSE[record.regular]._asdict()
    forms = {field: rule.format(**_FORMS) for field, rule in rules.items()}
    forms["greeting"] = f"^{forms['greeting']} "
    forms["closing"] = f"[.!?] {forms['closing']}$"
    for field in ("item", "price", "date"):
        forms[field] = rf"\b{forms[field]}\b"
    return {
        field: re.search(form, draft) is not None
        for field, form in forms.items()
    }


def measure(records, drafts):
    """Return what drafts are worth, style and facts apart, in shares.

    Returns
    -------
    figures : dict
        ``exact``, the drafts that are the house's own message; ``facts``, those
        that say all that they have to say; ``style``, the rules that are kept,
        and apart those of :data:`DEPENDENT` fields, of the ``constant`` ones
        and of each. ``score`` is no share, but the mean :func:`score`.

    Raises
    ------
    TypeError
        If records or drafts are none.
    ValueError
        If there is none, or not as many of both.
    """
    records = checks.some("records", records, "records")
    drafts = checks.items("drafts", drafts, "drafts")
    checks.as_many(records=records, drafts=drafts)
    pairs = list(zip(records, drafts, strict=True))
    kept = [style(*pair) for pair in pairs]
    fields = {
        field: sum(one[field] for one in kept) / len(kept)
        for field in Message._fields
    }
    constant = [field for field in fields if field not in DEPENDENT]
    scores = [score(*pair) for pair in pairs]
    exact = sum(one == len(fields) for one in scores)
    facts = sum(parse(*pair) is not None for pair in pairs)
    return {
        "exact": exact / len(pairs),
        "facts": facts / len(pairs),
        "score": sum(scores) / len(pairs),
        "style": sum(fields.values()) / len(fields),
        "dependent": sum(fields[f] for f in DEPENDENT) / len(DEPENDENT),
        "constant": sum(fields[f] for f in constant) / len(constant),
    } | fields


# --- what a refiner is warmed up on: neighbours of the rules, and none of them
# --------------------

_SALUTATIONS = _words("Hi Hey Greetings Welcome Morning Howdy Evening Salute")
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
    record = draw_record(rng)._replace(regular=True)
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
        refine_prompt(
            render(record, message), say(rng, message, edits, "train", 0.5)
        ),
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
    wording : {"train", "test", "free"}
        In whose words; see :func:`say`.
    unquoted : float
        The share of them that it names without a quotation.

    Raises
    ------
    TypeError
        If the tokenizer lacks one of them, or a number is of another type.
    ValueError
        If ``limit`` is below 1, there is no such wording, or the share is not
        in [0, 1].
    """

    best_score = len(Message._fields)
    # how many tokens each may have at most, the end counted
    draft_prompt_length, draft_length, refine_prompt_length = 32, 32, 112

    def __init__(self, tokenizer, limit=3, wording="test", unquoted=1 / 3):
        checks.offers("tokenizer", tokenizer, "encode", "decode", "end")
        self.limit = checks.count("limit", limit)
        checks.one_of("wording", wording, tuple(REPLACE))
        checks.within("unquoted", unquoted, 0, 1)
        self.wording, self.unquoted = wording, unquoted
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
        return critique(
            rng, record, draft, self.limit, self.wording, self.unquoted
        )

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
