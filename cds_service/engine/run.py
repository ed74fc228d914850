"""Runs the rules of one hook over one snapshot. Pure: no I/O, no clock; a crashing rule is isolated and reported.

What every rule would otherwise have to repeat is done here, in this order: what the site switched off, trigger, age,
the rule itself, results that are not the last word (provisional, conflicting), bounds, recency caps, "about the order",
and the population gates.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping

import msgspec

from cds_service.engine.age import LifeStage, life_stage
from cds_service.engine.gaps import Gaps, find_gaps
from cds_service.engine.plan import Plan, plan_for
from cds_service.engine.verdict import Kind, Verdict
from cds_service.errors import CannotTellError
from cds_service.facts.doubt import InDoubt
from cds_service.facts.outcomes import CannotTell, Fact, Fires, NotApplicable, Outcome, Phrase, Satisfied, Severity
from cds_service.facts.patient import ORDER_HOOKS, Needs, Patient
from cds_service.facts.records import PROVISIONAL, Exposure, Result
from cds_service.facts.snapshot import Snapshot
from cds_service.knowledge.model import Knowledge, Rule, Tier

__all__ = ["Kind", "Run", "Verdict", "run_rules"]

log = logging.getLogger("ionwise.engine")
OLD = frozenset({"stale", "ignored"})
NOT_FRESH = OLD | {"recent"}
CONFLICT = Phrase("conflicting-results")
NOT_A_RESULT = frozenset({"dq-status", "dq-future", "dq-subject"})  # withdrawn, impossible or foreign: not mentioned


class Run:
    """One evaluation of a hook's rules over one snapshot."""

    def __init__(self, snapshot: Snapshot, knowledge: Knowledge, stopped: Mapping[str, str] = {}) -> None:
        self.snapshot = snapshot
        self.knowledge = knowledge
        self.hook = snapshot.hook
        self._families = knowledge.families
        self._view = Patient(snapshot, Needs(), knowledge.families)
        self.stage: LifeStage = life_stage(snapshot)
        self.gaps: Gaps = find_gaps(snapshot)
        self._stopped = stopped
        self._class = snapshot.stay.encounter_class if snapshot.stay is not None else ""
        self._doubtful = bool(snapshot.conflicts or snapshot.provisional)
        self._rivals = _rivals(snapshot)
        self._gates: dict[str, tuple[bool, tuple[str, ...]]] = {}
        self._open: set[str] = set()  # gates that certainly do not hold

    def verdicts(self, rules: Iterable[Rule]) -> tuple[Verdict, ...]:
        """One verdict per rule, in the rules' order."""
        if self.snapshot.person.deceased:
            return tuple(
                Verdict(rule, "gated", NotApplicable("deceased"), rule.tier(self.hook), reason="deceased")
                for rule in rules
            )
        plan = plan_for(self.snapshot, self.knowledge, rules)
        verdicts = list(plan.silent)
        for source in plan.by_source.keys() & self.gaps.sources:
            self._mark_blind(plan, plan.by_source[source], verdicts)
        off = self._off(plan.rules)
        for place in plan.woken(self.snapshot, self.gaps.sources):
            if place not in off:
                verdicts[place] = self.judge(plan.rules[place])
        for place, reason in off.items():
            verdicts[place] = Verdict(
                plan.rules[place], "gated", NotApplicable(reason), plan.silent[place].tier, reason=reason
            )
        return tuple(verdicts)

    def _off(self, rules: tuple[Rule, ...]) -> dict[int, str]:
        """Place -> why, of the rules that an operator or the site switched off for this call."""
        tenant, stopped = self.knowledge.tenant, self._stopped
        if not stopped and not tenant.switched_off and not tenant.encounter_classes:
            return {}
        reasons = [stopped.get(rule.id) or tenant.off(rule.id, self._class) for rule in rules]
        return {place: reason for place, reason in enumerate(reasons) if reason}

    def _mark_blind(self, plan: Plan, places: tuple[int, ...], verdicts: list[Verdict]) -> None:
        """A rule of which nothing is present cannot tell when something is missing."""
        for place in places:
            rule, tier = plan.rules[place], plan.silent[place].tier
            missing = self.gaps.behind(rule.trigger)
            verdicts[place] = Verdict(rule, "cannot-tell", CannotTell(missing), tier, None, missing)

    def judge(self, rule: Rule) -> Verdict:
        """The verdict of one rule whose trigger is present."""
        tier = rule.tiers.get(self.hook, rule.default_tier)
        stage = self.stage
        if rule.ages not in stage.suits:
            return Verdict(rule, "gated", NotApplicable(stage.reason), tier, None, (), stage.reason)
        self._view.needs = rule.needs
        outcome = self._evaluate(rule, self._view)
        remarks: tuple[Phrase, ...] = ()
        if self._doubtful:
            outcome, remarks = self._weigh(rule, outcome)
        if type(outcome) is Satisfied:
            for fact in outcome.because:
                if type(fact) is Result and fact.comparator:
                    return _only_bounded(rule, outcome, tier)
            return Verdict(rule, "satisfied", outcome, tier)
        if type(outcome) is NotApplicable:
            return Verdict(rule, "not-applicable", outcome, tier, None, (), outcome.reason)
        if type(outcome) is Fires:
            return self._fired(rule, outcome, tier, remarks)
        assert isinstance(outcome, CannotTell)  # noqa: S101 (the last member of the union)
        return Verdict(rule, "cannot-tell", outcome, tier, None, outcome.missing)

    # ---- results that may not be the last word ----------------------------------------------------------------------

    def _weigh(self, rule: Rule, outcome: Outcome) -> tuple[Outcome, tuple[Phrase, ...]]:
        remarks: tuple[Phrase, ...] = ()
        if not rule.needs.results.isdisjoint(self.snapshot.conflicts):
            outcome, remarks = self._weigh_conflict(rule, outcome)
        unsettled = self.snapshot.provisional & rule.needs.results
        if unsettled and _severity(rule, outcome) is not Severity.CRITICAL:
            return self._weigh_provisional(rule) or (outcome, remarks)
        return outcome, remarks

    def _weigh_provisional(self, rule: Rule) -> tuple[Fires, tuple[Phrase, ...]] | None:
        """The critical answer that provisional results give, as a warning that says so; None when they give none."""
        for rivals in ({}, *self._rivals):
            view = InDoubt(self.snapshot, rule.needs, self._families, rivals, provisional=True)
            outcome = self._evaluate(rule, view)
            if isinstance(outcome, Fires) and _severity(rule, outcome) is Severity.CRITICAL:
                doubts = PROVISIONAL & frozenset(flag for result in _results(outcome.because) for flag in result.flags)
                if doubts:
                    capped = msgspec.structs.replace(outcome, severity=Severity.WARNING)
                    return capped, tuple(Phrase(flag) for flag in sorted(doubts))
        return None

    def _weigh_conflict(self, rule: Rule, later: Outcome) -> tuple[Outcome, tuple[Phrase, ...]]:
        """The answer to the most dangerous of conflicting results when it is critical, otherwise to the later one."""
        severity, differs = _severity(rule, later), False
        for rivals in self._rivals:
            view = InDoubt(self.snapshot, rule.needs, self._families, rivals, provisional=False)
            earlier = self._evaluate(rule, view)
            other = _severity(rule, earlier)
            if other is Severity.CRITICAL and severity is not Severity.CRITICAL:
                return earlier, (CONFLICT,)
            differs = differs or other != severity
        return later, (CONFLICT,) if differs and severity is not None else ()

    def _evaluate(self, rule: Rule, view: Patient) -> Outcome:
        try:
            outcome = rule.evaluate(view, rule.limits)
            if type(outcome) is Fires and outcome.variant not in rule.cards:
                raise KeyError(outcome.variant)
            return outcome
        except CannotTellError as unknown:
            return CannotTell(unknown.missing)
        except Exception as crash:  # a crashing rule must not silence the others
            log.error("rule crashed", extra={"rule": rule.id, "error": type(crash).__name__})
            return CannotTell((f"internal error in {rule.id}",))

    # ---- a rule that fires ------------------------------------------------------------------------------------------

    def _fired(self, rule: Rule, fires: Fires, tier: Tier, remarks: tuple[Phrase, ...]) -> Verdict:
        if self.hook in ORDER_HOOKS and not _about_judged_order(fires):
            reason = "not about an order of this call"
            return Verdict(rule, "not-applicable", NotApplicable(reason), tier, reason=reason)
        card = rule.cards[fires.variant]
        tier = card.tier or tier
        severity = fires.severity if fires.severity is not None else card.indicator
        old = OLD if self.hook in rule.recent_is_fresh_at else NOT_FRESH
        aged = haemolysed = False
        for fact in fires.because:
            if type(fact) is Result:
                aged = aged or fact.age in old
                haemolysed = haemolysed or "haemolysed" in fact.flags
        if aged:
            severity = min(severity, Severity.WARNING)
            remarks = remarks if rule.tells_age else (*remarks, Phrase("last-known"))
        if haemolysed:
            remarks = (*remarks, Phrase("haemolysed"))
        if self.snapshot.unusable and any(self._has_newer_unusable(r) for r in _results(fires.because)):
            remarks = (*remarks, Phrase("newer-unusable"))
        if self.stage.age_unknown:
            remarks = (*remarks, Phrase("age-unknown"))
        return self._gated(rule, fires, tier, severity, remarks)

    def _has_newer_unusable(self, result: Result) -> bool:
        return any(
            other.at is not None and other.at.latest > result.at.latest and other.reason not in NOT_A_RESULT
            for other in self.snapshot.unusable.get(result.concept, ())
        )

    def _gated(self, rule: Rule, fires: Fires, tier: Tier, severity: Severity, remarks: tuple[Phrase, ...]) -> Verdict:
        policy, is_open = self.knowledge.policy, self._open.issuperset
        if is_open(rule.gates) and is_open(policy.gates_by_tier.get(tier, ())):
            return _shown(rule, fires, tier, severity, remarks)
        reached = severity
        unknown: list[str] = []
        for gate_id in rule.gates:
            if gate_id in self._open:
                continue
            held, missing = self._gates.get(gate_id) or self._ask_gate(gate_id)
            if held:
                return Verdict(rule, "gated", NotApplicable(gate_id), tier, reason=gate_id)
            unknown += missing
        for effect in policy.effects_by_tier.get(tier, ()):
            if effect.gate in self._open:
                continue
            if effect.effect == "off" and reached is Severity.CRITICAL and "P1" not in effect.tiers:
                continue
            held, missing = self._gates.get(effect.gate) or self._ask_gate(effect.gate)
            unknown += missing
            if not held:
                continue
            if effect.effect == "off" or reached is not Severity.CRITICAL:
                return Verdict(rule, "gated", NotApplicable(effect.gate), tier, reason=effect.gate)
            severity, remarks = Severity.WARNING, (*remarks, Phrase(effect.gate))
        if unknown:
            if reached is not Severity.CRITICAL and not (tier == "P2" and self.hook in ORDER_HOOKS):
                missing_keys = tuple(dict.fromkeys(unknown))
                return Verdict(rule, "cannot-tell", CannotTell(missing_keys), tier, missing=missing_keys)
            remarks = (*remarks, Phrase("gates-unknown"))
        return _shown(rule, fires, tier, severity, remarks)

    def _ask_gate(self, gate_id: str) -> tuple[bool, tuple[str, ...]]:
        """Whether the gate holds, and what is missing when it cannot be judged. Asked once per call."""
        view = self._view
        view.needs = Needs(uses=frozenset({gate_id}))
        known: tuple[bool, tuple[str, ...]]
        try:
            known = view.ask(self.knowledge.gates[gate_id].question) is not None, ()
        except CannotTellError as unknown:
            known = False, unknown.missing
        except Exception as crash:  # a crashing gate must not silence the rules
            log.error("gate crashed", extra={"rule": gate_id, "error": type(crash).__name__})
            known = False, (f"internal error in {gate_id}",)
        self._gates[gate_id] = known
        if known == (False, ()):
            self._open.add(gate_id)
        return known


