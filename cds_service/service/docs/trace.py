"""docs/trace.md: from what is required to the rule that does it and the tests that prove it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from cds_service.knowledge.case_file import SILENT
from cds_service.knowledge.dossier import ClaimEntry, HazardEntry
from cds_service.service.docs.markdown import page, rule_links, table
from cds_service.service.rule_sheet import RuleSheet

INTRODUCTION = """\
Requirement, rule, test. A clinical requirement is what a rule says of itself (the sentence its code begins with); its
tests are the cases in its folder, all run by `tests/cards/test_cases.py`; every limit of it is moved by its last digit
to see that a case notices (`tests/cards/test_limit_mutation.py`). A safety requirement is the control of a hazard.
"""


def trace_page(sheets: Sequence[RuleSheet], claims: Sequence[ClaimEntry], hazards: Sequence[HazardEntry]) -> str:
    """Both tables."""
    head = ("requirement", "rule", "seed claims", "hazards", "cards and the cases that prove them", "cases of silence")
    lines = ["# Trace", "", INTRODUCTION, "## Clinical requirements", ""]
    lines += table(head, (_clinical(sheet, claims, hazards) for sheet in sheets))
    lines += ["## Safety requirements", ""]
    return page(lines + table(("requirement", "rules", "gates and questions", "tests"), _safety(sheets, hazards)))


def _clinical(sheet: RuleSheet, claims: Sequence[ClaimEntry], hazards: Sequence[HazardEntry]) -> tuple[str, ...]:
    rule = sheet.rule
    counts = Counter(case.then for case in sheet.record.cases)
    cards = ", ".join(f"{variant} {counts[variant]}" for variant in rule.cards if counts[variant])
    silent = sum(counts[kind] for kind in SILENT)
    return (
        f"{rule.group}: {sheet.decision}",
        f"[{rule.id}](rules/{rule.id}.md)",
        ", ".join(str(claim.number) for claim in claims if rule.id in claim.rules),
        ", ".join(hazard.id for hazard in hazards if rule.id in hazard.rules),
        cards,
        str(silent),
    )


def _safety(sheets: Sequence[RuleSheet], hazards: Sequence[HazardEntry]) -> Iterator[tuple[str, ...]]:
    known = [sheet.rule.id for sheet in sheets]
    for hazard in hazards:
        yield (
            f"[{hazard.id}](hazard-log.md#{hazard.id.lower()}) is held back: {hazard.hazard}",
            rule_links(hazard.rules, known),
            ", ".join((*hazard.gates, *hazard.families)),
            "<br>".join(f"`{test}`" for test in hazard.tests),
        )
