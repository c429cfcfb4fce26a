"""Train the summariser of chapter 11 and record how well it does, beside what
does not learn.

    python experiments/summaries.py

Three seeds with the pointer, decoded in several ways, on validation and on
test, and again after some more steps with the coverage loss; one seed without
the pointer, one without the function's name. A run is stored in
``experiments/results/summaries.json`` when it is done, and not repeated.
"""

from functools import cache, partial
from pathlib import Path

import keras
import numpy as np

from llmbook.corpora.docstrings import load_docstrings, split_by_module
from llmbook.measures import summaries
from llmbook.measures.alignment import alignment_accuracy
from llmbook.models import smollm
from llmbook.models.seq2seq import (
    EncoderDecoder,
    PointerGenerator,
    Seq2SeqConfig,
    decode,
    encode_pairs,
    target_loss,
)
from llmbook.models.training import shuffled, train
from llmbook.recording import Recording, with_defaults
from llmbook.text.tokenizers import Vocabulary

RESULTS = Path(__file__).parent / "results" / "summaries.json"
MODEL = {
    "d_model": 96,
    "encoder_layers": 1,
    "decoder_layers": 1,
    "dropout": 0.0,
}
TRAINING = {
    "steps": 1_700,
    "batch_size": 16,
    "learning_rate": 3e-3,
    "weight_decay": 0.3,
}
COVERAGE = TRAINING | {"steps": 300, "learning_rate": 1e-3, "coverage": 1.0}
BEAM = {"width": 4, "length_penalty": 1.0}
DECODINGS = {
    "greedy": {},
    "no_pair_twice": {"no_repeat": 2},
    "no_word_twice": {"no_repeat": 1},
    "beam": BEAM,
    "beam_no_pair_twice": BEAM | {"no_repeat": 2},
    "beam_no_word_twice": BEAM | {"no_repeat": 1},
}
CHOSEN = "beam_no_word_twice"  # the best of them on validation
VOCABULARY, EXTRA = 2_000, 24
SEEDS = [0, 1, 2]
QUESTION = (
    "Say in one sentence of at most twelve words what this Python function"
    " does.\n"
)


@cache
def parts():
    return split_by_module(load_docstrings())


@cache
def vocabulary():
    training = parts()["training"]
    words = [
        summaries.source_tokens(pair) + summaries.summary_tokens(pair)
        for pair in training
    ]
    return Vocabulary.fit(words, max_size=VOCABULARY)


def encode(pairs, name=True):
    sources = [summaries.source_tokens(pair) for pair in pairs]
    if not name:
        sources = [
            source[source.index(summaries.NAME_END) + 1 :] for source in sources
        ]
    both = [
        (s, summaries.summary_tokens(p))
        for s, p in zip(sources, pairs, strict=True)
    ]
    words = vocabulary()
    return encode_pairs(both, words, words, EXTRA, summaries.LENGTHS)


def fit(model, encoded, batch_size, seed, coverage, **options):
    loss = partial(target_loss, coverage=coverage)
    train(model, loss, shuffled(encoded, batch_size, seed), **options)


def measures(model, pairs, encoded, **options):
    """Return ROUGE and what it does not see, and the summaries."""
    ids, _ = decode(model, encoded.source, summaries.LENGTHS[1] + 1, **options)
    written = [
        vocabulary().decode(*x) for x in zip(ids, encoded.words, strict=True)
    ]
    references = [summaries.summary_tokens(pair) for pair in pairs]
    sources = [summaries.source_tokens(pair) for pair in pairs]
    found = summaries.rouge(written, references)._asdict()
    found["length"] = np.mean([len(words) for words in written])
    found["repeating"] = np.mean(
        [bool(summaries.repeats(words)) for words in written]
    )
    for name, count in (
        ("unsupported", summaries.unsupported),
        ("contradicting", summaries.contradictions),
    ):
        found[name] = np.mean(
            [bool(count(*x)) for x in zip(written, sources, strict=True)]
        )
    return found, written, ids


def copy_alignment(model, encoded, ids, written):
    """Tell how often attention is at a word of the source while that word is
    written.
    """
    targets = np.concatenate([encoded.target[:, :1], ids], axis=1)  # (N, T + 1)
    # (N, T, S)
    weights = model.score(encoded.source, targets)[1].numpy().mean(axis=1)
    right = []
    for source, row, words in zip(encoded.source, ids, written, strict=True):
        # (T',)
        long = np.array([word.isalpha() and len(word) > 3 for word in words])
        same = row[: len(words), None] == source[source > 0][None]  # (T', S')
        right.append(same & long[:, None])
    found = alignment_accuracy(weights, right)
    return dict(
        zip(
            ("copy_alignment", "copy_chance", "copied_words"),
            found,
            strict=True,
        )
    )


