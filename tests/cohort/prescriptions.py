"""Drugs as the EHR sends them: prescriptions, what patients tell, drafts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any

from tests.cohort.laboratory import AS_OF
from tests.cohort.numbers import codes, population
from tests.cohort.people import Person, Use

Resource = dict[str, Any]

ATC = "http://www.whocc.no/atc"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
PRK = "urn:oid:2.16.840.1.113883.2.4.4.10"
ROUTES = {"oral": ("26643006", "oraal"), "iv": ("47625008", "intraveneus"), "sc": ("34206005", "subcutaan"),
          "inhaled": ("447694001", "inhalatie")}  # fmt: skip


def medications(person: Person) -> Iterator[Resource]:
    """Every MedicationRequest and MedicationStatement of a patient."""
    for use in person.uses:
        random = person.draws.stream(f"prescription/{use.group}")
        if use.told:
            yield _statement(person, use, random, told=True)
            continue
        yield from _prescriptions(person, use, random)
        if (
            person.style == "nl-hospital"
            and use.days > person.stay
            and random.random() < population()["habits"]["mirrored"]
        ):
            yield _statement(person, use, random, told=False)


def draft(person: Person, product: str, turn: int) -> Resource:
    """An order that is being written."""
    random = person.draws.stream(f"draft/{turn}/{product}")
    return _request(person, product, f"draft-{turn}", random) | {
        "status": "draft",
        "authoredOn": (AS_OF - timedelta(minutes=2)).isoformat(timespec="seconds"),
    }


def refill(person: Person, use: Use) -> Resource:
    """A repeat prescription of a drug in use."""
    return draft(person, use.product, 9)


def _prescriptions(person: Person, use: Use, random: Random) -> Iterator[Resource]:
    habits = population()["habits"]
    renewed = person.style == "nl-gp" and use.days > habits["renewed"]
    last = random.random() * habits["renewed"] if renewed else use.days
    resource = _request(person, use.product, f"rx-{use.group}", random) | {"status": "active"}
    if random.random() < population()["quirks"]["no-start"]["share"]:
        yield resource
        return
    resource["authoredOn"] = _day(last)
    if person.style != "us" or random.random() < 0.5:
        _timing(resource)["boundsPeriod"] = {"start": _day(last)}
    yield resource
    while renewed and last < min(use.days, habits["kept"]):
        start = min(last + habits["renewed"], use.days)
        past = _request(person, use.product, f"rx-{use.group}-{int(start)}", random)
        _timing(past)["boundsPeriod"] = {"start": _day(start), "end": _day(last)}
        yield past | {"status": "completed", "authoredOn": _day(start)}
        last += habits["renewed"]


def _timing(resource: Resource) -> Resource:
    repeat: Resource = resource["dosageInstruction"][0].setdefault("timing", {}).setdefault("repeat", {})
    return repeat


def _day(days: float) -> str:
    moment: datetime = AS_OF - timedelta(minutes=round(days * 1440))
    return moment.isoformat(timespec="seconds") if days < 20 else moment.date().isoformat()


def _request(person: Person, product: str, name: str, random: Random) -> Resource:
    return {
        "resourceType": "MedicationRequest",
        "id": f"c{person.number:04}-{name}",
        "intent": "order",
        **_drug(person, product, name, random),
        "subject": {"reference": f"Patient/c{person.number:04}"},
        "dosageInstruction": [_dosage(person, product, random)],
    }


def _statement(person: Person, use: Use, random: Random, *, told: bool) -> Resource:
    resource: Resource = {
        "resourceType": "MedicationStatement",
        "id": f"c{person.number:04}-use-{use.group}",
        "status": "active",
        **_drug(person, use.product, f"use-{use.group}", random),
        "subject": {"reference": f"Patient/c{person.number:04}"},
        "effectivePeriod": {"start": _day(use.days)},
        "dateAsserted": _day(min(use.days, 30 + person.stay)),
        "dosage": [_dosage(person, use.product, random)],
    }
    if told:
        resource["informationSource"] = {"reference": f"Patient/c{person.number:04}"}
    return resource


def _drug(person: Person, product: str, name: str, random: Random) -> Resource:
    """The drug by code and text, as a contained Medication in Dutch hospitals."""
    drug, quirks, share = codes()["drugs"][product], population()["quirks"], random.random()
    system, code = (RXNORM, drug.get("rxnorm")) if person.style == "us" else (ATC, drug.get("atc"))
    coding = [{"system": system, "code": code}] if code else []
    if share < quirks["text-only-drug"]["share"]:
        coding = []
    elif share > 1 - quirks["unmapped-drug-code"]["share"]:
        coding = [{"system": PRK if person.style != "us" else "urn:oid:1.2.840.114350.1.13.999.2.7.2.698288",
                   "code": str(10000 + int(random.random() * 90000))}]  # fmt: skip
    concept = {"text": drug[person.language]} | ({"coding": coding} if coding else {})
    if person.style != "nl-hospital":
        return {"medicationCodeableConcept": concept}
    return {
        "contained": [{"resourceType": "Medication", "id": f"m-{name}", "code": concept}],
        "medicationReference": {"reference": f"#m-{name}", "display": drug[person.language]},
    }


def _dosage(person: Person, product: str, random: Random) -> Resource:
    drug = codes()["drugs"][product]
    text = drug["sig"][person.language]
    code, name = ROUTES[drug.get("route", "oral")]
    route = {"coding": [{"system": "http://snomed.info/sct", "code": code}], "text": name}
    dosage: Resource = {"text": text, "route": route}
    if text.startswith("zo nodig") or "PRN" in text:
        dosage["asNeededBoolean"] = True
    if "dose" not in drug or random.random() < population()["quirks"]["free-text-dose-only"][person.style]:
        return dosage
    amount, unit, rate = drug["dose"].split()
    times, per = rate.split("/")
    weeks = per.removesuffix("wk").removesuffix("d") or "1"
    repeat = {"frequency": int(times), "period": int(weeks), "periodUnit": per.lstrip("0123456789")}
    dosage["timing"] = {"repeat": repeat}
    dosage["doseAndRate"] = [{"doseQuantity": {"value": float(amount), "unit": unit}}]
    return dosage
