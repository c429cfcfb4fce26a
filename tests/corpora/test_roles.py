"""The grammar beside sentences worked out by hand, and the annotated sentences."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmbook.corpora.roles import lexicon, real
from llmbook.corpora.roles.grammar import (
    CLAUSES,
    RELATIVES,
    SETTINGS,
    Example,
    Grammar,
    attach,
    clause,
    corpus,
    examples,
    generate,
    is_passive_relative,
    join,
    words,
)
from llmbook.packages import packaged_file
from llmbook.text.tags import bio_tags


def read(example):
    return {
        role: " ".join(example.words[start:end])
        for start, end, role in example.spans
    }


# The composition of phrases.


def test_a_clause_with_a_subject_fills_its_roles():
    phrase = clause(
        [
            (words("Tom"), "ARG0"),
            (words("read"), "V"),
            (words("the book"), "ARG1"),
        ],
        "ARG0",
    )
    (example,) = examples(phrase)
    assert example == Example(
        ("Tom", "read", "the", "book"), 1, ((0, 1, "ARG0"), (2, 4, "ARG1"))
    )


def test_the_subject_of_wanting_is_that_of_what_is_wanted():
    to_read = clause(
        [(words("to"), None), (words("read"), "V"), (words("it"), "ARG1")],
        "ARG0",
    )
    wants = clause([(words("wants"), "V"), (to_read, "ARG1")], "ARG0")
    inner, outer = examples(attach(words("the girl"), wants))
    assert read(outer) == {"ARG0": "the girl", "ARG1": "to read it"}
    assert read(inner) == {"ARG0": "the girl", "ARG1": "it"}


def test_who_is_told_to_is_the_subject_of_what_is_told():
    to_go = clause([(words("to"), None), (words("go"), "V")], "ARG0")
    parts = [
        (words("she"), "ARG0"),
        (words("told"), "V"),
        (words("him"), "ARG2"),
        (to_go, "ARG1"),
    ]
    inner, outer = examples(clause(parts, "ARG0"))
    assert read(inner) == {"ARG0": "him"}
    assert read(outer) == {"ARG0": "she", "ARG2": "him", "ARG1": "to go"}


def test_a_noun_fills_the_gap_of_its_relative_clause_and_keeps_it_for_the_verb_outside():
    parts = [
        (words("that"), "R-ARG1"),
        (words("she"), "ARG0"),
        (words("sang"), "V"),
    ]
    song = attach(words("the song"), clause(parts, "ARG0", gap="ARG1"))
    whole = clause([(song, "ARG1"), (words("ended"), "V")], "ARG1")
    inner, outer = examples(whole)
    assert read(inner) == {"ARG1": "the song", "R-ARG1": "that", "ARG0": "she"}
    assert read(outer) == {"ARG1": "the song that she sang"}


@given(st.lists(st.integers(0, 3), min_size=1, max_size=4))
@settings(max_examples=30, deadline=None)
def test_joining_moves_frames_with_their_words(lengths):
    verb = clause([(words("it"), "ARG1"), (words("fell"), "V")], "ARG1")
    phrase = join(*(join(words("very " * n), verb) for n in lengths))
    for example in examples(phrase):
        assert example.words[example.predicate] == "fell"
        assert read(example) == {"ARG1": "it"}


# Sentences.


@pytest.fixture(scope="module")
def written():
    return generate(3000, 5)


def test_every_sentence_can_be_tagged_and_has_one_capital_and_an_end(written):
    for example in written:
        bio_tags(example.spans, len(example.words))  # raises if spans overlap
        assert all(
            not start <= example.predicate < end
            for start, end, _ in example.spans
        )
        assert (
            example.words[0][0].isupper() or not example.words[0][0].isalpha()
        )
        assert example.words[-1] in {".", "!", "?"}
        assert "" not in example.words


def test_verbs_are_those_of_the_lexicon_and_roles_those_of_the_annotation(
    written,
):
    extra = {
        form
        for base in ("worry", "look", "search", "argue", "care")
        for form in lexicon.verb(base)
    }
    for example in written:
        verb = example.words[example.predicate].lower()
        assert lexicon.is_form_of_lexicon(verb) or verb in extra
    assert {role for example in written for _, _, role in example.spans} == set(
        real.ROLES
    )


def test_a_passive_with_by_has_its_agent_after_the_verb(written):
    found = [e for e in written if read(e).get("ARG0", "").startswith("by ")]
    assert len(found) > 50
    for example in found:
        start = next(
            start for start, _, role in example.spans if role == "ARG0"
        )
        assert start > example.predicate


def test_the_same_seed_writes_the_same_and_another_does_not():
    assert generate(50, 1) == generate(50, 1)
    assert generate(50, 1) != generate(50, 2)


def test_no_example_comes_twice_and_none_is_too_long():
    found = generate(400, 3, longest=12)
    assert len({(e.words, e.predicate) for e in found}) == 400
    assert max(len(e.words) for e in found) <= 12


def test_training_knows_no_word_that_is_held_out():
    kinds = (
        lexicon.NAMES,
        lexicon.PEOPLE,
        lexicon.THINGS,
        lexicon.MASS,
        lexicon.ADJECTIVES,
    )
    held_out = {word for kind in kinds for word in kind.held_out}
    known = {word for e in generate(2000, 1) for word in e.words}
    unknown = {
        word for e in generate(2000, 1, held_out=True) for word in e.words
    }
    assert not held_out & known
    assert len(held_out & unknown) > 0.8 * len(held_out)


def test_a_relative_that_is_excluded_does_not_come():
    assert not any(
        is_passive_relative(e)
        for e in generate(3000, 1, relatives=RELATIVES[:2])
    )
    assert any(is_passive_relative(e) for e in generate(3000, 1))


def test_a_passive_relative_is_told_from_one_with_a_subject():
    assert is_passive_relative(
        real.parse("[ARG1 the letter] [R-ARG1 that] was [V read] [ARG0 by her]")
    )
    assert is_passive_relative(
        real.parse("[ARG1 the letter] [R-ARG1 that] was [V read] today")
    )
    assert not is_passive_relative(
        real.parse("[ARG1 the letter] [R-ARG1 that] [ARG0 she] [V read]")
    )


def test_the_parts_of_the_corpus_are_what_they_are_called():
    parts = corpus(1500, 60)
    training = parts.pop("training")
    assert len(training) == 1500
    seen = {e.words for e in training}
    known = {word.lower() for found in seen for word in found}
    assert all(
        len(part) == 60 and not seen & {e.words for e in part}
        for part in parts.values()
    )
    assert (
        max(len(found) for found in seen)
        == 20
        < min(len(e.words) for e in parts["longer"])
    )
    assert all(
        {w.lower() for w in e.words} - known for e in parts["held-out words"]
    )
    assert all(map(is_passive_relative, parts["held-out construction"]))
    assert not any(map(is_passive_relative, training))


def test_longer_sentences_are_longer():
    lengths = [
        np.mean([len(e.words) for e in generate(400, 1, longer=longer)])
        for longer in (False, True)
    ]
    assert lengths[1] > 1.3 * lengths[0]


def test_every_kind_of_clause_and_every_setting_has_its_method():
    for name in (*CLAUSES, *SETTINGS, *RELATIVES):
        assert callable(getattr(Grammar, name))


def test_bad_options_are_named():
    with pytest.raises(
        ValueError, match=r"each of relatives must be .+, got 'reduced'"
    ):
        Grammar(0, relatives=("reduced",))
    with pytest.raises(ValueError, match="count must be at least 1"):
        generate(0, 1)


@pytest.mark.parametrize(
    "asked", [{"longest": 1}, {"wanted": lambda example: False}]
)
def test_a_search_that_finds_nothing_ends(asked, monkeypatch):
    monkeypatch.setattr("llmbook.corpora.roles.grammar.PATIENCE", 50)
    with pytest.raises(ValueError, match="longest and wanted must let"):
        generate(1, 1, **asked)


@pytest.mark.parametrize(
    ("base", "forms"),
    [
        ("study", ("studies", "studied", "studied", "studying")),
        ("write", ("writes", "wrote", "written", "writing")),
        ("stop", ("stops", "stopped", "stopped", "stopping")),
        ("watch", ("watches", "watched", "watched", "watching")),
        ("enjoy", ("enjoys", "enjoyed", "enjoyed", "enjoying")),
        ("agree", ("agrees", "agreed", "agreed", "agreeing")),
        ("go", ("goes", "went", "gone", "going")),
    ],
)
def test_forms_of_verbs(base, forms):
    assert lexicon.verb(base)[1:] == forms


def test_plurals_and_kinds():
    assert [lexicon.plural(w) for w in ("city", "boy", "box", "child")] == [
        "cities",
        "boys",
        "boxes",
        "children",
    ]
    assert lexicon.classes("Opened") == {"ergative"}
    assert lexicon.classes("table") == set()
    for kind in (lexicon.NAMES, lexicon.PEOPLE, lexicon.THINGS, lexicon.PLACES):
        assert not set(kind.common) & set(kind.held_out)


# Real sentences.


def test_a_line_is_read():
    example = real.parse("[ARG0 He] [V opened] [ARG1 the door] .")
    assert example == Example(
        ("He", "opened", "the", "door", "."),
        1,
        ((0, 1, "ARG0"), (2, 4, "ARG1")),
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("[ARG0 He] opened .", "one verb"),
        ("[V He] [V opened] .", "one verb"),
        ("[V opened up] .", "one verb of one word"),
        ("[ARG9 He] [V opened] .", "'ARG9'"),
        ("[ARG0 He [V opened] .", "brackets that match"),
        ("[V opened] ] .", "brackets that match"),
        ("[V opened] [] .", "brackets that match"),
    ],
)
def test_a_line_that_is_none_is_named(line, message):
    with pytest.raises(ValueError, match=message):
        real.parse(line)


def test_words_are_cut_as_the_guidelines_say():
    assert real.tokenise("I don't know, well-known Mr. Li!") == [
        *("I", "don't", "know", ",", "well-known", "Mr", ".", "Li", "!")
    ]


def test_the_draw_is_a_sample_of_the_packaged_sentences_by_the_stated_rule():
    drawn = real.draw()
    assert len(drawn) == real.DRAWN == len({name for name, _, _ in drawn})
    assert drawn[:10] == real.draw(10)
    assert all(
        6 <= len(found) <= 14 and lexicon.is_form_of_lexicon(found[verb])
        for _, found, verb in drawn
    )
    assert packaged_file(real.PACKAGE, "data/sentences.json").is_file()


def test_the_annotations_are_of_the_sentences_drawn_in_their_order():
    sentences, drawn = real.load(), real.draw()
    development, test = (
        [s for s in sentences if s.part == part] for part in real.PARTS
    )
    assert [s.name for s in test] == [name for name, _, _ in drawn]
    for sentence, (_, found, verb) in zip(test, drawn, strict=True):
        for example in filter(None, sentence[2:]):
            assert (list(example.words), example.predicate) == (found, verb)
    assert len(development) == real.DEVELOPMENT
    assert len(real.examples(sentences, "test")) >= 150


def test_what_was_looked_at_before_is_not_tested_on():
    seen = set(real.SEEN.read_text(encoding="utf-8").split())
    for sentence in real.load():
        assert (sentence.name in seen) == (sentence.part == "development")


def test_what_both_passes_say_is_what_was_agreed():
    for sentence in real.load():
        if sentence.first == sentence.second:
            assert sentence.agreed == sentence.first


HEADER = "\t".join(real.COLUMNS)
LINE = "[ARG0 He] [V ran] ."


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "columns"),
        ("id\tfirst\n", "columns"),
        (
            f"{HEADER}\na\ttest\t{LINE}\t{LINE}",
            "line 2: a row must have 5 fields, .*got 4",
        ),
        (f"{HEADER}\na\ttrain\t{LINE}\t{LINE}\t{LINE}", "part must be one of"),
        (f"{HEADER}\na\ttest\t{LINE}\tHe ran .\t{LINE}", "one verb"),
        (f"{HEADER}\na\ttest\t{LINE}\t[V ran] .\t{LINE}", "same words"),
        (
            f"{HEADER}\n" + f"a\ttest\t{LINE}\t{LINE}\t{LINE}\n" * 2,
            "line 3: id must not be repeated",
        ),
    ],
)
def test_a_broken_file_is_named_with_its_line(tmp_path, text, message):
    path = tmp_path / "broken.tsv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        real.load(path)


def test_a_file_that_is_missing_or_not_utf8_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="existing file"):
        real.load(tmp_path / "none.tsv")
    (tmp_path / "x.tsv").write_bytes(HEADER.encode() + b"\n\xff")
    with pytest.raises(ValueError, match="UTF-8"):
        real.load(tmp_path / "x.tsv")


@pytest.mark.equation("eq-kappa")
def test_agreement_worked_by_hand():
    one = real.parse("[ARG0 He] [V ran] home .")
    two = real.parse("[ARG0 He] [V ran] [ARGM-LOC home] .")
    sentences = [
        real.Sentence("a", "test", one, one, one),
        real.Sentence("b", "test", one, two, two),
        real.Sentence("c", "test", None, None, None),
        real.Sentence("d", "test", None, one, None),
    ]
    found = real.agreement(sentences)
    assert found["count"] == 2
    assert found["identical"] == 0.5
    assert found["span_f1"] == pytest.approx(2 * 2 / (2 + 3))
    # Words other than the verb: He, home and the stop, twice; they differ at one "home".
    observed, chance = 5 / 6, (2 / 6) * (2 / 6) + (4 / 6) * (3 / 6)
    assert found["kappa_words"] == pytest.approx(
        (observed - chance) / (1 - chance)
    )
    observed, chance = 3 / 4, (2 / 4) * (3 / 4) + (2 / 4) * (1 / 4)
    assert found["kappa_verb"] == pytest.approx(
        (observed - chance) / (1 - chance)
    )


def test_a_kappa_of_one_choice_alone_is_unknown():
    one = real.parse("[ARG0 He] [V ran] .")
    found = real.agreement([real.Sentence("a", "test", one, one, one)])
    assert found["kappa_verb"] is None
    assert found["kappa_words"] is not None
    assert found["identical"] == 1
    with pytest.raises(ValueError, match="sentences must hold at least one"):
        real.agreement([real.Sentence("a", "test", one, None, None)])


def test_guidelines_stand_beside_the_data_and_speak_of_every_role():
    text = (real.ANNOTATIONS.parent / "GUIDELINES.md").read_text(
        encoding="utf-8"
    )
    for role in real.ROLES:
        assert role in text


def test_an_example_counts_once(monkeypatch):
    """A search for a second one ends, where a single one is wanted."""
    monkeypatch.setattr("llmbook.corpora.roles.grammar.PATIENCE", 500)
    (only,) = generate(1, 0, longest=5)
    calls = []

    def is_it(example):
        calls.append(example)
        return len(calls) % 100 == 0

    def sentence(self):
        return only

    monkeypatch.setattr(Grammar, "sentence", sentence)
    monkeypatch.setattr(
        "llmbook.corpora.roles.grammar.examples", lambda only: [only]
    )
    with pytest.raises(ValueError, match="longest and wanted must let"):
        generate(2, 0, wanted=is_it)


def test_an_example_that_is_rare_is_found():
    seen = []

    def is_every_thousandth(example):
        seen.append(example)
        return len(seen) % 1000 == 0

    assert len(generate(3, 0, wanted=is_every_thousandth)) == 3
