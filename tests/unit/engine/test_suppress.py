"""What was overridden or shown before is not said again, unless there is news: the table of the catalogue's 1.5."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import msgspec
import pytest

from cds_service.engine.run import Verdict
from cds_service.engine.suppress import LONGEST_SUBJECT, Earlier, Memory, comes_once, keep_back, subject_of
from cds_service.facts.moments import AsOf, Moment
from cds_service.facts.outcomes import Fires, NotApplicable, Satisfied, Severity
from cds_service.facts.records import Exposure
from tests.shipped import released
from tests.unit.engine.charts import NOW, ZONE, exposure, result, rule

AS_OF = AsOf(NOW, ZONE, date(2026, 11, 21))
POLICY = msgspec.structs.replace(released().policy.memory, bands={"example": (("severe", "low", "note"),)})
INFO, WARNING, CRITICAL = Severity.INFO, Severity.WARNING, Severity.CRITICAL
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def fired(
    tier: str = "P3",
    severity: Severity = WARNING,
    variant: str = "low",
    rule_id: str = "example",
    drugs: tuple[Exposure, ...] = (),
    base: str | None = None,
) -> Verdict:
    one = rule(lambda patient, k: Satisfied(), rule_id, default_tier=base or tier)
    fires = Fires(variant, because=(result("125"), *drugs))
    return Verdict(one, "fires", fires, tier, severity=severity)  # type: ignore[arg-type]


def overridden(ago: timedelta, severity: Severity = WARNING, variant: str = "low", **other: Any) -> Memory:
    fields: dict[str, Any] = {"rule": "example", "variant": variant, "severity": severity, "at": NOW - ago} | other
    return Memory(overridden=(Earlier(**fields),))


def shown(ago: timedelta, severity: Severity = INFO, variant: str = "note") -> Memory:
    return Memory(issued=(Earlier("example", variant, severity, NOW - ago),))


def reason(verdict: Verdict, memory: Memory, hook: str = "patient-view") -> str | None:
    kept = keep_back([verdict], AS_OF, hook, POLICY, memory).get(verdict.rule_id)
    return None if kept is None else kept.reason


@pytest.mark.parametrize(
    ("tier", "severity", "span"),
    [
        ("P1", CRITICAL, 8 * HOUR),
        ("P2", WARNING, 365 * DAY),
        ("P3", WARNING, 14 * DAY),
        ("P4", WARNING, 90 * DAY),
        ("P5", INFO, 180 * DAY),
    ],
)
def test_an_override_counts_for_the_time_of_the_tier(tier: str, severity: Severity, span: timedelta) -> None:
    verdict = fired(tier, severity)
    assert reason(verdict, overridden(span - HOUR / 60, severity), "medication-refill") == "overridden"
    assert reason(verdict, overridden(span, severity), "medication-refill") is None


def test_it_says_until_when_counted_from_the_decision_that_issued_the_card() -> None:
    kept = keep_back([fired("P3")], AS_OF, "patient-view", POLICY, overridden(5 * DAY))
    assert kept["example"].until == NOW + 9 * DAY


@pytest.mark.parametrize(
    ("now", "then"),
    [
        ((CRITICAL, "low"), (WARNING, "low")),  # a stricter severity of one band
        ((CRITICAL, "severe"), (WARNING, "low")),
        ((WARNING, "severe"), (WARNING, "low")),  # the next band, at no other severity
        ((INFO, "elsewhere"), (WARNING, "low")),  # no band of the same thing
    ],
)
def test_what_is_worse_or_something_else_always_comes_again(
    now: tuple[Severity, str], then: tuple[Severity, str]
) -> None:
    assert reason(fired("P3", *now), overridden(HOUR, *then)) is None


@pytest.mark.parametrize(("severity", "variant"), [(WARNING, "low"), (INFO, "low"), (INFO, "note"), (WARNING, "note")])
def test_a_new_value_in_the_same_or_a_milder_band_does_not(severity: Severity, variant: str) -> None:
    assert reason(fired("P3", severity, variant), overridden(HOUR)) == "overridden"


@pytest.mark.parametrize(("tier", "span"), [("P4", 30 * DAY), ("P5", 30 * DAY), ("P3", 14 * DAY)])
def test_not_now_takes_the_shorter_of_thirty_days_and_the_tiers_time(tier: str, span: timedelta) -> None:
    assert reason(fired(tier), overridden(span - HOUR, reason="or-not-now")) == "overridden"
    assert reason(fired(tier), overridden(span + HOUR, reason="or-not-now")) is None


def test_a_critical_and_an_emergency_are_never_kept_back_for_more_than_eight_hours() -> None:
    assert reason(fired("P3", CRITICAL), overridden(9 * HOUR, CRITICAL)) is None
    emergency = fired("P3", WARNING, rule_id="emergency-red-flags")
    assert reason(emergency, overridden(7 * HOUR, rule="emergency-red-flags")) == "overridden"
    assert reason(emergency, overridden(9 * HOUR, rule="emergency-red-flags")) is None


def test_another_rules_override_and_one_from_the_future_do_not_count() -> None:
    assert reason(fired(), overridden(HOUR, rule="other")) is None
    assert reason(fired(), overridden(-HOUR)) is None


def test_a_card_that_was_shown_and_not_overridden_comes_again_unless_it_is_an_info_of_p5() -> None:
    assert reason(fired("P4", INFO, "note"), shown(DAY)) is None
    assert reason(fired("P5", WARNING, "note"), shown(DAY, WARNING)) is None
    assert reason(fired("P5", INFO, "note"), shown(DAY)) == "shown before"


@pytest.mark.parametrize(
    ("hook", "expected"),
    [("patient-view", "shown before"), ("encounter-start", "shown before"), ("medication-refill", None)],
)
def test_an_info_of_p5_comes_once_in_ninety_days_when_a_chart_is_opened(hook: str, expected: str | None) -> None:
    verdict = fired("P5", INFO, "note")
    assert reason(verdict, shown(90 * DAY - HOUR), hook) == expected
    assert reason(verdict, shown(90 * DAY), hook) is None


@pytest.mark.parametrize("hook", ["patient-view", "order-select", "order-sign"])
def test_a_little_more_than_the_european_level_of_magnesium_is_said_once_in_half_a_year(hook: str) -> None:
    def again(variant: str, severity: Severity, ago: timedelta) -> bool:
        verdict = fired("P2", severity, variant, rule_id="mg-supplement-above-ul")
        memory = Memory(issued=(Earlier("mg-supplement-above-ul", "above-eu", INFO, NOW - ago),))
        return "mg-supplement-above-ul" not in keep_back([verdict], AS_OF, hook, POLICY, memory)

    assert not again("above-eu", INFO, 180 * DAY - HOUR)
    assert again("above-eu", INFO, 180 * DAY)
    assert again("above-us", INFO, DAY)
    assert again("above-eu", WARNING, DAY)


@pytest.mark.parametrize("rule", ["ppi-long-term-mg-check", "diuretic-mg-check", "risk-condition-mg-baseline"])
def test_a_proposal_to_measure_that_was_seen_and_not_followed_counts_as_not_now(rule: str) -> None:
    def again(variant: str, severity: Severity, ago: timedelta) -> bool:
        verdict = fired("P4", severity, variant, rule_id=rule)
        return rule not in keep_back(
            [verdict], AS_OF, "patient-view", POLICY, Memory((Earlier(rule, "due", INFO, NOW - ago),))
        )

    assert not again("due", INFO, 30 * DAY - HOUR)
    assert again("due", INFO, 30 * DAY)
    assert again("urgent", WARNING, HOUR)


@pytest.mark.parametrize(
    ("severity", "tier", "once"), [(INFO, "P5", True), (WARNING, "P5", False), (INFO, "P3", False)]
)
def test_only_an_info_of_p5_is_remembered_as_shown(severity: Severity, tier: str, once: bool) -> None:
    assert comes_once(fired(tier, severity, "note"), "patient-view", POLICY) is once


def test_a_worse_band_of_p5_comes_again() -> None:
    assert reason(fired("P5", INFO, "low"), shown(DAY, INFO, "note")) is None


@pytest.mark.parametrize(
    ("rule", "milder", "worse"),
    [
        ("mg-hypomagnesaemia", "low", "moderate"),
        ("k-hypokalaemia-mg-low-or-unknown", "unknown", "unknown-moderate"),
    ],
)
def test_the_next_band_comes_again_after_the_milder_one_was_overridden(rule: str, milder: str, worse: str) -> None:
    def again(variant: str, before: str) -> bool:
        memory = Memory(overridden=(Earlier(rule, before, WARNING, NOW - DAY),))
        policy = released().policy.memory
        return not keep_back([fired("P3", WARNING, variant, rule)], AS_OF, "patient-view", policy, memory)

    assert again(worse, milder)
    assert not again(milder, milder)
    assert not again(milder, worse)


def drug(name: str, *, judged: bool = True, authored: timedelta | None = None) -> Exposure:
    moment = None if authored is None else Moment(NOW - authored, NOW - authored)
    found = exposure(judged=judged, status="draft" if judged else "active")
    return msgspec.structs.replace(found, ingredients=frozenset({name}), authored=moment)


def test_the_subject_names_the_drugs_in_a_fixed_order() -> None:
    drugs = (drug("magnesium"), drug("levothyroxine", judged=False))
    assert subject_of(fired(drugs=drugs)) == subject_of(fired(drugs=drugs[::-1])) == "levothyroxine+magnesium"
    many = fired(drugs=tuple(drug(f"ingredient-{n}") for n in range(60)))
    assert len(subject_of(many)) <= LONGEST_SUBJECT


def test_an_override_of_an_order_counts_for_the_same_pair_of_drugs_only() -> None:
    memory = overridden(HOUR, subject="levothyroxine+magnesium")
    same = fired("P2", drugs=(drug("levothyroxine", judged=False), drug("magnesium")))
    other = fired("P2", drugs=(drug("levothyroxine", judged=False), drug("calcium")))
    for hook in ("order-sign", "medication-refill"):
        assert reason(same, memory, hook) == "overridden"
        assert reason(other, memory, hook) is None


@pytest.mark.parametrize(
    ("override", "authored", "expected"),
    [
        (HOUR, None, "overridden"),  # selected, overridden, signed
        (2 * DAY, None, None),
        (2 * DAY, HOUR, None),
        (2 * DAY, 2 * DAY, "overridden"),  # a draft that waited to be signed
    ],
)
def test_a_new_order_for_the_same_pair_is_judged_anew(
    override: timedelta, authored: timedelta | None, expected: str | None
) -> None:
    memory = overridden(override, subject="levothyroxine+magnesium")
    drugs = (drug("levothyroxine", judged=False), drug("magnesium", authored=authored))
    assert reason(fired("P2", drugs=drugs), memory, "order-sign") == expected
    assert reason(fired("P2", drugs=drugs), memory, "medication-refill") == "overridden"


def test_a_critical_about_an_order_counts_for_the_same_drugs_only() -> None:
    memory = overridden(HOUR, CRITICAL, subject="magnesium")
    assert reason(fired("P1", CRITICAL, drugs=(drug("magnesium"),), base="P2"), memory, "order-sign") == "overridden"
    assert reason(fired("P1", CRITICAL, drugs=(drug("potassium"),), base="P2"), memory, "order-sign") is None


def test_what_does_not_fire_is_not_kept_back() -> None:
    still = Verdict(rule(lambda patient, k: Satisfied()), "not-applicable", NotApplicable("no"), "P3")
    assert keep_back([still], AS_OF, "patient-view", POLICY, overridden(HOUR)) == {}
