"""Train the classifier of chapter 5 on a table of your own, and label another
table with it.

.. code-block:: sh

    python -m llmbook.classify train reviews.csv model/
    python -m llmbook.classify label model/ others.csv labelled.csv

Tables are ``.csv`` or ``.tsv`` files in UTF-8 whose first row names the
columns; a label may be any word. Nothing that exists is overwritten without
``--replace``. Bad input ends with one line that says what is wrong, and with
the status 2.
"""

import argparse
import csv
import json
import math
import os
import sys
import textwrap
from collections import Counter
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from llmbook import checks
from llmbook.corpora.files import delimiter_of, header, table
from llmbook.corpora.reviews import Reviews, clean, is_worded, split
from llmbook.files import existing, read_json, whole
from llmbook.text.tokenizers import NgramTokenizer

LABELS = "labels.json"
LONGEST = 100_000  # characters of a text
BATCH_SIZE = 32
ADDED = ["predicted", "probability"]


def main(arguments=None):
    """Run one of the two commands; return the status of the process.

    Parameters
    ----------
    arguments : list of str, optional
        Those of the process, without one.
    """
    options = _parser().parse_args(arguments)
    try:
        options.command(options)
    except OSError as error:
        named = error.filename and error.strerror
        return _failed(
            f"{error.filename}: {error.strerror}" if named else error
        )
    except (TypeError, ValueError) as error:
        return _failed(error)
    return 0


def _failed(why):
    """Say in one line what is wrong."""
    print("llmbook.classify: error:", *str(why).split(), file=sys.stderr)
    return 2


def _parser():
    """Return the parser of both commands."""
    parser = argparse.ArgumentParser(
        prog="llmbook.classify",
        description=(__doc__ or "").partition("\n\n")[0],
    )
    commands = parser.add_subparsers(required=True, metavar="train | label")
    train = commands.add_parser("train", help="train on a table, save a model")
    train.set_defaults(command=_train)
    train.add_argument("table", help="a .csv or .tsv of texts and labels")
    train.add_argument("folder", help="where the model is saved")
    train.add_argument("--text", default="text", help="the column of texts")
    train.add_argument("--label", default="label", help="that of the labels")
    train.add_argument(
        "--held-out",
        type=float,
        default=0.2,
        help="the share of texts that are not trained on, half of them to"
        " choose the epoch and half as the test (default: 0.2)",
    )
    train.add_argument("--epochs", type=int, help="how often to read the texts")
    train.add_argument("--seed", type=int, default=0)
    label = commands.add_parser("label", help="label a table by a saved model")
    label.set_defaults(command=_label)
    label.add_argument("folder", help="where the model was saved")
    label.add_argument("table", help="a .csv or .tsv of texts")
    label.add_argument("output", help="the .csv that is written")
    label.add_argument("--text", help="the column, if it has another name")
    for command in (train, label):
        command.add_argument(
            "--replace", action="store_true", help="overwrite what exists"
        )
    return parser


def _train(options):
    """Train on a table, compare with a linear model, and save."""
    if options.epochs is not None:
        checks.count("epochs", options.epochs)
    _free(options.folder, options.replace)
    if Path(options.folder).is_file():
        raise ValueError(f"folder must not be a file, got {options.folder}")
    names, examples = _examples(options.table, options.text, options.label)
    parts = _parts(names, examples, options.held_out, options.seed)
    training, validation, test = parts
    tokenizer = NgramTokenizer.fit(training.texts, min_count=2)
    outputs = len(names) if len(names) > 2 else 1
    with _quietly():  # and late: what is wrong with a table is said before
        from llmbook.models import classifier as models

        model = models.build_classifier(
            len(tokenizer), options.seed, outputs=outputs
        )
    classifier = models.Classifier(model, tokenizer)
    steps = math.ceil(len(training.texts) / BATCH_SIZE)
    models.train(
        classifier,
        training,
        validation,
        callbacks=_bars(steps),
        epochs=options.epochs or _epochs(steps),
        batch_size=BATCH_SIZE,
        seed=options.seed,
    )
    found = classifier.predict_proba(test.texts).argmax(axis=1)  # (N,)
    linear = _linear_model(training, validation).predict(test.texts)  # (N,)
    print(_comparison(names, training, test, found, linear))
    classifier.save(options.folder)
    with whole(Path(options.folder) / LABELS) as file:
        json.dump({"labels": names, "text": options.text}, file)
    print(f"Saved in {options.folder}.")


