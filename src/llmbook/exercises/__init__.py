"""Check an answer to an exercise of the book: say what is wrong and hint, never
give the answer.

Each chapter's checks stand in a module of this package, ``chapter_02`` for the
exercises 2.1, 2.2, …, as functions marked with :func:`exercise`. A check
receives the reader's answer and fails by ``assert`` with a message that says
what was found and what was expected.
"""

import importlib

from llmbook import checks

_CHECKS: dict[str, tuple] = {}


def exercise(name, hint):
    """Register the decorated function as the check of exercise ``name``, with a
    hint.

    Raises
    ------
    TypeError
        If one is not a string.
    """
    checks.text("name", name)
    checks.text("hint", hint)

    def register(function):
        _CHECKS[name] = (function, hint)
        return function

    return register


def examine(name, answer):
    """Return None if ``answer`` is right, else one sentence that says what is
    wrong.

    Parameters
    ----------
    name : str
        The number of the exercise, as the book prints it: ``"2.1"``.
    answer : object
        What the exercise asks for: most often a function.

    Raises
    ------
    ValueError
        If the book has no exercise of that name.
    """
    chapter = str(name).partition(".")[0]
    try:
        importlib.import_module(f"llmbook.exercises.chapter_{int(chapter):02d}")
        function, _ = _CHECKS[name]
    except (ValueError, TypeError, ModuleNotFoundError, KeyError) as error:
        raise ValueError(
            "name must be that of an exercise of the book, such as '2.1', got"
            f" {name!r}"
        ) from error
    try:
        function(answer)
    except NotImplementedError:
        return "it is still the stub: nothing has been written yet."
    except AssertionError as error:
        return str(error) or "the check failed."
    except (
        Exception
        # whatever a reader's code raises is an answer to be explained, not a
        # crash
    ) as error:
        return f"it raised {type(error).__name__}: {error}"
    return None


def check(name, answer):
    """Print whether ``answer`` solves exercise ``name``; if not, what is wrong
    and a hint.

    Raises
    ------
    ValueError
        If the book has no exercise of that name.
    """
    problem = examine(name, answer)
    if problem is None:
        print(f"Exercise {name}: correct.")
    else:
        print(
            f"Exercise {name}: not yet."
            f" {problem[0].upper()}{problem[1:]}\nHint: {_CHECKS[name][1]}"
        )
