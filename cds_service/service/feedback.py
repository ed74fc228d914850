"""The body of a feedback request: which cards were accepted or overridden, and why (CDS Hooks 2.0, Epic's variants).

Also taken: `overrideReasons` for `overrideReason`, as an object or a list of one, extensions anywhere, and card ids
that are no UUID. A card that we do not know is stored all the same: the client could not put that right.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import msgspec

from cds_service.errors import RequestError
from cds_service.storage.records import Report

MOST_REPORTS = 500
LONGEST_ID = 200
_Aware = Annotated[datetime, msgspec.Meta(tz=True)]


def decode_feedback(body: bytes) -> tuple[tuple[Report, ...], Mapping[str, msgspec.Raw]]:
    """The reports of a body, and its extension, undecoded. Raises RequestError 400 that names the member."""
    try:
        root = msgspec.json.decode(body)
        extension = msgspec.json.decode(body, type=_Extended).extension or {}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RequestError(400, "structure", "the request body: must be a JSON object") from error
    items = root.get("feedback")
    if not isinstance(items, list):
        raise RequestError(400, "required", "feedback: must be an array of reports")
    if len(items) > MOST_REPORTS:
        raise RequestError(400, "too-long", f"feedback: send at most {MOST_REPORTS} reports at a time")
    return tuple(_report(item, f"feedback[{n}]") for n, item in enumerate(items)), extension


class _Extended(msgspec.Struct):
    extension: dict[str, msgspec.Raw] | None = None


def _report(item: Any, where: str) -> Report:
    if not isinstance(item, dict):
        raise RequestError(400, "structure", f"{where}: must be an object")
    outcome = item.get("outcome")
    if outcome not in ("accepted", "overridden"):
        raise RequestError(400, "value", f"{where}.outcome: must be accepted or overridden")
    card = _text(item, "card", where)
    if not card or len(card) > LONGEST_ID:
        raise RequestError(400, "required", f"{where}.card: must be the uuid of a card")
    reported_at = _instant(item.get("outcomeTimestamp"), f"{where}.outcomeTimestamp")
    if outcome == "accepted":
        return Report(card, "accepted", reported_at, _suggestions(item.get("acceptedSuggestions"), where))
    reason, system, comment = _override(item, where)
    return Report(card, "overridden", reported_at, reason=reason, reason_system=system, comment=comment)


def _suggestions(accepted: Any, where: str) -> tuple[str, ...]:
    if not isinstance(accepted, list) or not accepted:
        raise RequestError(400, "required", f"{where}.acceptedSuggestions: must name what was accepted")
    ids = [one["id"] for one in accepted if isinstance(one, dict) and isinstance(one.get("id"), str) and one["id"]]
    if len(ids) < len(accepted):
        raise RequestError(400, "value", f"{where}.acceptedSuggestions: each needs the id of a suggestion")
    return tuple(ids)


def _override(item: dict[str, Any], where: str) -> tuple[str | None, str | None, str | None]:
    """Code, system and comment; all None when no reason was given."""
    name = "overrideReason" if item.get("overrideReason") is not None else "overrideReasons"
    given, where = item.get(name), f"{where}.{name}"
    if isinstance(given, list) and len(given) == 1:
        given = given[0]
    if given is None or given == []:
        return None, None, None
    if not isinstance(given, dict):
        raise RequestError(400, "structure", f"{where}: must be one object")
    reason = given.get("reason")
    if reason is not None and not isinstance(reason, dict):
        raise RequestError(400, "structure", f"{where}.reason: must be a Coding")
    code = _text(reason, "code", f"{where}.reason") if reason else None
    comment = _text(given, "userComment", where)
    if not code and not comment and not given.get("extension"):
        raise RequestError(400, "required", f"{where}: needs a reason with its code, or a userComment")
    return code or None, _text(reason, "system", f"{where}.reason") if reason else None, comment or None


def _text(members: Mapping[str, Any], name: str, where: str) -> str | None:
    value = members.get(name)
    if value is not None and not isinstance(value, str):
        raise RequestError(400, "structure", f"{where}.{name}: must be a string")
    return value


def _instant(value: Any, where: str) -> datetime:
    try:
        return msgspec.convert(value, _Aware)
    except msgspec.ValidationError as error:
        raise RequestError(
            400, "value", f"{where}: must be a date and time with its offset, such as 2026-01-31T12:00:00Z"
        ) from error
