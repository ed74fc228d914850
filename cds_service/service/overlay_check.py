"""`ionwise overlay check`: an overlay as a whole, and the cases of the rules whose limits it moves.

A case is at the boundary of a limit when moving that limit by its last digit changes what the rule comes to. Such cases
are moved along with the limit and must come to the same again: otherwise the new value has met another limit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path

import msgspec

from cds_service.engine.run import Run
from cds_service.errors import Finding, KnowledgeError
from cds_service.facts.snapshot import Snapshot
from cds_service.knowledge.case_file import CaseEntry, read_cases
from cds_service.knowledge.limits import LimitTable
from cds_service.knowledge.load import compile_base
from cds_service.knowledge.model import Knowledge, Rule
from cds_service.knowledge.overlay.apply import apply_overlay, with_limits
from cds_service.knowledge.sources import Sources
from cds_service.knowledge.yaml_strict import load_yaml
from cds_service.service.case_shift import Shift, shift_case
from cds_service.service.cases import compare, run_case

NAME = "overlay"
REMEDY = "choose a value that keeps its distance to the rule's other limits"


class MovedLimit(msgspec.Struct, frozen=True):
    """One limit of the overlay: how many boundary cases moved along with it, and which could not be moved.

    A case cannot be moved when its value is calculated (a corrected calcium, a score) or written in another unit: a
    clinician must judge those.
    """

    name: str
    shift: Shift
    moved: int
    unmoved: tuple[str, ...]


class OverlayReport(msgspec.Struct, frozen=True):
    """What the check of one overlay came to."""

    knowledge: Knowledge
    limits: tuple[MovedLimit, ...]
    findings: tuple[Finding, ...]


class _Situation(msgspec.Struct, frozen=True):
    rule: str
    case: CaseEntry
    snapshot: Snapshot


def check_overlay(path: Path, cards_dir: Path | None = None) -> OverlayReport:
    """Read an overlay and run the boundary cases of the limits it moves. Raises KnowledgeError when it is refused."""
    base, sources = compile_base(cards_dir)
    return check_limits(path, apply_overlay(path, base, sources), base, sources)


def check_limits(path: Path, knowledge: Knowledge, base: Knowledge, sources: Sources) -> OverlayReport:
    """Run the boundary cases of the limits that the overlay of `knowledge` moves in `base`."""
    check = _Check(base, sources, knowledge.tenant.limits, path)
    limits = tuple(check.limit(name) for name in knowledge.tenant.limits)
    return OverlayReport(knowledge, limits, tuple(check.findings))


class _Check:
    def __init__(self, base: Knowledge, sources: Sources, moved: Mapping[str, Decimal], path: Path) -> None:
        self.base = base
        self.sources = sources
        owners = LimitTable(sources).owners
        self.shifts: dict[str, Shift] = {}
        for full, value in moved.items():
            owner, _, name = full.partition(".")
            entry = owners[owner].entry.limits[name]
            self.shifts[full] = Shift(entry.unit or "", entry.value or Decimal(0), value)
        self.site = with_limits(base, sources, {full: shift.new for full, shift in self.shifts.items()})
        self.path = path
        self.document = load_yaml(path, path.name)
        self.findings: list[Finding] = []
        self._situations: dict[str, tuple[_Situation, ...]] = {}

    def limit(self, full: str) -> MovedLimit:
        """Move the boundary cases of one limit along; what comes to something else becomes a finding."""
        moved, unmoved = 0, []
        for situation in self._boundary(full):
            case = shift_case(situation.case, tuple(self.shifts.values()))
            if case is None:
                unmoved.append(f"{situation.rule}: {situation.case.name}")
                continue
            moved += 1
            problems = run_case(case, self.site.rule(situation.rule), self.site).problems
            for problem in problems:
                what = f"{full} = {self.shifts[full].new}: {situation.rule}, case {case.name!r} moved along: {problem}"
                self.findings.append(self.document.finding(("limits", full), what, REMEDY, NAME))
        return MovedLimit(full, self.shifts[full], moved, tuple(unmoved))

    def _boundary(self, full: str) -> Iterator[_Situation]:
        """The situations in which the last digit of a limit decides, each once."""
        shift = self.shifts[full]
        mutants = [
            with_limits(self.base, self.sources, {full: value})
            for value in (shift.old - shift.step, shift.old + shift.step)
        ]
        owner = full.partition(".")[0]
        for rule in self.base.rules:
            twins = [mutant.rule(rule.id) for mutant in mutants]
            if all(twin is rule for twin in twins) and owner not in (*rule.needs.uses, *rule.gates):
                continue
            for situation in self._of(rule):
                if any(_differs(situation, twin, mutant) for twin, mutant in zip(twins, mutants, strict=True)):
                    yield situation

    def _of(self, rule: Rule) -> tuple[_Situation, ...]:
        if rule.id not in self._situations:
            try:
                cases = read_cases(self.sources, rule.folder).entry.cases
            except KnowledgeError:
                cases = ()
            results = [(case, run_case(case, rule, self.base)) for case in cases]
            self._situations[rule.id] = tuple(
                _Situation(rule.id, case, result.decision.snapshot) for case, result in results if not result.problems
            )
        return self._situations[rule.id]


def _differs(situation: _Situation, rule: Rule, knowledge: Knowledge) -> bool:
    fresh = msgspec.structs.replace(situation.snapshot, answers={})
    (verdict,) = Run(fresh, knowledge).verdicts((rule,))
    return bool(
        compare(situation.case, verdict.kind, verdict.variant, verdict.severity, verdict.missing, verdict.reason)
    )
