"""Gates: which fact makes one hold, what ends it, and when it cannot be judged."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from cards._families.dialysis.family import dialysis
from cards._families.icu.family import icu
from cards._families.palliative.family import palliative
from cards._families.pre_eclampsia.family import pre_eclampsia
from cards._families.pregnancy.family import pregnancy
from cds_service.errors import CannotTellError
from cds_service.facts.moments import Moment
from cds_service.facts.patient import Needs, Patient
from cds_service.facts.records import Exposure, Person, Problem, Stay
from tests.cards.drugs import drug
from tests.shipped import knowledge
from tests.unit.engine.charts import NOW, moment, result, snapshot

GATES = frozenset({"dialysis", "pregnancy", "palliative", "icu", "pre-eclampsia"})
DAY = timedelta(days=1)


def ask(gate: Callable[..., Any], sex: str | None = "female", **chart: Any) -> Any:
    person = Person("p", moment(30 * 365 * DAY), sex, False)
    return Patient(snapshot(person=person, **chart), Needs(uses=GATES), knowledge().families).ask(gate)


def problem(group: str, days: int | None, **other: Any) -> Problem:
    values: dict[str, Any] = {"active": True, "confirmed": True, "by_text": False, "ref": group} | other
    return Problem(group, group, None if days is None else moment(days * DAY), **values)


def by_group(*problems: Problem) -> dict[str, tuple[Problem, ...]]:
    return {one.group: tuple(other for other in problems if other.group == one.group) for one in problems}


@pytest.mark.parametrize("gate", [dialysis, pregnancy, palliative])
def test_a_gate_that_nothing_speaks_for_needs_the_whole_problem_list(gate: Callable[..., Any]) -> None:
    assert ask(gate) is None
    with pytest.raises(CannotTellError, match=r"^conditions$"):
        ask(gate, coverage={})


@pytest.mark.parametrize(
    ("transplant", "holds"),
    [(None, True), (problem("kidney-transplant", 100), False), (problem("kidney-transplant", 900), True),
     (problem("kidney-transplant", 800), True), (problem("kidney-transplant", None), True)],
)  # fmt: skip
def test_a_transplant_ends_dialysis_only_when_it_came_after_it(transplant: Problem | None, holds: bool) -> None:
    found = [one for one in (problem("dialysis", 800), transplant) if one is not None]
    assert (ask(dialysis, problems=by_group(*found)) is not None) is holds
    if transplant is not None:
        beside: dict[str, Any] = {"problems": by_group(found[0]), "procedures": by_group(transplant)}
        assert (ask(dialysis, **beside) is not None) is holds


def test_a_transplant_ends_a_dialysis_of_unknown_date() -> None:
    assert ask(dialysis, problems=by_group(problem("dialysis", None), problem("kidney-transplant", 100))) is None
    assert ask(dialysis, problems=by_group(problem("dialysis", None))) is not None


def test_dialysis_again_after_a_transplant_is_dialysis() -> None:
    again = problem("dialysis", 900, ended=moment(10 * DAY))
    assert ask(dialysis, procedures=by_group(again), problems=by_group(problem("kidney-transplant", 500))) is again


@pytest.mark.parametrize(
    ("session", "holds"),
    [(problem("dialysis", 90), True), (problem("dialysis", 91), False), (problem("dialysis", 900, ongoing=True), True),
     (problem("dialysis", 900, ended=moment(90 * DAY)), True)],
)  # fmt: skip
def test_a_session_counts_for_ninety_days_and_a_treatment_until_it_ends(session: Problem, holds: bool) -> None:
    assert (ask(dialysis, procedures=by_group(session)) is not None) is holds


def test_a_man_is_not_pregnant_whatever_is_coded() -> None:
    coded = by_group(problem("pregnancy", 100))
    assert ask(pregnancy, problems=coded) is not None
    assert ask(pregnancy, None, problems=coded) is not None
    assert ask(pregnancy, "male", problems=coded) is None


@pytest.mark.parametrize(
    ("delivery", "holds"), [(problem("delivery", 10), False), (problem("delivery", 100), True),
                            (problem("delivery", 500), True), (problem("delivery", None), True)],
)  # fmt: skip
def test_only_a_delivery_after_the_record_ends_a_pregnancy(delivery: Problem, holds: bool) -> None:
    assert (ask(pregnancy, problems=by_group(problem("pregnancy", 100), delivery)) is not None) is holds


def test_a_pregnancy_without_a_date_lasts_as_long_as_it_is_active() -> None:
    assert ask(pregnancy, problems=by_group(problem("pregnancy", None), problem("delivery", 10))) is not None
    assert ask(pregnancy, problems=by_group(problem("pregnancy", 300))) is not None
    assert ask(pregnancy, problems=by_group(problem("pregnancy", 301))) is None


@pytest.mark.parametrize(("days", "holds"), [(-14, True), (-15, False), (280, True), (281, False)])
def test_a_due_date_speaks_for_pregnancy_from_forty_weeks_before_to_two_after(days: int, holds: bool) -> None:
    due = result(str((NOW + days * DAY).date().toordinal()), concept="expected-delivery-date")
    assert (ask(pregnancy, results={"expected-delivery-date": (due,)}) is not None) is holds


def test_a_status_of_not_pregnant_says_nothing() -> None:
    for value, holds in (("0", False), ("1", True)):
        status = result(value, concept="pregnancy-status")
        assert (ask(pregnancy, results={"pregnancy-status": (status,)}) is not None) is holds


def test_intensive_care_is_a_stay_in_hospital_on_a_listed_ward() -> None:
    stay = Stay("Encounter/1", True, "in-progress", "", False, None, frozenset({"1A"}))
    wards = {"icu_locations": frozenset({"1A", "2B"})}
    assert ask(icu, stay=stay, settings=wards) is stay
    assert ask(icu, stay=stay) is None
    assert ask(icu, settings=wards) is None
    assert ask(icu, stay=msgspec.structs.replace(stay, inpatient=False), settings=wards) is None
    assert ask(icu, stay=msgspec.structs.replace(stay, codes=frozenset({"3C"})), settings=wards) is None


def infusion(ended: Moment | None = None, **other: Any) -> Exposure:
    past = {"status": "past", "until": ended} if ended is not None else {}
    return drug("magnesium-sulfate", **({"groups": frozenset({"magnesium"}), "route": "intravenous"} | past | other))


@pytest.mark.parametrize(
    ("given", "holds"),
    [(infusion(), True), (infusion(route="oral"), False), (infusion(moment(2 * DAY)), True),
     (infusion(moment(2 * DAY + timedelta(seconds=1))), False), (infusion(moment(DAY), route="oral"), False),
     (infusion(status="past"), False)],
)  # fmt: skip
def test_pre_eclampsia_is_magnesium_into_a_vein_now_or_lately_in_pregnancy(given: Exposure, holds: bool) -> None:
    chart: dict[str, Any] = {"exposures": {"magnesium": (given,)}, "problems": by_group(problem("pregnancy", 100))}
    assert (ask(pre_eclampsia, **chart) is given) is holds
    assert ask(pre_eclampsia, "male", **chart) is None


def test_pre_eclampsia_lasts_beyond_the_delivery() -> None:
    after = by_group(problem("pregnancy", 200), problem("delivery", 3))
    assert ask(pre_eclampsia, exposures={"magnesium": (infusion(),)}, problems=after) is not None
    assert ask(pre_eclampsia, exposures={"magnesium": (infusion(),)}) is None
    with pytest.raises(CannotTellError):
        ask(pre_eclampsia, exposures={"magnesium": (infusion(),)}, coverage={})
