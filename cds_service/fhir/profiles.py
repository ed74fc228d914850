"""How EHRs differ in the prefetch queries that they can answer, as data, and the sheet an analyst types them from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from cds_service.knowledge.model import KeyPlanEntry, PlainText


class Profile(msgspec.Struct, frozen=True):
    """One kind of EHR.

    without_resources   types it does not serve: their keys are left out
    without_parameters  search parameters it does not document: left out of every query
    categories          key prefix -> category that its queries must carry
    topic_hyphens       whether it admits hyphens in source.topic.code
    notes               what the analyst must know besides
    """

    id: str
    without_resources: frozenset[str] = frozenset()
    without_parameters: frozenset[str] = frozenset()
    categories: Mapping[str, str] = {}
    topic_hyphens: bool = True
    notes: tuple[PlainText, ...] = ()


PROFILES: Mapping[str, Profile] = {
    profile.id: profile
    for profile in (
        Profile("generic"),
        Profile(
            "epic",
            without_resources=frozenset({"MedicationStatement"}),
            categories={"labs": "laboratory"},
            topic_hyphens=False,
            notes=(
                {
                    "en": "Discovery is not read: type every key and query into the prefetch record.",
                    "nl": "Discovery wordt niet gelezen: typ alle sleutels en queries in het prefetch-record.",
                },
                {
                    "en": "The endpoint URI on the client id must equal our service URL exactly.",
                    "nl": "De endpoint-URI bij de client-id moet exact gelijk zijn aan onze service-URL.",
                },
            ),
        ),
        Profile(
            "oracle",
            without_parameters=frozenset({"_sort"}),
            notes=(
                {
                    "en": "Without _sort a cut page proves nothing about absence; raise the page size if you can.",
                    "nl": "Zonder _sort bewijst een afgekapte pagina niet wat ontbreekt; vergroot de pagina.",
                },
            ),
        ),
        Profile(
            "nl",
            notes=(
                {
                    "en": "Laboratories that code locally need their codes added to the code= lists.",
                    "nl": "Laboratoria met eigen codes: voeg die codes toe aan de lijsten van code=.",
                },
                {
                    "en": "The medication overview is in MedicationStatement: always send medicationStatements.",
                    "nl": "Het medicatieoverzicht staat in MedicationStatement: stuur medicationStatements altijd mee.",
                },
            ),
        ),
    )
}

_NEED: Mapping[str, PlainText] = {
    "R": {"en": "required at", "nl": "verplicht bij"},
    "S": {"en": "send if at all possible at", "nl": "stuur zo mogelijk mee bij"},
    "O": {"en": "optional at", "nl": "optioneel bij"},
}


def apply_profile(plan: Iterable[KeyPlanEntry], profile: Profile) -> tuple[KeyPlanEntry, ...]:
    """The key plan as this kind of EHR can answer it."""
    return tuple(
        msgspec.structs.replace(entry, query=_adapt(entry, profile))
        for entry in plan
        if entry.resource not in profile.without_resources
    )


def required_scopes(entry: KeyPlanEntry) -> tuple[str, str]:
    """The SMART scopes that a key's query needs: version 1, version 2."""
    return f"patient/{entry.resource}.read", f"patient/{entry.resource}.{'rs' if '?' in entry.query else 'r'}"


def prefetch_sheet(
    plan: Iterable[KeyPlanEntry], profile: Profile, language: str, hook: str | None = None
) -> Iterator[str]:
    """Lines for an analyst who types the prefetch by hand: key, query, why it is needed, which scopes it takes."""
    entries = [entry for entry in apply_profile(plan, profile) if hook is None or hook in entry.hooks]
    for entry in entries:
        scopes = required_scopes(entry)
        yield entry.key
        yield f"  {entry.query}"
        yield f"  {entry.why[language]}"
        yield from (f"  {line}" for line in _needs(entry, language, hook))
        yield f"  SMART v1: {scopes[0]}   SMART v2: {scopes[1]}"
        yield ""
    yield "SMART v1: " + " ".join(sorted({required_scopes(entry)[0] for entry in entries}))
    yield "SMART v2: " + " ".join(_merged_scopes(entries))
    yield from (f"! {note[language]}" for note in profile.notes)


def _needs(entry: KeyPlanEntry, language: str, hook: str | None) -> Iterator[str]:
    for requirement, words in _NEED.items():
        hooks = [name for name, need in entry.hooks.items() if need == requirement and hook in (None, name)]
        if hooks:
            yield f"{words[language]} {', '.join(hooks)}"


def _merged_scopes(entries: Iterable[KeyPlanEntry]) -> list[str]:
    """One scope per type: a type that is searched and read needs `rs` only once."""
    scopes = {required_scopes(entry)[1] for entry in entries}
    return sorted(scope for scope in scopes if scope.endswith(".rs") or f"{scope}s" not in scopes)


def _adapt(entry: KeyPlanEntry, profile: Profile) -> str:
    path, mark, parameters = entry.query.partition("?")
    if not mark:
        return entry.query
    pairs = [pair.partition("=")[::2] for pair in parameters.split("&")]
    kept = [(name, value) for name, value in pairs if name not in profile.without_parameters]
    category = next((value for prefix, value in profile.categories.items() if entry.key.startswith(prefix)), None)
    if category is not None and not any(name == "category" for name, _ in kept):
        kept.insert(1, ("category", category))
    return path + "?" + "&".join(f"{name}={value}" for name, value in kept)
