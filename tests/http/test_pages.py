"""Health, rule pages and the OpenAPI document."""

from __future__ import annotations

from tests.http.client import Client
from tests.http.conftest import HOOKS


def test_the_service_says_that_it_lives_and_with_which_knowledge(client: Client) -> None:
    assert client.get("/live").json == {"status": "live"}
    ready = client.get("/ready").json
    assert ready.pop("storage")["state"] == "off"
    assert ready == {"status": "ready", "knowledge": "1.2.3", "overlay": "none", "rules": 1}


def test_a_rule_page_shows_limits_sources_and_blind_spots_escaped(client: Client) -> None:
    reply = client.get("/rules/test-rule", accept_language="en")
    page = reply.body.decode()
    assert reply.headers["content-security-policy"].startswith("default-src 'none'")
    assert "Rule &lt;script&gt;" in page
    assert "Sees no &lt;i&gt;urine&lt;/i&gt;" in page
    assert "0.50 mmol/L" in page
    assert "0.40\u20130.55" in page
    assert 'href="https://journal.example/1"' in page
    assert "&lt;b&gt;bold" in page
    assert "<script" not in page


def test_a_rule_page_speaks_the_readers_language(client: Client) -> None:
    page = client.get("/rules/test-rule").body.decode()
    assert "Ziet geen" in page
    assert "0,50 mmol/L" in page
    assert "0,40\u20130,55" in page
    assert "bewijskracht: sterk" in page


def test_the_open_api_document_describes_every_endpoint(client: Client) -> None:
    document = client.get("/openapi.json").json
    services = {f"/cds-services/ionwise-{hook}" for hook in HOOKS}
    pages = {"/rules/{rule_id}", "/rules/{rule_id}.json", "/valuesets", "/valuesets/{value_set_id}"}
    assert services | pages | {"/cds-services", "/live", "/ready", "/version"} == set(document["paths"])
    sign = document["paths"]["/cds-services/ionwise-order-sign"]["post"]
    assert sign["requestBody"]["content"]["application/json"]["schema"]["$ref"].endswith("/OrderSignRequest")
    assert {"200", "400", "412", "413", "415"} <= set(sign["responses"])
    assert "Card" in document["components"]["schemas"]


def test_the_source_attributes_of_a_rule_are_json(client: Client) -> None:
    found = client.get("/rules/test-rule.json").json
    assert found["id"] == "test-rule"
    assert found["sourceAttributes"]["bibliographicCitation"][0]["url"] == "https://journal.example/1"
    assert found["limits"][0]["value"] == "0.50"


def test_what_does_not_exist_has_no_page(client: Client) -> None:
    pages = ("/docs", "/redoc", "/rules/none", "/rules/none.json", "/valuesets/none", "/rules/test-rule?tenant=nobody")
    for path in pages:
        reply = client.get(path)
        assert reply.status == 404, path
        assert reply.json["resourceType"] == "OperationOutcome"


def test_the_list_of_value_sets_is_empty_without_codes(client: Client) -> None:
    assert client.get("/valuesets").json == []
