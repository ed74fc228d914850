"""Patients told in concepts and canonical units, and the charts that a site of one overlay would hold of them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

import msgspec

from cds_service.facts.units import Converted, convert
from cds_service.fhir.call import Call, KeyAnswer
from cds_service.knowledge.file_model import read_model
from cds_service.knowledge.model import Knowledge
from cds_service.knowledge.overlay.file import OverlayFile
from cds_service.knowledge.yaml_strict import load_yaml
from cds_service.service.situation_time import AS_OF, at, years_before
from tests.architecture.tree import ROOT

OVERLAYS = ROOT / "deploy" / "overlays"
ME = {"reference": "Patient/p"}
_WRITE = msgspec.json.Encoder(decimal_format="number")


class Told(msgspec.Struct, frozen=True):
    """A patient: results (concept, canonical value, when), drugs and drafts (ingredient, since), problems (groups)."""

    age: int
    labs: tuple[tuple[str, str, str], ...] = ()
    drugs: tuple[tuple[str, str], ...] = ()
    drafts: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    hook: str = "patient-view"


class SiteChart:
    """Writes charts in the codes and units of one overlay file."""

    def __init__(self, name: str, knowledge: Knowledge) -> None:
        entry, findings = read_model(load_yaml(OVERLAYS / f"{name}.yaml"), OverlayFile)
        assert entry is not None, findings
        self.entry = entry
        self.knowledge = knowledge

    def call(self, told: Told, *, units: bool = True) -> Call:
        """The hook call; without `units` the results carry bare numbers, as some laboratories send them."""
        found: dict[str, list[dict[str, Any]]] = {
            "Patient": [{"resourceType": "Patient", "id": "p", "gender": "female",
                         "birthDate": years_before(AS_OF, told.age).isoformat()}],
            "Observation": [self._lab(*lab, n, units=units) for n, lab in enumerate(told.labs)],
            "MedicationRequest": [self._drug(name, since, f"drug-{n}") for n, (name, since) in enumerate(told.drugs)],
            "Condition": [self._problem(name, n) for n, name in enumerate(told.problems)],
        }  # fmt: skip
        drafts = [self._drug(name, "-0d", f"draft-{n}") | {"status": "draft"} for n, name in enumerate(told.drafts)]
        answers = {}
        for key in self.knowledge.key_plan:
            if told.hook in key.hooks:
                resources = found.pop(key.resource, [])
                answers[key.key] = KeyAnswer("complete", tuple(msgspec.Raw(_WRITE.encode(r)) for r in resources))
        return Call(told.hook, "p", AS_OF, answers, drafts=tuple(msgspec.Raw(_WRITE.encode(d)) for d in drafts))

    def _lab(self, concept: str, value: str, when: str, number: int, *, units: bool) -> dict[str, Any]:
        code = next(one for one in self.entry.lab_codes if one.concept == concept)
        assert code.unit is not None
        quantity: dict[str, Any] = {"value": self._in(code.unit, concept, Decimal(value))}
        return {
            "resourceType": "Observation", "id": f"lab-{number}", "status": "final", "subject": ME,
            "code": {"coding": [{"system": code.system, "code": code.code}]},
            "effectiveDateTime": at(AS_OF, when).isoformat(),
            "valueQuantity": quantity | ({"unit": code.unit} if units else {}),
        }  # fmt: skip

    def _in(self, unit: str, concept: str, value: Decimal) -> Decimal:
        """A canonical value as this laboratory prints it, to three figures after the point."""
        known = self.knowledge.vocabulary.concepts[concept]
        if unit == known.unit:
            return value
        thousand = convert(Decimal(1000), unit, known)
        assert isinstance(thousand, Converted)
        exact = Fraction(value) * 1000 / Fraction(thousand.value)
        return (Decimal(exact.numerator) / exact.denominator).quantize(Decimal("0.01"), ROUND_HALF_UP)

    def _drug(self, ingredient: str, since: str, name: str) -> dict[str, Any]:
        code = next(one for one in self.entry.drug_codes if one.ingredients == (ingredient,))
        return {
            "resourceType": "MedicationRequest", "id": name, "status": "active", "intent": "order", "subject": ME,
            "medicationCodeableConcept": {"coding": [{"system": code.system, "code": code.code}], "text": "A product"},
            "authoredOn": at(AS_OF, since).isoformat(),
        }  # fmt: skip

    def _problem(self, group: str, number: int) -> dict[str, Any]:
        added: Mapping[str, Any] = self.entry.value_sets.conditions
        code = added[group].codes[0]
        status = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]}
        return {
            "resourceType": "Condition", "id": f"problem-{number}", "subject": ME, "clinicalStatus": status,
            "code": {"coding": [{"system": code.system, "code": code.code}]},
            "onsetDateTime": at(AS_OF, "-1h").isoformat(),
        }  # fmt: skip
