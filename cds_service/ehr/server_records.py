"""A FHIR server over HTTP: open, or with a bearer token."""

from __future__ import annotations

from typing import Any

from cds_service.ehr.credentials import Access
from cds_service.ehr.records import is_refusal, refusal
from cds_service.ehr.wire import Reply, Wire, check_address, told_by

_GONE = (404, 410)
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class ServerRecords:
    """The records of a FHIR server. `base` is its address without a trailing slash."""

    def __init__(self, wire: Wire, base: str, access: Access | None = None) -> None:
        """Raises EhrError for an address that cannot be used."""
        check_address("FHIR server", base, with_token=access is not None)
        self.base = base.rstrip("/")
        self._wire = wire
        self._token = None if access is None else access.token

    def ask(self, query: str, step: str) -> dict[str, Any] | None:
        """See Records. A 404 to a search is a refusal: the server does not serve that type."""
        reply = self.reply(query, step)
        if reply.status in _GONE and "?" not in query:
            return None
        return _resource(reply)

    def reply(self, query: str, step: str) -> Reply:
        """The bare answer to a relative query."""
        return self._wire.get(step, f"{self.base}/{query}", self._token)

    def search_by_post(self, query: str, step: str) -> Reply:
        """The bare answer to the same search as POST [type]/_search."""
        kind, _, parameters = query.partition("?")
        url = f"{self.base}/{kind}/_search"
        return self._wire.post(step, url, parameters.encode(), self._token, _FORM)

    def follow(self, url: str, step: str) -> dict[str, Any] | None:
        """A next page. Only below our own address: nobody else gets the token."""
        if not url.startswith(f"{self.base}/") and url != self.base and not url.startswith(f"{self.base}?"):
            return refusal("security", "the next page is at another address and was not fetched")
        return _resource(self._wire.get(step, url, self._token))


def _resource(reply: Reply) -> dict[str, Any]:
    body = reply.body if isinstance(reply.body, dict) and isinstance(reply.body.get("resourceType"), str) else None
    if reply.status == 200 and body is not None:
        return body
    if body is not None and is_refusal(body):
        return body
    if reply.status == 200:
        return refusal("structure", "the FHIR server answered with something that is no FHIR resource in JSON")
    return refusal("processing", f"the FHIR server answered {reply.status}: {told_by(reply)}")
