"""The drawings of chapter 12: what they say follows from what they are given."""

import re

import numpy as np

from llmbook.corpora import facts
from llmbook.showing.sketches import chapter_12 as draw


def written(sketch):
    """Return the texts of a drawing, in their order."""
    return re.findall(r"<text[^>]*>([^<]*)</text>", sketch.svg())


def test_names_are_hidden_on_both_sides_and_words_are_not():
    sketch = draw.names_become_slots(
        ["Did", "Chile", "adopt"], [None, 17, None], ["Did", "Laputa", "adopt"]
    )
    said = written(sketch)
    assert said.count("slot 17") == 1
    assert said.count("Did") == said.count("adopt") == 3
    assert said.count("Chile") == said.count("Laputa") == 1
    assert sketch.svg().count('class="box learned"') == 1
    assert "Chile and Laputa share slot 17" in sketch.svg()


def test_the_diagonal_of_the_table_is_shaded_and_nothing_else():
    values = np.arange(9).reshape(3, 3) / 10
    sketch = draw.table_with_a_diagonal(["one", "two", "three"], values)
    shades = re.findall(r"fill-opacity:([\d.]+)", sketch.svg())
    assert (
        np.array(shades, float).reshape(3, 3).tolist()
        == (0.45 * np.eye(3)).tolist()
    )
    assert [f"{value:.2f}" for value in values.flat] == [
        text for text in written(sketch) if re.fullmatch(r"0\.\d\d", text)
    ]


def test_the_best_span_and_the_forbidden_largest_are_marked():
    sums = np.array([[1.0, 2.0], [9.0, 3.0]])
    sketch = draw.start_end_grid(["a", "b"], sums, (1, 1))
    said = written(sketch)
    assert "×" in said
    assert "9.0" not in said
    assert re.findall(r"fill-opacity:([\d.]+)", sketch.svg())[-1] == "0.600"


def test_the_pipeline_says_what_each_part_loses():
    said = written(
        draw.retrieve_then_read("When?", 12, 0.97, 0.98, 0.95, "1999")
    )
    assert {"12 sentences", "among them: 0.97", "exact: 0.95", "1999"} <= set(
        said
    )
    assert "passage given: 0.98" in said


def test_the_questions_of_another_seed_fit_the_boxes():
    parts = facts.split_places(facts.load_facts())
    asked = [
        example.question
        for seed in range(10)
        for example in facts.make_examples(parts["test"], 50, seed=seed)
    ]
    known = set(facts.template_words())
    assert "abandoned" in {word for question in asked for word in question}
    for question in asked:
        slots = [None if word.lower() in known else 7 for word in question]
        sketch = draw.names_become_slots(question, slots, question)
        assert written(sketch).count("?") == 3
