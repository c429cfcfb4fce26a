"""Semantic roles by rules, the baseline that a learned tagger has to beat; and
who did it, as an answer in words.

The rules know what the grammar knows: the verbs by their kinds, and the phrases
of time, place and manner by heart. They find the passive by its auxiliary, the
subject on the left, objects on the right, and cut at prepositions, conjunctions
and commas.
"""

import re

from llmbook import checks
from llmbook.corpora.roles import lexicon
from llmbook.corpora.roles.lexicon import spaced

_BE = set(
    spaced("be am is are was were been being isn't aren't wasn't weren't got")
)
_AUXILIARIES = _BE | set(
    spaced(
        "do does did don't doesn't didn't have has had haven't hasn't hadn't"
        " will would can could shall should must may might won't wouldn't can't"
        " couldn't shouldn't cannot not to let please"
    )
)
_OFTEN, _HOW = set(lexicon.OFTEN.common), set(lexicon.HOW.common)
_PASSED_OVER = (
    _AUXILIARIES
    | _OFTEN
    | _HOW
    | set(spaced("also never really all both even only just"))
)
_RELATIVE = {"who", "that", "which"}
_LINKS = {"and", "or", "but", "then"}
_ENDS = {".", "?", "!", ";", ":"}
_CUTS = _ENDS | set(
    spaced(", — so because if when while although since before after until but")
)
_WHERE = set(
    spaced(
        "in at on near under behind outside beside to from into through over"
        " next along across around onto past inside"
    )
)
_LONG = {
    ("next", "to"),
    ("out", "of"),
    ("in", "front"),
    ("in", "front", "of"),
    ("all", "over"),
}
_OTHER = set(spaced("by with for without as about like against"))
_WHEN = set(
    spaced(
        "day days week weeks month months year years morning afternoon evening"
        " night noon midnight may monday tuesday wednesday thursday friday"
        " saturday sunday june winter summer spring autumn hour hours minutes"
        " time weekend weekends dinner class o'clock exam holiday meeting"
        " past end"
    )
)
_PERSONS = set(
    spaced("i he she we you they who everyone nobody someone people let's")
) | {
    person.lower()
    for kind in (lexicon.NAMES, lexicon.PEOPLE)
    for person in kind.common
}
_SELF = {
    form
    for base in ("move", "stop", "turn", "start")
    for form in lexicon.verb(base)
}
_PARTICLES = {"up", "out", "off", "down", "away", "back"}
_DETERMINERS = set(spaced("the a an his her my your our some this two many"))
# unless of another kind as well
_WITHOUT_OBJECT = {"intransitive", "motion", "unaccusative"}
# Verbs whose object has a preposition.
_GOVERNED = {
    (form, preposition)
    for preposition, bases in [
        ("to", "listen"),
        ("at", "look"),
        ("for", "wait search care"),
        ("about", "talk think speak worry"),
    ]
    for base in bases.split()
    for form in lexicon.verb(base)
}
_CLAUSE = {"to", "that", "how", "why", "what", "whether"}
_KNOWN = {
    tuple(phrase): role
    for phrases, role in [
        (lexicon.TIMES, "ARGM-TMP"),
        (lexicon.MANNERS, "ARGM-MNR"),
        (lexicon.HERE, "ARGM-LOC"),
    ]
    for phrase in phrases.common
}


def label(example):
    """Return the spans of one example's verb, a list of (start, end, role), by
    rules alone.

    Parameters
    ----------
    example : with ``words`` and ``predicate``

    Raises
    ------
    TypeError
        If ``example`` is none.
    ValueError
        If a word is empty, or the predicate is none of the words.
    """
    checks.example("example", example)
    words, verb = [word.lower() for word in example.words], example.predicate
    kinds = lexicon.classes(words[verb])
    passive = _is_passive(words, verb)
    after = _after(words, verb, kinds, passive)
    has_object = any(role == "ARG1" for _, _, role in after)
    happens = "unaccusative" in kinds or (
        "ergative" in kinds and not has_object
    )
    before = _before(words, verb, "ARG1" if passive or happens else "ARG0")
    if words[verb] in _SELF and not passive:
        before = [_as_actor(words, span) for span in before]
    return sorted(before + after)


def actor(example):
    """Return who did it, the words of ARG0 as :func:`bare` has them, or None.

    Parameters
    ----------
    example : with ``words``, ``predicate`` and ``spans``

    Raises
    ------
    TypeError
        If ``example`` is none.
    ValueError
        If a word is empty, or the predicate or a span lies outside of the
        sentence.
    """
    checks.example("example", example, with_spans=True)
    for start, end, role in example.spans:
        if role == "ARG0":
            return bare(" ".join(example.words[start:end]))
    return None


def bare(text):
    """Return the words of an answer that count: in lower case, without
    punctuation, "by" and articles; "I'll" is "i".

    Raises
    ------
    TypeError
        If ``text`` is no string.
    """
    checks.text("text", text)
    text = re.sub(
        r"\b(i|he|she|it|we|you|they|let)['’]\w+", r"\1", text.lower()
    )
    left_out = ("by", "the", "a", "an")
    return " ".join(w for w in re.findall(r"[\w']+", text) if w not in left_out)


def _as_actor(words, span):
    """Make a person who moves, stops or turns the ARG0 of that."""
    start, end, role = span
    return (
        (start, end, "ARG0")
        if role == "ARG1" and words[end - 1] in _PERSONS
        else span
    )


