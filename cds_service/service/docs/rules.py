"""docs/rules.md (the index), docs/rules/<id>.md (one page per rule), the shared questions and the bibliography."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from cds_service.knowledge.model import CardText, Family, Knowledge, PlainText
from cds_service.knowledge.sources import Sources
from cds_service.service.docs.markdown import page, table
from cds_service.service.rule_records import RuleRecords, given
from cds_service.service.rule_sheet import (
    LABELS_OF_KINDS,
    RuleSheet,
    ShownLimit,
    card_lines,
    plain,
    rule_sheet,
    shown_limits,
    wording,
)
from cds_service.service.source_attributes import source_attributes

GROUPS = {
    "A": "Overt disturbances of magnesium",
    "B": "Hidden or chronic deficiency (contested)",
    "C": "Potassium",
    "D": "Calcium",
    "E": "Vitamin D, phosphate, refeeding",
    "F": "Drugs that lower magnesium",
    "G": "Dangerous context",
    "H": "Absorption and cations",
    "I": "Supplements and their doses",
    "J": "Risk conditions, symptoms, differential",
    "K": "Follow-up",
}
ATTRIBUTES = {
    "race": "race", "ethnicity": "ethnicity", "language": "language", "sexualOrientation": "sexual orientation",
    "genderIdentity": "gender identity", "sex": "sex", "dateOfBirth": "date of birth",
    "socialDeterminantsOfHealth": "social determinants of health",
    "healthStatusAssessments": "health status assessments",
}  # fmt: skip


def all_sheets(knowledge: Knowledge, sources: Sources) -> tuple[RuleSheet, ...]:
    """The sheets of all rules, in the order of the knowledge."""
    records = RuleRecords(sources)
    return tuple(rule_sheet(knowledge, rule, records.of(rule.id)) for rule in knowledge.rules)


def rule_pages(knowledge: Knowledge, sheets: Sequence[RuleSheet]) -> dict[str, str]:
    """File name in docs/ -> text."""
    return {
        "rules.md": _index(knowledge, sheets),
        "shared-questions.md": _questions(knowledge),
        "bibliography.md": _bibliography(knowledge),
        **{f"rules/{sheet.rule.id}.md": rule_page(sheet, knowledge.version) for sheet in sheets},
    }


def _index(knowledge: Knowledge, sheets: Sequence[RuleSheet]) -> str:
    lines = [f"# Rules (knowledge {knowledge.version})", ""]
    lines += [f"{len(sheets)} rules; beside them the [shared questions and gates](shared-questions.md) and the"]
    lines += ["[bibliography](bibliography.md).", ""]
    for group, title in GROUPS.items():
        found = [sheet.rule for sheet in sheets if sheet.rule.group == group]
        if found:
            lines += [f"## {group}. {title}", ""]
            rows = [
                (f"[{r.id}](rules/{r.id}.md)", r.title["en"], r.status, r.grade, _worst(r.cards.values()))
                for r in found
            ]
            lines += table(("rule", "title", "status", "evidence", "at most"), rows)
    return page(lines)


def _worst(cards: Iterable[CardText]) -> str:
    return str(max(card.indicator for card in cards))


def _questions(knowledge: Knowledge) -> str:
    lines = ["# Shared questions and gates", "", "What several rules ask, and what switches rules off.", ""]
    for family in knowledge.family_table:
        lines += _family(knowledge, family)
    return page(lines)


def _family(knowledge: Knowledge, family: Family) -> list[str]:
    lines = [f"## {family.id}", "", f"{family.title['en']} / {family.title['nl']} ({family.kind}).", ""]
    limits = shown_limits(knowledge, family.id, family.limit_table)
    return lines + _limits(limits) + _known_limits(family.known_limits)


def _bibliography(knowledge: Knowledge) -> str:
    lines = ["# Bibliography", ""]
    for source in sorted(knowledge.evidence.values(), key=lambda one: one.id):
        read = f"Read {source.read}." if source.read else "Recalled, not read again."
        link = f" <{source.url}>" if source.url else ""
        lines += [f"- `{source.id}`: **{source.label}.** {source.citation} {read}{link}"]
    return page(lines)


def rule_page(sheet: RuleSheet, version: str) -> str:
    """Everything about one rule."""
    rule = sheet.rule
    tiers = ", ".join(f"{hook} {rule.tier(hook)}" for hook in sorted(rule.hooks))
    lines = [f"# {rule.title['en']} / {rule.title['nl']}", ""]
    lines += [f"`{rule.id}`, version {rule.version}, {rule.status}. Evidence {rule.grade}. Ages: {rule.ages}."]
    lines += [f"Moments and tiers: {tiers}. Reviewed {rule.review.reviewed}, next {rule.review.next};"]
    lines += [f"checked by: {rule.review.checker}.", "", "## What it does", "", sheet.decision, ""]
    if sheet.gates:
        lines += [f"Switched off or softened by: {', '.join(_link(one.family) for one in sheet.gates)}.", ""]
    lines += ["## What it reads", ""]
    for kind, found in sheet.kinds():
        lines += [f"- {LABELS_OF_KINDS[kind]['en']}: {', '.join(one.label['en'] for one in found)}"]
    if sheet.questions:
        lines += [f"- Shared questions: {', '.join(_link(one.family) for one in sheet.questions)}"]
    lines += ["", *_limits(sheet.limits), *_known_limits(rule.known_limits), *_cards(sheet)]
    lines += ["## Cases", ""]
    rows = (
        (case.name, case.hook, given(case), case.then + (f" ({case.indicator})" if case.indicator else ""))
        for case in sheet.record.cases
    )
    lines += table(("situation", "hook", "data", "outcome"), rows)
    return page([*lines, *_sources(sheet, version), *_history(sheet)])


def _link(family: Family) -> str:
    return f"[{family.title['en']}](../shared-questions.md#{family.id})"


def _limits(limits: Sequence[ShownLimit]) -> list[str]:
    rows = [
        (one.limit.name, f"{one.limit.value} {one.limit.unit}",
         "fixed" if one.limit.low == one.limit.high else f"{one.limit.low}–{one.limit.high}",
         one.limit.provenance, f"same as {one.limit.same_as}" if one.limit.same_as else one.cited)
        for one in limits
    ]  # fmt: skip
    found = table(("limit", "value", "a site may choose", "provenance", "source"), rows)
    return ["**Limits**", "", *found] if found else []


def _known_limits(texts: Iterable[PlainText]) -> list[str]:
    found = [f"- {text['en']}" for text in texts]
    return ["**Known limits**", "", *found, ""] if found else []


def _cards(sheet: RuleSheet) -> list[str]:
    lines = ["## Card texts", ""]
    for card in sheet.rule.cards.values():
        lines += [f"**{card.variant}** ({card.indicator})", ""]
        lines += table(("Nederlands", "English"), zip(card_lines(card, "nl"), card_lines(card, "en"), strict=True))
    notes = [(plain(note, "nl"), plain(note, "en")) for note in sheet.rule.notes.values()]
    if notes:
        lines += ["**Further lines**", "", *table(("Nederlands", "English"), notes)]
    pieces = table(("name", "Nederlands", "English"), wording(sheet.rule))
    return lines + (["**Pieces of text**", "", *pieces] if pieces else [])


def _sources(sheet: RuleSheet, version: str) -> list[str]:
    found = source_attributes(sheet, version)
    lines = ["## Sources", ""]
    for source in sheet.rule.evidence:
        read = f"Read {source.read}." if source.read else "Recalled, not read again."
        lines += [f"- **{source.label}.** {source.citation} {read}"]
    lines += ["", f"Developer: {found['developer']}. Funding: {found['fundingSource']}", ""]
    rows = [(text, _used(found[name])) for name, text in ATTRIBUTES.items()]
    return [*lines, *table(("data about the patient", "used"), rows)]


def _used(attribute: Mapping[str, object]) -> str:
    return f"{'yes' if attribute['used'] else 'no'}. {attribute['explanation']}"


def _history(sheet: RuleSheet) -> list[str]:
    lines = ["## History", ""]
    lines += [f"- Last changed in knowledge {sheet.record.since}."] if sheet.record.since else []
    return lines + [f"- {release}: {line}" for release, line in sheet.record.history]
