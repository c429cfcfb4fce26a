"""Train the taggers of chapter 14 with three seeds each and record how well
they label roles.

    python experiments/semantic_roles.py

A run is one tagger and one seed, stored in
``experiments/results/semantic_roles.json`` when it is done; a run that is there
already is not repeated. The rules and the real language model of chapter 7 are
runs as well, without a seed. CPU-seconds belong to the machine that took them.
"""

import re
import time
from pathlib import Path

from llmbook.corpora.roles import real
from llmbook.corpora.roles.grammar import corpus
from llmbook.measures import roles
from llmbook.models import smollm
from llmbook.models.generation import generate
from llmbook.models.tagging import Tagger, pointing_accuracy, train
from llmbook.recording import Recording
from llmbook.text.tags import span_f1

RESULTS = Path(__file__).parent / "results" / "semantic_roles.json"
SEEDS = [0, 1, 2]
TAGGERS = {"tagger": {}, "head left to itself": {"pointing": 0.0}}
REAL_MODEL = "SmolLM2-135M-Instruct"
# so many of the real test sentences, the first, are put to the language model
ASKED = 40
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


def parts():
    """Return the examples to be tested on, by part, and those of training."""
    found = corpus()
    training = found.pop("training")
    sentences = real.load()
    found |= {
        f"real, {part}": real.examples(sentences, part) for part in real.PARTS
    }
    return training, found


def tagger_run(name, seed):
    training, tests = parts()
    start = time.process_time()
    tagger = Tagger(training, seed)
    train(tagger, training, **TAGGERS[name])
    seconds = time.process_time() - start
    run = {
        "model": name,
        "seed": seed,
        "f1": {},
        "pointing": {},
        "best_other_head": {},
    }
    for part, examples in tests.items():
        readings = tagger.read(examples)
        run["f1"][part] = round(
            span_f1(examples, [reading.spans for reading in readings]), 4
        )
        heads = {
            (block, head): pointing_accuracy(
                examples, [r.weights[block][head] for r in readings]
            )
            for block in range(len(readings[0].weights))
            for head in range(len(readings[0].weights[0]))
        }
        run["pointing"][part] = round(
            heads.pop((len(readings[0].weights) - 1, 0)), 4
        )
        run["best_other_head"][part] = round(max(heads.values()), 4)
    asked = questions(tests["real, test"])
    return run | {
        "who_did_it": round(share_right(asked, tagger.predict(asked)), 4),
        "cpu_seconds": round(seconds),
    }


def rules_run():
    _, tests = parts()
    f1 = {
        part: round(
            span_f1(examples, [roles.label(example) for example in examples]), 4
        )
        for part, examples in tests.items()
    }
    asked = questions(tests["real, test"])
    who = round(
        share_right(asked, [roles.label(example) for example in asked]), 4
    )
    return {"model": "rules", "seed": None, "f1": f1, "who_did_it": who}


def questions(examples):
    """Return the examples put to the language model: the first in which
    somebody did it.
    """
    return [example for example in examples if who_did_it(example)][:ASKED]


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


def continued(model, tokenizer, prompts):
    """Let the model continue texts."""
    rows = generate(
        model, [tokenizer.encode(text) for text in prompts], 12, temperature=0.0
    )
    return [tokenizer.decode(row) for row in rows]


def chatted(model, tokenizer, prompts):
    """Let the assistant answer in conversations."""
    return smollm.answer(model, tokenizer, prompts, max_new=12)


def language_model_run():
    """Ask the real model who did it, in the way that does better on the
    development sentences.
    """
    _, tests = parts()
    model, tokenizer = smollm.load()
    start = time.process_time()

    def ask(way, examples):
        answers = way(
            model, tokenizer, [prompt(example) for example in examples]
        )
        answers = [answer.strip().split("\n")[0] for answer in answers]
        right = [
            plain(a) == who_did_it(e)
            for a, e in zip(answers, examples, strict=True)
        ]
        return round(sum(right) / len(right), 4), answers

    practice = questions(tests["real, development"])
    tried = {
        way.__name__: ask(way, practice)[0] for way in (continued, chatted)
    }
    best = max((continued, chatted), key=lambda way: tried[way.__name__])
    examples = questions(tests["real, test"])
    right, answers = ask(best, examples)
    return {
        "model": REAL_MODEL,
        "seed": None,
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
        "cpu_seconds": round(time.process_time() - start),
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
        ("tensorflow", "keras", "numpy", "seqeval"),
        what=(
            "span F1 (seqeval), and how often a head's largest weight is on the"
            " predicate"
        ),
    )
    runs = [
        ("rules", None),
        *(("tagger", seed) for seed in SEEDS),
        (REAL_MODEL, None),
    ]
    for name, seed in [
        *runs,
        *(("head left to itself", seed) for seed in SEEDS),
    ]:
        if not recording.holds(model=name, seed=seed):
            print(recording.add(run(name, seed)), flush=True)


def run(name, seed):
    if name == "rules":
        return rules_run()
    return (
        language_model_run() if name == REAL_MODEL else tagger_run(name, seed)
    )


if __name__ == "__main__":
    main()
