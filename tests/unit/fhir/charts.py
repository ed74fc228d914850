"""A small vocabulary and plain FHIR resources for the reader tests, written for them."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from cds_service.facts.records import CoverageState, Exposure
from cds_service.facts.snapshot import Snapshot
from cds_service.facts.vocabulary import AgePolicy, AtcClass, Concept, Drug, Vocabulary
from cds_service.fhir.call import Call, KeyAnswer
from cds_service.fhir.read.chart import read_chart

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
NOW = datetime(2026, 11, 21, 10, tzinfo=AMSTERDAM)
ATC, RXNORM, SNOMED = "http://www.whocc.no/atc", "http://www.nlm.nih.gov/research/umls/rxnorm", "http://snomed.info/sct"
ICD10, LOINC, UCUM = "http://hl7.org/fhir/sid/icd-10", "http://loinc.org", "http://unitsofmeasure.org"
PATIENT = "p1"
SUBJECT = {"reference": "Patient/p1"}
AGE = AgePolicy(timedelta(days=7), timedelta(days=90), timedelta(days=365))
MAGNESIUM = Concept("magnesium-serum", {"en": "Mg"}, "mmol/L", 2, "labsRare", AGE)
POTASSIUM = Concept("potassium", {"en": "K"}, "mmol/L", 1, "labsFrequent", AGE)


def drug(name: str, *groups: str, element: str | None = None) -> Drug:
    percent = (Decimal("16.0"), Decimal("16.2")) if element else None
    return Drug(name, {"en": name}, frozenset(groups), combined=False, elemental_percent=percent, element=element)


DRUGS = [
    drug("omeprazole", "ppi"),
    drug("esomeprazole", "ppi"),
    drug("pantoprazole", "ppi"),
    drug("hydrochlorothiazide", "thiazide"),
    drug("losartan", "arb"),
    drug("magnesium-compound", "magnesium"),
    drug("magnesium-citrate", "magnesium", element="magnesium"),
    drug("magnesium-hydroxide", "magnesium", "antacid", element="magnesium"),
    drug("aluminium-hydroxide", "antacid"),
    drug("calcium-compound", "calcium"),
    drug("calcium-carbonate", "calcium", "antacid", element="calcium"),
    drug("tobramycin", "aminoglycoside"),
    drug("ciprofloxacin", "fluoroquinolone"),
    drug("metformin"),
]
NAMES = {
    "omeprazole": "omeprazole", "omeprazol": "omeprazole", "esomeprazole": "esomeprazole",
    "esomeprazol": "esomeprazole",
    "pantoprazole": "pantoprazole", "hydrochlorothiazide": "hydrochlorothiazide", "losartan": "losartan",
    "hydrochloorthiazide": "hydrochlorothiazide", "magnesium": "magnesium-compound", "mg": "magnesium-compound",
    "magnesium citrate": "magnesium-citrate", "magnesiumcitraat": "magnesium-citrate", "calcium": "calcium-compound",
    "magnesium hydroxide": "magnesium-hydroxide", "algeldrate": "aluminium-hydroxide", "metformin": "metformin",
    "aluminium hydroxide": "aluminium-hydroxide", "calcium carbonate": "calcium-carbonate", "tobramycin": "tobramycin",
    "ciprofloxacin": "ciprofloxacin",
}  # fmt: skip
ATC_CODES = {
    "A02BC01": "omeprazole", "A02BC02": "pantoprazole", "A02BC05": "esomeprazole", "C03AA03": "hydrochlorothiazide",
    "A12CC04": "magnesium-citrate", "A02AA04": "magnesium-hydroxide", "J01GB01": "tobramycin", "S01AA12": "tobramycin",
    "J01MA02": "ciprofloxacin", "C09CA01": "losartan",
}  # fmt: skip
VOCABULARY = Vocabulary(
    concepts={c.id: c for c in (MAGNESIUM, POTASSIUM)},
    measurement_codes={(LOINC, "2601-3"): MAGNESIUM, (LOINC, "2823-3"): POTASSIUM},
    drugs={d.id: d for d in DRUGS},
    drug_codes={(ATC, code): name for code, name in ATC_CODES.items()}
    | {(RXNORM, "7646"): "omeprazole", (SNOMED, "387137007"): "omeprazole"},
    drug_names=NAMES,
    atc_classes=(
        AtcClass("C09DA01", True, frozenset(), frozenset({"losartan", "hydrochlorothiazide"})),
        AtcClass("A02BC", False, frozenset({"ppi"})),
        AtcClass("J01G", False, frozenset({"systemic-antibiotic"})),
        AtcClass("A12CC", False, frozenset({"magnesium"}), frozenset({"magnesium-compound"})),
    ),
    condition_codes={
        (SNOMED, "91175000"): frozenset({"seizure"}),
        (SNOMED, "14760008"): frozenset({"constipation"}),
        (SNOMED, "105502003"): frozenset({"dialysis"}),
    },
    condition_prefixes={ICD10: (("E11", frozenset({"diabetes", "diabetes-2"})),)},
    condition_terms=(
        ("seizure", "seizure"),
        ("obstipatie", "constipation"),
        ("constipation", "constipation"),
        ("magnesium loading test", "loading-test"),
    ),
    procedure_drugs={"loading-test": "A12CC04"},
    order_codes={(LOINC, "2601-3"): "magnesium-serum"},
    systems={"urn:oid:2.16.840.1.113883.6.73": ATC, "urn:oid:2.16.840.1.113883.6.3": ICD10},
    routes={(SNOMED, "26643006"): "oral", (SNOMED, "47625008"): "intravenous"},
    route_words={"oral": "oral", "oraal": "oral", "iv": "intravenous", "eye drops": "ophthalmic"},
    atc_routes=(("S01", "ophthalmic"), ("J01G", "intravenous")),
    products={"maalox": ("aluminium-hydroxide", "magnesium-hydroxide")},
    order_panels={(LOINC, "24326-1"): ("potassium", "magnesium-serum")},
)
KEYS = {"magnesium-serum": "labsRare", "potassium": "labsFrequent"}


def raw(resource: dict[str, Any] | str) -> msgspec.Raw:
    return msgspec.Raw(resource.encode() if isinstance(resource, str) else json.dumps(resource).encode())


def concept(code: str | None = None, text: str = "", system: str = ATC) -> dict[str, Any]:
    return ({"coding": [{"system": system, "code": code}]} if code else {}) | ({"text": text} if text else {})


def order(code: str | None = None, text: str = "", **more: Any) -> dict[str, Any]:
    """A MedicationRequest; `start` and `end` become its bounds, `dose` its dosage instruction."""
    start, end, dose = more.pop("start", None), more.pop("end", None), more.pop("dose", {})
    bounds = {name: value for name, value in (("start", start), ("end", end)) if value}
    repeat = dose.pop("repeat", {}) | ({"boundsPeriod": bounds} if bounds else {})
    instruction = dose | ({"timing": {"repeat": repeat}} if repeat else {})
    made = {"resourceType": "MedicationRequest", "id": "m1", "status": "active", "intent": "order", "subject": SUBJECT}
    if code or text:
        made["medicationCodeableConcept"] = concept(code, text)
    return made | ({"dosageInstruction": [instruction]} if instruction else {}) | more


def statement(code: str | None = None, text: str = "", **more: Any) -> dict[str, Any]:
    """A MedicationStatement; `start` and `end` become its effective period."""
    start, end = more.pop("start", None), more.pop("end", None)
    period = {name: value for name, value in (("start", start), ("end", end)) if value}
    made = {"resourceType": "MedicationStatement", "id": "s1", "status": "active", "subject": SUBJECT}
    if code or text:
        made["medicationCodeableConcept"] = concept(code, text)
    return made | ({"effectivePeriod": period} if period else {}) | more


def dose(amount: str = "1", unit: str = "mg", **repeat: Any) -> dict[str, Any]:
    quantity = {"value": float(amount), "unit": unit, "system": UCUM, "code": unit}
    return {"doseAndRate": [{"doseQuantity": quantity}], "repeat": repeat}


def chart(
    *resources: dict[str, Any] | str,
    key: str = "medications",
    state: CoverageState = "complete",
    drafts: tuple[dict[str, Any], ...] = (),
    included: tuple[dict[str, Any], ...] = (),
    admit_unknown_status: bool = False,
    lost: bool = False,
    **call: Any,
) -> Snapshot:
    """The snapshot of a call whose one key delivered these resources."""
    answer = KeyAnswer(state, tuple(raw(r) for r in resources), tuple(raw(r) for r in included), lost=lost)
    hook = call.pop("hook", "patient-view")
    made = Call(hook, PATIENT, NOW, {key: answer}, drafts=tuple(raw(d) for d in drafts), **call)
    return read_chart(made, VOCABULARY, KEYS, AMSTERDAM, admit_unknown_status=admit_unknown_status)


def only(snapshot: Snapshot) -> Exposure:
    """The one exposure of a chart."""
    (exposure,) = snapshot.drug_list
    return exposure


def day(moment: Any) -> str | None:
    """The local calendar day of a moment."""
    return None if moment is None else moment.earliest.astimezone(AMSTERDAM).date().isoformat()
