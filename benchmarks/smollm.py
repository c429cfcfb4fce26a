"""How fast is SmolLM2-135M in the book's layers? Loading, reading, writing, and a step of LoRA.

CPU-seconds of this process throughout, the first call of a graph apart. Beside them stand what the
machine itself multiplies (the matrices of a block, in TensorFlow and, if it is installed, PyTorch)
and, if ``xllamacpp`` is installed, llama.cpp on the same four-bit file: its speed, and how often
its likeliest next token is ours.
"""

import argparse
import resource
import time

import numpy as np
import tensorflow as tf

from llmbook import gpt, lora, smollm

try:
    import torch
except ModuleNotFoundError:
    torch = None
try:
    import xllamacpp
except ModuleNotFoundError:
    xllamacpp = None

BATCH, LENGTH, NEW = 8, 64, 64
TEXT = (
    "The kettle had boiled dry for the third time that week, and nobody in the house admitted it. "
    "Grandfather said that kettles in his day had whistled; my sister, who read the paper, said "
    "that whistling used more electricity. In the end we bought a new one and put a note on it."
)


def cpu_seconds(function, repeats=1):
    """Return the least CPU time of some calls, and what the last of them returned."""
    seconds = []
    for _ in range(repeats):
        start = time.process_time()
        result = function()
        seconds.append(time.process_time() - start)
    return min(seconds), result


def report(name, value, unit):
    print(f"{name:52s}{value:9.1f} {unit}", flush=True)


def peak_gigabytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def multiply_rates(config):
    """Return, for TensorFlow and PyTorch, the GFLOP a CPU-second of a block's widest product."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(BATCH * LENGTH, config.d_model)).astype("float32")  # (B T, d_model)
    w = rng.normal(size=(config.d_model, config.hidden_dim)).astype("float32")  # (d_model, hidden)
    matrices = {"TensorFlow": (tf.constant(x), tf.constant(w))}
    if torch is not None:
        matrices["PyTorch"] = (torch.tensor(x), torch.tensor(w))
    rates = {}
    for name, (left, right) in matrices.items():
        seconds, _ = cpu_seconds(lambda a=left, b=right: [a @ b for _ in range(50)], 5)
        rates[name] = 50 * 2 * x.size * w.shape[1] / seconds / 1e9
    return rates


def write(model, tokenizer):
    question = tokenizer.chat("Tell me a story about a fox.")
    seconds, _ = cpu_seconds(lambda: gpt.generate(model, [question], 24, 0))
    report("first answer of 24 tokens, tracing included", seconds, "CPU-s")
    read_one = cpu_seconds(lambda: gpt.generate(model, [question] * BATCH, 1, 0), 3)[0]
    report(f"reading {BATCH} prompts", BATCH * len(question) / read_one, "tokens a CPU-s")
    for batch in (1, BATCH):
        prompts = [question] * batch
        seconds, _ = cpu_seconds(lambda p=prompts: gpt.generate(model, p, NEW, 0), 3)
        report(
            f"writing {batch} at once", batch * NEW / seconds, "tokens a CPU-s, reading included"
        )


def train(model, rate):
    lora.add_adapters(model, rank=8)
    rng = np.random.default_rng(0)
    ids = rng.integers(1000, 40000, (BATCH, LENGTH)).astype("int32")  # (B, T)
    optimizer = gpt.adamw(model, steps=10, learning_rate=1e-3, weight_decay=0.0)
    step = gpt.compiled_step(model, optimizer, jit_compile=False)
    first, _ = cpu_seconds(lambda: step(ids))
    seconds, _ = cpu_seconds(lambda: step(ids), 5)
    report("LoRA, rank 8 on queries and values: first step", first, "CPU-s")
    report(f"LoRA, a step of {BATCH} x {LENGTH}", seconds, "CPU-s")
    # Forward, and back to the inputs; the frozen weights have no gradients of their own.
    _, parameters = lora.count_parameters(model)
    operations = 4 * parameters * BATCH * (LENGTH - 1)
    report("    of the machine's rate of multiplication", operations / seconds / 1e9 / rate, "")


def compare_with_llama_cpp(model, tokenizer):
    options = xllamacpp.CommonParams()
    options.model.path = str(smollm.packaged_file())
    options.n_ctx = 512
    options.verbosity = -1
    server = xllamacpp.Server(options)

    def complete(ids, count):
        request = {"prompt": ids, "n_predict": count, "temperature": 0, "return_tokens": True}
        return server.handle_completions(request | {"ignore_eos": count > 1})

    question = tokenizer.chat("Tell me a story about a fox.")
    complete(question, NEW)
    seconds, _ = cpu_seconds(lambda: complete(question, NEW), 3)
    report("llama.cpp, writing 1", NEW / seconds, "tokens a CPU-s, reading included")
    ids = tokenizer.encode(TEXT)
    ours = model(np.array([ids]))[0].numpy().argmax(-1)  # (T,)
    theirs = [complete(ids[: t + 1], 1)["tokens"][0] for t in range(4, len(ids))]
    agreement = np.mean(ours[4:] == theirs)
    report("    its likeliest next token is ours", 100 * agreement, f"% of {len(theirs)}")
    assert agreement >= 0.95


def main():
    argparse.ArgumentParser(description=__doc__).parse_args()
    seconds, (model, tokenizer) = cpu_seconds(smollm.load)
    report("load()", seconds, "CPU-s")
    report("    peak memory", peak_gigabytes(), "GB")
    rates = multiply_rates(model.config)
    for name, rate in rates.items():
        report(f"{name}, matrix products", rate, "GFLOP a CPU-s")
    write(model, tokenizer)
    if xllamacpp is None:
        print("xllamacpp is not installed: llama.cpp is left out.")
    else:
        compare_with_llama_cpp(model, tokenizer)
    train(model, rates["TensorFlow"])
    report("peak memory in all", peak_gigabytes(), "GB")
    if torch is None:
        print("PyTorch is not installed: its products are left out.")


if __name__ == "__main__":
    main()
