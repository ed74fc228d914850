"""What a separation table can say beyond the rules that use it: avoid, one side only, meals, clearance."""

from __future__ import annotations

from datetime import time, timedelta
from decimal import Decimal
from typing import Any

import pytest

from cards._families.kidney_function.family import KidneyFunction, kidney_function
from cards._families.separation.family import Data, evaluate
from cards._families.supplement_opener.family import supplement_opener
from cds_service.errors import CannotTellError
from cds_service.facts.moments import Moment
from cds_service.facts.outcomes import Fires, NotApplicable, Outcome, Phrase, Satisfied, Severity
from cds_service.facts.patient import FamilyKnowledge, Limits, Needs, Patient
from cds_service.facts.records import Dosage, Exposure, Result
from tests.cards.drugs import NOW, chart, drug

HOURS = {
    "half": 0.5,
    "two": 2,
    "four": 4,
    "six": 6,
    "morning_from": 5,
    "morning_to": 12,
    "late_from": 18,
    "late_to": 24,
}
SPANS = {name: timedelta(hours=hours) for name, hours in HOURS.items()}
BOTH = {"region": "us", "before": "two", "after": "six"}


def judge(*exposures: Exposure, egfr: str = "80", hook: str = "order-sign", **row: Any) -> Outcome:
    """A table of one row: victim against magnesium and calcium, with US label 2 h before and 6 h after."""
    return judge_rows(*exposures, rows=[{"labels": (BOTH,), "severity": "warning"} | row], egfr=egfr, hook=hook)


def judge_rows(*exposures: Exposure, rows: list[dict[str, Any]], egfr: str = "80", hook: str = "order-sign") -> Outcome:
    table = tuple({"victims": ("victim",), "cations": ("cation-magnesium", "cation-calcium")} | row for row in rows)
    data = Data.model_validate({"rows": table})
    needs = Needs(
        drugs=frozenset({"victim", "other", "cation-magnesium", "cation-calcium"}).union(
            *(row["cations"] for row in table)
        ),
        uses=frozenset({"kidney-function", "supplement-opener"}),
    )
    snapshot = chart(*exposures, hook=hook)
    basis = egfr_result(egfr)
    snapshot.answers[kidney_function] = KidneyFunction(basis.value, basis, False, False, False, None, Decimal(30))
    snapshot.answers[supplement_opener] = ()
    families = {
        kidney_function: FamilyKnowledge("kidney-function", Limits({}, {}), Needs()),
        supplement_opener: FamilyKnowledge("supplement-opener", Limits({}, {}), Needs()),
    }
    return evaluate(Patient(snapshot, needs, families), Limits({"floor": Decimal(30)}, SPANS, data))


def egfr_result(value: str) -> Result:
    moment = Moment(NOW, NOW, False)
    return Result(
        "egfr", Decimal(value), "", value, "mL/min", False, moment, "fresh", frozenset(), None, "Observation/1"
    )


def victim(**dosage: Any) -> Exposure:
    return drug("victim", dosages=(Dosage(**dosage),), status="draft", judged=True)


def cation(*groups: str, **dosage: Any) -> Exposure:
    return drug("mineral", groups=frozenset(groups or ("cation-magnesium",)), dosages=(Dosage(**dosage),))


def at(*hours: int) -> tuple[time, ...]:
    return tuple(time(hour) for hour in hours)


def test_avoid_is_never_satisfied_by_times() -> None:
    outcome = judge(victim(times=at(8)), cation(times=at(20)), never_apart="avoid", labels=())
    assert isinstance(outcome, Fires)
    assert outcome.variant == "avoid"


def test_a_drug_that_is_taken_first_needs_only_the_time_before() -> None:
    first: dict[str, Any] = {"labels": ({"region": "us", "before": "half"},)}
    assert isinstance(judge(victim(times=at(7)), cation(times=(time(7, 30),)), **first), Satisfied)
    outcome = judge(victim(times=at(7)), cation(times=(time(7, 29),)), **first)
    assert isinstance(outcome, Fires)
    assert (outcome.variant, outcome.values["before"]) == ("first", Phrase("minutes", {"count": Decimal(30)}))


