"""Terms of whole words, and what is remembered for each vocabulary."""

from __future__ import annotations

import msgspec
import pytest

from cds_service.facts.vocabulary import Vocabulary, words_of
from cds_service.fhir.datatypes import Coding
from cds_service.fhir.read.conditions import ConditionNames
from cds_service.fhir.read.lexicon import (
    LONGEST_CONCEPT,
    LONGEST_TEXT,
    Terms,
    per_vocabulary,
    remember_concepts,
    remember_short,
    remember_texts,
)
from tests.unit.fhir.charts import VOCABULARY


def test_a_term_without_words_is_never_found_and_one_given_twice_is_found_once() -> None:
    terms = Terms([("--", "nothing"), ("eye drops", "ophthalmic"), ("Eye Drops", "ophthalmic")])
    assert terms.found_in(words_of("two -- eye-drops")) == [(1, 3, ("ophthalmic",))]


def test_only_the_last_vocabularies_are_remembered() -> None:
    built: list[Vocabulary] = []

    @per_vocabulary
    def build(vocabulary: Vocabulary) -> int:
        built.append(vocabulary)
        return len(built)

    kept = [msgspec.structs.replace(VOCABULARY) for _ in range(65)]
    assert [build(one) for one in kept] == list(range(1, 66))
    assert build(kept[64]) == 65
    assert build(kept[0]) == 66


def test_what_is_written_about_one_patient_is_read_and_not_remembered() -> None:
    asked: list[str] = []
    read = remember_texts(lambda text: _count(asked, text))
    usual, free = "bij obstipatie", "mw. Jansen, sinds gisteren obstipatie".ljust(LONGEST_TEXT + 1)
    assert (read(usual), read(usual), read(free), read(free)) == (1, 1, 2, 3)
    assert asked == [usual, free, free]


def test_several_texts_are_remembered_when_they_are_short_together() -> None:
    asked: list[str] = []
    read = remember_short(lambda unit, code: _count(asked, unit + code))
    long = "x" * (LONGEST_CONCEPT - 5)
    assert (read("mmol/L", ""), read("mmol/L", ""), read(long, "mmol/L"), read(long, "mmol/L")) == (1, 1, 2, 3)


@pytest.mark.parametrize(
    ("coding", "text"),
    [
        (Coding("", "", ""), "x" * (LONGEST_TEXT + 1)),
        (Coding("x" * LONGEST_CONCEPT, "x", ""), ""),
        (Coding("", "x" * LONGEST_CONCEPT, "x"), ""),
        (Coding("", "", "x" * LONGEST_CONCEPT), "x"),
    ],
)
def test_a_concept_with_long_words_or_codes_is_not_remembered(coding: Coding, text: str) -> None:
    asked: list[str] = []
    read = remember_concepts(lambda codings, text: _count(asked, text))
    usual = (Coding("x" * (LONGEST_CONCEPT - LONGEST_TEXT), "", ""),)
    assert (read(usual, "x" * LONGEST_TEXT), read(usual, "x" * LONGEST_TEXT)) == (1, 1)
    assert (read((coding,), text), read((coding,), text)) == (2, 3)


def test_a_long_text_of_a_problem_is_read_as_well() -> None:
    names = ConditionNames(VOCABULARY)
    assert names.in_text(f"{'x' * LONGEST_TEXT} obstipatie") == {"constipation"}
    groups, by_text = names.groups((), f"{'x' * LONGEST_TEXT} obstipatie")
    assert groups == {"constipation"}
    assert by_text


def _count(asked: list[str], text: str) -> int:
    asked.append(text)
    return len(asked)
