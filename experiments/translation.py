"""Train the translators of chapter 10 and record how well they do.

    python experiments/translation.py

Expressions from CLDR with raw and with usual values, three seeds each, and with
fewer of them, one seed; real sentences with three seeds, with fewer of them and
without glosses, one seed. A run is stored in
``experiments/results/translation.json`` when it is done, and not repeated.
"""

from functools import cache, partial
from pathlib import Path

import keras
import numpy as np

from llmbook.corpora import cldr, hsk
from llmbook.measures.alignment import alignment_accuracy, same
from llmbook.measures.translation import (
    gloss_translation,
    learned_dictionary,
    nearest,
    scores,
)
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

RESULTS = Path(__file__).parent / "results" / "translation.json"
EXPRESSIONS = {
    "data": {"training": 16_000, "validation": 500, "test": 1_000, "seed": 42},
    "model": {
        "d_model": 64,
        "encoder_layers": 1,
        "decoder_layers": 1,
        "dropout": 0.0,
    },
    "training": {"steps": 1_500, "batch_size": 64, "learning_rate": 2e-3},
}
SENTENCES = {
    "model": {
        "d_model": 64,
        "encoder_layers": 1,
        "decoder_layers": 1,
        "dropout": 0.2,
    },
    "training": {"steps": 800, "batch_size": 64, "learning_rate": 2e-3},
    "min_count": 2,
    "extra": 24,
    "lengths": (56, 16),
}
DECODING = {"length_penalty": 1.0, "no_repeat": 3}  # of sentences
SEEDS = [0, 1, 2]
QUESTION = (
    "Translate this Chinese text into English. Answer with the translation"
    " alone.\n"
)


@cache
def expressions():
    """Return the test, training and unseen-years expressions."""
    data = EXPRESSIONS["data"]
    found = cldr.generate(
        sum(data[part] for part in data if part != "seed"), data["seed"]
    )
    held_out = data["test"] + data["validation"]
    later = cldr.generate(1_500, seed=7, years=(2050, 2099))
    later = [one for one in later if one.source_fields.count("y") == 4]
    return found[: data["test"]], found[held_out:], later


def exact(model, encoded, vocabulary, texts):
    ids, _ = decode(model, encoded.source, encoded.target.shape[1])
    written = ["".join(vocabulary.decode(row)) for row in ids]
    return np.mean(
        [one == two for one, two in zip(written, texts, strict=True)]
    )


def expression_run(size, seed, model, training):
    test, learned, later = expressions()
    vocabularies = [
        Vocabulary.fit(getattr(one, side) for one in learned)
        for side in ("source", "target")
    ]
    longest = [
        max(len(one[side]) for one in [*test, *learned, *later])
        for side in (0, 1)
    ]

    def encode(part):
        pairs = [(one.source, one.target) for one in part]
        return encode_pairs(pairs, *vocabularies, lengths=longest)

    keras.utils.set_random_seed(seed)
    config = Seq2SeqConfig(*map(len, vocabularies), **model)
    model = EncoderDecoder(config)
    fit(model, encode(learned[:size]), **training)
    encoded = encode(test)
    weights = (
        model.score(encoded.source, encoded.target)[1].numpy().mean(axis=1)
    )
    right = [
        same(one.target_fields, one.source_fields, cldr.PUNCTUATION)
        for one in test
    ]
    accuracy, chance, tokens = alignment_accuracy(weights, right)
    share = exact(
        model, encoded, vocabularies[1], [one.text[1] for one in test]
    )
    return {
        "exact": share,
        "later_years": exact(
            model, encode(later), vocabularies[1], [x.text[1] for x in later]
        ),
        "alignment": accuracy,
        "alignment_chance": chance,
        "alignment_tokens": tokens,
    }


def fit(model, encoded, batch_size, seed, coverage, **options):
    loss = partial(target_loss, coverage=coverage)
    train(model, loss, shuffled(encoded, batch_size, seed), **options)


