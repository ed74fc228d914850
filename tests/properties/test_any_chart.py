"""Whatever JSON a chart holds, reading it never raises, no rule crashes, and an answer comes."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.facts.snapshot import Snapshot
from tests.properties.charts import STORIES, call_of, chart_of, decided, few

KINDS = (
    "Patient", "Encounter", "Observation", "Condition", "Procedure", "MedicationRequest", "MedicationStatement",
    "ServiceRequest", "Medication", "Specimen", "OperationOutcome", "MedicationOrder", "Whatever",
)  # fmt: skip
MEMBERS = (
    "id", "status", "intent", "code", "coding", "system", "text", "subject", "reference", "valueQuantity", "value",
    "unit", "comparator", "effectiveDateTime", "birthDate", "component", "referenceRange", "low", "note", "extension",
    "modifierExtension", "url", "contained", "medicationCodeableConcept", "medicationReference", "dosageInstruction",
    "timing", "repeat", "period", "clinicalStatus", "onsetDateTime", "class", "location", "meta", "interpretation",
)  # fmt: skip
TEXTS = st.sampled_from(
    [
        "", "final", "active", "2026-11-20", "2026", "9999-12-31", "0001-01-01T00:00:00Z", "Patient/adult", "#x",
        "http://loinc.org", "2601-3", "mmol/L", "<", "0.45", "NaN", "urn:uuid:", "\u0000", "é", "x" * 500,
    ]
)  # fmt: skip
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-(10**25), 10**25), st.floats(allow_nan=False), TEXTS)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(MEMBERS), inner, max_size=5)
)
RESOURCES = st.builds(
    lambda kind, members: {"resourceType": kind, **members},
    st.sampled_from(KINDS),
    st.dictionaries(st.sampled_from(MEMBERS), JSON, max_size=8),
)


@few
@given(st.dictionaries(st.sampled_from(sorted(chart_of(STORIES[0]))), st.lists(RESOURCES | JSON, max_size=4)))
def test_arbitrary_json_is_read_without_an_error(chart: dict[str, list[Any]]) -> None:
    assert isinstance(decided(call_of(chart, "adult")).snapshot, Snapshot)


@few
@given(st.lists(RESOURCES | JSON, max_size=4))
def test_arbitrary_drafts_are_read_without_an_error(drafts: list[Any]) -> None:
    assert "cards" in decided(call_of({"patient": []}, "adult", "order-sign", drafts)).response


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, member) below a value."""
    members = list(value.items()) if isinstance(value, dict) else list(enumerate(value))
    below = [place for _, member in members if isinstance(member, dict | list) for place in places(member)]
    return [(value, name) for name, _ in members] + below


@pytest.mark.parametrize("name", STORIES)
@few
@given(data=st.data())
def test_a_valid_chart_with_broken_pieces_is_read_without_a_crash(name: str, data: st.DataObject) -> None:
    chart = copy.deepcopy(chart_of(name))
    patient_id = chart["patient"][0]["id"]
    for _ in range(data.draw(st.integers(1, 3))):
        container, member = data.draw(st.sampled_from(places([found for found in chart.values() if found])))
        if data.draw(st.booleans()) and isinstance(container, dict):
            container.pop(member, None)
        elif isinstance(container, dict) or len(container) > member:
            container[member] = data.draw(JSON)
    decision = decided(call_of(chart, patient_id))
    assert isinstance(decision.response["cards"], list)
    assert not [verdict for verdict in decision.trace if any("internal error" in item for item in verdict.missing)]
