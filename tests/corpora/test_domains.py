import numpy as np
import pytest

from llmbook.corpora.domains import by_domain, domain_of
from llmbook.corpora.reviews import Reviews, key, load_reviews


def test_the_domain_of_a_review():
    assert domain_of("房间很小") == "hotels"  # the room is small
    assert domain_of("这本小说不错") == "books"  # this novel is not bad
    assert domain_of("屏幕坏了") == "computers"  # the screen is broken
    assert domain_of("很好") is None  # very good
    assert domain_of("在酒店看书") is None  # reading a book in the hotel


def test_domains_are_balanced_and_share_no_review():
    reviews = load_reviews(report=lambda _: None)
    drawn = by_domain(reviews, 2000, 500)
    label = dict(zip(reviews.texts, reviews.labels, strict=True))
    seen = []
    for domain, (training, test) in drawn.items():
        assert (len(training.texts), len(test.texts)) == (2000, 500)
        assert training.labels.mean() == test.labels.mean() == 0.5
        for part in (training, test):
            assert {domain_of(text) for text in part.texts} == {domain}
            assert [label[text] for text in part.texts] == part.labels.tolist()
            seen += [key(text) for text in part.texts]
    assert len(seen) == len(set(seen)) == 7500
    again = by_domain(reviews, 2000, 500)
    assert all(
        again[domain][0].texts == drawn[domain][0].texts for domain in drawn
    )
    assert (
        by_domain(reviews, 2000, 500, seed=1)["books"][0].texts
        != drawn["books"][0].texts
    )


def test_too_few_reviews_and_odd_numbers_are_refused():
    reviews = Reviews(["酒店好", "酒店差", "酒店行"], np.array([1, 0, 1]))
    with pytest.raises(
        ValueError, match="hotels has only 1 reviews with label 0"
    ):
        by_domain(reviews, 2, 2)
    with pytest.raises(ValueError, match="even, got 3 and 2"):
        by_domain(reviews, 3, 2)
