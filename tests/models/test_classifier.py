import json

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from llmbook.corpora.reviews import Reviews
from llmbook.models.classifier import (
    AttentionClassifier,
    Classifier,
    build_classifier,
    build_plain_classifier,
    fit,
    rollout,
    train,
)
from llmbook.models.layers import token_mask
from llmbook.text.tokenizers import CharTokenizer, NgramTokenizer

GOOD, BAD = "好棒美赞优", "差坏烂臭脏"
FILLER = "酒店房间早餐服务电脑"


def toy_reviews(count, seed, wrong=0):
    """Sentences of filler around one word of praise or blame, the first few labelled wrongly."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, count)
    texts = []
    for label in labels:
        characters = list(random.choice(list(FILLER), random.integers(2, 25)))
        characters.insert(
            random.integers(len(characters)),
            random.choice(list((BAD, GOOD)[label])),
        )
        texts.append("".join(characters))
    labels[:wrong] = 1 - labels[:wrong]
    return Reviews(texts, labels)


@pytest.fixture(scope="module")
def trained():
    training, validation = toy_reviews(400, 0), toy_reviews(100, 1, wrong=5)
    tokenizer = NgramTokenizer.fit(training.texts)
    options = {
        "d_model": 16,
        "num_heads": 2,
        "dropout": 0.1,
        "view_dropout": 0.1,
    }
    classifier = Classifier(
        build_classifier(len(tokenizer), **options), tokenizer
    )
    lines = []
    recipe = {"epochs": 6, "batch_size": 16, "learning_rate": 0.01}
    history = train(
        classifier, training, validation, report=lines.append, **recipe
    )
    return classifier, history, lines


@pytest.mark.parametrize("shape", [(3, 11), (3, 11, 4)])
def test_padding_changes_nothing(shape):
    model = build_classifier(50, d_model=16)
    ids = np.random.default_rng(0).integers(2, 50, shape).astype("int32")
    longer = np.concatenate(
        [ids, np.zeros((3, 6, *shape[2:]), "int32")], axis=1
    )
    assert np.allclose(model(ids), model(longer), atol=1e-6)
    changed = model.embedding.table.embeddings.numpy()
    before = model(longer).numpy()
    changed[0] = 1e3
    model.embedding.table.embeddings.assign(changed)
    assert np.array_equal(model(longer).numpy(), before)


def test_order_matters_to_the_classifier_and_not_to_the_plain_model():
    ids = np.array([[2, 3, 4, 5, 6]], "int32")
    ours, article = (
        build_classifier(10, d_model=16),
        build_plain_classifier(10, d_model=16),
    )
    for layer_model, moves in [(ours, True), (article, False)]:
        change = np.abs(layer_model(ids) - layer_model(ids[:, ::-1])).max()
        assert (change > 1e-5) == moves


def test_the_same_seed_builds_the_same_model():
    one, two, other = (build_classifier(20, seed) for seed in (1, 1, 2))
    ids = np.array([[2, 3, 4]], "int32")
    assert np.array_equal(one(ids), two(ids))
    assert not np.array_equal(one(ids), other(ids))


def test_the_heads_of_the_plain_model_share_its_width():
    plain = build_plain_classifier(100)
    attention = plain.layers[
        [type(x).__name__ for x in plain.layers].index("MultiHeadAttention")
    ]
    assert attention.count_params() == 4 * (64 * 64 + 64)


class Watched:
    """What stands in for a model and keeps the batches of one epoch."""

    def compile(self, **options):
        pass

    def fit(self, batches, **options):
        self.batches = [
            (ids.numpy(), answers.numpy()) for ids, answers in batches
        ]


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.integers(0, 90), min_size=1, max_size=70),
    st.integers(1, 20),
    st.integers(0, 5),
)
def test_every_text_is_trained_on_with_its_own_label(lengths, batch_size, seed):
    sequences = [np.full(n, i + 2) for i, n in enumerate(lengths)]
    labels = np.arange(len(lengths)) % 2
    model = Watched()
    fit(model, sequences, labels, batch_size=batch_size, seed=seed)
    assert len(model.batches) == -(-len(lengths) // batch_size)
    seen = []
    for ids, answers in model.batches:
        assert (ids[:, -1] > 0).any()
        assert answers.shape == (len(ids), 1)
        for row, (answer,) in zip(ids, answers, strict=True):
            tokens = row[row > 1]
            if len(tokens):
                number = tokens[0] - 2
                assert answer == number % 2
                assert np.array_equal(tokens, sequences[number])
                seen.append(number)
    assert sorted(seen) == [i for i, n in enumerate(lengths) if n]


def test_training_learns_reports_and_calibrates(trained):
    classifier, history, lines = trained
    held_out = toy_reviews(200, 2)
    probabilities = classifier.predict_proba(held_out.texts)
    assert probabilities.shape == (200, 2)
    assert np.allclose(probabilities.sum(axis=1), 1)
    assert np.mean(probabilities.argmax(axis=1) == held_out.labels) > 0.95
    assert history["loss"][-1] < history["loss"][0]
    assert [len(values) for values in history.values()] == [6, 6, 6]
    assert len(lines) == 6
    assert lines[0].startswith("epoch 1: loss 0.")
    assert classifier.temperature > 0


def test_the_best_epoch_is_kept(trained):
    classifier, history, _ = trained
    validation = toy_reviews(100, 1, wrong=5)
    accuracy = np.mean(
        (classifier.logits(validation.texts) > 0) == validation.labels
    )
    assert accuracy == pytest.approx(max(history["validation_accuracy"]))


def test_a_temperature_that_cannot_be_fitted_is_reported():
    tokenizer = CharTokenizer.fit([GOOD + BAD + FILLER])
    model = build_classifier(len(tokenizer), d_model=8, num_heads=1)
    classifier = Classifier(model, tokenizer, temperature=7.0)
    lines = []
    train(
        classifier,
        toy_reviews(20, 0),
        toy_reviews(1, 1),
        epochs=1,
        report=lines.append,
    )
    assert classifier.temperature == 1
    assert lines[-1].startswith("The temperature stays at 1: ")


@pytest.mark.parametrize(
    "bad", [Reviews([], np.array([], int)), Reviews(["好"], np.array([2]))]
)
def test_training_refuses(trained, bad):
    classifier = trained[0]
    with pytest.raises(
        ValueError, match="validation must hold texts with labels 0 to 1"
    ):
        train(classifier, toy_reviews(10, 0), bad)
    with pytest.raises(ValueError, match="training must hold"):
        train(classifier, bad, toy_reviews(10, 0))


def test_temperature_divides_the_logits(trained):
    classifier = trained[0]
    texts = ["酒店很好", "房间差"]
    cool = Classifier(classifier.model, classifier.tokenizer, temperature=1.0)
    warm = Classifier(classifier.model, classifier.tokenizer, temperature=2.0)
    odds = [
        np.diff(np.log(c.predict_proba(texts)), axis=1) for c in (cool, warm)
    ]
    assert np.allclose(odds[0], 2 * odds[1], atol=1e-5)


def test_texts_of_any_kind_get_a_probability(trained):
    classifier = trained[0]
    texts = ["", "   ", "好" * 5000, "hello, world", "🙂", "Ｈｅｌｌｏ"]
    probabilities = classifier.predict_proba(texts)
    assert np.isfinite(probabilities).all()
    assert np.allclose(probabilities[0], probabilities[1])
    assert np.allclose(
        classifier.predict_proba(["好" * 160]), probabilities[2:3], atol=1e-6
    )


def test_one_text_alone_and_among_others_is_judged_alike(trained):
    classifier = trained[0]
    texts = toy_reviews(300, 5).texts
    together = classifier.predict_proba(texts)
    alone = np.concatenate(
        [classifier.predict_proba([text]) for text in texts[:5]]
    )
    assert np.allclose(alone, together[:5], atol=1e-5)


def test_what_is_no_list_of_texts_is_refused(trained):
    classifier = trained[0]
    with pytest.raises(ValueError, match="at least one text"):
        classifier.predict_proba([])
    with pytest.raises(TypeError, match="single string"):
        classifier.predict_proba("很好")
    with pytest.raises(TypeError, match="int"):
        classifier.predict_proba([3])


def test_explanation(trained):
    classifier = trained[0]
    text = "酒店房间 好早餐服务"
    explanation = classifier.explain(text)
    length = len("酒店房间好早餐服务")
    assert explanation.tokens == list("酒店房间好早餐服务")
    assert explanation.probability == pytest.approx(
        classifier.predict_proba([text])[0, 1], abs=1e-5
    )
    (attention,) = explanation.attention
    assert attention.shape == (2, length, length)
    assert np.allclose(attention.sum(axis=-1), 1, atol=1e-5)
    assert np.allclose(explanation.pooling.sum(axis=-1), 1, atol=1e-5)
    assert explanation.rollout.sum() == pytest.approx(1, abs=1e-5)
    assert np.argmax(explanation.integrated) == list(explanation.tokens).index(
        "好"
    )
    assert classifier.explain("").tokens == ["<unk>"]


def test_gradient_times_input_agrees_with_central_differences(trained):
    classifier = trained[0]
    explanation = classifier.explain("酒店好")
    ids = classifier.encode(["酒店好"])[0][None]
    x = classifier.model.embedding(ids).numpy()
    mask = token_mask(ids)

    def logit(scale):
        factors = np.ones((1, 3, 1), "float32")
        factors[0, 2] = scale
        return float(
            classifier.model.read(x * factors, tf.constant(mask))[0][0, 0]
        )

    slope = (logit(1.01) - logit(0.99)) / 0.02
    assert explanation.gradient[2] == pytest.approx(slope, rel=0.02)


@pytest.mark.equation("eq-integrated-gradients")
def test_integrated_gradients_add_up_to_the_logit(trained):
    classifier = trained[0]
    text = "酒店房间臭早餐服务"
    explanation = classifier.explain(text, steps=400)
    ids = classifier.encode([text])[0][None]
    x, mask = classifier.model.embedding(ids), tf.constant(token_mask(ids))
    whole, nothing = (
        float(classifier.model.read(f * x, mask)[0][0, 0]) for f in (1.0, 0.0)
    )
    assert whole < nothing
    assert explanation.integrated.sum() == pytest.approx(
        whole - nothing, rel=0.02
    )


@pytest.mark.equation("eq-rollout")
def test_rollout_by_hand():
    attention = np.array(
        [[[0.5, 0.5], [0.0, 1.0]], [[1.0, 0.0], [1.0, 0.0]]]
    )  # mean: .75 .25 / .5 .5
    pooling = np.array([[1.0, 0.0], [0.0, 1.0]])  # mean: .5 .5
    assert np.allclose(
        rollout([attention], pooling), [(0.5 + 0.625) / 2, (0.5 + 0.375) / 2]
    )
    assert np.allclose(rollout([], pooling), [0.5, 0.5])
    step = (np.eye(2) + attention.mean(axis=0)) / 2
    assert np.allclose(
        rollout([attention, attention], pooling),
        pooling.mean(axis=0) @ step @ step,
    )


def test_saved_and_loaded(trained, tmp_path):
    classifier = trained[0]
    classifier.save(tmp_path / "mine")
    again = Classifier.load(tmp_path / "mine")
    texts = ["酒店很好", "", "房间臭"]
    assert np.array_equal(
        again.predict_proba(texts), classifier.predict_proba(texts)
    )
    assert again.temperature == classifier.temperature
    assert again.model.length == classifier.model.length
    assert sorted(path.name for path in (tmp_path / "mine").iterdir()) == [
        "classifier.json",
        "model.weights.h5",
    ]


def test_a_classifier_of_plain_tokens(tmp_path):
    tokenizer = CharTokenizer.fit([GOOD + BAD])
    classifier = Classifier(
        build_classifier(len(tokenizer), d_model=8, num_heads=1), tokenizer
    )
    before = classifier.predict_proba(["好"])
    classifier.save(tmp_path)
    assert np.array_equal(
        Classifier.load(tmp_path).predict_proba(["好"]), before
    )
    assert classifier.explain("好差").tokens == ["好", "差"]


def test_loading_refuses(trained, tmp_path):
    with pytest.raises(FileNotFoundError):
        Classifier.load(tmp_path / "nowhere")
    (tmp_path / "classifier.json").write_text("{")
    with pytest.raises(ValueError, match="folder must hold a classifier"):
        Classifier.load(tmp_path)
    (tmp_path / "classifier.json").write_text(json.dumps({"model": {}}))
    with pytest.raises(ValueError, match="folder must hold a classifier"):
        Classifier.load(tmp_path)
    trained[0].save(tmp_path)
    (tmp_path / "model.weights.h5").unlink()
    with pytest.raises(FileNotFoundError, match=r"model\.weights\.h5"):
        Classifier.load(tmp_path)


def test_without_a_block_the_embeddings_themselves_are_pooled():
    """Chapter 5 leaves the block out, to see what it is worth."""
    model = AttentionClassifier(30, d_model=8, num_heads=2, num_blocks=0)
    weights = {weight.path.split("/")[0] for weight in model.weights}
    assert not any("transformer" in name for name in weights)
    assert model(np.ones((2, 3), "int32")).shape == (2, 1)
    with pytest.raises(ValueError, match="num_blocks must be at least 0"):
        AttentionClassifier(30, num_blocks=-1)


def test_config_round_trip():
    model = AttentionClassifier(
        30, d_model=8, num_heads=2, num_blocks=2, dropout=0.1
    )
    again = AttentionClassifier.from_config(model.get_config())
    ids = np.array([[2, 3]], "int32")
    model(ids)
    again(ids)
    assert [w.shape for w in again.weights] == [w.shape for w in model.weights]
    again.set_weights(model.get_weights())
    assert np.array_equal(again(ids), model(ids))
    _, attention, _ = model.read(
        model.embedding(ids), token_mask(tf.constant(ids))
    )
    assert len(attention) == 2
