"""The elements of R4 that change the meaning of what holds them (isModifier), as HAPI's copy of R4 defines them.

`python -m tests.fhir_server.modifier_table` writes the table that the reader tests use; `make validate-fhir` says when
it is not what R4 says.
"""

from __future__ import annotations

import json
import zipfile
from collections import defaultdict
from pathlib import Path
from xml.etree import ElementTree

from tests.fhir_server.hapi_programs import library

TABLE = Path(__file__).parents[1] / "unit" / "fhir" / "modifiers_r4.json"

_JAR = "hapi-fhir-validation-resources-r4-"
_FILES = ("profiles-resources.xml", "profiles-types.xml")
_FHIR = "{http://hl7.org/fhir}"
# What we read; of the types of elements all are in the table.
_RESOURCES = frozenset(
    {
        "Bundle", "Condition", "Encounter", "Medication", "MedicationRequest", "MedicationStatement", "Observation",
        "OperationOutcome", "Patient", "Procedure", "ServiceRequest", "Specimen", "Substance",
    }
)  # fmt: skip


def table_text() -> str:
    """The table as it should be: element or resource -> the names of its modifying members."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    with zipfile.ZipFile(library(_JAR)) as jar:
        for file in _FILES:
            with jar.open(f"org/hl7/fhir/r4/model/profile/{file}") as profiles:
                definitions = ElementTree.parse(profiles).getroot()  # noqa: S314 - a file of a pinned library
                for path in _modifiers(definitions):
                    owner, _, member = path.rpartition(".")
                    found[owner].append(member)
    table = {owner: sorted(members) for owner, members in sorted(found.items())}
    return json.dumps(table, indent=1) + "\n"


def _modifiers(profiles: ElementTree.Element) -> list[str]:
    """The paths of modifying elements in the definitions of what we read; profiles on them are left out."""
    paths = []
    for definition in profiles.iter(f"{_FHIR}StructureDefinition"):
        kind, of = _value(definition, "kind"), _value(definition, "type")
        if _value(definition, "derivation") == "constraint" or (kind == "resource" and of not in _RESOURCES):
            continue
        snapshot = definition.find(f"{_FHIR}snapshot")
        for element in [] if snapshot is None else snapshot.iter(f"{_FHIR}element"):
            if _value(element, "isModifier") == "true":
                paths.append(_value(element, "path"))
    return paths


def _value(node: ElementTree.Element, name: str) -> str:
    child = node.find(f"{_FHIR}{name}")
    return "" if child is None else child.get("value", "")


if __name__ == "__main__":
    TABLE.write_text(table_text(), "utf-8")