def _rivals(snapshot: Snapshot) -> tuple[Mapping[str, Result], ...]:
    """What could stand in for the latest results that others contradict: all the lowest, all the highest."""
    if not snapshot.conflicts:
        return ()
    lowest = {concept: found[0] for concept, found in snapshot.conflicts.items()}
    highest = {concept: found[-1] for concept, found in snapshot.conflicts.items()}
    return (lowest,) if lowest == highest else (lowest, highest)


def run_rules(
    snapshot: Snapshot, knowledge: Knowledge, rules: Iterable[Rule], stopped: Mapping[str, str] = {}
) -> tuple[Verdict, ...]:
    """The verdicts of `rules` (those of the snapshot's hook) over one snapshot.

    stopped: rule id -> why, of the rules that an operator switched off: they are not run.
    """
    return Run(snapshot, knowledge, stopped).verdicts(rules)


def _severity(rule: Rule, outcome: Outcome) -> Severity | None:
    if type(outcome) is not Fires:
        return None
    return outcome.severity if outcome.severity is not None else rule.cards[outcome.variant].indicator


def _shown(rule: Rule, fires: Fires, tier: Tier, severity: Severity, remarks: tuple[Phrase, ...]) -> Verdict:
    return Verdict(rule, "fires", fires, "P1" if severity is Severity.CRITICAL else tier, severity, (), "", remarks)


def _only_bounded(rule: Rule, outcome: Satisfied, tier: Tier) -> Verdict:
    missing = tuple([f"{r.concept}: only a bound is known" for r in _results(outcome.because) if r.comparator])
    return Verdict(rule, "cannot-tell", CannotTell(missing, outcome.because), tier, None, missing)


def _results(facts: tuple[Fact, ...]) -> list[Result]:
    return [fact for fact in facts if type(fact) is Result]


def _about_judged_order(fires: Fires) -> bool:
    return any(type(fact) is Exposure and fact.judged for fact in (*fires.because, *fires.also))
