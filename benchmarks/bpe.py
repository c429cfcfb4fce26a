"""How long does byte-pair encoding take for text without separators?

Chinese without its marks is one word to the merges, however long. Each text is
twice as long as the one before it: were the time to grow with the square of the
length, it would be four times that of the one before; it should be little more
than twice. The ``tokenizers`` library, written in Rust, learns the same merges
and cuts the same text beside it.
"""

import json
import re
import statistics
import time

from tokenizers import Regex, models, pre_tokenizers, trainers
from tokenizers import Tokenizer as LibraryTokenizer

from llmbook.corpora.books import load_sanguo
from llmbook.text.bpe import PATTERN, BPETokenizer
from llmbook.text.tokenizers import PAD, UNKNOWN

LENGTHS = (2_000, 4_000, 8_000, 16_000, 32_000)
MERGES, TURNS = 3000, 5


def library(text, vocab_size):
    tokenizer = LibraryTokenizer(models.BPE(unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(PATTERN), "isolated")
    tokenizer.train_from_iterator(
        [text],
        trainers.BpeTrainer(
            vocab_size=vocab_size,
            special_tokens=[PAD, UNKNOWN],
            show_progress=False,
        ),
    )
    return tokenizer


def merges_of(tokenizer):
    merges = json.loads(tokenizer.to_str())["model"]["merges"]
    return [tuple(pair) for pair in merges]


def cpu_seconds(function):
    start = time.process_time()
    function()
    return time.process_time() - start


def measured(text, chapters):
    """CPU-seconds of learning from a text, ours and the library's, and of
    cutting it with the merges of the chapters.
    """
    ours = BPETokenizer.fit(chapters, num_merges=MERGES)
    theirs = library("".join(chapters), len(ours))
    assert theirs.encode(text).ids == ours.encode(text)
    learned = BPETokenizer.fit([text], num_merges=MERGES)
    assert merges_of(library(text, len(learned))) == learned.merges
    empty = ours.state()
    turns = [
        (
            cpu_seconds(lambda: BPETokenizer.fit([text], num_merges=MERGES)),
            cpu_seconds(lambda: library(text, len(learned))),
            cpu_seconds(lambda: BPETokenizer.from_state(empty).encode(text)),
            cpu_seconds(lambda: BPETokenizer.from_state(empty)),
        )
        for _ in range(TURNS)
    ]
    learn, library_learn, cut, making = (
        statistics.median(found) for found in zip(*turns, strict=True)
    )
    return learn, library_learn, cut - making


def main():
    book = load_sanguo()
    plain = re.sub(r"[\W_]+", "", "".join(book[12:60]))
    print(
        f"Chinese without marks, {MERGES:,} merges, CPU-seconds, median of"
        f" {TURNS} turns"
    )
    print("characters      learn     growth     library        cut     growth")
    before = None
    for length in LENGTHS:
        learn, library_learn, cut = measured(plain[:length], book[:12])
        times = (
            ("", "")
            if before is None
            else (f"× {learn / before[0]:.1f}", f"× {cut / before[1]:.1f}")
        )
        print(
            f"{length:10,} {learn:10.3f} {times[0]:>10} {library_learn:11.3f}"
            f" {cut:10.3f} {times[1]:>10}"
        )
        before = learn, cut


if __name__ == "__main__":
    main()
