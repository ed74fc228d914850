"""From an entry of the key plan to the request that a FHIR server gets."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from cds_service.fhir.failures import Failure, OutboundError
from cds_service.knowledge.model import KeyPlanEntry

_TOKEN = re.compile(r"\{\{context\.(\w+)\}\}")
# A comma, a dollar or a bar would make another query of it; some EHRs have longer ids than FHIR allows.
_SAFE_ID = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9._~-]{1,256}\Z")


class Query(msgspec.Struct, frozen=True):
    """A read (`Type/id`, no parameters) or a search (`Type` with parameters), values not encoded yet."""

    path: str
    parameters: tuple[tuple[str, str], ...] = ()

    @property
    def is_read(self) -> bool:
        """Whether one resource is asked for by its id."""
        return not self.parameters


def fill(entry: KeyPlanEntry, context: Mapping[str, str | None]) -> Query | None:
    """The query of a key for one call; None when the context does not hold what it needs.

    Raises OutboundError for an id that would change the meaning of the query.
    """
    names = [found[1] for found in _TOKEN.finditer(entry.query)]
    values = {name: value for name in names if (value := context.get(name))}
    if len(values) < len(set(names)):
        return None
    if not all(map(is_safe_id, values.values())):
        raise OutboundError(Failure.UNSAFE_ID)
    path, _, parameters = entry.query.partition("?")
    pairs = [pair.partition("=")[::2] for pair in parameters.split("&") if pair]
    return Query(_put(path, values), tuple((name, _put(value, values)) for name, value in pairs))


def is_safe_id(text: str) -> bool:
    """Whether an id means itself wherever it is put in a query."""
    return _SAFE_ID.match(text) is not None


def _put(text: str, values: Mapping[str, str]) -> str:
    return _TOKEN.sub(lambda token: values[token[1]], text)
