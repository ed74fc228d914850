"""Both languages print the same values, and every `{limit.x}` is a limit of the rule."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cds_service.errors import Finding
from cds_service.knowledge.file_model import Bilingual
from cds_service.knowledge.lint.desk import Desk
from cds_service.knowledge.sources import Source
from cds_service.knowledge.template import parse_template

NAME = "templates"


def check(desk: Desk) -> Iterator[Finding]:
    """The places of every text."""
    for source in desk.sources.rules:
        family = desk.family_of(source)
        limits = {*source.entry.limits, *(family.entry.limits if family else ())}
        for path, text in texts_of(source):
            yield from _places(source, path, text, limits)


def texts_of(source: Source[Any]) -> Iterator[tuple[tuple[str | int, ...], Bilingual]]:
    """Every text of a rule or family that may hold places, with its path."""
    for variant, card in source.entry.cards.items():
        yield ("cards", variant, "summary"), card.summary
        if card.why is not None:
            yield ("cards", variant, "why"), card.why
        for index, text in enumerate(card.do):
            yield ("cards", variant, "do", index), text
    for kind in ("notes", "phrases"):
        for name, text in getattr(source.entry, kind).items():
            yield (kind, name), text


def _places(source: Source[Any], path: tuple[str | int, ...], text: Bilingual, limits: set[str]) -> Iterator[Finding]:
    try:
        nl, en = (set(parse_template(words).places) for words in (text.nl, text.en))
    except ValueError:
        return  # reported when the rule is compiled
    where = ".".join(str(step) for step in path)
    for language, other, missing in (("nl", "en", en - nl), ("en", "nl", nl - en)):
        for written in sorted(map(str, missing)):
            problem = f"{where}: {written} is in {other}, not in {language}"
            yield source.finding(NAME, problem, "print it in both", *path)
    for place in nl | en:
        if place.name == "limit" and place.part not in limits:
            known = ", ".join(sorted(limits)) or "none"
            yield source.finding(NAME, f"{where}: no limit {place.part}", f"the limits are: {known}", *path)
