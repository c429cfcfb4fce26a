"""Writing beside the definitions of what is excluded, and with the cache as without it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_models import small_gpt

from llmbook.mathematics import attention as reference
from llmbook.models.generation import adjusted_logits, generate

few = settings(max_examples=25, deadline=None)


@pytest.fixture(scope="module")
def gpt():
    return small_gpt()


def test_a_top_p_of_one_excludes_nothing_however_sure_the_model_is():
    logits = np.array([[40.0, 0.0, -1.0]])
    assert np.isfinite(adjusted_logits(logits, top_k=2)).sum() == 2


def test_tokens_as_likely_as_the_last_of_the_top_are_kept_too():
    kept = np.isfinite(adjusted_logits([[2.0, 1.0, 2.0, 0.0]], top_k=1))
    assert kept.tolist() == [[True, False, True, False]]


def nucleus(probabilities, top_p):
    """The fewest likeliest tokens that together have a probability of top_p."""
    order = np.argsort(-probabilities, kind="stable")
    count = int(np.searchsorted(np.cumsum(probabilities[order]), top_p)) + 1
    return set(order[:count].tolist())


@pytest.mark.equation("eq-nucleus")
@few
@given(
    st.integers(0, 2**16),
    st.integers(1, 8),
    st.floats(0.05, 0.99),
    st.floats(0.3, 3),
)
def test_adjusted_logits_exclude_what_the_definitions_say(
    seed, top_k, top_p, temperature
):
    logits = (
        np.random.default_rng(seed).normal(size=(3, 8)).astype("float32") * 2
    )
    scaled = logits.astype("float64") / temperature
    np.testing.assert_allclose(
        adjusted_logits(logits, temperature), scaled, rtol=1e-5
    )

    by_rank = adjusted_logits(logits, temperature, top_k=top_k).numpy()
    for row, kept in zip(scaled, by_rank, strict=True):
        assert set(np.flatnonzero(np.isfinite(kept))) == set(
            np.argsort(-row)[:top_k]
        )
        np.testing.assert_allclose(
            kept[np.isfinite(kept)], row[np.isfinite(kept)], rtol=1e-5
        )

    by_mass = adjusted_logits(logits, temperature, top_p=top_p).numpy()
    for row, kept in zip(reference.softmax(scaled), by_mass, strict=True):
        assert set(np.flatnonzero(np.isfinite(kept))) == nucleus(row, top_p)

    both = adjusted_logits(
        logits, temperature, top_k=top_k, top_p=top_p
    ).numpy()
    for row, kept, first in zip(both, by_rank, by_rank, strict=True):
        assert set(np.flatnonzero(np.isfinite(row))) == nucleus(
            reference.softmax(first), top_p
        )
        assert np.isfinite(kept[np.isfinite(row)]).all()


@pytest.mark.equation("eq-repetition-penalty")
def test_repetition_penalty_makes_seen_tokens_less_likely():
    logits, seen = (
        np.array([[2.0, -2.0, 1.0, -1.0]]),
        np.array([[True, True, False, False]]),
    )
    found = adjusted_logits(logits, repetition_penalty=2.0, seen=seen)
    np.testing.assert_allclose(found, [[1.0, -4.0, 1.0, -1.0]])


PROMPTS = ([3, 4, 5], [7], [9, 9, 2, 8, 1])


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"temperature": 0},
        {"top_k": 3, "seed": 4},
        {"top_p": 0.8, "temperature": 1.5},
        {"repetition_penalty": 1.5},
        {"stop": 4},
    ],
)
def test_cached_and_uncached_generation_give_the_same_tokens(gpt, options):
    cached = generate(gpt, PROMPTS, 11, **options)
    np.testing.assert_array_equal(
        cached, generate(gpt, PROMPTS, 11, use_cache=False, **options)
    )
    assert cached.shape == (3, 11)
    if "stop" not in options:
        assert (cached > 0).all()


def test_greedy_generation_takes_the_likeliest_token_each_time(gpt):
    for prompt, written in zip(
        PROMPTS, generate(gpt, PROMPTS, 11, temperature=0), strict=True
    ):
        ids = list(prompt)
        for token in written:
            logits = gpt(np.array([ids]))[0, -1].numpy()
            assert token == 1 + logits[1:].argmax()
            ids.append(token)
    np.testing.assert_array_equal(
        generate(gpt, PROMPTS, 11, top_k=1),
        generate(gpt, PROMPTS, 11, temperature=0),
    )


def test_samples_follow_the_distribution_and_the_seed(gpt):
    prompts = np.tile([[3, 4]], (4000, 1))
    drawn = generate(gpt, prompts, 1, temperature=1.3)[:, 0]
    logits = gpt(np.array([[3, 4]]))[0, -1].numpy() / 1.3
    expected = reference.softmax(np.where(np.arange(11) == 0, -np.inf, logits))
    frequencies = np.bincount(drawn, minlength=11) / 4000
    assert np.abs(frequencies - expected).max() < 4 * np.sqrt(0.25 / 4000)
    again = generate(gpt, prompts, 1, temperature=1.3)[:, 0]
    np.testing.assert_array_equal(again, drawn)
    assert (
        generate(gpt, prompts, 1, temperature=1.3, seed=1)[:, 0] != drawn
    ).any()


def test_nothing_is_written_after_stop(gpt):
    written = generate(
        gpt, np.tile([[3]], (50, 1)), 12, stop=4, temperature=2.0
    )
    ended = 0
    for row in written:
        stops = np.flatnonzero(row == 4)
        if len(stops):
            ended += 1
            assert (row[: stops[0]] > 0).all()
            assert (row[stops[0] + 1 :] == 0).all()
    assert 10 < ended < 50


def test_a_strong_repetition_penalty_repeats_nothing(gpt):
    written = generate(gpt, [[3]], 9, temperature=0, repetition_penalty=1e6)
    assert len({3, *written[0].tolist()}) == 10


@pytest.mark.parametrize(
    ("prompts", "max_new", "options", "message"),
    [
        ([], 1, {}, "prompts must hold at least one"),
        ([[3], []], 1, {}, "each at least one token"),
        (
            [[3]],
            16,
            {},
            "after a prompt of 1, fit the model's length of 16, got 16",
        ),
        ([[3]], 0, {}, "max_new must be at least 1"),
        (
            [[3]],
            2,
            {"temperature": -1},
            "temperature must be at least 0, got -1",
        ),
        ([[3]], 2, {"top_k": -2}, "top_k must be at least 0, got -2"),
        ([[3]], 2, {"top_p": 0}, "top_p must be above 0 and at most 1, got 0"),
        (
            [[3]],
            2,
            {"repetition_penalty": 0},
            "repetition_penalty must be above 0, got 0",
        ),
    ],
)
def test_bad_requests_are_named(gpt, prompts, max_new, options, message):
    with pytest.raises(ValueError, match=message):
        generate(gpt, prompts, max_new, **options)
