"""An independent reference: the kind of model that SmolLM2 is, in NumPy, from the tensors of its file.

Rotations are products of complex numbers over neighbouring entries, as in the file; nothing is
taken from llmbook.
"""

import numpy as np
from scipy.special import expit, softmax


def rms_norm(x, gain):
    return x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-5) * gain


def rotated(x, base):
    """(T, H, d_k) -> (T, H, d_k)."""
    length, _, d_k = x.shape
    angles = np.arange(length)[:, None] * base ** (
        -np.arange(0, d_k, 2) / d_k
    )  # (T, d_k / 2)
    turned = (x[..., 0::2] + 1j * x[..., 1::2]) * np.exp(1j * angles)[:, None]
    return np.stack([turned.real, turned.imag], axis=-1).reshape(x.shape)


def swiglu(x, w_gate, w_up, w_down):
    gate = x @ w_gate.T
    return (gate * expit(gate) * (x @ w_up.T)) @ w_down.T


def logits(tensor, ids, num_layers, num_heads, num_kv_heads, base):
    """(T,) -> (T, V); ``tensor(name)`` returns what the file holds by that name."""
    x = tensor("token_embd.weight")[ids].astype("float64")  # (T, d_model)
    length = len(ids)
    future = np.triu(np.ones((length, length), bool), 1)
    for i in range(num_layers):

        def weight(part, i=i):
            return tensor(f"blk.{i}.{part}.weight").astype("float64")

        h = rms_norm(x, weight("attn_norm"))
        query = rotated(
            (h @ weight("attn_q").T).reshape(length, num_heads, -1), base
        )
        key = rotated(
            (h @ weight("attn_k").T).reshape(length, num_kv_heads, -1), base
        )
        value = (h @ weight("attn_v").T).reshape(length, num_kv_heads, -1)
        group = num_heads // num_kv_heads
        heads = []
        for head in range(num_heads):
            scores = (
                query[:, head]
                @ key[:, head // group].T
                / np.sqrt(query.shape[-1])
            )
            scores[future] = -np.inf
            heads.append(softmax(scores, axis=-1) @ value[:, head // group])
        x = x + np.concatenate(heads, axis=-1) @ weight("attn_output").T
        h = rms_norm(x, weight("ffn_norm"))
        x = x + swiglu(
            h, weight("ffn_gate"), weight("ffn_up"), weight("ffn_down")
        )
    embedding = tensor("token_embd.weight").astype("float64")
    return rms_norm(x, tensor("output_norm.weight")) @ embedding.T
