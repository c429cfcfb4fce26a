"""The attention viewer: what it stores, its lines and its table, and what a reader does with it in a browser."""

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


def drawn_lines(page):
    """The lines of an SVG: of the token chosen, and the grey ones, as (query, key): pixels."""
    found = {"on": {}, "grey": {}}
    for kind, query, key, width in re.findall(
        r'<path( class="?on"?)? d="M0 (\d+)[.]5L1 (\d+)[.]5" stroke-width="([\d.]+)"',
        str(page),
    ):
        found["on" if kind else "grey"][int(query), int(key)] = float(width)
    return found["on"], found["grey"]


def test_the_lines_of_the_token_chosen_are_as_thick_as_its_weights():
    weights = some_weights(2, 5, 5, seed=3)
    weights[1, 3] = [0, 0.96, 0.03, 0.01, 0]
    view = attention_view(weights, TOKENS, head=1, token=3)
    on, grey = drawn_lines(view._repr_html_())
    assert on == {(3, 1): 11.5, (3, 2): 0.5, (3, 3): 0.5}
    others = [0, 1, 2, 4]
    assert set(grey) == {(q, weights[1, q].argmax()) for q in others}
    np.testing.assert_allclose(
        [grey[q, weights[1, q].argmax()] / 12 for q in others],
        weights[1, others].max(axis=1),
        atol=0.01,
    )


def said(view):
    return BeautifulSoup(view._repr_html_(), "html.parser").output.text


def test_the_sentence_says_what_is_shown():
    row = np.array([[0.1, 0.5, 0, 0.25, 0.15]])
    weights = np.repeat(row, 5, axis=0)
    rest = "today (query 1) looks at is (2) .50, good (4) .25, day (5) .15"
    assert said(attention_view(weights, TARGET)) == f"{rest}, and 1 other."
    several = np.stack([weights] * 2)
    assert said(attention_view(several, TARGET, head=1)).startswith(
        f"Head 1: {rest}"
    )
    assert said(
        attention_view(np.stack([several] * 3), TARGET, layer=2)
    ).startswith(f"Layer 2, head 0: {rest}")
    assert said(
        attention_view(several, TARGET, heads=["who", "where"], head=1)
    ).startswith(f"Where: {rest}")
    assert said(attention_view(0 * weights, TARGET, token=1)) == (
        "is (query 2) looks at nothing."
    )


def test_heads_bear_their_names():
    view = attention_view(
        some_weights(2, 5, 5), TOKENS, heads=["who & <what>", "where"]
    )
    page = BeautifulSoup(view._repr_html_(), "html.parser")
    names = [label.text for label in page.select(".heads label")]
    assert names == ["who & <what>", "where"]
    assert page.caption.text.startswith("Who & <what>: ")


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
        ({"heads": ["who"]}, "heads must name 2 heads, got 1 name"),
        ({"heads": "ab"}, "heads must be a list of strings"),
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
SHOWN = ["今天", "␣酒店", "<b>", "very", "好"]
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
            CROSS,
            TARGET,
            SOURCE,
            heads=["date", "rest"],
            title="Cross-attention",
        )._repr_html_()
    )


def opened(browser, html, **context):
    """A page, and the errors of its scripts, which are also its requests."""
    page, errors = browser.new_context(**context).new_page(), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on(
        "request", lambda request: errors.append(f"asked for {request.url}")
    )
    page.set_content(html)
    return page, errors


@pytest.fixture
def page(browser, views):
    page, errors = opened(browser, views)
    yield page
    page.context.close()
    assert errors == []


@pytest.fixture
def phone(browser, views):
    page, errors = opened(
        browser,
        views,
        viewport={"width": 390, "height": 844},
        has_touch=True,
        is_mobile=True,
    )
    yield page
    page.context.close()
    assert errors == []


def view_of(page, view=0):
    return page.locator("attention-view").nth(view)


def column(page, side, view=0):
    name = {"query": "queries, which look", "key": "keys, which are looked at"}
    return view_of(page, view).get_by_role("radiogroup", name=name[side])


def tokens(page, side, view=0):
    return column(page, side, view).locator("label")


def numbers(page, side, view=0):
    """The numbers that stand beside the tokens of a column."""
    texts = tokens(page, side, view).locator("small").all_text_contents()
    return [float(text or 0) for text in texts]


def sentence(page, view=0):
    return view_of(page, view).get_by_role("status").text_content()


