"""The rule page as HTML: its layout and its words in both languages. Everything that is filled in is escaped."""

from __future__ import annotations

from collections.abc import Mapping

from jinja2 import Environment

from cds_service.render.values import written_unit
from cds_service.service.rule_records import given
from cds_service.service.rule_sheet import LABELS_OF_KINDS, RuleSheet, card_lines, plain, wording

_PAGE = """<!doctype html>
<html lang="{{ language }}">
<meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{{ title }} - Ionwise</title>
<style>body{font:16px/1.5 sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse}
@media(max-width:40rem){h1{font-size:1.5rem}h1,h3,td{overflow-wrap:anywhere;hyphens:auto}td,th{padding-right:.3rem}
.limits{font-size:.875rem}}
@media(min-width:24rem){.limits td:not(:last-child),.pieces td:first-child{overflow-wrap:normal}}
@media(max-width:24rem){th{overflow-wrap:anywhere}}
th,td{text-align:left;vertical-align:top;padding:.2rem 1rem .2rem 0;border-bottom:1px solid #ccc}
.own{font-weight:bold}.off{border:2px solid;padding:.5rem}</style>
{% macro limits(rows) %}
<table class="limits">
<tr><th>{{ t.name }}</th><th>{{ t.value }}</th><th>{{ t.range }}</th><th>{{ t.provenance }}</th></tr>
{% for row in rows %}<tr><td>{{ row.limit.name.split("_")|join("_<wbr>"|safe) }}</td>
<td{% if row.own %} class="own"{% endif %}>{{ number(row.limit.value) }}
{%- if row.limit.unit != "1" %} {{ unit(row.limit.unit) }}{% endif %}
{%- if row.own %} ({{ t.own }}){% endif %}</td>
<td>{% if row.limit.low is not none and row.limit.high is not none %}
{{- t.fixed if row.limit.low == row.limit.high else number(row.limit.low) ~ "\u2013" ~ number(row.limit.high) }}
{%- endif %}</td>
<td>{{ t[row.limit.provenance] }}{% if row.cited %} ({{ row.cited }}){% endif %}</td></tr>
{% endfor %}</table>
{% endmacro %}
<h1>{{ title }}</h1>
<p>{{ rule.id }} · {{ t.version }} {{ rule.version }} ({{ rule.status }}) · {{ t.grade }}: {{ t[rule.grade] }} ·
{{ t.reviewed }} {{ rule.review.reviewed }} ({{ rule.review.checker }}) · {{ t.knowledge }} {{ version }} ·
<a href="{{ rule.id }}.json{{ query }}">JSON</a></p>
{% if sheet.switched_off %}<p class="off">{{ t.off }}: {{ sheet.switched_off }}</p>{% endif %}
<h2>{{ t.decision }}</h2>
<p lang="en">{{ sheet.decision }}</p>
<p>{{ t.hooks }}: {{ rule.hooks|sort|join(", ") }}. {{ t.ages }}: {{ t[rule.ages] }}.
{% if gates %}{{ t.gates }}: {{ gates|join(", ") }}.{% endif %}</p>
<h2>{{ t.known_limits }}</h2>
<ul>{% for line in known_limits %}<li>{{ line }}</li>{% endfor %}</ul>
{% if kinds %}<h2>{{ t.sees }}</h2>
<ul>{% for kind, found in kinds %}<li>{{ kind }}:
{% for one in found %}<a href="../valuesets/{{ one.value_set }}{{ query }}">
{{- one.label[language] }}</a>{% if not loop.last %}, {% endif %}{% endfor %}</li>{% endfor %}</ul>{% endif %}
{% if sheet.limits %}<h2>{{ t.limits }}</h2>
{{ limits(sheet.limits) }}{% endif %}
{% for question in sheet.questions + sheet.gates if question.limits and question.family.id != rule.family %}
<h3>{{ question.family.title[language] }}</h3>
{{ limits(question.limits) }}{% endfor %}
{% if cards %}<h2>{{ t.cards }}</h2>{% endif %}
{% for card, nl, en in cards %}<h3>{{ card.variant }} ({{ card.indicator|string }})</h3>
<table><tr><th>Nederlands</th><th>English</th></tr>
{% for i in range(nl|length) %}<tr><td lang="nl">{{ nl[i] }}</td><td lang="en">{{ en[i] }}</td></tr>{% endfor %}</table>
{% endfor %}
{% if notes %}<h3>{{ t.notes }}</h3>
<table><tr><th>Nederlands</th><th>English</th></tr>
{% for nl, en in notes %}<tr><td lang="nl">{{ nl }}</td><td lang="en">{{ en }}</td></tr>{% endfor %}</table>{% endif %}
{% if pieces %}<h3>{{ t.pieces }}</h3>
<table class="pieces"><tr><th>{{ t.name }}</th><th>Nederlands</th><th>English</th></tr>
{% for name, nl, en in pieces %}<tr><td>{{ name }}</td><td lang="nl">{{ nl }}</td><td lang="en">{{ en }}</td></tr>
{% endfor %}</table>{% endif %}
{% if rule.evidence %}<h2>{{ t.evidence }}</h2>
<ul>{% for source in rule.evidence %}<li>{{ source.id }}:
{% if source.url and source.url.startswith(("https://", "http://")) -%}
<a href="{{ source.url }}" rel="noreferrer">{{ source.citation }}</a>{% else %}{{ source.citation }}{% endif %}
({% if source.read %}{{ t.read }} {{ source.read }}{% else %}{{ t.unread }}{% endif %})</li>
{% endfor %}</ul>{% endif %}
{% if cases %}<h2>{{ t.cases }}</h2>
<table><tr><th>{{ t.case }}</th><th>hook</th><th>{{ t.given }}</th><th>{{ t.outcome }}</th></tr>
{% for case, situation in cases %}<tr><td lang="en">{{ case.name }}</td><td>{{ case.hook }}</td><td>{{ situation }}</td>
<td>{{ case.then }}{% if case.indicator %} ({{ case.indicator }}){% endif %}</td></tr>
{% endfor %}</table>{% endif %}
{% if sheet.record.history %}<h2>{{ t.history }}</h2>
<ul lang="en">{% for release, line in sheet.record.history %}<li>{{ release }}: {{ line }}</li>
{% endfor %}</ul>{% endif %}
</html>
"""
WORDS: Mapping[str, Mapping[str, str]] = {
    "nl": {
        "version": "versie", "grade": "bewijskracht", "reviewed": "beoordeeld", "knowledge": "kennisversie",
        "known_limits": "Wat deze regel niet ziet", "limits": "Grenzen", "name": "naam", "value": "waarde",
        "range": "instelbaar", "fixed": "vast", "provenance": "herkomst", "evidence": "Bronnen", "own": "eigen waarde",
        "decision": "Wat de regel doet", "hooks": "Momenten", "ages": "Leeftijd", "gates": "Uitgeschakeld bij",
        "sees": "Wat de regel leest", "cards": "Kaartteksten", "notes": "Bijzinnen", "pieces": "Stukken tekst",
        "read": "gelezen op",
        "unread": "niet opnieuw gelezen", "cases": "Voorbeelden die bij elke wijziging worden getoetst",
        "case": "situatie", "given": "gegevens", "outcome": "uitkomst", "history": "Geschiedenis",
        "adult": "volwassenen", "child": "kinderen", "any": "alle", "off": "Hier uitgeschakeld",
        "strong": "sterk", "moderate": "matig", "low": "zwak", "contested": "omstreden",
        "verified": "gelezen", "recalled": "uit kennis, niet opnieuw gelezen", "design": "eigen keuze",
    },
    "en": {
        "version": "version", "grade": "evidence", "reviewed": "reviewed", "knowledge": "knowledge version",
        "known_limits": "What this rule cannot see", "limits": "Limits", "name": "name", "value": "value",
        "range": "adjustable", "fixed": "fixed", "provenance": "provenance", "evidence": "Sources", "own": "own value",
        "decision": "What the rule does", "hooks": "Moments", "ages": "Ages", "gates": "Switched off by",
        "sees": "What the rule reads", "cards": "Card texts", "notes": "Further lines", "pieces": "Pieces of text",
        "read": "read on",
        "unread": "not read again", "cases": "Examples, tested at every change",
        "case": "situation", "given": "data", "outcome": "outcome", "history": "History",
        "adult": "adults", "child": "children", "any": "all", "off": "Switched off here",
        "strong": "strong", "moderate": "moderate", "low": "low", "contested": "contested",
        "verified": "verified", "recalled": "recalled, not read again", "design": "our own choice",
    },
}  # fmt: skip
_TEMPLATE = Environment(autoescape=True, trim_blocks=True).from_string(_PAGE)


def rule_html(sheet: RuleSheet, version: str, language: str, query: str = "") -> str:
    """The page of one rule. version: of the knowledge; query: what links within the site carry along."""
    rule = sheet.rule
    return _TEMPLATE.render(
        sheet=sheet,
        rule=rule,
        language=language,
        query=query,
        title=rule.title[language],
        known_limits=[text[language] for text in rule.known_limits],
        t=WORDS[language],
        number=lambda value: f"{value:f}".replace(".", "," if language == "nl" else "."),
        unit=lambda unit: written_unit(unit, language),
        version=version,
        kinds=[(LABELS_OF_KINDS[kind][language], found) for kind, found in sheet.kinds()],
        gates=[question.family.title[language] for question in sheet.gates],
        cards=[(card, card_lines(card, "nl"), card_lines(card, "en")) for card in rule.cards.values()],
        notes=[(plain(note, "nl"), plain(note, "en")) for note in rule.notes.values()],
        pieces=wording(rule),
        cases=[(case, given(case)) for case in sheet.record.cases],
    )
