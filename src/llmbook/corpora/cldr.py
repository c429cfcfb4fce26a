"""Exact translations to learn from: dates, times and quantities, in Chinese and
in English.

Both sides are written by Babel from the Common Locale Data Repository (CLDR),
so that every pair is right, there are as many as one likes, and it is known
which part of one came from which part of the other. Half of the Chinese ones
write their numbers with Chinese numerals, which is our own.
"""

import functools
import random
import re
from datetime import datetime, timedelta
from typing import NamedTuple

from babel import Locale, dates, numbers, units

from llmbook import checks

PUNCTUATION = "-"  # the field of what stands between the fields
# Babel 2.18 has no Chinese name for many common units (days, kilometres,
# litres) and writes their key instead: these have one.
UNITS = (
    "mass-gram",
    "mass-kilogram",
    "mass-pound",
    "mass-tonne",
    "speed-kilometer-per-hour",
    "speed-meter-per-second",
    "speed-mile-per-hour",
    "temperature-celsius",
    "temperature-fahrenheit",
    "digital-gigabyte",
    "electric-volt",
    "power-watt",
    "frequency-megahertz",
    "graphics-pixel",
    "duration-second",
)
CURRENCIES = (
    "USD",
    "CNY",
    "EUR",
    "JPY",
    "GBP",
    "KRW",
    "INR",
    "RUB",
    "CHF",
    "AUD",
)
NUMERALS = "〇一二三四五六七八九"
# Hours of the day and names that may stand alone have two letters each in
# CLDR's patterns.
_SAME_FIELD = {"L": "M", "c": "E", "e": "E", "H": "h", "q": "Q"}


class Expression(NamedTuple):
    """A pair of token sequences, and the field that each token belongs to."""

    source: list[str]  # (S,): Chinese, a character each
    # (T,): English, words with the space before them, single digits
    target: list[str]
    source_fields: list[str]  # (S,)
    target_fields: list[str]  # (T,)
    kind: str  # "date" or "quantity"

    @property
    def text(self):
        """The Chinese text and the English one."""
        return "".join(self.source), "".join(self.target)


def generate(count, seed=0, years=(1950, 2049)):
    """Return expressions with different Chinese texts, in random order, four
    dates or times to one quantity.

    Parameters
    ----------
    count : int
    seed : int
    years : (int, int)
        The first and the last year of the dates.

    Raises
    ------
    ValueError
        If ``count`` is negative, no year lies in the range, or a number is out
        of its range.
    TypeError
        If a number is not an integer.
    """
    checks.integer("count", count)
    years = [
        checks.integer("years", year) for year in checks.two("years", years)
    ]
    checks.seed(seed)
    if count < 0 or years[0] > years[1]:
        raise ValueError(
            f"count must not be negative nor years fall, got {count} and"
            f" {tuple(years)}"
        )
    rng = random.Random(seed)
    found: dict[str, Expression] = {}
    while len(found) < count:
        expression = (
            _random_date(rng, years)
            if rng.random() < 0.8
            else _random_quantity(rng)
        )
        found.setdefault(expression.text[0], expression)
    # What is rare is found early, and soon there is no more of it: without
    # this the first thousand would hold most of what counts in weeks.
    return rng.sample(list(found.values()), count)


def date_expression(when, skeleton, numerals=False):
    """Return the Expression of a date or time, by a skeleton that both
    languages have.

    Parameters
    ----------
    when : datetime
    skeleton : str
        Which fields are shown, in CLDR's letters: ``"yMMMd"`` has year, month
        by name, day.
    numerals : bool
        Whether the Chinese numbers are written with Chinese numerals, as nobody
        would between slashes or colons.

    Raises
    ------
    TypeError
        If ``when`` is no datetime, or ``skeleton`` not a string.
    ValueError
        If a language has no such skeleton.
    """
    checks.kind("when", when, datetime)
    checks.text("skeleton", skeleton)
    for language in ("zh", "en"):
        if skeleton not in Locale(language).datetime_skeletons:
            raise ValueError(
                f"skeleton must be one that {language} has, got {skeleton!r}"
            )
    chinese, english = (
        _date_parts(when, skeleton, language) for language in ("zh", "en")
    )
    if numerals and not any("/" in text or ":" in text for _, text in chinese):
        chinese = [
            (field, _numerals(text, field == "y")) for field, text in chinese
        ]
    return _expression(chinese, english, "date")


def quantity_expression(chinese, english, numerals=False):
    """Return the Expression of a number with its unit; the fields are the
    number and the rest.

    Raises
    ------
    TypeError
        If one is not a string.
    """
    checks.text("chinese", chinese)
    checks.text("english", english)
    source, target = _quantity_parts(chinese), _quantity_parts(english)
    if numerals:
        source = [(field, _numerals(text, False)) for field, text in source]
    return _expression(source, target, "quantity")


