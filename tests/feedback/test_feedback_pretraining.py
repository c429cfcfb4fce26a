"""What the model that reads criticism is taught before it learns, and how its reading is measured."""

from dataclasses import replace

import numpy as np
import pytest

from llmbook.feedback import pretraining
from llmbook.feedback.learner import Learner
from llmbook.feedback.loop import draw_examination, run
from llmbook.feedback.tasks import invitations
from llmbook.models import gpt


def test_documents_depend_on_seed_and_step_alone_and_mark_the_messages():
    batch = pretraining.documents(seed=3, batch_size=5)
    ids, weights = batch(7)
    assert ids.shape == weights.shape == (5, pretraining.DOCUMENT_LENGTH)
    for again, other in (
        (batch(7), batch(8)),
        (batch(7), pretraining.documents(4, 5)(7)),
    ):
        np.testing.assert_array_equal(again[0], ids)
        assert (other[0] != ids).any()
    assert (ids[weights == 1] != invitations.PAD).all()
    for row, marks in zip(ids, weights, strict=True):
        text = " ".join(invitations.decode(row[marks == 1]))
        draft, refined, rest = text.split(" <end>")
        assert rest == ""
        record = invitations.Record(*invitations.decode(row[1:8]))
        assert invitations.parse(record, draft.split()) is not None
        assert invitations.parse(record, refined.split()) is not None


def test_no_document_is_about_a_record_kept_for_examination():
    batch = pretraining.documents(seed=0, batch_size=50)
    records = [
        invitations.Record(*invitations.decode(row[1:8])) for row in batch(0)[0]
    ]
    assert {invitations.split_of(record) for record in records} == {"train"}


def test_pretraining_learns_and_repeats_itself(monkeypatch):
    small = replace(pretraining.CONFIG, d_model=16, num_layers=1)
    monkeypatch.setattr(pretraining, "CONFIG", small)
    first, second = [], []
    for losses in (first, second):
        pretraining.pretrain(
            5,
            12,
            learning_rate=3e-2,
            every=1,
            report=lambda step, loss, losses=losses: losses.append(loss),
            jit_compile=False,
        )
    assert len(first) == 12
    np.testing.assert_allclose(first, second, rtol=1e-4)
    assert first[-1] < 0.8 * first[0]


class Follower:
    """A learner that does exactly what the words of a critique mean."""

    task = invitations.Invitations()

    def __init__(self, monkeypatch):
        say, self.means = invitations.critique, {}

        def remember(*arguments, **options):
            critique = say(*arguments, **options)
            self.means[critique.words] = critique.edits
            return critique

        monkeypatch.setattr(invitations, "critique", remember)

    def refine(self, records, drafts, critiques, temperature):
        assert temperature == 0
        return [
            self._follow(*case)
            for case in zip(records, drafts, critiques, strict=True)
        ]

    def _follow(self, record, draft, critique):
        message = invitations.parse(record, draft)
        possible = invitations.possible_edits(record, message)
        edits = [
            edit
            for edit in self.means.get(critique.words, ())
            if edit in possible.get(invitations.criterion_of(edit), ())
        ]
        return invitations.render(
            record, invitations.apply_edits(record, message, edits)
        )


def test_a_perfect_reader_refines_exactly_what_it_is_told(monkeypatch):
    follower = Follower(monkeypatch)
    assert pretraining.examine_refiner(follower, 60) == 1
    assert pretraining.examine_refiner(follower, 60, "another") < 0.2
    assert pretraining.examine_refiner(follower, 60, "none") == 0
    with pytest.raises(ValueError, match="feedback must be"):
        pretraining.examine_refiner(follower, 2, "some")


def test_the_book_s_gpt_runs_in_the_loop():
    learner = Learner(invitations.Invitations(), gpt.GPT(pretraining.CONFIG))
    options = {"rounds": 1, "steps": 2}
    result = run(
        "ilf",
        learner,
        draw_examination(learner.task, 2),
        annotations=4,
        **options,
    )
    assert result["annotations"] == {"critique": 4}
