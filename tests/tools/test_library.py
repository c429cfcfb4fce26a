"""The API reference: every public name of the library, with a docstring that says what a reader needs."""

import ast
import importlib
import inspect
import platform
import re
import subprocess
import sys
from pathlib import Path

import pytest
from booksite import library

MODULES = library.modules()
ROOT = Path(__file__).parents[2]
SHAPE = re.compile(r"\((?:\.\.\.|[A-Za-z_]\w*|\d+)(?:, [^()]*|,)?\)")
SOURCE = re.compile(
    r"\b(18|19|20)\d\d\b|specification"
)  # a paper by its year, or a format
RAISED = {"ValueError", "TypeError", "FileNotFoundError"}


def definitions(name):
    """Yield the public functions and classes of a module, and the public methods of its classes."""
    tree = ast.parse(library.file_of(name).read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(
            node, ast.FunctionDef | ast.ClassDef
        ) and not node.name.startswith("_"):
            yield node.name, node
            if isinstance(node, ast.ClassDef):
                for method in node.body:
                    if isinstance(
                        method, ast.FunctionDef
                    ) and not method.name.startswith("_"):
                        method.of_class = ast.get_docstring(node) or ""
                        yield f"{node.name}.{method.name}", method


def undescribed(tree_definitions):
    return [
        name for name, node in tree_definitions if not ast.get_docstring(node)
    ]


def unnamed_errors(tree_definitions):
    """Complain of a function that raises an error of the reader's making and does not say so."""
    complaints = []
    for name, node in tree_definitions:
        if isinstance(node, ast.FunctionDef):
            raised = {
                ast.unparse(inner.exc.func)
                for inner in ast.walk(node)
                if isinstance(inner, ast.Raise)
                and isinstance(inner.exc, ast.Call)
            }
            described = (ast.get_docstring(node) or "") + getattr(
                node, "of_class", ""
            )
            is_told_elsewhere = "raise as :func:" in described
            complaints += [
                f"{name}: {e}"
                for e in raised & RAISED
                if e not in described and not is_told_elsewhere
            ]
    return complaints


def arrays_without_a_shape(tree_definitions):
    """Complain of a docstring that speaks of an array and not of its shape."""
    return [
        name
        for name, node in tree_definitions
        if re.search(
            r"^\w+ : array", ast.get_docstring(node) or "", re.MULTILINE
        )
        and not SHAPE.search(ast.get_docstring(node))
        and "shape" not in ast.get_docstring(node)
    ]


@pytest.mark.parametrize(
    "check", [undescribed, unnamed_errors, arrays_without_a_shape]
)
@pytest.mark.parametrize("name", MODULES)
def test_docstrings_say_what_a_reader_needs(check, name):
    assert check(definitions(name)) == []


@pytest.mark.parametrize("name", MODULES)
def test_a_module_with_formulas_names_its_source(name):
    text = library.file_of(name).read_text(encoding="utf-8")
    assert ".. math::" not in text or SOURCE.search(text)


@pytest.mark.parametrize(
    ("check", "source"),
    [
        (undescribed, "def f(): pass"),
        (undescribed, 'class C:\n    """Doc."""\n    def m(self): pass'),
        (
            unnamed_errors,
            'def f(x):\n    """Doc."""\n    raise ValueError("x")',
        ),
        (
            arrays_without_a_shape,
            'def f(x):\n    """Doc.\n\n    x : array\n        A thing.\n    """',
        ),
    ],
)
def test_each_rule_can_be_broken(check, source, monkeypatch, tmp_path):
    path = tmp_path / "module.py"
    path.write_text(source)
    monkeypatch.setattr(library, "file_of", lambda name: path)
    assert len(check(definitions("any"))) == 1


# Which packages a package may import, by path: a change of floor is a change of this table.
FLOORS = {
    "checks.py": [],
    "claims.py": [],
    "packages.py": [],
    "files.py": [],
    "fingerprint.py": [],
    "recording.py": ["files.py", "fingerprint.py"],
    "mathematics": [],
    "text": ["files.py"],
    "corpora": ["text", "files.py", "packages.py"],
    "measures": ["corpora", "text"],
    "showing": ["packages.py"],
    "models": [
        "measures",
        "corpora",
        "text",
        "mathematics",
        "files.py",
        "packages.py",
    ],
    "feedback": ["models", "measures", "corpora", "text", "mathematics"],
    "reasoning": ["feedback", "models"],
    "agents": ["reasoning", "feedback", "models", "files.py"],
    "classify.py": ["models", "corpora", "text", "files.py"],
    "exercises": [
        "agents",
        "reasoning",
        "feedback",
        "models",
        "measures",
        "corpora",
        "text",
        "mathematics",
    ],
}
WITH_KERAS = {
    "models",
    "feedback",
    "reasoning",
    "agents",
    "exercises",
    "classify.py",
}


def floor_of(module):
    """Return the package of a dotted name of the library, or the file of a module beside them."""
    first = [*module.split("."), ""][1]
    return (
        first if (library.PACKAGE / first).is_dir() and first else f"{first}.py"
    )


def imports(tree):
    """Yield every dotted name that a tree imports, at whatever depth."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "absolute imports alone"
            if node.module == "llmbook":
                yield from (f"llmbook.{alias.name}" for alias in node.names)
            else:
                yield node.module


def complaints(floor, tree):
    """Return what a file of a floor imports against the table."""
    allowed = {floor, "checks.py", *FLOORS[floor]}
    found = set(imports(tree))
    own = {name for name in found if name.split(".")[0] == "llmbook"}
    others = {name.split(".")[0] for name in found - own} - set(
        sys.stdlib_module_names
    )
    upward = {name for name in own if floor_of(name) not in allowed}
    keras = (
        {"keras", "tensorflow"} & others if floor not in WITH_KERAS else set()
    )
    alone = floor in ("mathematics", "checks.py")
    beyond_numpy = others - {"numpy"} if alone else set()
    return sorted(upward | keras | beyond_numpy)


FILES = sorted(library.PACKAGE.rglob("*.py"))


@pytest.mark.parametrize(
    "path", FILES, ids=lambda p: p.relative_to(library.PACKAGE).as_posix()
)
def test_a_module_imports_from_the_floors_below_it(path):
    floor = path.relative_to(library.PACKAGE).parts[0]
    if floor != "__init__.py":
        assert (
            complaints(floor, ast.parse(path.read_text(encoding="utf-8"))) == []
        )


@pytest.mark.parametrize(
    ("floor", "source"),
    [
        ("mathematics", "import keras"),
        ("mathematics", "def f():\n    import scipy"),
        ("mathematics", "from llmbook.text import bpe"),
        ("measures", "from tensorflow import nn"),
        ("corpora", "from llmbook.measures.answers import exact"),
        ("text", "from llmbook import recording"),
        ("models", "from llmbook import feedback"),
    ],
)
def test_the_rule_of_the_floors_can_be_broken(floor, source):
    assert len(complaints(floor, ast.parse(source))) == 1


def test_the_library_is_eight_packages_and_few_modules():
    folders = {
        path.name
        for path in library.PACKAGE.iterdir()
        if (path / "__init__.py").is_file()
    }
    files = {path.name for path in library.PACKAGE.glob("*.py")}
    assert folders | files - {"__init__.py"} == set(FLOORS)
    assert len(files) <= 10


@pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="it is glibc that returns memory"
)
def test_freed_memory_is_kept_for_the_next_step():
    """A page that was returned to the system costs a fault when it is touched again."""
    program = """
import resource
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for module in "sys", "llmbook":
    __import__(module)
    text = b"x" * 2**26
    del text
    before = faults()
    for _ in range(10):
        text = b"x" * 2**26
        del text
    print(faults() - before)
"""
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True
    )
    without, with_llmbook = map(int, run.stdout.split())
    assert with_llmbook < without / 10


def test_every_module_is_in_one_table_of_the_reference():
    pages = "\n".join(
        path.read_text(encoding="utf-8")
        for path in (ROOT / "appendix").glob("api*.md")
    )
    filled = library.MARKER.sub(lambda asked: library.overview(asked[1]), pages)
    listed = re.findall(r"<api/([\w/]+)>", filled)
    names = [f"llmbook.{name.replace('/', '.')}" for name in listed]
    assert sorted(names) == sorted(MODULES)
    assert "llmbook.mathematics.attention" in MODULES
    assert "llmbook.exercises" in MODULES
    assert "llmbook.exercises.chapter_02" not in MODULES


def test_imports_of_a_program_are_found_whatever_their_form():
    program = """
import llmbook.text.bpe as bpe
from llmbook.mathematics import attention
from llmbook.mathematics.losses import cross_entropy
from llmbook import nothing
"""
    assert library.imported(program) == {
        "llmbook.text.bpe",
        "llmbook.mathematics.attention",
        "llmbook.mathematics.losses",
    }


def test_a_module_names_the_chapters_that_import_it():
    users = library.users(ROOT / "chapters")
    assert "02_attention" in users["llmbook.mathematics.attention"]
    assert users["llmbook.checks"] == []
    page = library.page("llmbook.text.bpe", ["01_concepts", "06_gpt"])
    assert "{doc}`/chapters/01_concepts`, {doc}`/chapters/06_gpt`" in page
    assert "No chapter" in library.page("llmbook.checks", [])


def test_pages_of_modules_that_have_gone_go_too(tmp_path, monkeypatch):
    app = type("App", (), {"srcdir": tmp_path})
    name = "llmbook.text.bpe"
    monkeypatch.setattr(library, "users", lambda folder: {name: []})
    old = tmp_path / library.PAGES / "old.md"
    old.parent.mkdir(parents=True)
    old.touch()
    library.write_pages(app, None)
    page = tmp_path / library.PAGES / "text" / "bpe.md"
    assert name in page.read_text(encoding="utf-8")
    assert not old.exists()
    before = page.stat().st_mtime_ns
    library.write_pages(app, None)
    assert page.stat().st_mtime_ns == before


def test_every_public_name_is_on_the_built_pages():
    site = ROOT / "_build" / "html" / "appendix"
    if not (site / "api_models.html").is_file():
        pytest.fail(
            "there is no built reference: run `make book`", pytrace=False
        )
    text = "".join(
        path.read_text(encoding="utf-8")
        for path in (site / "api").rglob("*.html")
    )
    assert "http://llmbook" not in text  # a module's name is no address
    anchors = set(re.findall(r'id="(llmbook[\w.]+)"', text))
    names = {
        f"{module}.{name}"
        for module in MODULES
        for name in library.public_names(library.file_of(module))
    }
    assert names - anchors == set()


@pytest.mark.parametrize(
    "name",
    [
        "llmbook.mathematics.attention",
        "llmbook.mathematics.losses",
        "llmbook.showing.viewer",
    ],
)
def test_reading_the_source_finds_what_importing_finds(name):
    module = importlib.import_module(name)
    public = {
        key
        for key, value in vars(module).items()
        if not key.startswith("_")
        and (
            inspect.isfunction(inspect.unwrap(value)) or inspect.isclass(value)
        )
        and getattr(value, "__module__", "") == name
    }
    assert set(library.public_names(library.file_of(name))) == public


def test_the_first_line_of_a_module_holds_no_role():
    assert library.first_line("llmbook.models.gpt").startswith(
        "A GPT: the decoder built from `llmbook.models.layers`"
    )
