"""Public FHIR data as hook requests: one chart per patient, prefetch answered as an EHR answers it."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

import msgspec
import orjson

from cds_service.facts.moments import parse_moment
from cds_service.knowledge.model import KeyPlanEntry

DATA = Path(__file__).parents[2].parent / "shared" / "data"
SETS = ("synthea-r4-100", "smart-stu3-67", "us-core-examples", "au-test-data", "mii-test-data")
READ = frozenset(
    {
        "Condition", "Encounter", "Medication", "MedicationRequest", "MedicationStatement", "Observation", "Patient",
        "Procedure",
    }
)  # fmt: skip
SUPPORTED = frozenset({"patient", "code", "status", "_sort", "_count"})
LONG_AGO = datetime(1900, 1, 1, tzinfo=UTC)

Resource = dict[str, Any]


class Chart(msgspec.Struct):
    """One patient of a set and everything that names that patient, as found; `loose`: what names nobody at all."""

    patient: Resource
    resources: list[Resource]
    loose: list[Resource]

    @property
    def patient_id(self) -> str:
        """The bare id."""
        return str(self.patient["id"])

    def as_of(self) -> datetime:
        """A minute after the newest Observation; without any, after the newest resource of another kind."""
        own = [r for r in self.resources if r["resourceType"] == "Observation"] or self.resources
        return max((when(r) for r in own), default=LONG_AGO) + timedelta(minutes=1)


def is_present(name: str) -> bool:
    """Whether a set lies beside the project."""
    return (DATA / name).is_dir()


def read_charts(name: str) -> list[Chart]:
    """The charts of a set. A subject without a Patient in the set gets one of its own, with nothing but an id."""
    found: list[Resource] = []
    for path in sorted((DATA / name).glob("*.ndjson.gz")):
        if path.name.partition(".")[0] in READ:
            found += [orjson.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines() if line.strip()]
    patients = {r["id"]: r for r in found if r["resourceType"] == "Patient"}
    charts = {key: Chart(patient, [], []) for key, patient in patients.items()}
    shelf = [r for r in found if r["resourceType"] == "Medication"]
    loose: list[Resource] = []
    for resource in found:
        if resource["resourceType"] in ("Patient", "Medication"):
            continue
        owner = owner_of(resource)
        if owner is None:
            loose.append(resource)
            continue
        if owner not in charts:
            charts[owner] = Chart({"resourceType": "Patient", "id": owner}, [], [])
        charts[owner].resources.append(resource)
    read = list(charts.values())
    for chart in read:
        chart.resources += shelf
    if read:
        read[0].loose = loose
    return read


def owner_of(resource: Resource) -> str | None:
    """The id at the end of the subject's reference (relative, absolute, urn); None when it gives none."""
    reference = (resource.get("subject") or {}).get("reference")
    return None if not reference else re.split(r"[/:]", reference)[-1]


def request_for(chart: Chart, plan: Iterable[KeyPlanEntry], *, sloppy: bool = False) -> Resource:
    """A patient-view request. `sloppy`: every search returns all there is of its type, whatever it was asked."""
    prefetch: dict[str, Any] = {}
    for entry in plan:
        if "patient-view" in entry.hooks and entry.resource != "Encounter":
            prefetch[entry.key] = answered(chart, entry, sloppy=sloppy)
    return {
        "hook": "patient-view",
        "hookInstance": "0f0e0d0c-0b0a-1908-8706-050403020100",
        "context": {"userId": "Practitioner/example", "patientId": chart.patient_id},
        "prefetch": prefetch,
        "extension": {"org.ionwise.as-of": chart.as_of().isoformat()},
    }


def answered(chart: Chart, entry: KeyPlanEntry, *, sloppy: bool) -> Resource:
    """The answer to one prefetch query; `sloppy`: everything of its type."""
    if "?" not in entry.query:
        return chart.patient
    wanted = dict(parse_qsl(entry.query.partition("?")[2]))
    assert wanted.keys() <= SUPPORTED, f"{entry.key}: the query asks for something that this EHR cannot search"
    held = [r for r in (*chart.resources, *chart.loose) if r["resourceType"] == entry.resource]
    found = held if sloppy else [r for r in held if _matches(r, wanted)]
    if wanted.get("_sort") == "-date":
        found = sorted(found, key=when, reverse=True)
    page = found if sloppy else found[: int(wanted["_count"])]
    bundle: Resource = {"resourceType": "Bundle", "type": "searchset", "total": len(found)}
    if len(page) < len(found):
        bundle["link"] = [{"relation": "next", "url": "https://ehr.example/fhir?page=2"}]
    entries = [{"resource": resource, "search": {"mode": "match"}} for resource in page]
    if entry.resource.startswith("Medication"):
        medications = [r for r in chart.resources if r["resourceType"] == "Medication"]
        entries += [{"resource": resource, "search": {"mode": "include"}} for resource in medications]
    return bundle | ({"entry": entries} if entries else {})


def _matches(resource: Resource, wanted: Mapping[str, str]) -> bool:
    if "status" in wanted and resource.get("status") not in wanted["status"].split(","):
        return False
    if "code" not in wanted:
        return True
    codings = (resource.get("code") or {}).get("coding", [])
    return not _wanted_codes(wanted["code"]).isdisjoint(f"{c.get('system')}|{c.get('code')}" for c in codings)


@lru_cache
def _wanted_codes(text: str) -> frozenset[str]:
    return frozenset(text.split(","))


def when(resource: Resource) -> datetime:
    """When it happened, to sort by; long ago when it does not say."""
    period: dict[str, Any] = next(
        (resource[name] for name in ("effectivePeriod", "performedPeriod", "period") if name in resource), {}
    )
    texts = [resource.get(name) for name in ("effectiveDateTime", "effectiveInstant", "performedDateTime")]
    texts += [period.get("end"), period.get("start"), *(resource.get(n) for n in ("issued", "onsetDateTime"))]
    texts += [resource.get(name) for name in ("recordedDate", "authoredOn", "dateAsserted")]
    moments = (parse_moment(text, ZoneInfo("UTC")) for text in texts if isinstance(text, str))
    return next((moment.latest for moment in moments if moment is not None), LONG_AGO)
