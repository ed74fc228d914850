"""An EHR on a real FHIR server: it answers prefetch from the server, or lets the service read the server itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import msgspec
import requests

from cds_service.demo import AS_OF, Story

Json = dict[str, Any]

SECONDS = 60
_EXACT = msgspec.json.Decoder(float_hook=Decimal)
_WRITE = msgspec.json.Encoder(decimal_format="number").encode
_TOKEN = re.compile(r"\{\{context\.(\w+)\}\}")


class Service:
    """The service under test at an address, and its prefetch templates by hook."""

    def __init__(self, address: str) -> None:
        self.address = address
        services = requests.get(f"{address}/cds-services", timeout=SECONDS).json()["services"]
        self.templates: Mapping[str, Mapping[str, str]] = {one["hook"]: one["prefetch"] for one in services}

    def fire(self, request: Mapping[str, Any]) -> requests.Response:
        """Post a hook request."""
        headers = {"Content-Type": "application/json", "Accept-Language": "en"}
        address = f"{self.address}/cds-services/ionwise-{request['hook']}"
        return requests.post(address, _WRITE(request), headers=headers, timeout=SECONDS)

    def decide(self, request: Mapping[str, Any]) -> Json:
        """The answer, without what differs from call to call."""
        reply = self.fire(request)
        assert reply.status_code == 200, reply.text
        answer: Json = _without_uuids(reply.json())
        return answer


def call(context: Mapping[str, Any], hook: str, as_of: str = AS_OF) -> Json:
    """A request without prefetch."""
    instance = str(uuid5(NAMESPACE_URL, f"{hook}/{context['patientId']}"))
    return {"hook": hook, "hookInstance": instance, "context": context, "extension": {"org.ionwise.as-of": as_of}}


def with_prefetch(request: Json, templates: Mapping[str, str], server: str) -> Json:
    """The request with every template answered by the server, as it was published."""
    found = {key: ask(server, filled) for key, template in templates.items() if (filled := fill(template, request))}
    return {**request, "prefetch": found}


def with_access(request: Json, server: str, token: str) -> Json:
    """The request with leave to read the server."""
    access = {
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": 300,
        "scope": "patient/*.rs",
        "subject": "cds",
    }
    return {**request, "fhirServer": server, "fhirAuthorization": access}


def fill(template: str, request: Mapping[str, Any]) -> str | None:
    """The query of a template for this call; None when the context lacks what it names."""
    context = request["context"]
    if any(token not in context for token in _TOKEN.findall(template)):
        return None
    return _TOKEN.sub(lambda found: str(context[found[1]]), template)


def ask(server: str, query: str) -> Json:
    """GET below the server's base. Raises HTTPError when it refuses."""
    return fetch(f"{server}/{query}")


def fetch(address: str) -> Json:
    """GET an address that the server gave, such as a next page."""
    reply = requests.get(address, headers={"Accept": "application/fhir+json"}, timeout=SECONDS)
    reply.raise_for_status()
    found: Json = _EXACT.decode(reply.content)
    return found


def search_by_post(server: str, query: str) -> Json:
    """The same search with its parameters in the body."""
    kind, _, parameters = query.partition("?")
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/fhir+json"}
    reply = requests.post(f"{server}/{kind}/_search", parameters, headers=headers, timeout=SECONDS)
    reply.raise_for_status()
    found: Json = _EXACT.decode(reply.content)
    return found


def matches(bundle: Mapping[str, Any]) -> list[Json]:
    """What a search found."""
    return [entry["resource"] for entry in bundle.get("entry", ())]


def next_page(bundle: Mapping[str, Any]) -> str | None:
    """The address of the next page."""
    return next((link["url"] for link in bundle.get("link", ()) if link["relation"] == "next"), None)


def context_of(story: Story, hook: str) -> Json:
    """The hook's context of a fixture patient."""
    return story.context(hook)


def _without_uuids(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_uuids(member) for name, member in value.items() if name != "uuid"}
    return [_without_uuids(item) for item in value] if isinstance(value, list) else value