def test_a_drug_that_only_must_come_later_may_come_any_time_before() -> None:
    later: dict[str, Any] = {"labels": ({"region": "us", "after": "two"},)}
    assert isinstance(judge(victim(times=at(8)), cation(times=at(9)), **later), Satisfied)
    outcome = judge(victim(times=at(9)), cation(times=at(8)), **later)
    assert isinstance(outcome, Fires)
    assert outcome.variant == "later"


def test_the_same_time_is_never_apart() -> None:
    assert isinstance(
        judge(victim(times=at(8)), cation(times=at(8)), labels=({"region": "us", "after": "two"},)), Fires
    )


def test_the_same_meal_satisfies_only_where_the_row_allows_it() -> None:
    together = (victim(when=("CM",)), cation(when=("CM",)))
    assert isinstance(judge(*together, with_food=True), Satisfied)
    assert isinstance(judge(*together), Fires)


def test_different_meals_are_not_together() -> None:
    assert isinstance(judge(victim(when=("CM",)), cation(when=("CD",)), with_food=True), Fires)


def test_with_food_holds_only_when_every_row_of_the_product_allows_it() -> None:
    label: dict[str, Any] = {"labels": (BOTH,), "severity": "warning"}
    calcium = label | {"cations": ("cation-calcium",), "with_food": True}
    rows = [label | {"cations": ("cation-magnesium",)}, calcium]
    meal: dict[str, Any] = {"when": ("C",)}
    assert isinstance(judge_rows(victim(**meal), cation("cation-calcium", **meal), rows=rows), Satisfied)
    both = cation("cation-calcium", "cation-magnesium", **meal)
    assert isinstance(judge_rows(victim(**meal), both, rows=rows), Fires)


def test_the_longest_interval_of_all_labels_and_cations_counts() -> None:
    rows = [
        {"cations": ("cation-magnesium",), "labels": (BOTH,), "severity": "info"},
        {
            "cations": ("cation-calcium",),
            "labels": ({"region": "eu", "before": "four", "after": "four"},),
            "severity": "warning",
        },
    ]
    outcome = judge_rows(victim(), cation("cation-calcium", "cation-magnesium"), rows=rows)
    assert isinstance(outcome, Fires)
    assert (outcome.severity, outcome.values["before"], outcome.values["after"]) == (
        Severity.WARNING,
        Phrase("hours", {"count": Decimal(4)}),
        Phrase("hours", {"count": Decimal(6)}),
    )
    assert sum(isinstance(note, Phrase) and note.id == "label" for note in outcome.notes) == 2


def test_victims_with_texts_of_their_own_are_named_beside_them() -> None:
    eu = {"region": "eu", "before": "four", "after": "four"}
    rows = [
        {"labels": (BOTH,), "severity": "warning"},
        {"victims": ("other",), "labels": (eu,), "severity": "warning"},
    ]
    other = drug("other", status="draft", judged=True)
    outcome = judge_rows(victim(), other, cation(), rows=rows)
    assert isinstance(outcome, Fires)
    lines = [note for note in outcome.notes if isinstance(note, Phrase) and note.id.startswith("label")]
    assert {(line.id, line.values["victim"].name) for line in lines} == {  # type: ignore[union-attr]
        ("label-of", "other"),
        ("label-of", "victim"),
    }


def test_poor_clearance_makes_a_pair_critical_where_the_row_says_so() -> None:
    pair = (victim(), cation())
    assert judge(*pair, critical_below="floor", egfr="29").severity is Severity.CRITICAL  # type: ignore[union-attr]
    assert judge(*pair, critical_below="floor", egfr="30").severity is Severity.WARNING  # type: ignore[union-attr]


