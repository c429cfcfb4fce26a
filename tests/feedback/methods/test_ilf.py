"""Imitation learning from language feedback: which drafts are refined, by whom and by which words, and what of it all
is imitated; plain, with replay, and in dialogue.
"""

import math
import random
from collections import Counter
from typing import NamedTuple

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from letter_world import (
    Apprentice,
    Critique,
    Letters,
    Listener,
    Pen,
    central_differences,
    gradient,
    log_prob,
    texts,
    weights_of,
)

from llmbook.feedback.annotator import Annotator
from llmbook.feedback.methods import ilf
from llmbook.feedback.methods.ilf import (
    another_critique,
    criticise,
    ilf_loss,
    refinement_weights,
    refinements,
    select,
)
from llmbook.feedback.methods.sft import imitation_loss, sft_loss

few = settings(max_examples=30, deadline=None)
seeds = st.integers(0, 2**32 - 1)


def normal(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape)


# --- the loss and the weights -----------------------------------------------------------------


@pytest.mark.equation("eq-ilf-weights")
def test_refinement_weights_by_hand():
    np.testing.assert_allclose(
        refinement_weights([[0, math.log(3)]], 1.0), [[0.25, 0.75]]
    )
    np.testing.assert_allclose(
        refinement_weights([[0, math.log(3)]], 0.5), [[0.1, 0.9]]
    )
    np.testing.assert_allclose(
        refinement_weights([[1, 2, 2]], 0), [[0, 0.5, 0.5]]
    )
    np.testing.assert_allclose(
        refinement_weights([1, 2000, 3], 1e-3), [0, 1, 0]
    )
    # each draft's refinements among themselves
    np.testing.assert_allclose(
        refinement_weights([[0, math.log(3)], [math.log(3), 0]], 1.0),
        [[0.25, 0.75], [0.75, 0.25]],
    )
    np.testing.assert_allclose(
        refinement_weights([[1, 2], [9, 8]], 0), [[0, 1], [1, 0]]
    )


@pytest.mark.equation("eq-ilf")
def test_ilf_loss_by_hand_and_with_one_refinement():
    log_probs = np.log([[[0.5, 0.5], [0.25, 0.25]]])  # (B, K, T) = (1, 2, 2)
    mask = np.array([[[1.0, 1.0], [1.0, 0.0]]])
    expected = 0.75 * math.log(4) + 0.25 * math.log(4)
    assert float(
        ilf_loss(log_probs, mask, np.array([[0.75, 0.25]]))
    ) == pytest.approx(expected)
    one = float(ilf_loss(log_probs[:, :1], mask[:, :1], np.ones((1, 1))))
    assert one == pytest.approx(
        2 * float(sft_loss(log_probs[:, 0], mask[:, 0]))
    )


@few
@given(seeds)
def test_ilf_loss_and_gradient_are_those_of_the_formula(seed):
    log_probs, rewards = normal(seed, 3, 2, 4), normal(seed + 1, 3, 2)
    weights = refinement_weights(rewards, 1.0)
    mask = (normal(seed + 2, 3, 2, 4) > 0).astype(float)

    def by_hand(x):
        return -sum(
            weights[n, k] * x[n, k, t] * mask[n, k, t] / 3
            for n, k, t in np.ndindex(3, 2, 4)
        )

    assert float(ilf_loss(log_probs, mask, weights)) == pytest.approx(
        by_hand(log_probs)
    )
    np.testing.assert_allclose(
        gradient(lambda x: ilf_loss(x, mask, weights), log_probs),
        central_differences(by_hand, log_probs),
        rtol=1e-6,
        atol=1e-8,
    )


@pytest.mark.equation("eq-importance")
@few
@given(seeds)
def test_dividing_by_the_proposal_gives_the_expectation_under_the_target(seed):
    """Each text as often as its proposal has it: the corrected mean is the target's, exactly."""
    reward, log_policy = normal(seed, 2, 5)
    counts = np.random.default_rng(seed).integers(1, 20, 5)
    drawn = np.repeat(np.arange(5), counts)  # (n,)
    proposal = counts / counts.sum()
    weights = refinement_weights(
        reward[drawn] - np.log(proposal[drawn]), 1.0
    )  # (n,)
    target = refinement_weights(reward, 1.0)  # (5,)
    assert (weights * log_policy[drawn]).sum() == pytest.approx(
        (target * log_policy).sum()
    )
    equal = refinement_weights(reward[drawn], 1.0)
    per_text = np.bincount(drawn, equal)
    np.testing.assert_allclose(
        per_text, target * proposal / (target * proposal).sum()
    )


