"""The answer around the cards: the response extension stays small, and no test is offered that is already known."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import orjson
import pytest

from cds_service.engine.rank import Ranking, Suppressed
from cds_service.engine.run import Verdict
from cds_service.facts.outcomes import CannotTell, Fires
from cds_service.facts.records import Result, Unusable
from cds_service.service.offers import is_moot
from cds_service.service.summary import summarise
from tests.unit.engine.charts import knowledge, moment, result, rule, snapshot
from tests.unit.engine.test_run import low_sodium

MANY = 200
KILOBYTES_4 = 4096


def untold(number: int) -> Verdict:
    missing = (f"missing item {number}",)
    return Verdict(rule(low_sodium, f"rule-{number}"), "cannot-tell", CannotTell(missing), "P3", missing=missing)


@pytest.mark.parametrize("kind", ["unusable", "cannot_tell", "suppressed"])
def test_the_response_extension_stays_below_4_kilobytes_and_says_how_much_was_left_out(kind: str) -> None:
    verdicts = tuple(untold(number) for number in range(MANY))
    unusable = {
        f"concept-{n}": (Unusable(f"concept-{n}", "dq-unit", None, "140", "Observation/1"),) for n in range(MANY)
    }
    ranking = Ranking((), tuple(Suppressed(verdict, "cap") for verdict in verdicts if kind == "suppressed"))
    chart = snapshot(unusable=unusable if kind == "unusable" else {})
    summary = summarise(knowledge(), chart, verdicts if kind == "cannot_tell" else (), ranking)
    assert len(orjson.dumps({"org.ionwise.decision": summary})) <= KILOBYTES_4
    assert summary["left_out"] > 0


def older(found: Result) -> Result:
    """The same result, drawn a day before."""
    at = moment(timedelta(hours=25))
    return msgspec.structs.replace(found, at=at)


ABOUT = result("125")
FINDING = Fires("low", because=(ABOUT,))
KNOWN: dict[str, Any] = {"concept": "potassium"}


@pytest.mark.parametrize(
    ("measured", "moot"),
    [
        (result("4.0", **KNOWN), True),
        (older(result("4.0", **KNOWN)), False),
        (result("4.0", **KNOWN, age="recent"), False),
        (result("4.0", **KNOWN, comparator="<"), False),
        (result("4.0", **KNOWN, flags=("preliminary",)), False),
    ],
    ids=["of the same draw", "older than the finding", "not fresh", "only a bound", "preliminary"],
)
def test_a_test_is_not_offered_again_when_its_result_came_with_the_finding(measured: Result, moot: bool) -> None:
    assert is_moot(("potassium",), FINDING, snapshot(ABOUT, measured)) is moot


def test_what_the_card_is_about_may_be_repeated() -> None:
    assert not is_moot(("sodium",), FINDING, snapshot(ABOUT))


def test_of_two_tests_in_one_order_both_must_be_known() -> None:
    chart = snapshot(ABOUT, result("4.0", **KNOWN))
    assert not is_moot(("potassium", "magnesium-serum"), FINDING, chart)


def test_what_the_rule_says_needs_no_new_test_is_not_offered() -> None:
    fires = Fires("low", because=(ABOUT,), measured=frozenset({"potassium"}))
    assert is_moot(("potassium",), fires, snapshot(ABOUT))


def test_a_test_for_a_later_day_is_not_settled_by_the_result_of_today() -> None:
    fires = Fires("low", because=(ABOUT,), due=timedelta(days=7))
    assert not is_moot(("potassium",), fires, snapshot(ABOUT, result("4.0", **KNOWN)))
