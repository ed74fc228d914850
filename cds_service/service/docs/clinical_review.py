"""docs/clinical-review.md: what a clinical board still has to sign, the most dangerous first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from cds_service.facts.outcomes import Severity
from cds_service.knowledge.dossier import QuestionEntry
from cds_service.knowledge.model import Family, Knowledge, Limit, Rule
from cds_service.service.docs.markdown import page, rule_links, table

INTRODUCTION = """\
Nothing here has been signed by a clinical board. This page lists what has to be, the most dangerous first: numbers that
were recalled and not read again, then our own choices, both by the most severe card that they can lead to; open
questions; sources that nobody has read; and what each rule is known to miss. It is written from the knowledge itself: a
number that is read in its source, or a question that is answered, disappears from it.

"Leads to at most" is the most severe card of the rules that use the number: where a rule has cards of several
severities, the number may decide a milder one. Read the [page of the rule](rules.md) before signing.
"""
RISKS = ("high", "medium", "low")
HEADINGS = {
    "recalled": "Numbers recalled and not read again",
    "design": "Numbers that are our own choice",
}


def clinical_review_page(knowledge: Knowledge, questions: Sequence[QuestionEntry]) -> str:
    """The whole page."""
    owners = list(_owners(knowledge))
    lines = ["# Clinical review", "", INTRODUCTION, *_signatures(knowledge.rules)]
    for number, (provenance, heading) in enumerate(HEADINGS.items(), 1):
        lines += [f"## {number}. {heading}", ""]
        for severity in sorted(Severity, reverse=True):
            found = [one for one in owners if one[1].provenance == provenance and one[3] == severity]
            rows = [_row(*one) for one in sorted(found, key=lambda one: one[1].constant)]
            lines += [f"### Leads to at most: {severity} ({len(rows)})", ""] if rows else []
            lines += table(("limit", "value", "a site may choose", "source", "used by"), rows)
    lines += [*_questions(knowledge.rules, questions), *_unread(knowledge), *_known_limits(knowledge.rules)]
    return page(lines)


def worst(rule: Rule) -> Severity:
    """The most severe card that a rule has."""
    return max(card.indicator for card in rule.cards.values())


def _owners(knowledge: Knowledge) -> Iterator[tuple[Rule | Family, Limit, list[Rule], Severity]]:
    """Every number with a place of its own: its owner, the rules that use it, and the worst card of those."""
    borrowed: Mapping[str, list[Rule]] = defaultdict(list)
    asked: Mapping[str, list[Rule]] = defaultdict(list)
    lenders: Mapping[str, set[str]] = defaultdict(set)
    everywhere = {effect.gate for effect in knowledge.policy.gate_effects}
    for family in knowledge.family_table:
        for limit in family.limit_table:
            if limit.same_as:
                lenders[limit.same_as].add(family.id)
    for rule in knowledge.rules:
        for name in {*rule.needs.uses, *rule.gates, *everywhere, *([rule.family] if rule.family else [])}:
            asked[name].append(rule)
        for limit in rule.limit_table:
            if limit.same_as:
                borrowed[limit.same_as].append(rule)
    shared = {family.id: family.limit_table for family in knowledge.family_table}
    owners: list[Rule | Family] = [*knowledge.rules, *knowledge.family_table]
    for owner in owners:
        lent = shared.get(owner.family or "", ()) if isinstance(owner, Rule) else ()
        for limit in owner.limit_table:
            if limit.same_as or limit in lent:
                continue
            key = f"{owner.id}.{limit.name}"
            users = [owner] if isinstance(owner, Rule) else list(asked[owner.id])
            users += [*borrowed[key], *(rule for lender in lenders[key] for rule in asked[lender])]
            unique = list({rule.id: rule for rule in users}.values())
            yield owner, limit, unique, max(map(worst, unique), default=Severity.INFO)


def _row(owner: Rule | Family, limit: Limit, users: Sequence[Rule], _: Severity) -> tuple[str, ...]:
    names = sorted(rule.id for rule in users)
    shown = rule_links(names[:4], names) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
    span = "fixed" if limit.low == limit.high else f"{limit.low}–{limit.high}"
    name = f"`{owner.id}.{limit.name}`" + (" (part of a formula)" if limit.constant else "")
    return name, f"{limit.value} {limit.unit}", span, limit.evidence or "", shown


def _signatures(rules: Iterable[Rule]) -> list[str]:
    found: dict[str, int] = defaultdict(int)
    for rule in rules:
        found[rule.review.checker] += 1
    lines = ["Who is recorded as having checked the rules (a name here is no signature of a board):", ""]
    return lines + table(("checked by", "rules"), ((name, str(count)) for name, count in sorted(found.items())))


def _questions(rules: Iterable[Rule], questions: Sequence[QuestionEntry]) -> list[str]:
    known = [rule.id for rule in rules]
    lines = ["## 3. Open questions", ""]
    for risk in RISKS:
        rows = [(one.question, one.now + ".", rule_links(one.rules, known)) for one in questions if one.risk == risk]
        lines += [f"### Risk: {risk}", "", *table(("question", "until it is answered", "rules"), rows)] if rows else []
    return lines


def _unread(knowledge: Knowledge) -> list[str]:
    """Sources that were recalled only, with the rules that cite them."""
    rows = []
    for source in knowledge.evidence.values():
        users = [rule for rule in knowledge.rules if source in rule.evidence]
        if source.read is None and users:
            top = max(map(worst, users))
            rows.append((top, source.label, source.citation, rule_links([r.id for r in users], [r.id for r in users])))
    rows.sort(key=lambda row: (-row[0], row[1]))
    shown = ((label, citation, rules, str(top)) for top, label, citation, rules in rows)
    return ["## 4. Sources cited by a rule and not read", "",
            *table(("source", "what we recall of it", "rules", "leads to at most"), shown)]  # fmt: skip


def _known_limits(rules: Iterable[Rule]) -> list[str]:
    rows = [
        (f"[{rule.id}](rules/{rule.id}.md)", str(worst(rule)), "<br>".join(text["en"] for text in rule.known_limits))
        for rule in sorted(rules, key=lambda one: (-worst(one), one.id))
    ]
    return ["## 5. What each rule is known to miss", "", *table(("rule", "at most", "known limits"), rows)]
