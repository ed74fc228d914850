"""The rules of one hook made ready once, so that a rule whose trigger is absent costs a call nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set

import msgspec

from cds_service.engine.gaps import sources_of
from cds_service.engine.verdict import Verdict
from cds_service.facts.outcomes import NotApplicable
from cds_service.facts.snapshot import Snapshot
from cds_service.knowledge.model import Knowledge, Rule

NO_TRIGGER = NotApplicable("no trigger present")


class Plan(msgspec.Struct, frozen=True):
    """Rules by what concerns them. A rule's place is its position in `rules`.

    silent     the verdicts when nothing is present and nothing is missing, in the rules' order
    by_token   trigger token -> places of the rules that it wakes
    by_source  what could have delivered a trigger (`Gaps.sources`) -> places of the rules that need it
    paired     places of the rules that a trigger alone does not wake (`together_with`)
    company    what wakes them besides a trigger: a token, or when something is missing of it, a source of either
    """

    rules: tuple[Rule, ...]
    concept_keys: Mapping[str, str]
    silent: tuple[Verdict, ...]
    by_token: Mapping[str, tuple[int, ...]]
    by_source: Mapping[str, tuple[int, ...]]
    paired: frozenset[int]
    company: Mapping[str, tuple[int, ...]]

    def woken(self, present: frozenset[str], missing: Set[str], doubtful: Set[str]) -> set[int]:
        """The places of the rules to run, by the tokens of the chart and the sources that something is missing of.

        doubtful: tokens of results that cannot simply be believed: of those a rule itself must say what it cannot tell.
        """
        by_token, company = self.by_token, self.company
        woken = set().union(*[by_token[token] for token in by_token.keys() & present])
        alone = woken & self.paired
        if alone:
            alone.difference_update(*[company[name] for name in company.keys() & (present | missing)])
            alone.difference_update(*[by_token[token] for token in by_token.keys() & doubtful])
        return woken - alone if alone else woken


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
        frozenset(place for place, rule in enumerate(rules) if rule.together_with),
        _places(_company(rule, snapshot.concept_keys) for rule in rules),
    )


def _company(rule: Rule, concept_keys: Mapping[str, str]) -> frozenset[str]:
    pair = rule.together_with
    return pair and pair | sources_of(pair | rule.trigger, concept_keys)


def _places(names: Iterable[frozenset[str]]) -> dict[str, tuple[int, ...]]:
    places: dict[str, tuple[int, ...]] = {}
    for place, found in enumerate(names):
        for name in found:
            places[name] = (*places.get(name, ()), place)
    return places
