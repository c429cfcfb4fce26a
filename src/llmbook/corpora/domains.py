"""The Chinese reviews by what they review: hotels, books or computers.

The files do not say; words do. A review belongs to a domain if it holds words
of that one alone.
"""

import re
from itertools import pairwise

import numpy as np

from llmbook import checks

WORDS = {
    # hotel, room, check in, … lobby, stayed
    "hotels": "酒店|房间|入住|携程|前台|宾馆|大堂|住了",
    "books": (
        "书|作者|小说|当当|读|内容|翻译|情节|出版"
    ),  # book, author, novel, … plot, publish
    "computers": (
        "笔记本|电脑|机器|屏幕|散热|系统|键盘|硬盘|显卡|驱动"
    ),  # laptop, …, driver
}


def domain_of(text):
    """Return the domain whose words a text holds, or None if there is none or
    more than one.

    Raises
    ------
    TypeError
        If ``text`` is not a string.
    """
    checks.text("text", text)
    found = [
        domain for domain, pattern in WORDS.items() if re.search(pattern, text)
    ]
    return found[0] if len(found) == 1 else None


def by_domain(reviews, training, test, seed=0):
    """Draw reviews of each domain, as many positive as negative ones.

    With equal shares of both labels everywhere, a drop from one domain to
    another is not that of a wrong guess of how content people are.

    Parameters
    ----------
    reviews : Reviews
    training, test : int
        How many reviews of a domain are drawn for each purpose; both even.
    seed : int

    Returns
    -------
    dict of str to (Reviews, Reviews)
        For each domain those for training and those for testing; no review
        stands in two places.

    Raises
    ------
    ValueError
        If a number is odd or out of its range, or a domain has too few reviews
        of a label.
    TypeError
        If ``reviews`` are none, or a number is not an integer.
    """
    checks.offers("reviews", reviews, "texts", "labels", "take")
    checks.count("training", training, least=0)
    checks.count("test", test, least=0)
    checks.seed(seed)
    if training % 2 or test % 2:
        raise ValueError(
            f"training and test must be even, got {training} and {test}"
        )
    domains = np.array(
        [domain_of(text) for text in reviews.texts], dtype=object
    )
    rng = np.random.default_rng(seed)
    drawn = {}
    for domain in WORDS:
        sides = []
        for label in (0, 1):
            found = np.flatnonzero(
                (domains == domain) & (reviews.labels == label)
            )
            if len(found) < (training + test) // 2:
                raise ValueError(
                    "training and test must leave half of them for each label,"
                    f" {domain} has only {len(found)} reviews with label"
                    f" {label}"
                )
            sides.append(rng.permutation(found))
        cuts = [0, training // 2, (training + test) // 2]
        drawn[domain] = tuple(
            reviews.take(np.concatenate([side[start:stop] for side in sides]))
            for start, stop in pairwise(cuts)
        )
    return drawn
