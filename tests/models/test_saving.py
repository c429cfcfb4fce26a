"""Whatever is saved comes back in a process that has imported nothing: the same class, the same outputs."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_models import small_gpt, some_ids

from llmbook.models import gpt, lora, saving, training
from llmbook.models.classifier import AttentionClassifier, Classifier
from llmbook.models.reader import SpanReader
from llmbook.models.retrieval import DualEncoder
from llmbook.models.sentiment import RawValueClassifier
from llmbook.models.seq2seq import (
    EncoderDecoder,
    PointerGenerator,
    Seq2SeqConfig,
)
from llmbook.models.tagging import TaggingModel
from llmbook.models.window import WindowModel
from llmbook.text.bpe import BPETokenizer
from llmbook.text.english import WordViewTokenizer
from llmbook.text.tokenizers import (
    CharTokenizer,
    NgramTokenizer,
    WordTokenizer,
)

few = settings(max_examples=25, deadline=None)
NARROW = {"d_model": 8, "num_heads": 2}
TEXTS = ["a good film, 很好!", "not good", "bad <unk> 差"]
PAIR = (some_ids(2, 4, 9), some_ids(2, 3, 9, seed=1))


def adapted(**options):
    """A GPT whose adapters change what it says."""
    model = small_gpt(**options)
    lora.add_adapters(model, rank=2, alpha=3, targets=lora.QUERY_AND_VALUE)
    for adapter in lora.adapters(model).values():
        adapter.up.assign(np.ones(adapter.up.shape))
    return model


def merged():
    model = adapted()
    lora.merge(model)
    return model


# Of each model: how it is made, and what it reads.
MODELS = {
    "gpt": (small_gpt, (some_ids(),)),
    "gpt_of_other_parts": (
        lambda: small_gpt(norm="rms", mlp="swiglu", num_kv_heads=1),
        (some_ids(),),
    ),
    "gpt_with_adapters": (adapted, (some_ids(),)),
    "gpt_merged": (merged, (some_ids(),)),
    "encoder_decoder": (
        lambda: EncoderDecoder(Seq2SeqConfig(9, 9, 8, 2, 2, dropout=0.0)),
        PAIR,
    ),
    "pointer_generator": (
        lambda: PointerGenerator(
            Seq2SeqConfig(9, 9, 8, 2, 2, shared=True, extra=2)
        ),
        PAIR,
    ),
    "tagging_model": (
        lambda: TaggingModel(9, 4, num_blocks=1, **NARROW),
        (np.stack([some_ids(2, 5, 9)] * 6, axis=-1),),
    ),
    "span_reader": (
        lambda: SpanReader(9, positions="learned", length=9, **NARROW),
        (np.stack([some_ids(2, 5, 9)] * 4, axis=-1), np.array([1, 2])),
    ),
    "dual_encoder": (lambda: DualEncoder(9, **NARROW), (some_ids(2, 5, 9),)),
    "window_model": (
        lambda: WindowModel(9, 2, 4, 6, averages=(3,)),
        (some_ids(2, 7, 9),),
    ),
    "classifier_model": (
        lambda: RawValueClassifier(9, length=6, **NARROW),
        (some_ids(2, 5, 9),),
    ),
}
# Of each classifier: its model, and its tokenizer.
CLASSIFIERS = {
    "characters": (AttentionClassifier, CharTokenizer.fit(TEXTS)),
    "words": (AttentionClassifier, WordTokenizer.fit(TEXTS, stop_words=["a"])),
    "n-grams": (AttentionClassifier, NgramTokenizer.fit(TEXTS)),
    "pairs": (AttentionClassifier, BPETokenizer.fit(TEXTS, num_merges=3)),
    "views": (
        RawValueClassifier,
        WordViewTokenizer.fit(TEXTS, lexicon={"good": 2.0}, stem=3),
    ),
}
LOADER = """
import json, sys
from pathlib import Path
import keras, numpy as np
from llmbook.models import saving

def note(name, kind, outputs):
    np.savez(folder / f"{name}.npz", *outputs)
    print(json.dumps([name, kind.__name__]))

folder, seen = Path(sys.argv[1]), set(sys.modules)
for name, module in json.loads(sys.argv[2]).items():
    assert module in seen or module not in sys.modules, module
    with np.load(folder / f"{name}.inputs.npz") as inputs:
        model = saving.load(folder / f"{name}.keras")
        outputs = keras.tree.flatten(model(*inputs.values()))
    note(name, type(model), outputs)
    seen.add(module)

from llmbook.models.classifier import Classifier
assert "llmbook.text.english" not in sys.modules
assert "llmbook.text.bpe" not in sys.modules
for name in json.loads(sys.argv[3]):
    again = Classifier.load(folder / name)
    note(name, type(again.model), [again.predict_proba(sys.argv[4:])])
