"""Tell which code a result follows from: a hash of a program, and of all that
it reaches in this library.

What counts are definitions, not files. From the statements of a program the
names that they use are followed, through imports, to the functions, classes and
constants that bear them, and from there to the next. A function that nobody
calls changes nothing; neither do comments, docstrings, annotations and the way
lines are broken.
"""

import ast
import hashlib
from pathlib import Path

PACKAGE = Path(__file__).parent


def fingerprint(sources, folder=None):
    """Return a hash of a program and of the definitions that it reaches.

    Beside them count the files of the library that they name, such as a style,
    a script or a table of weights, by their bytes.

    Parameters
    ----------
    sources : list of str
        The program: the text of a script, or those of a notebook's cells.
    folder : Path, optional
        Where other modules than those of the library are looked for: that of
        the script.

    Returns
    -------
    str
        In hexadecimal.
    """
    digest = hashlib.sha256()
    program = _Module(None, sources)
    # the program in its order, and what it reaches in that of the alphabet
    for statement in program.body:
        digest.update(structure(statement).encode())
    for text in sorted(_Reach(program, folder).found):
        digest.update(text.encode())
    return digest.hexdigest()


def structure(node):
    """Return a text of a syntax tree, without docstrings and annotations, that
    is the same in every Python.

    ``ast.dump`` prints empty fields in some versions and not in others; here
    they are left out.
    """
    if isinstance(node, list):
        return "[" + ",".join(structure(item) for item in node) + "]"
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = dict(ast.iter_fields(node))
    if (
        isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and ast.get_docstring(node) is not None
    ):
        fields["body"] = fields["body"][1:]
    given = [
        f"{name}={structure(value)}"
        for name, value in fields.items()
        if value not in (None, [])
        and name not in ("kind", "annotation", "returns")
    ]
    return f"{type(node).__name__}({','.join(given)})"


class _Reach:
    """What a program reaches: ``found`` are the texts of all that counts."""

    def __init__(self, program, folder):
        self.folder, self.files = folder, data_files()
        self.found, self.seen, self.modules = [], set(), {}
        self.waiting: list[tuple[_Module, ast.stmt]] = []
        self._take(program, program.body)
        while self.waiting:
            module, statement = self.waiting.pop()
            for name in names_used(statement):
                self._follow(module, name)

    def _take(self, module, statements):
        """Count statements, and remember to follow their names."""
        for statement in statements:
            if statement in self.seen:
                continue
            self.seen.add(statement)
            self.waiting.append((module, statement))
            if not isinstance(statement, ast.Import | ast.ImportFrom):
                self.found.append(f"{module.name}: {structure(statement)}")
            for file in self.files.keys() & strings_in(statement):
                content = hashlib.sha256(self.files[file].read_bytes())
                self.found.append(f"{file}: {content.hexdigest()}")

    def _follow(self, module, name):
        """Count what a dotted name of a module means."""
        first, *rest = name.split(".")
        self._take(module, module.definitions.get(first, []))
        for target in module.imports.get(first, []):
            self._import(".".join([target, *rest]), target)

    def _import(self, name, target):
        """Count what a dotted name means anywhere, which ``target`` begins."""
        passed, rest = files_of(name, self.folder)
        if not passed:
            self.found.append(f"import {target}")
        for path in passed:
            if path not in self.modules:
                text = path.read_text(encoding="utf-8")
                self.modules[path] = _Module(path, [text])
            self._take(self.modules[path], self.modules[path].effects)
        if passed and not (rest and self.modules[passed[-1]].knows(rest[0])):
            # the module itself is used, as a value
            self._take(self.modules[passed[-1]], self.modules[passed[-1]].body)
        elif passed:
            self._follow(self.modules[passed[-1]], ".".join(rest))


