"""Let SmolLM2 read: the passages of chapter 12 about facts, and those of the
book itself.

    python experiments/reading_real_model.py

Greedy answers, so there is no seed. What is stored are its answers, word for
word, with what was expected; the chapter's notebook judges them.
"""

import time
from pathlib import Path

from llmbook.corpora.facts import load_facts, make_examples, split_places
from llmbook.corpora.sections import load_questions, load_sections
from llmbook.models import smollm
from llmbook.models.retrieval import SectionIndex
from llmbook.recording import Recording

ROOT = Path(__file__).parent.parent
RESULTS = Path(__file__).parent / "results" / "reading_real_model.json"
CHAPTERS = [f"{number:02d}" for number in range(1, 6)]
PROMPT = (
    "Answer the question with words of the passage, as briefly as you can.\n\n"
    "Passage: {passage}\n\nQuestion: {question}"
)


def facts_asked(count=40):
    """Return (passage, question, answer) triples about territories held out
    from training.
    """
    examples = make_examples(split_places(load_facts())["test"], count, seed=3)
    return [
        (" ".join(e.passage), " ".join(e.question), e.answer_text)
        for e in examples
    ]


def book_asked(count=8):
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


def main():
    asked = [("facts", *row) for row in facts_asked()] + [
        ("book", *row) for row in book_asked()
    ]
    recording = Recording(
        RESULTS,
        ("tensorflow", "keras", "babel"),
        what="SmolLM2's greedy answers",
        prompt=PROMPT,
    )
    rows = [
        row
        for row in asked
        if not recording.holds(about=row[0], question=row[2])
    ]
    if not rows:
        return
    model, tokenizer = smollm.load()
    for start in range(0, len(rows), 8):
        batch = rows[start : start + 8]
        begun = time.process_time()
        prompts = [PROMPT.format(passage=p, question=q) for _, p, q, _ in batch]
        answers = smollm.answer(model, tokenizer, prompts, max_new=40)
        seconds = round((time.process_time() - begun) / len(batch), 1)
        for (about, passage, question, expected), answer in zip(
            batch, answers, strict=True
        ):
            identity = {
                "about": about,
                "passage": passage,
                "question": question,
            }
            run = {
                **identity,
                "expected": expected,
                "answer": answer,
                "cpu_seconds": seconds,
            }
            print(recording.add(run), flush=True)


if __name__ == "__main__":
    main()
