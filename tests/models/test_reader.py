import itertools

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmbook.corpora.facts import (
    load_facts,
    make_examples,
    split_places,
    template_words,
)
from llmbook.models.layers import MultiHeadAttention
from llmbook.models.reader import (
    SEPARATOR_ID,
    Encoder,
    Reader,
    SpanReader,
    best_spans,
    best_threshold,
    build_reader,
    span_logits,
    span_loss,
    train,
)

SMALL = {"d_model": 16, "num_heads": 2, "num_blocks": 1, "dropout": 0.0}


@pytest.fixture(scope="module")
def encoder():
    return Encoder(template_words())


@pytest.fixture(scope="module")
def examples():
    return make_examples(
        split_places(load_facts())["training"], 40, 0, unanswerable=0.3
    )


def test_a_span_covers_the_answer_and_none_covers_the_separator(
    encoder, examples
):
    encoded = encoder.encode(examples)
    for example, ids, span, separator in zip(examples, *encoded, strict=True):
        tokens = [*example.question, "|", *example.passage]
        assert ids[separator, 0] == SEPARATOR_ID
        assert (ids[:, 0] == SEPARATOR_ID).sum() == 1
        said = " ".join(tokens[span[0] : span[1] + 1])
        assert said == (example.answer_text or "|")
        assert (ids[len(tokens) :] == 0).all()


def test_a_slot_stands_for_one_word_and_a_word_for_one_id(encoder, examples):
    for example, ids in zip(
        examples, encoder.encode(examples, hide=0.1, seed=2).ids, strict=True
    ):
        words = [w.lower() for w in (*example.question, "|", *example.passage)]
        assert len(
            set(zip(words, ids[: len(words), 0].tolist(), strict=True))
        ) == len(set(words))
        assert len(set(ids[: len(words), 0].tolist())) == len(set(words))


def test_the_fourth_view_marks_what_the_question_names(encoder, examples):
    for example, ids in zip(
        examples, encoder.encode(examples).ids, strict=True
    ):
        asked = {w.lower() for w in example.question} - set(encoder.words)
        tokens = [*example.question, "|", *example.passage]
        for place, word in enumerate(tokens):
            marked = ids[place, 3] == encoder.first_view + 7
            assert marked == (
                place > len(example.question) and word.lower() in asked
            )


def test_names_do_not_matter_but_their_writing_does(encoder):
    question, passage = (
        ["When", "did", "Chile", "adopt", "it", "?"],
        ["Chile", "1851", "CFA", "x"],
    )
    first = encoder.encode([_example(question, passage)]).ids[0]
    renamed = [
        w.replace("Chile", "Peru").replace("1851", "77")
        for w in (*question, *passage)
    ]
    second = encoder.encode([_example(renamed[:6], renamed[6:])]).ids[0]
    np.testing.assert_array_equal(first, second)
    shapes = first[-4:, 2] - encoder.first_view - 2
    assert shapes.tolist() == [1, 2, 3, 0]


def _example(question, passage):
    from llmbook.corpora.facts import Example, Fact

    fact = Fact("introduced", "", "", "")
    return Example(
        question, passage, None, fact, "place", [(0, len(passage) - 1)], False
    )


def test_shuffling_renames_slots_alone(encoder, examples):
    ids = encoder.encode(examples).ids
    before = ids.copy()
    shuffled = encoder.shuffle_slots(ids, np.random.default_rng(0))
    np.testing.assert_array_equal(ids, before)
    np.testing.assert_array_equal(shuffled[:, :, 1:], ids[:, :, 1:])
    is_slot = (ids[:, :, 0] >= encoder.first_slot) & (
        ids[:, :, 0] < encoder.first_view
    )
    np.testing.assert_array_equal(
        shuffled[:, :, 0][~is_slot], ids[:, :, 0][~is_slot]
    )
    assert (shuffled[:, :, 0] != ids[:, :, 0]).any()
    for old, new in zip(ids[:, :, 0], shuffled[:, :, 0], strict=True):
        assert len(set(zip(old.tolist(), new.tolist(), strict=True))) == len(
            set(old.tolist())
        )
        assert len(set(new.tolist())) == len(set(old.tolist()))


