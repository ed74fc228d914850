"""Every FHIR resource that Ionwise shows or sends, by a name that says where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from cds_service.fhir.value_sets import ValueSets
from cds_service.knowledge import vocabulary_systems as systems
from cds_service.knowledge.load import load_knowledge
from cds_service.knowledge.model import Knowledge
from cds_service.knowledge.sources import DEFAULT_CARDS
from cds_service.settings import Settings
from tests.fixtures.service import FIXTURES

Resource = tuple[str, bytes]

# Codes that are published elsewhere under a licence, or made up for a fixture's hospital: nobody can look them up here.
ELSEWHERE = (
    systems.LOINC, systems.SNOMED, systems.RXNORM, systems.ATC, systems.UNII, systems.ICD10, systems.ICD10CM,
    systems.ICPC,
    "https://zkh-duinzicht.example/fhir/CodeSystem/product", "https://zkh-duinzicht.example/fhir/CodeSystem/lab",
    "https://fhir.oracle.example/okapi-tenant/codeSet/72", "https://fhir.oracle.example/okapi-tenant/synonym",
    "urn:oid:2.16.840.1.113883.2.4.4.1", "urn:oid:2.16.840.1.113883.2.4.4.9", "urn:oid:2.16.840.1.113883.2.4.4.10",
    "urn:oid:1.2.840.114350.1.13.0.1.7.2.698288",
)  # fmt: skip

# Drafts that are recorded as clients send them although it is not valid FHIR.
AS_THEY_COME = {
    "hooks/order-select/epic_digoxin_with_low_electrolytes.json": "ids longer than 64 characters, with underscores",
    "hooks/order-sign/epic_digoxin_with_low_electrolytes.json": "ids longer than 64 characters",
    "hooks/order-select/sandbox_ciprofloxacin_with_antacid.json": "the shape of STU3",
}

# Requests whose resources are not R4 at all.
OF_STU3 = (
    "hooks/order-sign/cds_hooks_1_0_digoxin_with_low_electrolytes.json",
    "hooks/patient-view/cds_hooks_1_0_severe_hypomagnesaemia_on_a_ppi.json",
)

_READ = msgspec.json.Decoder(dict[str, msgspec.Raw])


def every_resource() -> Iterator[Resource]:
    """Fixture patients, recorded and sound requests, suggested orders, value sets."""
    yield from _patients()
    yield from _requests()
    yield from _suggestions()
    yield from _value_sets(load_knowledge(DEFAULT_CARDS, drafts=True))


def _patients() -> Iterator[Resource]:
    for path in sorted((FIXTURES / "patients").glob("*_*.json")):
        yield f"fhir_fixtures/patients/{path.name}", path.read_bytes()


def _requests() -> Iterator[Resource]:
    for path in (*sorted((FIXTURES / "hooks").glob("*/*.json")), FIXTURES / "broken" / "sound_request.json"):
        name = path.relative_to(FIXTURES).as_posix()
        if name in OF_STU3:
            continue
        request = _READ.decode(path.read_bytes())
        for key, answer in _READ.decode(request["prefetch"]).items():
            if bytes(answer) != b"null":  # which says that there is nothing
                yield f"fhir_fixtures/{name}/prefetch.{key}.json", bytes(answer)
        for number, draft in enumerate(_drafts(request["context"])) if name not in AS_THEY_COME else ():
            yield f"fhir_fixtures/{name}/draft {number}.json", bytes(draft)


def _drafts(context: msgspec.Raw) -> Iterator[msgspec.Raw]:
    """One by one, as their Bundle lacks every fullUrl: what is not stored yet has no address."""
    members = _READ.decode(context)
    for member in members.keys() & {"draftOrders", "medications"}:
        for entry in msgspec.json.decode(_READ.decode(members[member])["entry"], type=list[dict[str, msgspec.Raw]]):
            yield entry["resource"]


def _suggestions() -> Iterator[Resource]:
    seen: set[bytes] = set()
    for path in sorted(DEFAULT_CARDS.glob("*/expected.json")):
        found: dict[str, list[dict[str, Any]]] = msgspec.json.decode(path.read_bytes())["suggestions"]
        for label, actions in found.items():
            for number, action in enumerate(actions):
                body = msgspec.json.encode(action.get("resource"))
                if "resource" in action and body not in seen:
                    seen.add(body)
                    yield f"cards/{path.parent.name}/expected.json/{label.replace('/', ' ')} {number}.json", body


def _value_sets(knowledge: Knowledge) -> Iterator[Resource]:
    found = ValueSets(knowledge, Settings(sandbox=True).canonical_base)
    for one in found.ids:
        yield f"valuesets/{one}.json", msgspec.json.encode(found.resource(one))