@pytest.mark.equation("eq-ilf-kl")
@few
@given(seeds)
def test_ilf_is_least_at_the_target_and_differs_from_the_divergence_by_its_entropy(
    seed,
):
    """Over all texts, each proposed once: the loss is KL(π*, π) + H(π*), with no gradient at π = π*."""
    reward, logits = normal(seed, 2, 6)
    target = refinement_weights(reward, 0.7)  # (K,)
    mask = np.ones((1, 6, 1))

    def loss(x):
        return ilf_loss(tf.nn.log_softmax(x)[None, :, None], mask, target[None])

    policy = np.exp(logits) / np.exp(logits).sum()
    divergence = (target * np.log(target / policy)).sum()
    entropy = -(target * np.log(target)).sum()
    assert float(loss(tf.constant(logits))) == pytest.approx(
        divergence + entropy
    )
    np.testing.assert_allclose(gradient(loss, np.log(target)), 0, atol=1e-12)


# --- choosing and asking ----------------------------------------------------------------------


def test_selection():
    assert select(["a", "b", "b", "c"]) == "b"
    assert select(["b", "a", "a", "b"]) == "b"  # the first of equals
    assert select(["a", "b", "b"], "first") == "a"
    with pytest.raises(
        ValueError, match="rule must be 'majority' or 'first', got 'best'"
    ):
        select(["a"], "best")


def test_critiques_are_dealt_out_anew():
    annotated = [
        (i, f"draft {i}", Saying((f"critique {i}",))) for i in range(50)
    ]
    dealt = another_critique(random.Random(0), annotated)
    assert [pair[:2] for pair in dealt] == [pair[:2] for pair in annotated]
    assert sorted(z[2] for z in dealt) == sorted(z[2] for z in annotated)
    assert sum(x == y for x, y in zip(dealt, annotated, strict=True)) < 10


def test_the_policy_drafts_and_every_draft_is_criticised():
    pen = Pen("aa", "", "ab")
    learner = Apprentice(pen)
    annotator = Annotator(learner.task, 3)
    annotated = criticise(learner, annotator, ["a", "b", "c"])
    assert annotated == [
        ("a", "aa", Critique("+")),
        ("b", "", Critique("~")),
        ("c", "ab", Critique("c")),
    ]
    assert pen.read(learner.model) == ["a>", "b>", "c>"]
    assert {asked.temperature for asked in pen.asked} == {1.0}
    assert annotator.spent["critique"] == 3


@pytest.mark.parametrize(
    ("rule", "chosen"), [("majority", ["ca", "b"]), ("first", ["cc", "b"])]
)
def test_the_reference_refines_and_one_of_its_texts_is_chosen(rule, chosen):
    """Three for each draft, one draft after the other."""
    pen = Pen("cc", "ca", "ca", "b", "aa", "ab")
    learner = Apprentice(pen)
    annotated = [("c", "ab", Critique("c")), ("a", "b", Critique("a"))]
    assert refinements(learner, annotated, 3, rule) == chosen
    assert pen.read(learner.reference) == ["c>ab!c?"] * 3 + ["a>b!a?"] * 3
    assert {asked.temperature for asked in pen.asked} == {1.0}
    assert refinements(learner, [], 3) == []


# --- the loop ---------------------------------------------------------------------------------

# a round of four critiques: accepted, no message at all, two with a fault
DRAFTS = ["aa", "", "ab", "b"]


