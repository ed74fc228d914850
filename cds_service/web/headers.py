"""What the request's headers say: language, media type, encoding, address."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from starlette.types import Scope

from cds_service.errors import RequestError
from cds_service.web.edge import Edge
from cds_service.web.voice import Voice

_HOST = re.compile(r"[A-Za-z0-9.\-]+(:\d{1,5})?|\[[0-9a-fA-F:.]+\](:\d{1,5})?")
_JSON = re.compile(r"application/(?:[\w.+-]+\+)?json")
_VOICES = 64  # how many combinations of language, address and scheme are remembered
_CHARSETS = frozenset({"", "utf-8", "utf8", "us-ascii"})


def read_headers(scope: Scope) -> dict[bytes, bytes]:
    """Header name (ASGI servers give it in lower case) -> value; of a repeated header the last."""
    return dict(scope["headers"])


def voice_chooser(edge: Edge) -> Callable[[str, bytes, bytes, tuple[str, ...]], Voice]:
    """From scheme, Host, Accept-Language and the site's languages to the voice of the answer, remembering the last
    combinations.

    Language by Accept-Language; address as set, else (sandbox) as the client called us, else the loopback.
    """

    @lru_cache(maxsize=_VOICES)
    def choose(scheme: str, host: bytes, wanted: bytes, languages: tuple[str, ...]) -> Voice:
        base_url = edge.pages_url or edge.public_url
        if base_url is None:
            called = host.decode("latin-1")
            base_url = f"{scheme}://{called}" if edge.sandbox and _HOST.fullmatch(called) else edge.loopback
        return Voice(choose_language(wanted.decode("latin-1"), languages), base_url)

    return choose


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


def require_json(headers: Mapping[bytes, bytes]) -> None:
    """Raise RequestError 415 unless the body is declared to be JSON in UTF-8."""
    declared = headers.get(b"content-type", b"")
    if declared == b"application/json":
        return
    media_type, *parameters = declared.decode("latin-1").split(";")
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
