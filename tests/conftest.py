"""What several test modules share."""

import pytest
from browser import MISSING, find_browser, open_browser


@pytest.fixture(scope="module")
def browser():
    """The machine's Chromium; without one, the tests that need it say so and the rest goes on."""
    if find_browser() is None:
        pytest.skip(MISSING)
    with open_browser() as opened:
        yield opened
