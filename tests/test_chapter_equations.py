"""Equations that a chapter computes by itself, with no function of the library: each against another way to it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.naive_bayes import MultinomialNB

from llmbook.mathematics.attention import softmax
from llmbook.mathematics.backprop import numerical_gradient

SMALL = st.floats(-3, 3)


@pytest.mark.equation("eq-nb-weight")
@given(arrays(int, (6, 4), elements=st.integers(0, 1)))
def test_the_weight_of_an_n_gram_is_the_difference_of_naive_bayes(holds):
    labels = np.array([0, 0, 1, 1, 1, 0])
    p, q = (1 + holds[labels == label].sum(axis=0) for label in (1, 0))
    weights = np.log((p / p.sum()) / (q / q.sum()))
    bayes = MultinomialNB(alpha=1).fit(holds, labels).feature_log_prob_
    np.testing.assert_allclose(weights, bayes[1] - bayes[0], atol=1e-12)


@pytest.mark.equation("eq-policy-gradient")
@given(arrays(float, 5, elements=SMALL), arrays(float, 5, elements=SMALL))
def test_the_gradient_of_the_mean_reward_is_a_mean_of_scores(logits, reward):
    policy = softmax(logits)  # (Y,)
    # of ln π(y) with respect to the logits: one-hot less π
    scores = np.eye(5) - policy  # (Y, Y)
    gradient = policy @ (reward[:, None] * scores)  # (Y,)
    expected = numerical_gradient(lambda x: softmax(x) @ reward, [logits], 0)
    np.testing.assert_allclose(gradient, expected, atol=1e-7)
