"""Claims: what a cell asserts, and what becomes of it when a reader plays.

A notebook says ``%load_ext llmbook.claims``. From then on an ``assert`` that
fails is told in a sentence, and the notebook runs on: a reader has changed
something, and learns which of the book's statements depended on it. Where the
book itself is made and tested, the environment has ``LLMBOOK_CLAIMS=strict``,
and a claim that fails is the error that it is.
"""

import ast
import os

STRICT = "LLMBOOK_CLAIMS"


class _Told(ast.NodeTransformer):
    """Have every ``assert`` of a cell reported instead of raised."""

    def visit_Assert(self, node):
        report = ast.parse(
            f"__import__('llmbook.claims').claims.tell({ast.unparse(node.test)!r})"
        )
        guarded = ast.Try(
            body=[node],
            handlers=[
                ast.ExceptHandler(
                    type=ast.Name("Exception", ast.Load()),
                    name=None,
                    body=report.body,
                )
            ],
            orelse=[],
            finalbody=[],
        )
        return ast.fix_missing_locations(ast.copy_location(guarded, node))


def tell(claim):
    """Say that a claim does not hold any more."""
    print(f"After your change this no longer holds: {claim}")


def load_ipython_extension(shell):
    """Begin to tell of failing claims, unless they are to be errors.

    Parameters
    ----------
    shell : IPython.core.interactiveshell.InteractiveShell
    """
    if os.environ.get(STRICT) != "strict":
        shell.ast_transformers.append(_Told())
