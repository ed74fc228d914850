"""Charts of the size of real ones, for the bench: a patient on digoxin and a diuretic whose magnesium, potassium and
calcium are low, which makes three cards with two suggestions or more.

About a third of the Observations are of concepts that rules read, in series as an intensive care unit makes them; the
rest is what any laboratory and any ward adds. Each resource carries what Synthea and the big EHRs send with it. Several
patients with values of their own keep the service from living on what it remembers.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any, NamedTuple

import orjson

AS_OF = datetime.fromisoformat("2026-11-21T10:00:00+01:00")
HOOK = "patient-view"
EMPTY_KEYS = ("encounter", "medicationStatements", "medicationsPast", "conditions", "procedures", "orders")
LOINC = "http://loinc.org"
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
INTERPRETATION = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
UCUM = "http://unitsofmeasure.org"
LOCAL = "urn:oid:1.2.840.114350.1.13.0.1.7.2.768282"


class Test(NamedTuple):
    """One kind of measurement: its codes, unit, reference range, and between which values the newest results lie."""

    key: str
    loinc: str
    name: str
    unit: str
    low: float
    high: float
    values: tuple[float, float]
    decimals: int = 1


KNOWN = (
    Test("labsFrequent", "2823-3", "Potassium [Moles/volume] in Serum or Plasma", "mmol/L", 3.5, 5.0, (2.7, 2.8)),
    Test("labsFrequent", "2951-2", "Sodium [Moles/volume] in Serum or Plasma", "mmol/L", 135, 145, (136, 144), 0),
    Test("labsFrequent", "2000-8", "Calcium [Moles/volume] in Serum or Plasma", "mmol/L", 2.2, 2.6, (1.81, 1.84), 2),
    Test("labsRare", "2601-3", "Magnesium [Moles/volume] in Serum or Plasma", "mmol/L", 0.7, 1.0, (0.51, 0.54), 2),
    Test("labsFrequent", "1751-7", "Albumin [Mass/volume] in Serum or Plasma", "g/L", 35, 50, (40, 42), 0),
    Test("labsFrequent", "14682-9", "Creatinine [Moles/volume] in Serum or Plasma", "umol/L", 50, 100, (62, 90), 0),
    Test("labsRare", "14879-1", "Phosphate [Moles/volume] in Serum or Plasma", "mmol/L", 0.8, 1.5, (0.9, 1.3), 2),
)
OTHERS = (
    Test("labsFrequent", "6690-2", "Leukocytes [#/volume] in Blood by Automated count", "10*9/L", 4, 10, (4, 14)),
    Test("labsFrequent", "789-8", "Erythrocytes [#/volume] in Blood by Automated count", "10*12/L", 4, 5.5, (3, 5), 2),
    Test("labsFrequent", "777-3", "Platelets [#/volume] in Blood by Automated count", "10*9/L", 150, 400, (90, 450), 0),
    Test("labsFrequent", "1988-5", "C reactive protein [Mass/volume] in Serum or Plasma", "mg/L", 0, 5, (1, 220), 0),
    Test("labsFrequent", "1742-6", "Alanine aminotransferase [Enzymatic activity/volume]", "U/L", 0, 45, (12, 80), 0),
    Test("labsFrequent", "1975-2", "Bilirubin.total [Mass/volume] in Serum or Plasma", "mg/dL", 0.1, 1.2, (0.2, 2), 2),
    Test("clinicalObs", "9279-1", "Respiratory rate", "/min", 10, 20, (10, 28), 0),
    Test("clinicalObs", "8310-5", "Body temperature", "Cel", 36, 37.5, (35.8, 39.2)),
    Test("clinicalObs", "59408-5", "Oxygen saturation in Arterial blood by Pulse oximetry", "%", 94, 100, (88, 99), 0),
)
DRUGS = (
    ("digoxin", "C01AA05", "Digoxin 0.125 MG Oral Tablet", "197604", 0.125),
    ("furosemide", "C03CA01", "Furosemide 40 MG Oral Tablet", "313988", 40),
    ("metoprolol", "C07AB02", "Metoprolol succinate 50 MG Extended Release Oral Tablet", "866412", 50),
    ("apixaban", "B01AF02", "Apixaban 5 MG Oral Tablet", "1364445", 5),
    ("metformin", "A10BA02", "Metformin hydrochloride 500 MG Oral Tablet", "861007", 500),
    ("atorvastatin", "C10AA05", "Atorvastatin 20 MG Oral Tablet", "617310", 20),
    ("ramipril", "C09AA05", "Ramipril 5 MG Oral Capsule", "261962", 5),
    ("acetaminophen", "N02BE01", "Acetaminophen 500 MG Oral Tablet", "198440", 500),
    ("levothyroxine", "H03AA01", "Levothyroxine Sodium 0.05 MG Oral Tablet", "966247", 0.05),
    ("amlodipine", "C08CA01", "Amlodipine 5 MG Oral Tablet", "197361", 5),
    ("spironolactone", "C03DA01", "Spironolactone 25 MG Oral Tablet", "313096", 25),
    ("prednisone", "H02AB07", "Prednisone 5 MG Oral Tablet", "312617", 5),
    ("sertraline", "N06AB06", "Sertraline 50 MG Oral Tablet", "312941", 50),
    ("allopurinol", "M04AA01", "Allopurinol 100 MG Oral Tablet", "197319", 100),
    ("gabapentin", "N03AX12", "Gabapentin 300 MG Oral Capsule", "310431", 300),
    ("tamsulosin", "G04CA02", "Tamsulosin hydrochloride 0.4 MG Oral Capsule", "863669", 0.4),
    ("ferrous fumarate", "B03AA02", "Ferrous fumarate 200 MG Oral Tablet", "310323", 200),
    ("cholecalciferol", "A11CC05", "Cholecalciferol 0.02 MG Oral Capsule", "636568", 0.02),
    ("oxycodone", "N02AA05", "Oxycodone hydrochloride 5 MG Oral Tablet", "1049621", 5),
    ("clopidogrel", "B01AC04", "Clopidogrel 75 MG Oral Tablet", "309362", 75),
    ("fluticasone", "R03BA05", "Fluticasone propionate 0.125 MG/ACTUAT Metered Dose Inhaler", "896185", 0.125),
    ("mirtazapine", "N06AX11", "Mirtazapine 15 MG Oral Tablet", "311725", 15),
    ("doxycycline", "J01AA02", "Doxycycline 100 MG Oral Tablet", "141963", 100),
    ("hydrocortisone", "D07AA02", "Hydrocortisone 10 MG/ML Topical Cream", "106258", 10),
    ("ezetimibe", "C10AX09", "Ezetimibe 10 MG Oral Tablet", "349556", 10),
)


def payload(observations: int, medications: int, number: int) -> bytes:
    """A hook request with one chart; `number` chooses the patient. The same arguments always give the same bytes."""
    random = Random(1000 * number + observations)
    person = f"e{number}Bw3RkHq.x8vN0T2{number:04}"
    pages: dict[str, list[dict[str, Any]]] = {"labsRare": [], "labsFrequent": [], "clinicalObs": []}
    for key, resource in _observations(observations, person, random):
        pages[key].append(resource)
    prefetch = {key: _bundle(resources) for key, resources in pages.items()}
    prefetch["medications"] = _bundle([_medication(n, person, random) for n in range(medications)])
    prefetch |= {key: _bundle([]) for key in EMPTY_KEYS}
    prefetch["patient"] = _patient(person)
    body = {
        "hook": HOOK,
        "hookInstance": f"d1577c69-dfbe-44ad-ba6d-3e05e953{number:04}",
        "fhirServer": "https://ehr.example/R4",
        "context": {"userId": "Practitioner/ePr4ct1t10n3r", "patientId": person, "encounterId": f"{person}-e"},
        "prefetch": prefetch,
        "extension": {"org.ionwise.as-of": AS_OF.isoformat()},
    }
    return orjson.dumps(body)


def _patient(person: str) -> dict[str, Any]:
    return {
        "resourceType": "Patient", "id": person, "active": True, "gender": "male", "birthDate": "1958-04-17",
        "name": [{"use": "official", "family": "Bench", "given": ["Example"]}],
        "identifier": [{"system": "urn:oid:1.2.840.114350.1.13.0.1.7.5.737384.14", "value": f"E{person[-4:]}"}],
    }  # fmt: skip


def _bundle(resources: list[dict[str, Any]]) -> dict[str, Any]:
    base = "https://ehr.example/R4"
    return {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": len(resources),
        "entry": [
            {"fullUrl": f"{base}/{r['resourceType']}/{r['id']}", "resource": r, "search": {"mode": "match"}}
            for r in resources
        ],
    }


def _observations(count: int, person: str, random: Random) -> Iterator[tuple[str, dict[str, Any]]]:
    """Newest first: every third of a known concept in turn, draws three hours apart, older values further apart."""
    for n in range(count):
        known, turn = n % 3 == 0, n // 3
        test = KNOWN[turn % len(KNOWN)] if known else OTHERS[(n - turn) % len(OTHERS)]
        draw = turn // len(KNOWN)
        low, high = test.values if draw < 2 else (0.85 * test.low, 1.1 * test.high)
        value = round(random.uniform(low, high), test.decimals)
        drawn = AS_OF - timedelta(hours=3 + 3 * draw, minutes=draw * 7 % 11)
        yield test.key, _observation(n, test, person, drawn, value)


def _observation(n: int, test: Test, person: str, drawn: datetime, value: float) -> dict[str, Any]:
    flag = ("L", "Low") if value < test.low else ("H", "High") if value > test.high else ("N", "Normal")
    issued = (drawn + timedelta(minutes=45)).isoformat()
    resource = {
        "resourceType": "Observation",
        "id": f"obs-{person[-4:]}-{n:06}",
        "meta": {"versionId": "1", "lastUpdated": issued},
        "status": "final",
        "category": [{"coding": [{"system": CATEGORY, "code": "laboratory"}], "text": "Laboratory"}],
        "code": {
            "coding": [
                {"system": LOINC, "code": test.loinc, "display": test.name},
                {"system": LOCAL, "code": f"1230{test.loinc[:4]}"},
            ],
            "text": test.name.split(" [")[0],
        },
        "subject": {"reference": f"Patient/{person}"},
        "encounter": {"reference": f"Encounter/{person}-e"},
        "effectiveDateTime": drawn.isoformat(),
        "issued": issued,
        "performer": [{"reference": "Organization/eLab0r4t0ry", "display": "Central laboratory"}],
        "valueQuantity": {"value": value, "unit": test.unit, "system": UCUM, "code": test.unit},
        "interpretation": [{"coding": [{"system": INTERPRETATION, "code": flag[0]}], "text": flag[1]}],
        "referenceRange": [
            {
                "low": {"value": test.low, "unit": test.unit},
                "high": {"value": test.high, "unit": test.unit},
                "text": f"{test.low} - {test.high} {test.unit}",
            }
        ],
    }
    if n % 5 == 0:
        resource["note"] = [{"text": f"Result reviewed by the laboratory, batch {person[-4:]}-{n}."}]
    return resource


def _medication(n: int, person: str, random: Random) -> dict[str, Any]:
    name, atc, display, rxnorm, amount = DRUGS[n % len(DRUGS)]
    started = (AS_OF - timedelta(days=200 + random.randrange(60) + 3 * n)).isoformat()
    return {
        "resourceType": "MedicationRequest",
        "id": f"med-{person[-4:]}-{n:06}",
        "meta": {"versionId": "2", "lastUpdated": started},
        "status": "active",
        "intent": "order",
        "category": [{"text": "Community"}],
        "medicationCodeableConcept": {
            "coding": [
                {"system": "http://www.whocc.no/atc", "code": atc, "display": name},
                {"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": rxnorm},
            ],
            "text": display,
        },
        "subject": {"reference": f"Patient/{person}"},
        "encounter": {"reference": f"Encounter/{person}-e"},
        "authoredOn": started,
        "requester": {"reference": "Practitioner/ePr4ct1t10n3r"},
        "dosageInstruction": [
            {
                "text": f"Take {amount} mg by mouth once daily",
                "timing": {
                    "repeat": {"boundsPeriod": {"start": started}, "frequency": 1, "period": 1, "periodUnit": "d"}
                },
                "asNeededBoolean": False,
                "route": {"coding": [{"system": "http://snomed.info/sct", "code": "26643006"}], "text": "Oral"},
                "doseAndRate": [{"doseQuantity": {"value": amount, "unit": "mg", "system": UCUM, "code": "mg"}}],
            }
        ],
        "dispenseRequest": {"numberOfRepeatsAllowed": 3, "quantity": {"value": 90, "unit": "tablet"}},
    }
