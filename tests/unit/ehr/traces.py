"""What of a request must not be in its de-identified copy, found by rules of the tests' own."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any

# a member with one of these names holds a code, a unit or a status: what stays
CODED = frozenset(
    {
        "resourceType", "code", "system", "unit", "status", "url", "type", "mode", "gender", "intent", "comparator",
        "use", "relation", "when", "periodUnit", "durationUnit", "dayOfWeek", "timeOfDay", "taken", "priority",
        "severity",
        "clinicalStatus", "verificationStatus", "criticality", "hook", "valueCode", "rank", "indicator", "version",
    }
)  # fmt: skip
TEXTS = frozenset(
    {
        "text", "display", "div", "note", "description", "title", "label", "comment", "patientInstruction",
        "diagnostics", "valueMarkdown", "data", "abatementString", "onsetString", "performedString",
    }
)  # fmt: skip
PERSONAL = frozenset({"name", "telecom", "address", "contact", "identifier", "photo", "communication"})
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
NEW_ID = re.compile(r"(?:[A-Z]\w+/|#|urn:uuid:)?00000000-0000-4000-8000-\d{12}")


def strings(node: Any, member: str = "") -> Iterator[tuple[str, str]]:
    """Every string with the name of the member that holds it."""
    held = [(member, node)]
    while held:
        name, value = held.pop()
        if isinstance(value, list):
            held += [(name, item) for item in value]
        elif isinstance(value, dict):
            held += value.items()
        elif isinstance(value, str):
            yield name, value


def below(node: Any, members: frozenset[str]) -> Iterator[Any]:
    """Every value that is held by a member of one of these names."""
    if isinstance(node, list):
        for item in node:
            yield from below(item, members)
    elif isinstance(node, dict):
        for name, value in node.items():
            if name in members:
                yield value
            else:
                yield from below(value, members)


def ids(found: Collection[tuple[str, str]]) -> set[str]:
    """Every id among these strings, bare."""
    named = {text for member, text in found if member in ("id", "hookInstance", "patientId", "encounterId")}
    referred = {text for member, text in found if member in ("reference", "selections", "userId")}
    return named | {re.split(r"[/:#]", text.partition("/_history")[0])[-1] for text in referred}


def traces(original: Any, copy: Any) -> list[str]:
    """What is left of the patient in a copy whose dates were all moved by more than a lifetime."""
    sent, left = list(strings(original)), list(strings(copy))
    values = {text for member, text in left if member not in ("system", "url")}
    codes = {text for member, text in sent if member in CODED}
    words = {word for text in values for word in re.findall(r"[\w@.+-]+", text)} - codes
    found = [f"id {one}" for one in ids(sent) & ids(left) if not NEW_ID.fullmatch(one)]
    days = {day for _, text in sent for day in DAY.findall(text)}
    everything = "\n".join(text for _, text in left)
    found += [f"date {day}" for day in days if day in everything]
    for held in below(original, PERSONAL):
        texts = [text for member, text in strings(held, "value") if member not in CODED | {"display"}]
        secret = {word for text in texts for word in re.findall(r"[\w@.+-]+", text) if len(word) > 3}
        found += [f"word {word}" for word in secret & words]
    kept = values - codes
    for held in below(original, TEXTS):
        told = {text for member, text in strings(held) if member not in CODED and len(text) > 3}
        found += [f"text {text}" for text in told & kept]
    addresses = {text for member, text in sent if member in ("fullUrl", "fhirServer", "url")}
    found += [f"address {one}" for one in addresses & values]
    found += [f"member {name}" for name in members(copy) & (PERSONAL | TEXTS | {"access_token", "fullUrl", "photo"})]
    return found


def members(node: Any) -> set[str]:
    """The names of all members."""
    if isinstance(node, list):
        return set().union(*map(members, node)) if node else set()
    return set(node) | set().union(*map(members, node.values())) if isinstance(node, dict) and node else set()
