"""Whatever JSON is sent, the answer is never a server error and always an OperationOutcome or cards."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.http.calls import context, prefetch, request, url
from tests.http.client import Client
from tests.http.conftest import HOOKS

WORDS = st.sampled_from(
    ["resourceType", "Bundle", "Patient", "OperationOutcome", "entry", "resource", "search", "mode", "issue", "link"]
)
JSON_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | WORDS | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS | st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
FIELDS = st.sampled_from(["userId", "patientId", "encounterId", "draftOrders", "selections", "medications"])
MEMBERS = st.sampled_from(
    ["hook", "hookInstance", "context", "prefetch", "extension", "fhirServer", "fhirAuthorization"]
)
MANY = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def judge(client: Client, hook: str, body: Any) -> None:
    reply = client.post(url(hook), body)
    assert reply.status in (200, 400, 412)
    assert ("cards" in reply.json) if reply.status == 200 else reply.complaint


@MANY
@given(body=JSON_VALUES)
def test_any_json_is_answered(client: Client, body: Any) -> None:
    judge(client, "patient-view", body)


@MANY
@given(hook=st.sampled_from(HOOKS), members=st.dictionaries(MEMBERS, JSON_VALUES, max_size=3))
def test_any_root_member_is_answered(client: Client, hook: str, members: dict[str, Any]) -> None:
    judge(client, hook, {**request(hook), **members})


@MANY
@given(hook=st.sampled_from(HOOKS), fields=st.dictionaries(FIELDS, JSON_VALUES, max_size=3))
def test_any_context_is_answered(client: Client, hook: str, fields: dict[str, Any]) -> None:
    judge(client, hook, request(hook, context={**context(hook), **fields}))


@MANY
@given(values=st.dictionaries(st.sampled_from(["patient", "labs", "conditions"]), JSON_VALUES, max_size=3))
def test_any_prefetch_is_answered(client: Client, values: dict[str, Any]) -> None:
    judge(client, "patient-view", request(prefetch={**prefetch(), **values}))


@MANY
@given(body=st.binary(max_size=200))
def test_any_bytes_are_answered(client: Client, body: bytes) -> None:
    judge(client, "patient-view", body)
