r"""Low-rank adaptation: change a large model by training small matrices beside
its frozen ones.

A dense layer with the kernel :math:`W` of shape :math:`(d_{in}, d_{out})`
becomes

.. math:: y = x W + \frac{\alpha}{r}\, (x A)\, B, \qquad
    A \in \mathbb{R}^{d_{in} \times r}, \quad B \in \mathbb{R}^{r \times
    d_{out}}

with :math:`W` frozen (Hu et al. 2022, Eq. 3, with vectors as rows). Since
:math:`B` begins at zero, the model at first is what it was.
"""

import re

import keras
import numpy as np
from keras import ops

from llmbook import checks
from llmbook.files import whole
from llmbook.models import saving

QUERY_AND_VALUE = ("attention.query_projection", "attention.value_projection")
EVERY_LINEAR = (
    *(
        f"attention.{name}_projection"
        for name in ("query", "key", "value", "output")
    ),
    *(f"feed_forward.{name}" for name in ("gate", "up", "down")),
)


class LowRankAdapter(keras.layers.Layer):
    r"""A frozen dense layer and, beside it, a trainable product of two thin
    matrices.

    The product :math:`(x A) B` is computed from the left: :math:`A B`, a matrix
    as large as the kernel, never exists, and neither does its gradient.

    Parameters
    ----------
    dense : keras.layers.Dense
        Built; its activation and bias are kept.
    down : (d_in, r) array
        What ``A`` begins as.
    up : (r, d_out) array
        What ``B`` begins as.
    scale : float
        :math:`\alpha / r`.

    Raises
    ------
    TypeError
        If ``dense`` is no dense layer, ``scale`` no number, or vectors are no
        tensors of floats.
    ValueError
        If the matrices do not fit it and each other, or a number is not finite.
    """

    def __init__(self, dense, down, up, scale, **kwargs):
        checks.kind("dense", dense, keras.layers.Dense)
        down, up = checks.thin_matrices(down, up, tuple(dense.kernel.shape))
        scale = checks.finite("scale", scale)
        # Steps of training are too small to be seen in 16 bits: what is trained
        # has 32.
        half = dense.compute_dtype in ("bfloat16", "float16")
        dtype = f"mixed_{dense.compute_dtype}" if half else dense.dtype_policy
        super().__init__(dtype=dtype, name=dense.name, **kwargs)
        self.dense, self.scale = dense, scale
        self.supports_masking = True
        self.down, self.up = (
            self.add_weight(
                matrix.shape,
                lambda shape, dtype, matrix=matrix: matrix,
                name=name,
            )
            for name, matrix in (("down", down), ("up", up))
        )
        self.built = True

    def call(self, x):
        """Map (..., d_in) to (..., d_out)."""
        checks.tensor("x", x)
        y = ops.matmul(x, self.dense.kernel)  # (..., d_out)
        # (..., d_out)
        y += self.scale * ops.matmul(ops.matmul(x, self.down), self.up)
        if self.dense.use_bias:
            y += self.dense.bias
        return y if self.dense.activation is None else self.dense.activation(y)

    def change(self):
        """Return what the adapter adds to the kernel, (d_in, d_out)."""
        return self.scale * ops.matmul(self.down, self.up)


def add_adapters(
    model, rank=8, alpha=None, targets=QUERY_AND_VALUE, first_block=0, seed=0
):
    r"""Freeze a model and put adapters on linear layers of its blocks.

    Parameters
    ----------
    model : GPT
        Is changed.
    rank : int
        :math:`r`.
    alpha : float, optional
        By default ``2 * rank``.
    targets : sequence of str
        Which layers of a block: :data:`QUERY_AND_VALUE`, :data:`EVERY_LINEAR`,
        or names such as theirs.
    first_block : int
        The blocks before it are left as they are.
    seed : int
        Of ``A``, which is normal with a variance of ``1 / d_in``.

    Raises
    ------
    TypeError
        If ``model`` is no GPT, a number is none, or targets are not strings.
    ValueError
        If ``rank`` is below 1, ``alpha`` is not a finite number, there is no
        target or one is no linear layer, no block is left, or the model has
        adapters already.
    """
    checks.offers("model", model, "blocks", "trace_anew")
    rank, seed = checks.count("rank", rank), checks.seed(seed)
    alpha = 2 * rank if alpha is None else checks.finite("alpha", alpha)
    targets = checks.texts("targets", checks.some("targets", targets))
    if checks.integer("first_block", first_block) not in range(
        len(model.blocks)
    ):
        raise ValueError(
            f"first_block must be one of the {len(model.blocks)} blocks, from"
            f" 0, got {first_block}"
        )
    rng = np.random.default_rng(seed)
    matrices = {}
    for i in range(first_block, len(model.blocks)):
        for target in targets:
            d_in, d_out = _dense(model, f"block_{i}.{target}").kernel.shape
            down = rng.normal(0, d_in**-0.5, (d_in, rank))
            matrices[f"block_{i}.{target}"] = down, np.zeros((rank, d_out))
    _attach(model, matrices, alpha / rank)


