"""Requests about fixture patients and public ones, as an EHR would send them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

from cds_service.ehr.file_records import FileRecords, read_files
from cds_service.ehr.hook_calls import Service, build_context, fill_prefetch
from cds_service.ehr.wire import EXACT
from tests.shipped import released

ROOT = Path(__file__).parents[3]
FIXTURES = ROOT / "fhir_fixtures"
AS_OF = "2026-11-21T10:00:00+01:00"
PATIENTS = tuple(
    sorted(path for path in (FIXTURES / "patients").glob("*.json") if path.stem not in ("stories", "expected"))
)
SEVERE = FIXTURES / "patients" / "woman_67_omeprazole_severe_hypomagnesaemia.json"
DIGOXIN = FIXTURES / "patients" / "man_78_digoxin_low_potassium_and_magnesium.json"


@lru_cache(maxsize=8)
def service(hook: str) -> Service:
    """Our own service for a hook, as discovery lists it."""
    plan = released().key_plan
    templates = {entry.key: entry.query for entry in plan if hook in entry.hooks}
    return Service(hook, f"ionwise-{hook}", "http://127.0.0.1/any", prefetch=templates)


def request(records: FileRecords, hook: str = "patient-view") -> dict[str, Any]:
    """The whole request about one patient."""
    encounters = [found for found in records.resources if found["resourceType"] == "Encounter"]
    encounter = encounters[0].get("id") if encounters else None
    context = build_context(hook, records.patient_id, "Practitioner/dr-17", encounter, records.drafts())
    prefetch = fill_prefetch(service(hook), records, context, date(2026, 11, 21)).answers
    instance = "7b0d1f0e-5a0e-4a32-9d0f-0a3c1f6f0001"
    return {"hook": hook, "hookInstance": instance, "context": context, "prefetch": prefetch} | {
        "extension": {"org.ionwise.as-of": AS_OF}
    }


def fixture_requests() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every fixture: patients when the chart is opened and when orders are signed, and all recorded requests."""
    for path in PATIENTS:
        records = read_files(path)
        for hook in ("patient-view", "order-sign") if records.drafts() else ("patient-view",):
            yield f"{path.stem} {hook}", request(records, hook)
    for path in sorted((FIXTURES / "hooks").glob("*/*.json")):
        body = EXACT.decode(path.read_bytes())
        body.setdefault("extension", {}).setdefault("org.ionwise.as-of", AS_OF)
        yield path.stem, body


def broken_requests() -> Iterator[tuple[str, dict[str, Any]]]:
    """What broken servers send, inside a request."""
    sound = EXACT.decode((FIXTURES / "broken" / "sound_request.json").read_bytes())
    for path in sorted((FIXTURES / "broken").glob("[0-9]*.json")):
        yield path.stem, sound | {"prefetch": sound["prefetch"] | EXACT.decode(path.read_bytes())}
