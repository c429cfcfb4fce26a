"""How fast is the book's training? CPU time an epoch, as a ratio to the
plainest `fit`.

The plain model, once as it is often written (heads as wide as the model, every
text padded to 100, batches of 32) and once with its heads' width put right and
trained by ``llmbook.models.classifier.fit``: batches of 64 texts of similar
length. Both take turns in one run; the first epoch of a turn, in which
TensorFlow traces the graph, is left out.
"""

import statistics
import time

import keras
import numpy as np

from llmbook.corpora.reviews import load_reviews
from llmbook.models.classifier import build_plain_classifier, fit
from llmbook.text.tokenizers import CharTokenizer

TEXTS, LENGTH, D_MODEL, HEADS = 4096, 100, 64, 4
TURNS, EPOCHS = 2, 4


class CPUSeconds(keras.callbacks.Callback):
    """The CPU-seconds of each epoch."""

    def __init__(self):
        super().__init__()
        self.seconds = []

    def on_epoch_begin(self, epoch, logs=None):
        """Start the clock."""
        self.start = time.process_time()

    def on_epoch_end(self, epoch, logs=None):
        """Read it."""
        self.seconds.append(time.process_time() - self.start)


def plain_fit(sequences, labels, vocab_size, clock):
    ids = keras.utils.pad_sequences(sequences, maxlen=LENGTH)  # (B, T)
    inputs = keras.Input((LENGTH,))
    # (B, T, d_model)
    x = keras.layers.Embedding(vocab_size, D_MODEL, mask_zero=True)(inputs)
    x = keras.layers.MultiHeadAttention(HEADS, D_MODEL)(x, x)  # (B, T, d_model)
    x = keras.layers.GlobalAveragePooling1D()(x)  # (B, d_model)
    model = keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid")(x))
    model.compile(
        loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"]
    )
    model.fit(
        ids, labels, epochs=EPOCHS, batch_size=32, verbose=0, callbacks=[clock]
    )


def our_fit(sequences, labels, vocab_size, clock):
    model = build_plain_classifier(vocab_size, D_MODEL, HEADS)
    fit(model, sequences, labels, EPOCHS, callbacks=[clock])


def main():
    reviews = load_reviews(report=lambda _: None)
    chosen = np.random.default_rng(0).permutation(len(reviews.texts))[:TEXTS]
    texts, labels = reviews.take(chosen)
    tokenizer = CharTokenizer.fit(texts)
    sequences = [tokenizer.encode(text)[:LENGTH] for text in texts]
    seconds = {plain_fit: [], our_fit: []}
    for _ in range(TURNS):
        for function, found in seconds.items():
            clock = CPUSeconds()
            function(sequences, labels, len(tokenizer), clock)
            found.extend(clock.seconds[1:])
    plain, ours = (statistics.median(found) for found in seconds.values())
    print(
        f"An epoch of {TEXTS:,} reviews, mean length"
        f" {np.mean([len(s) for s in sequences]):.0f}:"
    )
    print(
        f"the plain fit takes {plain / ours:.1f} times the CPU time of"
        " the book's."
    )


if __name__ == "__main__":
    main()
