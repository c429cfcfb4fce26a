"""Find the docstring's body for its first line: by shared words, by a dual
encoder, by both.

    python experiments/retrieval.py

A run is one seed of the dual encoder of chapter 12, stored in
``experiments/results/retrieval.json`` when it is done; a run that is there
already is not repeated. The weight of the mixture is chosen on validation
pairs, from modules that are neither in training nor in test.
"""

import functools
from pathlib import Path

import numpy as np

from llmbook.corpora.docstrings import load_docstrings, split_by_module
from llmbook.measures.ranking import (
    BM25,
    TermTokenizer,
    best_weight,
    mean_reciprocal_rank,
    recall_at,
    reciprocal_rank_fusion,
    right_ranks,
    weighted_fusion,
)
from llmbook.models import retrieval, training
from llmbook.models.retrieval import DualEncoder, build_dual_encoder, embed
from llmbook.recording import Recording, with_defaults
from llmbook.text.tokenizers import pad

RESULTS = Path(__file__).parent / "results" / "retrieval.json"
SEEDS = [0, 1, 2]
CANDIDATES = 1000
QUERY_LENGTH, BODY_LENGTH = 12, 32
VOCABULARY = {"min_count": 2, "max_size": 8000}
# XLA is slow at the random numbers of dropout
TRAINING = {"jit_compile": False}


@functools.cache
def parts():
    """Return training pairs, and a thousand each to validate and to test
    with.
    """
    split = split_by_module(load_docstrings(report=print), shares=(0.12, 0.12))
    return (
        split["training"],
        split["validation"][:CANDIDATES],
        split["test"][:CANDIDATES],
    )


def columns(pairs):
    return [pair.summary for pair in pairs], [pair.body for pair in pairs]


def measures(name, scores, right):
    ranks = right_ranks(scores, right)
    return {
        f"{name}_recall_1": recall_at(ranks, 1),
        f"{name}_recall_10": recall_at(ranks, 10),
        f"{name}_mrr": mean_reciprocal_rank(ranks),
    }


def run(seed, vocabulary, model, training):
    pairs, validation, test = parts()
    summaries, bodies = columns(pairs)
    tokenizer = TermTokenizer.fit([*summaries, *bodies], **vocabulary)
    queries, documents = (
        pad([tokenizer.encode(text) for text in texts], length)
        for texts, length in [(summaries, QUERY_LENGTH), (bodies, BODY_LENGTH)]
    )
    model = build_dual_encoder(len(tokenizer), seed, **model)
    retrieval.train(model, queries, documents, **training)
    words, vectors = zip(
        *(both_scores(model, tokenizer, pairs) for pairs in (validation, test)),
        strict=True,
    )
    right = np.arange(CANDIDATES)
    weight = best_weight(vectors[0], words[0], right)
    return {
        "weight": weight,
        **measures("bm25", words[1], right),
        **measures("dual", vectors[1], right),
        **measures(
            "weighted", weighted_fusion(vectors[1], words[1], weight), right
        ),
        **measures(
            "ranks", reciprocal_rank_fusion(vectors[1], words[1]), right
        ),
    }


def both_scores(model, tokenizer, pairs):
    summaries, bodies = columns(pairs)
    queries = embed(model, tokenizer, summaries, QUERY_LENGTH)  # (Q, d_model)
    documents = embed(model, tokenizer, bodies, BODY_LENGTH)  # (N, d_model)
    return BM25(bodies).scores(summaries), queries @ documents.T  # (Q, N) each


def main():
    recording = Recording(
        RESULTS,
        __file__,
        ("tensorflow", "keras", "numpy", "bm25s", "snowballstemmer"),
        what=(
            "the body for a first line among 1,000: recall at 1 and 10, mean"
            " reciprocal rank"
        ),
        pairs=[len(part) for part in parts()],
    )
    for seed in SEEDS:
        recording.once(
            {"seed": seed},
            run,
            vocabulary=with_defaults(TermTokenizer.fit, **VOCABULARY),
            model=with_defaults(DualEncoder),
            training=with_defaults(
                retrieval.train, training.train, seed=seed, **TRAINING
            ),
        )


if __name__ == "__main__":
    main()
