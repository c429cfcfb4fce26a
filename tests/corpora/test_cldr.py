import random
from datetime import datetime

import pytest
from babel import dates, numbers, units
from hypothesis import given, settings
from hypothesis import strategies as st

from llmbook.corpora.cldr import (
    CURRENCIES,
    PUNCTUATION,
    UNITS,
    date_expression,
    generate,
    quantity_expression,
    skeletons,
)

few = settings(max_examples=50, deadline=None)
moments = st.datetimes(datetime(1950, 1, 1), datetime(2099, 12, 31))


def spaced(text):
    return "".join(" " if char.isspace() else char for char in text)


@given(moments, st.sampled_from(skeletons()))
@few
def test_both_sides_are_what_babel_writes_of_the_whole(when, skeleton):
    expression = date_expression(when, skeleton)
    chinese, english = (
        dates.format_skeleton(skeleton, when, locale=language, tzinfo=None)
        for language in ("zh", "en")
    )
    assert expression.text == ("".join(chinese.split()), spaced(english))
    assert len(expression.source) == len(expression.source_fields)
    assert len(expression.target) == len(expression.target_fields)


@given(moments, st.sampled_from(skeletons()), st.booleans())
@few
def test_every_field_of_the_english_stands_in_the_chinese(
    when, skeleton, numerals
):
    expression = date_expression(when, skeleton, numerals)
    assert set(expression.target_fields) - {PUNCTUATION} <= set(
        expression.source_fields
    )


def test_a_date_by_hand():
    when = datetime(1987, 11, 23)
    plain = date_expression(when, "yMMMd")
    assert plain.source == list("1987年11月23日")
    assert plain.target == ["Nov", " 2", "3", ",", " 1", "9", "8", "7"]
    assert "".join(plain.source_fields) == "yyyy-MM-dd-"
    assert plain.target_fields == ["M", "d", "d", PUNCTUATION, *"yyyy"]
    assert (
        date_expression(when, "yMMMd", numerals=True).text[0]
        == "一九八七年十一月二十三日"
    )
    assert date_expression(when, "yMd", numerals=True).text[0] == "1987/11/23"
    assert (
        date_expression(datetime(2010, 10, 20), "yMMMd", True).text[0]
        == "二〇一〇年十月二十日"
    )


def test_a_quantity_by_hand():
    found = quantity_expression(
        "每小时1,204.5公里", "1,204.5 kilometers per hour"
    )
    assert "".join(found.source_fields) == "uuunnnnnnnuu"
    assert found.target == [*"1,204.5", " kilometers", " per", " hour"]
    assert found.target_fields == [*"nnnnnnn", "u", "u", "u"]
    assert (
        quantity_expression("12天后", "in 12 days", numerals=True).text[0]
        == "十二天后"
    )
    assert (
        quantity_expression("120天后", "in 120 days", numerals=True).text[0]
        == "120天后"
    )


def test_the_chosen_units_and_currencies_have_chinese_names():
    for unit in UNITS:
        assert not units.format_unit(
            2, unit, locale="zh", length="long"
        ).isascii()
    for currency in CURRENCIES:
        text = numbers.format_currency(
            2, currency, locale="zh", format_type="name"
        )
        assert not text.isascii()


def test_generated_sources_differ_and_depend_on_the_seed_alone():
    random.seed(1)
    first = generate(300, seed=3)
    random.seed(2)
    assert generate(300, seed=3) == first != generate(300, seed=4)
    assert len({expression.text[0] for expression in first}) == 300
    assert {expression.kind for expression in first} == {"date", "quantity"}
    written = {
        "".join(
            token
            for token, field in zip(e.target, e.target_fields, strict=True)
            if field == "y"
        )
        for e in generate(200, years=(2050, 2052))
    }
    assert {year.strip() for year in written} - {""} == {"2050", "2051", "2052"}


@pytest.mark.parametrize(
    "options", [{"count": -1}, {"count": 1, "years": (2, 1)}]
)
def test_nonsense_is_refused(options):
    with pytest.raises(
        ValueError, match="count must not be negative nor years fall"
    ):
        generate(**options)
