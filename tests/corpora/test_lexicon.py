"""The lexicon beside the package that carries it."""

import pytest

from llmbook.corpora.lexicon import load_lexicon


def test_the_packaged_lexicon_is_the_one_that_vader_uses():
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    assert load_lexicon() == SentimentIntensityAnalyzer().lexicon


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "at least one word"),
        (b"good\t1.9\nbad\n", "line 2: must hold a word, a tab and a number"),
        (b"good\tvery\t1\n", "line 1: must hold"),
        (b"good\t1\n\t2\n", "line 2: must hold"),
        (b"caf\xe9\t1\n", "UTF-8"),
    ],
)
def test_a_broken_lexicon_is_refused(tmp_path, content, message):
    path = tmp_path / "lexicon.txt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        load_lexicon(path)


def test_a_missing_lexicon_is_refused(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        load_lexicon(tmp_path / "nowhere.txt")
    monkeypatch.setattr("llmbook.packages.find_spec", lambda _: None)
    with pytest.raises(FileNotFoundError, match="vaderSentiment"):
        load_lexicon()
