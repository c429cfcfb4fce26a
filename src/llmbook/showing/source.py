"""Show the library's own source in a notebook, so that the book never holds a
second copy of it.
"""

import inspect


class Source:
    """The source of a function, class or module, shown as highlighted
    Python.
    """

    def __init__(self, text):
        self.text = text

    def __repr__(self):
        return self.text

    def _repr_markdown_(self):
        return f"```python\n{self.text}```\n"


def show(obj, docstring=True):
    """Return the source of ``obj`` as the output of a cell.

    Parameters
    ----------
    obj : function, class or module of Python
    docstring : bool
        False leaves the docstring out, where the page has just said the same in
        prose.

    Raises
    ------
    TypeError
        If ``obj`` has no Python source (a number, a compiled function).
    """
    try:
        text = inspect.getsource(inspect.unwrap(obj))
    except (TypeError, OSError) as error:
        raise TypeError(
            f"obj must be a Python function, class or module, got {obj!r}"
        ) from error
    text = inspect.cleandoc("\n" + text) + "\n"
    return Source(text if docstring else _without_docstring(text))


def _without_docstring(text):
    import ast

    definition = ast.parse(text).body[0]
    if not ast.get_docstring(definition):
        return text
    lines = text.splitlines(keepends=True)
    literal = definition.body[0]
    del lines[literal.lineno - 1 : literal.end_lineno]
    return "".join(lines)
