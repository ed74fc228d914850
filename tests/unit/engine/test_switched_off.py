"""Rules that an operator or the site switched off, and cards that rest on no last word."""

from __future__ import annotations

from decimal import Decimal

import pytest

from cds_service.engine.run import Verdict, run_rules
from cds_service.facts.outcomes import Fires, NotApplicable, Outcome, Satisfied, Severity
from cds_service.facts.patient import Limits, Needs, Patient
from cds_service.facts.records import Stay
from cds_service.knowledge.model import Gate
from cds_service.knowledge.tenant import Tenant
from tests.unit.engine.charts import knowledge, result, rule, snapshot

LOW = Decimal(130)


def low_sodium(patient: Patient, k: Limits) -> Outcome:
    sodium = patient.latest("sodium")
    if sodium is None:
        return NotApplicable(patient.absent("sodium"))
    return Fires("low", because=(sodium,)) if sodium.below(LOW) else Satisfied((sodium,))


def judged(tenant: Tenant, stopped: dict[str, str] | None = None, encounter_class: str = "AMB") -> list[Verdict]:
    rules = rule(low_sodium, "one"), rule(low_sodium, "other")
    stay = Stay("Encounter/1", False, "in-progress", "", False, None, encounter_class=encounter_class)
    return list(run_rules(snapshot(result("125"), stay=stay), knowledge(*rules, tenant=tenant), rules, stopped or {}))


@pytest.mark.parametrize(
    ("tenant", "stopped", "reason"),
    [
        (Tenant(switched_off={"one": "we use another"}), {}, "we use another"),
        (Tenant(), {"one": "stopped by the operator"}, "stopped by the operator"),
        (Tenant(encounter_classes={"one": frozenset({"IMP"})}), {}, "not meant for encounter class AMB"),
    ],
)
def test_a_rule_that_is_switched_off_says_why_and_the_others_go_on(
    tenant: Tenant, stopped: dict[str, str], reason: str
) -> None:
    one, other = judged(tenant, stopped)
    assert (one.kind, one.reason) == ("gated", reason)
    assert other.kind == "fires"


def test_a_rule_stays_on_where_the_class_of_the_encounter_is_not_known() -> None:
    one, _ = judged(Tenant(encounter_classes={"one": frozenset({"IMP"})}), encounter_class="")
    assert one.kind == "fires"


def test_a_critical_answer_that_rests_on_no_provisional_result_is_no_provisional_answer() -> None:
    def about_potassium(patient: Patient, k: Limits) -> Outcome:
        sodium, potassium = patient.latest("sodium"), patient.latest("potassium")
        if sodium is None or potassium is None:
            return NotApplicable("nothing to weigh")
        return Fires("severe", because=(potassium,))

    one = rule(about_potassium, needs=Needs(results=frozenset({"sodium", "potassium"})))
    chart = snapshot(result("115", flags=("preliminary",)), result("2.0", concept="potassium"))
    assert run_rules(chart, knowledge(one), (one,))[0].kind == "not-applicable"


def test_a_gate_that_does_not_hold_is_asked_once_for_all_rules() -> None:
    asked = []

    def never(patient: Patient, k: Limits) -> None:
        asked.append(patient)

    gate = Gate("gate", {"nl": "poort", "en": "gate"}, never)
    rules = rule(low_sodium, "one", gates=("gate",)), rule(low_sodium, "other", gates=("gate",))
    verdicts = run_rules(snapshot(result("125")), knowledge(*rules, gates=(gate,)), rules)
    assert [verdict.severity for verdict in verdicts] == [Severity.WARNING] * 2
    assert len(asked) == 1
