"""The attention viewer: what it stores, its table, and what a reader does with it in a browser."""

import re

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from bs4 import BeautifulSoup
from hypothesis import given, settings
from hypothesis import strategies as st

from llmbook.mathematics.attention import causal_mask
from llmbook.showing import viewer
from llmbook.showing.viewer import attention_view, encode

TOKENS = ["今天", " 酒店", "<b>", "very", "好"]
SOURCE = ["今天", "很", "好"]
TARGET = ["today", "is", "a", "good", "day"]


def some_weights(*shape, seed=0, evenness=0.5):
    return np.random.default_rng(seed).dirichlet(
        np.full(shape[-1], evenness), size=shape[:-1]
    )


def decode(text, columns):
    """An independent reading of the format, one regular expression for its four cases."""
    number = viewer.DIGITS.index
    values = []
    for zeros, high, low, end, one in re.findall(
        r"/(.)|([v-z0-9])(.)|([+])|([A-Za-u])", text
    ):
        if end:
            values += [0] * (-len(values) % columns or columns)
        elif zeros:
            values += [0] * (number(zeros) + 1)
        else:
            values.append(
                number(one)
                if one
                else 47 + 64 * (number(high) - 47) + number(low)
            )
    return np.reshape(values, (-1, columns))


@given(
    st.integers(1, 150).flatmap(
        lambda columns: st.lists(
            st.lists(
                st.one_of(st.just(0), st.integers(0, 1006)),
                min_size=columns,
                max_size=columns,
            ),
            min_size=1,
            max_size=4,
        )
    )
)
@settings(max_examples=50)
def test_what_is_encoded_can_be_decoded(rows):
    np.testing.assert_array_equal(decode(encode(rows), len(rows[0])), rows)


@pytest.mark.parametrize("length", [1, 2, 3, 64, 65, 66, 67, 128, 130])
def test_runs_of_zeros_are_short(length):
    assert len(encode([[0] * length])) == 1
    row = [*[0] * length, 1]
    np.testing.assert_array_equal(decode(encode([row]), length + 1), [row])
    assert len(encode([row])) <= 2 * (length // 64) + 3


@pytest.mark.parametrize("rows", [[[-1]], [[1007]], [[0, 5000]]])
def test_numbers_that_cannot_be_encoded_are_named(rows):
    with pytest.raises(ValueError, match="rows must be between 0 and 1006"):
        encode(rows)


@settings(max_examples=20)
@given(
    st.integers(1, 3),
    st.integers(1, 3),
    st.integers(1, 5),
    st.integers(1, 5),
    st.integers(1, 3),
)
def test_the_html_holds_every_weight_to_the_digits_shown(
    layers, heads, queries, keys, digits
):
    weights = some_weights(layers, heads, queries, keys)
    view = attention_view(
        weights, list("abcde")[:queries], list("vwxyz")[:keys], digits=digits
    )
    element = BeautifulSoup(view._repr_html_(), "html.parser").find(
        "attention-view"
    )
    stored = (
        decode(element["data-weights"], keys).reshape(weights.shape)
        / 10**digits
    )
    np.testing.assert_allclose(stored, weights, atol=0.5001 / 10**digits)


def test_the_table_is_the_heatmap_of_the_head_chosen():
    weights = some_weights(2, 3, 5, 5)
    view = attention_view(weights, TOKENS, layer=1, head=2)
    table = BeautifulSoup(view._repr_html_(), "html.parser").find("table")
    assert [cell.text for cell in table.select("th[scope=col]")] == [
        "今天",
        "␣酒店",
        "<b>",
        "very",
        "好",
    ]
    assert [cell.text for cell in table.select("th[scope=row]")] == [
        "今天",
        "␣酒店",
        "<b>",
        "very",
        "好",
    ]
    shown = [
        [float(cell.text) for cell in row.select("td")]
        for row in table.select("tbody tr")
    ]
    np.testing.assert_allclose(shown, weights[1, 2], atol=0.00501)
    shades = [
        float(cell["style"].partition(":")[2])
        for cell in table.select("tbody td")
    ]
    assert np.corrcoef(shades, weights[1, 2].ravel())[0, 1] > 0.999
    assert max(shades) == 100
    assert "Layer 1, head 2" in table.caption.text


def test_matrices_and_single_layers_are_taken_too():
    square = some_weights(5, 5)
    alike = [
        attention_view(w, TOKENS)._repr_html_()
        for w in (square, square[None], square[None, None])
    ]
    assert alike[0] == alike[1] == alike[2]


def test_the_text_says_what_is_held():
    assert repr(attention_view(some_weights(2, 4, 5, 5), TOKENS)) == (
        "<AttentionView: 2 layers of 4 heads, 5 queries, 5 keys>"
    )
    assert repr(attention_view(some_weights(5, 3), TARGET, SOURCE)) == (
        "<AttentionView: 1 layer of 1 head, 5 queries, 3 keys>"
    )


def test_the_heads_of_a_real_models_size_fit_the_budget():
    weights = some_weights(30, 9, 20, 20, evenness=0.2) * causal_mask(20)
    weights /= weights.sum(axis=-1, keepdims=True)
    view = attention_view(weights, ["token"] * 20)
    assert len(view.data) <= viewer.LARGEST_DATA
    assert len(viewer.assets()) < 12_000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"weights": np.ones((5, 4)) / 4},
            r"weights must have the shape .*5, 5.*got \(5, 4\)",
        ),
        ({"weights": np.ones(5)}, "weights must have the shape"),
        (
            {"weights": np.full((5, 5), np.nan)},
            "weights must be between 0 and 1",
        ),
        (
            {"weights": np.full((5, 5), 1.5)},
            "weights must be between 0 and 1, got 1.5",
        ),
        (
            {"weights": np.full((5, 5), -0.5)},
            "weights must be between 0 and 1, got -0.5",
        ),
        ({"weights": np.ones((0, 5, 5))}, "weights must hold at least one"),
        (
            {"weights": np.ones((0, 0)), "tokens": []},
            "weights must hold at least one",
        ),
        ({"layer": 1}, "layer must be between 0 and 0, got 1"),
        ({"head": -1}, "head must be between 0 and 1, got -1"),
        ({"token": 5}, "token must be between 0 and 4, got 5"),
        ({"digits": 4}, "digits must be 1, 2 or 3, got 4"),
        (
            {"weights": np.ones((200, 200)) / 200, "tokens": ["a"] * 200},
            "at most 16384 pairs",
        ),
        (
            {"weights": some_weights(40, 9, 20, 20), "tokens": ["a"] * 20},
            "at most 60000 bytes",
        ),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        attention_view(
            **({"weights": some_weights(2, 5, 5), "tokens": TOKENS} | arguments)
        )


