"""A grammar that writes English sentences and knows who does what to whom in
each of them.

Sentences are put together from phrases, and every verb keeps a :class:`Frame`:
where it stands and which words fill its roles. A phrase may have *gaps*, roles
of its verbs that words outside the phrase will fill: in "Tom wants to read",
"to read" has a gap that "Tom" fills; in "the letter that Tom wrote", the gap is
filled by "the letter". The roles are those of PropBank (Palmer et al. 2005).
"""

import random
from typing import NamedTuple

from llmbook import checks
from llmbook.corpora.roles import lexicon
from llmbook.corpora.roles.lexicon import VERBS, barred, plural, spaced


class Kind(NamedTuple):
    """A kind of clause: how often it comes, the role of its subject, how often
    that is a person.
    """

    weight: float
    subject: str
    person: float


CLAUSES = {
    "transitive": Kind(8, "ARG0", 0.86),
    "passive": Kind(4, "ARG1", 0.25),
    "dative": Kind(2, "ARG0", 0.9),
    "dative_passive": Kind(1, "ARG1", 0.1),
    "receiver_passive": Kind(0.5, "ARG2", 1),
    "intransitive": Kind(3, "ARG0", 0.95),
    "motion": Kind(3, "ARG0", 0.95),
    "ergative": Kind(2, "ARG1", 0),
    "unaccusative": Kind(1.5, "ARG1", 0.25),
    "clausal": Kind(2, "ARG0", 1),
    "control": Kind(2, "ARG0", 0.95),
    "object_control": Kind(1, "ARG0", 1),
    "causative": Kind(1, "ARG0", 0.8),
}
_WITH_CLAUSE = ("clausal", "control", "object_control", "causative")
# How clauses stand in sentences.
SETTINGS = {
    "statement": 13,
    "verb_coordination": 2,
    "clause_coordination": 2,
    "question": 2,
    "imperative": 1.5,
    "copula": 1.5,
    "gerund": 0.4,
}
PATIENCE = 20000  # sentences, before a search is given up
RELATIVES = ("subject_relative", "object_relative", "passive_relative")


class Frame(NamedTuple):
    """A verb and the words that fill its roles."""

    predicate: int  # the position of the verb
    spans: tuple  # of (start, end, role), the end not included

    def shift(self, offset):
        """Return the frame of the same phrase, ``offset`` positions further
        on.
        """
        spans = tuple(
            (start + offset, end + offset, role)
            for start, end, role in self.spans
        )
        return Frame(self.predicate + offset, spans)


class Phrase(NamedTuple):
    """Words, the frames of the verbs among them, and the roles that words
    outside will fill.
    """

    words: tuple
    frames: tuple = ()
    gaps: tuple = ()  # of (index of a frame, role)

    def fill(self, start, end):
        """Return the phrase with its gaps filled by the words from ``start`` to
        ``end``.
        """
        frames = list(self.frames)
        for index, role in self.gaps:
            frame = frames[index]
            frames[index] = frame._replace(
                spans=(*frame.spans, (start, end, role))
            )
        return Phrase(self.words, tuple(frames))


class Example(NamedTuple):
    """A sentence, one of its verbs, and the spans of that verb's roles."""

    words: tuple
    predicate: int
    spans: tuple  # of (start, end, role), sorted, the end not included


def words(text):
    """Return the phrase of a text, a string or a list of words, without verbs
    that have roles.

    Raises
    ------
    TypeError
        If it is neither.
    """
    listed = text.split() if isinstance(text, str) else text
    listed = checks.texts("text", listed)
    return Phrase(tuple(listed))


def join(*phrases):
    """Return the phrases one after another, their gaps open.

    Raises
    ------
    TypeError
        If one is no phrase.
    """
    checks.each("phrases", phrases, Phrase)
    joined: tuple[str, ...] = ()
    frames: tuple[Frame, ...] = ()
    gaps: tuple[tuple[int, str], ...] = ()
    for phrase in phrases:
        gaps += tuple(
            (index + len(frames), role) for index, role in phrase.gaps
        )
        frames += tuple(frame.shift(len(joined)) for frame in phrase.frames)
        joined += phrase.words
    return Phrase(joined, frames, gaps)


def attach(head, modifier):
    """Return the head with what follows it, the gaps of which the head
    fills.

    Raises
    ------
    TypeError
        If one is no phrase.
    """
    checks.kinds(Phrase, head=head, modifier=modifier)
    return join(head, modifier).fill(0, len(head.words))