def sizes(model):
    """Return the ranks of a model's adapters, by the names of their layers, and
    their scale, fit for JSON; None if it has none.

    Raises
    ------
    TypeError
        If ``model`` is no GPT.
    """
    found = adapters(model)
    if not found:
        return None
    return {
        "ranks": {name: layer.down.shape[1] for name, layer in found.items()},
        "scale": next(iter(found.values())).scale,
    }


def add_empty(model, sizes):
    """Put adapters of the :func:`sizes` of another model on one that has none;
    their matrices are zero.

    Raises
    ------
    TypeError
        If ``model`` is no GPT, or ``sizes`` are neither a dict nor None.
    ValueError
        If they do not fit the model, or it has adapters already.
    """
    checks.offers("model", model, "blocks", "trace_anew")
    if sizes is None:
        return
    checks.keys("sizes", sizes, "ranks", "scale")
    checks.kind("the ranks of sizes", sizes["ranks"], dict)
    checks.finite("the scale of sizes", sizes["scale"])
    matrices = {}
    for name, rank in sizes["ranks"].items():
        checks.count("a rank of sizes", rank)
        d_in, d_out = _dense(model, name).kernel.shape
        matrices[name] = np.zeros((d_in, rank)), np.zeros((rank, d_out))
    _attach(model, matrices, sizes["scale"])


def adapters(model):
    """Return the adapters of a model, by the names of their layers.

    Raises
    ------
    TypeError
        If ``model`` is no GPT.
    """
    checks.offers("model", model, "blocks")
    return {
        f"block_{i}.{part}.{name}": layer
        for i, block in enumerate(model.blocks)
        for part in ("attention", "feed_forward")
        for name, layer in vars(getattr(block, part)).items()
        if isinstance(layer, LowRankAdapter)
    }


def count_parameters(model):
    """Return how many parameters are trained, and how many there are.

    Raises
    ------
    TypeError
        If ``model`` is no model of Keras.
    """
    checks.kind("model", model, keras.Model)
    return tuple(
        sum(int(np.prod(variable.shape)) for variable in variables)
        for variables in (model.trainable_variables, model.variables)
    )


def merge(model):
    """Add every adapter to the kernel it stands beside, and take it out: a
    plain model remains.

    Its predictions are the same but for rounding, it costs no more than before,
    and all of it may be trained again.

    Returns
    -------
    dict of str to LowRankAdapter
        What :func:`unmerge` puts back.

    Raises
    ------
    TypeError
        If ``model`` is no GPT.
    ValueError
        If the model has no adapters.
    """
    taken = _existing(model)
    for name, adapter in taken.items():
        adapter.dense.kernel.assign_add(adapter.change())
        _replace(model, name, adapter.dense)
    _set_trainable(model, True)
    model.trace_anew()
    return taken


def unmerge(model, taken):
    """Undo :func:`merge`: subtract adapters from the kernels, and put them back
    beside them.

    Parameters
    ----------
    model : GPT
    taken : dict of str to LowRankAdapter
        What :func:`merge` of this model returned.

    Raises
    ------
    TypeError
        If ``model`` is no GPT, or ``taken`` no dict.
    ValueError
        If the model has adapters, or ``taken`` holds none, or what was taken
        from another model.
    """
    checks.kind("taken", taken, dict)
    if adapters(model):
        raise ValueError(
            "model must have no adapters yet: merge those that it has"
        )
    if not taken or any(
        getattr(adapter, "dense", None) is not _dense(model, name)
        for name, adapter in taken.items()
    ):
        raise ValueError(
            "taken must be what merge took from this model, got"
            f" {len(taken)} adapters that do not all stand beside its layers"
        )
    _set_trainable(model, False)
    for name, adapter in taken.items():
        adapter.dense.kernel.assign_sub(adapter.change())
        _replace(model, name, adapter)
    model.trace_anew()


