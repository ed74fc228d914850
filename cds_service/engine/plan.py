"""The rules of one hook made ready once, so that a rule whose trigger is absent costs a call nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

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
    """

    rules: tuple[Rule, ...]
    concept_keys: Mapping[str, str]
    silent: tuple[Verdict, ...]
    by_token: Mapping[str, tuple[int, ...]]
    by_source: Mapping[str, tuple[int, ...]]


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
    )


def _places(names: Iterable[frozenset[str]]) -> dict[str, tuple[int, ...]]:
    places: dict[str, tuple[int, ...]] = {}
    for place, found in enumerate(names):
        for name in found:
            places[name] = (*places.get(name, ()), place)
    return places
