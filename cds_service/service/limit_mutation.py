"""Moves every limit by its last digit and asks the cases whether they notice: a limit that may move unseen has no test.

Each case's chart is read once; only the rule is evaluated again, with replaced limits. Spans move by one of their unit.
Families' limits are moved as well and tried on the cases of the rules that use them. Constants of formulas stay.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path

import msgspec

from cds_service.engine.run import Run, Verdict
from cds_service.errors import Finding
from cds_service.facts.patient import FamilyKnowledge, Limits
from cds_service.facts.snapshot import Snapshot
from cds_service.knowledge.case_file import CaseEntry, read_cases
from cds_service.knowledge.limits import as_span, last_digit
from cds_service.knowledge.model import Family, Knowledge, Limit, Rule
from cds_service.knowledge.rule_file import SPAN_UNITS
from cds_service.knowledge.sources import Sources
from cds_service.service.cases import compare, run_case

NAME = "limit-mutation"
REMEDY = "add a case exactly at the limit and one just beside it"


class Situation(msgspec.Struct, frozen=True):
    """One case with its chart already read, and what the rule makes of it with its real limits."""

    case: CaseEntry
    snapshot: Snapshot
    verdict: Verdict


class Mutant(msgspec.Struct, frozen=True):
    """One limit at another value."""

    limit: Limit
    value: Decimal


def unnoticed(knowledge: Knowledge, sources: Sources, only: Iterable[str] = ()) -> Iterator[Finding]:
    """A finding for every mutant that breaks no case. `only`: rule ids (default: all, and the families they use)."""
    wanted = frozenset(only)
    rules = [rule for rule in knowledge.rules if not wanted or rule.id in wanted]
    situations = {rule.id: tuple(_situations(rule, knowledge, sources)) for rule in rules}
    for rule in rules:
        yield from _unnoticed_in_rule(rule, knowledge, sources, situations[rule.id])
    for family in knowledge.family_table:
        users = [rule for rule in rules if family.id in rule.needs.uses or family.id in (rule.family, *rule.gates)]
        if users and not wanted:
            yield from _unnoticed_in_family(family, users, knowledge, sources, situations)


def mutants(limits: Sequence[Limit]) -> Iterator[Mutant]:
    """Each limit one last digit down and up (a span: one unit); not those that live elsewhere, nor constants."""
    for limit in limits:
        if limit.same_as is None and not limit.constant:
            step = last_digit(limit.value, limit.unit)
            for value in (limit.value - step, limit.value + step):
                yield Mutant(limit, value)


def moved(limits: Limits, mutant: Mutant) -> Limits:
    """`limits` with the mutant's value."""
    name, unit = mutant.limit.name, mutant.limit.unit
    if unit in SPAN_UNITS:
        return Limits(limits, {**limits.spans, name: as_span(mutant.value, unit)}, limits.data)
    return Limits({**limits, name: mutant.value}, limits.spans, limits.data)


def _situations(rule: Rule, knowledge: Knowledge, sources: Sources) -> Iterator[Situation]:
    for case in read_cases(sources, rule.folder).entry.cases:
        result = run_case(case, rule, knowledge)
        if not result.problems:  # a case that fails already would seem to notice everything
            yield Situation(case, result.decision.snapshot, result.decision.trace[0])


def _unnoticed_in_rule(
    rule: Rule, knowledge: Knowledge, sources: Sources, situations: Sequence[Situation]
) -> Iterator[Finding]:
    family_limits = {limit.name for family in knowledge.family_table if family.id == rule.family
                     for limit in family.limit_table}  # fmt: skip
    own = [limit for limit in rule.limit_table if limit.name not in family_limits]
    for mutant in mutants(own):
        changed = msgspec.structs.replace(rule, limits=moved(rule.limits, mutant))
        if not _noticed(changed, knowledge, situations):
            yield _finding(sources.cards_dir / rule.folder / "rule.yaml", sources, mutant, rule.id)


def _unnoticed_in_family(
    family: Family,
    users: Sequence[Rule],
    knowledge: Knowledge,
    sources: Sources,
    situations: dict[str, tuple[Situation, ...]],
) -> Iterator[Finding]:
    source = sources.family(family.id)
    for mutant in mutants(family.limit_table):
        limits = moved(family.limits, mutant)
        families = {
            function: FamilyKnowledge(known.id, limits, known.needs) if known.id == family.id else known
            for function, known in knowledge.families.items()
        }
        changed = msgspec.structs.replace(knowledge, families=families)
        if not any(_noticed(_with_family(rule, family, mutant), changed, situations[rule.id]) for rule in users):
            path = sources.cards_dir if source is None else source.path
            yield _finding(path, sources, mutant, family.id)


def _with_family(rule: Rule, family: Family, mutant: Mutant) -> Rule:
    if rule.family != family.id:
        return rule
    return msgspec.structs.replace(rule, limits=moved(rule.limits, mutant))


def _noticed(rule: Rule, knowledge: Knowledge, situations: Sequence[Situation]) -> bool:
    for situation in situations:
        fresh = msgspec.structs.replace(situation.snapshot, answers={})
        (verdict,) = Run(fresh, knowledge).verdicts((rule,))
        if compare(situation.case, verdict.kind, verdict.variant, verdict.severity, verdict.missing, verdict.reason):
            return True
        if verdict.kind == "fires" and _printed(verdict) != _printed(situation.verdict):
            return True
    return False


def _printed(verdict: Verdict) -> tuple[object, ...]:
    """What a golden card would show of a verdict that fires."""
    fires = verdict.fires
    text = (fires.variant, verdict.severity, fires.also, fires.values, fires.notes, fires.unknown, verdict.remarks)
    return (*text, fires.measured, fires.due)


def _finding(path: Path, sources: Sources, mutant: Mutant, owner: str) -> Finding:
    problem = f"{owner}.{mutant.limit.name} may be {mutant.value} instead of {mutant.limit.value} and no case notices"
    return Finding(sources.shown(path), mutant.limit.line, NAME, problem, REMEDY)
