"""The engine does for every rule what no rule should repeat."""

from __future__ import annotations

import logging
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from cds_service.engine.run import Verdict, run_rules
from cds_service.errors import CannotTellError
from cds_service.facts.outcomes import Fires, NotApplicable, Outcome, Satisfied, Severity
from cds_service.facts.patient import Limits, Needs, Patient
from cds_service.facts.records import Coverage, Person, UnmappedDrug, Unusable
from cds_service.facts.snapshot import Quarantined, Snapshot
from cds_service.knowledge.model import Gate, GateEffect, Rule
from tests.unit.engine.charts import exposure, knowledge, moment, result, rule, snapshot

LOW, SEVERE = Decimal(130), Decimal(120)


def low_sodium(patient: Patient, k: Limits) -> Outcome:
    """Warn below 130, critical below 120."""
    sodium = patient.latest("sodium")
    if sodium is None:
        return NotApplicable(patient.absent("sodium"))
    if sodium.below(SEVERE):
        return Fires("severe", because=(sodium,))
    if sodium.below(LOW):
        return Fires("low", because=(sodium,))
    return Satisfied((sodium,))


def judge(one: Rule, chart: Snapshot, **shared: object) -> Verdict:
    return run_rules(chart, knowledge(one, **shared), (one,))[0]  # type: ignore[arg-type]


def holding(patient: Patient, k: Limits) -> str | None:
    return "holds"


def not_holding(patient: Patient, k: Limits) -> str | None:
    return None


def unknowable(patient: Patient, k: Limits) -> str | None:
    raise CannotTellError("conditions")


def gate(question: object) -> Gate:
    return Gate("gate", {"nl": "poort", "en": "gate"}, question)  # type: ignore[arg-type]


def test_a_rule_that_fires_takes_the_severity_of_its_variant() -> None:
    verdict = judge(rule(low_sodium), snapshot(result("125")))
    assert (verdict.kind, verdict.variant, verdict.severity) == ("fires", "low", Severity.WARNING)


def test_a_critical_card_is_of_tier_one_whatever_the_rule_says() -> None:
    assert judge(rule(low_sodium), snapshot(result("115"))).tier == "P1"


def test_a_rule_without_its_trigger_is_not_run() -> None:
    assert judge(rule(low_sodium), snapshot()).kind == "not-applicable"


@pytest.mark.parametrize("state", ["failed", "not asked", "truncated", "unordered"])
def test_a_trigger_that_may_be_missing_from_an_incomplete_answer_cannot_be_judged(state: str) -> None:
    verdict = judge(rule(low_sodium), snapshot(coverage={"labs": Coverage(state)}))  # type: ignore[arg-type]
    assert verdict.kind == "cannot-tell"
    assert verdict.missing[0].startswith("labs")


def test_an_unidentified_drug_hides_a_drug_trigger() -> None:
    one = rule(low_sodium, trigger=frozenset({"drug:example"}))
    verdict = judge(one, snapshot(unmapped=(UnmappedDrug("urn:local", "MedicationRequest/9"),)))
    assert verdict.missing == ("unidentified drug (urn:local)",)


def test_a_recent_result_is_capped_at_warning_and_said_to_be_the_last_known() -> None:
    verdict = judge(rule(low_sodium), snapshot(result("115", age="recent")))
    assert verdict.severity is Severity.WARNING
    assert [remark.id for remark in verdict.remarks] == ["last-known"]


def test_a_card_that_tells_how_old_its_result_is_needs_no_remark_about_it() -> None:
    verdict = judge(rule(low_sodium, tells_age=True), snapshot(result("115", age="recent")))
    assert verdict.severity is Severity.WARNING
    assert not verdict.remarks


def test_a_recent_result_keeps_full_severity_where_the_order_creates_the_risk() -> None:
    def about_order(patient: Patient, k: Limits) -> Outcome:
        return msgspec.structs.replace(low_sodium(patient, k), also=(exposure(),))

    one = rule(about_order, recent_is_fresh_at=frozenset({"order-sign"}))
    assert judge(one, snapshot(result("115", age="recent"), hook="order-sign")).severity is Severity.CRITICAL


def test_a_preliminary_result_that_is_only_mild_stays_silent() -> None:
    verdict = judge(rule(low_sodium), snapshot(result("125", flags=("preliminary",))))
    assert verdict.kind == "cannot-tell"