def test_what_makes_a_pair_critical_is_among_its_facts() -> None:
    outcome = judge(victim(), cation(), critical_below="floor", egfr="29")
    assert isinstance(outcome, Fires)
    assert [fact.concept for fact in outcome.because if isinstance(fact, Result)] == ["egfr"]


def test_a_drug_that_is_taken_first_is_not_taken_soon_after_the_cation() -> None:
    first: dict[str, Any] = {"labels": ({"region": "us", "before": "half"},), "not_soon_after": "two"}
    assert isinstance(judge(victim(times=at(8)), cation(times=at(6)), **first), Satisfied)
    assert isinstance(judge(victim(times=at(8)), cation(times=(time(6, 1),)), **first), Fires)


def test_what_must_be_watched_is_never_satisfied_by_times_and_gives_way_to_an_interval() -> None:
    watch: dict[str, Any] = {"cations": ("cation-magnesium",), "severity": "info", "never_apart": "watch"}
    outcome = judge_rows(victim(times=at(8)), cation(times=at(20)), rows=[watch])
    assert isinstance(outcome, Fires)
    assert outcome.variant == "watch"
    spaced: dict[str, Any] = {"cations": ("cation-calcium",), "severity": "info", "labels": (BOTH,)}
    both = judge_rows(victim(), cation(), cation("cation-calcium"), rows=[watch, spaced])
    assert isinstance(both, Fires)
    assert both.variant == "apart"


def test_a_form_without_a_code_is_known_by_a_word_of_its_name() -> None:
    slow = drug("victim", name="Victim SR 20 mg", status="draft", judged=True)
    assert isinstance(judge(slow, cation(), named=("sr",)), Fires)
    assert not isinstance(judge(victim(), cation(), named=("sr",)), Fires)
    assert not isinstance(judge(slow, cation(), not_named=("sr",)), Fires)
    assert isinstance(judge(victim(), cation(), not_named=("sr",)), Fires)


def dose(of: str, unknown: str, **limit: str) -> dict[str, Any]:
    return {"amount": {"of": of, "per": "dose", "unknown": unknown} | limit}


@pytest.mark.parametrize(
    ("limit", "amount", "fires"),
    [
        ("at_least", 29, False),
        ("at_least", 30, True),
        ("above", 30, False),
        ("above", 31, True),
        ("below", 29, True),
        ("below", 30, False),
    ],
)
def test_a_row_may_ask_for_an_amount(limit: str, amount: int, fires: bool) -> None:
    given = victim(amount=Decimal(amount), unit="mg")
    outcome = judge(given, cation(), **dose("victim", "holds", **{limit: "floor"}))
    assert isinstance(outcome, Fires) is fires


def test_an_unknown_amount_counts_or_leaves_it_open_as_the_row_says() -> None:
    assert isinstance(judge(victim(), cation(), **dose("product", "holds", at_least="floor")), Fires)
    with pytest.raises(CannotTellError, match="dose of cation-magnesium"):
        judge(victim(), cation(), **dose("product", "cannot-tell", at_least="floor"))


def test_two_limits_for_one_amount_are_refused() -> None:
    with pytest.raises(ValueError, match="exactly one"):
        judge(victim(), cation(), **dose("victim", "holds", at_least="floor", above="floor"))


def test_at_hooks_without_orders_what_is_used_counts() -> None:
    used = drug("victim")
    assert not isinstance(judge(used, cation()), Fires)
    assert isinstance(judge(used, cation(), hook="patient-view"), Fires)


def lines(outcome: Outcome) -> list[str]:
    """The ids of the lines about pairs."""
    assert isinstance(outcome, Fires)
    found = [note.id for note in outcome.notes if isinstance(note, Phrase)]
    return [name for name in found if name == "counts-as" or name.startswith("pair")]


