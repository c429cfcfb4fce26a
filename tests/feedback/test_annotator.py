"""The annotator's answers are those of the task, and every one is paid from one budget."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from letter_world import Critique, Letters

from llmbook.feedback.annotator import SECONDS, Annotator, BudgetSpent, shares
from llmbook.feedback.tasks import invitations

ASK = {
    "critique": lambda annotator: annotator.critique("a", "ab"),
    "demonstration": lambda annotator: annotator.demonstrate("a"),
    "comparison": lambda annotator: annotator.compare("a", "ab", "bb"),
    "score": lambda annotator: annotator.score("a", "ab"),
    "success": lambda annotator: annotator.approve("a", "ab"),
    "ticks": lambda annotator: annotator.tick("a", "ab"),
    "faults": lambda annotator: annotator.name_faults("a", "ab"),
}
ANSWERS = {
    "critique": Critique("a"),
    "demonstration": "aa",
    "comparison": True,
    "score": 1,
    "success": False,
    "ticks": {"first": True, "last": False},
    "faults": ("last",),
}


def test_every_answer_is_paid_and_the_budget_ends():
    annotator = Annotator(invitations.Invitations(), annotations=7)
    (record,) = annotator.draw(1)
    perfect = annotator.demonstrate(record)
    assert annotator.score(record, perfect) == 8
    assert annotator.critique(record, perfect).accepted
    assert annotator.compare(record, perfect, ("nonsense",))
    assert annotator.approve(record, perfect)
    assert all(annotator.tick(record, perfect).values())
    assert annotator.name_faults(record, perfect) == ()
    assert annotator.spent == dict.fromkeys(SECONDS, 1)
    assert annotator.spent_seconds == pytest.approx(
        2 * 182.5 + 195.5 + 4 * 61.5
    )
    assert annotator.left("critique") == 0
    with pytest.raises(BudgetSpent, match="no critique is left"):
        annotator.critique(record, perfect)


@pytest.mark.parametrize("kind", SECONDS)
@pytest.mark.parametrize("budget", ["annotations", "seconds"])
def test_no_answer_is_given_beyond_the_budget(kind, budget):
    """Two of a kind, and half a one more where time is what counts."""
    total = 2 if budget == "annotations" else 2.5 * SECONDS[kind]
    annotator = Annotator(Letters(), **{budget: total})
    for left in (2, 1):
        assert annotator.left(kind) == left
        assert ASK[kind](annotator) == ANSWERS[kind]
    spent = dict.fromkeys(SECONDS, 0) | {kind: 2}
    with pytest.raises(
        BudgetSpent, match=f"no {kind} is left in the budget; spent: {{"
    ):
        ASK[kind](annotator)
    assert annotator.spent == spent
    assert annotator.spent_seconds == 2 * SECONDS[kind]


@pytest.mark.parametrize(
    ("kind", "number"),
    [("critique", 300), ("comparison", 890), ("demonstration", 280)],
)
def test_time_buys_more_of_what_is_quick(kind, number):
    annotator = Annotator(
        invitations.Invitations(), seconds=300 * SECONDS["critique"]
    )
    assert annotator.left(kind) == number


def test_a_budget_is_one_of_the_two():
    for budget, given_ in (
        ({}, "annotations=None, seconds=None"),
        ({"annotations": 1, "seconds": 2}, "annotations=1, seconds=2"),
    ):
        with pytest.raises(
            ValueError,
            match=f"give either annotations or seconds, got {given_}",
        ):
            Annotator(Letters(), **budget)
    for kind in ("annotations", "seconds"):
        with pytest.raises(
            ValueError, match=f"{kind} must be at least 0, got -1"
        ):
            Annotator(Letters(), **{kind: -1})
        assert Annotator(Letters(), **{kind: 0}).left("score") == 0


def test_records_are_drawn_by_the_seed_from_the_split_and_cost_nothing():
    task = invitations.Invitations()
    annotator = Annotator(task, 1)
    records = annotator.draw(20)
    assert len(records) == 20
    assert {invitations.split_of(record) for record in records} == {"train"}
    assert annotator.left("critique") == 1
    assert Annotator(task, 1).draw(20) == records
    assert Annotator(task, 1, seed=1).draw(20) != records
    others = Annotator(task, 1, split="validation").draw(20)
    assert {invitations.split_of(z) for z in others} == {"validation"}


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 20))
def test_shares_are_equal_and_spend_all(total, rounds):
    parts = shares(total, rounds)
    assert sum(parts) == total
    assert all(part > 0 for part in parts)
    if parts:
        assert max(parts) - min(parts) <= 1
        assert len(parts) == min(total, rounds)


def test_a_round_must_be():
    assert shares(10, 1) == [10]
    with pytest.raises(ValueError, match="rounds must be at least 1, got 0"):
        shares(10, 0)
