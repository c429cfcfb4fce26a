"""What functions ask of their arguments.

A function calls a check in a line of its own, before its idea begins::

    query, key, value, mask = checks.attention(query, key, value, mask)

The check returns the arguments as the arrays that the idea needs, or raises an
error that names the argument, what was given and what is expected.
:func:`llmbook.showing.source.show` leaves such lines out, so that a page shows
the idea alone.
"""

import contextlib
import inspect
import math
import operator
import os
import re

import numpy as np


def as_array(name, values):
    """Return values as an array.

    Raises
    ------
    ValueError
        If they are lists of different lengths.
    """
    try:
        return np.asarray(values)
    except ValueError:
        raise ValueError(
            f"{name} must be an array: its rows are of different lengths"
        ) from None


def array(name, values, at_least=0, finite=True, kinds="fiub"):
    """Return values as an array of numbers as they are, with ``at_least`` so
    many axes.

    Raises
    ------
    ValueError
        If it is not of real numbers, has too few axes, or holds a NaN or an
        infinity although it must be ``finite``.
    """
    found = as_array(name, values)
    if found.dtype.kind not in kinds:
        raise ValueError(
            f"{name} must be an array of real numbers, got dtype {found.dtype}"
        )
    if found.ndim < at_least:
        raise ValueError(
            f"{name} must have at least {at_least} axes, got shape"
            f" {found.shape}"
        )
    if finite and not np.isfinite(found).all():
        raise ValueError(f"{name} must be finite, got a NaN or an infinity")
    return found


def numbers(name, values, at_least=0, finite=True):
    """Return values as floats, as :func:`array` does, but no truth values;
    integers become float64.

    Raises
    ------
    ValueError
        As :func:`array`.
    """
    found = array(name, values, at_least, finite, kinds="fiu")
    return found if found.dtype.kind == "f" else found.astype(float)


def without_nan(name, values):
    """Return an array of numbers, infinities among them.

    Raises
    ------
    ValueError
        If it is not of real numbers, or holds a NaN.
    """
    found = array(name, values, finite=False)
    if np.isnan(found).any():
        raise ValueError(f"{name} must be numbers, got a NaN")
    return found


def fit(axes, **arrays):
    """Return arrays of finite numbers, given by name, that fit each other.

    ``axes`` are those of each, such as ``"... a, a b"``: those of one name have
    one size, and ``...`` stands for leading axes that broadcast together.

    Raises
    ------
    ValueError
        If one is not of finite real numbers, or has other axes.
    """
    found: list[np.ndarray] = []
    sizes: dict[str, int] = {}
    leading: dict[str, tuple] = {}
    for (name, values), expected in zip(
        arrays.items(), axes.split(", "), strict=True
    ):
        found.append(array(name, values))
        own, given = expected.split(), found[-1].shape
        if own[0] == "...":
            own = own[1:]
            leading[name] = given[: max(0, len(given) - len(own))]
            given = given[len(leading[name]) :]
        if len(given) != len(own) or any(
            sizes.setdefault(axis, size) != size
            for axis, size in zip(own, given, strict=True)
        ):
            raise ValueError(
                f"{name} must have the shape ({', '.join(expected.split())})"
                f" with {sizes}, got {found[-1].shape}"
            )
    try:
        np.broadcast_shapes(*leading.values())
    except ValueError:
        raise ValueError(
            f"leading axes must broadcast together, got those of {leading}"
        ) from None
    return found


def has_axis(name, value, num_axes):
    """Check that an array of so many axes has an axis.

    Raises
    ------
    TypeError
        If the axis is not an integer.
    ValueError
        If the array has none such.
    """
    if not -num_axes <= integer(name, value) < num_axes:
        raise ValueError(f"{name} must be one of {num_axes} axes, got {value}")


def takes(name, function_, arguments, named=None):
    """Check that a function can be called with so many arguments, and some by
    name, as far as it tells.

    Raises
    ------
    TypeError
        If it cannot.
    """
    function(name, function_)
    with contextlib.suppress(ValueError):  # compiled, it does not tell
        try:
            inspect.signature(function_).bind(*arguments, **(named or {}))
        except TypeError as error:
            raise TypeError(
                f"{name} must take {len(arguments)} arguments: {error}"
            ) from None


def count(name, number, least=1):
    """Return ``number`` as an integer of at least ``least``.

    Raises
    ------
    TypeError
        If it is not an integer.
    ValueError
        If it is below ``least``.
    """
    number = integer(name, number)
    if number < least:
        raise ValueError(f"{name} must be at least {least}, got {number}")
    return number


def integer(name, number):
    """Return ``number`` as an integer.

    Raises
    ------
    TypeError
        If it is none.
    """
    try:
        return operator.index(number)
    except TypeError:
        raise TypeError(f"{name} must be an integer, got {number!r}") from None


def real(name, value):
    """Return ``value`` as a float.

    Raises
    ------
    TypeError
        If it is not a real number.
    """
    if isinstance(value, str | bytes) or not hasattr(type(value), "__float__"):
        raise TypeError(f"{name} must be a number, got {value!r}")
    try:
        return float(value)
    except TypeError:  # an array of several
        raise TypeError(f"{name} must be a number, got {value!r}") from None


def function(name, value):
    """Check that a value can be called.

    Raises
    ------
    TypeError
        If it cannot.
    """
    if not callable(value):
        raise TypeError(f"{name} must be a function, got {_kind(value)}")


def path(name, value):
    """Check that a value can be the path of a file.

    Raises
    ------
    TypeError
        If it is neither a string nor a path.
    ValueError
        If it is empty.
    """
    if not isinstance(value, str | os.PathLike):
        raise TypeError(f"{name} must be a path, got {_kind(value)}")
    if not os.fspath(value):
        raise ValueError(f"{name} must be a path, got an empty string")


def kind(name, value, *kinds):
    """Check that a value is of a class, or of one of several.

    Raises
    ------
    TypeError
        If it is of another.
    """
    if not isinstance(value, kinds):
        wanted = " or ".join(kind.__name__ for kind in kinds)
        raise TypeError(
            f"{name} must be of the class {wanted}, got {_kind(value)}"
        )


def keys(name, value, *keys):
    """Check that a value is a dict with some keys.

    Raises
    ------
    TypeError
        If it is no dict.
    ValueError
        If it lacks one.
    """
    kind(name, value, dict)
    for key in keys:
        if key not in value:
            raise ValueError(f"{name} must hold {key!r}, it does not")


def kinds(wanted, **values):
    """Check that values are all of one class.

    Raises
    ------
    TypeError
        If one is of another.
    """
    for name, value in values.items():
        kind(name, value, wanted)


def each(name, values, *wanted):
    """Return a list of values that are all of a class, or of one of several.

    Raises
    ------
    TypeError
        If they cannot be listed, or one is of another class.
    """
    found = items(name, values)
    for value in found:
        kind(name, value, *wanted)
    return found


def some_of(name, values, options):
    """Return a list of strings that are some of a few options.

    Raises
    ------
    TypeError
        If they are no list of strings.
    ValueError
        If one is no option.
    """
    found = texts(name, values)
    for value in found:
        one_of(f"each of {name}", value, options)
    return found


def patience(tries, most, name):
    """Check that a search has not been in vain too often.

    Raises
    ------
    ValueError
        If it has, by what is asked of it.
    """
    if tries >= most:
        raise ValueError(
            f"{name} must let something be found, got nothing in {most} tries"
        )


def offers(name, value, *attributes):
    """Check that a value has what a function asks of it, whatever its class; a
    string never has, though it has an ``encode`` too.

    Raises
    ------
    TypeError
        If it has not.
    """
    missing = [each for each in attributes if not hasattr(value, each)]
    if missing or isinstance(value, str):
        raise TypeError(
            f"{name} must have {', '.join(missing or attributes)}, got"
            f" {_kind(value)}"
        )


def multiple(name, number, of, unit):
    """Check that a number is a multiple of another, named, positive one.

    Raises
    ------
    TypeError
        If ``unit`` is not an integer.
    ValueError
        If it is below 1, or the number no multiple of it.
    """
    if number % count(of, unit):
        raise ValueError(
            f"{name} must be a multiple of {of}, {unit}, got {number}"
        )


def within(name, number, low, high, closed=True):
    """Check that a number lies in ``[low, high]``, or in ``[low, high)`` if the
    range is not closed.

    Raises
    ------
    TypeError
        If it is not a number.
    ValueError
        If it does not.
    """
    real(name, number)
    if not (low <= number <= high and (closed or number < high)):
        end = "]" if closed else ")"
        raise ValueError(
            f"{name} must lie in [{low}, {high}{end}, got {number}"
        )


def positive(**values):
    """Check that each value is above 0.

    Raises
    ------
    TypeError
        If one is not a number.
    ValueError
        If one is not above 0.
    """
    for name, value in values.items():
        if not real(name, value) > 0:
            raise ValueError(f"{name} must be positive, got {value}")


def one_of(name, value, options):
    """Check that a value is one of some options.

    Raises
    ------
    ValueError
        If it is none.
    """
    if value not in tuple(options):
        *others, last = map(repr, options)
        raise ValueError(
            f"{name} must be {', '.join(others)} or {last}, got {value!r}"
        )


def shape(name, array, expected):
    """Check the shape of an array.

    Raises
    ------
    ValueError
        If it is another.
    """
    if np.shape(array) != tuple(expected):
        raise ValueError(
            f"{name} must have the shape {tuple(expected)}, got"
            f" {np.shape(array)}"
        )


def ids(name, values, size):
    """Return integers that number the rows of a table, or the tokens of a
    vocabulary, of a given size.

    Raises
    ------
    TypeError
        If they are not integers.
    ValueError
        If one lies outside of ``range(size)``, or they have no shape.
    """
    values = as_array(name, values)
    if values.size == 0:
        return values.astype(int)
    if values.dtype.kind not in "iub":
        raise TypeError(f"{name} must be integers, got {values.dtype}")
    if values.min() < 0 or values.max() >= size:
        raise ValueError(
            f"{name} must lie in range({size}), got {values.min()} to"
            f" {values.max()}"
        )
    return values.astype(int)


def spread(name, vectors):
    """Check that the vectors of tokens are not all one, but for rounding.

    Raises
    ------
    ValueError
        If they are.
    """
    if not np.std(vectors) > 1e-9:
        raise ValueError(
            f"{name} must hold tokens that keep different company, got a text"
            " that tells none apart"
        )


def text_ids(name, values, size):
    """Return the ids (T,) of one text.

    Raises
    ------
    TypeError
        If they are not integers.
    ValueError
        If they are not one sequence, or as :func:`ids`.
    """
    values = as_array(name, values)
    if values.ndim != 1:
        raise ValueError(
            f"{name} must be one sequence of integers, got the shape"
            f" {values.shape}"
        )
    return ids(name, values, size)


def batch_ids(name, values, size):
    """Return the ids (B, T) of a batch of texts.

    Raises
    ------
    TypeError
        If they are not integers.
    ValueError
        If they have other axes, or as :func:`ids`.
    """
    values = as_array(name, values)
    if values.ndim != 2:
        raise ValueError(
            f"{name} must have the shape (B, T), got {values.shape}"
        )
    return ids(name, values, size)


