"""What several test modules share."""

import pytest
from browser import MISSING, find_browser, open_browser


@pytest.fixture(scope="module")
def needs_browser():
    """Without a Chromium on the machine, the tests that need it say so and the rest goes on."""
    if find_browser() is None:
        pytest.skip(MISSING)


@pytest.fixture(scope="module")
def browser(needs_browser):
    """The machine's Chromium."""
    with open_browser() as opened:
        yield opened
