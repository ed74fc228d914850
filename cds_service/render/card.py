"""One card of the answer: what a doctor needs in ten seconds, in the order in which it is needed.

The detail is Markdown that also reads well as plain text: finding, why it matters, what to do, what is not known, the
basis with its grade and source. Members follow CDS Hooks 2.0.1; nothing empty is emitted.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from cds_service.engine.rank import Shown
from cds_service.engine.run import Verdict
from cds_service.facts.outcomes import Fact, Fires, Phrase
from cds_service.facts.records import Exposure, LabOrder, Problem, Result
from cds_service.knowledge.model import Grade, Knowledge, OverrideReason, Rule
from cds_service.render.escape import markdown, plain
from cds_service.render.values import Printer

log = logging.getLogger("ionwise.render")
SUMMARY_LIMIT = 139
ABOUT_VALUES = frozenset(
    {"last-known", "preliminary", "page-incomplete", "conflicting-results", "haemolysed", "newer-unusable"}
)


class CardStyle(msgspec.Struct, frozen=True):
    """How cards are printed for one caller: language, time zone, addresses, whether topic codes lose their hyphens.

    strict: a text that cannot be printed raises (cases and tests) instead of falling back to the rule's title.
    """

    language: str
    zone: ZoneInfo
    base_url: str
    canonical_base: str
    topic_hyphens: bool = True
    strict: bool = False


def build_card(
    shown: Shown, knowledge: Knowledge, style: CardStyle, suggestions: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """The wire form of one card; `suggestions` are ready wire suggestions."""
    verdict, rule = shown.verdict, shown.verdict.rule
    summary, detail = _texts(shown, knowledge, style)
    card: dict[str, Any] = {
        "uuid": random_uuid(),
        "summary": summary,
        "indicator": str(shown.severity),
        "detail": detail,
        "source": {
            "label": rule.evidence[0].label,
            "url": f"{style.base_url}/rules/{rule.id}",
            "topic": {
                "system": f"{style.canonical_base}/CodeSystem/rules",
                "code": rule.id if style.topic_hyphens else rule.id.replace("-", ""),
                "display": rule.title[style.language],
            },
        },
    }
    if suggestions:
        card["suggestions"] = list(suggestions)
        card["selectionBehavior"] = "any"
    if rule.override_reasons:
        card["overrideReasons"] = [
            _override_reason(knowledge.override_reasons[code], style.canonical_base, style.language)
            for code in rule.override_reasons
        ]
    card["extension"] = {"org.ionwise.rules": [_rule_mark(v) for v in (verdict, *shown.absorbed)]}
    return card


def random_uuid() -> str:
    """A version 4 UUID (RFC 9562) as text, in a third of the time of `str(uuid4())`: an answer holds a dozen."""
    digits = os.urandom(16).hex()
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def _texts(shown: Shown, knowledge: Knowledge, style: CardStyle) -> tuple[str, str]:
    """Summary and detail. A text that cannot be printed must not silence its card: the rule's title stands in."""
    verdict, rule = shown.verdict, shown.verdict.rule
    summary_printer, detail_printer = _printers(rule, knowledge, style)
    try:
        return _summary(verdict, summary_printer), _detail(shown, detail_printer, knowledge, style)
    except Exception as error:
        if style.strict:
            raise
        log.error("card text failed", extra={"rule": rule.id, "error": type(error).__name__})
        return rule.title[style.language], _basis(rule, rule.grade, detail_printer)


def _printers(rule: Rule, knowledge: Knowledge, style: CardStyle) -> tuple[Printer, Printer]:
    shared = (style.language, style.zone, knowledge.vocabulary, knowledge.phrases, rule.phrases, rule.limit_table)
    return Printer(*shared, plain), Printer(*shared, markdown)


def _summary(verdict: Verdict, printer: Printer) -> str:
    fires = verdict.fires
    text = _capital(printer.fill(verdict.rule.cards[fires.variant].summary[printer.language], fires.values))
    reservation = _reservation(verdict, printer)
    if reservation and len(text) + len(reservation) <= SUMMARY_LIMIT:
        return text + reservation
    return text if len(text) <= SUMMARY_LIMIT else text[: SUMMARY_LIMIT - 1] + "…"


def _reservation(verdict: Verdict, printer: Printer) -> str:
    """What the reader of the summary alone must know of its value: preliminary, or not recent (with its date)."""
    remarks = {remark.id for remark in verdict.remarks}
    if "preliminary" in remarks:
        return f" ({printer.phrase('preliminary-short')})"
    dates = [fact.at for fact in verdict.fires.because if isinstance(fact, Result) and fact.age != "fresh"]
    if "last-known" not in remarks or not dates:
        return ""
    oldest = min(dates, key=lambda at: at.earliest)
    return f" ({printer.phrase('last-known-short')} {printer.date(oldest)})"


