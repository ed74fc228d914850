"""What a FHIR server can give a service of ours: every key's query run as published, over a few patients."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

import msgspec

from cds_service.ehr.probe_findings import KeyReport, Probe, Server, is_filtered, is_sorted
from cds_service.ehr.records import is_refusal, matches, next_page, objects
from cds_service.ehr.server_records import ServerRecords
from cds_service.ehr.templates import resolve_template
from cds_service.ehr.wire import WRITE
from cds_service.errors import EhrError
from cds_service.facts.snapshot import Snapshot
from cds_service.fhir.call import Call
from cds_service.fhir.prefetch import read_prefetch
from cds_service.fhir.read.chart import read_chart
from cds_service.knowledge.model import KeyPlanEntry, Knowledge

READ_VERSIONS = {"3.0": "STU3", "4.0": "R4", "4.3": "R4B", "5.0": "R5"}
_DSTU2 = ("0.", "1.")
_COUNT = re.compile(r"_count=\d+")


class Prober:
    """Probes one server with one knowledge's key plan."""

    def __init__(
        self,
        records: ServerRecords,
        knowledge: Knowledge,
        now: datetime,
        zone: ZoneInfo,
        *,
        admit_unknown_status: bool = False,
    ) -> None:
        """now, zone, admit_unknown_status: as the service would read the chart."""
        self._admit = admit_unknown_status
        self._records = records
        self._knowledge = knowledge
        self._now = now
        self._zone = zone

    def run(self, plan: Sequence[KeyPlanEntry], wanted: int, patients: Sequence[str] = ()) -> Probe:
        """Look at these patients, or at the first `wanted` ones that the server lists.

        Raises EhrError when it is no FHIR server, speaks DSTU2, or shows no patient.
        """
        server = self.describe()
        ids = list(patients) or self._list_patients(wanted)
        probe = Probe(server, len(ids), [], Counter(), Counter(), [])
        contexts = [self._context(patient_id, plan) for patient_id in ids]
        for entry in plan:
            report = KeyReport(entry, undeclared=tuple(_undeclared(entry, server)))
            probe.keys.append(report)
            largest: tuple[int, str] = (0, "")
            for context in contexts:
                query = resolve_template(entry.query, context, self._now.date())
                if query is None:
                    continue
                number = self._ask(report, query, context["patientId"], probe)
                largest = max(largest, (number, query))
            if "?" in entry.query and largest[1]:
                self._try_pages(report, largest[1], largest[0])
                self._try_post(report, largest[1], largest[0])
        return probe

    def describe(self) -> Server:
        """What /metadata says. Raises EhrError for no FHIR server and for DSTU2."""
        reply = self._records.reply("metadata", "metadata")
        body = reply.body if isinstance(reply.body, dict) else {}
        kind = body.get("resourceType")
        if reply.status != 200 or kind not in ("CapabilityStatement", "Conformance"):
            raise EhrError(
                f"metadata: answered {reply.status}, no CapabilityStatement -> give the base address of a FHIR server,"
                " with a token if it wants one even for this"
            )
        version = str(body.get("fhirVersion", ""))
        if kind == "Conformance" or version.startswith(_DSTU2):
            raise EhrError(
                f"metadata: the server speaks DSTU2 ({version or 'no version'}), not read here -> use its R4 address"
            )
        resources: dict[str, frozenset[str]] = {}
        for rest in objects(body.get("rest")):
            for one in objects(rest.get("resource")):
                named = (parameter.get("name") for parameter in objects(one.get("searchParam")))
                resources[str(one.get("type"))] = frozenset(str(name) for name in named)
        software = " ".join(
            str(one[part]) for one in objects(body.get("software")) for part in ("name", "version") if one.get(part)
        )
        release = READ_VERSIONS.get(version[:3], "unknown")
        return Server(version, release, software or "not named", resources)

    def _list_patients(self, wanted: int) -> list[str]:
        answer = self._records.ask(f"Patient?_count={wanted}", "patients")
        if is_refusal(answer):
            raise EhrError("patients: the server lists none without more being said -> name some with --patient")
        ids = [str(found["id"]) for found in matches(answer) if found.get("id")][:wanted]
        if not ids:
            raise EhrError("patients: the server has none to show -> load some, or name them with --patient")
        return ids

    def _context(self, patient_id: str, plan: Iterable[KeyPlanEntry]) -> dict[str, str]:
        context = {"patientId": patient_id, "userId": "Practitioner/example"}
        if any("{{context.encounterId}}" in entry.query for entry in plan):
            found = matches(self._records.ask(f"Encounter?patient={patient_id}&_count=1", "encounters"))
            if found and found[0].get("id"):
                context["encounterId"] = str(found[0]["id"])
        return context

    def _ask(self, report: KeyReport, query: str, patient_id: str, probe: Probe) -> int:
        """One patient's answer under one key, into the report; how many matches it had."""
        answer = self._records.ask(query, f"key {report.entry.key}")
        report.asked += 1
        if is_refusal(answer) and answer is not None:
            issue = (objects(answer.get("issue")) or [{}])[0]
            report.refusals += 1
            report.refused = report.refused or str(issue.get("diagnostics") or issue.get("code") or "no reason")[:160]
            return 0
        found = matches(answer) if "?" in query else objects(answer)
        report.found += len(found)
        probe.answers.append(answer)
        asked = {name: values[0] for name, values in parse_qs(query.partition("?")[2]).items()}
        report.filtered = _both(report.filtered, is_filtered(found, asked, patient_id) if asked and found else None)
        report.sorted = _both(report.sorted, is_sorted(found) if asked.get("_sort") == "-date" else None)
        if asked.get("_count", "").isdigit() and found:
            report.counted = _both(report.counted, len(found) <= int(asked["_count"]))
        snapshot = self._read(report.entry, answer, patient_id)
        report.understood += len(understood(snapshot, report.entry.resource))
        report.set_aside += len(snapshot.quarantine)
        report.reasons.update(one.reason for results in snapshot.unusable.values() for one in results)
        report.reasons.update(one.reason for one in snapshot.quarantine)
        report.reasons.update(f"drug not identified by {drug.system}" for drug in snapshot.unmapped)
        for resource in found:
            _count_codes(resource, probe)
        return len(found)

    def _read(self, entry: KeyPlanEntry, answer: Any, patient_id: str) -> Snapshot:
        raw = {entry.key: msgspec.Raw(WRITE(answer))}
        call = Call("patient-view", patient_id, self._now, read_prefetch(raw, (entry,)))
        knowledge = self._knowledge
        return read_chart(
            call, knowledge.vocabulary, knowledge.concept_keys, self._zone, admit_unknown_status=self._admit
        )

    def _try_pages(self, report: KeyReport, query: str, number: int) -> None:
        """Ask for one of the patient's entries: is that honoured, and does a next link lead to another one?"""
        if number < 2 or "_count=" not in query:
            return
        step = f"pages {report.entry.key}"
        first = self._records.ask(_COUNT.sub("_count=1", query), step)
        found, link = matches(first), next_page(first)
        report.counted = _both(report.counted, len(found) == 1)
        if len(found) == 1:
            second = matches(self._records.follow(link, step)) if link else []
            report.paged = bool(second) and second[0].get("id") != found[0].get("id")

    def _try_post(self, report: KeyReport, query: str, number: int) -> None:
        reply = self._records.search_by_post(query, f"_search {report.entry.key}")
        same = reply.body if isinstance(reply.body, dict) else None
        report.posted = reply.status == 200 and not is_refusal(same) and len(matches(same)) == number


