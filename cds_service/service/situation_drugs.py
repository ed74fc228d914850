"""Prescriptions, statements and draft orders of a case, as FHIR R4."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from typing import Any

from cds_service.facts.vocabulary import Vocabulary, normal_name
from cds_service.knowledge.case_file import DrugEntry
from cds_service.knowledge.vocabulary_systems import ATC, UCUM
from cds_service.service.situation_time import at, split_offset

TABLET = {"value": Decimal(1), "unit": "tablet", "system": UCUM, "code": "{tablet}"}
PAST = frozenset({"completed", "stopped"})
_DOSE = re.compile(r"([0-9]+(?:\.[0-9]+)?) (\S+)( elemental)?(?: ([0-9]+)/(d|wk))?\Z")


class DrugWriter:
    """Writes the drug resources of one patient."""

    def __init__(self, vocabulary: Vocabulary, patient_id: str, as_of: datetime) -> None:
        self.vocabulary = vocabulary
        self.subject = {"reference": f"Patient/{patient_id}"}
        self.as_of = as_of

    def taken(self, drug: DrugEntry, index: int) -> tuple[str, dict[str, Any]]:
        """The prefetch key that delivers it, and the MedicationRequest or MedicationStatement."""
        if drug.as_ == "statement":
            return "medicationStatements", self._statement(drug, index)
        return "medicationsPast" if drug.status in PAST else "medications", self._request(drug, f"drug-{index + 1}")

    def draft(self, drug: DrugEntry, index: int) -> dict[str, Any]:
        """A draft MedicationRequest of the ordering session, or a ServiceRequest for a procedure, by its name only."""
        if drug.as_ == "procedure":
            return {
                "resourceType": "ServiceRequest",
                "id": f"draft-{index + 1}",
                "status": "draft",
                "intent": "order",
                "code": {"text": drug.what},
                "subject": self.subject,
            }
        return self._request(drug, f"draft-{index + 1}") | {"status": "draft"}

    def _request(self, drug: DrugEntry, name: str) -> dict[str, Any]:
        words, offset = split_offset(drug.what)
        resource: dict[str, Any] = {
            "resourceType": "MedicationRequest",
            "id": name,
            "status": drug.status,
            "intent": "order",
            **self._medication(words, drug),
            "subject": self.subject,
        }
        if drug.otc:
            resource |= {"intent": "plan", "reportedBoolean": True}  # as US Core writes what a patient bought
        if offset is not None:
            resource["authoredOn"] = at(self.as_of, offset).isoformat()
        if drug.reason is not None:
            resource["reasonCode"] = [{"text": drug.reason}]
        dosage = self._dosage(drug, bounds=True)
        if dosage:
            resource["dosageInstruction"] = [dosage]
        return resource

    def _statement(self, drug: DrugEntry, index: int) -> dict[str, Any]:
        words, offset = split_offset(drug.what)
        resource: dict[str, Any] = {
            "resourceType": "MedicationStatement",
            "id": f"statement-{index + 1}",
            "status": drug.status,
            **self._medication(words, drug),
            "subject": self.subject,
        }
        if drug.otc:
            resource["informationSource"] = self.subject
        period = {name: at(self.as_of, moment).isoformat() for name, moment in (("start", offset), ("end", drug.end))
                  if moment is not None}  # fmt: skip
        if period:
            resource["effectivePeriod"] = period
        if drug.reason is not None:
            resource["reasonCode"] = [{"text": drug.reason}]
        dosage = self._dosage(drug, bounds=False)
        if dosage:
            resource["dosage"] = [dosage]
        return resource

    def _medication(self, words: str, drug: DrugEntry) -> dict[str, Any]:
        """medication[x]: a contained product when the dose says `elemental`, else the concept itself."""
        concept = self._concept(words, drug)
        match = _DOSE.match(drug.dose or "")
        if match is None or match[3] is None:
            return {"medicationCodeableConcept": concept}
        content = {"value": Decimal(match[1]), "unit": match[2], "system": UCUM, "code": match[2]}
        ingredient = {
            "itemCodeableConcept": {"text": f"{words} (elemental)"},
            "strength": {"numerator": content, "denominator": TABLET},
        }
        product = {"resourceType": "Medication", "id": "product", "code": concept, "ingredient": [ingredient]}
        return {"contained": [product], "medicationReference": {"reference": "#product"}}

    def _concept(self, words: str, drug: DrugEntry) -> dict[str, Any]:
        """Coded with the drug's ATC code when it has one; its name, or `name`, as text."""
        text = drug.name or words
        if drug.code is not None:
            return {"coding": [{"system": ATC, "code": drug.code}], "text": text}
        ingredient = self.vocabulary.drug_names.get(normal_name(words), words)
        known = self.vocabulary.drugs.get(ingredient)
        if known is None:
            return {"text": text}
        code = next((c for (s, c), i in self.vocabulary.drug_codes.items() if s == ATC and i == ingredient), None)
        named = {"text": drug.name or known.label["nl"]}
        return named if code is None else {"coding": [{"system": ATC, "code": code}], **named}

    def _dosage(self, drug: DrugEntry, *, bounds: bool) -> dict[str, Any]:
        dosage: dict[str, Any] = {}
        repeat: dict[str, Any] = {}
        if drug.dose is not None:
            match = _DOSE.match(drug.dose)
            if match is None:
                raise ValueError(f"dose {drug.dose!r}: write it as in 500 mg 2/d or 100 mg elemental 1/d")
            quantity = {"value": Decimal(match[1]), "unit": match[2], "system": UCUM, "code": match[2]}
            dosage["doseAndRate"] = [{"doseQuantity": TABLET if match[3] else quantity}]
            if match[4]:
                repeat |= {"frequency": int(match[4]), "period": 1, "periodUnit": match[5]}
        if drug.times:
            repeat["timeOfDay"] = [f"{time}:00" for time in drug.times]
        if drug.when:
            repeat["when"] = list(drug.when)
        if bounds and drug.end is not None:
            repeat["boundsPeriod"] = {"end": at(self.as_of, drug.end).isoformat()}
        if repeat:
            dosage["timing"] = {"repeat": repeat}
        if drug.prn:
            dosage["asNeededBoolean"] = True
        if drug.route is not None:
            dosage["route"] = self._route(drug.route)
        return dosage

    def _route(self, route: str) -> dict[str, Any]:
        code = next((key for key, known in self.vocabulary.routes.items() if known == route), None)
        if code is None:
            return {"text": route}
        return {"coding": [{"system": code[0], "code": code[1]}], "text": route}
