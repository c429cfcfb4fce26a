"""Read GGUF, the file format of llama.cpp: a header that says everything, then
quantised weights.

The layout is that of ggml's specification (``docs/gguf.md`` in its repository),
version 3, little end first; the blocks of quantised weights are those of its
``ggml-quants.c``.
"""

import math
import mmap
import struct
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from llmbook import checks

MAGIC, VERSION, ALIGNMENT = b"GGUF", 3, 32

# The kinds of values in a header, by their number; strings and arrays have a
# length of their own.
_NUMBERS = dict(enumerate("BbHhIif?")) | {10: "Q", 11: "q", 12: "d"}
_UINT32, _STRING, _ARRAY = 4, 8, 9
_ALIGNMENT_KEY, _MAX_AXES = "general.alignment", 4

# The kinds of tensors, by their number: how many weights are a block, and how
# many bytes it takes.
F32, Q4_1, Q8_0 = 0, 3, 8
_BLOCKS = {F32: (1, 4), Q4_1: (32, 20), Q8_0: (32, 34)}


class StoredTensor(NamedTuple):
    """A tensor as it lies in a file: its shape, the number of its kind, and its
    bytes.
    """

    shape: tuple[int, ...]
    kind: int
    # (bytes,) of uint8: a view, nothing is read before it is used
    data: np.ndarray


class File(NamedTuple):
    """What a GGUF file holds: named values, and named tensors."""

    metadata: dict[str, Any]
    tensors: dict[str, StoredTensor]


