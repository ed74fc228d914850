"""One service, several tenants: each call gets its own tenant's rules, and a reload swaps all of them or none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from cds_service.app import create_app
from cds_service.errors import KnowledgeError
from cds_service.settings import Settings
from cds_service.tenancy import Tenancy
from tests.fixtures.service import FIXTURES, gist
from tests.http.client import Client, Reply

REQUEST = orjson.loads((FIXTURES / "hooks/patient-view/severe_hypomagnesaemia_on_a_ppi.json").read_bytes())
SHOWN = [
    "critical mg-hypomagnesaemia",
    "critical emergency-red-flags + k-hypokalaemia + k-hypokalaemia-mg-low-or-unknown",
    "warning ppi-hypomagnesaemia-review",
]


def served(folder: Path, *, silent: bool = False) -> tuple[Client, Tenancy]:
    """A sandbox over the overlays of a folder, and what reloads it."""
    app = create_app(Settings(sandbox=True, tenants_dir=folder, silent=silent))
    return Client(app), app.state.tenancy


def ask(client: Client, tenant: str | None = None) -> Reply:
    """The recorded request on behalf of a tenant."""
    named = {} if tenant is None else {"org.ionwise.tenant": tenant}
    return client.post("/cds-services/ionwise-patient-view", REQUEST | {"extension": REQUEST["extension"] | named})


def cards(reply: Reply) -> list[str]:
    """The cards in one line each."""
    assert reply.status == 200, reply.body
    return [gist(card) for card in reply.json["cards"]]


def test_each_tenant_has_its_own_rules_and_language(tmp_path: Path) -> None:
    (tmp_path / "north.yaml").write_text("off: [mg-hypomagnesaemia]\nlanguages: [en]\n")
    (tmp_path / "south.yaml").write_text("languages: [nl]\n")
    client, _ = served(tmp_path)
    assert cards(ask(client, "north")) == SHOWN[1:]
    assert cards(ask(client, "south")) == SHOWN
    north, south = (ask(client, name).json for name in ("north", "south"))
    assert north["cards"][0]["summary"] != south["cards"][1]["summary"]
    hashes = {answer["extension"]["org.ionwise.decision"]["overlay_hash"] for answer in (north, south)}
    assert len(hashes) == 2
    assert "none" not in hashes


@pytest.mark.parametrize("tenant", [None, "west", 7])
def test_among_several_tenants_a_call_must_name_one_of_them(tmp_path: Path, tenant: Any) -> None:
    (tmp_path / "north.yaml").write_text("{}\n")
    (tmp_path / "south.yaml").write_text("{}\n")
    reply = ask(served(tmp_path)[0], tenant)
    assert reply.status == 400
    assert "org.ionwise.tenant" in reply.complaint


def test_the_only_tenant_needs_no_name_and_discovery_asks_its_queries(tmp_path: Path) -> None:
    code = "{system: 'https://lab.example', code: MG, concept: magnesium-serum}"
    (tmp_path / "only.yaml").write_text(f"loinc_too: false\nlab_codes: [{code}]\nabsent_sources: [procedures]\n")
    client, _ = served(tmp_path)
    assert cards(ask(client)) == SHOWN
    prefetch = client.get("/cds-services").json["services"][0]["prefetch"]
    assert any("https://lab.example|MG" in query for query in prefetch.values())
    assert "procedures" not in prefetch


def test_a_reload_swaps_in_the_new_overlay_and_keeps_the_old_one_when_it_is_wrong(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    overlay = tmp_path / "only.yaml"
    overlay.write_text("{}\n")
    client, tenancy = served(tmp_path)
    before = client.get("/cds-services").headers["etag"]
    overlay.write_text("off: [mg-hypomagnesaemia]\nabsent_sources: [procedures]\n")
    assert cards(ask(client)) == SHOWN
    assert tenancy.reload()
    assert cards(ask(client)) == SHOWN[1:]
    assert client.get("/cds-services").headers["etag"] != before
    overlay.write_text("off: [mg-nothing]\n")
    assert not tenancy.reload()
    assert "only.yaml:1: [overlay] unknown rule mg-nothing" in caplog.text
    assert cards(ask(client)) == SHOWN[1:]


def test_a_service_does_not_start_on_a_wrong_overlay(tmp_path: Path) -> None:
    (tmp_path / "only.yaml").write_text("limits: {mg-borderline-low.to: 2}\n")
    with pytest.raises(KnowledgeError, match=r"outside 0\.72 to 0\.75"):
        served(tmp_path)


def test_a_service_does_not_start_when_a_moved_limit_meets_another(tmp_path: Path) -> None:
    (tmp_path / "only.yaml").write_text("limits:\n  mg-supplement-above-ul.eu: 350\n")
    with pytest.raises(KnowledgeError, match="moved along: expected above-eu") as refused:
        served(tmp_path)
    assert {finding.line for finding in refused.value.findings} == {2}


@pytest.mark.parametrize(("overlay", "silent"), [("silent: true\n", False), ("{}\n", True)])
def test_the_sandbox_shows_silent_cards_and_marks_them(tmp_path: Path, overlay: str, silent: bool) -> None:
    (tmp_path / "only.yaml").write_text(overlay)
    reply = ask(served(tmp_path, silent=silent)[0])
    assert cards(reply) == SHOWN
    marks = [mark for card in reply.json["cards"] for mark in card["extension"]["org.ionwise.rules"]]
    assert {mark["status"] for mark in marks} == {"silent"}


def test_the_page_that_a_card_leads_to_shows_the_limits_of_its_tenant(tmp_path: Path) -> None:
    (tmp_path / "north.yaml").write_text("limits: {mg-hypomagnesaemia.severe: 0.45}\n")
    (tmp_path / "south.yaml").write_text("{}\n")
    client, _ = served(tmp_path)
    urls = [card["source"]["url"] for card in ask(client, "north").json["cards"]]
    (url,) = [url for url in urls if "/rules/mg-hypomagnesaemia?" in url]
    page = client.get(url.removeprefix("http://cds.test:8000"), accept_language="en").body.decode()
    assert "0.45 mmol/L (own value)" in page
    assert "eigen waarde" not in client.get("/rules/mg-hypomagnesaemia").body.decode()


def test_clinicians_may_reach_the_pages_at_another_address_than_the_ehr(tmp_path: Path) -> None:
    app = create_app(Settings(sandbox=True, data_dir=tmp_path, pages_url="https://pages.example/ionwise/"))
    cards = Client(app).post("/cds-services/ionwise-patient-view", REQUEST).json["cards"]
    assert cards
    assert all(card["source"]["url"].startswith("https://pages.example/ionwise/rules/") for card in cards)
