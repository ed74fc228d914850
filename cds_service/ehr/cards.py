"""Cards as a person likes to read them, in a terminal; from any service, complete or not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.markdown import Markdown
from rich.panel import Panel
from rich.text import Text

from cds_service.ehr.records import as_list, objects
from cds_service.ehr.wire import printable

DECISION = "org.ionwise.decision"
_COLOURS = {"critical": "bold white on red", "warning": "bold black on yellow", "info": "bold white on blue"}
_BORDERS = {"critical": "red", "warning": "yellow", "info": "blue"}
WORDS: Mapping[str, Mapping[str, str]] = {
    "nl": {
        "none": "geen kaarten", "one": "1 kaart", "many": "{n} kaarten", "suggestion": "Voorstel", "source": "Bron",
        "link": "Verwijzing", "actions": "De service wijzigt zelf", "again": "als hierboven",
        "unjudged": "Niet te beoordelen zonder", "unusable": "Niet bruikbaar", "quarantined": "Opzij gelegd",
        "fetched": "Zonder prefetch: Ionwise leest de FHIR-server van het EPD.",
        "done": "{calls} aanroepen, {cards} kaarten, {ms:.0f} ms gemiddeld per aanroep.",
    },
    "en": {
        "none": "no cards", "one": "1 card", "many": "{n} cards", "suggestion": "Suggestion", "source": "Source",
        "link": "Link", "actions": "The service itself changes", "again": "as above",
        "unjudged": "Cannot be judged without", "unusable": "Not usable", "quarantined": "Set aside",
        "fetched": "Without prefetch: Ionwise gets the chart from the EHR's FHIR server.",
        "done": "{calls} calls, {cards} cards, {ms:.0f} ms per call on average.",
    },
}  # fmt: skip


def show_answer(hook: str, answer: Mapping[str, Any], language: str, seen: set[str]) -> list[RenderableType]:
    """What a clinician would see: the hook, each card with its number, and what could not be judged.

    `seen` collects the details shown; a card that was shown before is only named.
    """
    words, cards = WORDS[language], objects(answer["cards"])
    count = {0: words["none"], 1: words["one"]}.get(len(cards), words["many"].format(n=len(cards)))
    told: list[RenderableType] = [Text(f"{hook}: {count}", style="bold underline")]
    for number, card in enumerate(cards, 1):
        detail = str(card.get("detail", ""))
        told.append(_title(card, f" ({words['again']})") if detail in seen else _card(card, number, words))
        if detail:
            seen.add(detail)
    for action in objects(answer.get("systemActions")):
        described = action.get("description", "")
        told.append(Text(f"{words['actions']}: {printable(str(described))}", style="bold"))
    return [*told, *_unjudged(answer, words), Text()]


def _unjudged(answer: Mapping[str, Any], words: Mapping[str, str]) -> list[RenderableType]:
    """What our own service could not judge; other services do not say so."""
    extension = answer.get("extension")
    decision = extension.get(DECISION) if isinstance(extension, dict) else None
    if not isinstance(decision, dict):
        return []
    told = {
        "unjudged": [entry["missing"] for entry in decision.get("cannot_tell", ())],
        "unusable": decision.get("unusable", ()),
        "quarantined": as_list(decision.get("quarantined")),
    }
    return [
        Text(f"{words[name]}: {printable(', '.join(map(str, items)))}", style="dim")
        for name, items in told.items()
        if items
    ]


def _title(card: Mapping[str, Any], more: str = "") -> Text:
    indicator = printable(str(card.get("indicator", "?")))
    return Text.assemble(
        (f" {indicator} ", _COLOURS.get(indicator, "reverse")),
        " ",
        (printable(str(card.get("summary", ""))), "bold"),
        more,
    )


def _card(card: Mapping[str, Any], number: int, words: Mapping[str, str]) -> Panel:
    parts: list[RenderableType] = [_title(card)]
    if card.get("detail"):
        parts += [Markdown(printable(str(card["detail"])), hyperlinks=False), Text()]
    for place, suggestion in enumerate(objects(card.get("suggestions")), 1):
        label = printable(str(suggestion.get("label", "")))
        parts.append(Text(f"{words['suggestion']} {number}.{place}: {label}", style="cyan"))
    for link in objects(card.get("links")):
        named = f"{words['link']}: {link.get('label', '')}, {link.get('url', '')}"
        parts.append(Text(printable(named), style="cyan"))
    source = card.get("source")
    if isinstance(source, dict):
        named = ", ".join(str(source[name]) for name in ("label", "url") if source.get(name))
        parts.append(Text(f"{words['source']}: {printable(named)}", style="dim"))
    border = _BORDERS.get(str(card.get("indicator")), "white")
    return Panel(Group(*parts), title=str(number), title_align="left", border_style=border)