def _detail(shown: Shown, printer: Printer, knowledge: Knowledge, style: CardStyle) -> str:
    verdict = shown.verdict
    fires, rule = verdict.fires, verdict.rule
    text = rule.cards[fires.variant]
    about_values = [_remark(remark, printer) for remark in verdict.remarks if remark.id in ABOUT_VALUES]
    findings = [*_findings(fires, printer), *about_values]
    parts = ["\n".join(f"- {line}" for line in findings)] if findings else []
    if text.why is not None:
        parts.append(printer.fill(text.why[printer.language], fires.values))
    notes = [_note(note, rule, printer, fires) for note in fires.notes]
    notes += [_remark(remark, printer) for remark in verdict.remarks if remark.id not in ABOUT_VALUES]
    if notes:
        parts.append("\n".join(f"- {note}" for note in notes))
    if text.do:
        steps = "\n".join(
            f"{n}. {printer.fill(step[printer.language], fires.values)}" for n, step in enumerate(text.do, 1)
        )
        parts.append(f"**{printer.phrase('what-to-do')}**\n\n{steps}")
    if shown.absorbed:
        parts.append("\n".join(f"- {_absorbed_line(v, knowledge, style)}" for v in shown.absorbed))
    if fires.unknown:
        items = ", ".join(printer.phrase(item) for item in fires.unknown)
        parts.append(f"**{printer.phrase('not-known')}**: {items}")
    parts.append(_basis(rule, rule.grade_of(fires.variant), printer))
    return "\n\n".join(parts)


def _remark(remark: Phrase, printer: Printer) -> str:
    return printer.phrase(remark.id, remark.values)


def _note(note: str | Phrase, rule: Rule, printer: Printer, fires: Fires) -> str:
    if isinstance(note, Phrase):
        text = rule.notes.get(note.id)
        return printer.fill(text[printer.language], note.values) if text else printer.phrase(note.id, note.values)
    text = rule.notes.get(note)
    return printer.fill(text[printer.language], fires.values) if text else printer.phrase(note, fires.values)


def _absorbed_line(verdict: Verdict, knowledge: Knowledge, style: CardStyle) -> str:
    printer = _printers(verdict.rule, knowledge, style)[1]
    return f"{printer.phrase('also')}: {_summary(verdict, printer)}"


def _basis(rule: Rule, grade_id: Grade, printer: Printer) -> str:
    sources = "; ".join(evidence.label for evidence in rule.evidence)
    grade = printer.phrase("grade-" + grade_id)
    return f"{grade[:1].upper()}{grade[1:]} · {printer.phrase('source')}: {sources}"


def _findings(fires: Fires, printer: Printer) -> list[str]:
    """The facts on which the card rests: what decides first, results before drugs and problems."""
    deciding = sorted(fires.because, key=lambda fact: not isinstance(fact, Result))
    lines = dict.fromkeys(_capital(_finding(fact, printer)) for fact in (*deciding, *fires.also))
    return list(lines)


def _finding(fact: Fact, printer: Printer) -> str:
    if isinstance(fact, Result):
        label = printer.label(fact.concept)
        reference = ""
        if fact.range is not None:
            reference = f" ({printer.phrase('reference')} {printer.number(printer.escape(fact.range.text))})"
        return f"**{_capital(label)} {printer.value(fact)}**{reference}, {printer.day(fact.at)}"
    if isinstance(fact, Exposure):
        return _drug_line(fact, printer)
    if isinstance(fact, Problem):
        date = f", {printer.date(fact.at)}" if fact.at is not None else ""
        by_text = f" ({printer.phrase('matched-on-text')})" if fact.by_text else ""
        return f"{printer.problem(fact)}{date}{by_text}"
    assert isinstance(fact, LabOrder)  # noqa: S101 (the last member of the union)
    return f"{printer.phrase('ordered')}: {printer.label(fact.concept)}, {printer.date(fact.at)}"


def _capital(label: str) -> str:
    """A sentence's capital, but eGFR stays eGFR."""
    return label if label[1:2].isupper() else label[:1].upper() + label[1:]


def _drug_line(exposure: Exposure, printer: Printer) -> str:
    name = printer.escape(exposure.name)
    if exposure.status == "draft":
        return f"{printer.phrase('new-order')}: {name}"
    if exposure.since is None:
        return name
    return f"{name}, {printer.phrase('since')} {printer.date(exposure.since)}"


def _rule_mark(verdict: Verdict) -> dict[str, Any]:
    mark = {
        "id": verdict.rule_id,
        "version": str(verdict.rule.version),
        "outcome": "fires",
        "grade": verdict.rule.grade_of(verdict.fires.variant),
    }
    if verdict.rule.status == "silent":
        mark["status"] = "silent"
    return mark


@lru_cache(maxsize=256)
def _override_coding(code: str, display: str, canonical_base: str) -> dict[str, str]:
    return {"code": code, "system": f"{canonical_base}/CodeSystem/override-reason", "display": display}


def _override_reason(reason: OverrideReason, canonical_base: str, language: str) -> dict[str, str]:
    return _override_coding(reason.code, reason.display[language], canonical_base)
