"""`make validate-fhir`: HAPI's R4 validator over every resource that Ionwise shows or sends.

And whether the table of modifying elements, which the reader tests use, is still what R4 says.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

import msgspec

from tests.fhir_server.hapi_programs import run_java
from tests.fhir_server.modifier_table import TABLE, table_text
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


class Finding(msgspec.Struct, frozen=True):
    """One remark of the validator."""

    file: str
    severity: str
    place: str
    message: str

    @property
    def is_error(self) -> bool:
        """Whether it must be mended."""
        return self.severity in ("error", "fatal") or self.message.startswith(UNKNOWN_SYSTEM)


def main() -> int:
    """Print what is wrong; 1 when anything is."""
    resources = list(every_resource())
    found = validate(resources)
    told = [f"{one.file}: {one.place}: {one.message}" for one in found if one.is_error]
    noticed = {one.file for one in validate(_wrong_resources()) if one.is_error}
    told += [f"{name}: the validator does not notice; its silence proves nothing" for name in WRONG.keys() - noticed]
    if TABLE.read_text("utf-8") != table_text():
        told.append(f"{TABLE.name}: is not what R4 says: run python -m tests.fhir_server.modifier_table")
    warnings = sum(not one.is_error for one in found)
    told.append(f"{len(resources)} resources, {len(told)} errors, {warnings} warnings")
    sys.stdout.write("".join(f"{line}\n" for line in told))
    return 0 if len(told) == 1 else 1


def validate(resources: Iterable[Resource]) -> list[Finding]:
    """What the validator has to say, remarks about best practice left out."""
    with tempfile.TemporaryDirectory() as room:
        folder, systems = Path(room, "resources"), Path(room, "systems")
        for name, body in resources:
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(body)
        systems.write_text("\n".join(ELSEWHERE), "utf-8")
        printed = run_java("Validate", str(folder), str(systems))
    return [Finding(*line.split("\t")) for line in printed.splitlines()]


def _wrong_resources() -> list[Resource]:
    return [(name, f'{{"resourceType": "Observation", {body}}}'.encode()) for name, body in WRONG.items()]


if __name__ == "__main__":
    sys.exit(main())
