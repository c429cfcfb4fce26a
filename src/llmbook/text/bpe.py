"""Byte-pair encoding on characters: learn which neighbours to merge, then cut
any text with it.

Sennrich, Haddow and Birch 2016, Algorithm 1, with the words' inner edges marked
by the space that stands before them rather than by a sign at their end, so that
decoding gives back every space.
"""

import functools
import heapq
import itertools
import math
import re
from collections import Counter, defaultdict

from llmbook.text.tokenizers import PAD, UNKNOWN, UNKNOWN_ID, Tokenizer

# A word with the space before it, a run of punctuation likewise, or a run of
# white space.
PATTERN = r" ?\w+| ?[^\w\s]+|\s+"


def split_words(text):
    """Cut a text into the pieces that no merge may cross; joined, they are the
    text again.
    """
    return re.findall(PATTERN, text)


def count_pairs(words):
    """Count how often each two tokens stand next to each other within words.

    Parameters
    ----------
    words : iterable of (tuple of tokens, int)
        Each word with the number of times it occurs.

    Returns
    -------
    collections.Counter
        Of each pair of neighbours, how often it occurs.
    """
    pairs: Counter[tuple[str, str]] = Counter()
    for word, count in words:
        for pair in itertools.pairwise(word):
            pairs[pair] += count
    return pairs


def merge_pair(word, pair, merged):
    """Return the word with every occurrence of a pair of neighbours replaced,
    from left to right.

    Parameters
    ----------
    word : sequence of tokens
    pair : (left, right)
    merged : token
        What takes their place.

    Returns
    -------
    tuple of tokens
    """
    result, i = [], 0
    while i < len(word):
        found = tuple(word[i : i + 2]) == pair
        result.append(merged if found else word[i])
        i += 1 + found
    return tuple(result)


def learn_merges(counts, num_merges, min_count=1):
    """Learn merges: again and again, join the most frequent pair of neighbours.

    Among equally frequent pairs the one whose tokens are older is taken: first
    the characters, in the order of their code points, then the merged tokens,
    in the order of their making. The ``tokenizers`` library breaks ties so, and
    an order must be fixed for the result to be one.

    Parameters
    ----------
    counts : dict
        Of each word, as a string, how often it occurs.
    num_merges : int
        How many merges at most; there are fewer if every word has become one
        token.
    min_count : int
        Neighbours that stand together less often are not joined.

    Returns
    -------
    list of (str, str)
        The pairs, in the order in which they were joined.
    """
    age = {
        token: index for index, token in enumerate(sorted(set().union(*counts)))
    }
    words = [(tuple(word), count) for word, count in counts.items()]
    pairs = count_pairs(words)
    where = defaultdict(set)  # in which words a pair stands, or once stood
    for index, word in enumerate(words):
        for pair in count_pairs([word]):
            where[pair].add(index)

    def entry(pair):
        return -pairs[pair], age[pair[0]], age[pair[1]], pair

    # The best pair stands on top of the heap. Its count may have fallen since
    # it was put there: an entry is checked when it comes up, and put back with
    # the present count.
    heap = [entry(pair) for pair in pairs]
    heapq.heapify(heap)
    merges: list[tuple[str, str]] = []
    while heap and len(merges) < num_merges:
        best = heapq.heappop(heap)
        pair = best[-1]
        if best != entry(pair):
            if pairs[pair] > 0:
                heapq.heappush(heap, entry(pair))
            continue
        if pairs[pair] < min_count:
            break
        merges.append(pair)
        merged = "".join(pair)
        age.setdefault(merged, len(age))
        touched = set()
        for index in where[pair]:
            word, count = words[index]
            pairs.subtract(count_pairs([(word, count)]))
            words[index] = merge_pair(word, pair, merged), count
            there = count_pairs([words[index]])
            pairs.update(there)
            touched |= there.keys()
            for neighbours in there:
                where[neighbours].add(index)
        for neighbours in touched:
            heapq.heappush(heap, entry(neighbours))
    return merges


class BPETokenizer(Tokenizer):
    """Tokens between characters and words: whatever neighbours were joined most
    often in training.

    Parameters
    ----------
    tokens : sequence of str
        Padding, unknown, the characters, then what merging them made.
    merges : sequence of (str, str)
        The pairs to join, in the order in which they were learned.
    """

    def __init__(self, tokens, merges=()):
        super().__init__(tokens)
        self.merges = [(left, right) for left, right in merges]
        self._ranks = {pair: rank for rank, pair in enumerate(self.merges)}
        # Words recur, so each is cut once; the cache belongs to the instance,
        # not to the class.
        self._cut = functools.cache(self._cut_word)

    @classmethod
    def fit(
        cls, texts, min_count=1, max_size=None, *, num_merges=None, **options
    ):
        """Learn the merges, and with them the vocabulary, from texts: as many
        as the limits allow.

        Parameters
        ----------
        texts : iterable of str
        min_count : int
            Neighbours that stand together less often are not joined.
        max_size : int, optional
            The size of the vocabulary at most, padding and unknown included.
        num_merges : int, optional
            How many merges at most.
        options
            What a subclass is constructed with.

        Raises
        ------
        TypeError
            If ``texts`` is a single string.
        ValueError
            If ``num_merges`` is negative, there is no text, or ``max_size``
            leaves no room for its characters.
        """
        if isinstance(texts, str):
            raise TypeError(
                "texts must be a list of strings, got a single string"
            )
        if num_merges is not None and num_merges < 0:
            raise ValueError(
                f"num_merges must not be negative, got {num_merges}"
            )
        counts = Counter(word for text in texts for word in split_words(text))
        if not counts:
            raise ValueError("texts must hold at least one character, got none")
        tokens = [PAD, UNKNOWN, *sorted(set().union(*counts))]
        room = math.inf if max_size is None else max_size - len(tokens)
        if room < 0:
            raise ValueError(
                f"max_size must leave room for the {len(tokens) - 2} characters"
                f" of texts, padding and unknown, got {max_size}"
            )
        limit = room if num_merges is None else min(room, num_merges)
        merges = learn_merges(counts, limit, min_count)
        # Two merges may make the same token, as a + bc and ab + c do: it is
        # listed once.
        made = dict.fromkeys("".join(pair) for pair in merges)
        return cls([*tokens, *made], merges, **options)

    def tokenize(self, text):
        """Cut a text into tokens that concatenate to it."""
        return [
            token for word in split_words(text) for token in self._cut(word)
        ]

    def encode(self, text):
        """Return the ids of a text's tokens, 1 for a character that training
        did not hold.
        """
        return [
            self.ids.get(token, UNKNOWN_ID) for token in self.tokenize(text)
        ]

    def options(self):
        """Return the merges, fit for JSON."""
        return {"merges": [list(pair) for pair in self.merges]}

    def _cut_word(self, word):
        """Join neighbours within a word, always the pair that was learned
        first.
        """
        tokens = tuple(word)
        while len(tokens) > 1:
            pair = min(
                itertools.pairwise(tokens),
                key=lambda pair: self._ranks.get(pair, len(self._ranks)),
            )
            if pair not in self._ranks:
                break
            tokens = merge_pair(tokens, pair, "".join(pair))
        return tokens
