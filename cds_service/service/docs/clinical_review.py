"""docs/clinical-review.md: what a clinical board still has to sign, the most dangerous first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from cds_service.facts.outcomes import Severity
from cds_service.knowledge.dossier import QuestionEntry
from cds_service.knowledge.limit_users import UsedLimit, used_limits, worst
from cds_service.knowledge.model import Knowledge, Rule
from cds_service.service.docs.markdown import page, rule_links, table

INTRODUCTION = """\
Nothing here has been signed by a clinical board. This page lists what has to be, the most dangerous first: numbers that
were recalled and not read again, then our own choices, both by the most severe card that they can lead to; open
questions; sources that nobody has read; and what each rule is known to miss. It is written from the knowledge itself: a
number that is read in its source, or a question that is answered, disappears from it.

"Leads to at most" is the most severe card of the rules that use the number: where a rule has cards of several
severities, the number may decide a milder one. Read the [page of the rule](rules.md) before signing.

No live rule decides a warning or a critical card on a number that was recalled only: `ionwise check` refuses it, and
the rule stays silent until somebody has read the number. A silent rule is evaluated and recorded, and shown in the
sandbox only, marked as silent; a site shows it by a signed line in [its overlay](overlay.md).
"""
RISKS = ("high", "medium", "low")
HEADINGS = {
    "recalled": "Numbers recalled and not read again",
    "design": "Numbers that are our own choice",
}


def clinical_review_page(knowledge: Knowledge, questions: Sequence[QuestionEntry]) -> str:
    """The whole page."""
    limits = list(used_limits(knowledge))
    lines = ["# Clinical review", "", INTRODUCTION, *_signatures(knowledge.rules), *_silent(knowledge.rules, limits)]
    for number, (provenance, heading) in enumerate(HEADINGS.items(), 1):
        lines += [f"## {number}. {heading}", ""]
        for severity in sorted(Severity, reverse=True):
            found = [one for one in limits if one.limit.provenance == provenance and one.worst == severity]
            rows = [_row(one) for one in sorted(found, key=lambda one: one.limit.constant)]
            lines += [f"### Leads to at most: {severity} ({len(rows)})", ""] if rows else []
            lines += table(("limit", "value", "a site may choose", "source", "used by"), rows)
    lines += [*_questions(knowledge.rules, questions), *_unread(knowledge), *_known_limits(knowledge.rules)]
    return page(lines)


def _row(used: UsedLimit) -> tuple[str, ...]:
    limit, names = used.limit, sorted(rule.id for rule in used.users)
    shown = rule_links(names[:4], names) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
    span = "fixed" if limit.low == limit.high else f"{limit.low}–{limit.high}"
    name = f"`{used.name}`" + (" (part of a formula)" if limit.constant else "")
    return name, f"{limit.value} {limit.unit}", span, limit.evidence or "", shown


def _signatures(rules: Iterable[Rule]) -> list[str]:
    found: dict[str, int] = defaultdict(int)
    for rule in rules:
        found[rule.review.checker] += 1
    lines = ["Who is recorded as having checked the rules (a name here is no signature of a board):", ""]
    return lines + table(("checked by", "rules"), ((name, str(count)) for name, count in sorted(found.items())))


def _silent(rules: Iterable[Rule], limits: Iterable[UsedLimit]) -> list[str]:
    """The rules that are not shown, with the numbers that keep them so."""
    unread: dict[str, list[str]] = defaultdict(list)
    for used in limits:
        for rule in used.users if used.limit.provenance == "recalled" else ():
            unread[rule.id].append(f"`{used.name}`")
    rows = [
        (f"[{rule.id}](rules/{rule.id}.md)", rule.title["en"], str(worst(rule)),
         ", ".join(unread[rule.id]) or "none: " + rule.known_limits[0]["en"])
        for rule in rules if rule.status == "silent"
    ]  # fmt: skip
    header = ("rule", "about", "at most", "numbers not read")
    return [f"Rules that stand silent ({len(rows)}):", "", *table(header, rows)]


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
