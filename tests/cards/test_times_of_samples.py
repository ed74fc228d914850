"""Samples and doses in time: which infusion spoils a sample, which order came after it, which ECG or weight counts."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from cards._families.drug_monitoring.courses import lasted
from cards._families.intravenous_magnesium.family import intravenous_magnesium
from cards._families.magnesium_dosing.family import is_after, magnesium_dosing, placed_after, time_since_dose
from cards._families.magnesium_loading.family import magnesium_retention
from cards._families.qtc_reading.family import qtc_reading
from cards._families.refeeding_risk.family import refeeding_risk
from cards._families.sample_quality.family import sample_quality
from cards._families.urine_collection.family import urine_collection
from cds_service.errors import CannotTellError
from cds_service.facts.moments import Moment, parse_moment
from cds_service.facts.patient import Needs, Patient
from cds_service.facts.records import Dosage, Exposure, LabOrder, Result, Unusable
from tests.cards.asking import DAY, ask, measured, problem, taken
from tests.unit.engine.charts import ZONE, moment, snapshot

HOUR = timedelta(hours=1)
PATIENT = Patient(snapshot(), Needs(), {})


def day(text: str) -> Moment:
    found = parse_moment(text, ZONE)
    assert found is not None
    return found


def infusion(since: int | None, until: int | None = None, **other: Any) -> Exposure:
    times = {
        "since": None if since is None else moment(since * HOUR),
        "until": None if until is None else moment(until * HOUR),
    }
    status = "active" if until is None else "past"
    return taken("magnesium", **({"route": "intravenous", "status": status} | times | other))


def magnesium(ago: int) -> Result:
    return measured("magnesium-serum", "0.80", ago * HOUR)


@pytest.mark.parametrize(
    ("given", "after"),
    [
        (infusion(10), 0), (infusion(5), 0), (infusion(4), None), (infusion(30, 20), 15), (infusion(30, 3), 0),
        (infusion(4, 3), None), (infusion(None, 20), 15), (infusion(None), 0),
        (infusion(None, status="past", authored=moment(10 * HOUR)), 5),
        (infusion(20, status="past"), 15), (infusion(None, status="past"), None),
        (infusion(None, authored=moment(3 * HOUR)), None), (infusion(30, 20, status="active"), 15),
    ],
)  # fmt: skip
def test_how_long_after_a_dose_a_sample_was_taken(given: Exposure, after: int | None) -> None:
    assert time_since_dose(magnesium(5), given) == (None if after is None else after * HOUR)


def test_an_infusion_spoils_a_sample_for_a_day() -> None:
    for until, spoils in ((29, False), (28, True), (6, True)):
        given = infusion(40, until)
        found = ask(magnesium_dosing, magnesium(5), given)
        assert (found.spoils(magnesium(5)) is given) is spoils
    assert ask(magnesium_dosing, magnesium(5)).spoils(magnesium(5)) is None


def test_nothing_was_given_and_nothing_ordered_without_magnesium() -> None:
    found = ask(magnesium_dosing, infusion(10))
    assert (len(found.infusions), found.peak, found.repletion, found.recheck) == (1, None, None, None)
    order = LabOrder("magnesium-serum", moment(HOUR), "ServiceRequest/1")
    orders = {"magnesium-serum": (order,)}
    assert ask(magnesium_dosing, orders=orders).recheck is None
    assert ask(magnesium_dosing, magnesium(5), orders=orders).recheck is order
    assert ask(magnesium_dosing, magnesium(5), infusion(10), orders=orders).recheck is order


@pytest.mark.parametrize(
    ("authored", "since", "after"),
    [(4, None, True), (None, 4, True), (6, 4, False), (4, 6, True), (6, None, False), (None, None, False)],
)
def test_a_product_is_placed_when_it_was_written_or_else_when_it_began(
    authored: int | None, since: int | None, after: bool
) -> None:
    product = infusion(since, authored=None if authored is None else moment(authored * HOUR))
    assert placed_after(product, magnesium(5), PATIENT) is after


@pytest.mark.parametrize(
    ("one", "draw", "after"),
    [
        ("2026-11-20", "2026-11-20", True), ("2026-11-19", "2026-11-20", False),
        ("2026-11-20", "2026-11-20T20:00:00Z", True), ("2026-11-20T01:00:00Z", "2026-11-20", True),
        ("2026-11-19T22:00:00Z", "2026-11-20", False), ("2026-11-20T10:00:00Z", "2026-11-20T10:00:00Z", False),
        ("2026-11-20T10:00:01Z", "2026-11-20T10:00:00Z", True), ("2026-11-20T09:00:00Z", "2026-11-20T10:00:00Z", False),
    ],
)  # fmt: skip
def test_on_a_day_without_a_time_the_same_day_counts_as_after(one: str, draw: str, after: bool) -> None:
    assert is_after(day(one), day(draw), PATIENT) is after


@pytest.mark.parametrize(
    ("exposure", "days"),
    [
        (taken("x", since=moment(9 * DAY)), 9), (taken("x"), None),
        (taken("x", status="past", since=moment(9 * DAY), until=moment(2 * DAY)), 7),
        (taken("x", status="past", since=moment(9 * DAY)), None),
        (taken("x", status="past", until=moment(2 * DAY)), None),
        (taken("x", since=moment(9 * DAY), until=moment(-20 * DAY)), 9),
    ],
)  # fmt: skip
def test_a_course_lasts_until_now_or_until_its_end(exposure: Exposure, days: int | None) -> None:
    assert lasted(PATIENT, exposure) == (None if days is None else days * DAY)


@pytest.mark.parametrize("word", ["infusion", "drip", "continuous", "perfusor", "pomp", "pump"])
def test_a_word_for_an_infusion_makes_a_small_dose_a_large_one(word: str) -> None:
    small, large = Dosage(Decimal(1), "g"), Dosage(Decimal(4), "g")
    for given in (
        infusion(1, name=f"magnesium {word}", dosages=(small,)),
        infusion(1, dosages=(msgspec.structs.replace(small, text=f"per {word.upper()}"),)),
        infusion(1, dosages=(small, large)),
    ):
        assert ask(intravenous_magnesium, given).large == (given,)
    assert ask(intravenous_magnesium, infusion(1, dosages=(small, small))).large == ()


def test_only_the_drafts_of_this_call_are_judged() -> None:
    judged, other = (infusion(None, status="draft", judged=judged) for judged in (True, False))
    found = ask(intravenous_magnesium, judged, other)
    assert (found.judged, found.drafts) == ((judged,), (judged, other))


@pytest.mark.parametrize(
    ("amount", "unit", "large"),
    [("2", "g", True), ("1.99", "g", False), ("1999", "mg", False), ("8", "mmol", True), ("7.9", "mmol", False),
     ("1", "mL", True), ("1", "g/h", True), ("1", "ampoule", True)],
)  # fmt: skip
def test_a_dose_is_small_only_when_it_is_known_to_be(amount: str, unit: str, large: bool) -> None:
    given = infusion(1, dosages=(Dosage(Decimal(amount), unit),))
    assert bool(ask(intravenous_magnesium, given).large) is large
    assert ask(intravenous_magnesium, infusion(1, route="oral")).running == ()


def test_an_infusion_that_ended_counts_for_a_day() -> None:
    for until, counts in ((24, True), (25, False)):
        assert bool(ask(intravenous_magnesium, infusion(40, until)).running) is counts
    assert ask(intravenous_magnesium, infusion(40, 5, route="oral")).running == ()
    assert ask(intravenous_magnesium, infusion(40, status="past")).running == ()


def qtc(value: str, ago: timedelta, *formula: str, **other: Any) -> Result:
    return measured("qtc", value, ago, flags=tuple(f"by-{name}" for name in formula), **other)


def test_of_one_ecg_the_best_formula_counts() -> None:
    bazett, unnamed, fridericia, none = (
        qtc(value, HOUR, *formula)
        for value, formula in (("480", ["bazett"]), ("470", ["unnamed-formula"]), ("460", ["fridericia"]), ("490", []))
    )
    assert ask(qtc_reading, none, bazett).result is bazett
    assert ask(qtc_reading, bazett, unnamed).result is unnamed
    assert ask(qtc_reading, bazett, unnamed, fridericia).result is fridericia


def test_a_rise_is_against_an_ecg_of_a_day_before_by_the_same_formula() -> None:
    now = qtc("500", HOUR, "bazett")
    other, same = qtc("400", 30 * HOUR, "fridericia"), qtc("440", 40 * HOUR, "bazett")
    found = ask(qtc_reading, now, qtc("450", 20 * HOUR, "bazett"), other, same)
    assert (found.earlier, found.rise) == (same, 60)
    assert ask(qtc_reading, now).rise is None
    assert ask(qtc_reading, now, qtc("440", 40 * HOUR, "bazett", comparator="<")).rise is None
    assert ask(qtc_reading, qtc("500", HOUR, "bazett", age="stale")).result is None


def potassium(value: str) -> Result:
    return measured("potassium", value)


def test_a_sample_with_edta_doubts_the_high_potassium_and_the_low_rest() -> None:
    low = (measured("calcium-total", "1.50"), measured("alkaline-phosphatase", "20"))
    found = ask(sample_quality, potassium("6.5"), *low)
    assert (found.high, found.low) == ({"potassium"}, {"calcium-total", "alkaline-phosphatase"})
    assert not found.replaces_low("potassium")
    assert ask(sample_quality, potassium("6.5"), low[0]).edta == ()
    assert ask(sample_quality, potassium("4.5"), *low).edta == ()


def test_results_of_a_day_without_a_time_are_of_one_draw_only_by_their_specimen() -> None:
    at = day("2026-11-20")
    found = [
        measured(*one) for one in (("potassium", "6.5"), ("calcium-total", "1.50"), ("alkaline-phosphatase", "20"))
    ]
    dated = [msgspec.structs.replace(one, at=at) for one in found]
    assert ask(sample_quality, *dated).edta == ()
    assert ask(sample_quality, dated[0], *found[1:]).edta == ()
    assert ask(sample_quality, found[0], *dated[1:]).edta == ()
    assert len(ask(sample_quality, *[msgspec.structs.replace(one, specimen="s1") for one in dated]).edta) == 3


def test_the_newest_result_of_a_doubtful_unit_is_told_whatever_else_is_unusable() -> None:
    def unusable(reason: str, hours: int, value: str | None) -> Unusable:
        number = None if value is None else Decimal(value)
        return Unusable("magnesium-serum", reason, moment(hours * HOUR), "1.9", f"Observation/{hours}", number)

    suspect = unusable("dq-unit-suspect", 5, "1.90")
    for chart, told in (
        ((unusable("dq-implausible", 1, None), suspect), (suspect,)),
        ((suspect,), (suspect,)),
        ((unusable("dq-unit-suspect", 5, "0.80"),), ()),
        ((unusable("dq-unit-suspect", 24 * 91, "1.90"),), ()),
    ):
        assert ask(sample_quality, unusable={"magnesium-serum": chart}).unit_suspect == told
    assert ask(sample_quality, magnesium(1), unusable={"magnesium-serum": (suspect,)}).unit_suspect == ()


def urine(value: str, ago: timedelta) -> Result:
    return measured("magnesium-urine-24h", value, ago)


@pytest.mark.parametrize(("age", "counts"), [("fresh", True), ("recent", True), ("stale", False), ("ignored", False)])
def test_a_serum_magnesium_that_is_too_old_does_not_go_with_a_collection(age: str, counts: bool) -> None:
    serum = measured("magnesium-serum", "0.60", 20 * HOUR, age=age)
    assert (ask(urine_collection, urine("4.0", DAY), serum).serum is not None) is counts


def test_a_loading_test_is_found_by_its_start_or_when_it_was_written() -> None:
    before, after = urine("3.0", 80 * HOUR), urine("20.0", 20 * HOUR)
    dose = (Dosage(Decimal(30), "mmol"),)
    for times in ({"since": moment(50 * HOUR)}, {"authored": moment(50 * HOUR)}):
        test = taken("magnesium", name="magnesium loading test", dosages=dose, **times)
        found = ask(magnesium_retention, after, before, test)
        assert (found.baseline, found.post, found.dose) == (before, after, 30)
    assert ask(magnesium_retention, after, before) is None
    test = taken("magnesium", name="magnesium loading test", dosages=dose, since=moment(50 * HOUR))
    with pytest.raises(CannotTellError, match="loading test"):
        ask(magnesium_retention, after, test)
    with pytest.raises(CannotTellError, match="loading test"):
        ask(magnesium_retention, before, test)
    for unknown in (Dosage(), Dosage(Decimal(0), "mmol"), Dosage(Decimal(30), "g"), Dosage(Decimal(30), "mmol/h")):
        with pytest.raises(CannotTellError, match="loading test"):
            ask(magnesium_retention, after, before, taken("magnesium", name="magnesium loading test",
                                                          dosages=(unknown,), since=moment(50 * HOUR)))  # fmt: skip


def test_weight_is_lost_against_the_highest_weight_before() -> None:
    occasion = problem("malnutrition")
    now, lower, higher = (
        measured("body-weight", value, days * DAY) for value, days in (("60", 1), ("70", 20), ("80", 30))
    )
    assert ask(refeeding_risk, occasion, now, lower, higher).criteria[-2:] == (now, higher)
    assert now not in ask(refeeding_risk, occasion, now).criteria
    assert now not in ask(refeeding_risk, occasion, now, measured("body-weight", "59", 20 * DAY)).criteria


def test_a_weight_that_is_only_a_bound_is_no_weight() -> None:
    occasion, now = problem("malnutrition"), measured("body-weight", "60", DAY)
    bound = measured("body-weight", "90", 20 * DAY, comparator=">")
    assert ask(refeeding_risk, occasion, now, bound).criteria == ()


def test_without_an_occasion_there_is_no_refeeding_risk_to_weigh() -> None:
    found = ask(refeeding_risk, measured("body-weight", "60", DAY), measured("body-weight", "90", 20 * DAY))
    assert (found.occasions, found.criteria, found.unknown, found.high) == ((), (), (), False)


def test_the_latest_of_several_loading_tests_counts() -> None:
    before, after = urine("3.0", 80 * HOUR), urine("20.0", 20 * HOUR)
    old, new = (
        taken("magnesium", name="magnesium loading test", since=moment(hours * HOUR),
              dosages=(Dosage(Decimal(dose), unit),))
        for hours, dose, unit in ((900, 40, "mmol"), (50, 60, "meq"))
    )  # fmt: skip
    for tests in ((old, new), (new, old)):
        found = ask(magnesium_retention, after, before, *tests)
        assert (found.order, found.dose) == (new, 30)


@pytest.mark.parametrize(("amount", "unit", "dose"), [("1", "mmol", 1), ("0.03", "mol", 30), ("0.02", "keq", None)])
def test_a_loading_dose_is_one_amount_of_magnesium(amount: str, unit: str, dose: int | None) -> None:
    chart = [urine("20.0", 20 * HOUR), urine("3.0", 80 * HOUR)]
    test = taken("magnesium", name="magnesium loading test", since=moment(50 * HOUR),
                 dosages=(Dosage(Decimal(amount), unit),))  # fmt: skip
    if dose is None:
        with pytest.raises(CannotTellError, match="loading test"):
            ask(magnesium_retention, *chart, test)
    else:
        assert ask(magnesium_retention, *chart, test).dose == dose


def test_two_amounts_are_no_loading_dose() -> None:
    doses = tuple(Dosage(Decimal(amount), "mmol") for amount in (20, 30))
    test = taken("magnesium", name="magnesium loading test", since=moment(50 * HOUR), dosages=doses)
    with pytest.raises(CannotTellError, match="loading test"):
        ask(magnesium_retention, urine("20.0", 20 * HOUR), urine("3.0", 80 * HOUR), test)


def test_magnesium_into_a_vein_around_the_procedure_is_a_loading_test() -> None:
    chart = [urine("20.0", 20 * HOUR), urine("3.0", 80 * HOUR)]
    dose = (Dosage(Decimal(30), "mmol"),)
    for times in ({"since": moment(50 * HOUR)}, {"authored": moment(50 * HOUR)}):
        order = taken("magnesium", route="intravenous", dosages=dose, **times)
        for hours, known in ((49, True), (500, False), (None, False)):
            at = None if hours is None else moment(hours * HOUR)
            done = {"magnesium-loading-test": (msgspec.structs.replace(problem("magnesium-loading-test"), at=at),)}
            found = ask(magnesium_retention, *chart, order, procedures=done)
            assert (found is not None) is known
            assert found is None or not found.by_order
        assert ask(magnesium_retention, *chart, order) is None
        named = msgspec.structs.replace(order, name="magnesium loading test")
        assert ask(magnesium_retention, *chart, named).by_order
