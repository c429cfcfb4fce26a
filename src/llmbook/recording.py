"""Record the runs of an experiment as JSON, bound to their recipe and to their
code, so that it can be stopped and started again.

The book's scripts in ``experiments/`` keep their results with it. A run is
stored as soon as it is done, with all options that it used, the versions of the
packages and the fingerprint of the code. Stopping a script, whenever it
happens, loses at most the run at hand.
"""

import inspect
import json
import math
import os
import platform
import time
from importlib.metadata import version
from pathlib import Path

from llmbook.files import read_json, whole
from llmbook.fingerprint import fingerprint


def versions(*packages):
    """Return the version of Python and of each package, by name."""
    return {"python": platform.python_version()} | {
        name: version(name) for name in packages
    }


def code_of(script):
    """Return the fingerprint of a script and of all that it reaches."""
    return fingerprint([script.read_text(encoding="utf-8")], script.parent)


def with_defaults(*functions, **given):
    """Return the options that functions are called with: those given, and the
    defaults of the others.

    Defaults of None and of nothing, which add nothing, and functions, which
    JSON cannot hold, are left out.

    Parameters
    ----------
    functions
        A function, and those that it hands its options on to, whose defaults
        its own replace.
    given
        Options by their names.

    Returns
    -------
    dict
    """
    options = {}
    for function in reversed(functions):
        for name, parameter in inspect.signature(function).parameters.items():
            default = parameter.default
            if default not in (parameter.empty, None, ()) and not callable(
                default
            ):
                options[name] = default
    return options | given


def rounded(value):
    """Return figures as JSON has them, and floats with six significant digits,
    at whatever depth.

    Raises
    ------
    ValueError
        If a figure is infinite or not a number.
    """
    if hasattr(value, "tolist"):  # of NumPy
        value = value.tolist()
    if isinstance(value, dict):
        return {name: rounded(inside) for name, inside in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(inside) for inside in value]
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"a figure must be a finite number, got {value}")
        return float(f"{value:.6g}")
    return value


class Recording:
    """A list of runs, each a dict, in a file of JSON beside what they have in
    common.

    Parameters
    ----------
    path : Path
    script : str
        The file of the experiment, ``__file__``.
    packages : sequence of str
        Those whose versions are stored with each run.
    description
        What all runs have in common, and what their figures mean.

    Raises
    ------
    ValueError
        If the file holds runs of another description.
    """

    def __init__(self, path, script, packages, **description):
        self.path, self.packages = path, packages
        self.code = code_of(Path(script))
        described = {"script": os.path.relpath(script, path.parent)}
        described |= _plain(description)
        self.results = described | {"runs": []}
        if path.exists():
            self.results = read_json(path)
            stored = {
                name: value
                for name, value in self.results.items()
                if name not in ("runs", "adopted")
            }
            self._refuse_another(stored, described, "the description")

    def runs(self, **identity):
        """Return the runs that are there with these entries."""
        return [
            run
            for run in self.results["runs"]
            if all(run.get(name) == value for name, value in identity.items())
        ]

    def once(self, identity, function, **options):
        """Return the run of this identity, which is done now unless it is there
        already.

        Parameters
        ----------
        identity : dict
            The entries by which the run is known. Those that ``function`` has
            arguments for are handed to it.
        function
            Returns the figures of the run, a dict.
        options
            Of the function; with its defaults they are the recipe of the run,
            and stored with it.

        Returns
        -------
        dict
            The identity, the figures, ``cpu_seconds``, and what they follow
            from: ``recipe``, ``versions`` and ``code``.

        Raises
        ------
        ValueError
            If the run is there with another recipe, or if a figure is infinite
            or not a number.
        """
        identity = _plain(identity)
        recipe = with_defaults(function, **options)
        for name in identity:
            recipe.pop(name, None)
        for run in self.runs(**identity):
            self._refuse_another(
                run["recipe"], _plain(recipe), f"run {identity}"
            )
            return run
        arguments = {
            name: value
            for name, value in identity.items()
            if name in inspect.signature(function).parameters
        }
        start = time.process_time()
        figures = function(**arguments, **recipe)
        seconds = round(time.process_time() - start, 1)
        run = identity | rounded(figures) | {"cpu_seconds": seconds}
        run |= {"recipe": recipe, "versions": versions(*self.packages)}
        self.results["runs"].append(_plain(run | {"code": self.code}))
        store(self.path, self.results)
        print(
            f"{self.path.stem}: {identity}, {seconds} CPU-seconds", flush=True
        )
        return self.results["runs"][-1]

    def _refuse_another(self, stored, given, where):
        """Raise an error if two recipes differ."""
        for entry, old, new in _differences(stored, given):
            raise ValueError(
                f"{self.path}: {entry!r} in {where} must be as it is stored,"
                f" {old!r}, got {new!r}; results of another recipe belong into"
                " another file"
            )


def store(path, results):
    """Write results in one step: being killed while writing leaves the file as
    it was.
    """
    text = json.dumps(results, indent=1, allow_nan=False) + "\n"
    with whole(path) as file:
        file.write(text)


def _plain(value):
    """Return a value as it is read from JSON: tuples as lists."""
    return json.loads(json.dumps(value, allow_nan=False))


def _differences(one, two, place=""):
    """Yield each entry that differs, by its path, with both values."""
    for name in dict.fromkeys([*one, *two]):
        a, b = one.get(name, "nothing"), two.get(name, "nothing")
        if isinstance(a, dict) and isinstance(b, dict):
            yield from _differences(a, b, f"{place}{name}.")
        elif a != b:
            yield f"{place}{name}", a, b
