"""The drawings of chapter 7: what they say follows from what they are given."""

import re
from types import SimpleNamespace

import pytest

from llmbook.showing.sketches import chapter_07 as draw

PLAIN = SimpleNamespace(
    num_layers=4,
    num_heads=4,
    num_kv_heads=None,
    d_model=128,
    hidden_dim=None,
    rotary_base=10_000.0,
)
REAL = SimpleNamespace(
    num_layers=30,
    num_heads=9,
    num_kv_heads=3,
    d_model=576,
    hidden_dim=1536,
    rotary_base=100_000.0,
)


def written(sketch):
    """Return the texts of a drawing, in their order."""
    return re.findall(r"<text[^>]*>([^<]*)</text>", sketch.svg())


def test_the_two_blocks_have_the_sizes_of_their_configurations():
    said = written(draw.four_changes(PLAIN, REAL))
    for line in ("4 queries, 4 keys", "128 → 512", "one block, × 4"):
        assert line in said
    for line in ("9 queries, 3 keys", "576 → 1,536", "base 100,000"):
        assert line in said
    assert sorted(word for word in said if word in "1234") == list("11234")


def test_arrows_of_the_norms_end_where_the_vectors_do():
    svg = draw.two_norms([3, 4], [-1, 1], [0.6, 0.8]).svg()
    paths = re.findall(r'd="M([^"]*)"', svg)
    ends = [re.findall(r"-?[\d.]+", path)[-2:] for path in paths]
    tips = {tuple(map(float, end)) for end in ends}
    for x, y in ([3, 4], [-1, 1], [0.6, 0.8]):
        assert (round(96 + 42 * x, 2), round(196 - 42 * y, 2)) in tips


def test_a_gate_shows_each_entry_in_each_row():
    said = written(draw.gate([0.5, 2], [1, -3], [0.5, -6]))
    numbers = [word for word in said if re.fullmatch(r"−?\d\.\d\d", word)]
    assert numbers == ["0.50", "2.00", "1.00", "−3.00", "0.50", "−6.00"]


def test_every_head_of_queries_shares_one_of_keys():
    sketch = draw.shared_keys(6, 2, {"6 heads": 300.0, "2 heads": 100.0})
    said = written(sketch)
    assert [word for word in said if re.fullmatch(r"q\d", word)] == [
        f"q{h}" for h in range(6)
    ]
    widths = [
        float(width)
        for width in re.findall(
            r'<rect[^>]*width="([\d.]+)"[^>]*class="filled', sketch.svg()
        )
    ]
    assert widths == pytest.approx([150, 50])


def test_a_block_says_its_first_weight():
    said = written(draw.block_of_weights([5, *range(15), *range(16)], 0.5, -2))
    assert said.count("5") == 3
    assert "5 · 0.5000 − 2.0000" in said
    assert "0.500" in said


def test_a_conversation_is_open_at_its_end():
    said = written(
        draw.conversation(
            [("system", "Be brief."), ("user", "Why?"), ("assistant", "")]
        )
    )
    assert said.count("&lt;|im_start|&gt;") == 3
    assert said[-2] == "…"
    assert "by a person" in said


def test_induction_needs_a_token_that_has_occurred():
    heads = {"previous": (16, 0), "induction": (18, 6)}
    said = written(draw.two_heads(list("abcb"), 0.9, 0.75, heads))
    assert "“who follows b?”, weight 0.75" in said
    assert "“I follow b”" in said
    assert "one step back: 0.90" in said
    assert said[-2:] == ["c", "predicts"]


def test_one_head_of_all_is_silenced():
    said = written(draw.silenced(4, 8, 2))
    assert said.count("W") == 3
    assert said[said.index("2") :].count("0") == 1


def test_a_lens_and_the_price_of_a_token_have_their_numbers():
    said = written(draw.taps("Two and", [(0, "and", 0.0), (2, "two", 0.75)]))
    assert said.index("two") < said.index("and")  # the last layer is on top
    assert "0.75" in said
    said = written(draw.walking_weights({"long": 400.0, "short": 100.0}, 8))
    assert "1 text: one token; 8 texts: 8 tokens" in said


def test_the_tape_has_a_loss_and_a_weight_for_every_token():
    tokens, counted = ["What", "do", "?", "Paris", "."], [0, 0, 0, 1, 1]
    said = written(draw.answer_tape(tokens, counted, [4.0, 3, 2, 1, 0.5]))
    assert [word for word in said if word in tokens] == tokens
    weights = [word for word in said if word.startswith("×")]
    assert weights == [f"× {count}" for count in counted]
    losses = [word for word in said if re.fullmatch(r"\d\.\d\d", word)]
    assert losses == ["4.00", "3.00", "2.00", "1.00", "0.50"]


def test_stages_are_numbered_and_joined():
    stages = [("one", "text", "all", "writes"), ("two", "talk", "some", "says")]
    sketch = draw.three_stages(stages)
    said = written(sketch)
    assert [word for word in said if word in "12"] == ["1", "2"]
    assert all(set(stage) <= set(said) for stage in stages)
    assert sketch.svg().count('class="stream"') == 1
