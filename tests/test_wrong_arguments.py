"""Every public function, called with one wrong argument at a time, answers as its docstring says.

``valid_calls/`` holds a module for each package of the library, with one valid call of every public function and class, as a
dict of arguments (or a function that makes them), and of methods as far as they are listed; ``*0``, ``*1`` … are arguments
without a name, ``self`` is a method's object. Here each argument is replaced by
wrong ones: nothing, no number, bytes, a string, an empty list, one element more or fewer, elements of another kind. The call may
succeed; else it raises an error that the docstring names, and whose message names an argument. What a valid call returns
without a NaN holds none with a wrong argument either.

A package joins by a module in ``valid_calls``: a function without an entry then fails the test.
"""

import importlib
import inspect
import re
import signal
import warnings
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from booksite import library

FOLDER = Path(__file__).with_name("valid_calls")
COVERED = sorted(path.stem for path in FOLDER.glob("[a-z]*.py"))
CALLS = {
    f"llmbook.{package}.{name}": call
    for package in COVERED
    for name, call in importlib.import_module(
        f"valid_calls.{package}"
    ).CALLS.items()
}
NAN = float("nan")
NONSENSE = {
    "None": None,
    "NaN": NAN,
    "bytes": b"bytes",
    "a string": "text",
    "an empty list": [],
    "an empty string": "",
    "a negative number": -1,
    "a fraction": 0.5,
    "a list of None": [None],
    "a list of NaN": [NAN, NAN],
    "a list of numbers": [1, 2, 3],
    "a list of strings": ["a", "b"],
    "a list of lists": [[1], [2, 3]],
    "a function": len,
    "an object": object(),
}


def variations(value):
    """Yield values of the right kind and the wrong length, or with an element of another kind."""
    if isinstance(value, list | tuple) and type(value) in (list, tuple):
        kind = type(value)
        if value:
            yield "one fewer", value[:-1]
            yield "one more", kind([*value, value[-1]])
            for name, other in [
                ("None", None),
                ("a number", 7),
                ("a string", "zz"),
                ("NaN", NAN),
                ("bytes", b"zz"),
            ]:
                yield f"{name} among them", kind([*value[:-1], other])
    if isinstance(value, np.ndarray) and value.ndim:
        yield "one fewer", value[:-1]
        yield "one more", np.concatenate([value, value[-1:]])
        yield "a further axis", value[None]
        yield "strings", value.astype(str)
        yield "complex numbers", value.astype(complex)
        if value.dtype.kind in "iu":
            yield "negative", value - value.max() - 1
            yield "too large", value + 1000
            yield "fractions", value + 0.5
        if value.dtype.kind == "f":
            spoiled = value.copy()
            spoiled.flat[0] = NAN
            yield "a NaN among them", spoiled
            infinite = value.copy()
            infinite.flat[0] = np.inf
            yield "an infinity among them", infinite
    if isinstance(value, int) and not isinstance(value, bool):
        yield "a whole float", float(value)
        yield "zero", 0
        yield "far below zero", -(10**9)
        yield "its digits", str(value)
    if isinstance(value, float):
        yield "infinity", np.inf
        yield "minus infinity", -np.inf


def resolved(name):
    """Return what a dotted name stands for, and the class that it is a method of."""
    parts = name.split(".")
    for size in range(len(parts) - 1, 0, -1):
        try:
            owner = importlib.import_module(".".join(parts[:size]))
        except ModuleNotFoundError:
            continue
        found, of_class = owner, None
        for part in parts[size:]:
            of_class = found if inspect.isclass(found) else None
            found = getattr(found, part)
        return found, of_class
    raise LookupError(name)


def arguments_of(name):
    """Return the arguments of the valid call, made afresh."""
    call = CALLS[name]
    return dict(call() if callable(call) else call)


@contextmanager
def in_time(seconds=10):
    """Take an endless loop for a wrong answer, where the system has timers of
    the processor's time: a machine that is busy elsewhere is no endless loop.
    """

    def stop(*_):
        raise TimeoutError(f"no answer within {seconds} seconds")

    if not hasattr(signal, "SIGPROF"):
        yield
        return
    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def call(function, arguments):
    """Call a function, or a method whose object is the argument ``self``."""
    several = [arguments[name] for name in sorted(arguments) if name[0] == "*"]
    named = {name: v for name, v in arguments.items() if name[0] != "*"}
    owner = named.pop("self", None)
    if owner is not None:
        function = getattr(owner, function.__name__)
    with warnings.catch_warnings(), in_time():
        warnings.simplefilter("ignore")
        found = function(*several, **named)
        return list(found) if inspect.isgenerator(found) else found