def clause(parts, subject, gap=None):
    """Join parts into the clause of a verb, and give the verb its frame.

    The gaps inside the parts are filled by whoever is told, ARG2 ("she told
    *him* to go"), else by the subject ("*she* wants to go"). Without a subject
    they stay open, and so does the subject's role.

    Parameters
    ----------
    parts : list of (Phrase, str or None)
        Each with its role; ``"V"`` is the verb, None what has no role.
    subject : str
        The role of the subject.
    gap : str, optional
        Another role that something outside the clause will fill.

    Returns
    -------
    Phrase

    Raises
    ------
    TypeError
        If a part is no phrase, or a role no string.
    ValueError
        If a part is no pair, or there is not one verb.
    """
    parts = checks.parts_of_clause(parts, subject, gap, Phrase)
    whole = join(*(phrase for phrase, _ in parts))
    start, spans, predicate = 0, [], 0
    for phrase, role in parts:
        end = start + len(phrase.words)
        if role == "V":
            predicate = start
        elif role is not None:
            spans.append((start, end, role))
        start = end
    places = {role: (start, end) for start, end, role in spans}
    filler = places.get("ARG2", places.get(subject))
    if filler:
        whole = whole.fill(*filler)
    missing = [role for role in (gap, subject) if role and role not in places]
    gaps = tuple((len(whole.frames), role) for role in missing)
    return Phrase(
        whole.words,
        (*whole.frames, Frame(predicate, tuple(spans))),
        (*whole.gaps, *gaps),
    )


