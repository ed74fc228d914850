"""What a rule may ask, and what the chart must prove before it gets an answer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest

from cds_service.errors import CannotTellError, UndeclaredReadError
from cds_service.facts.doubt import InDoubt
from cds_service.facts.moments import parse_moment
from cds_service.facts.patient import Limits, Needs, Patient
from cds_service.facts.records import Coverage, Problem
from cds_service.facts.snapshot import Snapshot
from tests.unit.engine.charts import ZONE, exposure, result, snapshot

WEEK = timedelta(days=7)
NEEDS = Needs(results=frozenset({"sodium"}), drugs=frozenset({"example"}), conditions=frozenset({"diabetes"}))


def ask(chart: Snapshot) -> Patient:
    return Patient(chart, NEEDS, {})


def test_a_preliminary_result_is_no_proof_that_nothing_was_measured() -> None:
    with pytest.raises(CannotTellError, match="only provisional results"):
        ask(snapshot(result("140", flags=("preliminary",)))).not_measured_within("sodium", WEEK)


def test_a_result_of_this_month_is_no_proof_that_nothing_was_measured_this_week() -> None:
    at = parse_moment("2026-11", ZONE)
    assert at is not None
    with pytest.raises(CannotTellError, match="date is not exact"):
        ask(snapshot(msgspec.structs.replace(result("140"), at=at))).not_measured_within("sodium", WEEK)


def test_two_orders_without_an_id_are_two_orders() -> None:
    one, other = (msgspec.structs.replace(exposure(), name=name, ref="MedicationRequest/") for name in "ab")
    chart = snapshot(exposures={"example": (one, other)})
    assert ask(chart).judged("example") == (one, other)


def test_a_drug_taken_since_some_day_of_a_year_was_taken_at_least_since_its_last_day() -> None:
    since = parse_moment("2025", ZONE)
    taken = msgspec.structs.replace(exposure(status="active"), since=since)
    assert ask(snapshot()).taken_for(taken) == timedelta(days=325)


def test_an_unconfirmed_diagnosis_protects_but_does_not_score() -> None:
    unsure = Problem("diabetes", "diabetes", None, active=True, confirmed=False, by_text=False, ref="Condition/1")
    patient = ask(snapshot(problems={"diabetes": (unsure,)}))
    assert patient.has("diabetes") is unsure
    assert patient.has_confirmed("diabetes") is None


def test_only_drugs_that_are_taken_now_are_counted() -> None:
    chart = snapshot(drug_list=(exposure(status="active"), exposure(status="past"), exposure()))
    assert ask(chart).identified_drugs() == 1


def nobodys_question(patient: Patient, k: Limits) -> None:
    """A question of no family."""


@pytest.mark.parametrize(
    "question",
    [
        lambda patient: patient.last_known("potassium"),
        lambda patient: patient.series("potassium"),
        lambda patient: patient.unusable("potassium"),
        lambda patient: patient.taking("example", "other"),
        lambda patient: patient.has("asthma"),
        lambda patient: patient.underwent("dialysis"),
        lambda patient: patient.ordered("potassium", WEEK),
        lambda patient: patient.ask(nobodys_question),
    ],
)
def test_what_a_rule_does_not_declare_it_may_not_read(question: Callable[[Patient], object]) -> None:
    for patient in (ask(snapshot()), InDoubt(snapshot(), NEEDS, {}, {}, provisional=True)):
        with pytest.raises(UndeclaredReadError):
            question(patient)


def test_weighing_conflicting_results_a_series_without_a_last_word_is_still_no_series() -> None:
    early = result("140", flags=("preliminary",))
    patient = InDoubt(snapshot(early), NEEDS, {}, {}, provisional=False)
    assert patient.series("sodium") == ()
    with pytest.raises(CannotTellError, match="only provisional results"):
        patient.absent("sodium")
    assert InDoubt(snapshot(early), NEEDS, {}, {}, provisional=True).absent("sodium") == "no sodium result"


def test_on_a_page_that_hides_newer_results_an_older_one_is_no_proof_that_nothing_was_measured() -> None:
    chart = snapshot(result("140", flags=("page-incomplete",)), coverage={"labs": Coverage("truncated")})
    with pytest.raises(CannotTellError, match="labs"):
        ask(chart).not_measured_within("sodium", WEEK)


def test_a_cut_page_proves_what_lies_within_its_reach() -> None:
    reach = parse_moment("2026-10-01T08:00:00+01:00", ZONE)
    assert ask(snapshot(coverage={"labs": Coverage("truncated", reach)})).not_measured_within("sodium", WEEK)
