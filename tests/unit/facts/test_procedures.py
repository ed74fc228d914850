"""Which procedures count within a window: operations by their start, treatments that last by their end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from cds_service.facts.patient import Needs, Patient
from tests.unit.fhir.charts import SNOMED, SUBJECT, chart, concept

WINDOW = timedelta(days=90)
LONG_AGO, LATELY = "2024-01-10", "2026-11-01"


def underwent(lasting: bool, **more: Any) -> bool:
    session = {"resourceType": "Procedure", "id": "d1", "status": "completed", "subject": SUBJECT}
    snapshot = chart(session | {"code": concept("105502003", system=SNOMED)} | more, key="procedures")
    patient = Patient(snapshot, Needs(procedures=frozenset({"dialysis"})), {})
    return patient.underwent("dialysis", within=WINDOW, lasting=lasting) is not None


@pytest.mark.parametrize(
    ("members", "lasting", "counts"),
    [
        ({"performedDateTime": LATELY}, False, True),
        ({"performedDateTime": LONG_AGO}, True, False),
        ({"performedPeriod": {"start": LONG_AGO}}, True, True),
        ({"performedPeriod": {"start": LONG_AGO}}, False, False),
        ({"performedDateTime": LONG_AGO, "status": "in-progress"}, True, True),
        ({"performedPeriod": {"start": LONG_AGO, "end": LATELY}}, True, True),
        ({"performedPeriod": {"start": LONG_AGO, "end": LATELY}}, False, False),
        ({"performedPeriod": {"start": LONG_AGO, "end": "2024-06-01"}}, True, False),
    ],
)
def test_a_lasting_treatment_counts_by_its_end(members: dict[str, Any], lasting: bool, counts: bool) -> None:
    assert underwent(lasting, **members) is counts
