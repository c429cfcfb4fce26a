"""The formulas of the last chapter, by other ways."""

import re
from pathlib import Path

import nbformat
import numpy as np
import pytest
from scipy.stats import binomtest

CHAPTER = Path(__file__).parent.parent / "chapters" / "21_outlook.ipynb"


def function_of_chapter(name):
    """Return a function that the chapter defines, from the chapter's own cell."""
    for cell in nbformat.read(CHAPTER, 4).cells:
        found = re.search(
            rf"^def {name}\(.*?(?=^\S|\Z)",
            cell.source,
            re.MULTILINE | re.DOTALL,
        )
        if cell.cell_type == "code" and found:
            scope = {"np": np}
            exec(found.group(), scope)  # the repository's own text
            return scope[name]
    raise AssertionError(f"no cell defines {name}")


@pytest.mark.equation("eq-wilson")
@pytest.mark.parametrize(
    ("right", "n"), [(0, 10), (7, 10), (40, 50), (999, 1000)]
)
def test_the_interval_is_that_of_scipy(right, n):
    low, high = binomtest(right, n).proportion_ci(method="wilson")
    assert np.allclose(
        function_of_chapter("wilson")(right, n), [low, high], atol=1e-4
    )


@pytest.mark.equation("eq-chain")
def test_a_chain_succeeds_as_often_as_simulated():
    p, n = 0.97, 20
    succeeded = (
        (np.random.default_rng(0).random((200_000, n)) < p).all(axis=1).mean()
    )
    assert abs(p**n - succeeded) < 0.005
    assert np.isclose((0.9 ** (1 / n)) ** n, 0.9)
