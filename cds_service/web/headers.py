"""What the request's headers say: language, media type, encoding, address."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from starlette.types import Scope

from cds_service.errors import RequestError
from cds_service.web.edge import Edge
from cds_service.web.voice import Voice

_HOST = re.compile(r"[A-Za-z0-9.\-]+(:\d{1,5})?|\[[0-9a-fA-F:.]+\](:\d{1,5})?")
_JSON = re.compile(r"application/(?:[\w.+-]+\+)?json")
_CHARSETS = frozenset({"", "utf-8", "utf8", "us-ascii"})


def read_headers(scope: Scope) -> dict[str, str]:
    """Header name in lower case -> value; of a repeated header the last."""
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


def choose_voice(edge: Edge, scope: Scope, headers: Mapping[str, str], languages: Sequence[str]) -> Voice:
    """Language by Accept-Language among those of the site; address as set, else (sandbox) as the client called us, else
    the loopback."""
    base_url = edge.public_url
    if base_url is None:
        host = headers.get("host", "")
        base_url = f"{scope['scheme']}://{host}" if edge.sandbox and _HOST.fullmatch(host) else edge.loopback
    return Voice(choose_language(headers.get("accept-language"), languages), base_url)


def choose_language(header: str | None, languages: Sequence[str]) -> str:
    """The language among `languages` that Accept-Language likes best; the first of them when it likes none."""
    best, best_weight = languages[0], 0.0
    for part in (header or "").split(","):
        tag, _, parameter = part.strip().partition(";")
        language = tag.strip().lower().split("-")[0]
        weight = _weight(parameter)
        if language in languages and weight > best_weight:
            best, best_weight = language, weight
    return best


def require_json(headers: Mapping[str, str]) -> None:
    """Raise RequestError 415 unless the body is declared to be JSON in UTF-8."""
    media_type, *parameters = headers.get("content-type", "").split(";")
    charset = next(
        (p.partition("=")[2].strip(' "') for p in parameters if p.strip().lower().startswith("charset=")), ""
    )
    if not _JSON.fullmatch(media_type.strip().lower()):
        raise RequestError(415, "not-supported", "Content-Type: must be application/json")
    if charset.lower() not in _CHARSETS:
        raise RequestError(415, "not-supported", "Content-Type: charset must be utf-8")


def _weight(parameter: str) -> float:
    name, _, value = parameter.partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