def test_two_products_are_two_lines_of_one_card() -> None:
    outcome = judge(victim(), cation(), cation("cation-calcium"))
    assert isinstance(outcome, Fires)
    assert lines(outcome) == ["counts-as", "counts-as"]
    assert len(outcome.because) == 3


def test_a_drug_in_use_that_is_ordered_again_is_one_line() -> None:
    again = drug("mineral", groups=frozenset({"cation-magnesium"}), status="draft", judged=True)
    outcome = judge(victim(), cation(), again)
    assert isinstance(outcome, Fires)
    assert lines(outcome) == ["counts-as"]
    assert len(outcome.because) == 3


def test_products_that_ask_for_different_times_have_their_times_in_their_lines() -> None:
    rows = [
        {"cations": ("cation-magnesium",), "labels": (BOTH,), "severity": "warning"},
        {"cations": ("cation-calcium",), "labels": (BOTH,), "severity": "warning", "never_apart": "far"},
    ]
    outcome = judge_rows(victim(), cation(), cation("cation-calcium"), rows=rows)
    assert lines(outcome) == ["pair-far", "pair"]


def said(outcome: Outcome, name: str) -> str:
    assert isinstance(outcome, Fires)
    phrase = outcome.values[name]
    assert isinstance(phrase, Phrase)
    return phrase.id


def test_the_card_tells_times_that_are_too_close_from_times_that_nobody_recorded() -> None:
    assert said(judge(victim(times=at(8)), cation(times=at(9))), "times") == "times-recorded"
    assert said(judge(victim(times=at(8)), cation()), "times") == "times-unrecorded"


def test_a_meal_is_proposed_only_when_all_products_may_be_taken_with_it() -> None:
    rows: list[dict[str, Any]] = [
        {"cations": ("cation-calcium",), "labels": (BOTH,), "severity": "warning", "with_food": True},
        {"cations": ("cation-magnesium",), "labels": (BOTH,), "severity": "warning"},
    ]
    calcium, magnesium = cation("cation-calcium"), cation()
    assert said(judge_rows(victim(), calcium, rows=rows), "plan") == "plan-with-food"
    assert said(judge_rows(victim(), calcium, magnesium, rows=rows), "plan") == "plan"


def test_the_same_interval_to_either_side_is_printed_once() -> None:
    equal = {"region": "us", "before": "two", "after": "two"}
    assert said(judge(victim(), cation(), labels=(equal,)), "rule") == "either-side"
    assert said(judge(victim(), cation()), "rule") == "both"


def test_a_product_that_holds_both_is_no_pair_with_itself() -> None:
    both = drug("victim", groups=frozenset({"cation-magnesium"}), status="draft", judged=True)
    assert not isinstance(judge(both), Fires)


def test_an_unidentified_drug_leaves_the_other_half_of_the_pair_open() -> None:
    with pytest.raises(CannotTellError):
        judge_without_list(victim())


def judge_without_list(*exposures: Exposure) -> Outcome:
    data = Data.model_validate(
        {"rows": ({"victims": ("victim",), "cations": ("cation-magnesium",), "severity": "info"},)}
    )
    needs = Needs(drugs=frozenset({"victim", "cation-magnesium"}))
    return evaluate(Patient(chart(*exposures, coverage={}), needs, {}), Limits({}, SPANS, data))


def test_a_table_with_an_unknown_member_is_refused() -> None:
    with pytest.raises(ValueError, match="minutes"):
        Data.model_validate({"rows": (), "minutes": 30})


def test_a_drug_that_no_row_keeps_apart_from_a_product_is_no_pair_with_it() -> None:
    rows = [
        {"labels": (BOTH,), "severity": "warning", "cations": ("cation-calcium",)},
        {"labels": (BOTH,), "severity": "warning", "victims": ("other",), "cations": ("cation-magnesium",)},
    ]
    assert isinstance(judge_rows(victim(), cation("cation-magnesium"), rows=rows), NotApplicable)
