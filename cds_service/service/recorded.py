"""Recorded requests, patients as Bundles and bulk exports (NDJSON) as examples that can be decided again and again.

A recorded request is taken as it is. A patient's resources become a patient-view call with complete answers, and an
order-sign call when drafts are among them, as of a minute after the newest thing in the chart unless told otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from cds_service.errors import IonwiseError
from cds_service.facts.moments import parse_moment
from cds_service.fhir.call import Call, KeyAnswer
from cds_service.fhir.json_files import LINES, json_files, kind_of, read_values
from cds_service.fhir.read.references import bare_id
from cds_service.fhir.read.shapes import r4_name
from cds_service.knowledge.model import KeyPlanEntry
from cds_service.service.envelope import CONTEXTS, decode_envelope
from cds_service.service.gather import gather

PRODUCTS = frozenset({"Medication", "Substance"})
PRESCRIPTION = "MedicationRequest"
DRAFT = "draft"
_UTC = ZoneInfo("UTC")


class _Reference(msgspec.Struct):
    reference: str | None = None


class _Heading(msgspec.Struct, rename="camel"):
    """What places a resource: whose it is, what it is and when."""

    resource_type: str = ""
    id: str = ""
    status: str | None = None
    subject: _Reference | None = None
    patient: _Reference | None = None
    effective_date_time: str | None = None
    issued: str | None = None
    authored_on: str | None = None
    recorded_date: str | None = None
    performed_date_time: str | None = None


class _Entry(msgspec.Struct):
    resource: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class _File(msgspec.Struct):
    hook: str = ""
    entry: list[_Entry] = []


class Example(msgspec.Struct, frozen=True):
    """One thing to decide: its name (file, or patient and hook), and either the request as recorded or the resources.

    `as_of` is the moment of the decision; a request may carry its own.
    """

    name: str
    hook: str
    as_of: datetime
    request: bytes | None = None
    patient_id: str = ""
    resources: tuple[tuple[str, msgspec.Raw], ...] = ()
    drafts: tuple[msgspec.Raw, ...] = ()

    def call(self, plan: Sequence[KeyPlanEntry], absent_sources: frozenset[str] = frozenset()) -> Call:
        """The call under a key plan. Raises RequestError for a recorded request that would be refused."""
        keys = tuple(entry for entry in plan if self.hook in entry.hooks)
        if self.request is not None:
            envelope = decode_envelope(self.request, self.hook)
            return gather(envelope, keys, now=self.as_of, sandbox=True, absent_sources=absent_sources)
        waiting = list(self.resources)
        answers: dict[str, KeyAnswer] = {}
        for entry in keys:
            mine = tuple(raw for kind, raw in waiting if r4_name(kind) == entry.resource)
            waiting = [(kind, raw) for kind, raw in waiting if r4_name(kind) != entry.resource]
            products = tuple(raw for kind, raw in self.resources if kind in PRODUCTS)
            answers[entry.key] = KeyAnswer("complete", mine, products if entry.resource == PRESCRIPTION else ())
        return Call(self.hook, self.patient_id, self.as_of, answers, user_id="Practitioner/example", drafts=self.drafts)


def read_examples(source: Path, now: datetime, as_of: datetime | None = None) -> tuple[list[Example], int]:
    """All examples of a file or folder, and how many pieces could not be read.

    now: the moment of recorded requests that carry none. as_of: the moment of all patients. Raises IonwiseError when
    there is nothing.
    """
    examples: list[Example] = []
    loose: list[msgspec.Raw] = []
    unreadable = 0
    for path in json_files(source):
        try:
            texts = list(read_values(path))
        except OSError:
            unreadable += 1
            continue
        if kind_of(path) in LINES:
            loose += map(msgspec.Raw, texts)
            continue
        name = path.stem if source.is_file() else path.relative_to(source).with_suffix("").as_posix()
        for text in texts:
            found = _examples_of(name, text, now, as_of)
            unreadable += found is None
            examples += found or ()
    examples += _patients("", loose, as_of)
    if not examples:
        raise IonwiseError(f"{source.name}: holds no recorded requests, Bundles or NDJSON -> name a folder that does")
    return examples, unreadable


def _examples_of(name: str, content: bytes, now: datetime, as_of: datetime | None) -> list[Example] | None:
    """The examples of one JSON file: a hook request or a Bundle; None for something else."""
    try:
        file = msgspec.json.decode(content, type=_File)
    except (msgspec.DecodeError, RecursionError):
        return None
    if file.hook in CONTEXTS:
        return [Example(name, file.hook, now, request=content)]
    raws = [entry.resource for entry in file.entry if entry.resource is not msgspec.UNSET]
    return _patients(name, raws, as_of) or None


def _patients(name: str, raws: Sequence[msgspec.Raw], as_of: datetime | None) -> list[Example]:
    charts: dict[str, list[tuple[_Heading, msgspec.Raw]]] = {}
    products: list[tuple[str, msgspec.Raw]] = []
    for raw in raws:
        heading = _heading(raw)
        if heading is None:
            continue
        if heading.resource_type in PRODUCTS:
            products.append((heading.resource_type, raw))
        elif heading.resource_type == "Patient":
            charts.setdefault(heading.id, []).append((heading, raw))
        elif (owner := heading.subject or heading.patient) is not None and owner.reference:
            charts.setdefault(bare_id(owner.reference), []).append((heading, raw))
    found: list[Example] = []
    for patient_id, chart in charts.items():
        if any(heading.resource_type == "Patient" for heading, _ in chart):
            found += _calls(name or patient_id, patient_id, chart, products, as_of)
    return found


def _heading(raw: msgspec.Raw) -> _Heading | None:
    try:
        return msgspec.json.decode(raw, type=_Heading)
    except (msgspec.DecodeError, RecursionError):
        return None


def _calls(
    name: str,
    patient_id: str,
    chart: Sequence[tuple[_Heading, msgspec.Raw]],
    products: Sequence[tuple[str, msgspec.Raw]],
    as_of: datetime | None,
) -> Iterator[Example]:
    drafts = tuple(
        raw for heading, raw in chart if r4_name(heading.resource_type) == PRESCRIPTION and heading.status == DRAFT
    )
    held = tuple((heading.resource_type, raw) for heading, raw in chart if raw not in drafts)
    at = as_of or max((_newest(heading) for heading, _ in chart)) + timedelta(minutes=1)
    resources = (*held, *products)
    yield Example(f"{name} patient-view", "patient-view", at, None, patient_id, resources)
    if drafts:
        yield Example(f"{name} order-sign", "order-sign", at, None, patient_id, resources, drafts)


def _newest(heading: _Heading) -> datetime:
    texts = (heading.effective_date_time, heading.issued, heading.authored_on, heading.recorded_date,
             heading.performed_date_time)  # fmt: skip
    moments = [moment for text in texts if (moment := parse_moment(text, _UTC)) is not None]
    return max((moment.latest for moment in moments), default=datetime(1900, 1, 1, tzinfo=UTC))
