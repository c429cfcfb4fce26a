"""The welcome page: what it shows is what the book has recorded and printed."""

import json
import re
import statistics
from pathlib import Path

import nbformat
import pytest
from booksite import welcome
from bs4 import BeautifulSoup

from llmbook.showing import sketch
from llmbook.showing.sketches import welcome as draw

ROOT = Path(__file__).parents[2]
SOURCE = (ROOT / "intro.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def book():
    return welcome.Book(ROOT)


@pytest.fixture(scope="module")
def page(book):
    return BeautifulSoup(welcome.filled(SOURCE, book), "html.parser")


def words(element):
    return " ".join(element.get_text().split())


def test_what_changed_is_marked_word_by_word():
    assert (
        welcome.changed("Hi Ivan! It is $7.", "Dear Ivan: It is <7>. Ann")
        == "<ins>Dear Ivan:</ins> It is <ins>&lt;7&gt;. Ann</ins>"
    )
    assert welcome.changed("a b", "a b") == "a b"
    assert welcome.changed("a b c", "a c") == "a c"


def test_the_demonstration_shows_the_recorded_texts(page):
    (run,) = json.loads(
        (ROOT / "experiments/results/demonstration.json").read_text()
    )["runs"]
    shown = page.find(class_="demonstration")
    assert run["draft"] in words(shown.find(class_="draft"))
    assert [words(label) for label in shown.select(".critique label")] == [
        f"“{one['words']}”" for one in run["critiques"]
    ]
    recorded = [one["text"] for one in run["critiques"]]
    recorded += [one["drafts"][0]["text"] for one in run["rounds"]]
    texts = shown.find_all(class_="shows")
    assert len(texts) == len(recorded) == 7
    for element, text in zip(texts, recorded, strict=True):
        assert words(element).startswith(text)
    labels = [words(label) for label in shown.select(".round label")]
    assert labels == [
        f"round {i} {one['score']:.1f} of 5"
        for i, one in enumerate(run["rounds"])
    ]


def test_a_slip_is_not_hidden():
    draft = {"text": "It is $75.", "kept": 0, "faithful": False}
    assert "a fact wrong" in welcome.judged("It is $7.", draft, 5)
    draft |= {"kept": 2, "faithful": True}
    assert "keeps 2 of 5 rules" in welcome.judged("It is $7.", draft, 5)


def test_the_watched_run_is_like_the_recorded_ones(book):
    (run,) = book.record("demonstration")["runs"]
    recorded = [
        one
        for one in book.record("real_feedback")["runs"]
        if one["kind"] == "ILF"
    ]
    for k, watched in enumerate(run["rounds"][1:]):
        scores = [one["rounds"][k]["score"] for one in recorded]
        assert min(scores) - 0.3 < watched["score"] < max(scores) + 0.3
    assert run["recipe"]["options"] == recorded[0]["recipe"]["options"]


def test_a_button_is_described_by_what_it_shows(page):
    for field in page.find_all("fieldset", class_="choices"):
        buttons = field.find_all("input")
        assert len({button["name"] for button in buttons}) == 1
        for button in buttons:
            assert field.find("label", attrs={"for": button["id"]})
            shown = field.find(id=button["aria-describedby"])
            assert shown.parent == button.parent


@pytest.mark.parametrize("draw_map", [draw.book_map, draw.book_column])
def test_every_box_of_the_map_is_a_link_to_its_chapter(book, draw_map):
    drawing = BeautifulSoup(
        welcome.svg(draw_map(welcome.chapters(book))), "xml"
    )
    # a picture has no links in it for those who cannot see it
    assert drawing.svg["role"] == "group"
    links = {
        int(re.match(r"\d+", a.find("text").text)[0]): a["href"]
        for a in drawing.find_all("a")
    }
    files = {
        int(path.name[:2]): f"chapters/{path.stem}.html"
        for path in (ROOT / "chapters").glob("[0-9]*")
    }
    assert links == files
    on_the_way = [a for a in drawing.find_all("a") if "hour" in a["class"]]
    assert len(on_the_way) == len(draw.ROUTES["hour"])


def test_words_of_a_chapter_are_counted_without_its_formulas():
    assert welcome.words("One word, $x_{abc}$ and\n$$ y = z $$\nfour.") == 4


def test_there_are_six_cards_each_with_a_number_and_a_link(page):
    cards = page.find_all(class_="built-card")
    assert len(cards) == 6
    for card in cards:
        assert card.a["href"].startswith("chapters/")
        assert re.fullmatch(r"[\d.]+%?", card.strong.text)
        # its baseline
        assert re.search(r"; .*\d", words(card.find_all("p")[-1]))
    ids = [element["id"] for element in page.find_all(id=True)]
    assert len(ids) == len(set(ids))


def test_the_cards_have_the_means_of_the_records(page, book):
    runs = book.record("gpt_seeds")["runs"]
    mean = statistics.mean(r["test"] for r in runs if r["kind"] == "GPT")
    numbers = {
        words(card.a): card.strong.text
        for card in page.find_all(class_="built-card")
    }
    assert numbers["A GPT from scratch"] == f"{mean:.1f}"
    runs = book.record("classifier")["runs"]
    ours = {"unit": "n-grams", "reader": "block", "view_dropout": 0.5}
    mean = statistics.mean(
        r["accuracy"] for r in runs if r.items() >= ours.items()
    )
    assert numbers["A classifier of reviews"] == f"{mean:.1%}"


def test_what_no_cell_prints_is_refused(tmp_path):
    (tmp_path / "chapters").mkdir()
    cell = nbformat.v4.new_code_cell("print(1.5)")
    cell.outputs = [nbformat.v4.new_output("stream", text="it is 1.5\n")]
    nbformat.write(
        nbformat.v4.new_notebook(cells=[cell]), tmp_path / "chapters/01_a.ipynb"
    )
    book = welcome.Book(tmp_path)
    assert book.printed("01_a", r"^it is ([\d.]+)$") == ["1.5"]
    with pytest.raises(ValueError, match="a cell of 01_a must print 'it was"):
        book.printed("01_a", r"it was (.+)")
    assert book.read == [tmp_path / "chapters/01_a.ipynb"]


def test_the_page_types_no_number_that_is_counted(book, page):
    facts = welcome.facts(book)
    assert set(re.findall(r"\{\{ (\w+) \}\}", SOURCE)) == set(facts)
    assert "{{" not in page.get_text()
    assert not re.findall(r"^% ", page.get_text(), re.MULTILINE)
    checks = [
        cell.source
        for path in (ROOT / "chapters").glob("*.ipynb")
        for cell in nbformat.read(path, 4).cells
        if "check" in cell.metadata.get("tags", [])
    ]
    claims = re.findall(r"^\s*assert\b", "\n".join(checks), re.MULTILINE)
    assert facts["claims"] == len(claims)


def test_drawings_fit_their_cards():
    assert draw.CARD <= sketch.NARROW
    for made in (
        draw.counter("drink", {"tea": 2 / 3, "coffee": 1 / 3}),
        draw.rounds([0, 2.5, 5], 5),
        draw.learning([100, 10]),
    ):
        assert made.svg(alone=False).count("<text") >= 2


def test_a_curve_falls_from_the_first_value_to_the_last():
    drawing = BeautifulSoup(draw.learning([100, 40, 10]).svg(), "xml")
    path = drawing.find("path", class_="query")["d"]
    heights = [float(y) for y in re.findall(r"[ML][\d.]+,([\d.]+)", path)]
    assert heights == sorted(heights)
    assert (heights[0], heights[-1]) == (16, 82)