def run(kind, seed, model, training, coverage, decodings):
    """Train a summariser; measure it decoded in several ways, and one with the
    pointer on validation and after the steps with the coverage loss, too.
    """
    test = parts()["test"]
    named = kind != "no_name"
    encoded = encode(parts()["training"], named)
    held_out = encode(test, named)
    keras.utils.set_random_seed(seed)
    size = len(vocabulary())
    config = Seq2SeqConfig(size, size, **model)
    if kind == "no_pointer":
        model = EncoderDecoder(config)
        known = [np.where(x < size, x, 1) for x in encoded[:2]]
        encoded = encoded._replace(source=known[0], target=known[1])
    else:
        model = PointerGenerator(config)
    fit(model, encoded, **training)
    result = {}
    for name, options in decodings.items():
        result[name], written, ids = measures(model, test, held_out, **options)
        if kind == "pointer":
            result[name] |= copy_alignment(model, held_out, ids, written)
        if name == CHOSEN:
            result["summaries"] = [" ".join(words) for words in written]
    if kind == "pointer":
        validation = parts()["validation"]
        asked = encode(validation)
        result["validation"] = {
            name: measures(model, validation, asked, **options)[0]
            for name, options in decodings.items()
        }
        fit(model, encoded, **coverage)
        result["coverage"] = measures(model, test, held_out)[0]
    return result


def baselines():
    """Return the measures of summaries that nothing has learned to write."""
    training, test = parts()["training"], parts()["test"]
    counter = summaries.body_counter(training)
    written = {
        "lead": [summaries.lead(pair) for pair in test],
        "text_rank": [summaries.text_rank(pair, counter) for pair in test],
        "nearest": summaries.nearest_summaries(test, training, counter),
        "name": [summaries.tokens(pair.name.split(".")[-1]) for pair in test],
        "name_and_lead": [summaries.name_and_lead(pair) for pair in test],
        "oracle": [summaries.oracle(pair) for pair in test],
        "reference": [summaries.summary_tokens(pair) for pair in test],
    }
    references, sources = (
        written["reference"],
        [summaries.source_tokens(pair) for pair in test],
    )
    found = {}
    for name, texts in written.items():
        found[name] = summaries.rouge(texts, references)._asdict()
        for rule in (summaries.unsupported, summaries.contradictions):
            caught = [bool(rule(*x)) for x in zip(texts, sources, strict=True)]
            found[name][
                {"contradictions": "contradicting"}.get(
                    rule.__name__, rule.__name__
                )
            ] = np.mean(caught)
        found[name]["length"] = np.mean([len(words) for words in texts])
    return found


def smollm_run(written, count, question, answering):
    """Ask SmolLM2 for summaries, and compare them with those of the
    first seed.
    """
    model, tokenizer = smollm.load()
    pairs = parts()["test"][:count]
    answers = []
    for start in range(0, count, 8):
        asked = [
            f"{question}{pair.name}: {' '.join(pair.body.split()[:60])}"
            for pair in pairs[start : start + 8]
        ]
        answers += smollm.answer(model, tokenizer, asked, **answering)
    texts = {
        "": [summaries.tokens(answer.rstrip(". ")) for answer in answers],
        "ours_": [words.split() for words in written[:count]],
        "name_and_lead_": [summaries.name_and_lead(pair) for pair in pairs],
    }
    references, sources = (
        [cut(pair) for pair in pairs]
        for cut in (summaries.summary_tokens, summaries.source_tokens)
    )
    found = {}
    for name, said in texts.items():
        caught = [
            summaries.unsupported(*x) for x in zip(said, sources, strict=True)
        ]
        found |= {
            f"{name}rouge_l": summaries.rouge(said, references).rouge_l,
            f"{name}length": np.mean([len(words) for words in said]),
            f"{name}unsupported": np.mean([bool(one) for one in caught]),
        }
    cases = [
        {"name": pair.name, "summary": pair.summary, "answer": answer.strip()}
        for pair, answer in zip(pairs, answers, strict=True)
    ]
    return found | {"cases": cases}


def recipe(kind, seed):
    """Return the options of a run."""
    defaults = with_defaults(target_loss, shuffled, train, seed=seed)
    pointer = kind == "pointer"
    return {
        "model": with_defaults(
            Seq2SeqConfig, shared=True, extra=EXTRA, **MODEL
        ),
        "training": defaults | TRAINING,
        "coverage": defaults | COVERAGE if pointer else None,
        "decodings": {
            name: with_defaults(decode, **options)
            for name, options in DECODINGS.items()
            if pointer or name == CHOSEN
        },
    }


def main():
    recording = Recording(
        RESULTS,
        __file__,
        ("tensorflow", "keras", "numpy", "rouge-score", "scikit-learn"),
        what=(
            "ROUGE F-measures on the test docstrings; shares of summaries that"
            " repeat two words, have a word that their source does not support,"
            " contradict their source"
        ),
        sizes={part: len(pairs) for part, pairs in parts().items()},
        model=MODEL,
        training=TRAINING,
        coverage=COVERAGE,
        decodings=DECODINGS,
        chosen=CHOSEN,
        vocabulary=VOCABULARY,
        extra=EXTRA,
    )
    recording.once({"kind": "baselines"}, baselines)
    wanted = [("pointer", seed) for seed in SEEDS] + [
        ("no_pointer", 0),
        ("no_name", 0),
    ]
    for kind, seed in wanted:
        recording.once({"kind": kind, "seed": seed}, run, **recipe(kind, seed))
    first = recording.runs(kind="pointer", seed=SEEDS[0])[0]
    recording.once(
        {"kind": "smollm"},
        partial(smollm_run, first["summaries"]),
        count=24,
        question=QUESTION,
        answering=with_defaults(smollm.answer, max_new=40),
    )


if __name__ == "__main__":
    main()