def opinions(probabilities, shares):
    """Return what two models give to the same tokens, the second in part.

    Raises
    ------
    ValueError
        If it is not of finite numbers of at least 0, apart from a NaN in the
        second, or not as many of both.
    """
    probabilities = numbers("probabilities", probabilities)
    shares = numbers("shares", shares, finite=False)
    shape("shares", shares, probabilities.shape)
    for name, values in (("probabilities", probabilities), ("shares", shares)):
        if (values < 0).any() or np.isinf(values).any():
            raise ValueError(
                f"{name} must be finite and at least 0, got {values}"
            )
    return probabilities, shares


def some_ids(name, values, size=2**31):
    """Return the ids (B, T) of a batch of texts as int32, unless they stand for
    numbers in a graph, as :func:`known_ids` does.

    Raises
    ------
    TypeError
        If they are not integers.
    ValueError
        If they have other axes, or as :func:`ids`.
    """
    if _is_known(values):
        values = batch_ids(name, values, size).astype("int32")
    return values


def known_ids(name, values, size, *num_axes):
    """Return ids as int32, with so many axes, whichever of them, unless they
    stand for numbers in a graph that is being traced: there whoever calls the
    graph has checked them.

    Raises
    ------
    TypeError
        If they are not integers.
    ValueError
        If one lies outside of ``range(size)``, or they have other axes.
    """
    if _is_known(values):
        values = as_array(name, values)
        if num_axes:
            axes(name, values, *num_axes)
        values = ids(name, values, size).astype("int32")
    return values


def known_counts(**numbers):
    """Check that numbers, as far as they are known, are integers of at least 1.

    Raises
    ------
    TypeError
        If one is not an integer.
    ValueError
        If one is below 1.
    """
    for name, number in numbers.items():
        if _is_known(number):
            count(name, number)


def known_integers(**numbers):
    """Check that numbers, as far as they are known, are integers.

    Raises
    ------
    TypeError
        If one is none.
    """
    for name, number in numbers.items():
        if _is_known(number):
            integer(name, number)


def positions(name, length, longest):
    """Check that a table of positions has enough of them for a length, if this
    is known.

    Raises
    ------
    ValueError
        If it has not.
    """
    if isinstance(length, int) and length > longest:
        raise ValueError(
            f"{name} must have at most length={longest} positions, got {length}"
        )


def tensor(name, values, *num_axes):
    """Check that values are an array or a tensor of floats, with so many axes,
    whichever of them; what they are is not looked at, so that a graph can be
    traced.

    Raises
    ------
    TypeError
        If they are none.
    ValueError
        If they have other axes.
    """
    offers(name, values, "dtype", "shape")
    dtype = getattr(values.dtype, "name", values.dtype)
    if "float" not in dtype:
        raise TypeError(f"{name} must be of floats, got {dtype}")
    if num_axes:
        axes(name, values, *num_axes)


def boolean(name, values, *num_axes):
    """Check that values are an array or a tensor of booleans, with so many
    axes, whichever of them.

    Raises
    ------
    TypeError
        If they are neither array nor tensor.
    ValueError
        If they are of other things, or have other axes.
    """
    offers(name, values, "dtype", "shape")
    dtype = getattr(values.dtype, "name", values.dtype)
    if dtype != "bool":
        raise ValueError(
            f"{name} must be boolean, True where allowed, got dtype {dtype}"
        )
    if num_axes:
        axes(name, values, *num_axes)


def known_shape(name, values, expected):
    """Check the shape of an array or a tensor, as far as sizes are known.

    Raises
    ------
    ValueError
        If it is another.
    """
    known = values.shape if hasattr(values, "shape") else np.shape(values)
    found = tuple(known)
    if len(found) != len(expected) or any(
        None not in pair and pair[0] != pair[1]
        for pair in zip(found, expected, strict=True)
    ):
        raise ValueError(
            f"{name} must have the shape {tuple(expected)}, got {found}"
        )


def same_rows(**values):
    """Check that arrays or tensors have as many rows, as far as it is known.

    Raises
    ------
    ValueError
        If they have not.
    """
    if len({value.shape[0] for value in values.values()} - {None}) > 1:
        found = {name: value.shape[0] for name, value in values.items()}
        raise ValueError(
            f"{' and '.join(found)} must have as many rows, got {found}"
        )


def broadcasts(name, values, expected):
    """Check that an array or a tensor broadcasts to a shape, as far as sizes
    are known.

    Raises
    ------
    ValueError
        If it does not.
    """
    found = tuple(values.shape)
    pairs = zip(found[::-1], tuple(expected)[::-1], strict=False)
    if len(found) > len(expected) or any(
        have not in (1, None, want) and want is not None for have, want in pairs
    ):
        raise ValueError(
            f"{name} must broadcast to {tuple(expected)}, got {found}"
        )


def at_least_as_long(name, length, shortest):
    """Check that a text has so many positions at least, if it is known.

    Raises
    ------
    ValueError
        If it has not.
    """
    if length is not None and length < shortest:
        raise ValueError(
            f"{name} must have at least {shortest} positions, got {length}"
        )


def axes(name, values, *numbers):
    """Check how many axes an array or a tensor has.

    Raises
    ------
    ValueError
        If it is none of the numbers.
    """
    if len(values.shape) not in numbers:
        raise ValueError(
            f"{name} must have {' or '.join(map(str, numbers))} axes, got the"
            f" shape {tuple(values.shape)}"
        )


def room(cache, rows, count):
    """Check that a cache of keys and values is of so many rows, and has room
    for so many tokens more, as far as this is known.

    Raises
    ------
    ValueError
        If it is of others, or has no room.
    """
    own, _, size, _ = cache.keys.shape
    if None not in (own, rows) and own != rows:
        raise ValueError(f"caches must be of {rows} rows, got one of {own}")
    if _is_known(cache.length) and int(cache.length) + count > size:
        raise ValueError(
            f"caches must have room for {count} tokens more, got one of"
            f" {size} tokens that holds {int(cache.length)}"
        )


def caches_of_layers(values, num_layers):
    """Return caches of keys and values as a list, one a layer.

    Raises
    ------
    TypeError
        If they are none.
    ValueError
        If they are not as many as the layers.
    """
    found = items("caches", values, "caches, one a layer")
    for cache in found:
        offers("caches", cache, "keys", "values", "mask", "length")
    if len(found) != num_layers:
        raise ValueError(
            f"caches must be {num_layers}, one a layer, got {len(found)}"
        )
    return found


def pairs_of_caches(values, num_layers):
    """Return caches of a decoder, a pair a layer: of what it has read, and of
    what it attends to.

    Raises
    ------
    TypeError
        If they are none.
    ValueError
        If they are no pairs, or not as many as the layers.
    """
    found = [two("caches", pair) for pair in items("caches", values, "pairs")]
    for place in range(2):
        caches_of_layers([pair[place] for pair in found], num_layers)
    return found


def to_attend_to(memory, caches, target):
    """Check that a decoder has something to attend to, as many rows of it as
    there are targets.

    Raises
    ------
    TypeError
        If a memory is none.
    ValueError
        If there is neither memory nor caches, or the rows are others.
    """
    if memory is None and not caches:
        raise ValueError("memory must be given, or caches, got neither")
    if memory is not None:
        offers("memory", memory, "value", "key", "mask")
        same_rows(target=target, source=memory.value)


def caches(values, num_layers, new):
    """Check caches of keys and values that ids of a shape (B, T) are to be
    added to: one a layer, of as many rows, with room for them.

    Raises
    ------
    TypeError
        If they are none.
    ValueError
        If they are not of the layers or rows, or have no room.
    """
    for cache in caches_of_layers(values, num_layers):
        room(cache, *new)


def vocabulary_of(name, logits, rows):
    """Return V, if what a model says of ids (B, T) are logits (B, T, V).

    Raises
    ------
    ValueError
        If it is something else.
    """
    found = logits.shape if hasattr(logits, "shape") else np.shape(logits)
    if len(found) != 3 or any(
        None not in pair and pair[0] != pair[1]
        for pair in zip(found, rows, strict=False)
    ):
        raise ValueError(
            f"{name} must map ids {tuple(rows)} to logits (B, T, V), got the"
            f" shape {tuple(found)}"
        )
    return found[-1]


def width(name, values, size):
    """Check how wide vectors are.

    Raises
    ------
    ValueError
        If they are of another width.
    """
    if not len(values.shape) or values.shape[-1] != size:
        raise ValueError(
            f"{name} must be vectors of width {size}, got the shape"
            f" {tuple(values.shape)}"
        )


def target_weights(name, values, expected):
    """Return how much each token (B, T) counts as a target, as far as this is
    known.

    Raises
    ------
    ValueError
        If they are no numbers of at least 0, of an expected shape, or none is
        above 0 after the first token: the mean over none is a NaN.
    """
    if _is_known(values):
        values = array(name, values)
        known_shape(name, values, expected)
        if not (values >= 0).all() or not values[:, 1:].any():
            raise ValueError(
                f"{name} must be at least 0, and above it at some token after"
                f" the first, got {values}"
            )
    return values


def _is_known(values):
    """Tell whether values are numbers already, and no symbols of Keras or
    TensorFlow.
    """
    return (
        hasattr(values, "numpy")
        or not hasattr(values, "dtype")
        or (isinstance(values, np.ndarray | np.generic))
    )


def rows_of_ids(name, values, size, columns):
    """Return ids (T, columns), several for each position of a text.

    Raises
    ------
    TypeError
        If they are not integers.
    ValueError
        If they have another shape, or as :func:`ids`.
    """
    values = as_array(name, values)
    if values.ndim != 2 or values.shape[1] != columns:
        raise ValueError(
            f"{name} must have the shape (T, {columns}), got {values.shape}"
        )
    return ids(name, values, size)


def thin_matrices(down, up, expected):
    """Return two matrices whose product has an expected shape.

    Raises
    ------
    ValueError
        If they have other shapes, or hold a NaN or an infinity.
    """
    down, up = numbers("down", down), numbers("up", up)
    if (
        (down.ndim, up.ndim) != (2, 2)
        or down.shape[1] != up.shape[0]
        or (down.shape[0], up.shape[1]) != expected
    ):
        raise ValueError(
            "the matrices down and up must have the shapes"
            f" ({expected[0]}, r) and (r, {expected[1]}), got {down.shape} and"
            f" {up.shape}"
        )
    return down, up


# --- training ---------------------------------------------------------------


def training(model, loss, batch, steps, every, report, checkpoint):
    """Check what a training is told.

    Raises
    ------
    TypeError
        If ``loss``, ``batch`` or ``report`` is no function, ``checkpoint`` no
        path, or a number no integer.
    ValueError
        If a number is out of its range.
    """
    offers("model", model, "trainable_variables", "variables")
    function("loss", loss)
    takes("batch", batch, (0,))
    count("steps", steps, least=0)
    count("every", every)
    if report is not None:
        takes("report", report, (0, 0.0))
    if checkpoint is not None:
        path("checkpoint", checkpoint)


def sizes(d_model, **others):
    """Check the sizes of a model, given by name; those of ``heads`` must divide
    ``d_model``.

    Raises
    ------
    TypeError
        If one is not an integer.
    ValueError
        If one is below 1, or heads do not divide ``d_model``.
    """
    count("d_model", d_model)
    for name, number in others.items():
        count(name, number)
        if name.endswith("heads") and d_model % number:
            raise ValueError(
                f"{name} must divide d_model, {d_model}, got {number}"
            )