@pytest.mark.parametrize("flag", ["preliminary", "page-incomplete"])
def test_a_provisional_critical_result_is_shown_as_a_warning_that_says_so(flag: str) -> None:
    verdict = judge(rule(low_sodium), snapshot(result("115", flags=(flag,))))
    assert verdict.severity is Severity.WARNING
    assert flag in [remark.id for remark in verdict.remarks]


def test_the_more_dangerous_of_two_conflicting_results_counts_when_it_is_critical() -> None:
    verdict = judge(rule(low_sodium), snapshot(result("140"), conflicts={"sodium": (result("115"),)}))
    assert verdict.severity is Severity.CRITICAL
    assert [remark.id for remark in verdict.remarks] == ["conflicting-results"]


def test_the_later_of_two_conflicting_results_counts_when_neither_is_critical() -> None:
    verdict = judge(rule(low_sodium), snapshot(result("140"), conflicts={"sodium": (result("125"),)}))
    assert verdict.kind == "satisfied"


def test_two_close_results_in_the_same_band_are_no_conflict() -> None:
    verdict = judge(rule(low_sodium), snapshot(result("126"), conflicts={"sodium": (result("125"),)}))
    assert verdict.remarks == ()


def test_a_bound_proves_nothing_reassuring() -> None:
    verdict = judge(rule(low_sodium), snapshot(result("150", comparator="<")))
    assert verdict.missing == ("sodium: only a bound is known",)


@pytest.mark.parametrize(("reason", "said"), [("dq-unit", True), ("dq-status", False), ("dq-future", False)])
def test_a_newer_unusable_result_is_mentioned_unless_it_was_withdrawn(reason: str, said: bool) -> None:
    newer = Unusable("sodium", reason, moment(timedelta(minutes=1)), "119", "Observation/2")
    verdict = judge(rule(low_sodium), snapshot(result("125"), unusable={"sodium": (newer,)}))
    assert ("newer-unusable" in [remark.id for remark in verdict.remarks]) is said


def test_a_crashing_rule_is_reported_and_does_not_silence_the_others(caplog: pytest.LogCaptureFixture) -> None:
    def crash(patient: Patient, k: Limits) -> Outcome:
        raise ZeroDivisionError("140 mmol/L of a named person")

    bad, good = rule(crash, "bad"), rule(low_sodium, "good")
    with caplog.at_level(logging.ERROR):
        verdicts = run_rules(snapshot(result("125")), knowledge(bad, good), (bad, good))
    assert [v.kind for v in verdicts] == ["cannot-tell", "fires"]
    assert verdicts[0].missing == ("internal error in bad",)
    assert "named person" not in caplog.text


def test_reading_what_was_not_declared_is_an_error_of_the_rule() -> None:
    def undeclared(patient: Patient, k: Limits) -> Outcome:
        patient.latest("potassium")
        return Satisfied()

    assert judge(rule(undeclared), snapshot(result("125"))).missing == ("internal error in example",)


def test_an_adult_rule_is_off_for_a_child() -> None:
    assert judge(rule(low_sodium), snapshot(result("125"), birth="2015-01-01")).reason == "paediatric"


def test_an_unknown_age_counts_as_adult_and_the_card_says_so() -> None:
    verdict = judge(rule(low_sodium), snapshot(result("125"), birth=None))
    assert [remark.id for remark in verdict.remarks] == ["age-unknown"]


def test_the_deceased_get_no_cards() -> None:
    chart = snapshot(result("115"), person=Person("p", None, None, deceased=True))
    assert judge(rule(low_sodium), chart).reason == "deceased"


def test_a_gate_that_holds_switches_the_rule_off() -> None:
    verdict = judge(rule(low_sodium, gates=("gate",)), snapshot(result("115")), gates=(gate(holding),))
    assert (verdict.kind, verdict.reason) == ("gated", "gate")


def test_a_gate_that_does_not_hold_changes_nothing() -> None:
    verdict = judge(rule(low_sodium, gates=("gate",)), snapshot(result("125")), gates=(gate(not_holding),))
    assert (verdict.kind, verdict.remarks) == ("fires", ())


