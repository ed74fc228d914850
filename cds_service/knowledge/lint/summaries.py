"""Summaries stay under the 140 characters of CDS Hooks, also with the longest values."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from cds_service.errors import Finding
from cds_service.knowledge.lint.desk import Desk
from cds_service.knowledge.model import Limit, Rule
from cds_service.knowledge.template import Place, Template

NAME = "summaries"
MAX_LENGTH = 139
WIDTHS = {
    "date": len("28 Nov 2026 14:00"), "day": len("28 Nov 2026"), "value": 6, "name": 30, "unit": 8, "age": 3,
    "span": len("30 minuten"), "interval": len("30 minuten vóór of 12 uur na"),
}  # fmt: skip
LONGEST_VALUE = len("1.234 mmol/L (12.34 mg/dL)")
LONGEST_COUNT = 6


def check(desk: Desk) -> Iterator[Finding]:
    """The worst-case length of every summary."""
    sources = {source.entry.id: source for source in desk.sources.rules}
    for rule in desk.knowledge.rules:
        for variant, card in rule.cards.items():
            for language, template in card.summary.items():
                length = longest(template, rule, language)
                if length > MAX_LENGTH:
                    problem = f"{variant} ({language}): the summary may reach {length} characters"
                    yield sources[rule.id].finding(NAME, problem, f"shorten it to at most {MAX_LENGTH}",
                                                   "cards", variant, "summary")  # fmt: skip


def longest(template: Template, rule: Rule, language: str) -> int:
    """Characters with every place at its widest: results with conversion, phrases at their longest."""
    return sum(len(piece) if isinstance(piece, str) else _width(piece, rule, language) for piece in template.pieces)


def _width(place: Place, rule: Rule, language: str) -> int:
    if place.name == "limit":
        limit = next((one for one in rule.limit_table if one.name == place.part), None)
        return LONGEST_COUNT if limit is None else _limit_width(limit)
    if place.part:
        return WIDTHS.get(place.part, LONGEST_COUNT)
    if rule.phrases and not rule.needs.results:
        return max(_phrase_width(text[language]) for text in rule.phrases.values())
    return LONGEST_VALUE


def _phrase_width(template: Template) -> int:
    """A phrase with its own places at a usual width: phrases may stand in phrases, so they are not followed."""
    return sum(len(piece) if isinstance(piece, str) else LONGEST_COUNT for piece in template.pieces)


def _limit_width(limit: Limit) -> int:
    widest = max((limit.value, limit.low or Decimal(0), limit.high or Decimal(0)), key=lambda v: len(str(v)))
    return len(f"{widest} {limit.unit}")
