"""What a separation card says of its pairs and leaves out: names that speak for themselves, sources of other drugs."""

from __future__ import annotations

from typing import Any

import pytest

from cds_service.facts.outcomes import Fires, Outcome
from tests.cards.drugs import drug
from tests.cards.test_separation_tables import BOTH, cation, dose, judge, judge_rows, lines, victim

LABEL: dict[str, Any] = {"labels": (BOTH,), "severity": "warning"}


def named(name: str, *groups: str) -> Outcome:
    return judge(victim(), drug("mineral", name=name, groups=frozenset(groups or ("cation-magnesium",))))


@pytest.mark.parametrize("name", ["magnesiumcitraat", "Magnesium citrate 400 mg", "Magnesiocard"])
def test_a_name_that_says_what_the_product_holds_needs_no_line(name: str) -> None:
    assert lines(named(name)) == []


@pytest.mark.parametrize(
    ("group", "name"),
    [
        ("cation-aluminium", "Aluminiumhydroxide"),
        ("cation-calcium", "calciumcarbonaat"),
        ("calcium", "Calcium 500 mg"),
        ("cation-iron", "ferrofumaraat"),
        ("cation-iron", "ijzersulfaat"),
        ("cation-iron", "Iron 65 mg"),
        ("cation-zinc", "zinkgluconaat"),
        ("cation-zinc", "Zinc 25 mg"),
        ("cation-selenium", "seleniummethionine"),
        ("cation-bismuth", "bismutsubcitraat"),
        ("magnesium-supplement", "magnesiumtauraat"),
        ("magnesium-oxide", "magnesiumoxide"),
        ("magnesium-oxide", "Magnesium oxide 400 mg"),
        ("polystyrene-sulfonate", "natriumpolystyreensulfonaat"),
        ("sucralfate", "sucralfaat"),
        ("lanthanum", "lanthaancarbonaat"),
        ("sevelamer", "sevelameer"),
    ],
)
def test_every_kind_of_product_is_known_by_how_its_name_spells_it(group: str, name: str) -> None:
    product = drug("mineral", name=name, groups=frozenset({group}))
    other = drug("mineral", name="Brand", groups=frozenset({group}))
    rows = [LABEL | {"cations": (group,)}]
    assert lines(judge_rows(victim(), product, rows=rows)) == []
    assert lines(judge_rows(victim(), other, rows=rows)) == ["counts-as"]


def test_a_brand_name_says_nothing_of_what_it_holds() -> None:
    assert lines(named("Maalox")) == ["counts-as"]


def test_a_name_that_says_half_of_what_the_product_holds_needs_its_line() -> None:
    both = ("cation-magnesium", "cation-calcium")
    assert lines(named("calciumcarbonaat", *both)) == ["counts-as"]
    assert lines(named("calcium magnesium", *both)) == []


def sources(outcome: Outcome) -> frozenset[str]:
    assert isinstance(outcome, Fires)
    return outcome.sources


def test_a_card_cites_the_sources_of_the_rows_that_hold() -> None:
    rows = [
        LABEL | {"cations": ("cation-magnesium",), "evidence": ("one", "two")},
        LABEL | {"cations": ("cation-calcium",), "evidence": ("two", "three")},
    ]
    assert sources(judge_rows(victim(), cation(), rows=rows)) == {"one", "two"}
    assert sources(judge_rows(victim(), cation(), cation("cation-calcium"), rows=rows)) == {"one", "two", "three"}


def test_a_row_without_sources_of_its_own_cites_all_of_the_rule() -> None:
    rows = [
        LABEL | {"cations": ("cation-magnesium",), "evidence": ("one",)},
        LABEL | {"cations": ("cation-calcium",)},
    ]
    assert sources(judge_rows(victim(), cation("cation-calcium"), rows=rows)) == frozenset()
    assert sources(judge_rows(victim(), cation(), cation("cation-calcium"), rows=rows)) == frozenset()


def test_a_row_may_leave_an_unknown_amount_to_another_row() -> None:
    small = LABEL | dose("victim", "fails", below="floor")
    assert not isinstance(judge_rows(victim(), cation(), rows=[small]), Fires)
    assert isinstance(
        judge_rows(victim(), cation(), rows=[small, LABEL | dose("victim", "holds", at_least="floor")]), Fires
    )