class Grammar:
    """A source of sentences.

    Parameters
    ----------
    seed : int
    held_out : bool
        Whether most names, nouns, verbs, times and so on are among those held
        out of training.
    longer : bool
        Whether phrases have more words and clauses more adjuncts.
    relatives : sequence of str
        Those of :data:`RELATIVES` that may stand with a noun.

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If there is a relative clause of a kind that is not known.
    """

    def __init__(self, seed, held_out=False, longer=False, relatives=RELATIVES):
        checks.integer("seed", seed)
        checks.flag("held_out", held_out)
        checks.flag("longer", longer)
        checks.some_of("relatives", relatives, RELATIVES)
        self.random = random.Random(seed)
        self.held_out, self.longer, self.relatives = held_out, longer, relatives

    def chance(self, probability):
        """Return True that often."""
        return self.random.random() < probability

    def pick(self, kind):
        """Return a word, a verb or a phrase of a kind of the lexicon."""
        held_out = self.held_out and self.chance(0.4)
        return self.random.choice(kind.held_out if held_out else kind.common)

    def one_of(self, *texts):
        """Return the phrase of one of the texts."""
        return words(self.random.choice(texts))

    def sentence(self):
        """Return a whole sentence as a :class:`Phrase`, with a capital and a
        full stop.
        """
        kinds, weights = list(SETTINGS), list(SETTINGS.values())
        setting = self.random.choices(kinds, weights)[0]
        phrase = getattr(self, setting)()
        if self.chance(0.08):
            phrase = join(self.one_of(*_OPENINGS), phrase)
        end = (
            "?"
            if setting == "question"
            else self.random.choice(spaced(". . . . . !"))
        )
        phrase = join(phrase, words(end))
        capital = phrase.words[0][0].upper() + phrase.words[0][1:]
        return phrase._replace(words=(capital, *phrase.words[1:]), gaps=())

    # Settings.

    def statement(self, depth=None):
        """Return a clause with its subject: "at night Tom read the letter"."""
        depth = self.random.choice([0, 1, 1, 2]) if depth is None else depth
        kind, parts = self.predicate(depth)
        subject = self.subject(kind, depth)
        short = f"{' '.join(subject.words)} {' '.join(parts[0][0].words)}"
        if short in _CONTRACTIONS and self.chance(0.5):
            subject, parts = words(_CONTRACTIONS[short]), parts[1:]
        return clause(
            [*self.fronted(depth), (subject, kind.subject), *parts],
            kind.subject,
        )

    def state(self):
        """Return what is said of somebody or something without a verb that has
        roles.
        """
        noun = self.noun_phrase(self.chance(0.5), "subject", 2)
        if self.chance(0.25):
            somebody = words(self.counted(self.pick(lexicon.PEOPLE)))
            if self.chance(0.3):
                kind, parts = self.predicate(
                    2, "gerund", ["transitive", "intransitive"]
                )
                somebody = attach(somebody, clause(parts, kind.subject))
            return join(noun, self.one_of("is", "was", "isn't"), somebody)
        if self.chance(0.2):
            there = self.one_of(
                "there is", "there was", "there are", "there's", "it's", "he's"
            )
            return join(there, self.object(False, 2))
        be = self.one_of(
            "is",
            "was",
            "are",
            "is not",
            "is too",
            "was very",
            "looks",
            "seems",
            "got",
        )
        return join(noun, be, words([self.pick(lexicon.ADJECTIVES)]))

    def gerund(self):
        """Return what is said of doing something: "reading books is easy"."""
        kind, parts = self.predicate(2, "gerund", ["transitive"])
        is_so = self.one_of("is", "was", "isn't", "is very", "makes people")
        return join(
            clause(parts, kind.subject),
            is_so,
            words([self.pick(lexicon.ADJECTIVES)]),
        )

    def verb_coordination(self):
        """Return one subject with two verbs: "Tom read the letter and
        laughed".
        """
        plain = [kind for kind in CLAUSES if kind not in _WITH_CLAUSE]
        acts = [kind for kind in CLAUSES if kind != "ergative"]
        pair = self.predicate(1, kinds=plain), self.predicate(1, kinds=acts)
        verbs = [clause(parts, kind.subject) for kind, parts in pair]
        both = join(
            verbs[0],
            self.one_of("and", "and", "and", ", then", "but"),
            verbs[1],
        )
        return attach(self.subject(pair[0][0], 0), both)

    def clause_coordination(self):
        """Return two clauses, one beside or beneath the other."""
        between = self.one_of(
            ", and",
            ", but",
            ", so",
            "because",
            ";",
            "and",
            ",",
            "if",
            "although",
        )
        other = self.state() if self.chance(0.5) else self.statement(1)
        if self.chance(0.3):
            before = self.one_of("if", "because", "although", "since")
            return join(before, other, words(","), self.statement(1))
        pair = [self.statement(1), other]
        return (
            join(pair[0], between, pair[1])
            if self.chance(0.5)
            else join(pair[1], between, pair[0])
        )

    def question(self):
        """Return a question: "did Tom read it", "what did he read", "where",
        "who".
        """
        asked = self.random.choice(
            spaced("whether what where when how why who")
        )
        if asked == "who":
            kind, parts = self.predicate(1)
            word = words("who" if kind.person > 0.5 else "what")
            return clause([(word, kind.subject), *parts], kind.subject)
        auxiliary = (
            self.one_of("did", "does", "do", "can", "will", "should", "could"),
            None,
        )
        if asked == "what":
            return self.what(
                [auxiliary, (self.subject(CLAUSES["clausal"], 1), "ARG0")],
                "base",
            )
        roles = {"where": "ARGM-LOC", "when": "ARGM-TMP", "how": "ARGM-MNR"}
        kind, parts = self.predicate(1, "base")
        word = [] if asked == "whether" else [(words(asked), roles.get(asked))]
        return clause(
            [*word, auxiliary, (self.subject(kind, 1), kind.subject), *parts],
            kind.subject,
        )

    def what(self, before_verb, form):
        """Return a clause whose object is "what" or the like, and stands
        first.
        """
        thing = words(
            [self.random.choice(["what", "which"]), self.pick(lexicon.THINGS)]
        )
        asked = (
            self.one_of("what", "what", "who") if self.chance(0.7) else thing
        )
        verb = self.verb_group(self.pick(VERBS["transitive"]), form)
        return clause(
            [(asked, "ARG1"), *before_verb, *verb, *self.adjuncts(2, 0.2)],
            "ARG0",
        )

    def imperative(self):
        """Return a request: "please read it", "don't read it", "let's read
        it".
        """
        kinds = spaced(
            "transitive transitive intransitive motion dative object_control"
        )
        kind, parts = self.predicate(1, "base", kinds)
        before = self.random.choice(
            barred("||please|don't|please don't|never|always")
        )
        if self.chance(0.15):
            return clause(
                [(words("let's"), kind.subject), *parts], kind.subject
            )
        marks = {"always": "ARGM-TMP"}
        return clause(
            [(words(before), marks.get(before)), *parts], kind.subject
        )

    def copula(self):
        """Return a statement with "be", in which a verb stands further on."""
        adjective = self.pick(lexicon.ADJECTIVES)
        if self.chance(0.35):
            start = self.one_of(
                "it is", "it was", "it's", "it is not", "it's very"
            )
            return join(start, words([adjective]), self.infinitive(1))
        if self.chance(0.4):
            noun = words(self.counted(self.pick(lexicon.PEOPLE)))
            kind, parts = self.predicate(
                2, "gerund", ["transitive", "intransitive", "motion"]
            )
            there = self.one_of("there is", "there are", "there was")
            if self.chance(0.3):
                verb = (words([self.pick(VERBS["transitive"]).base]), "V")
                noun = self.one_of(
                    "something",
                    "a lot",
                    "nothing",
                    "many things",
                    "much homework",
                )
                return join(
                    there,
                    attach(noun, clause([(words("to"), None), verb], "ARG1")),
                )
            return join(there, attach(noun, clause(parts, kind.subject)))
        be = self.one_of(
            "is", "was", "are", "is not", "is very", "looks", "seems", "is too"
        )
        state = join(be, words([adjective]))
        if self.chance(0.4):
            state = self.one_of(*_WILLING)
        return attach(
            self.subject(CLAUSES["clausal"], 0), join(state, self.infinitive(1))
        )

    def fronted(self, depth):
        """Return the parts before the subject: nothing, or when or where, often
        with a comma.
        """
        if depth > 1 or not self.chance(0.3 if self.longer else 0.16):
            return []
        front = self.random.choice(
            [(self.time(depth), "ARGM-TMP")] * 4
            + [(self.place(), "ARGM-LOC")] * 2
            + [
                (
                    join(
                        self.one_of("with", "for", "without"),
                        self.object(False, 2),
                    ),
                    None,
                )
            ]
        )
        return [front, (words("," if self.chance(0.6) else ""), None)]

    # Clauses without their subjects.

    def predicate(self, depth, form="finite", kinds=None):
        """Return a :class:`Kind` of clause and the parts that follow its
        subject.

        Parameters
        ----------
        depth : int
            In how many clauses this one stands; from 2 on it holds no further
            ones.
        form : {"finite", "base", "gerund"}
        kinds : list of str, optional
            Those of :data:`CLAUSES` to choose from.
        """
        kinds = kinds or list(CLAUSES)
        if depth > 1:
            kinds = [kind for kind in kinds if kind not in _WITH_CLAUSE]
        kind = self.random.choices(
            kinds, [CLAUSES[kind].weight for kind in kinds]
        )[0]
        parts = getattr(self, kind)(depth, form)
        # else they belong further in
        if kind not in _WITH_CLAUSE and not parts[-1][0].frames:
            parts += self.adjuncts(depth, 0.4 if depth < 2 else 0.2)
        if (
            kind in ("motion", "intransitive")
            and depth < 1
            and self.chance(0.12)
        ):
            parts.append((self.infinitive(1), None))
        return CLAUSES[kind], parts

    def transitive(self, depth, form):
        """Return "read the book"."""
        verb = self.pick(
            VERBS["ergative" if self.chance(0.2) else "transitive"]
        )
        person = self.chance(0.25)
        parts = [
            *self.verb_group(verb, form),
            (self.object(person, depth), "ARG1"),
        ]
        if self.chance(0.07):
            particle = (self.one_of(*_PARTICLES), None)
            parts.insert(
                self.random.choice([len(parts), len(parts) - 1]), particle
            )
        return parts

    def passive(self, depth, form):
        """Return "was read by Tom"."""
        verb = self.pick(
            VERBS["ergative" if self.chance(0.25) else "transitive"]
        )
        if self.chance(0.04):
            stuff = (join(words("of"), words([self.pick(lexicon.MASS)])), None)
            return [*self.passive_group(lexicon.verb("make"), form), stuff]
        return [*self.passive_group(verb, form), *self.by_agent(0.5)]

    def dative(self, depth, form):
        """Return "gave her the book" or "gave the book to her"."""
        verb = self.verb_group(self.pick(VERBS["dative"]), form)
        thing = self.object(False, depth)
        if self.chance(0.5):
            # a clause about them would seem to go on with the thing
            person = self.object(True, 2)
            return [*verb, (person, "ARG2"), (thing, "ARG1")]
        person = self.object(True, depth)
        if self.chance(0.2):
            verb = self.verb_group(
                lexicon.verb(self.random.choice(["buy", "make", "cook"])), form
            )
            return [
                *verb,
                (thing, "ARG1"),
                (join(words("for"), person), "ARG2"),
            ]
        return [*verb, (thing, "ARG1"), (join(words("to"), person), "ARG2")]

    def dative_passive(self, depth, form):
        """Return "was given to her"."""
        receiver = (join(words("to"), self.object(True, depth)), "ARG2")
        verb = self.passive_group(self.pick(VERBS["dative"]), form)
        return [*verb, receiver, *self.by_agent(0.3)]

    def receiver_passive(self, depth, form):
        """Return "was given the book"."""
        verb = self.passive_group(self.pick(VERBS["dative"]), form)
        return [*verb, (self.object(False, depth), "ARG1"), *self.by_agent(0.3)]

    def causative(self, depth, form):
        """Return "made her laugh", "saw him leave" or "made her happy"."""
        verb = lexicon.verb(
            self.random.choice(spaced("make make see hear watch keep"))
        )
        person = self.object(True, 2)
        if verb.base in ("make", "keep") and self.chance(0.5):
            changed = join(person, words([self.pick(lexicon.ADJECTIVES)]))
        else:
            kind, parts = self.predicate(
                2, "base", ["intransitive", "transitive", "motion"]
            )
            changed = attach(person, clause(parts, kind.subject))
        return [*self.verb_group(verb, form), (changed, "ARG1")]

    def intransitive(self, depth, form):
        """Return "laughed", "stopped" of a person, or "talked about the
        book".
        """
        if self.chance(0.15):
            moving = lexicon.verb(
                self.random.choice(["move", "stop", "turn", "start"])
            )
            return self.verb_group(moving, form)
        parts = self.verb_group(self.pick(VERBS["intransitive"]), form)
        if self.chance(0.12):
            topic = self.object(self.chance(0.3), depth)
            verb = lexicon.verb(
                self.random.choice(["talk", "think", "speak", "worry"])
            )
            parts = [
                *self.verb_group(verb, form),
                (join(words("about"), topic), "ARG1"),
            ]
            hearer = (
                join(self.one_of("to", "with"), self.object(True, 2)),
                "ARG2",
            )
            if verb.base in ("talk", "speak") and self.chance(0.5):
                return [
                    *parts[:-1],
                    hearer,
                    *(parts[-1:] if self.chance(0.5) else []),
                ]
            return parts
        if self.chance(0.1):
            verb = lexicon.verb(
                self.random.choice(["listen", "look", "wait", "search", "care"])
            )
            # ARG1 all the same
            preposition = {"listen": "to", "look": "at"}.get(verb.base, "for")
            parts = self.verb_group(verb, form)
            parts.append(
                (
                    join(
                        words(preposition), self.object(self.chance(0.4), depth)
                    ),
                    "ARG1",
                )
            )
        return parts

    def motion(self, depth, form):
        """Return "went to the park"."""
        parts = self.verb_group(self.pick(VERBS["motion"]), form)
        if self.chance(0.15):
            parts.append(
                (self.one_of(*_PARTICLES, "in", "shopping", "fishing"), None)
            )
        return (
            [*parts, (self.place(), "ARGM-LOC")] if self.chance(0.6) else parts
        )

    def ergative(self, depth, form):
        """Return "opened", of a door."""
        return self.verb_group(self.pick(VERBS["ergative"]), form)

    def unaccusative(self, depth, form):
        """Return "fell"."""
        parts = self.verb_group(self.pick(VERBS["unaccusative"]), form)
        return (
            [*parts, (self.one_of("down", "off", "up"), None)]
            if self.chance(0.15)
            else parts
        )

    def clausal(self, depth, form):
        """Return "said that she was tired"."""
        verb = self.verb_group(self.pick(VERBS["clausal"]), form)
        if self.chance(0.25):
            said = self.what(
                [(self.subject(CLAUSES["clausal"], 2), "ARG0")], "finite"
            )
        else:
            said = self.state() if self.chance(0.35) else self.statement(2)
        if said.words[0] not in ("what", "who", "which") and self.chance(0.4):
            said = join(
                self.one_of("that", "that", "how", "why", "whether"), said
            )
        return [*verb, (said, "ARG1")]

    def control(self, depth, form):
        """Return "wants to read": the subject of the second verb is that of the
        first.
        """
        verb = self.verb_group(self.pick(VERBS["control"]), form)
        return [*verb, (self.infinitive(depth + 1), "ARG1")]

    def object_control(self, depth, form):
        """Return "told her to read": the subject of the second verb is who is
        told.
        """
        verb = self.verb_group(self.pick(VERBS["object_control"]), form)
        return [
            *verb,
            (self.object(True, 2), "ARG2"),
            (self.infinitive(depth + 1), "ARG1"),
        ]

    def infinitive(self, depth):
        """Return "to read it", its subject a gap."""
        # who wants to, acts
        kinds = [kind for kind in CLAUSES if kind != "ergative"]
        kind, parts = self.predicate(depth + 1, "base", kinds)
        return clause([(words("to"), None), *parts], kind.subject)

    # Verbs with what belongs to them.

    def verb_group(self, verb, form):
        """Return the parts of a verb: auxiliaries, an adverb perhaps, and the
        verb.
        """
        auxiliary = ""
        if form == "finite":
            chance = self.random.random()
            if chance < 0.4:
                form = "past"
            elif chance < 0.62:
                form = "third" if self.chance(0.7) else "base"
            elif chance < 0.8:
                auxiliary, form = self.random.choice(_MODALS), "base"
            elif chance < 0.91:
                auxiliary, form = (
                    self.random.choice(["has", "have", "had", "hasn't"]),
                    "participle",
                )
            else:
                auxiliary, form = (
                    self.random.choice(["is", "was", "are", "isn't"]),
                    "gerund",
                )
        return [
            (words(auxiliary), None),
            *self.adverb(),
            (words([getattr(verb, form)]), "V"),
        ]

    def passive_group(self, verb, form):
        """Return the parts of a verb in the passive."""
        auxiliary = self.one_of(*_PASSIVES)
        if form != "finite":
            auxiliary = words("be" if form == "base" else "being")
        return [
            (auxiliary, None),
            *self.adverb(),
            (words([verb.participle]), "V"),
        ]

    def adverb(self):
        """Return the part of an adverb that stands before a verb, or
        nothing.
        """
        if not self.chance(0.16):
            return []
        often, how = (
            words([self.pick(lexicon.OFTEN)]),
            words([self.pick(lexicon.HOW)]),
        )
        other = self.one_of(
            "also", "never", "really", "all", "both", "even", "not", "only"
        )
        return [
            self.random.choice(
                [(often, "ARGM-TMP"), (how, "ARGM-MNR"), (other, None)]
            )
        ]

    def by_agent(self, probability):
        """Return the part "by Tom", or nothing."""
        if not self.chance(probability):
            return []
        return [(join(words("by"), self.object(True, 1)), "ARG0")]

    # Adjuncts.

    def adjuncts(self, depth, probability):
        """Return the parts that follow a verb and its objects: none, or up to
        three.
        """
        found: list[tuple[Phrase, str | None]] = []
        if self.longer and depth < 2:
            probability = 0.85
        while len(found) < 3 and self.chance(probability):
            found.append(self.adjunct(depth))
            # what follows a clause would seem to belong to it
            if found[-1][0].frames:
                break
            probability /= 2
        return found

    def adjunct(self, depth):
        """Return one part that says when, where, how, or something without a
        role of ours.
        """
        chance = self.random.random()
        if chance < 0.36:
            return self.time(depth), "ARGM-TMP"
        if chance < 0.6:
            return self.place(), "ARGM-LOC"
        if chance < 0.78:
            return words(self.pick(lexicon.MANNERS)), "ARGM-MNR"
        if chance < 0.82:
            return join(words("with"), self.object(False, 2)), "ARGM-MNR"
        if chance < 0.9:
            if self.chance(0.25):
                return words(["for", self.pick(lexicon.MASS)]), None
            preposition = self.one_of("without", "as", "against", "like")
            return join(preposition, self.object(self.chance(0.5), 2)), None
        if chance < 0.93:
            return join(words("with"), self.object(True, 2)), None
        return (
            self.one_of(
                "too", "very much", "a lot", "a bit", "as well", "at all"
            ),
            None,
        )

    def time(self, depth):
        """Return when, how long or how often: a phrase, or a clause."""
        if depth < 1 and self.chance(0.14):
            return join(
                self.one_of("when", "before", "after", "while", "until"),
                self.statement(1),
            )
        if depth < 2 and self.chance(0.06):
            kind, parts = self.predicate(
                2, "gerund", ["transitive", "intransitive"]
            )
            return join(
                self.one_of("after", "before", "when", "while"),
                clause(parts, kind.subject),
            )
        if self.chance(0.15):
            return words(
                self.random.choice(_NUMBERED).format(
                    self.random.choice(_NUMBERS)
                )
            )
        return words(self.pick(lexicon.TIMES))

    def place(self):
        """Return where, where to or where from."""
        chance = self.random.random()
        if chance < 0.2:
            return words(self.pick(lexicon.HERE))
        if chance < 0.3:
            return words(
                [
                    self.random.choice(["in", "to", "from"]),
                    self.pick(lexicon.CITIES),
                ]
            )
        if chance < 0.4:
            return self.one_of(*_BARE_PLACES)
        determiner = self.random.choice(spaced("the the the the a his my this"))
        preposition = self.random.choice(_PREPOSITIONS).split()
        return words(
            [
                *preposition,
                determiner,
                *self.adjectives(),
                self.pick(lexicon.PLACES),
            ]
        )

    # Nouns.

    def subject(self, kind, depth):
        """Return a subject for a kind of clause; of a transitive one at times a
        whole clause.
        """
        if kind == CLAUSES["transitive"] and depth < 1 and self.chance(0.02):
            return clause(
                self.predicate(2, "gerund", ["transitive"])[1], "ARG0"
            )._replace(gaps=())
        return self.noun_phrase(self.chance(kind.person), "subject", depth)

    def object(self, person, depth):
        """Return what comes after a verb or a preposition."""
        return self.noun_phrase(person, "object", depth)

    def noun_phrase(self, person, case, depth):
        """Return a phrase that names somebody or something."""
        chance = self.random.random()
        if chance < 0.06:
            pair = [self.simple_noun_phrase(person, case) for _ in range(2)]
            return join(pair[0], self.one_of("and", "and", "or"), pair[1])
        if depth < 2 and chance < (0.16 if person else 0.24) and self.relatives:
            return self.relative(person)
        phrase = self.simple_noun_phrase(person, case)
        more = 0.4 if self.longer else 0.1
        if phrase.words[-1] in _NOUNS and self.chance(more):
            return join(phrase, self.postmodifier())
        return phrase

    def simple_noun_phrase(self, person, case):
        """Return a pronoun, a name, some stuff, or a noun with what stands
        before it.
        """
        chance = self.random.random()
        if chance < (0.36 if person else 0.1):
            return self.pronoun(person, case)
        if person and chance < 0.52:
            title = self.random.choice(barred("|||Mr .|Miss|Teacher"))
            return words([*title.split(), self.pick(lexicon.NAMES)])
        if not person and chance < 0.32:
            some = self.random.choice(_AMOUNTS).split()
            return words([*some, *self.adjectives(), self.pick(lexicon.MASS)])
        return words(
            self.counted(
                self.pick(lexicon.PEOPLE if person else lexicon.THINGS)
            )
        )

    def pronoun(self, person, case):
        """Return a pronoun or what can stand for one."""
        if not person:
            return self.one_of(
                *spaced("it it it this that something everything nothing these")
            )
        return self.one_of(*(_SUBJECTS if case == "subject" else _OBJECTS))

    def counted(self, noun):
        """Return the words of a noun with its determiner and its adjectives."""
        named = self.adjectives() + (
            [self.pick(lexicon.THINGS)] if self.chance(0.1) else []
        )
        if self.chance(0.25):
            return [*self.random.choice(_MANY).split(), *named, plural(noun)]
        determiner = self.random.choice(_ONE).split()
        if self.chance(0.07):
            owner = [*determiner, self.pick(lexicon.PEOPLE)]
            determiner = (
                [self.pick(lexicon.NAMES)] if self.chance(0.4) else owner
            )
            determiner[-1] += "'s"
        whole = [*determiner, *named, noun]
        return (
            ["an", *whole[1:]]
            if whole[0] == "a" and whole[1][0] in "aeiou"
            else whole
        )

    def adjectives(self):
        """Return up to two adjectives, or none."""
        number = sum(
            self.chance(0.5 if self.longer else 0.14) for _ in range(2)
        )
        very = ["very"] if number and self.chance(0.1) else []
        return [*very, *(self.pick(lexicon.ADJECTIVES) for _ in range(number))]

    def postmodifier(self):
        """Return what says of what or about what, after a noun."""
        noun = self.counted(
            self.pick(lexicon.PEOPLE if self.chance(0.4) else lexicon.THINGS)
        )
        return join(
            self.one_of("of", "of", "of", "about", "between"), words(noun)
        )

    def relative(self, person):
        """Return a noun and a clause about it."""
        kinds = [
            kind
            for kind in self.relatives
            if not person or kind == "subject_relative"
        ]
        noun = words(
            self.counted(
                self.pick(lexicon.PEOPLE if person else lexicon.THINGS)
            )
        )
        if not kinds:
            return noun
        weights = [2 if kind == "subject_relative" else 1 for kind in kinds]
        return attach(
            noun, getattr(self, self.random.choices(kinds, weights)[0])(person)
        )

    def subject_relative(self, person):
        """Return "who reads the book", "who was seen" or, of a thing, "that
        opened".
        """
        acts = ["transitive", "intransitive", "motion", "dative", "passive"]
        kinds = (
            acts
            if person
            else ["transitive", *["ergative", "unaccusative"] * 2]
        )
        full = self.chance(0.8)
        kind, parts = self.predicate(2, "finite" if full else "gerund", kinds)
        pronoun = self.one_of("that", "who" if person else "which")
        if kind == CLAUSES["passive"]:
            pronoun = words("who")
        return clause(
            [*[(pronoun, f"R-{kind.subject}")] * full, *parts], kind.subject
        )

    def object_relative(self, person=False):
        """Return "that the girl reads" or "the girl reads"."""
        that = (
            [(self.one_of("that", "which"), "R-ARG1")]
            if self.chance(0.6)
            else []
        )
        verb = self.verb_group(self.pick(VERBS["transitive"]), "finite")
        subject = (self.simple_noun_phrase(True, "subject"), "ARG0")
        return clause(
            [*that, subject, *verb, *self.adjuncts(2, 0.15)], "ARG0", gap="ARG1"
        )

    def passive_relative(self, person=False):
        """Return "that was read by the girl" or "read by the girl"."""
        verb = self.passive_group(self.pick(VERBS["transitive"]), "finite")
        that = (
            [(self.one_of("that", "which"), "R-ARG1"), *verb]
            if self.chance(0.7)
            else [verb[-1]]
        )
        return clause(
            [*that, *self.by_agent(0.7), *self.adjuncts(2, 0.2)], "ARG1"
        )


