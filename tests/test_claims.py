"""Claims are errors where the book is made, and sentences where a reader plays."""

import pytest
from IPython.core.interactiveshell import InteractiveShell

from llmbook import claims

CELL = """
seen = []
for x in 1, 2:
    assert x == 1
    seen.append(x)
assert [].index(3)
"""


@pytest.fixture
def shell(monkeypatch):
    """A shell of its own, into which the claims are loaded as a notebook does."""

    def loaded(strict):
        if strict:
            monkeypatch.setenv(claims.STRICT, "strict")
        else:
            monkeypatch.delenv(claims.STRICT, raising=False)
        shell = InteractiveShell()
        shell.run_line_magic("load_ext", "llmbook.claims")
        return shell

    return loaded


def test_a_failing_claim_is_told_and_the_cell_runs_on(shell, capsys):
    reader = shell(strict=False)
    assert reader.run_cell(CELL).success
    assert reader.user_ns["seen"] == [1, 2]
    told = capsys.readouterr().out.splitlines()
    assert told == [
        "After your change this no longer holds: x == 1",
        "After your change this no longer holds: [].index(3)",
    ]


def test_other_errors_stop_a_reader_as_ever(shell, capsys):
    assert not shell(strict=False).run_cell("assert True\n1 / 0").success


def test_a_failing_claim_is_an_error_where_the_book_is_made(shell, capsys):
    maker = shell(strict=True)
    result = maker.run_cell(CELL)
    assert isinstance(result.error_in_exec, AssertionError)
    assert maker.user_ns["seen"] == [1]


def test_claims_that_hold_say_nothing(shell, capsys):
    assert shell(strict=False).run_cell("x = 3\nassert x == 3").success
    assert capsys.readouterr().out == ""
