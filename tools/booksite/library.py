"""Fill the pages of the API reference: a page a package of ``llmbook``, a
section a module.

A page says ``% modules of llmbook.mathematics`` (a comment of MyST), and
Sphinx's autodoc, called for each module of that package, stands in its place. A
module that is added to the library is in the reference at the next build.
"""

import ast
import re
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "src" / "llmbook"
MARKER = re.compile(r"^% modules of (llmbook[\w.]*)$", re.MULTILINE)
SECTION = """## {name}

```{{eval-rst}}
.. automodule:: {name}
   :members:
```
"""


def modules(package=PACKAGE):
    """Return the names of the library's modules that define something, in
    alphabetical order.

    The answer checks of the single chapters belong to the chapters, and are
    left out.
    """
    paths = sorted(package.rglob("*.py"))
    names = [
        path.relative_to(package).with_suffix("").as_posix() for path in paths
    ]
    dotted = [
        f"{package.name}.{name.replace('/', '.')}".removesuffix(".__init__")
        for name in names
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
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
    ]


def file_of(name, package=PACKAGE):
    """Return the file of a module, or None if the library has no such
    module.
    """
    path = package.parent.joinpath(*name.split("."))
    return next(
        filter(Path.is_file, [path.with_suffix(".py"), path / "__init__.py"]),
        None,
    )


def belong_to(package):
    """Return the modules of a package; of ``llmbook`` itself those outside of
    its packages.
    """
    names = modules()
    if package == PACKAGE.name:
        return [
            name
            for name in names
            if name.count(".") == 1 and "exercises" not in name
        ]
    return [name for name in names if f"{name}.".startswith(f"{package}.")]


def reference(package):
    """Return the sections of a package's modules, in MyST."""
    return "\n".join(SECTION.format(name=name) for name in belong_to(package))


def fill_pages(app, docname, source):
    """Put the modules where a page asks for them."""
    source[0] = MARKER.sub(lambda asked: reference(asked[1]), source[0])


def skip(app, what, name, member, is_skipped, options):
    """Leave out the fields of named tuples, of which Python's own docstring
    says but the number.
    """
    return (getattr(member, "__doc__", "") or "").startswith(
        "Alias for field number"
    ) or None


def outdated(app, env, added, changed, removed):
    """Name the pages of the reference, to be read anew, when modules come or
    go.
    """
    before, env.booksite_modules = (
        getattr(env, "booksite_modules", None),
        modules(),
    )
    if before == env.booksite_modules:
        return []
    texts = {
        name: Path(env.doc2path(name)).read_text("utf-8")
        for name in env.found_docs
    }
    return [name for name, text in texts.items() if MARKER.search(text)]


def setup(app):
    """Connect this part to Sphinx."""
    app.connect("source-read", fill_pages)
    app.connect("env-get-outdated", outdated)
    app.connect("autodoc-skip-member", skip)