def test_a_gate_that_cannot_be_judged_withholds_a_warning() -> None:
    verdict = judge(rule(low_sodium, gates=("gate",)), snapshot(result("125")), gates=(gate(unknowable),))
    assert (verdict.kind, verdict.missing) == ("cannot-tell", ("conditions",))


def test_a_gate_that_cannot_be_judged_does_not_withhold_a_critical_card() -> None:
    verdict = judge(rule(low_sodium, gates=("gate",)), snapshot(result("115")), gates=(gate(unknowable),))
    assert verdict.severity is Severity.CRITICAL
    assert [remark.id for remark in verdict.remarks] == ["gates-unknown"]


def test_palliative_care_lets_only_critical_cards_through_as_warnings() -> None:
    effect = GateEffect("gate", "critical-only", frozenset({"P3"}))
    shared = {"gates": (gate(holding),), "effects": (effect,)}
    assert judge(rule(low_sodium), snapshot(result("125")), **shared).reason == "gate"
    assert judge(rule(low_sodium), snapshot(result("115")), **shared).severity is Severity.WARNING


def test_a_gate_over_some_tiers_leaves_the_other_tiers_alone() -> None:
    effect = GateEffect("gate", "off", frozenset({"P4"}))
    assert judge(rule(low_sodium), snapshot(result("125")), gates=(gate(holding),), effects=(effect,)).kind == "fires"


def test_at_an_order_hook_a_card_must_be_about_a_judged_order() -> None:
    assert judge(rule(low_sodium), snapshot(result("115"), hook="order-sign")).kind == "not-applicable"


def test_an_order_of_the_session_that_was_not_selected_is_not_judged() -> None:
    def about_draft(patient: Patient, k: Limits) -> Outcome:
        return Fires("severe", because=patient.drafts("example"))

    one = rule(about_draft, needs=Needs(drugs=frozenset({"example"})), trigger=frozenset({"drug:example"}))
    draft = exposure(judged=False)
    chart = snapshot(hook="order-select", exposures={"example": (draft,)}, present=frozenset({"drug:example"}))
    assert judge(one, chart).kind == "not-applicable"


def test_a_conflicting_result_that_is_too_old_to_use_does_not_count() -> None:
    old = result("140", age="ignored")
    chart = snapshot(old, conflicts={"sodium": (result("115", age="ignored"),)})
    assert judge(rule(low_sodium), chart).kind != "fires"


def test_a_conflicting_result_from_a_cut_page_is_capped_like_any_provisional_one() -> None:
    cut = ("page-incomplete",)
    later, earlier = result("140", flags=cut), result("115", flags=cut)
    verdict = judge(rule(low_sodium), snapshot(later, earlier, conflicts={"sodium": (earlier,)}))
    assert verdict.severity is Severity.WARNING
    assert [remark.id for remark in verdict.remarks] == ["page-incomplete"]


def test_a_mild_conflict_does_not_hide_a_preliminary_critical_result() -> None:
    preliminary, latest = result("115", flags=("preliminary",)), result("125")
    verdict = judge(rule(low_sodium), snapshot(preliminary, latest, conflicts={"sodium": (result("140"),)}))
    assert [remark.id for remark in verdict.remarks] == ["preliminary"]


def test_a_stale_result_is_capped_also_where_the_order_creates_the_risk() -> None:
    def about_old(patient: Patient, k: Limits) -> Outcome:
        return Fires("severe", because=patient.series("sodium"), also=(exposure(),))

    one = rule(about_old, recent_is_fresh_at=frozenset({"order-sign"}))
    assert judge(one, snapshot(result("115", age="stale"), hook="order-sign")).severity is Severity.WARNING


def test_a_variant_that_the_rule_does_not_have_is_a_crash_of_that_rule_alone() -> None:
    one = rule(lambda patient, k: Fires("no-such-card"))
    assert judge(one, snapshot(result("125"))).missing == ("internal error in example",)


def test_a_crashing_gate_is_a_gate_that_cannot_be_judged() -> None:
    def crash(patient: Patient, k: Limits) -> str | None:
        raise ZeroDivisionError("a named person")

    shared = {"gates": (gate(crash),)}
    assert judge(rule(low_sodium, gates=("gate",)), snapshot(result("125")), **shared).kind == "cannot-tell"
    critical = judge(rule(low_sodium, gates=("gate",)), snapshot(result("115")), **shared)
    assert (critical.severity, critical.remarks[0].id) == (Severity.CRITICAL, "gates-unknown")