def test_faulty_drafts_alone_are_refined_and_their_refinements_imitated():
    pen = Pen(*DRAFTS, "cc", "bc", "cc", "b", "aa", "aa")
    learner = Apprentice(pen, "abca")
    figures = learner.practise(
        ilf.learn, 4, rounds=1, candidates=3, steps=3, learning_rate=1e-2
    )
    (lesson,) = learner.lessons
    assert learner.spent == {"critique": 4}
    assert pen.read(learner.model) == ["a>", "b>", "c>", "a>"]
    assert pen.read(learner.reference) == ["c>ab!c?"] * 3 + ["a>b!a?"] * 3
    assert lesson.loss is imitation_loss
    assert texts(lesson.data) == [("c>", "cc!"), ("a>", "aa!")]
    assert (lesson.steps, lesson.learning_rate) == (3, 1e-2)
    loss = lesson.losses[-1]
    assert figures == [{"loss": loss, "imitated": 2, "accepted": 1}]


def test_the_first_candidate_is_taken_if_asked_for():
    pen = Pen(*DRAFTS, "cc", "bc", "bc", "b", "aa", "aa")
    learner = Apprentice(pen, "abca")
    learner.practise(ilf.learn, 4, rounds=1, candidates=3, rule="first")
    (lesson,) = learner.lessons
    assert texts(lesson.data) == [("c>", "cc!"), ("a>", "b!")]


@pytest.mark.parametrize("replay", [False, True])
def test_replay_imitates_every_draft_that_was_ever_accepted(replay):
    """Two rounds of two critiques, with one accepted and one refined draft each."""
    learner = Apprentice(Pen("aa", "b", "bb", "cc", "ab", "aa"), "abca")
    figures = learner.practise(
        ilf.learn, 4, rounds=2, candidates=1, replay=replay
    )
    first, second = (texts(lesson.data) for lesson in learner.lessons)
    accepted = [("a>", "aa!"), ("c>", "cc!")] if replay else []
    assert first == [("b>", "bb!"), *accepted[:1]]
    assert second == [("a>", "aa!"), *accepted]
    assert [z["accepted"] for z in figures] == [1, 2]
    assert [z["imitated"] for z in figures] == [len(first), len(second)]


@pytest.mark.parametrize(
    ("faulty", "steps", "epochs", "taken"),
    [(2, 60, 40, 3), (2, 2, 40, 2), (3, 60, 11, 2), (4, 60, 8, 1)],
)
def test_steps_are_so_many_and_no_more_than_so_many_passes(
    faulty, steps, epochs, taken
):
    """In batches of 32, 40 passes over two texts are two batches and a half."""
    learner = Apprentice(Pen(*["b"] * faulty, *["aa"] * faulty), "a")
    learner.practise(
        ilf.learn, faulty, rounds=1, candidates=1, steps=steps, epochs=epochs
    )
    assert learner.lessons[0].steps == taken


def test_the_words_of_another_draft_are_those_of_another():
    """Twelve drafts with a fault and one without, whose acceptance nobody else is to read."""
    records = "abcabcabcabca"
    drafts = [*"bcabcabcabca", "aa"]
    pen = Pen(*drafts, *drafts[:12])
    learner = Apprentice(pen, records)
    learner.practise(ilf.learn, 13, rounds=1, candidates=1, feedback="another")
    read = pen.read(learner.reference)
    assert [prompt[:4] for prompt in read] == [
        f"{record}>{draft}!"
        for record, draft in zip(records[:12], drafts[:12], strict=True)
    ]
    words = [prompt[4:-1] for prompt in read]
    assert Counter(words) == {"a": 4, "b": 4, "c": 4}
    assert sum(a != b for a, b in zip(words, records, strict=False)) >= 6


class Saying(NamedTuple):
    words: tuple

    def about(self, rng, record, draft):
        return Saying((record, draft, *self.words))


def annotated(number):
    return [
        (k, f"draft {k}", Saying(tuple(f"{k} {w}" for w in "abc")))
        for k in range(number)
    ]