def _quantity_parts(text):
    pieces = re.split(r"([\d.,]*\d)", text)  # text and numbers in turn
    return [("n" if i % 2 else "u", piece) for i, piece in enumerate(pieces)]


@functools.cache
def skeletons():
    """Return the skeletons of dates and times that are told apart by what they
    show in Chinese.

    Of those that look the same in Chinese the one with the longest English
    pattern stands.
    """
    chinese, english = (
        Locale(language).datetime_skeletons for language in ("zh", "en")
    )
    example = datetime(1987, 11, 23, 14, 5)
    longest: dict[str, str] = {}
    for name in map(str, chinese):
        shown = (
            len(name) > 1
            and set(name) & set("yMdE")
            and not set(name) & set("vwWGBKkZz")
        )
        if name != "MMM" and shown and name in english:
            text = "".join(part for _, part in _date_parts(example, name, "zh"))
            longest[text] = max(
                longest.get(text, name),
                name,
                key=lambda name: len(_pattern(english, name)),
            )
    return tuple(longest.values())


def _pattern(skeleton_patterns, name):
    pattern = skeleton_patterns[name]
    return getattr(pattern, "pattern", pattern)


@functools.cache
def _fields(name, language):
    """Return a skeleton's pattern in pieces, each a letter of CLDR and a
    pattern of that alone.
    """
    pattern = _pattern(Locale(language).datetime_skeletons, name)
    return [
        (PUNCTUATION, piece)
        if isinstance(piece, str)
        else (piece[0], piece[0] * piece[1])
        for _, piece in dates.tokenize_pattern(pattern)
    ]


def _date_parts(when, skeleton, language):
    """Return a date's text in pieces, each with the field that it
    belongs to.
    """
    return [
        (
            _SAME_FIELD.get(letter, letter),
            (
                text
                if letter == PUNCTUATION
                else dates.format_datetime(when, text, locale=language)
            ),
        )
        for letter, text in _fields(skeleton, language)
    ]


def _numerals(text, one_by_one):
    """Write a whole number below 100, or the digits of a year, with Chinese
    numerals.
    """
    if not text.isdigit() or (not one_by_one and len(text) > 2):
        return text
    tens, ones = divmod(int(text), 10)
    if one_by_one or not tens:
        return "".join(
            NUMERALS[int(digit)]
            for digit in (text if one_by_one else str(ones))
        )
    return (
        (NUMERALS[tens] if tens > 1 else "")
        + "十"
        + (NUMERALS[ones] if ones else "")
    )


def _expression(chinese, english, kind):
    source = [
        (char, field)
        for field, text in chinese
        for char in text
        if not char.isspace()
    ]
    text = re.sub(r"\s", " ", "".join(piece for _, piece in english))
    # of every character
    owner = [field for field, piece in english for _ in piece]
    target = [
        (match.group(), owner[match.end() - 1])
        for match in re.finditer(r" ?[^\W\d]+| ?\d|[^\w ]|\s", text)
    ]
    return Expression(
        [char for char, _ in source],
        [token for token, _ in target],
        [field for _, field in source],
        [field for _, field in target],
        kind,
    )


def _random_date(rng, years):
    when = datetime(
        rng.randint(*years),
        rng.randint(1, 12),
        rng.randint(1, 28),
        rng.randint(0, 23),
        rng.randint(0, 59),
    )
    return date_expression(when, rng.choice(skeletons()), rng.random() < 0.5)


def _random_quantity(rng):
    kind, numerals = (
        rng.choice(["unit", "currency", "span"]),
        rng.random() < 0.5,
    )
    if kind == "span":
        unit, count = (
            rng.choice(["minutes", "hours", "days", "weeks"]),
            rng.randint(1, 40),
        )
        span = timedelta(**{unit: rng.choice([-1, 1]) * count})
        write = functools.partial(
            dates.format_timedelta, span, add_direction=True, threshold=2
        )  # "3 days ago"
        return quantity_expression(
            write(locale="zh"), write(locale="en"), numerals
        )
    number = rng.randint(1, 9999) / rng.choice([1, 1, 10])
    number = int(number) if number == int(number) else number
    if kind == "unit":
        write = functools.partial(
            units.format_unit, number, rng.choice(UNITS), length="long"
        )
    else:
        currency = rng.choice(CURRENCIES)
        write = functools.partial(
            numbers.format_currency, number, currency, format_type="name"
        )
    return quantity_expression(write(locale="zh"), write(locale="en"), numerals)