def expression_baselines():
    """Return the exact share of the nearest neighbour and of a learned
    dictionary.
    """
    test, training, _ = expressions()
    texts = [one.text[1] for one in test]
    found = nearest(
        [x.text[0] for x in test], [x.text[0] for x in training], ngrams=(1, 3)
    )
    words = learned_dictionary([(one.source, one.target) for one in training])
    by_word = [
        "".join(words.get(token, "") for token in one.source).strip()
        for one in test
    ]
    return {
        "nearest_exact": np.mean(
            [
                training[i].text[1] == t
                for i, t in zip(found, texts, strict=True)
            ]
        ),
        "dictionary_exact": np.mean(
            [one == t for one, t in zip(by_word, texts, strict=True)]
        ),
    }


@cache
def sentences():
    return hsk.split(hsk.load_sentences())


def tokens_of(sentence, glosses):
    return (
        hsk.glossed_tokens(sentence)[0] if glosses else list(sentence.chinese)
    )


def sentence_run(form, size, seed, model, training, decoding):
    glosses = form == "glosses"
    learned, validation, test = sentences()
    learned = learned[:size]
    english = [hsk.english_tokens(one.english) for one in learned]
    chinese = [tokens_of(one, glosses) for one in learned]
    vocabulary = Vocabulary.fit([*english, *chinese], SENTENCES["min_count"])
    extra = SENTENCES["extra"]

    def encode(part):
        pairs = [
            (tokens_of(one, glosses), hsk.english_tokens(one.english))
            for one in part
        ]
        return encode_pairs(
            pairs, vocabulary, vocabulary, extra, SENTENCES["lengths"]
        )

    keras.utils.set_random_seed(seed)
    config = Seq2SeqConfig(len(vocabulary), len(vocabulary), **model)
    model = PointerGenerator(config)
    fit(model, encode(learned), **training)
    result = {}
    for name, part in (("validation", validation), ("test", test)):
        encoded = encode(part)
        references = [" ".join(hsk.english_tokens(one.english)) for one in part]
        for width in (1, 4):
            options = decoding | {"width": width}
            ids, _ = decode(model, encoded.source, 17, **options)
            written = [
                " ".join(vocabulary.decode(*x))
                for x in zip(ids, encoded.words, strict=True)
            ]
            found = scores(written, references)
            suffix = "" if width == 1 else f"_beam_{width}"
            result |= {
                f"{name}_bleu{suffix}": found.bleu,
                f"{name}_chrf{suffix}": found.chrf,
            }
            if name == "test" and width == 1:
                examples, free = written, ids
    result |= forced_and_free(model, encoded, free)
    if glosses:
        result |= word_alignment(model, encoded, test, vocabulary)
    # those of one model are enough to be read
    if glosses and (size, seed) == (len(sentences()[0]), 0):
        result["translations"] = examples
    return result


def forced_and_free(model, encoded, ids):
    """Return the share of right tokens with the true past given, and with the
    model's own.
    """
    right = encoded.target[:, 1:]  # (N, T)
    x, weights, _ = model.decode(
        encoded.target[:, :-1], model.encode(encoded.source)
    )
    # (N, T, V)
    log_p = model.log_probabilities(x, weights, encoded.source).numpy()
    log_p[:, :, :2] = -np.inf
    predicted = log_p.argmax(axis=-1)  # (N, T)
    counted = right > 1  # (N, T)
    free = ids[:, : right.shape[1]]
    return {
        "teacher_forced": (predicted == right)[counted].mean(),
        "free_running": (free == right)[counted].mean(),
        "token_log_probability": (
            model.score(encoded.source, encoded.target)[0]
            .numpy()[counted]
            .mean()
        ),
    }


def word_alignment(model, encoded, part, vocabulary):
    """Tell how often a target word that stands in a gloss is found at the word
    that has it.
    """
    weights = (
        model.score(encoded.source, encoded.target)[1].numpy().mean(axis=1)
    )  # (N, T, S)
    longest, right = SENTENCES["lengths"], []
    for one in part:
        tokens, owner = (x[: longest[0]] for x in hsk.glossed_tokens(one))
        rows = []
        for word in hsk.english_tokens(one.english)[: longest[1]]:
            owners = {
                o
                for t, o in zip(tokens, owner, strict=True)
                if t == word and len(word) > 2
            }
            rows.append([o in owners for o in owner])
        right.append(np.array(rows, bool))
    accuracy, chance, tokens = alignment_accuracy(weights, right)
    return {
        "alignment": accuracy,
        "alignment_chance": chance,
        "alignment_tokens": tokens,
    }


