"""Observations, conditions, procedures and laboratory orders of a case, as FHIR R4."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from typing import Any

from cds_service.facts.vocabulary import UNASKED, Concept, Vocabulary
from cds_service.knowledge.case_file import LabEntry, ProblemEntry
from cds_service.knowledge.vocabulary_systems import LOINC, SNOMED, UCUM
from cds_service.service.situation_time import at, split_offset

HL7 = "http://terminology.hl7.org/CodeSystem/"
ANY_LAB_KEY = "labsRare"
MASS_UNIT = re.compile(r"^[mnpu]?g/", re.IGNORECASE)
_VALUE = re.compile(r"(<=|>=|<|>)?(-?[0-9]+(?:\.[0-9]+)?)\Z")


class FactWriter:
    """Writes the resources of one patient."""

    def __init__(self, vocabulary: Vocabulary, patient_id: str, encounter_id: str, as_of: datetime) -> None:
        self.vocabulary = vocabulary
        self.subject = {"reference": f"Patient/{patient_id}"}
        self.encounter = {"reference": f"Encounter/{encounter_id}"}
        self.as_of = as_of

    def observation(self, lab: LabEntry, index: int) -> tuple[str, dict[str, Any]]:
        """The prefetch key that delivers it, and the Observation. Raises ValueError for an unknown concept."""
        words, offset = split_offset(lab.what)
        concept_id, _, rest = words.partition(" ")
        concept = self.vocabulary.concepts.get(concept_id)
        if concept is None:
            near = get_close_matches(concept_id, list(self.vocabulary.concepts), n=3, cutoff=0.4)
            raise ValueError(f"lab {lab.what!r}: unknown concept; did you mean {' or '.join(near) or 'another'}?")
        if offset is None or not rest:
            raise ValueError(f"lab {lab.what!r}: write <concept> <value> <unit> <offset>")
        value, _, unit = rest.partition(" ")
        resource: dict[str, Any] = {
            "resourceType": "Observation",
            "id": f"lab-{index + 1}",
            "status": lab.status,
            "category": [{"coding": [{"system": HL7 + "observation-category", "code": "laboratory"}]}],
            "code": {"coding": [self._lab_coding(concept, lab.code, unit)]},
            "subject": self.subject,
            "effectiveDateTime": at(self.as_of, offset).isoformat(),
            **self._measured(concept, value, unit),
        }
        if lab.issued is not None:
            resource["issued"] = at(self.as_of, lab.issued).isoformat()
        if lab.note is not None:
            resource["note"] = [{"text": lab.note}]
        if lab.range is not None:
            resource["referenceRange"] = [_range(lab.range, unit)]
        if lab.interpretation is not None:
            coding = {"system": HL7 + "v3-ObservationInterpretation", "code": lab.interpretation}
            resource["interpretation"] = [{"coding": [coding]}]
        if lab.specimen is not None:
            resource["specimen"] = {"reference": f"Specimen/{lab.specimen}"}
        return ANY_LAB_KEY if concept.key == UNASKED else concept.key, resource

    def _measured(self, concept: Concept, value: str, unit: str) -> dict[str, Any]:
        if split_offset(value) == ("", value):
            return {"valueDateTime": at(self.as_of, value).date().isoformat()}
        match = _VALUE.match(value)
        if match is None or (not unit and concept.coded_values):
            return {"valueCodeableConcept": _coded(concept, value)}
        quantity: dict[str, Any] = {"value": Decimal(match[2])}
        if unit and unit != "-":
            quantity |= {"unit": unit, "system": UCUM, "code": unit}
        if match[1]:
            quantity["comparator"] = match[1]
        return {"valueQuantity": quantity}

    def _lab_coding(self, concept: Concept, code: str | None, unit: str) -> dict[str, str]:
        codes = [key for key, known in self.vocabulary.measurement_codes.items() if known.id == concept.id]
        if code is not None:
            system = next((key[0] for key in codes if key[1] == code), LOINC)
            return {"system": system, "code": code}
        wanted = "mass" if MASS_UNIT.match(unit) else "molar"
        fitting = [key for key in codes if concept.properties.get(key[1], wanted) == wanted] or codes
        return {"system": fitting[0][0], "code": fitting[0][1]}

    def condition(self, problem: ProblemEntry, index: int) -> dict[str, Any]:
        """A Condition; onset is the offset."""
        words, offset = split_offset(problem.what)
        resource: dict[str, Any] = {
            "resourceType": "Condition",
            "id": f"condition-{index + 1}",
            "clinicalStatus": _status("condition-clinical", problem.status or "active"),
            "verificationStatus": _status("condition-ver-status", problem.verification or "confirmed"),
            "code": self._problem_code(words, problem.code),
            "subject": self.subject,
        }
        if offset is not None:
            resource["onsetDateTime"] = at(self.as_of, offset).isoformat()
        if problem.end is not None:
            resource["abatementDateTime"] = at(self.as_of, problem.end).isoformat()
        if problem.encounter:
            resource["encounter"] = self.encounter
        return resource

    def pregnancy(self) -> dict[str, Any]:
        """An active pregnancy of 20 weeks."""
        entry = ProblemEntry.model_validate({"is": "pregnancy -140d"})
        return self.condition(entry, 0) | {"id": "condition-pregnancy"}

    def procedure(self, problem: ProblemEntry, index: int) -> dict[str, Any]:
        """A Procedure; performed at the offset."""
        words, offset = split_offset(problem.what)
        resource: dict[str, Any] = {
            "resourceType": "Procedure",
            "id": f"procedure-{index + 1}",
            "status": problem.status or "completed",
            "code": self._problem_code(words, problem.code),
            "subject": self.subject,
        }
        if offset is not None:
            resource["performedDateTime"] = at(self.as_of, offset).isoformat()
        return resource

    def _problem_code(self, words: str, code: str | None) -> dict[str, Any]:
        """Coded when `words` is a group of the value sets, otherwise text as typed in a problem list."""
        if code is not None:
            system = next((s for s, known in self.vocabulary.condition_codes if known == code), SNOMED)
            return {"coding": [{"system": system, "code": code}], "text": words}
        codes = [key for key, groups in self.vocabulary.condition_codes.items() if words in groups]
        codes.sort(key=lambda key: key[0] != SNOMED)
        if codes:
            return {"coding": [{"system": codes[0][0], "code": codes[0][1]}]}
        for system, prefixes in self.vocabulary.condition_prefixes.items():
            for prefix, groups in prefixes:
                if words in groups:
                    return {"coding": [{"system": system, "code": prefix}]}
        term = next((term for term, group in self.vocabulary.condition_terms if group == words), words)
        return {"text": term}

    def lab_order(self, text: str, index: int) -> dict[str, Any]:
        """An active ServiceRequest for a concept, authored at the offset."""
        concept, offset = split_offset(text)
        codes = [key for key, known in self.vocabulary.order_codes.items() if known == concept]
        codes += [key for key, known in self.vocabulary.measurement_codes.items() if known.id == concept]
        if not codes or offset is None:
            raise ValueError(f"ordered {text!r}: write <concept> <offset>, with a concept that can be ordered")
        return {
            "resourceType": "ServiceRequest",
            "id": f"order-{index + 1}",
            "status": "active",
            "intent": "order",
            "code": {"coding": [{"system": codes[0][0], "code": codes[0][1]}]},
            "subject": self.subject,
            "authoredOn": at(self.as_of, offset).isoformat(),
        }


def _coded(concept: Concept, value: str) -> dict[str, Any]:
    try:
        number = Decimal(value)
    except InvalidOperation:
        number = None
    for (system, code), meaning in concept.coded_values.items():
        if value == code or (number is not None and meaning == number):
            return {"coding": [{"system": system, "code": code}]}
    return {"text": value}


def _status(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": HL7 + system, "code": code}]}


def _range(bounds: tuple[Decimal | None, Decimal | None], unit: str) -> dict[str, Any]:
    ends = zip(("low", "high"), bounds, strict=True)
    return {
        name: {"value": bound, "unit": unit, "system": UCUM, "code": unit} for name, bound in ends if bound is not None
    }
