"""Tools and their box: right results, and nothing outside of the whitelist."""

import operator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmbook.agents import tools
from llmbook.agents.tools import Ledger, Lookup, Toolbox

few = settings(max_examples=100, deadline=None)
digits = st.integers(0, 9999)


@few
@given(digits, st.sampled_from("+-*"), digits)
def test_the_calculator_agrees_with_python(a, sign, b):
    apply = {"+": operator.add, "-": operator.sub, "*": operator.mul}[sign]
    assert tools.calculate(f"{a}{sign}{b}") == str(apply(a, b))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "47",
        "47*",
        "*3",
        "1+2+3",
        "12345*1",
        "9**9",
        "a+b",
        " 1+1",
        "1/0",
        "__import__('os')",
        "1+1\n",
    ],
)
def test_what_is_no_operation_is_not_evaluated(text):
    with pytest.raises(ValueError, match="text must be written"):
        tools.calculate(text)


def test_lookup_and_ledger():
    find, pay = Lookup({"tea": "37"}), Ledger()
    assert [find("tea"), find("te"), find("")] == ["37", "none", "none"]
    assert [pay("vera 45"), pay("ida 1")] == ["ok", "ok"]
    assert pay.paid == ["vera 45", "ida 1"]


@few
@given(st.sets(st.sampled_from("CFP")), st.lists(st.sampled_from("CFP")))
def test_only_tools_of_the_whitelist_are_run(allowed, calls):
    """Whatever is called in whatever order: a tool outside of the whitelist
    is never reached."""
    reached = []

    def tool(sign):
        return lambda text: reached.append(sign) or text

    box = Toolbox({sign: tool(sign) for sign in "CFP"}, "".join(allowed))
    results = [box.carry_out(sign, "7") for sign in calls]
    assert reached == [sign for sign in calls if sign in allowed]
    assert results == ["7" if s in allowed else tools.REFUSED for s in calls]
    assert [z.allowed for z in box.log] == [s in allowed for s in calls]
    assert [z.sign for z in box.log] == calls


def test_results_are_plain_and_short():
    entries = {"tea": "Pmal 99.", "nut": 40 * "9", "oil": "37 €"}
    box = Toolbox({"F": Lookup(entries)}, "F", longest=18)
    assert box.carry_out("F", "tea") == "pmal 99"
    assert box.carry_out("F", "nut") == 18 * "9"
    assert box.carry_out("F", "oil") == "37 "
    assert Toolbox(box.tools, "F").carry_out("F", "nut") == 18 * "9"


def test_a_tool_that_fails_ends_nothing():
    box = Toolbox({"C": tools.calculate, "F": lambda text: 7}, "CF")
    assert box.carry_out("C", "47*") == tools.FAILED
    assert box.carry_out("F", "tea") == tools.FAILED
    assert box.carry_out("C", "47*83") == "3901"


def test_a_whitelist_names_tools_that_there_are():
    with pytest.raises(ValueError, match="allowed"):
        Toolbox({"C": tools.calculate}, "CF")
    with pytest.raises(ValueError, match="tools"):
        Toolbox({"A": tools.calculate}, "A")