def test_controls_change_the_critiques_and_nothing_else():
    before = annotated(20)
    for name, control in ilf.CRITIQUES.items():
        after = control(random.Random(0), before)
        assert [z[:2] for z in after] == [z[:2] for z in before]
        kept = sum(a == b for a, b in zip(after, before, strict=True))
        words = [z[2].words for z in after]
        if name == "own":
            assert kept == 20
        if name == "another":
            assert kept < 5
            assert sorted(words) == sorted(z[2].words for z in before)
        if name == "another's style":  # said of the draft that it falls to
            assert [one[:2] for one in words] == [z[:2] for z in before]
            said = [one[2:] for one in words]
            assert said != [z[2].words for z in before]
            assert sorted(said) == sorted(z[2].words for z in before)
        if name == "another in every fifth":
            assert 16 <= kept < 20
            assert sorted(words) == sorted(z[2].words for z in before)
            changed = [k for k in range(20) if after[k] != before[k]]
            assert {k % 5 for k in changed} == {0}
        if name == "shuffled words":
            assert kept < 10
            for one, (_, _, other) in zip(words, before, strict=True):
                assert sorted(one) == sorted(other.words)
        if name == "no words":
            assert set(words) == {()}


def test_no_words_leave_the_faulty_drafts_as_they_are():
    pen = Pen(*DRAFTS)
    learner = Apprentice(pen, "abca")
    learner.practise(ilf.learn, 4, rounds=1, feedback="none")
    (lesson,) = learner.lessons
    assert texts(lesson.data) == [("c>", "ab!"), ("a>", "b!")]
    assert pen.read(learner.reference) == []


def test_a_round_without_faults_teaches_nothing():
    learner = Apprentice(Pen("aa", "bb", ""))
    figures = learner.practise(ilf.learn, 3, rounds=1)
    assert figures == [{"imitated": 0, "accepted": 2}]
    assert learner.lessons == []


def test_feedback_is_one_of_those_and_the_rule_one_of_two():
    with pytest.raises(
        ValueError,
        match="feedback must be 'own', 'another', \"another's style\", 'another in every fifth', 'shuffled words', 'no words' or 'none', got 'some'",
    ):
        Apprentice().practise(ilf.learn, 1, feedback="some")
    with pytest.raises(ValueError, match="rule must be"):
        Apprentice(Pen("b")).practise(ilf.learn, 1, rule="best")


# --- in dialogue ------------------------------------------------------------------------------


def dialogue(pen, records, annotations, **options):
    learner = Apprentice(pen, records)
    options = {"rounds": 1, "batch": 1, "candidates": 1, "steps": 2} | options
    return learner, learner.practise(
        ilf.learn_in_dialogue, annotations, **options
    )


