"""Every tokenizer of the library is saved and read again, in a process that has imported nothing else."""

import importlib
import json
import pickle
import subprocess
import sys

import numpy as np
import pytest
from booksite import library

from llmbook.corpora.roles.grammar import Example
from llmbook.measures.ranking import TermTokenizer
from llmbook.models.tagging import TaggingTokenizer
from llmbook.text.bpe import BPETokenizer
from llmbook.text.english import WordViewTokenizer
from llmbook.text.tokenizers import (
    PAD,
    UNKNOWN,
    CharTokenizer,
    NgramTokenizer,
    Tokenizer,
    WordTokenizer,
)

TEXTS = ["这家酒店很好 hardly boring", "酒店很差,不好 never boring café 👍"]
TAGGED = [Example(("Tom", "reads", "."), 1, ()), Example(("He", "ran"), 1, ())]
FITTED = {
    CharTokenizer: lambda: CharTokenizer.fit(TEXTS),
    WordTokenizer: lambda: WordTokenizer.fit(TEXTS, stop_words=["很"]),
    NgramTokenizer: lambda: NgramTokenizer.fit(TEXTS),
    BPETokenizer: lambda: BPETokenizer.fit(TEXTS, num_merges=9),
    WordViewTokenizer: lambda: WordViewTokenizer.fit(
        TEXTS, lexicon={"boring": -1.5}, stem=3
    ),
    TermTokenizer: lambda: TermTokenizer.fit(TEXTS),
    TaggingTokenizer: lambda: TaggingTokenizer.fit(TAGGED),
}
READ = """
import json, sys
import numpy as np
from llmbook.text.tokenizers import Tokenizer
before = set(sys.modules)
tokenizer = Tokenizer.load(sys.argv[1])
assert "keras" not in before
found = []
for text in json.loads(sys.argv[2]):
    if not isinstance(text, str):
        from llmbook.corpora.roles.grammar import Example
        text = Example(*text)
    found.append(np.asarray(tokenizer.encode(text)).tolist())
print(json.dumps([type(tokenizer).__name__, tokenizer.state(), found]))
"""
every = pytest.mark.parametrize("kind", FITTED, ids=lambda k: k.__name__)


def texts_of(kind):
    return TAGGED if kind is TaggingTokenizer else [*TEXTS, "", "嗯 zzz <pad>"]


def test_the_table_has_every_tokenizer_of_the_library():
    for name in library.modules():
        importlib.import_module(name)

    def below(kind):
        return {kind}.union(*(below(each) for each in kind.__subclasses__()))

    own = {k for k in below(Tokenizer) if k.__module__.startswith("llmbook.")}
    assert own - {Tokenizer} == set(FITTED)


@every
def test_it_is_read_in_a_fresh_process(kind, tmp_path):
    tokenizer, path = FITTED[kind](), tmp_path / "tokenizer.json"
    tokenizer.save(path)
    run = subprocess.run(
        [sys.executable, "-c", READ, path, json.dumps(texts_of(kind))],
        capture_output=True,
        text=True,
        check=True,
    )
    name, state, encoded = json.loads(run.stdout)
    assert name == kind.__name__
    assert state == tokenizer.state()
    assert encoded == [
        np.asarray(tokenizer.encode(text)).tolist() for text in texts_of(kind)
    ]


@every
def test_it_can_be_sent_to_another_process(kind):
    tokenizer = FITTED[kind]()
    tokenizer.encode(texts_of(kind)[0])  # whatever it remembers is sent too
    again = pickle.loads(pickle.dumps(tokenizer))
    assert type(again) is kind
    assert again.state() == tokenizer.state()
    assert np.array_equal(
        again.encode(texts_of(kind)[0]), tokenizer.encode(texts_of(kind)[0])
    )


class Split(Tokenizer):
    """A reader's own."""

    def tokenize(self, text):
        return text.split()


def test_one_of_the_readers_own_is_known_once_it_is_defined(tmp_path):
    path = tmp_path / "split.json"
    Split.fit(["the <unk> said", "<pad> the"]).save(path)
    again = Tokenizer.load(path)
    assert type(again) is Split
    assert again.tokens == [PAD, UNKNOWN, "the", "said"]
    run = subprocess.run(
        [sys.executable, "-c", READ, path, "[]"], capture_output=True, text=True
    )
    assert "import the module that defines it first" in run.stderr


def test_two_classes_of_one_name_are_two_kinds(tmp_path):
    mine = type("CharTokenizer", (Split,), {"__module__": "mine"})
    theirs = CharTokenizer.fit(["ab"])
    theirs.save(tmp_path / "theirs.json")
    mine([PAD, UNKNOWN, "ab"]).save(tmp_path / "mine.json")
    assert type(Tokenizer.load(tmp_path / "theirs.json")) is CharTokenizer
    assert type(Tokenizer.load(tmp_path / "mine.json")) is mine


@pytest.mark.parametrize(
    "kind",
    [
        "os.path",
        "llmbook.text.tokenizers.Nothing",
        "llmbook.nowhere.Nothing",
        "llmbook..x",
        "llmbook.text.tokenizers.Vocabulary",
        "CharTokenizer",
        "",
        3,
        None,
    ],
)
def test_what_is_no_tokenizer_is_refused_by_its_name(kind):
    state = {"kind": kind, "tokens": [PAD, UNKNOWN], "options": {}}
    with pytest.raises(ValueError, match="state must describe a tokenizer"):
        Tokenizer.from_state(state)


@pytest.mark.parametrize(
    "change",
    [
        {"tokens": None},
        {"tokens": ["a"]},
        {"tokens": [PAD, UNKNOWN, 3]},
        {"tokens": [PAD, UNKNOWN, "a", "a"]},
        {"options": {"merges": [["a"]]}},
        {"options": {"merges": 3}},
        {"options": {"lexicon": {}}},
        {"options": None},
    ],
)
def test_a_damaged_state_is_refused(change):
    state = BPETokenizer.fit(["abab"], num_merges=1).state() | change
    with pytest.raises(ValueError, match="state must describe a tokenizer"):
        Tokenizer.from_state(state)


def test_what_cannot_be_written_leaves_what_was_there(tmp_path):
    path = tmp_path / "tokenizer.json"
    CharTokenizer.fit(["abc"]).save(path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r"tokens must be text.*'\\ud83d'"):
        CharTokenizer.fit(["half an emoji \ud83d"]).save(path)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["tokenizer.json"]
