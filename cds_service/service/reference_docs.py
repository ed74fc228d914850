"""The generated pages of docs/: rules, what reviewers need, settings, prefetch keys. `stale_pages` keeps them true."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from cds_service.fhir.profiles import PROFILES, Profile, apply_profile
from cds_service.knowledge.dossier import read_dossier
from cds_service.knowledge.model import Knowledge
from cds_service.knowledge.sources import Sources
from cds_service.service.docs.clinical_review import clinical_review_page
from cds_service.service.docs.hazard_log import hazard_log_page
from cds_service.service.docs.markdown import NOTICE, table
from cds_service.service.docs.rules import all_sheets, rule_pages
from cds_service.service.docs.seed_claims import seed_claims_page
from cds_service.service.docs.trace import trace_page

REQUIREMENTS = {"R": "required", "S": "send", "O": "optional"}


def build_pages(knowledge: Knowledge, sources: Sources, settings: Sequence[tuple[str, str, str]]) -> dict[str, str]:
    """File name in docs/ -> text; settings: variable, default and meaning of each.

    Raises KnowledgeError when the dossier or a cases.yaml is refused.
    """
    dossier = read_dossier(sources)
    sheets = all_sheets(knowledge, sources)
    pages = {
        **rule_pages(knowledge, sheets),
        "prefetch.md": prefetch_page(knowledge),
        "settings.md": settings_page(settings),
    }
    claims = dossier.claims.entry.claims if dossier.claims else ()
    hazards = dossier.hazards.entry.hazards if dossier.hazards else ()
    questions = dossier.questions.entry.questions if dossier.questions else ()
    ids = [rule.id for rule in knowledge.rules]
    return pages | {
        "seed-claims.md": seed_claims_page(claims, ids),
        "trace.md": trace_page(sheets, claims, hazards),
        "clinical-review.md": clinical_review_page(knowledge, questions),
        "hazard-log.md": hazard_log_page(hazards, ids),
    }


def stale_pages(pages: Mapping[str, str], docs: Path) -> tuple[str, ...]:
    """The pages that differ from what is in docs/, are missing there, or are there for a rule that is gone."""
    stale = {
        name
        for name, text in pages.items()
        if not (docs / name).exists() or (docs / name).read_text(encoding="utf-8") != text
    }
    return tuple(sorted(stale | ({f"rules/{path.name}" for path in docs.glob("rules/*.md")} - set(pages))))


def write_pages(pages: Mapping[str, str], docs: Path) -> tuple[str, ...]:
    """Write the stale pages and remove those of rules that are gone; returns their names."""
    stale = stale_pages(pages, docs)
    for name in stale:
        path = docs / name
        if name in pages:
            path.parent.mkdir(exist_ok=True)
            path.write_text(pages[name], encoding="utf-8")
        else:
            path.unlink()
    return stale


def prefetch_page(knowledge: Knowledge) -> str:
    """The prefetch keys, their queries and what they are for."""
    hooks = sorted({hook for entry in knowledge.key_plan for hook in entry.hooks})
    lines = [NOTICE, "# Prefetch keys", "", "The same key asks the same query in every service.", ""]
    lines += table(
        ("key", *hooks),
        ((f"`{e.key}`", *(REQUIREMENTS.get(e.hooks.get(hook, ""), "") for hook in hooks)) for e in knowledge.key_plan),
    )
    for entry in knowledge.key_plan:
        lines += [f"## {entry.key}", "", f"For: {entry.why['en']}.", "", "```", entry.query, "```", ""]
    lines += ["## Kinds of EHR", "", "`IONWISE_PROFILE` names the one that calls; `generic` is as above.", ""]
    for profile in PROFILES.values():
        if told := [f"- {line}" for line in _peculiarities(knowledge, profile)]:
            lines += [f"### {profile.id}", "", *told, ""]
    return "\n".join(lines).rstrip() + "\n"


def _peculiarities(knowledge: Knowledge, profile: Profile) -> Iterator[str]:
    """How the queries and cards for a kind of EHR differ from those above, and what its analyst must know."""
    asked = {entry.key: entry.query for entry in apply_profile(knowledge.key_plan, profile)}
    left_out = [f"`{entry.key}`" for entry in knowledge.key_plan if entry.key not in asked]
    if left_out:
        resources = ", ".join(sorted(profile.without_resources))
        yield f"Not asked for, as it does not serve {resources}: {', '.join(left_out)}."
    if profile.without_parameters:
        yield f"No query holds {', '.join(f'`{name}`' for name in sorted(profile.without_parameters))}."
    for key, parameters in profile.parameters.items():
        yield f"`{key}` asks with {', '.join(f'`{name}={value}`' for name, value in parameters.items())}."
    form = profile.cards
    if not form.topic_hyphens:
        yield "Cards: no hyphens in `source.topic.code`."
    if form.selection == "at-most-one":
        yield "Cards: `selectionBehavior` is `at-most-one`; the only suggestion holds all of the orders."
    if not form.since_2:
        yield "Cards: no `uuid`, `source.topic` and `overrideReasons`, which came with CDS Hooks 2.0."
    yield from (note["en"] for note in profile.notes)


def settings_page(settings: Sequence[tuple[str, str, str]]) -> str:
    """Every setting: variable, default and meaning."""
    found = table(
        ("environment variable", "default", "meaning"),
        [(f"`{variable}`", f"`{default}`", text) for variable, default, text in settings],
    )
    return "\n".join([NOTICE, "# Settings", "", *found]).rstrip() + "\n"