def test_what_does_not_fit_is_named(encoder, examples):
    with pytest.raises(ValueError, match="length"):
        encoder.encode(examples, length=10)
    with pytest.raises(ValueError, match="at most 2"):
        Encoder(template_words(), num_slots=2).encode(examples)
    with pytest.raises(ValueError, match="positions"):
        SpanReader(100, positions="absolute")


@pytest.mark.parametrize("positions", ["rotary", "learned", "none"])
def test_only_separator_and_passage_can_be_pointed_at(
    encoder, examples, positions
):
    encoded = encoder.encode(examples)
    model = build_reader(encoder, positions=positions, **SMALL)
    logits, weights = model(
        encoded.ids, encoded.separators, return_weights=True
    )
    assert logits.shape == (len(examples), 2, encoded.ids.shape[1])
    place = np.arange(encoded.ids.shape[1])
    allowed = (place >= encoded.separators[:, None]) & (
        encoded.ids[:, :, 0] != 0
    )
    logits = logits.numpy()
    assert (logits.transpose(0, 2, 1)[~allowed] == -1e9).all()
    assert (logits.transpose(0, 2, 1)[allowed] > -1e8).all()
    np.testing.assert_allclose(np.sum(weights[0], axis=-1), 1, rtol=1e-4)


def test_rotary_positions_see_distances_and_learned_ones_places(
    encoder, examples
):
    """Words put before everything, and hidden from it, move all places and no distance."""
    encoded = encoder.encode(examples[:4])
    moved = np.pad(encoded.ids, ((0, 0), (9, 0), (0, 0)))
    for positions, equal in [("rotary", True), ("learned", False)]:
        model = build_reader(encoder, positions=positions, **SMALL)
        first = model(encoded.ids, encoded.separators).numpy()
        second = model(moved, encoded.separators + 9).numpy()[:, :, 9:]
        assert np.allclose(first, second, atol=1e-4) == equal


def test_it_uses_the_one_attention_layer_of_the_book(encoder):
    model = build_reader(encoder, **SMALL)
    assert all(
        type(block.attention) is MultiHeadAttention for block in model.blocks
    )
    again = SpanReader.from_config(model.get_config())
    assert [w.shape for w in again.weights] == [w.shape for w in model.weights]


@pytest.mark.equation("eq-span-loss")
def test_the_loss_is_the_surprise_at_both_ends(encoder, examples):
    encoded = encoder.encode(examples)
    model = build_reader(encoder, **SMALL)
    logits = model(encoded.ids, encoded.separators)
    entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    expected = entropy(encoded.spans[:, 0], logits[:, 0]) + entropy(
        encoded.spans[:, 1], logits[:, 1]
    )
    found = span_loss(model, encoded.ids, encoded.spans, encoded.separators)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.equation("eq-best-span")
@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 5))
def test_the_best_span_is_that_of_trying_all(seed, longest):
    rng = np.random.default_rng(seed)
    logits, separators = rng.normal(size=(3, 2, 8)), rng.integers(0, 6, size=3)
    spans, scores, nulls = best_spans(logits, separators, longest)
    for row in range(3):
        after = range(separators[row] + 1, 8)
        tried = {
            (s, e): logits[row, 0, s] + logits[row, 1, e]
            for s, e in itertools.product(after, after)
            if s <= e < s + longest
        }
        best = max(tried, key=tried.get)
        assert tuple(spans[row] + separators[row] + 1) == best
        assert scores[row] == pytest.approx(tried[best])
        assert nulls[row] == pytest.approx(
            logits[row, :, separators[row]].sum()
        )


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(-4, 4).map(float), st.booleans(), st.booleans()),
        min_size=1,
        max_size=12,
    )
)
def test_no_threshold_deals_with_more_than_the_best(questions):
    margins, answered, right = (
        np.array(column) for column in zip(*questions, strict=True)
    )

    def dealt(threshold):
        given_ = margins > threshold
        return np.sum(np.where(given_, answered & right, ~answered))

    found = best_threshold(margins, answered, right)
    assert dealt(found) == max(dealt(t) for t in [*np.arange(-6, 6, 0.5)])