def base(name, value):
    """Check the base of frequencies, which 32 bits must be able to divide by.

    Raises
    ------
    TypeError
        If it is not a number.
    ValueError
        If it is not positive, or too small or large.
    """
    positive(**{name: value})
    within(name, value, 1e-6, 1e30)


def shares(**values):
    """Check that numbers are shares that are left out, below 1.

    Raises
    ------
    TypeError
        If one is not a number.
    ValueError
        If one does not lie in [0, 1).
    """
    for name, value in values.items():
        within(name, value, 0, 1, closed=False)


def fitting(epochs, batch_size, learning_rate, warmup=0.0, label_smoothing=0.0):
    """Check the numbers of a training in epochs.

    Raises
    ------
    TypeError
        If one is none.
    ValueError
        If one is out of its range.
    """
    count("epochs", epochs)
    count("batch_size", batch_size)
    within("learning_rate", learning_rate, 0, math.inf, closed=False)
    within("warmup", warmup, 0, 1, closed=False)
    within("label_smoothing", label_smoothing, 0, 1)


def learnable(name, counts):
    """Check that some position of a batch counts: the mean over none is a NaN.

    Raises
    ------
    ValueError
        If none does.
    """
    if not np.any(counts):
        raise ValueError(
            f"{name} must hold a token that can be learned, got padding and"
            " unknown ones alone"
        )


def filled(name, values):
    """Return an array that is not empty.

    Raises
    ------
    ValueError
        If it is.
    """
    if not np.size(values):
        raise ValueError(
            f"{name} must not be empty, got the shape {np.shape(values)}"
        )
    return values


def items_at_least(name, values, least):
    """Check that there are so many values.

    Raises
    ------
    TypeError
        If they cannot be listed.
    ValueError
        If there are fewer.
    """
    number = len(items(name, values))
    if number < least:
        raise ValueError(f"{name} must be at least {least}, got {number}")


def token_pairs(name, values):
    """Return pairs of lists of strings.

    Raises
    ------
    TypeError
        If they are none.
    ValueError
        If there is none, or one is not of two.
    """
    found = []
    for pair in some(name, values, "pairs of lists of strings"):
        found.append([texts(name, side) for side in items(name, pair, "lists")])
        if len(found[-1]) != 2:
            raise ValueError(
                f"{name} must hold pairs, got one of {len(found[-1])}"
            )
    return found


def two_texts(name, values):
    """Return two strings.

    Raises
    ------
    TypeError
        If they are not strings.
    ValueError
        If they are not two.
    """
    found = texts(name, values)
    if len(found) != 2:
        raise ValueError(f"{name} must be two, got {len(found)}")
    return found


def two_lengths(name, values):
    """Return two lengths, each None or an integer of at least 1.

    Raises
    ------
    TypeError
        If they are none.
    ValueError
        If they are not two, or one is below 1.
    """
    found = items(name, values, "two lengths")
    if len(found) != 2:
        raise ValueError(f"{name} must be two lengths, got {len(found)}")
    return [None if length is None else count(name, length) for length in found]


def weights_of_blocks(attention, pooling):
    """Return the weights (H, T, T) of blocks, and those (H, T) of a pooling.

    Raises
    ------
    TypeError
        If ``attention`` is no list.
    ValueError
        If they are no numbers, or their shapes do not fit.
    """
    pooling = numbers("pooling", pooling, at_least=2)
    found = [
        numbers("attention", weights, at_least=3)
        for weights in items("attention", attention, "weights, one a block")
    ]
    length = pooling.shape[-1]
    if any(weights.shape[-2:] != (length, length) for weights in found):
        raise ValueError(
            f"attention must be of the {length} positions of pooling, got"
            f" {[weights.shape for weights in found]}"
        )
    return found, pooling


def sequences(name, values, size, longest=math.inf):
    """Return sequences of ids, each (T,) or (T, N), as a list of arrays.

    Raises
    ------
    TypeError
        If they are not of integers.
    ValueError
        If there is none, they have other shapes or are longer than ``longest``,
        or an id lies outside of ``range(size)``.
    """
    found = [as_array(name, each) for each in items(name, values, "sequences")]
    if not found:
        raise ValueError(f"{name} must hold at least one sequence, got none")
    filled = [each for each in found if each.size]
    if len({each.shape[1:] for each in filled}) > 1 or any(
        each.ndim not in (1, 2) for each in found
    ):
        shapes = sorted({each.shape for each in found})
        raise ValueError(
            f"{name} must have shapes (T,) or (T, N), with one N, got"
            f" {shapes[:3]}"
        )
    if max(map(len, found)) > longest:
        raise ValueError(
            f"{name} must have at most {longest} positions, got"
            f" {max(map(len, found))}"
        )
    if filled:
        ids(name, np.concatenate(filled), size)
    return found


def answers(name, values, num_texts):
    """Return the answers to yes-or-no questions, one a text, as a column: 0, 1
    or a probability between them. Or the probabilities of the classes, one row
    a text.

    Raises
    ------
    ValueError
        If they are no numbers of [0, 1], not as many as the texts, or a row of
        several does not sum to 1.
    """
    values = as_array(name, values)
    values = values.astype(int) if values.dtype == bool else values
    values = numbers(name, values)
    if (
        len(values.shape) not in (1, 2)
        or len(values) != num_texts
        or not ((values >= 0) & (values <= 1)).all()
    ):
        raise ValueError(
            f"{name} must be {num_texts} numbers in [0, 1], one a text, got the"
            f" shape {values.shape}"
            + (f" and {values.min()} to {values.max()}" if values.size else "")
        )
    columns = values.reshape(num_texts, -1)
    if columns.shape[1] > 1 and not np.allclose(columns.sum(axis=1), 1):
        raise ValueError(f"{name} must sum to 1 in every row of classes")
    return columns


def one_logit(outputs):
    """Refuse a model of several classes where one logit is explained.

    Raises
    ------
    ValueError
        If it has another number of outputs than 1.
    """
    if outputs != 1:
        raise ValueError(
            f"model must have one logit to be explained, got {outputs}"
        )


def batch(model, inputs):
    """Let a model that knows its ids look at a batch, before they reach a graph
    in which they would be looked up without a word.

    Raises
    ------
    TypeError, ValueError
        As the ``check`` of the model does.
    """
    if hasattr(model, "check"):
        model.check(*inputs)


def rates(learning_rate, steps, warmup_steps, first=0.0, last=0.0):
    """Check a schedule of learning rates.

    Raises
    ------
    TypeError
        If a number of steps is not an integer, or a rate no number.
    ValueError
        If a number is out of its range.
    """
    within("learning_rate", learning_rate, 0, math.inf, closed=False)
    steps = count("steps", steps, least=0)
    if count("warmup_steps", warmup_steps, least=0) >= max(1, steps):
        raise ValueError(
            f"warmup_steps must be below the {steps} steps, got {warmup_steps}"
        )
    within("first", first, 0, math.inf, closed=False)
    within("last", last, 0, 1)


def optimizer(model, steps, warmup, weight_decay, clip):
    """Check the numbers of an optimizer.

    Raises
    ------
    TypeError
        If ``model`` has no variables, or a number is none.
    ValueError
        If a number is out of its range.
    """
    offers("model", model, "trainable_variables")
    count("steps", steps, least=0)
    within("warmup", warmup, 0, 1, closed=False)
    within("weight_decay", weight_decay, 0, math.inf, closed=False)
    positive(clip=clip)


# --- decoding ---------------------------------------------------------------


def prompts(values, size, name="prompts"):
    """Return prompts as lists of ids.

    Raises
    ------
    TypeError
        If they are not sequences of integers.
    ValueError
        If there is none, one is empty, or an id lies outside of
        ``range(size)``.
    """
    found = [
        text_ids(name, prompt, size).tolist()
        for prompt in items(name, values, "sequences of ids")
    ]
    if not found or not all(found):
        raise ValueError(
            f"{name} must hold at least one prompt, and each at least one token"
        )
    return found


def continuation(max_new, prompts, length):
    """Return how many tokens may be written after prompts, which must fit the
    length of a model together with them.

    Raises
    ------
    TypeError
        If it is not an integer.
    ValueError
        If it is below 1, or too large.
    """
    max_new, longest = integer("max_new", max_new), max(map(len, prompts))
    if max_new < 1 or longest + max_new > length:
        raise ValueError(
            f"max_new must be at least 1 and, after a prompt of {longest}, fit"
            f" the model's length of {length}, got {max_new}"
        )
    return max_new


def decoding(
    temperature, top_k=0, top_p=1.0, repetition_penalty=1.0, greedy=True
):
    """Check the numbers that change a distribution before it is sampled from,
    as far as they are known. A temperature of 0 stands for being ``greedy``.

    Raises
    ------
    TypeError
        If one is not a number, or ``top_k`` is not an integer.
    ValueError
        If one is out of its range.
    """
    if _is_known(temperature):
        real("temperature", temperature)
        # what is divided by less may leave the numbers of 32 bits
        if not (
            1e-6 <= temperature < math.inf or (greedy and temperature == 0)
        ):
            least = "at least 0" if greedy else "above 0"
            raise ValueError(
                f"temperature must be {least}, got {temperature}; the least"
                " above 0 is 1e-6"
            )
    if _is_known(top_k) and integer("top_k", top_k) < 0:
        raise ValueError(f"top_k must be at least 0, got {top_k}")
    if _is_known(top_p) and not 0 < real("top_p", top_p) <= 1:
        raise ValueError(f"top_p must be above 0 and at most 1, got {top_p}")
    if _is_known(repetition_penalty) and not (
        0 < real("repetition_penalty", repetition_penalty) < math.inf
    ):
        raise ValueError(
            f"repetition_penalty must be above 0, got {repetition_penalty}"
        )


def stop(token, size):
    """Check the token after which a sequence ends, None for none such.

    Raises
    ------
    TypeError
        If it is not an integer.
    ValueError
        If it lies outside of ``range(size)``.
    """
    if token is not None:
        ids("stop", integer("stop", token), size)


def seed(number):
    """Return the seed of random numbers.

    Raises
    ------
    TypeError
        If it is not an integer.
    ValueError
        If it lies outside of ``range(2**31)``.
    """
    return int(ids("seed", integer("seed", number), 2**31))


def next_logits(logits, seen=None):
    """Check the logits (B, V) of next tokens, and which were seen, as far as
    they are known.

    Raises
    ------
    ValueError
        If they are no numbers of that shape, a row holds a NaN, an infinity or
        nothing but -inf, or ``seen`` is of another shape.
    """
    if _is_known(logits) or logits is None:
        values = scores(logits, -1, "logits")
        if values.ndim != 2:
            raise ValueError(
                f"logits must have the shape (B, V), got {values.shape}"
            )
    if seen is not None and _is_known(seen) and _is_known(logits):
        shape("seen", as_array("seen", seen), np.shape(logits))


# --- texts and lists --------------------------------------------------------


