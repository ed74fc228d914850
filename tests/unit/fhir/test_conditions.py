"""Problems and procedures: their groups, whether they are active, when they were, and what only looks like one."""

from __future__ import annotations

from typing import Any

import pytest

from cds_service.facts.records import Problem
from tests.unit.fhir.charts import ICD10, SNOMED, SUBJECT, chart, concept, day


def condition(code: str | None = "91175000", text: str = "", system: str = SNOMED, **more: Any) -> dict[str, Any]:
    made = {"resourceType": "Condition", "id": "c1", "subject": SUBJECT, "code": concept(code, text, system)}
    return made | more


def status(code: str) -> dict[str, Any]:
    return {"coding": [{"code": code}]}


def problems(*resources: dict[str, Any], **call: Any) -> dict[str, tuple[Problem, ...]]:
    return dict(chart(*resources, key="conditions", **call).problems)


def test_a_code_gives_its_groups_and_a_prefix_all_below_it() -> None:
    assert set(problems(condition("E11.9", system=ICD10))) == {"diabetes", "diabetes-2"}
    assert set(problems(condition("e119", system="urn:oid:2.16.840.1.113883.6.3"))) == {"diabetes", "diabetes-2"}
    assert not problems(condition("E10.9", system=ICD10))


@pytest.mark.parametrize(
    ("text", "groups"),
    [
        ("Obstipatie", {"constipation"}),
        ("chronic constipation, mild", {"constipation"}),
        ("obstipaties", set()),
        ("geen obstipatie", set()),
        ("no signs of constipation", set()),
        ("family history of seizure", set()),
        ("risico op obstipatie", set()),
        ("no history of seizure or constipation", set()),
        ("sister with seizure", set()),
        ("seizure ruled out", set()),
        ("insult uitgesloten", set()),
        ("constipation in full remission", set()),
        ("constipation in partial remission", {"constipation"}),
        ("constipation, seizure excluded", {"constipation"}),
        ("constipation unlikely", set()),
        ("former constipation", set()),
        ("constipation, H. pylori negative", {"constipation"}),
    ],
)
def test_a_text_counts_by_whole_terms_that_are_not_denied(text: str, groups: set[str]) -> None:
    found = problems(condition(None, text))
    assert set(found) == groups
    assert all(problem.by_text for listed in found.values() for problem in listed)


def test_a_known_code_silences_the_text() -> None:
    assert set(problems(condition("91175000", "obstipatie"))) == {"seizure"}
    assert not problems(condition("91175000", "obstipatie"))["seizure"][0].by_text


@pytest.mark.parametrize(
    ("more", "active"),
    [
        ({}, True),
        ({"clinicalStatus": status("recurrence")}, True),
        ({"clinicalStatus": "active"}, True),
        ({"clinicalStatus": status("resolved")}, False),
        ({"clinicalStatus": "inactive"}, False),
        ({"abatementDateTime": "2020-01-01"}, False),
        ({"clinicalStatus": status("active"), "abatementDateTime": "2020"}, False),
        ({"abatementDateTime": "2030-01-01"}, True),
        ({"abatementString": "in childhood"}, False),
        ({"abatementBoolean": True}, False),
    ],
)
def test_active_is_what_its_status_and_abatement_say(more: dict[str, Any], active: bool) -> None:
    assert problems(condition(**more))["seizure"][0].active is active


@pytest.mark.parametrize("denied", ["refuted", "entered-in-error"])
def test_a_refuted_or_erroneous_condition_is_no_condition(denied: str) -> None:
    assert not problems(condition(verificationStatus=status(denied)))


def test_a_provisional_diagnosis_is_not_confirmed() -> None:
    assert not problems(condition(verificationStatus=status("provisional")))["seizure"][0].confirmed
    assert problems(condition(verificationStatus="confirmed"))["seizure"][0].confirmed


@pytest.mark.parametrize(("text", "confirmed"), [("suspected constipation", False), ("Verdenking obstipatie", False),
                                                 ("chronic constipation", True)])  # fmt: skip
def test_a_text_that_only_suspects_does_not_confirm(text: str, confirmed: bool) -> None:
    assert problems(condition(None, text))["constipation"][0].confirmed is confirmed


def test_the_date_is_the_onset_else_the_day_of_recording() -> None:
    recorded = {"recordedDate": "2026-05-01"}
    assert day(problems(condition(onsetDateTime="2026-04-01", **recorded))["seizure"][0].at) == "2026-04-01"
    assert day(problems(condition(onsetPeriod={"start": "2026-03-01"}, **recorded))["seizure"][0].at) == "2026-03-01"
    assert day(problems(condition(**recorded))["seizure"][0].at) == "2026-05-01"
    assert problems(condition())["seizure"][0].at is None


def test_problems_of_one_group_are_listed_newest_first() -> None:
    found = problems(
        condition(), condition(id="c2", recordedDate="2026-01-01"), condition(id="c3", recordedDate="2026-02-01")
    )
    assert [problem.ref for problem in found["seizure"]] == ["Condition/c3", "Condition/c2", "Condition/c1"]


def test_a_condition_knows_its_encounter() -> None:
    visit = condition(encounter={"reference": "https://ehr.example/fhir/Encounter/e1"})
    assert problems(visit)["seizure"][0].encounter == "Encounter/e1"


def test_the_reason_of_the_current_encounter_is_a_problem() -> None:
    visit = {
        "resourceType": "Encounter", "id": "e1", "status": "in-progress", "subject": SUBJECT,
        "period": {"start": "2026-11-20"}, "reasonCode": [concept(None, "obstipatie")],
    }  # fmt: skip
    (found,) = problems(visit, encounter_id="e1")["constipation"]
    assert (found.ref, found.encounter, day(found.at)) == ("Encounter/e1", "Encounter/e1", "2026-11-20")


@pytest.mark.parametrize(
    ("state", "counts"), [("completed", True), ("in-progress", True), ("not-done", False), ("entered-in-error", False)]
)
def test_only_a_procedure_done_or_under_way_counts(state: str, counts: bool) -> None:
    dialysis = {"resourceType": "Procedure", "id": "p", "status": state, "subject": SUBJECT}
    period = {"performedPeriod": {"start": "2026-11-01", "end": "2026-11-02"}}
    snapshot = chart(dialysis | period | {"code": concept("105502003", system=SNOMED)}, key="procedures")
    assert ("dialysis" in snapshot.procedures) is counts
    if counts:
        (found,) = snapshot.procedures["dialysis"]
        assert (day(found.at), day(found.ended)) == ("2026-11-01", "2026-11-02")


def test_an_r5_procedure_keeps_its_date() -> None:
    dialysis = {"resourceType": "Procedure", "id": "p", "status": "completed", "subject": SUBJECT}
    more = {"occurrenceDateTime": "2026-11-03", "code": concept("105502003", system=SNOMED)}
    assert day(chart(dialysis | more).procedures["dialysis"][0].at) == "2026-11-03"


def test_a_problem_of_the_past_is_not_dated_by_its_record() -> None:
    more: dict[str, Any] = {"recordedDate": "2026-03-01", "encounter": {"reference": "Encounter/e"}}
    (now,) = problems(condition(None, "seizure", **more))["seizure"]
    (past,) = problems(condition(None, "history of seizure", **more))["seizure"]
    (dated,) = problems(condition(None, "history of seizure", onsetDateTime="2026-03-01", **more))["seizure"]
    assert (now.at is not None, now.encounter) == (True, "Encounter/e")
    assert (past.active, past.at, past.encounter) == (True, None, None)
    assert dated.at is not None
