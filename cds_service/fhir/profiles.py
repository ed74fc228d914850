"""How EHRs differ, as data: the prefetch queries that they can answer, the members of cards that they take, and the
sheet that an analyst types the queries from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from cds_service.knowledge.card_form import PLAIN_FORM, CardForm
from cds_service.knowledge.model import KeyPlanEntry, PlainText


class Profile(msgspec.Struct, frozen=True):
    """One kind of EHR.

    without_resources   types it does not serve: their keys are left out
    without_parameters  search parameters it does not document: left out of every query
    parameters          key -> search parameters that its query must carry, in place of those of the plan
    cards               the members of cards that it takes
    notes               what the analyst must know besides
    """

    id: str
    without_resources: frozenset[str] = frozenset()
    without_parameters: frozenset[str] = frozenset()
    parameters: Mapping[str, Mapping[str, str]] = {}
    cards: CardForm = PLAIN_FORM
    notes: tuple[PlainText, ...] = ()


PROFILES: Mapping[str, Profile] = {
    profile.id: profile
    for profile in (
        Profile("generic"),
        Profile(
            "epic",
            without_resources=frozenset({"MedicationStatement"}),
            parameters={key: {"category": "laboratory"} for key in ("labsRare", "labsFrequent")},
            cards=CardForm(topic_hyphens=False),
            notes=(
                {
                    "en": "Discovery is not read: type every key and query into the prefetch record.",
                    "nl": "Discovery wordt niet gelezen: typ alle sleutels en queries in het prefetch-record.",
                },
                {
                    "en": "The endpoint URI on the client id must equal our service URL exactly.",
                    "nl": "De endpoint-URI bij de client-id moet exact gelijk zijn aan onze service-URL.",
                },
                {
                    "en": "Suggested orders need codes of your own preference lists: name them under orderables in the "
                    "overlay.",
                    "nl": "Voorgestelde orders vereisen codes uit uw eigen voorkeurslijsten: noem ze onder orderables "
                    "in de overlay.",
                },
            ),
        ),
        Profile(
            "oracle",
            without_resources=frozenset({"MedicationStatement"}),
            without_parameters=frozenset({"_sort"}),
            cards=CardForm(selection="at-most-one"),
            notes=(
                {
                    "en": "Without _sort a cut page proves nothing about absence; raise the page size if you can.",
                    "nl": "Zonder _sort bewijst een afgekapte pagina niet wat ontbreekt; vergroot de pagina.",
                },
                {
                    "en": "Links that are not on the allow-list are removed: have the rule pages (source.url) listed.",
                    "nl": "Links die niet op de lijst staan, worden verwijderd: laat de regelpagina's (source.url) "
                    "opnemen.",
                },
            ),
        ),
        Profile(
            "nl",
            parameters={"medications": {"status": "active,unknown"}},
            notes=(
                {
                    "en": "Laboratories that code locally need their codes added to the code= lists.",
                    "nl": "Laboratoria met eigen codes: voeg die codes toe aan de lijsten van code=.",
                },
                {
                    "en": "The medication overview is in MedicationStatement: always send medicationStatements.",
                    "nl": "Het medicatieoverzicht staat in MedicationStatement: stuur medicationStatements altijd mee.",
                },
                {
                    "en": "Where prescriptions carry status unknown, say so with admit_unknown_status.",
                    "nl": "Hebben voorschriften de status unknown, zeg dat dan met admit_unknown_status.",
                },
            ),
        ),
        Profile(
            "cds-hooks-1.0",
            cards=CardForm(selection="at-most-one", since_2=False),
            notes=(
                {
                    "en": "Send null for an empty answer and leave a failed key out; a page must hold everything.",
                    "nl": "Stuur null voor een leeg antwoord en laat een mislukte sleutel weg; een pagina moet alles "
                    "bevatten.",
                },
                {
                    "en": "Cards have no id in 1.0: nothing can be reported back about them.",
                    "nl": "Kaarten hebben in 1.0 geen id: er kan niets over teruggemeld worden.",
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


def apply_profile(
    plan: Iterable[KeyPlanEntry], profile: Profile, absent_sources: frozenset[str] = frozenset()
) -> tuple[KeyPlanEntry, ...]:
    """The key plan as this kind of EHR can answer it.

    absent_sources: keys that the site says it has nothing for. They stay, to be read as empty; without that word, what
    this EHR does not serve is left out and reported as not available.
    """
    return tuple(
        msgspec.structs.replace(entry, query=_adapt(entry, profile))
        for entry in plan
        if entry.resource not in profile.without_resources or entry.key in absent_sources
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
    (first, value), *others = [pair for pair in pairs if pair[0] not in profile.without_parameters]
    asked = {first: value, **profile.parameters.get(entry.key, {})}
    asked |= {name: value for name, value in others if name not in asked}
    return path + "?" + "&".join(f"{name}={value}" for name, value in asked.items())
