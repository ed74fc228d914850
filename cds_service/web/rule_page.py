"""GET /rules/{id}: the page that a card's source links to: what the rule cannot see, its numbers, its sources."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Header
from jinja2 import Environment
from starlette.responses import HTMLResponse

from cds_service.errors import RequestError
from cds_service.knowledge.model import Knowledge
from cds_service.web.edge import Edge
from cds_service.web.headers import choose_language

_PAGE = """<!doctype html>
<html lang="{{ language }}">
<meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{{ title }} - Ionwise</title>
<style>body{font:16px/1.5 sans-serif;max-width:48rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse}th,td{text-align:left;padding:.2rem 1rem .2rem 0;border-bottom:1px solid #ccc}</style>
<h1>{{ title }}</h1>
<p>{{ rule.id }} · {{ t.version }} {{ rule.version }} ({{ rule.status }}) · {{ t.grade }}: {{ rule.grade }} ·
{{ t.reviewed }} {{ rule.review.reviewed }} · {{ t.knowledge }} {{ version }}</p>
<h2>{{ t.known_limits }}</h2>
<ul>{% for line in known_limits %}<li>{{ line }}</li>{% endfor %}</ul>
{% if rule.limit_table %}<h2>{{ t.limits }}</h2>
<table><tr><th>{{ t.name }}</th><th>{{ t.value }}</th><th>{{ t.range }}</th><th>{{ t.provenance }}</th></tr>
{% for limit in rule.limit_table %}<tr><td>{{ limit.name }}</td><td>{{ limit.value }} {{ limit.unit }}</td>
<td>{% if limit.low is not none and limit.high is not none %}{{ limit.low }} - {{ limit.high }}{% endif %}</td>
<td>{{ limit.provenance }}{% if limit.evidence %} ({{ limit.evidence }}){% endif %}</td></tr>
{% endfor %}</table>{% endif %}
{% if rule.evidence %}<h2>{{ t.evidence }}</h2>
<ul>{% for source in rule.evidence %}<li>{{ source.id }}:
{% if source.url and source.url.startswith(("https://", "http://")) -%}
<a href="{{ source.url }}" rel="noreferrer">{{ source.citation }}</a>{% else %}{{ source.citation }}{% endif %}</li>
{% endfor %}</ul>{% endif %}
</html>
"""
_WORDS: Mapping[str, Mapping[str, str]] = {
    "nl": {
        "version": "versie", "grade": "bewijskracht", "reviewed": "beoordeeld", "knowledge": "kennisversie",
        "known_limits": "Wat deze regel niet ziet", "limits": "Grenzen", "name": "naam", "value": "waarde",
        "range": "instelbaar", "provenance": "herkomst", "evidence": "Bronnen",
    },
    "en": {
        "version": "version", "grade": "evidence", "reviewed": "reviewed", "knowledge": "knowledge version",
        "known_limits": "What this rule cannot see", "limits": "Limits", "name": "name", "value": "value",
        "range": "adjustable", "provenance": "provenance", "evidence": "Sources",
    },
}  # fmt: skip
_TEMPLATE = Environment(autoescape=True, trim_blocks=True).from_string(_PAGE)
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "public, max-age=3600",
    "Vary": "Accept-Language",
}


def rule_router(edge: Edge) -> APIRouter:
    """The rule pages, in the language that the browser prefers among the site's languages."""
    router = APIRouter(tags=["rules"])

    @router.get(
        "/rules/{rule_id}", summary="What a rule looks for, its limits and its sources", response_class=HTMLResponse
    )
    async def rule(rule_id: str, accept_language: Annotated[str | None, Header()] = None) -> HTMLResponse:
        page = render_rule_page(edge.knowledge, rule_id, choose_language(accept_language, edge.shown.languages))
        return HTMLResponse(page, headers=_HEADERS)

    return router


def render_rule_page(knowledge: Knowledge, rule_id: str, language: str) -> str:
    """The page as HTML, everything escaped. Raises RequestError 404 when there is no such rule."""
    rule = next((rule for rule in knowledge.rules if rule.id == rule_id), None)
    if rule is None:
        raise RequestError(404, "not-found", "no rule has this id")
    return _TEMPLATE.render(
        rule=rule,
        language=language,
        title=rule.title[language],
        known_limits=[text[language] for text in rule.known_limits],
        t=_WORDS[language],
        version=knowledge.version,
    )