def _label(options):
    """Write a table again, with a label and its probability in each row that
    holds a text.
    """
    _free(options.output, options.replace)
    if Path(options.output).suffix.lower() != ".csv":
        raise ValueError(f"output must end in .csv, got {options.output!r}")
    about = _about(options.folder)
    columns = header(options.table)
    taken = [name for name in ADDED if name in columns]
    if taken:
        raise ValueError(
            f"table must leave the column {taken[0]!r} to the answers, got it"
            f" in {options.table}"
        )
    column = _column(columns, options.text or about["text"], "--text")
    rows = table(options.table, columns, delimiter_of(options.table))
    texts = [_short(place, fields[column]) for place, fields in rows]
    asked = [i for i, text in enumerate(texts) if is_worded(text)]
    answers = [("", "")] * len(texts)
    probabilities = _probabilities(
        options.folder, about, [texts[i] for i in asked]
    )  # (N, C)
    for i, p in zip(asked, probabilities, strict=True):
        answers[i] = about["labels"][p.argmax()], f"{p.max():.3f}"
    with whole(options.output) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*columns, *ADDED])
        for (_, fields), answer in zip(rows, answers, strict=True):
            writer.writerow([*fields, *answer])
    counts = Counter(name for name, _ in answers if name)
    said = ", ".join(f"{name} {n:,}" for name, n in counts.most_common())
    print(
        f"{len(rows):,} rows written to {options.output}:"
        f" {said or 'no label'}; {len(rows) - len(asked):,} without a text."
    )


def _free(path, replace):
    """Refuse a path that exists, or whose folder cannot be written."""
    path = Path(path)
    if path.exists() and not replace:
        raise ValueError(f"{path} exists: name another, or add --replace")
    parent = path.absolute().parent
    if not (parent.is_dir() and os.access(parent, os.W_OK)):
        raise ValueError(f"{path} must be in a folder that can be written")


def _column(columns, name, option):
    """Return the index of a column."""
    if name not in columns:
        known = textwrap.shorten(", ".join(columns), 100, placeholder=" …")
        raise ValueError(
            f"table must have a column {name!r} in its first row, got {known};"
            f" name another by {option}"
        )
    return columns.index(name)


def _short(place, text):
    """Return a text that is not so long that a quote must be missing."""
    if len(text) > LONGEST:
        raise ValueError(
            f"{place}: a text must have at most {LONGEST:,} characters, got"
            f" {len(text):,}; is a quote missing?"
        )
    return text


def _examples(path, text, label):
    """Return the names of the labels, and pairs of a text and its label's
    index.
    """
    columns = header(path)
    _column(columns, text, "--text")
    _column(columns, label, "--label")
    found = table(path, [text, label], delimiter_of(path), others=True)
    rows = [(_short(place, t), name.strip()) for place, (t, name) in found]
    for (place, _), (_, name) in zip(found, rows, strict=True):
        if not name:
            raise ValueError(f"{place}: the label must not be empty")
    names = sorted({name for _, name in rows})
    if len(names) < 2:
        raise ValueError(
            f"table must have at least two labels in its column {label!r}, got"
            f" {names}"
        )
    return names, [(t, names.index(name)) for t, name in rows]


def _parts(names, examples, held_out, seed):
    """Return reviews to train on, to choose the epoch by, and to test on,
    without repeats.
    """
    checks.within("held-out", held_out, 0.02, 0.9)
    texts, labels, dropped = clean(examples)
    counts = np.bincount(labels, minlength=len(names))  # (C,)
    reasons = ", ".join(f"{n:,} {reason}" for reason, n in dropped.items())
    print(f"{len(examples):,} rows read; dropped: {reasons}.")
    least = math.ceil(2 / held_out)  # so that every part has one of each
    for name, count in zip(names, counts, strict=True):
        if count < least:
            raise ValueError(
                f"table must have {least} different texts of each label, got"
                f" {count} of {name!r}"
            )
    said = ", ".join(map("{} {:,}".format, names, counts))
    print(f"{len(texts):,} texts: {said}.")
    shares = (1 - held_out, held_out / 2, held_out / 2)
    return split(Reviews(texts, labels), shares, seed)


