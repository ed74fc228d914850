"""One card of the answer: what a doctor needs in ten seconds, in the order in which it is needed.

The detail is Markdown that also reads well as plain text: finding, why it matters, what to do, what is not known, the
basis with its grade and source. Members follow CDS Hooks 2.0.1; nothing empty is emitted.
"""

from __future__ import annotations

import logging
import os
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from cds_service.engine.rank import Shown
from cds_service.engine.run import Verdict
from cds_service.facts.outcomes import Fact, Fires, Phrase, Value
from cds_service.facts.records import Exposure, LabOrder, Problem, Result
from cds_service.knowledge.model import CardText, Grade, Knowledge, Rule
from cds_service.render.escape import markdown, plain
from cds_service.render.values import Printer

log = logging.getLogger("ionwise.render")
SUMMARY_LIMIT = 139
UUIDS_AT_ONCE = 64
_random: deque[str] = deque()  # hexadecimal digits of UUIDs to come; popping is atomic, so threads may share it
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


class CardWriter:
    """Writes the cards of one knowledge in one style; what is the same in every card of a rule is prepared once."""

    def __init__(self, knowledge: Knowledge, style: CardStyle) -> None:
        self.knowledge = knowledge
        self.style = style
        self._voices: dict[str, RuleVoice] = {}

    def card(self, shown: Shown, suggestions: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """The wire form of one card; `suggestions` are ready wire suggestions."""
        verdict = shown.verdict
        voice = self._voice(verdict.rule)
        summary, detail = self._texts(shown, voice)
        card: dict[str, Any] = {
            "uuid": random_uuid(),
            "summary": summary,
            "indicator": str(shown.severity),
            "detail": detail,
            "source": voice.source,
        }
        if suggestions:
            card["suggestions"] = suggestions
            card["selectionBehavior"] = "any"
        if voice.override_reasons:
            card["overrideReasons"] = voice.override_reasons
        card["extension"] = {"org.ionwise.rules": [_rule_mark(v) for v in (verdict, *shown.absorbed)]}
        return card

    def _texts(self, shown: Shown, voice: RuleVoice) -> tuple[str, str]:
        """Summary and detail. A text that cannot be printed must not silence its card: the rule's title stands in."""
        verdict, rule = shown.verdict, shown.verdict.rule
        try:
            return _summary(verdict, voice.plain), _detail(shown, voice, self._also(shown))
        except Exception as error:
            if self.style.strict:
                raise
            log.error("card text failed", extra={"rule": rule.id, "error": type(error).__name__})
            return rule.title[self.style.language], _basis(rule, rule.grade, voice.markdown)

    def _also(self, shown: Shown) -> str:
        """A line for each rule that this card absorbed."""
        lines = [(self._voice(v.rule).markdown, v) for v in shown.absorbed]
        return "\n".join(f"- {printer.phrase('also')}: {_summary(verdict, printer)}" for printer, verdict in lines)

    def _voice(self, rule: Rule) -> RuleVoice:
        voice = self._voices.get(rule.id)
        if voice is None:
            voice = self._voices[rule.id] = _prepare(rule, self.knowledge, self.style)
        return voice


class RuleVoice(msgspec.Struct, frozen=True):
    """What every card of one rule shares in one style.

    steps: variant -> the finished list of steps, for the variants whose steps print no values
    basis: variant -> its last line
    """

    plain: Printer
    markdown: Printer
    source: Mapping[str, Any]
    override_reasons: Sequence[Mapping[str, str]]
    steps: Mapping[str, str]
    basis: Mapping[str, str]


def _prepare(rule: Rule, knowledge: Knowledge, style: CardStyle) -> RuleVoice:
    language = style.language
    shared = (language, style.zone, knowledge.vocabulary, knowledge.phrases, rule.phrases, rule.limit_table)
    printer = Printer(*shared, markdown)
    fixed = {name: text for name, text in rule.cards.items() if not any(step[language].places for step in text.do)}
    reasons = (knowledge.override_reasons[code] for code in rule.override_reasons)
    system = f"{style.canonical_base}/CodeSystem/override-reason"
    return RuleVoice(
        plain=Printer(*shared, plain),
        markdown=printer,
        source={
            "label": rule.evidence[0].label,
            "url": f"{style.base_url}/rules/{rule.id}",
            "topic": {
                "system": f"{style.canonical_base}/CodeSystem/rules",
                "code": rule.id if style.topic_hyphens else rule.id.replace("-", ""),
                "display": rule.title[language],
            },
        },
        override_reasons=[
            {"code": reason.code, "system": system, "display": reason.display[language]} for reason in reasons
        ],
        steps={name: _steps(text, {}, printer) for name, text in fixed.items()},
        basis={name: _basis(rule, rule.grade_of(name), printer) for name in rule.cards},
    )


def random_uuid() -> str:
    """A version 4 UUID (RFC 9562) as text. An answer holds a dozen, so the randomness is asked for in bulk."""
    try:
        digits = _random.popleft()
    except IndexError:
        bulk = os.urandom(16 * UUIDS_AT_ONCE).hex()
        digits = bulk[:32]
        _random.extend([bulk[at : at + 32] for at in range(32, len(bulk), 32)])
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


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


def _detail(shown: Shown, voice: RuleVoice, also: str) -> str:
    verdict, printer = shown.verdict, voice.markdown
    fires, rule = verdict.fires, verdict.rule
    text = rule.cards[fires.variant]
    findings = _findings(fires, printer)
    notes = [_note(note, rule, printer, fires) for note in fires.notes]
    for remark in verdict.remarks:
        (findings if remark.id in ABOUT_VALUES else notes).append(printer.phrase(remark.id, remark.values))
    parts = ["- " + "\n- ".join(findings)] if findings else []
    if text.why is not None:
        parts.append(printer.fill(text.why[printer.language], fires.values))
    if notes:
        parts.append("- " + "\n- ".join(notes))
    if text.do:
        parts.append(voice.steps.get(fires.variant) or _steps(text, fires.values, printer))
    if also:
        parts.append(also)
    if fires.unknown:
        items = ", ".join([printer.phrase(item) for item in fires.unknown])
        parts.append(f"**{printer.phrase('not-known')}**: {items}")
    parts.append(voice.basis[fires.variant])
    return "\n\n".join(parts)


def _steps(text: CardText, values: Mapping[str, Value], printer: Printer) -> str:
    steps = [f"{n}. {printer.fill(step[printer.language], values)}" for n, step in enumerate(text.do, 1)]
    return f"**{printer.phrase('what-to-do')}**\n\n" + "\n".join(steps)


def _note(note: str | Phrase, rule: Rule, printer: Printer, fires: Fires) -> str:
    if isinstance(note, Phrase):
        text = rule.notes.get(note.id)
        return printer.fill(text[printer.language], note.values) if text else printer.phrase(note.id, note.values)
    text = rule.notes.get(note)
    return printer.fill(text[printer.language], fires.values) if text else printer.phrase(note, fires.values)


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