"""


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """Save every model, load it in another process; return by name its class there, what it said here and what there."""
    folder, here = tmp_path_factory.mktemp("saved"), {}
    modules = {}
    for name, (make, inputs) in MODELS.items():
        keras.utils.set_random_seed(0)
        model = make()
        here[name] = type(model), keras.tree.flatten(model(*inputs))
        modules[name] = type(model).__module__
        np.savez(folder / f"{name}.inputs.npz", *inputs)
        saving.save(model, folder / f"{name}.keras")
    for name, (kind, tokenizer) in CLASSIFIERS.items():
        model = kind(len(tokenizer), length=20, **NARROW)
        classifier = Classifier(model, tokenizer, temperature=1.5)
        classifier.save(folder / name)
        here[name] = kind, [classifier.predict_proba(TEXTS)]
    arguments = [json.dumps(modules), json.dumps(list(CLASSIFIERS)), *TEXTS]
    # the classifiers' own module is the one that loads them
    ran = subprocess.run(
        [sys.executable, "-c", LOADER, folder, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    there = dict(map(json.loads, ran.stdout.splitlines()))
    return {name: (folder, there[name], *here[name]) for name in here}


@pytest.mark.parametrize("name", [*MODELS, *CLASSIFIERS])
def test_a_fresh_process_has_the_same_class_and_the_same_outputs(
    elsewhere, name
):
    folder, kind_there, kind, outputs = elsewhere[name]
    assert kind_there == kind.__name__
    with np.load(folder / f"{name}.npz") as stored:
        found = list(stored.values())
    assert len(found) == len(outputs)
    for one, other in zip(found, outputs, strict=True):
        assert np.ptp(one) > 0
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_adapters_come_back_as_what_is_trained_alone(tmp_path):
    model = adapted()
    gpt.save(model, tmp_path / "adapted.keras")
    again = gpt.load(tmp_path / "adapted.keras")
    assert lora.count_parameters(again) == lora.count_parameters(model)
    assert lora.sizes(again) == lora.sizes(model)
    lora.merge(again)
    np.testing.assert_allclose(again(some_ids()), model(some_ids()), rtol=1e-4)


# --- What is not saved ----------------------------------------------------------------------------


class Unregistered(keras.Model):
    def call(self, x):
        return x


@keras.saving.register_keras_serializable("tests")
class Forgetful(keras.Model):
    """Does not say how it was made."""

    def __init__(self, width):
        super().__init__()
        self.dense = keras.layers.Dense(width)
        self.dense.build((None, 2))
        self.built = True

    def call(self, x):
        return self.dense(x)


@keras.saving.register_keras_serializable("tests")
class Shifting(keras.Model):
    """Comes back with other weights."""

    def __init__(self, shift=0.0, **kwargs):
        super().__init__(**kwargs)
        self.w = self.add_weight((2,), "zeros")
        self.w.assign([shift, shift])
        self.built = True

    def call(self, x):
        return x + self.w

    def load_own_variables(self, store):
        pass


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (Unregistered, "a Unregistered cannot: its class must be registered"),
        (lambda: Forgetful(3), "a Forgetful cannot: "),
        (lambda: Shifting(1.0), "a Shifting cannot: it comes back as another"),
    ],
)
def test_what_could_not_be_loaded_is_not_saved(tmp_path, make, message):
    path = tmp_path / "model.keras"
    path.write_bytes(b"what was there")
    model = make()
    with pytest.raises(ValueError, match=message):
        saving.save(model, path)
    assert path.read_bytes() == b"what was there"
    assert [each.name for each in tmp_path.iterdir()] == ["model.keras"]


def test_a_classifier_of_an_unknown_class_is_not_saved(tmp_path):
    class Mine(AttentionClassifier):
        """Defined here, and known to nobody."""

    tokenizer = CharTokenizer.fit(TEXTS)
    classifier = Classifier(Mine(len(tokenizer), **NARROW), tokenizer)
    with pytest.raises(ValueError, match="a Mine cannot: its class must be"):
        classifier.save(tmp_path / "mine")
    assert not (tmp_path / "mine").exists()


def test_a_class_that_is_not_defined_here_is_named(tmp_path):
    small_classifier().save(tmp_path)
    path = tmp_path / "classifier.json"
    about = json.loads(path.read_text(encoding="utf-8"))
    for changes, message in [
        ({"class": "mine>Mine", "module": "mine"}, "'mine>Mine' must be def"),
        ({"module": "llmbook.models.mine"}, "no module 'llmbook.models.mine'"),
        ({"class": "llmbook>RMSNorm"}, "'llmbook>RMSNorm' must be defined"),
    ]:
        path.write_text(json.dumps(about | changes), encoding="utf-8")
        with pytest.raises(ValueError, match=message):
            Classifier.load(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((None, "m.keras"), TypeError, "model must be of the class Model"),
        ((small_gpt, None), TypeError, "path must be a path, got None"),
        ((small_gpt, "m.zip"), ValueError, r"path must end in \.keras"),
    ],
)
def test_bad_requests_are_named(arguments, error, message):
    model, path = arguments
    with pytest.raises(error, match=message):
        saving.save(model and model(), path)


# --- What was there stays -------------------------------------------------------------------------


def small_classifier():
    keras.utils.set_random_seed(0)
    tokenizer = CharTokenizer.fit(TEXTS)
    return Classifier(
        AttentionClassifier(len(tokenizer), length=9, **NARROW), tokenizer
    )


SAVES = {
    "a model": (small_gpt, lambda model, path: saving.save(model, path)),
    "adapters": (adapted, lora.save),
    "a classifier": (
        small_classifier,
        lambda classifier, path: classifier.save(path.parent),
    ),
}


@pytest.mark.parametrize("what", SAVES)
def test_a_disk_that_fails_in_the_middle_leaves_what_was_there(
    tmp_path, monkeypatch, what
):
    make, save = SAVES[what]
    saved = make()
    save(saved, tmp_path / "saved.keras")
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    assert before

    def fail(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr("llmbook.files.os.replace", fail)
    with pytest.raises(OSError, match="no space left"):
        save(saved, tmp_path / "saved.keras")
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


# --- Damage ---------------------------------------------------------------------------------------


def checkpoint(path):
    batch = training.windows(np.arange(99) % 9 + 2, 8, 4)
    return training.train(
        small_gpt(num_layers=1),
        gpt.next_token_loss,
        batch,
        2,
        checkpoint=path,
        jit_compile=False,
    )


# Of each file: how it is written, and how it is read again.
FILES = {
    "adapters": (
        lambda path: lora.save(adapted(), path),
        lambda path: lora.load(small_gpt(), path),
    ),
    "checkpoint": (checkpoint, checkpoint),
    "model.keras": (lambda path: gpt.save(small_gpt(), path), gpt.load),
    "model.weights.h5": (
        lambda path: small_classifier().save(path.parent),
        lambda path: Classifier.load(path.parent),
    ),
    "classifier.json": (
        lambda path: small_classifier().save(path.parent),
        lambda path: Classifier.load(path.parent),
    ),
}
DAMAGE = {
    "empty": lambda data: b"",
    "cut short": lambda data: data[: len(data) // 2],
    "without its end": lambda data: data[:-3],
    "text": lambda data: b"hello",
    "zeros": lambda data: bytes(len(data)),
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Return the bytes of each file, and the folder that it stands in."""
    found = {}
    for name, (write, _) in FILES.items():
        folder = tmp_path_factory.mktemp("whole")
        write(folder / name)
        found[name] = folder, (folder / name).read_bytes()
    return found


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_is_named(whole, name, damage):
    folder, data = whole[name]
    (folder / name).write_bytes(DAMAGE[damage](data))
    read = FILES[name][1]
    argument = name if name == "checkpoint" else "(path|folder)"
    with pytest.raises(ValueError, match=f"{argument} must hold") as raised:
        read(folder / name)
    assert str(folder) in str(raised.value)
    (folder / name).write_bytes(data)