def finite(name, value):
    """Return a number that is neither a NaN nor an infinity.

    Raises
    ------
    TypeError
        If it is not a number.
    ValueError
        If it is one of those.
    """
    number = real(name, value)
    if not math.isfinite(number):
        raise ValueError(f"{name} must be a finite number, got {value}")
    return number


def text(name, value):
    """Check that a value is a string.

    Raises
    ------
    TypeError
        If it is none.
    """
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a string, got {_kind(value)}")


def items(name, values, what="values"):
    """Return a list of what is listed.

    Raises
    ------
    TypeError
        If ``values`` is a single string, or cannot be listed.
    """
    if isinstance(values, str | bytes):
        kind = "string" if isinstance(values, str) else "bytes"
        raise TypeError(f"{name} must be a list of {what}, got a single {kind}")
    try:
        return list(values)
    except TypeError:
        raise TypeError(
            f"{name} must be a list of {what}, got {_kind(values)}"
        ) from None


def texts(name, values):
    """Return a list of strings.

    Raises
    ------
    TypeError
        If ``values`` is a single string, no list, or holds something else.
    """
    found = items(name, values, "strings")
    for value in found:
        if not isinstance(value, str):
            raise TypeError(f"{name} must hold strings, got {_kind(value)}")
    return found


def labels(name, values):
    """Return a list of strings to be shown.

    Raises
    ------
    ValueError
        If it is none.
    """
    if isinstance(values, str | bytes) or not hasattr(values, "__iter__"):
        raise ValueError(
            f"{name} must be a list of strings, got {_kind(values)}"
        )
    found = list(values)
    for value in found:
        if not isinstance(value, str):
            raise ValueError(f"{name} must be strings, got {value!r}")
    return found


def some(name, values, what="values"):
    """Return a list that is not empty.

    Raises
    ------
    TypeError
        If ``values`` is a single string, or cannot be listed.
    ValueError
        If there is none.
    """
    found = items(name, values, what)
    if not found:
        raise ValueError(f"{name} must hold at least one, of {what}, got none")
    return found


def id_sequences(name, values):
    """Return a list of arrays of integers, all (T, …) with the same further
    axes, T apart.

    Raises
    ------
    TypeError
        If they are none.
    ValueError
        If there is none, or their further axes differ.
    """
    arrays = []
    for value in some(name, values, "sequences"):
        array = as_array(name, value)
        if isinstance(value, str | bytes) or array.ndim == 0:
            raise TypeError(f"{name} must be lists of ids, got {_kind(value)}")
        if array.size and array.dtype.kind not in "iu":
            raise TypeError(f"{name} must hold integers, got {array.dtype}")
        arrays.append(array)
    shapes = {array.shape[1:] for array in arrays if len(array)}
    if len(shapes) > 1:
        raise ValueError(
            f"{name} must agree in all axes but the first, got {sorted(shapes)}"
        )
    return arrays


def valences(name, values):
    """Return a dict of words and finite numbers, or None.

    Raises
    ------
    TypeError
        If it is something else.
    """
    if values is None:
        return None
    if not isinstance(values, dict):
        raise TypeError(
            f"{name} must be a dict of words and numbers, got {_kind(values)}"
        )
    for word, number in values.items():
        text(f"a key of {name}", word)
        if not isinstance(number, int | float) or not math.isfinite(number):
            raise TypeError(
                f"{name} must hold finite numbers, got {number!r} for {word!r}"
            )
    return values


def merges(name, values):
    """Return a list of pairs of strings.

    Raises
    ------
    TypeError
        If one is not of strings.
    ValueError
        If one is not of two.
    """
    found = [tuple(texts(name, pair)) for pair in items(name, values, "pairs")]
    for pair in found:
        if len(pair) != 2:
            raise ValueError(f"{name} must be pairs of strings, got {pair}")
    return found


def tokens(name, values):
    """Return a list of tokens: strings, numbers or whatever can be counted.

    Raises
    ------
    TypeError
        If they cannot be listed, or one cannot be counted.
    ValueError
        If one is a NaN, which equals nothing.
    """
    try:
        found = list(values)
        repeated = dict.fromkeys(found)
    except TypeError:
        raise TypeError(
            f"{name} must be a list of tokens, got {_kind(values)}"
        ) from None
    if any(value != value for value in repeated):
        raise ValueError(f"{name} must not hold a NaN")
    return found


def counted(name, values):
    """Return pairs of something and how often it occurs.

    Raises
    ------
    TypeError
        If they are none, or a count is not an integer.
    ValueError
        If one is not of two.
    """
    found = []
    for value in items(name, values, "pairs"):
        thing, number = two(name, value)
        found.append((tokens(name, thing), integer(name, number)))
    return found


def labelled_texts(name, values, check):
    """Return pairs of a text and what is said of it, which a check returns.

    Raises
    ------
    TypeError
        If a text is not a string, or as the check.
    ValueError
        If one is no pair, or as the check.
    """
    found = []
    for pair in items(name, values, "pairs"):
        said, label = two(name, pair)
        text(f"a text of {name}", said)
        found.append((said, check(name, label)))
    return found


def as_many(**lists):
    """Check that lists that belong together are of one length.

    Raises
    ------
    ValueError
        If they are not.
    """
    if len(set(map(len, lists.values()))) > 1:
        names = " and ".join(lists)
        found = ", ".join(f"{len(v)} {name}" for name, v in lists.items())
        raise ValueError(f"{names} must be as many, got {found}")


def _kind(value):
    return "None" if value is None else type(value).__name__


# --- attention --------------------------------------------------------------


def scores(x, axis, name="x"):
    """Return scores that a softmax can take, minus infinities among them.

    Raises
    ------
    ValueError
        If ``x`` is not of numbers, is empty along ``axis``, holds a NaN or plus
        infinity, or has nothing but minus infinities along ``axis``.
    TypeError
        If ``axis`` is not an integer.
    """
    x = numbers(name, x, at_least=1, finite=False)
    has_axis("axis", axis, x.ndim)
    if x.shape[axis] == 0:
        raise ValueError(
            f"{name} must have at least one entry along axis {axis}, got shape"
            f" {x.shape}"
        )
    if not np.isfinite(x.max(axis=axis)).all():
        raise ValueError(
            f"{name} must have a finite largest entry along axis {axis}, "
            "got a NaN, an infinity or nothing but -inf"
        )
    return x


def lengths(values, length):
    """Return the lengths of padded sequences, and their common length.

    Raises
    ------
    TypeError
        If ``length`` is not an integer.
    ValueError
        If it is below 1, or ``lengths`` are not integers from 0 to it.
    """
    length = count("length", length)
    values = as_array("lengths", values)
    fits = (
        values.dtype.kind in "iu" and ((values >= 0) & (values <= length)).all()
    )
    if not fits:
        raise ValueError(
            f"lengths must be integers from 0 to length = {length}, got"
            f" {values}"
        )
    return values, length


def attention(query, key, value, mask):
    """Return the arguments of attention as arrays that fit, the mask in the
    weights' shape.

    Raises
    ------
    ValueError
        If shapes do not fit, an array holds a NaN or an infinity, the mask is
        not boolean or does not fit, or a query has no key to attend to.
    """
    query = numbers("query", query, at_least=2)
    key = numbers("key", key, at_least=2)
    value = numbers("value", value, at_least=2)
    if query.shape[-1] != key.shape[-1] or query.shape[-1] == 0:
        raise ValueError(
            "query and key must have the same width d_k >= 1, "
            f"got shapes {query.shape} and {key.shape}"
        )
    if key.shape[-2] != value.shape[-2] or key.shape[-2] == 0:
        raise ValueError(
            "key and value must have the same length T_k >= 1, "
            f"got shapes {key.shape} and {value.shape}"
        )
    batch = _batch_shape(query=query, key=key, value=value)
    if mask is not None:
        mask = _mask(mask, (*batch, query.shape[-2], key.shape[-2]))
    return query, key, value, mask


def compared(query, key, mask):
    """Return queries, keys and a mask that fit each other; the mask may leave a
    query without a key.

    Raises
    ------
    ValueError
        If shapes do not fit, an array holds a NaN or an infinity, or the mask
        is not boolean.
    """
    query, key = fit("... q d, ... k d", query=query, key=key)
    if mask is not None:
        mask = as_array("mask", mask)
        expected = (query.shape[-2], key.shape[-2])
        if mask.dtype != bool or any(
            size not in (1, wanted)
            for size, wanted in zip(
                mask.shape[::-1], expected[::-1], strict=False
            )
        ):
            raise ValueError(
                f"mask must be boolean and broadcast to (..., {expected[0]},"
                f" {expected[1]}), got {mask.dtype} and {mask.shape}"
            )
    return query, key, mask


def multi_head_attention(
    x, context, w_query, w_key, w_value, w_output, num_heads, mask
):
    """Return the arguments of multi-head attention as arrays that fit, the mask
    as (..., 1, T, T_k).

    Raises
    ------
    TypeError
        If ``num_heads`` is not an integer.
    ValueError
        If shapes do not fit, or ``num_heads`` does not divide the columns.
    """
    x = numbers("x", x, at_least=2)
    context = numbers("context", context, at_least=2)
    w_query = _projection("w_query", w_query, x.shape[-1])
    w_key = _projection("w_key", w_key, context.shape[-1], w_query.shape[1])
    w_value = _projection("w_value", w_value, context.shape[-1])
    w_output = _projection("w_output", w_output, w_value.shape[1])
    num_heads = heads("the columns of w_query", w_query.shape[1], num_heads)
    heads("the columns of w_value", w_value.shape[1], num_heads)
    batch = _batch_shape(x=x, context=context)
    if mask is not None:
        mask = _mask(mask, (*batch, x.shape[-2], context.shape[-2]))
        mask = mask[..., None, :, :]  # the same for every head
    return x, context, w_query, w_key, w_value, w_output, num_heads, mask


def heads(name, width, num_heads):
    """Return the number of heads, which must divide a width.

    Raises
    ------
    TypeError
        If it is not an integer.
    ValueError
        If it is below 1 or does not divide the width.
    """
    num_heads = count("num_heads", num_heads)
    if width % num_heads:
        raise ValueError(
            f"num_heads must divide {name}, {width}, got {num_heads}"
        )
    return num_heads


def overflow(values):
    """Check that dot products of finite numbers are finite.

    Raises
    ------
    ValueError
        If one is not.
    """
    if not np.isfinite(values).all():
        raise ValueError(
            "query and key are too large: their dot products overflow"
        )


def pairs_of_rows(name, weights, num_heads):
    """Return a matrix whose rows are heads of an even width.

    Raises
    ------
    TypeError
        If ``num_heads`` is not an integer.
    ValueError
        If the matrix is none, has other rows, or holds a NaN or an infinity.
    """
    weights = numbers(name, weights)
    if weights.ndim != 2 or len(weights) % (2 * count("num_heads", num_heads)):
        raise ValueError(
            f"{name} must have two axes, and rows for {num_heads} heads of an"
            f" even width, got the shape {weights.shape}"
        )
    return weights


def waves(name, width, base):
    """Return the width of vectors whose entries are taken in pairs.

    Raises
    ------
    TypeError
        If it is not an integer.
    ValueError
        If it is below 1 or odd, or ``base`` is not positive.
    """
    width = count(name, width)
    if width % 2:
        raise ValueError(
            f"{name} must be even, since entries are taken in pairs, got"
            f" {width}"
        )
    positive(base=base)
    return width


