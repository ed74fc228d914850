"""Of what one card absorbed, a line is printed for what the other lines do not say."""

from __future__ import annotations

from typing import Any

import pytest

from cds_service.engine.absorption import own_lines
from cds_service.engine.run import Verdict
from cds_service.facts.outcomes import Fact, Fires, Listing, Phrase, Satisfied, Severity, Value
from cds_service.knowledge.model import Absorption, CardText, Policy
from cds_service.knowledge.template import parse_template
from tests.unit.engine.charts import TIERS, exposure, result, rule

LOW, OTHER = result("125"), result("3.1", concept="potassium")
BROAD_FIRST = (Absorption("broad", "narrow"),)


def verdict(name: str, *because: Fact, printed: Value = LOW, summary: str = "low {na}", **other: Any) -> Verdict:
    text = {"nl": parse_template(summary), "en": parse_template(summary)}
    cards = {"low": CardText("low", Severity.WARNING, text, None, (), ())}
    one = rule(lambda patient, k: Satisfied(), name, cards=cards, **other)
    fires = Fires("low", because=because or (LOW,), values={"na": printed})
    return Verdict(one, "fires", fires, "P3", severity=Severity.WARNING)


def lines(*absorbed: Verdict, absorptions: tuple[Absorption, ...] = BROAD_FIRST) -> list[str]:
    policy = Policy(3, 3, 2, 5, {"patient-view": TIERS}, absorptions, ())
    return [one.rule_id for one in own_lines(absorbed, "patient-view", policy)]


def test_a_line_that_another_line_says_on_the_same_result_is_left_out() -> None:
    assert lines(verdict("narrow"), verdict("broad")) == ["broad"]


@pytest.mark.parametrize("printed", [Phrase("low", {"na": LOW}), Listing((OTHER, Phrase("low", {"na": LOW})))])
def test_a_result_inside_a_phrase_or_a_list_is_printed_too(printed: Value) -> None:
    assert lines(verdict("narrow"), verdict("broad", printed=printed)) == ["broad"]


@pytest.mark.parametrize(
    ("narrow", "broad"),
    [
        (verdict("narrow", OTHER), verdict("broad", LOW, OTHER)),  # decided there, and not printed
        (verdict("narrow"), verdict("broad", summary="low since {na.date}")),  # its date is no value
        (verdict("narrow"), verdict("broad", summary="low")),
        (verdict("narrow"), verdict("broad", group="B")),  # another chapter asks for something else
    ],
)
def test_a_line_that_says_more_stays(narrow: Verdict, broad: Verdict) -> None:
    assert lines(narrow, broad) == ["narrow", "broad"]


def test_what_rests_on_no_result_is_said_by_a_line_of_the_same_chapter() -> None:
    drug = exposure(status="active", judged=False)
    assert lines(verdict("narrow", drug), verdict("broad", drug)) == ["broad"]
    assert lines(verdict("narrow", drug), verdict("broad", drug, group="B")) == ["narrow", "broad"]


def test_without_precedence_both_lines_stay() -> None:
    assert lines(verdict("narrow"), verdict("broad"), absorptions=()) == ["narrow", "broad"]


def test_in_a_chain_only_the_broadest_is_a_line_and_a_circle_keeps_one() -> None:
    chain = (Absorption("broad", "middle"), Absorption("middle", "narrow"))
    assert lines(verdict("narrow"), verdict("middle"), verdict("broad"), absorptions=chain) == ["broad"]
    circle = (*BROAD_FIRST, Absorption("narrow", "broad"))
    assert lines(verdict("narrow"), verdict("broad"), absorptions=circle) == ["broad"]