@pytest.mark.parametrize("name", ["adapters", "checkpoint"])
def test_another_file_of_numpys_is_named(whole, name):
    folder, data = whole[name]
    argument = name if name == "checkpoint" else "path"
    np.save(folder / "single.npy", np.ones(3))
    np.savez(folder / "others.npz", losses=np.ones(2), scale=np.ones(2))
    for other in ("single.npy", "others.npz"):
        (folder / name).write_bytes((folder / other).read_bytes())
        with pytest.raises(ValueError, match=f"{argument} must hold"):
            FILES[name][1](folder / name)
    (folder / name).write_bytes(data)


@few
@given(st.data())
def test_no_byte_of_adapters_changes_without_a_word(whole, data):
    folder, before = whole["adapters"]
    place = data.draw(st.integers(0, len(before) - 1))
    value = data.draw(st.integers(0, 255))
    (folder / "adapters").write_bytes(
        before[:place] + bytes([value]) + before[place + 1 :]
    )
    model = small_gpt()
    try:
        lora.load(model, folder / "adapters")
    except ValueError:
        assert not lora.adapters(model)
    else:
        expected = adapted()(some_ids())
        np.testing.assert_allclose(model(some_ids()), expected, rtol=1e-4)


def test_no_byte_of_weights_changes_without_a_word(whole):
    folder, before = whole["model.weights.h5"]
    for place in range(0, len(before), len(before) // 5):
        changed = bytes([before[place] ^ 1])
        (folder / "model.weights.h5").write_bytes(
            before[:place] + changed + before[place + 1 :]
        )
        with pytest.raises(ValueError, match=r"is not what classifier\.json"):
            Classifier.load(folder)
    (folder / "model.weights.h5").write_bytes(before)


def test_a_file_that_is_missing_is_named(tmp_path):
    for load in (saving.load, gpt.load, Classifier.load):
        with pytest.raises(FileNotFoundError, match=r"nowhere"):
            load(tmp_path / "nowhere")
        with pytest.raises(TypeError, match="must be a"):
            load(None)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        lora.load(small_gpt(), tmp_path / "nowhere")
    saving.save(WindowModel(9, 2, 4, 6), tmp_path / "window.keras")
    with pytest.raises(ValueError, match=r"must hold a GPT, .* a WindowModel"):
        gpt.load(tmp_path / "window.keras")
