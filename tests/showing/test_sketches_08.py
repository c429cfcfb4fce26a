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


def test_the_world_marks_the_criteria_that_are_met():
    met = {"greeting": True, "day": False, "price": True}
    sketch = draw.world("a, b", "c d", met)
    assert {"a, b", "c d", "2 of 3 are met", *met} <= set(written(sketch))
    assert sketch.svg().count('class="box good"') == 2
    assert "green: greeting, price" in sketch.svg()


def test_the_leash_changes_the_policy_alone():
    sketch = draw.leash()
    below = sketch.svg().split("then: pursue it")[1]
    assert below.count('class="box learned"') == 1
    assert below.count('class="box frozen"') == 2
    assert sketch.svg().count('class="back"') == 1


def test_a_pair_is_worth_what_it_gained_on_the_reference():
    sketch = draw.pair_without_judge((-1, -2), (-4, -3), beta=0.5, loss=0.313)
    said = written(sketch)
    assert {"−1.0", "−2.0", "−4.0", "−3.0"} <= set(said)
    assert {"0.50", "−0.50", "winner − loser: 1.00"} <= set(said)
    assert "loss −ln σ = 0.313" in said


def test_both_relatives_begin_with_a_critique_and_end_in_the_policy():
    said = written(draw.two_relatives())
    assert said.count("critique") == said.count("policy") == 2
    assert said.index("accepted text") < said.index("self-distillation")
