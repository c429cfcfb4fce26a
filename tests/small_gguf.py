"""Files of weights, written by the package of the format's makers: any, and that of a small model of SmolLM2's kind."""

import string

import gguf as makers
import numpy as np
from gguf.quants import quantize

from llmbook.models import gguf

KINDS = {
    gguf.F32: makers.GGMLQuantizationType.F32,
    gguf.Q4_1: makers.GGMLQuantizationType.Q4_1,
    gguf.Q8_0: makers.GGMLQuantizationType.Q8_0,
}
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
SIZES = {"num_layers": 2, "num_heads": 4, "num_kv_heads": 2, "base": 5000.0}
D_MODEL, D_HIDDEN = 32, 64


def write(path, metadata=(), tensors=(), architecture="llama"):
    """Write metadata (name, value) and tensors (name, array, kind) with the makers' package."""
    writer = makers.GGUFWriter(path, architecture)
    for name, value in metadata:
        if isinstance(value, list):
            writer.add_array(name, value)
        else:
            kinds = {
                str: writer.add_string,
                int: writer.add_uint32,
                float: writer.add_float32,
            }
            kinds[type(value)](name, value)
    for name, array, kind in tensors:
        stored = array if kind == gguf.F32 else quantize(array, KINDS[kind])
        writer.add_tensor(name, stored, raw_dtype=KINDS[kind])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def small_model(**changes):
    """Return metadata and tensors of a small random model, as the arguments of write."""
    alphabet = [*string.ascii_lowercase, "Ċ", "Ġ", "Ġt", "he", "Ġthe"]
    tokens = [*SPECIAL, *alphabet]
    metadata = {
        "llama.context_length": 256,
        "llama.embedding_length": D_MODEL,
        "llama.block_count": SIZES["num_layers"],
        "llama.feed_forward_length": D_HIDDEN,
        "llama.attention.head_count": SIZES["num_heads"],
        "llama.attention.head_count_kv": SIZES["num_kv_heads"],
        "llama.rope.freq_base": SIZES["base"],
        "llama.attention.layer_norm_rms_epsilon": 1e-5,
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": [3] * len(SPECIAL) + [1] * len(alphabet),
        "tokenizer.ggml.merges": ["Ġ t", "h e", "Ġt he"],
    } | changes
    rng = np.random.default_rng(0)
    kv_width = D_MODEL * SIZES["num_kv_heads"] // SIZES["num_heads"]
    shapes = {"attn_q": (D_MODEL, D_MODEL), "attn_k": (kv_width, D_MODEL)}
    shapes |= {"attn_v": (kv_width, D_MODEL), "attn_output": (D_MODEL, D_MODEL)}
    shapes |= {"ffn_gate": (D_HIDDEN, D_MODEL), "ffn_up": (D_HIDDEN, D_MODEL)}
    shapes |= {"ffn_down": (D_MODEL, D_HIDDEN)}
    tensors = [
        (
            "token_embd.weight",
            rng.normal(size=(len(tokens), D_MODEL)),
            gguf.Q8_0,
        )
    ]
    for i in range(SIZES["num_layers"]):
        for part, shape in shapes.items():
            tensors.append(
                (f"blk.{i}.{part}.weight", rng.normal(0, 0.3, shape), gguf.Q4_1)
            )
        for norm in ("attn_norm", "ffn_norm"):
            tensors.append(
                (
                    f"blk.{i}.{norm}.weight",
                    rng.normal(1, 0.2, D_MODEL),
                    gguf.F32,
                )
            )
    tensors.append(
        ("output_norm.weight", rng.normal(1, 0.2, D_MODEL), gguf.F32)
    )
    return metadata.items(), [
        (name, a.astype("float32"), kind) for name, a, kind in tensors
    ]
