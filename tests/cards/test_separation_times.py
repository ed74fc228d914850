"""Which recorded times and meals prove that two drugs stay apart, and which pair of several a card is about."""

from __future__ import annotations

from datetime import time, timedelta
from decimal import Decimal
from typing import Any

import pytest

from cards._families.kidney_function.family import KidneyFunction, kidney_function
from cards._families.separation.family import Data, evaluate
from cards._families.supplement_opener.family import supplement_opener
from cds_service.facts.moments import Moment
from cds_service.facts.outcomes import Fires, Phrase, Satisfied, Severity
from cds_service.facts.patient import FamilyKnowledge, Limits, Needs, Patient
from cds_service.facts.records import Dosage, Problem, ReferenceRange, Result
from tests.cards.drugs import NOW, chart, drug
from tests.cards.test_separation_tables import BOTH, SPANS, at, cation, egfr_result, judge, judge_rows, victim

FIRST: dict[str, Any] = {"labels": ({"region": "us", "before": "two"},)}
BOTH_CATIONS = ("cation-magnesium", "cation-calcium")


@pytest.mark.parametrize("code", ["MORN", "MORN.early", "MORN.late", "WAKE"])
def test_every_word_for_the_morning_is_before_the_evening(code: str) -> None:
    assert isinstance(judge(victim(when=(code,)), cation(when=("EVE",)), **FIRST), Satisfied)


@pytest.mark.parametrize("code", ["EVE", "EVE.early", "EVE.late", "NIGHT", "HS"])
def test_every_word_for_the_evening_is_after_the_morning(code: str) -> None:
    assert isinstance(judge(victim(when=("MORN",)), cation(when=(code,)), **FIRST), Satisfied)


@pytest.mark.parametrize("prefix", ["C", "AC", "PC"])
@pytest.mark.parametrize("meal", ["", "M", "D", "V"])
def test_before_with_and_after_a_meal_are_the_same_meal(prefix: str, meal: str) -> None:
    together = victim(when=(prefix + meal,)), cation(when=("C" + meal,))
    assert isinstance(judge(*together, with_food=True), Satisfied)


def test_a_word_that_is_no_part_of_the_day_proves_nothing() -> None:
    assert isinstance(judge(victim(when=("MORN", "CM")), cation(when=("EVE",)), **FIRST), Fires)


def test_a_word_that_is_no_meal_proves_no_meal() -> None:
    assert isinstance(judge(victim(when=("CM", "HS")), cation(when=("CM",)), with_food=True), Fires)


def test_a_dose_as_needed_has_no_time() -> None:
    assert isinstance(judge(victim(times=at(8), as_needed=True), cation(times=at(20)), **FIRST), Fires)


def test_a_part_of_the_day_that_ends_when_the_other_is_taken_may_be_the_same_moment() -> None:
    assert isinstance(judge(victim(times=at(12)), cation(when=("MORN",)), **FIRST), Fires)


def test_the_longest_time_after_the_cation_counts() -> None:
    half = {"labels": ({"region": "us", "before": "half"},), "severity": "warning"}
    rows = [
        half | {"cations": ("cation-magnesium",), "not_soon_after": "two"},
        half | {"cations": ("cation-calcium",), "not_soon_after": "four"},
    ]
    early, late = cation(*BOTH_CATIONS, times=at(4)), cation(*BOTH_CATIONS, times=at(5))
    assert isinstance(judge_rows(victim(times=at(8)), early, rows=rows), Satisfied)
    assert isinstance(judge_rows(victim(times=at(8)), late, rows=rows), Fires)


def test_of_two_pairs_the_one_to_avoid_leads() -> None:
    rows = [
        {"cations": ("cation-magnesium",), "severity": "warning", "never_apart": "far"},
        {"cations": ("cation-calcium",), "severity": "warning", "never_apart": "avoid"},
    ]
    found = judge_rows(victim(), cation("cation-magnesium"), cation("cation-calcium"), rows=rows)
    assert isinstance(found, Fires)
    assert found.variant == "avoid"


def test_a_row_that_is_only_information_adds_no_note_to_a_warning() -> None:
    rows = [
        {"cations": ("cation-magnesium",), "severity": "warning", "labels": (BOTH,), "notes": ("weighty",)},
        {"cations": ("cation-calcium",), "severity": "info", "labels": (BOTH,), "notes": ("light",)},
    ]
    found = judge_rows(victim(), cation(*BOTH_CATIONS), rows=rows)
    assert isinstance(found, Fires)
    assert [note for note in found.notes if isinstance(note, str)] == ["weighty"]


def test_victims_that_share_their_texts_are_not_named_beside_them() -> None:
    rows = [{"victims": ("victim", "other"), "labels": (BOTH,), "severity": "warning"}]
    found = judge_rows(victim(), drug("other", status="draft", judged=True), cation(), rows=rows)
    assert isinstance(found, Fires)
    assert [note.id for note in found.notes if isinstance(note, Phrase) and note.id.startswith("label")] == ["label"]


def clearance(egfr: str | None = None, dialysis: Problem | None = None) -> KidneyFunction:
    basis = None if egfr is None else egfr_result(egfr)
    value = None if basis is None else basis.value
    return KidneyFunction(value, basis, False, False, None, dialysis, Decimal(30))


