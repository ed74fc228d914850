"""What all cards of one variant of a rule share in one style, prepared once: texts with only the patient's values left
to fill in, and finished members."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from cds_service.knowledge.card_form import PLAIN_FORM, CardForm
from cds_service.knowledge.model import Evidence, Grade, Knowledge, Rule
from cds_service.knowledge.template import Template
from cds_service.knowledge.tenant import DEFAULT_TENANT
from cds_service.render.escape import markdown, plain
from cds_service.render.values import Printer, Ready


class CardStyle(msgspec.Struct, frozen=True):
    """How cards are printed for one caller: language, time zone, addresses, the members that its EHR takes.

    strict: a text that cannot be printed raises (cases and tests) instead of falling back to the rule's title.
    """

    language: str
    zone: ZoneInfo
    base_url: str
    canonical_base: str
    form: CardForm = PLAIN_FORM
    strict: bool = False


class Voice(msgspec.Struct, frozen=True):
    """One variant of a rule in one style, resting on one choice of the rule's sources.

    summary  for a plain text; also: the same as a line of another card's Markdown
    steps    the list of what to do, None when there is nothing to do
    basis    the last line of the detail
    mark     how the variant is named in the card's extension
    """

    plain: Printer
    markdown: Printer
    summary: Ready
    also: Ready
    why: Ready | None
    steps: Ready | None
    notes: Mapping[str, Ready]
    basis: str
    source: Mapping[str, Any]
    override_reasons: Sequence[Mapping[str, str]]
    mark: Mapping[str, str]


def prepare_voice(
    rule: Rule, variant: str, knowledge: Knowledge, style: CardStyle, sources: Collection[str] = ()
) -> Voice:
    """Prepare one variant of a rule of this knowledge. `sources`: ids of those it rests on, all of them when empty."""
    cited = [source for source in rule.evidence if source.id in sources] if sources else rule.evidence
    language, text = style.language, rule.cards[variant]
    shared = (language, style.zone, knowledge.vocabulary, knowledge.phrases, rule.phrases, rule.limit_table)
    simple, rich = Printer(*shared, plain), Printer(*shared, markdown)
    reasons = [knowledge.override_reasons[code] for code in rule.override_reasons] if style.form.since_2 else []
    system = f"{style.canonical_base}/CodeSystem/override-reason"
    return Voice(
        plain=simple,
        markdown=rich,
        summary=simple.ready(text.summary[language]),
        also=rich.ready(text.summary[language]),
        why=rich.ready(text.why[language]) if text.why is not None else None,
        steps=_steps([step[language] for step in text.do], rich) if text.do else None,
        notes={name: rich.ready(note[language]) for name, note in rule.notes.items()},
        basis=basis_line(rule.grade_of(variant), cited, rich),
        source=_source(rule, cited[0].label, knowledge.tenant.name, style),
        override_reasons=[
            {"code": reason.code, "system": system, "display": reason.display[language]} for reason in reasons
        ],
        mark=_mark(rule, variant),
    )


def basis_line(grade_id: Grade, cited: Iterable[Evidence], printer: Printer) -> str:
    """On what a card rests: its grade and its sources."""
    sources = "; ".join(evidence.label for evidence in cited)
    grade = printer.phrase("grade-" + grade_id)
    return f"{grade[:1].upper()}{grade[1:]} · {printer.phrase('source')}: {sources}"


def _steps(steps: Sequence[Template], printer: Printer) -> Ready:
    heading = f"**{printer.phrase('what-to-do')}**\n"
    pieces = [piece for number, step in enumerate(steps, 1) for piece in (f"\n{number}. ", *step.pieces)]
    return printer.ready(Template((heading, *pieces)))


def _source(rule: Rule, label: str, tenant: str, style: CardStyle) -> dict[str, Any]:
    page = f"{style.base_url}/rules/{rule.id}"
    source: dict[str, Any] = {
        "label": label,
        "url": page if tenant == DEFAULT_TENANT else f"{page}?tenant={tenant}",
    }
    if style.form.since_2:
        source["topic"] = {
            "system": f"{style.canonical_base}/CodeSystem/rules",
            "code": rule.id if style.form.topic_hyphens else rule.id.replace("-", ""),
            "display": rule.title[style.language],
        }
    return source


def _mark(rule: Rule, variant: str) -> dict[str, str]:
    mark = {"id": rule.id, "version": str(rule.version), "outcome": "fires", "grade": rule.grade_of(variant)}
    return mark | {"status": "silent"} if rule.status == "silent" else mark
