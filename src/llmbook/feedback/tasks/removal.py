"""The toy task that the paper on language feedback begins with: remove the
words that a critique names.

A sentence calls someone between one and ten names, among them a kind one; the
critique names one to three of them; the refinement is the sentence without
those. Scheurer et al. 2023 (section 3.1) asked GPT-3 models of four sizes for
it; here models of the book are trained for it. Pure Python.
"""

import random

from llmbook import checks
from llmbook.feedback.tasks.invitations import END, PAD, REFINE
from llmbook.feedback.tasks.wording import words_of

_NAMES = """
    bore clown snob fool brat cheat crook dunce fraud goof grouch hack nag oaf
    pest prude quack
    rascal rogue scamp slob snitch sloth twit weasel wimp wretch bully beast
    brute creep crank dolt
    fiend grump imp knave lout miser monster ogre phony ruffian savage scold
    shark tramp troll
    tyrant vulture
"""
NAMES = tuple(_NAMES.split())
KIND = "friend"
TEMPLATES = (
    "remove {names}",
    "drop {names}",
    "take out {names}",
    "please delete {names}",
    "do not say {names}",
    "the sentence should not say {names}",
)
CELLS = tuple(
    (size, named)
    for named in (1, 2, 3)
    for size in range(1, 11)
    if named <= size
)
"""(names in the sentence, names to be removed): 27 of them."""
CONSTANT_CELLS = tuple((size, named) for size, named in CELLS if size == named)
"""The cells where all but the kind name is removed, so that the answer is
always the same.
"""

_WORDS = sorted(
    {word for text in TEMPLATES for word in text.split() if word != "{names}"}
)
VOCABULARY = (
    *("<pad>", "<unk>", "<record>", "<message>", "<end>", "<refine>"),
    *dict.fromkeys(("you", "are", "a", ",", "and", ".", KIND, *NAMES, *_WORDS)),
)
_ID = {word: index for index, word in enumerate(VOCABULARY)}
LONGEST_SENTENCE = 3 * 11 + 3  # tokens, ``<end>`` counted
# with the longest critique and ``<refine>``
LONGEST_PROMPT = LONGEST_SENTENCE + 6 + 6


def encode(words):
    """Return the ids of words, or of a text as somebody types it, a list.

    Raises
    ------
    TypeError
        If they are neither.
    ValueError
        If there is a word that no model has read.
    """
    words = words_of(words)
    checks.known_words("words", words, _ID)
    return [_ID[word] for word in words]


def decode(ids):
    """Return the words of ids, padding left out, a tuple.

    Raises
    ------
    TypeError
        If they are not integers.
    ValueError
        If there is no such word.
    """
    ids = checks.text_ids("ids", ids, len(VOCABULARY))
    return tuple(VOCABULARY[index] for index in ids if index != PAD)


def sentence(names):
    """Return the words that call someone these names, a tuple.

    Raises
    ------
    TypeError
        If they are not strings.
    ValueError
        If there is none.
    """
    names = checks.some("names", checks.texts("names", names))
    return tuple(
        ("you are " + " , ".join(f"a {name}" for name in names) + " .").split()
    )


def draw(rng, size, named):
    """Draw a task of a cell.

    Parameters
    ----------
    rng : random.Random
    size : int
        How many names, the kind one not counted.
    named : int
        How many of them are to be removed.

    Returns
    -------
    prompt : list of int
        The sentence, ``<end>``, the critique, ``<refine>``.
    answer : list of int
        The sentence without the names, and ``<end>``.

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If ``CELLS`` has no such cell.
    """
    checks.kind("rng", rng, random.Random)
    size, named = checks.integer("size", size), checks.integer("named", named)
    if (size, named) not in CELLS:
        raise ValueError(
            f"(size, named) must be one of CELLS, got {(size, named)}"
        )
    names = rng.sample(NAMES, size)
    removed = rng.sample(names, named)
    names.insert(rng.randrange(size + 1), KIND)
    critique = rng.choice(TEMPLATES).format(names=" and ".join(removed)).split()
    kept = sentence([name for name in names if name not in removed])
    return (
        [*encode(sentence(names)), END, *encode(critique), REFINE],
        [*encode(kept), END],
    )