_SUBJECTS = barred(
    "I|he|he|he|she|they|we|you|everyone|someone|nobody|people|many"
    " people|both|all of us"
)
_OBJECTS = barred(
    "me|him|her|them|us|you|everyone|himself|each other|people|someone"
)
_ONE = barred(
    "the|the|the|a|a|his|my|this|her|your|our|every|their|another|one|that|no|its|the"
    " first"
)
_MANY = barred(
    "|||two|many|some|the|our|ten|a lot of|all the|these|forty|a"
    " few|most|all|more|his|several|both"
)
_AMOUNTS = barred(
    "||||the|some|much|his|a lot of|a cup of|a kind of|a piece of|a bit of|two"
    " bottles of|no"
)
_MODALS = barred(
    "will|can|should|must|may|could|would|won't|can't|shouldn't|didn't|doesn't|don't|did"
    " not|do not|cannot|will not|have to|has to|is going to|used to|had"
    " to|might"
)
_PASSIVES = barred(
    "was|was|was|is|is|were|are|will be|has been|can be|must be|is"
    " being|wasn't|should be|had been"
)
_FORMS_OF_BE = set(spaced("was is were are be been being wasn't"))
_PARTICLES = spaced("up out off down away back over")
_NUMBERS = spaced("two three four five ten 8 20 30 several many a few")
_NUMBERED = barred(
    "at {} o'clock|{} days ago|for {} years|{} times|{} times a week|{} hours a"
    " day|on May {}|for {} minutes|{} years|after {} days|in {} months|every {}"
    " days"
)
_CONTRACTIONS = {
    f"{pronoun} {auxiliary}": pronoun + short
    for pronoun in spaced("I he she we you they it everyone this")
    for auxiliary, short in [
        ("will", "'ll"),
        ("is", "'s"),
        ("has", "'s"),
        ("have", "'ve"),
        ("are", "'re"),
    ]
}
_PREPOSITIONS = barred(
    "all over|in|in|at|on|on|near|under|behind|outside|beside|to|to|to|from|"
    "into|through|over|next"
    " to|in front of|around|along|across|onto|out of|past"
)
_OPENINGS = barred(
    "But|So|And|Yes ,|Actually ,|In fact ,|Next ,|That is ,|Luckily ,|Sorry"
    " ,|No ,"
)
_WILLING = barred(
    "is able|was forced|had no choice but|has no time|is willing|is about|made"
    " an effort|has a chance|is ready|is going|don't need|has the right|was too"
    " tired"
)
_BARE_PLACES = barred(
    "at home|at school|to work|to school|at work|in class|in bed|into the"
    " air|on stage|on the left"
)
_NOUNS = {
    form
    for kind in (lexicon.PEOPLE, lexicon.THINGS, lexicon.MASS)
    for noun in [*kind.common, *kind.held_out]
    for form in (noun, plural(noun))
}