# In the browser: two views on one page, of a self-attention and of a cross-attention.

SELF = some_weights(2, 3, 5, 5, seed=1)
CROSS = some_weights(2, 5, 3, seed=2)
PAGE = (
    '<!doctype html><html lang="en" data-theme="light"><head><meta charset="utf-8"><title>Views</title>'
    '<meta name="viewport" content="width=device-width">'
    "<style>html[data-theme=dark] {{ color-scheme: dark; background: #121417 }}</style></head>"
    "<body><main><h1>Views</h1>{}</main></body></html>"
)


@pytest.fixture
def views():
    return PAGE.format(
        attention_view(SELF, TOKENS, title="Self-attention")._repr_html_()
        + attention_view(
            CROSS, TARGET, SOURCE, title="Cross-attention"
        )._repr_html_()
    )


@pytest.fixture
def page(browser, views):
    """The page with both views, and the errors of its scripts, of which there must be none."""
    context = browser.new_context(has_touch=True)
    page, errors = context.new_page(), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on(
        "request", lambda request: errors.append(f"asked for {request.url}")
    )
    page.set_content(views)
    yield page
    context.close()
    assert errors == []


def strip(page, side, view=0):
    name = {"query": "attends (query)", "key": "attended to (key)"}[side]
    return (
        page.locator("attention-view").nth(view).get_by_role("group", name=name)
    )


def numbers(strip):
    """The numbers that stand beneath the tokens of a strip."""
    return [
        float(text) if text else None
        for text in strip.locator("small").all_text_contents()
    ]


def assert_shows(page, weights, token, view=0):
    np.testing.assert_allclose(
        numbers(strip(page, "key", view)), weights[token], atol=0.00501
    )
    if len(weights) == weights.shape[1]:
        np.testing.assert_allclose(
            numbers(strip(page, "query", view)), weights[:, token], atol=0.00501
        )


def test_it_opens_on_the_first_head_and_token(page):
    assert_shows(page, SELF[0, 0], 0)
    assert_shows(page, CROSS[0], 0, view=1)


def test_heads_and_layers_change(page):
    first = page.locator("attention-view").first
    first.get_by_role("button", name="head 2").click()
    assert_shows(page, SELF[0, 2], 0)
    first.get_by_label("Layer").select_option("1")
    assert_shows(page, SELF[1, 2], 0)
    shown = [
        float(text) for text in first.locator("tbody td").all_text_contents()
    ]
    np.testing.assert_allclose(shown, SELF[1, 2].ravel(), atol=0.00501)
    assert "Layer 1, head 2" in first.locator("caption").text_content()
    assert_shows(page, CROSS[0], 0, view=1)  # the other view stays as it was


