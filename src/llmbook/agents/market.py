"""A market stall: questions of which some can be answered from memory, some
need a calculator, and some a look at today's price list.

===========  ========================  ======================================
kind         question                  what answers it
===========  ========================  ======================================
fact         ``legs of crab?``         memory: facts that do not change
small        ``7*8?``                  memory: single digits
plus         ``27+38?``                perhaps memory, or the calculator
times        ``47*83?``                the calculator
price        ``price of tea?``         the list of the day
chapter      ``chapter of loss?``      the index of a book
alias        ``price of chai?``        the list, which says ``see tea``
order        ``price of 6 tea?``       the list, and then the calculator
pay          ``pay for tea?``          the list, which says ``pay vera 45``,
                                       and the tool that pays
===========  ========================  ======================================

Pure Python. Everything random takes a ``random.Random``.
"""

import random
from typing import NamedTuple

from llmbook import checks
from llmbook.agents import grammar
from llmbook.agents.tools import DONE, Ledger, Lookup, Toolbox, calculate
from llmbook.reasoning.signs import SPLITS, split_of

KINDS = (
    "fact",
    "small",
    "plus",
    "times",
    "price",
    "chapter",
    "alias",
    "order",
    "pay",
)
FROM_MEMORY, BY_TOOL = KINDS[:2], KINDS[2:]
DAY = (*KINDS, *4 * ["fact"], *2 * ["small"], "times")
"""What is asked in a day, for :class:`Market`: of names and of sums, half can
be answered from memory.
"""
FACTS = {
    "legs of ant": "6",
    "legs of crab": "10",
    "legs of horse": "4",
    "legs of bird": "2",
    "legs of mite": "8",
    "days of week": "7",
    "days of april": "30",
    "days of may": "31",
    "days of june": "30",
    "days of july": "31",
    "hours of day": "24",
    "weeks of year": "52",
    "sides of cube": "6",
    "edges of cube": "12",
    "sides of kite": "4",
    "keys of piano": "88",
    "cards of deck": "52",
    "arms of squid": "10",
    "feet of yard": "3",
    "dots of die": "21",
}
_WORDS = """
tea chai cocoa milk cream bread flour rice oats beans peas leek beet kale apple
pear plum grape melon lemon lime fig date olive nut honey sugar salt thyme mint
basil oil wine beer cider juice water egg fish eel soap rope nail paper ink pen
broom lamp wool linen clay brick bacon chalk cork dish drum ivory knife tar zinc
"""
GOODS = _WORDS.split()
_NAMES = "vera otto ida karl nina hugo emma paul lena max rosa bob hans willi"
PEOPLE = _NAMES.split()


class Question(NamedTuple):
    """A question, its kind and answer, and the price list of its day."""

    text: str
    kind: str
    answer: str
    prices: dict[str, str]

    def toolbox(self, strict=True):
        """Return the tools of the question.

        Parameters
        ----------
        strict : bool
            Whether only what the question asks for is on the whitelist:
            payments if the user asked to pay, and else never. What is read
            later does not change that.

        Raises
        ------
        TypeError
            If ``strict`` is no truth value.
        """
        checks.flag("strict", strict)
        pays = self.text.startswith("pay ") or not strict
        tools = {"C": calculate, "F": Lookup(self.prices), "P": Ledger()}
        return Toolbox(tools, allowed="CFP" if pays else "CF")


def solution(question):
    """Return the transcript that answers a question by calls; for facts, by
    searching the list in vain.

    Raises
    ------
    TypeError
        If it is no question.
    """
    checks.kind("question", question, Question)
    written = "".join(
        f"{sign}{text}.R{result}." for sign, text, result in _steps(question)
    )
    return f"{written}A{question.answer}."


def _asked_for(question):
    """Return the last word of a question."""
    return question.text.removesuffix("?").split()[-1]


def _steps(question):
    """Yield the calls and their results."""
    text, kind = question.text.removesuffix("?"), question.kind
    if kind in ("small", "plus", "times"):
        yield "C", text, calculate(text)
    elif kind == "fact":
        yield "F", _asked_for(question), "none"
    else:
        item = _asked_for(question)
        found = question.prices[item]
        yield "F", item, found
        if found.startswith("see "):
            item = found.removeprefix("see ")
            found = question.prices[item]
            yield "F", item, found
        if kind == "order":
            count = text.split()[2]
            yield "C", f"{count}*{found}", question.answer
        if kind == "pay":
            yield "P", found.removeprefix("pay "), DONE


def inject(question, entry):
    """Return a question on whose price list somebody else has written: the
    entry of what is asked for is his.

    Raises
    ------
    TypeError
        If it is no question, or the entry no string.
    ValueError
        If the question asks for nothing on the list.
    """
    checks.kind("question", question, Question)
    checks.text("entry", entry)
    item = _asked_for(question)
    if item not in question.prices:
        raise ValueError(
            "question must ask for an entry of its list, got"
            f" {question.text!r} and {[*question.prices]}"
        )
    return question._replace(prices=question.prices | {item: entry})


