"""Show the library's own source in a notebook, so that the book never holds a
second copy of it.
"""

import ast
import inspect
import itertools

from llmbook.showing.labels import fenced


class Source:
    """The source of a function, class or module, shown as highlighted
    Python.
    """

    def __init__(self, text):
        self.text = text

    def __repr__(self):
        return self.text

    def _repr_markdown_(self):
        return fenced(self.text, "python")


def show(obj, docstring=True):
    """Return the source of ``obj`` as the output of a cell, the idea alone.

    The lines in which a function has its arguments checked, calls of
    :mod:`llmbook.checks`, are left out.

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
    tree = ast.parse(text)
    hidden = [node for node in ast.walk(tree) if _is_check(node)]
    shown = tree if inspect.ismodule(obj) else tree.body[0]
    if (
        not docstring
        and isinstance(shown, ast.Module | ast.ClassDef | ast.FunctionDef)
        and ast.get_docstring(shown)
    ):
        hidden.append(shown.body[0])
    return Source(_without(text, hidden))


def _is_check(node):
    """Tell whether a statement does no more than call checks."""
    if isinstance(node, ast.If | ast.For):
        return all(map(_is_check, [*node.body, *node.orelse]))
    call = getattr(node, "value", None)
    return (
        isinstance(node, ast.Assign | ast.Expr)
        and isinstance(call, ast.Call)
        and ast.unparse(call.func).startswith("checks.")
    )


def _without(text, nodes):
    """Return a source without the lines of some statements."""
    gone = set(
        itertools.chain.from_iterable(
            range(node.lineno, node.end_lineno + 1) for node in nodes
        )
    )
    lines = text.splitlines(keepends=True)
    return "".join(
        line for number, line in enumerate(lines, 1) if number not in gone
    )
