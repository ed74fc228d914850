"""`make validate-fhir`: HAPI's R4 validator over every resource that Ionwise shows or sends."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from tests.fhir_server.hapi_programs import run_java
from tests.fhir_server.resources import ELSEWHERE, Resource, every_resource

# The validator must complain about each of these, or it is not looking.
WRONG = {
    "a status that is none": '"status": "drafty", "code": {"text": "x"}',
    "a system nobody has": '"status": "final", "code": {"coding": [{"system": "http://loinc.example", "code": "1"}]}',
    "a unit that is no UCUM": '"status": "final", "code": {"text": "x"}, "valueQuantity": '
    '{"value": 1, "unit": "mmol", "system": "http://unitsofmeasure.org", "code": "mmol per L"}',
    "an element that is none": '"status": "final", "code": {"text": "x"}, "colour": "red"',
}
# Only a warning to HAPI, as it may lack the system; the systems that it lacks are listed in ELSEWHERE.
UNKNOWN_SYSTEM = "CodeSystem is unknown"
Found = tuple[str, str, str, str]


def main() -> int:
    """Print what is wrong; 1 when anything is."""
    resources = list(every_resource())
    wrong = [
        (f"wrong/{name}.json", f'{{"resourceType": "Observation", {body}}}'.encode()) for name, body in WRONG.items()
    ]
    found = _validate([*resources, *wrong])
    errors = [entry for entry in found if entry[1] in ("error", "fatal") or entry[3].startswith(UNKNOWN_SYSTEM)]
    missed = {name for name, _ in wrong} - {file for file, *_ in errors}
    told = [f"{file}: {place}: {message}" for file, _, place, message in errors if not file.startswith("wrong/")]
    told += [
        f"{name}: the validator finds nothing wrong with it, so its silence about the rest proves nothing"
        for name in missed
    ]
    sys.stdout.write("".join(f"{line}\n" for line in told))
    warnings = sum(not file.startswith("wrong/") for file, *_ in found) - sum(
        not e[0].startswith("wrong/") for e in errors
    )
    sys.stdout.write(f"{len(resources)} resources, {len(told)} errors, {warnings} warnings\n")
    return 1 if told else 0


def _validate(resources: Iterable[Resource]) -> list[Found]:
    with tempfile.TemporaryDirectory() as place:
        folder, systems = Path(place, "resources"), Path(place, "systems")
        for name, body in resources:
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(body)
        systems.write_text("\n".join(ELSEWHERE), "utf-8")
        printed = run_java("Validate", str(folder), str(systems))
    lines = (line.split("\t") for line in printed.splitlines())
    return [(file, severity, place, message) for file, severity, place, message in lines]


if __name__ == "__main__":
    sys.exit(main())
