"""Public patients, saved as fixtures: nothing of them is left either."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cds_service.ehr.deidentify import Deidentified
from tests.real_data.charts import SETS, is_present, read_charts, request_for
from tests.shipped import released
from tests.unit.ehr.traces import traces

NEEDED = [
    pytest.param(name, marks=pytest.mark.skipif(not is_present(name), reason=f"../shared/data/{name} is not there"))
    for name in SETS
]


@pytest.mark.parametrize("name", NEEDED)
def test_nothing_of_a_public_patient_is_left(name: str) -> None:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    for chart in read_charts(name)[:25]:
        request = request_for(chart, released().key_plan, sloppy=True)
        assert traces(request, Deidentified(request, -60_000, now).request) == []
