"""Train the reader of chapter 12 with three seeds, and three variants of it.

The variant "learned" has a vector for each place instead of rotations, and
"none" is told nothing of order; "alike" is trained on as many questions about
withdrawals as about introductions. Runs of the kind "found" train the reader
once more and let it read the sentences that BM25 finds.

    python experiments/question_answering.py

A run is one kind of reader and one seed, stored in
``experiments/results/question_answering.json`` when it is done; a run that is
there already is not repeated. Nothing is chosen on the test questions: the
threshold for "no answer" comes from the validation territories and wordings.
"""

import functools
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score

from llmbook.corpora.facts import (
    PARTS,
    load_facts,
    make_examples,
    split_places,
    tell,
    template_words,
    text_of,
    tokenize,
    with_passage,
)
from llmbook.measures.answers import exact, overlap_answer
from llmbook.measures.ranking import BM25
from llmbook.models import reader, training
from llmbook.models.reader import Encoder, SpanReader, best_threshold, outcome
from llmbook.recording import Recording, rounded, with_defaults

RESULTS = Path(__file__).parent / "results" / "question_answering.json"
SEEDS = [0, 1, 2]
KINDS = {  # options of the model, and what differs in the data
    "rotary": ({}, {}),
    "learned": ({"positions": "learned"}, {}),
    "none": ({"positions": "none"}, {}),
    "alike": ({}, {"withdrawn": 1.0}),
}
DATA = {
    "unanswerable": 0.2,
    "twins": 0.85,
    "withdrawn": 0.4,
    "asked": ["place", "thing", "number", "number", "number"],
    "longest": 71,
}
TEST_WORDING = {"statements": "test", "questions": "test"}
TESTS = {
    "seen": ("training", {"seed": 8}),
    "names": ("test", {"seed": 3}),
    "templates": ("test", {"seed": 4, **TEST_WORDING}),
    "longer": ("test", {"seed": 5, "num_sentences": 8}),
}


@functools.cache
def parts():
    return split_places(load_facts())


@functools.cache
def training_examples(withdrawn):
    """Return the encoder and the encoded training examples, the same for every
    seed.
    """
    encoder = Encoder(template_words())
    data = DATA | {"withdrawn": withdrawn}
    examples = make_examples(parts()["training"], 16_000, 1, **data)
    return encoder, encoder.encode(examples, seed=1, hide=0.01)


@functools.cache
def test_examples(name):
    part, options = TESTS[name]
    return make_examples(parts()[part], 1000, **options)


def overlap_baseline():
    """Return the share of exact answers by word overlap: all, and those with a
    twin.
    """
    found = {}
    for name in TESTS:
        examples = test_examples(name)
        right = np.array(
            [
                exact(text_of(e.passage, overlap_answer(e)), e.answer_text)
                for e in examples
            ]
        )
        twins = np.array([e.has_twin for e in examples])
        found |= {
            name: float(right.mean()),
            f"{name}_twins": float(right[twins].mean()),
        }
    return rounded(found)


def no_answer(model, encoder):
    """Tune a threshold on validation questions, a third of them unanswerable;
    return the test's.
    """
    options = {"unanswerable": 1 / 3}
    wording = {"statements": "validation", "questions": "validation"}
    validation = make_examples(
        parts()["validation"], 1000, 6, **wording, **options
    )
    test = make_examples(parts()["test"], 1000, 7, **options)
    tuned = outcome(model, encoder, validation)
    threshold = best_threshold(tuned.margins, *answered(validation, tuned))
    found = outcome(model, encoder, test)
    has_answer, right = answered(test, found)
    dealt = np.where(found.margins > threshold, has_answer & right, ~has_answer)
    return {
        "threshold": threshold,
        "with_threshold": float(dealt.mean()),
        "always_answering": float((has_answer & right).mean()),
        "answerable_auc": float(roc_auc_score(has_answer, found.margins)),
    }


def answered(examples, found):
    return np.array([e.answer is not None for e in examples]), found.exact


