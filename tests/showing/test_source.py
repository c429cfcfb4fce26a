import inspect

import pytest

from llmbook.mathematics import attention
from llmbook.showing import source


def test_it_shows_the_function_itself():
    shown = source.show(attention.causal_mask)
    assert repr(shown) == inspect.getsource(attention.causal_mask)
    assert (
        shown._repr_markdown_()
        == f"```python\n{inspect.getsource(attention.causal_mask)}```\n"
    )


def test_the_docstring_can_be_left_out():
    text = repr(source.show(attention.causal_mask, docstring=False))
    assert '"""' not in text
    assert text.startswith("def causal_mask(length")
    assert (
        text.rstrip().splitlines()[-1]
        == inspect.getsource(attention.causal_mask).rstrip().splitlines()[-1]
    )


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
