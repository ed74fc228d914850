"""A site's own reference intervals stand in where a result carries none, for adults only."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from cds_service.facts.records import ReferenceRange, Result
from cds_service.fhir.call import Call, KeyAnswer
from cds_service.fhir.read.chart import read_chart
from tests.unit.fhir.charts import AMSTERDAM, KEYS, LOINC, NOW, PATIENT, SUBJECT, UCUM, VOCABULARY, raw

SITE = ReferenceRange(Decimal("0.70"), Decimal("1.00"), "0.70 - 1.00")


def magnesium(value: float, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation", "id": f"o{value}", "status": "final", "subject": SUBJECT,
        "code": {"coding": [{"system": LOINC, "code": "2601-3"}]},
        "effectiveDateTime": "2026-11-20T09:00:00+01:00",
        "valueQuantity": {"value": value, "unit": "mmol/L", "system": UCUM, "code": "mmol/L"},
    } | more  # fmt: skip


def results(*observations: dict[str, Any], concept: str = "magnesium-serum", birth: str = "1960-01-01") -> Any:
    vocabulary = msgspec.structs.replace(VOCABULARY, laboratory_ranges={concept: SITE})
    person = {"resourceType": "Patient", "id": PATIENT, "birthDate": birth}
    answers = {
        "patient": KeyAnswer("complete", (raw(person),)),
        "labsRare": KeyAnswer("complete", tuple(raw(one) for one in observations)),
    }
    return read_chart(Call("patient-view", PATIENT, NOW, answers), vocabulary, KEYS, AMSTERDAM)


def only(snapshot: Any) -> Result:
    (result,) = snapshot.results["magnesium-serum"]
    assert isinstance(result, Result)
    return result


@pytest.mark.parametrize(("value", "flags"), [(0.69, {"lab-low"}), (0.70, set()), (1.00, set()), (1.01, {"lab-high"})])
def test_a_result_without_a_range_is_judged_by_that_of_the_site(value: float, flags: set[str]) -> None:
    result = only(results(magnesium(value)))
    assert result.range == SITE
    assert result.flags == flags | {"site-range"}


def test_what_the_laboratory_says_of_the_value_stays() -> None:
    said = magnesium(0.80, interpretation=[{"coding": [{"code": "L"}]}])
    assert only(results(said)).flags == {"lab-low", "site-range"}


def test_a_result_with_its_own_range_keeps_it() -> None:
    own = magnesium(0.72, referenceRange=[{"low": {"value": 0.75, "unit": "mmol/L", "system": UCUM, "code": "mmol/L"}}])
    assert only(results(own)).flags == {"lab-low"}


def test_a_child_has_no_range_of_adults() -> None:
    assert only(results(magnesium(0.69), birth="2015-01-01")).range is None


def test_a_range_of_another_test_changes_nothing() -> None:
    assert only(results(magnesium(0.69), concept="potassium")).range is None


@pytest.mark.parametrize(("concept", "ranges"), [("magnesium-serum", [SITE]), ("potassium", [None])])
def test_both_of_two_conflicting_results_are_judged_by_the_same_range(concept: str, ranges: list[Any]) -> None:
    earlier = magnesium(0.60, effectiveDateTime="2026-11-20T08:30:00+01:00")
    chart = results(magnesium(0.90), earlier, concept=concept)
    assert [rival.range for rival in chart.conflicts["magnesium-serum"]] == ranges
