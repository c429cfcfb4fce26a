"""The drawings of chapter 1: what they say follows from what they are given."""

import re

import numpy as np

from llmbook.showing.sketches import chapter_01 as draw


def test_a_story_asked_twice_is_dark_where_each_question_looks():
    words = [*("over the hills and far away" * 3).split(), "Lü_Bu"]
    first, last = np.eye(len(words))[[1, -1]]
    svg = draw.asked_twice(words, {"first?": first, "last?": last}).svg()
    written = re.findall(r"<text[^>]*>([^<]*)</text>", svg)
    assert written == ["asked first?", *words, "asked last?", *words]
    shades = re.findall(r"fill-opacity:([\d.]+)", svg)
    dark = np.flatnonzero(np.array(shades, dtype=float))
    assert dark.tolist() == [1, 2 * len(words) - 1]
    rights = [
        float(x) + float(width)
        for width, x in re.findall(
            r'<rect(?=[^>]*class="cell")(?=[^>]* width="([\d.]+)")(?=[^>]* x="([\d.]+)")',
            svg,
        )
    ]
    assert len(rights) == 2 * len(words)
    assert max(rights) <= 344