def read(path):
    """Read the header of a GGUF file, and find its tensors without reading
    them.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    File
        The metadata are numbers, strings, or lists of them; :func:`dequantise`
        makes an array of a tensor.

    Raises
    ------
    TypeError
        If ``path`` is none.
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no GGUF file of version 3, is truncated, contradicts itself, or
        holds something that is not known here; the message names the byte.
    """
    checks.path("path", path)
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"path must name an existing file, got {str(path)!r}"
        )
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise ValueError(
                f"path must hold a GGUF file, {path.name!r} does not begin with"
                " GGUF"
            )
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    cursor = _Cursor(data, path.name)
    cursor.take(len(MAGIC))
    version = cursor.number("I")
    if version != VERSION:
        raise ValueError(
            f"path must hold GGUF of version {VERSION}, {path.name!r} has"
            f" {version}"
        )
    num_tensors, num_values = cursor.number("Q"), cursor.number("Q")
    metadata: dict[str, Any] = {}
    for _ in range(num_values):
        cursor.add_value(metadata)
    infos: dict[str, tuple] = {}
    for _ in range(num_tensors):
        cursor.add_tensor_info(infos)
    alignment = metadata.get(_ALIGNMENT_KEY, ALIGNMENT)
    start = -(-cursor.position // alignment) * alignment
    tensors, places = {}, []
    for name, (shape, kind, offset, byte) in infos.items():
        if offset % alignment:
            cursor.refuse(
                f"places the tensor {name!r} at {offset}, no multiple of the"
                f" alignment, {alignment}",
                byte,
            )
        try:
            size = _stored_size(name, shape, kind)
        except ValueError as error:
            cursor.refuse(f"has another kind of tensor: {error}", byte)
        first = start + offset
        cursor.move(first, size)
        places.append((first, first + size, name))
        tensors[name] = StoredTensor(
            shape, kind, np.frombuffer(data, np.uint8, size, first)
        )
    for (_, end, name), (first, _, other) in pairwise(sorted(places)):
        if end > first:
            cursor.refuse(f"has {other!r} within {name!r}", first)
    return File(metadata, tensors)


def dequantise(tensor):
    r"""Return a stored tensor as an array of float32.

    Weights are stored in blocks of 32 that share a scale :math:`d` and, in
    ``Q4_1``, a minimum :math:`m`, both of 16 bits:

    .. math::

        w_i = d\, q_i + m, \quad q_i \in \{0, \dots, 15\} \quad
        (\mathrm{Q4\_1}), \qquad w_i = d\, q_i, \quad q_i \in \{-128, \dots,
        127\} \quad (\mathrm{Q8\_0})

    A byte of ``Q4_1`` holds weight :math:`i` in its lower half and weight
    :math:`i + 16` in its upper half.

    Parameters
    ----------
    tensor : StoredTensor

    Returns
    -------
    array of float32, of the tensor's shape

    Raises
    ------
    TypeError
        If ``tensor`` is none.
    ValueError
        If its kind is unknown, or its bytes do not fill its shape.
    """
    checks.kind("tensor", tensor, StoredTensor)
    checks.shape(
        "tensor.data",
        tensor.data,
        (_stored_size("tensor", tensor.shape, tensor.kind),),
    )
    if tensor.kind == F32:
        return tensor.data.view("<f4").reshape(tensor.shape).copy()
    _, block_bytes = _BLOCKS[tensor.kind]
    blocks = tensor.data.reshape(-1, block_bytes)  # (N, bytes)
    scale = _halves(blocks[:, :2])  # (N, 1)
    if tensor.kind == Q8_0:
        weights = np.multiply(
            blocks[:, 2:].view(np.int8), scale, dtype=np.float32
        )  # (N, 32)
    else:
        # (N, 1), (N, 16)
        minimum, packed = _halves(blocks[:, 2:4]), blocks[:, 4:]
        weights = np.empty((len(blocks), 32), np.float32)
        np.multiply(packed & 15, scale, out=weights[:, :16])
        np.multiply(packed >> 4, scale, out=weights[:, 16:])
        weights += minimum
    return weights.reshape(tensor.shape)


def _halves(two_bytes):
    """Two bytes a row, (N, 2), as numbers of 16 bits, (N, 1) of float32."""
    return np.ascontiguousarray(two_bytes).view("<f2").astype(np.float32)


def _stored_size(name, shape, kind):
    """Return how many bytes a tensor takes."""
    if kind not in _BLOCKS:
        raise ValueError(
            f"tensors must be of the kinds {sorted(_BLOCKS)} (F32, Q4_1, Q8_0),"
            f" {name!r} is {kind}"
        )
    weights, block_bytes = _BLOCKS[kind]
    if not shape or min(shape) < 1 or shape[-1] % weights:
        raise ValueError(
            f"rows of {name!r} must be of whole blocks of {weights}, got the"
            f" shape {shape}"
        )
    return math.prod(shape) // weights * block_bytes


class _Cursor:
    """Reads the fields of a header, one after the other."""

    def __init__(self, data, name):
        self.data, self.name, self.position = data, name, 0

    def refuse(self, what, byte):
        """Say what is wrong with the file, and at which byte."""
        raise ValueError(
            f"path must hold a whole GGUF file, {self.name!r} {what} (byte"
            f" {byte})"
        )

    def move(self, position, size):
        """Stand behind ``size`` bytes at a position, which the file must
        have.
        """
        self.position = position + size
        if self.position > len(self.data):
            raise ValueError(
                f"path must hold a whole GGUF file, {self.name!r} is truncated:"
                f" it ends at byte {len(self.data)}, before byte"
                f" {self.position}"
            )

    def take(self, size):
        start = self.position
        self.move(start, size)
        return self.data[start : start + size]

    def number(self, code):
        (number,) = struct.unpack(
            f"<{code}", self.take(struct.calcsize(f"<{code}"))
        )
        return number

    def string(self):
        stored = self.take(self.number("Q"))
        try:
            return stored.decode("utf-8")
        except UnicodeDecodeError as error:
            byte = self.position - len(stored) + error.start
            self.refuse("has a string that is not UTF-8", byte)

    def value(self, kind):
        if kind == _STRING:
            return self.string()
        if kind == _ARRAY:
            byte = self.position
            kind, count = self.numbers("IQ")
            if kind == _ARRAY:
                self.refuse("has an array of arrays, unknown here", byte)
            if count > len(self.data):
                self.refuse(f"has an array of {count} values", byte)
            if kind == _STRING:
                return [self.string() for _ in range(count)]
            return self.several(kind, count)
        return self.several(kind, 1)[0]

    def several(self, kind, count):
        """Read so many numbers of a kind, of which the file must have the
        bytes.
        """
        if kind not in _NUMBERS:
            self.refuse(f"has a value of kind {kind}", self.position)
        codes = f"<{count}{_NUMBERS[kind]}"
        return list(struct.unpack(codes, self.take(struct.calcsize(codes))))

    def numbers(self, codes):
        return [self.number(code) for code in codes]

    def add_value(self, metadata):
        """Read a named value of the header into ``metadata``."""
        byte, name, kind = self.position, self.string(), self.number("I")
        if name in metadata:
            self.refuse(f"has the value {name!r} twice", byte)
        metadata[name] = value = self.value(kind)
        if name == _ALIGNMENT_KEY and (
            kind != _UINT32 or value < 8 or value % 8
        ):
            self.refuse(
                f"has an alignment, {value!r}, that is no positive multiple of"
                " 8 in 32 bits",
                byte,
            )

    def add_tensor_info(self, infos):
        """Read a tensor's name, shape, kind, place after the header, and where
        all this stands, into ``infos``.
        """
        byte, name = self.position, self.string()
        if name in infos:
            self.refuse(f"has the tensor {name!r} twice", byte)
        num_axes = self.number("I")
        if num_axes > _MAX_AXES:
            self.refuse(f"has the tensor {name!r} of {num_axes} axes", byte)
        shape = tuple(self.numbers("Q" * num_axes))
        infos[name] = shape[::-1], *self.numbers("IQ"), byte