def assert_shows(page, weights, token, side="query", view=0):
    """The numbers, the lines and the sentence are those of a token."""
    if side == "query":
        row, far, words = weights[token], "key", "looks at"
    else:
        row, far, words = weights[:, token], "query", "is looked at by"
    np.testing.assert_allclose(numbers(page, far, view), row, atol=0.00501)
    assert not any(numbers(page, side, view))
    on, grey = drawn_lines(view_of(page, view).locator("svg").inner_html())
    strongest = {(q, k) for q, k in enumerate(weights.round(2).argmax(axis=1))}
    assert set(grey) == {
        pair for pair in strongest if pair[side == "key"] != token
    }
    pair = (lambda i: (token, i)) if side == "query" else lambda i: (i, token)
    for i, weight in enumerate(row.round(2)):
        assert on.get(pair(i), 0) == pytest.approx(
            max(12 * weight, 0.5) if weight else 0, abs=0.051
        )
    tokens_far = tokens(page, far, view).locator("span").all_text_contents()
    most = row.argmax()
    assert (
        f"({side} {token + 1}) {words} {tokens_far[most]} ({most + 1})"
        f" {row[most]:.2f}".replace(" 0.", " .")
    ) in sentence(page, view)


def outlined(page, view=0):
    """The tokens outlined, as their places in the two columns."""
    return view_of(page, view).evaluate(
        """view => [...view.querySelectorAll(".side")].map(side =>
        [...side.querySelectorAll("label")].flatMap((label, i) =>
        parseFloat(getComputedStyle(label).outlineWidth) >= 2
        && getComputedStyle(label).outlineStyle === "solid" ? [i] : []))"""
    )


def test_the_script_shows_what_stood_there_without_it(browser, views):
    states = []
    for scripts in (False, True):
        page, _ = opened(browser, views, java_script_enabled=scripts)
        states.append(
            [
                (
                    sentence(page, view),
                    view_of(page, view).locator("caption").text_content(),
                    numbers(page, "key", view),
                    drawn_lines(
                        view_of(page, view).locator("svg").inner_html()
                    ),
                )
                for view in (0, 1)
            ]
        )
        page.context.close()
    assert states[0] == states[1]
    assert all(lines[0] for *_, lines in states[0])


def test_nothing_moves_when_the_script_arrives(browser, views):
    boxes = []
    bare = re.sub("<script>.*?</script>", "", views, flags=re.DOTALL)
    for html in (bare, views):
        page, _ = opened(browser, html)
        parts = page.locator("attention-view, form > *, label").all()
        boxes.append([part.bounding_box() for part in parts])
        page.context.close()
    assert boxes[0] == boxes[1]


def test_it_opens_on_the_first_head_and_token(page):
    assert_shows(page, SELF[0, 0], 0)
    assert_shows(page, CROSS[0], 0, view=1)
    assert outlined(page) == outlined(page, 1) == [[0], []]


def test_heads_and_layers_change(page):
    first = view_of(page)
    first.get_by_role("radio", name="head 2").check()
    assert_shows(page, SELF[0, 2], 0)
    first.get_by_label("Layer").select_option("1")
    assert_shows(page, SELF[1, 2], 0)
    assert sentence(page).startswith("Layer 1, head 2: ")
    first.locator("summary").click()
    shown = [
        float(text) for text in first.locator("tbody td").all_text_contents()
    ]
    np.testing.assert_allclose(shown, SELF[1, 2].ravel(), atol=0.00501)
    assert "Layer 1, head 2" in first.locator("caption").text_content()
    assert_shows(page, CROSS[0], 0, view=1)  # the other view stays as it was
    view_of(page, 1).get_by_role("radio", name="rest").check()
    assert_shows(page, CROSS[1], 0, view=1)
    assert sentence(page, 1).startswith("Rest: ")


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
    tokens(page, "query").nth(3).click()
    page.mouse.move(0, 0)
    assert_shows(page, SELF[0, 0], 3)
    assert outlined(page) == [[3], []]


def test_a_key_that_is_picked_shows_who_looks_at_it(page):
    for view, weights in enumerate([SELF[0, 0], CROSS[0]]):
        tokens(page, "key", view).nth(2).click()
        page.mouse.move(0, 0)
        assert_shows(page, weights, 2, side="key", view=view)
        assert outlined(page, view) == [[], [2]]


def test_a_token_under_the_pointer_shows_until_it_leaves(page):
    tokens(page, "key").nth(2).hover()
    assert_shows(page, SELF[0, 0], 2, side="key")
    tokens(page, "query").nth(4).hover()
    assert_shows(page, SELF[0, 0], 4)
    assert outlined(page) == [[0], []]
    page.mouse.move(0, 0)
    assert_shows(page, SELF[0, 0], 0)


def test_it_scrolls_only_to_a_token_out_of_sight(phone):
    assert phone.locator(".stage").first.evaluate("box => box.scrollTop") == 0


def test_a_token_is_picked_by_touch(phone):
    tokens(phone, "query").nth(4).tap()
    assert_shows(phone, SELF[0, 0], 4)
    tokens(phone, "key").nth(1).tap()
    assert_shows(phone, SELF[0, 0], 1, side="key")