def test_thumbnails_are_drawn_darker_where_the_weight_is_larger(page):
    alphas = page.evaluate(
        """() => [...document.querySelectorAll("canvas")].slice(0, 3).map(canvas =>
        [...canvas.getContext("2d").getImageData(0, 0, 5, 5).data].filter((_, i) => i % 4 === 3))"""
    )
    for head, alpha in zip(SELF[0], alphas, strict=True):
        np.testing.assert_allclose(
            np.array(alpha) / 255, head.ravel() / head.max(), atol=0.02
        )


def test_a_token_is_picked_by_mouse(page):
    strip(page, "query").get_by_role("button").nth(3).click()
    page.mouse.move(0, 0)
    assert_shows(page, SELF[0, 0], 3)
    page.locator("attention-view").first.locator("tbody tr").nth(1).locator(
        "td"
    ).nth(2).click()
    page.mouse.move(0, 0)
    assert_shows(page, SELF[0, 0], 1)


def test_a_token_hovered_shows_until_the_mouse_leaves(page):
    strip(page, "key").get_by_role("button").nth(2).hover()
    assert_shows(page, SELF[0, 0], 2)
    page.mouse.move(0, 0)
    assert_shows(page, SELF[0, 0], 0)


def test_a_token_is_picked_by_touch(page):
    strip(page, "query").get_by_role("button").nth(4).tap()
    assert_shows(page, SELF[0, 0], 4)


def test_a_token_is_picked_by_keyboard_and_each_strip_is_one_stop(page):
    first = page.locator("attention-view").first
    first.get_by_label("Layer").focus()
    page.keyboard.press("Tab")  # the heads
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Tab")  # the queries
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft", "End"):
        page.keyboard.press(key)
    assert_shows(page, SELF[0, 1], 4)
    page.keyboard.press("Home")
    page.keyboard.press("ArrowLeft")  # there is nothing before the first
    assert_shows(page, SELF[0, 1], 0)
    page.keyboard.press("Tab")  # the keys
    page.keyboard.press("ArrowRight")
    assert_shows(page, SELF[0, 1], 1)


def test_a_key_of_cross_attention_shows_who_looks_at_it(page):
    strip(page, "key", view=1).get_by_role("button").nth(2).click()
    page.mouse.move(0, 0)
    np.testing.assert_allclose(
        numbers(strip(page, "query", view=1)), CROSS[0, :, 2], atol=0.00501
    )
    assert numbers(strip(page, "key", view=1)) == [None] * 3


def test_what_was_picked_is_announced(page):
    strip(page, "query").get_by_role("button").nth(3).click()
    said = page.locator("attention-view").first.get_by_role("status")
    assert said.get_attribute("aria-live") == "polite"
    order = np.argsort(-SELF[0, 0, 3])
    shown = ["今天", "␣酒店", "<b>", "very", "好"]
    most = f"{shown[order[0]]} {SELF[0, 0, 3].max():.2f}".replace(" 0.", " .")
    assert said.text_content().startswith(f"very (query 4): looks at {most}")
    assert "is looked at by" in said.text_content()


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_axe_finds_nothing(page, mode):
    page.evaluate("mode => document.documentElement.dataset.theme = mode", mode)
    strip(page, "query").get_by_role("button").nth(3).click()
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()


def test_the_mode_changes_the_colours_of_what_is_shown_already(page):
    cell = page.locator("attention-view td[style]").first
    colours = []
    for mode in ("light", "dark"):
        page.evaluate(
            "mode => document.documentElement.dataset.theme = mode", mode
        )
        colours.append(cell.evaluate("cell => getComputedStyle(cell).color"))
    assert colours[0] != colours[1]


def test_a_long_sequence_scrolls_within_the_page(browser):
    weights = some_weights(100, 100)
    view = attention_view(weights, [f"token{i}" for i in range(100)])
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.set_content(PAGE.format(view._repr_html_()))
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    box = page.locator(".scroll")
    assert box.evaluate(
        "box => box.scrollWidth > box.clientWidth && box.scrollHeight > box.clientHeight"
    )
    box.evaluate("box => box.scrollTo(3000, 1500)")
    assert box.evaluate("box => box.scrollLeft > 0 && box.scrollTop > 0")
    strip(page, "query").get_by_role("button").nth(99).click()
    page.mouse.move(0, 0)
    assert_shows(page, weights, 99)
    page.close()


def test_without_scripts_the_heatmap_stands(browser, views):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.set_content(views)
    shown = page.locator("attention-view").first.locator("tbody td")
    np.testing.assert_allclose(
        [float(text) for text in shown.all_text_contents()],
        SELF[0, 0].ravel(),
        atol=0.00501,
    )
    assert shown.first.is_visible()
    assert page.get_by_role("button").count() == 0
    context.close()
