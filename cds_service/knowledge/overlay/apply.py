"""Lays one overlay over the base knowledge: a Knowledge of its own that shares every rule it does not change."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import msgspec

from cds_service.errors import KnowledgeError
from cds_service.facts.vocabulary import Vocabulary
from cds_service.knowledge.model import Gate, Knowledge, Order, Rule
from cds_service.knowledge.overlay.desk import Desk
from cds_service.knowledge.overlay.drugs import add_drug_codes, add_drug_map, replace_qt_list
from cds_service.knowledge.overlay.file import OverlayFile
from cds_service.knowledge.overlay.groups import add_value_sets
from cds_service.knowledge.overlay.laboratory import add_lab_codes, add_ranges, ask_for_codes
from cds_service.knowledge.overlay.limits import MovedLimits, check_limits, questions
from cds_service.knowledge.overlay.selection import Selection, select_rules
from cds_service.knowledge.sources import Sources, read_source
from cds_service.knowledge.tenant import Tenant


def apply_overlay(path: Path, base: Knowledge, sources: Sources) -> Knowledge:
    """The knowledge of one tenant. `sources`: what `base` was compiled from.

    Raises KnowledgeError with everything that is wrong in the overlay and the files it names.
    """
    source, findings = read_source(path, path.name, OverlayFile)
    if source is None:
        raise KnowledgeError(tuple(findings))
    desk = Desk(path, source.document, source.entry, base)
    moved = check_limits(desk, sources)
    vocabulary, qt_is_empty = _vocabulary(desk)
    plan = ask_for_codes(desk, vocabulary, base.key_plan)
    selection = select_rules(desk, qt_is_empty=qt_is_empty)
    orders = _orders(desk)
    _check_sources(desk)
    if desk.findings:
        raise KnowledgeError(tuple(desk.findings))
    knowledge = msgspec.structs.replace(
        base,
        overlay_hash=desk.sha256,
        vocabulary=vocabulary,
        key_plan=plan,
        orders=orders,
        tenant=_tenant(desk, selection, moved),
    )
    return with_rules(with_limits(knowledge, sources, moved), selection.off, selection.silent, selection.live)


def with_rules(
    knowledge: Knowledge,
    off: frozenset[str] = frozenset(),
    silent: frozenset[str] = frozenset(),
    live: frozenset[str] = frozenset(),
) -> Knowledge:
    """The knowledge without the rules that are `off`, those that are `silent` or `live` made so; silent goes first."""
    rules = tuple(_as_run(rule, silent, live) for rule in knowledge.rules if rule.id not in off)
    return _with(knowledge, rules)


def silenced(knowledge: Knowledge) -> Knowledge:
    """The knowledge with every rule silent: evaluated, not shown."""
    return with_rules(knowledge, silent=frozenset(rule.id for rule in knowledge.rules))


def _as_run(rule: Rule, silent: frozenset[str], live: frozenset[str]) -> Rule:
    status = "silent" if rule.id in silent else "live" if rule.id in live else rule.status
    return rule if status == rule.status else msgspec.structs.replace(rule, status=status)


def _with(knowledge: Knowledge, rules: tuple[Rule, ...]) -> Knowledge:
    known = {rule.id: rule for rule in rules}
    by_hook = {
        hook: tuple(known[rule.id] for rule in listed if rule.id in known) for hook, listed in knowledge.by_hook.items()
    }
    return msgspec.structs.replace(knowledge, rules=rules, by_hook=by_hook, plans={})


def with_limits(knowledge: Knowledge, sources: Sources, moved: Mapping[str, Decimal]) -> Knowledge:
    """The knowledge with these limits (`<rule or family>.<name>` -> value) instead of its own.

    Ranges are not looked at.
    """
    if not moved:
        return knowledge
    limits = MovedLimits(sources, moved)
    families = tuple(limits.family(family) for family in knowledge.family_table)
    gates = {f.id: Gate(f.id, f.title, f.function) for f in families if f.kind == "gate"}
    knowledge = msgspec.structs.replace(
        knowledge, families=questions(families), family_table=families, gates=gates
    )  # fmt: skip
    return _with(knowledge, tuple(limits.rule(rule) for rule in knowledge.rules))


def _vocabulary(desk: Desk) -> tuple[Vocabulary, bool]:
    """The vocabulary of the site (the base's own object when nothing changes), and whether its QT list is empty."""
    entry = desk.entry
    vocabulary = desk.base.vocabulary
    if entry.lab_codes:
        vocabulary = add_lab_codes(desk, vocabulary)
    if entry.laboratory_ranges:
        vocabulary = add_ranges(desk, vocabulary)
    vocabulary = add_value_sets(desk, add_drug_codes(desk, add_drug_map(desk, vocabulary)))
    return replace_qt_list(desk, vocabulary)


def _orders(desk: Desk) -> dict[str, Order]:
    orders = dict(desk.base.orders)
    for name, entry in desk.entry.orderables.items():
        if name not in orders:
            desk.unknown("order", name, orders, "orderables", name)
            continue
        coding = {"system": entry.system, "code": entry.code}
        coding |= {} if entry.display is None else {"display": entry.display}
        codings = (coding, *orders[name].codings)
        orders[name] = msgspec.structs.replace(orders[name], codings=codings, own=True)
    if desk.entry.orderables_required and not desk.entry.orderables:
        desk.remarks.append("orderables_required: there are no orderables, so no card offers an order")
    return orders


def _check_sources(desk: Desk) -> None:
    keys = [entry.key for entry in desk.base.key_plan]
    for index, key in enumerate(desk.entry.absent_sources or ()):
        if key not in keys:
            desk.unknown("prefetch key", key, keys, "absent_sources", index)


def _tenant(desk: Desk, selection: Selection, moved: Mapping[str, Decimal]) -> Tenant:
    entry = desk.entry
    return Tenant(
        name=entry.tenant or desk.path.stem,
        switched_off=selection.switched_off,
        encounter_classes=selection.encounter_classes,
        orderables_required=entry.orderables_required,
        silent=entry.silent is True,
        languages=entry.languages,
        time_zone=entry.time_zone,
        absent_sources=None if entry.absent_sources is None else frozenset(entry.absent_sources),
        icu_locations=None if entry.icu_locations is None else frozenset(entry.icu_locations),
        admit_unknown_status=entry.admit_unknown_status,
        limits=moved,
        remarks=tuple(desk.remarks),
    )
