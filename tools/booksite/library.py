"""Fill the pages of the API reference: a section a module of ``llmbook``, from its docstrings.

A page says ``% modules of the mathematics`` or ``% modules of the machinery`` (a comment of MyST),
and Sphinx's autodoc, called for each module of that floor, stands in its place. A module that is
added to the library is in the reference at the next build.
"""

import ast
import re
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "src" / "llmbook"
MARKER = re.compile(r"^% modules of the (mathematics|machinery)$", re.MULTILINE)
SECTION = """## {name}

```{{eval-rst}}
.. automodule:: {name}
   :members:
```
"""


def modules(package=PACKAGE):
    """Return the names of the library's modules that define something, in alphabetical order.

    The answer checks of the single chapters belong to the chapters, and are left out.
    """
    paths = sorted(package.rglob("*.py"))
    names = [path.relative_to(package).with_suffix("").as_posix() for path in paths]
    dotted = [
        f"{package.name}.{name.replace('/', '.')}".removesuffix(".__init__") for name in names
    ]
    return [
        name
        for name, path in zip(dotted, paths, strict=True)
        if public_names(path) and not re.match(r"chapter_\d+$", path.stem)
    ]


def public_names(path):
    """Return the functions and classes that a file defines for others."""
    body = ast.parse(path.read_text(encoding="utf-8")).body
    return [
        node.name
        for node in body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
    ]


def file_of(name, package=PACKAGE):
    """Return the file of a module, or None if the library has no such module."""
    path = package.parent.joinpath(*name.split("."))
    return next(filter(Path.is_file, [path.with_suffix(".py"), path / "__init__.py"]), None)


@cache
def needs_keras(name, package=PACKAGE):
    """Tell whether a module is of the upper floor: it imports Keras or what imports Keras."""
    return any(
        imported.split(".")[0] in ("keras", "tensorflow")
        or (imported != name and file_of(imported, package) and needs_keras(imported, package))
        for imported in imports(file_of(name, package))
    )


def imports(path):
    """Return the dotted names that a file imports at its top level."""
    names = []
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return names


def reference(floor):
    """Return the sections of a floor's modules, in MyST."""
    wanted = floor == "machinery"
    return "\n".join(SECTION.format(name=name) for name in modules() if needs_keras(name) == wanted)


def fill_pages(app, docname, source):
    """Put the modules where a page asks for them."""
    source[0] = MARKER.sub(lambda asked: reference(asked[1]), source[0])


def skip(app, what, name, member, is_skipped, options):
    """Leave out the fields of named tuples, of which Python's own docstring says but the number."""
    return (getattr(member, "__doc__", "") or "").startswith("Alias for field number") or None


def outdated(app, env, added, changed, removed):
    """Name the pages of the reference, to be read anew, when modules come, go or change floor."""
    floors = {name: needs_keras(name) for name in modules()}
    before, env.booksite_modules = getattr(env, "booksite_modules", None), floors
    if before == floors:
        return []
    texts = {name: Path(env.doc2path(name)).read_text("utf-8") for name in env.found_docs}
    return [name for name, text in texts.items() if MARKER.search(text)]


def setup(app):
    """Connect this part to Sphinx."""
    app.connect("source-read", fill_pages)
    app.connect("env-get-outdated", outdated)
    app.connect("autodoc-skip-member", skip)
