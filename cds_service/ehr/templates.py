"""Prefetch templates: tokens become values (CDS Hooks 2.0, "Prefetch tokens"; dates as in 3.0)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any
from urllib.parse import quote

TOKEN = re.compile(r"\{\{(.*?)\}\}")
USER_TOKENS = {
    "userPractitionerId": "Practitioner",
    "userPractitionerRoleId": "PractitionerRole",
    "userPatientId": "Patient",
    "userRelatedPersonId": "RelatedPerson",
}
_TODAY = re.compile(r"today\(\)\s*(?:([-+])\s*(\d{1,5})\s*days?)?")


def resolve_template(template: str, context: Mapping[str, Any], today: date) -> str | None:
    """The relative FHIR query of a template, its values percent-encoded; None when a token has no value here.

    Understands `context.<field>`, longer paths into the context (several values become a comma-separated list), the
    four tokens of the user, `today()` and `today() - 90 days`.
    """
    values = {token: _value(token.strip(), context, today) for token in TOKEN.findall(template)}
    if not all(values.values()):
        return None
    return TOKEN.sub(lambda found: quote(values[found[1]], safe="/,:"), template)


def _value(token: str, context: Mapping[str, Any], today: date) -> str:
    """The value of a token, "" when it has none."""
    kind = USER_TOKENS.get(token)
    relative = _TODAY.fullmatch(token)
    if kind is not None:
        user_kind, _, user_id = str(context.get("userId", "")).partition("/")
        return user_id if user_kind == kind else ""
    if relative is not None:
        days = int(relative[2] or 0) * (-1 if relative[1] == "-" else 1)
        return (today + timedelta(days=days)).isoformat()
    return ",".join(_walk(context, token.split(".")[1:])) if token.startswith("context.") else ""


def _walk(node: Any, path: list[str]) -> Iterator[str]:
    """Every primitive at the end of a path; a list stands for all its members."""
    if isinstance(node, list):
        for item in node:
            yield from _walk(item, path)
    elif path:
        if isinstance(node, dict) and path[0] in node:
            yield from _walk(node[path[0]], path[1:])
    elif isinstance(node, bool):
        yield str(node).lower()
    elif not isinstance(node, dict) and node is not None:
        yield str(node)