def test_a_token_is_picked_by_keyboard_and_each_column_is_one_stop(page):
    view_of(page).get_by_label("Layer").focus()
    page.keyboard.press("Tab")  # the heads
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Tab")  # as numbers
    page.keyboard.press("Tab")  # the queries
    for key in ("ArrowDown", "ArrowDown", "ArrowUp"):
        page.keyboard.press(key)
    assert_shows(page, SELF[0, 1], 1)
    page.keyboard.press("Tab")  # the keys: focus shows, the space bar picks
    assert_shows(page, SELF[0, 1], 0, side="key")
    assert outlined(page) == [[1], []]
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")  # the next view
    assert_shows(page, SELF[0, 1], 1, side="key")
    assert outlined(page)[0] == []


def test_the_table_takes_the_place_of_the_lines(page):
    first = view_of(page)
    assert not first.locator("table").is_visible()
    first.locator("summary").click()
    assert first.locator("table").is_visible()
    assert not first.locator("svg").is_visible()


def smallest_target(page):
    return page.evaluate(
        """Math.min(...[...document.querySelectorAll("label:has(input), select, summary")]
        .flatMap(target => [target.offsetWidth, target.offsetHeight]))"""
    )


def test_targets_are_large_enough(page, phone):
    assert smallest_target(page) >= 24
    assert smallest_target(phone) >= 44


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_axe_finds_nothing(page, mode):
    page.evaluate("mode => document.documentElement.dataset.theme = mode", mode)
    tokens(page, "query").nth(3).click()
    tokens(page, "key", 1).nth(1).click()
    page.locator("summary").first.click()
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()


def test_the_mode_changes_the_colours_of_what_is_shown_already(page):
    colours = []
    for mode in ("light", "dark"):
        page.evaluate(
            "mode => document.documentElement.dataset.theme = mode", mode
        )
        colours.append(
            page.locator("attention-view path.on").first.evaluate(
                "path => getComputedStyle(path).stroke"
            )
        )
    assert colours[0] != colours[1]


@pytest.mark.parametrize("width", [360, 390, 700, 1280])
@pytest.mark.parametrize("touch", [False, True])
def test_a_large_view_scrolls_within_itself(browser, width, touch):
    weights = some_weights(2, 12, 50, 50, evenness=0.05)
    names = [f"{i}" * (1 + 30 * (i == 3 and width > 360)) for i in range(50)]
    view = attention_view(weights, names, layer=1, token=40)
    page, errors = opened(
        browser,
        PAGE.format(view._repr_html_()),
        viewport={"width": width, "height": 844},
        has_touch=touch,
        is_mobile=touch,
    )
    fits = "document.documentElement.scrollWidth <= innerWidth"
    within = """box => box.getBoundingClientRect().height <= 480
        && [...box.querySelectorAll("form > *")].every(part =>
        part.getBoundingClientRect().bottom <= box.getBoundingClientRect().bottom)
        && [...box.querySelectorAll(".side")].every(side =>
        (side.nextElementSibling || side.firstChild.scrollWidth <= side.clientWidth)
        && side.getBoundingClientRect().right <= box.getBoundingClientRect().right)"""
    element, stage = view_of(page), page.locator(".stage")
    assert page.evaluate(fits)
    assert element.evaluate(within)
    assert stage.evaluate(
        "box => box.scrollHeight > box.clientHeight && box.scrollTop > 0"
    )
    assert_shows(page, weights[1, 0], 40)
    height = element.bounding_box()["height"]
    tokens(page, "query").nth(3).click()
    assert element.bounding_box()["height"] == height
    page.locator("summary").click()
    assert page.evaluate(fits)
    assert element.evaluate(within)
    page.context.close()
    assert errors == []


def test_printed_it_is_light_and_whole(page):
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    page.emulate_media(media="print")
    assert not view_of(page).locator("canvas").first.is_visible()
    assert view_of(page).locator("svg").is_visible()
    assert (
        view_of(page).evaluate("view => getComputedStyle(view).color")
        == "rgb(28, 31, 35)"
    )


def test_without_scripts_the_lines_and_the_table_stand(browser, views):
    page, _ = opened(browser, views, java_script_enabled=False)
    first = view_of(page)
    assert first.locator("svg").is_visible()
    assert first.locator("output").is_visible()
    assert page.get_by_role("radio").count() == 0
    first.locator("summary").click()
    shown = first.locator("tbody td")
    np.testing.assert_allclose(
        [float(text) for text in shown.all_text_contents()],
        SELF[0, 0].ravel(),
        atol=0.00501,
    )
    assert shown.first.is_visible()
    page.context.close()
