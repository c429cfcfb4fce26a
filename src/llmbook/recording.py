"""Record the runs of an experiment as JSON, so that it can be stopped and
started again.

The book's scripts in ``experiments/`` keep their results with it. A run is
stored as soon as it is done, and stopping a script, whenever it happens, loses
at most the run at hand.
"""

import json
import os
import platform
from importlib.metadata import version

from llmbook.files import whole


def versions(*packages):
    """Return the version of Python and of each package, by name."""
    return {"python": platform.python_version()} | {
        name: version(name) for name in packages
    }


def load(path, runs):
    """Return the results stored at ``path``, or new ones with ``runs``, an
    empty list or dict.
    """
    return (
        json.loads(path.read_text(encoding="utf-8"))
        if path.exists()
        else {"runs": runs}
    )


def store(path, results):
    """Write results in one step: being killed while writing leaves the file as
    it was.
    """
    text = json.dumps(results, indent=1) + "\n"
    with whole(path) as file:
        file.write(text)


class Recording:
    """A list of runs, each a dict, in a file of JSON beside what they have in
    common.

    Parameters
    ----------
    path : Path
    packages : sequence of str
        Those whose versions are stored.
    description
        What all runs have in common, and what their figures mean.
    """

    def __init__(self, path, packages, **description):
        self.path = path
        self.results = (
            load(path, []) | description | {"versions": versions(*packages)}
        )

    def holds(self, **identity):
        """Tell whether there is a run with these entries, which is then not to
        be repeated.
        """
        return any(
            all(run.get(name) == value for name, value in identity.items())
            for run in self.results["runs"]
        )

    def add(self, run):
        """Append a run, store it, and return it."""
        self.results["runs"].append(run)
        store(self.path, self.results)
        return run
