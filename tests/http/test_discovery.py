"""GET /cds-services. Ids are those of the conformance checklist."""

from __future__ import annotations

import re

from cds_service.web.wire import Discovery
from tests.http.calls import request
from tests.http.client import Client
from tests.http.conftest import HOOKS, PLAN, Make

TOKENS = {"context.patientId", "context.encounterId", "context.userId"}


def test_d_01_to_d_15_the_document_is_what_the_standard_says(client: Client) -> None:
    for accept in ("application/json", "*/*"):
        reply = client.get("/cds-services", accept=accept)
        assert (reply.status, reply.headers["content-type"]) == (200, "application/json")
        services = Discovery.model_validate(reply.json).services
        assert [(s.hook, s.id) for s in services] == [(hook, f"ionwise-{hook}") for hook in HOOKS]
        assert {s.version for s in services} == {"2.0.1"}


def test_d_12_every_service_answers(client: Client) -> None:
    for service in client.get("/cds-services").json["services"]:
        assert client.post(f"/cds-services/{service['id']}", request(service["hook"])).status == 200


def test_d_16_a_bearer_token_is_ignored(client: Client) -> None:
    assert client.get("/cds-services", authorization="Bearer x.y.z").status == 200


def test_d_17_templates_hold_only_tokens_of_the_standard(client: Client) -> None:
    for service in client.get("/cds-services").json["services"]:
        for key, query in service["prefetch"].items():
            assert set(re.findall(r"\{\{(.*?)\}\}", query)) <= TOKENS
            assert re.match(r"[A-Z][A-Za-z]+[/?]", query), key
            assert not re.search(r"_include|_revinclude|:not|:text|_has", query)


def test_d_19_each_hook_asks_for_its_keys_in_the_order_of_the_plan(client: Client) -> None:
    for service in client.get("/cds-services").json["services"]:
        assert list(service["prefetch"].items()) == [(e.key, e.query) for e in PLAN if service["hook"] in e.hooks]


def test_usage_requirements_name_the_required_keys(client: Client) -> None:
    assert "patient, labs (412 without)" in client.get("/cds-services").json["services"][0]["usageRequirements"]


def test_d_20_the_document_is_stable_and_can_be_cached(client: Client, make: Make) -> None:
    first, second = client.get("/cds-services"), make().get("/cds-services/")
    assert first.body == second.body
    assert first.headers["cache-control"] == "public, max-age=3600"
    again = client.get("/cds-services", if_none_match=f'"other", W/{first.headers["etag"]}')
    assert (again.status, again.body, again.headers["etag"]) == (304, b"", first.headers["etag"])


def test_d_22_head_has_no_body_and_post_is_a_405(client: Client) -> None:
    head = client.call("HEAD", "/cds-services")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-length"] == client.get("/cds-services").headers["content-length"]
    post = client.call("POST", "/cds-services")
    assert (post.status, post.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
    assert client.call("OPTIONS", "/cds-services").status == 204


def test_a_source_that_the_ehr_does_not_have_is_not_asked_for(make: Make) -> None:
    service = make(absent_sources="conditions").get("/cds-services").json["services"][0]
    assert "conditions" not in service["prefetch"]


def test_the_profile_of_the_ehr_varies_the_queries(make: Make) -> None:
    def labs(profile: str) -> str:
        return str(make(profile=profile).get("/cds-services").json["services"][0]["prefetch"]["labs"])

    assert "_sort" in labs("generic")
    assert "_sort" not in labs("oracle")