def test_a_draft_is_refined_until_it_is_accepted_and_that_is_imitated():
    pen = Pen("b", "c", "aa", "bb")
    learner, figures = dialogue(pen, "ab", 4)
    assert learner.spent == {"critique": 4}
    assert pen.read(learner.model) == ["a>", "b>"]
    assert pen.read(learner.reference) == ["a>b!a?", "a>c!a?"]
    (lesson,) = learner.lessons
    assert lesson.loss is imitation_loss
    assert texts(lesson.data) == [("a>", "aa!"), ("b>", "bb!")]
    assert figures == [
        {"loss": lesson.losses[-1], "imitated": 2, "accepted": 2}
    ]


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_no_dialogue_has_more_turns_than_it_may(turns):
    """Nothing is ever right: each dialogue is a draft and ``turns - 1`` refinements."""
    pen = Pen("b")
    learner, figures = dialogue(pen, "a", 6, turns=turns)
    assert pen.read(learner.model) == ["a>"] * (6 // turns)
    assert pen.read(learner.reference) == ["a>b!a?"] * (6 - 6 // turns)
    assert figures == [{"imitated": 0, "accepted": 0}]
    assert learner.lessons == []


def test_what_is_no_message_is_dropped():
    pen = Pen("", "bb", "")
    learner, _ = dialogue(pen, "ab", 3)
    assert pen.read(learner.model) == ["a>", "b>", "a>"]
    assert pen.read(learner.reference) == []
    assert texts(learner.lessons[0].data) == [("b>", "bb!")]


def test_dialogues_go_side_by_side_and_new_ones_fill_the_batch():
    """Of two, a's is accepted after one refinement, b's at once; then c and a join."""
    pen = Pen("b", "bb", "aa", "c", "ab", "cc")
    learner, figures = dialogue(pen, "abc", 5, batch=2)
    assert learner.spent == {"critique": 5}
    assert pen.read(learner.model) == ["a>", "b>", "c>", "a>"]
    # a is judged again beside c; then the second a is left alone
    assert pen.read(learner.reference) == ["a>b!a?", "c>c!c?", "a>ab!a?"]
    assert texts(learner.lessons[0].data) == [("b>", "bb!"), ("a>", "aa!")]
    assert figures[0]["accepted"] == 2


def test_the_best_of_several_refinements_goes_on_in_the_dialogue():
    pen = Pen("b", "ca", "aa", "aa")
    learner, _ = dialogue(pen, "a", 2, candidates=3)
    assert pen.read(learner.reference) == ["a>b!a?"] * 3
    assert texts(learner.lessons[0].data) == [("a>", "aa!")]
    first = dialogue(
        pen := Pen("b", "ca", "aa", "aa"), "a", 2, candidates=3, rule="first"
    )
    assert first[1] == [{"imitated": 0, "accepted": 0}]
    assert pen.read(first[0].reference)[3:] == ["a>ca!a?"] * 3


def test_every_round_imitates_all_that_was_ever_accepted():
    """A dialogue that a round's budget cuts off goes on in the next."""
    pen = Pen("aa", "c", "bb", "cc")
    learner, figures = dialogue(
        pen, "abc", 4, rounds=2, steps=3, learning_rate=1e-2
    )
    first, second = learner.lessons
    assert texts(first.data) == [("a>", "aa!")]
    assert texts(second.data) == [("a>", "aa!"), ("b>", "bb!"), ("c>", "cc!")]
    assert pen.read(learner.model) == ["a>", "b>", "c>"]
    assert {(z.steps, z.learning_rate) for z in learner.lessons} == {(3, 1e-2)}
    assert [z["accepted"] for z in figures] == [1, 3]


# --- all three --------------------------------------------------------------------------------


class Obedient(Pen):
    """Refines to exactly what the critique asks for: the letter that it names, twice."""

    def __call__(self, model, prompts, *rest, **options):
        rows = super().__call__(model, prompts, *rest, **options)
        for row, prompt in zip(rows, prompts, strict=True):
            *_, word, mark = Letters().decode(prompt)
            if mark == "?":
                row[:] = Letters().encode(2 * word + "!")
        return rows


@pytest.mark.parametrize(
    ("learn", "options"),
    [
        (ilf.learn, {"rounds": 2}),
        (ilf.learn, {"rounds": 2, "replay": True}),
        (ilf.learn_in_dialogue, {"rounds": 2, "batch": 4}),
    ],
)
def test_what_the_words_ask_for_becomes_likelier(learn, options):
    learner = Apprentice(Obedient("b", "c", "a"))
    table = weights_of(learner.reference)
    learner.practise(learn, 24, steps=40, learning_rate=5e-2, **options)
    for record in "abc":
        before, after = (
            log_prob(model, record, 2 * record)
            for model in (learner.reference, learner.model)
        )
        assert after > before + 1
    np.testing.assert_array_equal(weights_of(learner.reference), table)


def test_the_recipes():
    """Six rounds of four candidates; and dialogues of four turns, sixteen at a time, in three rounds."""
    pen = Pen("b")
    learner = Listener(pen, "a")
    learner.practise(ilf.learn, 6 * 52)
    assert [z.steps for z in learner.lessons] == [60] * 6
    assert {z.learning_rate for z in learner.lessons} == {5e-4}
    assert len(pen.read(learner.reference)) == 6 * 52 * 4
    learner = Listener(Pen("b"), "a")
    learner.practise(ilf.learn, 6 * 4)  # forty passes over four texts
    assert [z.steps for z in learner.lessons] == [5] * 6

    learner = Listener(pen := Pen("b"), "a")
    learner.practise(ilf.learn_in_dialogue, 64, rounds=1)
    assert len(pen.read(learner.model)) == 16
    assert len(pen.read(learner.reference)) == 16 * 3 * 4
    learner = Listener(Pen("aa"), "a")
    learner.practise(ilf.learn_in_dialogue, 9)
    lessons = [(z.steps, z.learning_rate) for z in learner.lessons]
    assert lessons == [(120, 5e-4)] * 3
