"""How fast does the GPT train? Ratios, within one run, to Keras's ``fit`` and
to PyTorch.

All train the same shape by AdamW with clipped gradients, on one thread: that of
chapter 6 (a large vocabulary of characters) and that of chapter 8 (a small
world of words). They take turns, and a ratio is the median over the turns of
the CPU times of one turn: a busy machine slows all alike.
"""

import time

try:
    # before TensorFlow: loaded after it, a build with CUDA crashes
    import torch
    import torch._dynamo
    from torch import nn
except ModuleNotFoundError:
    torch = None

import keras
import numpy as np
import tensorflow as tf

from llmbook.models.generation import generate
from llmbook.models.gpt import GPT, GPTConfig, next_token_loss
from llmbook.models.training import adamw, compiled_step

SHAPES = {  # sizes, then sequences and tokens of a batch
    "chapter 6": (
        GPTConfig(2699, 256, d_model=128, num_heads=4, num_layers=2),
        8,
        128,
    ),
    "chapter 8": (
        GPTConfig(179, 74, d_model=64, num_heads=4, num_layers=2),
        48,
        73,
    ),
}
TURNS, STEPS = 9, 4


def use_one_thread():
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    if torch is not None:
        torch.set_num_threads(1)


def our_training(config, batches):
    model = GPT(config)
    step = compiled_step(model, next_token_loss, adamw(model, 10_000, 1e-3))

    def run():
        for batch in batches:
            loss = step(batch)
        return float(loss)

    return run


def keras_fit(config, batches):
    model = GPT(config)
    model.compile(
        adamw(model, 10_000, 1e-3),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=True,
    )
    ids = np.concatenate(batches)

    def run():
        history = model.fit(
            ids[:, :-1], ids[:, 1:], len(batches[0]), shuffle=False, verbose=0
        )
        return history.history["loss"][0]

    return run


def torch_training(config, batches):
    """The same model and step in PyTorch, with its fused attention."""
    width, heads, length = (
        config.d_model,
        config.num_heads,
        batches[0].shape[1] - 1,
    )
    half = width // heads // 2
    angles = torch.arange(length)[:, None] * 10000.0 ** (
        -torch.arange(half) / half
    )  # (T, d_k/2)
    cos, sin = angles.cos(), angles.sin()

    def rotate(x):
        first, second = x.chunk(2, dim=-1)
        return torch.cat(
            [first * cos - second * sin, first * sin + second * cos], dim=-1
        )

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.attention_norm, self.mlp_norm = (
                nn.LayerNorm(width),
                nn.LayerNorm(width),
            )
            self.project = nn.Linear(width, 3 * width, bias=False)
            self.output = nn.Linear(width, width, bias=False)
            self.mlp = nn.Sequential(
                nn.Linear(width, 4 * width),
                nn.GELU(),
                nn.Linear(4 * width, width),
            )

        def forward(self, x):
            projected = self.project(self.attention_norm(x)).view(
                *x.shape[:2], 3, heads, -1
            )
            # (B, H, T, d_k) each
            query, key, value = projected.permute(2, 0, 3, 1, 4)
            context = nn.functional.scaled_dot_product_attention(
                rotate(query), rotate(key), value, is_causal=True
            )
            x = x + self.output(context.transpose(1, 2).reshape(x.shape))
            return x + self.mlp(self.mlp_norm(x))

    embedding = nn.Embedding(config.vocab_size, width)
    nn.init.normal_(embedding.weight, std=0.02)
    body = nn.Sequential(
        *(Block() for _ in range(config.num_layers)), nn.LayerNorm(width)
    )
    parameters = [*embedding.parameters(), *body.parameters()]
    assert sum(p.numel() for p in parameters) == GPT(config).count_params()
    optimizer = torch.optim.AdamW(parameters, 1e-3)
    batches = [torch.from_numpy(batch).long() for batch in batches]

    def run():
        for batch in batches:
            # (B, T, V)
            logits = body(embedding(batch[:, :-1])) @ embedding.weight.T
            loss = nn.functional.cross_entropy(
                logits.flatten(0, 1), batch[:, 1:].flatten()
            )
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()
        return loss.item()

    return run


def cpu_seconds(function):
    start = time.process_time()
    function()
    return time.process_time() - start


def compare_training(name, config, batch_size, length):
    rng = np.random.default_rng(0)
    shape = (STEPS, batch_size, length + 1)
    batches = list(rng.integers(1, config.vocab_size, shape).astype("int32"))
    found = {
        "llmbook": our_training(config, batches),
        "Keras fit": keras_fit(config, batches),
    }
    if torch is not None:
        found["PyTorch"] = torch_training(config, batches)
    for run in found.values():
        run()  # compiles
    turns = [
        {name: cpu_seconds(run) for name, run in found.items()}
        for _ in range(TURNS)
    ]
    print(f"{name}: {config}, batches of {batch_size} × {length}")
    for name in found:
        speed = (
            STEPS
            * batch_size
            * length
            / np.median([turn[name] for turn in turns])
        )
        ratio = np.median([turn[name] / turn["llmbook"] for turn in turns])
        print(f"  {name:10s} {speed:6.0f} tokens per CPU-second", end="")
        print(
            ""
            if name == "llmbook"
            else f"; llmbook is {ratio:.2f} times as fast"
        )


def compare_generation(config, rows, new=200):
    model, prompts = GPT(config), [[2, 3, 4]] * rows
    for use_cache in (True, False):
        generate(model, prompts, 2, use_cache=use_cache)  # traces
    turns = [
        [
            cpu_seconds(lambda c=c: generate(model, prompts, new, use_cache=c))
            for c in (True, False)
        ]
        for _ in range(3)
    ]
    cached, uncached = np.median(turns, axis=0)
    print(
        f"  {rows} × {new} tokens: {cached:.2f} CPU-seconds with a cache, ",
        end="",
    )
    print(f"{uncached / cached:.1f} times as many without")


def main():
    use_one_thread()
    for name, (config, batch_size, length) in SHAPES.items():
        compare_training(name, config, batch_size, length)
    for rows in (1, 8):
        compare_generation(SHAPES["chapter 6"][0], rows)
    if torch is None:
        print("PyTorch is not installed, and is left out.")


if __name__ == "__main__":
    main()
