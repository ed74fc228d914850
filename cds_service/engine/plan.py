"""The rules of one hook made ready once, so that a rule whose trigger is absent costs a call nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set

import msgspec

from cds_service.engine.gaps import sources_of
from cds_service.engine.verdict import Verdict
from cds_service.facts.outcomes import NotApplicable
from cds_service.facts.snapshot import Snapshot
from cds_service.knowledge.model import Knowledge, Rule

RESULT = "result:"
NO_TRIGGER = NotApplicable("no trigger present")


class Pair(msgspec.Struct, frozen=True):
    """What wakes a rule besides a trigger: a token of its company, or when something is missing of it, a source of
    either. concepts: those of its trigger."""

    company: frozenset[str]
    concepts: frozenset[str]

    def in_doubt(self, snapshot: Snapshot) -> bool:
        """Whether a result that wakes the rule cannot simply be believed (it is unusable, provisional, or only a
        bound): then the rule itself must say what it cannot tell."""
        concepts, newest = self.concepts, snapshot.newest
        if not (concepts.isdisjoint(snapshot.unusable) and concepts.isdisjoint(snapshot.provisional)):
            return True
        return any(newest[concept].comparator for concept in concepts & newest.keys())


class Plan(msgspec.Struct, frozen=True):
    """Rules by what concerns them. A rule's place is its position in `rules`.

    silent     the verdicts when nothing is present and nothing is missing, in the rules' order
    by_token   trigger token -> places of the rules that it wakes
    by_source  what could have delivered a trigger (`Gaps.sources`) -> places of the rules that need it
    paired     places of the rules that a trigger alone does not wake (`together_with`)
    """

    rules: tuple[Rule, ...]
    concept_keys: Mapping[str, str]
    silent: tuple[Verdict, ...]
    by_token: Mapping[str, tuple[int, ...]]
    by_source: Mapping[str, tuple[int, ...]]
    paired: Mapping[int, Pair]

    def woken(self, snapshot: Snapshot, missing: Set[str]) -> set[int]:
        """The places of the rules to run, by the chart and the sources that something is missing of."""
        present = snapshot.present
        woken = set().union(*filter(None, map(self.by_token.get, present)))
        for place in woken & self.paired.keys():
            pair = self.paired[place]
            if pair.company.isdisjoint(present) and pair.company.isdisjoint(missing) and not pair.in_doubt(snapshot):
                woken.remove(place)
        return woken


def plan_for(snapshot: Snapshot, knowledge: Knowledge, rules: Iterable[Rule]) -> Plan:
    """The plan of these rules at the snapshot's hook; the last one of each hook is kept with the knowledge."""
    wanted = tuple(rules)
    known: Plan | None = knowledge.plans.get(snapshot.hook)
    if known is not None and known.rules is wanted and known.concept_keys is snapshot.concept_keys:
        return known
    plan = knowledge.plans[snapshot.hook] = _make(snapshot, wanted)
    return plan


def _make(snapshot: Snapshot, rules: tuple[Rule, ...]) -> Plan:
    hook, reason = snapshot.hook, NO_TRIGGER.reason
    return Plan(
        rules,
        snapshot.concept_keys,
        tuple(Verdict(rule, "not-applicable", NO_TRIGGER, rule.tier(hook), reason=reason) for rule in rules),
        _places(rule.trigger for rule in rules),
        _places(sources_of(rule.trigger, snapshot.concept_keys) for rule in rules),
        {place: _pair(rule, snapshot.concept_keys) for place, rule in enumerate(rules) if rule.together_with},
    )


def _pair(rule: Rule, concept_keys: Mapping[str, str]) -> Pair:
    company = rule.together_with
    concepts = frozenset(token.removeprefix(RESULT) for token in rule.trigger if token.startswith(RESULT))
    return Pair(company | sources_of(company | rule.trigger, concept_keys), concepts)


def _places(names: Iterable[frozenset[str]]) -> dict[str, tuple[int, ...]]:
    places: dict[str, tuple[int, ...]] = {}
    for place, found in enumerate(names):
        for name in found:
            places[name] = (*places.get(name, ()), place)
    return places
