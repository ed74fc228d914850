"""The generated pages of docs/: rule catalogue, settings, prefetch keys. `stale_pages` keeps them true."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from cds_service.knowledge.case_file import CaseEntry, read_cases
from cds_service.knowledge.dossier import read_dossier
from cds_service.knowledge.model import Family, Knowledge, Limit, PlainText, Rule
from cds_service.knowledge.sources import Sources
from cds_service.service.docs.seed_claims import seed_claims_page

NOTICE = "<!-- Written by `ionwise docs`; do not edit. -->\n"
REQUIREMENTS = {"R": "required", "S": "send", "O": "optional"}


def build_pages(knowledge: Knowledge, sources: Sources, settings: type[BaseModel]) -> dict[str, str]:
    """File name in docs/ -> text. Raises KnowledgeError when the dossier or a cases.yaml is refused."""
    dossier = read_dossier(sources)
    pages = {
        "rules.md": rules_page(knowledge, sources),
        "prefetch.md": prefetch_page(knowledge),
        "settings.md": settings_page(settings),
    }
    if dossier.claims:
        pages["seed-claims.md"] = seed_claims_page(dossier.claims.entry.claims, {rule.id for rule in knowledge.rules})
    return pages


def stale_pages(pages: Mapping[str, str], docs: Path) -> tuple[str, ...]:
    """The pages that differ from what is in docs/, or are missing there."""
    return tuple(
        name
        for name, text in sorted(pages.items())
        if not (docs / name).exists() or (docs / name).read_text(encoding="utf-8") != text
    )


def rules_page(knowledge: Knowledge, sources: Sources) -> str:
    """Every rule with its limits, sources, known limits and cases; then the families."""
    lines = [NOTICE, f"# Rules (knowledge {knowledge.version})", ""]
    lines += _table(
        ("rule", "title", "status", "evidence", "hooks"),
        ((f"[{r.id}](#{r.id})", r.title["en"], r.status, r.grade, ", ".join(sorted(r.hooks))) for r in knowledge.rules),
    )
    for rule in knowledge.rules:
        lines += _rule(rule, read_cases(sources, rule.folder).entry.cases)
    lines += ["# Shared questions and gates", ""]
    for family in knowledge.family_table:
        lines += _family(family)
    lines += ["# Bibliography", ""]
    for source in sorted(knowledge.evidence.values(), key=lambda one: one.id):
        read = f"Read {source.read}." if source.read else "Recalled, not read again."
        link = f" <{source.url}>" if source.url else ""
        lines += [f"- `{source.id}`: **{source.label}.** {source.citation} {read}{link}"]
    return "\n".join(lines) + "\n"


def _rule(rule: Rule, cases: Iterable[CaseEntry]) -> list[str]:
    tiers = ", ".join(f"{hook} {rule.tier(hook)}" for hook in sorted(rule.hooks))
    lines = [f"## {rule.id}", "", f"{rule.title['en']} / {rule.title['nl']}. Version {rule.version}, {rule.status},"]
    lines += [f"evidence {rule.grade}. Ages: {rule.ages}. Tiers: {tiers}."]
    if rule.gates:
        lines += [f"Switched off by: {', '.join(rule.gates)}."]
    lines += [f"Sources: {'; '.join(one.label for one in rule.evidence)}.", ""]
    lines += _limits(rule.limit_table)
    lines += _known_limits(rule.known_limits)
    lines += ["Cases:", ""]
    rows = ((case.name, case.hook, case.then + (f" ({case.indicator})" if case.indicator else "")) for case in cases)
    return lines + _table(("situation", "hook", "outcome"), rows)


def _family(family: Family) -> list[str]:
    lines = [f"## {family.id}", "", f"{family.title['en']} / {family.title['nl']} ({family.kind}).", ""]
    return lines + _limits(family.limit_table) + _known_limits(family.known_limits)


def _limits(limits: Iterable[Limit]) -> list[str]:
    rows = [
        (one.name, f"{one.value} {one.unit}", "fixed" if one.low == one.high else f"{one.low}–{one.high}",
         one.provenance, f"same as {one.same_as}" if one.same_as else one.evidence or "")
        for one in limits
    ]  # fmt: skip
    if not rows:
        return []
    return ["Limits:", "", *_table(("limit", "value", "a site may choose", "provenance", "source"), rows)]


def _known_limits(texts: Iterable[PlainText]) -> list[str]:
    found = [f"- {text['en']}" for text in texts]
    return ["Known limits:", "", *found, ""] if found else []


def prefetch_page(knowledge: Knowledge) -> str:
    """The prefetch keys, their queries and what they are for."""
    hooks = sorted({hook for entry in knowledge.key_plan for hook in entry.hooks})
    lines = [NOTICE, "# Prefetch keys", "", "The same key asks the same query in every service.", ""]
    lines += _table(
        ("key", *hooks),
        ((f"`{e.key}`", *(REQUIREMENTS.get(e.hooks.get(hook, ""), "") for hook in hooks)) for e in knowledge.key_plan),
    )
    for entry in knowledge.key_plan:
        lines += [f"## {entry.key}", "", f"For: {entry.why['en']}.", "", "```", entry.query, "```", ""]
    return "\n".join(lines).rstrip() + "\n"


def settings_page(settings: type[BaseModel]) -> str:
    """Every setting with its environment variable, default and meaning."""
    prefix = str(settings.model_config.get("env_prefix", ""))
    rows = []
    for name, field in settings.model_fields.items():
        default = "" if field.default is PydanticUndefined else repr(field.default)
        if field.default_factory is not None:
            default = "(computed)"
        rows.append((f"`{prefix}{name}`".upper(), f"`{default}`" if default else "required", field.description or ""))
    table = _table(("environment variable", "default", "meaning"), rows)
    return "\n".join([NOTICE, "# Settings", "", *table]).rstrip() + "\n"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    lines = ["| " + " | ".join(head) + " |", "| " + " | ".join("---" for _ in head) + " |"]
    lines += ["| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) + " |" for row in rows]
    return [*lines, ""]
