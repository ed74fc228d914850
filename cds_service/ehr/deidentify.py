"""An exchange without the patient: what is left may be kept as a fixture and fired again.

Ids are renamed (the same id to the same name, so that references hold), all dates are moved by one number of days (so
that intervals, and the age, stay), and of everything else only what `allowed` names is left.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from cds_service.ehr.allowed import CONTEXT, EXTENSION, RESOURCES
from cds_service.ehr.hook_calls import INDICATORS
from cds_service.ehr.records import objects
from cds_service.errors import EhrError
from cds_service.facts.units import unit_of
from cds_service.knowledge.vocabulary_systems import ATC, LOINC, RXNORM, SNOMED, UCUM, UNII

AS_OF, ANSWERED = "org.ionwise.as-of", "org.ionwise.answered"
LOCAL = "https://local.example"
_SYSTEMS = (
    ATC, LOINC, RXNORM, SNOMED, UCUM, UNII, "http://hl7.org/", "http://terminology.hl7.org/",
    "http://fhir.de/CodeSystem/", "http://nictiz.nl/fhir/", "https://referentiemodel.nhg.org/",
    "urn:oid:2.16.840.1.113883.2.4.4.", "urn:oid:2.16.840.1.113883.6.",
)  # fmt: skip
_PATTERNS = {
    "word": re.compile(r"[a-z][a-z-]{0,40} ?"),  # servers do send "entered-in-error "
    "code": re.compile(r"(?!.*\d{4}-\d\d-\d\d)[A-Za-z0-9][A-Za-z0-9._:+/-]{0,49}"),
    "time": re.compile(r"\d\d:\d\d(:\d\d)?"),
    "result": re.compile(r"(?:[<>]=?)? ?(?:\d{1,6}(?:[.,]\d{1,4})?)?"),
}
_UNIT_WORD = re.compile(
    r"\{?(?:tablets?|tabletten|tbl|tab|capsules?|caps|stuks?|sachets?|zakjes?|drops?|druppels?|puffs?|dos(?:is|e|es)|"
    r"IE|IU|mo|a|min|h|d|wk|s)\}?"
)
_DATE = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d)(T[0-9:.]{2,20}(?:Z|[+-]\d\d:\d\d)?)?)?)?")
_REFERENCE = re.compile(r"(?:.*/)?([A-Z][A-Za-z]{2,40})/([^/?#\s]{1,256})(?:/_history/.*)?", re.DOTALL)
_WHOLE = {"hook": re.compile(r"[a-z][a-z0-9.-]{0,60}"), "key": re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")}
_PERSONAL = ("name", "telecom", "address", "identifier", "contact")


class Deidentified:
    """One request without its patient. `request`: what is left; `left_out`: how many members of which kind are gone."""

    def __init__(self, request: Mapping[str, Any], days: int, now: datetime) -> None:
        """days: by how much every date is moved, not 0. now: the moment of a request that does not carry its own.

        Raises EhrError when a name or number of the patient would still be in it.
        """
        self.left_out: Counter[str] = Counter()
        self._days = timedelta(days=days)
        self._names: dict[str, str] = {}
        self._places: dict[str, str] = {}
        extension = request.get("extension")
        as_of = extension.get(AS_OF) if isinstance(extension, dict) else None
        self.request: dict[str, Any] = {
            "hook": _matching("hook", request.get("hook")),
            "hookInstance": self._id(request.get("hookInstance")),
            "context": self._object(request.get("context"), CONTEXT),
            "prefetch": self._prefetch(request.get("prefetch")),
            "extension": {AS_OF: self._date(as_of or now.isoformat(timespec="seconds"))},
        }
        if found := set(personal_marks(request)) & set(_words(self.request)):
            raise EhrError(f"--save: {len(found)} names or numbers of the patient are also codes; nothing was saved")

    def _prefetch(self, answers: Any) -> dict[str, Any]:
        """An answer of which nothing is left goes with its key: `null` would say that there was nothing."""
        kept = {
            key: None if answer is None else self._resource(answer)
            for key, answer in (answers.items() if isinstance(answers, dict) else ())
            if _matching("key", key)
        }
        return {key: answer for key, answer in kept.items() if answer is not None or answers[key] is None}

    def answered(self, answer: Mapping[str, Any]) -> None:
        """Note in the request what came of it: of each card its indicator, topic and rules, never its text."""
        cards = []
        for card in (card if isinstance(card, dict) else {} for card in answer["cards"]):
            topics = [
                topic.get("code") for source in objects(card.get("source")) for topic in objects(source.get("topic"))
            ]
            marks = [objects(extension.get("org.ionwise.rules")) for extension in objects(card.get("extension"))]
            told = {
                "indicator": card.get("indicator") if card.get("indicator") in INDICATORS else None,
                "topic": self._leaf(topics[0], "code") if topics else None,
                "rules": [self._leaf(rule.get("id"), "code") for rules in marks for rule in rules],
            }
            cards.append({name: value for name, value in told.items() if value})
        self.request["extension"][ANSWERED] = {"cards": cards}

    def _keep(self, node: Any, allowed: Any) -> Any:
        """What is left of a value; None when nothing is."""
        if isinstance(node, list):
            return [kept for item in node if (kept := self._keep(item, allowed)) is not None] or None
        if isinstance(allowed, Mapping):
            return self._object(node, allowed) if isinstance(node, dict) else self._bare_code(node)
        return self._leaf(node, allowed)

    def _object(self, node: Any, allowed: Mapping[str, Any]) -> dict[str, Any] | None:
        left = {}
        for member, value in node.items() if isinstance(node, dict) else ():
            rule = allowed.get(member)
            if rule is None and member.startswith("_") and member[1:] in allowed:
                rule = {"extension": "extension"}
            kept = None if rule is None else self._keep(value, rule)
            if kept is None:
                self.left_out[member.lstrip("_")] += 1
            else:
                left[member] = kept
        return left or None

    def _bare_code(self, node: Any) -> Any:
        """Earlier versions of FHIR write a status where R4 has a concept."""
        return self._leaf(node, "word")

    def _leaf(self, value: Any, kind: str) -> Any:
        if kind == "number":
            return value if isinstance(value, int | float | Decimal) and not isinstance(value, bool) else None
        if kind == "yes or no":
            return value if isinstance(value, bool) else None
        if kind == "resource":
            return self._resource(value)
        if kind in ("extension", "modifier"):
            return self._extension(value, is_modifier=kind == "modifier")
        if not isinstance(value, str) or not value:
            return None
        if kind in _PATTERNS:
            return value if _PATTERNS[kind].fullmatch(value) else None
        by_kind = {
            "id": self._id, "reference": self._reference, "relative reference": self._reference, "date": self._date,
            "system": self._system, "unit": _unit, "address": self._place, "definition": self._system,
        }  # fmt: skip
        return by_kind[kind](value)

    def _resource(self, node: Any) -> dict[str, Any] | None:
        kind = node.get("resourceType") if isinstance(node, dict) else None
        if not isinstance(kind, str) or kind not in RESOURCES:
            self.left_out["resource"] += 1
            return None
        return self._object(node, RESOURCES[kind])

    def _extension(self, node: Any, *, is_modifier: bool) -> dict[str, Any] | None:
        """One whose definition is public, with its coded value. Of a modifier from elsewhere, that there is one."""
        url = node.get("url") if isinstance(node, dict) else None
        if not isinstance(url, str) or not url:
            return None
        if _is_public(url):
            return self._object(node, EXTENSION)
        return {"url": self._place(url)} if is_modifier else None

    def _id(self, value: Any) -> str | None:
        """A UUID that tells nothing: it is the count of ids so far, and fits `urn:uuid:` too."""
        if not isinstance(value, str) or not value:
            return None
        return self._names.setdefault(value, f"00000000-0000-4000-8000-{len(self._names) + 1:012d}")

    def _reference(self, value: str) -> str | None:
        if value.startswith("#"):
            return f"#{self._id(value[1:])}" if len(value) > 1 else None
        if value.startswith(("urn:uuid:", "urn:oid:")):
            return f"urn:uuid:{self._id(value.rpartition(':')[2])}"
        found = _REFERENCE.fullmatch(value)
        return f"{found[1]}/{self._id(found[2])}" if found else None

    def _date(self, value: str) -> str | None:
        """The date moved, as precise as it was; a month or a year by its middle. None when it is none."""
        found = _DATE.fullmatch(value)
        if found is None:
            return None
        year, month, day, rest = found.groups()
        try:
            moved = date(int(year), int(month or 7), int(day or (15 if month else 1))) + self._days
        except (ValueError, OverflowError):
            return None
        return moved.isoformat()[: 10 if day else 7 if month else 4] + (rest or "")

    def _system(self, value: str) -> str:
        return value if _is_public(value) else self._place(value)

    def _place(self, value: str) -> str:
        """The same stand-in for the same address."""
        return self._places.setdefault(value, f"{LOCAL}/{len(self._places) + 1}")


def personal_marks(node: Any) -> Iterator[str]:
    """Every word of four signs or more, with a capital or a digit, that names a patient, relative or clinician."""
    if isinstance(node, list):
        for item in node:
            yield from personal_marks(item)
    elif isinstance(node, dict):
        for member, value in node.items():
            if member == "identifier" or (member in _PERSONAL and "resourceType" in node):
                words = _words(value, skip=("system", "use", "type", "period"))
                yield from (word for word in words if len(word) > 3 and not word.islower())
            else:
                yield from personal_marks(value)


def _words(node: Any, skip: tuple[str, ...] = ()) -> Iterator[str]:
    """Every word in the strings below a node."""
    if isinstance(node, list):
        for item in node:
            yield from _words(item, skip)
    elif isinstance(node, dict):
        for member, value in node.items():
            if member not in skip:
                yield from _words(value, skip)
    elif isinstance(node, str):
        yield from re.findall(r"[^\s,;|]+", node)


def _is_public(url: str) -> bool:
    """Whether a code system or definition is one that everybody uses, and its address nothing more than that."""
    return url.startswith(_SYSTEMS) and re.fullmatch(r"[\w:/.|#-]{1,150}", url) is not None


def _unit(value: str) -> str | None:
    return value if unit_of(value) is not None or _UNIT_WORD.fullmatch(value) else None


def _matching(kind: str, value: Any) -> str | None:
    return value if isinstance(value, str) and _WHOLE[kind].fullmatch(value) else None
