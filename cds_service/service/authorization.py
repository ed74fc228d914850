"""fhirAuthorization as sent: a bearer token for one call, for how long it is good, and for whom."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from cds_service.fhir.failures import Failure, OutboundError
from cds_service.service.envelope import Members

Kind = TypeVar("Kind")

_VISIBLE = re.compile(r"[!-~]+\Z")
_TEXT = msgspec.json.Decoder(str)
_SECONDS = msgspec.json.Decoder(float, strict=False)


@dataclass(frozen=True, slots=True)
class Authorization:
    """token: None for an open server. expires_in: seconds from when the call was sent, None when not said. patient: the
    only one that the token is for, by bare id."""

    token: str | None = field(default=None, repr=False)
    expires_in: float | None = None
    patient: str | None = None


def read_authorization(members: Members | None) -> Authorization:
    """Tolerant of what is missing. Raises OutboundError for a token that is not a bearer token or fits no header."""
    if members is None:
        return Authorization()
    kind, token = _read(members, "token_type", _TEXT), _read(members, "access_token", _TEXT)
    if kind is not None and kind.strip().lower() != "bearer":
        raise OutboundError(Failure.REFUSED_TOKEN)
    if token is not None and not _VISIBLE.match(token):
        raise OutboundError(Failure.REFUSED_TOKEN)
    patient = _read(members, "patient", _TEXT)
    return Authorization(
        token, _read(members, "expires_in", _SECONDS), patient.removeprefix("Patient/") if patient else None
    )


def _read(members: Members, name: str, decoder: msgspec.json.Decoder[Kind]) -> Kind | None:
    """A member, None when absent, null or empty. Raises OutboundError when it has another type."""
    raw = members.get(name)
    if raw is None or bytes(raw) in (b"null", b'""'):
        return None
    try:
        return decoder.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        raise OutboundError(Failure.REFUSED_TOKEN) from None
