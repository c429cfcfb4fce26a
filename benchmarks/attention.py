"""How fast is the book's attention layer? Ratios, within one run, to Keras's
and PyTorch's.

Every implementation has the same weights and shapes (batch 32, length 100, 4
heads, no biases) and runs on one thread. The implementations take turns, and a
ratio is the median over the turns of the two CPU times of one turn: a busy
machine slows both alike.
"""

import time

try:
    # before TensorFlow: loaded after it, a build with CUDA crashes
    import torch
except ModuleNotFoundError:
    torch = None

import keras
import numpy as np
import tensorflow as tf

from llmbook.models.layers import MultiHeadAttention

BATCH, LENGTH, HEADS = 32, 100, 4
TURNS, CALLS = 15, 5


def use_one_thread():
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    if torch is not None:
        torch.set_num_threads(1)


def compiled(layer, x, *inputs):
    """Return ``forward()`` and ``forward_backward()`` of a Keras layer as
    graphs.
    """
    forward = tf.function(lambda x: layer(x, *[x for _ in inputs]))
    variables = [variable.value for variable in layer.trainable_variables]

    @tf.function
    def forward_backward(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            output = layer(x, *[x for _ in inputs])  # (B, T, d)
        return tape.gradient(output, [x, *variables], output_gradients=x)

    return lambda: forward(x), lambda: forward_backward(x)


def torch_sdpa(x, kernels):
    """The same in PyTorch: one product for queries, keys and values, and its
    fused attention.
    """
    x = torch.from_numpy(x).requires_grad_()
    w_query, w_key, w_value, w_output = (torch.from_numpy(w) for w in kernels)
    # (d, 3 d)
    w_in = torch.cat([w_query, w_key, w_value], dim=1).requires_grad_()
    w_output.requires_grad_()

    def attend():
        projected = (x @ w_in).view(BATCH, LENGTH, 3, HEADS, -1)
        # (B, H, T, d_k) each
        query, key, value = projected.permute(2, 0, 3, 1, 4)
        context = torch.nn.functional.scaled_dot_product_attention(
            query, key, value
        )
        # (B, T, d)
        return context.transpose(1, 2).reshape(BATCH, LENGTH, -1) @ w_output

    def forward():
        with torch.no_grad():
            return attend()

    def forward_backward():
        x.grad = w_in.grad = w_output.grad = None
        attend().backward(x.detach())
        return x.grad

    return forward, forward_backward


def implementations(d_model):
    x = (
        np.random.default_rng(0)
        .normal(size=(BATCH, LENGTH, d_model))
        .astype("float32")
    )
    constant = tf.constant(x)
    ours = MultiHeadAttention(HEADS)
    theirs = keras.layers.MultiHeadAttention(
        HEADS, d_model // HEADS, use_bias=False
    )
    ours(constant), theirs(constant, constant)
    kernels = [weight.numpy() for weight in ours.weights]
    shapes = [weight.shape for weight in theirs.weights]
    theirs.set_weights(
        [w.reshape(s) for w, s in zip(kernels, shapes, strict=True)]
    )
    found = {
        "llmbook": compiled(ours, constant),
        "Keras MultiHeadAttention": compiled(theirs, constant, constant),
    }
    if torch is not None:
        found["PyTorch SDPA"] = torch_sdpa(x, kernels)
    check_equal(found)
    return found


def check_equal(found):
    """All must return the same outputs and input gradients, or their times mean
    nothing.
    """
    outputs = {
        name: np.asarray(forward().numpy())
        for name, (forward, _) in found.items()
    }
    gradients = {}
    for name, (_, forward_backward) in found.items():
        gradient = forward_backward()
        gradients[name] = (
            gradient[0] if isinstance(gradient, list) else gradient
        ).numpy()
    for results in (outputs, gradients):
        for result in results.values():
            np.testing.assert_allclose(
                result, results["llmbook"], rtol=1e-3, atol=1e-3
            )


def cpu_seconds(function):
    # leaves the caches as this implementation, not the one before it, wants
    # them
    function()
    start = time.process_time()
    for _ in range(CALLS):
        function()
    return (time.process_time() - start) / CALLS


def main():
    use_one_thread()
    print(
        f"batch {BATCH}, length {LENGTH}, {HEADS} heads, one thread, median of"
        f" {TURNS} turns"
    )
    for d_model in (64, 128):
        found = implementations(d_model)
        for pass_index, pass_name in enumerate(
            ("forward", "forward + backward")
        ):
            functions = {name: pair[pass_index] for name, pair in found.items()}
            turns = [
                {n: cpu_seconds(f) for n, f in functions.items()}
                for _ in range(TURNS)
            ]
            median = np.median([turn["llmbook"] for turn in turns])
            print(
                f"d_model {d_model:3d}, {pass_name:18s}  llmbook"
                f" {1e3 * median:6.2f} ms",
                end="",
            )
            for name in list(functions)[1:]:
                ratio = np.median(
                    [turn["llmbook"] / turn[name] for turn in turns]
                )
                print(f"   {ratio:4.2f} of {name}", end="")
            print()
    if torch is None:
        print("PyTorch is not installed, and is left out.")


if __name__ == "__main__":
    main()
