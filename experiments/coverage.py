"""Train the summariser of chapter 11 on, once with the coverage loss and once
without.

    python experiments/coverage.py

Three seeds. Both ways start from the same weights, those after the training of
``summaries.py``, and take as many steps; both are measured decoded greedily. A
run is stored in ``experiments/results/coverage.json`` when it is done, and not
repeated.
"""

import keras
from summaries import (
    COVERAGE,
    RESULTS,
    SEEDS,
    encode,
    fit,
    measures,
    parts,
    recipe,
    vocabulary,
)

from llmbook.models.seq2seq import PointerGenerator, Seq2SeqConfig
from llmbook.recording import Recording

RECORD = RESULTS.with_name("coverage.json")


def run(seed, model, training, more):
    """Train a summariser, then from there in each of the ways in ``more``."""
    test = parts()["test"]
    encoded, held_out = encode(parts()["training"]), encode(test)
    keras.utils.set_random_seed(seed)
    size = len(vocabulary())
    model = PointerGenerator(Seq2SeqConfig(size, size, **model))
    fit(model, encoded, **training)
    start = model.get_weights()
    result = {"before": measures(model, test, held_out)[0]}
    for way, options in more.items():
        model.set_weights(start)
        fit(model, encoded, **options)
        result[way] = measures(model, test, held_out)[0]
    return result


def main():
    recording = Recording(
        RECORD,
        __file__,
        ("tensorflow", "keras", "numpy", "rouge-score"),
        what=(
            "ROUGE and repeated words on the test docstrings after more steps"
            " with the coverage loss and without it"
        ),
        steps=COVERAGE["steps"],
    )
    for seed in SEEDS:
        options = recipe("pointer", seed)
        recording.once(
            {"seed": seed},
            run,
            model=options["model"],
            training=options["training"],
            more={
                "with": options["coverage"],
                "without": options["coverage"] | {"coverage": 0.0},
            },
        )


if __name__ == "__main__":
    main()
