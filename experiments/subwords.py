"""Train the translator of sentences of chapter 10 on subwords, and decode with
wider and wider beams.

    python experiments/subwords.py

One seed. All but the cutting of the texts is as in ``translation.py``:
sources with glosses, a pointer, and the recipe of training. A run is stored in
``experiments/results/subwords.json`` when it is done, and not repeated.
"""

import functools
from pathlib import Path

import keras
import numpy as np
from translation import DECODING, SENTENCES, fit, sentences, training_of

from llmbook.corpora import hsk
from llmbook.measures.translation import scores
from llmbook.models.seq2seq import (
    PointerGenerator,
    Seq2SeqConfig,
    decode,
    encode_pairs,
)
from llmbook.recording import Recording, with_defaults
from llmbook.text.bpe import BPETokenizer
from llmbook.text.tokenizers import Vocabulary

RESULTS = Path(__file__).parent / "results" / "subwords.json"
MERGES = 2_000
LENGTHS = (56, 24)  # of source and target, in subwords
WIDTHS = [1, 2, 4, 8, 16]
SEED = 0


def texts(part):
    """Return sources and targets as texts of words with spaces between them."""
    return [
        (
            " ".join(hsk.glossed_tokens(one)[0]),
            " ".join(hsk.english_tokens(one.english)),
        )
        for one in part
    ]


@functools.cache
def cutter(num_merges):
    """Return what cuts texts, learned from the training pairs of both
    languages.
    """
    learned = [text for pair in texts(sentences()[0]) for text in pair]
    return BPETokenizer.fit(learned, num_merges=num_merges)


def run(seed, num_merges, model, training, decoding, widths):
    """Train a translator; measure it as those of words, then with each width of
    the beam, by the probability as it is and by the mean per token.
    """
    cut = cutter(num_merges).tokenize
    parts = [
        [(cut(source), cut(target)) for source, target in texts(part)]
        for part in sentences()
    ]
    vocabulary = Vocabulary.fit(
        [tokens for pair in parts[0] for tokens in pair], SENTENCES["min_count"]
    )
    learned, validation, test = (
        encode_pairs(part, vocabulary, vocabulary, SENTENCES["extra"], LENGTHS)
        for part in parts
    )
    keras.utils.set_random_seed(seed)
    model = PointerGenerator(
        Seq2SeqConfig(len(vocabulary), len(vocabulary), **model)
    )
    fit(model, learned, **training)

    def written(encoded, **options):
        """Return translations and their log-probabilities."""
        ids, log_p = decode(
            model, encoded.source, LENGTHS[1] + 1, batch_size=64, **options
        )
        said = [
            "".join(vocabulary.decode(*pair)).strip()
            for pair in zip(ids, encoded.words, strict=True)
        ]
        return said, log_p

    references = [
        [target for _, target in texts(part)] for part in sentences()[1:]
    ]
    result = {
        "vocabulary": len(vocabulary),
        "source_length": np.mean([len(source) for source, _ in parts[0]]),
        "target_length": np.mean([len(target) for _, target in parts[0]]),
        "unknown": np.mean(test.target[test.target != 0] == 1),
    }
    for name, encoded, wanted in zip(
        ("validation", "test"), (validation, test), references, strict=True
    ):
        said, _ = written(encoded, **decoding)
        found = scores(said, wanted)
        result |= {f"{name}_bleu": found.bleu, f"{name}_chrf": found.chrf}
        result["translations"] = said
    return (
        result
        | teacher_forced(model, learned.take(range(len(test.target))), test)
        | {
            "beams": [
                beam(written, model, test, references[1], width, penalty)
                for penalty in (0.0, 1.0)
                for width in widths
            ]
        }
    )


def teacher_forced(model, learned, test):
    """Measure tokens with the past given: on pairs of the training and of the
    test, and on test pairs whose sources are those of others.
    """
    order = np.roll(np.arange(len(test.target)), 1)
    parts = {
        "learned": learned,
        "test": test,
        "other_source": test._replace(source=test.source[order]),
    }
    result = {}
    for name, part in parts.items():
        right = part.target[:, 1:]  # (N, T)
        counted = right > 1  # (N, T)
        x, weights, _ = model.decode(
            part.target[:, :-1], model.encode(part.source)
        )
        # (N, T, V)
        log_p = model.log_probabilities(x, weights, part.source).numpy()
        log_p[:, :, :2] = -np.inf
        predicted = log_p.argmax(axis=-1)  # (N, T)
        own = np.take_along_axis(log_p, right[..., None], axis=-1)[..., 0]
        result |= {
            f"{name}_right": (predicted == right)[counted].mean(),
            f"{name}_log_probability": own[counted].mean(),  # of a token
        }
    return result


def beam(written, model, encoded, references, width, length_penalty):
    """Measure what a beam of this width finds."""
    said, log_p = written(encoded, width=width, length_penalty=length_penalty)
    # an unknown token counts nothing: the reference is not put below its due
    counted = encoded.target[:, 1:] > 1  # (N, T)
    scored = model.score(encoded.source, encoded.target)[0]  # (N, T)
    right = np.where(counted, scored, 0).sum(axis=1)  # (N,)
    found = scores(said, references)
    return {
        "width": width,
        "length_penalty": length_penalty,
        "bleu": found.bleu,
        "chrf": found.chrf,
        "log_p": log_p.mean(),
        "likelier_than_reference": (log_p > right).mean(),
        "words": np.mean([len(text.split()) for text in said]),
        "empty": np.mean([text == "" for text in said]),
    }


def main():
    recording = Recording(
        RESULTS,
        __file__,
        ("tensorflow", "keras", "numpy", "sacrebleu", "hsk-sentences-audio"),
        what=(
            "BLEU and chrF of HSK sentences translated by subwords, and of"
            " beams of several widths"
        ),
        lengths=LENGTHS,
        min_count=SENTENCES["min_count"],
    )
    sizes = SENTENCES["model"] | {"shared": True, "extra": SENTENCES["extra"]}
    recording.once(
        {"seed": SEED},
        run,
        num_merges=MERGES,
        model=with_defaults(Seq2SeqConfig, **sizes),
        training=training_of(SEED, **SENTENCES["training"]),
        decoding={
            name: DECODING[name] for name in ("length_penalty", "no_repeat")
        },
        widths=WIDTHS,
    )


if __name__ == "__main__":
    main()
