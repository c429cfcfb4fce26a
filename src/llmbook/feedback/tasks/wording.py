"""What an edit may be called: the annotator's phrasings, and those that no
model meets before it learns.

In a template each ``(a|b)`` is a choice, so that a line stands for many
phrasings. The templates are data: the rest of the package reads them through
:func:`phrasings` alone.
"""

import itertools
import random
import re

from llmbook import checks

PARTS = ("day", "time", "place")
ACCEPTED = ("nothing", "to", "change")
UNREADABLE = ("this", "is", "no", "invitation")
JOINS = ("and", "also", ";")

# An option of the style is called by its words, or by what it is like.
_OPTIONS = {
    "greeting": {
        "dear": "formal",
        "hi": "casual",
        "hello": "plain",
        "hey": "cheeky",
        "greetings": "solemn",
    },
    "request": {
        "please": "polite",
        "come": "relaxed",
        "must": "strict",
        "expect": "stern",
        "miss": "eager",
        "kindly": "humble",
    },
    "closing": {
        "thank you": "grateful",
        "see you": "friendly",
        "best wishes": "warm",
        "kind regards": "cool",
        "take care": "caring",
    },
}
_OPTION_TEMPLATES = {
    "greeting": (
        "(start|begin|open) with {words}",
        "(use|we want) a {like} greeting",
        "the greeting (should|must) be {like}",
        "(say|write) {words} (first|at the start)",
    ),
    "request": (
        "(ask|invite) with {words}",
        "(use|we want) a {like} request",
        "the request (should|must) be {like}",
        "the request (should|must) say {words}",
    ),
    "closing": (
        "(end|close|finish) with {words}",
        "(use|we want) a {like} closing",
        "the (ending|closing) (should|must) be {like}",
        "(say|write) {words} (last|at the end)",
    ),
}
_TEMPLATES: dict[tuple[str, ...], tuple[str, ...]] = {
    ("set", choice, words): tuple(
        template.format(words=words, like=like)
        for template in _OPTION_TEMPLATES[choice]
    )
    for choice, options in _OPTIONS.items()
    for words, like in options.items()
}
_TEMPLATES |= {
    ("set", "greeting", "none"): (
        "(start|begin|open) without a greeting",
        "(drop|remove|cut|leave out) the greeting",
        "no greeting is (needed|wanted)",
    ),
    ("set", "closing", "none"): (
        "(end|close|finish) without a closing",
        "(drop|remove|cut|leave out) the (ending|closing)",
        "no (ending|closing) is (needed|wanted)",
    ),
    ("drop", "price"): (
        "(drop|remove|cut|leave out) the (price|cost)",
        "do not (mention|say|give) the (price|cost)",
        "the (price|cost) is not (needed|wanted)",
    ),
}
for _fact in (*PARTS, "price"):
    _TEMPLATES["add", _fact] = (
        f"(add|mention|give|say) the {_fact}",
        f"the {_fact} is missing",
        f"you (forgot|left out) the {_fact}",
        f"(we want|where is) the {_fact}",
    )
    _TEMPLATES["fix", _fact] = (
        f"(fix|correct|check) the {_fact}",
        f"the {_fact} is (wrong|not right|not correct)",
        f"that is (the wrong|not the right|not the correct) {_fact}",
    )
for _first, _second in itertools.permutations(PARTS, 2):
    _TEMPLATES["swap", _first, _second] = (
        f"(put|say|mention|give|write) the {_first} before the {_second}",
        f"the {_first} (should|must) (come|stand) before the {_second}",
        f"first the {_first} then the {_second}",
    )


def expand(template):
    """Return every phrasing of a template: of ``"(a|b) c"`` these are ``["a c",
    "b c"]``.

    Raises
    ------
    TypeError
        If it is no string.
    """
    checks.text("template", template)
    pieces = re.split(r"\(([^)]*)\)", template)  # text and choices by turns
    return [
        "".join(words)
        for words in itertools.product(*(piece.split("|") for piece in pieces))
    ]


_PHRASINGS = {
    edit: tuple(phrase for template in templates for phrase in expand(template))
    for edit, templates in _TEMPLATES.items()
}
_MEANINGS = {
    phrase: edit for edit, phrases in _PHRASINGS.items() for phrase in phrases
}
EDITS = tuple(_PHRASINGS)
WORDINGS = ("seen", "held_out", "all")


def phrasings(edit, wording="all"):
    """Return the phrasings of an edit, each a string.

    Parameters
    ----------
    edit : tuple of str
        One of :data:`EDITS`.
    wording : {"all", "seen", "held_out"}
        Every fourth phrasing is held out: the annotator uses it, and no model
        meets it in pretraining.

    Raises
    ------
    TypeError
        If the edit is not of strings.
    ValueError
        If there is no such edit or no such wording.
    """
    (edit,) = checks.edits("edit", [edit], _PHRASINGS)
    checks.one_of("wording", wording, WORDINGS)
    every = _PHRASINGS[edit]
    held_out = every[3::4]
    if wording == "held_out":
        return held_out
    return (
        every
        if wording == "all"
        else tuple(p for p in every if p not in held_out)
    )


def say(rng, edits, wording="all"):
    """Put edits into words, in the order given: a tuple of words.

    Raises
    ------
    TypeError
        If ``rng`` is no ``random.Random``, or edits are not of strings.
    ValueError
        If there is no edit, one is not known, or there is no such wording.
    """
    checks.kind("rng", rng, random.Random)
    edits = checks.some("edits", checks.edits("edits", edits, _PHRASINGS))
    text = rng.choice(phrasings(edits[0], wording))
    for edit in edits[1:]:
        text += f" {rng.choice(JOINS)} {rng.choice(phrasings(edit, wording))}"
    return tuple(text.split())


def point_out(criteria):
    """Say that criteria are not met, and not what to do: a tuple of words.

    Raises
    ------
    TypeError
        If they are not strings.
    """
    criteria = checks.texts("criteria", criteria)
    return tuple(" and ".join(f"the {c} is wrong" for c in criteria).split())


def words_of(words, name="words"):
    """Return words as a tuple: those of a text as somebody types it, in small
    letters, every other sign a word of its own; or those of a list as they are.

    Raises
    ------
    TypeError
        If it is neither a string nor a list of strings; ``name`` is what the
        message calls it.
    """
    if isinstance(words, str):
        words = re.findall(r"\w+|[^\w\s]", words.lower())
    return tuple(checks.texts(name, words))


def edits_of(words):
    """Return the edits that words of criticism mean, a list: the way back from
    :func:`say`.

    It reads the phrasings of this module and no others: what a model makes of
    other words, nobody has written down.

    Parameters
    ----------
    words : str or list of str

    Raises
    ------
    TypeError
        If they are neither.
    ValueError
        If a part of them, between "and", "also" and ";", is no phrasing.
    """
    words = words_of(words)
    if words == ACCEPTED:
        return []
    between = "|".join(re.escape(join) for join in JOINS)
    parts = re.split(rf" (?:{between}) ", " ".join(words))
    checks.phrases("words", parts, _MEANINGS)
    return [_MEANINGS[part] for part in parts]
