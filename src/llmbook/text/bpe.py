"""Byte-pair encoding on characters: learn which neighbours to merge, then cut
any text with it.

Sennrich, Haddow and Birch 2016, Algorithm 1, with the words' inner edges marked
by the space that stands before them rather than by a sign at their end, so that
decoding gives back every space.
"""

import heapq
import itertools
import math
from collections import Counter, defaultdict

from llmbook import checks
from llmbook.text.tokenizers import PAD, UNKNOWN, Tokenizer
from llmbook.text.writing import NAME, pattern

# A word with the space before it, a run of punctuation likewise, or a run of
# white space.
PATTERN = rf" ?{NAME}| ?[^\s\p{{L}}\p{{N}}_]+|\s+"
_PIECE = pattern(PATTERN)


def split_words(text):
    """Cut a text into the pieces that no merge may cross; joined, they are the
    text again.

    Raises
    ------
    TypeError
        If ``text`` is not a string.
    """
    checks.text("text", text)
    return _PIECE.findall(text)


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

    Raises
    ------
    TypeError
        If ``words`` are no pairs, or a count is not an integer.
    ValueError
        If one is not of two.
    """
    words = checks.counted("words", words)
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

    Raises
    ------
    TypeError
        If ``word`` or ``pair`` cannot be listed.
    ValueError
        If a token is a NaN, which equals nothing.
    """
    word = checks.tokens("word", word)
    pair = tuple(checks.tokens("pair", pair))
    checks.tokens("merged", [merged])
    result, i = [], 0
    while i < len(word):
        found = tuple(word[i : i + 2]) == pair
        result.append(merged if found else word[i])
        i += 1 + found
    return tuple(result)


class Chain:
    """Words as tokens in a row, of which any can be joined with the one after
    it at once, however long the word.

    Parameters
    ----------
    words : iterable of str

    Raises
    ------
    TypeError
        If ``words`` does not hold strings.
    """

    def __init__(self, words):
        words = checks.texts("words", words)
        self.tokens: list[str] = []
        self.before: list[int] = []  # the place of the token before, or -1
        self.after: list[int] = []  # of the one after
        for word in words:
            start, stop = len(self.tokens), len(self.tokens) + len(word)
            self.tokens += word
            self.before += [-1, *range(start, stop - 1)][: len(word)]
            self.after += [*range(start + 1, stop), -1][: len(word)]

    def pair(self, place):
        """Return the token at a place and the one after it; None where no token
        stands any more, or none comes after it.
        """
        after = self.after[place] if place >= 0 else -1
        return (self.tokens[place], self.tokens[after]) if after >= 0 else None

    def join(self, place):
        """Join the token at a place with the one after it."""
        gone = self.after[place]
        following = self.after[gone]
        self.tokens[place] += self.tokens[gone]
        self.after[place] = following
        if following >= 0:
            self.before[following] = place
        self.tokens[gone], self.after[gone] = "", -1


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

    Raises
    ------
    TypeError
        If ``counts`` is no dictionary of words and integers, or a number is
        none.
    """
    checks.kind("counts", counts, dict)
    checks.counted("counts", counts.items())
    checks.real("num_merges", num_merges)
    checks.real("min_count", min_count)
    age = {
        token: index for index, token in enumerate(sorted(set().union(*counts)))
    }
    chain = Chain(counts)
    weights = [count for word, count in counts.items() for _ in word]
    pairs: Counter[tuple[str, str]] = Counter()
    # where each pair stands
    places: defaultdict[tuple[str, str], set[int]] = defaultdict(set)

    def add(place, sign=1):
        if pair := chain.pair(place):
            pairs[pair] += sign * weights[place]
            places[pair] ^= {place}  # there now, or there no more

    for place in range(len(weights)):
        add(place)

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
        age.setdefault("".join(pair), len(age))
        touched = set()
        for place in sorted(places[pair]):
            if chain.pair(place) != pair:
                continue  # in "aaa" the first two are joined, not the last two
            before, after = chain.before[place], chain.after[place]
            for near in (before, place, after):
                add(near, -1)
            chain.join(place)
            for near in (before, place):
                add(near)
                touched.add(chain.pair(near))
        for neighbours in touched - {None}:
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

    Raises
    ------
    TypeError
        If the tokens, or what is merged, are not strings.
    ValueError
        If the tokens begin otherwise or repeat, or a merge is not of two.
    """

    def __init__(self, tokens, merges=()):
        super().__init__(tokens)
        self.merges = checks.merges("merges", merges)
        self._ranks = {pair: rank for rank, pair in enumerate(self.merges)}
        self._known_words: dict[str, tuple[str, ...]] = {}

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
            If ``texts`` is a single string, or does not hold strings, or a
            number is not an integer.
        ValueError
            If a number is too small, there is no text, or ``max_size`` leaves
            no room for its characters.
        """
        texts = cls.listed(texts)
        checks.count("min_count", min_count)
        if max_size is not None:
            checks.count("max_size", max_size)
        if num_merges is not None:
            checks.count("num_merges", num_merges, least=0)
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
        """Cut a text into tokens that concatenate to it.

        Raises
        ------
        TypeError
            If ``text`` is not a string.
        """
        return [
            token for word in split_words(text) for token in self._cut(word)
        ]

    def options(self):
        """Return the merges, fit for JSON."""
        return {"merges": [list(pair) for pair in self.merges]}

    def _cut(self, word):
        """Return the tokens of a word; words recur, so each is cut once."""
        if word not in self._known_words:
            self._known_words[word] = self._join(word)
        return self._known_words[word]

    def _join(self, word):
        """Join neighbours within a word, always the pair that was learned
        first, wherever it stands.
        """
        chain = Chain([word])
        heap: list[tuple[int, int]] = []  # of (rank of the pair, its place)

        def push(place):
            if chain.pair(place) in self._ranks:
                heapq.heappush(heap, (self._ranks[chain.pair(place)], place))

        for place in range(len(word)):
            push(place)
        while heap:
            rank, touched = heap[0][0], []
            while heap and heap[0][0] == rank:
                place = heapq.heappop(heap)[1]
                if self._ranks.get(chain.pair(place)) == rank:
                    chain.join(place)
                    touched += [chain.before[place], place]
            for place in touched:
                push(place)
        return tuple(token for token in chain.tokens if token)
