import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from llmbook.models import gpt, lora, training
from llmbook.models.judge import WordJudge, pad_left, two_logits


class Letters:
    """A tokenizer of the 26 letters, the space and the line end, whose ids begin at 1."""

    alphabet = "abcdefghijklmnopqrstuvwxyz \n?"

    def encode(self, text):
        return [self.alphabet.index(letter) + 1 for letter in text]


@pytest.fixture(scope="module")
def model():
    tf.random.set_seed(0)
    config = gpt.GPTConfig(30, length=32, d_model=16, num_heads=2, num_layers=2)
    return gpt.GPT(config)


@pytest.fixture(scope="module")
def judge(model):
    return WordJudge(model, Letters(), "so {text} is ", ("n", "p"))


@pytest.mark.equation("eq-word-score")
def test_scores_are_the_difference_of_two_log_probabilities(model, judge):
    texts = ["good", "bad", "a long text"]
    n, p = Letters().encode("np")
    for text, score in zip(
        texts, judge.logits(texts, batch_size=2), strict=True
    ):
        ids = np.array([Letters().encode(f"so {text} is ")])  # (1, T)
        log_p = tf.nn.log_softmax(model(ids)[0, -1]).numpy()  # (V,)
        assert score == pytest.approx(log_p[p] - log_p[n], abs=1e-5)


@settings(max_examples=15, deadline=None)
@given(st.permutations(["a", "bcd", "efghij", "k", "lm"]), st.integers(1, 5))
def test_scores_do_not_depend_on_the_company_of_a_text(
    judge, texts, batch_size
):
    alone = {text: judge.logits([text])[0] for text in texts}
    together = judge.logits(texts, batch_size)
    assert np.allclose(together, [alone[text] for text in texts], atol=1e-5)


def test_states_are_those_that_the_two_logits_are_computed_from(model, judge):
    texts = ["a long text", "bad", "good"]
    states = judge.states(texts, batch_size=2)  # (B, d_model)
    n, p = Letters().encode("np")
    rows = model.embedding.embeddings.numpy()  # (V, d_model)
    assert np.allclose(
        states @ (rows[p] - rows[n]), judge.logits(texts), atol=1e-5
    )


def test_a_long_text_is_cut_and_the_question_is_not(judge):
    ids = Letters().encode
    assert judge.encode(["abc"]) == [ids("so abc is ")]
    assert judge.encode(["abcdefgh"], length=8) == [ids("so a") + ids(" is ")]
    with pytest.raises(ValueError, match="above the 4 tokens"):
        judge.encode(["abc"], length=4)


@pytest.mark.parametrize(
    ("prompt", "words", "message"),
    [
        ("so is", ("n", "p"), "text"),
        ("{text} and {text}", ("n", "p"), "text"),
        ("{text}", ("no", "p"), "single tokens"),
    ],
)
def test_bad_prompts_and_words_are_refused(model, prompt, words, message):
    with pytest.raises(ValueError, match=message):
        WordJudge(model, Letters(), prompt, words)


def test_padding_stands_before_and_changes_nothing(model):
    assert pad_left([[1, 2], [3]], 3).tolist() == [[0, 1, 2], [0, 0, 3]]
    short = two_logits(model, pad_left([[4, 5]]), [1, 2])
    long = two_logits(model, pad_left([[4, 5]], 9), [1, 2])
    assert np.allclose(short, long, atol=1e-5)


def test_batches_are_drawn_anew_at_each_step_and_alike_for_a_seed(judge):
    texts, labels = list("abcdefgh"), np.arange(8) % 2
    batch = judge.batches(texts, labels, batch_size=3, length=12, seed=1)
    ids, found = batch(0)
    assert ids.shape == (3, 12)
    assert np.array_equal(batch(0)[0], ids)
    assert not np.array_equal(batch(1)[0], ids)
    prompts = {
        tuple(row): label
        for row, label in zip(
            pad_left(judge.encode(texts), 12), labels, strict=True
        )
    }
    assert [prompts[tuple(row)] for row in ids] == found.tolist()


def test_adapters_learn_to_tell_two_letters_apart():
    tf.random.set_seed(0)
    model = gpt.GPT(
        gpt.GPTConfig(
            30, length=32, d_model=16, num_heads=2, num_layers=2, mlp="swiglu"
        )
    )
    model.embedding.embeddings.assign(
        20 * model.embedding.embeddings
    )  # frozen, it bounds logits
    judge = WordJudge(model, Letters(), "so {text} is ", ("n", "p"))
    texts, labels = ["aab", "bba", "aaa", "bbb"], np.array([0, 1, 0, 1])
    lora.add_adapters(model, rank=8, targets=lora.EVERY_LINEAR)
    batch = judge.batches(texts, labels, batch_size=4, length=16)
    ids, found = batch(0)
    z = two_logits(model, ids, judge.answers).numpy()  # (4, 2)
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)  # (4, 2)
    right = -np.log(p[np.arange(4), found]).mean()
    assert float(judge.loss(model, ids, found)) == pytest.approx(
        right, abs=1e-5
    )
    losses = training.train(
        model, judge.loss, batch, 80, learning_rate=3e-2, jit_compile=False
    )
    assert losses[-1] < 0.2 < losses[0]
    judge = WordJudge(model, Letters(), "so {text} is ", ("n", "p"))
    assert ((judge.logits(texts) > 0) == labels).all()
