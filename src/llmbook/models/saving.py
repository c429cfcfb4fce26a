"""Save models, and load them as what they were: the same class, the same
outputs, in a process that has imported nothing yet.
"""

import hashlib
import importlib
import json
import re
import zipfile
from dataclasses import asdict

import keras
import numpy as np

from llmbook import checks
from llmbook.files import existing, in_place_of

SUFFIX = ".keras"


class Sized:
    """A model that is made of one object of sizes, its ``config``, and comes
    back from it.

    A subclass says by ``sizes`` which class this object has.
    """

    sizes: type

    def get_config(self):
        """Return the arguments of the constructor."""
        # every subclass is a keras.Model with a config, which mypy cannot know
        return {
            **super().get_config(),  # type: ignore[misc]
            "config": asdict(self.config),  # type: ignore[attr-defined]
        }

    @classmethod
    def from_config(cls, config):
        """Make an untrained model of that configuration.

        Raises
        ------
        TypeError
            If it is no dict, or a size is none.
        ValueError
            If it lacks the sizes, or one is out of its range.
        """
        checks.keys("config", config, "config")
        return cls(**{**config, "config": cls.sizes(**config["config"])})


def save(model, path):
    """Write a model to a ``.keras`` file: a zip of JSON and HDF5, without
    pickle.

    The file takes the place of one that was there before once it is whole and
    has been read again.

    Parameters
    ----------
    model : keras.Model
    path : path
        Ends in ``.keras``.

    Raises
    ------
    TypeError
        If ``model`` is no model of Keras, or ``path`` no path.
    ValueError
        If the path ends otherwise, or the model could not be loaded again.
    OSError
        If the file cannot be written.
    """
    checks.kind("model", model, keras.Model)
    checks.path("path", path)
    if not str(path).endswith(SUFFIX):
        raise ValueError(f"path must end in {SUFFIX}, got {str(path)!r}")
    name_of(model)
    with in_place_of(path, SUFFIX) as unfinished:
        try:
            model.save(unfinished)
            again = load(unfinished)
        except (TypeError, ValueError, NotImplementedError) as error:
            raise _not_again(model, _first(error)) from error
        if not _same(model, again):
            raise _not_again(model, "it comes back as another")


def load(path, *kinds):
    """Read what :func:`save` wrote.

    Parameters
    ----------
    path : path
    kinds : classes
        Which of them the model must be; any will do without one.

    Returns
    -------
    keras.Model

    Raises
    ------
    TypeError
        If ``path`` is no path, or one of ``kinds`` no class.
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is damaged, holds something else, or a model of a class that was
        not defined in this process.
    """
    checks.each("kinds", kinds, type)
    path = existing(path)
    try:
        _import_modules_of(path)
        model = keras.models.load_model(path, compile=False)
    except Exception as error:  # Keras raises whatever its parts do
        raise ValueError(
            f"path must hold a model, {str(path)!r} does not: {_first(error)}"
        ) from error
    if kinds and not isinstance(model, kinds):
        wanted = " or a ".join(kind.__name__ for kind in kinds)
        raise ValueError(
            f"path must hold a {wanted}, {str(path)!r} holds a"
            f" {type(model).__name__}"
        )
    return model


def name_of(model):
    """Return by which module and name the class of a model is found again.

    Raises
    ------
    ValueError
        If Keras knows no class by that name.
    """
    module, name = (
        type(model).__module__,
        keras.saving.get_registered_name(type(model)),
    )
    if not module.startswith("keras.") and _registered(name) is not type(model):
        raise _not_again(
            model,
            "its class must be registered by"
            " keras.saving.register_keras_serializable",
        )
    return module, name


def class_of(module, name):
    """Return the class that :func:`name_of` named.

    Raises
    ------
    TypeError
        If one is not a string.
    ValueError
        If there is none such in this process.
    """
    checks.text("name", name)
    import_own(module)
    found = _registered(name)
    if not isinstance(found, type) or not issubclass(found, keras.Model):
        raise ValueError(
            f"the model {name!r} must be defined: import the module that"
            f" defines it first, {module!r}"
        )
    return found


def import_own(module):
    """Import a module of the library; leave any other alone.

    Raises
    ------
    TypeError
        If ``module`` is not a string.
    ValueError
        If the library has no such module.
    """
    checks.text("module", module)
    if re.fullmatch(r"llmbook(\.\w+)+", module):
        try:
            importlib.import_module(module)
        except ModuleNotFoundError as error:
            raise ValueError(f"there is no module {module!r}") from error


def digest(path):
    """Return the SHA-256 of a file, which tells whether it is still the
    same.

    Raises
    ------
    TypeError
        If ``path`` is no path.
    FileNotFoundError
        If there is no such file.
    """
    with existing(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def arrays(path, what, name="path"):
    """Return the arrays of a file of NumPy's (``.npz``), by their names.

    Parameters
    ----------
    path : path
    what : str
        What the file must hold, for the error.
    name : str
        What the caller calls the path.

    Raises
    ------
    TypeError
        If ``path`` is no path.
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is damaged or holds something else.
    """
    path = existing(path, name)
    try:
        with zipfile.ZipFile(path):  # np.load would take a single array too
            pass
        with np.load(path, allow_pickle=False) as stored:
            return dict(stored)
    except Exception as error:  # damage shows in a dozen ways
        raise ValueError(
            f"{name} must hold {what}, {str(path)!r} does not: {error!r}"
        ) from error


def _registered(name):
    return keras.saving.get_registered_object(name)


def _import_modules_of(path):
    """Import what a saved model is made of; refuse a damaged file."""
    with zipfile.ZipFile(path) as stored:
        damaged = stored.testzip()
        if damaged is not None:
            raise ValueError(f"its part {damaged!r} is damaged")
        config = json.loads(stored.read("config.json"))
    parts = [config]
    while parts:
        part = parts.pop()
        if isinstance(part, dict):
            parts.extend(part.values())
            import_own(str(part.get("module")))
        elif isinstance(part, list):
            parts.extend(part)


def _same(model, again):
    """Tell whether two models are of one class and have the same weights; the
    states of random numbers are none.
    """
    pairs = zip(model.weights, again.weights, strict=False)
    return (
        type(model) is type(again)
        and len(model.weights) == len(again.weights)
        and all(np.array_equal(*pair, equal_nan=True) for pair in pairs)
    )


def _not_again(model, why):
    return ValueError(
        f"model must be one that can be loaded again, a {type(model).__name__}"
        f" cannot: {why}"
    )


def _first(error):
    """Return the first line of what an error says, or its name."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
