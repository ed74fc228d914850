"""A patient's whole chart: person, stay, problems, procedures, orders, results and drugs, as R4 resources."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from tests.cohort.laboratory import AS_OF
from tests.cohort.numbers import codes, population
from tests.cohort.people import Person
from tests.cohort.prescriptions import medications
from tests.cohort.results import observations
from tests.real_data.charts import Chart

Resource = dict[str, Any]

CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
VERIFIED = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
SYSTEMS = {"nl-gp": ("icpc", "http://hl7.org/fhir/sid/icpc-1-nl"), "nl-hospital": ("snomed", "http://snomed.info/sct"),
           "us": ("icd", "http://hl7.org/fhir/sid/icd-10-cm")}  # fmt: skip


def chart_of(person: Person) -> Chart:
    """The chart of a patient, as an EHR would hold it at AS_OF."""
    found = [*_encounters(person), *_problems(person), *_orders(person), *observations(person), *medications(person)]
    return Chart(_patient(person), found, [])


def encounter_id(person: Person) -> str | None:
    """The id of the encounter a call is about; practices often open a chart without one."""
    if person.setting == "gp" and person.draws.happens("no-encounter", population()["habits"]["no_encounter"]):
        return None
    return f"c{person.number:04}-encounter"


def admitted(person: Person) -> datetime:
    """When the stay began."""
    return AS_OF - timedelta(minutes=round(person.stay * 1440))


def _patient(person: Person) -> Resource:
    born = AS_OF - timedelta(days=int(person.age * 365.25))
    return {
        "resourceType": "Patient",
        "id": f"c{person.number:04}",
        "name": [{"family": f"Cohortbewoner{person.number:04}"}],
        "gender": person.sex,
        "birthDate": born.date().isoformat(),
    }


def _encounters(person: Person) -> list[Resource]:
    name = encounter_id(person)
    if name is None:
        return []
    ward = "Intensive care" if person.intensive else "Algemene interne geneeskunde"
    resource: Resource = {
        "resourceType": "Encounter",
        "id": name,
        "status": "in-progress",
        "class": {
            "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode",
            "code": "IMP" if person.stay else "AMB",
        },
        "subject": {"reference": f"Patient/c{person.number:04}"},
        "period": {"start": (admitted(person) - timedelta(minutes=20)).isoformat(timespec="seconds")},
    }
    return [resource | ({"location": [{"location": {"display": ward}, "status": "active"}]} if person.stay else {})]


def _problems(person: Person) -> list[Resource]:
    return [_problem(person, problem) for problem in person.problems]


def _problem(person: Person, problem: str) -> Resource:
    entry, draws = codes()["conditions"][problem], person.draws
    since = (1, entry["recent"]) if "recent" in entry else (90, 5000)
    day = (AS_OF - timedelta(days=draws.between(f"onset/{problem}", *since))).date().isoformat()
    kind, system = SYSTEMS[person.style]
    concept: Resource = {"text": entry[person.language]}
    if not draws.happens(f"text-only/{problem}", population()["quirks"]["text-only-condition"]["share"]):
        known = (kind, system) if kind in entry else ("snomed", SYSTEMS["nl-hospital"][1])
        concept["coding"] = [{"system": known[1], "code": entry[known[0]]}]
    resource: Resource = {
        "id": f"c{person.number:04}-{problem}",
        "subject": {"reference": f"Patient/c{person.number:04}"},
        "code": concept,
    }
    if entry.get("procedure"):
        return {"resourceType": "Procedure", "status": "completed", "performedDateTime": day, **resource}
    return {
        "resourceType": "Condition",
        "clinicalStatus": {"coding": [{"system": CLINICAL, "code": "active"}]},
        "verificationStatus": {"coding": [{"system": VERIFIED, "code": "confirmed"}]},
        "onsetDateTime": day,
        "recordedDate": day,
        **resource,
    }


def _orders(person: Person) -> list[Resource]:
    quirk = population()["quirks"]["active-magnesium-order"]
    if not person.draws.happens("order", quirk["inpatient" if person.stay else "share"]):
        return []
    return [
        {
            "resourceType": "ServiceRequest",
            "id": f"c{person.number:04}-order",
            "status": "active",
            "intent": "order",
            "code": {"coding": [{"system": "http://loinc.org", "code": "2601-3"}], "text": "magnesium"},
            "subject": {"reference": f"Patient/c{person.number:04}"},
            "authoredOn": (AS_OF - timedelta(hours=5)).isoformat(timespec="seconds"),
        }
    ]
