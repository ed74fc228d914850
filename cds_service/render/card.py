"""One card of the answer: what a doctor needs in ten seconds, in the order in which it is needed.

The detail is Markdown that also reads well as plain text: finding, why it matters, what to do, what is not known, the
basis with its grade and source. Members follow CDS Hooks 2.0.1 as far as the EHR takes them; nothing empty is emitted.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from cds_service.engine.rank import Shown
from cds_service.engine.run import Verdict
from cds_service.facts.outcomes import Fact, Fires, Phrase, Severity, Value
from cds_service.facts.records import Exposure, LabOrder, Problem, Result
from cds_service.knowledge.model import Knowledge
from cds_service.render.brevity import cut
from cds_service.render.uuids import new_uuid
from cds_service.render.values import Printer, Ready, capital
from cds_service.render.voice import CardStyle, Voice, basis_line, prepare_voice

log = logging.getLogger("ionwise.render")
SUMMARY_LIMIT = 139
INDICATORS = tuple(map(str, Severity))  # by the severity's number
ABOUT_VALUES = frozenset(
    {"last-known", "preliminary", "page-incomplete", "conflicting-results", "haemolysed", "newer-unusable"}
)


class CardWriter:
    """Writes the cards of one knowledge in one style; what is the same in every card of a variant is prepared once."""

    def __init__(self, knowledge: Knowledge, style: CardStyle) -> None:
        self.knowledge = knowledge
        self.style = style
        self._voices: dict[tuple[str, str, frozenset[str]], Voice] = {}

    def card(
        self,
        shown: Shown,
        suggestions: Sequence[Mapping[str, Any]],
        to_order: Sequence[str] = (),
        told: dict[int, str] | None = None,
    ) -> dict[str, Any]:
        """The wire form of one card; `suggestions` are ready wire suggestions.

        to_order  the names of orders that it cannot offer
        told      the findings that the cards of one answer have in common, by the fact's identity: each is printed once
        """
        voice = self._voice(shown.verdict)
        under = [(self._voice(verdict), verdict) for verdict in shown.lines] if shown.lines else []
        common = {} if told is None or voice.markdown.own_words else told
        summary, detail = self._texts(shown.verdict, voice, under, to_order, common)
        card: dict[str, Any] = {
            "uuid": new_uuid(),
            "summary": summary,
            "indicator": INDICATORS[shown.severity],
            "detail": detail,
            "source": voice.source,
        }
        form = self.style.form
        if not form.since_2:
            del card["uuid"]
        if suggestions:
            card["suggestions"] = suggestions if form.selection == "any" else [_in_one(suggestions)]
            card["selectionBehavior"] = form.selection
        if voice.override_reasons:
            card["overrideReasons"] = voice.override_reasons
        card["extension"] = {"org.ionwise.rules": [voice.mark, *[self._voice(lost).mark for lost in shown.absorbed]]}
        return card

    def _texts(
        self,
        verdict: Verdict,
        voice: Voice,
        under: Sequence[tuple[Voice, Verdict]],
        to_order: Sequence[str],
        told: dict[int, str],
    ) -> tuple[str, str]:
        """Summary and detail. A text that cannot be printed must not silence its card: the rule's title stands in."""
        try:
            return _summary(verdict, voice.summary, voice.plain), _detail(verdict, voice, under, to_order, told)
        except Exception as error:
            if self.style.strict:
                raise
            rule = verdict.rule
            log.error("card text failed", extra={"rule": rule.id, "error": type(error).__name__})
            return rule.title[self.style.language], basis_line(rule.grade, rule.evidence, voice.markdown)

    def _voice(self, verdict: Verdict) -> Voice:
        rule, fires = verdict.rule, verdict.fires
        key = (rule.id, fires.variant, fires.sources)
        voice = self._voices.get(key)
        if voice is None:
            voice = self._voices[key] = prepare_voice(rule, fires.variant, self.knowledge, self.style, fires.sources)
        return voice


