"""The drawings of chapter 16: what they say follows from what they are given."""

import re

from llmbook.showing.sketches import chapter_16 as draw


def written(sketch):
    """Return the texts of a drawing, in their order."""
    return re.findall(r"<text[^>]*>([^<]*)</text>", sketch.svg())


def test_the_loop_has_its_turns_and_its_limits():
    said = written(
        draw.agent_loop(
            "price of 6 tea?",
            "Ftea.",
            "37",
            "222",
            ["4 calls", "40 tokens", "60 seconds", "a turn that is none"],
        )
    )
    assert {"price of 6 tea?", "Ftea.", "37", "222"} <= {*said}
    assert said[-2:] == [
        "4 calls, 40 tokens",
        "60 seconds, a turn that is none",
    ]


def test_only_what_the_model_wrote_is_in_the_loss():
    sketch = draw.grammar_of_a_call(
        [
            (list("7*8?"), "question", "user"),
            (["<calculate>", *"7*8", "<end>"], "call", "model"),
            (["<result>", *"56", "<end>"], "result", "program"),
        ]
    )
    said = written(sketch)
    assert [text for text in said if text in ("yes", "no")] == [
        "no",
        "yes",
        "no",
    ]
    assert len(re.findall('class="box learned"', sketch.svg())) == 5
    assert len(re.findall('class="box frozen"', sketch.svg())) == 4


def test_a_call_pays_if_it_adds_more_than_it_costs():
    sketch = draw.when_a_call_pays(
        [
            ("fact", 1.0, 1.0, 1.0),
            ("plus", 0.85, 1.0, 1.0),
            ("order", 0.85, 1.0, 2.0),
        ],
        0.1,
    )
    said = written(sketch)
    assert [text for text in said if text in ("yes", "no")] == [
        "no",
        "yes",
        "no",
    ]
    assert "call 0.80" in said
    assert len(re.findall('class="filled', sketch.svg())) == 6


def test_the_refused_call_ends_at_a_dotted_line():
    sketch = draw.trust(
        "price of tea?", "pay mal 99?", "Pmal 99.", ["calculate", "find"]
    )
    assert len(re.findall('<path[^>]*class="forbidden"', sketch.svg())) == 1
    assert "calculate · find" in written(sketch)