def understood(snapshot: Snapshot, resource: str) -> set[str]:
    """The references of the entries of one type that became a fact."""
    if resource == "Patient":
        return {"Patient"} if snapshot.person.birth is not None or snapshot.person.sex is not None else set()
    if resource == "Encounter":
        return set() if snapshot.stay is None else {"Encounter"}
    lists: Iterable[Iterable[Any]] = (
        *snapshot.results.values(),
        *snapshot.problems.values(),
        *snapshot.procedures.values(),
        *snapshot.orders.values(),
    )
    found = {fact.ref for facts in lists for fact in facts}
    unmapped = {drug.ref for drug in snapshot.unmapped}
    return found | {ref for drug in snapshot.drug_list for ref in (drug.refs or (drug.ref,)) if ref not in unmapped}


def _undeclared(entry: KeyPlanEntry, server: Server) -> Iterator[str]:
    """What a key needs and the server does not declare; servers often support more than they say."""
    if entry.resource not in server.resources:
        yield entry.resource
        return
    names = [pair.partition("=")[0] for pair in entry.query.partition("?")[2].split("&") if pair]
    declared = server.resources[entry.resource]
    yield from (name for name in names if not name.startswith("_") and name not in declared)


def _both(before: bool | None, now: bool | None) -> bool | None:
    return before if now is None else now if before is None else before and now


def _count_codes(resource: Mapping[str, Any], probe: Probe) -> None:
    kind = str(resource.get("resourceType", ""))
    concept = resource.get("code") or resource.get("medicationCodeableConcept")
    if isinstance(concept, dict):
        systems = [str(coding.get("system") or "no system") for coding in objects(concept.get("coding"))]
        probe.systems.update((kind, system) for system in systems or ["text only"])
    elif "medicationReference" in resource:
        probe.systems[kind, "a reference to a Medication"] += 1
    quantity = resource.get("valueQuantity")
    if isinstance(quantity, dict) and "value" in quantity:
        probe.units[str(quantity.get("code") or quantity.get("unit") or "no unit")] += 1