def sentence_baselines():
    training, validation, test = sentences()
    result = {}
    for name, part in (("validation", validation), ("test", test)):
        references = [" ".join(hsk.english_tokens(one.english)) for one in part]
        found = nearest(
            [one.chinese for one in part], [one.chinese for one in training]
        )
        copied = [
            " ".join(hsk.english_tokens(training[i].english)) for i in found
        ]
        for baseline, written in (
            ("nearest", copied),
            ("glosses", [gloss_translation(one) for one in part]),
        ):
            bleu, chrf, _ = scores(written, references)
            result |= {
                f"{name}_{baseline}_bleu": bleu,
                f"{name}_{baseline}_chrf": chrf,
            }
    return result


def baselines():
    return expression_baselines() | sentence_baselines()


def smollm_run(count, question, answering):
    """Ask SmolLM2 for translations of expressions and of sentences."""
    model, tokenizer = smollm.load()
    cases = [
        {"source": one.text[0], "reference": one.text[1]}
        for one in expressions()[0][:count]
    ]
    cases += [
        {"source": s.chinese, "reference": s.english}
        for s in sentences()[2][:count]
    ]
    for start in range(0, len(cases), 8):
        batch = cases[start : start + 8]
        asked = [question + case["source"] for case in batch]
        answers = smollm.answer(model, tokenizer, asked, **answering)
        for case, said in zip(batch, answers, strict=True):
            case["answer"] = said.strip()
    written, references = (
        [" ".join(hsk.english_tokens(case[name])) for case in cases[count:]]
        for name in ("answer", "reference")
    )
    return {"chrf": scores(written, references).chrf, "cases": cases}


def training_of(seed, **options):
    """Return all options of a training."""
    return with_defaults(target_loss, shuffled, train, seed=seed, **options)


def expression(recording, form, size, seed):
    model = EXPRESSIONS["model"] | {"raw_values": form == "raw"}
    recording.once(
        {"kind": "expressions", "form": form, "size": size, "seed": seed},
        expression_run,
        model=with_defaults(Seq2SeqConfig, **model),
        training=training_of(seed, **EXPRESSIONS["training"]),
    )


def sentence(recording, form, size, seed):
    model = SENTENCES["model"] | {"shared": True, "extra": SENTENCES["extra"]}
    recording.once(
        {"kind": "sentences", "form": form, "size": size, "seed": seed},
        sentence_run,
        model=with_defaults(Seq2SeqConfig, **model),
        training=training_of(seed, **SENTENCES["training"]),
        decoding=with_defaults(decode, **DECODING),
    )


def main():
    recording = Recording(
        RESULTS,
        __file__,
        (
            "tensorflow",
            "keras",
            "numpy",
            "babel",
            "sacrebleu",
            "hsk-sentences-audio",
        ),
        what=(
            "exact translations and alignment of CLDR expressions; BLEU and"
            " chrF of HSK sentences"
        ),
        expressions=EXPRESSIONS,
        sentences=SENTENCES,
    )
    recording.once({"kind": "baselines"}, baselines)
    everything = EXPRESSIONS["data"]["training"]
    whole = len(sentences()[0])
    for seed in SEEDS:
        expression(recording, "raw", everything, seed)
        sentence(recording, "glosses", whole, seed)
    for part in (1, 2, 4):
        sentence(recording, "glosses", whole * part // 8, 0)
    for size in (500, 2_000):
        expression(recording, "raw", size, 0)
    for seed in SEEDS:
        expression(recording, "usual", everything, seed)
    sentence(recording, "characters", whole, 0)
    recording.once(
        {"kind": "smollm"},
        smollm_run,
        count=20,
        question=QUESTION,
        answering=with_defaults(smollm.answer, max_new=24),
    )


if __name__ == "__main__":
    main()
