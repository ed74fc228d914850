"""Files that stand in for a FHIR server: a folder, a Bundle, NDJSON; answers the searches that prefetch may ask."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

import msgspec

from cds_service.ehr.records import PRODUCTS, as_list, objects, refusal
from cds_service.ehr.wire import EXACT
from cds_service.errors import EhrError
from cds_service.fhir.json_files import json_files, read_values
from cds_service.fhir.read.references import bare_id

DRAFT = "draft"
_TOKENS = {"code": "code", "status": "status", "category": "category", "intent": "intent", "class": "class",
           "clinical-status": "clinicalStatus", "_id": "id", "type": "type"}  # fmt: skip
_DATES = frozenset({"date", "authoredon", "effective", "onset-date", "recorded-date", "authored"})
_HARMLESS = frozenset({"_include", "_format", "_elements", "_summary", "_total"})
_DATE = re.compile(r"(eq|gt|lt|ge|le)?(\d{4}.*)")
_PLACES = ("effectiveDateTime", "effectivePeriod", "performedDateTime", "performedPeriod", "authoredOn",
           "onsetDateTime", "recordedDate", "dateAsserted", "period", "issued", "date")  # fmt: skip


class FileRecords:
    """One patient's resources. `patient_id` is whose they are."""

    def __init__(self, resources: Iterable[dict[str, Any]], patient_id: str) -> None:
        self.patient_id = patient_id
        self.resources = [found for found in resources if _belongs(found, patient_id)]

    def ask(self, query: str, step: str) -> dict[str, Any] | None:
        """See Records. Refuses a search parameter that it does not know instead of ignoring it."""
        path, mark, parameters = query.partition("?")
        kind, _, resource_id = path.partition("/")
        of_kind = self.of_type(kind)
        if not mark:
            return next((found for found in of_kind if found.get("id") == unquote(resource_id)), None)
        asked = parse_qsl(parameters, keep_blank_values=True)
        if unknown := [name for name, _ in asked if not _is_known(name)]:
            return refusal("not-supported", f"files cannot be searched by {', '.join(unknown)}")
        found = [r for r in of_kind if all(_fits(r, name, value) for name, value in asked)]
        if not any(name == "status" for name, _ in asked):
            found = [r for r in found if r.get("status") != DRAFT]
        return self._searchset(found, dict(asked))

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        """The resources of one type."""
        return [found for found in self.resources if found.get("resourceType") == kind]

    def drafts(self) -> list[dict[str, Any]]:
        """The unsigned orders."""
        return [
            r for r in self.resources if str(r.get("resourceType")).endswith("Request") and r.get("status") == DRAFT
        ]

    def _searchset(self, found: list[dict[str, Any]], asked: Mapping[str, str]) -> dict[str, Any]:
        if order := asked.get("_sort"):
            found.sort(key=date_of, reverse=order.startswith("-"))
        count = asked.get("_count", "")
        page = found[: int(count)] if count.isdigit() else found
        entries = [{"resource": resource, "search": {"mode": "match"}} for resource in page]
        entries += [{"resource": resource, "search": {"mode": "include"}} for resource in self._referred_to(page)]
        return {"resourceType": "Bundle", "type": "searchset", "total": len(found), "entry": entries}

    def _referred_to(self, page: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """The products that a page points to, as servers do that always include them."""
        references = (reference for r in page for reference in objects(r.get("medicationReference")))
        targets = {bare_id(str(reference.get("reference"))) for reference in references}
        return [r for r in self.resources if r.get("resourceType") in PRODUCTS and r.get("id") in targets]


def read_files(source: Path, patient_id: str | None = None) -> FileRecords:
    """The records of one patient out of a file or folder: `.json` (Bundles, resources) and `.ndjson`, also `.gz`.

    patient_id: whose; may be left out when there is only one. Raises EhrError when it is not clear who is meant.
    """
    resources = list(read_resources(source))
    patients = {str(found.get("id")) for found in resources if found.get("resourceType") == "Patient"}
    if not patients:
        raise EhrError(f"{source.name}: holds no Patient -> name a Bundle, or a folder with a patient's resources")
    if patient_id is None and len(patients) > 1:
        raise EhrError(f"{source.name}: holds {len(patients)} patients -> say which with --patient")
    if patient_id is not None and patient_id not in patients:
        raise EhrError(f"{source.name}: holds no patient with this id -> correct --patient")
    return FileRecords(resources, patient_id or patients.pop())


def read_resources(source: Path) -> Iterator[dict[str, Any]]:
    """Every resource of a file or folder, references by `urn:uuid:` made relative. Raises EhrError for no FHIR."""
    paths = json_files(source)
    if not paths:
        raise EhrError(f"{source.name}: no .json or .ndjson there -> name files with FHIR resources")
    for path in paths:
        for piece in _pieces(path):
            yield from _unpacked(piece)


def date_of(resource: Mapping[str, Any]) -> str:
    """When a resource was, as written; of a period its end. "" when it does not say."""
    for place in _PLACES:
        value = resource.get(place)
        if isinstance(value, dict):
            value = value.get("end") or value.get("start")
        if value:
            return str(value)
    return ""


def _pieces(path: Path) -> Iterator[Any]:
    try:
        for text in read_values(path):
            yield EXACT.decode(text)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise EhrError(f"{path.name}: cannot be read as JSON -> mend or remove it") from error


def _unpacked(piece: Any) -> Iterator[dict[str, Any]]:
    entries = piece.get("entry") if isinstance(piece, dict) and piece.get("resourceType") == "Bundle" else None
    if entries is None:
        yield from (item for item in as_list(piece) if isinstance(item, dict) and "resourceType" in item)
        return
    entries = [entry for entry in objects(entries) if isinstance(entry.get("resource"), dict)]
    names = {}
    for entry in entries:
        name, resource = str(entry.get("fullUrl", "")), entry["resource"]
        if name.startswith("urn:uuid:"):
            resource.setdefault("id", bare_id(name))
            names[name] = f"{resource.get('resourceType')}/{resource['id']}"
    for entry in entries:
        yield _renamed(entry["resource"], names) if names else entry["resource"]


def _renamed(node: Any, names: Mapping[str, str]) -> Any:
    if isinstance(node, list):
        return [_renamed(item, names) for item in node]
    if isinstance(node, dict):
        return {
            key: names.get(value, value) if key == "reference" and isinstance(value, str) else _renamed(value, names)
            for key, value in node.items()
        }
    return node


def _belongs(resource: Mapping[str, Any], patient_id: str) -> bool:
    """Whether a resource is this patient, is about this patient, or is about nobody."""
    if resource.get("resourceType") == "Patient":
        return resource.get("id") == patient_id
    subject = resource.get("subject") or resource.get("patient")
    reference = subject.get("reference") if isinstance(subject, dict) else None
    return not isinstance(reference, str) or bare_id(reference) == patient_id


def _is_known(name: str) -> bool:
    return name in ("patient", "subject", "_sort", "_count") or name in _TOKENS or name in _DATES or name in _HARMLESS


def _fits(resource: Mapping[str, Any], name: str, value: str) -> bool:
    if name in ("patient", "subject"):
        subject = resource.get("subject") or resource.get("patient")
        return isinstance(subject, dict) and bare_id(str(subject.get("reference", ""))) == bare_id(value)
    if name in _TOKENS:
        return any(_has(resource, _TOKENS[name], wanted) for wanted in value.split(","))
    if name in _DATES:
        asked = _DATE.fullmatch(value)
        return asked is not None and _is_dated(date_of(resource)[: len(asked[2])], asked[1] or "eq", asked[2])
    return True


def _has(resource: Mapping[str, Any], member: str, wanted: str) -> bool:
    system, bar, code = wanted.rpartition("|")
    if member == "code" and str(resource.get("resourceType", "")).startswith("Medication"):
        member = "medicationCodeableConcept" if resource["resourceType"] != "Medication" else "code"
    values = as_list(resource.get(member))
    if member == "code":
        values += [part.get("code") for part in objects(resource.get("component"))]
    for value in values:
        if isinstance(value, str) and value == code:
            return True
        codings = objects(value.get("coding", value)) if isinstance(value, dict) else ()
        if any(c.get("code") == code and (not (bar and system) or c.get("system") == system) for c in codings):
            return True
    return False


def _is_dated(found: str, prefix: str, limit: str) -> bool:
    return bool(found) and {
        "eq": found == limit, "gt": found > limit, "ge": found >= limit, "lt": found < limit, "le": found <= limit
    }[prefix]  # fmt: skip