def examples(phrase):
    """Return one :class:`Example` for every verb of a sentence.

    Raises
    ------
    TypeError
        If it is no phrase.
    """
    checks.kind("phrase", phrase, Phrase)
    return [
        Example(phrase.words, frame.predicate, tuple(sorted(frame.spans)))
        for frame in phrase.frames
    ]


def generate(count, seed, longest=40, wanted=None, **options):
    """Return different examples, written by a :class:`Grammar`: of each
    sentence one verb.

    Parameters
    ----------
    count : int
    seed : int
    longest : int
        Sentences of more words are left out.
    wanted : callable, optional
        Tells of an :class:`Example` whether it is to be kept; by default all
        are.
    options
        Those of :class:`Grammar`.

    Returns
    -------
    list of Example

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If ``count`` is not positive, or of :data:`PATIENCE` sentences in a row
        none is wanted, short enough and new.
    """
    checks.count("count", count)
    checks.count("longest", longest)
    checks.function("wanted", bool if wanted is None else wanted)
    grammar = Grammar(seed, **options)
    found: dict[tuple, Example] = {}
    in_vain = 0
    while len(found) < count:
        checks.patience(in_vain, PATIENCE, "longest and wanted")
        in_vain += 1
        several = [
            e
            for e in examples(grammar.sentence())
            if wanted is None or wanted(e)
        ]
        if several and len(several[0].words) <= longest:
            example = grammar.random.choice(several)
            key = (example.words, example.predicate)
            in_vain = in_vain if key in found else 0
            found[key] = example
    return list(found.values())