def save(model, path):
    """Write the adapters of a model to a file of NumPy arrays (``.npz``), and
    nothing else of it.

    Raises
    ------
    TypeError
        If ``model`` is no GPT, or ``path`` no path.
    ValueError
        If the model has no adapters.
    OSError
        If the file cannot be written.
    """
    checks.path("path", path)
    arrays = {}
    for name, adapter in _existing(model).items():
        arrays[f"{name}.down"], arrays[f"{name}.up"] = (
            adapter.down.numpy(),
            adapter.up.numpy(),
        )
        arrays["scale"] = np.float32(adapter.scale)
    with whole(path, "wb") as file:
        np.savez(file, **arrays)


def load(model, path):
    """Put the adapters that :func:`save` wrote on a model that has none.

    Raises
    ------
    TypeError
        If ``model`` is no GPT, or ``path`` no path.
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is damaged or holds something else, or adapters for another model,
        or the model has some already. The model is then as it was.
    """
    checks.offers("model", model, "blocks", "trace_anew")
    arrays = saving.arrays(path, "adapters")
    try:
        scale = checks.finite("scale", float(arrays.pop("scale")))
        names = [
            name.removesuffix(".down")
            for name in arrays
            if name.endswith(".down")
        ]
        matrices = {
            name: (arrays.pop(f"{name}.down"), arrays.pop(f"{name}.up"))
            for name in names
        }
        if not matrices or arrays:
            raise ValueError(f"it has {len(matrices)}, and {sorted(arrays)}")
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"path must hold adapters, {str(path)!r} does not: {error}"
        ) from error
    for name, (down, up) in matrices.items():
        try:
            shape = tuple(_dense(model, name).kernel.shape)
            checks.thin_matrices(down, up, shape)
        except ValueError as error:
            raise ValueError(
                f"path must hold adapters for this model, {str(path)!r} does"
                f" not: for {name}, {error}"
            ) from error
    _attach(model, matrices, scale)


def _attach(model, matrices, scale):
    if adapters(model):
        raise ValueError(
            "model must have no adapters yet: merge those that it has"
        )
    _set_trainable(model, False)
    for name, (down, up) in matrices.items():
        _replace(
            model, name, LowRankAdapter(_dense(model, name), down, up, scale)
        )
    model.trace_anew()


def _existing(model):
    found = adapters(model)
    if not found:
        raise ValueError("model must have adapters, it has none")
    return found


def _dense(model, name):
    """Return the dense layer of a model that goes by a name such as
    block_0.attention.…
    """
    parent, attribute = _place(model, name)
    layer = getattr(parent, attribute, None)
    layer = layer.dense if isinstance(layer, LowRankAdapter) else layer
    if not isinstance(layer, keras.layers.Dense):
        raise ValueError(
            f"targets must be linear layers of the model's blocks, {name} is"
            " none"
        )
    return layer


def _place(model, name):
    """Return the layer that holds the one of that name, and as which
    attribute.
    """
    match = re.fullmatch(r"block_(\d+)\.(attention|feed_forward)\.(\w+)", name)
    if match is None or int(match[1]) >= len(model.blocks):
        raise ValueError(
            f"targets must be linear layers of the model's blocks, {name} is"
            " none"
        )
    return getattr(model.blocks[int(match[1])], match[2]), match[3]


def _replace(model, name, layer):
    """Put a layer in the place of another, in the order in which Keras lists
    their weights too.
    """
    parent, attribute = _place(model, name)
    # Keras locks the parts of a layer that is built; this is its own way to
    # exchange one.
    parent._tracker.replace_tracked_value(
        "layers", getattr(parent, attribute), layer
    )
    setattr(parent, attribute, layer)


def _set_trainable(model, trainable):
    """Say of every weight whether it is trained; ``model.trainable`` would bind
    adapters too.
    """
    for variable in model.variables:
        variable.trainable = trainable