def validation_exact(model, encoder):
    """Return the share of exact answers by which the recipe was chosen."""
    wording = {"statements": "validation", "questions": "validation"}
    found = {}
    for name, options in [("names", {}), ("templates", wording)]:
        examples = make_examples(parts()["validation"], 600, 7, **options)
        found[f"validation_{name}"] = float(
            outcome(model, encoder, examples).exact.mean()
        )
    return found


def trained(seed, data, model, training):
    """Return the encoder, a trained reader and its losses."""
    encoder, encoded = training_examples(data["withdrawn"])
    model = reader.build_reader(encoder, seed, **model)
    losses = reader.train(model, encoder, encoded, **training)
    return encoder, model, losses


def run(seed, data, model, training):
    encoder, model, losses = trained(seed, data, model, training)
    found = validation_exact(model, encoder)
    for name in TESTS:
        examples = test_examples(name)
        done = outcome(model, encoder, examples)
        twins = np.array([e.has_twin for e in examples])
        found[name] = float(done.exact.mean())
        found[f"{name}_f1"] = float(done.f1.mean())
        found[f"{name}_twins"] = float(done.exact[twins].mean())
        found[f"{name}_in_sentence"] = float(done.in_sentence.mean())
        asked = np.array([e.asked for e in examples])
        found |= {
            f"{name}_{part}": float(done.exact[asked == part].mean())
            for part in PARTS
        }
    found |= no_answer(model, encoder)
    curve = [part.mean() for part in np.array_split(losses, 16)]
    return found | {"loss": curve}


def one_place_is_right(example):
    """In the whole library several territories may speak a language."""
    return example.fact.relation != "spoken" or example.asked != "place"


def find_then_read(seed, data, num_questions, num_found, model, training):
    """Train a reader, hand it the sentences that are found for a question in
    place of its passage, and return where answers are lost and won.
    """
    encoder, model, _ = trained(seed, data, model, training)
    questions = [
        e
        for e in test_examples("names")[:num_questions]
        if one_place_is_right(e)
    ]
    closed = outcome(model, encoder, questions).exact  # (Q,)

    library = tell(parts()["test"])
    scores = BM25(library).scores([" ".join(e.question) for e in questions])
    top = np.argsort(-scores, axis=1)[:, :num_found]  # (Q, num_found)
    answering = np.array([parts()["test"].index(e.fact) for e in questions])
    there = (top == answering[:, None]).any(axis=1)  # (Q,)
    passages = [
        with_passage(e, [library[place] for place in sorted(row)])
        for e, row in zip(questions, top, strict=True)
    ]
    spans = outcome(model, encoder, passages).spans
    expected = [" ".join(tokenize(getattr(e.fact, e.asked))) for e in questions]
    opened = np.array(
        [
            exact(text_of(e.passage, span), answer)
            for e, span, answer in zip(passages, spans, expected, strict=True)
        ]
    )  # (Q,)
    return {
        "questions": len(questions),
        "there": np.mean(there),
        "passage_given": np.mean(closed),
        "passage_found": np.mean(opened),
        "lost_not_there": np.mean(closed & ~opened & ~there),
        "lost_there": np.mean(closed & ~opened & there),
        "won": np.mean(opened & ~closed),
    }


def main():
    recording = Recording(
        RESULTS,
        __file__,
        ("tensorflow", "keras", "numpy", "babel"),
        what=(
            "exact answers on 1,000 questions each; loss as means of 16 equal"
            " parts of training"
        ),
        data=DATA,
        overlap=overlap_baseline(),
    )
    for kind, (options, changes) in KINDS.items():
        for seed in SEEDS:
            recording.once(
                {"kind": kind, "seed": seed},
                run,
                data=DATA | changes,
                model=with_defaults(SpanReader, **options),
                training=with_defaults(reader.train, training.train, seed=seed),
            )
    for seed in SEEDS:
        recording.once(
            {"kind": "found", "seed": seed},
            find_then_read,
            data=DATA,
            num_questions=500,
            num_found=4,
            model=with_defaults(SpanReader),
            training=with_defaults(reader.train, training.train, seed=seed),
        )


if __name__ == "__main__":
    main()