def corpus(count=50000, held=800):
    """Return the book's generated examples, by the name of their part.

    Parameters
    ----------
    count : int
        Of training examples.
    held : int
        Of each of the others. No sentence of theirs is one of training.

    Returns
    -------
    dict of str to list of Example
        ``training``, in sentences of up to 20 words; ``new sentences``, written
        by the same grammar; ``held-out words``, each with one that training
        lacks; ``held-out construction``, asked about the verb of "that was read
        by her": training has such clauses of people, with "who", and none of
        things; ``longer``, in sentences of 21 words or more.

    Raises
    ------
    TypeError
        If a number is not an integer.
    ValueError
        If one is not positive.
    """
    checks.count("count", count)
    checks.count("held", held)
    known = {"relatives": ("subject_relative", "object_relative")}
    training = generate(count, 1, longest=20, **known)
    sentences = {example.words for example in training}
    vocabulary = {word.lower() for words in sentences for word in words}

    def is_new(example):
        return example.words not in sentences

    def has_new_word(example):
        return any(word.lower() not in vocabulary for word in example.words)

    def is_long(example):
        return len(example.words) > 20 and is_new(example)

    return {
        "training": training,
        "new sentences": generate(held, 2, longest=20, wanted=is_new, **known),
        "held-out words": generate(
            held, 3, longest=20, wanted=has_new_word, held_out=True, **known
        ),
        "held-out construction": generate(
            held,
            4,
            longest=20,
            wanted=is_passive_relative,
            relatives=("passive_relative",),
        ),
        "longer": generate(held, 5, wanted=is_long, longer=True, **known),
    }


def is_passive_relative(example):
    """Tell whether an example asks about the verb of "that was read by her", of
    a thing.

    Raises
    ------
    TypeError
        If it has no words, predicate or spans.
    ValueError
        If they do not fit.
    """
    checks.example("example", example, with_spans=True)
    pronouns = [start for start, _, role in example.spans if role == "R-ARG1"]
    starts = [start for start in pronouns if example.words[start] != "who"]
    between = set(
        example.words[starts[0] : example.predicate] if starts else ()
    )
    acts = any(
        role == "ARG0" and start < example.predicate
        for start, _, role in example.spans
    )
    passive = between & _FORMS_OF_BE and not example.words[
        example.predicate
    ].endswith("ing")
    return bool(passive) and not acts