def rotation(x, positions, base):
    """Return vectors (..., T, d) and their positions (..., T).

    Raises
    ------
    ValueError
        If ``d`` is odd, ``positions`` do not fit the leading axes of ``x`` or
        hold no finite numbers, or ``base`` is not positive.
    """
    x = numbers("x", x, at_least=2)
    waves("the last axis of x", x.shape[-1], base)
    positions = np.arange(x.shape[-2]) if positions is None else positions
    positions = numbers("positions", positions, at_least=1)
    try:
        return x, np.broadcast_to(positions, x.shape[:-1])
    except ValueError:
        raise ValueError(
            f"positions must broadcast to shape {x.shape[:-1]}, got"
            f" {positions.shape}"
        ) from None


def _batch_shape(**arrays):
    try:
        return np.broadcast_shapes(
            *(array.shape[:-2] for array in arrays.values())
        )
    except ValueError:
        shapes = ", ".join(
            f"{name} {array.shape}" for name, array in arrays.items()
        )
        raise ValueError(
            f"leading axes must broadcast together, got {shapes}"
        ) from None


def _mask(mask, expected):
    mask = as_array("mask", mask)
    if mask.dtype != bool:
        raise ValueError(
            f"mask must be boolean, True where allowed, got dtype {mask.dtype}"
        )
    try:
        mask = np.broadcast_to(mask, expected)
    except ValueError:
        raise ValueError(
            f"mask must broadcast to shape {expected}, got {mask.shape}"
        ) from None
    if not mask.any(axis=-1).all():
        row = tuple(int(i) for i in np.argwhere(~mask.any(axis=-1))[0])
        raise ValueError(
            "mask must allow every query at least one key, got none for query"
            f" {row}"
        )
    return mask


def _projection(name, matrix, rows, columns=None):
    matrix = numbers(name, matrix, at_least=2)
    if (
        matrix.ndim != 2
        or matrix.shape[0] != rows
        or columns not in (None, matrix.shape[1])
    ):
        wanted = f"({rows}, {'any' if columns is None else columns})"
        raise ValueError(f"{name} must have shape {wanted}, got {matrix.shape}")
    return matrix


# --- losses -----------------------------------------------------------------


def questions(logits, targets):
    """Return the logits and targets of yes-or-no questions, in one shape.

    Raises
    ------
    ValueError
        If the shapes differ, there is no question, a logit is not finite or a
        target lies outside [0, 1].
    """
    logits = array("logits", logits, finite=False).astype(float)
    targets = array("targets", targets, finite=False).astype(float)
    if logits.shape != targets.shape or logits.size == 0:
        raise ValueError(
            "logits and targets must have one shape and hold at least one"
            f" entry, got {logits.shape} and {targets.shape}"
        )
    _finite("logits", logits)
    if not ((targets >= 0) & (targets <= 1)).all():
        raise ValueError(
            f"targets must lie in [0, 1], got {targets.min()} to"
            f" {targets.max()}"
        )
    return logits, targets


def choices(logits, targets, mask, label_smoothing, class_weights):
    """Return what a cross-entropy needs: logits (..., V), targets (...), the
    mask (...) and the weights (V,), all True and all 1 unless given.

    Raises
    ------
    ValueError
        If shapes do not match, no position counts, a target that counts is not
        in ``range(V)``, or the smoothing or a weight is out of range.
    TypeError
        If the targets are not integers or the mask is not boolean.
    """
    logits = array("logits", logits, 1, finite=False).astype(float)
    targets = filled("targets", as_array("targets", targets))
    if mask is None:
        mask = np.ones(targets.shape, bool)
    mask = as_array("mask", mask)
    if mask.dtype != bool:
        raise TypeError(
            "mask must be boolean, True where a position counts, got"
            f" {mask.dtype}"
        )
    if mask.shape != targets.shape or logits.shape[:-1] != targets.shape:
        raise ValueError(
            "logits, targets and mask must have shapes (..., V), (...) and"
            f" (...), got {logits.shape}, {targets.shape} and {mask.shape}"
        )
    if not targets.size:
        raise ValueError(
            f"targets must hold at least one class, got shape {targets.shape}"
        )
    if not mask.any():
        raise ValueError("mask must be True for some position, got none")
    scores(logits[mask], -1, "logits")
    num_classes = logits.shape[-1]
    counted = ids("targets", targets[mask], num_classes)  # (N,)
    within("label_smoothing", label_smoothing, 0, 1)
    weights = _class_weights(class_weights, num_classes)  # (V,)
    if weights[counted].sum() == 0:
        raise ValueError(
            "class_weights must be positive for some target, got 0 for all of"
            " them"
        )
    targets = np.zeros(mask.shape, dtype=int)  # 0 where it does not count
    targets[mask] = counted
    return logits, targets, mask, weights


def classes(name, values, logits):
    """Return classes (...), for logits (..., V).

    Raises
    ------
    TypeError
        If they are not integers.
    ValueError
        If shapes do not fit, there is none, or one lies outside of
        ``range(V)``.
    """
    values = filled(name, as_array(name, values))
    shape(name, values, np.shape(logits)[:-1])
    return ids(name, values, np.shape(logits)[-1])


def distribution(name, values, axis):
    """Return probabilities that sum to 1 along an axis.

    Raises
    ------
    TypeError
        If the axis is not an integer.
    ValueError
        If the entries are none.
    """
    values = array(name, values, at_least=1, finite=False).astype(float)
    has_axis("axis", axis, values.ndim)
    filled(name, values)
    if not (values >= 0).all() or not np.allclose(
        values.sum(axis=axis), 1, atol=1e-4
    ):
        raise ValueError(
            f"{name} must be probabilities that sum to 1 along axis {axis}, got"
            f" sums {np.unique(values.sum(axis=axis))[:3]} and a least entry"
            f" {values.min()}"
        )
    return values


def labelled_logits(logits, labels):
    """Return logits (N, V), of two classes if they are log-odds (N,), and
    labels (N,).

    Raises
    ------
    ValueError
        If shapes do not match, a logit is not finite, or a label is no class.
    TypeError
        If the labels are not integers.
    """
    logits = array("logits", logits, finite=False).astype(float)
    if logits.ndim == 1:
        logits = np.stack([np.zeros_like(logits), logits], axis=-1)  # (N, 2)
    logits, labels = _labelled("logits", logits, labels)
    _finite("logits", logits)
    return logits, labels


def labelled_probabilities(probabilities, labels):
    """Return probabilities (N, V), of two classes if they are (N,), and labels
    (N,).

    Raises
    ------
    ValueError
        If shapes do not match, the entries are not probabilities, or a label is
        no class.
    TypeError
        If the labels are not integers.
    """
    values = array("probabilities", probabilities, finite=False)
    values = values.astype(float)
    if values.ndim == 1:
        values = np.stack([1 - values, values], axis=-1)  # (N, 2)
    values, labels = _labelled("probabilities", values, labels)
    return distribution("probabilities", values, axis=-1), labels


def _labelled(name, values, labels):
    if values.ndim != 2:
        raise ValueError(
            f"{name} must have the shape (N,) or (N, V), got {values.shape}"
        )
    labels = as_array("labels", labels)
    if labels.shape != values.shape[:-1] or labels.size == 0:
        raise ValueError(
            f"labels must have shape {values.shape[:-1]} and an entry, got"
            f" {labels.shape}"
        )
    return values, ids("labels", labels, values.shape[-1])


def _class_weights(class_weights, num_classes):
    if class_weights is None:
        return np.ones(num_classes)
    weights = array("class_weights", class_weights, finite=False).astype(float)
    if (
        weights.shape != (num_classes,)
        or not (np.isfinite(weights) & (weights >= 0)).all()
    ):
        raise ValueError(
            f"class_weights must be {num_classes} numbers that are not"
            f" negative, got {weights}"
        )
    return weights


def _finite(name, values):
    if not np.isfinite(values).all():
        raise ValueError(
            f"{name} must be finite, got {values[~np.isfinite(values)][0]}"
        )


# --- questions and passages -------------------------------------------------


def questions_of_passages(name, values):
    """Return examples of questions and passages, as lists of words.

    Raises
    ------
    TypeError
        If they have no question, passage and answer of those kinds.
    ValueError
        If there is none, question or passage holds no word, a word is empty, or
        an answer lies outside of its passage.
    """
    found = items(name, values, "examples")
    if not found:
        raise ValueError(f"{name} must hold at least one example, got none")
    for value in found:
        offers(name, value, "question", "passage", "answer")
        for part in ("question", "passage"):
            if not all(some(part, texts(part, getattr(value, part)), "words")):
                raise ValueError(f"{part} must not hold an empty word")
        if value.answer:
            start, end = rows_of_ids("answer", [value.answer], 2**31, 2)[0]
            if not start <= end < len(value.passage):
                raise ValueError(
                    "answer must be the first and the last place of some of"
                    f" the passage's {len(value.passage)} words, got"
                    f" {tuple(value.answer)}"
                )
    return found


def view_ids(name, values, size):
    """Return the ids (B, T, N) of the views of a batch of texts.

    Raises
    ------
    TypeError
        If they are not integers.
    ValueError
        If they have other axes, there is none, or as :func:`ids`.
    """
    values = as_array(name, values)
    if values.ndim != 3 or not values.size:
        raise ValueError(
            f"{name} must have the shape (B, T, N), got {values.shape}"
        )
    return ids(name, values, size)


def pointers(logits, separators):
    """Return the logits (B, 2, T) of first and last tokens, and where passages
    begin, (B,).

    Raises
    ------
    TypeError
        If separators are not integers.
    ValueError
        If shapes do not fit, a logit is not finite, or a separator is none of
        the positions before the last.
    """
    logits = numbers("logits", logits)
    if logits.ndim != 3 or logits.shape[1] != 2 or not logits.size:
        raise ValueError(
            f"logits must have the shape (B, 2, T), got {logits.shape}"
        )
    separators = text_ids("separators", separators, logits.shape[2] - 1)
    as_many(logits=logits, separators=separators)
    return logits, separators


def margins(values, is_answered, right):
    """Return the margins (N,) of questions, whether they have an answer, and
    whether the best span is it.

    Raises
    ------
    TypeError
        If the last two are not of booleans.
    ValueError
        If there is no question, a margin is not finite, or there are not as
        many of each.
    """
    values = numbers("margins", values, at_least=1)
    if values.ndim > 1 or len(values) == 0:
        raise ValueError(
            "margins must hold at least one question, got the shape"
            f" {values.shape}"
        )
    flags = {"is_answered": is_answered, "right": right}
    for name in flags:
        flags[name] = as_array(name, flags[name])
        if flags[name].dtype != bool:
            raise TypeError(f"{name} must be booleans, got {flags[name].dtype}")
        shape(name, flags[name], values.shape)
    return values, *flags.values()


def sections(name, values):
    """Return sections, each with a title and passages, as a list.

    Raises
    ------
    TypeError
        If they are none.
    ValueError
        If there is none, or one has no passage.
    """
    found = items(name, values, "sections")
    if not found:
        raise ValueError(f"{name} must hold at least one section, got none")
    for value in found:
        offers(name, value, "title", "passages")
        some(f"the passages of {value.title!r}", value.passages, "passages")
    return found


