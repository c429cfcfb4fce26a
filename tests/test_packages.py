from pathlib import Path

import pytest

from llmbook.corpora import books, reviews
from llmbook.models import smollm
from llmbook.packages import packaged_file
from llmbook.showing import plotting

PINNED = (Path(__file__).parents[1] / "requirements-data.txt").read_text(
    encoding="utf-8"
)


@pytest.mark.parametrize(
    "requirement",
    [
        books.SANGUO_PACKAGE,
        books.BIBLE_PACKAGE,
        reviews.REVIEWS_PACKAGE,
        plotting.FONT_PACKAGE,
        smollm.PACKAGE,
    ],
)
def test_the_library_and_the_requirements_name_one_version(requirement):
    assert requirement in PINNED.split()


def test_a_file_is_found_by_the_name_of_the_distribution():
    path = packaged_file(plotting.FONT_PACKAGE, "NotoSansSC-Regular.otf")
    assert path.read_bytes()[:4] == b"OTTO"


def test_a_package_that_is_not_there_is_named():
    with pytest.raises(
        FileNotFoundError,
        match=r"no-such-data.*a\.txt.*make book.*no-such-data==1",
    ):
        packaged_file("no-such-data==1", "folder/a.txt")