class _Module:
    """The statements of a module, what each name of it means, and which
    statements act when it is imported.
    """

    def __init__(self, path, sources):
        self.path, self.body = path, []
        self.name = "" if path is None else path.stem
        if path is not None and path.is_relative_to(PACKAGE):
            self.name = path.relative_to(PACKAGE).as_posix()
        self.definitions: dict[str, list[ast.stmt]] = {}
        self.imports: dict[str, list[str]] = {}
        self.effects: list[ast.stmt] = []
        for source in sources:
            self.body += [
                statement
                for statement in ast.parse(source).body
                if not is_text(statement)
            ]
        for statement in self.body:
            for name in names_bound(statement):
                self.definitions.setdefault(name, []).append(statement)
            if not isinstance(statement, _DEFINING):
                self.effects.append(statement)
            for name, target in names_imported(statement):
                self.imports.setdefault(name, []).append(target)

    def knows(self, name):
        """Tell whether a name means something here."""
        return name in self.definitions or name in self.imports


_DEFINING = (
    ast.FunctionDef
    | ast.ClassDef
    | ast.Assign
    | ast.AnnAssign
    | ast.Import
    | ast.ImportFrom
)


def data_files():
    """Return the files of the library that are not code, by their names."""
    return {
        path.name: path
        for path in PACKAGE.rglob("*.*")
        if path.suffix not in (".py", ".pyc") and path.is_file()
    }


def files_of(name, folder=None):
    """Return the files that importing a dotted name runs, packages first, and
    the names that are left for the last of them.

    Parameters
    ----------
    name : str
        Of a module of the library or of ``folder``, or of something in it.
    folder : Path, optional

    Returns
    -------
    files : list of Path
        None for modules from elsewhere.
    rest : list of str
    """
    first, *rest = name.split(".")
    if first == "llmbook":
        base, files = PACKAGE, [PACKAGE / "__init__.py"]
    elif folder is not None and (folder / f"{first}.py").is_file():
        return [folder / f"{first}.py"], rest
    else:
        return [], rest
    while rest:
        base = base / rest[0]
        if (base / "__init__.py").is_file():
            files.append(base / "__init__.py")
        elif base.with_suffix(".py").is_file():
            return [*files, base.with_suffix(".py")], rest[1:]
        else:
            break
        rest = rest[1:]
    return [file for file in files if file.is_file()], rest


def names_used(node, hidden=frozenset()):
    """Yield the dotted names that a tree uses, ``a.b.c`` as a whole, but for
    the arguments of its functions.
    """
    if isinstance(node, ast.Name | ast.Attribute):
        name = _dotted(node)
        if name is not None:
            if name.partition(".")[0] not in hidden:
                yield name
            return
    if isinstance(node, ast.FunctionDef | ast.Lambda):
        # its defaults and decorators stand outside
        outside = [node.args, *getattr(node, "decorator_list", [])]
        for child in outside:
            yield from names_used(child, hidden)
        hidden = hidden | {
            argument.arg
            for argument in ast.walk(node.args)
            if isinstance(argument, ast.arg)
        }
        body = node.body if isinstance(node.body, list) else [node.body]
        for child in body:
            yield from names_used(child, hidden)
        return
    for child in ast.iter_child_nodes(node):
        yield from names_used(child, hidden)


def _dotted(node):
    """Return ``a.b.c`` as text, or None for what is not made of names alone."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        value = _dotted(node.value)
        return None if value is None else f"{value}.{node.attr}"
    return None


def is_text(statement):
    """Tell whether a statement is a string alone, which describes."""
    return isinstance(statement, ast.Expr) and isinstance(
        getattr(statement.value, "value", None), str
    )


def strings_in(tree):
    """Return the strings that stand in a tree."""
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def names_bound(statement):
    """Yield the names that a statement of a module gives a meaning to."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        yield statement.name
        return
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def names_imported(statement):
    """Yield each name that a statement imports, at whatever depth, with the
    dotted name that it stands for.
    """
    for node in ast.walk(statement):
        if isinstance(node, ast.Import):
            for alias in node.names:
                name = alias.name
                yield (
                    (alias.asname, name)
                    if alias.asname
                    else (name.partition(".")[0],) * 2
                )
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                yield alias.asname or alias.name, f"{node.module}.{alias.name}"
