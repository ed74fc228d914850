"""What stays of a request that is kept as a fixture: codes, values, units, statuses and times relative to each other.

Everything that is not named here is left out: names, addresses, identifiers, texts, displays, notes, narrative,
attachments, extensions of others. A table names the members of an object; a word names what a value must look like
(see `deidentify`). A list is held to the same as its members.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Allowed = dict[str, Any]

CODING: Allowed = {"system": "system", "code": "code", "userSelected": "yes or no"}
CONCEPT: Allowed = {"coding": CODING}
QUANTITY: Allowed = {"value": "number", "comparator": "result", "unit": "unit", "system": "system", "code": "unit"}
RANGE: Allowed = {"low": QUANTITY, "high": QUANTITY}
RATIO: Allowed = {"numerator": QUANTITY, "denominator": QUANTITY}
PERIOD: Allowed = {"start": "date", "end": "date"}
REFERENCE: Allowed = {"reference": "reference", "type": "code"}
EXTENSION: Allowed = {
    "url": "definition",
    "valueCode": "code",
    "valueBoolean": "yes or no",
    "valueCoding": CODING,
    "valueCodeableConcept": CONCEPT,
    "valueDateTime": "date",
    "valuePeriod": PERIOD,
    "valueDuration": QUANTITY,
    "valueQuantity": QUANTITY,
    "extension": "extension",
}
VALUE: Allowed = {
    "valueQuantity": QUANTITY,
    "valueCodeableConcept": CONCEPT,
    "valueString": "result",
    "valueBoolean": "yes or no",
    "valueInteger": "number",
    "valueRange": RANGE,
    "valueRatio": RATIO,
    "valueTime": "time",
    "valueDateTime": "date",
    "valuePeriod": PERIOD,
    "code": CONCEPT,
    "dataAbsentReason": CONCEPT,
    "interpretation": CONCEPT,
    "referenceRange": RANGE | {"type": CONCEPT, "appliesTo": CONCEPT, "age": RANGE, "modifierExtension": "modifier"},
    "modifierExtension": "modifier",
}
REPEAT: Allowed = {
    "boundsPeriod": PERIOD, "boundsDuration": QUANTITY, "boundsRange": RANGE, "count": "number", "countMax": "number",
    "duration": "number", "durationMax": "number", "durationUnit": "unit", "frequency": "number",
    "frequencyMax": "number", "period": "number", "periodMax": "number", "periodUnit": "unit", "dayOfWeek": "word",
    "timeOfDay": "time", "when": "code", "offset": "number",
}  # fmt: skip
DOSE: Allowed = {
    "doseQuantity": QUANTITY, "doseRange": RANGE, "rateQuantity": QUANTITY, "rateRange": RANGE, "rateRatio": RATIO,
    "type": CONCEPT,
}  # fmt: skip
DOSAGE: Allowed = DOSE | {
    "sequence": "number",
    "additionalInstruction": CONCEPT,
    "timing": {"event": "date", "repeat": REPEAT, "code": CONCEPT, "modifierExtension": "modifier"},
    "asNeededBoolean": "yes or no",
    "asNeededCodeableConcept": CONCEPT,
    "site": CONCEPT,
    "route": CONCEPT,
    "method": CONCEPT,
    "doseAndRate": DOSE,
    "maxDosePerPeriod": RATIO,
    "modifierExtension": "modifier",
}
RESOURCE: Allowed = {
    "resourceType": "code",
    "id": "id",
    "meta": {"lastUpdated": "date"},
    "implicitRules": "address",
    "modifierExtension": "modifier",
    "contained": "resource",
}
RECORD: Allowed = RESOURCE | {
    "status": "word",
    "code": CONCEPT,
    "category": CONCEPT,
    "subject": REFERENCE,
    "patient": REFERENCE,
    "encounter": REFERENCE,
    "context": REFERENCE,
    "extension": "extension",
    "reasonCode": CONCEPT,
    "reasonReference": REFERENCE,
    "priority": "word",
}
USE: Allowed = RECORD | {
    "intent": "word",
    "doNotPerform": "yes or no",
    "reportedBoolean": "yes or no",
    "medicationCodeableConcept": CONCEPT,
    "medicationReference": REFERENCE,
    "authoredOn": "date",
    "dateWritten": "date",
    "effectiveDateTime": "date",
    "effectivePeriod": PERIOD,
    "dateAsserted": "date",
    "whenPrepared": "date",
    "whenHandedOver": "date",
    "taken": "word",
    "wasNotTaken": "yes or no",
    "adherence": {"code": CONCEPT},
    "statusReason": CONCEPT,
    "quantity": QUANTITY,
    "daysSupply": QUANTITY,
    "dosageInstruction": DOSAGE,
    "dosage": DOSAGE,
    "dispenseRequest": {
        "validityPeriod": PERIOD,
        "numberOfRepeatsAllowed": "number",
        "quantity": QUANTITY,
        "expectedSupplyDuration": QUANTITY,
        "modifierExtension": "modifier",
    },
}
ORDER: Allowed = RECORD | {
    "intent": "word",
    "doNotPerform": "yes or no",
    "occurrenceDateTime": "date",
    "occurrencePeriod": PERIOD,
    "occurrenceTiming": {"event": "date", "repeat": REPEAT, "code": CONCEPT},
    "authoredOn": "date",
    "dateTime": "date",
}
PRODUCT: Allowed = RECORD | {
    "form": CONCEPT,
    "amount": RATIO,
    "ingredient": {
        "itemCodeableConcept": CONCEPT,
        "itemReference": REFERENCE,
        "isActive": "yes or no",
        "strength": RATIO,
        "modifierExtension": "modifier",
    },
}
RESOURCES: Mapping[str, Allowed] = {
    "Patient": RESOURCE
    | {
        "active": "yes or no",
        "gender": "word",
        "birthDate": "date",
        "deceasedBoolean": "yes or no",
        "deceasedDateTime": "date",
        "link": {"other": REFERENCE, "type": "word"},
    },
    "Encounter": RECORD
    | {
        "class": CODING,
        "type": CONCEPT,
        "serviceType": CONCEPT,
        "period": PERIOD,
        "location": {"status": "word", "period": PERIOD, "modifierExtension": "modifier"},
    },
    "Observation": RECORD
    | VALUE
    | {
        "effectiveDateTime": "date",
        "effectiveInstant": "date",
        "effectivePeriod": PERIOD,
        "issued": "date",
        "bodySite": CONCEPT,
        "method": CONCEPT,
        "specimen": REFERENCE,
        "hasMember": REFERENCE,
        "derivedFrom": REFERENCE,
        "component": VALUE,
    },
    "Specimen": RECORD | {"type": CONCEPT, "condition": CONCEPT, "collection": {"collectedDateTime": "date"}},
    "Medication": PRODUCT,
    "Substance": PRODUCT,
    **dict.fromkeys(("MedicationRequest", "MedicationOrder", "MedicationStatement", "MedicationDispense"), USE),
    **dict.fromkeys(("ServiceRequest", "ProcedureRequest", "DiagnosticOrder", "NutritionOrder"), ORDER),
    "Condition": RECORD
    | {
        "clinicalStatus": CONCEPT,
        "verificationStatus": CONCEPT,
        "severity": CONCEPT,
        "bodySite": CONCEPT,
        "onsetDateTime": "date",
        "onsetPeriod": PERIOD,
        "onsetAge": QUANTITY,
        "abatementDateTime": "date",
        "abatementPeriod": PERIOD,
        "abatementBoolean": "yes or no",
        "abatementAge": QUANTITY,
        "recordedDate": "date",
    },
    "Procedure": RECORD | {"performedDateTime": "date", "performedPeriod": PERIOD, "bodySite": CONCEPT},
    "AllergyIntolerance": RECORD | {"clinicalStatus": CONCEPT, "verificationStatus": CONCEPT, "criticality": "word"},
    "OperationOutcome": {"resourceType": "code", "issue": {"severity": "word", "code": "word"}},
    "Bundle": {
        "resourceType": "code",
        "type": "word",
        "total": "number",
        "link": {"relation": "word", "url": "address"},
        "entry": {"resource": "resource", "search": {"mode": "word"}},
    },
}
CONTEXT: Allowed = {
    "userId": "relative reference",
    "patientId": "id",
    "encounterId": "id",
    "selections": "relative reference",
    "draftOrders": "resource",
    "medications": "resource",
    "orders": "resource",
}