def test_a_threshold_needs_questions():
    with pytest.raises(ValueError, match="margins"):
        best_threshold(np.array([]), np.array([]), np.array([]))


def test_training_goes_on_after_an_interruption_to_the_same_loss(
    encoder, examples, tmp_path
):
    encoded = encoder.encode(examples)
    options = {
        "steps": 8,
        "batch_size": 4,
        "seed": 3,
        "every": 3,
        "jit_compile": False,
    }

    def new_model(seed=0):
        return build_reader(encoder, seed, **SMALL | {"dropout": 0.1})

    whole = new_model()
    expected = train(whole, encoder, encoded, **options)

    class Killed(Exception):
        pass

    def kill(step, loss):
        if step == 6:
            raise Killed

    options["checkpoint"] = tmp_path / "reader.npz"
    with pytest.raises(Killed):
        train(new_model(), encoder, encoded, report=kill, **options)
    again = new_model(seed=5)
    losses = train(again, encoder, encoded, **options)
    np.testing.assert_array_equal(losses, expected)
    for weight, other in zip(again.weights, whole.weights, strict=True):
        np.testing.assert_array_equal(weight, other)


def test_a_reader_learns_to_point_and_reads_strings(encoder):
    """A toy world: of two numbers, the one that follows the name that the question gives."""
    toy = [
        _toy(a, b, first, second, asked)
        for a, b in [("Ann", "Bob"), ("Cid", "Dan"), ("Eve", "Fay")]
        for first, second in [("1", "2"), ("7", "9")]
        for asked in (0, 1)
    ]
    model = build_reader(
        encoder, d_model=32, num_heads=2, num_blocks=2, dropout=0.0
    )
    encoded = encoder.encode(toy)
    losses = train(
        model, encoder, encoded, 150, batch_size=12, learning_rate=5e-3
    )
    assert losses[-10:].mean() < 0.2 < losses[0]
    reader = Reader(model, encoder, threshold=-np.inf)
    answer = reader.read("When did Zoe?", "In 3 Zoe. In 4 Tom.")
    assert (answer.text, answer.span) == ("3", (1, 1))
    assert reader.read("When did Tom?", "In 3 Zoe. In 4 Tom.").text == "4"
    assert (
        Reader(model, encoder, threshold=np.inf)
        .read("When did Tom?", "In 4 Tom.")
        .text
        == ""
    )
    for question, passage, named in [
        ("", "In 4 Tom.", "question"),
        ("When?", " ", "passage"),
    ]:
        with pytest.raises(ValueError, match=named):
            reader.read(question, passage)


def _toy(a, b, first, second, asked):
    passage = ["In", first, a, ".", "In", second, b, "."]
    place = (1, 5)[asked]
    return _example(["When", "did", (a, b)[asked], "?"], passage)._replace(
        answer=(place, place)
    )


def test_logits_come_in_batches_as_at_once(encoder, examples):
    encoded = encoder.encode(examples)
    model = build_reader(encoder, **SMALL)
    at_once = model(encoded.ids, encoded.separators).numpy()
    np.testing.assert_allclose(
        span_logits(model, encoded, batch_size=16), at_once, atol=1e-4
    )


@pytest.mark.parametrize(
    ("separators", "wanted"),
    [
        ([1, 1], "the shape"),
        ([1, 1, 1, 1], "the shape"),
        ([[1, 1, 1]], "1 axes"),
        (1, "1 axes"),
    ],
)
def test_every_passage_has_one_separator(encoder, separators, wanted):
    model = build_reader(encoder, **SMALL)
    ids = np.ones((3, 5, 4), int)
    with pytest.raises(ValueError, match=f"separators must have {wanted}"):
        model(ids, np.array(separators))
    with pytest.raises(ValueError, match="spans must have the shape"):
        span_loss(model, ids, np.zeros((2, 2), int), np.ones(3, int))
    assert model(ids, np.ones(3, int)).shape == (3, 2, 5)
