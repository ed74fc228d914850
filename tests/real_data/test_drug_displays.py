"""Text matching of drugs over every drug display of the public sets, against a table judged by hand."""

from __future__ import annotations

from functools import lru_cache

import pytest

from tests.real_data.charts import SETS, is_present
from tests.real_data.displays import RXNORM, Score, displays, measure, rxnorm_displays, truth
from tests.shipped import released

ALL_THERE = pytest.mark.skipif(
    not all(map(is_present, SETS)), reason="../shared/data is not there with all of its sets"
)
LEAST_PRECISION = 0.99
LEAST_RECALL = 0.97


@lru_cache
def score() -> Score:
    return measure({display for name in SETS for display in displays(name)}, released().vocabulary)


def test_the_table_names_only_ingredients_that_there_are() -> None:
    named = frozenset[str]().union(*truth().values())
    assert named <= released().vocabulary.drugs.keys()


@ALL_THERE
def test_every_display_was_judged() -> None:
    assert score().unjudged == []


@ALL_THERE
def test_the_shipped_map_says_what_the_displays_of_its_codes_say() -> None:
    mapped, judged = released().vocabulary.mapped_drugs[RXNORM], truth()
    pairs = {pair for name in SETS for pair in rxnorm_displays(name) if pair[0] in mapped}
    assert {code for code, _ in pairs} == mapped.keys()
    assert [pair for pair in sorted(pairs) if judged[pair[1]] != mapped[pair[0]].ingredients] == []


@ALL_THERE
def test_what_the_text_matching_finds_is_right() -> None:
    assert score().precision >= LEAST_PRECISION, score().wrong


@ALL_THERE
def test_the_text_matching_finds_nearly_all_there_is() -> None:
    assert score().recall >= LEAST_RECALL, score().wrong
