"""Every rule has cases that read well: at least one that fires per variant, and one that stays silent."""

from __future__ import annotations

from collections.abc import Iterator

from cds_service.errors import Finding, KnowledgeError
from cds_service.knowledge.case_file import CaseFile, read_cases
from cds_service.knowledge.lint.desk import Desk
from cds_service.knowledge.rule_file import RuleEntry
from cds_service.knowledge.sources import Source

NAME = "cases"


def check(desk: Desk) -> Iterator[Finding]:
    """cases.yaml of every rule folder."""
    for source in desk.sources.rules:
        try:
            cases = read_cases(desk.sources, source.folder.name)
        except KnowledgeError as refused:
            yield from refused.findings
            continue
        family = desk.family_of(source)
        yield from _coverage(source, cases, {*source.entry.cards, *(family.entry.cards if family else ())})


def _coverage(source: Source[RuleEntry], cases: Source[CaseFile], variants: set[str]) -> Iterator[Finding]:
    fired = {case.then for case in cases.entry.cases if case.fires}
    for index, case in enumerate(cases.entry.cases):
        if case.fires and case.then not in variants:
            problem = f"case {case.name!r} expects {case.then}, which is no variant"
            remedy = "use a variant, satisfied, cannot-tell, not-applicable or gated"
            yield cases.finding(NAME, problem, remedy, "cases", index, "then")
        if case.hook not in source.entry.hooks:
            problem = f"case {case.name!r} is at {case.hook}, where the rule does not run"
            yield cases.finding(NAME, problem, "use one of the rule's hooks", "cases", index)
    for variant in sorted(set(source.entry.cards) - fired):
        yield cases.finding(NAME, f"no case fires {variant}", "add one")
    if not fired:
        yield cases.finding(NAME, "no case fires", "add one at least")
    if all(case.fires for case in cases.entry.cases):
        yield cases.finding(NAME, "no case stays silent", "add one at least")