# --- learning from feedback -------------------------------------------------


def budget(annotations, seconds):
    """Check a budget, in annotations or in seconds.

    Raises
    ------
    TypeError
        If it is no number, or not a whole one of annotations.
    ValueError
        If it is negative, or not finite.
    """
    if annotations is not None:
        count("annotations", annotations, least=0)
    if seconds is not None and finite("seconds", seconds) < 0:
        raise ValueError(f"seconds must be at least 0, got {seconds}")


def learner(task, model, generate, reference):
    """Check what a learner is made of.

    Raises
    ------
    TypeError
        If one lacks what the learner asks of it.
    """
    offers("task", task, "draft_prompt", "encode", "decode")
    offers("model", model, "trainable_variables", "get_weights")
    function("generate", generate)
    if reference is not None:
        offers("reference", reference, "get_weights")


def weights(name, values, model):
    """Check that arrays are of the shapes that a model's weights have.

    Raises
    ------
    TypeError
        If they cannot be listed.
    ValueError
        If they are others.
    """
    found = [array(name, each).shape for each in items(name, values, "arrays")]
    expected = [tuple(variable.shape) for variable in model.weights]
    if found != expected:
        raise ValueError(
            f"{name} must have the shapes {expected}, got {found[:9]}"
        )


def criticised(records, drafts, critiques):
    """Return records, drafts and critiques, as many of each, as lists.

    Raises
    ------
    TypeError
        If they cannot be listed, or a critique has no words.
    ValueError
        If there are not as many of each.
    """
    records = items("records", records, "records")
    drafts = items("drafts", drafts, "drafts")
    critiques = items("critiques", critiques, "critiques")
    as_many(records=records, drafts=drafts, critiques=critiques)
    for critique in critiques:
        offers("critiques", critique, "words")
    return records, drafts, critiques


def ticked(records, drafts, ticks, mask, group_size):
    """Check drafts, group by group, and the ticks of their criteria.

    Raises
    ------
    TypeError
        If they cannot be listed, or ticks are neither dictionaries nor None.
    ValueError
        If there are not as many of each, or no whole groups.
    """
    records = items("records", records, "records")
    drafts = items("drafts", drafts, "drafts")
    ticks = each("ticks", ticks, dict, type(None))
    as_many(records=records, drafts=drafts, ticks=ticks)
    mask = array("mask", mask, 2)
    as_many(ticks=ticks, mask=mask)
    if not ticks or len(ticks) % count("group_size", group_size):
        raise ValueError(
            f"group_size must divide the number of drafts, {len(ticks)}, got"
            f" {group_size}"
        )


def grpo(log_probs, old, reference, advantages, mask):
    """Check the numbers that a loss of GRPO takes, whose advantages are of
    whole texts or of tokens.

    Raises
    ------
    ValueError
        If one is not of finite real numbers, or has other axes.
    """
    if _is_known(advantages):
        advantages = as_array("advantages", advantages)
    of_texts = len(advantages.shape) == 1
    tensors(
        f"B T, B T, B T, {'B' if of_texts else 'B T'}, B T",
        log_probs=log_probs,
        old=old,
        reference=reference,
        advantages=advantages,
        mask=mask,
    )


def annotated(values, *attributes):
    """Return triples of a record, a draft and its critique, as a list.

    Raises
    ------
    TypeError
        If they cannot be listed, or a critique has not what is asked of it.
    ValueError
        If one is not of three.
    """
    found = []
    for value in items("annotated", values, "(record, draft, critique)"):
        triple = tuple(items("annotated", value, "record, draft, critique"))
        if len(triple) != 3:
            raise ValueError(
                "annotated must hold (record, draft, critique), got"
                f" {len(triple)}"
            )
        offers("annotated", triple[2], *attributes)
        found.append(triple)
    return found


def rows(name, arrays):
    """Return how many rows arrays have, as many each.

    Raises
    ------
    TypeError
        If one has none.
    ValueError
        If they differ, there is none, or one is not of real numbers.
    """
    for values in arrays:
        offers(name, values, "__len__", "shape")
        array(name, values, finite=False)
    sizes = {len(values) for values in arrays}
    if len(sizes) != 1 or 0 in sizes:
        raise ValueError(
            f"{name} must hold arrays of one positive length, got lengths"
            f" {sizes}"
        )
    return sizes.pop()


def rows_of_data(name, data):
    """Return how many rows the arrays of a dictionary have, as :func:`rows`.

    Raises
    ------
    TypeError
        If it is no dictionary, or one has none.
    ValueError
        If they differ, or there is none.
    """
    kind(name, data, dict)
    return rows(name, data.values())


def lesson(steps, learning_rate, batch_size, fresh):
    """Check the numbers of a training of a learner.

    Raises
    ------
    TypeError
        If one is none.
    ValueError
        If one is out of its range.
    """
    count("steps", steps, least=0)
    within("learning_rate", learning_rate, 0, math.inf, closed=False)
    count("batch_size", batch_size)
    flag("fresh", fresh)


def completed(prompts, completions, length):
    """Return prompts and completions as lists of ids, as many of each.

    Raises
    ------
    TypeError
        If they are not of integers.
    ValueError
        If there are not as many, a prompt is empty, or one is too long with its
        completion.
    """
    prompts = [
        text_ids("prompts", filled("prompts", each), 2**31).tolist()
        for each in items("prompts", prompts, "lists of ids")
    ]
    completions = [
        text_ids("completions", each, 2**31).tolist()
        for each in items("completions", completions, "lists of ids")
    ]
    as_many(prompts=prompts, completions=completions)
    for prompt, completion in zip(prompts, completions, strict=True):
        if len(prompt) + len(completion) > length:
            raise ValueError(
                f"length must hold prompts with their completions, got {length}"
                f" for {len(prompt)} and {len(completion)}"
            )
    return prompts, completions


def method(learner, annotator, learning_rate, **counts):
    """Check what a method of learning from feedback is told.

    Raises
    ------
    TypeError
        If learner or annotator are none, or a number is none.
    ValueError
        If a number is out of its range.
    """
    drafts_of(learner, annotator)
    for name, number in counts.items():
        count(name, number)
    within("learning_rate", learning_rate, 0, math.inf, closed=False)


def drafts_of(learner, annotator):
    """Check who writes drafts, and who speaks of them.

    Raises
    ------
    TypeError
        If one of them cannot.
    """
    offers("learner", learner, "task", "draft", "refine", "train")
    offers("annotator", annotator, "draw", "left")


def batch_for(model, batch, *keys):
    """Check a model and the batch that a loss reads.

    Raises
    ------
    TypeError
        If one of them is none.
    ValueError
        If the batch lacks something.
    """
    offers("model", model, "trainable_variables")
    kind("batch", batch, dict)
    if not set(keys) <= set(batch):
        raise ValueError(
            f"batch must hold {', '.join(keys)}, got {', '.join(batch)}"
        )


def compared_drafts(records, pairs):
    """Return records, and as many pairs of drafts, as lists.

    Raises
    ------
    TypeError
        If they cannot be listed.
    ValueError
        If there are not as many, or one is no pair.
    """
    records = items("records", records, "records")
    pairs = [two("pairs", pair) for pair in items("pairs", pairs, "pairs")]
    as_many(records=records, pairs=pairs)
    return records, pairs


def share_above_none(name, share):
    """Check that a share takes in something.

    Raises
    ------
    TypeError
        If it is not a number.
    ValueError
        If it is not above 0 and at most 1.
    """
    if not 0 < real(name, share) <= 1:
        raise ValueError(f"{name} must be in (0, 1], got {share}")


def some_positions(name, values, ids_):
    """Check positions (B, L) of ids (B, T), as far as both are known.

    Raises
    ------
    TypeError
        If they are not integers.
    ValueError
        If they have other axes, or are none of those.
    """
    if _is_known(values) and _is_known(ids_):
        rows_, length = np.shape(ids_)
        shape(name, batch_ids(name, values, length)[:, :0], (rows_, 0))


def passes(epochs):
    """Check how many passes over some texts there are at most, None for any.

    Raises
    ------
    TypeError
        If it is not an integer.
    ValueError
        If it is below 1.
    """
    if epochs is not None:
        count("epochs", epochs)


def lessons(name, values, methods):
    """Return lessons, each a method, its annotations and its options.

    Raises
    ------
    TypeError
        If they cannot be listed, or a part is of another type.
    ValueError
        If one is not of three, or there is no such method.
    """
    found = [tuple(items(name, each, "parts")) for each in items(name, values)]
    for lesson in found:
        if len(lesson) != 3:
            raise ValueError(
                f"{name} must hold (method, annotations, options), got"
                f" {len(lesson)}"
            )
        one_of(f"a method of {name}", lesson[0], methods)
        count(f"the annotations of {name}", lesson[1])
        kind(f"the options of {name}", lesson[2], dict)
    return found


def paid(number):
    """Check that a budget pays an answer at all.

    Raises
    ------
    ValueError
        If it does not.
    """
    if number < 1:
        raise ValueError(
            f"annotator must have annotations left, got a budget for {number}"
        )


def known_token(token):
    """Check a token, if it is known.

    Raises
    ------
    TypeError
        If it is not an integer.
    ValueError
        If it is negative.
    """
    if _is_known(token):
        count("token", token, least=0)


def mask_of_targets(ids_, mask):
    """Check that a mask (B, T - 1) fits ids (B, T).

    Raises
    ------
    ValueError
        If it does not, or is no numbers.
    """
    tensors("B T, B U", ids=ids_, mask=mask)
    if None not in (ids_.shape[1], mask.shape[1]):
        shape("mask", mask[:1, :], (1, ids_.shape[1] - 1))


def tensors(shapes, **values):
    """Check numbers that a loss takes and that fit each other, as :func:`fit`
    does; of those that stand for numbers in a graph, the shapes alone.

    Raises
    ------
    ValueError
        If one is not of finite real numbers, or has other axes.
    """
    sizes: dict[str, int] = {}
    for (name, value), expected in zip(
        values.items(), shapes.split(", "), strict=True
    ):
        value = array(name, value) if _is_known(value) else value
        own, given = expected.split(), tuple(value.shape)
        if len(given) != len(own) or any(
            size is not None and sizes.setdefault(axis, size) != size
            for axis, size in zip(own, given, strict=True)
        ):
            raise ValueError(
                f"{name} must have the shape ({', '.join(own)}) with {sizes},"
                f" got {given}"
            )


def known_weights(**values):
    """Check that numbers, as far as they are known, are finite and at least 0.

    Raises
    ------
    TypeError
        If one is not a number.
    ValueError
        If one is negative, or not finite.
    """
    for name, value in values.items():
        if _is_known(value):
            within(name, value, 0, math.inf, closed=False)


# --- messages and criticism -------------------------------------------------


def edits(name, values, known):
    """Return edits as a list of tuples of strings, each a known one.

    Raises
    ------
    TypeError
        If one is not of strings.
    ValueError
        If one is not known.
    """
    found = [tuple(texts(name, each)) for each in items(name, values, "edits")]
    for value in found:
        if value not in known:
            raise ValueError(
                f"{name} must be one of wording.EDITS, got {value!r}"
            )
    return found


