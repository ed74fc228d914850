"""Charts put on a FHIR server, as its own resources: every reference inside a chart becomes one on the server.

`python -m tests.fhir_server.loading` puts the fixture patients on the server that IONWISE_TEST_FHIR_URL names.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import requests

from cds_service.demo import AS_OF
from tests.fixtures.service import FIXTURES

Resource = dict[str, Any]

STORIES = tuple(sorted(path.stem for path in (FIXTURES / "patients").glob("*_*.json")))
# Its potassium is a component of a panel, and no search by code looks into components.
PANEL = "man_73_electrolyte_panel_moderate_hypokalaemia"
FOUND = tuple(story for story in STORIES if story != PANEL)
LONG_CHART = "linden-1"
POTASSIUMS = 130
SECONDS = 60

_EXACT = msgspec.json.Decoder(float_hook=Decimal)
_WRITE = msgspec.json.Encoder(decimal_format="number").encode
_REFERENCE = re.compile(rb'"reference": ?"([^"#]+)"')


def load(server: str, bundle: bytes) -> None:
    """Store the resources of a collection under their own ids. Fails, with what the server said, when it refuses."""
    entries = _EXACT.decode(bundle)["entry"]
    local = {entry["fullUrl"]: _address(entry["resource"]) for entry in entries if "fullUrl" in entry}
    text = _REFERENCE.sub(lambda found: _reference(found[1].decode(), local).encode(), bundle)
    resources = [entry["resource"] for entry in _EXACT.decode(text)["entry"]]
    put = [{"resource": one, "request": {"method": "PUT", "url": _address(one)}} for one in resources]
    body = _WRITE({"resourceType": "Bundle", "type": "transaction", "entry": put})
    headers = {"Content-Type": "application/fhir+json"}
    reply = requests.post(server, body, headers=headers, timeout=SECONDS)
    assert reply.ok, reply.text


def story_bundle(story: str) -> bytes:
    """The chart of a fixture patient, as it is in the file."""
    return Path(FIXTURES, "patients", f"{story}.json").read_bytes()


def collection(resources: Iterable[Mapping[str, Any]]) -> bytes:
    """A chart that stands in no file; its resources may refer to each other by `urn:uuid:` and the id."""
    entries = [{"fullUrl": f"urn:uuid:{one['id']}", "resource": one} for one in resources]
    return _WRITE({"resourceType": "Bundle", "type": "collection", "entry": entries})


def long_chart() -> list[Resource]:
    """A patient with more potassiums than fit on a page: one a day, all normal but the oldest."""
    subject = {"reference": f"Patient/{LONG_CHART}"}
    newest = datetime.fromisoformat(AS_OF).astimezone(UTC) - timedelta(hours=2)
    chart: list[Resource] = [
        {"resourceType": "Patient", "id": LONG_CHART, "name": [{"family": "Lindenlaanstra"}], "gender": "male",
         "birthDate": "1957-05-06"},
    ]  # fmt: skip
    for day in range(POTASSIUMS):
        low = day == POTASSIUMS - 1
        chart.append({
            "resourceType": "Observation", "id": f"{LONG_CHART}-k-{day}", "status": "final", "subject": subject,
            "code": {"coding": [{"system": "http://loinc.org", "code": "2823-3"}]},
            "effectiveDateTime": (newest - timedelta(days=day)).isoformat(),
            "valueQuantity": {"value": Decimal("2.9" if low else "4.1"), "unit": "mmol/L",
                              "system": "http://unitsofmeasure.org", "code": "mmol/L"},
        })  # fmt: skip
    return chart


def _reference(target: str, local: Mapping[str, str]) -> str:
    """As the server will know it: by its own address, or, of what did not come along, only by an identifier."""
    if target.startswith("urn:uuid:") and target not in local:
        return f'"identifier": {{"value": "{target}"}}'
    return f'"reference": "{local.get(target, target)}"'


def _address(resource: Mapping[str, Any]) -> str:
    return f"{resource['resourceType']}/{resource['id']}"


if __name__ == "__main__":
    for name in STORIES:
        load(os.environ["IONWISE_TEST_FHIR_URL"], story_bundle(name))
        patients = (one["resource"] for one in _EXACT.decode(story_bundle(name))["entry"])
        sys.stdout.write(" ".join(one["id"] for one in patients if one["resourceType"] == "Patient") + f" {name}\n")