def _in_one(suggestions: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """All orders as one suggestion, for users who can take only one."""
    first, *others = suggestions
    if not others:
        return first
    label = "; ".join([suggestion["label"] for suggestion in suggestions])
    return {**first, "label": label, "actions": [action for one in suggestions for action in one["actions"]]}


def _summary(verdict: Verdict, summary: Ready, printer: Printer) -> str:
    values = verdict.fires.values
    text = _sentence(summary, values, printer)
    reservation = _reservation(verdict, printer, text) if verdict.remarks else ""
    if len(text) + len(reservation) <= SUMMARY_LIMIT:
        return text + reservation
    short = _sentence(summary, printer.with_short_names(values), printer)
    fitting = [one for one in (short + reservation, text, short) if len(one) <= SUMMARY_LIMIT]
    return fitting[0] if fitting else cut(short, SUMMARY_LIMIT)


def _sentence(summary: Ready, values: Mapping[str, Value], printer: Printer) -> str:
    text = printer.fill(summary, values)
    return text if text[:1].isupper() else capital(text)


def _reservation(verdict: Verdict, printer: Printer, text: str) -> str:
    """What the reader of the summary alone must know of its value: preliminary, or not recent (with its date, unless
    the text gives it)."""
    remarks = {remark.id for remark in verdict.remarks}
    if "preliminary" in remarks:
        return f" ({printer.phrase('preliminary-short')})"
    dates = [fact.at for fact in verdict.fires.because if type(fact) is Result and fact.age != "fresh"]
    if "last-known" not in remarks or not dates:
        return ""
    oldest = min(dates, key=lambda at: at.earliest)
    date = printer.date(oldest)
    return "" if date in text else f" ({printer.phrase('last-known-short')} {date})"


def _detail(
    verdict: Verdict,
    voice: Voice,
    under: Sequence[tuple[Voice, Verdict]],
    to_order: Sequence[str],
    told: dict[int, str],
) -> str:
    fires, printer = verdict.fires, voice.markdown
    findings = _findings(fires, printer, told)
    notes = [_note(note, voice, fires) for note in fires.notes] if fires.notes else []
    for remark in verdict.remarks:
        (findings if remark.id in ABOUT_VALUES else notes).append(printer.phrase(remark.id, remark.values))
    parts = ["- " + "\n- ".join(findings)] if findings else []
    if voice.why is not None:
        parts.append(printer.fill(voice.why, fires.values))
    if notes:
        parts.append("- " + "\n- ".join(notes))
    if voice.steps is not None:
        parts.append(printer.fill(voice.steps, fires.values))
    if to_order:
        parts.append(f"**{printer.phrase('to-order')}**: {', '.join(map(printer.escape, to_order))}")
    if under:
        parts.append("\n".join([_also(absorbed, lost) for absorbed, lost in under]))
    if fires.unknown:
        items = ", ".join([printer.phrase(item) for item in fires.unknown])
        parts.append(f"**{printer.phrase('not-known')}**: {items}")
    parts.append(voice.basis)
    return "\n\n".join(parts)


def _also(voice: Voice, verdict: Verdict) -> str:
    """The line for a rule that the card absorbed."""
    return f"- {voice.markdown.phrase('also')}: {_summary(verdict, voice.also, voice.markdown)}"


def _note(note: str | Phrase, voice: Voice, fires: Fires) -> str:
    note_id, values = (note, fires.values) if isinstance(note, str) else (note.id, note.values)
    text = voice.notes.get(note_id)
    return voice.markdown.fill(text, values) if text is not None else voice.markdown.phrase(note_id, values)


def _findings(fires: Fires, printer: Printer, told: dict[int, str]) -> list[str]:
    """The facts on which the card rests: what decides first, results before drugs and problems."""
    because = fires.because
    others = [fact for fact in because if type(fact) is not Result]
    if others:
        because = (*[fact for fact in because if type(fact) is Result], *others)
    lines: dict[str, None] = {}
    facts = (*because, *fires.also)
    again = _ordered_again(facts)
    for fact in facts:
        line = told.get(id(fact))
        if line is None:
            line = told[id(fact)] = _finding(fact, printer)
        if again and type(fact) is Exposure and fact.name.casefold() in again:
            if fact.status == "draft":
                continue
            line = f"{line} ({printer.phrase('ordered-again')})"
        lines[line] = None
    return list(lines)


def _ordered_again(facts: Sequence[Fact]) -> frozenset[str]:
    """The names of drugs that are in use and are being ordered: one line tells both."""
    drugs = [fact for fact in facts if type(fact) is Exposure]
    drafts = frozenset([drug.name.casefold() for drug in drugs if drug.status == "draft"])
    return drafts and drafts.intersection([drug.name.casefold() for drug in drugs if drug.status != "draft"])


def _finding(fact: Fact, printer: Printer) -> str:
    if type(fact) is Result:
        own, normal = fact.range, ""
        if own is not None:
            normal = f" ({printer.phrase('reference')} {printer.number(printer.escape(own.text))})"
        date = printer.date(fact.at, with_time=True)
        return f"**{printer.heading(fact.concept)} {printer.result(fact)}**{normal}, {date}"
    if type(fact) is Exposure:
        return capital(_drug_line(fact, printer))
    if type(fact) is Problem:
        date = f", {printer.date(fact.at)}" if fact.at is not None else ""
        by_text = f" ({printer.phrase('matched-on-text')})" if fact.by_text else ""
        return capital(f"{printer.problem(fact)}{date}{by_text}")
    assert isinstance(fact, LabOrder)  # noqa: S101 (the last member of the union)
    return capital(f"{printer.phrase('ordered')}: {printer.label(fact.concept)}, {printer.date(fact.at)}")


def _drug_line(exposure: Exposure, printer: Printer) -> str:
    name = printer.escape(exposure.name)
    if exposure.status == "draft":
        return f"{printer.phrase('new-order')}: {name}"
    if exposure.since is None:
        return name
    return f"{name}, {printer.phrase('since')} {printer.date(exposure.since)}"