def phrases(name, values, known):
    """Check that each phrase is a known one.

    Raises
    ------
    ValueError
        If one is none.
    """
    for value in values:
        if value not in known:
            raise ValueError(
                f"{name} must be phrasings of wording.phrasings, joined by"
                f" 'and', 'also' or ';', got {value[:80]!r}"
            )


def known_words(name, words, known):
    """Check that words are all of a vocabulary.

    Raises
    ------
    ValueError
        If one is not.
    """
    unknown = [word[:20] for word in words if word not in known]
    if unknown:
        raise ValueError(
            f"{name} must be of words that the model has read, of the task's"
            f" VOCABULARY, got {', '.join(map(repr, unknown[:5]))}"
        )


def at_most(name, ids, longest):
    """Check that a prompt is not longer than any that a model has read.

    Raises
    ------
    ValueError
        If it is.
    """
    if len(ids) > longest:
        raise ValueError(
            f"{name} must fit into a prompt of {longest} tokens, got {len(ids)}"
        )


def readable(name, draft, message):
    """Check that a draft was found to be a message.

    Raises
    ------
    ValueError
        If it was not.
    """
    if message is None:
        shown = draft if isinstance(draft, str) else " ".join(draft)
        raise ValueError(
            f"{name} must be a message about its record, got {shown[:200]!r}"
        )


def fields(name, record, names, options):
    """Check that some fields of a record are each one of a few options.

    Raises
    ------
    ValueError
        If one is none.
    """
    for each in names:
        if getattr(record, each) not in options[each]:
            one_of(f"{each} of {name}", getattr(record, each), options[each])


def message(name, value, wanted, options, parts):
    """Check a message: its class, its options, and the names of its parts.

    Raises
    ------
    TypeError
        If it is of another class.
    ValueError
        If an option or a part is not known.
    """
    kind(name, value, wanted)
    fields(name, value, options, options)
    for part in value.parts:
        one_of(f"a part of {name}", two(f"parts of {name}", part)[0], parts)


def mentioned(name, part, parts):
    """Check that a part that is to be moved is there.

    Raises
    ------
    ValueError
        If it is not.
    """
    if part not in parts:
        raise ValueError(
            f"{name} must swap parts that the message has, {parts}, got"
            f" {part!r}"
        )


def options(name, values, known):
    """Check choices, each with some of its known options.

    Raises
    ------
    TypeError
        If they are no dictionary.
    ValueError
        If they are others, or one has no option.
    """
    kind(name, values, dict)
    if set(values) != set(known) or any(
        not values[each] or not set(values[each]) <= set(known[each])
        for each in known
    ):
        raise ValueError(
            f"{name} must have options of {', '.join(known)}, got {values}"
        )


def slots(name, text_, wanted):
    """Check that a text has the places to be filled, each once, and no others.

    Raises
    ------
    TypeError
        If it is no string.
    ValueError
        If it has others.
    """
    text(name, text_)
    found = re.findall(r"\{([^{}]*)\}|[{}]", text_)
    if sorted(found) != sorted(wanted):
        raise ValueError(
            f"{name} must have the places {', '.join(wanted)} in braces, got"
            f" {text_!r}"
        )


def values_of_fields(name, values, names):
    """Return pairs of a field and what it is to be, a list.

    Raises
    ------
    TypeError
        If they are not of strings.
    ValueError
        If one is no pair, or there is no such field.
    """
    found = [two_texts(name, pair) for pair in items(name, values, "pairs")]
    for field, _ in found:
        one_of(f"each field of {name}", field, names)
    return found


# --- examples of roles ------------------------------------------------------


def parts_of_clause(parts, subject, gap, phrase):
    """Return the parts of a clause, each a phrase with its role or None.

    Raises
    ------
    TypeError
        If a part is no phrase, or a role no string.
    ValueError
        If a part is no pair, or there is not one verb.
    """
    text("subject", subject)
    if gap is not None:
        text("gap", gap)
    found = [two("parts", part) for part in items("parts", parts, "pairs")]
    for words, role in found:
        kind("parts", words, phrase)
        if role is not None:
            text("a role of parts", role)
    verbs = sum(role == "V" for _, role in found)
    if verbs != 1:
        raise ValueError(f"parts must hold one verb, 'V', got {verbs}")
    return found


def example(name, value, with_spans=False, tags=None):
    """Check an example of a sentence whose words have roles.

    Raises
    ------
    TypeError
        If it has no words, predicate or, ``with_spans``, spans.
    ValueError
        If there is no word, one is empty, the predicate is none of them, a span
        lies outside of them, spans overlap, or a role has no tag.
    """
    offers(name, value, "words", "predicate", *["spans"] * with_spans)
    words = some("words", texts("words", value.words), "words")
    sentence = " ".join(words)
    if not all(word.strip() for word in words):
        raise ValueError(
            f"words must not be empty or white space, got one in {sentence!r}"
        )
    if not 0 <= integer("predicate", value.predicate) < len(words):
        raise ValueError(
            f"predicate must be the position of one of the {len(words)} words"
            f" of {sentence!r}, got {value.predicate}"
        )
    end_before = 0
    for start, end, role in sorted(spans(value.spans)) if with_spans else ():
        if not end_before <= start < end <= len(words):
            raise ValueError(
                "spans must lie within the words and not overlap, got"
                f" {(start, end, role)} in the {len(words)} words of"
                f" {sentence!r}"
            )
        if tags is not None and f"B-{role}" not in tags:
            raise ValueError(
                f"spans must have roles that the tagger knows, got {role!r}"
            )
        end_before = end


def spans(values, name="spans"):
    """Return spans, each (start, end, role).

    Raises
    ------
    TypeError
        If they are none.
    ValueError
        If one is not of three.
    """
    found = []
    for span in items(name, values, "(start, end, role)"):
        span = tuple(items(name, span, "(start, end, role)"))
        if len(span) != 3:
            raise ValueError(f"{name} must be (start, end, role), got {span}")
        start, end, role = span
        text(f"a role of {name}", role)
        found.append((integer(name, start), integer(name, end), role))
    return found


def examples(name, values, with_spans=False, tags=None):
    """Return examples as a list, each checked as :func:`example` does.

    Raises
    ------
    TypeError, ValueError
        As :func:`example`; or if there is none.
    """
    found = items(name, values, "examples")
    if not found:
        raise ValueError(f"{name} must hold at least one example, got none")
    for value in found:
        example(name, value, with_spans, tags)
    return found


def heads_of_examples(values, weights):
    """Return examples with spans, and the weights (T, T) of a head for each.

    Raises
    ------
    TypeError
        If examples are none.
    ValueError
        If there are not as many weights, of the examples' lengths, or no
        example has a span.
    """
    values = examples("examples", values, with_spans=True)
    weights = [numbers("weights", each) for each in items("weights", weights)]
    as_many(examples=values, weights=weights)
    for value, each in zip(values, weights, strict=True):
        shape("weights", each, (len(value.words),) * 2)
    if not any(len(value.spans) for value in values):
        raise ValueError("examples must have a span, got none with one")
    return values, weights


# --- tags and heads ---------------------------------------------------------


def tags(values):
    """Return BIO tags as a list.

    Raises
    ------
    TypeError
        If they are not strings.
    ValueError
        If one is neither ``O`` nor begins with ``B-`` or ``I-``.
    """
    values = texts("tags", values)
    for tag in values:
        if tag != "O" and tag[:2] not in ("B-", "I-"):
            raise ValueError(f"tags must be 'O', 'B-…' or 'I-…', got {tag!r}")
    return values


def tag_scores(scores, allowed):
    """Return scores (T, N) of tags, and which may follow which (N + 1, N).

    Raises
    ------
    ValueError
        If the shapes do not fit, or there is no word.
    """
    scores, allowed = numbers("scores", scores), as_array("allowed", allowed)
    if (
        scores.ndim != 2
        or not len(scores)
        or allowed.shape != (scores.shape[1] + 1, scores.shape[1])
    ):
        raise ValueError(
            "scores must have the shape (T, N) with at least one word and"
            f" allowed (N + 1, N), got {scores.shape} and {allowed.shape}"
        )
    return scores, allowed


def passable(name, best):
    """Check that a path reached some end, which has a score.

    Raises
    ------
    ValueError
        If it reached none.
    """
    if np.isneginf(best).all():
        raise ValueError(f"{name} must let a path through, got none that does")


def weights_of_repetition(weights, period):
    """Return weights (..., L, H, T, T) of a text that is some tokens twice.

    Raises
    ------
    TypeError
        If ``period`` is not an integer.
    ValueError
        If ``period`` is below 3 or the weights are no finite numbers of twice
        as many positions.
    """
    weights = numbers("weights", weights)
    if (
        integer("period", period) < 3
        or weights.ndim < 4
        or weights.shape[-2:] != (2 * period, 2 * period)
        or not weights.size
    ):
        raise ValueError(
            "weights must be of 2 * period positions, and period at least 3,"
            f" got the shape {weights.shape} and period {period}"
        )
    return weights


def layers_and_heads(name, values, num_layers, num_heads):
    """Return heads as a list of (layer, head).

    Raises
    ------
    TypeError
        If they are not pairs of integers.
    ValueError
        If a model of so many layers and heads has none such.
    """
    found = []
    for value in items(name, values, "(layer, head)"):
        pair = tuple(integer(name, each) for each in items(name, value))
        if (
            len(pair) != 2
            or pair[0] not in range(num_layers)
            or pair[1] not in range(num_heads)
        ):
            raise ValueError(
                f"{name} must be (layer, head) of {num_layers} layers and"
                f" {num_heads} heads, from 0, got {pair}"
            )
        found.append(pair)
    return found


# --- gradients and optimisers -----------------------------------------------


def gradients_of(gradients, inputs):
    """Check that there is a gradient, or None, for each input, of its shape.

    Raises
    ------
    TypeError
        If they cannot be listed.
    ValueError
        If numbers or shapes differ, or there is no gradient at all.
    """
    gradients, inputs = items("gradients", gradients), items("inputs", inputs)
    given = [gradient for gradient in gradients if gradient is not None]
    if len(gradients) != len(inputs) or not given:
        raise ValueError(
            "gradients must hold an array or None for each input and at least"
            f" one array, got {len(gradients)} for {len(inputs)} inputs"
        )
    pairs = zip(gradients, inputs, strict=True)
    for index, (gradient, given) in enumerate(pairs):
        if gradient is not None:
            name = f"gradients[{index}]"
            shape(name, array(name, gradient), np.shape(given))


def broadcast(shape_before, shape_after, name="shape", to="grad"):
    """Check that one shape broadcasts to another.

    Raises
    ------
    TypeError
        If it is not of integers.
    ValueError
        If it does not.
    """
    for size in items(name, shape_before, "integers"):
        integer(name, size)
    try:
        reached = np.broadcast_shapes(shape_before, shape_after)
    except ValueError:
        reached = None
    if reached != shape_after:
        raise ValueError(
            f"{name} must broadcast to {to}, {shape_after}, got {shape_before}"
        )


def matrices(left, right):
    """Check that both sides of a product have two axes or more.

    Raises
    ------
    ValueError
        If one has not.
    """
    if left.ndim < 2 or right.ndim < 2:
        raise ValueError(
            f"@ needs at least two axes on both sides, got {left.shape} and"
            f" {right.shape}"
        )


