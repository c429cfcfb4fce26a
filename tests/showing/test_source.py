import ast
import importlib
import inspect

import notebooks
import pytest

from llmbook.mathematics import attention
from llmbook.showing import source


def test_it_shows_the_function_itself():
    shown = source.show(notebooks.program)
    text = inspect.getsource(notebooks.program)
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
        ("if x:\n    checks.positive(x=x)", True),
        ("for x in a:\n    if x:\n        checks.text('x', x)", True),
        ("if x:\n    checks.positive(x=x)\n    x = 1", False),
        ("if x:\n    checks.positive(x=x)\nelse:\n    x = 1", False),
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


def names_of(trees):
    """Return what the cells of a notebook import from the library, by name."""
    found = {}
    for node in (node for tree in trees for node in tree.body):
        if isinstance(node, ast.ImportFrom) and "llmbook" in node.module:
            module = importlib.import_module(node.module)
            for alias in node.names:
                name = alias.asname or alias.name
                if not hasattr(module, alias.name):
                    importlib.import_module(f"{node.module}.{alias.name}")
                found[name] = getattr(module, alias.name)
    return found


def shown():
    """Yield what the chapters show, as it is written and as it is."""
    for path in notebooks.notebooks():
        program = notebooks.program(notebooks.read(path))
        trees = [ast.parse(source) for source in program]
        names = names_of(trees)
        for call in (node for tree in trees for node in ast.walk(tree)):
            if isinstance(call, ast.Call) and ast.unparse(call.func) == "show":
                written, *parts = ast.unparse(call.args[0]).split(".")
                thing = names[written]
                for part in parts:
                    thing = getattr(thing, part)
                yield f"{path.stem}: {ast.unparse(call)}", thing


def test_whatever_a_chapter_shows_reads_without_checks_in_eighty_columns():
    listings = {name: repr(source.show(thing)) for name, thing in shown()}
    assert len(listings) > 50
    for name, text in listings.items():
        assert "raise " not in text, name
        assert "checks." not in text, name
        assert max(map(len, text.splitlines())) <= 80, name