def documented(function, of_class):
    """Return the errors that a docstring, or that of the class, names."""
    texts = [inspect.getdoc(function) or ""]
    if inspect.isclass(function):
        texts += [inspect.getdoc(base) or "" for base in function.__mro__[1:-1]]
    if of_class is not None:
        texts.append(inspect.getdoc(of_class) or "")
        for base in of_class.__mro__[1:]:  # what a method overrides
            overridden = getattr(base, function.__name__, None)
            texts.append(inspect.getdoc(overridden) or "")
    error = r"[A-Z]\w*(?:Error|Exception)"
    names = {
        found
        for text in texts
        for section in text.split("Raises\n------\n")[1:]
        for line in re.findall(rf"^{error}(?:, {error})*$", section, re.M)
        for found in line.split(", ")
    }
    return tuple(
        getattr(__import__("builtins"), each) for each in sorted(names)
    )


# What these return is not a number where their docstrings say so.
UNKNOWN_IN_PART = {"llmbook.mathematics.cache.frequencies"}


def holds_nan(value, depth=0):
    """Tell whether a NaN stands anywhere in a value."""
    if hasattr(value, "numpy"):  # a tensor
        value = value.numpy()
    if isinstance(value, float | np.floating):
        return bool(np.isnan(value))
    if isinstance(value, np.ndarray):
        return value.dtype.kind in "fc" and bool(np.isnan(value).any())
    if isinstance(value, dict):
        return any(holds_nan(each, depth + 1) for each in value.values())
    if isinstance(value, list | tuple | set):
        return any(holds_nan(each, depth + 1) for each in value)
    return False


def complaint(name, arguments, replaced):
    """Return what is wrong with the answer to a wrong argument, or None."""
    function, of_class = resolved(name)
    allowed = documented(function, of_class)
    try:
        found = call(function, arguments)
    except allowed as error:
        names = list(inspect.signature(function).parameters)
        names += [*arguments, replaced]
        # one of the drafts is a draft
        names += [name.removesuffix("s") for name in names]
        # Keras makes the message of an error bold
        said = re.sub(r"\x1b\[\d+m", "", str(error))
        if any(re.search(rf"\b{re.escape(n)}\b", said) for n in names):
            return None
        return f"names no argument: {type(error).__name__}: {error}"
    except Exception as error:
        return f"is not documented: {type(error).__name__}: {error}"
    if name in UNKNOWN_IN_PART:
        return None
    if holds_nan(found) and not holds_nan(arguments.get("self")):
        return f"returns NaN: {str(found)[:80]}"
    return None


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    import matplotlib.pyplot as plt

    monkeypatch.chdir(tmp_path)
    yield
    plt.close("all")


def test_the_table_has_every_public_function_of_the_packages():
    for package in COVERED:
        for module in library.belong_to(f"llmbook.{package}"):
            # sketches are drawings of one page, made for its own numbers
            if module.startswith("llmbook.showing.sketches"):
                continue
            names = library.public_names(library.file_of(module))
            missing = {
                f"{module}.{name}"
                for name in names
                if not is_data(f"{module}.{name}")
            } - set(CALLS)
            assert not missing, f"give each a valid call in {FOLDER.name}"


def is_data(name):
    """Tell whether a class does no more than hold fields."""
    found, _ = resolved(name)
    return inspect.isclass(found) and issubclass(found, tuple)


def test_the_packages_are_all_named():
    folders = {
        path.parent.name for path in library.PACKAGE.glob("*/__init__.py")
    }
    assert folders == {*COVERED}


@pytest.mark.parametrize("name", sorted(CALLS))
def test_the_call_of_the_table_is_valid(name):
    function, _ = resolved(name)
    found = call(function, arguments_of(name))
    assert name in UNKNOWN_IN_PART or not holds_nan(found)


@pytest.mark.parametrize("name", sorted(CALLS))
def test_wrong_arguments_are_answered_as_the_docstring_says(name):
    complaints = []
    for replaced, valid in arguments_of(name).items():
        if replaced == "self":
            continue
        wrong = [*NONSENSE.items(), *variations(valid)]
        for kind, value in wrong:
            arguments = arguments_of(name) | {replaced: value}
            said = complaint(name, arguments, replaced)
            if said:
                complaints.append(f"{replaced} = {kind} {said}")
    assert not complaints, "\n".join(complaints)


def broken(values):
    """Return the first value.

    Raises
    ------
    TypeError
        If there is none.
    """
    return values[0]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([], "is not documented: IndexError"),
        (None, "names no argument: TypeError"),
        ([NAN], "returns NaN"),
        ([3], None),
    ],
)
def test_the_rules_can_be_broken(values, said, monkeypatch):
    monkeypatch.setitem(globals(), "resolved", lambda name: (broken, None))
    found = complaint("any", {"values": values}, "values")
    assert found is None if said is None else found.startswith(said)