def float_arrays(parameters):
    """Return a list of arrays of floats, which can be changed in place.

    Raises
    ------
    TypeError
        If one of them is something else.
    """
    parameters = items("parameters", parameters, "arrays")
    for parameter in parameters:
        if not (
            isinstance(parameter, np.ndarray)
            and np.issubdtype(parameter.dtype, np.floating)
        ):
            raise TypeError(
                "parameters must be arrays of floats, got"
                f" {type(parameter).__name__}"
            )
    return parameters


def same_shapes(gradients, parameters):
    """Check that gradients fit parameters, one by one.

    Raises
    ------
    TypeError
        If they cannot be listed.
    ValueError
        If they do not fit, or are no numbers.
    """
    given = [
        array("gradients", gradient, finite=False).shape
        for gradient in items("gradients", gradients, "arrays")
    ]
    expected = [parameter.shape for parameter in parameters]
    if given != expected:
        raise ValueError(
            f"gradients must have the shapes {expected}, got {given}"
        )


def finite_norm(norm):
    """Check that a norm is a finite number: a NaN has no direction to keep.

    Raises
    ------
    ValueError
        If it is none.
    """
    if not math.isfinite(norm):
        raise ValueError(f"gradients must have a finite norm, got {norm}")


def schedule(step, warmup_steps, total_steps):
    """Check the steps of a schedule.

    Raises
    ------
    TypeError
        If one is not a number.
    ValueError
        If ``warmup_steps`` does not lie in [0, total_steps) or ``step`` is
        negative.
    """
    real("step", step)
    if (
        not 0
        <= real("warmup_steps", warmup_steps)
        < real("total_steps", total_steps)
    ):
        raise ValueError(
            f"warmup_steps must lie in [0, total_steps = {total_steps}), got"
            f" {warmup_steps}"
        )
    if not step >= 0:
        raise ValueError(f"step must be 0 or more, got {step}")


def measurements(amounts, losses):
    """Return amounts (N,) and losses (N,) that a power law can be fitted to.

    Raises
    ------
    ValueError
        If they do not fit each other, are not positive, or hold a single
        amount.
    """
    amounts = array("amounts", amounts).astype(float)
    losses = array("losses", losses).astype(float)
    if amounts.shape != losses.shape or amounts.ndim != 1:
        raise ValueError(
            "amounts and losses must be two lists of one length, got shapes"
            f" {amounts.shape} and {losses.shape}"
        )
    if (
        len(np.unique(amounts)) < 2
        or not (amounts > 0).all()
        or not (losses > 0).all()
    ):
        raise ValueError(
            "amounts and losses must be positive, with at least two different"
            " amounts"
        )
    return amounts, losses


# --- corpora and measures ---------------------------------------------------


def flag(name, value):
    """Check that a value is True or False.

    Raises
    ------
    TypeError
        If it is neither.
    """
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False, got {_kind(value)}")


def matrix(name, values):
    """Return numbers (Q, N), at least one of each.

    Raises
    ------
    ValueError
        If they are none, or of another shape.
    """
    values = numbers(name, values)
    if values.ndim != 2 or not values.size:
        raise ValueError(
            f"{name} must have the shape (Q, N), neither 0, got {values.shape}"
        )
    return values


def vector(name, values):
    """Return numbers (N,), at least one.

    Raises
    ------
    ValueError
        If they are none, or of another shape.
    """
    values = numbers(name, values)
    if values.ndim != 1 or not values.size:
        raise ValueError(
            f"{name} must have the shape (N,), N not 0, got {values.shape}"
        )
    return values


def words_of(name, value, *attributes):
    """Check that a value has what a function reads of it: strings, or lists of
    them.

    Raises
    ------
    TypeError
        If it has not.
    """
    offers(name, value, *attributes)
    for attribute in attributes:
        found = getattr(value, attribute)
        if not isinstance(found, str):
            texts(f"{attribute} of {name}", found)


def listed(name, values, *attributes, least=1):
    """Return a list of things that have what a function reads of them.

    Raises
    ------
    TypeError
        If one has not, or there is no list.
    ValueError
        If there are too few.
    """
    found = items(name, values)
    if len(found) < least:
        raise ValueError(f"{name} must hold at least {least}, got {len(found)}")
    for value in found:
        words_of(name, value, *attributes)
    return found


def text_lists(name, values):
    """Return a list of lists of strings.

    Raises
    ------
    TypeError
        If it is something else.
    """
    return [texts(name, value) for value in items(name, values, "lists")]


def two(name, values):
    """Return a pair of values.

    Raises
    ------
    TypeError
        If they cannot be listed.
    ValueError
        If they are not two.
    """
    found = items(name, values)
    if len(found) != 2:
        raise ValueError(f"{name} must be two, got {len(found)}")
    return tuple(found)


def two_that_rise(name, values, least=1):
    """Return a pair of integers, the second not below the first.

    Raises
    ------
    TypeError
        If they are not integers.
    ValueError
        If they are not two, fall, or begin too low.
    """
    low, high = (count(name, value, least) for value in two(name, values))
    if low > high:
        raise ValueError(f"{name} must not fall, got {low} and {high}")
    return low, high


def table(rows, caption, name, formats, best):
    """Check the rows, the caption, the label and the columns of a table.

    Raises
    ------
    TypeError
        If a row is no dictionary, or the caption no string.
    ValueError
        If there is no row, if the rows have different keys, if a value cannot
        be shown, if the label does not begin with ``tab-``, or if a column is
        unknown.
    """
    kind("caption", caption, str)
    if not isinstance(name, str) or not re.fullmatch(r"tab-[\w-]+", name):
        raise ValueError(
            f"name must be a label such as tab-scores, got {name!r}"
        )
    rows = some("rows", rows)
    for row in rows:
        kind("each of rows", row, dict)
        if list(row) != list(rows[0]):
            raise ValueError(
                f"rows must have the same keys, got {list(rows[0])} and"
                f" {list(row)}"
            )
        for key, value in row.items():
            _cell(f"the value of {key!r}", value)
    for argument, columns in (("formats", formats), ("best", best)):
        kind(argument, columns, dict)
        for column in columns:
            one_of(f"each column of {argument}", column, tuple(rows[0]))


def _cell(name, value):
    if isinstance(value, tuple):
        for part in two(name, value):
            real(name, part)
    elif value is not None and not isinstance(value, str):
        real(name, value)


def cards(examples, compare):
    """Check the texts of examples, and the names of those to be compared.

    Raises
    ------
    TypeError
        If an example is no dictionary, or a text no string.
    ValueError
        If there is no example, or one lacks a text that is to be compared.
    """
    for example in some("examples", examples):
        kind("each of examples", example, dict)
        for name, text in example.items():
            kind(f"the text {name!r}", text, str)
        for name in two("compare", compare) if compare else ():
            one_of("each name in compare", name, tuple(example))


def places(name, values, lists):
    """Return integers, each the place of something in a list of its own.

    Raises
    ------
    TypeError
        If one is not an integer.
    ValueError
        If there are not as many as lists, or a list is too short.
    """
    found = [count(name, value, 0) for value in items(name, values, "integers")]
    sizes = [len(each) for each in lists]
    if len(found) != len(sizes):
        raise ValueError(
            f"{name} must be one for each of {len(sizes)}, got {len(found)}"
        )
    for place, size in zip(found, sizes, strict=True):
        if place >= size:
            raise ValueError(
                f"{name} must name one of {size} places, got {place}"
            )
    return found


def problem(name, value, pattern, such_as):
    """Check that a text is of a form.

    Raises
    ------
    TypeError
        If it is no string.
    ValueError
        If it is of another.
    """
    text(name, value)
    if pattern.fullmatch(value) is None:
        raise ValueError(
            f"{name} must be written as {such_as!r} is, got {value[:200]!r}"
        )


def written_in(name, value, signs):
    """Check that a text has no signs but these.

    Raises
    ------
    TypeError
        If it is no string.
    ValueError
        If it has another.
    """
    text(name, value)
    others = sorted({*value} - {*signs})
    if others:
        raise ValueError(
            f"{name} must be written in the signs {signs!r}, got {others[:9]}"
        )


def right_of(name, values, n):
    """Return how many of ``n`` answers to each problem are right, (P,).

    Raises
    ------
    TypeError
        If ``n`` is not an integer.
    ValueError
        If they are no integers from 0 to ``n``, or there is none.
    """
    n = count("n", n)
    values = array(name, values, kinds="iu")
    if values.ndim != 1 or not values.size:
        raise ValueError(
            f"{name} must have the shape (P,), P at least 1, got {values.shape}"
        )
    if values.min() < 0 or values.max() > n:
        raise ValueError(
            f"{name} must lie between 0 and n={n}, got {values.min()} to"
            f" {values.max()}"
        )
    return values


def at_most_of(name, number, n):
    """Return an integer from 1 to ``n``.

    Raises
    ------
    TypeError
        If it is not an integer.
    ValueError
        If it is out of this range.
    """
    number = count(name, number)
    if number > n:
        raise ValueError(f"{name} must be at most n={n}, got {number}")
    return number


def answers_of_problems(name, values, wanted, k):
    """Return a list of answers for each problem, at least ``k`` for each.

    Raises
    ------
    TypeError
        If they are no lists of strings and None, or ``k`` is no integer.
    ValueError
        If there are not as many as problems, or an answer is missing.
    """
    k = count("k", k)
    found = [
        each(name, given, str, type(None))
        for given in items(name, values, "lists")
    ]
    as_many(**{name: found, "wanted": wanted})
    for given in found:
        items_at_least(name, given, k)
    return found


def problems(name, values, signs):
    """Return a list of texts, at least one, in which there are no signs but
    these.

    Raises
    ------
    TypeError
        If ``values`` is a single string, no list, or holds something else.
    ValueError
        If there is none, or one has another sign.
    """
    found = some(name, texts(name, values), "strings")
    for value in found:
        written_in(name, value, signs)
    return found


def entries(name, values):
    """Return a dictionary of strings.

    Raises
    ------
    TypeError
        If it is none.
    """
    if not isinstance(values, dict) or not all(
        isinstance(part, str) for pair in values.items() for part in pair
    ):
        raise TypeError(
            f"{name} must be a dictionary of strings, got {_kind(values)}"
        )
    return values


def tools(name, values, signs):
    """Return a dictionary of functions by these signs.

    Raises
    ------
    TypeError
        If it is none, or holds something else.
    ValueError
        If a sign is another.
    """
    if not isinstance(values, dict):
        raise TypeError(
            f"{name} must be a dictionary of functions, got {_kind(values)}"
        )
    for sign, tool in values.items():
        one_of(f"each sign of {name}", sign, tuple(signs))
        function(f"each of {name}", tool)
    return values


def limits(name, values):
    """Return the limits of an agent's run.

    Raises
    ------
    TypeError
        If they are none, or a number is none.
    ValueError
        If a number is out of its range.
    """
    offers(name, values, "calls", "signs", "turn", "seconds")
    count(f"{name}.calls", values.calls, least=0)
    count(f"{name}.signs", values.signs)
    count(f"{name}.turn", values.turn)
    within(f"{name}.seconds", values.seconds, 0, math.inf, closed=False)
    return values
