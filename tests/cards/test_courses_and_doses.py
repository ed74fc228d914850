"""How families read the records of courses and doses: which one is the last, the largest, or not known at all."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from cards._families.drug_monitoring.closer import Low
from cards._families.drug_monitoring.family import Data, Ended, Urgent, evaluate
from cards._families.feeding_start.family import feeding_start
from cards._families.fractional_excretion.family import fractional_excretion
from cards._families.intravenous_magnesium.family import intravenous_magnesium
from cards._families.kidney_function.family import kidney_function
from cards._families.laxative_misuse.family import laxative_misuse
from cards._families.magnesium_dosing.family import magnesium_dosing
from cards._families.potassium_context.family import potassium_context
from cds_service.errors import CannotTellError
from cds_service.facts.outcomes import Fires, Outcome
from cds_service.facts.patient import Limits, Needs, Patient
from cds_service.facts.records import Coverage, Dosage, Exposure, Person, Result
from tests.cards.asking import COMPLETE_KEYS, DAY, ask, measured, problem, taken
from tests.unit.engine.charts import moment, snapshot

HOUR = timedelta(hours=1)
SPANS = {"long": 90 * DAY, "often": 30 * DAY, "seldom": 365 * DAY, "recent": 7 * DAY}


def monitored(days: int | None = 400, **other: Any) -> Exposure:
    """The drug that is monitored, since so many days."""
    return taken("drug", **({"since": None if days is None else moment(days * DAY)} | other))


def monitor(*drugs: Exposure, last: timedelta | None = None, hook: str = "patient-view", **data: Any) -> Outcome:
    """What a monitoring rule says of these drugs when sodium was last measured so long ago."""
    results: list[Result] = [] if last is None else [measured("sodium", "140", last)]
    low = [measured("potassium", "3.0")] if data.pop("low", False) else []
    exposures: dict[str, tuple[Exposure, ...]] = {}
    for one in drugs:
        for group in one.groups:
            exposures[group] = (*exposures.get(group, ()), one)
    needs = Needs(
        results=frozenset({"sodium", "potassium"}), drugs=frozenset({"drug", "partner"}), orders=frozenset({"sodium"})
    )
    coverage = {key: Coverage("complete") for key in (*COMPLETE_KEYS, "orders")}
    chart = snapshot(*results, *low, exposures=exposures, coverage=coverage, hook=hook, concept_keys={"sodium": "labs"})
    table = Data(**({"drugs": ("drug",), "test": "sodium", "interval": "seldom", "order_window": "recent"} | data))
    return evaluate(Patient(chart, needs, {}), Limits({"low": Decimal("3.5")}, SPANS, table))


def test_a_recent_test_does_not_tell_when_a_drug_was_started() -> None:
    with pytest.raises(CannotTellError, match="start date"):
        monitor(monitored(None), last=DAY, alone="long")


def test_what_makes_a_test_urgent_decides_it_unless_it_is_a_result() -> None:
    partner = taken("partner")
    urgent = Urgent(drugs=("partner",), low=Low(result="potassium", below="low", within="recent"))
    found = monitor(monitored(), partner, low=True, urgent=urgent)
    assert isinstance(found, Fires)
    assert (found.variant, partner in found.because) == ("urgent", True)
    assert [fact.concept for fact in found.also if isinstance(fact, Result)] == ["potassium"]


def ended(days: int) -> Exposure:
    return monitored(400, status="past", until=moment(days * DAY))


@pytest.mark.parametrize(("last", "fires"), [(5 * DAY, False), (15 * DAY, True), (25 * DAY, True)])
def test_one_test_since_the_last_dose_of_the_last_course_is_enough(last: timedelta, fires: bool) -> None:
    once = Ended(within="often", once=True)
    assert isinstance(monitor(ended(20), ended(10), last=last, ended=once), Fires) is fires


def test_a_test_of_some_hours_before_the_last_dose_is_not_since() -> None:
    course = monitored(400, status="past", until=moment(2 * HOUR))
    assert isinstance(monitor(course, last=4 * HOUR, ended=Ended(within="often", once=True)), Fires)
    assert not isinstance(monitor(course, last=HOUR, ended=Ended(within="often", once=True)), Fires)


def test_a_start_that_is_unknown_does_not_hide_one_that_is_known() -> None:
    both = monitored(100), monitored(None)
    assert isinstance(monitor(*both, last=120 * DAY, alone="long", since_start=True), Fires)
    assert not isinstance(monitor(*both, last=80 * DAY, alone="long", since_start=True), Fires)


def test_of_two_first_prescriptions_the_longer_one_is_what_is_planned() -> None:
    drafts = [monitored(None, status="draft", judged=True, until=moment(-days * DAY)) for days in (10, 200)]
    data: dict[str, Any] = {"alone": "long", "with_cofactor": "long", "at_start_with": ("partner",)}
    assert isinstance(monitor(*drafts, taken("partner"), hook="order-sign", **data), Fires)
    assert not isinstance(monitor(drafts[0], taken("partner"), hook="order-sign", **data), Fires)


def test_every_kind_of_nutrition_support_is_a_start_and_the_newest_comes_first() -> None:
    kinds = {"nutrition-support": 9, "tube-feeding": 2, "parenteral-nutrition": 5}
    procedures = {kind: (problem(kind, days),) for kind, days in kinds.items()}
    found = ask(feeding_start, procedures=procedures)
    assert [start.fact.group for start in found] == ["tube-feeding", "parenteral-nutrition", "nutrition-support"]


def test_spot_urine_and_blood_belong_together_within_a_day_of_each_other() -> None:
    def excretion(urine: int, creatinine: int) -> object:
        """Magnesium in serum was measured 30 hours ago."""
        blood = measured("magnesium-serum", "0.60", 30 * HOUR), measured("creatinine", "80", creatinine * HOUR)
        spot = [measured(name, "3.0", urine * HOUR) for name in ("magnesium-urine-spot", "creatinine-urine")]
        return ask(fractional_excretion, *blood, *spot)

    assert excretion(42, 18) is not None
    assert excretion(43, 18) is None
    assert excretion(18, 43) is None


@pytest.mark.parametrize(
    ("amount", "unit", "large"),
    [("2", "g", True), ("1.9", "g", False), ("0.002", "kg", True), ("0.001", "kg", False), ("0.008", "mol", True)],
)
def test_a_dose_into_a_vein_is_large_in_whatever_unit_it_is_written(amount: str, unit: str, large: bool) -> None:
    dose = Dosage(amount=Decimal(amount), unit=unit)
    given = taken("magnesium", route="intravenous", dosages=(dose,), name="magnesium sulfate")
    assert bool(ask(intravenous_magnesium, given).large) is large


@pytest.mark.parametrize(("years", "computed"), [(17, False), (18, True)])
def test_clearance_is_computed_from_creatinine_from_eighteen_years_on(years: int, computed: bool) -> None:
    person = Person("p", moment((years * 366) * DAY), "female", False)
    found = ask(kidney_function, measured("creatinine", "80"), person=person)
    assert (found.egfr is not None) is computed


def laxative(*dosages: Dosage) -> object:
    """What a stimulant laxative of years, with an eating disorder, comes to."""
    used = taken("laxative-stimulant", since=moment(900 * DAY), dosages=dosages)
    return ask(laxative_misuse, used, problem("eating-disorder"))


def test_a_laxative_without_a_frequency_is_counted_as_daily() -> None:
    assert laxative(Dosage()) is not None
    assert laxative(Dosage(per_day=Decimal("0.2")), Dosage()) is not None


def test_what_is_taken_only_when_needed_does_not_make_a_laxative_daily() -> None:
    assert laxative(Dosage(per_day=Decimal("0.2")), Dosage(per_day=Decimal(3), as_needed=True)) is None
    assert laxative(Dosage(per_day=Decimal(1))) is not None


@pytest.mark.parametrize(
    ("route", "groups", "repletion"),
    [
        ("oral", (), True),
        ("oral", ("magnesium-supplement",), True),
        ("oral", ("laxative-magnesium",), False),
        ("rectal", (), False),
        ("intravenous", (), True),
    ],
)
def test_repletion_is_a_supplement_or_goes_into_a_vein(route: str, groups: tuple[str, ...], repletion: bool) -> None:
    ordered = taken("magnesium", groups=frozenset({"magnesium", *groups}), route=route, authored=moment(HOUR))
    found = ask(magnesium_dosing, measured("magnesium-serum", "0.60", 5 * HOUR), ordered)
    assert (found.repletion is not None) is repletion


def test_of_a_potassium_that_is_not_low_no_cause_is_looked_for() -> None:
    found = ask(potassium_context, measured("potassium", "4.0"), taken("loop-diuretic"))
    assert (found.band, found.causes) == (None, ())
    assert (found.moderate, found.within_site_range) == (False, False)
    assert ask(potassium_context, measured("potassium", "3.2"), taken("loop-diuretic")).causes
