"""Charts for property tests: the fixture patients and a plain adult with given results, and what a decision came to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

import msgspec
from hypothesis import HealthCheck, settings

from cds_service.demo import AS_OF, Story, read_story
from cds_service.ehr.templates import resolve_template
from cds_service.fhir.call import Call, KeyAnswer
from cds_service.service.decide import DecideOptions, Decision, decide
from tests.fixtures.service import FIXTURES
from tests.shipped import released

NOW = datetime.fromisoformat(AS_OF)
STORIES = tuple(sorted(p.stem for p in (FIXTURES / "patients").glob("*_*.json")))
few = settings(
    derandomize=True, max_examples=30, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
Chart = Mapping[str, Sequence[Any]]
Came = tuple[str, str, str | None, int | None, tuple[str, ...]]

_ENCODE = msgspec.json.Encoder(decimal_format="number").encode
_OPTIONS = DecideOptions(sandbox=True)
_LOINC = {
    "magnesium-serum": "2601-3", "potassium": "2823-3", "calcium-total": "2000-8", "calcium-ionised": "1995-0",
    "albumin": "1751-7", "vitamin-d": "68438-1", "egfr": "98979-8",
}  # fmt: skip


@lru_cache(maxsize=64)
def story(name: str) -> Story:
    """A fixture patient, read once."""
    return read_story(name)


def chart_of(name: str, hook: str = "patient-view") -> dict[str, list[Any]]:
    """What each prefetch key of the hook delivers about a fixture patient; Medications come under `included`."""
    told = story(name)
    context = told.context(hook)
    chart: dict[str, list[Any]] = {"included": []}
    for entry in released().key_plan:
        if hook not in entry.hooks:
            continue
        query = resolve_template(entry.query, context, NOW.date())
        answer = None if query is None else told.records.ask(query, entry.key)
        entries = [] if answer is None else answer.get("entry", [{"resource": answer}])
        for item in entries:
            included = item.get("search", {}).get("mode") == "include"
            chart.setdefault("included" if included else entry.key, []).append(item["resource"])
        chart.setdefault(entry.key, [])
    return chart


def call_of(chart: Chart, patient_id: str, hook: str = "patient-view", drafts: Iterable[Any] = ()) -> Call:
    """The call in which every key is answered completely with these resources, whatever JSON they are."""
    included = tuple(raw(resource) for resource in chart.get("included", ()))
    answers = {
        key: KeyAnswer("complete", tuple(raw(resource) for resource in found), included)
        for key, found in chart.items()
        if key != "included"
    }
    encounter = next((r["id"] for r in chart.get("encounter", ()) if isinstance(r, dict) and "id" in r), None)
    return Call(
        hook=hook,
        patient_id=patient_id,
        as_of=NOW,
        answers=answers,
        encounter_id=encounter if isinstance(encounter, str) else None,
        drafts=tuple(raw(draft) for draft in drafts),
    )


def raw(value: Any) -> msgspec.Raw:
    """JSON bytes, decimals with the digits they have."""
    return msgspec.Raw(_ENCODE(value))


def decided(call: Call) -> Decision:
    """The decision of the sandbox."""
    return decide(call, released(), _OPTIONS)


def came_to(decision: Decision) -> tuple[list[Came], list[str]]:
    """What each rule came to, and the rules of the cards that are shown, in order."""
    verdicts: list[Came] = [
        (v.rule_id, v.kind, v.variant, None if v.severity is None else int(v.severity), v.missing)
        for v in decision.trace
    ]
    return verdicts, [shown.verdict.rule_id for shown in decision.ranking.shown]


def verdict_of(rule_id: str, decision: Decision) -> str:
    """A rule's variant when it fires, else its kind."""
    found = next(v for v in decision.trace if v.rule_id == rule_id)
    return found.variant or found.kind


def result(concept: str, value: Decimal, unit: str, hours: int = 3) -> dict[str, Any]:
    """A final result of today with LOINC and UCUM, for the plain adult."""
    return {
        "resourceType": "Observation", "id": concept, "status": "final", "subject": {"reference": "Patient/adult"},
        "code": {"coding": [{"system": "http://loinc.org", "code": _LOINC[concept]}]},
        "effectiveDateTime": f"2026-11-21T{10 - hours:02d}:00:00+01:00",
        "valueQuantity": {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit},
    }  # fmt: skip


def adult(results: Iterable[dict[str, Any]], drugs: Iterable[str] = (), problems: Iterable[str] = ()) -> Call:
    """A woman of 60 with these results, drugs (ATC codes, taken for three years) and problems (SNOMED CT codes)."""
    subject = {"reference": "Patient/adult"}
    chart: dict[str, list[Any]] = {entry.key: [] for entry in released().key_plan if "patient-view" in entry.hooks}
    chart["patient"] = [{"resourceType": "Patient", "id": "adult", "gender": "female", "birthDate": "1966-01-31"}]
    keys = released().concept_keys
    for found in results:
        chart[keys[found["id"]]].append(found)
    chart["medications"] = [
        {
            "resourceType": "MedicationRequest", "id": atc, "status": "active", "intent": "order", "subject": subject,
            "authoredOn": "2023-11-01",
            "medicationCodeableConcept": {"coding": [{"system": "http://www.whocc.no/atc", "code": atc}]},
        }
        for atc in drugs
    ]  # fmt: skip
    chart["conditions"] = [
        {
            "resourceType": "Condition", "id": code, "subject": subject, "onsetDateTime": "2026-11-01",
            "code": {"coding": [{"system": "http://snomed.info/sct", "code": code}]},
        }
        for code in problems
    ]  # fmt: skip
    return call_of(chart, "adult")
