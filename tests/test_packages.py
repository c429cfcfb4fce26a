import hashlib
import re
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from llmbook import packages
from llmbook.corpora import books, lexicon, reviews
from llmbook.models import smollm
from llmbook.packages import DIGESTS, packaged_file
from llmbook.showing import plotting

ROOT = Path(__file__).parents[1]
FILES = [
    (requirement, inside)
    for requirement, files in DIGESTS.items()
    for inside in files
]


def pins(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    return set(re.findall(r"^[\w.-]+==[\w.]+", text, re.MULTILINE))


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A package, installed in a folder of its own, that carries one file."""
    folder = tmp_path / "some_data"
    folder.mkdir()
    spec = ModuleSpec("some_data", None, is_package=True)
    spec.submodule_search_locations = [str(folder)]
    monkeypatch.setattr(packages, "find_spec", {"some_data": spec}.get)
    path = folder / "a.txt"
    path.write_bytes(b"as the book had it")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    monkeypatch.setitem(DIGESTS, "some-data==1", {"a.txt": digest})
    return path


def test_every_data_package_has_its_files_in_the_table_and_no_other_has():
    others = set(DIGESTS) - pins("requirements-data.txt")
    assert pins("requirements-data.txt") <= set(DIGESTS)
    assert {name.lower() for name in others} <= pins("requirements.txt")


@pytest.mark.parametrize(("requirement", "inside"), FILES)
def test_a_packaged_file_is_the_one_that_the_book_was_made_with(
    requirement, inside
):
    data = packaged_file(requirement, inside).read_bytes()
    assert hashlib.sha256(data).hexdigest() == DIGESTS[requirement][inside]


@pytest.mark.parametrize(
    ("load", "requirement"),
    [
        (books.load_sanguo, books.SANGUO_PACKAGE),
        (reviews.packaged_rows, reviews.REVIEWS_PACKAGE),
        (lexicon.load_lexicon, lexicon.LEXICON_PACKAGE),
        (smollm.packaged_file, smollm.PACKAGE),
    ],
)
def test_a_loader_refuses_another_file_than_that_of_the_table(
    load, requirement, monkeypatch
):
    other = dict.fromkeys(DIGESTS[requirement], "0" * 64)
    monkeypatch.setitem(DIGESTS, requirement, other)
    with pytest.raises(ValueError, match=f"SHA-256 {'0' * 64}, got one with"):
        load()


def test_a_changed_file_is_named_with_both_digests(installed):
    expected = DIGESTS["some-data==1"]["a.txt"]
    installed.write_bytes(b"as the book had it ")
    found = hashlib.sha256(installed.read_bytes()).hexdigest()
    with pytest.raises(ValueError) as raised:
        packaged_file("some-data==1", "a.txt")
    for part in (str(installed), expected, found, "some-data==1"):
        assert part in str(raised.value)


def test_a_file_is_read_for_its_digest_once_in_a_process(
    installed, monkeypatch
):
    assert packaged_file("some-data==1", "a.txt") == installed

    def read_again(*_):
        raise AssertionError

    monkeypatch.setattr(packages.hashlib, "file_digest", read_again)
    assert packaged_file("some-data==1", "a.txt") == installed


def test_a_file_is_found_by_the_name_of_the_distribution():
    path = packaged_file(plotting.FONT_PACKAGE, "NotoSansSC-Regular.otf")
    assert path.read_bytes()[:4] == b"OTTO"


def test_a_package_that_is_not_there_is_named():
    with pytest.raises(
        FileNotFoundError,
        match=r"no-such-data.*a\.txt.*make book.*no-such-data==1",
    ):
        packaged_file("no-such-data==1", "folder/a.txt")


def test_a_file_that_the_package_lacks_is_named(installed):
    with pytest.raises(FileNotFoundError, match=r"some-data.*b\.txt"):
        packaged_file("some-data==1", "folder/b.txt")