def _is_passive(words, verb):
    """Tell whether a form of "be" stands before the verb, adverbs passed
    over.
    """
    left = verb - 1
    while left > 0 and words[left] in _PASSED_OVER - _BE:
        left -= 1
    return left >= 0 and words[left] in _BE and not words[verb].endswith("ing")


def _after(words, verb, kinds, passive):
    """Return the spans to the right of a verb: objects, then adjuncts."""
    start = (
        verb
        + 1
        + (words[verb + 1 : verb + 2] != [] and words[verb + 1] in _PARTICLES)
    )
    spans: list[tuple[int, int, str]] = []
    object_is_free = not passive and not (kinds and kinds <= _WITHOUT_OBJECT)
    while start < len(words) and words[start] not in _CUTS | _LINKS:
        if words[start] in _CLAUSE and kinds & {
            "clausal",
            "control",
            "object_control",
        }:
            end = next(
                (i for i in range(start, len(words)) if words[i] in _ENDS),
                len(words),
            )
            return [*spans, (start, end, "ARG1")]
        end = _end_of_piece(words, start)
        role = _role_of_piece(words[start:end], kinds, passive)
        if (words[verb], words[start]) in _GOVERNED:
            role = "ARG1"
        if (
            role is None
            and object_is_free
            and words[start] not in _WHERE | _OTHER
        ):
            object_is_free = False
            middle = (
                _end_of_receiver(words, start, end)
                if "dative" in kinds
                else start
            )
            if "object_control" in kinds and words[end : end + 1] == ["to"]:
                middle = end
            spans += [(start, middle, "ARG2")] if middle > start else []
            start, role = middle, "ARG1" if middle < end else None
        spans += [(start, end, role)] if role else []
        start = end
    return spans


def _end_of_piece(words, start):
    """Return where an object or an adjunct ends that starts here."""
    if known := _known(words, start):
        return start + known
    end = start + 1
    while end < len(words) and (*words[start:end], words[end]) in _LONG:
        end += 1
    while (
        end < len(words)
        and words[end] not in _CUTS | _WHERE | _OTHER | _RELATIVE
    ):
        verb_follows = any(map(_may_be_verb, words[end + 1 : end + 3]))
        if _known(words, end) or (words[end] in _LINKS and verb_follows):
            break
        end += 1
    return end


def _may_be_verb(word):
    return word in _AUXILIARIES or lexicon.is_form_of_lexicon(word)


def _known(words, start):
    """Return the length of the longest phrase known by heart that starts here,
    or 0.
    """
    lengths = range(5, 0, -1)
    return next(
        (n for n in lengths if tuple(words[start : start + n]) in _KNOWN), 0
    )


def _role_of_piece(piece, kinds, passive):
    """Return the role of what follows a verb, by its first word and its nouns;
    None for objects.
    """
    if role := _adjunct(piece):
        return role
    if piece[0] == "by" and passive:
        return "ARG0"
    if piece[0] in ("to", "for") and "dative" in kinds:
        return "ARG2"
    if piece[0] == "with" and not _PERSONS & set(piece):
        return "ARGM-MNR"
    return (
        "ARGM-LOC" if piece[0] in _WHERE or tuple(piece[:2]) in _LONG else None
    )


def _adjunct(piece):
    """Return the role of a phrase that is known by heart, speaks of a time or
    is an adverb.
    """
    if tuple(piece) in _KNOWN:
        return _KNOWN[tuple(piece)]
    if len(piece) == 1 and (
        piece[0] in _OFTEN | _HOW or piece[0].endswith("ly")
    ):
        return "ARGM-TMP" if piece[0] in _OFTEN else "ARGM-MNR"
    when = _WHEN & set(piece) or piece[-1].isdigit()
    timed = _WHERE | {"last", "next", "every", "this", "for", "during", "all"}
    return "ARGM-TMP" if when and piece[0] in timed else None


def _end_of_receiver(words, start, end):
    """Return where "her" ends in "her the book", or ``start`` if nothing is
    split there.
    """
    middles = (i for i in range(start + 1, end) if words[i] in _DETERMINERS)
    return next(middles, start)


def _before(words, verb, role):
    """Return the spans to the left of a verb: what is first, subject, relative
    pronoun, adverbs.
    """
    left, spans = verb, []
    while left > 0 and words[left - 1] in _PASSED_OVER:
        left -= 1
        if words[left] in _OFTEN | _HOW:
            spans.append((left, left + 1, _adjunct([words[left]])))
    if left > 0 and words[left - 1] in _RELATIVE:
        left -= 1
        spans.append((left, left + 1, f"R-{role}"))
    elif "to" in words[left:verb] or (left > 0 and words[left - 1] in _LINKS):
        verbs = (i for i in range(1, left) if _may_be_verb(words[i]))
        left = next(verbs, 0)  # the subject is that of the verb before
    start = left
    while start > 0 and words[start - 1] not in _CUTS | _RELATIVE:
        start -= 1
    if known := _known(words, start):
        spans.append(
            (start, start + known, _KNOWN[tuple(words[start : start + known])])
        )
        start += known
    while start < left and words[start] in _AUXILIARIES | _LINKS:
        start += 1
    if start < left and words[start] not in _WHERE:
        spans.append((start, left, role))
    if start > 1 and words[start - 1] == ",":
        front = _adjunct(words[: start - 1]) or (
            "ARGM-LOC" if words[0] in _WHERE else None
        )
        spans += [(0, start - 1, front)] if front else []
    return [span for span in dict.fromkeys(spans) if span[1] <= verb]
