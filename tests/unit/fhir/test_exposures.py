"""Which records count as a drug in use, since when, how much, and what is one drug."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from cds_service.facts.records import Exposure
from tests.unit.fhir.charts import NOW, SNOMED, chart, concept, day, dose, only, order, statement

OMEPRAZOLE, PANTOPRAZOLE, CITRATE = "A02BC01", "A02BC02", "A12CC04"
STOP = "http://nictiz.nl/fhir/StructureDefinition/ext-StopType"


def statuses(*resources: dict[str, Any], **call: Any) -> list[str]:
    return [exposure.status for exposure in chart(*resources, **call).drug_list]


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (order(OMEPRAZOLE), ["active"]),
        (order(OMEPRAZOLE, intent="filler-order"), ["active"]),
        (order(OMEPRAZOLE, intent="plan"), []),
        (order(OMEPRAZOLE, intent="plan", reportedBoolean=True), ["active"]),
        (order(OMEPRAZOLE, intent="plan", category=[{"coding": [{"code": "community"}]}]), ["active"]),
        (order(OMEPRAZOLE, intent="proposal", reportedBoolean=True), []),
        (order(OMEPRAZOLE, doNotPerform=True), []),
        (order(OMEPRAZOLE, status="on-hold"), []),
        (order(OMEPRAZOLE, status="cancelled"), []),
        (order(OMEPRAZOLE, status="draft"), []),
        (order(OMEPRAZOLE, status="entered-in-error "), []),
        (order(OMEPRAZOLE, status="completed"), ["past"]),
        (order(OMEPRAZOLE, status="stopped"), ["past"]),
        (order(OMEPRAZOLE, end="2026-11-20"), ["past"]),
        (order(OMEPRAZOLE, end="2026-11-21"), ["active"]),
        (order(OMEPRAZOLE, end="2026-11-21T08:00:00+01:00"), ["active"]),
        (order(OMEPRAZOLE, modifierExtension=[{"url": STOP}]), ["past"]),
        (order(OMEPRAZOLE, dispenseRequest={"validityPeriod": {"end": "2020-01-01"}}), ["active"]),
        (order(OMEPRAZOLE, start="2010-01-01"), ["active"]),
        (statement(OMEPRAZOLE), ["active"]),
        (statement(OMEPRAZOLE, end="2026-11-20"), ["past"]),
        (statement(OMEPRAZOLE, status="completed"), ["past"]),
        (statement(OMEPRAZOLE, status="intended"), []),
        (statement(OMEPRAZOLE, status="recorded"), ["active"]),
        (statement(OMEPRAZOLE, taken="n"), []),
        (statement(OMEPRAZOLE, status="not-taken"), []),
    ],
)
def test_status_and_intent_say_whether_a_drug_is_in_use(request_: dict[str, Any], expected: list[str]) -> None:
    assert statuses(request_) == expected


def test_a_drug_of_unknown_status_is_neither_taken_nor_absent() -> None:
    snapshot = chart(order(OMEPRAZOLE, status="unknown"))
    assert not snapshot.drug_list
    assert [drug.system for drug in snapshot.unmapped] == ["status unknown"]
    assert statuses(order(OMEPRAZOLE, status="unknown"), admit_unknown_status=True) == ["active"]


def test_the_dutch_period_of_use_ends_an_order() -> None:
    period = {"url": "http://nictiz.nl/fhir/StructureDefinition/ext-TimeInterval.Period"}
    request = order(OMEPRAZOLE, extension=[period | {"valuePeriod": {"start": "2026-01-05", "end": "2026-02-01"}}])
    exposure = only(chart(request))
    assert (exposure.status, day(exposure.since)) == ("past", "2026-01-05")


def test_an_unknown_modifier_extension_makes_an_order_unusable() -> None:
    snapshot = chart(order(OMEPRAZOLE, modifierExtension=[{"url": "http://example.org/odd"}]))
    assert not snapshot.drug_list
    assert [(q.key, q.ref, q.reason) for q in snapshot.quarantine] == [
        ("medications", "MedicationRequest/m1", "modifier-extension")
    ]
    assert snapshot.coverage["medications"].state == "unordered"


def test_a_newer_denial_overrides_an_older_order_and_a_later_order_wins_again() -> None:
    denial = statement(OMEPRAZOLE, status="not-taken", dateAsserted="2026-10-01")
    assert statuses(order(OMEPRAZOLE, authoredOn="2026-09-01"), denial) == []
    assert statuses(order(OMEPRAZOLE, authoredOn="2026-10-02"), denial) == ["active"]
    assert statuses(order(PANTOPRAZOLE, authoredOn="2026-09-01"), denial) == ["active"]
    assert statuses(order(None, "omeprazole", authoredOn="2026-09-01"), denial) == []


def test_a_denial_without_a_date_is_not_known_to_be_newer() -> None:
    assert statuses(order(OMEPRAZOLE, authoredOn="2026-09-01"), statement(OMEPRAZOLE, status="not-taken")) == ["active"]


def test_an_order_and_a_statement_of_one_drug_are_one_exposure() -> None:
    first = statement(OMEPRAZOLE, start="2023-03-01", dosage=[{"text": "20 mg"}], note=[{"text": "obstipatie"}])
    later = order(
        None,
        "omeprazole",
        start="2025-01-01",
        authoredOn="2025-01-01",
        dose=dose("40", frequency=1, period=1, periodUnit="d"),
    )
    exposure = only(chart(first, later))
    assert day(exposure.since) == "2023-03-01"
    assert (exposure.ref, set(exposure.refs)) == (
        "MedicationRequest/m1",
        {"MedicationRequest/m1", "MedicationStatement/s1"},
    )
    assert [d.amount for d in exposure.dosages] == [Decimal(40)]
    assert exposure.known_by == "ATC"
    assert exposure.reason_groups == {"constipation"}


def test_different_routes_or_products_are_different_exposures() -> None:
    oral, iv = ({"route": concept(code, system=SNOMED)} for code in ("26643006", "47625008"))
    assert len(chart(order("J01MA02", dose=oral), order("J01MA02", id="m2", dose=iv)).drug_list) == 2
    assert len(chart(order(OMEPRAZOLE), order(PANTOPRAZOLE, id="m2")).drug_list) == 2


def test_only_other_strengths_at_other_times_add_up() -> None:
    morning = order(CITRATE, authoredOn="2026-01-01", dose=dose("100", timeOfDay=["08:00:00"]))
    evening = order(CITRATE, id="m2", authoredOn="2026-02-01", dose=dose("200", timeOfDay=["22:00:00"]))
    renewal = order(CITRATE, id="m2", authoredOn="2026-02-01", dose=dose("200", timeOfDay=["08:00:00"]))
    assert [d.amount for d in only(chart(morning, evening)).dosages] == [Decimal(200), Decimal(100)]
    assert [d.amount for d in only(chart(morning, renewal)).dosages] == [Decimal(200)]


@pytest.mark.parametrize(
    ("ended", "since"), [("2026-01-01", "2025-01-01"), ("2025-12-31", "2026-03-02")], ids=["60 days", "61 days"]
)
def test_coverage_goes_back_over_gaps_of_at_most_sixty_days(ended: str, since: str) -> None:
    past = order(PANTOPRAZOLE, id="m0", status="completed", start="2025-01-01", end=ended)
    (active,) = chart(order(OMEPRAZOLE, start="2026-03-02"), past).exposures["omeprazole"]
    assert day(active.since) == since


def test_coverage_goes_back_through_several_ended_orders_and_their_supply() -> None:
    supplied = {"expectedSupplyDuration": {"value": 90, "unit": "d"}}
    past = [
        order(OMEPRAZOLE, id="a", status="completed", authoredOn="2025-01-01", dispenseRequest=supplied),
        order(OMEPRAZOLE, id="b", status="completed", authoredOn="2025-05-01", dispenseRequest=supplied),
        order(CITRATE, id="c", status="completed", authoredOn="2020-05-01"),
    ]
    snapshot = chart(order(OMEPRAZOLE, authoredOn="2025-09-01"), *past)
    active = next(e for e in snapshot.exposures["ppi"] if e.status == "active")
    assert day(active.since) == "2025-01-01"
    assert len([e for e in snapshot.exposures["ppi"] if e.status == "past"]) == 2


def test_the_start_is_the_recorded_bound_before_the_day_of_writing() -> None:
    assert day(only(chart(order(OMEPRAZOLE, start="2025-02-01", authoredOn="2026-01-01"))).since) == "2025-02-01"
    assert day(only(chart(order(OMEPRAZOLE, authoredOn="2026-01-01"))).since) == "2026-01-01"
    assert day(only(chart(statement(OMEPRAZOLE, effectiveDateTime="2026-03-01"))).since) == "2026-03-01"
    assert only(chart(statement(OMEPRAZOLE, dateAsserted="2026-03-01"))).since is None


def test_the_route_is_recorded_else_named_else_usual() -> None:
    def route(request: dict[str, Any]) -> str | None:
        return only(chart(request)).route

    assert route(order("J01MA02", dose={"route": concept("47625008", system=SNOMED)})) == "intravenous"
    assert route(order("J01MA02", dose={"route": {"text": "i.v. / IV"}})) == "intravenous"
    assert route(order("J01MA02", dose={"route": {"text": "in het oor"}})) is None
    assert route(order("J01MA02", "ciprofloxacin 400 mg iv")) == "intravenous"
    assert route(order("S01AA12", "tobramycin")) == "ophthalmic"
    assert route(order("J01GB01")) == "intravenous"
    assert route(order(OMEPRAZOLE)) == "oral"
    assert route(order(None, "magnesium citrate")) == "oral"


@pytest.mark.parametrize(
    ("record", "bought"),
    [
        (order(OMEPRAZOLE, "omeprazole OTC"), True),
        (order(OMEPRAZOLE, "omeprazol (vrij verkrijgbaar)"), True),
        (statement(OMEPRAZOLE, informationSource={"reference": "Patient/p1"}), True),
        (statement(OMEPRAZOLE, category={"coding": [{"code": "patientspecified"}]}), True),
        (order(OMEPRAZOLE, intent="plan", reportedBoolean=True), True),
        (order(OMEPRAZOLE, "botcaps"), False),
        (statement(OMEPRAZOLE, informationSource={"reference": "Practitioner/1"}), False),
    ],
)
def test_what_the_patient_bought_is_over_the_counter(record: dict[str, Any], bought: bool) -> None:
    assert only(chart(record)).over_the_counter is bought


def test_reasons_come_from_codes_references_and_notes() -> None:
    problem = {
        "resourceType": "Condition",
        "id": "c9",
        "subject": {"reference": "Patient/p1"},
        "code": concept("91175000", system=SNOMED),
    }
    request = order(
        CITRATE, reasonCode=[concept("14760008", "trage darm", SNOMED)], note=[{"text": "proefbehandeling"}],
        reasonReference=[{"reference": "Condition/c9", "display": "insult"}],
    )  # fmt: skip
    exposure = only(chart(request, problem))
    assert exposure.reasons == ("trage darm", "insult", "proefbehandeling")
    assert exposure.reason_groups == {"constipation", "seizure"}


def drafted(*drafts: dict[str, Any], charted: tuple[dict[str, Any], ...] = (), **call: Any) -> list[Exposure]:
    return list(chart(*charted, drafts=drafts, hook="order-sign", **call).drug_list)


def test_drafts_are_judged_when_the_call_is_about_them() -> None:
    drafts = (order(CITRATE, id="d1", status="draft"), order(OMEPRAZOLE, id="d2", status="draft"))
    assert [(e.status, e.judged) for e in drafted(*drafts)] == [("draft", True), ("draft", True)]
    chosen = drafted(*drafts, judged=frozenset({"MedicationRequest/d2"}))
    assert [(e.ref, e.judged) for e in chosen] == [("MedicationRequest/d1", False), ("MedicationRequest/d2", True)]


def test_an_active_order_being_signed_again_is_the_draft_itself() -> None:
    (exposure,) = drafted(order(CITRATE), charted=(order(CITRATE),))
    assert exposure.status == "draft"


def test_a_draft_that_ends_or_forbids_a_drug_is_no_new_drug() -> None:
    assert drafted(order(CITRATE, status="stopped"), order(CITRATE, id="d2", doNotPerform=True)) == []


def test_other_entries_among_the_drafts_are_tolerated() -> None:
    lab = {"resourceType": "ServiceRequest", "id": "x", "status": "draft", "subject": {"reference": "Patient/p1"}}
    (exposure,) = drafted(order(CITRATE, id="d1", status="draft"), lab)
    assert exposure.groups == {"magnesium"}


@pytest.mark.parametrize("name", ["ServiceRequest", "ProcedureRequest"])
def test_a_draft_procedure_that_gives_a_drug_is_an_order_of_that_drug_under_its_own_reference(name: str) -> None:
    test = {"resourceType": name, "id": "s1", "status": "draft", "subject": {"reference": "Patient/p1"}}
    (exposure,) = drafted(test | {"code": {"text": "Magnesium loading test"}}, judged=frozenset({f"{name}/s1"}))
    assert (exposure.ref, exposure.name, exposure.status) == (f"{name}/s1", "Magnesium loading test", "draft")
    assert exposure.judged
    assert "magnesium" in exposure.groups


def test_a_draft_order_for_a_laboratory_is_no_drug_order_even_when_it_is_broken() -> None:
    lab = {"resourceType": "ServiceRequest", "id": "s1", "status": "draft", "code": {"text": "magnesium"}}
    snapshot = chart(drafts=(lab, lab | {"id": "s2", "code": "magnesium"}), hook="order-sign")
    assert (snapshot.drug_list, snapshot.quarantine) == ((), ())


def test_a_draft_for_another_patient_is_quarantined() -> None:
    snapshot = chart(drafts=(order(CITRATE, subject={"reference": "Patient/p2"}),), hook="order-sign")
    assert not snapshot.drug_list
    assert [(q.key, q.reason) for q in snapshot.quarantine] == [("draftOrders", "dq-subject")]


def test_an_r5_request_is_read() -> None:
    request = order(
        medication={"concept": concept(CITRATE)}, reported=True, reason=[{"concept": {"text": "obstipatie"}}]
    )
    exposure = only(chart(request))
    assert exposure.groups == {"magnesium"}
    assert exposure.reason_groups == {"constipation"}


def test_exposures_are_found_by_group_and_by_ingredient_and_announced_as_tokens() -> None:
    snapshot = chart(order(OMEPRAZOLE), drafts=(order(CITRATE, id="d1"),))
    assert snapshot.exposures["ppi"] == snapshot.exposures["omeprazole"]
    assert snapshot.present >= {"drug:ppi", "drug:omeprazole", "draft:magnesium", "draft:magnesium-citrate"}
    assert snapshot.as_of.at == NOW


def test_nothing_odd_in_a_record_costs_more_than_that_record() -> None:
    odd = ("{", "[]", '{"resourceType":"MedicationRequest","id":7}', '{"resourceType":5}', '"text"')
    snapshot = chart(order(OMEPRAZOLE), *odd)
    assert [e.ingredients for e in snapshot.drug_list] == [{"omeprazole"}]
    assert {q.reason for q in snapshot.quarantine} == {"unreadable"}


def test_the_route_tells_the_class_of_a_drug_known_by_name() -> None:
    def groups(route: str) -> frozenset[str]:
        return only(chart(order(None, "tobramycin", dose={"route": {"text": route}}))).groups

    assert groups("iv") == {"aminoglycoside", "systemic-antibiotic"}
    assert groups("eye drops") == {"aminoglycoside"}
