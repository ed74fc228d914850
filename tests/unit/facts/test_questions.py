"""Every question of `Patient`: what it answers, what it refuses to read, and when it cannot tell."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from cds_service.errors import CannotTellError, UndeclaredReadError
from cds_service.facts.declarations import FamilyKnowledge, Limits
from cds_service.facts.moments import Moment, parse_moment
from cds_service.facts.patient import Needs, Patient
from cds_service.facts.records import Coverage, LabOrder, Person, Problem, Stay, UnmappedDrug, Unusable
from cds_service.facts.snapshot import Snapshot
from tests.unit.engine.charts import ZONE, exposure, moment, result, snapshot

HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)
NEEDS = Needs(
    results=frozenset({"sodium"}),
    drugs=frozenset({"example", "other"}),
    conditions=frozenset({"diabetes", "cramps"}),
    procedures=frozenset({"dialysis"}),
    orders=frozenset({"sodium"}),
    uses=frozenset({"family"}),
)
READS: list[Callable[[Patient], Any]] = [
    lambda p: p.series("chloride"),
    lambda p: p.last_known("chloride"),
    lambda p: p.latest("chloride"),
    lambda p: p.near("chloride", moment(DAY), DAY),
    lambda p: p.not_measured_within("chloride", DAY),
    lambda p: p.unusable("chloride"),
    lambda p: p.taking("example", "third"),
    lambda p: p.took("third"),
    lambda p: p.drafts("third"),
    lambda p: p.judged("third"),
    lambda p: p.taking_or_ordering("third"),
    lambda p: p.surely_without("third"),
    lambda p: p.has("diabetes", "gout"),
    lambda p: p.has_confirmed("gout"),
    lambda p: p.ever_had("gout"),
    lambda p: p.surely_free_of("gout"),
    lambda p: p.underwent("dialysis", "surgery"),
    lambda p: p.ordered("chloride", DAY),
    lambda p: p.surely_not_ordered("chloride", DAY),
    lambda p: p.ask(answer),
]


def ask(chart: Snapshot, needs: Needs = NEEDS) -> Patient:
    return Patient(chart, needs, {})


def answer(patient: Patient, k: Limits) -> int:
    return len(patient.series("sodium")) + int(k["more"])


def drug(name: str, **other: Any) -> Any:
    return msgspec.structs.replace(exposure(), name=name, **other)


def problem(at: Moment | None = None, **other: Any) -> Problem:
    values: dict[str, Any] = {"active": True, "confirmed": True, "by_text": False, "ref": "Condition/1"}
    return Problem("diabetes", "diabetes", at, **(values | other))


@pytest.mark.parametrize("read", READS)
def test_what_is_not_declared_cannot_be_read(read: Callable[[Patient], Any]) -> None:
    with pytest.raises(UndeclaredReadError):
        read(ask(snapshot()))


@pytest.mark.parametrize(
    ("read", "told"),
    [(lambda p: p.taking("example", "third", "fourth"), "drug fourth, third"),
     (lambda p: p.absent("chloride"), "result chloride"),
     (lambda p: p.has("diabetes", "gout"), "condition gout"), (lambda p: p.underwent("surgery"), "procedure surgery")],
)  # fmt: skip
def test_only_what_is_not_declared_is_named(read: Callable[[Patient], Any], told: str) -> None:
    with pytest.raises(UndeclaredReadError, match=f"^{told}$"):
        read(ask(snapshot()))


def test_age_is_unknown_without_a_birth_date_and_then_reaches_nothing() -> None:
    unknown, known = ask(snapshot(birth=None)), ask(snapshot(birth="1960-11-21"))
    assert (unknown.age, unknown.age_in_days) == (None, None)
    assert (known.age, ask(snapshot(birth="2026-11-01")).age_in_days) == (66, 20)
    assert [known.aged_at_least(Decimal(years)) for years in (65, 66, 67)] == [True, True, False]
    assert not unknown.aged_at_least(Decimal(0))


def test_a_partial_birth_date_reaches_an_age_and_leaves_the_newborns_late() -> None:
    year, month = ask(snapshot(birth="1960")), ask(snapshot(birth="2026-11"))
    assert [year.aged_at_least(Decimal(years)) for years in (65, 66)] == [True, False]
    assert (month.age, month.age_in_days) == (0, 20)


def test_who_and_where_the_patient_is() -> None:
    stay = Stay("Encounter/1", True, "in-progress", "", False, None)
    assert ask(snapshot()).sex == "male"
    assert ask(snapshot(person=Person("p", None, None, False))).sex is None
    assert ask(snapshot()).stay is None
    assert ask(snapshot(stay=stay)).stay is stay
    assert [ask(snapshot(stay=s)).inpatient for s in (None, stay, msgspec.structs.replace(stay, inpatient=False))] == [
        False,
        True,
        False,
    ]


def test_a_series_is_what_is_not_ignored_or_what_lies_within_the_span() -> None:
    at = {"new": moment(DAY), "edge": moment(WEEK), "beyond": moment(WEEK + timedelta(seconds=1))}
    results = [msgspec.structs.replace(result("140"), at=moment, ref=name) for name, moment in at.items()]
    ignored = msgspec.structs.replace(result("139", age="ignored"), at=moment(3 * DAY))
    chart = snapshot(*results, ignored)
    assert ask(chart).series("sodium") == tuple(results)
    assert ask(chart).series("sodium", WEEK) == (results[0], results[1], ignored)
    assert ask(snapshot()).series("sodium", WEEK) == ()


@pytest.mark.parametrize(("day", "counts"), [("2026-11-14", True), ("2026-11-13", False)])
def test_a_result_of_a_day_is_in_a_series_by_its_day(day: str, counts: bool) -> None:
    at = parse_moment(day, ZONE)
    assert at is not None
    chart = snapshot(msgspec.structs.replace(result("140"), at=at))
    assert bool(ask(chart).series("sodium", WEEK)) is counts
    assert (ask(chart).latest("sodium", WEEK) is not None) is counts


@pytest.mark.parametrize(
    ("age", "known", "latest"), [("fresh", 1, 1), ("recent", 1, 1), ("stale", 1, 0), ("ignored", 0, 0)]
)
def test_the_latest_result_is_fresh_or_recent_and_the_last_known_may_be_stale(
    age: Any, known: int, latest: int
) -> None:
    patient = ask(snapshot(result("140", age=age)))
    assert (patient.last_known("sodium") is not None) is bool(known)
    assert (patient.latest("sodium") is not None) is bool(latest)


def test_a_result_within_the_span_is_the_latest_even_when_it_is_stale() -> None:
    patient = ask(snapshot(result("140", age="stale")))
    assert patient.latest("sodium", HOUR) is not None
    assert patient.latest("sodium", HOUR - timedelta(seconds=1)) is None


def test_a_preliminary_result_is_not_the_latest() -> None:
    final, preliminary = result("140"), result("139", flags=("preliminary",))
    assert ask(snapshot(preliminary, final)).latest("sodium") is final
    assert ask(snapshot(preliminary, final)).series("sodium") == (final,)
    assert ask(snapshot(preliminary)).last_known("sodium") is None


def test_a_result_that_was_measured_is_not_one_that_surely_was_not() -> None:
    patient = ask(snapshot(result("140")))
    assert patient.near("sodium", moment(0 * DAY), DAY) is not None
    assert not patient.not_measured_within("sodium", DAY)
    assert ask(snapshot()).not_measured_within("sodium", DAY)


def test_why_there_is_no_result_is_told_only_when_there_surely_is_none() -> None:
    unusable = Unusable("sodium", "dq-implausible", None, "1400 mmol/L", "Observation/1")
    patient = ask(snapshot(unusable={"sodium": (unusable,)}))
    assert patient.unusable("sodium") == (unusable,)
    assert ask(snapshot()).unusable("sodium") == ()
    assert ask(snapshot()).absent("sodium") == "no sodium result"
    for chart, told in (
        (snapshot(unusable={"sodium": (unusable,)}), "sodium: dq-implausible"),
        (snapshot(result("139", flags=("preliminary",))), "sodium: only provisional results"),
        (snapshot(coverage={"labs": Coverage("truncated")}), "labs: only part of the answer was delivered"),
        (snapshot(coverage={"labs": Coverage("failed")}), "labs"),
        (snapshot(coverage={"labs": Coverage("not asked")}), "labs"),
        (snapshot(coverage={"labs": Coverage("failed", reason="timeout")}), "labs: not fetched (timeout)"),
        (
            snapshot(coverage={"labs": Coverage("truncated", reason="timeout")}),
            "labs: only part of the answer was delivered, the rest not fetched (timeout)",
        ),
        (snapshot(coverage={}), "labs"),
        (snapshot(concept_keys={}), "sodium"),
    ):
        with pytest.raises(CannotTellError, match=f"^{re.escape(told)}$"):
            ask(chart).absent("sodium")


def test_drugs_are_taken_were_taken_or_are_being_ordered() -> None:
    active, past, draft = drug("a", status="active"), drug("b", status="past"), drug("c")
    unjudged = drug("d", judged=False)
    for patient in (
        ask(snapshot(exposures={"example": (active, past, draft, unjudged)})),
        ask(snapshot(exposures={"example": (active, past, draft), "other": (unjudged, active)})),
    ):
        assert patient.taking("example", "other") == (active,)
        assert patient.took("example", "other") == (past,)
        assert patient.drafts("example", "other") == (draft, unjudged)
        assert patient.judged("example", "other") == (draft,)
        assert patient.taking_or_ordering("example", "other") == (active, draft, unjudged)
        assert patient.taking("example") == (active,)
    only = ask(snapshot(exposures={"example": (active,)}))
    assert (only.taking("example"), only.took("example"), only.taking("other")) == ((active,), (), ())


def test_without_a_drug_is_only_who_surely_takes_none() -> None:
    keys = {key: Coverage("complete") for key in ("medications", "medicationStatements")}
    assert ask(snapshot()).surely_without("example")
    assert not ask(snapshot(exposures={"example": (drug("a", status="active"),)}, coverage={})).surely_without(
        "example"
    )
    for key in keys:
        with pytest.raises(CannotTellError, match=f"^{key}$"):
            ask(snapshot(coverage={name: state for name, state in keys.items() if name != key})).surely_without(
                "example"
            )
    unknown = tuple(UnmappedDrug(system, "MedicationRequest/1") for system in ("text", "local", "text"))
    with pytest.raises(CannotTellError) as told:
        ask(snapshot(unmapped=unknown)).surely_without("example")
    assert told.value.missing == ("unidentified drug (local)", "unidentified drug (text)")


def test_how_long_a_drug_was_taken_needs_its_start() -> None:
    assert ask(snapshot()).taken_for(drug("a", since=moment(3 * DAY + HOUR))) == 3 * DAY
    with pytest.raises(CannotTellError, match=r"^start date of example$"):
        ask(snapshot()).taken_for(drug("a"))
    with pytest.raises(CannotTellError, match=r"^start date of a-group$"):
        ask(snapshot()).taken_for(drug("a", groups=frozenset({"b-group", "a-group"})))
    with pytest.raises(CannotTellError, match=r"^start date of drug$"):
        ask(snapshot()).taken_for(drug("a", groups=frozenset()))


def test_problems_are_active_or_were_ever_had() -> None:
    old, now = problem(moment(9 * DAY), active=False), problem(moment(8 * DAY))
    patient = ask(snapshot(problems={"diabetes": (old,), "cramps": (now,)}))
    assert patient.has("diabetes") is None
    assert patient.has_confirmed("diabetes") is None
    assert patient.has("diabetes", "cramps") is now
    assert patient.has_confirmed("diabetes", "cramps") is now
    assert patient.ever_had("diabetes", "cramps") == (now, old)
    assert patient.has("cramps", within=8 * DAY) is now
    assert patient.has("cramps", within=WEEK) is None
    assert patient.has_confirmed("cramps", within=WEEK) is None
    assert ask(snapshot()).ever_had("diabetes") == ()


def test_free_of_a_problem_is_only_who_has_a_complete_problem_list() -> None:
    assert ask(snapshot()).surely_free_of("diabetes")
    assert not ask(snapshot(problems={"diabetes": (problem(),)}, coverage={})).surely_free_of("diabetes")
    with pytest.raises(CannotTellError, match=r"^conditions$"):
        ask(snapshot(coverage={})).surely_free_of("diabetes")


def test_a_procedure_counts_by_its_start_and_only_a_lasting_one_by_its_end() -> None:
    session = problem(moment(9 * DAY), ended=moment(DAY))
    patient = ask(snapshot(procedures={"dialysis": (session,)}))
    assert patient.underwent("dialysis") is session
    assert patient.underwent("dialysis", within=WEEK) is None
    assert patient.underwent("dialysis", within=WEEK, lasting=True) is session
    assert ask(snapshot()).underwent("dialysis") is None


def test_an_order_counts_when_it_is_recent_due_or_undated() -> None:
    for at, counts in ((moment(WEEK), True), (moment(WEEK + HOUR), False), (moment(-DAY), True), (None, True)):
        patient = ask(snapshot(orders={"sodium": (LabOrder("sodium", at, "ServiceRequest/1"),)}))
        assert (patient.ordered("sodium", WEEK) is not None) is counts
        assert patient.surely_not_ordered("sodium", WEEK) is not counts


def test_not_ordered_is_certain_unless_the_orders_were_asked_and_did_not_come() -> None:
    assert ask(snapshot()).surely_not_ordered("sodium", WEEK)
    assert ask(snapshot(coverage={"orders": Coverage("complete")})).surely_not_ordered("sodium", WEEK)
    with pytest.raises(CannotTellError, match=r"^orders$"):
        ask(snapshot(coverage={"orders": Coverage("failed")})).surely_not_ordered("sodium", WEEK)


def test_a_shared_question_is_answered_once_with_its_own_needs_and_limits() -> None:
    asked: list[Patient] = []

    def question(patient: Patient, k: Limits) -> int:
        asked.append(patient)
        return answer(patient, k)

    family = FamilyKnowledge("family", Limits({"more": Decimal(1)}, {}), Needs(results=frozenset({"sodium"})))
    chart = snapshot(result("140"))
    patient = Patient(chart, Needs(uses=frozenset({"family"})), {question: family})
    assert (patient.ask(question), patient.ask(question), patient.ask_or(question, 0)) == (2, 2, 2)
    assert len(asked) == 1
    with pytest.raises(UndeclaredReadError, match="question"):
        Patient(chart, Needs(), {question: family}).ask(question)


def test_a_shared_question_that_cannot_be_answered_is_so_every_time() -> None:
    def question(patient: Patient, k: Limits) -> int:
        raise CannotTellError("this", "that")

    family = FamilyKnowledge("family", Limits({}, {}), Needs())
    patient = Patient(snapshot(), Needs(uses=frozenset({"family"})), {question: family})
    for _ in range(2):
        with pytest.raises(CannotTellError) as told:
            patient.ask(question)
        assert told.value.missing == ("this", "that")
    assert patient.ask_or(question, 7) == 7


def test_what_the_value_sets_and_the_site_say_can_be_asked() -> None:
    chart = snapshot(salts={"magnesium": {"citrate": None}}, settings={"wards": frozenset({"1A"})})
    assert ask(chart).salts("magnesium") == {"citrate": None}
    assert ask(chart).salts("calcium") == {}
    assert ask(chart).site("wards") == {"1A"}
    assert ask(chart).site("beds") == frozenset()