def judge_kidneys(kidney: KidneyFunction, *rows: dict[str, Any]) -> Fires:
    """Two products, of magnesium and of calcium, ordered beside the victim by a patient with this kidney function."""
    needs = Needs(drugs=frozenset({"victim", *BOTH_CATIONS}), uses=frozenset({"kidney-function", "supplement-opener"}))
    snapshot = chart(victim(), cation("cation-magnesium"), cation("cation-calcium"))
    snapshot.answers.update({kidney_function: kidney, supplement_opener: ()})
    families: Any = {
        question: FamilyKnowledge(name, Limits({}, {}), Needs())
        for question, name in ((kidney_function, "kidney-function"), (supplement_opener, "supplement-opener"))
    }
    table = tuple({"victims": ("victim",), "labels": (BOTH,), "severity": "warning"} | row for row in rows)
    limits = Limits({"floor": Decimal(30), "higher": Decimal(60)}, SPANS, Data.model_validate({"rows": table}))
    found = evaluate(Patient(snapshot, needs, families), limits)
    assert isinstance(found, Fires)
    return found


def test_the_card_says_that_clearance_is_unknown_only_where_it_could_matter() -> None:
    plain = {"cations": ("cation-calcium",)}
    risky = {"cations": ("cation-magnesium",), "critical_below": "floor"}
    assert judge_kidneys(clearance(), risky, plain).unknown == ("unknown-egfr",)
    assert judge_kidneys(clearance("80"), risky, plain).unknown == ()
    assert judge_kidneys(clearance(), plain).unknown == ()


def test_dialysis_is_below_every_floor_and_among_the_facts() -> None:
    dialysis = Problem("dialysis", "dialysis", None, True, True, False, "Procedure/1")
    found = judge_kidneys(clearance("80", dialysis), {"cations": BOTH_CATIONS, "critical_below": "floor"})
    assert found.severity is Severity.CRITICAL
    assert dialysis in found.because


def test_of_two_floors_the_higher_one_counts() -> None:
    rows = [{"cations": BOTH_CATIONS, "critical_below": floor} for floor in ("floor", "higher")]
    assert judge_kidneys(clearance("59"), *rows).severity is Severity.CRITICAL
    assert judge_kidneys(clearance("60"), *rows).severity is Severity.WARNING


def ago(days: int) -> Moment:
    return Moment(NOW - timedelta(days=days), NOW - timedelta(days=days))


def thyroid(value: str, low: str | None, high: str | None) -> Result:
    bounds = ReferenceRange(None if low is None else Decimal(low), None if high is None else Decimal(high), "")
    return Result(
        "tsh", Decimal(value), "", value, "m[IU]/L", False, ago(1), "fresh", frozenset(), bounds, "Observation/2"
    )


def judge_settled(tsh: Result, since: int = 400) -> Severity | None:
    """A renewal of a drug taken for so many days beside a mineral taken for longer, with this result."""
    taken = drug("victim", since=ago(since))
    renewal = drug("victim", status="draft", judged=True, since=ago(0), dosages=(Dosage(),))
    mineral = drug("mineral", groups=frozenset({"cation-calcium"}), since=ago(500), dosages=(Dosage(),))
    needs = Needs(
        results=frozenset({"tsh"}),
        drugs=frozenset({"victim", "cation-calcium"}),
        uses=frozenset({"supplement-opener"}),
    )
    snapshot = chart(taken, renewal, mineral, results={"tsh": (tsh,)})
    snapshot.answers[supplement_opener] = ()
    families: Any = {supplement_opener: FamilyKnowledge("supplement-opener", Limits({}, {}), Needs())}
    data = Data.model_validate(
        {
            "rows": (
                {"victims": ("victim",), "cations": ("cation-calcium",), "labels": (BOTH,), "severity": "warning"},
            ),
            "settled": {"result": "tsh", "within": "window", "taken": "long"},
        }
    )
    spans = SPANS | {"window": timedelta(days=365), "long": timedelta(days=90)}
    found = evaluate(Patient(snapshot, needs, families), Limits({}, spans, data))
    assert isinstance(found, Fires)
    return found.severity


@pytest.mark.parametrize(
    ("value", "low", "high", "settled"),
    [
        ("0.4", "0.4", "4.0", True),
        ("4.0", "0.4", "4.0", True),
        ("0.3", "0.4", "4.0", False),
        ("4.1", "0.4", "4.0", False),
        ("2.0", None, "4.0", False),
        ("2.0", "0.4", None, False),
    ],
)
def test_a_pair_is_settled_by_a_result_within_its_range(
    value: str, low: str | None, high: str | None, settled: bool
) -> None:
    assert judge_settled(thyroid(value, low, high)) is (Severity.INFO if settled else Severity.WARNING)


def test_a_renewal_is_in_use_for_as_long_as_what_it_renews() -> None:
    normal = thyroid("2.0", "0.4", "4.0")
    assert (judge_settled(normal, 90), judge_settled(normal, 89)) == (Severity.INFO, Severity.WARNING)


def test_clock_times_count_to_the_minute() -> None:
    assert isinstance(judge(victim(times=(time(8, 1),)), cation(times=at(10)), **FIRST), Fires)
