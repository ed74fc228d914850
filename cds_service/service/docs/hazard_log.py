"""docs/hazard-log.md: every hazard with its cause, its controls by name, and what is left of it."""

from __future__ import annotations

from collections.abc import Sequence

from cds_service.knowledge.dossier import HazardEntry
from cds_service.service.docs.markdown import page, rule_links, table

INTRODUCTION = """\
In the manner of ISO 14971: what can go wrong, what leads to it in the data or in the software, what holds it back, and
what is left. Engineers wrote it; severity and likelihood are proposals that a board confirms or changes. Every rule,
gate, question and test that is named here exists: a test sees to that. See also the [intended use](intended-use.md) and
the [clinical review](clinical-review.md).
"""
TEST_ROOT = "../tests/"


def hazard_log_page(hazards: Sequence[HazardEntry], rules: Sequence[str]) -> str:
    """The log. rules: the ids of the rules that have a page."""
    lines = ["# Hazard log", "", INTRODUCTION]
    rows = (
        (f"[{one.id}](#{_anchor(one)})", one.hazard, one.severity, one.likelihood_before, one.likelihood_after)
        for one in hazards
    )
    lines += table(("id", "hazard", "severity", "likelihood without controls", "with controls"), rows)
    for hazard in hazards:
        lines += _hazard(hazard, rules)
    return page(lines)


def _anchor(hazard: HazardEntry) -> str:
    return hazard.id.lower()


def _hazard(hazard: HazardEntry, rules: Sequence[str]) -> list[str]:
    lines = [f"## {hazard.id}", "", f"**{hazard.hazard}.**", "", f"- Cause: {hazard.cause}.", f"- Harm: {hazard.harm}."]
    if hazard.rules:
        lines += [f"- Rules: {rule_links(hazard.rules, rules)}."]
    if asked := (*hazard.gates, *hazard.families):
        links = ", ".join(f"[{name}](shared-questions.md#{name})" for name in asked)
        lines += [f"- Gates and shared questions: {links}."]
    lines += [_test(test) for test in hazard.tests]
    lines += [f"- The site: {text}." for text in hazard.site]
    return [*lines, f"- Left: {hazard.residual}.", ""]


def _test(test: str) -> str:
    file, _, name = test.partition("::")
    return f"- Test: [{name}]({TEST_ROOT}{file})"