def test_palliative_care_on_intensive_care_still_lets_a_critical_card_through() -> None:
    effects = (
        GateEffect("gate", "critical-only", frozenset({"P3"})),
        GateEffect("gate", "off", frozenset({"P3"})),
    )
    verdict = judge(rule(low_sodium), snapshot(result("115")), gates=(gate(holding),), effects=effects)
    assert (verdict.kind, verdict.severity) == ("fires", Severity.WARNING)


def test_an_order_that_could_not_be_identified_or_read_hides_a_draft_trigger() -> None:
    one = rule(low_sodium, trigger=frozenset({"draft:example"}))
    unread = Quarantined("draftOrders", "MedicationRequest/1", "unreadable")
    unidentified = UnmappedDrug("urn:local", "MedicationRequest/9", draft=True)
    charted = UnmappedDrug("urn:local", "MedicationRequest/8")
    assert judge(one, snapshot(hook="order-sign", unmapped=(charted,))).kind == "not-applicable"
    assert judge(one, snapshot(hook="order-sign", unmapped=(unidentified,))).missing == (
        "unidentified drug (urn:local)",
    )
    assert judge(one, snapshot(hook="order-sign", quarantine=(unread,))).missing == (
        "draftOrders: an order could not be read",
    )


def test_of_three_results_within_two_hours_the_dangerous_one_counts_even_when_another_differs_more() -> None:
    chart = snapshot(result("121"), conflicts={"sodium": (result("119"), result("140"))})
    assert judge(rule(low_sodium), chart).severity is Severity.CRITICAL


def test_a_card_with_a_tier_of_its_own_has_that_and_not_the_tier_of_its_rule() -> None:
    plain = rule(low_sodium)
    cards = {name: msgspec.structs.replace(card, tier="P5") for name, card in plain.cards.items()}
    assert judge(plain, snapshot(result("124"))).tier == plain.default_tier
    assert judge(msgspec.structs.replace(plain, cards=cards), snapshot(result("124"))).tier == "P5"


def test_a_rule_that_needs_a_second_thing_is_not_run_without_it() -> None:
    one = rule(low_sodium, together_with=frozenset({"drug:example"}))
    verdict = judge(one, snapshot(result("125")))
    assert (verdict.kind, verdict.reason) == ("not-applicable", "no trigger present")


def test_a_rule_that_needs_a_second_thing_is_run_with_it() -> None:
    one = rule(low_sodium, together_with=frozenset({"drug:example"}))
    chart = snapshot(result("125"), present=frozenset({"result:sodium", "drug:example"}))
    assert judge(one, chart).kind == "fires"


def test_a_second_thing_alone_wakes_nothing() -> None:
    one = rule(low_sodium, together_with=frozenset({"drug:example"}))
    assert judge(one, snapshot(present=frozenset({"drug:example"}))).kind == "not-applicable"


@pytest.mark.parametrize("missing", ["medications", "labs"])
def test_a_second_thing_that_may_be_missing_lets_the_rule_speak_for_itself(missing: str) -> None:
    one = rule(low_sodium, together_with=frozenset({"drug:example"}))
    keys = ("labs", "conditions", "medications", "medicationStatements")
    coverage = {key: Coverage("failed" if key == missing else "complete") for key in keys}
    assert judge(one, snapshot(result("125"), coverage=coverage)).kind == "fires"


@pytest.mark.parametrize("doubt", [{"flags": ("preliminary",)}, {"comparator": "<"}])
def test_a_doubtful_trigger_lets_the_rule_speak_for_itself(doubt: dict[str, Any]) -> None:
    one = rule(low_sodium, together_with=frozenset({"drug:example"}))
    assert judge(one, snapshot(result("125", **doubt))).reason != "no trigger present"


def test_an_unusable_trigger_lets_the_rule_speak_for_itself() -> None:
    one = rule(low_sodium, together_with=frozenset({"drug:example"}))
    unusable = Unusable("sodium", "dq-unit", moment(timedelta(hours=1)), "125", "Observation/2")
    chart = snapshot(present=frozenset({"result:sodium"}), unusable={"sodium": (unusable,)})
    assert judge(one, chart).kind == "cannot-tell"
