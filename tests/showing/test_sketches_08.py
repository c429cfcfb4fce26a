"""The drawings of chapter 8: what they say follows from what they are given."""

import re

from llmbook.showing.sketches import chapter_08 as draw


def written(sketch):
    """Return the texts of a drawing, in their order."""
    return re.findall(r"<text[^>]*>([^<]*)</text>", sketch.svg())


def test_a_document_has_four_parts_of_which_two_are_learned():
    sketch = draw.refiner_document("a b", "c d", "say e", "c e")
    said = written(sketch)
    assert [said.index(text) for text in ("a b", "c d", "say e", "c e")] == (
        sorted(said.index(text) for text in ("a b", "c d", "say e", "c e"))
    )
    assert sketch.svg().count('class="box learned"') == 2
    assert sketch.svg().count('class="box frozen"') == 1


def test_every_method_is_joined_with_its_answer_and_its_update():
    methods = {
        "shown": [("SFT", "imitate")],
        "scored": [("GRPO", "climb"), ("best", "imitate")],
    }
    sketch = draw.family(methods)
    said = written(sketch)
    assert {"shown", "scored", "SFT", "GRPO", "best"} <= set(said)
    assert said.count("imitate") == said.count("climb") == 1
    assert sketch.svg().count('class="flow"') == 2 * 3
    assert "shown: SFT, which will imitate" in sketch.svg()


def test_bars_are_shares_of_the_longest():
    sketch = draw.diet([64, 1024], [10, 40], [20, 200])
    assert {"64 critiques", "1,024 critiques", "200"} <= set(written(sketch))
    widths = [
        float(width)
        for width in re.findall(
            r'<rect[^>]*width="([\d.]+)"[^>]*class="filled', sketch.svg()
        )
    ]
    assert [round(width / max(widths), 2) for width in widths] == [
        0.05,
        0.1,
        0.2,
        1.0,
    ]
