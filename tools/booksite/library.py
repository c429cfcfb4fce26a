"""Write the pages of the API reference: a page a module of ``llmbook``.

A module's page lies in ``appendix/api/``, written when the site is built; the
contents take in whatever lies there. It names the chapters that import the
module, and Sphinx's autodoc fills the rest. A page that says ``% modules of
llmbook.mathematics`` (a comment of MyST) gets a table of that package's
modules. A module that is added to the library is in the reference at the next
build.
"""

import ast
import os
import re
from pathlib import Path

import nbformat

PACKAGE = Path(__file__).resolve().parents[2] / "src" / "llmbook"
MARKER = re.compile(r"^% modules of (llmbook[\w.]*)$", re.MULTILINE)
PAGE = """# {title}

:::{{container}} used-in
{users}
:::

```{{eval-rst}}
.. automodule:: {name}
   :members:
```
"""
PAGES = "appendix/api"


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


def address(name):
    """Return the document of a module, from the folder of the appendix."""
    return "api/" + name.removeprefix("llmbook.").replace(".", "/")


def first_line(name):
    """Return the first sentence of a module's docstring, on one line."""
    tree = ast.parse(file_of(name).read_text(encoding="utf-8"))
    said = (ast.get_docstring(tree) or "").partition("\n\n")[0]
    # a role of reStructuredText, which a table in MyST does not know
    return " ".join(re.sub(r":\w+:(?=`)", "", said).split())


def overview(package):
    """Return the table of a package's modules, in MyST."""
    rows = [
        f"| {{doc}}`{name.removeprefix('llmbook.')} <{address(name)}>` |"
        f" {first_line(name)} |"
        for name in belong_to(package)
    ]
    return "\n".join(["| module | holds |", "|---|---|", *rows])


def imported(source):
    """Return the modules of the library that a program imports."""
    known, found = set(modules()), set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found & known


def users(folder):
    """Return, for each module, the names of the chapters that import it."""
    found = {name: [] for name in modules()}
    for path in sorted(folder.glob("*.ipynb")):
        cells = nbformat.read(path, as_version=4).cells
        code = "\n".join(
            line
            for cell in cells
            if cell.cell_type == "code"
            for line in cell.source.splitlines()
            if not line.startswith(("%", "!"))
        )
        for name in imported(code):
            found[name].append(path.stem)
    return found


def page(name, chapters):
    """Return the page of a module, in MyST, with links to the chapters that use
    it.
    """
    links = ", ".join(f"{{doc}}`/chapters/{chapter}`" for chapter in chapters)
    said = f"Used in: {links}." if links else "No chapter imports it by itself."
    title = name.removeprefix("llmbook.")
    return PAGE.format(title=title, name=name, users=said)


def write_pages(app, config):
    """Write the pages of all modules, and remove those of modules that have
    gone. A page that is as it was stays untouched: Sphinx need not read it.
    """
    root = Path(app.srcdir)
    written = {
        root / "appendix" / f"{address(name)}.md": page(name, chapters)
        for name, chapters in users(root / "chapters").items()
    }
    for path in (root / PAGES).rglob("*.md"):
        if path not in written:
            path.unlink()
    for path, text in written.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def fill_pages(app, docname, source):
    """Put the table of modules where a page asks for it."""
    for package in MARKER.findall(source[0]):
        for name in belong_to(package):
            app.env.note_dependency(os.fspath(file_of(name)))
    source[0] = MARKER.sub(lambda asked: overview(asked[1]), source[0])


def skip(app, what, name, member, is_skipped, options):
    """Leave out the fields of named tuples, of which Python's own docstring
    says but the number.
    """
    return (getattr(member, "__doc__", "") or "").startswith(
        "Alias for field number"
    ) or None


def outdated(app, env, added, changed, removed):
    """Name the pages that list modules, to be read anew, when modules come or
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
    app.connect("config-inited", write_pages, priority=100)
    app.connect("source-read", fill_pages)
    app.connect("env-get-outdated", outdated)
    app.connect("autodoc-skip-member", skip)
