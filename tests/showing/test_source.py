import ast
import inspect

import pytest

from llmbook.mathematics import attention
from llmbook.showing import source


def test_it_shows_the_function_itself():
    shown = source.show(attention.merge_heads)
    text = inspect.getsource(attention.merge_heads)
    assert repr(shown) == text
    assert shown._repr_markdown_() == f"```python\n{text}```\n"


def test_the_docstring_can_be_left_out():
    text = repr(source.show(attention.causal_mask, docstring=False))
    assert '"""' not in text
    assert text.startswith("def causal_mask(length")
    assert (
        text.rstrip().splitlines()[-1]
        == inspect.getsource(attention.causal_mask).rstrip().splitlines()[-1]
    )


def test_the_docstring_of_a_module_can_be_left_out():
    assert repr(source.show(source)).startswith('"""')
    assert (
        repr(source.show(source, docstring=False)).lstrip().startswith("import")
    )


def test_what_checks_arguments_is_left_out():
    whole = inspect.getsource(attention.scaled_dot_product_attention)
    shown = repr(source.show(attention.scaled_dot_product_attention))
    gone = set(whole.splitlines()) - set(shown.splitlines())
    assert gone == {
        "    query, key, value, mask = checks.attention(query, key, value, mask)"
    }


@pytest.mark.parametrize(
    ("statement", "is_check"),
    [
        ("x = checks.numbers('x', x)", True),
        ("checks.positive(x=x)", True),
        ("a, b = checks.questions(\n    a, b\n)", True),
        ("x = other.numbers('x', x)", False),
        ("x = 1 + checks.count('x', x)", False),
    ],
)
def test_a_check_is_a_statement_that_only_calls_one(statement, is_check):
    assert source._is_check(ast.parse(statement).body[0]) == is_check


def test_a_function_without_docstring_is_shown_whole():
    def bare(x):
        return x

    assert (
        repr(source.show(bare, docstring=False))
        == "def bare(x):\n    return x\n"
    )


@pytest.mark.parametrize("thing", [3, len])
def test_what_has_no_python_source_is_named(thing):
    with pytest.raises(TypeError, match="obj must be"):
        source.show(thing)