def _epochs(steps):
    """Return how often to read the texts: more often where they are few."""
    return min(30, max(3, math.ceil(600 / steps)))


def _bars(steps):
    """Return callbacks that show a bar for each epoch."""
    import keras

    shown: list[Callable] = []
    return [
        keras.callbacks.LambdaCallback(
            on_epoch_begin=lambda epoch, logs: shown.append(_bar(steps)),
            on_train_batch_end=lambda batch, logs: shown[-1](batch + 1),
        )
    ]


def _bar(total):
    """Return a function that shows how many of all are done: in a terminal, not
    in a pipe or a file.
    """
    import keras

    if sys.stdout.isatty():
        return keras.utils.Progbar(total).update
    return lambda done: None


@contextmanager
def _quietly():
    """Hide what TensorFlow's C++ side reports of the processor while it is
    imported; errors of Python are raised all the same.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _linear_model(training, validation):
    """Return the rival: TF-IDF of character n-grams and a linear support vector
    machine, whose C the validation texts choose.
    """
    models = [
        make_pipeline(
            TfidfVectorizer(
                analyzer="char", ngram_range=(1, 3), sublinear_tf=True
            ),
            LinearSVC(C=c),
        ).fit(training.texts, training.labels)
        for c in (0.1, 0.5, 2.5)
    ]
    return max(
        models, key=lambda m: m.score(validation.texts, validation.labels)
    )


def _comparison(names, training, test, found, linear):
    """Say how often each of three rivals is right on the test texts, and
    whether these can tell the model from the linear one.
    """
    frequent = np.bincount(training.labels).argmax()
    rivals = {
        f"always {names[frequent]!r}": frequent == test.labels,
        "linear model on n-grams": linear == test.labels,
        "the model": found == test.labels,
    }  # (N,) each
    lines = [f"Right on {len(test.texts):,} texts that were held out:"]
    lines += [f"  {np.mean(r):6.1%}  {name}" for name, r in rivals.items()]
    ahead = (
        rivals["the model"].astype(float) - rivals["linear model on n-grams"]
    )
    difference = 100 * ahead.mean()
    error = 100 * ahead.std() / math.sqrt(len(ahead))
    lines.append(
        f"The model minus the linear one: {difference:+.1f} points, standard"
        f" error {error:.1f}."
    )
    if abs(difference) <= 2 * error:
        lines.append("These texts cannot tell the two apart.")
    elif difference > 0:
        lines.append("Attention is worth its time here.")
    else:
        lines.append("The linear model is better here, and cheaper.")
    return "\n".join(lines)


def _about(folder):
    """Return the labels and the column that were saved with a model."""
    about = read_json(existing(Path(folder) / LABELS, "folder"))
    if (
        not isinstance(about, dict)
        or not isinstance(about.get("text"), str)
        or not isinstance(about.get("labels"), list)
    ):
        raise ValueError(
            f"folder must hold a model of train, {folder} does not"
        )
    return about


def _probabilities(folder, about, texts):
    """Return the probabilities (N, C) of the labels of texts."""
    with _quietly():
        from llmbook.models.classifier import Classifier

        classifier = Classifier.load(folder)
    classes = max(2, classifier.model.head.units)
    if classes != len(about["labels"]):
        raise ValueError(
            f"folder must hold as many labels as its model has, {folder} holds"
            f" {len(about['labels'])} for {classes}"
        )
    starts = range(0, len(texts), 512)
    bar = _bar(len(starts))
    found = [np.zeros((0, classes))]
    for done, start in enumerate(starts):
        found.append(classifier.predict_proba(texts[start : start + 512]))
        bar(done + 1)
    return np.concatenate(found)  # (N, C)


if __name__ == "__main__":
    sys.exit(main())
