"""How the prefetch queries vary per EHR, and the sheet that an analyst types from."""

from __future__ import annotations

import pytest

from cds_service.fhir.profiles import PROFILES, apply_profile, prefetch_sheet, required_scopes
from cds_service.knowledge.model import KeyPlanEntry
from tests.shipped import released

LABS = KeyPlanEntry(
    "labsRare",
    "Observation?patient={{context.patientId}}&code=http://loinc.org|2601-3,http://loinc.org|19123-9&_sort=-date&_count=100",
    {"patient-view": "R", "order-sign": "S"},
    {"nl": "magnesium", "en": "magnesium"},
    "Observation",
)
OTHER = KeyPlanEntry(
    "clinicalObs", "Observation?patient={{context.patientId}}&code=8636-3", {}, {"en": ""}, "Observation"
)
PATIENT = KeyPlanEntry(
    "patient", "Patient/{{context.patientId}}", {"patient-view": "R"}, {"nl": "wie", "en": "who"}, "Patient"
)
STATEMENTS = KeyPlanEntry(
    "medicationStatements",
    "MedicationStatement?patient=x",
    {"patient-view": "O"},
    {"nl": "", "en": "drugs"},
    "MedicationStatement",
)
PLAN = (PATIENT, LABS, OTHER, STATEMENTS)


def queries(profile: str) -> dict[str, str]:
    return {entry.key: entry.query for entry in apply_profile(PLAN, PROFILES[profile])}


PRESCRIPTIONS = [
    KeyPlanEntry(key, f"MedicationRequest?patient=x&status={status}&_count=9", {}, {"en": ""}, "MedicationRequest")
    for key, status in (("medications", "active"), ("medicationsPast", "completed,stopped"))
]


@pytest.mark.parametrize("profile", ["generic", "nl", "cds-hooks-1.0"])
def test_these_profiles_ask_as_the_plan_says(profile: str) -> None:
    assert queries(profile) == {entry.key: entry.query for entry in PLAN}


def test_epic_wants_a_category_on_laboratory_queries_and_has_no_medication_statement() -> None:
    asked = queries("epic")
    assert asked["labsRare"].startswith("Observation?patient={{context.patientId}}&category=laboratory&code=")
    assert "category" not in asked["clinicalObs"]
    assert "medicationStatements" not in asked


def test_oracle_documents_no_sort_and_has_no_medication_statement() -> None:
    assert queries("oracle")["labsRare"] == LABS.query.replace("&_sort=-date", "")
    assert "medicationStatements" not in queries("oracle")


def test_dutch_sources_are_asked_for_prescriptions_of_unknown_status_too() -> None:
    current, past = apply_profile(PRESCRIPTIONS, PROFILES["nl"])
    assert current.query == "MedicationRequest?patient=x&status=active,unknown&_count=9"
    assert past == PRESCRIPTIONS[1]


def test_what_the_site_says_it_does_not_have_is_read_as_empty_even_where_the_ehr_cannot_serve_it() -> None:
    assert apply_profile([STATEMENTS], PROFILES["epic"]) == ()
    assert apply_profile([STATEMENTS], PROFILES["epic"], frozenset({"medicationStatements"})) == (STATEMENTS,)


@pytest.mark.parametrize("profile", PROFILES)
def test_every_profile_asks_for_every_code_with_its_system(profile: str) -> None:
    for entry in apply_profile(released().key_plan, PROFILES[profile]):
        codes = entry.query.partition("&code=")[2].partition("&")[0]
        assert all("|" in code for code in codes.split(",") if code), entry.key


def test_a_read_is_the_same_everywhere() -> None:
    assert {queries(profile)["patient"] for profile in PROFILES} == {PATIENT.query}


def test_a_read_needs_a_smaller_scope_than_a_search() -> None:
    assert required_scopes(PATIENT) == ("patient/Patient.read", "patient/Patient.r")
    assert required_scopes(LABS) == ("patient/Observation.read", "patient/Observation.rs")


def test_the_sheet_says_what_to_type_and_why() -> None:
    sheet = list(prefetch_sheet(PLAN, PROFILES["epic"], "en"))
    assert sheet[:5] == [
        "patient",
        "  Patient/{{context.patientId}}",
        "  who",
        "  required at patient-view",
        "  SMART v1: patient/Patient.read   SMART v2: patient/Patient.r",
    ]
    assert "  send if at all possible at order-sign" in sheet
    assert "SMART v2: patient/Observation.rs patient/Patient.r" in sheet
    assert sheet[-1].startswith("! Suggested orders need codes")


def test_the_sheet_of_one_hook_holds_its_keys_only() -> None:
    sheet = list(prefetch_sheet(PLAN, PROFILES["generic"], "nl", "order-sign"))
    assert sheet[0] == "labsRare"
    assert "patient" not in sheet
    assert not any("patient-view" in line for line in sheet)