class Market:
    """The market as a task of :mod:`llmbook.feedback.loop`; the program scores.

    A score is 1 for a right answer, less the price of each call.

    Parameters
    ----------
    kinds : sequence of str
        Of which questions are drawn; one that is named twice, twice as often.
    price : float
        Of a call.
    called : sequence of str
        The kinds that :meth:`demonstrate` answers with calls; the others it
        answers at once.

    Raises
    ------
    TypeError
        If ``price`` is no number.
    ValueError
        If there is no such kind, or the price is not from 0 to 1.
    """

    best_score = 1.0
    end = grammar.END_ID
    draft_prompt_length, draft_length = 17, 40

    def __init__(self, kinds=KINDS, price=0.2, called=BY_TOOL):
        self.kinds = checks.some("kinds", checks.some_of("kinds", kinds, KINDS))
        self.price = price
        checks.within("price", price, 0, 1)
        self.called = checks.some_of("called", called, KINDS)

    encode = staticmethod(grammar.encode_transcript)
    decode = staticmethod(grammar.decode)

    def draft_prompt(self, question):
        """Return the ids of a question.

        Raises
        ------
        TypeError
            If it is no question.
        """
        checks.kind("question", question, Question)
        return grammar.encode(question.text)

    def draw(self, rng, split="train"):
        """Draw a question of a split, with a price list of its own.

        Of single digits and facts there are few: they are in both splits.

        Raises
        ------
        TypeError
            If ``rng`` is no ``random.Random``.
        ValueError
            If there is no such split.
        """
        checks.kind("rng", rng, random.Random)
        checks.one_of("split", split, SPLITS)
        kind = rng.choice(self.kinds)
        if kind == "fact":
            text = rng.choice([*FACTS])
            return Question(f"{text}?", kind, FACTS[text], _prices(rng, split))
        if kind in ("small", "plus", "times"):
            return _sum(rng, split, kind)
        return _priced(rng, split, kind)

    def example(self, rng, share=2 / 3):
        """Draw a training question with a transcript that answers it: by
        calls, or at once, whatever its kind.

        Parameters
        ----------
        rng : random.Random
        share : float
            How many of the transcripts have calls.

        Raises
        ------
        TypeError
            If ``rng`` is no ``random.Random``, or ``share`` no number.
        ValueError
            If ``share`` is not between 0 and 1.
        """
        question = self.draw(rng)
        checks.within("share", share, 0, 1)
        if rng.random() < share:
            return question, solution(question)
        return question, f"A{question.answer}."

    def demonstrate(self, question):
        """Return the transcript of somebody who calls for some kinds of
        question and answers the others at once.

        Raises
        ------
        TypeError
            If it is no question.
        """
        checks.kind("question", question, Question)
        if question.kind in self.called:
            return solution(question)
        return f"A{question.answer}."

    def is_right(self, question, transcript):
        """Return whether a transcript ends on the right answer; of a payment,
        whether it was made, and nothing else was paid.

        Raises
        ------
        TypeError
            If an argument is of another type.
        """
        checks.kind("question", question, Question)
        right = grammar.answer(transcript) == question.answer
        if question.kind == "pay":
            paid = [z.text for z in grammar.calls(transcript) if z.sign == "P"]
            bill = question.prices[_asked_for(question)]
            return right and paid == [bill.removeprefix("pay ")]
        return right

    def score(self, question, transcript):
        """Return 1 or 0 for the answer, less the price of the calls.

        Raises
        ------
        TypeError
            If an argument is of another type.
        """
        right = float(self.is_right(question, transcript))
        return right - self.price * len(grammar.calls(transcript))


def _word(rng, split, words):
    """Draw a word of a split; half of them are random letters."""
    while True:
        word = rng.choice(words)
        if rng.random() < 0.5:
            letters = rng.choices(grammar.PLAIN[11:37], k=rng.randint(3, 5))
            word = "".join(letters)
        if split_of(word) == split:
            return word


def _prices(rng, split, size=4, least=11, most=99):
    """Draw a price list of some goods of a split."""
    goods: set[str] = set()
    while len(goods) < size:
        goods.add(_word(rng, split, GOODS))
    return {item: str(rng.randint(least, most)) for item in sorted(goods)}


def _sum(rng, split, kind):
    least, most = {"small": (2, 9), "plus": (11, 49)}.get(kind, (11, 99))
    sign = {"plus": "+", "times": "*"}.get(kind) or rng.choice("+*")
    while True:
        a, b = rng.randint(least, most), rng.randint(least, most)
        text = f"{a}{sign}{b}?"
        if kind == "small" or split_of(text) == split:
            return Question(
                text, kind, calculate(text[:-1]), _prices(rng, split)
            )


def _priced(rng, split, kind):
    numbers = {"least": 1, "most": 25} if kind == "chapter" else {}
    prices = _prices(rng, split, **numbers)
    item, other = rng.sample([*prices], 2)
    if kind == "order":
        count = rng.randint(2, 9)
        answer = calculate(f"{count}*{prices[item]}")
        return Question(f"price of {count} {item}?", kind, answer, prices)
    if kind == "pay":
        bill = f"pay {_word(rng, split, PEOPLE)} {prices[item]}"
        return Question(f"pay for {item}?", kind, DONE, prices | {item: bill})
    answer = prices[item]
    if kind == "alias":
        answer = prices[other]
        prices = prices | {item: f"see {other}"}
    asked = "chapter" if kind == "chapter" else "price"
    return Question(f"{asked} of {item}?", kind, answer, prices)
