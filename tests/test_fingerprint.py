"""What a result follows from: the definitions that a program reaches, and nothing else."""

import pytest

from llmbook import fingerprint as fingerprints
from llmbook.fingerprint import files_of, fingerprint

LOWER = '''"""Doc."""

import numpy as np
from scipy.special import expit

RATE = 2


def f(x):
    """Double."""
    return RATE * np.asarray(x)


def other(x):
    return expit(x)


class Base:
    factor = 3


class Child(Base):
    def call(self, rates):
        return self.factor
'''


@pytest.fixture
def library(tmp_path, monkeypatch):
    """A package ``llmbook`` in which one module uses another."""
    package = tmp_path / "package"
    (package / "inner").mkdir(parents=True)
    monkeypatch.setattr(fingerprints, "PACKAGE", package)
    (package / "__init__.py").write_text("")
    (package / "upper.py").write_text(
        "from llmbook import lower\n\ndef g(x):\n    return lower.f(x)\n"
    )
    (package / "lower.py").write_text(LOWER)
    (package / "inner" / "__init__.py").write_text(
        "from llmbook.lower import f as inherited\n"
    )
    return package


def changed(library, program, old, new, file="lower.py"):
    """Tell whether the fingerprint of a program notices a change of a file."""
    path = library / file
    before = fingerprint([program])
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return fingerprint([program]) != before


PROGRAMS = [
    "from llmbook import upper\nupper.g(1)",
    "from llmbook.upper import g\ng(1)",
    "from llmbook.upper import g as h\nh(1)",
    "import llmbook.upper\nllmbook.upper.g(1)",
    "import llmbook.upper as u\nprint(u.g(1))",
    "def late():\n    from llmbook.upper import g\n    return g(1)",
    "from llmbook.inner import inherited\ninherited(1)",
    "from llmbook import lower\ntable = {'lower': lower}",
]


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize(
    ("old", "new"), [("RATE *", "RATE +"), ("RATE = 2", "RATE = 3")]
)
def test_a_change_of_what_is_reached_is_seen(library, program, old, new):
    assert changed(library, program, old, new)


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Double.", "Twice."),
        ("RATE = 2", "# the rate\nRATE = (\n    2\n)"),
        ("def f(x):", "def f(x: float) -> float:"),
        ('"""Doc."""', '"""Of two functions."""'),
    ],
)
def test_what_does_nothing_is_left_out(library, program, old, new):
    assert not changed(library, program, old, new)


@pytest.mark.parametrize("program", PROGRAMS[:-1])
def test_what_is_not_reached_is_left_out(library, program):
    assert not changed(library, program, "return expit(x)", "return 1 - x")


def test_a_module_that_is_handed_on_counts_as_a_whole(library):
    assert changed(library, PROGRAMS[-1], "return expit(x)", "return 1 - x")


def test_a_class_reaches_what_it_inherits_from(library):
    program = "from llmbook.lower import Child\nChild()"
    assert changed(library, program, "factor = 3", "factor = 4")


def test_an_argument_hides_the_name_of_a_module(library):
    program = (
        "from llmbook import lower\n"
        "def f(lower=1):\n    return lower.size\n"
        "g = lambda lower: lower\n"
    )
    assert not changed(library, program, "RATE = 2", "RATE = 3")
    assert changed(
        library,
        "from llmbook import lower\ndef f(lower=lower.f): pass",
        "RATE = 3",
        "RATE = 4",
    )


def test_what_a_module_does_when_it_is_imported_counts(library):
    program = PROGRAMS[0]
    assert changed(
        library, program, "RATE = 2", "RATE = 2\nnp.seterr(all='raise')"
    )
    assert changed(library, program, "all='raise'", "all='ignore'")


def test_another_function_of_the_same_name_from_elsewhere_counts(library):
    program = "from llmbook.lower import other\nother(1)"
    assert changed(
        library, program, "scipy.special import expit", "numpy import expit"
    )


def test_a_file_that_is_named_counts_by_its_bytes(library):
    program = PROGRAMS[0]
    (library / "table.txt").write_text("1")
    (library / "style.css").write_text("1")
    assert changed(library, program, "RATE = 2", "RATE = 2, open('table.txt')")
    assert not changed(library, program, "1", "2", "style.css")
    assert changed(library, program, "1", "2", "table.txt")


def test_the_order_and_the_number_of_a_programs_statements_count():
    assert fingerprint(["x = 1", "x += 1"]) == fingerprint(["x = 1\nx += 1"])
    assert fingerprint(["x = 1\nx += 1"]) != fingerprint(["x += 1\nx = 1"])
    assert fingerprint(["x = 1\nx += 1"]) != fingerprint(
        ["x = 1\nx += 1\nx += 1"]
    )


def test_a_script_beside_it_counts_where_it_is_used(tmp_path):
    (tmp_path / "run.py").write_text("A = 1\nB = 1\n")
    program = ["from run import A\nprint(A)"]
    before = fingerprint(program, tmp_path)
    (tmp_path / "run.py").write_text("A = 1\nB = 2\n")
    assert fingerprint(program, tmp_path) == before
    (tmp_path / "run.py").write_text("A = 2\nB = 2\n")
    assert fingerprint(program, tmp_path) != before


def test_modules_from_elsewhere_have_no_files(library):
    assert files_of("numpy.linalg") == ([], ["linalg"])
    assert files_of("llmbook.inner.inherited.x") == (
        [library / "__init__.py", library / "inner" / "__init__.py"],
        ["inherited", "x"],
    )
